/* SPDX-License-Identifier: MIT */
/*
 * Cold and warm, and set/way: when a domain turns, what is trapped then, and that its RAM is
 * cleaned once, by whichever vCPU comes by, after every window with the old attribute is gone.
 */
#include "domain/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/esr.h"
#include "domain/domain_share.h"
#include "arm64/sysreg_fields.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

#define NR_VCPUS  3
#define NR_RAM    200 /* frames, from FIRST_GFN on; more than one part of a flush */
#define FIRST_GFN UINT64_C(0x40000)
#define KEY_SCTLR SYS_ENC(3, 0, 1, 0, 0)
#define ON        (SCTLR_M | SCTLR_C)

static struct domain dom;
static struct vcpu vcpus[NR_VCPUS];
static bool online[NR_VCPUS];
static struct frame frame = {.state = FRAME_GUEST};
static char page[PAGE_SIZE];
static unsigned int cleaned[NR_RAM];
static bool asked_at_last; /* another vCPU asks while the last frame is being cleaned */
static enum window_attr last_attr;
static uint32_t epoch;
static bool epoch_done;
static unsigned int nr_kicks, nr_messages;

/* ---- fakes --------------------------------------------------------------------------------------- */

bool sched_is_online(struct vcpu *v)
{
	return online[v->id];
}

uint32_t epoch_begin(void)
{
	epoch_done = false;
	fake_machine_note("epoch");
	return ++epoch;
}

bool epoch_passed(uint32_t e)
{
	assert_int_equal(e, epoch);
	return epoch_done;
}

void gic_send_sgi_all_others(uint32_t sgi)
{
	assert_int_equal(sgi, INTID_SGI_KICK);
	lock_assert_none_held();
	nr_kicks++;
}

/* What another vCPU does as a part of the flush begins. */
static void (*at_a_part)(void);

gfn_t stage2_max_gfn(struct domain *d)
{
	void (*go)(void) = at_a_part;

	at_a_part = NULL;
	if (go != NULL) {
		go();
	}
	return gfn(FIRST_GFN + NR_RAM - 1);
}

bool stage2_next_ram(struct domain *d, gfn_t *g, mfn_t *m)
{
	if (g->raw < FIRST_GFN) {
		g->raw = g->raw == 0 ? FIRST_GFN / 2 : FIRST_GFN;
		return false;
	}
	*m = mfn(g->raw);
	frame.refs++;
	return true;
}

struct frame *frame_of(mfn_t m)
{
	frame.owner = dom.id;
	return &frame;
}

void domain_put_frame(struct domain *owner, mfn_t m)
{
	assert_ptr_equal(owner, &dom);
	frame.refs--;
}

void *window_map(mfn_t m, enum window_attr attr)
{
	cleaned[m.raw - FIRST_GFN]++;
	if (asked_at_last && m.raw == FIRST_GFN + NR_RAM - 1) {
		asked_at_last = false;
		dom.setway_asked++;
	}
	last_attr = attr;
	return page;
}

void window_unmap(const void *va)
{
	fake_machine_note("unmap");
}

/* What is left to be turned, in steps; 0 when nobody maps anything. */
static unsigned int foreign_steps;

bool stage2_turn_some(const struct domain *owner, uint32_t *cursor)
{
	assert_ptr_equal(owner, &dom);
	assert_true(write_is_mine(&dom.attr_lock));
	fake_machine_note("turn to %s", owner->warm ? "warm" : "cold");
	*cursor += 1;
	return *cursor > foreign_steps;
}

void log_write(enum log_level level, const char *format, ...)
{
	nr_messages++;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(vcpus, 0, sizeof(vcpus));
	memset(cleaned, 0, sizeof(cleaned));
	dom.nr_vcpus = NR_VCPUS;
	rwlock_init(&dom.attr_lock, LOCK_RANK_ATTR);
	for (unsigned int n = 0; n < NR_VCPUS; n++) {
		dom.vcpu[n] = &vcpus[n];
		vcpus[n].id = n;
		vcpus[n].domain = &dom;
		vcpus[n].hcr_el2 = HCR_VM | HCR_TVM;
		vcpus[n].caches_known = true;
		online[n] = n == 0;
	}
	frame.refs = 1;
	epoch_done = true;
	nr_kicks = nr_messages = 0;
	foreign_steps = 0;
	at_a_part = NULL;
	fake_machine_sysreg_set("HCR_EL2", HCR_VM | HCR_TVM);
	return 0;
}

