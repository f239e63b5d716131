/* SPDX-License-Identifier: MIT */
/* vcpu_op: vcpu_info and the runstate area, and how the latter is kept up to date. */
#include "hypercall/hc_test.h"

#include "domain/vcpu_runstate.h"

static int64_t vcpu_op(struct vcpu *v, unsigned int op, unsigned int id, const void *arg,
		       size_t size)
{
	memcpy(fake_page(ARG_PAGE), arg, size);
	return hc(v, __HYPERVISOR_vcpu_op, op, id, ARG);
}

static int64_t register_runstate(struct vcpu *v, unsigned int id, uint64_t gva)
{
	struct vcpu_register_runstate_memory_area op = {.addr = {.p = gva}};

	return vcpu_op(v, VCPUOP_register_runstate_memory_area, id, &op, sizeof(op));
}

static void other_operations_are_einval(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	for (unsigned int op = 0; op < 20; op++) {
		if (op != VCPUOP_register_vcpu_info && op != VCPUOP_register_runstate_memory_area) {
			assert_int_equal(hc(v, __HYPERVISOR_vcpu_op, op, 0, ARG), -XEN_EINVAL);
		}
		/* A vCPU that does not exist goes first. */
		assert_int_equal(hc(v, __HYPERVISOR_vcpu_op, op, FAKE_NR_VCPUS, ARG), -XEN_ENOENT);
	}
}

static void vcpu_info_by_hypercall(void **state)
{
	struct vcpu_register_vcpu_info op = {.mfn = 100, .offset = 128};

	(void)state;
	fake_give_page(domu, 0, 100);
	assert_int_equal(vcpu_op(domu->vcpu[0], VCPUOP_register_vcpu_info, 0, &op, sizeof(op)), 0);
	assert_ptr_equal(domu->vcpu[0]->event.info, (char *)fake_page(0) + 128);
	assert_int_equal(vcpu_op(domu->vcpu[0], VCPUOP_register_vcpu_info, 0, &op, sizeof(op)),
			 -XEN_EINVAL);
	op.offset = 0;
	assert_int_equal(vcpu_op(domu->vcpu[1], VCPUOP_register_vcpu_info, 1, &op, sizeof(op)), 0);
	op.mfn = UINT64_MAX;
	assert_int_equal(vcpu_op(domu->vcpu[2], VCPUOP_register_vcpu_info, 2, &op, sizeof(op)),
			 -XEN_EINVAL);
	/* A number whose address wraps round to a page that there is. */
	op.mfn = (UINT64_C(1) << 52) + 100;
	assert_int_equal(vcpu_op(domu->vcpu[2], VCPUOP_register_vcpu_info, 2, &op, sizeof(op)),
			 -XEN_EINVAL);
	assert_int_equal(hc(domu->vcpu[2], __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 2,
			    NOWHERE),
			 -XEN_EFAULT);
}

static void set_times(struct vcpu *v, enum sched_state state, uint64_t since)
{
	v->sched.state = state;
	v->sched.state_since_ns = since;
	v->sched.state_time_ns[SCHED_OFFLINE] = 1;
	v->sched.state_time_ns[SCHED_BLOCKED] = 2;
	v->sched.state_time_ns[SCHED_RUNNABLE] = 3;
	v->sched.state_time_ns[SCHED_RUNNING] = 4;
}

static void runstate_is_written_at_once_and_at_each_switch(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	const struct vcpu_runstate_info *info = (void *)((char *)fake_page(2) + 8);

	(void)state;
	fake_give_page(domu, 2, 100);
	set_times(v, SCHED_RUNNING, 5000);
	assert_int_equal(register_runstate(v, 0, fake_gva(2) + 8), 0);
	assert_int_equal(info->state, RUNSTATE_running);
	assert_int_equal(info->state_entry_time, 5000);
	assert_int_equal(info->time[RUNSTATE_running], 4);
	assert_int_equal(info->time[RUNSTATE_runnable], 3);
	assert_int_equal(info->time[RUNSTATE_blocked], 2);
	assert_int_equal(info->time[RUNSTATE_offline], 1);
	set_times(v, SCHED_BLOCKED, 6000);
	v->sched.state_time_ns[SCHED_RUNNING] = 1004;
	runstate_update(v);
	assert_int_equal(info->state, RUNSTATE_blocked);
	assert_int_equal(info->state_entry_time, 6000);
	assert_int_equal(info->time[RUNSTATE_running], 1004);
	set_times(v, SCHED_RUNNABLE, 7000);
	runstate_update(v);
	assert_int_equal(info->state, RUNSTATE_runnable);
	v->sched.pause_count = 1;
	runstate_update(v);
	assert_int_equal(info->state, RUNSTATE_offline);
	set_times(v, SCHED_BLOCKED, 7500);
	runstate_update(v);
	assert_int_equal(info->state, RUNSTATE_blocked);
	v->sched.pause_count = 0;
	set_times(v, SCHED_OFFLINE, 8000);
	runstate_update(v);
	assert_int_equal(info->state, RUNSTATE_offline);
}

