/* SPDX-License-Identifier: MIT */
/* The recording fake of arm64/: fake_machine.h says what it does and how to use it. */
#include "tests/unit/fake_machine.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/at.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/cpu_work.h"
#include "arm64/percpu.h"
#include "arm64/tlb.h"
#include "lib/assert.h"
#include "lib/string.h"

#define LINE_BYTES 96
#define LOG_LIMIT  (1u << 20)
#define NR_SYSREGS 256
#define NR_WATCHED 4096
#define NR_DEVICES 16

struct sysreg {
	const char *name;
	uint64_t value[FAKE_MACHINE_MAX_CPUS];
	uint64_t (*read)(void *context);
	void (*write)(uint64_t value, void *context);
	void *context;
};

struct device {
	uintptr_t base;
	size_t size;
	struct fake_machine_device ops;
};

/*
 * The log may be written by several threads, each playing a CPU. Recursive: a hook may use
 * barriers.
 */
static pthread_mutex_t log_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char (*log_lines)[LINE_BYTES];
static size_t log_count;
static size_t log_capacity;
static void (*log_hook)(const char *line, void *context);
static void *log_hook_context;

static const volatile uint64_t *watched[NR_WATCHED];
static uint64_t watched_value[NR_WATCHED];
static size_t nr_watched;

static struct sysreg sysregs[NR_SYSREGS];
static size_t nr_sysregs;
static struct device devices[NR_DEVICES];
static size_t nr_devices;
static void (*smc_handler)(uint64_t function, const uint64_t args[3], uint64_t result[4]);
static uint64_t (*at_handler)(const char *operation, uint64_t gva);
static uint64_t interrupt_polls;
static void (*poll_hook)(void);
static char panic_text[512];

__thread unsigned int fake_machine_cpu;
void (*fake_machine_other_cpu)(void);
unsigned int nr_cpus = 4;
DEFINE_PER_CPU(unsigned int, cpu_id);
DEFINE_PER_CPU(uint64_t, cpu_stack_top);
DEFINE_PER_CPU(union cpu_work, cpu_work);
struct cpu_features cpu_features;

static const struct cpu_features default_features = {
	.ctr_el0 = UINT64_C(0x84448004), /* 64-byte lines, no IDC, no DIC */
	.dcache_line_bytes = 64,
	.icache_line_bytes = 64,
	.pa_bits = 44,
	.vmid_bits = 8,
	.aarch32_el1 = true,
};

__attribute__((constructor)) void fake_machine_reset(void)
{
	log_count = 0;
	log_hook = NULL;
	nr_watched = 0;
	memset(sysregs, 0, sizeof(sysregs));
	nr_sysregs = 0;
	nr_devices = 0;
	smc_handler = NULL;
	at_handler = NULL;
	interrupt_polls = UINT64_MAX;
	poll_hook = NULL;
	panic_text[0] = '\0';
	fake_machine_cpu = 0;
	fake_machine_other_cpu = NULL;
	nr_cpus = 4;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		per_cpu(cpu_id, cpu) = cpu;
	}
	cpu_features = default_features;
}

/* ---- the log -------------------------------------------------------------------------------- */

static void append_line(const char *line)
{
	if (log_hook != NULL) {
		void (*hook)(const char *, void *) = log_hook;

		log_hook = NULL; /* what the hook does is recorded, but does not call it again */
		hook(line, log_hook_context);
		log_hook = hook;
	}
	if (log_count == log_capacity) {
		log_capacity = log_capacity == 0 ? 1024 : log_capacity * 2;
		log_lines = realloc(log_lines, log_capacity * sizeof(log_lines[0]));
		if (log_lines == NULL) {
			abort();
		}
	}
	if (log_count < LOG_LIMIT) {
		snprintf(log_lines[log_count++], LINE_BYTES, "%s", line);
	}
}

static void note_stores(void)
{
	for (size_t i = 0; i < nr_watched; i++) {
		uint64_t value = *watched[i];
		char line[LINE_BYTES];

		if (value != watched_value[i]) {
			watched_value[i] = value;
			snprintf(line, sizeof(line), "store %s 0x%zx=0x%llx",
				 (value & 1) != 0 ? "valid" : "invalid", i,
				 (unsigned long long)value);
			append_line(line);
		}
	}
}

