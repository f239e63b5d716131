/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI: its setup, each step of delivery as the guest's memory shows it, and random work against a
 * model of a guest that takes events as Linux does. event_test.c has what does not depend on the ABI.
 */
#include "arm64/cpu_work.h"
#include "event/event.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "event/event_internal.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

#define PENDING      0x80000000u
#define MASKED       0x40000000u
#define LINKED       0x20000000u
#define BUSY         0x10000000u
#define LINK         0x0001ffffu

/* Pages of domu: the control blocks of its vCPUs in the first, and the first ones of its event array. */
#define CONTROL_PAGE 2
#define ARRAY_PAGE   3
#define CONTROL_GFN  100
#define ARRAY_GFN    101
#define CONTROL_SIZE 80

static struct domain *dom0, *domu, *other;

static int set_up(void **state)
{
	(void)state;
	fake_hypervisor_reset();
	policy_set_silo(true);
	dom0 = fake_domain_create(0);
	domu = fake_domain_create(1);
	other = fake_domain_create(2);
	for (unsigned int i = 0; i < 5; i++) {
		fake_give_page(domu, CONTROL_PAGE + i, CONTROL_GFN + i);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_hypervisor_check_leaks();
	return 0;
}

static struct evtchn_fifo_control_block *control(unsigned int vcpu)
{
	return (struct evtchn_fifo_control_block *)((char *)fake_page(CONTROL_PAGE) +
						    vcpu * CONTROL_SIZE);
}

static uint32_t *word(uint32_t port)
{
	return (uint32_t *)fake_page(ARRAY_PAGE + port / 1024) + port % 1024;
}

static int expand(uint64_t g)
{
	uint32_t from = 0;
	int ret = event_fifo_expand_array(domu, gfn(g));

	return ret == 0 ? event_fifo_resend(domu, &from) : ret;
}

static void init_control(unsigned int vcpu)
{
	assert_int_equal(event_fifo_init_control(domu, vcpu, gfn(CONTROL_GFN), vcpu * CONTROL_SIZE),
			 0);
}

static void use_fifo(void)
{
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		init_control(i);
	}
	assert_int_equal(expand(ARRAY_GFN), 0);
}

/* Ports 1 to nr, IPIs of a vCPU. */
static void bind_ipis(unsigned int nr, unsigned int vcpu)
{
	uint32_t port;

	for (unsigned int i = 1; i <= nr; i++) {
		assert_int_equal(event_bind_ipi(domu, vcpu, &port), 0);
	}
}

/* ---- setup ------------------------------------------------------------------------------------ */

static void first_control_block_switches_the_domain(void **state)
{
	(void)state;
	assert_null(domu->event.fifo);
	assert_int_equal(expand(ARRAY_GFN), -XEN_EOPNOTSUPP);
	init_control(0);
	assert_non_null(domu->event.fifo);
	assert_int_equal(fake_extra_refs(CONTROL_PAGE), 1);
	/* Once a vCPU, of which some may follow later. */
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), 0), -XEN_EINVAL);
	assert_int_equal(fake_extra_refs(CONTROL_PAGE), 1);
	init_control(2);
	assert_int_equal(fake_extra_refs(CONTROL_PAGE), 2);
	/* The others stay what they are. */
	assert_null(dom0->event.fifo);
}

static void bad_control_blocks(void **state)
{
	(void)state;
	fake_give_page(other, 20, 200);
	fake_map(domu, 201, mfn(FAKE_MFN(20)), STAGE2_FOREIGN_RW);
	fake_map(domu, 202, mfn(0x9000), STAGE2_DEVICE);
	fake_map(domu, 203, mfn(FAKE_MFN(ARRAY_PAGE)), STAGE2_SHARED);
	assert_int_equal(event_fifo_init_control(domu, FAKE_NR_VCPUS, gfn(CONTROL_GFN), 0),
			 -XEN_ENOENT);
	assert_int_equal(event_fifo_init_control(domu, UINT32_MAX, gfn(CONTROL_GFN), 0),
			 -XEN_ENOENT);
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), 4096 - 71), -XEN_EINVAL);
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), UINT32_MAX),
			 -XEN_EINVAL);
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), 4), -XEN_EINVAL);
	for (uint64_t g = 200; g < 204; g++) {
		assert_int_equal(event_fifo_init_control(domu, 0, gfn(g), 0), -XEN_EINVAL);
	}
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(UINT64_MAX), 0), -XEN_EINVAL);
	/* A mapping, then the page that there is one of a domain. */
	for (unsigned int left = 0; left < 2; left++) {
		fake_allocations_left = left;
		assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), 0), -XEN_ENOMEM);
	}
	assert_null(domu->event.fifo);
	assert_int_equal(fake_extra_refs(CONTROL_PAGE), 0);
	fake_allocations_left = 2;
	assert_int_equal(event_fifo_init_control(domu, 0, gfn(CONTROL_GFN), 4096 - 72), 0);
}

