/* SPDX-License-Identifier: MIT */
/*
 * Where Tenon's answers differ from Xen's on purpose. Each rule says which calls it concerns, and both answers: any other
 * pair of answers is a difference, and the run fails. docs/abi.md, "Deliberate differences", has the reasons at length.
 */
#include "differential.h"
#include "lib/format.h"

/* What results become that rules have explained, each class of rules its own: rules of one predicate are one class. */
#define ANSWER_BY_RULE INT64_C(0x52554c4500)

struct rule {
	const char *name;
	bool (*concerns)(const struct diff_call *c);
	int64_t xen, tenon;
	unsigned int nr_used;
};

static bool is(const struct diff_call *c, uint64_t number, uint32_t command)
{
	return c->number == number && (uint32_t)c->args[0] == command;
}

/* Of numbers below 1024 Xen looks for the structure, which cannot be had on Arm; Tenon says that there is none. */
static bool is_bind_pirq(const struct diff_call *c)
{
	return is(c, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq);
}

/* memory_op's command is what is left of the bits above. */
static bool is_exchange(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_memory_op && (c->args[0] & 0x3f) == XENMEM_exchange;
}

/* Xen's tree of options is for dom0. */
static bool is_hypfs(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_hypfs_op;
}

/* Xen's error becomes a positive number on its way through 32 bits. */
static bool is_watchdog(const struct diff_call *c)
{
	return is(c, __HYPERVISOR_sched_op, SCHEDOP_watchdog);
}

/* A list that is not all there: Xen looks at each port before it reads the next one. */
static bool is_cut_poll(const struct diff_call *c)
{
	evtchn_port_t ports[128];
	struct sched_poll op;

	memcpy(&op, c->bytes, sizeof(op));
	return is(c, __HYPERVISOR_sched_op, SCHEDOP_poll) && op.nr_ports <= ARRAY_SIZE(ports) &&
	       !diff_args_read(op.ports.q, ports, op.nr_ports * sizeof(ports[0]));
}

/* Xen looks for the port before it looks who asks, and knows a number from when ports up to there were in use. */
static bool is_status_of_other(const struct diff_call *c)
{
	struct evtchn_status op;

	memcpy(&op, c->bytes, sizeof(op));
	return is(c, __HYPERVISOR_event_channel_op, EVTCHNOP_status) && !diff_is_dom0 &&
	       op.dom == diff_other_domid && op.port >= 64 && op.port <= diff_last_port;
}

static bool is_there(domid_t domid)
{
	return domid == diff_own_domid || domid == diff_other_domid;
}

/* In a domain whose ports are all in use, for nobody: Tenon first looks whether the two may talk to each other. */
static bool is_alloc_in_full(const struct diff_call *c)
{
	struct evtchn_alloc_unbound op;

	memcpy(&op, c->bytes, sizeof(op));
	return is(c, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound) && diff_is_dom0 &&
	       op.dom == diff_other_domid && op.remote_dom != DOMID_SELF && !is_there(op.remote_dom);
}

/* A domU's domctl on a domain that there is. For Tenon it is no guest's business, Xen looks at arguments before it says so. */
static bool is_domctl(const struct diff_call *c, uint32_t command)
{
	uint32_t words[3];

	memcpy(words, c->bytes, sizeof(words));
	return c->number == __HYPERVISOR_domctl && !diff_is_dom0 && words[0] == command &&
	       is_there((domid_t)words[2]);
}

static bool is_domctl_of_range(const struct diff_call *c)
{
	return is_domctl(c, XEN_DOMCTL_iomem_permission) ||
	       is_domctl(c, XEN_DOMCTL_memory_mapping) || is_domctl(c, XEN_DOMCTL_irq_permission);
}

static bool is_domctl_of_x86(const struct diff_call *c)
{
	return is_domctl(c, XEN_DOMCTL_ioport_permission) || is_domctl(c, XEN_DOMCTL_ioport_mapping);
}

