/* SPDX-License-Identifier: MIT */
/* The guest whose frames dom0 maps (foreign.c): does as it is told, first with its caches off, as at birth. */
#include "foreign.h"
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_xen.h"

const char *const guest_topic = "victim";
const bool guest_mmu_off = true;

static volatile struct victim_board *const board =
	(volatile struct victim_board *)(uintptr_t)(VICTIM_BOARD_GFN << 12);

static volatile uint64_t *page(unsigned int n)
{
	return (volatile uint64_t *)(uintptr_t)((VICTIM_FIRST_GFN + n) << 12);
}

static uint64_t fill(uint64_t seed)
{
	for (unsigned int n = 0; n < VICTIM_NR_PAGES; n++) {
		for (unsigned int i = 0; i < 512; i++) {
			page(n)[i] = seed + n * 512 + i;
		}
	}
	return 0;
}

static uint64_t check(uint64_t seed)
{
	uint64_t wrong = 0;

	for (unsigned int n = 0; n < VICTIM_NR_PAGES; n++) {
		for (unsigned int i = 0; i < 512; i++) {
			wrong += page(n)[i] != seed + n * 512 + i;
		}
	}
	return wrong;
}

static uint64_t reserve(unsigned int command, uint64_t n)
{
	xen_pfn_t frame = VICTIM_FIRST_GFN + n;
	struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

	op.extent_start.q = (uintptr_t)&frame;
	return (uint64_t)hypercall2(__HYPERVISOR_memory_op, command, &op);
}

static uint64_t grant_table(uint64_t entry)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = (uintptr_t)xen_spare_pages[0] >> 12,
	};
	volatile uint64_t *entries = (volatile uint64_t *)xen_spare_pages[0];

	if (hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add) != 0) {
		return ~UINT64_C(0);
	}
	entries[100] = entry;
	return entries[101];
}

static uint64_t get_param(uint64_t index)
{
	struct xen_hvm_param op = {.domid = DOMID_SELF, .index = (uint32_t)index};

	return hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op) == 0 ? op.value : ~UINT64_C(0);
}

static uint64_t obey(uint64_t command, uint64_t argument)
{
	switch (command) {
	case VICTIM_FILL:
		return fill(argument);
	case VICTIM_CHECK:
		return check(argument);
	case VICTIM_CACHES_ON:
		mmu_enable();
		return mmu_is_on();
	case VICTIM_GIVE_BACK:
		return reserve(XENMEM_decrease_reservation, argument);
	case VICTIM_TAKE_BACK:
		return reserve(XENMEM_populate_physmap, argument);
	case VICTIM_GRANT_TABLE:
		return grant_table(argument);
	case VICTIM_GET_PARAM:
		return get_param(argument);
	default:
		return 0;
	}
}

/* dom0 writes what it wants and counts; the answer counts as well. */
static void does_as_it_is_told(void)
{
	uint64_t command = VICTIM_NONE;

	board->answered = 0;
	board->asked = 0;
	dsb_sy();
	board->magic = VICTIM_MAGIC;
	while (command != VICTIM_END) {
		REQUIRE(WAIT_UNTIL(board->asked != board->answered, 20000), "dom0 says nothing");
		dsb_sy();
		command = board->command;
		board->result = obey(command, board->argument);
		dsb_sy();
		board->answered = board->asked;
		dsb_sy();
	}
}

const struct guest_case guest_cases[] = {
	CASE(does_as_it_is_told),
	CASE_END,
};