static void array_grows_to_its_limit(void **state)
{
	(void)state;
	init_control(0);
	assert_int_equal(expand(99), -XEN_EINVAL);
	fake_allocations_left = 0;
	assert_int_equal(expand(ARRAY_GFN), -XEN_ENOMEM);
	fake_allocations_left = 1000;
	for (unsigned int i = 0; i < 128; i++) {
		/* One page many times: its guest's business. */
		assert_int_equal(expand(ARRAY_GFN), 0);
	}
	assert_int_equal(expand(ARRAY_GFN), -XEN_ENOSPC);
	assert_int_equal(expand(99), -XEN_ENOSPC);
	assert_int_equal(fake_extra_refs(ARRAY_PAGE), 128);
}

static void all_ports_of_the_fifo_abi(void **state)
{
	uint32_t port;

	(void)state;
	event_domain_fini(domu);
	assert_int_equal(event_domain_init(domu, UINT32_MAX), 0);
	init_control(0);
	for (uint32_t i = 1; i < EVENT_FIFO_NR_PORTS; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(event_bind_ipi(domu, 0, &port), -XEN_ENOSPC);
	assert_int_equal(event_close(domu, 100000), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
	assert_int_equal(port, 100000);
	/* Beyond 16 bits the VIRQ still knows its port. */
	event_raise_virq(domu->vcpu[1], VIRQ_TIMER);
	assert_true(event_fifo_is_kept(event_port_of(domu, 100000)));
	assert_int_equal(event_close(domu, 100000), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
}

static void pending_events_survive_the_switch(void **state)
{
	(void)state;
	bind_ipis(200, 0);
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(event_send(domu, 64), 0);
	assert_int_equal(event_send(domu, 200), 0);
	/* Of no port, free or without an entry: what a guest writes there is not believed. */
	domu->shared_info->evtchn_pending[3] |= BIT64(58);
	domu->shared_info->evtchn_pending[63] = UINT64_MAX;
	init_control(0);
	/* One that comes before the array does. */
	assert_int_equal(event_send(domu, 7), 0);
	*word(64) = MASKED;
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(control(0)->ready, 1 << 7);
	assert_int_equal(control(0)->head[7], 3);
	assert_int_equal(*word(3), PENDING | LINKED | 7);
	assert_int_equal(*word(7), PENDING | LINKED | 200);
	assert_int_equal(*word(200), PENDING | LINKED);
	assert_int_equal(*word(64), PENDING | MASKED);
	for (uint32_t port = 0; port < 1024; port++) {
		assert_true(*word(port) == 0 || port == 3 || port == 7 || port == 64 || port == 200);
	}
}

static void event_of_a_closed_port_is_not_kept(void **state)
{
	uint32_t port;

	(void)state;
	init_control(0);
	bind_ipis(2, 0);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(event_close(domu, 1), 0);
	assert_int_equal(event_close(domu, 2), 0);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(*word(1), 0);
	assert_int_equal(*word(2), 0);
}

/* A sender that has looked at the 2-level ABI's words when the domain switches. */
static void sender_that_misses_the_switch_sends_again(void **state)
{
	bind_ipis(1, 0);
	use_fifo();
	(void)state;
	event_2l_set_pending(domu, event_port_of(domu, 1), 1);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(fake_record.pulses[0], 1);
}

static void interrupted_resend_goes_on(void **state)
{
	uint32_t from = 0, steps = 0;
	int ret;

	(void)state;
	init_control(0);
	bind_ipis(1000, 0);
	for (uint32_t port = 1; port <= 1000; port++) {
		assert_int_equal(event_send(domu, port), 0);
	}
	assert_int_equal(event_fifo_expand_array(domu, gfn(ARRAY_GFN)), 0);
	assert_false(event_fifo_is_resending(domu, 0));
	fake_machine_interrupt_after(0);
	do {
		ret = event_fifo_resend(domu, &from);
		assert_true(ret == 0 || event_fifo_is_resending(domu, from));
		steps++;
	} while (ret == -XEN_ERESTART);
	assert_int_equal(ret, 0);
	assert_in_range(steps, 10, 17);
	for (uint32_t port = 1; port <= 1000; port++) {
		assert_int_equal(*word(port), PENDING | LINKED | (port < 1000 ? port + 1 : 0));
	}
	assert_int_equal(fake_record.pulses[0], 1);
	assert_false(event_fifo_is_resending(domu, 1025));
	assert_false(event_fifo_is_resending(dom0, 1));
}

static unsigned int nr_polls;

/* What another CPU does between two batches: a port ahead is closed, the array grows, all is reset and begun anew. */
static void change_meanwhile(void)
{
	assert_false(spin_is_mine(&domu->event.lock));
	switch (nr_polls++) {
	case 1:
		assert_int_equal(event_close(domu, 700), 0);
		assert_int_equal(event_fifo_expand_array(domu, gfn(ARRAY_GFN + 1)), 0);
		break;
	case 3:
		fake_machine_set_poll_hook(NULL);
		assert_int_equal(event_reset(domu), 0);
		init_control(0);
		bind_ipis(2, 0);
		assert_int_equal(event_send(domu, 2), 0);
		break;
	}
}

static void resend_lets_others_in(void **state)
{
	uint32_t from = 0;

	(void)state;
	init_control(0);
	bind_ipis(1000, 0);
	for (uint32_t port = 1; port <= 1000; port++) {
		assert_int_equal(event_send(domu, port), 0);
	}
	assert_int_equal(event_fifo_expand_array(domu, gfn(ARRAY_GFN)), 0);
	nr_polls = 0;
	fake_machine_set_poll_hook(change_meanwhile);
	assert_int_equal(event_fifo_resend(domu, &from), 0);
	assert_int_equal(nr_polls, 4);
	/* What had been resent is in the page, which the domain has back; of the rest there is nothing. */
	assert_int_equal(*word(1) & ~LINK, LINKED);
	assert_int_equal(*word(255) & ~LINK, LINKED);
	assert_int_equal(*word(256), 0);
	/* The new array's first page takes what came since. */
	assert_true(event_fifo_is_kept(event_port_of(domu, 2)));
	memset(fake_page(ARRAY_PAGE), 0, 4096);
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(*word(2), PENDING | LINKED);
	assert_int_equal(*word(700), 0);
}

static void resend_ends_a_stretch_for_what_the_cpu_has_to_do(void **state)
{
	uint32_t from = 0;

	(void)state;
	init_control(0);
	bind_ipis(200, 0);
	assert_int_equal(event_send(domu, 200), 0);
	assert_int_equal(event_fifo_expand_array(domu, gfn(ARRAY_GFN)), 0);
	this_cpu(cpu_work).resched = true;
	assert_int_equal(event_fifo_resend(domu, &from), -XEN_ERESTART);
	assert_true(from > 0 && from < 200);
	this_cpu(cpu_work).any = 0;
	assert_int_equal(event_fifo_resend(domu, &from), 0);
}

/* S3: each event that is sent goes through all pollers. */
static void resend_is_interrupted_after_each_event_while_somebody_polls(void **state)
{
	uint32_t from = 0, steps = 0, quiet = 11;

	(void)state;
	init_control(0);
	bind_ipis(11, 0);
	for (uint32_t port = 1; port <= 10; port++) {
		assert_int_equal(event_send(domu, port), 0);
	}
	fake_set_current(domu->vcpu[1]);
	assert_int_equal(event_poll(domu->vcpu[1], &quiet, 1, 0), 0);
	assert_int_equal(event_fifo_expand_array(domu, gfn(ARRAY_GFN)), 0);
	fake_machine_interrupt_after(0);
	while (event_fifo_resend(domu, &from) == -XEN_ERESTART) {
		steps++;
		assert_true(steps > 10 || from == steps + 1);
	}
	assert_true(steps >= 10);
}

static void reset_returns_to_the_two_level_abi(void **state)
{
	(void)state;
	use_fifo();
	bind_ipis(5, 1);
	assert_int_equal(event_send(domu, 5), 0);
	assert_int_equal(event_reset(domu), 0);
	assert_null(domu->event.fifo);
	assert_int_equal(fake_extra_refs(CONTROL_PAGE), 0);
	assert_int_equal(fake_extra_refs(ARRAY_PAGE), 0);
	bind_ipis(5, 1);
	assert_int_equal(event_send(domu, 5), 0);
	assert_int_equal(domu->shared_info->evtchn_pending[0], 1 << 5);
	/* And to the FIFO again, from nothing, whatever is in the pages from the last time. */
	assert_int_equal(*word(5), LINKED);
	control(1)->ready = 0;
	use_fifo();
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(control(1)->head[7], 3);
	assert_int_equal(*word(5), PENDING | LINKED);
	assert_int_equal(*word(3), PENDING | LINKED);
}

static void reset_gives_frames_back_in_steps(void **state)
{
	unsigned int steps = 0;
	int ret;

	(void)state;
	use_fifo();
	bind_ipis(5, 1);
	fake_machine_interrupt_after(0);
	do {
		ret = event_reset(domu);
		steps++;
	} while (ret == -XEN_ERESTART && steps < 100);
	assert_int_equal(ret, 0);
	/* Ports, then three control blocks and a page of the array. */
	assert_in_range(steps, 5, 40);
	assert_null(domu->event.fifo_retired);
}

/* ---- delivery --------------------------------------------------------------------------------- */

static void send_links_and_interrupts_once(void **state)
{
	(void)state;
	use_fifo();
	bind_ipis(3, 1);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(*word(2), PENDING | LINKED);
	assert_int_equal(control(1)->head[7], 2);
	assert_int_equal(control(1)->ready, 1 << 7);
	assert_int_equal(domu->vcpu[1]->event.info->evtchn_upcall_pending, 1);
	assert_int_equal(fake_record.pulses[1], 1);
	assert_int_equal(fake_record.last_pulse_intid, 31);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(*word(2), PENDING | LINKED | 3);
	assert_int_equal(*word(3), PENDING | LINKED | 1);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(control(1)->head[7], 2);
	assert_int_equal(fake_record.pulses[1], 1);
	/* The 2-level ABI's place is left alone. */
	assert_int_equal(domu->shared_info->evtchn_pending[0], 0);
	assert_int_equal(domu->vcpu[1]->event.info->evtchn_pending_sel, 0);
	/* A guest that has not looked at the ready bit yet needs no other upcall. */
	domu->vcpu[1]->event.info->evtchn_upcall_pending = 0;
	*word(1) = *word(2) = *word(3) = 0;
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(control(1)->head[7], 3);
	assert_int_equal(fake_record.pulses[1], 1);
}

static void masked_event_waits_for_unmask(void **state)
{
	(void)state;
	use_fifo();
	bind_ipis(2, 0);
	*word(1) = MASKED;
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(*word(1), PENDING | MASKED);
	assert_int_equal(control(0)->ready, 0);
	assert_int_equal(fake_record.pulses[0], 0);
	assert_int_equal(event_unmask(domu, 1), 0);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(control(0)->head[7], 1);
	assert_int_equal(fake_record.pulses[0], 1);
	/* With nothing pending it is only unmasked. */
	*word(2) = MASKED;
	assert_int_equal(event_unmask(domu, 2), 0);
	assert_int_equal(*word(2), 0);
	/* A port without a word, and one that is free. */
	assert_int_equal(event_unmask(domu, 200), 0);
	*word(3) = MASKED;
	assert_int_equal(event_unmask(domu, 3), 0);
	assert_int_equal(*word(3), MASKED);
}

/* As the guest does: the first of the queue, whose link it clears. */
static uint32_t take_first(unsigned int vcpu, unsigned int priority)
{
	uint32_t port = control(vcpu)->head[priority];

	control(vcpu)->head[priority] = *word(port) & LINK;
	*word(port) &= ~(LINKED | LINK | PENDING);
	return port;
}

static void emptied_queue_gets_a_new_head(void **state)
{
	(void)state;
	use_fifo();
	bind_ipis(3, 0);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(take_first(0, 7), 1);
	/* The tail is still there. */
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(*word(2), PENDING | LINKED | 1);
	assert_int_equal(take_first(0, 7), 2);
	assert_int_equal(take_first(0, 7), 1);
	control(0)->ready = 0;
	domu->vcpu[0]->event.info->evtchn_upcall_pending = 0;
	/* The same port again, then another: neither is linked to what has been taken out. */
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(control(0)->head[7], 1);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(fake_record.pulses[0], 2);
	assert_int_equal(take_first(0, 7), 1);
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(control(0)->head[7], 3);
	assert_int_equal(*word(1), 0);
}

static void priority_chooses_the_queue(void **state)
{
	(void)state;
	assert_int_equal(event_fifo_set_priority(domu, 1000000, 0), -XEN_EINVAL);
	bind_ipis(4, 0);
	assert_int_equal(event_fifo_set_priority(domu, 1, 0), -XEN_ENOSYS);
	use_fifo();
	assert_int_equal(event_fifo_set_priority(domu, 5, 0), -XEN_EACCES);
	assert_int_equal(event_fifo_set_priority(domu, 0, 0), -XEN_EACCES);
	assert_int_equal(event_fifo_set_priority(domu, 1, 16), -XEN_EINVAL);
	assert_int_equal(event_fifo_set_priority(domu, 1, 0), 0);
	assert_int_equal(event_fifo_set_priority(domu, 2, 15), 0);
	for (uint32_t port = 1; port <= 3; port++) {
		assert_int_equal(event_send(domu, port), 0);
	}
	assert_int_equal(control(0)->head[0], 1);
	assert_int_equal(control(0)->head[15], 2);
	assert_int_equal(control(0)->head[7], 3);
	assert_int_equal(control(0)->ready, 1 << 0 | 1 << 15 | 1 << 7);
	assert_int_equal(fake_record.pulses[0], 1);
	/* In a queue it stays there. */
	assert_int_equal(event_fifo_set_priority(domu, 1, 7), 0);
	assert_int_equal(event_send(domu, 4), 0);
	assert_int_equal(*word(3), PENDING | LINKED | 4);
	assert_int_equal(take_first(0, 0), 1);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(*word(4), PENDING | LINKED | 1);
	/* The next binding begins at the default again. */
	*word(2) = 0;
	assert_int_equal(event_close(domu, 2), 0);
	bind_ipis(1, 0);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(*word(1), PENDING | LINKED | 2);
}

/*
 * The event that was last in the old queue is last in the new one: an event for the old queue must not be put
 * behind it.
 */
static void old_queue_of_a_moved_event_is_empty(void **state)
{
	uint32_t a, b;

	(void)state;
	use_fifo();
	bind_ipis(1, 0);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &a), 0);
	assert_int_equal(event_bind_interdomain(dom0, 1, a, &b), 0);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(take_first(0, 7), a);
	assert_int_equal(event_bind_vcpu(domu, a, 2), 0);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(control(2)->head[7], a);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(control(0)->head[7], 1);
	assert_int_equal(*word(a), PENDING | LINKED);
	/* Still in the queue of vCPU 2 it goes back: the next one finds it nowhere in the way. */
	assert_int_equal(event_bind_vcpu(domu, a, 0), 0);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(take_first(2, 7), a);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(*word(1), PENDING | LINKED | a);
}

static void closed_port_is_not_reused_while_linked(void **state)
{
	uint32_t port;

	(void)state;
	use_fifo();
	bind_ipis(3, 1);
	assert_int_equal(event_send(domu, 2), 0);
	assert_int_equal(event_close(domu, 2), 0);
	assert_int_equal(*word(2), LINKED);
	/* It is in its queue as before. */
	assert_int_equal(event_send(domu, 3), 0);
	assert_int_equal(*word(2), LINKED | 3);
	assert_int_equal(control(1)->head[7], 2);
	assert_int_equal(event_bind_ipi(domu, 1, &port), 0);
	assert_int_equal(port, 4);
	assert_int_equal(take_first(1, 7), 2);
	assert_int_equal(event_bind_ipi(domu, 1, &port), 0);
	assert_int_equal(port, 2);
}

static void guest_that_links_everything_gets_no_port(void **state)
{
	uint32_t port;

	(void)state;
	event_domain_fini(domu);
	assert_int_equal(event_domain_init(domu, UINT32_MAX), 0);
	init_control(0);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(expand(ARRAY_GFN), 0);
	}
	memset(fake_page(ARRAY_PAGE), 0xff, 4096);
	assert_int_equal(event_bind_ipi(domu, 0, &port), -XEN_ENOSPC);
	memset(fake_page(ARRAY_PAGE), 0, 4096);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(port, 1);
}

