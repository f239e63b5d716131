/* SPDX-License-Identifier: MIT */
/*
 * Register offsets and fields of the interrupt controller's frames, by their architectural names: IHI 0048 (GICv2)
 * and IHI 0069 (GICv3). Pure data, for the driver and for the emulation alike.
 */
#pragma once

#include "lib/compiler.h"

/* ---- distributor, both versions. The first seven banks exist in GICv3's SGI frame, too. ------- */

#define GICD_CTLR              0x0000
#define GICD_TYPER             0x0004
#define GICD_IIDR              0x0008
#define GICD_IGROUPR           0x0080 /* 1 bit an interrupt */
#define GICD_ISENABLER         0x0100
#define GICD_ICENABLER         0x0180
#define GICD_ISPENDR           0x0200
#define GICD_ICPENDR           0x0280
#define GICD_ISACTIVER         0x0300
#define GICD_ICACTIVER         0x0380
#define GICD_IPRIORITYR        0x0400 /* 8 bits */
#define GICD_ITARGETSR         0x0800 /* 8 bits; GICv2 */
#define GICD_ICFGR             0x0c00 /* 2 bits */
#define GICD_SGIR              0x0f00 /* GICv2 */
#define GICD_CPENDSGIR         0x0f10 /* GICv2 */
#define GICD_SPENDSGIR         0x0f20 /* GICv2 */
#define GICD_IROUTER           0x6000 /* 64 bits; GICv3 */

#define GICD_TYPER_LINES       BITS64(4, 0)
#define GICD_TYPER_CPUS        BITS64(7, 5)

#define GICD_CTLR_V2_ENABLE    BIT64(0)
/* With two Security states these are the Non-secure view; with one, bits 0 and 1 are groups 0 and 1. */
#define GICD_CTLR_ENABLE_GRP1  BIT64(0)
#define GICD_CTLR_ENABLE_GRP1A BIT64(1)
#define GICD_CTLR_ARE_NS       BIT64(4)
#define GICD_CTLR_RWP          BIT64(31)

#define GICD_SGIR_FILTER       BITS64(25, 24)
#define GICD_SGIR_OTHERS       UINT64_C(1)
#define GICD_SGIR_SELF         UINT64_C(2)
#define GICD_SGIR_TARGETS      BITS64(23, 16)
#define GICD_SGIR_INTID        BITS64(3, 0)

#define GICD_ICFGR_EDGE        UINT64_C(2)

/* ---- GICv2 CPU interface ---------------------------------------------------------------------- */

#define GICC_CTLR              0x0000
#define GICC_PMR               0x0004
#define GICC_BPR               0x0008
#define GICC_IAR               0x000c
#define GICC_EOIR              0x0010
#define GICC_APR               0x00d0 /* four words */
#define GICC_IIDR              0x00fc
#define GICC_DIR               0x1000

#define GICC_CTLR_ENABLE       BIT64(0)
#define GICC_CTLR_BYPASS       BITS64(8, 5) /* interrupt bypass, the firmware's choice */
#define GICC_CTLR_EOIMODE      BIT64(9)
#define GICC_IAR_INTID         BITS64(9, 0)
/* Architecture version 2, implementer Arm. */
#define GICC_IIDR_MASK         UINT64_C(0x000f0fff)
#define GICC_IIDR_V2_ARM       UINT64_C(0x0002043b)

/* ---- GICv2 virtual interface control ----------------------------------------------------------- */

#define GICH_HCR               0x0000
#define GICH_VTR               0x0004
#define GICH_VMCR              0x0008
#define GICH_MISR              0x0010
#define GICH_EISR0             0x0020
#define GICH_EISR1             0x0024
#define GICH_ELRSR0            0x0030
#define GICH_ELRSR1            0x0034
#define GICH_APR               0x00f0
#define GICH_LR                0x0100

#define GICH_VTR_LISTREGS      BITS64(5, 0)
#define GICH_VTR_PRIBITS       BITS64(31, 29)

#define GICH_LR_VINTID         BITS64(9, 0)
#define GICH_LR_PINTID         BITS64(19, 10) /* with HW */
#define GICH_LR_CPUID          BITS64(12, 10) /* without HW, SGIs */
#define GICH_LR_EOI            BIT64(19)      /* without HW */
#define GICH_LR_PRIORITY       BITS64(27, 23)
#define GICH_LR_PENDING        BIT64(28)
#define GICH_LR_ACTIVE         BIT64(29)
#define GICH_LR_STATE          (GICH_LR_PENDING | GICH_LR_ACTIVE)
#define GICH_LR_GRP1           BIT64(30)
#define GICH_LR_HW             BIT64(31)

/* ---- GICv3 redistributor: RD_base and, 64 KiB on, SGI_base ---------------------------------- */

#define GICR_CTLR              0x0000
#define GICR_IIDR              0x0004
#define GICR_TYPER             0x0008 /* 64 bits */
#define GICR_WAKER             0x0014
#define GICR_SGI_FRAME         0x10000
#define GICR_FRAME_BYTES       UINT64_C(0x20000)
#define GICR_FRAME_VLPI_BYTES  UINT64_C(0x40000)

#define GICR_CTLR_RWP          BIT64(3)
#define GICR_TYPER_VLPIS       BIT64(1)
#define GICR_TYPER_LAST        BIT64(4)
#define GICR_TYPER_AFFINITY    BITS64(63, 32)
#define GICR_WAKER_SLEEP       BIT64(1)
#define GICR_WAKER_ASLEEP      BIT64(2)

/* ---- GICv3 system registers -------------------------------------------------------------------- */

#define ICC_SRE_SRE            BIT64(0)
#define ICC_SRE_DFB            BIT64(1)
#define ICC_SRE_DIB            BIT64(2)
#define ICC_SRE_ENABLE         BIT64(3) /* ICC_SRE_EL2 only: EL1 may use its ICC_SRE_EL1 */

#define ICC_CTLR_EOIMODE       BIT64(1)
#define ICC_CTLR_PRIBITS       BITS64(10, 8)

#define ICC_IAR_INTID          BITS64(23, 0)

#define ICC_SGI1R_TARGETS      BITS64(15, 0)
#define ICC_SGI1R_AFF1         BITS64(23, 16)
#define ICC_SGI1R_INTID        BITS64(27, 24)
#define ICC_SGI1R_AFF2         BITS64(39, 32)
#define ICC_SGI1R_IRM          BIT64(40)
#define ICC_SGI1R_RS           BITS64(47, 44)
#define ICC_SGI1R_AFF3         BITS64(55, 48)

#define ICH_VTR_LISTREGS       BITS64(4, 0)
#define ICH_VTR_PREBITS        BITS64(28, 26)
#define ICH_VTR_PRIBITS        BITS64(31, 29)

#define ICH_LR_VINTID          BITS64(31, 0)
#define ICH_LR_PINTID          BITS64(44, 32) /* with HW */
#define ICH_LR_EOI             BIT64(41)      /* without HW */
#define ICH_LR_PRIORITY        BITS64(55, 48)
#define ICH_LR_GROUP1          BIT64(60)
#define ICH_LR_HW              BIT64(61)
#define ICH_LR_PENDING         BIT64(62)
#define ICH_LR_ACTIVE          BIT64(63)
#define ICH_LR_STATE           (ICH_LR_PENDING | ICH_LR_ACTIVE)
