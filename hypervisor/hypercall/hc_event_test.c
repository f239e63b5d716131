/* SPDX-License-Identifier: MIT */
/* event_channel_op: arguments in, results out, and what happens when these cannot be copied.
 * event_test.c has the rest. */
#include "hypercall/hc_test.h"

#define EVTCHN(v, op, arg) \
	hc_arg(v, __HYPERVISOR_event_channel_op, EVTCHNOP_##op, &(arg), sizeof(arg))

static int64_t evtchn_at(struct vcpu *v, unsigned int op, uint64_t gva)
{
	return hc(v, __HYPERVISOR_event_channel_op, op, gva, 0);
}

static void each_operation_does_its_work(void **state)
{
	struct vcpu *u = domu->vcpu[0], *z = dom0->vcpu[0];
	struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = 0};
	struct evtchn_bind_interdomain interdomain = {.remote_dom = 1};
	struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 1};
	struct evtchn_bind_ipi ipi = {.vcpu = 2};
	struct evtchn_bind_vcpu vcpu = {.vcpu = 1};
	struct evtchn_status status = {.dom = DOMID_SELF};
	struct evtchn_send send;
	struct evtchn_unmask unmask;
	struct evtchn_close close;

	(void)state;
	assert_int_equal(EVTCHN(u, alloc_unbound, unbound), 0);
	assert_int_equal(unbound.port, 1);
	interdomain.remote_port = 1;
	assert_int_equal(EVTCHN(z, bind_interdomain, interdomain), 0);
	assert_int_equal(interdomain.local_port, 1);
	assert_int_equal(EVTCHN(u, bind_virq, virq), 0);
	assert_int_equal(virq.port, 2);
	assert_int_equal(EVTCHN(u, bind_ipi, ipi), 0);
	assert_int_equal(ipi.port, 3);
	vcpu.port = 1;
	assert_int_equal(EVTCHN(u, bind_vcpu, vcpu), 0);
	status.port = 1;
	assert_int_equal(EVTCHN(u, status, status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_interdomain);
	assert_int_equal(status.vcpu, 1);
	assert_int_equal(status.u.interdomain.dom, 0);
	domu->shared_info->evtchn_mask[0] = 2;
	send.port = 1;
	assert_int_equal(EVTCHN(z, send, send), 0);
	assert_int_equal(domu->shared_info->evtchn_pending[0], 2);
	unmask.port = 1;
	assert_int_equal(EVTCHN(u, unmask, unmask), 0);
	assert_int_equal(fake_record.pulses[1], 1);
	close.port = 1;
	assert_int_equal(EVTCHN(u, close, close), 0);
	assert_int_equal(EVTCHN(u, close, close), -XEN_EINVAL);
}

static void arguments_must_be_readable(void **state)
{
	static const unsigned int ops[] = {
		EVTCHNOP_bind_interdomain,
		EVTCHNOP_bind_virq,
		EVTCHNOP_bind_pirq,
		EVTCHNOP_close,
		EVTCHNOP_send,
		EVTCHNOP_status,
		EVTCHNOP_alloc_unbound,
		EVTCHNOP_bind_ipi,
		EVTCHNOP_bind_vcpu,
		EVTCHNOP_unmask,
		EVTCHNOP_reset,
		EVTCHNOP_init_control,
		EVTCHNOP_expand_array,
		EVTCHNOP_set_priority,
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_int_equal(evtchn_at(domu->vcpu[0], ops[i], NOWHERE), -XEN_EFAULT);
	}
}

