/* SPDX-License-Identifier: MIT */
/*
 * The console as a whole, from domains' text and the log to bytes at a fake PL011 and back:
 * prefixes, held lines, focus, keys, congestion, panic. The domains, the vPL011, events, timers and
 * the GIC are faked here.
 */
#include "console/console_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "console/vpl011.h"
#include "domain/domain.h"
#include "event/event.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "tests/unit/fake_machine.h"
#include "time/time.h"

#define UART_INTID 33

/* ---- the fake UART -------------------------------------------------------------------------- */

static struct {
	char out[262144];
	size_t nr_out;
	size_t room; /* of the FIFO; SIZE_MAX: it never fills */
	const char *in;
	uint32_t imsc, lcr, cr, icr;
	bool busy;
} uart;

static uint64_t uart_read(uint64_t offset, unsigned int size, void *context)
{
	(void)context;
	assert_int_equal(size, 4);
	switch (offset) {
	case 0x00:
		assert_true(*uart.in != '\0');
		/* 0xff stands for a byte with a framing error. */
		return (uint8_t)*uart.in == 0xff ? (uart.in++, 0x1ff) : (uint8_t)*uart.in++;
	case 0x18:
		return (*uart.in == '\0' ? 0x10 : 0) | (uart.room == 0 ? 0x20 : 0);
	case 0x2c:
		return uart.lcr;
	case 0x30:
		return uart.cr;
	case 0x40:
		return 0x70;
	default:
		fail_msg("read of register 0x%x", (unsigned int)offset);
		return 0;
	}
}

static void uart_write(uint64_t offset, unsigned int size, uint64_t value, void *context)
{
	(void)context;
	assert_int_equal(size, 4);
	switch (offset) {
	case 0x00:
		assert_true(uart.room > 0 && uart.nr_out + 1 < sizeof(uart.out));
		uart.room -= uart.room == SIZE_MAX ? 0 : 1;
		uart.out[uart.nr_out++] = (char)value;
		uart.out[uart.nr_out] = '\0';
		break;
	case 0x2c:
		assert_int_equal(uart.cr & 1, 0); /* only while disabled */
		uart.lcr = (uint32_t)value;
		break;
	case 0x30:
		uart.cr = (uint32_t)value;
		break;
	case 0x38:
		uart.imsc = (uint32_t)value;
		break;
	case 0x44:
		uart.icr = (uint32_t)value;
		break;
	default:
		fail_msg("write of register 0x%x", (unsigned int)offset);
	}
}

static const struct fake_machine_device uart_device = {.read = uart_read, .write = uart_write};
static uint8_t uart_page[4096];

bool uart_fdt_find(const void *fdt, const char *dtuart, struct uart_location *location)
{
	(void)fdt;
	(void)dtuart;
	*location = (struct uart_location){.node = 77,
					   .base = 0x9000000,
					   .size = 0x1000,
					   .intid = UART_INTID};
	return true;
}

volatile void *hyp_map_device(maddr_t start, uint64_t size)
{
	assert_int_equal(start, 0x9000000);
	assert_int_equal(size, 0x1000);
	return uart_page;
}

/* ---- the other folders ---------------------------------------------------------------------- */

static struct domain domains[3] = {
	{.id = 0, .name = "dom0", .is_hardware = true, .state = DOMAIN_RUNNING},
	{.id = 2, .name = "plain", .state = DOMAIN_RUNNING},
	{.id = 5, .name = "domU1", .state = DOMAIN_RUNNING},
};
static struct vpl011 vpl011;
static char received[64];
static unsigned int nr_resumes;
static bool vpl011_is_full;
static int references;
static unsigned int nr_virqs;
static irq_handler_t handler;
static struct timer *armed;

struct domain *domain_get_next(uint16_t domid)
{
	lock_assert_none_held();
	for (unsigned int i = 0; i < ARRAY_SIZE(domains); i++) {
		if (domains[i].id >= domid) {
			references++;
			return &domains[i];
		}
	}
	return NULL;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d = domain_get_next(domid);

