/* SPDX-License-Identifier: MIT */
/*
 * GICv2 (IHI 0048): distributor, CPU interface and virtual interface control, all memory mapped. PPIs and SGIs are
 * banked by CPU at the distributor. Group and priority registers are used as the Non-secure world, or a machine
 * without the Security Extensions, sees them: one group, enabled by bit 0.
 */
#include "gic/gic_internal.h"

#include "arm64/mmio.h"
#include "arm64/percpu.h"
#include "lib/assert.h"
#include "lib/log.h"

#define MAX_INTERFACES 8

static volatile uint8_t *gicd __ro_after_init_bss;
static volatile uint8_t *gicc __ro_after_init_bss;
static volatile uint8_t *gich __ro_after_init_bss;

/* The CPU interface of each CPU as a bit of GICD_ITARGETSR and GICD_SGIR; each CPU writes its own. */
static uint8_t interface_of[MAX_INTERFACES];

/* GICD_ITARGETSR0 to 7 read as the reader's own bit in each byte; all zero with a single CPU interface. */
static uint8_t own_interface(void)
{
	uint32_t mask = 0;

	for (uint32_t at = 0; at < 32 && mask == 0; at += 4) {
		mask = mmio_read32(gicd + GICD_ITARGETSR + at);
	}
	mask |= mask >> 16;
	mask |= mask >> 8;
	return mask == 0 ? 1 : (uint8_t)mask;
}

/*
 * With 64 KiB pages in mind some machines repeat each 4 KiB page of registers over 64 KiB, so that GICC_DIR, which
 * begins the second page, is 64 KiB on. From the last copy of the first page the registers are in one piece.
 */
static void find_aliases(void)
{
	uint32_t iidr;

	if (gic_info.cpu_size < 0x20000) {
		return;
	}
	iidr = mmio_read32(gicc + GICC_IIDR);
	if ((iidr & GICC_IIDR_MASK) == GICC_IIDR_V2_ARM &&
	    mmio_read32(gicc + 0xf000 + GICC_IIDR) == iidr) {
		gic_info.v2_alias_offset = 0xf000;
		gicc += 0xf000;
	}
}

static void gicv2_init(void)
{
	uint32_t typer, vtr, target;

	gicd = gic_map(gic_info.dist_base, gic_info.dist_size, "the distributor");
	/* Some trees give the CPU interface one page; GICC_DIR is in the second. */
	gicc = gic_map(gic_info.cpu_base, MAX(gic_info.cpu_size, UINT64_C(0x2000)),
		       "the CPU interface");
	gich = gic_map(gic_info.gich_base, gic_info.gich_size, "the virtual interface control");
	find_aliases();

	mmio_write32(gicd + GICD_CTLR, 0);
	typer = mmio_read32(gicd + GICD_TYPER);
	gic_info.nr_intids = MIN(32 * ((unsigned int)FIELD_GET(GICD_TYPER_LINES, typer) + 1),
				 (unsigned int)INTID_SPI_LIMIT);
	vtr = mmio_read32(gich + GICH_VTR);
	gic_info.nr_lrs =
		MIN((unsigned int)FIELD_GET(GICH_VTR_LISTREGS, vtr) + 1, (unsigned int)GIC_MAX_LRS);
	gic_info.priority_bits = (unsigned int)FIELD_GET(GICH_VTR_PRIBITS, vtr) + 1;
	gic_info.nr_aprs = 1;

	gic_reset_interrupts(gicd, INTID_SPI_FIRST, gic_info.nr_intids);
	target = own_interface() * 0x01010101u;
	for (uint32_t intid = INTID_SPI_FIRST; intid < gic_info.nr_intids; intid += 4) {
		mmio_write32_relaxed(gicd + GICD_ITARGETSR + intid, target);
	}
	/* Group 0 where there is one Security state, whatever ran before; ignored where there are two. */
	for (uint32_t intid = INTID_SPI_FIRST; intid < gic_info.nr_intids; intid += 32) {
		mmio_write32_relaxed(gicd + GICD_IGROUPR + intid / 8, 0);
	}
	mmio_write32(gicd + GICD_CTLR, GICD_CTLR_V2_ENABLE);
}

static void gicv2_init_cpu(void)
{
	uint32_t bypass;

	if (this_cpu_id() >= MAX_INTERFACES) {
		panic("gic: cpu%u: a GICv2 serves %u CPUs at most", this_cpu_id(), MAX_INTERFACES);
	}
	interface_of[this_cpu_id()] = own_interface();

	gic_reset_interrupts(gicd, 0, INTID_SPI_FIRST);
	mmio_write32_relaxed(gicd + GICD_IGROUPR, 0);
	for (uint32_t at = 0; at < 16; at += 4) {
		mmio_write32_relaxed(gicd + GICD_CPENDSGIR + at, UINT32_MAX);
	}
	mmio_write32(gicd + GICD_ISENABLER, 0xffff);

	for (uint32_t at = 0; at < 16; at += 4) {
		mmio_write32_relaxed(gicc + GICC_APR + at, 0);
	}
	mmio_write32(gicc + GICC_PMR, GIC_PRIORITY_LOWEST);
	mmio_write32(gicc + GICC_BPR, 0);
	bypass = mmio_read32(gicc + GICC_CTLR) & (uint32_t)GICC_CTLR_BYPASS;
	mmio_write32(gicc + GICC_CTLR, bypass | (uint32_t)(GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE));
}

