/* SPDX-License-Identifier: MIT */
/* The emulated registers of GICv2's distributor and GICv3's distributor and redistributors, and the set-up. */
#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "gic/gic_regs.h"
#include "tests/unit/fake_machine.h"

#define SPI   40
#define PIDR2 0xffe8

static struct vcpu *const v0 = &fake_vcpus[0], *const v1 = &fake_vcpus[1], *const v3 = &fake_vcpus[3];

static void v2_identifies_itself(void **state)
{
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_TYPER, 4), 3 << 5 | FAKE_NR_SPIS / 32);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IIDR, 4), 0x43b);
	assert_int_equal(fake_read(v0, FAKE_GICD + 0xfe8, 4), 0x20);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CTLR, 4), 1);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0xfffffffe);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CTLR, 4), 0);
}

static void v3_identifies_itself(void **state)
{
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_TYPER, 4),
			 9 << 19 | 3 << 5 | FAKE_NR_SPIS / 32);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IIDR, 4), 0x34c);
	assert_int_equal(fake_read(v0, FAKE_GICD + PIDR2, 4), 0x30);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CTLR, 4), 0x12);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CTLR, 4), 0x10);
}

static void redistributors_are_in_the_order_of_vcpus(void **state)
{
	for (uint64_t i = 0; i < FAKE_NR_VCPUS; i++) {
		uint64_t frame = FAKE_GICR + i * GICR_FRAME_BYTES;
		uint64_t typer = i << 32 | i << 8 | (i == 3 ? GICR_TYPER_LAST : 0);

		assert_true(fake_read(v0, frame + GICR_TYPER, 8) == typer);
		assert_int_equal(fake_read(v0, frame + GICR_TYPER, 4), (uint32_t)typer);
		assert_int_equal(fake_read(v0, frame + GICR_TYPER + 4, 4), i);
		assert_int_equal(fake_read(v0, frame + GICR_IIDR, 4), 0x34c);
		assert_int_equal(fake_read(v0, frame + PIDR2, 4), 0x30);
		fake_write(v0, frame + GICR_WAKER, 4, 0);
		assert_int_equal(fake_read(v0, frame + GICR_WAKER, 4), 0);
	}
	assert_int_equal(fake_read(v0, FAKE_GICR + 4 * GICR_FRAME_BYTES + PIDR2, 4), 0);
	/* Private interrupts are the frame's vCPU's, whoever asks. */
	fake_dist_write(v3, GICD_ISENABLER, 20, BIT64(20));
	assert_int_equal(fake_dist_read(v3, GICD_ICENABLER, 20), 0x0010ffff);
	assert_int_equal(fake_dist_read(v0, GICD_ICENABLER, 20), 0x0000ffff);
	assert_int_equal(fake_read(v0,
				   FAKE_GICR + 3 * GICR_FRAME_BYTES + GICR_SGI_FRAME + GICD_ISENABLER,
				   4),
			 0x0010ffff);
	/* And not in the distributor. */
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_ISENABLER, 4), 0);
	fake_write(v0, FAKE_GICD + GICD_ISENABLER, 4, UINT32_MAX);
	assert_int_equal(fake_dist_read(v0, GICD_ISENABLER, 20), 0x0000ffff);
}

static void each_region_of_redistributors_has_its_last(void **state)
{
	struct vgic_domain *vg = &fake_domain.vgic;

	fake_stop();
	fake_domain.mmio.nr = 0;
	vg->nr_redist_regions = 2;
	vg->redist_region[0] = (struct vgic_redist_region){.base = 0x8000000, .size = 0x60000};
	vg->redist_region[1] = (struct vgic_redist_region){.base = 0x9000000, .size = 0x20000};
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V3, 32), 0);
	assert_int_equal(fake_read(v0, 0x8040000 + GICR_TYPER, 4), 2 << 8 | GICR_TYPER_LAST);
	assert_int_equal(fake_read(v0, 0x8020000 + GICR_TYPER, 4), 1 << 8);
	assert_int_equal(fake_read(v0, 0x9000000 + GICR_TYPER, 4), 3 << 8 | GICR_TYPER_LAST);
	v3->id = 4;
	assert_int_equal(vgic_vcpu_init(v3), -XEN_ENOSPC);
	v3->id = 3;
}

