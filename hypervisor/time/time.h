/* SPDX-License-Identifier: MIT */
/*
 * Time at EL2: the system counter and one-shot timers, one queue per CPU on the EL2 physical timer
 * (CNTHP, PPI 26). Tickless: the hardware timer is armed only for the earliest entry.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"

/* Boot CPU: frequency from CNTFRQ_EL0 or, if it says so, the timer node; panics when there is none. */
void time_init(const void *fdt);
/* Every CPU, after gic_init_cpu(): its queue and CNTHP. */
void time_init_cpu(void);
uint64_t time_ticks(void); /* CNTPCT_EL0, ordered after all that comes before in the program */
uint64_t time_frequency_hz(void);
/* What a guest's timer node must say as clock-frequency; 0 when CNTFRQ_EL0 is right and it need not. */
uint32_t time_guest_clock_frequency(void);
/* Rounded down; UINT64_MAX when the result has more bits. 0 before time_init(). */
uint64_t time_ticks_to_ns(uint64_t ticks);
uint64_t time_ns_to_ticks(uint64_t ns);
/* Nanoseconds since time_init(). */
uint64_t time_now_ns(void);

/*
 * A one-shot timer. Zero-initialise, then timer_setup(). The callback runs with no lock held, on the
 * CPU whose queue it was in, and may set the timer again. Any CPU may call; of calls for one timer at
 * the same time, one comes last.
 */
struct timer {
	struct list link;
	uint64_t deadline_ticks;
	void (*callback)(struct timer *timer);
	uint16_t cpu; /* in whose queue it is */
	bool queued;  /* in a queue, or on its way into one */
};

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer));
/* (Re)arm on this CPU's queue. A deadline that has passed is due at once, in the timer interrupt. */
void timer_set(struct timer *timer, uint64_t deadline_ticks);
/* Afterwards it is not queued; its callback may still be running on another CPU. */
void timer_cancel(struct timer *timer);
/* Afterwards its callback is over, too: for taking away what it uses. No lock held, not from a callback. */
void timer_cancel_sync(struct timer *timer);
