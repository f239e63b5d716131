/* SPDX-License-Identifier: MIT */
/* See dombuild_fake.h. */
#include "dombuild/dombuild_fake.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <libfdt.h>

#include "arm64/percpu.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/crc32.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

#define MAX_MAPPINGS 65536

uint64_t fake_free_frames;
unsigned int fake_max_order, fake_restarts, fake_hyp_allocs_left;
char fake_messages[16384];
unsigned int fake_errors;
unsigned int fake_nr_domains;
struct domain *fake_domains[DOMID_LIMIT];
struct domain_config fake_configs[DOMID_LIMIT];
uint8_t fake_fdt[FAKE_FDT_BYTES];
struct domain *hardware_domain;
struct gic_info gic_info;

static uint8_t *ram;
static struct frame frames[FAKE_RAM_PAGES];
static unsigned int windows, own_blocks, references;
static unsigned int epoch_polls;
static void (*deferred)(void);
static struct timer *armed;
static void (*key_action)(void);
static int spis[INTID_SPI_LIMIT];
static struct {
	const struct domain *d;
	uint64_t g, m, nr;
	enum stage2_type type;
} mappings[MAX_MAPPINGS];
static unsigned int nr_mappings;
static uint64_t next_frame;
static struct range contiguous_storage[8];
static struct rangeset contiguous;

void fake_reset(void)
{
	fake_machine_reset();
	if (ram == NULL) {
		ram = mmap(NULL, FAKE_RAM_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_ptr_not_equal(ram, MAP_FAILED);
	}
	assert_int_equal(madvise(ram, FAKE_RAM_SIZE, MADV_DONTNEED), 0);
	for (unsigned int i = 0; i < fake_nr_domains; i++) {
		if (fake_domains[i] != NULL) {
			free(fake_domains[i]->vcpu[0]);
			free(fake_domains[i]->vpl011);
			free(fake_domains[i]);
		}
	}
	memset(frames, 0, sizeof(frames));
	memset(fake_domains, 0, sizeof(fake_domains));
	memset(fake_configs, 0, sizeof(fake_configs));
	memset(spis, 0xff, sizeof(spis));
	memset(&boot_info, 0, sizeof(boot_info));
	rangeset_init(&contiguous, contiguous_storage, ARRAY_SIZE(contiguous_storage));
	fake_messages[0] = '\0';
	fake_errors = fake_nr_domains = nr_mappings = windows = own_blocks = fake_restarts = 0;
	references = epoch_polls = 0;
	deferred = key_action = NULL;
	armed = NULL;
	fake_free_frames = 16384;
	fake_max_order = FRAME_ORDER_MAX;
	fake_hyp_allocs_left = UINT_MAX;
	next_frame = FAKE_RAM_PAGES / 2;
	hardware_domain = NULL;
	gic_info = (struct gic_info){
		.version = GIC_V3,
		.nr_intids = 256,
		.dist_base = 0x8000000,
		.dist_size = 0x10000,
		.nr_redist_regions = 1,
		.redist_region = {{0x80a0000, 0xf60000}},
		.fdt_node = -1,
	};
}

void fake_check_leaks(void)
{
	assert_int_equal(references, 0);
	assert_int_equal(windows, 0);
	assert_int_equal(own_blocks, 0);
	lock_assert_none_held();
}

/* ---- log ------------------------------------------------------------------------------------- */

void log_write(enum log_level level, const char *format, ...)
{
	size_t length = strlen(fake_messages);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fake_messages + length, sizeof(fake_messages) - length - 2, format, args);
	va_end(args);
	strcat(fake_messages, "\n");
	fake_errors += level == LOG_ERROR;
}

void log_set_level(enum log_level level)
{
}

