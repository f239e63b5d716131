/* SPDX-License-Identifier: MIT */
/*
 * One random call: differential.h. What is not drawn, and why:
 *
 * - SCHEDOP_shutdown and watchdogs that fire within the run: the stream would end;
 * - SCHEDOP_poll without a time-out, and block without a timer to wake the vCPU: it would not go on;
 * - the compatibility calls 6, 16 and 19, which Tenon does not have (docs/abi.md);
 * - more than a few characters for the console, which is the guest's own way to report.
 */
#include "differential.h"
#include "guest_gic.h"

uint32_t diff_draw_unknown(struct diff_call *c, const struct diff_operation *table,
			   unsigned int size, uint32_t limit)
{
	uint32_t number;
	bool known;

	c->name = "unknown operation";
	do {
		number = diff_below(limit);
		known = false;
		for (unsigned int i = 0; i < size; i++) {
			known = known || table[i].number == number;
		}
	} while (known);
	return number;
}

uint32_t diff_draw(struct diff_call *c, const struct diff_operation *table, unsigned int size)
{
	const struct diff_operation *chosen = &table[diff_below(size)];

	if (diff_one_in(40) || chosen->name == NULL) {
		return diff_draw_unknown(c, table, size, diff_one_in(4) ? 240 : 64);
	}
	c->name = chosen->name;
	return chosen->number;
}

/* ---- xen_version, hvm_op, vcpu_op, sched_op ------------------------------------------------------- */

static void make_version(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(XENVER_version),      DIFF_OPERATION(XENVER_extraversion),
		DIFF_OPERATION(XENVER_compile_info), DIFF_OPERATION(XENVER_capabilities),
		DIFF_OPERATION(XENVER_changeset),    DIFF_OPERATION(XENVER_platform_parameters),
		DIFF_OPERATION(XENVER_get_features), DIFF_OPERATION(XENVER_pagesize),
		DIFF_OPERATION(XENVER_guest_handle), DIFF_OPERATION(XENVER_commandline),
		DIFF_OPERATION(XENVER_build_id),
	};
	uint64_t words[2] = {diff_below(4), diff_u64()};
	uint32_t command = diff_draw(c, operations, ARRAY_SIZE(operations));

	/* dom0: Xen has an identifier of its build. Texts of 1024 bytes are zeroes in other entries' arguments: a watchdog's. */
	if ((diff_is_dom0 && command == XENVER_build_id) ||
	    (c->inner && (command == XENVER_capabilities || command == XENVER_commandline))) {
		command = XENVER_pagesize;
		c->name = "XENVER_pagesize";
	}
	/* Texts are longer than what is put there: they stay within the slot, or end beyond the window. */
	diff_place(c, words, command == XENVER_build_id ? 4 : sizeof(words));
	c->args[0] = diff_command(command);
	if (diff_one_in(4)) {
		c->args[1] = 0;
	}
}

static void make_hvm(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(HVMOP_set_param),
		DIFF_OPERATION(HVMOP_get_param),
		DIFF_OPERATION(HVMOP_set_param),
		DIFF_OPERATION(HVMOP_get_param),
		DIFF_OPERATION(HVMOP_set_param),
		DIFF_OPERATION(HVMOP_get_param),
		DIFF_OPERATION(HVMOP_flush_tlbs),
		DIFF_OPERATION(HVMOP_get_time),
		DIFF_OPERATION(HVMOP_xentrace),
		DIFF_OPERATION(HVMOP_get_mem_type),
		DIFF_OPERATION(HVMOP_guest_request_vm_event),
		/* Of these the headers have the names for x86 only, or no more. */
		{2, "HVMOP_set_pci_intx_level"},
		{3, "HVMOP_set_isa_irq_level"},
		{4, "HVMOP_set_pci_link_route"},
		{9, "HVMOP_pagetable_dying"},
		{12, "HVMOP_set_mem_access"},
		{13, "HVMOP_get_mem_access"},
		{23, "HVMOP_set_evtchn_upcall_vector"},
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

	c->args[0] = diff_command(diff_draw(c, operations, ARRAY_SIZE(operations)));
	if (diff_one_in(16)) {
		op.index = diff_u32();
	}
	diff_place(c, &op, sizeof(op));
}

