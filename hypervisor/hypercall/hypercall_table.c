/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls by number (public/xen.h, "enum hypercall_num") and the way from the HVC to a
 * handler and back. docs/abi.md lists all of them; tools/check-abi.sh compares.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/percpu.h"
#include "lib/assert.h"
#include "lib/log.h"

const struct hypercall_entry hypercall_table[] = {
	HYPERCALL(platform_op, hc_platform_op, 1),
	HYPERCALL(memory_op, hc_memory_op, 2),
	HYPERCALL(multicall, hc_multicall, 2),
	HYPERCALL(xen_version, hc_xen_version, 2),
	HYPERCALL(console_io, hc_console_io, 3),
	HYPERCALL(grant_table_op, hc_grant_table_op, 3),
	HYPERCALL(vm_assist, hc_vm_assist, 2),
	HYPERCALL(vcpu_op, hc_vcpu_op, 3),
	HYPERCALL(sched_op, hc_sched_op, 2),
	HYPERCALL(event_channel_op, hc_event_channel_op, 2),
	HYPERCALL(physdev_op, hc_physdev_op, 2),
	HYPERCALL(hvm_op, hc_hvm_op, 2),
	HYPERCALL(sysctl, hc_sysctl, 1),
	HYPERCALL(domctl, hc_domctl, 1),
};
const unsigned int hypercall_table_size = ARRAY_SIZE(hypercall_table);

/* Arguments of the multicall entry under way on this CPU. Handlers never leave their CPU. */
DEFINE_PER_CPU(uint64_t *, redirected_args);

void hypercall_redirect_args(uint64_t *args)
{
	ASSERT(args == NULL || this_cpu(redirected_args) == NULL);
	this_cpu(redirected_args) = args;
}

bool hypercall_in_multicall(void)
{
	return this_cpu(redirected_args) != NULL;
}

void hypercall_set_arg(struct vcpu *v, unsigned int n, uint64_t value)
{
	uint64_t *redirected = this_cpu(redirected_args);

	ASSERT(n < 5);
	if (redirected != NULL) {
		redirected[n] = value;
	} else {
		v->regs.x[n] = value;
	}
}

/* Linux takes a buffer that it cannot reach itself for a bug in its own driver: say it. */
static void say_fault(const struct vcpu *v, uint64_t number, const uint64_t args[5])
{
	log_guest(v->domain->id, "%s(%#lx, %#lx, ...): a buffer is not accessible",
		  hypercall_table[number].name, (unsigned long)args[0], (unsigned long)args[1]);
}

static hypercall_t handler_of(uint64_t number)
{
	return number < ARRAY_SIZE(hypercall_table) ? hypercall_table[number].handler : NULL;
}

int64_t hypercall_call(struct vcpu *v, uint64_t number, const uint64_t args[5])
{
	hypercall_t handler = handler_of(number);
	int64_t ret;

	if (handler == NULL) {
		return -XEN_ENOSYS;
	}
	ret = handler(v, args);
	if (ret == -XEN_EFAULT) {
		say_fault(v, number, args);
	}
	return ret;
}

/* True: to be continued. Else the result is in x0. */
static __noinline bool finish_refused(struct vcpu *v, int64_t ret)
{
	if (ret == -XEN_EFAULT) {
		say_fault(v, v->regs.x[16], v->regs.x);
	}
	if (ret != -XEN_ERESTART) {
		v->regs.x[0] = (uint64_t)ret;
	}
	return ret == -XEN_ERESTART;
}

/*
 * Handlers read their arguments in place: who changes one by hypercall_set_arg() has read it by then, as the change is
 * for the continued call.
 */
static inline bool dispatch(struct vcpu *v)
{
	hypercall_t handler = handler_of(v->regs.x[16]);
	int64_t ret = -XEN_ENOSYS;

	if (likely(handler != NULL)) {
		ret = handler(v, v->regs.x);
		ASSERT(this_cpu(redirected_args) == NULL);
	}
	if (unlikely(ret < 0)) {
		return finish_refused(v, ret);
	}
	v->regs.x[0] = (uint64_t)ret;
	return false;
}

bool hypercall_dispatch(struct vcpu *v)
{
	return dispatch(v);
}

void hypercall_trap(struct vcpu *v)
{
	if (unlikely(dispatch(v))) {
		v->regs.pc -= 4;
		v->regs.pstate = vcpu_debug_unstep(&v->debug, v->regs.pstate);
	}
}

/* Structures have the same layout for guests of both kinds, so the registers are all that differs. */
bool hypercall_dispatch_32(struct vcpu *v)
{
	const uint64_t args[5] = {
		(uint32_t)v->regs.x[0], (uint32_t)v->regs.x[1], (uint32_t)v->regs.x[2],
		(uint32_t)v->regs.x[3], (uint32_t)v->regs.x[4],
	};
	int64_t ret = hypercall_call(v, (uint32_t)v->regs.x[12], args);

	ASSERT(this_cpu(redirected_args) == NULL);
	if (ret == -XEN_ERESTART) {
		return true;
	}
	v->regs.x[0] = (uint32_t)ret;
	return false;
}
