/* SPDX-License-Identifier: MIT */
/*
 * Grants between two domains, which both run this topic: number 1 grants, number 2 uses (public/grant_table.h). They find
 * each other by their numbers and keep in step through a page that each grants to the other for as long as both run.
 *
 * Between two domUs this needs a policy that lets them talk (xsm=dummy). With the argument "silo" they are not to.
 */
#include "guest_event.h"
#include "guest_grant.h"
#include "guest_trap.h"

const char *const guest_topic = "grants_pair";
const bool guest_mmu_off;

#define NR_PAGES 4
static uint8_t granted[NR_PAGES][4096] __aligned(4096);
static uint8_t slots[NR_PAGES][4096] __aligned(4096);
static uint8_t spare[4096] __aligned(4096);

/* What each says of itself in its own page. */
struct mailbox {
	uint32_t step;
	uint64_t value;
};
static uint8_t mailbox_page[4096] __aligned(4096);
static uint8_t partner_page[4096] __aligned(4096);
#define MAILBOX     ((volatile struct mailbox *)mailbox_page)
#define PARTNER     ((const volatile struct mailbox *)partner_page)

#define REF_MAILBOX 8
#define REF         20
/* Behind what one look of cache_flush reaches. */
#define REF_FAR     (9 * GRANT_PER_FRAME + 5)

static domid_t me, partner;
static bool connected;

static bool is_granter(void)
{
	return guest_argument("number", 0) == 1;
}

static bool identify(void)
{
	me = event_own_domid();
	partner = (domid_t)(is_granter() ? me + 1 : me - 1);
	return me != DOMID_INVALID && grant_table() != NULL;
}

static bool connect(void)
{
	grant_handle_t handle;

	if (!connected && identify()) {
		grant_permit(REF_MAILBOX, partner, frame_of_page(mailbox_page), 0);
		connected = WAIT_UNTIL(grant_map(partner, REF_MAILBOX, partner_page,
						 GNTMAP_readonly, &handle) == GNTST_okay,
				       3000);
	}
	return connected;
}

/* Both have come to this step of this case. */
static bool meet(unsigned int test, unsigned int step)
{
	uint32_t here = test * 100 + step;

	dsb_ish();
	MAILBOX->step = here;
	dsb_ish();
	return WAIT_UNTIL(PARTNER->step >= here, 5000);
}

#define MEET(step) \
	REQUIRE(meet(test, step), "the other one did not come to step %u", (unsigned int)(step))

/* The beginning of every case. */
#define BEGIN(number)                                                                           \
	const unsigned int test = (number);                                                     \
	if (guest_has_argument("silo")) {                                                       \
		test_skip("not with this policy");                                              \
		return;                                                                         \
	}                                                                                       \
	REQUIRE(connect(), "the other one is not there");                                       \
	for (unsigned int page_ = 0; page_ < NR_PAGES; page_++) {                               \
		memset(granted[page_], 0x11 * (int)(page_ + 1) * (is_granter() ? 1 : 2), 4096); \
	}                                                                                       \
	MEET(0)

static uint32_t word_at(const void *page)
{
	return *(const volatile uint32_t *)page;
}

static void set_word(void *page, uint32_t value)
{
	*(volatile uint32_t *)page = value;
	dsb_ish();
}

/* ---- SILO --------------------------------------------------------------------------------------------------- */

/* The other one may have finished, and its domain be gone: one of the two asks while both are there. */
static bool is_refused(int status)
{
	return status == GNTST_permission_denied ||
	       (status == GNTST_bad_domain && event_is_gone(partner));
}

/* Whatever the other one permits. */
static void domains_are_kept_apart(void)
{
	struct grant_end mine = {.dom = DOMID_SELF, .ref_or_frame = frame_of_page(spare)};
	struct grant_end theirs = {.by_ref = true, .ref_or_frame = REF};
	grant_handle_t handle;

	if (!guest_has_argument("silo")) {
		test_skip("only with the argument silo");
		return;
	}
	REQUIRE(identify());
	grant_permit(REF, partner, frame_of_page(granted[0]), 0);
	theirs.dom = partner;
	EXPECT(is_refused(grant_map(partner, REF, slots[0], 0, &handle)));
	EXPECT(is_refused(grant_copy(mine, theirs, 64)));
	EXPECT(is_refused(grant_copy(theirs, mine, 64)));
	/* For the other one to do the same. */
	delay_us(300000);
	EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
	EXPECT_EQUAL(word_at(granted[0]), 0);
}

/* ---- mapping ------------------------------------------------------------------------------------------------ */