static void make_vcpu(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(VCPUOP_initialise),
		DIFF_OPERATION(VCPUOP_up),
		DIFF_OPERATION(VCPUOP_down),
		DIFF_OPERATION(VCPUOP_is_up),
		DIFF_OPERATION(VCPUOP_get_runstate_info),
		DIFF_OPERATION(VCPUOP_register_runstate_memory_area),
		DIFF_OPERATION(VCPUOP_register_runstate_memory_area),
		DIFF_OPERATION(VCPUOP_set_periodic_timer),
		DIFF_OPERATION(VCPUOP_stop_periodic_timer),
		DIFF_OPERATION(VCPUOP_set_singleshot_timer),
		DIFF_OPERATION(VCPUOP_stop_singleshot_timer),
		DIFF_OPERATION(VCPUOP_register_vcpu_info),
		DIFF_OPERATION(VCPUOP_register_vcpu_info),
		DIFF_OPERATION(VCPUOP_send_nmi),
		DIFF_OPERATION(VCPUOP_get_physid),
		DIFF_OPERATION(VCPUOP_register_vcpu_time_memory_area),
	};
	union {
		struct vcpu_register_vcpu_info info;
		uint64_t words[2];
	} op = {.words = {diff_u64(), diff_u64()}};
	uint32_t command = diff_draw(c, operations, ARRAY_SIZE(operations));
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
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(SCHEDOP_yield),         DIFF_OPERATION(SCHEDOP_block),
		DIFF_OPERATION(SCHEDOP_poll),          DIFF_OPERATION(SCHEDOP_poll),
		DIFF_OPERATION(SCHEDOP_poll),          DIFF_OPERATION(SCHEDOP_remote_shutdown),
		DIFF_OPERATION(SCHEDOP_shutdown_code), DIFF_OPERATION(SCHEDOP_watchdog),
		DIFF_OPERATION(SCHEDOP_pin_override),  {SCHEDOP_shutdown, NULL},
	};
	struct sched_remote_shutdown remote;
	struct sched_shutdown shutdown = {.reason = diff_u32()};
	struct sched_watchdog watchdog = {
		.id = diff_one_in(4) ? diff_u32() : diff_below(4),
		.timeout = 100000 + diff_u32() % 100000,
	};
	struct sched_pin_override pin = {.pcpu = (int32_t)diff_u32()};
	uint32_t command = diff_draw(c, operations, ARRAY_SIZE(operations));

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
		/* Its padding too is what is drawn. */
		memset(&remote, 0, sizeof(remote));
		remote.domain_id = diff_domid_of_nobody();
		remote.reason = diff_u32();
		diff_place(c, &remote, sizeof(remote));
		break;
	case SCHEDOP_shutdown_code:
		diff_place(c, &shutdown, sizeof(shutdown));
		break;
	case SCHEDOP_watchdog:
		if (c->inner) {
			/* An entry before it may have written zeroes over it: it would fire at once. */
			command = SCHEDOP_yield;
			c->name = "SCHEDOP_yield";
			break;
		}
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
	static const struct diff_operation operations[] = {DIFF_OPERATION(CONSOLEIO_write),
							   DIFF_OPERATION(CONSOLEIO_read)};
	static const char text[8] = "........";

	c->args[0] = diff_command(diff_draw(c, operations, ARRAY_SIZE(operations)));
	c->args[2] = diff_place_list(c, text, sizeof(text));
	c->args[1] = diff_one_in(20) ? diff_below(8) : 0;
	if (c->args[0] == CONSOLEIO_read && diff_one_in(4)) {
		c->args[1] = diff_u64();
	}
}

static void make_assist(struct diff_call *c)
{
	static const struct diff_operation operations[] = {DIFF_OPERATION(VMASST_CMD_enable),
							   DIFF_OPERATION(VMASST_CMD_disable)};

	c->args[0] = diff_command(diff_draw(c, operations, ARRAY_SIZE(operations)));
	c->args[1] = diff_one_in(2) ? VMASST_TYPE_runstate_update_flag : diff_u64();
}

/*
 * domctl, sysctl, platform_op: not for an unprivileged domain, whatever it asks. dom0 asks for other versions of the first
 * two only.
 */