/* An event for a vCPU without a control block is noted, and comes with the next one or at unmask. */
static void vcpu_without_a_control_block(void **state)
{
	(void)state;
	init_control(0);
	assert_int_equal(expand(ARRAY_GFN), 0);
	bind_ipis(1, 1);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(*word(1), PENDING);
	init_control(1);
	assert_int_equal(event_unmask(domu, 1), 0);
	assert_int_equal(*word(1), PENDING | LINKED);
	assert_int_equal(control(1)->head[7], 1);
}

static void poll_looks_at_the_array(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	uint32_t port = 1;

	(void)state;
	init_control(0);
	init_control(1);
	fake_set_current(v);
	bind_ipis(2, 1);
	/* Before there is an array. */
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(fake_record.wakes[0], 1);
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	*word(1) = MASKED;
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 2);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(fake_record.wakes[0], 2);
	assert_int_equal(event_send(domu, 1), 0);
	assert_int_equal(fake_record.wakes[0], 2);
}

/* Words and control blocks full of everything: nothing but the guest's own events is harmed. */
static void nonsense_in_the_guests_pages(void **state)
{
	uint32_t random = 1;

	(void)state;
	use_fifo();
	bind_ipis(50, 0);
	for (unsigned int turn = 0; turn < 20000; turn++) {
		uint32_t port;

		random = random * 1664525u + 1013904223u;
		port = 1 + (random >> 8) % 50;
		switch ((random >> 24) % 4) {
		case 0:
			*word((random >> 4) % 1024) = random ^ random << 13;
			break;
		case 1:
			control(0)->head[random % 16] = random >> 3;
			control(0)->ready = random >> 1;
			break;
		case 2:
			(void)!event_fifo_set_priority(domu, port, (random >> 16) % 16);
			assert_int_equal(event_unmask(domu, port), 0);
			break;
		default:
			assert_int_equal(event_send(domu, port), 0);
			break;
		}
	}
}

