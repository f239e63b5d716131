/* SPDX-License-Identifier: MIT */
/*
 * Grant tables within one domain, which grants to itself by its own number: every operation, its errors and its limits
 * (public/grant_table.h; xen-abi-arm: "Grant tables, v1").
 */
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_grant.h"
#include "guest_mmu.h"
#include "guest_trap.h"

const char *const guest_topic = "grants";
const bool guest_mmu_off;

#define NOWHERE  ((void *)UINT64_C(0x7700000000))
#define WRAPPING ((void *)UINT64_C(0xfffffffffffffff8))

#define NR_PAGES 8
/* What is granted, and where it is mapped: memory of this guest that becomes holes. */
static uint8_t granted[NR_PAGES][4096] __aligned(4096);
static uint8_t slots[NR_PAGES][4096] __aligned(4096);
static domid_t me;

#define REF 20 /* the first of the references in use here; 0 to 7 are the toolstack's */

/* The table, this domain's number, and patterns in the pages. */
static bool ready(void)
{
	me = event_own_domid();
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		memset(granted[i], 0x11 * (int)(i + 1), sizeof(granted[i]));
	}
	return me != DOMID_INVALID && grant_table() != NULL;
}

static uint32_t word_at(const void *page)
{
	return *(const volatile uint32_t *)page;
}

static void set_word(void *page, uint32_t value)
{
	*(volatile uint32_t *)page = value;
}

static bool is_hole(const void *page)
{
	uint64_t value;

	return fault_read(4, (uintptr_t)page, &value).taken;
}

/* ---- mapping ---------------------------------------------------------------------------------------------- */

