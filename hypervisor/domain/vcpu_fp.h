/* SPDX-License-Identifier: MIT */
/*
 * The FP and SIMD registers of vCPUs: loaded when a vCPU first uses them.
 *
 * A CPU has a gate in front of its registers, CPTR_EL2.TFP. Behind an open gate they are those of the vCPU that is loaded;
 * when it leaves, they are saved. A vCPU that comes finds the gate closed, and its first access opens it
 * (vcpu_fp_trapped()): the registers are loaded then, unless this CPU still has what it saved of this vCPU and this vCPU
 * has not had its registers in another one since. So what does not use them, a kernel that passes I/O on or an idle loop,
 * pays nothing.
 *
 * Who does use them mostly goes on to: for VCPU_FP_SLICES switches after a trap the registers are loaded at once. An
 * AArch32 EL1 has the gate open always, as registers that EL2 switches are behind it too (FPEXC32_EL2).
 */
#pragma once

#include "arm64/percpu.h"
#include "lib/compiler.h"

struct vcpu;

#define VCPU_FP_SLICES  16
#define VCPU_FP_NOWHERE UINT16_MAX

/* Of the CPU that it is loaded on; while it is not, struct vcpu.fp is its registers' true copy. */
struct vcpu_fp_use {
	uint16_t cpu; /* its registers were in this CPU last; VCPU_FP_NOWHERE: in none since they were set */
	bool open;      /* they are in this CPU's registers, and it may have changed them */
	uint8_t slices; /* so many times more they are loaded at once */
};

DECLARE_PER_CPU(bool, fp_gate_closed);

/* struct vcpu.fp was written by Tenon. */
void vcpu_fp_reset(struct vcpu *v);
/* vcpu_switch(): it leaves this CPU, and fp_use.open is set. */
void vcpu_fp_save(struct vcpu *v);
/* It comes, and fp_use.slices or the gate calls for something. */
void vcpu_fp_load(struct vcpu *v);
/* The current vCPU has met the closed gate; now it is open. False: it was open. */
bool vcpu_fp_trapped(struct vcpu *v);
