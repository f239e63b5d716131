/* SPDX-License-Identifier: MIT */
/* Software-generated interrupts between vCPUs, which may be on different CPUs. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_trap.h"
#include "guest_xen.h"

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

/* ---- more than there are list registers ---------------------------------------------------------------- */

#define CROWD_ROUNDS 30
#define BATCH        4 /* list registers of the machines that the tests run on */

/*
 * Acknowledge and end them, and leave the CPU in the next instruction: that exit may be faster than the maintenance
 * interrupt by which the hypervisor learns that all are done. (QEMU takes one between any two of these instructions.)
 */
#define TAKE_V2(n)   "ldr %w" n ", [%4]\n\tstr %w" n ", [%5]\n\t"
#define TAKE_V3(n)   "mrs %" n ", S3_0_C12_C12_0\n\tmsr S3_0_C12_C12_1, %" n "\n\t"
#define YIELD        "mov x0, %6\n\tmov x1, #0\n\tmov x16, %7\n\thvc #0xea1"
#define SLEEP        "wfi"
#define TAKE_AND(take, leave)                                                           \
	__asm__ volatile(take("0") take("1") take("2") take("3") leave                  \
			 : "=&r"(ack[0]), "=&r"(ack[1]), "=&r"(ack[2]), "=&r"(ack[3])   \
			 : "r"(machine.gicc + GICC_IAR), "r"(machine.gicc + GICC_EOIR), \
			   "i"(SCHEDOP_yield), "i"(__HYPERVISOR_sched_op)               \
			 : "x0", "x1", "x16", "memory")

static void take_batch_and_leave(bool asleep)
{
	uint64_t ack[BATCH];

	if (machine.gic_version == 2 && asleep) {
		TAKE_AND(TAKE_V2, SLEEP);
	} else if (machine.gic_version == 2) {
		TAKE_AND(TAKE_V2, YIELD);
	} else if (asleep) {
		TAKE_AND(TAKE_V3, SLEEP);
	} else {
		TAKE_AND(TAKE_V3, YIELD);
	}
	for (unsigned int i = 0; i < BATCH; i++) {
		if ((ack[i] & 0x3ff) < 16) {
			count(ack[i] & 0x3ff);
		}
	}
}

static bool all_taken(unsigned int cpu, uint32_t times)
{
	for (uint32_t sgi = 0; sgi < 16; sgi++) {
		if (READ_ONCE(taken[cpu][sgi]) != times) {
			return false;
		}
	}
	return true;
}

static uint32_t crowd_rounds[GUEST_MAX_CPUS];

static void crowd(uint64_t rounds)
{
	unsigned int cpu = this_cpu()->idx;

	/* From here to the end everybody has something to do, so that to yield is to be switched out. */
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(ready) < machine.nr_cpus) {
		relax();
	}
	for (uint32_t round = 1; round <= rounds; round++) {
		for (uint32_t sgi = 0; sgi < 16; sgi++) {
			gic_send_sgi_self(sgi);
		}
		take_batch_and_leave(round % 3 == 0);
		irq_enable();
		isb();
		if (!WAIT_UNTIL(all_taken(cpu, round), 3000)) {
			break;
		}
		irq_disable();
		crowd_rounds[cpu] = round;
	}
	irq_disable();
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(ready) < 2 * machine.nr_cpus) {
		relax();
	}
}

/* The guest ends all that it can see, and is switched out at once: the others are delivered all the same. */
static void sixteen_at_once_by_turns(void)
{
	reset();
	memset(crowd_rounds, 0, sizeof(crowd_rounds));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, crowd, CROWD_ROUNDS));
	}
	crowd(CROWD_ROUNDS);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		EXPECT(crowd_rounds[i] == CROWD_ROUNDS, "vCPU %u: something is missing in round %u",
		       i, crowd_rounds[i] + 1);
	}
}

/* ---- GICv2 keeps the same SGI of different CPUs apart ------------------------------------------------- */

#define SGI_SHARED 5

static uint32_t from[GUEST_MAX_CPUS]; /* how often taken from each */

static void count_source(uint32_t sgi)
{
	from[gic_last_source[this_cpu()->idx]]++;
	WRITE_ONCE(taken[this_cpu()->idx][sgi], taken[this_cpu()->idx][sgi] + 1);
}

static void send_once(uint64_t sgi)
{
	gic_send_sgi(0, (uint32_t)sgi);
}

static uint32_t pending_sources(uint32_t sgi)
{
	return mmio_get32(machine.gicd + GICD_SPENDSGIR + sgi / 4 * 4) >> sgi % 4 * 8 & 0xff;
}

static void set_sources(uint32_t offset, uint32_t sgi, uint32_t sources)
{
	mmio_set32(machine.gicd + offset + sgi / 4 * 4, sources << sgi % 4 * 8);
}

static void each_source_is_an_interrupt(void)
{
	reset();
	memset(from, 0, sizeof(from));
	gic_set_handler(SGI_SHARED, count_source);
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		if (i == 0) {
			gic_send_sgi_self(SGI_SHARED);
			gic_send_sgi_self(SGI_SHARED);
		} else {
			REQUIRE(smp_start(i, send_once, SGI_SHARED));
			REQUIRE(smp_wait_off(i));
		}
	}
	/* Xen's registers of pending SGIs read zero, and it takes those of all CPUs for one. */
	EXPECT_EQUAL(pending_sources(SGI_SHARED), (1u << machine.nr_cpus) - 1);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_ISPENDR) >> SGI_SHARED & 1, 1);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][SGI_SHARED]) >= machine.nr_cpus, 1000), "%u taken",
		taken[0][SGI_SHARED]);
	delay_us(200);
	irq_disable();
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		EXPECT(from[i] == 1, "%u from CPU %u", from[i], i);
	}
	EXPECT_EQUAL(pending_sources(SGI_SHARED), 0);
}

