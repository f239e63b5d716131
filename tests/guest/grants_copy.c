/* SPDX-License-Identifier: MIT */
/*
 * Copying by grant within one domain, and what else is done with a grant table: exchange of entries, cache maintenance,
 * questions about the table, lists of requests that cannot be read or written (public/grant_table.h).
 */
#include "guest_event.h"
#include "guest_fp.h"
#include "guest_gic.h"
#include "guest_grant.h"
#include "guest_mmu.h"
#include "guest_trap.h"

const char *const guest_topic = "grants_copy";
const bool guest_mmu_off;

#define NOWHERE  ((void *)UINT64_C(0x7700000000))
#define WRAPPING ((void *)UINT64_C(0xfffffffffffffff8))

#define NR_PAGES 6
static uint8_t pages[NR_PAGES][4096] __aligned(4096);
static uint8_t slots[4][4096] __aligned(4096);
static domid_t me;

#define REF 40

static bool ready(void)
{
	me = event_own_domid();
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		for (unsigned int at = 0; at < 4096; at++) {
			pages[i][at] = (uint8_t)(at * (2 * i + 1) + at / 256 + i);
		}
	}
	return me != DOMID_INVALID && grant_table() != NULL;
}

static struct grant_end frame_end(unsigned int page, unsigned int offset)
{
	return (struct grant_end){
		.dom = DOMID_SELF,
		.ref_or_frame = frame_of_page(pages[page]),
		.offset = offset,
	};
}

static struct grant_end ref_end(grant_ref_t ref, unsigned int offset)
{
	return (struct grant_end){.by_ref = true, .dom = me, .ref_or_frame = ref, .offset = offset};
}

/* ---- copying ---------------------------------------------------------------------------------------------- */

/* All four ways, with offsets and lengths of every alignment; nothing but what was asked for changes. */
static void copies(void)
{
	static const struct {
		unsigned int from, to, size;
	} areas[] = {
		{0, 0, 4096},  {0, 0, 0},     {0, 0, 1},       {4095, 4095, 1}, {4095, 0, 1},
		{1, 2, 4000},  {7, 7, 4089},  {8, 0, 64},      {0, 8, 64},      {3, 1000, 3000},
		{0, 1, 4095},  {1, 0, 4095},  {2048, 0, 2048}, {0, 2048, 2048}, {4096, 4096, 0},
		{16, 32, 512}, {128, 0, 640}, {0, 8, 1024},    {0, 0, 3968},
	};
	static uint8_t wanted[4096];

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[0]), GTF_readonly);
	grant_permit(REF + 1, me, frame_of_page(pages[1]), 0);
	for (unsigned int way = 0; way < 4; way++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
			unsigned int from = areas[i].from, to = areas[i].to;

			REQUIRE(ready());
			memcpy(wanted, pages[1], 4096);
			memcpy(wanted + to, pages[0] + from, areas[i].size);
			REQUIRE(grant_copy((way & 1) != 0 ? ref_end(REF, from) : frame_end(0, from),
					   (way & 2) != 0 ? ref_end(REF + 1, to) : frame_end(1, to),
					   areas[i].size) == GNTST_okay,
				"way %u, area %u", way, i);
			REQUIRE(memcmp(pages[1], wanted, 4096) == 0, "way %u, area %u", way, i);
		}
	}
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_readonly);
	EXPECT_EQUAL(grant_flags(REF + 1), GTF_permit_access);
	EXPECT(grant_revoke(REF) && grant_revoke(REF + 1));
}

/* A hypervisor may use the SIMD registers for it: whether the guest has used them before or not, they stay its own. */
static void copies_leave_the_simd_registers_alone(void)
{
	struct fp_block mine, back;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	for (unsigned int round = 0; round < 4; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(mine.words); i++) {
			mine.words[i] = (round + 1 + i) * UINT64_C(0x9e3779b97f4a7c15);
		}
		guest_fp_load(&mine);
		REQUIRE_EQUAL(grant_copy(ref_end(REF, 0), frame_end(1, 0), 4096), GNTST_okay);
		REQUIRE_EQUAL(grant_copy(frame_end(2, 16), ref_end(REF, 32), 640), GNTST_okay);
		guest_fp_store(&back);
		EXPECT(memcmp(&back, &mine, sizeof(back)) == 0, "round %u", round);
	}
	EXPECT(grant_revoke(REF));
}

