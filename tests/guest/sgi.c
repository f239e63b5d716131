/* SPDX-License-Identifier: MIT */
/* Software-generated interrupts between vCPUs, which may be on different CPUs. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"

const char *const guest_topic = "sgi";
const bool guest_mmu_off;

/* [vCPU][SGI]: how often taken; and from whom, on GICv2. */
static uint32_t taken[GUEST_MAX_CPUS][16];
static uint32_t source[GUEST_MAX_CPUS];
static uint32_t ready, leave;

static void count(uint32_t sgi)
{
	unsigned int cpu = this_cpu()->idx;

	source[cpu] = gic_last_source[cpu];
	WRITE_ONCE(taken[cpu][sgi], taken[cpu][sgi] + 1);
	dsb_ish();
}

static void reset(void)
{
	memset(taken, 0, sizeof(taken));
	ready = leave = 0;
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		gic_set_handler(sgi, count);
	}
}

static void serve(uint64_t asleep)
{
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(leave) == 0) {
		if (asleep) {
			wfi();
		}
		irq_enable();
		isb();
		relax();
		irq_disable();
	}
}

static bool start_others(bool asleep)
{
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		if (!smp_start(i, serve, asleep)) {
			return false;
		}
	}
	return WAIT_UNTIL(READ_ONCE(ready) == machine.nr_cpus - 1, 5000);
}

static bool stop_others(void)
{
	bool good = true;

	WRITE_ONCE(leave, 1);
	gic_send_sgi_others(15);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		good = smp_wait_off(i) && good;
	}
	return good;
}

static void to_self(void)
{
	reset();
	irq_enable();
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		gic_send_sgi_self(sgi);
		REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][sgi]) == 1, 1000), "SGI %u", sgi);
	}
	gic_send_sgi(0, 3);
	REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][3]) == 2, 1000));
}

/* Pending while masked, and taken in one go, each once. */
static void sixteen_at_once(void)
{
	reset();
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		gic_send_sgi_self(sgi);
	}
	delay_us(200);
	irq_enable();
	isb();
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][sgi]) != 0, 1000), "SGI %u", sgi);
	}
	irq_disable();
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		REQUIRE(taken[0][sgi] == 1, "SGI %u taken %u times", sgi, taken[0][sgi]);
	}
}

/* The same SGI twice before it is taken is one interrupt. */
static void twice_is_once(void)
{
	reset();
	gic_send_sgi_self(5);
	gic_send_sgi_self(5);
	irq_enable();
	isb();
	delay_us(500);
	irq_disable();
	REQUIRE_EQUAL(taken[0][5], 1);
}

static void to_each_other_cpu(void)
{
	reset();
	REQUIRE(start_others(false));
	for (unsigned int round = 1; round <= 20; round++) {
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			gic_send_sgi(i, i);
			REQUIRE(WAIT_UNTIL(READ_ONCE(taken[i][i]) == round, 3000),
				"vCPU %u, round %u", i, round);
			if (machine.gic_version == 2) {
				EXPECT_EQUAL(source[i], 0);
			}
		}
	}
	REQUIRE(stop_others());
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		for (uint32_t sgi = 0; sgi < 15; sgi++) {
			REQUIRE(taken[i][sgi] == (sgi == i ? 20 : 0), "SGI %u on vCPU %u: %u times",
				sgi, i, taken[i][sgi]);
		}
	}
}

static void to_sleeping_cpus(void)
{
	reset();
	REQUIRE(start_others(true));
	for (unsigned int round = 1; round <= 20; round++) {
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			gic_send_sgi(i, 7);
			REQUIRE(WAIT_UNTIL(READ_ONCE(taken[i][7]) == round, 3000),
				"vCPU %u, round %u", i, round);
		}
	}
	REQUIRE(stop_others());
}

static void to_all_others(void)
{
	reset();
	REQUIRE(start_others(true));
	irq_enable();
	for (unsigned int round = 1; round <= 20; round++) {
		gic_send_sgi_others(9);
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			REQUIRE(WAIT_UNTIL(READ_ONCE(taken[i][9]) == round, 3000),
				"vCPU %u, round %u", i, round);
		}
	}
	irq_disable();
	REQUIRE_EQUAL(taken[0][9], 0);
	REQUIRE(stop_others());
}

/* Two vCPUs wake each other in turn, both asleep in between: one lost wakeup and it stands still. */
#define PING_PONGS 500
static uint32_t ball;

static void on_ball(uint32_t sgi)
{
	WRITE_ONCE(ball, ball + 1);
	dsb_ish();
}

static void play(uint64_t me)
{
	if (me == 1) {
		WRITE_ONCE(ready, 1);
	}
	for (uint32_t turn = (uint32_t)me; turn < PING_PONGS; turn += 2) {
		while (READ_ONCE(ball) != turn) {
			wfi();
			irq_enable();
			isb();
			irq_disable();
		}
		gic_send_sgi(me == 0 ? 1 : 0, 4);
	}
}

static void ping_pong_asleep(void)
{
	reset();
	ball = 0;
	gic_set_handler(4, on_ball);
	REQUIRE(smp_start(1, play, 1));
	REQUIRE(WAIT_UNTIL(READ_ONCE(ready) == 1, 3000));
	play(0);
	REQUIRE(smp_wait_off(1));
	/* The last one is still pending here. */
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(ball) == PING_PONGS, 1000), "%u of %u", ball, PING_PONGS);
}

/* All send to all, as fast as they can: nobody gets stuck, everybody hears at last. */
static uint32_t storm_done;

static void storm(uint64_t rounds)
{
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(ready) != machine.nr_cpus) {
		relax();
	}
	irq_enable();
	for (uint64_t i = 0; i < rounds; i++) {
		gic_send_sgi_others((uint32_t)(i % 8));
		gic_send_sgi((unsigned int)(i % machine.nr_cpus), 8);
	}
	/* What was sent last arrives while this vCPU still listens. */
	__atomic_fetch_add(&storm_done, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(storm_done) != machine.nr_cpus) {
		relax();
	}
	delay_us(1000);
	irq_disable();
}

static void everybody_to_everybody(void)
{
	reset();
	storm_done = 0;
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, storm, 60));
	}
	storm(60);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		for (uint32_t sgi = 0; sgi < 8; sgi++) {
			REQUIRE(taken[i][sgi] != 0, "vCPU %u heard no SGI %u", i, sgi);
		}
	}
}

const struct guest_case guest_cases[] = {
	CASE(to_self),
	CASE(sixteen_at_once),
	CASE(twice_is_once),
	CASE(to_each_other_cpu, .min_cpus = 2),
	CASE(to_sleeping_cpus, .min_cpus = 2),
	CASE(to_all_others, .min_cpus = 2),
	CASE(ping_pong_asleep, .min_cpus = 2),
	CASE(everybody_to_everybody, .min_cpus = 2),
	CASE_END,
};