void fake_machine_note(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pthread_mutex_lock(&log_mutex);
	note_stores();
	append_line(line);
	pthread_mutex_unlock(&log_mutex);
}

void fake_machine_log_clear(void)
{
	note_stores();
	log_count = 0;
}

size_t fake_machine_log_count(void)
{
	note_stores();
	return log_count;
}

const char *fake_machine_log_line(size_t idx)
{
	note_stores();
	return idx < log_count ? log_lines[idx] : "";
}

void fake_machine_log_print(void)
{
	note_stores();
	for (size_t i = 0; i < log_count; i++) {
		print_message("  %4zu  %s\n", i, log_lines[i]);
	}
	if (log_count == LOG_LIMIT) {
		print_message("  the log is full, later events are missing\n");
	}
}

void fake_machine_watch(const volatile uint64_t *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (nr_watched == NR_WATCHED) {
			fail_msg("fake_machine_watch: more than %d words", NR_WATCHED);
		}
		watched[nr_watched] = &words[i];
		watched_value[nr_watched++] = words[i];
	}
}

void fake_machine_set_hook(void (*hook)(const char *line, void *context), void *context)
{
	log_hook = hook;
	log_hook_context = context;
}

static bool matches(const char *line, const char *pattern)
{
	size_t length = strlen(pattern);

	return strncmp(line, pattern, length) == 0 &&
	       strchr(" =", line[length]) != NULL; /* or the '\0' */
}

size_t fake_machine_count(const char *pattern)
{
	size_t count = 0;

	note_stores();
	for (size_t i = 0; i < log_count; i++) {
		count += matches(log_lines[i], pattern) ? 1 : 0;
	}
	return count;
}

void fake_machine_expect_(const char *const *patterns, bool exactly, const char *file, int line)
{
	const char *const *next = patterns;
	size_t i;

	note_stores();
	for (i = 0; i < log_count && *next != NULL; i++) {
		if (matches(log_lines[i], *next)) {
			next++;
		} else if (exactly) {
			break;
		}
	}
	if (*next == NULL && (!exactly || i == log_count)) {
		return;
	}
	if (*next != NULL) {
		print_error("event %zu, '%s', did not happen%s; the log:\n",
			    (size_t)(next - patterns), *next,
			    exactly ? " there" : " after the ones before it");
	} else {
		print_error("unexpected event %zu; the log:\n", i);
	}
	fake_machine_log_print();
	_fail(file, line);
}

void fake_machine_expect_none_(const char *pattern, const char *file, int line)
{
	if (fake_machine_count(pattern) != 0) {
		print_error("'%s' happened; the log:\n", pattern);
		fake_machine_log_print();
		_fail(file, line);
	}
}

/* ---- barriers, TLB, caches ------------------------------------------------------------------ */

void fake_machine_barrier(const char *name)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* for tests with threads */
	fake_machine_note("%s", name);
}

void tlb_invalidate_el2_va_local(uint64_t va_page)
{
	dsb_nsh();
	fake_machine_note("tlbi vae2 0x%llx", (unsigned long long)va_page);
	dsb_nsh();
	isb();
}

void tlb_invalidate_el2_va_is(uint64_t va_page)
{
	dsb_ish();
	fake_machine_note("tlbi vae2is 0x%llx", (unsigned long long)va_page);
	dsb_ish();
	isb();
}

void tlb_invalidate_el2_all_local(void)
{
	dsb_nsh();
	fake_machine_note("tlbi alle2");
	dsb_nsh();
	isb();
}

void tlb_invalidate_el2_all_is(void)
{
	dsb_ish();
	fake_machine_note("tlbi alle2is");
	dsb_ish();
	isb();
}

void tlb_invalidate_ipa_is(uint64_t ipa)
{
	dsb_ish();
	fake_machine_note("tlbi ipas2e1is 0x%llx", (unsigned long long)ipa);
	dsb_ish();
	fake_machine_note("tlbi vmalle1is");
	dsb_ish();
}

