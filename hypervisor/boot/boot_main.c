/* SPDX-License-Identifier: MIT */
/*
 * From the first C instruction on the boot CPU to the first guest. Reads like a table of contents; the
 * order is forced by what each step needs, as the comments say.
 */
#include "boot/boot.h"

#include <libfdt.h>

#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/cpu_init.h"
#include "arm64/panic.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "boot/boot_options.h"
#include "console/console.h"
#include "domain/policy.h"
#include "dombuild/dombuild.h"
#include "gic/gic.h"
#include "hypercall/hypercall.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "mm/mm_internal.h"
#include "stage2/stage2.h"
#include "time/time.h"
#include "trap/trap.h"

#define FDT_MAX_BYTES (UINT64_C(2) << 20) /* Linux: Documentation/arch/arm64/booting.rst */

DECLARE_PER_CPU(uint64_t, cpu_stack_top);
DECLARE_PER_CPU(uint64_t, panic_stack_top);

static char panic_stack[4096] __aligned(16);

/* The boot loader's tree, seen Non-cacheable after its lines were cleaned and invalidated. */
static const void *__init map_fdt(maddr_t fdt, uint64_t *size)
{
	const void *view;

	if (fdt == 0 || !IS_ALIGNED(fdt, 8)) {
		panic("no device tree: x0 was 0x%lx at entry, which is not an 8-byte-aligned address",
		      fdt);
	}
	view = hyp_map_boot(fdt, FDT_MAX_BYTES);
	if (!view) {
		panic("the device tree at 0x%lx cannot be mapped", fdt);
	}
	dcache_clean_invalidate_to_poc(view, sizeof(struct fdt_header));
	dsb_sy(); /* the header is in memory before it is read through this NC view */
	if (fdt_magic(view) != FDT_MAGIC || fdt_totalsize(view) > FDT_MAX_BYTES) {
		panic("no device tree at 0x%lx: magic 0x%08x, size %u (at most 2 MiB)", fdt,
		      fdt_magic(view), fdt_totalsize(view));
	}
	*size = fdt_totalsize(view);
	dcache_clean_invalidate_to_poc(view, *size);
	dsb_sy();
	/* 17 is the only version since 2006; libfdt is built without support for older ones. */
	if (fdt_version(view) < 17 || fdt_last_comp_version(view) > 17) {
		panic("the device tree at 0x%lx has version %u, compatible down to %u; version 17 is needed",
		      fdt, fdt_version(view), fdt_last_comp_version(view));
	}
	if (fdt_check_full(view, *size) != 0) {
		panic("the device tree at 0x%lx is damaged: libfdt's full check says %d", fdt,
		      fdt_check_full(view, *size));
	}
	return view;
}

static void __init start_console(const void *fdt)
{
	console_init_early(fdt, boot_options.dtuart[0] != '\0' ? boot_options.dtuart : NULL);
	log_info("Tenon " TENON_VERSION " at EL2, image at 0x%lx", image_maddr);
}

void __init boot_main(maddr_t fdt_maddr, maddr_t image)
{
	const void *fdt;
	uint64_t fdt_size = 0;

	image_maddr = image;
	this_cpu(cpu_stack_top) = (uint64_t)(uintptr_t)boot_stack_top;
	this_cpu(panic_stack_top) = (uint64_t)(uintptr_t)panic_stack + sizeof(panic_stack);
	cpu_init_el2();
	cpu_features_add_this_cpu(true);
	trap_idreg_init_cpu();
	hyp_map_init();

	/* The tree tells where the console is and what must not be handed out. */
	fdt = map_fdt(fdt_maddr, &fdt_size);
	dombuild_scan_options(fdt);
	start_console(fdt);
	dombuild_scan(image_maddr, (uint64_t)(image_end - image_start), fdt_maddr, fdt_size);
	policy_set_silo(boot_options.xsm_silo);
	hypercall_set_command_line(boot_info.tenon_cmdline); /* copied: it lies in this tree */
	boot_memory_init(fdt, fdt_maddr, fdt_size);
	fdt = boot_memory_keep_fdt(fdt);
	dombuild_scan_moved(fdt);

	/* Devices, then the other CPUs, which use them. */
	time_init(fdt);
	gic_init(fdt);
	gic_init_cpu();
	boot_smp_start(fdt);
	console_init();
	console_kill_init();
	console_key_register('R', "restart the machine", machine_reset);
	stage2_init_machine();
	trap_idreg_init_machine();
	log_info("%u CPU%s, %lu MiB of RAM free, GICv%u, %s", nr_cpus, nr_cpus == 1 ? "" : "s",
		 frame_pool_free_frames() >> 8, gic_info.version,
		 cpu_features.s2fwb ? "forced write-back stage 2"
				    : "stage 1 decides on cacheability");

	/* M1, M2: from here on EL2 maps what it owns, and no executable memory is added. */
	hyp_map_finish();
	boot_cpu_start_scheduling();

	if (dombuild_all() == 0) {
		log_error("no domain could be built: nothing to run. Give a kernel as a multiboot,kernel module or a "
			  "xen,domain node in /chosen (docs/configuration.md).");
		machine_power_off();
	}
	/* Only now: idle CPUs clean free memory, and dom0's banks are found while it lies still in one piece. */
	boot_smp_release();
	dombuild_release_modules();
	dombuild_start_all();
	boot_finish();
}

/* Not in .init: what is about to be given back cannot be running. */
void boot_finish(void)
{
	hyp_release_image(init_text_start, init_text_end);
	hyp_release_image(init_data_start, init_data_end);
	hyp_release_image(init_bss_start, init_bss_end);
	log_info("memory: %lu KiB of RAM, %lu KiB free", frame_table_ram_frames() << 2,
		 frame_pool_free_frames() << 2);
	cpu_enter_guests();
}