static void map_and_unmap(void)
{
	grant_handle_t writable, readonly;

	BEGIN(1);
	if (is_granter()) {
		grant_permit(REF, partner, frame_of_page(granted[0]), 0);
		grant_permit(REF + 1, partner, frame_of_page(granted[1]), GTF_readonly);
		MEET(1);
		MEET(2);
		EXPECT_EQUAL(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
		EXPECT_EQUAL(grant_flags(REF + 1), GTF_permit_access | GTF_readonly | GTF_reading);
		EXPECT_EQUAL(word_at(granted[0]), 0x1234);
		set_word(granted[0], 0x5678);
		EXPECT(!grant_revoke(REF));
		MEET(3);
		MEET(4);
		EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
		EXPECT(grant_revoke(REF) && grant_revoke(REF + 1));
		return;
	}
	MEET(1);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[0], 0, &writable), GNTST_okay);
	REQUIRE_EQUAL(grant_map(partner, REF + 1, slots[1], GNTMAP_readonly, &readonly), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	EXPECT_EQUAL(word_at(slots[1]), 0x22222222);
	set_word(slots[0], 0x1234);
	MEET(2);
	MEET(3);
	EXPECT_EQUAL(word_at(slots[0]), 0x5678);
	EXPECT_EQUAL(grant_unmap(writable, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(readonly, slots[1]), GNTST_okay);
	MEET(4);
}

/* Grants to others, the granter itself among them, are not for us; nor is more than what is granted. */
static void refusals(void)
{
	grant_handle_t handle;

	BEGIN(2);
	if (is_granter()) {
		grant_permit(REF, me, frame_of_page(granted[0]), 0);
		grant_permit(REF + 1, partner, frame_of_page(granted[1]), GTF_readonly);
		grant_permit(REF + 2, partner, 0x10000, 0);
		/* What the other one has granted to us is not ours to grant. */
		grant_permit(REF + 3, partner, frame_of_page(partner_page), 0);
		grant_permit(REF + 4, partner, frame_of_page(granted[2]), 0);
		/* In use by ourselves, so by nobody else. */
		grant_permit(REF + 5, me, frame_of_page(granted[3]), 0);
		REQUIRE_EQUAL(grant_map(me, REF + 5, slots[0], 0, &handle), GNTST_okay);
		WRITE_ONCE(grant_table()[REF + 5].domid, partner);
		MEET(1);
		MEET(2);
		EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
		for (unsigned int i = 0; i < 6; i++) {
			EXPECT((grant_flags(REF + i) & (GTF_reading | GTF_writing)) == 0, "%u", i);
			EXPECT(grant_revoke(REF + i));
		}
		return;
	}
	MEET(1);
	EXPECT_EQUAL(grant_map(partner, REF, slots[0], GNTMAP_readonly, &handle),
		     GNTST_general_error);
	EXPECT_EQUAL(grant_map(partner, REF + 1, slots[0], 0, &handle), GNTST_general_error);
	EXPECT_EQUAL(grant_map(partner, REF + 2, slots[0], 0, &handle), GNTST_bad_page);
	EXPECT_EQUAL(grant_map(partner, REF + 3, slots[0], GNTMAP_readonly, &handle),
		     GNTST_bad_page);
	EXPECT_EQUAL(grant_map(partner, REF + 5, slots[0], 0, &handle), GNTST_general_error);
	EXPECT_EQUAL(grant_map(partner, REF + 5, slots[0], GNTMAP_readonly, &handle),
		     GNTST_general_error);
	EXPECT_EQUAL(grant_map(partner, GRANT_MAX_TEST_FRAMES * GRANT_PER_FRAME, slots[0], 0,
			       &handle),
		     GNTST_bad_gntref);
	EXPECT_EQUAL(grant_map(partner, REF + 4, (void *)(UINT64_C(1) << 52), 0, &handle),
		     GNTST_general_error);
	MEET(2);
}

static void revocation_while_mapped(void)
{
	grant_handle_t handle, other;

	BEGIN(3);
	if (is_granter()) {
		grant_permit(REF, partner, frame_of_page(granted[0]), 0);
		MEET(1);
		MEET(2);
		WRITE_ONCE(grant_table()[REF].flags, 0);
		WRITE_ONCE(grant_table()[REF].frame, (uint32_t)frame_of_page(granted[1]));
		MEET(3);
		MEET(4);
		EXPECT_EQUAL(word_at(granted[0]), 0x9999);
		EXPECT_EQUAL(word_at(granted[1]), 0x22222222);
		EXPECT_EQUAL(grant_flags(REF), 0);
		return;
	}
	MEET(1);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[0], 0, &handle), GNTST_okay);
	MEET(2);
	MEET(3);
	set_word(slots[0], 0x9999);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[1], 0, &other), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[1]), 0x9999);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(grant_unmap(other, slots[1]), GNTST_okay);
	EXPECT_EQUAL(grant_map(partner, REF, slots[0], 0, &handle), GNTST_general_error);
	MEET(4);
}

