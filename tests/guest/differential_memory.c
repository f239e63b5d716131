/* SPDX-License-Identifier: MIT */
/*
 * Random calls of memory_op: differential.h. What changes the physical map does so in two regions of 32 pages, one in
 * RAM and one where nothing is, at a 2 MiB piece of a hole, and at a few odd page numbers.
 *
 * Not drawn: increase_reservation that could succeed. Xen takes memory that has no address and that nobody can give
 * back; Tenon gives none (docs/abi.md).
 */
#include "differential.h"

#define MAX_ENTRIES 6

/* Counts of lists that have MAX_ENTRIES entries. What is behind those is the same in both runs as well. */
static uint32_t draw_count(void)
{
	return diff_one_in(24) ? diff_u32() : diff_below(MAX_ENTRIES + 1);
}

static uint64_t draw_gfn(uint32_t command)
{
	switch (command) {
	case XENMEM_populate_physmap:
		return diff_gfn_to_populate();
	case XENMEM_decrease_reservation:
		return diff_gfn_to_give_back();
	default:
		return diff_gfn_to_map();
	}
}

/* increase_reservation, which must not succeed. */
static void spoil(struct xen_memory_reservation *op)
{
	switch (diff_below(3)) {
	case 0:
		op->nr_extents = 0;
		break;
	case 1:
		op->extent_order = 19;
		break;
	default:
		op->domid = 3;
		break;
	}
}

/* In the place for large ones, aligned or not. */
static void make_large(struct xen_memory_reservation *op, uint64_t gfns[MAX_ENTRIES])
{
	op->extent_order = diff_below(DIFF_LARGE_ORDER + 1);
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		gfns[i] = DIFF_LARGE_GFN +
			  diff_below((1u << DIFF_LARGE_ORDER) - (1u << op->extent_order) + 1);
	}
	if (op->extent_order > 5) {
		op->nr_extents = MIN(op->nr_extents, 1u);
	}
}

static void make_reservation(struct diff_call *c, uint32_t *command)
{
	uint64_t gfns[MAX_ENTRIES];
	struct xen_memory_reservation op = {
		.nr_extents = draw_count(),
		.domid = diff_domid_self(),
	};

	diff_map_of(op.domid);
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		gfns[i] = draw_gfn(*command);
	}
	/* Behind the list are page numbers that are none: diff_gfn_to_populate(). */
	if (*command == XENMEM_populate_physmap && op.nr_extents <= UINT32_MAX >> 6) {
		op.nr_extents = MIN(op.nr_extents, (xen_ulong_t)MAX_ENTRIES);
	}
	if (*command == XENMEM_increase_reservation) {
		spoil(&op);
	} else if (diff_one_in(24)) {
		make_large(&op, gfns);
	} else if (diff_one_in(40)) {
		/* More than anyone gets. */
		op.extent_order = 19 + diff_below(46);
	}
	if (diff_one_in(16)) {
		op.mem_flags = diff_one_in(2) ? XENMEMF_populate_on_demand : XENMEMF_node(0);
	}
	op.extent_start.q = diff_place_list(c, gfns, sizeof(gfns));
	diff_place(c, &op, sizeof(op));
	if (*command != XENMEM_increase_reservation && diff_one_in(12)) {
		*command |= diff_below(MAX_ENTRIES + 2) << 6;
	}
}

static uint32_t draw_space(void)
{
	static const uint32_t odd[] = {XENMAPSPACE_gmfn,
				       XENMAPSPACE_gmfn_range,
				       XENMAPSPACE_gmfn_foreign,
				       XENMAPSPACE_dev_mmio,
				       6,
				       7,
				       0x7fffffff,
				       0xffffffff};

	switch (diff_below(4)) {
	case 0:
		return DIFF_PICK(odd);
	case 1:
		return XENMAPSPACE_shared_info;
	default:
		return XENMAPSPACE_grant_table;
	}
}

/* An index of the space: a grant frame's, mostly. Of larger ones Xen drops the upper half, which must not be a good one. */
static uint64_t draw_idx(void)
{
	uint64_t idx = diff_one_in(6) ? diff_u64() : diff_below(8);

	return idx > UINT32_MAX ? idx | 0x10000 : idx;
}

