/* SPDX-License-Identifier: MIT */
/*
 * Each block that QEMU translates: which callbacks its instructions get, and the checks of their fetches.
 *
 * A block is translated just before it first executes, and again after its memory was written, so instruction fetches are checked
 * here, once. That is not enough while fetches are not cacheable, which depends on registers, not on memory: there each execution
 * is checked (ATTEND_FETCHES).
 *
 * QEMU shares a block between virtual addresses of one physical page, so the address of an instruction known here is that of its first
 * use.
 */
#include "plugin/plugin.h"

#define PSCI_CPU_OFF   0x84000002u
/* MRS Xt, DCZID_EL0 */
#define MRS_DCZID      0xd53b00e0u
#define MRS_DCZID_MASK 0xffffffe0u

struct block {
	struct plugin_cpu *cpu;
	enum arm_regime regime;
	uint8_t el, flags; /* of plugin_site.flags */
	uint64_t page;     /* virtual, of .entry */
	const struct plugin_tlb_entry *entry;
	uint32_t first_site;
};

struct insn {
	struct qemu_plugin_insn *handle;
	uint64_t va, paddr;
	uint32_t word; /* T32: first halfword on top */
	uint8_t size;
	bool last;
	struct arm_op op;
};

/* Can some CPU whose MMU is off fetch from there? */
static bool is_fetchable_flat(uint64_t page)
{
	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		uint64_t first = plugin_cpus[n].fetchable_page;

		if (first != FETCHABLE_NONE && page - first <= 1 << PAGE_SHIFT) {
			return true;
		}
	}
	return false;
}

/*
 * With the MMU off, instructions may be fetched ahead within the page and the next one (Arm ARM, "Behavior of instruction fetches when all
 * associated stages of translation are disabled").
 */
void plugin_fetchable_set(struct plugin_cpu *cpu, uint64_t page)
{
	uint64_t old = cpu->fetchable_page;

	if (old == page) {
		return;
	}
	cpu->fetchable_page = page;
	for (unsigned int n = 0; n < 2 && page != FETCHABLE_NONE; n++) {
		model_fetchable(plugin.model, page + n * (1 << PAGE_SHIFT));
	}
	for (unsigned int n = 0; n < 2 && old != FETCHABLE_NONE; n++) {
		uint64_t left = old + n * (1 << PAGE_SHIFT);

		if (!is_fetchable_flat(left) && !shadow_is_executable(plugin.shadow, left)) {
			model_unfetchable(plugin.model, left);
		}
	}
}

static void fetched_with_mmu_off(struct plugin_cpu *cpu, enum arm_regime regime, uint64_t page)
{
	/* There not each execution is seen (ATTEND_FETCHES): for good. */
	if (cpu->contexts[regime].default_cacheable) {
		model_fetchable(plugin.model, page);
		model_fetchable(plugin.model, page + (1 << PAGE_SHIFT));
	} else {
		plugin_fetchable_set(cpu, page);
	}
}

static const struct plugin_tlb_entry *code_entry(struct block *block, uint64_t va)
{
	uint64_t page = va & ~(uint64_t)((1 << PAGE_SHIFT) - 1);

	/* The slot may have been taken for another page since. */
	if (block->page != page ||
	    (block->entry &&
	     !plugin_tlb_hit(&plugin_fast[block->cpu->idx], block->entry, block->regime, va))) {
		block->page = page;
		block->entry = plugin_tlb_slot(&plugin_fast[block->cpu->idx], va);
		if (!plugin_tlb_hit(&plugin_fast[block->cpu->idx], block->entry, block->regime, va)) {
			/* It is walked for an instruction of which nothing but the address is known yet. */
			uint32_t idx = plugin_site_add(va, 0, 0, block->el, block->flags);

			block->entry = plugin_tlb_find(block->cpu, block->regime, va,
						       SITE(idx, block->cpu->idx));
		}
		if (!block->entry) {
			plugin_report_unchecked("instruction fetches through translations that the tables do not hold",
						0, SITE_NOBODY);
		} else if (block->entry->lines && block->entry->paddr & TLB_MMU_OFF) {
			fetched_with_mmu_off(block->cpu, block->regime,
					     block->entry->paddr & ~(uint64_t)0xfff);
		}
	}
	return block->entry;
}