static void sgis_are_always_enabled_edges(void **state)
{
	fake_dist_write(v1, GICD_ICENABLER, 0, UINT32_MAX);
	assert_int_equal(fake_dist_read(v1, GICD_ISENABLER, 0), 0xffff);
	fake_dist_write(v1, GICD_ICFGR, 0, 0);
	assert_int_equal(fake_dist_read(v1, GICD_ICFGR, 0), 0xaaaaaaaa);
	assert_int_equal(fake_dist_read(v1, GICD_ICFGR, 16), 0);
	fake_dist_write(v1, GICD_ICFGR, 16, 0xffffffff);
	assert_int_equal(fake_dist_read(v1, GICD_ICFGR, 16), 0xaaaaaaaa);
}

static void only_the_listed_widths_work(void **state)
{
	fake_write(v0, FAKE_GICD + GICD_IPRIORITYR + SPI, 1, 0x81);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IPRIORITYR + SPI, 4), 0x80);
	fake_write(v0, FAKE_GICD + GICD_IPRIORITYR + SPI, 4, 0x20406080);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IPRIORITYR + SPI + 3, 1), 0x20);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IPRIORITYR + SPI, 2), 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IPRIORITYR + SPI, 8), 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IPRIORITYR + SPI + 2, 4), 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_TYPER, 1), 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CTLR, 8), 0);
	fake_write(v0, FAKE_GICD + GICD_ISENABLER + 4, 1, 0xff);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_ISENABLER + 4, 4), 0);
	/* What does not exist: groups, SPIs beyond the last. */
	fake_write(v0, FAKE_GICD + GICD_IGROUPR + 4, 4, UINT32_MAX);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_IGROUPR + 4, 4), 0);
	fake_write(v0, FAKE_GICD + GICD_ISENABLER + 0x10, 4, UINT32_MAX);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_ISENABLER + 0x10, 4), 0);
}

static void write_one_registers_leave_the_zeroes(void **state)
{
	fake_dist_write(v0, GICD_ISENABLER, SPI, 0x0f0f);
	fake_dist_write(v0, GICD_ISENABLER, SPI, 0);
	fake_dist_write(v0, GICD_ICENABLER, SPI, 0x0003);
	assert_int_equal(fake_dist_read(v0, GICD_ISENABLER, SPI), 0x0f0c);
	fake_dist_write(v0, GICD_ISPENDR, SPI, 0xf0);
	fake_dist_write(v0, GICD_ICPENDR, SPI, 0x30);
	assert_int_equal(fake_dist_read(v0, GICD_ICPENDR, SPI), 0xc0);
	fake_dist_write(v0, GICD_ISACTIVER, SPI, 0x3);
	fake_dist_write(v0, GICD_ICACTIVER, SPI, 0x2);
	assert_int_equal(fake_dist_read(v0, GICD_ICACTIVER, SPI), 0x1);
}

static void v2_targets_are_banked_below_32(void **state)
{
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_ITARGETSR, 4), 0x01010101);
	assert_int_equal(fake_read(v3, FAKE_GICD + GICD_ITARGETSR + 28, 4), 0x08080808);
	fake_write(v3, FAKE_GICD + GICD_ITARGETSR + 28, 1, 0xff);
	assert_int_equal(fake_read(v3, FAKE_GICD + GICD_ITARGETSR + 28, 1), 0x08);
	assert_int_equal(fake_read(v3, FAKE_GICD + GICD_ITARGETSR + SPI, 1), 0x01);
	fake_write(v3, FAKE_GICD + GICD_ITARGETSR + SPI, 4, 0xffff0400);
	assert_int_equal(fake_read(v3, FAKE_GICD + GICD_ITARGETSR + SPI, 4), 0x0f0f0400);
	/* The lowest of several. */
	fake_enable(v0, SPI + 2, 0xa0);
	vgic_pulse(&fake_domain, NULL, SPI + 2);
	assert_true(vgic_has_pending(v0));
}

