/* SPDX-License-Identifier: MIT */
/*
 * Every encoding that matters, as assemblers write it. Rt is x3 for caches, x7 for TLBs, x9 for registers.
 * Words that those of Debian 12 do not know (FEAT_LSE128, FEAT_THE, FEAT_PoPS) are from the Arm ARM's
 * encoding diagrams.
 */
#include "arm/arm_decode.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct named {
	uint32_t word;
	enum arm_op_kind kind;
	const char *name;
};

/* clang-format off */
static const struct {
	uint32_t word;
	enum arm_op_kind kind;
	enum dc_op dc;
	bool by_paddr;
	const char *name;
} cache_words[] = {
	{0xd5087623, OP_DC, DC_IVAC, false, "DC IVAC"},
	{0xd50876a3, OP_DC, DC_IVAC, false, "DC IGDVAC"},
	{0xd50b7a23, OP_DC, DC_CVAC, false, "DC CVAC"},
	{0xd50b7aa3, OP_DC, DC_CVAC, false, "DC CGDVAC"},
	{0xd50b7c23, OP_DC, DC_CVAC, false, "DC CVAP"},
	{0xd50b7ca3, OP_DC, DC_CVAC, false, "DC CGDVAP"},
	{0xd50b7d23, OP_DC, DC_CVAC, false, "DC CVADP"},
	{0xd50b7da3, OP_DC, DC_CVAC, false, "DC CGDVADP"},
	{0xd50b7b23, OP_DC, DC_CVAU, false, "DC CVAU"},
	{0xd50b7e23, OP_DC, DC_CIVAC, false, "DC CIVAC"},
	{0xd50b7ea3, OP_DC, DC_CIVAC, false, "DC CIGDVAC"},
	{0xd50e7e23, OP_DC, DC_CIVAC, true, "DC CIPAPA"},
	{0xd50e7ea3, OP_DC, DC_CIVAC, true, "DC CIGDPAPA"},
	{0xd50c7e03, OP_DC, DC_CIVAC, true, "DC CIPAE"},
	{0xd50c7ee3, OP_DC, DC_CIVAC, true, "DC CIGDPAE"},
	{0xd5087f23, OP_DC, DC_CIVAC, false, "DC CIVAPS"},
	{0xd5087fa3, OP_DC, DC_CIVAC, false, "DC CIGDVAPS"},
	{0xd5087643, OP_DC_SET_WAY, DC_IVAC, false, "DC ISW"},
	{0xd50876c3, OP_DC_SET_WAY, DC_IVAC, false, "DC IGDSW"},
	{0xd5087a43, OP_DC_SET_WAY, DC_CVAC, false, "DC CSW"},
	{0xd5087ac3, OP_DC_SET_WAY, DC_CVAC, false, "DC CGDSW"},
	{0xd5087e43, OP_DC_SET_WAY, DC_CIVAC, false, "DC CISW"},
	{0xd5087ec3, OP_DC_SET_WAY, DC_CIVAC, false, "DC CIGDSW"},
};

