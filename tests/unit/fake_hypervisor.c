/* SPDX-License-Identifier: MIT */
/* See fake_hypervisor.h. What is here stands for domain/, mm/, stage2/, sched/, time/, vgic/,
 * console/ and lib/log.c. */
#include "tests/unit/fake_hypervisor.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/percpu.h"
#include "console/console.h"
#include "domain/domain_share.h"
#include "event/event_internal.h"
#include "lib/log.h"
#include "mm/window.h"
#include "tests/unit/fake_machine.h"

#define IPA_BITS      40
#define MAX_MAPPINGS  256
#define MAX_TIMERS    16
#define MAX_OWN_PAGES 64

unsigned int fake_allocations_left;
unsigned int fake_pool_restarts;
void (*fake_pool_hook)(void);
unsigned int fake_pin_restarts;
enum window_attr fake_window_attr[FAKE_NR_PAGES];
DEFINE_PER_CPU(struct windows, windows); /* none is kept */
uint64_t fake_claimed_pages;
uint64_t fake_now_ns;
bool fake_vgic_pending;
struct fake_record fake_record;
static unsigned int failing_attempt;
char fake_console_output[4096];
size_t fake_console_output_length;
const char *fake_console_input;
unsigned int fake_console_congested;
struct domain *hardware_domain;
DEFINE_PER_CPU(struct vcpu *, current_vcpu);

static _Alignas(4096) unsigned char ram[FAKE_NR_PAGES][4096];
static struct frame frames[FAKE_NR_PAGES];
static unsigned int registered[FAKE_NR_PAGES];
static enum fake_access access_to[FAKE_NR_PAGES];
static struct domain *domains[FAKE_MAX_DOMAINS];
static unsigned int domain_refs[FAKE_MAX_DOMAINS];
static struct {
	struct domain *d;
	uint64_t g;
	mfn_t m;
	enum stage2_type type;
	bool holds; /* a use of the frame: domain_foreign_map_frame() */
} mappings[MAX_MAPPINGS];

static bool put_use(mfn_t m);
static int find_mapping(const struct domain *d, uint64_t g);

static void clear_mapping(int at)
{
	bool holds = mappings[at].holds;
	mfn_t m = mappings[at].m;

	memset(&mappings[at], 0, sizeof(mappings[at]));
	if (holds) {
		put_use(m);
	}
}
static unsigned int maps_until_failure;
static struct timer *timers[MAX_TIMERS];
static unsigned int own_pages;
static void *shared_pages[256];
static unsigned int windows;

/* ---- the guest's words ------------------------------------------------------------------------ */

void fake_fail_attempt(unsigned int n)
{
	failing_attempt = n;
}

bool fake_attempt_fails(void)
{
	return failing_attempt != 0 && --failing_attempt == 0;
}

/* ---- reset and leaks ------------------------------------------------------------------------ */

void fake_hypervisor_reset(void)
{
	fake_machine_reset();
	memset(ram, 0, sizeof(ram));
	memset(frames, 0, sizeof(frames));
	memset(registered, 0, sizeof(registered));
	memset(domains, 0, sizeof(domains));
	memset(domain_refs, 0, sizeof(domain_refs));
	memset(mappings, 0, sizeof(mappings));
	memset(timers, 0, sizeof(timers));
	memset(&fake_record, 0, sizeof(fake_record));
	failing_attempt = 0;
	for (unsigned int i = 0; i < FAKE_NR_PAGES; i++) {
		access_to[i] = FAKE_READ_WRITE;
	}
	hardware_domain = NULL;
	this_cpu(current_vcpu) = NULL;
	fake_allocations_left = UINT_MAX;
	fake_pool_restarts = 0;
	fake_pool_hook = NULL;
	fake_pin_restarts = 0;
	fake_claimed_pages = 0;
	maps_until_failure = 0;
	fake_now_ns = UINT64_C(1000) * 1000000000;
	fake_vgic_pending = false;
	fake_console_output_length = 0;
	fake_console_input = "";
	fake_console_congested = 0;
	own_pages = 0;
	memset(shared_pages, 0, sizeof(shared_pages));
	windows = 0;
}

