/* SPDX-License-Identifier: MIT */
/*
 * Tenon's own tables on the host: what is mapped with which permissions (M2), tables made on
 * demand out of a reserve that refills itself, registered frames, and what is gone afterwards (M1).
 *
 * RAM is real memory at the host's HYP_BASE. The tables of the image are where this program is.
 */
#include "mm/mm_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "arm64/percpu.h"
#include "arm64/pte.h"
#include "boot/boot.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

#define BLOCK        PTE_LEVEL_SIZE(2)
#define RAM_BLOCKS   32u
#define RAM_BYTES    (RAM_BLOCKS * BLOCK)
#define NR_FRAMES    (RAM_BYTES >> PAGE_SHIFT)
#define EARLY_TABLES 16

/* The linker script's symbols that hyp_map.c uses: two pages that become read-only, two that go. */
uint64_t boot_l0[PTE_ENTRIES] __aligned(4096);
/* Aligned to its size, so that one level-3 table maps it wherever the loader puts this program. */
static char image[4][PAGE_SIZE] __aligned(4 * 4096);
__asm__(".globl image_start, image_end, boot_tables_start, boot_tables_end\n"
	".globl ro_after_init_start, ro_after_init_end\n"
	".globl ro_after_init_bss_start, ro_after_init_bss_end\n"
	".set image_start, image\n"
	".set ro_after_init_start, image\n"
	".set ro_after_init_end, image + 4096\n"
	".set ro_after_init_bss_start, image + 4096\n"
	".set ro_after_init_bss_end, image + 2 * 4096\n"
	".set image_end, image + 4 * 4096\n"
	".set boot_tables_start, image\n"
	".set boot_tables_end, image\n");
static uint64_t image_tables[3][PTE_ENTRIES] __aligned(4096);

static struct frame frames[NR_FRAMES];
static uint64_t pool_next; /* mfn */
static unsigned int pool_left, nr_taken, nr_given_back, nr_windows;
static char window[PAGE_SIZE];
static uint64_t released_first, released_end;

/* ---- fakes --------------------------------------------------------------------------------------- */

struct frame *frame_of(mfn_t m)
{
	return m.raw < NR_FRAMES ? &frames[m.raw] : NULL;
}

int frame_pool_take(unsigned int order, enum frame_state state, uint16_t owner, bool preemptible,
		    mfn_t *first)
{
	assert_false(preemptible);
	assert_int_equal(order, 0);
	if (pool_left == 0) {
		return -XEN_ENOMEM;
	}
	pool_left--;
	nr_taken++;
	*first = mfn(pool_next);
	pool_next++;
	frames[first->raw].state = state;
	return 0;
}

void frame_pool_give_back(mfn_t m, bool quarantine)
{
	assert_false(quarantine);
	nr_given_back++;
}

void *hyp_alloc(unsigned int order)
{
	mfn_t m;

	if (frame_pool_take(order, FRAME_TENON, 0, false, &m) != 0) {
		return NULL;
	}
	return hyp_map_own(m, order) == 0 ? maddr_to_hyp(mfn_to_maddr(m)) : NULL;
}

void hyp_free(void *va, unsigned int order)
{
	if (va != NULL) {
		hyp_unmap_own(hyp_to_mfn(va), order);
	}
}

void *window_map(mfn_t m, enum window_attr attr)
{
	assert_int_equal(attr, WINDOW_NC);
	nr_windows++;
	fake_machine_note("window 0x%lx", (unsigned long)m.raw);
	return window;
}

void window_unmap(const void *va)
{
	nr_windows--;
}

void frame_table_mark(uint64_t first_mfn, uint64_t end_mfn, enum frame_state state)
{
	assert_int_equal(state, FRAME_FREE_DIRTY);
}

void frame_pool_add(uint64_t first_mfn, uint64_t end_mfn)
{
	released_first = first_mfn;
	released_end = end_mfn;
}

void log_write(enum log_level level, const char *format, ...)
{
}

/* ---- fixture ------------------------------------------------------------------------------------- */

/* Tables of the image count as Tenon's own here: hyp_map.c reaches them by the same arithmetic. */
static uint64_t table_pte(const uint64_t *table)
{
	return ((uint64_t)(uintptr_t)table - HYP_BASE) & PTE_ADDR;
}

