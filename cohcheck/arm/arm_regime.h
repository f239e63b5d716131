/* SPDX-License-Identifier: MIT */
/*
 * Translation regimes: from a CPU's system registers to contexts, and from contexts and tables to physical
 * addresses, memory types and permissions. The walker reads memory through a callback and tells an observer
 * of each descriptor that it reads. No state of its own. Arm ARM chapter D8 (VMSAv8-64) and G5 (VMSAv8-32).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

enum arm_regime {
	REGIME_EL10,
	REGIME_EL20,
	REGIME_EL2,
	REGIME_EL3,
	NR_REGIMES
};

/* As the front end reads them; absent ones are 0. Index of arrays: exception level. */
struct arm_registers {
	uint64_t sctlr[4], ttbr0[4], ttbr1[4], tcr[4], mair[4];
	uint64_t tcr2[4]; /* FEAT_TCR2: D128, PIE ... are not supported: counted as unchecked */
	uint64_t hcr, vtcr, vttbr, scr, ctr;
	uint64_t hfgitr;           /* FEAT_FGT: which maintenance of EL1 is trapped; of no regime */
	uint64_t dacr, contextidr; /* AArch32 EL1; CONTEXTIDR holds the ASID of short descriptors */
	bool el1_aarch32;          /* arm_el1_is_aarch32() */
	uint8_t el;                /* at which it executes */
	uint8_t pa_bits;           /* ID_AA64MMFR0_EL1.PARange */
	bool has_el2, has_el3, has_lpa2, has_s2fwb, has_vhe;
};

/* Geometry and attributes of one stage of one VA range. */
struct arm_stage {
	uint64_t root;         /* table address, ASID and CnP removed */
	uint8_t stage;         /* 1 or 2 */
	uint8_t format;        /* enum: ARM_VMSA64, ARM_VMSA32_SHORT, ARM_VMSA32_LONG */
	uint8_t granule_shift; /* 12, 14, 16 */
	uint8_t start_level;   /* 0..3; ARM_LEVEL_MINUS_1 with LPA2 */
	uint8_t ia_bits;       /* 0: the registers contradict each other, everything faults */
	uint8_t oa_bits;
	bool lpa2;    /* TCR.DS, or 52-bit with 64 KiB: where descriptors hold address bits 51:48 */
	bool top;     /* upper VA range */
	bool enabled; /* EPD clear */
	enum mem_type walk_type;  /* of its walks, before stage 2 */
	uint8_t walk_attr;        /* the same, inner and outer apart (arm_internal.h) */
	uint64_t mair;            /* stage 1; PRRR and NMRR in short format */
	bool fwb;                 /* stage 2: HCR_EL2.FWB */
	bool wxn, hierarchical;   /* WXN; hierarchical permissions in use */
	bool hw_access, hw_dirty; /* hardware sets the access flag, the dirty state */
	bool user;                /* stage 1: of two exception levels, EL0 and another */
	bool tbi;                 /* the top byte is ignored */
	bool tre, afe;            /* short format: SCTLR.TRE, AFE */
	uint16_t domains;         /* short format: bit n: domain n is not "no access" */
	uint8_t el;
	uint16_t asid, vmid;
};

#define ARM_LEVEL_MINUS_1 0xff

enum {
	ARM_VMSA64,
	ARM_VMSA32_SHORT,
	ARM_VMSA32_LONG
};

/*
 * What translates addresses of one regime on one CPU now. Two that compare equal with memcmp translate
 * alike. A stage that is off is all zero, and so is everything of a regime that is not in use: EL2 with
 * HCR_EL2.E2H, EL20 without, EL10 with {E2H,TGE} = {1,1}.
 */
struct arm_context {
	enum arm_regime regime;
	struct arm_stage s1[2]; /* lower, upper range; s1_on false: not used */
	struct arm_stage s2;    /* s2.enabled false: none */
	bool s1_on;
	bool data_cached;  /* SCTLR.C; false: stage 1 gives data accesses and walks at most NC */
	bool insns_cached; /* SCTLR.I */
	bool stage2_data_cached; /* HCR_EL2.CD clear; false: data accesses and walks are at most NC */
	bool stage2_insns_cached; /* HCR_EL2.ID clear */
	bool default_cacheable;   /* HCR_EL2.DC: stage 1 off is Normal WB */
	bool protected_walks;     /* HCR_EL2.PTW: stage 1's tables in stage-2 Device memory fault */
	uint8_t pa_bits;          /* of addresses while nothing translates */
	const char *unsupported;  /* NULL, or what of it cannot be modelled, in words */
};

/* Would EL1 use AArch32, and EL0 under it? From HCR_EL2.RW or SCR_EL3.RW; with neither EL2 nor EL3, false. */
bool arm_el1_is_aarch32(const struct arm_registers *regs);
/* Which regime code at this exception level uses. */
enum arm_regime arm_regime_of(const struct arm_registers *regs, unsigned int el);
void arm_context_of(struct arm_context *context, const struct arm_registers *regs,
		    enum arm_regime regime);

