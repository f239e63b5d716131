/* SPDX-License-Identifier: MIT */
/*
 * Domains from nothing to runnable, the table of domains, and stopping them.
 *
 *	CREATED --unpause--> RUNNING --shutdown--> SHUTTING_DOWN --last vCPU off--> SHUTDOWN --destroy--> DYING
 *
 * A domain is cold at birth (design.md, "Words"): its vCPUs start with HCR_EL2.TVM.
 */
#include "domain/domain.h"

#include <stdarg.h>

#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "boot/boot.h"
#include "boot/boot_options.h"
#include "console/console.h"
#include "domain/domain_internal.h"
#include "lib/assert.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "time/time.h"
#include "time/wallclock.h"

_Static_assert(sizeof(struct domain) <= PAGE_SIZE << DOMAIN_ORDER,
	       "struct domain outgrew its block");
_Static_assert(sizeof(struct vcpu) <= PAGE_SIZE << VCPU_ORDER, "struct vcpu outgrew its block");

struct domain *hardware_domain;

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_RANK_DOMAIN_LIST);
/* Guarded by list_lock: the domains, in no order, and the id given last. */
static struct domain *domains[DOMID_LIMIT];
static uint16_t last_domid;

/* ---- the table ------------------------------------------------------------------------------------ */

static struct domain *find_locked(uint16_t domid)
{
	for (unsigned int n = 0; n < DOMID_LIMIT; n++) {
		if (domains[n] && domains[n]->id == domid) {
			return domains[n];
		}
	}
	return NULL;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d;

	spin_lock(&list_lock);
	d = find_locked(domid);
	if (d && !d->listed) {
		d = NULL;
	}
	if (d) {
		atomic_fetch_add(&d->refs, 1);
	}
	spin_unlock(&list_lock);
	return d;
}

struct domain *domain_get_next(uint16_t domid)
{
	struct domain *best = NULL;

	spin_lock(&list_lock);
	for (unsigned int n = 0; n < DOMID_LIMIT; n++) {
		struct domain *d = domains[n];

		if (d && d->listed && d->id >= domid && (!best || d->id < best->id)) {
			best = d;
		}
	}
	if (best) {
		atomic_fetch_add(&best->refs, 1);
	}
	spin_unlock(&list_lock);
	return best;
}

void domain_get_again(struct domain *d)
{
	atomic_fetch_add(&d->refs, 1);
}

void domain_put(struct domain *d)
{
	if (atomic_fetch_sub(&d->refs, 1) == 1) {
		domain_free(d);
	}
}

/*
 * Ids rove upward: one that was just freed is not given again soon (xen-abi-arm, rule 0.9). The domain has its id from
 * now on, but nobody finds it before list_publish(): half of it is not there.
 */
static int list_insert(struct domain *d, uint16_t domid)
{
	int error = -XEN_ENOMEM;

	spin_lock(&list_lock);
	if (domid != DOMID_INVALID) {
		if (domid >= DOMID_FIRST_RESERVED) {
			error = -XEN_EINVAL;
		} else {
			error = find_locked(domid) ? -XEN_EEXIST : 0;
		}
	} else {
		for (unsigned int tries = 0; tries <= DOMID_LIMIT && error; tries++) {
			last_domid++;
			if (last_domid >= DOMID_FIRST_RESERVED) {
				last_domid = 1;
			}
			domid = last_domid;
			if (!find_locked(domid)) {
				error = 0;
			}
		}
	}
	if (error == 0) {
		error = -XEN_ENOMEM;
		for (unsigned int n = 0; n < DOMID_LIMIT; n++) {
			if (!domains[n]) {
				d->id = domid;
				domains[n] = d;
				error = 0;
				break;
			}
		}
	}
	spin_unlock(&list_lock);
	return error;
}

static void list_publish(struct domain *d)
{
	spin_lock(&list_lock);
	d->listed = true;
	spin_unlock(&list_lock);
}

void domain_list_hide(struct domain *d)
{
	spin_lock(&list_lock);
	d->listed = false;
	spin_unlock(&list_lock);
}

void domain_list_forget(const struct domain *d)
{
	spin_lock(&list_lock);
	for (unsigned int n = 0; n < DOMID_LIMIT; n++) {
		if (domains[n] == d) {
			domains[n] = NULL;
		}
	}
	spin_unlock(&list_lock);
}

/* ---- creation ---------------------------------------------------------------------------------------- */

