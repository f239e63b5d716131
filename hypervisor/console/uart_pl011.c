/* SPDX-License-Identifier: MIT */
/*
 * The registers of the PL011 (Arm DDI 0183, "Programmers model") and of its subset, the SBSA
 * Generic UART. Knows nothing of rings and lines. Accesses are the relaxed ones: no memory is
 * shared with the device.
 */
#include "console/console_internal.h"

#include "arm64/mmio.h"

#define UARTDR     0x00
#define UARTFR     0x18
#define UARTLCR_H  0x2c
#define UARTCR     0x30
#define UARTIMSC   0x38
#define UARTMIS    0x40
#define UARTICR    0x44

#define DR_ERRORS  BITS64(10, 8) /* framing, parity, break; an overrun's own byte is good */
#define FR_BUSY    BIT64(3)
#define FR_RXFE    BIT64(4)
#define FR_TXFF    BIT64(5)
#define LCR_FEN    BIT64(4)
#define LCR_8BITS  BITS64(6, 5)
#define CR_UARTEN  BIT64(0)
#define CR_TXE     BIT64(8)
#define CR_RXE     BIT64(9)
#define INT_RX     BIT64(4)
#define INT_TX     BIT64(5)
#define INT_RT     BIT64(6)
#define INT_ALL    BITS64(10, 0)

/*
 * Of the loops that wait for the device: far more than a character takes, far less than for ever.
 */
#define IDLE_POLLS 1000000

static volatile uint8_t *uart __ro_after_init_bss;
static uint32_t enabled_interrupts;

static uint32_t read_reg(uint32_t offset)
{
	return mmio_read32_relaxed(uart + offset);
}

static void write_reg(uint32_t offset, uint64_t value)
{
	mmio_write32_relaxed(uart + offset, (uint32_t)value);
}

void pl011_wait_idle(void)
{
	for (unsigned int i = 0; i < IDLE_POLLS && (read_reg(UARTFR) & FR_BUSY) != 0; i++) {
	}
}

/*
 * "Control Register, UARTCR": disable, wait for the current character, then set LCR_H, then enable.
 */
static void __init init_control(void)
{
	uint32_t control = read_reg(UARTCR);
	uint32_t line = read_reg(UARTLCR_H);

	pl011_wait_idle();
	write_reg(UARTCR, control & ~CR_UARTEN);
	/*
	 * Firmware that used it has set the frame's format; else 8 data bits, no parity, one stop
	 * bit.
	 */
	write_reg(UARTLCR_H, (control & CR_UARTEN) != 0 ? line | LCR_FEN : LCR_8BITS | LCR_FEN);
	write_reg(UARTCR, control | CR_UARTEN | CR_TXE | CR_RXE);
}

void __init pl011_init(volatile void *base, bool sbsa)
{
	uart = base;
	enabled_interrupts = 0;
	write_reg(UARTIMSC, 0);
	write_reg(UARTICR, INT_ALL);
	if (!sbsa) {
		init_control();
	}
}

bool pl011_put(uint8_t byte)
{
	if ((read_reg(UARTFR) & FR_TXFF) != 0) {
		return false;
	}
	write_reg(UARTDR, byte);
	return true;
}

bool pl011_get(uint8_t *byte)
{
	/* A stream of errors ends with the FIFO. */
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t data;

		if ((read_reg(UARTFR) & FR_RXFE) != 0) {
			return false;
		}
		data = read_reg(UARTDR);
		if ((data & DR_ERRORS) == 0) {
			*byte = (uint8_t)data;
			return true;
		}
	}
	return false;
}

void pl011_enable_rx_interrupt(void)
{
	enabled_interrupts |= INT_RX | INT_RT;
	write_reg(UARTIMSC, enabled_interrupts);
}

void pl011_set_tx_interrupt(bool enable)
{
	uint32_t enabled = enable ? enabled_interrupts | INT_TX : enabled_interrupts & ~INT_TX;

	if (enabled != enabled_interrupts) {
		enabled_interrupts = enabled;
		write_reg(UARTIMSC, enabled);
	}
}

void pl011_clear_interrupts(void)
{
	write_reg(UARTICR, read_reg(UARTMIS));
}
