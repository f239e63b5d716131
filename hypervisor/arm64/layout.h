/* SPDX-License-Identifier: MIT */
/*
 * EL2's address space: 48 bits, one level-0 slot (512 GiB) for each purpose.
 *
 *	slot            what
 *	any low one     the 1:1 page of boot_head.S, while booting
 *	253             windows: this CPU's own, in its own tables (M1)
 *	254             frame table: 16 bytes for each frame, indexed by mfn, mapped only where RAM is
 *	255             the image as linked, then device registers
 *	256 to 511      Tenon's own frames at HYP_BASE + machine address
 *
 * Host unit tests have a layout of their own (tests/unit/fake/arm64/layout.h).
 */
#pragma once

#include <stdint.h>

#define WINDOW_BASE      UINT64_C(0x7e8000000000)
#define FRAME_TABLE_BASE UINT64_C(0x7f0000000000)
#define IMAGE_BASE       UINT64_C(0x7f8000000000)
#define DEVICE_BASE      UINT64_C(0x7fc000000000)
#define HYP_BASE         (UINT64_C(1) << 47)
