/* SPDX-License-Identifier: MIT */
/*
 * Memory attributes, decided in one place: the table of docs/coherency.md, row by row.
 *
 *	frame                            mapped by                without FWB     with FWB
 *	own RAM                          own stage 2              WB, stage 1 decides   forced WB
 *	own RAM, hardware domain or one  own stage 2              WB, stage 1 decides   stage 1 decides
 *	  with a non-coherent device
 *	private, owner cold              foreign map, window      NC              WB
 *	private, owner warm              foreign map, window      WB              WB
 *	shared                           anyone                   WB              WB
 *	device, hardware domain          its stage 2              WB outer, XN    stage 1 decides, XN
 *	device, others; GICV             stage 2                  Device-nGnRE    Device-nGnRE
 *
 * "FWB" means that the owner's stage 2 forces WB: a domain whose stage 1 decides is treated as without.
 */
#include "stage2/stage2.h"

#include "arm64/cpu.h"
#include "arm64/pte.h"
#include "domain/domain.h"
#include "lib/assert.h"

bool stage2_attr_forces_wb(const struct domain *d)
{
	/* Non-cacheable DMA buffers must stay so where a device does not snoop. */
	return cpu_features.s2fwb && !d->is_hardware && !d->has_noncoherent_device;
}

/* HCR_EL2.FWB changes what MemAttr means, for the whole stage 2 of the domain that maps. */
static uint64_t normal_wb(const struct domain *mapper)
{
	return cpu_features.s2fwb ? S2_FWB_FORCE_WB : S2_ATTR_NORMAL_WB;
}

static uint64_t normal_nc(const struct domain *mapper)
{
	return cpu_features.s2fwb ? S2_FWB_FORCE_NC : S2_ATTR_NORMAL_NC;
}

static uint64_t stage1_decides(const struct domain *mapper)
{
	return cpu_features.s2fwb ? S2_FWB_STAGE1 : S2_ATTR_NORMAL_WB;
}

static uint64_t own_ram(const struct domain *d)
{
	return stage2_attr_forces_wb(d) ? S2_FWB_FORCE_WB : stage1_decides(d);
}

bool stage2_attr_private_is_wb(const struct domain *owner)
{
	return READ_ONCE(owner->warm) || stage2_attr_forces_wb(owner);
}

bool stage2_attr_frame_is_wb(const struct domain *owner, const struct frame *f)
{
	return stage2_attr_private_is_wb(owner) || READ_ONCE(f->shared_pins) != 0;
}

uint64_t stage2_attr_foreign(const struct domain *mapper, bool wb)
{
	return wb ? normal_wb(mapper) : normal_nc(mapper);
}

/* C1: no cacheable mapping of a private frame while its owner is cold. */
static uint64_t foreign(const struct domain *mapper, const struct domain *owner,
			const struct frame *f)
{
	ASSERT(owner && f);
	return stage2_attr_foreign(mapper, stage2_attr_frame_is_wb(owner, f));
}

uint64_t stage2_attr_grant(const struct domain *d, bool readonly)
{
	enum stage2_type type = readonly ? STAGE2_GRANT_RO : STAGE2_GRANT_RW;

	return PTE_VALID | PTE_AF | S2_READ | FIELD_PREP(S2_SW_TYPE, type) | normal_wb(d) |
	       PTE_SH_INNER | (readonly ? 0 : S2_WRITE) | S2_XN;
}

uint64_t stage2_attr_pte(const struct domain *d, const struct domain *owner, const struct frame *f,
			 enum stage2_type type)
{
	uint64_t pte = PTE_VALID | PTE_AF | S2_READ | FIELD_PREP(S2_SW_TYPE, type);

	switch (type) {
	case STAGE2_RAM:
		return pte | own_ram(d) | PTE_SH_INNER | S2_WRITE;
	case STAGE2_SHARED:
		return pte | normal_wb(d) | PTE_SH_INNER | S2_WRITE | S2_XN;
	case STAGE2_GRANT_RW:
	case STAGE2_GRANT_RO:
		return stage2_attr_grant(d, type == STAGE2_GRANT_RO);
	case STAGE2_FOREIGN_RW:
		return pte | foreign(d, owner, f) | PTE_SH_INNER | S2_WRITE | S2_XN;
	case STAGE2_FOREIGN_RO:
		return pte | foreign(d, owner, f) | PTE_SH_INNER | S2_XN;
	case STAGE2_DEVICE_HWDOM:
		return pte | stage1_decides(d) | PTE_SH_OUTER | S2_WRITE | S2_XN;
	case STAGE2_DEVICE:
		return pte | (cpu_features.s2fwb ? S2_FWB_DEVICE_nGnRE : S2_ATTR_DEVICE_nGnRE) |
		       S2_WRITE | S2_XN;
	case STAGE2_INVALID:
		break;
	}
	return 0;
}

enum window_attr stage2_attr_window(const struct domain *owner, const struct frame *f)
{
	if (stage2_attr_private_is_wb(owner)) {
		/* One that is kept would bring lines back beside the mappings that have not followed yet. */
		return READ_ONCE(owner->foreign_due) ? WINDOW_WB_ONCE : WINDOW_WB;
	}
	return READ_ONCE(f->shared_pins) != 0 ? WINDOW_WB_ONCE : WINDOW_NC;
}
