/* SPDX-License-Identifier: MIT */
/* The other hypercalls; what is no hypercall: registers of the interrupt controller, another vCPU, caches. */
#include "bounded.h"

#include "guest_event.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "lib/format.h"

#define NR_CALLS  1024

#define TEXT_SIZE (64u << 10)

static struct multicall_entry *calls;
static char *text;

static int64_t multicall(uint64_t op, uint64_t a0, const void *a1, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		calls[i] = (struct multicall_entry){.op = op, .result = 77};
		calls[i].args[0] = a0;
		calls[i].args[1] = (uintptr_t)a1;
	}
	return hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, nr, 0, 0, 0);
}

/* How many of the calls have not had that result. */
static unsigned int other_results(unsigned int nr, uint64_t wanted)
{
	unsigned int others = 0;

	for (unsigned int i = 0; i < nr; i++) {
		others += calls[i].result != wanted;
	}
	return others;
}

static void multicalls(void)
{
	static xen_commandline_t line;
	struct xen_memory_reservation give = {.nr_extents = 1,
					      .extent_order = 9,
					      .domid = DOMID_SELF};
	xen_pfn_t at = bounded_spare_gfn() + 16384 - 512;

	EXPECT_EQUAL(BOUNDED("multicall.version", "1024 calls of XENVER_commandline",
			     multicall(__HYPERVISOR_xen_version, XENVER_commandline, line, NR_CALLS)),
		     0);
	EXPECT_EQUAL(other_results(NR_CALLS, 0), 0);
	/* Each is continued within itself; the pages are there for the first one only. */
	give.extent_start.q = (uintptr_t)&at;
	EXPECT_EQUAL(BOUNDED("multicall.decrease_order9", "2 calls, the second one refused",
			     multicall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &give,
				       2)),
		     0);
	EXPECT(calls[0].result == 1 && calls[1].result == 0);
}

static int64_t console_write(char c)
{
	memset(text, c, TEXT_SIZE);
	return hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, TEXT_SIZE, (uintptr_t)text, 0, 0);
}

static int64_t console_read(void)
{
	return hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, TEXT_SIZE, (uintptr_t)text, 0, 0);
}

static int64_t get_param(void)
{
	struct xen_hvm_param op = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ};

	return hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op);
}

static int64_t register_runstate(void)
{
	static struct vcpu_runstate_info info __aligned(64);
	struct vcpu_register_runstate_memory_area op = {};

	op.addr.p = (uintptr_t)&info;
	return hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			 (uintptr_t)&op, 0, 0);
}

void bounded_calls(void)
{
	calls = bounded_room(NR_CALLS * sizeof(*calls));
	text = bounded_room(TEXT_SIZE);
	multicalls();
	EXPECT_EQUAL(BOUNDED("console_io.write", "64 KiB of one line", console_write('.')), 0);
	EXPECT_EQUAL(BOUNDED("console_io.write_lines", "64 KiB of empty lines", console_write('\n')),
		     0);
	EXPECT_EQUAL(BOUNDED("console_io.write_nothing", "64 KiB that are not printed",
			     console_write('\0')),
		     0);
	EXPECT_EQUAL(BOUNDED_SHORT("console_io.read", "nothing was typed", console_read()), 0);
	EXPECT_EQUAL(BOUNDED_SHORT("hvm_op.get_param", "one", get_param()), 0);
	EXPECT_EQUAL(BOUNDED_SHORT("vcpu_op.runstate_area", "one", register_runstate()), 0);
	EXPECT_EQUAL(BOUNDED_SHORT("vcpu_op.vcpu_info", "one", xen_vcpu_info(1) != NULL), 1);
}

/* ---- what is no hypercall ------------------------------------------------------------------------------- */

static void distributor(void)
{
	uint64_t ctlr = machine.gicd + GICD_CTLR;
	unsigned int nr = ((mmio_get32(machine.gicd + GICD_TYPER) & 0x1f) + 1) * 32;
	uint32_t before = mmio_get32(ctlr);

	BOUNDED_SHORT("trap.distributor_pending", "each word of GICD_ISPENDR and GICD_ISENABLER", ({
			      for (unsigned int intid = 32; intid < nr; intid += 32) {
				      mmio_set32(machine.gicd + GICD_ISENABLER + intid / 8,
						 ~UINT32_C(0));
				      mmio_set32(machine.gicd + GICD_ISPENDR + intid / 8,
						 ~UINT32_C(0));
			      }
			      nr - 32;
		      }));
	BOUNDED_SHORT("trap.distributor_off_and_on", "with all of these pending", ({
			      mmio_set32(ctlr, 0);
			      mmio_set32(ctlr, before);
			      0;
		      }));
	for (unsigned int intid = 32; intid < nr; intid += 32) {
		mmio_set32(machine.gicd + GICD_ICPENDR + intid / 8, ~UINT32_C(0));
		mmio_set32(machine.gicd + GICD_ICENABLER + intid / 8, ~UINT32_C(0));
	}
}

static void nothing(uint64_t argument)
{
	(void)argument;
}

void bounded_traps(void)
{
	distributor();
	EXPECT_EQUAL(BOUNDED_SHORT("trap.psci_cpu_on_and_off", "a vCPU that turns itself off again",
				   smp_start(1, nothing, 0) && smp_wait_off(1)),
		     1);
	EXPECT_EQUAL(BOUNDED_SHORT("trap.psci_features", "one",
				   psci(UINT64_C(0x8400000a), PSCI_CPU_ON, 0, 0)),
		     0);
}

/* The first of these arms set/way; from then on each change of the caches' state cleans all of the domain's RAM. */
void bounded_caches(const char *when)
{
	char name[64];

	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
	snprintf(name, sizeof(name), "trap.set_way%s", when);
	BOUNDED(name, "16 sets: the whole domain is cleaned", ({
			for (uint64_t set = 0; set < 16; set++) {
				__asm__ volatile("dc cisw, %0" ::"r"(set << 6) : "memory");
			}
			0;
		}));
	bounded_begin();
	mmu_disable();
	snprintf(name, sizeof(name), "trap.caches_off%s", when);
	bounded_end(name, mmu_is_on(), true, "the domain turns cold");
	bounded_begin();
	mmu_enable();
	snprintf(name, sizeof(name), "trap.caches_on%s", when);
	bounded_end(name, mmu_is_on(), true, "the domain turns warm");
}

static bool is_gone(domid_t domid)
{
	struct evtchn_bind_interdomain op = {.remote_dom = domid};

	return event_op(EVTCHNOP_bind_interdomain, &op) == -XEN_ESRCH;
}

void bounded_destruction(const char *name, domid_t domid, const char *what)
{
	/* After an interrupt Tenon goes on a millisecond later: with the short period it would take seconds. */
	bounded_set_period(300);
	print("READY for the key K\n");
	bounded_begin();
	for (unsigned int ms = 0; ms < 5000 && !is_gone(domid); ms++) {
		delay_us(1000);
	}
	bounded_end(name, is_gone(domid), true, what);
	EXPECT(is_gone(domid));
}

void bounded_idle(void)
{
	bounded_set_period(40);
	bounded_begin();
	for (unsigned int i = 0; i < 1000; i++) {
		wfi();
	}
	bounded_end("idle.scrub", 0, true, "dirty memory, while nobody runs");
}