void fake_expect_error_(const char *const *parts)
{
	if (fake_errors != 1) {
		fail_msg("%u errors were said:\n%s", fake_errors, fake_messages);
	}
	for (; *parts != NULL; parts++) {
		if (strstr(fake_messages, *parts) == NULL) {
			fail_msg("no '%s' in:\n%s", *parts, fake_messages);
		}
	}
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *fake_ram(maddr_t at)
{
	assert_true(at >= FAKE_RAM_START && at - FAKE_RAM_START < FAKE_RAM_SIZE);
	return ram + (at - FAKE_RAM_START);
}

struct frame *frame_of(mfn_t m)
{
	uint64_t first = FAKE_RAM_START >> PAGE_SHIFT;

	return m.raw >= first && m.raw - first < FAKE_RAM_PAGES ? &frames[m.raw - first] : NULL;
}

void frame_put(mfn_t m)
{
}

void *window_map(mfn_t m, enum window_attr attr)
{
	/* Without FWB, everything the builder touches is cold or a module: C1. */
	assert_int_equal(attr, WINDOW_NC);
	windows++;
	assert_true(windows <= 8);
	return fake_ram(mfn_to_maddr(m));
}

void window_unmap(const void *va)
{
	assert_true(windows > 0);
	windows--;
}

enum window_attr stage2_attr_window(const struct domain *owner, const struct frame *f)
{
	return WINDOW_NC;
}

void *hyp_alloc(unsigned int order)
{
	if (fake_hyp_allocs_left == 0) {
		return NULL;
	}
	if (fake_hyp_allocs_left != UINT_MAX) {
		fake_hyp_allocs_left--;
	}
	own_blocks++;
	return calloc(1, PAGE_SIZE << order);
}

void hyp_free(void *va, unsigned int order)
{
	if (va != NULL) {
		own_blocks--;
		free(va);
	}
}

uint64_t frame_pool_free_frames(void)
{
	return fake_free_frames;
}

uint64_t frame_pool_total_frames(void)
{
	return FAKE_RAM_PAGES;
}

void frame_pool_clean_boot(maddr_t start, uint64_t size)
{
	fake_machine_note("clean 0x%lx 0x%lx", start, size);
}

void frame_pool_release_boot(maddr_t start, uint64_t size)
{
	fake_machine_note("release 0x%lx 0x%lx", start, size);
}

int frame_pool_alloc(unsigned int order, uint16_t domid, mfn_t *first)
{
	uint64_t nr = UINT64_C(1) << order;

	if (fake_restarts > 0) {
		fake_restarts--;
		return -XEN_ERESTART;
	}
	if (order > fake_max_order || fake_free_frames < nr) {
		return -XEN_ENOMEM;
	}
	next_frame = ALIGN_UP(next_frame, nr);
	assert_true(next_frame + nr <= FAKE_RAM_PAGES);
	*first = mfn((FAKE_RAM_START >> PAGE_SHIFT) + next_frame);
	for (uint64_t i = 0; i < nr; i++) {
		*frame_of(mfn_add(*first, i)) =
			(struct frame){.state = FRAME_GUEST, .owner = domid, .refs = 1};
	}
	next_frame += nr;
	fake_free_frames -= nr;
	return 0;
}

void fake_add_contiguous(uint64_t first, uint64_t nr)
{
	assert_int_equal(rangeset_add(&contiguous, first, first + nr), 0);
}

int frame_pool_find_contiguous(uint64_t nr_frames, maddr_t below, uint64_t align_frames,
			       mfn_t *first)
{
	return rangeset_find_fit(&contiguous, 0, below >> PAGE_SHIFT, nr_frames, align_frames,
				 &first->raw)
		     ? 0
		     : -XEN_ENOMEM;
}

int frame_pool_claim(mfn_t first, uint64_t nr_frames, uint16_t domid)
{
	return rangeset_remove(&contiguous, first.raw, first.raw + nr_frames);
}

/* ---- stage 2 --------------------------------------------------------------------------------- */

int stage2_map(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, enum stage2_type type)
{
	assert_true(nr_mappings < MAX_MAPPINGS);
	mappings[nr_mappings].d = d;
	mappings[nr_mappings].g = g.raw;
	mappings[nr_mappings].m = m.raw;
	mappings[nr_mappings].nr = nr;
	mappings[nr_mappings++].type = type;
	return 0;
}

bool fake_is_mapped(const struct domain *d, ipa_t ipa, enum stage2_type *type, maddr_t *at)
{
	uint64_t g = ipa >> PAGE_SHIFT;

	for (unsigned int i = 0; i < nr_mappings; i++) {
		if (mappings[i].d == d && g >= mappings[i].g && g - mappings[i].g < mappings[i].nr) {
			*type = mappings[i].type;
			*at = (mappings[i].m + (g - mappings[i].g)) << PAGE_SHIFT |
			      (ipa & (PAGE_SIZE - 1));
			return true;
		}
	}
	return false;
}

uint8_t *fake_guest(const struct domain *d, ipa_t ipa)
{
	enum stage2_type type;
	maddr_t at;

	return fake_is_mapped(d, ipa, &type, &at) ? fake_ram(at) : NULL;
}

int stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	maddr_t at;

	if (!fake_is_mapped(d, gfn_to_ipa(g), type, &at)) {
		return -XEN_ENOENT;
	}
	*m = maddr_to_mfn(at);
	return 0;
}

