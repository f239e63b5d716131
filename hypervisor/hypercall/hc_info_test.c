/* SPDX-License-Identifier: MIT */
/* xen_version, hvm_op, console_io, vm_assist, platform_op and the wall clock, and what is
 * absent. */
#include "hypercall/hc_test.h"

#include "arm64/cpu.h"
#include "time/wallclock.h"

#define SECOND UINT64_C(1000000000)

static int64_t version(struct vcpu *v, unsigned int op, uint64_t arg)
{
	memset(fake_page(ARG_PAGE), 0x55, 4096);
	return hc(v, __HYPERVISOR_xen_version, op, arg, 0);
}

/* ---- xen_version ---------------------------------------------------------------------------- */

static void version_is_that_of_xen_4_17(void **state)
{
	const char *text = fake_page(ARG_PAGE);
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(version(v, XENVER_version, 0), 4 << 16 | 17);
	assert_int_equal(version(v, XENVER_extraversion, ARG), 0);
	assert_string_equal(text, ".0-tenon");
	assert_int_equal(text[15], 0);
	assert_int_equal(text[16], 0x55);
	assert_int_equal(version(v, XENVER_changeset, ARG), 0);
	assert_true(strlen(text) < 64);
	assert_int_equal(text[64], 0x55);
	assert_int_equal(version(v, XENVER_compile_info, ARG), 0);
	assert_true(strlen(text) > 0 && strlen(text) < 64);
	assert_int_equal(text[sizeof(struct xen_compile_info)], 0x55);
	assert_int_equal(version(v, XENVER_capabilities, ARG), 0);
	assert_string_equal(text, "xen-3.0-aarch64 xen-3.0-armv7l ");
	assert_int_equal(text[1023], 0);
	assert_int_equal(text[1024], 0x55);
	cpu_features.aarch32_el1 = false;
	assert_int_equal(version(v, XENVER_capabilities, ARG), 0);
	assert_string_equal(text, "xen-3.0-aarch64 ");
	assert_int_equal(version(v, XENVER_platform_parameters, ARG), 0);
	assert_int_equal(*(const uint64_t *)text, 0);
	assert_int_equal(version(v, XENVER_guest_handle, ARG), 0);
	assert_memory_equal(text, domu->handle, 16);
}

static void pagesize_wants_no_argument(void **state)
{
	(void)state;
	assert_int_equal(version(domu->vcpu[0], XENVER_pagesize, 0), 4096);
	assert_int_equal(version(domu->vcpu[0], XENVER_pagesize, ARG), -XEN_EINVAL);
}

static uint32_t features_of(struct vcpu *v)
{
	struct xen_feature_info info = {.submap_idx = 0};

	assert_int_equal(hc_arg(v, __HYPERVISOR_xen_version, XENVER_get_features, &info,
				sizeof(info)),
			 0);
	return info.submap;
}

static void features_tell_who_is_direct_mapped(void **state)
{
	const uint32_t common = 1u << 0 | 1u << 2 | 1u << 13 | 1u << 14;
	struct xen_feature_info info = {.submap_idx = 1};

	(void)state;
	assert_int_equal(features_of(dom0->vcpu[0]), common | 1u << 11 | 1u << 17);
	assert_int_equal(features_of(domu->vcpu[0]), common | 1u << 16);
	domu->direct_mapped = true;
	assert_int_equal(features_of(domu->vcpu[0]), common | 1u << 17);
	assert_int_equal(hc_arg(domu->vcpu[0], __HYPERVISOR_xen_version, XENVER_get_features, &info,
				sizeof(info)),
			 -XEN_EINVAL);
}

static void command_line_is_for_the_privileged(void **state)
{
	char longer[2000];
	const char *text = fake_page(ARG_PAGE);

	(void)state;
	hypercall_set_command_line("dom0_mem=512M noreboot");
	assert_int_equal(version(dom0->vcpu[0], XENVER_commandline, ARG), 0);
	assert_string_equal(text, "dom0_mem=512M noreboot");
	assert_int_equal(text[1024], 0x55);
	assert_int_equal(version(domu->vcpu[0], XENVER_commandline, ARG), 0);
	assert_string_equal(text, "<denied>");
	assert_int_equal(text[9], 0x55);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	hypercall_set_command_line(longer);
	assert_int_equal(version(dom0->vcpu[0], XENVER_commandline, ARG), 0);
	assert_int_equal(strlen(text), 1023);
	hypercall_set_command_line(NULL);
	assert_int_equal(version(dom0->vcpu[0], XENVER_commandline, ARG), 0);
	assert_string_equal(text, "");
}

