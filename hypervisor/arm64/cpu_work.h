/* SPDX-License-Identifier: MIT */
/*
 * What a CPU has to do before it enters a guest again: flags of several owners, which the way back to a guest looks at as
 * one word (trap/trap_table.c). Any CPU may set one of another's, after it has published what is to be found; the
 * owner clears it before it looks.
 */
#pragma once

#include "arm64/percpu.h"

union cpu_work {
	struct {
		bool resched; /* sched/: sched_run() */
		bool epoch;   /* mm/: epoch_poll() */
	};
	uint32_t any;
};
DECLARE_PER_CPU(union cpu_work, cpu_work);
