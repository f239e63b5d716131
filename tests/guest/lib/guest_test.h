/* SPDX-License-Identifier: MIT */
/* Between the files of the guest library only. */
#pragma once

void guest_run_cases(void);
/* Why the running case failed. */
const char *test_reason(void);
