/* SPDX-License-Identifier: MIT */
/* Calls of a 32-bit guest: hypercalls and their structures, PSCI, SMCCC; and the second vCPU. */
#include "a32.h"

#define NOT_SUPPORTED      0xffffffffu
#define PSCI_VERSION       0x84000000u
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_CPU_ON        0x84000003u
#define PSCI_AFFINITY_INFO 0x84000004u
#define PSCI_FEATURES      0x8400000au
#define SMC64              0x40000000u

#define CPSR_STATE         0x3ffu
#define CPSR_SVC_MASKED    0x1d3u
#define CPSR_T             0x20u

static uint8_t shared_page[4096] aligned_to(4096), spare_page[4096] aligned_to(4096);

void a32_secondary(uint32_t context, uint32_t cpsr);

/* ---- hypercalls ---------------------------------------------------------------------------------------- */

static void number_in_r12_result_in_r0(void)
{
	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0), 0x40011);
	EQUAL(a32_thumb_version(), 0x40011);
	/* -ENOSYS in 32 bits. */
	EQUAL(hypercall(63, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	EQUAL(hypercall(0xfffffff0u, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

static void other_registers_stay(void)
{
	uint32_t r[13];

	for (unsigned int i = 0; i < 13; i++) {
		r[i] = 0x1000 + i;
	}
	r[0] = XENVER_version;
	r[12] = __HYPERVISOR_xen_version;
	a32_call(r, CONDUIT_XEN);
	for (unsigned int i = 5; i < 12; i++) {
		EQUAL(r[i], 0x1000 + i);
	}
}

static bool contains(const char *text, const char *what)
{
	for (; *text != '\0'; text++) {
		unsigned int n = 0;

		while (what[n] != '\0' && text[n] == what[n]) {
			n++;
		}
		if (what[n] == '\0') {
			return true;
		}
	}
	return false;
}

static void capabilities(void)
{
	static xen_capabilities_info_t info;

	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, ADDRESS(info), 0, 0, 0), 0);
	TRUE(contains(info, "xen-3.0-aarch64 "));
	TRUE(contains(info, "xen-3.0-armv7l "));
}

static void platform_parameters(void)
{
	static struct xen_platform_parameters parameters = {.virt_start = ~0ull};

	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_platform_parameters, ADDRESS(&parameters),
			0, 0, 0),
	      0);
	/* Where Xen is, and 0 for Tenon: all 64 bits are written. */
	TRUE(parameters.virt_start != ~0ull);
	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0, 0), 4096);
}

/* Addresses that nothing can be read from or written to, beyond and round the end of the address space. */
static void bad_pointers(void)
{
	static const uint32_t bad[] = {0x10000000u, 0xf0000000u, 0xfffffffcu, 0x22000000u};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, bad[i], 0, 0, 0),
		      -XEN_EFAULT);
		EQUAL(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, bad[i], 0, 0, 0),
		      -XEN_EFAULT);
	}
}

/* ---- structures with 64-bit members -------------------------------------------------------------------- */

static void events(void)
{
	static struct xen_add_to_physmap add = {.domid = DOMID_SELF,
						.space = XENMAPSPACE_shared_info};
	static struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	static struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF};
	static struct evtchn_send send;
	static struct evtchn_status status = {.dom = DOMID_SELF};
	struct shared_info *info = (struct shared_info *)shared_page;

	_Static_assert(sizeof(struct shared_info) == 1088, "the same as a 64-bit guest's");
	_Static_assert(sizeof(struct vcpu_info) == 48, "the same as a 64-bit guest's");
	add.gpfn = ADDRESS(shared_page) >> 12;
	EQUAL(hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, ADDRESS(&add), 0, 0, 0), 0);
	EQUAL(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, ADDRESS(&alloc), 0,
			0, 0),
	      0);
	bind.remote_port = alloc.port;
	EQUAL(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, ADDRESS(&bind), 0,
			0, 0),
	      0);
	send.port = bind.local_port;
	EQUAL(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ADDRESS(&send), 0, 0, 0), 0);
	/* 64 ports to a word, as for all guests on Arm. */
	TRUE(alloc.port < 64);
	TRUE((((volatile uint32_t *)info->evtchn_pending)[alloc.port / 32] >> (alloc.port % 32) &
	      1) != 0);
	status.port = bind.local_port;
	EQUAL(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, ADDRESS(&status), 0, 0, 0),
	      0);
	EQUAL(status.status, EVTCHNSTAT_interdomain);
	EQUAL(status.u.interdomain.port, alloc.port);
}

