/* SPDX-License-Identifier: MIT */
/*
 * The inner loop of memory_scrub() (C2) where cache lines and DC ZVA blocks are both 64 bytes: sixteen lines at a
 * time, so that one address computation serves both passes. This loop is what creating a domain costs.
 *
 * void scrub_lines64(void *va, size_t size): size a multiple of 1024, not zero. Clobbers x2-x17.
 */
	.text
	.globl scrub_lines64
scrub_lines64:
	add	x1, x0, x1
1:	add	x2, x0, #64
	add	x3, x0, #128
	add	x4, x0, #192
	add	x5, x0, #256
	add	x6, x0, #320
	add	x7, x0, #384
	add	x8, x0, #448
	add	x9, x0, #512
	add	x10, x0, #576
	add	x11, x0, #640
	add	x12, x0, #704
	add	x13, x0, #768
	add	x14, x0, #832
	add	x15, x0, #896
	add	x16, x0, #960
	.irp	line, x0, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16
	dc	civac, \line
	.endr
	dsb	sy		// a dirty line has reached memory before the zeroes do, or it would overwrite them
	.irp	line, x0, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16
	dc	zva, \line
	.endr
	add	x0, x0, #1024
	cmp	x0, x1
	b.lo	1b
	ret