	if (d != NULL && d->id != domid) {
		domain_put(d);
		return NULL;
	}
	return d;
}

void domain_put(struct domain *d)
{
	assert_non_null(d);
	references--;
}

bool vpl011_receive(struct vpl011 *to, char c)
{
	size_t length = strlen(received);

	assert_ptr_equal(to, &vpl011);
	lock_assert_none_held();
	received[length] = c;
	received[length + 1] = '\0';
	return !vpl011_is_full;
}

void vpl011_resume(struct vpl011 *to)
{
	assert_ptr_equal(to, &vpl011);
	lock_assert_none_held();
	nr_resumes++;
}

void event_raise_global_virq(uint32_t virq)
{
	assert_int_equal(virq, VIRQ_CONSOLE);
	lock_assert_none_held();
	nr_virqs++;
}

int irq_register(uint32_t intid, irq_handler_t new_handler)
{
	assert_int_equal(intid, UART_INTID);
	handler = new_handler;
	return 0;
}

void gic_enable(uint32_t intid)
{
	assert_int_equal(intid, UART_INTID);
	assert_non_null(handler);
}

void gic_set_trigger(uint32_t intid, enum gic_trigger trigger)
{
	assert_int_equal(intid, UART_INTID);
	assert_int_equal(trigger, GIC_LEVEL);
}

void gic_set_target(uint32_t intid, unsigned int cpu)
{
	assert_int_equal(intid, UART_INTID);
	assert_int_equal(cpu, 0);
}

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer))
{
	timer->callback = callback;
}

void timer_set(struct timer *timer, uint64_t deadline_ticks)
{
	assert_null(armed);
	assert_int_equal(deadline_ticks, 1000 + 100000000);
	armed = timer;
}

uint64_t time_ticks(void)
{
	return 1000;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns;
}

uint64_t frame_pool_total_frames(void)
{
	return 1024;
}

uint64_t frame_pool_free_frames(void)
{
	return 512;
}

uint64_t hyp_map_table_frames(void)
{
	return 3;
}

uint64_t frame_pool_dirty_frames(void)
{
	return 12;
}

/* ---- helpers -------------------------------------------------------------------------------- */

static void print_key(void)
{
	log_always("pressed x");
}

static void reset_key(void)
{
	log_always("pressed R");
}

static void start(void)
{
	static bool started;

	fake_machine_mmio(uart_page, sizeof(uart_page), &uart_device);
	uart.room = SIZE_MAX;
	uart.in = "";
	if (started) {
		return;
	}
	started = true;
	log_info("early");
	console_init_early(NULL, NULL);
	assert_string_equal(uart.out, "(Tenon) early\r\n");
	assert_int_equal(uart.lcr, 0x70);
	assert_int_equal(uart.cr, 0x301);
	assert_int_equal(console_fdt_node(), 77);
	console_init();
	assert_int_equal(uart.imsc, 0x50);
	console_key_register('x', "a test", print_key);
	console_key_register('R', "a test that changes something", reset_key);
}

static void interrupt_with(const char *input)
{
	uart.in = input;
	handler(UART_INTID);
	assert_string_equal(uart.in, "");
	assert_int_equal(references, 0);
	lock_assert_none_held();
}

static void fire_timer(void)
{
	struct timer *timer = armed;

	assert_non_null(timer);
	armed = NULL;
	timer->callback(timer);
}

static void forget_output(void)
{
	uart.nr_out = 0;
	uart.out[0] = '\0';
}

static void write_text(struct domain *d, const char *text)
{
	console_write_domain(d, text, strlen(text));
	lock_assert_none_held();
}

static struct domain *const dom0 = &domains[0];
static struct domain *const plain = &domains[1];
static struct domain *const dom_u = &domains[2];

