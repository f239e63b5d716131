/* SPDX-License-Identifier: MIT */
/* Delivery: from lines, edges, SGIs and physical interrupts through list registers to the guest, and back. */
#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "vgic/vgic_internal.h"

#define PPI           20
#define TIMER         27
#define SPI           40
#define BIT_OF(intid) (UINT32_C(1) << ((intid) % 32))

static struct vcpu *const v0 = &fake_vcpus[0], *const v1 = &fake_vcpus[1], *const v2 = &fake_vcpus[2];

static void idle_exits_touch_no_list_register(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	fake_again(v0);
	fake_again(v0);
	assert_int_equal(fake_nr_lr_accesses, 0);
}

static void an_edge_is_delivered_once(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_set_edge(v0, PPI);
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	fake_again(v0); /* while active */
	fake_guest_end(PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), FAKE_SPURIOUS);
	assert_false(vgic_has_pending(v0));
}

/* While the vCPU is in an exit of its own: no list register is read back, and none is left to vgic_flush(). */
static void an_interrupt_that_was_ended_comes_again_at_once(void **state)
{
	const unsigned int shortest = 2; /* is it empty; the write */

	fake_enable(v0, PPI, 0xa0);
	fake_enable(v0, TIMER, 0xa0);
	fake_enable(v0, 5, 0x80);
	v0->vgic.private_irqs[TIMER].hw = true;
	fake_start_vcpu(v0);
	for (unsigned int i = 0; i < 3; i++) {
		fake_nr_lr_accesses = 0;
		vgic_pulse(&fake_domain, v0, PPI);
		assert_int_equal(fake_nr_lr_accesses, shortest);
		vgic_send_sgi(v0, v0, 5);
		vgic_raise_line(v0, TIMER);
		assert_int_equal(fake_nr_lr_accesses, 3 * shortest);
		assert_int_equal(v0->work.any, 0);

		assert_int_equal(fake_guest_acknowledge(), 5);
		fake_guest_end(5);
		fake_physical[TIMER].active = true;
		assert_int_equal(fake_guest_take_all(), 2);
		assert_false(fake_physical[TIMER].active);
	}
	vgic_set_line(&fake_domain, v0, TIMER, false);
	fake_again(v0);
	/* Seen active by an exit, and ended since. */
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	assert_true(vgic_is_active(v0, PPI));
	fake_enter(v0);
	fake_guest_end(PPI);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_false(v0->vgic.private_irqs[PPI].state.active);
	assert_int_equal(fake_guest_take_all(), 1);
	/* What was there before the last entry shows in the registers as ever. */
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, 0), 0);
	assert_int_equal(fake_dist_read(v0, GICD_ISACTIVER, 0), 0);
	fake_enter(v0);
	/* Current, and about to be loaded. */
	fake_exit(v0);
	vgic_save(v0);
	v0->work.vgic = false;
	fake_nr_lr_accesses = 0;
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_nr_lr_accesses, 0);
	vgic_load(v0);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void what_cannot_come_at_once_comes_with_the_entry(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	/* It is active. */
	vgic_pulse(&fake_domain, v0, PPI);
	assert_true(v0->work.vgic);
	fake_again(v0);
	assert_false(v0->work.vgic);
	fake_guest_end(PPI);
	assert_int_equal(fake_guest_take_all(), 1);
	/* It is disabled. */
	fake_dist_write(v0, GICD_ICENABLER, PPI, BIT_OF(PPI));
	fake_enter(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_dist_write(v0, GICD_ISENABLER, PPI, BIT_OF(PPI));
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	/* The distributor is off. */
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0);
	fake_enter(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0x12);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	/* There is no list register: those that the guest has emptied were read back before. */
	vgic_sync(v0);
	fake_enable(v0, TIMER, 0x80);
	for (uint32_t intid = PPI - 4; intid < PPI; intid++) {
		fake_enable(v0, intid, 0x80);
		fake_enter(v0);
		vgic_pulse(&fake_domain, v0, intid);
	}
	vgic_pulse(&fake_domain, v0, TIMER);
	assert_int_equal(fake_guest_take_all(), 4);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	/* Nothing is pending, in no list register. */
	vgic_sync(v0);
	assert_int_equal(v0->vgic.lr_used, 0);
	fake_domain.evtchn_ppi = PPI;
	fake_upcall_is_low = true;
	vgic_sample_upcall(v0);
	assert_int_equal(v0->vgic.lr_used, 0);
	fake_enter(v0);
	/* Somebody has changed its active state since the guest ended it. */
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_take_all(), 1);
	v0->vgic.private_irqs[PPI].active_change = VGIC_ACTIVE_SET;
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_guest_end(PPI);
	assert_int_equal(fake_guest_take_all(), 1);
}

