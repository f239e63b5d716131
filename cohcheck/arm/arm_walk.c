/* SPDX-License-Identifier: MIT */
/*
 * The walk. Arm ARM (DDI 0487), chapter D8: "Translation process", "Stage 1 and stage 2 memory attribute
 * combination", "The effects of disabling an address translation stage"; G5 for AArch32.
 *
 * The tables are the guest's and may be anything: every walk is bounded by the number of levels, and every
 * descriptor is read through the callback.
 */
#include "arm/arm_regime.h"

#include <string.h>

#include "arm/arm_internal.h"

/* Where nothing translates: all addresses at once. */
#define FLAT_SHIFT 52

struct walk {
	const struct arm_context *context;
	const struct arm_walk_ops *ops;
	void *ctx;
};

/* Where one stage's walk ended. */
struct walk_leaf {
	struct arm_descriptor desc;
	struct arm_permissions allowed;
	uint64_t value;
	uint8_t level;
};

static enum arm_walk_result walk_stage(const struct walk *walk, const struct arm_stage *stage,
				       uint64_t input, struct walk_leaf *leaf);

static uint64_t output_at(const struct arm_descriptor *leaf, uint64_t input)
{
	return leaf->output | (input & below(leaf->shift));
}

static uint8_t combine(uint8_t s1, const struct arm_descriptor *s2, bool cached)
{
	return attr_cached_if(s2->s2_override ? s2->attr : attr_weaker(s1, s2->attr), cached);
}

/* Where stage 1's tables are, and the type that the walk has there. */
static enum arm_walk_result locate_table(const struct walk *walk, const struct arm_stage *stage,
					 uint64_t *paddr, uint8_t *attr)
{
	struct walk_leaf s2;
	enum arm_walk_result result;

	*attr = stage->walk_attr;
	if (stage->stage == 2 || !walk->context->s2.enabled) {
		return WALK_OK;
	}
	result = walk_stage(walk, &walk->context->s2, *paddr, &s2);
	if (result != WALK_OK) {
		return result;
	}
	if (!s2.allowed.readable || (walk->context->protected_walks && s2.desc.type == MEM_DEVICE)) {
		return WALK_FAULT_S2;
	}
	*paddr = output_at(&s2.desc, *paddr);
	*attr = combine(*attr, &s2.desc, walk->context->stage2_data_cached);
	return WALK_OK;
}

static enum arm_walk_result fault_of(const struct arm_stage *stage)
{
	return stage->stage == 2 ? WALK_FAULT_S2 : WALK_FAULT_S1;
}

/* Reads the descriptor for an input address in a table. */
static enum arm_walk_result read_descriptor(const struct walk *walk, const struct arm_stage *stage,
					    unsigned int level, uint64_t table, uint64_t input,
					    uint64_t *value)
{
	unsigned int shift = arm_level_shift(stage, level);
	unsigned int size = arm_descriptor_size(stage);
	uint64_t paddr = table + (input >> shift & (arm_table_entries(stage, level) - 1u)) * size;
	uint8_t attr;
	enum arm_walk_result result = locate_table(walk, stage, &paddr, &attr);

	if (result != WALK_OK) {
		return result;
	}
	if (!walk->ops->read(walk->ctx, paddr, size, value)) {
		return WALK_NO_MEMORY;
	}
	if (walk->ops->descriptor) {
		walk->ops->descriptor(walk->ctx, stage, level, input & ~below(shift), paddr, size,
				      arm_attr_type(attr), *value);
	}
	return WALK_OK;
}

/*
 * Without an access flag, or in a domain of no access, it faults; with other permissions missing, only some
 * accesses.
 */
static bool leaf_faults(const struct arm_stage *stage, const struct arm_descriptor *desc)
{
	return !desc->access_flag || (stage->format == ARM_VMSA32_SHORT && !desc->accessible);
}

