/* SPDX-License-Identifier: MIT */
/* Event channels of a test guest: guest_event.h. */
#include "guest_event.h"

#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"

uint32_t event_alloc_unbound(domid_t remote)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};

	return event_op(EVTCHNOP_alloc_unbound, &alloc) == 0 ? alloc.port : 0;
}

uint32_t event_bind(domid_t remote, uint32_t remote_port)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = remote, .remote_port = remote_port};

	return event_op(EVTCHNOP_bind_interdomain, &bind) == 0 ? bind.local_port : 0;
}

uint32_t event_bind_ipi(uint32_t vcpu)
{
	struct evtchn_bind_ipi bind = {.vcpu = vcpu};

	return event_op(EVTCHNOP_bind_ipi, &bind) == 0 ? bind.port : 0;
}

int64_t event_status(uint32_t port, struct evtchn_status *status)
{
	*status = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
	return event_op(EVTCHNOP_status, status);
}

int64_t event_state(uint32_t port)
{
	struct evtchn_status status;
	int64_t rc = event_status(port, &status);

	return rc < 0 ? rc : (int64_t)status.status;
}

int64_t event_unmask(uint32_t port)
{
	struct evtchn_unmask unmask = {.port = port};

	return event_op(EVTCHNOP_unmask, &unmask);
}

int64_t event_bind_vcpu(uint32_t port, uint32_t vcpu)
{
	struct evtchn_bind_vcpu bind = {.port = port, .vcpu = vcpu};

	return event_op(EVTCHNOP_bind_vcpu, &bind);
}

int64_t event_reset(void)
{
	struct evtchn_reset reset = {.dom = DOMID_SELF};

	return event_op(EVTCHNOP_reset, &reset);
}

domid_t event_own_domid(void)
{
	uint32_t port = event_alloc_unbound(DOMID_SELF);
	struct evtchn_status status = {.u.unbound.dom = DOMID_INVALID};

	if (port == 0 || event_status(port, &status) != 0 || event_close(port) != 0) {
		return DOMID_INVALID;
	}
	return status.u.unbound.dom;
}

bool event_is_gone(domid_t dom)
{
	return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, &dom) == -XEN_ESRCH;
}

/* ---- other vCPUs that take events ------------------------------------------------------------------- */

static uint32_t nr_listening;
static bool stopping;

void event_listen(uint64_t block)
{
	if (xen_vcpu_info(this_cpu()->idx) == NULL) {
		test_fail(__FILE__, __LINE__, "", " vCPU %u: no vcpu_info", this_cpu()->idx);
		return;
	}
	gic_enable(PPI_UPCALL);
	__atomic_fetch_add(&nr_listening, 1, __ATOMIC_ACQ_REL);
	while (!READ_ONCE(stopping)) {
		if (block) {
			/* Lets interrupts in. */
			hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0);
		} else {
			wfi();
			irq_enable();
			isb();
		}
		irq_disable();
	}
}

bool event_listeners_start(unsigned int nr, bool block)
{
	for (unsigned int i = 1; i <= nr; i++) {
		if (!smp_start(i, event_listen, block)) {
			return false;
		}
	}
	return WAIT_UNTIL(READ_ONCE(nr_listening) == nr, 5000);
}

bool event_listeners_stop(unsigned int nr)
{
	bool off = true;

	WRITE_ONCE(stopping, true);
	for (unsigned int i = 1; i <= nr; i++) {
		gic_send_sgi(i, 15);
		off = smp_wait_off(i) && off;
	}
	nr_listening = 0;
	stopping = false;
	return off;
}

/* ---- arguments in bad places ------------------------------------------------------------------------ */

static int64_t op_at(unsigned int command, uint64_t address)
{
	return event_op(command, (void *)address);
}

void event_try_places(const struct event_place *p)
{
	uint64_t page = mmu_spare_page(0), after = mmu_spare_page(1);
	uint8_t *memory = xen_spare_pages[0];
	int64_t rc;

	if (!mmu_map_page(page, (uintptr_t)memory, MMU_WRITE_BACK)) {
		test_fail(__FILE__, __LINE__, "", " out of tables");
		return;
	}
	rc = op_at(p->command, after);
	EXPECT(rc == -XEN_EFAULT, "operation %u, nowhere: %ld", p->command, rc);
	rc = op_at(p->command, ~UINT64_C(3));
	EXPECT(rc == -XEN_EFAULT, "operation %u, at the end of all addresses: %ld", p->command, rc);
	rc = op_at(p->command, ~UINT64_C(0));
	EXPECT(rc == -XEN_EFAULT, "operation %u, wrapping: %ld", p->command, rc);
	rc = op_at(p->command, UINT64_C(1) << 56);
	EXPECT(rc == -XEN_EFAULT, "operation %u, no address: %ld", p->command, rc);
	memcpy(memory + PAGE_SIZE - p->size / 2, p->argument, p->size / 2);
	rc = op_at(p->command, after - p->size / 2);
	EXPECT(rc == -XEN_EFAULT, "operation %u, half of it nowhere: %ld", p->command, rc);
	memcpy(memory + 1, p->argument, p->size);
	rc = op_at(p->command, page + 1);
	EXPECT(rc == p->answer, "operation %u, unaligned: %ld", p->command, rc);
	memcpy(memory + 8, p->argument, p->size);
	mmu_map_page(page, (uintptr_t)memory, MMU_READ_ONLY);
	rc = op_at(p->command, page + 8);
	EXPECT(rc == (p->writes ? -XEN_EFAULT : p->answer), "operation %u, read-only: %ld",
	       p->command, rc);
	EXPECT(memcmp(memory + 8, p->argument, p->size) == 0,
	       "operation %u wrote to a read-only page", p->command);
	mmu_map_page(page, 0, MMU_UNMAPPED);
}

