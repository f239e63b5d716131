/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly and the linker script take from C. Compiled to assembly only; the build turns
 * the "->NAME value" lines into arm64/asm_offsets.h of the build folder.
 */
#include "arm64/pte.h"
#include "arm64/sysreg_fields.h"
#include "boot/boot.h"
#include "domain/domain.h"
#include "mm/mm.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"(value))

/* vectors.S loads the two as a pair. */
_Static_assert(offsetof(struct vcpu, work) == offsetof(struct vcpu, regs.stale) + 8,
	       "struct vcpu: work follows regs");

void asm_offsets(void);

#define BOOT_PTE \
	(PTE_VALID | PTE_PAGE | PTE_AF | PTE_SH_INNER | PTE_EL2_AP1_RES1 | PTE_ATTRIDX(MAIR_IDX_WB))

void asm_offsets(void)
{
	DEFINE(IMAGE_BASE_VA, IMAGE_BASE);
	DEFINE(BOOT_STACK_BYTES, BOOT_STACK_BYTES_C);
	DEFINE(BOOT_IMAGE_MAX, 2 * PTE_LEVEL_SIZE(2));
	DEFINE(BOOT_PTE_RX, BOOT_PTE | PTE_EL2_RO);
	DEFINE(BOOT_PTE_RO, BOOT_PTE | PTE_EL2_RO | PTE_EL2_XN);
	DEFINE(BOOT_PTE_RW, BOOT_PTE | PTE_EL2_XN);
	DEFINE(BOOT_MAIR, MAIR_EL2_VALUE);
	DEFINE(BOOT_SCTLR, SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_WXN);
	DEFINE(BOOT_SCTLR_OFF, SCTLR_EL2_RES1);
	DEFINE(BOOT_TCR, TCR_EL2_VALUE);

	DEFINE(COPY_CPTR_TFP, CPTR_TFP);
	DEFINE(SECONDARY_TTBR, offsetof(struct boot_secondary, ttbr0));
	DEFINE(SECONDARY_STACK, offsetof(struct boot_secondary, stack_top));
	DEFINE(SECONDARY_PERCPU, offsetof(struct boot_secondary, percpu_offset));

	DEFINE(REGS_X, offsetof(struct vcpu, regs.x));
	DEFINE(REGS_PC, offsetof(struct vcpu, regs.pc));
	DEFINE(REGS_PSTATE, offsetof(struct vcpu, regs.pstate));
	DEFINE(REGS_STALE, offsetof(struct vcpu, regs.stale));
	DEFINE(VCPU_STACK_TOP, offsetof(struct vcpu, stack_top));
	DEFINE(VCPU_DOMAIN, offsetof(struct vcpu, domain));
	DEFINE(DOMAIN_ATTR_WORK, offsetof(struct domain, attr_work));
	DEFINE(HYPERCALL_TAG, XEN_HYPERCALL_TAG);
	DEFINE(GUEST_REGS_BYTES, sizeof(struct guest_regs));
	DEFINE(FP_V, offsetof(struct vcpu_fp_state, v));
	DEFINE(FP_FPSR, offsetof(struct vcpu_fp_state, fpsr));
	DEFINE(FP_FPCR, offsetof(struct vcpu_fp_state, fpcr));
}