/* GICD_SPENDSGIR and GICD_CPENDSGIR: a source at a time; GICD_ISPENDR and GICD_ICPENDR do nothing to SGIs. */
static void sources_can_be_set_and_cleared(void)
{
	uint64_t value;

	reset();
	memset(from, 0, sizeof(from));
	for (uint32_t sgi = 4; sgi < 8; sgi++) {
		gic_set_handler(sgi, count_source);
	}
	set_sources(GICD_SPENDSGIR, 6, 0x5);
	EXPECT_EQUAL(pending_sources(6), 0x5);
	EXPECT_EQUAL(pending_sources(5), 0);
	EXPECT_EQUAL(pending_sources(7), 0);
	set_sources(GICD_CPENDSGIR, 6, 0x1);
	EXPECT_EQUAL(pending_sources(6), 0x4);
	mmio_set32(machine.gicd + GICD_ICPENDR, 1u << 6);
	EXPECT_EQUAL(pending_sources(6), 0x4);
	mmio_set32(machine.gicd + GICD_ISPENDR, 1u << 7);
	EXPECT_EQUAL(pending_sources(7), 0);
	/* By byte. Sources that are no CPUs cannot be. */
	EXPECT(!fault_write(1, machine.gicd + GICD_SPENDSGIR + 6, 0xf2).taken);
	EXPECT_EQUAL(pending_sources(6), 0x6 | (0xf0 & ((1u << machine.nr_cpus) - 1)));
	EXPECT(!fault_read(1, machine.gicd + GICD_CPENDSGIR + 6, &value).taken);
	EXPECT_EQUAL(value & 0xf, 0x6);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][6]) >= 2, 1000), "%u taken", taken[0][6]);
	delay_us(200);
	irq_disable();
	EXPECT(from[1] == 1 && from[2] == 1 && from[0] + from[3] == 0, "%u %u %u %u", from[0],
	       from[1], from[2], from[3]);
	EXPECT_EQUAL(taken[0][7], 0);
}

/* In its handler: active, not pending; the same source again is pending next to it, and comes after it. */
static uint32_t sources_inside, taken_inside;

static void send_again(uint32_t sgi)
{
	uint32_t number = taken[0][sgi] + 1;

	from[gic_last_source[0]]++;
	if (number == 1) {
		gic_send_sgi_self(sgi);
		delay_us(100);
		sources_inside = pending_sources(sgi);
		taken_inside = taken[0][sgi];
	}
	WRITE_ONCE(taken[0][sgi], number);
}

static void source_in_service_can_come_again(void)
{
	reset();
	memset(from, 0, sizeof(from));
	gic_set_handler(SGI_SHARED, send_again);
	gic_send_sgi_self(SGI_SHARED);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(taken[0][SGI_SHARED]) >= 2, 1000));
	delay_us(200);
	irq_disable();
	EXPECT_EQUAL(taken[0][SGI_SHARED], 2);
	EXPECT_EQUAL(sources_inside, 1);
	EXPECT_EQUAL(from[0], 2);
}

/* Everybody sends the same SGI to one at the same time, again and again, and waits for its own to be taken. */
#define STORM_ROUNDS 50
static uint32_t answered[GUEST_MAX_CPUS];

static void answer(uint32_t sgi)
{
	__atomic_fetch_add(&answered[gic_last_source[0]], 1, __ATOMIC_ACQ_REL);
}

static void send_and_wait(uint64_t rounds)
{
	unsigned int me = this_cpu()->idx;

	for (uint32_t round = 1; round <= rounds; round++) {
		gic_send_sgi(0, SGI_SHARED);
		while (__atomic_load_n(&answered[me], __ATOMIC_ACQUIRE) < round) {
			relax();
		}
	}
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
}

static void no_source_is_lost(void)
{
	reset();
	memset(answered, 0, sizeof(answered));
	gic_set_handler(SGI_SHARED, answer);
	irq_enable();
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, send_and_wait, STORM_ROUNDS));
	}
	REQUIRE(WAIT_UNTIL(READ_ONCE(ready) == machine.nr_cpus - 1, 10000), "answered %u %u %u",
		answered[1], answered[2], answered[3]);
	irq_disable();
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i));
		EXPECT_EQUAL(answered[i], STORM_ROUNDS);
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
	CASE(sixteen_at_once_by_turns, .min_cpus = 2),
	CASE(each_source_is_an_interrupt, .min_cpus = 2, .flags = GICV2_ONLY | TENON_ONLY),
	CASE(sources_can_be_set_and_cleared, .min_cpus = 3, .flags = GICV2_ONLY | TENON_ONLY),
	CASE(source_in_service_can_come_again, .flags = GICV2_ONLY | TENON_ONLY),
	CASE(no_source_is_lost, .min_cpus = 4, .flags = GICV2_ONLY | TENON_ONLY),
	CASE_END,
};
