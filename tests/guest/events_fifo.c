/* SPDX-License-Identifier: MIT */
/* The FIFO ABI of event channels, all within one domain (public/event_channel.h; xen-abi-arm: "FIFO"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "events_fifo";
const bool guest_mmu_off;

#define DEFAULT EVTCHN_FIFO_PRIORITY_DEFAULT

static int64_t try_init(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
	struct evtchn_init_control init = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};

	return event_op(EVTCHNOP_init_control, &init);
}

static int64_t try_expand(uint64_t gfn)
{
	struct evtchn_expand_array expand = {.array_gfn = gfn};

	return event_op(EVTCHNOP_expand_array, &expand);
}

static uint64_t gfn_of(const void *at)
{
	return (uintptr_t)at >> PAGE_SHIFT;
}

/* An IPI to this vCPU, not masked. */
static uint32_t open_port(void)
{
	uint32_t port = event_bind_ipi(0);

	fifo_words[port] = 0;
	return port;
}

static void take_upcalls(void)
{
	irq_enable();
	isb();
	delay_us(100);
	irq_disable();
}

/* ---- setup ---------------------------------------------------------------------------------------- */

static void before_the_first_control_block(void)
{
	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(fifo_expand(), -XEN_EOPNOTSUPP);
	/* Before the frame is looked at. */
	EXPECT_EQUAL(try_expand(~UINT64_C(0)), -XEN_EOPNOTSUPP);
	REQUIRE_EQUAL(event_bind_ipi(0), 1);
	EXPECT_EQUAL(fifo_set_priority(1, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(fifo_set_priority(1, 99), -XEN_ENOSYS);
	EXPECT_EQUAL(fifo_set_priority(1000000, 0), -XEN_EINVAL);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void bad_control_blocks(void)
{
	uint64_t page = gfn_of(xen_spare_pages[1]);

	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(try_init(page, 0, machine.nr_cpus), -XEN_ENOENT);
	EXPECT_EQUAL(try_init(page, 0, 0xffffffff), -XEN_ENOENT);
	/* 72 bytes within a page, aligned to 8. */
	EXPECT_EQUAL(try_init(page, 4096 - 64, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(page, 4096, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(page, 0xfffffff8, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(page, 4, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(page, 1, 0), -XEN_EINVAL);
	/* No memory there: a hole, the interrupt controller, no address. */
	EXPECT_EQUAL(try_init(0x30000, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(machine.gicd >> PAGE_SHIFT, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(UINT64_C(1) << 51, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_init(~UINT64_C(0), 0, 0), -XEN_EINVAL);
	/* None of that has switched the domain. */
	EXPECT_EQUAL(fifo_expand(), -XEN_EOPNOTSUPP);
	EXPECT_EQUAL(try_init(page, 4096 - 72, 0), 0);
	/* Once a vCPU; the others as they come. */
	EXPECT_EQUAL(try_init(page, 0, 0), -XEN_EINVAL);
	if (machine.nr_cpus > 1) {
		EXPECT_EQUAL(try_init(page, 0, machine.nr_cpus - 1), 0);
		EXPECT_EQUAL(try_init(page, 128, machine.nr_cpus - 1), -XEN_EINVAL);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

static void what_init_control_writes(void)
{
	struct evtchn_init_control init = {
		.control_gfn = gfn_of(xen_spare_pages[1]),
		.offset = 128,
		.vcpu = 0,
		.link_bits = 99,
		._pad = {1, 2, 3, 4, 5, 6, 7},
	};
	uint64_t before[512];

	REQUIRE_EQUAL(event_reset(), 0);
	memset(xen_spare_pages[1], 0xa5, PAGE_SIZE);
	memcpy(before, xen_spare_pages[1], sizeof(before));
	REQUIRE_EQUAL(event_op(EVTCHNOP_init_control, &init), 0);
	EXPECT_EQUAL(init.link_bits, 17);
	EXPECT_EQUAL(init.control_gfn, gfn_of(xen_spare_pages[1]));
	EXPECT_EQUAL(init.offset, 128);
	EXPECT_EQUAL(init.vcpu, 0);
	EXPECT(init._pad[0] == 1 && init._pad[6] == 7);
	/* The block is the guest's to prepare. */
	EXPECT(memcmp(before, xen_spare_pages[1], sizeof(before)) == 0);
	REQUIRE_EQUAL(event_reset(), 0);
	memset(xen_spare_pages[1], 0, PAGE_SIZE);
}

static void array_has_a_limit(void)
{
	REQUIRE_EQUAL(event_reset(), 0);
	REQUIRE_EQUAL(try_init(gfn_of(xen_spare_pages[1]), 0, 0), 0);
	EXPECT_EQUAL(try_expand(0x30000), -XEN_EINVAL);
	EXPECT_EQUAL(try_expand(machine.gicd >> PAGE_SHIFT), -XEN_EINVAL);
	EXPECT_EQUAL(try_expand(~UINT64_C(0)), -XEN_EINVAL);
	for (unsigned int i = 0; i < 128; i++) {
		int64_t rc = try_expand(gfn_of(xen_spare_pages[2]));

		REQUIRE(rc == 0, "page %u: %ld", i, rc);
	}
	EXPECT_EQUAL(try_expand(gfn_of(xen_spare_pages[2])), -XEN_ENOSPC);
	EXPECT_EQUAL(try_expand(~UINT64_C(0)), -XEN_ENOSPC);
	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(try_expand(gfn_of(xen_spare_pages[2])), -XEN_EOPNOTSUPP);
}

/* A domain's limit of ports is its own, not the ABI's. */
static void all_ports(void)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	unsigned int nr = 0;
	int64_t rc;

	REQUIRE(fifo_start());
	do {
		rc = event_op(EVTCHNOP_alloc_unbound, &alloc);
	} while (rc == 0 && ++nr < 5000);
	EXPECT_EQUAL(rc, -XEN_ENOSPC);
	EXPECT_EQUAL(nr, 1023);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void pending_events_survive_the_switch(void)
{
	uint32_t a, b, c;

	REQUIRE_EQUAL(event_reset(), 0);
	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	a = event_bind_ipi(0);
	b = event_bind_ipi(0);
	c = event_bind_ipi(0);
	event_mask(a);
	event_mask(b);
	event_mask(c);
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(event_send(c), 0);
	memset(xen_spare_pages[1], 0, PAGE_SIZE);
	memset(xen_spare_pages[2], 0, PAGE_SIZE);
	REQUIRE_EQUAL(try_init(gfn_of(xen_spare_pages[1]), 0, 0), 0);
	/* One more without an array. */
	REQUIRE_EQUAL(event_send(b), 0);
	REQUIRE_EQUAL(try_expand(gfn_of(xen_spare_pages[2])), 0);
	{
		const uint32_t *words = (const uint32_t *)xen_spare_pages[2];
		const struct evtchn_fifo_control_block *control =
			(const struct evtchn_fifo_control_block *)xen_spare_pages[1];

		/* By number, whatever came first. */
		EXPECT_EQUAL(words[a], FIFO_PENDING | FIFO_LINKED | b);
		EXPECT_EQUAL(words[b], FIFO_PENDING | FIFO_LINKED | c);
		EXPECT_EQUAL(words[c], FIFO_PENDING | FIFO_LINKED);
		EXPECT_EQUAL(control->head[DEFAULT], a);
		EXPECT_EQUAL(control->ready, 1u << DEFAULT);
	}
	REQUIRE_EQUAL(event_reset(), 0);
	memset(xen_spare_pages[1], 0, PAGE_SIZE);
}

static void reset_returns_to_the_two_level_abi(void)
{
	uint32_t port;

	REQUIRE(fifo_start());
	port = open_port();
	REQUIRE_EQUAL(event_send(port), 0);
	REQUIRE((fifo_words[port] & FIFO_PENDING) != 0);
	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(event_state(port), EVTCHNSTAT_closed);
	EXPECT_EQUAL(fifo_expand(), -XEN_EOPNOTSUPP);
	REQUIRE_EQUAL(event_bind_ipi(0), port);
	fifo_words[port] = 0;
	event_mask(port);
	event_clear_pending(port);
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(fifo_words[port], 0);
	EXPECT(event_is_pending(port));
	event_clear_pending(port);
	/* And again, as often as it likes. */
	for (unsigned int i = 0; i < 20; i++) {
		REQUIRE(fifo_start());
		port = open_port();
		REQUIRE_EQUAL(event_send(port), 0);
		take_upcalls();
		REQUIRE_EQUAL(fifo_times[port], 1);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* ---- delivery --------------------------------------------------------------------------------------- */

static void first_event_of_a_queue(void)
{
	struct evtchn_fifo_control_block *control = fifo_control(0);
	struct vcpu_info *info;
	uint32_t a, b, c;

	REQUIRE(fifo_start());
	info = xen_vcpu_info(0);
	info->evtchn_upcall_pending = 0;
	info->evtchn_pending_sel = 0;
	a = open_port();
	b = open_port();
	c = open_port();
	REQUIRE_EQUAL(event_send(b), 0);
	EXPECT_EQUAL(fifo_words[b], FIFO_PENDING | FIFO_LINKED);
	EXPECT_EQUAL(control->head[DEFAULT], b);
	EXPECT_EQUAL(control->ready, 1u << DEFAULT);
	EXPECT_EQUAL(info->evtchn_upcall_pending, 1);
	/* The 2-level ABI's places have a rest. */
	EXPECT_EQUAL(info->evtchn_pending_sel, 0);
	EXPECT(!event_is_pending(b));
	/* Again: one event. Others: behind it. */
	REQUIRE_EQUAL(event_send(b), 0);
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(event_send(c), 0);
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT_EQUAL(fifo_words[b], FIFO_PENDING | FIFO_LINKED | a);
	EXPECT_EQUAL(fifo_words[a], FIFO_PENDING | FIFO_LINKED | c);
	EXPECT_EQUAL(fifo_words[c], FIFO_PENDING | FIFO_LINKED);
	EXPECT_EQUAL(control->head[DEFAULT], b);
	take_upcalls();
	EXPECT_EQUAL(fifo_upcalls[0], 1);
	REQUIRE_EQUAL(fifo_nr_taken[0], 3);
	EXPECT(fifo_taken[0][0] == b && fifo_taken[0][1] == a && fifo_taken[0][2] == c);
	EXPECT(fifo_words[a] == 0 && fifo_words[b] == 0 && fifo_words[c] == 0);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* The ready bit is an upcall on its way from 0 to 1 only. */
static void ready_bit_asks_for_one_upcall(void)
{
	struct evtchn_fifo_control_block *control = fifo_control(0);
	struct vcpu_info *info;
	uint32_t a, b;

	REQUIRE(fifo_start());
	info = xen_vcpu_info(0);
	a = open_port();
	b = open_port();
	REQUIRE_EQUAL(event_send(a), 0);
	/* Taken out by hand, the bit left: the guest says that it will look. */
	fifo_words[a] = 0;
	info->evtchn_upcall_pending = 0;
	REQUIRE_EQUAL(event_send(b), 0);
	EXPECT_EQUAL(control->head[DEFAULT], b);
	EXPECT_EQUAL(info->evtchn_upcall_pending, 0);
	fifo_words[b] = 0;
	control->ready = 0;
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT_EQUAL(info->evtchn_upcall_pending, 1);
	REQUIRE_EQUAL(event_reset(), 0);
	take_upcalls();
}

static void upcalls_are_delivered(void)
{
	uint32_t a, b;

	REQUIRE(fifo_start());
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	REQUIRE(a != 0 && b != 0);
	/* The end bound last starts pending, here as there. */
	EXPECT_EQUAL(fifo_words[b], FIFO_MASKED | FIFO_PENDING);
	fifo_words[a] = 0;
	irq_enable();
	fifo_unmask(b);
	REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[b]) == 1, 1000));
	for (uint32_t i = 1; i <= 100; i++) {
		REQUIRE_EQUAL(event_send(b), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[a]) == i, 1000), "event %u", i);
		REQUIRE_EQUAL(event_send(a), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[b]) == i + 1, 1000), "event %u", i);
	}
	irq_disable();
	REQUIRE_EQUAL(event_reset(), 0);
}

static void masked_event_waits(void)
{
	struct evtchn_fifo_control_block *control = fifo_control(0);
	uint32_t port, other;

	REQUIRE(fifo_start());
	port = open_port();
	other = open_port();
	fifo_mask(port);
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(fifo_words[port], FIFO_PENDING | FIFO_MASKED);
	EXPECT_EQUAL(control->ready, 0);
	irq_enable();
	delay_us(200);
	EXPECT_EQUAL(fifo_times[port], 0);
	REQUIRE_EQUAL(event_unmask(port), 0);
	REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[port]) == 1, 1000));
	irq_disable();
	EXPECT_EQUAL(fifo_words[port], 0);
	/* With nothing pending the operation only clears the bit, and it may be clear already. */
	fifo_mask(port);
	REQUIRE_EQUAL(event_unmask(port), 0);
	REQUIRE_EQUAL(event_unmask(port), 0);
	EXPECT_EQUAL(fifo_words[port], 0);
	/* Masked in the queue it is passed over, and comes when it is unmasked. */
	REQUIRE_EQUAL(event_send(port), 0);
	REQUIRE_EQUAL(event_send(other), 0);
	fifo_mask(port);
	take_upcalls();
	EXPECT_EQUAL(fifo_times[port], 1);
	EXPECT_EQUAL(fifo_times[other], 1);
	EXPECT_EQUAL(fifo_words[port], FIFO_PENDING | FIFO_MASKED);
	fifo_unmask(port);
	take_upcalls();
	EXPECT_EQUAL(fifo_times[port], 2);
	EXPECT_EQUAL(event_unmask(1000000), -XEN_EINVAL);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void priorities(void)
{
	struct evtchn_fifo_control_block *control = fifo_control(0);
	uint32_t port[EVTCHN_FIFO_MAX_QUEUES];

	REQUIRE(fifo_start());
	for (uint32_t i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
		port[i] = open_port();
		REQUIRE_EQUAL(fifo_set_priority(port[i], EVTCHN_FIFO_PRIORITY_MIN - i), 0);
	}
	EXPECT_EQUAL(fifo_set_priority(port[0], 16), -XEN_EINVAL);
	EXPECT_EQUAL(fifo_set_priority(port[0], 0xffffffff), -XEN_EINVAL);
	EXPECT_EQUAL(fifo_set_priority(1000000, 0), -XEN_EINVAL);
	EXPECT_EQUAL(fifo_set_priority(port[15] + 1, 0), -XEN_EACCES);
	/* The port is looked at before the priority. */
	EXPECT_EQUAL(fifo_set_priority(port[15] + 1, 99), -XEN_EACCES);
	EXPECT_EQUAL(fifo_set_priority(0, 0), -XEN_EACCES);
	for (uint32_t i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
		REQUIRE_EQUAL(event_send(port[i]), 0);
		EXPECT_EQUAL(control->head[EVTCHN_FIFO_PRIORITY_MIN - i], port[i]);
	}
	EXPECT_EQUAL(control->ready, 0xffff);
	take_upcalls();
	EXPECT_EQUAL(fifo_upcalls[0], 1);
	REQUIRE_EQUAL(fifo_nr_taken[0], 16);
	for (uint32_t i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
		EXPECT_EQUAL(fifo_taken[0][i], port[15 - i]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* An event in a queue stays there; its next one is in the other queue. */
static void change_of_priority(void)
{
	struct evtchn_fifo_control_block *control = fifo_control(0);
	uint32_t a, b, c;

	REQUIRE(fifo_start());
	a = open_port();
	b = open_port();
	c = open_port();
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(fifo_set_priority(a, 3), 0);
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT_EQUAL(control->head[3], 0);
	EXPECT_EQUAL(fifo_words[a], FIFO_PENDING | FIFO_LINKED);
	take_upcalls();
	REQUIRE_EQUAL(fifo_times[a], 1);
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT_EQUAL(control->head[3], a);
	/* The queue that it was the last of is empty: not linked behind it. */
	REQUIRE_EQUAL(event_send(b), 0);
	EXPECT_EQUAL(control->head[DEFAULT], b);
	EXPECT_EQUAL(fifo_words[a], FIFO_PENDING | FIFO_LINKED);
	REQUIRE_EQUAL(fifo_set_priority(c, 3), 0);
	REQUIRE_EQUAL(event_send(c), 0);
	EXPECT_EQUAL(fifo_words[a], FIFO_PENDING | FIFO_LINKED | c);
	take_upcalls();
	EXPECT(fifo_times[a] == 2 && fifo_times[b] == 1 && fifo_times[c] == 1);
	/* A new binding has the default again. */
	REQUIRE_EQUAL(event_close(a), 0);
	REQUIRE_EQUAL(event_bind_ipi(0), a);
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT_EQUAL(control->head[DEFAULT], a);
	REQUIRE_EQUAL(event_reset(), 0);
	take_upcalls();
}

static void closed_port_in_a_queue(void)
{
	uint32_t a, b, c;

	REQUIRE(fifo_start());
	a = open_port();
	b = open_port();
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(event_send(b), 0);
	REQUIRE_EQUAL(event_close(a), 0);
	/* Not pending any more, still in the queue, and so not to be had. */
	EXPECT_EQUAL(fifo_words[a], FIFO_LINKED | b);
	EXPECT_EQUAL(event_state(a), EVTCHNSTAT_closed);
	c = event_bind_ipi(0);
	EXPECT(c != a && c != 0);
	take_upcalls();
	EXPECT(fifo_times[a] == 0 && fifo_times[b] == 1);
	EXPECT_EQUAL(event_bind_ipi(0), a);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* A port beyond the pages of the array. */
static void port_without_a_word(void)
{
	uint32_t port;

	REQUIRE_EQUAL(event_reset(), 0);
	memset(xen_spare_pages[1], 0, PAGE_SIZE);
	memset(xen_spare_pages[2], 0, PAGE_SIZE);
	REQUIRE_EQUAL(try_init(gfn_of(xen_spare_pages[1]), 0, 0), 0);
	port = event_bind_ipi(0);
	REQUIRE(port != 0);
	EXPECT_EQUAL(event_unmask(port), 0);
	EXPECT_EQUAL(fifo_set_priority(port, 2), 0);
	EXPECT_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(event_send(port), 0);
	REQUIRE_EQUAL(try_expand(gfn_of(xen_spare_pages[2])), 0);
	EXPECT_EQUAL(((uint32_t *)xen_spare_pages[2])[port], FIFO_PENDING | FIFO_LINKED);
	EXPECT_EQUAL(((struct evtchn_fifo_control_block *)xen_spare_pages[1])->head[2], port);
	REQUIRE_EQUAL(event_reset(), 0);
	memset(xen_spare_pages[1], 0, PAGE_SIZE);
}

static void polling(void)
{
	evtchn_port_t port;
	struct sched_poll poll = {.nr_ports = 1};

	REQUIRE(fifo_start());
	port = open_port();
	fifo_mask(port);
	set_xen_guest_handle(poll.ports, &port);
	REQUIRE_EQUAL(event_send(port), 0);
	/* Masked and pending: at once, with no time limit. */
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), 0);
	fifo_words[port] = FIFO_MASKED;
	poll.timeout = 1;
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), 0);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* ---- several vCPUs ------------------------------------------------------------------------------------ */

static void ipis_between_vcpus(void)
{
	uint32_t port[GUEST_MAX_CPUS];

	REQUIRE(fifo_start());
	REQUIRE(event_listeners_start(machine.nr_cpus - 1, false));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		port[i] = event_bind_ipi(i);
		fifo_words[port[i]] = 0;
	}
	for (uint32_t round = 1; round <= 50; round++) {
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			REQUIRE_EQUAL(event_send(port[i]), 0);
			REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[port[i]]) == round, 3000),
				"vCPU %u, round %u", i, round);
		}
	}
	REQUIRE(event_listeners_stop(machine.nr_cpus - 1));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		EXPECT_EQUAL(fifo_taken[i][0], port[i]);
		EXPECT_EQUAL(fifo_taken[i][49], port[i]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* The event goes round the vCPUs, each time as the only, or the last, one of its queue. */
static void event_moves_round_the_vcpus(void)
{
	uint32_t a, b, ipi[GUEST_MAX_CPUS];

	REQUIRE(fifo_start());
	REQUIRE(event_listeners_start(machine.nr_cpus - 1, false));
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	fifo_words[b] = 0;
	irq_enable();
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		ipi[i] = event_bind_ipi(i);
		fifo_words[ipi[i]] = 0;
	}
	for (uint32_t round = 1; round <= 200; round++) {
		unsigned int to = round % machine.nr_cpus, from = (round - 1) % machine.nr_cpus;

		REQUIRE_EQUAL(event_bind_vcpu(b, to), 0);
		if (round % 3 == 0) {
			REQUIRE_EQUAL(fifo_set_priority(b, round % 16), 0);
		}
		REQUIRE_EQUAL(event_send(ipi[to]), 0);
		REQUIRE_EQUAL(event_send(a), 0);
		REQUIRE_EQUAL(event_send(ipi[from]), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[b]) == round, 3000), "round %u", round);
		REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_words[ipi[to]]) == 0 &&
					   READ_ONCE(fifo_words[ipi[from]]) == 0,
				   3000),
			"round %u, vCPUs %u and %u", round, from, to);
	}
	irq_disable();
	REQUIRE(event_listeners_stop(machine.nr_cpus - 1));
	REQUIRE_EQUAL(event_reset(), 0);
}