static const struct named named_words[] = {
	{0xd50b7423, OP_DC_ZVA, "DC ZVA"},
	{0xd50b7483, OP_DC_ZVA, "DC GZVA"},
	{0xd508711f, OP_IC, "IC IALLUIS"},
	{0xd508751f, OP_IC, "IC IALLU"},
	{0xd50b7523, OP_IC, "IC IVAU"},
	{0xd5181009, OP_MSR, "MSR SCTLR_EL1"},
	{0xd5182009, OP_MSR, "MSR TTBR0_EL1"},
	{0xd5182029, OP_MSR, "MSR TTBR1_EL1"},
	{0xd5182049, OP_MSR, "MSR TCR_EL1"},
	{0xd518a209, OP_MSR, "MSR MAIR_EL1"},
	{0xd51d1009, OP_MSR, "MSR SCTLR_EL12"},
	{0xd51d2009, OP_MSR, "MSR TTBR0_EL12"},
	{0xd51d2029, OP_MSR, "MSR TTBR1_EL12"},
	{0xd51d2049, OP_MSR, "MSR TCR_EL12"},
	{0xd51da209, OP_MSR, "MSR MAIR_EL12"},
	{0xd51c1009, OP_MSR, "MSR SCTLR_EL2"},
	{0xd51c1109, OP_MSR, "MSR HCR_EL2"},
	{0xd51c11c9, OP_MSR, "MSR HFGITR_EL2"},
	{0xd51c2009, OP_MSR, "MSR TTBR0_EL2"},
	{0xd51c2029, OP_MSR, "MSR TTBR1_EL2"},
	{0xd51c2049, OP_MSR, "MSR TCR_EL2"},
	{0xd51c2109, OP_MSR, "MSR VTTBR_EL2"},
	{0xd51c2149, OP_MSR, "MSR VTCR_EL2"},
	{0xd51c2609, OP_MSR, "MSR VSTTBR_EL2"},
	{0xd51c2649, OP_MSR, "MSR VSTCR_EL2"},
	{0xd51c3009, OP_MSR, "MSR DACR32_EL2"},
	{0xd51ca209, OP_MSR, "MSR MAIR_EL2"},
	{0xd51e1009, OP_MSR, "MSR SCTLR_EL3"},
	{0xd51e1109, OP_MSR, "MSR SCR_EL3"},
	{0xd51e2009, OP_MSR, "MSR TTBR0_EL3"},
	{0xd51e2049, OP_MSR, "MSR TCR_EL3"},
	{0xd51ea209, OP_MSR, "MSR MAIR_EL3"},
	{0xd51c1249, OP_MSR, "MSR HCRX_EL2"},
	{0xd5182069, OP_MSR, "MSR TCR2_EL1"},
	{0xd51c2069, OP_MSR, "MSR TCR2_EL2"},
	{0xd51d2069, OP_MSR, "MSR TCR2_EL12"},
	{0xd518a229, OP_MSR, "MSR MAIR2_EL1"},
	{0xd51ca129, OP_MSR, "MSR MAIR2_EL2"},
	{0xd51da229, OP_MSR, "MSR MAIR2_EL12"},
	{0x885f7c41, OP_EXCLUSIVE, "LDXR"}, /* ldxr w1, [x2] */
	{0xc85f7c41, OP_EXCLUSIVE, "LDXR"}, /* ldxr x1, [x2] */
	{0xc85ffc41, OP_EXCLUSIVE, "LDXR"}, /* ldaxr x1, [x2] */
	{0x085f7c41, OP_EXCLUSIVE, "LDXR"}, /* ldxrb w1, [x2] */
	{0x485ffc41, OP_EXCLUSIVE, "LDXR"}, /* ldaxrh w1, [x2] */
	{0xc87f0c41, OP_EXCLUSIVE, "LDXP"}, /* ldxp x1, x3, [x2] */
	{0x887f8c41, OP_EXCLUSIVE, "LDXP"}, /* ldaxp w1, w3, [x2] */
	{0xc8057c41, OP_EXCLUSIVE, "STXR"}, /* stxr w5, x1, [x2] */
	{0x8805fc41, OP_EXCLUSIVE, "STXR"}, /* stlxr w5, w1, [x2] */
	{0x08057c41, OP_EXCLUSIVE, "STXR"}, /* stxrb w5, w1, [x2] */
	{0x4805fc41, OP_EXCLUSIVE, "STXR"}, /* stlxrh w5, w1, [x2] */
	{0xc8250c41, OP_EXCLUSIVE, "STXP"}, /* stxp w5, x1, x3, [x2] */
	{0x88258c41, OP_EXCLUSIVE, "STXP"}, /* stlxp w5, w1, w3, [x2] */
	{0xc8a17c62, OP_ATOMIC, "CAS"}, /* cas x1, x2, [x3] */
	{0x88e17c62, OP_ATOMIC, "CAS"}, /* casa w1, w2, [x3] */
	{0xc8e1fc62, OP_ATOMIC, "CAS"}, /* casal x1, x2, [x3] */
	{0x08a17c62, OP_ATOMIC, "CAS"}, /* casb w1, w2, [x3] */
	{0x48a1fc62, OP_ATOMIC, "CAS"}, /* caslh w1, w2, [x3] */
	{0x48207c82, OP_ATOMIC, "CASP"}, /* casp x0, x1, x2, x3, [x4] */
	{0x0860fc82, OP_ATOMIC, "CASP"}, /* caspal w0, w1, w2, w3, [x4] */
	{0xf8218062, OP_ATOMIC, "SWP"}, /* swp x1, x2, [x3] */
	{0xb8e18062, OP_ATOMIC, "SWP"}, /* swpal w1, w2, [x3] */
	{0x38218062, OP_ATOMIC, "SWP"}, /* swpb w1, w2, [x3] */
	{0xf8210062, OP_ATOMIC, "LDADD"}, /* ldadd x1, x2, [x3] */
	{0x38e10062, OP_ATOMIC, "LDADD"}, /* ldaddalb w1, w2, [x3] */
	{0xf8211062, OP_ATOMIC, "LDCLR"}, /* ldclr x1, x2, [x3] */
	{0x38e11062, OP_ATOMIC, "LDCLR"}, /* ldclralb w1, w2, [x3] */
	{0xf8212062, OP_ATOMIC, "LDEOR"}, /* ldeor x1, x2, [x3] */
	{0x38e12062, OP_ATOMIC, "LDEOR"}, /* ldeoralb w1, w2, [x3] */
	{0xf8213062, OP_ATOMIC, "LDSET"}, /* ldset x1, x2, [x3] */
	{0x38e13062, OP_ATOMIC, "LDSET"}, /* ldsetalb w1, w2, [x3] */
	{0xf8214062, OP_ATOMIC, "LDSMAX"}, /* ldsmax x1, x2, [x3] */
	{0x38e14062, OP_ATOMIC, "LDSMAX"}, /* ldsmaxalb w1, w2, [x3] */
	{0xf8215062, OP_ATOMIC, "LDSMIN"}, /* ldsmin x1, x2, [x3] */
	{0x38e15062, OP_ATOMIC, "LDSMIN"}, /* ldsminalb w1, w2, [x3] */
	{0xf8216062, OP_ATOMIC, "LDUMAX"}, /* ldumax x1, x2, [x3] */
	{0x38e16062, OP_ATOMIC, "LDUMAX"}, /* ldumaxalb w1, w2, [x3] */
	{0xf8217062, OP_ATOMIC, "LDUMIN"}, /* ldumin x1, x2, [x3] */
	{0x38e17062, OP_ATOMIC, "LDUMIN"}, /* lduminalb w1, w2, [x3] */
	{0xf821007f, OP_ATOMIC, "LDADD"}, /* stadd x1, [x3] */
	{0x7861107f, OP_ATOMIC, "LDCLR"}, /* stclrlh w1, [x3] */
	{0x19010440, OP_MOPS, "CPY"}, /* cpyfp [x0]!, [x1]!, x2! */
	{0x19410440, OP_MOPS, "CPY"}, /* cpyfm [x0]!, [x1]!, x2! */
	{0x19810440, OP_MOPS, "CPY"}, /* cpyfe [x0]!, [x1]!, x2! */
	{0x1d010440, OP_MOPS, "CPY"}, /* cpyp [x0]!, [x1]!, x2! */
	{0x1d81d440, OP_MOPS, "CPY"}, /* cpyewtn [x0]!, [x1]!, x2! */
	{0x1d418440, OP_MOPS, "CPY"}, /* cpymrn [x0]!, [x1]!, x2! */
	{0x19c20420, OP_MOPS, "SET"}, /* setp [x0]!, x1!, x2 */
	{0x19c24420, OP_MOPS, "SET"}, /* setm [x0]!, x1!, x2 */
	{0x19c28420, OP_MOPS, "SET"}, /* sete [x0]!, x1!, x2 */
	{0x1dc20420, OP_MOPS, "SET"}, /* setgp [x0]!, x1!, x2 */
	{0x1dc2a420, OP_MOPS, "SET"}, /* setgen [x0]!, x1!, x2 */
	{0xd4000002, OP_CALL, "HVC"}, /* hvc #0 */
	{0xd401d422, OP_CALL, "HVC"}, /* hvc #0xea1 */
	{0xd4000003, OP_CALL, "SMC"}, /* smc #0 */
	{0x19221020, OP_ATOMIC, "LDCLRP"},
	{0x19e23020, OP_ATOMIC, "LDSETP"},
	{0x19a28020, OP_ATOMIC, "SWPP"},
	{0x38229020, OP_ATOMIC, "RCWCLR"},
	{0x7822a020, OP_ATOMIC, "RCWSWP"},
	{0x3822b020, OP_ATOMIC, "RCWSET"},
	{0x19220820, OP_ATOMIC, "RCWCAS"},
	{0x59220c20, OP_ATOMIC, "RCWCASP"},
	{0x19229020, OP_ATOMIC, "RCWCLRP"},
	{0x1922a020, OP_ATOMIC, "RCWSWPP"},
	{0x1922b020, OP_ATOMIC, "RCWSETP"},
};

