/* SPDX-License-Identifier: MIT */
/*
 * For the tests of hypercalls: three domains, and calls by register, continued as long as the PC
 * is rewound. Arguments lie in page ARG_PAGE of the fake guest memory, lists from page LIST_PAGE
 * on.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "hypercall/hypercall_internal.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

#define ARG_PAGE  60
#define LIST_PAGE 61
#define ARG       fake_gva(ARG_PAGE)
#define LIST      fake_gva(LIST_PAGE)
/* An address that nothing is mapped at. */
#define NOWHERE   UINT64_C(0x1000)

static struct domain *dom0, *domu, *other;
static unsigned int hc_restarts;

static inline int hc_set_up(void **state)
{
	(void)state;
	fake_hypervisor_reset();
	policy_set_silo(true);
	dom0 = fake_domain_create(0);
	domu = fake_domain_create(1);
	other = fake_domain_create(2);
	return 0;
}

static inline int hc_tear_down(void **state)
{
	(void)state;
	fake_hypervisor_check_leaks();
	return 0;
}

#define HC_TEST(name) cmocka_unit_test_setup_teardown(name, hc_set_up, hc_tear_down)

/* As v's kernel would: once by HVC, and again while the PC is rewound. */
static inline int64_t hc(struct vcpu *v, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
	const uint64_t args[5] = {a0, a1, a2, 0x1234, 0x5678};

	fake_set_current(v);
	memcpy(v->regs.x, args, sizeof(args));
	v->regs.x[16] = number;
	hc_restarts = 0;
	while (hypercall_dispatch(v)) {
		hc_restarts++;
		assert_true(hc_restarts < 10000);
	}
	lock_assert_none_held();
	return (int64_t)v->regs.x[0];
}

/* With an argument structure, in and out. */
static inline int64_t hc_arg(struct vcpu *v, uint64_t number, uint64_t cmd, void *arg, size_t size)
{
	int64_t ret;

	memcpy(fake_page(ARG_PAGE), arg, size);
	ret = hc(v, number, cmd, ARG, 0);
	memcpy(arg, fake_page(ARG_PAGE), size);
	return ret;
}
