/* SPDX-License-Identifier: MIT */
/*
 * The system counter (Arm ARM, "The Generic Timer in AArch64 state"): frequency, reading, conversion to and from
 * nanoseconds. timer.c has the timers.
 */
#include "time/time_internal.h"

#include <libfdt.h>

#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "devtree/devtree.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"

#define NS_PER_SECOND UINT64_C(1000000000)
/* What is outside is a mistake of firmware or tree. The architecture asks for 1 to 50 MHz, later for 1 GHz. */
#define FREQUENCY_MIN 100000u
#define FREQUENCY_MAX 4000000000u

/* Order of the timer node's interrupts (binding "arm,arch_timer"); INTIDs that SBSA recommends. */
enum {
	IRQ_SECURE,
	IRQ_PHYSICAL,
	IRQ_VIRTUAL,
	IRQ_HYP
};
#define INTID_HYP     26
#define INTID_VIRTUAL 27
#define IRQ_TYPE_PPI  1

/* A fraction below 2^64 as mult / 2^shift, mult with its top bit set: 63 significant bits at any frequency. */
struct ratio {
	uint64_t mult;
	unsigned int shift;
};

static uint64_t frequency_hz __ro_after_init_bss;
static uint32_t guest_clock_frequency __ro_after_init_bss;
static struct ratio ns_per_tick __ro_after_init_bss;
static struct ratio ticks_per_ns __ro_after_init_bss;
/* time_now_ns(): ns_per_tick in the form that takes the fewest instructions. */
static struct {
	uint64_t boot_ticks, mult;
	unsigned int up, down; /* mult / 2^64, shifted: one of them is 0 */
} clock __ro_after_init_bss;
static uint32_t hyp_intid __ro_after_init = INTID_HYP;

/* By long division; numerator and denominator are below 2^32. */
static struct ratio make_ratio(uint64_t numerator, uint64_t denominator)
{
	struct ratio ratio = {.mult = numerator / denominator};
	uint64_t rest = numerator % denominator;

	while ((ratio.mult & BIT64(63)) == 0) {
		rest *= 2;
		ratio.mult *= 2;
		if (rest >= denominator) {
			rest -= denominator;
			ratio.mult++;
		}
		ratio.shift++;
	}
	return ratio;
}

static uint64_t scale(uint64_t value, const struct ratio *ratio)
{
	unsigned __int128 result = (unsigned __int128)value * ratio->mult >> ratio->shift;

	return result > UINT64_MAX ? UINT64_MAX : (uint64_t)result;
}

static int find_node(const void *fdt)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv8-timer");

	return node >= 0 ? node : fdt_node_offset_by_compatible(fdt, -1, "arm,armv7-timer");
}

/*
 * INTID of one of the node's interrupts, by name if it has names; 0 when the tree does not say. *controller is the
 * node that was found last, or -1: looking for its phandle takes a walk through the whole tree.
 */
static uint32_t timer_intid(const void *fdt, const struct devtree_path *path, unsigned int idx,
			    const char *name, int *controller)
{
	int named = fdt_stringlist_search(fdt, path->node[path->depth], "interrupt-names", name);
	struct devtree_irq irq;

	if (named >= 0) {
		idx = (unsigned int)named;
	}
	if (devtree_irq(fdt, path, idx, *controller, &irq) != 0) {
		return 0;
	}
	*controller = irq.controller;
	if (irq.nr_cells < 3 || irq.cell[0] != IRQ_TYPE_PPI ||
	    irq.cell[1] >= INTID_SPI_FIRST - INTID_PPI_FIRST) {
		return 0;
	}
	return INTID_PPI_FIRST + irq.cell[1];
}

static void read_interrupts(const void *fdt, int node)
{
	uint32_t hyp = 0, virtual = 0;
	struct devtree_path path;
	int controller = -1;

	if (devtree_path_of(fdt, node, &path) == 0) {
		hyp = timer_intid(fdt, &path, IRQ_HYP, "hyp-phys", &controller);
		virtual = timer_intid(fdt, &path, IRQ_VIRTUAL, "virt", &controller);
	}
	if (hyp != 0) {
		hyp_intid = hyp;
	} else {
		log_warning("time: the device tree does not tell the EL2 timer's interrupt, "
			    "assuming %u",
			    hyp_intid);
	}
	if (virtual != 0 && virtual != INTID_VIRTUAL) {
		log_error("time: the virtual timer's interrupt is %u; only %u works, guests will "
			  "miss their ticks",
			  virtual, INTID_VIRTUAL);
	}
}

void time_init(const void *fdt)
{
	uint64_t in_register = sysreg_read(CNTFRQ_EL0) & UINT32_MAX;
	uint32_t in_tree = 0;
	int node = find_node(fdt);

	if (node >= 0) {
		(void)devtree_get_u32(fdt, node, "clock-frequency", &in_tree);
		read_interrupts(fdt, node);
	} else {
		log_warning("time: the device tree has no timer node, assuming interrupt %u",
			    hyp_intid);
	}
	/* The property is there for firmware that left the register wrong: it has precedence. */
	if (in_tree != 0 && in_tree != in_register) {
		frequency_hz = in_tree;
		guest_clock_frequency = in_tree;
	} else {
		frequency_hz = in_register;
		guest_clock_frequency = 0;
	}
	if (frequency_hz < FREQUENCY_MIN || frequency_hz > FREQUENCY_MAX) {
		panic("time: CNTFRQ_EL0 says %llu Hz, the timer node's clock-frequency %u: neither "
		      "is usable",
		      (unsigned long long)in_register, in_tree);
	}
	ns_per_tick = make_ratio(NS_PER_SECOND, frequency_hz);
	ticks_per_ns = make_ratio(frequency_hz, NS_PER_SECOND);
	clock.mult = ns_per_tick.mult;
	clock.up = 64 - MIN(ns_per_tick.shift, 64u);
	clock.down = MAX(ns_per_tick.shift, 64u) - 64;
	clock.boot_ticks = time_ticks();
	log_info("time: counter at %llu Hz, EL2 timer interrupt %u",
		 (unsigned long long)frequency_hz, hyp_intid);
}

void time_init_cpu(void)
{
	timer_init_cpu(hyp_intid);
}

uint64_t time_ticks(void)
{
	/* The counter may be read early, like any register: not before what precedes the call. */
	isb();
	return sysreg_read(CNTPCT_EL0);
}

uint64_t time_frequency_hz(void)
{
	return frequency_hz;
}

uint32_t time_guest_clock_frequency(void)
{
	return guest_clock_frequency;
}

uint64_t time_ticks_to_ns(uint64_t ticks)
{
	return scale(ticks, &ns_per_tick);
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return scale(ns, &ticks_per_ns);
}

uint64_t time_now_ns(void)
{
	/* As scale(): what is shifted out at the top would be centuries. */
	uint64_t ticks = (time_ticks() - clock.boot_ticks) << clock.up;

	return (uint64_t)((unsigned __int128)ticks * clock.mult >> 64) >> clock.down;
}