static enum arm_walk_result walk_stage(const struct walk *walk, const struct arm_stage *stage,
				       uint64_t input, struct walk_leaf *leaf)
{
	unsigned int level = stage->start_level, tables = 0;
	uint64_t table = stage->root;

	leaf->level = stage->start_level;
	if (!stage->enabled || stage->ia_bits == 0 ||
	    (stage->stage == 2 && input >> stage->ia_bits)) {
		return fault_of(stage);
	}
	/* At the last level nothing is a table. */
	for (;;) {
		enum arm_walk_result result =
			read_descriptor(walk, stage, level, table, input, &leaf->value);

		leaf->level = (uint8_t)level;
		if (result != WALK_OK) {
			return result;
		}
		arm_describe(&leaf->desc, stage, level, leaf->value);
		if (leaf->desc.kind != DESC_TABLE) {
			break;
		}
		if (stage->format != ARM_VMSA32_SHORT) {
			tables |= ARM_HIERARCHICAL(leaf->value);
		} else if (leaf->desc.accessible) {
			tables = bit(leaf->value, 2); /* PXN */
		} else {
			return fault_of(stage);
		}
		table = leaf->desc.output;
		level = (uint8_t)(level + 1); /* ARM_LEVEL_MINUS_1 to 0 */
	}
	if (leaf->desc.kind == DESC_INVALID || leaf_faults(stage, &leaf->desc)) {
		return fault_of(stage);
	}
	arm_leaf_permissions(&leaf->allowed, stage, level, leaf->value, tables);
	return WALK_OK;
}

/* ---- Which range ---- */

/* VMSAv8-64. NULL: in neither. *va loses its tag. */
static const struct arm_stage *range64(const struct arm_context *context, uint64_t *va)
{
	const struct arm_stage *stage = &context->s1[context->s1[0].user && bit(*va, 55)];

	if (stage->tbi) {
		*va = stage->top ? *va | ~below(56) : *va & below(56);
	}
	return (stage->top ? ~*va : *va) >> stage->ia_bits ? NULL : stage;
}

/* Arm ARM, "Determining the translation table base address in the VMSAv8-32 translation regimes". */
static const struct arm_stage *range32(const struct arm_context *context, uint64_t *va)
{
	const struct arm_stage *lower = &context->s1[0], *upper = &context->s1[1];
	bool in_lower;

	*va &= below(32);
	in_lower = *va >> lower->ia_bits == 0;
	if (lower->format == ARM_VMSA32_SHORT) {
		return in_lower ? lower : upper;
	}
	if (upper->ia_bits < 32 && *va >= arm_stage_first_input(upper)) {
		return upper;
	}
	if (in_lower) {
		return lower;
	}
	return upper->ia_bits == 32 ? upper : NULL;
}

static const struct arm_stage *range_of(const struct arm_context *context, uint64_t *va)
{
	return context->s1[0].format == ARM_VMSA64 ? range64(context, va) : range32(context, va);
}

/* ---- Both stages ---- */

/* The attributes that stage 1 gives to each kind of access. */
struct walk_attrs {
	uint8_t data, fetch, alias;
};

static void stage1_off(const struct arm_context *context, struct arm_translation *result,
		       struct walk_attrs *attrs)
{
	if (context->default_cacheable) {
		attrs->data = attrs->fetch = attrs->alias = ATTR_WB;
	} else {
		attrs->data = attrs->alias = ATTR_DEVICE;
		attrs->fetch = context->insns_cached ? ATTR_WT : ATTR_NC;
	}
	result->shift = FLAT_SHIFT;
	result->readable = result->writable = result->executable = true;
	result->global = true;
}

static enum arm_walk_result stage1_on(const struct walk *walk, uint64_t *va,
				      struct arm_translation *result, struct walk_attrs *attrs,
				      uint8_t *exec)
{
	const struct arm_context *context = walk->context;
	const struct arm_stage *stage = range_of(context, va);
	struct walk_leaf leaf;
	enum arm_walk_result walked;

	if (!stage) {
		result->level = context->s1[0].start_level;
		return WALK_FAULT_S1;
	}
	walked = walk_stage(walk, stage, *va, &leaf);
	result->level = leaf.level;
	if (walked != WALK_OK) {
		return walked;
	}
	result->descriptor = leaf.value;
	result->ipa = output_at(&leaf.desc, *va);
	result->shift = leaf.desc.shift;
	result->readable = leaf.allowed.readable;
	result->writable = leaf.allowed.writable;
	result->global = leaf.desc.global;
	result->contiguous = leaf.desc.contiguous;
	*exec = leaf.allowed.exec;
	attrs->alias = leaf.desc.attr;
	attrs->data = attr_cached_if(leaf.desc.attr, context->data_cached);
	attrs->fetch = attr_cached_if(leaf.desc.attr, context->insns_cached);
	return WALK_OK;
}

