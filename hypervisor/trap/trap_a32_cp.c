/* SPDX-License-Identifier: MIT */
/*
 * Coprocessor accesses of AArch32 code that trap: CP15, CP14, and the identification registers of CP10. All of them
 * from EL1 of a 32-bit guest; from EL0, of guests of either kind, the physical timer alone, and what debuggers may
 * read. What is in no table is undefined, as on a CPU that does not have it.
 *
 * A register that is architecturally mapped to an AArch64 one is that register; key names it by the same number where
 * the encodings agree. Arm ARM: "ISS encoding for an exception from an MCR or MRC access", "... from an MCRR or MRRC
 * access", "Mapping of the System registers between the Execution states", "HCR_EL2" for what TVM and TID3 trap.
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "vgic/vgic.h"
#include "vtimer/vtimer.h"

/* An MCR or MRC: opc1, CRn, CRm, opc2 at the places of the syndrome. */
#define CP(opc1, crn, crm, opc2) SYS_ENC(0, opc1, crn, crm, opc2)
#define CP_KEY(esr)              ((uint32_t)(ESR_ISS(esr)) & SYS_ENC(0u, 7u, 15u, 15u, 7u))
#define CP_CRM                   SYS_ENC(0u, 0u, 0u, 15u, 0u)

/* An MCRR or MRRC. */
#define ISS_CP64_OPC1            BITS64(19, 16)
#define ISS_CP64_RT2             BITS64(14, 10)
#define ISS_CP64_CRM             BITS64(4, 1)

#define LOW_HALF                 UINT64_C(0xffffffff)

/* Debug, as Xen shows it: no monitor mode, one watchpoint, two breakpoints; but the version of ID_DFR0. */
#define DBGDIDR_BRPS_2           (UINT64_C(1) << 24)
#define DBGDIDR_VERSION          BITS64(19, 16)
#define DBGDIDR_RES1             BIT64(15)
#define DBGOSLSR_UNLOCKED        BIT64(3)

typedef enum trap_outcome (*cp_handler_t)(struct vcpu *v, struct sysreg_access *access);

struct cp_entry {
	uint32_t key;
	uint32_t allowed; /* SYSREG_* */
	cp_handler_t handler;
};

/* ---- registers of the caller ----------------------------------------------------------------- */

bool trap_a32_register(const struct vcpu *v, unsigned int rt, unsigned int *n)
{
	const uint64_t mode = v->regs.pstate & PSTATE_M32;

	*n = rt;
	/*
	 * The syndrome has the AArch64 view of the number, which in a mode with banked registers is never that of the
	 * User mode's: a CPU that gives the instruction's own number (QEMU does for loads and stores) is understood.
	 */
	if (mode == PSTATE_M32_FIQ && rt >= 8 && rt <= 14) {
		*n = rt + 16;
	} else if (rt == 13 || rt == 14) {
		switch (mode) {
		case PSTATE_M32_IRQ:
			*n = rt == 14 ? 16 : 17;
			break;
		case PSTATE_M32_SVC:
			*n = rt == 14 ? 18 : 19;
			break;
		case PSTATE_M32_ABT:
			*n = rt == 14 ? 20 : 21;
			break;
		case PSTATE_M32_UND:
			*n = rt == 14 ? 22 : 23;
			break;
		default:
			break;
		}
	}
	/* 15 would be the flags or unpredictable. */
	return *n != 15 && *n < 31;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static enum trap_outcome raz_wi(struct vcpu *v, struct sysreg_access *access)
{
	access->value = 0;
	return TRAP_DONE;
}

static enum trap_outcome actlr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->sysregs.actlr_el1;
	return TRAP_DONE;
}

/* CPTR_EL2.TCPAC, for trap_sysreg.c's cpacr(); the bits that AArch32 has: ASEDIS, TRCDIS, cp11, cp10. */
static enum trap_outcome cpacr(struct vcpu *v, struct sysreg_access *access)
{
	const uint64_t mask = BIT64(31) | BIT64(28) | BITS64(23, 20);

	if (access->is_write) {
		sysreg_write(CPACR_EL1, access->value & mask);
	} else {
		access->value = sysreg_read(CPACR_EL1) & mask;
	}
	return TRAP_DONE;
}

static enum trap_outcome set_way(struct vcpu *v, struct sysreg_access *access)
{
	return domain_set_way(v) == 0 ? TRAP_DONE : TRAP_AGAIN;
}

static enum trap_outcome icc_sre(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->domain->vgic.version == GIC_V3 ? 7 : 0;
	return TRAP_DONE;
}