static void area_may_cross_a_page(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct vcpu_runstate_info info;

	(void)state;
	fake_give_page(domu, 2, 100);
	fake_give_page(domu, 3, 50);
	for (unsigned int first = 8; first < sizeof(info); first += 8) {
		memset(fake_page(2), 0, 4096);
		memset(fake_page(3), 0, 4096);
		set_times(v, SCHED_RUNNING, first);
		assert_int_equal(register_runstate(v, 0, fake_gva(3) - first), 0);
		memcpy(&info, (char *)fake_page(3) - first, sizeof(info));
		assert_int_equal(info.state_entry_time, first);
		assert_int_equal(info.time[RUNSTATE_running], 4);
		assert_int_equal(info.time[RUNSTATE_offline], 1);
		/* The older area is let go. */
		assert_int_equal(fake_extra_refs(2), 1);
		assert_int_equal(fake_extra_refs(3), 1);
	}
	assert_int_equal(register_runstate(v, 0, fake_gva(3)), 0);
	assert_int_equal(fake_extra_refs(2), 0);
	assert_int_equal(register_runstate(v, 0, 0), 0);
	assert_int_equal(fake_extra_refs(3), 0);
	memset(fake_page(3), 0, 4096);
	runstate_update(v);
	assert_int_equal(*(uint64_t *)((char *)fake_page(3) + 8), 0);
}

/* The flag is in state_entry_time before anything else changes, and goes when all else has. */
static struct vcpu_runstate_info seen[2];
static unsigned int nr_seen;

static void look(const char *line, void *context)
{
	if (strcmp(line, "dmb ishst") == 0 && nr_seen < ARRAY_SIZE(seen)) {
		seen[nr_seen++] = *(struct vcpu_runstate_info *)context;
	}
}

static void update_flag_surrounds_the_update(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct vcpu_runstate_info *info = fake_page(2);

	(void)state;
	fake_give_page(domu, 2, 100);
	set_times(v, SCHED_RUNNING, 5000);
	assert_int_equal(hc(v, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
			    VMASST_TYPE_runstate_update_flag, 0),
			 0);
	assert_int_equal(register_runstate(v, 0, fake_gva(2)), 0);
	v->sched.state_time_ns[SCHED_RUNNING] = 99;
	v->sched.state_since_ns = 7000;
	nr_seen = 0;
	fake_machine_set_hook(look, info);
	runstate_update(v);
	fake_machine_set_hook(NULL, NULL);
	assert_int_equal(nr_seen, 2);
	assert_int_equal(seen[0].state_entry_time, 7000 | XEN_RUNSTATE_UPDATE);
	assert_int_equal(seen[0].time[RUNSTATE_running], 4);
	assert_int_equal(seen[1].state_entry_time, 7000 | XEN_RUNSTATE_UPDATE);
	assert_int_equal(seen[1].time[RUNSTATE_running], 99);
	assert_int_equal(info->state_entry_time, 7000);
}

static void bad_runstate_areas_change_nothing(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	fake_give_page(domu, 2, 100);
	fake_give_page(other, 3, 100);
	assert_int_equal(register_runstate(v, 0, fake_gva(2)), 0);
	assert_int_equal(register_runstate(v, 0, fake_gva(2) + 4), -XEN_ENXIO);
	assert_int_equal(register_runstate(v, 0, NOWHERE), -XEN_EFAULT);
	assert_int_equal(register_runstate(v, 0, UINT64_MAX - 7), -XEN_EFAULT);
	/* The second page is another domain's: the first is let go again. */
	assert_int_equal(register_runstate(v, 0, fake_gva(3) - 8), -XEN_EFAULT);
	assert_int_equal(fake_extra_refs(2), 1);
	fake_allocations_left = 0;
	assert_int_equal(register_runstate(v, 0, fake_gva(2) + 64), -XEN_ENOMEM);
	assert_int_equal(fake_extra_refs(2), 1);
	set_times(v, SCHED_RUNNING, 4711);
	runstate_update(v);
	assert_int_equal(((struct vcpu_runstate_info *)fake_page(2))->state_entry_time, 4711);
	assert_int_equal(hc(v, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			    NOWHERE),
			 -XEN_EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(other_operations_are_einval),
		HC_TEST(vcpu_info_by_hypercall),
		HC_TEST(runstate_is_written_at_once_and_at_each_switch),
		HC_TEST(area_may_cross_a_page),
		HC_TEST(update_flag_surrounds_the_update),
		HC_TEST(bad_runstate_areas_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
