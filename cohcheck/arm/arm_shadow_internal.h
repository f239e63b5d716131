/* SPDX-License-Identifier: MIT */
/*
 * Shadow tables, inside. docs/coherency.md has the rules; arm_shadow.h what may be asked.
 *
 *   space    one geometry and set of attributes (struct arm_stage without root and ASID), in one regime; a stage 1 under a
 *            stage 2 also belongs to the stage-2 root through which it sees memory
 *   root     a table that was once in a TTBR
 *   node     the copy of one table at one level of a space; several parents are allowed (tables shared by roots, or mapped in
 *            themselves), so that the number of nodes is bounded by that of table pages
 *   chunk    the copies of eight neighbouring descriptors, allocated while one of them is valid
 *   zombie   a translation, or the way to a table, that is gone from memory and may be in a TLB
 *   domain   what TLBIs tell apart first: the regime and the VMID
 *   tag      an ASID in a domain; or its global entries (wide); or entries under an ASID that was not kept track of (any)
 *   ref      that a TLB may have entries of a root under a tag
 *   output   index of who maps an address: physical memory is one, and each stage-2 root's IPAs are another
 *
 * A link names a descriptor in a chunk or a zombie. Leaves are in the list of the address that they map, table
 * descriptors (and zombies of them) in the list of the node's parents that they lead to.
 */
#pragma once

#include <stddef.h>

#include "arm/arm_shadow.h"

typedef uint32_t link_t;
#define LINK_ZOMBIE   0x80000000u
#define CHUNK_ENTRIES 8
#define MAX_PATHS     64
#define MAX_ZOMBIES   (1u << 17)
#define MAX_BYTES     (512ull << 20) /* tables beyond it are not followed */
#define MAX_TABLES_BELOW \
	2048 /* of a new entry that are looked at again: tables may be shared without end */
#define NR_REFS        6
#define BUCKET_ENTRIES 512 /* neighbours in an index */

struct hash_link {
	struct hash_link *next;
	uint64_t key;
};

struct hash {
	struct hash_link **slots;
	uint32_t mask, count;
};

/* Elements of one size, found by a number; 0 is none. */
struct pool {
	uint8_t **blocks;
	uint32_t nr_blocks, size, free, used;
};

struct chunk {
	uint64_t value[CHUNK_ENTRIES]; /* 0: not valid */
	link_t prev[CHUNK_ENTRIES], next[CHUNK_ENTRIES];
	struct node *node;
	struct node **child; /* CHUNK_ENTRIES; NULL while no entry leads to a table */
	site_t maker;        /* the last store here that made an entry valid */
	uint32_t first;      /* index of value[0] */
	uint8_t nr_valid;
	uint8_t linked; /* entries that are in a list */
};

/* The part of a table that is in one page. */
struct table_piece {
	struct hash_link by_paddr, by_ipa;
	struct node *node;
	uint64_t paddr;
	uint32_t first, nr; /* entries */
};

struct node {
	struct space *space;
	struct root *root; /* that this is the first table of, or NULL */
	struct node *prev, *next;
	uint64_t addr; /* as descriptors and TTBRs give it */
	struct table_piece *pieces, piece;
	link_t parents;
	uint32_t nr_entries, nr_valid, nr_pieces;
	uint8_t level, shift, entry_size;
	bool detached;   /* only zombies lead here: a store to the table means nothing any more */
	bool has_global; /* somewhere below */
	bool no_exec;    /* every way here forbids execution */
	/* Memory has changed, here and below, while no CPU had a root of this installed. */
	bool behind, behind_below;
	uint32_t behind_first, behind_last;
	uint32_t chunk[];
};

struct output {
	uint32_t id;
	uint32_t count[64]; /* by log2 of the size */
	uint64_t shifts;    /* where count is not 0 */
};

struct space {
	struct space *next;
	uint32_t id;
	struct arm_stage stage; /* root, asid, vmid 0 */
	enum arm_regime regime;
	struct root *under; /* the stage 2 below this stage 1, or NULL */
	struct output *output;
	struct node *nodes;
	uint32_t nr_roots;
	bool asids;           /* two exception levels share it */
	uint64_t first_input; /* of the range: arm_stage_first_input() */
	/* Tables that were not to be found, for want of stage 2: between these IPAs. */
	uint64_t unresolved_lo, unresolved_last;
	bool unresolved;
};

struct ref {
	struct root *root;
	struct tag *tag; /* NULL: not in use */
	struct ref *prev, *next;
	uint64_t cpus; /* whose TLBs may have something */
	uint64_t now;  /* on which it is installed under this tag */
	uint64_t left; /* serial when it last was no longer */
};

