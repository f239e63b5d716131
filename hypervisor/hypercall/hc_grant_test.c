/* SPDX-License-Identifier: MIT */
/* grant_table_op: set-up of the table, versions, cache maintenance. */
#include "hypercall/hc_test.h"

static int64_t grant_n(struct vcpu *v, unsigned int op, void *arg, size_t size, uint64_t count)
{
	int64_t ret;

	memcpy(fake_page(ARG_PAGE), arg, size);
	ret = hc(v, __HYPERVISOR_grant_table_op, op, ARG, count);
	memcpy(arg, fake_page(ARG_PAGE), size);
	return ret;
}
#define GRANT(v, op, arg) grant_n(v, GNTTABOP_##op, &(arg), sizeof(arg), 1)

static void query_size_tells_frames_and_limit(void **state)
{
	struct gnttab_query_size op = {.dom = DOMID_SELF, .status = 77};

	(void)state;
	assert_int_equal(GRANT(domu->vcpu[0], query_size, op), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(op.nr_frames, 1);
	assert_int_equal(op.max_nr_frames, 8);
	op.dom = 2;
	assert_int_equal(GRANT(domu->vcpu[0], query_size, op), 0);
	assert_int_equal(op.status, GNTST_permission_denied);
	assert_int_equal(GRANT(dom0->vcpu[0], query_size, op), 0);
	assert_int_equal(op.status, GNTST_okay);
	op.dom = 9;
	assert_int_equal(GRANT(dom0->vcpu[0], query_size, op), 0);
	assert_int_equal(op.status, GNTST_bad_domain);
	assert_int_equal(grant_n(domu->vcpu[0], GNTTABOP_query_size, &op, sizeof(op), 0),
			 -XEN_EINVAL);
	assert_int_equal(grant_n(domu->vcpu[0], GNTTABOP_query_size, &op, sizeof(op), 2),
			 -XEN_EINVAL);
}

static void setup_table_grows_and_tells_where_frames_are(void **state)
{
	struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 3, .frame_list = {.q = LIST}};
	const uint64_t *frames = fake_page(LIST_PAGE);

	(void)state;
	assert_int_equal(grant_map_frame(domu, 1, gfn(201)), 0);
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(domu->grant.nr_frames, 3);
	assert_int_equal(frames[0], UINT64_MAX);
	assert_int_equal(frames[1], 201);
	assert_int_equal(frames[2], UINT64_MAX);
	op.nr_frames = 9;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_general_error);
	op.nr_frames = UINT32_MAX;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_general_error);
	op.nr_frames = 4;
	fake_allocations_left = 0;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_general_error);
	fake_allocations_left = UINT32_MAX;
	op.frame_list.q = NOWHERE;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_bad_virt_addr);
	op.dom = 0;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_permission_denied);
	op.dom = 9;
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(op.status, GNTST_bad_domain);
	assert_int_equal(grant_n(domu->vcpu[0], GNTTABOP_setup_table, &op, sizeof(op), 2),
			 -XEN_EINVAL);
}

static void version_is_one(void **state)
{
	struct gnttab_set_version set = {.version = 1};
	struct gnttab_get_version get = {.dom = DOMID_SELF};
	uint64_t *entry = domu->grant.frame[0];

	(void)state;
	entry[0] = 0x1122334455667788;
	entry[100] = 0x99;
	assert_int_equal(GRANT(domu->vcpu[0], set_version, set), 0);
	assert_int_equal(set.version, 1);
	/* Nothing was cleared: the toolstack has seeded entries already. */
	assert_int_equal(entry[0], 0x1122334455667788);
	assert_int_equal(entry[100], 0x99);
	set.version = 2;
	assert_int_equal(GRANT(domu->vcpu[0], set_version, set), -XEN_ENOSYS);
	assert_int_equal(set.version, 1);
	set.version = 3;
	assert_int_equal(GRANT(domu->vcpu[0], set_version, set), -XEN_EINVAL);
	assert_int_equal(GRANT(domu->vcpu[0], get_version, get), 0);
	assert_int_equal(get.version, 1);
	get.dom = 0;
	assert_int_equal(GRANT(domu->vcpu[0], get_version, get), -XEN_EPERM);
	get.dom = 9;
	assert_int_equal(GRANT(domu->vcpu[0], get_version, get), -XEN_ESRCH);
}

static void there_are_no_status_frames(void **state)
{
	struct gnttab_get_status_frames op = {.dom = DOMID_SELF, .nr_frames = 0, .status = 77};

	(void)state;
	assert_int_equal(GRANT(domu->vcpu[0], get_status_frames, op), 0);
	assert_int_equal(op.status, GNTST_okay);
	op.nr_frames = 1;
	assert_int_equal(GRANT(domu->vcpu[0], get_status_frames, op), 0);
	assert_int_equal(op.status, GNTST_general_error);
	op.dom = 9;
	assert_int_equal(GRANT(domu->vcpu[0], get_status_frames, op), 0);
	assert_int_equal(op.status, GNTST_bad_domain);
	assert_int_equal(grant_n(domu->vcpu[0], GNTTABOP_get_status_frames, &op, sizeof(op), 2),
			 -XEN_EINVAL);
}

