/* SPDX-License-Identifier: MIT */
/*
 * Giving back what a domain has (xen-abi-arm section 10): every step may be repeated, long ones return
 * -XEN_ERESTART. Also undoes a half-made domain: each part copes with never having been made.
 */
#include "domain/domain.h"

#include "console/console.h"
#include "domain/domain_internal.h"
#include "lib/assert.h"
#include "lib/log.h"

/* Parts that take no time. */
static void release_parts(struct domain *d)
{
	struct shared_info *shared_info;

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
	/* The wall clock of a domain that goes is set no more: wallclock_set() looks under the lock. */
	spin_lock(&d->lock);
	shared_info = d->shared_info;
	d->shared_info = NULL;
	spin_unlock(&d->lock);
	hyp_free_shared(shared_info);
	frame_pool_unclaim(d->claimed_pages);
	d->claimed_pages = 0;
}

int domain_destroy(struct domain *d)
{
	int error;

	spin_lock(&d->lock);
	if (d->state == DOMAIN_RUNNING || d->state == DOMAIN_SHUTTING_DOWN) {
		spin_unlock(&d->lock);
		/* Stop it first; its vCPUs leave their CPUs on their own time. */
		domain_shutdown(d, SHUTDOWN_poweroff);
		return -XEN_ERESTART;
	}
	d->state = DOMAIN_DYING;
	spin_unlock(&d->lock);
	/* Mappings go before what they map: shared_info and the grant table are free once their owner lets go of them. */
	if (d->has_stage2) {
		error = stage2_clear(d);
		if (error) {
			return error;
		}
	}
	/* What it had of others by grant: no CPU's TLB has any of that any more. */
	error = grant_release_mappings(d);
	if (error) {
		return error;
	}
	if (!d->released) {
		error = event_domain_release(d);
		if (error) {
			return error;
		}
		d->released = true;
		release_parts(d);
	}
	if (d->has_stage2) {
		error = stage2_destroy(d);
		if (error) {
			return error;
		}
		d->has_stage2 = false;
	}
	domain_list_hide(d);
	if (d == hardware_domain) {
		hardware_domain = NULL;
	}
	domain_put(d);
	return 0;
}
