/* SPDX-License-Identifier: MIT */
/*
 * The model's rules one by one, and what its findings say. That the rules are right and complete is
 * model_oracle_test.c's.
 */
#include "model/model.h"

#include "model/model_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RAM       UINT64_C(0x40000000)
#define SIZE      UINT64_C(0x400000)
#define DATA      (RAM + 0x1040)
#define OTHER     (DATA + 4)
#define CODE      (RAM + 0x3000)

#define CPU0      SITE(100, 0)
#define CPU1      SITE(200, 1)
#define BYSTANDER SITE(300, 0)

struct bench {
	struct model *model;
	struct finding last;
	unsigned int findings, questions;
	bool alias;
};

static struct bench bench;

static void finding(void *ctx, const struct finding *finding)
{
	assert_ptr_equal(ctx, &bench);
	bench.last = *finding;
	bench.findings++;
}

static bool alias_live(void *ctx, uint64_t paddr, struct alias *alias)
{
	assert_ptr_equal(ctx, &bench);
	assert_true(paddr >= RAM && paddr < RAM + SIZE);
	bench.questions++;
	if (bench.alias && alias != NULL) {
		alias->va = 0xffff0000;
		alias->type = MEM_WB;
	}
	return bench.alias;
}

static void make(struct model_config config)
{
	static const struct model_ops ops = {.finding = finding, .alias_live = alias_live};

	memset(&bench, 0, sizeof(bench));
	config.nr_cpus = 2;
	bench.model = model_create(&config, &ops, &bench);
	assert_non_null(bench.model);
	assert_true(model_add_region(bench.model, RAM, SIZE));
}

static int set_up(void **state)
{
	(void)state;
	make((struct model_config){.dc_shift = 6, .ic_shift = 6, .wb_shift = 6});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	model_destroy(bench.model);
	return 0;
}

static void remake(struct model_config config)
{
	model_destroy(bench.model);
	make(config);
}

/* One finding of this kind since the last look. */
#define assert_found(a_kind)                                 \
	do {                                                 \
		assert_int_equal(bench.findings, 1);         \
		assert_int_equal(bench.last.kind, (a_kind)); \
		bench.findings = 0;                          \
	} while (0)
#define assert_silent() assert_int_equal(bench.findings, 0)

static void alias_goes(uint64_t paddr)
{
	bench.alias = false;
	model_alias_gone(bench.model, paddr);
}

static void maintain(enum dc_op op, uint64_t paddr)
{
	(void)model_dc(bench.model, CPU0, paddr, op);
	model_dsb(bench.model, CPU0);
}

static void read_word(uint64_t paddr, enum mem_type type)
{
	model_read(bench.model, CPU1, paddr, 4, type);
}

static void write_word(uint64_t paddr, enum mem_type type)
{
	model_write(bench.model, CPU0, paddr, 4, type);
}

/* Reads past the caches. */

static void non_cacheable_read_of_dirty_data_is_found(void **state)
{
	write_word(DATA, MEM_WB);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	assert_int_equal(bench.last.site, CPU1);
	assert_int_equal(bench.last.writer, CPU0);
	assert_int_equal(bench.last.paddr, DATA);
	assert_int_equal(bench.last.size, 4);
	assert_int_equal(bench.last.type, MEM_NC);
	read_word(DATA, MEM_DEVICE);
	assert_found(FINDING_READ_UNDER_DIRTY);
	assert_int_equal(bench.last.type, MEM_DEVICE);
}