void fake_hypervisor_check_leaks(void)
{
	for (unsigned int i = 0; i < FAKE_MAX_DOMAINS; i++) {
		if (domains[i] != NULL) {
			assert_int_equal(domain_refs[i], 0);
			fake_domain_destroy(domains[i]);
		}
	}
	for (unsigned int i = 0; i < FAKE_NR_PAGES; i++) {
		assert_int_equal(registered[i], 0);
		assert_int_equal(frames[i].shared_pins, 0);
		assert_true(frames[i].refs <= 1);
	}
	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		assert_null(timers[i]);
	}
	assert_int_equal(own_pages, 0);
	assert_int_equal(windows, 0);
}

static bool may_allocate(void)
{
	if (fake_allocations_left == 0) {
		return false;
	}
	if (fake_allocations_left != UINT_MAX) {
		fake_allocations_left--;
	}
	return true;
}

/* ---- domains -------------------------------------------------------------------------------- */

struct domain *fake_domain_create(uint16_t domid)
{
	struct domain *d = calloc(1, sizeof(*d));
	unsigned int slot = 0;

	assert_non_null(d);
	while (domains[slot] != NULL) {
		slot++;
		assert_true(slot < FAKE_MAX_DOMAINS);
	}
	d->id = domid;
	d->is_hardware = d->is_privileged = d->is_console = d->direct_mapped = domid == 0;
	d->state = DOMAIN_RUNNING;
	d->shutdown_reason = -1;
	d->max_pages = 100;
	d->evtchn_ppi = domid == 0 ? 16 : 31;
	d->shared_info_gfn = GFN_INVALID;
	d->created_ns = fake_now_ns;
	for (unsigned int i = 0; i < sizeof(d->handle); i++) {
		d->handle[i] = (uint8_t)(domid * 16 + i);
	}
	spin_lock_init(&d->lock, LOCK_RANK_DOMAIN);
	rwlock_init(&d->attr_lock, LOCK_RANK_ATTR);
	rwlock_init(&d->stage2.lock, LOCK_RANK_STAGE2);
	d->shared_info = hyp_alloc_shared(domid);
	assert_non_null(d->shared_info);
	domains[slot] = d;
	if (d->is_hardware) {
		hardware_domain = d;
	}
	assert_int_equal(event_domain_init(d, 1023), 0);
	assert_int_equal(grant_domain_init(d, 8, 16), 0);
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		struct vcpu *v = calloc(1, sizeof(*v));

		assert_non_null(v);
		v->domain = d;
		v->id = i;
		v->sched.state = SCHED_RUNNING;
		d->vcpu[i] = v;
		d->nr_vcpus = i + 1;
		runstate_init(v);
		event_vcpu_init(v);
	}
	if (this_cpu(current_vcpu) == NULL) {
		fake_set_current(d->vcpu[0]);
	}
	return d;
}

void fake_domain_destroy(struct domain *d)
{
	d->state = DOMAIN_DYING;
	watchdog_fini(d);
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		runstate_fini(d->vcpu[i]);
	}
	while (grant_release_mappings(d) != 0) {
	}
	event_domain_fini(d);
	grant_domain_fini(d);
	grant_domain_free(d);
	hyp_free_shared(d->shared_info);
	for (unsigned int i = 0; i < FAKE_MAX_DOMAINS; i++) {
		if (domains[i] == d) {
			assert_int_equal(domain_refs[i], 0);
			domains[i] = NULL;
		}
	}
	for (unsigned int i = 0; i < MAX_MAPPINGS; i++) {
		if (mappings[i].d == d) {
			clear_mapping((int)i);
		}
	}
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		free(d->vcpu[i]);
	}
	if (hardware_domain == d) {
		hardware_domain = NULL;
	}
	free(d);
}

void fake_set_current(struct vcpu *v)
{
	this_cpu(current_vcpu) = v;
}

/* As the real one, it takes a lock of rank DOMAIN_LIST. */
static struct spinlock list_lock = SPINLOCK_INIT(LOCK_RANK_DOMAIN_LIST);

struct domain *domain_get_next(uint16_t domid)
{
	struct domain *found = NULL;
	unsigned int slot = 0;

	spin_lock(&list_lock);
	for (unsigned int i = 0; i < FAKE_MAX_DOMAINS; i++) {
		if (domains[i] != NULL && domains[i]->id >= domid &&
		    (found == NULL || domains[i]->id < found->id)) {
			found = domains[i];
			slot = i;
		}
	}
	if (found != NULL) {
		domain_refs[slot]++;
	}
	spin_unlock(&list_lock);
	return found;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d = domain_get_next(domid);