/* The list register has a copy of one source; another's must not take its place. */
static void sgis_to_itself_leave_those_of_others(void **state)
{
	fake_start_vcpu(v2);
	fake_start_vcpu(v1);
	vgic_send_sgi(v1, v1, 5);
	vgic_send_sgi(v2, v1, 5); /* as if there had been no exit since */
	vgic_send_sgi(v1, v1, 5);
	fake_again(v1);
	assert_int_equal(fake_guest_acknowledge(), 5 | 1 << 10);
	fake_guest_end(5 | 1 << 10);
	fake_again(v1);
	assert_int_equal(fake_guest_acknowledge(), 5 | 2 << 10);
	fake_guest_end(5 | 2 << 10);
	fake_again(v1);
	assert_int_equal(fake_guest_take_all(), 0);
	vgic_send_sgi(v1, v1, 5);
	assert_int_equal(fake_guest_acknowledge(), 5 | 1 << 10);
	fake_guest_end(5 | 1 << 10);
	/* Another's was seen active by an exit, and has been ended since. */
	vgic_send_sgi(v2, v1, 5);
	fake_again(v1);
	assert_int_equal(fake_guest_acknowledge(), 5 | 2 << 10);
	assert_true(vgic_is_active(v1, 5));
	fake_enter(v1);
	fake_guest_end(5 | 2 << 10);
	vgic_send_sgi(v1, v1, 5);
	assert_int_equal(fake_guest_acknowledge(), 5 | 1 << 10);
	fake_guest_end(5 | 1 << 10);
}

