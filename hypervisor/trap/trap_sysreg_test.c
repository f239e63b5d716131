/* SPDX-License-Identifier: MIT */
/* Decoding of trapped system register accesses: the table, who may access what, and what arrives
 * where. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

static struct domain *d;
static struct vcpu *v;
static int set_way_result;
static bool vm_register_result;

/* ---- fakes ---------------------------------------------------------------------------------- */

void log_guest(unsigned int domid, const char *format, ...)
{
	fake_machine_note("log d%u", domid);
}

int domain_set_way(struct vcpu *vcpu)
{
	fake_machine_note("set way");
	return set_way_result;
}

bool domain_vm_register_write(struct vcpu *vcpu, uint32_t key, uint64_t value)
{
	fake_machine_note("vm 0x%x=0x%llx", key, (unsigned long long)value);
	return vm_register_result;
}

void vgic_sgi1r_write(struct vcpu *vcpu, uint64_t value)
{
	fake_machine_note("sgi1r 0x%llx", (unsigned long long)value);
}

bool vtimer_sysreg(struct vcpu *vcpu, uint32_t key, bool is_write, uint64_t *value)
{
	fake_machine_note("timer %s 0x%x=0x%llx", is_write ? "write" : "read", key,
			  (unsigned long long)*value);
	if (!is_write) {
		*value = 0x1234;
	}
	return true;
}

uint64_t trap_idreg_value[2][8][8];

static unsigned int nr_by_class;

void trap_by_class(struct vcpu *vcpu, uint64_t esr)
{
	nr_by_class++;
}

static int set_up(void **state)
{
	fake_machine_reset();
	cpu_features.nr_breakpoints = 6;
	cpu_features.nr_watchpoints = 4;
	d = calloc(1, sizeof(*d));
	v = calloc(1, sizeof(*v));
	d->id = 3;
	d->vgic.version = GIC_V3;
	v->domain = d;
	v->regs.pstate = PSTATE_EL1h;
	for (unsigned int n = 0; n < 31; n++) {
		v->regs.x[n] = 0x1000 + n;
	}
	set_way_result = 0;
	vm_register_result = true;
	nr_by_class = 0;
	for (unsigned int crm = 1; crm < 8; crm++) {
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			trap_idreg_value[0][crm - 1][op2] = 0x200 + crm * 8 + op2;
			trap_idreg_value[1][crm - 1][op2] = 0x300 + crm * 8 + op2;
		}
	}
	return 0;
}

static int tear_down(void **state)
{
	free(v);
	free(d);
	return 0;
}

static uint64_t syndrome(uint32_t key, unsigned int rt, bool is_read)
{
	return (uint64_t)ESR_EC_SYSREG << ESR_EC_SHIFT | ESR_IL | key | rt << 5 | (is_read ? 1 : 0);
}

static enum trap_outcome mrs(uint32_t key, unsigned int rt)
{
	return trap_sysreg(v, syndrome(key, rt, true));
}

static enum trap_outcome msr(uint32_t key, unsigned int rt)
{
	return trap_sysreg(v, syndrome(key, rt, false));
}

#define ACTLR    SYS_ENC(3, 0, 1, 0, 1)
#define OSLAR    SYS_ENC(2, 0, 1, 0, 4)
#define OSLSR    SYS_ENC(2, 0, 1, 1, 4)
#define OSDLR    SYS_ENC(2, 0, 1, 3, 4)
#define MDSCR    SYS_ENC(2, 0, 0, 2, 2)
#define MDCCSR   SYS_ENC(2, 3, 0, 1, 0)
#define MDRAR    SYS_ENC(2, 0, 1, 0, 0)
#define SCTLR    SYS_ENC(3, 0, 1, 0, 0)
#define CNTP_CTL SYS_ENC(3, 3, 14, 2, 1)
#define SGI1R    SYS_ENC(3, 0, 12, 11, 5)
#define ASGI1R   SYS_ENC(3, 0, 12, 11, 6)
#define SGI0R    SYS_ENC(3, 0, 12, 11, 7)
#define ICC_SRE  SYS_ENC(3, 0, 12, 12, 5)
#define DC_CISW  SYS_ENC(1, 0, 7, 14, 2)
#define PMCR     SYS_ENC(3, 3, 9, 12, 0)

