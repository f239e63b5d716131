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

static void a_large_table_is_made_in_steps(void **state)
{
	struct gnttab_setup_table op = {.dom = DOMID_SELF,
					.nr_frames = 30,
					.frame_list = {.q = LIST}};

	(void)state;
	grant_domain_fini(domu);
	grant_domain_free(domu);
	assert_int_equal(grant_domain_init(domu, GRANT_MAX_FRAMES, 16), 0);
	fake_machine_interrupt_after(0);
	assert_int_equal(GRANT(domu->vcpu[0], setup_table, op), 0);
	assert_int_equal(hc_restarts, 3);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(domu->grant.nr_frames, 30);
}

static void version_is_one(void **state)
{
	struct gnttab_set_version set = {.version = 1};
	struct gnttab_get_version get = {.dom = DOMID_SELF};
	uint64_t *entry = (uint64_t *)(void *)domu->grant.frame[0];

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
	/* Nobody's, and then somebody else's who has not granted it. */
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EPERM);
	fake_give_page(domu, 4, 100);
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), -XEN_EINVAL);
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

/* ---- lists -------------------------------------------------------------------------------- */

static void permit(struct domain *d, unsigned int ref, const struct domain *to, uint32_t g)
{
	d->grant.frame[ref / GRANT_ENTRIES_PER_FRAME][ref % GRANT_ENTRIES_PER_FRAME] =
		(struct grant_entry_v1){
			.flags = GTF_permit_access,
			.domid = to->id,
			.frame = g,
		};
}

static uint16_t flags_of(const struct domain *d, unsigned int ref)
{
	return d->grant.frame[ref / GRANT_ENTRIES_PER_FRAME][ref % GRANT_ENTRIES_PER_FRAME].flags;
}

static void map_and_unmap_lists_are_continued(void **state)
{
	struct gnttab_map_grant_ref *maps = fake_page(LIST_PAGE);
	struct gnttab_unmap_grant_ref *unmaps = fake_page(LIST_PAGE);
	grant_handle_t handles[5];
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	fake_give_page(domu, 4, 100);
	permit(domu, 9, dom0, 100);
	for (unsigned int i = 0; i < 5; i++) {
		maps[i] = (struct gnttab_map_grant_ref){
			.host_addr = (200 + i) * PAGE_SIZE,
			.flags = GNTMAP_host_map,
			.ref = i == 3 ? 10 : 9,
			.dom = domu->id,
			.status = 77,
		};
	}
	fake_machine_interrupt_after(0);
	/* A pin that has to wait ends the call before its entry is done. */
	fake_pin_restarts = 2;
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, LIST, 5), 0);
	assert_int_equal(hc_restarts, 2 + 4);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(maps[i].status, i == 3 ? GNTST_general_error : GNTST_okay);
		assert_int_equal(maps[i].host_addr, (200 + i) * PAGE_SIZE);
		handles[i] = maps[i].handle;
	}
	assert_int_equal(fake_extra_refs(4), 4);
	assert_int_equal(flags_of(domu, 9), GTF_permit_access | GTF_reading | GTF_writing);
	for (unsigned int i = 0; i < 5; i++) {
		unmaps[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = (200 + i) * PAGE_SIZE,
			.handle = i == 3 ? 0x7fffffff : handles[i],
			.status = 77,
		};
	}
	assert_int_equal(hc(v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, LIST, 5), 0);
	assert_int_equal(hc_restarts, 4);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(unmaps[i].status, i == 3 ? GNTST_bad_handle : GNTST_okay);
	}
	assert_int_equal(fake_extra_refs(4), 0);
	assert_int_equal(flags_of(domu, 9), GTF_permit_access);
}

static void map_that_cannot_be_told_is_undone(void **state)
{
	struct gnttab_map_grant_ref op = {
		.flags = GNTMAP_host_map,
		.ref = 9,
		.dom = domu->id,
	};
	enum stage2_type type;
	mfn_t m;

	(void)state;
	fake_give_page(domu, 4, 100);
	permit(domu, 9, dom0, 100);
	fake_set_access(ARG_PAGE, FAKE_READ_ONLY);
	assert_int_equal(GRANT(dom0->vcpu[0], map_grant_ref, op), -XEN_EFAULT);
	assert_int_equal(fake_extra_refs(4), 0);
	assert_int_equal(flags_of(domu, 9), GTF_permit_access);
	assert_false(fake_is_mapped(dom0, 0, &m, &type));
}

