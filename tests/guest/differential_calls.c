/* SPDX-License-Identifier: MIT */
/*
 * One random call: differential.h. What is not drawn, and why:
 *
 * - SCHEDOP_shutdown and watchdogs that fire within the run: the stream would end;
 * - SCHEDOP_poll without a time-out, and block without a timer to wake the vCPU: it would not go on;
 * - the compatibility calls 6, 16 and 19, which Tenon does not have (docs/abi.md);
 * - more than a few characters for the console, which is the guest's own way to report;
 * - a FIFO control block that is good: tests/guest/events_fifo.c looks at what follows.
 */
#include "differential.h"
#include "guest_gic.h"

struct operation {
	uint32_t number;
	const char *name;
};
#define OPERATION(op)   \
	{               \
		op, #op \
	}

/* One of the table's, or nearly never some other number. */
static uint32_t draw(struct diff_call *c, const struct operation *table, unsigned int size)
{
	const struct operation *chosen = &table[diff_below(size)];

	if (diff_one_in(40)) {
		c->name = "unknown operation";
		return 40 + diff_below(200);
	}
	c->name = chosen->name;
	return chosen->number;
}

/* ---- event_channel_op ----------------------------------------------------------------------------- */

/* One that is refused: with the FIFO ABI the state that is compared would be elsewhere. */
static void draw_control(struct evtchn_init_control *control)
{
	control->vcpu = diff_vcpu();
	control->control_gfn = diff_gfn();
	control->offset = diff_u32();
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

static void make_event(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(EVTCHNOP_bind_interdomain),
		OPERATION(EVTCHNOP_bind_virq),
		OPERATION(EVTCHNOP_bind_pirq),
		OPERATION(EVTCHNOP_close),
		OPERATION(EVTCHNOP_send),
		OPERATION(EVTCHNOP_send),
		OPERATION(EVTCHNOP_status),
		OPERATION(EVTCHNOP_alloc_unbound),
		OPERATION(EVTCHNOP_bind_ipi),
		OPERATION(EVTCHNOP_bind_vcpu),
		OPERATION(EVTCHNOP_unmask),
		OPERATION(EVTCHNOP_reset),
		OPERATION(EVTCHNOP_init_control),
		OPERATION(EVTCHNOP_expand_array),
		OPERATION(EVTCHNOP_set_priority),
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
	uint32_t command = draw(c, operations, ARRAY_SIZE(operations));
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
		draw_control(&op.init_control);
		size = sizeof(op.init_control);
		break;
	case EVTCHNOP_expand_array:
		op.expand_array.array_gfn = diff_gfn();
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

/* ---- grant_table_op ------------------------------------------------------------------------------- */

/* Of oneself. */
static void draw_map(struct gnttab_map_grant_ref *map)
{
	map->host_addr =
		(diff_gfn_for_grants() << PAGE_SHIFT) + (diff_one_in(12) ? diff_below(4096) : 0);
	map->flags = diff_one_in(8) ? diff_u32()
				    : GNTMAP_host_map | (diff_one_in(3) ? GNTMAP_readonly : 0);
	map->ref = diff_gref();
	map->dom = diff_domid_self();
}

/* Of one page, by its number or by grants of it; or of one that is not there. */
static void draw_copy(struct gnttab_copy *copy)
{
	uint64_t own = (uintptr_t)diff_copy_page >> PAGE_SHIFT;

	copy->flags = (uint16_t)(diff_one_in(12) ? diff_u32() : diff_below(4));
	copy->source.domid = diff_domid_self();
	copy->dest.domid = diff_domid_self();
	copy->source.offset = (uint16_t)(diff_one_in(8) ? diff_u32() : diff_below(4096));
	copy->dest.offset = (uint16_t)(diff_one_in(8) ? diff_u32() : diff_below(4096));
	copy->len = (uint16_t)(diff_one_in(8) ? diff_u32() : diff_below(256));
	/* Between two that are the same other one Xen's policy is content, and its grants are looked at. */
	if (copy->source.domid == DIFF_OTHER_DOMID && copy->dest.domid == DIFF_OTHER_DOMID) {
		copy->dest.domid = DOMID_SELF;
	}
	/* Within one page Xen copies as memcpy() does, Tenon as memmove(). */
	if (copy->source.offset < copy->dest.offset + copy->len &&
	    copy->dest.offset < copy->source.offset + copy->len) {
		copy->len = (uint16_t)MIN(copy->len, 16u);
	}
	if ((copy->flags & GNTCOPY_source_gref) != 0) {
		copy->source.u.ref = diff_gref();
	} else {
		copy->source.u.gmfn = diff_one_in(6) ? DIFF_LARGE_GFN - 1 : own;
	}
	if ((copy->flags & GNTCOPY_dest_gref) != 0) {
		copy->dest.u.ref = diff_gref();
	} else {
		copy->dest.u.gmfn = diff_one_in(6) ? DIFF_LARGE_GFN - 1 : own;
	}
}

static void make_grant(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(GNTTABOP_setup_table),
		OPERATION(GNTTABOP_dump_table),
		OPERATION(GNTTABOP_transfer),
		OPERATION(GNTTABOP_query_size),
		OPERATION(GNTTABOP_set_version),
		OPERATION(GNTTABOP_get_status_frames),
		OPERATION(GNTTABOP_get_version),
		OPERATION(GNTTABOP_cache_flush),
		OPERATION(GNTTABOP_map_grant_ref),
		OPERATION(GNTTABOP_unmap_grant_ref),
		OPERATION(GNTTABOP_copy),
		OPERATION(GNTTABOP_copy),
		OPERATION(GNTTABOP_unmap_and_replace),
		OPERATION(GNTTABOP_swap_grant_ref),
	};
	static const uint64_t frames[8];
	union {
		struct gnttab_setup_table setup;
		struct gnttab_query_size query;
		struct gnttab_set_version set_version;
		struct gnttab_get_status_frames status_frames;
		struct gnttab_get_version get_version;
		struct gnttab_cache_flush flush;
		struct gnttab_map_grant_ref map;
		struct gnttab_unmap_grant_ref unmap;
		struct gnttab_unmap_and_replace replace;
		struct gnttab_copy copy;
		struct gnttab_swap_grant_ref swap;
		uint64_t words[5];
	} op = {.words = {diff_u64(), diff_u64(), diff_u64(), diff_u64(), diff_u64()}};
	uint32_t command = draw(c, operations, ARRAY_SIZE(operations));
	bool only_one = command == GNTTABOP_map_grant_ref || command == GNTTABOP_unmap_grant_ref ||
			command == GNTTABOP_unmap_and_replace || command == GNTTABOP_copy;
	size_t size = sizeof(op);

	switch (command) {
	case GNTTABOP_setup_table:
		op.setup.dom = diff_domid_self();
		op.setup.nr_frames = diff_one_in(8) ? diff_u32() : diff_below(9);
		op.setup.frame_list.q = diff_place_list(c, frames, sizeof(frames));
		size = sizeof(op.setup);
		break;
	case GNTTABOP_query_size:
		op.query.dom = diff_domid_self();
		size = sizeof(op.query);
		break;
	case GNTTABOP_set_version:
		op.set_version.version = diff_one_in(4) ? diff_u32() : diff_below(4);
		size = sizeof(op.set_version);
		break;
	case GNTTABOP_get_status_frames:
		op.status_frames.nr_frames = diff_one_in(4) ? diff_u32() : diff_below(3);
		op.status_frames.dom = diff_domid_self();
		op.status_frames.frame_list.q = diff_place_list(c, frames, sizeof(frames));
		size = sizeof(op.status_frames);
		break;
	case GNTTABOP_get_version:
		op.get_version.dom = diff_domid_self();
		size = sizeof(op.get_version);
		break;
	case GNTTABOP_map_grant_ref:
		draw_map(&op.map);
		size = sizeof(op.map);
		break;
	case GNTTABOP_unmap_grant_ref:
		op.unmap.handle = diff_take_handle(&op.unmap.host_addr);
		op.unmap.dev_bus_addr = 0;
		if (diff_one_in(8)) {
			/*
			 * Where something else is mapped. Where nothing is, or another grant of the page, Xen is
			 * content; Tenon knows where each has been mapped, and refuses.
			 */
			op.unmap.host_addr = diff_one_in(4) ? 0 : (uintptr_t)diff_runstate_page;
		}
		size = sizeof(op.unmap);
		break;
	case GNTTABOP_unmap_and_replace:
		op.replace.handle = diff_take_handle(&op.replace.host_addr);
		op.replace.new_addr = diff_one_in(2) ? diff_u64() : 0;
		size = sizeof(op.replace);
		break;
	case GNTTABOP_swap_grant_ref:
		op.swap.ref_a = diff_gref();
		op.swap.ref_b = diff_gref();
		size = sizeof(op.swap);
		break;
	case GNTTABOP_copy:
		draw_copy(&op.copy);
		size = sizeof(op.copy);
		break;
	case GNTTABOP_cache_flush:
		op.flush.op = diff_one_in(8) ? diff_u32() : diff_below(4);
		op.flush.offset = (uint16_t)diff_u64();
		op.flush.length = (uint16_t)diff_u64();
		size = sizeof(op.flush);
		break;
	default:
		break;
	}
	/* A handle that the caller cannot be told stays in Xen; Tenon takes the mapping back. */
	do {
		diff_place(c, &op, size);
	} while (command == GNTTABOP_map_grant_ref && c->readable && !c->writable);
	c->args[0] = diff_command(diff_one_in(60) ? command | UINT32_C(1) << (12 + diff_below(20))
						  : command);
	c->args[2] = diff_one_in(8) ? diff_u64() & ~UINT64_C(0x7fffff00) : 1;
	/* Further entries would be whatever is in memory, and not what can be compared. */
	if (only_one && (int32_t)c->args[2] > 1) {
		c->args[2] = 1;
	}
}

/* ---- xen_version, hvm_op, vcpu_op, sched_op ------------------------------------------------------- */

static void make_version(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(XENVER_version),      OPERATION(XENVER_extraversion),
		OPERATION(XENVER_compile_info), OPERATION(XENVER_capabilities),
		OPERATION(XENVER_changeset),    OPERATION(XENVER_platform_parameters),
		OPERATION(XENVER_get_features), OPERATION(XENVER_pagesize),
		OPERATION(XENVER_guest_handle), OPERATION(XENVER_commandline),
		OPERATION(XENVER_build_id),
	};
	uint64_t words[2] = {diff_below(4), diff_u64()};
	uint32_t command = draw(c, operations, ARRAY_SIZE(operations));

	/* Texts are longer than what is put there: they stay within the slot, or end beyond the window. */
	diff_place(c, words, command == XENVER_build_id ? 4 : sizeof(words));
	c->args[0] = diff_command(command);
	if (diff_one_in(4)) {
		c->args[1] = 0;
	}
}