static bool is_domctl_of_device(const struct diff_call *c)
{
	return is_domctl(c, XEN_DOMCTL_bind_pt_irq) || is_domctl(c, XEN_DOMCTL_unbind_pt_irq) ||
	       is_domctl(c, XEN_DOMCTL_get_device_group);
}

static bool is_domctl_of_target(const struct diff_call *c)
{
	return is_domctl(c, XEN_DOMCTL_set_target);
}

static struct rule rules[] = {
	{"there are no PIRQs", is_bind_pirq, -XEN_ENOMEM, -XEN_EINVAL, 0},
	{"there are no PIRQs", is_bind_pirq, -XEN_EINVAL, -XEN_EINVAL, 0},
	/* Exchanging makes no sense for a translated guest. Xen first looks whether it could. */
	{"no exchange: buffer", is_exchange, -XEN_EFAULT, -XEN_ENOSYS, 0},
	{"no exchange: order", is_exchange, -XEN_EPERM, -XEN_ENOSYS, 0},
	{"no exchange: sizes", is_exchange, -XEN_EINVAL, -XEN_ENOSYS, 0},
	{"no exchange: domain", is_exchange, -XEN_ESRCH, -XEN_ENOSYS, 0},
	{"no exchange: nothing", is_exchange, 0, -XEN_ENOSYS, 0},
	{"no hypfs", is_hypfs, -XEN_EPERM, -XEN_ENOSYS, 0},
	{"no third watchdog", is_watchdog, INT64_C(0x100000000) - XEN_ENOSPC, -XEN_ENOSPC, 0},
	{"a list of ports is copied first", is_cut_poll, -XEN_EINVAL, -XEN_EFAULT, 0},
	{"a list of ports is copied first", is_cut_poll, -XEN_EFAULT, -XEN_EFAULT, 0},
	{"a list of ports is copied first", is_cut_poll, 0, -XEN_EFAULT, 0},
	{"status: who asks comes first", is_status_of_other, -XEN_EINVAL, -XEN_EPERM, 0},
	{"status: who asks comes first", is_status_of_other, -XEN_EINVAL, -XEN_EINVAL, 0},
	{"alloc_unbound: who asks comes first", is_alloc_in_full, -XEN_ENOSPC, -XEN_ESRCH, 0},
	{"domctl: a range", is_domctl_of_range, -XEN_EINVAL, -XEN_EPERM, 0},
	{"domctl: a range", is_domctl_of_range, -XEN_EPERM, -XEN_EPERM, 0},
	{"domctl: x86's", is_domctl_of_x86, -XEN_ENOSYS, -XEN_EPERM, 0},
	{"domctl: a device", is_domctl_of_device, -XEN_EOPNOTSUPP, -XEN_EPERM, 0},
	{"domctl: a device", is_domctl_of_device, -XEN_EINVAL, -XEN_EPERM, 0},
	{"domctl: a device", is_domctl_of_device, -XEN_EPERM, -XEN_EPERM, 0},
	{"domctl: a target", is_domctl_of_target, -XEN_ESRCH, -XEN_EPERM, 0},
	{"domctl: a target", is_domctl_of_target, -XEN_EINVAL, -XEN_EPERM, 0},
	{"domctl: a target", is_domctl_of_target, -XEN_EOPNOTSUPP, -XEN_EPERM, 0},
	{"domctl: a target", is_domctl_of_target, -XEN_EPERM, -XEN_EPERM, 0},
	{NULL, NULL, 0, 0, 0},
};

/* Any of Xen's answers in a class equals any of Tenon's in it, and nothing else. */
static int64_t class_of(const struct rule *rule)
{
	int64_t first = 0;

	while (rules[first].concerns != rule->concerns) {
		first++;
	}
	return ANSWER_BY_RULE + first;
}

