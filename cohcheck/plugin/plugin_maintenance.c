/* SPDX-License-Identifier: MIT */
/*
 * DC, IC, TLBI and DSB that are executed (plugin_trap.c says which are not). --drop leaves the callback out, and counts instead.
 */
#include "plugin/plugin.h"
#include "report/report_stream.h"

#include <string.h>

/*
 * What such an instruction is, and how often it was executed. By plugin_site.maintenance; those that find no room share number 0,
 * are decoded each time, and are not counted. Entries do not move: .op is read without the lock.
 */
#define MAX_MAINTENANCE (UINT16_MAX + 1)
static struct maintenance {
	struct arm_op op;
	uint32_t site;
	bool dropped;
	uint64_t executed, redundant;
} maintenance[MAX_MAINTENANCE];
static unsigned int nr_maintenance = 1;

/* Also without the lock. */
static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void plugin_maintenance_add(uint32_t site_idx, const struct arm_op *op)
{
	struct plugin_site *site = plugin_site(site_idx);

	if (site->maintenance || site_idx == SITE_NOBODY || nr_maintenance == MAX_MAINTENANCE) {
		return;
	}
	maintenance[nr_maintenance] = (struct maintenance){.op = *op, .site = site_idx};
	site->maintenance = (uint16_t)nr_maintenance++;
}

/* "DC" drops all DC, "TLBI VAE2" only that. */
static bool names(const char *drop, const char *op)
{
	size_t length = strlen(drop);

	return !strncasecmp(drop, op, length) && (op[length] == 0 || op[length] == ' ');
}

bool plugin_maintenance_drops(const struct arm_op *op, uint64_t pc)
{
	for (unsigned int n = 0; n < plugin.options.nr_drops; n++) {
		const struct plugin_drop *drop = &plugin.options.drops[n];

		if (pc >= drop->start && pc < drop->end && op->name && names(drop->op, op->name)) {
			return true;
		}
	}
	return false;
}

#define HCR_VM  (1ull << 0)
#define HCR_FB  (1ull << 9)
#define HCR_DC  (1ull << 12)
#define HCR_TGE (1ull << 27)
#define HCR_E2H (1ull << 34)

static void execute_dc(struct plugin_cpu *cpu, const struct arm_op *op, site_t site,
		       enum arm_regime regime)
{
	uint64_t va = plugin_registers_x(cpu, op->rt);
	enum dc_op dc = op->dc;
	uint64_t paddr = va;

	if (!op->by_paddr) {
		const struct plugin_tlb_entry *entry = plugin_tlb_find(cpu, regime, va, site);

		/* No translation: an abort. */
		if (!entry || !entry->lines) {
			return;
		}
		paddr = (entry->paddr & ~(uint64_t)0xfff) | (va & 0xfff);
	}
	/*
	 * HCR_EL2.{VM,DC}: an invalidate by EL1 must not let a guest throw away what the hypervisor wrote (Arm ARM, "Effects of
	 * virtualization on cache maintenance instructions").
	 */
	if (op->ivac_by_el1 && regime == REGIME_EL10 && cpu->regs.hcr & (HCR_VM | HCR_DC)) {
		dc = DC_CIVAC;
	}
	plugin_device_candidate(paddr);
	plugin_report_at(va, paddr);
	if (model_dc(plugin.model, site, paddr, dc) == DC_REDUNDANT) {
		count(&maintenance[plugin_site(SITE_IDX(site))->maintenance].redundant);
	}
	/* The page's other lines are likely to be next, and then quiet. */
	model_ask(plugin.model, paddr);
}