/* ---- cases ---------------------------------------------------------------------------------- */

static void the_table_is_sorted_without_duplicates(void **state)
{
	for (unsigned int i = 0; i < trap_sysreg_table_size; i++) {
		const struct sysreg_entry *entry = &trap_sysreg_table[i];

		assert_true(i == 0 || trap_sysreg_table[i - 1].key < entry->key);
		assert_int_equal(ISS_SYS_KEY(entry->key),
				 entry->key); /* nothing outside the encoding */
		assert_false(trap_idreg_is_key(entry->key));
		assert_int_not_equal(entry->allowed & (SYSREG_READ | SYSREG_WRITE), 0);
		assert_non_null(entry->handler);
	}
}

/* All there is: whatever is not in the table or the identification group is undefined in both
 * directions. */
static void every_encoding_is_decoded_to_its_own_row_or_undefined(void **state)
{
	unsigned int nr_found = 0, next = 0;

	for (uint32_t key = 0; key < 1u << 22; key += 2) {
		const struct sysreg_entry *entry = &trap_sysreg_table[next];
		bool is_debug_array = (key >> 20 & 3) == 2 && (key >> 14 & 7) == 0 &&
				      (key >> 10 & 15) == 0 && (key >> 17 & 7) >= 4 &&
				      (key >> 1 & 15) < ((key >> 17 & 7) < 6 ? 6 : 4);

		if (ISS_SYS_KEY(key) != key || trap_idreg_is_key(key)) {
			continue;
		}
		v->regs.pstate = PSTATE_EL1h;
		if (next < trap_sysreg_table_size && entry->key == key) {
			bool readable = (entry->allowed & SYSREG_READ) != 0;
			bool writable = (entry->allowed & SYSREG_WRITE) != 0;

			assert_int_equal(mrs(key, 0) == TRAP_DONE, readable);
			assert_int_equal(msr(key, 0) == TRAP_DONE, writable);
			v->regs.pstate = PSTATE_EL0t;
			assert_int_equal(mrs(key, 0) == TRAP_DONE,
					 readable && (entry->allowed & SYSREG_EL0) != 0);
			nr_found++;
			next++;
		} else {
			assert_int_equal(mrs(key, 0) == TRAP_DONE, is_debug_array);
			assert_int_equal(msr(key, 0) == TRAP_DONE, is_debug_array);
		}
	}
	assert_int_equal(nr_found, trap_sysreg_table_size);
}

/* The same, from the vectors. Was it done there and then? */
static bool fast(uint64_t esr)
{
	unsigned int before = nr_by_class;

	v->regs.pc = 0x8000;
	v->regs.pstate |= PSTATE_SS | PSTATE_BTYPE;
	trap_sysreg_fast(v, esr);
	if (nr_by_class != before) {
		assert_int_equal(v->regs.pc, 0x8000);
		return false;
	}
	assert_int_equal(v->regs.pc, 0x8004);
	assert_int_equal(v->regs.pstate & (PSTATE_SS | PSTATE_BTYPE), 0);
	return true;
}

static void identification_registers_are_read_at_el1(void **state)
{
	assert_true(fast(syndrome(SYS_ENC(3, 0, 0, 4, 3), 7, true)));
	assert_int_equal(v->regs.x[7], 0x300 + 4 * 8 + 3);
	assert_int_equal(v->regs.stale, 0);
	assert_true(fast(syndrome(SYS_ENC(3, 0, 0, 7, 7), 20, true)));
	assert_int_equal(v->regs.x[20], 0x300 + 7 * 8 + 7);
	assert_int_equal(v->regs.stale, 1);
	d->vgic.version = GIC_V2;
	assert_true(fast(syndrome(SYS_ENC(3, 0, 0, 1, 0), 30, true)));
	assert_int_equal(v->regs.x[30], 0x200 + 1 * 8);
	/* XZR: not what follows x30 in memory. */
	assert_true(fast(syndrome(SYS_ENC(3, 0, 0, 1, 0), 31, true)));
	v->regs.pstate = PSTATE_EL0t;
	assert_false(fast(syndrome(SYS_ENC(3, 0, 0, 4, 3), 7, true)));
	assert_int_equal(v->regs.x[7], 0x300 + 4 * 8 + 3);
}