static void map_writable(void)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = (uintptr_t)slots[0],
		.flags = GNTMAP_host_map,
		.ref = REF,
	};
	struct gnttab_unmap_grant_ref unmap = {.host_addr = (uintptr_t)slots[0], .status = 77};

	REQUIRE(ready());
	op.dom = me;
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	REQUIRE_EQUAL(op.status, GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
	/* A machine address, which nothing tells of a domain that is not mapped directly. */
	EXPECT(op.dev_bus_addr != 0 && (op.dev_bus_addr & 0xfff) == 0, "%#lx", op.dev_bus_addr);
	EXPECT_EQUAL(op.host_addr, (uintptr_t)slots[0]);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	set_word(slots[0], 0x12345678);
	EXPECT_EQUAL(word_at(granted[0]), 0x12345678);
	set_word(granted[0] + 4092, 0x9abcdef0);
	EXPECT_EQUAL(word_at(slots[0] + 4092), 0x9abcdef0);
	unmap.handle = op.handle;
	REQUIRE_EQUAL(grant_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
	REQUIRE_EQUAL(unmap.status, GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(is_hole(slots[0]));
	EXPECT_EQUAL(word_at(granted[0]), 0x12345678);
	EXPECT(grant_revoke(REF));
}

static void map_read_only(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	for (unsigned int i = 0; i < 2; i++) {
		grant_permit(REF, me, frame_of_page(granted[1]), i == 0 ? GTF_readonly : 0);
		REQUIRE_EQUAL(grant_map(me, REF, slots[1], GNTMAP_readonly, &handle), GNTST_okay);
		EXPECT_EQUAL(grant_flags(REF),
			     GTF_permit_access | GTF_reading | (i == 0 ? GTF_readonly : 0));
		EXPECT_EQUAL(word_at(slots[1]), 0x22222222);
		/* On Xen the guest never gets past such a write. */
		EXPECT(!machine.tenon || fault_write(4, (uintptr_t)slots[1], 1).taken);
		EXPECT_EQUAL(word_at(granted[1]), 0x22222222);
		REQUIRE_EQUAL(grant_unmap(handle, slots[1]), GNTST_okay);
		EXPECT(grant_revoke(REF));
	}
}

static void code_is_not_run_from_it(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	set_word(granted[0], 0xd65f03c0); /* ret */
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	EXPECT(fault_jump((uintptr_t)slots[0]).taken);
	REQUIRE_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT(grant_revoke(REF));
}

static void several_mappings_of_one_grant(void)
{
	grant_handle_t first, second, third;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[2]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &first), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading);
	REQUIRE_EQUAL(grant_map(me, REF, slots[1], 0, &second), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
	REQUIRE_EQUAL(grant_map(me, REF, slots[2], 0, &third), GNTST_okay);
	EXPECT(first != second && second != third && first != third);
	set_word(slots[1], 0x777);
	EXPECT_EQUAL(word_at(slots[0]), 0x777);
	EXPECT_EQUAL(word_at(slots[2]), 0x777);
	REQUIRE_EQUAL(grant_unmap(second, slots[1]), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
	REQUIRE_EQUAL(grant_unmap(third, slots[2]), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading);
	EXPECT_EQUAL(word_at(slots[0]), 0x777);
	EXPECT(is_hole(slots[1]) && is_hole(slots[2]));
	REQUIRE_EQUAL(grant_unmap(first, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF));
}

/* A map replaces what is there, another grant too, whose handle then has nothing to unmap. */
static void mapping_over_a_mapping(void)
{
	grant_handle_t first, second;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	grant_permit(REF + 1, me, frame_of_page(granted[1]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &first), GNTST_okay);
	REQUIRE_EQUAL(grant_map(me, REF + 1, slots[0], 0, &second), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[0]), 0x22222222);
	/* Something else is there. */
	EXPECT_EQUAL(grant_unmap(first, slots[0]), GNTST_general_error);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
	EXPECT_EQUAL(word_at(slots[0]), 0x22222222);
	EXPECT_EQUAL(grant_unmap(second, slots[0]), GNTST_okay);
	/* And now nothing. */
	EXPECT_EQUAL(grant_unmap(first, slots[0]), GNTST_okay);
	EXPECT(grant_revoke(REF) && grant_revoke(REF + 1));
}

/* What is in use stays in use as it was, whatever the granter does to the entry. */
static void revocation_while_mapped(void)
{
	struct grant_entry_v1 *table = grant_table();
	grant_handle_t first, second;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[3]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &first), GNTST_okay);
	EXPECT(!grant_revoke(REF));
	WRITE_ONCE(table[REF].flags, 0);
	WRITE_ONCE(table[REF].frame, (uint32_t)frame_of_page(granted[4]));
	EXPECT_EQUAL(word_at(slots[0]), 0x44444444);
	/* Another one of the same kind needs no permission, and has the same frame. */
	REQUIRE_EQUAL(grant_map(me, REF, slots[1], GNTMAP_readonly, &second), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[1]), 0x44444444);
	EXPECT_EQUAL(grant_unmap(second, slots[1]), GNTST_okay);
	/* To write is new, and GTF_readonly is looked at. */
	WRITE_ONCE(table[REF].flags, GTF_readonly);
	EXPECT_EQUAL(grant_map(me, REF, slots[1], 0, &second), GNTST_general_error);
	EXPECT_EQUAL(grant_flags(REF), GTF_readonly);
	EXPECT_EQUAL(grant_unmap(first, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_readonly);
	EXPECT_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &first), GNTST_general_error);
	EXPECT(grant_revoke(REF));
}

