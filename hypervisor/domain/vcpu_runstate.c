/* SPDX-License-Identifier: MIT */
/*
 * The guest's copy of a vCPU's runstate. The scheduler keeps the figures (struct sched_vcpu);
 * this file gives them the ABI's form and place.
 *
 * The area is named by a virtual address. It is translated once, when it is registered, and the
 * frames stay mapped (M1, "registered guest frames"): a later switch does not depend on which of
 * its page tables the guest has in use, so the area works with KPTI as well, where Xen 4.17
 * loses it.
 */
#include "domain/vcpu_runstate.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "mm/mm.h"
#include "sched/sched.h"

#define STATE_OFFSET 0
#define ENTRY_OFFSET offsetof(struct vcpu_runstate_info, state_entry_time)
#define TIME_OFFSET  offsetof(struct vcpu_runstate_info, time)

_Static_assert(sizeof(struct vcpu_runstate_info) == 48, "public/vcpu.h");
_Static_assert(TIME_OFFSET == 16, "public/vcpu.h");

/* RUNSTATE_* of each enum sched_state. */
static const uint8_t runstate_of[] = {
	[SCHED_OFFLINE] = RUNSTATE_offline,
	[SCHED_BLOCKED] = RUNSTATE_blocked,
	[SCHED_RUNNABLE] = RUNSTATE_runnable,
	[SCHED_RUNNING] = RUNSTATE_running,
};

/* The word at an offset of the area; words are aligned, so none crosses a page. */
static uint64_t *word_at(const struct runstate_area *area, size_t offset)
{
	size_t at = area->offset + offset;

	return (uint64_t *)(at < PAGE_SIZE ? area->page[0] + at : area->page[1] + (at - PAGE_SIZE));
}

/* public/vcpu.h: a vCPU that is paused, or whose domain has shut down, is offline; "blocked" comes first. */
static enum sched_state shown_state(const struct sched_vcpu *s)
{
	enum sched_state state = READ_ONCE(s->state);

	return state == SCHED_RUNNABLE && READ_ONCE(s->pause_count) != 0 ? SCHED_OFFLINE : state;
}

static void write_area(const struct vcpu *v)
{
	const struct runstate_area *area = &v->runstate.area;
	enum sched_state state = shown_state(&v->sched);
	uint64_t entered = READ_ONCE(v->sched.state_since_ns);
	uint64_t *entry = word_at(area, ENTRY_OFFSET);
	bool flagged =
		(READ_ONCE(v->domain->vm_assist) & BIT64(VMASST_TYPE_runstate_update_flag)) != 0;

	if (flagged) {
		/* The flag before the figures: a reader on another CPU that sees one of these
		 * sees it. */
		WRITE_ONCE(*entry, entered | XEN_RUNSTATE_UPDATE);
		dmb_ishst();
	}
	WRITE_ONCE(*(int *)word_at(area, STATE_OFFSET), runstate_of[state]);
	for (unsigned int i = 0; i < ARRAY_SIZE(runstate_of); i++) {
		WRITE_ONCE(*word_at(area, TIME_OFFSET + runstate_of[i] * sizeof(uint64_t)),
			   READ_ONCE(v->sched.state_time_ns[i]));
	}
	if (flagged) {
		/* And the figures before the flag goes. */
		dmb_ishst();
	}
	WRITE_ONCE(*entry, entered);
}

void runstate_update(struct vcpu *v)
{
	struct vcpu_runstate *runstate = &v->runstate;

	if (likely(!READ_ONCE(runstate->registered))) {
		return;
	}
	spin_lock(&runstate->lock);
	if (runstate->area.page[0] != NULL) {
		write_area(v);
	}
	spin_unlock(&runstate->lock);
}

static void area_unmap(struct domain *d, const struct runstate_area *area)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(area->page); i++) {
		if (area->page[i] != NULL) {
			domain_share_unregister(d, area->frame[i]);
			domain_put_frame(d, area->frame[i]);
		}
	}
}

static int area_map_page(struct domain *d, struct runstate_area *area, unsigned int i, uint64_t gva)
{
	void *page;
	int ret = guest_get_frame(gva, &area->frame[i]);

	if (ret < 0) {
		return ret;
	}
	ret = domain_share_register(d, area->frame[i], &page);
	if (ret < 0) {
		domain_put_frame(d, area->frame[i]);
		return ret;
	}
	area->page[i] = page;
	return 0;
}

/* Of the current vCPU's domain, whose addresses these are. */
static int area_map(struct domain *d, struct runstate_area *area, uint64_t gva)
{
	uint64_t last = gva + sizeof(struct vcpu_runstate_info) - 1;
	int ret;

	if (!IS_ALIGNED(gva, sizeof(uint64_t))) {
		return -XEN_ENXIO;
	}
	if (last < gva) {
		return -XEN_EFAULT;
	}
	area->offset = (uint32_t)(gva % PAGE_SIZE);
	ret = area_map_page(d, area, 0, gva);
	if (ret == 0 && last / PAGE_SIZE != gva / PAGE_SIZE) {
		ret = area_map_page(d, area, 1, ALIGN_DOWN(last, PAGE_SIZE));
	}
	if (ret < 0) {
		area_unmap(d, area);
	}
	return ret;
}

static void replace_area(struct vcpu *v, const struct runstate_area *new)
{
	struct vcpu_runstate *runstate = &v->runstate;
	struct runstate_area old;

	spin_lock(&runstate->lock);
	old = runstate->area;
	runstate->area = *new;
	WRITE_ONCE(runstate->registered, new->page[0] != NULL);
	spin_unlock(&runstate->lock);
	/* Nobody uses it any more: that happens under the lock only. */
	area_unmap(v->domain, &old);
}

int runstate_register(struct vcpu *v, uint64_t gva)
{
	struct runstate_area new = {.offset = 0};
	int ret = gva == 0 ? 0 : area_map(v->domain, &new, gva);

	if (ret == 0) {
		replace_area(v, &new);
		runstate_update(v);
	}
	return ret;
}

void runstate_init(struct vcpu *v)
{
	v->runstate = (struct vcpu_runstate){.registered = false};
	spin_lock_init(&v->runstate.lock, LOCK_RANK_RUNSTATE);
}

void runstate_fini(struct vcpu *v)
{
	if (v->runstate.registered) {
		replace_area(v, &(struct runstate_area){.offset = 0});
	}
}