static const struct named other_words[] = {
	{0xd503201f, OP_OTHER, NULL}, /* nop */
	{0xd5033fdf, OP_OTHER, NULL}, /* isb */
	{0xd5033bbf, OP_OTHER, NULL}, /* dmb ish */
	{0xd5033fbf, OP_OTHER, NULL}, /* dmb sy */
	{0xd503309f, OP_OTHER, NULL}, /* ssbb */
	{0xd503349f, OP_OTHER, NULL}, /* pssbb */
	{0xd50330ff, OP_OTHER, NULL}, /* sb */
	{0xd4000001, OP_OTHER, NULL}, /* svc #0 */
	{0xd4200020, OP_OTHER, NULL}, /* brk #1 */
	{0xd69f03e0, OP_OTHER, NULL}, /* eret */
	{0xd503207f, OP_OTHER, NULL}, /* wfi */
	{0x14000000, OP_OTHER, NULL}, /* b . */
	{0x94000000, OP_OTHER, NULL}, /* bl . */
	{0xd65f03c0, OP_OTHER, NULL}, /* ret */
	{0xd61f0020, OP_OTHER, NULL}, /* br x1 */
	{0xb4000001, OP_OTHER, NULL}, /* cbz x1, . */
	{0x36180001, OP_OTHER, NULL}, /* tbz x1, #3, . */
	{0x54000000, OP_OTHER, NULL}, /* b.eq . */
	{0xc8dffc41, OP_OTHER, NULL}, /* ldar x1, [x2] */
	{0x08dffc41, OP_OTHER, NULL}, /* ldarb w1, [x2] */
	{0xc89ffc41, OP_OTHER, NULL}, /* stlr x1, [x2] */
	{0x489ffc41, OP_OTHER, NULL}, /* stlrh w1, [x2] */
	{0xc8df7c41, OP_OTHER, NULL}, /* ldlar x1, [x2] */
	{0x889f7c41, OP_OTHER, NULL}, /* stllr w1, [x2] */
	{0xf8bfc041, OP_OTHER, NULL}, /* ldapr x1, [x2] */
	{0x38bfc041, OP_OTHER, NULL}, /* ldaprb w1, [x2] */
	{0xd9408041, OP_OTHER, NULL}, /* ldapur x1, [x2, #8] */
	{0x99000041, OP_OTHER, NULL}, /* stlur w1, [x2] */
	{0xf9400041, OP_OTHER, NULL}, /* ldr x1, [x2] */
	{0xf8636841, OP_OTHER, NULL}, /* ldr x1, [x2, x3] */
	{0x39400441, OP_OTHER, NULL}, /* ldrb w1, [x2, #1] */
	{0xf8008c41, OP_OTHER, NULL}, /* str x1, [x2, #8]! */
	{0xa9400861, OP_OTHER, NULL}, /* ldp x1, x2, [x3] */
	{0xadbf07e0, OP_OTHER, NULL}, /* stp q0, q1, [sp, #-32]! */
	{0x3dc00020, OP_OTHER, NULL}, /* ldr q0, [x1] */
	{0x3ce36841, OP_OTHER, NULL}, /* ldr q1, [x2, x3] */
	{0x4c407020, OP_OTHER, NULL}, /* ld1 {v0.16b}, [x1] */
	{0x58000001, OP_OTHER, NULL}, /* ldr x1, . */
	{0xf9800040, OP_OTHER, NULL}, /* prfm pldl1keep, [x2] */
	{0xf8200441, OP_OTHER, NULL}, /* ldraa x1, [x2] */
	{0xf8400841, OP_OTHER, NULL}, /* ldtr x1, [x2] */
	{0xf8401041, OP_OTHER, NULL}, /* ldur x1, [x2, #1] */
	{0xa400a020, OP_OTHER, NULL}, /* ld1b {z0.b}, p0/z, [x1] */
	{0xf83fd040, OP_OTHER, NULL}, /* ld64b x0, [x2] */
	{0xf83f9040, OP_OTHER, NULL}, /* st64b x0, [x2] */
	{0xf821b040, OP_OTHER, NULL}, /* st64bv x1, x0, [x2] */
	{0xf821a040, OP_OTHER, NULL}, /* st64bv0 x1, x0, [x2] */
	{0xd9200841, OP_OTHER, NULL}, /* stg x1, [x2] */
	{0xd9600041, OP_OTHER, NULL}, /* ldg x1, [x2] */
	{0xd9a00841, OP_OTHER, NULL}, /* st2g x1, [x2] */
	{0xd9e00841, OP_OTHER, NULL}, /* stz2g x1, [x2] */
	{0xd50b7463, OP_OTHER, NULL}, /* dc gva, x3 */
	{0xd5087663, OP_OTHER, NULL}, /* dc igvac, x3 */
	{0xd5087683, OP_OTHER, NULL}, /* dc igsw, x3 */
	{0xd5087a83, OP_OTHER, NULL}, /* dc cgsw, x3 */
	{0xd5087e83, OP_OTHER, NULL}, /* dc cigsw, x3 */
	{0xd50b7a63, OP_OTHER, NULL}, /* dc cgvac, x3 */
	{0xd50b7c63, OP_OTHER, NULL}, /* dc cgvap, x3 */
	{0xd50b7d63, OP_OTHER, NULL}, /* dc cgvadp, x3 */
	{0xd50b7e63, OP_OTHER, NULL}, /* dc cigvac, x3 */
	{0xd5087800, OP_OTHER, NULL}, /* at s1e1r, x0 */
	{0xd50c78a0, OP_OTHER, NULL}, /* at s12e1w, x0 */
	{0xd50b7380, OP_OTHER, NULL}, /* cfp rctx, x0 */
	{0xd5381000, OP_OTHER, NULL}, /* mrs x0, sctlr_el1 */
	{0xd5382000, OP_OTHER, NULL}, /* mrs x0, ttbr0_el1 */
	{0xd518c000, OP_OTHER, NULL}, /* msr vbar_el1, x0 */
	{0xd518d020, OP_OTHER, NULL}, /* msr contextidr_el1, x0 */
	{0xd50342df, OP_OTHER, NULL}, /* msr daifset, #2 */
	{0xd500419f, OP_OTHER, NULL}, /* msr pan, #1 */
	{0xd50041bf, OP_OTHER, NULL}, /* msr spsel, #1 */
	{0xd5185200, OP_OTHER, NULL}, /* msr esr_el1, x0 */
	{0xd51c4020, OP_OTHER, NULL}, /* msr elr_el2, x0 */
	{0xd5187400, OP_OTHER, NULL}, /* msr par_el1, x0 */
	{0xd51c6000, OP_OTHER, NULL}, /* msr far_el2, x0 */
	{0xd51c1140, OP_OTHER, NULL}, /* msr cptr_el2, x0 */
	{0xd51c0000, OP_OTHER, NULL}, /* msr vpidr_el2, x0 */
	{0xd51a0000, OP_OTHER, NULL}, /* msr csselr_el1, x0 */
	{0xd51cd040, OP_OTHER, NULL}, /* msr tpidr_el2, x0 */
	{0xd51ce100, OP_OTHER, NULL}, /* msr cnthctl_el2, x0 */
	{0xd518a300, OP_OTHER, NULL}, /* msr amair_el1, x0 */
	{0xd51c00a0, OP_OTHER, NULL}, /* msr vmpidr_el2, x0 */
	{0x8b020020, OP_OTHER, NULL}, /* add x0, x1, x2 */
	{0xd2800020, OP_OTHER, NULL}, /* movz x0, #1 */
	{0x1e222820, OP_OTHER, NULL}, /* fadd s0, s1, s2 */
	{0x10000000, OP_OTHER, NULL}, /* adr x0, . */
	{0x00000000, OP_OTHER, NULL}, /* udf #0 */
	{0x9b027c20, OP_OTHER, NULL}, /* mul x0, x1, x2 */
	{0xd5287500, OP_OTHER, NULL}, /* sysl x0, #0, c7, c5, #0 */
};

