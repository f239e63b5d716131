/* SPDX-License-Identifier: MIT */
/* dom0: ends the guest beside it, which never would, by SCHEDOP_remote_shutdown, and is told by VIRQ_DOM_EXC. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_xen.h"

const char *const guest_topic = "sched_remote";
const bool guest_mmu_off;

#define GUEST     1 /* the one domain beside dom0 */
#define NO_DOMAIN UINT16_C(4711)

static int64_t remote_shutdown(uint16_t domid, uint32_t reason)
{
	struct sched_remote_shutdown op;

	memset(&op, 0, sizeof(op));
	op.domain_id = domid;
	op.reason = reason;
	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &op);
}

static void a_guest_that_never_ends(void)
{
	struct evtchn_bind_virq bind = {.virq = VIRQ_DOM_EXC};

	REQUIRE(xen_shared_info() != NULL);
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), 0);
	event_mask(bind.port);
	EXPECT_EQUAL(remote_shutdown(NO_DOMAIN, SHUTDOWN_crash), -XEN_ESRCH);
	EXPECT_EQUAL(remote_shutdown(DOMID_SELF, SHUTDOWN_crash), -XEN_ESRCH);
	delay_us(100000);
	EXPECT(!event_is_pending(bind.port), "VIRQ_DOM_EXC comes by itself");
	REQUIRE_EQUAL(remote_shutdown(GUEST, SHUTDOWN_crash), 0);
	EXPECT(WAIT_UNTIL(event_is_pending(bind.port), 10000), "VIRQ_DOM_EXC does not come");
	EXPECT_EQUAL(event_reset(), 0);
}

const struct guest_case guest_cases[] = {
	CASE(a_guest_that_never_ends),
	CASE_END,
};