static void copy_within_a_page(void)
{
	static uint8_t wanted[4096];

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[2]), 0);
	memcpy(wanted, pages[2], 4096);
	memcpy(wanted + 2000, pages[2] + 100, 1000);
	REQUIRE_EQUAL(grant_copy(ref_end(REF, 100), frame_end(2, 2000), 1000), GNTST_okay);
	EXPECT(memcmp(pages[2], wanted, 4096) == 0);
	REQUIRE_EQUAL(grant_copy(ref_end(REF, 0), ref_end(REF, 0), 4096), GNTST_okay);
	EXPECT(memcmp(pages[2], wanted, 4096) == 0);
	EXPECT(grant_revoke(REF));
}

static void copies_beyond_a_page_are_refused(void)
{
	static const struct {
		unsigned int from, to, size;
	} areas[] = {{1, 0, 4096},   {0, 1, 4096},
		     {4095, 0, 2},   {0, 4095, 2},
		     {4096, 0, 1},   {0, 4097, 0},
		     {0xffff, 0, 1}, {0, 0, 4097},
		     {0, 0, 0xffff}, {0xffff, 0xffff, 0xffff}};
	static uint8_t before[4096];

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	memcpy(before, pages[1], 4096);
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
		EXPECT(grant_copy(ref_end(REF, areas[i].from), frame_end(1, areas[i].to),
				  areas[i].size) == GNTST_bad_copy_arg,
		       "area %u", i);
		EXPECT(grant_copy(frame_end(1, areas[i].from), ref_end(REF, areas[i].to),
				  areas[i].size) == GNTST_bad_copy_arg,
		       "area %u", i);
	}
	EXPECT(memcmp(before, pages[1], 4096) == 0);
	EXPECT(grant_revoke(REF));
}