static void there_is_no_build_id(void **state)
{
	uint32_t *len = fake_page(LIST_PAGE);

	(void)state;
	assert_int_equal(version(dom0->vcpu[0], XENVER_build_id, 0), -XEN_ENODATA);
	*len = 20;
	assert_int_equal(version(dom0->vcpu[0], XENVER_build_id, LIST), -XEN_ENODATA);
	*len = 0;
	assert_int_equal(version(dom0->vcpu[0], XENVER_build_id, LIST), -XEN_EINVAL);
	assert_int_equal(version(dom0->vcpu[0], XENVER_build_id, NOWHERE), -XEN_EFAULT);
	assert_int_equal(version(domu->vcpu[0], XENVER_build_id, 0), -XEN_EPERM);
}

static void version_buffers_must_be_accessible(void **state)
{
	static const unsigned int ops[] = {
		XENVER_extraversion, XENVER_compile_info,        XENVER_capabilities,
		XENVER_changeset,    XENVER_platform_parameters, XENVER_get_features,
		XENVER_guest_handle, XENVER_commandline,
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_int_equal(version(dom0->vcpu[0], ops[i], NOWHERE), -XEN_EFAULT);
		assert_int_equal(version(domu->vcpu[0], ops[i], NOWHERE), -XEN_EFAULT);
	}
	assert_int_equal(version(domu->vcpu[0], 11, ARG), -XEN_ENOSYS);
}

/* ---- hvm_op --------------------------------------------------------------------------------- */

static int64_t param(struct vcpu *v, unsigned int op, uint16_t domid, uint32_t index,
		     uint64_t *value)
{
	struct xen_hvm_param arg = {.domid = domid, .index = index, .value = *value};
	int64_t ret = hc_arg(v, __HYPERVISOR_hvm_op, op, &arg, sizeof(arg));

	*value = arg.value;
	return ret;
}

static void parameters_are_set_by_the_toolstack_and_read_by_the_guest(void **state)
{
	static const uint32_t readable[] = {0, 1, 2, 17, 18};
	uint64_t value;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(readable); i++) {
		/* Never set: 0, with success. */
		value = 99;
		assert_int_equal(param(domu->vcpu[0], HVMOP_get_param, DOMID_SELF, readable[i],
				       &value),
				 0);
		assert_int_equal(value, 0);
		value = 0x1000 + i;
		assert_int_equal(param(dom0->vcpu[0], HVMOP_set_param, 1, readable[i], &value), 0);
		value = 0;
		assert_int_equal(param(domu->vcpu[0], HVMOP_get_param, DOMID_SELF, readable[i],
				       &value),
				 0);
		assert_int_equal(value, 0x1000 + i);
		assert_int_equal(param(domu->vcpu[0], HVMOP_set_param, DOMID_SELF, readable[i],
				       &value),
				 -XEN_EPERM);
		assert_int_equal(param(other->vcpu[0], HVMOP_get_param, 1, readable[i], &value),
				 -XEN_EPERM);
		assert_int_equal(param(other->vcpu[0], HVMOP_set_param, 1, readable[i], &value),
				 -XEN_EPERM);
	}
	/* Dom0's own are set by Tenon. */
	assert_int_equal(param(dom0->vcpu[0], HVMOP_set_param, DOMID_SELF, 1, &value), -XEN_EPERM);
}

static void monitor_ring_is_the_toolstacks_alone(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_int_equal(param(dom0->vcpu[0], HVMOP_set_param, 1, HVM_PARAM_MONITOR_RING_PFN, &value),
			 0);
	assert_int_equal(param(dom0->vcpu[0], HVMOP_get_param, 1, HVM_PARAM_MONITOR_RING_PFN, &value),
			 0);
	assert_int_equal(value, 5);
	assert_int_equal(param(domu->vcpu[0], HVMOP_get_param, 1, HVM_PARAM_MONITOR_RING_PFN, &value),
			 -XEN_EPERM);
}

