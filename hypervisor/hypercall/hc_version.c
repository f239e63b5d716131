/* SPDX-License-Identifier: MIT */
/*
 * xen_version (public/version.h): what this hypervisor says that it is. Version and features are
 * those of the Xen whose answers it gives, 4.17: tools choose their libraries by it.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "lib/string.h"

#define XEN_MAJOR 4
#define XEN_MINOR 17

/* Aligned, as they are copied by the word then. */
static const xen_extraversion_t extraversion __aligned(8) = ".0-tenon";
static const xen_changeset_info_t changeset __aligned(8) = "tenon";
static const struct xen_compile_info compile_info = {
	.compiler = __VERSION__,
	.compile_by = "tenon",
	.compile_domain = "",
	/* The same sources give the same image. */
	.compile_date = "",
};
/* The kinds of kernels that there can be guests with. */
static const char capabilities[] = "xen-3.0-aarch64 ";
static const char capabilities_with_32bit[] = "xen-3.0-aarch64 xen-3.0-armv7l ";
/* What those get who may not know. */
static const char denied[] = "<denied>";

static xen_commandline_t command_line;

void hypercall_set_command_line(const char *line)
{
	strlcpy(command_line, line != NULL ? line : "", sizeof(command_line));
}

static int64_t op_version(struct vcpu *v, const uint64_t args[5])
{
	return XEN_MAJOR << 16 | XEN_MINOR;
}

static int64_t op_extraversion(struct vcpu *v, const uint64_t args[5])
{
	return guest_copy_to(args[1], extraversion, sizeof(extraversion));
}

static int64_t op_compile_info(struct vcpu *v, const uint64_t args[5])
{
	return guest_copy_to(args[1], &compile_info, sizeof(compile_info));
}

static int64_t op_capabilities(struct vcpu *v, const uint64_t args[5])
{
	xen_capabilities_info_t info = {0};

	if (cpu_features.aarch32_el1) {
		memcpy(info, capabilities_with_32bit, sizeof(capabilities_with_32bit));
	} else {
		memcpy(info, capabilities, sizeof(capabilities));
	}
	return guest_copy_to(args[1], info, sizeof(info));
}

static int64_t op_changeset(struct vcpu *v, const uint64_t args[5])
{
	return guest_copy_to(args[1], changeset, sizeof(changeset));
}

static int64_t op_platform_parameters(struct vcpu *v, const uint64_t args[5])
{
	const struct xen_platform_parameters parameters = {.virt_start = 0};

	return guest_copy_to(args[1], &parameters, sizeof(parameters));
}

static uint32_t features(const struct domain *d)
{
	uint32_t submap =
		1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
		1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_ARM_SMCCC_supported;

	if (d->is_hardware) {
		submap |= 1u << XENFEAT_dom0;
	}
	return submap | 1u << (d->direct_mapped ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped);
}

static int64_t op_get_features(struct vcpu *v, const uint64_t args[5])
{
	struct xen_feature_info info;
	int64_t ret = guest_copy_from(&info, args[1], sizeof(info));

	if (ret < 0) {
		return ret;
	}
	if (info.submap_idx != 0) {
		return -XEN_EINVAL;
	}
	info.submap = features(v->domain);
	return guest_copy_to(args[1], &info, sizeof(info));
}

static int64_t op_pagesize(struct vcpu *v, const uint64_t args[5])
{
	return args[1] != 0 ? -XEN_EINVAL : (int64_t)PAGE_SIZE;
}

static int64_t op_guest_handle(struct vcpu *v, const uint64_t args[5])
{
	_Static_assert(sizeof(v->domain->handle) == sizeof(xen_domain_handle_t), "public/xen.h");
	return guest_copy_to(args[1], v->domain->handle, sizeof(v->domain->handle));
}

static int64_t op_commandline(struct vcpu *v, const uint64_t args[5])
{
	return v->domain->is_privileged ? guest_copy_to(args[1], command_line, sizeof(command_line))
					: guest_copy_to(args[1], denied, sizeof(denied));
}

/* The image carries no build id. */
static int64_t op_build_id(struct vcpu *v, const uint64_t args[5])
{
	uint32_t len;

	if (!v->domain->is_privileged) {
		return -XEN_EPERM;
	}
	if (args[1] != 0) {
		int64_t ret = guest_copy_from(&len, args[1], sizeof(len));

		if (ret < 0 || len == 0) {
			return ret < 0 ? ret : -XEN_EINVAL;
		}
	}
	return -XEN_ENODATA;
}

static const hypercall_t version_ops[] = {
	HYPERCALL_OP(XENVER_version, op_version),
	HYPERCALL_OP(XENVER_extraversion, op_extraversion),
	HYPERCALL_OP(XENVER_compile_info, op_compile_info),
	HYPERCALL_OP(XENVER_capabilities, op_capabilities),
	HYPERCALL_OP(XENVER_changeset, op_changeset),
	HYPERCALL_OP(XENVER_platform_parameters, op_platform_parameters),
	HYPERCALL_OP(XENVER_get_features, op_get_features),
	HYPERCALL_OP(XENVER_pagesize, op_pagesize),
	HYPERCALL_OP(XENVER_guest_handle, op_guest_handle),
	HYPERCALL_OP(XENVER_commandline, op_commandline),
	HYPERCALL_OP(XENVER_build_id, op_build_id),
};

int64_t hc_xen_version(struct vcpu *v, const uint64_t args[5])
{
	return hypercall_sub_op(version_ops, ARRAY_SIZE(version_ops), (uint32_t)args[0], v, args);
}
