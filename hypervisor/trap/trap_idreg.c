/* SPDX-License-Identifier: MIT */
/*
 * Identification registers as guests see them (HCR_EL2.TID3): the features that all CPUs have, less
 * those whose state Tenon neither switches nor traps, and those that guests are not to have (SVE,
 * SME, MTE, pointer authentication, performance monitors, trace, EL2, EL3, RAS). A field that is
 * not named below reads zero.
 *
 * Arm ARM, "Principles of the ID scheme for fields in ID registers".
 */
#include "trap/trap_internal.h"

#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "stage2/stage2.h"

/*
 * One letter for each field of 4 bits, bits 63:60 (AArch32 registers: 31:28) first:
 *
 *   .    reads 0: hidden, or reserved
 *   u    the lowest value of all CPUs; s: the same for a signed field, where 0xf is "not there"
 *   1-3, 6  as u, but no more than this: beyond are features unknown or hidden
 *   F    reads 0xf: "not there"
 *   G    1 for guests with a GICv3, whose registers they use; else 0
 *   P    physical address size: no more than stage 2 translates
 *
 * X(name, CRm, op2, letters)
 */
/* clang-format off */
#define IDREGS(X) \
	/* RAS . DIT, AMU . CSV2, ThumbEE . Jazelle T32 A32 */ \
	X(ID_PFR0_EL1, 1, 0, ".1.1.231") \
	/* GIC, virtualisation fields ., generic timer, security . M profile . programmers' model */ \
	X(ID_PFR1_EL1, 1, 1, "G..2...1") \
	/* Only the v8 debug registers of CP14. */ \
	X(ID_DFR0_EL1, 1, 2, ".......6") \
	X(ID_MMFR0_EL1, 1, 4, "suuuusuu") \
	X(ID_MMFR1_EL1, 1, 5, "uuuuuuuu") \
	X(ID_MMFR2_EL1, 1, 6, "uuuuuuuu") \
	X(ID_MMFR3_EL1, 1, 7, "suuuuuuu") \
	X(ID_ISAR0_EL1, 2, 0, ".uuuuuuu") \
	X(ID_ISAR1_EL1, 2, 1, "uuuuuuuu") \
	X(ID_ISAR2_EL1, 2, 2, "uuuuuuuu") \
	X(ID_ISAR3_EL1, 2, 3, "uuuuuuuu") \
	X(ID_ISAR4_EL1, 2, 4, "uuuuuuuu") \
	X(ID_ISAR5_EL1, 2, 5, "uu.uuuuu") \
	/* EVT . CCIDX LSM HPDS CnP, XNX . AC2 . SpecSEI */ \
	X(ID_MMFR4_EL1, 2, 6, ".uuuu..u") \
	X(ID_ISAR6_EL1, 2, 7, "uuuuuuuu") \
	X(MVFR0_EL1, 3, 0, "uuuuuuuu") \
	X(MVFR1_EL1, 3, 1, "uuuuuuuu") \
	X(MVFR2_EL1, 3, 2, "......uu") \
	/* RAS_frac . SSBS CSV3 */ \
	X(ID_PFR2_EL1, 3, 4, "......11") \
	/* nTLBPA ETS */ \
	X(ID_MMFR5_EL1, 3, 6, "......1u") \
	/* CSV3 CSV2 (2 has SCXTNUM registers) RME . DIT, AMU MPAM SEL2 SVE ., RAS . GIC AdvSIMD FP, EL3 EL2 . EL1 EL0 */ \
	X(ID_AA64PFR0_EL1, 4, 0, "11.1" "...." ".Gss" "..22") \
	/* ..., MTE . SSBS BT */ \
	X(ID_AA64PFR1_EL1, 4, 1, "...." "...." "...." "..21") \
	/*
	 * HPMN0 ExtTrcBuff BRBE MTPMU ., TraceBuffer TraceFilt . DoubleLock PMSVer ., CTX_CMPs . WRPs, BRPs PMUVer .
	 * TraceVer . DebugVer. Breakpoints and watchpoints: the fewest of all CPUs (trap_debug.c has as many).
	 */ \
	X(ID_AA64DFR0_EL1, 5, 0, "...." "..F." "u.u." "u..6") \
	/* RNDR TLB TS FHM, DP SM4 SM3 SHA3, RDM TME . Atomic CRC32, SHA2 SHA1 AES */ \
	X(ID_AA64ISAR0_EL1, 6, 0, "1221" "1111" "1.31" "212.") \
	/* LS64 XS . I8MM DGH, BF16 SPECRES SB FRINTTS, GPI GPA . LRCPC FCMA, JSCVT API APA . DPB */ \
	X(ID_AA64ISAR1_EL1, 6, 1, ".111" "2211" "..31" "1..2") \
	/* ATS1A . LUT CSSC RPRFM, . PRFMSLC SYSINSTR_128 SYSREG_128 ., CLRBHB PAC_frac . BC MOPS ., APA3 GPA3 . RPRES WFxT . */ \
	X(ID_AA64ISAR2_EL1, 6, 2, ".111" ".1.." "1.1." "..1.") \
	/* ECV (2 is EL2's) FGT ., ExS TGran4_2 TGran64_2 TGran16_2 ., TGran4 TGran64 TGran16 BigEndEL0, SNSMem BigEnd ASID PA */ \
	X(ID_AA64MMFR0_EL1, 7, 0, "1..." "1..." "ss21" "112P") \
	/* ECBHB CMOW TIDCP1 . nTLBPA, AFP HCX . ETS TWED ., XNX . SpecSEI PAN LO ., HPDS VH VMIDBits . HAFDBS */ \
	X(ID_AA64MMFR1_EL1, 7, 1, "1..1" "1.3." ".23." "2..2") \
	/* IDS, which cannot be hidden: how undefined reads are reported. E0PD EVT BBM . TTL, FWB IDS . AT, ST NV . CCIDX VARange, IESB . LSM UAO CnP */ \
	X(ID_AA64MMFR2_EL1, 7, 2, "1..1" "..11" "1.11" ".111")
