/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that Linux needs to come up, their errors, and the attributes that their buffers must have
 * (public/ headers; xen-abi-arm: "Hypercall ABI", "Who issues what").
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "hypercalls";
const bool guest_mmu_off;

#define NOWHERE ((void *)UINT64_C(0x7700000000))

static int64_t version_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_xen_version, command, argument);
}

static int64_t memory_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

static int64_t grant_op(unsigned int command, void *argument, unsigned int count)
{
	return hypercall(__HYPERVISOR_grant_table_op, command, (uintptr_t)argument, count, 0, 0);
}

static void version(void)
{
	xen_extraversion_t extra;
	xen_capabilities_info_t capabilities;
	xen_platform_parameters_t parameters;
	xen_domain_handle_t handle;
	xen_changeset_info_t changeset;
	struct xen_compile_info compile;

	REQUIRE_EQUAL(version_op(XENVER_version, NULL), 0x40011);
	memset(extra, 'x', sizeof(extra));
	REQUIRE_EQUAL(version_op(XENVER_extraversion, extra), 0);
	EXPECT(strnlen(extra, sizeof(extra)) < sizeof(extra), "extraversion is not terminated");
	REQUIRE_EQUAL(version_op(XENVER_capabilities, capabilities), 0);
	EXPECT(strstr(capabilities, "xen-3.0-aarch64 ") != NULL, "'%s'", capabilities);
	REQUIRE_EQUAL(version_op(XENVER_platform_parameters, &parameters), 0);
	EXPECT_EQUAL(version_op(XENVER_pagesize, NULL), 4096);
	EXPECT_EQUAL(version_op(XENVER_guest_handle, &handle), 0);
	EXPECT_EQUAL(version_op(XENVER_changeset, changeset), 0);
	EXPECT_EQUAL(version_op(XENVER_compile_info, &compile), 0);
	EXPECT_EQUAL(version_op(99, NULL), -XEN_ENOSYS);
	EXPECT_EQUAL(version_op(XENVER_extraversion, NOWHERE), -XEN_EFAULT);
}

static void features(void)
{
	struct xen_feature_info info = {.submap_idx = 0};

	REQUIRE_EQUAL(version_op(XENVER_get_features, &info), 0);
	EXPECT(info.submap & 1u << XENFEAT_auto_translated_physmap, "%#x", info.submap);
	EXPECT(info.submap & 1u << XENFEAT_ARM_SMCCC_supported, "%#x", info.submap);
	EXPECT(info.submap & 1u << XENFEAT_memory_op_vnode_supported, "%#x", info.submap);
	EXPECT((info.submap & 1u << XENFEAT_dom0) == 0, "%#x", info.submap);
	EXPECT((info.submap & 1u << 17) == 0, "direct-mapped: %#x", info.submap);
	EXPECT(info.submap & 1u << 16, "not said to be not direct-mapped: %#x", info.submap);
	info.submap_idx = 1;
	EXPECT_EQUAL(version_op(XENVER_get_features, &info), -XEN_EINVAL);
}

static void unknown_numbers(void)
{
	static const unsigned int numbers[] = {0,  1,  2,  3,  4,  5,  8,    9,         10, 11,
					       14, 15, 22, 23, 25, 26, 28,   31,        37, 38,
					       40, 43, 48, 55, 63, 64, 1000, 0xffffffff};

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t answer = hypercall(numbers[i], 0, 0, 0, 0, 0);

		EXPECT(answer == -XEN_ENOSYS, "number %u: %ld", numbers[i], answer);
	}
}

/* The numbers of 2005, of which Xen still answers these. */
static void compatibility_numbers(void)
{
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sched_op_compat, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_event_channel_op_compat, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_physdev_op_compat, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

static void unknown_operations(void)
{
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, 99, 0, 0, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, 0, 0, 0),
		     -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 99, 0, 0, 0),
		     -XEN_ENOENT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sched_op, 99, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(memory_op(61, NULL), -XEN_ENOSYS);
	EXPECT_EQUAL(grant_op(63, NULL, 1), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_hvm_op, 99, 0, 0, 0, 0), -XEN_ENOSYS);
}

