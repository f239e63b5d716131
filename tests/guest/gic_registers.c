/* SPDX-License-Identifier: MIT */
/*
 * The registers of the virtual interrupt controller, and what they make of interrupts: enable, pending,
 * active, priority (Arm IHI 0048 for GICv2, IHI 0069 for GICv3; xen-abi-arm: "vGIC common").
 */
#include "arm64/mmio.h"
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_trap.h"
#include "guest_xen.h"

const char *const guest_topic = "gic_registers";
const bool guest_mmu_off;

/* The UART's SPI is the one that a domU surely has; nothing raises it here. */
#define SPI 32

static void type_register(void)
{
	uint32_t typer = mmio_get32(machine.gicd + GICD_TYPER);
	unsigned int nr_cpus = ((typer >> 5) & 7) + 1;

	REQUIRE((typer & 0x1f) >= 1, "no SPIs: %#x", typer);
	if (machine.gic_version == 2) {
		REQUIRE(nr_cpus == machine.nr_cpus, "CPUNumber says %u", nr_cpus);
	} else {
		REQUIRE(((typer >> 17) & 1) == 0, "LPIs without an ITS: %#x", typer);
	}
	REQUIRE((typer & (1 << 10)) == 0, "SecurityExtn: %#x", typer);
}

static void identification(void)
{
	if (machine.gic_version == 3) {
		EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_PIDR2_V3) & 0xf0, 0x30);
		EXPECT_EQUAL(mmio_get32(machine.gicr + GICR_PIDR2) & 0xf0, 0x30);
		EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_TYPER2), 0);
	}
	EXPECT(mmio_get32(machine.gicd + GICD_IIDR) != 0);
}

static void control_register(void)
{
	uint32_t on = machine.gic_version == 3 ? 0x12 : 0x1;
	uint32_t ctlr = mmio_get32(machine.gicd + GICD_CTLR);

	REQUIRE((ctlr & on) == on, "%#x", ctlr);
	REQUIRE((ctlr & BIT64(31)) == 0, "register write pending: %#x", ctlr);
	if (machine.gic_version == 3) {
		/* Affinity routing cannot be turned off. */
		mmio_set32(machine.gicd + GICD_CTLR, 0x2);
		REQUIRE(mmio_get32(machine.gicd + GICD_CTLR) & 0x10);
		mmio_set32(machine.gicd + GICD_CTLR, 0x12);
	}
}

static void redistributors(void)
{
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		uint64_t typer =
			mmio_read64((volatile void *)(uintptr_t)(gic_redistributor(i) + GICR_TYPER));
		uint64_t mpidr = machine.mpidr[i];
		uint32_t affinity = (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32 & 0xff)
									   << 24;

		EXPECT(typer >> 32 == affinity, "redistributor %u: TYPER %#lx", i, typer);
		EXPECT(((typer >> 4) & 1) == (i == machine.nr_cpus - 1),
		       "Last, redistributor %u: TYPER %#lx", i, typer);
		EXPECT((typer & 3) == 0, "LPIs of redistributor %u: TYPER %#lx", i, typer);
		EXPECT_EQUAL(mmio_get32(gic_redistributor(i) + GICR_CTLR) & ~UINT32_C(0xf), 0);
		/* Xen's SYNCR is busy for ever. */
		EXPECT(!machine.tenon || (mmio_get32(gic_redistributor(i) + GICR_SYNCR) & 1) == 0);
	}
}

/* Nothing in the register frames faults: unknown words read zero and ignore writes. */
static void unknown_registers_are_zero(void)
{
	/* Reserved or optional in both versions. */
	static const uint32_t offsets[] = {0x0010, 0x0020, 0x0030, 0x0038, 0x0040,
					   0x0048, 0x0078, 0x0e00, 0x0efc, 0x0f30};

	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t value;
		struct guest_fault fault;

		if (machine.gic_version == 3 && (offsets[i] == 0x40 || offsets[i] == 0x48)) {
			continue; /* GICD_SETSPI_NSR, GICD_CLRSPI_NSR are write-only */
		}
		fault = fault_write(4, machine.gicd + offsets[i], 0xffffffff);
		EXPECT(!fault.taken, "write of %#x: ESR %#lx", offsets[i], fault.esr);
		fault = fault_read(4, machine.gicd + offsets[i], &value);
		EXPECT(!fault.taken && value == 0, "%#x: value %#lx, ESR %#lx", offsets[i], value,
		       fault.esr);
	}
}