static void copy_refusals(void)
{
	struct grant_end end;
	struct grant_entry_v1 *table = grant_table();

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	/* By frame only one's own, and by no number but DOMID_SELF. */
	end = frame_end(1, 0);
	end.dom = me;
	EXPECT_EQUAL(grant_copy(end, ref_end(REF, 0), 8), GNTST_permission_denied);
	EXPECT_EQUAL(grant_copy(ref_end(REF, 0), end, 8), GNTST_permission_denied);
	end.dom = 1234;
	EXPECT_EQUAL(grant_copy(ref_end(REF, 0), end, 8), GNTST_bad_domain);
	EXPECT_EQUAL(grant_copy(end, ref_end(REF, 0), 8), GNTST_bad_domain);
	end = ref_end(REF, 0);
	end.dom = 1234;
	EXPECT_EQUAL(grant_copy(end, frame_end(1, 0), 8), GNTST_bad_domain);
	EXPECT_EQUAL(grant_copy(frame_end(1, 0), end, 8), GNTST_bad_domain);
	end.dom = DOMID_SELF; /* which is fine here */
	EXPECT_EQUAL(grant_copy(end, frame_end(1, 0), 8), GNTST_okay);
	/* References. */
	end = ref_end(GRANT_MAX_TEST_FRAMES * GRANT_PER_FRAME, 0);
	EXPECT_EQUAL(grant_copy(end, frame_end(1, 0), 8), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_copy(frame_end(1, 0), end, 8), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_copy(ref_end(UINT32_MAX, 0), frame_end(1, 0), 8), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_copy(ref_end(REF + 1, 0), frame_end(1, 0), 8), GNTST_general_error);
	EXPECT_EQUAL(grant_copy(frame_end(1, 0), ref_end(REF + 1, 0), 8), GNTST_general_error);
	EXPECT_EQUAL(grant_flags(REF + 1), 0);
	grant_permit(REF + 1, me, frame_of_page(pages[1]), GTF_readonly);
	EXPECT_EQUAL(grant_copy(frame_end(2, 0), ref_end(REF + 1, 0), 8), GNTST_general_error);
	EXPECT_EQUAL(grant_copy(ref_end(REF + 1, 0), frame_end(2, 0), 8), GNTST_okay);
	grant_permit(REF + 1, (domid_t)(me + 1), frame_of_page(pages[1]), 0);
	EXPECT_EQUAL(grant_copy(ref_end(REF + 1, 0), frame_end(2, 0), 8), GNTST_general_error);
	WRITE_ONCE(table[REF + 1].flags, GTF_accept_transfer);
	WRITE_ONCE(table[REF + 1].domid, me);
	EXPECT_EQUAL(grant_copy(ref_end(REF + 1, 0), frame_end(2, 0), 8), GNTST_general_error);
	/* Frames. */
	grant_permit(REF + 1, me, 0x10000, 0);
	EXPECT_EQUAL(grant_copy(ref_end(REF + 1, 0), frame_end(1, 0), 8), GNTST_bad_page);
	EXPECT_EQUAL(grant_copy(frame_end(1, 0), ref_end(REF + 1, 0), 8), GNTST_bad_page);
	EXPECT_EQUAL(grant_flags(REF + 1), GTF_permit_access);
	end = frame_end(1, 0);
	end.ref_or_frame = 0x10000;
	EXPECT_EQUAL(grant_copy(end, ref_end(REF, 0), 8), GNTST_bad_page);
	EXPECT_EQUAL(grant_copy(ref_end(REF, 0), end, 8), GNTST_bad_page);
	end.ref_or_frame = UINT64_MAX;
	EXPECT_EQUAL(grant_copy(ref_end(REF, 0), end, 8), GNTST_bad_page);
	end.ref_or_frame = UINT64_C(1) << 52;
	EXPECT_EQUAL(grant_copy(end, ref_end(REF, 0), 8), GNTST_bad_page);
	/* Of several things the first is told. */
	EXPECT_EQUAL(grant_copy(end, ref_end(UINT32_MAX, 0), 5000), GNTST_bad_page);
	EXPECT_EQUAL(grant_copy(ref_end(UINT32_MAX, 0), end, 5000), GNTST_bad_gntref);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF) && grant_revoke(REF + 1));
}

/* Beside a mapping: what shows that stays. */
static void copy_of_what_is_mapped(void)
{
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[3]), 0);
	REQUIRE_EQUAL(grant_map(me, REF, slots[0], GNTMAP_readonly, &handle), GNTST_okay);
	REQUIRE_EQUAL(grant_copy(frame_end(4, 0), ref_end(REF, 0), 4096), GNTST_okay);
	EXPECT(memcmp(slots[0], pages[4], 4096) == 0);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading);
	/* Revoked, but in use for reading. */
	WRITE_ONCE(grant_table()[REF].flags, GTF_readonly);
	EXPECT_EQUAL(grant_copy(ref_end(REF, 0), frame_end(5, 0), 4096), GNTST_okay);
	EXPECT_EQUAL(grant_copy(frame_end(4, 0), ref_end(REF, 0), 8), GNTST_general_error);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_flags(REF), GTF_readonly);
	EXPECT(grant_revoke(REF));
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static int swap(grant_ref_t a, grant_ref_t b)
{
	struct gnttab_swap_grant_ref op = {.ref_a = a, .ref_b = b, .status = 77};

	return grant_op(GNTTABOP_swap_grant_ref, &op, 1) == 0 ? op.status : GRANT_CALL_FAILED;
}

