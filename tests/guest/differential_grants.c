/* SPDX-License-Identifier: MIT */
/* Random calls of grant_table_op: differential.h. */
#include "differential.h"

/* Of oneself. */
static void draw_map(struct gnttab_map_grant_ref *map)
{
	map->host_addr =
		(diff_gfn_for_grants() << PAGE_SHIFT) + (diff_one_in(12) ? diff_below(4096) : 0);
	map->flags = diff_one_in(8) ? diff_u32()
				    : GNTMAP_host_map | (diff_one_in(3) ? GNTMAP_readonly : 0);
	map->ref = diff_gref();
	map->dom = diff_domid_self();
	/* Of what is not done. */
	map->status = 77;
}

static void draw_unmap(struct gnttab_unmap_grant_ref *unmap)
{
	unmap->handle = diff_take_handle(&unmap->host_addr);
	unmap->dev_bus_addr = 0;
	if (diff_one_in(8)) {
		/*
		 * Where something else is mapped. Where nothing is, or another grant of the page, Xen is content; Tenon
		 * knows where each has been mapped, and refuses.
		 */
		unmap->host_addr = diff_one_in(4) ? 0 : (uintptr_t)diff_runstate_page;
	}
}

static void draw_replace(struct gnttab_unmap_and_replace *replace)
{
	replace->handle = diff_take_handle(&replace->host_addr);
	replace->new_addr = diff_one_in(2) ? diff_u64() : 0;
}

static void draw_swap(struct gnttab_swap_grant_ref *swap)
{
	swap->ref_a = diff_gref();
	swap->ref_b = diff_gref();
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
	if (copy->source.domid == diff_other_domid && copy->dest.domid == diff_other_domid) {
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

#define MAX_LIST 8 /* of maps seven, of copies six: what fits a slot, misaligned too */

static size_t draw_entry(uint32_t command, void *entry)
{
	switch (command) {
	case GNTTABOP_map_grant_ref:
		draw_map(entry);
		return sizeof(struct gnttab_map_grant_ref);
	case GNTTABOP_unmap_grant_ref:
		draw_unmap(entry);
		return sizeof(struct gnttab_unmap_grant_ref);
	case GNTTABOP_unmap_and_replace:
		draw_replace(entry);
		return sizeof(struct gnttab_unmap_and_replace);
	case GNTTABOP_swap_grant_ref:
		draw_swap(entry);
		return sizeof(struct gnttab_swap_grant_ref);
	default:
		draw_copy(entry);
		return sizeof(struct gnttab_copy);
	}
}

static bool takes_list(uint32_t command)
{
	return command == GNTTABOP_map_grant_ref || command == GNTTABOP_unmap_grant_ref ||
	       command == GNTTABOP_unmap_and_replace || command == GNTTABOP_swap_grant_ref ||
	       command == GNTTABOP_copy;
}

/* Two entries and more, good and bad ones as they come. */
static void make_list(struct diff_call *c, uint32_t command)
{
	uint64_t list[DIFF_SLOT_BYTES / 8 + 8];
	unsigned int nr = 2 + diff_below(MAX_LIST - 1), done = 0;
	size_t size = 0;

	memset(list, 77, sizeof(list));
	while (done < nr && size + sizeof(uint64_t) <= DIFF_SLOT_BYTES) {
		size_t entry = draw_entry(command, (uint8_t *)list + size);

		if (size + entry > DIFF_SLOT_BYTES - 8) {
			break;
		}
		size += entry;
		done++;
	}
	/* As below. */
	do {
		c->at = diff_place_list(c, list, size);
	} while (command == GNTTABOP_map_grant_ref && !diff_list_is_writable(c->at, size) &&
		 diff_list_is_readable(c->at, size));
	c->args[0] = command;
	c->args[1] = c->at;
	c->args[2] = done;
}

void diff_make_grant_call(struct diff_call *c)
{
	static const struct diff_operation operations[] = {
		DIFF_OPERATION(GNTTABOP_setup_table),
		DIFF_OPERATION(GNTTABOP_dump_table),
		DIFF_OPERATION(GNTTABOP_transfer),
		DIFF_OPERATION(GNTTABOP_query_size),
		DIFF_OPERATION(GNTTABOP_set_version),
		DIFF_OPERATION(GNTTABOP_get_status_frames),
		DIFF_OPERATION(GNTTABOP_get_version),
		DIFF_OPERATION(GNTTABOP_cache_flush),
		DIFF_OPERATION(GNTTABOP_map_grant_ref),
		DIFF_OPERATION(GNTTABOP_unmap_grant_ref),
		DIFF_OPERATION(GNTTABOP_copy),
		DIFF_OPERATION(GNTTABOP_copy),
		DIFF_OPERATION(GNTTABOP_unmap_and_replace),
		DIFF_OPERATION(GNTTABOP_swap_grant_ref),
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
	uint32_t command = diff_draw(c, operations, ARRAY_SIZE(operations));
	size_t size = sizeof(op);

	if (takes_list(command) && diff_one_in(3)) {
		make_list(c, command);
		return;
	}
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
		draw_unmap(&op.unmap);
		size = sizeof(op.unmap);
		break;
	case GNTTABOP_unmap_and_replace:
		draw_replace(&op.replace);
		size = sizeof(op.replace);
		break;
	case GNTTABOP_swap_grant_ref:
		draw_swap(&op.swap);
		size = sizeof(op.swap);
		break;
	case GNTTABOP_copy:
		draw_copy(&op.copy);
		size = sizeof(op.copy);
		break;
	case GNTTABOP_cache_flush:
		if (diff_is_dom0 && diff_one_in(2)) {
			/* Machine addresses are its own. */
			op.flush.a.dev_bus_addr = (uintptr_t)diff_copy_page;
		}
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
	if (takes_list(command) && (int32_t)c->args[2] > 1) {
		c->args[2] = 1;
	}
}
