/* SPDX-License-Identifier: MIT */
/* Random values and the places of arguments: differential.h. */
#include "differential.h"
#include "guest_mmu.h"

static uint64_t state;

/* splitmix64: any seed gives a good sequence. */
static uint64_t step(uint64_t *at)
{
	uint64_t z = (*at += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void diff_random_start(uint64_t seed, uint64_t batch, uint64_t call)
{
	uint64_t mixed = seed;

	state = step(&mixed) ^ batch << 32 ^ call;
}

uint64_t diff_random(void)
{
	return step(&state);
}

uint32_t diff_below(uint32_t limit)
{
	return (uint32_t)((diff_random() >> 32) * limit >> 32);
}

uint64_t diff_u64(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		0xfff,
		0x1000,
		0x7fff,
		0xffff,
		0x10000,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		UINT64_C(0x100000000),
		UINT64_C(0x7fffffffffffffff),
		UINT64_C(0x8000000000000000),
		~UINT64_C(0),
	};

	switch (diff_below(4)) {
	case 0:
		return diff_below(16);
	case 1:
		return DIFF_PICK(edges);
	case 2:
		return UINT64_C(1) << diff_below(64);
	default:
		return diff_random();
	}
}

uint32_t diff_u32(void)
{
	return (uint32_t)diff_u64();
}

domid_t diff_domid(void)
{
	/* One of 0 and 2 is no domain, nor is 3. */
	static const domid_t ids[] = {
		DOMID_SELF, DOMID_SELF, DOMID_SELF, 1,
		1,          1,          2,          2,
		0,          3,          0x7fef,     0x7ff0,
		DOMID_IO,   DOMID_XEN,  DOMID_COW,  DOMID_INVALID,
		0x7fff,     0x8001,     0xffff,
	};

	return DIFF_PICK(ids);
}

domid_t diff_domid_self(void)
{
	return diff_one_in(diff_is_dom0 ? 3 : 12) ? diff_domid()
	     : diff_one_in(4)                     ? diff_own_domid
						  : DOMID_SELF;
}

domid_t diff_domid_of_nobody(void)
{
	domid_t domid;

	do {
		domid = diff_domid();
	} while (domid == diff_own_domid || domid == diff_other_domid);
	return domid;
}

uint32_t diff_port(void)
{
	static const uint32_t edges[] = {0,       1023,       1024,       1025,
					 4095,    4096,       0x1ffff,    0x20000,
					 0x20001, 0x7fffffff, 0x80000001, 0xffffffff};

	switch (diff_below(16)) {
	case 0:
		/* Those of dom0 are only limited by the ABI: Xen does not know them all. */
		return diff_is_dom0 ? 0x20000 + diff_u32() % 0x10000000 : DIFF_PICK(edges);
	case 1:
		return diff_below(1100);
	default:
		return 1 + diff_below(20);
	}
}

uint32_t diff_vcpu(void)
{
	static const uint32_t edges[] = {2, 3, 7, 8, 127, 128, 8191, 8192, 0x7fffffff, 0xffffffff};

	return diff_one_in(6) ? DIFF_PICK(edges) : diff_below(2);
}

uint32_t diff_gref(void)
{
	static const uint32_t edges[] = {511, 512, 513, 1023, 32767, 32768, 0x7fffffff, 0xffffffff};

	return diff_one_in(10) ? DIFF_PICK(edges) : diff_below(DIFF_GRANT_ENTRIES);
}

static bool map_is_partners;

void diff_map_of(domid_t domid)
{
	map_is_partners = diff_is_dom0 && domid == diff_other_domid;
}

uint64_t diff_gfn_to_map(void)
{
	unsigned int first = diff_first_odd_gfn();

	switch (diff_below(10)) {
	case 0:
		return diff_odd_gfns[first + diff_below(diff_nr_odd_gfns - first)];
	case 1:
	case 2:
	case 3:
	case 4:
		return DIFF_HOLE_GFN + diff_below(DIFF_NR_REGION);
	default:
		return (map_is_partners ? DIFF_PARTNER_GFN : (uintptr_t)diff_region >> PAGE_SHIFT) +
		       diff_below(DIFF_NR_REGION);
	}
}

uint64_t diff_gfn_to_populate(void)
{
	uint64_t gfn = diff_gfn_to_map();

	return gfn < UINT64_C(0x1000000000) ? gfn : DIFF_HOLE_GFN;
}

uint64_t diff_gfn_for_grants(void)
{
	uint64_t gfn = diff_gfn_to_populate() & ~UINT64_C(1);

	return gfn != 0 ? gfn : DIFF_HOLE_GFN;
}

uint64_t diff_gfn_to_give_back(void)
{
	return diff_gfn_to_map() | 1;
}

uint64_t diff_gfn(void)
{
	switch (diff_below(12)) {
	case 0:
		return diff_u64();
	case 1:
		return machine.gicd >> PAGE_SHIFT;
	case 2:
		return machine.uart >> PAGE_SHIFT;
	case 3:
		return diff_is_dom0 ? ((uintptr_t)diff_region >> PAGE_SHIFT) + diff_below(0x100)
				    : (machine.ram_start >> PAGE_SHIFT) + diff_below(0x8000);
	default:
		return diff_gfn_to_map();
	}
}

uint64_t diff_command(uint32_t command)
{
	return diff_one_in(24) ? diff_random() << 32 | command : command;
}

/* ---- places --------------------------------------------------------------------------------------- */

/*
 * Five virtual pages for structures, and behind them as many for lists:
 *
 *     0  where they go
 *     1  the second half of what crosses; its memory is not behind the other's
 *     2  nothing
 *     3  read-only
 *     4  nothing
 */
#define WINDOW_PAGES    5
#define WINDOW(base, n) ((base) + (n)*UINT64_C(4096))
#define STRUCTURES      mmu_spare_page(32)
#define LISTS           mmu_spare_page(32 + WINDOW_PAGES)

/* Memory of pages 0, 1 and 3. */
static uint8_t *const structure_pages[] = {xen_spare_pages[0], xen_spare_pages[2], NULL,
					   xen_spare_pages[4]};
static uint8_t *const list_pages[] = {xen_spare_pages[6], xen_spare_pages[1], NULL,
				      xen_spare_pages[3]};

static unsigned int current_slot;

void diff_use_slot(unsigned int slot)
{
	current_slot = slot;
}

static void map_window(uint64_t base, uint8_t *const pages[])
{
	mmu_map_page(WINDOW(base, 0), (uintptr_t)pages[0], MMU_WRITE_BACK);
	mmu_map_page(WINDOW(base, 1), (uintptr_t)pages[1], MMU_WRITE_BACK);
	mmu_map_page(WINDOW(base, 2), 0, MMU_UNMAPPED);
	mmu_map_page(WINDOW(base, 3), (uintptr_t)pages[3], MMU_READ_ONLY);
	mmu_map_page(WINDOW(base, 4), 0, MMU_UNMAPPED);
}

void diff_args_init(void)
{
	map_window(STRUCTURES, structure_pages);
	map_window(LISTS, list_pages);
}

/* Where nothing can be read or written. None of them is in any domain's memory. */
static uint64_t nowhere(void)
{
	static const uint64_t addresses[] = {
		0,
		8,
		UINT64_C(0x30000000),         /* below RAM */
		UINT64_C(0x7ffffffff8),       /* the end of what TTBR0 translates */
		UINT64_C(0x8000000000),       /* beyond */
		UINT64_C(0xffff000000000000), /* TTBR1's, which is off */
		UINT64_C(0xffffffffffffff00),
		~UINT64_C(0),
		~UINT64_C(7),
	};
	uint32_t kind = diff_below(ARRAY_SIZE(addresses) + 2);

	if (kind < ARRAY_SIZE(addresses)) {
		return addresses[kind];
	}
	return kind == ARRAY_SIZE(addresses) ? WINDOW(STRUCTURES, 2) + diff_below(4096)
					     : machine.gicd + 8 * diff_below(16);
}

/* The byte behind an address; NULL when none is. */
static uint8_t *byte_at(uint64_t at)
{
	uint64_t page = (at - STRUCTURES) / PAGE_SIZE;
	uint8_t *memory = NULL;

	if (at < STRUCTURES || page >= 2 * WINDOW_PAGES) {
		return NULL;
	}
	if (page % WINDOW_PAGES < ARRAY_SIZE(structure_pages)) {
		memory = page < WINDOW_PAGES ? structure_pages[page]
					     : list_pages[page - WINDOW_PAGES];
	}
	return memory != NULL ? memory + at % PAGE_SIZE : NULL;
}

static void store(uint64_t at, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t *byte = byte_at(at + i);

		if (byte != NULL) {
			*byte = from[i];
		}
	}
}

