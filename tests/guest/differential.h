/* SPDX-License-Identifier: MIT */
/*
 * The differential guest: pseudo-random hypercalls whose answers are compared between Xen and Tenon.
 *
 *     differential.c         the stream: batches of calls, their hashes, details of the batches that are asked for
 *     differential_args.c    random values of each kind, and where arguments are put
 *     differential_calls.c   one call: which hypercall, which operation, which arguments
 *     differential_events.c  calls of event_channel_op
 *     differential_grants.c  calls of grant_table_op
 *     differential_memory.c  calls of memory_op, and the part of the physical map that they play with
 *     differential_rules.c   where answers differ on purpose
 *     differential_state.c   what the hypervisor keeps for this domain: set up anew for each batch, and hashed
 *
 * Call n of batch b depends on the seed, b and n, and on nothing that came before, so that a call can be repeated alone.
 */
#pragma once

#include "guest.h"
#include "guest_asm.h"
#include "guest_xen.h"

/* ---- one call ------------------------------------------------------------------------------------- */

#define DIFF_MAX_BYTES 128 /* of an argument structure */

struct diff_call {
	uint64_t number;
	uint64_t args[5];
	const char *name;
	uint64_t at; /* of the structure; 0: it has none */
	uint32_t size;
	uint8_t bytes[DIFF_MAX_BYTES]; /* the structure before the call */
	bool readable, writable;       /* is all of it, there? */
	bool inner;                    /* an entry of a multicall */
	int64_t result;
	const char *rule; /* of differential_rules.c, when one has changed the result */
};

/* The entries of the last call drawn, when that is a multicall. */
#define DIFF_MAX_INNER 3
extern struct diff_call diff_inner[DIFF_MAX_INNER];
extern unsigned int diff_nr_inner;

/* Draws a call and puts its arguments into memory. */
void diff_make_call(struct diff_call *c);
void diff_make_event_call(struct diff_call *c);
void diff_make_grant_call(struct diff_call *c);
void diff_make_memory_call(struct diff_call *c);
/* A table of sub-operations; diff_draw() takes one of them, or nearly never some other number. Without a name: never. */
struct diff_operation {
	uint32_t number;
	const char *name;
};
#define DIFF_OPERATION(op) \
	{                  \
		op, #op    \
	}
uint32_t diff_draw(struct diff_call *c, const struct diff_operation *table, unsigned int size);
/* Below limit, and not in the table. */
uint32_t diff_draw_unknown(struct diff_call *c, const struct diff_operation *table,
			   unsigned int size, uint32_t limit);
/* Makes answers equal that differ on purpose: result, and bytes in memory. */
void diff_apply_rules(struct diff_call *c);
/* What must be done after a call, so that both hypervisors are in the same state again. */
void diff_after_call(const struct diff_call *c);
void diff_print_rules(void);

/* ---- random values -------------------------------------------------------------------------------- */

void diff_random_start(uint64_t seed, uint64_t batch, uint64_t call);
uint64_t diff_random(void);
uint32_t diff_below(uint32_t limit);
static inline bool diff_one_in(uint32_t n)
{
	return diff_below(n) == 0;
}
#define DIFF_PICK(array) ((array)[diff_below(ARRAY_SIZE(array))])

/* Sensible ones mostly, then boundaries, then anything. */
uint64_t diff_u64(void);
uint32_t diff_u32(void);
domid_t diff_domid(void);
/* Oneself, nearly always. */
domid_t diff_domid_self(void);
uint32_t diff_port(void);
uint32_t diff_vcpu(void);
uint32_t diff_gref(void);
/* Neither of the two: nobody is stopped. */
domid_t diff_domid_of_nobody(void);
/* The page numbers of this call's draws are of that domain. */
void diff_map_of(domid_t domid);
/* A page number to be looked at, and one whose mapping may be changed. */
uint64_t diff_gfn(void);
uint64_t diff_gfn_to_map(void);
/* One that can be mapped: else Xen keeps the page that it had taken for it, and the domain has one more that it cannot use. */
uint64_t diff_gfn_to_populate(void);
/*
 * Where grant frames are put, even ones, and what is given back by decrease_reservation, odd ones: Xen frees the grant
 * frame that is given back, and cannot map it any more. Both can be mapped: else Xen may mind first that the frame is mapped
 * elsewhere.
 */
