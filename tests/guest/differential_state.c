/* SPDX-License-Identifier: MIT */
/* What the hypervisor keeps for the differential guest's domain: differential.h. */
#include "differential.h"
#include "guest_mmu.h"

/* Pages are told apart by their numbers, even and odd. */
uint8_t diff_region[DIFF_NR_REGION][4096] __aligned(8192);
uint8_t diff_runstate_page[4096] __aligned(4096);
struct grant_entry_v1 *diff_grants;

static uint8_t grant_page[4096] __aligned(4096);

/*
 * Beside the regions: near the beginning and at the end of the address space, round RAM, beyond all, and no page at all.
 * Page 0 stays empty: it is where a NULL pointer points. None is between what a guest can reach and what a table of level
 * 0 covers: Xen maps pages there, Tenon does not.
 */
const uint64_t diff_odd_gfns[] = {
	1,
	2,
	0x3ffff,
	0x80000,
	UINT64_C(0x10000000) - 1,
	UINT64_C(0x10000000),
	UINT64_C(0x1000000000),
	UINT64_C(0x10000000000000) - 1,
	UINT64_C(0x10000000000000),
	UINT64_C(0x8000000000000000),
	~UINT64_C(0) - 1,
	~UINT64_C(0),
};
const unsigned int diff_nr_odd_gfns = ARRAY_SIZE(diff_odd_gfns);

int64_t diff_memory_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

static bool map_grants(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.idx = 0,
		.gpfn = (uintptr_t)grant_page >> PAGE_SHIFT,
	};

	diff_grants = (struct grant_entry_v1 *)grant_page;
	return diff_memory_op(XENMEM_add_to_physmap, &add) == 0;
}

/*
 * Pages that lose their place (another one is put there, or the mapping is removed) stay the domain's for ever, and it
 * has a limit. So it gives back all RAM that it does not need: from 64 MiB on.
 */
#define RAM_NEEDED_BYTES UINT64_C(0x4000000)

static bool make_room(void)
{
	for (uint64_t at = RAM_NEEDED_BYTES; at < machine.ram_size;
	     at += PAGE_SIZE << DIFF_LARGE_ORDER) {
		uint64_t gfn = (machine.ram_start + at) >> PAGE_SHIFT;
		struct xen_memory_reservation reservation = {.nr_extents = 1,
							     .extent_order = DIFF_LARGE_ORDER,
							     .domid = DOMID_SELF};

		/* The device tree is at 128 MiB, or at the end. */
		set_xen_guest_handle(reservation.extent_start, &gfn);
		if (((uintptr_t)machine.fdt >> PAGE_SHIFT) - gfn >= 1u << DIFF_LARGE_ORDER &&
		    diff_memory_op(XENMEM_decrease_reservation, &reservation) != 1) {
			return false;
		}
	}
	return true;
}

/* Xen knows a port's number from when ports up to there were in use for the first time; Tenon knows them all. */
static bool use_all_ports(void)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	struct evtchn_reset reset = {.dom = DOMID_SELF};
	int64_t result;

	do {
		result = event_op(EVTCHNOP_alloc_unbound, &op);
	} while (result == 0);
	return result == -XEN_ENOSPC && op.port == DIFF_LAST_PORT &&
	       event_op(EVTCHNOP_reset, &reset) == 0;
}

bool diff_state_init(void)
{
	diff_args_init();
	return use_all_ports() && make_room() && xen_shared_info() != NULL &&
	       xen_vcpu_info(0) != NULL && xen_vcpu_info(1) != NULL && map_grants();
}

/* Takes away whatever is there: differential.h says why even pages are not given back. */
static void clear_gfn(uint64_t gfn)
{
	struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};
	struct xen_remove_from_physmap remove = {.domid = DOMID_SELF, .gpfn = gfn};

	set_xen_guest_handle(reservation.extent_start, &gfn);
	if (gfn % 2 == 0 || diff_memory_op(XENMEM_decrease_reservation, &reservation) != 1) {
		diff_memory_op(XENMEM_remove_from_physmap, &remove);
	}
}

static void populate(uint64_t gfn)
{
	struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};

	set_xen_guest_handle(reservation.extent_start, &gfn);
	diff_memory_op(XENMEM_populate_physmap, &reservation);
}

