/* SPDX-License-Identifier: MIT */
/* The interrupt controller as a guest sees it: guest_gic.h. */
#include "guest_gic.h"

#include "arm64/mmio.h"
#include "guest.h"
#include "guest_asm.h"
#include "guest_smp.h"

uint32_t gic_nr_unhandled;
uint32_t gic_nr_spurious;
uint32_t gic_last_source[GUEST_MAX_CPUS];

static irq_handler_t handlers[GIC_NR_INTIDS];

uint32_t mmio_get32(uint64_t address)
{
	return mmio_read32((const volatile void *)(uintptr_t)address);
}

void mmio_set32(uint64_t address, uint32_t value)
{
	mmio_write32((volatile void *)(uintptr_t)address, value);
}

/* With GICv3 each vCPU has one redistributor of two 64 KiB frames, in the order of the vCPUs. */
uint64_t gic_redistributor(unsigned int cpu_idx)
{
	return machine.gicr + (uint64_t)cpu_idx * GICR_STRIDE;
}

uint64_t gic_word(uint32_t offset, uint32_t intid, unsigned int bits)
{
	uint64_t base = machine.gicd;

	if (machine.gic_version == 3 && intid < 32) {
		base = gic_redistributor(this_cpu()->idx) + GICR_SGI_FRAME;
	}
	return base + offset + (intid * bits / 32) * 4;
}

static void set_bit_register(uint32_t offset, uint32_t intid)
{
	mmio_set32(gic_word(offset, intid, 1), UINT32_C(1) << (intid % 32));
}

static bool get_bit_register(uint32_t offset, uint32_t intid)
{
	return (mmio_get32(gic_word(offset, intid, 1)) >> (intid % 32)) & 1;
}

void gic_init(void)
{
	/* GICv2: EnableGrp0 (a guest's view has one group). GICv3: ARE_NS and EnableGrp1A. */
	mmio_set32(machine.gicd + GICD_CTLR, machine.gic_version == 3 ? 0x12 : 0x1);
}

void gic_init_cpu(void)
{
	if (machine.gic_version == 3) {
		uint64_t gicr = gic_redistributor(this_cpu()->idx);

		mmio_set32(gicr + GICR_WAKER, 0);
		WAIT_UNTIL((mmio_get32(gicr + GICR_WAKER) & 4) == 0, 100);
		sysreg_write(ICC_SRE_EL1, 1);
		isb();
	}
	mmio_set32(gic_word(GICD_ICENABLER, 0, 1), 0xffff0000);
	mmio_set32(gic_word(GICD_ISENABLER, 0, 1), 0x0000ffff);
	for (uint32_t intid = 0; intid < 32; intid += 4) {
		mmio_set32(gic_word(GICD_IPRIORITYR, intid, 8), GIC_PRIORITY * 0x01010101u);
	}
	gic_set_mask(0xf0);
	if (machine.gic_version == 3) {
		sysreg_write(ICC_BPR1_EL1, 0);
		sysreg_write(ICC_IGRPEN1_EL1, 1);
		isb();
	} else {
		mmio_set32(machine.gicc + GICC_BPR, 0);
		mmio_set32(machine.gicc + GICC_CTLR, 1);
	}
}

uint32_t gic_acknowledge(void)
{
	uint32_t iar;

	if (machine.gic_version == 3) {
		iar = (uint32_t)sysreg_read(ICC_IAR1_EL1);
		/* The acknowledge is complete before the handler touches the device. */
		dsb_sy();
		return iar;
	}
	return mmio_get32(machine.gicc + GICC_IAR);
}

void gic_end(uint32_t acknowledged)
{
	if (machine.gic_version == 3) {
		sysreg_write(ICC_EOIR1_EL1, acknowledged);
		isb();
	} else {
		mmio_set32(machine.gicc + GICC_EOIR, acknowledged);
	}
}

uint32_t gic_running_priority(void)
{
	return machine.gic_version == 3 ? (uint32_t)sysreg_read(ICC_RPR_EL1)
					: mmio_get32(machine.gicc + GICC_RPR);
}

