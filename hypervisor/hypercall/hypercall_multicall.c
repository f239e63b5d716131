/* SPDX-License-Identifier: MIT */
/*
 * multicall (public/xen.h): a list of hypercalls in one. Each entry's result is written before
 * the next is begun; a bad entry fails alone.
 *
 * A call inside that has to be continued leaves its progress in its entry, in the guest's list,
 * and the whole is continued from that entry on.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "arm64/cpu_work.h"

_Static_assert(sizeof(struct multicall_entry) == 64, "public/xen.h");

/* Entries before this one are done. */
static int64_t continue_at(struct vcpu *v, uint64_t list, uint32_t nr_left)
{
	hypercall_set_arg(v, 0, list);
	hypercall_set_arg(v, 1, nr_left);
	return -XEN_ERESTART;
}

/*
 * A 32-bit guest has no upper halves to fill, so its list is not one (as in Xen, it is stopped: what it means cannot be
 * known).
 */
static bool check_32bit(struct vcpu *v, const struct multicall_entry *entry)
{
	unsigned int nr = entry->op < hypercall_table_size ? hypercall_table[entry->op].nr_args : 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (entry->args[i] >> 32 != 0) {
			domain_crash(v->domain,
				     "argument %u of a multicall's entry is 0x%lx, of which a 32-bit guest has to "
				     "leave the upper half zero",
				     i, (unsigned long)entry->args[i]);
			return false;
		}
	}
	return true;
}

/* 0, -XEN_ERESTART (the entry is to be called again), or why the list cannot be used. */
static int do_entry(struct vcpu *v, uint64_t at)
{
	struct multicall_entry entry;
	uint64_t args[6];
	int64_t result;
	int ret = guest_copy_from(&entry, at, sizeof(entry));

	if (ret < 0) {
		return ret;
	}
	if (v->domain->is_32bit && !check_32bit(v, &entry)) {
		return -XEN_EINVAL;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(args); i++) {
		args[i] = entry.args[i];
	}
	hypercall_redirect_args(entry.args);
	result = hypercall_call(v, entry.op, args);
	hypercall_redirect_args(NULL);
	if (result == -XEN_ERESTART) {
		ret = guest_copy_to(at + offsetof(struct multicall_entry, args), entry.args,
				    sizeof(entry.args));
		return ret < 0 ? ret : -XEN_ERESTART;
	}
	entry.result = (uint64_t)result;
	return guest_copy_to(at + offsetof(struct multicall_entry, result), &entry.result,
			     sizeof(entry.result));
}

int64_t hc_multicall(struct vcpu *v, const uint64_t args[5])
{
	uint64_t list = args[0];
	uint32_t nr_calls = (uint32_t)args[1];

	/* A multicall within a multicall: that entry fails. */
	if (hypercall_in_multicall()) {
		return -XEN_EINVAL;
	}
	for (uint32_t i = 0; i < nr_calls; i++, list += sizeof(struct multicall_entry)) {
		int ret;

		/* Also when an entry has stopped or blocked this vCPU, or another CPU waits for an epoch. */
		if (i != 0 && (cpu_interrupt_pending() || this_cpu(cpu_work).any != 0)) {
			return continue_at(v, list, nr_calls - i);
		}
		ret = do_entry(v, list);
		if (ret == -XEN_ERESTART) {
			return continue_at(v, list, nr_calls - i);
		}
		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}
