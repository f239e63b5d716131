/* SPDX-License-Identifier: MIT */
/*
 * The guest for invariant S3 (bounded_*.c): the largest batches that each hypercall takes, and what else of a guest's makes EL2 work
 * long, while a timer interrupts again and again. bench_plugin.c says how long an interrupt had to wait in each, and how often
 * EL2 stopped because one waited; tests/system/bounded_tests.py compares that with the limit.
 *
 *     BOUNDED grant.copy_4096 0 interrupted: 1024 whole pages
 *
 * is one measured section: its name, the hypercall's result, whether it must have been interrupted ("short" when not), and what was done.
 * Sections come in the order of these lines. The guest itself checks that all of the batch was done.
 */
#pragma once

#include "bench.h"

#define MIB (UINT64_C(1) << 20)

/* Begin a section, with the timer, and end it. */
void bounded_begin(void);
/* The timer's period from the next section on, which is short at first. */
void bounded_set_period(uint64_t us);
/* Let others run. */
void bounded_sleep(uint64_t us);
void bounded_end(const char *name, int64_t result, bool interrupted, const char *what);

#define BOUNDED_AS_(interrupted, name, what, call)             \
	({                                                     \
		int64_t result_;                               \
		bounded_begin();                               \
		result_ = (int64_t)(call);                     \
		bounded_end(name, result_, interrupted, what); \
		result_;                                       \
	})
/* A batch that takes longer than the timer's period, and one that need not. */
#define BOUNDED(name, what, call)       BOUNDED_AS_(true, name, what, call)
#define BOUNDED_SHORT(name, what, call) BOUNDED_AS_(false, name, what, call)

/* Of an ordinary domain (bounded_memory.c, bounded_grants.c, bounded_events.c, bounded_calls.c). */
void bounded_memory(void);
void bounded_memory_without_tables(void);
void bounded_physmap(void);
void bounded_grants(void);
void bounded_events(void);
void bounded_calls(void);
/* The registers of the interrupt controller, another vCPU, set/way; while Tenon's key K stops another domain; nothing at all. */
void bounded_traps(void);
void bounded_caches(const char *when);
/* All of 128 vCPUs (bounded_vcpus.c). */
void bounded_vcpus(void);
void bounded_destruction(const char *name, domid_t domid, const char *what);
void bounded_idle(void);

/* As dom0, and the guest that it maps (bounded_dom0.c). */
void bounded_dom0(void);
void bounded_target(void);
/* With as much as a domain may have, to be stopped. */
void bounded_victim(void);

/* ---- what they share ---------------------------------------------------------------------------------- */

#define BOUNDED_MAX_BATCH 65535
extern xen_pfn_t *bounded_gfns;
extern xen_ulong_t *bounded_idxs;
extern int *bounded_errs;
/* Zeroed pages outside the image, which is to be small. */
void *bounded_room(size_t size);

/* nr extents of bounded_gfns[]. */
int64_t bounded_reserve(unsigned int command, uint64_t nr, unsigned int order);
/* The first nr of the three lists; foreign_domid with XENMAPSPACE_gmfn_foreign. */
int64_t bounded_physmap_batch(unsigned int space, unsigned int nr, domid_t foreign_domid);
/* How many entries of the last batch were not done. */
unsigned int bounded_batch_failures(unsigned int nr);
int64_t bounded_grant_index(unsigned int idx, xen_pfn_t at);
int64_t bounded_setup_table(unsigned int nr);
/* IPI ports, as many as there are. */
uint32_t bounded_take_all_ports(void);
/* The FIFO ABI: a control block, and pages of the array as long as they are taken. */
int64_t bounded_init_control(void);
int64_t bounded_expand(void);
/* The port's word is that of an event that is in a queue. */
void bounded_link_word(uint32_t port);

/* In the middle of RAM: the image is at its start, the tree at its end. */
static inline xen_pfn_t bounded_spare_gfn(void)
{
	return (machine.ram_start + 32 * MIB) >> PAGE_SHIFT;
}
