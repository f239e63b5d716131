/* SPDX-License-Identifier: MIT */
/* Arm ARM (DDI 0487): "The AArch64 Virtual Memory System Architecture", and the registers' own pages. */
#include "corpus/lib/corpus_map.h"

#include "corpus/lib/corpus.h"

#define PTE_VALID BIT64(0)
#define PTE_TABLE BIT64(1) /* and a page, at level 3 */
#define PTE_AF    BIT64(10)
#define PTE_INNER (UINT64_C(3) << 8)
#define PTE_OUTER (UINT64_C(2) << 8)
#define UART      UINT64_C(0x09000000)
#define FW_CFG    UINT64_C(0x09020000)
#define MAIR      UINT64_C(0x4fffbb4404) /* by enum map_type */

struct space image_space;
extern char corpus_started[], corpus_tables[], corpus_tables_end[];
extern char corpus_text_start[], corpus_text_end[], corpus_data_start[], corpus_data_end[];
static uint64_t tables_used;

static unsigned int ia_bits(const struct space *space)
{
	switch (space->granule_shift) {
	case 14:
		return 36; /* levels 2 and 3 */
	case 16:
		return 42; /* levels 2 and 3 */
	default:
		return 39; /* levels 1 to 3 */
	}
}

static unsigned int bits_per_level(const struct space *space)
{
	return space->granule_shift - 3;
}

uint64_t space_page(const struct space *space)
{
	return BIT64(space->granule_shift);
}

uint64_t space_block(const struct space *space)
{
	return BIT64(space->granule_shift + bits_per_level(space));
}

uint64_t *table_new(const struct space *space)
{
	uint64_t size = space_page(space);
	uint64_t start = ((uint64_t)corpus_tables + tables_used + size - 1) & ~(size - 1);

	tables_used = start + size - (uint64_t)corpus_tables;
	require(start + size <= (uint64_t)corpus_tables_end);
	return (uint64_t *)start;
}

uint64_t table_descriptor(const uint64_t *table)
{
	return (uint64_t)table | PTE_TABLE | PTE_VALID;
}

void space_init_granule(struct space *space, unsigned int el, unsigned int granule_shift)
{
	space->el = el;
	space->granule_shift = granule_shift;
	space->stage2 = space->upper = space->vhe = space->walk_nc = false;
	space->asid = space->vmid = 0;
	space->root = table_new(space);
}

void space_init(struct space *space, unsigned int el)
{
	space_init_granule(space, el, 12);
}

uint64_t *space_entry(struct space *space, uint64_t va, bool block)
{
	unsigned int last = space->granule_shift + (block ? bits_per_level(space) : 0);
	unsigned int shift = space->granule_shift;
	uint64_t *table = space->root;

	while (shift + bits_per_level(space) < ia_bits(space)) {
		shift += bits_per_level(space);
	}
	va &= BIT64(ia_bits(space)) - 1;
	for (; shift > last; shift -= bits_per_level(space)) {
		uint64_t *entry = &table[va >> shift];

		if ((*entry & PTE_VALID) == 0) {
			*entry = table_descriptor(table_new(space));
		}
		table = (uint64_t *)(*entry & (BIT64(48) - 1) & ~(space_page(space) - 1));
		va &= BIT64(shift) - 1;
	}
	return &table[va >> shift];
}

static uint64_t stage2_leaf(uint64_t paddr, unsigned int flags)
{
	/* S2AP read and write; MemAttr by type, without and with FWB. */
	static const uint8_t plain[] = {0x1, 0x5, 0xa, 0xf, 0x7};
	static const uint8_t forced[] = {0x1, 0x5, 0x5, 0x6, 0x7};
	uint64_t attr = (flags & MAP_S2_FWB) ? forced[flags & MAP_TYPE] : plain[flags & MAP_TYPE];

	return paddr | attr << 2 | UINT64_C(3) << 6 | PTE_INNER | PTE_AF | PTE_VALID;
}

uint64_t space_leaf(const struct space *space, uint64_t paddr, unsigned int flags)
{
	uint64_t leaf = paddr | (uint64_t)(flags & MAP_TYPE) << 2 | PTE_AF | PTE_VALID;

	if ((flags & MAP_BLOCK) == 0) {
		leaf |= PTE_TABLE;
	}
	if (space->stage2) {
		return stage2_leaf(paddr, flags) | (leaf & PTE_TABLE);
	}
	leaf |= (flags & MAP_TYPE) >= MAP_WT ? PTE_INNER : PTE_OUTER;
	if (flags & MAP_RO) {
		leaf |= BIT64(7);
	}
	if (space->el == 1 || space->vhe) {
		bool user = (flags & MAP_USER) != 0, exec = (flags & MAP_EXEC) != 0;

		leaf |= user ? BIT64(6) : 0;           /* AP[1] */
		leaf |= user && exec ? 0 : BIT64(54);  /* UXN */
		leaf |= !user && exec ? 0 : BIT64(53); /* PXN */
		leaf |= flags & MAP_NG ? BIT64(11) : 0;
	} else {
		leaf |= BIT64(6); /* AP[1] is RES1 */
		leaf |= flags & MAP_EXEC ? 0 : BIT64(54);
	}
	return leaf;
}