static void map_refusals(void)
{
	struct grant_entry_v1 *table = grant_table();
	grant_handle_t handle = 0;
	static const struct {
		uint16_t flags;
		uint32_t map;
		int status;
	} entries[] = {
		{GTF_invalid, 0, GNTST_general_error},
		{GTF_invalid, GNTMAP_readonly, GNTST_general_error},
		{GTF_accept_transfer, 0, GNTST_general_error},
		{GTF_transitive, GNTMAP_readonly, GNTST_general_error},
		{GTF_permit_access | GTF_readonly, 0, GNTST_general_error},
		{GTF_permit_access | GTF_sub_page, 0, GNTST_general_error},
		{GTF_permit_access | GTF_sub_page, GNTMAP_readonly, GNTST_general_error},
	};

	REQUIRE(ready());
	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++) {
		grant_permit(REF, me, frame_of_page(granted[0]), 0);
		WRITE_ONCE(table[REF].flags, entries[i].flags);
		EXPECT(grant_map(me, REF, slots[0], entries[i].map, &handle) == entries[i].status,
		       "entry %u", i);
		EXPECT(grant_flags(REF) == entries[i].flags, "entry %u", i);
	}
	/* Somebody else's. */
	grant_permit(REF, (domid_t)(me + 1), frame_of_page(granted[0]), 0);
	EXPECT_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_general_error);
	/* No such reference, the last one that there is, and no such domain: DOMID_SELF is none here. */
	EXPECT_EQUAL(grant_map(me, GRANT_MAX_TEST_FRAMES * GRANT_PER_FRAME, slots[0], 0, &handle),
		     GNTST_bad_gntref);
	EXPECT_EQUAL(grant_map(me, 64 * GRANT_PER_FRAME, slots[0], 0, &handle), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_map(me, UINT32_MAX, slots[0], 0, &handle), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_map(me, GRANT_MAX_TEST_FRAMES * GRANT_PER_FRAME - 1, slots[0], 0, &handle),
		     GNTST_general_error);
	EXPECT_EQUAL(grant_map(DOMID_SELF, REF, slots[0], 0, &handle), GNTST_bad_domain);
	EXPECT_EQUAL(grant_map(1234, REF, slots[0], 0, &handle), GNTST_bad_domain);
	EXPECT_EQUAL(grant_map(DOMID_INVALID, REF, slots[0], 0, &handle), GNTST_bad_domain);
	EXPECT(grant_revoke(REF));
}

static void map_flags(void)
{
	struct gnttab_map_grant_ref op = {.host_addr = (uintptr_t)slots[0], .ref = REF};
	static const struct {
		uint32_t flags;
		int status;
	} wrong[] = {
		{0, GNTST_bad_gntref},
		{GNTMAP_readonly, GNTST_bad_gntref},
		{GNTMAP_application_map, GNTST_bad_gntref},
		{GNTMAP_device_map, GNTST_general_error},
		{GNTMAP_device_map | GNTMAP_host_map, GNTST_general_error},
		{GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly, GNTST_general_error},
		{GNTMAP_host_map | GNTMAP_application_map, GNTST_general_error},
		{GNTMAP_host_map | GNTMAP_contains_pte, GNTST_general_error},
		{GNTMAP_host_map | 1u << 5, GNTST_general_error},
		{GNTMAP_host_map | 1u << 16, GNTST_general_error},
		{GNTMAP_host_map | 1u << 31, GNTST_general_error},
	};

	REQUIRE(ready());
	op.dom = me;
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	set_word(slots[7], 7);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		op.flags = wrong[i].flags;
		REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
		EXPECT(op.status == wrong[i].status, "flags %#x: %d", op.flags, op.status);
		EXPECT(grant_flags(REF) == GTF_permit_access, "flags %#x", op.flags);
	}
	/* Of several things that are wrong one is told. */
	op.flags = GNTMAP_device_map;
	op.dom = 1234;
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_general_error);
	op.flags = GNTMAP_host_map | 1u << 31;
	op.ref = UINT32_MAX;
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_bad_domain);
	op.dom = me;
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_bad_gntref);
	EXPECT(grant_revoke(REF));
}

/* What an entry names must be this domain's own memory. */
static void granted_frames(void)
{
	static const uint64_t frames[] = {
		0x3001,            /* the interrupt controller, which is emulated */
		0x22000,           /* so is the UART */
		0x10000,           /* nothing */
		0xffffffff,        /* at the end of what an entry can name */
		UINT64_C(1) << 28, /* the end of 40 bits of addresses */
	};
	grant_handle_t handle, other;

	REQUIRE(ready());
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++) {
		grant_permit(REF, me, frames[i], 0);
		EXPECT(grant_map(me, REF, slots[0], 0, &handle) == GNTST_bad_page, "frame %#lx",
		       frames[i]);
		EXPECT(grant_map(me, REF, slots[0], GNTMAP_readonly, &handle) == GNTST_bad_page,
		       "frame %#lx, read-only", frames[i]);
		EXPECT(grant_flags(REF) == GTF_permit_access, "frame %#lx", frames[i]);
	}
	/* A hole, once something has been mapped there. */
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	REQUIRE_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	grant_permit(REF, me, frame_of_page(slots[0]), 0);
	EXPECT_EQUAL(grant_map(me, REF, slots[1], 0, &other), GNTST_bad_page);
	EXPECT(grant_revoke(REF));
}

