/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of everything that can happen to a vCPU's interrupts, against a model of an interrupt controller
 * that has no list registers: lines that rise and fall, edges, SGIs of several CPUs, the guest's registers, its
 * acknowledging and ending, and the vCPU leaving its CPU at any moment, for another (IHI 0048B, "Interrupt handling state machine").
 */
#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gic/gic_regs.h"

#define NR_IRQS    9
#define NR_STEPS   60000
#define NR_SEEDS   4
#define IDLE       0xff00 /* nothing is in service */
#define FIRST_LINE 3

/* SGIs, then interrupts with lines. Each has a priority of its own, so that what comes next is defined. */
static const uint32_t intids[NR_IRQS] = {2, 5, 9, 20, 21, 22, 40, 41, 70};

struct model_irq {
	uint32_t intid;
	unsigned int priority;
	uint32_t sources; /* GICv2 SGIs */
	bool enabled, edge, line, latch, active;
};

static struct model {
	enum gic_version version;
	bool distributor;
	struct model_irq irq[NR_IRQS];
	unsigned int in_service;
	uint32_t acknowledged;
} model;

static struct vcpu *const v0 = &fake_vcpus[0];
static bool loaded;
static bool few_list_registers;
static uint64_t random_state;
static unsigned int step;

static unsigned int random_below(unsigned int limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)(random_state >> 33) % limit;
}

static uint32_t bit_of(const struct model_irq *irq)
{
	return UINT32_C(1) << irq->intid % 32;
}

static bool has_sources(const struct model_irq *irq)
{
	return model.version == GIC_V2 && irq->intid < 16;
}

static bool is_pending(const struct model_irq *irq)
{
	return irq->latch || irq->sources != 0 || (!irq->edge && irq->line);
}

/* ---- the vCPU's CPU ------------------------------------------------------------------------------- */

static void load(void)
{
	if (!loaded) {
		v0->sched.cpu = random_below(2) == 0 ? 0 : FAKE_NR_CPUS - 1;
		fake_start_vcpu(v0);
		loaded = true;
	}
}

static bool can_be_taken(const struct model_irq *irq)
{
	return model.distributor && irq->enabled && is_pending(irq) && !irq->active;
}

static struct model_irq *next_to_take(void)
{
	struct model_irq *next = NULL;

	for (unsigned int i = 0; i < NR_IRQS; i++) {
		struct model_irq *irq = &model.irq[i];

		if (can_be_taken(irq) && (next == NULL || irq->priority < next->priority)) {
			next = irq;
		}
	}
	return next;
}

/*
 * By an interrupt, which the maintenance interrupt may be; by another exit, after which the vCPU is switched before
 * interrupts are taken; or because it waits for one, and then the look at what is pending must be right, or it sleeps on.
 */
static void unload(void)
{
	if (!loaded) {
		return;
	}
	fake_run_on(v0);
	switch (random_below(3)) {
	case 0:
		fake_exit(v0);
		break;
	case 1:
		break;
	default:
		if (vgic_has_pending(v0) != (next_to_take() != NULL)) {
			fail_msg("step %u: WFI sees pending %d, not %d", step, vgic_has_pending(v0),
				 next_to_take() != NULL);
		}
		break;
	}
	fake_switch_out(v0);
	loaded = false;
}

/* Out and in again: what was asked for while the guest ran. */
static void again(void)
{
	if (loaded) {
		fake_run_on(v0);
		fake_exit(v0);
		fake_enter(v0);
	}
}

static void write_register(uint32_t offset, uint32_t intid, uint32_t value)
{
	fake_run_on(v0);
	fake_dist_write(v0, offset, intid, value);
	if (loaded) {
		fake_enter(v0);
	}
}

static uint32_t read_register(uint32_t offset, uint32_t intid)
{
	uint32_t value;

	fake_run_on(v0);
	value = fake_dist_read(v0, offset, intid);
	if (loaded) {
		fake_enter(v0);
	}
	return value;
}

/* ---- what can happen ------------------------------------------------------------------------------- */

/* Something was raised for the vCPU, which was in an exit: the shortest one, or another. */
static void go_on(void)
{
	if (v0->work.any != 0 || random_below(2) == 0) {
		again();
	}
}

static void change_line(struct model_irq *irq)
{
	bool level = random_below(2) != 0;

	irq->latch = irq->latch || (irq->edge && level && !irq->line);
	irq->line = level;
	vgic_set_line(&fake_domain, v0, irq->intid, level);
	go_on();
}

