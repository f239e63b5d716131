/* SPDX-License-Identifier: MIT */
/*
 * What a guest must not do costs it an exception, and nobody else anything: accesses to nothing, jumps into
 * nothing, accesses that cannot be decoded (xen-abi-arm: "Traps and context").
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_trap.h"

const char *const guest_topic = "faults";
const bool guest_mmu_off;

/* Between the UART and RAM in the guest memory map: nothing is ever there. */
#define NOTHING    UINT64_C(0x30000000)
/* RAM of the second bank, which these domains do not have. */
#define NO_RAM     UINT64_C(0xf0000000)

#define FSC(fault) ((fault).esr & 0x3f)

/* As an access to nothing ends on a bus: a synchronous external abort, and no more in the syndrome than EL1 gets. */
static void check_data_abort(const char *what, struct guest_fault fault, uint64_t address,
			     uint32_t flags)
{
	REQUIRE(fault.taken, "%s: no exception", what);
	REQUIRE(ESR_EC(fault.esr) == ESR_EC_DATA_ABORT_SAME, "%s: ESR %#lx", what, fault.esr);
	/* Xen's syndrome is empty otherwise: a listed difference. */
	if (machine.tenon) {
		EXPECT(ESR_ISS(fault.esr) == (FSC_SEA | flags), "%s: ESR %#lx", what, fault.esr);
		EXPECT((fault.esr & ESR_IL) != 0, "%s: ESR %#lx", what, fault.esr);
		EXPECT(fault.far == address, "%s: FAR %#lx", what, fault.far);
	}
}

#define LOAD  0
#define STORE ((uint32_t)ISS_DA_WNR)

static void reads(void)
{
	uint64_t value;

	for (unsigned int size = 1; size <= 8; size *= 2) {
		check_data_abort("read of nothing", fault_read(size, NOTHING + 8, &value),
				 NOTHING + 8, LOAD);
		check_data_abort("read of no RAM", fault_read(size, NO_RAM, &value), NO_RAM, LOAD);
	}
}

static void writes(void)
{
	for (unsigned int size = 1; size <= 8; size *= 2) {
		check_data_abort("write to nothing", fault_write(size, NOTHING + 16, 1),
				 NOTHING + 16, STORE);
		check_data_abort("write to no RAM", fault_write(size, NO_RAM, 1), NO_RAM, STORE);
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
			 NOTHING, LOAD);
	check_data_abort("store of a pair",
			 CATCH(__asm__ volatile("stp xzr, xzr, [%0]" ::"r"(NOTHING)
						: "memory")),
			 NOTHING, STORE);
	check_data_abort("exclusive",
			 CATCH(__asm__ volatile("ldxr %0, [%1]"
						: "=r"(b)
						: "r"(NOTHING)
						: "memory")),
			 NOTHING, LOAD);
	check_data_abort("post-index",
			 CATCH(__asm__ volatile("ldr %0, [%1], #8"
						: "=&r"(b), "+r"(a)::"memory")),
			 NOTHING, LOAD);
	a = NOTHING;
	check_data_abort("pre-index",
			 CATCH(__asm__ volatile("str xzr, [%0, #8]!"
						: "+r"(a)::"memory")),
			 NOTHING + 8, STORE);
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

/*
 * Compilers step a pointer through device registers. It may be in one that a hypervisor in C has to load at each entry, or in
 * one that C code keeps for its caller, x21 say, so that it need not be loaded unless it has changed.
 */
#define STEP(register, access, base, value)                                        \
	__asm__ volatile("mov " register ", %0\n\t" access "\n\tmov %0, " register \
			 : "+r"(base), "+r"(value)::"memory", register)

#define WRITE_BACK_IN(register, typer)                                               \
	do {                                                                         \
		uint64_t base = machine.gicd + GICD_TYPER, value = 0;                \
                                                                                     \
		STEP(register, "ldr %w1, [" register "], #4", base, value);          \
		EXPECT_EQUAL(value, typer);                                          \
		EXPECT_EQUAL(base, machine.gicd + GICD_TYPER + 4);                   \
		STEP(register, "str wzr, [" register "], #-256", base, value);       \
		EXPECT_EQUAL(base, machine.gicd + GICD_TYPER + 4 - 256);             \
		if (machine.tenon) {                                                 \
			/* Xen 4.17 has post-indexing only. */                       \
			base = machine.gicd;                                         \
			STEP(register, "ldr %w1, [" register ", #4]!", base, value); \
			EXPECT_EQUAL(value, typer);                                  \
			EXPECT_EQUAL(base, machine.gicd + GICD_TYPER);               \
		}                                                                    \
	} while (0)

static void write_back_on_an_emulated_device(void)
{
	uint32_t typer = mmio_get32(machine.gicd + GICD_TYPER);

	WRITE_BACK_IN("x3", typer);
	WRITE_BACK_IN("x19", typer);
	WRITE_BACK_IN("x21", typer);
	WRITE_BACK_IN("x28", typer);
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
			EXPECT(ESR_ISS(fault.esr) == FSC_SEA, "to %#lx: ESR %#lx", targets[i],
			       fault.esr);
		}
		mmu_map_page(targets[i], targets[i], MMU_DEVICE);
	}
}