/* CNTP_TVAL, CNTP_CTL: c14 c2 0 and 1 here, S3_3_C14_C2_0 and _1 there. */
static enum trap_outcome physical_timer(struct vcpu *v, struct sysreg_access *access)
{
	return vtimer_sysreg(v, access->key | SYS_ENC(3u, 3u, 0u, 0u, 0u), access->is_write,
			     &access->value)
		     ? TRAP_DONE
		     : TRAP_UNDEFINED;
}

static enum trap_outcome dbgdidr(struct vcpu *v, struct sysreg_access *access)
{
	const uint64_t version = trap_idreg_read(v->domain, SYS_ENC(3, 0, 0, 1, 2)) & 0xf;

	access->value = DBGDIDR_BRPS_2 | FIELD_PREP(DBGDIDR_VERSION, version) | DBGDIDR_RES1;
	return TRAP_DONE;
}

static enum trap_outcome dbgoslsr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = DBGOSLSR_UNLOCKED;
	return TRAP_DONE;
}

/* ---- what HCR_EL2.TVM traps ------------------------------------------------------------------ */

/* Half of an AArch64 register, whose other half is another register of AArch32's, or nothing. */
struct vm_half {
	uint32_t key;
	uint32_t key64;
	bool is_high;
};

/* clang-format off */
static const struct vm_half vm_halves[] = {
	{ CP(0, 1, 0, 0), SYS_ENC(3, 0, 1, 0, 0), false },   /* SCTLR */
	{ CP(0, 2, 0, 0), SYS_ENC(3, 0, 2, 0, 0), false },   /* TTBR0 */
	{ CP(0, 2, 0, 1), SYS_ENC(3, 0, 2, 0, 1), false },   /* TTBR1 */
	{ CP(0, 2, 0, 2), SYS_ENC(3, 0, 2, 0, 2), false },   /* TTBCR */
	{ CP(0, 2, 0, 3), SYS_ENC(3, 0, 2, 0, 2), true },    /* TTBCR2 */
	{ CP(0, 5, 0, 0), SYS_ENC(3, 0, 5, 2, 0), false },   /* DFSR: ESR_EL1 */
	{ CP(0, 5, 1, 0), SYS_ENC(3, 0, 5, 1, 0), false },   /* ADFSR */
	{ CP(0, 5, 1, 1), SYS_ENC(3, 0, 5, 1, 1), false },   /* AIFSR */
	{ CP(0, 6, 0, 0), SYS_ENC(3, 0, 6, 0, 0), false },   /* DFAR */
	{ CP(0, 6, 0, 2), SYS_ENC(3, 0, 6, 0, 0), true },    /* IFAR */
	{ CP(0, 10, 2, 0), SYS_ENC(3, 0, 10, 2, 0), false }, /* PRRR, MAIR0 */
	{ CP(0, 10, 2, 1), SYS_ENC(3, 0, 10, 2, 0), true },  /* NMRR, MAIR1 */
	{ CP(0, 10, 3, 0), SYS_ENC(3, 0, 10, 3, 0), false }, /* AMAIR0 */
	{ CP(0, 10, 3, 1), SYS_ENC(3, 0, 10, 3, 0), true },  /* AMAIR1 */
	{ CP(0, 13, 0, 1), SYS_ENC(3, 0, 13, 0, 1), false }, /* CONTEXTIDR */
};
/* clang-format on */

/* Those with two halves; of the others the upper one is zero. */
static uint64_t vm_read(uint32_t key64)
{
	switch (key64) {
	case SYS_ENC(3, 0, 2, 0, 0):
		return sysreg_read(TTBR0_EL1);
	case SYS_ENC(3, 0, 2, 0, 1):
		return sysreg_read(TTBR1_EL1);
	case SYS_ENC(3, 0, 2, 0, 2):
		return sysreg_read(TCR_EL1);
	case SYS_ENC(3, 0, 6, 0, 0):
		return sysreg_read(FAR_EL1);
	case SYS_ENC(3, 0, 10, 2, 0):
		return sysreg_read(MAIR_EL1);
	case SYS_ENC(3, 0, 10, 3, 0):
		return sysreg_read(AMAIR_EL1);
	default:
		return 0;
	}
}

static enum trap_outcome vm_register(struct vcpu *v, struct sysreg_access *access)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(vm_halves); i++) {
		const struct vm_half *half = &vm_halves[i];
		uint64_t value;