static int create_vcpus(struct domain *d, unsigned int nr)
{
	for (unsigned int id = 0; id < nr; id++) {
		struct vcpu *v = hyp_alloc(VCPU_ORDER);
		int error;

		if (!v) {
			return -XEN_ENOMEM;
		}
		d->vcpu[id] = v;
		d->nr_vcpus = id + 1;
		v->domain = d;
		v->id = id;
		vcpu_set_entry(v, 0, 0);
		v->started = false;
		error = vgic_vcpu_init(v);
		if (error) {
			return error;
		}
		runstate_init(v);
		vtimer_vcpu_init(v);
		event_vcpu_init(v);
		sched_vcpu_init(v);
		/* As the domain is paused once: what domain_unpause() takes back. Nobody knows it yet, so without a lock. */
		v->sched.pause_count = 1;
	}
	return 0;
}

/* The interrupt controller's place: Xen's guest map, or the host's for a direct-mapped domain. */
static void set_gic_addresses(struct domain *d, const struct domain_config *config)
{
	struct vgic_domain *gic = &d->vgic;

	if (config->gic_version == GIC_V2) {
		gic->dist_base = config->dist_base ? config->dist_base : GUEST_GICD_BASE;
		gic->cpu_base = config->cpu_base ? config->cpu_base : GUEST_GICC_BASE;
		return;
	}
	gic->dist_base = config->dist_base ? config->dist_base : GUEST_GICV3_GICD_BASE;
	gic->redist_base = config->redist_base ? config->redist_base : GUEST_GICV3_GICR0_BASE;
	gic->redist_size = GUEST_GICV3_GICR0_SIZE;
	if (d->is_hardware) {
		gic->nr_redist_regions = gic_info.nr_redist_regions;
		for (unsigned int n = 0; n < gic_info.nr_redist_regions; n++) {
			gic->redist_region[n].base = gic_info.redist_region[n].base;
			gic->redist_region[n].size = gic_info.redist_region[n].size;
		}
		gic->redist_base = gic_info.redist_region[0].base;
		gic->redist_size = gic_info.redist_region[0].size;
	}
}

/* What can fail; whatever was made before is undone by domain_release(). */
static int fill(struct domain *d, const struct domain_config *config)
{
	int error = stage2_create(d);

	if (error) {
		return error;
	}
	d->has_stage2 = true;
	d->shared_info = hyp_alloc_shared(d->id);
	if (!d->shared_info) {
		return -XEN_ENOMEM;
	}
	error = event_domain_init(d, config->max_evtchn_port ? config->max_evtchn_port : 1023);
	if (error) {
		return error;
	}
	error = grant_domain_init(d,
				  config->max_grant_frames ? config->max_grant_frames
							   : GRANT_MAX_FRAMES,
				  config->max_maptrack_frames);
	if (error) {
		return error;
	}
	set_gic_addresses(d, config);
	error = vgic_domain_init(d, config->gic_version, config->nr_spis);
	if (error) {
		return error;
	}
	return create_vcpus(d, config->nr_vcpus);
}

int domain_create(const struct domain_config *config, struct domain **result)
{
	struct domain *d;
	int error;

	if (config->nr_vcpus == 0 || config->nr_vcpus > DOMAIN_MAX_VCPUS ||
	    (config->gic_version == GIC_V2 && config->nr_vcpus > 8) ||
	    (config->is_32bit && !cpu_features.aarch32_el1)) {
		return -XEN_EINVAL;
	}
	d = hyp_alloc(DOMAIN_ORDER);
	if (!d) {
		return -XEN_ENOMEM;
	}
	spin_lock_init(&d->lock, LOCK_RANK_DOMAIN);
	rwlock_init(&d->attr_lock, LOCK_RANK_ATTR);
	d->refs = 1;
	d->is_hardware = config->is_hardware;
	d->is_privileged = config->is_privileged;
	d->is_console = config->is_console;
	d->direct_mapped = config->direct_mapped;
	d->is_32bit = config->is_32bit;
	d->state = DOMAIN_CREATED;
	d->shutdown_reason = -1;
	d->pause_count = 1;
	d->max_pages = config->max_pages;
	d->shared_info_gfn = GFN_INVALID;
	d->evtchn_ppi = config->evtchn_ppi ? config->evtchn_ppi : GUEST_EVTCHN_PPI;
	d->cntvoff = time_ticks();
	d->created_ns = time_now_ns();
	if (config->name) {
		strlcpy(d->name, config->name, sizeof(d->name));
	}
	error = list_insert(d, config->domid);
	if (error) {
		hyp_free(d, DOMAIN_ORDER);
		return error;
	}
	error = fill(d, config);
	if (error) {
		/* Nothing ran and nothing is mapped: released at once. */
		while (domain_destroy(d) == -XEN_ERESTART) {
		}
		return error;
	}
	if (d->is_hardware) {
		hardware_domain = d;
	}
	list_publish(d);
	/* After that, so that no setting of the clock passes it by. */
	wallclock_init_domain(d);
	*result = d;
	return 0;
}