static void make_hvm(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(HVMOP_set_param),    OPERATION(HVMOP_get_param),
		OPERATION(HVMOP_set_param),    OPERATION(HVMOP_get_param),
		OPERATION(HVMOP_flush_tlbs),   OPERATION(HVMOP_get_time),
		OPERATION(HVMOP_get_mem_type), {23, "HVMOP_set_evtchn_upcall_vector"},
		{25, "HVMOP_altp2m"},
	};
	static const uint32_t parameters[] = {0,  1,  2,  3,  5,  6,  12, 17,        18,
					      19, 27, 28, 29, 37, 38, 39, 0xffffffff};
	struct xen_hvm_param op = {
		.domid = diff_domid_self(),
		.pad = (uint16_t)(diff_one_in(8) ? diff_u64() : 0),
		.index = DIFF_PICK(parameters),
		.value = diff_u64(),
	};

	c->args[0] = diff_command(draw(c, operations, ARRAY_SIZE(operations)));
	if (diff_one_in(16)) {
		op.index = diff_u32();
	}
	diff_place(c, &op, sizeof(op));
}

static void make_vcpu(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(VCPUOP_initialise),
		OPERATION(VCPUOP_up),
		OPERATION(VCPUOP_down),
		OPERATION(VCPUOP_is_up),
		OPERATION(VCPUOP_get_runstate_info),
		OPERATION(VCPUOP_register_runstate_memory_area),
		OPERATION(VCPUOP_register_runstate_memory_area),
		OPERATION(VCPUOP_set_periodic_timer),
		OPERATION(VCPUOP_stop_periodic_timer),
		OPERATION(VCPUOP_set_singleshot_timer),
		OPERATION(VCPUOP_stop_singleshot_timer),
		OPERATION(VCPUOP_register_vcpu_info),
		OPERATION(VCPUOP_register_vcpu_info),
		OPERATION(VCPUOP_send_nmi),
		OPERATION(VCPUOP_get_physid),
		OPERATION(VCPUOP_register_vcpu_time_memory_area),
	};
	union {
		struct vcpu_register_vcpu_info info;
		uint64_t words[2];
	} op = {.words = {diff_u64(), diff_u64()}};
	uint32_t command = draw(c, operations, ARRAY_SIZE(operations));
	size_t size = sizeof(op);

	if (command == VCPUOP_register_runstate_memory_area) {
		/* Xen looks at the address later, at each switch: one that is bad has no result there. */
		op.words[0] =
			diff_one_in(8) ? 0 : (uintptr_t)diff_runstate_page + 64 * diff_below(32);
		size = 8;
	} else if (command == VCPUOP_register_vcpu_info) {
		op.info.mfn = diff_gfn();
		op.info.offset = diff_one_in(2) ? diff_u32() : 64 * diff_below(63);
	}
	diff_place(c, &op, size);
	c->args[0] = diff_command(command);
	c->args[2] = c->args[1];
	c->args[1] = diff_vcpu();
}

