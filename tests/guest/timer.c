/* SPDX-License-Identifier: MIT */
/* The generic timer as a guest sees it: virtual in hardware, physical emulated (xen-abi-arm: "Timers"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_trap.h"
#include "arm64/sysreg_fields.h"

const char *const guest_topic = "timer";
const bool guest_mmu_off;

#define PPI_VIRTUAL  27
#define PPI_PHYSICAL 30

static uint32_t nr_virtual, nr_physical;
static uint64_t fired_at;

static void on_virtual(uint32_t intid)
{
	fired_at = counter_virtual();
	/* The line stays high until the condition goes: turn it off before the end of interrupt. */
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	WRITE_ONCE(nr_virtual, nr_virtual + 1);
}

static void on_physical(uint32_t intid)
{
	fired_at = counter_physical();
	sysreg_write(CNTP_CTL_EL0, 0);
	isb();
	WRITE_ONCE(nr_physical, nr_physical + 1);
}

static void start(uint32_t intid, irq_handler_t handler)
{
	nr_virtual = nr_physical = 0;
	gic_set_handler(intid, handler);
	gic_enable(intid);
	irq_enable();
}

static void finish(void)
{
	irq_disable();
	sysreg_write(CNTV_CTL_EL0, 0);
	sysreg_write(CNTP_CTL_EL0, 0);
	isb();
	gic_disable(PPI_VIRTUAL);
	gic_disable(PPI_PHYSICAL);
}

static void frequency(void)
{
	REQUIRE(counter_frequency() >= 1000000 && counter_frequency() <= 4000000000, "%lu",
		counter_frequency());
}

static void counters_run(void)
{
	uint64_t v = counter_virtual(), p = counter_physical();

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t v2 = counter_virtual(), p2 = counter_physical();

		REQUIRE(v2 >= v && p2 >= p, "virtual %lu after %lu, physical %lu after %lu", v2, v,
			p2, p);
		v = v2;
		p = p2;
	}
	REQUIRE(WAIT_UNTIL(counter_physical() > p + us_to_ticks(1000), 1000));
}

/*
 * Guest time begins with the domain, so the virtual counter is behind the physical one, by a constant: each
 * sample says between what, however long the machine pauses within one.
 */
static void offset_is_constant(void)
{
	uint64_t at_least = 0, at_most = UINT64_MAX;

	for (unsigned int i = 0; i < 200; i++) {
		uint64_t before = counter_physical();
		uint64_t v = counter_virtual();
		uint64_t after = counter_physical();

		REQUIRE(v <= after);
		if (before > v && before - v > at_least) {
			at_least = before - v;
		}
		if (after - v < at_most) {
			at_most = after - v;
		}
		REQUIRE(at_least <= at_most, "offset at least %lu, and at most %lu", at_least,
			at_most);
	}
	REQUIRE(at_least > 0, "virtual time does not start with the domain");
}

static void virtual_expiry(void)
{
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t due;

		start(PPI_VIRTUAL, on_virtual);
		due = counter_virtual() + us_to_ticks(500);
		sysreg_write(CNTV_CVAL_EL0, due);
		sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
		isb();
		REQUIRE(WAIT_UNTIL(READ_ONCE(nr_virtual) != 0, 2000), "no interrupt, round %u", i);
		irq_disable();
		REQUIRE(fired_at >= due, "%lu ticks early", due - fired_at);
		REQUIRE_EQUAL(nr_virtual, 1);
		finish();
	}
}

static void virtual_expiry_in_wfi(void)
{
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t due;

		nr_virtual = 0;
		gic_set_handler(PPI_VIRTUAL, on_virtual);
		gic_enable(PPI_VIRTUAL);
		due = counter_virtual() + us_to_ticks(2000);
		sysreg_write(CNTV_CVAL_EL0, due);
		sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
		isb();
		while (READ_ONCE(nr_virtual) == 0) {
			wfi();
			irq_enable();
			isb();
			irq_disable();
		}
		REQUIRE(fired_at >= due, "%lu ticks early", due - fired_at);
		finish();
	}
}