static int nothing_is_left(void **state)
{
	assert_int_equal(frame.refs, 1);
	assert_false(dom.setway_claimed);
	lock_assert_none_held();
	return 0;
}

static void write_sctlr(struct vcpu *v, uint64_t value)
{
	assert_true(domain_vm_register_write(v, KEY_SCTLR, value));
	assert_int_equal(fake_machine_sysreg_get("SCTLR_EL1"), value);
}

static bool traps(const struct vcpu *v)
{
	/* The copy that the next switch loads, and the register of the CPU it is on. */
	assert_int_equal(v->hcr_el2 & HCR_TVM, fake_machine_sysreg_get("HCR_EL2") & HCR_TVM);
	return (v->hcr_el2 & HCR_TVM) != 0;
}

/* A vCPU whose CPU this is from now on, untrapped and with these caches. */
static void load(struct vcpu *v, uint64_t sctlr)
{
	fake_machine_sysreg_set("HCR_EL2", v->hcr_el2);
	fake_machine_sysreg_set("SCTLR_EL1", sctlr);
}

static void flush(struct vcpu *v)
{
	for (unsigned int n = 0; n < 100; n++) {
		if (domain_attr_step(v)) {
			return;
		}
	}
	fail_msg("the flush does not end");
}

static void assert_cleaned(unsigned int times)
{
	for (unsigned int n = 0; n < NR_RAM; n++) {
		assert_int_equal(cleaned[n], times);
	}
}

/* ---- cold to warm -------------------------------------------------------------------------------- */

static void both_bits_make_it_warm_in_either_order(void **state)
{
	static const uint64_t first[] = {SCTLR_M, SCTLR_C};

	for (unsigned int n = 0; n < ARRAY_SIZE(first); n++) {
		set_up(NULL);
		write_sctlr(&vcpus[0], first[n]);
		assert_false(dom.warm);
		assert_true(traps(&vcpus[0]));
		write_sctlr(&vcpus[0], ON);
		assert_true(dom.warm);
		assert_false(traps(&vcpus[0]));
	}
}

static void at_once_works_too(void **state)
{
	write_sctlr(&vcpus[0], ON | SCTLR_I);
	assert_true(dom.warm);
}

static void it_is_warm_before_the_guest_has_its_caches(void **state)
{
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_M);
	fake_machine_log_clear();
	write_sctlr(&vcpus[0], ON);
	/* The state, TVM off, and the guest's write at last. */
	fake_machine_expect("msr HCR_EL2=0x1", "isb", "msr SCTLR_EL1=0x5");
}

static void a_warm_domain_stays_warm_and_pays_nothing(void **state)
{
	write_sctlr(&vcpus[0], ON);
	/* A trapped write of a vCPU that is not yet free of the trap. */
	load(&vcpus[1], 0);
	write_sctlr(&vcpus[1], SCTLR_M);
	assert_true(dom.warm);
	assert_false(traps(&vcpus[1]));
	write_sctlr(&vcpus[0], 0);
	assert_true(dom.warm);
	assert_false(dom.setway_flush);
}

static void foreign_mappings_have_followed_before_it_goes_on(void **state)
{
	foreign_steps = 3;
	write_sctlr(&vcpus[0], ON);
	assert_true(dom.attr_work);
	fake_machine_log_clear();
	for (unsigned int n = 0; n < 3; n++) {
		assert_false(domain_attr_step(&vcpus[0]));
	}
	/* The last step; from then on nobody asks. */
	assert_true(domain_attr_step(&vcpus[0]));
	assert_int_equal(fake_machine_count("turn to warm"), 4);
	assert_false(dom.attr_work);
	assert_false(dom.foreign_due);
	assert_cleaned(0);
}