static void neighbour_words_of_dirty_data_are_not_wrong(void **state)
{
	write_word(DATA, MEM_WB);
	read_word(OTHER, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void clean_to_poc_and_dsb_make_it_readable(void **state)
{
	write_word(DATA, MEM_WB);
	maintain(DC_CVAC, DATA);
	read_word(DATA, MEM_NC);
	assert_silent();
}

static void clean_without_dsb_is_not_complete(void **state)
{
	write_word(DATA, MEM_WB);
	(void)model_dc(bench.model, CPU0, DATA, DC_CVAC);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	model_dsb(bench.model, CPU1);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	model_dsb(bench.model, CPU0);
	read_word(DATA, MEM_NC);
	assert_silent();
}

static void clean_to_pou_is_not_enough_for_data(void **state)
{
	write_word(DATA, MEM_WB);
	maintain(DC_CVAU, DATA);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
}

static void store_between_clean_and_dsb_stays_dirty(void **state)
{
	model_write(bench.model, CPU0, DATA, 8, MEM_WB);
	(void)model_dc(bench.model, CPU0, DATA, DC_CVAC);
	write_word(OTHER, MEM_WB);
	model_dsb(bench.model, CPU0);
	read_word(DATA, MEM_NC);
	assert_silent();
	read_word(OTHER, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	/* The copy is still dirty, too. */
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_EVICT);
}

static void maintenance_of_a_reset_cpu_is_lost(void **state)
{
	write_word(DATA, MEM_WB);
	(void)model_dc(bench.model, CPU0, DATA, DC_CVAC);
	model_cpu_reset(bench.model, 0);
	model_dsb(bench.model, CPU0);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
}

static void write_through_stores_reach_memory(void **state)
{
	write_word(DATA, MEM_WT);
	read_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void write_through_store_into_a_dirty_copy_may_stay_there(void **state)
{
	write_word(OTHER, MEM_WB);
	write_word(DATA, MEM_WT);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
}

static void read_across_lines_finds_each(void **state)
{
	model_write(bench.model, CPU0, DATA + 60, 8, MEM_WB);
	model_read(bench.model, CPU1, DATA + 60, 8, MEM_NC);
	assert_int_equal(bench.findings, 2);
	assert_int_equal(bench.last.paddr, DATA + 64);
	assert_int_equal(bench.last.size, 4);
}

/* Stale copies. */

static void store_below_a_live_alias_leaves_a_stale_copy(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_NC);
	assert_silent();
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
	assert_int_equal(bench.last.writer, CPU0);
	assert_true(bench.last.has_alias);
	assert_int_equal(bench.last.alias.state, ALIAS_LIVE);
	assert_int_equal(bench.last.alias.va, 0xffff0000);
}

static void store_without_alias_is_seen_by_all(void **state)
{
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void flush_then_teardown_leaves_a_window(void **state)
{
	bench.alias = true;
	maintain(DC_CIVAC, DATA);
	alias_goes(DATA);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
	assert_int_equal(bench.last.alias.state, ALIAS_GONE);
}

static void teardown_then_flush_is_clean(void **state)
{
	bench.alias = true;
	alias_goes(DATA);
	maintain(DC_CIVAC, DATA);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void copy_may_come_back_between_flush_and_its_dsb(void **state)
{
	bench.alias = true;
	(void)model_dc(bench.model, CPU0, DATA, DC_CIVAC);
	alias_goes(DATA);
	model_dsb(bench.model, CPU0);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void invalidation_after_the_store_heals(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	maintain(DC_CIVAC, DATA);
	read_word(DATA, MEM_WB);
	assert_silent();
	write_word(DATA, MEM_NC);
	maintain(DC_IVAC, DATA);
	read_word(DATA, MEM_WB);
	assert_silent();
	write_word(DATA, MEM_NC);
	maintain(DC_CVAC, DATA);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void store_during_an_invalidation_may_meet_a_refetched_copy(void **state)
{
	bench.alias = true;
	(void)model_dc(bench.model, CPU0, DATA, DC_CIVAC);
	write_word(DATA, MEM_NC);
	model_dsb(bench.model, CPU0);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void adversarial_entry_has_copies_of_everything(void **state)
{
	remake((struct model_config){.wb_shift = 6, .adversarial_entry = true});
	model_entry_clean(bench.model, RAM, 0x1000);
	model_entry_clean(bench.model, DATA + 64, 64);
	write_word(DATA, MEM_NC);
	write_word(DATA + 64, MEM_NC);
	write_word(RAM, MEM_NC);
	read_word(RAM, MEM_WB);
	read_word(DATA + 64, MEM_WB);
	assert_silent();
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
	assert_int_equal(bench.last.alias.state, ALIAS_AT_RESET);
}

static void loaders_data_are_dirty_at_entry(void **state)
{
	remake((struct model_config){.adversarial_entry = true});
	model_entry_dirty(bench.model, DATA, 0x2000);
	read_word(DATA + 0x1ffc, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	assert_int_equal(bench.last.writer, SITE_LOADER);
	read_word(DATA + 0x2000, MEM_NC);
	assert_silent();
	model_fetch(bench.model, CPU0, DATA, MEM_WB, false);
	assert_found(FINDING_FETCH_UNCLEAN);
	maintain(DC_CVAU, DATA);
	model_fetch(bench.model, CPU0, DATA, MEM_WB, false);
	assert_found(FINDING_FETCH_NO_IC);
}

/* Lost values. */

static void store_over_a_dirty_line_may_be_lost(void **state)
{
	model_write(bench.model, BYSTANDER, OTHER, 4, MEM_WB);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_EVICT);
	assert_int_equal(bench.last.writer, CPU0);
	assert_int_equal(bench.last.culprit, BYSTANDER);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_LOST_EVICT);
	maintain(DC_CIVAC, DATA);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_EVICT);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void dead_data_raise_no_alarm(void **state)
{
	write_word(DATA, MEM_WB);
	write_word(DATA, MEM_NC);
	maintain(DC_CIVAC, DATA);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void store_into_a_stale_copy_may_lose_its_other_words(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	model_write(bench.model, CPU1, OTHER, 4, MEM_WB);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_MERGE);
	assert_int_equal(bench.last.writer, CPU0);
	assert_int_equal(bench.last.culprit, CPU1);
	maintain(DC_CIVAC, DATA);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_LOST_MERGE);
	read_word(OTHER, MEM_NC);
	assert_silent();
}

static void store_of_the_stale_word_itself_heals_it(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	write_word(DATA, MEM_WB);
	read_word(DATA, MEM_WB);
	assert_silent();
	maintain(DC_CVAC, DATA);
	read_word(DATA, MEM_NC);
	assert_silent();
	write_word(OTHER, MEM_NC);
	write_word(DATA, MEM_WB);
	model_write(bench.model, CPU0, DATA, 8, MEM_WB);
	assert_true(line_write_is_quiet(model_line(bench.model, DATA), 3, 3));
}

static void store_of_a_part_of_a_stale_word_does_not_heal_it(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	model_write(bench.model, CPU0, DATA + 1, 3, MEM_WB);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_LOST_MERGE);
}

static void write_through_store_merges_nothing(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_NC);
	write_word(OTHER, MEM_WT);
	read_word(DATA, MEM_NC);
	assert_silent();
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void invalidation_of_a_dirty_line_may_lose_it(void **state)
{
	write_word(DATA, MEM_WB);
	(void)model_dc(bench.model, CPU1, DATA, DC_IVAC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_LOST_INVALIDATE);
	assert_int_equal(bench.last.writer, CPU0);
	assert_int_equal(bench.last.culprit, CPU1);
	model_dsb(bench.model, CPU1);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_INVALIDATE);
	write_word(DATA, MEM_WB);
	read_word(DATA, MEM_WB);
	assert_silent();
}

static void store_during_an_invalidation_may_be_thrown_away(void **state)
{
	(void)model_dc(bench.model, CPU1, DATA, DC_IVAC);
	write_word(DATA, MEM_WB);
	model_dsb(bench.model, CPU1);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_LOST_INVALIDATE);
}

static void invalidation_of_a_clean_line_loses_nothing(void **state)
{
	write_word(DATA, MEM_WB);
	maintain(DC_CVAC, DATA);
	maintain(DC_IVAC, DATA);
	read_word(DATA, MEM_WB);
	read_word(DATA, MEM_NC);
	assert_silent();
}

static void lines_of_a_write_back_granule_share_their_fate(void **state)
{
	remake((struct model_config){.wb_shift = 8});
	model_write(bench.model, BYSTANDER, DATA + 128, 4, MEM_WB);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_LOST_EVICT);
	/* Another granule. */
	write_word(DATA + 256, MEM_NC);
	read_word(DATA + 256, MEM_NC);
	assert_silent();
	bench.alias = true;
	write_word(DATA + 512, MEM_NC);
	model_write(bench.model, BYSTANDER, DATA + 512 - 64, 4, MEM_WB);
	read_word(DATA + 512, MEM_NC);
	assert_found(FINDING_LOST_MERGE);
}

static void maintenance_reaches_what_ctr_el0_says(void **state)
{
	write_word(DATA, MEM_WB);
	write_word(DATA + 64, MEM_WB);
	maintain(DC_CVAC, DATA + 60);
	read_word(DATA + 64, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	remake((struct model_config){.dc_shift = 7});
	write_word(RAM, MEM_WB);
	write_word(RAM + 64, MEM_WB);
	maintain(DC_CVAC, RAM + 4);
	read_word(RAM, MEM_NC);
	read_word(RAM + 64, MEM_NC);
	assert_silent();
}

static void mixed_accesses_have_both_hazards(void **state)
{
	write_word(DATA, MEM_WB);
	read_word(DATA, MEM_MIXED);
	assert_found(FINDING_READ_UNDER_DIRTY);
	bench.alias = true;
	write_word(DATA + 64, MEM_NC);
	read_word(DATA + 64, MEM_MIXED);
	assert_found(FINDING_READ_STALE);
	write_word(DATA + 128, MEM_MIXED);
	read_word(DATA + 128, MEM_NC);
	assert_int_equal(bench.findings, 1);
	read_word(DATA + 128, MEM_WB);
	assert_int_equal(bench.findings, 2);
}

/* Devices. */

static void coherent_device_sees_and_updates_caches(void **state)
{
	bench.alias = true;
	write_word(DATA, MEM_WB);
	model_device_read(bench.model, DATA, 4, true);
	assert_silent();
	model_device_write(bench.model, DATA, 4, true);
	read_word(DATA, MEM_WB);
	read_word(DATA, MEM_NC);
	assert_silent();
	write_word(DATA + 64, MEM_NC);
	model_device_read(bench.model, DATA + 64, 4, true);
	assert_found(FINDING_READ_STALE);
	assert_int_equal(bench.last.site, SITE_DEVICE);
}

static void other_device_reads_and_writes_memory(void **state)
{
	write_word(DATA, MEM_WB);
	model_device_read(bench.model, DATA, 4, false);
	assert_found(FINDING_READ_UNDER_DIRTY);
	bench.alias = true;
	model_device_write(bench.model, DATA + 64, 4, false);
	read_word(DATA + 64, MEM_WB);
	assert_found(FINDING_READ_STALE);
	assert_int_equal(bench.last.writer, SITE_DEVICE);
}

/* Walks. */

static void walks_see_what_reads_of_their_type_see(void **state)
{
	write_word(DATA, MEM_WB);
	model_walk(bench.model, CPU1, DATA, 8, MEM_NC);
	assert_found(FINDING_WALK_UNDER_DIRTY);
	model_walk(bench.model, CPU1, DATA, 8, MEM_WB);
	assert_silent();
	bench.alias = true;
	model_write(bench.model, CPU0, DATA + 64, 8, MEM_NC);
	model_walk(bench.model, CPU1, DATA + 64, 8, MEM_NC);
	assert_silent();
	model_walk(bench.model, CPU1, DATA + 64, 8, MEM_WB);
	assert_found(FINDING_WALK_STALE);
}

static void cacheable_walk_leaves_copies(void **state)
{
	model_walk(bench.model, CPU1, DATA, 8, MEM_WB);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

/* Instructions. */

static void fetch(uint64_t paddr, enum mem_type type)
{
	model_fetch(bench.model, CPU1, paddr, type, false);
}

static void invalidate_insns(uint64_t paddr)
{
	model_ic(bench.model, CPU0, paddr, IC_IVAU);
	model_dsb(bench.model, CPU0);
}

static void code_needs_clean_to_pou(void **state)
{
	write_word(CODE, MEM_WB);
	fetch(CODE, MEM_WB);
	assert_found(FINDING_FETCH_UNCLEAN);
	fetch(CODE + 4, MEM_WB);
	assert_silent();
}

static void code_cleaned_before_it_could_be_fetched_needs_no_ic(void **state)
{
	write_word(CODE, MEM_WB);
	maintain(DC_CVAU, CODE);
	model_fetchable(bench.model, CODE);
	fetch(CODE, MEM_WB);
	assert_silent();
}

static void code_that_could_be_fetched_needs_ic_after_clean(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_WB);
	maintain(DC_CVAU, CODE);
	fetch(CODE, MEM_WB);
	assert_found(FINDING_FETCH_NO_IC);
	invalidate_insns(CODE);
	fetch(CODE, MEM_WB);
	assert_silent();
}

static void ic_before_the_clean_is_complete_is_in_vain(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_WB);
	(void)model_dc(bench.model, CPU0, CODE, DC_CVAU);
	invalidate_insns(CODE);
	fetch(CODE, MEM_WB);
	assert_found(FINDING_FETCH_NO_IC);
}

static void ic_without_dsb_is_not_complete(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_NC);
	model_ic(bench.model, CPU0, CODE, IC_IVAU);
	fetch(CODE, MEM_NC);
	assert_found(FINDING_FETCH_NO_IC);
	model_dsb(bench.model, CPU1);
	fetch(CODE, MEM_NC);
	assert_found(FINDING_FETCH_NO_IC);
	model_dsb(bench.model, CPU0);
	fetch(CODE, MEM_NC);
	assert_silent();
}