static void an_edge_during_the_handler_comes_after_it(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_set_edge(v0, PPI);
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	vgic_pulse(&fake_domain, v0, PPI); /* live */
	assert_int_equal(fake_guest_acknowledge(), FAKE_SPURIOUS);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), FAKE_SPURIOUS);
	fake_guest_end(PPI);
	assert_int_equal(fake_guest_acknowledge(), PPI); /* without an exit */
	fake_guest_end(PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

static void a_level_comes_again_until_the_line_falls(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	vgic_set_line(&fake_domain, v0, PPI, true);
	fake_again(v0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(fake_guest_acknowledge(), PPI);
		fake_guest_end(PPI);
		assert_true(fake_maintenance_is_high());
		fake_again(v0);
	}
	assert_int_equal(fake_guest_acknowledge(), PPI);
	fake_exit(v0); /* the access to the device */
	vgic_set_line(&fake_domain, v0, PPI, false);
	fake_enter(v0);
	fake_guest_end(PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

static void a_line_that_falls_first_is_not_delivered(void **state)
{
	fake_enable(v1, PPI, 0xa0);
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	vgic_set_line(&fake_domain, v0, PPI, true);
	fake_again(v0);
	vgic_set_line(&fake_domain, v0, PPI, false);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* Nor while the vCPU is nowhere; then it is in no list any more. */
	vgic_set_line(&fake_domain, v1, PPI, true);
	vgic_set_line(&fake_domain, v1, PPI, false);
	assert_null(v1->vgic.private_irqs[PPI].vcpu);
	/* Nor one that falls while the interrupt is disabled. */
	fake_dist_write(v0, GICD_ICENABLER, PPI, BIT_OF(PPI));
	vgic_set_line(&fake_domain, v0, PPI, true);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	vgic_set_line(&fake_domain, v0, PPI, false);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), 0);
	fake_dist_write(v0, GICD_ISENABLER, PPI, BIT_OF(PPI));
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

/* The event PPI's line is a byte in the guest's memory, which it clears unseen. */
static void an_announcement_that_is_over_is_not_delivered(void **state)
{
	fake_domain.evtchn_ppi = PPI;
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	fake_upcall_is_low = false;
	fake_dist_write(v0, GICD_ICENABLER, PPI, BIT_OF(PPI));
	fake_enter(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	fake_enter(v0);
	fake_upcall_is_low = true;
	fake_dist_write(v0, GICD_ISENABLER, PPI, BIT_OF(PPI));
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* Enabled, and masked in the CPU: gone once it is looked at. */
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), 0);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* What the guest asked for itself stays, and so does an edge, if it configured one. */
	fake_dist_write(v0, GICD_ISPENDR, PPI, BIT_OF(PPI));
	fake_enter(v0);
	assert_int_equal(fake_dist_read(v0, GICD_ICPENDR, PPI), BIT_OF(PPI));
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_again(v0);
	fake_set_edge(v0, PPI);
	fake_enter(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_upcall_is_low = false;
}

/* Another vCPU enables it, or asks (GICv3's redistributors are everybody's): the byte is the same. */
static void another_vcpu_finds_the_announcement_over(void **state)
{
	fake_domain.evtchn_ppi = PPI;
	fake_upcall_is_low = false;
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	fake_start_vcpu(v1);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	fake_upcall_is_low = true;
	fake_dist_write(v0, GICD_ISENABLER, PPI, BIT_OF(PPI));
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* Enabled, and in a list register there. */
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	fake_run_on(v1);
	fake_upcall_is_low = false;
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	fake_upcall_is_low = true;
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), 0);
	fake_run_on(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* High: nobody is woken for a look. */
	fake_upcall_is_low = false;
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	fake_run_on(v1);
	fake_nr_wakes[0] = 0;
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	assert_int_equal(fake_nr_wakes[0], 0);
	fake_run_on(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void a_pulse_needs_no_maintenance_interrupt(void **state)
{
	fake_enable(v0, PPI, 0xa0); /* level-sensitive, as Linux configures the event channel's */
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	assert_false(fake_maintenance_is_high());
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

static void active_and_pending_registers_are_true_during_the_handler(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	vgic_set_line(&fake_domain, v0, PPI, true);
	fake_again(v0);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI));
	assert_int_equal(fake_dist_read(v0, GICD_ISACTIVER, PPI), 0);
	fake_enter(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), BIT_OF(PPI)); /* the line */
	assert_int_equal(fake_dist_read(v0, GICD_ISACTIVER, PPI), BIT_OF(PPI));
	assert_true(vgic_is_active(v0, PPI));
	vgic_set_line(&fake_domain, v0, PPI, false);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, PPI), 0);
	fake_enter(v0);
	fake_guest_end(PPI);
	assert_int_equal(fake_dist_read(v0, GICD_ISACTIVER, PPI), 0);
}

