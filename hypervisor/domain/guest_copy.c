/* SPDX-License-Identifier: MIT */
/*
 * Access to a guest's memory (design.md, "Guest copy").
 *
 * By guest virtual address: the hardware translates as the guest would (AT S12E1R/W), and the frame is used without a lock and
 * without a reference, for the reason for which a window may be kept (M1). A frame that is taken from a domain goes by way of
 * quarantine: mapping gone, TLBI and DSB done, last reference dropped; then an epoch is begun, and before every CPU has passed
 * that, nobody touches the frame. A CPU passes epochs on its way to a guest, while it idles, and while it waits for memory: never
 * between an AT and the end of the copy that it was for. So either the AT came before the TLBI was done, and then the frame
 * waits for this CPU, or it did not find the frame (mm/window.c says why not). Whatever the frame table says of an owner
 * meanwhile was so while the frame was mapped. And what a window's tag says of it holds for as long as there is the window.
 *
 * Somebody may have made an entry invalid for a moment (break-before-make), of the buffer or of the guest's own tables, but only
 * under the stage-2 lock. So what faults is tried again under that, and then faults for good: -XEN_EFAULT is never false.
 *
 * The window takes the caller's view: Write-Back when PAR_EL1 reports Normal Write-Back and the caller's own M and C are
 * set, else Non-cacheable, so that firmware that calls with its MMU off is served correctly. But shared is shared, by
 * everyone (design.md, "Words"): what goes past the caches does so under the attribute lock, so that nothing becomes shared or
 * private meanwhile. A caller whose caches are on is of a warm domain, which stays so while the caller is in here.
 */
#include "domain/domain.h"

#include "domain/domain_share.h"

#include "arm64/at.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "boot/boot_options.h"
#include "domain/guest_attr.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame_entry.h"
#include "mm/window.h"

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
#define ATTR_USUAL 0xff /* with all allocation hints: what everybody uses */

/* The vCPU's own accesses: both, else it sees memory at the PoC. */
static inline bool caches_are_on(void)
{
	return (~sysreg_read(SCTLR_EL1) & (SCTLR_M | SCTLR_C)) == 0;
}

/* PAR_EL1 as if the guest had asked. */
static __force_inline uint64_t translate(uint64_t gva, bool write)
{
	/* It may be between an AT of its own and its look at the answer. */
	const uint64_t saved_par = sysreg_read(PAR_EL1);
	const uint64_t par = write ? at_s12e1w(gva) : at_s12e1r(gva);

	sysreg_write(PAR_EL1, saved_par);
	return par;
}

/*
 * With its MMU off the guest accesses the same bytes as Device memory: mismatched types, where even one CPU's accesses
 * need a barrier in between (Arm ARM, "Mismatched memory attributes").
 */
static inline void order_against_guest(enum window_attr attr)
{
	if (attr == WINDOW_NC) {
		dsb_sy();
	}
}

/* ---- what nearly every copy is -------------------------------------------------------------------------- */

#define SMALL_MAX 62

/* A structure of some words, or the halfword that is a grant's status, within one page: by words, and of an even size. */
static inline bool is_small(uint64_t gva, const void *buffer, size_t size)
{
	return size - 1 < SMALL_MAX && ((gva | (uintptr_t)buffer | size << 1) & 3) == 0 &&
	       (gva & (PAGE_SIZE - 1)) + size <= PAGE_SIZE;
}