static void past_deadline_fires_at_once(void)
{
	start(PPI_VIRTUAL, on_virtual);
	sysreg_write(CNTV_CVAL_EL0, 0);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
	REQUIRE(WAIT_UNTIL(READ_ONCE(nr_virtual) == 1, 1000));
	finish();
}

static void masked_timer_stays_quiet(void)
{
	start(PPI_VIRTUAL, on_virtual);
	sysreg_write(CNTV_CVAL_EL0, 0);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE | CNT_CTL_IMASK);
	isb();
	delay_us(3000);
	REQUIRE_EQUAL(READ_ONCE(nr_virtual), 0);
	REQUIRE(sysreg_read(CNTV_CTL_EL0) & CNT_CTL_ISTATUS);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
	REQUIRE(WAIT_UNTIL(READ_ONCE(nr_virtual) == 1, 1000));
	finish();
}

/* A handler that leaves the timer on is called again: the line is level. */
static uint32_t refires;

static void on_refire(uint32_t intid)
{
	if (++refires == 5) {
		sysreg_write(CNTV_CTL_EL0, 0);
	} else {
		/* A new, past deadline. Xen masks the timer when it fires: the guest unmasks. */
		sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	}
	isb();
}

static void level_fires_again(void)
{
	refires = 0;
	start(PPI_VIRTUAL, on_refire);
	sysreg_write(CNTV_CVAL_EL0, 0);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
	REQUIRE(WAIT_UNTIL(READ_ONCE(refires) >= 5, 2000), "%u times", refires);
	finish();
	REQUIRE_EQUAL(refires, 5);
}

static uint64_t period, next;
static uint32_t ticks;

static void on_tick(uint32_t intid)
{
	ticks++;
	next += period;
	sysreg_write(CNTV_CVAL_EL0, next);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
}

/* A periodic tick, re-armed by absolute deadline: none is lost, whatever the load of the machine. */
static void periodic_ticks(void)
{
	ticks = 0;
	period = us_to_ticks(1000);
	start(PPI_VIRTUAL, on_tick);
	next = counter_virtual() + period;
	sysreg_write(CNTV_CVAL_EL0, next);
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
	REQUIRE(WAIT_UNTIL(READ_ONCE(ticks) >= 100, 10000), "%u ticks", ticks);
	finish();
}

static void physical_registers(void)
{
	uint64_t cval;

	sysreg_write(CNTP_CTL_EL0, 0);
	REQUIRE_EQUAL(sysreg_read(CNTP_CTL_EL0) & 3, 0);
	sysreg_write(CNTP_CVAL_EL0, UINT64_C(0x123456789abcdef0));
	REQUIRE_EQUAL(sysreg_read(CNTP_CVAL_EL0), UINT64_C(0x123456789abcdef0));
	sysreg_write(CNTP_TVAL_EL0, 1000000);
	cval = sysreg_read(CNTP_CVAL_EL0);
	REQUIRE(cval <= counter_physical() + 1000000 &&
		cval + us_to_ticks(1000000) >= counter_physical() + 1000000);
	/* TVAL is signed, 32 bits, and counts down. */
	sysreg_write(CNTP_CVAL_EL0, counter_physical() + us_to_ticks(100000));
	REQUIRE((int32_t)sysreg_read(CNTP_TVAL_EL0) <= (int64_t)us_to_ticks(100000));
	sysreg_write(CNTP_CVAL_EL0, 0);
	sysreg_write(CNTP_CTL_EL0, CNT_CTL_ENABLE | CNT_CTL_IMASK);
	REQUIRE_EQUAL(sysreg_read(CNTP_CTL_EL0), 7);
	sysreg_write(CNTP_CTL_EL0, 0);
}

static void physical_expiry(void)
{
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t due;

		start(PPI_PHYSICAL, on_physical);
		due = counter_physical() + us_to_ticks(500);
		sysreg_write(CNTP_CVAL_EL0, due);
		sysreg_write(CNTP_CTL_EL0, CNT_CTL_ENABLE);
		isb();
		REQUIRE(WAIT_UNTIL(READ_ONCE(nr_physical) != 0, 2000), "no interrupt, round %u", i);
		irq_disable();
		REQUIRE(fired_at >= due, "%lu ticks early", due - fired_at);
		finish();
	}
}

