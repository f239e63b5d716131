/* SPDX-License-Identifier: MIT */
/*
 * Access to a guest's memory (design.md, "Guest copy"): the caller's view, refused attributes (C3),
 * pages one by one, faults, and that nothing is left behind: references, windows, PAR_EL1, locks.
 */
#include "domain/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/sysreg_fields.h"
#include "boot/boot_options.h"
#include "domain/domain_share.h"
#include "lib/log.h"
#include "mm/frame_entry.h"
#include "mm/window.h"
#include "tests/unit/fake_machine.h"

#define NR_PAGES  4
#define FIRST_MFN 0x44000u /* its home is the first window */
#define GVA       UINT64_C(0xffff000000010000)
#define FIRST_GFN 0x80u
#define ATTR_WB   UINT64_C(0xff)
#define ATTR_NC   UINT64_C(0x44)

DEFINE_PER_CPU(struct vcpu *, current_vcpu);
DEFINE_PER_CPU(struct windows, windows);
struct boot_options boot_options;

static struct domain dom;
static struct vcpu vcpu;
/* Machine frame FIRST_MFN + n, at its home window, and its entry in the frame table. */
static char (*const memory)[PAGE_SIZE] = (char (*)[PAGE_SIZE])(uintptr_t)WINDOW_BASE;
static struct frame *const frames =
	(struct frame *)(uintptr_t)(FRAME_TABLE_BASE + FIRST_MFN * sizeof(struct frame));

/* Guest virtual page n is guest frame FIRST_GFN + n is machine frame FIRST_MFN + n. */
static uint64_t attr;
static bool faults[NR_PAGES], read_only[NR_PAGES];
/* Until somebody has finished, who holds the stage-2 lock: it faults, or is still the next one's. */
static bool broken[NR_PAGES], moving[NR_PAGES];
/* Somebody has the attribute lock for writing during the first translation. */
static bool attr_writer;
/* Translated by their lower half. */
static bool low_addresses;
static unsigned int nr_translations, nr_messages;
static enum window_attr window_attr[NR_PAGES];
static unsigned int nr_windows, nr_open, nr_locked;

/* ---- fakes --------------------------------------------------------------------------------------- */

struct frame *frame_of(mfn_t m)
{
	return m.raw - FIRST_MFN < NR_PAGES ? &frames[m.raw - FIRST_MFN] : NULL;
}

bool frame_get(mfn_t m, uint16_t domid)
{
	struct frame *f = frame_of(m);

	if (f == NULL || f->owner != domid ||
	    (f->state != FRAME_GUEST && f->state != FRAME_TENON_SHARED)) {
		return false;
	}
	f->refs++;
	return true;
}

void frame_put(mfn_t m)
{
	assert_true(frame_of(m)->refs > 1);
	frame_of(m)->refs--;
}

void domain_put_frame(struct domain *owner, mfn_t m)
{
	assert_ptr_equal(owner, &dom);
	frame_put(m);
}

/* As the real one, a window stays where the next copy finds it. */
void *window_map_of(mfn_t m, enum window_attr a, uint16_t owner)
{
	uint64_t n = m.raw - FIRST_MFN;

	assert_true(n < NR_PAGES);
	/* A private frame may not become shared, nor a shared one private, while it is used past the caches. */
	assert_int_equal(dom.attr_lock.state, a == WINDOW_WB ? 0 : 1);
	assert_int_equal(dom.stage2.lock.state, 0);
	window_attr[n] = a;
	this_cpu(windows).tag[n] = a == WINDOW_WB_ONCE ? 0 : window_tag(m, a, owner);
	nr_windows++;
	nr_open++;
	fake_machine_note("window %u", (unsigned int)n);
	return memory[n];
}

void *window_map(mfn_t m, enum window_attr a)
{
	uint64_t n = m.raw - FIRST_MFN;

	/* By physical address: under a reference and the lock that keeps cold and warm apart. */
	assert_true(n < NR_PAGES && frames[n].refs > 1);
	assert_int_equal(dom.attr_lock.state, 1);
	window_attr[n] = a;
	nr_windows++;
	nr_open++;
	fake_machine_note("window %u", (unsigned int)n);
	return memory[n];
}

