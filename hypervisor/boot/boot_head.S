/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of each CPU: Linux arm64 Image header, own page tables, MMU on, C.
 *
 * Entry state (Linux: Documentation/arch/arm64/booting.rst): EL2, MMU and data cache off, x0 = machine
 * address of the device tree, image clean to the PoC, any 4 KiB-aligned address.
 *
 * With the MMU off nothing is written but the boot tables below. Those writes go to the PoC; lines of
 * the same addresses that a boot loader left in a cache would shadow them, so the range is invalidated
 * before (nothing dirty may be written back over them) and after (nothing stale may be walked).
 *
 * Long-lived registers:  x19 device tree   x20 machine address of image_start   x21 level-3 tables
 */
#include "asm_offsets.h"

	.section .head.text, "ax"
	.globl image_header
image_header:
	b	primary_entry			// code0
	.long	0				// code1
	.quad	0				// text_offset
	.quad	image_size			// image_size, .bss included
	.quad	0xa				// flags: little-endian, 4 KiB pages, anywhere
	.quad	0
	.quad	0
	.quad	0
	.ascii	"ARM\x64"
	.long	0				// no PE header

/* map_segment first, end, attributes: level-3 entries of one segment. Clobbers x0-x4. */
	.macro	map_segment first, end, attributes
	adrp	x0, \first
	adrp	x1, \end
	ldr	x2, =\attributes
	bl	boot_map_pages
	.endm

/* x0 = base, x1 = end: DC IVAC by the smallest line, then DSB. Clobbers x0, x2, x3. */
	.section .idmap.text, "ax"
boot_invalidate:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	dsb	sy				// complete before the tables are written, or walked
	ret

boot_map_pages:
	cmp	x0, x1
	b.hs	2f
	sub	x3, x0, x20
	lsr	x3, x3, #12
	add	x3, x21, x3, lsl #3
1:	orr	x4, x0, x2
	str	x4, [x3], #8
	add	x0, x0, #4096
	cmp	x0, x1
	b.lo	1b
2:	ret

	.globl primary_entry
primary_entry:
	mov	x19, x0
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	boot_halt			// no console yet: nothing can be said
	ldr	x0, =BOOT_SCTLR_OFF
	msr	sctlr_el2, x0
	isb
	msr	daifset, #0xf
	msr	spsel, #1			// no loader promises it, and the vectors need it
	adrp	x20, image_start

	adrp	x0, boot_tables_start
	adrp	x1, boot_tables_end
	bl	boot_invalidate
	adrp	x0, boot_tables_start
	adrp	x1, boot_tables_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	/* The image at IMAGE_BASE: level 0 slot 255, two level-3 tables. */
	adrp	x21, boot_image_l3
	map_segment image_start, init_text_end, BOOT_PTE_RX
	map_segment init_text_end, rodata_end, BOOT_PTE_RO
	map_segment rodata_end, boot_stack_guard, BOOT_PTE_RW
	adrp	x0, boot_stack_guard
	add	x0, x0, #4096			// the guard page stays invalid
	adrp	x1, image_end
	ldr	x2, =BOOT_PTE_RW
	bl	boot_map_pages
	adrp	x0, boot_image_l2
	orr	x1, x21, #3
	str	x1, [x0]
	add	x1, x1, #4096
	str	x1, [x0, #8]
	adrp	x1, boot_image_l1
	orr	x0, x0, #3
	str	x0, [x1]
	adrp	x0, boot_l0
	orr	x1, x1, #3
	str	x1, [x0, #(255 * 8)]

	/* The page of this code 1:1, while the MMU is turned on. */
	adrp	x1, idmap_text_start
	adrp	x2, boot_idmap_l3
	ubfx	x3, x1, #12, #9
	ldr	x4, =BOOT_PTE_RX
	orr	x4, x4, x1
	str	x4, [x2, x3, lsl #3]
	adrp	x4, boot_idmap_l2
	ubfx	x3, x1, #21, #9
	orr	x2, x2, #3
	str	x2, [x4, x3, lsl #3]
	adrp	x2, boot_idmap_l1
	ubfx	x3, x1, #30, #9
	orr	x4, x4, #3
	str	x4, [x2, x3, lsl #3]
	ubfx	x3, x1, #39, #9
	orr	x2, x2, #3
	str	x2, [x0, x3, lsl #3]

	dsb	sy				// the tables are at the PoC before stale lines go
	adrp	x0, boot_tables_start
	adrp	x1, boot_tables_end
	bl	boot_invalidate

	adrp	x0, boot_l0
	bl	boot_mmu_on

	ldr	x0, =boot_stack_top
	mov	sp, x0
	msr	tpidr_el2, xzr			// the boot CPU uses section .percpu itself
	ldr	x0, =exception_vectors
	msr	vbar_el2, x0
	isb

	/* .bss with the MMU on: ordinary cacheable stores, nothing to maintain. */
	ldr	x0, =bss_start
	ldr	x1, =bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	mov	x0, x19
	mov	x1, x20
	mov	x29, xzr
	mov	x30, xzr
	ldr	x2, =boot_main
	br	x2

/* x0 = machine address of the level-0 table. Returns with the MMU on, to the virtual return address of
 * the caller. Clobbers x0-x3. */
boot_mmu_on:
	msr	ttbr0_el2, x0
	ldr	x1, =BOOT_MAIR
	msr	mair_el2, x1
	ldr	x1, =BOOT_TCR
	mrs	x2, id_aa64mmfr0_el1
	and	x2, x2, #7			// PARange; 52 bits (6) is used as 48 (5)
	mov	x3, #5
	cmp	x2, x3
	csel	x2, x2, x3, lo
	orr	x1, x1, x2, lsl #16
	msr	tcr_el2, x1
	msr	hcr_el2, xzr			// E2H = 0 before the TLBI decides its regime
	isb
	tlbi	alle2
	ic	iallu				// whatever ran at these addresses before
	dsb	nsh				// both are complete before the first walk
	isb
	ldr	x1, =BOOT_SCTLR
	msr	sctlr_el2, x1
	isb
	/* The return address as linked: machine address - load address + link address. */
	adrp	x1, image_start
	ldr	x2, =image_start
	sub	x30, x30, x1
	add	x30, x30, x2
	ret

boot_halt:
	wfe
	b	boot_halt

/* x0 = machine address of this CPU's struct boot_secondary, cleaned to the PoC by the boot CPU. */
	.globl boot_secondary_entry
boot_secondary_entry:
	mov	x19, x0
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	boot_halt
	ldr	x0, =BOOT_SCTLR_OFF
	msr	sctlr_el2, x0
	isb
	msr	daifset, #0xf
	msr	spsel, #1			// no loader promises it, and the vectors need it
	ldr	x0, [x19, #SECONDARY_TTBR]
	ldr	x22, [x19, #SECONDARY_STACK]
	ldr	x23, [x19, #SECONDARY_PERCPU]
	bl	boot_mmu_on
	mov	sp, x22
	msr	tpidr_el2, x23
	ldr	x0, =exception_vectors
	msr	vbar_el2, x0
	isb
	mov	x29, xzr
	mov	x30, xzr
	ldr	x0, =boot_secondary_main
	br	x0
	.ltorg

	.section .boot_tables, "aw", %nobits
	.balign 4096
	.globl boot_l0
boot_l0:	.skip 4096
boot_image_l1:	.skip 4096
boot_image_l2:	.skip 4096
boot_image_l3:	.skip 8192
boot_idmap_l1:	.skip 4096
boot_idmap_l2:	.skip 4096
boot_idmap_l3:	.skip 4096
