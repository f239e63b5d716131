/* SPDX-License-Identifier: MIT */
/*
 * Cold and warm (design.md, "Words"): a domain turns warm when a vCPU turns its MMU and data cache on, which
 * Tenon sees because HCR_EL2.TVM traps writes to the registers that do it. A warm domain pays nothing: TVM is
 * dropped. Set/way maintenance by a guest arms TVM again, and from then on each change of the caches' state
 * cleans and invalidates the domain's RAM by VA once, as Xen does (xen-abi-arm section 12.4).
 *
 * Others' mappings of its private frames follow (stage2_foreign.c), and what the guest's caches hold is flushed, before
 * it goes on: in parts, by whichever vCPU of the domain is about to be entered (domain_attr_step()). SCTLR_EL1 has its
 * new value by then, but no instruction at EL1 is executed.
 *
 * What decides is guarded by attr_lock: which vCPUs have their caches on, warm or cold, the flush asked for.
 * setway_claimed lets one vCPU at a time do a part of that.
 */
#include "domain/domain.h"

#include "domain/domain_share.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/esr.h"
#include "arm64/sysreg.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"

/* Frames cleaned in one part, if no interrupt ends it before: the claim is given to another vCPU, or back, after it. */
#define FLUSH_FRAMES 64

/* TVM follows the domain's state; a vCPU on another CPU finds out at its next trap, or in domain_attr_step(). */
static void update_tvm(struct vcpu *v)
{
	const struct domain *d = v->domain;
	uint64_t hcr = v->hcr_el2 & ~HCR_TVM;

	if (!READ_ONCE(d->warm) || READ_ONCE(d->setway_armed)) {
		hcr |= HCR_TVM;
	}
	if (hcr != v->hcr_el2) {
		v->hcr_el2 = hcr;
		/* A virtual SError is pending or delivered in the register; the copy is from when v was loaded. */
		sysreg_write(HCR_EL2, (hcr & ~HCR_VSE) | (sysreg_read(HCR_EL2) & HCR_VSE));
		isb(); /* the guest's next write does (not) trap */
	}
}

static bool caches_are_on(uint64_t sctlr)
{
	return (sctlr & SCTLR_M) != 0 && (sctlr & SCTLR_C) != 0;
}

static bool any_caches_on(const struct domain *d)
{
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		/* One that is off has none. */
		if (d->vcpu[id]->caches_on && sched_is_online(d->vcpu[id])) {
			return true;
		}
	}
	return false;
}

static void ask_for_flush(struct domain *d)
{
	d->setway_asked++;
	WRITE_ONCE(d->setway_flush, true);
}

/* attr_lock is held. */
static void note_work(struct domain *d)
{
	WRITE_ONCE(d->attr_work, d->setway_armed || d->foreign_due);
}

static void set_warm(struct domain *d, bool warm)
{
	WRITE_ONCE(d->warm, warm);
	WRITE_ONCE(d->foreign_due, true);
	d->foreign_next = 0;
	note_work(d);
}

/*
 * A vCPU's caches went on or off: the domain follows. Under attr_lock, so that nobody opens a window on a private
 * frame, or maps one into another domain, with the old attribute afterwards. Those that are mapped follow.
 *
 * True when the other CPUs have to be told: an epoch was begun.
 */
static bool settle(struct domain *d)
{
	bool on = any_caches_on(d);

	ASSERT(write_is_mine(&d->attr_lock));
	if (on) {
		if (!d->warm) {
			set_warm(d, true);
		}
	} else if (d->warm && d->setway_armed) {
		set_warm(d, false);
		/*
		 * M1: cacheable windows that CPUs still have would bring lines back behind the flush. It waits until all have
		 * dropped them.
		 */
		d->setway_epoch = epoch_begin();
		d->setway_waits = true;
		ask_for_flush(d);
		return true;
	}
	return false;
}

void domain_sctlr_changed(struct vcpu *v, uint64_t value)
{
	struct domain *d = v->domain;
	bool on = caches_are_on(value);
	bool kick = false;

	write_lock(&d->attr_lock);
	if (on != v->caches_on || !v->caches_known) {
		v->caches_on = on;
		v->caches_known = true;
		if (d->setway_armed) {
			ask_for_flush(d);
		}
		kick = settle(d);
	}
	write_unlock(&d->attr_lock);
	if (kick) {
		gic_send_sgi_all_others(INTID_SGI_KICK);
	}
	update_tvm(v);
}

/* ---- set/way ------------------------------------------------------------------------------------------ */

int domain_set_way(struct vcpu *v)
{
	struct domain *d = v->domain;
	bool first;

	write_lock(&d->attr_lock);
	first = !d->setway_armed;
	if (first) {
		/*
		 * While TVM was off nobody looked what the vCPUs do. This one can be asked, the others count as having
		 * their caches on until they come by (domain_attr_step()).
		 */
		for (unsigned int id = 0; id < d->nr_vcpus; id++) {
			d->vcpu[id]->caches_on = true;
			d->vcpu[id]->caches_known = false;
		}
		v->caches_on = caches_are_on(sysreg_read(SCTLR_EL1));
		v->caches_known = true;
		ask_for_flush(d);
		WRITE_ONCE(d->setway_armed, true);
		note_work(d);
	}
	write_unlock(&d->attr_lock);
	if (first) {
		log_info("d%u (%s) uses cache maintenance by set/way, which is emulated by cleaning its RAM; "
			 "maintenance by VA would be cheaper",
			 d->id, d->name);
		/* Its other vCPUs, wherever they run, are to be trapped from now on. */
		gic_send_sgi_all_others(INTID_SGI_KICK);
	}
	update_tvm(v);
	return 0;
}

