/* SPDX-License-Identifier: MIT */
/*
 * Where a vCPU's vcpu_info lives: vCPU 0 starts with the slot in shared_info, the others with a
 * private place that nobody reads, until VCPUOP_register_vcpu_info names a place in the guest's
 * RAM, for good.
 */
#include "event/event_internal.h"

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

void event_vcpu_init(struct vcpu *v)
{
	struct event_vcpu *event = &v->event;

	ASSERT(v->domain->shared_info != NULL);
	*event = (struct event_vcpu){.info_claimed = false};
	event->info = v->id == 0 ? &v->domain->shared_info->vcpu_info[0] : &event->unregistered;
	event_poll_init(v);
}

/* The guest's frame, mapped for us, with a reference. */
static int map_info(struct domain *d, gfn_t g, mfn_t *m, void **va)
{
	enum stage2_type type;
	int ret;

	if (stage2_get_frame(d, g, m, &type) < 0) {
		return -XEN_EINVAL;
	}
	ret = type == STAGE2_RAM ? hyp_map_registered(*m, va) : -XEN_EINVAL;
	if (ret < 0) {
		frame_put(*m);
	}
	return ret;
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
	/* By the vCPU itself, or for one that is down. */
	if (v != current_vcpu() && READ_ONCE(v->sched.state) != SCHED_OFFLINE) {
		return -XEN_EINVAL;
	}
	if (atomic_exchange(&event->info_claimed, true)) {
		return -XEN_EINVAL;
	}
	ret = map_info(v->domain, g, &m, &page);
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