	if (d != NULL && d->id != domid) {
		domain_put(d);
		d = NULL;
	}
	return d;
}

void domain_put(struct domain *d)
{
	bool found = false;

	spin_lock(&list_lock);
	for (unsigned int i = 0; i < FAKE_MAX_DOMAINS; i++) {
		if (domains[i] == d) {
			assert_true(domain_refs[i] > 0);
			domain_refs[i]--;
			found = true;
		}
	}
	spin_unlock(&list_lock);
	assert_true(found);
}

void domain_shutdown(struct domain *d, int reason)
{
	/* Takes the domain's lock. */
	spin_lock(&d->lock);
	fake_record.shutdowns++;
	fake_record.shutdown_domain = d;
	fake_record.shutdown_reason = reason;
	spin_unlock(&d->lock);
}

void domain_crash(struct domain *d, const char *format, ...)
{
	domain_shutdown(d, SHUTDOWN_crash);
}

/* ---- guest memory --------------------------------------------------------------------------- */

#define GVA_BASE UINT64_C(0xffff000010000000)

uint64_t fake_gva(unsigned int page)
{
	return GVA_BASE + page * PAGE_SIZE;
}

void *fake_page(unsigned int page)
{
	assert_true(page < FAKE_NR_PAGES);
	return ram[page];
}

void fake_set_access(unsigned int page, enum fake_access access)
{
	access_to[page] = access;
}

static int check_gva(uint64_t gva, size_t size, enum fake_access wanted)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t at = gva + i, page = (at - GVA_BASE) / PAGE_SIZE;

		if (at < GVA_BASE || page >= FAKE_NR_PAGES || access_to[page] < wanted) {
			return -XEN_EFAULT;
		}
	}
	return 0;
}

int guest_copy_from(void *to, uint64_t gva, size_t size)
{
	lock_assert_none_held();
	if (check_gva(gva, size, FAKE_READ_ONLY) < 0) {
		return -XEN_EFAULT;
	}
	memcpy(to, (unsigned char *)ram + (gva - GVA_BASE), size);
	return 0;
}

int guest_copy_to(uint64_t gva, const void *from, size_t size)
{
	lock_assert_none_held();
	if (check_gva(gva, size, FAKE_READ_WRITE) < 0) {
		return -XEN_EFAULT;
	}
	memcpy((unsigned char *)ram + (gva - GVA_BASE), from, size);
	return 0;
}

int guest_get_frame(uint64_t gva, mfn_t *m)
{
	lock_assert_none_held();
	if (check_gva(gva, 1, FAKE_READ_WRITE) < 0) {
		return -XEN_EFAULT;
	}
	*m = mfn(FAKE_MFN((gva - GVA_BASE) / PAGE_SIZE));
	return frame_get(*m, current_vcpu()->domain->id) ? 0 : -XEN_EFAULT;
}

/* ---- frames --------------------------------------------------------------------------------- */

static unsigned int page_of(mfn_t m)
{
	return m.raw >= FAKE_MFN(0) && m.raw < FAKE_MFN(FAKE_NR_PAGES)
		     ? (unsigned int)(m.raw - FAKE_MFN(0))
		     : FAKE_NR_PAGES;
}

struct frame *frame_of(mfn_t m)
{
	return page_of(m) < FAKE_NR_PAGES ? &frames[page_of(m)] : NULL;
}

/* Tenon's own that a guest maps too: in no frame table here. */
static bool is_shared_page(mfn_t m)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(shared_pages); i++) {
		if (shared_pages[i] != NULL && hyp_to_mfn(shared_pages[i]).raw == m.raw) {
			return true;
		}
	}
	return false;
}

bool frame_get(mfn_t m, uint16_t domid)
{
	struct frame *f = frame_of(m);

	if (is_shared_page(m)) {
		return true; /* not counted */
	}
	if (f == NULL || (f->state != FRAME_GUEST && f->state != FRAME_TENON_SHARED) ||
	    f->owner != domid) {
		return false;
	}
	f->refs++;
	return true;
}

