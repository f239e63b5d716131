/* SPDX-License-Identifier: MIT */
/*
 * The differential guest: differential.h. tests/system/differential_tests.py runs it on Xen and on Tenon and compares
 * the lines that begin with HASH or CALL, which must be the same.
 *
 *     seed=N          of the stream
 *     batches=N       of 1000 calls
 *     hashes=N        a hash for each call of batch N (several: hashes1=, hashes2= ... hashes9=)
 *     call=N          all about call N, counted from the stream's beginning (several: call1= ... call9=)
 *     only=events...  one kind of calls: the argument is the name in differential_calls.c
 *     partner         be the other domain, which does nothing
 *     dom0            this is dom0, and its partner domain 1
 */
#include "differential.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "lib/format.h"

const char *const guest_topic = "differential";
const bool guest_mmu_off;

#define CALLS_A_BATCH 1000

#define MAX_ASKED     10

/* The numbers of "name=N" and "name1=N" to "name9=N" among the arguments. */
static void read_asked(const char *name, uint64_t numbers[MAX_ASKED])
{
	char text[24];

	numbers[0] = guest_argument(name, ~UINT64_C(0));
	for (unsigned int i = 1; i < MAX_ASKED; i++) {
		snprintf(text, sizeof(text), "%s%u", name, i);
		numbers[i] = guest_argument(text, ~UINT64_C(0));
	}
}

static uint64_t asked_hashes[MAX_ASKED], asked_calls[MAX_ASKED];

static bool asked_for(const uint64_t asked[MAX_ASKED], uint64_t number)
{
	for (unsigned int i = 0; i < MAX_ASKED; i++) {
		if (asked[i] == number) {
			return true;
		}
	}
	return false;
}

/* Until the call is back: its entries may block several times. */
static bool ticking;

static void start_tick(void)
{
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(50));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

static void on_tick(uint32_t intid)
{
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	if (ticking) {
		start_tick();
	}
}

/* SCHEDOP_block clears PSTATE.I and returns when there is an interrupt: one comes soon. */
static bool may_block(const struct diff_call *c)
{
	return c->number == __HYPERVISOR_sched_op && (uint32_t)c->args[0] == SCHEDOP_block;
}

static bool any_may_block(const struct diff_call *c)
{
	bool blocks = may_block(c);

	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		blocks = blocks || may_block(&diff_inner[i]);
	}
	return blocks;
}

static void issue(struct diff_call *c)
{
	ticking = any_may_block(c);
	if (ticking) {
		start_tick();
	}
	c->result = hypercall(c->number, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4]);
	irq_disable();
	if (ticking) {
		ticking = false;
		on_tick(0);
	}
}

/* Lines of less than 128 characters: Xen keeps no more of a domain's line. */
#define BYTES_A_LINE 40

static void print_bytes(const char *what, const uint8_t *bytes, unsigned int size)
{
	char text[2 * BYTES_A_LINE + 1];

	for (unsigned int first = 0; first < size; first += BYTES_A_LINE) {
		for (unsigned int i = first; i < size && i < first + BYTES_A_LINE; i++) {
			snprintf(text + 2 * (i - first), 3, "%02x", bytes[i]);
		}
		print("CALL   %s %s ;\n", what, text);
	}
}

/* As far as something was put there. */
static void print_list(const char *what, unsigned int slot)
{
	const uint8_t *bytes = diff_list_slot(slot);
	unsigned int size = DIFF_SLOT_BYTES;

	while (size > 0 && bytes[size - 1] == 0xff) {
		size--;
	}
	print_bytes(what, bytes, size);
}

static void print_call(const struct diff_call *c)
{
	print("CALL   %s%s, number %lu ;\n", c->inner ? "entry " : "", c->name, c->number);
	print("CALL   %#lx %#lx %#lx %#lx %#lx ;\n", c->args[0], c->args[1], c->args[2], c->args[3],
	      c->args[4]);
	if (c->size != 0) {
		print_bytes(c->writable   ? "argument"
			    : c->readable ? "read-only argument"
					  : "inaccessible argument",
			    c->bytes, c->size);
	}
}

