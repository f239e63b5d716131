/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of hypercall decoding: any number, any registers, any memory behind them, from any domain; interrupts at any
 * moment. The input is a list of calls:
 *
 *     caller, number, for each of 5 arguments: kind, value, then the bytes of the argument page and of the list page
 */
#include "fuzz_domains.h"

#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

#define MAX_CALLS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t take_argument(struct fuzz_input *in)
{
	uint8_t kind = fuzz_byte(in);

	switch (kind % 8) {
	case 0:
	case 1:
		return kind / 8; /* a small number */
	case 2:
	case 3:
		return fuzz_arg() + kind / 8 * 8;
	case 4:
		return fuzz_list() + kind / 8 * 8;
	case 5:
		return fuzz_take(in, 4);
	case 6:
		return fuzz_take(in, 8);
	default:
		return fuzz_arg() + PAGE_SIZE - kind / 8; /* across the end */
	}
}

static void take_page(struct fuzz_input *in, unsigned int page)
{
	uint8_t *to = fake_page(page);
	unsigned int nr = fuzz_byte(in);

	for (unsigned int i = 0; i < nr; i++) {
		to[i] = fuzz_byte(in);
	}
	/* Pointers to the list page, where a byte asks for them: no input would guess one. */
	for (unsigned int i = 0; i + 8 <= nr; i += 8) {
		if (to[i] == 0xcc) {
			uint64_t pointer = fuzz_list() + to[i + 1];

			__builtin_memcpy(to + i, &pointer, sizeof(pointer));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	fuzz_begin((fuzz_byte(&in) & 1) != 0);
	for (unsigned int nr = 0; nr < MAX_CALLS && in.left > 0; nr++) {
		uint8_t caller = fuzz_byte(&in), number = fuzz_byte(&in);
		struct domain *d = fuzz_domains[caller % FUZZ_NR_DOMAINS];
		uint64_t args[5];

		for (unsigned int i = 0; i < 5; i++) {
			args[i] = take_argument(&in);
		}
		take_page(&in, FUZZ_ARG_PAGE);
		take_page(&in, FUZZ_LIST_PAGE);
		fake_machine_interrupt_after((caller & 0x80) != 0 ? caller >> 3 & 7 : UINT64_MAX);
		fuzz_call(d->vcpu[caller / 4 % 2], number < 64 ? number : fuzz_take(&in, 8), args);
	}
	fuzz_end();
	return 0;
}
