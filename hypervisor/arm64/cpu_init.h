/* SPDX-License-Identifier: MIT */
/* EL2's trap controls that are the same for every vCPU. */
#pragma once

/* On each CPU, before any guest runs there. HCR_EL2, VTTBR_EL2 and the like come with each vCPU. */
void cpu_init_el2(void);
