/* SPDX-License-Identifier: MIT */
/*
 * From registers to translation contexts. A soft TLB entry belongs to a context by a small number: what is numbered is half of
 * a context (one VA range) without ASID and VMID, so that a kernel's half keeps its number, and its entries, when the process
 * changes, and a process that comes back finds its own again.
 *
 * When registers are read: at the first block after an MSR to one that matters, after a sleep (PSCI CPU_ON and a reset happen then),
 * and after an SMC or HVC. Exceptions and ERET change only the exception level, which a block has for good.
 */
#include "plugin/plugin.h"

#include <string.h>

#define MAX_CONTEXTS     4000 /* below CONTEXT_ID_MASK */
#define NR_BUCKETS       8192

#define MAX_STAGE2_ROOTS 256

#define HCR_NV2          (1ull << 45)

static struct arm_context halves[MAX_CONTEXTS + 1];
static uint64_t stage2_roots[MAX_STAGE2_ROOTS];
static unsigned int nr_stage2_roots;
static uint16_t buckets[NR_BUCKETS];
static unsigned int nr_halves;

static void half_of(struct arm_context *half, const struct arm_context *context, unsigned int upper)
{
	memcpy(half, context, sizeof(*half));
	memset(&half->s1[!upper], 0, sizeof(half->s1[0]));
	half->s1[upper].asid = half->s1[upper].vmid = half->s2.vmid = 0;
}

static unsigned int bucket_of(const struct arm_context *half)
{
	const uint8_t *bytes = (const uint8_t *)half;
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t n = 0; n < sizeof(*half); n++) {
		hash = (hash ^ bytes[n]) * 0x100000001b3ull;
	}
	return (unsigned int)(hash >> 20) % NR_BUCKETS;
}

bool plugin_context_is_stage2(uint64_t root)
{
	for (unsigned int n = 0; n < nr_stage2_roots; n++) {
		if (stage2_roots[n] == root) {
			return true;
		}
	}
	/* A list that is full knows nothing for certain. */
	return nr_stage2_roots == MAX_STAGE2_ROOTS;
}

/* 0: no number is left. */
static unsigned int number_of(const struct arm_context *half)
{
	unsigned int n = bucket_of(half);

	for (; buckets[n]; n = (n + 1) % NR_BUCKETS) {
		if (!memcmp(&halves[buckets[n]], half, sizeof(*half))) {
			return buckets[n];
		}
	}
	if (nr_halves == MAX_CONTEXTS) {
		return 0;
	}
	halves[++nr_halves] = *half;
	if (half->s2.enabled && !plugin_context_is_stage2(half->s2.root)) {
		stage2_roots[nr_stage2_roots++] = half->s2.root;
	}
	buckets[n] = (uint16_t)nr_halves;
	return nr_halves;
}

static bool number(struct plugin_cpu *cpu)
{
	for (unsigned int regime = 0; regime < NR_REGIMES; regime++) {
		for (unsigned int upper = 0; upper < 2; upper++) {
			struct arm_context half;

			half_of(&half, &cpu->contexts[regime], upper);

			unsigned int id = number_of(&half);

			if (id == 0) {
				return false;
			}
			atomic_store_explicit(&plugin_fast[cpu->idx].context_id[regime][upper], id,
					      memory_order_relaxed);
		}
	}
	return true;
}

/* All numbers are given out: begin anew, on all CPUs. */
static void renumber(void)
{
	plugin_tlb_forget_all();
	memset(buckets, 0, sizeof(buckets));
	nr_halves = 0;
	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		if (plugin_cpus[n].up) {
			number(&plugin_cpus[n]);
		}
	}
}

/* Whether fetches of this regime must be checked each time a block executes, not only when it is translated. */
static bool fetches_are_watched(const struct arm_context *context)
{
	return (!context->s1_on && !context->default_cacheable) || !context->insns_cached ||
	       (context->s2.enabled && !context->stage2_insns_cached);
}

/*
 * Is the regime, with the registers that it has, what code at this exception level uses or could speculatively use? A lower
 * exception level's registers may be another vCPU's, half loaded (arm_shadow.h, shadow_install()).
 */
static bool is_in_use(const struct arm_registers *regs, enum arm_regime regime)
{
	switch (regime) {
	case REGIME_EL3:
		return true;
	case REGIME_EL2:
	case REGIME_EL20:
		return regs->el <= 2;
	default:
		return regs->el <= 1;
	}
}