static void registers_reach_a_vcpu_that_runs_elsewhere(void **state)
{
	fake_set_edge(v0, SPI);
	fake_enable(v0, SPI, 0xa0);
	fake_start_vcpu(v1);
	fake_start_vcpu(v0);
	fake_run_on(v1);
	fake_exit(v1);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	/* Read and changed by vCPU 1, while vCPU 0 is in its handler. */
	fake_run_on(v1);
	assert_int_equal(fake_dist_read(v1, GICD_ISACTIVER, SPI), BIT_OF(SPI));
	assert_true(fake_nr_kicks > 0);
	fake_dist_write(v1, GICD_ICACTIVER, SPI, BIT_OF(SPI));
	assert_int_equal(fake_dist_read(v1, GICD_ISACTIVER, SPI), 0);
	fake_run_on(v0);
	assert_int_equal(fake_guest_acknowledge(), FAKE_SPURIOUS);
	/* Active by vCPU 1's word: vCPU 0 can end it. */
	fake_run_on(v1);
	fake_dist_write(v1, GICD_ISACTIVER, SPI, BIT_OF(SPI));
	fake_again(v0);
	fake_guest_end(SPI);
	fake_again(v0);
	assert_int_equal(fake_dist_read(v0, GICD_ISACTIVER, SPI), 0);
	/* Pending and not taken: cleared, or disabled, under the other's hands. */
	fake_enter(v0);
	fake_run_on(v1);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	fake_run_on(v1);
	fake_dist_write(v1, GICD_ICPENDR, SPI, BIT_OF(SPI));
	fake_run_on(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_run_on(v1);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	fake_run_on(v1);
	fake_dist_write(v1, GICD_ICENABLER, SPI, BIT_OF(SPI));
	fake_run_on(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_run_on(v1);
	assert_int_equal(fake_dist_read(v1, GICD_ISPENDR, SPI), BIT_OF(SPI));
	fake_dist_write(v1, GICD_ISENABLER, SPI, BIT_OF(SPI));
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

/*
 * The other one may be at EL2, too, and be waiting for this one in the same way, or for an epoch: it is kicked while this
 * one waits, and must find that nothing keeps it.
 */
static void look_whether_the_waiter_is_in_the_way(struct vcpu *v)
{
	assert_ptr_equal(v, v0);
	assert_false(v1->vgic.lr_live);
	assert_int_equal(fake_nr_epoch_polls, 0);
	fake_exit(v);
	fake_enter(v);
}

static void who_waits_for_another_keeps_nobody_waiting(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, 0xa0);
	}
	if (fake_domain.vgic.version == GIC_V3) {
		fake_write(v0, FAKE_GICD + GICD_IROUTER + 8 * (SPI + 1), 8, 1);
	} else {
		fake_write(v0, FAKE_GICD + GICD_ITARGETSR + SPI + 1, 1, 2);
	}
	fake_start_vcpu(v1);
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, NULL, SPI);
	vgic_pulse(&fake_domain, NULL, SPI + 1);
	fake_again(v0);
	fake_again(v1);
	assert_true(v0->vgic.lr_live && v1->vgic.lr_live);
	fake_on_kick = look_whether_the_waiter_is_in_the_way;
	fake_nr_epoch_polls = 0;
	fake_dist_write(v1, GICD_ISPENDR, SPI, BIT_OF(SPI));
	assert_true(fake_nr_epoch_polls > 0);
	fake_on_kick = NULL;
	/* It has its interrupts all the same. */
	fake_enter(v1);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_run_on(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void wfi_wakes_for_what_would_be_taken(void **state)
{
	fake_start_vcpu(v0);
	vgic_set_line(&fake_domain, v0, PPI, true);
	assert_false(vgic_has_pending(v0)); /* disabled */
	fake_enable(v0, PPI, 0xa0);
	assert_true(vgic_has_pending(v0));
	fake_guest_set_mask(0xa0);
	assert_false(vgic_has_pending(v0));
	fake_guest_set_mask(0xf0);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0);
	assert_false(vgic_has_pending(v0));
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0x12);
	fake_enter(v0);
	assert_true(vgic_has_pending(v0));
	fake_enter(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	assert_false(vgic_has_pending(v0)); /* active */
	fake_enter(v0);
	fake_guest_end(PPI);
	assert_true(vgic_has_pending(v0)); /* the line is still high */
	/* Off the CPU as on it. */
	vgic_save(v0);
	assert_true(vgic_has_pending(v0));
	v0->vgic.hw.vmcr &= 0xffffff;
	assert_false(vgic_has_pending(v0));
	vgic_load(v0);
}

static void a_disabled_distributor_holds_back(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_start_vcpu(v0);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0);
	vgic_pulse(&fake_domain, v0, PPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0x12);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void state_moves_with_the_vcpu(void **state)
{
	fake_enable(v0, PPI, 0x80);
	fake_enable(v0, PPI + 1, 0xa0);
	fake_set_edge(v0, PPI);
	fake_start_vcpu(v0);
	vgic_pulse(&fake_domain, v0, PPI);
	vgic_pulse(&fake_domain, v0, PPI + 1);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	fake_exit(v0);
	vgic_save(v0);
	per_cpu(current_vcpu, 0) = NULL;

	fake_machine_set_cpu(3);
	v0->sched.cpu = 3;
	per_cpu(current_vcpu, 3) = v0;
	vgic_load(v0);
	fake_enter(v0);
	fake_guest_end(PPI);
	assert_int_equal(fake_guest_acknowledge(), PPI + 1);
	fake_guest_end(PPI + 1);
	fake_exit(v0);
	vgic_save(v0);
}

/* S3: the first of many are woken at once, the others when interrupts may come in between. */
static void many_are_woken_in_turn(void **state)
{
	fake_start_vcpu(v0);
	vgic_sgi1r_write(v0, UINT64_C(3) << 24 | BIT64(2) | BIT64(1));
	assert_int_equal(fake_nr_wakes_soon, 0);
	vgic_sgi1r_write(v0, UINT64_C(4) << 24 | BITS64(3, 1));
	assert_int_equal(fake_nr_wakes_soon, 1);
	vgic_sgi1r_write(v0, UINT64_C(5) << 24 | BIT64(40));
	assert_int_equal(fake_nr_wakes_soon, 2);
	assert_int_equal(fake_nr_wakes[3], 2);
	for (unsigned int i = 1; i < FAKE_NR_VCPUS; i++) {
		assert_true(fake_vcpus[i].work.vgic);
	}
	fake_write(v0, FAKE_GICD + GICD_CTLR, 4, 0);
	assert_int_equal(fake_nr_wakes_soon, 5);
	assert_int_equal(fake_nr_wakes[0], 0);
	vgic_save(v0);
}

static void an_sgi_wakes_its_target(void **state)
{
	fake_enable(v1, 3, 0xa0);
	fake_start_vcpu(v0);
	vgic_sgi1r_write(v0, UINT64_C(3) << 24 | BIT64(1) | BIT64(0));
	assert_int_equal(fake_nr_wakes[1], 1);
	assert_int_equal(fake_nr_wakes[0], 0); /* it runs: the next entry delivers */
	assert_true(vgic_has_pending(v1));
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 3);
	fake_guest_end(3);
	/* Blocked is not running, though current until the switch. */
	v0->sched.state = SCHED_BLOCKED;
	fake_exit(v0);
	fake_run_on(v2);
	per_cpu(current_vcpu, 2) = v2;
	v2->sched.state = SCHED_RUNNING;
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | BIT64(40));
	assert_int_equal(fake_nr_wakes[0], 1);
	assert_int_equal(fake_nr_wakes[2], 0);
	assert_int_equal(fake_nr_wakes[3], 1);
	/* Affinities that nobody has. */
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | UINT64_C(1) << 16 | 5);
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | UINT64_C(1) << 32 | 5);
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | UINT64_C(1) << 44 | 5);
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | UINT64_C(1) << 48 | 5);
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | UINT64_C(1) << 16 | 4);
	vgic_sgi1r_write(v2, UINT64_C(3) << 24 | BIT64(9));
	assert_int_equal(fake_nr_wakes[0], 1);
	assert_false(vgic_has_pending(v2));
}

