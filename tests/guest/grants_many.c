/* SPDX-License-Identifier: MIT */
/*
 * More mappings than a frame of handles has, and the limit of a domain that may have no more than one such frame, which is
 * what the argument "limit" says (public/grant_table.h; docs/abi.md, grant_table_op).
 */
#include "guest_event.h"
#include "guest_grant.h"

const char *const guest_topic = "grants_many";
const bool guest_mmu_off;

#define NR_REFS     3
#define NR_MAPPINGS 300
#define REF         20
static uint32_t granted[NR_REFS][1024] __aligned(4096);
static grant_handle_t handles[NR_MAPPINGS];
static domid_t me;

/* Of 256 handles in one frame: Xen keeps one back for each vCPU that maps, so that its list has an end. */
#define NR_HANDLES (machine.tenon ? 256u : 255u)

/* Where the nth is mapped: amid this guest's memory, between its image and its device tree, which becomes holes. */
static void *slot(unsigned int n)
{
	return (void *)(machine.ram_start + (UINT64_C(8) << 20) + n * PAGE_SIZE);
}

static bool ready(void)
{
	me = event_own_domid();
	if (me == DOMID_INVALID || grant_table() == NULL) {
		return false;
	}
	for (unsigned int i = 0; i < NR_REFS; i++) {
		granted[i][0] = 0x1000 + i;
		grant_permit(REF + i, me, frame_of_page(granted[i]), 0);
	}
	return true;
}

/* The nth of these, 100 of each reference and no more. */
static int map(unsigned int n)
{
	return grant_map(me, REF + n % NR_REFS, slot(n), 0, &handles[n]);
}

static void unmap_all(unsigned int nr)
{
	for (unsigned int n = 0; n < nr; n++) {
		REQUIRE(grant_unmap(handles[n], slot(n)) == GNTST_okay, "mapping %u", n);
	}
	for (unsigned int i = 0; i < NR_REFS; i++) {
		EXPECT_EQUAL(grant_flags(REF + i), GTF_permit_access);
		EXPECT(grant_revoke(REF + i));
	}
}

/* Twice, as the second time handles are used again. */
static void more_mappings_than_a_frame_of_handles(void)
{
	for (unsigned int turn = 0; turn < 2; turn++) {
		REQUIRE(ready());
		for (unsigned int n = 0; n < NR_MAPPINGS; n++) {
			REQUIRE(map(n) == GNTST_okay, "mapping %u", n);
			for (unsigned int other = 0; other < n; other++) {
				REQUIRE(handles[other] != handles[n], "mappings %u and %u", other,
					n);
			}
		}
		for (unsigned int n = 0; n < NR_MAPPINGS; n++) {
			volatile uint32_t *word = slot(n);

			REQUIRE(word[0] == 0x1000 + n % NR_REFS, "mapping %u: %#x", n, word[0]);
			word[1 + n] = n;
		}
		for (unsigned int n = 0; n < NR_MAPPINGS; n++) {
			EXPECT_EQUAL(READ_ONCE(granted[n % NR_REFS][1 + n]), n);
		}
		unmap_all(NR_MAPPINGS);
	}
}

static void no_handle_is_left(void)
{
	struct gnttab_map_grant_ref list[2];
	grant_handle_t other;
	unsigned int nr = 0;
	int status;

	REQUIRE(ready());
	do {
		status = map(nr);
		nr += status == GNTST_okay;
	} while (status == GNTST_okay && nr < NR_MAPPINGS);
	EXPECT_EQUAL(status, GNTST_no_space);
	REQUIRE_EQUAL(nr, NR_HANDLES);
	/* The granter is looked at before that, the entry behind it. */
	EXPECT_EQUAL(grant_map(0x7ff0 - 1, REF, slot(nr), 0, &other), GNTST_bad_domain);
	EXPECT_EQUAL(grant_map(me, REF + NR_REFS, slot(nr), 0, &other), GNTST_no_space);
	/* Each entry of a list for itself. */
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		list[i] = (struct gnttab_map_grant_ref){
			.host_addr = (uintptr_t)slot(nr),
			.flags = GNTMAP_host_map,
			.ref = REF,
			.dom = me,
			.status = 77,
		};
	}
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, list, ARRAY_SIZE(list)), 0);
	EXPECT_EQUAL(list[0].status, GNTST_no_space);
	EXPECT_EQUAL(list[1].status, GNTST_no_space);
	/* None of that has used anything. One that comes back can be had, once. */
	REQUIRE_EQUAL(grant_unmap(handles[7], slot(7)), GNTST_okay);
	REQUIRE_EQUAL(map(7), GNTST_okay);
	EXPECT_EQUAL(grant_map(me, REF, slot(nr), 0, &other), GNTST_no_space);
	EXPECT_EQUAL(*(volatile uint32_t *)slot(7), 0x1000 + 7 % NR_REFS);
	unmap_all(nr);
}

static void as_many_as_there_may_be(void)
{
	if (guest_has_argument("limit")) {
		no_handle_is_left();
	} else {
		more_mappings_than_a_frame_of_handles();
	}
}

const struct guest_case guest_cases[] = {
	CASE(as_many_as_there_may_be),
	CASE_END,
};
