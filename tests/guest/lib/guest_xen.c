/* SPDX-License-Identifier: MIT */
/* What test guests of the Xen interface share: guest_xen.h. */
#include "guest_xen.h"

uint8_t xen_spare_pages[XEN_NR_SPARE_PAGES][4096] __aligned(4096);

static uint8_t shared_page[4096] __aligned(4096);
static struct shared_info *shared_info;

/* 64 bytes each, so that none crosses a page. */
static struct {
	struct vcpu_info info;
	uint64_t padding[2];
} vcpu_infos[GUEST_MAX_CPUS] __aligned(64);
static bool registered[GUEST_MAX_CPUS];

struct shared_info *xen_shared_info(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = (uintptr_t)shared_page >> PAGE_SHIFT,
	};

	if (shared_info == NULL &&
	    hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add) == 0) {
		shared_info = (struct shared_info *)shared_page;
		memset(shared_info->evtchn_mask, 0xff, sizeof(shared_info->evtchn_mask));
	}
	return shared_info;
}

struct vcpu_info *xen_vcpu_info(unsigned int cpu_idx)
{
	struct vcpu_info *info = &vcpu_infos[cpu_idx].info;
	struct vcpu_register_vcpu_info registration = {
		.mfn = (uintptr_t)info >> PAGE_SHIFT,
		.offset = (uint32_t)((uintptr_t)info & (PAGE_SIZE - 1)),
	};

	if (!registered[cpu_idx]) {
		if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, cpu_idx,
			      (uintptr_t)&registration, 0, 0) != 0) {
			return NULL;
		}
		registered[cpu_idx] = true;
	}
	return info;
}

int64_t event_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_event_channel_op, command, argument);
}

static xen_ulong_t bit(uint32_t port)
{
	return (xen_ulong_t)1 << (port % 64);
}

void event_mask(uint32_t port)
{
	__atomic_fetch_or(&shared_info->evtchn_mask[port / 64], bit(port), __ATOMIC_ACQ_REL);
}

void event_unmask_quietly(uint32_t port)
{
	__atomic_fetch_and(&shared_info->evtchn_mask[port / 64], ~bit(port), __ATOMIC_ACQ_REL);
}

bool event_is_pending(uint32_t port)
{
	return (READ_ONCE(shared_info->evtchn_pending[port / 64]) & bit(port)) != 0;
}

bool event_clear_pending(uint32_t port)
{
	return (__atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~bit(port),
				   __ATOMIC_ACQ_REL) &
		bit(port)) != 0;
}