static void store_between_ic_and_dsb_needs_another(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_NC);
	model_ic(bench.model, CPU0, CODE, IC_IVAU);
	write_word(CODE, MEM_NC);
	model_dsb(bench.model, CPU0);
	fetch(CODE, MEM_NC);
	assert_found(FINDING_FETCH_NO_IC);
}

static void ic_of_a_page_that_cannot_be_fetched_lasts(void **state)
{
	model_fetchable(bench.model, CODE);
	model_unfetchable(bench.model, CODE);
	invalidate_insns(CODE);
	write_word(CODE, MEM_NC);
	fetch(CODE, MEM_NC);
	assert_silent();
	/* The next line had none. */
	model_unfetchable(bench.model, CODE);
	write_word(CODE + 64, MEM_NC);
	fetch(CODE + 64, MEM_NC);
	assert_found(FINDING_FETCH_NO_IC);
}

static void invalidation_of_all_reaches_every_line(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_NC);
	write_word(CODE + 0x800, MEM_NC);
	model_ic(bench.model, CPU0, 0, IC_IALLUIS);
	model_dsb(bench.model, CPU0);
	fetch(CODE, MEM_NC);
	fetch(CODE + 0x800, MEM_NC);
	assert_silent();
	model_unfetchable(bench.model, CODE);
	model_ic(bench.model, CPU0, 0, IC_IALLUIS);
	model_dsb(bench.model, CPU0);
	write_word(CODE + 0x400, MEM_NC);
	fetch(CODE + 0x400, MEM_NC);
	assert_silent();
}