static void back_to_cold_they_are_turned_before_the_flush(void **state)
{
	write_sctlr(&vcpus[0], ON);
	assert_true(domain_attr_step(&vcpus[0]));
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	flush(&vcpus[0]);
	foreign_steps = 5;
	write_sctlr(&vcpus[0], 0);
	epoch_done = true;
	fake_machine_log_clear();
	for (unsigned int n = 0; n < 5; n++) {
		assert_false(domain_attr_step(&vcpus[0]));
	}
	fake_machine_expect_none("dc civac");
	flush(&vcpus[0]);
	fake_machine_expect("turn to cold", "dc civac");
	assert_true(dom.attr_work);
	/* A turn that is overtaken by the next starts anew. */
	write_sctlr(&vcpus[0], ON);
	assert_false(domain_attr_step(&vcpus[0]));
	write_sctlr(&vcpus[0], 0);
	assert_int_equal(dom.foreign_next, 0);
	epoch_done = true;
	flush(&vcpus[0]);
}

static void other_registers_pass_through(void **state)
{
	static const struct {
		uint32_t key;
		const char *name;
	} cases[] = {
		{SYS_ENC(3, 0, 2, 0, 0), "TTBR0_EL1"},  {SYS_ENC(3, 0, 2, 0, 1), "TTBR1_EL1"},
		{SYS_ENC(3, 0, 2, 0, 2), "TCR_EL1"},    {SYS_ENC(3, 0, 5, 1, 0), "AFSR0_EL1"},
		{SYS_ENC(3, 0, 5, 1, 1), "AFSR1_EL1"},  {SYS_ENC(3, 0, 5, 2, 0), "ESR_EL1"},
		{SYS_ENC(3, 0, 6, 0, 0), "FAR_EL1"},    {SYS_ENC(3, 0, 10, 2, 0), "MAIR_EL1"},
		{SYS_ENC(3, 0, 10, 3, 0), "AMAIR_EL1"}, {SYS_ENC(3, 0, 13, 0, 1), "CONTEXTIDR_EL1"},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		assert_true(domain_vm_register_write(&vcpus[0], cases[n].key, 0x1234 + n));
		assert_int_equal(fake_machine_sysreg_get(cases[n].name), 0x1234 + n);
	}
	assert_false(dom.warm);
	assert_false(domain_vm_register_write(&vcpus[0], SYS_ENC(3, 0, 12, 0, 0), 0));
	/* Such a trap is also where a vCPU learns that another has turned the domain warm. */
	dom.warm = true;
	assert_true(domain_vm_register_write(&vcpus[0], SYS_ENC(3, 0, 2, 0, 0), 0));
	assert_false(traps(&vcpus[0]));
}

static void a_virtual_serror_is_neither_lost_nor_delivered_twice(void **state)
{
	/* Pending when v was loaded, delivered since. */
	vcpus[0].hcr_el2 |= HCR_VSE;
	write_sctlr(&vcpus[0], ON);
	assert_true((fake_machine_sysreg_get("HCR_EL2") & HCR_VSE) == 0);
	/* Came up since. */
	set_up(NULL);
	fake_machine_sysreg_set("HCR_EL2", HCR_VM | HCR_TVM | HCR_VSE);
	write_sctlr(&vcpus[0], ON);
	assert_true((fake_machine_sysreg_get("HCR_EL2") & HCR_VSE) != 0);
}

/* ---- set/way ------------------------------------------------------------------------------------- */

static void the_first_arms_and_cleans_once(void **state)
{
	write_sctlr(&vcpus[0], ON);
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	assert_true(dom.setway_armed);
	assert_true(traps(&vcpus[0]));
	assert_int_equal(nr_kicks, 1);
	assert_int_equal(nr_messages, 1);
	flush(&vcpus[0]);
	assert_cleaned(1);
	assert_int_equal(last_attr, WINDOW_WB);
	/* Later ones do nothing. */
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	assert_true(domain_attr_step(&vcpus[0]));
	assert_cleaned(1);
	assert_int_equal(nr_messages, 1);
	assert_true(dom.warm);
}

