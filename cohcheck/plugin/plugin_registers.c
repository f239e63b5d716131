/* SPDX-License-Identifier: MIT */
/*
 * A CPU's registers, by the names that QEMU's gdb stub gives them (QEMU 10: "SCTLR" is SCTLR_EL1, and the _EL1 names are the
 * registers themselves whatever HCR_EL2.E2H redirects). Absent ones read as 0. To be called on the CPU's own thread only.
 */
#include "plugin/plugin.h"

#include <stdlib.h>
#include <string.h>

enum {
	REG_X0,
	REG_PC = 31,
	REG_CPSR,
	REG_SCTLR_EL1,
	REG_SCTLR_EL2,
	REG_SCTLR_EL3,
	REG_TTBR0_EL1,
	REG_TTBR0_EL2,
	REG_TTBR0_EL3,
	REG_TTBR1_EL1,
	REG_TTBR1_EL2,
	REG_TCR_EL1,
	REG_TCR_EL2,
	REG_TCR_EL3,
	REG_MAIR_EL1,
	REG_MAIR_EL2,
	REG_MAIR_EL3,
	REG_TCR2_EL1,
	REG_TCR2_EL2,
	REG_HCR,
	REG_VTCR,
	REG_VTTBR,
	REG_SCR,
	REG_HFGITR,
	REG_CTR,
	REG_DACR,
	REG_CONTEXTIDR,
	REG_MMFR0,
	REG_MMFR1,
	REG_MMFR2,
	NR_REGS
};
_Static_assert(NR_REGS <= 64, "plugin_cpu.handles");

/* clang-format off */
static const struct {
	uint8_t reg;
	const char *name;
} register_names[] = {
	{ REG_PC, "pc" },
	{ REG_CPSR, "cpsr" },
	{ REG_SCTLR_EL1, "SCTLR" },
	{ REG_SCTLR_EL1, "SCTLR_EL1" },
	{ REG_SCTLR_EL2, "SCTLR_EL2" },
	{ REG_SCTLR_EL3, "SCTLR_EL3" },
	{ REG_TTBR0_EL1, "TTBR0_EL1" },
	{ REG_TTBR0_EL2, "TTBR0_EL2" },
	{ REG_TTBR0_EL3, "TTBR0_EL3" },
	{ REG_TTBR1_EL1, "TTBR1_EL1" },
	{ REG_TTBR1_EL2, "TTBR1_EL2" },
	{ REG_TCR_EL1, "TCR_EL1" },
	{ REG_TCR_EL2, "TCR_EL2" },
	{ REG_TCR_EL3, "TCR_EL3" },
	{ REG_MAIR_EL1, "MAIR_EL1" },
	{ REG_MAIR_EL2, "MAIR_EL2" },
	{ REG_MAIR_EL3, "MAIR_EL3" },
	{ REG_TCR2_EL1, "TCR2_EL1" },
	{ REG_TCR2_EL2, "TCR2_EL2" },
	{ REG_HCR, "HCR_EL2" },
	{ REG_VTCR, "VTCR_EL2" },
	{ REG_VTTBR, "VTTBR_EL2" },
	{ REG_SCR, "SCR_EL3" },
	{ REG_HFGITR, "HFGITR_EL2" },
	{ REG_CTR, "CTR_EL0" },
	{ REG_DACR, "DACR32_EL2" },
	{ REG_CONTEXTIDR, "CONTEXTIDR_EL1" },
	{ REG_MMFR0, "ID_AA64MMFR0_EL1" },
	{ REG_MMFR1, "ID_AA64MMFR1_EL1" },
	{ REG_MMFR2, "ID_AA64MMFR2_EL1" },
};
/* clang-format on */

static uint64_t read_register(struct plugin_cpu *cpu, unsigned int reg)
{
	uint64_t value = 0;

	if (!cpu->handles[reg]) {
		return 0;
	}
	cpu->buffer->len = 0; /* not by a call: this is half of what a DC costs */

	int size = qemu_plugin_read_register(cpu->handles[reg], cpu->buffer);

	if (likely(size >= 8)) {
		memcpy(&value, cpu->buffer->data, 8);
	} else if (size > 0) {
		memcpy(&value, cpu->buffer->data, (size_t)size);
	}
	return value;
}

static void keep_handle(struct plugin_cpu *cpu, const qemu_plugin_reg_descriptor *descriptor)
{
	const char *name = descriptor->name;

	if (name[0] == 'x') {
		char *end;
		unsigned long n = strtoul(name + 1, &end, 10);

		if (end != name + 1 && !*end && n < 31) {
			cpu->handles[REG_X0 + n] = descriptor->handle;
		}
		return;
	}
	for (size_t n = 0; n < G_N_ELEMENTS(register_names); n++) {
		if (!strcmp(name, register_names[n].name)) {
			cpu->handles[register_names[n].reg] = descriptor->handle;
		}
	}
}