/* The table is memory of the domain's, if Tenon's or Xen's: it may be granted as well. */
static void the_table_itself_can_be_granted(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(grant_table()), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &handle), GNTST_okay);
	EXPECT_EQUAL(((const volatile struct grant_entry_v1 *)slots[0])[REF].frame,
		     frame_of_page(grant_table()));
	REQUIRE_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT(grant_revoke(REF));
}

static void where_it_may_be_mapped(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	/* Low bits mean nothing. */
	REQUIRE_EQUAL(grant_map(me, REF, slots[0] + 0x123, 0, &handle), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	EXPECT_EQUAL(grant_unmap(handle, slots[0] + 0xfff), GNTST_okay);
	/* Where there was nothing: below memory, and far above. */
	REQUIRE_EQUAL(grant_map(me, REF, (void *)UINT64_C(0x10000000), 0, &handle), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, (void *)UINT64_C(0x10000000)), GNTST_okay);
	REQUIRE_EQUAL(grant_map(me, REF, (void *)UINT64_C(0x200000000), 0, &handle), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, (void *)UINT64_C(0x200000000)), GNTST_okay);
	/* Beyond all addresses. */
	EXPECT_EQUAL(grant_map(me, REF, (void *)(UINT64_C(1) << 52), 0, &handle),
		     GNTST_general_error);
	EXPECT_EQUAL(grant_map(me, REF, (void *)UINT64_C(0xfffffffffffff000), 0, &handle),
		     GNTST_general_error);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF));
}

/* 128 readers and 128 writers of one entry. */
static void uses_of_one_entry_are_limited(void)
{
	static grant_handle_t handles[256];
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	for (unsigned int i = 0; i < 256; i++) {
		REQUIRE(grant_map(me, REF, slots[0], i < 128 ? GNTMAP_readonly : 0, &handles[i]) ==
				GNTST_okay,
			"mapping %u", i);
		if (i == 127) {
			EXPECT_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &handle),
				     GNTST_general_error);
		}
	}
	EXPECT_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_general_error);
	EXPECT_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &handle), GNTST_general_error);
	for (unsigned int i = 0; i < 256; i++) {
		REQUIRE(grant_unmap(handles[255 - i], slots[0]) == GNTST_okay, "mapping %u",
			255 - i);
	}
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF));
}

/* ---- unmapping -------------------------------------------------------------------------------------------- */

static void unmap_refusals(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(UINT32_MAX, slots[0]), GNTST_bad_handle);
	EXPECT_EQUAL(grant_unmap(0x7fffffff, slots[0]), GNTST_bad_handle);
	EXPECT_EQUAL(grant_unmap(1024 * 256, slots[0]), GNTST_bad_handle);
	EXPECT_EQUAL(grant_unmap(handle + 1, slots[0]), GNTST_bad_handle);
	/* Not there, but other memory. */
	EXPECT_EQUAL(grant_unmap(handle, granted[5]), GNTST_general_error);
	EXPECT_EQUAL(word_at(granted[5]), 0x66666666);
	/* Nowhere in particular: nothing is done, and that is fine. */
	EXPECT_EQUAL(grant_unmap(handle, NULL), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_bad_handle);
	EXPECT_EQUAL(grant_unmap(handle, NULL), GNTST_bad_handle);
	EXPECT(grant_revoke(REF));
}

/* Xen lets go of the frame when nothing is mapped at the address that it is told, and it stays mapped where it is. */
static void unmap_elsewhere_is_refused(void)
{
	grant_handle_t handle, other;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[1], 0, &other), GNTST_okay);
	REQUIRE_EQUAL(grant_unmap(other, slots[1]), GNTST_okay);
	REQUIRE(is_hole(slots[1]));
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, slots[1]), GNTST_general_error);
	/* The same frame, another mapping of it. */
	REQUIRE_EQUAL(grant_map(me, REF, slots[1], GNTMAP_readonly, &other), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, slots[1]), GNTST_general_error);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	EXPECT_EQUAL(grant_unmap(other, slots[1]), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT(grant_revoke(REF));
}

