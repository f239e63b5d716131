/* SPDX-License-Identifier: MIT */
/* EL2's regions at addresses that a test on the host can map (the real HYP_BASE is not a user address). */
#pragma once

#include <stdint.h>

#define WINDOW_BASE      UINT64_C(0x210000000000)
#define FRAME_TABLE_BASE UINT64_C(0x220000000000)
#define IMAGE_BASE       UINT64_C(0x230000000000)
#define DEVICE_BASE      UINT64_C(0x240000000000)
#define HYP_BASE         UINT64_C(0x250000000000)
