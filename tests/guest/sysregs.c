/* SPDX-License-Identifier: MIT */
/*
 * Every encoding of a system register and of a system instruction is executed at EL1: what the identification
 * registers promise works, and everything else is undefined, nothing half there. (Arm ARM, "System register
 * encodings", "System instruction class encoding space"; xen-abi-arm: "Traps and context".)
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_trap.h"

const char *const guest_topic = "sysregs";
const bool guest_mmu_off;

/* Bits 20 to 5 of the instruction: op0, op1, CRn, CRm, op2. */
#define ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define INSN_MRS                     0xd5200000u /* with op0 1: SYSL */
#define INSN_MSR                     0xd5000000u /* with op0 1: SYS */
#define INSN_RET                     0xd65f03c0u

/* ---- what the identification registers say --------------------------------------------------------- */

#define FIELD_OF(name, low)          ((unsigned int)(sysreg_read(name) >> (low)) & 0xf)
#define PFR0(low)                    FIELD_OF(S3_0_C0_C4_0, low)
#define PFR1(low)                    FIELD_OF(S3_0_C0_C4_1, low)
#define DFR0(low)                    FIELD_OF(S3_0_C0_C5_0, low)
#define ISAR0(low)                   FIELD_OF(S3_0_C0_C6_0, low)
#define ISAR1(low)                   FIELD_OF(S3_0_C0_C6_1, low)
#define ISAR2(low)                   FIELD_OF(S3_0_C0_C6_2, low)
#define MMFR0(low)                   FIELD_OF(S3_0_C0_C7_0, low)
#define MMFR1(low)                   FIELD_OF(S3_0_C0_C7_1, low)
#define MMFR2(low)                   FIELD_OF(S3_0_C0_C7_2, low)
#define MMFR3(low)                   FIELD_OF(S3_0_C0_C7_3, low)

enum feature {
	ALWAYS,
	GICV3,
	GICV3_AP, /* active priorities beyond 32: as many as there are */
	AA32,
	PAN,
	PAN2,
	UAO,
	DIT,
	SSBS,
	MTE,
	MTE2,
	SVE,
	SME,
	PAC,
	RAS,
	LOR,
	MPAM,
	AMU,
	PMU,
	SPE,
	TRBE,
	TRF,
	TRACE,
	BRBE,
	NMI,
	CSV2_2,
	RNG,
	ECV,
	TCR2,
	SCTLR2,
	PIE,
	GCS,
	FPMR,
	LS64,
	CCIDX,
	DPB,
	DPB2,
	SPECRES,
	TLBIOS,
	TLBIRANGE,
	XS,
	TLBIOS_XS,
	TLBIRANGE_XS,
	ATS1A,
	ANYWAY, /* architected, and not in every version of QEMU */
	NEVER,
	NR_FEATURES
};

static bool has[NR_FEATURES];

static void find_features(void)
{
	has[ALWAYS] = has[ANYWAY] = true;
	has[GICV3] = machine.gic_version == 3;
	has[GICV3_AP] = has[GICV3];
	has[AA32] = PFR0(0) == 2;
	has[PAN] = MMFR1(20) >= 1;
	has[PAN2] = MMFR1(20) >= 2;
	has[UAO] = MMFR2(4) >= 1;
	has[DIT] = PFR0(48) >= 1;
	has[SSBS] = PFR1(4) >= 2;
	has[MTE] = PFR1(8) >= 1;
	has[MTE2] = PFR1(8) >= 2;
	has[SVE] = PFR0(32) >= 1;
	has[SME] = PFR1(24) >= 1;
	has[PAC] = ISAR1(4) + ISAR1(8) + ISAR1(24) + ISAR1(28) + ISAR2(8) + ISAR2(12) != 0;
	has[RAS] = PFR0(28) >= 1;
	has[LOR] = MMFR1(16) >= 1;
	has[MPAM] = PFR0(40) >= 1 || PFR1(16) >= 1;
	has[AMU] = PFR0(44) >= 1;
	has[PMU] = DFR0(8) >= 1 && DFR0(8) != 0xf;
	has[SPE] = DFR0(32) >= 1;
	has[TRBE] = DFR0(44) >= 1;
	has[TRF] = DFR0(40) >= 1;
	has[TRACE] = DFR0(4) >= 1;
	has[BRBE] = DFR0(52) >= 1;
	has[NMI] = PFR1(36) >= 1;
	has[CSV2_2] = PFR0(56) >= 2 || PFR1(32) >= 2;
	has[RNG] = ISAR0(60) >= 1;
	has[ECV] = MMFR0(60) >= 1;
	has[TCR2] = MMFR3(0) >= 1;
	has[SCTLR2] = MMFR3(4) >= 1;
	has[PIE] = MMFR3(8) >= 1 || MMFR3(16) >= 1;
	has[GCS] = PFR1(44) >= 1;
	has[LS64] = ISAR1(60) >= 3;
	has[CCIDX] = MMFR2(20) >= 1 && has[AA32];
	has[DPB] = ISAR1(0) >= 1;
	has[DPB2] = ISAR1(0) >= 2;
	has[SPECRES] = ISAR1(40) >= 1;
	has[TLBIOS] = ISAR0(56) >= 1;
	has[TLBIRANGE] = ISAR0(56) >= 2;
	has[XS] = ISAR1(56) >= 1;
	has[TLBIOS_XS] = has[TLBIOS] && has[XS];
	has[TLBIRANGE_XS] = has[TLBIRANGE] && has[XS];
	has[ATS1A] = ISAR2(60) >= 1;
}

