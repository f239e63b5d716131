/* SPDX-License-Identifier: MIT */
/* The machine under vgic/ in its unit tests: vgic_fake.h. */
#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/atomic.h"
#include "gic/gic_lr.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "tests/unit/fake_machine.h"

/* One CPU's virtual CPU interface. */
struct virtual_interface {
	struct gic_lr lr[GIC_MAX_LRS];
	bool ended[GIC_MAX_LRS]; /* EISR */
	uint32_t hcr, vmcr;
};

struct gic_info gic_info;
struct fake_physical fake_physical[1020];
struct domain fake_domain;
struct domain *hardware_domain;
struct vcpu fake_vcpus[FAKE_NR_VCPUS];
unsigned int fake_nr_wakes[FAKE_NR_VCPUS];
unsigned int fake_nr_wakes_soon;
unsigned int fake_nr_kicks, fake_nr_lr_accesses;
void (*fake_on_kick)(struct vcpu *v);
bool fake_has_threads;
bool fake_kicked[FAKE_NR_VCPUS];
DEFINE_PER_CPU(struct vcpu *, current_vcpu);

static struct virtual_interface interfaces[FAKE_NR_CPUS];
static irq_handler_t maintenance_handler;

static struct virtual_interface *own(void)
{
	return &interfaces[fake_machine_cpu];
}

/* ---- the GIC ----------------------------------------------------------------------------------- */

void gic_lr_write(unsigned int idx, const struct gic_lr *lr)
{
	assert_true(idx < gic_info.nr_lrs);
	assert_false(lr->hw && lr->pending && lr->active);
	fake_nr_lr_accesses++;
	own()->lr[idx] = *lr;
	own()->ended[idx] = false;
}

bool gic_lr_fill(unsigned int idx, uint64_t raw)
{
	struct gic_lr lr;

	assert_true(idx < gic_info.nr_lrs);
	if ((gic_lr_empty_mask() & BIT64(idx)) == 0) {
		return false;
	}
	if (gic_info.version == GIC_V2) {
		gicv2_lr_decode(gicv2_lr_from_v3(raw), &lr);
	} else {
		gicv3_lr_decode(raw, &lr);
	}
	gic_lr_write(idx, &lr);
	return true;
}

void gic_lr_clear(unsigned int idx)
{
	static const struct gic_lr nothing;

	gic_lr_write(idx, &nothing);
}

void gic_lr_read(unsigned int idx, struct gic_lr *lr)
{
	fake_nr_lr_accesses++;
	*lr = own()->lr[idx];
}

uint64_t gic_lr_empty_mask(void)
{
	uint64_t mask = 0;

	fake_nr_lr_accesses++;
	for (unsigned int i = 0; i < gic_info.nr_lrs; i++) {
		if (!own()->lr[i].pending && !own()->lr[i].active && !own()->ended[i]) {
			mask |= BIT64(i);
		}
	}
	return mask;
}

void gic_hcr_write(uint32_t hcr)
{
	own()->hcr = hcr;
}

uint32_t gic_vmcr_read(void)
{
	return own()->vmcr;
}

void gic_vcpu_init(struct gic_vcpu_state *state)
{
	*state = (struct gic_vcpu_state){.hcr = GIC_HCR_EN};
}

void gic_vcpu_load(const struct gic_vcpu_state *state)
{
	own()->hcr = state->hcr;
	own()->vmcr = state->vmcr;
}

void gic_vcpu_save(struct gic_vcpu_state *state)
{
	for (unsigned int i = 0; i < gic_info.nr_lrs; i++) {
		assert_false(own()->lr[i].pending || own()->lr[i].active || own()->ended[i]);
	}
	state->hcr = own()->hcr;
	state->vmcr = own()->vmcr;
	own()->hcr = 0;
}

void gic_enable(uint32_t intid)
{
	fake_physical[intid].enabled = true;
}

void gic_disable(uint32_t intid)
{
	fake_physical[intid].enabled = false;
}

void gic_set_trigger(uint32_t intid, enum gic_trigger trigger)
{
	assert_false(fake_physical[intid].enabled);
	fake_physical[intid].edge = trigger == GIC_EDGE;
}

void gic_set_priority(uint32_t intid, uint8_t priority)
{
	fake_physical[intid].priority = priority;
}

void gic_set_target(uint32_t intid, unsigned int cpu)
{
	fake_physical[intid].cpu = cpu;
}