static bool is_there(uint64_t base, uint64_t at, size_t size, bool to_write)
{
	bool wraps = at + size < at;

	return !wraps && ((at >= base && at + size <= WINDOW(base, 2)) ||
			  (!to_write && at >= WINDOW(base, 3) && at + size <= WINDOW(base, 4)));
}

/*
 * A multicall's entries each keep to their own slot: what one of them needs must not be damaged by another, since not
 * all that could be made of it may be done.
 */
static uint64_t address(uint64_t base, size_t size)
{
	uint64_t good = base + current_slot * DIFF_SLOT_BYTES;
	uint32_t kind = diff_below(40);

	if (current_slot != 0 && kind >= 1 && kind <= 4) {
		return good;
	}
	switch (kind) {
	case 0:
		return nowhere();
	case 1: /* its end is not there */
		return WINDOW(base, 2) - (size > 1 ? 1 + diff_below((uint32_t)size - 1) : 0);
	case 2: /* ends where nothing begins */
		return WINDOW(base, 2) - size;
	case 3: /* across two pages */
		return WINDOW(base, 1) - (size > 1 ? 1 + diff_below((uint32_t)size - 1) : 0);
	case 4:
		return WINDOW(base, 3) + current_slot * DIFF_SLOT_BYTES;
	case 5:
		return good + 1 + diff_below(7);
	default:
		return good;
	}
}