static void swap_entries(void)
{
	struct grant_entry_v1 *table = grant_table();
	grant_ref_t far = 3 * GRANT_PER_FRAME + 7;
	grant_handle_t handle;

	REQUIRE(ready());
	grant_permit(REF, me, 0x1234, 0);
	grant_permit(far, 77, 0x9876, GTF_readonly);
	EXPECT_EQUAL(swap(REF, far), GNTST_okay);
	EXPECT_EQUAL(table[REF].domid, 77);
	EXPECT_EQUAL(table[REF].frame, 0x9876);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_readonly);
	EXPECT_EQUAL(table[far].frame, 0x1234);
	EXPECT_EQUAL(swap(REF, REF), GNTST_okay);
	EXPECT_EQUAL(table[REF].frame, 0x9876);
	EXPECT_EQUAL(swap(REF, GRANT_MAX_TEST_FRAMES * GRANT_PER_FRAME), GNTST_bad_gntref);
	EXPECT_EQUAL(swap(UINT32_MAX, REF), GNTST_bad_gntref);
	grant_permit(far, me, frame_of_page(pages[0]), 0);
	REQUIRE_EQUAL(grant_map(me, far, slots[0], GNTMAP_readonly, &handle), GNTST_okay);
	EXPECT_EQUAL(swap(REF, far), GNTST_eagain);
	EXPECT_EQUAL(swap(far, REF), GNTST_eagain);
	EXPECT_EQUAL(swap(far, far), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(swap(far, REF), GNTST_okay);
	EXPECT_EQUAL(table[REF].frame, frame_of_page(pages[0]));
	EXPECT(grant_revoke(REF) && grant_revoke(far));
}

static void questions(void)
{
	struct gnttab_query_size query = {.dom = DOMID_SELF};
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2};
	struct gnttab_get_status_frames status = {.dom = DOMID_SELF, .status = 77};
	struct gnttab_get_version version = {.dom = DOMID_SELF};
	xen_pfn_t frames[3] = {1, 1, 1};

	REQUIRE(ready());
	REQUIRE_EQUAL(grant_op(GNTTABOP_query_size, &query, 1), 0);
	EXPECT_EQUAL(query.status, GNTST_okay);
	EXPECT_EQUAL(query.nr_frames, GRANT_MAX_TEST_FRAMES);
	query.dom = 1234;
	REQUIRE_EQUAL(grant_op(GNTTABOP_query_size, &query, 1), 0);
	EXPECT_EQUAL(query.status, GNTST_bad_domain);
	EXPECT_EQUAL(grant_op(GNTTABOP_query_size, &query, 0), -XEN_EINVAL);
	set_xen_guest_handle(setup.frame_list, frames);
	REQUIRE_EQUAL(grant_op(GNTTABOP_setup_table, &setup, 1), 0);
	EXPECT_EQUAL(setup.status, GNTST_okay);
	EXPECT_EQUAL(frames[0], frame_of_page(grant_table()));
	EXPECT_EQUAL(frames[1], frames[0] + 1);
	EXPECT_EQUAL(frames[2], 1);
	setup.nr_frames = 65;
	REQUIRE_EQUAL(grant_op(GNTTABOP_setup_table, &setup, 1), 0);
	EXPECT_EQUAL(setup.status, GNTST_general_error);
	setup.nr_frames = 1;
	set_xen_guest_handle(setup.frame_list, NOWHERE);
	REQUIRE_EQUAL(grant_op(GNTTABOP_setup_table, &setup, 1), 0);
	EXPECT_EQUAL(setup.status, GNTST_bad_virt_addr);
	setup.dom = 1234;
	REQUIRE_EQUAL(grant_op(GNTTABOP_setup_table, &setup, 1), 0);
	EXPECT_EQUAL(setup.status, GNTST_bad_domain);
	EXPECT_EQUAL(grant_op(GNTTABOP_setup_table, &setup, 2), -XEN_EINVAL);
	REQUIRE_EQUAL(grant_op(GNTTABOP_get_status_frames, &status, 1), 0);
	EXPECT_EQUAL(status.status, GNTST_okay);
	status.nr_frames = 1;
	REQUIRE_EQUAL(grant_op(GNTTABOP_get_status_frames, &status, 1), 0);
	EXPECT_EQUAL(status.status, GNTST_general_error);
	status.dom = 1234;
	REQUIRE_EQUAL(grant_op(GNTTABOP_get_status_frames, &status, 1), 0);
	EXPECT_EQUAL(status.status, GNTST_bad_domain);
	EXPECT_EQUAL(grant_op(GNTTABOP_get_status_frames, &status, 2), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_get_version, &version, 1), 0);
	EXPECT_EQUAL(version.version, 1);
	version.dom = 1234;
	EXPECT_EQUAL(grant_op(GNTTABOP_get_version, &version, 1), -XEN_ESRCH);
}