bool plugin_registers_find(struct plugin_cpu *cpu)
{
	g_autoptr(GArray) all = qemu_plugin_get_registers();

	cpu->buffer = g_byte_array_sized_new(64);
	for (guint n = 0; n < all->len; n++) {
		keep_handle(cpu, &g_array_index(all, qemu_plugin_reg_descriptor, n));
	}
	/* An AArch32 processor has r0 and so on. */
	if (!cpu->handles[REG_X0] || !cpu->handles[REG_SCTLR_EL1] || !cpu->handles[REG_CTR]) {
		return false;
	}

	/* The rest is constant. */
	struct arm_registers *regs = &cpu->regs;
	static const uint8_t pa_sizes[8] = {32, 36, 40, 42, 44, 48, 52, 56};
	uint64_t mmfr0 = read_register(cpu, REG_MMFR0), mmfr1 = read_register(cpu, REG_MMFR1),
		 mmfr2 = read_register(cpu, REG_MMFR2);

	regs->ctr = read_register(cpu, REG_CTR);
	regs->has_el3 = cpu->handles[REG_SCTLR_EL3];
	/* QEMU has EL2's registers, as zero, on CPUs with EL3 and without EL2, but not those of FEAT_VHE. */
	regs->has_el2 =
		cpu->handles[REG_SCTLR_EL2] && (!regs->has_el3 || cpu->handles[REG_TTBR1_EL2]);
	regs->pa_bits = pa_sizes[mmfr0 & 7];
	/* TGran4, TGran16: 52-bit addresses with LPA2's descriptors. */
	regs->has_lpa2 = (mmfr0 >> 28 & 0xf) == 1 || (mmfr0 >> 20 & 0xf) == 2;
	regs->has_vhe = mmfr1 >> 8 & 0xf;
	regs->has_s2fwb = mmfr2 >> 40 & 0xf;
	cpu->zva_shift = 6;
	return true;
}

void plugin_registers_read(struct plugin_cpu *cpu)
{
	struct arm_registers *regs = &cpu->regs;

	for (unsigned int el = 1; el <= 3; el++) {
		regs->sctlr[el] = read_register(cpu, REG_SCTLR_EL1 + el - 1);
		regs->ttbr0[el] = read_register(cpu, REG_TTBR0_EL1 + el - 1);
		regs->tcr[el] = read_register(cpu, REG_TCR_EL1 + el - 1);
		regs->mair[el] = read_register(cpu, REG_MAIR_EL1 + el - 1);
	}
	for (unsigned int el = 1; el <= 2; el++) {
		regs->ttbr1[el] = read_register(cpu, REG_TTBR1_EL1 + el - 1);
		regs->tcr2[el] = read_register(cpu, REG_TCR2_EL1 + el - 1);
	}
	regs->hcr = read_register(cpu, REG_HCR);
	regs->vtcr = read_register(cpu, REG_VTCR);
	regs->vttbr = read_register(cpu, REG_VTTBR);
	regs->scr = read_register(cpu, REG_SCR);
	regs->hfgitr = read_register(cpu, REG_HFGITR);
	regs->dacr = read_register(cpu, REG_DACR);
	regs->contextidr = read_register(cpu, REG_CONTEXTIDR);
	regs->el = (uint8_t)plugin_registers_el(cpu);
	/* Nobody could set them there. */
	regs->has_el2 |= cpu->handles[REG_SCTLR_EL2] && (regs->hcr || regs->el == 2);
	regs->el1_aarch32 = arm_el1_is_aarch32(regs);
}

/* op1 of the encodings: who names it. 4 and 6 are EL2's and EL3's, 5 is the _EL12 name of 0. */
#define SYSREG(op1, crn, crm, op2) (1u << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define SYSREG_ANY_OP1             (7u << 11)

/* All of that name, since with FEAT_VHE an _EL1 name may mean EL2's register. */
static void read_all_named(struct plugin_cpu *cpu, uint64_t values[4], unsigned int reg_el1,
			   unsigned int nr)
{
	for (unsigned int el = 1; el <= nr; el++) {
		values[el] = read_register(cpu, reg_el1 + el - 1);
	}
}

void plugin_registers_read_written(struct plugin_cpu *cpu, uint32_t word)
{
	struct arm_registers *regs = &cpu->regs;
	uint32_t encoding = word >> 5 & 0x7fff;

	if (encoding == SYSREG(4, 1, 1, 0)) {
		regs->hcr = read_register(cpu, REG_HCR);
	} else if (encoding == SYSREG(4, 2, 1, 0)) {
		regs->vttbr = read_register(cpu, REG_VTTBR);
	} else if (word != 0) {
		switch (encoding & ~SYSREG_ANY_OP1) {
		case SYSREG(0, 1, 0, 0):
			read_all_named(cpu, regs->sctlr, REG_SCTLR_EL1, 3);
			break;
		case SYSREG(0, 2, 0, 0):
			read_all_named(cpu, regs->ttbr0, REG_TTBR0_EL1, 3);
			break;
		case SYSREG(0, 2, 0, 1):
			read_all_named(cpu, regs->ttbr1, REG_TTBR1_EL1, 2);
			break;
		case SYSREG(0, 2, 0, 2):
			read_all_named(cpu, regs->tcr, REG_TCR_EL1, 3);
			break;
		default:
			plugin_registers_read(cpu);
			return;
		}
	}
	regs->el = (uint8_t)plugin_registers_el(cpu);
	regs->has_el2 |= cpu->handles[REG_SCTLR_EL2] && (regs->hcr || regs->el == 2);
	regs->el1_aarch32 = arm_el1_is_aarch32(regs);
}

/* FEAT_BBM level 2: ID_AA64MMFR2_EL1.BBM. */
bool plugin_registers_has_bbm2(struct plugin_cpu *cpu)
{
	return (read_register(cpu, REG_MMFR2) >> 52 & 0xf) >= 2;
}

uint64_t plugin_registers_x(struct plugin_cpu *cpu, unsigned int n)
{
	return n == 31 ? 0 : read_register(cpu, REG_X0 + n);
}

uint64_t plugin_registers_pc(struct plugin_cpu *cpu)
{
	return read_register(cpu, REG_PC);
}

unsigned int plugin_registers_el(struct plugin_cpu *cpu)
{
	return read_register(cpu, REG_CPSR) >> 2 & 3;
}