/* ---- running and stopping -------------------------------------------------------------------------- */

/*
 * State and pause counts change together, under the lock: in between a vCPU could be found stopped by
 * domain_check_stopped() that is still to be paused, or be unpaused before it was paused.
 */
void domain_unpause(struct domain *d)
{
	bool last, start;

	spin_lock(&d->lock);
	ASSERT(d->pause_count > 0);
	d->pause_count--;
	last = d->pause_count == 0;
	start = last && d->state == DOMAIN_CREATED;
	if (start) {
		d->state = DOMAIN_RUNNING;
	}
	for (unsigned int id = 0; last && id < d->nr_vcpus; id++) {
		if (start && d->vcpu[id]->started) {
			sched_start(d->vcpu[id]);
		}
		sched_unpause(d->vcpu[id]);
	}
	spin_unlock(&d->lock);
}

/* Under the domain's lock. */
static void pause_vcpus(struct domain *d)
{
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		sched_pause(d->vcpu[id]);
	}
}

void domain_pause(struct domain *d)
{
	spin_lock(&d->lock);
	ASSERT(d->pause_count < UINT32_MAX);
	if (d->pause_count++ == 0) {
		pause_vcpus(d);
	}
	spin_unlock(&d->lock);
}

void domain_shutdown(struct domain *d, int reason)
{
	bool first;

	spin_lock(&d->lock);
	first = d->state == DOMAIN_RUNNING || d->state == DOMAIN_CREATED;
	if (first) {
		d->state = DOMAIN_SHUTTING_DOWN;
		if (d->shutdown_reason < 0) {
			d->shutdown_reason = reason;
		}
		pause_vcpus(d);
	}
	spin_unlock(&d->lock);
	if (first) {
		domain_check_stopped(d);
	}
}

void domain_crash(struct domain *d, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("d%u (%s) is stopped: %s", d->id, d->name, text);
	domain_shutdown(d, SHUTDOWN_crash);
}

static const char *reason_name(int reason)
{
	static const char *const names[] = {"power off", "reboot",   "suspend",
					    "crash",     "watchdog", "soft reset"};

	return (unsigned int)reason < ARRAY_SIZE(names) ? names[reason] : "unknown reason";
}

/* The machine goes with its hardware domain (xen-abi-arm section 10). */
static __noreturn void hardware_domain_stopped(int reason)
{
	log_info("dom0 has stopped (%s): the machine %s", reason_name(reason),
		 reason == SHUTDOWN_poweroff || (reason == SHUTDOWN_crash && boot_options.no_reboot)
			 ? "powers off"
			 : "restarts");
	if (reason == SHUTDOWN_poweroff || (reason == SHUTDOWN_crash && boot_options.no_reboot)) {
		machine_power_off();
	}
	machine_reset();
}

/* Without dom0, and without the key that builds them again, nobody restarts what has stopped: the last one turns the
 * light off. */
static void check_last_domain(void)
{
	bool running = false;

	if (hardware_domain || boot_options.rebuild) {
		return;
	}
	spin_lock(&list_lock);
	for (unsigned int n = 0; n < DOMID_LIMIT; n++) {
		running = running || (domains[n] && domains[n]->state != DOMAIN_SHUTDOWN &&
				      domains[n]->state != DOMAIN_DYING);
	}
	if (!running) {
		log_info("all domains have stopped: the machine powers off");
	}
	for (unsigned int n = 0; n < DOMID_LIMIT && !running; n++) {
		if (domains[n]) {
			log_info("  d%u (%s): %s", domains[n]->id, domains[n]->name,
				 reason_name(domains[n]->shutdown_reason));
		}
	}
	spin_unlock(&list_lock);
	if (!running) {
		machine_power_off();
	}
}

void domain_check_stopped(struct domain *d)
{
	bool stopped;

	if (READ_ONCE(d->state) != DOMAIN_SHUTTING_DOWN) {
		return;
	}
	spin_lock(&d->lock);
	stopped = d->state == DOMAIN_SHUTTING_DOWN;
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		stopped = stopped && !sched_is_running(d->vcpu[id]);
	}
	if (stopped) {
		d->state = DOMAIN_SHUTDOWN;
	}
	spin_unlock(&d->lock);
	if (!stopped) {
		return;
	}
	if (d == hardware_domain) {
		hardware_domain_stopped(d->shutdown_reason);
	}
	log_info("d%u (%s) has stopped: %s", d->id, d->name, reason_name(d->shutdown_reason));
	event_raise_global_virq(VIRQ_DOM_EXC);
	check_last_domain();
}