struct root {
	struct hash_link hash;
	struct root *prev, *next;
	struct space *space;
	uint64_t addr;
	struct node *node;  /* NULL: not known (any more) */
	uint64_t installed; /* CPUs */
	uint64_t cached;    /* those of them with their data cache on */
	uint64_t flat;      /* stage 2: those whose stage 1 is off and Normal, HCR_EL2.DC */
	epoch_t last_live;  /* under tags that it has no ref for any more */
	epoch_t flat_until;
	bool behind;
	uint32_t nr_zombies, nr_nested; /* stage 2: spaces under it */
	struct output *ipas;            /* stage 2 */
	struct ref refs[NR_REFS];
};

struct tag {
	struct hash_link hash;
	struct tag *prev, *next; /* of the domain */
	struct domain *domain;
	enum {
		TAG_WIDE,
		TAG_ANY,
		TAG_ASID
	} kind;
	uint16_t asid;
	uint64_t installed; /* CPUs that have it installed */
	uint32_t pins;
	uint64_t current; /* those of them whose accesses through such entries are cached */
	epoch_t last_current;
	struct ref *refs;
	uint32_t zombies; /* list through scope_next */
};

struct domain {
	struct hash_link hash;
	struct domain *next;
	enum arm_regime regime;
	uint16_t vmid;
	uint32_t id, nr_zombies;
	uint32_t nr_of_asids[2]; /* zombies that have an ASID, in the lower and upper half of addresses */
	struct tag wide, any;
	struct tag *tags; /* with an ASID */
};

struct zombie {
	uint32_t scope_prev, scope_next;
	link_t prev, next;
	struct hash_link by_va;
	uint64_t va, out; /* va of stage 2: IPA */
	uint64_t value;
	uint64_t cpus; /* that may have the leaf; table: leaves below; stage 2: combined with stage 1 */
	uint64_t walkers; /* that may have the table descriptor; stage 2: the stage-2 leaf itself */
	uint64_t born, visible; /* visible: 0: the store may not have reached memory */
	uint64_t walkers_gone;  /* when the last of .walkers was */
	struct root *root;      /* NULL: free */
	struct node *child;
	struct tag *tag;
	uint32_t idx;
	site_t maker, unmaker;
	epoch_t until; /* when a CPU whose bit is gone could last use it */
	uint8_t shift, level;
	bool table, linked, executable, stage2;
};

/* One TLBI that waits for its DSB, as far as it concerns one zombie, or the refs of one tag or a whole domain. */
struct pending {
	enum {
		PENDING_ZOMBIE,
		PENDING_TAG,
		PENDING_DOMAIN
	} kind;
	uint32_t zombie;
	uint64_t serial; /* zombie: when it was born; else: when the TLBI was issued */
	struct domain *domain;
	uint16_t asid;
	bool stage2;            /* refs of stage 2, too */
	bool erase, last_level; /* of a table: leaves at [lo, last] of these CPUs */
	uint64_t cpus, walkers; /* bits to clear */
	uint64_t erase_cpus;
	uint64_t lo, last;
};

struct cpu_regime {
	struct arm_context context;
	struct root *s1[2], *s2;
	struct tag *tag;
	struct domain *domain;
	bool cached; /* data accesses through stage 1 are */
	bool flat;   /* ... and there is no stage 1, HCR_EL2.DC */
};

struct fresh {
	uint32_t zombie;
	uint64_t born;
};

struct shadow_cpu {
	struct cpu_regime regimes[NR_REGIMES];
	struct pending *pending;
	struct fresh *fresh; /* zombies whose removal this CPU's walks may not see yet */
	uint32_t nr_pending, max_pending, nr_fresh, max_fresh;
	uint64_t last_dsb;
};

struct shadow {
	struct model *model;
	const struct shadow_ops *ops;
	void *ctx;
	unsigned int nr_cpus;
	bool has_bbm2;
	uint64_t bytes, collect_at;
	uint64_t serial;     /* orders stores, TLBIs and DSBs */
	uint64_t generation; /* changes whenever a node comes or goes */
	uint32_t nr_ids;
	struct pool chunks, zombies;
	uint32_t zombie_hand;
	uint32_t nr_zombie_shifts[64];
	uint64_t zombie_shifts;
	struct hash by_paddr, by_ipa; /* pieces of tables */
	struct hash roots_hash, tags_hash, domains_hash, buckets, zombies_hash;
	struct hash gigabytes; /* of physical addresses: is there memory? */
	struct output memory;
	struct space *spaces;
	struct root *roots;
	struct domain *domains;
	struct shadow_cpu *cpus;
};

/* The ways from a table up to where it hangs, each with the input address of the table's first entry. */
struct paths {
	unsigned int nr;
	bool zombies_seen;
	struct path {
		struct root *root;
		struct zombie *zombie; /* or NULL */
		uint64_t input;
	} path[MAX_PATHS];
};

