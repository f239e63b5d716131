/* SPDX-License-Identifier: MIT */
/*
 * EL2's exception vectors and the way into a guest.
 *
 * While a guest runs, SP_EL2 points to its struct vcpu, whose first member is the frame of general
 * registers: the entry code needs no scratch register and no push. C runs on the CPU's own stack.
 * Interrupts stay masked at EL2, so only a bug of Tenon enters through the "current EL" vectors.
 */
#include "asm_offsets.h"

#define HVC64_IMM0	0x5a00		/* ESR_EL2[31:16] of HVC #n: EC 0x16, IL; bits 15:0 are n */
#define SMCCC_STANDARD_BIT	26	/* of function identifiers, set for the owners 4 and 5 (Arm DEN 0028) */

/*
 * Save the guest's registers, change to the CPU's stack and call a function of trap/ with the vCPU; x0 and x1 are already in
 * the frame for entries that peeked, and x1 is the function's second argument then. x19 = struct vcpu afterwards.
 */
	.macro	call_c function, peeked=0
	.if	\peeked == 0
	stp	x0, x1, [sp, #(REGS_X + 16 * 0)]
	.endif
	stp	x2, x3, [sp, #(REGS_X + 16 * 1)]
	stp	x4, x5, [sp, #(REGS_X + 16 * 2)]
	stp	x6, x7, [sp, #(REGS_X + 16 * 3)]
	stp	x8, x9, [sp, #(REGS_X + 16 * 4)]
	stp	x10, x11, [sp, #(REGS_X + 16 * 5)]
	stp	x12, x13, [sp, #(REGS_X + 16 * 6)]
	stp	x14, x15, [sp, #(REGS_X + 16 * 7)]
	stp	x16, x17, [sp, #(REGS_X + 16 * 8)]
	stp	x18, x19, [sp, #(REGS_X + 16 * 9)]
	stp	x20, x21, [sp, #(REGS_X + 16 * 10)]
	stp	x22, x23, [sp, #(REGS_X + 16 * 11)]
	stp	x24, x25, [sp, #(REGS_X + 16 * 12)]
	stp	x26, x27, [sp, #(REGS_X + 16 * 13)]
	stp	x28, x29, [sp, #(REGS_X + 16 * 14)]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x30, x2, [sp, #(REGS_X + 16 * 15)]	// x30 and pc are neighbours
	ldr	x2, [sp, #VCPU_STACK_TOP]
	str	x3, [sp, #REGS_PSTATE]
	mov	x0, sp
	mov	x19, sp
	mov	sp, x2
	bl	\function
	.endm

	.section .vectors.text, "ax"

	.macro	vector name
	.balign	128
\name:
	.endm

	/* x0 is lost: there is nothing to return to. */
	.macro	bug_vector kind
	.balign	128
	b	bug_\kind
	.endm

	.balign	2048
	.globl	exception_vectors
exception_vectors:
	bug_vector sp0_sync
	bug_vector sp0_irq
	bug_vector sp0_fiq
	bug_vector sp0_serror

	bug_vector el2_sync
	bug_vector el2_irq
	bug_vector el2_fiq
	bug_vector el2_serror

	/*
	 * Hypercalls are the most frequent, and the ones that count: they have the slot to themselves. No other syndrome
	 * comes out below 2^16.
	 */
	vector guest64_sync
	stp	x0, x1, [sp, #REGS_X]
	mrs	x1, esr_el2
	mov	w0, #(HVC64_IMM0 << 16)
	sub	w0, w1, w0			// of an HVC: its immediate
	cbz	w0, guest_smccc
	cmp	w0, #HYPERCALL_TAG
	b.ne	guest_sync
	call_c	hypercall_trap, peeked=1
	b	guest_leave

	vector guest64_irq
	call_c	trap_from_guest_irq
	b	guest_leave
	vector guest64_fiq
	call_c	trap_from_guest_irq
	b	guest_leave
	vector guest64_serror
	call_c	trap_from_guest_serror
	b	guest_leave

	vector guest32_sync
	stp	x0, x1, [sp, #REGS_X]
	/* An exception injected into an AArch32 EL1 changes banked registers, which are among x16 to x30. */
	mov	w0, #1
	str	w0, [sp, #REGS_STALE]
	mrs	x1, esr_el2
	b	guest_sync
	vector guest32_irq
	b	guest64_irq
	vector guest32_fiq
	b	guest64_fiq
	vector guest32_serror
	b	guest64_serror
	.balign	128

/*
 * SMCCC_ARCH_WORKAROUND_1 (0x80008000) and _3 (0x80003fff): kernels issue them on every entry from user
 * space on some CPUs (Arm DEN 0070). Entering EL2 was the point of the call: return at once, x0-x3
 * untouched but x0 = 0 (SMCCC_RET_SUCCESS).
 */
guest_smccc:
	ldr	w0, [sp, #REGS_X]		// SMCCC function identifier
	mov	w1, #0x80008000
	cmp	w0, w1
	b.eq	1f
	tbnz	w0, #SMCCC_STANDARD_BIT, 2f	// PSCI: not the architecture's
	mov	w1, #0x3fff
	movk	w1, #0x8000, lsl #16
	cmp	w0, w1
	b.ne	2f
1:	mov	x0, xzr
	ldr	x1, [sp, #(REGS_X + 8)]
	eret
	dsb	nsh				// no speculation past ERET
	isb

2:	call_c	trap_smccc, peeked=1
	b	guest_leave

guest_sync:
	call_c	trap_from_guest_sync, peeked=1	// x1: ESR_EL2

/*
 * Back from C, x19 = the vCPU that has left its guest. Mostly it goes on and there is nothing to do first: this CPU's
 * flags (arm64/cpu_work.h), the vCPU's and the domain's are all clear.
 */
guest_leave:
#ifdef TENON_DEBUG
	mov	x0, x19
	bl	trap_check_leave
#endif
	mrs	x2, tpidr_el2
	adr	x3, percpu_cpu_work
	ldr	w2, [x3, x2]
	ldr	x4, [x19, #VCPU_DOMAIN]
	ldp	x1, x3, [x19, #REGS_STALE]	// w1: stale; x3: work
	ldrb	w4, [x4, #DOMAIN_ATTR_WORK]
	orr	x2, x2, x3
	orr	x2, x2, x4
	cbnz	x2, guest_leave_with_work
	mov	sp, x19
/*
 * Into the guest: sp = the vCPU, w1 = regs.stale. x20 to x29, which C has kept, are the guest's own still, unless another
 * vCPU left the guest here or the frame's have been changed: regs.stale says so.
 */
guest_enter:
	cbnz	w1, 2f
1:	ldp	x30, x1, [sp, #(REGS_X + 16 * 15)]
	ldr	x2, [sp, #REGS_PSTATE]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x18, x19, [sp, #(REGS_X + 16 * 9)]
	ldp	x16, x17, [sp, #(REGS_X + 16 * 8)]
	ldp	x14, x15, [sp, #(REGS_X + 16 * 7)]
	ldp	x12, x13, [sp, #(REGS_X + 16 * 6)]
	ldp	x10, x11, [sp, #(REGS_X + 16 * 5)]
	ldp	x8, x9, [sp, #(REGS_X + 16 * 4)]
	ldp	x6, x7, [sp, #(REGS_X + 16 * 3)]
	ldp	x4, x5, [sp, #(REGS_X + 16 * 2)]
	ldp	x2, x3, [sp, #(REGS_X + 16 * 1)]
	ldp	x0, x1, [sp, #(REGS_X + 16 * 0)]
	eret
	dsb	nsh				// no speculation past ERET
	isb
2:	str	wzr, [sp, #REGS_STALE]
	ldp	x28, x29, [sp, #(REGS_X + 16 * 14)]
	ldp	x26, x27, [sp, #(REGS_X + 16 * 13)]
	ldp	x24, x25, [sp, #(REGS_X + 16 * 12)]
	ldp	x22, x23, [sp, #(REGS_X + 16 * 11)]
	ldp	x20, x21, [sp, #(REGS_X + 16 * 10)]
	b	1b

guest_leave_with_work:
	mov	x0, x19
	bl	trap_leave
guest_enter_other:				// x0: the vCPU to enter
	ldr	w1, [x0, #REGS_STALE]
	mov	sp, x0
	b	guest_enter

/* Boot is over: the stack is reused from its top. Does not return. */
	.globl	cpu_enter_guests
cpu_enter_guests:
	mrs	x1, tpidr_el2
	adrp	x2, percpu_cpu_stack_top
	add	x2, x2, #:lo12:percpu_cpu_stack_top
	ldr	x2, [x2, x1]
	mov	sp, x2
	mov	x29, xzr
	mov	x30, xzr
	bl	trap_return_to_guest
	b	guest_enter_other

/*
 * A bug at EL2. The stack pointer itself may be the problem (guard page), so the registers go to a
 * frame in this CPU's emergency stack; TPIDR_EL2 is trusted. Interface: arm64/panic.c, struct panic_frame.
 */
	.macro	bug_stub kind, reason
bug_\kind:
	mov	x18, x0
	mov	x17, #\reason
	b	bug_common
	.endm

	bug_stub sp0_sync, 0
	bug_stub sp0_irq, 1
	bug_stub sp0_fiq, 2
	bug_stub sp0_serror, 3
	bug_stub el2_sync, 4
	bug_stub el2_irq, 5
	bug_stub el2_fiq, 6
	bug_stub el2_serror, 7

/* x17 = vector number, x18 = x0 at the time; both registers themselves are lost (said in the dump). */
bug_common:
	mrs	x0, tpidr_el2
	adrp	x16, percpu_panic_stack_top
	add	x16, x16, #:lo12:percpu_panic_stack_top
	ldr	x16, [x16, x0]			// per-CPU emergency stack
	mov	x0, sp
	mov	sp, x16
	stp	x0, x17, [sp, #-272]!		// sp at the time, vector
	str	x18, [sp, #16]			// x0
	stp	x1, x2, [sp, #24]
	stp	x3, x4, [sp, #40]
	stp	x5, x6, [sp, #56]
	stp	x7, x8, [sp, #72]
	stp	x9, x10, [sp, #88]
	stp	x11, x12, [sp, #104]
	stp	x13, x14, [sp, #120]
	stp	x15, xzr, [sp, #136]
	stp	xzr, xzr, [sp, #152]
	stp	x19, x20, [sp, #168]
	stp	x21, x22, [sp, #184]
	stp	x23, x24, [sp, #200]
	stp	x25, x26, [sp, #216]
	stp	x27, x28, [sp, #232]
	stp	x29, x30, [sp, #248]
	mov	x0, sp
	bl	panic_exception
	b	.