void frame_put(mfn_t m)
{
	struct frame *f = frame_of(m);

	if (is_shared_page(m)) {
		return;
	}
	assert_non_null(f);
	assert_true(f->refs > 0);
	f->refs--;
	if (f->refs == 0) {
		memset(f, 0, sizeof(*f));
	}
}

bool frame_give_up(mfn_t m, uint16_t owner)
{
	struct frame *f = frame_of(m);
	bool last = f->refs == 1;

	assert_true(f->state == FRAME_GUEST && f->owner == owner);
	if (last) {
		frame_put(m);
	} else {
		f->order |= FRAME_GIVEN_UP;
	}
	return last;
}

static bool put_use(mfn_t m)
{
	struct frame *f = frame_of(m);
	bool last = f->refs == 2 && (f->order & FRAME_GIVEN_UP) != 0;

	frame_put(m);
	if (last) {
		frame_put(m);
	}
	return last;
}

static void claim_page(unsigned int page, uint16_t domid)
{
	assert_int_equal(frames[page].state, FRAME_FREE_DIRTY);
	frames[page] = (struct frame){.state = FRAME_GUEST, .owner = domid, .refs = 1};
}

unsigned int fake_extra_refs(unsigned int page)
{
	return frames[page].refs - 1;
}

bool fake_page_is_free(unsigned int page)
{
	return frames[page].state == FRAME_FREE_DIRTY;
}

int frame_pool_alloc(unsigned int order, uint16_t domid, mfn_t *first)
{
	unsigned int nr = 1u << order;

	if (fake_pool_hook) {
		fake_pool_hook();
	}
	if (fake_pool_restarts > 0) {
		fake_pool_restarts--;
		return -XEN_ERESTART;
	}
	if (!may_allocate()) {
		return -XEN_ENOMEM;
	}
	for (unsigned int page = 0; page + nr <= FAKE_NR_PAGES; page += nr) {
		unsigned int i = 0;

		while (i < nr && frames[page + i].state == FRAME_FREE_DIRTY) {
			i++;
		}
		if (i == nr) {
			for (i = 0; i < nr; i++) {
				claim_page(page + i, domid);
			}
			*first = mfn(FAKE_MFN(page));
			return 0;
		}
	}
	return -XEN_ENOMEM;
}

static uint64_t free_pages(void)
{
	uint64_t nr = 0;

	for (unsigned int page = 0; page < FAKE_NR_PAGES; page++) {
		nr += frames[page].state == FRAME_FREE_DIRTY ? 1 : 0;
	}
	return nr;
}

int frame_pool_claim_free(uint64_t nr)
{
	if (nr > free_pages() - fake_claimed_pages) {
		return -XEN_ENOMEM;
	}
	fake_claimed_pages += nr;
	return 0;
}

void frame_pool_unclaim(uint64_t nr)
{
	assert_true(nr <= fake_claimed_pages);
	fake_claimed_pages -= nr;
}

int frame_pool_alloc_claimed(unsigned int order, uint16_t domid, uint64_t nr_drawn, mfn_t *first)
{
	uint64_t nr = UINT64_C(1) << order;
	int ret = frame_pool_claim_free(nr - nr_drawn);

	if (ret == 0) {
		ret = frame_pool_alloc(order, domid, first);
		frame_pool_unclaim(ret == 0 ? nr : nr - nr_drawn);
	}
	return ret;
}

mfn_t frame_pool_max_mfn(void)
{
	return mfn(FAKE_MFN(FAKE_NR_PAGES - 1));
}

void *hyp_alloc(unsigned int order)
{
	void *page;

	if (!may_allocate()) {
		return NULL;
	}
	page = aligned_alloc(4096, 4096u << order);
	assert_non_null(page);
	memset(page, 0, 4096u << order);
	own_pages++;
	return page;
}

void hyp_free(void *va, unsigned int order)
{
	(void)order;
	if (va != NULL) {
		free(va);
		own_pages--;
	}
}

void *hyp_alloc_shared(uint16_t domid)
{
	void *va = hyp_alloc(0);
	unsigned int i = 0;

	(void)domid;
	if (va == NULL) {
		return NULL;
	}
	while (shared_pages[i] != NULL) {
		i++;
		assert_true(i < ARRAY_SIZE(shared_pages));
	}
	shared_pages[i] = va;
	return va;
}

