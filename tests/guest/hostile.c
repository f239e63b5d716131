/* SPDX-License-Identifier: MIT */
/*
 * The hostile guest: hostile.h. It runs until somebody stops it; tests/system/hostile_tests.py has what must be true of
 * the others meanwhile.
 *
 *     seed=N   of both vCPUs' streams
 *     idle     do nothing at all, for ever
 *
 * It waits for a character on its console before it begins.
 */
#include "hostile.h"

#include "differential.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_trap.h"

const char *const guest_topic = "hostile";
const bool guest_mmu_off;

#define UART_FR   0x18
#define UART_IMSC 0x38
#define FR_RXFE   0x10

/* The second page is for what is written beyond the end of the first. */
static uint8_t scratch[GUEST_MAX_CPUS][2 * 4096] __aligned(4096);
static uint64_t nr_attacks[GUEST_MAX_CPUS];

uint64_t hostile_draw(struct hostile_random *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint8_t *hostile_scratch(void)
{
	return scratch[this_cpu()->idx];
}

/* ---- hypercalls ----------------------------------------------------------------------------------- */

/*
 * The last sensible call of vCPU 0, for vCPU 1 to do the same at the same time, while its arguments change. Written
 * whole before it is offered; one that could become another call by that is not offered.
 */
static struct {
	uint64_t number, args[5];
} offered[2];
static uint32_t offered_idx;

static bool may_change(const struct diff_call *c)
{
	return c->number != __HYPERVISOR_multicall && c->number != __HYPERVISOR_sched_op;
}

/* vCPU 1 writes where this one puts arguments: a watchdog might get a time-out that ends this domain. */
static bool is_watchdog(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_sched_op && (uint32_t)c->args[0] == SCHEDOP_watchdog;
}

static bool may_end_us(const struct diff_call *c)
{
	bool may = is_watchdog(c);

	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		may = may || is_watchdog(&diff_inner[i]);
	}
	return may;
}

static void sensible_hypercall(uint64_t n)
{
	struct diff_call c;
	uint32_t idx = 1 - READ_ONCE(offered_idx);

	diff_random_start(guest_argument("seed", 1), n >> 20, n);
	diff_make_call(&c);
	if (may_end_us(&c)) {
		return;
	}
	if (may_change(&c)) {
		offered[idx].number = c.number;
		memcpy(offered[idx].args, c.args, sizeof(c.args));
		dmb_ish();
		WRITE_ONCE(offered_idx, idx);
	}
	/* It may block. */
	hostile_expect_interrupt();
	hypercall(c.number, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4]);
	hostile_forget_interrupt();
}

static void offered_hypercall(void)
{
	uint32_t idx = READ_ONCE(offered_idx);

	dmb_ish();
	hypercall(offered[idx].number, offered[idx].args[0], offered[idx].args[1],
		  offered[idx].args[2], offered[idx].args[3], offered[idx].args[4]);
}

/* Numbers without sense. Not sched_op and multicall, which could stop this domain, and memory_op, which could take its code. */
static void senseless_hypercall(struct hostile_random *r)
{
	uint64_t number = hostile_below(r, 8) == 0 ? hostile_draw(r) : hostile_below(r, 48);
	uint64_t args[5];

	if (number == __HYPERVISOR_sched_op || number == __HYPERVISOR_multicall ||
	    number == __HYPERVISOR_memory_op || number == __HYPERVISOR_console_io) {
		number = __HYPERVISOR_grant_table_op;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(args); i++) {
		args[i] = hostile_below(r, 2) == 0 ? hostile_below(r, 64) : hostile_draw(r);
		if (hostile_below(r, 2) == 0) {
			args[i] = (uintptr_t)hostile_scratch() + hostile_below(r, 4096);
		}
	}
	/* A list of grant operations takes back the status of each: no more than there is room for, or it reaches the stack. */
	if (number == __HYPERVISOR_grant_table_op && (int32_t)args[2] > 64) {
		args[2] = 64;
	}
	hypercall(number, args[0], args[1], args[2], args[3], args[4]);
}

/* ---- the stream ----------------------------------------------------------------------------------- */

/* Memory for arguments, all bits of it. */
static void stir(struct hostile_random *r)
{
	uint64_t *words = (uint64_t *)(uintptr_t)hostile_scratch();

	for (unsigned int i = 0; i < 8; i++) {
		words[hostile_below(r, 512)] = hostile_draw(r) >> hostile_below(r, 64);
	}
}

static void attack(struct hostile_random *r, uint64_t n)
{
	fault_catch();
	stir(r);
	switch (hostile_below(r, 10)) {
	case 0:
	case 1:
		senseless_hypercall(r);
		break;
	case 2:
	case 3:
		if (this_cpu()->idx == 0) {
			sensible_hypercall(n);
		} else {
			offered_hypercall();
		}
		break;
	case 4:
		hostile_random_register(r);
		break;
	case 5:
		hostile_random_call(r);
		break;
	case 6:
		hostile_random_device(r);
		break;
	case 7:
		hostile_random_memory(r);
		break;
	case 8:
		hostile_random_interrupt(r);
		break;
	default:
		if (hostile_below(r, 8) == 0) {
			hostile_random_wait(r);
		}
		break;
	}
	irq_disable();
	fault_caught();
}

/* Timers and the UART, whatever they have been told: quiet again. But whoever waits may wait once more. */
static void on_interrupt(uint32_t intid)
{
	sysreg_write(CNTP_CTL_EL0, 0);
	if (intid == 27 && READ_ONCE(hostile_waits[this_cpu()->idx])) {
		sysreg_write(CNTV_TVAL_EL0, us_to_ticks(200));
	} else {
		sysreg_write(CNTV_CTL_EL0, 0);
	}
	isb();
	WRITE_ONCE(xen_vcpu_info(this_cpu()->idx)->evtchn_upcall_pending, 0);
	if (intid >= 32) {
		mmio_set32(machine.uart + UART_IMSC, 0);
	}
}

static void run(uint64_t cpu)
{
	struct hostile_random r = {guest_argument("seed", 1) * 2 + cpu};

	for (uint64_t n = 0;; n++) {
		attack(&r, n);
		WRITE_ONCE(nr_attacks[cpu], n);
		/* Now and then a word, so that one sees that it lives. */
		if (cpu == 0 && n % 500 == 499) {
			print("INFO %lu and %lu attacks\n", n + 1, READ_ONCE(nr_attacks[1]));
		}
	}
}

static void attacks(void)
{
	uint64_t seed = guest_argument("seed", 1);

	REQUIRE(diff_state_init());
	for (uint32_t intid = 0; intid < 64; intid++) {
		gic_set_handler(intid, on_interrupt);
	}
	print("INFO seed %lu\nREADY\n", seed);
	while (guest_has_argument("idle") || (mmio_get32(machine.uart + UART_FR) & FR_RXFE) != 0) {
		hostile_expect_interrupt();
		sysreg_write(CNTV_TVAL_EL0, us_to_ticks(10000));
		wfi();
		hostile_forget_interrupt();
	}
	print("INFO begins\n");
	REQUIRE(smp_start(1, run, 1));
	run(0);
}

const struct guest_case guest_cases[] = {
	CASE(attacks, .min_cpus = 2),
	CASE_END,
};