/* ---- what there is ---------------------------------------------------------------------------------- */

enum {
	R = 1,
	W = 2,
	RW = R | W,
	UNTOUCHED = 4, /* writing does something, even what was read */
	UNTRAPPED = 8  /* no control of EL2 hides it: whether it is there is the CPU's affair */
};

struct known {
	uint16_t first, last; /* op2 alone differs, or CRm and op2 */
	uint8_t access, feature;
	const char *name;
};

#define ONE(op0, op1, crn, crm, op2, access, feature, name)                                       \
	{                                                                                         \
		ENC(op0, op1, crn, crm, op2), ENC(op0, op1, crn, crm, op2), access, feature, name \
	}
#define SOME(op0, op1, crn, crm, op2, crm_last, op2_last, access, feature, name)              \
	{                                                                                     \
		ENC(op0, op1, crn, crm, op2), ENC(op0, op1, crn, crm_last, op2_last), access, \
			feature, name                                                         \
	}

/* clang-format off: a table */
static const struct known knowns[] = {
	/* debug; DBG{B,W}{V,C}R<n>_EL1 are looked at below */
	ONE(2, 0, 0, 0, 2, RW, ALWAYS, "OSDTRRX_EL1"),
	ONE(2, 0, 0, 2, 0, RW, ALWAYS, "MDCCINT_EL1"),
	ONE(2, 0, 0, 2, 2, RW, ALWAYS, "MDSCR_EL1"),
	ONE(2, 0, 0, 3, 2, RW, ALWAYS, "OSDTRTX_EL1"),
	ONE(2, 0, 0, 6, 2, RW, ALWAYS, "OSECCR_EL1"),
	ONE(2, 0, 1, 0, 0, R, ALWAYS, "MDRAR_EL1"),
	ONE(2, 0, 1, 0, 4, W, ALWAYS, "OSLAR_EL1"),
	ONE(2, 0, 1, 1, 4, R, ALWAYS, "OSLSR_EL1"),
	ONE(2, 0, 1, 3, 4, RW, ALWAYS, "OSDLR_EL1"),
	ONE(2, 0, 1, 4, 4, RW, ANYWAY, "DBGPRCR_EL1"),
	ONE(2, 0, 7, 8, 6, RW, ALWAYS, "DBGCLAIMSET_EL1"),
	ONE(2, 0, 7, 9, 6, RW, ALWAYS, "DBGCLAIMCLR_EL1"),
	ONE(2, 0, 7, 14, 6, R, ANYWAY, "DBGAUTHSTATUS_EL1"),
	SOME(2, 1, 0, 0, 0, 15, 7, RW | UNTOUCHED, TRACE, "trace"),
	ONE(2, 3, 0, 1, 0, R, ALWAYS, "MDCCSR_EL0"),
	ONE(2, 3, 0, 4, 0, RW, ANYWAY, "DBGDTR_EL0"),
	ONE(2, 3, 0, 5, 0, RW, ALWAYS, "DBGDTRRX_EL0, DBGDTRTX_EL0"),

	/* identification */
	ONE(3, 0, 0, 0, 0, R, ALWAYS, "MIDR_EL1"),
	ONE(3, 0, 0, 0, 5, R, ALWAYS, "MPIDR_EL1"),
	ONE(3, 0, 0, 0, 6, R, ALWAYS, "REVIDR_EL1"),
	SOME(3, 0, 0, 1, 0, 7, 7, R, ALWAYS, "ID registers"),
	ONE(3, 1, 0, 0, 0, R, ALWAYS, "CCSIDR_EL1"),
	ONE(3, 1, 0, 0, 1, R, ALWAYS, "CLIDR_EL1"),
	ONE(3, 1, 0, 0, 2, R | UNTRAPPED, CCIDX, "CCSIDR2_EL1"),
	ONE(3, 1, 0, 0, 4, R, MTE2, "GMID_EL1"),
	ONE(3, 1, 0, 0, 6, R, SME, "SMIDR_EL1"),
	ONE(3, 1, 0, 0, 7, R, ALWAYS, "AIDR_EL1"),
	ONE(3, 2, 0, 0, 0, RW, ALWAYS, "CSSELR_EL1"),
	ONE(3, 3, 0, 0, 1, R, ALWAYS, "CTR_EL0"),
	ONE(3, 3, 0, 0, 7, R, ALWAYS, "DCZID_EL0"),

	/* control and translation */
	ONE(3, 0, 1, 0, 0, RW, ALWAYS, "SCTLR_EL1"),
	ONE(3, 0, 1, 0, 1, RW, ALWAYS, "ACTLR_EL1"),
	ONE(3, 0, 1, 0, 2, RW, ALWAYS, "CPACR_EL1"),
	ONE(3, 0, 1, 0, 3, RW, SCTLR2, "SCTLR2_EL1"),
	ONE(3, 0, 1, 0, 5, RW, MTE2, "RGSR_EL1"),
	ONE(3, 0, 1, 0, 6, RW, MTE2, "GCR_EL1"),
	ONE(3, 0, 1, 2, 0, RW, SVE, "ZCR_EL1"),
	ONE(3, 0, 1, 2, 1, RW, TRF, "TRFCR_EL1"),
	ONE(3, 0, 1, 2, 4, RW, SME, "SMPRI_EL1"),
	ONE(3, 0, 1, 2, 6, RW, SME, "SMCR_EL1"),
	ONE(3, 0, 2, 0, 0, RW, ALWAYS, "TTBR0_EL1"),
	ONE(3, 0, 2, 0, 1, RW, ALWAYS, "TTBR1_EL1"),
	ONE(3, 0, 2, 0, 2, RW, ALWAYS, "TCR_EL1"),
	ONE(3, 0, 2, 0, 3, RW, TCR2, "TCR2_EL1"),
	SOME(3, 0, 2, 1, 0, 1, 3, RW, PAC, "APIAKEY, APIBKEY"),
	SOME(3, 0, 2, 2, 0, 2, 3, RW, PAC, "APDAKEY, APDBKEY"),
	SOME(3, 0, 2, 3, 0, 3, 1, RW, PAC, "APGAKEY"),
	SOME(3, 0, 2, 5, 0, 5, 2, RW, GCS, "GCSCR_EL1"),
	ONE(3, 0, 4, 0, 0, RW, ALWAYS, "SPSR_EL1"),
	ONE(3, 0, 4, 0, 1, RW, ALWAYS, "ELR_EL1"),
	ONE(3, 0, 4, 1, 0, RW, ALWAYS, "SP_EL0"),
	ONE(3, 0, 4, 2, 0, RW, ALWAYS, "SPSel"),
	ONE(3, 0, 4, 2, 2, R, ALWAYS, "CurrentEL"),
	ONE(3, 0, 4, 2, 3, RW, PAN, "PAN"),
	ONE(3, 0, 4, 2, 4, RW, UAO, "UAO"),
	ONE(3, 0, 4, 3, 0, RW | UNTRAPPED, NMI, "ALLINT"),
	ONE(3, 0, 4, 6, 0, RW, GICV3, "ICC_PMR_EL1"),
	ONE(3, 0, 5, 1, 0, RW, ALWAYS, "AFSR0_EL1"),
	ONE(3, 0, 5, 1, 1, RW, ALWAYS, "AFSR1_EL1"),
	ONE(3, 0, 5, 2, 0, RW, ALWAYS, "ESR_EL1"),
	SOME(3, 0, 5, 3, 0, 3, 1, RW | UNTOUCHED, RAS, "ERRIDR_EL1, ERRSELR_EL1"),
	SOME(3, 0, 5, 4, 0, 5, 7, RW | UNTOUCHED, RAS, "ERX*_EL1"),
	SOME(3, 0, 5, 6, 0, 6, 1, RW, MTE2, "TFSR_EL1, TFSRE0_EL1"),
	ONE(3, 0, 6, 0, 0, RW, ALWAYS, "FAR_EL1"),
	ONE(3, 0, 7, 4, 0, RW, ALWAYS, "PAR_EL1"),
	SOME(3, 0, 9, 9, 0, 10, 7, RW | UNTOUCHED, SPE, "PMS*_EL1"),
	SOME(3, 0, 9, 11, 0, 11, 7, RW | UNTOUCHED, TRBE, "TRB*_EL1"),
	SOME(3, 0, 9, 14, 0, 14, 7, RW | UNTOUCHED, PMU, "PMINTEN*_EL1, PMMIR_EL1"),
	ONE(3, 0, 10, 2, 0, RW, ALWAYS, "MAIR_EL1"),
	SOME(3, 0, 10, 2, 1, 2, 5, RW | UNTOUCHED, PIE, "MAIR2, PIR, POR"),
	ONE(3, 0, 10, 3, 0, RW, ALWAYS, "AMAIR_EL1"),
	SOME(3, 0, 10, 4, 0, 4, 3, RW | UNTOUCHED, LOR, "LOR*_EL1"),
	ONE(3, 0, 10, 4, 7, R, LOR, "LORID_EL1"),
	SOME(3, 0, 10, 4, 4, 5, 4, RW | UNTOUCHED, MPAM, "MPAM*_EL1"),
	ONE(3, 0, 12, 0, 0, RW, ALWAYS, "VBAR_EL1"),
	ONE(3, 0, 12, 1, 0, R, ALWAYS, "ISR_EL1"),
	ONE(3, 0, 12, 1, 1, RW | UNTRAPPED, RAS, "DISR_EL1"),
	ONE(3, 0, 13, 0, 1, RW, ALWAYS, "CONTEXTIDR_EL1"),
	ONE(3, 0, 13, 0, 4, RW, ALWAYS, "TPIDR_EL1"),
	ONE(3, 0, 13, 0, 5, RW, LS64, "ACCDATA_EL1"),
	ONE(3, 0, 13, 0, 7, RW, CSV2_2, "SCXTNUM_EL1"),

	/* interrupt controller */
	ONE(3, 0, 12, 8, 0, R, GICV3, "ICC_IAR0_EL1"),
	ONE(3, 0, 12, 8, 1, W | UNTOUCHED, GICV3, "ICC_EOIR0_EL1"),
	ONE(3, 0, 12, 8, 2, R, GICV3, "ICC_HPPIR0_EL1"),
	ONE(3, 0, 12, 8, 3, RW, GICV3, "ICC_BPR0_EL1"),
	ONE(3, 0, 12, 8, 4, RW, GICV3, "ICC_AP0R0_EL1"),
	SOME(3, 0, 12, 8, 5, 8, 7, RW | UNTRAPPED, GICV3_AP, "ICC_AP0R1_EL1 to 3"),
	ONE(3, 0, 12, 9, 0, RW, GICV3, "ICC_AP1R0_EL1"),
	SOME(3, 0, 12, 9, 1, 9, 3, RW | UNTRAPPED, GICV3_AP, "ICC_AP1R1_EL1 to 3"),
	ONE(3, 0, 12, 9, 5, R | UNTRAPPED, NMI, "ICC_NMIAR1_EL1"),
	ONE(3, 0, 12, 11, 1, W | UNTOUCHED, GICV3, "ICC_DIR_EL1"),
	ONE(3, 0, 12, 11, 3, R, GICV3, "ICC_RPR_EL1"),
	SOME(3, 0, 12, 11, 5, 11, 7, W | UNTOUCHED, GICV3, "ICC_SGI1R_EL1, ASGI1R, SGI0R"),
	ONE(3, 0, 12, 12, 0, R, GICV3, "ICC_IAR1_EL1"),
	ONE(3, 0, 12, 12, 1, W | UNTOUCHED, GICV3, "ICC_EOIR1_EL1"),
	ONE(3, 0, 12, 12, 2, R, GICV3, "ICC_HPPIR1_EL1"),
	SOME(3, 0, 12, 12, 3, 12, 4, RW, GICV3, "ICC_BPR1_EL1, ICC_CTLR_EL1"),
	SOME(3, 0, 12, 12, 6, 12, 7, RW, GICV3, "ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1"),
	/* ICC_SRE_EL1 is there wherever the machine's GIC is a GICv3, whose guests may have a GICv2. */
	ONE(3, 0, 12, 12, 5, RW | UNTRAPPED, GICV3, "ICC_SRE_EL1"),

	/* EL0 */
	SOME(3, 3, 2, 4, 0, 4, 1, R, RNG, "RNDR, RNDRRS"),
	ONE(3, 3, 2, 5, 1, RW, GCS, "GCSPR_EL0"),
	ONE(3, 3, 4, 2, 0, RW, ALWAYS, "NZCV"),
	ONE(3, 3, 4, 2, 1, RW, ALWAYS, "DAIF"),
	ONE(3, 3, 4, 2, 2, RW, SME, "SVCR"),
	ONE(3, 3, 4, 2, 5, RW, DIT, "DIT"),
	ONE(3, 3, 4, 2, 6, RW, SSBS, "SSBS"),
	ONE(3, 3, 4, 2, 7, RW | UNTRAPPED, MTE, "TCO"),
	SOME(3, 3, 4, 4, 0, 4, 1, RW, ALWAYS, "FPCR, FPSR"),
	ONE(3, 3, 4, 4, 2, RW, FPMR, "FPMR"),
	SOME(3, 3, 9, 12, 0, 13, 2, RW | UNTOUCHED, PMU, "PM*_EL0"),
	SOME(3, 3, 9, 14, 0, 14, 3, RW | UNTOUCHED, PMU, "PMUSERENR_EL0, PMOVSSET_EL0"),
	ONE(3, 3, 13, 0, 2, RW, ALWAYS, "TPIDR_EL0"),
	ONE(3, 3, 13, 0, 3, RW, ALWAYS, "TPIDRRO_EL0"),
	ONE(3, 3, 13, 0, 5, RW, SME, "TPIDR2_EL0"),
	ONE(3, 3, 13, 0, 7, RW, CSV2_2, "SCXTNUM_EL0"),
	SOME(3, 3, 13, 2, 0, 15, 7, RW | UNTOUCHED, AMU, "AM*_EL0"),
	ONE(3, 0, 14, 1, 0, RW, ALWAYS, "CNTKCTL_EL1"),
	SOME(3, 3, 14, 0, 0, 0, 2, R, ALWAYS, "CNTFRQ_EL0, CNTPCT_EL0, CNTVCT_EL0"),
	SOME(3, 3, 14, 0, 5, 0, 6, R, ECV, "CNTPCTSS_EL0, CNTVCTSS_EL0"),
	SOME(3, 3, 14, 2, 0, 2, 2, RW, ALWAYS, "CNTP_*_EL0"),
	SOME(3, 3, 14, 3, 0, 3, 2, RW, ALWAYS, "CNTV_*_EL0"),
	SOME(3, 3, 14, 8, 0, 15, 7, RW | UNTOUCHED, PMU, "PMEV*_EL0"),

	/* instructions */
	ONE(1, 0, 7, 1, 0, W, ALWAYS, "IC IALLUIS"),
	ONE(1, 0, 7, 5, 0, W, ALWAYS, "IC IALLU"),
	ONE(1, 3, 7, 5, 1, W, ALWAYS, "IC IVAU"),
	ONE(1, 0, 7, 6, 1, W, ALWAYS, "DC IVAC"),
	ONE(1, 0, 7, 6, 2, W | UNTOUCHED, ALWAYS, "DC ISW"),
	SOME(1, 0, 7, 6, 3, 6, 6, W, MTE2, "DC IGVAC"),
	ONE(1, 0, 7, 10, 2, W | UNTOUCHED, ALWAYS, "DC CSW"),
	ONE(1, 0, 7, 10, 4, W, MTE2, "DC CGSW"),
	ONE(1, 0, 7, 10, 6, W, MTE2, "DC CGDSW"),
	ONE(1, 0, 7, 14, 2, W | UNTOUCHED, ALWAYS, "DC CISW"),
	ONE(1, 0, 7, 14, 4, W, MTE2, "DC CIGSW"),
	ONE(1, 0, 7, 14, 6, W, MTE2, "DC CIGDSW"),
	ONE(1, 3, 7, 4, 1, W, ALWAYS, "DC ZVA"),
	SOME(1, 3, 7, 4, 3, 4, 4, W | UNTRAPPED, MTE, "DC GVA, GZVA"),
	ONE(1, 3, 7, 10, 1, W, ALWAYS, "DC CVAC"),
	ONE(1, 3, 7, 11, 1, W, ALWAYS, "DC CVAU"),
	ONE(1, 3, 7, 12, 1, W | UNTRAPPED, DPB, "DC CVAP"),
	ONE(1, 3, 7, 13, 1, W | UNTRAPPED, DPB2, "DC CVADP"),
	ONE(1, 3, 7, 14, 1, W, ALWAYS, "DC CIVAC"),
	ONE(1, 3, 7, 10, 3, W | UNTRAPPED, MTE, "DC CGVAC"),
	ONE(1, 3, 7, 10, 5, W | UNTRAPPED, MTE, "DC CGDVAC"),
	ONE(1, 3, 7, 12, 3, W | UNTRAPPED, MTE, "DC CGVAP"),
	ONE(1, 3, 7, 12, 5, W | UNTRAPPED, MTE, "DC CGDVAP"),
	ONE(1, 3, 7, 13, 3, W | UNTRAPPED, MTE, "DC CGVADP"),
	ONE(1, 3, 7, 13, 5, W | UNTRAPPED, MTE, "DC CGDVADP"),
	ONE(1, 3, 7, 14, 3, W | UNTRAPPED, MTE, "DC CIGVAC"),
	ONE(1, 3, 7, 14, 5, W | UNTRAPPED, MTE, "DC CIGDVAC"),
	SOME(1, 0, 7, 8, 0, 8, 3, W, ALWAYS, "AT S1E1R, W, S1E0R, W"),
	SOME(1, 0, 7, 9, 0, 9, 1, W, PAN2, "AT S1E1RP, WP"),
	ONE(1, 0, 7, 9, 2, W | UNTRAPPED, ATS1A, "AT S1E1A"),
	SOME(1, 3, 7, 3, 4, 3, 5, W | UNTRAPPED, SPECRES, "CFP RCTX, DVP RCTX"),
	ONE(1, 3, 7, 3, 7, W | UNTRAPPED, SPECRES, "CPP RCTX"),
	SOME(1, 1, 7, 2, 4, 2, 5, W, BRBE, "BRB IALL, INJ"),
	SOME(1, 0, 8, 3, 0, 3, 3, W, ALWAYS, "TLBI VMALLE1IS to VAAE1IS"),
	ONE(1, 0, 8, 3, 5, W, ALWAYS, "TLBI VALE1IS"),
	ONE(1, 0, 8, 3, 7, W, ALWAYS, "TLBI VAALE1IS"),
	SOME(1, 0, 8, 7, 0, 7, 3, W, ALWAYS, "TLBI VMALLE1 to VAAE1"),
	ONE(1, 0, 8, 7, 5, W, ALWAYS, "TLBI VALE1"),
	ONE(1, 0, 8, 7, 7, W, ALWAYS, "TLBI VAALE1"),
	SOME(1, 0, 8, 1, 0, 1, 3, W, TLBIOS, "TLBI VMALLE1OS to VAAE1OS"),
	ONE(1, 0, 8, 1, 5, W, TLBIOS, "TLBI VALE1OS"),
	ONE(1, 0, 8, 1, 7, W, TLBIOS, "TLBI VAALE1OS"),
#define TLBI_RANGES(crn, crm, feature)                             \
	ONE(1, 0, crn, crm, 1, W, feature, "TLBI RVAE1"),          \
		ONE(1, 0, crn, crm, 3, W, feature, "TLBI RVAAE1"), \
		ONE(1, 0, crn, crm, 5, W, feature, "TLBI RVALE1"), \
		ONE(1, 0, crn, crm, 7, W, feature, "TLBI RVAALE1")
	TLBI_RANGES(8, 2, TLBIRANGE),
	TLBI_RANGES(8, 5, TLBIRANGE),
	TLBI_RANGES(8, 6, TLBIRANGE),
	SOME(1, 0, 9, 3, 0, 3, 3, W, XS, "TLBI VMALLE1ISNXS to VAAE1ISNXS"),
	ONE(1, 0, 9, 3, 5, W, XS, "TLBI VALE1ISNXS"),
	ONE(1, 0, 9, 3, 7, W, XS, "TLBI VAALE1ISNXS"),
	SOME(1, 0, 9, 7, 0, 7, 3, W, XS, "TLBI VMALLE1NXS to VAAE1NXS"),
	ONE(1, 0, 9, 7, 5, W, XS, "TLBI VALE1NXS"),
	ONE(1, 0, 9, 7, 7, W, XS, "TLBI VAALE1NXS"),
	SOME(1, 0, 9, 1, 0, 1, 3, W, TLBIOS_XS, "TLBI VMALLE1OSNXS to VAAE1OSNXS"),
	ONE(1, 0, 9, 1, 5, W, TLBIOS_XS, "TLBI VALE1OSNXS"),
	ONE(1, 0, 9, 1, 7, W, TLBIOS_XS, "TLBI VAALE1OSNXS"),
	TLBI_RANGES(9, 2, TLBIRANGE_XS),
	TLBI_RANGES(9, 5, TLBIRANGE_XS),
	TLBI_RANGES(9, 6, TLBIRANGE_XS),
};
/* clang-format on */

