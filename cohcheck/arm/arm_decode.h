/* SPDX-License-Identifier: MIT */
/*
 * The instructions that a coherency checker must know. Everything else is OP_OTHER; loads and stores are
 * seen through their accesses and are decoded only as far as the rules need (exclusives and atomics).
 * Encodings: Arm ARM (DDI 0487), "System instructions" of C5 and the A64 index; for A32/T32 the CP15 c7 and
 * c8 operations.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

enum arm_op_kind {
	OP_OTHER,
	OP_DC, /* .dc, Rt */
	OP_DC_SET_WAY,
	OP_DC_ZVA, /* also GZVA; GVA writes allocation tags only, so it is OP_OTHER */
	OP_IC,     /* .ic, Rt for IVAU */
	OP_TLBI,   /* .tlbi, Rt where .tlbi.by is not "all" */
	OP_DSB,    /* .dsb */
	OP_MSR, /* writes a register that the translation regimes depend on (not PSTATE fields that do not) */
	OP_EXCLUSIVE, /* load or store exclusive; not LDAR, STLR */
	OP_ATOMIC,    /* LSE: CAS, SWP, LD<op>, ST<op> */
	OP_MOPS,      /* CPY*, SET*: accesses of many lines */
	OP_CALL,      /* SMC, HVC: PSCI may turn CPUs on and off */
};

/* What a TLBI names. Arm ARM, "TLB maintenance instructions". */
struct arm_tlbi {
	enum {
		TLBI_ALL,
		TLBI_VMALL,
		TLBI_VMALLS12,
		TLBI_ASID,
		TLBI_VA,
		TLBI_VAA,
		TLBI_IPA
	} by;
	uint8_t el; /* 1: EL1&0, or EL2&0 with HCR_EL2.{E2H,TGE}; 2; 3 */
	bool last_level, range;
	bool broadcast; /* IS or OS */
	bool nxs;       /* nXS: does not wait for accesses to memory with the XS attribute */
	bool aarch32;   /* Rt as in AArch32 */
};

struct arm_op {
	enum arm_op_kind kind;
	uint8_t rt; /* register that holds the operand; 31: XZR */
	enum dc_op dc;
	bool ivac_by_el1; /* a DC IVAC: HCR_EL2.{VM,DC} and SCTLR may make it a DC CIVAC */
	bool by_paddr;    /* DC CIPAPA, CIPAE: Rt holds a physical address */
	enum ic_op ic;
	struct arm_tlbi tlbi;
	struct {
		uint8_t domain;     /* 0 OSH, 1 NSH, 2 ISH, 3 SY */
		bool loads, stores; /* waits for both: completes maintenance */
		bool nxs;           /* nXS variants complete TLBI nXS only */
	} dsb;
	const char *name; /* "DC CIVAC", "TLBI VAE2IS" ...: for reports and --drop; NULL for OP_OTHER */
};

void arm_decode(struct arm_op *op, uint32_t word);
void arm_decode_a32(struct arm_op *op, uint32_t word);
void arm_decode_t32(struct arm_op *op, uint32_t word); /* first halfword on top */
/* Of a DSB with this option, in all instruction sets; leaves OP_OTHER where it is another barrier. */
void arm_decode_dsb(struct arm_op *op, unsigned int option);
/*
 * Arm ARM, "Concurrent modification and execution of instructions": may be replaced by another of the list
 * at any time.
 */
bool arm_concurrent_modification(uint32_t word); /* A64 */