/* The port is not kept from a guest that cannot be told its number. */
static void result_that_cannot_be_written_changes_nothing(void **state)
{
	struct vcpu *u = domu->vcpu[0], *z = dom0->vcpu[0];
	struct evtchn_alloc_unbound unbound = {.dom = 1, .remote_dom = 0};
	struct evtchn_bind_interdomain interdomain = {.remote_dom = 1, .remote_port = 1};
	struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	struct evtchn_status status = {.dom = 1, .port = 1};

	(void)state;
	fake_set_access(ARG_PAGE, FAKE_READ_ONLY);
	assert_int_equal(EVTCHN(z, alloc_unbound, unbound), -XEN_EFAULT);
	assert_int_equal(EVTCHN(u, bind_virq, virq), -XEN_EFAULT);
	assert_int_equal(EVTCHN(u, bind_ipi, ipi), -XEN_EFAULT);
	fake_set_access(ARG_PAGE, FAKE_READ_WRITE);
	assert_int_equal(EVTCHN(z, alloc_unbound, unbound), 0);
	assert_int_equal(unbound.port, 1);
	fake_set_access(ARG_PAGE, FAKE_READ_ONLY);
	assert_int_equal(EVTCHN(z, bind_interdomain, interdomain), -XEN_EFAULT);
	fake_set_access(ARG_PAGE, FAKE_READ_WRITE);
	assert_int_equal(EVTCHN(z, status, status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_unbound);
	assert_int_equal(status.u.unbound.dom, 0);
	assert_int_equal(EVTCHN(u, bind_virq, virq), 0);
}

static void there_are_no_pirqs(void **state)
{
	struct evtchn_bind_pirq pirq = {.pirq = 32};

	(void)state;
	assert_int_equal(EVTCHN(dom0->vcpu[0], bind_pirq, pirq), -XEN_EINVAL);
}

static void fifo_operations_do_their_work(void **state)
{
	struct vcpu *u = domu->vcpu[0];
	struct evtchn_init_control control = {.control_gfn = 100, .offset = 8, .vcpu = 0};
	struct evtchn_expand_array expand = {.array_gfn = 101};
	struct evtchn_set_priority priority = {.port = 1, .priority = 3};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	struct evtchn_send send = {.port = 1};
	const uint32_t *block = (const uint32_t *)fake_page(3) + 2;

	(void)state;
	fake_give_page(domu, 3, 100);
	fake_give_page(domu, 4, 101);
	assert_int_equal(EVTCHN(u, bind_ipi, ipi), 0);
	assert_int_equal(EVTCHN(u, set_priority, priority), -XEN_ENOSYS);
	assert_int_equal(EVTCHN(u, expand_array, expand), -XEN_EOPNOTSUPP);
	assert_int_equal(EVTCHN(u, init_control, control), 0);
	assert_int_equal(control.link_bits, 17);
	assert_int_equal(EVTCHN(u, init_control, control), -XEN_EINVAL);
	assert_int_equal(EVTCHN(u, expand_array, expand), 0);
	assert_int_equal(EVTCHN(u, set_priority, priority), 0);
	assert_int_equal(EVTCHN(u, send, send), 0);
	assert_int_equal(block[0], 1 << 3);
	assert_int_equal(block[2 + 3], 1);
}

static void numbers_without_an_operation(void **state)
{
	static const uint32_t numbers[] = {14, 0x10a, EVTCHNOP_expand_array | 1 << 8, UINT32_MAX};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(evtchn_at(domu->vcpu[0], numbers[i], ARG), -XEN_ENOSYS);
	}
}

/* Adding a page to the array is done once, however often its events' delivery is interrupted. */
static void expanding_is_continued(void **state)
{
	struct vcpu *u = domu->vcpu[0];
	struct evtchn_init_control control = {.control_gfn = 100};
	struct evtchn_expand_array expand = {.array_gfn = 101};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	const uint32_t *word = fake_page(4);

	(void)state;
	fake_give_page(domu, 3, 100);
	fake_give_page(domu, 4, 101);
	for (uint32_t port = 1; port <= 1000; port++) {
		struct evtchn_send send = {.port = port};

		assert_int_equal(EVTCHN(u, bind_ipi, ipi), 0);
		assert_int_equal(EVTCHN(u, send, send), 0);
	}
	assert_int_equal(EVTCHN(u, init_control, control), 0);
	fake_machine_interrupt_after(0);
	assert_int_equal(EVTCHN(u, expand_array, expand), 0);
	assert_true(hc_restarts > 10);
	fake_machine_interrupt_after(UINT64_MAX);
	assert_int_equal(fake_extra_refs(4), 1);
	for (uint32_t port = 1; port <= 1000; port++) {
		assert_int_equal(word[port], 0xa0000000 | (port < 1000 ? port + 1 : 0));
	}
}

static void reset_of_oneself_and_of_a_paused_domain(void **state)
{
	struct evtchn_reset op = {.dom = DOMID_SELF};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(EVTCHN(domu->vcpu[0], bind_ipi, ipi), 0);
	}
	fake_machine_interrupt_after(1);
	assert_int_equal(EVTCHN(domu->vcpu[0], reset, op), 0);
	assert_true(hc_restarts > 0);
	assert_int_equal(EVTCHN(domu->vcpu[0], bind_ipi, ipi), 0);
	assert_int_equal(ipi.port, 1);

	op.dom = 1;
	assert_int_equal(EVTCHN(other->vcpu[0], reset, op), -XEN_EPERM);
	assert_int_equal(EVTCHN(dom0->vcpu[0], reset, op), -XEN_EINVAL);
	domu->pause_count = 1;
	assert_int_equal(EVTCHN(dom0->vcpu[0], reset, op), 0);
	op.dom = 9;
	assert_int_equal(EVTCHN(dom0->vcpu[0], reset, op), -XEN_ESRCH);
}

static void domains_that_do_not_exist(void **state)
{
	struct evtchn_alloc_unbound unbound = {.dom = 9, .remote_dom = 0};
	struct evtchn_bind_interdomain interdomain = {.remote_dom = DOMID_XEN};
	struct evtchn_status status = {.dom = DOMID_INVALID};

	(void)state;
	assert_int_equal(EVTCHN(dom0->vcpu[0], alloc_unbound, unbound), -XEN_ESRCH);
	assert_int_equal(EVTCHN(dom0->vcpu[0], bind_interdomain, interdomain), -XEN_ESRCH);
	assert_int_equal(EVTCHN(dom0->vcpu[0], status, status), -XEN_ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(each_operation_does_its_work),
		HC_TEST(arguments_must_be_readable),
		HC_TEST(result_that_cannot_be_written_changes_nothing),
		HC_TEST(there_are_no_pirqs),
		HC_TEST(fifo_operations_do_their_work),
		HC_TEST(numbers_without_an_operation),
		HC_TEST(expanding_is_continued),
		HC_TEST(reset_of_oneself_and_of_a_paused_domain),
		HC_TEST(domains_that_do_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