static void versions(void)
{
	struct gnttab_set_version op = {.version = 1};
	struct grant_entry_v1 *table = grant_table();

	REQUIRE(ready());
	grant_permit(3, 99, 0x1234, 0);
	grant_permit(REF, 99, 0x5678, 0);
	REQUIRE_EQUAL(grant_op(GNTTABOP_set_version, &op, 1), 0);
	EXPECT_EQUAL(op.version, 1);
	EXPECT_EQUAL(table[3].frame, 0x1234);
	EXPECT_EQUAL(table[REF].frame, 0x5678);
	op.version = 2;
	EXPECT_EQUAL(grant_op(GNTTABOP_set_version, &op, 1), -XEN_ENOSYS);
	EXPECT_EQUAL(op.version, 1);
	op.version = 0;
	EXPECT_EQUAL(grant_op(GNTTABOP_set_version, &op, 1), -XEN_EINVAL);
	EXPECT_EQUAL(op.version, 1);
	op.version = 3;
	EXPECT_EQUAL(grant_op(GNTTABOP_set_version, &op, 1), -XEN_EINVAL);
	EXPECT(grant_revoke(3) && grant_revoke(REF));
}

static void what_is_not_there(void)
{
	struct gnttab_transfer transfer = {.domid = 1};

	EXPECT_EQUAL(grant_op(GNTTABOP_transfer, &transfer, 1), -XEN_EOPNOTSUPP);
	EXPECT_EQUAL(grant_op(GNTTABOP_transfer, &transfer, 0), -XEN_EOPNOTSUPP);
	EXPECT_EQUAL(grant_op(GNTTABOP_dump_table, pages[0], 1), -XEN_ENOSYS);
	EXPECT_EQUAL(grant_op(13, pages[0], 1), -XEN_ENOSYS);
	EXPECT_EQUAL(grant_op(0xfff, pages[0], 1), -XEN_ENOSYS);
	EXPECT_EQUAL(grant_op(0xfff, pages[0], UINT32_MAX), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_map_grant_ref, pages[0], 1u << 31), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_map_grant_ref | 0x1000, pages[0], 1), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_transfer | 0x1000, pages[0], 1), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(13 | 0x1000, pages[0], 1), -XEN_EINVAL);
}

/* ---- cache maintenance ---------------------------------------------------------------------------------------- */

static int64_t flush(uint64_t address, unsigned int offset, unsigned int length, uint32_t what)
{
	struct gnttab_cache_flush op = {
		.a = {.dev_bus_addr = address},
		.offset = (uint16_t)offset,
		.length = (uint16_t)length,
		.op = what,
	};

	return grant_op(GNTTABOP_cache_flush, &op, 1);
}