static void make_poll(struct diff_call *c)
{
	evtchn_port_t ports[8];
	struct sched_poll op = {
		.nr_ports = diff_one_in(16) ? diff_u32() : diff_below(ARRAY_SIZE(ports) + 1),
		/* Long over. */
		.timeout = 1 + diff_below(1000),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = diff_one_in(20) ? diff_port() : 1 + diff_below(6);
	}
	op.ports.q = diff_place_list(c, ports, sizeof(ports));
	diff_place(c, &op, sizeof(op));
}

static void make_sched(struct diff_call *c)
{
	static const struct operation operations[] = {
		OPERATION(SCHEDOP_yield),         OPERATION(SCHEDOP_block),
		OPERATION(SCHEDOP_poll),          OPERATION(SCHEDOP_poll),
		OPERATION(SCHEDOP_poll),          OPERATION(SCHEDOP_remote_shutdown),
		OPERATION(SCHEDOP_shutdown_code), OPERATION(SCHEDOP_watchdog),
		OPERATION(SCHEDOP_pin_override),
	};
	struct sched_remote_shutdown remote = {.domain_id = diff_domid(), .reason = diff_u32()};
	struct sched_shutdown shutdown = {.reason = diff_u32()};
	struct sched_watchdog watchdog = {
		.id = diff_one_in(4) ? diff_u32() : diff_below(4),
		.timeout = 100000 + diff_u32() % 100000,
	};
	struct sched_pin_override pin = {.pcpu = (int32_t)diff_u32()};
	uint32_t command = draw(c, operations, ARRAY_SIZE(operations));

	switch (command) {
	case SCHEDOP_poll:
		make_poll(c);
		if (c->inner) {
			/* In a multicall Xen does not always come back. */
			command = SCHEDOP_yield;
			c->name = "SCHEDOP_yield";
		}
		break;
	case SCHEDOP_remote_shutdown:
		/* Nobody's business, its own end least of all. */
		diff_place(c, &remote, sizeof(remote));
		break;
	case SCHEDOP_shutdown_code:
		diff_place(c, &shutdown, sizeof(shutdown));
		break;
	case SCHEDOP_watchdog:
		/* A new one, of no time at all, would fire at once. */
		if (watchdog.id != 0 && diff_one_in(2)) {
			watchdog.timeout = 0;
		}
		diff_place(c, &watchdog, sizeof(watchdog));
		break;
	case SCHEDOP_pin_override:
		diff_place(c, &pin, sizeof(pin));
		break;
	default:
		c->args[1] = diff_u64();
		break;
	}
	c->args[0] = diff_command(command);
}