		if (half->key != access->key) {
			continue;
		}
		value = vm_read(half->key64);
		value = half->is_high ? (value & LOW_HALF) | access->value << 32
				      : (value & ~LOW_HALF) | access->value;
		return domain_vm_register_write(v, half->key64, value) ? TRAP_DONE : TRAP_UNDEFINED;
	}
	return TRAP_UNDEFINED;
}

/* These two have no EL1 register of AArch64's to be mapped to. */
static enum trap_outcome dacr(struct vcpu *v, struct sysreg_access *access)
{
	sysreg_write(DACR32_EL2, access->value);
	return TRAP_DONE;
}

static enum trap_outcome ifsr(struct vcpu *v, struct sysreg_access *access)
{
	sysreg_write(IFSR32_EL2, access->value);
	return TRAP_DONE;
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define READ  SYSREG_READ
#define WRITE SYSREG_WRITE
#define BOTH  (SYSREG_READ | SYSREG_WRITE)
#define EL0   SYSREG_EL0

/* clang-format off */
static const struct cp_entry cp15[] = {
	{ CP(0, 1, 0, 0), WRITE, vm_register },         /* SCTLR */
	{ CP(0, 1, 0, 1), BOTH, actlr },
	{ CP(0, 1, 0, 2), BOTH, cpacr },
	{ CP(0, 2, 0, 0), WRITE, vm_register },         /* TTBR0, TTBR1, TTBCR, TTBCR2 */
	{ CP(0, 2, 0, 1), WRITE, vm_register },
	{ CP(0, 2, 0, 2), WRITE, vm_register },
	{ CP(0, 2, 0, 3), WRITE, vm_register },
	{ CP(0, 3, 0, 0), WRITE, dacr },
	{ CP(0, 5, 0, 0), WRITE, vm_register },         /* DFSR */
	{ CP(0, 5, 0, 1), WRITE, ifsr },
	{ CP(0, 5, 1, 0), WRITE, vm_register },         /* ADFSR, AIFSR */
	{ CP(0, 5, 1, 1), WRITE, vm_register },
	{ CP(0, 6, 0, 0), WRITE, vm_register },         /* DFAR, IFAR */
	{ CP(0, 6, 0, 2), WRITE, vm_register },
	{ CP(0, 7, 6, 2), WRITE, set_way },             /* DCISW, DCCSW, DCCISW */
	{ CP(0, 7, 10, 2), WRITE, set_way },
	{ CP(0, 7, 14, 2), WRITE, set_way },
	{ CP(0, 10, 2, 0), WRITE, vm_register },        /* PRRR and NMRR, or MAIR0 and MAIR1 */
	{ CP(0, 10, 2, 1), WRITE, vm_register },
	{ CP(0, 10, 3, 0), WRITE, vm_register },        /* AMAIR0, AMAIR1 */
	{ CP(0, 10, 3, 1), WRITE, vm_register },
	{ CP(0, 12, 12, 5), BOTH, icc_sre },
	{ CP(0, 13, 0, 1), WRITE, vm_register },        /* CONTEXTIDR */
	{ CP(0, 14, 2, 0), BOTH | EL0, physical_timer }, /* CNTP_TVAL, CNTP_CTL */
	{ CP(0, 14, 2, 1), BOTH | EL0, physical_timer },
};

/* Linux reads DBGDIDR before it is prepared for an undefined instruction, so debug has to look as if it were there. */
static const struct cp_entry cp14[] = {
	{ CP(0, 0, 0, 0), READ | EL0, dbgdidr },
	{ CP(0, 0, 1, 0), READ | EL0, raz_wi },         /* DBGDSCRint: no debugger */
	{ CP(0, 0, 2, 2), BOTH, raz_wi },               /* DBGDSCRext: monitor mode cannot be turned on */
	{ CP(0, 0, 7, 0), BOTH, raz_wi },               /* DBGVCR */
	{ CP(0, 0, 0, 4), BOTH, raz_wi },               /* DBGBVR<n>, DBGBCR<n>, DBGWVR<n>, DBGWCR<n>: any n */
	{ CP(0, 0, 0, 5), BOTH, raz_wi },
	{ CP(0, 0, 0, 6), BOTH, raz_wi },
	{ CP(0, 0, 0, 7), BOTH, raz_wi },
	{ CP(0, 1, 0, 0), READ, raz_wi },               /* DBGDRAR, DBGDSAR: no debug ROM */
	{ CP(0, 2, 0, 0), READ, raz_wi },
	{ CP(0, 1, 0, 4), WRITE, raz_wi },              /* DBGOSLAR */
	{ CP(0, 1, 1, 4), READ, dbgoslsr },
	{ CP(0, 1, 3, 4), BOTH, raz_wi },               /* DBGOSDLR */
};
/* clang-format on */

static const struct cp_entry *find(const struct cp_entry *table, unsigned int size, uint32_t key)
{
	for (unsigned int i = 0; i < size; i++) {
		if (table[i].key == key) {
			return &table[i];
		}
	}
	return NULL;
}

static enum trap_outcome refuse(struct vcpu *v, unsigned int cp, const struct sysreg_access *access)
{
	const uint32_t key = access->key;

