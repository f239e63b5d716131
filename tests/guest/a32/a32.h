/* SPDX-License-Identifier: MIT */
/*
 * The 32-bit test guest: cases that begin with the machine as a zImage finds it, MMU and caches off, one result line
 * each in the format of ../lib/guest.h. It is small enough not to share that library, which is AArch64's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same layouts as for a 64-bit guest: that door asserts them, compiled for AArch32 here. */
#include "abi/xen.h"

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define aligned_to(n)    __attribute__((aligned(n)))

/* ---- what _start found (a32_start.S) -------------------------------------------------------------- */

struct a32_found {
	uint32_t r0, r1, r2, cpsr, sctlr;
};
extern struct a32_found a32_found;

/* ---- cases (a32_main.c) ----------------------------------------------------------------------------- */

struct a32_case {
	const char *name;
	void (*run)(void);
	bool tenon_only; /* Xen differs: docs/testing.md says where */
};
#define CASE(function)                     \
	{                                  \
#function, function, false \
	}
#define CASE_TENON(function)              \
	{                                 \
#function, function, true \
	}
extern const struct a32_case a32_cpu_cases[], a32_call_cases[], a32_memory_cases[];
extern const unsigned int a32_nr_cpu_cases, a32_nr_call_cases, a32_nr_memory_cases;

extern bool a32_on_tenon, a32_has_fwb;

/* Argument "halves": what stops the domain. Does not return (a32_call.c). */
void a32_upper_halves(void);

/* Stop the case unless the two are equal. */
#define EQUAL(value, wanted)                                                                         \
	do {                                                                                         \
		if (!a32_equal(__FILE__, __LINE__, #value, (uint32_t)(value), (uint32_t)(wanted))) { \
			return;                                                                      \
		}                                                                                    \
	} while (0)
#define TRUE(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)a32_equal(__FILE__, __LINE__, #condition, 0, 1); \
			return;                                                \
		}                                                              \
	} while (0)
/* A line that is no verdict. */
void a32_note(const char *text);
bool a32_equal(const char *file, int line, const char *what, uint32_t value, uint32_t wanted);

/* ---- calls ------------------------------------------------------------------------------------------- */

enum {
	CONDUIT_HVC,
	CONDUIT_SMC,
	CONDUIT_XEN
};
void a32_call(uint32_t r[13], unsigned int conduit);
int32_t hypercall(uint32_t number, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4);
uint32_t smccc(unsigned int conduit, uint32_t function, uint32_t a1, uint32_t a2, uint32_t a3);
#define ADDRESS(pointer) ((uint32_t)(uintptr_t)(pointer))

/* ---- exceptions --------------------------------------------------------------------------------------- */

enum {
	FAULT_NONE = 0,
	FAULT_UNDEFINED = 1,
	FAULT_PREFETCH = 3,
	FAULT_DATA = 4
};
struct a32_fault {
	uint32_t kind, lr, cpsr;
	uint32_t dfsr, dfar, ifsr, ifar;
};
#define NOWHERE      0x10000000u /* neither RAM nor a device */

/* Status registers; with short descriptors, but for the long format's bit 9. */
#define FSR_EXTERNAL 0x008u
#define FSR_WALK_1   0x00cu
#define FSR_WALK_2   0x00eu
#define FSR_WRITE    0x800u
#define FSR_CM       0x2000u
#define FSR_LPAE     0x200u
#define TTBCR_EAE    0x80000000u

/* From now on an exception is noted, and what follows goes on: behind the instruction, or at a32_resume (bit 0: T32). */
void fault_catch(void);
struct a32_fault fault_caught(void);
extern uint32_t a32_resume;

/* ---- coprocessors -------------------------------------------------------------------------------------- */

#define CP_READ(cp, opc1, crn, crm, opc2)                                                    \
	({                                                                                   \
		uint32_t cp_value_ = 0;                                                      \
		__asm__ volatile("mrc p" #cp ", " #opc1 ", %0, c" #crn ", c" #crm ", " #opc2 \
				 : "+r"(cp_value_)::"memory");                               \
		cp_value_;                                                                   \
	})
#define CP_WRITE(cp, opc1, crn, crm, opc2, value)                         \
	__asm__ volatile("mcr p" #cp ", " #opc1 ", %0, c" #crn ", c" #crm \
			 ", " #opc2 ::"r"((uint32_t)(value))              \
			 : "memory")
#define isb() __asm__ volatile("isb" ::: "memory")
#define dsb() __asm__ volatile("dsb" ::: "memory")

/* ---- devices -------------------------------------------------------------------------------------------- */

/*
 * Registers of emulated devices, never by way of LR or SP: QEMU tells the hypervisor the instruction's own register
 * number and not AArch64's, so that Xen takes User mode's. (devices_into_banked_registers is about that.)
 */
static inline uint32_t mmio_read(uint32_t at)
{
	register uint32_t value __asm__("r3");

	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(at) : "memory");
	return value;
}

static inline void mmio_write(uint32_t at, uint32_t to)
{
	register uint32_t value __asm__("r3") = to;

	__asm__ volatile("str %0, [%1]" ::"r"(value), "r"(at) : "memory");
}

/* Assembly: see there. */
uint32_t a32_thumb_version(void);
void a32_thumb_undefined(void);
extern const char a32_thumb_undefined_at[], a32_thumb_undefined_after[];
uint32_t a32_thumb_it(void);
uint32_t a32_thumb_it_goes_on(void);
void a32_read_banked(uint32_t address, uint32_t seen[5]);
void a32_jump(uint32_t address);
void a32_mmu_on(uint32_t ttbcr, uint32_t ttbr0, uint32_t mair0, uint32_t mair1);
void a32_mmu_off(void);
void a32_entry_arm(void);
void a32_entry_thumb(void);