static void unmap_and_replace_only_unmaps(void **state)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = 200 * PAGE_SIZE,
		.flags = GNTMAP_host_map,
		.ref = 9,
		.dom = domu->id,
	};
	struct gnttab_unmap_and_replace op = {.host_addr = 200 * PAGE_SIZE, .new_addr = PAGE_SIZE};

	(void)state;
	fake_give_page(domu, 4, 100);
	permit(domu, 9, dom0, 100);
	assert_int_equal(GRANT(dom0->vcpu[0], map_grant_ref, map), 0);
	op.handle = map.handle;
	assert_int_equal(GRANT(dom0->vcpu[0], unmap_and_replace, op), 0);
	assert_int_equal(op.status, GNTST_general_error);
	assert_int_equal(fake_extra_refs(4), 1);
	op.new_addr = 0;
	assert_int_equal(GRANT(dom0->vcpu[0], unmap_and_replace, op), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(fake_extra_refs(4), 0);
}

static void copy_and_swap_lists(void **state)
{
	struct gnttab_copy *copies = fake_page(LIST_PAGE);
	struct gnttab_swap_grant_ref *swaps = fake_page(LIST_PAGE);
	uint8_t *page = fake_page(4);

	(void)state;
	fake_give_page(domu, 4, 100);
	fake_give_page(dom0, 5, 100);
	permit(domu, 9, dom0, 100);
	memcpy(fake_page(5), "abcdefgh", 8);
	for (unsigned int i = 0; i < 4; i++) {
		copies[i] = (struct gnttab_copy){
			.source = {.u.gmfn = 100, .domid = DOMID_SELF, .offset = (uint16_t)i},
			.dest = {.u.ref = 9, .domid = domu->id, .offset = (uint16_t)(8 - i)},
			.len = 1,
			.flags = GNTCOPY_dest_gref,
			.status = 77,
		};
	}
	copies[2].len = 4096;
	fake_machine_interrupt_after(0);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_grant_table_op, GNTTABOP_copy, LIST, 4), 0);
	assert_int_equal(hc_restarts, 3);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(copies[i].status, i == 2 ? GNTST_bad_copy_arg : GNTST_okay);
	}
	assert_int_equal(page[8], 'a');
	assert_int_equal(page[7], 'b');
	assert_int_equal(page[6], 0);
	assert_int_equal(page[5], 'd');
	assert_int_equal(flags_of(domu, 9), GTF_permit_access);
	swaps[0] = (struct gnttab_swap_grant_ref){.ref_a = 9, .ref_b = 77, .status = 77};
	swaps[1] = (struct gnttab_swap_grant_ref){.ref_a = 9, .ref_b = 512, .status = 77};
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref,
			    LIST, 2),
			 0);
	assert_int_equal(swaps[0].status, GNTST_okay);
	assert_int_equal(swaps[1].status, GNTST_bad_gntref);
	assert_int_equal(flags_of(domu, 9), 0);
	assert_int_equal(flags_of(domu, 77), GTF_permit_access);
}

/* Both sides of a copy, and who maps. */
static void unprivileged_domains_are_kept_apart(void **state)
{
	struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .ref = 9, .dom = other->id};
	struct gnttab_copy copy = {
		.source = {.u.ref = 9, .domid = other->id},
		.dest = {.u.ref = 9, .domid = other->id},
		.len = 8,
		.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
	};

	(void)state;
	fake_give_page(other, 4, 100);
	permit(other, 9, domu, 100);
	assert_int_equal(GRANT(domu->vcpu[0], map_grant_ref, map), 0);
	assert_int_equal(map.status, GNTST_permission_denied);
	/* Xen asks whether the two ends may talk to each other, and forgets the caller. */
	assert_int_equal(GRANT(domu->vcpu[0], copy, copy), 0);
	assert_int_equal(copy.status, GNTST_permission_denied);
	policy_set_silo(false);
	assert_int_equal(GRANT(domu->vcpu[0], copy, copy), 0);
	assert_int_equal(copy.status, GNTST_okay);
}

