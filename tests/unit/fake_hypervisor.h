/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor round the code under test, for unit tests of what guests ask for (event/,
 * grant/, hypercall/): domains with vCPUs, their memory, stage 2 as a list, a frame pool, a
 * clock that stands still.
 *
 * Guest memory is FAKE_NR_PAGES pages. Page n is machine frame FAKE_MFN(n), and its guest
 * virtual address, in every domain, is fake_gva(n). A domain owns the pages that
 * fake_give_page() gives it.
 */
#pragma once

#include "abi/xen.h"
#include "domain/domain.h"

#define FAKE_NR_PAGES    64
#define FAKE_MFN(n)      (0x40000u + (n))

#define FAKE_MAX_DOMAINS 4
#define FAKE_NR_VCPUS    3

/* Everything as at program start: no domains, all memory accessible and zero, clock at 1000 s. */
void fake_hypervisor_reset(void);
/* Fails the test if a reference, mapping or allocation is left: domains are destroyed first. */
void fake_hypervisor_check_leaks(void);

/* ---- domains -------------------------------------------------------------------------------- */

/* With FAKE_NR_VCPUS vCPUs; dom0 (id 0) is hardware, privileged, console, direct-mapped. vCPU 0
 * of the first one made is current. */
struct domain *fake_domain_create(uint16_t domid);
/* event, grant and runstate parts go, then the domain. */
void fake_domain_destroy(struct domain *d);
void fake_set_current(struct vcpu *v);

/* ---- memory --------------------------------------------------------------------------------- */

uint64_t fake_gva(unsigned int page);
void *fake_page(unsigned int page);
/* Page n becomes d's RAM at guest frame g. */
void fake_give_page(struct domain *d, unsigned int page, uint64_t g);
/* References on the frame beyond its allocation's. */
unsigned int fake_extra_refs(unsigned int page);
bool fake_page_is_free(unsigned int page);

enum fake_access {
	FAKE_NO_ACCESS,
	FAKE_READ_ONLY,
	FAKE_READ_WRITE
};
void fake_set_access(unsigned int page, enum fake_access access);

/* Stage 2. The next fake_fail_maps(n)-th map fails with -XEN_ENOMEM; 0: none does. */
bool fake_is_mapped(struct domain *d, uint64_t g, mfn_t *m, enum stage2_type *type);
void fake_map(struct domain *d, uint64_t g, mfn_t m, enum stage2_type type);
void fake_fail_map_after(unsigned int nr);

/* Allocations (frames, Tenon's own memory, mappings) left until they fail; UINT_MAX: never. */
extern unsigned int fake_allocations_left;
/* Called by frame_pool_alloc() first: what other CPUs do meanwhile. */
extern void (*fake_pool_hook)(void);
/* frame_pool_alloc() asks to be called again this many times first. */
extern unsigned int fake_pool_restarts;
/* And so does domain_share_pin(). */
extern unsigned int fake_pin_restarts;
/* How each page was mapped last by window_map(). */
extern enum window_attr fake_window_attr[FAKE_NR_PAGES];
/* All domains' claims, while nobody allocates. */
extern uint64_t fake_claimed_pages;

/* ---- what was done to the rest of the hypervisor
 * -------------------------------------------------- */

extern uint64_t fake_now_ns;   /* the clock; one tick is 16 ns */
extern bool fake_vgic_pending; /* vgic_has_pending() */

struct fake_record {
	unsigned int pulses[FAKE_NR_VCPUS]; /* vgic_pulse() on a vCPU, of any domain */
	uint32_t last_pulse_intid;
	unsigned int wakes[FAKE_NR_VCPUS];
	unsigned int wakes_soon; /* of these, by sched_wake_soon() */
	unsigned int blocks, yields;
	unsigned int shutdowns;
	struct domain *shutdown_domain;
	int shutdown_reason;
	unsigned int guest_messages;
};
extern struct fake_record fake_record;

/* The n-th attempt from now on to change a word of the guest's event channels fails, for no reason; 0: none does. */
void fake_fail_attempt(unsigned int n);

/* Run the callbacks of timers that are due. */
void fake_run_timers(void);
/* Is it queued? */
bool fake_timer_is_set(const struct timer *timer);

/* Console: what domains wrote; what they will read. */
extern char fake_console_output[4096];
extern size_t fake_console_output_length;
extern const char *fake_console_input;
extern unsigned int fake_console_congested; /* console_is_congested() answers true this many times */
