/* SPDX-License-Identifier: MIT */
/*
 * Trapped accesses to AArch64 system registers (EC 0x18): identification, debug, the physical
 * timer, SGIs, set/way maintenance, and the registers that HCR_EL2.TVM traps. What is in no table
 * is undefined, as on a CPU that does not have it: performance monitors, trace, statistical
 * profiling, SVE's control, and more.
 *
 * xen-abi-arm section 8.7 says what guests expect; the encodings are the Arm ARM's ("System
 * register encodings").
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "vgic/vgic.h"
#include "vtimer/vtimer.h"

static enum trap_outcome raz_wi(struct vcpu *v, struct sysreg_access *access)
{
	access->value = 0;
	return TRAP_DONE;
}

/* Implementation defined, so a guest cannot rely on any of it. */
static enum trap_outcome actlr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->sysregs.actlr_el1;
	return TRAP_DONE;
}

/*
 * CPTR_EL2.TCPAC, on machines with SVE or SME: their fields are kept open, so that what is hidden traps to EL2 and is
 * undefined, and not to EL1 as a feature that is turned off. The guest sees a register without them.
 */
static enum trap_outcome cpacr(struct vcpu *v, struct sysreg_access *access)
{
	if (access->is_write) {
		sysreg_write(CPACR_EL1, (access->value & CPACR_FPEN) | CPACR_ZEN | CPACR_SMEN);
	} else {
		access->value = sysreg_read(CPACR_EL1) & CPACR_FPEN;
	}
	return TRAP_DONE;
}

/* HCR_EL2.TID1, which hides SMIDR_EL1, traps these too. */
static enum trap_outcome revidr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = sysreg_read(REVIDR_EL1);
	return TRAP_DONE;
}

static enum trap_outcome aidr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = sysreg_read(AIDR_EL1);
	return TRAP_DONE;
}

static enum trap_outcome set_way(struct vcpu *v, struct sysreg_access *access)
{
	/* Not done yet: the instruction comes again. */
	return domain_set_way(v) == 0 ? TRAP_DONE : TRAP_AGAIN;
}

static enum trap_outcome vm_register(struct vcpu *v, struct sysreg_access *access)
{
	return domain_vm_register_write(v, access->key, access->value) ? TRAP_DONE : TRAP_UNDEFINED;
}

static enum trap_outcome physical_timer(struct vcpu *v, struct sysreg_access *access)
{
	return vtimer_sysreg(v, access->key, access->is_write, &access->value) ? TRAP_DONE
									       : TRAP_UNDEFINED;
}

static enum trap_outcome sgi1(struct vcpu *v, struct sysreg_access *access)
{
	if (v->domain->vgic.version != GIC_V3) {
		return TRAP_UNDEFINED;
	}
	vgic_sgi1r_write(v, access->value);
	return TRAP_DONE;
}

/* SGIs of group 0 and of the other security state: the virtual GIC has one group and one state. */
static enum trap_outcome sgi_other(struct vcpu *v, struct sysreg_access *access)
{
	return v->domain->vgic.version == GIC_V3 ? TRAP_DONE : TRAP_UNDEFINED;
}

/*
 * Traps for guests with a GICv2 on a machine with a GICv3: SRE is 0 and stays 0, which says "use
 * the memory mapped interface" (IHI 0069, "ICC_SRE_EL1"). For GICv3 guests all its bits are fixed
 * at one.
 */
static enum trap_outcome icc_sre(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->domain->vgic.version == GIC_V3 ? 7 : 0;
	return TRAP_DONE;
}

#define KEY_ICC_SGI1R_EL1 SYS_ENC(3u, 0u, 12u, 11u, 5u)

#define READ              SYSREG_READ
#define WRITE             SYSREG_WRITE
#define BOTH              (SYSREG_READ | SYSREG_WRITE)
#define EL0               SYSREG_EL0

/* clang-format off */
#define REG(op0, op1, crn, crm, op2, allowed, handler) { SYS_ENC(op0, op1, crn, crm, op2), allowed, handler }