/* Whatever but -XEN_ENOSYS makes Linux's swiotlb use it. */
static void cache_flush_of_nothing_succeeds(void **state)
{
	struct gnttab_cache_flush op = {.op = 0};

	(void)state;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), 0);
	op.op = GNTTAB_CACHE_CLEAN;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), 0);
	fake_machine_expect_none("dc");
}

static void cache_flush_of_own_ram(void **state)
{
	struct gnttab_cache_flush op = {
		.a = {.dev_bus_addr = (uint64_t)FAKE_MFN(4) << PAGE_SHIFT},
		.offset = 64,
		.length = 128,
		.op = GNTTAB_CACHE_CLEAN,
	};

	(void)state;
	fake_give_page(dom0, 4, FAKE_MFN(4));
	fake_machine_log_clear();
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), 0);
	fake_machine_expect("dc cvac", "dsb sy");
	/* Invalidating is never done without cleaning. */
	op.op = GNTTAB_CACHE_INVAL;
	fake_machine_log_clear();
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), 0);
	fake_machine_expect("dc civac", "dsb sy");
	fake_machine_expect_none("dc ivac");
	assert_int_equal(fake_extra_refs(4), 0);
}

static void cache_flush_refuses(void **state)
{
	struct gnttab_cache_flush op = {
		.a = {.dev_bus_addr = (uint64_t)FAKE_MFN(4) << PAGE_SHIFT},
		.length = 64,
		.op = GNTTAB_CACHE_CLEAN,
	};

	(void)state;
	fake_give_page(domu, 4, 100);
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EPERM);
	op.a.dev_bus_addr = 0x1000;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
	op.offset = 4096;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
	op.offset = 4095;
	op.length = 2;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
	op.offset = 0;
	op.length = 4097;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
	/* Checked before the probe's answer. */
	op.length = 0;
	op.op = GNTTAB_CACHE_SOURCE_GREF;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
	op.op = 4;
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
}

static void cache_flush_list_is_continued(void **state)
{
	struct gnttab_cache_flush *ops = fake_page(LIST_PAGE);
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	fake_give_page(dom0, 4, FAKE_MFN(4));
	for (unsigned int i = 0; i < 5; i++) {
		ops[i] = (struct gnttab_cache_flush){
			.a = {.dev_bus_addr = (uint64_t)FAKE_MFN(4) << PAGE_SHIFT},
			.length = 64,
			.op = GNTTAB_CACHE_CLEAN,
		};
	}
	fake_machine_interrupt_after(0);
	fake_machine_log_clear();
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, LIST, 5), 0);
	assert_int_equal(hc_restarts, 4);
	assert_int_equal(fake_machine_count("dc cvac"), 5);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, NOWHERE, 1),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, NOWHERE, 0), 0);
}

static void absent_operations(void **state)
{
	static const unsigned int absent[] = {
		GNTTABOP_map_grant_ref,
		GNTTABOP_unmap_grant_ref,
		GNTTABOP_dump_table,
		GNTTABOP_copy,
		GNTTABOP_unmap_and_replace,
		GNTTABOP_swap_grant_ref,
		13,
		0xfff,
	};
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++) {
		assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, absent[i], ARG, 1), -XEN_ENOSYS);
	}
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_transfer, ARG, 1),
			 -XEN_EOPNOTSUPP);
}

static void bad_commands_and_counts(void **state)
{
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, ARG, 0x80000000),
			 -XEN_EINVAL);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_query_size | 0x1000, ARG, 1),
			 -XEN_EINVAL);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, NOWHERE, 1),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, NOWHERE, 1),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_set_version, NOWHERE, 1),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_get_version, NOWHERE, 1),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_get_status_frames, NOWHERE, 1),
			 -XEN_EFAULT);
}

static void limits_of_the_table(void **state)
{
	(void)state;
	grant_domain_fini(other);
	assert_int_equal(grant_domain_init(other, 0, 16), -XEN_EINVAL);
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES + 1, 16), -XEN_EINVAL);
	fake_allocations_left = 0;
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES, 16), -XEN_ENOMEM);
	fake_allocations_left = 40;
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES, 16), 0);
	assert_int_equal(grant_grow(other, GRANT_MAX_FRAMES + 1), -XEN_ENOSPC);
	assert_int_equal(grant_grow(other, GRANT_MAX_FRAMES), -XEN_ENOMEM);
	assert_int_equal(other->grant.nr_frames, 40);
	assert_int_equal(grant_grow(other, 40), 0);
	fake_allocations_left = UINT32_MAX;
	assert_int_equal(grant_grow(other, GRANT_MAX_FRAMES), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(query_size_tells_frames_and_limit),
		HC_TEST(setup_table_grows_and_tells_where_frames_are),
		HC_TEST(version_is_one),
		HC_TEST(there_are_no_status_frames),
		HC_TEST(cache_flush_of_nothing_succeeds),
		HC_TEST(cache_flush_of_own_ram),
		HC_TEST(cache_flush_refuses),
		HC_TEST(cache_flush_list_is_continued),
		HC_TEST(absent_operations),
		HC_TEST(bad_commands_and_counts),
		HC_TEST(limits_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
