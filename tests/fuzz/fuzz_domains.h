/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers of the guest interface share: the hypervisor's fakes with three domains that own some pages, and
 * input bytes as numbers. Each input begins with everything as at program start, and must leave no reference behind.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/xen.h"
#include "domain/domain.h"

struct fuzz_input {
	const uint8_t *data;
	size_t left;
};
/* 0 when there is nothing left. */
uint64_t fuzz_take(struct fuzz_input *in, unsigned int nr_bytes);
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	return (uint8_t)fuzz_take(in, 1);
}

/* dom0, and two unprivileged ones. Each owns FUZZ_PAGES pages from page FUZZ_PAGES * n on, mapped at fuzz_gfn(). */
#define FUZZ_NR_DOMAINS 3
#define FUZZ_PAGES      12
extern struct domain *fuzz_domains[FUZZ_NR_DOMAINS];
uint64_t fuzz_gfn(unsigned int domain, unsigned int page);

/* Arguments and lists of hypercalls; owned by nobody. */
#define FUZZ_ARG_PAGE  60
#define FUZZ_LIST_PAGE 61
uint64_t fuzz_arg(void);
uint64_t fuzz_list(void);

void fuzz_begin(bool silo);
void fuzz_end(void);
/* By HVC, and again as long as it is continued. Locks must be free afterwards. */
int64_t fuzz_call(struct vcpu *v, uint64_t number, const uint64_t args[5]);