static void local_invalidation_counts_while_no_other_cpu_runs(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_NC);
	model_dsb(bench.model, CPU1);
	model_ic(bench.model, CPU0, 0, IC_IALLU);
	model_dsb(bench.model, CPU0);
	model_fetch(bench.model, CPU0, CODE, MEM_NC, false);
	assert_found(FINDING_FETCH_NO_IC);
	model_cpu_reset(bench.model, 1);
	model_ic(bench.model, CPU0, 0, IC_IALLU);
	model_dsb(bench.model, CPU0);
	model_fetch(bench.model, CPU0, CODE, MEM_NC, false);
	assert_silent();
}

static void non_cacheable_fetch_needs_clean_to_poc(void **state)
{
	write_word(CODE, MEM_WB);
	maintain(DC_CVAU, CODE);
	fetch(CODE, MEM_NC);
	assert_found(FINDING_FETCH_UNDER_DIRTY);
	maintain(DC_CVAC, CODE);
	invalidate_insns(CODE);
	fetch(CODE, MEM_NC);
	assert_silent();
}

static void cacheable_fetch_may_hit_a_stale_line(void **state)
{
	bench.alias = true;
	write_word(CODE, MEM_NC);
	fetch(CODE, MEM_WB);
	assert_found(FINDING_FETCH_STALE);
}