static void a_part_is_complete_before_the_next(void **state)
{
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	fake_machine_log_clear();
	assert_false(domain_attr_step(&vcpus[0]));
	fake_machine_expect("dc civac", "unmap", "dsb sy");
	/* Whoever enters next, on whatever CPU, may rely on it. */
	assert_string_equal(fake_machine_log_line(fake_machine_log_count() - 1), "dsb sy");
	assert_true(cleaned[0] == 1 && cleaned[NR_RAM - 1] == 0);
	flush(&vcpus[0]);
	assert_cleaned(1);
}

static void two_vcpus_share_the_work(void **state)
{
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	assert_false(domain_attr_step(&vcpus[0]));
	load(&vcpus[1], 0);
	assert_false(domain_attr_step(&vcpus[1]));
	flush(&vcpus[0]);
	assert_cleaned(1);
	/* And none gets past while another is at it. */
	set_up(NULL);
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	dom.setway_claimed = true;
	assert_false(domain_attr_step(&vcpus[0]));
	assert_cleaned(0);
	dom.setway_claimed = false;
}

static void a_request_during_a_flush_starts_it_anew(void **state)
{
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	while (cleaned[NR_RAM / 2] == 0) {
		assert_false(domain_attr_step(&vcpus[0]));
	}
	/* Its caches go on in between: everything is due once more. */
	write_sctlr(&vcpus[0], ON);
	flush(&vcpus[0]);
	assert_int_equal(cleaned[0], 2);
	assert_int_equal(cleaned[NR_RAM - 1], 1);
	/* The next one begins at the beginning. */
	write_sctlr(&vcpus[0], ON | SCTLR_A);
	assert_true(domain_attr_step(&vcpus[0]));
	write_sctlr(&vcpus[0], 0);
	epoch_done = true;
	flush(&vcpus[0]);
	assert_int_equal(cleaned[0], 3);
	assert_int_equal(cleaned[NR_RAM - 1], 2);
}

static void a_request_at_the_very_end_is_not_lost(void **state)
{
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	asked_at_last = true;
	flush(&vcpus[0]);
	assert_cleaned(2);
}

static void vcpu1_turns_its_caches_off(void)
{
	domain_sctlr_changed(&vcpus[1], 0);
}

/* The flush that comes with it must not begin before windows are gone, nor before others' mappings have followed. */
static void a_turn_to_cold_as_a_part_begins_is_not_flushed_by_that_part(void **state)
{
	online[1] = true;
	write_sctlr(&vcpus[1], ON);
	load(&vcpus[0], 0);
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	at_a_part = vcpu1_turns_its_caches_off;
	assert_false(domain_attr_step(&vcpus[0]));
	assert_false(dom.warm);
	for (unsigned int n = 0; n < 10; n++) {
		assert_false(domain_attr_step(&vcpus[0]));
	}
	memset(cleaned, 0, sizeof(cleaned));
	epoch_done = true;
	flush(&vcpus[0]);
	assert_cleaned(1);
	assert_int_equal(last_attr, WINDOW_NC);
}

static void back_to_cold_only_when_armed_and_no_vcpu_has_caches(void **state)
{
	write_sctlr(&vcpus[0], ON);
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	flush(&vcpus[0]);
	write_sctlr(&vcpus[0], ON & ~SCTLR_C);
	assert_false(dom.warm);
	/* Cacheable windows go first: no line is cleaned before. */
	assert_int_equal(nr_kicks, 2);
	assert_false(domain_attr_step(&vcpus[0]));
	assert_cleaned(1);
	epoch_done = true;
	flush(&vcpus[0]);
	assert_cleaned(2);
	assert_int_equal(last_attr, WINDOW_NC);
	/* And warm again: cleaned once more, with nothing to wait for. */
	write_sctlr(&vcpus[0], ON);
	assert_true(dom.warm);
	flush(&vcpus[0]);
	assert_cleaned(3);
	assert_int_equal(last_attr, WINDOW_WB);
	assert_true(traps(&vcpus[0]));
}