/* ---- a guest that takes events as Linux does ---------------------------------------------------- */

/*
 * What each vCPU's handler has in hand. It is driven by upcalls alone, one access of shared memory a step, so that
 * Tenon's calls can come between any two of them.
 */
struct consumer {
	enum {
		IDLE,
		READ_READY,
		CHOOSE,
		READ_HEAD,
		UNLINK,
		TAKE
	} step;
	unsigned int vcpu, priority;
	uint32_t ready, port, link;
	uint32_t head[16]; /* of each queue; 0: to be read from the control block */
};

#define MODEL_PORTS 24
/* All that have a word: those behind the model's own are bound and closed meanwhile. */
#define NR_WORDS    1024

/* Sent and not yet taken, as the guest may know: sends since the last one taken. */
static uint32_t model_sent[MODEL_PORTS + 1], model_taken[NR_WORDS];

/* Two domains send, so that two locks of senders are not one. */
static struct domain *sender_of(uint32_t port)
{
	return port % 2 == 0 ? other : dom0;
}

static uint32_t peer_of(uint32_t port)
{
	return (port + 1) / 2;
}

static uint32_t clear_bits(uint32_t *at, uint32_t bits)
{
	return __atomic_fetch_and(at, ~bits, __ATOMIC_ACQ_REL);
}

