/* SPDX-License-Identifier: MIT */
/*
 * The recording fake of arm64/ for host unit tests: "fake the instructions, not the data" (style
 * guide).
 *
 * Product sources are compiled unchanged with -Itests/unit/fake in front, so that the headers of
 * tests/unit/fake/arm64/ shadow those that touch the machine. Every barrier, TLBI, DC, IC, register
 * and MMIO access becomes a line of text in one log, in program order; tests assert on the order.
 *
 *	static int set_up(void **state) { fake_machine_reset(); return 0; }
 *
 *	fake_machine_watch(&table[3], 1); // a descriptor: stores to it enter the log
 *	stage2_map(...);
 *	fake_machine_expect("store invalid", "dsb ish", "tlbi ipas2e1is", "dsb ish", "store valid");
 *	fake_machine_expect_none("dc civac");
 *
 *	fake_machine_sysreg_set("ICH_VTR_EL2", 3); // preset what sysreg_read(ICH_VTR_EL2) gives
 *	assert_int_equal(fake_machine_sysreg_get("HCR_EL2"), ...);
 *	fake_machine_set_cpu(2); // this_cpu() now means CPU 2
 *	fake_machine_set_other_cpu(turn_cold); // what another CPU does before an atomic operation
 *	fake_machine_interrupt_after(3); // cpu_interrupt_pending(): false 3 times, then true
 *	expect_assert_failure(spin_unlock(&lock)); // cmocka's: panic() and ASSERT() end up there
 *
 * A test links tests/unit/fake_machine.o and the product objects it tests. Functions of other
 * folders it fakes itself. fake_machine.o supplies: panic(), cpu_features, nr_cpus (4), cpu_id, the
 * functions of at.h, cache.h, tlb.h and cpu.h, and strlcpy() where the C library has none.
 *
 * The lines:
 *	isb | dsb ish | dmb ishst | ...
 *	tlbi vae2 0x<va> | ...                  as listed in tests/unit/fake/arm64/tlb.h
 *	dc civac 0x<va> 0x<size> | dc cvac ... | dc ivac ... | dc zva ... | ic ialluis
 *	msr NAME=0x<value> | mrs NAME=0x<value>
 *	str32 0x<where>=0x<value> | ldr32 ...   MMIO; an offset if it has a device, else an address
 *	store valid 0x<index>=0x<value>         a watched word; "invalid" when bit 0 is clear
 *	at s12e1r 0x<gva> | wfi | sev | smc 0x<function>
 *                                               and whatever fake_machine_note() adds
 * A pattern matches a line that begins with it, at a word's end: "msr HCR_EL2", "dsb",
 * "store valid 0x3".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_MACHINE_MAX_CPUS 128

/* Everything as at program start: log, registers, watches, devices, CPU 0 of 4, no interrupt. */
void fake_machine_reset(void);

/* ---- the log -------------------------------------------------------------------------------- */

void fake_machine_log_clear(void);
/* A line of the test's own, e.g. from its fake of another folder. */
__attribute__((format(printf, 1, 2))) void fake_machine_note(const char *format, ...);
size_t fake_machine_log_count(void);
const char *fake_machine_log_line(size_t idx);
/* How many lines match. */
size_t fake_machine_count(const char *pattern);
/* For looking at a failure. */
void fake_machine_log_print(void);

/*
 * Watch words (at most 4096 in all): a value that changed since the last event becomes a "store"
 * line in front of the next one, which is how a test sees that an entry was invalid at the TLBI.
 * Two stores to a word between two events are seen as one. index counts watched words in the order
 * they were given.
 */
void fake_machine_watch(const volatile uint64_t *words, size_t nr);
/* Called before each line is added; the test may look at memory and assert. NULL removes it. */
void fake_machine_set_hook(void (*hook)(const char *line, void *context), void *context);

/*
 * The lines occur in this order, with anything in between; fails the test and prints the log
 * otherwise.
 */
#define fake_machine_expect(...) \
	fake_machine_expect_((const char *const[]){__VA_ARGS__, NULL}, false, __FILE__, __LINE__)
/* These lines and no others. */
#define fake_machine_expect_exactly(...) \
	fake_machine_expect_((const char *const[]){__VA_ARGS__, NULL}, true, __FILE__, __LINE__)
#define fake_machine_expect_none(pattern) fake_machine_expect_none_(pattern, __FILE__, __LINE__)

/* ---- registers, CPUs ------------------------------------------------------------------------ */

/* On every fake CPU; a register that nobody set reads 0. */
void fake_machine_sysreg_set(const char *name, uint64_t value);
/* On the current one. */
uint64_t fake_machine_sysreg_get(const char *name);
/* A register with behaviour (ICC_IAR1_EL1): read and write may be NULL. */
void fake_machine_sysreg_handle(const char *name, uint64_t (*read)(void *context),
				void (*write)(uint64_t value, void *context), void *context);

/* The CPU that the calling thread plays. */
void fake_machine_set_cpu(unsigned int cpu);
extern __thread unsigned int fake_machine_cpu;

/*
 * Races without threads: called before each atomic operation (tests/unit/fake/arm64/atomic.h), where it may do what another
 * CPU does just then. It is not called from within itself. What that CPU would have to wait for, it cannot do here: look at
 * the lock first. NULL removes it.
 */
void fake_machine_set_other_cpu(void (*go)(void));
extern void (*fake_machine_other_cpu)(void);
static inline void fake_machine_other_cpu_may_go(void)
{
	void (*go)(void) = fake_machine_other_cpu;

	if (__builtin_expect(go != NULL, 0)) {
		fake_machine_other_cpu = NULL;
		go();
		fake_machine_other_cpu = go;
	}
}

/* cpu_interrupt_pending() answers false nr_polls times, then true. UINT64_MAX: never. */
void fake_machine_interrupt_after(uint64_t nr_polls);
/* Called in each such poll: what other CPUs do meanwhile. NULL: nothing. */
void fake_machine_set_poll_hook(void (*hook)(void));
/* arm64_smc(): result is x0..x3. Without a handler x0 is -1, "not supported". */
void fake_machine_smc_handle(void (*handler)(uint64_t function, const uint64_t args[3],
					     uint64_t result[4]));
/*
 * at_s12e1r() and its kin: operation is "s12e1r" ..., the result PAR_EL1. Without a handler: a
 * fault.
 */
void fake_machine_at_handle(uint64_t (*handler)(const char *operation, uint64_t gva));
/* The text of the last panic(); "" when there was none. */
const char *fake_machine_panic_text(void);

/* ---- MMIO ----------------------------------------------------------------------------------- */

struct fake_machine_device {
	uint64_t (*read)(uint64_t offset, unsigned int size, void *context);
	void (*write)(uint64_t offset, unsigned int size, uint64_t value, void *context);
	void *context;
};

/*
 * Accesses to [base, base + size) go to the device and are logged by offset. base need not be
 * mapped.
 */
void fake_machine_mmio(const volatile void *base, size_t size,
		       const struct fake_machine_device *device);

/* ---- for the headers of tests/unit/fake/arm64/ ---------------------------------------------- */

void fake_machine_barrier(const char *name);
uint64_t fake_machine_sysreg_read(const char *name);
void fake_machine_sysreg_write(const char *name, uint64_t value);
uint64_t fake_machine_mmio_read(const volatile void *at, unsigned int size);
void fake_machine_mmio_write(volatile void *at, unsigned int size, uint64_t value);
void fake_machine_expect_(const char *const *patterns, bool exactly, const char *file, int line);
void fake_machine_expect_none_(const char *pattern, const char *file, int line);
