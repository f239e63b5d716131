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

static int64_t psci_version(struct vcpu *v, const uint64_t args[3])
{
	return PSCI_1_1;
}

/* Every power state is standby: the entry point and context are for others. */
static int64_t cpu_suspend(struct vcpu *v, const uint64_t args[3])
{
	sched_wait_for_interrupt(v);
	return PSCI_SUCCESS;
}

static int64_t cpu_off(struct vcpu *v, const uint64_t args[3])
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

static int64_t cpu_on(struct vcpu *caller, const uint64_t args[3])
{
	struct vcpu *v = vcpu_of_mpidr(caller->domain, args[0]);

	if (v == NULL) {
		return PSCI_INVALID_PARAMETERS;
	}
	if ((args[1] & 1) != 0 && !caller->domain->is_32bit) {
		return PSCI_INVALID_ADDRESS; /* T32 is no state that a 64-bit guest starts in */
	}
	/* Of several callers one wins; the others find it on, or being turned on. */
	if (!sched_claim_start(v)) {
		return PSCI_ALREADY_ON;
	}
	vgic_vcpu_reset(v);
	vtimer_vcpu_reset(v);
	vcpu_set_entry(v, args[1], args[2]);
	sched_start(v);
	return PSCI_SUCCESS;
}

/* PSCI 0.1 has neither context nor those two errors. */
static int64_t cpu_on_0_1(struct vcpu *caller, const uint64_t args[3])
{
	const uint64_t with_context[3] = {(uint32_t)args[0], args[1], 0};
	int64_t result = cpu_on(caller, with_context);

	return result == PSCI_ALREADY_ON || result == PSCI_INVALID_ADDRESS ? PSCI_INVALID_PARAMETERS
									   : result;
}

/* As Xen answers: nobody there is off. */
static int64_t affinity_info(struct vcpu *caller, const uint64_t args[3])
{
	const struct domain *d = caller->domain;
	const uint32_t level = (uint32_t)args[1];

	if (level >= ARRAY_SIZE(affinity_mask)) {
		return PSCI_INVALID_PARAMETERS;
	}
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		if (((d->vcpu[id]->vmpidr ^ args[0]) & affinity_mask[level]) == 0 &&
		    sched_is_online(d->vcpu[id])) {
			return AFFINITY_ON;
		}
	}
	return AFFINITY_OFF;
}

static int64_t migrate_info_type(struct vcpu *v, const uint64_t args[3])
{
	return MIGRATE_NOT_REQUIRED;
}

/* The domain's vCPUs are paused before the call returns to any of them. */
static int64_t system_off(struct vcpu *v, const uint64_t args[3])
{
	domain_shutdown(v->domain, SHUTDOWN_poweroff);
	return PSCI_INTERNAL_FAILURE;
}

static int64_t system_reset(struct vcpu *v, const uint64_t args[3])
{
	domain_shutdown(v->domain, SHUTDOWN_reboot);
	return PSCI_INTERNAL_FAILURE;
}

static int64_t psci_features(struct vcpu *v, const uint64_t args[3]);

/* By function number; has_64bit: the identifier with SMCCC_64BIT set is the same call. */
static const struct psci_function {
	int64_t (*handler)(struct vcpu *v, const uint64_t args[3]);
	bool has_64bit;
	/* clang-format off */
} functions[] = {
#define PSCI(id, has_64bit, handler) [(id) & 0x1f] = { handler, has_64bit }
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

static const struct psci_function *find(uint32_t function)
{
	const uint32_t number = (function & ~(uint32_t)SMCCC_64BIT) - PSCI_VERSION;

	if (number >= ARRAY_SIZE(functions) || functions[number].handler == NULL ||
	    ((function & SMCCC_64BIT) != 0 && !functions[number].has_64bit)) {
		return NULL;
	}
	return &functions[number];
}

static int64_t psci_features(struct vcpu *v, const uint64_t args[3])
{
	const uint32_t function = (uint32_t)args[0];

	if ((function & SMCCC_64BIT) != 0 && v->domain->is_32bit) {
		return PSCI_NOT_SUPPORTED;
	}
	return find(function) != NULL || function == SMCCC_VERSION ? 0 : PSCI_NOT_SUPPORTED;
}

bool trap_psci(struct vcpu *v, uint32_t function)
{
	static const struct psci_function cpu_off_0_1 = {cpu_off, false};
	static const struct psci_function cpu_on_0_1_function = {cpu_on_0_1, true};
	const struct psci_function *f = find(function);
	uint64_t args[3] = {vcpu_get_x(v, 1), vcpu_get_x(v, 2), vcpu_get_x(v, 3)};

	if (f == NULL) {
		if (function == 1) {
			f = &cpu_off_0_1;
		} else if (function == 2) {
			f = &cpu_on_0_1_function; /* its entry point is of register width */
		} else {
			return false;
		}
	}
	if (v->domain->is_32bit || (f->handler != cpu_on_0_1 && (function & SMCCC_64BIT) == 0)) {
		/* SMC32: only the lower halves are arguments. */
		for (unsigned int i = 0; i < ARRAY_SIZE(args); i++) {
			args[i] = (uint32_t)args[i];
		}
	}
	vcpu_set_x(v, 0, (uint64_t)f->handler(v, args));
	return true;
}