void window_unmap(const void *va)
{
	nr_open--;
	fake_machine_note("unmap");
}

int stage2_get_frame(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	uint64_t n = g.raw - FIRST_GFN;

	assert_ptr_equal(d, &dom);
	if (n >= NR_PAGES || faults[n]) {
		return -XEN_ENOENT;
	}
	*m = mfn(FIRST_MFN + n);
	*type = STAGE2_RAM;
	return frame_get(*m, d->id) ? 0 : -XEN_EINVAL;
}

void log_guest(unsigned int domid, const char *format, ...)
{
	nr_messages++;
}

static uint64_t translate(const char *operation, uint64_t gva)
{
	uint64_t n = (gva - (low_addresses ? (uint32_t)GVA : GVA)) / PAGE_SIZE;
	const bool locked = dom.stage2.lock.state == 1;
	bool fault = n >= NR_PAGES || faults[n] || (broken[n] && !locked) ||
		     (read_only[n] && strcmp(operation, "s12e1w") == 0);
	uint64_t m = FIRST_MFN + n + (n < NR_PAGES && moving[n] && !locked ? 1 : 0);
	/* A fault, whatever else the register has. */
	uint64_t par = attr << 56 | m << 12 | 0x980 | (fault ? PAR_F : 0);

	nr_translations++;
	nr_locked += locked ? 1 : 0;
	if (attr_writer) {
		dom.attr_lock.state = nr_translations == 1 ? RW_WRITER : 0;
	} else {
		assert_int_equal(dom.attr_lock.state, 0);
	}
	fake_machine_sysreg_set("PAR_EL1", par);
	return par;
}

static void map_at(void *at, size_t size)
{
	assert_ptr_equal(mmap(at, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 at);
}

static int set_up(void **state)
{
	static bool mapped;

	fake_machine_reset();
	if (!mapped) {
		map_at(memory, NR_PAGES * PAGE_SIZE);
		map_at(frames, PAGE_SIZE);
		mapped = true;
	}
	memset(&this_cpu(windows), 0, sizeof(struct windows));
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(memory, 0, NR_PAGES * PAGE_SIZE);
	memset(faults, 0, sizeof(faults));
	memset(broken, 0, sizeof(broken));
	memset(moving, 0, sizeof(moving));
	attr_writer = low_addresses = false;
	memset(read_only, 0, sizeof(read_only));
	dom.id = 7;
	rwlock_init(&dom.attr_lock, LOCK_RANK_ATTR);
	rwlock_init(&dom.stage2.lock, LOCK_RANK_STAGE2);
	vcpu.domain = &dom;
	this_cpu(current_vcpu) = &vcpu;
	for (unsigned int n = 0; n < NR_PAGES; n++) {
		frames[n] = (struct frame){.state = FRAME_GUEST, .owner = 7, .refs = 1};
	}
	attr = ATTR_WB;
	nr_translations = nr_messages = nr_windows = nr_open = nr_locked = 0;
	fake_machine_at_handle(translate);
	fake_machine_sysreg_set("PAR_EL1", 0x1234);
	/* A running kernel. */
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_M | SCTLR_C);
	dom.warm = true;
	boot_options.mem_attr_warn = false;
	return 0;
}

static int nothing_is_left(void **state)
{
	for (unsigned int n = 0; n < NR_PAGES; n++) {
		assert_int_equal(frames[n].refs, 1);
	}
	assert_int_equal(nr_open, 0);
	assert_int_equal(fake_machine_sysreg_get("PAR_EL1"), 0x1234);
	lock_assert_none_held();
	return 0;
}

static void caches_off(void)
{
	fake_machine_sysreg_set("SCTLR_EL1", 0);
	dom.warm = false;
}