static void cache_flush(void)
{
	static const uint32_t whats[] = {GNTTAB_CACHE_CLEAN, GNTTAB_CACHE_INVAL,
					 GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL};
	struct gnttab_map_grant_ref op = {
		.host_addr = (uintptr_t)slots[0],
		.flags = GNTMAP_host_map,
		.ref = REF,
	};
	uint64_t at;

	REQUIRE(ready());
	op.dom = me;
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	/* Its own memory, by the machine address that only a map tells. */
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	REQUIRE_EQUAL(op.status, GNTST_okay);
	at = op.dev_bus_addr;
	for (unsigned int i = 0; i < ARRAY_SIZE(whats); i++) {
		EXPECT_EQUAL(flush(at, 0, 4096, whats[i]), 0);
		EXPECT_EQUAL(flush(at, 64, 128, whats[i]), 0);
		EXPECT_EQUAL(flush(at, 4095, 1, whats[i]), 0);
		EXPECT_EQUAL(flush(at + 0x123, 0, 4096, whats[i]), 0);
	}
	EXPECT_EQUAL(flush(at, 1, 4096, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(at, 4096, 0, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(at, 0, 4097, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(at, 0xffff, 0xffff, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(at, 0, 64, 4), -XEN_EINVAL);
	EXPECT_EQUAL(flush(at, 0, 64, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF), -XEN_EINVAL);
	/* Nothing to do: the address is not looked at. */
	EXPECT_EQUAL(flush(UINT64_MAX, 0, 0, GNTTAB_CACHE_CLEAN), 0);
	EXPECT_EQUAL(flush(UINT64_MAX, 5, 64, 0), 0);
	EXPECT_EQUAL(flush(UINT64_MAX, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(UINT64_C(0x9000000), 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(flush(0, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush, NOWHERE, 0), 0);
	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush, NOWHERE, 1), -XEN_EFAULT);
	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush, NOWHERE, 1u << 31), -XEN_EINVAL);
	EXPECT_EQUAL(grant_unmap(op.handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(pages[0][100], (uint8_t)100);
	EXPECT(grant_revoke(REF));
}

/* What a continued call keeps above the command, given by hand. */
static void cache_flush_that_continues_nothing(void)
{
	struct gnttab_cache_flush op = {.op = 0};

	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush | 0x1000, &op, 1), -XEN_EILSEQ);
	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush | 0x1000, &op, 0), 0);
	EXPECT_EQUAL(grant_op(GNTTABOP_cache_flush | 0xfffff000, &op, 1), -XEN_EILSEQ);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

static const struct {
	unsigned int command;
	unsigned int size;
	unsigned int status; /* where it is */
} lists[] = {
	{GNTTABOP_map_grant_ref, sizeof(struct gnttab_map_grant_ref),
	 offsetof(struct gnttab_map_grant_ref, status)},
	{GNTTABOP_unmap_grant_ref, sizeof(struct gnttab_unmap_grant_ref),
	 offsetof(struct gnttab_unmap_grant_ref, status)},
	{GNTTABOP_unmap_and_replace, sizeof(struct gnttab_unmap_and_replace),
	 offsetof(struct gnttab_unmap_and_replace, status)},
	{GNTTABOP_copy, sizeof(struct gnttab_copy), offsetof(struct gnttab_copy, status)},
	{GNTTABOP_swap_grant_ref, sizeof(struct gnttab_swap_grant_ref),
	 offsetof(struct gnttab_swap_grant_ref, status)},
};

/* Requests of all ones are wrong whatever they are. */
static void bad_pointers(void)
{
	uint64_t va = mmu_spare_page(0);

	REQUIRE(ready());
	REQUIRE(mmu_map_page(va, (uintptr_t)pages[0], MMU_WRITE_BACK));
	REQUIRE(mmu_map_page(va + 4096, 0, MMU_UNMAPPED));
	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++) {
		unsigned int command = lists[i].command, size = lists[i].size;
		uint64_t two = va + 4096 - size;
		int16_t status;

		EXPECT(grant_op(command, NOWHERE, 0) == 0, "list %u", i);
		EXPECT(grant_op(command, NOWHERE, 1) == -XEN_EFAULT, "list %u", i);
		EXPECT(grant_op(command, NULL, 1) == -XEN_EFAULT, "list %u", i);
		EXPECT(grant_op(command, WRAPPING, 2) == -XEN_EFAULT, "list %u", i);
		/* The second entry is not there: the first is done. */
		memset(pages[0], 0xff, 4096);
		EXPECT(grant_op(command, (void *)(uintptr_t)two, 2) == -XEN_EFAULT, "list %u", i);
		memcpy(&status, pages[0] + 4096 - size + lists[i].status, sizeof(status));
		EXPECT(status < -1 || command == GNTTABOP_map_grant_ref, "list %u: %d", i, status);
		/* Nor is the end of the first. */
		memset(pages[0], 0xff, 4096);
		EXPECT(grant_op(command, (void *)(uintptr_t)(two + 4), 1) == -XEN_EFAULT, "list %u",
		       i);
		/* Misaligned ones are as good as any. */
		EXPECT(grant_op(command, (void *)(uintptr_t)(va + 1), 3) == 0, "list %u", i);
		memcpy(&status, pages[0] + 1 + 2 * size + lists[i].status, sizeof(status));
		EXPECT(status < -1 || command == GNTTABOP_map_grant_ref, "list %u: %d", i, status);
		/* The status cannot be written. */
		REQUIRE(mmu_map_page(va + 4096, (uintptr_t)pages[1], MMU_READ_ONLY));
		memset(pages[1], 0xff, 4096);
		EXPECT(grant_op(command, (void *)(uintptr_t)(va + 4096), 1) == -XEN_EFAULT,
		       "list %u", i);
		REQUIRE(mmu_map_page(va + 4096, 0, MMU_UNMAPPED));
	}
}

/* What cannot be told is undone: the caller has no handle to do it with. Xen leaves it mapped. */
static void map_whose_result_cannot_be_told(void)
{
	uint64_t va = mmu_spare_page(0);
	struct gnttab_map_grant_ref *op = (struct gnttab_map_grant_ref *)(uintptr_t)pages[1];

	REQUIRE(ready());
	*op = (struct gnttab_map_grant_ref){
		.host_addr = (uintptr_t)slots[1],
		.flags = GNTMAP_host_map,
		.ref = REF,
		.dom = me,
	};
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	REQUIRE(mmu_map_page(va, (uintptr_t)pages[1], MMU_READ_ONLY));
	EXPECT_EQUAL(grant_op(GNTTABOP_map_grant_ref, (void *)(uintptr_t)va, 1), -XEN_EFAULT);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF));
}