static uint32_t storm_ports[4], storm_sent[FIFO_NR_PORTS];
/* vCPUs that have done their part; in scribbling(), that it is over. */
static uint32_t quit;

/* Sends, masks, unmasks and changes priorities while the first vCPU takes. */
static void storm(uint64_t seed)
{
	uint32_t random = (uint32_t)seed * 2654435761u + 1;

	for (unsigned int i = 0; i < 3000; i++) {
		uint32_t port;

		random = random * 1664525u + 1013904223u;
		port = storm_ports[random >> 10 & 3];
		switch (random >> 28) {
		case 0:
			fifo_mask(port);
			break;
		case 1:
		case 2:
			fifo_unmask(port);
			break;
		case 3:
			fifo_set_priority(port, random >> 20 & 15);
			break;
		default:
			__atomic_fetch_add(&storm_sent[port], 1, __ATOMIC_ACQ_REL);
			event_send(port);
			break;
		}
	}
	__atomic_fetch_add(&quit, 1, __ATOMIC_ACQ_REL);
}

static void storm_from_all_vcpus(void)
{
	REQUIRE(fifo_start());
	memset(storm_sent, 0, sizeof(storm_sent));
	for (unsigned int i = 0; i < ARRAY_SIZE(storm_ports); i++) {
		storm_ports[i] = open_port();
	}
	quit = 0;
	irq_enable();
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, storm, i));
	}
	REQUIRE(WAIT_UNTIL(READ_ONCE(quit) == machine.nr_cpus - 1, 20000));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(storm_ports); i++) {
		fifo_unmask(storm_ports[i]);
	}
	delay_us(5000);
	irq_disable();
	for (unsigned int i = 0; i < ARRAY_SIZE(storm_ports); i++) {
		uint32_t port = storm_ports[i];

		/* Nothing is left, and the last one of each was taken after it was sent. */
		EXPECT(fifo_words[port] == 0, "port %u: %#x", port, fifo_words[port]);
		EXPECT(fifo_times[port] > 0 && fifo_times[port] <= storm_sent[port],
		       "port %u: %u of %u", port, fifo_times[port], storm_sent[port]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* ---- a guest that does not keep to the rules ------------------------------------------------------------- */

static uint32_t scribbles;

static void scribble(uint64_t argument)
{
	uint32_t random = 1;

	while (READ_ONCE(quit) == 0) {
		random = random * 1664525u + 1013904223u;
		fifo_words[random >> 8 & 31] = random ^ random << 7;
		fifo_control(0)->head[random >> 4 & 15] = random >> 3;
		fifo_control(0)->ready = random >> 9;
		WRITE_ONCE(scribbles, scribbles + 1);
		relax();
	}
}

/* Words and heads change to anything all the time: whatever is lost, the hypervisor answers. */
static void scribbling(void)
{
	uint32_t port[8], before;

	REQUIRE(fifo_start());
	gic_disable(PPI_UPCALL);
	for (unsigned int i = 0; i < ARRAY_SIZE(port); i++) {
		port[i] = event_bind_ipi(0);
	}
	quit = 0;
	REQUIRE(smp_start(1, scribble, 0));
	REQUIRE(WAIT_UNTIL(READ_ONCE(scribbles) != 0, 3000));
	before = READ_ONCE(scribbles);
	for (unsigned int i = 0; i < 20000; i++) {
		REQUIRE_EQUAL(event_send(port[i % 8]), 0);
		REQUIRE_EQUAL(event_unmask(port[i / 8 % 8]), 0);
		REQUIRE_EQUAL(fifo_set_priority(port[i / 3 % 8], i % 16), 0);
		relax();
	}
	EXPECT(READ_ONCE(scribbles) != before, "it has not scribbled meanwhile");
	WRITE_ONCE(quit, 1);
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(event_reset(), 0);
	memset(fifo_words, 0, sizeof(fifo_words));
	take_upcalls();
}

static void arguments_in_bad_places(void)
{
	struct evtchn_init_control init = {.control_gfn = gfn_of(xen_spare_pages[1]), .vcpu = 99};
	struct evtchn_expand_array expand = {.array_gfn = ~UINT64_C(0)};
	struct evtchn_set_priority priority = {.port = 1, .priority = 1};
	const struct event_place places[] = {
		{EVTCHNOP_init_control, &init, sizeof(init), false, -XEN_ENOENT},
		{EVTCHNOP_expand_array, &expand, sizeof(expand), false, -XEN_EINVAL},
		{EVTCHNOP_set_priority, &priority, sizeof(priority), false, 0},
	};

	REQUIRE(fifo_start());
	REQUIRE_EQUAL(event_bind_ipi(0), 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		event_try_places(&places[i]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
	/* A result that cannot be written: the block is registered all the same, as public/event_channel.h's OUT
	 * parameter is a constant that the guest can do without. */
	REQUIRE(mmu_map_page(mmu_spare_page(0), (uintptr_t)xen_spare_pages[0], MMU_READ_ONLY));
	init.vcpu = 0;
	memcpy(xen_spare_pages[0], &init, sizeof(init));
	EXPECT_EQUAL(event_op(EVTCHNOP_init_control, (void *)mmu_spare_page(0)), -XEN_EFAULT);
	EXPECT_EQUAL(event_op(EVTCHNOP_init_control, &init), -XEN_EINVAL);
	mmu_map_page(mmu_spare_page(0), 0, MMU_UNMAPPED);
	REQUIRE_EQUAL(event_reset(), 0);
}

const struct guest_case guest_cases[] = {
	CASE(before_the_first_control_block),
	CASE(bad_control_blocks),
	CASE(what_init_control_writes),
	CASE(array_has_a_limit),
	CASE(all_ports),
	CASE(pending_events_survive_the_switch),
	CASE(reset_returns_to_the_two_level_abi),
	CASE(first_event_of_a_queue),
	CASE(ready_bit_asks_for_one_upcall),
	CASE(upcalls_are_delivered),
	CASE(masked_event_waits),
	CASE(priorities),
	CASE(change_of_priority),
	CASE(closed_port_in_a_queue),
	CASE(port_without_a_word),
	CASE(polling),
	CASE(ipis_between_vcpus, .min_cpus = 2),
	CASE(event_moves_round_the_vcpus, .min_cpus = 2),
	CASE(storm_from_all_vcpus, .min_cpus = 2),
	CASE(scribbling, .min_cpus = 2),
	CASE(arguments_in_bad_places),
	CASE_END,
};
