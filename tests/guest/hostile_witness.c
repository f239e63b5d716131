/* SPDX-License-Identifier: MIT */
/*
 * A domain beside the hostile one: it computes the same sum over its memory again and again, which must always come out
 * the same, and looks at its clock and its timer. It begins at a character on its console and runs for "seconds=N".
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"

const char *const guest_topic = "hostile_witness";
const bool guest_mmu_off;

#define UART_FR  0x18
#define FR_RXFE  0x10
#define NR_WORDS (256 * 1024 / 8)
#define TICK_US  10000

static uint64_t memory[NR_WORDS];

static void fill(void)
{
	uint64_t value = 1;

	for (unsigned int i = 0; i < NR_WORDS; i++) {
		value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		memory[i] = value;
	}
}

static uint64_t sum(void)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < NR_WORDS; i++) {
		total = (total << 1 | total >> 63) ^ READ_ONCE(memory[i]);
	}
	return total;
}

static void sums_stay_right(void)
{
	uint64_t seconds = guest_argument("seconds", 60);
	uint64_t end, right, nr_sums = 0;
	uint32_t nr_ticks;

	fill();
	right = sum();
	print("READY\n");
	ticks_start(TICK_US);
	while ((mmio_get32(machine.uart + UART_FR) & FR_RXFE) != 0) {
		wfi();
	}
	ticks_start(TICK_US);
	end = counter_virtual() + us_to_ticks(seconds * 1000000);
	while (counter_virtual() < end) {
		uint64_t value = sum();

		REQUIRE(value == right, "sum %lu is %#lx, not %#lx", nr_sums, value, right);
		nr_sums++;
	}
	nr_ticks = ticks_stop();
	REQUIRE(nr_ticks > seconds, "%u ticks", nr_ticks);
	print("INFO %lu sums, %u ticks\n", nr_sums, nr_ticks);
}

const struct guest_case guest_cases[] = {
	CASE(sums_stay_right),
	CASE_END,
};