/* The large piece: page by page only when it is neither whole nor empty. */
static void clear_large(void)
{
	uint64_t gfn = DIFF_LARGE_GFN;
	struct xen_memory_reservation reservation = {.nr_extents = 1,
						     .extent_order = DIFF_LARGE_ORDER,
						     .domid = DOMID_SELF};

	set_xen_guest_handle(reservation.extent_start, &gfn);
	if (diff_memory_op(XENMEM_decrease_reservation, &reservation) == 1) {
		return;
	}
	for (uint64_t i = 0; i < UINT64_C(1) << DIFF_LARGE_ORDER; i++) {
		clear_gfn(DIFF_LARGE_GFN + i);
	}
}

void diff_events_reset(void)
{
	struct evtchn_reset reset = {.dom = DOMID_SELF};
	struct shared_info *info = xen_shared_info();

	event_op(EVTCHNOP_reset, &reset);
	memset(info->evtchn_pending, 0, sizeof(info->evtchn_pending));
	memset(info->evtchn_mask, 0, sizeof(info->evtchn_mask));
	for (unsigned int i = 0; i < 2; i++) {
		xen_vcpu_info(i)->evtchn_upcall_pending = 0;
		xen_vcpu_info(i)->evtchn_pending_sel = 0;
	}
}

/* Every batch begins with the same: no ports, half of the regions mapped, drawn by the batch's own numbers. */
void diff_state_reset(void)
{
	diff_events_reset();
	for (unsigned int i = 0; i < DIFF_NR_REGION; i++) {
		uint64_t in_ram = ((uintptr_t)diff_region >> PAGE_SHIFT) + i;

		clear_gfn(in_ram);
		clear_gfn(DIFF_HOLE_GFN + i);
		if (diff_one_in(2)) {
			populate(in_ram);
		}
		if (diff_one_in(2)) {
			populate(DIFF_HOLE_GFN + i);
		}
	}
	clear_large();
	for (unsigned int i = 0; i < diff_nr_odd_gfns; i++) {
		clear_gfn(diff_odd_gfns[i]);
	}
	for (unsigned int i = 0; i < DIFF_GRANT_ENTRIES; i++) {
		diff_grants[i] = (struct grant_entry_v1){0};
	}
	diff_args_clear();
}

void diff_state_disturb(void)
{
	struct shared_info *info = xen_shared_info();
	uint32_t port = 1 + diff_below(20);

	switch (diff_below(4)) {
	case 0:
		event_mask(port);
		break;
	case 1:
		event_unmask_quietly(port);
		break;
	case 2:
		event_clear_pending(port);
		break;
	default:
		/* As a handler of upcalls does. */
		WRITE_ONCE(xen_vcpu_info(0)->evtchn_upcall_pending, 0);
		if (diff_one_in(2)) {
			WRITE_ONCE(xen_vcpu_info(0)->evtchn_pending_sel, 0);
			WRITE_ONCE(info->evtchn_pending[0], 0);
		}
		break;
	}
}

uint64_t diff_hash(uint64_t hash, const void *data, size_t size)
{
	const uint64_t *words = data;

	for (size_t i = 0; i < size / 8; i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9fb21c651e98df25);
		hash ^= hash >> 29;
	}
	return hash;
}

static uint64_t hash_figures(uint64_t hash)
{
	domid_t self = DOMID_SELF;
	int64_t figures[2] = {diff_memory_op(XENMEM_current_reservation, &self),
			      diff_memory_op(XENMEM_maximum_gpfn, &self)};

	return diff_hash(hash, figures, sizeof(figures));
}

uint64_t diff_state_hash(uint64_t hash, const struct diff_call *c)
{
	const struct shared_info *info = xen_shared_info();

	hash = diff_hash(hash, info->evtchn_pending, sizeof(info->evtchn_pending));
	hash = diff_hash(hash, info->evtchn_mask, sizeof(info->evtchn_mask));
	for (unsigned int i = 0; i < 2; i++) {
		const struct vcpu_info *vcpu = xen_vcpu_info(i);
		uint64_t words[2] = {vcpu->evtchn_upcall_pending, vcpu->evtchn_pending_sel};

		hash = diff_hash(hash, words, sizeof(words));
	}
	hash = diff_hash(hash, diff_grants, DIFF_GRANT_ENTRIES * sizeof(*diff_grants));
	if (c->number == __HYPERVISOR_memory_op || c->number == __HYPERVISOR_multicall) {
		hash = hash_figures(hash);
	}
	return diff_args_hash(hash);
}
