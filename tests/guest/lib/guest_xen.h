/* SPDX-License-Identifier: MIT */
/* What test guests of the Xen interface share: shared_info, vcpu_info, event channels. */
#pragma once

#include "guest.h"
#include "guest_asm.h"

#define PPI_UPCALL     31
#define HVM_DOMID_SELF DOMID_SELF

/* Map shared_info over a page of this guest's own memory, once; NULL when that fails. */
struct shared_info *xen_shared_info(void);
/* The vCPU's vcpu_info: registered in memory of the guest. NULL when that fails. */
struct vcpu_info *xen_vcpu_info(unsigned int cpu_idx);

int64_t event_op(unsigned int command, void *argument);
static inline int64_t event_send(uint32_t port)
{
	struct evtchn_send send = {.port = port};

	return event_op(EVTCHNOP_send, &send);
}
static inline int64_t event_close(uint32_t port)
{
	struct evtchn_close close = {.port = port};

	return event_op(EVTCHNOP_close, &close);
}
void event_mask(uint32_t port);
/* By hand, in shared_info only; EVTCHNOP_unmask delivers what is pending. */
void event_unmask_quietly(uint32_t port);
bool event_is_pending(uint32_t port);
bool event_clear_pending(uint32_t port);

/* Pages of this guest that nothing else uses. */
#define XEN_NR_SPARE_PAGES 8
extern uint8_t xen_spare_pages[XEN_NR_SPARE_PAGES][4096];
