/* SPDX-License-Identifier: MIT */
/*
 * dom0: its tree made from a host tree like that of QEMU's virt machine with some real board's
 * additions, and what it gets of the machine.
 */
#include "dombuild/dombuild_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "arm64/percpu.h"
#include "boot/boot_options.h"
#include "gic/gic.h"

#define GIC_PHANDLE  0x8005
#define KERNEL_START (FAKE_RAM_START + 100 * MIB)
#define INITRD_START (FAKE_RAM_START + 104 * MIB)
#define BANK_START   (FAKE_RAM_START + 16 * MIB)
#define RESERVED     (FAKE_RAM_START + 80 * MIB)

static struct devtree_writer w;

static int set_up(void **state)
{
	fake_reset();
	boot_options = (struct boot_options){.dom0_mem = 32 * MIB};
	nr_cpus = 2;
	fake_image_header(fake_ram(KERNEL_START), 0, 0x10000);
	fake_add_contiguous(BANK_START >> PAGE_SHIFT, (32 * MIB) >> PAGE_SHIFT);
	return 0;
}

static int tear_down(void **state)
{
	fake_check_leaks();
	return 0;
}

/* ---- the host -------------------------------------------------------------------------------- */

static void reg(uint64_t start, uint64_t size)
{
	const struct devtree_range range = {start, size};

	devtree_prop_reg(&w, &range, 1);
}

static void begin_device(const char *name, const char *compatible)
{
	devtree_begin_node(&w, name);
	devtree_prop_string(&w, "compatible", compatible);
}

static void interrupt(uint32_t type, uint32_t number, uint32_t flags)
{
	const uint32_t cells[] = {type, number, flags};

	devtree_prop_cells(&w, "interrupts", cells, 3);
}

