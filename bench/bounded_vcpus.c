/* SPDX-License-Identifier: MIT */
/*
 * What grows with the number of vCPUs, of which there may be 128: SGIs to all others, which wait, with nothing or with the worst
 * order in the scheduler's queue; the distributor off and on; their timers, all at one time; an event that all poll. GICv3 only.
 */
#include "bounded.h"

#include "guest_gic.h"
#include "guest_smp.h"

#define MAX_VCPUS    128
#define SGI_TO_ALL   (UINT64_C(1) << 40) /* ICC_SGI1R_EL1.IRM */
#define SGI_INTID(n) ((uint64_t)(n) << 24)

/* What SGIs tell bounded_waiter. */
#define SGI_COUNT    1
#define SGI_OFF      2 /* PSCI CPU_OFF */
#define SGI_TIMERS   3 /* set both timers, to a and b */
#define SGI_SPIN     4 /* a times, and until b is zero */
#define SGI_POLL     5 /* SCHEDOP_poll of the argument at a */
#define POLLED       6 /* ... has returned */
#define PPI_VIRT     27
#define PPI_PHYS     30

/* How much longer each waiter spins than the next one. */
#define STEP_US      20

/*
 * A vCPU that waits: x0 is a struct waiter of its own, whose word it sets to what came last, when that is done. PSTATE masks
 * interrupts, so they are acknowledged by hand.
 */
extern const char bounded_waiter[];
__asm__(".pushsection .text\n"
	"bounded_waiter:\n"
	"	mov	x19, x0\n"
	"	bl	mmu_enable\n"
	"	mov	x1, #0xff\n"
	"	msr	S3_0_C4_C6_0, x1\n" /* ICC_PMR_EL1 */
	"	mov	x1, #1\n"
	"	msr	S3_0_C12_C12_7, x1\n" /* ICC_IGRPEN1_EL1 */
	"	isb\n"
	"1:	wfi\n"
	"	mrs	x20, S3_0_C12_C12_0\n" /* ICC_IAR1_EL1 */
	"	dsb	sy\n"
	"	cmp	x20, #1020\n"
	"	b.hs	1b\n"
	"	cmp	x20, #16\n"
	"	b.lo	2f\n"
	"	msr	cntv_ctl_el0, xzr\n"
	"	msr	cntp_ctl_el0, xzr\n"
	"	isb\n"
	"2:	msr	S3_0_C12_C12_1, x20\n" /* ICC_EOIR1_EL1 */
	"	isb\n"
	"	ldp	x2, x3, [x19, #8]\n"
	"	cmp	x20, #2\n"
	"	b.ne	3f\n"
	"	mov	x0, #2\n"
	"	movk	x0, #0x8400, lsl #16\n"
	"	hvc	#0\n"
	"3:	cmp	x20, #3\n"
	"	b.ne	4f\n"
	"	mov	x1, #1\n"
	"	msr	cntv_cval_el0, x2\n"
	"	msr	cntp_cval_el0, x3\n"
	"	msr	cntv_ctl_el0, x1\n"
	"	msr	cntp_ctl_el0, x1\n"
	"	isb\n"
	"4:	cmp	x20, #4\n"
	"	b.ne	6f\n"
	"5:	subs	x2, x2, #1\n"
	"	b.ne	5b\n"
	"7:	ldr	x3, [x19, #16]\n"
	"	cbnz	x3, 7b\n"
	"6:	str	w20, [x19]\n"
	"	cmp	x20, #5\n"
	"	b.ne	1b\n"
	"	mov	x0, #3\n" /* SCHEDOP_poll */
	"	mov	x1, x2\n"
	"	mov	x16, #29\n" /* __HYPERVISOR_sched_op */
	"	hvc	#0xea1\n"
	"	mov	w20, #6\n"
	"	str	w20, [x19]\n"
	"	b	1b\n"
	".popsection");

struct waiter {
	uint32_t word;
	uint64_t a, b;
};

static struct waiter *waiters;

static uint64_t mpidr_of(unsigned int n)
{
	return (n & 15) | (uint64_t)(n >> 4) << 8;
}

static void send_to_all(unsigned int sgi)
{
	__asm__ volatile("msr S3_0_C12_C11_5, %0\n\tisb" ::"r"(SGI_TO_ALL | SGI_INTID(sgi))
			 : "memory");
}