static void consumer_step(struct consumer *c)
{
	struct evtchn_fifo_control_block *block = control(c->vcpu);
	uint8_t *upcall = &domu->vcpu[c->vcpu]->event.info->evtchn_upcall_pending;
	uint32_t old;

	switch (c->step) {
	case IDLE:
		if (__atomic_exchange_n(upcall, 0, __ATOMIC_ACQ_REL) != 0) {
			c->step = READ_READY;
		}
		break;
	case READ_READY:
		c->ready |= __atomic_exchange_n(&block->ready, 0, __ATOMIC_ACQ_REL);
		c->step = CHOOSE;
		break;
	case CHOOSE:
		if (c->ready == 0) {
			c->step = IDLE;
			break;
		}
		c->priority = (unsigned int)__builtin_ctz(c->ready);
		c->port = c->head[c->priority];
		c->step = c->port == 0 ? READ_HEAD : UNLINK;
		break;
	case READ_HEAD:
		c->port = __atomic_load_n(&block->head[c->priority], __ATOMIC_ACQUIRE);
		c->step = UNLINK;
		break;
	case UNLINK:
		old = clear_bits(word(c->port), LINKED | LINK);
		c->link = old & LINK;
		if (c->link == 0) {
			c->ready &= ~(1u << c->priority);
		}
		c->head[c->priority] = c->link;
		c->step = TAKE;
		break;
	case TAKE:
		old = __atomic_load_n(word(c->port), __ATOMIC_ACQUIRE);
		if ((old & PENDING) != 0 && (old & MASKED) == 0) {
			/* Counted first: what is sent from here on may be taken by this clear or come again. */
			__atomic_fetch_add(&model_taken[c->port], 1, __ATOMIC_ACQ_REL);
			clear_bits(word(c->port), PENDING);
		}
		c->step = READ_READY;
		break;
	}
}

