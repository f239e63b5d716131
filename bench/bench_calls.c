/* SPDX-License-Identifier: MIT */
/* What the benchmark guest measures without help: calls and traps that return at once, and its own interrupts. */
#include "bench.h"

#include "guest_gic.h"

#define PPI_VIRTUAL_TIMER 27

/* A loop function around one statement. */
#define LOOP(name, setup, statement)                                           \
	static uint64_t name(uint64_t nr, const struct bench_context *context) \
	{                                                                      \
		setup;                                                         \
		while (nr-- != 0) {                                            \
			statement;                                             \
		}                                                              \
		return 0;                                                      \
	}

/* SMCCC by HVC: the result in x0. */
#define SMCCC(function)                                  \
	register uint64_t x0 __asm__("x0") = (function); \
	__asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory")

/* A hypercall with two arguments; only x0 changes. */
#define HYPERCALL(number, a0, a1)                            \
	register uint64_t x0 __asm__("x0") = (a0);           \
	register uint64_t x1 __asm__("x1") = (uint64_t)(a1); \
	register uint64_t x16 __asm__("x16") = (number);     \
	__asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1) : "r"(x16) : "x2", "x3", "x4", "memory")

static char text[XEN_EXTRAVERSION_LEN];
static struct evtchn_status status;

LOOP(workaround, , SMCCC(0x80008000u))
LOOP(psci_version, , SMCCC(0x84000000u))
LOOP(unknown, , HYPERCALL(63, 0, 0))
LOOP(version, , HYPERCALL(__HYPERVISOR_xen_version, XENVER_version, 0))
LOOP(extraversion, , HYPERCALL(__HYPERVISOR_xen_version, XENVER_extraversion, text))
LOOP(yield, , HYPERCALL(__HYPERVISOR_sched_op, SCHEDOP_yield, 0))
LOOP(event_status, , HYPERCALL(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status))
LOOP(id_register, , (void)sysreg_read(ID_AA64ISAR0_EL1))
LOOP(gicd_typer, uint64_t at = machine.gicd + GICD_TYPER, (void)mmio_get32(at))
LOOP(uart_flags, uint64_t at = machine.uart + 0x18, (void)mmio_get32(at))
LOOP(gicr_isenabler, uint64_t at = gic_redistributor(0) + GICR_SGI_FRAME + GICD_ISENABLER,
     (void)mmio_get32(at))

static void calls(void)
{
	static const struct {
		const char *name;
		bench_loop_t loop;
		bool v3_only;
	} list[] = {
		{"smccc.workaround", workaround, false},
		{"psci.version", psci_version, false},
		{"hypercall.unknown", unknown, false},
		{"hypercall.version", version, false},
		{"hypercall.extraversion", extraversion, false},
		{"hypercall.event_status", event_status, false},
		{"sched.yield_alone", yield, false},
		{"register.id", id_register, false},
		{"register.gicd_typer", gicd_typer, false},
		{"register.gicr_isenabler0", gicr_isenabler, true},
		{"register.uart_flags", uart_flags, false},
	};

	status = (struct evtchn_status){.dom = DOMID_SELF, .port = 1};
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		if (!list[i].v3_only || machine.gic_version == 3) {
			bench_measure(list[i].name, list[i].loop, 1000, NULL, false);
		}
	}
}

static void interrupts(void)
{
	struct bench_context context = {
		.gicc = machine.gic_version == 2 ? machine.gicc : 0,
		.gicd_sgir = machine.gicd + GICD_SGIR,
	};

	if (machine.gic_version == 3) {
		uint64_t mpidr = machine.mpidr[0];

		context.sgi = ((mpidr >> 8) & 0xff) << 16 | UINT64_C(1) << (mpidr & 0xf);
		bench_measure("interrupt.sgi", bench_loop_sgi_v3, 1000, &context, true);
	} else {
		context.sgi = 2u << 24; /* to the sender itself */
		bench_measure("interrupt.sgi", bench_loop_sgi_v2, 1000, &context, true);
	}
	gic_enable(PPI_VIRTUAL_TIMER);
	bench_measure("interrupt.timer", bench_loop_timer, 1000, &context, true);
}

void bench_calls(void)
{
	calls();
	interrupts();
}
