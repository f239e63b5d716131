/* SPDX-License-Identifier: MIT */
/*
 * One stage against TLBs that hold all that they may: whatever a walk could have found since the last TLBI that names it,
 * and every short cut to a table likewise.
 */
#include "arm/arm_shadow_fake.h"
#include "arm/arm_shadow_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two roots, two tables of level 2 and two of level 3, each with two entries in use. */
enum {
	ROOTS,
	MIDDLES = 2,
	LEAVES = 4,
	NR_TABLES = 6
};
#define T(n)        TABLE_AT(1 + (n))
#define CPUS        2
#define ASIDS       3 /* 1, 2; 0: global */
#define PAGES       3
#define BLOCK_MAPS  PAGES /* a mapping of all pages */
#define NR_MAPPINGS (PAGES + 1)

/*
 * When memory could last give it; 0: not in the TLB. What was found by a short cut that memory does not have any more is no
 * younger than that: a TLBI that names the short cut takes it, too.
 */
static uint32_t leaf[CPUS][ASIDS][2][2][2][NR_MAPPINGS]; /* by VA: root's, middle's, last entry (blocks: 0) */
static uint32_t to_middle[CPUS][ASIDS][2][2];            /* root's entry, table */
static uint32_t to_leaf[CPUS][ASIDS][2][2][2];
static uint8_t content[NR_TABLES][2]; /* 0, or 1 + table or mapping; bit 7: global */
static int installed[CPUS];           /* root, -1 */
static unsigned int asid_of[CPUS];
static uint32_t now;

struct issued {
	struct arm_tlbi op;
	unsigned int cpu, asid, r, m, l;
	uint32_t when;
};
static struct issued pending[64];
static unsigned int nr_pending;

static void walk_last(unsigned int c, unsigned int r, unsigned int m, unsigned int table,
		      uint32_t when)
{
	for (unsigned int l = 0; l < 2; l++) {
		uint8_t v = content[table][l];

		if (v != 0) {
			found(&leaf[c][v & 0x80 ? 0 : asid_of[c]][r][m][l][(v & 0x7f) - 1], when);
		}
	}
}

static void walk_middle(unsigned int c, unsigned int r, unsigned int table, uint32_t when)
{
	for (unsigned int m = 0; m < 2; m++) {
		uint8_t v = content[table][m];

		if ((v & 0x7f) == 1 + NR_TABLES) {
			found(&leaf[c][v & 0x80 ? 0 : asid_of[c]][r][m][0][BLOCK_MAPS], when);
		} else if (v != 0) {
			found(&to_leaf[c][asid_of[c]][r][m][v - 1 - LEAVES], when);
		}
	}
}

/* Everything that can be walked is. */
static void fill(void)
{
	now++;
	for (unsigned int c = 0; c < CPUS; c++) {
		unsigned int a = asid_of[c];

		if (installed[c] < 0) {
			continue;
		}
		for (unsigned int r = 0; r < 2; r++) {
			uint8_t v = content[installed[c]][r];

			if (v != 0) {
				to_middle[c][a][r][v - 1 - MIDDLES] = now;
			}
			for (unsigned int t = 0; t < 2; t++) {
				if (to_middle[c][a][r][t] != 0) {
					walk_middle(c, r, MIDDLES + t, to_middle[c][a][r][t]);
				}
			}
			for (unsigned int m = 0; m < 2; m++) {
				for (unsigned int t = 0; t < 2; t++) {
					if (to_leaf[c][a][r][m][t] != 0) {
						walk_last(c, r, m, LEAVES + t,
							  to_leaf[c][a][r][m][t]);
					}
				}
			}
		}
	}
}

/* Is the table one that TLBs know a way to which memory does not have any more? */
static bool is_left_over(unsigned int table)
{
	for (unsigned int c = 0; c < CPUS; c++) {
		for (unsigned int a = 0; a < ASIDS; a++) {
			for (unsigned int r = 0; r < 2; r++) {
				if (table >= MIDDLES && table < LEAVES &&
				    to_middle[c][a][r][table - MIDDLES] != 0 &&
				    to_middle[c][a][r][table - MIDDLES] != now) {
					return true;
				}
				for (unsigned int m = 0; table >= LEAVES && m < 2; m++) {
					if (to_leaf[c][a][r][m][table - LEAVES] != 0 &&
					    to_leaf[c][a][r][m][table - LEAVES] != now) {
						return true;
					}
				}
			}
		}
	}
	return false;
}

static void clear(uint32_t *entry, uint32_t when)
{
	if (*entry < when) {
		*entry = 0;
	}
}

static void complete(const struct issued *i)
{
	for (unsigned int c = 0; c < CPUS; c++) {
		if (!i->op.broadcast && c != i->cpu) {
			continue;
		}
		for (unsigned int n = 0; n < ASIDS * 8; n++) {
			unsigned int a = n / 8, r = n / 4 % 2, m = n / 2 % 2, l = n % 2;
			bool by_va = i->op.by == TLBI_VA || i->op.by == TLBI_VAA;
			bool asid_ok =
				i->op.by == TLBI_VMALL || i->op.by == TLBI_VAA || a == i->asid;
			bool here = !by_va || (r == i->r && m == i->m);

			if (here && (asid_ok || (a == 0 && by_va))) {
				for (unsigned int p = 0; p < NR_MAPPINGS; p++) {
					if (!by_va || l == i->l || p == BLOCK_MAPS) {
						clear(&leaf[c][a][r][m][l][p], i->when);
					}
				}
			}
			if (!i->op.last_level && asid_ok) {
				for (unsigned int t = 0; t < 2; t++) {
					if (!by_va || r == i->r) {
						clear(&to_middle[c][a][r][t], i->when);
					}
					if (here) {
						clear(&to_leaf[c][a][r][m][t], i->when);
					}
				}
			}
		}
	}
}

