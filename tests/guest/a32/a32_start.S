/* SPDX-License-Identifier: MIT */
/*
 * Entry of the 32-bit test guest: the zImage header (linux: arch/arm/boot/compressed/head.S), the first instructions
 * of both vCPUs, the exception vectors, and what C cannot say.
 *
 * vCPU 0: r0 = 0, r1, r2 = device tree  -> a32_main(struct a32_start *), what it found there
 */
	.syntax unified
	.arch	armv7-a
	.arch_extension virt
	.arch_extension sec
	.arm

	.section .head, "ax"
	.global _start
_start:
	.rept	8
	mov	r0, r0
	.endr
	b	start
	.word	0x016f2818
	.word	_start
	.word	__file_end
	.word	0x04030201

	.text
start:
	/* Before anything changes: registers, CPSR, SCTLR. */
	mrs	r3, cpsr
	mrc	p15, 0, r4, c1, c0, 0
	mov	r5, r0
	adr	r0, _start_here
	ldr	r6, =_start_here
	cmp	r0, r6
1:	bne	1b
_start_here:
	ldr	r6, =__bss_start
	ldr	r7, =__bss_end
	mov	r8, #0
2:	cmp	r6, r7
	strlo	r8, [r6], #4
	blo	2b
	ldr	r0, =a32_found
	stmia	r0, {r5}
	str	r1, [r0, #4]
	str	r2, [r0, #8]
	str	r3, [r0, #12]
	str	r4, [r0, #16]
	ldr	r1, =stacks_0
	bl	cpu_setup
	bl	a32_main
3:	b	3b

/* r1: the end of this vCPU's stacks, 4 KiB for each of SVC, UND, ABT, IRQ, FIQ. Clobbers r1, r2. */
cpu_setup:
	mov	sp, r1
	sub	r1, r1, #4096
	cps	#0x1b
	mov	sp, r1
	sub	r1, r1, #4096
	cps	#0x17
	mov	sp, r1
	sub	r1, r1, #4096
	cps	#0x12
	mov	sp, r1
	sub	r1, r1, #4096
	cps	#0x11
	mov	sp, r1
	cps	#0x13
	ldr	r1, =vectors
	mcr	p15, 0, r1, c12, c0, 0
	/* CP10 and CP11 open, FPEXC.EN. */
	mov	r1, #(0xf << 20)
	mcr	p15, 0, r1, c1, c0, 2
	isb
	.fpu	neon
	mov	r1, #(1 << 30)
	vmsr	fpexc, r1
	bx	lr

/* vCPU 1, in either state: r0 is the context, CPSR at entry goes along. */
	.global a32_entry_arm
a32_entry_arm:
	mrs	r1, cpsr
	b	secondary
	.thumb
	.global a32_entry_thumb
	.thumb_func
a32_entry_thumb:
	mrs	r1, cpsr
	orr	r1, r1, #0x20		@ MRS does not show T
	ldr	r2, =secondary
	bx	r2
	.arm
	.align	2
secondary:
	mov	r4, r0
	mov	r5, r1
	ldr	r1, =stacks_1
	bl	cpu_setup
	mov	r0, r4
	mov	r1, r5
	bl	a32_secondary
4:	b	4b

/*
 * ---- exceptions: a32_exception(kind, LR, CPSR) returns where to go on, in SVC mode; bit 0: in T32 ------------
 *
 * SPSR is not looked at: QEMU has that of the current mode in a place where EL2 at AArch64 neither reads nor writes it.
 */

	.macro	handler kind
	push	{r0-r3, r12, lr}
	mov	r0, #\kind
	mov	r1, lr
	mrs	r2, cpsr
	bl	a32_exception
	movw	r1, #0x1d3
	tst	r0, #1
	orrne	r1, r1, #0x20
	msr	spsr_cxsf, r1
	bic	r0, r0, #1
	str	r0, [sp, #20]
	ldmfd	sp!, {r0-r3, r12, pc}^
	.endm

	.align	5
vectors:
	b	.
	b	undefined
	b	.
	b	prefetch_abort
	b	data_abort
	b	.
	b	.
	b	.
undefined:
	handler	1
prefetch_abort:
	handler	3
data_abort:
	handler	4

/* ---- calls ----------------------------------------------------------------------------------------- */

/* a32_call(u32 r[13], conduit): r0 to r12 from and to the array; conduit 0 HVC #0, 1 SMC #0, 2 HVC #0xea1. */
	.global a32_call
a32_call:
	push	{r0, r4-r11, lr}
	mov	lr, r0
	cmp	r1, #1
	ldmia	lr, {r0-r12}
	beq	5f
	bhi	6f
	hvc	#0
	b	7f
5:	smc	#0
	b	7f
6:	hvc	#0xea1
7:	ldr	lr, [sp]
	stmia	lr, {r0-r12}
	pop	{r0, r4-r11, pc}

/* The same for XENVER_version, from T32; returns r0. */
	.thumb
	.thumb_func
	.global a32_thumb_version
a32_thumb_version:
	push	{r4, lr}
	movs	r0, #0
	movs	r1, #0
	mov	r12, #17
	hvc	#0xea1
	pop	{r4, pc}

/* HVC #1, undefined, from T32; its handler comes back behind it. */
	.thumb_func
	.global a32_thumb_undefined
a32_thumb_undefined:
	push	{r4, lr}
	.global a32_thumb_undefined_at
a32_thumb_undefined_at:
	hvc	#1
	.global a32_thumb_undefined_after
a32_thumb_undefined_after:
	pop	{r4, pc}

/* In an IT block: the first is not executed (PMCR into r0), the second is; IT must advance over both. */
	.thumb_func
	.global a32_thumb_it
a32_thumb_it:
	movs	r0, #0x55
	movs	r1, #0
	cmp	r1, #0
	ite	ne
	mrcne	p15, 0, r0, c0, c1, 0
	mrceq	p15, 0, r1, c0, c1, 0
	lsls	r1, r1, #16
	orrs	r0, r1
	bx	lr

/* The same, with a trap in the middle of a longer block: what follows must see the condition. */
	.thumb_func
	.global a32_thumb_it_goes_on
a32_thumb_it_goes_on:
	movs	r1, #0
	movs	r0, #0
	cmp	r1, #0
	itte	eq
	mrceq	p15, 0, r1, c0, c1, 0
	addeq	r0, #1
	addne	r0, #16
	bx	lr
	.arm
	.align	2

/* ---- one register of a device, into each mode's LR and SP_irq: r0 the address, r1 where to ------------ */

	.global a32_read_banked
a32_read_banked:
	push	{r4, lr}
	ldr	lr, [r0]
	str	lr, [r1, #0]
	cps	#0x12
	mov	r2, sp
	ldr	lr, [r0]
	ldr	sp, [r0]
	mov	r3, sp
	mov	sp, r2
	str	lr, [r1, #4]
	str	r3, [r1, #8]
	cps	#0x11
	mov	r8, #0
	ldr	r8, [r0]
	ldr	lr, [r0]
	str	r8, [r1, #12]
	str	lr, [r1, #16]
	cps	#0x13
	pop	{r4, pc}

/* Jump to r0; where the prefetch abort's handler comes back to. */
	.global a32_jump
a32_jump:
	push	{r4, lr}
	ldr	r1, =a32_resume
	adr	r2, 8f
	str	r2, [r1]
	bx	r0
8:	pop	{r4, pc}

/* ---- the MMU: r0 TTBCR, r1 TTBR0, r2 MAIR0 or PRRR, r3 MAIR1 or NMRR -------------------------------- */

	.global a32_mmu_on
a32_mmu_on:
	mcr	p15, 0, r0, c2, c0, 2
	isb
	tst	r0, #0x80000000
	mcreq	p15, 0, r1, c2, c0, 0
	movne	r12, #0
	mcrrne	p15, 0, r1, r12, c2
	mcr	p15, 0, r2, c10, c2, 0
	mcr	p15, 0, r3, c10, c2, 1
	mov	r12, #1			@ domain 0 is a client
	mcr	p15, 0, r12, c3, c0, 0
	dsb
	mov	r12, #0
	mcr	p15, 0, r12, c8, c7, 0	@ TLBIALL
	dsb
	isb
	mrc	p15, 0, r12, c1, c0, 0
	orr	r12, r12, #0x10000000	@ TRE
	orr	r12, r12, #0x5
	mcr	p15, 0, r12, c1, c0, 0
	isb
	bx	lr

	.global a32_mmu_off
a32_mmu_off:
	mrc	p15, 0, r0, c1, c0, 0
	bic	r0, r0, #0x5
	mcr	p15, 0, r0, c1, c0, 0
	isb
	/* What was written meanwhile, to memory: all of the image, by VA. */
	ldr	r1, =__image_start
	ldr	r2, =__bss_end
9:	mcr	p15, 0, r1, c7, c14, 1	@ DCCIMVAC
	add	r1, r1, #16
	cmp	r1, r2
	blo	9b
	dsb
	mov	r0, #0
	mcr	p15, 0, r0, c8, c7, 0
	dsb
	isb
	bx	lr

	.section .bss.stacks, "aw", %nobits
	.balign	8
	.space	5 * 4096
stacks_0:
	.space	5 * 4096
stacks_1:
