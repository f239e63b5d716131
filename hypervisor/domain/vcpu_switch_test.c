/* SPDX-License-Identifier: MIT */
/*
 * The switch of vCPUs on the recorded instruction sequence: no moment pairs one domain's stage 1
 * with another's VTTBR (AT errata 1319367, 1319537, 1530923), and TLB entries of another vCPU of
 * the same domain are not used.
 */
#include "domain/vcpu_switch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define NR_DOMAINS         2
#define NR_VCPUS           2

/* A TTBR0_EL1 tells whose stage 1 it is, VTTBR_EL2 whose stage 2. */
#define TTBR(domain, vcpu) (0x1000u * ((domain) + 1) + (vcpu))
#define VTTBR(domain)      (BIT64(48) * ((domain) + 1))

static struct domain domains[NR_DOMAINS];
static struct vcpu vcpus[NR_DOMAINS][NR_VCPUS];
static unsigned int mixtures;

void fp_save(struct vcpu_fp_state *state)
{
	const struct vcpu *v = container_of(state, struct vcpu, fp);

	fake_machine_note("fp_save d%uv%u", v->domain->id, v->id);
}

void fp_restore(const struct vcpu_fp_state *state)
{
	const struct vcpu *v = container_of(state, const struct vcpu, fp);

	fake_machine_note("fp_restore d%uv%u", v->domain->id, v->id);
}

void vtimer_save(struct vcpu *v)
{
	fake_machine_note("vtimer_save");
}

void vtimer_load(struct vcpu *v)
{
	fake_machine_note("vtimer_load");
}

void vgic_save(struct vcpu *v)
{
	fake_machine_note("vgic_save");
}

void vgic_load(struct vcpu *v)
{
	fake_machine_note("vgic_load");
}

void runstate_update(struct vcpu *v)
{
	fake_machine_note("runstate d%uv%u", v->domain->id, v->id);
}

/* ---- the moments in between ---------------------------------------------------------------------- */

/*
 * What a speculative walk could do before each instruction: where stage 1 is walked, stage 2 is the
 * same domain's.
 */
static void look(const char *line, void *context)
{
	uint64_t tcr = fake_machine_sysreg_get("TCR_EL1");
	uint64_t ttbr = fake_machine_sysreg_get("TTBR0_EL1");
	uint64_t vttbr = fake_machine_sysreg_get("VTTBR_EL2");
	bool mmu_on = (fake_machine_sysreg_get("SCTLR_EL1") & SCTLR_M) != 0;
	bool walks = (tcr & (TCR_EPD0 | TCR_EPD1)) != (TCR_EPD0 | TCR_EPD1);

	if (walks && mmu_on && ttbr / 0x1000 != vttbr >> 48) {
		mixtures++;
		print_message("before '%s': TTBR0_EL1 0x%llx with VTTBR_EL2 0x%llx\n", line,
			      (unsigned long long)ttbr, (unsigned long long)vttbr);
	}
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(domains, 0, sizeof(domains));
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		domains[d].id = (uint16_t)d;
		domains[d].stage2.vmid = (uint16_t)(d + 1);
		domains[d].stage2.vttbr = VTTBR(d);
		domains[d].nr_vcpus = NR_VCPUS;
		for (unsigned int n = 0; n < NR_VCPUS; n++) {
			struct vcpu *v = &vcpus[d][n];

			domains[d].vcpu[n] = v;
			v->domain = &domains[d];
			v->id = n;
			v->hcr_el2 = HCR_VM | HCR_RW | HCR_TVM;
			v->runstate.registered = true;
			vcpu_fp_reset(v);
			v->vmpidr = MPIDR_RES1 | n;
			v->sysregs.ttbr0_el1 = TTBR(d, n);
			v->sysregs.sctlr_el1 = SCTLR_M | SCTLR_C;
			v->sysregs.tcr_el1 = 0x20 + n;
		}
	}
	mixtures = 0;
	/* As cpu_init_el2() and firmware leave it. */
	fake_machine_sysreg_set("SCTLR_EL1", 0);
	fake_machine_set_hook(look, NULL);
	return 0;
}

static void run(struct vcpu *prev, struct vcpu *next)
{
	fake_machine_log_clear();
	vcpu_switch(prev, next);
}

/* ---- order --------------------------------------------------------------------------------------- */

static void walks_are_off_before_vttbr_changes_and_back_on_last(void **state)
{
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], &vcpus[1][1]);
	fake_machine_expect("msr TCR_EL1=0x808000a0", "isb", "msr SCTLR_EL1=0x5", "isb",
			    "msr VTTBR_EL2=0x2000000000000", "isb", "msr TTBR0_EL1=0x2001", "isb",
			    "msr SCTLR_EL1=0x5", "isb", "msr TCR_EL1=0x21");
	/* Nothing of EL1's translation is written after that. */
	assert_int_equal(fake_machine_count("msr TCR_EL1"), 2);
	assert_int_equal(fake_machine_sysreg_get("TCR_EL1"), 0x21);
}

static void no_moment_mixes_two_domains(void **state)
{
	/* With the MMU on and off on both sides, over idle, to the same domain and to another. */
	for (unsigned int mmu = 0; mmu < 4; mmu++) {
		set_up(NULL);
		vcpus[0][0].sysregs.sctlr_el1 = mmu & 1 ? SCTLR_M : 0;
		vcpus[1][0].sysregs.sctlr_el1 = mmu & 2 ? SCTLR_M : 0;
		run(NULL, &vcpus[0][0]);
		run(&vcpus[0][0], &vcpus[1][0]);
		run(&vcpus[1][0], NULL);
		run(NULL, &vcpus[1][0]);
		run(&vcpus[1][0], &vcpus[1][1]);
		run(&vcpus[1][1], &vcpus[0][0]);
		assert_int_equal(mixtures, 0);
	}
}

static void with_its_mmu_off_a_guest_gets_no_other_domains_stage_2(void **state)
{
	vcpus[1][0].sysregs.sctlr_el1 = 0;
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], &vcpus[1][0]);
	/* Off only when VTTBR_EL2 is its own: off means a flat map, walks disabled or not. */
	fake_machine_expect("msr VTTBR_EL2=0x2000000000000", "isb", "msr SCTLR_EL1=0x0");
	assert_int_equal(fake_machine_count("msr SCTLR_EL1=0x0"), 1);
	run(&vcpus[1][0], &vcpus[0][0]);
	fake_machine_expect("msr TCR_EL1=0x808000a0", "isb", "msr SCTLR_EL1=0x1", "isb",
			    "msr VTTBR_EL2=0x1000000000000");
}

static void an_idle_cpu_has_no_stage_2_and_walks_nothing(void **state)
{
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], NULL);
	fake_machine_expect("msr TCR_EL1=0x808000a0", "isb", "msr SCTLR_EL1", "isb",
			    "msr VTTBR_EL2=0x0", "msr HCR_EL2", "isb");
	/* Interrupts still come to EL2; a WFI there sees them. */
	assert_int_equal(fake_machine_sysreg_get("HCR_EL2"), HCR_RW | HCR_IMO | HCR_FMO | HCR_AMO);
}

/* What it began (maintenance, TLBIs) is complete, for its DSB may be executed on another CPU. */
static void who_leaves_a_cpu_leaves_nothing_under_way(void **state)
{
	run(NULL, &vcpus[0][0]);
	fake_machine_expect_none("dsb sy");
	run(&vcpus[0][0], &vcpus[1][0]);
	fake_machine_expect("dsb sy", "msr TCR_EL1=0x808000a0", "msr VTTBR_EL2=0x2000000000000");
	run(&vcpus[1][0], NULL);
	fake_machine_expect("dsb sy", "msr TCR_EL1", "msr VTTBR_EL2=0x0");
}

/* ---- TLBs ---------------------------------------------------------------------------------------- */

static void another_vcpu_of_the_domain_invalidates_the_vmid_here(void **state)
{
	run(NULL, &vcpus[0][0]);
	fake_machine_expect_none("tlbi");
	run(&vcpus[0][0], &vcpus[0][1]);
	/* After the VMID is loaded, before the walks are on. */
	fake_machine_expect("msr VTTBR_EL2", "isb", "tlbi vmalle1", "dsb nsh", "msr TCR_EL1=0x21");
	assert_int_equal(fake_machine_count("tlbi vmalle1"), 1);
	assert_int_equal(fake_machine_count("tlbi vmalle1is"), 0);
}