/* Without the lock. Scrubbing maintains every line of memory, nearly always for nothing. */
static bool dc_is_quiet(struct plugin_cpu *cpu, const struct arm_op *op, enum arm_regime regime)
{
	const struct plugin_fast *fast = &plugin_fast[cpu->idx];
	const struct plugin_tlb_entry *entry;
	uint64_t va;

	if (op->by_paddr || plugin.options.noncoherent_dma) {
		return false;
	}
	va = plugin_registers_x(cpu, op->rt);
	entry = plugin_tlb_slot(fast, va);
	return plugin_tlb_hit(fast, entry, regime, va) && entry->lines &&
	       model_dc_is_quiet(plugin.model, entry->paddr,
				 &entry->lines[va >> LINE_SHIFT & (LINES_PER_PAGE - 1)], op->dc,
				 mem_type_allocates(TLB_DATA_TYPE(entry->paddr)));
}

static void execute_ic(struct plugin_cpu *cpu, const struct arm_op *op, site_t site,
		       enum arm_regime regime)
{
	uint64_t paddr = 0;

	if (op->ic == IC_IVAU) {
		uint64_t va = plugin_registers_x(cpu, op->rt);
		const struct plugin_tlb_entry *entry = plugin_tlb_find(cpu, regime, va, site);

		if (!entry || !entry->lines) {
			return;
		}
		paddr = (entry->paddr & ~(uint64_t)0xfff) | (va & 0xfff);
	}
	model_ic(plugin.model, site, paddr, op->ic);
}

static void execute_tlbi(struct plugin_cpu *cpu, const struct arm_op *op, site_t site)
{
	unsigned int el = plugin_site(SITE_IDX(site))->el;
	const struct arm_registers *regs = &cpu->regs;
	bool e2h_tge = (regs->hcr & (HCR_TGE | HCR_E2H)) == (HCR_TGE | HCR_E2H);
	enum arm_regime regime = op->tlbi.el == 3 ? REGIME_EL3
			       : op->tlbi.el == 2 ? (regs->hcr & HCR_E2H ? REGIME_EL20 : REGIME_EL2)
						  : (e2h_tge ? REGIME_EL20 : REGIME_EL10);
	const struct arm_stage *stage =
		op->tlbi.by == TLBI_IPA ? &cpu->contexts[regime].s2 : &cpu->contexts[regime].s1[0];
	struct shadow_issuer issuer = {
		.cpu = cpu->idx,
		/* VTCR_EL2.VS: 16 bits of VMID. */
		.vmid = (uint16_t)(regs->vttbr >> 48 & (regs->vtcr >> 19 & 1 ? 0xffff : 0xff)),
		.e2h_tge = e2h_tge,
		.fb = el == 1 && regs->hcr & HCR_FB,
		.granule_shift = stage->granule_shift,
		.lpa2 = stage->lpa2,
	};

	cpu->plain_tlbi |= !op->tlbi.nxs;
	shadow_tlbi(plugin.shadow, site, &issuer, &op->tlbi,
		    op->tlbi.by == TLBI_ALL ? 0 : plugin_registers_x(cpu, op->rt));
	if (plugin.shadow_blind) {
		plugin_tlb_forget_all();
	}
}

static void execute_dsb(struct plugin_cpu *cpu, const struct arm_op *op, site_t site)
{
	if (!op->dsb.stores) {
		return;
	}
	cpu->table_stores = false;
	if (!op->dsb.loads) {
		shadow_dsb_stores(plugin.shadow, cpu->idx);
		return;
	}
	if (op->dsb.nxs && cpu->plain_tlbi) {
		/* FEAT_XS: it waits for TLBIs with nXS only. Those issued together with others are taken for like them. */
		shadow_dsb_stores(plugin.shadow, cpu->idx);
	} else {
		shadow_dsb(plugin.shadow, cpu->idx);
		cpu->plain_tlbi = false;
	}
	model_dsb(plugin.model, site);
	cpu->maintenance = cpu->plain_tlbi;
}

/* W7 once for each instruction: a loop over all sets and ways is one mistake. */
static void execute_set_way(site_t site)
{
	struct plugin_site *insn = plugin_site(SITE_IDX(site));

	if (!(insn->flags & SITE_SET_WAY)) {
		insn->flags |= SITE_SET_WAY;
		plugin_report_at(0, 0);
		model_set_way(plugin.model, site);
	}
}