static void privileged_calls_are_refused(void)
{
	uint32_t domctl[64] = {5, 0x15}, sysctl[64] = {3, 0x15};

	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)domctl, 0, 0, 0, 0), -XEN_EPERM);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)sysctl, 0, 0, 0, 0), -XEN_EPERM);
	EXPECT(hypercall(__HYPERVISOR_platform_op, (uintptr_t)domctl, 0, 0, 0, 0) < 0);
}

/* Version, domain and right are looked at in this order. */
static void toolstack_calls_in_order(void)
{
	static struct xen_domctl domctl;
	static struct xen_sysctl sysctl;
	static struct xen_platform_op platform;

	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)NOWHERE, 0, 0, 0, 0), -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)NOWHERE, 0, 0, 0, 0), -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_platform_op, (uintptr_t)NOWHERE, 0, 0, 0, 0),
		     -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_EACCES);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)&sysctl, 0, 0, 0, 0), -XEN_EACCES);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_platform_op, (uintptr_t)&platform, 0, 0, 0, 0),
		     -XEN_EACCES);
	domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	platform.interface_version = XENPF_INTERFACE_VERSION;
	domctl.cmd = XEN_DOMCTL_pausedomain;
	domctl.domain = 4711;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_ESRCH);
	domctl.domain = (domid_t)guest_argument("number", 1);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_EPERM);
	domctl.cmd = 999;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_EPERM);
	domctl.cmd = XEN_DOMCTL_getdomaininfo;
	domctl.domain = DOMID_SELF;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_EINVAL);
	domctl.domain = 4711;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_ESRCH);
	sysctl.cmd = 999;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)&sysctl, 0, 0, 0, 0), -XEN_EPERM);
	platform.cmd = 999;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_platform_op, (uintptr_t)&platform, 0, 0, 0, 0),
		     -XEN_EPERM);
}

static void what_is_not_for_everybody(void)
{
	static xen_commandline_t line;
	struct xen_build_id id = {.len = 0};

	memset(line, 'x', sizeof(line));
	EXPECT_EQUAL(version_op(XENVER_commandline, line), 0);
	EXPECT(strcmp(line, "<denied>") == 0 && line[9] == 'x', "'%.16s'", line);
	EXPECT_EQUAL(version_op(XENVER_build_id, NULL), -XEN_EPERM);
	EXPECT_EQUAL(version_op(XENVER_build_id, &id), -XEN_EPERM);
	EXPECT_EQUAL(version_op(XENVER_pagesize, &id), -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_dm_op, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_xsm_op, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_argo_op, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_physdev_op, 25, 0, 0, 0, 0), -XEN_ENOSYS);
}

static void vcpu_operations(void)
{
	/* The vCPU is looked for first. */
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, 99, 99, 0, 0, 0), -XEN_ENOENT);
	for (unsigned int op = 0; op < 16; op++) {
		if (op != VCPUOP_register_vcpu_info && op != VCPUOP_register_runstate_memory_area) {
			EXPECT(hypercall(__HYPERVISOR_vcpu_op, op, 0, 0, 0, 0) == -XEN_EINVAL,
			       "operation %u: %ld", op,
			       hypercall(__HYPERVISOR_vcpu_op, op, 0, 0, 0, 0));
		}
	}
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0,
			       (uintptr_t)NOWHERE, 0, 0),
		     -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			       (uintptr_t)NOWHERE, 0, 0),
		     -XEN_EFAULT);
}

static void hvm_parameters(void)
{
	struct xen_hvm_param parameter = {.domid = DOMID_SELF,
					  .index = HVM_PARAM_STORE_EVTCHN,
					  .value = 77};

	/* Unset ones read 0. */
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), 0);
	EXPECT_EQUAL(parameter.value, 0);
	parameter.index = HVM_PARAM_CALLBACK_IRQ;
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), 0);
	/* Xen sets it for "enhanced" domains only. */
	EXPECT(parameter.value == (UINT64_C(2) << 56 | 2 << 8 | PPI_UPCALL) ||
		       (!machine.tenon && parameter.value == 0),
	       "%#lx", parameter.value);
	parameter.index = HVM_PARAM_CONSOLE_PFN;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), 0);
	parameter.index = 12345;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), -XEN_EINVAL);
	/* Its own are not a domain's to set. */
	parameter.index = HVM_PARAM_STORE_PFN;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &parameter), -XEN_EPERM);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, NOWHERE), -XEN_EFAULT);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, NOWHERE), -XEN_EFAULT);
	parameter.index = HVM_PARAM_MONITOR_RING_PFN;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), -XEN_EPERM);
	parameter.index = 3;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &parameter), -XEN_EINVAL);
	parameter.domid = 4711;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter), -XEN_ESRCH);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_guest_request_vm_event, NULL), 0);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_guest_request_vm_event, &parameter),
		     -XEN_EINVAL);
}