static void enable_bits(void)
{
	uint64_t set = gic_word(GICD_ISENABLER, SPI, 1), clear = gic_word(GICD_ICENABLER, SPI, 1);

	gic_enable(SPI);
	REQUIRE(mmio_get32(set) & 1);
	REQUIRE(mmio_get32(clear) & 1);
	/* Zeroes change nothing. */
	mmio_set32(set, 0);
	mmio_set32(clear, 0);
	REQUIRE(mmio_get32(set) & 1);
	gic_disable(SPI);
	REQUIRE_EQUAL(mmio_get32(set) & 1, 0);
}

static void sgis_are_always_enabled(void)
{
	mmio_set32(gic_word(GICD_ICENABLER, 0, 1), 0xffff);
	REQUIRE_EQUAL(mmio_get32(gic_word(GICD_ISENABLER, 0, 1)) & 0xffff, 0xffff);
}

static void priority_registers(void)
{
	uint64_t word = gic_word(GICD_IPRIORITYR, SPI, 8);
	uint64_t value;

	mmio_set32(word, 0x10203040 << 1);
	REQUIRE_EQUAL(mmio_get32(word) & 0xf0f0f0f0, 0x20406080);
	/* By byte. */
	REQUIRE(!fault_write(1, word + 1, 0xa0).taken);
	REQUIRE_EQUAL(mmio_get32(word) & 0xf0f0f0f0, 0x2040a080);
	REQUIRE(!fault_read(1, word + 1, &value).taken);
	REQUIRE_EQUAL(value & 0xf0, 0xa0);
	mmio_set32(word, 0xa0a0a0a0);
}

static void configuration_registers(void)
{
	uint64_t word = gic_word(GICD_ICFGR, SPI, 2);

	gic_set_edge(SPI, true);
	REQUIRE_EQUAL(mmio_get32(word) & 3, 2);
	gic_set_edge(SPI, false);
	REQUIRE_EQUAL(mmio_get32(word) & 3, 0);
}

static void sgis_are_always_edge_triggered(void)
{
	mmio_set32(gic_word(GICD_ICFGR, 0, 2), 0);
	REQUIRE_EQUAL(mmio_get32(gic_word(GICD_ICFGR, 0, 2)), 0xaaaaaaaa);
}

/* GICv2: private interrupts' targets are the reader itself; SPIs' are as written, without absent CPUs. */
static void target_registers(void)
{
	for (uint32_t offset = 0; offset < 32; offset += 4) {
		REQUIRE_EQUAL(mmio_get32(machine.gicd + GICD_ITARGETSR + offset), 0x01010101);
	}
	gic_set_target(SPI, 0);
	REQUIRE_EQUAL(mmio_get32(machine.gicd + GICD_ITARGETSR + SPI) & 0xff, 1);
	if (machine.nr_cpus > 1) {
		gic_set_target(SPI, 1);
		REQUIRE_EQUAL(mmio_get32(machine.gicd + GICD_ITARGETSR + SPI) & 0xff, 2);
		gic_set_target(SPI, 0);
	}
}

static uint32_t targets_of_1;

static void read_targets(uint64_t argument)
{
	WRITE_ONCE(targets_of_1, mmio_get32(machine.gicd + GICD_ITARGETSR));
}

static void target_registers_of_another_cpu(void)
{
	REQUIRE(smp_start(1, read_targets, 0));
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(READ_ONCE(targets_of_1), 0x02020202);
}

static uint64_t route(void)
{
	return mmio_read64((volatile void *)(uintptr_t)(machine.gicd + GICD_IROUTER + SPI * 8));
}

static void route_registers(void)
{
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		gic_set_target(SPI, i);
		REQUIRE_EQUAL(route(), machine.mpidr[i]);
	}
	gic_set_target(SPI, 0);
	REQUIRE_EQUAL(route(), machine.mpidr[0]);
}

static uint32_t handled, handled_on;

static void on_spi(uint32_t intid)
{
	WRITE_ONCE(handled_on, this_cpu()->idx);
	WRITE_ONCE(handled, handled + 1);
	dsb_ish();
}

static void prepare(uint32_t intid)
{
	handled = 0;
	gic_set_handler(intid, on_spi);
	gic_set_priority(intid, GIC_PRIORITY);
	if (intid >= 32) {
		gic_set_edge(intid, true);
		gic_set_target(intid, 0);
	}
	gic_clear_pending(intid);
}

