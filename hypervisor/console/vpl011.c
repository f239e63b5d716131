/* SPDX-License-Identifier: MIT */
/*
 * A guest's UART: the registers of the SBSA Generic UART (Arm BSA, "Generic UART"), which are a
 * subset of the PL011's.
 *
 * Transmission. What is written to DR goes to the console at once, so the FIFO is always empty and
 * the transmit interrupt is latched after each byte - unless the machine's UART is behind. Then FR
 * says "full" and the transmit interrupt is withdrawn until vpl011_resume(). A driver that heeds
 * them loses nothing; a byte written in spite of them may be dropped, which the console counts and
 * reports.
 *
 * Reception. The guest sees a FIFO of 32 (its trigger level is a half), behind which Tenon keeps up
 * to VPL011_RX_SIZE bytes. Both receive interrupts follow the number of bytes and ICR does not
 * clear them: a driver that clears before it reads must not lose the interrupt for what is there.
 *
 * The hot path is one character: a read of FR and a write to DR, neither of which takes uart->lock.
 */
#include "console/vpl011.h"

#include "abi/xen.h"
#include "console/console.h"
#include "domain/domain.h"
#include "mm/mm.h"
#include "trap/trap.h"
#include "vgic/vgic.h"

#define DR         0x00
#define RSR        0x04
#define FR         0x18
#define IMSC       0x38
#define RIS        0x3c
#define MIS        0x40
#define ICR        0x44

#define DR_OVERRUN BIT64(11)
#define FR_BUSY    BIT64(3)
#define FR_RXFE    BIT64(4)
#define FR_TXFF    BIT64(5)
#define FR_RXFF    BIT64(6)
#define FR_TXFE    BIT64(7)
#define INT_RX     ((uint32_t)BIT64(4))
#define INT_TX     ((uint32_t)BIT64(5))
#define INT_RT     ((uint32_t)BIT64(6))
#define INT_OE     ((uint32_t)BIT64(10))
#define INT_ALL    ((uint32_t)BITS64(10, 0))

_Static_assert(sizeof(struct vpl011) <= PAGE_SIZE, "one frame");

static uint32_t rx_count(const struct vpl011 *uart)
{
	return READ_ONCE(uart->rx_head) - READ_ONCE(uart->rx_tail);
}

static uint32_t raw_interrupts(const struct vpl011 *uart)
{
	uint32_t count = rx_count(uart);
	uint32_t raw = uart->ris;

	if (console_is_congested()) {
		raw &= ~INT_TX; /* Linux: its handler writes 16 bytes without a look at FR */
	}
	return raw | (count > 0 ? INT_RT : 0) | (count >= VPL011_FIFO_DEPTH / 2 ? INT_RX : 0);
}

/*
 * Under the lock, which keeps two changes of the level from reaching the vGIC in the wrong order.
 */
static void update_line(struct vpl011 *uart)
{
	bool level = (raw_interrupts(uart) & uart->imsc) != 0;

	if (level != uart->line) {
		uart->line = level;
		vgic_set_line(uart->domain, NULL, GUEST_VPL011_SPI, level);
	}
}

static uint64_t read_flags(const struct vpl011 *uart)
{
	uint32_t count = rx_count(uart);
	uint64_t flags = console_is_congested() ? FR_TXFF | FR_BUSY : FR_TXFE;

	if (count == 0) {
		flags |= FR_RXFE;
	} else if (count >= VPL011_FIFO_DEPTH) {
		flags |= FR_RXFF;
	}
	return flags;
}

static uint64_t read_data(struct vpl011 *uart)
{
	uint64_t data = 0;

	spin_lock(&uart->lock);
	if (rx_count(uart) > 0) {
		data = (uint8_t)uart->rx[uart->rx_tail % VPL011_RX_SIZE];
		WRITE_ONCE(uart->rx_tail, uart->rx_tail + 1);
		if (uart->overrun) {
			uart->overrun = false;
			data |= DR_OVERRUN;
		}
	}
	update_line(uart);
	spin_unlock(&uart->lock);
	return data;
}

