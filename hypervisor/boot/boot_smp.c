/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: started one after the other through PSCI CPU_ON (Arm DEN 0022, "CPU_ON"), each on
 * tables, stack and per-CPU area that the boot CPU made for it.
 *
 * A secondary reads one structure with its MMU off; everything else it touches only with the MMU on, so
 * only that structure needs maintenance. It never writes with its MMU off (compare Xen, whose secondaries
 * rebuild their boot tables then: cohcheck's first find).
 */
#include "boot/boot.h"

#include <libfdt.h>

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/cpu_init.h"
#include "arm64/panic.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "boot/boot_options.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/mm_internal.h"
#include "sched/sched.h"
#include "stage2/stage2.h"
#include "time/time.h"
#include "trap/trap.h"
#include "vgic/vgic.h"
#include "vtimer/vtimer.h"

#define PSCI_CPU_ON_64    UINT64_C(0xc4000003)
#define PSCI_SYSTEM_OFF   UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)

#define START_TIMEOUT_NS  UINT64_C(10000000000) /* emulators are slow */

DECLARE_PER_CPU(uint64_t, cpu_stack_top);
DECLARE_PER_CPU(uint64_t, panic_stack_top);

static struct boot_secondary secondary; /* one start at a time */
static uint64_t mpidr_of[MAX_CPUS];
enum {
	CPU_WAITS = 1,
	CPU_SCHEDULES = 2
};
static uint32_t cpu_is_up[MAX_CPUS]; /* 0, then one of these; set by the CPU itself, release */
static uint32_t released;

/* Everything a CPU needs of the boot CPU; nothing is kept when something is missing. */
static bool __init prepare(unsigned int cpu)
{
	unsigned int percpu_order = 0;
	uint64_t percpu_bytes = (uint64_t)(percpu_end - percpu_start);
	char *stack = hyp_alloc(CPU_STACK_ORDER);
	char *panic_stack = hyp_alloc(0);
	char *percpu;
	maddr_t root;

	while (PAGE_SIZE << percpu_order < percpu_bytes) {
		percpu_order++;
	}
	percpu = hyp_alloc(percpu_order);
	root = hyp_map_create_root(cpu);
	if (!stack || !panic_stack || !percpu || root == 0) {
		hyp_free(stack, CPU_STACK_ORDER);
		hyp_free(panic_stack, 0);
		hyp_free(percpu, percpu_order);
		log_error("no memory to start CPU %u", cpu);
		return false;
	}
	hyp_map_guard(stack);
	percpu_offset[cpu] = (uint64_t)(uintptr_t)percpu - (uint64_t)(uintptr_t)percpu_start;
	per_cpu(cpu_id, cpu) = cpu;
	per_cpu(cpu_stack_top, cpu) = (uint64_t)(uintptr_t)stack + (PAGE_SIZE << CPU_STACK_ORDER);
	per_cpu(panic_stack_top, cpu) = (uint64_t)(uintptr_t)panic_stack + PAGE_SIZE;
	secondary = (struct boot_secondary){
		.ttbr0 = root,
		.stack_top = per_cpu(cpu_stack_top, cpu),
		.percpu_offset = percpu_offset[cpu],
	};
	/* The secondary reads it with its MMU off, from the PoC. Pairs with boot_secondary_entry. */
	dcache_clean_invalidate_to_poc(&secondary, sizeof(secondary));
	dsb_sy();
	return true;
}

static bool __init wait_until(unsigned int cpu, uint32_t state)
{
	uint64_t start = time_now_ns();

	while (atomic_load_acquire(&cpu_is_up[cpu]) < state) {
		if (time_now_ns() - start > START_TIMEOUT_NS) {
			return false;
		}
		cpu_relax();
	}
	return true;
}

static maddr_t __init image_to_maddr(const void *va)
{
	return image_maddr + ((uint64_t)(uintptr_t)va - IMAGE_BASE);
}

static void __init start(uint64_t mpidr)
{
	unsigned int cpu = nr_cpus;
	struct smccc_result result;

	if (cpu == MAX_CPUS) {
		log_warning("more than %u CPUs: MPIDR 0x%lx is left off", MAX_CPUS, mpidr);
		return;
	}
	if (!prepare(cpu)) {
		return;
	}
	mpidr_of[cpu] = mpidr;
	result = arm64_smc(PSCI_CPU_ON_64, mpidr, image_to_maddr(boot_secondary_entry),
			   image_to_maddr(&secondary));
	if ((int32_t)result.x[0] != 0) {
		log_error("CPU %u (MPIDR 0x%lx) is not started: PSCI CPU_ON says %d", cpu, mpidr,
			  (int32_t)result.x[0]);
		return;
	}
	if (!wait_until(cpu, CPU_WAITS)) {
		/* It may still come, into structures that would be reused: go no further. */
		panic("CPU %u (MPIDR 0x%lx) does not come up within ten seconds", cpu, mpidr);
	}
	nr_cpus = cpu + 1;
}

void __init boot_smp_start(const void *fdt)
{
	uint64_t own = sysreg_read(MPIDR_EL1) & MPIDR_AFFINITY;
	int cpus = fdt_path_offset(fdt, "/cpus");
	int address_cells = cpus >= 0 ? fdt_address_cells(fdt, cpus) : 0;
	int node;

	mpidr_of[0] = own;
	if (cpus < 0) {
		log_warning("device tree: no /cpus node: only the boot CPU is used");
		return;
	}
	fdt_for_each_subnode(node, fdt, cpus) {
		int length, type_length, method_length;
		const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);
		const char *type = fdt_getprop(fdt, node, "device_type", &type_length);
		const char *method = fdt_getprop(fdt, node, "enable-method", &method_length);
		uint64_t mpidr = 0;

		if (!type || strcmp(type, "cpu") != 0 || !reg || length < 4 * address_cells ||
		    address_cells < 1 || address_cells > 2) {
			continue;
		}
		for (int n = 0; n < address_cells; n++) {
			mpidr = mpidr << 32 | fdt32_to_cpu(reg[n]);
		}
		if (mpidr == own) {
			continue;
		}
		if (!method || strcmp(method, "psci") != 0) {
			log_warning("CPU with MPIDR 0x%lx has no enable-method \"psci\": left off",
				    mpidr);
			continue;
		}
		if (boot_options.maxcpus == 0 || nr_cpus < boot_options.maxcpus) {
			start(mpidr);
		}
	}
	if (nr_cpus > 1) {
		panic_set_stop(boot_smp_stop_others);
	}
}