/* Starts each test with the focus on dom0 and nothing unfinished. */
static int focus_on_dom0(void **state)
{
	(void)state;
	fake_machine_reset();
	start();
	dom_u->vpl011 = &vpl011;
	vpl011_is_full = false;
	for (unsigned int i = 0; i < ARRAY_SIZE(domains); i++) {
		console_lines_drop(domains[i].id);
	}
	console_set_focus(0);
	if (armed != NULL) {
		fire_timer();
	}
	received[0] = '\0';
	nr_virqs = 0;
	nr_resumes = 0;
	forget_output();
	return 0;
}

/* ---- output --------------------------------------------------------------------------------- */

static void focused_domain_writes_straight_through(void **state)
{
	(void)state;
	write_text(dom0, "/ # ");
	assert_string_equal(uart.out, "/ # ");
	write_text(dom0, "\x1b[6nls\na\r\nb\n");
	assert_string_equal(uart.out, "/ # \x1b[6nls\r\na\r\nb\r\n");
}

static void others_write_prefixed_lines(void **state)
{
	(void)state;
	write_text(dom_u, "hel");
	assert_string_equal(uart.out, "");
	write_text(dom_u, "lo\r\nnext");
	write_text(plain, "I too\n");
	assert_string_equal(uart.out, "(d5) hello\r\n(d2) I too\r\n");
}

static void only_printable_text_of_others_is_shown(void **state)
{
	(void)state;
	write_text(dom_u, "\x1b[2J\x1b[31mred\x1b[0m\a\tb\x1b"
			  "7c \xc3\xa4\n");
	assert_string_equal(uart.out, "(d5) red\tbc \xc3\xa4\r\n");
}

static void long_line_of_others_is_folded(void **state)
{
	char text[310];
	char want[350];

	(void)state;
	memset(text, 'x', sizeof(text) - 2);
	strcpy(text + sizeof(text) - 2, "\n");
	write_text(dom_u, text);
	snprintf(want, sizeof(want), "(d5) %.256s\r\n(d5) %.52s\r\n", text, text);
	assert_string_equal(uart.out, want);
}

static void lines_of_others_wait_for_the_live_line(void **state)
{
	(void)state;
	write_text(dom0, "[    0.1");
	write_text(dom_u, "one\n");
	write_text(dom_u, "two\n");
	write_text(dom0, "23] abc\n[");
	assert_string_equal(uart.out, "[    0.123] abc\r\n(d5) one\r\n(d5) two\r\n[");
}

static void unfinished_live_line_is_broken_after_a_while(void **state)
{
	(void)state;
	write_text(dom0, "/ # ");
	write_text(dom_u, "one\n");
	assert_string_equal(uart.out, "/ # ");
	fire_timer();
	assert_string_equal(uart.out, "/ # \r\n(d5) one\r\n");
	write_text(dom_u, "two\n");
	assert_string_equal(uart.out, "/ # \r\n(d5) one\r\n(d5) two\r\n");
	assert_null(armed);
}

static void log_breaks_the_live_line_at_once(void **state)
{
	(void)state;
	write_text(dom0, "abc");
	write_text(dom_u, "held\n");
	log_info("message");
	assert_string_equal(uart.out, "abc\r\n(d5) held\r\n(Tenon) message\r\n");
	write_text(dom0, "def\n");
	assert_string_equal(uart.out, "abc\r\n(d5) held\r\n(Tenon) message\r\ndef\r\n");
}

static void held_lines_are_bounded(void **state)
{
	(void)state;
	write_text(dom0, "live");
	for (unsigned int i = 0; i < 100; i++) {
		write_text(dom_u, "a line of some 70 characters, so that a hundred of them need "
				  "over 4 KiB\n");
	}
	fire_timer();
	assert_memory_equal(uart.out, "live\r\n(d5) a line", 17);
	assert_int_equal(uart.nr_out, 6 + 100 * (5 + 71 + 2));
}