static uint64_t *entry_of(uint64_t va, unsigned int level)
{
	uint64_t *table = boot_l0;

	for (unsigned int l = 0; l < level; l++) {
		uint64_t pte = table[PTE_INDEX(va, l)];

		if (!pte_is_table(pte, l)) {
			return NULL;
		}
		table = (uint64_t *)(uintptr_t)(HYP_BASE + (pte & PTE_ADDR));
	}
	return &table[PTE_INDEX(va, level)];
}

static uint64_t page_of(uint64_t m)
{
	uint64_t *entry = entry_of(HYP_BASE + (m << PAGE_SHIFT), 3);

	return entry != NULL ? *entry : 0;
}

/* As boot_head.S does: the image's pages read-write, with tables of the image. */
static void map_image(void)
{
	uint64_t va = (uint64_t)(uintptr_t)image;

	boot_l0[PTE_INDEX(va, 0)] = table_pte(image_tables[0]) | PTE_VALID | PTE_TABLE;
	image_tables[0][PTE_INDEX(va, 1)] = table_pte(image_tables[1]) | PTE_VALID | PTE_TABLE;
	image_tables[1][PTE_INDEX(va, 2)] = table_pte(image_tables[2]) | PTE_VALID | PTE_TABLE;
	for (unsigned int n = 0; n < 4; n++) {
		image_tables[2][(PTE_INDEX(va, 3) + n) % PTE_ENTRIES] =
			(0x40200000 + n * PAGE_SIZE) | PTE_VALID | PTE_PAGE | PTE_AF;
	}
}

