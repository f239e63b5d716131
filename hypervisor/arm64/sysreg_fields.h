/* SPDX-License-Identifier: MIT */
/*
 * Fields of system registers, named as in the Arm ARM (DDI 0487, "AArch64 System Register
 * Descriptions"). Pure data: the host tests use the same values.
 */
#pragma once

#ifndef __ASSEMBLER__
#include "lib/compiler.h"
#else
#define BIT64(n) (1 << (n))
#endif

/* HCR_EL2 */
#define HCR_VM     BIT64(0)
#define HCR_SWIO   BIT64(1)
#define HCR_PTW    BIT64(2)
#define HCR_FMO    BIT64(3)
#define HCR_IMO    BIT64(4)
#define HCR_AMO    BIT64(5)
#define HCR_VF     BIT64(6)
#define HCR_VI     BIT64(7)
#define HCR_VSE    BIT64(8)
#define HCR_FB     BIT64(9)
#define HCR_BSU_IS BIT64(10)
#define HCR_DC     BIT64(12)
#define HCR_TWI    BIT64(13)
#define HCR_TWE    BIT64(14)
#define HCR_TID1   BIT64(16)
#define HCR_TID2   BIT64(17)
#define HCR_TID3   BIT64(18)
#define HCR_TSC    BIT64(19)
#define HCR_TIDCP  BIT64(20)
#define HCR_TACR   BIT64(21)
#define HCR_TSW    BIT64(22)
#define HCR_TVM    BIT64(26)
#define HCR_TGE    BIT64(27)
#define HCR_RW     BIT64(31)
#define HCR_E2H    BIT64(34)
#define HCR_TLOR   BIT64(35)
#define HCR_TERR   BIT64(36)
#define HCR_APK    BIT64(40)
#define HCR_API    BIT64(41)
#define HCR_FWB    BIT64(46)
#define HCR_TID5   BIT64(58)

/* SCTLR_EL1 and SCTLR_EL2 */
#define SCTLR_M    BIT64(0)
#define SCTLR_A    BIT64(1)
#define SCTLR_C    BIT64(2)
#define SCTLR_SA   BIT64(3)
#define SCTLR_I    BIT64(12)
#define SCTLR_WXN  BIT64(19)
#define SCTLR_EE   BIT64(25)

#ifndef __ASSEMBLER__
/* RES1 of an Armv8.0 SCTLR_EL2 with HCR_EL2.E2H = 0: bits 29 28 23 22 18 16 11 5 4. */
#define SCTLR_EL2_RES1                                                                       \
	(BIT64(29) | BIT64(28) | BIT64(23) | BIT64(22) | BIT64(18) | BIT64(16) | BIT64(11) | \
	 BIT64(5) | BIT64(4))
/* public/arch-arm.h: the SCTLR_EL1 that a 64-bit guest starts with. */
#define SCTLR_EL1_GUEST_INIT UINT64_C(0x00c50078)

/* TCR_EL1: no walks for TTBR0_EL1, TTBR1_EL1 */
#define TCR_EPD0             BIT64(7)
#define TCR_EPD1             BIT64(23)
/* TTBCR.EAE for an AArch32 EL1: the descriptors are long, and EPD0 and EPD1 mean the same. */
#define TCR_EAE              BIT64(31)

/* VTCR_EL2 */
#define VTCR_T0SZ            BITS64(5, 0)
#define VTCR_SL0             BITS64(7, 6)
#define VTCR_IRGN0_WB        (UINT64_C(1) << 8)
#define VTCR_ORGN0_WB        (UINT64_C(1) << 10)
#define VTCR_SH0_INNER       (UINT64_C(3) << 12)
#define VTCR_TG0_4K          (UINT64_C(0) << 14)
#define VTCR_PS              BITS64(18, 16)
#define VTCR_VS              BIT64(19)
#define VTCR_RES1            BIT64(31)

#define VTTBR_VMID           BITS64(63, 48)

/* CPTR_EL2 (E2H = 0) */
#define CPTR_TZ              BIT64(8)
#define CPTR_TFP             BIT64(10)
#define CPTR_TSM             BIT64(12)
#define CPTR_TTA             BIT64(20)
#define CPTR_TAM             BIT64(30)
#define CPTR_TCPAC           BIT64(31)
#define CPTR_RES1            UINT64_C(0x32ff)

/* MDCR_EL2 */
#define MDCR_HPMN            BITS64(4, 0)
#define MDCR_TPMCR           BIT64(5)
#define MDCR_TPM             BIT64(6)
#define MDCR_TDE             BIT64(8)
#define MDCR_TDA             BIT64(9)
#define MDCR_TDOSA           BIT64(10)
#define MDCR_TDRA            BIT64(11)
#define MDCR_TPMS            BIT64(14)
#define MDCR_TTRF            BIT64(19)

