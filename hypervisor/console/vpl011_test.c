/* SPDX-License-Identifier: MIT */
/*
 * The guest's UART register by register; the console, the vGIC and the MMIO dispatch are faked
 * here.
 */
#include "console/vpl011.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "console/console.h"
#include "domain/domain.h"
#include "mm/mm.h"
#include "tests/unit/fake_machine.h"
#include "trap/trap.h"
#include "vgic/vgic.h"

enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44
};
enum {
	RXFE = 0x10,
	TXFF = 0x20,
	RXFF = 0x40,
	TXFE = 0x80,
	BUSY = 0x08
};
enum {
	INT_RX = 0x10,
	INT_TX = 0x20,
	INT_RT = 0x40,
	INT_OE = 0x400
};

static struct domain domain;
static struct mmio_region region;
static char written[64];
static size_t nr_written;
static bool congested;
static bool line;
static unsigned int nr_line_changes;

void console_write_domain(struct domain *d, const char *text, size_t length)
{
	assert_ptr_equal(d, &domain);
	assert_true(nr_written + length < sizeof(written));
	memcpy(written + nr_written, text, length);
	nr_written += length;
	written[nr_written] = '\0';
}

bool console_is_congested(void)
{
	return congested;
}

void *hyp_alloc(unsigned int order)
{
	assert_int_equal(order, 0);
	return calloc(1, PAGE_SIZE);
}

void hyp_free(void *va, unsigned int order)
{
	(void)order;
	free(va);
}

int trap_mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler_t handler,
		       void *context)
{
	if (region.handler != NULL) {
		return -XEN_EEXIST;
	}
	assert_ptr_equal(d, &domain);
	region = (struct mmio_region){start, size, handler, context};
	return 0;
}

void vgic_set_line(struct domain *d, struct vcpu *v, uint32_t vintid, bool level)
{
	assert_ptr_equal(d, &domain);
	assert_null(v);
	assert_int_equal(vintid, 32);
	assert_true(level != line);
	line = level;
	nr_line_changes++;
}

static bool access_register(uint32_t offset, uint8_t size, bool is_write, uint64_t *value)
{
	struct mmio_access access = {
		.offset = offset,
		.size = size,
		.is_write = is_write,
		.value = is_write ? *value : 0xdead,
	};
	bool done = region.handler(NULL, &access, region.context);

	*value = access.value;
	return done;
}

static uint64_t read_register(uint32_t offset)
{
	uint64_t value = 0;

	assert_true(access_register(offset, 4, false, &value));
	return value;
}

static void write_register(uint32_t offset, uint64_t value)
{
	assert_true(access_register(offset, 4, true, &value));
}

static int create(void **state)
{
	(void)state;
	fake_machine_reset();
	memset(&region, 0, sizeof(region));
	nr_written = 0;
	congested = false;
	line = false;
	nr_line_changes = 0;
	assert_int_equal(vpl011_create(&domain), 0);
	return 0;
}

static int destroy(void **state)
{
	(void)state;
	lock_assert_none_held();
	vpl011_destroy(&domain);
	assert_null(domain.vpl011);
	return 0;
}

static void reset_state_is_that_of_the_device(void **state)
{
	(void)state;
	assert_int_equal(region.start, 0x22000000);
	assert_int_equal(region.size, 0x1000);
	assert_int_equal(read_register(FR), TXFE | RXFE);
	assert_int_equal(read_register(IMSC), 0);
	assert_int_equal(read_register(RIS), 0);
	assert_int_equal(read_register(MIS), 0);
	assert_int_equal(read_register(RSR), 0);
	assert_int_equal(read_register(0x30), 0);  /* UARTCR is not SBSA's */
	assert_int_equal(read_register(0xfe0), 0); /* nor the identification */
	write_register(0x30, 0x301);
	assert_int_equal(read_register(0x30), 0);
}

static void output_goes_to_the_console(void **state)
{
	uint64_t wide = 0x4142;
	uint64_t value = 'c';

	(void)state;
	write_register(DR, 'a');
	assert_true(access_register(DR, 1, true, &value));
	assert_true(access_register(DR, 2, true, &wide));
	assert_string_equal(written, "acB");
	assert_int_equal(read_register(FR), TXFE | RXFE);
}

static void access_of_eight_bytes_is_refused(void **state)
{
	uint64_t value = 'x';

	(void)state;
	assert_false(access_register(DR, 8, true, &value));
	assert_false(access_register(FR, 8, false, &value));
	assert_int_equal(nr_written, 0);
}

static void narrow_reads_are_cut(void **state)
{
	uint64_t value = 0;

	(void)state;
	write_register(IMSC, 0x7f0);
	assert_true(access_register(IMSC, 1, false, &value));
	assert_int_equal(value, 0xf0);
	assert_true(access_register(IMSC, 2, false, &value));
	assert_int_equal(value, 0x7f0);
}

