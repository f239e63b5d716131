/* SPDX-License-Identifier: MIT */
/* Inner parts of the vCPU switch. */
#pragma once

#include "lib/compiler.h"

struct vcpu_fp_state;

/* arm64/context.S */
void fp_save(struct vcpu_fp_state *state);
void fp_restore(const struct vcpu_fp_state *state);
