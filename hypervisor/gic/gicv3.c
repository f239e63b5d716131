/* SPDX-License-Identifier: MIT */
/*
 * GICv3 (IHI 0069): distributor and redistributors memory mapped, CPU and virtual interface as system registers.
 * Affinity routing, Non-secure group 1 for all, no LPIs. GICv4 machines are driven as GICv3.
 */
#include "gic/gic_internal.h"

#include "arm64/barrier.h"
#include "arm64/mmio.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "lib/assert.h"
#include "lib/log.h"

/* A redistributor found in the regions, by the affinity Aff3.Aff2.Aff1.Aff0 that its GICR_TYPER states. */
struct redistributor {
	uint32_t affinity;
	volatile uint8_t *rd_base;
};

static volatile uint8_t *gicd __ro_after_init_bss;
static struct redistributor redistributors[MAX_CPUS] __ro_after_init_bss;
static unsigned int nr_redistributors __ro_after_init_bss;

/* Each CPU's own. Others read the affinity to send it an SGI or an SPI once it is online. */
static DEFINE_PER_CPU(volatile uint8_t *, gicv3_rd_base);
static DEFINE_PER_CPU(uint32_t, gicv3_affinity);

/* MPIDR_EL1's Aff3 is apart from the others; the controller packs the four bytes. */
static uint32_t own_affinity(void)
{
	uint64_t mpidr = sysreg_read(MPIDR_EL1) & MPIDR_AFFINITY;

	return (uint32_t)(mpidr >> 8 & 0xff000000) | (uint32_t)(mpidr & 0xffffff);
}

/* The four bytes as GICD_IROUTER and MPIDR_EL1 have them. */
static uint64_t affinity_to_mpidr(uint32_t affinity)
{
	return (uint64_t)(affinity >> 24) << 32 | (affinity & 0xffffff);
}

static bool wait_until_clear(volatile uint8_t *word, uint32_t bits)
{
	for (unsigned int polls = 0; polls < GIC_WAIT_POLLS; polls++) {
		if ((mmio_read32(word) & bits) == 0) {
			return true;
		}
	}
	return false;
}

static void wait_for_dist(void)
{
	if (!wait_until_clear(gicd + GICD_CTLR, (uint32_t)GICD_CTLR_RWP)) {
		log_error("gic: the distributor does not finish its writes (GICD_CTLR.RWP stays "
			  "set)");
	}
}

static void wait_for_redistributor(volatile uint8_t *rd_base)
{
	if (!wait_until_clear(rd_base + GICR_CTLR, (uint32_t)GICR_CTLR_RWP)) {
		log_error("gic: cpu%u: the redistributor does not finish its writes (GICR_CTLR.RWP "
			  "stays set)",
			  this_cpu_id());
	}
}

/* ---- discovery of the redistributors -------------------------------------------------------- */

/*
 * One region: a frame a CPU, up to the one marked as the last. Each is mapped as it is found, since the region a
 * tree gives is often made for far more CPUs than there are.
 */
static void scan_region(maddr_t base, uint64_t size)
{
	uint64_t offset = 0;

	while (offset + GICR_FRAME_BYTES <= size) {
		volatile uint8_t *rd_base =
			gic_map(base + offset, GICR_FRAME_BYTES, "a redistributor");
		uint64_t typer = mmio_read64(rd_base + GICR_TYPER);

		if (nr_redistributors == MAX_CPUS) {
			log_warning("gic: more than %u redistributors, the others are not used",
				    MAX_CPUS);
			return;
		}
		redistributors[nr_redistributors++] = (struct redistributor){
			.affinity = (uint32_t)FIELD_GET(GICR_TYPER_AFFINITY, typer),
			.rd_base = rd_base,
		};
		if ((typer & GICR_TYPER_LAST) != 0) {
			return;
		}
		if (gic_info.redist_stride != 0) {
			offset += gic_info.redist_stride;
		} else {
			/* A GICv4 redistributor has two frames more, for virtual LPIs. */
			offset += (typer & GICR_TYPER_VLPIS) != 0 ? GICR_FRAME_VLPI_BYTES
								  : GICR_FRAME_BYTES;
		}
	}
}

static volatile uint8_t *find_redistributor(uint32_t affinity)
{
	for (unsigned int i = 0; i < nr_redistributors; i++) {
		if (redistributors[i].affinity == affinity) {
			return redistributors[i].rd_base;
		}
	}
	panic("gic: cpu%u: no redistributor has affinity %u.%u.%u.%u: see reg of the controller's "
	      "node in the "
	      "device tree",
	      this_cpu_id(), affinity >> 24, affinity >> 16 & 0xff, affinity >> 8 & 0xff,
	      affinity & 0xff);
}

/* ---- set-up ----------------------------------------------------------------------------------- */

