/* SPDX-License-Identifier: MIT */
/*
 * Entry at EL1, EL2 or EL3, exception vectors, a call of EL1 from EL2, and turning the MMU on and off.
 *
 * Nothing is written before the lines of .bss and of the cold stacks have been invalidated: with
 * --entry=adversarial a cache may hold clean copies of them, which stores with the MMU off would make stale.
 * With the MMU off no cache can fetch them again (Arm ARM DDI 0487, "Behavior when stage 1 address
 * translation is disabled": all data is Device).
 */

#define CPU_STACK_SHIFT 12

	.section .text.start, "ax"
	.global _start
_start:
	ldr	x0, =corpus_data_start
	ldr	x1, =corpus_cold_end
	bl	invalidate_range
	bl	vectors_on
	ldr	x0, =corpus_stack_top
	mov	sp, x0
	mov	x29, xzr
	bl	guest
	bl	corpus_pass
	b	.

/*
 * Of a CPU that PSCI CPU_ON started: x0 is the function. It runs with the MMU off on a stack that no table
 * maps.
 */
	.global corpus_secondary_entry
corpus_secondary_entry:
	mov	x19, x0
	bl	vectors_on
	mrs	x1, mpidr_el1
	and	x1, x1, #3
	ldr	x2, =corpus_cold_stacks_top
	sub	x2, x2, x1, lsl #CPU_STACK_SHIFT
	mov	sp, x2
	mov	x29, xzr
	ldr	x2, =corpus_started
	add	x2, x2, x1, lsl #6
	str	x2, [x2]		/* for cpu_wait_off(): CPU 0 has this page non-cacheable */
	blr	x19
	bl	corpus_cpu_off
	b	.

/*
 * [x0, x1): DC CIVAC where the MMU is off, which leaves what the loader's caches may still hold of .data in
 * memory.
 */
	.type	invalidate_range, %function
invalidate_range:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x2, x3, x2
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy		/* before the first store */
	ret

/*
 * Vectors of this EL, FP and SIMD open, and below EL2 an EL1 that runs AArch64 without stage 2. Clobbers x0,
 * x1.
 */
	.type	vectors_on, %function
vectors_on:
	ldr	x0, =vectors
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.hi	3f
	b.eq	2f
	msr	vbar_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	ldr	x0, =0x30d00800		/* SCTLR_EL1: RES1, everything off */
	msr	sctlr_el1, x0
	isb
	ret
2:	msr	vbar_el2, x0
	msr	vbar_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	mov	x0, #(1 << 31)		/* HCR_EL2.RW */
	msr	hcr_el2, x0
	mov	x0, #0x32ff		/* CPTR_EL2: RES1, traps nothing, SVE neither */
	msr	cptr_el2, x0
	ldr	x0, =0x30d00800
	msr	sctlr_el1, x0
	ldr	x0, =0x30c50830		/* SCTLR_EL2: RES1, everything off */
	msr	sctlr_el2, x0
	isb
	ret
3:	msr	vbar_el3, x0
	msr	cptr_el3, xzr
	ldr	x0, =0x30c50830
	msr	sctlr_el3, x0
	isb
	ret

/* ---- EL2 calls EL1 ---------------------------------------------------------------------------------- */

/*
 * uint64_t corpus_call_el1(x0 function, x1, x2, x3 its arguments, x4 its stack): runs it at EL1 with whatever
 * the system registers say and returns what it returned. No barrier but what ERET and HVC are.
 */
	.text
	.global corpus_call_el1
	.type	corpus_call_el1, %function
corpus_call_el1:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	msr	elr_el2, x0
	mov	x0, #0x3c5		/* EL1h, all interrupts masked */
	msr	spsr_el2, x0
	msr	sp_el1, x4
	adr	x30, corpus_el1_returns
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x29, xzr
	eret

	.type	corpus_el1_returns, %function
corpus_el1_returns:
	hvc	#0
	b	.

/*
 * The same with EL1 in AArch32: x0 code, x1 its argument in r0. Its HVC returns r0. Clears HCR_EL2.RW
 * meanwhile.
 */
	.global corpus_call_el1_a32
	.type	corpus_call_el1_a32, %function
corpus_call_el1_a32:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	msr	elr_el2, x0
	mov	x0, #0x1d3		/* Supervisor mode, A32, interrupts masked */
	msr	spsr_el2, x0
	mrs	x2, hcr_el2
	bic	x2, x2, #(1 << 31)
	msr	hcr_el2, x2
	ldr	w2, =0x00c50838		/* SCTLR: RES1, everything off; AArch32's SCTLR is SCTLR_EL1 */
	msr	sctlr_el1, x2
	isb
	mov	x0, x1
	eret

/*
 * uint64_t corpus_call_el0(x0 function, x1 argument): EL1 calls EL0. The function, of one page, ends with SVC
 * and uses no stack.
 */
	.global corpus_call_el0
	.type	corpus_call_el0, %function
corpus_call_el0:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	msr	elr_el1, x0
	mov	x0, #0x3c0		/* EL0, all interrupts masked */
	msr	spsr_el1, x0
	mov	x0, x1
	eret