/* Not where grants are: Xen takes the device away when the grant is unmapped that was there before; Tenon refuses. */
static uint64_t draw_place(uint32_t space)
{
	uint64_t gfn = diff_gfn_for_grants();

	return space == XENMAPSPACE_dev_mmio ? gfn | 1 : gfn;
}

static void make_add(struct diff_call *c)
{
	struct xen_add_to_physmap op = {
		.domid = diff_domid_self(),
		.size = (uint16_t)(diff_one_in(4) ? diff_u64() : 0),
		.space = draw_space(),
		.idx = draw_idx(),
	};

	diff_map_of(op.domid);
	op.gpfn = draw_place(op.space);
	if (op.space == XENMAPSPACE_shared_info && !diff_one_in(4)) {
		op.idx = 0;
	}
	diff_place(c, &op, sizeof(op));
}

/*
 * The partner's page number: its RAM, mostly. Not twice in a row at the same page: in Xen 4.17 a frame that is mapped where it
 * is mapped already has one reference more that nobody drops.
 */
static uint64_t draw_foreign_idx(uint64_t gfn)
{
	static uint16_t last[256];
	uint16_t *place = &last[gfn % ARRAY_SIZE(last)];
	uint64_t idx;

	do {
		idx = diff_one_in(4) ? diff_gfn_to_map()
				     : DIFF_PARTNER_GFN + diff_below(DIFF_NR_REGION);
	} while ((uint16_t)idx == *place);
	*place = (uint16_t)idx;
	return idx;
}

static void make_batch(struct diff_call *c)
{
	uint64_t idxs[MAX_ENTRIES], gfns[MAX_ENTRIES];
	int32_t errs[MAX_ENTRIES] = {77, 77, 77, 77, 77, 77};
	struct xen_add_to_physmap_batch op = {
		.domid = diff_domid_self(),
		.space = (uint16_t)draw_space(),
		.size = (uint16_t)draw_count(),
		.u = {.foreign_domid = diff_one_in(3) ? 0 : diff_domid()},
	};
	/* Three lists in one slot, one of which may be in a bad place. */
	uint8_t lists[sizeof(idxs) + sizeof(gfns) + sizeof(errs)];
	uint64_t at;

	if (diff_is_dom0 && (op.space == XENMAPSPACE_gmfn_foreign || diff_one_in(3))) {
		op.space = XENMAPSPACE_gmfn_foreign;
		op.domid = diff_one_in(12) ? diff_domid_of_nobody() : DOMID_SELF;
		op.u.foreign_domid = diff_one_in(6) ? diff_domid() : diff_other_domid;
	}
	diff_map_of(op.domid);
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		gfns[i] = diff_one_in(16) ? ~UINT64_C(0) : draw_place(op.space);
		idxs[i] = op.space == XENMAPSPACE_gmfn_foreign ? draw_foreign_idx(gfns[i])
							       : draw_idx();
	}
	memcpy(lists, idxs, sizeof(idxs));
	memcpy(lists + sizeof(idxs), gfns, sizeof(gfns));
	memcpy(lists + sizeof(idxs) + sizeof(gfns), errs, sizeof(errs));
	at = diff_place_list(c, lists, sizeof(lists));
	op.idxs.q = at;
	op.gpfns.q = at + sizeof(idxs);
	op.errs.q = at + sizeof(idxs) + sizeof(gfns);
	op.size = MIN(op.size, (uint16_t)MAX_ENTRIES);
	diff_place(c, &op, sizeof(op));
}

static void make_remove(struct diff_call *c)
{
	struct xen_remove_from_physmap op = {.domid = diff_domid_self()};

	diff_map_of(op.domid);
	op.gpfn = diff_gfn_to_map();
	diff_place(c, &op, sizeof(op));
}

static void make_acquire(struct diff_call *c)
{
	uint64_t gfns[MAX_ENTRIES];
	struct xen_mem_acquire_resource op = {
		.domid = diff_domid(),
		.type = (uint16_t)diff_below(4),
		.id = diff_below(3),
		.nr_frames = draw_count(),
		.pad = diff_one_in(6) ? diff_u32() : 0,
		.frame = diff_one_in(6) ? diff_u64() : diff_below(4),
	};

	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		gfns[i] = diff_gfn_to_map();
	}
	if (diff_is_dom0 && op.type == 3) {
		/* Xen tells a size for a kind that there is not. */
		op.nr_frames |= 1;
	}
	op.frame_list.q = diff_one_in(4) ? 0 : diff_place_list(c, gfns, sizeof(gfns));
	diff_place(c, &op, sizeof(op));
}