	log_guest(v->domain->id,
		  "%s: vCPU %u %s register p%u %u c%u c%u %u at pc 0x%lx, which it does not have: undefined "
		  "instruction injected",
		  v->domain->name, v->id, access->is_write ? "writes" : "reads", cp, key >> 14 & 7,
		  key >> 10 & 15, key >> 1 & 15, key >> 17 & 7, v->regs.pc);
	return TRAP_UNDEFINED;
}

/* EL1 of a 32-bit guest: all other AArch32 code is at EL0. */
static bool is_el1(const struct vcpu *v)
{
	return v->domain->is_32bit && (v->regs.pstate & PSTATE_M32) != PSTATE_M32_USR;
}

/* One register by MCR or MRC, once its condition is known to hold. */
static enum trap_outcome access_32(struct vcpu *v, uint64_t esr, unsigned int cp,
				   const struct cp_entry *entry, struct sysreg_access *access)
{
	unsigned int rt;
	enum trap_outcome outcome;

	if (entry == NULL || (entry->allowed & (access->is_write ? WRITE : READ)) == 0 ||
	    (!is_el1(v) && (entry->allowed & EL0) == 0) ||
	    !trap_a32_register(v, (unsigned int)FIELD_GET(ISS_SYS_RT, esr), &rt)) {
		return refuse(v, cp, access);
	}
	access->value = access->is_write ? (uint32_t)vcpu_get_x(v, rt) : 0;
	outcome = entry->handler(v, access);
	if (outcome == TRAP_UNDEFINED) {
		return refuse(v, cp, access);
	}
	if (outcome == TRAP_DONE && !access->is_write) {
		vcpu_set_x(v, rt, (uint32_t)access->value);
	}
	return outcome;
}

/* CRm 1 to 7 of c0: what HCR_EL2.TID3 traps. MVFR0 to 2 are CP10's here, and AArch64's are not seen. */
static enum trap_outcome id_register(struct vcpu *v, struct sysreg_access *access)
{
	const uint32_t crm = access->key >> 1 & 15, opc2 = access->key >> 17 & 7;

	access->value = 0;
	if (crm < 4 && !(crm == 3 && opc2 < 3)) {
		access->value = trap_idreg_read(v->domain, SYS_ENC(3u, 0u, 0u, crm, opc2));
	}
	return TRAP_DONE;
}

enum trap_outcome trap_cp15_32(struct vcpu *v, uint64_t esr)
{
	static const struct cp_entry identification = {0, READ, id_register};
	struct sysreg_access access = {.key = CP_KEY(esr), .is_write = (esr & ISS_SYS_READ) == 0};

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	return access_32(v, esr, 15,
			 trap_idreg_is_key(access.key | SYS_ENC(3u, 0u, 0u, 0u, 0u))
				 ? &identification
				 : find(cp15, ARRAY_SIZE(cp15), access.key),
			 &access);
}

enum trap_outcome trap_cp14_32(struct vcpu *v, uint64_t esr)
{
	struct sysreg_access access = {.key = CP_KEY(esr), .is_write = (esr & ISS_SYS_READ) == 0};
	uint32_t key = access.key;

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	/* Breakpoints and watchpoints have their number in CRm: one row each. */
	if ((key & ~(CP_CRM | SYS_ENC(0u, 0u, 0u, 0u, 3u))) == CP(0, 0, 0, 4)) {
		key &= ~CP_CRM;
	}
	return access_32(v, esr, 14, find(cp14, ARRAY_SIZE(cp14), key), &access);
}

/* VMRS of MVFR0, MVFR1, MVFR2: numbers 7, 6, 5 in CRn. */
static enum trap_outcome mvfr(struct vcpu *v, struct sysreg_access *access)
{
	access->value =
		trap_idreg_read(v->domain, SYS_ENC(3u, 0u, 0u, 3u, 7u - (access->key >> 10 & 15)));
	return TRAP_DONE;
}

enum trap_outcome trap_cp10_id(struct vcpu *v, uint64_t esr)
{
	static const struct cp_entry entry = {0, READ, mvfr};
	struct sysreg_access access = {.key = CP_KEY(esr), .is_write = (esr & ISS_SYS_READ) == 0};
	const uint32_t number = access.key >> 10 & 15;

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	return access_32(v, esr, 10, number >= 5 && number <= 7 ? &entry : NULL, &access);
}

/* ---- two registers --------------------------------------------------------------------------- */

static enum trap_outcome ttbr(struct vcpu *v, struct sysreg_access *access)
{
	const uint32_t opc1 = access->key >> 14 & 7;

