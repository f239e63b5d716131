/* SPDX-License-Identifier: MIT */
/*
 * PSCI 1.1 for guests (Arm DEN 0022; xen-abi-arm section 8.5): vCPUs on and off, power off and
 * reset.
 *
 * Also the two calls of PSCI 0.1 that Xen answers, by the numbers its device trees give them.
 */
#include "trap/trap_internal.h"

#include "domain/domain.h"
#include "lib/log.h"
#include "sched/sched.h"

#define PSCI_1_1             0x00010001

#define AFFINITY_ON          0
#define AFFINITY_OFF         1

/* Multiprocessor-safe or no Trusted OS: nothing to migrate. */
#define MIGRATE_NOT_REQUIRED 2

/* One more per level: what is below the level does not count. */
static const uint64_t affinity_mask[] = {UINT64_C(0xff00ffffff), UINT64_C(0xff00ffff00),
					 UINT64_C(0xff00ff0000), UINT64_C(0xff00000000)};

/* Argument n, 1 to 3, of the call of that identifier. */
static uint64_t argument(const struct vcpu *v, uint32_t function, unsigned int n)
{
	const uint64_t value = vcpu_get_x(v, n);
	/* SMC32: only the lower halves are arguments. PSCI 0.1 knows no such difference. */
	const bool is_smc32 = (function & SMCCC_64BIT) == 0 && function >= PSCI_VERSION;

	return is_smc32 || v->domain->is_32bit ? (uint32_t)value : value;
}

static int64_t psci_version(struct vcpu *v, uint32_t function)
{
	return PSCI_1_1;
}

/* Every power state is standby: the entry point and context are for others. */
static int64_t cpu_suspend(struct vcpu *v, uint32_t function)
{
	sched_wait_for_interrupt(v);
	return PSCI_SUCCESS;
}

static int64_t cpu_off(struct vcpu *v, uint32_t function)
{
	sched_stop(v);
	return PSCI_SUCCESS; /* nobody sees it: CPU_ON sets x0 anew */
}

static struct vcpu *vcpu_of_mpidr(const struct domain *d, uint64_t mpidr)
{
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		if ((d->vcpu[id]->vmpidr & affinity_mask[0]) == mpidr) {
			return d->vcpu[id];
		}
	}
	return NULL;
}

static int64_t start(struct vcpu *caller, uint64_t mpidr, uint64_t pc, uint64_t context)
{
	struct vcpu *v = vcpu_of_mpidr(caller->domain, mpidr);

	if (v == NULL) {
		return PSCI_INVALID_PARAMETERS;
	}
	if ((pc & 1) != 0 && !caller->domain->is_32bit) {
		return PSCI_INVALID_ADDRESS; /* T32 is no state that a 64-bit guest starts in */
	}
	/* Of several callers one wins; the others find it on, or being turned on. */
	if (!sched_claim_start(v)) {
		return PSCI_ALREADY_ON;
	}
	vgic_vcpu_reset(v);
	vtimer_vcpu_reset(v);
	vcpu_set_entry(v, pc, context);
	sched_start(v);
	return PSCI_SUCCESS;
}

static int64_t cpu_on(struct vcpu *caller, uint32_t function)
{
	return start(caller, argument(caller, function, 1), argument(caller, function, 2),
		     argument(caller, function, 3));
}

/* PSCI 0.1 has neither context nor those two errors; its entry point is of register width. */
static int64_t cpu_on_0_1(struct vcpu *caller, uint32_t function)
{
	int64_t result = start(caller, (uint32_t)argument(caller, function, 1),
			       argument(caller, function, 2), 0);

	return result == PSCI_ALREADY_ON || result == PSCI_INVALID_ADDRESS ? PSCI_INVALID_PARAMETERS
									   : result;
}