static void the_same_vcpu_again_keeps_its_entries(void **state)
{
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], NULL);
	run(NULL, &vcpus[0][0]);
	fake_machine_expect_none("tlbi");
	run(&vcpus[0][0], &vcpus[1][0]);
	fake_machine_expect_none("tlbi");
	run(&vcpus[1][0], &vcpus[0][0]);
	fake_machine_expect_none("tlbi");
}

static void another_domain_in_between_does_not_make_it_forgotten(void **state)
{
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], &vcpus[1][0]);
	run(&vcpus[1][0], &vcpus[0][1]);
	assert_int_equal(fake_machine_count("tlbi vmalle1"), 1);
}

static void each_cpu_remembers_for_itself(void **state)
{
	run(NULL, &vcpus[0][0]);
	fake_machine_set_cpu(1);
	run(NULL, &vcpus[0][1]);
	fake_machine_expect_none("tlbi");
	run(&vcpus[0][1], NULL);
	fake_machine_set_cpu(0);
	run(&vcpus[0][0], NULL);
	run(NULL, &vcpus[0][0]);
	fake_machine_expect_none("tlbi");
}

/* ---- state --------------------------------------------------------------------------------------- */

#define FIELDS(op)                                                                                 \
	op(sp_el0, "SP_EL0") op(sp_el1, "SP_EL1") op(elr_el1, "ELR_EL1") op(spsr_el1, "SPSR_EL1")  \
		op(sctlr_el1, "SCTLR_EL1") op(cpacr_el1, "CPACR_EL1") op(ttbr0_el1, "TTBR0_EL1")   \
			op(ttbr1_el1, "TTBR1_EL1") op(tcr_el1, "TCR_EL1") op(mair_el1, "MAIR_EL1") \
				op(amair_el1, "AMAIR_EL1") op(esr_el1, "ESR_EL1") op(far_el1,      \
										     "FAR_EL1")    \
					op(afsr0_el1, "AFSR0_EL1") op(afsr1_el1, "AFSR1_EL1")      \
						op(par_el1, "PAR_EL1") op(vbar_el1, "VBAR_EL1")    \
							op(contextidr_el1,                         \
							   "CONTEXTIDR_EL1") op(csselr_el1,        \
										"CSSELR_EL1")      \
								op(tpidr_el0,                      \
								   "TPIDR_EL0") op(tpidrro_el0,    \
										   "TPIDRRO_EL0")  \
									op(tpidr_el1, "TPIDR_EL1")

static void every_register_is_saved_and_loaded(void **state)
{
	uint64_t value = 0x100;

	fake_machine_set_hook(NULL, NULL);
	run(NULL, &vcpus[0][0]);
#define GUEST_SETS(field, name) fake_machine_sysreg_set(name, value++);
	FIELDS(GUEST_SETS)
	run(&vcpus[0][0], NULL);
	value = 0x100;
#define IS_SAVED(field, name) assert_int_equal(vcpus[0][0].sysregs.field, value++);
	FIELDS(IS_SAVED)
	run(NULL, &vcpus[1][0]);
	assert_true(vcpu_fp_trapped(&vcpus[1][0]));
	vcpus[0][0].fp_use.slices = 1;
	run(&vcpus[1][0], &vcpus[0][0]);
	value = 0x100;
#define IS_SAVED_A32(field, name) assert_int_equal(vcpus[1][0].sysregs.field, value++);
#define IS_BACK(field, name)      assert_int_equal(fake_machine_sysreg_get(name), value++);
	FIELDS(IS_BACK)
	assert_int_equal(fake_machine_sysreg_get("VMPIDR_EL2"), vcpus[0][0].vmpidr);
	fake_machine_expect("fp_save d1v0", "vtimer_save", "vgic_save", "runstate d1v0",
			    "fp_restore d0v0", "vtimer_load", "vgic_load", "runstate d0v0");
}

