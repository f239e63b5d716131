/* SPDX-License-Identifier: MIT */
/* event_channel_op and SCHEDOP_poll, with all ports that the domain may have. */
#include "bounded.h"

#include "guest_event.h"
#include "guest_gic.h"
#include "guest_grant.h"

#define NR_ARRAY_PAGES 128
#define NR_POLLED      128
#define WORDS_PER_PAGE 1024

static evtchn_port_t polled[NR_POLLED];
static uint8_t control_page[4096] __aligned(4096);
static uint32_t (*array)[WORDS_PER_PAGE];
static unsigned int nr_array_pages;

uint32_t bounded_take_all_ports(void)
{
	uint32_t nr = 0;

	while (event_bind_ipi(0) != 0) {
		nr++;
	}
	return nr;
}

int64_t bounded_init_control(void)
{
	struct evtchn_init_control op = {.control_gfn = frame_of_page(control_page)};

	nr_array_pages = 0;
	if (array == NULL) {
		array = bounded_room(NR_ARRAY_PAGES * sizeof(*array));
	}
	return event_op(EVTCHNOP_init_control, &op);
}

int64_t bounded_expand(void)
{
	struct evtchn_expand_array op = {.array_gfn = frame_of_page(array[nr_array_pages])};

	nr_array_pages++;
	return event_op(EVTCHNOP_expand_array, &op);
}

void bounded_link_word(uint32_t port)
{
	WRITE_ONCE(array[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE], FIFO_LINKED);
	dsb_ish();
}

static int64_t poll(void)
{
	struct sched_poll op = {.nr_ports = NR_POLLED, .timeout = 1};

	op.ports.q = (uintptr_t)polled;
	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}

/* Of the array's words below nr, how many have these bits? */
static uint32_t words_with(uint32_t nr, uint32_t bits)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < nr; i++) {
		found += (READ_ONCE(array[i / WORDS_PER_PAGE][i % WORDS_PER_PAGE]) & bits) == bits;
	}
	return found;
}

static void switch_with_all_pending(struct shared_info *shared, uint32_t nr)
{
	memset(shared->evtchn_pending, 0xff, sizeof(shared->evtchn_pending));
	EXPECT_EQUAL(BOUNDED_SHORT("event.init_control", "all ports of the 2-level ABI pending",
				   bounded_init_control()),
		     0);
	EXPECT_EQUAL(BOUNDED("event.expand_array", "all of these ports pending", bounded_expand()),
		     0);
	EXPECT_EQUAL(words_with(nr + 1, FIFO_PENDING | FIFO_LINKED), nr);
}

void bounded_events(void)
{
	struct shared_info *shared = xen_shared_info();
	uint32_t nr;

	REQUIRE(shared != NULL);
	memset(shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
	nr = bounded_take_all_ports();
	REQUIRE_EQUAL(nr, 1023);
	for (unsigned int i = 0; i < NR_POLLED; i++) {
		polled[i] = nr - i;
	}
	EXPECT_EQUAL(BOUNDED_SHORT("sched.poll", "128 ports, none pending", poll()), 0);
	EXPECT_EQUAL(BOUNDED_SHORT("event.bind_ipi", "no port is left: refused", event_bind_ipi(0)),
		     0);
	EXPECT_EQUAL(BOUNDED("event.reset_2l", "1023 ports", event_reset()), 0);
	REQUIRE_EQUAL(bounded_take_all_ports(), nr);
	switch_with_all_pending(shared, nr);
	EXPECT_EQUAL(BOUNDED_SHORT("event.send_fifo", "to oneself", event_send(nr)), 0);
	EXPECT_EQUAL(BOUNDED("event.reset_fifo", "1023 ports", event_reset()), 0);
	EXPECT_EQUAL(event_state(nr), EVTCHNSTAT_closed);
	/* Nobody takes the upcall: WFI would not wait. */
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
}
