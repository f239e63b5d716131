/* SPDX-License-Identifier: MIT */
/*
 * System registers by their architectural names: sysreg_read(HCR_EL2), sysreg_write(HCR_EL2, v).
 * Where the assembler of an Armv8.0 build does not know a name, an alias below gives its encoding.
 * Field masks are in arm64/sysreg_fields.h, which the host tests see as well.
 */
#pragma once

#include "arm64/sysreg_fields.h"
#include "lib/compiler.h"

#define SYSREG_STRING_(x) #x
#define SYSREG_STRING(x)  SYSREG_STRING_(x)

/* Extensions that an Armv8.0 assembler does not name. */
#define HCRX_EL2          S3_4_C1_C2_2
#define HFGRTR_EL2        S3_4_C1_C1_4
#define HFGWTR_EL2        S3_4_C1_C1_5
#define HFGITR_EL2        S3_4_C1_C1_6
#define HDFGRTR_EL2       S3_4_C3_C1_4
#define HDFGWTR_EL2       S3_4_C3_C1_5
#define VSESR_EL2         S3_4_C5_C2_3
#define VDISR_EL2         S3_4_C12_C1_1
#define AMUSERENR_EL0     S3_3_C13_C2_3

/* GICv3 CPU interface (IHI 0069, "System registers"). */
#define ICC_IAR1_EL1      S3_0_C12_C12_0
#define ICC_EOIR1_EL1     S3_0_C12_C12_1
#define ICC_HPPIR1_EL1    S3_0_C12_C12_2
#define ICC_BPR1_EL1      S3_0_C12_C12_3
#define ICC_CTLR_EL1      S3_0_C12_C12_4
#define ICC_SRE_EL1       S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1   S3_0_C12_C12_7
#define ICC_DIR_EL1       S3_0_C12_C11_1
#define ICC_RPR_EL1       S3_0_C12_C11_3
#define ICC_SGI1R_EL1     S3_0_C12_C11_5
#define ICC_PMR_EL1       S3_0_C4_C6_0
#define ICC_AP1R0_EL1     S3_0_C12_C9_0
#define ICC_AP1R1_EL1     S3_0_C12_C9_1
#define ICC_AP1R2_EL1     S3_0_C12_C9_2
#define ICC_AP1R3_EL1     S3_0_C12_C9_3
#define ICC_SRE_EL2       S3_4_C12_C9_5
#define ICH_AP0R0_EL2     S3_4_C12_C8_0
#define ICH_AP0R1_EL2     S3_4_C12_C8_1
#define ICH_AP0R2_EL2     S3_4_C12_C8_2
#define ICH_AP0R3_EL2     S3_4_C12_C8_3
#define ICH_AP1R0_EL2     S3_4_C12_C9_0
#define ICH_AP1R1_EL2     S3_4_C12_C9_1
#define ICH_AP1R2_EL2     S3_4_C12_C9_2
#define ICH_AP1R3_EL2     S3_4_C12_C9_3
#define ICH_HCR_EL2       S3_4_C12_C11_0
#define ICH_VTR_EL2       S3_4_C12_C11_1
#define ICH_MISR_EL2      S3_4_C12_C11_2
#define ICH_EISR_EL2      S3_4_C12_C11_3
#define ICH_ELRSR_EL2     S3_4_C12_C11_5
#define ICH_VMCR_EL2      S3_4_C12_C11_7
#define ICH_LR0_EL2       S3_4_C12_C12_0
#define ICH_LR1_EL2       S3_4_C12_C12_1
#define ICH_LR2_EL2       S3_4_C12_C12_2
#define ICH_LR3_EL2       S3_4_C12_C12_3
#define ICH_LR4_EL2       S3_4_C12_C12_4
#define ICH_LR5_EL2       S3_4_C12_C12_5
#define ICH_LR6_EL2       S3_4_C12_C12_6
#define ICH_LR7_EL2       S3_4_C12_C12_7
#define ICH_LR8_EL2       S3_4_C12_C13_0
#define ICH_LR9_EL2       S3_4_C12_C13_1
#define ICH_LR10_EL2      S3_4_C12_C13_2
#define ICH_LR11_EL2      S3_4_C12_C13_3
#define ICH_LR12_EL2      S3_4_C12_C13_4
#define ICH_LR13_EL2      S3_4_C12_C13_5
#define ICH_LR14_EL2      S3_4_C12_C13_6
#define ICH_LR15_EL2      S3_4_C12_C13_7

/* Identification registers that appeared after Armv8.0 (read as zero before). */
#define ID_AA64MMFR2_EL1  S3_0_C0_C7_2
#define ID_AA64MMFR3_EL1  S3_0_C0_C7_3
#define ID_AA64MMFR4_EL1  S3_0_C0_C7_4
#define ID_AA64ISAR2_EL1  S3_0_C0_C6_2
#define ID_AA64ISAR3_EL1  S3_0_C0_C6_3
#define ID_AA64ZFR0_EL1   S3_0_C0_C4_4
#define ID_AA64SMFR0_EL1  S3_0_C0_C4_5
#define ID_AA64PFR2_EL1   S3_0_C0_C4_2

#define sysreg_read(name) sysreg_read_(name)
#define sysreg_read_(name)                                                                        \
	({                                                                                        \
		uint64_t sysreg_value_;                                                           \
		__asm__ volatile("mrs %0, " SYSREG_STRING(name) : "=r"(sysreg_value_)::"memory"); \
		sysreg_value_;                                                                    \
	})
#define sysreg_write(name, value) sysreg_write_(name, value)
#define sysreg_write_(name, value)                                                                 \
	do {                                                                                       \
		uint64_t sysreg_new_ = (value);                                                    \
		__asm__ volatile("msr " SYSREG_STRING(name) ", %0" ::"r"(sysreg_new_) : "memory"); \
	} while (0)