/* Of a frame that is mapped by grant, by whatever entry: they are searched a part at a time. */
static void cache_flush_finds_what_is_mapped_by_grant(void **state)
{
	const unsigned int far = 11 * GRANT_ENTRIES_PER_FRAME + 7;
	struct gnttab_map_grant_ref map = {
		.host_addr = 200 * PAGE_SIZE,
		.flags = GNTMAP_host_map,
		.ref = far,
		.dom = other->id,
	};
	struct gnttab_cache_flush op = {
		.a = {.dev_bus_addr = (uint64_t)FAKE_MFN(4) << PAGE_SHIFT},
		.length = 64,
		.op = GNTTAB_CACHE_CLEAN,
	};

	(void)state;
	grant_domain_fini(other);
	grant_domain_free(other);
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES, 1), 0);
	assert_int_equal(grant_grow(other, 12), 0);
	fake_give_page(other, 4, 100);
	permit(other, far, dom0, 100);
	assert_int_equal(GRANT(dom0->vcpu[0], map_grant_ref, map), 0);
	assert_int_equal(map.status, GNTST_okay);
	fake_machine_interrupt_after(0);
	fake_machine_log_clear();
	assert_int_equal(GRANT(dom0->vcpu[0], cache_flush, op), 0);
	assert_int_equal(hc_restarts, 1);
	assert_int_equal(fake_machine_count("dc cvac"), 1);
	/* Not behind where the search begins; what is continued must be something that is done. */
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_grant_table_op,
			    GNTTABOP_cache_flush | 0x2000, ARG, 1),
			 -XEN_EINVAL);
	assert_int_equal(GRANT(domu->vcpu[0], cache_flush, op), -XEN_EINVAL);
	op.length = 0;
	memcpy(fake_page(ARG_PAGE), &op, sizeof(op));
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_grant_table_op,
			    GNTTABOP_cache_flush | 0x1000, ARG, 1),
			 -XEN_EILSEQ);
	assert_int_equal(grant_unmap(dom0, map.handle, map.host_addr, 0), GNTST_okay);
	assert_int_equal(fake_extra_refs(4), 0);
}

static void absent_operations(void **state)
{
	static const unsigned int absent[] = {
		GNTTABOP_dump_table,
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
	grant_domain_free(other);
	assert_int_equal(grant_domain_init(other, 0, 16), -XEN_EINVAL);
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES + 1, 16), -XEN_EINVAL);
	fake_allocations_left = 0;
	assert_int_equal(grant_domain_init(other, GRANT_MAX_FRAMES, 16), -XEN_ENOMEM);
	assert_int_equal(grant_domain_init(other, 1, GRANT_MAX_MAPTRACK_FRAMES + 1), -XEN_EINVAL);
	/* Each frame comes with one of Tenon's own. */
	fake_allocations_left = 2 * 40 + 1;
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
		HC_TEST(a_large_table_is_made_in_steps),
		HC_TEST(version_is_one),
		HC_TEST(there_are_no_status_frames),
		HC_TEST(cache_flush_of_nothing_succeeds),
		HC_TEST(cache_flush_of_own_ram),
		HC_TEST(cache_flush_refuses),
		HC_TEST(cache_flush_list_is_continued),
		HC_TEST(map_and_unmap_lists_are_continued),
		HC_TEST(map_that_cannot_be_told_is_undone),
		HC_TEST(unmap_and_replace_only_unmaps),
		HC_TEST(copy_and_swap_lists),
		HC_TEST(unprivileged_domains_are_kept_apart),
		HC_TEST(cache_flush_finds_what_is_mapped_by_grant),
		HC_TEST(absent_operations),
		HC_TEST(bad_commands_and_counts),
		HC_TEST(limits_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