static void physical_expiry_in_wfi(void)
{
	uint64_t due;

	nr_physical = 0;
	gic_set_handler(PPI_PHYSICAL, on_physical);
	gic_enable(PPI_PHYSICAL);
	due = counter_physical() + us_to_ticks(3000);
	sysreg_write(CNTP_CVAL_EL0, due);
	sysreg_write(CNTP_CTL_EL0, CNT_CTL_ENABLE);
	while (READ_ONCE(nr_physical) == 0) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
	REQUIRE(fired_at >= due);
	finish();
}

static void both_timers(void)
{
	start(PPI_VIRTUAL, on_virtual);
	gic_set_handler(PPI_PHYSICAL, on_physical);
	gic_enable(PPI_PHYSICAL);
	sysreg_write(CNTP_TVAL_EL0, us_to_ticks(1000));
	sysreg_write(CNTP_CTL_EL0, CNT_CTL_ENABLE);
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(1000));
	sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
	isb();
	REQUIRE(WAIT_UNTIL(READ_ONCE(nr_virtual) == 1 && READ_ONCE(nr_physical) == 1, 2000),
		"%u virtual, %u physical", nr_virtual, nr_physical);
	finish();
}

/* The counter never runs backwards from one vCPU to the next: a token with the time goes to and fro. */
static struct {
	uint64_t turn;
	uint64_t time;
	uint64_t backwards;
} token;

#define TOKEN_TURNS 2000

static void take_turns(uint64_t me)
{
	for (uint64_t turn = me; turn < TOKEN_TURNS; turn += 2) {
		uint64_t now;

		while (__atomic_load_n(&token.turn, __ATOMIC_ACQUIRE) != turn) {
			relax();
		}
		now = counter_virtual();
		if (now < token.time) {
			token.backwards++;
		}
		token.time = now;
		__atomic_store_n(&token.turn, turn + 1, __ATOMIC_RELEASE);
	}
}

static void monotonic_between_cpus(void)
{
	token.turn = token.time = token.backwards = 0;
	REQUIRE(smp_start(1, take_turns, 1));
	take_turns(0);
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(token.backwards, 0);
}

static uint32_t secondary_fired;

static void on_secondary(uint32_t intid)
{
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	__atomic_fetch_add(&secondary_fired, 1, __ATOMIC_ACQ_REL);
}

static void wait_for_timer(uint64_t count)
{
	gic_enable(PPI_VIRTUAL);
	for (uint64_t i = 0; i < count; i++) {
		uint32_t before = READ_ONCE(secondary_fired);

		sysreg_write(CNTV_TVAL_EL0, us_to_ticks(500 + 100 * this_cpu()->idx));
		sysreg_write(CNTV_CTL_EL0, CNT_CTL_ENABLE);
		isb();
		while ((sysreg_read(CNTV_CTL_EL0) & CNT_CTL_ENABLE) != 0) {
			wfi();
			irq_enable();
			isb();
			irq_disable();
		}
		if (READ_ONCE(secondary_fired) == before) {
			test_fail(__FILE__, __LINE__, "",
				  " vCPU %u: the timer is off, and no interrupt came",
				  this_cpu()->idx);
		}
	}
}

/* Each vCPU has a timer of its own. */
static void every_cpu_has_its_own(void)
{
	secondary_fired = 0;
	gic_set_handler(PPI_VIRTUAL, on_secondary);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, wait_for_timer, 20));
	}
	wait_for_timer(20);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	REQUIRE_EQUAL(secondary_fired, 20 * machine.nr_cpus);
	finish();
}

const struct guest_case guest_cases[] = {
	CASE(frequency),
	CASE(counters_run),
	CASE(offset_is_constant),
	CASE(virtual_expiry),
	CASE(virtual_expiry_in_wfi),
	CASE(past_deadline_fires_at_once),
	CASE(masked_timer_stays_quiet),
	CASE(level_fires_again),
	CASE(periodic_ticks),
	CASE(physical_registers),
	CASE(physical_expiry),
	CASE(physical_expiry_in_wfi),
	CASE(both_timers),
	CASE(monotonic_between_cpus, .min_cpus = 2),
	CASE(every_cpu_has_its_own, .min_cpus = 2),
	CASE_END,
};
