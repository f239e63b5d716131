/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of event channels and grant tables: sequences of sensible operations of three domains on each other, in any
 * order, with their states in any combination. Each is a byte for the operation and a few for its arguments, which are
 * small numbers: ports, references, handles and pages that exist, nearly always.
 */
#include "fuzz_domains.h"

#include <string.h>

#include "event/event.h"
#include "grant/grant.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

#define MAX_OPERATIONS 200
#define NR_REFERENCES  8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t call(struct vcpu *v, uint64_t number, uint64_t command, const void *op, size_t size)
{
	const uint64_t args[5] = {command, fuzz_arg(), 1};

	memcpy(fake_page(FUZZ_ARG_PAGE), op, size);
	return fuzz_call(v, number, args);
}

#define EVENT(v, command, ...)                                                      \
	do {                                                                        \
		__typeof__(__VA_ARGS__) op_ = __VA_ARGS__;                          \
		call(v, __HYPERVISOR_event_channel_op, command, &op_, sizeof(op_)); \
	} while (0)
#define GRANT(v, command, ...)                                                    \
	do {                                                                      \
		__typeof__(__VA_ARGS__) op_ = __VA_ARGS__;                        \
		call(v, __HYPERVISOR_grant_table_op, command, &op_, sizeof(op_)); \
	} while (0)

/* A guest writes its own table, at any moment. */
static void write_entry(struct domain *d, uint8_t a, uint8_t b, uint8_t c)
{
	struct grant_entry_v1 *entry = &d->grant.frame[0][a % NR_REFERENCES];

	entry->frame = (uint32_t)fuzz_gfn(d->id, b % (FUZZ_PAGES + 1));
	entry->domid = c % 4;
	entry->flags =
		(c & 0x10) != 0 ? c >> 4 : GTF_permit_access | ((c & 0x20) != 0 ? GTF_readonly : 0);
}

static void event_operation(struct vcpu *v, uint8_t what, uint8_t a, uint8_t b, uint8_t c)
{
	uint16_t dom = a % 4 == 3 ? DOMID_SELF : a % 4, other = b % 4 == 3 ? DOMID_SELF : b % 4;

	switch (what) {
	case 0:
		EVENT(v, EVTCHNOP_alloc_unbound,
		      (struct evtchn_alloc_unbound){.dom = dom, .remote_dom = other});
		break;
	case 1:
		EVENT(v, EVTCHNOP_bind_interdomain,
		      (struct evtchn_bind_interdomain){.remote_dom = dom, .remote_port = b});
		break;
	case 2:
		EVENT(v, EVTCHNOP_bind_virq,
		      (struct evtchn_bind_virq){.virq = a % 25, .vcpu = b % 4});
		break;
	case 3:
		EVENT(v, EVTCHNOP_bind_ipi, (struct evtchn_bind_ipi){.vcpu = a % 4});
		break;
	case 4:
		EVENT(v, EVTCHNOP_close, (struct evtchn_close){.port = a});
		break;
	case 5:
		EVENT(v, EVTCHNOP_send, (struct evtchn_send){.port = a});
		break;
	case 6:
		EVENT(v, EVTCHNOP_status, (struct evtchn_status){.dom = dom, .port = b});
		break;
	case 7:
		EVENT(v, EVTCHNOP_bind_vcpu, (struct evtchn_bind_vcpu){.port = a, .vcpu = b % 4});
		break;
	case 8:
		EVENT(v, EVTCHNOP_unmask, (struct evtchn_unmask){.port = a});
		break;
	case 9:
		EVENT(v, EVTCHNOP_reset, (struct evtchn_reset){.dom = dom});
		break;
	case 10:
		EVENT(v, EVTCHNOP_init_control,
		      (struct evtchn_init_control){.control_gfn =
							   fuzz_gfn(v->domain->id, a % FUZZ_PAGES),
						   .offset = b * 16u,
						   .vcpu = c % 4});
		break;
	case 11:
		EVENT(v, EVTCHNOP_expand_array,
		      (struct evtchn_expand_array){
			      .array_gfn = fuzz_gfn(v->domain->id, a % FUZZ_PAGES)});
		break;
	default:
		EVENT(v, EVTCHNOP_set_priority,
		      (struct evtchn_set_priority){.port = a, .priority = b % 17});
		break;
	}
}