void gic_set_mask(uint8_t mask)
{
	if (machine.gic_version == 3) {
		sysreg_write(ICC_PMR_EL1, mask);
		isb();
		dsb_sy();
	} else {
		mmio_set32(machine.gicc + GICC_PMR, mask);
	}
}

void gic_handle_irq(void)
{
	uint32_t iar = gic_acknowledge();
	uint32_t intid = machine.gic_version == 3 ? iar & 0xffffff : iar & 0x3ff;

	if (intid >= GIC_NR_INTIDS) {
		gic_nr_spurious++;
		return;
	}
	gic_last_source[this_cpu()->idx] = (iar >> 10) & 7;
	if (handlers[intid] != NULL) {
		handlers[intid](intid);
	} else {
		gic_nr_unhandled++;
	}
	gic_end(iar);
}

void gic_set_handler(uint32_t intid, irq_handler_t handler)
{
	WRITE_ONCE(handlers[intid], handler);
	dsb_ish();
}

void gic_enable(uint32_t intid)
{
	set_bit_register(GICD_ISENABLER, intid);
}

void gic_disable(uint32_t intid)
{
	set_bit_register(GICD_ICENABLER, intid);
}

void gic_set_pending(uint32_t intid)
{
	set_bit_register(GICD_ISPENDR, intid);
}

void gic_clear_pending(uint32_t intid)
{
	set_bit_register(GICD_ICPENDR, intid);
}

bool gic_is_pending(uint32_t intid)
{
	return get_bit_register(GICD_ISPENDR, intid);
}

bool gic_is_active(uint32_t intid)
{
	return get_bit_register(GICD_ISACTIVER, intid);
}

void gic_set_priority(uint32_t intid, uint8_t priority)
{
	uint64_t word = gic_word(GICD_IPRIORITYR, intid, 8);

	mmio_write8_relaxed((volatile void *)(uintptr_t)(word + intid % 4), priority);
}

void gic_set_target(uint32_t intid, unsigned int cpu_idx)
{
	if (machine.gic_version == 3) {
		mmio_write64((volatile void *)(uintptr_t)(machine.gicd + GICD_IROUTER + intid * 8),
			     machine.mpidr[cpu_idx] & 0xff00ffffff);
	} else {
		mmio_write8_relaxed((volatile void *)(uintptr_t)(machine.gicd + GICD_ITARGETSR +
								 intid),
				    (uint8_t)(1u << cpu_idx));
	}
}

void gic_set_edge(uint32_t intid, bool edge)
{
	uint64_t word = gic_word(GICD_ICFGR, intid, 2);
	uint32_t bit = UINT32_C(2) << (intid % 16 * 2);
	uint32_t value = mmio_get32(word);

	mmio_set32(word, edge ? value | bit : value & ~bit);
}

static void write_sgi1r(uint64_t value)
{
	/* What the receiver shall see is written before it is told. */
	dsb_ish();
	sysreg_write(ICC_SGI1R_EL1, value);
	isb();
}

void gic_send_sgi(unsigned int cpu_idx, uint32_t sgi)
{
	if (machine.gic_version == 3) {
		uint64_t mpidr = machine.mpidr[cpu_idx];

		write_sgi1r((uint64_t)sgi << 24 | ((mpidr >> 8) & 0xff) << 16 |
			    UINT64_C(1) << (mpidr & 0xf));
	} else {
		mmio_set32(machine.gicd + GICD_SGIR, 1u << (16 + cpu_idx) | sgi);
	}
}

void gic_send_sgi_others(uint32_t sgi)
{
	if (machine.gic_version == 3) {
		write_sgi1r((uint64_t)sgi << 24 | BIT64(40));
	} else {
		mmio_set32(machine.gicd + GICD_SGIR, 1u << 24 | sgi);
	}
}

void gic_send_sgi_self(uint32_t sgi)
{
	if (machine.gic_version == 3) {
		gic_send_sgi(this_cpu()->idx, sgi);
	} else {
		mmio_set32(machine.gicd + GICD_SGIR, 2u << 24 | sgi);
	}
}