static void pending_bit_delivers(void)
{
	prepare(SPI);
	gic_set_pending(SPI);
	/* Xen's pending registers read zero. */
	REQUIRE(!machine.tenon || gic_is_pending(SPI));
	irq_enable();
	delay_us(300);
	REQUIRE(READ_ONCE(handled) == 0, "taken although disabled");
	gic_enable(SPI);
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
	REQUIRE(!gic_is_pending(SPI));
	gic_disable(SPI);
}

static void pending_bit_can_be_taken_back(void)
{
	prepare(SPI);
	gic_enable(SPI);
	gic_set_pending(SPI);
	delay_us(300);
	gic_clear_pending(SPI);
	REQUIRE(!gic_is_pending(SPI));
	irq_enable();
	delay_us(300);
	irq_disable();
	REQUIRE_EQUAL(handled, 0);
	gic_disable(SPI);
}

/* Pending and then disabled, it waits for being enabled again. */
static void disabled_while_pending(void)
{
	prepare(SPI);
	gic_enable(SPI);
	gic_set_pending(SPI);
	delay_us(100);
	gic_disable(SPI);
	irq_enable();
	delay_us(300);
	REQUIRE(READ_ONCE(handled) == 0, "taken although disabled");
	gic_enable(SPI);
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
	gic_disable(SPI);
}

static void private_interrupt(void)
{
	prepare(20);
	gic_enable(20);
	gic_set_pending(20);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
	gic_disable(20);
}

static bool active_inside, pending_inside;

static void on_active(uint32_t intid)
{
	active_inside = gic_is_active(intid);
	pending_inside = gic_is_pending(intid);
	WRITE_ONCE(handled, handled + 1);
}

static void active_bit(void)
{
	prepare(SPI);
	gic_set_handler(SPI, on_active);
	gic_enable(SPI);
	gic_set_pending(SPI);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
	EXPECT(active_inside, "not active in its handler");
	EXPECT(!pending_inside, "still pending in its handler");
	EXPECT(!gic_is_active(SPI), "still active after the end of interrupt");
	gic_disable(SPI);
}

static void spi_to_another_cpu(uint64_t argument)
{
	irq_enable();
	while (READ_ONCE(handled) == 0) {
		relax();
	}
	irq_disable();
}

static void target_decides_the_cpu(void)
{
	prepare(SPI);
	gic_enable(SPI);
	gic_set_target(SPI, 1);
	REQUIRE(smp_start(1, spi_to_another_cpu, 0));
	irq_enable();
	gic_set_pending(SPI);
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 3000));
	irq_disable();
	REQUIRE_EQUAL(READ_ONCE(handled_on), 1);
	REQUIRE(smp_wait_off(1));
	gic_disable(SPI);
	gic_set_target(SPI, 0);
}

/* An interrupt waits behind the priority mask. */
static void priority_mask(void)
{
	handled = 0;
	gic_set_handler(6, on_spi);
	gic_set_priority(6, 0x80);
	gic_set_mask(0x80);
	irq_enable();
	gic_send_sgi_self(6);
	delay_us(300);
	REQUIRE(READ_ONCE(handled) == 0, "taken at the mask's own priority");
	gic_set_mask(0x90);
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
	gic_set_mask(0xf0);
	gic_set_priority(6, GIC_PRIORITY);
}

/* Of more pending ones than there are list registers the most urgent is acknowledged first, whatever came first. */
#define NR_ORDERED 12
static uint32_t order[NR_ORDERED], nr_order;

static void on_ordered(uint32_t intid)
{
	if (nr_order < NR_ORDERED) {
		order[nr_order] = intid;
	}
	nr_order++;
}

/* SGIs 0 to 11: a permutation of 12 priorities. Number rank from the most urgent one. */
static uint32_t rank_of_sgi(uint32_t sgi)
{
	return (sgi * 7 + 5) % NR_ORDERED;
}

static void urgent_ones_first(void)
{
	nr_order = 0;
	for (uint32_t sgi = 0; sgi < NR_ORDERED; sgi++) {
		gic_set_handler(sgi, on_ordered);
		gic_set_priority(sgi, (uint8_t)(0x10 + 0x10 * rank_of_sgi(sgi)));
	}
	for (uint32_t sgi = 0; sgi < NR_ORDERED; sgi++) {
		gic_send_sgi_self(sgi);
	}
	delay_us(300);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(nr_order) == NR_ORDERED, 1000), "%u of %u", nr_order,
		NR_ORDERED);
	irq_disable();
	for (uint32_t i = 0; i < NR_ORDERED; i++) {
		EXPECT(rank_of_sgi(order[i]) == i, "number %u is SGI %u, whose rank is %u", i,
		       order[i], rank_of_sgi(order[i]));
		gic_set_priority(i, GIC_PRIORITY);
	}
}

