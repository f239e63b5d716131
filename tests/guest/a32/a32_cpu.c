/* SPDX-License-Identifier: MIT */
/* What a 32-bit guest finds: its start state, trapped coprocessor registers, and exceptions. */
#include "a32.h"

#define FDT_MAGIC   0xedfe0dd0u

#define CPSR_MASKED 0x1c0u /* A, I, F */
#define CPSR_T      (1u << 5)
#define MODE_SVC    0x13u
#define MODE_ABT    0x17u
#define MODE_UND    0x1bu

#define UART_FR     0x22000018u

/* ---- entry -------------------------------------------------------------------------------------------- */

static void start_state(void)
{
	EQUAL(a32_found.r0, 0);
	EQUAL(a32_found.r1, 0xffffffffu);
	EQUAL(*(const uint32_t *)(uintptr_t)a32_found.r2, FDT_MAGIC);
	EQUAL(a32_found.r2 & 7, 0);
	/* SVC, A, I and F masked, A32, little-endian; MMU, alignment check, caches and high vectors off. */
	EQUAL(a32_found.cpsr & 0x3ff, MODE_SVC | CPSR_MASKED);
	EQUAL(a32_found.sctlr & 0x62003007u, 0);
}

/* ---- CP15 --------------------------------------------------------------------------------------------- */

static void identification(void)
{
	/* ARM and Thumb-2; VMSAv7 or later; generic timer. */
	EQUAL(CP_READ(15, 0, 0, 1, 0) & 0xff, 0x31);
	TRUE((CP_READ(15, 0, 0, 1, 4) & 0xf) >= 3);
	TRUE((CP_READ(15, 0, 0, 1, 1) >> 16 & 0xf) >= 1);
	TRUE(CP_READ(15, 0, 0, 2, 0) != 0); /* ID_ISAR0 */
	/* MPIDR: multiprocessor, affinity of vCPU 0. */
	EQUAL(CP_READ(15, 0, 0, 0, 5), 0x80000000u);
}

static void reserved_identification_reads_zero(void)
{
	EQUAL(CP_READ(15, 0, 0, 4, 0), 0);
	EQUAL(CP_READ(15, 0, 0, 7, 7), 0);
}

static void media_features(void)
{
	uint32_t mvfr0, mvfr1;

	__asm__ volatile(".fpu neon\n\tvmrs %0, mvfr0" : "=r"(mvfr0));
	__asm__ volatile(".fpu neon\n\tvmrs %0, mvfr1" : "=r"(mvfr1));
	EQUAL(mvfr0 & 0xf, 2); /* 32 double registers */
	TRUE((mvfr1 >> 8 & 0xf) >= 1);
}

static void hidden_features(void)
{
	TRUE((CP_READ(15, 0, 0, 1, 2) >> 24 & 0xf) == 0); /* ID_DFR0.PerfMon */
	TRUE((CP_READ(15, 0, 0, 1, 0) >> 28) == 0);       /* ID_PFR0.RAS */
}

static void performance_monitors_are_undefined(void)
{
	fault_catch();
	(void)CP_READ(15, 0, 9, 12, 0);
	EQUAL(fault_caught().kind, FAULT_UNDEFINED);
}

static void unknown_registers_are_undefined(void)
{
	fault_catch();
	(void)CP_READ(15, 0, 11, 0, 0);
	EQUAL(fault_caught().kind, FAULT_UNDEFINED);
	fault_catch();
	CP_WRITE(15, 0, 0, 1, 0, 0); /* ID_PFR0 */
	EQUAL(fault_caught().kind, FAULT_UNDEFINED);
}

