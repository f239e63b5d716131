/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: what an operation costs in instructions, the guest's and the hypervisor's together.
 *
 * With QEMU's -icount shift=0 an instruction is one nanosecond of virtual time, so the virtual counter counts them;
 * tools/bench.sh runs it so, on Debian's Xen and on Tenon. Printed: the least of ten batches' means, less an empty loop.
 *
 *     BENCH off hypercall.version 104.0       (MMU off or on, operation, instructions)
 *
 * The argument peer=0 or peer=1 makes it another domain, with its MMU off or on, that answers events for ever; "alone"
 * leaves out what needs those.
 */
#include "bench.h"

#include "guest_gic.h"
#include "guest_mmu.h"

#define NR_BATCHES 10

_Static_assert(offsetof(struct bench_context, gicc) == 0 &&
		       offsetof(struct bench_context, sgi) == 8 &&
		       offsetof(struct bench_context, gicd_sgir) == 16 &&
		       offsetof(struct bench_context, info) == 24 &&
		       offsetof(struct bench_context, pending) == 32 &&
		       offsetof(struct bench_context, send) == 40,
	       "CONTEXT_* in bench_loops.S");

/* The loop that C and assembly both use: two instructions. */
static uint64_t empty(uint64_t nr, const struct bench_context *context)
{
	while (nr-- != 0) {
		__asm__ volatile("" ::: "memory");
	}
	return 0;
}

/* The least ticks of a batch; the sum of what the loop returned in *returned. */
static uint64_t least_ticks(bench_loop_t loop, uint64_t nr, const struct bench_context *context,
			    uint64_t *returned)
{
	uint64_t least = UINT64_MAX;

	*returned = 0;
	for (unsigned int i = 0; i < NR_BATCHES; i++) {
		uint64_t start = counter_virtual(), ticks;

		bench_mark(BENCH_MARK_BEGIN);
		*returned += bench_with_vectors(loop, nr, context);
		bench_mark(BENCH_MARK_END);
		ticks = counter_virtual() - start;
		least = MIN(least, ticks);
	}
	bench_mark(BENCH_MARK_DONE);
	return least;
}

void bench_measure(const char *name, bench_loop_t loop, uint64_t nr,
		   const struct bench_context *context, bool interrupts)
{
	static uint64_t empty_ticks_of_1000;
	uint64_t returned, ticks, tenths;

	if (empty_ticks_of_1000 == 0) {
		empty_ticks_of_1000 = least_ticks(empty, 1000, context, &returned);
		print("BENCH %s loop 0\n", mmu_is_on() ? "on" : "off");
	}
	/* Once unmeasured: windows, caches of all kinds. */
	(void)bench_with_vectors(loop, 10, context);
	ticks = least_ticks(loop, nr, context, &returned) - empty_ticks_of_1000 * nr / 1000;
	tenths = ticks * 10 * (1000000000 / counter_frequency()) / nr;
	if (interrupts && returned != NR_BATCHES * nr) {
		test_fail(__FILE__, __LINE__, name, "%s: %lu interrupts came, not %lu", name,
			  returned, NR_BATCHES * nr);
	}
	print("BENCH %s %s %lu.%lu\n", mmu_is_on() ? "on" : "off", name, tenths / 10, tenths % 10);
}

/*
 * Memory that nobody owns is scrubbed in idle time, by both hypervisors: let that be over. A quarter of a second of
 * virtual time is 250 million instructions.
 */
static void settle(void)
{
	uint64_t end = counter_virtual() + us_to_ticks(250000);

	gic_enable(27);
	sysreg_write(CNTV_CVAL_EL0, end);
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
	while (counter_virtual() < end) {
		wfi(); /* PSTATE.I is set: it is woken, and takes nothing */
	}
	sysreg_write(CNTV_CTL_EL0, 0);
	/* What it left in a list register goes there. */
	irq_enable();
	isb();
	irq_disable();
}

static void all(void)
{
	settle();
	bench_calls();
	bench_events();
	bench_grants();
}

static void mmu_off(void)
{
	if (guest_has_argument("peer")) {
		bench_event_peer(guest_argument("peer", 0) != 0);
		return;
	}
	REQUIRE(bench_event_ports());
	all();
}

static void mmu_on(void)
{
	if (!guest_has_argument("peer")) {
		mmu_enable();
		all();
	}
}

const char *const guest_topic = "bench";
const bool guest_mmu_off = true;
const struct guest_case guest_cases[] = {
	CASE(mmu_off),
	CASE(mmu_on),
	CASE_END,
};