/* Long lists with an interrupt every 20 us: they are stopped and continued, and nobody can tell. */
static void lists_are_continued(void)
{
	static struct gnttab_map_grant_ref maps[128];
	static struct gnttab_unmap_grant_ref unmaps[128];
	static struct gnttab_copy copies_list[512];

	REQUIRE(ready());
	grant_permit(REF, me, frame_of_page(pages[0]), 0);
	ticks_start(20);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
			maps[i] = (struct gnttab_map_grant_ref){
				.host_addr = (uintptr_t)slots[i % 4],
				.flags = GNTMAP_host_map,
				.ref = REF,
				.dom = me,
				.status = 77,
			};
		}
		REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, maps, ARRAY_SIZE(maps)), 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
			REQUIRE(maps[i].status == GNTST_okay, "map %u", i);
			unmaps[i] = (struct gnttab_unmap_grant_ref){
				.host_addr = maps[i].host_addr,
				.handle = maps[i].handle,
				.status = 77,
			};
		}
		REQUIRE_EQUAL(grant_op(GNTTABOP_unmap_grant_ref, unmaps, ARRAY_SIZE(unmaps)), 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(unmaps); i++) {
			REQUIRE(unmaps[i].status == GNTST_okay, "unmap %u", i);
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(copies_list); i++) {
			copies_list[i] = (struct gnttab_copy){
				.source = {.u.ref = REF, .domid = me, .offset = (uint16_t)i},
				.dest = {.u.gmfn = frame_of_page(pages[1]),
					 .domid = DOMID_SELF,
					 .offset = (uint16_t)i},
				.len = 3000,
				.flags = GNTCOPY_source_gref,
				.status = 77,
			};
		}
		REQUIRE_EQUAL(grant_op(GNTTABOP_copy, copies_list, ARRAY_SIZE(copies_list)), 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(copies_list); i++) {
			REQUIRE(copies_list[i].status == GNTST_okay, "copy %u", i);
		}
		REQUIRE(memcmp(pages[0], pages[1], 3000 + 511) == 0);
	}
	EXPECT(ticks_stop() > 0);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT(grant_revoke(REF));
}

const struct guest_case guest_cases[] = {
	CASE(copies),
	CASE(copies_leave_the_simd_registers_alone),
	CASE(copy_within_a_page),
	CASE(copies_beyond_a_page_are_refused),
	CASE(copy_refusals),
	CASE(copy_of_what_is_mapped),
	CASE(swap_entries),
	CASE(questions),
	CASE(versions),
	CASE(what_is_not_there),
	CASE(cache_flush),
	CASE(cache_flush_that_continues_nothing),
	CASE(bad_pointers),
	CASE(map_whose_result_cannot_be_told, .flags = TENON_ONLY),
	CASE(lists_are_continued),
	CASE_END,
};
