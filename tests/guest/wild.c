/* SPDX-License-Identifier: MIT */
/*
 * A guest that has lost its way, in the manner that its argument names. No handler of its own helps it:
 * the vectors are in no memory, so each exception causes the next.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_trap.h"

const char *const guest_topic = "wild";
/* So that nothing but the stage 2 is in the way. */
const bool guest_mmu_off = true;

void guest_jump(uint64_t address);

static void goes_wild(void)
{
	print("INFO going wild\n");
	sysreg_write(VBAR_EL1, UINT64_C(0x30000000));
	isb();
	if (guest_has_argument("jump")) {
		guest_jump(UINT64_C(0x30001000));
	} else if (guest_has_argument("write")) {
		*(volatile uint32_t *)UINT64_C(0x30000000) = 0;
	} else if (guest_has_argument("undefined")) {
		__asm__ volatile(".inst 0");
	} else if (guest_has_argument("el2")) {
		__asm__ volatile("msr S3_4_C1_C1_0, xzr");
	} else if (guest_has_argument("tables")) {
		/* Stage 1 tables in no memory, while they are in use. */
		mmu_enable();
		sysreg_write(TTBR0_EL1, UINT64_C(0x30000000));
		isb();
		tlb_invalidate_all();
	} else if (guest_has_argument("reset")) {
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	} else if (guest_has_argument("crash")) {
		struct sched_shutdown shutdown = {.reason = SHUTDOWN_crash};

		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
	} else if (guest_has_argument("off")) {
		psci(PSCI_CPU_OFF, 0, 0, 0);
	} else if (guest_has_argument("stack")) {
		__asm__ volatile("mov x9, #0\n\tmov sp, x9\n\tstp x0, x1, [sp, #-16]!" ::
					 : "x9", "memory");
	}
	for (;;) {
	}
}

const struct guest_case guest_cases[] = {
	CASE(goes_wild),
	CASE_END,
};
