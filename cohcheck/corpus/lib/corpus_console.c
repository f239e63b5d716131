/* SPDX-License-Identifier: MIT */
/* The last words of a guest, by the PL011 of QEMU's virt machine, and the end of the machine. */
#include "corpus/lib/corpus.h"

#define UART_DATA       UINT64_C(0x09000000)
#define PSCI_SYSTEM_OFF UINT32_C(0x84000008)

void corpus_unexpected(void);

static void say(const char *text)
{
	for (; *text != '\0'; text++) {
		store32(UART_DATA, (uint8_t)*text);
	}
}

static void say_hex(uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4) {
		store32(UART_DATA, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
	}
}

/*
 * QEMU emulates PSCI by SMC where the machine has an EL2, by HVC where not, not at all where EL3 belongs to
 * the guest.
 */
static _Noreturn void power_off(void)
{
	register uint64_t x0 __asm__("x0") = PSCI_SYSTEM_OFF;

	if (current_el() == 3) { /* semihosting's SYS_EXIT: ADP_Stopped_ApplicationExit, status 0 */
		static const uint64_t block[2] = {0x20026, 0};
		register uint64_t x1 __asm__("x1") = (uint64_t)block;

		x0 = 0x18;
		__asm__ volatile("hlt #0xf000" : : "r"(x0), "r"(x1) : "memory");
	} else if (sysreg_read(id_aa64pfr0_el1) >> 8 & 15) {
		__asm__ volatile("smc #0" : : "r"(x0) : "memory");
	} else {
		__asm__ volatile("hvc #0" : : "r"(x0) : "memory");
	}
	for (;;) {
	}
}

void corpus_pass(void)
{
	say("PASS\n");
	power_off();
}

void corpus_fail(unsigned int line)
{
	say("FAIL line ");
	say_hex(line);
	say("\n");
	power_off();
}

/* An exception that no guest expects, at any EL. */
void corpus_unexpected(void)
{
	unsigned int el = current_el();

	say("FAIL exception: ESR, ELR, FAR ");
	say_hex(el == 3   ? sysreg_read(esr_el3)
		: el == 2 ? sysreg_read(esr_el2)
			  : sysreg_read(esr_el1));
	say(" ");
	say_hex(el == 3   ? sysreg_read(elr_el3)
		: el == 2 ? sysreg_read(elr_el2)
			  : sysreg_read(elr_el1));
	say(" ");
	say_hex(el == 3   ? sysreg_read(far_el3)
		: el == 2 ? sysreg_read(far_el2)
			  : sysreg_read(far_el1));
	say("\n");
	power_off();
}