static void guest_unmask(uint32_t port)
{
	uint32_t *w = word(port);
	uint32_t expected = __atomic_load_n(w, __ATOMIC_ACQUIRE);

	do {
		expected &= ~BUSY;
	} while (!__atomic_compare_exchange_n(w, &expected, expected & ~MASKED, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	if ((expected & PENDING) != 0) {
		assert_int_equal(event_unmask(domu, port), 0);
	}
}

static bool all_idle(const struct consumer *c)
{
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		if (c[i].step != IDLE || domu->vcpu[i]->event.info->evtchn_upcall_pending != 0) {
			return false;
		}
	}
	return true;
}

/* Nothing more comes: all handlers run until no upcall is left, and then no event may be. */
static void drain_and_check(struct consumer *c)
{
	for (uint32_t port = 1; port <= MODEL_PORTS; port++) {
		guest_unmask(port);
	}
	for (unsigned int steps = 0; !all_idle(c); steps++) {
		assert_true(steps < 100000);
		for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
			consumer_step(&c[i]);
		}
	}
	for (uint32_t port = 1; port < NR_WORDS; port++) {
		assert_int_equal(*word(port), 0);
	}
}

static void set_up_model(struct consumer *c)
{
	uint32_t port, peer;

	policy_set_silo(false);
	use_fifo();
	memset(model_sent, 0, sizeof(model_sent));
	memset(model_taken, 0, sizeof(model_taken));
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		c[i] = (struct consumer){.vcpu = i};
	}
	for (uint32_t i = 1; i <= MODEL_PORTS; i++) {
		struct domain *d = sender_of(i);

		assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, d->id, &port), 0);
		assert_int_equal(event_bind_interdomain(d, 1, port, &peer), 0);
		assert_int_equal(port, i);
		assert_int_equal(peer, peer_of(i));
	}
}

/*
 * Any interleaving of a guest's accesses with Tenon's calls, each of which is whole: what is sent is taken once, by
 * upcalls alone.
 */
