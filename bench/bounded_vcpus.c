/* SPDX-License-Identifier: MIT */
/* What grows with the number of vCPUs, of which there may be 128: an SGI to all others, which wait. GICv3 only. */
#include "bounded.h"

#include "guest_gic.h"
#include "guest_smp.h"

#define MAX_VCPUS    128
#define SGI_COUNT    1
#define SGI_OFF      2
#define SGI_TO_ALL   (UINT64_C(1) << 40) /* ICC_SGI1R_EL1.IRM */
#define SGI_INTID(n) ((uint64_t)(n) << 24)

/*
 * A vCPU that waits, with its MMU off: x0 is a word of its own. SGI_COUNT writes 1 to it, SGI_OFF turns the vCPU off (PSCI
 * CPU_OFF). PSTATE masks interrupts, so they are acknowledged by hand.
 */
extern const char bounded_waiter[];
__asm__(".pushsection .text\n"
	"bounded_waiter:\n"
	"	mov	x5, x0\n"
	"	mov	x1, #0xff\n"
	"	msr	S3_0_C4_C6_0, x1\n" /* ICC_PMR_EL1 */
	"	mov	x1, #1\n"
	"	msr	S3_0_C12_C12_7, x1\n" /* ICC_IGRPEN1_EL1 */
	"	isb\n"
	"1:	wfi\n"
	"	mrs	x1, S3_0_C12_C12_0\n" /* ICC_IAR1_EL1 */
	"	dsb	sy\n"
	"	msr	S3_0_C12_C12_1, x1\n" /* ICC_EOIR1_EL1 */
	"	isb\n"
	"	cmp	x1, #1\n"
	"	b.ne	2f\n"
	"	str	w1, [x5]\n"
	"	b	1b\n"
	"2:	cmp	x1, #2\n"
	"	b.ne	1b\n"
	"	mov	x0, #2\n"
	"	movk	x0, #0x8400, lsl #16\n"
	"	hvc	#0\n"
	"	b	1b\n"
	".popsection");

static uint32_t *words;

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

	words = bounded_room(MAX_VCPUS * sizeof(words[0]));
	dcache_clean_invalidate(words, MAX_VCPUS * sizeof(words[0]));
	dcache_clean_invalidate(bounded_waiter, 128);
	while (n < MAX_VCPUS && psci(PSCI_CPU_ON, mpidr_of(n), (uintptr_t)bounded_waiter,
				     (uintptr_t)&words[n]) == PSCI_SUCCESS) {
		uint64_t frame = machine.gicr + n * GICR_STRIDE + GICR_SGI_FRAME;

		mmio_set32(frame + GICD_IGROUPR, ~UINT32_C(0));
		mmio_set32(frame + GICD_ISENABLER, 1u << SGI_COUNT | 1u << SGI_OFF);
		n++;
	}
	return n - 1;
}

static unsigned int nr_counted(void)
{
	unsigned int nr = 0;

	dcache_clean_invalidate(words, MAX_VCPUS * sizeof(words[0]));
	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		nr += READ_ONCE(words[n]) == 1;
	}
	return nr;
}

void bounded_vcpus(void)
{
	EXPECT_EQUAL(BOUNDED_SHORT("trap.psci_cpu_on_all", "127 vCPUs, one by one", start_vcpus()),
		     MAX_VCPUS - 1);
	bounded_sleep(5000);
	BOUNDED_SHORT("trap.sgi_to_all", "127 vCPUs that wait", ({
			      send_to_all(SGI_COUNT);
			      0;
		      }));
	EXPECT(WAIT_UNTIL(nr_counted() == MAX_VCPUS - 1, 2000));
	send_to_all(SGI_OFF);
	for (unsigned int n = 1; n < MAX_VCPUS; n++) {
		EXPECT(WAIT_UNTIL(psci(PSCI_AFFINITY_INFO, mpidr_of(n), 0, 0) == 1, 2000));
	}
}
