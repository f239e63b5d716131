/* SPDX-License-Identifier: MIT */
/* What the hypervisor keeps for the differential guest's domain: differential.h. */
#include "differential.h"
#include "guest_mmu.h"

/*
 * Pages whose numbers are in arguments. Those of the region are told apart by their numbers, even and odd. dom0 is
 * elsewhere in each machine's RAM, so it has them where both have given it some.
 */
#define PAGE_RUNSTATE  DIFF_NR_REGION
#define PAGE_COPY      (DIFF_NR_REGION + 1)
#define PAGE_ARRAY     (DIFF_NR_REGION + 2)
#define PAGE_GRANTS    (DIFF_NR_REGION + 3)
#define NR_OWN_PAGES   (DIFF_NR_REGION + 4)
#define DOM0_OWN_PAGES UINT64_C(0x5c000000)
static uint8_t own_pages[NR_OWN_PAGES][4096] __aligned(8192);

uint8_t *diff_region = own_pages[0];
uint8_t *diff_runstate_page = own_pages[PAGE_RUNSTATE];
uint8_t *diff_copy_page = own_pages[PAGE_COPY];
uint8_t *diff_array_page = own_pages[PAGE_ARRAY];
struct grant_entry_v1 *diff_grants;

static uint8_t *grant_page = own_pages[PAGE_GRANTS];

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

/* At the first ones dom0 has devices. */
unsigned int diff_first_odd_gfn(void)
{
	return diff_is_dom0 ? 3 : 0;
}

bool diff_is_dom0;
domid_t diff_own_domid = 1, diff_other_domid = 2;
uint32_t diff_last_port = 1023;

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
	/* dom0 keeps the frames of what it gives back. */
	for (uint64_t at = RAM_NEEDED_BYTES; !diff_is_dom0 && at < machine.ram_size;
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
	struct evtchn_alloc_unbound others = {.dom = diff_other_domid, .remote_dom = DOMID_SELF};
	struct evtchn_reset reset = {.dom = DOMID_SELF};
	int64_t result;

	/* The partner's too, which stay open: only who has paused it could close them all. */
	while (diff_is_dom0 && event_op(EVTCHNOP_alloc_unbound, &others) == 0) {
	}
	do {
		result = event_op(EVTCHNOP_alloc_unbound, &op);
	} while (result == 0);
	return result == -XEN_ENOSPC && op.port == diff_last_port &&
	       event_op(EVTCHNOP_reset, &reset) == 0;
}

/* False: the pages are not all RAM of the first bank, or the guest itself is there. */
static bool be_dom0(void)
{
	uint8_t *pages = (uint8_t *)DOM0_OWN_PAGES;
	uint64_t end = DOM0_OWN_PAGES + NR_OWN_PAGES * PAGE_SIZE;

	diff_is_dom0 = true;
	diff_own_domid = 0;
	diff_other_domid = 1;
	diff_last_port = 4095;
	diff_region = pages;
	diff_runstate_page = pages + PAGE_RUNSTATE * PAGE_SIZE;
	diff_copy_page = pages + PAGE_COPY * PAGE_SIZE;
	diff_array_page = pages + PAGE_ARRAY * PAGE_SIZE;
	grant_page = pages + PAGE_GRANTS * PAGE_SIZE;
	return machine.ram_start <= DOM0_OWN_PAGES && machine.ram_start + machine.ram_size >= end &&
	       ((uintptr_t)own_pages < DOM0_OWN_PAGES - 0x1000000 ||
		(uintptr_t)own_pages > end + 0x1000000);
}