/* ---- the rest ------------------------------------------------------------------------------------- */

static void make_console(struct diff_call *c)
{
	static const struct operation operations[] = {OPERATION(CONSOLEIO_write),
						      OPERATION(CONSOLEIO_read)};
	static const char text[8] = "........";

	c->args[0] = diff_command(draw(c, operations, ARRAY_SIZE(operations)));
	c->args[2] = diff_place_list(c, text, sizeof(text));
	c->args[1] = diff_one_in(20) ? diff_below(8) : 0;
	if (c->args[0] == CONSOLEIO_read && diff_one_in(4)) {
		c->args[1] = diff_u64();
	}
}

static void make_assist(struct diff_call *c)
{
	static const struct operation operations[] = {OPERATION(VMASST_CMD_enable),
						      OPERATION(VMASST_CMD_disable)};

	c->args[0] = diff_command(draw(c, operations, ARRAY_SIZE(operations)));
	c->args[1] = diff_one_in(2) ? VMASST_TYPE_runstate_update_flag : diff_u64();
}

/* domctl, sysctl, platform_op: not for an unprivileged domain, whatever it asks. */
static void make_control(struct diff_call *c)
{
	static const uint32_t versions[] = {0x15, 0x14, 0x17, 0x03000001, 0};
	uint32_t words[32] = {diff_below(90), DIFF_PICK(versions), diff_domid()};

	for (unsigned int i = 3; i < 16; i++) {
		words[i] = diff_u32();
	}
	c->name = c->number == __HYPERVISOR_domctl ? "domctl"
		: c->number == __HYPERVISOR_sysctl ? "sysctl"
						   : "platform_op";
	if (c->number == __HYPERVISOR_platform_op && diff_one_in(2)) {
		words[0] = XENPF_settime64;
	}
	diff_place(c, words, sizeof(words));
	c->args[0] = c->args[1];
	c->args[1] = diff_u64();
}

