/* SPDX-License-Identifier: MIT */
#include "arm64/at.h"

#include "arm64/barrier.h"
#include "arm64/sysreg.h"

uint64_t at_s12e1r(uint64_t gva)
{
	__asm__ volatile("at s12e1r, %0" ::"r"(gva) : "memory");
	isb(); /* PAR_EL1 has the result */
	return sysreg_read(PAR_EL1);
}

uint64_t at_s12e1w(uint64_t gva)
{
	__asm__ volatile("at s12e1w, %0" ::"r"(gva) : "memory");
	isb();
	return sysreg_read(PAR_EL1);
}

uint64_t at_s1e1r(uint64_t gva)
{
	__asm__ volatile("at s1e1r, %0" ::"r"(gva) : "memory");
	isb();
	return sysreg_read(PAR_EL1);
}
