/* SPDX-License-Identifier: MIT */
/* Output of a test guest on its virtual PL011 (Arm DDI 0183), by polling; dom0 has none and asks the hypervisor. */
#include <stdarg.h>

#include "arm64/mmio.h"
#include "guest.h"
#include "guest_asm.h"
#include "lib/format.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define FR_TXFF 0x20

void print_char(char c)
{
	volatile uint8_t *uart = (volatile uint8_t *)(uintptr_t)machine.uart;

	if (uart == NULL) {
		hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 1, (uintptr_t)&c, 0, 0);
		return;
	}
	while ((mmio_read32(uart + UART_FR) & FR_TXFF) != 0) {
	}
	mmio_write32(uart + UART_DR, (uint8_t)c);
}

void print(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (const char *c = line; *c != '\0'; c++) {
		if (*c == '\n') {
			print_char('\r');
		}
		print_char(*c);
	}
}
