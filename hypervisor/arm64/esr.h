/* SPDX-License-Identifier: MIT */
/* ESR_ELx fields (Arm ARM, "ESR_EL2, Exception Syndrome Register"). Pure data, also for the host. */
#pragma once

#include "lib/compiler.h"

#define ESR_EC_SHIFT 26
#define ESR_EC(esr)  ((unsigned int)(((esr) >> 26) & 0x3f))
#define ESR_IL       BIT64(25)
#define ESR_ISS(esr) ((uint32_t)((esr)&0x1ffffff))

enum esr_ec {
	ESR_EC_UNKNOWN = 0x00,
	ESR_EC_WFX = 0x01,
	ESR_EC_CP15_32 = 0x03,
	ESR_EC_CP15_64 = 0x04,
	ESR_EC_CP14_32 = 0x05,
	ESR_EC_CP14_LS = 0x06,
	ESR_EC_FP = 0x07,
	ESR_EC_CP10_ID = 0x08,
	ESR_EC_PAC = 0x09,
	ESR_EC_LS64 = 0x0a,
	ESR_EC_CP14_64 = 0x0c,
	ESR_EC_ILLEGAL = 0x0e,
	ESR_EC_SVC32 = 0x11,
	ESR_EC_HVC32 = 0x12,
	ESR_EC_SMC32 = 0x13,
	ESR_EC_SVC64 = 0x15,
	ESR_EC_HVC64 = 0x16,
	ESR_EC_SMC64 = 0x17,
	ESR_EC_SYSREG128 = 0x14,
	ESR_EC_SYSREG = 0x18,
	ESR_EC_SVE = 0x19,
	ESR_EC_SME = 0x1d,
	ESR_EC_INSTR_ABORT_LOWER = 0x20,
	ESR_EC_INSTR_ABORT_SAME = 0x21,
	ESR_EC_PC_ALIGN = 0x22,
	ESR_EC_DATA_ABORT_LOWER = 0x24,
	ESR_EC_DATA_ABORT_SAME = 0x25,
	ESR_EC_SP_ALIGN = 0x26,
	ESR_EC_SERROR = 0x2f,
	ESR_EC_WATCHPOINT_LOWER = 0x34,
	ESR_EC_BRK64 = 0x3c,
	ESR_EC_MAX = 0x40
};

/* Data abort ISS. */
#define ISS_DA_ISV      BIT64(24)
#define ISS_DA_SAS      BITS64(23, 22)
#define ISS_DA_SSE      BIT64(21)
#define ISS_DA_SRT      BITS64(20, 16)
#define ISS_DA_SF       BIT64(15)
#define ISS_DA_FNV      BIT64(10)
#define ISS_DA_EA       BIT64(9)
#define ISS_DA_CM       BIT64(8)
#define ISS_DA_S1PTW    BIT64(7)
#define ISS_DA_WNR      BIT64(6)
#define ISS_FSC         BITS64(5, 0)
#define FSC_TRANSLATION 0x04 /* | level */
#define FSC_ACCESS_FLAG 0x08
#define FSC_PERMISSION  0x0c
#define FSC_SEA         0x10
#define FSC_SEA_WALK    0x14 /* | level */
#define FSC_ALIGNMENT   0x21
#define FSC_DEBUG       0x22
#define FSC_UNSUPPORTED 0x35 /* exclusive or atomic access */
#define FSC_TYPE(fsc)   ((fsc)&0x3c)

/* Trapped MSR/MRS/system instruction ISS: the encoding in the order op0 op1 CRn CRm op2. */
#define ISS_SYS_READ    BIT64(0)
#define ISS_SYS_RT      BITS64(9, 5)
#define SYS_ENC(op0, op1, crn, crm, op2) \
	(((op0) << 20) | ((op2) << 17) | ((op1) << 14) | ((crn) << 10) | ((crm) << 1))
/* The ISS with the direction and Rt removed equals SYS_ENC() of the register. */
#define ISS_SYS_KEY(iss) ((iss)&0x3ffc1eu)