/* Nothing hides DISR_EL1 from a guest where there is FEAT_RAS, and elsewhere EL2 has no VDISR_EL2. */
static void deferred_errors_are_each_guests_own(void **state)
{
	fake_machine_set_hook(NULL, NULL);
	fake_machine_sysreg_set("VDISR_EL2", 1);
	run(NULL, &vcpus[0][0]);
	assert_int_equal(fake_machine_sysreg_get("VDISR_EL2"), 1);
	cpu_features.ras = true; /* of another CPU */
	run(&vcpus[0][0], &vcpus[1][0]);
	assert_int_equal(fake_machine_sysreg_get("VDISR_EL2"), 1);
	fake_machine_sysreg_set("ID_AA64PFR0_EL1", FIELD_PREP(PFR0_RAS, 1));
	run(&vcpus[1][0], &vcpus[0][0]);
	assert_int_equal(fake_machine_sysreg_get("VDISR_EL2"), 0);
	fake_machine_sysreg_set("VDISR_EL2", 2);
	run(&vcpus[0][0], &vcpus[0][1]);
	assert_int_equal(fake_machine_sysreg_get("VDISR_EL2"), 0);
	run(&vcpus[0][1], &vcpus[0][0]);
	assert_int_equal(fake_machine_sysreg_get("VDISR_EL2"), 2);
}

/* What one guest debugs does not stop another: MDSCR_EL1 changes always, the rest when it matters. */
static void debug_registers_are_loaded_when_they_can_do_something(void **state)
{
	fake_machine_set_hook(NULL, NULL);
	cpu_features.nr_breakpoints = 2;
	cpu_features.nr_watchpoints = 16;
	vcpus[0][0].debug.mdscr = (uint32_t)(MDSCR_MDE | MDSCR_KDE | MDSCR_TXFULL);
	for (unsigned int n = 0; n < VCPU_DEBUG_POINTS; n++) {
		vcpus[0][0].debug.bvr[n] = 0x100 + n;
		vcpus[0][0].debug.wcr[n] = 0x200 + n;
	}
	run(NULL, &vcpus[0][0]);
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), MDSCR_MDE | MDSCR_KDE);
	assert_int_equal(fake_machine_sysreg_get("DBGBVR1_EL1"), 0x101);
	assert_int_equal(fake_machine_count("msr DBGBVR2_EL1"), 0);
	assert_int_equal(fake_machine_sysreg_get("DBGWCR15_EL1"), 0x20f);
	run(&vcpus[0][0], &vcpus[1][0]);
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), 0);
	vcpus[1][0].debug.mdscr = (uint32_t)MDSCR_TDCC;
	fake_machine_log_clear();
	run(&vcpus[1][0], NULL);
	run(NULL, &vcpus[1][0]);
	fake_machine_expect_none("msr DBGBVR0_EL1");
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), MDSCR_TDCC);
	/* The OS lock keeps them from coming; the CPU's own stays open. */
	vcpus[0][0].debug.os_lock = 1;
	run(&vcpus[1][0], &vcpus[0][0]);
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), 0);
	fake_machine_expect_none("msr OSLAR_EL1");
}

#define FIELDS_A32(op)                                                                     \
	op(dacr32, "DACR32_EL2") op(ifsr32, "IFSR32_EL2") op(fpexc32, "FPEXC32_EL2")       \
		op(spsr_abt, "SPSR_abt") op(spsr_und, "SPSR_und") op(spsr_irq, "SPSR_irq") \
			op(spsr_fiq, "SPSR_fiq")

/* Where no CPU has AArch32 at EL1, some of these do not exist. */
static void a_32_bit_guest_has_more_registers(void **state)
{
	uint64_t value = 0x200;

	fake_machine_set_hook(NULL, NULL);
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], NULL);
#define IS_NOT_TOUCHED(field, name) fake_machine_expect_none("mrs " name);
	FIELDS_A32(IS_NOT_TOUCHED)
	domains[1].is_32bit = true;
	vcpus[1][0].hcr_el2 &= ~HCR_RW;
	run(NULL, &vcpus[1][0]);
	/* FPEXC32_EL2 is behind the gate as well. */
	vcpus[1][0].fp_use.slices = 1;
	run(&vcpus[1][0], NULL);
	run(NULL, &vcpus[0][1]);
	run(&vcpus[0][1], &vcpus[1][0]);
	fake_machine_expect("msr CPTR_EL2=0x0", "isb", "msr FPEXC32_EL2");
	FIELDS_A32(GUEST_SETS)
	run(&vcpus[1][0], &vcpus[1][1]);
	value = 0x200;
	FIELDS_A32(IS_SAVED_A32)
	assert_int_equal(fake_machine_sysreg_get("DACR32_EL2"), 0);
	run(&vcpus[1][1], &vcpus[1][0]);
	value = 0x200;
	FIELDS_A32(IS_BACK)
}

/* Whatever HCR_EL2.RW says meanwhile: EPD0 and EPD1 of long descriptors mean what AArch64's do. */
static void walks_are_off_in_either_format(void **state)
{
	vcpus[0][0].sysregs.tcr_el1 = 0; /* short descriptors */
	domains[0].is_32bit = true;
	vcpus[0][0].hcr_el2 &= ~HCR_RW;
	run(NULL, &vcpus[0][0]);
	run(&vcpus[0][0], &vcpus[1][0]);
	fake_machine_expect("msr TCR_EL1=0x80800080", "isb", "msr VTTBR_EL2=0x2000000000000",
			    "msr HCR_EL2", "msr TCR_EL1=0x20");
	run(&vcpus[1][0], &vcpus[0][0]);
	fake_machine_expect("msr TCR_EL1=0x808000a0", "isb", "msr VTTBR_EL2=0x1000000000000",
			    "msr HCR_EL2", "msr TCR_EL1=0x0");
	assert_int_equal(mixtures, 0);
}

static void a_pending_virtual_serror_stays_with_its_vcpu(void **state)
{
	run(NULL, &vcpus[0][0]);
	fake_machine_sysreg_set("HCR_EL2", vcpus[0][0].hcr_el2 | HCR_VSE);
	run(&vcpus[0][0], &vcpus[1][0]);
	assert_true((fake_machine_sysreg_get("HCR_EL2") & HCR_VSE) == 0);
	run(&vcpus[1][0], &vcpus[0][0]);
	assert_true((fake_machine_sysreg_get("HCR_EL2") & HCR_VSE) != 0);
	/* Taken: the hardware cleared it. */
	fake_machine_sysreg_set("HCR_EL2", fake_machine_sysreg_get("HCR_EL2") & ~HCR_VSE);
	run(&vcpus[0][0], NULL);
	run(NULL, &vcpus[0][0]);
	assert_true((fake_machine_sysreg_get("HCR_EL2") & HCR_VSE) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(walks_are_off_before_vttbr_changes_and_back_on_last, set_up),
		cmocka_unit_test_setup(no_moment_mixes_two_domains, set_up),
		cmocka_unit_test_setup(with_its_mmu_off_a_guest_gets_no_other_domains_stage_2,
				       set_up),
		cmocka_unit_test_setup(an_idle_cpu_has_no_stage_2_and_walks_nothing, set_up),
		cmocka_unit_test_setup(who_leaves_a_cpu_leaves_nothing_under_way, set_up),
		cmocka_unit_test_setup(another_vcpu_of_the_domain_invalidates_the_vmid_here, set_up),
		cmocka_unit_test_setup(the_same_vcpu_again_keeps_its_entries, set_up),
		cmocka_unit_test_setup(another_domain_in_between_does_not_make_it_forgotten, set_up),
		cmocka_unit_test_setup(each_cpu_remembers_for_itself, set_up),
		cmocka_unit_test_setup(every_register_is_saved_and_loaded, set_up),
		cmocka_unit_test_setup(deferred_errors_are_each_guests_own, set_up),
		cmocka_unit_test_setup(debug_registers_are_loaded_when_they_can_do_something, set_up),
		cmocka_unit_test_setup(a_32_bit_guest_has_more_registers, set_up),
		cmocka_unit_test_setup(walks_are_off_in_either_format, set_up),
		cmocka_unit_test_setup(a_pending_virtual_serror_stays_with_its_vcpu, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
