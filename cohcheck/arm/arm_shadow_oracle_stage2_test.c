/* SPDX-License-Identifier: MIT */
/*
 * Two stages against TLBs that hold all that they may: stage 1 alone, stage 2 alone, and both combined, which can be made at
 * any time of a stage 1 and a stage 2 that memory or a TLB still has.
 */
#include "arm/arm_shadow_fake.h"
#include "arm/arm_shadow_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CPUS        2
#define VMIDS       2
#define ASIDS       3 /* 1, 2; 0: global */
#define VAS         2
#define IPAS        2
#define PAGES       3
#define GUEST       1 /* stage 1, the same tables in both machines */
#define S2(x)       (20 + 4 * (x))
#define S2E(x, ipa) (TABLE_AT(S2(x) + 2) + 8 * (256 + (ipa)))
#define IPA(n)      (DATA + 0x100000 + 4096 * (n))

/* When memory could last give it; 0: not there. */
static uint32_t s1[CPUS][VMIDS][ASIDS][VAS][IPAS], s2[CPUS][VMIDS][IPAS][PAGES];
static uint32_t both[CPUS][VMIDS][ASIDS][VAS][IPAS][PAGES];
static uint8_t entry1[VAS];         /* 0, or 1 + IPA; bit 7: global */
static uint8_t entry2[VMIDS][IPAS]; /* 0, or 1 + page */
static struct {
	bool on, mmu;
	unsigned int machine, vmid, asid;
} state_of[CPUS];
static uint32_t now;

struct issued {
	struct arm_tlbi op;
	unsigned int cpu, vmid, asid, va, ipa;
	uint32_t when;
};
static struct issued pending[64];
static unsigned int nr_pending;

static void combine(unsigned int c, unsigned int v, unsigned int a)
{
	for (unsigned int n = 0; n < VAS * IPAS * PAGES; n++) {
		unsigned int va = n / (IPAS * PAGES), ipa = n / PAGES % IPAS, page = n % PAGES;
		uint32_t t1 = s1[c][v][a][va][ipa], t2 = s2[c][v][ipa][page];

		if (t1 != 0 && t2 != 0) {
			found(&both[c][v][a][va][ipa][page], t1 < t2 ? t1 : t2);
		}
	}
}

static void fill(void)
{
	now++;
	for (unsigned int c = 0; c < CPUS; c++) {
		unsigned int v = state_of[c].vmid, a = state_of[c].asid;

		if (!state_of[c].on) {
			continue;
		}
		for (unsigned int ipa = 0; ipa < IPAS; ipa++) {
			uint8_t e = entry2[state_of[c].machine][ipa];

			if (e != 0) {
				s2[c][v][ipa][e - 1] = now;
			}
		}
		if (!state_of[c].mmu) {
			continue;
		}
		for (unsigned int va = 0; va < VAS; va++) {
			uint8_t e = entry1[va];

			if (e != 0) {
				s1[c][v][e & 0x80 ? 0 : a][va][(e & 0x7f) - 1] = now;
			}
		}
		combine(c, v, 0);
		combine(c, v, a);
	}
}

static void clear(uint32_t *entry, uint32_t when)
{
	if (*entry < when) {
		*entry = 0;
	}
}

static void complete(const struct issued *i)
{
	bool by_va = i->op.by == TLBI_VA || i->op.by == TLBI_VAA;

	for (unsigned int c = 0; c < CPUS; c++) {
		if (!i->op.broadcast && c != i->cpu) {
			continue;
		}
		for (unsigned int n = 0; n < ASIDS * VAS * IPAS; n++) {
			unsigned int a = n / (VAS * IPAS), va = n / IPAS % VAS, ipa = n % IPAS;
			bool named = i->op.by == TLBI_VMALL || i->op.by == TLBI_VMALLS12 ||
				     (i->op.by == TLBI_ASID && a == i->asid) ||
				     (by_va && va == i->va &&
				      (i->op.by == TLBI_VAA || a == 0 || a == i->asid));

			if (named) {
				clear(&s1[c][i->vmid][a][va][ipa], i->when);
				for (unsigned int p = 0; p < PAGES; p++) {
					clear(&both[c][i->vmid][a][va][ipa][p], i->when);
				}
			}
		}
		for (unsigned int n = 0; n < IPAS * PAGES; n++) {
			if (i->op.by == TLBI_VMALLS12 ||
			    (i->op.by == TLBI_IPA && n / PAGES == i->ipa)) {
				clear(&s2[c][i->vmid][n / PAGES][n % PAGES], i->when);
			}
		}
	}
}

