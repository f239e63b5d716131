/* SPDX-License-Identifier: MIT */
/*
 * The key B, with boot option "rebuild": a domain of the device tree is stopped, destroyed and built again from its boot
 * modules, which stay in memory for that. So a frame goes all the way that frames can go: quarantine, epoch, scrubbing,
 * the next owner (C2, M1).
 *
 * The key and the timer are interrupts of the boot CPU, and the work is put off to the same CPU's way back to a guest:
 * whoever destroys and builds here is one caller, outside any interrupt handler, and needs no lock. That CPU runs no
 * guest while it builds; interrupts are served where memory is waited for.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "arm64/cpu.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "time/time.h"

#define POLL_NS UINT64_C(1000000)

/* Touched by the boot CPU only. */
static struct tree_domain {
	int node;
	uint16_t domid;
} tree_domains[DOMID_LIMIT];
static unsigned int nr_tree_domains;
static unsigned int next;       /* whose turn it is */
static uint16_t last_domid;     /* ids are not given again soon (xen-abi-arm, rule 0.9) */
static struct tree_domain *job; /* NULL: none */
static struct timer poll_timer;

static uint16_t unused_domid(void)
{
	struct domain *other;

	do {
		last_domid = last_domid < DOMID_FIRST_RESERVED - 1 ? last_domid + 1 : 1;
		other = domain_get(last_domid);
		if (other != NULL) {
			domain_put(other);
		}
	} while (other != NULL);
	return last_domid;
}

/*
 * M1: what was given back is nobody's until every CPU has dropped its windows. Waited for here, where no lock is held:
 * a builder that needs a frame for Tenon itself cannot wait, and there may be no others.
 */
static void wait_for_windows(void)
{
	uint32_t epoch = epoch_begin();

	gic_send_sgi_all_others(INTID_SGI_KICK);
	while (!epoch_passed(epoch)) {
		epoch_poll();
		irq_handle_pending();
		cpu_relax();
	}
}

/* Outside interrupt handlers: one step, and the next one in a while as long as vCPUs are on their CPUs. */
static void go_on(void)
{
	struct domain *d = domain_get(job->domid);

	if (d != NULL && READ_ONCE(d->state) != DOMAIN_SHUTDOWN) {
		domain_put(d);
		timer_set(&poll_timer, time_ticks() + time_ns_to_ticks(POLL_NS));
		return;
	}
	if (d != NULL) {
		dombuild_abandon(d);
		domain_put(d);
		wait_for_windows();
	}
	job->domid = unused_domid();
	d = dombuild_domu(job->node, job->domid);
	job = NULL;
	if (d != NULL) {
		domain_unpause(d);
	}
}

static void poll_again(struct timer *timer)
{
	sched_defer(go_on);
}

static void rebuild_next(void)
{
	struct domain *d;

	if (nr_tree_domains == 0) {
		log_always("the device tree has no domains: nothing to build again");
		return;
	}
	if (job != NULL) {
		log_always("a domain is being built already: press the key again afterwards");
		return;
	}
	job = &tree_domains[next];
	next = (next + 1) % nr_tree_domains;
	d = domain_get(job->domid);
	if (d != NULL) {
		log_always("d%u (%s) is stopped and built again", d->id, d->name);
		domain_shutdown(d, SHUTDOWN_poweroff);
		domain_put(d);
	}
	sched_defer(go_on);
}

void __init dombuild_rebuild_init(void)
{
	int node;

	nr_tree_domains = next = 0;
	job = NULL;
	last_domid = 0;
	if (boot_info.chosen >= 0) {
		fdt_for_each_subnode(node, boot_info.fdt, boot_info.chosen) {
			/* Numbered as in dombuild.c. */
			if (nr_tree_domains < DOMID_LIMIT &&
			    devtree_is_compatible(boot_info.fdt, node, "xen,domain")) {
				tree_domains[nr_tree_domains++] =
					(struct tree_domain){node, ++last_domid};
			}
		}
	}
	timer_setup(&poll_timer, poll_again);
	console_key_register('B',
			     "stop a domain of the device tree and build it again, each in its turn",
			     rebuild_next);
}
