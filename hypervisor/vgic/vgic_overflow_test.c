/* SPDX-License-Identifier: MIT */
/* More interrupts than list registers: which come first, and that those that wait are delivered, whatever happens meanwhile. */
#include "vgic/vgic_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "vgic/vgic_internal.h"

#define PPI           20
#define TIMER         27
#define SPI           40
#define BIT_OF(intid) (UINT32_C(1) << ((intid) % 32))

static struct vcpu *const v0 = &fake_vcpus[0];

static void more_interrupts_than_list_registers_come_by_priority(void **state)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < 20; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, (uint8_t)(8 * ((i * 7) % 20) + 8));
	}
	for (uint32_t i = 0; i < 20; i++) {
		vgic_pulse(&fake_domain, NULL, SPI + i);
	}
	fake_start_vcpu(v0);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t intid = fake_guest_acknowledge();
		uint32_t priority = fake_domain.vgic.spis[intid - 32].state.priority;

		assert_true(priority > last);
		last = priority;
		if (fake_maintenance_is_high()) {
			fake_again(v0);
		}
		fake_guest_end(intid);
		if (fake_maintenance_is_high()) {
			fake_again(v0);
		}
	}
	assert_int_equal(fake_guest_take_all(), 0);
}

/* The requests of an overflow end with it, also when something else comes first than their interrupt. */
static void the_last_of_many_asks_for_no_maintenance(void **state)
{
	for (uint32_t i = 0; i < 5; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, 0x80);
		vgic_pulse(&fake_domain, NULL, SPI + i);
	}
	fake_start_vcpu(v0);
	assert_int_equal(fake_guest_take_all(), 4);
	vgic_sync(v0);
	v0->work.vgic = true;
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void a_better_interrupt_takes_a_full_list_registers_place(void **state)
{
	for (uint32_t i = 0; i < 6; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, i < 5 ? 0xa0 : 0x20);
	}
	fake_start_vcpu(v0);
	for (uint32_t i = 0; i < 5; i++) {
		vgic_pulse(&fake_domain, NULL, SPI + i);
	}
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI);
	fake_exit(v0);
	vgic_pulse(&fake_domain, NULL, SPI + 5);
	fake_enter(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 5);
	fake_guest_end(SPI + 5);
	fake_guest_end(SPI); /* kept its list register */
	for (unsigned int i = 0; i < 4; i++) {
		fake_again(v0); /* the last two at an underflow */
		assert_int_equal(fake_guest_take_all(), i < 2 ? 2 : 0);
	}
}

/* SPIs from SPI on, all pending, each less urgent than the one before; the first four are in list registers. */
static void start_with_many(unsigned int nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, (uint8_t)(0x20 + 8 * i));
		vgic_pulse(&fake_domain, NULL, SPI + i);
	}
	fake_start_vcpu(v0);
}

/* The guest has ended all that was in list registers, and leaves the CPU before the maintenance interrupt is taken. */
static void what_waits_is_delivered_after_a_switch(void **state)
{
	start_with_many(9);
	assert_int_equal(fake_guest_take_all(), 4);
	fake_switch_out(v0);
	assert_true(vgic_has_pending(v0));
	fake_start_vcpu(v0);
	assert_int_equal(fake_guest_take_all(), 4);
	/* On another CPU, after a look at what is pending. */
	assert_true(vgic_has_pending(v0));
	fake_switch_out(v0);
	v0->sched.cpu = FAKE_NR_CPUS - 1;
	fake_start_vcpu(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 8);
	assert_false(vgic_has_pending(v0));
	fake_switch_out(v0);
	fake_start_vcpu(v0);
	fake_guest_end(SPI + 8);
	fake_switch_out(v0);
	assert_int_equal(v0->work.any, 0);
	assert_false(vgic_has_pending(v0));
}

/* An exit that looks at list registers anyhow is as good as the maintenance interrupt. */
static void what_waits_is_delivered_by_any_look(void **state)
{
	start_with_many(6);
	assert_int_equal(fake_guest_take_all(), 4);
	vgic_sync(v0);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 2);
	vgic_sync(v0);
	assert_int_equal(v0->work.any, 0);
	/* One too many. */
	for (uint32_t i = 0; i < 5; i++) {
		vgic_pulse(&fake_domain, NULL, SPI + i);
	}
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 4);
	vgic_sync(v0);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	vgic_sync(v0);
	assert_int_equal(v0->work.any, 0);
}

/* The shortest exit. */
static void go_on(struct vcpu *v)
{
	if (v->work.any != 0) {
		fake_again(v);
	}
}

/* The less urgent ones could come at once, as list registers are free. */
static void what_waits_is_not_overtaken(void **state)
{
	fake_enable(v0, PPI, 0x80);
	fake_enable(v0, 5, 0x88);
	start_with_many(6);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(fake_guest_acknowledge(), SPI + i);
		fake_guest_end(SPI + i);
		vgic_pulse(&fake_domain, v0, PPI);
		vgic_send_sgi(v0, v0, 5);
		go_on(v0);
	}
	for (uint32_t i = 2; i < 6; i++) {
		assert_int_equal(fake_guest_acknowledge(), SPI + i);
		fake_guest_end(SPI + i);
	}
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), PPI);
	fake_guest_end(PPI);
	assert_int_equal(fake_guest_take_all(), 1);
}