static void sgis_of_several_sources_are_told_apart(void **state)
{
	fake_enable(v0, 5, 0xa0);
	fake_start_vcpu(v0);
	for (unsigned int i = 0; i < 2; i++) {
		fake_write(v1, FAKE_GICD + GICD_SGIR, 4, 5 | 1 << 16);
		fake_write(v2, FAKE_GICD + GICD_SGIR, 4, 5 | 1 << 16);
	}
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_SPENDSGIR + 5, 1), 0x6);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 5 | 1 << 10);
	fake_guest_end(5 | 1 << 10);
	assert_true(fake_maintenance_is_high());
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 5 | 2 << 10);
	/* From the source that is in service, and to all but oneself. */
	fake_run_on(v2);
	fake_write(v2, FAKE_GICD + GICD_SGIR, 4, 5 | 1 << 24);
	fake_again(v0);
	fake_guest_end(5 | 2 << 10);
	assert_int_equal(fake_guest_acknowledge(), 5 | 2 << 10);
	fake_guest_end(5 | 2 << 10);
	assert_true(vgic_has_pending(v1));
	assert_false(vgic_has_pending(v2));
	/* To itself; then taken back. */
	fake_write(v0, FAKE_GICD + GICD_SGIR, 4, 5 | 2 << 24);
	fake_enter(v0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_CPENDSGIR + 4, 4), 0x100);
	fake_write(v0, FAKE_GICD + GICD_CPENDSGIR + 5, 1, 0xff);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_write(v0, FAKE_GICD + GICD_SPENDSGIR + 4, 4, 0x0800);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 5 | 3 << 10);
	fake_guest_end(5 | 3 << 10);
	/* GICD_SGIR has 32 bits. */
	fake_write(v0, FAKE_GICD + GICD_SGIR + 2, 1, 1);
	fake_write(v0, FAKE_GICD + GICD_SGIR, 8, 5 | 1 << 16);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	assert_int_equal(fake_read(v0, FAKE_GICD + GICD_SGIR, 4), 0);
}

