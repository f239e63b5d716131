/* SPDX-License-Identifier: MIT */
/* What libfdt and zlib expect of the C library's <string.h>; hypervisor/lib/string.c supplies it at EL2. */
#pragma once

#include "lib/string.h"
