/* SPDX-License-Identifier: MIT */
#include "arm/arm_fake.h"

#include <string.h>

struct arm_registers fake_regs;
struct fake_walk fake_log[64];
unsigned int fake_nr_log, fake_nr_reads;

static uint8_t memory[FAKE_SIZE];

int fake_reset(void **state)
{
	memset(memory, 0, sizeof(memory));
	memset(&fake_regs, 0, sizeof(fake_regs));
	fake_regs.has_el2 = fake_regs.has_el3 = true;
	fake_regs.scr = SCR_NS;
	fake_regs.hcr = HCR_RW;
	fake_regs.pa_bits = 48;
	fake_regs.el = 1;
	for (unsigned int el = 1; el < 4; el++) {
		fake_regs.mair[el] = FAKE_MAIR;
	}
	fake_nr_log = fake_nr_reads = 0;
	return 0;
}

void fake_put(uint64_t paddr, uint64_t value)
{
	memcpy(memory + (paddr - FAKE_BASE), &value, sizeof(value));
}

void fake_put32(uint64_t paddr, uint32_t value)
{
	memcpy(memory + (paddr - FAKE_BASE), &value, sizeof(value));
}

void fake_fill(uint32_t seed)
{
	for (unsigned int i = 0; i < FAKE_SIZE; i += 4) {
		seed = seed * 1664525 + 1013904223;
		memcpy(memory + i, &seed, sizeof(seed));
	}
}

static bool read_memory(void *ctx, uint64_t paddr, unsigned int size, uint64_t *value)
{
	fake_nr_reads++;
	if (paddr < FAKE_BASE || paddr - FAKE_BASE > FAKE_SIZE - size) {
		return false;
	}
	*value = 0;
	memcpy(value, memory + (paddr - FAKE_BASE), size);
	return true;
}

static void log_descriptor(void *ctx, const struct arm_stage *stage, unsigned int level,
			   uint64_t input, uint64_t paddr, unsigned int size, enum mem_type type,
			   uint64_t value)
{
	if (fake_nr_log < sizeof(fake_log) / sizeof(fake_log[0])) {
		fake_log[fake_nr_log++] =
			(struct fake_walk){*stage, level, size, input, paddr, value, type};
	}
}

static const struct arm_walk_ops ops = {read_memory, log_descriptor};

enum arm_walk_result fake_translate(enum arm_regime regime, uint64_t va,
				    struct arm_translation *result)
{
	struct arm_context context;

	fake_nr_log = fake_nr_reads = 0;
	arm_context_of(&context, &fake_regs, regime);
	return arm_translate(&context, va, &ops, NULL, result);
}

enum arm_walk_result fake_translate_ipa(uint64_t ipa, struct arm_translation *result)
{
	struct arm_context context;

	fake_nr_log = fake_nr_reads = 0;
	arm_context_of(&context, &fake_regs, REGIME_EL10);
	return arm_translate_ipa(&context, ipa, &ops, NULL, result);
}