static void shared_info_replaces_a_page(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = (uintptr_t)xen_spare_pages[0] >> PAGE_SHIFT,
	};
	struct xen_remove_from_physmap remove = {.domid = DOMID_SELF, .gpfn = add.gpfn};
	const struct shared_info *info = (const struct shared_info *)xen_spare_pages[0];
	volatile uint64_t *before = (volatile uint64_t *)xen_spare_pages[0];
	volatile uint64_t *behind = (volatile uint64_t *)xen_spare_pages[1];

	*before = 0x1111;
	*behind = 0x2222;
	REQUIRE_EQUAL(memory_op(XENMEM_add_to_physmap, &add), 0);
	/* The page is another one now, and its neighbour, which was mapped by the same block, is not. */
	EXPECT_EQUAL(info->evtchn_pending[0], 0);
	EXPECT(*before != 0x1111);
	EXPECT_EQUAL(*behind, 0x2222);
	/* vCPU 0's vcpu_info is there until one is registered. */
	EXPECT_EQUAL(info->vcpu_info[0].evtchn_upcall_pending, 0);
	/* While it is mapped it is not mapped again elsewhere. */
	add.gpfn++;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &add), -XEN_EBUSY);
	EXPECT_EQUAL(*behind, 0x2222);
	REQUIRE_EQUAL(memory_op(XENMEM_remove_from_physmap, &remove), 0);
	/* A hole now. */
	EXPECT_EQUAL(memory_op(XENMEM_remove_from_physmap, &remove), -XEN_ENOENT);
	add.space = 77;
	EXPECT(memory_op(XENMEM_add_to_physmap, &add) < 0);
	add = (struct xen_add_to_physmap){.domid = DOMID_SELF,
					  .space = XENMAPSPACE_gmfn,
					  .idx = add.gpfn,
					  .gpfn = add.gpfn + 1};
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &add), -XEN_ENOSYS);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, NOWHERE), -XEN_EFAULT);
}

static void wall_clock_is_readable(void)
{
	const struct shared_info *info = xen_shared_info();

	REQUIRE(info != NULL);
	REQUIRE((READ_ONCE(info->wc_version) & 1) == 0, "%u", info->wc_version);
	REQUIRE(READ_ONCE(info->wc_nsec) < 1000000000);
}

static void vcpu_info_registration(void)
{
	struct vcpu_register_vcpu_info wrong = {
		.mfn = (uintptr_t)xen_spare_pages[2] >> PAGE_SHIFT,
		.offset = 4096 - 16,
	};

	REQUIRE(xen_shared_info() != NULL);
	EXPECT(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uintptr_t)&wrong, 0,
			 0) < 0,
	       "one that crosses a page");
	wrong.offset = 4;
	EXPECT(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uintptr_t)&wrong, 0,
			 0) < 0,
	       "one that is not aligned");
	wrong = (struct vcpu_register_vcpu_info){.mfn = 0x7777777};
	EXPECT(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uintptr_t)&wrong, 0,
			 0) < 0,
	       "one in no memory");
	REQUIRE(xen_vcpu_info(0) != NULL);
	/* So that nothing gets lost: an upcall, all words selected. */
	EXPECT_EQUAL(xen_vcpu_info(0)->evtchn_upcall_pending, 1);
	EXPECT_EQUAL(xen_vcpu_info(0)->evtchn_pending_sel, ~UINT64_C(0));
	wrong = (struct vcpu_register_vcpu_info){.mfn = (uintptr_t)xen_spare_pages[2] >> PAGE_SHIFT};
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0,
			       (uintptr_t)&wrong, 0, 0),
		     -XEN_EINVAL);
}

