/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin for the benchmark guest: where each instruction of an operation goes, and how long EL2 keeps interrupts
 * waiting. One CPU. The guest marks the measured sections with moves to the zero register (bench.h).
 *
 *     -plugin bench_plugin.so,out=FILE[,guest=START-END][,points=ADDRESS+ADDRESS...]
 *
 * guest: the guests' addresses, all others are the hypervisor's (0x40000000-0x60000000). points: addresses where the
 * hypervisor takes its interrupts; reads of ICC_IAR1_EL1, with which it acknowledges them, and WFI are points as well. So is a
 * read of ISR_EL1 that finds nothing. One that finds an interrupt ends nothing: it waits until it is taken.
 *
 * Written for each section, when it is done, the number of sections so far first:
 *
 *     N pc ADDRESS COUNT        executed by the hypervisor; ADDRESS 0 is the guest, all of it
 *     N longest COUNT START END instructions in a row without a guest or a point: an interrupt waits for so long. Where the
 *                               stretch begins and ends in the hypervisor; 0 is a guest
 *     N stay COUNT              instructions in a row without a guest
 *     N interrupted COUNT       polls that found an interrupt: so often it stopped what it was doing
 */
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-plugin.h>

#define MARK_BEGIN 0xbe01
#define MARK_END   0xbe02
#define MARK_DONE  0xbe03

#define MOVZ_XZR   0xd280001fu /* movz xzr, #imm16 */
#define MRS_ISR    0xd538c100u /* mrs xN, isr_el1 */
#define MRS_IAR1   0xd538cc00u /* mrs xN, icc_iar1_el1 */
#define WFI        0xd503207fu

#define NR_SLOTS   65536
#define MAX_POINTS 8

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Slot 0 is the guest's. */
struct counters {
	uint64_t slot[NR_SLOTS];
};

static struct qemu_plugin_scoreboard *board;
static GHashTable *slot_of; /* address to slot */
static uint64_t address_of[NR_SLOTS];
static unsigned int nr_slots = 1;
static uint64_t at_begin[NR_SLOTS], in_section[NR_SLOTS];

static FILE *out;
static uint64_t guest_start = 0x40000000, guest_end = 0x60000000;
static uint64_t point[MAX_POINTS];
static unsigned int nr_points;

static unsigned int nr_sections;
static bool measuring;
/* Of the stay in the hypervisor that is going on, and since the last point in it. */
static bool inside;
static uint64_t stay_start, wait_start, longest_stay, longest_wait;
static uint64_t nr_interrupted;
/* Addresses of points, 0 for a guest. */
static uint64_t wait_from, longest_from, longest_to;

/* The CPU's general registers; NULL for xzr. */
static struct qemu_plugin_register *general[32];

static qemu_plugin_u64 counter_of(unsigned int slot)
{
	return (qemu_plugin_u64){.score = board, .offset = slot * sizeof(uint64_t)};
}

static uint64_t count_of(unsigned int slot)
{
	return qemu_plugin_u64_sum(counter_of(slot));
}

/* Of the hypervisor: each of its instructions adds to slot 1. */
#define SLOT_ALL 1

static bool is_guest(uint64_t address)
{
	return address >= guest_start && address < guest_end;
}

static unsigned int slot_for(uint64_t address)
{
	gpointer found;

	if (is_guest(address)) {
		return 0;
	}
	found = g_hash_table_lookup(slot_of, GSIZE_TO_POINTER(address));
	if (found == NULL) {
		if (nr_slots == NR_SLOTS) {
			fprintf(stderr, "bench_plugin: more than %u instructions\n", NR_SLOTS);
			exit(1);
		}
		address_of[nr_slots] = address;
		found = GUINT_TO_POINTER(nr_slots++);
		g_hash_table_insert(slot_of, GSIZE_TO_POINTER(address), found);
	}
	return GPOINTER_TO_UINT(found);
}

/* ---- sections ------------------------------------------------------------------------------------- */

static void section_done(void)
{
	for (unsigned int i = 0; i < nr_slots; i++) {
		if (in_section[i] != 0 && i != SLOT_ALL) {
			fprintf(out, "%u pc %" PRIx64 " %" PRIu64 "\n", nr_sections, address_of[i],
				in_section[i]);
		}
	}
	fprintf(out, "%u longest %" PRIu64 " %" PRIx64 " %" PRIx64 "\n%u stay %" PRIu64 "\n",
		nr_sections, longest_wait, longest_from, longest_to, nr_sections, longest_stay);
	fprintf(out, "%u interrupted %" PRIu64 "\n", nr_sections, nr_interrupted);
	fflush(out);
	nr_sections++;
	memset(in_section, 0, sizeof(in_section));
	longest_wait = longest_from = longest_to = 0;
	longest_stay = nr_interrupted = 0;
}

static void marked(unsigned int cpu, void *number)
{
	switch (GPOINTER_TO_UINT(number)) {
	case MARK_BEGIN:
		for (unsigned int i = 0; i < nr_slots; i++) {
			at_begin[i] = count_of(i);
		}
		/* Slots that are new at the end began at zero. */
		for (unsigned int i = nr_slots; i < NR_SLOTS; i++) {
			at_begin[i] = 0;
		}
		measuring = true;
		break;
	case MARK_END:
		for (unsigned int i = 0; i < nr_slots; i++) {
			in_section[i] += count_of(i) - at_begin[i];
		}
		measuring = false;
		break;
	case MARK_DONE:
		section_done();
		break;
	}
}

/* ---- how long an interrupt waits ------------------------------------------------------------------ */

/* The stretch ends at a point, or in a guest (0), and another one begins. */
static void stretch_ends(uint64_t where)
{
	uint64_t now = count_of(SLOT_ALL);

	if (measuring && now - wait_start > longest_wait) {
		longest_wait = now - wait_start;
		longest_from = wait_from;
		longest_to = where;
	}
	wait_start = now;
	wait_from = where;
}

