/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of one register with write-back: the syndrome of an abort does not describe them (Arm ARM, "ISS
 * encoding for an exception from a Data Abort", ISV), and compilers use them for device registers. A64 only, general
 * registers only (Arm ARM, "Load/store register (immediate post-indexed)", "... (immediate pre-indexed)").
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"

/* size 111 0 00 opc 0 imm9 x1 Rn Rt */
#define INSN_MASK     UINT32_C(0x3f200400)
#define INSN_INDEXED  UINT32_C(0x38000400)
#define INSN_SIZE     BITS64(31, 30)
#define INSN_OPC      BITS64(23, 22)
#define INSN_IMM9     BITS64(20, 12)
#define INSN_RN       BITS64(9, 5)
#define INSN_RT       BITS64(4, 0)

#define OPC_STORE     0
#define OPC_LOAD      1
#define OPC_SIGNED_64 2
#define OPC_SIGNED_32 3

bool trap_decode_indexed(uint32_t insn, struct trap_indexed *indexed)
{
	const uint32_t size = (uint32_t)FIELD_GET(INSN_SIZE, insn);
	const uint32_t opc = (uint32_t)FIELD_GET(INSN_OPC, insn);
	const uint32_t rn = (uint32_t)FIELD_GET(INSN_RN, insn);
	const uint32_t rt = (uint32_t)FIELD_GET(INSN_RT, insn);
	bool is_signed = opc == OPC_SIGNED_64 || opc == OPC_SIGNED_32;
	bool is_64bit = opc == OPC_SIGNED_64 || (opc == OPC_LOAD && size == 3);

	if ((insn & INSN_MASK) != INSN_INDEXED || (is_signed && size + opc > 4) ||
	    (rn == rt && rn != 31)) {
		return false; /* the last: what happens to the register is not defined */
	}
	indexed->rn = rn;
	indexed->offset = (int64_t)((uint64_t)FIELD_GET(INSN_IMM9, insn) << 55) >> 55;
	indexed->iss = (uint32_t)(ISS_DA_ISV | FIELD_PREP(ISS_DA_SAS, size) |
				  FIELD_PREP(ISS_DA_SRT, rt) | (is_signed ? ISS_DA_SSE : 0) |
				  (is_64bit ? ISS_DA_SF : 0) | (opc == OPC_STORE ? ISS_DA_WNR : 0));
	return true;
}

bool trap_fetch_indexed(struct vcpu *v, struct trap_indexed *indexed)
{
	uint32_t insn;

	return (v->regs.pstate & PSTATE_AARCH32) == 0 &&
	       guest_copy_from(&insn, v->regs.pc, sizeof(insn)) == 0 &&
	       trap_decode_indexed(insn, indexed);
}

void trap_write_back(struct vcpu *v, const struct trap_indexed *indexed)
{
	if (indexed->rn != 31) {
		vcpu_set_x(v, indexed->rn, vcpu_get_x(v, indexed->rn) + (uint64_t)indexed->offset);
	} else if ((v->regs.pstate & PSTATE_MODE) == PSTATE_EL1h) {
		sysreg_write(SP_EL1, sysreg_read(SP_EL1) + (uint64_t)indexed->offset);
	} else {
		sysreg_write(SP_EL0, sysreg_read(SP_EL0) + (uint64_t)indexed->offset);
	}
}
