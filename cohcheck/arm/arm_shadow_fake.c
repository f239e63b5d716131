/* SPDX-License-Identifier: MIT */
#include "arm/arm_shadow_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct model {
	struct page pages[MEM_SIZE >> PAGE_SHIFT];
};

struct shadow *shadow;
struct arm_registers cpus[NR_CPUS];
epoch_t epoch;
unsigned int nr_findings, nr_forgets, nr_unchecked, nr_reads;
struct finding last_finding;
struct alias last_alias;
uint64_t last_forget_va, last_forget_size;
static struct model model;
static uint8_t *memory;

/* ---- The model ---- */

struct page *model_page(const struct model *m, uint64_t paddr)
{
	return paddr - MEM_BASE < MEM_SIZE
		     ? (struct page *)&m->pages[(paddr - MEM_BASE) >> PAGE_SHIFT]
		     : NULL;
}

struct line *model_line(struct model *m, uint64_t paddr)
{
	struct page *page = model_page(m, paddr);

	if (page == NULL) {
		return NULL;
	}
	if (page->lines == NULL) {
		page->lines = calloc(LINES_PER_PAGE, sizeof(*page->lines));
		assert_non_null(page->lines);
	}
	return &page->lines[paddr % 4096 / LINE_SIZE];
}

epoch_t model_epoch(struct model *m)
{
	return epoch;
}

void model_alias_gone_at(struct model *m, uint64_t paddr, epoch_t when)
{
	struct page *page = model_page(m, paddr);

	assert_true(when != 0 && when <= epoch);
	if (page != NULL && when > page->cached_until) {
		page->cached_until = when;
	}
}

void model_fetchable(struct model *m, uint64_t paddr)
{
	struct page *page = model_page(m, paddr);

	if (page != NULL) {
		page->fetchable_at = EPOCH_MAX;
	}
}

void model_unfetchable(struct model *m, uint64_t paddr)
{
	struct page *page = model_page(m, paddr);

	if (page != NULL && page->fetchable_at == EPOCH_MAX) {
		page->fetchable_at = epoch;
	}
}

void model_report(struct model *m, struct finding *finding)
{
	nr_findings++;
	last_finding = *finding;
}

epoch_t gone_at(uint64_t paddr)
{
	return model_page(&model, paddr)->cached_until;
}

bool fetchable(uint64_t paddr)
{
	return model_page(&model, paddr)->fetchable_at == EPOCH_MAX;
}

bool is_table(uint64_t paddr)
{
	const struct page *page = model_page(&model, paddr);

	return page->lines != NULL &&
	       (page->lines[paddr % 4096 / LINE_SIZE].state & LINE_TABLE) != 0;
}

/* ---- The front end ---- */

static bool read_memory(void *ctx, uint64_t paddr, unsigned int size, uint64_t *value)
{
	nr_reads++;
	*value = 0;
	if (paddr - MEM_BASE >= MEM_SIZE) {
		return false;
	}
	memcpy(value, &memory[paddr - MEM_BASE], size);
	return true;
}

static void forget(void *ctx, uint64_t root, uint64_t va, uint64_t size)
{
	nr_forgets++;
	last_forget_va = va;
	last_forget_size = size;
}

static void unchecked(void *ctx, const char *what, uint64_t paddr)
{
	assert_non_null(what);
	nr_unchecked++;
}

static const struct shadow_ops ops = {read_memory, forget, unchecked};

static void reset(bool has_bbm2)
{
	memset(cpus, 0, sizeof(cpus));
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		cpus[i].has_el2 = cpus[i].has_vhe = true;
		cpus[i].pa_bits = 48;
		cpus[i].hcr = HCR_RW;
	}
	epoch = 1;
	nr_findings = nr_forgets = nr_unchecked = nr_reads = 0;
	memset(&last_finding, 0, sizeof(last_finding));
	memset(memory, 0, MEM_SIZE);
	for (unsigned int i = 0; i < MEM_SIZE >> PAGE_SHIFT; i++) {
		free(model.pages[i].lines);
	}
	memset(&model, 0, sizeof(model));
	shadow = shadow_create(&model, &ops, NULL, NR_CPUS, has_bbm2);
	assert_non_null(shadow);
}