/* arm_shadow_memory.c */
void *shadow_alloc(struct shadow *shadow, size_t size); /* zeroed */
void shadow_free(struct shadow *shadow, void *p, size_t size);
uint32_t pool_alloc(struct shadow *shadow, struct pool *pool);
void pool_release(struct pool *pool, uint32_t idx);
void pool_fini(struct shadow *shadow, struct pool *pool);
void hash_add(struct shadow *shadow, struct hash *hash, struct hash_link *link, uint64_t key);
void hash_remove(struct hash *hash, struct hash_link *link);
struct hash_link *hash_first(const struct hash *hash, uint64_t key);
struct hash_link *hash_next(const struct hash_link *link); /* of the same key */
void hash_fini(struct shadow *shadow, struct hash *hash);
void hash_free(struct shadow *shadow,
	       struct hash *hash); /* with all elements, whose first member the link is */
bool array_reserve(struct shadow *shadow, void **array, uint32_t nr, uint32_t *max, size_t size);
#define hash_entry(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))
#define POOL_BLOCK_SHIFT               10
static inline void *pool_get(const struct pool *pool, uint32_t idx)
{
	return pool->blocks[idx >> POOL_BLOCK_SHIFT] +
	       (size_t)(idx & ((1u << POOL_BLOCK_SHIFT) - 1)) * pool->size;
}
static inline struct chunk *chunk_of(const struct shadow *shadow, link_t link)
{
	return pool_get(&shadow->chunks, link / CHUNK_ENTRIES);
}
static inline struct zombie *zombie_of(const struct shadow *shadow, uint32_t idx)
{
	return pool_get(&shadow->zombies, idx & ~LINK_ZOMBIE);
}
static inline unsigned int slot_of(link_t link)
{
	return link % CHUNK_ENTRIES;
}

/* arm_shadow_ref.c */
struct tag *tag_find(const struct shadow *shadow, const struct domain *domain, uint16_t asid);
struct tag *tag_get(struct shadow *shadow, struct domain *domain, uint16_t asid);
void tag_release(struct shadow *shadow, struct tag *tag); /* if nothing needs it */
struct domain *domain_find(struct shadow *shadow, enum arm_regime regime, uint16_t vmid);
void ref_add(struct shadow *shadow, struct root *root, struct tag *tag, uint64_t cpu);
void ref_clear(struct shadow *shadow, struct ref *ref, uint64_t cpus);
void ref_end(struct shadow *shadow, struct ref *ref);
/* CPUs that could use an entry of this root now; if none, until when one could. */
uint64_t root_live(const struct root *root, bool global);
epoch_t root_until(const struct shadow *shadow, const struct root *root, bool global);

/* arm_shadow_root.c */
/* Can no TLB and no walk have anything of it? */
bool root_droppable(const struct root *root);
void root_drop(struct shadow *shadow, struct root *root);
void shadow_collect(struct shadow *shadow); /* drops all that can be */

/* arm_shadow_table.c */
bool root_scan(struct shadow *shadow, struct root *root);
/* Everything below goes; pages that it mapped could be fetched until then. */
void node_free(struct shadow *shadow, struct node *node, epoch_t until);
void node_detach(struct shadow *shadow, struct node *node);
bool node_is_orphan(const struct shadow *shadow, const struct node *node);
/* Puts a valid entry into the copy and into its list; an entry that was not valid. */
void slot_enter(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value, site_t site);
/* A leaf changes in nothing that a TLB must not see two of. */
void slot_update(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value);
/* Takes an entry out of the copy and of its list. */
void slot_clear(struct shadow *shadow, struct node *node, uint32_t idx);
bool slot_linked(const struct shadow *shadow, const struct node *node, uint32_t idx);
/* Tries again to find the table that an entry leads to. */
void slot_resolve(struct shadow *shadow, struct node *node, uint32_t idx);

/* The entry stays, but its table cannot be found now. */
void slot_unlink_child(struct shadow *shadow, struct node *node, uint32_t idx);
/* A table of this space at these addresses cannot be found. */
void note_unresolved(struct space *space, uint64_t addr, uint64_t size);

/* arm_shadow_store.c */
void root_catch_up(struct shadow *shadow, struct root *root);
void node_catch_up(struct shadow *shadow, struct node *node);

/* arm_shadow_stage2.c: what a change of stage 2 does to the tables of stage 1 that lie there. */
void stage2_lost(struct shadow *shadow, struct root *stage2, uint64_t ipa, uint64_t size,
		 site_t site);