/* A more urgent interrupt interrupts the handler of a less urgent one, and not the other way round. */
static uint32_t nested_taken;
static bool nested_inside, other_inside;
static uint32_t running_priority;

static void on_inner(uint32_t intid)
{
	WRITE_ONCE(nested_taken, nested_taken + 1);
}

static void on_outer(uint32_t intid)
{
	running_priority = gic_running_priority();
	gic_send_sgi_self(12);
	gic_send_sgi_self(13);
	irq_enable();
	nested_inside = WAIT_UNTIL(READ_ONCE(nested_taken) == 1, 500);
	delay_us(300);
	irq_disable();
	other_inside = READ_ONCE(nested_taken) == 2;
}

static void preemption(void)
{
	uint64_t spsr;

	nested_taken = 0;
	nested_inside = other_inside = false;
	gic_set_handler(12, on_inner);
	gic_set_handler(13, on_inner);
	gic_set_handler(14, on_outer);
	gic_set_priority(12, 0x40);
	gic_set_priority(13, 0xc0);
	gic_set_priority(14, 0x80);
	gic_send_sgi_self(14);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(nested_taken) == 2, 1000));
	irq_disable();
	/* The last one was taken from here, at EL1 on its own stack pointer and with interrupts enabled. */
	spsr = sysreg_read(SPSR_EL1);
	EXPECT((spsr & 0x9f) == 0x05, "SPSR %#lx", spsr);
	EXPECT(nested_inside, "the urgent one did not interrupt");
	EXPECT(!other_inside, "a less urgent one interrupted");
	EXPECT_EQUAL(running_priority, 0x80);
	for (uint32_t sgi = 12; sgi < 15; sgi++) {
		gic_set_priority(sgi, GIC_PRIORITY);
	}
}

static void nothing_is_spurious(void)
{
	REQUIRE_EQUAL(gic_acknowledge() & 0x3ff, GIC_SPURIOUS);
	EXPECT_EQUAL(gic_nr_unhandled, 0);
}

/* With the distributor off nothing is delivered, and nothing is lost. */
static void distributor_off(void)
{
	handled = 0;
	gic_set_handler(6, on_spi);
	mmio_set32(machine.gicd + GICD_CTLR, machine.gic_version == 3 ? 0x10 : 0);
	irq_enable();
	gic_send_sgi_self(6);
	delay_us(300);
	REQUIRE(READ_ONCE(handled) == 0, "taken with the distributor off");
	mmio_set32(machine.gicd + GICD_CTLR, machine.gic_version == 3 ? 0x12 : 1);
	REQUIRE(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000));
	irq_disable();
}

/* ---- two vCPUs at the same time --------------------------------------------------------------------------- */

/* On a busy machine the two are seldom inside the hypervisor at the same time. */
#define NR_ACCESSES 200
#define ACCESS_US   UINT64_C(500000)

static uint32_t met, taken_by[2];

static void on_own(uint32_t intid)
{
	WRITE_ONCE(taken_by[this_cpu()->idx], taken_by[this_cpu()->idx] + 1);
}

static void meet(uint32_t times)
{
	__atomic_fetch_add(&met, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&met, __ATOMIC_ACQUIRE) < 2 * times) {
		relax();
	}
}

/* An interrupt is pending here, and not taken, while this vCPU accesses registers that are about one of the other's. */
static void ask_about_the_other(uint64_t private)
{
	unsigned int self = this_cpu()->idx, other = 1 - self;
	uint64_t end;

	if (private) {
		gic_send_sgi_self(6);
	} else {
		gic_set_pending(SPI + self);
	}
	meet(1);
	end = counter_virtual() + us_to_ticks(ACCESS_US);
	for (unsigned int i = 0; i < NR_ACCESSES || counter_virtual() < end; i++) {
		if (private) {
			(void)mmio_get32(gic_redistributor(other) + GICR_SGI_FRAME + GICD_ISPENDR);
		} else {
			gic_set_pending(SPI + other);
		}
	}
	meet(2);
	irq_enable();
	(void)WAIT_UNTIL(READ_ONCE(taken_by[self]) != 0, 1000);
	/* What was set meanwhile comes once more; on Xen after an exit. */
	for (unsigned int i = 0; i < 3; i++) {
		(void)mmio_get32(machine.gicd + GICD_CTLR);
		delay_us(100);
	}
	irq_disable();
}

