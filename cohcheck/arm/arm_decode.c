/* SPDX-License-Identifier: MIT */
/*
 * A64. System instructions and registers are tables of their encodings, as in the Arm ARM (DDI 0487),
 * "System instruction class encoding overview" and "A64 system instructions for cache maintenance / TLB
 * maintenance".
 *
 * Maintenance of allocation tags alone (DC IGVAC, CGVAC, CIGVAC, GVA ...) does nothing to data and is
 * OP_OTHER; that of data and tags (DC CGDVAC ...) is what it is for data.
 */
#include "arm/arm_decode.h"

#include <stddef.h>
#include <string.h>

/* op1, CRn, CRm and op2 of a SYS or MSR as they stand in the word, from bit 5. */
#define ENCODING(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define ENCODING_CRN(encoding)       ((encoding) >> 7 & 0xf)

struct cache_op {
	uint16_t encoding;
	uint8_t kind, op;
	bool by_paddr;
	const char *name;
};

/* clang-format off */
static const struct cache_op cache_ops[] = {
	{ENCODING(0, 7,  1, 0), OP_IC, IC_IALLUIS, false, "IC IALLUIS"},
	{ENCODING(0, 7,  5, 0), OP_IC, IC_IALLU,   false, "IC IALLU"},
	{ENCODING(3, 7,  5, 1), OP_IC, IC_IVAU,    false, "IC IVAU"},

	{ENCODING(0, 7,  6, 1), OP_DC, DC_IVAC,  false, "DC IVAC"},
	{ENCODING(0, 7,  6, 5), OP_DC, DC_IVAC,  false, "DC IGDVAC"},
	{ENCODING(3, 7, 10, 1), OP_DC, DC_CVAC,  false, "DC CVAC"},
	{ENCODING(3, 7, 10, 5), OP_DC, DC_CVAC,  false, "DC CGDVAC"},
	{ENCODING(3, 7, 11, 1), OP_DC, DC_CVAU,  false, "DC CVAU"},
	{ENCODING(3, 7, 12, 1), OP_DC, DC_CVAC,  false, "DC CVAP"},
	{ENCODING(3, 7, 12, 5), OP_DC, DC_CVAC,  false, "DC CGDVAP"},
	{ENCODING(3, 7, 13, 1), OP_DC, DC_CVAC,  false, "DC CVADP"},
	{ENCODING(3, 7, 13, 5), OP_DC, DC_CVAC,  false, "DC CGDVADP"},
	{ENCODING(3, 7, 14, 1), OP_DC, DC_CIVAC, false, "DC CIVAC"},
	{ENCODING(3, 7, 14, 5), OP_DC, DC_CIVAC, false, "DC CIGDVAC"},
	/* Beyond the PoC: to the points of encryption, of physical aliasing and of physical storage. */
	{ENCODING(4, 7, 14, 0), OP_DC, DC_CIVAC, true,  "DC CIPAE"},
	{ENCODING(4, 7, 14, 7), OP_DC, DC_CIVAC, true,  "DC CIGDPAE"},
	{ENCODING(6, 7, 14, 1), OP_DC, DC_CIVAC, true,  "DC CIPAPA"},
	{ENCODING(6, 7, 14, 5), OP_DC, DC_CIVAC, true,  "DC CIGDPAPA"},
	{ENCODING(0, 7, 15, 1), OP_DC, DC_CIVAC, false, "DC CIVAPS"},
	{ENCODING(0, 7, 15, 5), OP_DC, DC_CIVAC, false, "DC CIGDVAPS"},

	{ENCODING(0, 7,  6, 2), OP_DC_SET_WAY, DC_IVAC,  false, "DC ISW"},
	{ENCODING(0, 7,  6, 6), OP_DC_SET_WAY, DC_IVAC,  false, "DC IGDSW"},
	{ENCODING(0, 7, 10, 2), OP_DC_SET_WAY, DC_CVAC,  false, "DC CSW"},
	{ENCODING(0, 7, 10, 6), OP_DC_SET_WAY, DC_CVAC,  false, "DC CGDSW"},
	{ENCODING(0, 7, 14, 2), OP_DC_SET_WAY, DC_CIVAC, false, "DC CISW"},
	{ENCODING(0, 7, 14, 6), OP_DC_SET_WAY, DC_CIVAC, false, "DC CIGDSW"},

	{ENCODING(3, 7,  4, 1), OP_DC_ZVA, 0, false, "DC ZVA"},
	{ENCODING(3, 7,  4, 4), OP_DC_ZVA, 0, false, "DC GZVA"},
};