/* All but this one; how many. */
static unsigned int start_vcpus(void)
{
	unsigned int n = 1;

	waiters = bounded_room(MAX_VCPUS * sizeof(waiters[0]));
	dcache_clean_invalidate(bounded_waiter, 256);
	while (n < MAX_VCPUS && psci(PSCI_CPU_ON, mpidr_of(n), (uintptr_t)bounded_waiter,
				     (uintptr_t)&waiters[n]) == PSCI_SUCCESS) {
		uint64_t frame = machine.gicr + n * GICR_STRIDE + GICR_SGI_FRAME;

		mmio_set32(frame + GICD_IGROUPR, ~UINT32_C(0));
		mmio_set32(frame + GICD_ISENABLER,
			   BITS64(SGI_POLL, SGI_COUNT) | 1u << PPI_VIRT | 1u << PPI_PHYS);
		n++;
	}
	return n - 1;
}

/* How many have either for their last word. */
static unsigned int nr_with(uint32_t word, uint32_t other)
{
	unsigned int nr = 0;

	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		uint32_t is = READ_ONCE(waiters[n].word);

		nr += is == word || is == other;
	}
	return nr;
}

#define ALL (MAX_VCPUS - 1)

static void send_and_count(const char *name, const char *what)
{
	BOUNDED_SHORT(name, what, ({
			      send_to_all(SGI_COUNT);
			      0;
		      }));
}

/*
 * Their tags in the queue descend: vCPU n has run longer than n + 1. The last one holds the CPU, so that virtual time does not
 * pass the others' tags, and this one runs but shortly before.
 */
static void descending(void)
{
	uint64_t total_us = 0;

	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		uint64_t us = (MAX_VCPUS - n) * STEP_US;

		/* Two instructions, of a nanosecond each. */
		waiters[n].a = us * 500;
		waiters[n].b = n == ALL;
		total_us += us;
	}
	bounded_sleep(100);
	send_to_all(SGI_SPIN);
	bounded_sleep(total_us + 3000);
	EXPECT_EQUAL(nr_with(SGI_SPIN, SGI_SPIN), ALL - 1);
	send_and_count("trap.sgi_to_all_descending",
		       "126 vCPUs that wait, each with a higher tag than the next");
	WRITE_ONCE(waiters[ALL].b, 0);
	EXPECT(WAIT_UNTIL(nr_with(SGI_COUNT, SGI_COUNT) == ALL, 2000));
}

static void distributor(void)
{
	const uint64_t ctlr = machine.gicd + GICD_CTLR;
	const uint32_t before = mmio_get32(ctlr);

	BOUNDED_SHORT("trap.distributor_off_and_on_all", "127 vCPUs that wait", ({
			      mmio_set32(ctlr, 0);
			      mmio_set32(ctlr, before);
			      0;
		      }));
}

static void timers(void)
{
	const uint64_t after = us_to_ticks(6000);
	const uint64_t virtual = counter_virtual() + after;
	const uint64_t physical = counter_physical() + after;

	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		waiters[n].a = virtual;
		waiters[n].b = physical;
	}
	send_to_all(SGI_TIMERS);
	bounded_sleep(3000);
	EXPECT_EQUAL(nr_with(SGI_TIMERS, SGI_TIMERS), ALL);
	BOUNDED_SHORT("timer.one_deadline", "the virtual and the physical timer of 127 vCPUs", ({
			      EXPECT(WAIT_UNTIL(nr_with(PPI_VIRT, PPI_PHYS) == ALL, 2000));
			      0;
		      }));
}

static void pollers(void)
{
	evtchn_bind_ipi_t ipi = {.vcpu = 0};
	evtchn_send_t send;
	evtchn_port_t port;
	struct sched_poll poll = {.nr_ports = 1};

	EXPECT_EQUAL(hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi), 0);
	port = send.port = ipi.port;
	set_xen_guest_handle(poll.ports, &port);
	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		waiters[n].a = (uintptr_t)&poll;
	}
	send_to_all(SGI_POLL);
	bounded_sleep(3000);
	EXPECT_EQUAL(nr_with(SGI_POLL, SGI_POLL), ALL);
	EXPECT_EQUAL(BOUNDED_SHORT("event.send_to_pollers", "127 vCPUs poll the port",
				   hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send)),
		     0);
	EXPECT(WAIT_UNTIL(nr_with(POLLED, POLLED) == ALL, 2000));
}

void bounded_vcpus(void)
{
	EXPECT_EQUAL(BOUNDED_SHORT("trap.psci_cpu_on_all", "127 vCPUs, one by one", start_vcpus()),
		     ALL);
	bounded_sleep(5000);
	send_and_count("trap.sgi_to_all", "127 vCPUs that wait");
	EXPECT(WAIT_UNTIL(nr_with(SGI_COUNT, SGI_COUNT) == ALL, 2000));
	descending();
	bounded_sleep(3000);
	distributor();
	timers();
	pollers();
	send_to_all(SGI_OFF);
	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		EXPECT(WAIT_UNTIL(psci(PSCI_AFFINITY_INFO, mpidr_of(n), 0, 0) == 1, 2000));
	}
}
