/* SPDX-License-Identifier: MIT */
/*
 * Stage-2 aborts: emulated devices, faults that another CPU has resolved meanwhile, and accesses to nothing.
 *
 * A translation fault is checked again under the stage-2 lock before anything is injected: the entry may have been
 * invalid only for a break-before-make (stage2_map.c), which holds the lock for writing.
 */
#include "trap/trap_internal.h"

#include "arm64/at.h"
#include "arm64/cpu.h"
#include "arm64/esr.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "stage2/stage2.h"

#define HPFAR_FIPA BITS64(43, 4)

/* The page of the faulting IPA, where HPFAR_EL2 is valid. */
static inline ipa_t hpfar_page(void)
{
	return (sysreg_read(HPFAR_EL2) & HPFAR_FIPA) << (PAGE_SHIFT - 4);
}

struct fault {
	uint64_t esr;
	uint64_t far;
	ipa_t ipa;
	bool instruction, write, s1ptw;
	bool permission; /* else nothing was mapped */
	bool ipa_known;
};

/*
 * The faulting IPA. HPFAR_EL2 has it for translation and access-flag faults and for stage-1 walks; after a
 * permission fault it may be stale (Arm ARM, "HPFAR_EL2"; erratum 834220), and stage 1 is asked instead.
 */
static void find_ipa(struct fault *f)
{
	uint64_t fsc = FSC_TYPE(ESR_ISS(f->esr) & ISS_FSC);
	uint64_t saved_par, par;

	if (f->s1ptw || fsc == FSC_TRANSLATION || fsc == FSC_ACCESS_FLAG) {
		f->ipa = hpfar_page();
		f->ipa_known = true;
	} else {
		saved_par = sysreg_read(PAR_EL1);
		par = at_s1e1r(f->far);
		sysreg_write(PAR_EL1, saved_par);
		f->ipa_known = (par & PAR_F) == 0;
		f->ipa = par & PAR_PA;
	}
	if (!f->s1ptw) {
		f->ipa |= f->far & (PAGE_SIZE - 1);
	}
}

/*
 * Is there a mapping now that makes it worth while to execute the instruction again? After a translation fault any
 * will do: if it does not allow the access, a permission fault comes next. After a permission fault it must allow what
 * faulted, or the guest would fault for ever.
 */
static bool resolved(struct domain *d, const struct fault *f)
{
	enum stage2_type type;
	mfn_t m;

	if (!f->ipa_known) {
		/* Stage 1 does not translate the address any more: the guest's own fault to take. */
		return true;
	}
	if (stage2_lookup(d, ipa_to_gfn(f->ipa), &m, &type) != 0) {
		return false;
	}
	if (!f->permission) {
		return true;
	}
	if (f->s1ptw && (type == STAGE2_DEVICE || type == STAGE2_DEVICE_HWDOM)) {
		return false; /* HCR_EL2.PTW: no tables in device memory */
	}
	if (f->instruction && !f->s1ptw && type != STAGE2_RAM) {
		return false;
	}
	/* A walk that has no permission wants to update a descriptor: all can be read. */
	return !((f->write || f->s1ptw) && (type == STAGE2_FOREIGN_RO || type == STAGE2_GRANT_RO));
}

static uint64_t sign_extend(uint64_t value, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* A load or store that the syndrome describes. */
static inline enum trap_outcome emulate(struct vcpu *v, const struct mmio_region *region,
					uint32_t iss, uint64_t far, ipa_t ipa)
{
	unsigned int rt = FIELD_GET(ISS_DA_SRT, iss);
	uint64_t offset = ipa - region->start;
	struct mmio_access access = {
		.offset = (uint32_t)offset,
		.size = (uint8_t)(1u << FIELD_GET(ISS_DA_SAS, iss)),
		.is_write = (iss & ISS_DA_WNR) != 0,
	};

	if ((v->regs.pstate & PSTATE_AARCH32) != 0 && !trap_a32_register(v, rt, &rt)) {
		return TRAP_UNDEFINED;
	}
	if (access.is_write) {
		access.value = vcpu_get_x(v, rt);
		if (access.size < 8) {
			access.value &= BIT64(8 * access.size) - 1;
		}
	}
	/* A watchpoint comes before the access, which the CPU could not make (Arm ARM, "Synchronous exception types"). */
	if (unlikely((v->debug.mdscr & MDSCR_MDE) != 0) &&
	    trap_debug_is_watched(v, far, access.size, access.is_write)) {
		trap_inject_watchpoint(v, far, access.is_write);
		return TRAP_AGAIN;
	}
	if (!IS_ALIGNED(ipa, access.size) || !region->handler(v, &access, region->context)) {
		return TRAP_UNDEFINED; /* refused: an abort, see the caller */
	}
	if (!access.is_write) {
		uint64_t value = access.value;

		if (iss & ISS_DA_SSE) {
			value = sign_extend(value, access.size);
		}
		if ((iss & ISS_DA_SF) == 0) {
			value = (uint32_t)value;
		}
		vcpu_set_x(v, rt, value);
	}
	return TRAP_DONE;
}

/* Synchronous external aborts (0x10, on a walk 0x13 to 0x17) and the parity errors next to them. */
static bool is_external(uint32_t fsc)
{
	return fsc >= FSC_SEA && fsc < 0x20;
}

/*
 * The syndrome of an abort as the guest's own CPU would give it: nothing answers at that address, so the bus reports a
 * synchronous external abort; on a table walk with the level of the walk.
 */
static uint32_t guest_iss(struct vcpu *v, const struct fault *f)
{
	const uint32_t iss = ESR_ISS(f->esr);
	const uint32_t fsc = iss & ISS_FSC;
	uint32_t result = f->instruction ? 0 : iss & (uint32_t)(ISS_DA_CM | ISS_DA_WNR);

	if (is_external(fsc)) {
		result |= fsc | (iss & (uint32_t)ISS_DA_FNV);
	} else if (fsc == FSC_ALIGNMENT || fsc == FSC_UNSUPPORTED) {
		result |= fsc;
	} else if (f->s1ptw) {
		result |= FSC_SEA_WALK | trap_walk_level(v, f->far, f->ipa);
	} else {
		result |= FSC_SEA;
	}
	return result;
}

static enum trap_outcome refuse(struct vcpu *v, const struct fault *f, const char *why)
{
	struct domain *d = v->domain;

	if (f->instruction) {
		log_guest(d->id,
			  "%s: vCPU %u executes at 0x%lx (IPA 0x%lx), %s: external abort injected",
			  d->name, v->id, f->far, f->ipa, why);
	} else {
		log_guest(d->id,
			  "%s: vCPU %u %s 0x%lx (IPA 0x%lx) at pc 0x%lx, %s: external abort injected",
			  d->name, v->id, f->write ? "writes" : "reads", f->far, f->ipa, v->regs.pc,
			  why);
	}
	trap_inject_abort(v, f->instruction, f->far, guest_iss(v, f));
	return TRAP_AGAIN;
}

/* Everything that is not a plain load or store of an emulated device. */
static __noinline enum trap_outcome handle_fault(struct vcpu *v, uint64_t esr)
{
	uint32_t iss = ESR_ISS(esr);
	struct fault f = {
		.esr = esr,
		.far = sysreg_read(FAR_EL2),
		.instruction = ESR_EC(esr) == ESR_EC_INSTR_ABORT_LOWER,
		.s1ptw = (iss & ISS_DA_S1PTW) != 0,
	};
	uint32_t fsc = FSC_TYPE(iss & ISS_FSC);
	const struct mmio_region *region;

	f.write = !f.instruction && (iss & ISS_DA_WNR) != 0;
	f.permission = fsc == FSC_PERMISSION;
	if (is_external(iss & ISS_FSC)) {
		return refuse(v, &f, "where the machine answers with an error");
	}
	if (fsc != FSC_TRANSLATION && fsc != FSC_ACCESS_FLAG && fsc != FSC_PERMISSION) {
		/* An exclusive or atomic access that the memory there does not support, say: again would be for ever. */
		return refuse(v, &f, "which that memory does not support");
	}
	find_ipa(&f);
	region = f.s1ptw || !f.ipa_known ? NULL : trap_mmio_find(v->domain, f.ipa);
	if (region) {
		enum trap_outcome outcome;

		if (f.instruction) {
			return refuse(v, &f, "which is an emulated device");
		}
		if (iss & ISS_DA_CM) {
			return TRAP_DONE; /* cache maintenance of a device: nothing is cached */
		}
		if ((iss & ISS_DA_ISV) == 0) {
			struct trap_indexed indexed;

			if (!trap_fetch_indexed(v, &indexed) ||
			    ((indexed.iss ^ iss) & (uint32_t)ISS_DA_WNR) != 0) {
				return refuse(v, &f,
					      "an emulated device, with an instruction that is not emulated (use "
					      "plain loads and stores of one register)");
			}
			outcome = emulate(v, region, indexed.iss, f.far, f.ipa);
			if (outcome == TRAP_DONE) {
				trap_write_back(v, &indexed);
			}
		} else {
			outcome = emulate(v, region, iss, f.far, f.ipa);
		}
		return outcome != TRAP_UNDEFINED
			     ? outcome
			     : refuse(v, &f,
				      "which the emulated device there does not accept (width or alignment)");
	}
	if (resolved(v->domain, &f)) {
		return TRAP_AGAIN;
	}
	return refuse(v, &f,
		      fsc == FSC_PERMISSION ? "for which it has no permission" : "where nothing is");
}

/* Mostly the device that the vCPU has accessed last. */
static const struct mmio_region *find_region(struct vcpu *v, ipa_t ipa)
{
	const struct mmio_region *region = &v->mmio_last;

	if (ipa - region->start >= region->size) {
		region = trap_mmio_find(v->domain, ipa);
		if (region != NULL) {
			v->mmio_last = *region;
		}
	}
	return region;
}

/* A translation fault of a load or store of one register, at whatever level: all that emulated devices are for. */
#define PLAIN_MASK                                                                   \
	((uint32_t)(ISS_DA_ISV | ISS_DA_CM | ISS_DA_S1PTW | ISS_DA_EA | ISS_DA_FNV | \
		    FSC_TYPE(ISS_FSC)))
#define PLAIN_VALUE ((uint32_t)(ISS_DA_ISV | FSC_TRANSLATION))

enum trap_outcome trap_abort(struct vcpu *v, uint64_t esr)
{
	const uint32_t iss = ESR_ISS(esr);

	if (likely((iss & PLAIN_MASK) == PLAIN_VALUE) && ESR_EC(esr) == ESR_EC_DATA_ABORT_LOWER) {
		const uint64_t far = sysreg_read(FAR_EL2);
		const ipa_t ipa = hpfar_page() | (far & (PAGE_SIZE - 1));
		const struct mmio_region *region = find_region(v, ipa);
		enum trap_outcome outcome = TRAP_UNDEFINED;

		if (likely(region != NULL)) {
			outcome = emulate(v, region, iss, far, ipa);
		}
		if (likely(outcome != TRAP_UNDEFINED)) {
			return outcome;
		}
	}
	return handle_fault(v, esr);
}

/* The upper eleven bits of the syndrome of such an access to a word, without sign extension: EC, IL, ISV, SAS, SSE. */
#define WORD_SHIFT 21
#define WORD_VALUE                                                               \
	(((uint32_t)ESR_EC_DATA_ABORT_LOWER << ESR_EC_SHIFT | (uint32_t)ESR_IL | \
	  (uint32_t)ISS_DA_ISV | (uint32_t)FIELD_PREP(ISS_DA_SAS, 2)) >>         \
	 WORD_SHIFT)

/*
 * What drivers do nearly always: an aligned word of the device that the vCPU has accessed last, by AArch64 code without
 * watchpoints. A region's size is a multiple of eight (trap_mmio_register()), so the word is in it when its first byte is.
 */
void trap_abort_fast(struct vcpu *v, uint64_t esr)
{
	const struct mmio_region *region = &v->mmio_last;
	const uint64_t far = sysreg_read(FAR_EL2);
	const uint64_t offset = (sysreg_read(HPFAR_EL2) << (PAGE_SHIFT - 4) & ~(PAGE_SIZE - 1)) +
				(far & (PAGE_SIZE - 1)) - region->start;
	struct mmio_access access;

	if (unlikely((uint32_t)esr >> WORD_SHIFT != WORD_VALUE) ||
	    unlikely((esr & PLAIN_MASK & ~ISS_DA_ISV) != FSC_TRANSLATION) ||
	    unlikely((far & 3) != 0) || unlikely(offset >= region->size) ||
	    unlikely((v->regs.pstate & PSTATE_AARCH32) != 0) ||
	    unlikely((v->debug.mdscr & MDSCR_MDE) != 0)) {
		trap_by_class(v, esr);
		return;
	}
	access.offset = (uint32_t)offset;
	if ((esr & ISS_DA_WNR) != 0) {
		access.size = sizeof(uint32_t);
		access.is_write = true;
		access.value = (uint32_t)vcpu_get_x(v, (unsigned int)FIELD_GET(ISS_DA_SRT, esr));
	} else {
		access.size = sizeof(uint32_t);
		access.is_write = false;
	}
	if (unlikely(!region->handler(v, &access, region->context))) {
		trap_by_class(v, esr); /* refused: asked once more, the guest gets an abort */
		return;
	}
	if ((esr & ISS_DA_WNR) == 0) {
		vcpu_set_x(v, (unsigned int)FIELD_GET(ISS_DA_SRT, esr), access.value);
	}
	trap_a64_step_over(v);
}