static void concurrently_modifiable_instructions_are_exempt(void **state)
{
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_WB);
	model_fetch(bench.model, CPU1, CODE, MEM_WB, true);
	maintain(DC_CVAU, CODE);
	model_fetch(bench.model, CPU1, CODE, MEM_WB, true);
	assert_silent();
}

static void ctr_el0_idc_and_dic_make_maintenance_needless(void **state)
{
	remake((struct model_config){.idc = true});
	write_word(CODE, MEM_WB);
	fetch(CODE, MEM_WB);
	assert_silent();
	write_word(CODE, MEM_WB);
	fetch(CODE, MEM_WB);
	assert_found(FINDING_FETCH_NO_IC);
	remake((struct model_config){.dic = true});
	model_fetchable(bench.model, CODE);
	write_word(CODE, MEM_WB);
	maintain(DC_CVAU, CODE);
	fetch(CODE, MEM_WB);
	assert_silent();
}

static void ic_of_half_a_line_reaches_half_of_it(void **state)
{
	remake((struct model_config){.ic_shift = 5});
	model_fetchable(bench.model, CODE);
	model_write(bench.model, CPU0, CODE, 64, MEM_NC);
	invalidate_insns(CODE);
	fetch(CODE + 28, MEM_NC);
	assert_silent();
	fetch(CODE + 32, MEM_NC);
	assert_found(FINDING_FETCH_NO_IC);
}

/* The rest. */

static void set_way_is_found_while_other_cpus_run(void **state)
{
	model_set_way(bench.model, CPU0);
	assert_silent();
	model_dsb(bench.model, CPU1);
	model_set_way(bench.model, CPU0);
	assert_found(FINDING_SET_WAY);
	assert_int_equal(bench.last.site, CPU0);
}

static void maintenance_tells_whether_it_was_needed(void **state)
{
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CVAC), DC_REDUNDANT);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CIVAC), DC_REDUNDANT);
	model_dsb(bench.model, CPU0);
	write_word(DATA, MEM_WB);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CVAU), DC_NEEDED);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CVAU), DC_REDUNDANT);
	model_dsb(bench.model, CPU0);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CVAU), DC_REDUNDANT);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CVAC), DC_NEEDED);
	model_dsb(bench.model, CPU0);
	alias_goes(DATA);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CIVAC), DC_NEEDED);
	model_dsb(bench.model, CPU0);
	assert_int_equal(model_dc(bench.model, CPU0, DATA, DC_CIVAC), DC_REDUNDANT);
}

static void quiet_accesses_are_those_that_change_nothing(void **state)
{
	struct line *line;

	model_write(bench.model, CPU0, DATA, 8, MEM_WB);
	line = model_line(bench.model, DATA);
	assert_true(line_write_is_quiet(line, 3, 3));
	assert_true(line_write_is_quiet(line, 1, 1));
	assert_false(line_write_is_quiet(line, 4, 4));
	assert_false(line_read_is_quiet(line, 1, MEM_NC));
	assert_true(line_read_is_quiet(line, 4, MEM_NC));
	assert_true(line_read_is_quiet(line, 1, MEM_WB));
	assert_false(line_read_is_quiet(line, 1, MEM_MIXED));
	(void)model_dc(bench.model, CPU0, DATA, DC_CVAU);
	assert_false(line_write_is_quiet(line, 3, 3));
	model_dsb(bench.model, CPU0);
	assert_false(line_write_is_quiet(line, 3, 3));
	assert_true(line_write_is_quiet(line, 3, 0));
	line->state |= LINE_TABLE;
	assert_false(line_write_is_quiet(line, 3, 0));
	maintain(DC_CIVAC, DATA);
	assert_true(line->state & LINE_TABLE);
	line->state &= ~LINE_TABLE;
	bench.alias = true;
	write_word(DATA, MEM_NC);
	assert_false(line_read_is_quiet(line, 1, MEM_WB));
	assert_true(line_read_is_quiet(line, 1, MEM_NC));
}

/* Two lines of one page in the same state: what a plain store does to one, a store does to the other. */
static void plain_stores_do_what_stores_do(void **state)
{
	struct line *line = model_line(bench.model, DATA),
		    *other = model_line(bench.model, DATA + 64);

	model_fetchable(bench.model, DATA);
	for (unsigned int n = 0; n < 4; n++) {
		assert_true(model_write_plain(bench.model, CPU0, DATA + 4 * n, line,
					      line_words(DATA + 4 * n, 4)));
		write_word(DATA + 64 + 4 * n, MEM_WB);
		assert_memory_equal(line, other, sizeof(*line));
	}
	assert_int_equal(line->dirty, 0xf);
	assert_int_equal(line->old_insns, 0xf);
	maintain(DC_CIVAC, DATA);
	bench.alias = true;
	write_word(DATA, MEM_NC);
	assert_false(model_write_plain(bench.model, CPU0, DATA + 4, line, 2)); /* stale */
	maintain(DC_CIVAC, DATA);
	(void)model_dc(bench.model, CPU0, DATA, DC_CVAC);
	assert_false(model_write_plain(bench.model, CPU0, DATA + 4, line, 2)); /* under way */
}