void stage2_found(struct shadow *shadow, struct root *stage2, uint64_t ipa, uint64_t size);
static inline uint64_t slot_value(const struct shadow *shadow, const struct node *node, uint32_t idx)
{
	uint32_t chunk = node->chunk[idx / CHUNK_ENTRIES];

	return chunk == 0 ? 0
			  : ((const struct chunk *)pool_get(&shadow->chunks, chunk))
				    ->value[idx % CHUNK_ENTRIES];
}
static inline struct node *slot_child(const struct shadow *shadow, const struct node *node,
				      uint32_t idx)
{
	uint32_t chunk = node->chunk[idx / CHUNK_ENTRIES];
	const struct chunk *c;

	if (chunk == 0) {
		return NULL;
	}
	c = pool_get(&shadow->chunks, chunk);
	return c->child == NULL ? NULL : c->child[idx % CHUNK_ENTRIES];
}
/* The next entry at or behind *idx that has a child, which is then in *idx; NULL: there is none. */
static inline struct node *slot_next_child(const struct shadow *shadow, const struct node *node,
					   uint32_t *idx)
{
	for (; *idx < node->nr_entries; ++*idx) {
		struct node *child = slot_child(shadow, node, *idx);

		if (child != NULL) {
			return child;
		}
		if (node->chunk[*idx / CHUNK_ENTRIES] == 0) {
			*idx |= CHUNK_ENTRIES - 1;
		}
	}
	return NULL;
}
/* What one entry maps; .output and .shift of a leaf that takes several entries are made this entry's own. */
void slot_describe(const struct node *node, uint32_t idx, uint64_t value, struct arm_descriptor *d);

/* arm_alias_index.c */
void list_push(const struct shadow *shadow, link_t *head, link_t link);
void list_remove(const struct shadow *shadow, link_t *head, link_t link);
bool output_link(struct shadow *shadow, struct output *output, uint64_t addr, unsigned int shift,
		 link_t link);
void output_unlink(struct shadow *shadow, struct output *output, uint64_t addr, unsigned int shift,
		   link_t link);
link_t output_first(const struct shadow *shadow, const struct output *output, uint64_t addr,
		    unsigned int shift);
link_t *link_prev(const struct shadow *shadow, link_t link);
link_t *link_next(const struct shadow *shadow, link_t link);

/* arm_alias.c */
void paths_up(const struct shadow *shadow, const struct node *node, struct paths *paths);
static inline uint64_t ipa_key(const struct root *stage2, uint64_t ipa)
{
	return (uint64_t)stage2->ipas->id << 40 | ipa >> PAGE_SHIFT;
}
uint64_t path_live(const struct path *path, bool global);
epoch_t path_until(const struct shadow *shadow, const struct path *path, bool global);
bool stage2_lookup(const struct shadow *shadow, const struct root *root, uint64_t ipa,
		   struct arm_descriptor *d);
/* What the model is told of each page that a leaf of this space maps. */
enum stamp {
	STAMP_GONE, /* an alias is no more, since the time given */
	STAMP_GONE_EXECUTABLE,
	STAMP_FETCHABLE
};
void alias_stamp(struct shadow *shadow, const struct space *space, uint64_t out, unsigned int shift,
		 enum stamp stamp, epoch_t until);
/* A leaf is new, or newly executable. */
void alias_fetchable(struct shadow *shadow, const struct node *node, uint32_t idx,
		     const struct arm_descriptor *d);

/* arm_zombie.c */
/* The entry is about to go. Returns how many zombies it left. */
unsigned int zombies_make(struct shadow *shadow, const struct node *node, uint32_t idx,
			  const struct arm_descriptor *d, const struct paths *paths, site_t site);
/* The whole tree of a root goes. */
void zombies_make_root(struct shadow *shadow, struct root *root, site_t site);
epoch_t zombie_until(const struct shadow *shadow, const struct zombie *zombie);
/* A zombie that forbids a new entry at this address; 0: none. */
uint32_t zombie_conflict(const struct shadow *shadow, const struct root *root,
			 const struct node *node, uint64_t va, uint32_t idx,
			 const struct arm_descriptor *is);
/* A TLBI's effect on one zombie, when the DSB has come. */
void zombie_invalidate(struct shadow *shadow, const struct pending *pending);
void zombies_forget_cpu(struct shadow *shadow, unsigned int cpu); /* its TLB is empty */
/* Not by address alone: processes have the same addresses, and the zombies of their ASIDs are many. */
static inline uint64_t zombie_key(const struct tag *tag, bool stage2, uint64_t va,
				  unsigned int shift)
{
	uint64_t scope = tag->kind == TAG_ASID ? tag->asid : 0x10000u + tag->kind;

	return (va >> shift) * 0x9e3779b97f4a7c15 ^
	       (scope | shift << 20 | (uint64_t)stage2 << 27 | (uint64_t)tag->domain->id << 28);
}