/* What is in memory afterwards, where a difference would show. */
static void print_after(const struct diff_call *c)
{
	const struct shared_info *info = xen_shared_info();
	domid_t self = DOMID_SELF, other = diff_other_domid;

	print("CALL   result %ld%s%s ;\n", c->result, c->rule != NULL ? ", by rule: " : "",
	      c->rule != NULL ? c->rule : "");
	if (c->readable) {
		print_bytes("afterwards", (const uint8_t *)(uintptr_t)c->at, c->size);
	}
	print_list("list", 0);
	for (unsigned int i = 0; i < diff_nr_inner; i++) {
		print("CALL   entry %u: result %ld%s%s ;\n", i, diff_inner[i].result,
		      diff_inner[i].rule != NULL ? ", by rule: " : "",
		      diff_inner[i].rule != NULL ? diff_inner[i].rule : "");
		print_bytes("its argument", diff_structure_slot(i + 1), 64);
		print_list("its list", i + 1);
	}
	print("CALL   %ld pages, the last at %#lx ;\n",
	      diff_memory_op(XENMEM_current_reservation, &self),
	      diff_memory_op(XENMEM_maximum_gpfn, &self));
	print_bytes("event words", (const uint8_t *)fifo_words, 80);
	for (unsigned int i = 0; i < 2; i++) {
		print_bytes("control block", (const uint8_t *)fifo_control(i),
			    sizeof(*fifo_control(i)));
	}
	if (diff_is_dom0) {
		print("CALL   the partner has %ld pages ;\n",
		      diff_memory_op(XENMEM_current_reservation, &other));
	}
	print("CALL   pending %#lx, mask %#lx, vCPU 0 %u %#lx, vCPU 1 %u %#lx ;\n",
	      info->evtchn_pending[0], info->evtchn_mask[0],
	      xen_vcpu_info(0)->evtchn_upcall_pending, xen_vcpu_info(0)->evtchn_pending_sel,
	      xen_vcpu_info(1)->evtchn_upcall_pending, xen_vcpu_info(1)->evtchn_pending_sel);
}

static uint64_t run_call(uint64_t seed, uint64_t batch, uint64_t n)
{
	uint64_t number = batch * CALLS_A_BATCH + n;
	bool told = asked_for(asked_calls, number);
	struct diff_call c;

	diff_random_start(seed, batch, n + 1);
	if (diff_one_in(4)) {
		diff_state_disturb();
	}
	diff_make_call(&c);
	if (told) {
		print("CALL %lu ;\n", number);
		print_call(&c);
		for (unsigned int i = 0; i < diff_nr_inner; i++) {
			print_call(&diff_inner[i]);
		}
	}
	issue(&c);
	diff_apply_rules(&c);
	if (told) {
		print_after(&c);
	}
	diff_after_call(&c);
	return diff_state_hash((uint64_t)c.result, &c);
}

static void run_batch(uint64_t seed, uint64_t batch)
{
	bool hashes = asked_for(asked_hashes, batch);
	domid_t self = DOMID_SELF;
	uint64_t hash = 0;
	char line[80];
	unsigned int length = 0;

	diff_random_start(seed, batch, 0);
	diff_state_reset();
	for (uint64_t n = 0; n < CALLS_A_BATCH; n++) {
		uint64_t answer = run_call(seed, batch, n);

		hash = diff_hash(hash, &answer, sizeof(answer));
		if (hashes) {
			length += (unsigned int)snprintf(line + length, sizeof(line) - length,
							 " %04lx", answer & 0xffff);
			if (n % 10 == 9) {
				print("HASHES %lu %lu%s ;\n", batch, n - 9, line);
				length = 0;
			}
		}
	}
	hash = diff_fifo_hash(hash, true);
	print("HASH %lu %016lx, %ld pages, the last at %#lx ;\n", batch, hash,
	      diff_memory_op(XENMEM_current_reservation, &self),
	      diff_memory_op(XENMEM_maximum_gpfn, &self));
}

static void stream(void)
{
	uint64_t seed = guest_argument("seed", 1);
	uint64_t batches = guest_argument("batches", 10);

	if (guest_has_argument("partner")) {
		for (;;) {
			wfi();
		}
	}
	read_asked("hashes", asked_hashes);
	read_asked("call", asked_calls);
	REQUIRE(diff_state_init(), "shared_info, vcpu_info or the grant table cannot be had");
	print("INFO seed %lu, %lu batches\n", seed, batches);
	gic_set_handler(27, on_tick);
	gic_enable(27);
	for (uint64_t batch = guest_argument("first", 0); batch < batches; batch++) {
		run_batch(seed, batch);
	}
	diff_print_rules();
	diff_fifo_print();
}

const struct guest_case guest_cases[] = {
	CASE(stream, .min_cpus = 1),
	CASE_END,
};