/* Trapped or not, what is not executed does nothing. */
static void conditions_are_checked(void)
{
	uint32_t value = 0x55;

	fault_catch();
	__asm__ volatile("cmp %0, %0\n\tmrcne p15, 0, %0, c0, c1, 0\n\tmcrne p15, 0, %0, c0, c1, 0"
			 : "+r"(value)::"cc");
	EQUAL(fault_caught().kind, FAULT_NONE);
	EQUAL(value, 0x55);
	__asm__ volatile("cmp %0, %0\n\tmrceq p15, 0, %0, c0, c1, 0" : "+r"(value)::"cc");
	EQUAL(value & 0xff, 0x31);
}

static void it_blocks_go_on(void)
{
	uint32_t pfr0 = CP_READ(15, 0, 0, 1, 0);

	EQUAL(a32_thumb_it(), 0x55 | pfr0 << 16);
	EQUAL(a32_thumb_it_goes_on(), 1);
}

/* What HCR_EL2.TVM traps while the domain is cold comes back as it was written. */
static void translation_registers(void)
{
	uint32_t low, high;

	CP_WRITE(15, 0, 10, 2, 0, 0x11223344); /* PRRR, NMRR: halves of one register */
	CP_WRITE(15, 0, 10, 2, 1, 0x55667788);
	EQUAL(CP_READ(15, 0, 10, 2, 0), 0x11223344);
	EQUAL(CP_READ(15, 0, 10, 2, 1), 0x55667788);
	CP_WRITE(15, 0, 6, 0, 0, 0x12345678); /* DFAR, IFAR */
	CP_WRITE(15, 0, 6, 0, 2, 0x9abcdef0);
	EQUAL(CP_READ(15, 0, 6, 0, 0), 0x12345678);
	EQUAL(CP_READ(15, 0, 6, 0, 2), 0x9abcdef0);
	CP_WRITE(15, 0, 5, 0, 1, 0x5); /* IFSR, DFSR, DACR */
	CP_WRITE(15, 0, 5, 0, 0, 0x807);
	CP_WRITE(15, 0, 3, 0, 0, 0x55555555);
	EQUAL(CP_READ(15, 0, 5, 0, 1), 0x5);
	EQUAL(CP_READ(15, 0, 5, 0, 0), 0x807);
	EQUAL(CP_READ(15, 0, 3, 0, 0), 0x55555555);
	CP_WRITE(15, 0, 2, 0, 2, TTBCR_EAE);
	isb();
	__asm__ volatile("mcrr p15, 1, %0, %1, c2" ::"r"(0x40004000), "r"(0x00120000));
	__asm__ volatile("mrrc p15, 1, %0, %1, c2" : "=r"(low), "=r"(high));
	CP_WRITE(15, 0, 2, 0, 2, 0);
	isb();
	EQUAL(low, 0x40004000);
	EQUAL(high, 0x00120000);
	CP_WRITE(15, 0, 13, 0, 1, 0xabcd);
	EQUAL(CP_READ(15, 0, 13, 0, 1), 0xabcd);
}

static void set_way_maintenance(void)
{
	static volatile uint32_t word;

	word = 0x12345678;
	CP_WRITE(15, 0, 7, 14, 2, 0);
	CP_WRITE(15, 0, 7, 10, 2, 0x40);
	CP_WRITE(15, 0, 7, 6, 2, 0x80);
	dsb();
	EQUAL(word, 0x12345678);
}

static void debug_registers(void)
{
	uint32_t didr = CP_READ(14, 0, 0, 0, 0);

	TRUE((didr >> 16 & 0xf) >= 5);
	EQUAL(didr >> 28, 0);
	CP_WRITE(14, 0, 1, 0, 4, 0); /* DBGOSLAR */
	CP_WRITE(14, 0, 0, 7, 0, 0); /* DBGVCR */
	CP_WRITE(14, 0, 0, 1, 5, 0); /* DBGBCR1 */
	EQUAL(CP_READ(14, 0, 0, 1, 5), 0);
}

static void os_lock_is_open(void)
{
	EQUAL(CP_READ(14, 0, 1, 1, 4) & 2, 0); /* DBGOSLSR */
}