static void transmit_interrupt_follows_a_byte_until_cleared(void **state)
{
	(void)state;
	write_register(IMSC, INT_TX);
	assert_false(line);
	write_register(DR, 'a');
	assert_true(line);
	assert_int_equal(read_register(MIS), INT_TX);
	write_register(DR, 'b');
	assert_int_equal(nr_line_changes, 1);
	write_register(ICR, INT_TX);
	assert_false(line);
	write_register(DR, 'c');
	assert_true(line);
	write_register(IMSC, 0);
	assert_false(line);
	assert_int_equal(read_register(RIS), INT_TX);
}

static void congestion_looks_like_a_full_fifo(void **state)
{
	(void)state;
	write_register(IMSC, INT_TX);
	write_register(DR, 'a');
	assert_true(line);
	congested = true;
	assert_int_equal(read_register(FR), TXFF | BUSY | RXFE);
	write_register(DR, 'b'); /* the driver's handler fills what it thinks is half a FIFO */
	assert_false(line);
	assert_int_equal(read_register(RIS), 0);
	congested = false;
	vpl011_resume(domain.vpl011);
	assert_true(line);
	assert_int_equal(read_register(FR), TXFE | RXFE);
	assert_string_equal(written, "ab");
}

static void input_raises_and_reading_lowers_the_line(void **state)
{
	(void)state;
	write_register(IMSC, INT_RX | INT_RT);
	assert_true(vpl011_receive(domain.vpl011, 'x'));
	assert_true(line);
	assert_int_equal(read_register(RIS), INT_RT);
	assert_int_equal(read_register(FR), TXFE);
	/* A driver that clears first does not lose what is there. */
	write_register(ICR, INT_RX | INT_RT);
	assert_int_equal(read_register(MIS), INT_RT);
	assert_int_equal(read_register(DR), 'x');
	assert_false(line);
	assert_int_equal(read_register(FR), TXFE | RXFE);
	assert_int_equal(read_register(DR), 0);
	assert_int_equal(nr_line_changes, 2);
}

static void half_full_fifo_raises_the_receive_interrupt(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 15; i++) {
		assert_true(vpl011_receive(domain.vpl011, 'x'));
	}
	assert_int_equal(read_register(RIS), INT_RT);
	assert_true(vpl011_receive(domain.vpl011, 'x'));
	assert_int_equal(read_register(RIS), INT_RT | INT_RX);
	read_register(DR);
	assert_int_equal(read_register(RIS), INT_RT);
	for (unsigned int i = 0; i < 17; i++) {
		assert_true(vpl011_receive(domain.vpl011, 'x'));
	}
	assert_int_equal(read_register(FR), TXFE | RXFF);
}

static void overrun_is_told_to_console_and_guest(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VPL011_RX_SIZE; i++) {
		assert_true(vpl011_receive(domain.vpl011, (char)i));
	}
	assert_false(vpl011_receive(domain.vpl011, 'z'));
	assert_int_equal(read_register(RIS), INT_OE | INT_RT | INT_RX);
	assert_int_equal(read_register(DR), 0x800 | 0);
	assert_int_equal(read_register(DR), 1);
	write_register(ICR, INT_OE);
	assert_int_equal(read_register(RIS), INT_RT | INT_RX);
	for (unsigned int i = 2; i < VPL011_RX_SIZE; i++) {
		assert_int_equal(read_register(DR), i & 0xff);
	}
	assert_int_equal(read_register(FR), TXFE | RXFE);
}

static void flag_reads_and_data_writes_take_no_lock(void **state)
{
	(void)state;
	write_register(DR, 'a'); /* latches the transmit interrupt */
	spin_lock(&domain.vpl011->lock);
	assert_int_equal(read_register(FR), TXFE | RXFE);
	write_register(DR, 'b');
	spin_unlock(&domain.vpl011->lock);
	assert_string_equal(written, "ab");
}

static void failed_registration_leaves_nothing(void **state)
{
	struct domain other = {.id = 2};

	(void)state;
	assert_int_equal(vpl011_create(&other), -XEN_EEXIST);
	assert_null(other.vpl011);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reset_state_is_that_of_the_device, create, destroy),
		cmocka_unit_test_setup_teardown(output_goes_to_the_console, create, destroy),
		cmocka_unit_test_setup_teardown(access_of_eight_bytes_is_refused, create, destroy),
		cmocka_unit_test_setup_teardown(narrow_reads_are_cut, create, destroy),
		cmocka_unit_test_setup_teardown(transmit_interrupt_follows_a_byte_until_cleared,
						create, destroy),
		cmocka_unit_test_setup_teardown(congestion_looks_like_a_full_fifo, create, destroy),
		cmocka_unit_test_setup_teardown(input_raises_and_reading_lowers_the_line, create,
						destroy),
		cmocka_unit_test_setup_teardown(half_full_fifo_raises_the_receive_interrupt, create,
						destroy),
		cmocka_unit_test_setup_teardown(overrun_is_told_to_console_and_guest, create,
						destroy),
		cmocka_unit_test_setup_teardown(flag_reads_and_data_writes_take_no_lock, create,
						destroy),
		cmocka_unit_test_setup_teardown(failed_registration_leaves_nothing, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