static void make_control(struct diff_call *c)
{
	static const uint32_t versions[] = {0x15, 0x15, 0x15, 0x14, 0x17, 0x03000001, 0};
	/* Of which Xen looks at more than who asks. */
	static const uint32_t domctls[] = {
		XEN_DOMCTL_iomem_permission,  XEN_DOMCTL_memory_mapping,
		XEN_DOMCTL_irq_permission,    XEN_DOMCTL_ioport_mapping,
		XEN_DOMCTL_ioport_permission, XEN_DOMCTL_bind_pt_irq,
		XEN_DOMCTL_unbind_pt_irq,     XEN_DOMCTL_get_device_group,
		XEN_DOMCTL_set_target,        XEN_DOMCTL_getdomaininfo,
		XEN_DOMCTL_assign_device,     XEN_DOMCTL_vm_event_op,
	};
	uint32_t words[32] = {diff_below(90), DIFF_PICK(versions), diff_domid()};

	if (diff_is_dom0 && c->number != __HYPERVISOR_platform_op && words[1] == versions[0]) {
		words[1]--;
	}
	for (unsigned int i = 3; i < 16; i++) {
		words[i] = diff_u32();
	}
	if (c->number == __HYPERVISOR_domctl && diff_one_in(3)) {
		words[0] = DIFF_PICK(domctls);
	}
	if (words[0] == XEN_DOMCTL_vm_event_op && words[4] == XEN_VM_EVENT_GET_VERSION) {
		/* Which Xen tells everybody. */
		words[4]++;
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

/* x86's, removed, or options of Xen that Debian leaves out. */
static const uint64_t others_numbers[] = {
	__HYPERVISOR_set_trap_table,
	__HYPERVISOR_mmu_update,
	__HYPERVISOR_set_gdt,
	__HYPERVISOR_stack_switch,
	__HYPERVISOR_set_callbacks,
	__HYPERVISOR_fpu_taskswitch,
	__HYPERVISOR_set_debugreg,
	__HYPERVISOR_get_debugreg,
	__HYPERVISOR_update_descriptor,
	__HYPERVISOR_update_va_mapping,
	__HYPERVISOR_set_timer_op,
	__HYPERVISOR_update_va_mapping_otherdomain,
	__HYPERVISOR_iret,
	__HYPERVISOR_set_segment_base,
	__HYPERVISOR_mmuext_op,
	__HYPERVISOR_xsm_op,
	__HYPERVISOR_nmi_op,
	__HYPERVISOR_callback_op,
	__HYPERVISOR_xenoprof_op,
	__HYPERVISOR_kexec_op,
	__HYPERVISOR_tmem_op,
	__HYPERVISOR_argo_op,
	__HYPERVISOR_xenpmu_op,
	__HYPERVISOR_dm_op,
	__HYPERVISOR_hypfs_op,
};

static bool has_maker(uint64_t number);

/* Nobody's, or one of the above. */
static uint64_t draw_number(void)
{
	static const uint64_t large[] = {
		64,           65,         127,
		128,          1000,       0x7fffffff,
		0x80000000,   0xffffffff, UINT64_C(0x8000000000000000),
		~UINT64_C(0),
	};
	uint64_t number;

	switch (diff_below(5)) {
	case 0:
		return DIFF_PICK(large);
	case 1:
		do {
			number = diff_below(64);
		} while (has_maker(number) || number == 6 || number == 16 || number == 19);
		return number;
	default:
		return DIFF_PICK(others_numbers);
	}
}

static void make_unknown(struct diff_call *c)
{
	uint64_t words[8] = {diff_u64(), diff_u64(), diff_u64(), diff_u64()};

	c->name = "unknown number";
	do {
		c->number = draw_number();
		/* dom0 has that one in Xen. */
	} while (diff_is_dom0 && c->number == __HYPERVISOR_hypfs_op);
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
	{__HYPERVISOR_event_channel_op, diff_make_event_call, 30, "events"},
	{__HYPERVISOR_memory_op, diff_make_memory_call, 24, "memory"},
	{__HYPERVISOR_grant_table_op, diff_make_grant_call, 14, "grants"},
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

static bool has_maker(uint64_t number)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(makers); i++) {
		if (makers[i].number == number) {
			return true;
		}
	}
	return false;
}

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
	diff_map_of(DOMID_SELF);
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
