/* SPDX-License-Identifier: MIT */
/* Input on the virtual PL011: the test's driver types "tenon" when it sees READY. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"

const char *const guest_topic = "uart_input";
const bool guest_mmu_off;

#define DR      0x00
#define FR      0x18
#define IMSC    0x38
#define RIS     0x3c
#define ICR     0x44
#define RXI     0x10
#define RTI     0x40
#define FR_RXFE 0x10
#define SPI     32

static char typed[16];
static uint32_t nr_typed, interrupts;

static void on_receive(uint32_t intid)
{
	interrupts++;
	while ((mmio_get32(machine.uart + FR) & FR_RXFE) == 0 && nr_typed < sizeof(typed) - 1) {
		typed[nr_typed] = (char)mmio_get32(machine.uart + DR);
		WRITE_ONCE(nr_typed, nr_typed + 1);
	}
	mmio_set32(machine.uart + ICR, RXI | RTI);
}

static void input_by_interrupt(void)
{
	gic_set_handler(SPI, on_receive);
	gic_set_priority(SPI, GIC_PRIORITY);
	gic_set_target(SPI, 0);
	gic_enable(SPI);
	mmio_set32(machine.uart + IMSC, RXI | RTI);
	print("READY\n");
	while (READ_ONCE(nr_typed) < 5) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
	REQUIRE(strncmp(typed, "tenon", 5) == 0, "got '%s'", typed);
	REQUIRE(interrupts >= 1);
	REQUIRE(mmio_get32(machine.uart + FR) & FR_RXFE);
}

const struct guest_case guest_cases[] = {
	CASE(input_by_interrupt),
	CASE_END,
};