void gic_set_pending(uint32_t intid, bool pending)
{
	fake_physical[intid].pending = pending;
}

void gic_set_active(uint32_t intid, bool active)
{
	fake_physical[intid].active = active;
}

bool gic_is_pending(uint32_t intid)
{
	return fake_physical[intid].pending;
}

bool irq_is_registered(uint32_t intid)
{
	return intid == 33; /* the console's, say */
}

int irq_register(uint32_t intid, irq_handler_t handler)
{
	assert_int_equal(intid, gic_info.maintenance_intid);
	maintenance_handler = handler;
	return 0;
}

/* ---- the rest of Tenon ------------------------------------------------------------------------- */

void log_write(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void *hyp_alloc(unsigned int order)
{
	return calloc(1, PAGE_SIZE << order);
}

void hyp_free(void *va, unsigned int order)
{
	(void)order;
	free(va);
}

int stage2_map(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, enum stage2_type type)
{
	assert_ptr_equal(d, &fake_domain);
	fake_machine_note("map 0x%llx 0x%llx %llu%s", (unsigned long long)gfn_to_ipa(g),
			  (unsigned long long)mfn_to_maddr(m), (unsigned long long)nr,
			  type == STAGE2_DEVICE ? " device" : "");
	return 0;
}

int trap_mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler_t handler,
		       void *context)
{
	d->mmio.region[d->mmio.nr++] = (struct mmio_region){start, size, handler, context};
	return 0;
}

static void exit_and_enter(struct vcpu *v)
{
	unsigned int cpu = fake_machine_cpu;

	/* It would wait for this CPU's lock: the test goes on with it. */
	if (spin_is_mine(&fake_domain.vgic.lock)) {
		return;
	}

	fake_machine_set_cpu(v->sched.cpu);
	if (fake_on_kick != NULL) {
		fake_on_kick(v);
	} else {
		fake_exit(v);
		fake_enter(v);
	}
	fake_machine_set_cpu(cpu);
}

void sched_kick(unsigned int cpu)
{
	assert_int_not_equal(cpu, fake_machine_cpu);
	if (fake_has_threads) {
		atomic_store_release(&fake_kicked[cpu], true);
		return;
	}
	fake_nr_kicks++;
	if (per_cpu(current_vcpu, cpu) != NULL) {
		exit_and_enter(per_cpu(current_vcpu, cpu));
	}
}

void sched_wake_soon(struct vcpu *v)
{
	fake_nr_wakes_soon++;
	sched_wake(v);
}

void sched_wake(struct vcpu *v)
{
	assert_false(v == current_vcpu());
	if (fake_has_threads) {
		atomic_store_release(&fake_kicked[v->id], true);
		return;
	}
	fake_nr_wakes[v->id]++;
	if (v->vgic.loaded) {
		exit_and_enter(v);
	}
}

unsigned int fake_nr_epoch_polls;

void epoch_poll(void)
{
	fake_nr_epoch_polls++;
}

/* ---- the guest --------------------------------------------------------------------------------- */

static struct gic_lr *signalled(void)
{
	struct gic_lr *best = NULL;

	if (!gic_vmcr_enabled(own()->vmcr) || (own()->hcr & GIC_HCR_EN) == 0) {
		return NULL;
	}
	for (unsigned int i = 0; i < gic_info.nr_lrs; i++) {
		struct gic_lr *lr = &own()->lr[i];

		if (lr->pending && !lr->active && lr->priority < gic_vmcr_mask(own()->vmcr) &&
		    (best == NULL || lr->priority < best->priority)) {
			best = lr;
		}
	}
	return best;
}

uint32_t fake_guest_acknowledge(void)
{
	struct gic_lr *lr = signalled();

	if (lr == NULL) {
		return FAKE_SPURIOUS;
	}
	lr->pending = false;
	lr->active = true;
	return lr->vintid | (uint32_t)lr->source_cpu << 10;
}

void fake_guest_end(uint32_t acknowledged)
{
	for (unsigned int i = 0; i < gic_info.nr_lrs; i++) {
		struct gic_lr *lr = &own()->lr[i];

		if (lr->active && (lr->vintid | (uint32_t)lr->source_cpu << 10) == acknowledged) {
			lr->active = false;
			if (lr->hw) {
				fake_physical[lr->pintid].active = false;
			}
			own()->ended[i] = lr->eoi_maintenance && !lr->pending;
			return;
		}
	}
	fail_msg("EOI of %u, which is in no list register", acknowledged);
}