static void left(unsigned int cpu, void *unused)
{
	if (inside) {
		uint64_t stay = count_of(SLOT_ALL) - stay_start;

		stretch_ends(0);
		if (measuring && stay > longest_stay) {
			longest_stay = stay;
		}
		inside = false;
	}
}

static void entered(unsigned int cpu, void *unused)
{
	if (!inside) {
		inside = true;
		stay_start = wait_start = count_of(SLOT_ALL);
		wait_from = 0;
	}
}

static void passed_point(unsigned int cpu, void *address)
{
	if (inside) {
		stretch_ends(GPOINTER_TO_SIZE(address));
	}
}

/* Before the instruction that follows the read of ISR_EL1 into the register. */
struct poll {
	uint64_t address;
	unsigned int reg;
};

static void polled(unsigned int cpu, void *data)
{
	const struct poll *poll = data;
	GByteArray *value = g_byte_array_new();
	bool waits = false;

	if (general[poll->reg] == NULL || qemu_plugin_read_register(general[poll->reg], value) <= 0) {
		fprintf(stderr, "bench_plugin: x%u cannot be read\n", poll->reg);
		exit(1);
	}
	for (unsigned int i = 0; i < value->len; i++) {
		waits |= value->data[i] != 0;
	}
	g_byte_array_free(value, TRUE);
	if (waits) {
		nr_interrupted += measuring;
	} else {
		passed_point(cpu, GSIZE_TO_POINTER(poll->address));
	}
}

static void find_registers(qemu_plugin_id_t id, unsigned int cpu)
{
	GArray *all = qemu_plugin_get_registers();

	for (unsigned int i = 0; i < all->len; i++) {
		const qemu_plugin_reg_descriptor *r =
			&g_array_index(all, qemu_plugin_reg_descriptor, i);
		unsigned int number;
		char rest;

		if (sscanf(r->name, "x%u%c", &number, &rest) == 1 && number < 31) {
			general[number] = r->handle;
		}
	}
	g_array_free(all, TRUE);
}

static bool is_point(uint64_t address, uint32_t opcode)
{
	for (unsigned int i = 0; i < nr_points; i++) {
		if (point[i] == address) {
			return true;
		}
	}
	return (opcode & ~0x1fu) == MRS_IAR1 || opcode == WFI;
}

/* Of the hypervisor. A poll that a block of QEMU's ends with is none: then the figures are too large, not too small. */
static void watch(struct qemu_plugin_insn *insn, struct qemu_plugin_insn *next, uint32_t opcode)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);

	if (is_point(address, opcode)) {
		qemu_plugin_register_vcpu_insn_exec_cb(insn, passed_point, QEMU_PLUGIN_CB_NO_REGS,
						       GSIZE_TO_POINTER(address));
	} else if ((opcode & ~0x1fu) == MRS_ISR && next != NULL) {
		struct poll *poll = g_new(struct poll, 1); /* lives as long as QEMU's translation */

		*poll = (struct poll){address, opcode & 0x1f};
		qemu_plugin_register_vcpu_insn_exec_cb(next, polled, QEMU_PLUGIN_CB_R_REGS, poll);
	}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	bool guest = is_guest(qemu_plugin_tb_vaddr(tb));

	qemu_plugin_register_vcpu_tb_exec_cb(tb, guest ? left : entered, QEMU_PLUGIN_CB_NO_REGS,
					     NULL);
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct qemu_plugin_insn *next = i + 1 < qemu_plugin_tb_n_insns(tb)
						      ? qemu_plugin_tb_get_insn(tb, i + 1)
						      : NULL;
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		uint32_t opcode = 0;

		(void)qemu_plugin_insn_data(insn, &opcode, sizeof(opcode));
		if (guest && (opcode & ~(0xffffu << 5)) == MOVZ_XZR &&
		    (opcode >> 5 & 0xfff0) == (MARK_BEGIN & 0xfff0)) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, QEMU_PLUGIN_CB_NO_REGS,
							       GUINT_TO_POINTER(opcode >> 5 &
										0xffff));
		}
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
								    counter_of(slot_for(address)),
								    1);
		if (!guest) {
			qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
									    QEMU_PLUGIN_INLINE_ADD_U64,
									    counter_of(SLOT_ALL), 1);
			watch(insn, next, opcode);
		}
	}
}

/* ---- arguments ------------------------------------------------------------------------------------ */

static bool argument(const char *text)
{
	char *rest;

	if (g_str_has_prefix(text, "out=")) {
		out = fopen(text + 4, "w");
		return out != NULL;
	}
	if (g_str_has_prefix(text, "guest=")) {
		guest_start = strtoull(text + 6, &rest, 16);
		guest_end = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
		return *rest == '\0' && guest_end > guest_start;
	}
	if (g_str_has_prefix(text, "points=")) {
		rest = (char *)(uintptr_t)text + 6;
		while (*rest != '\0' && nr_points < MAX_POINTS) {
			point[nr_points++] = strtoull(rest + 1, &rest, 16);
		}
		return *rest == '\0';
	}
	return false;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!argument(argv[i])) {
			fprintf(stderr, "bench_plugin: argument '%s'?\n", argv[i]);
			return 1;
		}
	}
	if (out == NULL) {
		fprintf(stderr, "bench_plugin: out=FILE is missing\n");
		return 1;
	}
	board = qemu_plugin_scoreboard_new(sizeof(struct counters));
	slot_of = g_hash_table_new(NULL, NULL);
	nr_slots = SLOT_ALL + 1;
	qemu_plugin_register_vcpu_init_cb(id, find_registers);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