static const struct known *find(unsigned int encoding)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(knowns); i++) {
		if (encoding >= knowns[i].first && encoding <= knowns[i].last) {
			return &knowns[i];
		}
	}
	return NULL;
}

/* DBGBVR, DBGBCR, DBGWVR, DBGWCR: n in CRm, op2 4 to 7. */
static bool is_breakpoint(unsigned int encoding)
{
	return (encoding & ~ENC(0u, 0u, 0u, 15u, 3u)) == ENC(2, 0, 0, 0, 4);
}

static bool breakpoint_exists(unsigned int encoding)
{
	unsigned int n = encoding >> 3 & 15;

	return n <= ((encoding & 2) == 0 ? DFR0(12) : DFR0(20));
}

/* ---- one instruction after the other ------------------------------------------------------------------ */

#define CHUNK 2048
static uint32_t code[CHUNK][2] __aligned(64);
static uint8_t target[4096] __aligned(4096); /* of maintenance and translation */

/* An instruction for each encoding of a chunk, with x0 as its register. */
static void write_code(unsigned int first, uint32_t instruction)
{
	for (unsigned int i = 0; i < CHUNK; i++) {
		code[i][0] = instruction | (first + i) << 5;
		code[i][1] = INSN_RET;
	}
	dcache_clean_invalidate(code, sizeof(code));
	__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

static struct guest_fault execute(unsigned int i, uint64_t *value)
{
	register uint64_t x0 __asm__("x0");

	fault_catch();
	x0 = *value;
	__asm__ volatile("blr %1\n\tisb" : "+r"(x0) : "r"(code[i]) : "x30", "cc", "memory");
	*value = x0;
	return fault_caught();
}

static unsigned int nr_wrong;

static void wrong(unsigned int encoding, const char *what, bool works, struct guest_fault fault)
{
	const struct known *known = find(encoding);

	if (nr_wrong++ < 60) {
		print("INFO %s S%u_%u_C%u_C%u_%u (%s) %s, ESR %#lx\n", what, encoding >> 14,
		      encoding >> 11 & 7, encoding >> 7 & 15, encoding >> 3 & 15, encoding & 7,
		      known ? known->name : "unallocated", works ? "works" : "faults", fault.esr);
	}
}

/* Should it work? -1: either. */
static int expectation(unsigned int encoding, unsigned int access)
{
	const struct known *known = find(encoding);

	if (is_breakpoint(encoding)) {
		return breakpoint_exists(encoding);
	}
	if (known == NULL || (known->access & access) == 0) {
		return 0;
	}
	if (!has[known->feature]) {
		return (known->access & UNTRAPPED) != 0 ? -1 : 0;
	}
	return known->feature == GICV3_AP || known->feature == ANYWAY ? -1 : 1;
}

/*
 * Undefined; with FEAT_IDST (ID_AA64MMFR2_EL1.IDS) a read of the space of identification registers says so with the
 * syndrome of a trapped MRS.
 */
static bool is_undefined(unsigned int encoding, struct guest_fault fault)
{
	unsigned int op1 = encoding >> 11 & 7;

	if (fault_is_undefined(fault)) {
		return true;
	}
	return fault.taken && MMFR2(36) == 1 && ESR_EC(fault.esr) == ESR_EC_SYSREG &&
	       (ESR_ISS(fault.esr) & ISS_SYS_READ) != 0 &&
	       (encoding & ~ENC(0u, 7u, 0u, 7u, 7u)) == ENC(3, 0, 0, 0, 0) &&
	       (op1 == 0 || op1 == 1 || op1 == 3);
}

static void check(unsigned int encoding, unsigned int access, const char *what,
		  struct guest_fault fault)
{
	int expected = expectation(encoding, access);
	bool good = !fault.taken;

	if (expected == 0) {
		good = is_undefined(encoding, fault);
	} else if (expected < 0) {
		good = !fault.taken || is_undefined(encoding, fault);
	}
	if (!good) {
		wrong(encoding, what, !fault.taken, fault);
	}
}

static void finish(void)
{
	EXPECT(nr_wrong == 0, "%u encodings", nr_wrong);
}

static void reads(unsigned int first, unsigned int last, const char *what)
{
	find_features();
	nr_wrong = 0;
	for (unsigned int start = first; start < last; start += CHUNK) {
		write_code(start, INSN_MRS);
		for (unsigned int i = 0; i < CHUNK; i++) {
			uint64_t value = 0;

			check(start + i, R, what, execute(i, &value));
		}
	}
	finish();
}

static void mrs_of_every_register(void)
{
	reads(ENC(2, 0, 0, 0, 0), ENC(4, 0, 0, 0, 0), "MRS");
}

static void sysl_is_undefined(void)
{
	reads(ENC(1, 0, 0, 0, 0), ENC(2, 0, 0, 0, 0), "SYSL");
}

/* Written with what was read, which changes nothing; what cannot be read and is not there, with zero. */
static void msr_of_every_register(void)
{
	find_features();
	nr_wrong = 0;
	for (unsigned int start = ENC(2, 0, 0, 0, 0); start < ENC(4, 0, 0, 0, 0); start += CHUNK) {
		static uint64_t values[CHUNK];

		write_code(start, INSN_MRS);
		for (unsigned int i = 0; i < CHUNK; i++) {
			values[i] = 0;
			execute(i, &values[i]);
		}
		write_code(start, INSN_MSR);
		for (unsigned int i = 0; i < CHUNK; i++) {
			const struct known *known = find(start + i);

			if (known == NULL || (known->access & UNTOUCHED) == 0 ||
			    !has[known->feature]) {
				check(start + i, W, "MSR", execute(i, &values[i]));
			}
		}
	}
	finish();
}

/* On a page of this guest's own. */
static void system_instructions(void)
{
	find_features();
	nr_wrong = 0;
	for (unsigned int start = ENC(1, 0, 0, 0, 0); start < ENC(2, 0, 0, 0, 0); start += CHUNK) {
		write_code(start, INSN_MSR);
		for (unsigned int i = 0; i < CHUNK; i++) {
			const struct known *known = find(start + i);
			uint64_t value = (uintptr_t)target;

			if (known == NULL || (known->access & UNTOUCHED) == 0) {
				check(start + i, W, "SYS", execute(i, &value));
			}
		}
	}
	tlb_invalidate_all();
	finish();
}

/* MSR of an immediate to a field of PSTATE (op0 0, CRn 4): op1 and op2 name the field. */
static void pstate_fields(void)
{
	static const struct {
		unsigned int op1, op2, immediate;
		enum feature feature;
		bool untrapped;
		const char *name;
	} fields[] = {
		{0, 3, 0, UAO, false, "UAO"},      {0, 4, 0, PAN, false, "PAN"},
		{0, 5, 1, ALWAYS, false, "SPSel"}, {0, 7, 0, NEVER, false, "S0_0_C4_C0_7"},
		{1, 0, 0, NMI, true, "ALLINT"},    {3, 1, 1, SSBS, false, "SSBS"},
		{3, 2, 0, DIT, false, "DIT"},      {3, 3, 2, SME, false, "SVCR"},
		{3, 4, 1, MTE, true, "TCO"},       {3, 6, 2, ALWAYS, false, "DAIFSet"},
	};

	find_features();
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t value = 0;
		struct guest_fault fault;

		code[0][0] = 0xd500401f | fields[i].op1 << 16 | fields[i].immediate << 8 |
			     fields[i].op2 << 5;
		code[0][1] = INSN_RET;
		dcache_clean_invalidate(code, 64);
		__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
		fault = execute(0, &value);
		if (has[fields[i].feature]) {
			EXPECT(!fault.taken, "%s: ESR %#lx", fields[i].name, fault.esr);
		} else {
			EXPECT(fault_is_undefined(fault) || (fields[i].untrapped && !fault.taken),
			       "%s: ESR %#lx", fields[i].name, fault.esr);
		}
	}
}

const struct guest_case guest_cases[] = {
	CASE(mrs_of_every_register, .flags = TENON_ONLY),
	CASE(msr_of_every_register, .flags = TENON_ONLY),
	CASE(sysl_is_undefined),
	CASE(system_instructions),
	CASE(pstate_fields, .flags = TENON_ONLY),
	CASE_END,
};
