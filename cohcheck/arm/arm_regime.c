/* SPDX-License-Identifier: MIT */
/*
 * From system registers to contexts. Arm ARM (DDI 0487): the registers' descriptions, and of chapter D8
 * "Translation table base address register", "Overview of VMSAv8-64 address translation stages", "The
 * effects of disabling an address translation stage".
 */
#include "arm/arm_regime.h"

#include <string.h>

#include "arm/arm_internal.h"

#define SCTLR_M   0
#define SCTLR_C   2
#define SCTLR_I   12
#define SCTLR_WXN 19
#define SCTLR_EE  25
#define SCTLR_TRE 28
#define SCTLR_AFE 29

#define HCR_VM    0
#define HCR_PTW   2
#define HCR_DC    12
#define HCR_TGE   27
#define HCR_RW    31
#define HCR_CD    32
#define HCR_ID    33
#define HCR_E2H   34
#define HCR_FWB   46

#define SCR_NS    0
#define SCR_RW    10
#define SCR_EEL2  18
#define SCR_NSE   62

#define TTBCR_EAE 31

/* TG0 and TG1 number the granules differently. A reserved value is 4 KiB. */
static const uint8_t tg0_granules[4] = {12, 16, 14, 12};
static const uint8_t tg1_granules[4] = {12, 14, 12, 16};
static const uint8_t pa_sizes[8] = {32, 36, 40, 42, 44, 48, 52, 52};

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool el2_enabled(const struct arm_registers *regs)
{
	return regs->has_el2 &&
	       (!regs->has_el3 || bit(regs->scr, SCR_NS) || bit(regs->scr, SCR_EEL2));
}

static uint64_t effective_hcr(const struct arm_registers *regs)
{
	return el2_enabled(regs) ? regs->hcr : 0;
}

static bool is_vhe_host(uint64_t hcr)
{
	return bit(hcr, HCR_E2H) && bit(hcr, HCR_TGE);
}

bool arm_el1_is_aarch32(const struct arm_registers *regs)
{
	if (el2_enabled(regs)) {
		return !is_vhe_host(regs->hcr) && !bit(regs->hcr, HCR_RW);
	}
	return regs->has_el3 && !bit(regs->scr, SCR_RW);
}

enum arm_regime arm_regime_of(const struct arm_registers *regs, unsigned int el)
{
	uint64_t hcr = effective_hcr(regs);

	switch (el) {
	case 0:
		return is_vhe_host(hcr) ? REGIME_EL20 : REGIME_EL10;
	case 1:
		return REGIME_EL10;
	case 2:
		return bit(regs->hcr, HCR_E2H) ? REGIME_EL20 : REGIME_EL2;
	default:
		return REGIME_EL3;
	}
}

/* ---- Geometry ---- */

static void set_sizes(struct arm_stage *stage, const struct arm_registers *regs,
		      unsigned int granule_shift, unsigned int tsz, unsigned int ps, bool ds)
{
	unsigned int pa_bits = regs->pa_bits ? regs->pa_bits : 48;
	bool wide = granule_shift == 16 ? pa_bits >= 52 : ds && regs->has_lpa2;
	unsigned int ia_min = granule_shift == 16 ? 17 : 16;
	unsigned int ia_max = wide || granule_shift == 16 ? 52 : 48;
	unsigned int ia_bits = 64 - tsz;

	stage->format = ARM_VMSA64;
	stage->granule_shift = (uint8_t)granule_shift;
	stage->lpa2 = wide;
	stage->ia_bits = (uint8_t)(ia_bits < ia_min ? ia_min : smaller(ia_bits, ia_max));
	stage->oa_bits = (uint8_t)smaller(smaller(pa_sizes[ps], pa_bits), wide ? 52 : 48);
}

/* Removes what is not address, and the bits below the table's own alignment. */
static void set_root(struct arm_stage *stage, uint64_t ttbr)
{
	/* 52-bit addresses have bits 51:48 in bits 5:2, and tables aligned to 64 bytes at least. */
	bool wide = stage->granule_shift == 16 ? stage->oa_bits == 52 : stage->lpa2;
	unsigned int size_shift = stage->ia_bits + 3u - arm_level_shift(stage, stage->start_level);
	uint64_t root = ttbr & below(48);

	if (wide) {
		root = (root & ~below(6)) | bits(ttbr, 5, 2) << 48;
		size_shift = size_shift < 6 ? 6 : size_shift;
	}
	stage->root = root & ~below(size_shift);
}

static void set_walk(struct arm_stage *stage, unsigned int irgn, unsigned int orgn, bool cached)
{
	stage->walk_attr = attr_cached_if(arm_attr_of_regions(irgn, orgn), cached);
	stage->walk_type = arm_attr_type(stage->walk_attr);
}