void boot_smp_stop_others(void)
{
	gic_send_sgi_all_others(INTID_SGI_STOP);
}

void __init boot_smp_release(void)
{
	atomic_store_release(&released, 1); /* pairs with boot_secondary_main() */
	cpu_sev();
	/* What comes next puts vCPUs on their run queues: not on one that its CPU has yet to initialise. */
	for (unsigned int cpu = 1; cpu < nr_cpus; cpu++) {
		if (!wait_until(cpu, CPU_SCHEDULES)) {
			panic("CPU %u does not start scheduling within ten seconds", cpu);
		}
	}
}

/* What every CPU does once the features common to all are known. */
void boot_cpu_start_scheduling(void)
{
	stage2_init_cpu();
	time_init_cpu();
	vtimer_init_cpu();
	vgic_init_cpu();
	sched_init_cpu();
}

void boot_secondary_main(void)
{
	cpu_init_el2();
	cpu_features_add_this_cpu(false);
	trap_idreg_init_cpu();
	gic_init_cpu();
	/* It waits below without a look at epochs: whoever waits for memory meanwhile must not wait for it (M1). */
	epoch_idle_enter();
	/* All of the above is visible to the boot CPU. Pairs with wait_until(). */
	atomic_store_release(&cpu_is_up[this_cpu_id()], CPU_WAITS);
	while (atomic_load_acquire(&released) == 0) {
		cpu_wfe();
	}
	epoch_idle_leave();
	boot_cpu_start_scheduling();
	atomic_store_release(&cpu_is_up[this_cpu_id()],
			     CPU_SCHEDULES); /* pairs with boot_smp_release() */
	cpu_enter_guests();
}

static __noreturn void machine_stop(uint64_t function, const char *what)
{
	console_drain();
	(void)arm64_smc(function, 0, 0, 0);
	panic("firmware does not %s the machine", what);
}

void machine_power_off(void)
{
	machine_stop(PSCI_SYSTEM_OFF, "power off");
}

void machine_reset(void)
{
	machine_stop(PSCI_SYSTEM_RESET, "reset");
}