static void copy(struct vcpu *v, uint8_t a, uint8_t b, uint8_t c)
{
	struct gnttab_copy op = {
		.source = {.domid = a % 4 == 3 ? DOMID_SELF : a % 4, .offset = (uint16_t)(b * 16)},
		.dest = {.domid = b % 4 == 3 ? DOMID_SELF : b % 4, .offset = (uint16_t)(a * 16)},
		.len = (uint16_t)(c * 16),
		.flags = c % 4,
	};

	if ((op.flags & GNTCOPY_source_gref) != 0) {
		op.source.u.ref = a % NR_REFERENCES;
	} else {
		op.source.u.gmfn = fuzz_gfn(v->domain->id, a % FUZZ_PAGES);
	}
	if ((op.flags & GNTCOPY_dest_gref) != 0) {
		op.dest.u.ref = b % NR_REFERENCES;
	} else {
		op.dest.u.gmfn = fuzz_gfn(v->domain->id, b % FUZZ_PAGES);
	}
	call(v, __HYPERVISOR_grant_table_op, GNTTABOP_copy, &op, sizeof(op));
}

static void grant_operation(struct vcpu *v, uint8_t what, uint8_t a, uint8_t b, uint8_t c)
{
	uint16_t dom = a % 4 == 3 ? DOMID_SELF : a % 4;
	uint64_t host = (uint64_t)(0x400 + c % 8) << PAGE_SHIFT;

	switch (what) {
	case 0:
	case 1:
		write_entry(v->domain, a, b, c);
		break;
	case 2:
		GRANT(v, GNTTABOP_map_grant_ref,
		      (struct gnttab_map_grant_ref){.host_addr = host,
						    .flags = GNTMAP_host_map |
							     (c & 8 ? GNTMAP_readonly : 0) |
							     (c & 0x80 ? c : 0u),
						    .ref = b % NR_REFERENCES,
						    .dom = dom});
		break;
	case 3:
		GRANT(v, GNTTABOP_unmap_grant_ref,
		      (struct gnttab_unmap_grant_ref){.host_addr = c & 0x40 ? 0 : host,
						      .handle = a % 18});
		break;
	case 4:
		copy(v, a, b, c);
		break;
	case 5:
		GRANT(v, GNTTABOP_swap_grant_ref,
		      (struct gnttab_swap_grant_ref){.ref_a = a % NR_REFERENCES,
						     .ref_b = b % NR_REFERENCES});
		break;
	case 6:
		GRANT(v, GNTTABOP_unmap_and_replace,
		      (struct gnttab_unmap_and_replace){.host_addr = host, .handle = a % 18});
		break;
	default:
		GRANT(v, GNTTABOP_setup_table,
		      (struct gnttab_setup_table){.dom = dom,
						  .nr_frames = b % 10,
						  .frame_list = {.q = fuzz_list()}});
		break;
	}
}

/* Pages come and go under what uses them. */
static void memory_operation(struct vcpu *v, uint8_t a, uint8_t b)
{
	uint64_t gfn = fuzz_gfn(v->domain->id, b % FUZZ_PAGES);
	struct xen_memory_reservation op = {
		.extent_start = {.q = fuzz_list()},
		.nr_extents = 1,
		.domid = DOMID_SELF,
	};

	memcpy(fake_page(FUZZ_LIST_PAGE), &gfn, sizeof(gfn));
	call(v, __HYPERVISOR_memory_op,
	     a % 2 == 0 ? XENMEM_decrease_reservation : XENMEM_populate_physmap, &op, sizeof(op));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	fuzz_begin((fuzz_byte(&in) & 1) != 0);
	for (unsigned int nr = 0; nr < MAX_OPERATIONS && in.left > 0; nr++) {
		uint8_t who = fuzz_byte(&in), what = fuzz_byte(&in) % 24;
		uint8_t a = fuzz_byte(&in), b = fuzz_byte(&in), c = fuzz_byte(&in);
		struct vcpu *v = fuzz_domains[who % FUZZ_NR_DOMAINS]->vcpu[who / 4 % 2];

		fake_machine_interrupt_after((who & 0x80) != 0 ? who >> 4 & 7 : UINT64_MAX);
		if (what < 13) {
			event_operation(v, what, a, b, c);
		} else if (what < 22) {
			grant_operation(v, what - 13, a, b, c);
		} else {
			memory_operation(v, a, b);
		}
	}
	fuzz_end();
	return 0;
}