/*
 * A stage-1 table in no memory: the walk itself aborts, and the syndrome says at which level. In TTBR1's half, which
 * nothing else uses: 39 bits, so the first level is 1.
 */
#define WALKED UINT64_C(0xffffff8000001000)

static uint64_t walked_tables[2][512] __aligned(4096);

static struct guest_fault walk(unsigned int level, bool is_fetch)
{
	uint64_t tables[3] = {NOTHING, NOTHING, NOTHING};
	struct guest_fault fault;
	uint64_t value;

	for (unsigned int i = 1; i < level; i++) {
		tables[i - 1] = (uintptr_t)walked_tables[i - 1];
		walked_tables[i - 1][0] =
			(i == level - 1 ? NOTHING : (uintptr_t)walked_tables[i]) | 3;
	}
	sysreg_write(TTBR1_EL1, tables[0]);
	sysreg_write(TCR_EL1,
		     (sysreg_read(TCR_EL1) & ~BIT64(23)) | UINT64_C(25) << 16 | UINT64_C(2) << 30);
	isb();
	tlb_invalidate_all();
	fault = is_fetch ? fault_jump(WALKED) : fault_read(8, WALKED, &value);
	sysreg_write(TCR_EL1, sysreg_read(TCR_EL1) | BIT64(23));
	isb();
	tlb_invalidate_all();
	return fault;
}

static void table_walk_into_nothing(void)
{
	uint64_t old = sysreg_read(TTBR0_EL1);

	for (unsigned int level = 1; level <= 3; level++) {
		for (unsigned int is_fetch = 0; is_fetch <= 1; is_fetch++) {
			struct guest_fault fault = walk(level, is_fetch);

			REQUIRE(fault.taken, "no exception");
			REQUIRE(ESR_EC(fault.esr) == (is_fetch ? ESR_EC_INSTR_ABORT_SAME
							       : ESR_EC_DATA_ABORT_SAME),
				"ESR %#lx", fault.esr);
			REQUIRE_EQUAL(sysreg_read(TTBR0_EL1), old);
			if (machine.tenon) {
				EXPECT(ESR_ISS(fault.esr) == (FSC_SEA_WALK | level),
				       "level %u: ESR %#lx", level, fault.esr);
				EXPECT_EQUAL(fault.far, WALKED);
			}
		}
	}
}

/* With SP_EL0 as the stack pointer the exception has a vector of its own. */
static uint64_t vector_taken, spsr_taken;

static bool note_vector(struct guest_frame *frame)
{
	vector_taken = frame->reserved;
	spsr_taken = frame->spsr;
	frame->elr += 4;
	return true;
}

static void vector_of_sp0(void)
{
	uint64_t value;

	guest_sync_hook = note_vector;
	vector_taken = 99;
	__asm__ volatile("msr spsel, #0\n\tldr %0, [%1]\n\tmsr spsel, #1"
			 : "=r"(value)
			 : "r"(NOTHING)
			 : "memory");
	EXPECT_EQUAL(vector_taken, 0);
	EXPECT_EQUAL(spsr_taken & 0xf, 4);
	vector_taken = 99;
	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(NOTHING) : "memory");
	EXPECT_EQUAL(vector_taken, 4);
	EXPECT_EQUAL(spsr_taken & 0xf, 5);
	guest_sync_hook = NULL;
}

/* The handler is entered as the architecture says: everything masked, no step, PAN by SCTLR_EL1.SPAN; the rest is saved. */
static void state_of_the_handler(void)
{
	uint64_t value;

	guest_sync_hook = note_vector;
	__asm__ volatile("msr nzcv, %2\n\tmsr daifclr, #4\n\tldr %0, [%1]\n\tmsr daifset, #4"
			 : "=r"(value)
			 : "r"(NOTHING), "r"(UINT64_C(0xa0000000))
			 : "memory", "cc");
	guest_sync_hook = NULL;
	EXPECT_EQUAL(spsr_taken >> 28, 0xa);
	EXPECT_EQUAL(spsr_taken & 0x1c0, 0x0c0);
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
	CASE(write_back_on_an_emulated_device),
	CASE(decoding_of_device_accesses),
	CASE(jumps),
	CASE(table_walk_into_nothing),
	CASE(vector_of_sp0, .flags = TENON_ONLY),
	CASE(state_of_the_handler),
	CASE(stage_1_faults),
	CASE(maintenance_on_a_device),
	CASE(thousands_of_faults),
	CASE_END,
};
