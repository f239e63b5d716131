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

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "vgic/vgic.h"
#include "vtimer/vtimer.h"

static enum trap_outcome raz_wi(struct vcpu *v, struct sysreg_access *access)
{
	access->value = 0;
	return TRAP_DONE;
}

/* OS lock implemented (OSLM = 0b10) and not set: a guest's OSLAR writes are ignored. */
static enum trap_outcome oslsr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = BIT64(3);
	return TRAP_DONE;
}

/* Implementation defined, so a guest cannot rely on any of it. */
static enum trap_outcome actlr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->sysregs.actlr_el1;
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

#define READ  SYSREG_READ
#define WRITE SYSREG_WRITE
#define BOTH  (SYSREG_READ | SYSREG_WRITE)
#define EL0   SYSREG_EL0

/* clang-format off */
#define REG(op0, op1, crn, crm, op2, allowed, handler) { SYS_ENC(op0, op1, crn, crm, op2), allowed, handler }

/* In the order of the syndrome: op0, op2, op1, CRn, CRm (the unit test checks it). */
const struct sysreg_entry trap_sysreg_table[] = {
	REG(1, 0, 7, 6, 2, WRITE, set_way),             /* DC ISW */
	REG(1, 0, 7, 10, 2, WRITE, set_way),            /* DC CSW */
	REG(1, 0, 7, 14, 2, WRITE, set_way),            /* DC CISW */

	REG(2, 0, 1, 0, 0, READ, raz_wi),               /* MDRAR_EL1: no debug ROM */
	REG(2, 3, 0, 1, 0, READ | EL0, raz_wi),         /* MDCCSR_EL0: no debugger */
	REG(2, 0, 0, 2, 2, BOTH, raz_wi),               /* MDSCR_EL1 */
	REG(2, 0, 0, 0, 4, BOTH, raz_wi),               /* DBGBVR<n>_EL1, any n */
	REG(2, 0, 1, 0, 4, WRITE, raz_wi),              /* OSLAR_EL1 */
	REG(2, 0, 1, 1, 4, READ, oslsr),                /* OSLSR_EL1 */
	REG(2, 0, 1, 3, 4, BOTH, raz_wi),               /* OSDLR_EL1: no double lock */
	REG(2, 0, 0, 0, 5, BOTH, raz_wi),               /* DBGBCR<n>_EL1 */
	REG(2, 0, 0, 0, 6, BOTH, raz_wi),               /* DBGWVR<n>_EL1 */
	REG(2, 0, 0, 0, 7, BOTH, raz_wi),               /* DBGWCR<n>_EL1 */

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
	REG(3, 0, 2, 0, 2, WRITE, vm_register),         /* TCR_EL1 */
	REG(3, 3, 14, 2, 2, BOTH | EL0, physical_timer), /* CNTP_CVAL_EL0 */
	REG(3, 0, 12, 11, 5, WRITE, sgi1),              /* ICC_SGI1R_EL1 */
	REG(3, 0, 12, 12, 5, BOTH, icc_sre),            /* ICC_SRE_EL1 */
	REG(3, 0, 12, 11, 6, WRITE, sgi_other),         /* ICC_ASGI1R_EL1 */
	REG(3, 0, 12, 11, 7, WRITE, sgi_other),         /* ICC_SGI0R_EL1 */
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

enum trap_outcome trap_sysreg(struct vcpu *v, uint64_t esr)
{
	const unsigned int rt = (unsigned int)FIELD_GET(ISS_SYS_RT, esr);
	const bool at_el0 = (v->regs.pstate & (PSTATE_AARCH32 | PSTATE_MODE)) == PSTATE_EL0t;
	struct sysreg_access access = {
		.key = (uint32_t)ISS_SYS_KEY(ESR_ISS(esr)),
		.is_write = (esr & ISS_SYS_READ) == 0,
	};
	const struct sysreg_entry *entry;
	enum trap_outcome outcome;

	if (trap_idreg_is_key(access.key)) {
		if (access.is_write || at_el0) {
			return refuse(v, &access);
		}
		vcpu_set_x(v, rt, trap_idreg_read(v->domain, access.key));
		return TRAP_DONE;
	}
	entry = find(access.key);
	if (entry == NULL || (entry->allowed & (access.is_write ? SYSREG_WRITE : SYSREG_READ)) == 0 ||
	    (at_el0 && (entry->allowed & SYSREG_EL0) == 0)) {
		return refuse(v, &access);
	}
	if (access.is_write) {
		access.value = vcpu_get_x(v, rt);
	}
	outcome = entry->handler(v, &access);
	if (outcome == TRAP_UNDEFINED) {
		return refuse(v, &access);
	}
	if (outcome == TRAP_DONE && !access.is_write) {
		vcpu_set_x(v, rt, access.value);
	}
	return outcome;
}