/* For now: it is in its guest, and the kick under way. */
static void takes_no_kick(struct vcpu *v)
{
}

static void an_sgi_sent_again_is_not_lost(void **state)
{
	fake_enable(v0, 5, 0xa0);
	fake_start_vcpu(v0);
	fake_write(v1, FAKE_GICD + GICD_SGIR, 4, 5 | 1 << 16);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 5 | 1 << 10);
	/* The guest has taken the first, Tenon does not know yet. */
	fake_run_on(v1);
	fake_on_kick = takes_no_kick;
	fake_write(v1, FAKE_GICD + GICD_SGIR, 4, 5 | 1 << 16);
	fake_run_on(v0);
	fake_guest_end(5 | 1 << 10);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

static void target_spi(struct vcpu *v, uint32_t intid, unsigned int id)
{
	fake_write(v, FAKE_GICD + GICD_IROUTER + 8 * intid, 8, id);
}

static void a_spi_follows_its_target(void **state)
{
	fake_set_edge(v0, SPI);
	fake_enable(v0, SPI, 0xa0);
	fake_start_vcpu(v1);
	fake_start_vcpu(v0);
	/* Pending in a list register of vCPU 0 as its target changes. */
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	target_spi(v0, SPI, 1);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_again(v1);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	/* Active there: it stays until it is ended, with an edge that came meanwhile. */
	target_spi(v1, SPI, 0);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_enter(v1);
	fake_guest_end(SPI);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_again(v1);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v1);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	/* Ended and pending again, with nothing else in the list, when the vCPU sees that it is another's. */
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	target_spi(v0, SPI, 1);
	fake_enter(v0);
	fake_guest_end(SPI);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_again(v1);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_again(v0);
	/* Nobody's: it waits for a target, in no list and without a vCPU. */
	target_spi(v0, SPI, 9);
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, SPI), BIT_OF(SPI));
	target_spi(v0, SPI, 1);
	fake_again(v1);
	assert_int_equal(fake_guest_take_all(), 1);
	/* Its target leaves the CPU with it. */
	vgic_pulse(&fake_domain, NULL, SPI);
	fake_again(v1);
	fake_exit(v1);
	fake_run_on(v0);
	target_spi(v0, SPI, 0);
	fake_run_on(v1);
	vgic_save(v1);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