/* ---- by virtual address ------------------------------------------------------------------------- */

static void bytes_go_both_ways_over_page_boundaries(void **state)
{
	static char out[2 * PAGE_SIZE + 20], in[sizeof(out)];

	for (unsigned int n = 0; n < sizeof(out); n++) {
		out[n] = (char)(n * 7 + n / 256);
	}
	assert_int_equal(guest_copy_to(GVA + PAGE_SIZE - 10, out, sizeof(out)), 0);
	assert_memory_equal(memory[0] + PAGE_SIZE - 10, out, 10);
	assert_memory_equal(memory[1], out + 10, PAGE_SIZE);
	assert_memory_equal(memory[2], out + 10 + PAGE_SIZE, PAGE_SIZE);
	assert_memory_equal(memory[3], out + 10 + 2 * PAGE_SIZE, 10);
	assert_int_equal(memory[3][10], 0);
	assert_int_equal(nr_translations, 4);
	assert_int_equal(guest_copy_from(in, GVA + PAGE_SIZE - 10, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(in));
}

/* Through a window that is there already, where small ones are copied by words and halfwords. */
static void structures_of_every_size_at_every_alignment(void **state)
{
	_Alignas(8) char out[80], in[80];

	for (unsigned int n = 0; n < sizeof(out); n++) {
		out[n] = (char)(n * 5 + 1);
	}
	for (unsigned int at = 0; at < 8; at++) {
		for (unsigned int size = 1; size <= 72; size++) {
			memset(memory[0], 0, 256);
			memset(in, 0, sizeof(in));
			assert_int_equal(guest_copy_to(GVA + 64 + at, out + at % 4, size), 0);
			assert_memory_equal(memory[0] + 64 + at, out + at % 4, size);
			assert_int_equal(memory[0][64 + at + size], 0);
			assert_int_equal(memory[0][63 + at], 0);
			assert_int_equal(guest_copy_from(in + at % 4, GVA + 64 + at, size), 0);
			assert_memory_equal(in + at % 4, out + at % 4, size);
			assert_int_equal(in[at % 4 + size], 0);
		}
	}
}

static void nothing_to_copy_touches_nothing(void **state)
{
	assert_int_equal(guest_copy_from(NULL, 0, 0), 0);
	assert_int_equal(nr_translations, 0);
}

static void a_fault_is_efault_and_what_came_before_is_done(void **state)
{
	char out[2 * PAGE_SIZE];

	memset(out, 0x5a, sizeof(out));
	faults[1] = true;
	assert_int_equal(guest_copy_to(GVA, out, sizeof(out)), -XEN_EFAULT);
	assert_memory_equal(memory[0], out, PAGE_SIZE);
	assert_int_equal(nr_windows, 1);
	/* The first page's, and the second's twice. */
	assert_int_equal(nr_translations, 3);
	assert_int_equal(nr_locked, 1);
	assert_int_equal(guest_copy_from(out, GVA + NR_PAGES * PAGE_SIZE, 1), -XEN_EFAULT);
}

static void writing_asks_for_write_permission(void **state)
{
	uint32_t word = 1;

	read_only[0] = true;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), -XEN_EFAULT);
	assert_int_equal(memory[0][0], 0);
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(word, 0);
}

static void what_is_not_the_callers_memory_is_efault(void **state)
{
	uint32_t word;

	frames[0].owner = 8;                  /* a foreign or granted frame */
	frames[1].state = FRAME_TENON;        /* cannot be; and neither can it be read */
	frames[2].state = FRAME_TENON_SHARED; /* its grant table: it may be read */
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), -XEN_EFAULT);
	assert_int_equal(guest_copy_from(&word, GVA + PAGE_SIZE, sizeof(word)), -XEN_EFAULT);
	assert_int_equal(guest_copy_from(&word, GVA + 2 * PAGE_SIZE, sizeof(word)), 0);
}

/* ---- attributes --------------------------------------------------------------------------------- */