/* Of all accesses that there are: those of trap_idreg_is_key(), and SGIs. */
static void nothing_else_takes_the_fast_path(void **state)
{
	for (uint32_t iss = 0; iss < 1u << 22; iss++) {
		const uint32_t key = ISS_SYS_KEY(iss);
		const bool is_read = (iss & ISS_SYS_READ) != 0;

		if ((iss & ISS_SYS_RT) == 0 &&
		    fast(syndrome(key, 5, is_read)) !=
			    (is_read ? trap_idreg_is_key(key) : key == SGI1R)) {
			fail_msg("ISS 0x%x", iss);
		}
	}
	assert_false(fast(syndrome(SYS_ENC(3, 0, 0, 4, 3), 7, true) & ~ESR_IL));
	assert_false(fast((uint64_t)ESR_EC_SVE << ESR_EC_SHIFT | ESR_IL |
			  SYS_ENC(3u, 0u, 0u, 4u, 3u) | 1));
	assert_int_equal(fake_machine_count("sgi1r"), 1);
}

static void sgis_are_sent_straight_away(void **state)
{
	assert_true(fast(syndrome(SGI1R, 1, false)));
	assert_true(fast(syndrome(SGI1R, 31, false)));
	fake_machine_expect_exactly("sgi1r 0x1001", "sgi1r 0x0");
	d->vgic.version = GIC_V2;
	assert_false(fast(syndrome(SGI1R, 1, false)));
	d->vgic.version = GIC_V3;
	v->regs.pstate = PSTATE_EL0t;
	assert_false(fast(syndrome(SGI1R, 1, false)));
}

static void identification_registers_are_not_written(void **state)
{
	assert_int_equal(msr(SYS_ENC(3, 0, 0, 4, 0), 7), TRAP_UNDEFINED);
	v->regs.pstate = PSTATE_EL0t;
	assert_int_equal(mrs(SYS_ENC(3, 0, 0, 4, 0), 7), TRAP_UNDEFINED);
}

static void linux_starts_a_cpu(void **state)
{
	v->sysregs.actlr_el1 = 0;
	assert_int_equal(msr(OSDLR, 31), TRAP_DONE);
	assert_int_equal(msr(OSLAR, 31), TRAP_DONE);
	assert_int_equal(msr(MDSCR, 31), TRAP_DONE);
	assert_int_equal(mrs(MDSCR, 2), TRAP_DONE);
	assert_int_equal(v->regs.x[2], 0);
	assert_int_equal(mrs(OSLSR, 3), TRAP_DONE);
	assert_int_equal(v->regs.x[3], 8);
	assert_int_equal(mrs(MDRAR, 4), TRAP_DONE);
	assert_int_equal(v->regs.x[4], 0);
	assert_int_equal(mrs(ACTLR, 5), TRAP_DONE);
	assert_int_equal(v->regs.x[5], 0);
	for (unsigned int n = 0; n < 6; n++) {
		for (unsigned int op2 = 4; op2 < (n < 4 ? 8 : 6); op2++) {
			assert_int_equal(msr(SYS_ENC(2, 0, 0, n, op2), 6), TRAP_DONE);
		}
	}
	fake_machine_expect_none("log");
}

static void wrong_directions_are_undefined(void **state)
{
	assert_int_equal(mrs(OSLAR, 1), TRAP_UNDEFINED);
	assert_int_equal(msr(OSLSR, 1), TRAP_UNDEFINED);
	assert_int_equal(msr(MDRAR, 1), TRAP_UNDEFINED);
	assert_int_equal(mrs(SGI1R, 1), TRAP_UNDEFINED);
	assert_int_equal(v->regs.x[1], 0x1001);
	fake_machine_expect_exactly("log d3", "log d3", "log d3", "log d3");
}

static void the_debug_channel_status_is_readable_at_el0(void **state)
{
	v->regs.pstate = PSTATE_EL0t;
	assert_int_equal(mrs(MDCCSR, 1), TRAP_DONE);
	assert_int_equal(v->regs.x[1], 0);
	assert_int_equal(mrs(OSLSR, 1), TRAP_UNDEFINED);
}

