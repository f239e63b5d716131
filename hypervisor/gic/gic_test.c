/* SPDX-License-Identifier: MIT */
/*
 * The drivers of both versions against a model of the register banks: set-up, routing, SGIs, and the order of
 * acknowledge, handler, EOI and deactivation.
 */
#include "gic/gic_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "abi/xen.h"
#include "arm64/percpu.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "tests/unit/fake_machine.h"
#include "vgic/vgic.h"

#define NR_TEST_CPUS 4
#define DIST_BASE    UINT64_C(0x8000000)
#define CPU_BASE     UINT64_C(0x8010000)
#define GICH_BASE    UINT64_C(0x8030000)
#define GICV_BASE    UINT64_C(0x8040000)
#define REDIST_BASE  UINT64_C(0x80a0000)
#define REDIST2_BASE UINT64_C(0x90a0000)

/* ---- the model ------------------------------------------------------------------------------------ */

/* Registers with one canonical word for each pair of set and clear registers. */
struct reg_frame {
	uint32_t word[0x1000 / 4];
	uint64_t router[1024];
};

static struct reg_frame dist;
static struct reg_frame private_frame[NR_TEST_CPUS]; /* v2: banked words of the distributor; v3: SGI frames */
static uint64_t redist_typer[NR_TEST_CPUS];
static unsigned int nr_model_redists;
static uint32_t gicc_word[0x2000 / 4];
static uint32_t gich_word[0x1000 / 4];
static bool aliased;
static bool waker_stuck;
static uint32_t iar_queue[8];
static unsigned int iar_next;
static char last_message[256];
static unsigned int nr_messages;
static bool domain_takes;
static uint32_t domain_took;

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
	nr_messages += level <= LOG_WARNING ? 1 : 0;
}

volatile void *hyp_map_device(maddr_t start, uint64_t size)
{
	fake_machine_note("map 0x%llx 0x%llx", (unsigned long long)start, (unsigned long long)size);
	return (volatile void *)(uintptr_t)start;
}

bool vgic_physical_interrupt(uint32_t intid)
{
	fake_machine_note("vgic %u", intid);
	domain_took = intid;
	return domain_takes;
}

static bool is_set_clear_bank(uint64_t offset)
{
	return offset >= GICD_ISENABLER && offset < GICD_IPRIORITYR;
}

static uint32_t frame_read(const struct reg_frame *frame, uint64_t offset)
{
	if (is_set_clear_bank(offset)) {
		offset &= ~UINT64_C(0x80); /* both registers of a pair read as the state */
	}
	return frame->word[offset / 4];
}

static void frame_write(struct reg_frame *frame, uint64_t offset, unsigned int size, uint32_t value)
{
	if (is_set_clear_bank(offset)) {
		uint32_t *word = &frame->word[(offset & ~UINT64_C(0x80)) / 4];

		*word = (offset & 0x80) != 0 ? *word & ~value : *word | value;
	} else if (size == 1) {
		((uint8_t *)frame->word)[offset] = (uint8_t)value;
	} else {
		frame->word[offset / 4] = value;
	}
}

/* CPU n's interface is bit 7 - n, to tell it from the number. */
static uint32_t interface_bit(unsigned int cpu)
{
	return 0x80u >> cpu;
}

static struct reg_frame *bank_of(uint64_t offset)
{
	bool banked = offset % 0x80 < 4 && offset >= GICD_IGROUPR && offset < GICD_IPRIORITYR;

	banked = banked || (offset >= GICD_IPRIORITYR && offset < GICD_IPRIORITYR + 32);
	banked = banked || (offset >= GICD_ICFGR && offset < GICD_ICFGR + 8);
	return gic_info.version == GIC_V2 && banked ? &private_frame[fake_machine_cpu] : &dist;
}

static uint64_t dist_read(uint64_t offset, unsigned int size, void *context)
{
	if (offset == GICD_TYPER) {
		return 2; /* 96 interrupts */
	}
	if (gic_info.version == GIC_V2 && offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR + 32) {
		return interface_bit(fake_machine_cpu) * 0x01010101u;
	}
	return frame_read(bank_of(offset), offset);
}