static void every_kind_of_write_back_will_do(void **state)
{
	/* Arm ARM, "MAIR_EL1": RW are allocation hints, 0b01RW transient, 0b11RW not; 0xf0 tagged. */
	uint8_t byte;

	for (unsigned int outer = 0; outer < 16; outer++) {
		for (unsigned int inner = 0; inner < 16; inner++) {
			bool wb = ((outer >= 5 && outer <= 7) || outer >= 12) &&
				  ((inner >= 5 && inner <= 7) || inner >= 12);

			attr = outer << 4 | inner;
			assert_int_equal(guest_copy_from(&byte, GVA, 1),
					 wb || attr == 0xf0 ? 0 : -XEN_EINVAL);
		}
	}
	assert_true(nr_messages > 0);
	assert_int_equal(window_attr[0], WINDOW_WB);
}

static void a_refused_buffer_is_neither_read_nor_written(void **state)
{
	uint32_t word = 0x12345678;

	attr = ATTR_NC;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), -XEN_EINVAL);
	assert_int_equal(nr_windows, 0);
	assert_int_equal(nr_messages, 1);
}

static void or_served_with_a_warning_as_the_caller_sees_it(void **state)
{
	uint32_t word = 0x12345678;

	boot_options.mem_attr_warn = true;
	attr = ATTR_NC;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	assert_memory_equal(memory[0], &word, sizeof(word));
	assert_int_equal(window_attr[0], WINDOW_NC);
	assert_int_equal(nr_messages, 1);
	/* Shared is shared. */
	frames[1].shared_pins = 1;
	assert_int_equal(guest_copy_to(GVA + PAGE_SIZE, &word, sizeof(word)), 0);
	assert_int_equal(window_attr[1], WINDOW_WB_ONCE);
	frames[1].shared_pins = 0;
	attr = ATTR_WB;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	assert_int_equal(window_attr[0], WINDOW_WB);
	assert_int_equal(nr_messages, 2);
}

static void with_forced_write_back_there_is_nothing_to_refuse(void **state)
{
	uint32_t word;

	cpu_features.s2fwb = true;
	attr = ATTR_NC;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(window_attr[0], WINDOW_WB);
	/* The hardware domain's stage 1 decides even then. */
	dom.is_hardware = true;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), -XEN_EINVAL);
}

static void with_its_caches_off_a_caller_is_served_non_cacheably(void **state)
{
	static const uint64_t sctlr[] = {0, SCTLR_M, SCTLR_C};
	uint32_t word;

	for (unsigned int n = 0; n < ARRAY_SIZE(sctlr); n++) {
		for (unsigned int warm = 0; warm < 2; warm++) {
			/* Warm: another vCPU has its caches on. This one's view is what counts. */
			dom.warm = warm != 0;
			fake_machine_sysreg_set("SCTLR_EL1", sctlr[n]);
			attr = n == 0 ? 0 : ATTR_NC; /* Device, with the MMU off */
			assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
			assert_int_equal(window_attr[0], WINDOW_NC);
		}
	}
	assert_int_equal(nr_messages, 0);
}

static void shared_is_write_back_for_everyone(void **state)
{
	uint32_t word;

	caches_off();
	frames[0].shared_pins = 1;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(window_attr[0], WINDOW_WB_ONCE);
}

static void non_cacheable_copies_are_ordered_against_the_guests_own(void **state)
{
	uint32_t word = 0;

	caches_off();
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	fake_machine_expect("window 0", "dsb sy", "dsb sy", "unmap");
	/* Through the same window. */
	fake_machine_log_clear();
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	fake_machine_expect("at s12e1w 0xffff000000010000", "dsb sy", "dsb sy");
	fake_machine_log_clear();
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	fake_machine_expect("at s12e1r 0xffff000000010000", "dsb sy");
	assert_int_equal(nr_windows, 1);
	assert_int_equal(guest_copy_from(&word, GVA + PAGE_SIZE, sizeof(word)), 0);
	fake_machine_expect("window 1", "dsb sy", "unmap");
	/* Coherent ones need nothing. */
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_M | SCTLR_C);
	for (unsigned int n = 0; n < 2; n++) {
		fake_machine_log_clear();
		assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
		assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
		fake_machine_expect_none("dsb");
	}
	assert_int_equal(nr_windows, 3);
}