/*
 * ---- vectors: HVC from EL1 and SVC from EL0 end the calls above; a system instruction of EL1 that EL2 traps is left out; all else is the
 * guest's mistake ----
 */

	.macro	vector what
	.balign	128
	\what
	.endm
	.macro	back_to_caller
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
	.endm

	.balign	2048
vectors:
	.rept	8
	vector	"b corpus_unexpected"
	.endr
	vector	"b lower_el"
	.rept	3
	vector	"b corpus_unexpected"
	.endr
	vector	"b lower_el"
	.rept	3
	vector	"b corpus_unexpected"
	.endr

lower_el:
	msr	tpidr_el1, x1
	mrs	x1, CurrentEL
	cmp	x1, #(1 << 2)
	b.eq	1f
	mrs	x1, esr_el2
	lsr	x1, x1, #26
	cmp	x1, #0x18		/* MSR, MRS or SYS from AArch64 */
	b.eq	2f
	cmp	x1, #0x16		/* HVC from AArch64 */
	ccmp	x1, #0x12, #4, ne	/* or from AArch32 */
	b.ne	corpus_unexpected
	mrs	x1, hcr_el2
	orr	x1, x1, #(1 << 31)	/* RW again, after AArch32 */
	msr	hcr_el2, x1
	back_to_caller
1:	mrs	x1, esr_el1
	lsr	x1, x1, #26
	cmp	x1, #0x15		/* SVC from AArch64 */
	b.ne	corpus_unexpected
	back_to_caller
2:	mrs	x1, elr_el2
	add	x1, x1, #4
	msr	elr_el2, x1
	mrs	x1, tpidr_el1		/* the condition flags come back with SPSR_EL2 */
	eret

/* ---- MMU ----------------------------------------------------------------------------------------------- */

/*
 * corpus_sctlr(x0 new value): SCTLR of this EL; TLBs are emptied first, since what they hold from before is
 * unknown. corpus_sctlr_only(x0): without that. Neither touches memory.
 */
	.global corpus_sctlr, corpus_sctlr_only
	.type	corpus_sctlr, %function
	.type	corpus_sctlr_only, %function
corpus_sctlr:
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.hi	3f
	b.eq	2f
	tlbi	vmalle1
	b	4f
2:	tlbi	alle2
	b	4f
3:	tlbi	alle3
4:	dsb	nsh		/* the TLBI is complete on this CPU */
	isb			/* and so is the change of TTBR, TCR, MAIR before SCTLR */
corpus_sctlr_only:
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.hi	3f
	b.eq	2f
	msr	sctlr_el1, x0
	isb
	ret
2:	msr	sctlr_el2, x0
	isb
	ret
3:	msr	sctlr_el3, x0
	isb
	ret

/*
 * corpus_cached_run(x0 function, x1 stack, x2 SCTLR): turns the MMU on with what is installed, runs the
 * function on that stack, turns the CPU off. Nothing is read from or written to the old stack, which need not
 * be mapped.
 */
	.global corpus_cached_run
	.type	corpus_cached_run, %function
corpus_cached_run:
	mov	x19, x0
	mov	x20, x1
	mov	x0, x2
	bl	corpus_sctlr
	mov	sp, x20
	mov	x29, xzr
	blr	x19
	bl	corpus_cpu_off
	b	.

/*
 * uint64_t corpus_load_mmu_off(x0 address, x1 SCTLR without M and C, x2 SCTLR as it is): turns MMU and
 * caches off at this EL, loads, turns them on again. corpus_call_mmu_off(x0, x1, x2) calls a function that
 * uses no stack. The code is mapped at its physical address.
 */
	.macro	sctlr_set value
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.hi	8f
	b.eq	7f
	msr	sctlr_el1, \value
	b	9f
7:	msr	sctlr_el2, \value
	b	9f
8:	msr	sctlr_el3, \value
9:	isb
	.endm

	.global corpus_load_mmu_off
	.type	corpus_load_mmu_off, %function
corpus_load_mmu_off:
	sctlr_set x1
	ldr	x0, [x0]
	sctlr_set x2
	ret

	.global corpus_call_mmu_off
	.type	corpus_call_mmu_off, %function
corpus_call_mmu_off:
	mov	x10, x30
	mov	x11, x2
	sctlr_set x1
	blr	x0
	sctlr_set x11
	ret	x10

/* ---- memory ------------------------------------------------------------------------------------------ */

	.section .bss
	.balign	16
corpus_stack:
	.space	16384
	.global corpus_stack_top
corpus_stack_top:

	.section .cold, "aw", %nobits
	.balign	65536
corpus_cold_stacks:
	.space	4 << CPU_STACK_SHIFT
corpus_cold_stacks_top:
	.global corpus_el1_stack_top
	.space	8192
corpus_el1_stack_top:
	.balign	65536
	.global	corpus_started
corpus_started:
	.space	4 * 64

	.section .tables, "aw", %nobits
	.balign	65536
	.global corpus_tables, corpus_tables_end
corpus_tables:
	.space	10 << 16
corpus_tables_end:

	.section .newcode, "awx", %nobits
	.balign	65536
	.global new_code, new_code_2
	.type	new_code, %function
new_code:
	.space	65536
	.size	new_code, 65536
	.type	new_code_2, %function
new_code_2:
	.space	65536
	.size	new_code_2, 65536