void hyp_free_shared(void *va)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(shared_pages); i++) {
		if (shared_pages[i] == va) {
			shared_pages[i] = NULL;
		}
	}
	hyp_free(va, 0);
}

/* As the real ones, these take the owner's attribute lock. */
int domain_share_pin(struct domain *owner, mfn_t m)
{
	assert_true(page_of(m) < FAKE_NR_PAGES);
	assert_int_equal(frames[page_of(m)].owner, owner->id);
	assert_true(frames[page_of(m)].refs > 0);
	if (fake_pin_restarts > 0) {
		fake_pin_restarts--;
		return -XEN_ERESTART;
	}
	write_lock(&owner->attr_lock);
	frames[page_of(m)].shared_pins++;
	write_unlock(&owner->attr_lock);
	return 0;
}

void domain_share_unpin(struct domain *owner, mfn_t m)
{
	assert_int_equal(frames[page_of(m)].owner, owner->id);
	assert_true(frames[page_of(m)].refs > 0);
	assert_true(frames[page_of(m)].shared_pins > 0);
	frames[page_of(m)].shared_pins--;
}

void domain_share_unpin_now(struct domain *owner, mfn_t m)
{
	write_lock(&owner->attr_lock);
	domain_share_unpin(owner, m);
	write_unlock(&owner->attr_lock);
}

void domain_put_frame(struct domain *owner, mfn_t m)
{
	if (put_use(m)) {
		write_lock(&owner->stage2.lock);
		owner->nr_pages--;
		write_unlock(&owner->stage2.lock);
	}
}

int domain_share_register(struct domain *owner, mfn_t m, void **va)
{
	int ret;

	if (!may_allocate()) {
		return -XEN_ENOMEM;
	}
	ret = domain_share_pin(owner, m);
	if (ret == 0) {
		registered[page_of(m)]++;
		*va = ram[page_of(m)];
	}
	return ret;
}

void domain_share_unregister(struct domain *owner, mfn_t m)
{
	assert_true(registered[page_of(m)] > 0);
	registered[page_of(m)]--;
	domain_share_unpin(owner, m);
}

int domain_foreign_map_frame(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m,
			     enum stage2_type type)
{
	int ret;

	spin_lock(&mapper->lock);
	ret = stage2_map(mapper, g, m, 1, type);
	if (ret == 0) {
		/* Tenon's own frames, a grant table's, are not counted here. */
		mappings[find_mapping(mapper, g.raw)].holds = frame_of(m) != NULL;
	}
	spin_unlock(&mapper->lock);
	return ret;
}

int domain_foreign_map(struct domain *mapper, gfn_t g, struct domain *owner, gfn_t owner_gfn)
{
	enum stage2_type type;
	mfn_t m;
	int ret = stage2_get_frame(owner, owner_gfn, &m, &type);

	if (ret < 0) {
		return -XEN_EINVAL;
	}
	ret = domain_foreign_map_frame(mapper, g, owner, m, STAGE2_FOREIGN_RW);
	if (ret < 0) {
		frame_put(m);
	}
	return ret;
}

void *window_map(mfn_t m, enum window_attr attr)
{
	assert_true(page_of(m) < FAKE_NR_PAGES);
	windows++;
	fake_window_attr[page_of(m)] = attr;
	return ram[page_of(m)];
}

void *window_map_of(mfn_t m, enum window_attr attr, uint16_t owner)
{
	assert_int_equal(frame_of(m)->owner, owner);
	return window_map(m, attr);
}

void window_unmap(const void *va)
{
	(void)va;
	windows--;
}

/* ---- stage 2 -------------------------------------------------------------------------------- */

unsigned int stage2_ipa_bits(void)
{
	return IPA_BITS;
}

enum window_attr stage2_attr_window(const struct domain *owner, const struct frame *f)
{
	(void)f;
	return owner->warm ? WINDOW_WB : WINDOW_NC;
}

static int find_mapping(const struct domain *d, uint64_t g)
{
	for (int i = 0; i < MAX_MAPPINGS; i++) {
		if (mappings[i].d == d && mappings[i].g == g) {
			return i;
		}
	}
	return -1;
}

void fake_map(struct domain *d, uint64_t g, mfn_t m, enum stage2_type type)
{
	int i = find_mapping(d, g);

	if (i < 0) {
		i = find_mapping(NULL, 0);
	}
	assert_true(i >= 0);
	clear_mapping(i);
	mappings[i].d = d;
	mappings[i].g = g;
	mappings[i].m = m;
	mappings[i].type = type;
}