static void dist_write(uint64_t offset, unsigned int size, uint64_t value, void *context)
{
	if (offset >= GICD_IROUTER && offset < GICD_IROUTER + 8 * 1024) {
		assert_int_equal(size, 8);
		assert_true((dist.word[GICD_CTLR / 4] & GICD_CTLR_ARE_NS) != 0);
		dist.router[(offset - GICD_IROUTER) / 8] = value;
	} else {
		frame_write(bank_of(offset), offset, size, (uint32_t)value);
	}
}

static uint64_t next_iar(void *context)
{
	return iar_next < ARRAY_SIZE(iar_queue) && iar_queue[iar_next] != 0
		     ? iar_queue[iar_next++] - 1
		     : INTID_SPURIOUS;
}

static uint64_t gicc_read(uint64_t offset, unsigned int size, void *context)
{
	if (aliased) {
		offset = offset < 0x10000 ? offset % 0x1000 : 0x1000 + offset % 0x1000;
	}
	if (offset == GICC_IAR) {
		return next_iar(NULL);
	}
	return offset == GICC_IIDR ? 0x0202143b : gicc_word[offset / 4];
}

static void gicc_write(uint64_t offset, unsigned int size, uint64_t value, void *context)
{
	if (aliased) {
		offset = offset < 0x10000 ? offset % 0x1000 : 0x1000 + offset % 0x1000;
	}
	gicc_word[offset / 4] = (uint32_t)value;
	if (offset == GICC_EOIR) {
		fake_machine_note("eoi 0x%x", (unsigned int)value);
	} else if (offset == GICC_DIR) {
		fake_machine_note("dir 0x%x", (unsigned int)value);
	}
}

static uint64_t gich_read(uint64_t offset, unsigned int size, void *context)
{
	switch (offset) {
	case GICH_VTR:
		return 4u << 29 | 3; /* 5 priority bits, 4 list registers */
	case GICH_ELRSR0: {
		uint32_t empty = 0xfffffff0; /* beyond the last one */

		for (unsigned int i = 0; i < 4; i++) {
			empty |= (gich_word[GICH_LR / 4 + i] & 0x30000000) == 0 ? 1u << i : 0;
		}
		return empty;
	}
	default:
		return gich_word[offset / 4];
	}
}

static void gich_write(uint64_t offset, unsigned int size, uint64_t value, void *context)
{
	gich_word[offset / 4] = (uint32_t)value;
}

/* context is the CPU that the redistributor belongs to. */
static uint64_t redist_read(uint64_t offset, unsigned int size, void *context)
{
	unsigned int cpu = (unsigned int)(uintptr_t)context;

	if (offset == GICR_TYPER) {
		return redist_typer[cpu];
	}
	if (offset == GICR_WAKER) {
		return waker_stuck ? GICR_WAKER_ASLEEP : 0;
	}
	return offset < GICR_SGI_FRAME ? 0
				       : frame_read(&private_frame[cpu], offset - GICR_SGI_FRAME);
}

static void redist_write(uint64_t offset, unsigned int size, uint64_t value, void *context)
{
	if (offset >= GICR_SGI_FRAME) {
		frame_write(&private_frame[(uintptr_t)context], offset - GICR_SGI_FRAME, size,
			    (uint32_t)value);
	}
}

static void write_eoir(uint64_t value, void *context)
{
	fake_machine_note("eoi 0x%x", (unsigned int)value);
}

static void write_dir(uint64_t value, void *context)
{
	fake_machine_note("dir 0x%x", (unsigned int)value);
}

static uint64_t read_mpidr(void *context)
{
	/* Clusters of two on socket 1, and an Aff0 beyond 16 for the last CPU. */
	static const uint64_t mpidr[NR_TEST_CPUS] = {0x0180000000, 0x0180000001, 0x0180000100,
						     0x0180020311};

	return mpidr[fake_machine_cpu];
}

static void add_redistributor(uint64_t base, uint64_t affinity, uint64_t flags)
{
	unsigned int cpu = nr_model_redists++;

	redist_typer[cpu] = affinity << 32 | flags;
	fake_machine_mmio((const volatile void *)(uintptr_t)base, 0x20000,
			  &(struct fake_machine_device){redist_read, redist_write,
							(void *)(uintptr_t)cpu});
}

/* ---- bringing up ---------------------------------------------------------------------------------- */

static char blob[2048];