struct tlbi_op {
	uint16_t encoding; /* with CRn 8; FEAT_XS has the same again with CRn 9 */
	uint8_t by, el;
	bool last_level, range, broadcast;
	const char *name, *name_nxs;
};

#define TLBI(op1, crm, op2, name, by, el, last, range, broadcast) \
	{ENCODING(op1, 8, crm, op2), TLBI_##by, el, last, range, broadcast, "TLBI " name, "TLBI " name "NXS"}
/* Most come in three scopes, in the same CRm everywhere. */
#define TLBI_ONE(op1, op2, name, by, el, last)                    \
	TLBI(op1, 7, op2, name,      by, el, last, false, false), \
	TLBI(op1, 3, op2, name "IS", by, el, last, false, true),  \
	TLBI(op1, 1, op2, name "OS", by, el, last, false, true)
#define TLBI_RANGE(op1, op2, name, by, el, last)                  \
	TLBI(op1, 6, op2, name,      by, el, last, true,  false), \
	TLBI(op1, 2, op2, name "IS", by, el, last, true,  true),  \
	TLBI(op1, 5, op2, name "OS", by, el, last, true,  true)

static const struct tlbi_op tlbi_ops[] = {
	TLBI_ONE(0, 0, "VMALLE1", VMALL, 1, false),
	TLBI_ONE(0, 1, "VAE1",    VA,    1, false),
	TLBI_ONE(0, 2, "ASIDE1",  ASID,  1, false),
	TLBI_ONE(0, 3, "VAAE1",   VAA,   1, false),
	TLBI_ONE(0, 5, "VALE1",   VA,    1, true),
	TLBI_ONE(0, 7, "VAALE1",  VAA,   1, true),
	TLBI_RANGE(0, 1, "RVAE1",   VA,  1, false),
	TLBI_RANGE(0, 3, "RVAAE1",  VAA, 1, false),
	TLBI_RANGE(0, 5, "RVALE1",  VA,  1, true),
	TLBI_RANGE(0, 7, "RVAALE1", VAA, 1, true),

	TLBI_ONE(4, 0, "ALLE2",      ALL,       2, false),
	TLBI_ONE(4, 1, "VAE2",       VA,        2, false),
	TLBI_ONE(4, 4, "ALLE1",      ALL,       1, false),
	TLBI_ONE(4, 5, "VALE2",      VA,        2, true),
	TLBI_ONE(4, 6, "VMALLS12E1", VMALLS12,  1, false),
	TLBI_RANGE(4, 1, "RVAE2",  VA, 2, false),
	TLBI_RANGE(4, 5, "RVALE2", VA, 2, true),

	TLBI(4, 4, 1, "IPAS2E1",     IPA, 1, false, false, false),
	TLBI(4, 0, 1, "IPAS2E1IS",   IPA, 1, false, false, true),
	TLBI(4, 4, 0, "IPAS2E1OS",   IPA, 1, false, false, true),
	TLBI(4, 4, 5, "IPAS2LE1",    IPA, 1, true,  false, false),
	TLBI(4, 0, 5, "IPAS2LE1IS",  IPA, 1, true,  false, true),
	TLBI(4, 4, 4, "IPAS2LE1OS",  IPA, 1, true,  false, true),
	TLBI(4, 4, 2, "RIPAS2E1",    IPA, 1, false, true,  false),
	TLBI(4, 0, 2, "RIPAS2E1IS",  IPA, 1, false, true,  true),
	TLBI(4, 4, 3, "RIPAS2E1OS",  IPA, 1, false, true,  true),
	TLBI(4, 4, 6, "RIPAS2LE1",   IPA, 1, true,  true,  false),
	TLBI(4, 0, 6, "RIPAS2LE1IS", IPA, 1, true,  true,  true),
	TLBI(4, 4, 7, "RIPAS2LE1OS", IPA, 1, true,  true,  true),

	TLBI_ONE(6, 0, "ALLE3", ALL, 3, false),
	TLBI_ONE(6, 1, "VAE3",  VA,  3, false),
	TLBI_ONE(6, 5, "VALE3", VA,  3, true),
	TLBI_RANGE(6, 1, "RVAE3",  VA, 3, false),
	TLBI_RANGE(6, 5, "RVALE3", VA, 3, true),
};

static const struct {
	uint16_t encoding; /* op0 is 3 */
	const char *name;
} registers[] = {
	{ENCODING(0,  1, 0, 0), "MSR SCTLR_EL1"},
	{ENCODING(0,  2, 0, 0), "MSR TTBR0_EL1"},
	{ENCODING(0,  2, 0, 1), "MSR TTBR1_EL1"},
	{ENCODING(0,  2, 0, 2), "MSR TCR_EL1"},
	{ENCODING(0,  2, 0, 3), "MSR TCR2_EL1"},
	{ENCODING(0, 10, 2, 0), "MSR MAIR_EL1"},
	{ENCODING(0, 10, 2, 1), "MSR MAIR2_EL1"},
	{ENCODING(5,  1, 0, 0), "MSR SCTLR_EL12"},
	{ENCODING(5,  2, 0, 0), "MSR TTBR0_EL12"},
	{ENCODING(5,  2, 0, 1), "MSR TTBR1_EL12"},
	{ENCODING(5,  2, 0, 2), "MSR TCR_EL12"},
	{ENCODING(5,  2, 0, 3), "MSR TCR2_EL12"},
	{ENCODING(5, 10, 2, 0), "MSR MAIR_EL12"},
	{ENCODING(5, 10, 2, 1), "MSR MAIR2_EL12"},
	{ENCODING(4,  1, 0, 0), "MSR SCTLR_EL2"},
	{ENCODING(4,  1, 1, 0), "MSR HCR_EL2"},
	{ENCODING(4,  1, 1, 6), "MSR HFGITR_EL2"},
	{ENCODING(4,  1, 2, 2), "MSR HCRX_EL2"},
	{ENCODING(4,  2, 0, 0), "MSR TTBR0_EL2"},
	{ENCODING(4,  2, 0, 1), "MSR TTBR1_EL2"},
	{ENCODING(4,  2, 0, 2), "MSR TCR_EL2"},
	{ENCODING(4,  2, 0, 3), "MSR TCR2_EL2"},
	{ENCODING(4,  2, 1, 0), "MSR VTTBR_EL2"},
	{ENCODING(4,  2, 1, 2), "MSR VTCR_EL2"},
	{ENCODING(4,  2, 6, 0), "MSR VSTTBR_EL2"},
	{ENCODING(4,  2, 6, 2), "MSR VSTCR_EL2"},
	{ENCODING(4,  3, 0, 0), "MSR DACR32_EL2"},
	{ENCODING(4, 10, 2, 0), "MSR MAIR_EL2"},
	{ENCODING(4, 10, 1, 1), "MSR MAIR2_EL2"},
	{ENCODING(6,  1, 0, 0), "MSR SCTLR_EL3"},
	{ENCODING(6,  1, 1, 0), "MSR SCR_EL3"},
	{ENCODING(6,  2, 0, 0), "MSR TTBR0_EL3"},
	{ENCODING(6,  2, 0, 2), "MSR TCR_EL3"},
	{ENCODING(6, 10, 2, 0), "MSR MAIR_EL3"},
};
/* clang-format on */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void decode_cache_op(struct arm_op *op, unsigned int encoding)
{
	for (size_t i = 0; i < ARRAY_SIZE(cache_ops); i++) {
		const struct cache_op *entry = &cache_ops[i];

		if (entry->encoding != encoding) {
			continue;
		}
		op->kind = (enum arm_op_kind)entry->kind;
		op->name = entry->name;
		op->by_paddr = entry->by_paddr;
		if (op->kind == OP_IC) {
			op->ic = (enum ic_op)entry->op;
		} else {
			op->dc = (enum dc_op)entry->op;
			op->ivac_by_el1 = op->kind == OP_DC && op->dc == DC_IVAC;
		}
		return;
	}
}

static void decode_tlbi(struct arm_op *op, unsigned int encoding)
{
	bool nxs = ENCODING_CRN(encoding) == 9;

	if (nxs) {
		encoding -= ENCODING(0, 1, 0, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tlbi_ops); i++) {
		const struct tlbi_op *entry = &tlbi_ops[i];

		if (entry->encoding != encoding) {
			continue;
		}
		op->kind = OP_TLBI;
		op->tlbi.by = entry->by;
		op->tlbi.el = entry->el;
		op->tlbi.last_level = entry->last_level;
		op->tlbi.range = entry->range;
		op->tlbi.broadcast = entry->broadcast;
		op->tlbi.nxs = nxs;
		op->name = nxs ? entry->name_nxs : entry->name;
		return;
	}
}

static void decode_sys(struct arm_op *op, uint32_t word)
{
	unsigned int encoding = word >> 5 & 0x3fff;

	op->rt = word & 31;
	switch (ENCODING_CRN(encoding)) {
	case 7:
		decode_cache_op(op, encoding);
		break;
	case 8:
	case 9:
		decode_tlbi(op, encoding);
		break;
	default:
		break;
	}
}

static void decode_msr(struct arm_op *op, uint32_t word)
{
	unsigned int encoding = word >> 5 & 0x3fff;

	op->rt = word & 31;
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		if (registers[i].encoding == encoding) {
			op->kind = OP_MSR;
			op->name = registers[i].name;
			return;
		}
	}
}