/* A translation of the block or page around an address. */
struct arm_translation {
	uint64_t va, ipa, paddr;   /* of the start of the block (smaller of both stages') */
	uint8_t shift;             /* log2 of its size */
	enum mem_type data, fetch; /* both stages combined, caches' control bits included */
	enum mem_type alias; /* as data, ignoring what keeps only this CPU's accesses from being cached: what
					speculation may do through this translation on any CPU */
	bool readable, writable; /* by software of this regime at any EL */
	bool executable;         /* at some EL of this regime */
	bool global;             /* nG clear */
	bool contiguous;         /* hint set in the last stage-1 descriptor */
	uint8_t level;           /* of stage 1's last descriptor */
	uint64_t descriptor;     /* stage 1's last; 0: MMU off */
};

enum arm_walk_result {
	WALK_OK,
	WALK_FAULT_S1,  /* no valid translation; .level says where */
	WALK_FAULT_S2,  /* of the address or of a table */
	WALK_NO_MEMORY, /* a table lies outside what the memory callback can read: a device */
};

struct arm_walk_ops {
	/* Reads a descriptor of size 4, 8 bytes; false: not memory. */
	bool (*read)(void *ctx, uint64_t paddr, unsigned int size, uint64_t *value);
	/*
	 * A descriptor was read at paddr (stage 1's tables already through stage 2), with this memory type
	 * for the walk. stage describes the tables, level the one it belongs to, va the first input address
	 * that it translates.
	 */
	void (*descriptor)(void *ctx, const struct arm_stage *stage, unsigned int level,
			   uint64_t input, uint64_t paddr, unsigned int size, enum mem_type type,
			   uint64_t value);
};

enum arm_walk_result arm_translate(const struct arm_context *context, uint64_t va,
				   const struct arm_walk_ops *ops, void *ctx,
				   struct arm_translation *result);
/* Stage 2 alone. */
enum arm_walk_result arm_translate_ipa(const struct arm_context *context, uint64_t ipa,
				       const struct arm_walk_ops *ops, void *ctx,
				       struct arm_translation *result);

/*
 * A descriptor by itself, for shadow tables: what kind it is, where it leads, and with which attributes.
 */
struct arm_descriptor {
	enum {
		DESC_INVALID,
		DESC_TABLE,
		DESC_LEAF
	} kind;
	uint64_t output; /* next table, or block or page */
	uint8_t shift; /* log2 of what it maps (leaf), or of what the next table maps altogether (table) */
	enum mem_type type;      /* leaf, of its own stage; stage 2 with FWB: s2_override tells */
	uint8_t attr;            /* the same, inner and outer apart (arm_internal.h) */
	bool s2_override;        /* FWB: type is final whatever stage 1 says */
	bool access_flag;        /* leaf: set, or hardware sets it; else the access faults */
	bool readable, writable; /* leaf, before hierarchical restrictions */
	uint8_t domain;          /* short format, level 1 */
	bool executable;         /* leaf, before hierarchical restrictions */
	bool accessible; /* leaf: access flag set and some access allowed: speculation may use it */
	bool global, contiguous;
	bool table_no_exec; /* table: hierarchical XN for everything below */
};
void arm_describe(struct arm_descriptor *out, const struct arm_stage *stage, unsigned int level,
		  uint64_t value);
static inline unsigned int arm_descriptor_size(const struct arm_stage *stage)
{
	return stage->format == ARM_VMSA32_SHORT ? 4 : 8;
}
/*
 * The first input address of the stage's tables: where descriptor 0 of the root maps. (AArch32's TTBR1
 * tables may start below the addresses that they are used for.)
 */
uint64_t arm_stage_first_input(const struct arm_stage *stage);
/*
 * log2 of what one descriptor of this level maps, and how many descriptors a table of this level has (its
 * start level may have more or fewer).
 */
unsigned int arm_level_shift(const struct arm_stage *stage, unsigned int level);
unsigned int arm_table_entries(const struct arm_stage *stage, unsigned int level);
/*
 * The change that the architecture demands break-before-make for. has_bbm2: FEAT_BBM level 2. What only the
 * contents of memory or of other tables could excuse counts as needing it (same contents at a new read-only
 * address, a table replaced by one that maps alike).
 */
bool arm_needs_break_before_make(const struct arm_stage *stage, unsigned int level, uint64_t old,
				 uint64_t new, bool has_bbm2);
/* Of both stages. MIXED with MIXED is MIXED here, as inner and outer are not told apart. */
enum mem_type arm_combine(enum mem_type s1, const struct arm_descriptor *s2, bool s2_on);
