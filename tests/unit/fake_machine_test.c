/* SPDX-License-Identifier: MIT */
/* The recorder itself: what it logs, and that its expectations fail when they should. */
#include "tests/unit/fake_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/mmio.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "arm64/tlb.h"
#include "lib/assert.h"

static int reset(void **state)
{
	(void)state;
	fake_machine_reset();
	return 0;
}

static void break_before_make_is_visible(void **state)
{
	volatile uint64_t table[4] = {0, 0x40000003, 0, 0};

	(void)state;
	fake_machine_watch(table, 4);
	table[1] = 0;
	tlb_invalidate_ipa_is(0x1000);
	table[1] = 0x80000003;
	dsb_ish();
	fake_machine_expect("store invalid 0x1", "dsb ish", "tlbi ipas2e1is 0x1000", "dsb ish",
			    "store valid 0x1=0x80000003");
	fake_machine_expect_none("tlbi vmalls12e1is");
	assert_int_equal(fake_machine_count("store"), 2);
}

static void last_store_needs_no_event_after_it(void **state)
{
	volatile uint64_t word = 0;

	(void)state;
	fake_machine_watch(&word, 1);
	isb();
	word = 3;
	fake_machine_expect_exactly("isb", "store valid");
}

static void patterns_end_at_a_word(void **state)
{
	(void)state;
	dsb_ishst();
	assert_int_equal(fake_machine_count("dsb ish"), 0);
	assert_int_equal(fake_machine_count("dsb"), 1);
	sysreg_write(HCR_EL2, 0x10);
	assert_int_equal(fake_machine_count("msr HCR_EL2"), 1);
	assert_int_equal(fake_machine_count("msr HCR_EL2=0x1"), 0);
	assert_int_equal(fake_machine_count("msr HCR"), 0);
}

static uint64_t next_interrupt(void *context)
{
	unsigned int *next = context;

	return (*next)++;
}

static void registers_belong_to_cpus_and_may_behave(void **state)
{
	unsigned int next = 30;

	(void)state;
	fake_machine_sysreg_set("VTTBR_EL2", 7);
	sysreg_write(VTTBR_EL2, 8);
	assert_int_equal(sysreg_read(VTTBR_EL2), 8);
	fake_machine_set_cpu(1);
	assert_int_equal(sysreg_read(VTTBR_EL2), 7);
	assert_int_equal(this_cpu_id(), 1);
	fake_machine_sysreg_handle("ICC_IAR1_EL1", next_interrupt, NULL, &next);
	assert_int_equal(sysreg_read(ICC_IAR1_EL1), 30);
	assert_int_equal(sysreg_read(ICC_IAR1_EL1), 31);
}

static uint64_t device_read(uint64_t offset, unsigned int size, void *context)
{
	(void)context;
	return offset + size;
}

static void device_is_called_by_offset(void **state)
{
	static const struct fake_machine_device device = {.read = device_read};
	volatile void *base = (volatile void *)0x9000000; /* never dereferenced */
	uint64_t plain = 0;

	(void)state;
	fake_machine_mmio(base, 0x1000, &device);
	assert_int_equal(mmio_read32((volatile char *)base + 0x18), 0x1c);
	mmio_write64(&plain, 5);
	assert_int_equal(plain, 5);
	fake_machine_expect("ldr32 0x18=0x1c", "str64");
}

static void look_at_memory(const char *line, void *context)
{
	uint64_t *word = context;

	if (strncmp(line, "tlbi", 4) == 0) {
		assert_int_equal(*word, 1);
		*word = 2;
	}
}

static void hook_runs_at_the_event(void **state)
{
	uint64_t word = 1;

	(void)state;
	fake_machine_set_hook(look_at_memory, &word);
	tlb_invalidate_vmid_local();
	assert_int_equal(word, 2);
}

static void interrupt_comes_after_the_polls_asked_for(void **state)
{
	(void)state;
	assert_false(cpu_interrupt_pending());
	fake_machine_interrupt_after(2);
	assert_false(cpu_interrupt_pending());
	assert_false(cpu_interrupt_pending());
	assert_true(cpu_interrupt_pending());
	assert_true(cpu_interrupt_pending());
}

static uint32_t raced;

static void add_ten(void)
{
	atomic_fetch_add(&raced, 10); /* does not come here again */
}

static void another_cpu_may_go_before_each_atomic_operation(void **state)
{
	uint32_t seen;

	(void)state;
	raced = 0;
	fake_machine_set_other_cpu(add_ten);
	seen = atomic_load_acquire(&raced);
	assert_int_equal(seen, 10);
	assert_false(atomic_compare_exchange(&raced, &seen, 5));
	assert_int_equal(seen, 20);
	fake_machine_set_other_cpu(NULL);
	assert_true(atomic_compare_exchange(&raced, &seen, 5));
}

static void panic_and_assert_are_caught(void **state)
{
	(void)state;
	expect_assert_failure(panic("frame %d", 5));
	assert_string_equal(fake_machine_panic_text(), "frame 5");
	expect_assert_failure(ASSERT(nr_cpus == 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(break_before_make_is_visible, reset),
		cmocka_unit_test_setup(last_store_needs_no_event_after_it, reset),
		cmocka_unit_test_setup(patterns_end_at_a_word, reset),
		cmocka_unit_test_setup(registers_belong_to_cpus_and_may_behave, reset),
		cmocka_unit_test_setup(device_is_called_by_offset, reset),
		cmocka_unit_test_setup(hook_runs_at_the_event, reset),
		cmocka_unit_test_setup(interrupt_comes_after_the_polls_asked_for, reset),
		cmocka_unit_test_setup(another_cpu_may_go_before_each_atomic_operation, reset),
		cmocka_unit_test_setup(panic_and_assert_are_caught, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