void arm_decode_dsb(struct arm_op *op, unsigned int option)
{
	static const char *const names[16] = {
		NULL,        "DSB OSHLD", "DSB OSHST", "DSB OSH",   NULL,        "DSB NSHLD",
		"DSB NSHST", "DSB NSH",   "DSB SY",    "DSB ISHLD", "DSB ISHST", "DSB ISH",
		"DSB SY",    "DSB LD",    "DSB ST",    "DSB SY",
	};

	/* Options 0 and 4 are SSBB and PSSBB; the other reserved ones are DSB SY. */
	if (!names[option]) {
		return;
	}
	op->kind = OP_DSB;
	op->name = names[option];
	op->dsb.domain = (option & 3) == 0 ? 3 : option >> 2;
	op->dsb.loads = (option & 3) != 2;
	op->dsb.stores = (option & 3) != 1;
}

static void decode_dsb_nxs(struct arm_op *op, uint32_t word)
{
	static const char *const names[4] = {"DSB OSHNXS", "DSB NSHNXS", "DSB ISHNXS", "DSB SYNXS"};

	op->kind = OP_DSB;
	op->dsb.domain = word >> 10 & 3;
	op->name = names[op->dsb.domain];
	op->dsb.loads = op->dsb.stores = op->dsb.nxs = true;
}