/* By what the size is made up of: a loop costs more than it copies. */
static __force_inline void copy_words(char *to, const char *from, size_t size, bool doublewords)
{
	uint64_t *t = (uint64_t *)(void *)to;
	const uint64_t *f = (const uint64_t *)(const void *)from;

	if (unlikely(!doublewords)) {
		for (const char *end = from + (size & ~(size_t)3); from != end; to += 4, from += 4) {
			*(uint32_t *)(void *)to = *(const uint32_t *)(const void *)from;
		}
		if ((size & 2) != 0) {
			*(uint16_t *)(void *)to = *(const uint16_t *)(const void *)from;
		}
		return;
	}
	if ((size & 32) != 0) {
		const uint64_t a = f[0], b = f[1], c = f[2], d = f[3];

		t[0] = a;
		t[1] = b;
		t[2] = c;
		t[3] = d;
		t += 4;
		f += 4;
	}
	if ((size & 16) != 0) {
		const uint64_t a = f[0], b = f[1];

		t[0] = a;
		t[1] = b;
		t += 2;
		f += 2;
	}
	if ((size & 8) != 0) {
		*t++ = *f++;
	}
	if ((size & 4) != 0) {
		*(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
		t = (uint64_t *)(void *)((char *)t + 4);
		f = (const uint64_t *)(const void *)((const char *)f + 4);
	}
	if ((size & 2) != 0) {
		*(uint16_t *)(void *)t = *(const uint16_t *)(const void *)f;
	}
}

static __force_inline void copy_within(char *window, uint64_t gva, void *buffer, size_t size,
				       bool to_guest)
{
	const bool doublewords = ((gva | (uintptr_t)buffer) & 7) == 0;
	char *at = window + (gva & (PAGE_SIZE - 1));

	if (to_guest) {
		copy_words(at, buffer, size, doublewords);
	} else {
		copy_words(buffer, at, size, doublewords);
	}
}

/*
 * The page's window, if this CPU has one that says whose the frame is: so copy_through() has been here before, with the same
 * view of a page of the domain's own, and the frame is its still (M1). NULL: something is not as usual.
 */
static __force_inline char *find_window(const struct domain *d, uint64_t par, enum window_attr attr)
{
	const mfn_t m = maddr_to_mfn(par & PAR_PA);
	char *window = likely((par & PAR_F) == 0) ? window_kept(m, attr, d->id) : NULL;

#ifdef TENON_DEBUG
	if (window != NULL) {
		const uint64_t head = atomic_load_acquire(&frame_of(m)->head);

		/* Or it has been taken from the domain since the AT, and waits for this CPU. */
		ASSERT(HEAD_STATE(head) == FRAME_QUARANTINE || frame_head_is_of(head, d->id));
	}
#endif
	return window;
}

/* The next three do at once, and without a call, what copy() does step by step. False: it is copy() that will. */
static __force_inline bool copy_cached(const struct domain *d, uint64_t gva, void *buffer,
				       size_t size, bool to_guest)
{
	const uint64_t par = translate(gva, to_guest);
	char *window = find_window(d, par, WINDOW_WB);

	if (unlikely(window == NULL || FIELD_GET(PAR_ATTR, par) != ATTR_USUAL)) {
		return false;
	}
	copy_within(window, gva, buffer, size, to_guest);
	return true;
}

/*
 * Without the lock, but the pins first: a frame without a pin under a lock that nobody has is private, and cleaned if it was
 * shared before (domain_share_unpin_now()). Whoever makes it a shared one from now on, and then writes to it through a cache, writes
 * while this caller reads.
 */
static __force_inline bool read_past_caches(const struct domain *d, uint64_t gva, void *buffer,
					    size_t size)
{
	const uint64_t par = translate(gva, false);
	char *window = find_window(d, par, WINDOW_NC);

	if (unlikely(window == NULL ||
		     atomic_load_acquire(&frame_entry_of_page(par & PAR_PA)->shared_pins) != 0 ||
		     write_is_held(&d->attr_lock))) {
		return false;
	}
	order_against_guest(WINDOW_NC); /* the lock was looked at before the copy, too */
	copy_within(window, gva, buffer, size, false);
	return true;
}

static __force_inline bool write_past_caches(struct domain *d, uint64_t gva, void *buffer,
					     size_t size)
{
	const uint64_t par = translate(gva, true);
	char *window = find_window(d, par, WINDOW_NC);
	bool is_private;

	if (unlikely(window == NULL || !read_trylock(&d->attr_lock))) {
		return false;
	}
	is_private = READ_ONCE(frame_entry_of_page(par & PAR_PA)->shared_pins) == 0;
	if (likely(is_private)) {
		order_against_guest(WINDOW_NC);
		copy_within(window, gva, buffer, size, true);
		order_against_guest(WINDOW_NC);
	}
	read_unlock(&d->attr_lock);
	return is_private;
}

static __force_inline bool copy_small(uint64_t gva, void *buffer, size_t size, bool to_guest)
{
	struct domain *d = current_vcpu()->domain;

	if (unlikely(!is_small(gva, buffer, size))) {
		return false;
	}
	if (caches_are_on()) {
		return copy_cached(d, gva, buffer, size, to_guest);
	}
	return to_guest ? write_past_caches(d, gva, buffer, size)
			: read_past_caches(d, gva, buffer, size);
}

/* ---- all others ------------------------------------------------------------------------------------------- */

/* One page of the current vCPU's memory. */
struct guest_page {
	mfn_t mfn;
	const struct frame *frame;
	uint64_t attr; /* as in PAR_EL1 */
};

/* False: a fault, or no memory of the domain's own. */
static bool find_page(const struct domain *d, uint64_t gva, bool write, struct guest_page *page)
{
	const uint64_t par = translate(gva, write);

	if (unlikely((par & PAR_F) != 0)) {
		return false;
	}
	page->attr = FIELD_GET(PAR_ATTR, par);
	page->mfn = maddr_to_mfn(par & PAR_PA);
	page->frame = frame_of(page->mfn);
	/* Else a device, or another domain's frame. */
	return page->frame != NULL &&
	       frame_head_is_of(atomic_load_acquire(&page->frame->head), d->id);
}
/* What faults, or is another's, counts under the lock that keeps out whoever changes the stage 2. */
static __noinline bool find_page_locked(struct domain *d, uint64_t gva, bool write,
					struct guest_page *page)
{
	bool found;

	read_lock(&d->stage2.lock);
	found = find_page(d, gva, write, page);
	read_unlock(&d->stage2.lock);
	return found;
}

/* C3: what the caller shares with EL2 must be Write-Back, unless its caches are off altogether. *wb is its view. */
static int check_attributes(struct domain *d, uint64_t gva, const struct guest_page *page, bool *wb)
{
	const bool caches_on = caches_are_on();
	uint64_t attr = page->attr;

	if (unlikely(attr == 0 && d->is_32bit && caches_on)) {
		attr = guest_attr_short(d, (uint32_t)gva);
	}
	*wb = (caches_on && attr_is_write_back(attr)) || stage2_attr_forces_wb(d);
	/* Without its caches it sees memory at the PoC, also when the domain is warm by another vCPU. */
	if (likely(*wb || !caches_on)) {
		return 0;
	}
	log_guest(d->id,
		  "%s: hypercall buffer at 0x%lx is mapped with attribute 0x%02lx; it must be Normal "
		  "Inner and Outer Write-Back (public/arch-arm.h): %s",
		  d->name, gva, attr,
		  boot_options.mem_attr_warn ? "served (mem-attr=warn)" : "refused");
	return boot_options.mem_attr_warn ? 0 : -XEN_EINVAL;
}

/*
 * The window says whose frame it is, so that copy_small() may use it from now on. Not for AArch32 callers: their addresses
 * are looked at first (copy_page()).
 */
static void copy_through(const struct domain *d, const struct guest_page *page,
			 enum window_attr attr, uint64_t gva, void *buffer, size_t size,
			 bool to_guest)
{
	char *window =
		window_map_of(page->mfn, attr, likely(!d->is_32bit) ? d->id : WINDOW_OF_NOBODY);
	char *at = window + (gva & (PAGE_SIZE - 1));

	order_against_guest(attr);
	if (to_guest) {
		memcpy(at, buffer, size);
		order_against_guest(attr);
	} else {
		memcpy(buffer, at, size);
	}
	window_unmap(window);
}

/* Past the caches, unless the frame is a shared one: which may not change meanwhile. */
static void copy_past_caches(struct domain *d, const struct guest_page *page, uint64_t gva,
			     void *buffer, size_t size, bool to_guest)
{
	read_lock(&d->attr_lock);
	copy_through(d, page, READ_ONCE(page->frame->shared_pins) != 0 ? WINDOW_WB_ONCE : WINDOW_NC,
		     gva, buffer, size, to_guest);
	read_unlock(&d->attr_lock);
}

/* Within one page. */
static int copy_page(struct domain *d, uint64_t gva, void *buffer, size_t size, bool to_guest)
{
	struct guest_page page;
	bool wb;
	int error;

	/* AT would not look at the upper half, and what wraps round is no buffer. */
	if (unlikely(gva > UINT32_MAX) && d->is_32bit) {
		return -XEN_EFAULT;
	}
	if (!find_page(d, gva, to_guest, &page) && !find_page_locked(d, gva, to_guest, &page)) {
		return -XEN_EFAULT;
	}
	error = check_attributes(d, gva, &page, &wb);
	if (error) {
		return error;
	}
	if (likely(wb)) {
		copy_through(d, &page, WINDOW_WB, gva, buffer, size, to_guest);
	} else {
		copy_past_caches(d, &page, gva, buffer, size, to_guest);
	}
	return 0;
}

/* Where to_guest says which way; buffer is Tenon's side. */
static int copy(uint64_t gva, void *buffer, size_t size, bool to_guest)
{
	while (size > 0) {
		size_t part = MIN(size, (size_t)(PAGE_SIZE - (gva & (PAGE_SIZE - 1))));
		int error = copy_page(current_vcpu()->domain, gva, buffer, part, to_guest);

		if (error) {
			return error;
		}
		gva += part;
		buffer = (char *)buffer + part;
		size -= part;
	}
	return 0;
}

/* ---- by virtual address ------------------------------------------------------------------------------------ */

static __noinline int copy_from(void *to, uint64_t gva, size_t size)
{
	return copy(gva, to, size, false);
}

int guest_copy_from(void *to, uint64_t gva, size_t size)
{
	return likely(copy_small(gva, to, size, false)) ? 0 : copy_from(to, gva, size);
}

static __noinline int copy_to(uint64_t gva, void *from, size_t size)
{
	return copy(gva, from, size, true);
}

int guest_copy_to(uint64_t gva, const void *from, size_t size)
{
	void *buffer = (void *)(uintptr_t)from;

	return likely(copy_small(gva, buffer, size, true)) ? 0 : copy_to(gva, buffer, size);
}

int guest_get_frame(uint64_t gva, mfn_t *m)
{
	struct domain *d = current_vcpu()->domain;
	struct guest_page page;
	bool found, wb;
	int error;

	if (unlikely(gva > UINT32_MAX) && d->is_32bit) {
		return -XEN_EFAULT;
	}
	/* To be kept beyond this exit, where no epoch guards it: by a reference, which is had while it is mapped. */
	read_lock(&d->stage2.lock);
	found = find_page(d, gva, true, &page) && frame_get(page.mfn, d->id);
	read_unlock(&d->stage2.lock);
	if (!found) {
		return -XEN_EFAULT;
	}
	error = check_attributes(d, gva, &page, &wb);
	/* Not shared_info or a grant frame, which a guest has mapped as well: those are Tenon's own. */
	if (error == 0 && READ_ONCE(page.frame->state) != FRAME_GUEST) {
		error = -XEN_EFAULT;
	}
	if (error) {
		domain_put_frame(d, page.mfn);
		return error;
	}
	*m = page.mfn;
	return 0;
}

/* ---- by physical address ----------------------------------------------------------------------------------- */

/* The attribute lock keeps cold and warm apart while the window is in use. */
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