bool diff_state_init(void)
{
	diff_args_init();
	if (guest_has_argument("dom0")) {
		if (!be_dom0()) {
			print("INFO RAM at %#lx, %#lx bytes\n", machine.ram_start, machine.ram_size);
			return false;
		}
	}
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

/*
 * Grants that are mapped. The two number their handles in their own ways, so calls name one by its place here: the real
 * handle is put in before the call, and the place afterwards.
 */
#define NR_ALL_HANDLES 1024

static struct {
	grant_handle_t handle;
	uint64_t at;
	bool live;
} places[DIFF_NR_HANDLES];
static uint32_t next_place;

/* To unmap what is left at the end of a batch. */
static struct {
	grant_handle_t handle;
	uint64_t at;
} mapped[NR_ALL_HANDLES];
static uint32_t nr_mapped;

grant_handle_t diff_take_handle(uint64_t *at)
{
	uint32_t place = diff_below(DIFF_NR_HANDLES);

	*at = places[place].at;
	if (diff_one_in(8) || !places[place].live) {
		/* None, in either. */
		return 0x40000000 | diff_u32();
	}
	/* Once: the number may be another one's afterwards. */
	places[place].live = false;
	return places[place].handle;
}

/* The number in memory becomes the place, and machine addresses, which are each hypervisor's own, nothing. */
static void note_map(uint64_t at)
{
	struct gnttab_map_grant_ref map;
	uint32_t place = next_place % DIFF_NR_HANDLES;

	if (!diff_args_read(at, &map, sizeof(map)) || map.status != GNTST_okay ||
	    nr_mapped == NR_ALL_HANDLES) {
		return;
	}
	next_place++;
	places[place].handle = map.handle;
	places[place].at = map.host_addr;
	places[place].live = true;
	mapped[nr_mapped].handle = map.handle;
	mapped[nr_mapped++].at = map.host_addr;
	map.handle = place;
	map.dev_bus_addr = 0;
	diff_args_write(at, &map, sizeof(map));
}

void diff_note_mapping(const struct diff_call *c)
{
	grant_handle_t none = 0;

	if (c->number != __HYPERVISOR_grant_table_op || c->at == 0) {
		return;
	}
	/* The first one also when nothing is to be done. */
	for (uint64_t i = 0; i < MAX(1u, MIN((uint32_t)c->args[2], 8u)); i++) {
		switch ((uint32_t)c->args[0]) {
		case GNTTABOP_map_grant_ref:
			note_map(c->at + i * sizeof(struct gnttab_map_grant_ref));
			break;
		case GNTTABOP_unmap_grant_ref:
			diff_args_write(c->at + i * sizeof(struct gnttab_unmap_grant_ref) +
						offsetof(struct gnttab_unmap_grant_ref, handle),
					&none, sizeof(none));
			break;
		case GNTTABOP_unmap_and_replace:
			diff_args_write(c->at + i * sizeof(struct gnttab_unmap_and_replace) +
						offsetof(struct gnttab_unmap_and_replace, handle),
					&none, sizeof(none));
			break;
		}
	}
}

static void unmap_all(void)
{
	for (uint32_t i = 0; i < nr_mapped; i++) {
		struct gnttab_unmap_grant_ref unmap = {.host_addr = mapped[i].at,
						       .handle = mapped[i].handle};

		hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (uintptr_t)&unmap,
			  1, 0, 0);
	}
	nr_mapped = 0;
	next_place = 0;
	memset(places, 0, sizeof(places));
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
	diff_events_are_2l();
	memset(info->evtchn_pending, 0, sizeof(info->evtchn_pending));
	memset(info->evtchn_mask, 0, sizeof(info->evtchn_mask));
	for (unsigned int i = 0; i < 2; i++) {
		xen_vcpu_info(i)->evtchn_upcall_pending = 0;
		xen_vcpu_info(i)->evtchn_pending_sel = 0;
	}
}

/* A grant of the page for copies, of one that is not there, or none that is good. */
static void draw_grant(struct grant_entry_v1 *entry)
{
	static const uint16_t flags[] = {GTF_permit_access, GTF_permit_access,
					 GTF_permit_access, GTF_permit_access | GTF_readonly,
					 GTF_invalid,       GTF_accept_transfer};
	uint64_t gfn = diff_one_in(4) ? DIFF_LARGE_GFN - 1 : (uintptr_t)diff_copy_page >> PAGE_SHIFT;

	*entry = (struct grant_entry_v1){
		.flags = DIFF_PICK(flags),
		.domid = diff_one_in(4) ? diff_domid() : diff_own_domid,
		.frame = (uint32_t)gfn,
	};
}

/* Every batch begins with the same: no ports, half of the regions mapped, drawn by the batch's own numbers. */
void diff_state_reset(void)
{
	diff_events_reset();
	for (unsigned int i = 0; i < DIFF_NR_REGION; i++) {
		clear_gfn(((uintptr_t)diff_region >> PAGE_SHIFT) + i);
		clear_gfn(DIFF_HOLE_GFN + i);
	}
	for (unsigned int i = diff_first_odd_gfn(); i < diff_nr_odd_gfns; i++) {
		clear_gfn(diff_odd_gfns[i]);
	}
	/* Of these nothing is mapped any more: where something else was, a grant would stay in use for ever. */
	unmap_all();
	for (unsigned int i = 0; i < DIFF_NR_REGION; i++) {
		if (diff_one_in(2)) {
			populate(((uintptr_t)diff_region >> PAGE_SHIFT) + i);
		}
		if (diff_one_in(2)) {
			populate(DIFF_HOLE_GFN + i);
		}
	}
	clear_large();
	for (unsigned int i = 0; i < DIFF_GRANT_ENTRIES; i++) {
		draw_grant(&diff_grants[i]);
	}
	memset(diff_copy_page, 0x5a, PAGE_SIZE);
	diff_args_clear();
}

void diff_state_disturb(void)
{
	struct shared_info *info = xen_shared_info();
	uint32_t port = 1 + diff_below(20);

	if (diff_one_in(64)) {
		diff_events_switch();
		return;
	}
	if (diff_one_in(2)) {
		diff_fifo_disturb(port);
		return;
	}
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
	domid_t self = DOMID_SELF, other = diff_other_domid;
	/* Others' are dom0's to know. */
	int64_t figures[4] = {diff_memory_op(XENMEM_current_reservation, &self),
			      diff_memory_op(XENMEM_maximum_gpfn, &self),
			      diff_memory_op(XENMEM_current_reservation, &other),
			      diff_memory_op(XENMEM_maximum_gpfn, &other)};

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
	hash = diff_fifo_hash(hash, false);
	hash = diff_hash(hash, diff_grants, DIFF_GRANT_ENTRIES * sizeof(*diff_grants));
	if (c->number == __HYPERVISOR_grant_table_op || c->number == __HYPERVISOR_multicall) {
		hash = diff_hash(hash, diff_copy_page, PAGE_SIZE);
	}
	if (c->number == __HYPERVISOR_memory_op || c->number == __HYPERVISOR_multicall) {
		hash = hash_figures(hash);
	}
	return diff_args_hash(hash);
}