/* Old numbers stand for nothing, however often the table has gone round. */
static void old_handles_are_refused(void)
{
	grant_handle_t first, handle = 0;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &first), GNTST_okay);
	REQUIRE_EQUAL(grant_unmap(first, slots[0]), GNTST_okay);
	for (unsigned int i = 0; i < 600; i++) {
		REQUIRE(grant_map(me, REF, slots[0], 0, &handle) == GNTST_okay, "round %u", i);
		REQUIRE(handle != first, "round %u", i);
		REQUIRE(grant_unmap(first, slots[0]) == GNTST_bad_handle, "round %u", i);
		REQUIRE(grant_unmap(handle, slots[0]) == GNTST_okay, "round %u", i);
	}
	EXPECT(grant_revoke(REF));
}

static void unmap_and_replace(void)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = (uintptr_t)slots[0],
		.new_addr = (uintptr_t)slots[1],
	};

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(granted[0]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &op.handle), GNTST_okay);
	REQUIRE_EQUAL(grant_op(GNTTABOP_unmap_and_replace, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_general_error);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	op.new_addr = 0;
	REQUIRE_EQUAL(grant_op(GNTTABOP_unmap_and_replace, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_okay);
	EXPECT(is_hole(slots[0]));
	REQUIRE_EQUAL(grant_op(GNTTABOP_unmap_and_replace, &op, 1), 0);
	EXPECT_EQUAL(op.status, GNTST_bad_handle);
	EXPECT(grant_revoke(REF));
}

/* A frame that its owner gives up stays while it is mapped. */
static void granted_and_given_up(void)
{
	xen_pfn_t frame = frame_of_page(granted[6]);
	struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};
	grant_handle_t handle, other;

	REQUIRE(ready());
	set_xen_guest_handle(reservation.extent_start, &frame);
	grant_permit(REF, me, frame, 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &reservation),
		      1);
	EXPECT(is_hole(granted[6]));
	EXPECT_EQUAL(word_at(slots[0]), 0x77777777);
	set_word(slots[0], 0xabcd);
	/* In use, so it can be used once more. */
	REQUIRE_EQUAL(grant_map(me, REF, slots[1], 0, &other), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[1]), 0xabcd);
	/* It counts as this domain's, which has all the memory that it may have. */
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation), 0);
	EXPECT_EQUAL(grant_unmap(other, slots[1]), GNTST_okay);
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation), 0);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	/* Until the last use of it has ended. */
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation), 1);
	/* Another frame, and a clean one. */
	EXPECT(word_at(granted[6]) == 0 || !machine.tenon, "%#x", word_at(granted[6]));
	set_word(granted[6], 0x1234);
	EXPECT_EQUAL(word_at(granted[6]), 0x1234);
	EXPECT_EQUAL(grant_map(me, REF, slots[0], 0, &handle), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[0]), 0x1234);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT(grant_revoke(REF));
}

const struct guest_case guest_cases[] = {
	CASE(map_writable),
	CASE(map_read_only),
	CASE(code_is_not_run_from_it, .flags = TENON_ONLY),
	CASE(several_mappings_of_one_grant),
	CASE(mapping_over_a_mapping),
	CASE(revocation_while_mapped),
	CASE(map_refusals),
	CASE(map_flags),
	CASE(granted_frames),
	CASE(the_table_itself_can_be_granted),
	CASE(where_it_may_be_mapped),
	CASE(uses_of_one_entry_are_limited),
	CASE(unmap_refusals),
	CASE(unmap_elsewhere_is_refused, .flags = TENON_ONLY),
	CASE(old_handles_are_refused, .flags = TENON_ONLY),
	CASE(unmap_and_replace),
	CASE(granted_and_given_up),
	CASE_END,
};