static bool oracle_live(unsigned int page)
{
	for (unsigned int c = 0; c < CPUS; c++) {
		for (unsigned int n = 0; n < 8 && installed[c] >= 0; n++) {
			for (unsigned int k = 0; k < 2; k++) {
				unsigned int a = k == 0 ? 0 : asid_of[c];

				if (leaf[c][a][n / 4][n / 2 % 2][n % 2][page] != 0 ||
				    leaf[c][a][n / 4][n / 2 % 2][n % 2][BLOCK_MAPS] != 0) {
					return true;
				}
			}
		}
	}
	return false;
}

/* ---- Events ---- */

static void random_store(uint32_t *seed)
{
	unsigned int table = next_random(seed, NR_TABLES), slot = next_random(seed, 2);
	unsigned int cpu = next_random(seed, CPUS);
	bool global = next_random(seed, 3) == 0;
	uint64_t flags = global ? 0 : NG;
	unsigned int which;

	if (is_left_over(table)) {
		return;
	}
	if (next_random(seed, 2) == 0) {
		content[table][slot] = 0;
		store(cpu, T(table) + 8 * slot, 0);
	} else if (table < MIDDLES) {
		which = MIDDLES + next_random(seed, 2);
		content[table][slot] = (uint8_t)(1 + which);
		store(cpu, T(table) + 8 * slot, TABLE(T(which)));
	} else if (table < LEAVES && next_random(seed, 3) != 0) {
		which = LEAVES + next_random(seed, 2);
		content[table][slot] = (uint8_t)(1 + which);
		store(cpu, T(table) + 8 * slot, TABLE(T(which)));
	} else if (table < LEAVES) {
		content[table][slot] = (uint8_t)(1 + NR_TABLES) | (global ? 0x80 : 0);
		store(cpu, T(table) + 8 * slot, BLOCK(DATA, IDX_WB) | flags);
	} else {
		which = next_random(seed, PAGES);
		content[table][slot] = (uint8_t)(1 + which) | (global ? 0x80 : 0);
		store(cpu, T(table) + 8 * slot, PAGE(DATA + 4096 * which, IDX_WB) | flags);
	}
	fill(); /* what the store let other CPUs see before it was complete */
	dsb_st(cpu);
}

static void random_switch(uint32_t *seed)
{
	unsigned int cpu = next_random(seed, CPUS);

	asid_of[cpu] = 1 + next_random(seed, ASIDS - 1);
	if (next_random(seed, 8) == 0) {
		installed[cpu] = -1;
		cpus[cpu].sctlr[1] = 0;
		install(cpu);
		return;
	}
	installed[cpu] = (int)next_random(seed, 2);
	el1(cpu, T(installed[cpu]), 0, (uint16_t)asid_of[cpu]);
}

static void random_tlbi(uint32_t *seed)
{
	static const uint8_t kinds[] = {TLBI_VA, TLBI_VAA, TLBI_ASID, TLBI_VMALL};
	struct issued i = {
		.op = {.by = kinds[next_random(seed, 4)],
		       .el = 1,
		       .broadcast = next_random(seed, 3) != 0},
		.cpu = next_random(seed, CPUS),
		.asid = 1 + next_random(seed, ASIDS - 1),
		.r = next_random(seed, 2),
		.m = next_random(seed, 2),
		.l = next_random(seed, 2),
		.when = ++now,
	};
	uint64_t va = (uint64_t)i.r << 30 | (uint64_t)i.m << 21 | (uint64_t)i.l << 12;

	if (nr_pending == 64) {
		return;
	}
	i.op.last_level = (i.op.by == TLBI_VA || i.op.by == TLBI_VAA) && next_random(seed, 2);
	pending[nr_pending++] = i;
	tlbi(i.cpu, &i.op, VA_ASID(va, i.asid));
}

static void barrier(unsigned int cpu)
{
	unsigned int left = 0;

	for (unsigned int n = 0; n < nr_pending; n++) {
		if (pending[n].cpu == cpu) {
			complete(&pending[n]);
		} else {
			pending[left++] = pending[n];
		}
	}
	nr_pending = left;
	dsb(cpu);
}

static void start(void)
{
	world_again(false);
	memset(leaf, 0, sizeof(leaf));
	memset(to_middle, 0, sizeof(to_middle));
	memset(to_leaf, 0, sizeof(to_leaf));
	memset(content, 0, sizeof(content));
	installed[0] = installed[1] = -1;
	asid_of[0] = asid_of[1] = 1;
	now = nr_pending = 0;
}

static void whatever_a_tlb_may_hold_is_live(void **state)
{
	static const struct shadow_oracle oracle = {
		.seed = 1,
		.cpus = CPUS,
		.pages = PAGES,
		.start = start,
		.store = random_store,
		.change = random_switch,
		.tlbi = random_tlbi,
		.barrier = barrier,
		.fill = fill,
		.live = oracle_live,
	};

	shadow_oracle_run(&oracle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_a_tlb_may_hold_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
