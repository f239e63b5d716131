/* SPDX-License-Identifier: MIT */
/* Running the cases of a topic and reporting them: guest.h has the format. */
#include <stdarg.h>

#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_test.h"
#include "lib/format.h"

static bool failed;
static bool skipped;
static char reason[400];

void test_fail(const char *file, int line, const char *condition, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	char text[320];
	va_list args;

	if (failed) {
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "%s:%d: %s", name != NULL ? name + 1 : file, line,
		 text[0] == ' ' && text[1] == '\0' ? condition : text + (text[0] == ' '));
	WRITE_ONCE(failed, true);
}

bool test_equal(const char *file, int line, const char *what, uint64_t value, uint64_t wanted)
{
	if (value != wanted) {
		test_fail(file, line, what, "%s is %#lx, not %#lx", what, value, wanted);
	}
	return value == wanted;
}

bool test_failed(void)
{
	return READ_ONCE(failed);
}

const char *test_reason(void)
{
	return reason;
}

void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	skipped = true;
}

static const char *why_not(const struct guest_case *c)
{
	if (c->min_cpus > machine.nr_cpus) {
		return "needs more vCPUs";
	}
	if ((c->flags & TENON_ONLY) != 0 && !machine.tenon) {
		return "differs in Xen";
	}
	if ((c->flags & GICV2_ONLY) != 0 && machine.gic_version != 2) {
		return "GICv2 only";
	}
	if ((c->flags & GICV3_ONLY) != 0 && machine.gic_version != 3) {
		return "GICv3 only";
	}
	return NULL;
}

void guest_run_cases(void)
{
	unsigned int nr_passed = 0, nr_failed = 0;

	for (const struct guest_case *c = guest_cases; c->name != NULL; c++) {
		const char *no = why_not(c);
		uint64_t start = counter_virtual();

		if (no != NULL) {
			print("SKIP %s.%s: %s\n", guest_topic, c->name, no);
			continue;
		}
		failed = false;
		skipped = false;
		c->run();
		irq_disable();
		if (failed) {
			nr_failed++;
			print("FAIL %s.%s: %s\n", guest_topic, c->name, reason);
		} else if (skipped) {
			print("SKIP %s.%s: %s\n", guest_topic, c->name, reason);
		} else {
			nr_passed++;
			print("PASS %s.%s: %lu ms\n", guest_topic, c->name,
			      (counter_virtual() - start) / us_to_ticks(1000));
		}
	}
	print("DONE %s %u passed, %u failed\n", guest_topic, nr_passed, nr_failed);
}

void guest_power_off(void)
{
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;) {
		wfi();
	}
}
