/* SPDX-License-Identifier: MIT */
/*
 * Entry of a test guest: the arm64 Image header (linux: Documentation/arm64/booting.rst), the first
 * instructions of vCPU 0 and of the others, and the exception vectors.
 *
 * A test guest runs where it was linked: at the start of RAM plus text_offset, which is where both Xen
 * and Tenon put an Image. One that is linked for it runs anywhere.
 *
 * vCPU 0:  x0 device tree                 -> guest_main(device tree)
 * others:  x0 struct guest_cpu            -> guest_secondary(cpu, SCTLR_EL1 and DAIF at entry)
 */

#define FRAME_SIZE 288          /* sizeof(struct guest_frame), asserted in guest_trap.c */
#define CPU_STACK_TOP 0         /* offsetof(struct guest_cpu, stack_top), asserted in guest_smp.c */
#define CPU_WITH_MMU 8          /* .with_mmu */

	.section .head, "ax"
	.global _start
_start:
	b	start
	.long	0
	.quad	0x80000                 /* text_offset */
	.quad	__image_size            /* with .bss and the stacks */
	.quad	0xa                     /* little-endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.long	0x644d5241
	.long	0

	.text
start:
	mov	x19, x0
	/*
	 * A guest that may be loaded anywhere, as dom0 is where the machine has RAM, comes with its relocations: all are
	 * R_AARCH64_RELATIVE (Arm IHI 0056). Others have none.
	 */
	adr	x0, _start
	movz	x1, #0x4008, lsl #16            /* guest.lds */
	sub	x2, x0, x1
	adr	x3, __rela_start
	adr	x4, __rela_end
0:	cmp	x3, x4
	b.hs	0f
	ldp	x5, x6, [x3], #16               /* offset, type */
	ldr	x7, [x3], #8                    /* addend */
	cbz	x6, 0b                          /* R_AARCH64_NONE fills the table up */
	add	x7, x7, x2
	str	x7, [x5, x2]
	b	0b
0:
	/* Loaded elsewhere, nothing would work: stop where a debugger shows why. */
	adr	x0, _start
	ldr	x1, =_start
	cmp	x0, x1
1:	b.ne	1b

	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
2:	cmp	x0, x1
	b.hs	3f
	stp	xzr, xzr, [x0], #16
	b	2b
3:	ldr	x0, =guest_boot_stack_top
	mov	sp, x0
	bl	cpu_setup
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x19
	bl	guest_main
	b	.

	.global guest_secondary_entry
guest_secondary_entry:
	mov	x19, x0
	mrs	x20, sctlr_el1
	mrs	x21, daif
	ldr	x0, [x19, #CPU_STACK_TOP]
	mov	sp, x0
	bl	cpu_setup
	/* Nothing is written before: others map the stack Write-Back, and could fetch its lines at any moment. */
	ldr	w0, [x19, #CPU_WITH_MMU]
	cbz	w0, 4f
	bl	mmu_enable
4:	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	bl	guest_secondary
	b	.

/* Vectors, and FP and SIMD open. Clobbers x0. */
cpu_setup:
	ldr	x0, =vectors
	msr	vbar_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	isb
	ret

/* ---- caches on and off (guest_mmu.h). Without a stack, which is not the same memory before and after. ---- */

	.macro	tlb_invalidate_all
	dsb	ishst
	tlbi	vmalle1is
	dsb	ish
	isb
	.endm

	.global mmu_enable
mmu_enable:
	ldr	x2, =mmu_registers              /* never written: the same, caches on or off */
	ldp	x0, x1, [x2]
	msr	mair_el1, x0
	msr	tcr_el1, x1
	ldr	x0, [x2, #16]
	msr	ttbr0_el1, x0
	isb
	tlb_invalidate_all
	mrs	x0, sctlr_el1
	mov	x1, #((1 << 12) | (1 << 2) | 1)
	orr	x0, x0, x1
	msr	sctlr_el1, x0
	isb
	ret

	.global mmu_disable
mmu_disable:
	mrs	x0, sctlr_el1
	mov	x1, #((1 << 12) | (1 << 2) | 1)
	bic	x0, x0, x1
	msr	sctlr_el1, x0
	isb
	/* Before this a line that was cleaned could be fetched again at any moment. */
	ldr	x0, =__image_start
	ldr	x1, =__image_end
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
5:	dc	civac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	5b
	dsb	sy
	tlb_invalidate_all
	ret

/* ---- exceptions: struct guest_frame on the stack, then guest_exception(frame, kind) --------------- */

	.macro	vector kind
	.balign	128
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #0]
	mov	x1, #\kind
	b	exception
	.endm

	.balign	2048
vectors:
	vector	0               /* EL1t: synchronous, IRQ, FIQ, SError */
	vector	1
	vector	2
	vector	3
	vector	4               /* EL1h */
	vector	5
	vector	6
	vector	7
	vector	8               /* EL0, AArch64 */
	vector	9
	vector	10
	vector	11
	vector	12              /* EL0, AArch32 */
	vector	13
	vector	14
	vector	15

exception:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	stp	x30, x2, [sp, #240]
	mrs	x2, spsr_el1
	mrs	x3, esr_el1
	stp	x2, x3, [sp, #256]
	mrs	x2, far_el1
	str	x2, [sp, #272]
	mov	x0, sp
	bl	guest_exception
	ldp	x30, x2, [sp, #240]
	msr	elr_el1, x2
	ldr	x2, [sp, #256]
	msr	spsr_el1, x2
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	add	sp, sp, #FRAME_SIZE
	eret

	.section .bss.stacks, "aw", %nobits
	.balign	16
	.space	16384
guest_boot_stack_top:
