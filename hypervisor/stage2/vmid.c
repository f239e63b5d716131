/* SPDX-License-Identifier: MIT */
/*
 * VMIDs from a bitmap, one per domain, never rolled over: 0 is for EL2 without a guest. TLB entries of a
 * VMID are invalidated on all CPUs before it is used again (stage2_create()).
 */
#include "stage2/stage2_internal.h"

#include "abi/xen.h"
#include "lib/assert.h"
#include "lib/lock.h"

/* 8-bit VMIDs everywhere: 255 domains are enough, and one size needs no cases. */
#define NR_VMIDS 256

static struct spinlock vmid_lock = SPINLOCK_INIT(LOCK_RANK_VMID);
static uint64_t used[NR_VMIDS / 64]; /* guarded by vmid_lock */

int vmid_alloc(uint16_t *vmid)
{
	int error = -XEN_ENOSPC;

	spin_lock(&vmid_lock);
	for (unsigned int id = 1; id < NR_VMIDS; id++) {
		if ((used[id / 64] & BIT64(id % 64)) == 0) {
			used[id / 64] |= BIT64(id % 64);
			*vmid = id;
			error = 0;
			break;
		}
	}
	spin_unlock(&vmid_lock);
	return error;
}

void vmid_free(uint16_t vmid)
{
	ASSERT(vmid != 0 && vmid < NR_VMIDS);
	spin_lock(&vmid_lock);
	used[vmid / 64] &= ~BIT64(vmid % 64);
	spin_unlock(&vmid_lock);
}
