/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts arriving at EL2: whose they are, and the order of acknowledge, handler, priority drop and
 * deactivation. What a domain does with its interrupts is vgic's.
 */
#include "gic/gic_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "vgic/vgic.h"

/* Timers, UART, maintenance, the SGIs: a few, so the table by INTID holds one byte each. */
#define NR_HANDLERS 15

struct handler {
	irq_handler_t function;
	bool forwarded;
};

/* Writers hold the lock. A slot is filled before its number is released to slot_of, and constant afterwards. */
static struct spinlock table_lock = SPINLOCK_INIT(LOCK_RANK_GIC);
static struct handler handlers[1 + NR_HANDLERS];
static unsigned int nr_handlers;
static uint8_t slot_of[INTID_SPI_LIMIT]; /* 0: nobody's */

static int register_handler(uint32_t intid, irq_handler_t function, bool forwarded)
{
	const struct handler *old;
	int error = 0;

	if (intid >= INTID_SPI_LIMIT || function == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&table_lock);
	old = &handlers[slot_of[intid]];
	if (slot_of[intid] != 0) {
		error = old->function == function && old->forwarded == forwarded ? 0 : -XEN_EBUSY;
	} else if (nr_handlers == NR_HANDLERS) {
		error = -XEN_ENOSPC;
	} else {
		handlers[++nr_handlers] = (struct handler){function, forwarded};
		/* Pairs with the load in irq_handle_pending() on other CPUs. */
		atomic_store_release(&slot_of[intid], (uint8_t)nr_handlers);
	}
	spin_unlock(&table_lock);
	return error;
}

int irq_register(uint32_t intid, irq_handler_t handler)
{
	return register_handler(intid, handler, false);
}

int irq_register_forwarded(uint32_t intid, irq_handler_t handler)
{
	return register_handler(intid, handler, true);
}

bool irq_is_registered(uint32_t intid)
{
	return intid < INTID_SPI_LIMIT && atomic_load_acquire(&slot_of[intid]) != 0;
}

/* The priority is dropped already. */
static void handle_unregistered(uint32_t intid, uint32_t ack)
{
	if (intid < INTID_PPI_FIRST) {
		/* An SGI for its own sake: this CPU left its guest, which is what the sender wanted. */
		gic_ops->deactivate(ack);
	} else if (!vgic_physical_interrupt(intid)) {
		/* Disabled before it is deactivated, or a level would be back at once. */
		gic_disable(intid);
		gic_ops->deactivate(ack);
		log_warning("gic: cpu%u: interrupt %u belongs to nobody, it is disabled now",
			    this_cpu_id(), intid);
	}
}

static void handle(uint32_t ack, uint32_t intid)
{
	unsigned int slot = atomic_load_acquire(&slot_of[intid]);

	if (slot == 0) {
		gic_ops->drop_priority(ack);
		handle_unregistered(intid, ack);
	} else if (handlers[slot].forwarded) {
		gic_ops->drop_priority(ack);
		handlers[slot].function(intid);
	} else {
		/* The handler has silenced the device before the interrupt may fire again. */
		handlers[slot].function(intid);
		gic_ops->drop_priority(ack);
		gic_ops->deactivate(ack);
	}
}

void irq_handle_pending(void)
{
	do {
		uint32_t ack = gic_ops->acknowledge();
		uint32_t intid = gic_info.version == GIC_V3 ? ack : ack & (uint32_t)GICC_IAR_INTID;

		/* 1023 is "none"; 1020 to 1022 are the secure world's or another group's, and LPIs are off. */
		if (intid >= INTID_SPI_LIMIT) {
			return;
		}
		handle(ack, intid);
		/* Cheaper to ask than to acknowledge what is not there. One that is on its way fires when the guest runs. */
	} while (cpu_interrupt_pending());
}