static void other_parameters_do_not_exist(void **state)
{
	static const uint32_t indices[] = {3, 4, 16, 19, 27, 29, 38, 39, 40, 1000, UINT32_MAX};
	uint64_t value = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(indices); i++) {
		assert_int_equal(param(dom0->vcpu[0], HVMOP_get_param, 1, indices[i], &value),
				 -XEN_EINVAL);
		assert_int_equal(param(dom0->vcpu[0], HVMOP_set_param, 1, indices[i], &value),
				 -XEN_EINVAL);
		assert_int_equal(param(domu->vcpu[0], HVMOP_get_param, 1, indices[i], &value),
				 -XEN_EINVAL);
	}
	assert_int_equal(param(dom0->vcpu[0], HVMOP_get_param, 9, 1, &value), -XEN_ESRCH);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_hvm_op, HVMOP_get_param, NOWHERE, 0),
			 -XEN_EFAULT);
	fake_set_access(ARG_PAGE, FAKE_READ_ONLY);
	assert_int_equal(param(domu->vcpu[0], HVMOP_get_param, 1, 1, &value), -XEN_EFAULT);
}

/* ---- console_io ----------------------------------------------------------------------------- */

static void console_is_written_in_chunks(void **state)
{
	char *text = fake_page(LIST_PAGE);

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		text[i] = (char)('a' + i % 26);
	}
	fake_machine_interrupt_after(2);
	fake_console_congested = 3;
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_write, 1000, LIST), 0);
	assert_true(hc_restarts >= 3);
	assert_int_equal(fake_console_output_length, 1000);
	assert_memory_equal(fake_console_output, text, 1000);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_write, 0, NOWHERE), 0);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_write, 1, NOWHERE),
			 -XEN_EFAULT);
}

static void console_is_read_until_it_is_empty(void **state)
{
	static char input[301];
	char *text = fake_page(LIST_PAGE);
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	assert_int_equal(hc(v, __HYPERVISOR_console_io, CONSOLEIO_read, 100, LIST), 0);
	memset(input, 'k', 300);
	fake_console_input = input;
	assert_int_equal(hc(v, __HYPERVISOR_console_io, CONSOLEIO_read, 16, LIST), 16);
	assert_int_equal(text[16], 0);
	assert_int_equal(hc(v, __HYPERVISOR_console_io, CONSOLEIO_read, 1000, LIST), 284);
	assert_memory_equal(text, input, 284);
	assert_int_equal(hc(v, __HYPERVISOR_console_io, CONSOLEIO_read, 0x80000000, LIST),
			 -XEN_E2BIG);
	fake_console_input = "x";
	assert_int_equal(hc(v, __HYPERVISOR_console_io, CONSOLEIO_read, 1, NOWHERE), -XEN_EFAULT);
}

static void console_is_not_for_everybody(void **state)
{
	(void)state;
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_write, 1, LIST),
			 -XEN_EPERM);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_read, 1, LIST),
			 -XEN_EPERM);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_console_io, 2, 1, LIST), -XEN_EPERM);
	domu->is_console = true;
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_console_io, CONSOLEIO_write, 1, LIST), 0);
	assert_int_equal(hc(domu->vcpu[0], __HYPERVISOR_console_io, 2, 1, LIST), -XEN_ENOSYS);
}

/* ---- vm_assist ------------------------------------------------------------------------------ */

static void only_the_runstate_flag_can_be_assisted(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(hc(v, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 5, 0), 0);
	assert_int_equal(domu->vm_assist, 1u << 5);
	assert_int_equal(hc(v, __HYPERVISOR_vm_assist, 2, 5, 0), -XEN_ENOSYS);
	assert_int_equal(hc(v, __HYPERVISOR_vm_assist, VMASST_CMD_disable, 5, 0), 0);
	assert_int_equal(domu->vm_assist, 0);
	for (unsigned int type = 0; type < 70; type++) {
		if (type != 5) {
			assert_int_equal(hc(v, __HYPERVISOR_vm_assist, VMASST_CMD_enable, type, 0),
					 -XEN_EINVAL);
			assert_int_equal(hc(v, __HYPERVISOR_vm_assist, 2, type, 0), -XEN_EINVAL);
		}
	}
	assert_int_equal(domu->vm_assist, 0);
}