unsigned int fake_guest_take_all(void)
{
	unsigned int nr = 0;

	for (uint32_t ack; (ack = fake_guest_acknowledge()) != FAKE_SPURIOUS; nr++) {
		fake_guest_end(ack);
	}
	return nr;
}

void fake_guest_set_mask(uint8_t mask)
{
	own()->vmcr = (own()->vmcr & 0xffffff) | (uint32_t)mask << 24;
}

bool fake_maintenance_is_high(void)
{
	unsigned int valid = 0, pending = 0, ended = 0;

	for (unsigned int i = 0; i < gic_info.nr_lrs; i++) {
		valid += own()->lr[i].pending || own()->lr[i].active ? 1 : 0;
		pending += own()->lr[i].pending && !own()->lr[i].active ? 1 : 0;
		ended += own()->ended[i] ? 1 : 0;
	}
	return ended != 0 || ((own()->hcr & GIC_HCR_UIE) != 0 && valid <= 1) ||
	       ((own()->hcr & GIC_HCR_NPIE) != 0 && pending == 0);
}

/* ---- running ----------------------------------------------------------------------------------- */

void fake_start(enum gic_version version, unsigned int nr_lrs)
{
	fake_machine_reset();
	memset(interfaces, 0, sizeof(interfaces));
	memset(fake_physical, 0, sizeof(fake_physical));
	memset(&fake_domain, 0, sizeof(fake_domain));
	memset(fake_vcpus, 0, sizeof(fake_vcpus));
	memset(fake_nr_wakes, 0, sizeof(fake_nr_wakes));
	fake_nr_wakes_soon = 0;
	memset(fake_kicked, 0, sizeof(fake_kicked));
	fake_has_threads = false;
	fake_nr_kicks = 0;
	fake_on_kick = NULL;
	gic_info = (struct gic_info){
		.version = version,
		.nr_intids = 256,
		.nr_lrs = nr_lrs,
		.priority_bits = 5,
		.nr_aprs = 1,
		.maintenance_intid = 25,
		.cpu_size = 0x10000,
		.gicv_base = 0x8040000,
		.gicv_size = 0x10000,
	};
	hardware_domain = &fake_domain;
	fake_domain.is_hardware = true;
	fake_domain.vgic.dist_base = FAKE_GICD;
	fake_domain.vgic.cpu_base = FAKE_GICC;
	fake_domain.vgic.redist_base = FAKE_GICR;
	assert_int_equal(vgic_domain_init(&fake_domain, version, FAKE_NR_SPIS - 5), 0);
	fake_domain.evtchn_ppi = 31;
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		struct vcpu *v = &fake_vcpus[i];

		v->domain = &fake_domain;
		v->id = i;
		v->vmpidr = BIT64(31) | i;
		v->sched.cpu = (uint16_t)i;
		fake_domain.vcpu[i] = v;
		fake_domain.nr_vcpus = i + 1;
		assert_int_equal(vgic_vcpu_init(v), 0);
		v->vgic.hw.vmcr = 0xf0000000u | (version == GIC_V2 ? 1 : 2);
		per_cpu(current_vcpu, i) = NULL;
	}
	vgic_init_cpu();
	/* Nobody runs yet: written on CPU 0 for all. */
	per_cpu(current_vcpu, 0) = NULL;
	fake_write(&fake_vcpus[0], FAKE_GICD + GICD_CTLR, 4, version == GIC_V2 ? 1 : 0x12);
	memset(fake_nr_wakes, 0, sizeof(fake_nr_wakes));
	fake_nr_wakes_soon = 0;
	fake_nr_lr_accesses = 0;
}

void fake_stop(void)
{
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		fake_run_on(&fake_vcpus[i]);
		if (fake_vcpus[i].vgic.loaded) {
			vgic_save(&fake_vcpus[i]);
		}
	}
	fake_machine_set_cpu(0);
	vgic_domain_fini(&fake_domain);
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		const struct list *node;

		list_for_each(node, &fake_vcpus[i].vgic.pending) {
			assert_true(list_entry(node, struct vgic_irq, link)->vintid <
				    VGIC_NR_PRIVATE);
		}
	}
	lock_assert_none_held();
}

int fake_start_v3(void **state)
{
	(void)state;
	fake_start(GIC_V3, 4);
	return 0;
}

