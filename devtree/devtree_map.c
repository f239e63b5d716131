/* SPDX-License-Identifier: MIT */
/*
 * The memory map that a guest sees: where its RAM lies and which addresses above it stay free.
 *
 * Everything here is a fact of the ABI (public/arch-arm.h). A direct-mapped domain has no such map.
 */
#include "devtree/devtree.h"

#include "abi/xen.h"

#define MIB            (UINT64_C(1) << 20)
#define EXTENDED_ALIGN (2 * MIB)
#define EXTENDED_MIN   (64 * MIB)

static const struct devtree_range guest_ram[DEVTREE_RAM_BANKS] = {
	{GUEST_RAM0_BASE, GUEST_RAM0_SIZE},
	{GUEST_RAM1_BASE, GUEST_RAM1_SIZE},
};

unsigned int devtree_ram_banks(uint64_t size, struct devtree_range bank[DEVTREE_RAM_BANKS])
{
	unsigned int nr = 0;

	if (size > GUEST_RAM_MAX) {
		return 0;
	}
	while (size > 0) {
		bank[nr].start = guest_ram[nr].start;
		bank[nr].size = size < guest_ram[nr].size ? size : guest_ram[nr].size;
		size -= bank[nr].size;
		nr++;
	}
	return nr;
}

unsigned int devtree_extended_regions(uint64_t ram_size, unsigned int ipa_bits,
				      struct devtree_range region[DEVTREE_RAM_BANKS])
{
	uint64_t limit = ipa_bits < 64 ? UINT64_C(1) << ipa_bits : UINT64_MAX;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < DEVTREE_RAM_BANKS; i++) {
		uint64_t used = ram_size < guest_ram[i].size ? ram_size : guest_ram[i].size;
		uint64_t start =
			(guest_ram[i].start + used + EXTENDED_ALIGN - 1) & ~(EXTENDED_ALIGN - 1);
		uint64_t end = guest_ram[i].start + guest_ram[i].size;

		ram_size -= used;
		end = (end < limit ? end : limit) & ~(EXTENDED_ALIGN - 1);
		if (end > start && end - start >= EXTENDED_MIN) {
			region[nr].start = start;
			region[nr].size = end - start;
			nr++;
		}
	}
	return nr;
}

uint32_t devtree_vcpu_affinity(unsigned int vcpu)
{
	/* 16 vCPUs to an Aff1 cluster, since a GIC SGI target list has 16 bits (xen-abi-arm
	 * 1.5). */
	return (vcpu & 0xf) | (vcpu >> 4 & 0xff) << 8;
}
