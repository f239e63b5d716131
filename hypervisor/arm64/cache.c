/* SPDX-License-Identifier: MIT */
#include "arm64/cache.h"

#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "lib/assert.h"

/* Overflow-safe: the count of lines is computed once, so an end that wraps cannot loop for ever (XSA-437). */
#define FOR_EACH_LINE(instruction, va, size)                                                       \
	do {                                                                                       \
		const uint64_t line_ = cpu_features.dcache_line_bytes;                             \
		uint64_t at_ = ALIGN_DOWN((uint64_t)(uintptr_t)(va), line_);                       \
		uint64_t left_ =                                                                   \
			(size) == 0                                                                \
				? 0                                                                \
				: DIV_ROUND_UP((size) + ((uint64_t)(uintptr_t)(va)-at_), line_);   \
		for (; left_ >= 4; left_ -= 4, at_ += 4 * line_) {                                 \
			__asm__ volatile(instruction ", %0\n\t" instruction ", %1\n\t" instruction \
						     ", %2\n\t" instruction ", %3" ::"r"(at_),     \
					 "r"(at_ + line_), "r"(at_ + 2 * line_),                   \
					 "r"(at_ + 3 * line_)                                      \
					 : "memory");                                              \
		}                                                                                  \
		for (; left_ > 0; left_--, at_ += line_) {                                         \
			__asm__ volatile(instruction ", %0" ::"r"(at_) : "memory");                \
		}                                                                                  \
	} while (0)

void dcache_clean_invalidate_to_poc(const void *va, size_t size)
{
	FOR_EACH_LINE("dc civac", va, size);
}

void dcache_clean_to_poc(const void *va, size_t size)
{
	FOR_EACH_LINE("dc cvac", va, size);
}

void dcache_invalidate_to_poc(const void *va, size_t size)
{
	FOR_EACH_LINE("dc ivac", va, size);
}

void icache_invalidate_all_is(void)
{
	__asm__ volatile("ic ialluis" ::: "memory");
}

void page_zero(void *va, size_t size)
{
	uint64_t at = (uint64_t)(uintptr_t)va;
	uint64_t end = at + size;
	uint64_t dczid;

	ASSERT(IS_ALIGNED(at, PAGE_SIZE) && IS_ALIGNED(size, PAGE_SIZE));
	__asm__("mrs %0, dczid_el0" : "=r"(dczid));
	if ((dczid & BIT64(4)) == 0 && (dczid & 0xf) <= 8) {
		const uint64_t block = UINT64_C(4) << (dczid & 0xf);

		/* Pages are multiples of 4 blocks up to 1 KiB blocks. */
		for (; at < end; at += 4 * block) {
			__asm__ volatile("dc zva, %0\n\tdc zva, %1\n\tdc zva, %2\n\tdc zva, %3" ::"r"(
						 at),
					 "r"(at + block), "r"(at + 2 * block), "r"(at + 3 * block)
					 : "memory");
		}
	} else {
		for (; at < end; at += 32) {
			__asm__ volatile("stp xzr, xzr, [%0]\n\tstp xzr, xzr, [%0, #16]" ::"r"(at)
					 : "memory");
		}
	}
}

void scrub_lines64(void *va, size_t size); /* scrub.S */

void memory_scrub(void *va, size_t size)
{
	uint64_t dczid;

	__asm__("mrs %0, dczid_el0" : "=r"(dczid));
	if ((dczid & (BIT64(4) | 0xf)) == 4 && cpu_features.dcache_line_bytes == 64) {
		scrub_lines64(va, size);
		return;
	}
	dcache_clean_invalidate_to_poc(va, size);
	/* A dirty line must have reached memory before the zeroes do, or it would overwrite them. */
	dsb_sy();
	page_zero(va, size);
}
