/* SPDX-License-Identifier: MIT */
/*
 * The frames of the FIFO event channel ABI: control blocks (EVTCHNOP_init_control), the event array's pages
 * (EVTCHNOP_expand_array), and letting go of both. The first control block switches the domain from the 2-level
 * ABI, a reset switches it back. event_fifo.c delivers.
 */
#include "event/event_internal.h"

#include "arm64/barrier.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/mm.h"

#define NOT_MAPPED MFN_INVALID

static struct event_fifo *create(void)
{
	struct event_fifo *fifo = hyp_alloc(0);

	if (fifo != NULL) {
		spin_lock_init(&fifo->lock, LOCK_RANK_EVENT_FIFO);
	}
	return fifo;
}

/*
 * From now on senders use the FIFO. What the 2-level ABI had pending is kept until the array has words: nothing is
 * lost, which the ABI does not promise (public/event_channel.h).
 */
static void switch_to(struct domain *d, struct event_fifo *fifo)
{
	const uint64_t *pending = d->shared_info->evtchn_pending;

	/* Pairs with the acquire in event_set_pending() and event_2l_set_pending(). */
	atomic_store_release(&d->event.fifo, fifo);
	/* The pointer before the pending bits: a sender that sets one after this look sees the FIFO. Pairs with
	 * the barrier in event_2l_set_pending(). */
	dmb_ish();
	spin_lock(&fifo->lock);
	/* Whatever the guest has set in there, this is short enough not to be interrupted (S3). */
	for (uint32_t base = 0; base < EVENT_2L_NR_PORTS; base += 64) {
		struct event_port *group = event_port_of(d, base);
		uint64_t bits = group != NULL ? atomic_load_acquire(&pending[base / 64]) : 0;

		for (; bits != 0; bits &= bits - 1) {
			struct event_port *p = &group[__builtin_ctzll(bits)];

			if (event_port_is_used(p)) {
				event_fifo_keep(p);
			}
		}
	}
	spin_unlock(&fifo->lock);
}

/* Under the event lock: the block is in frame m. */
static int set_control(struct vcpu *v, struct evtchn_fifo_control_block *control, mfn_t m)
{
	struct domain *d = v->domain;
	struct event_fifo *fifo = d->event.fifo, *fresh = NULL;

	if (v->event.control != NULL) {
		return -XEN_EINVAL;
	}
	if (fifo == NULL) {
		fifo = fresh = create();
		if (fifo == NULL) {
			return -XEN_ENOMEM;
		}
	}
	ASSERT(fifo->nr_frames < ARRAY_SIZE(fifo->frame));
	fifo->frame[fifo->nr_frames++] = m;
	spin_lock(&fifo->lock);
	memset(v->event.fifo_tail, 0, sizeof(v->event.fifo_tail));
	v->event.control = control;
	spin_unlock(&fifo->lock);
	if (fresh != NULL) {
		switch_to(d, fresh);
	}
	return 0;
}

int event_fifo_init_control(struct domain *d, uint32_t vcpu, gfn_t g, uint32_t offset)
{
	void *page;
	mfn_t m;
	int ret;

	if (vcpu >= d->nr_vcpus) {
		return -XEN_ENOENT;
	}
	if (offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) ||
	    !IS_ALIGNED(offset, sizeof(uint64_t))) {
		return -XEN_EINVAL;
	}
	ret = event_map_frame(d, g, &m, &page);
	if (ret < 0) {
		return ret;
	}
	spin_lock(&d->event.lock);
	ret = set_control(d->vcpu[vcpu],
			  (struct evtchn_fifo_control_block *)((char *)page + offset), m);
	spin_unlock(&d->event.lock);
	if (ret < 0) {
		event_unmap_frame(d, m);
	}
	return ret;
}

/* -XEN_EOPNOTSUPP: not in use; -XEN_ENOSPC: the array is complete. Event lock held. */
static int may_expand(const struct event_fifo *fifo)
{
	if (fifo == NULL) {
		return -XEN_EOPNOTSUPP;
	}
	return fifo->nr_ports < EVENT_FIFO_NR_PORTS ? 0 : -XEN_ENOSPC;
}

int event_fifo_expand_array(struct domain *d, gfn_t g)
{
	struct event_fifo *fifo;
	void *page;
	mfn_t m;
	int ret;

	/* Before the frame is looked at, for the right answer, and again when it is mapped. */
	spin_lock(&d->event.lock);
	ret = may_expand(d->event.fifo);
	spin_unlock(&d->event.lock);
	if (ret == 0) {
		ret = event_map_frame(d, g, &m, &page);
	}
	if (ret < 0) {
		return ret;
	}
	spin_lock(&d->event.lock);
	fifo = d->event.fifo;
	ret = may_expand(fifo);
	if (ret == 0) {
		ASSERT(fifo->nr_frames < ARRAY_SIZE(fifo->frame));
		fifo->frame[fifo->nr_frames++] = m;
		spin_lock(&fifo->lock);
		fifo->page[fifo->nr_ports / EVENT_FIFO_WORDS_PER_PAGE] = page;
		fifo->nr_ports += EVENT_FIFO_WORDS_PER_PAGE;
		spin_unlock(&fifo->lock);
	}
	spin_unlock(&d->event.lock);
	if (ret < 0) {
		event_unmap_frame(d, m);
	}
	return ret;
}

void event_fifo_retire(struct domain *d)
{
	struct event_fifo *fifo = d->event.fifo;

	ASSERT(spin_is_mine(&d->event.lock) && d->event.fifo_retired == NULL);
	/* No port is open and the event lock is held: nobody is in event_fifo.c. */
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		d->vcpu[i]->event.control = NULL;
	}
	atomic_store_release(&d->event.fifo, NULL);
	d->event.fifo_retired = fifo;
}

bool event_fifo_give_back(struct domain *d)
{
	struct event_fifo *retired;
	mfn_t m = NOT_MAPPED;

	spin_lock(&d->event.lock);
	retired = d->event.fifo_retired;
	if (retired != NULL && retired->nr_frames > 0) {
		m = retired->frame[--retired->nr_frames];
	} else {
		d->event.fifo_retired = NULL;
	}
	spin_unlock(&d->event.lock);
	if (m.raw != NOT_MAPPED.raw) {
		event_unmap_frame(d, m);
		return true;
	}
	hyp_free(retired, 0);
	return false;
}