static void what_waits_can_change(void **state)
{
	fake_enable(v0, PPI, 0xa0);
	fake_enable(v0, TIMER, 0xa8);
	start_with_many(6);
	vgic_set_line(&fake_domain, v0, PPI, true);
	vgic_set_line(&fake_domain, v0, TIMER, true);
	fake_again(v0);
	/* A line falls, another one and rises again. */
	vgic_set_line(&fake_domain, v0, PPI, false);
	assert_null(v0->vgic.private_irqs[PPI].vcpu);
	vgic_set_line(&fake_domain, v0, TIMER, false);
	vgic_set_line(&fake_domain, v0, TIMER, true);
	/* Disabled; disabled and enabled; now the most urgent one. */
	fake_dist_write(v0, GICD_ICENABLER, SPI + 4, BIT_OF(SPI + 4));
	fake_dist_write(v0, GICD_ICENABLER, SPI + 5, BIT_OF(SPI + 5));
	fake_enter(v0);
	fake_enable(v0, SPI + 5, 0x10);
	fake_enter(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 5);
	fake_guest_end(SPI + 5);
	assert_int_equal(fake_guest_take_all(), 3);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 3);
	fake_guest_end(SPI + 3);
	assert_int_equal(fake_guest_acknowledge(), TIMER);
	vgic_set_line(&fake_domain, v0, TIMER, false);
	fake_guest_end(TIMER);
	fake_again(v0);
	assert_int_equal(fake_guest_take_all(), 0);
	fake_enable(v0, SPI + 4, 0xa0);
	fake_enter(v0);
	assert_int_equal(fake_guest_take_all(), 1);
	/* Nothing is left of the overflow. */
	assert_int_equal(v0->vgic.hw.hcr, GIC_HCR_EN);
}

/* One in service within another, in all list registers, and a more urgent one yet: it has not to wait for all. */
static void the_end_of_an_active_one_makes_room(void **state)
{
	start_with_many(4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(fake_guest_acknowledge(), SPI + i);
	}
	fake_set_edge(v0, SPI + 9);
	fake_enable(v0, SPI + 9, 0x10);
	fake_enter(v0);
	vgic_pulse(&fake_domain, NULL, SPI + 9);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), FAKE_SPURIOUS);
	fake_guest_end(SPI + 3);
	assert_true(fake_maintenance_is_high());
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 9);
	fake_guest_end(SPI + 9);
	for (uint32_t i = 0; i < 3; i++) {
		fake_guest_end(SPI + i);
	}
	fake_again(v0);
	assert_int_equal(v0->work.any, 0);
}

/* As before, but the more urgent one had a list register, and so only the next one waits. */
static void the_last_pending_one_calls_for_more(void **state)
{
	start_with_many(3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(fake_guest_acknowledge(), SPI + i);
	}
	for (uint32_t i = 8; i < 10; i++) {
		fake_set_edge(v0, SPI + i);
		fake_enable(v0, SPI + i, (uint8_t)i);
		fake_enter(v0);
		vgic_pulse(&fake_domain, NULL, SPI + i);
		fake_again(v0);
	}
	assert_int_equal(fake_guest_acknowledge(), SPI + 8);
	assert_true(fake_maintenance_is_high());
	fake_again(v0);
	fake_guest_end(SPI + 8);
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), SPI + 9);
	fake_guest_end(SPI + 9);
	for (uint32_t i = 0; i < 3; i++) {
		fake_guest_end(SPI + i);
	}
}

/* With the HW bit none of them can ask: when one is left. */
static void of_active_ones_of_the_hardware_one_is_enough(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		v0->vgic.private_irqs[PPI + i].hw = true;
		fake_enable(v0, PPI + i, 0x80);
	}
	fake_enable(v0, 5, 0x10);
	fake_start_vcpu(v0);
	for (uint32_t i = 0; i < 4; i++) {
		vgic_pulse(&fake_domain, v0, PPI + i);
		fake_again(v0);
		assert_int_equal(fake_guest_acknowledge(), PPI + i);
	}
	vgic_send_sgi(v0, v0, 5);
	fake_again(v0);
	fake_guest_end(PPI);
	fake_guest_end(PPI + 1);
	assert_false(fake_maintenance_is_high());
	fake_guest_end(PPI + 2);
	assert_true(fake_maintenance_is_high());
	fake_again(v0);
	assert_int_equal(fake_guest_acknowledge(), 5);
	fake_guest_end(5);
	fake_guest_end(PPI + 3);
}

#define V3(test) cmocka_unit_test_setup_teardown(test, fake_start_v3, fake_teardown)
#define V2(test) cmocka_unit_test_setup_teardown(test, fake_start_v2, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V3(more_interrupts_than_list_registers_come_by_priority),
		V3(the_last_of_many_asks_for_no_maintenance),
		V3(a_better_interrupt_takes_a_full_list_registers_place),
		V3(what_waits_is_delivered_after_a_switch),
		V2(what_waits_is_delivered_after_a_switch),
		V3(what_waits_is_delivered_by_any_look),
		V3(what_waits_is_not_overtaken),
		V3(what_waits_can_change),
		V3(the_end_of_an_active_one_makes_room),
		V2(the_end_of_an_active_one_makes_room),
		V3(the_last_pending_one_calls_for_more),
		V3(of_active_ones_of_the_hardware_one_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
