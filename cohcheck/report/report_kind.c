/* SPDX-License-Identifier: MIT */
/* The table of kinds. */
#include "report/report_kind.h"

#include <stddef.h>
#include <strings.h>

/* clang-format off */
static const struct report_kind kinds[NR_FINDING_KINDS] = {
	[FINDING_READ_UNDER_DIRTY]  = { "V1", "read-under-dirty",
		"this read goes past the caches, one of which may hold newer data", "reads" },
	[FINDING_READ_STALE]        = { "V2", "read-stale",
		"this cached read may hit an old copy of data that was written past the caches", "reads" },
	[FINDING_LOST_EVICT]        = { "V3", "lost-evict",
		"what this reads may have been overwritten when an older dirty line was written back", "reads" },
	[FINDING_LOST_MERGE]        = { "V2w", "lost-merge",
		"what this reads may have been overwritten by the old rest of a line that was stored to", "reads" },
	[FINDING_LOST_INVALIDATE]   = { "V3i", "lost-invalidate",
		"what this reads may have been thrown away by an invalidation of a dirty line", "reads" },
	[FINDING_FETCH_UNCLEAN]     = { "V4", "fetch-unclean",
		"code is executed that was not cleaned to the point of unification", "fetches" },
	[FINDING_FETCH_NO_IC]       = { "V4i", "fetch-no-ic",
		"code is executed of which an instruction cache may hold an older version", "fetches" },
	[FINDING_FETCH_UNDER_DIRTY] = { "V4n", "fetch-under-dirty",
		"code is fetched past the caches, one of which may hold its newer version", "fetches" },
	[FINDING_FETCH_STALE]       = { "V4s", "fetch-stale",
		"code is executed that was written past the caches, one of which may hold an old copy", "fetches" },
	[FINDING_WALK_UNDER_DIRTY]  = { "V5", "walk-under-dirty",
		"a table walk goes past the caches, one of which may hold a newer descriptor", "walks a descriptor of" },
	[FINDING_WALK_STALE]        = { "V5s", "walk-stale",
		"a cached table walk may hit an old copy of a descriptor that was written past the caches", "walks a descriptor of" },
	[FINDING_SET_WAY]           = { "W7", "set-way",
		"cache maintenance by set/way reaches only this CPU's own caches and guarantees nothing", "executes" },
	[FINDING_EXCLUSIVE]         = { "W8", "exclusive",
		"an exclusive or atomic access to memory that is not write-back may not work", "accesses" },
	[FINDING_BREAK_BEFORE_MAKE] = { "W9", "break-before-make",
		"a live translation is replaced without break-before-make", "writes" },
};
/* clang-format on */

const struct report_kind *report_kind(enum finding_kind kind)
{
	static const struct report_kind unknown = {"?", "unknown", "a finding of an unknown kind",
						   "accesses"};

	return (unsigned int)kind < NR_FINDING_KINDS ? &kinds[kind] : &unknown;
}

bool report_kind_parse(const char *text, enum finding_kind *kind)
{
	for (unsigned int i = 0; i < NR_FINDING_KINDS; i++) {
		if (strcasecmp(text, kinds[i].code) == 0 || strcasecmp(text, kinds[i].name) == 0) {
			*kind = (enum finding_kind)i;
			return true;
		}
	}
	return false;
}

const char *report_type(enum mem_type type)
{
	static const char *const names[] = {"Device", "NC", "mixed", "WT", "WB"};

	return (unsigned int)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}