/* ---- congestion ----------------------------------------------------------------------------- */

static void slow_uart_is_served_by_its_interrupt(void **state)
{
	(void)state;
	uart.room = 3;
	write_text(dom0, "0123456789\n");
	assert_string_equal(uart.out, "012");
	assert_int_equal(uart.imsc, 0x70);
	uart.room = 4;
	interrupt_with("");
	assert_string_equal(uart.out, "0123456");
	uart.room = 16;
	interrupt_with("");
	assert_string_equal(uart.out, "0123456789\r\n");
	assert_int_equal(uart.imsc, 0x50);
	assert_int_equal(nr_resumes, 0);
	uart.room = SIZE_MAX;
}

static void guests_are_told_to_stop_and_to_go_on(void **state)
{
	unsigned int nr = 0;

	(void)state;
	uart.room = 0;
	while (!console_is_congested()) {
		assert_true(nr++ < 1000);
		write_text(dom0, "sixteen bytes..\n");
	}
	assert_in_range(nr, 480, 490);
	uart.room = 4000;
	interrupt_with("");
	assert_true(console_is_congested());
	assert_int_equal(nr_resumes, 0);
	uart.room = 1000;
	interrupt_with("");
	assert_false(console_is_congested());
	assert_int_equal(nr_resumes, 1);
	uart.room = SIZE_MAX;
	interrupt_with("");
	assert_int_equal(uart.nr_out, nr * 17);
}

static void text_of_a_guest_that_does_not_stop_is_counted(void **state)
{
	char want[80];
	size_t kept;

	(void)state;
	uart.room = 0;
	for (unsigned int i = 0; i < 20000; i++) {
		write_text(dom0, "x");
	}
	for (unsigned int i = 0; i < 10; i++) {
		write_text(dom_u, "lost\n");
	}
	log_info("there is room for Tenon's own lines");
	uart.room = SIZE_MAX;
	interrupt_with("");
	kept = strspn(uart.out, "x");
	assert_in_range(kept, 14000, 14400);
	assert_string_equal(uart.out + kept, "\r\n(Tenon) there is room for Tenon's own lines\r\n");
	forget_output();
	write_text(dom0, "back\n");
	write_text(dom_u, "back\n");
	snprintf(want, sizeof(want), "(d0) [%zu characters lost: the UART is too slow]\r\nback\r\n",
		 20000 - kept);
	assert_memory_equal(uart.out, want, strlen(want));
	assert_string_equal(uart.out + strlen(want),
			    "(d5) [50 characters lost: the UART is too slow]\r\n(d5) back\r\n");
}

static void own_lines_wait_for_room(void **state)
{
	(void)state;
	uart.room = 0;
	for (unsigned int i = 0; i < 20000; i++) {
		write_text(dom0, "x");
	}
	/* Fill the reserve, then some more: from here on each byte must wait for one to leave. */
	uart.room = 5000;
	for (unsigned int i = 0; i < 100; i++) {
		log_info("a line of Tenon's own, all of which must get out: %3u", i);
	}
	uart.room = SIZE_MAX;
	interrupt_with("");
	assert_non_null(strstr(uart.out, "must get out:  99\r\n"));
	assert_non_null(strstr(uart.out, "must get out:   0\r\n"));
}

static void dead_uart_is_given_up(void **state)
{
	(void)state;
	fake_machine_log_clear();
	uart.room = 0;
	for (unsigned int i = 0; i < 500; i++) {
		log_info("nobody takes this: each line may not cost a wait of its own");
	}
	assert_false(console_is_congested());
	assert_int_equal(fake_machine_count("str32 0x0"), 0);
	uart.room = SIZE_MAX;
	interrupt_with("");
	forget_output();
	log_info("alive again");
	assert_string_equal(uart.out, "(Tenon) alive again\r\n");
}

/* ---- input ---------------------------------------------------------------------------------- */