/* ---- platform_op, wall clock ---------------------------------------------------------------- */

static struct xen_platform_op settime(uint64_t secs, uint32_t nsecs, uint64_t system_time)
{
	struct xen_platform_op op = {
		.cmd = XENPF_settime64,
		.interface_version = XENPF_INTERFACE_VERSION,
	};

	op.u.settime64.secs = secs;
	op.u.settime64.nsecs = nsecs;
	op.u.settime64.system_time = system_time;
	return op;
}

static int64_t platform(struct vcpu *v, struct xen_platform_op *op)
{
	memcpy(fake_page(ARG_PAGE), op, sizeof(*op));
	return hc(v, __HYPERVISOR_platform_op, ARG, 0, 0);
}

static uint64_t wallclock_ns(const struct domain *d)
{
	const struct shared_info *shared = d->shared_info;

	return ((uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec) * SECOND + shared->wc_nsec;
}

/* Each domain finds the time of its own beginning. */
static void setting_the_time_reaches_every_domain(void **state)
{
	struct xen_platform_op op;

	(void)state;
	/* Dom0 began at 10 s, the first domU at 25.5 s, the second at 100 s of Tenon's clock. */
	dom0->created_ns = 10 * SECOND;
	domu->created_ns = 25 * SECOND + SECOND / 2;
	other->created_ns = 100 * SECOND;
	/* 5 s after its beginning it is 2^33 + 7.25 s. */
	op = settime((UINT64_C(1) << 33) + 7, SECOND / 4, 5 * SECOND);
	assert_int_equal(platform(dom0->vcpu[0], &op), 0);
	assert_int_equal(wallclock_ns(dom0), ((UINT64_C(1) << 33) + 2) * SECOND + SECOND / 4);
	assert_int_equal(wallclock_ns(domu), ((UINT64_C(1) << 33) + 17) * SECOND + SECOND / 4 * 3);
	assert_int_equal(wallclock_ns(other), ((UINT64_C(1) << 33) + 92) * SECOND + SECOND / 4);
	assert_int_equal(domu->shared_info->wc_sec_hi, 2);
	/* A domain that comes later. */
	domu->shared_info->wc_sec = 0;
	wallclock_init_domain(domu);
	assert_int_equal(wallclock_ns(domu), ((UINT64_C(1) << 33) + 17) * SECOND + SECOND / 4 * 3);
}

static void version_is_odd_during_an_update_and_even_after(void **state)
{
	struct shared_info *shared = domu->shared_info;

	(void)state;
	shared->wc_version = 6;
	fake_machine_watch((const volatile uint64_t *)&shared->wc_version, 1);
	fake_machine_log_clear();
	wallclock_init_domain(domu);
	assert_int_equal(shared->wc_version, 8);
	/* wc_version 7 and the old wc_sec beside it; the new wc_sec; 8. */
	fake_machine_expect("store", "dmb ishst", "dmb ishst");
	assert_int_equal(fake_machine_count("dmb ishst"), 2);
	/* A version that the guest has made odd. */
	shared->wc_version = 9;
	wallclock_init_domain(domu);
	assert_int_equal(shared->wc_version % 2, 0);
}

static void settime_refuses(void **state)
{
	struct xen_platform_op op = settime(1, 0, 0);

	(void)state;
	assert_int_equal(platform(domu->vcpu[0], &op), -XEN_EPERM);
	op.u.settime64.mbz = 1;
	assert_int_equal(platform(dom0->vcpu[0], &op), -XEN_EINVAL);
	op = settime(1, 0, 0);
	op.interface_version++;
	assert_int_equal(platform(dom0->vcpu[0], &op), -XEN_EACCES);
	assert_int_equal(platform(domu->vcpu[0], &op), -XEN_EACCES);
	op = settime(1, 0, 0);
	op.cmd = XENPF_settime32;
	assert_int_equal(platform(dom0->vcpu[0], &op), -XEN_ENOSYS);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_platform_op, NOWHERE, 0, 0), -XEN_EFAULT);
}