/* ---- the FIFO ABI ------------------------------------------------------------------------------------- */

uint32_t fifo_words[FIFO_NR_PORTS] __aligned(4096);
uint32_t fifo_times[FIFO_NR_PORTS];
uint32_t fifo_taken[GUEST_MAX_CPUS][FIFO_NR_TAKEN], fifo_nr_taken[GUEST_MAX_CPUS];
uint32_t fifo_upcalls[GUEST_MAX_CPUS];

/* 128 bytes each, so that none crosses a page. */
static union {
	struct evtchn_fifo_control_block block;
	uint8_t size[128];
} controls[GUEST_MAX_CPUS] __aligned(4096);
/* Of each queue, what comes next; 0: the control block knows. */
static uint32_t heads[GUEST_MAX_CPUS][EVTCHN_FIFO_MAX_QUEUES];

struct evtchn_fifo_control_block *fifo_control(unsigned int vcpu)
{
	return &controls[vcpu].block;
}

int64_t fifo_init_control(unsigned int vcpu)
{
	uintptr_t at = (uintptr_t)fifo_control(vcpu);
	struct evtchn_init_control init = {
		.control_gfn = at >> PAGE_SHIFT,
		.offset = (uint32_t)(at & (PAGE_SIZE - 1)),
		.vcpu = vcpu,
	};
	int64_t rc = event_op(EVTCHNOP_init_control, &init);

	return rc == 0 && init.link_bits != EVTCHN_FIFO_LINK_BITS ? -1000 : rc;
}

int64_t fifo_expand(void)
{
	struct evtchn_expand_array expand = {.array_gfn = (uintptr_t)fifo_words >> PAGE_SHIFT};

	return event_op(EVTCHNOP_expand_array, &expand);
}

bool fifo_switch(void)
{
	if (event_reset() != 0 || xen_shared_info() == NULL || xen_vcpu_info(0) == NULL) {
		return false;
	}
	memset(controls, 0, sizeof(controls));
	memset(heads, 0, sizeof(heads));
	memset(fifo_times, 0, sizeof(fifo_times));
	memset(fifo_nr_taken, 0, sizeof(fifo_nr_taken));
	memset(fifo_upcalls, 0, sizeof(fifo_upcalls));
	for (uint32_t port = 0; port < FIFO_NR_PORTS; port++) {
		fifo_words[port] = FIFO_MASKED;
	}
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		if (fifo_init_control(i) != 0) {
			return false;
		}
	}
	return fifo_expand() == 0;
}

bool fifo_start(void)
{
	gic_set_handler(PPI_UPCALL, fifo_on_upcall);
	gic_enable(PPI_UPCALL);
	return fifo_switch();
}

int64_t fifo_set_priority(uint32_t port, uint32_t priority)
{
	struct evtchn_set_priority set = {.port = port, .priority = priority};

	return event_op(EVTCHNOP_set_priority, &set);
}

void fifo_mask(uint32_t port)
{
	__atomic_fetch_or(&fifo_words[port], FIFO_MASKED, __ATOMIC_ACQ_REL);
}

void fifo_unmask(uint32_t port)
{
	uint32_t expected = READ_ONCE(fifo_words[port]);

	/* The hypervisor holds BUSY for a moment only. */
	do {
		expected &= ~FIFO_BUSY;
	} while (!__atomic_compare_exchange_n(&fifo_words[port], &expected, expected & ~FIFO_MASKED,
					      false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	if ((expected & FIFO_PENDING) != 0) {
		event_unmask(port);
	}
}

static void take_one(unsigned int cpu, uint32_t port)
{
	uint32_t word = __atomic_load_n(&fifo_words[port], __ATOMIC_ACQUIRE);

	if ((word & (FIFO_PENDING | FIFO_MASKED)) != FIFO_PENDING) {
		return;
	}
	__atomic_fetch_and(&fifo_words[port], ~FIFO_PENDING, __ATOMIC_ACQ_REL);
	__atomic_fetch_add(&fifo_times[port], 1, __ATOMIC_ACQ_REL);
	if (fifo_nr_taken[cpu] < FIFO_NR_TAKEN) {
		fifo_taken[cpu][fifo_nr_taken[cpu]++] = port;
	}
}

/* The first of the most urgent queue that is ready. */
static uint32_t take_from(unsigned int cpu, uint32_t ready)
{
	unsigned int queue = (unsigned int)__builtin_ctz(ready);
	struct evtchn_fifo_control_block *control = fifo_control(cpu);
	uint32_t port = heads[cpu][queue], link;

	if (port == 0) {
		port = __atomic_load_n(&control->head[queue], __ATOMIC_ACQUIRE);
	}
	link = __atomic_fetch_and(&fifo_words[port % FIFO_NR_PORTS], ~(FIFO_LINKED | FIFO_LINK),
				  __ATOMIC_ACQ_REL) &
	       FIFO_LINK;
	heads[cpu][queue] = link;
	take_one(cpu, port % FIFO_NR_PORTS);
	return link == 0 ? ready & ~(1u << queue) : ready;
}

void fifo_take(unsigned int cpu)
{
	struct evtchn_fifo_control_block *control = fifo_control(cpu);
	struct vcpu_info *info = xen_vcpu_info(cpu);
	uint32_t ready;

	while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL) != 0) {
		ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_ACQ_REL);
		while (ready != 0) {
			ready = take_from(cpu, ready);
			ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_ACQ_REL);
		}
	}
}

void fifo_on_upcall(uint32_t intid)
{
	fifo_upcalls[this_cpu()->idx]++;
	fifo_take(this_cpu()->idx);
	dsb_ish();
}