static void input_of_dom0_is_read_by_hypercall(void **state)
{
	char buffer[8];

	(void)state;
	interrupt_with("ls\xff -l\r");
	assert_int_equal(nr_virqs, 6);
	assert_int_equal(console_read_domain(dom_u, buffer, sizeof(buffer)), 0);
	assert_int_equal(console_read_domain(dom0, buffer, 4), 4);
	assert_memory_equal(buffer, "ls -", 4);
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 2);
	assert_memory_equal(buffer, "l\r", 2);
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 0);
}

static void three_switch_keys_move_the_focus_round(void **state)
{
	(void)state;
	write_text(dom_u, "login: ");
	interrupt_with("\x01\x01\x01"); /* past d2, which has no vPL011 */
	assert_string_equal(uart.out,
			    "(Tenon) console input goes to d5 (domU1); Ctrl-A three times moves on\r\nlogin: ");
	interrupt_with("root");
	assert_string_equal(received, "root");
	write_text(dom0, "x\n");
	forget_output();
	fire_timer();
	assert_string_equal(uart.out, "\r\n(d0) x\r\n");
	forget_output();
	interrupt_with("\x01\x01\x01");
	assert_string_equal(uart.out, "(Tenon) console input goes to Tenon: h lists the keys; "
				      "Ctrl-A three times moves on\r\n");
	write_text(dom_u, "prefixed\n");
	assert_non_null(strstr(uart.out, "(d5) prefixed\r\n"));
	interrupt_with("\x01\x01\x01");
	assert_non_null(strstr(uart.out, "goes to d0 (dom0)"));
	assert_int_equal(nr_virqs, 0);
}

static void fewer_switch_keys_reach_the_domain(void **state)
{
	char buffer[8];

	(void)state;
	interrupt_with("\x01\x01");
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 0);
	interrupt_with("a\x01"
		       "b");
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 5);
	assert_memory_equal(buffer,
			    "\x01\x01"
			    "a\x01"
			    "b",
			    5);
}

static void overflow_is_said_once(void **state)
{
	char text[1100];
	char buffer[1100];

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t at = 0; at < sizeof(text) - 1;
	     at += 157) { /* at most 256 bytes are taken an interrupt */
		char part[158] = "";

		memcpy(part, text + at, 157);
		interrupt_with(part);
	}
	assert_string_equal(uart.out,
			    "(Tenon) d0 (dom0) does not read its console: input is dropped until it does\r\n");
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 1024);
	interrupt_with("z");
	assert_int_equal(console_read_domain(dom0, buffer, sizeof(buffer)), 1);
	assert_int_equal(buffer[0], 'z');
}

static void focus_leaves_a_domain_that_goes(void **state)
{
	(void)state;
	console_set_focus(5);
	write_text(dom_u, "last words");
	forget_output();
	console_domain_fini(dom_u);
	assert_string_equal(uart.out, "\r\n(Tenon) console input goes to Tenon: h lists the keys; "
				      "Ctrl-A three times moves on\r\n");
	console_set_focus(0);
	write_text(dom_u, "unfinished");
	forget_output();
	console_domain_fini(dom_u);
	assert_string_equal(uart.out, "(d5) unfinished\r\n");
	console_set_focus(9);
	assert_non_null(strstr(uart.out, "goes to Tenon"));
}

static void dying_domain_gets_no_input(void **state)
{
	(void)state;
	console_set_focus(5);
	dom_u->state = DOMAIN_DYING;
	interrupt_with("x");
	assert_string_equal(received, "");
	console_domain_fini(dom_u);
	console_set_focus(0);
	forget_output();
	interrupt_with("\x01\x01\x01");
	assert_non_null(strstr(uart.out, "goes to Tenon"));
	dom_u->state = DOMAIN_RUNNING;
}