/* ---- absent --------------------------------------------------------------------------------- */

static int64_t domctl(struct vcpu *v, uint32_t cmd, uint16_t domid)
{
	struct xen_domctl op = {.cmd = cmd,
				.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				.domain = domid};

	memcpy(fake_page(ARG_PAGE), &op, sizeof(op));
	return hc(v, __HYPERVISOR_domctl, ARG, 0, 0);
}

static void toolstack_calls_are_absent_and_not_for_guests(void **state)
{
	struct xen_sysctl sysctl = {.cmd = XEN_SYSCTL_physinfo,
				    .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	memcpy(fake_page(ARG_PAGE), &sysctl, sizeof(sysctl));
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_sysctl, ARG, 0, 0), -XEN_ENOSYS);
	assert_int_equal(hc(v, __HYPERVISOR_sysctl, ARG, 0, 0), -XEN_EPERM);
	assert_int_equal(hc(v, __HYPERVISOR_sysctl, NOWHERE, 0, 0), -XEN_EFAULT);
	sysctl.interface_version++;
	memcpy(fake_page(ARG_PAGE), &sysctl, sizeof(sysctl));
	assert_int_equal(hc(v, __HYPERVISOR_sysctl, ARG, 0, 0), -XEN_EACCES);

	assert_int_equal(domctl(dom0->vcpu[0], XEN_DOMCTL_pausedomain, 1), -XEN_ENOSYS);
	assert_int_equal(domctl(v, XEN_DOMCTL_pausedomain, 1), -XEN_EPERM);
	assert_int_equal(domctl(v, XEN_DOMCTL_pausedomain, 9), -XEN_ESRCH);
	assert_int_equal(domctl(v, XEN_DOMCTL_pausedomain, DOMID_SELF), -XEN_ESRCH);
	assert_int_equal(domctl(v, XEN_DOMCTL_createdomain, 9), -XEN_EPERM);
	assert_int_equal(domctl(v, XEN_DOMCTL_getdomaininfo, 2), -XEN_EPERM);
	assert_int_equal(domctl(v, XEN_DOMCTL_getdomaininfo, 3), -XEN_ESRCH);
	assert_int_equal(domctl(v, XEN_DOMCTL_getdomaininfo, DOMID_SELF), -XEN_EINVAL);
	assert_int_equal(domctl(v, XEN_DOMCTL_assign_device, DOMID_IO), -XEN_EPERM);
	assert_int_equal(domctl(v, XEN_DOMCTL_assign_device, DOMID_INVALID), -XEN_ESRCH);
	assert_int_equal(domctl(v, XEN_DOMCTL_vm_event_op, DOMID_INVALID), -XEN_ESRCH);
	assert_int_equal(domctl(v, XEN_DOMCTL_test_assign_device, DOMID_INVALID), -XEN_EPERM);
	assert_int_equal(hc(v, __HYPERVISOR_domctl, NOWHERE, 0, 0), -XEN_EFAULT);
	memset(fake_page(ARG_PAGE), 0, sizeof(struct xen_domctl));
	assert_int_equal(hc(v, __HYPERVISOR_domctl, ARG, 0, 0), -XEN_EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(version_is_that_of_xen_4_17),
		HC_TEST(pagesize_wants_no_argument),
		HC_TEST(features_tell_who_is_direct_mapped),
		HC_TEST(command_line_is_for_the_privileged),
		HC_TEST(there_is_no_build_id),
		HC_TEST(version_buffers_must_be_accessible),
		HC_TEST(parameters_are_set_by_the_toolstack_and_read_by_the_guest),
		HC_TEST(monitor_ring_is_the_toolstacks_alone),
		HC_TEST(other_parameters_do_not_exist),
		HC_TEST(console_is_written_in_chunks),
		HC_TEST(console_is_read_until_it_is_empty),
		HC_TEST(console_is_not_for_everybody),
		HC_TEST(only_the_runstate_flag_can_be_assisted),
		HC_TEST(setting_the_time_reaches_every_domain),
		HC_TEST(version_is_odd_during_an_update_and_even_after),
		HC_TEST(settime_refuses),
		HC_TEST(toolstack_calls_are_absent_and_not_for_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