static void performance_monitors_are_undefined(void **state)
{
	assert_int_equal(mrs(PMCR, 0), TRAP_UNDEFINED);
	assert_int_equal(msr(SYS_ENC(3, 3, 14, 15, 7), 0), TRAP_UNDEFINED); /* PMCCFILTR_EL0 */
	assert_int_equal(mrs(SYS_ENC(3, 3, 9, 14, 0), 0), TRAP_UNDEFINED);  /* PMUSERENR_EL0 */
}

static void the_physical_timer_is_the_vtimers(void **state)
{
	assert_int_equal(mrs(CNTP_CTL, 9), TRAP_DONE);
	assert_int_equal(v->regs.x[9], 0x1234);
	assert_int_equal(msr(CNTP_CTL, 10), TRAP_DONE);
	v->regs.pstate = PSTATE_EL0t;
	assert_int_equal(mrs(CNTP_CTL, 11), TRAP_DONE);
	fake_machine_expect("timer read", "timer write 0x32f804=0x100a", "timer read");
}

static void registers_of_tvm_are_written_by_the_domain(void **state)
{
	assert_int_equal(msr(SCTLR, 1), TRAP_DONE);
	fake_machine_expect_exactly("vm 0x300400=0x1001");
	assert_int_equal(msr(SCTLR, 31), TRAP_DONE);
	fake_machine_expect("vm 0x300400=0x0");
	assert_int_equal(mrs(SCTLR, 1), TRAP_UNDEFINED);
	vm_register_result = false;
	assert_int_equal(msr(SCTLR, 1), TRAP_UNDEFINED);
}

static void set_way_may_have_to_come_again(void **state)
{
	assert_int_equal(msr(DC_CISW, 1), TRAP_DONE);
	set_way_result = -XEN_ERESTART;
	assert_int_equal(msr(DC_CISW, 1), TRAP_AGAIN);
	assert_int_equal(mrs(DC_CISW, 1), TRAP_UNDEFINED);
}

static void sgis_by_register_are_for_gicv3_guests(void **state)
{
	assert_int_equal(msr(SGI1R, 1), TRAP_DONE);
	assert_int_equal(msr(ASGI1R, 1), TRAP_DONE);
	assert_int_equal(msr(SGI0R, 1), TRAP_DONE);
	fake_machine_expect_exactly("sgi1r 0x1001");
	d->vgic.version = GIC_V2;
	assert_int_equal(msr(SGI1R, 1), TRAP_UNDEFINED);
	assert_int_equal(msr(ASGI1R, 1), TRAP_UNDEFINED);
	assert_int_equal(msr(SGI0R, 1), TRAP_UNDEFINED);
	assert_int_equal(fake_machine_count("sgi1r"), 1);
}

static void a_gicv2_guest_learns_that_it_has_no_registers(void **state)
{
	d->vgic.version = GIC_V2;
	assert_int_equal(msr(ICC_SRE, 1), TRAP_DONE);
	assert_int_equal(mrs(ICC_SRE, 1), TRAP_DONE);
	assert_int_equal(v->regs.x[1], 0);
	d->vgic.version = GIC_V3;
	assert_int_equal(mrs(ICC_SRE, 1), TRAP_DONE);
	assert_int_equal(v->regs.x[1], 7);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(the_table_is_sorted_without_duplicates),
		CASE(every_encoding_is_decoded_to_its_own_row_or_undefined),
		CASE(identification_registers_are_read_at_el1),
		CASE(identification_registers_are_not_written),
		CASE(nothing_else_takes_the_fast_path),
		CASE(sgis_are_sent_straight_away),
		CASE(linux_starts_a_cpu),
		CASE(wrong_directions_are_undefined),
		CASE(the_debug_channel_status_is_readable_at_el0),
		CASE(performance_monitors_are_undefined),
		CASE(the_physical_timer_is_the_vtimers),
		CASE(registers_of_tvm_are_written_by_the_domain),
		CASE(set_way_may_have_to_come_again),
		CASE(sgis_by_register_are_for_gicv3_guests),
		CASE(a_gicv2_guest_learns_that_it_has_no_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