static void memory_given_back_and_taken(void)
{
	static xen_pfn_t frame;
	static struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};

	_Static_assert(sizeof(reservation) == 32, "the same as a 64-bit guest's");
	frame = ADDRESS(spare_page) >> 12;
	set_xen_guest_handle(reservation.extent_start, &frame);
	EQUAL(hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, ADDRESS(&reservation),
			0, 0, 0),
	      1);
	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, ADDRESS(spare_page), 0, 0, 0),
	      -XEN_EFAULT);
	EQUAL(hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, ADDRESS(&reservation), 0,
			0, 0),
	      1);
	EQUAL(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, ADDRESS(spare_page), 0, 0, 0),
	      0);
}

static void multicall(void)
{
	static struct multicall_entry list[3] = {
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
		{.op = 63},
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}},
	};

	_Static_assert(sizeof(list[0]) == 64, "the same as a 64-bit guest's");
	EQUAL(hypercall(__HYPERVISOR_multicall, ADDRESS(list), 3, 0, 0, 0), 0);
	TRUE(list[0].result == 0x40011);
	TRUE((int64_t)list[1].result == -XEN_ENOSYS);
	TRUE(list[2].result == 4096);
}

/* A list that means something else to a 32-bit guest than what it holds. */
void a32_upper_halves(void)
{
	static struct multicall_entry list[1] = {
		{.op = __HYPERVISOR_xen_version, .args = {1ull << 32 | XENVER_version}},
	};

	(void)hypercall(__HYPERVISOR_multicall, ADDRESS(list), 1, 0, 0, 0);
}

/* ---- SMCCC and PSCI -------------------------------------------------------------------------------------- */

static void both_conduits(void)
{
	EQUAL(smccc(CONDUIT_HVC, PSCI_VERSION, 0, 0, 0), 0x10001);
	EQUAL(smccc(CONDUIT_SMC, PSCI_VERSION, 0, 0, 0), 0x10001);
	EQUAL(smccc(CONDUIT_HVC, 0x80000000u, 0, 0, 0) >> 16, 1);
}

static void conditional_smc(void)
{
	uint32_t r0 = PSCI_VERSION;

	__asm__ volatile(".arch_extension sec\n\tmov r0, %0\n\tcmp r0, r0\n\tsmcne #0\n\tmov %0, r0"
			 : "+r"(r0)::"r0", "r1", "r2", "r3", "cc");
	EQUAL(r0, PSCI_VERSION);
}

static void calls_of_64_bits_are_not_supported(void)
{
	EQUAL(smccc(CONDUIT_HVC, PSCI_CPU_ON | SMC64, 1, ADDRESS(a32_entry_arm), 0), NOT_SUPPORTED);
	EQUAL(smccc(CONDUIT_HVC, PSCI_AFFINITY_INFO | SMC64, 0, 0, 0), NOT_SUPPORTED);
	EQUAL(smccc(CONDUIT_SMC, 0xc5000020u, 0, 0, 0), NOT_SUPPORTED);
	EQUAL(smccc(CONDUIT_HVC, PSCI_FEATURES, PSCI_CPU_ON, 0, 0), 0);
}

static void features_of_64_bits(void)
{
	EQUAL(smccc(CONDUIT_HVC, PSCI_FEATURES, PSCI_CPU_ON | SMC64, 0, 0), NOT_SUPPORTED);
}

/* ---- the second vCPU --------------------------------------------------------------------------------------- */

static struct {
	uint32_t context, cpsr, count, mode;
} second;

enum {
	MODE_REPORT,
	MODE_REGISTERS
};

static uint32_t own_spsr(void)
{
	uint32_t spsr;

	__asm__ volatile("mrs %0, spsr" : "=r"(spsr));
	return spsr;
}

static void set_own_spsr(uint32_t value)
{
	__asm__ volatile("msr spsr_cxsf, %0" ::"r"(0x13 | value << 28));
}

/* What a vCPU has of its own that only AArch32 has. */
static void set_registers(uint32_t value)
{
	CP_WRITE(15, 0, 3, 0, 0, value);
	CP_WRITE(15, 0, 5, 0, 1, value & 0xf);
	__asm__ volatile(
		"msr spsr_abt, %0\n\tmsr spsr_und, %0\n\tmsr spsr_irq, %0\n\tmsr spsr_fiq, %0" ::"r"(
			0x13 | value << 28));
}

