/* SPDX-License-Identifier: MIT */
/* The gate in front of the FP registers: each vCPU finds its own values, and they are moved no more than they must be. */
#include "domain/vcpu_fp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "domain/vcpu_switch.h"
#include "tests/unit/fake_machine.h"

#define NR_VCPUS 5
#define NR_CPUS  3

static struct domain domain64, domain32;
static struct vcpu vcpus[NR_VCPUS];
static uint32_t held[NR_VCPUS]; /* what each has in its registers */
/* Each CPU: its registers, one word for all, and who is loaded. */
static uint32_t registers[NR_CPUS];
static struct vcpu *loaded[NR_CPUS];
static unsigned int saves, restores, traps;

void fp_save(struct vcpu_fp_state *state)
{
	assert_false(this_cpu(fp_gate_closed));
	state->fpcr = registers[fake_machine_cpu];
	saves++;
}

void fp_restore(const struct vcpu_fp_state *state)
{
	assert_false(this_cpu(fp_gate_closed));
	registers[fake_machine_cpu] = state->fpcr;
	restores++;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(vcpus, 0, sizeof(vcpus));
	memset(held, 0, sizeof(held));
	memset(loaded, 0, sizeof(loaded));
	domain32.is_32bit = true;
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		vcpus[i].id = i;
		vcpus[i].domain = &domain64;
		vcpu_fp_reset(&vcpus[i]);
	}
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		fake_machine_set_cpu(cpu);
		this_cpu(fp_gate_closed) = false;
		registers[cpu] = 0xdead0000 + cpu;
	}
	fake_machine_set_cpu(0);
	saves = restores = traps = 0;
	return 0;
}

/* As vcpu_switch() does. */
static void change_to(struct vcpu *next)
{
	struct vcpu *prev = loaded[fake_machine_cpu];

	if (prev != NULL && prev->fp_use.open) {
		vcpu_fp_save(prev);
	}
	if (next != NULL && (next->fp_use.slices != 0 || !this_cpu(fp_gate_closed))) {
		vcpu_fp_load(next);
	}
	loaded[fake_machine_cpu] = next;
}

/* The guest reads what it has written last, and writes something else. */
static void use(uint32_t new_value)
{
	struct vcpu *v = loaded[fake_machine_cpu];

	if (this_cpu(fp_gate_closed)) {
		traps++;
		assert_true(vcpu_fp_trapped(v));
	}
	assert_false(this_cpu(fp_gate_closed));
	assert_int_equal(registers[fake_machine_cpu], held[v->id]);
	held[v->id] = new_value;
	registers[fake_machine_cpu] = new_value;
}

static void the_first_use_opens_the_gate(void **state)
{
	change_to(&vcpus[0]);
	assert_int_equal(restores, 0);
	fake_machine_expect("msr CPTR_EL2=0x400");
	fake_machine_log_clear();
	use(1);
	fake_machine_expect("msr CPTR_EL2=0x0", "isb");
	assert_int_equal(restores, 1);
	/* Now it is for another reason that it traps. */
	assert_false(vcpu_fp_trapped(&vcpus[0]));
}

static void who_does_not_use_them_pays_nothing(void **state)
{
	for (unsigned int i = 0; i < 10; i++) {
		change_to(&vcpus[i % 2]);
	}
	assert_int_equal(saves + restores + traps, 0);
	assert_int_equal(fake_machine_count("msr CPTR_EL2"), 1);
}

static void other_bits_of_the_gate_register_stay(void **state)
{
	fake_machine_sysreg_set("CPTR_EL2", CPTR_RES1 | CPTR_TZ | CPTR_TCPAC);
	change_to(&vcpus[0]);
	assert_int_equal(fake_machine_sysreg_get("CPTR_EL2"),
			 CPTR_RES1 | CPTR_TZ | CPTR_TCPAC | CPTR_TFP);
	use(1);
	assert_int_equal(fake_machine_sysreg_get("CPTR_EL2"), CPTR_RES1 | CPTR_TZ | CPTR_TCPAC);
}

