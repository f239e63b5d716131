/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests of the shadow tables: guest memory, CPUs with registers, and a model that only keeps what it is
 * told. Stores go to memory and, where the line holds tables, to the shadow, as the front end does it.
 */
#pragma once

#include "arm/arm_fake.h"
#include "arm/arm_shadow.h"

#define MEM_BASE    UINT64_C(0x40000000)
#define MEM_SIZE    UINT64_C(0x4000000) /* 64 MiB */
#define NR_CPUS     4

/* Where tests keep things: table(n) are pages for tables, DATA is what they map. */
#define TABLE_AT(n) (MEM_BASE + UINT64_C(0x1000) * (n))
#define DATA        (MEM_BASE + UINT64_C(0x2000000))

extern struct shadow *shadow;
extern struct arm_registers cpus[NR_CPUS];

/* What the model was told. */
extern epoch_t epoch;
extern unsigned int nr_findings, nr_forgets, nr_unchecked, nr_reads;
extern struct finding last_finding;
extern struct alias last_alias;
extern uint64_t last_forget_va, last_forget_size;
epoch_t gone_at(uint64_t paddr); /* 0: never */
bool fetchable(uint64_t paddr);
bool is_table(uint64_t paddr); /* LINE_TABLE */

int world_create(void **state);
int world_destroy(void **state);
/* Without BBM level 2 world_create() sets up; this again with it. */
void world_again(bool has_bbm2);

void get(uint64_t paddr, uint64_t *value);
void put(uint64_t paddr, uint64_t value); /* before anybody looks */
#define STORE_SITE(cpu) SITE(100 + (cpu), cpu)
void store(unsigned int cpu, uint64_t paddr, uint64_t value);
void install(unsigned int cpu);

/* EL1&0 with 39-bit ranges and 4 KiB pages; 0 as a root turns that range off. No stage 2. */
void el1(unsigned int cpu, uint64_t root0, uint64_t root1, uint16_t asid);
/* EL2, one range, 39 bits. */
void el2(unsigned int cpu, uint64_t root);
/* A guest: stage 2 with 39 bits from level 1, stage 1 as el1(). root0 0: MMU off. */
void guest(unsigned int cpu, uint64_t stage2, uint16_t vmid, uint64_t root0, uint16_t asid);

bool live(uint64_t paddr);
/* Four tables of a stage 1: level 1, 2 and 3 at tables first, first + 1, first + 2, mapping VA 0 on. Entry n of the last: &. */
uint64_t small_tree(unsigned int first);
#define PTE(first, n) (TABLE_AT((first) + 2) + 8 * (n))

void tlbi(unsigned int cpu, const struct arm_tlbi *tlbi, uint64_t operand);
void dsb(unsigned int cpu);
void dsb_st(unsigned int cpu);
#define TLBI_IS(by_, ...) \
	(&(struct arm_tlbi){.by = TLBI_##by_, .el = 1, .broadcast = true, ##__VA_ARGS__})
#define VA_ASID(va, asid) (((va) >> 12 & ((UINT64_C(1) << 44) - 1)) | (uint64_t)(asid) << 48)
