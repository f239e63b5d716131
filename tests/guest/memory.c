/* SPDX-License-Identifier: MIT */
/* The memory of a domain: all there, empty at first, nothing beyond. MMU off, as at birth. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_trap.h"

const char *const guest_topic = "memory";
const bool guest_mmu_off = true;

extern char __image_start[], __image_end[];

/* The device tree's whole region is left out: 2 MiB from where it begins. */
static bool is_free(uint64_t at)
{
	uint64_t fdt = (uintptr_t)machine.fdt & ~UINT64_C(0x1fffff);

	return (at < (uintptr_t)__image_start || at >= (uintptr_t)__image_end) &&
	       (at < fdt || at >= fdt + (2 << 20));
}

static void is_empty_at_first(void)
{
	for (uint64_t at = machine.ram_start; at < machine.ram_start + machine.ram_size; at += 8) {
		uint64_t value = *(const volatile uint64_t *)(uintptr_t)at;

		REQUIRE(!is_free(at) || value == 0, "%#lx holds %#lx", at, value);
	}
}

static void holds_what_is_written(void)
{
	uint64_t end = machine.ram_start + machine.ram_size;

	for (uint64_t at = machine.ram_start; at < end; at += 512) {
		if (is_free(at)) {
			*(volatile uint64_t *)(uintptr_t)at = at ^ UINT64_C(0x5a5a000000000000);
		}
	}
	for (uint64_t at = machine.ram_start; at < end; at += 512) {
		uint64_t value = *(const volatile uint64_t *)(uintptr_t)at;

		REQUIRE(!is_free(at) || value == (at ^ UINT64_C(0x5a5a000000000000)),
			"%#lx holds %#lx", at, value);
	}
}

static void ends_where_it_says(void)
{
	uint64_t end = machine.ram_start + machine.ram_size;
	uint64_t value;

	REQUIRE(!fault_read(8, machine.ram_start, &value).taken);
	REQUIRE(!fault_read(8, end - 8, &value).taken);
	REQUIRE(fault_read(8, end, &value).taken);
	REQUIRE(fault_read(8, machine.ram_start - 8, &value).taken);
}

static void hypervisor_memory_is_not_there(void)
{
	/* Where the machine has its own RAM and devices: the host's addresses mean nothing here. */
	static const uint64_t addresses[] = {0x08000000, 0x09000000, 0x0a000000, 0x4000000000,
					     0x7f0000000};
	uint64_t value;

	for (unsigned int i = 0; i < ARRAY_SIZE(addresses); i++) {
		EXPECT(fault_read(4, addresses[i], &value).taken, "%#lx can be read", addresses[i]);
	}
}

const struct guest_case guest_cases[] = {
	CASE(is_empty_at_first),
	CASE(holds_what_is_written),
	CASE(ends_where_it_says),
	CASE(hypervisor_memory_is_not_there),
	CASE_END,
};
