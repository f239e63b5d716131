/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the console, the UART's interrupt, and input: the focus and where input goes.
 *
 * console_lock guards the focus and the input ring. Input is handed to a domain without it, because
 * the event channel's lock and the vPL011's are outer ones; a reference keeps the domain meanwhile.
 */
#include "console/console_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "console/vpl011.h"
#include "domain/domain.h"
#include "event/event.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "time/time.h"

#define SWITCH_KEY          0x01 /* Ctrl-A */
#define SWITCH_PRESSES      3
#define INPUT_BYTES         1024
/* A level-triggered interrupt comes again for what is left. */
#define BYTES_PER_INTERRUPT 256

static struct uart_location location __ro_after_init = {.node = -1};
static bool present __ro_after_init_bss;

/* Of the hardware domain, until CONSOLEIO_read; indices count modulo 2^32. */
static char input[INPUT_BYTES];
static uint32_t input_head;
static uint32_t input_tail;
static unsigned int switch_presses;
static bool said_full;
/* The interrupt's handler runs, and may hold pointers into a domain. */
static bool handling;

/* ---- focus ---------------------------------------------------------------------------------- */

/* Under the lock; read without it by the key, which follows in time. */
static uint16_t last_focus = DOMID_XEN;

uint16_t console_last_focus(void)
{
	return READ_ONCE(last_focus);
}

static void set_focus(uint16_t domid, const char *name)
{
	spin_lock(&console_lock);
	if (domid == DOMID_XEN && console_focus != DOMID_XEN) {
		WRITE_ONCE(last_focus, console_focus);
	}
	console_lines_refocus(DOMID_XEN);
	said_full = false;
	if (domid == DOMID_XEN) {
		log_always("console input goes to Tenon: h lists the keys; Ctrl-A three times "
			   "moves on");
	} else {
		log_always("console input goes to d%u (%s); Ctrl-A three times moves on", domid,
			   name);
		console_lines_refocus(domid);
	}
	spin_unlock(&console_lock);
}

void console_set_focus(uint16_t domid)
{
	struct domain *d = domid != DOMID_XEN ? domain_get(domid) : NULL;

	set_focus(d != NULL ? domid : DOMID_XEN, d != NULL ? d->name : "");
	if (d != NULL) {
		domain_put(d);
	}
}

static bool takes_input(const struct domain *d)
{
	return (d->is_hardware || d->vpl011 != NULL) && READ_ONCE(d->state) != DOMAIN_DYING;
}

/* Tenon, then the domains by number, then Tenon again. */
static void rotate_focus(void)
{
	uint16_t focus = READ_ONCE(console_focus);
	uint16_t next = focus == DOMID_XEN ? 0 : (uint16_t)(focus + 1);
	struct domain *d;

	while ((d = domain_get_next(next)) != NULL && !takes_input(d)) {
		next = (uint16_t)(d->id + 1);
		domain_put(d);
	}
	set_focus(d != NULL ? d->id : DOMID_XEN, d != NULL ? d->name : "");
	if (d != NULL) {
		domain_put(d);
	}
}

/*
 * d is DYING and has lost the focus, so a handler that starts after the barrier does not touch it
 * any more. Pairs with the barrier in uart_interrupt(): either we see handling, or the handler sees
 * our stores. The handler is short and waits for nobody; it is not this CPU's.
 */
static void wait_for_handler(void)
{
	dmb_ish();
	while (atomic_load_acquire(&handling)) {
		cpu_relax();
	}
}

void console_domain_fini(struct domain *d)
{
	if (READ_ONCE(console_focus) == d->id) {
		rotate_focus();
	}
	wait_for_handler();
	spin_lock(&console_lock);
	console_lines_drop(d->id);
	spin_unlock(&console_lock);
}

/* ---- input ---------------------------------------------------------------------------------- */

