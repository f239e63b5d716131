/* SPDX-License-Identifier: MIT */
/*
 * Every cache line of the domain's memory, cold and warm, in the ways in which a hypervisor could have left something in
 * a cache: QEMU has none, so most of this can only go wrong under cohcheck. The guest keeps the rules itself, as far as
 * there are any: what it writes with its caches off and reads with them on was in no cache when it got it (C2), and is in
 * nobody's since (C1). It ends with all of its memory dirty, for whoever gets that next.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_xen.h"

const char *const guest_topic = "lines";
const bool guest_mmu_off = true;

#define LINE_SIZE  64
#define NR_BUFFERS 16

extern char __image_start[], __image_end[];

static uint8_t area_page[4096] __aligned(4096);

/* Not the image, and not the 2 MiB that the device tree begins in. */
static bool is_free(uint64_t at)
{
	uint64_t fdt = (uintptr_t)machine.fdt & ~UINT64_C(0x1fffff);

	return (at < (uintptr_t)__image_start || at >= (uintptr_t)__image_end) &&
	       (at < fdt || at >= fdt + (2 << 20));
}

static uint64_t ram_end(void)
{
	return machine.ram_start + machine.ram_size;
}

/* The next free piece of memory from *start on; false at the end. */
static bool next_free(uint64_t *start, uint64_t *end)
{
	while (*start < ram_end() && !is_free(*start)) {
		*start += PAGE_SIZE;
	}
	for (*end = *start; *end < ram_end() && is_free(*end);) {
		*end += PAGE_SIZE;
	}
	return *start < *end;
}

static uint64_t value_of(uint64_t at, uint64_t seed)
{
	return at * UINT64_C(0x9e3779b97f4a7c15) + seed;
}

static void write_lines(uint64_t seed)
{
	uint64_t end;

	for (uint64_t start = machine.ram_start; next_free(&start, &end); start = end) {
		for (uint64_t at = start; at < end; at += LINE_SIZE) {
			*(volatile uint64_t *)(uintptr_t)at = value_of(at, seed);
		}
	}
}

static void check_lines(uint64_t seed)
{
	uint64_t end;

	for (uint64_t start = machine.ram_start; next_free(&start, &end); start = end) {
		for (uint64_t at = start; at < end; at += LINE_SIZE) {
			uint64_t value = *(const volatile uint64_t *)(uintptr_t)at;

			REQUIRE(value == value_of(at, seed), "%#lx holds %#lx", at, value);
		}
	}
}

/* A dirty line above would hide memory, or be written back over it. */
static void empty_while_cold(void)
{
	uint64_t end;

	for (uint64_t start = machine.ram_start; next_free(&start, &end); start = end) {
		for (uint64_t at = start; at < end; at += LINE_SIZE) {
			uint64_t value = *(const volatile uint64_t *)(uintptr_t)at;

			REQUIRE(value == 0, "%#lx holds %#lx", at, value);
		}
	}
}

/*
 * Tenon writes an area while it is registered, through its caches; afterwards the page is private again, and this
 * domain, cold, must see all of it in memory.
 */
static void shared_and_private_again_while_cold(void)
{
	struct vcpu_runstate_info *info = (struct vcpu_runstate_info *)area_page;
	struct vcpu_register_runstate_memory_area area = {.addr.v = NULL};
	volatile uint64_t *words = (volatile uint64_t *)area_page;

	for (unsigned int i = sizeof(*info) / 8 + 1; i < sizeof(area_page) / 8; i++) {
		words[i] = i;
	}
	set_xen_guest_handle(area.addr.h, info);
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
				(uintptr_t)&area, 0, 0),
		      0);
	relax();
	area.addr.v = NULL;
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
				(uintptr_t)&area, 0, 0),
		      0);
	EXPECT_EQUAL(READ_ONCE(info->state), RUNSTATE_running);
	EXPECT(READ_ONCE(info->state_entry_time) != 0);
	for (unsigned int i = sizeof(*info) / 8 + 1; i < sizeof(area_page) / 8; i++) {
		REQUIRE(words[i] == i, "word %u is %#lx", i, words[i]);
	}
}

/* The race of 2013: flushing does not help against a line that is fetched again afterwards. */
static void written_cold_read_warm(void)
{
	write_lines(1);
	mmu_enable();
	check_lines(1);
}

/* Set/way by a guest means all of its memory, whatever CPU it runs on: this relies on it, as firmware does. */
static void set_way_then_caches_off(void)
{
	write_lines(2);
	for (uint64_t set = 0; set < 16; set++) {
		__asm__ volatile("dc cisw, %0" ::"r"(set << 6) : "memory");
	}
	dsb_sy();
	mmu_disable();
	check_lines(2);
	write_lines(3);
	mmu_enable();
	check_lines(3);
}

/* Pages that Tenon looks at through windows of its own: of the sixteen that a CPU has, each in turn. */
static void buffers_all_over_memory(void)
{
	uint64_t step = (machine.ram_size / NR_BUFFERS - 0x1000) & ~UINT64_C(0xffff);

	for (unsigned int i = 0; i < NR_BUFFERS; i++) {
		char *buffer = (char *)(uintptr_t)(machine.ram_start + i * (step + 0x1000) + 0x3000);

		if (is_free((uintptr_t)buffer)) {
			REQUIRE_EQUAL(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion,
						 buffer),
				      0);
			REQUIRE(strnlen(buffer, sizeof(xen_extraversion_t)) <
				sizeof(xen_extraversion_t));
		}
	}
}

/* Memory given back in the middle of a block, and new memory in its place. */
static void given_back_and_taken(void)
{
	xen_pfn_t frames[NR_BUFFERS];
	struct xen_memory_reservation reservation = {.nr_extents = NR_BUFFERS, .domid = DOMID_SELF};
	uint64_t start = ram_end() - (4 << 20);

	for (unsigned int i = 0; i < NR_BUFFERS; i++) {
		frames[i] = (start >> 12) + 17 * i;
	}
	set_xen_guest_handle(reservation.extent_start, frames);
	if (!is_free(start) || !is_free(start + (2 << 20) - 1)) {
		test_skip("the device tree is there");
		return;
	}
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &reservation),
		      NR_BUFFERS);
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation),
		      NR_BUFFERS);
	for (unsigned int i = 0; i < NR_BUFFERS; i++) {
		for (unsigned int at = 0; at < 4096; at += LINE_SIZE) {
			uint64_t value =
				*(const volatile uint64_t *)(uintptr_t)(frames[i] * 4096 + at);

			REQUIRE(value == 0 || !machine.tenon, "page %u, byte %u: %#lx", i, at,
				value);
		}
	}
}

static void left_dirty(void)
{
	write_lines(4);
	check_lines(4);
}

const struct guest_case guest_cases[] = {
	CASE(empty_while_cold, .flags = TENON_ONLY),
	CASE(shared_and_private_again_while_cold, .flags = TENON_ONLY),
	CASE(written_cold_read_warm),
	CASE(buffers_all_over_memory),
	CASE(given_back_and_taken),
	CASE(set_way_then_caches_off),
	CASE(buffers_all_over_memory),
	CASE(left_dirty),
	CASE_END,
};
