/* SPDX-License-Identifier: MIT */
/* Calls to the hypervisor and cache maintenance of a test guest: guest_asm.h. */
#include "guest_asm.h"

/* SMCCC 1.1: x0-x3 are results, everything else is preserved; x4 up need no clobber. */
struct guest_result smccc(enum guest_conduit conduit, uint64_t function, uint64_t a1, uint64_t a2,
			  uint64_t a3)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;

	if (conduit == CONDUIT_SMC) {
		__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	} else {
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	}
	return (struct guest_result){{x0, x1, x2, x3}};
}

/* xen: public/arch-arm.h, "Hypercall Calling Convention". */
int64_t hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
	register uint64_t x0 __asm__("x0") = a0;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;
	register uint64_t x16 __asm__("x16") = number;

	__asm__ volatile("hvc #0xea1"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x16)::"memory");
	return (int64_t)x0;
}

/* Lines of 16 bytes, the smallest there are: slow, and right on every machine. */
void dcache_clean_invalidate(const void *start, size_t size)
{
	for (uintptr_t at = (uintptr_t)start & ~UINT64_C(15); at < (uintptr_t)start + size;
	     at += 16) {
		__asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
	}
	dsb_sy();
}

void dcache_invalidate(const void *start, size_t size)
{
	for (uintptr_t at = (uintptr_t)start & ~UINT64_C(15); at < (uintptr_t)start + size;
	     at += 16) {
		__asm__ volatile("dc ivac, %0" ::"r"(at) : "memory");
	}
	dsb_sy();
}