static void send_sgi(struct model_irq *irq)
{
	unsigned int source = random_below(FAKE_NR_VCPUS);

	if (has_sources(irq)) {
		irq->sources |= 1u << source;
		fake_run_on(&fake_vcpus[source]);
		fake_write(&fake_vcpus[source], FAKE_GICD + GICD_SGIR, 4, irq->intid | 1u << 16);
		if (source == 0 && loaded) {
			fake_enter(v0);
		}
	} else {
		irq->latch = true;
		fake_run_on(&fake_vcpus[source]);
		vgic_sgi1r_write(&fake_vcpus[source], (uint64_t)irq->intid << 24 | 1);
	}
	fake_run_on(v0);
	go_on();
}

static void raise(struct model_irq *irq)
{
	if (irq->intid < 16) {
		send_sgi(irq);
	} else if (random_below(4) == 0) {
		irq->latch = true;
		vgic_pulse(&fake_domain, v0, irq->intid);
		go_on();
	} else {
		change_line(irq);
	}
}

static void enable_or_disable(struct model_irq *irq)
{
	if (irq->intid < 16) {
		return;
	}
	irq->enabled = random_below(3) != 0;
	write_register(irq->enabled ? GICD_ISENABLER : GICD_ICENABLER, irq->intid, bit_of(irq));
}

static void set_pending(struct model_irq *irq)
{
	irq->latch = irq->latch || !has_sources(irq);
	write_register(GICD_ISPENDR, irq->intid, bit_of(irq));
}

static void clear_pending(struct model_irq *irq)
{
	irq->latch = false;
	write_register(GICD_ICPENDR, irq->intid, bit_of(irq));
}

static void change_sources(struct model_irq *irq)
{
	uint32_t sources = random_below(1u << FAKE_NR_VCPUS);
	bool set = random_below(2) != 0;

	if (!has_sources(irq)) {
		return;
	}
	irq->sources = set ? irq->sources | sources : irq->sources & ~sources;
	fake_run_on(v0);
	fake_write(v0, FAKE_GICD + (set ? GICD_SPENDSGIR : GICD_CPENDSGIR) + irq->intid, 1, sources);
	if (loaded) {
		fake_enter(v0);
	}
}

/* The trigger changes while nothing is pending: otherwise what becomes of it is not defined. */
static void change_trigger(struct model_irq *irq)
{
	if (irq->intid < 16 || irq->line || irq->latch || irq->active) {
		return;
	}
	irq->edge = !irq->edge;
	write_register(GICD_ICFGR, irq->intid,
		       read_register(GICD_ICFGR, irq->intid) ^ UINT32_C(2) << irq->intid % 16 * 2);
}

static void change_active(struct model_irq *irq)
{
	/* The one in service is the guest's to end. With more active ones than list registers nothing else fits in. */
	if (few_list_registers || (model.in_service != IDLE && irq == &model.irq[model.in_service])) {
		return;
	}
	irq->active = random_below(2) != 0;
	write_register(irq->active ? GICD_ISACTIVER : GICD_ICACTIVER, irq->intid, bit_of(irq));
}

static void switch_distributor(void)
{
	model.distributor = random_below(4) != 0;
	fake_run_on(v0);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4,
		   model.version == GIC_V2 ? model.distributor
					   : GICD_CTLR_ARE_NS | (model.distributor ? 2 : 0));
	if (loaded) {
		fake_enter(v0);
	}
}

/* It is asynchronous: the guest may get some steps further, or make an exit of another kind, before it is taken. */
static void maybe_take_maintenance(void)
{
	if (!fake_maintenance_is_high()) {
		return;
	}
	switch (random_below(3)) {
	case 0:
		again();
		break;
	case 1:
		unload();
		break;
	default:
		break;
	}
}

static void end_of_interrupt(void)
{
	if (model.in_service == IDLE || !loaded) {
		return;
	}
	fake_guest_end(model.acknowledged);
	model.irq[model.in_service].active = false;
	model.in_service = IDLE;
	maybe_take_maintenance();
}

/* What the guest gets while a maintenance interrupt is on its way: nothing, or another one that it may take. */
static struct model_irq *early_one(uint32_t intid, struct model_irq *next)
{
	for (unsigned int i = 0; i < NR_IRQS; i++) {
		if (model.irq[i].intid == intid && can_be_taken(&model.irq[i])) {
			return &model.irq[i];
		}
	}
	return intid == FAKE_SPURIOUS ? NULL : next;
}

static void acknowledge(void)
{
	struct model_irq *next;
	uint32_t got;
	bool maintenance;

	if (!loaded || model.in_service != IDLE) {
		return;
	}
	next = next_to_take();
	maintenance = fake_maintenance_is_high();
	got = fake_guest_acknowledge();
	if (maintenance) {
		next = early_one(got & 0x3ff, next);
	}
	if ((got & 0x3ff) != (next == NULL ? FAKE_SPURIOUS : next->intid)) {
		fail_msg("step %u: the guest takes INTID %u, not %u", step, got & 0x3ff,
			 next == NULL ? FAKE_SPURIOUS : next->intid);
	}
	if (next == NULL) {
		maybe_take_maintenance();
		return;
	}
	if (has_sources(next)) {
		uint32_t source = got >> 10 & 7;

		if ((next->sources & 1u << source) == 0) {
			fail_msg("step %u: SGI %u from CPU %u, which has not sent it (%x)", step,
				 next->intid, source, next->sources);
		}
		next->sources &= ~(1u << source);
	}
	next->latch = false;
	next->active = true;
	model.in_service = (unsigned int)(next - model.irq);
	model.acknowledged = got;
	maybe_take_maintenance();
}