static uint32_t gicv2_acknowledge(void)
{
	return mmio_read32(gicc + GICC_IAR);
}

static void gicv2_drop_priority(uint32_t ack)
{
	mmio_write32(gicc + GICC_EOIR, ack);
}

static void gicv2_deactivate(uint32_t ack)
{
	mmio_write32(gicc + GICC_DIR, ack);
}

static volatile uint8_t *gicv2_frame(uint32_t intid)
{
	return gicd;
}

static void gicv2_wait_for_writes(uint32_t intid)
{
	/* GICv2 has no such bit; the read is answered after the write took effect. */
	(void)mmio_read32(gicd + GICD_CTLR);
}

static void gicv2_set_target(uint32_t intid, unsigned int cpu)
{
	mmio_write8_relaxed(gicd + GICD_ITARGETSR + intid, interface_of[cpu]);
}

static void gicv2_send_sgi(unsigned int cpu, uint32_t sgi)
{
	/* mmio_write32() makes this CPU's earlier stores visible before the other one is interrupted. */
	mmio_write32(gicd + GICD_SGIR,
		     (uint32_t)FIELD_PREP(GICD_SGIR_TARGETS, interface_of[cpu]) | sgi);
}

static void gicv2_send_sgi_all_others(uint32_t sgi)
{
	mmio_write32(gicd + GICD_SGIR,
		     (uint32_t)FIELD_PREP(GICD_SGIR_FILTER, GICD_SGIR_OTHERS) | sgi);
}

/* ---- virtual interface; Device memory keeps these accesses in order among themselves -------- */

static void gicv2_lr_write(unsigned int idx, const struct gic_lr *lr)
{
	mmio_write32_relaxed(gich + GICH_LR + 4 * idx, gicv2_lr_encode(lr));
}

static bool gicv2_lr_fill(unsigned int idx, uint64_t lr)
{
	if ((mmio_read32_relaxed(gich + GICH_ELRSR0) >> idx & 1) == 0) {
		return false;
	}
	mmio_write32_relaxed(gich + GICH_LR + 4 * idx, gicv2_lr_from_v3(lr));
	return true;
}

static void gicv2_lr_clear(unsigned int idx)
{
	mmio_write32_relaxed(gich + GICH_LR + 4 * idx, 0);
}

static void gicv2_lr_read(unsigned int idx, struct gic_lr *lr)
{
	gicv2_lr_decode(mmio_read32_relaxed(gich + GICH_LR + 4 * idx), lr);
}

/* Only the first 16 list registers are used (GIC_MAX_LRS), so the first of each pair of words tells all. */
static uint64_t lr_mask(void)
{
	return BIT64(gic_info.nr_lrs) - 1;
}

static uint64_t gicv2_lr_empty_mask(void)
{
	return mmio_read32_relaxed(gich + GICH_ELRSR0) & lr_mask();
}

static uint64_t gicv2_lr_eoi_mask(void)
{
	return mmio_read32_relaxed(gich + GICH_EISR0) & lr_mask();
}

static void gicv2_hcr_write(uint32_t hcr)
{
	mmio_write32_relaxed(gich + GICH_HCR, hcr);
}

static uint32_t gicv2_vmcr_read(void)
{
	return mmio_read32_relaxed(gich + GICH_VMCR);
}

static void gicv2_vcpu_save(struct gic_vcpu_state *state)
{
	state->hcr = mmio_read32_relaxed(gich + GICH_HCR);
	state->vmcr = mmio_read32_relaxed(gich + GICH_VMCR);
	state->apr0[0] = mmio_read32_relaxed(gich + GICH_APR);
	gicv2_hcr_write(0);
}

static void gicv2_vcpu_load(const struct gic_vcpu_state *state)
{
	mmio_write32_relaxed(gich + GICH_VMCR, state->vmcr);
	mmio_write32_relaxed(gich + GICH_APR, state->apr0[0]);
	gicv2_hcr_write(state->hcr);
}

const struct gic_ops gicv2_ops = {
	.init = gicv2_init,
	.init_cpu = gicv2_init_cpu,
	.acknowledge = gicv2_acknowledge,
	.drop_priority = gicv2_drop_priority,
	.deactivate = gicv2_deactivate,
	.frame = gicv2_frame,
	.wait_for_writes = gicv2_wait_for_writes,
	.set_target = gicv2_set_target,
	.send_sgi = gicv2_send_sgi,
	.send_sgi_all_others = gicv2_send_sgi_all_others,
	.lr_write = gicv2_lr_write,
	.lr_fill = gicv2_lr_fill,
	.lr_clear = gicv2_lr_clear,
	.lr_read = gicv2_lr_read,
	.lr_empty_mask = gicv2_lr_empty_mask,
	.lr_eoi_mask = gicv2_lr_eoi_mask,
	.hcr_write = gicv2_hcr_write,
	.vmcr_read = gicv2_vmcr_read,
	.vcpu_save = gicv2_vcpu_save,
	.vcpu_load = gicv2_vcpu_load,
};
