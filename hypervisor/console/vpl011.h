/* SPDX-License-Identifier: MIT */
/*
 * The virtual PL011 of a domain: the subset that SBSA calls the Generic UART (xen-abi-arm section
 * 8.4), with the machine's console as back end.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/lock.h"

struct domain;

#define VPL011_RX_SIZE    1024
#define VPL011_FIFO_DEPTH 32

struct vpl011_state {
	uint32_t imsc, ris;
	uint32_t rx_count;
	uint8_t rx[VPL011_FIFO_DEPTH];
};

struct vpl011 {
	struct spinlock lock; /* all below; rx_head and rx_tail are read without it for the flag register */
	struct domain *domain;
	uint32_t imsc;
	uint32_t ris;              /* what is latched: transmit, overrun; receive follows from rx */
	bool line;                 /* level of the SPI, as last told to the vGIC */
	bool overrun;              /* to be reported with the next byte read */
	uint32_t rx_head, rx_tail; /* count modulo 2^32 */
	char rx[VPL011_RX_SIZE];
};

/* Creates d->vpl011 at GUEST_PL011_BASE, SPI GUEST_VPL011_SPI. Before the domain runs. */
int __must_check vpl011_create(struct domain *d);
/* After console_domain_fini(), with no vCPU running. Nothing happens if d has none. */
void vpl011_destroy(struct domain *d);
/*
 * Input from the console; false when it is full. The caller has a reference to the domain and no
 * lock.
 */
bool vpl011_receive(struct vpl011 *uart, char c);
/* The machine's UART has caught up: the transmit FIFO is empty. Same context. */
void vpl011_resume(struct vpl011 *uart);