static void put_cells(const char *name, const uint32_t *cell, unsigned int nr)
{
	fdt32_t be[32];

	for (unsigned int i = 0; i < nr; i++) {
		be[i] = cpu_to_fdt32(cell[i]);
	}
	assert_int_equal(fdt_property(blob, name, be, (int)nr * 4), 0);
}

static void make_tree(const char *compatible, const uint32_t *reg, unsigned int nr,
		      uint32_t nr_regions)
{
	const uint32_t two = 2, three = 3, ppi9[] = {1, 9, 4};

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	put_cells("#address-cells", &two, 1);
	put_cells("#size-cells", &two, 1);
	assert_int_equal(fdt_begin_node(blob, "intc"), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", compatible), 0);
	assert_int_equal(fdt_property(blob, "interrupt-controller", NULL, 0), 0);
	put_cells("#interrupt-cells", &three, 1);
	put_cells("interrupt-parent", &two, 1);
	put_cells("phandle", &two, 1);
	put_cells("interrupts", ppi9, 3);
	put_cells("reg", reg, nr);
	if (nr_regions != 0) {
		put_cells("#redistributor-regions", &nr_regions, 1);
	}
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static void reset_model(void)
{
	fake_machine_reset();
	memset(&dist, 0, sizeof(dist));
	memset(private_frame, 0, sizeof(private_frame));
	memset(gicc_word, 0, sizeof(gicc_word));
	memset(gich_word, 0xff, sizeof(gich_word)); /* left over from before */
	memset(iar_queue, 0, sizeof(iar_queue));
	iar_next = 0;
	nr_model_redists = 0;
	aliased = false;
	waker_stuck = false;
	nr_messages = 0;
	domain_takes = false;
	domain_took = 0;
	fake_machine_sysreg_handle("MPIDR_EL1", read_mpidr, NULL, NULL);
	fake_machine_mmio((const volatile void *)DIST_BASE, 0x10000,
			  &(struct fake_machine_device){dist_read, dist_write, NULL});
}

static void init_cpus(void)
{
	for (unsigned int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		fake_machine_set_cpu(cpu);
		gic_init_cpu();
	}
	fake_machine_set_cpu(0);
	fake_machine_log_clear();
}

static void start_v2(uint32_t gicc_size)
{
	const uint32_t reg[] = {0, DIST_BASE, 0, 0x10000, 0, CPU_BASE,  0, gicc_size,
				0, GICH_BASE, 0, 0x10000, 0, GICV_BASE, 0, gicc_size};

	make_tree("arm,cortex-a15-gic", reg, ARRAY_SIZE(reg), 0);
	fake_machine_mmio((const volatile void *)CPU_BASE, gicc_size,
			  &(struct fake_machine_device){gicc_read, gicc_write, NULL});
	fake_machine_mmio((const volatile void *)GICH_BASE, 0x1000,
			  &(struct fake_machine_device){gich_read, gich_write, NULL});
	gic_init(blob);
}

static int set_up_v2(void **state)
{
	reset_model();
	start_v2(0x10000);
	init_cpus();
	return 0;
}

static void prepare_v3(void)
{
	reset_model();
	fake_machine_sysreg_set("ID_AA64PFR0_EL1", UINT64_C(1) << 24);
	fake_machine_sysreg_set("ICC_CTLR_EL1", 4 << 8);
	fake_machine_sysreg_set("ICH_VTR_EL2", UINT64_C(4) << 29 | UINT64_C(4) << 26 | 3);
	fake_machine_sysreg_handle("ICC_IAR1_EL1", next_iar, NULL, NULL);
	fake_machine_sysreg_handle("ICC_EOIR1_EL1", NULL, write_eoir, NULL);
	fake_machine_sysreg_handle("ICC_DIR_EL1", NULL, write_dir, NULL);
}

static void start_v3(void)
{
	const uint32_t reg[] = {0, DIST_BASE, 0, 0x10000,      0, REDIST_BASE,
				0, 0xf60000,  0, REDIST2_BASE, 0, 0x40000};

	make_tree("arm,gic-v3", reg, ARRAY_SIZE(reg), 2);
	gic_init(blob);
}

static int set_up_v3(void **state)
{
	prepare_v3();
	/* In the regions as in MPIDRs; the first is a GICv4's, with twice the frames. */
	add_redistributor(REDIST_BASE, 0x01000000, GICR_TYPER_VLPIS);
	add_redistributor(REDIST_BASE + 0x40000, 0x01000001, GICR_TYPER_LAST);
	add_redistributor(REDIST2_BASE, 0x01000100, 0);
	add_redistributor(REDIST2_BASE + 0x20000, 0x01020311, GICR_TYPER_LAST);
	start_v3();
	init_cpus();
	return 0;
}

static int set_up(void **state)
{
	return *(const int *)*state == 2 ? set_up_v2(state) : set_up_v3(state);
}

static bool bit(const struct reg_frame *frame, uint32_t bank, uint32_t intid)
{
	return (frame->word[bank / 4 + intid / 32] >> intid % 32 & 1) != 0;
}

/* ---- handlers ------------------------------------------------------------------------------------- */

static void own_handler(uint32_t intid)
{
	fake_machine_note("handler %u", intid);
}

static void other_handler(uint32_t intid)
{
	fake_machine_note("other %u", intid);
}

static void queue_iar(uint32_t ack)
{
	iar_queue[iar_next] = ack + 1;
	memset(&iar_queue[iar_next + 1], 0,
	       sizeof(iar_queue) - sizeof(iar_queue[0]) * (iar_next + 1));
}

static void own_interrupt_is_ended_after_its_handler(void **state)
{
	assert_int_equal(irq_register(26, own_handler), 0);
	queue_iar(26);
	irq_handle_pending();
	fake_machine_expect("handler 26", "eoi 0x1a", "dir 0x1a");
}

static void forwarded_interrupt_stays_active(void **state)
{
	assert_int_equal(irq_register_forwarded(27, other_handler), 0);
	queue_iar(27);
	irq_handle_pending();
	fake_machine_expect("eoi 0x1b", "other 27");
	fake_machine_expect_none("dir");
}

static void interrupt_of_a_domain_is_only_dropped(void **state)
{
	domain_takes = true;
	queue_iar(48);
	irq_handle_pending();
	assert_int_equal(domain_took, 48);
	fake_machine_expect("eoi 0x30", "vgic 48");
	fake_machine_expect_none("dir");
	assert_int_equal(nr_messages, 0);
}

static void interrupt_of_nobody_is_disabled_and_reported_once(void **state)
{
	gic_enable(49);
	assert_true(bit(&dist, GICD_ISENABLER, 49));
	queue_iar(49);
	irq_handle_pending();
	assert_false(bit(&dist, GICD_ISENABLER, 49));
	fake_machine_expect("eoi 0x31", "vgic 49", "str32 0x184=0x20000", "dir 0x31");
	assert_int_equal(nr_messages, 1);
	assert_non_null(strstr(last_message, "interrupt 49"));
}

static void all_that_is_pending_is_handled(void **state)
{
	assert_int_equal(irq_register(26, own_handler), 0);
	domain_takes = true;
	iar_queue[0] = 26 + 1;
	iar_queue[1] = 50 + 1;
	iar_queue[2] = 26 + 1;
	iar_next = 0;
	fake_machine_interrupt_after(0);
	irq_handle_pending();
	fake_machine_expect("handler 26", "vgic 50", "handler 26");
}

static void what_is_not_there_is_not_acknowledged(void **state)
{
	assert_int_equal(irq_register(26, own_handler), 0);
	iar_queue[0] = 26 + 1;
	iar_queue[1] = 26 + 1;
	iar_next = 0;
	fake_machine_interrupt_after(1);
	irq_handle_pending();
	assert_int_equal(iar_next, 1);
}

static void a_kick_needs_no_handler(void **state)
{
	queue_iar(INTID_SGI_KICK);
	irq_handle_pending();
	fake_machine_expect("eoi 0x0", "dir 0x0");
	fake_machine_expect_none("vgic");
}

static void special_intids_are_not_ended(void **state)
{
	queue_iar(1022);
	irq_handle_pending();
	fake_machine_expect_none("eoi");
	fake_machine_expect_none("dir");
}

static void one_interrupt_has_one_handler(void **state)
{
	assert_int_equal(irq_register(26, own_handler), 0);
	assert_int_equal(irq_register(26, own_handler), 0);
	assert_int_equal(irq_register(26, other_handler), -XEN_EBUSY);
	assert_int_equal(irq_register_forwarded(26, own_handler), -XEN_EBUSY);
	assert_int_equal(irq_register(1020, own_handler), -XEN_EINVAL);
	assert_true(irq_is_registered(26));
	assert_false(irq_is_registered(60));
	assert_false(irq_is_registered(5000));
}

/* ---- the banks, both versions --------------------------------------------------------------------- */

static void everything_is_quiet_after_init(void **state)
{
	for (uint32_t intid = 32; intid < 96; intid++) {
		assert_false(bit(&dist, GICD_ISENABLER, intid));
		assert_int_equal(((uint8_t *)dist.word)[GICD_IPRIORITYR + intid], 0xa0);
	}
	for (unsigned int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		assert_int_equal(private_frame[cpu].word[GICD_ISENABLER / 4], 0xffff); /* SGIs */
		assert_int_equal(private_frame[cpu].word[GICD_IPRIORITYR / 4 + 7], 0xa0a0a0a0);
	}
	assert_int_equal(gic_info.nr_intids, 96);
	assert_int_equal(gic_info.nr_lrs, 4);
	assert_int_equal(gic_info.priority_bits, 5);
	assert_int_equal(gic_info.nr_aprs, 1);
	assert_int_equal(gic_lr_empty_mask(), gic_info.version == GIC_V2 ? 0xf : 0);
	assert_int_equal(nr_messages, 0);
}

static void ppis_are_the_calling_cpus(void **state)
{
	fake_machine_set_cpu(2);
	gic_enable(27);
	gic_set_active(27, true);
	assert_true(bit(&private_frame[2], GICD_ISENABLER, 27));
	assert_false(bit(&private_frame[0], GICD_ISENABLER, 27));
	assert_true(gic_is_active(27));
	fake_machine_set_cpu(0);
	assert_false(gic_is_active(27));
	fake_machine_set_cpu(2);
	gic_set_active(27, false);
	assert_false(gic_is_active(27));
	gic_disable(27);
	assert_false(bit(&private_frame[2], GICD_ISENABLER, 27));
}

static void state_of_an_spi_is_set_and_cleared(void **state)
{
	gic_set_pending(70, true);
	assert_true(gic_is_pending(70));
	assert_false(gic_is_pending(71));
	gic_set_pending(70, false);
	assert_false(gic_is_pending(70));
	gic_set_priority(70, 0x40);
	assert_int_equal(((uint8_t *)dist.word)[GICD_IPRIORITYR + 70], 0x40);
}

static void trigger_changes_one_interrupt_only(void **state)
{
	gic_set_trigger(33, GIC_EDGE);
	gic_set_trigger(35, GIC_EDGE);
	assert_int_equal(dist.word[GICD_ICFGR / 4 + 2], 0x88);
	gic_set_trigger(33, GIC_LEVEL);
	assert_int_equal(dist.word[GICD_ICFGR / 4 + 2], 0x80);
}

/* ---- GICv2 ------------------------------------------------------------------------------------------ */

static void v2_spis_go_to_the_boot_cpu_until_told_otherwise(void **state)
{
	assert_int_equal(((uint8_t *)dist.word)[GICD_ITARGETSR + 40], interface_bit(0));
	gic_set_target(40, 3);
	assert_int_equal(((uint8_t *)dist.word)[GICD_ITARGETSR + 40], interface_bit(3));
	assert_int_equal(((uint8_t *)dist.word)[GICD_ITARGETSR + 41], interface_bit(0));
}

static void v2_sgis_name_interfaces(void **state)
{
	gic_send_sgi(3, INTID_SGI_STOP);
	assert_int_equal(dist.word[GICD_SGIR / 4], interface_bit(3) << 16 | INTID_SGI_STOP);
	gic_send_sgi_all_others(INTID_SGI_KICK);
	assert_int_equal(dist.word[GICD_SGIR / 4], 1u << 24);
}

static void v2_sgi_is_ended_with_its_source(void **state)
{
	queue_iar(3u << 10 | INTID_SGI_KICK);
	irq_handle_pending();
	fake_machine_expect("eoi 0xc00", "dir 0xc00");
}

static void v2_eoi_and_deactivation_are_separate(void **state)
{
	assert_true((gicc_word[GICC_CTLR / 4] & GICC_CTLR_EOIMODE) != 0);
	assert_true((gicc_word[GICC_CTLR / 4] & GICC_CTLR_ENABLE) != 0);
	assert_int_equal(gicc_word[GICC_PMR / 4], 0xff);
}

static void v2_pages_repeated_over_64k_are_found(void **state)
{
	reset_model();
	aliased = true;
	start_v2(0x20000);
	assert_int_equal(gic_info.v2_alias_offset, 0xf000);
	assert_int_equal(gic_info.cpu_base, CPU_BASE);
	init_cpus();
	gic_deactivate(40);
	/* The second page's first copy. */
	fake_machine_expect("str32 0x10000=0x28", "dir 0x28");
}

static void v2_only_an_empty_list_register_is_filled(void **state)
{
	gic_lr_clear(1);
	assert_true(gic_lr_fill(1, 0x60a0001b0000001b));
	assert_int_equal(gich_word[GICH_LR / 4 + 1], 0x9a006c1b);
	assert_false(gic_lr_fill(1, 0x40a0000000000005));
	assert_int_equal(gich_word[GICH_LR / 4 + 1], 0x9a006c1b);
}

static void v2_virtual_interface_survives_a_switch(void **state)
{
	const struct gic_lr lr = {.vintid = 27,
				  .pintid = 27,
				  .priority = 0xa0,
				  .pending = true,
				  .hw = true};
	struct gic_vcpu_state one, two;
	struct gic_lr back;

	gic_vcpu_init(&one);
	gic_vcpu_init(&two);
	assert_int_equal(one.hcr, GIC_HCR_EN);
	gic_vcpu_load(&one);
	assert_int_equal(gich_word[GICH_HCR / 4], GIC_HCR_EN);
	gich_word[GICH_VMCR / 4] = 0xf8000001;
	gich_word[GICH_APR / 4] = 0x100000;
	gic_lr_write(2, &lr);
	assert_int_equal(gic_lr_empty_mask(), 0xb);
	gic_lr_read(2, &back);
	assert_int_equal(back.pintid, 27);
	gic_lr_clear(2);
	assert_int_equal(gic_lr_empty_mask(), 0xf);
	gic_vcpu_save(&one);
	assert_int_equal(gich_word[GICH_HCR / 4], 0);
	gic_vcpu_load(&two);
	assert_int_equal(gich_word[GICH_VMCR / 4], 0);
	assert_int_equal(gich_word[GICH_APR / 4], 0);
	gic_vcpu_save(&two);
	gic_vcpu_load(&one);
	assert_int_equal(gich_word[GICH_VMCR / 4], 0xf8000001);
	assert_int_equal(gich_word[GICH_APR / 4], 0x100000);
}

/* ---- GICv3 ------------------------------------------------------------------------------------------ */

static void v3_each_cpu_finds_its_redistributor(void **state)
{
	for (unsigned int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		fake_machine_set_cpu(cpu);
		gic_enable(16 + cpu);
		assert_int_equal(private_frame[cpu].word[GICD_ISENABLER / 4],
				 0xffff | 1u << (16 + cpu));
		assert_int_equal(private_frame[cpu].word[GICD_IGROUPR / 4], 0xffffffff);
	}
}

static void v3_only_frames_that_exist_are_mapped(void **state)
{
	prepare_v3();
	add_redistributor(REDIST_BASE, 0x01000000, GICR_TYPER_LAST);
	add_redistributor(REDIST2_BASE, 0x01000001, GICR_TYPER_LAST);
	start_v3();
	assert_int_equal(fake_machine_count("map"), 3);
}

static void v3_cpu_without_redistributor_is_named(void **state)
{
	prepare_v3();
	add_redistributor(REDIST_BASE, 0x01000000, GICR_TYPER_LAST);
	add_redistributor(REDIST2_BASE, 0x01000100, GICR_TYPER_LAST);
	start_v3();
	fake_machine_set_cpu(1);
	expect_assert_failure(gic_init_cpu());
	assert_non_null(
		strstr(fake_machine_panic_text(), "cpu1: no redistributor has affinity 1.0.0.1"));
}

static void v3_region_that_ends_without_a_last_frame_is_not_left(void **state)
{
	prepare_v3();
	add_redistributor(REDIST_BASE, 0x01000000, GICR_TYPER_LAST);
	add_redistributor(REDIST2_BASE, 0x01000001, 0);
	add_redistributor(REDIST2_BASE + 0x20000, 0x01000100, 0);
	start_v3();
	assert_int_equal(fake_machine_count("map"), 4);
}

static void v3_cpu_without_system_registers_is_refused(void **state)
{
	prepare_v3();
	fake_machine_sysreg_set("ID_AA64PFR0_EL1", 0);
	expect_assert_failure(start_v3());
	assert_non_null(strstr(fake_machine_panic_text(), "no GICv3 system registers"));
}

static void v3_sleeping_redistributor_is_reported_and_not_waited_for_forever(void **state)
{
	waker_stuck = true;
	gic_init_cpu();
	assert_non_null(strstr(last_message, "does not wake up"));
}

static void v3_spis_are_routed_by_affinity(void **state)
{
	assert_true(dist.router[32] == UINT64_C(0x0100000000));
	assert_true(dist.router[95] == UINT64_C(0x0100000000));
	gic_set_target(40, 3);
	assert_true(dist.router[40] == UINT64_C(0x0100020311));
	assert_int_equal(dist.word[GICD_IGROUPR / 4 + 1], 0xffffffff);
}

static void v3_sgis_are_sent_by_affinity(void **state)
{
	gic_send_sgi(3, INTID_SGI_STOP);
	/* Aff3 1, range of Aff0 1, Aff2 2, INTID 1, Aff1 3, Aff0 17 = 16 + 1 */
	assert_true(fake_machine_sysreg_get("ICC_SGI1R_EL1") == UINT64_C(0x0001100201030002));
	fake_machine_expect("dsb ishst", "msr ICC_SGI1R_EL1", "isb");
	gic_send_sgi_all_others(INTID_SGI_KICK);
	assert_true(fake_machine_sysreg_get("ICC_SGI1R_EL1") == UINT64_C(1) << 40);
}

static void v3_interrupts_are_enabled_last(void **state)
{
	gic_init_cpu();
	fake_machine_expect("msr ICC_SRE_EL2=0x7", "isb", "msr ICC_SRE_EL1=0x7",
			    "msr ICC_PMR_EL1=0xff", "msr ICC_CTLR_EL1=0x2",
			    "msr ICC_IGRPEN1_EL1=0x1", "isb", "msr ICH_HCR_EL2=0x0",
			    "msr ICH_LR0_EL2=0x0", "msr ICH_LR3_EL2=0x0");
	fake_machine_expect_none("msr ICH_LR4_EL2");
	fake_machine_expect_none("msr ICC_AP1R1_EL1"); /* 5 bits: one register */
}

static void v3_active_priorities_follow_the_preemption_bits(void **state)
{
	struct gic_vcpu_state saved = {0};

	gic_info.nr_aprs = 2;
	fake_machine_sysreg_set("ICH_AP0R1_EL2", 5);
	fake_machine_sysreg_set("ICH_AP1R1_EL2", 6);
	fake_machine_sysreg_set("ICH_AP1R0_EL2", 7);
	fake_machine_sysreg_set("ICH_VMCR_EL2", 0xf8000002);
	gic_vcpu_save(&saved);
	assert_int_equal(saved.apr0[1], 5);
	assert_int_equal(saved.apr1[1], 6);
	assert_int_equal(saved.apr1[0], 7);
	assert_int_equal(fake_machine_sysreg_get("ICH_HCR_EL2"), 0);
	fake_machine_expect_none("mrs ICH_AP1R2_EL2");
	fake_machine_sysreg_set("ICH_VMCR_EL2", 0);
	gic_vcpu_load(&saved);
	assert_int_equal(fake_machine_sysreg_get("ICH_VMCR_EL2"), 0xf8000002);
	fake_machine_expect("msr ICH_VMCR_EL2", "msr ICH_AP1R0_EL2=0x7", "msr ICH_HCR_EL2");
}

static void v3_list_registers_are_reached_by_number(void **state)
{
	struct gic_lr lr = {.priority = 0x80, .pending = true};
	struct gic_lr back;
	char name[64];

	gic_info.nr_lrs = 16;
	for (unsigned int i = 0; i < 16; i++) {
		lr.vintid = 32 + i;
		gic_lr_write(i, &lr);
		/* ICH_ELRSR_EL2 knows of it from here on. */
		assert_string_equal(fake_machine_log_line(fake_machine_log_count() - 1), "isb");
	}
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "msr ICH_LR%u_EL2=0x508000000000%04x", i, 32 + i);
		assert_int_equal(fake_machine_count(name), 1);
		gic_lr_read(i, &back);
		assert_int_equal(back.vintid, 32 + i);
		gic_lr_clear(i);
		gic_lr_read(i, &back);
		assert_false(back.pending);
	}
}

