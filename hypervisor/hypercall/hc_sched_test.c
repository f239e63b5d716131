/* SPDX-License-Identifier: MIT */
/* sched_op, watchdogs included. */
#include "hypercall/hc_test.h"

#define SCHED(v, op, arg) hc_arg(v, __HYPERVISOR_sched_op, SCHEDOP_##op, &(arg), sizeof(arg))

static void yield_and_block(void **state)
{
	struct vcpu *v = domu->vcpu[1];

	(void)state;
	v->regs.pstate = 0x3c5;
	assert_int_equal(hc(v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
	assert_int_equal(fake_record.yields, 1);
	assert_int_equal(v->regs.pstate, 0x3c5);
	/* Block lets interrupts in: only PSTATE.I changes. */
	assert_int_equal(hc(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_int_equal(v->regs.pstate, 0x345);
}

static void shutdown_with_a_reason(void **state)
{
	struct sched_shutdown op = {.reason = 0x101};

	(void)state;
	assert_int_equal(SCHED(domu->vcpu[0], shutdown, op), 0);
	assert_int_equal(fake_record.shutdowns, 1);
	assert_ptr_equal(fake_record.shutdown_domain, domu);
	/* The reason is a byte. */
	assert_int_equal(fake_record.shutdown_reason, SHUTDOWN_reboot);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_sched_op, SCHEDOP_shutdown, NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(fake_record.shutdowns, 1);
}

static void first_shutdown_code_counts(void **state)
{
	struct sched_shutdown op = {.reason = SHUTDOWN_crash};

	(void)state;
	assert_int_equal(SCHED(domu->vcpu[0], shutdown_code, op), 0);
	assert_int_equal(domu->shutdown_reason, SHUTDOWN_crash);
	op.reason = SHUTDOWN_reboot;
	assert_int_equal(SCHED(domu->vcpu[0], shutdown_code, op), 0);
	assert_int_equal(domu->shutdown_reason, SHUTDOWN_crash);
	assert_int_equal(fake_record.shutdowns, 0);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, NOWHERE, 0),
			 -XEN_EFAULT);
}

static void remote_shutdown_is_the_toolstacks(void **state)
{
	struct sched_remote_shutdown op = {.domain_id = 1, .reason = SHUTDOWN_reboot};

	(void)state;
	assert_int_equal(SCHED(other->vcpu[0], remote_shutdown, op), -XEN_EPERM);
	/* Not even of itself, by this call. */
	assert_int_equal(SCHED(domu->vcpu[0], remote_shutdown, op), -XEN_EPERM);
	assert_int_equal(fake_record.shutdowns, 0);
	assert_int_equal(SCHED(dom0->vcpu[0], remote_shutdown, op), 0);
	assert_ptr_equal(fake_record.shutdown_domain, domu);
	assert_int_equal(fake_record.shutdown_reason, SHUTDOWN_reboot);
	op.domain_id = DOMID_SELF;
	assert_int_equal(SCHED(dom0->vcpu[0], remote_shutdown, op), -XEN_ESRCH);
	op.domain_id = 9;
	assert_int_equal(SCHED(dom0->vcpu[0], remote_shutdown, op), -XEN_ESRCH);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, NOWHERE,
			    0),
			 -XEN_EFAULT);
}

