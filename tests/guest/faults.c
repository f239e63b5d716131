/* SPDX-License-Identifier: MIT */
/*
 * What a guest must not do costs it an exception, and nobody else anything: accesses to nothing, jumps into
 * nothing, accesses that cannot be decoded (xen-abi-arm: "Traps and context").
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_trap.h"

const char *const guest_topic = "faults";
const bool guest_mmu_off;

/* Between the UART and RAM in the guest memory map: nothing is ever there. */
#define NOTHING    UINT64_C(0x30000000)
/* RAM of the second bank, which these domains do not have. */
#define NO_RAM     UINT64_C(0xf0000000)

#define FSC(fault) ((fault).esr & 0x3f)

static void check_data_abort(const char *what, struct guest_fault fault, uint64_t address)
{
	REQUIRE(fault.taken, "%s: no exception", what);
	REQUIRE(ESR_EC(fault.esr) == ESR_EC_DATA_ABORT_SAME, "%s: ESR %#lx", what, fault.esr);
	/* Xen's syndrome is empty otherwise: a listed difference. */
	if (machine.tenon) {
		EXPECT(FSC(fault) == FSC_SEA, "%s: ESR %#lx", what, fault.esr);
		EXPECT((fault.esr & ISS_DA_FNV) != 0 || fault.far == address, "%s: FAR %#lx", what,
		       fault.far);
	}
}

static void reads(void)
{
	uint64_t value;

	for (unsigned int size = 1; size <= 8; size *= 2) {
		check_data_abort("read of nothing", fault_read(size, NOTHING + 8, &value),
				 NOTHING + 8);
		check_data_abort("read of no RAM", fault_read(size, NO_RAM, &value), NO_RAM);
	}
}

static void writes(void)
{
	for (unsigned int size = 1; size <= 8; size *= 2) {
		check_data_abort("write to nothing", fault_write(size, NOTHING + 16, 1),
				 NOTHING + 16);
		check_data_abort("write to no RAM", fault_write(size, NO_RAM, 1), NO_RAM);
	}
}

/* Without a valid syndrome: pairs, exclusives, write-back addressing. */
static void accesses_that_cannot_be_decoded(void)
{
	uint64_t a = NOTHING, b, c;

	check_data_abort("pair",
			 CATCH(__asm__ volatile("ldp %0, %1, [%2]"
						: "=r"(b), "=r"(c)
						: "r"(NOTHING)
						: "memory")),
			 NOTHING);
	check_data_abort("store of a pair",
			 CATCH(__asm__ volatile("stp xzr, xzr, [%0]" ::"r"(NOTHING)
						: "memory")),
			 NOTHING);
	check_data_abort("exclusive",
			 CATCH(__asm__ volatile("ldxr %0, [%1]"
						: "=r"(b)
						: "r"(NOTHING)
						: "memory")),
			 NOTHING);
	check_data_abort("post-index",
			 CATCH(__asm__ volatile("ldr %0, [%1], #8"
						: "=&r"(b), "+r"(a)::"memory")),
			 NOTHING);
	a = NOTHING;
	check_data_abort("pre-index",
			 CATCH(__asm__ volatile("str xzr, [%0, #8]!"
						: "+r"(a)::"memory")),
			 NOTHING + 8);
}

/* The same on a device that is emulated: it cannot be served, and is not. */
static void pairs_on_an_emulated_device(void)
{
	uint64_t b, c;
	struct guest_fault fault;

	fault = CATCH(__asm__ volatile("ldp %w0, %w1, [%2]"
				       : "=r"(b), "=r"(c)
				       : "r"(machine.uart)
				       : "memory"));
	EXPECT(fault.taken, "a pair from the UART is read");
	fault = CATCH(__asm__ volatile("stp wzr, wzr, [%0]" ::"r"(machine.gicd) : "memory"));
	EXPECT(fault.taken, "a pair to the GIC is written");
}

/* Registers that go to devices: the zero register, sign extension, 32-bit views. */
static void decoding_of_device_accesses(void)
{
	uint64_t value = ~UINT64_C(0), uart = machine.uart;

	/* FR is 0x90 or so: its byte is negative. */
	__asm__ volatile("ldrsb %0, [%1]" : "=r"(value) : "r"(uart + 0x18) : "memory");
	EXPECT((value & 0x80) == 0 || value >> 8 == 0xffffffffffffff, "ldrsb: %#lx", value);
	value = ~UINT64_C(0);
	__asm__ volatile("ldrsb %w0, [%1]" : "=r"(value) : "r"(uart + 0x18) : "memory");
	EXPECT(value >> 32 == 0, "ldrsb to 32 bits: %#lx", value);
	value = ~UINT64_C(0);
	__asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(uart + 0x18) : "memory");
	EXPECT(value >> 8 == 0, "ldrb: %#lx", value);
	value = ~UINT64_C(0);
	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(uart + 0x18) : "memory");
	EXPECT(value >> 32 == 0, "ldr to 32 bits: %#lx", value);
	__asm__ volatile("str wzr, [%0]" ::"r"(uart + 0x38) : "memory");
	__asm__ volatile("ldr wzr, [%0]" ::"r"(uart + 0x18) : "memory");
}

