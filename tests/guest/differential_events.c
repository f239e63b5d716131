/* SPDX-License-Identifier: MIT */
/* Random calls of event_channel_op: differential.h. */
#include "differential.h"
#include "guest_event.h"

/* ---- the FIFO ABI --------------------------------------------------------------------------------- */

/* Words that are looked at after each call; the others at the end of a batch. */
#define NR_WORDS_HASHED 128

static bool fifo_is_on;
static uint32_t nr_switches, nr_calls_in_fifo;

/*
 * With no port open and nothing pending, and with the array at once: an event that Xen has kept for a word that was not
 * there is raised again each time that the array grows, however long ago it was.
 */
void diff_events_switch(void)
{
	diff_events_reset();
	if (!fifo_switch()) {
		test_fail(__FILE__, __LINE__, "", " the FIFO ABI is refused");
		return;
	}
	for (uint32_t port = 0; port < FIFO_NR_PORTS; port++) {
		if (!diff_one_in(4)) {
			fifo_words[port] = 0;
		}
	}
	fifo_is_on = true;
	nr_switches++;
}

void diff_events_are_2l(void)
{
	fifo_is_on = false;
}

static bool may_have_reset(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_event_channel_op &&
	       (uint32_t)c->args[0] == EVTCHNOP_reset && c->result == 0;
}

void diff_note_events(const struct diff_call *c)
{
	bool reset = may_have_reset(c);

	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		reset = reset || may_have_reset(&diff_inner[i]);
	}
	nr_calls_in_fifo += fifo_is_on;
	fifo_is_on = fifo_is_on && !reset;
}

/* What a kernel does to words and queues. vCPU 1 is off, so that this one takes its events too. */
void diff_fifo_disturb(uint32_t port)
{
	switch (diff_below(5)) {
	case 0:
		fifo_mask(port);
		break;
	case 1:
		__atomic_fetch_and(&fifo_words[port], ~FIFO_MASKED, __ATOMIC_ACQ_REL);
		break;
	case 2:
		__atomic_fetch_and(&fifo_words[port], ~FIFO_PENDING, __ATOMIC_ACQ_REL);
		break;
	default:
		fifo_take(diff_below(2));
		break;
	}
}

uint64_t diff_fifo_hash(uint64_t hash, bool all)
{
	hash = diff_hash(hash, fifo_words, all ? sizeof(fifo_words) : 4 * NR_WORDS_HASHED);
	for (unsigned int i = 0; i < 2; i++) {
		hash = diff_hash(hash, fifo_control(i), sizeof(*fifo_control(i)));
	}
	return hash;
}

