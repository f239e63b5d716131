/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller as the rest of Tenon sees it: the choice of version, and what both versions have in
 * common, which is the banks of registers with one, two or eight bits an interrupt. gicv2.c and gicv3.c have the
 * rest, gic_fdt.c the discovery, gic_irq.c the handlers.
 */
#include "gic/gic_internal.h"

#include "arm64/mmio.h"
#include "arm64/percpu.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "mm/mm.h"

struct gic_info gic_info __ro_after_init_bss;
const struct gic_ops *gic_ops __ro_after_init_bss;

/* Guards the read-modify-write of GICD_ICFGR and GICR_ICFGR1; the other banks have a set and a clear register. */
static struct spinlock config_lock = SPINLOCK_INIT(LOCK_RANK_GIC);

volatile uint8_t *gic_map(maddr_t base, uint64_t size, const char *what)
{
	volatile uint8_t *va = hyp_map_device(base, size);

	if (va == NULL) {
		panic("gic: %s at 0x%llx cannot be mapped", what, (unsigned long long)base);
	}
	return va;
}

void gic_init(const void *fdt)
{
	int error = gic_fdt_parse(fdt, &gic_info);

	if (error != 0) {
		panic("gic: the device tree names no usable interrupt controller (error %d)", error);
	}
	gic_ops = gic_info.version == GIC_V3 ? &gicv3_ops : &gicv2_ops;
	gic_ops->init();
	log_info("gic: GICv%d, %u interrupts, %u list registers, maintenance interrupt %u",
		 (int)gic_info.version, gic_info.nr_intids, gic_info.nr_lrs,
		 gic_info.maintenance_intid);
}

void gic_init_cpu(void)
{
	gic_ops->init_cpu();
	gic_ops->hcr_write(0);
	for (unsigned int idx = 0; idx < gic_info.nr_lrs; idx++) {
		gic_ops->lr_clear(idx);
	}
}

/* ---- banks of registers --------------------------------------------------------------------- */

static volatile uint8_t *word_of(uint32_t intid, uint32_t bank)
{
	return gic_ops->frame(intid) + bank + intid / 32 * 4;
}

static uint32_t bit_of(uint32_t intid)
{
	return (uint32_t)1 << (intid % 32);
}

static void set_bit(uint32_t intid, uint32_t bank)
{
	mmio_write32(word_of(intid, bank), bit_of(intid));
}

static bool test_bit(uint32_t intid, uint32_t bank)
{
	return (mmio_read32(word_of(intid, bank)) & bit_of(intid)) != 0;
}

void gic_reset_interrupts(volatile uint8_t *frame, uint32_t first, uint32_t end)
{
	const uint32_t priorities = GIC_PRIORITY_DEFAULT * 0x01010101u;

	for (uint32_t intid = first; intid < end; intid += 32) {
		mmio_write32_relaxed(frame + GICD_ICENABLER + intid / 8, UINT32_MAX);
		mmio_write32_relaxed(frame + GICD_ICPENDR + intid / 8, UINT32_MAX);
		mmio_write32_relaxed(frame + GICD_ICACTIVER + intid / 8, UINT32_MAX);
	}
	for (uint32_t intid = first; intid < end; intid += 4) {
		mmio_write32_relaxed(frame + GICD_IPRIORITYR + intid, priorities);
	}
	/* The word of the SGIs is read-only. */
	for (uint32_t intid = MAX(first, (uint32_t)INTID_PPI_FIRST); intid < end; intid += 16) {
		mmio_write32_relaxed(frame + GICD_ICFGR + intid / 4, 0);
	}
}

void gic_enable(uint32_t intid)
{
	set_bit(intid, GICD_ISENABLER);
}

void gic_disable(uint32_t intid)
{
	set_bit(intid, GICD_ICENABLER);
	gic_ops->wait_for_writes(intid);
}

void gic_set_trigger(uint32_t intid, enum gic_trigger trigger)
{
	volatile uint8_t *word = gic_ops->frame(intid) + GICD_ICFGR + intid / 16 * 4;
	uint32_t edge = (uint32_t)GICD_ICFGR_EDGE << (intid % 16 * 2);
	uint32_t value;

	spin_lock(&config_lock);
	value = mmio_read32(word);
	mmio_write32(word, trigger == GIC_EDGE ? value | edge : value & ~edge);
	spin_unlock(&config_lock);
}

void gic_set_priority(uint32_t intid, uint8_t priority)
{
	mmio_write8_relaxed(gic_ops->frame(intid) + GICD_IPRIORITYR + intid, priority);
}

void gic_set_target(uint32_t intid, unsigned int cpu)
{
	ASSERT(intid >= INTID_SPI_FIRST && cpu < nr_cpus);
	gic_ops->set_target(intid, cpu);
}

void gic_set_pending(uint32_t intid, bool pending)
{
	set_bit(intid, pending ? GICD_ISPENDR : GICD_ICPENDR);
}

void gic_set_active(uint32_t intid, bool active)
{
	set_bit(intid, active ? GICD_ISACTIVER : GICD_ICACTIVER);
}

bool gic_is_pending(uint32_t intid)
{
	return test_bit(intid, GICD_ISPENDR);
}

bool gic_is_active(uint32_t intid)
{
	return test_bit(intid, GICD_ISACTIVER);
}

void gic_deactivate(uint32_t intid)
{
	gic_ops->deactivate(intid);
}

void gic_send_sgi(unsigned int cpu, uint32_t sgi)
{
	ASSERT(sgi < INTID_PPI_FIRST);
	gic_ops->send_sgi(cpu, sgi);
}

void gic_send_sgi_all_others(uint32_t sgi)
{
	ASSERT(sgi < INTID_PPI_FIRST);
	gic_ops->send_sgi_all_others(sgi);
}

/* ---- virtual interface ---------------------------------------------------------------------- */

void gic_lr_write(unsigned int idx, const struct gic_lr *lr)
{
	ASSERT(idx < gic_info.nr_lrs);
	ASSERT(!lr->hw || !(lr->pending && lr->active));
	gic_ops->lr_write(idx, lr);
}

bool gic_lr_fill(unsigned int idx, uint64_t lr)
{
	ASSERT(idx < gic_info.nr_lrs);
	return gic_ops->lr_fill(idx, lr);
}

void gic_lr_clear(unsigned int idx)
{
	ASSERT(idx < gic_info.nr_lrs);
	gic_ops->lr_clear(idx);
}

void gic_lr_read(unsigned int idx, struct gic_lr *lr)
{
	ASSERT(idx < gic_info.nr_lrs);
	gic_ops->lr_read(idx, lr);
}

uint64_t gic_lr_empty_mask(void)
{
	return gic_ops->lr_empty_mask();
}

uint64_t gic_lr_eoi_mask(void)
{
	return gic_ops->lr_eoi_mask();
}

void gic_hcr_write(uint32_t hcr)
{
	gic_ops->hcr_write(hcr);
}

uint32_t gic_vmcr_read(void)
{
	return gic_ops->vmcr_read();
}

void gic_vcpu_init(struct gic_vcpu_state *state)
{
	/* A guest finds its interface as after reset: group disabled, every priority masked. */
	*state = (struct gic_vcpu_state){.hcr = GIC_HCR_EN};
}

void gic_vcpu_save(struct gic_vcpu_state *state)
{
	gic_ops->vcpu_save(state);
}

void gic_vcpu_load(const struct gic_vcpu_state *state)
{
	gic_ops->vcpu_load(state);
}
