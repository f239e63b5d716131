/* SPDX-License-Identifier: MIT */
/* Dispatch of hypercalls, multicalls and their continuation. */
#include "arm64/cpu_work.h"
#include "hypercall/hc_test.h"

/* ---- dispatch ------------------------------------------------------------------------------- */

static void unknown_numbers_are_enosys(void **state)
{
	static const uint64_t numbers[] = {
		0,          1,  6,  8,  11, 14, 16, 19,   22,         23,
		27,         39, 41, 42, 43, 48, 55, 1000, UINT32_MAX, UINT64_C(0x100000011),
		UINT64_MAX,
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(hc(dom0->vcpu[0], numbers[i], 0, 0, 0), -XEN_ENOSYS);
		assert_int_equal(hc(domu->vcpu[0], numbers[i], 1, 2, 3), -XEN_ENOSYS);
	}
}

static void table_entries_have_a_name_and_at_most_five_arguments(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < hypercall_table_size; i++) {
		const struct hypercall_entry *entry = &hypercall_table[i];

		if (entry->handler != NULL) {
			assert_non_null(entry->name);
			assert_true(entry->nr_args >= 1 && entry->nr_args <= 5);
		}
	}
}

static void unknown_sub_operations(void **state)
{
	static const struct {
		uint64_t call;
		int answer;
	} calls[] = {
		{__HYPERVISOR_memory_op, -XEN_ENOSYS},
		{__HYPERVISOR_xen_version, -XEN_ENOSYS},
		{__HYPERVISOR_console_io, -XEN_ENOSYS},
		{__HYPERVISOR_vcpu_op, -XEN_EINVAL},
		{__HYPERVISOR_sched_op, -XEN_ENOSYS},
		{__HYPERVISOR_event_channel_op, -XEN_ENOSYS},
		{__HYPERVISOR_physdev_op, -XEN_ENOSYS},
		{__HYPERVISOR_hvm_op, -XEN_ENOSYS},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(hc(dom0->vcpu[0], calls[i].call, 63, 0, 0), calls[i].answer);
		if (calls[i].call != __HYPERVISOR_memory_op) {
			assert_int_equal(hc(dom0->vcpu[0], calls[i].call, UINT32_MAX, 0, 0),
					 calls[i].answer);
		}
	}
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_grant_table_op, 63, ARG, 1), -XEN_ENOSYS);
}

static void only_the_result_register_changes(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct guest_regs before;

	(void)state;
	for (unsigned int i = 0; i < 31; i++) {
		v->regs.x[i] = 0xabc0 + i;
	}
	v->regs.pc = 0x8000;
	v->regs.pstate = 0x3c5;
	v->regs.x[0] = XENVER_version;
	v->regs.x[16] = __HYPERVISOR_xen_version;
	before = v->regs;
	fake_set_current(v);
	assert_false(hypercall_dispatch(v));
	assert_int_equal(v->regs.x[0], 0x40011);
	v->regs.x[0] = before.x[0];
	assert_memory_equal(&v->regs, &before, sizeof(before));
}

static void a_32_bit_guest_has_other_registers(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct guest_regs before;

	(void)state;
	/* Upper halves are whatever they are, after an exception from AArch32. */
	for (unsigned int i = 0; i < 31; i++) {
		v->regs.x[i] = UINT64_C(0xdddddddd00000000) + i;
	}
	v->regs.x[0] = UINT64_C(0xdddddddd00000000) + XENVER_version;
	v->regs.x[12] = UINT64_C(0xdddddddd00000000) + __HYPERVISOR_xen_version;
	before = v->regs;
	fake_set_current(v);
	assert_false(hypercall_dispatch_32(v));
	assert_int_equal(v->regs.x[0], 0x40011);
	v->regs.x[0] = before.x[0];
	assert_memory_equal(&v->regs, &before, sizeof(before));
	/* An error is one of 32 bits; x16, LR_irq there, is no number. */
	v->regs.x[12] = 63;
	v->regs.x[16] = __HYPERVISOR_xen_version;
	assert_false(hypercall_dispatch_32(v));
	assert_int_equal(v->regs.x[0], (uint32_t)-XEN_ENOSYS);
}

static void inaccessible_buffer_is_reported(void **state)
{
	(void)state;
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_xen_version, XENVER_extraversion, NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(fake_record.guest_messages, 1);
}