static const struct {
	uint32_t word;
	uint8_t domain;
	bool loads, stores, nxs;
	const char *name;
} dsb_words[] = {
	{0xd503319f, 0, true, false, false, "DSB OSHLD"},
	{0xd503329f, 0, false, true, false, "DSB OSHST"},
	{0xd503339f, 0, true, true, false, "DSB OSH"},
	{0xd503359f, 1, true, false, false, "DSB NSHLD"},
	{0xd503369f, 1, false, true, false, "DSB NSHST"},
	{0xd503379f, 1, true, true, false, "DSB NSH"},
	{0xd503399f, 2, true, false, false, "DSB ISHLD"},
	{0xd5033a9f, 2, false, true, false, "DSB ISHST"},
	{0xd5033b9f, 2, true, true, false, "DSB ISH"},
	{0xd5033d9f, 3, true, false, false, "DSB LD"},
	{0xd5033e9f, 3, false, true, false, "DSB ST"},
	{0xd5033f9f, 3, true, true, false, "DSB SY"},
	{0xd503323f, 0, true, true, true, "DSB OSHNXS"},
	{0xd503363f, 1, true, true, true, "DSB NSHNXS"},
	{0xd5033a3f, 2, true, true, true, "DSB ISHNXS"},
	{0xd5033e3f, 3, true, true, true, "DSB SYNXS"},
	{0xd503389f, 3, true, true, false, "DSB SY"}, /* reserved */
	{0xd5033c9f, 3, true, true, false, "DSB SY"}, /* reserved */
};

