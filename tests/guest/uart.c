/* SPDX-License-Identifier: MIT */
/* The virtual PL011: the registers of the SBSA Generic UART, and its interrupt (xen-abi-arm: "vPL011"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_trap.h"

const char *const guest_topic = "uart";
const bool guest_mmu_off;

#define DR      0x00
#define RSR     0x04
#define FR      0x18
#define IMSC    0x38
#define RIS     0x3c
#define MIS     0x40
#define ICR     0x44
#define RXI     0x10
#define TXI     0x20
#define RTI     0x40
#define FR_BUSY 0x08
#define FR_RXFE 0x10
#define FR_TXFF 0x20
#define FR_TXFE 0x80
#define SPI     32

static uint32_t get(uint32_t offset)
{
	return mmio_get32(machine.uart + offset);
}

static void set(uint32_t offset, uint32_t value)
{
	mmio_set32(machine.uart + offset, value);
}

static void flags_when_idle(void)
{
	REQUIRE(WAIT_UNTIL((get(FR) & FR_BUSY) == 0, 1000), "FR is %#x", get(FR));
	REQUIRE_EQUAL(get(FR) & (FR_RXFE | FR_TXFF | FR_BUSY), FR_RXFE);
}

/* Xen never says so again after the first character. */
static void transmitter_becomes_empty(void)
{
	REQUIRE(WAIT_UNTIL((get(FR) & FR_TXFE) != 0, 1000), "FR is %#x", get(FR));
}

static void mask_register(void)
{
	set(IMSC, 0x7ff);
	EXPECT((get(IMSC) & (RXI | TXI | RTI)) == (RXI | TXI | RTI), "IMSC is %#x", get(IMSC));
	set(IMSC, RXI);
	EXPECT_EQUAL(get(IMSC) & (RXI | TXI | RTI), RXI);
	EXPECT_EQUAL(get(MIS), get(RIS) & RXI);
	set(IMSC, 0);
	EXPECT_EQUAL(get(IMSC), 0);
	EXPECT_EQUAL(get(MIS), 0);
}

/*
 * Anything else reads zero and ignores writes: the SBSA UART has no line control and no identification. Xen
 * 4.17 answers with an abort.
 */
static void other_registers(void)
{
	static const uint32_t offsets[] = {0x20, 0x24, 0x28,  0x2c,  0x30,
					   0x34, 0x48, 0x100, 0xfe0, 0xffc};

	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t value;
		struct guest_fault fault = fault_read(4, machine.uart + offsets[i], &value);

		EXPECT(!fault.taken && value == 0, "%#x: value %#lx, ESR %#lx", offsets[i], value,
		       fault.esr);
		fault = fault_write(4, machine.uart + offsets[i], 0xffffffff);
		EXPECT(!fault.taken, "write of %#x: ESR %#lx", offsets[i], fault.esr);
		fault_read(4, machine.uart + offsets[i], &value);
		EXPECT(value == 0, "%#x: value %#lx after a write", offsets[i], value);
	}
	EXPECT_EQUAL(get(RSR), 0);
}

static void access_sizes(void)
{
	uint64_t value;

	EXPECT(!fault_read(1, machine.uart + FR, &value).taken);
	EXPECT_EQUAL(value, get(FR) & 0xff);
	EXPECT(!fault_read(2, machine.uart + FR, &value).taken);
	EXPECT_EQUAL(value, get(FR) & 0xffff);
	EXPECT(!fault_write(1, machine.uart + IMSC, TXI).taken);
	EXPECT_EQUAL(get(IMSC) & 0xff, TXI);
	EXPECT(!fault_write(2, machine.uart + IMSC, 0).taken);
	EXPECT_EQUAL(get(IMSC) & 0xff, 0);
	EXPECT(fault_read(8, machine.uart + FR, &value).taken, "a read of 64 bits is not refused");
}

static uint32_t interrupts;

static void on_transmit(uint32_t intid)
{
	interrupts++;
	/* Nothing more to send. */
	set(IMSC, get(IMSC) & ~(uint32_t)TXI);
	set(ICR, TXI);
}

/* With the transmit FIFO below its threshold TXI is asserted as soon as it is unmasked. */
static void transmit_interrupt(void)
{
	interrupts = 0;
	gic_set_handler(SPI, on_transmit);
	gic_set_priority(SPI, GIC_PRIORITY);
	gic_set_target(SPI, 0);
	gic_enable(SPI);
	irq_enable();
	for (unsigned int i = 1; i <= 5; i++) {
		print_char(' ');
		set(IMSC, TXI);
		REQUIRE(WAIT_UNTIL(READ_ONCE(interrupts) >= i, 1000), "interrupt %u; RIS %#x", i,
			get(RIS));
	}
	print("\n");
	irq_disable();
	gic_disable(SPI);
	REQUIRE(interrupts <= 10, "%u interrupts for 5 times unmasked", interrupts);
}

/* 64 kB: whatever the ring's size, every character is taken. */
static void long_output(void)
{
	for (unsigned int i = 0; i < 200; i++) {
		print("INFO line %u of 200: the quick brown fox jumps over the lazy dog 0123456789\n",
		      i);
	}
}

const struct guest_case guest_cases[] = {
	CASE(flags_when_idle), CASE(transmitter_becomes_empty, .flags = TENON_ONLY),
	CASE(mask_register),   CASE(other_registers, .flags = TENON_ONLY),
	CASE(access_sizes),    CASE(transmit_interrupt),
	CASE(long_output),     CASE_END,
};