int fake_start_v2(void **state)
{
	(void)state;
	fake_start(GIC_V2, 4);
	return 0;
}

int fake_teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

void fake_run_on(struct vcpu *v)
{
	fake_machine_set_cpu(v->sched.cpu);
}

void fake_enter(struct vcpu *v)
{
	/* As trap_leave(): what the guest has made of its list registers first. */
	if (v->work.any != 0) {
		vgic_sync(v);
		vgic_flush(v);
	}
	/* An EL2 that is interrupted by a maintenance interrupt that does not end would stay there. */
	lock_assert_none_held();
	assert_false(fake_maintenance_is_high());
}

void fake_exit(struct vcpu *v)
{
	if (fake_maintenance_is_high()) {
		maintenance_handler(gic_info.maintenance_intid);
	}
	assert_false(fake_maintenance_is_high());
}

void fake_again(struct vcpu *v)
{
	fake_run_on(v);
	fake_exit(v);
	fake_enter(v);
}

void fake_start_vcpu(struct vcpu *v)
{
	fake_run_on(v);
	per_cpu(current_vcpu, v->sched.cpu) = v;
	v->sched.state = SCHED_RUNNING;
	vgic_load(v);
	fake_enter(v);
}

void fake_switch_out(struct vcpu *v)
{
	fake_run_on(v);
	vgic_save(v);
	assert_false(fake_maintenance_is_high());
	per_cpu(current_vcpu, v->sched.cpu) = NULL;
	v->sched.state = SCHED_RUNNABLE;
}

unsigned int fake_nr_samples;

/* The timers' lines are as the test has set them. */
void vtimer_refresh(struct vcpu *v)
{
	fake_nr_samples++;
}

bool fake_upcall_is_low;

bool event_upcall_is_low(const struct vcpu *v)
{
	return fake_upcall_is_low;
}

/* ---- registers --------------------------------------------------------------------------------- */

static uint64_t emulate(struct vcpu *v, uint64_t ipa, struct mmio_access *access)
{
	const struct mmio_domain *mmio = &v->domain->mmio;

	if (v == current_vcpu()) {
		fake_exit(v); /* by the access */
	}
	for (unsigned int i = 0; i < mmio->nr; i++) {
		const struct mmio_region *region = &mmio->region[i];

		if (ipa - region->start < region->size) {
			access->offset = (uint32_t)(ipa - region->start);
			assert_true(region->handler(v, access, region->context));
			return access->value;
		}
	}
	fail_msg("0x%llx is nobody's", (unsigned long long)ipa);
	return 0;
}

uint64_t fake_read(struct vcpu *v, uint64_t ipa, unsigned int size)
{
	struct mmio_access access = {.size = (uint8_t)size, .value = 0x5a5a5a5a};

	return emulate(v, ipa, &access);
}

void fake_write(struct vcpu *v, uint64_t ipa, unsigned int size, uint64_t value)
{
	struct mmio_access access = {.size = (uint8_t)size, .value = value, .is_write = true};

	emulate(v, ipa, &access);
}

static uint64_t word_of(struct vcpu *v, uint32_t offset, uint32_t intid)
{
	unsigned int bits = offset >= GICD_ICFGR ? 2 : offset >= GICD_IPRIORITYR ? 8 : 1;
	uint64_t base = FAKE_GICD;

	if (v->domain->vgic.version == GIC_V3 && intid < VGIC_NR_PRIVATE) {
		base = FAKE_GICR + v->id * GICR_FRAME_BYTES + GICR_SGI_FRAME;
	}
	return base + offset + intid * bits / 32 * 4;
}

uint32_t fake_dist_read(struct vcpu *v, uint32_t offset, uint32_t intid)
{
	return (uint32_t)fake_read(v, word_of(v, offset, intid), 4);
}

void fake_dist_write(struct vcpu *v, uint32_t offset, uint32_t intid, uint32_t value)
{
	fake_write(v, word_of(v, offset, intid), 4, value);
}

void fake_set_edge(struct vcpu *v, uint32_t intid)
{
	fake_dist_write(v, GICD_ICFGR, intid, UINT32_C(2) << (intid % 16 * 2));
}

void fake_enable(struct vcpu *v, uint32_t intid, uint8_t priority)
{
	fake_write(v, word_of(v, GICD_IPRIORITYR, intid) + intid % 4, 1, priority);
	fake_dist_write(v, GICD_ISENABLER, intid, UINT32_C(1) << (intid % 32));
}