/* ---- physical interrupts ----------------------------------------------------------------------- */

/* The device's line is high: the physical GIC signals it when enabled and not active. */
static bool physical_arrives(uint32_t intid)
{
	if (!fake_physical[intid].enabled || fake_physical[intid].active) {
		return false;
	}
	fake_physical[intid].active = true;
	assert_true(vgic_physical_interrupt(intid));
	return true;
}

static void the_guest_ends_the_physical_interrupt(void **state)
{
	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_LEVEL), 0);
	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_LEVEL), -XEN_EBUSY);
	assert_int_equal(vgic_assign_physical(&fake_domain, 33, GIC_LEVEL), -XEN_EBUSY);
	assert_int_equal(vgic_assign_physical(&fake_domain, 31, GIC_LEVEL), -XEN_EINVAL);
	assert_int_equal(vgic_assign_physical(&fake_domain, 200, GIC_LEVEL), -XEN_EINVAL);
	assert_false(fake_physical[SPI].enabled);
	fake_enable(v0, SPI, 0x80);
	assert_true(fake_physical[SPI].enabled);
	assert_int_equal(fake_physical[SPI].priority, 0x80);
	fake_start_vcpu(v0);
	assert_true(physical_arrives(SPI));
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	fake_again(v0);
	assert_true(fake_physical[SPI].active);
	fake_guest_end(SPI);
	assert_false(fake_physical[SPI].active);
	assert_true(physical_arrives(SPI)); /* before Tenon has seen the EOI */
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	assert_false(vgic_physical_interrupt(SPI + 1));
	assert_false(vgic_physical_interrupt(27));
}

static void a_physical_interrupt_is_routed_to_its_vcpus_cpu(void **state)
{
	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_EDGE), 0);
	assert_true(fake_physical[SPI].edge);
	target_spi(v0, SPI, 2);
	assert_int_equal(fake_physical[SPI].cpu, 2);
	fake_enable(v0, SPI, 0x80);
	v2->sched.cpu = 3;
	assert_true(physical_arrives(SPI));
	assert_int_equal(fake_physical[SPI].cpu, 3);
	assert_int_equal(fake_nr_wakes[2], 1);
	assert_true(vgic_has_pending(v2));
}

static void a_disabled_physical_interrupt_waits_at_the_physical_gic(void **state)
{
	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_LEVEL), 0);
	fake_enable(v0, SPI, 0x80);
	fake_start_vcpu(v0);
	assert_true(physical_arrives(SPI));
	fake_again(v0);
	fake_dist_write(v0, GICD_ICENABLER, SPI, BIT_OF(SPI));
	fake_enter(v0);
	/* The line's level decides again; an edge is kept. */
	assert_false(fake_physical[SPI].active || fake_physical[SPI].pending ||
		     fake_physical[SPI].enabled);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_set_edge(v0, SPI);
	assert_true(fake_physical[SPI].edge);
	fake_dist_write(v0, GICD_ISENABLER, SPI, BIT_OF(SPI));
	assert_true(physical_arrives(SPI));
	fake_dist_write(v0, GICD_ICENABLER, SPI, BIT_OF(SPI));
	assert_false(fake_physical[SPI].active);
	assert_true(fake_physical[SPI].pending);
	assert_int_equal(fake_dist_read(v0, GICD_ISPENDR, SPI), BIT_OF(SPI));
	/* By the guest's word, too. */
	fake_dist_write(v0, GICD_ICPENDR, SPI, BIT_OF(SPI));
	assert_false(fake_physical[SPI].pending);
	fake_dist_write(v0, GICD_ISPENDR, SPI, BIT_OF(SPI));
	assert_true(fake_physical[SPI].pending);
}