void tlb_invalidate_vmid_is(void)
{
	dsb_ish();
	fake_machine_note("tlbi vmalls12e1is");
	dsb_ish();
}

void tlb_invalidate_vmid_local(void)
{
	dsb_nsh();
	fake_machine_note("tlbi vmalle1");
	dsb_nsh();
}

void tlb_invalidate_all_el1_is(void)
{
	dsb_ish();
	fake_machine_note("tlbi alle1is");
	dsb_ish();
}

static void note_range(const char *what, const void *va, size_t size)
{
	fake_machine_note("%s 0x%llx 0x%zx", what, (unsigned long long)(uintptr_t)va, size);
}

void dcache_clean_invalidate_to_poc(const void *va, size_t size)
{
	note_range("dc civac", va, size);
}

void dcache_clean_to_poc(const void *va, size_t size)
{
	note_range("dc cvac", va, size);
}

void dcache_invalidate_to_poc(const void *va, size_t size)
{
	note_range("dc ivac", va, size);
}

void icache_invalidate_all_is(void)
{
	fake_machine_note("ic ialluis");
}

void page_zero(void *va, size_t size)
{
	memset(va, 0, size);
	note_range("dc zva", va, size);
}

void memory_scrub(void *va, size_t size)
{
	dcache_clean_invalidate_to_poc(va, size);
	dsb_sy();
	page_zero(va, size);
}

/* ---- registers, CPUs ------------------------------------------------------------------------ */

static struct sysreg *find_sysreg(const char *name)
{
	for (size_t i = 0; i < nr_sysregs; i++) {
		if (strcmp(sysregs[i].name, name) == 0) {
			return &sysregs[i];
		}
	}
	if (nr_sysregs == NR_SYSREGS) {
		fail_msg("fake_machine: more than %d registers", NR_SYSREGS);
	}
	sysregs[nr_sysregs].name = name;
	return &sysregs[nr_sysregs++];
}

void fake_machine_sysreg_set(const char *name, uint64_t value)
{
	struct sysreg *reg = find_sysreg(name);

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		reg->value[cpu] = value;
	}
}

uint64_t fake_machine_sysreg_get(const char *name)
{
	return find_sysreg(name)->value[fake_machine_cpu];
}

void fake_machine_sysreg_handle(const char *name, uint64_t (*read)(void *context),
				void (*write)(uint64_t value, void *context), void *context)
{
	struct sysreg *reg = find_sysreg(name);

	reg->read = read;
	reg->write = write;
	reg->context = context;
}

uint64_t fake_machine_sysreg_read(const char *name)
{
	struct sysreg *reg = find_sysreg(name);
	uint64_t value = reg->read != NULL ? reg->read(reg->context) : reg->value[fake_machine_cpu];

	fake_machine_note("mrs %s=0x%llx", name, (unsigned long long)value);
	return value;
}

void fake_machine_sysreg_write(const char *name, uint64_t value)
{
	struct sysreg *reg = find_sysreg(name);

	fake_machine_note("msr %s=0x%llx", name, (unsigned long long)value);
	reg->value[fake_machine_cpu] = value;
	if (reg->write != NULL) {
		reg->write(value, reg->context);
	}
}

void fake_machine_set_cpu(unsigned int cpu)
{
	assert_true(cpu < MAX_CPUS);
	fake_machine_cpu = cpu;
}

void fake_machine_set_other_cpu(void (*go)(void))
{
	fake_machine_other_cpu = go;
}

void fake_machine_interrupt_after(uint64_t nr_polls)
{
	interrupt_polls = nr_polls;
}

void fake_machine_set_poll_hook(void (*hook)(void))
{
	poll_hook = hook;
}

bool cpu_interrupt_pending(void)
{
	if (poll_hook != NULL) {
		poll_hook();
	}
	if (interrupt_polls == 0) {
		return true;
	}
	if (interrupt_polls != UINT64_MAX) {
		interrupt_polls--;
	}
	return false;
}

