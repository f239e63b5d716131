/* SPDX-License-Identifier: MIT */
/*
 * The upcall, and where a vCPU's vcpu_info lives: vCPU 0 starts with the slot in shared_info, the
 * others with a private place that nobody reads, until VCPUOP_register_vcpu_info names a place in
 * the guest's RAM, for good.
 */
#include "event/event_internal.h"

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "stage2/stage2.h"
#include "vgic/vgic.h"

void event_vcpu_init(struct vcpu *v)
{
	struct event_vcpu *event = &v->event;

	ASSERT(v->domain->shared_info != NULL);
	*event = (struct event_vcpu){.info_claimed = false};
	event->info = v->id == 0 ? &v->domain->shared_info->vcpu_info[0] : &event->unregistered;
	event_poll_init(v);
}

void event_say_contended(const struct domain *d)
{
	log_guest(d->id, "keeps an event channel word changing: an event is dropped");
}

void event_upcall_again(struct vcpu *v)
{
	struct domain *d = v->domain;
	struct vcpu_info *info = atomic_load_acquire(&v->event.info);
	uint8_t expected = atomic_load_relaxed(&info->evtchn_upcall_pending);

	for (unsigned int i = 0; i < EVENT_MAX_ATTEMPTS; i++) {
		if (event_try_update(&info->evtchn_upcall_pending, &expected, 1)) {
			if (expected == 0) {
				vgic_pulse(d, v, d->evtchn_ppi);
			}
			return;
		}
	}
	event_say_contended(d);
}

bool event_upcall_pending(const struct vcpu *v)
{
	const struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	/* What a vCPU cannot see it will never clear: that must not keep it awake. */
	return info != &v->event.unregistered &&
	       atomic_load_acquire(&info->evtchn_upcall_pending) != 0;
}

bool event_upcall_is_low(const struct vcpu *v)
{
	const struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	return atomic_load_acquire(&info->evtchn_upcall_pending) == 0;
}

/* ---- what guests register ------------------------------------------------------------------- */

int event_map_frame(struct domain *d, gfn_t g, mfn_t *m, void **va)
{
	enum stage2_type type;
	int ret;

	if (stage2_get_frame(d, g, m, &type) < 0) {
		return -XEN_EINVAL;
	}
	ret = type == STAGE2_RAM ? domain_share_register(d, *m, va) : -XEN_EINVAL;
	if (ret < 0) {
		domain_put_frame(d, *m);
	}
	return ret;
}

void event_unmap_frame(struct domain *d, mfn_t m)
{
	domain_share_unregister(d, m);
	domain_put_frame(d, m);
}

bool event_vcpu_release(struct domain *d)
{
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		struct event_vcpu *event = &d->vcpu[i]->event;

		if (event->info_claimed) {
			event->info = &event->unregistered;
			event->info_claimed = false;
			event_unmap_frame(d, event->info_mfn);
			return true;
		}
	}
	return false;
}

int event_register_vcpu_info(struct vcpu *v, gfn_t g, uint32_t offset)
{
	struct event_vcpu *event = &v->event;
	struct vcpu_info *info;
	void *page;
	mfn_t m;
	int ret;

	if (offset > PAGE_SIZE - sizeof(*info) || !IS_ALIGNED(offset, _Alignof(struct vcpu_info))) {
		return -XEN_ENXIO;
	}
	if (g.raw == GFN_INVALID.raw) {
		return -XEN_EINVAL;
	}
	/* By the vCPU itself, or for one that is down. */
	if (v != current_vcpu() && READ_ONCE(v->sched.state) != SCHED_OFFLINE) {
		return -XEN_EINVAL;
	}
	if (atomic_exchange(&event->info_claimed, true)) {
		return -XEN_EINVAL;
	}
	ret = event_map_frame(v->domain, g, &m, &page);
	if (ret < 0) {
		atomic_store_release(&event->info_claimed, false);
		return ret;
	}
	info = (struct vcpu_info *)((char *)page + offset);
	if (event->info == &event->unregistered) {
		memset(info, 0, sizeof(*info));
	} else {
		memcpy(info, event->info, sizeof(*info));
	}
	event->info_mfn = m;
	/* Pairs with the acquire of those who set bits in it (event_2l.c). */
	atomic_store_release(&event->info, info);
	event_2l_rescan(v);
	return 0;
}