static void apply(struct diff_call *c)
{
	for (struct rule *rule = rules; rule->name != NULL; rule++) {
		if (rule->concerns(c) && c->result == (machine.tenon ? rule->tenon : rule->xen)) {
			c->result = class_of(rule);
			c->rule = rule->name;
			rule->nr_used++;
			return;
		}
	}
}

/* HVM_PARAM_CALLBACK_IRQ: PPI 31 in Tenon, level-triggered and low; Xen tells it to "enhanced" domains only. */
#define CALLBACK_VALUE (UINT64_C(2) << 56 | 2 << 8 | PPI_UPCALL)

static void hide_callback(const struct diff_call *c)
{
	struct xen_hvm_param op;
	uint64_t at = c->at + offsetof(struct xen_hvm_param, value);
	uint64_t value;

	memcpy(&op, c->bytes, sizeof(op));
	/* Whether or not the result could be told, as from an entry of a multicall that cannot be written. */
	if (machine.tenon && is(c, __HYPERVISOR_hvm_op, HVMOP_get_param) &&
	    op.index == HVM_PARAM_CALLBACK_IRQ && diff_args_read(at, &value, sizeof(value)) &&
	    value == CALLBACK_VALUE) {
		value = 0;
		diff_args_write(at, &value, sizeof(value));
	}
}

/*
 * Texts and numbers that say which hypervisor it is, and of which build: that there is one, and that it is terminated,
 * is all that can be compared.
 */
static void hide_texts(const struct diff_call *c)
{
	size_t size;

	if (c->number != __HYPERVISOR_xen_version) {
		return;
	}
	switch ((uint32_t)c->args[0]) {
	case XENVER_extraversion:
		size = sizeof(xen_extraversion_t);
		break;
	case XENVER_compile_info:
		size = sizeof(struct xen_compile_info);
		break;
	case XENVER_changeset:
		size = sizeof(xen_changeset_info_t);
		break;
	case XENVER_platform_parameters: /* where Xen is */
		size = sizeof(xen_platform_parameters_t);
		break;
	default:
		return;
	}
	/* Whatever the result: part may have been written, or the result of an entry could not be. */
	diff_args_fill(c->args[1], size);
}

void diff_apply_rules(struct diff_call *c)
{
	apply(c);
	diff_note_mapping(c);
	hide_texts(c);
	hide_callback(c);
	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		struct diff_call *entry = &diff_inner[i];
		uint64_t at = c->at + i * sizeof(struct multicall_entry) +
			      offsetof(struct multicall_entry, result);

		/* A continued entry keeps there how far it has come, and whether one is continued is a matter of luck. */
		diff_args_write(at + sizeof(entry->result), entry->args, sizeof(entry->args));
		if (diff_args_read(at, &entry->result, sizeof(entry->result))) {
			if (diff_list_is_writable(at, sizeof(entry->result))) {
				apply(entry);
			}
			diff_note_mapping(entry);
			hide_texts(entry);
			hide_callback(entry);
			diff_args_write(at, &entry->result, sizeof(entry->result));
		}
	}
}

/* A port that the caller could not be told of: Tenon has given it back, in Xen it stays. */
static bool may_leave_port(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_event_channel_op && c->readable && !c->writable &&
	       ((uint32_t)c->args[0] == EVTCHNOP_alloc_unbound ||
		(uint32_t)c->args[0] == EVTCHNOP_bind_interdomain ||
		(uint32_t)c->args[0] == EVTCHNOP_bind_virq ||
		(uint32_t)c->args[0] == EVTCHNOP_bind_ipi);
}

void diff_after_call(const struct diff_call *c)
{
	bool reset = may_leave_port(c);

	diff_note_events(c);
	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		reset = reset || may_leave_port(&diff_inner[i]);
	}
	if (reset) {
		diff_events_reset();
	}
}

void diff_print_rules(void)
{
	for (const struct rule *rule = rules; rule->name != NULL; rule++) {
		print("INFO rule \"%s\": %u times\n", rule->name, rule->nr_used);
	}
}
