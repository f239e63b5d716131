/* SPDX-License-Identifier: MIT */
/*
 * What the files of console/ share. Bottom up: uart_fdt.c finds the UART, uart_pl011.c drives it,
 * console_tx.c owns the output ring (its lock has rank LOG, as the log writes from anywhere),
 * console_lines.c collects the domains' lines, console.c has focus and input, console_keys.c and
 * console_dump.c the keys, vpl011.c a guest's UART.
 */
#pragma once

#include "console/console.h"
#include "lib/compiler.h"
#include "lib/lock.h"

/* ---- uart_fdt.c ----------------------------------------------------------------------------- */

struct uart_location {
	int node; /* in the host tree, -1: none */
	maddr_t base;
	uint64_t size;
	uint32_t intid; /* 0: none that we can use */
	bool edge;
	bool sbsa; /* no control registers (SBSA Generic UART) */
};

/*
 * The UART that dtuart (may be NULL) or /chosen names, as a path or an alias, with or without
 * ":options". With neither the first PL011 that is switched on. False, with a message, when there
 * is none or it is not a PL011.
 */
bool uart_fdt_find(const void *fdt, const char *dtuart, struct uart_location *location);

/* ---- uart_pl011.c: all but pl011_get() under the lock of console_tx.c ----------------------- */

/* 8 data bits, FIFOs on, interrupts masked; the bit rate stays the firmware's. */
void pl011_init(volatile void *base, bool sbsa);
/* False: the FIFO is full. */
bool pl011_put(uint8_t byte);
/* False: nothing there. Bytes with line errors are skipped. Receive interrupt's CPU only. */
bool pl011_get(uint8_t *byte);
void pl011_enable_rx_interrupt(void);
void pl011_set_tx_interrupt(bool enable);
void pl011_clear_interrupts(void);
/* Until the last bit is on the wire; bounded. */
void pl011_wait_idle(void);

/* ---- console_tx.c --------------------------------------------------------------------------- */

/* The UART is there: polled from now on. */
void console_tx_init(void);
void console_tx_use_interrupts(void);
/* The log's sink. Waits for room. */
void console_tx_log(const char *text, size_t length);
/* Text of the domain with the focus, as it stands. Returns how much found room. */
size_t console_tx_live(const char *text, size_t length);
/*
 * One line, without its newline, of a domain without the focus. False: no room. *held: it waits for
 * the end of the live line, and console_tx_break_line() should be called before long.
 */
bool console_tx_line(const char *prefix, const char *text, size_t length, bool *held);
/* End a live line that is unfinished; what it held up follows. */
void console_tx_break_line(void);
/* The transmit interrupt. True: the congestion is over and guests should hear of it. */
bool console_tx_interrupt(void);

/* ---- console_lines.c ------------------------------------------------------------------------ */

/* Guards the focus, the line buffers and the input ring. */
extern struct spinlock console_lock;
/* The domain that input goes to; DOMID_XEN: Tenon itself. */
extern uint16_t console_focus;

void console_lines_init(void);
/* Under console_lock: the focus moves; the newcomer's unfinished line becomes the live one. */
void console_lines_refocus(uint16_t domid);
void console_lines_drop(uint16_t domid);

/* ---- console_keys.c, console_dump.c --------------------------------------------------------- */

void console_key_press(char key);
void console_dump_register(void);