static void set_start_level(struct arm_stage *stage)
{
	unsigned int per_level = stage->granule_shift - 3u;
	unsigned int levels = (stage->ia_bits - stage->granule_shift + per_level - 1u) / per_level;

	stage->start_level = (uint8_t)(4 - levels); /* 5 levels: ARM_LEVEL_MINUS_1 */
}

/* ---- Stage 1, VMSAv8-64 ---- */

/* Where TCR has a field: TCR_EL1, and TCR_EL2 with E2H, have two ranges; else TCR_EL2 and TCR_EL3 have one. */
struct tcr_layout {
	uint8_t ps, tbi, ha, hd, hpd, ds;
};
static const struct tcr_layout tcr_one_range = {16, 20, 21, 22, 24, 32};
static const struct tcr_layout tcr_lower_range = {32, 37, 39, 40, 41, 59};
static const struct tcr_layout tcr_upper_range = {32, 38, 39, 40, 42, 59};

static void set_range64(struct arm_stage *stage, const struct arm_registers *regs, unsigned int el,
			bool two_ranges, bool top)
{
	uint64_t tcr = regs->tcr[el], sctlr = regs->sctlr[el];
	unsigned int low = top ? 16 : 0; /* of the upper range's share of TCR */
	unsigned int tg = (unsigned int)bits(tcr, low + 15, low + 14);
	const struct tcr_layout *at = top        ? &tcr_upper_range
				    : two_ranges ? &tcr_lower_range
						 : &tcr_one_range;

	stage->stage = 1;
	stage->el = (uint8_t)el;
	stage->top = top;
	stage->user = two_ranges;
	/* EPD0 is bit 7, EPD1 23; with one range bit 7 is RES0. */
	stage->enabled = !(two_ranges && bit(tcr, low + 7));
	set_sizes(stage, regs, top ? tg1_granules[tg] : tg0_granules[tg],
		  (unsigned int)bits(tcr, low + 5, low),
		  (unsigned int)bits(tcr, at->ps + 2u, at->ps), bit(tcr, at->ds));
	set_start_level(stage);
	set_root(stage, top ? regs->ttbr1[el] : regs->ttbr0[el]);
	set_walk(stage, (unsigned int)bits(tcr, low + 9, low + 8),
		 (unsigned int)bits(tcr, low + 11, low + 10), bit(sctlr, SCTLR_C));
	stage->tbi = bit(tcr, at->tbi);
	stage->hw_access = bit(tcr, at->ha);
	stage->hw_dirty = stage->hw_access && bit(tcr, at->hd);
	stage->hierarchical = !bit(tcr, at->hpd);
	stage->mair = regs->mair[el];
	stage->wxn = bit(sctlr, SCTLR_WXN);
}

static void set_stage1_64(struct arm_context *context, const struct arm_registers *regs,
			  unsigned int el, bool two_ranges)
{
	uint64_t tcr = regs->tcr[el], ttbr;

	set_range64(&context->s1[0], regs, el, two_ranges, false);
	if (!two_ranges) {
		return;
	}
	set_range64(&context->s1[1], regs, el, true, true);
	ttbr = bit(tcr, 22) ? regs->ttbr1[el] : regs->ttbr0[el];
	context->s1[0].asid = context->s1[1].asid =
		(uint16_t)(bit(tcr, 36) ? bits(ttbr, 63, 48) : bits(ttbr, 55, 48));
}

/* ---- Stage 1, VMSAv8-32 ---- */

static void set_range_short(struct arm_stage *stage, const struct arm_registers *regs,
			    unsigned int split, bool top)
{
	uint64_t ttbr = top ? regs->ttbr1[1] : regs->ttbr0[1];
	uint64_t sctlr = regs->sctlr[1];

	stage->format = ARM_VMSA32_SHORT;
	stage->granule_shift = 12;
	stage->start_level = 1;
	stage->ia_bits = (uint8_t)(top ? 32 : 32 - split);
	stage->oa_bits = 40;
	stage->enabled = top ? split && !bit(regs->tcr[1], 5) : !bit(regs->tcr[1], 4);
	stage->root = bits(ttbr, 31, 0) & ~below(stage->ia_bits - 20u + 2u);
	/* IRGN's high bit is bit 0, its low one bit 6. */
	set_walk(stage, (unsigned int)(bits(ttbr, 0, 0) << 1 | bits(ttbr, 6, 6)),
		 (unsigned int)bits(ttbr, 4, 3), bit(sctlr, SCTLR_C));
	stage->mair = regs->mair[1];
	stage->tre = bit(sctlr, SCTLR_TRE);
	stage->afe = bit(sctlr, SCTLR_AFE);
	stage->asid = (uint16_t)bits(regs->contextidr, 7, 0);
	for (unsigned int domain = 0; domain < 16; domain++) {
		if (bits(regs->dacr, 2 * domain + 1, 2 * domain)) {
			stage->domains |= (uint16_t)(1u << domain);
		}
	}
}

