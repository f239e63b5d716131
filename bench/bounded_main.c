/* SPDX-License-Identifier: MIT */
/* What a section is, and which sections a domain has: "number=1" an ordinary one, "vcpus", "dom0", "target" and "victim". */
#include "bounded.h"

#include "guest_gic.h"

#define PPI_VIRTUAL_TIMER 27
/* Virtual time with -icount: so many thousand instructions. Less than the limit, and no divisor of anything's length. */
#define PERIOD_US         9

const char *const guest_topic = "bounded";
const bool guest_mmu_off;

static uint64_t period;
static bool ticking;

static void start_tick(void)
{
	sysreg_write(CNTV_CVAL_EL0, counter_virtual() + period);
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

static void on_tick(uint32_t intid)
{
	if (ticking) {
		start_tick();
	} else {
		sysreg_write(CNTV_CTL_EL0, 0);
		isb();
	}
}

void bounded_set_period(uint64_t us)
{
	period = us_to_ticks(us);
}

void bounded_sleep(uint64_t us)
{
	ticking = false;
	sysreg_write(CNTV_CVAL_EL0, counter_virtual() + us_to_ticks(us));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
	irq_enable();
	wfi();
	irq_disable();
}

void bounded_begin(void)
{
	ticking = true;
	start_tick();
	irq_enable();
	bench_mark(BENCH_MARK_BEGIN);
}

void bounded_end(const char *name, int64_t result, bool interrupted, const char *what)
{
	bench_mark(BENCH_MARK_END);
	ticking = false;
	irq_disable();
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	bench_mark(BENCH_MARK_DONE);
	print("BOUNDED %s %ld %s: %s\n", name, result, interrupted ? "interrupted" : "short", what);
}

void *bounded_room(size_t size)
{
	static uint64_t next;
	void *room;

	if (next == 0) {
		next = machine.ram_start + 10 * MIB;
	}
	room = (void *)(uintptr_t)next;
	next += ALIGN_UP(size, PAGE_SIZE);
	memset(room, 0, size);
	return room;
}

static void all(void)
{
	bounded_gfns = bounded_room(BOUNDED_MAX_BATCH * sizeof(bounded_gfns[0]));
	bounded_idxs = bounded_room(BOUNDED_MAX_BATCH * sizeof(bounded_idxs[0]));
	bounded_errs = bounded_room(BOUNDED_MAX_BATCH * sizeof(bounded_errs[0]));
	bounded_set_period(PERIOD_US);
	gic_set_handler(PPI_VIRTUAL_TIMER, on_tick);
	gic_enable(PPI_VIRTUAL_TIMER);
	if (guest_has_argument("victim")) {
		bounded_victim();
	} else if (guest_has_argument("target")) {
		bounded_target();
	} else if (guest_has_argument("vcpus")) {
		bounded_vcpus();
	} else if (guest_has_argument("dom0")) {
		bounded_dom0();
	} else {
		bounded_physmap();
		bounded_memory();
		bounded_grants();
		bounded_events();
		bounded_calls();
		bounded_traps();
		bounded_caches("");
		bounded_destruction("domain.destroy", 2,
				    "with 224 MiB and as much as it may have of everything");
		bounded_idle();
		bounded_memory_without_tables();
	}
}

const struct guest_case guest_cases[] = {
	CASE(all),
	CASE_END,
};
