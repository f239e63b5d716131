/* SPDX-License-Identifier: MIT */
/* The 32-bit test guest's console, exceptions and cases: a32.h. */
#include "a32.h"

#define UART         0x22000000u
#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF (1u << 5)

#define PSCI_OFF     0x84000008u

struct a32_found a32_found;
bool a32_on_tenon, a32_has_fwb;
static bool crashes;
uint32_t a32_resume;

static bool catching, failed;
static struct a32_fault fault;

void a32_main(void);
uint32_t a32_exception(uint32_t kind, uint32_t lr, uint32_t cpsr);

/* The compiler makes calls of these. */
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void __aeabi_memclr4(void *to, size_t size);
void __aeabi_memclr8(void *to, size_t size);
void __aeabi_memcpy4(void *to, const void *from, size_t size);
void __aeabi_memcpy8(void *to, const void *from, size_t size);

void *memset(void *to, int byte, size_t size)
{
	volatile uint8_t *at = to;

	while (size-- > 0) {
		*at++ = (uint8_t)byte;
	}
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	volatile uint8_t *at = to;
	const uint8_t *bytes = from;

	while (size-- > 0) {
		*at++ = *bytes++;
	}
	return to;
}

void __aeabi_memclr4(void *to, size_t size)
{
	memset(to, 0, size);
}

void __aeabi_memclr8(void *to, size_t size)
{
	memset(to, 0, size);
}

void __aeabi_memcpy4(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

void __aeabi_memcpy8(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

/* ---- console ---------------------------------------------------------------------------------------- */

static void put(const char *text)
{
	for (; *text != '\0'; text++) {
		while ((mmio_read(UART + UART_FR) & UART_FR_TXFF) != 0) {
		}
		mmio_write(UART + UART_DR, (uint8_t)*text);
	}
}

void a32_note(const char *text)
{
	put("INFO a32: ");
	put(text);
	put("\n");
}

static void put_hex(uint32_t value)
{
	char text[11] = "0x";

	for (unsigned int i = 0; i < 8; i++) {
		text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
	}
	put(text);
}

static void put_number(uint32_t value)
{
	char text[11];
	unsigned int at = sizeof(text) - 1;

	text[at] = '\0';
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	put(&text[at]);
}

/* ---- calls ------------------------------------------------------------------------------------------- */

int32_t hypercall(uint32_t number, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
	uint32_t r[13] = {a0, a1, a2, a3, a4, [12] = number};

	a32_call(r, CONDUIT_XEN);
	return (int32_t)r[0];
}

uint32_t smccc(unsigned int conduit, uint32_t function, uint32_t a1, uint32_t a2, uint32_t a3)
{
	uint32_t r[13] = {function, a1, a2, a3};

	a32_call(r, conduit);
	return r[0];
}

static void power_off(void)
{
	(void)smccc(CONDUIT_HVC, PSCI_OFF, 0, 0, 0);
	for (;;) {
	}
}

/* ---- exceptions --------------------------------------------------------------------------------------- */

void fault_catch(void)
{
	memset(&fault, 0, sizeof(fault));
	WRITE_ONCE(catching, true);
	a32_resume = 0;
}

struct a32_fault fault_caught(void)
{
	dsb();
	isb();
	WRITE_ONCE(catching, false);
	return fault;
}

uint32_t a32_exception(uint32_t kind, uint32_t lr, uint32_t cpsr)
{
	if (!catching) {
		put("FAIL a32: unexpected exception ");
		put_number(kind);
		put(" LR ");
		put_hex(lr);
		put(" DFSR ");
		put_hex(CP_READ(15, 0, 5, 0, 0));
		put(" DFAR ");
		put_hex(CP_READ(15, 0, 6, 0, 0));
		put("\n");
		power_off();
	}
	fault = (struct a32_fault){
		.kind = kind,
		.lr = lr,
		.cpsr = cpsr,
		.dfsr = CP_READ(15, 0, 5, 0, 0),
		.dfar = CP_READ(15, 0, 6, 0, 0),
		.ifsr = CP_READ(15, 0, 5, 0, 1),
		.ifar = CP_READ(15, 0, 6, 0, 2),
	};
	if (a32_resume != 0) {
		return a32_resume;
	}
	/* All of A32: the instruction after the one that faulted. */
	return kind == FAULT_DATA ? lr - 4 : lr;
}

/* ---- cases -------------------------------------------------------------------------------------------- */

bool a32_equal(const char *file, int line, const char *what, uint32_t value, uint32_t wanted)
{
	if (value == wanted) {
		return true;
	}
	if (!failed) {
		const char *name = file;

		for (const char *at = file; *at != '\0'; at++) {
			name = *at == '/' ? at + 1 : name;
		}
		failed = true;
		put("INFO ");
		put(name);
		put(":");
		put_number((uint32_t)line);
		put(": ");
		put(what);
		put(" is ");
		put_hex(value);
		put(", not ");
		put_hex(wanted);
		put("\n");
	}
	return false;
}

static unsigned int nr_passed, nr_failed;

static void run(const struct a32_case *cases, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		const char *verdict = "PASS a32.";

		failed = false;
		if (cases[i].tenon_only && !a32_on_tenon) {
			verdict = "SKIP a32.";
		} else {
			cases[i].run();
			nr_passed += !failed;
			nr_failed += failed;
			verdict = failed ? "FAIL a32." : verdict;
		}
		put(verdict);
		put(cases[i].name);
		put("\n");
	}
}

static bool is_at(const char *at, const char *text)
{
	while (*text != '\0' && *at == *text) {
		at++;
		text++;
	}
	return *text == '\0';
}

/* The command line, wherever in the tree it is: it begins with "number=". */
static void read_arguments(void)
{
	const char *tree = (const char *)(uintptr_t)a32_found.r2;
	uint32_t size = __builtin_bswap32(*(const uint32_t *)(const void *)(tree + 4));

	for (const char *at = tree; at < tree + size; at++) {
		if (!is_at(at, "number=")) {
			continue;
		}
		for (; *at != '\0'; at++) {
			a32_on_tenon = a32_on_tenon || is_at(at, " tenon");
			a32_has_fwb = a32_has_fwb || is_at(at, " fwb");
			crashes = crashes || is_at(at, " halves");
		}
		return;
	}
}

void a32_main(void)
{
	read_arguments();
	put("RUN  a32: tree at ");
	put_hex(a32_found.r2);
	put("\n");
	if (crashes) {
		a32_upper_halves();
		put("FAIL a32: a list with upper halves is taken\n");
		power_off();
	}
	run(a32_cpu_cases, a32_nr_cpu_cases);
	run(a32_call_cases, a32_nr_call_cases);
	run(a32_memory_cases, a32_nr_memory_cases);
	put("DONE a32 ");
	put_number(nr_passed);
	put(" passed, ");
	put_number(nr_failed);
	put(" failed\n");
	power_off();
}