static void poll_takes_its_list_from_the_guest(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct sched_poll op = {.ports = {.q = LIST}, .nr_ports = 2, .timeout = fake_now_ns + 1000};
	uint32_t *ports = fake_page(LIST_PAGE);

	(void)state;
	assert_int_equal(event_bind_ipi(domu, 0, &ports[0]), 0);
	assert_int_equal(event_bind_ipi(domu, 0, &ports[1]), 0);
	assert_int_equal(SCHED(v, poll, op), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_true(fake_timer_is_set(&v->event.poll_timer));
	assert_int_equal(event_send(domu, ports[1]), 0);
	assert_int_equal(fake_record.wakes[0], 1);
	op.nr_ports = 129;
	assert_int_equal(SCHED(v, poll, op), -XEN_EINVAL);
	op.nr_ports = UINT32_MAX;
	assert_int_equal(SCHED(v, poll, op), -XEN_EINVAL);
	op.nr_ports = 3;
	ports[2] = 1000;
	/* The upcall is taken; with it pending nothing would be looked at. */
	memset(domu->vcpu[0]->event.info, 0, sizeof(struct vcpu_info));
	assert_int_equal(event_close(domu, ports[1]), 0);
	assert_int_equal(SCHED(v, poll, op), -XEN_EINVAL);
	op.nr_ports = 1;
	op.ports.q = NOWHERE;
	assert_int_equal(SCHED(v, poll, op), -XEN_EFAULT);
	/* No list, only a time. */
	op.nr_ports = 0;
	assert_int_equal(SCHED(v, poll, op), 0);
	assert_int_equal(fake_record.blocks, 2);
	assert_int_equal(hc(v, __HYPERVISOR_sched_op, SCHEDOP_poll, NOWHERE, 0), -XEN_EFAULT);
}

static void watchdog_expires_unless_told_again(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct sched_watchdog op = {.id = 0, .timeout = 10};

	(void)state;
	assert_int_equal(SCHED(v, watchdog, op), 1);
	assert_int_equal(SCHED(v, watchdog, op), 2);
	assert_int_equal(SCHED(v, watchdog, op), -XEN_ENOSPC);
	/* Stop the second. */
	op = (struct sched_watchdog){.id = 2, .timeout = 0};
	assert_int_equal(SCHED(v, watchdog, op), 0);
	assert_int_equal(SCHED(v, watchdog, op), -XEN_EINVAL);
	fake_now_ns += UINT64_C(9) * 1000000000;
	op = (struct sched_watchdog){.id = 1, .timeout = 10};
	assert_int_equal(SCHED(v, watchdog, op), 0);
	fake_now_ns += UINT64_C(9) * 1000000000;
	fake_run_timers();
	assert_int_equal(fake_record.shutdowns, 0);
	fake_now_ns += UINT64_C(1) * 1000000000;
	fake_run_timers();
	assert_int_equal(fake_record.shutdowns, 1);
	assert_ptr_equal(fake_record.shutdown_domain, domu);
	assert_int_equal(fake_record.shutdown_reason, SHUTDOWN_watchdog);
}

static void watchdog_refuses(void **state)
{
	struct sched_watchdog op = {.id = 3, .timeout = 10};

	(void)state;
	assert_int_equal(SCHED(domu->vcpu[0], watchdog, op), -XEN_EINVAL);
	op.id = 1;
	assert_int_equal(SCHED(domu->vcpu[0], watchdog, op), -XEN_EINVAL);
	op.id = UINT32_MAX;
	assert_int_equal(SCHED(domu->vcpu[0], watchdog, op), -XEN_EINVAL);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_sched_op, SCHEDOP_watchdog, NOWHERE, 0),
			 -XEN_EFAULT);
	/* One that runs when the domain goes: the teardown checks that its timer is gone. */
	op = (struct sched_watchdog){.id = 0, .timeout = UINT32_MAX};
	assert_int_equal(SCHED(domu->vcpu[0], watchdog, op), 1);
}

static void pin_override_is_dom0s(void **state)
{
	struct sched_pin_override op = {.pcpu = 2};
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	assert_int_equal(SCHED(domu->vcpu[0], pin_override, op), -XEN_EPERM);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_sched_op, SCHEDOP_pin_override, NOWHERE, 0),
			 -XEN_EPERM);
	assert_int_equal(hc(v, __HYPERVISOR_sched_op, SCHEDOP_pin_override, NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(SCHED(v, pin_override, op), 0);
	assert_true(v->sched.pinned);
	assert_int_equal(SCHED(v, pin_override, op), -XEN_EBUSY);
	op.pcpu = -1;
	assert_int_equal(SCHED(v, pin_override, op), 0);
	assert_int_equal(SCHED(v, pin_override, op), -XEN_EINVAL);
	op.pcpu = INT32_MAX;
	assert_int_equal(SCHED(v, pin_override, op), -XEN_EINVAL);
	assert_int_equal(hc(v, __HYPERVISOR_sched_op, 8, ARG, 0), -XEN_ENOSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(yield_and_block),
		HC_TEST(shutdown_with_a_reason),
		HC_TEST(first_shutdown_code_counts),
		HC_TEST(remote_shutdown_is_the_toolstacks),
		HC_TEST(poll_takes_its_list_from_the_guest),
		HC_TEST(watchdog_expires_unless_told_again),
		HC_TEST(watchdog_refuses),
		HC_TEST(pin_override_is_dom0s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