static void routers_are_64_or_twice_32_bits(void **state)
{
	uint64_t router = FAKE_GICD + GICD_IROUTER + 8 * SPI;

	fake_write(v0, router, 8, UINT64_C(0xff80010203));
	assert_true(fake_read(v0, router, 8) == 0x80010203);
	fake_write(v0, router + 4, 4, UINT32_MAX);
	assert_int_equal(fake_read(v0, router + 4, 4), 0);
	assert_int_equal(fake_read(v0, router, 4), 0x80010203);
	fake_write(v0, router, 4, 0x7f000002);
	assert_true(fake_read(v0, router, 8) == 0x2);
	assert_true(fake_read(v0, FAKE_GICD + GICD_IROUTER + 8 * 16, 8) == 0);
	fake_write(v0, FAKE_GICD + GICD_IROUTER + 8 * 16, 8, 1);
	fake_write(v0, FAKE_GICD + GICD_IROUTER + 8 * 1019, 8, 1);
	/* Any: the first. */
	fake_write(v0, router, 8, BIT64(31));
	fake_enable(v0, SPI, 0xa0);
	vgic_pulse(&fake_domain, NULL, SPI);
	assert_true(vgic_has_pending(v0));
}

static void the_cpu_interface_is_the_hardwares(void **state)
{
	fake_machine_expect_exactly("map 0x3002000 0x8040000 2 device");
	fake_stop();
	fake_machine_log_clear();
	/* Each page of 4 KiB repeated over 64 KiB. */
	gic_info.cpu_size = 0x20000;
	gic_info.gicv_size = 0x20000;
	gic_info.v2_alias_offset = 0xf000;
	fake_domain.is_hardware = false;
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V2, 32), 0);
	vgic_domain_fini(&fake_domain);
	fake_domain.is_hardware = true;
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V2, 32), 0);
	fake_machine_expect_exactly("map 0x3002000 0x804f000 2 device",
				    "map 0x3002000 0x8040000 32 device");
}

static void what_the_machine_cannot_do_is_refused(void **state)
{
	struct vcpu ninth = {.domain = &fake_domain, .id = 8};

	assert_int_equal(vgic_vcpu_init(&ninth), -XEN_EINVAL);
	fake_stop();
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V3, 32), -XEN_EOPNOTSUPP);
	gic_info.gicv_size = 0;
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V2, 32), -XEN_EOPNOTSUPP);
	vgic_domain_fini(&fake_domain);
}

static void spis_are_rounded_up_and_limited(void **state)
{
	fake_stop();
	assert_int_equal(vgic_domain_init(&fake_domain, GIC_V3, 2000), 0);
	assert_int_equal(fake_domain.vgic.nr_spis, 988);
	fake_write(v0, FAKE_GICD + GICD_ISENABLER + 124, 4, UINT32_MAX);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_ISENABLER + 124, 4), 0x0fffffff);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_TYPER, 4) & 0x1f, 31);
}

/* Whatever a guest writes, wherever. */
static void random_accesses_do_no_harm(void **state)
{
	static const uint64_t base[] = {FAKE_GICD, FAKE_GICR, FAKE_GICR + GICR_SGI_FRAME};
	bool is_v2 = fake_domain.vgic.version == GIC_V2;
	uint32_t seed = 12345;

	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_LEVEL), 0);
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		fake_start_vcpu(&fake_vcpus[i]);
	}
	for (unsigned int i = 0; i < 300000; i++) {
		struct vcpu *v = &fake_vcpus[i % FAKE_NR_VCPUS];
		unsigned int size = 1u << (seed >> 28 & 3);
		uint32_t offset;

		seed = seed * 1664525 + 1013904223;
		/* Half of them where most registers are. */
		offset = (seed >> 8) & ((seed & 0x80) != 0 || is_v2 ? 0xfff : 0xffff) & ~(size - 1);
		fake_run_on(v);
		if ((seed & 0x40) != 0) {
			fake_write(v, base[is_v2 ? 0 : seed % 3] + offset, size, seed * 2654435761u);
		} else {
			fake_read(v, base[is_v2 ? 0 : seed % 3] + offset, size);
		}
		if (i % 16 < FAKE_NR_VCPUS) {
			vgic_pulse(&fake_domain, v, 16 + (seed >> 20 & 0x7f));
			fake_physical[SPI].active = true;
			vgic_physical_interrupt(SPI);
		}
		fake_enter(v);
		if (i % 8 < FAKE_NR_VCPUS) {
			uint32_t ack = fake_guest_acknowledge();

			if (ack != FAKE_SPURIOUS) {
				fake_guest_end(ack);
			}
		}
	}
}