static const struct {
	uint32_t word;
	int by;
	uint8_t el;
	bool last_level, range, broadcast, nxs;
	const char *name;
} tlbi_words[] = {
	{0xd508871f, TLBI_VMALL, 1, false, false, false, false, "TLBI VMALLE1"},
	{0xd5088727, TLBI_VA, 1, false, false, false, false, "TLBI VAE1"},
	{0xd5088747, TLBI_ASID, 1, false, false, false, false, "TLBI ASIDE1"},
	{0xd5088767, TLBI_VAA, 1, false, false, false, false, "TLBI VAAE1"},
	{0xd50887a7, TLBI_VA, 1, true, false, false, false, "TLBI VALE1"},
	{0xd50887e7, TLBI_VAA, 1, true, false, false, false, "TLBI VAALE1"},
	{0xd5088627, TLBI_VA, 1, false, true, false, false, "TLBI RVAE1"},
	{0xd5088667, TLBI_VAA, 1, false, true, false, false, "TLBI RVAAE1"},
	{0xd50886a7, TLBI_VA, 1, true, true, false, false, "TLBI RVALE1"},
	{0xd50886e7, TLBI_VAA, 1, true, true, false, false, "TLBI RVAALE1"},
	{0xd50c871f, TLBI_ALL, 2, false, false, false, false, "TLBI ALLE2"},
	{0xd50c8727, TLBI_VA, 2, false, false, false, false, "TLBI VAE2"},
	{0xd50c879f, TLBI_ALL, 1, false, false, false, false, "TLBI ALLE1"},
	{0xd50c87a7, TLBI_VA, 2, true, false, false, false, "TLBI VALE2"},
	{0xd50c87df, TLBI_VMALLS12, 1, false, false, false, false, "TLBI VMALLS12E1"},
	{0xd50c8627, TLBI_VA, 2, false, true, false, false, "TLBI RVAE2"},
	{0xd50c86a7, TLBI_VA, 2, true, true, false, false, "TLBI RVALE2"},
	{0xd50c8427, TLBI_IPA, 1, false, false, false, false, "TLBI IPAS2E1"},
	{0xd50c84a7, TLBI_IPA, 1, true, false, false, false, "TLBI IPAS2LE1"},
	{0xd50c8447, TLBI_IPA, 1, false, true, false, false, "TLBI RIPAS2E1"},
	{0xd50c84c7, TLBI_IPA, 1, true, true, false, false, "TLBI RIPAS2LE1"},
	{0xd50e871f, TLBI_ALL, 3, false, false, false, false, "TLBI ALLE3"},
	{0xd50e8727, TLBI_VA, 3, false, false, false, false, "TLBI VAE3"},
	{0xd50e87a7, TLBI_VA, 3, true, false, false, false, "TLBI VALE3"},
	{0xd50e8627, TLBI_VA, 3, false, true, false, false, "TLBI RVAE3"},
	{0xd50e86a7, TLBI_VA, 3, true, true, false, false, "TLBI RVALE3"},
	{0xd508831f, TLBI_VMALL, 1, false, false, true, false, "TLBI VMALLE1IS"},
	{0xd5088327, TLBI_VA, 1, false, false, true, false, "TLBI VAE1IS"},
	{0xd5088347, TLBI_ASID, 1, false, false, true, false, "TLBI ASIDE1IS"},
	{0xd5088367, TLBI_VAA, 1, false, false, true, false, "TLBI VAAE1IS"},
	{0xd50883a7, TLBI_VA, 1, true, false, true, false, "TLBI VALE1IS"},
	{0xd50883e7, TLBI_VAA, 1, true, false, true, false, "TLBI VAALE1IS"},
	{0xd5088227, TLBI_VA, 1, false, true, true, false, "TLBI RVAE1IS"},
	{0xd5088267, TLBI_VAA, 1, false, true, true, false, "TLBI RVAAE1IS"},
	{0xd50882a7, TLBI_VA, 1, true, true, true, false, "TLBI RVALE1IS"},
	{0xd50882e7, TLBI_VAA, 1, true, true, true, false, "TLBI RVAALE1IS"},
	{0xd50c831f, TLBI_ALL, 2, false, false, true, false, "TLBI ALLE2IS"},
	{0xd50c8327, TLBI_VA, 2, false, false, true, false, "TLBI VAE2IS"},
	{0xd50c839f, TLBI_ALL, 1, false, false, true, false, "TLBI ALLE1IS"},
	{0xd50c83a7, TLBI_VA, 2, true, false, true, false, "TLBI VALE2IS"},
	{0xd50c83df, TLBI_VMALLS12, 1, false, false, true, false, "TLBI VMALLS12E1IS"},
	{0xd50c8227, TLBI_VA, 2, false, true, true, false, "TLBI RVAE2IS"},
	{0xd50c82a7, TLBI_VA, 2, true, true, true, false, "TLBI RVALE2IS"},
	{0xd50c8027, TLBI_IPA, 1, false, false, true, false, "TLBI IPAS2E1IS"},
	{0xd50c80a7, TLBI_IPA, 1, true, false, true, false, "TLBI IPAS2LE1IS"},
	{0xd50c8047, TLBI_IPA, 1, false, true, true, false, "TLBI RIPAS2E1IS"},
	{0xd50c80c7, TLBI_IPA, 1, true, true, true, false, "TLBI RIPAS2LE1IS"},
	{0xd50e831f, TLBI_ALL, 3, false, false, true, false, "TLBI ALLE3IS"},
	{0xd50e8327, TLBI_VA, 3, false, false, true, false, "TLBI VAE3IS"},
	{0xd50e83a7, TLBI_VA, 3, true, false, true, false, "TLBI VALE3IS"},
	{0xd50e8227, TLBI_VA, 3, false, true, true, false, "TLBI RVAE3IS"},
	{0xd50e82a7, TLBI_VA, 3, true, true, true, false, "TLBI RVALE3IS"},
	{0xd508811f, TLBI_VMALL, 1, false, false, true, false, "TLBI VMALLE1OS"},
	{0xd5088127, TLBI_VA, 1, false, false, true, false, "TLBI VAE1OS"},
	{0xd5088147, TLBI_ASID, 1, false, false, true, false, "TLBI ASIDE1OS"},
	{0xd5088167, TLBI_VAA, 1, false, false, true, false, "TLBI VAAE1OS"},
	{0xd50881a7, TLBI_VA, 1, true, false, true, false, "TLBI VALE1OS"},
	{0xd50881e7, TLBI_VAA, 1, true, false, true, false, "TLBI VAALE1OS"},
	{0xd5088527, TLBI_VA, 1, false, true, true, false, "TLBI RVAE1OS"},
	{0xd5088567, TLBI_VAA, 1, false, true, true, false, "TLBI RVAAE1OS"},
	{0xd50885a7, TLBI_VA, 1, true, true, true, false, "TLBI RVALE1OS"},
	{0xd50885e7, TLBI_VAA, 1, true, true, true, false, "TLBI RVAALE1OS"},
	{0xd50c811f, TLBI_ALL, 2, false, false, true, false, "TLBI ALLE2OS"},
	{0xd50c8127, TLBI_VA, 2, false, false, true, false, "TLBI VAE2OS"},
	{0xd50c819f, TLBI_ALL, 1, false, false, true, false, "TLBI ALLE1OS"},
	{0xd50c81a7, TLBI_VA, 2, true, false, true, false, "TLBI VALE2OS"},
	{0xd50c81df, TLBI_VMALLS12, 1, false, false, true, false, "TLBI VMALLS12E1OS"},
	{0xd50c8527, TLBI_VA, 2, false, true, true, false, "TLBI RVAE2OS"},
	{0xd50c85a7, TLBI_VA, 2, true, true, true, false, "TLBI RVALE2OS"},
	{0xd50c8407, TLBI_IPA, 1, false, false, true, false, "TLBI IPAS2E1OS"},
	{0xd50c8487, TLBI_IPA, 1, true, false, true, false, "TLBI IPAS2LE1OS"},
	{0xd50c8467, TLBI_IPA, 1, false, true, true, false, "TLBI RIPAS2E1OS"},
	{0xd50c84e7, TLBI_IPA, 1, true, true, true, false, "TLBI RIPAS2LE1OS"},
	{0xd50e811f, TLBI_ALL, 3, false, false, true, false, "TLBI ALLE3OS"},
	{0xd50e8127, TLBI_VA, 3, false, false, true, false, "TLBI VAE3OS"},
	{0xd50e81a7, TLBI_VA, 3, true, false, true, false, "TLBI VALE3OS"},
	{0xd50e8527, TLBI_VA, 3, false, true, true, false, "TLBI RVAE3OS"},
	{0xd50e85a7, TLBI_VA, 3, true, true, true, false, "TLBI RVALE3OS"},
	{0xd508971f, TLBI_VMALL, 1, false, false, false, true, "TLBI VMALLE1NXS"},
	{0xd5089727, TLBI_VA, 1, false, false, false, true, "TLBI VAE1NXS"},
	{0xd5089747, TLBI_ASID, 1, false, false, false, true, "TLBI ASIDE1NXS"},
	{0xd5089767, TLBI_VAA, 1, false, false, false, true, "TLBI VAAE1NXS"},
	{0xd50897a7, TLBI_VA, 1, true, false, false, true, "TLBI VALE1NXS"},
	{0xd50897e7, TLBI_VAA, 1, true, false, false, true, "TLBI VAALE1NXS"},
	{0xd5089627, TLBI_VA, 1, false, true, false, true, "TLBI RVAE1NXS"},
	{0xd5089667, TLBI_VAA, 1, false, true, false, true, "TLBI RVAAE1NXS"},
	{0xd50896a7, TLBI_VA, 1, true, true, false, true, "TLBI RVALE1NXS"},
	{0xd50896e7, TLBI_VAA, 1, true, true, false, true, "TLBI RVAALE1NXS"},
	{0xd50c971f, TLBI_ALL, 2, false, false, false, true, "TLBI ALLE2NXS"},
	{0xd50c9727, TLBI_VA, 2, false, false, false, true, "TLBI VAE2NXS"},
	{0xd50c979f, TLBI_ALL, 1, false, false, false, true, "TLBI ALLE1NXS"},
	{0xd50c97a7, TLBI_VA, 2, true, false, false, true, "TLBI VALE2NXS"},
	{0xd50c97df, TLBI_VMALLS12, 1, false, false, false, true, "TLBI VMALLS12E1NXS"},
	{0xd50c9627, TLBI_VA, 2, false, true, false, true, "TLBI RVAE2NXS"},
	{0xd50c96a7, TLBI_VA, 2, true, true, false, true, "TLBI RVALE2NXS"},
	{0xd50c9427, TLBI_IPA, 1, false, false, false, true, "TLBI IPAS2E1NXS"},
	{0xd50c94a7, TLBI_IPA, 1, true, false, false, true, "TLBI IPAS2LE1NXS"},
	{0xd50c9447, TLBI_IPA, 1, false, true, false, true, "TLBI RIPAS2E1NXS"},
	{0xd50c94c7, TLBI_IPA, 1, true, true, false, true, "TLBI RIPAS2LE1NXS"},
	{0xd50e971f, TLBI_ALL, 3, false, false, false, true, "TLBI ALLE3NXS"},
	{0xd50e9727, TLBI_VA, 3, false, false, false, true, "TLBI VAE3NXS"},
	{0xd50e97a7, TLBI_VA, 3, true, false, false, true, "TLBI VALE3NXS"},
	{0xd50e9627, TLBI_VA, 3, false, true, false, true, "TLBI RVAE3NXS"},
	{0xd50e96a7, TLBI_VA, 3, true, true, false, true, "TLBI RVALE3NXS"},
	{0xd508931f, TLBI_VMALL, 1, false, false, true, true, "TLBI VMALLE1ISNXS"},
	{0xd5089327, TLBI_VA, 1, false, false, true, true, "TLBI VAE1ISNXS"},
	{0xd5089347, TLBI_ASID, 1, false, false, true, true, "TLBI ASIDE1ISNXS"},
	{0xd5089367, TLBI_VAA, 1, false, false, true, true, "TLBI VAAE1ISNXS"},
	{0xd50893a7, TLBI_VA, 1, true, false, true, true, "TLBI VALE1ISNXS"},
	{0xd50893e7, TLBI_VAA, 1, true, false, true, true, "TLBI VAALE1ISNXS"},
	{0xd5089227, TLBI_VA, 1, false, true, true, true, "TLBI RVAE1ISNXS"},
	{0xd5089267, TLBI_VAA, 1, false, true, true, true, "TLBI RVAAE1ISNXS"},
	{0xd50892a7, TLBI_VA, 1, true, true, true, true, "TLBI RVALE1ISNXS"},
	{0xd50892e7, TLBI_VAA, 1, true, true, true, true, "TLBI RVAALE1ISNXS"},
	{0xd50c931f, TLBI_ALL, 2, false, false, true, true, "TLBI ALLE2ISNXS"},
	{0xd50c9327, TLBI_VA, 2, false, false, true, true, "TLBI VAE2ISNXS"},
	{0xd50c939f, TLBI_ALL, 1, false, false, true, true, "TLBI ALLE1ISNXS"},
	{0xd50c93a7, TLBI_VA, 2, true, false, true, true, "TLBI VALE2ISNXS"},
	{0xd50c93df, TLBI_VMALLS12, 1, false, false, true, true, "TLBI VMALLS12E1ISNXS"},
	{0xd50c9227, TLBI_VA, 2, false, true, true, true, "TLBI RVAE2ISNXS"},
	{0xd50c92a7, TLBI_VA, 2, true, true, true, true, "TLBI RVALE2ISNXS"},
	{0xd50c9027, TLBI_IPA, 1, false, false, true, true, "TLBI IPAS2E1ISNXS"},
	{0xd50c90a7, TLBI_IPA, 1, true, false, true, true, "TLBI IPAS2LE1ISNXS"},
	{0xd50c9047, TLBI_IPA, 1, false, true, true, true, "TLBI RIPAS2E1ISNXS"},
	{0xd50c90c7, TLBI_IPA, 1, true, true, true, true, "TLBI RIPAS2LE1ISNXS"},
	{0xd50e931f, TLBI_ALL, 3, false, false, true, true, "TLBI ALLE3ISNXS"},
	{0xd50e9327, TLBI_VA, 3, false, false, true, true, "TLBI VAE3ISNXS"},
	{0xd50e93a7, TLBI_VA, 3, true, false, true, true, "TLBI VALE3ISNXS"},
	{0xd50e9227, TLBI_VA, 3, false, true, true, true, "TLBI RVAE3ISNXS"},
	{0xd50e92a7, TLBI_VA, 3, true, true, true, true, "TLBI RVALE3ISNXS"},
	{0xd508911f, TLBI_VMALL, 1, false, false, true, true, "TLBI VMALLE1OSNXS"},
	{0xd5089127, TLBI_VA, 1, false, false, true, true, "TLBI VAE1OSNXS"},
	{0xd5089147, TLBI_ASID, 1, false, false, true, true, "TLBI ASIDE1OSNXS"},
	{0xd5089167, TLBI_VAA, 1, false, false, true, true, "TLBI VAAE1OSNXS"},
	{0xd50891a7, TLBI_VA, 1, true, false, true, true, "TLBI VALE1OSNXS"},
	{0xd50891e7, TLBI_VAA, 1, true, false, true, true, "TLBI VAALE1OSNXS"},
	{0xd5089527, TLBI_VA, 1, false, true, true, true, "TLBI RVAE1OSNXS"},
	{0xd5089567, TLBI_VAA, 1, false, true, true, true, "TLBI RVAAE1OSNXS"},
	{0xd50895a7, TLBI_VA, 1, true, true, true, true, "TLBI RVALE1OSNXS"},
	{0xd50895e7, TLBI_VAA, 1, true, true, true, true, "TLBI RVAALE1OSNXS"},
	{0xd50c911f, TLBI_ALL, 2, false, false, true, true, "TLBI ALLE2OSNXS"},
	{0xd50c9127, TLBI_VA, 2, false, false, true, true, "TLBI VAE2OSNXS"},
	{0xd50c919f, TLBI_ALL, 1, false, false, true, true, "TLBI ALLE1OSNXS"},
	{0xd50c91a7, TLBI_VA, 2, true, false, true, true, "TLBI VALE2OSNXS"},
	{0xd50c91df, TLBI_VMALLS12, 1, false, false, true, true, "TLBI VMALLS12E1OSNXS"},
	{0xd50c9527, TLBI_VA, 2, false, true, true, true, "TLBI RVAE2OSNXS"},
	{0xd50c95a7, TLBI_VA, 2, true, true, true, true, "TLBI RVALE2OSNXS"},
	{0xd50c9407, TLBI_IPA, 1, false, false, true, true, "TLBI IPAS2E1OSNXS"},
	{0xd50c9487, TLBI_IPA, 1, true, false, true, true, "TLBI IPAS2LE1OSNXS"},
	{0xd50c9467, TLBI_IPA, 1, false, true, true, true, "TLBI RIPAS2E1OSNXS"},
	{0xd50c94e7, TLBI_IPA, 1, true, true, true, true, "TLBI RIPAS2LE1OSNXS"},
	{0xd50e911f, TLBI_ALL, 3, false, false, true, true, "TLBI ALLE3OSNXS"},
	{0xd50e9127, TLBI_VA, 3, false, false, true, true, "TLBI VAE3OSNXS"},
	{0xd50e91a7, TLBI_VA, 3, true, false, true, true, "TLBI VALE3OSNXS"},
	{0xd50e9527, TLBI_VA, 3, false, true, true, true, "TLBI RVAE3OSNXS"},
	{0xd50e95a7, TLBI_VA, 3, true, true, true, true, "TLBI RVALE3OSNXS"},
};

