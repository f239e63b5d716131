/* SPDX-License-Identifier: MIT */
/*
 * What the topics foreign (dom0) and victim (a guest) say to each other, through a page of the guest's that dom0 maps.
 * The guest's RAM starts at 0x40000000.
 */
#pragma once

#include "lib/compiler.h"

#define VICTIM_RAM       UINT64_C(0x40000000)
#define VICTIM_BOARD_GFN ((VICTIM_RAM + (UINT64_C(8) << 20)) >> 12)
#define VICTIM_FIRST_GFN ((VICTIM_RAM + (UINT64_C(10) << 20)) >> 12) /* pages to play with */
#define VICTIM_NR_PAGES  1024u
#define VICTIM_MAGIC     UINT64_C(0x7661637469760001)

enum victim_command {
	VICTIM_NONE,
	VICTIM_END,
	VICTIM_FILL,  /* word i of page n becomes argument + n * 512 + i */
	VICTIM_CHECK, /* the same; the result is how many differ */
	VICTIM_CACHES_ON,
	VICTIM_GIVE_BACK, /* page argument by decrease_reservation; the result is the answer */
	VICTIM_TAKE_BACK,
	VICTIM_GRANT_TABLE, /* map frame 0, and grant entry 100 is argument; the result is entry 101 */
	VICTIM_GET_PARAM, /* parameter argument */
};

struct victim_board {
	uint64_t magic;
	uint64_t command, argument; /* by dom0; argument first */
	uint64_t asked;             /* counts commands */
	uint64_t result;
	uint64_t answered; /* by the guest, last: as asked */
};