static void keys_act_while_tenon_has_the_focus(void **state)
{
	(void)state;
	console_set_focus(DOMID_XEN);
	forget_output();
	interrupt_with("h");
	assert_non_null(strstr(uart.out, "  x  a test\r\n"));
	assert_non_null(strstr(uart.out, "  d  domains and their vCPUs\r\n"));
	forget_output();
	interrupt_with("R");
	assert_string_equal(uart.out, "(Tenon) pressed R\r\n");
	forget_output();
	interrupt_with("*\r");
	assert_non_null(strstr(uart.out, "pressed x"));
	assert_non_null(strstr(uart.out, "d5 (domU1): running, cold"));
	assert_non_null(strstr(uart.out, "1024 pages (4 MiB), 512 free, 12 of these"));
	assert_null(strstr(uart.out, "pressed R"));
	forget_output();
	interrupt_with("q");
	assert_string_equal(uart.out, "(Tenon) unknown key; h lists the keys\r\n");
}

/* ---- the end -------------------------------------------------------------------------------- */

static void drain_empties_the_ring(void **state)
{
	(void)state;
	uart.room = 2;
	write_text(dom0, "0123456789\n");
	assert_string_equal(uart.out, "01");
	uart.room = 100;
	console_drain();
	assert_string_equal(uart.out, "0123456789\r\n");
}

/* Last: locks stay bust. */
static void panic_gets_everything_out_without_interrupts(void **state)
{
	(void)state;
	uart.room = 2;
	write_text(dom0, "unfinished");
	uart.room = 100;
	lock_bust();
	log_error("panic");
	assert_string_equal(uart.out, "unfinished\r\n(Tenon) error: panic\r\n");
	console_write_emergency("more\n", 5);
	assert_string_equal(uart.out, "unfinished\r\n(Tenon) error: panic\r\nmore\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(focused_domain_writes_straight_through, focus_on_dom0),
		cmocka_unit_test_setup(others_write_prefixed_lines, focus_on_dom0),
		cmocka_unit_test_setup(only_printable_text_of_others_is_shown, focus_on_dom0),
		cmocka_unit_test_setup(long_line_of_others_is_folded, focus_on_dom0),
		cmocka_unit_test_setup(lines_of_others_wait_for_the_live_line, focus_on_dom0),
		cmocka_unit_test_setup(unfinished_live_line_is_broken_after_a_while, focus_on_dom0),
		cmocka_unit_test_setup(log_breaks_the_live_line_at_once, focus_on_dom0),
		cmocka_unit_test_setup(held_lines_are_bounded, focus_on_dom0),
		cmocka_unit_test_setup(slow_uart_is_served_by_its_interrupt, focus_on_dom0),
		cmocka_unit_test_setup(guests_are_told_to_stop_and_to_go_on, focus_on_dom0),
		cmocka_unit_test_setup(text_of_a_guest_that_does_not_stop_is_counted, focus_on_dom0),
		cmocka_unit_test_setup(own_lines_wait_for_room, focus_on_dom0),
		cmocka_unit_test_setup(dead_uart_is_given_up, focus_on_dom0),
		cmocka_unit_test_setup(input_of_dom0_is_read_by_hypercall, focus_on_dom0),
		cmocka_unit_test_setup(three_switch_keys_move_the_focus_round, focus_on_dom0),
		cmocka_unit_test_setup(fewer_switch_keys_reach_the_domain, focus_on_dom0),
		cmocka_unit_test_setup(overflow_is_said_once, focus_on_dom0),
		cmocka_unit_test_setup(focus_leaves_a_domain_that_goes, focus_on_dom0),
		cmocka_unit_test_setup(dying_domain_gets_no_input, focus_on_dom0),
		cmocka_unit_test_setup(keys_act_while_tenon_has_the_focus, focus_on_dom0),
		cmocka_unit_test_setup(drain_empties_the_ring, focus_on_dom0),
		cmocka_unit_test_setup(panic_gets_everything_out_without_interrupts, focus_on_dom0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