	return domain_vm_register_write(v, SYS_ENC(3u, 0u, 2u, 0u, opc1), access->value)
		     ? TRAP_DONE
		     : TRAP_UNDEFINED;
}

static enum trap_outcome cntp_cval(struct vcpu *v, struct sysreg_access *access)
{
	return vtimer_sysreg(v, SYS_ENC(3, 3, 14, 2, 2), access->is_write, &access->value)
		     ? TRAP_DONE
		     : TRAP_UNDEFINED;
}

static enum trap_outcome icc_sgi1r(struct vcpu *v, struct sysreg_access *access)
{
	if (v->domain->vgic.version != GIC_V3) {
		return TRAP_UNDEFINED;
	}
	vgic_sgi1r_write(v, access->value);
	return TRAP_DONE;
}

/* ICC_ASGI1R, ICC_SGI0R: the virtual GIC has one group and one security state. */
static enum trap_outcome icc_sgi_other(struct vcpu *v, struct sysreg_access *access)
{
	return v->domain->vgic.version == GIC_V3 ? TRAP_DONE : TRAP_UNDEFINED;
}

/* clang-format off */
/* CRn is 0: the instruction has none. */
static const struct cp_entry cp15_64[] = {
	{ CP(0, 0, 2, 0), WRITE, ttbr },
	{ CP(1, 0, 2, 0), WRITE, ttbr },
	{ CP(2, 0, 14, 0), BOTH | EL0, cntp_cval },
	{ CP(0, 0, 12, 0), WRITE, icc_sgi1r },
	{ CP(1, 0, 12, 0), WRITE, icc_sgi_other },
	{ CP(2, 0, 12, 0), WRITE, icc_sgi_other },
};
/* DBGDRAR, DBGDSAR */
static const struct cp_entry cp14_64[] = {
	{ CP(0, 0, 1, 0), READ, raz_wi },
	{ CP(0, 0, 2, 0), READ, raz_wi },
};
/* clang-format on */

static enum trap_outcome access_64(struct vcpu *v, uint64_t esr, unsigned int cp,
				   const struct cp_entry *table, unsigned int size)
{
	const uint32_t opc1 = (uint32_t)FIELD_GET(ISS_CP64_OPC1, esr),
		       crm = (uint32_t)FIELD_GET(ISS_CP64_CRM, esr);
	struct sysreg_access access = {.key = CP(opc1 & 7, 0u, crm, 0u),
				       .is_write = (esr & ISS_SYS_READ) == 0};
	const struct cp_entry *entry = opc1 < 8 ? find(table, size, access.key) : NULL;
	enum trap_outcome outcome;
	unsigned int rt, rt2;

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	if (entry == NULL || (entry->allowed & (access.is_write ? WRITE : READ)) == 0 ||
	    (!is_el1(v) && (entry->allowed & EL0) == 0) ||
	    !trap_a32_register(v, (unsigned int)FIELD_GET(ISS_SYS_RT, esr), &rt) ||
	    !trap_a32_register(v, (unsigned int)FIELD_GET(ISS_CP64_RT2, esr), &rt2)) {
		return refuse(v, cp, &access);
	}
	if (access.is_write) {
		access.value = (uint32_t)vcpu_get_x(v, rt) | vcpu_get_x(v, rt2) << 32;
	}
	outcome = entry->handler(v, &access);
	if (outcome == TRAP_UNDEFINED) {
		return refuse(v, cp, &access);
	}
	if (!access.is_write) {
		vcpu_set_x(v, rt, (uint32_t)access.value);
		vcpu_set_x(v, rt2, access.value >> 32);
	}
	return outcome;
}

enum trap_outcome trap_cp15_64(struct vcpu *v, uint64_t esr)
{
	return access_64(v, esr, 15, cp15_64, ARRAY_SIZE(cp15_64));
}

enum trap_outcome trap_cp14_64(struct vcpu *v, uint64_t esr)
{
	return access_64(v, esr, 14, cp14_64, ARRAY_SIZE(cp14_64));
}