static void latch(struct vpl011 *uart, uint32_t interrupt)
{
	spin_lock(&uart->lock);
	WRITE_ONCE(uart->ris, uart->ris | interrupt);
	update_line(uart);
	spin_unlock(&uart->lock);
}

static void write_data(struct vpl011 *uart, uint64_t value)
{
	char c = (char)value;

	console_write_domain(uart->domain, &c, 1);
	if ((READ_ONCE(uart->ris) & INT_TX) == 0 || console_is_congested()) {
		latch(uart, INT_TX);
	}
}

static uint64_t read_register(struct vpl011 *uart, uint32_t offset)
{
	uint64_t value = 0;

	if (offset == DR) {
		return read_data(uart);
	}
	spin_lock(&uart->lock);
	switch (offset) {
	case IMSC:
		value = uart->imsc;
		break;
	case RIS:
		value = raw_interrupts(uart);
		break;
	case MIS:
		value = raw_interrupts(uart) & uart->imsc;
		break;
	default: /* RSR: no errors are kept; the rest reads as zero */
		break;
	}
	spin_unlock(&uart->lock);
	return value;
}

static void write_register(struct vpl011 *uart, uint32_t offset, uint64_t value)
{
	switch (offset) {
	case DR:
		write_data(uart, value);
		break;
	case IMSC:
		spin_lock(&uart->lock);
		uart->imsc = (uint32_t)value & INT_ALL;
		update_line(uart);
		spin_unlock(&uart->lock);
		break;
	case ICR:
		spin_lock(&uart->lock);
		WRITE_ONCE(uart->ris, uart->ris & ~(uint32_t)value);
		update_line(uart);
		spin_unlock(&uart->lock);
		break;
	default: /* the rest ignores writes */
		break;
	}
}

/* All but reads of FR. */
static __noinline bool access_register(struct vpl011 *uart, struct mmio_access *access)
{
	if (access->size > sizeof(uint32_t)) {
		return false;
	}
	if (access->is_write) {
		write_register(uart, access->offset, access->value);
	} else {
		access->value =
			read_register(uart, access->offset) & BITS64(8 * access->size - 1, 0);
	}
	return true;
}

static bool vpl011_access(struct vcpu *v, struct mmio_access *access, void *context)
{
	struct vpl011 *uart = context;

	if (access->offset != FR || access->is_write || access->size > sizeof(uint32_t)) {
		return access_register(uart, access);
	}
	access->value = read_flags(uart); /* all are in the lowest byte */
	return true;
}

bool vpl011_receive(struct vpl011 *uart, char c)
{
	bool taken = false;

	spin_lock(&uart->lock);
	if (rx_count(uart) < VPL011_RX_SIZE) {
		uart->rx[uart->rx_head % VPL011_RX_SIZE] = c;
		WRITE_ONCE(uart->rx_head, uart->rx_head + 1);
		taken = true;
	} else {
		uart->overrun = true;
		WRITE_ONCE(uart->ris, uart->ris | INT_OE);
	}
	update_line(uart);
	spin_unlock(&uart->lock);
	return taken;
}

void vpl011_resume(struct vpl011 *uart)
{
	latch(uart, INT_TX);
}

int vpl011_create(struct domain *d)
{
	struct vpl011 *uart = hyp_alloc(0);
	int error;

	if (uart == NULL) {
		return -XEN_ENOMEM;
	}
	spin_lock_init(&uart->lock, LOCK_RANK_VUART);
	uart->domain = d;
	error = trap_mmio_register(d, GUEST_PL011_BASE, GUEST_PL011_SIZE, vpl011_access, uart);
	if (error != 0) {
		hyp_free(uart, 0);
		return error;
	}
	d->vpl011 = uart;
	return 0;
}

void vpl011_destroy(struct domain *d)
{
	struct vpl011 *uart = d->vpl011;

	d->vpl011 = NULL;
	hyp_free(uart, 0);
}