static void write_gic(void)
{
	const struct devtree_range regs[] = {
		{0x8000000, 0x10000},
		{0x80a0000, 0xf60000},
		{0x8010000, 0x10000},
		{0x8030000, 0x10000},
	};

	begin_device("intc@8000000",
		     gic_info.version == GIC_V3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
	devtree_prop_u32(&w, "phandle", GIC_PHANDLE);
	devtree_prop_reg(&w, regs, 4);
	devtree_prop_u32(&w, "#interrupt-cells", 3);
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_prop_empty(&w, "ranges");
	devtree_prop_empty(&w, "interrupt-controller");
	interrupt(1, 9, 4);
	begin_device("its@8080000", "arm,gic-v3-its");
	devtree_prop_u32(&w, "phandle", 0x8006);
	reg(0x8080000, 0x20000);
	devtree_end_node(&w);
	devtree_end_node(&w);
}

static void write_pci(void)
{
	static const uint32_t ranges[] = {
		0x1000000, 0,    0,          0,    0x3eff0000, 0,    0x10000,
		0x2000000, 0,    0x10000000, 0,    0x10000000, 0,    0x2eff0000,
		0x3000000, 0x80, 0,          0x80, 0,          0x80, 0,
	};
	static const uint32_t map[] = {
		0x0000, 0, 0, 1, GIC_PHANDLE, 0, 0, 0, 3, 4,
		0x0000, 0, 0, 2, GIC_PHANDLE, 0, 0, 0, 4, 4,
		0x0800, 0, 0, 1, GIC_PHANDLE, 0, 0, 0, 4, 4,
	};

	begin_device("pcie@10000000", "pci-host-ecam-generic");
	devtree_prop_string(&w, "device_type", "pci");
	devtree_prop_u32(&w, "#address-cells", 3);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_prop_u32(&w, "#interrupt-cells", 1);
	reg(0x4010000000, 0x10000000);
	devtree_prop_cells(&w, "ranges", ranges, ARRAY_SIZE(ranges));
	devtree_prop_cells(&w, "interrupt-map", map, ARRAY_SIZE(map));
	devtree_prop_u32(&w, "iommu-map", 0);
	devtree_end_node(&w);
}

/* A bus as on real boards: 32-bit addresses at an offset, a second interrupt controller, a
 * device below. */
static void write_soc(void)
{
	static const uint32_t ranges[] = {0x0, 0x0, 0x70000000, 0x1000000};
	static const uint32_t uart_reg[] = {0x8000, 0x200, 0x2000000, 0x1000};
	static const uint32_t extended[] = {GIC_PHANDLE, 0,           40, 1,  0x9000, 5,
					    1,           GIC_PHANDLE, 0,  41, 8};

	begin_device("soc", "simple-bus");
	devtree_prop_u32(&w, "#address-cells", 1);
	devtree_prop_u32(&w, "#size-cells", 1);
	devtree_prop_cells(&w, "ranges", ranges, 4);
	begin_device("serial@8000", "ns16550a");
	devtree_prop_cells(&w, "reg", uart_reg, 2);
	devtree_prop_cells(&w, "interrupts-extended", extended, ARRAY_SIZE(extended));
	devtree_end_node(&w);
	begin_device("outside@2000000", "nobody,knows");
	devtree_prop_cells(&w, "reg", uart_reg + 2, 2);
	devtree_end_node(&w);
	begin_device("gpio@9000", "arm,pl061");
	devtree_prop_u32(&w, "phandle", 0x9000);
	devtree_prop_u32(&w, "#interrupt-cells", 2);
	devtree_prop_empty(&w, "interrupt-controller");
	devtree_end_node(&w);
	begin_device("i2c@a000", "arm,i2c");
	devtree_prop_u32(&w, "#address-cells", 1);
	devtree_prop_u32(&w, "#size-cells", 0);
	begin_device("rtc@68", "dallas,ds1337");
	devtree_prop_u32(&w, "reg", 0x68);
	devtree_prop_u32(&w, "interrupt-parent", 0x9000);
	devtree_prop_u64(&w, "interrupts", 0x100000002);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_end_node(&w);
}

static void write_reserved_memory(void)
{
	devtree_begin_node(&w, "reserved-memory");
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_prop_empty(&w, "ranges");
	devtree_begin_node(&w, "firmware@45000000");
	reg(RESERVED, 0x4000);
	devtree_prop_empty(&w, "no-map");
	devtree_end_node(&w);
	devtree_begin_node(&w, "outside@0");
	reg(0x1000, 0x1000);
	devtree_end_node(&w);
	devtree_end_node(&w);
}

static void write_chosen(void)
{
	devtree_begin_node(&w, "chosen");
	devtree_prop_string(&w, "bootargs", "noreboot");
	devtree_prop_string(&w, "stdout-path", "/pl011@9000000");
	devtree_prop_u64(&w, "kaslr-seed", 42);
	fake_tree_module(&w, "multiboot,kernel", KERNEL_START, 8192, "console=hvc0");
	fake_tree_module(&w, "multiboot,ramdisk", INITRD_START, 5000, NULL);
	begin_device("domU1", "xen,domain");
	devtree_end_node(&w);
	devtree_end_node(&w);
}

/* Everything but the end of the root, so that a test can add to it. */
static void begin_host(void)
{
	static const char psci[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

	fake_tree_begin(&w);
	devtree_begin_node(&w, "psci");
	devtree_prop(&w, "compatible", psci, sizeof(psci));
	devtree_prop_string(&w, "method", "smc");
	devtree_end_node(&w);
	begin_device("virtio_mmio@a000000", "virtio,mmio");
	reg(0xa000000, 0x200);
	interrupt(0, 16, 1);
	devtree_end_node(&w);
	begin_device("virtio_mmio@a003e00", "virtio,mmio");
	reg(0xa003e00, 0x200);
	interrupt(0, 47, 1);
	devtree_end_node(&w);
	write_pci();
	begin_device("pl011@9000000", "arm,pl011");
	reg(0x9000000, 0x1000);
	interrupt(0, 1, 4);
	devtree_end_node(&w);
	begin_device("pmu", "arm,armv8-pmuv3");
	interrupt(1, 7, 4);
	devtree_end_node(&w);
	begin_device("watchdog", "board,ppi-watchdog");
	interrupt(1, 5, 4);
	devtree_end_node(&w);
	write_gic();
	begin_device("iommu@9050000", "arm,smmu-v3");
	reg(0x9050000, 0x20000);
	devtree_end_node(&w);
	begin_device("nic@9060000", "board,nic");
	reg(0x9060000, 0x1000);
	devtree_prop_u32(&w, "iommus", 1);
	devtree_end_node(&w);
	begin_device("given@9070000", "board,given");
	reg(0x9070000, 0x1000);
	devtree_prop_empty(&w, "xen,passthrough");
	devtree_prop_string(&w, "status", "okay");
	devtree_end_node(&w);
	begin_device("secure@9080000", "board,secure");
	reg(0x9080000, 0x1000);
	devtree_prop_string(&w, "status", "disabled");
	devtree_end_node(&w);
	devtree_write_cpus(&w, 4, "arm,cortex-a57", 15);
	begin_device("timer", "arm,armv8-timer");
	devtree_prop_u32(&w, "clock-frequency", 100000000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "aliases");
	devtree_prop_string(&w, "serial0", "/pl011@9000000");
	devtree_end_node(&w);
	write_soc();
	write_reserved_memory();
	write_chosen();
}

static struct domain *build(void)
{
	fake_tree_end(&w);
	frame_of(maddr_to_mfn(RESERVED))->state = FRAME_RESERVED;
	frame_of(maddr_to_mfn(RESERVED + 0x1000))->state = FRAME_TENON;
	frame_of(maddr_to_mfn(RESERVED + 0x2000))->state = FRAME_RESERVED;
	frame_of(maddr_to_mfn(RESERVED + 0x3000))->state = FRAME_RESERVED;
	dombuild_scan_options(fake_fdt);
	dombuild_scan(FAKE_RAM_START + 2 * MIB, MIB, FAKE_RAM_START + 8 * MIB, 65536);
	return dombuild_all() > 0 ? fake_domains[0] : NULL;
}

/* ---- what dom0 sees -------------------------------------------------------------------------- */

static const void *dom0_tree(const struct domain *d)
{
	static uint8_t tree[65536];

	for (size_t i = 0; i < sizeof(tree); i++) {
		const uint8_t *at = fake_guest(d, d->vcpu[0]->regs.x[0] + i);

		tree[i] = at != NULL ? *at : 0;
	}
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	return tree;
}

static bool has_node(const void *fdt, const char *path)
{
	return fdt_path_offset(fdt, path) >= 0;
}

static bool has_prop(const void *fdt, const char *path, const char *name)
{
	int node = fdt_path_offset(fdt, path);

	assert_true(node >= 0);
	return fdt_getprop(fdt, node, name, NULL) != NULL;
}

static const char *string(const void *fdt, const char *path, const char *name)
{
	int error;

	return devtree_get_string(fdt, fdt_path_offset(fdt, path), name, &error);
}

static struct devtree_range range_of(const void *fdt, const char *path, unsigned int idx)
{
	struct devtree_path at;
	struct devtree_range range = {0, 0};

	assert_int_equal(devtree_path_of(fdt, fdt_path_offset(fdt, path), &at), 0);
	assert_int_equal(devtree_reg(fdt, &at, idx, &range), 0);
	return range;
}

static void the_tree_of_dom0(void **state)
{
	const struct domain *d;
	const void *fdt;
	uint64_t value;
	uint32_t cell;
	int error;

	begin_host();
	d = build();
	assert_int_equal(fake_errors, 1); /* domU1 of this tree has no memory property */
	assert_non_null(d);
	assert_true(d->is_hardware);
	fdt = dom0_tree(d);

	/* Copied. */
	assert_true(has_node(fdt, "/virtio_mmio@a003e00") && has_node(fdt, "/soc/serial@8000"));
	assert_true(has_node(fdt, "/soc/i2c@a000/rtc@68") &&
		    has_node(fdt, "/reserved-memory/firmware@45000000"));
	assert_int_equal(fdt_get_phandle(fdt, fdt_path_offset(fdt, "/soc/gpio@9000")), 0x9000);
	/* Dropped. */
	assert_false(has_node(fdt, "/pl011@9000000") || has_node(fdt, "/pmu") ||
		     has_node(fdt, "/watchdog"));
	assert_false(has_node(fdt, "/iommu@9050000") || has_node(fdt, "/memory@40000000"));
	assert_false(has_node(fdt, "/chosen/module@46400000") || has_node(fdt, "/chosen/domU1"));
	assert_false(has_prop(fdt, "/chosen", "stdout-path") ||
		     has_prop(fdt, "/nic@9060000", "iommus"));
	assert_false(has_prop(fdt, "/pcie@10000000", "iommu-map"));
	assert_true(has_prop(fdt, "/pcie@10000000", "interrupt-map") &&
		    has_prop(fdt, "/chosen", "kaslr-seed"));
	/* Passthrough devices are there, but off. */
	assert_string_equal(string(fdt, "/given@9070000", "status"), "disabled");
	assert_false(has_prop(fdt, "/given@9070000", "xen,passthrough"));

	/* Replaced: the controller. */
	assert_int_equal(fdt_get_phandle(fdt, fdt_path_offset(fdt, "/intc@8000000")), GIC_PHANDLE);
	assert_false(has_prop(fdt, "/intc@8000000", "interrupts") ||
		     has_node(fdt, "/intc@8000000/its@8080000"));
	assert_true(has_prop(fdt, "/intc@8000000", "interrupt-controller"));
	assert_int_equal(devtree_get_u32(fdt, fdt_path_offset(fdt, "/intc@8000000"),
					 "#address-cells", &cell),
			 0);
	assert_int_equal(cell, 2); /* interrupt-map of the host counts on it */
	assert_int_equal(range_of(fdt, "/intc@8000000", 1).start, 0x80a0000);
	(void)fdt_getprop(fdt, fdt_path_offset(fdt, "/intc@8000000"), "reg", &error);
	assert_int_equal(error, 32);

	/* Added. */
	assert_string_equal(string(fdt, "/psci", "method"), "hvc");
	assert_true(has_node(fdt, "/cpus/cpu@1"));
	assert_false(has_node(fdt, "/cpus/cpu@2"));
	assert_string_equal(string(fdt, "/cpus/cpu@0", "compatible"), "arm,cortex-a57");
	assert_int_equal(devtree_get_u32(fdt, fdt_path_offset(fdt, "/timer"), "clock-frequency",
					 &cell),
			 0);
	assert_int_equal(cell, 100000000);
	assert_int_equal(range_of(fdt, "/memory@41000000", 0).start, BANK_START);
	assert_int_equal(range_of(fdt, "/memory@41000000", 0).size, 32 * MIB);
	assert_int_equal(range_of(fdt, "/memory@45000000", 0).start, RESERVED);
	assert_string_equal(string(fdt, "/chosen", "bootargs"), "console=hvc0");
	assert_int_equal(devtree_get_u64(fdt, fdt_path_offset(fdt, "/chosen"), "linux,initrd-start",
					 &value),
			 0);
	assert_int_equal(*fake_guest(d, value), 0);
	assert_true(value >= BANK_START && value < BANK_START + 32 * MIB);
	assert_int_equal(d->vcpu[0]->regs.pc, BANK_START);
	assert_int_equal(d->hvm_params[HVM_PARAM_CALLBACK_IRQ], UINT64_C(2) << 56 | 2 << 8 | 16);
	assert_true(strncmp(string(fdt, "/hypervisor", "compatible"), "xen,xen-4.17", 12) == 0);
}

/* Grant window and extended regions: RAM of the host that dom0 does not have. */
static void regions_of_dom0(void **state)
{
	const struct domain *d;
	const void *fdt;
	enum stage2_type type;
	maddr_t at;
	int size;

	begin_host();
	d = build();
	fdt = dom0_tree(d);
	assert_int_equal(range_of(fdt, "/hypervisor", 0).start, FAKE_RAM_START);
	assert_int_equal(range_of(fdt, "/hypervisor", 0).size, GRANT_MAX_FRAMES * PAGE_SIZE);
	assert_false(fake_is_mapped(d, FAKE_RAM_START, &type, &at));
	/* What lies before and behind dom0's 32 MiB, up to the reserved memory, is too small for
	 * a region. */
	assert_int_equal(range_of(fdt, "/hypervisor", 1).start, RESERVED + 2 * MIB);
	assert_int_equal(range_of(fdt, "/hypervisor", 1).size,
			 FAKE_RAM_START + FAKE_RAM_SIZE - RESERVED - 2 * MIB);
	(void)fdt_getprop(fdt, fdt_path_offset(fdt, "/hypervisor"), "reg", &size);
	assert_int_equal(size, 32);
}

static void expect_device(const struct domain *d, ipa_t ipa, bool given)
{
	enum stage2_type type = STAGE2_INVALID;
	maddr_t at = 0;

	if (fake_is_mapped(d, ipa, &type, &at) != given) {
		fail_msg("0x%lx is %s", ipa, given ? "not mapped" : "mapped");
	}
	if (given) {
		assert_int_equal(type, STAGE2_DEVICE_HWDOM);
		assert_int_equal(at, ipa);
	}
}

static void devices_of_dom0(void **state)
{
	const struct domain *d;

	begin_host();
	d = build();
	expect_device(d, 0xa000000, true);
	expect_device(d, 0xa003fff, true);
	expect_device(d, 0xa004000, false);
	expect_device(d, 0x9060000, true);
	expect_device(d, 0x4010000000, true);
	expect_device(d, 0x401fffffff, true);
	expect_device(d, 0x3eff0000, true);
	expect_device(d, 0x10000000, true);
	expect_device(d, 0x3efeffff, true);
	expect_device(d, 0x8000000000, true);
	expect_device(d, 0xffffffffff, true);
	/* Through the ranges of a bus. */
	expect_device(d, 0x70008000, true);
	expect_device(d, 0x8000, false);
	expect_device(d, 0x72000000, false);
	/* Tenon's own, disabled, passed through, translated by nobody. */
	expect_device(d, 0x8000000, false);
	expect_device(d, 0x8010000, false);
	expect_device(d, 0x8030000, false);
	expect_device(d, 0x8080000, false);
	expect_device(d, 0x80a0000, false);
	expect_device(d, 0x9000000, false);
	expect_device(d, 0x9050000, false);
	expect_device(d, 0x9070000, false);
	expect_device(d, 0x9080000, false);
	/* RAM. */
	expect_device(d, FAKE_RAM_START, false);
	expect_device(d, RESERVED, true);
	expect_device(d, RESERVED + 0x1000, false);
	expect_device(d, RESERVED + 0x3000, true);
	expect_device(d, 0x1000, false);

	assert_int_equal(fake_spi(32 + 16), GIC_EDGE);
	assert_int_equal(fake_spi(32 + 3), GIC_LEVEL);
	assert_int_equal(fake_spi(32 + 4), GIC_LEVEL);
	assert_int_equal(fake_spi(32 + 40), GIC_EDGE);
	assert_int_equal(fake_spi(32 + 41), GIC_LEVEL);
	assert_int_equal(fake_spi(32 + 1), -1); /* Tenon's UART */
	assert_int_equal(fake_spi(32 + 5), -1);
}

/* A node may say what it wants: RAM and Tenon's devices are never given away. */
static void a_device_that_claims_everything(void **state)
{
	const struct domain *d;

	begin_host();
	begin_device("greedy@0", "board,greedy");
	reg(0, UINT64_C(1) << 40);
	devtree_end_node(&w);
	d = build();
	expect_device(d, 0x20000000, true);
	expect_device(d, 0x8000000, false);
	expect_device(d, 0x9000000, false);
	for (ipa_t at = FAKE_RAM_START; at < FAKE_RAM_START + FAKE_RAM_SIZE; at += PAGE_SIZE) {
		enum stage2_type type;
		maddr_t to;

		if (fake_is_mapped(d, at, &type, &to)) {
			assert_true(type == STAGE2_RAM
					    ? at >= BANK_START && at < BANK_START + 32 * MIB
					    : at >= RESERVED && at < RESERVED + 0x4000);
		}
	}
}

static void absurd_devices_are_messages(void **state)
{
	static const uint32_t three[] = {0, 0xb000000, 0},
			      bad_map[] = {0, 0, 0, 1, GIC_PHANDLE, 0, 0, 0};

	begin_host();
	begin_device("short@b000000", "board,short");
	devtree_prop_cells(&w, "reg", three, 3);
	devtree_end_node(&w);
	begin_device("wraps@b000000", "board,wraps");
	reg(UINT64_MAX - 4095, 8192);
	devtree_end_node(&w);
	begin_device("far@b000000", "board,far");
	reg(UINT64_C(1) << 40, 4096);
	devtree_end_node(&w);
	begin_device("spi@b000000", "board,spi");
	interrupt(0, 5000, 4);
	devtree_end_node(&w);
	begin_device("lost@b000000", "board,lost");
	devtree_prop_u32(&w, "interrupt-parent", 0x7777);
	interrupt(0, 50, 4);
	devtree_end_node(&w);
	begin_device("map@b000000", "board,map");
	devtree_prop_u32(&w, "#address-cells", 3);
	devtree_prop_u32(&w, "#interrupt-cells", 1);
	devtree_prop_cells(&w, "interrupt-map", bad_map, 8);
	devtree_end_node(&w);
	begin_device("cells", "board,cells");
	devtree_prop_u32(&w, "#address-cells", 0xffffffff);
	devtree_prop_empty(&w, "ranges");
	begin_device("child@0", "board,child");
	reg(0xb000000, 4096);
	devtree_end_node(&w);
	devtree_end_node(&w);
	assert_non_null(build());
	assert_non_null(strstr(fake_messages, "short@b000000: property reg is malformed"));
	assert_non_null(strstr(fake_messages, "wraps@b000000: property reg is malformed"));
	assert_non_null(
		strstr(fake_messages,
		       "far@b000000: reg 0x10000000000 + 0x1000 is beyond the 40 address bits"));
	assert_non_null(strstr(fake_messages, "spi@b000000: the controller has no SPI 5000"));
	assert_non_null(strstr(fake_messages, "lost@b000000: its interrupts cannot be understood"));
	assert_non_null(strstr(fake_messages, "map@b000000: property interrupt-map is malformed"));
	assert_non_null(strstr(fake_messages, "child@0: property reg is malformed"));
	expect_device(fake_domains[0], 0xb000000, false);
}

static void a_tree_that_is_too_deep(void **state)
{
	begin_host();
	for (unsigned int i = 0; i < 40; i++) {
		devtree_begin_node(&w, "deep");
	}
	for (unsigned int i = 0; i < 40; i++) {
		devtree_end_node(&w);
	}
	assert_non_null(build());
	assert_non_null(strstr(fake_messages, "too deep"));
}

static void gicv2_host(void **state)
{
	const void *fdt;
	int size;

	gic_info.version = GIC_V2;
	gic_info.cpu_base = 0x8010000;
	nr_cpus = 16;
	begin_host();
	fdt = dom0_tree(build());
	(void)fdt_getprop(fdt, fdt_path_offset(fdt, "/intc@8000000"), "reg", &size);
	assert_int_equal(size, 32);
	assert_int_equal(fake_configs[0].nr_vcpus, 8);
	assert_non_null(strstr(fake_messages, "16 vCPUs are too many"));
}

static void limits_of_grant_tables(void **state)
{
	boot_options.gnttab_max_frames = 8;
	boot_options.gnttab_max_maptrack_frames = 16;
	begin_host();
	(void)dom0_tree(build());
	assert_int_equal(fake_configs[0].max_grant_frames, 8);
	assert_int_equal(fake_configs[0].max_maptrack_frames, 16);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_in_several_banks(void **state)
{
	const void *fdt;

	boot_options.dom0_mem = 220 * MIB;
	fake_free_frames = 65536;
	fake_add_contiguous((FAKE_RAM_START + 128 * MIB) >> PAGE_SHIFT, (140 * MIB) >> PAGE_SHIFT);
	fake_add_contiguous((FAKE_RAM_START + 300 * MIB) >> PAGE_SHIFT, (60 * MIB) >> PAGE_SHIFT);
	begin_host();
	fdt = dom0_tree(build());
	/* The largest piece first, since at least 128 MiB are wanted there; the kernel is in it. */
	assert_int_equal(fake_domains[0]->vcpu[0]->regs.pc, FAKE_RAM_START + 128 * MIB);
	assert_int_equal(fake_domains[0]->nr_pages, (220 * MIB) >> PAGE_SHIFT);
	assert_int_equal(range_of(fdt, "/memory@41000000", 0).start, BANK_START);
	assert_int_equal(range_of(fdt, "/memory@41000000", 0).size, 20 * MIB);
	assert_int_equal(range_of(fdt, "/memory@41000000", 1).size, 140 * MIB);
	assert_int_equal(range_of(fdt, "/memory@41000000", 2).start, FAKE_RAM_START + 300 * MIB);
	assert_int_equal(range_of(fdt, "/memory@41000000", 2).size, 60 * MIB);
}

static void memory_that_is_too_scattered(void **state)
{
	boot_options.dom0_mem = 64 * MIB;
	fake_add_contiguous((FAKE_RAM_START + 128 * MIB) >> PAGE_SHIFT, (60 * MIB) >> PAGE_SHIFT);
	begin_host();
	(void)build();
	assert_null(hardware_domain);
	assert_non_null(strstr(fake_messages, "dom0: only 0 of 64 MiB"));
	assert_int_equal(fake_machine_count("destroy 0"), 1);
}

static void memory_that_is_not_there(void **state)
{
	boot_options.dom0_mem = UINT64_C(4) << 30;
	begin_host();
	(void)build();
	assert_non_null(strstr(fake_messages,
			       "dom0: its 4096 MiB of memory are not there, 64 MiB are free"));
	assert_int_equal(fake_nr_domains, 0);
}

static void a_kernel_larger_than_the_bank(void **state)
{
	fake_image_header(fake_ram(KERNEL_START), 0, 64 * MIB);
	begin_host();
	(void)build();
	assert_non_null(strstr(fake_messages, "dom0: the kernel needs 65536 KiB"));
	assert_int_equal(fake_machine_count("destroy 0"), 1);
	assert_null(hardware_domain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_tree_of_dom0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(regions_of_dom0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(devices_of_dom0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_device_that_claims_everything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(absurd_devices_are_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tree_that_is_too_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gicv2_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_of_grant_tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_in_several_banks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_is_too_scattered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_kernel_larger_than_the_bank, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
