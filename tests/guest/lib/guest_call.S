/* SPDX-License-Identifier: MIT */
/*
 * Calls to the hypervisor with all general registers loaded from, and stored to, a structure; and the FP
 * and SIMD registers as a block.
 *
 * guest_call_registers(w0 conduit, x1 struct guest_registers *): the structure's address waits on the
 * stack, since all registers belong to the call. AAPCS64's callee-saved ones are restored.
 */

	.text
	.global guest_call_registers
guest_call_registers:
	sub	sp, sp, #128
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	x1, x18, [sp, #96]
	cmp	w0, #1
	mov	x30, x1
	ldp	x0, x1, [x30, #0]
	ldp	x2, x3, [x30, #16]
	ldp	x4, x5, [x30, #32]
	ldp	x6, x7, [x30, #48]
	ldp	x8, x9, [x30, #64]
	ldp	x10, x11, [x30, #80]
	ldp	x12, x13, [x30, #96]
	ldp	x14, x15, [x30, #112]
	ldp	x16, x17, [x30, #128]
	ldp	x18, x19, [x30, #144]
	ldp	x20, x21, [x30, #160]
	ldp	x22, x23, [x30, #176]
	ldp	x24, x25, [x30, #192]
	ldp	x26, x27, [x30, #208]
	ldp	x28, x29, [x30, #224]
	ldr	x30, [x30, #240]
	b.eq	1f
	b.hi	2f
	hvc	#0
	b	3f
1:	smc	#0
	b	3f
2:	hvc	#0xea1
3:	str	x30, [sp, #112]
	ldr	x30, [sp, #96]
	stp	x0, x1, [x30, #0]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	ldr	x0, [sp, #112]
	str	x0, [x30, #240]
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldr	x18, [sp, #104]
	add	sp, sp, #128
	ret

/* guest_fp_load(x0 block of 512 bytes, 16-byte aligned), guest_fp_store(x0 the same). */
	.arch_extension fp
	.arch_extension simd
	.macro	fp_block operation
	\operation	q0, q1, [x0, #0]
	\operation	q2, q3, [x0, #32]
	\operation	q4, q5, [x0, #64]
	\operation	q6, q7, [x0, #96]
	\operation	q8, q9, [x0, #128]
	\operation	q10, q11, [x0, #160]
	\operation	q12, q13, [x0, #192]
	\operation	q14, q15, [x0, #224]
	\operation	q16, q17, [x0, #256]
	\operation	q18, q19, [x0, #288]
	\operation	q20, q21, [x0, #320]
	\operation	q22, q23, [x0, #352]
	\operation	q24, q25, [x0, #384]
	\operation	q26, q27, [x0, #416]
	\operation	q28, q29, [x0, #448]
	\operation	q30, q31, [x0, #480]
	.endm

	.global guest_fp_load
guest_fp_load:
	fp_block ldp
	ret

	.global guest_fp_store
guest_fp_store:
	fp_block stp
	ret

/* guest_jump(x0): a call of an address; returns if the instruction abort's handler returns to x30. */
	.global guest_jump
guest_jump:
	stp	x29, x30, [sp, #-16]!
	blr	x0
	ldp	x29, x30, [sp], #16
	ret