/* As Xen answers: nobody there is off. */
static int64_t affinity_info(struct vcpu *caller, uint32_t function)
{
	const struct domain *d = caller->domain;
	const uint64_t affinity = argument(caller, function, 1);
	const uint32_t level = (uint32_t)argument(caller, function, 2);

	if (level >= ARRAY_SIZE(affinity_mask)) {
		return PSCI_INVALID_PARAMETERS;
	}
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		if (((d->vcpu[id]->vmpidr ^ affinity) & affinity_mask[level]) == 0 &&
		    sched_is_online(d->vcpu[id])) {
			return AFFINITY_ON;
		}
	}
	return AFFINITY_OFF;
}

static int64_t migrate_info_type(struct vcpu *v, uint32_t function)
{
	return MIGRATE_NOT_REQUIRED;
}

/* The domain's vCPUs are paused before the call returns to any of them. */
static int64_t system_off(struct vcpu *v, uint32_t function)
{
	domain_shutdown(v->domain, SHUTDOWN_poweroff);
	return PSCI_INTERNAL_FAILURE;
}

static int64_t system_reset(struct vcpu *v, uint32_t function)
{
	domain_shutdown(v->domain, SHUTDOWN_reboot);
	return PSCI_INTERNAL_FAILURE;
}

static int64_t psci_features(struct vcpu *v, uint32_t function);

/* By function number; has_64bit: the identifier with SMCCC_64BIT set is the same call. */
static const struct psci_function {
	int64_t (*handler)(struct vcpu *v, uint32_t function);
	bool has_64bit;
	/* clang-format off */
} functions[PSCI_NR_FUNCTIONS] = {
#define PSCI(id, has_64bit, handler) [(id) % PSCI_NR_FUNCTIONS] = { handler, has_64bit }
	PSCI(PSCI_VERSION, false, psci_version),
	PSCI(PSCI_CPU_SUSPEND, true, cpu_suspend),
	PSCI(PSCI_CPU_OFF, false, cpu_off),
	PSCI(PSCI_CPU_ON, true, cpu_on),
	PSCI(PSCI_AFFINITY_INFO, true, affinity_info),
	PSCI(PSCI_MIGRATE_INFO_TYPE, false, migrate_info_type),
	PSCI(PSCI_SYSTEM_OFF, false, system_off),
	PSCI(PSCI_SYSTEM_RESET, false, system_reset),
	PSCI(PSCI_FEATURES, false, psci_features),
#undef PSCI
};
/* clang-format on */
static const struct psci_function cpu_off_0_1_function = {cpu_off, false};
static const struct psci_function cpu_on_0_1_function = {cpu_on_0_1, false};

/* NULL: no such call. */
static const struct psci_function *find(uint32_t function)
{
	const uint32_t number = (function & ~(uint32_t)SMCCC_64BIT) - PSCI_VERSION;

	if (number >= PSCI_NR_FUNCTIONS || functions[number].handler == NULL ||
	    ((function & SMCCC_64BIT) != 0 && !functions[number].has_64bit)) {
		return NULL;
	}
	return &functions[number];
}

static int64_t psci_features(struct vcpu *v, uint32_t function)
{
	const uint32_t about = (uint32_t)argument(v, function, 1);

	if ((about & SMCCC_64BIT) != 0 && v->domain->is_32bit) {
		return PSCI_NOT_SUPPORTED;
	}
	return find(about) != NULL || about == SMCCC_VERSION ? 0 : PSCI_NOT_SUPPORTED;
}

void trap_psci(struct vcpu *v, uint32_t function)
{
	const struct psci_function *f = find(function);
	int64_t result = PSCI_NOT_SUPPORTED;

	if (unlikely(f == NULL)) {
		f = function == PSCI_0_1_CPU_OFF ? &cpu_off_0_1_function
		  : function == PSCI_0_1_CPU_ON  ? &cpu_on_0_1_function
						 : NULL;
	}
	if (likely(f != NULL)) {
		result = f->handler(v, function);
	}
	vcpu_set_x(v, 0, (uint64_t)result);
}
