/* SPDX-License-Identifier: MIT */
/*
 * Giving back what a domain has (xen-abi-arm section 10): every step may be repeated, long ones return
 * -XEN_ERESTART. Also undoes a half-made domain: each part copes with never having been made.
 */
#include "domain/domain.h"

#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "console/console.h"
#include "domain/domain_internal.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"

/* It is DYING: pages that are on their way to it arrive first, and none follow; nor is anything set aside for it any more. */
static int end_reservation(struct domain *d)
{
	int ret = -XEN_ERESTART;

	write_lock(&d->stage2.lock);
	if (d->nr_populating == 0) {
		frame_pool_unclaim(d->claimed_pages);
		d->claimed_pages = 0;
		ret = 0;
	}
	write_unlock(&d->stage2.lock);
	return ret;
}

static int release_vcpus(struct domain *d)
{
	while (d->release_next < d->nr_vcpus) {
		struct vcpu *v = d->vcpu[d->release_next++];

		runstate_fini(v);
		vtimer_vcpu_fini(v);
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	return 0;
}

/* Parts that take no time. */
static void release_parts(struct domain *d)
{
	struct shared_info *shared_info;

	watchdog_fini(d);
	console_domain_fini(d);
	vpl011_destroy(d);
	event_domain_fini(d);
	vgic_domain_fini(d);
	grant_domain_fini(d);
	/* The wall clock of a domain that goes is set no more: wallclock_set() looks under the lock. */
	spin_lock(&d->lock);
	shared_info = d->shared_info;
	d->shared_info = NULL;
	spin_unlock(&d->lock);
	hyp_free_shared(shared_info);
}

/* One caller at a time. The domain is DYING. */
static int release(struct domain *d)
{
	int error = end_reservation(d);

	if (error) {
		return error;
	}
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
		if (error == 0) {
			error = release_vcpus(d);
		}
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
	return 0;
}

/* -XEN_ERESTART: not yet, or another CPU is at it; 0: the caller is to release it, unless it is destroyed already. */
static int begin_destroy(struct domain *d)
{
	bool running;
	int ret = 0;

	spin_lock(&d->lock);
	running = d->state == DOMAIN_RUNNING || d->state == DOMAIN_SHUTTING_DOWN;
	if (running || d->destroying) {
		ret = -XEN_ERESTART;
	} else if (!d->destroyed) {
		d->state = DOMAIN_DYING;
		d->destroying = true;
	}
	spin_unlock(&d->lock);
	if (running) {
		/* Stop it first; its vCPUs leave their CPUs on their own time. */
		domain_shutdown(d, SHUTDOWN_poweroff);
	}
	return ret;
}

static void end_destroy(struct domain *d, bool destroyed)
{
	spin_lock(&d->lock);
	d->destroyed = destroyed;
	d->destroying = false;
	spin_unlock(&d->lock);
}

int domain_destroy(struct domain *d)
{
	int error = begin_destroy(d);

	/* That it is done already does not change any more, and nobody else does it while we are at it. */
	if (error || d->destroyed) {
		return error;
	}
	error = release(d);
	if (error) {
		end_destroy(d, false);
		return error;
	}
	domain_list_hide(d);
	if (d == hardware_domain) {
		hardware_domain = NULL;
	}
	end_destroy(d, true);
	domain_put(d);
	return 0;
}

/* ---- the end ------------------------------------------------------------------------------------------- */

/* Of this CPU: without a reference left, by next_dead. */
static DEFINE_PER_CPU(struct domain *, dead);

/* On the way to a guest, or before idling: no lock is held, and interrupts may be taken between two vCPUs (S3). */
static void free_dead(void)
{
	struct domain *d;

	while ((d = this_cpu(dead)) != NULL) {
		this_cpu(dead) = d->next_dead;
		domain_list_forget(d);
		grant_domain_free(d);
		stage2_free_root(d);
		for (unsigned int id = 0; id < d->nr_vcpus; id++) {
			hyp_free(d->vcpu[id], VCPU_ORDER);
			if (cpu_interrupt_pending()) {
				irq_handle_pending();
			}
		}
		hyp_free(d, DOMAIN_ORDER);
	}
}

void domain_free(struct domain *d)
{
	d->next_dead = this_cpu(dead);
	this_cpu(dead) = d;
	sched_defer(free_dead);
}
