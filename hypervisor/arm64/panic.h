/* SPDX-License-Identifier: MIT */
/* Hooks of the panic path; panic() itself is declared in lib/assert.h. */
#pragma once

#include "lib/compiler.h"

/* How to stop the other CPUs (an SGI), once there are others. */
void panic_set_stop(void (*stop_others)(void));
/* What the stop SGI's handler does. */
__noreturn void panic_stop_this_cpu(void);