void fake_machine_smc_handle(void (*handler)(uint64_t function, const uint64_t args[3],
					     uint64_t result[4]))
{
	smc_handler = handler;
}

struct smccc_result arm64_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct smccc_result result = {{UINT64_MAX}};
	const uint64_t args[3] = {a1, a2, a3};

	fake_machine_note("smc 0x%llx", (unsigned long long)function);
	if (smc_handler != NULL) {
		smc_handler(function, args, result.x);
	}
	return result;
}

void fake_machine_at_handle(uint64_t (*handler)(const char *operation, uint64_t gva))
{
	at_handler = handler;
}

static uint64_t translate(const char *operation, uint64_t gva)
{
	fake_machine_note("at %s 0x%llx", operation, (unsigned long long)gva);
	return at_handler != NULL ? at_handler(operation, gva) : 1;
}

uint64_t at_s12e1r(uint64_t gva)
{
	return translate("s12e1r", gva);
}

uint64_t at_s12e1w(uint64_t gva)
{
	return translate("s12e1w", gva);
}

uint64_t at_s1e1r(uint64_t gva)
{
	return translate("s1e1r", gva);
}

void cpu_wfi(void)
{
	fake_machine_note("wfi");
}

/* Not recorded: the number of turns in a wait loop is nobody's business. */
void cpu_wfe(void)
{
	sched_yield();
}

void cpu_sev(void)
{
	fake_machine_note("sev");
}

void cpu_relax(void)
{
	sched_yield();
}

/* Ends in cmocka's mock_assert(): expect_assert_failure() catches it, else the test fails. */
void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(panic_text, sizeof(panic_text), format, args);
	va_end(args);
	mock_assert(0, panic_text, __FILE__, __LINE__);
	abort();
}

const char *fake_machine_panic_text(void)
{
	return panic_text;
}

/* ---- MMIO ----------------------------------------------------------------------------------- */

void fake_machine_mmio(const volatile void *base, size_t size,
		       const struct fake_machine_device *device)
{
	assert_true(nr_devices < NR_DEVICES);
	devices[nr_devices++] = (struct device){(uintptr_t)base, size, *device};
}

static const struct device *find_device(const volatile void *at)
{
	for (size_t i = 0; i < nr_devices; i++) {
		if ((uintptr_t)at - devices[i].base < devices[i].size) {
			return &devices[i];
		}
	}
	return NULL;
}

uint64_t fake_machine_mmio_read(const volatile void *at, unsigned int size)
{
	const struct device *device = find_device(at);
	uint64_t where = (uintptr_t)at - (device != NULL ? device->base : 0);
	uint64_t value = 0;

	if (where % size != 0) {
		fail_msg("MMIO read of %u bytes at 0x%llx is not aligned", size,
			 (unsigned long long)where);
	}
	if (device == NULL) {
		memcpy(&value, (const void *)(uintptr_t)at, size);
	} else if (device->ops.read != NULL) {
		value = device->ops.read(where, size, device->ops.context);
	}
	fake_machine_note("ldr%u 0x%llx=0x%llx", size * 8, (unsigned long long)where,
			  (unsigned long long)value);
	return value;
}

void fake_machine_mmio_write(volatile void *at, unsigned int size, uint64_t value)
{
	const struct device *device = find_device(at);
	uint64_t where = (uintptr_t)at - (device != NULL ? device->base : 0);

	if (where % size != 0) {
		fail_msg("MMIO write of %u bytes at 0x%llx is not aligned", size,
			 (unsigned long long)where);
	}
	fake_machine_note("str%u 0x%llx=0x%llx", size * 8, (unsigned long long)where,
			  (unsigned long long)value);
	if (device == NULL) {
		memcpy((void *)(uintptr_t)at, &value, size);
	} else if (device->ops.write != NULL) {
		device->ops.write(where, size, value, device->ops.context);
	}
}

/* glibc has it from 2.38 on; the product's own is in lib/string.c, tested under another name. */
__attribute__((weak)) size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0) {
		size_t nr = length < size ? length : size - 1;

		memcpy(to, from, nr);
		to[nr] = '\0';
	}
	return length;
}