/* ---- copying ------------------------------------------------------------------------------------------------ */

static bool is_filled(const uint8_t *page, unsigned int from, unsigned int to, uint8_t with)
{
	while (from < to && page[from] == with) {
		from++;
	}
	return from == to;
}

static void copies(void)
{
	struct grant_end mine = {.dom = DOMID_SELF, .ref_or_frame = frame_of_page(granted[0])};
	struct grant_end theirs = {.by_ref = true, .ref_or_frame = REF};
	struct grant_end other = {.by_ref = true, .ref_or_frame = REF + 1};

	BEGIN(4);
	if (is_granter()) {
		grant_permit(REF, partner, frame_of_page(granted[0]), 0);
		grant_permit(REF + 1, partner, frame_of_page(granted[1]), GTF_readonly);
		MEET(1);
		MEET(2);
		EXPECT(is_filled(granted[0], 0, 100, 0x11));
		EXPECT(is_filled(granted[0], 100, 300, 0x22));
		EXPECT(is_filled(granted[0], 300, 4096, 0x11));
		EXPECT_EQUAL(grant_flags(REF), GTF_permit_access);
		EXPECT_EQUAL(grant_flags(REF + 1), GTF_permit_access | GTF_readonly);
		MEET(3);
		MEET(4);
		EXPECT(is_filled(granted[0], 0, 4096, 0x22));
		EXPECT(is_filled(granted[1], 0, 4096, 0x22));
		EXPECT(grant_revoke(REF) && grant_revoke(REF + 1));
		return;
	}
	theirs.dom = other.dom = partner;
	mine.offset = 50;
	theirs.offset = 100;
	MEET(1);
	REQUIRE_EQUAL(grant_copy(mine, theirs, 200), GNTST_okay);
	MEET(2);
	MEET(3);
	mine.offset = theirs.offset = 0;
	REQUIRE_EQUAL(grant_copy(theirs, mine, 4096), GNTST_okay);
	EXPECT(is_filled(granted[0], 0, 100, 0x11) && is_filled(granted[0], 100, 300, 0x22));
	EXPECT(is_filled(granted[0], 300, 4096, 0x11));
	REQUIRE_EQUAL(grant_copy(other, theirs, 4096), GNTST_okay);
	EXPECT_EQUAL(grant_copy(theirs, other, 64), GNTST_general_error);
	EXPECT_EQUAL(grant_copy(mine, other, 64), GNTST_general_error);
	theirs.by_ref = false;
	theirs.ref_or_frame = frame_of_page(granted[0]);
	EXPECT_EQUAL(grant_copy(theirs, mine, 64), GNTST_permission_denied);
	EXPECT_EQUAL(grant_copy(mine, theirs, 64), GNTST_permission_denied);
	MEET(4);
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

static int64_t flush(uint64_t address)
{
	struct gnttab_cache_flush op = {
		.a = {.dev_bus_addr = address},
		.length = 4096,
		.op = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL,
	};

	return grant_op(GNTTABOP_cache_flush, &op, 1);
}

/* By machine address, of what is mapped. */
static void cache_flush(void)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = (uintptr_t)slots[0],
		.flags = GNTMAP_host_map | GNTMAP_readonly,
		.ref = REF_FAR,
		.dom = partner,
	};

	BEGIN(5);
	if (is_granter()) {
		grant_permit(REF_FAR, partner, frame_of_page(granted[0]), 0);
		MEET(1);
		MEET(2);
		EXPECT(grant_revoke(REF_FAR));
		return;
	}
	MEET(1);
	op.dom = partner;
	REQUIRE_EQUAL(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	REQUIRE_EQUAL(op.status, GNTST_okay);
	EXPECT_EQUAL(flush(op.dev_bus_addr), 0);
	EXPECT_EQUAL(word_at(slots[0]), 0x11111111);
	EXPECT_EQUAL(grant_unmap(op.handle, slots[0]), GNTST_okay);
	EXPECT_EQUAL(flush(op.dev_bus_addr), -XEN_EINVAL);
	MEET(2);
}

static int64_t reservation_op(unsigned int command, xen_pfn_t frame)
{
	struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

	set_xen_guest_handle(op.extent_start, &frame);
	return hypercall2(__HYPERVISOR_memory_op, command, &op);
}