static void make_claim(struct diff_call *c)
{
	struct xen_memory_reservation op = {
		.extent_start = {.q = diff_one_in(4) ? diff_u64() : 0},
		.nr_extents = diff_one_in(2) ? diff_u64() : diff_below(10),
		.extent_order = diff_one_in(4) ? diff_u32() : 0,
		.mem_flags = diff_one_in(4) ? diff_u32() : 0,
		.domid = diff_domid(),
	};

	diff_place(c, &op, sizeof(op));
}

static void make_other(struct diff_call *c)
{
	uint64_t words[8];

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = diff_u64();
	}
	words[0] = words[0] << 16 | diff_domid();
	diff_place(c, words, sizeof(words));
}

/* current_reservation and its like: a domain id. */
static void make_figure(struct diff_call *c)
{
	struct xen_memory_domain op = {.domid = diff_domid_self()};

	diff_place(c, &op, sizeof(op));
}

void diff_make_memory_call(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(XENMEM_increase_reservation),
		DIFF_OPERATION(XENMEM_decrease_reservation),
		DIFF_OPERATION(XENMEM_decrease_reservation),
		DIFF_OPERATION(XENMEM_populate_physmap),
		DIFF_OPERATION(XENMEM_populate_physmap),
		DIFF_OPERATION(XENMEM_add_to_physmap),
		DIFF_OPERATION(XENMEM_add_to_physmap),
		DIFF_OPERATION(XENMEM_add_to_physmap_batch),
		DIFF_OPERATION(XENMEM_add_to_physmap_batch),
		DIFF_OPERATION(XENMEM_remove_from_physmap),
		DIFF_OPERATION(XENMEM_remove_from_physmap),
		DIFF_OPERATION(XENMEM_current_reservation),
		DIFF_OPERATION(XENMEM_maximum_reservation),
		DIFF_OPERATION(XENMEM_maximum_gpfn),
		DIFF_OPERATION(XENMEM_maximum_ram_page),
		DIFF_OPERATION(XENMEM_get_sharing_freed_pages),
		DIFF_OPERATION(XENMEM_get_sharing_shared_pages),
		DIFF_OPERATION(XENMEM_acquire_resource),
		DIFF_OPERATION(XENMEM_claim_pages),
		DIFF_OPERATION(XENMEM_exchange),
		DIFF_OPERATION(XENMEM_memory_map),
		DIFF_OPERATION(XENMEM_machine_memory_map),
		DIFF_OPERATION(XENMEM_set_memory_map),
		DIFF_OPERATION(XENMEM_machphys_mapping),
		DIFF_OPERATION(XENMEM_get_vnumainfo),
		DIFF_OPERATION(XENMEM_reserved_device_memory_map),
		DIFF_OPERATION(XENMEM_machphys_mfn_list),
		DIFF_OPERATION(XENMEM_set_pod_target),
		DIFF_OPERATION(XENMEM_get_pod_target),
		DIFF_OPERATION(XENMEM_paging_op),
		DIFF_OPERATION(XENMEM_access_op),
		DIFF_OPERATION(XENMEM_sharing_op),
		DIFF_OPERATION(XENMEM_machphys_compat_mfn_list),
	};
	const struct diff_operation *chosen = &DIFF_PICK(operations);
	uint32_t command = chosen->number;
	bool may_continue = true;

	c->name = chosen->name;
	switch (command) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		make_reservation(c, &command);
		may_continue = false;
		break;
	case XENMEM_add_to_physmap:
		make_add(c);
		break;
	case XENMEM_add_to_physmap_batch:
		make_batch(c);
		break;
	case XENMEM_remove_from_physmap:
		make_remove(c);
		break;
	case XENMEM_acquire_resource:
		make_acquire(c);
		break;
	case XENMEM_claim_pages:
		make_claim(c);
		break;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		make_figure(c);
		break;
	default:
		make_other(c);
		if (diff_one_in(3)) {
			command = diff_draw_unknown(c, operations, ARRAY_SIZE(operations), 64);
		}
		break;
	}
	if (may_continue && diff_one_in(16)) {
		command |= (diff_one_in(4) ? diff_u32() : diff_below(8)) << 6;
	}
	/* Bits from 32 up are a large number of extents done. */
	c->args[0] = diff_command(command);
}