int world_create(void **state)
{
	memory = malloc(MEM_SIZE);
	assert_non_null(memory);
	reset(false);
	return 0;
}

int world_destroy(void **state)
{
	shadow_destroy(shadow);
	for (unsigned int i = 0; i < MEM_SIZE >> PAGE_SHIFT; i++) {
		free(model.pages[i].lines);
	}
	memset(&model, 0, sizeof(model));
	free(memory);
	return 0;
}

void world_again(bool has_bbm2)
{
	shadow_destroy(shadow);
	reset(has_bbm2);
}

void get(uint64_t paddr, uint64_t *value)
{
	memcpy(value, &memory[paddr - MEM_BASE], sizeof(*value));
}

void put(uint64_t paddr, uint64_t value)
{
	memcpy(&memory[paddr - MEM_BASE], &value, sizeof(value));
}

void store(unsigned int cpu, uint64_t paddr, uint64_t value)
{
	put(paddr, value);
	if (is_table(paddr)) {
		shadow_store(shadow, STORE_SITE(cpu), paddr, sizeof(value));
	}
}

void install(unsigned int cpu)
{
	struct arm_context contexts[NR_REGIMES];

	for (unsigned int i = 0; i < NR_REGIMES; i++) {
		arm_context_of(&contexts[i], &cpus[cpu], (enum arm_regime)i);
	}
	shadow_install(shadow, cpu, contexts, STORE_SITE(cpu));
}

/* T0SZ and T1SZ 25, walks write-back; EPD0 and EPD1 where there is no root. A1 clear: the ASID is in TTBR0. */
void el1(unsigned int cpu, uint64_t root0, uint64_t root1, uint16_t asid)
{
	struct arm_registers *regs = &cpus[cpu];

	regs->sctlr[1] = SCTLR_ON;
	regs->mair[1] = FAKE_MAIR;
	regs->tcr[1] = TCR_WB(25, 25) | TCR_TG1(TG1_4K) | UINT64_C(1) << 36;
	if (root0 == 0) {
		regs->tcr[1] |= UINT64_C(1) << 7;
	}
	if (root1 == 0) {
		regs->tcr[1] |= UINT64_C(1) << 23;
	}
	regs->ttbr0[1] = root0 | (uint64_t)asid << 48;
	regs->ttbr1[1] = root1;
	install(cpu);
}

void el2(unsigned int cpu, uint64_t root)
{
	struct arm_registers *regs = &cpus[cpu];

	regs->sctlr[2] = root != 0 ? SCTLR_ON : 0;
	regs->mair[2] = FAKE_MAIR;
	regs->tcr[2] = TCR_ONE(25);
	regs->ttbr0[2] = root;
	install(cpu);
}

void guest(unsigned int cpu, uint64_t stage2, uint16_t vmid, uint64_t root0, uint16_t asid)
{
	struct arm_registers *regs = &cpus[cpu];

	regs->hcr |= HCR_VM;
	regs->vtcr = VTCR(25, 1) | UINT64_C(1) << 19;
	regs->vttbr = stage2 | (uint64_t)vmid << 48;
	if (root0 != 0) {
		el1(cpu, root0, 0, asid);
	} else {
		regs->sctlr[1] = 0;
		install(cpu);
	}
}

bool live(uint64_t paddr)
{
	memset(&last_alias, 0, sizeof(last_alias));
	return shadow_alias_live(shadow, paddr, &last_alias);
}

uint64_t small_tree(unsigned int first)
{
	put(TABLE_AT(first), TABLE(TABLE_AT(first + 1)));
	put(TABLE_AT(first + 1), TABLE(TABLE_AT(first + 2)));
	return TABLE_AT(first);
}

void tlbi(unsigned int cpu, const struct arm_tlbi *op, uint64_t operand)
{
	const struct arm_registers *regs = &cpus[cpu];
	struct shadow_issuer issuer = {
		.cpu = cpu,
		.vmid = (uint16_t)(regs->vttbr >> 48),
		.e2h_tge = (regs->hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE),
		.granule_shift = 12,
	};

	shadow_tlbi(shadow, STORE_SITE(cpu), &issuer, op, operand);
}

void dsb(unsigned int cpu)
{
	shadow_dsb(shadow, cpu);
}

void dsb_st(unsigned int cpu)
{
	shadow_dsb_stores(shadow, cpu);
}
