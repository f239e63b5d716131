/* SPDX-License-Identifier: MIT */
/*
 * The machine's UART: output of Tenon's log and of the domains, input with a focus that Ctrl-A
 * three times moves round Tenon, dom0 and the domains with a vPL011. The driver is PL011 (Arm DDI
 * 0183).
 *
 * Output goes through a ring that the transmit interrupt empties. When the UART is slower than its
 * writers: Tenon's own lines wait; guests are told (console_is_congested()), and what a guest
 * writes all the same is counted and reported, but EL2 never waits for it (S3).
 *
 * The domain with the focus writes straight to the UART. Lines of the others are collected,
 * prefixed with "(dN) ", and put between its lines, or in the middle of one that stays unfinished
 * for 0.1 s.
 */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"

struct domain;

/*
 * Polled output as soon as the UART is mapped: the node of /chosen/stdout-path (or dtuart=). Silent
 * if the machine has no PL011.
 */
void console_init_early(const void *fdt, const char *dtuart);
/* Interrupt-driven input and output; after gic_init(). */
void console_init(void);
/* What dombuild must keep from dom0: node offset of the UART in the host tree, or -1. */
int console_fdt_node(void);

/* CONSOLEIO_write/read of a domain. Any context that holds no lock of rank CONSOLE or inner. */
void console_write_domain(struct domain *d, const char *text, size_t length);
size_t console_read_domain(struct domain *d, char *buffer, size_t size);
/*
 * The UART is behind: CONSOLEIO_write returns -XEN_ERESTART before it copies anything, the vPL011
 * says that its FIFO is full. A hint, read without a lock.
 */
bool console_is_congested(void);

/*
 * The domain with the focus when booting is over: dom0, or the first vPL011 domain. No lock held.
 */
void console_set_focus(uint16_t domid);
/* The domain that had it before Tenon; DOMID_XEN when there was none. */
uint16_t console_last_focus(void);
/*
 * A domain is going (its state is DOMAIN_DYING): focus moves on, buffers are dropped, and the
 * console does not touch its vPL011 afterwards. No lock held.
 */
void console_domain_fini(struct domain *d);

/* The panic path: polled, no locks. After lock_bust() the log takes this path by itself. */
void console_write_emergency(const char *text, size_t length);
/* Wait until everything is out (power-off). */
void console_drain(void);

/* ---- keys, while Tenon has the focus (console_keys.c) --------------------------------------- */

/*
 * Call action, with no lock held, when the key is pressed. By convention capital letters change
 * something, all others only print (log_always()) and are also called by the key '*'. Before the
 * first domain runs.
 */
void console_key_register(char key, const char *description, void (*action)(void));
/* The key that destroys a domain (console_kill.c). Before the first domain runs. */
void console_kill_init(void);