/* ICC_* and ICH_* exist for this CPU only after this. */
static void enable_system_registers(void)
{
	/* Without the Enable bit: guests do not choose, their accesses to ICC_SRE_EL1 trap (trap_sysreg.c). */
	uint64_t sre = ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB;

	if (FIELD_GET(PFR0_GIC, sysreg_read(ID_AA64PFR0_EL1)) == 0) {
		panic("gic: cpu%u has no GICv3 system registers, but the device tree names a GICv3",
		      this_cpu_id());
	}
	sysreg_write(ICC_SRE_EL2, sre);
	isb(); /* the other registers are accessible from here on */
	sysreg_write(ICC_SRE_EL1, sre);
	if ((sysreg_read(ICC_SRE_EL2) & ICC_SRE_SRE) == 0) {
		panic("gic: cpu%u: ICC_SRE_EL2.SRE stays clear: the firmware does not allow GICv3 "
		      "system registers",
		      this_cpu_id());
	}
}

static void gicv3_init(void)
{
	uint64_t boot_cpu = affinity_to_mpidr(own_affinity());
	uint32_t typer;
	uint64_t vtr;

	enable_system_registers();
	gicd = gic_map(gic_info.dist_base, gic_info.dist_size, "the distributor");
	nr_redistributors = 0;
	for (unsigned int i = 0; i < gic_info.nr_redist_regions; i++) {
		scan_region(gic_info.redist_region[i].base, gic_info.redist_region[i].size);
	}

	mmio_write32(gicd + GICD_CTLR, 0);
	wait_for_dist();
	typer = mmio_read32(gicd + GICD_TYPER);
	gic_info.nr_intids = MIN(32 * ((unsigned int)FIELD_GET(GICD_TYPER_LINES, typer) + 1),
				 (unsigned int)INTID_SPI_LIMIT);
	vtr = sysreg_read(ICH_VTR_EL2);
	gic_info.nr_lrs =
		MIN((unsigned int)FIELD_GET(ICH_VTR_LISTREGS, vtr) + 1, (unsigned int)GIC_MAX_LRS);
	gic_info.priority_bits = (unsigned int)FIELD_GET(ICH_VTR_PRIBITS, vtr) + 1;
	/* 32 preemption levels a register: 5 bits need one, 6 two, 7 four. */
	gic_info.nr_aprs = 1u << (MAX((unsigned int)FIELD_GET(ICH_VTR_PREBITS, vtr) + 1, 5u) - 5);
	gic_info.nr_aprs = MIN(gic_info.nr_aprs, 4u);

	gic_reset_interrupts(gicd, INTID_SPI_FIRST, gic_info.nr_intids);
	for (uint32_t intid = INTID_SPI_FIRST; intid < gic_info.nr_intids; intid += 32) {
		mmio_write32_relaxed(gicd + GICD_IGROUPR + intid / 8, UINT32_MAX);
	}
	wait_for_dist();
	/* Routing registers exist once affinity routing is on; nothing is enabled yet. */
	mmio_write32(gicd + GICD_CTLR,
		     (uint32_t)(GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_GRP1A | GICD_CTLR_ENABLE_GRP1));
	wait_for_dist();
	for (uint32_t intid = INTID_SPI_FIRST; intid < gic_info.nr_intids; intid++) {
		mmio_write64(gicd + GICD_IROUTER + 8 * intid, boot_cpu);
	}
}

/* Active priorities that whoever ran before left; how many registers exist depends on the priority bits. */
static void clear_active_priorities(void)
{
	unsigned int bits = (unsigned int)FIELD_GET(ICC_CTLR_PRIBITS, sysreg_read(ICC_CTLR_EL1)) + 1;

	if (bits >= 7) {
		sysreg_write(ICC_AP1R3_EL1, 0);
		sysreg_write(ICC_AP1R2_EL1, 0);
	}
	if (bits >= 6) {
		sysreg_write(ICC_AP1R1_EL1, 0);
	}
	sysreg_write(ICC_AP1R0_EL1, 0);
}