static void runstate_area(void)
{
	static struct vcpu_runstate_info runstate __aligned(64);
	struct vcpu_register_runstate_memory_area area = {.addr.v = NULL};

	set_xen_guest_handle(area.addr.h, &runstate);
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
				(uintptr_t)&area, 0, 0),
		      0);
	EXPECT_EQUAL(READ_ONCE(runstate.state), RUNSTATE_running);
	EXPECT(READ_ONCE(runstate.state_entry_time) != 0);
	for (unsigned int i = 0; i < 5; i++) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
	EXPECT_EQUAL(READ_ONCE(runstate.state), RUNSTATE_running);
}

static void grant_table_set_up(void)
{
	struct gnttab_query_size query = {.dom = DOMID_SELF};
	struct gnttab_set_version set = {.version = 1};
	struct gnttab_get_version get = {.dom = DOMID_SELF};
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.idx = 0,
		.gpfn = (uintptr_t)xen_spare_pages[3] >> PAGE_SHIFT,
	};
	const volatile uint64_t *entries = (const volatile uint64_t *)xen_spare_pages[3];
	/* The boot option gnttab_max_frames. */
	const uint32_t max_frames = (uint32_t)guest_argument("frames", 64);

	REQUIRE_EQUAL(grant_op(GNTTABOP_query_size, &query, 1), 0);
	EXPECT_EQUAL(query.status, 0);
	EXPECT(query.nr_frames >= 1 && query.max_nr_frames == max_frames, "%u of %u frames",
	       query.nr_frames, query.max_nr_frames);
	EXPECT_EQUAL(grant_op(GNTTABOP_query_size, &query, 2), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_set_version, &set, 1), 0);
	EXPECT_EQUAL(grant_op(GNTTABOP_get_version, &get, 1), 0);
	EXPECT_EQUAL(get.version, 1);
	set.version = 2;
	EXPECT(grant_op(GNTTABOP_set_version, &set, 1) < 0);
	set.version = 3;
	EXPECT_EQUAL(grant_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
	memset(xen_spare_pages[3], 0x55, PAGE_SIZE);
	REQUIRE_EQUAL(memory_op(XENMEM_add_to_physmap, &add), 0);
	for (unsigned int i = 0; i < 512; i++) {
		REQUIRE(entries[i] == 0, "entry %u is %#lx", i, entries[i]);
	}
	/* The table grows when a later frame is mapped. */
	add.idx = 3;
	add.gpfn = (uintptr_t)xen_spare_pages[4] >> PAGE_SHIFT;
	REQUIRE_EQUAL(memory_op(XENMEM_add_to_physmap, &add), 0);
	REQUIRE_EQUAL(grant_op(GNTTABOP_query_size, &query, 1), 0);
	EXPECT_EQUAL(query.nr_frames, 4);
	add.idx = max_frames;
	add.gpfn = (uintptr_t)xen_spare_pages[5] >> PAGE_SHIFT;
	EXPECT(memory_op(XENMEM_add_to_physmap, &add) < 0);
}

/* Linux asks whether it is there, with an operation that does nothing. */
static void grant_cache_flush_probe(void)
{
	struct gnttab_cache_flush flush = {.op = 0};

	REQUIRE_EQUAL(grant_op(GNTTABOP_cache_flush, &flush, 1), 0);
}

static void scheduling(void)
{
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL), 0);
	for (unsigned int i = 0; i < 100; i++) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

static void enabling_assists(void)
{
	int64_t rc = hypercall(__HYPERVISOR_vm_assist, 0, 5, 0, 0, 0);

	EXPECT(rc == 0 || rc == -XEN_ENOSYS, "%ld", rc);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vm_assist, VMASST_CMD_disable, 5, 0, 0, 0), 0);
	/* The type is looked at before the command. */
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 4, 0, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 64, 0, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vm_assist, 9, 4, 0, 0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vm_assist, 9, 5, 0, 0, 0), -XEN_ENOSYS);
}