static void both_at_once(bool private)
{
	met = taken_by[0] = taken_by[1] = 0;
	REQUIRE(smp_start(1, ask_about_the_other, private));
	ask_about_the_other(private);
	REQUIRE(smp_wait_off(1));
	EXPECT(taken_by[0] != 0 && taken_by[1] != 0, "own interrupts: %u and %u", taken_by[0],
	       taken_by[1]);
}

static void both_read_the_others_private_ones(void)
{
	gic_set_handler(6, on_own);
	both_at_once(true);
}

static void both_write_about_the_others_shared_ones(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		prepare(SPI + i);
		gic_set_handler(SPI + i, on_own);
		gic_set_target(SPI + i, i);
		gic_enable(SPI + i);
	}
	both_at_once(false);
	for (unsigned int i = 0; i < 2; i++) {
		gic_disable(SPI + i);
		gic_set_target(SPI + i, 0);
	}
}

/* ---- level-sensitive lines ---------------------------------------------------------------------------- */

#define PPI_VIRTUAL  27
#define PPI_PHYSICAL 30

static void set_virtual_timer(bool due)
{
	sysreg_write(CNTV_CVAL_EL0, 0);
	sysreg_write(CNTV_CTL_EL0, due ? 1 : 0);
	isb();
}

static void set_physical_timer(bool due)
{
	sysreg_write(CNTP_CVAL_EL0, 0);
	sysreg_write(CNTP_CTL_EL0, due ? 1 : 0);
	isb();
}

/* The UART's line: the transmitter has room, if it may say so. */
static void set_uart(bool high)
{
	mmio_set32(machine.uart + 0x38, high ? 0x20 : 0);
}

static const struct {
	const char *name;
	uint32_t intid;
	void (*set)(bool high);
} lines[] = {
	{"virtual timer", PPI_VIRTUAL, set_virtual_timer},
	{"physical timer", PPI_PHYSICAL, set_physical_timer},
	{"UART", SPI, set_uart},
};

static void prepare_line(unsigned int i)
{
	handled = 0;
	lines[i].set(false);
	gic_set_handler(lines[i].intid, on_spi);
	gic_set_priority(lines[i].intid, GIC_PRIORITY);
	gic_disable(lines[i].intid);
	if (lines[i].intid >= 32) {
		gic_set_edge(lines[i].intid, false);
		gic_set_target(lines[i].intid, 0);
	}
	gic_clear_pending(lines[i].intid);
}

/* The pending bit is the line: it follows it both ways, enabled or not, and cannot be cleared while it is high. */
static void pending_bit_follows_the_line(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		uint32_t intid = lines[i].intid;

		prepare_line(i);
		for (unsigned int enabled = 0; enabled <= 1; enabled++) {
			if (enabled) {
				gic_enable(intid);
			}
			EXPECT(!gic_is_pending(intid), "%s, enabled %u: low", lines[i].name,
			       enabled);
			lines[i].set(true);
			EXPECT(gic_is_pending(intid), "%s, enabled %u: high", lines[i].name,
			       enabled);
			gic_clear_pending(intid);
			EXPECT(gic_is_pending(intid), "%s, enabled %u: cleared while high",
			       lines[i].name, enabled);
			lines[i].set(false);
			EXPECT(!gic_is_pending(intid), "%s, enabled %u: low again", lines[i].name,
			       enabled);
		}
		irq_enable();
		delay_us(200);
		irq_disable();
		EXPECT(READ_ONCE(handled) == 0, "%s: taken %u times", lines[i].name, handled);
		gic_disable(intid);
	}
}

static void line_that_falls_while_disabled_is_not_delivered(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		prepare_line(i);
		irq_enable();
		lines[i].set(true);
		delay_us(300);
		EXPECT(READ_ONCE(handled) == 0, "%s: taken while disabled", lines[i].name);
		lines[i].set(false);
		gic_enable(lines[i].intid);
		delay_us(300);
		EXPECT(READ_ONCE(handled) == 0, "%s: taken after its line fell", lines[i].name);
		irq_disable();
		gic_disable(lines[i].intid);
	}
}

/* The event channels' line is evtchn_upcall_pending, which the guest clears by itself. */
static void lower_upcall(struct vcpu_info *info, uint32_t port)
{
	event_clear_pending(port);
	WRITE_ONCE(info->evtchn_pending_sel, 0);
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
}