static void gicv3_init_cpu(void)
{
	uint32_t affinity = own_affinity();
	volatile uint8_t *rd_base = find_redistributor(affinity);
	volatile uint8_t *sgi_base = rd_base + GICR_SGI_FRAME;
	uint32_t waker;

	this_cpu(gicv3_rd_base) = rd_base;
	this_cpu(gicv3_affinity) = affinity;

	/* Secure-only on machines with two Security states: then it reads 0 and is awake already. */
	waker = mmio_read32(rd_base + GICR_WAKER);
	mmio_write32(rd_base + GICR_WAKER, waker & ~(uint32_t)GICR_WAKER_SLEEP);
	if (!wait_until_clear(rd_base + GICR_WAKER, (uint32_t)GICR_WAKER_ASLEEP)) {
		log_error("gic: cpu%u: the redistributor does not wake up "
			  "(GICR_WAKER.ChildrenAsleep stays set)",
			  this_cpu_id());
	}
	gic_reset_interrupts(sgi_base, 0, INTID_SPI_FIRST);
	mmio_write32(sgi_base + GICD_IGROUPR, UINT32_MAX);
	wait_for_redistributor(rd_base);
	mmio_write32(sgi_base + GICD_ISENABLER, 0xffff);

	enable_system_registers();
	sysreg_write(ICC_PMR_EL1, GIC_PRIORITY_LOWEST);
	sysreg_write(ICC_BPR1_EL1, 0);
	sysreg_write(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
	clear_active_priorities();
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb(); /* interrupts are signalled from here on */
}

/* ---- physical interrupts ---------------------------------------------------------------------- */

static uint32_t gicv3_acknowledge(void)
{
	uint32_t intid = (uint32_t)FIELD_GET(ICC_IAR_INTID, sysreg_read(ICC_IAR1_EL1));

	/* The acknowledge takes effect before any access of the handler (IHI 0069, "Observability of the
	 * effects of accesses to the GIC registers"). */
	dsb_sy();
	return intid;
}

static void gicv3_drop_priority(uint32_t ack)
{
	sysreg_write(ICC_EOIR1_EL1, ack);
	isb(); /* before the deactivation, and before the next acknowledge */
}

static void gicv3_deactivate(uint32_t ack)
{
	sysreg_write(ICC_DIR_EL1, ack);
	isb();
}

static volatile uint8_t *gicv3_frame(uint32_t intid)
{
	return intid < INTID_SPI_FIRST ? this_cpu(gicv3_rd_base) + GICR_SGI_FRAME : gicd;
}

static void gicv3_wait_for_writes(uint32_t intid)
{
	if (intid < INTID_SPI_FIRST) {
		wait_for_redistributor(this_cpu(gicv3_rd_base));
	} else {
		wait_for_dist();
	}
}

static void gicv3_set_target(uint32_t intid, unsigned int cpu)
{
	mmio_write64(gicd + GICD_IROUTER + 8 * intid,
		     affinity_to_mpidr(per_cpu(gicv3_affinity, cpu)));
}

static void write_sgi1r(uint64_t value)
{
	dsb_ishst(); /* what the other CPU shall look at is visible before it is interrupted */
	sysreg_write(ICC_SGI1R_EL1, value);
	isb();
}

static void gicv3_send_sgi(unsigned int cpu, uint32_t sgi)
{
	uint32_t affinity = per_cpu(gicv3_affinity, cpu);

	write_sgi1r(FIELD_PREP(ICC_SGI1R_AFF3, affinity >> 24) |
		    FIELD_PREP(ICC_SGI1R_AFF2, affinity >> 16) |
		    FIELD_PREP(ICC_SGI1R_AFF1, affinity >> 8) |
		    FIELD_PREP(ICC_SGI1R_RS, affinity >> 4) | /* Aff0 in ranges of 16 ... */
		    FIELD_PREP(ICC_SGI1R_TARGETS, BIT64(affinity & 0xf)) | /* ... and the bit in it */
		    FIELD_PREP(ICC_SGI1R_INTID, sgi));
}

static void gicv3_send_sgi_all_others(uint32_t sgi)
{
	write_sgi1r(ICC_SGI1R_IRM | FIELD_PREP(ICC_SGI1R_INTID, sgi));
}

/* ---- virtual interface: an exception return follows every write before a guest sees it -------- */

/* System registers cannot be indexed. */
#define FOR_EACH_LR(DO) \
	DO(0)           \
	DO(1)           \
	DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

static void write_lr(unsigned int idx, uint64_t raw)
{
	switch (idx) {
#define WRITE_LR(n)                                 \
	case n:                                     \
		sysreg_write(ICH_LR##n##_EL2, raw); \
		break;
		FOR_EACH_LR(WRITE_LR)
#undef WRITE_LR
	default:
		break;
	}
}

static uint64_t read_lr(unsigned int idx)
{
	switch (idx) {
#define READ_LR(n) \
	case n:    \
		return sysreg_read(ICH_LR##n##_EL2);
		FOR_EACH_LR(READ_LR)
#undef READ_LR
	default:
		return 0;
	}
}

static void gicv3_lr_write(unsigned int idx, const struct gic_lr *lr)
{
	write_lr(idx, gicv3_lr_encode(lr));
	/*
	 * ICH_ELRSR_EL2 tells of it: gicv3_lr_fill() in this same exit shall not put a pending one over an active one. What
	 * that writes itself needs none, as the same interrupt is filled in twice at most, pending both times.
	 */
	isb();
}

static bool gicv3_lr_fill(unsigned int idx, uint64_t lr)
{
	if ((sysreg_read(ICH_ELRSR_EL2) >> idx & 1) == 0) {
		return false;
	}
	/* The one that is in use when any is. */
	if (likely(idx == 0)) {
		sysreg_write(ICH_LR0_EL2, lr | ICH_LR_GROUP1);
	} else {
		write_lr(idx, lr | ICH_LR_GROUP1);
	}
	return true;
}

static void gicv3_lr_clear(unsigned int idx)
{
	write_lr(idx, 0);
}

static void gicv3_lr_read(unsigned int idx, struct gic_lr *lr)
{
	gicv3_lr_decode(read_lr(idx), lr);
}

static uint64_t gicv3_lr_empty_mask(void)
{
	isb(); /* what this exit has written to list registers counts */
	return sysreg_read(ICH_ELRSR_EL2) & (BIT64(gic_info.nr_lrs) - 1);
}

static uint64_t gicv3_lr_eoi_mask(void)
{
	return sysreg_read(ICH_EISR_EL2) & (BIT64(gic_info.nr_lrs) - 1);
}

static void gicv3_hcr_write(uint32_t hcr)
{
	sysreg_write(ICH_HCR_EL2, hcr);
}

static uint32_t gicv3_vmcr_read(void)
{
	return (uint32_t)sysreg_read(ICH_VMCR_EL2);
}

/* With more than five bits of preemption priority. */
static __noinline void save_further_aprs(struct gic_vcpu_state *state)
{
	if (gic_info.nr_aprs == 4) {
		state->apr0[3] = (uint32_t)sysreg_read(ICH_AP0R3_EL2);
		state->apr1[3] = (uint32_t)sysreg_read(ICH_AP1R3_EL2);
		state->apr0[2] = (uint32_t)sysreg_read(ICH_AP0R2_EL2);
		state->apr1[2] = (uint32_t)sysreg_read(ICH_AP1R2_EL2);
	}
	state->apr0[1] = (uint32_t)sysreg_read(ICH_AP0R1_EL2);
	state->apr1[1] = (uint32_t)sysreg_read(ICH_AP1R1_EL2);
}

static __noinline void load_further_aprs(const struct gic_vcpu_state *state)
{
	if (gic_info.nr_aprs == 4) {
		sysreg_write(ICH_AP0R3_EL2, state->apr0[3]);
		sysreg_write(ICH_AP1R3_EL2, state->apr1[3]);
		sysreg_write(ICH_AP0R2_EL2, state->apr0[2]);
		sysreg_write(ICH_AP1R2_EL2, state->apr1[2]);
	}
	sysreg_write(ICH_AP0R1_EL2, state->apr0[1]);
	sysreg_write(ICH_AP1R1_EL2, state->apr1[1]);
}

static void gicv3_vcpu_save(struct gic_vcpu_state *state)
{
	state->hcr = (uint32_t)sysreg_read(ICH_HCR_EL2);
	state->vmcr = (uint32_t)sysreg_read(ICH_VMCR_EL2);
	state->apr0[0] = (uint32_t)sysreg_read(ICH_AP0R0_EL2);
	state->apr1[0] = (uint32_t)sysreg_read(ICH_AP1R0_EL2);
	gicv3_hcr_write(0);
	if (unlikely(gic_info.nr_aprs > 1)) {
		save_further_aprs(state);
	}
}

static void gicv3_vcpu_load(const struct gic_vcpu_state *state)
{
	sysreg_write(ICH_VMCR_EL2, state->vmcr);
	sysreg_write(ICH_AP0R0_EL2, state->apr0[0]);
	sysreg_write(ICH_AP1R0_EL2, state->apr1[0]);
	gicv3_hcr_write(state->hcr);
	if (unlikely(gic_info.nr_aprs > 1)) {
		load_further_aprs(state);
	}
}

const struct gic_ops gicv3_ops = {
	.init = gicv3_init,
	.init_cpu = gicv3_init_cpu,
	.acknowledge = gicv3_acknowledge,
	.drop_priority = gicv3_drop_priority,
	.deactivate = gicv3_deactivate,
	.frame = gicv3_frame,
	.wait_for_writes = gicv3_wait_for_writes,
	.set_target = gicv3_set_target,
	.send_sgi = gicv3_send_sgi,
	.send_sgi_all_others = gicv3_send_sgi_all_others,
	.lr_write = gicv3_lr_write,
	.lr_fill = gicv3_lr_fill,
	.lr_clear = gicv3_lr_clear,
	.lr_read = gicv3_lr_read,
	.lr_empty_mask = gicv3_lr_empty_mask,
	.lr_eoi_mask = gicv3_lr_eoi_mask,
	.hcr_write = gicv3_hcr_write,
	.vmcr_read = gicv3_vmcr_read,
	.vcpu_save = gicv3_vcpu_save,
	.vcpu_load = gicv3_vcpu_load,
};
