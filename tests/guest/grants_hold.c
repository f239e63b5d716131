/* SPDX-License-Identifier: MIT */
/*
 * A domain that grants pages to whoever comes, and one that holds on to them for ever, while tests/system/grant_tests.py
 * destroys one or the other and builds it again: what is mapped stays as it is until it is unmapped, however long its owner
 * has been dead, and comes back then.
 *
 * With the argument "holder" it is the second one. Neither knows the other's number, which changes: NR_PAGES entries are for
 * each that there may be.
 */
#include "guest_event.h"
#include "guest_grant.h"

const char *const guest_topic = "grants_hold";
const bool guest_mmu_off;

#define NR_DOMIDS 60
#define NR_PAGES  64
#define REF(n)    ((n)*NR_PAGES)

static uint8_t pages[NR_PAGES][4096] __aligned(4096);
/* To write and to read. */
static uint8_t writable[NR_PAGES][4096] __aligned(4096);
static uint8_t readable[NR_PAGES][4096] __aligned(4096);

#define GRANTED UINT32_C(0x67726e74)
#define HELD    UINT32_C(0x68656c64)

static uint32_t word_at(const void *page, unsigned int i)
{
	return ((const volatile uint32_t *)page)[i];
}

static void set_word(void *page, unsigned int i, uint32_t value)
{
	((volatile uint32_t *)page)[i] = value;
}

static void grant(domid_t me)
{
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		for (unsigned int at = 0; at < 1024; at++) {
			set_word(pages[i], at, GRANTED);
		}
	}
	for (unsigned int n = 1; n < NR_DOMIDS; n++) {
		for (unsigned int i = 0; i < NR_PAGES; i++) {
			grant_permit(REF(n) + i, (domid_t)n, frame_of_page(pages[i]), 0);
		}
	}
	print("INFO d%u grants\n", me);
	for (;;) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

static void map_all(domid_t from, domid_t me)
{
	grant_handle_t handle;

	for (unsigned int i = 0; i < NR_PAGES; i++) {
		REQUIRE_EQUAL(grant_map(from, REF(me) + i, writable[i], 0, &handle), GNTST_okay);
		REQUIRE_EQUAL(grant_map(from, REF(me) + i, readable[i], GNTMAP_readonly, &handle),
			      GNTST_okay);
		for (unsigned int at = 0; at < 1024; at++) {
			REQUIRE_EQUAL(word_at(readable[i], at), GRANTED);
			set_word(writable[i], at, HELD ^ at);
		}
	}
}

static void hold(domid_t me)
{
	grant_handle_t handle;
	domid_t from = 0;

	for (unsigned int n = 1; from == 0; n = n % (NR_DOMIDS - 1) + 1) {
		/* The last page that is granted. */
		if (n != me && grant_map((domid_t)n, REF(me) + NR_PAGES - 1, writable[0], 0,
					 &handle) == GNTST_okay) {
			from = (domid_t)n;
		}
	}
	REQUIRE_EQUAL(grant_unmap(handle, writable[0]), GNTST_okay);
	map_all(from, me);
	print("INFO d%u holds pages of d%u\n", me, from);
	for (unsigned int turn = 1; !test_failed(); turn++) {
		for (unsigned int i = 0; i < NR_PAGES; i++) {
			for (unsigned int at = 0; at < 1024; at += 61) {
				REQUIRE(word_at(writable[i], at) == (HELD ^ at) &&
						word_at(readable[i], at) == (HELD ^ at),
					"turn %u: word %u of page %u is %#x", turn, at, i,
					word_at(writable[i], at));
			}
		}
		delay_us(20000);
		if (turn % 20 == 0) {
			print("INFO d%u still holds them\n", me);
		}
	}
}

static void runs_for_ever(void)
{
	domid_t me = event_own_domid();

	REQUIRE(me != DOMID_INVALID && me < NR_DOMIDS && grant_table() != NULL);
	if (guest_has_argument("holder")) {
		hold(me);
	} else {
		grant(me);
	}
}

const struct guest_case guest_cases[] = {
	CASE(runs_for_ever),
	CASE_END,
};
