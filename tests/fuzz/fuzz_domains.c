/* SPDX-License-Identifier: MIT */
/* What the fuzzers of the guest interface share: fuzz_domains.h. */
#include "fuzz_domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "grant/grant.h"
#include "hypercall/hypercall.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

/* Continuations of one call. Whatever a guest asks for, the fake's 64 pages are soon through. */
#define MAX_CONTINUATIONS 100000

struct domain *fuzz_domains[FUZZ_NR_DOMAINS];

uint64_t fuzz_take(struct fuzz_input *in, unsigned int nr_bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < nr_bytes && in->left > 0; i++) {
		value |= (uint64_t)*in->data++ << (8 * i);
		in->left--;
	}
	return value;
}

/* dom0 is direct-mapped. */
uint64_t fuzz_gfn(unsigned int domain, unsigned int page)
{
	unsigned int number = FUZZ_PAGES * domain + page;

	return domain == 0 ? FAKE_MFN(number) : 0x100 + page;
}

uint64_t fuzz_arg(void)
{
	return fake_gva(FUZZ_ARG_PAGE);
}

uint64_t fuzz_list(void)
{
	return fake_gva(FUZZ_LIST_PAGE);
}

void fuzz_begin(bool silo)
{
	fake_hypervisor_reset();
	policy_set_silo(silo);
	for (unsigned int i = 0; i < FUZZ_NR_DOMAINS; i++) {
		fuzz_domains[i] = fake_domain_create((uint16_t)i);
		for (unsigned int page = 0; page < FUZZ_PAGES; page++) {
			fake_give_page(fuzz_domains[i], FUZZ_PAGES * i + page, fuzz_gfn(i, page));
		}
	}
}

void fuzz_end(void)
{
	fake_machine_interrupt_after(UINT64_MAX);
	/* A mapping of another domain's page holds that domain: all of them go before any domain does. */
	for (unsigned int i = 0; i < FUZZ_NR_DOMAINS; i++) {
		while (grant_release_mappings(fuzz_domains[i]) != 0) {
		}
	}
	fake_hypervisor_check_leaks();
}

int64_t fuzz_call(struct vcpu *v, uint64_t number, const uint64_t args[5])
{
	unsigned int nr = 0;

	fake_set_current(v);
	memcpy(v->regs.x, args, 5 * sizeof(args[0]));
	v->regs.x[16] = number;
	fake_console_output_length = 0;
	while (hypercall_dispatch(v)) {
		lock_assert_none_held();
		if (++nr > MAX_CONTINUATIONS) {
			abort();
		}
	}
	lock_assert_none_held();
	return (int64_t)v->regs.x[0];
}
