/* SPDX-License-Identifier: MIT */
/* The ends that a domain can come to by sched_op (public/sched.h), one for each argument. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "sched_end";
const bool guest_mmu_off;

static const struct {
	const char *argument;
	unsigned int reason;
} reasons[] = {
	{"poweroff", SHUTDOWN_poweroff},
	{"reboot", SHUTDOWN_reboot},
	{"suspend", SHUTDOWN_suspend},
	{"crash", SHUTDOWN_crash},
	{"softreset", SHUTDOWN_soft_reset},
	/* The reason is a byte. */
	{"strange", 0x7755},
};

static int64_t end_with(unsigned int command, unsigned int reason)
{
	struct sched_shutdown shutdown = {.reason = reason};

	return hypercall2(__HYPERVISOR_sched_op, command, &shutdown);
}

static void spin(uint64_t argument)
{
	for (;;) {
		relax();
	}
}

static void comes_to_its_end(void)
{
	struct sched_watchdog watchdog = {.id = 0, .timeout = 1};

	for (unsigned int i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (guest_has_argument(reasons[i].argument)) {
			end_with(SCHEDOP_shutdown, reasons[i].reason);
			REQUIRE(false, "it goes on after its shutdown");
		}
	}
	if (guest_has_argument("code")) {
		/* The code of a shutdown to come, the first of several; that one has another reason, and stops all vCPUs. */
		REQUIRE(smp_start(1, spin, 0));
		REQUIRE_EQUAL(end_with(SCHEDOP_shutdown_code, SHUTDOWN_crash), 0);
		REQUIRE_EQUAL(end_with(SCHEDOP_shutdown_code, SHUTDOWN_reboot), 0);
		end_with(SCHEDOP_shutdown, SHUTDOWN_poweroff);
		REQUIRE(false, "it goes on after its shutdown");
	}
	REQUIRE(guest_has_argument("watchdog"), "no argument");
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog), 1);
	delay_us(20000000);
	REQUIRE(false, "the watchdog of one second does not bite");
}

const struct guest_case guest_cases[] = {
	CASE(comes_to_its_end),
	CASE_END,
};