static void jumps(void)
{
	static const uint64_t targets[] = {NOTHING, NO_RAM, 0x22000000};

	for (unsigned int i = 0; i < ARRAY_SIZE(targets); i++) {
		struct guest_fault fault;

		/* This guest's own tables would refuse to execute from a device. */
		mmu_map_page(targets[i], targets[i], MMU_WRITE_BACK);
		fault = fault_jump(targets[i]);
		REQUIRE(fault.taken && ESR_EC(fault.esr) == ESR_EC_INSTR_ABORT_SAME,
			"to %#lx: ESR %#lx", targets[i], fault.esr);
		REQUIRE(fault.elr == targets[i], "to %#lx: ELR %#lx", targets[i], fault.elr);
		if (machine.tenon) {
			EXPECT(FSC(fault) == FSC_SEA, "to %#lx: ESR %#lx", targets[i], fault.esr);
		}
		mmu_map_page(targets[i], targets[i], MMU_DEVICE);
	}
}

/* A stage 1 table in no memory: the walk itself aborts. */
static void table_walk_into_nothing(void)
{
	uint64_t value, old = sysreg_read(TTBR0_EL1);
	struct guest_fault fault;

	/* In TTBR1's half, which nothing uses: 39 bits, walks on. */
	sysreg_write(TTBR1_EL1, NOTHING);
	sysreg_write(TCR_EL1,
		     (sysreg_read(TCR_EL1) & ~BIT64(23)) | UINT64_C(25) << 16 | UINT64_C(2) << 30);
	isb();
	tlb_invalidate_all();
	fault = fault_read(8, UINT64_C(0xffffff8000001000), &value);
	sysreg_write(TCR_EL1, sysreg_read(TCR_EL1) | BIT64(23));
	isb();
	tlb_invalidate_all();
	REQUIRE(fault.taken, "no exception");
	REQUIRE(ESR_EC(fault.esr) == ESR_EC_DATA_ABORT_SAME, "ESR %#lx", fault.esr);
	REQUIRE_EQUAL(sysreg_read(TTBR0_EL1), old);
}

/* Its own faults are its own: the hypervisor is not even asked. */
static void stage_1_faults(void)
{
	uint64_t value;
	struct guest_fault fault = fault_read(8, UINT64_C(0x7700000000), &value);

	REQUIRE(fault.taken && (FSC(fault) & ~3ul) == FSC_TRANSLATION, "ESR %#lx", fault.esr);
	REQUIRE_EQUAL(fault.far, UINT64_C(0x7700000000));
}

/* Cache maintenance by VA does nothing on a device, and is no reason to stop a guest. */
static void maintenance_on_a_device(void)
{
	uint64_t va = mmu_spare_page(0);
	struct guest_fault fault;

	REQUIRE(mmu_map_page(va, machine.uart & ~UINT64_C(0xfff), MMU_WRITE_BACK));
	fault = CATCH(__asm__ volatile("dc civac, %0" ::"r"(va) : "memory"));
	EXPECT(!fault.taken, "DC CIVAC on the UART: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("dc cvac, %0" ::"r"(va) : "memory"));
	EXPECT(!fault.taken, "DC CVAC on the UART: ESR %#lx", fault.esr);
}

/* As often as it likes; the hypervisor's log must not suffer either. */
static void thousands_of_faults(void)
{
	uint64_t value;

	for (unsigned int i = 0; i < 3000; i++) {
		REQUIRE(fault_read(4, NOTHING + i * 4, &value).taken, "fault %u", i);
	}
}

const struct guest_case guest_cases[] = {
	CASE(reads),
	CASE(writes),
	CASE(accesses_that_cannot_be_decoded),
	CASE(pairs_on_an_emulated_device),
	CASE(decoding_of_device_accesses),
	CASE(jumps),
	CASE(table_walk_into_nothing),
	CASE(stage_1_faults),
	CASE(maintenance_on_a_device),
	CASE(thousands_of_faults),
	CASE_END,
};