/* A word of code whose line says nothing against it needs no number, and its page is fetchable once its first word was fetched. */
static bool fetch_is_quiet(const struct plugin_tlb_entry *entry, uint64_t paddr)
{
	const struct line *line = &entry->lines[paddr >> LINE_SHIFT & (LINES_PER_PAGE - 1)];
	uint16_t words = (uint16_t)(1u << (paddr % LINE_SIZE / 4));
	uint16_t masks = line->unclean | line->old_insns | line->stale;

	if (!mem_type_sees_caches(TLB_FETCH_TYPE(entry->paddr))) {
		masks |= line->dirty;
	}
	return !(masks & words);
}

static void check_fetch(struct block *block, uint64_t va, uint32_t word, bool first)
{
	const struct plugin_tlb_entry *entry = code_entry(block, va);

	if (!entry || !entry->lines) {
		return;
	}

	uint64_t paddr = (entry->paddr & ~(uint64_t)0xfff) | (va & 0xffc);
	bool exempt = plugin_memory_fetched(paddr, word) && !(block->flags & SITE_AARCH32);

	plugin_device_check(paddr, 4);

	if (!first && va % (1 << PAGE_SHIFT) >= 4 && fetch_is_quiet(entry, paddr)) {
		return;
	}

	uint32_t idx = plugin_site_add(va, paddr, word, block->el, block->flags);

	plugin_report_at(va, paddr);
	model_fetch(plugin.model, SITE(idx, block->cpu->idx), paddr, TLB_FETCH_TYPE(entry->paddr),
		    exempt);
}

/* Fetches of a block that executes. Lock not held. */
static void check_fetches(struct plugin_cpu *cpu, void *udata)
{
	const struct plugin_site *site = plugin_site(UDATA_SITE(udata));
	struct block block = {
		.cpu = cpu,
		.regime = UDATA_REGIME(udata),
		.el = site->el,
		.flags = site->flags & (SITE_AARCH32 | SITE_THUMB),
		.page = 1,
	};
	uint64_t va = block.flags & SITE_AARCH32 ? site->pc : plugin_registers_pc(cpu);
	uint64_t end = va + UDATA_EXTRA(udata);

	plugin_lock();
	for (va &= ~3ull; va < end && !plugin.over; va += 4) {
		const struct plugin_tlb_entry *entry = code_entry(&block, va);
		uint64_t word = 0;

		if (entry && entry->lines) {
			plugin_memory_read(NULL, (entry->paddr & ~(uint64_t)0xfff) | (va & 0xffc),
					   4, &word);
			check_fetch(&block, va, (uint32_t)word, false);
		}
	}
	plugin_unlock();
}

static void block_starts(unsigned int vcpu, void *udata)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];
	qemu_plugin_u64 attention = plugin_attention(UDATA_REGIME(udata));

	cpu->leaving = false;
	if (cpu->pending.kind != PENDING_NONE) {
		plugin_pending_resolve(cpu, plugin_registers_pc(cpu));
	}
	if (qemu_plugin_u64_get(attention, vcpu) == ATTEND_REGISTERS) {
		plugin_context_refresh(cpu);
	}
	if (qemu_plugin_u64_get(attention, vcpu) == ATTEND_FETCHES) {
		check_fetches(cpu, udata);
	}
}

/* SMC or HVC: PSCI may change anything, or turn this CPU off; which it is is known when it next does something. */
static void calls(unsigned int vcpu, void *udata)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];

	plugin_context_want(cpu);
	cpu->leaving = (uint32_t)plugin_registers_x(cpu, 0) == PSCI_CPU_OFF;
}

/*
 * May it access memory, to QEMU's knowledge? An answer of true for one that does not costs nothing but a little memory. Arm ARM, "A64
 * instruction set encoding": loads and stores have bits 27 and 25 as 1 and 0; SVE and SME ones are 1xx0010 and 1110000.
 */