static void make_physdev(struct diff_call *c)
{
	uint64_t words[8] = {diff_u64(), diff_u64(), diff_u64(), diff_u64()};

	c->name = "physdev_op";
	diff_place(c, words, sizeof(words));
	c->args[0] = diff_command(diff_below(40));
}

/* Numbers that are x86's, removed, options of Xen that Debian leaves out, or nothing at all. */
static void make_unknown(struct diff_call *c)
{
	static const uint64_t numbers[] = {
		0,
		1,
		2,
		3,
		4,
		5,
		8,
		9,
		10,
		11,
		14,
		15,
		22,
		23,
		25,
		26,
		27,
		28,
		30,
		31,
		37,
		38,
		39,
		40,
		41,
		42,
		43,
		47,
		48,
		49,
		55,
		56,
		63,
		64,
		65,
		127,
		128,
		1000,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		UINT64_C(0x8000000000000000),
		~UINT64_C(0),
	};
	uint64_t words[8] = {diff_u64(), diff_u64(), diff_u64(), diff_u64()};

	c->name = "unknown number";
	c->number = DIFF_PICK(numbers);
	diff_place(c, words, sizeof(words));
	if (diff_one_in(2)) {
		c->args[0] = c->args[1];
	}
}

/* ---- which ---------------------------------------------------------------------------------------- */

