/* SPDX-License-Identifier: MIT */
/*
 * Cold and warm (design.md, "Words"): a domain turns warm when a vCPU turns its MMU and data cache on, which
 * Tenon sees because HCR_EL2.TVM traps writes to the registers that do it. A warm domain pays nothing: TVM is
 * dropped. Set/way maintenance by a guest arms TVM again, and from then on each change of the caches' state
 * cleans and invalidates the domain's RAM by VA once, as Xen does (xen-abi-arm section 12.4).
 */
#include "domain/domain.h"

#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/esr.h"
#include "arm64/sysreg.h"
#include "lib/assert.h"
#include "lib/log.h"

/* TVM follows the domain's state; a vCPU on another CPU finds out at its next trap. */
static void update_tvm(struct vcpu *v)
{
	const struct domain *d = v->domain;
	uint64_t hcr = v->hcr_el2 & ~HCR_TVM;

	if (!d->warm || d->setway_armed) {
		hcr |= HCR_TVM;
	}
	if (hcr != v->hcr_el2) {
		v->hcr_el2 = hcr;
		sysreg_write(HCR_EL2, hcr | (sysreg_read(HCR_EL2) & HCR_VSE));
		isb(); /* the guest's next write does (not) trap */
	}
}

static bool any_caches_on(const struct domain *d)
{
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		if (d->vcpu[id]->caches_on) {
			return true;
		}
	}
	return false;
}

/*
 * Cold to warm: under the attribute lock, so that nobody opens a window on a private frame with the old
 * attribute afterwards. No foreign mapping of its frames exists yet that would have to follow: those that dom0
 * makes come with the toolstack's calls, and are listed per owner there.
 */
static void turn_warm(struct domain *d, bool warm)
{
	write_lock(&d->attr_lock);
	d->warm = warm;
	write_unlock(&d->attr_lock);
}

void domain_sctlr_changed(struct vcpu *v, uint64_t value)
{
	struct domain *d = v->domain;
	bool on = (value & SCTLR_M) != 0 && (value & SCTLR_C) != 0;

	if (on != v->caches_on) {
		v->caches_on = on;
		if (d->setway_armed) {
			d->setway_flush = true;
		}
	}
	if (on && !d->warm) {
		turn_warm(d, true);
	} else if (!on && d->warm && d->setway_armed && !any_caches_on(d)) {
		turn_warm(d, false);
	}
	update_tvm(v);
}

/*
 * Clean and invalidate what the domain has mapped, by VA through windows, a span at a time. Called on the way back
 * to the guest until it returns true.
 */
bool domain_setway_flush_step(struct domain *d)
{
	const uint64_t end = UINT64_C(1) << (stage2_ipa_bits() - PAGE_SHIFT);
	uint64_t g = d->setway_next;
	unsigned int budget = 64;

	while (g < end && budget > 0) {
		enum stage2_type type;
		mfn_t m;
		uint64_t skip;
		char *page;

		if (stage2_get_frame(d, gfn(g), &m, &type) != 0) {
			skip = stage2_hole_frames(d, gfn(g));
			g += skip ? skip : 1;
			budget--;
			continue;
		}
		read_lock(&d->attr_lock);
		page = window_map(m, stage2_attr_window(d, frame_of(m)));
		dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
		window_unmap(page);
		read_unlock(&d->attr_lock);
		frame_put(m);
		g++;
		budget--;
	}
	d->setway_next = g;
	if (g < end) {
		return false;
	}
	dsb_sy(); /* all of it is complete before the guest's next access */
	d->setway_next = 0;
	d->setway_flush = false;
	return true;
}

int domain_set_way(struct vcpu *v)
{
	struct domain *d = v->domain;

	if (!d->setway_armed) {
		log_info("d%u (%s) uses cache maintenance by set/way, which is emulated by cleaning its RAM; "
			 "maintenance by VA would be cheaper", d->id, d->name);
		d->setway_armed = true;
		d->setway_flush = true;
	}
	update_tvm(v);
	return 0;
}

bool domain_vm_register_write(struct vcpu *v, uint32_t key, uint64_t value)
{
	switch (key) {
	case SYS_ENC(3, 0, 1, 0, 0):
		/* The state changes before the instruction takes effect: no cacheable access precedes it. */
		domain_sctlr_changed(v, value);
		sysreg_write(SCTLR_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 0):
		sysreg_write(TTBR0_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 1):
		sysreg_write(TTBR1_EL1, value);
		break;
	case SYS_ENC(3, 0, 2, 0, 2):
		sysreg_write(TCR_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 1, 0):
		sysreg_write(AFSR0_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 1, 1):
		sysreg_write(AFSR1_EL1, value);
		break;
	case SYS_ENC(3, 0, 5, 2, 0):
		sysreg_write(ESR_EL1, value);
		break;
	case SYS_ENC(3, 0, 6, 0, 0):
		sysreg_write(FAR_EL1, value);
		break;
	case SYS_ENC(3, 0, 10, 2, 0):
		sysreg_write(MAIR_EL1, value);
		break;
	case SYS_ENC(3, 0, 10, 3, 0):
		sysreg_write(AMAIR_EL1, value);
		break;
	case SYS_ENC(3, 0, 13, 0, 1):
		sysreg_write(CONTEXTIDR_EL1, value);
		break;
	default:
		return false;
	}
	if (key != SYS_ENC(3, 0, 1, 0, 0)) {
		update_tvm(v);
	}
	return true;
}