static void no_event_is_lost_or_comes_twice(void **state)
{
	static struct consumer c[FAKE_NR_VCPUS];
	uint64_t random = 88172645463325252;

	(void)state;
	set_up_model(c);
	for (unsigned int turn = 0; turn < 400000; turn++) {
		uint32_t port, taken;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		port = 1 + (uint32_t)(random >> 8) % MODEL_PORTS;
		taken = model_taken[port];
		switch ((random >> 40) % 16) {
		case 0:
		case 1:
		case 2:
			/* Pending already, or kept back by a mask, it is one and the same event. */
			if ((*word(port) & PENDING) == 0) {
				model_sent[port]++;
			}
			assert_int_equal(event_send(sender_of(port), peer_of(port)), 0);
			break;
		case 3:
			*word(port) |= MASKED;
			break;
		case 4:
			guest_unmask(port);
			break;
		case 5:
			assert_int_equal(event_fifo_set_priority(domu, port, (random >> 50) % 16),
					 0);
			break;
		case 6:
			assert_int_equal(event_bind_vcpu(domu, port, (random >> 50) % FAKE_NR_VCPUS),
					 0);
			break;
		default:
			consumer_step(&c[(random >> 50) % FAKE_NR_VCPUS]);
			break;
		}
		assert_true(model_taken[port] - taken <= 1);
		assert_true(model_taken[port] <= model_sent[port]);
		if (turn % 20000 == 0) {
			drain_and_check(c);
			for (port = 1; port <= MODEL_PORTS; port++) {
				assert_int_equal(model_taken[port], model_sent[port]);
			}
		}
	}
	drain_and_check(c);
	assert_int_equal(fake_record.guest_messages, 0);
}

/* ---- several CPUs ------------------------------------------------------------------------------- */

#define NR_SENDS 60000

static bool senders_done;

static void *send_many(void *cpu)
{
	uint32_t random = (uint32_t)(uintptr_t)cpu * 2654435761u + 1;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (unsigned int i = 0; i < NR_SENDS; i++) {
		uint32_t port;

		random = random * 1664525u + 1013904223u;
		/* Each CPU sends as another domain. */
		port = 1 + (random >> 12) % (MODEL_PORTS / 2) * 2 + (uint32_t)(uintptr_t)cpu;
		__atomic_fetch_add(&model_sent[port], 1, __ATOMIC_ACQ_REL);
		if (event_send(sender_of(port), peer_of(port)) != 0) {
			return (void *)"send";
		}
		/* Few queues, so that most tails are in the way of others. */
		if (random >> 24 < 8 &&
		    event_fifo_set_priority(domu, port, 7 + (random >> 20 & 1)) != 0) {
			return (void *)"priority";
		}
		if (random >> 24 < 4 && event_bind_vcpu(domu, port, random >> 20 & 1) != 0) {
			return (void *)"vcpu";
		}
	}
	return NULL;
}

static void *take_many(void *consumer)
{
	struct consumer *c = consumer;

	fake_machine_set_cpu(2 + c->vcpu);
	while (!__atomic_load_n(&senders_done, __ATOMIC_ACQUIRE)) {
		consumer_step(c);
	}
	return NULL;
}

static void *mask_and_unmask(void *cpu)
{
	uint32_t random = 12345;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	while (!__atomic_load_n(&senders_done, __ATOMIC_ACQUIRE)) {
		uint32_t port;

		random = random * 1664525u + 1013904223u;
		port = 1 + (random >> 12) % MODEL_PORTS;
		if ((random >> 24) % 2 == 0) {
			__atomic_fetch_or(word(port), MASKED, __ATOMIC_ACQ_REL);
		} else {
			guest_unmask(port);
		}
	}
	return NULL;
}

/* A vCPU of the guest that closes ports while they are in a queue, often as its tail, and binds others. */
static void *bind_and_close(void *cpu)
{
	uint32_t vcpu = 0;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	while (!__atomic_load_n(&senders_done, __ATOMIC_ACQUIRE)) {
		uint32_t port;
		int ret = event_bind_ipi(domu, vcpu, &port);

		if (ret == -XEN_ENOSPC) {
			usleep(100); /* too many wait in queues */
			continue;
		}
		if (ret != 0 || event_send(domu, port) != 0 || event_close(domu, port) != 0) {
			return (void *)"bind, send or close";
		}
		vcpu ^= 1;
	}
	return NULL;
}

static void no_event_is_lost_whatever_cpus_do_at_once(void **state)
{
	static struct consumer c[FAKE_NR_VCPUS];
	pthread_t senders[2], takers[2], masker, closer;
	void *complaint;

	(void)state;
	set_up_model(c);
	senders_done = false;
	for (uintptr_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&senders[i], NULL, send_many, (void *)i), 0);
		assert_int_equal(pthread_create(&takers[i], NULL, take_many, &c[i]), 0);
	}
	assert_int_equal(pthread_create(&masker, NULL, mask_and_unmask, (void *)(uintptr_t)4), 0);
	assert_int_equal(pthread_create(&closer, NULL, bind_and_close, (void *)(uintptr_t)5), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(senders[i], &complaint), 0);
		assert_null(complaint);
	}
	__atomic_store_n(&senders_done, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(takers[i], NULL), 0);
	}
	assert_int_equal(pthread_join(masker, NULL), 0);
	assert_int_equal(pthread_join(closer, &complaint), 0);
	assert_null(complaint);
	drain_and_check(c);
	for (uint32_t port = 1; port <= MODEL_PORTS; port++) {
		assert_true(model_taken[port] > 0 && model_taken[port] <= model_sent[port]);
	}
	assert_int_equal(fake_record.guest_messages, 0);
}