static void event_interrupt_follows_the_upcall(void)
{
	struct vcpu_info *info = xen_vcpu_info(0);
	uint32_t port;

	REQUIRE(info != NULL && xen_shared_info() != NULL);
	port = event_bind_ipi(0);
	REQUIRE(port != 0);
	event_unmask(port);
	handled = 0;
	gic_set_handler(PPI_UPCALL, on_spi);
	gic_disable(PPI_UPCALL);
	gic_clear_pending(PPI_UPCALL);
	lower_upcall(info, port);
	EXPECT(!gic_is_pending(PPI_UPCALL), "before anything was sent");
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(READ_ONCE(info->evtchn_upcall_pending), 1);
	EXPECT(gic_is_pending(PPI_UPCALL), "an event was sent");
	lower_upcall(info, port);
	EXPECT(!gic_is_pending(PPI_UPCALL), "the upcall was cleared");
	REQUIRE_EQUAL(event_send(port), 0);
	lower_upcall(info, port);
	irq_enable();
	gic_enable(PPI_UPCALL);
	delay_us(200);
	EXPECT(READ_ONCE(handled) == 0, "taken after the upcall was cleared");
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000), "a new one is not taken");
	irq_disable();
	gic_disable(PPI_UPCALL);
	lower_upcall(info, port);
	/* What the guest sets itself is no event. */
	gic_set_pending(PPI_UPCALL);
	EXPECT(gic_is_pending(PPI_UPCALL), "set by software");
	gic_clear_pending(PPI_UPCALL);
	EXPECT(!gic_is_pending(PPI_UPCALL), "cleared by software");
	event_close(port);
}

static void enable_upcall_of_0(uint64_t unused)
{
	mmio_set32(gic_redistributor(0) + GICR_SGI_FRAME + GICD_ISENABLER, BIT64(PPI_UPCALL));
}

/* It is not known then where that vCPU is, or what it has done since the event. */
static void event_interrupt_enabled_by_another_cpu(void)
{
	struct vcpu_info *info = xen_vcpu_info(0);
	uint32_t port;

	REQUIRE(info != NULL && xen_shared_info() != NULL);
	port = event_bind_ipi(0);
	REQUIRE(port != 0);
	event_unmask(port);
	handled = 0;
	gic_set_handler(PPI_UPCALL, on_spi);
	gic_disable(PPI_UPCALL);
	REQUIRE_EQUAL(event_send(port), 0);
	lower_upcall(info, port);
	irq_enable();
	REQUIRE(smp_start(1, enable_upcall_of_0, 0));
	REQUIRE(smp_wait_off(1));
	delay_us(300);
	EXPECT(READ_ONCE(handled) == 0, "taken after the upcall was cleared");
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000), "a new one is not taken");
	irq_disable();
	gic_disable(PPI_UPCALL);
	lower_upcall(info, port);
	event_close(port);
}

/* A bit set by software stays, whatever the line does; clearing it is possible when the line is low. */
static void software_pending_and_the_line(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		uint32_t intid = lines[i].intid;

		prepare_line(i);
		gic_set_pending(intid);
		lines[i].set(true);
		lines[i].set(false);
		EXPECT(gic_is_pending(intid), "%s: what software set is gone", lines[i].name);
		gic_clear_pending(intid);
		EXPECT(!gic_is_pending(intid), "%s: cannot be cleared", lines[i].name);
	}
}

/* In its handler the interrupt is active, and pending as long as its line is high. */
static uint32_t line_in_service;
static bool pending_while_high, pending_while_low, active_while_high;

static void on_line(uint32_t intid)
{
	active_while_high = gic_is_active(intid);
	pending_while_high = gic_is_pending(intid);
	lines[line_in_service].set(false);
	pending_while_low = gic_is_pending(intid);
	WRITE_ONCE(handled, handled + 1);
	dsb_sy();
}

static void line_during_the_handler(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		uint32_t intid = lines[i].intid;

		prepare_line(i);
		line_in_service = i;
		gic_set_handler(intid, on_line);
		gic_enable(intid);
		irq_enable();
		lines[i].set(true);
		EXPECT(WAIT_UNTIL(READ_ONCE(handled) != 0, 1000), "%s: not taken", lines[i].name);
		delay_us(300);
		irq_disable();
		EXPECT(handled == 1, "%s: taken %u times", lines[i].name, handled);
		EXPECT(active_while_high, "%s: not active in its handler", lines[i].name);
		EXPECT(pending_while_high, "%s: not pending with its line high", lines[i].name);
		EXPECT(!pending_while_low, "%s: pending with its line low", lines[i].name);
		EXPECT(!gic_is_active(intid), "%s: active afterwards", lines[i].name);
		gic_disable(intid);
	}
}

