/* SPDX-License-Identifier: MIT */
/*
 * Attacks by single instructions: hostile.h. Each vCPU makes up its instructions in memory of its own and executes them
 * with faults caught. What would end this guest itself is left out: its MMU, vectors and stack, and calls that stop it.
 */
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_trap.h"
#include "hostile.h"

#define RET    0xd65f03c0u
#define NOP    0xd503201fu
#define HVC(n) (0xd4000002u | (n) << 5)
#define SMC(n) (0xd4000003u | (n) << 5)

/* A line each, and more. */
static uint32_t code[GUEST_MAX_CPUS][64] __aligned(256);

typedef uint64_t (*made_up_t)(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3);

/* One instruction, then back. It may change x0 to x17, as any call. */
static uint64_t execute(uint32_t instruction, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	uint32_t *at = code[this_cpu()->idx];

	WRITE_ONCE(at[0], instruction);
	WRITE_ONCE(at[1], NOP);
	WRITE_ONCE(at[2], RET);
	dcache_clean_invalidate(at, 16);
	__asm__ volatile("ic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
	return ((made_up_t)(uintptr_t)at)(x0, x1, x2, x3);
}

/* op0:op1:CRn:CRm:op2 at their places in MSR, MRS and SYS. */
static uint32_t system_instruction(unsigned int op0, unsigned int op1, unsigned int crn,
				   unsigned int crm, unsigned int op2, bool read)
{
	return 0xd5000000u | (read ? 1u << 21 : 0) | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 |
	       op2 << 5;
}

/* What this guest stands on: stage 1, vectors, exception state, debug exceptions, FP for its compiler. */
static bool is_vital(unsigned int op0, unsigned int op1, unsigned int crn, unsigned int crm)
{
	if (op0 == 2) {
		return crn == 0;
	}
	if (op0 != 3 || op1 != 0) {
		/* PSTATE by register: DAIF, SP selection and others. */
		return op0 == 3 && op1 == 3 && crn == 4;
	}
	return crn == 1 || crn == 2 || crn == 4 || crn == 5 || crn == 10 || (crn == 12 && crm == 0);
}

void hostile_random_register(struct hostile_random *r)
{
	static const unsigned int likely[] = {0, 9, 10, 11, 12, 14, 15};
	unsigned int op0 = 1 + hostile_below(r, 3), op1 = hostile_below(r, 8);
	unsigned int crn = hostile_below(r, 16), crm = hostile_below(r, 16),
		     op2 = hostile_below(r, 8);
	bool read = hostile_below(r, 2) == 0;
	uint64_t value = hostile_draw(r) >> hostile_below(r, 64);

	if (hostile_below(r, 2) == 0) {
		op0 = 3;
		op1 = hostile_below(r, 3) == 0 ? 3 : 0;
		crn = likely[hostile_below(r, ARRAY_SIZE(likely))];
	}
	if (op0 == 1) {
		/* Maintenance: of this guest's memory, when it is by address; DC ZVA writes. Set/way takes anything. */
		read = false;
		crn = hostile_below(r, 2) == 0 ? 7 : 8;
		value = crn == 7 && (op1 == 3 || hostile_below(r, 4) != 0)
			      ? (uintptr_t)hostile_scratch() + hostile_below(r, 4096)
			      : value;
	}
	if (!read && is_vital(op0, op1, crn, crm)) {
		read = true;
	}
	execute(system_instruction(op0, op1, crn, crm, op2, read), value, 0, 0, 0);
}

/* A call that does not come back, or takes this vCPU away. */
static bool ends_us(uint32_t function)
{
	uint32_t id = function & 0xbfffffff;

	return id == PSCI_SYSTEM_OFF || id == PSCI_SYSTEM_RESET || id == PSCI_CPU_OFF ||
	       id == 0x84000012 || id == 0x8400000e || function == 1;
}

bool hostile_waits[GUEST_MAX_CPUS];

void hostile_expect_interrupt(void)
{
	/* What has been acknowledged by accident would keep others away. */
	for (uint32_t intid = 0; intid < 64; intid++) {
		gic_end(intid);
	}
	gic_init();
	gic_init_cpu();
	gic_enable(27);
	WRITE_ONCE(hostile_waits[this_cpu()->idx], true);
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(100));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

void hostile_forget_interrupt(void)
{
	irq_disable();
	WRITE_ONCE(hostile_waits[this_cpu()->idx], false);
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
}

void hostile_random_call(struct hostile_random *r)
{
	static const uint32_t bases[] = {0x84000000, 0xc4000000, 0x80000000, 0x80008000, 0x80003fff,
					 0x80007fff, 0x8600ff00, 0x8400ff00, 0xc6000000, 0};
	uint64_t function = bases[hostile_below(r, ARRAY_SIZE(bases))] + hostile_below(r, 64);
	uint32_t immediate = hostile_below(r, 4) == 0 ? hostile_below(r, 65536) : 0;

	if (hostile_below(r, 8) == 0) {
		function = hostile_draw(r);
	}
	if (ends_us((uint32_t)function)) {
		function = PSCI_FEATURES;
	}
	/* Xen's immediate is for the hypercalls, with numbers that are drawn elsewhere. */
	if (immediate == 0xea1) {
		immediate++;
	}
	execute(hostile_below(r, 2) == 0 ? HVC(immediate) : SMC(immediate), function,
		hostile_draw(r),
		hostile_below(r, 2) == 0 ? (uintptr_t)hostile_scratch() : hostile_draw(r),
		hostile_draw(r));
}

/* Loads and stores of x0 at x1, with a syndrome and without: 8 to 64 bits, pairs, write-back, exclusives, SIMD. */
static const uint32_t accesses[] = {
	0x39400020, 0x79400020, 0xb9400020, 0xf9400020, 0x39000020, 0x79000020,
	0xb9000020, 0xf9000020, 0x39800020, 0xb9800020, 0x29400820, 0xa9400820,
	0x29000820, 0xa9000820, 0xb8404420, 0xb8004420, 0xf8408c20, 0x885f7c20,
	0xc85f7c20, 0x88027c20, 0x3d400020, 0x3d800020, 0xb85fc020, 0xf81f8020,
};

static void access(struct hostile_random *r, uint64_t address)
{
	execute(accesses[hostile_below(r, ARRAY_SIZE(accesses))],
		hostile_draw(r) >> hostile_below(r, 64), address, hostile_draw(r), 0);
}

void hostile_random_device(struct hostile_random *r)
{
	uint64_t address;

	switch (hostile_below(r, 4)) {
	case 0:
		/* Without its data register: what is printed would drown the test. */
		address = machine.uart + 4 + hostile_below(r, 4096 - 4);
		break;
	case 1:
		address = (machine.gic_version == 3 ? machine.gicr + hostile_below(r, 0x40000)
						    : machine.gicc + hostile_below(r, 0x2000));
		break;
	default:
		address = machine.gicd +
			  hostile_below(r, machine.gic_version == 3 ? 0x10000 : 0x1000);
		break;
	}
	access(r, hostile_below(r, 8) == 0 ? address : address & ~UINT64_C(3));
}

/* Anywhere in the address space but in its own RAM, by a mapping of any type. vCPU 0 alone changes tables. */
void hostile_random_memory(struct hostile_random *r)
{
	unsigned int cpu = this_cpu()->idx;
	uint64_t va = mmu_spare_page(64 + hostile_below(r, 2));
	uint64_t ipa = hostile_draw(r) >> (16 + hostile_below(r, 32));

	if (cpu == 0 && (ipa < machine.ram_start || ipa >= machine.ram_start + machine.ram_size)) {
		mmu_map_page(va, ipa & ~UINT64_C(4095), hostile_below(r, MMU_UNMAPPED));
	}
	access(r, va + hostile_below(r, 4096));
	access(r, (uintptr_t)hostile_scratch() + hostile_below(r, 4096));
	if (hostile_below(r, 64) == 0) {
		fault_jump(va + 4 * hostile_below(r, 1024));
		fault_catch();
	}
}

void hostile_random_interrupt(struct hostile_random *r)
{
	uint32_t intid = hostile_below(r, 64);

	switch (hostile_below(r, 6)) {
	case 0:
		gic_send_sgi(hostile_below(r, 2), hostile_below(r, 16));
		break;
	case 1:
		gic_send_sgi_others(hostile_below(r, 16));
		break;
	case 2:
		gic_set_pending(intid);
		break;
	case 3:
		if (hostile_below(r, 2) == 0) {
			gic_enable(intid);
		} else {
			gic_disable(intid);
		}
		break;
	case 4:
		sysreg_write(CNTV_TVAL_EL0, hostile_draw(r) >> hostile_below(r, 64));
		sysreg_write(CNTV_CTL_EL0, hostile_below(r, 4));
		break;
	default:
		sysreg_write(CNTP_TVAL_EL0, hostile_draw(r) >> hostile_below(r, 64));
		sysreg_write(CNTP_CTL_EL0, hostile_below(r, 4));
		break;
	}
	irq_enable();
	isb();
	irq_disable();
}

/* WFI and WFE, with an interrupt on its way. */
void hostile_random_wait(struct hostile_random *r)
{
	hostile_expect_interrupt();
	if (hostile_below(r, 2) == 0) {
		wfe();
	} else {
		wfi();
	}
	hostile_forget_interrupt();
}