static bool may_access_memory(const struct block *block, uint32_t word)
{
	if (block->flags & SITE_AARCH32) {
		return true;
	}
	return (word >> 25 & 5) == 4 || (word >> 25 & 0x4f) == 0x42 || word >> 25 == 0x70;
}

static void want_accesses(const struct block *block, const struct insn *insn, uint32_t site)
{
	qemu_plugin_vcpu_mem_cb_t load = plugin_access_load, store = plugin_access_store;
	void *udata = UDATA(site, block->regime, 0);

	if (insn->op.kind == OP_EXCLUSIVE || insn->op.kind == OP_ATOMIC) {
		load = plugin_access_exclusive_load;
		store = plugin_access_exclusive_store;
	} else if (plugin.options.noncoherent_dma) {
		load = plugin_device_load;
		store = plugin_device_store;
	}
	qemu_plugin_register_vcpu_mem_cb(insn->handle, load, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_R, udata);
	qemu_plugin_register_vcpu_mem_cb(insn->handle, store, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_W, udata);
}

static void store_inline(const struct insn *insn, qemu_plugin_u64 word, uint64_t value)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn->handle,
							    QEMU_PLUGIN_INLINE_STORE_U64, word,
							    value);
}

static void want_registers_after(const struct block *block, const struct insn *insn, uint32_t site)
{
	for (unsigned int n = 0; n < NR_REGIMES; n++) {
		store_inline(insn, plugin_attention((enum arm_regime)n), ATTEND_REGISTERS);
	}
	store_inline(insn, plugin_word(offsetof(struct plugin_words, msr_site)), site);
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn->handle, QEMU_PLUGIN_INLINE_ADD_U64,
							    plugin_word(offsetof(struct plugin_words,
										 msrs)),
							    1);
}

static void call_before(const struct block *block, const struct insn *insn, uint32_t site,
			qemu_plugin_vcpu_udata_cb_t callback, uint32_t extra)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn->handle, callback, QEMU_PLUGIN_CB_R_REGS,
					       UDATA(site, block->regime, extra));
}

static bool is_dczid(const struct block *block, const struct insn *insn)
{
	return !(block->flags & SITE_AARCH32) && (insn->word & MRS_DCZID_MASK) == MRS_DCZID;
}

/* The enum of struct plugin_pending, or PENDING_NONE. */
static int pending_kind(const struct block *block, const struct insn *insn)
{
	if (insn->op.kind == OP_DC_ZVA) {
		return PENDING_ZVA;
	}
	if (insn->op.kind == OP_MOPS) {
		/* Copies have op0 bits 23:22 (the step) other than 11, which is a set's. */
		return (insn->word >> 22 & 3) == 3 ? PENDING_SET : PENDING_COPY;
	}
	return is_dczid(block, insn) ? PENDING_ZVA_SIZE : PENDING_NONE;
}

/* What the instruction needs besides the check of its fetch. True: and a look at it afterwards. */
static bool instrument(const struct block *block, const struct insn *insn)
{
	int pending = pending_kind(block, insn);
	bool maintenance =
		insn->op.kind >= OP_DC && insn->op.kind <= OP_DSB && insn->op.kind != OP_DC_ZVA;

	if (insn->op.kind == OP_OTHER && pending == PENDING_NONE &&
	    !may_access_memory(block, insn->word)) {
		return false;
	}

	uint32_t site = plugin_site_add(insn->va, insn->paddr, insn->word, block->el, block->flags);

	if (pending != PENDING_NONE) {
		call_before(block, insn, site, plugin_pending_before,
			    (uint32_t)pending | (insn->last ? PENDING_LAST : 0));
		return true;
	}
	if (maintenance) {
		plugin_maintenance_add(site, &insn->op);
		call_before(block, insn, site,
			    plugin_maintenance_drops(&insn->op, insn->va)
				    ? plugin_maintenance_dropped
				    : plugin_maintenance_execute,
			    0);
	} else if (insn->op.kind == OP_MSR) {
		want_registers_after(block, insn, site);
	} else if (insn->op.kind == OP_CALL) {
		call_before(block, insn, site, calls, 0);
	} else {
		want_accesses(block, insn, site);
	}
	return false;
}