bool fake_is_mapped(struct domain *d, uint64_t g, mfn_t *m, enum stage2_type *type)
{
	return stage2_lookup(d, gfn(g), m, type) == 0;
}

void fake_fail_map_after(unsigned int nr)
{
	maps_until_failure = nr;
}

int stage2_prepare(struct domain *d, gfn_t g, uint64_t nr)
{
	assert_true(nr <= 512 && g.raw + nr <= UINT64_C(1) << (IPA_BITS - PAGE_SHIFT));
	return 0;
}

int stage2_map(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, enum stage2_type type)
{
	assert_true(g.raw + nr <= UINT64_C(1) << (IPA_BITS - PAGE_SHIFT));
	write_lock(&d->stage2.lock);
	if (maps_until_failure != 0 && maps_until_failure <= nr) {
		maps_until_failure = 0;
		write_unlock(&d->stage2.lock);
		return -XEN_ENOMEM; /* all of so few, or none */
	}
	maps_until_failure -= maps_until_failure != 0 ? nr : 0;
	for (uint64_t i = 0; i < nr; i++) {
		int at = find_mapping(d, g.raw + i);

		/* S3: hc_reservation.c has let go of these. */
		assert_false(d->direct_mapped && type == STAGE2_RAM && at >= 0 &&
			     (mappings[at].type == STAGE2_FOREIGN_RW ||
			      mappings[at].type == STAGE2_FOREIGN_RO));
		fake_map(d, g.raw + i, mfn_add(m, i), type);
	}
	write_unlock(&d->stage2.lock);
	return 0;
}

int stage2_unmap(struct domain *d, gfn_t g, uint64_t nr)
{
	write_lock(&d->stage2.lock);
	for (uint64_t i = 0; i < nr; i++) {
		int at = find_mapping(d, g.raw + i);

		if (at >= 0) {
			clear_mapping(at);
		}
	}
	write_unlock(&d->stage2.lock);
	return 0;
}

int stage2_map_grant(struct domain *d, gfn_t g, mfn_t m, bool readonly)
{
	return stage2_map(d, g, m, 1, readonly ? STAGE2_GRANT_RO : STAGE2_GRANT_RW);
}

int stage2_unmap_grant(struct domain *d, gfn_t g, mfn_t m)
{
	int ret = 0;
	int at;

	write_lock(&d->stage2.lock);
	at = find_mapping(d, g.raw);
	if (at >= 0) {
		if ((mappings[at].type == STAGE2_GRANT_RW || mappings[at].type == STAGE2_GRANT_RO) &&
		    mappings[at].m.raw == m.raw) {
			memset(&mappings[at], 0, sizeof(mappings[at]));
		} else {
			ret = -XEN_EILSEQ;
		}
	}
	write_unlock(&d->stage2.lock);
	return ret;
}

int stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	int i;

	read_lock(&d->stage2.lock);
	i = find_mapping(d, g.raw);
	if (i >= 0) {
		*m = mappings[i].m;
		*type = mappings[i].type;
	}
	read_unlock(&d->stage2.lock);
	return i >= 0 ? 0 : -XEN_ENOENT;
}

int stage2_get_frame(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	int ret = stage2_lookup(d, g, m, type);

	if (ret == 0 && ((*type != STAGE2_RAM && *type != STAGE2_SHARED) || !frame_get(*m, d->id))) {
		ret = -XEN_EINVAL;
	}
	return ret;
}

mfn_t stage2_find_frame(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;

	if (stage2_get_frame(d, g, &m, &type) != 0) {
		return MFN_INVALID;
	}
	frame_put(m);
	return m;
}

gfn_t stage2_max_gfn(struct domain *d)
{
	uint64_t max = 0;

	for (unsigned int i = 0; i < MAX_MAPPINGS; i++) {
		if (mappings[i].d == d) {
			max = MAX(max, mappings[i].g);
		}
	}
	return gfn(max);
}

void fake_give_page(struct domain *d, unsigned int page, uint64_t g)
{
	claim_page(page, d->id);
	fake_map(d, g, mfn(FAKE_MFN(page)), STAGE2_RAM);
	d->nr_pages++;
}

