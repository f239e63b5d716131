/* SPDX-License-Identifier: MIT */
/*
 * Stage-2 aborts: emulated devices, faults that another CPU has resolved meanwhile, and accesses to nothing.
 *
 * A translation fault is checked again under the stage-2 lock before anything is injected: the entry may have been
 * invalid only for a break-before-make (stage2_map.c), which holds the lock for writing.
 */
#include "trap/trap.h"

#include "arm64/at.h"
#include "arm64/cpu.h"
#include "arm64/esr.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "stage2/stage2.h"

#define HPFAR_FIPA BITS64(43, 4)

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
		f->ipa = FIELD_GET(HPFAR_FIPA, sysreg_read(HPFAR_EL2)) << PAGE_SHIFT;
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

static enum trap_outcome emulate(struct vcpu *v, const struct mmio_region *region,
				 const struct fault *f)
{
	uint32_t iss = ESR_ISS(f->esr);
	unsigned int rt = FIELD_GET(ISS_DA_SRT, iss);
	uint64_t offset = f->ipa - region->start;
	struct mmio_access access = {
		.ipa = f->ipa,
		.offset = (uint32_t)offset,
		.size = (uint8_t)(1u << FIELD_GET(ISS_DA_SAS, iss)),
		.is_write = f->write,
	};

	if (access.is_write) {
		access.value = vcpu_get_x(v, rt);
		if (access.size < 8) {
			access.value &= BIT64(8 * access.size) - 1;
		}
	}
	if (offset + access.size > region->size || !IS_ALIGNED(f->ipa, access.size) ||
	    !region->handler(v, &access, region->context)) {
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
	trap_inject_abort(v, f->instruction, f->far, f->s1ptw);
	return TRAP_AGAIN;
}

/* Synchronous external aborts (0x10, on a walk 0x13 to 0x17) and the parity errors next to them. */
static bool is_external(uint32_t fsc)
{
	return fsc >= FSC_SEA && fsc < 0x20;
}

enum trap_outcome trap_abort(struct vcpu *v, uint64_t esr)
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
		/* The hardware routed it here: memory's or a device's answer to the guest. */
		trap_inject_serror(v);
		return TRAP_AGAIN;
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
			return refuse(v, &f,
				      "an emulated device, with an instruction that the CPU does not describe "
				      "(use plain loads and stores of one register)");
		}
		outcome = emulate(v, region, &f);
		return outcome == TRAP_DONE
			     ? TRAP_DONE
			     : refuse(v, &f,
				      "which the emulated device there does not accept (width or alignment)");
	}
	if (resolved(v->domain, &f)) {
		return TRAP_AGAIN;
	}
	return refuse(v, &f,
		      fsc == FSC_PERMISSION ? "for which it has no permission" : "where nothing is");
}