static void physical_timer(void)
{
	uint32_t low, high, ctl;

	CP_WRITE(15, 0, 14, 2, 1, 2);    /* CNTP_CTL: masked, off */
	CP_WRITE(15, 0, 14, 2, 0, 1000); /* CNTP_TVAL */
	CP_WRITE(15, 0, 14, 2, 1, 3);
	isb();
	do {
		ctl = CP_READ(15, 0, 14, 2, 1);
	} while ((ctl & 4) == 0);
	EQUAL(ctl, 7);
	__asm__ volatile("mcrr p15, 2, %0, %1, c14" ::"r"(0x89abcdef), "r"(0x1234567));
	__asm__ volatile("mrrc p15, 2, %0, %1, c14" : "=r"(low), "=r"(high));
	EQUAL(low, 0x89abcdef);
	EQUAL(high, 0x1234567);
	EQUAL(CP_READ(15, 0, 14, 2, 1), 3);
	CP_WRITE(15, 0, 14, 2, 1, 2);
}

/* ---- interrupts to itself ---------------------------------------------------------------------------- */

#define GICD     0x03001000u
#define GICC     0x03002000u
#define GICR_SGI 0x03030000u
#define SGI      5u

static void sgi_v3(void)
{
	mmio_write(GICD, 0x12);
	mmio_write(GICR_SGI + 0x100, 1u << SGI);
	CP_WRITE(15, 0, 4, 6, 0, 0xf0); /* ICC_PMR */
	CP_WRITE(15, 0, 12, 12, 7, 1);  /* ICC_IGRPEN1 */
	isb();
	__asm__ volatile("mcrr p15, 0, %0, %1, c12" ::"r"(SGI << 24 | 1), "r"(0)); /* ICC_SGI1R */
	isb();
	EQUAL(CP_READ(15, 0, 12, 12, 0), SGI);
	CP_WRITE(15, 0, 12, 12, 1, SGI);
	EQUAL(CP_READ(15, 0, 12, 12, 0), 1023);
}

static void sgi_v2(void)
{
	mmio_write(GICD, 1);
	mmio_write(GICD + 0x100, 1u << SGI);
	mmio_write(GICC + 4, 0xf0);
	mmio_write(GICC, 1);
	mmio_write(GICD + 0xf00, 2u << 24 | SGI);
	dsb();
	EQUAL(mmio_read(GICC + 0xc) & 0x3ff, SGI);
	mmio_write(GICC + 0x10, SGI);
	EQUAL(mmio_read(GICC + 0xc) & 0x3ff, 1023);
}

static void sgi_to_itself(void)
{
	if (CP_READ(15, 0, 0, 1, 1) >> 28 == 1) {
		sgi_v3();
	} else {
		sgi_v2();
	}
}

/* ---- emulated devices, and registers that are banked --------------------------------------------------- */

static void devices_into_banked_registers(void)
{
	uint32_t seen[5];
	uint32_t plain = mmio_read(UART_FR);

	TRUE(plain != 0);
	a32_read_banked(UART_FR, seen);
	for (unsigned int i = 0; i < 5; i++) {
		EQUAL(seen[i], plain);
	}
}

/* ---- exceptions --------------------------------------------------------------------------------------- */

static void other_immediates_are_undefined(void)
{
	struct a32_fault fault;

	fault_catch();
	__asm__ volatile(".arch_extension virt\n\tadr r2, 1f\n\tstr r2, [%0]\n\thvc #1\n1:" ::"r"(
				 &a32_resume)
			 : "r2", "memory");
	fault = fault_caught();
	EQUAL(fault.kind, FAULT_UNDEFINED);
	EQUAL(fault.cpsr & 0x3ff, MODE_UND | CPSR_MASKED);
	if (a32_on_tenon) {
		EQUAL(fault.lr, a32_resume); /* behind the instruction */
	}
}