/* An active interrupt is not taken again before it is ended, whoever made it active. */
static void active_bit_keeps_it_from_being_taken(void)
{
	prepare(SPI);
	gic_enable(SPI);
	mmio_set32(gic_word(GICD_ISACTIVER, SPI, 1), 1);
	EXPECT(gic_is_active(SPI), "not active");
	gic_set_pending(SPI);
	irq_enable();
	delay_us(300);
	EXPECT(READ_ONCE(handled) == 0, "taken although active");
	EXPECT(gic_is_pending(SPI) && gic_is_active(SPI), "pending %u, active %u",
	       gic_is_pending(SPI), gic_is_active(SPI));
	mmio_set32(gic_word(GICD_ICACTIVER, SPI, 1), 1);
	EXPECT(WAIT_UNTIL(READ_ONCE(handled) == 1, 1000), "not taken");
	irq_disable();
	EXPECT(!gic_is_active(SPI));
	gic_disable(SPI);
}

/* ---- every access ------------------------------------------------------------------------------------- */

/* Whatever width and wherever: the frames answer, reserved words with zero. Reads change nothing. */
static void read_all(const char *name, uint64_t base, uint32_t from, uint32_t to)
{
	unsigned int nr_faults = 0;

	for (uint32_t offset = from; offset < to; offset++) {
		for (unsigned int size = 1; size <= 8; size *= 2) {
			uint64_t value;

			if (offset % size == 0 && fault_read(size, base + offset, &value).taken &&
			    nr_faults++ == 0) {
				EXPECT(false, "%s: %u bytes at %#x", name, size, offset);
			}
		}
	}
	EXPECT(nr_faults == 0, "%s: %u faults", name, nr_faults);
}

static void no_read_faults(void)
{
	read_all("GICD", machine.gicd, 0, 0x1000);
	if (machine.gic_version == 3) {
		read_all("GICD", machine.gicd, 0x6000, 0x6200);
		read_all("GICD", machine.gicd, 0xff00, 0x10000);
		read_all("GICR", machine.gicr, 0, 0x200);
		read_all("GICR", machine.gicr, 0xff00, 0x10200);
		read_all("GICR", machine.gicr, 0x10300, 0x10d00);
		read_all("GICR", machine.gicr, 0x1ff00, 0x20000);
	}
}

/* Of the width that a register does not have: nothing is written. Bytes: priorities and targets; 64 bits: routes. */
static void writes_of_other_widths_are_ignored(void)
{
	uint64_t enable = gic_word(GICD_ISENABLER, SPI, 1), config = gic_word(GICD_ICFGR, SPI, 2);

	gic_disable(SPI);
	gic_set_edge(SPI, false);
	for (unsigned int size = 1; size <= 2; size *= 2) {
		EXPECT(!fault_write(size, enable, 1).taken, "%u bytes", size);
		EXPECT((mmio_get32(enable) & 1) == 0, "%u bytes enabled it", size);
		EXPECT(!fault_write(size, config, 2).taken, "%u bytes", size);
		EXPECT((mmio_get32(config) & 3) == 0, "%u bytes configured it", size);
		EXPECT(!fault_write(size, machine.gicd + GICD_CTLR, 0).taken, "%u bytes", size);
	}
	EXPECT(!fault_write(8, machine.gicd + GICD_ISENABLER, BIT64(SPI)).taken);
	EXPECT((mmio_get32(enable) & 1) == 0, "8 bytes enabled it");
	EXPECT((mmio_get32(machine.gicd + GICD_CTLR) & 3) != 0, "the distributor is off");
	EXPECT(!fault_write(2, gic_word(GICD_IPRIORITYR, SPI, 8), 0xffff).taken);
	EXPECT_EQUAL(mmio_get32(gic_word(GICD_IPRIORITYR, SPI, 8)) & 0xf0, GIC_PRIORITY);
}

/* INTIDs beyond the last one: their bits are zero and stay so. */
static void interrupts_that_are_not_there(void)
{
	uint32_t nr_intids = ((mmio_get32(machine.gicd + GICD_TYPER) & 0x1f) + 1) * 32;

	if (nr_intids >= 1020) {
		test_skip("all are there");
		return;
	}
	mmio_set32(machine.gicd + GICD_ISENABLER + nr_intids / 8, 0xffffffff);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_ISENABLER + nr_intids / 8), 0);
	mmio_set32(machine.gicd + GICD_IPRIORITYR + nr_intids, 0xf0f0f0f0);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_IPRIORITYR + nr_intids), 0);
	mmio_set32(machine.gicd + GICD_ICFGR + nr_intids / 4, 0xaaaaaaaa);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_ICFGR + nr_intids / 4), 0);
}