static const struct {
	uint32_t word;
	bool listed;
} concurrent_words[] = {
	{0x14000004, true}, /* b .+16 */
	{0x17fffffc, true}, /* b .-16 */
	{0x94000002, true}, /* bl .+8 */
	{0x54000000, true}, /* b.eq . */
	{0x5400000f, true}, /* b.nv . */
	{0x54ffffe1, true}, /* b.ne .-4 */
	{0xb4000040, true}, /* cbz x0, .+8 */
	{0x34000000, true}, /* cbz w0, . */
	{0xb5ffffc1, true}, /* cbnz x1, .-8 */
	{0x35000003, true}, /* cbnz w3, . */
	{0x36080000, true}, /* tbz x0, #1, . */
	{0xb6400000, true}, /* tbz x0, #40, . */
	{0x37180000, true}, /* tbnz w0, #3, . */
	{0xb7f80000, true}, /* tbnz x0, #63, . */
	{0xd4000001, true}, /* svc #0 */
	{0xd41fffe1, true}, /* svc #0xffff */
	{0xd4000062, true}, /* hvc #3 */
	{0xd4000003, true}, /* smc #0 */
	{0xd4210000, true}, /* brk #0x800 */
	{0xd503201f, true}, /* nop */
	{0xd5033fdf, true}, /* isb */
	{0xd50333df, true}, /* isb #3 */
	{0xd61f0000, false}, /* br x0 */
	{0xd63f0000, false}, /* blr x0 */
	{0xd65f03c0, false}, /* ret */
	{0xd69f03e0, false}, /* eret */
	{0xd503203f, false}, /* hint #1 */
	{0xd503207f, false}, /* wfi */
	{0xd503203f, false}, /* yield */
	{0xd5033f9f, false}, /* dsb sy */
	{0xd5033bbf, false}, /* dmb ish */
	{0xd50330ff, false}, /* sb */
	{0xd4400000, false}, /* hlt #0 */
	{0xd4a00001, false}, /* dcps1 */
	{0xaa0103e0, false}, /* mov x0, x1 */
	{0xf9400020, false}, /* ldr x0, [x1] */
	{0x10000000, false}, /* adr x0, . */
	{0xd503245f, false}, /* bti c */
	{0xd503233f, false}, /* paciasp */
	{0xd503209f, false}, /* sev */
	{0x00000000, false}, /* udf #0 */
	{0xd5033f5f, false}, /* clrex */
	{0x54000010, false}, /* .word 0x54000010 */
};
/* clang-format on */