/* ---- windows that are there still -------------------------------------------------------------- */

static void a_window_that_is_there_still_is_used_as_it_is(void **state)
{
	const uint32_t out[] = {1, 2};
	uint32_t word = 0x12345678;

	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	assert_int_equal(nr_windows, 1);
	word = 0x9abcdef0;
	assert_int_equal(guest_copy_to(GVA + 4, &word, sizeof(word)), 0);
	assert_memory_equal(memory[0] + 4, &word, sizeof(word));
	word = 0;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(word, 0x12345678);
	assert_int_equal(nr_windows, 1);
	/* One translation each, but for the first, and no lock. */
	assert_int_equal(nr_translations, 4);
	assert_int_equal(nr_locked, 0);
	/* Not for what lies on two pages, nor for what the translation does not allow. */
	faults[1] = true;
	assert_int_equal(guest_copy_to(GVA + PAGE_SIZE - 4, out, sizeof(out)), -XEN_EFAULT);
	assert_memory_equal(memory[0] + PAGE_SIZE - 4, out, 4);
	assert_int_equal(memory[1][0], 0);
	read_only[0] = true;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), -XEN_EFAULT);
	faults[0] = true;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), -XEN_EFAULT);
}

static void but_not_with_another_view(void **state)
{
	uint32_t word = 0;

	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	attr = ATTR_NC;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), -XEN_EINVAL);
	caches_off();
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(nr_windows, 2);
	assert_int_equal(window_attr[0], WINDOW_NC);
	/* Its caches are on again. */
	attr = ATTR_WB;
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_M | SCTLR_C);
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(nr_windows, 3);
	assert_int_equal(window_attr[0], WINDOW_WB);
}

static void nor_of_a_frame_that_nobody_has_looked_at(void **state)
{
	uint32_t word;

	this_cpu(windows).tag[0] = window_tag(mfn(FIRST_MFN), WINDOW_WB, WINDOW_OF_NOBODY);
	this_cpu(windows).tag[1] = window_tag(mfn(FIRST_MFN + 1), WINDOW_WB, 8);
	frames[1].owner = 8;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(nr_windows, 1);
	assert_int_equal(guest_copy_from(&word, GVA + PAGE_SIZE, sizeof(word)), -XEN_EFAULT);
}

static void nor_of_a_frame_that_has_become_a_shared_one(void **state)
{
	uint32_t word = 0x12345678;

	caches_off();
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	frames[0].shared_pins = 1;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(window_attr[0], WINDOW_WB_ONCE);
	this_cpu(windows).tag[0] = window_tag(mfn(FIRST_MFN), WINDOW_NC, dom.id);
	window_attr[0] = WINDOW_NC;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	assert_int_equal(window_attr[0], WINDOW_WB_ONCE);
	assert_int_equal(nr_windows, 3);
}

static void nor_past_the_caches_while_a_frame_may_become_one(void **state)
{
	uint32_t word = 0x12345678;

	caches_off();
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	attr_writer = true;
	nr_translations = 0;
	assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
	assert_int_equal(nr_windows, 2);
	nr_translations = 0;
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
	assert_int_equal(nr_windows, 3);
	assert_int_equal(nr_locked, 0);
}

static void aarch32_callers_addresses_are_looked_at_each_time(void **state)
{
	uint32_t word;

	dom.is_32bit = true;
	caches_off();
	low_addresses = true;
	assert_int_equal(guest_copy_from(&word, (uint32_t)GVA, sizeof(word)), 0);
	assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), -XEN_EFAULT);
	assert_int_equal(guest_copy_from(&word, (uint32_t)GVA, sizeof(word)), 0);
	assert_int_equal(nr_windows, 2);
}