/*
 * The port may be a queue's tail, for which senders look at any moment: they find the same queue as before. Closing is
 * done one instruction at a time, as what lies between two is what another CPU may see.
 */
static void queue_of_a_closed_port_never_changes(void **state)
{
	const struct event_port *p;
	unsigned int steps = 0;
	struct event_port seen;
	uint16_t fifo;
	int status;
	pid_t child;

	(void)state;
	use_fifo();
	bind_ipis(1, 1);
	assert_int_equal(event_send(domu, 1), 0);
	p = event_port_of(domu, 1);
	fifo = p->fifo;
	assert_int_not_equal(fifo, 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)!ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)!raise(SIGSTOP);
		_exit(event_close(domu, 1) == 0 ? 0 : 1);
	}
	for (;;) {
		long data;

		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSTOPPED(status)) {
			break;
		}
		data = ptrace(PTRACE_PEEKDATA, child, p, NULL);
		memcpy(&seen, &data, sizeof(data));
		if (seen.fifo != fifo) {
			(void)!kill(child, SIGKILL);
			(void)!waitpid(child, &status, 0);
			fail_msg("step %u: %#x instead of %#x", steps, seen.fifo, fifo);
		}
		steps++;
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(steps > 100);
	assert_int_equal(seen.state, EVENT_FREE);
}

#define NR_SWITCHES 200

static void *send_during_the_switch(void *cpu)
{
	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (uint32_t port = 1; port <= MODEL_PORTS; port++) {
		if (event_send(other, port) != 0) {
			return (void *)"send";
		}
	}
	return NULL;
}

/* Whatever was sent is pending afterwards, in the array. */
static void no_event_is_lost_in_the_switch(void **state)
{
	(void)state;
	policy_set_silo(false);
	for (unsigned int turn = 0; turn < NR_SWITCHES; turn++) {
		uint32_t port, peer;
		pthread_t sender;
		void *complaint;

		memset(fake_page(ARRAY_PAGE), 0, 4096);
		memset(fake_page(CONTROL_PAGE), 0, 4096);
		memset(domu->shared_info->evtchn_pending, 0,
		       sizeof(domu->shared_info->evtchn_pending));
		for (uint32_t i = 1; i <= MODEL_PORTS; i++) {
			assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 2, &port), 0);
			assert_int_equal(event_bind_interdomain(other, 1, port, &peer), 0);
		}
		assert_int_equal(pthread_create(&sender, NULL, send_during_the_switch,
						(void *)(uintptr_t)1),
				 0);
		use_fifo();
		assert_int_equal(pthread_join(sender, &complaint), 0);
		assert_null(complaint);
		for (port = 1; port <= MODEL_PORTS; port++) {
			assert_int_equal(*word(port) & ~LINK, PENDING | LINKED);
		}
		assert_int_equal(event_reset(domu), 0);
		assert_int_equal(event_reset(other), 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(first_control_block_switches_the_domain),
		TEST(bad_control_blocks),
		TEST(array_grows_to_its_limit),
		TEST(all_ports_of_the_fifo_abi),
		TEST(pending_events_survive_the_switch),
		TEST(event_of_a_closed_port_is_not_kept),
		TEST(sender_that_misses_the_switch_sends_again),
		TEST(interrupted_resend_goes_on),
		TEST(resend_ends_a_stretch_for_what_the_cpu_has_to_do),
		TEST(resend_is_interrupted_after_each_event_while_somebody_polls),
		TEST(resend_lets_others_in),
		TEST(reset_returns_to_the_two_level_abi),
		TEST(reset_gives_frames_back_in_steps),
		TEST(send_links_and_interrupts_once),
		TEST(masked_event_waits_for_unmask),
		TEST(emptied_queue_gets_a_new_head),
		TEST(priority_chooses_the_queue),
		TEST(old_queue_of_a_moved_event_is_empty),
		TEST(closed_port_is_not_reused_while_linked),
		TEST(guest_that_links_everything_gets_no_port),
		TEST(vcpu_without_a_control_block),
		TEST(poll_looks_at_the_array),
		TEST(nonsense_in_the_guests_pages),
		TEST(no_event_is_lost_or_comes_twice),
		TEST(no_event_is_lost_whatever_cpus_do_at_once),
		TEST(queue_of_a_closed_port_never_changes),
		TEST(no_event_is_lost_in_the_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