static enum arm_walk_result stage2_of(const struct walk *walk, struct arm_translation *result,
				      const struct walk_attrs *attrs, uint8_t exec)
{
	const struct arm_context *context = walk->context;
	struct walk_leaf leaf;
	enum arm_walk_result walked = walk_stage(walk, &context->s2, result->ipa, &leaf);

	if (walked != WALK_OK) {
		return walked;
	}
	result->paddr = output_at(&leaf.desc, result->ipa);
	if (leaf.desc.shift < result->shift) {
		result->shift = leaf.desc.shift;
	}
	result->readable &= leaf.allowed.readable;
	result->writable &= leaf.allowed.writable;
	result->executable = exec & leaf.allowed.exec;
	result->data = arm_attr_type(combine(attrs->data, &leaf.desc, context->stage2_data_cached));
	result->fetch =
		arm_attr_type(combine(attrs->fetch, &leaf.desc, context->stage2_insns_cached));
	result->alias = arm_attr_type(combine(attrs->alias, &leaf.desc, true));
	return WALK_OK;
}

/* From addresses of the access to those of the block around it. */
static void start_of_block(struct arm_translation *result)
{
	uint64_t mask = ~below(result->shift);

	result->va &= mask;
	result->ipa &= mask;
	result->paddr &= mask;
}

static enum arm_walk_result finish(const struct walk *walk, struct arm_translation *result,
				   const struct walk_attrs *attrs, uint8_t exec)
{
	enum arm_walk_result walked = WALK_OK;

	if (walk->context->s2.enabled) {
		walked = stage2_of(walk, result, attrs, exec);
	} else {
		result->paddr = result->ipa;
		result->executable = exec != 0;
		result->data = arm_attr_type(attrs->data);
		result->fetch = arm_attr_type(attrs->fetch);
		result->alias = arm_attr_type(attrs->alias);
	}
	start_of_block(result);
	return walked;
}

enum arm_walk_result arm_translate(const struct arm_context *context, uint64_t va,
				   const struct arm_walk_ops *ops, void *ctx,
				   struct arm_translation *result)
{
	const struct walk walk = {context, ops, ctx};
	struct walk_attrs attrs;
	uint8_t exec = EXEC_PRIV | EXEC_USER;

	memset(result, 0, sizeof(*result));
	result->va = va;
	if (context->s1_on) {
		enum arm_walk_result walked = stage1_on(&walk, &va, result, &attrs, &exec);

		if (walked != WALK_OK) {
			return walked;
		}
		result->va = va;
	} else {
		/* The top byte may be a tag; what is left must be an address (Address size fault). */
		if ((va & below(56)) >> context->pa_bits) {
			return WALK_FAULT_S1;
		}
		stage1_off(context, result, &attrs);
		result->ipa = va & below(56);
	}
	return finish(&walk, result, &attrs, exec);
}

enum arm_walk_result arm_translate_ipa(const struct arm_context *context, uint64_t ipa,
				       const struct arm_walk_ops *ops, void *ctx,
				       struct arm_translation *result)
{
	const struct walk walk = {context, ops, ctx};
	const struct walk_attrs attrs = {ATTR_WB, ATTR_WB, ATTR_WB};

	memset(result, 0, sizeof(*result));
	result->va = result->ipa = ipa;
	result->shift = FLAT_SHIFT;
	result->readable = result->writable = true;
	return finish(&walk, result, &attrs, EXEC_PRIV | EXEC_USER);
}
