/* SPDX-License-Identifier: MIT */
/*
 * What report_symbols_test looks up: a freestanding AArch64 program that is never run. Lines are found by
 * their marks.
 */

volatile int target_value;

static inline __attribute__((always_inline)) void target_inlined(int value)
{
	__asm__ volatile("dc cvac, %0" ::"r"(&target_value) : "memory"); /* mark: inlined */
	target_value = value;
}

__attribute__((noinline)) int target_first(int value)
{
	target_value = value; /* mark: first */
	return target_value;
}

__attribute__((noinline)) int target_second(int value)
{
	target_inlined(value); /* mark: call */
	return target_first(value) + 1;
}

/* A label without size and type, as hand-written assembly has them, and a mapping symbol behind it. */
__asm__(".pushsection .text\n"
	"target_label: nop\n"
	"nop\n"
	".word 0\n"
	"nop\n"
	".popsection\n");

int _start(void);
int _start(void)
{
	return target_second(1);
}
