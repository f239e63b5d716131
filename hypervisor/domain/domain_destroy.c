/* SPDX-License-Identifier: MIT */
/*
 * Giving back what a domain has (xen-abi-arm section 10): every step may be repeated, long ones return
 * -XEN_ERESTART. Also undoes a half-made domain: each part copes with never having been made.
 */
#include "domain/domain.h"

#include "console/console.h"
#include "domain/domain_internal.h"
#include "domain/vcpu_switch.h"
#include "lib/assert.h"
#include "lib/log.h"

/* Parts that take no time. */
static void release_parts(struct domain *d)
{
	watchdog_fini(d);
	console_domain_fini(d);
	vpl011_destroy(d);
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		runstate_fini(d->vcpu[id]);
		vtimer_vcpu_fini(d->vcpu[id]);
	}
	event_domain_fini(d);
	vgic_domain_fini(d);
	grant_domain_fini(d);
	hyp_free_shared(d->shared_info);
	d->shared_info = NULL;
}

int domain_destroy(struct domain *d)
{
	int error;
	bool first;

	spin_lock(&d->lock);
	if (d->state == DOMAIN_RUNNING || d->state == DOMAIN_SHUTTING_DOWN) {
		spin_unlock(&d->lock);
		/* Stop it first; its vCPUs leave their CPUs on their own time. */
		domain_shutdown(d, SHUTDOWN_poweroff);
		return -XEN_ERESTART;
	}
	first = d->state != DOMAIN_DYING;
	d->state = DOMAIN_DYING;
	spin_unlock(&d->lock);
	if (first) {
		release_parts(d);
	}
	if (d->has_stage2) {
		error = stage2_destroy(d);
		if (error) {
			return error;
		}
		d->has_stage2 = false;
		vcpu_switch_forget(d->stage2.vmid);
	}
	domain_list_remove(d);
	if (d == hardware_domain) {
		hardware_domain = NULL;
	}
	domain_put(d);
	return 0;
}
