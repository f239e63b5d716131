/* SPDX-License-Identifier: MIT */
/* The gate of vcpu_fp.h. */
#include "domain/vcpu_fp.h"

#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "domain/vcpu_switch.h"
#include "lib/assert.h"

/* CPTR_EL2.TFP of this CPU; boot leaves it clear. */
DEFINE_PER_CPU(bool, fp_gate_closed);
/*
 * Who was loaded into this CPU's registers last. Only compared, and only together with fp_use.cpu: a vCPU that is gone
 * may be named here, and a new one may have its address.
 */
static DEFINE_PER_CPU(const struct vcpu *, fp_owner);

void vcpu_fp_reset(struct vcpu *v)
{
	ASSERT(!v->fp_use.open);
	v->fp_use.cpu = VCPU_FP_NOWHERE;
	v->fp_use.slices = v->domain->is_32bit ? 1 : 0;
}

/* TFP is EL2's as well: fp_save() and fp_restore() need the gate open. */
static void open_gate(void)
{
	sysreg_write(CPTR_EL2, sysreg_read(CPTR_EL2) & ~CPTR_TFP);
	isb();
	this_cpu(fp_gate_closed) = false;
}

static void close_gate(void)
{
	/* In force for the guest with the ERET, and nobody here touches the registers before. */
	sysreg_write(CPTR_EL2, sysreg_read(CPTR_EL2) | CPTR_TFP);
	this_cpu(fp_gate_closed) = true;
}

static void open_for(struct vcpu *v)
{
	uint16_t cpu = (uint16_t)this_cpu_id();

	if (this_cpu(fp_gate_closed)) {
		open_gate();
	}
	if (v->fp_use.cpu != cpu || this_cpu(fp_owner) != v) {
		fp_restore(&v->fp);
		v->fp_use.cpu = cpu;
		this_cpu(fp_owner) = v;
	}
	v->fp_use.open = true;
}

void vcpu_fp_save(struct vcpu *v)
{
	ASSERT(!this_cpu(fp_gate_closed) && this_cpu(fp_owner) == v);
	fp_save(&v->fp);
	v->fp_use.open = false;
}

void vcpu_fp_load(struct vcpu *v)
{
	if (v->fp_use.slices == 0) {
		close_gate();
		return;
	}
	if (!v->domain->is_32bit) {
		v->fp_use.slices--;
	}
	open_for(v);
}

bool vcpu_fp_trapped(struct vcpu *v)
{
	if (!this_cpu(fp_gate_closed)) {
		return false;
	}
	v->fp_use.slices = VCPU_FP_SLICES;
	open_for(v);
	return true;
}