unsigned int stage2_ipa_bits(void)
{
	return 40;
}

/* ---- domains --------------------------------------------------------------------------------- */

int domain_create(const struct domain_config *config, struct domain **result)
{
	struct domain *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->id = config->domid;
	d->is_hardware = config->is_hardware;
	d->is_32bit = config->is_32bit;
	d->evtchn_ppi = config->evtchn_ppi != 0 ? config->evtchn_ppi : GUEST_EVTCHN_PPI;
	(void)snprintf(d->name, sizeof(d->name), "%s", config->name);
	rwlock_init(&d->attr_lock, LOCK_RANK_ATTR);
	rwlock_init(&d->stage2.lock, LOCK_RANK_STAGE2);
	d->vcpu[0] = calloc(1, sizeof(*d->vcpu[0]));
	assert_non_null(d->vcpu[0]);
	d->nr_vcpus = config->nr_vcpus;
	fake_configs[fake_nr_domains] = *config;
	fake_domains[fake_nr_domains++] = d;
	if (d->is_hardware) {
		hardware_domain = d;
	}
	*result = d;
	return 0;
}

int domain_destroy(struct domain *d)
{
	if (fake_restarts > 0) {
		fake_restarts--;
		return -XEN_ERESTART;
	}
	fake_machine_note("destroy %u", d->id);
	d->state = DOMAIN_DYING;
	fake_free_frames += d->nr_pages;
	if (hardware_domain == d) {
		hardware_domain = NULL;
	}
	return 0;
}

void domain_unpause(struct domain *d)
{
	fake_machine_note("unpause %u", d->id);
	d->state = DOMAIN_RUNNING;
}

/* Its vCPUs leave their CPUs when the test says so. */
void domain_shutdown(struct domain *d, int reason)
{
	fake_machine_note("shutdown %u", d->id);
	if (d->state == DOMAIN_RUNNING) {
		d->state = DOMAIN_SHUTTING_DOWN;
	}
}

struct domain *domain_get(uint16_t domid)
{
	for (unsigned int i = 0; i < fake_nr_domains; i++) {
		if (fake_domains[i]->id == domid && fake_domains[i]->state != DOMAIN_DYING) {
			references++;
			return fake_domains[i];
		}
	}
	return NULL;
}

void domain_put(struct domain *d)
{
	references--;
}

void vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t x0)
{
	v->regs.pc = pc;
	v->regs.x[0] = x0;
	v->started = true;
}

int guest_copy_to_ipa(struct domain *d, ipa_t ipa, const void *from, size_t size)
{
	const uint8_t *at = from;

	for (size_t i = 0; i < size; i++) {
		uint8_t *to = fake_guest(d, ipa + i);

		if (to == NULL) {
			return -XEN_EFAULT;
		}
		*to = at[i];
	}
	return 0;
}

/* ---- devices --------------------------------------------------------------------------------- */

void irq_handle_pending(void)
{
	fake_machine_note("irq_handle_pending");
}

bool irq_is_registered(uint32_t intid)
{
	return intid == 33; /* the UART's */
}

int vgic_assign_physical(struct domain *d, uint32_t intid, enum gic_trigger trigger)
{
	assert_int_equal(spis[intid], -1);
	spis[intid] = (int)trigger;
	return 0;
}

int fake_spi(uint32_t intid)
{
	return spis[intid];
}

int event_alloc_unbound(struct domain *caller, uint16_t domid, uint16_t remote, uint32_t *port)
{
	*port = 7;
	return 0;
}

int vpl011_create(struct domain *d)
{
	d->vpl011 = calloc(1, sizeof(*d->vpl011));
	return 0;
}

void console_set_focus(uint16_t domid)
{
	fake_machine_note("focus %u", domid);
}

int console_fdt_node(void)
{
	return boot_info.fdt != NULL ? fdt_path_offset(boot_info.fdt, "/pl011@9000000") : -1;
}

void console_key_register(char key, const char *description, void (*action)(void))
{
	assert_int_equal(key, 'B');
	key_action = action;
}