/* CPACR_EL1 */
#define CPACR_ZEN            BITS64(17, 16)
#define CPACR_FPEN           BITS64(21, 20)
#define CPACR_SMEN           BITS64(25, 24)

/* MDSCR_EL1 */
#define MDSCR_SS             BIT64(0)
#define MDSCR_ERR            BIT64(6)
#define MDSCR_TDCC           BIT64(12)
#define MDSCR_KDE            BIT64(13)
#define MDSCR_HDE            BIT64(14)
#define MDSCR_MDE            BIT64(15)
#define MDSCR_SC2            BIT64(19)
#define MDSCR_TDA            BIT64(21)
#define MDSCR_INTDIS         BITS64(23, 22)
#define MDSCR_TXU            BIT64(26)
#define MDSCR_RXO            BIT64(27)
#define MDSCR_TXFULL         BIT64(29)
#define MDSCR_RXFULL         BIT64(30)

/* CNTHCTL_EL2 (E2H = 0) */
#define CNTHCTL_EL1PCTEN     BIT64(0)
#define CNTHCTL_EL1PCEN      BIT64(1)

/* CNT*_CTL */
#define CNT_CTL_ENABLE       BIT64(0)
#define CNT_CTL_IMASK        BIT64(1)
#define CNT_CTL_ISTATUS      BIT64(2)

/* PSTATE as in SPSR_ELx */
#define PSTATE_MODE          BITS64(3, 0)
#define PSTATE_EL0t          UINT64_C(0)
#define PSTATE_EL1t          UINT64_C(4)
#define PSTATE_EL1h          UINT64_C(5)
#define PSTATE_AARCH32       BIT64(4)
#define PSTATE_F             BIT64(6)
#define PSTATE_I             BIT64(7)
#define PSTATE_A             BIT64(8)
#define PSTATE_D             BIT64(9)
#define PSTATE_IL            BIT64(20)
#define PSTATE_BTYPE         BITS64(11, 10)
#define PSTATE_SS            BIT64(21)
#define PSTATE_PAN           BIT64(22)
#define PSTATE_GUEST_INIT    UINT64_C(0x3c5) /* EL1h, DAIF masked */
/* The same bits of an AArch32 state (Arm ARM, "SPSR_EL2, exception taken from AArch32 state") */
#define PSTATE_M32           BITS64(4, 0)
#define PSTATE_M32_USR       UINT64_C(0x10)
#define PSTATE_M32_FIQ       UINT64_C(0x11)
#define PSTATE_M32_IRQ       UINT64_C(0x12)
#define PSTATE_M32_SVC       UINT64_C(0x13)
#define PSTATE_M32_ABT       UINT64_C(0x17)
#define PSTATE_M32_UND       UINT64_C(0x1b)
#define PSTATE_M32_SYS       UINT64_C(0x1f)
#define PSTATE_T             BIT64(5)
#define PSTATE_E             BIT64(9)
#define PSTATE_IT_HIGH       BITS64(15, 10) /* IT[7:2] */
#define PSTATE_IT_LOW        BITS64(26, 25) /* IT[1:0] */
/* public/arch-arm.h, PSR_GUEST32_INIT: SVC, A, I and F masked, Z */
#define PSTATE_GUEST32_INIT  UINT64_C(0x400001d3)

/* PAR_EL1 */
#define PAR_F                BIT64(0)
#define PAR_FST              BITS64(6, 1)
#define PAR_PTW              BIT64(8)
#define PAR_S                BIT64(9)
#define PAR_PA               BITS64(51, 12)
#define PAR_ATTR             BITS64(63, 56)

/* CTR_EL0 */
#define CTR_IMINLINE         BITS64(3, 0)
#define CTR_DMINLINE         BITS64(19, 16)
#define CTR_ERG              BITS64(23, 20)
#define CTR_CWG              BITS64(27, 24)
#define CTR_IDC              BIT64(28)
#define CTR_DIC              BIT64(29)

/* ID_AA64MMFR0..2 fields that Tenon itself uses */
#define MMFR0_PARANGE        BITS64(3, 0)
#define MMFR1_VMIDBITS       BITS64(7, 4)
#define MMFR1_VH             BITS64(11, 8)
#define MMFR1_LO             BITS64(19, 16)
#define MMFR2_FWB            BITS64(43, 40)
#define PFR0_EL1             BITS64(7, 4)
#define PFR0_RAS             BITS64(31, 28)
#define PFR0_GIC             BITS64(27, 24)
#define PFR0_SVE             BITS64(35, 32)
#define PFR1_MTE             BITS64(11, 8)
#define PFR1_SME             BITS64(27, 24)
#define DFR0_BRPS            BITS64(15, 12)
#define DFR0_WRPS            BITS64(23, 20)

/* MPIDR_EL1 */
#define MPIDR_AFFINITY       UINT64_C(0xff00ffffff)
#define MPIDR_U              BIT64(30)
#define MPIDR_RES1           BIT64(31)
#endif