static void assert_op(const struct arm_op *op, uint32_t word, enum arm_op_kind kind,
		      const char *name)
{
	if (op->kind != kind || (name == NULL) != (op->name == NULL) ||
	    (name && strcmp(name, op->name) != 0)) {
		fail_msg("%08x is %d %s, not %d %s", word, op->kind, op->name, kind, name);
	}
}

static void cache_maintenance_by_address_and_by_set_and_way(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cache_words); i++) {
		struct arm_op op;

		arm_decode(&op, cache_words[i].word);
		assert_op(&op, cache_words[i].word, cache_words[i].kind, cache_words[i].name);
		assert_int_equal(op.dc, cache_words[i].dc);
		assert_int_equal(op.rt, 3);
		assert_int_equal(op.by_paddr, cache_words[i].by_paddr);
		assert_int_equal(op.ivac_by_el1, op.kind == OP_DC && op.dc == DC_IVAC);
	}
}

static void instructions_by_kind_and_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(named_words); i++) {
		struct arm_op op;

		arm_decode(&op, named_words[i].word);
		assert_op(&op, named_words[i].word, named_words[i].kind, named_words[i].name);
		if (op.kind == OP_MSR) {
			assert_int_equal(op.rt, 9);
		}
	}
}

static void instruction_caches_by_scope(void **state)
{
	struct arm_op op;

	arm_decode(&op, 0xd508711f);
	assert_int_equal(op.ic, IC_IALLUIS);
	arm_decode(&op, 0xd508751f);
	assert_int_equal(op.ic, IC_IALLU);
	arm_decode(&op, 0xd50b7523);
	assert_int_equal(op.ic, IC_IVAU);
	assert_int_equal(op.rt, 3);
}

