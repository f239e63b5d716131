/* SPDX-License-Identifier: MIT */
/* Host stand-in for arm64/at.h: a test answers (fake_machine_at_handle()). */
#pragma once

#include "lib/compiler.h"

uint64_t at_s12e1r(uint64_t gva);
uint64_t at_s12e1w(uint64_t gva);
uint64_t at_s1e1r(uint64_t gva);