static void every_size_and_alignment_is_copied(void **state)
{
	static const unsigned int starts[] = {0, PAGE_SIZE - 24};
	char out[80], in[80];

	for (unsigned int n = 0; n < sizeof(out); n++) {
		out[n] = (char)(n + 1);
	}
	for (unsigned int offset = 0; offset < 8; offset++) {
		for (unsigned int size = 1; size <= 72; size++) {
			const unsigned int start = starts[size % 2] + offset;
			const uint64_t gva = GVA + start;
			char *guest = memory[0] + start, *tenon = out + (size / 2) % 5;

			memset(memory, 0, 2 * PAGE_SIZE);
			memset(in, 0, sizeof(in));
			assert_int_equal(guest_copy_to(gva, tenon, size), 0);
			assert_memory_equal(guest, tenon, size);
			assert_int_equal(guest[size], 0);
			assert_int_equal(guest_copy_from(in + offset % 4, gva, size), 0);
			assert_memory_equal(in + offset % 4, tenon, size);
			assert_int_equal(in[offset % 4 + size], 0);
		}
	}
	/* Of memory that lies together, two windows do. */
	assert_int_equal(nr_locked, 0);
}

/* ---- others change the stage 2 ------------------------------------------------------------------- */

static void what_faults_counts_when_nobody_is_changing_anything(void **state)
{
	uint32_t word = 0x12345678;

	for (unsigned int off = 0; off < 2; off++) {
		if (off != 0) {
			caches_off();
		}
		nr_translations = nr_locked = 0;
		broken[0] = true;
		assert_int_equal(guest_copy_to(GVA, &word, sizeof(word)), 0);
		assert_memory_equal(memory[0], &word, sizeof(word));
		assert_int_equal(nr_locked, 1);
		broken[0] = false;
		faults[1] = true;
		assert_int_equal(guest_copy_from(&word, GVA + PAGE_SIZE, sizeof(word)), -XEN_EFAULT);
		assert_int_equal(nr_locked, 2);
	}
}

static void so_does_what_is_anothers(void **state)
{
	static const enum frame_state states[] = {FRAME_QUARANTINE, FRAME_TENON, FRAME_GUEST};
	uint32_t word;

	frames[1] = (struct frame){.owner = 8, .refs = 1};
	moving[0] = true;
	for (unsigned int n = 0; n < ARRAY_SIZE(states); n++) {
		/* First page 1's frame, which was page 0's. */
		frames[1].state = states[n];
		memory[0][0] = (char)n;
		nr_locked = 0;
		assert_int_equal(guest_copy_from(&word, GVA, sizeof(word)), 0);
		assert_int_equal(word, n);
		assert_int_equal(nr_locked, 1);
	}
	/* For good. */
	assert_int_equal(guest_copy_from(&word, GVA + PAGE_SIZE, sizeof(word)), -XEN_EFAULT);
}

/* ---- frames that are kept ----------------------------------------------------------------------- */

static void a_frame_comes_with_a_reference(void **state)
{
	mfn_t m;

	assert_int_equal(guest_get_frame(GVA + PAGE_SIZE, &m), 0);
	assert_int_equal(m.raw, FIRST_MFN + 1);
	assert_int_equal(frames[1].refs, 2);
	/* A reference is taken while the page is mapped, nobody knows for how long. */
	assert_int_equal(nr_translations, 1);
	assert_int_equal(nr_locked, 1);
	frame_put(m);
	read_only[2] = true;
	assert_int_equal(guest_get_frame(GVA + 2 * PAGE_SIZE, &m), -XEN_EFAULT);
}

static void tenons_own_frames_are_not_registered(void **state)
{
	mfn_t m;

	/* Its shared_info: mapped at EL2 as long as it lives, not as long as somebody registers it. */
	frames[0].state = FRAME_TENON_SHARED;
	frames[0].shared_pins = 1;
	assert_int_equal(guest_get_frame(GVA, &m), -XEN_EFAULT);
}

