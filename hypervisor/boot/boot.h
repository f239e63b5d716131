/* SPDX-License-Identifier: MIT */
/* From the first instruction to the first guest. */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"

#define TENON_VERSION      "0.1"

#define BOOT_STACK_BYTES_C 28672
#define CPU_STACK_ORDER    3 /* 32 KiB: the lowest page is left unmapped as a guard */

/* TCR_EL2 but for PS: 48-bit VA, Write-Back Inner Shareable walks, 4 KiB granule; RES1 bits 31 and 23. */
#define TCR_EL2_VALUE                                                                             \
	(BIT64(31) | BIT64(23) | (UINT64_C(3) << 12) | (UINT64_C(1) << 10) | (UINT64_C(1) << 8) | \
	 16)

/*
 * What a secondary CPU reads with its MMU off: written by the boot CPU, then cleaned and invalidated
 * to the PoC before CPU_ON (the secondary itself writes nothing before its MMU is on).
 */
struct boot_secondary {
	uint64_t ttbr0;     /* machine address of its level-0 table */
	uint64_t stack_top; /* virtual */
	uint64_t percpu_offset;
	uint64_t reserved[5]; /* a whole line: nothing else shares it */
} __aligned(64);

/* Segments of the image (tenon.lds.S). */
extern char image_start[], text_end[], init_text_start[], init_text_end[], rodata_end[],
	init_data_start[], init_data_end[], ro_after_init_start[], ro_after_init_end[],
	image_file_end[], boot_stack_guard[], boot_stack_top[], bss_start[], bss_end[],
	init_bss_start[], init_bss_end[], ro_after_init_bss_start[], ro_after_init_bss_end[],
	percpu_start[], percpu_end[], image_end[], idmap_text_start[], boot_tables_start[],
	boot_tables_end[];

/* Machine address the image was loaded at. */
extern maddr_t image_maddr;

/* boot_head.S: where secondaries start (machine address through the 1:1 map). */
extern char boot_secondary_entry[];

/* C entries, on the CPU's own stack with the MMU on. */
__noreturn void boot_main(maddr_t fdt, maddr_t image);
__noreturn void boot_secondary_main(void);

/* boot_smp.c: start every CPU of the tree through PSCI. */
void boot_smp_start(const void *fdt);
/* Let the secondaries, which wait after their own set-up, go on to the scheduler. */
void boot_smp_release(void);

/* The panic path's way to stop the other CPUs. */
void boot_smp_stop_others(void);
/* Per-CPU set-up that needs the features common to all CPUs. */
void boot_cpu_start_scheduling(void);

/* boot_main.c, last: give the initialisation code and data back, then schedule. */
__noreturn void boot_finish(void);

/* vectors.S: leave the boot stack for the scheduler and the guests. */
__noreturn void cpu_enter_guests(void);

/* boot_memory.c: RAM banks and reserved ranges of the tree become the frame table and the pool. */
void boot_memory_init(const void *fdt, maddr_t fdt_maddr, uint64_t fdt_size);
/* The tree moved to Tenon's own frames; the boot loader's copy joins the pool. */
const void *boot_memory_keep_fdt(const void *fdt);

/* PSCI of the machine (boot_smp.c): never return but for an error. */
__noreturn void machine_power_off(void);
__noreturn void machine_reset(void);