static void a_vcpu_that_ran_untrapped_counts_as_on_until_it_is_asked(void **state)
{
	/* vCPU 1 came up in a warm domain: nobody saw it turn its caches on. */
	write_sctlr(&vcpus[0], ON);
	online[1] = true;
	vcpus[1].hcr_el2 = HCR_VM;
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	flush(&vcpus[0]);
	write_sctlr(&vcpus[0], 0);
	assert_true(dom.warm);
	/* It comes by: trapped from now on, and known. */
	load(&vcpus[1], ON);
	flush(&vcpus[1]);
	assert_true(traps(&vcpus[1]));
	assert_true(vcpus[1].caches_on && vcpus[1].caches_known);
	assert_true(dom.warm);
	write_sctlr(&vcpus[1], 0);
	assert_false(dom.warm);
}

static void if_it_turns_out_to_have_none_the_domain_is_cold(void **state)
{
	write_sctlr(&vcpus[0], ON);
	online[1] = true;
	vcpus[1].hcr_el2 = HCR_VM;
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	flush(&vcpus[0]);
	write_sctlr(&vcpus[0], 0);
	flush(&vcpus[0]);
	assert_true(dom.warm);
	load(&vcpus[1], SCTLR_M);
	assert_false(domain_attr_step(&vcpus[1]));
	assert_false(dom.warm);
	epoch_done = true;
	flush(&vcpus[1]);
	assert_cleaned(3);
	assert_int_equal(last_attr, WINDOW_NC);
}

static void a_vcpu_that_is_off_has_no_caches(void **state)
{
	write_sctlr(&vcpus[0], ON);
	vcpus[1].caches_on = true; /* when it was last seen */
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	write_sctlr(&vcpus[0], 0);
	assert_false(dom.warm);
}

static void holes_are_skipped_in_bounded_steps(void **state)
{
	/* Two of the fake's lookups find nothing: they count as work, and the flush goes on behind. */
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	assert_false(domain_attr_step(&vcpus[0]));
	assert_int_equal(dom.setway_next.raw, FIRST_GFN + 64 - 2);
	flush(&vcpus[0]);
}

static void an_interrupt_ends_a_part_early(void **state)
{
	unsigned int steps = 1;

	/* Two looks that find nothing and one frame, and from then on one frame at a time. */
	fake_machine_interrupt_after(2);
	assert_int_equal(domain_set_way(&vcpus[0]), 0);
	assert_false(domain_attr_step(&vcpus[0]));
	assert_int_equal(dom.setway_next.raw, FIRST_GFN + 1);
	while (!domain_attr_step(&vcpus[0])) {
		steps++;
	}
	assert_int_equal(steps, NR_RAM - 1);
	assert_cleaned(1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_is_left)
	const struct CMUnitTest tests[] = {
		TEST(both_bits_make_it_warm_in_either_order),
		TEST(at_once_works_too),
		TEST(it_is_warm_before_the_guest_has_its_caches),
		TEST(a_warm_domain_stays_warm_and_pays_nothing),
		TEST(foreign_mappings_have_followed_before_it_goes_on),
		TEST(back_to_cold_they_are_turned_before_the_flush),
		TEST(other_registers_pass_through),
		TEST(a_virtual_serror_is_neither_lost_nor_delivered_twice),
		TEST(the_first_arms_and_cleans_once),
		TEST(a_part_is_complete_before_the_next),
		TEST(two_vcpus_share_the_work),
		TEST(a_request_during_a_flush_starts_it_anew),
		TEST(a_request_at_the_very_end_is_not_lost),
		TEST(a_turn_to_cold_as_a_part_begins_is_not_flushed_by_that_part),
		TEST(back_to_cold_only_when_armed_and_no_vcpu_has_caches),
		TEST(a_vcpu_that_ran_untrapped_counts_as_on_until_it_is_asked),
		TEST(if_it_turns_out_to_have_none_the_domain_is_cold),
		TEST(a_vcpu_that_is_off_has_no_caches),
		TEST(holes_are_skipped_in_bounded_steps),
		TEST(an_interrupt_ends_a_part_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