/* Many at once, edges and SGIs first of all: what the guest has ended is then done with. */
static void raise_many(void)
{
	for (unsigned int i = 0; i < NR_IRQS; i++) {
		struct model_irq *irq = &model.irq[i];

		if (irq->intid < 16) {
			send_sgi(irq);
		} else {
			irq->latch = true;
			vgic_pulse(&fake_domain, v0, irq->intid);
			go_on();
		}
	}
}

/* Without an exit in between, unless the last is one. */
static void take_many(void)
{
	for (unsigned int left = 1 + random_below(NR_IRQS); left != 0 && loaded; left--) {
		end_of_interrupt();
		acknowledge();
	}
	end_of_interrupt();
}

/* ---- what can be seen ---------------------------------------------------------------------------------- */

static void compare(const struct model_irq *irq)
{
	bool pending = (read_register(GICD_ISPENDR, irq->intid) & bit_of(irq)) != 0;
	bool active = (read_register(GICD_ICACTIVER, irq->intid) & bit_of(irq)) != 0;

	if (pending != is_pending(irq) || active != irq->active) {
		fail_msg("step %u: INTID %u is pending %d, active %d; not %d and %d", step,
			 irq->intid, pending, active, is_pending(irq), irq->active);
	}
	if (has_sources(irq)) {
		uint64_t sources;

		fake_run_on(v0);
		sources = fake_read(v0, FAKE_GICD + GICD_CPENDSGIR + irq->intid, 1);
		if (loaded) {
			fake_enter(v0);
		}
		if (sources != irq->sources) {
			fail_msg("step %u: SGI %u is pending from %x, not %x", step, irq->intid,
				 (unsigned int)sources, irq->sources);
		}
	}
}

static void one_step(void)
{
	struct model_irq *irq = &model.irq[random_below(NR_IRQS)];

	switch (random_below(22)) {
	case 0:
	case 1:
	case 2:
	case 3:
		raise(irq);
		break;
	case 4:
	case 5:
		enable_or_disable(irq);
		break;
	case 6:
		set_pending(irq);
		break;
	case 7:
		clear_pending(irq);
		break;
	case 8:
		change_sources(irq);
		break;
	case 9:
		change_trigger(irq);
		break;
	case 10:
		change_active(irq);
		break;
	case 11:
		switch_distributor();
		break;
	case 12:
		if (random_below(2) != 0) {
			unload();
		}
		break;
	case 13:
	case 14:
		end_of_interrupt();
		break;
	case 15:
	case 16:
		acknowledge();
		break;
	case 17:
		again();
		break;
	case 18:
		raise_many();
		break;
	case 19:
		take_many();
		break;
	default:
		compare(irq);
		break;
	}
	load();
}

static void run(enum gic_version version, unsigned int nr_lrs)
{
	few_list_registers = nr_lrs < NR_IRQS;
	for (unsigned int seed = 1; seed <= NR_SEEDS; seed++) {
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		fake_start(version, nr_lrs);
		model = (struct model){.version = version, .distributor = true, .in_service = IDLE};
		loaded = false;
		for (unsigned int i = 0; i < NR_IRQS; i++) {
			struct model_irq *irq = &model.irq[i];

			irq->intid = intids[i];
			irq->priority = 0x10 + (i * 5 + 3) % NR_IRQS * 0x10;
			irq->edge = irq->intid < 16;
			irq->enabled = true;
			fake_run_on(v0);
			fake_enable(v0, irq->intid, (uint8_t)irq->priority);
		}
		load();
		for (step = 0; step < NR_STEPS; step++) {
			one_step();
		}
		unload();
		fake_stop();
	}
}

static void gicv3_is_as_the_model(void **state)
{
	run(GIC_V3, 16);
}

static void gicv2_is_as_the_model(void **state)
{
	run(GIC_V2, 16);
}

static void with_few_list_registers_the_urgent_ones_come_first(void **state)
{
	run(GIC_V3, 4);
	run(GIC_V2, 4);
	run(GIC_V3, 2);
	run(GIC_V2, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv3_is_as_the_model),
		cmocka_unit_test(gicv2_is_as_the_model),
		cmocka_unit_test(with_few_list_registers_the_urgent_ones_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