/* ---- multicall ------------------------------------------------------------------------------ */

static struct multicall_entry *list(void)
{
	return fake_page(LIST_PAGE);
}

static void fill_entry(unsigned int i, uint64_t op, uint64_t a0, uint64_t a1, uint64_t a2)
{
	list()[i] = (struct multicall_entry){.op = op, .result = 77, .args = {a0, a1, a2}};
}

static int64_t multicall(struct vcpu *v, uint32_t nr)
{
	return hc(v, __HYPERVISOR_multicall, LIST, nr, 0);
}

static void entries_have_their_own_results(void **state)
{
	(void)state;
	fill_entry(0, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	fill_entry(1, 1000, 0, 0, 0);
	fill_entry(2, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
	fill_entry(3, __HYPERVISOR_xen_version, XENVER_extraversion, NOWHERE, 0);
	fill_entry(4, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	assert_int_equal(multicall(domu->vcpu[0], 4), 0);
	assert_int_equal(list()[0].result, 0x40011);
	assert_int_equal((int64_t)list()[1].result, -XEN_ENOSYS);
	assert_int_equal(list()[2].result, 4096);
	assert_int_equal((int64_t)list()[3].result, -XEN_EFAULT);
	/* Not counted, not touched. */
	assert_int_equal(list()[4].result, 77);
	assert_int_equal(multicall(domu->vcpu[0], 0), 0);
}

static void list_must_be_accessible(void **state)
{
	(void)state;
	fill_entry(0, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_multicall, NOWHERE, 1, 0), -XEN_EFAULT);
	fake_set_access(LIST_PAGE, FAKE_READ_ONLY);
	assert_int_equal(multicall(domu->vcpu[0], 2), -XEN_EFAULT);
	/* The second entry was not begun. */
	assert_int_equal(fake_record.yields, 1);
}

static void upper_halves_of_a_32_bit_guests_list_stop_it(void **state)
{
	(void)state;
	domu->is_32bit = true;
	fill_entry(0, __HYPERVISOR_xen_version, XENVER_version, 0, UINT64_C(1) << 32);
	assert_int_equal(multicall(domu->vcpu[0], 1), 0); /* not an argument of that call */
	assert_int_equal(list()[0].result, 0x40011);
	fill_entry(0, __HYPERVISOR_xen_version, UINT64_C(1) << 32 | XENVER_version, 0, 0);
	assert_int_equal(multicall(domu->vcpu[0], 1), -XEN_EINVAL);
	assert_int_equal(list()[0].result, 77);
	assert_int_equal(fake_record.shutdowns, 1);
	assert_int_equal(fake_record.shutdown_reason, SHUTDOWN_crash);
}

static void no_multicall_in_a_multicall(void **state)
{
	struct multicall_entry *inner = fake_page(LIST_PAGE + 1);

	(void)state;
	*inner = (struct multicall_entry){.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_yield}};
	fill_entry(0, __HYPERVISOR_multicall, fake_gva(LIST_PAGE + 1), 1, 0);
	fill_entry(1, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	assert_int_equal(multicall(domu->vcpu[0], 2), 0);
	assert_int_equal((int64_t)list()[0].result, -XEN_EINVAL);
	assert_int_equal(list()[1].result, 0);
	assert_int_equal(fake_record.yields, 1);
	/* The next is a first one again. */
	assert_int_equal(multicall(domu->vcpu[0], 2), 0);
}

static void interrupts_are_let_in_between_entries(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	for (unsigned int i = 0; i < 10; i++) {
		fill_entry(i, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	}
	fake_machine_interrupt_after(3);
	fake_set_current(v);
	v->regs.x[0] = LIST;
	v->regs.x[1] = 10;
	v->regs.x[16] = __HYPERVISOR_multicall;
	assert_true(hypercall_dispatch(v));
	/* Entry 0 is done without asking, so that there is progress. */
	assert_int_equal(v->regs.x[0], LIST + 4 * sizeof(struct multicall_entry));
	assert_int_equal(v->regs.x[1], 6);
	assert_int_equal(v->regs.x[16], __HYPERVISOR_multicall);
	assert_int_equal(fake_record.yields, 4);
	assert_int_equal(list()[3].result, 0);
	assert_int_equal(list()[4].result, 77);
	/* Interrupts all the time: it comes to an end. */
	assert_int_equal(multicall(v, 10), 0);
	assert_int_equal(hc_restarts, 9);
	assert_int_equal(fake_record.yields, 14);
}

/* An entry may have stopped the caller, and another CPU may wait for this one. */
static void what_the_cpu_has_to_do_ends_a_stretch_too(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		fill_entry(i, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	}
	fake_set_current(v);
	v->regs.x[0] = LIST;
	v->regs.x[1] = 3;
	v->regs.x[16] = __HYPERVISOR_multicall;
	this_cpu(cpu_work).resched = true;
	assert_true(hypercall_dispatch(v));
	assert_int_equal(v->regs.x[1], 2);
	this_cpu(cpu_work).any = 0;
	this_cpu(cpu_work).epoch = true;
	assert_true(hypercall_dispatch(v));
	assert_int_equal(v->regs.x[1], 1);
	this_cpu(cpu_work).any = 0;
	assert_false(hypercall_dispatch(v));
	assert_int_equal(fake_record.yields, 3);
}

/* decrease_reservation of five pages inside a multicall, interrupted after each page. */
static void inner_call_is_continued_in_its_entry(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct xen_memory_reservation op = {
		.extent_start = {.q = fake_gva(50)},
		.nr_extents = 5,
		.domid = DOMID_SELF,
	};
	uint64_t *gfns = fake_page(50);

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		fake_give_page(domu, i, 100 + i);
		gfns[i] = 100 + i;
	}
	memcpy(fake_page(ARG_PAGE), &op, sizeof(op));
	fill_entry(0, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, ARG, 0);
	fill_entry(1, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	fake_machine_interrupt_after(0);
	fake_set_current(v);
	v->regs.x[0] = LIST;
	v->regs.x[1] = 2;
	v->regs.x[16] = __HYPERVISOR_multicall;
	assert_true(hypercall_dispatch(v));
	/* The progress is in the entry; the registers name the whole list again. */
	assert_int_equal(list()[0].args[0], XENMEM_decrease_reservation | 1 << 6);
	assert_int_equal(list()[0].args[1], ARG);
	assert_int_equal(v->regs.x[0], LIST);
	assert_int_equal(v->regs.x[1], 2);
	while (hypercall_dispatch(v)) {
	}
	assert_int_equal(v->regs.x[0], 0);
	assert_int_equal(list()[0].result, 5);
	assert_int_equal(list()[1].result, 0);
	assert_int_equal(domu->nr_pages, 0);
}

static void continued_entry_that_cannot_be_written_ends_the_list(void **state)
{
	struct xen_memory_reservation op = {
		.extent_start = {.q = fake_gva(50)},
		.nr_extents = 2,
		.domid = DOMID_SELF,
	};
	uint64_t *gfns = fake_page(50);

	(void)state;
	fake_give_page(domu, 0, 100);
	fake_give_page(domu, 1, 101);
	gfns[0] = 100;
	gfns[1] = 101;
	memcpy(fake_page(ARG_PAGE), &op, sizeof(op));
	fill_entry(0, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, ARG, 0);
	fake_machine_interrupt_after(0);
	fake_set_access(LIST_PAGE, FAKE_READ_ONLY);
	assert_int_equal(multicall(domu->vcpu[0], 1), -XEN_EFAULT);
	assert_int_equal(hc_restarts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(unknown_numbers_are_enosys),
		HC_TEST(table_entries_have_a_name_and_at_most_five_arguments),
		HC_TEST(unknown_sub_operations),
		HC_TEST(only_the_result_register_changes),
		HC_TEST(inaccessible_buffer_is_reported),
		HC_TEST(entries_have_their_own_results),
		HC_TEST(list_must_be_accessible),
		HC_TEST(a_32_bit_guest_has_other_registers),
		HC_TEST(upper_halves_of_a_32_bit_guests_list_stop_it),
		HC_TEST(no_multicall_in_a_multicall),
		HC_TEST(interrupts_are_let_in_between_entries),
		HC_TEST(what_the_cpu_has_to_do_ends_a_stretch_too),
		HC_TEST(inner_call_is_continued_in_its_entry),
		HC_TEST(continued_entry_that_cannot_be_written_ends_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