static void v3_only_an_empty_list_register_is_filled(void **state)
{
	char name[64];

	gic_info.nr_lrs = 16;
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "msr ICH_LR%u_EL2=0x50a000000000001b", i);
		fake_machine_sysreg_set("ICH_ELRSR_EL2", 0xffff & ~BIT64(i));
		assert_false(gic_lr_fill(i, 0x40a000000000001b));
		assert_int_equal(fake_machine_count(name), 0);
		fake_machine_sysreg_set("ICH_ELRSR_EL2", BIT64(i));
		assert_true(gic_lr_fill(i, 0x40a000000000001b));
		assert_int_equal(fake_machine_count(name), 1);
	}
}

#define TEST_ON(version, test)                                                                  \
	{                                                                                       \
#test " (GICv" #version ")", test, set_up, NULL, (void *)(uintptr_t)&v##version \
	}

int main(void)
{
	static const int v2 = 2, v3 = 3;
	const struct CMUnitTest tests[] = {
		TEST_ON(2, own_interrupt_is_ended_after_its_handler),
		TEST_ON(3, own_interrupt_is_ended_after_its_handler),
		TEST_ON(2, forwarded_interrupt_stays_active),
		TEST_ON(3, forwarded_interrupt_stays_active),
		TEST_ON(2, interrupt_of_a_domain_is_only_dropped),
		TEST_ON(3, interrupt_of_a_domain_is_only_dropped),
		TEST_ON(2, interrupt_of_nobody_is_disabled_and_reported_once),
		TEST_ON(3, interrupt_of_nobody_is_disabled_and_reported_once),
		TEST_ON(2, all_that_is_pending_is_handled),
		TEST_ON(3, all_that_is_pending_is_handled),
		TEST_ON(3, what_is_not_there_is_not_acknowledged),
		TEST_ON(2, a_kick_needs_no_handler),
		TEST_ON(3, a_kick_needs_no_handler),
		TEST_ON(2, special_intids_are_not_ended),
		TEST_ON(3, special_intids_are_not_ended),
		TEST_ON(3, one_interrupt_has_one_handler),
		TEST_ON(2, everything_is_quiet_after_init),
		TEST_ON(3, everything_is_quiet_after_init),
		TEST_ON(2, ppis_are_the_calling_cpus),
		TEST_ON(3, ppis_are_the_calling_cpus),
		TEST_ON(2, state_of_an_spi_is_set_and_cleared),
		TEST_ON(3, state_of_an_spi_is_set_and_cleared),
		TEST_ON(2, trigger_changes_one_interrupt_only),
		TEST_ON(3, trigger_changes_one_interrupt_only),
		TEST_ON(2, v2_spis_go_to_the_boot_cpu_until_told_otherwise),
		TEST_ON(2, v2_sgis_name_interfaces),
		TEST_ON(2, v2_sgi_is_ended_with_its_source),
		TEST_ON(2, v2_eoi_and_deactivation_are_separate),
		TEST_ON(2, v2_pages_repeated_over_64k_are_found),
		TEST_ON(2, v2_only_an_empty_list_register_is_filled),
		TEST_ON(2, v2_virtual_interface_survives_a_switch),
		TEST_ON(3, v3_each_cpu_finds_its_redistributor),
		TEST_ON(3, v3_only_frames_that_exist_are_mapped),
		TEST_ON(3, v3_cpu_without_redistributor_is_named),
		TEST_ON(3, v3_region_that_ends_without_a_last_frame_is_not_left),
		TEST_ON(3, v3_cpu_without_system_registers_is_refused),
		TEST_ON(3, v3_sleeping_redistributor_is_reported_and_not_waited_for_forever),
		TEST_ON(3, v3_spis_are_routed_by_affinity),
		TEST_ON(3, v3_sgis_are_sent_by_affinity),
		TEST_ON(3, v3_interrupts_are_enabled_last),
		TEST_ON(3, v3_active_priorities_follow_the_preemption_bits),
		TEST_ON(3, v3_list_registers_are_reached_by_number),
		TEST_ON(3, v3_only_an_empty_list_register_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