/* A vCPU that was running untrapped when set/way was armed. */
static void learn_caches(struct vcpu *v)
{
	struct domain *d = v->domain;
	bool kick;

	write_lock(&d->attr_lock);
	v->caches_on = caches_are_on(sysreg_read(SCTLR_EL1));
	v->caches_known = true;
	kick = settle(d);
	write_unlock(&d->attr_lock);
	if (kick) {
		gic_send_sgi_all_others(INTID_SGI_KICK);
	}
}

/*
 * May what has been asked for up to now, *asked, be done: others' mappings have followed, and windows with the old attribute are
 * gone? In one with that number: another vCPU may turn the domain at any time, and what it asks for has to wait anew.
 */
static bool may_flush(struct domain *d, uint32_t *asked)
{
	bool may;

	write_lock(&d->attr_lock);
	if (d->setway_waits) {
		d->setway_waits = !epoch_passed(d->setway_epoch);
	}
	may = !d->foreign_due && !d->setway_waits;
	*asked = d->setway_asked;
	write_unlock(&d->attr_lock);
	return may;
}

/* One part of the flush, setway_claimed being the caller's: clean and invalidate by VA, through windows. */
static void flush_part(struct domain *d, uint32_t asked)
{
	const uint64_t end = stage2_max_gfn(d).raw + 1;
	mfn_t m;

	if (d->setway_doing != asked) {
		d->setway_doing = asked;
		d->setway_next = gfn(0);
	}
	for (unsigned int n = 0; n < FLUSH_FRAMES && d->setway_next.raw < end; n++) {
		char *page;

		/* S3: a look for RAM takes as long as cleaning ten frames where there is none. */
		if (n != 0 && cpu_interrupt_pending()) {
			break;
		}
		if (!stage2_next_ram(d, &d->setway_next, &m)) {
			continue;
		}
		read_lock(&d->attr_lock);
		page = window_map(m, stage2_attr_window(d, frame_of(m)));
		dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
		window_unmap(page);
		read_unlock(&d->attr_lock);
		domain_put_frame(d, m);
		d->setway_next = gfn_add(d->setway_next, 1);
	}
	/* This part is complete before the guest's next access, whichever CPU does the next part. */
	dsb_sy();
	if (d->setway_next.raw >= end) {
		write_lock(&d->attr_lock);
		if (d->setway_asked == d->setway_doing) {
			WRITE_ONCE(d->setway_flush, false);
			d->setway_next = gfn(0);
		}
		write_unlock(&d->attr_lock);
	}
}

/* Some of the foreign mappings follow the domain; true when all have. */
static bool turn_part(struct domain *d)
{
	bool due;

	if (likely(!READ_ONCE(d->foreign_due))) {
		return true;
	}
	write_lock(&d->attr_lock);
	if (d->foreign_due && stage2_turn_some(d, &d->foreign_next)) {
		d->foreign_due = false;
		note_work(d);
	}
	due = d->foreign_due;
	write_unlock(&d->attr_lock);
	return !due;
}

bool domain_attr_step(struct vcpu *v)
{
	struct domain *d = v->domain;
	uint32_t asked;

	if (unlikely(!v->caches_known)) {
		learn_caches(v);
	}
	update_tvm(v);
	/* C1: no cacheable mapping is left when the flush begins. */
	if (!turn_part(d)) {
		return false;
	}
	if (likely(!READ_ONCE(d->setway_flush))) {
		return true;
	}
	if (atomic_exchange(&d->setway_claimed, true)) {
		return false;
	}
	if (may_flush(d, &asked)) {
		flush_part(d, asked);
	}
	atomic_store_release(&d->setway_claimed, false);
	return !READ_ONCE(d->setway_flush);
}

/* ---- registers that TVM traps --------------------------------------------------------------------------- */

bool domain_vm_register_write(struct vcpu *v, uint32_t key, uint64_t value)
{
	switch (key) {
	case SYS_ENC(3, 0, 1, 0, 0):
		/* The state changes before the instruction takes effect: no cacheable access precedes it. */
		domain_sctlr_changed(v, value);
		sysreg_write(SCTLR_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 0):
		sysreg_write(TTBR0_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 1):
		sysreg_write(TTBR1_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 2):
		sysreg_write(TCR_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 1, 0):
		sysreg_write(AFSR0_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 1, 1):
		sysreg_write(AFSR1_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 2, 0):
		sysreg_write(ESR_EL1, value);
		break;
	case SYS_ENC(3, 0, 6, 0, 0):
		sysreg_write(FAR_EL1, value);
		break;
	case SYS_ENC(3, 0, 10, 2, 0):
		sysreg_write(MAIR_EL1, value);
		break;
	case SYS_ENC(3, 0, 10, 3, 0):
		sysreg_write(AMAIR_EL1, value);
		break;
	case SYS_ENC(3, 0, 13, 0, 1):
		sysreg_write(CONTEXTIDR_EL1, value);
		break;
	default:
		return false;
	}
	if (key != SYS_ENC(3, 0, 1, 0, 0)) {
		update_tvm(v);
	}
	return true;
}