/* ---- scheduler, interrupts, time ------------------------------------------------------------ */

/* These take locks of inner ranks. */
static struct spinlock sched_lock = SPINLOCK_INIT(LOCK_RANK_SCHED);
static struct spinlock vgic_lock = SPINLOCK_INIT(LOCK_RANK_VCPU_VGIC);

void sched_wake(struct vcpu *v)
{
	spin_lock(&sched_lock);
	fake_record.wakes[v->id]++;
	spin_unlock(&sched_lock);
}

void sched_wake_soon(struct vcpu *v)
{
	fake_record.wakes_soon++;
	sched_wake(v);
}

void sched_block_prepare(struct vcpu *v)
{
	(void)v;
}

void sched_block(struct vcpu *v)
{
	assert_ptr_equal(v, current_vcpu());
	fake_record.blocks++;
}

void sched_wait_for_wake_up(struct vcpu *v)
{
	assert_ptr_equal(v, current_vcpu());
	fake_record.blocks++;
}

int sched_pin(struct vcpu *v, unsigned int cpu)
{
	assert_ptr_equal(v, current_vcpu());
	if (cpu >= 4) {
		return -XEN_EINVAL;
	}
	if (v->sched.pinned) {
		return -XEN_EBUSY;
	}
	v->sched.pinned = true;
	return 0;
}

int sched_unpin(struct vcpu *v)
{
	int ret = v->sched.pinned ? 0 : -XEN_EINVAL;

	v->sched.pinned = false;
	return ret;
}

void sched_yield(struct vcpu *v)
{
	assert_ptr_equal(v, current_vcpu());
	fake_record.yields++;
}

void vgic_pulse(struct domain *d, struct vcpu *v, uint32_t vintid)
{
	assert_ptr_equal(v->domain, d);
	spin_lock(&vgic_lock);
	fake_record.pulses[v->id]++;
	fake_record.last_pulse_intid = vintid;
	spin_unlock(&vgic_lock);
}

bool vgic_has_pending(struct vcpu *v)
{
	(void)v;
	return fake_vgic_pending;
}

uint64_t time_now_ns(void)
{
	return fake_now_ns;
}

uint64_t time_ticks(void)
{
	return fake_now_ns / 16;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns / 16;
}

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer))
{
	timer->callback = callback;
}

void timer_set(struct timer *timer, uint64_t deadline_ticks)
{
	unsigned int i = 0;

	assert_non_null(timer->callback);
	timer_cancel(timer);
	while (timers[i] != NULL) {
		i++;
		assert_true(i < MAX_TIMERS);
	}
	timers[i] = timer;
	timer->deadline_ticks = deadline_ticks;
}

void timer_cancel(struct timer *timer)
{
	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		if (timers[i] == timer) {
			timers[i] = NULL;
		}
	}
}

void timer_cancel_sync(struct timer *timer)
{
	lock_assert_none_held();
	timer_cancel(timer);
}

bool fake_timer_is_set(const struct timer *timer)
{
	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		if (timers[i] == timer) {
			return true;
		}
	}
	return false;
}

void fake_run_timers(void)
{
	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		struct timer *timer = timers[i];

		if (timer != NULL && timer->deadline_ticks <= time_ticks()) {
			timers[i] = NULL;
			timer->callback(timer);
		}
	}
}

/* ---- console and log ------------------------------------------------------------------------ */

void console_write_domain(struct domain *d, const char *text, size_t length)
{
	(void)d;
	lock_assert_none_held();
	/* What has no room is dropped, as on a console that is behind. */
	length = MIN(length, sizeof(fake_console_output) - fake_console_output_length);
	memcpy(fake_console_output + fake_console_output_length, text, length);
	fake_console_output_length += length;
}

bool console_is_congested(void)
{
	if (fake_console_congested == 0) {
		return false;
	}
	fake_console_congested--;
	return true;
}

size_t console_read_domain(struct domain *d, char *buffer, size_t size)
{
	size_t length = MIN(strlen(fake_console_input), size);

	(void)d;
	memcpy(buffer, fake_console_input, length);
	fake_console_input += length;
	return length;
}

void log_guest(unsigned int domid, const char *format, ...)
{
	(void)domid;
	(void)format;
	fake_record.guest_messages++;
}
