/* SPDX-License-Identifier: MIT */
/* FP/SIMD state of a vCPU, and the call to firmware. EL2's C code uses general registers only. */
#include "asm_offsets.h"

	.arch	armv8-a+fp+simd
	.text

/* void fp_save(struct vcpu_fp_state *state); clobbers x1, x2. */
	.globl	fp_save
fp_save:
	stp	q0, q1, [x0, #(FP_V + 32 * 0)]
	stp	q2, q3, [x0, #(FP_V + 32 * 1)]
	stp	q4, q5, [x0, #(FP_V + 32 * 2)]
	stp	q6, q7, [x0, #(FP_V + 32 * 3)]
	stp	q8, q9, [x0, #(FP_V + 32 * 4)]
	stp	q10, q11, [x0, #(FP_V + 32 * 5)]
	stp	q12, q13, [x0, #(FP_V + 32 * 6)]
	stp	q14, q15, [x0, #(FP_V + 32 * 7)]
	stp	q16, q17, [x0, #(FP_V + 32 * 8)]
	stp	q18, q19, [x0, #(FP_V + 32 * 9)]
	stp	q20, q21, [x0, #(FP_V + 32 * 10)]
	stp	q22, q23, [x0, #(FP_V + 32 * 11)]
	stp	q24, q25, [x0, #(FP_V + 32 * 12)]
	stp	q26, q27, [x0, #(FP_V + 32 * 13)]
	stp	q28, q29, [x0, #(FP_V + 32 * 14)]
	stp	q30, q31, [x0, #(FP_V + 32 * 15)]
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	w1, [x0, #FP_FPSR]
	str	w2, [x0, #FP_FPCR]
	ret

/* void fp_restore(const struct vcpu_fp_state *state); clobbers x1, x2. */
	.globl	fp_restore
fp_restore:
	ldp	q0, q1, [x0, #(FP_V + 32 * 0)]
	ldp	q2, q3, [x0, #(FP_V + 32 * 1)]
	ldp	q4, q5, [x0, #(FP_V + 32 * 2)]
	ldp	q6, q7, [x0, #(FP_V + 32 * 3)]
	ldp	q8, q9, [x0, #(FP_V + 32 * 4)]
	ldp	q10, q11, [x0, #(FP_V + 32 * 5)]
	ldp	q12, q13, [x0, #(FP_V + 32 * 6)]
	ldp	q14, q15, [x0, #(FP_V + 32 * 7)]
	ldp	q16, q17, [x0, #(FP_V + 32 * 8)]
	ldp	q18, q19, [x0, #(FP_V + 32 * 9)]
	ldp	q20, q21, [x0, #(FP_V + 32 * 10)]
	ldp	q22, q23, [x0, #(FP_V + 32 * 11)]
	ldp	q24, q25, [x0, #(FP_V + 32 * 12)]
	ldp	q26, q27, [x0, #(FP_V + 32 * 13)]
	ldp	q28, q29, [x0, #(FP_V + 32 * 14)]
	ldp	q30, q31, [x0, #(FP_V + 32 * 15)]
	ldr	w1, [x0, #FP_FPSR]
	ldr	w2, [x0, #FP_FPCR]
	msr	fpsr, x1
	msr	fpcr, x2
	ret

/*
 * void smc_call(struct smccc_result *result, function, a1, a2, a3): SMCCC 1.0 firmware may change
 * x4-x17, all caller-saved here, so only the result pointer is kept over the call.
 */
	.globl	smc_call
smc_call:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x0, [sp, #16]
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	smc	#0
	ldr	x4, [sp, #16]
	stp	x0, x1, [x4]
	stp	x2, x3, [x4, #16]
	ldp	x29, x30, [sp], #32
	ret
