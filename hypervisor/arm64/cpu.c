/* SPDX-License-Identifier: MIT */
/* Per-CPU storage and the features that all CPUs share. */
#include "arm64/cpu.h"

#include "arm64/cpu_work.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"

uint64_t percpu_offset[MAX_CPUS];
unsigned int nr_cpus = 1;
DEFINE_PER_CPU(unsigned int, cpu_id);
DEFINE_PER_CPU(uint64_t, cpu_stack_top);
DEFINE_PER_CPU(union cpu_work, cpu_work);
DEFINE_PER_CPU(uint64_t, panic_stack_top);

struct cpu_features cpu_features;

void smc_call(struct smccc_result *result, uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

struct smccc_result arm64_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct smccc_result result;

	smc_call(&result, function, a1, a2, a3);
	return result;
}

static unsigned int pa_bits_of(uint64_t parange)
{
	static const unsigned char bits[] = {32, 36, 40, 42, 44, 48, 48, 48};

	return bits[parange & 7]; /* 52 bits need LPA, which Tenon does not use */
}

static unsigned int min_unsigned(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

void cpu_features_add_this_cpu(bool first)
{
	uint64_t ctr = sysreg_read(CTR_EL0);
	uint64_t mmfr0 = sysreg_read(ID_AA64MMFR0_EL1);
	uint64_t mmfr1 = sysreg_read(ID_AA64MMFR1_EL1);
	uint64_t mmfr2 = sysreg_read(ID_AA64MMFR2_EL1);
	uint64_t pfr0 = sysreg_read(ID_AA64PFR0_EL1);
	uint64_t pfr1 = sysreg_read(ID_AA64PFR1_EL1);
	uint64_t dfr0 = sysreg_read(ID_AA64DFR0_EL1);
	struct cpu_features *f = &cpu_features;
	unsigned int dline = 4u << FIELD_GET(CTR_DMINLINE, ctr);
	unsigned int iline = 4u << FIELD_GET(CTR_IMINLINE, ctr);
	unsigned int pa_bits = pa_bits_of(FIELD_GET(MMFR0_PARANGE, mmfr0));
	unsigned int vmid_bits = FIELD_GET(MMFR1_VMIDBITS, mmfr1) == 2 ? 16 : 8;
	bool s2fwb = FIELD_GET(MMFR2_FWB, mmfr2) != 0;
	bool dic = (ctr & CTR_DIC) != 0;
	bool aarch32 = FIELD_GET(PFR0_EL1, pfr0) == 2;
	bool ras = FIELD_GET(PFR0_RAS, pfr0) != 0;
	bool lor = FIELD_GET(MMFR1_LO, mmfr1) != 0;
	bool sme = FIELD_GET(PFR1_SME, pfr1) != 0;
	bool sve_sme = FIELD_GET(PFR0_SVE, pfr0) != 0 || sme;
	bool mte = FIELD_GET(PFR1_MTE, pfr1) >= 2;
	unsigned int nr_breakpoints = (unsigned int)FIELD_GET(DFR0_BRPS, dfr0) + 1;
	unsigned int nr_watchpoints = (unsigned int)FIELD_GET(DFR0_WRPS, dfr0) + 1;

	if (first) {
		*f = (struct cpu_features){
			.ctr_el0 = ctr,
			.dcache_line_bytes = dline,
			.icache_line_bytes = iline,
			.pa_bits = pa_bits,
			.vmid_bits = vmid_bits,
			.s2fwb = s2fwb,
			.dic = dic,
			.ras = ras,
			.lor = lor,
			.nr_breakpoints = nr_breakpoints,
			.nr_watchpoints = nr_watchpoints,
			.sve_sme = sve_sme,
			.sme = sme,
			.mte = mte,
			.aarch32_el1 = aarch32,
			.vhe_present = FIELD_GET(MMFR1_VH, mmfr1) != 0,
		};
		return;
	}
	f->dcache_line_bytes = min_unsigned(f->dcache_line_bytes, dline);
	f->icache_line_bytes = min_unsigned(f->icache_line_bytes, iline);
	f->pa_bits = min_unsigned(f->pa_bits, pa_bits);
	f->vmid_bits = min_unsigned(f->vmid_bits, vmid_bits);
	f->s2fwb = f->s2fwb && s2fwb;
	f->dic = f->dic && dic;
	f->aarch32_el1 = f->aarch32_el1 && aarch32;
	f->ras = f->ras || ras;
	f->lor = f->lor || lor;
	f->nr_breakpoints = min_unsigned(f->nr_breakpoints, nr_breakpoints);
	f->nr_watchpoints = min_unsigned(f->nr_watchpoints, nr_watchpoints);
	f->sve_sme = f->sve_sme || sve_sme;
	f->sme = f->sme || sme;
	f->mte = f->mte || mte;
	if (!dic) {
		f->ctr_el0 &= ~CTR_DIC;
	}
	if ((ctr & CTR_IDC) == 0) {
		f->ctr_el0 &= ~CTR_IDC;
	}
}