uint64_t diff_gfn_for_grants(void);
uint64_t diff_gfn_to_give_back(void);
/* Where a command number stands in a 64-bit register: sometimes with bits above. */
uint64_t diff_command(uint32_t command);

/* ---- arguments in memory -------------------------------------------------------------------------- */

/* Arguments go to slots: one for the call, the others for a multicall's entries. */
#define DIFF_NR_SLOTS   8
#define DIFF_SLOT_BYTES 256

/* Makes the structure the call's argument, at an address that is nearly always good. */
void diff_place(struct diff_call *c, const void *structure, size_t size);
/* A list or buffer in the second page: its address, good nearly always. size at most DIFF_SLOT_BYTES. */
uint64_t diff_place_list(const struct diff_call *c, const void *list, size_t size);
void diff_use_slot(unsigned int slot);
void diff_args_init(void);
void diff_args_clear(void);
/* Bytes of these pages by their addresses in calls. False: not all of them are there. */
bool diff_args_read(uint64_t at, void *to, size_t size);
bool diff_list_is_writable(uint64_t at, size_t size);
bool diff_list_is_readable(uint64_t at, size_t size);
void diff_args_write(uint64_t at, const void *from, size_t size);
void diff_args_fill(uint64_t at, size_t size);
uint64_t diff_args_hash(uint64_t hash);
const uint8_t *diff_structure_slot(unsigned int slot);
const uint8_t *diff_list_slot(unsigned int slot);

/* ---- the domain's state --------------------------------------------------------------------------- */

#define DIFF_NR_REGION     32 /* pages in each of the two regions below */
#define DIFF_HOLE_GFN      UINT64_C(0x70000)
#define DIFF_LARGE_GFN     UINT64_C(0x78000)
#define DIFF_LARGE_ORDER   9
#define DIFF_GRANT_ENTRIES 32

/* Of the partner's RAM, for dom0 to play with: DIFF_NR_REGION pages. */
#define DIFF_PARTNER_GFN   UINT64_C(0x41000)

/* The caller is dom0, and its partner is domain 1; else they are domains 1 and 2, and there is no dom0. */
extern bool diff_is_dom0;
extern domid_t diff_own_domid, diff_other_domid;
extern uint32_t diff_last_port;

/* What copies by grant are from and to. */
extern uint8_t *diff_copy_page;
/* DIFF_NR_REGION pages */
extern uint8_t *diff_region;
/* For the array of events. */
extern uint8_t *diff_array_page;
extern struct grant_entry_v1 *diff_grants;
/* An address that the runstate area may be at: the hypervisor writes to it at any time, so it is not compared. */
extern uint8_t *diff_runstate_page;
/* Pages [1] and up are the guest's own for all time. */
extern const uint64_t diff_odd_gfns[];
extern const unsigned int diff_nr_odd_gfns;
unsigned int diff_first_odd_gfn(void);

/* Handle of a mapped grant, to be used once, and where it is mapped; or one that is none. */
#define DIFF_NR_HANDLES 16
grant_handle_t diff_take_handle(uint64_t *at);
/* A call is over: what it has mapped. */
void diff_note_mapping(const struct diff_call *c);

/* False: it could not be set up. */
bool diff_state_init(void);
void diff_state_reset(void);
void diff_events_reset(void);
/* From nothing to the FIFO ABI, which is in use until the next reset. */
void diff_events_switch(void);
void diff_events_are_2l(void);
void diff_note_events(const struct diff_call *c);
void diff_fifo_disturb(uint32_t port);
/* Words and control blocks, whatever the ABI. */
uint64_t diff_fifo_hash(uint64_t hash, bool all);
void diff_fifo_print(void);
/* Something that a kernel does to shared memory between calls. */
void diff_state_disturb(void);
/* c is the call before. */
uint64_t diff_state_hash(uint64_t hash, const struct diff_call *c);
uint64_t diff_hash(uint64_t hash, const void *data, size_t size);

int64_t diff_memory_op(unsigned int command, void *argument);