static void multicall(void)
{
	struct multicall_entry calls[4] = {
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
		{.op = 999},
		{.op = __HYPERVISOR_xen_version, .args = {99}},
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}},
	};

	REQUIRE_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 4, 0, 0, 0), 0);
	EXPECT_EQUAL(calls[0].result, 0x40011);
	EXPECT_EQUAL(calls[1].result, -XEN_ENOSYS);
	EXPECT_EQUAL(calls[2].result, -XEN_ENOSYS);
	EXPECT_EQUAL(calls[3].result, 4096);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 0, 0, 0, 0), 0);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)NOWHERE, 1, 0, 0, 0), -XEN_EFAULT);
	/* One inside another fails alone. */
	calls[0] = (struct multicall_entry){.op = __HYPERVISOR_multicall,
					    .args = {(uintptr_t)&calls[2], 1}};
	calls[1] = (struct multicall_entry){.op = __HYPERVISOR_xen_version,
					    .args = {XENVER_extraversion, (uintptr_t)NOWHERE}};
	calls[2] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .result = 77};
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 2, 0, 0, 0), 0);
	EXPECT_EQUAL(calls[0].result, -XEN_EINVAL);
	EXPECT_EQUAL(calls[1].result, -XEN_EFAULT);
	EXPECT_EQUAL(calls[2].result, 77);
}

/* Every entry is done, whatever interrupts come in the meantime: a long list is continued. */
static struct multicall_entry many[2000];

static void long_multicall_with_interrupts(void)
{
	uint32_t nr_ticks = 0;

	/* How long the list takes is the machine's affair. */
	for (unsigned int round = 0; round < 20 && nr_ticks < 5; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
			many[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version,
							   .args = {i % 2 ? XENVER_pagesize
									  : XENVER_version}};
		}
		ticks_start(50);
		REQUIRE_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)many, ARRAY_SIZE(many),
					0, 0, 0),
			      0);
		ticks_stop();
		nr_ticks = ticks_in_calls();
		for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
			REQUIRE(many[i].result == (i % 2 ? 4096 : 0x40011), "entry %u: %#lx", i,
				(uint64_t)many[i].result);
		}
	}
	EXPECT(nr_ticks > 4, "the list is interrupted %u times", nr_ticks);
}

static void memory_accounting(void)
{
	domid_t self = DOMID_SELF;
	int64_t pages = memory_op(XENMEM_current_reservation, &self);

	EXPECT(pages >= (int64_t)(machine.ram_size >> PAGE_SHIFT) - 16 &&
		       pages <= (int64_t)(machine.ram_size >> PAGE_SHIFT) + 16,
	       "%ld pages", pages);
	EXPECT(memory_op(XENMEM_maximum_reservation, &self) >= pages);
	EXPECT(memory_op(XENMEM_maximum_gpfn, &self) >=
	       (int64_t)((machine.ram_start + machine.ram_size) >> PAGE_SHIFT) - 1);
}

static void give_back_and_take_memory(void)
{
	xen_pfn_t frames[2] = {(uintptr_t)xen_spare_pages[6] >> PAGE_SHIFT,
			       (uintptr_t)xen_spare_pages[7] >> PAGE_SHIFT};
	struct xen_memory_reservation reservation = {.nr_extents = 2,
						     .extent_order = 0,
						     .domid = DOMID_SELF};
	const volatile uint64_t *page = (const volatile uint64_t *)xen_spare_pages[6];

	set_xen_guest_handle(reservation.extent_start, frames);
	memset(xen_spare_pages[6], 0x77, PAGE_SIZE);
	REQUIRE_EQUAL(memory_op(XENMEM_decrease_reservation, &reservation), 2);
	REQUIRE_EQUAL(memory_op(XENMEM_populate_physmap, &reservation), 2);
	/* Xen scrubs what is freed, and before that whatever it booted with shows through. */
	for (unsigned int i = 0; i < 512 && machine.tenon; i++) {
		REQUIRE(page[i] == 0, "word %u of the new page is %#lx", i, page[i]);
	}
}