/* ---- by guest physical address ------------------------------------------------------------------ */

static void the_builder_writes_as_the_attribute_table_says(void **state)
{
	char out[PAGE_SIZE];

	memset(out, 0x77, sizeof(out));
	dom.warm = false;
	assert_int_equal(guest_copy_to_ipa(&dom, gfn_to_ipa(gfn(FIRST_GFN)) + 8, out, sizeof(out)),
			 0);
	assert_int_equal(window_attr[0], WINDOW_NC);
	assert_int_equal(window_attr[1], WINDOW_NC);
	assert_memory_equal(memory[0] + 8, out, PAGE_SIZE - 8);
	assert_memory_equal(memory[1], out, 8);
	assert_int_equal(memory[1][8], 0);
	/* At the PoC before anybody can start the guest. */
	fake_machine_expect("window 0", "unmap", "dsb sy", "window 1", "unmap", "dsb sy");
	dom.warm = true;
	assert_int_equal(guest_copy_from_ipa(&dom, out, gfn_to_ipa(gfn(FIRST_GFN)), 4), 0);
	assert_int_equal(window_attr[0], WINDOW_WB);
}

static void without_a_buffer_the_guests_memory_is_zeroed(void **state)
{
	memset(memory[2], 0xff, PAGE_SIZE);
	assert_int_equal(guest_copy_to_ipa(&dom, gfn_to_ipa(gfn(FIRST_GFN + 2)) + 16, NULL, 32), 0);
	assert_int_equal((uint8_t)memory[2][15], 0xff);
	assert_int_equal(memory[2][16], 0);
	assert_int_equal(memory[2][47], 0);
	assert_int_equal((uint8_t)memory[2][48], 0xff);
}

static void a_hole_ends_a_copy_by_physical_address(void **state)
{
	char out[2 * PAGE_SIZE] = {0};

	faults[3] = true;
	assert_int_not_equal(guest_copy_to_ipa(&dom, gfn_to_ipa(gfn(FIRST_GFN + 2)), out,
					       sizeof(out)),
			     0);
	assert_int_equal(nr_windows, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_is_left)
	const struct CMUnitTest tests[] = {
		TEST(bytes_go_both_ways_over_page_boundaries),
		TEST(structures_of_every_size_at_every_alignment),
		TEST(nothing_to_copy_touches_nothing),
		TEST(a_fault_is_efault_and_what_came_before_is_done),
		TEST(writing_asks_for_write_permission),
		TEST(what_is_not_the_callers_memory_is_efault),
		TEST(every_kind_of_write_back_will_do),
		TEST(a_refused_buffer_is_neither_read_nor_written),
		TEST(or_served_with_a_warning_as_the_caller_sees_it),
		TEST(with_forced_write_back_there_is_nothing_to_refuse),
		TEST(with_its_caches_off_a_caller_is_served_non_cacheably),
		TEST(shared_is_write_back_for_everyone),
		TEST(non_cacheable_copies_are_ordered_against_the_guests_own),
		TEST(a_window_that_is_there_still_is_used_as_it_is),
		TEST(but_not_with_another_view),
		TEST(nor_of_a_frame_that_nobody_has_looked_at),
		TEST(nor_of_a_frame_that_has_become_a_shared_one),
		TEST(nor_past_the_caches_while_a_frame_may_become_one),
		TEST(aarch32_callers_addresses_are_looked_at_each_time),
		TEST(every_size_and_alignment_is_copied),
		TEST(what_faults_counts_when_nobody_is_changing_anything),
		TEST(so_does_what_is_anothers),
		TEST(a_frame_comes_with_a_reference),
		TEST(tenons_own_frames_are_not_registered),
		TEST(the_builder_writes_as_the_attribute_table_says),
		TEST(without_a_buffer_the_guests_memory_is_zeroed),
		TEST(a_hole_ends_a_copy_by_physical_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