static void set_range_long(struct arm_stage *stage, const struct arm_registers *regs, bool top)
{
	uint64_t tcr = regs->tcr[1], ttbr = top ? regs->ttbr1[1] : regs->ttbr0[1];
	unsigned int low = top ? 16 : 0;
	unsigned int tsz = (unsigned int)bits(tcr, low + 2, low);
	bool unused = top && tsz == 0 && bits(tcr, 2, 0) == 0;

	stage->format = ARM_VMSA32_LONG;
	stage->granule_shift = 12;
	stage->ia_bits = (uint8_t)(32 - tsz);
	stage->oa_bits = 40;
	stage->enabled = !unused && !bit(tcr, low + 7);
	set_start_level(stage);
	set_root(stage, bits(ttbr, 47, 0));
	set_walk(stage, (unsigned int)bits(tcr, low + 9, low + 8),
		 (unsigned int)bits(tcr, low + 11, low + 10), bit(regs->sctlr[1], SCTLR_C));
	stage->mair = regs->mair[1];
	/* TTBCR2 is the upper half; T2E makes it count. */
	stage->hierarchical = !(bit(tcr, 6) && bit(tcr, top ? 42 : 41));
	ttbr = bit(tcr, 22) ? regs->ttbr1[1] : regs->ttbr0[1];
	stage->asid = (uint16_t)bits(ttbr, 55, 48);
}

static void set_stage1_32(struct arm_context *context, const struct arm_registers *regs)
{
	for (unsigned int range = 0; range < 2; range++) {
		struct arm_stage *stage = &context->s1[range];

		if (bit(regs->tcr[1], TTBCR_EAE)) {
			set_range_long(stage, regs, range == 1);
		} else {
			set_range_short(stage, regs, (unsigned int)bits(regs->tcr[1], 2, 0),
					range == 1);
		}
		stage->stage = 1;
		stage->el = 1;
		stage->top = range == 1;
		stage->user = true;
		stage->wxn = bit(regs->sctlr[1], SCTLR_WXN);
	}
}

/* ---- Stage 2 ---- */

/* VTCR_EL2.SL0 (and SL2) to a level, per granule. Arm ARM, "VTCR_EL2", SL0. */
static unsigned int stage2_start_level(const struct arm_stage *stage, uint64_t vtcr)
{
	static const uint8_t levels_4k[4] = {2, 1, 0, 3};
	unsigned int sl0 = (unsigned int)bits(vtcr, 7, 6);

	if (stage->granule_shift != 12) {
		return 3 - sl0;
	}
	return stage->lpa2 && bit(vtcr, 33) && sl0 == 0 ? ARM_LEVEL_MINUS_1 : levels_4k[sl0];
}

static uint16_t vmid_of(const struct arm_registers *regs)
{
	return (uint16_t)bits(regs->vttbr, bit(regs->vtcr, 19) ? 63 : 55, 48);
}

static void set_stage2(struct arm_stage *stage, const struct arm_registers *regs, uint64_t hcr)
{
	uint64_t vtcr = regs->vtcr;
	unsigned int shift, table_shift;

	stage->stage = 2;
	stage->el = 1;
	stage->enabled = true;
	set_sizes(stage, regs, tg0_granules[bits(vtcr, 15, 14)], (unsigned int)bits(vtcr, 5, 0),
		  (unsigned int)bits(vtcr, 18, 16), bit(vtcr, 32));
	stage->start_level = (uint8_t)stage2_start_level(stage, vtcr);
	set_walk(stage, (unsigned int)bits(vtcr, 9, 8), (unsigned int)bits(vtcr, 11, 10),
		 !bit(hcr, HCR_CD));
	stage->fwb = bit(hcr, HCR_FWB);
	stage->hw_access = bit(vtcr, 21);
	stage->hw_dirty = stage->hw_access && bit(vtcr, 22);
	stage->vmid = vmid_of(regs);

	/* The start level indexes at least two entries and at most 16 tables concatenated. */
	shift = arm_level_shift(stage, stage->start_level);
	table_shift = stage->granule_shift - 3u;
	if (stage->ia_bits <= shift || stage->ia_bits > shift + table_shift + 4) {
		stage->ia_bits = 0;
	} else {
		set_root(stage, regs->vttbr);
	}
}

/* ---- Contexts ---- */