/* ---- the boot CPU's interrupts and what they put off ----------------------------------------- */

uint32_t epoch_begin(void)
{
	fake_machine_note("epoch");
	epoch_polls = 0;
	return 5;
}

bool epoch_passed(uint32_t epoch)
{
	assert_int_equal(epoch, 5);
	return epoch_polls == 2;
}

void epoch_poll(void)
{
	lock_assert_none_held();
	epoch_polls++;
}

void gic_send_sgi_all_others(uint32_t intid)
{
	assert_int_equal(intid, INTID_SGI_KICK);
	fake_machine_note("kick others");
}

uint64_t time_ticks(void)
{
	return 1000;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns;
}

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer))
{
	timer->callback = callback;
}

void timer_set(struct timer *timer, uint64_t deadline_ticks)
{
	assert_null(armed);
	assert_in_range(deadline_ticks, 1001, 1000 + 10000000);
	armed = timer;
}

void sched_defer(void (*work)(void))
{
	assert_null(deferred);
	deferred = work;
}

void fake_press_key(void)
{
	assert_non_null(key_action);
	key_action();
}

bool fake_go_on(void)
{
	void (*work)(void) = deferred;
	struct timer *timer = armed;

	if (work != NULL) {
		deferred = NULL;
		work();
		return true;
	}
	if (timer != NULL) {
		armed = NULL;
		timer->callback(timer);
		return true;
	}
	return false;
}

/* ---- trees ----------------------------------------------------------------------------------- */

void fake_tree_begin(struct devtree_writer *w)
{
	const struct devtree_range bank = {FAKE_RAM_START, FAKE_RAM_SIZE};

	memset(fake_fdt, 0, sizeof(fake_fdt));
	devtree_start(w, fake_fdt, sizeof(fake_fdt));
	devtree_begin_node(w, "");
	devtree_prop_u32(w, "#address-cells", 2);
	devtree_prop_u32(w, "#size-cells", 2);
	devtree_prop_u32(w, "interrupt-parent", 0x8005);
	devtree_write_memory(w, &bank, 1);
}

void fake_tree_end(struct devtree_writer *w)
{
	size_t size;

	devtree_end_node(w);
	assert_int_equal(devtree_finish(w, &size), 0);
	boot_info.fdt = fake_fdt;
	gic_info.fdt_node = fdt_path_offset(fake_fdt, "/intc@8000000");
}

void fake_tree_module(struct devtree_writer *w, const char *kind, maddr_t start, uint64_t size,
		      const char *bootargs)
{
	const struct devtree_range range = {start, size};
	char compatible[64] = "multiboot,module";
	size_t length = strlen(compatible) + 1;

	if (kind != NULL) {
		strcpy(compatible + length, kind);
		length += strlen(kind) + 1;
	}
	devtree_begin_node_at(w, "module", start);
	devtree_prop(w, "compatible", compatible, length);
	devtree_prop_reg(w, &range, 1);
	if (bootargs != NULL) {
		devtree_prop_string(w, "bootargs", bootargs);
	}
	devtree_end_node(w);
}

/* ---- kernels --------------------------------------------------------------------------------- */

void fake_image_header(uint8_t *at, uint64_t text_offset, uint64_t image_size)
{
	memset(at, 0, 64);
	memcpy(at + 8, &text_offset, 8);
	memcpy(at + 16, &image_size, 8);
	memcpy(at + 56, "ARM\x64", 4);
}

size_t fake_gzip(uint8_t *to, const uint8_t *from, size_t size)
{
	static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	uint32_t crc = (uint32_t)crc32(0, from, (unsigned int)size);
	uint32_t length = (uint32_t)size;
	uint8_t *at = to;

	memcpy(at, header, sizeof(header));
	at += sizeof(header);
	while (size > 0) {
		uint16_t chunk = (uint16_t)MIN(size, (size_t)65535);
		uint16_t inverse = (uint16_t)~chunk;

		*at++ = size == chunk; /* last block; stored */
		memcpy(at, &chunk, 2);
		memcpy(at + 2, &inverse, 2);
		memcpy(at + 4, from, chunk);
		at += 4 + chunk;
		from += chunk;
		size -= chunk;
	}
	memcpy(at, &crc, 4);
	memcpy(at + 4, &length, 4);
	return (size_t)(at + 8 - to);
}