/* Lines decide what is pending, and what enabling an interrupt sets off. */
static void lines_are_sampled_where_they_matter(void **state)
{
	struct vcpu *v = &fake_vcpus[0];

	fake_start_vcpu(v);
	fake_nr_samples = 0;
	(void)fake_dist_read(v, GICD_ISENABLER, 27);
	(void)fake_dist_read(v, GICD_ICENABLER, 27);
	(void)fake_dist_read(v, GICD_IPRIORITYR, 27);
	(void)fake_dist_read(v, GICD_ICFGR, 27);
	(void)fake_dist_read(v, GICD_ISPENDR, 40); /* SPIs have no such lines */
	assert_int_equal(fake_nr_samples, 0);
	(void)fake_dist_read(v, GICD_ISPENDR, 27);
	(void)fake_dist_read(v, GICD_ISACTIVER, 27);
	assert_int_equal(fake_nr_samples, 2);
	fake_dist_write(v, GICD_ISENABLER, 27, 1u << 27);
	fake_dist_write(v, GICD_ICENABLER, 27, 1u << 27);
	assert_int_equal(fake_nr_samples, 4);
	fake_dist_write(v, GICD_ISENABLER, 30, 1u << 30);
	fake_dist_write(v, GICD_ISENABLER, 20, 1u << 20); /* nobody's line */
	assert_int_equal(fake_nr_samples, 5);
}

static void each_private_interrupt_has_its_bits(void **state)
{
	struct vcpu *v = &fake_vcpus[1];

	fake_start_vcpu(v);
	for (uint32_t intid = 16; intid < 32; intid++) {
		fake_enable(v, intid, (uint8_t)(intid << 3));
		assert_int_equal(fake_dist_read(v, GICD_ISENABLER, 0),
				 0xffff | ((UINT64_C(2) << intid) - 1));
		assert_int_equal(fake_dist_read(v, GICD_ICENABLER, 0),
				 0xffff | ((UINT64_C(2) << intid) - 1));
		assert_int_equal(fake_dist_read(v, GICD_IPRIORITYR, intid) >> intid % 4 * 8 & 0xff,
				 (uint8_t)(intid << 3));
	}
	assert_int_equal(fake_dist_read(v, GICD_ISENABLER, 32), 0);
}

#define V3(test) cmocka_unit_test_setup_teardown(test, fake_start_v3, fake_teardown)
#define V2(test) cmocka_unit_test_setup_teardown(test, fake_start_v2, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V2(v2_identifies_itself),
		V3(v3_identifies_itself),
		V3(redistributors_are_in_the_order_of_vcpus),
		V3(each_region_of_redistributors_has_its_last),
		V2(sgis_are_always_enabled_edges),
		V3(sgis_are_always_enabled_edges),
		V2(only_the_listed_widths_work),
		V3(only_the_listed_widths_work),
		V2(write_one_registers_leave_the_zeroes),
		V3(write_one_registers_leave_the_zeroes),
		V2(v2_targets_are_banked_below_32),
		V3(routers_are_64_or_twice_32_bits),
		V2(the_cpu_interface_is_the_hardwares),
		V2(what_the_machine_cannot_do_is_refused),
		V2(lines_are_sampled_where_they_matter),
		V3(lines_are_sampled_where_they_matter),
		V2(each_private_interrupt_has_its_bits),
		V3(each_private_interrupt_has_its_bits),
		V3(spis_are_rounded_up_and_limited),
		V2(random_accesses_do_no_harm),
		V3(random_accesses_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