static void console_write(void)
{
	static const char text[] = "INFO by console_io\n";

	/* A dom0less domain may; Xen drops it in release builds. */
	EXPECT(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, sizeof(text) - 1,
			 (uintptr_t)text, 0, 0) >= 0);
	EXPECT(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 5, (uintptr_t)NOWHERE, 0, 0) < 0);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_console_io, 99, 0, 0, 0, 0), -XEN_ENOSYS);
}

/* A buffer may cross pages that are not neighbours in the guest's memory, as on a kernel's mapped stack. */
static void buffer_across_pages(void)
{
	uint64_t va = mmu_spare_page(0);
	struct multicall_entry *calls = (struct multicall_entry *)(uintptr_t)(va + 4096 - 32);

	REQUIRE(mmu_map_page(va, (uintptr_t)xen_spare_pages[2], MMU_WRITE_BACK));
	REQUIRE(mmu_map_page(va + 4096, (uintptr_t)xen_spare_pages[1], MMU_WRITE_BACK));
	*calls = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 1, 0, 0, 0), 0);
	EXPECT_EQUAL(calls->result, 0x40011);
	/* Its second half is not there. */
	REQUIRE(mmu_map_page(va + 4096, 0, MMU_UNMAPPED));
	EXPECT_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 1, 0, 0, 0), -XEN_EFAULT);
}

/* Allocation hints are free: the transient Write-Back type is as good (C3). */
static void transient_write_back_buffer(void)
{
	uint64_t va = mmu_spare_page(4);

	REQUIRE(mmu_map_page(va, (uintptr_t)xen_spare_pages[2], MMU_WRITE_BACK_TRANSIENT));
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)(uintptr_t)va), 0);
}

/*
 * Any other memory type is refused, where the stage 2 does not force Write-Back anyway (C3). Xen reads and
 * writes it through its own cacheable mapping, which is what this rule is against.
 */
static void non_cacheable_buffer(void)
{
	uint64_t va = mmu_spare_page(5);
	bool forced = guest_has_argument("fwb");

	REQUIRE(mmu_map_page(va, (uintptr_t)xen_spare_pages[2], MMU_NON_CACHEABLE));
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)(uintptr_t)va),
		     forced ? 0 : -XEN_EINVAL);
	REQUIRE(mmu_map_page(va, (uintptr_t)xen_spare_pages[2], MMU_WRITE_THROUGH));
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)(uintptr_t)va),
		     forced ? 0 : -XEN_EINVAL);
	REQUIRE(mmu_map_page(va, (uintptr_t)xen_spare_pages[2], MMU_DEVICE));
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)(uintptr_t)va),
		     forced ? 0 : -XEN_EINVAL);
}

/* Results are written where the guest may write, not through its read-only views or into its devices. */
static void bad_buffers(void)
{
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)UINT64_C(0x03001000)), -XEN_EFAULT);
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)UINT64_C(0x30000000)), -XEN_EFAULT);
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)~UINT64_C(0)), -XEN_EFAULT);
	EXPECT_EQUAL(version_op(XENVER_extraversion, (void *)UINT64_C(0xffff000000000000)),
		     -XEN_EFAULT);
}

const struct guest_case guest_cases[] = {
	CASE(version),
	CASE(features),
	CASE(unknown_numbers),
	CASE(compatibility_numbers, .flags = TENON_ONLY),
	CASE(unknown_operations),
	CASE(privileged_calls_are_refused),
	CASE(toolstack_calls_in_order),
	CASE(what_is_not_for_everybody),
	CASE(vcpu_operations),
	CASE(hvm_parameters),
	CASE(shared_info_replaces_a_page),
	CASE(wall_clock_is_readable),
	CASE(vcpu_info_registration),
	CASE(runstate_area),
	CASE(grant_table_set_up),
	CASE(grant_cache_flush_probe),
	CASE(scheduling),
	CASE(enabling_assists),
	CASE(multicall),
	CASE(long_multicall_with_interrupts),
	CASE(memory_accounting),
	CASE(give_back_and_take_memory),
	CASE(console_write),
	CASE(buffer_across_pages),
	CASE(transient_write_back_buffer),
	CASE(non_cacheable_buffer, .flags = TENON_ONLY),
	CASE(bad_buffers),
	CASE_END,
};