static bool oracle_live(unsigned int page)
{
	for (unsigned int c = 0; c < CPUS; c++) {
		unsigned int v = state_of[c].vmid;

		for (unsigned int n = 0; n < 2 * VAS * IPAS && state_of[c].on && state_of[c].mmu;
		     n++) {
			unsigned int a = n % 2 ? state_of[c].asid : 0;

			if (both[c][v][a][n / 2 / IPAS][n / 2 % IPAS][page] != 0) {
				return true;
			}
		}
	}
	return false;
}

/* ---- Events ---- */

static void random_store(uint32_t *seed)
{
	unsigned int cpu = next_random(seed, CPUS), slot = next_random(seed, 2);
	unsigned int what = next_random(seed, 3);
	bool global = next_random(seed, 3) == 0, remove = next_random(seed, 2) == 0;

	if (next_random(seed, 2) == 0) {
		what %= IPAS;
		entry1[slot] = remove ? 0 : (uint8_t)((1 + what) | (global ? 0x80 : 0));
		store(cpu, PTE(GUEST, slot),
		      remove ? 0 : PAGE(IPA(what), IDX_WB) | (global ? 0 : NG));
	} else {
		unsigned int machine = next_random(seed, VMIDS);

		entry2[machine][slot] = remove ? 0 : (uint8_t)(1 + what);
		store(cpu, S2E(machine, slot), remove ? 0 : S2_PAGE(DATA + 4096 * what, S2_WB));
	}
	fill();
	dsb_st(cpu);
}

static void random_switch(uint32_t *seed)
{
	unsigned int c = next_random(seed, CPUS);

	state_of[c].on = next_random(seed, 8) != 0;
	state_of[c].mmu = next_random(seed, 5) != 0;
	state_of[c].machine = next_random(seed, VMIDS);
	state_of[c].vmid = state_of[c].machine;
	state_of[c].asid = 1 + next_random(seed, ASIDS - 1);
	if (!state_of[c].on) {
		cpus[c].hcr &= ~HCR_VM;
		cpus[c].sctlr[1] = 0;
		install(c);
		return;
	}
	guest(c, TABLE_AT(S2(state_of[c].machine)), (uint16_t)(1 + state_of[c].vmid),
	      state_of[c].mmu ? TABLE_AT(GUEST) : 0, (uint16_t)state_of[c].asid);
}

static void random_tlbi(uint32_t *seed)
{
	static const uint8_t kinds[] = {TLBI_VA,  TLBI_VAA, TLBI_ASID,    TLBI_VMALL,
					TLBI_IPA, TLBI_IPA, TLBI_VMALLS12};
	struct issued i = {
		.op = {.by = kinds[next_random(seed, 7)],
		       .el = 1,
		       .broadcast = next_random(seed, 3) != 0},
		.cpu = next_random(seed, CPUS),
		.vmid = next_random(seed, VMIDS),
		.asid = 1 + next_random(seed, ASIDS - 1),
		.va = next_random(seed, VAS),
		.ipa = next_random(seed, IPAS),
		.when = ++now,
	};
	struct shadow_issuer issuer = {
		.cpu = i.cpu,
		.vmid = (uint16_t)(1 + i.vmid),
		.granule_shift = 12,
	};

	if (nr_pending == 64) {
		return;
	}
	pending[nr_pending++] = i;
	shadow_tlbi(shadow, STORE_SITE(i.cpu), &issuer, &i.op,
		    i.op.by == TLBI_IPA ? IPA(i.ipa) >> 12 : VA_ASID(4096 * (uint64_t)i.va, i.asid));
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
	memset(s1, 0, sizeof(s1));
	memset(s2, 0, sizeof(s2));
	memset(both, 0, sizeof(both));
	memset(entry1, 0, sizeof(entry1));
	memset(entry2, 0, sizeof(entry2));
	memset(state_of, 0, sizeof(state_of));
	now = nr_pending = 0;
	small_tree(GUEST);
	for (unsigned int x = 0; x < VMIDS; x++) {
		put(TABLE_AT(S2(x)) + 8, TABLE(TABLE_AT(S2(x) + 1)));
		put(TABLE_AT(S2(x) + 1), S2_BLOCK(MEM_BASE, S2_WB));
		/* Of the 2 MiB of DATA, its IPAs from 1 MiB on. */
		put(TABLE_AT(S2(x) + 1) + 8 * 16, TABLE(TABLE_AT(S2(x) + 2)));
	}
}

static void whatever_combines_is_live(void **state)
{
	static const struct shadow_oracle oracle = {
		.seed = 5,
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
		TEST(whatever_combines_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