static void a_cleared_physical_interrupt_can_fire_again(void **state)
{
	assert_int_equal(vgic_assign_physical(&fake_domain, SPI, GIC_LEVEL), 0);
	fake_enable(v0, SPI, 0x80);
	fake_start_vcpu(v1);
	fake_exit(v1);
	fake_start_vcpu(v0);
	/* In a list register of a vCPU that runs. */
	assert_true(physical_arrives(SPI));
	fake_again(v0);
	fake_run_on(v1);
	fake_dist_write(v1, GICD_ICPENDR, SPI, BIT_OF(SPI));
	assert_false(fake_physical[SPI].active);
	/* In none. */
	fake_run_on(v0);
	fake_exit(v0);
	assert_true(physical_arrives(SPI));
	fake_dist_write(v0, GICD_ICPENDR, SPI, BIT_OF(SPI));
	assert_false(fake_physical[SPI].active);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	/* Active: ended by GICD_ICACTIVER instead of an EOI. */
	assert_true(physical_arrives(SPI));
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	fake_dist_write(v0, GICD_ICACTIVER, SPI, BIT_OF(SPI));
	assert_false(fake_physical[SPI].active);
	assert_true(physical_arrives(SPI));
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void a_passed_on_timer_is_ended_by_the_guest(void **state)
{
	v0->vgic.private_irqs[27].hw = true;
	fake_enable(v0, 27, 0x80);
	fake_start_vcpu(v0);
	fake_physical[27].active = true;
	vgic_set_line(&fake_domain, v0, 27, true);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 27);
	assert_true(vgic_is_active(v0, 27));
	fake_enter(v0);
	fake_guest_end(27);
	assert_false(fake_physical[27].active);
	/* As vtimer_sync() finds the line low before the entry. */
	fake_exit(v0);
	assert_false(vgic_is_active(v0, 27));
	vgic_set_line(&fake_domain, v0, 27, false);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 0);
}

#define V3(test) cmocka_unit_test_setup_teardown(test, fake_start_v3, fake_teardown)
#define V2(test) cmocka_unit_test_setup_teardown(test, fake_start_v2, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V3(idle_exits_touch_no_list_register),
		V3(an_edge_is_delivered_once),
		V2(an_edge_is_delivered_once),
		V3(an_interrupt_that_was_ended_comes_again_at_once),
		V2(an_interrupt_that_was_ended_comes_again_at_once),
		V3(what_cannot_come_at_once_comes_with_the_entry),
		V2(sgis_to_itself_leave_those_of_others),
		V3(an_edge_during_the_handler_comes_after_it),
		V3(a_level_comes_again_until_the_line_falls),
		V3(a_line_that_falls_first_is_not_delivered),
		V3(an_announcement_that_is_over_is_not_delivered),
		V3(another_vcpu_finds_the_announcement_over),
		V3(a_pulse_needs_no_maintenance_interrupt),
		V3(active_and_pending_registers_are_true_during_the_handler),
		V3(registers_reach_a_vcpu_that_runs_elsewhere),
		V2(registers_reach_a_vcpu_that_runs_elsewhere),
		V3(who_waits_for_another_keeps_nobody_waiting),
		V2(who_waits_for_another_keeps_nobody_waiting),
		V3(wfi_wakes_for_what_would_be_taken),
		V3(a_disabled_distributor_holds_back),
		V3(state_moves_with_the_vcpu),
		V3(many_are_woken_in_turn),
		V3(an_sgi_wakes_its_target),
		V2(sgis_of_several_sources_are_told_apart),
		V2(an_sgi_sent_again_is_not_lost),
		V3(a_spi_follows_its_target),
		V3(the_guest_ends_the_physical_interrupt),
		V3(a_physical_interrupt_is_routed_to_its_vcpus_cpu),
		V3(a_disabled_physical_interrupt_waits_at_the_physical_gic),
		V3(a_cleared_physical_interrupt_can_fire_again),
		V3(a_passed_on_timer_is_ended_by_the_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
