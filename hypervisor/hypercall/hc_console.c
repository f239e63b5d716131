/* SPDX-License-Identifier: MIT */
/* console_io (public/xen.h): the machine's console, for the privileged domain and those built
 * with one. */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "console/console.h"

#define CHUNK 128u

static int64_t op_write(struct vcpu *v, const uint64_t args[5])
{
	uint32_t left = (uint32_t)args[1];
	uint64_t from = args[2];
	char chunk[CHUNK];

	while (left > 0) {
		uint32_t size = MIN(left, CHUNK);
		int ret;

		/* A UART that is behind is waited for in the guest, where interrupts are taken. */
		if (console_is_congested() ||
		    (left != (uint32_t)args[1] && cpu_interrupt_pending())) {
			hypercall_set_arg(v, 1, left);
			hypercall_set_arg(v, 2, from);
			return -XEN_ERESTART;
		}
		ret = guest_copy_from(chunk, from, size);
		if (ret < 0) {
			return ret;
		}
		console_write_domain(v->domain, chunk, size);
		from += size;
		left -= size;
	}
	return 0;
}

/* Ends when the console has nothing more, so it needs no continuation. */
static int64_t op_read(struct vcpu *v, const uint64_t args[5])
{
	uint32_t count = (uint32_t)args[1];
	uint32_t done = 0;
	char chunk[CHUNK];

	if (count > INT32_MAX) {
		return -XEN_E2BIG;
	}
	while (done < count) {
		size_t got = console_read_domain(v->domain, chunk, MIN(count - done, CHUNK));
		int ret;

		if (got == 0) {
			break;
		}
		ret = guest_copy_to(args[2] + done, chunk, got);
		if (ret < 0) {
			return ret;
		}
		done += (uint32_t)got;
	}
	return done;
}

static const hypercall_t console_ops[] = {
	HYPERCALL_OP(CONSOLEIO_write, op_write),
	HYPERCALL_OP(CONSOLEIO_read, op_read),
};

int64_t hc_console_io(struct vcpu *v, const uint64_t args[5])
{
	if (!v->domain->is_console && !v->domain->is_privileged) {
		return -XEN_EPERM;
	}
	return hypercall_sub_op(console_ops, ARRAY_SIZE(console_ops), (uint32_t)args[0], v, args);
}