/* Features that change where descriptors or attributes are. QEMU 10.0 has none of the TCR2 ones. */
static const char *unsupported_stage1(const struct arm_registers *regs, unsigned int el)
{
	uint64_t tcr2 = regs->tcr2[el];

	if (bit(regs->sctlr[el], SCTLR_EE)) {
		return "big-endian translation tables (SCTLR_ELx.EE)";
	}
	if (bit(tcr2, 5)) {
		return "128-bit translation table descriptors (TCR2_ELx.D128)";
	}
	if (bit(tcr2, 4)) {
		return "the extended attribute index (TCR2_ELx.AIE)";
	}
	if (bit(tcr2, 1)) {
		return "permission indirection (TCR2_ELx.PIE)";
	}
	if (bits(tcr2, 3, 2)) {
		return "permission overlays (TCR2_ELx.POE)";
	}
	return NULL;
}

static const char *unsupported_stage2(const struct arm_registers *regs)
{
	if (bit(regs->sctlr[2], SCTLR_EE)) {
		return "big-endian stage-2 tables (SCTLR_EL2.EE)";
	}
	if (regs->has_el3 && !bit(regs->scr, SCR_NS)) {
		return "stage 2 of Secure state (SCR_EL3.EEL2, VSTTBR_EL2)";
	}
	if (regs->has_el3 && bit(regs->scr, SCR_NSE)) {
		return "stage 2 of Realm state (SCR_EL3.NSE)";
	}
	if (bit(regs->vtcr, 38)) {
		return "128-bit stage-2 descriptors (VTCR_EL2.D128)";
	}
	if (bit(regs->vtcr, 36) || bit(regs->vtcr, 37)) {
		return "stage-2 permission indirection and overlays (VTCR_EL2.S2PIE, S2POE)";
	}
	return NULL;
}

static void el10_context(struct arm_context *context, const struct arm_registers *regs)
{
	uint64_t hcr = effective_hcr(regs);
	bool dc = bit(hcr, HCR_DC);

	if (is_vhe_host(hcr)) {
		return;
	}
	/* With DC, SCTLR_EL1.M is as if 0, C is ignored and VM is as if 1; with TGE, M is as if 0. */
	context->s1_on = bit(regs->sctlr[1], SCTLR_M) && !dc && !bit(hcr, HCR_TGE);
	context->data_cached = dc || bit(regs->sctlr[1], SCTLR_C);
	context->insns_cached = dc || bit(regs->sctlr[1], SCTLR_I);
	context->default_cacheable = dc;
	context->stage2_data_cached = !bit(hcr, HCR_CD);
	context->stage2_insns_cached = !bit(hcr, HCR_ID);
	if (context->s1_on) {
		context->unsupported = unsupported_stage1(regs, 1);
		if (regs->el1_aarch32) {
			set_stage1_32(context, regs);
		} else {
			set_stage1_64(context, regs, 1, true);
		}
	}
	if (dc || bit(hcr, HCR_VM)) {
		const char *unsupported = unsupported_stage2(regs);

		context->unsupported = unsupported ? unsupported : context->unsupported;
		context->protected_walks = bit(hcr, HCR_PTW);
		set_stage2(&context->s2, regs, hcr);
	}
	if (context->s1_on && el2_enabled(regs)) {
		/* TLB entries carry the VMID with HCR_EL2.VM clear, too. */
		context->s1[0].vmid = context->s1[1].vmid = vmid_of(regs);
	}
}

/* EL2, EL2&0 and EL3: one stage. */
static void one_stage_context(struct arm_context *context, const struct arm_registers *regs,
			      unsigned int el, bool two_ranges)
{
	context->s1_on = bit(regs->sctlr[el], SCTLR_M);
	context->data_cached = bit(regs->sctlr[el], SCTLR_C);
	context->insns_cached = bit(regs->sctlr[el], SCTLR_I);
	if (context->s1_on) {
		context->unsupported = unsupported_stage1(regs, el);
		set_stage1_64(context, regs, el, two_ranges);
	}
}

void arm_context_of(struct arm_context *context, const struct arm_registers *regs,
		    enum arm_regime regime)
{
	bool e2h = bit(regs->hcr, HCR_E2H);

	/* Padding included: contexts are compared with memcmp. */
	memset(context, 0, sizeof(*context));
	context->regime = regime;
	context->pa_bits = regs->pa_bits ? regs->pa_bits : 48;
	switch (regime) {
	case REGIME_EL10:
		el10_context(context, regs);
		break;
	case REGIME_EL20:
		if (regs->has_el2 && e2h) {
			one_stage_context(context, regs, 2, true);
		}
		break;
	case REGIME_EL2:
		if (regs->has_el2 && !e2h) {
			one_stage_context(context, regs, 2, false);
		}
		break;
	default:
		if (regs->has_el3) {
			one_stage_context(context, regs, 3, false);
		}
		break;
	}
}