static bool give_to_hardware_domain(char c)
{
	bool taken = false;

	spin_lock(&console_lock);
	if (input_head - input_tail < INPUT_BYTES) {
		input[input_head++ % INPUT_BYTES] = c;
		taken = true;
	}
	spin_unlock(&console_lock);
	event_raise_global_virq(VIRQ_CONSOLE);
	return taken;
}

static void deliver(uint16_t focus, char c)
{
	struct domain *d;
	bool taken;

	if (focus == DOMID_XEN) {
		console_key_press(c);
		return;
	}
	d = domain_get(focus);
	if (d == NULL) {
		rotate_focus();
		return;
	}
	if (!takes_input(d)) {
		taken = true; /* it is about to lose the focus */
	} else if (d->vpl011 != NULL) {
		taken = vpl011_receive(d->vpl011, c);
	} else {
		taken = give_to_hardware_domain(c);
	}
	if (taken) {
		said_full = false;
	} else if (!said_full) {
		said_full = true;
		log_always("d%u (%s) does not read its console: input is dropped until it does",
			   d->id, d->name);
	}
	domain_put(d);
}

static void receive(char c)
{
	uint16_t focus = READ_ONCE(console_focus);

	if (c == SWITCH_KEY) {
		if (++switch_presses == SWITCH_PRESSES) {
			switch_presses = 0;
			rotate_focus();
		}
		return;
	}
	/* Fewer presses than that were meant for the domain. */
	for (; switch_presses > 0; switch_presses--) {
		deliver(focus, SWITCH_KEY);
	}
	deliver(focus, c);
}

size_t console_read_domain(struct domain *d, char *buffer, size_t size)
{
	size_t length = 0;

	if (!d->is_hardware) {
		return 0;
	}
	spin_lock(&console_lock);
	while (length < size && input_tail != input_head) {
		buffer[length++] = input[input_tail++ % INPUT_BYTES];
	}
	spin_unlock(&console_lock);
	return length;
}

/* ---- start-up, interrupt -------------------------------------------------------------------- */

static void tell_guests_to_resume(void)
{
	struct domain *d = domain_get_next(0);

	while (d != NULL) {
		uint16_t next = (uint16_t)(d->id + 1);

		if (takes_input(d) && d->vpl011 != NULL) {
			vpl011_resume(d->vpl011);
		}
		domain_put(d);
		d = domain_get_next(next);
	}
}

static void uart_interrupt(uint32_t intid)
{
	uint8_t byte;

	(void)intid;
	atomic_store_relaxed(&handling, true);
	dmb_ish(); /* before domains are looked at; pairs with wait_for_handler() */
	if (console_tx_interrupt()) {
		tell_guests_to_resume();
	}
	for (unsigned int i = 0; i < BYTES_PER_INTERRUPT && pl011_get(&byte); i++) {
		receive((char)byte);
	}
	atomic_store_release(&handling, false);
}

void __init console_init_early(const void *fdt, const char *dtuart)
{
	volatile void *base;

	if (!uart_fdt_find(fdt, dtuart, &location)) {
		return;
	}
	base = hyp_map_device(location.base, location.size);
	if (base == NULL) {
		location.node = -1;
		return;
	}
	pl011_init(base, location.sbsa);
	present = true;
	console_tx_init();
	log_set_sink(console_tx_log);
}

void __init console_init(void)
{
	console_lines_init();
	console_dump_register();
	if (!present) {
		return;
	}
	if (location.intid == 0 || irq_register(location.intid, uart_interrupt) != 0) {
		log_warning("console: the UART's interrupt cannot be used: no input, and output is "
			    "slow");
		return;
	}
	gic_set_trigger(location.intid, location.edge ? GIC_EDGE : GIC_LEVEL);
	if (location.intid >= INTID_SPI_FIRST) {
		gic_set_target(location.intid, this_cpu_id());
	}
	pl011_enable_rx_interrupt();
	gic_enable(location.intid);
	console_tx_use_interrupts();
}

int console_fdt_node(void)
{
	return location.node;
}
