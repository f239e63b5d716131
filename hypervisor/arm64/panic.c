/* SPDX-License-Identifier: MIT */
/*
 * The end: a broken invariant of Tenon, or an exception at EL2. Prints what is known, stops all CPUs.
 * Takes no lock; everything is printed by the polled console path.
 */
#include <stdarg.h>

#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/esr.h"
#include "arm64/panic.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "lib/assert.h"
#include "lib/format.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/symbol.h"

/* As bug_common of vectors.S lays it out; x16 to x18 are lost. */
struct panic_frame {
	uint64_t sp;
	uint64_t vector;
	uint64_t x[31];
	uint64_t pad;
};
_Static_assert(sizeof(struct panic_frame) == 272, "vectors.S: bug_common");

extern char image_start[], text_end[], init_text_end[];
void panic_exception(const struct panic_frame *frame);

static void (*panic_stop_others)(void);
static uint32_t panicking;

void panic_set_stop(void (*stop_others)(void))
{
	panic_stop_others = stop_others;
}

static bool is_code(uint64_t va)
{
	return va >= (uintptr_t)image_start && va < (uintptr_t)init_text_end;
}

static void print_address(const char *what, uint64_t va)
{
	uint64_t offset = 0;
	const char *name = is_code(va) ? symbol_lookup(va, &offset) : NULL;

	if (name) {
		log_error("  %s %016lx  %s+0x%lx", what, va, name, offset);
	} else {
		log_error("  %s %016lx", what, va);
	}
}

DECLARE_PER_CPU(uint64_t, cpu_stack_top);

/*
 * Frame records are {previous, return address}; a chain must go up the stack, whose top is the end. The outermost one has
 * the x29 of the guest that was left, which can be anything.
 */
static void print_backtrace(uint64_t fp)
{
	const uint64_t last = this_cpu(cpu_stack_top) - 16;

	for (unsigned int depth = 0; depth < 24; depth++) {
		const uint64_t *record = (const uint64_t *)(uintptr_t)fp;

		if (fp == 0 || (fp & 15) != 0 || fp > last) {
			return;
		}
		if (!is_code(record[1] - 4)) {
			return;
		}
		print_address("from", record[1] - 4);
		if (record[0] <= fp) {
			return;
		}
		fp = record[0];
	}
}

static __noreturn void stop(void)
{
	for (;;) {
		cpu_wfi();
	}
}

/* One CPU reports; others that panic meanwhile just stop. */
static void begin(void)
{
	lock_bust();
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL) != 0) {
		stop();
	}
	if (panic_stop_others) {
		panic_stop_others();
	}
}

void panic(const char *format, ...)
{
	char text[200];
	va_list args;

	begin();
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("PANIC on CPU %u: %s", this_cpu_id(), text);
	print_backtrace((uint64_t)(uintptr_t)__builtin_frame_address(0));
	log_error(
		"All CPUs are stopped. This is a bug of Tenon: please report it with the lines above.");
	stop();
}

void panic_exception(const struct panic_frame *frame)
{
	static const char *const vector_name[] = {
		"synchronous exception (SP_EL0)", "IRQ (SP_EL0)", "FIQ (SP_EL0)", "SError (SP_EL0)",
		"synchronous exception",          "IRQ",          "FIQ",          "SError",
	};
	uint64_t esr = sysreg_read(ESR_EL2);

	begin();
	log_error("PANIC on CPU %u: %s at EL2, ESR %08lx (class 0x%02x), FAR %016lx", this_cpu_id(),
		  vector_name[frame->vector & 7], esr, ESR_EC(esr), (uint64_t)sysreg_read(FAR_EL2));
	print_address("pc  ", sysreg_read(ELR_EL2));
	print_address("lr  ", frame->x[30]);
	log_error("  sp   %016lx  spsr %08lx  hcr %016lx", frame->sp,
		  (uint64_t)sysreg_read(SPSR_EL2), (uint64_t)sysreg_read(HCR_EL2));
	for (unsigned int n = 0; n < 16; n += 4) {
		log_error("  x%-2u %016lx %016lx %016lx %016lx", n, frame->x[n], frame->x[n + 1],
			  frame->x[n + 2], frame->x[n + 3]);
	}
	for (unsigned int n = 19; n < 29; n += 4) {
		log_error("  x%-2u %016lx %016lx %016lx %016lx", n, frame->x[n], frame->x[n + 1],
			  frame->x[n + 2], n + 3 < 31 ? frame->x[n + 3] : 0);
	}
	print_backtrace(frame->x[29]);
	log_error(
		"All CPUs are stopped. This is a bug of Tenon: please report it with the lines above.");
	stop();
}

void panic_stop_this_cpu(void)
{
	stop();
}
