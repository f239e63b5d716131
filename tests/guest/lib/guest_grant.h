/* SPDX-License-Identifier: MIT */
/* What test guests of grants share: the table, entries, and the operations one at a time (public/grant_table.h). */
#pragma once

#include "guest.h"
#include "guest_asm.h"
#include "guest_xen.h"

/* The first nr frames of the table, mapped over memory of this guest, once. NULL when that fails. */
#define GRANT_MAX_TEST_FRAMES 10
#define GRANT_PER_FRAME       512
struct grant_entry_v1 *grant_table(void);

int64_t grant_op(unsigned int command, void *argument, unsigned int count);

/* Permit, as the header says: the frame before the type. flags beside GTF_permit_access. */
void grant_permit(grant_ref_t ref, domid_t to, uint64_t frame, uint16_t flags);
static inline uint64_t frame_of_page(const void *page)
{
	return (uintptr_t)page >> PAGE_SHIFT;
}
/* Nobody uses it: the entry is empty then. False: it is in use, and stays as it is. */
bool grant_revoke(grant_ref_t ref);
uint16_t grant_flags(grant_ref_t ref);

/* One map, by host_map and more flags: the status, with the handle in *handle. -100: the call itself failed. */
#define GRANT_CALL_FAILED (-100)
int grant_map(domid_t dom, grant_ref_t ref, const void *at, uint32_t flags, grant_handle_t *handle);
int grant_unmap(grant_handle_t handle, const void *at);
/* One copy; the ends as gnttab_copy_ptr. */
struct grant_end {
	bool by_ref;
	domid_t dom;
	uint64_t ref_or_frame;
	unsigned int offset;
};
int grant_copy(struct grant_end from, struct grant_end to, unsigned int size);
