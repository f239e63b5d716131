/* SPDX-License-Identifier: MIT */
/* Between the files of time/. */
#pragma once

#include "time/time.h"

/* The calling CPU's empty timer queue, served by interrupt intid (CNTHP's). */
void timer_init_cpu(uint32_t intid);