static void plain_store_is_proof_of_an_alias(void **state)
{
	assert_true(model_write_plain(bench.model, CPU0, DATA, model_line(bench.model, DATA), 1));
	write_word(DATA + 128, MEM_NC);
	read_word(DATA + 128, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static bool store_past_is_quiet(void)
{
	return model_write_past_is_quiet(bench.model, DATA, model_line(bench.model, DATA));
}

static void stores_past_the_caches_are_quiet_while_nothing_can_hold_the_line(void **state)
{
	write_word(DATA, MEM_NC);
	assert_false(store_past_is_quiet());
	model_aliases_new(bench.model);
	write_word(DATA, MEM_NC);
	assert_true(store_past_is_quiet());
	/* An alias may be there. */
	model_aliases_new(bench.model);
	assert_false(store_past_is_quiet());
	write_word(DATA, MEM_NC);
	assert_true(store_past_is_quiet());
	/* One was. */
	alias_goes(DATA);
	assert_false(store_past_is_quiet());
	maintain(DC_CIVAC, DATA);
	write_word(DATA, MEM_NC);
	assert_true(store_past_is_quiet());
	/* An instruction cache may hold it, still. */
	model_fetchable(bench.model, DATA);
	assert_false(store_past_is_quiet());
	write_word(DATA, MEM_NC);
	invalidate_insns(DATA);
	model_unfetchable(bench.model, DATA);
	assert_false(store_past_is_quiet());
	invalidate_insns(DATA);
	assert_true(store_past_is_quiet());
	model_line(bench.model, DATA)->state |= LINE_TABLE;
	assert_false(store_past_is_quiet());
}

static bool dc_is_quiet(enum dc_op op)
{
	return model_dc_is_quiet(bench.model, DATA, model_line(bench.model, DATA), op, bench.alias);
}

static void maintenance_is_quiet_where_no_cache_can_hold_the_line(void **state)
{
	assert_true(dc_is_quiet(DC_CVAC));
	assert_false(dc_is_quiet(DC_CIVAC));
	model_aliases_new(bench.model);
	model_ask(bench.model, DATA);
	assert_true(dc_is_quiet(DC_CIVAC));
	/* It may throw away what is stored before its DSB. */
	assert_false(dc_is_quiet(DC_IVAC));
	/* An alias was there, and nothing has invalidated the line since. */
	alias_goes(DATA);
	assert_false(dc_is_quiet(DC_CIVAC));
	assert_true(dc_is_quiet(DC_CVAC));
	maintain(DC_CIVAC, DATA);
	assert_true(dc_is_quiet(DC_CIVAC));
	/* One is. */
	bench.alias = true;
	model_aliases_new(bench.model);
	model_ask(bench.model, DATA);
	assert_true(dc_is_quiet(DC_CIVAC));
	bench.alias = false;
	assert_false(dc_is_quiet(DC_CIVAC));
	/* There is something to clean. */
	write_word(DATA, MEM_WB);
	assert_false(dc_is_quiet(DC_CVAC));
	assert_false(dc_is_quiet(DC_CVAU));
	/* It is under way already. */
	model_dc(bench.model, CPU0, DATA, DC_CIVAC);
	assert_false(dc_is_quiet(DC_CVAC));
}

static void alias_is_asked_for_once_while_stores_go_on(void **state)
{
	bench.alias = true;
	for (unsigned int i = 0; i < 16; i++) {
		write_word(DATA + 4 * i % 64, MEM_NC);
	}
	assert_int_equal(bench.questions, 1);
	alias_goes(DATA);
	model_aliases_new(bench.model);
	bench.questions = 0;
	for (unsigned int i = 0; i < 64; i++) {
		write_word(RAM + 0x8000 + 64 * i, MEM_NC);
	}
	assert_int_equal(bench.questions, 1);
	bench.alias = true;
	model_aliases_new(bench.model);
	write_word(RAM + 0x8000, MEM_NC);
	read_word(RAM + 0x8000, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void words_of_an_access(void **state)
{
	assert_int_equal(line_words(0, 4), 1);
	assert_int_equal(line_words(3, 2), 3);
	assert_int_equal(line_words(60, 16), 0x8000);
	assert_int_equal(line_words(0, 64), 0xffff);
	assert_int_equal(line_words(0x1001, 1), 1);
	assert_int_equal(line_whole_words(0, 4), 1);
	assert_int_equal(line_whole_words(3, 2), 0);
	assert_int_equal(line_whole_words(2, 10), 6);
	assert_int_equal(line_whole_words(60, 16), 0x8000);
	assert_int_equal(line_whole_words(61, 16), 0);
	assert_int_equal(line_whole_words(0, 64), 0xffff);
}

static void long_loop_of_maintenance_without_dsb_is_followed(void **state)
{
	uint64_t size = UINT64_C(16) << 20;
	uint64_t start = UINT64_C(1) << 40;
	struct model_totals totals;

	assert_true(model_add_region(bench.model, start, size));
	for (uint64_t paddr = start; paddr < start + size; paddr += LINE_SIZE) {
		write_word(paddr, MEM_WB);
		(void)model_dc(bench.model, CPU0, paddr, DC_CIVAC);
	}
	model_totals(bench.model, &totals);
	assert_int_equal(totals.lines_dirty, size / LINE_SIZE);
	model_dsb(bench.model, CPU0);
	model_totals(bench.model, &totals);
	assert_int_equal(totals.lines_dirty, 0);
	assert_int_equal(totals.lines_seen, size / LINE_SIZE);
	assert_true(totals.bytes <= size * 28 / 100);
	read_word(start, MEM_NC);
	read_word(start + size - 4, MEM_NC);
	assert_silent();
	for (unsigned int i = 0;; i++) {
		uint64_t count;

		if (model_unchecked(bench.model, i, &count) == NULL) {
			break;
		}
		assert_int_equal(count, 0);
	}
}

static void too_long_a_loop_is_counted(void **state)
{
	uint64_t count;

	bench.model->pending.limit = 2048;
	for (unsigned int i = 0; i < 3000; i++) {
		write_word(RAM + i * LINE_SIZE, MEM_WB);
		(void)model_dc(bench.model, CPU0, RAM + i * LINE_SIZE, DC_CVAC);
	}
	model_ic(bench.model, CPU0, RAM, IC_IVAU);
	model_ic(bench.model, CPU0, RAM, IC_IALLUIS);
	assert_non_null(strstr(model_unchecked(bench.model, 1, &count), "before their DSB"));
	assert_int_equal(count, 3000 - 2048 + 2);
	/* The rest is taken as complete. */
	read_word(RAM + 2999 * LINE_SIZE, MEM_NC);
	assert_silent();
	read_word(RAM, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	model_dsb(bench.model, CPU0);
	read_word(RAM, MEM_NC);
	assert_silent();
}

static void time_that_has_come_to_its_end_reports_too_much(void **state)
{
	bench.model->epoch = EPOCH_MAX - 1;
	bench.alias = true;
	alias_goes(DATA);
	maintain(DC_CIVAC, DATA);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
	/* The read has left a copy. */
	maintain(DC_CIVAC, DATA);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
}

static void memory_outside_all_regions_is_ignored(void **state)
{
	write_word(RAM - 4, MEM_WB);
	model_write(bench.model, CPU0, RAM - 4, 8, MEM_WB);
	read_word(RAM - 4, MEM_NC);
	fetch(RAM - 4, MEM_NC);
	maintain(DC_CIVAC, RAM - 4);
	model_ic(bench.model, CPU0, RAM - 4, IC_IVAU);
	model_alias_gone(bench.model, RAM + SIZE);
	model_fetchable(bench.model, RAM + SIZE);
	model_unfetchable(bench.model, RAM + SIZE);
	model_entry_dirty(bench.model, RAM - 64, 64);
	model_entry_clean(bench.model, RAM - 64, 64);
	model_write(bench.model, CPU0, RAM + SIZE - 4, 8, MEM_WB);
	assert_null(model_page(bench.model, RAM + SIZE));
	assert_null(model_line(bench.model, RAM - 1));
	assert_silent();
	model_read(bench.model, CPU0, RAM - 4, 8, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
	for (unsigned int i = 1; i < 16; i++) {
		assert_true(model_add_region(bench.model, RAM + i * SIZE, SIZE));
	}
	assert_false(model_add_region(bench.model, RAM + 16 * SIZE, SIZE));
}

static void front_ends_findings_get_the_line(void **state)
{
	struct finding finding = {.kind = FINDING_EXCLUSIVE, .site = CPU0, .paddr = DATA};

	write_word(DATA, MEM_WB);
	model_report(bench.model, &finding);
	assert_found(FINDING_EXCLUSIVE);
	assert_int_equal(bench.last.line.dirty, 1);
}

/* A line of each kind of trouble, and maintenance under way. */
static void make_trouble(void)
{
	bench.alias = true;
	write_word(DATA, MEM_WB);
	write_word(RAM + 0x2000, MEM_NC); /* below a live alias */
	bench.alias = false;
	write_word(RAM + 0x3000, MEM_WB);
	write_word(RAM + 0x3000, MEM_NC); /* over a dirty line */
	model_fetchable(bench.model, RAM + 0x4000);
	write_word(RAM + 0x4000, MEM_WB);
	(void)model_dc(bench.model, CPU0, RAM + 0x4000, DC_CVAU);
	model_ic(bench.model, CPU0, 0, IC_IALLUIS);
	write_word(RAM + 0x4040, MEM_NC);
}

static void nothing_is_left_of_it(void)
{
	model_dsb(bench.model, CPU0);
	for (uint64_t paddr = RAM; paddr < RAM + SIZE; paddr += LINE_SIZE) {
		model_read(bench.model, CPU1, paddr, LINE_SIZE, MEM_NC);
		model_read(bench.model, CPU1, paddr, LINE_SIZE, MEM_WB);
		fetch(paddr, MEM_WB);
	}
	assert_silent();
}

static void reset_of_the_machine_empties_caches(void **state)
{
	make_trouble();
	model_reset(bench.model);
	nothing_is_left_of_it();
	/* Nor can anything have been cached or fetched. */
	model_reset(bench.model);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	write_word(RAM + 0x4000, MEM_NC);
	fetch(RAM + 0x4000, MEM_WB);
	assert_silent();
	/* But what is done now counts. */
	write_word(DATA, MEM_WB);
	read_word(DATA, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
}

static void reset_of_the_machine_leaves_what_its_entry_state_says(void **state)
{
	remake((struct model_config){.dc_shift = 6,
				     .ic_shift = 6,
				     .wb_shift = 6,
				     .adversarial_entry = true});
	model_entry_clean(bench.model, RAM, 0x2000);
	make_trouble();
	model_reset(bench.model);
	nothing_is_left_of_it();
	model_reset(bench.model);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_found(FINDING_READ_STALE);
	model_reset(bench.model);
	model_entry_clean(bench.model, RAM, 0x2000);
	model_entry_dirty(bench.model, RAM + 0x5000, 0x1000);
	write_word(DATA, MEM_NC);
	read_word(DATA, MEM_WB);
	assert_silent();
	read_word(RAM + 0x5000, MEM_NC);
	assert_found(FINDING_READ_UNDER_DIRTY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(non_cacheable_read_of_dirty_data_is_found),
		TEST(neighbour_words_of_dirty_data_are_not_wrong),
		TEST(clean_to_poc_and_dsb_make_it_readable),
		TEST(clean_without_dsb_is_not_complete),
		TEST(clean_to_pou_is_not_enough_for_data),
		TEST(store_between_clean_and_dsb_stays_dirty),
		TEST(maintenance_of_a_reset_cpu_is_lost),
		TEST(write_through_stores_reach_memory),
		TEST(write_through_store_into_a_dirty_copy_may_stay_there),
		TEST(read_across_lines_finds_each),
		TEST(store_below_a_live_alias_leaves_a_stale_copy),
		TEST(store_without_alias_is_seen_by_all),
		TEST(flush_then_teardown_leaves_a_window),
		TEST(teardown_then_flush_is_clean),
		TEST(copy_may_come_back_between_flush_and_its_dsb),
		TEST(invalidation_after_the_store_heals),
		TEST(store_during_an_invalidation_may_meet_a_refetched_copy),
		TEST(adversarial_entry_has_copies_of_everything),
		TEST(loaders_data_are_dirty_at_entry),
		TEST(store_over_a_dirty_line_may_be_lost),
		TEST(dead_data_raise_no_alarm),
		TEST(store_into_a_stale_copy_may_lose_its_other_words),
		TEST(store_of_the_stale_word_itself_heals_it),
		TEST(store_of_a_part_of_a_stale_word_does_not_heal_it),
		TEST(write_through_store_merges_nothing),
		TEST(invalidation_of_a_dirty_line_may_lose_it),
		TEST(store_during_an_invalidation_may_be_thrown_away),
		TEST(invalidation_of_a_clean_line_loses_nothing),
		TEST(lines_of_a_write_back_granule_share_their_fate),
		TEST(maintenance_reaches_what_ctr_el0_says),
		TEST(mixed_accesses_have_both_hazards),
		TEST(coherent_device_sees_and_updates_caches),
		TEST(other_device_reads_and_writes_memory),
		TEST(walks_see_what_reads_of_their_type_see),
		TEST(cacheable_walk_leaves_copies),
		TEST(code_needs_clean_to_pou),
		TEST(code_cleaned_before_it_could_be_fetched_needs_no_ic),
		TEST(code_that_could_be_fetched_needs_ic_after_clean),
		TEST(ic_before_the_clean_is_complete_is_in_vain),
		TEST(ic_without_dsb_is_not_complete),
		TEST(store_between_ic_and_dsb_needs_another),
		TEST(ic_of_a_page_that_cannot_be_fetched_lasts),
		TEST(invalidation_of_all_reaches_every_line),
		TEST(local_invalidation_counts_while_no_other_cpu_runs),
		TEST(non_cacheable_fetch_needs_clean_to_poc),
		TEST(cacheable_fetch_may_hit_a_stale_line),
		TEST(concurrently_modifiable_instructions_are_exempt),
		TEST(ctr_el0_idc_and_dic_make_maintenance_needless),
		TEST(ic_of_half_a_line_reaches_half_of_it),
		TEST(set_way_is_found_while_other_cpus_run),
		TEST(maintenance_tells_whether_it_was_needed),
		TEST(quiet_accesses_are_those_that_change_nothing),
		TEST(stores_past_the_caches_are_quiet_while_nothing_can_hold_the_line),
		TEST(plain_stores_do_what_stores_do),
		TEST(plain_store_is_proof_of_an_alias),
		TEST(maintenance_is_quiet_where_no_cache_can_hold_the_line),
		TEST(alias_is_asked_for_once_while_stores_go_on),
		TEST(words_of_an_access),
		TEST(long_loop_of_maintenance_without_dsb_is_followed),
		TEST(too_long_a_loop_is_counted),
		TEST(time_that_has_come_to_its_end_reports_too_much),
		TEST(memory_outside_all_regions_is_ignored),
		TEST(front_ends_findings_get_the_line),
		TEST(reset_of_the_machine_empties_caches),
		TEST(reset_of_the_machine_leaves_what_its_entry_state_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