static bool registers_are(uint32_t value)
{
	uint32_t abt, und, irq, fiq, wanted = 0x13 | value << 28;

	__asm__ volatile("mrs %0, spsr_abt" : "=r"(abt));
	__asm__ volatile("mrs %0, spsr_und" : "=r"(und));
	__asm__ volatile("mrs %0, spsr_irq" : "=r"(irq));
	__asm__ volatile("mrs %0, spsr_fiq" : "=r"(fiq));
	return abt == wanted && und == wanted && irq == wanted && fiq == wanted &&
	       CP_READ(15, 0, 3, 0, 0) == value && CP_READ(15, 0, 5, 0, 1) == (value & 0xf);
}

void a32_secondary(uint32_t context, uint32_t cpsr)
{
	second.context = context;
	second.cpsr = cpsr;
	if (second.mode == MODE_REGISTERS) {
		set_registers(2);
		set_own_spsr(2);
		for (unsigned int i = 0; i < 200; i++) {
			(void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
			if (!registers_are(2)) {
				WRITE_ONCE(second.context, ~0u);
			}
		}
	}
	dsb();
	WRITE_ONCE(second.count, second.count + 1);
	dsb();
	(void)smccc(CONDUIT_HVC, PSCI_CPU_OFF, 0, 0, 0);
}

/* vCPU 1 from entry to its end, whatever it does. */
static bool start_and_wait(uint32_t entry, uint32_t context, uint32_t mode)
{
	uint32_t before = READ_ONCE(second.count);
	uint32_t tries = 0;

	second.mode = mode;
	dsb();
	if (smccc(CONDUIT_HVC, PSCI_CPU_ON, 1, entry, context) != 0) {
		return false;
	}
	while (READ_ONCE(second.count) == before ||
	       smccc(CONDUIT_HVC, PSCI_AFFINITY_INFO, 1, 0, 0) != 1) {
		(void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
		if (++tries == 10000000) {
			return false;
		}
	}
	/* Xen says that it is off a little before it is (lib/guest_smp.c). */
	for (volatile unsigned int i = 0; i < 10000000 && !a32_on_tenon; i++) {
		if (i % 1000 == 0) {
			(void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
		}
	}
	return true;
}

static void cpu_on_in_both_states(void)
{
	TRUE(start_and_wait(ADDRESS(a32_entry_arm), 0x12345678, MODE_REPORT));
	EQUAL(second.context, 0x12345678);
	EQUAL(second.cpsr & CPSR_STATE, CPSR_SVC_MASKED);
	TRUE(start_and_wait(ADDRESS(a32_entry_thumb) | 1, 0x9abcdef0, MODE_REPORT));
	EQUAL(second.context, 0x9abcdef0);
	EQUAL(second.cpsr & CPSR_STATE, CPSR_SVC_MASKED | CPSR_T);
	EQUAL(smccc(CONDUIT_HVC, PSCI_CPU_ON, 7, ADDRESS(a32_entry_arm), 0), 0xfffffffeu);
	EQUAL(smccc(CONDUIT_HVC, PSCI_CPU_ON, 0, ADDRESS(a32_entry_arm), 0), 0xfffffffcu);
}

static void registers_are_each_vcpus_own(void)
{
	uint32_t before = second.count;
	bool good = true;

	second.mode = MODE_REGISTERS;
	dsb();
	set_registers(1);
	set_own_spsr(1);
	EQUAL(smccc(CONDUIT_HVC, PSCI_CPU_ON, 1, ADDRESS(a32_entry_arm), 0x77), 0);
	while (READ_ONCE(second.count) == before) {
		(void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
		good = good && registers_are(1);
	}
	TRUE(good);
	EQUAL(second.context, 0x77);
	/* QEMU 10.0: docs/testing.md. */
	if (own_spsr() != (0x13 | 1u << 28)) {
		a32_note("SPSR of the current mode is another vCPU's");
	}
}

const struct a32_case a32_call_cases[] = {
	CASE(number_in_r12_result_in_r0),
	CASE(other_registers_stay),
	CASE(capabilities),
	CASE(platform_parameters),
	CASE(bad_pointers),
	CASE(events),
	CASE(memory_given_back_and_taken),
	CASE(multicall),
	CASE(both_conduits),
	CASE(conditional_smc),
	CASE(calls_of_64_bits_are_not_supported),
	CASE_TENON(features_of_64_bits),
	CASE(cpu_on_in_both_states),
	CASE(registers_are_each_vcpus_own),
};
const unsigned int a32_nr_call_cases = sizeof(a32_call_cases) / sizeof(a32_call_cases[0]);