void space_map(struct space *space, uint64_t va, uint64_t paddr, uint64_t size, unsigned int flags)
{
	uint64_t step = flags & MAP_BLOCK ? space_block(space) : space_page(space);

	for (uint64_t offset = 0; offset < size; offset += step) {
		*space_entry(space, va + offset, flags & MAP_BLOCK) =
			space_leaf(space, paddr + offset, flags);
	}
	dsb_ishst(); /* before walks of later accesses, on any CPU */
	isb();
}

void space_map_image(struct space *space)
{
	uint64_t text = (uint64_t)corpus_text_start, data = (uint64_t)corpus_data_start;

	space_map(space, text, text, (uint64_t)corpus_text_end - text, MAP_WB | MAP_RO | MAP_EXEC);
	space_map(space, data, data, (uint64_t)corpus_data_end - data, MAP_WB);
	space_map(space, (uint64_t)corpus_started, (uint64_t)corpus_started, 1, MAP_NC);
	space_map(space, UART, UART, 1, MAP_DEVICE);
	space_map(space, FW_CFG, FW_CFG, 1, MAP_DEVICE);
}

uint64_t space_ttbr(const struct space *space)
{
	return (uint64_t)space->root | (uint64_t)(space->stage2 ? space->vmid : space->asid) << 48;
}

/* TG0 and TG1 have different codes. */
static uint64_t tg0(const struct space *space)
{
	return space->granule_shift == 12 ? 0 : space->granule_shift == 14 ? 2 : 1;
}

static uint64_t tg1(const struct space *space)
{
	return space->granule_shift == 12 ? 2 : space->granule_shift == 14 ? 1 : 3;
}

static uint64_t tcr(const struct space *space)
{
	/* T0SZ, IRGN, ORGN, SH0 inner shareable; 40 bits of output. */
	uint64_t walks = space->walk_nc ? 0 : BIT64(8) | BIT64(10);
	uint64_t low = (64 - ia_bits(space)) | walks | UINT64_C(3) << 12;

	if (space->stage2) { /* SL0: level 1 with 4 KiB, level 2 with the others; RES1 */
		return low | UINT64_C(1) << 6 | tg0(space) << 14 | UINT64_C(2) << 16 | BIT64(31);
	}
	if (space->el != 1 && !space->vhe) {
		return low | tg0(space) << 14 | UINT64_C(2) << 16 | BIT64(31) | BIT64(23);
	}
	if (space->upper) { /* both ranges have tables: TTBR0 those of the image */
		return low | tg0(space) << 14 | low << 16 | tg1(space) << 30 | UINT64_C(2) << 32;
	}
	return low | tg0(space) << 14 | BIT64(23) | UINT64_C(2) << 32; /* EPD1 */
}

void space_install(const struct space *space)
{
	uint64_t ttbr = space_ttbr(space);

	if (space->stage2) {
		sysreg_write(vtcr_el2, tcr(space));
		sysreg_write(vttbr_el2, ttbr);
	} else if (space->el == 1) {
		sysreg_write(mair_el1, MAIR);
		if (space->upper) { /* TCR enables walks of the upper range */
			sysreg_write(ttbr1_el1, ttbr);
			isb(); /* before that */
		} else {
			sysreg_write(ttbr0_el1, ttbr);
		}
		sysreg_write(tcr_el1, tcr(space));
	} else if (space->el == 2) {
		sysreg_write(mair_el2, MAIR);
		sysreg_write(tcr_el2, tcr(space));
		sysreg_write(ttbr0_el2, ttbr);
	} else {
		sysreg_write(mair_el3, MAIR);
		sysreg_write(tcr_el3, tcr(space));
		sysreg_write(ttbr0_el3, ttbr);
	}
}

/* RES1 without FEAT_VHE and later features: with E2H the fields are EL1's. */
uint64_t sctlr_off(void)
{
	bool vhe = current_el() == 2 && (sysreg_read(hcr_el2) & BIT64(34)) != 0;

	return current_el() == 1 || vhe ? 0x30d00800 : 0x30c50830;
}

uint64_t sctlr_on(void)
{
	return sctlr_off() | BIT64(0) | BIT64(2) | BIT64(12);
}

void caches_on(void)
{
	corpus_sctlr(sctlr_on());
}

void space_enable(const struct space *space)
{
	space_install(space);
	isb();
	caches_on();
}

void image_on(void)
{
	space_init(&image_space, current_el());
	space_map_image(&image_space);
	space_enable(&image_space);
}

void vhe_on(uint16_t asid)
{
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(34) | BIT64(27)); /* E2H, TGE */
	isb(); /* from here on names of EL1 mean EL2's registers, and CPTR_EL2, TCR_EL2 have EL1's layout */
	sysreg_write(cptr_el2, UINT64_C(0x330000)); /* FPEN, ZEN: no traps */
	isb();
	space_init(&image_space, 2);
	image_space.vhe = true;
	image_space.asid = asid;
	space_map_image(&image_space);
	space_enable(&image_space);
}

void space_clear(struct space *space, uint64_t va, bool block)
{
	*space_entry(space, va, block) = 0;
	dsb_ishst(); /* before the TLBI that follows: no walk fetches the old entry again */
}

void space_unmap(struct space *space, uint64_t va, bool block)
{
	space_clear(space, va, block);
	va = (va >> 12 & (BIT64(44) - 1)) | (uint64_t)space->asid << 48;
	if (space->el == 1 || space->vhe) {
		TLBI_BY(vae1is, va);
	} else if (space->el == 2) {
		TLBI_BY(vae2is, va);
	} else {
		TLBI_BY(vae3is, va);
	}
	dsb_ish(); /* complete on all CPUs */
	isb();
}
