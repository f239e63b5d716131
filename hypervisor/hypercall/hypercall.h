/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: one const table of number, handler, argument count and name (hypercall_table.c),
 * one file per hypercall. Handlers run on the caller's vCPU, copy their arguments once, check,
 * then act.
 */
#pragma once

#include "lib/compiler.h"

struct vcpu;

/*
 * A handler gets the caller and up to five arguments and returns the value for x0. -XEN_ERESTART
 * means that progress is saved in the argument registers (hypercall_set_arg()) and that the
 * guest will issue the call again: the PC is rewound to the HVC.
 */
typedef int64_t (*hypercall_t)(struct vcpu *v, const uint64_t args[5]);

struct hypercall_entry {
	hypercall_t handler; /* NULL: -XEN_ENOSYS */
	uint8_t nr_args;
	const char *name;
};
extern const struct hypercall_entry hypercall_table[];
extern const unsigned int hypercall_table_size;

/* HVC #0xEA1 by v: number in x16, arguments x0-x4, result x0. True: the PC must be rewound. */
bool hypercall_dispatch(struct vcpu *v);
/* The same, and rewinds it: the vectors' way. */
void hypercall_trap(struct vcpu *v);
/* The same from AArch32: number in r12, arguments r0-r4, result r0. */
bool hypercall_dispatch_32(struct vcpu *v);
/* Replace argument n for the continued call; inside a multicall, of that entry. */
void hypercall_set_arg(struct vcpu *v, unsigned int n, uint64_t value);

/* What XENVER_commandline gives the privileged domain; copied. NULL is empty. During boot. */
void hypercall_set_command_line(const char *line);