static void install(struct plugin_cpu *cpu, site_t site)
{
	if (cpu->regs.hcr & HCR_NV2) {
		plugin_report_unchecked("FEAT_NV2: stores to memory that stands for a nested hypervisor's registers",
					0, site);
	}
	for (unsigned int n = 0; n < NR_REGIMES; n++) {
		if (cpu->contexts[n].unsupported && is_in_use(&cpu->regs, (enum arm_regime)n)) {
			plugin_report_unchecked(cpu->contexts[n].unsupported, 0, site);
			plugin.shadow_blind = true;
		}
	}
	cpu->up = true;
	if (!number(cpu)) {
		renumber();
	}
	shadow_install(plugin.shadow, cpu->idx, cpu->installed, site);
	model_aliases_new(plugin.model);
}

/*
 * One that is not in use now is installed as it was when it last was in use, if it still is so; else as none, until a block of its own
 * asks.
 */
static uint64_t choose(struct plugin_cpu *cpu, struct arm_context *installed,
		       const struct arm_context *context, enum arm_regime regime)
{
	if (is_in_use(&cpu->regs, regime)) {
		*installed = cpu->used[regime] = *context;
	} else if (!memcmp(&cpu->used[regime], context, sizeof(*context))) {
		*installed = *context;
	} else {
		memset(installed, 0, sizeof(*installed));
		installed->regime = regime;
		return ATTEND_REGISTERS;
	}
	return fetches_are_watched(context) ? ATTEND_FETCHES : 0;
}

/* Nearly always there was one MSR, of Linux's TTBRs, or none: code of another exception level has begun. */
static void read_registers(struct plugin_cpu *cpu, uint32_t site)
{
	uint64_t msrs =
		qemu_plugin_u64_get(plugin_word(offsetof(struct plugin_words, msrs)), cpu->idx);
	const struct plugin_site *insn = plugin_site(site);

	if (cpu->read_all || msrs - cpu->msrs_seen > 1) {
		plugin_registers_read(cpu);
	} else if (msrs == cpu->msrs_seen) {
		plugin_registers_read_written(cpu, 0);
	} else if (site == SITE_NOBODY || insn->flags & SITE_AARCH32) {
		plugin_registers_read(cpu);
	} else {
		plugin_registers_read_written(cpu, insn->word);
	}
	cpu->read_all = false;
	cpu->msrs_seen = msrs;
}

void plugin_context_refresh(struct plugin_cpu *cpu)
{
	struct arm_context contexts[NR_REGIMES], installed[NR_REGIMES];
	uint64_t site =
		qemu_plugin_u64_get(plugin_word(offsetof(struct plugin_words, msr_site)), cpu->idx);

	read_registers(cpu, (uint32_t)site);
	plugin_reset_check(cpu);
	for (unsigned int n = 0; n < NR_REGIMES; n++) {
		enum arm_regime regime = (enum arm_regime)n;

		arm_context_of(&contexts[n], &cpu->regs, regime);
		qemu_plugin_u64_set(plugin_attention(regime), cpu->idx,
				    choose(cpu, &installed[n], &contexts[n], regime));
	}
	if (cpu->up && !memcmp(contexts, cpu->contexts, sizeof(contexts)) &&
	    !memcmp(installed, cpu->installed, sizeof(installed))) {
		return;
	}
	plugin_lock();
	memcpy(cpu->contexts, contexts, sizeof(contexts));
	memcpy(cpu->installed, installed, sizeof(installed));
	if (!plugin.over) {
		plugin_fetchable_set(cpu, FETCHABLE_NONE);
		install(cpu, SITE((uint32_t)site, cpu->idx));
	}
	plugin_unlock();
}

void plugin_context_want(struct plugin_cpu *cpu)
{
	cpu->read_all = true;
	for (unsigned int n = 0; n < NR_REGIMES; n++) {
		qemu_plugin_u64_set(plugin_attention((enum arm_regime)n), cpu->idx,
				    ATTEND_REGISTERS);
	}
}

void plugin_context_attend(struct plugin_cpu *cpu)
{
	for (unsigned int n = 0; n < NR_REGIMES; n++) {
		if (qemu_plugin_u64_get(plugin_attention((enum arm_regime)n), cpu->idx) ==
		    ATTEND_REGISTERS) {
			plugin_context_refresh(cpu);
			return;
		}
	}
}
