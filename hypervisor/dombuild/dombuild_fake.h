/* SPDX-License-Identifier: MIT */
/*
 * The machine round the boot builder, for its unit tests: RAM with windows, a frame pool, stage 2
 * as a table, domains, and the log's text. Everything else is the product's own code.
 */
#pragma once

#include "devtree/devtree.h"
#include "domain/domain.h"
#include "dombuild/dombuild_internal.h"

#define FAKE_RAM_START UINT64_C(0x40000000)
#define FAKE_RAM_PAGES 131072u /* 512 MiB, of which only touched pages cost anything */
#define FAKE_RAM_SIZE  (FAKE_RAM_PAGES * PAGE_SIZE)
#define FAKE_FDT_BYTES 65536u

/* No domains, RAM zero and free, no messages, GICv3 with 256 INTIDs at QEMU's addresses. */
void fake_reset(void);
/* Nothing that Tenon allocated is left, no window open, no lock held. */
void fake_check_leaks(void);

/* ---- RAM ------------------------------------------------------------------------------------- */
void *fake_ram(maddr_t at);
/* The bytes a domain has at ipa; NULL when nothing is mapped there. Valid within the page. */
uint8_t *fake_guest(const struct domain *d, ipa_t ipa);
/* Frames the pool has for domUs, 64 MiB at first. */
extern uint64_t fake_free_frames;
/* frame_pool_alloc(): largest order that is there; asks to be called again this many times. */
extern unsigned int fake_max_order, fake_restarts;
/* hyp_alloc() fails from this call on (UINT_MAX: never). */
extern unsigned int fake_hyp_allocs_left;
/* Only these frames are there for dom0: [first, first + nr). */
void fake_add_contiguous(uint64_t first, uint64_t nr);

/* ---- what happened --------------------------------------------------------------------------- */
extern char fake_messages[16384];
extern unsigned int fake_errors; /* messages of level LOG_ERROR */
extern unsigned int fake_nr_domains;
extern struct domain *fake_domains[DOMID_LIMIT];
extern struct domain_config fake_configs[DOMID_LIMIT];
/* Fails the test unless exactly one error was said, and it contains all these. */
#define fake_expect_one_error(...) fake_expect_error_((const char *const[]){__VA_ARGS__, NULL})
void fake_expect_error_(const char *const *parts);
bool fake_is_mapped(const struct domain *d, ipa_t ipa, enum stage2_type *type, maddr_t *at);
/* Trigger with which an SPI was assigned, or -1. */
int fake_spi(uint32_t intid);

/* ---- the key, and what interrupt handlers put off -------------------------------------------- */
void fake_press_key(void);
/* Deferred work is done, else the timer goes off; false when there was neither. */
bool fake_go_on(void);

/* ---- trees ----------------------------------------------------------------------------------- */
extern uint8_t fake_fdt[FAKE_FDT_BYTES];
/* A root with 2/2 cells and RAM; the caller adds to it, and ends root and tree with
 * fake_tree_end(). */
void fake_tree_begin(struct devtree_writer *w);
void fake_tree_end(struct devtree_writer *w);
/* A module node. kind NULL: only multiboot,module. */
void fake_tree_module(struct devtree_writer *w, const char *kind, maddr_t start, uint64_t size,
		      const char *bootargs);

/* ---- kernels --------------------------------------------------------------------------------- */
/* A 64-byte arm64 Image header. */
void fake_image_header(uint8_t *at, uint64_t text_offset, uint64_t image_size);
/* gzip of size bytes in stored blocks; returns the length of the file. */
size_t fake_gzip(uint8_t *to, const uint8_t *from, size_t size);
