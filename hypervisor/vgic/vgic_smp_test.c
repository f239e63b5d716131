/* SPDX-License-Identifier: MIT */
/*
 * Four threads play four CPUs with a vCPU each: they send each other SGIs and SPIs, move the SPIs' targets,
 * disable and enable them, read active registers, leave and enter their CPUs, all at the same time. Every
 * sender waits for its interrupt before it sends the next, so one that is lost stops the test.
 */
#include <pthread.h> /* first: it declares the C library's sched_yield() */

#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "gic/gic_regs.h"
#include "tests/unit/fake_machine.h"

#define NR_ROUNDS   3000
#define NR_OWN_SPIS 6 /* each: more than list registers for all of them together */
#define PATIENCE    2000000u

/* Deliveries, by the sender's interrupt: SPIs, and SGI number x from vCPU x. */
static unsigned int delivered[128];
static unsigned int nr_done;

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void maybe_let_others_run(uint32_t *seed)
{
	if (next_random(seed) % 4 == 0) {
		cpu_relax();
	}
}

/* In the guest until kicked, or for a while. */
static void run_guest(uint32_t *seed)
{
	unsigned int stay = next_random(seed) % 64;

	for (unsigned int i = 0; i < stay && !atomic_load_acquire(&fake_kicked[fake_machine_cpu]);
	     i++) {
		uint32_t ack = fake_guest_acknowledge();

		if (ack != FAKE_SPURIOUS) {
			maybe_let_others_run(seed);
			atomic_fetch_add(&delivered[ack & 0x3ff], 1);
			maybe_let_others_run(seed);
			fake_guest_end(ack);
			maybe_let_others_run(seed);
		}
	}
}

static void send(struct vcpu *v, uint32_t intid, uint32_t *seed)
{
	if (intid >= VGIC_NR_PRIVATE) {
		vgic_pulse(&fake_domain, NULL, intid);
	} else if (fake_domain.vgic.version == GIC_V3) {
		vgic_sgi1r_write(v, (uint64_t)intid << 24 | BIT64((v->id + 1) % FAKE_NR_VCPUS));
	} else {
		fake_write(v, FAKE_GICD + GICD_SGIR, 4,
			   BIT64(16 + (v->id + 1) % FAKE_NR_VCPUS) | intid);
	}
}

static void disturb(struct vcpu *v, uint32_t intid, uint32_t *seed)
{
	uint32_t target = next_random(seed) % FAKE_NR_VCPUS;
	uint32_t bit = UINT32_C(1) << (intid % 32);

	if (intid < VGIC_NR_PRIVATE) {
		return;
	}
	switch (next_random(seed) % 6) {
	case 0:
		if (fake_domain.vgic.version == GIC_V3) {
			fake_write(v, FAKE_GICD + GICD_IROUTER + 8 * intid, 8, target);
		} else {
			fake_write(v, FAKE_GICD + GICD_ITARGETSR + intid, 1, BIT64(target));
		}
		break;
	case 1:
		fake_dist_write(v, GICD_ICENABLER, intid, bit);
		fake_dist_write(v, GICD_ISENABLER, intid, bit);
		break;
	case 2:
		(void)fake_dist_read(v, GICD_ISACTIVER, intid);
		break;
	case 3:
		(void)fake_dist_read(v, GICD_ISPENDR, intid);
		break;
	case 4:
		fake_write(v, FAKE_GICD + GICD_IPRIORITYR + intid, 1, next_random(seed) % 0xe0);
		break;
	default:
		vgic_save(v);
		(void)vgic_has_pending(v);
		vgic_load(v);
		break;
	}
}

static void *play(void *argument)
{
	struct vcpu *v = argument;
	uint32_t own[NR_OWN_SPIS + 1];
	unsigned int sent[NR_OWN_SPIS + 1] = {0};
	unsigned int rounds = 0, waited = 0;
	uint32_t seed = v->id + 1;

	own[0] = v->id;
	for (unsigned int i = 0; i < NR_OWN_SPIS; i++) {
		own[i + 1] = 32 + v->id * 16 + i;
	}
	fake_start_vcpu(v);
	while (atomic_load_acquire(&nr_done) < FAKE_NR_VCPUS) {
		unsigned int i = next_random(&seed) % (NR_OWN_SPIS + 1);

		run_guest(&seed);
		atomic_store_release(&fake_kicked[v->id], false);
		fake_exit(v);
		if (atomic_load_acquire(&delivered[own[i]]) >= sent[i]) {
			waited = 0;
			if (rounds < NR_ROUNDS) {
				sent[i] = atomic_load_acquire(&delivered[own[i]]) + 1;
				send(v, own[i], &seed);
				if (++rounds == NR_ROUNDS) {
					atomic_fetch_add(&nr_done, 1);
				}
			}
		} else if (++waited == PATIENCE) {
			print_error("interrupt %u of vCPU %u is lost\n", own[i], v->id);
			abort();
		}
		disturb(v, own[i], &seed);
		fake_enter(v);
	}
	fake_exit(v);
	vgic_save(v);
	return NULL;
}

static void no_interrupt_is_lost_between_cpus(void **state)
{
	pthread_t threads[FAKE_NR_VCPUS];

	for (unsigned int i = 0; i < ARRAY_SIZE(delivered); i++) {
		delivered[i] = 0;
	}
	nr_done = 0;
	for (uint32_t intid = 32; intid < 32 + FAKE_NR_VCPUS * 16; intid++) {
		fake_enable(&fake_vcpus[0], intid, 0xa0);
		fake_domain.vgic.spis[intid - 32].state.level = false;
	}
	fake_has_threads = true;
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, play, &fake_vcpus[i]), 0);
	}
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	fake_has_threads = false;
}

static int start_v3(void **state)
{
	fake_start(GIC_V3, 3);
	return 0;
}

static int start_v2(void **state)
{
	fake_start(GIC_V2, 3);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_interrupt_is_lost_between_cpus, start_v3,
						fake_teardown),
		cmocka_unit_test_setup_teardown(no_interrupt_is_lost_between_cpus, start_v2,
						fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