/* The owner gives up what the other one has mapped: it stays, and counts, until that is mapped no more. */
static void given_up_while_mapped(void)
{
	grant_handle_t handle;

	BEGIN(6);
	if (is_granter()) {
		grant_permit(REF, partner, frame_of_page(granted[3]), 0);
		MEET(1);
		MEET(2);
		REQUIRE_EQUAL(reservation_op(XENMEM_decrease_reservation, frame_of_page(granted[3])),
			      1);
		EXPECT_EQUAL(reservation_op(XENMEM_populate_physmap, frame_of_page(granted[3])), 0);
		MEET(3);
		MEET(4);
		REQUIRE_EQUAL(reservation_op(XENMEM_populate_physmap, frame_of_page(granted[3])), 1);
		EXPECT(grant_revoke(REF));
		return;
	}
	MEET(1);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[0], 0, &handle), GNTST_okay);
	MEET(2);
	MEET(3);
	EXPECT_EQUAL(word_at(slots[0]), 0x44444444);
	set_word(slots[0], 0x1111);
	EXPECT_EQUAL(word_at(slots[0]), 0x1111);
	EXPECT_EQUAL(grant_unmap(handle, slots[0]), GNTST_okay);
	MEET(4);
}

/* The granter changes the entry all the time. What comes of it is one thing or the other, and in the end nothing. */
static void changing_entry(void)
{
	grant_handle_t handle;
	unsigned int good = 0;

	BEGIN(7);
	if (is_granter()) {
		struct grant_entry_v1 *entry = &grant_table()[REF];

		grant_permit(REF, partner, frame_of_page(granted[0]), 0);
		MEET(1);
		for (unsigned int i = 0; PARTNER->step < test * 100 + 2; i++) {
			uint16_t flags = READ_ONCE(entry->flags);

			/* Like a guest that knows the rules: what is in use keeps that. */
			__atomic_compare_exchange_n(&entry->flags, &flags, flags ^ GTF_readonly,
						    true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
			WRITE_ONCE(entry->frame, (uint32_t)frame_of_page(granted[i % 2]));
			if (i % 64 == 0) {
				relax();
			}
		}
		MEET(2);
		EXPECT_EQUAL(grant_flags(REF) & (GTF_reading | GTF_writing), 0);
		EXPECT(grant_revoke(REF));
		return;
	}
	MEET(1);
	for (unsigned int i = 0; i < 3000; i++) {
		int status = grant_map(partner, REF, slots[0], i % 3 == 0 ? GNTMAP_readonly : 0,
				       &handle);

		REQUIRE(status == GNTST_okay || status == GNTST_general_error, "round %u: %d", i,
			status);
		if (status == GNTST_okay) {
			uint32_t word = word_at(slots[0]);

			good++;
			REQUIRE(word == 0x11111111 || word == 0x22222222, "round %u: %#x", i, word);
			REQUIRE(grant_unmap(handle, slots[0]) == GNTST_okay, "round %u", i);
		}
	}
	EXPECT(good > 0);
	MEET(2);
}

/*
 * What is mapped of a domain that has ended stays until it is unmapped. This is the last case: number 1 ends here, and
 * the hypervisor says so in the runstate of its one vCPU, which number 2 sees.
 */
static void granter_goes_away(void)
{
	const struct vcpu_runstate_info *runstate = (const struct vcpu_runstate_info *)slots[2];
	struct vcpu_register_runstate_memory_area area = {.addr.p = (uintptr_t)granted[1]};
	grant_handle_t first, second, third;

	BEGIN(8);
	if (is_granter()) {
		REQUIRE_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area,
					0, (uintptr_t)&area, 0, 0),
			      0);
		grant_permit(REF, partner, frame_of_page(granted[2]), 0);
		grant_permit(REF + 1, partner, frame_of_page(granted[1]), GTF_readonly);
		MEET(1);
		MEET(2);
		return;
	}
	MEET(1);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[0], 0, &first), GNTST_okay);
	REQUIRE_EQUAL(grant_map(partner, REF, slots[1], GNTMAP_readonly, &second), GNTST_okay);
	REQUIRE_EQUAL(grant_map(partner, REF + 1, slots[2], GNTMAP_readonly, &third), GNTST_okay);
	EXPECT(READ_ONCE(runstate->state) != RUNSTATE_offline);
	MEET(2);
	REQUIRE(WAIT_UNTIL(READ_ONCE(runstate->state) == RUNSTATE_offline, 5000),
		"the other one does not end");
	EXPECT_EQUAL(word_at(slots[0]), 0x33333333);
	set_word(slots[0], 0x4321);
	EXPECT_EQUAL(word_at(slots[1]), 0x4321);
	EXPECT_EQUAL(grant_unmap(first, slots[0]), GNTST_okay);
	EXPECT_EQUAL(word_at(slots[1]), 0x4321);
	/* The mailbox, the second one and the third one are still mapped when this domain ends, too. */
}

const struct guest_case guest_cases[] = {
	CASE(domains_are_kept_apart),
	CASE(map_and_unmap),
	CASE(refusals),
	CASE(revocation_while_mapped),
	CASE(copies),
	CASE(cache_flush),
	CASE(given_up_while_mapped),
	CASE(changing_entry),
	CASE(granter_goes_away),
	CASE_END,
};