/* hyp_map.c has one set of tables for its lifetime: tests share it, in the order of main(). */
static int start(void **state)
{
	void *at = mmap((void *)(uintptr_t)HYP_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	assert_ptr_equal(at, (void *)(uintptr_t)HYP_BASE);
	image_maddr = 0x40200000;
	map_image();
	pool_next = 8;
	pool_left = NR_FRAMES;
	hyp_map_init();
	return hyp_map_prepare_ram(0, RAM_BYTES);
}

static int set_up(void **state)
{
	fake_machine_reset();
	pool_left = 1000;
	nr_taken = nr_given_back = 0;
	fake_machine_log_clear();
	return 0;
}

static int nothing_is_held(void **state)
{
	assert_int_equal(nr_windows, 0);
	lock_assert_none_held();
	return 0;
}

/* ---- descriptors --------------------------------------------------------------------------------- */

static void own_frames_are_write_back_and_not_executable(void **state)
{
	uint64_t pte;

	assert_int_equal(hyp_map_own(mfn(5), 0), 0);
	pte = page_of(5);
	assert_int_equal(pte & PTE_ADDR, 5u << PAGE_SHIFT);
	assert_int_equal(pte & (PTE_VALID | PTE_PAGE | PTE_AF), PTE_VALID | PTE_PAGE | PTE_AF);
	assert_int_equal(FIELD_GET(BITS64(4, 2), pte), MAIR_IDX_WB);
	assert_int_equal(pte & PTE_SH, PTE_SH_INNER);
	assert_true((pte & PTE_EL2_XN) != 0);
	assert_true((pte & PTE_EL2_RO) == 0);
	/* Nothing was there: no TLBI, but every walker sees it before it is used. */
	fake_machine_expect("dsb ishst", "isb");
	fake_machine_expect_none("tlbi");
	assert_int_equal(page_of(4), 0);
	assert_int_equal(page_of(6), 0);
}

static void what_is_given_back_is_mapped_nowhere(void **state)
{
	fake_machine_watch(entry_of(HYP_BASE + (5 << PAGE_SHIFT), 3), 1);
	hyp_unmap_own(mfn(5), 0);
	fake_machine_expect("store invalid", "dsb ish", "tlbi vae2is 0x250000005000", "dsb ish");
	assert_int_equal(page_of(5), 0);
}

static void a_block_of_frames_is_mapped_page_by_page_and_may_have_a_guard(void **state)
{
	assert_int_equal(hyp_map_own(mfn(512), 3), 0);
	for (unsigned int n = 0; n < 8; n++) {
		assert_int_equal(page_of(512 + n) & PTE_ADDR, (512u + n) << PAGE_SHIFT);
	}
	assert_int_equal(page_of(520), 0);
	fake_machine_log_clear();
	hyp_map_guard(maddr_to_hyp(512 << PAGE_SHIFT));
	assert_int_equal(page_of(512), 0);
	assert_true(pte_is_valid(page_of(513)));
	fake_machine_expect("dsb ish", "tlbi vae2is 0x250000200000", "dsb ish");
	/* Freed with the hole in it. */
	hyp_unmap_own(mfn(512), 3);
	for (unsigned int n = 0; n < 8; n++) {
		assert_int_equal(page_of(512 + n), 0);
	}
}

static void device_registers_are_device_memory(void **state)
{
	volatile void *at = hyp_map_device(0x9000004, 0x1000);
	uint64_t va = (uint64_t)(uintptr_t)at;
	uint64_t pte;

	assert_int_equal(va & (PAGE_SIZE - 1), 4);
	pte = *entry_of(va, 3);
	assert_int_equal(pte & PTE_ADDR, 0x9000000);
	assert_int_equal(FIELD_GET(BITS64(4, 2), pte), MAIR_IDX_DEVICE_GRE);
	assert_true((pte & PTE_EL2_XN) != 0);
	assert_true(pte_is_valid(*entry_of(va + PAGE_SIZE, 3)));
	/* What runs over hits nothing, and the next device is behind that. */
	assert_false(pte_is_valid(*entry_of(va + 2 * PAGE_SIZE, 3)));
	assert_true((uintptr_t)hyp_map_device(0x9010000, 4) > va + 2 * PAGE_SIZE);
	assert_null((void *)(uintptr_t)hyp_map_device(UINT64_MAX - 10, 0x1000));
	assert_null((void *)(uintptr_t)hyp_map_device(0, BIT64(31)));
}

static void the_boot_loaders_memory_is_seen_read_only_and_non_cacheable(void **state)
{
	const void *view = hyp_map_boot(0x48001230, 0x10000);
	uint64_t va = (uint64_t)(uintptr_t)view;
	uint64_t pte = *entry_of(va, 2);

	assert_int_equal(va % BLOCK, 0x1230);
	assert_true(pte_is_leaf(pte, 2));
	assert_int_equal(pte & PTE_ADDR, 0x48000000);
	assert_int_equal(FIELD_GET(BITS64(4, 2), pte), MAIR_IDX_NC);
	assert_true((pte & PTE_EL2_XN) != 0 && (pte & PTE_EL2_RO) != 0);
	assert_null(hyp_map_boot(UINT64_MAX - 10, 0x1000));
	assert_null(hyp_map_boot(0, BIT64(31)));
}

/* ---- tables on demand ---------------------------------------------------------------------------- */

/* Each in a block of its own: a level-3 table each. */
static uint64_t sparse(unsigned int n)
{
	return (n + 2) * 512 + 77;
}

static void tables_come_from_the_image_first_then_from_the_pool(void **state)
{
	/* The first frame for the reserve lies where nothing is mapped yet. */
	pool_next = (RAM_BLOCKS - 2) * 512;
	for (unsigned int n = 0; n < RAM_BLOCKS - 4; n++) {
		assert_int_equal(hyp_map_own(mfn(sparse(n)), 0), 0);
		assert_int_equal(page_of(sparse(n)) & PTE_ADDR, sparse(n) << PAGE_SHIFT);
	}
	assert_true(nr_taken > 0);
	/* A table out of the pool is mapped itself, or Tenon could not write it. */
	for (unsigned int n = 0; n < RAM_BLOCKS - 4; n++) {
		uint64_t table = *entry_of(HYP_BASE + (sparse(n) << PAGE_SHIFT), 2) & PTE_ADDR;

		if (table < RAM_BYTES) {
			assert_true(pte_is_valid(page_of(table >> PAGE_SHIFT)));
		}
	}
	assert_int_equal(nr_given_back, 0);
}

static void without_memory_for_a_table_nothing_is_left_half_mapped(void **state)
{
	unsigned int failed = 0;
	uint64_t last = RAM_BLOCKS - 1;

	pool_left = 0;
	/* What is in reserve serves for a while. Addresses beyond RAM: only the tables matter. */
	for (unsigned int n = 0; n < 16 && failed == 0; n++) {
		last = RAM_BLOCKS + 2 + n;
		failed = hyp_map_own(mfn(last * 512), 3) != 0 ? 1 : 0;
	}
	assert_int_equal(failed, 1);
	assert_int_equal(page_of(last * 512), 0);
	/* With memory it works again. */
	pool_left = 100;
	assert_int_equal(hyp_map_own(mfn(last * 512), 3), 0);
	assert_true(pte_is_valid(page_of(last * 512 + 7)));
}

/* ---- registered guest frames --------------------------------------------------------------------- */

#define GUEST_FRAME 300u

static void a_registered_frame_is_mapped_while_anybody_has_it(void **state)
{
	void *first, *second;

	/* Pinned, and by somebody else too. */
	frames[GUEST_FRAME] =
		(struct frame){.state = FRAME_GUEST, .owner = 3, .refs = 2, .shared_pins = 3};
	assert_int_equal(hyp_map_registered(mfn(GUEST_FRAME), &first), 0);
	assert_ptr_equal(first, maddr_to_hyp(GUEST_FRAME << PAGE_SHIFT));
	assert_int_equal(FIELD_GET(BITS64(4, 2), page_of(GUEST_FRAME)), MAIR_IDX_WB);
	assert_int_equal(hyp_map_registered(mfn(GUEST_FRAME), &second), 0);
	assert_ptr_equal(second, first);
	assert_int_equal(frames[GUEST_FRAME].shared_pins, 3 + 2 * FRAME_ONE_REGISTRATION);
	fake_machine_log_clear();
	hyp_unmap_registered(mfn(GUEST_FRAME));
	assert_true(pte_is_valid(page_of(GUEST_FRAME)));
	assert_int_equal(frames[GUEST_FRAME].shared_pins, 3 + FRAME_ONE_REGISTRATION);
	fake_machine_expect_none("tlbi");
	/* References are its holder's business. */
	assert_int_equal(frames[GUEST_FRAME].refs, 2);
}

static void the_last_one_leaves_no_cacheable_mapping(void **state)
{
	fake_machine_watch(entry_of(HYP_BASE + (GUEST_FRAME << PAGE_SHIFT), 3), 1);
	hyp_unmap_registered(mfn(GUEST_FRAME));
	fake_machine_expect("store invalid", "dsb ish", "tlbi vae2is", "dsb ish");
	assert_int_equal(frames[GUEST_FRAME].shared_pins, 3);
	expect_assert_failure(hyp_unmap_registered(mfn(GUEST_FRAME)));
	lock_bust();
}

static void try_to_register(void)
{
	void *va;

	if (hyp_map_registered(mfn(GUEST_FRAME), &va) == 0) {
		fake_machine_note("registered");
	}
}

static void a_frame_that_may_be_private_is_not_mapped(void **state)
{
	frames[GUEST_FRAME] = (struct frame){.state = FRAME_GUEST, .owner = 3, .refs = 2};
	expect_assert_failure(try_to_register());
	frames[GUEST_FRAME].shared_pins = FRAME_UNSHARING;
	expect_assert_failure(try_to_register());
	assert_int_equal(page_of(GUEST_FRAME), 0);
}

static void registrations_are_not_counted_over(void **state)
{
	void *va;

	frames[GUEST_FRAME] = (struct frame){.state = FRAME_GUEST,
					     .owner = 3,
					     .refs = 2,
					     .shared_pins = FRAME_REGISTRATIONS | 1};
	assert_int_equal(hyp_map_registered(mfn(GUEST_FRAME), &va), -XEN_ENOSPC);
	assert_int_equal(frames[GUEST_FRAME].shared_pins, FRAME_REGISTRATIONS | 1);
}

static void tenons_own_frames_cannot_be_registered(void **state)
{
	void *va;

	assert_int_equal(hyp_map_own(mfn(310), 0), 0);
	frames[310] =
		(struct frame){.state = FRAME_TENON_SHARED, .owner = 3, .refs = 1, .shared_pins = 1};
	assert_int_equal(hyp_map_registered(mfn(310), &va), -XEN_EINVAL);
	assert_int_equal(frames[310].shared_pins, 1);
	assert_true(pte_is_valid(page_of(310)));
	assert_int_equal(hyp_map_registered(mfn(NR_FRAMES + 1), &va), -XEN_EINVAL);
}

/* ---- other CPUs, and the end of boot ------------------------------------------------------------- */

static uint64_t *root_of_cpu_1;

static void another_cpus_root_differs_only_in_its_windows(void **state)
{
	maddr_t root = hyp_map_create_root(1);

	assert_int_not_equal(root, 0);
	root_of_cpu_1 = maddr_to_hyp(root);
	for (unsigned int n = 0; n < PTE_ENTRIES; n++) {
		if (n != PTE_INDEX(WINDOW_BASE, 0)) {
			assert_int_equal(root_of_cpu_1[n], boot_l0[n]);
		}
	}
	assert_int_not_equal(root_of_cpu_1[PTE_INDEX(WINDOW_BASE, 0)],
			     boot_l0[PTE_INDEX(WINDOW_BASE, 0)]);
	assert_ptr_not_equal(hyp_map_window_table(0), hyp_map_window_table(1));
	assert_ptr_not_equal(hyp_map_window_block(0), hyp_map_window_block(1));
	fake_machine_expect("dsb ishst");
}

static void after_boot_nothing_is_writable_and_executable(void **state)
{
	unsigned int idmap_slot = (unsigned int)PTE_INDEX(image_maddr, 0);
	const void *view = hyp_map_boot(0x60000000, 0x1000);

	nr_cpus = 2;
	boot_l0[idmap_slot] = table_pte(image_tables[0]) | PTE_VALID | PTE_TABLE;
	root_of_cpu_1[idmap_slot] = boot_l0[idmap_slot];
	fake_machine_log_clear();
	hyp_map_finish();
	assert_int_equal(boot_l0[idmap_slot], 0);
	assert_int_equal(root_of_cpu_1[idmap_slot], 0);
	assert_int_equal(*entry_of((uint64_t)(uintptr_t)view, 2), 0);
	for (unsigned int n = 0; n < 4; n++) {
		uint64_t pte = *entry_of((uint64_t)(uintptr_t)image[n], 3);

		assert_true(pte_is_valid(pte));
		assert_int_equal((pte & PTE_EL2_RO) != 0, n < 2);
	}
	fake_machine_expect("dsb ish", "tlbi alle2is", "dsb ish");
}

static void what_boot_needed_is_unmapped_before_the_pool_has_it(void **state)
{
	/* The pages' machine addresses follow from where the image was linked. */
	uint64_t first = (image_maddr + ((uint64_t)(uintptr_t)image[2] - IMAGE_BASE)) >> PAGE_SHIFT;

	hyp_release_image(image[2], (const char *)image + sizeof(image));
	for (unsigned int n = 0; n < 4; n++) {
		assert_int_equal(pte_is_valid(*entry_of((uint64_t)(uintptr_t)image[n], 3)), n < 2);
	}
	fake_machine_expect("dsb ish", "tlbi alle2is", "dsb ish");
	assert_int_equal(released_first, first);
	assert_int_equal(released_end, first + 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_is_held)
	const struct CMUnitTest tests[] = {
		TEST(own_frames_are_write_back_and_not_executable),
		TEST(what_is_given_back_is_mapped_nowhere),
		TEST(a_block_of_frames_is_mapped_page_by_page_and_may_have_a_guard),
		TEST(device_registers_are_device_memory),
		TEST(the_boot_loaders_memory_is_seen_read_only_and_non_cacheable),
		TEST(tables_come_from_the_image_first_then_from_the_pool),
		TEST(without_memory_for_a_table_nothing_is_left_half_mapped),
		TEST(a_registered_frame_is_mapped_while_anybody_has_it),
		TEST(tenons_own_frames_cannot_be_registered),
		TEST(another_cpus_root_differs_only_in_its_windows),
		TEST(after_boot_nothing_is_writable_and_executable),
		TEST(what_boot_needed_is_unmapped_before_the_pool_has_it),
		TEST(the_last_one_leaves_no_cacheable_mapping),
		TEST(a_frame_that_may_be_private_is_not_mapped),
		TEST(registrations_are_not_counted_over),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
