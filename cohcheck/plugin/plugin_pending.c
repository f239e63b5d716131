/* SPDX-License-Identifier: MIT */
/*
 * Instructions whose stores QEMU does not show, and which may be stopped half-way: DC ZVA, and the memory copy and set instructions
 * (FEAT_MOPS). Before one executes its operands are kept; what it did is told from the registers after it: before the next
 * instruction of the block, or at the start of the next block, which may be a fault handler's.
 *
 * Also MRS of DCZID_EL0, the only way to learn the size of DC ZVA's block: software must ask, and QEMU answers it alone.
 */
#include "plugin/plugin.h"

static void resolve(struct plugin_cpu *cpu);

void plugin_pending_before(unsigned int vcpu, void *udata)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];
	const struct plugin_site *insn = plugin_site(UDATA_SITE(udata));
	struct plugin_pending *pending = &cpu->pending;

	/* It comes right behind another of its kind. */
	if (pending->kind != PENDING_NONE) {
		resolve(cpu);
	}
	pending->kind = UDATA_EXTRA(udata) & 0xff;
	pending->site = SITE(UDATA_SITE(udata), vcpu);
	pending->regime = UDATA_REGIME(udata);
	pending->word = insn->word;
	pending->pc = insn->pc;
	pending->rd = plugin_registers_x(cpu, insn->word & 31);
	if (pending->kind == PENDING_COPY || pending->kind == PENDING_SET) {
		pending->rn = plugin_registers_x(cpu, insn->word >> 5 & 31);
		pending->rs = plugin_registers_x(cpu, insn->word >> 16 & 31);
	}
	/* A copy or set may be stopped by a fault or an interrupt. */
	if (pending->kind == PENDING_COPY || pending->kind == PENDING_SET ||
	    UDATA_EXTRA(udata) & PENDING_LAST) {
		plugin_context_want(cpu);
	}
}

/* Lock held: QEMU's memory has the stores already. */
static void zva(struct plugin_cpu *cpu, const struct plugin_pending *pending)
{
	uint64_t size = 1ull << cpu->zva_shift;

	plugin_access(cpu, pending->site, pending->regime, pending->rd & ~(size - 1), size, true);
}

/*
 * How far a copy or set has come. The prologue (op1 bits 23:22 of a copy, 15:14 of a set, are 0) turns the size in Xn into what
 * QEMU, which implements option A, counts with: forwards Xn runs from -size to 0 with Xd and Xs at the ends, backwards from
 * size to 0 with Xd and Xs at the starts (Arm ARM, CPYP and SETP).
 */
struct progress {
	uint64_t to, from, size;
};

static bool is_prologue(const struct plugin_pending *pending)
{
	return pending->kind == PENDING_COPY ? (pending->word >> 22 & 3) == 0
					     : (pending->word >> 14 & 3) == 0;
}

static void progress_of(struct progress *progress, const struct plugin_pending *pending,
			uint64_t rd_now, uint64_t rs_now, uint64_t rn_now)
{
	int64_t left = (int64_t)rn_now;
	uint64_t before;

	if (is_prologue(pending)) {
		before = pending->rn;
		/* Stopped within the prologue, forwards: the registers are as if it had been given the rest. */
		if (left > 0 && rd_now != pending->rd) {
			*progress = (struct progress){.to = pending->rd,
						      .from = pending->rs,
						      .size = rd_now - pending->rd};
			return;
		}
	} else {
		before = (int64_t)pending->rn < 0 ? -pending->rn : pending->rn;
	}

	uint64_t after = left < 0 ? (uint64_t)-left : (uint64_t)left;

	progress->size = before > after ? before - after : 0;

	bool backwards = left > 0 || (left == 0 && rd_now == pending->rd &&
				      (is_prologue(pending) || (int64_t)pending->rn > 0));

	if (backwards) {
		progress->to = rd_now + after;
		progress->from = rs_now + after;
	} else {
		progress->to = rd_now - before;
		progress->from = rs_now - before;
	}
}

static void copy_or_set(struct plugin_cpu *cpu, const struct plugin_pending *pending)
{
	struct progress progress;

	progress_of(&progress, pending, plugin_registers_x(cpu, pending->word & 31),
		    plugin_registers_x(cpu, pending->word >> 16 & 31),
		    plugin_registers_x(cpu, pending->word >> 5 & 31));
	if (progress.size == 0) {
		return;
	}
	if (pending->kind == PENDING_COPY) {
		plugin_access(cpu, pending->site, pending->regime, progress.from, progress.size,
			      false);
	}
	plugin_access(cpu, pending->site, pending->regime, progress.to, progress.size, true);
}

static void resolve(struct plugin_cpu *cpu)
{
	struct plugin_pending pending = cpu->pending;

	cpu->pending.kind = PENDING_NONE;
	if (pending.kind == PENDING_ZVA_SIZE) {
		/* DCZID_EL0: log2 of the block in words; bit 4 forbids. */
		cpu->zva_shift = (uint8_t)((plugin_registers_x(cpu, pending.word & 31) & 0xf) + 2);
		return;
	}
	if (pending.kind == PENDING_ZVA) {
		uint64_t size = 1ull << cpu->zva_shift;

		if (plugin_access_zero_is_quiet(cpu, pending.site, pending.regime,
						pending.rd & ~(size - 1), size)) {
			return;
		}
	}
	plugin_lock();
	if (!plugin.over) {
		if (pending.kind == PENDING_ZVA) {
			zva(cpu, &pending);
		} else {
			copy_or_set(cpu, &pending);
		}
	}
	plugin_unlock();
}

void plugin_pending_after(unsigned int vcpu, void *udata)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];

	if (cpu->pending.kind != PENDING_NONE) {
		resolve(cpu);
	}
}

void plugin_pending_resolve(struct plugin_cpu *cpu, uint64_t next_pc)
{
	struct plugin_pending *pending = &cpu->pending;

	if (pending->kind == PENDING_NONE) {
		return;
	}
	/* One that does all or nothing, and did not lead here, has faulted. A copy's registers tell how far it came. */
	if (pending->kind != PENDING_COPY && pending->kind != PENDING_SET &&
	    (next_pc - pending->pc - 4) % (1 << PAGE_SHIFT)) {
		pending->kind = PENDING_NONE;
		return;
	}
	resolve(cpu);
}
