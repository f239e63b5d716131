/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/barrier.h: barriers are recorded (tests/unit/fake_machine.h).
 */
#pragma once

#include "tests/unit/fake_machine.h"

#define isb()       fake_machine_barrier("isb")
#define dsb_sy()    fake_machine_barrier("dsb sy")
#define dsb_ish()   fake_machine_barrier("dsb ish")
#define dsb_ishst() fake_machine_barrier("dsb ishst")
#define dsb_nsh()   fake_machine_barrier("dsb nsh")
#define dmb_sy()    fake_machine_barrier("dmb sy")
#define dmb_ish()   fake_machine_barrier("dmb ish")
#define dmb_ishst() fake_machine_barrier("dmb ishst")
#define dmb_ishld() fake_machine_barrier("dmb ishld")