static bool operand_is_unreadable(const struct plugin_site *insn, const struct arm_op *op)
{
	bool has_operand = op->kind == OP_DC || (op->kind == OP_IC && op->ic == IC_IVAU) ||
			   (op->kind == OP_TLBI && op->tlbi.by != TLBI_ALL &&
			    op->tlbi.by != TLBI_VMALL && op->tlbi.by != TLBI_VMALLS12);

	/* QEMU keeps AArch32's registers where its gdb stub does not look. */
	return has_operand && insn->flags & SITE_AARCH32;
}

static void decode(struct arm_op *op, const struct plugin_site *insn)
{
	if (insn->flags & SITE_THUMB) {
		arm_decode_t32(op, insn->word);
	} else if (insn->flags & SITE_AARCH32) {
		arm_decode_a32(op, insn->word);
	} else {
		arm_decode(op, insn->word);
	}
}

static void execute(struct plugin_cpu *cpu, const struct arm_op *op, site_t site,
		    enum arm_regime regime)
{
	const struct plugin_site *insn = plugin_site(SITE_IDX(site));

	count(&maintenance[insn->maintenance].executed);
	if (operand_is_unreadable(insn, op)) {
		plugin_report_unchecked("maintenance by address in AArch32 state, ignored", 0, site);
		return;
	}
	cpu->maintenance |= op->kind != OP_DSB;
	switch (op->kind) {
	case OP_DC:
		execute_dc(cpu, op, site, regime);
		break;
	case OP_DC_SET_WAY:
		execute_set_way(site);
		break;
	case OP_IC:
		execute_ic(cpu, op, site, regime);
		break;
	case OP_TLBI:
		execute_tlbi(cpu, op, site);
		break;
	case OP_DSB:
		execute_dsb(cpu, op, site);
		break;
	default:
		break;
	}
}

void plugin_maintenance_execute(unsigned int vcpu, void *udata)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];
	const struct plugin_site *insn = plugin_site(UDATA_SITE(udata));
	const struct arm_op *op = &maintenance[insn->maintenance].op;
	struct arm_op decoded;

	if (unlikely(!insn->maintenance)) {
		decode(&decoded, insn);
		op = &decoded;
	}
	/* Most DSBs have nothing to complete. */
	if (op->kind == OP_DSB && !cpu->maintenance && !cpu->table_stores) {
		return;
	}
	if (plugin_trap_takes(&cpu->regs, op, insn)) {
		return;
	}
	if (op->kind == OP_DC && !(insn->flags & SITE_AARCH32) &&
	    dc_is_quiet(cpu, op, UDATA_REGIME(udata))) {
		count(&maintenance[insn->maintenance].executed);
		count(&maintenance[insn->maintenance].redundant);
		return;
	}
	plugin_lock();
	if (!plugin.over) {
		execute(cpu, op, SITE(UDATA_SITE(udata), vcpu), UDATA_REGIME(udata));
	}
	plugin_unlock();
}

void plugin_maintenance_dropped(unsigned int vcpu, void *udata)
{
	plugin_lock();

	struct maintenance *this = &maintenance[plugin_site(UDATA_SITE(udata))->maintenance];

	this->dropped = true;
	this->executed++;
	plugin_unlock();
}

void plugin_maintenance_counts(void)
{
	for (unsigned int n = 1; n < nr_maintenance; n++) {
		const struct maintenance *this = &maintenance[n];
		struct stream_counts record = {
			.site = this->site,
			.dropped = this->dropped,
			.executed = this->executed,
			.redundant = this->redundant,
		};

		if (this->executed) {
			plugin_report_site(this->site);
			plugin_stream_send(STREAM_COUNTS, &record, sizeof(record));
		}
	}
}