static void read_insn(struct insn *insn, struct block *block, const struct qemu_plugin_tb *tb,
		      size_t n)
{
	uint32_t data = 0;
	const struct plugin_tlb_entry *entry;

	insn->handle = qemu_plugin_tb_get_insn(tb, n);
	insn->size = (uint8_t)qemu_plugin_insn_size(insn->handle);
	insn->va = qemu_plugin_insn_vaddr(insn->handle);
	insn->last = n + 1 == qemu_plugin_tb_n_insns(tb);
	qemu_plugin_insn_data(insn->handle, &data, sizeof(data));
	insn->word = block->flags & SITE_THUMB ? data << 16 | data >> 16 : data;
	entry = code_entry(block, insn->va);
	insn->paddr = entry ? (entry->paddr & ~(uint64_t)0xfff) | (insn->va & 0xfff) : insn->va;
	if (block->flags & SITE_THUMB) {
		arm_decode_t32(&insn->op, insn->word);
	} else if (block->flags & SITE_AARCH32) {
		arm_decode_a32(&insn->op, insn->word);
	} else {
		arm_decode(&insn->op, insn->word);
	}
}

static void translate_insns(struct block *block, const struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb);
	bool look_back = false;

	for (size_t n = 0; n < nr; n++) {
		struct insn insn;

		read_insn(&insn, block, tb, n);
		if (n == 0) {
			block->first_site = plugin_site_add(insn.va, insn.paddr, insn.word,
							    block->el, block->flags);
		}
		check_fetch(block, insn.va & ~3ull, insn.word, n == 0);
		/* A 32-bit T32 instruction may lie in two words. */
		if ((insn.va & 3) + insn.size > 4) {
			check_fetch(block, (insn.va & ~3ull) + 4, insn.word, false);
		}
		/* Another of its kind looks back by itself. */
		if (look_back && pending_kind(block, &insn) == PENDING_NONE) {
			call_before(block, &insn, 0, plugin_pending_after, 0);
		}
		look_back = instrument(block, &insn);
	}
}

/* QEMU does not say; but its AArch64 program counter is not used in AArch32 state, and 16-bit instructions are T32. */
static uint8_t state_of(struct plugin_cpu *cpu, const struct qemu_plugin_tb *tb)
{
	uint64_t pc = qemu_plugin_tb_vaddr(tb);
	size_t nr = qemu_plugin_tb_n_insns(tb);

	if (pc >> 32 || pc == plugin_registers_pc(cpu)) {
		return 0;
	}
	for (size_t n = 0; n < nr; n++) {
		if (qemu_plugin_insn_size(qemu_plugin_tb_get_insn(tb, n)) == 2) {
			return SITE_AARCH32 | SITE_THUMB;
		}
	}
	return SITE_AARCH32;
}

void plugin_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct plugin_cpu *cpu = plugin_this_cpu;
	struct block block = {.cpu = cpu, .page = 1};
	size_t nr = qemu_plugin_tb_n_insns(tb), bytes = 0;

	if (!cpu || plugin.over) {
		return;
	}
	plugin_context_attend(cpu);
	block.flags = state_of(cpu, tb);
	block.el = (uint8_t)plugin_registers_el(cpu);
	if (block.flags & SITE_AARCH32) {
		/* The AArch64 PSTATE is not used either. */
		block.el = cpu->regs.el1_aarch32 ? 1 : 0;
	}
	block.regime = arm_regime_of(&cpu->regs, block.el);
	for (size_t n = 0; n < nr; n++) {
		bytes += qemu_plugin_insn_size(qemu_plugin_tb_get_insn(tb, n));
	}
	plugin_lock();
	translate_insns(&block, tb);
	plugin_unlock();
	qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, block_starts, QEMU_PLUGIN_CB_R_REGS,
						  QEMU_PLUGIN_COND_NE,
						  plugin_attention(block.regime), 0,
						  UDATA(block.first_site, block.regime, bytes));
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  plugin_word(offsetof(struct plugin_words,
									       insns)),
							  nr);
}