static void decode_call(struct arm_op *op, uint32_t word)
{
	switch (word & 0xffe0001f) {
	case 0xd4000002:
		op->kind = OP_CALL;
		op->name = "HVC";
		break;
	case 0xd4000003:
		op->kind = OP_CALL;
		op->name = "SMC";
		break;
	default:
		break;
	}
}

static void decode_branch_or_system(struct arm_op *op, uint32_t word)
{
	if ((word & 0xfff80000) == 0xd5080000) {
		decode_sys(op, word);
	} else if ((word & 0xfff80000) == 0xd5180000) {
		decode_msr(op, word);
	} else if ((word & 0xfffff0ff) == 0xd503309f) {
		arm_decode_dsb(op, word >> 8 & 0xf);
	} else if ((word & 0xfffff3ff) == 0xd503323f) {
		decode_dsb_nxs(op, word);
	} else {
		decode_call(op, word);
	}
}

/* Arm ARM, "Load/store exclusive": o2 (bit 23) and o1 (bit 21) tell the classes apart. */
static void decode_exclusive(struct arm_op *op, uint32_t word)
{
	bool o2 = word >> 23 & 1, o1 = word >> 21 & 1, pair_size = word >> 31;

	if (o1 && (o2 || !pair_size)) {
		op->kind = OP_ATOMIC;
		op->name = o2 ? "CAS" : "CASP";
	} else if (!o2) {
		bool load = word >> 22 & 1;

		op->kind = OP_EXCLUSIVE;
		op->name = load ? (o1 ? "LDXP" : "LDXR") : (o1 ? "STXP" : "STXR");
	}
}