void diff_fifo_print(void)
{
	if (nr_switches != 0) {
		print("INFO the FIFO ABI: %u times, for %u calls\n", nr_switches, nr_calls_in_fifo);
	}
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/*
 * One that is refused, unless the ABI is in use (diff_events_switch() says why): then each vCPU has one already. An entry
 * of a multicall may come after one that has turned the ABI off.
 */
static void draw_control(const struct diff_call *c, struct evtchn_init_control *control)
{
	control->vcpu = diff_vcpu();
	control->control_gfn = diff_gfn();
	control->offset = diff_u32();
	if (fifo_is_on && !c->inner && diff_one_in(2)) {
		control->vcpu = diff_below(2);
		control->control_gfn = (uintptr_t)diff_array_page >> PAGE_SHIFT;
		control->offset &= 0x7f8;
		return;
	}
	switch (diff_below(3)) {
	case 0:
		control->vcpu = 2 + diff_below(8);
		break;
	case 1:
		control->offset |= 1 + diff_below(7);
		break;
	default:
		control->control_gfn = UINT64_C(1) << 40;
		break;
	}
}

/* The guest's RAM, or none: Xen takes shared_info and grant frames too. */
static uint64_t draw_array_gfn(void)
{
	switch (diff_below(4)) {
	case 0:
		return UINT64_C(1) << 40;
	case 1:
		return diff_one_in(2) ? DIFF_LARGE_GFN - 1 : machine.gicd >> PAGE_SHIFT;
	default:
		return (uintptr_t)diff_array_page >> PAGE_SHIFT;
	}
}

void diff_make_event_call(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(EVTCHNOP_bind_interdomain),
		DIFF_OPERATION(EVTCHNOP_bind_virq),
		DIFF_OPERATION(EVTCHNOP_bind_pirq),
		DIFF_OPERATION(EVTCHNOP_close),
		DIFF_OPERATION(EVTCHNOP_send),
		DIFF_OPERATION(EVTCHNOP_send),
		DIFF_OPERATION(EVTCHNOP_status),
		DIFF_OPERATION(EVTCHNOP_alloc_unbound),
		DIFF_OPERATION(EVTCHNOP_bind_ipi),
		DIFF_OPERATION(EVTCHNOP_bind_vcpu),
		DIFF_OPERATION(EVTCHNOP_unmask),
		DIFF_OPERATION(EVTCHNOP_reset),
		DIFF_OPERATION(EVTCHNOP_init_control),
		DIFF_OPERATION(EVTCHNOP_expand_array),
		DIFF_OPERATION(EVTCHNOP_set_priority),
		/* Xen's own, when it continues a reset. */
		{14, NULL},
	};
	union {
		struct evtchn_alloc_unbound alloc_unbound;
		struct evtchn_bind_interdomain bind_interdomain;
		struct evtchn_bind_virq bind_virq;
		struct evtchn_bind_pirq bind_pirq;
		struct evtchn_bind_ipi bind_ipi;
		struct evtchn_status status;
		struct evtchn_bind_vcpu bind_vcpu;
		struct evtchn_reset reset;
		struct evtchn_init_control init_control;
		struct evtchn_expand_array expand_array;
		struct evtchn_set_priority set_priority;
		uint32_t port;
		uint64_t words[3];
	} op = {.words = {diff_u64(), diff_u64(), diff_u64()}};
	uint32_t command = diff_draw(c, operations, ARRAY_SIZE(operations));
	size_t size = sizeof(op.port);

	switch (command) {
	case EVTCHNOP_alloc_unbound:
		op.alloc_unbound.dom = diff_domid_self();
		op.alloc_unbound.remote_dom = diff_domid_self();
		size = sizeof(op.alloc_unbound);
		break;
	case EVTCHNOP_bind_interdomain:
		op.bind_interdomain.remote_dom = diff_domid_self();
		op.bind_interdomain.remote_port = diff_port();
		size = sizeof(op.bind_interdomain);
		break;
	case EVTCHNOP_bind_virq:
		op.bind_virq.virq = diff_one_in(8) ? diff_u32() : diff_below(26);
		if (diff_is_dom0 && op.bind_virq.virq == VIRQ_CON_RING) {
			/* Comes with whatever Xen says. */
			op.bind_virq.virq = VIRQ_CONSOLE;
		}
		op.bind_virq.vcpu = diff_one_in(3) ? diff_vcpu() : 0;
		size = sizeof(op.bind_virq);
		break;
	case EVTCHNOP_bind_pirq:
		op.bind_pirq.pirq = diff_u32();
		size = sizeof(op.bind_pirq);
		break;
	case EVTCHNOP_bind_ipi:
		op.bind_ipi.vcpu = diff_vcpu();
		size = sizeof(op.bind_ipi);
		break;
	case EVTCHNOP_status:
		op.status.dom = diff_domid_self();
		op.status.port = diff_port();
		size = sizeof(op.status);
		break;
	case EVTCHNOP_bind_vcpu:
		op.bind_vcpu.port = diff_port();
		op.bind_vcpu.vcpu = diff_vcpu();
		size = sizeof(op.bind_vcpu);
		break;
	case EVTCHNOP_init_control:
		draw_control(c, &op.init_control);
		size = sizeof(op.init_control);
		break;
	case EVTCHNOP_expand_array:
		op.expand_array.array_gfn = draw_array_gfn();
		size = sizeof(op.expand_array);
		break;
	case EVTCHNOP_set_priority:
		op.set_priority.port = diff_port();
		op.set_priority.priority = diff_one_in(3) ? diff_u32() : diff_below(18);
		size = sizeof(op.set_priority);
		break;
	case EVTCHNOP_reset:
		op.reset.dom = diff_one_in(4) ? diff_domid_self() : 2;
		size = sizeof(op.reset);
		break;
	default:
		op.port = diff_port();
		break;
	}
	c->args[0] = diff_command(command);
	diff_place(c, &op, size);
}
