/* SPDX-License-Identifier: MIT */
/*
 * The key K: the domain that had the focus last is stopped, whatever it does, and gives back all that it has. For an
 * operator without a dom0, and for a domain that does not listen to it.
 *
 * The key and the timer are interrupts, of one CPU or of two: the steps are put off to their CPU's way back to a guest,
 * and `victim` says whose turn it is. A step ends wherever domain_destroy() has to wait: for vCPUs to leave their CPUs,
 * or for interrupts to be served.
 */
#include "console/console_internal.h"

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "sched/sched.h"
#include "time/time.h"

#define POLL_NS UINT64_C(1000000)

/* With a reference. Whoever sets `busy` owns it, and the timer. */
static struct domain *victim;
static bool busy;
static struct timer poll_timer;

static void step(void)
{
	struct domain *d = victim;
	int ret = domain_destroy(d);

	if (ret == -XEN_ERESTART) {
		timer_set(&poll_timer, time_ticks() + time_ns_to_ticks(POLL_NS));
		return;
	}
	if (ret < 0) {
		log_error("d%u (%s): error %d while its memory is given back; the rest of it is lost",
			  d->id, d->name, ret);
	} else {
		log_always("d%u (%s) is gone", d->id, d->name);
	}
	victim = NULL;
	domain_put(d);
	atomic_store_release(&busy, false);
}

static void step_again(struct timer *timer)
{
	sched_defer(step);
}

static void kill_last(void)
{
	struct domain *d;

	if (atomic_exchange(&busy, true)) {
		log_always("a domain is being stopped already: press the key again afterwards");
		return;
	}
	d = domain_get(console_last_focus());
	if (d == NULL || d == hardware_domain) {
		log_always(
			"no domain to stop: it is the one that had the console before Tenon, but never dom0");
		if (d != NULL) {
			domain_put(d);
		}
		atomic_store_release(&busy, false);
		return;
	}
	log_always("d%u (%s) is stopped and destroyed", d->id, d->name);
	victim = d;
	sched_defer(step);
}

void __init console_kill_init(void)
{
	timer_setup(&poll_timer, step_again);
	console_key_register('K', "stop and destroy the domain that had the focus before Tenon",
			     kill_last);
}