/* Arm ARM, "Atomic memory operations": o3 (bit 15) and opc (bits 14:12). */
static void decode_atomic(struct arm_op *op, uint32_t word)
{
	static const char *const names[16] = {
		"LDADD",  "LDCLR",  "LDEOR", "LDSET",  "LDSMAX", "LDSMIN",
		"LDUMAX", "LDUMIN", "SWP",   "RCWCLR", "RCWSWP", "RCWSET",
	};
	unsigned int o3_opc = word >> 12 & 0xf;

	/* From size 10 on, these are LD64B and ST64B; 1100 is LDAPR. */
	if (!names[o3_opc] || (o3_opc > 8 && word >> 31)) {
		return;
	}
	op->kind = OP_ATOMIC;
	op->name = names[o3_opc];
}

/*
 * Arm ARM, "128-bit atomic memory operations" and the RCW compare and swap instructions (FEAT_LSE128,
 * FEAT_THE).
 */
static void decode_atomic_128(struct arm_op *op, uint32_t word)
{
	static const char *const names[16] = {
		NULL, "LDCLRP", NULL,   "LDSETP",  NULL,      NULL,
		NULL, NULL,     "SWPP", "RCWCLRP", "RCWSWPP", "RCWSETP",
	};
	const char *name = NULL;

	switch (word >> 10 & 3) {
	case 0:
		name = names[word >> 12 & 0xf];
		break;
	case 2:
		name = "RCWCAS";
		break;
	case 3:
		name = "RCWCASP";
		break;
	default:
		break;
	}
	if (name) {
		op->kind = OP_ATOMIC;
		op->name = name;
	}
}

static void decode_load_or_store(struct arm_op *op, uint32_t word)
{
	op->rt = word & 31;
	if ((word & 0x3f000000) == 0x08000000) {
		decode_exclusive(op, word);
	} else if ((word & 0x3f200c00) == 0x38200000) {
		decode_atomic(op, word);
	} else if ((word & 0xbf200000) == 0x19200000) {
		decode_atomic_128(op, word);
	} else if ((word & 0xfb200c00) == 0x19000400) {
		op->kind = OP_MOPS;
		op->name = (word >> 22 & 3) == 3 ? "SET" : "CPY";
	}
}

void arm_decode(struct arm_op *op, uint32_t word)
{
	memset(op, 0, sizeof(*op));
	/* Arm ARM, "Top-level encodings for A64": op0, bits 28:25. */
	if ((word & 0x1c000000) == 0x14000000) {
		decode_branch_or_system(op, word);
	} else if ((word & 0x0a000000) == 0x08000000) {
		decode_load_or_store(op, word);
	}
}

bool arm_concurrent_modification(uint32_t word)
{
	/* clang-format off */
	static const struct {
		uint32_t mask, value;
	} instructions[] = {
		{0xfc000000, 0x14000000}, /* B */
		{0xfc000000, 0x94000000}, /* BL */
		{0xff000010, 0x54000000}, /* B.cond */
		{0x7e000000, 0x34000000}, /* CBZ, CBNZ */
		{0x7e000000, 0x36000000}, /* TBZ, TBNZ */
		{0xffe0001f, 0xd4000001}, /* SVC */
		{0xffe0001f, 0xd4000002}, /* HVC */
		{0xffe0001f, 0xd4000003}, /* SMC */
		{0xffe0001f, 0xd4200000}, /* BRK */
		{0xffffffff, 0xd503201f}, /* NOP */
		{0xfffff0ff, 0xd50330df}, /* ISB */
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
		if ((word & instructions[i].mask) == instructions[i].value) {
			return true;
		}
	}
	return false;
}