/* clang-format on */

/* What all CPUs have: what guests read, but for G and P. */
static uint64_t idreg[8][8] __ro_after_init_bss;
uint64_t trap_idreg_value[2][8][8] __ro_after_init_bss;

static unsigned int nr_fields(const char *text)
{
	unsigned int nr = 0;

	while (text[nr] != '\0') {
		nr++;
	}
	return nr;
}

static int64_t sign_extend(uint64_t field)
{
	return (int64_t)(field << 60) >> 60;
}

/* One field of one CPU, as a guest of that CPU alone would see it. */
static uint64_t filter_field(char letter, uint64_t field)
{
	switch (letter) {
	case '.':
		return 0;
	case 'F':
		return 0xf;
	case 'u':
	case 's':
	case 'P':
	case 'G':
		return field;
	default:
		return MIN(field, (uint64_t)(letter - '0'));
	}
}

static uint64_t filter(const char *text, uint64_t value)
{
	uint64_t result = 0;

	for (unsigned int i = 0; text[i] != '\0'; i++) {
		unsigned int shift = (nr_fields(text) - 1 - i) * 4;

		result |= filter_field(text[i], value >> shift & 0xf) << shift;
	}
	return result;
}

static uint64_t lowest(const char *text, uint64_t a, uint64_t b)
{
	uint64_t result = 0;

	for (unsigned int i = 0; text[i] != '\0'; i++) {
		unsigned int shift = (nr_fields(text) - 1 - i) * 4;
		uint64_t x = a >> shift & 0xf, y = b >> shift & 0xf;
		bool a_is_lower = text[i] == 's' ? sign_extend(x) < sign_extend(y) : x < y;

		result |= (a_is_lower ? x : y) << shift;
	}
	return result;
}

/*
 * One CPU at a time, the boot CPU first. Registers are named by encoding, as an assembler for
 * Armv8.0 does not know the later ones; those read as zero on older CPUs.
 */
void trap_idreg_init_cpu(void)
{
	const bool first = this_cpu_id() == 0;
	uint64_t value;

#define X(name, crm, op2, text)                                    \
	value = filter(text, sysreg_read(S3_0_C0_C##crm##_##op2)); \
	idreg[crm][op2] = first ? value : lowest(text, idreg[crm][op2], value);
	IDREGS(X)
#undef X
	/* Without AArch32 its registers are unknown. */
	if ((idreg[4][0] & 0xf) < 2) {
		for (unsigned int crm = 1; crm < 4; crm++) {
			for (unsigned int op2 = 0; op2 < 8; op2++) {
				idreg[crm][op2] = 0;
			}
		}
	}
}

/* The largest PARange that promises no more than stage 2 translates. */
static uint64_t limit_pa_range(uint64_t value)
{
	static const unsigned char bits[] = {32, 36, 40, 42, 44, 48, 52, 56};
	uint64_t range = MIN(value & 0xf, (uint64_t)(ARRAY_SIZE(bits) - 1));

	while (range > 0 && bits[range] > stage2_ipa_bits()) {
		range--;
	}
	return (value & ~UINT64_C(0xf)) | range;
}

static void set_gic(uint64_t *value, unsigned int shift, bool has_registers)
{
	*value &= ~(UINT64_C(0xf) << shift);
	*value |= (uint64_t)has_registers << shift;
}

/* Every read finds its value made: traps of these registers are frequent in some guests. */
void trap_idreg_init_machine(void)
{
	for (unsigned int gic = GIC_V2; gic <= GIC_V3; gic++) {
		uint64_t(*value)[8] = trap_idreg_value[gic - GIC_V2];

		for (unsigned int crm = 1; crm < 8; crm++) {
			for (unsigned int op2 = 0; op2 < 8; op2++) {
				value[crm - 1][op2] = idreg[crm][op2];
			}
		}
		set_gic(&value[4 - 1][0], 24, gic == GIC_V3);
		if (idreg[1][1] != 0) { /* else there is no AArch32, and it is all zero */
			set_gic(&value[1 - 1][1], 28, gic == GIC_V3);
		}
		value[7 - 1][0] = limit_pa_range(idreg[7][0]);
	}
}

uint64_t trap_idreg_read(const struct domain *d, uint32_t key)
{
	return trap_idreg_value_of(d, (key >> 1 & 7) - 1, key >> 17 & 7);
}