static void who_uses_them_gets_them_at_once_for_a_while(void **state)
{
	change_to(&vcpus[0]);
	use(1);
	for (unsigned int i = 0; i < VCPU_FP_SLICES; i++) {
		change_to(&vcpus[1]);
		use(100 + i);
		change_to(&vcpus[0]);
		use(i);
	}
	assert_int_equal(traps, 2);
	/* And then it is seen whether it still does. */
	change_to(&vcpus[1]);
	change_to(&vcpus[0]);
	assert_true(this_cpu(fp_gate_closed));
	use(7);
	assert_int_equal(traps, 3);
}

static void what_is_still_there_is_not_loaded(void **state)
{
	change_to(&vcpus[0]);
	use(1);
	assert_int_equal(restores, 1);
	for (unsigned int i = 0; i < 2 * VCPU_FP_SLICES; i++) {
		change_to(NULL);
		change_to(&vcpus[1]); /* does not use them */
		change_to(&vcpus[0]);
		use(i);
	}
	assert_int_equal(restores, 1);
}

static void values_move_between_cpus(void **state)
{
	change_to(&vcpus[0]);
	use(1);
	change_to(NULL);
	fake_machine_set_cpu(1);
	change_to(&vcpus[0]);
	use(2);
	change_to(NULL);
	/* CPU 0 still has what it saved, but that is old. */
	fake_machine_set_cpu(0);
	change_to(&vcpus[0]);
	use(3);
	change_to(NULL);
	/* Not used there: CPU 0's are good. */
	vcpus[0].fp_use.slices = 0;
	fake_machine_set_cpu(1);
	change_to(&vcpus[0]);
	change_to(NULL);
	fake_machine_set_cpu(0);
	restores = 0;
	change_to(&vcpus[0]);
	use(4);
	assert_int_equal(restores, 0);
}

/* CPU_ON, or another vCPU at the address of one that is gone. */
static void set_registers_are_not_mistaken_for_the_old_ones(void **state)
{
	change_to(&vcpus[0]);
	use(1);
	change_to(NULL);
	memset(&vcpus[0].fp, 0, sizeof(vcpus[0].fp));
	held[0] = 0;
	vcpu_fp_reset(&vcpus[0]);
	change_to(&vcpus[0]);
	use(2);
}

static void a_32_bit_vcpu_has_an_open_gate(void **state)
{
	vcpus[1].domain = &domain32;
	vcpu_fp_reset(&vcpus[1]);
	for (unsigned int i = 0; i < 300; i++) {
		change_to(&vcpus[0]);
		assert_true(this_cpu(fp_gate_closed));
		change_to(&vcpus[1]);
		assert_false(this_cpu(fp_gate_closed));
		assert_false(vcpu_fp_trapped(&vcpus[1]));
		use(i);
	}
	assert_int_equal(traps, 0);
}

static void everybody_finds_its_own_whatever_happens(void **state)
{
	srand(1);
	for (unsigned int step = 1; step < 200000; step++) {
		unsigned int cpu = (unsigned int)rand() % NR_CPUS;
		struct vcpu *v = &vcpus[(unsigned int)rand() % NR_VCPUS];

		fake_machine_set_cpu(cpu);
		switch (rand() % 4) {
		case 0:
		case 1:
			if (loaded[cpu] != NULL) {
				use(step);
			}
			break;
		case 2:
			change_to(NULL);
			break;
		case 3:
			for (unsigned int i = 0; i < NR_CPUS; i++) {
				if (loaded[i] == v) {
					fake_machine_set_cpu(i);
					change_to(NULL);
				}
			}
			fake_machine_set_cpu(cpu);
			change_to(v);
			break;
		}
		fake_machine_log_clear();
	}
	assert_true(saves > 1000 && restores > 1000 && traps > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_use_opens_the_gate, set_up),
		cmocka_unit_test_setup(who_does_not_use_them_pays_nothing, set_up),
		cmocka_unit_test_setup(other_bits_of_the_gate_register_stay, set_up),
		cmocka_unit_test_setup(who_uses_them_gets_them_at_once_for_a_while, set_up),
		cmocka_unit_test_setup(what_is_still_there_is_not_loaded, set_up),
		cmocka_unit_test_setup(values_move_between_cpus, set_up),
		cmocka_unit_test_setup(set_registers_are_not_mistaken_for_the_old_ones, set_up),
		cmocka_unit_test_setup(a_32_bit_vcpu_has_an_open_gate, set_up),
		cmocka_unit_test_setup(everybody_finds_its_own_whatever_happens, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