/* With affinity routing the distributor has nothing of the private interrupts. */
static void private_ones_are_not_in_the_distributor(void)
{
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_ISENABLER), 0);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_IPRIORITYR), 0);
	EXPECT_EQUAL(mmio_get32(machine.gicd + GICD_ICFGR), 0);
	mmio_set32(machine.gicd + GICD_SGIR, 1u << 16 | 9);
	EXPECT_EQUAL(mmio_get32(gic_word(GICD_ISPENDR, 0, 1)) & 0xffff, 0);
}

/* A redistributor's registers are the same, whoever looks. */
static void redistributor_of_another_cpu(void)
{
	uint64_t other = gic_redistributor(1) + GICR_SGI_FRAME;

	mmio_set32(other + GICD_ISENABLER, 1u << 20);
	EXPECT_EQUAL(mmio_get32(other + GICD_ISENABLER) & (1u << 20), 1u << 20);
	EXPECT_EQUAL(mmio_get32(gic_word(GICD_ISENABLER, 20, 1)) & (1u << 20), 0);
	mmio_set32(other + GICD_ICENABLER, 1u << 20);
	EXPECT_EQUAL(mmio_get32(other + GICD_ISENABLER) & (1u << 20), 0);
}

/* GICv3 guests use system registers: SRE reads one and cannot be turned off. */
static void system_register_interface(void)
{
	REQUIRE(sysreg_read(ICC_SRE_EL1) & 1);
	sysreg_write(ICC_SRE_EL1, 0);
	isb();
	REQUIRE(sysreg_read(ICC_SRE_EL1) & 1);
}

const struct guest_case guest_cases[] = {
	CASE(type_register),
	CASE(identification),
	CASE(control_register),
	CASE(redistributors, .flags = GICV3_ONLY),
	CASE(unknown_registers_are_zero),
	CASE(enable_bits),
	CASE(sgis_are_always_enabled, .flags = TENON_ONLY),
	CASE(priority_registers),
	CASE(configuration_registers),
	CASE(sgis_are_always_edge_triggered, .flags = TENON_ONLY),
	CASE(target_registers, .flags = GICV2_ONLY),
	CASE(target_registers_of_another_cpu, .flags = GICV2_ONLY, .min_cpus = 2),
	CASE(route_registers, .flags = GICV3_ONLY),
	CASE(pending_bit_delivers),
	CASE(pending_bit_can_be_taken_back, .flags = TENON_ONLY),
	CASE(disabled_while_pending, .flags = TENON_ONLY),
	CASE(private_interrupt),
	CASE(active_bit, .flags = TENON_ONLY),
	CASE(target_decides_the_cpu, .min_cpus = 2),
	CASE(priority_mask),
	CASE(urgent_ones_first),
	CASE(preemption),
	CASE(distributor_off, .flags = TENON_ONLY),
	CASE(pending_bit_follows_the_line, .flags = TENON_ONLY),
	CASE(line_that_falls_while_disabled_is_not_delivered, .flags = TENON_ONLY),
	CASE(event_interrupt_follows_the_upcall, .flags = TENON_ONLY),
	CASE(event_interrupt_enabled_by_another_cpu, .flags = GICV3_ONLY | TENON_ONLY, .min_cpus = 2),
	CASE(software_pending_and_the_line, .flags = TENON_ONLY),
	CASE(line_during_the_handler, .flags = TENON_ONLY),
	CASE(active_bit_keeps_it_from_being_taken, .flags = TENON_ONLY),
	CASE(no_read_faults, .flags = TENON_ONLY),
	CASE(writes_of_other_widths_are_ignored, .flags = TENON_ONLY),
	CASE(interrupts_that_are_not_there),
	CASE(private_ones_are_not_in_the_distributor, .flags = GICV3_ONLY | TENON_ONLY),
	CASE(redistributor_of_another_cpu, .min_cpus = 2, .flags = GICV3_ONLY),
	CASE(both_read_the_others_private_ones, .min_cpus = 2, .flags = GICV3_ONLY),
	CASE(both_write_about_the_others_shared_ones, .min_cpus = 2),
	CASE(system_register_interface, .flags = GICV3_ONLY),
	CASE(nothing_is_spurious),
	CASE_END,
};