/* Among them ordered loads and stores that are not exclusive, and maintenance of allocation tags alone. */
static void everything_else_is_other(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_words); i++) {
		struct arm_op op;

		arm_decode(&op, other_words[i].word);
		assert_op(&op, other_words[i].word, OP_OTHER, NULL);
	}
}

static void barriers_by_domain_and_accesses(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dsb_words); i++) {
		struct arm_op op;

		arm_decode(&op, dsb_words[i].word);
		assert_op(&op, dsb_words[i].word, OP_DSB, dsb_words[i].name);
		assert_int_equal(op.dsb.domain, dsb_words[i].domain);
		assert_int_equal(op.dsb.loads, dsb_words[i].loads);
		assert_int_equal(op.dsb.stores, dsb_words[i].stores);
		assert_int_equal(op.dsb.nxs, dsb_words[i].nxs);
	}
}

static void tlb_maintenance_by_scope(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(tlbi_words); i++) {
		struct arm_op op;

		arm_decode(&op, tlbi_words[i].word);
		assert_op(&op, tlbi_words[i].word, OP_TLBI, tlbi_words[i].name);
		assert_int_equal(op.tlbi.by, tlbi_words[i].by);
		assert_int_equal(op.tlbi.el, tlbi_words[i].el);
		assert_int_equal(op.tlbi.last_level, tlbi_words[i].last_level);
		assert_int_equal(op.tlbi.range, tlbi_words[i].range);
		assert_int_equal(op.tlbi.broadcast, tlbi_words[i].broadcast);
		assert_int_equal(op.tlbi.nxs, tlbi_words[i].nxs);
		assert_false(op.tlbi.aarch32);
		if (op.tlbi.by != TLBI_ALL && op.tlbi.by != TLBI_VMALL &&
		    op.tlbi.by != TLBI_VMALLS12) {
			assert_int_equal(op.rt, 7);
		}
	}
}

static void instructions_that_may_be_modified_while_others_execute_them(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(concurrent_words); i++) {
		if (arm_concurrent_modification(concurrent_words[i].word) !=
		    concurrent_words[i].listed) {
			fail_msg("%08x", concurrent_words[i].word);
		}
	}
}

static void what_rt_is_does_not_matter(void **state)
{
	for (uint32_t word = 0xd5000000; word < 0xd5200000; word += 32) {
		struct arm_op a, b;

		arm_decode(&a, word | 31);
		arm_decode(&b, word | 1);
		if (a.kind != OP_DSB && b.kind != OP_DSB) {
			assert_int_equal(a.kind, b.kind);
			assert_ptr_equal(a.name, b.name);
		}
		assert_int_equal(a.kind == OP_OTHER, a.name == NULL);
	}
}

/* --drop goes by it. */
static void a_name_is_one_encoding(void **state)
{
	const char *names[400];
	size_t nr_names = 0;

	for (uint32_t word = 0xd5080000; word < 0xd5200000; word += 32) {
		struct arm_op op;

		arm_decode(&op, word);
		if (!op.name) {
			continue;
		}
		for (size_t i = 0; i < nr_names; i++) {
			assert_string_not_equal(names[i], op.name);
		}
		assert_true(nr_names < ARRAY_SIZE(names));
		names[nr_names++] = op.name;
	}
	assert_true(nr_names > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_maintenance_by_address_and_by_set_and_way),
		cmocka_unit_test(instructions_by_kind_and_name),
		cmocka_unit_test(instruction_caches_by_scope),
		cmocka_unit_test(everything_else_is_other),
		cmocka_unit_test(barriers_by_domain_and_accesses),
		cmocka_unit_test(tlb_maintenance_by_scope),
		cmocka_unit_test(instructions_that_may_be_modified_while_others_execute_them),
		cmocka_unit_test(what_rt_is_does_not_matter),
		cmocka_unit_test(a_name_is_one_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
