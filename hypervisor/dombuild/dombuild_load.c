/* SPDX-License-Identifier: MIT */
/*
 * The last steps of building a domain, the same for dom0 and domU: choose places, copy kernel,
 * initrd and tree into guest memory, set the boot vCPU's entry. And the way back when a step fails.
 */
#include "dombuild/dombuild_internal.h"

#include "arm64/atomic.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "mm/mm.h"

bool dombuild_again(int rc)
{
	if (rc != -XEN_ERESTART) {
		return false;
	}
	irq_handle_pending();
	return true;
}

void dombuild_abandon(struct domain *d)
{
	int rc = domain_destroy(d);

	while (dombuild_again(rc)) {
		/* What it waits for, memory on its way to the domain, may wait for this CPU's epoch. */
		epoch_poll();
		rc = domain_destroy(d);
	}
	if (rc != 0) {
		log_error("d%u: error %d while its memory is given back; the rest of it is lost",
			  d->id, rc);
	}
}

void dombuild_account_pages(struct domain *d, uint64_t nr)
{
	/* It may be listed already, so that dom0 gives it memory or takes some. */
	atomic_fetch_add(&d->nr_pages, nr);
}

int dombuild_plan(struct domain_load *load)
{
	const struct place_request request = {
		.bank_start = load->bank.start,
		.bank_size = load->bank.size,
		.text_offset = load->kernel.text_offset,
		.is_zimage = load->kernel.is_32bit,
		.zimage_start = load->kernel.zimage_start,
		.kernel_bytes = load->kernel.memory_bytes,
		.fdt_bytes = load->fdt_bytes,
		.initrd_bytes = load->initrd != NULL ? load->initrd->size : 0,
	};

	switch (dombuild_place(&request, &load->placement)) {
	case PLACE_OK:
		break;
	case PLACE_KERNEL_TOO_LARGE:
		log_error("%s: the kernel needs %lu KiB from %s 0x%lx on, more than its first "
			  "%lu KiB of memory; give the "
			  "domain more memory; it is left out",
			  load->who, request.kernel_bytes >> 10,
			  request.is_zimage ? "address" : "offset",
			  request.is_zimage ? request.zimage_start : request.text_offset,
			  request.bank_size >> 10);
		return -XEN_ENOSPC;
	case PLACE_NO_ROOM:
		log_error("%s: initrd (%lu KiB) and device tree (%lu KiB) do not fit beside the "
			  "kernel (%lu KiB) in "
			  "%lu KiB of memory; give the domain more; it is left out",
			  load->who, request.initrd_bytes >> 10, request.fdt_bytes >> 10,
			  request.kernel_bytes >> 10, request.bank_size >> 10);
		return -XEN_ENOSPC;
	}
	if (load->initrd != NULL &&
	    devtree_set_initrd(load->fdt, load->placement.initrd, load->initrd->size) != 0) {
		log_error("%s: its device tree has no place for the initrd's address; it is left out",
			  load->who);
		return -XEN_EINVAL;
	}
	return 0;
}

int dombuild_load(struct domain *d, const struct domain_load *load)
{
	int rc = dombuild_image_load(load->who, d, &load->kernel, load->placement.kernel);

	if (rc != 0) {
		return rc;
	}
	if (load->initrd != NULL) {
		rc = dombuild_module_copy(d, load->placement.initrd, load->initrd, 0,
					  load->initrd->size);
	}
	if (rc == 0) {
		rc = guest_copy_to_ipa(d, load->placement.fdt, load->fdt, load->fdt_bytes);
	}
	if (rc != 0) {
		log_error("%s: initrd and device tree cannot be copied into its memory (error %d); "
			  "it is left out",
			  load->who, rc);
		return rc;
	}
	/* The upcall's interrupt, as /hypervisor shows it (xen-abi-arm section 1.9). */
	d->hvm_params[HVM_PARAM_CALLBACK_IRQ] = (uint64_t)HVM_PARAM_CALLBACK_TYPE_PPI << 56 |
						HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL << 8 |
						d->evtchn_ppi;
	if (d->is_32bit) {
		/* r0 = 0, r1 = no machine type, r2 = the tree. */
		vcpu_set_entry(d->vcpu[0], load->placement.kernel, 0);
		vcpu_set_x(d->vcpu[0], 1, UINT32_MAX);
		vcpu_set_x(d->vcpu[0], 2, load->placement.fdt);
	} else {
		vcpu_set_entry(d->vcpu[0], load->placement.kernel, load->placement.fdt);
	}
	return 0;
}
