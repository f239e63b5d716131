/* SPDX-License-Identifier: MIT */
/*
 * Which level of a guest's stage-1 walk could not be made: ESR_EL2 tells the level of stage 2, and the guest is to
 * be told its own (Arm ARM, "AArch64.S1Walk", "AArch32.S1WalkLD", "AArch32.S1WalkSD"; "synchronous External abort on
 * translation table walk, level n").
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "domain/guest_attr.h"

#define TCR_TG0     BITS64(15, 14)
#define TCR_TG1     BITS64(31, 30)
#define TTBCR_T0SZ  BITS64(2, 0) /* with EAE */
#define TTBCR_T1SZ  BITS64(18, 16)
#define VA_UPPER    BIT64(55)
#define TABLE_VALID UINT64_C(3)

static unsigned int granule_bits(uint64_t tcr, bool upper)
{
	static const unsigned char tg0[] = {12, 16, 14, 12}, tg1[] = {12, 14, 12, 16};

	return upper ? tg1[FIELD_GET(TCR_TG1, tcr)] : tg0[FIELD_GET(TCR_TG0, tcr)];
}

/* Tables of 64-bit descriptors. */
struct walk {
	uint64_t base;
	unsigned int granule, va_bits;
};

static struct walk a64_walk(uint64_t va, uint64_t tcr)
{
	const bool upper = (va & VA_UPPER) != 0;

	return (struct walk){
		.base = upper ? sysreg_read(TTBR1_EL1) : sysreg_read(TTBR0_EL1),
		.granule = granule_bits(tcr, upper),
		.va_bits = 64 - (unsigned int)(tcr >> (upper ? 16 : 0) & 0x3f),
	};
}

/* AArch32: with a T1SZ of 0 TTBR1 has what T0SZ leaves (Arm ARM, "TTBCR, Translation Table Base Control Register"). */
static struct walk long_walk(uint32_t va, uint64_t ttbcr)
{
	const unsigned int t0sz = (unsigned int)FIELD_GET(TTBCR_T0SZ, ttbcr);
	const unsigned int t1sz = (unsigned int)FIELD_GET(TTBCR_T1SZ, ttbcr);
	const bool beyond_0 = t0sz != 0 && va >> (32 - t0sz) != 0;
	const bool upper = t1sz != 0 ? ~va >> (32 - t1sz) == 0 : beyond_0;

	return (struct walk){
		.base = upper ? sysreg_read(TTBR1_EL1) : sysreg_read(TTBR0_EL1),
		.granule = PAGE_SHIFT,
		.va_bits = 32 - (upper ? t1sz : t0sz),
	};
}

static bool read_table(struct domain *d, ipa_t entry, uint64_t *next)
{
	uint64_t descriptor;

	if (guest_copy_from_ipa(d, &descriptor, entry, sizeof(descriptor)) != 0) {
		return false;
	}
	if ((sysreg_read(SCTLR_EL1) & SCTLR_EE) != 0) {
		descriptor = __builtin_bswap64(descriptor);
	}
	*next = descriptor;
	return (descriptor & TABLE_VALID) == TABLE_VALID;
}

static unsigned int level_of(struct domain *d, uint64_t va, const struct walk *w, ipa_t failed)
{
	const unsigned int bits_per_level = w->granule - 3;
	uint64_t base = w->base & BITS64(47, 1);
	unsigned int level = 3;

	/* From the last level up: as many as the address needs. */
	while (level > 0 && w->granule + (4 - level) * bits_per_level < w->va_bits) {
		level--;
	}
	for (; level < 3; level++) {
		const unsigned int shift = w->granule + (3 - level) * bits_per_level;
		const uint64_t nr_bits =
			w->va_bits > shift + bits_per_level ? bits_per_level : w->va_bits - shift;
		const uint64_t entry = base + (va >> shift & (BIT64(nr_bits) - 1)) * 8;

		/* Changed meanwhile: then it does not matter what is said. */
		if (entry >> PAGE_SHIFT == failed >> PAGE_SHIFT || w->va_bits <= shift ||
		    !read_table(d, entry, &base)) {
			break;
		}
		base &= BITS64(47, w->granule);
	}
	return level;
}

unsigned int trap_walk_level(struct vcpu *v, uint64_t va, ipa_t failed)
{
	const uint64_t tcr = sysreg_read(TCR_EL1);
	struct walk w;

	if (!v->domain->is_32bit) {
		w = a64_walk(va, tcr);
	} else if ((tcr & TCR_EAE) != 0) {
		va = (uint32_t)va;
		w = long_walk((uint32_t)va, tcr);
	} else {
		/* Two levels: what is not in the first one's page can only be in the second's. */
		ipa_t first = guest_attr_short_entry((uint32_t)va);

		return first >> PAGE_SHIFT == failed >> PAGE_SHIFT ? 1 : 2;
	}
	return level_of(v->domain, va, &w, failed);
}
