/* SPDX-License-Identifier: MIT */
/*
 * The memory type of a virtual address as short descriptors give it, read in software. PAR_EL1 has it after an AT, but
 * not on every implementation: QEMU reports attribute 0 (Device-nGnRnE) for any short descriptor. So that answer is
 * looked into before a hypercall's buffer is refused for it (C3).
 *
 * Arm ARM: "VMSAv8-32 translation using the Short-descriptor format", "Short-descriptor format memory region
 * attributes", with and without TEX remap.
 */
#include "domain/guest_attr.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"

#define TTBCR_N           BITS64(2, 0)
#define SCTLR_TRE         BIT64(28)

#define DESC_TYPE         3u
#define DESC_INVALID      0u
#define DESC_TABLE        1u /* of the first level; a large page of the second */
#define DESC_B            BIT64(2)
#define DESC_C            BIT64(3)
#define DESC_TEX_SECTION  BITS64(14, 12) /* large pages too */
#define DESC_TEX_PAGE     BITS64(8, 6)

#define ATTR_DEVICE_nGnRE 0x04

/* Cacheability in two bits, as a half of MAIR_EL1's byte: NC, WB with and without write-allocate, WT in between. */
static uint64_t mair_half(uint64_t code)
{
	static const uint8_t half[4] = {0x4, 0xf, 0xa, 0xe};

	return half[code & 3];
}

static uint64_t normal(uint64_t outer, uint64_t inner)
{
	return mair_half(outer) << 4 | mair_half(inner);
}

uint64_t guest_attr_of_tex_cb(uint64_t sctlr, uint64_t remap, unsigned int tex, unsigned int cb)
{
	const unsigned int n = (tex & 1) << 2 | cb;

	if ((sctlr & SCTLR_TRE) != 0) {
		/* PRRR is the lower half of MAIR_EL1, NMRR the upper one: type, inner, outer. */
		switch (remap >> 2 * n & 3) {
		case 2:
			return normal(remap >> (32 + 16 + 2 * n), remap >> (32 + 2 * n));
		case 1:
			return ATTR_DEVICE_nGnRE;
		default:
			return 0;
		}
	}
	if ((tex & 4) != 0) {
		return normal(tex, cb);
	}
	switch (tex << 2 | cb) {
	case 2:
		return normal(2, 2);
	case 3:
		return normal(3, 3);
	case 4:
		return normal(0, 0);
	case 7:
		return normal(1, 1);
	case 0:
		return 0;
	default:
		return ATTR_DEVICE_nGnRE; /* or reserved */
	}
}

static bool read_descriptor(struct domain *d, uint64_t ipa, bool big_endian, uint32_t *descriptor)
{
	if (guest_copy_from_ipa(d, descriptor, ipa, sizeof(*descriptor)) != 0) {
		return false;
	}
	if (big_endian) {
		*descriptor = __builtin_bswap32(*descriptor);
	}
	return (*descriptor & DESC_TYPE) != DESC_INVALID;
}

uint64_t guest_attr_short_entry(uint32_t va)
{
	const unsigned int n = (unsigned int)FIELD_GET(TTBCR_N, sysreg_read(TCR_EL1));
	const bool high = n != 0 && va >> (32 - n) != 0;
	const uint64_t ttbr = (uint32_t)(high ? sysreg_read(TTBR1_EL1) : sysreg_read(TTBR0_EL1));
	const unsigned int base_bits = high ? 14 : 14 - n;

	/* Where N bits are taken off the table, they are zero in the address. */
	return (ttbr & ~(BIT64(base_bits) - 1)) | va >> 20 << 2;
}

uint64_t guest_attr_short(struct domain *d, uint32_t va)
{
	const uint64_t sctlr = sysreg_read(SCTLR_EL1), remap = sysreg_read(MAIR_EL1);
	const bool big_endian = (sctlr & SCTLR_EE) != 0;
	uint64_t tex_field = DESC_TEX_SECTION;
	uint32_t descriptor;

	if ((sysreg_read(TCR_EL1) & TCR_EAE) != 0) {
		return 0;
	}
	if (!read_descriptor(d, guest_attr_short_entry(va), big_endian, &descriptor)) {
		return 0;
	}
	if ((descriptor & DESC_TYPE) == DESC_TABLE) {
		const uint64_t table = descriptor & ~UINT32_C(0x3ff);

		if (!read_descriptor(d, table | (va >> 12 & 0xff) << 2, big_endian, &descriptor)) {
			return 0;
		}
		if ((descriptor & DESC_TYPE) != DESC_TABLE) {
			tex_field = DESC_TEX_PAGE;
		}
	}
	return guest_attr_of_tex_cb(sctlr, remap,
				    (unsigned int)FIELD_GET(tex_field, (uint64_t)descriptor),
				    (unsigned int)(FIELD_GET(DESC_C, (uint64_t)descriptor) << 1 |
						   FIELD_GET(DESC_B, (uint64_t)descriptor)));
}
