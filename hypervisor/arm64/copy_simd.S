/* SPDX-License-Identifier: MIT */
/*
 * The inner loop of copy_large(): 128 bytes a turn, by SIMD registers, which are the guests'. Here EL2 borrows v0 to v7 and
 * puts them back, whosever they are, and leaves FPCR and FPSR alone; interrupts are masked throughout, so nobody else
 * sees them meanwhile. The gate in front of them (domain/vcpu_fp.h), which holds for EL2 too, is open for that long. What is
 * above bit 127 of them is lost: SVE is no guest's (CPTR_EL2.TZ).
 *
 * void copy_lines128(void *to, const void *from, size_t size): both aligned to 16 bytes, no overlap; size a multiple of 128,
 * not zero. Clobbers x0-x4.
 */
#include "asm_offsets.h"

	.arch	armv8-a+fp+simd
	.text
	.globl	copy_lines128
copy_lines128:
	mrs	x3, cptr_el2
	and	x4, x3, #~COPY_CPTR_TFP
	msr	cptr_el2, x4
	isb				// open, before the first use
	sub	sp, sp, #128
	mov	x4, sp
	st1	{v0.2d-v3.2d}, [x4], #64
	st1	{v4.2d-v7.2d}, [x4]
1:	ld1	{v0.2d-v3.2d}, [x1], #64
	ld1	{v4.2d-v7.2d}, [x1], #64
	subs	x2, x2, #128
	st1	{v0.2d-v3.2d}, [x0], #64
	st1	{v4.2d-v7.2d}, [x0], #64
	b.ne	1b
	ld1	{v4.2d-v7.2d}, [x4]
	ld1	{v0.2d-v3.2d}, [sp]
	add	sp, sp, #128
	msr	cptr_el2, x3		// complete at the ERET at the latest: nothing before it uses them
	ret