/* In the order of the syndrome: op0, op2, op1, CRn, CRm (the unit test checks it). */
const struct sysreg_entry trap_sysreg_table[] = {
	REG(1, 0, 7, 6, 2, WRITE, set_way),             /* DC ISW */
	REG(1, 0, 7, 10, 2, WRITE, set_way),            /* DC CSW */
	REG(1, 0, 7, 14, 2, WRITE, set_way),            /* DC CISW */

	REG(2, 0, 0, 2, 0, BOTH, trap_debug_mdccint),   /* MDCCINT_EL1 */
	REG(2, 0, 1, 0, 0, READ, raz_wi),               /* MDRAR_EL1: no debug ROM */
	REG(2, 3, 0, 1, 0, READ | EL0, trap_debug_mdccsr), /* MDCCSR_EL0 */
	REG(2, 3, 0, 4, 0, BOTH | EL0, trap_debug_dtr), /* DBGDTR_EL0 */
	REG(2, 3, 0, 5, 0, BOTH | EL0, trap_debug_dtr), /* DBGDTRRX_EL0, DBGDTRTX_EL0 */
	REG(2, 0, 0, 0, 2, BOTH, trap_debug_osdtrrx),   /* OSDTRRX_EL1 */
	REG(2, 0, 0, 2, 2, BOTH, trap_debug_mdscr),     /* MDSCR_EL1 */
	REG(2, 0, 0, 3, 2, BOTH, trap_debug_osdtrtx),   /* OSDTRTX_EL1 */
	REG(2, 0, 0, 6, 2, BOTH, trap_debug_oseccr),    /* OSECCR_EL1 */
	REG(2, 0, 0, 0, 4, BOTH, trap_debug_point),     /* DBGBVR<n>_EL1 */
	REG(2, 0, 1, 0, 4, WRITE, trap_debug_oslar),    /* OSLAR_EL1 */
	REG(2, 0, 1, 1, 4, READ, trap_debug_oslsr),     /* OSLSR_EL1 */
	REG(2, 0, 1, 3, 4, BOTH, raz_wi),               /* OSDLR_EL1: no double lock */
	REG(2, 0, 1, 4, 4, BOTH, raz_wi),               /* DBGPRCR_EL1: power is not the guest's */
	REG(2, 0, 0, 0, 5, BOTH, trap_debug_point),     /* DBGBCR<n>_EL1 */
	REG(2, 0, 0, 0, 6, BOTH, trap_debug_point),     /* DBGWVR<n>_EL1 */
	REG(2, 0, 7, 8, 6, BOTH, trap_debug_claim_set), /* DBGCLAIMSET_EL1 */
	REG(2, 0, 7, 9, 6, BOTH, trap_debug_claim_clear), /* DBGCLAIMCLR_EL1 */
	REG(2, 0, 7, 14, 6, READ, trap_debug_auth),     /* DBGAUTHSTATUS_EL1 */
	REG(2, 0, 0, 0, 7, BOTH, trap_debug_point),     /* DBGWCR<n>_EL1 */

	REG(3, 0, 1, 0, 0, WRITE, vm_register),         /* SCTLR_EL1 */
	REG(3, 0, 2, 0, 0, WRITE, vm_register),         /* TTBR0_EL1 */
	REG(3, 0, 5, 1, 0, WRITE, vm_register),         /* AFSR0_EL1 */
	REG(3, 0, 5, 2, 0, WRITE, vm_register),         /* ESR_EL1 */
	REG(3, 0, 6, 0, 0, WRITE, vm_register),         /* FAR_EL1 */
	REG(3, 0, 10, 2, 0, WRITE, vm_register),        /* MAIR_EL1 */
	REG(3, 0, 10, 3, 0, WRITE, vm_register),        /* AMAIR_EL1 */
	REG(3, 3, 14, 2, 0, BOTH | EL0, physical_timer), /* CNTP_TVAL_EL0 */
	REG(3, 0, 1, 0, 1, BOTH, actlr),                /* ACTLR_EL1 */
	REG(3, 0, 2, 0, 1, WRITE, vm_register),         /* TTBR1_EL1 */
	REG(3, 0, 5, 1, 1, WRITE, vm_register),         /* AFSR1_EL1 */
	REG(3, 0, 13, 0, 1, WRITE, vm_register),        /* CONTEXTIDR_EL1 */
	REG(3, 3, 14, 2, 1, BOTH | EL0, physical_timer), /* CNTP_CTL_EL0 */
	REG(3, 0, 1, 0, 2, BOTH, cpacr),                /* CPACR_EL1 */
	REG(3, 0, 2, 0, 2, WRITE, vm_register),         /* TCR_EL1 */
	REG(3, 3, 14, 2, 2, BOTH | EL0, physical_timer), /* CNTP_CVAL_EL0 */
	REG(3, 0, 12, 11, 5, WRITE, sgi1),              /* ICC_SGI1R_EL1 */
	REG(3, 0, 12, 12, 5, BOTH, icc_sre),            /* ICC_SRE_EL1 */
	REG(3, 0, 0, 0, 6, READ, revidr),               /* REVIDR_EL1 */
	REG(3, 0, 12, 11, 6, WRITE, sgi_other),         /* ICC_ASGI1R_EL1 */
	REG(3, 0, 12, 11, 7, WRITE, sgi_other),         /* ICC_SGI0R_EL1 */
	REG(3, 1, 0, 0, 7, READ, aidr),                 /* AIDR_EL1 */
};
/* clang-format on */
const unsigned int trap_sysreg_table_size = ARRAY_SIZE(trap_sysreg_table);