static void undefined_from_thumb(void)
{
	struct a32_fault fault;

	fault_catch();
	a32_resume = ADDRESS(a32_thumb_undefined_after) | 1;
	a32_thumb_undefined();
	fault = fault_caught();
	EQUAL(fault.kind, FAULT_UNDEFINED);
	EQUAL(fault.cpsr & CPSR_T, 0);
	if (a32_on_tenon) {
		EQUAL(fault.lr, (ADDRESS(a32_thumb_undefined_at) & ~1u) + 2);
	}
}

/* Address of the load or store into *at. */
static struct a32_fault access(uint32_t address, bool is_write, uint32_t *at)
{
	uint32_t value = 0;

	fault_catch();
	if (is_write) {
		__asm__ volatile("adr %0, 1f\n1:\tstr %1, [%2]\n\tnop"
				 : "=&r"(*at)
				 : "r"(value), "r"(address)
				 : "memory");
	} else {
		__asm__ volatile("adr %0, 1f\n1:\tldr %1, [%2]\n\tnop"
				 : "=&r"(*at), "=&r"(value)
				 : "r"(address)
				 : "memory");
	}
	return fault_caught();
}

static void data_abort(void)
{
	uint32_t at;
	struct a32_fault fault;

	/* Xen's LR is behind the architecture's by 8: it goes on at the resume point in any case. */
	fault = access(NOWHERE, false, &at);
	EQUAL(fault.kind, FAULT_DATA);
	EQUAL(fault.cpsr & 0x3ff, MODE_ABT | CPSR_MASKED);
	EQUAL(fault.dfar, NOWHERE);
	EQUAL(fault.lr, at + 8);
	EQUAL(fault.dfsr & ~0xf0u, FSR_EXTERNAL);
	fault = access(NOWHERE + 0x100, true, &at);
	EQUAL(fault.dfar, NOWHERE + 0x100);
	EQUAL(fault.dfsr & ~0xf0u, FSR_EXTERNAL | FSR_WRITE);
}

static void data_abort_in_the_long_format(void)
{
	uint32_t at;
	struct a32_fault fault;

	CP_WRITE(15, 0, 2, 0, 2, TTBCR_EAE);
	isb();
	fault = access(NOWHERE, false, &at);
	CP_WRITE(15, 0, 2, 0, 2, 0);
	isb();
	EQUAL(fault.kind, FAULT_DATA);
	EQUAL(fault.dfsr, FSR_LPAE | 0x10);
	EQUAL(fault.dfar, NOWHERE);
}

static void prefetch_abort(void)
{
	struct a32_fault fault;

	fault_catch();
	a32_jump(NOWHERE);
	fault = fault_caught();
	EQUAL(fault.kind, FAULT_PREFETCH);
	EQUAL(fault.cpsr & 0x3ff, MODE_ABT | CPSR_MASKED);
	EQUAL(fault.ifar, NOWHERE);
	EQUAL(fault.lr, NOWHERE + 4);
	EQUAL(fault.ifsr, FSR_EXTERNAL);
}

const struct a32_case a32_cpu_cases[] = {
	CASE(start_state),
	CASE(identification),
	CASE(reserved_identification_reads_zero),
	CASE(media_features),
	CASE_TENON(hidden_features),
	CASE_TENON(performance_monitors_are_undefined),
	CASE(unknown_registers_are_undefined),
	CASE(conditions_are_checked),
	CASE(it_blocks_go_on),
	CASE(translation_registers),
	CASE(debug_registers),
	CASE_TENON(os_lock_is_open),
	CASE(physical_timer),
	CASE(sgi_to_itself),
	CASE_TENON(devices_into_banked_registers),
	CASE(other_immediates_are_undefined),
	CASE(undefined_from_thumb),
	CASE_TENON(data_abort),
	CASE_TENON(data_abort_in_the_long_format),
	CASE_TENON(prefetch_abort),
	CASE(set_way_maintenance),
};
const unsigned int a32_nr_cpu_cases = sizeof(a32_cpu_cases) / sizeof(a32_cpu_cases[0]);