static void make_multicall(struct diff_call *c);

static const struct {
	uint64_t number;
	void (*make)(struct diff_call *c);
	uint32_t weight;
	const char *only; /* the argument that asks for nothing else */
} makers[] = {
	{__HYPERVISOR_event_channel_op, make_event, 30, "events"},
	{__HYPERVISOR_memory_op, diff_make_memory_call, 24, "memory"},
	{__HYPERVISOR_grant_table_op, make_grant, 14, "grants"},
	{__HYPERVISOR_xen_version, make_version, 5, "version"},
	{__HYPERVISOR_hvm_op, make_hvm, 5, "hvm"},
	{__HYPERVISOR_vcpu_op, make_vcpu, 5, "vcpu"},
	{__HYPERVISOR_sched_op, make_sched, 6, "sched"},
	{__HYPERVISOR_console_io, make_console, 2, "console"},
	{__HYPERVISOR_vm_assist, make_assist, 1, "assist"},
	{__HYPERVISOR_physdev_op, make_physdev, 1, "physdev"},
	{__HYPERVISOR_platform_op, make_control, 1, "control"},
	{__HYPERVISOR_sysctl, make_control, 1, "control"},
	{__HYPERVISOR_domctl, make_control, 1, "control"},
	{UINT64_MAX, make_unknown, 3, "unknown"},
	{__HYPERVISOR_multicall, make_multicall, 8, "multicalls"},
};

static uint32_t weight(unsigned int i, bool inner)
{
	static bool asked, any_only;

	if (!asked) {
		for (unsigned int j = 0; j < ARRAY_SIZE(makers); j++) {
			any_only = any_only || guest_has_argument(makers[j].only);
		}
		asked = true;
	}
	if (any_only && !guest_has_argument(makers[i].only)) {
		return makers[i].number == __HYPERVISOR_multicall || !inner ? 0 : makers[i].weight;
	}
	return makers[i].weight;
}

static void make(struct diff_call *c, bool inner)
{
	uint32_t weights[ARRAY_SIZE(makers)], total = 0, drawn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		weights[i] = weight(i, inner);
		total += weights[i];
	}
	drawn = diff_below(total);
	for (i = 0; drawn >= weights[i]; i++) {
		drawn -= weights[i];
	}
	*c = (struct diff_call){.number = makers[i].number, .inner = inner};
	for (unsigned int j = 0; j < ARRAY_SIZE(c->args); j++) {
		c->args[j] = diff_u64();
	}
	makers[i].make(c);
}

struct diff_call diff_inner[DIFF_MAX_INNER];
unsigned int diff_nr_inner;

static void make_multicall(struct diff_call *c)
{
	/* Behind the last one stands one that does nothing, for a count that is one too many. */
	struct multicall_entry entries[DIFF_MAX_INNER + 1] = {0};
	unsigned int nr = diff_below(DIFF_MAX_INNER + 1);

	c->name = "multicall";
	if (c->inner) {
		c->args[0] = 0;
		c->args[1] = diff_below(2);
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		diff_use_slot(1 + i);
		make(&diff_inner[i], true);
		entries[i].op = diff_inner[i].number;
		entries[i].result = diff_u64();
		memcpy(entries[i].args, diff_inner[i].args, sizeof(diff_inner[i].args));
		entries[i].args[5] = diff_u64();
	}
	diff_nr_inner = nr;
	entries[nr].op = 999;
	diff_use_slot(0);
	c->at = diff_place_list(c, entries, (nr + 1) * sizeof(entries[0]));
	c->args[0] = c->at;
	c->args[1] = diff_one_in(20) ? nr + diff_below(2) : nr;
}

void diff_make_call(struct diff_call *c)
{
	diff_use_slot(0);
	diff_nr_inner = 0;
	make(c, false);
}
