/* SPDX-License-Identifier: MIT */
/*
 * Trap controls of EL2 that do not change from vCPU to vCPU (xen-abi: what a guest must not reach is
 * trapped here and answered in trap/). Control registers are written whole.
 */
#include "arm64/cpu_init.h"

#include "arm64/barrier.h"
#include "arm64/sysreg.h"

static bool has(uint64_t id_register, unsigned int low_bit)
{
	return (id_register >> low_bit & 0xf) != 0;
}

/* Controls of later extensions whose reset values are not architected: as if the extension were not there. */
static void init_extensions(uint64_t pfr0)
{
	if (has(sysreg_read(ID_AA64MMFR0_EL1), 56)) {
		/* FEAT_FGT: no fine-grained traps; the coarse ones do. */
		sysreg_write(HFGRTR_EL2, 0);
		sysreg_write(HFGWTR_EL2, 0);
		sysreg_write(HFGITR_EL2, 0);
		sysreg_write(HDFGRTR_EL2, 0);
		sysreg_write(HDFGWTR_EL2, 0);
	}
	if (has(sysreg_read(ID_AA64MMFR1_EL1), 40)) {
		sysreg_write(HCRX_EL2, 0); /* FEAT_HCX */
	}
	if (has(pfr0, 28)) {
		/* FEAT_RAS: the syndrome of virtual SErrors, and what the guest reads of deferred ones. */
		sysreg_write(VSESR_EL2, 0);
		sysreg_write(VDISR_EL2, 0);
	}
}

void cpu_init_el2(void)
{
	uint64_t pfr0 = sysreg_read(ID_AA64PFR0_EL1);
	uint64_t dfr0 = sysreg_read(ID_AA64DFR0_EL1);
	bool sve_sme = FIELD_GET(PFR0_SVE, pfr0) != 0 ||
		       FIELD_GET(PFR1_SME, sysreg_read(ID_AA64PFR1_EL1)) != 0;

	/* FP and SIMD are the guest's; SVE, SME and trace trap. */
	sysreg_write(CPTR_EL2, CPTR_RES1 | CPTR_TZ | CPTR_TTA |
				       (((pfr0 >> 44) & 0xf) != 0 ? CPTR_TAM : 0) |
				       (sve_sme ? CPTR_TCPAC : 0));
	/* Debug and performance monitors trap; HPMN keeps its reset value, the number of counters. */
	sysreg_write(MDCR_EL2, (sysreg_read(MDCR_EL2) & MDCR_HPMN) | MDCR_TDRA | MDCR_TDOSA |
				       MDCR_TDA | MDCR_TPM | MDCR_TPMCR |
				       (has(dfr0, 32) ? MDCR_TPMS : 0) |
				       (has(dfr0, 40) ? MDCR_TTRF : 0));
	/*
	 * Guests' debug (domain/vcpu_debug.h): nothing of what firmware left, and the OS lock, which a reset closes, is
	 * open: a vCPU's own is emulated.
	 */
	sysreg_write(MDSCR_EL1, 0);
	sysreg_write(MDCCINT_EL1, 0);
	if (FIELD_GET(PFR0_EL1, pfr0) == 2) {
		sysreg_write(DBGVCR32_EL2, 0);
	}
	sysreg_write(OSDLR_EL1, 0);
	sysreg_write(OSLAR_EL1, 0);
	/* What is hidden is not EL1's to allow, either: EL0's accesses trap to EL2 as well, and not to EL1 before. */
	if (has(dfr0, 8) && (dfr0 >> 8 & 0xf) != 0xf) {
		sysreg_write(PMUSERENR_EL0, 1);
	}
	if (has(pfr0, 44)) {
		sysreg_write(AMUSERENR_EL0, 1);
	}
	init_extensions(pfr0);
	/* EL1 reads the physical counter, but its timer is emulated. */
	sysreg_write(CNTHCTL_EL2, CNTHCTL_EL1PCTEN);
	sysreg_write(CNTVOFF_EL2, 0);
	sysreg_write(HSTR_EL2, UINT64_C(1) << 15); /* AArch32 CP15 c15: implementation defined */
	sysreg_write(VPIDR_EL2, sysreg_read(MIDR_EL1));
	sysreg_write(VTTBR_EL2, 0);
	/* Idle CPUs take their interrupts at EL2 (IMO, FMO, AMO route them there for WFI to see). */
	sysreg_write(HCR_EL2, HCR_RW | HCR_IMO | HCR_FMO | HCR_AMO);
	isb(); /* in force before the first guest, and before the interrupt controller is used */
}
