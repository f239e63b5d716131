/* SPDX-License-Identifier: MIT */
/*
 * Access to a guest's memory (design.md, "Guest copy").
 *
 * By guest virtual address: the hardware translates as the guest would (AT S12E1R/W), under the stage-2 lock so
 * that the answer still holds when a reference on the frame is taken. The lock also keeps out whoever has made an entry
 * invalid for a moment (break-before-make), for the buffer as for the guest's own tables, so what faults under it
 * faults for good: -XEN_EFAULT is never false.
 *
 * The window takes the caller's view: Write-Back when PAR_EL1 reports Normal Write-Back and the caller's own M and C are
 * set, else Non-cacheable, so that firmware that calls with its MMU off is served correctly. But shared is shared, by
 * everyone (design.md, "Words").
 */
#include "domain/domain.h"

#include "domain/domain_share.h"

#include "arm64/at.h"
#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "boot/boot_options.h"
#include "domain/guest_attr.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"

/* PAR_EL1.ATTR of Normal memory, Inner and Outer Write-Back, whatever the allocation and transient hints. */
static bool attr_is_write_back(uint64_t attr)
{
	uint64_t outer = attr >> 4, inner = attr & 0xf;

	/* 0b01RW transient and 0b11RW non-transient Write-Back; 0b0100 is Non-cacheable. 0xf0 is tagged WB. */
	if (attr == 0xf0) {
		return true;
	}
	return (outer & 4) != 0 && outer != 4 && (inner & 4) != 0 && inner != 4;
}

struct guest_page {
	mfn_t mfn;
	bool wb; /* the caller's view */
};

/* C3: what the caller shares with EL2 must be Write-Back, unless its caches are off altogether. */
static int check_attributes(struct domain *d, uint64_t gva, uint64_t par, struct guest_page *page)
{
	uint64_t attr = FIELD_GET(PAR_ATTR, par);
	uint64_t sctlr = sysreg_read(SCTLR_EL1);
	bool caches_on = (sctlr & SCTLR_M) != 0 && (sctlr & SCTLR_C) != 0;

	if (unlikely(attr == 0 && d->is_32bit && caches_on)) {
		attr = guest_attr_short(d, (uint32_t)gva);
	}
	page->wb = (caches_on && attr_is_write_back(attr)) || stage2_attr_forces_wb(d);
	/* Without its caches it sees memory at the PoC, also when the domain is warm by another vCPU. */
	if (likely(page->wb || !caches_on)) {
		return 0;
	}
	log_guest(d->id,
		  "%s: hypercall buffer at 0x%lx is mapped with attribute 0x%02lx; it must be Normal "
		  "Inner and Outer Write-Back (public/arch-arm.h): %s",
		  d->name, gva, attr,
		  boot_options.mem_attr_warn ? "served (mem-attr=warn)" : "refused");
	return boot_options.mem_attr_warn ? 0 : -XEN_EINVAL;
}

/* Translate one page of the current vCPU; a reference on the frame is held on success. */
static int get_page(uint64_t gva, bool write, struct guest_page *page)
{
	struct domain *d = current_vcpu()->domain;
	uint64_t saved_par = sysreg_read(PAR_EL1);
	uint64_t par;
	int error = 0;

	/* AT would not look at the upper half, and what wraps round is no buffer. */
	if (unlikely(gva > UINT32_MAX) && d->is_32bit) {
		return -XEN_EFAULT;
	}

	read_lock(&d->stage2.lock);
	par = write ? at_s12e1w(gva) : at_s12e1r(gva);
	sysreg_write(PAR_EL1, saved_par);
	if ((par & PAR_F) != 0) {
		error = -XEN_EFAULT;
	} else {
		page->mfn = maddr_to_mfn(par & PAR_PA);
		if (!frame_get(page->mfn, d->id)) {
			error = -XEN_EFAULT; /* a device, or another domain's frame */
		}
	}
	read_unlock(&d->stage2.lock);
	if (error == 0) {
		error = check_attributes(d, gva, par, page);
		if (error) {
			domain_put_frame(d, page->mfn);
		}
	}
	return error;
}

/*
 * With its MMU off the guest accesses the same bytes as Device memory: mismatched types, where even one CPU's accesses
 * need a barrier in between (Arm ARM, "Mismatched memory attributes").
 */
static void order_against_guest(enum window_attr attr)
{
	if (attr == WINDOW_NC) {
		dsb_sy();
	}
}

