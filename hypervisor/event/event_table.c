/* SPDX-License-Identifier: MIT */
/*
 * The table of a domain's event channel ports: pages of entries, made as ports are taken, and which
 * ports are free.
 */
#include "event/event_internal.h"

#include "lib/assert.h"
#include "mm/mm.h"

_Static_assert(sizeof(struct event_port) * EVENT_PORTS_PER_PAGE == PAGE_SIZE, "one page of ports");
_Static_assert(sizeof(struct event_table) <= PAGE_SIZE << EVENT_TABLE_ORDER,
	       "struct event_table outgrew its block");
_Static_assert(DOMAIN_MAX_VCPUS <= UINT8_MAX + 1, "struct event_port, field vcpu");

/*
 * Ports that are free and still in a FIFO queue, because the guest has not taken them out since
 * they were closed, are passed over. Without them a page's worth of entries is all that is looked
 * at for a port; a guest for which it is more than these together gets -XEN_ENOSPC (S3: it could mark
 * all of its words).
 */
#define MAX_USED_LOOKED_AT   4096
#define MAX_LINKED_LOOKED_AT 256

static int add_page(struct event_domain *event)
{
	struct event_port *page;

	ASSERT(event->nr_pages < EVENT_MAX_PAGES);
	page = hyp_alloc(0);
	if (page == NULL) {
		return -XEN_ENOMEM;
	}
	event->table->page[event->nr_pages] = page;
	atomic_store_release(&event->nr_pages, event->nr_pages + 1);
	return 0;
}

int event_domain_init(struct domain *d, uint32_t max_port)
{
	struct event_domain *event = &d->event;
	int ret;

	*event = (struct event_domain){
		.max_port = MIN(max_port, (uint32_t)EVENT_FIFO_NR_PORTS - 1),
		.first_free = 1,
		.close_next = 1,
	};
	spin_lock_init(&event->lock, LOCK_RANK_EVENT);
	event->table = hyp_alloc(EVENT_TABLE_ORDER);
	if (event->table == NULL) {
		return -XEN_ENOMEM;
	}
	ret = add_page(event);
	if (ret == 0) {
		/* Port 0 means "none" in much of the ABI. */
		event->table->page[0][0].state = EVENT_RESERVED;
		event->table->nr_used[0] = 1;
	}
	return ret;
}

/* The last port that the domain may take now. */
static uint32_t last_port(const struct event_domain *event)
{
	return event->fifo != NULL ? event->max_port
				   : MIN(event->max_port, (uint32_t)EVENT_2L_NR_PORTS - 1);
}

/* From port n to the end of its page, or to last: the next that is free, which counts. */
static uint32_t next_free(const struct event_table *table, uint32_t n, uint32_t last)
{
	const struct event_port *page = table->page[n / EVENT_PORTS_PER_PAGE];
	uint32_t end = MIN(last + 1, ALIGN_DOWN(n, EVENT_PORTS_PER_PAGE) + EVENT_PORTS_PER_PAGE);

	while (n < end && page[n % EVENT_PORTS_PER_PAGE].state != EVENT_FREE) {
		n++;
	}
	return n;
}

int event_port_find(struct domain *d, struct event_port **p, uint32_t *port)
{
	struct event_domain *event = &d->event;
	uint32_t n = event->first_free, last = last_port(event);
	unsigned int nr_used = 0, nr_linked = 0;

	ASSERT(spin_is_mine(&event->lock));
	if (READ_ONCE(d->state) == DOMAIN_DYING) {
		return -XEN_EINVAL;
	}
	while (n <= last && nr_used < MAX_USED_LOOKED_AT && nr_linked < MAX_LINKED_LOOKED_AT) {
		uint32_t from = n;

		if (n / EVENT_PORTS_PER_PAGE == event->nr_pages) {
			int ret = add_page(event);

			if (ret < 0) {
				return ret;
			}
		}
		if (event->table->nr_used[n / EVENT_PORTS_PER_PAGE] == EVENT_PORTS_PER_PAGE) {
			n = ALIGN_DOWN(n, EVENT_PORTS_PER_PAGE) + EVENT_PORTS_PER_PAGE;
			continue;
		}
		n = next_free(event->table, n, last);
		nr_used += n - from;
		if (n > last || n / EVENT_PORTS_PER_PAGE != from / EVENT_PORTS_PER_PAGE) {
			continue;
		}
		*p = event_port_of(d, n);
		if (!event_fifo_is_linked(d, n)) {
			*port = n;
			return 0;
		}
		nr_linked++;
		n++;
	}
	return -XEN_ENOSPC;
}

void event_port_use(struct domain *d, struct event_port *p, uint32_t port,
		    enum event_port_state state, uint32_t vcpu)
{
	struct event_domain *event = &d->event;

	ASSERT(spin_is_mine(&event->lock) && p->state == EVENT_FREE);
	event_fifo_init_port(p);
	p->vcpu = (uint8_t)vcpu;
	WRITE_ONCE(p->state, state);
	event->table->nr_used[port / EVENT_PORTS_PER_PAGE]++;
	/* Unless ports below were passed over, all of them are taken. */
	if (event->first_free == port) {
		event->first_free = port + 1;
	}
}

void event_port_free(struct domain *d, struct event_port *p, uint32_t port)
{
	struct event_domain *event = &d->event;

	ASSERT(spin_is_mine(&event->lock) && event_port_is_used(p));
	/* An event that is still pending would fire for whoever gets the port next. */
	if (event->fifo != NULL) {
		event_fifo_clear_pending(d, p, port);
	} else if (port < EVENT_2L_NR_PORTS) {
		event_2l_clear_pending(d, port);
	}
	/*
	 * Field by field: the port may still be in a queue, as its tail, and senders look at fifo meanwhile, under
	 * the FIFO's lock alone. It stays.
	 */
	p->vcpu = 0;
	p->remote_port = 0;
	p->tenon_owned = 0;
	p->remote = NULL;
	WRITE_ONCE(p->state, EVENT_FREE);
	event->table->nr_used[port / EVENT_PORTS_PER_PAGE]--;
	event->first_free = MIN(event->first_free, port);
}

/* ---- two domains ---------------------------------------------------------------------------- */

void event_lock_pair(struct domain *a, struct domain *b)
{
	struct domain *first = a->id < b->id ? a : b;
	struct domain *second = a->id < b->id ? b : a;

	spin_lock(&first->event.lock);
	if (first != second) {
		spin_lock_second(&second->event.lock);
	}
}

void event_unlock_pair(struct domain *a, struct domain *b)
{
	spin_unlock(&a->event.lock);
	if (a != b) {
		spin_unlock(&b->event.lock);
	}
}