void diff_place(struct diff_call *c, const void *structure, size_t size)
{
	c->at = address(STRUCTURES, size);
	c->size = (uint32_t)size;
	memcpy(c->bytes, structure, size);
	c->readable = is_there(STRUCTURES, c->at, size, false);
	c->writable = is_there(STRUCTURES, c->at, size, true);
	store(c->at, structure, size);
	c->args[1] = c->at;
}

uint64_t diff_place_list(const struct diff_call *c, const void *list, size_t size)
{
	static uint8_t slot[DIFF_SLOT_BYTES];
	uint64_t at = address(LISTS, size);

	/* What is behind is read when a count is too large: nothing that would be carried out. */
	memset(slot, 0xff, sizeof(slot));
	memcpy(slot, list, size);
	/* Not into the next slot, when it is misaligned. */
	store(at, slot, sizeof(slot) - at % 8);
	return at;
}

bool diff_args_read(uint64_t at, void *to, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const uint8_t *byte = byte_at(at + i);

		if (byte == NULL) {
			return false;
		}
		((uint8_t *)to)[i] = *byte;
	}
	return true;
}

bool diff_list_is_writable(uint64_t at, size_t size)
{
	return is_there(LISTS, at, size, true);
}

bool diff_list_is_readable(uint64_t at, size_t size)
{
	return is_there(LISTS, at, size, false);
}

void diff_args_write(uint64_t at, const void *from, size_t size)
{
	store(at, from, size);
}

void diff_args_fill(uint64_t at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		diff_args_write(at + i, "=", 1);
	}
}

uint64_t diff_args_hash(uint64_t hash)
{
	hash = diff_hash(hash, structure_pages[0], PAGE_SIZE / 2);
	hash = diff_hash(hash, list_pages[0], PAGE_SIZE / 2);
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t *const *pages = i == 0 ? structure_pages : list_pages;

		/* The ends of pages 0 and 1, and the beginning of 1. */
		hash = diff_hash(hash, pages[0] + PAGE_SIZE - DIFF_SLOT_BYTES, DIFF_SLOT_BYTES);
		hash = diff_hash(hash, pages[1], DIFF_SLOT_BYTES);
		hash = diff_hash(hash, pages[1] + PAGE_SIZE - DIFF_SLOT_BYTES, DIFF_SLOT_BYTES);
		hash = diff_hash(hash, pages[3], DIFF_NR_SLOTS * DIFF_SLOT_BYTES);
	}
	return hash;
}

void diff_args_clear(void)
{
	memset(xen_spare_pages, 0xff, sizeof(xen_spare_pages));
}

const uint8_t *diff_list_slot(unsigned int slot)
{
	return list_pages[0] + slot * DIFF_SLOT_BYTES;
}

const uint8_t *diff_structure_slot(unsigned int slot)
{
	return structure_pages[0] + slot * DIFF_SLOT_BYTES;
}