/* Within one page, as a caller sees it whose caches are on: its domain is warm, and stays so while it is in here. */
static void copy_cached(const struct guest_page *page, uint64_t offset, void *buffer, size_t size,
			bool to_guest)
{
	char *window = window_map(page->mfn, WINDOW_WB);

	if (to_guest) {
		memcpy(window + offset, buffer, size);
	} else {
		memcpy(buffer, window + offset, size);
	}
	window_unmap(window);
}

/* The same past the caches, unless the frame is a shared one: which may not change meanwhile. */
static void copy_uncached(struct domain *d, const struct guest_page *page, uint64_t offset,
			  void *buffer, size_t size, bool to_guest)
{
	enum window_attr attr;
	char *window;

	read_lock(&d->attr_lock);
	attr = READ_ONCE(frame_of(page->mfn)->shared_pins) != 0 ? WINDOW_WB_ONCE : WINDOW_NC;
	window = window_map(page->mfn, attr);
	order_against_guest(attr);
	if (to_guest) {
		memcpy(window + offset, buffer, size);
		order_against_guest(attr);
	} else {
		memcpy(buffer, window + offset, size);
	}
	window_unmap(window);
	read_unlock(&d->attr_lock);
}

/* Where to_guest says which way; buffer is Tenon's side. */
static int copy(uint64_t gva, void *buffer, size_t size, bool to_guest)
{
	while (size > 0) {
		uint64_t offset = gva & (PAGE_SIZE - 1);
		size_t part = MIN(size, (size_t)(PAGE_SIZE - offset));
		struct guest_page page;
		int error;

		error = get_page(gva, to_guest, &page);
		if (error) {
			return error;
		}
		if (likely(page.wb)) {
			copy_cached(&page, offset, buffer, part, to_guest);
		} else {
			copy_uncached(current_vcpu()->domain, &page, offset, buffer, part, to_guest);
		}
		domain_put_frame(current_vcpu()->domain, page.mfn);
		gva += part;
		buffer = (char *)buffer + part;
		size -= part;
	}
	return 0;
}

int guest_copy_from(void *to, uint64_t gva, size_t size)
{
	return copy(gva, to, size, false);
}

int guest_copy_to(uint64_t gva, const void *from, size_t size)
{
	return copy(gva, (void *)(uintptr_t)from, size, true);
}

int guest_get_frame(uint64_t gva, mfn_t *m)
{
	struct guest_page page;
	int error = get_page(gva, true, &page);

	/* Not shared_info or a grant frame, which a guest has mapped as well: those are Tenon's own. */
	if (error == 0 && READ_ONCE(frame_of(page.mfn)->state) != FRAME_GUEST) {
		domain_put_frame(current_vcpu()->domain, page.mfn);
		error = -XEN_EFAULT;
	}
	if (error == 0) {
		*m = page.mfn;
	}
	return error;
}

/* By guest physical address. The attribute lock keeps cold and warm apart while the window is in use. */
static int copy_ipa(struct domain *d, ipa_t ipa, void *buffer, size_t size, bool to_guest)
{
	while (size > 0) {
		uint64_t offset = ipa & (PAGE_SIZE - 1);
		size_t part = MIN(size, (size_t)(PAGE_SIZE - offset));
		enum stage2_type type;
		mfn_t m;
		char *window;
		int error;

		error = stage2_get_frame(d, ipa_to_gfn(ipa), &m, &type);
		if (error) {
			return error;
		}
		read_lock(&d->attr_lock);
		window = window_map(m, stage2_attr_window(d, frame_of(m)));
		if (to_guest && buffer) {
			memcpy(window + offset, buffer, part);
		} else if (to_guest) {
			memset(window + offset, 0, part);
		} else {
			memcpy(buffer, window + offset, part);
		}
		window_unmap(window);
		/* Non-cacheable writes are at the PoC once complete: before the guest can be started. */
		dsb_sy();
		read_unlock(&d->attr_lock);
		domain_put_frame(d, m);
		ipa += part;
		buffer = buffer ? (char *)buffer + part : NULL;
		size -= part;
	}
	return 0;
}

int guest_copy_to_ipa(struct domain *d, ipa_t ipa, const void *from, size_t size)
{
	return copy_ipa(d, ipa, (void *)(uintptr_t)from, size, true);
}

int guest_copy_from_ipa(struct domain *d, void *to, ipa_t ipa, size_t size)
{
	return copy_ipa(d, ipa, to, size, false);
}