static const struct sysreg_entry *find(uint32_t key)
{
	unsigned int low = 0, high = ARRAY_SIZE(trap_sysreg_table);

	/* DBG{B,W}{V,C}R<n>_EL1 have n in CRm: one row each. */
	if ((key & SYS_ENC(3u, 7u, 15u, 0u, 4u)) == SYS_ENC(2, 0, 0, 0, 4)) {
		key &= ~SYS_ENC(0u, 0u, 0u, 15u, 0u);
	}
	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (trap_sysreg_table[middle].key < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < ARRAY_SIZE(trap_sysreg_table) && trap_sysreg_table[low].key == key
		     ? &trap_sysreg_table[low]
		     : NULL;
}

static enum trap_outcome refuse(struct vcpu *v, const struct sysreg_access *access)
{
	const uint32_t key = access->key;

	log_guest(v->domain->id,
		  "%s: vCPU %u %s system register S%u_%u_C%u_C%u_%u at pc 0x%lx, which it does not "
		  "have: undefined instruction injected",
		  v->domain->name, v->id, access->is_write ? "writes" : "reads", key >> 20 & 3,
		  key >> 14 & 7, key >> 10 & 15, key >> 1 & 15, key >> 17 & 7, v->regs.pc);
	return TRAP_UNDEFINED;
}

static bool is_at_el0(const struct vcpu *v)
{
	return (v->regs.pstate & (PSTATE_AARCH32 | PSTATE_MODE)) == PSTATE_EL0t;
}

/* By the table. */
static enum trap_outcome access_register(struct vcpu *v, uint32_t key, bool is_write,
					 unsigned int rt, bool at_el0)
{
	const struct sysreg_entry *entry = find(key);
	struct sysreg_access access = {.key = key, .is_write = is_write};
	enum trap_outcome outcome;

	if (entry == NULL || (entry->allowed & (is_write ? SYSREG_WRITE : SYSREG_READ)) == 0 ||
	    (at_el0 && (entry->allowed & SYSREG_EL0) == 0)) {
		return refuse(v, &access);
	}
	if (is_write) {
		access.value = vcpu_get_x(v, rt);
	}
	outcome = entry->handler(v, &access);
	if (outcome == TRAP_UNDEFINED) {
		return refuse(v, &access);
	}
	if (outcome == TRAP_DONE && !is_write) {
		vcpu_set_x(v, rt, access.value);
	}
	return outcome;
}

/* All but what trap_sysreg_fast() has done already. */
enum trap_outcome trap_sysreg(struct vcpu *v, uint64_t esr)
{
	return access_register(v, (uint32_t)ISS_SYS_KEY(ESR_ISS(esr)), (esr & ISS_SYS_READ) == 0,
			       (unsigned int)FIELD_GET(ISS_SYS_RT, esr), is_at_el0(v));
}

/* The whole syndrome of an access, but for Rt. */
#define ESR_SYS(iss) ((uint32_t)ESR_EC_SYSREG << ESR_EC_SHIFT | (uint32_t)ESR_IL | (uint32_t)(iss))

/*
 * Of a read of an ID register (trap_idreg_is_key()) its CRm less 1, below 7. It is above that for any other access: the
 * difference has a bit outside op2 and CRm then, and the rotation takes bit 0, which tells a write, to the top.
 */
static inline uint32_t idreg_row(uint32_t access)
{
	const uint32_t first = ESR_SYS(SYS_ENC(3, 0, 0, 1, 0) | ISS_SYS_READ);
	const uint32_t distance = (access - first) & ~SYS_ENC(0u, 0u, 0u, 0u, 7u);

	return distance >> 1 | distance << 31;
}

/* SGIs of a GICv3, which this trap mostly is about, and ID registers, which some kernels read for their user space. */
void trap_sysreg_fast(struct vcpu *v, uint64_t esr)
{
	const unsigned int rt = (unsigned int)FIELD_GET(ISS_SYS_RT, esr);
	const uint32_t access = (uint32_t)esr & ~(uint32_t)ISS_SYS_RT;

	if (unlikely(is_at_el0(v))) {
		trap_by_class(v, esr);
	} else if (likely(access == ESR_SYS(KEY_ICC_SGI1R_EL1)) &&
		   v->domain->vgic.version == GIC_V3) {
		trap_a64_step_over(v);
		vgic_sgi1r_write(v, vcpu_get_x(v, rt));
	} else if (likely(idreg_row(access) < 7)) {
		trap_a64_step_over(v);
		vcpu_set_x(v, rt,
			   trap_idreg_value_of(v->domain, idreg_row(access), access >> 17 & 7));
	} else {
		trap_by_class(v, esr);
	}
}
