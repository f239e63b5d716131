/* SPDX-License-Identifier: MIT */
/*
 * Which level of a guest's stage-1 walk could not be made: ESR_EL2 tells the level of stage 2, and the guest is to
 * be told its own (Arm ARM, "AArch64.S1Walk"; "synchronous External abort on translation table walk, level n").
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"

#define TCR_TG0     BITS64(15, 14)
#define TCR_TG1     BITS64(31, 30)
#define VA_UPPER    BIT64(55)
#define TABLE_VALID UINT64_C(3)

static unsigned int granule_bits(uint64_t tcr, bool upper)
{
	static const unsigned char tg0[] = {12, 16, 14, 12}, tg1[] = {12, 14, 12, 16};

	return upper ? tg1[FIELD_GET(TCR_TG1, tcr)] : tg0[FIELD_GET(TCR_TG0, tcr)];
}

unsigned int trap_walk_level(struct vcpu *v, uint64_t va, ipa_t failed)
{
	const uint64_t tcr = sysreg_read(TCR_EL1);
	const bool upper = (va & VA_UPPER) != 0;
	const unsigned int granule = granule_bits(tcr, upper);
	const unsigned int bits_per_level = granule - 3;
	const unsigned int va_bits = 64 - (unsigned int)(tcr >> (upper ? 16 : 0) & 0x3f);
	uint64_t base = (upper ? sysreg_read(TTBR1_EL1) : sysreg_read(TTBR0_EL1)) & BITS64(47, 1);
	unsigned int level = 3;

	/* From the last level up: as many as the address needs. */
	while (level > 0 && granule + (4 - level) * bits_per_level < va_bits) {
		level--;
	}
	for (; level < 3; level++) {
		const unsigned int shift = granule + (3 - level) * bits_per_level;
		const uint64_t nr_bits =
			va_bits > shift + bits_per_level ? bits_per_level : va_bits - shift;
		const uint64_t entry = base + (va >> shift & (BIT64(nr_bits) - 1)) * 8;
		uint64_t descriptor;

		if (entry >> PAGE_SHIFT == failed >> PAGE_SHIFT) {
			break;
		}
		/* Changed meanwhile: then it does not matter what is said. */
		if (va_bits <= shift ||
		    guest_copy_from_ipa(v->domain, &descriptor, entry, sizeof(descriptor)) != 0 ||
		    (descriptor & TABLE_VALID) != TABLE_VALID) {
			break;
		}
		base = descriptor & BITS64(47, granule);
	}
	return level;
}
