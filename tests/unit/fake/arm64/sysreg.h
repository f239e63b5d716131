/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/sysreg.h: registers are a table by name
 * (tests/unit/fake_machine.h).
 */
#pragma once

#include "arm64/sysreg_fields.h"
#include "lib/compiler.h"
#include "tests/unit/fake_machine.h"

#define sysreg_read(name)         fake_machine_sysreg_read(#name)
#define sysreg_write(name, value) fake_machine_sysreg_write(#name, (value))
