/* SPDX-License-Identifier: MIT */
/*
 * What would repair a finding, by its kind and its circumstances, and in which way the harmful copy could
 * exist.
 *
 * The rules behind the advice are of the Arm ARM (DDI 0487), "Caches and memory hierarchy", "Mismatched
 * memory attributes", "Ordering and completion of data and instruction cache instructions" and "TLB
 * maintenance requirements".
 */
#include "report/report_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_kind.h"

struct advice {
	char text[1024];
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct advice *advice, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(advice->text + advice->length, sizeof(advice->text) - advice->length,
			   format, arguments);
	va_end(arguments);
	if (length > 0) {
		advice->length += (size_t)length;
		if (advice->length >= sizeof(advice->text)) {
			advice->length = sizeof(advice->text) - 1;
		}
	}
}

static bool was_invalidated(const struct cause *cause)
{
	return cause->first.line.state >> LINE_INVALIDATED_SHIFT != 0;
}

/* A hypervisor's mapping against its guest's access: the guest cannot know of it. */
static bool is_foreign_alias(const struct cause *cause)
{
	return cause->first.has_alias && cause->first.alias.state != ALIAS_AT_RESET &&
	       cause->first.alias.stage == 1 && cause->first.alias.el > cause->access.el &&
	       cause->access.what == PLACE_INSN;
}

/* Dirty data that something needs in memory: who must clean, with what, until when. */
static void advise_clean(struct advice *advice, const struct cause *cause, const char *before)
{
	char name[128];
	const char *writer = report_place_name(&cause->writer, name, sizeof(name));

	if (cause->writer.what == PLACE_LOADER) {
		say(advice,
		    "what a boot loader wrote may still be in its caches: clean and invalidate the range "
		    "(DC CIVAC for each line, then DSB SY) %s, or read it through a write-back mapping",
		    before);
	} else if (cause->first.line.state & LINE_SNAPSHOT) {
		say(advice,
		    "the clean was issued but not completed: DSB SY on the CPU that issued the DC, behind the last "
		    "DC and %s",
		    before);
	} else {
		say(advice,
		    "clean the line to the point of coherency (DC CVAC, or DC CIVAC if it will be written past the "
		    "caches, for each line; then DSB SY) after the store in %s and %s",
		    writer, before);
	}
}

/* A stale copy that may be hit: the order that keeps it from existing. */
static void advise_invalidate(struct advice *advice, const struct cause *cause, const char *before)
{
	char name[128];
	const char *writer = report_place_name(&cause->writer, name, sizeof(name));

	if (is_foreign_alias(cause)) {
		say(advice,
		    "software at EL%u keeps a cacheable mapping of memory that software at EL%u uses past the caches, "
		    "and no maintenance by the latter ends that: before handing the page over, EL%u must remove the "
		    "mapping (invalid entry, DSB, TLBI, DSB) and then clean and invalidate the page (DC CIVAC, DSB)",
		    cause->first.alias.el, cause->access.el, cause->first.alias.el);
		return;
	}
	if (cause->first.has_alias && cause->first.alias.state == ALIAS_UNTIL_TLBI) {
		say(advice,
		    "the mapping was removed, but without TLBI and DSB it stays usable: after removing it DSB, TLBI "
		    "(broadcast), DSB, and only then DC CIVAC and DSB; ");
	} else if (was_invalidated(cause)) {
		say(advice,
		    "the line was invalidated, but too early: while a cacheable mapping exists it may be fetched "
		    "again at any time; ");
	}
	say(advice,
	    "after the last store past the caches in %s, invalidate the line (DC IVAC or CIVAC, then DSB SY) %s, "
	    "or write it through a write-back mapping",
	    writer, before);
}

static void advise_read_under_dirty(struct advice *advice, const struct cause *cause)
{
	if (cause->access.what == PLACE_DEVICE) {
		advise_clean(advice, cause, "before the device is told to read it");
		return;
	}
	advise_clean(advice, cause, "before this read");
	if (cause->writer.what == PLACE_INSN && !(cause->first.line.state & LINE_SNAPSHOT)) {
		say(advice,
		    "; or read it through a write-back mapping, if this CPU's caches are on");
	}
}

static void advise_read_stale(struct advice *advice, const struct cause *cause)
{
	if (cause->writer.what == PLACE_DEVICE) {
		say(advice,
		    "the device writes memory past the caches: invalidate its buffer (DC IVAC for each line, then DSB "
		    "SY) after the device is done and before this read, besides before the transfer starts");
		return;
	}
	if (cause->access.what == PLACE_DEVICE) {
		advise_invalidate(advice, cause, "before the device reads it");
		return;
	}
	advise_invalidate(advice, cause, "before this read");
}

static void advise_lost(struct advice *advice, const struct report *report,
			const struct cause *cause)
{
	char writer_name[128], culprit_name[128];
	const char *writer = report_place_name(&cause->writer, writer_name, sizeof(writer_name));
	const char *culprit = report_place_name(&cause->culprit, culprit_name, sizeof(culprit_name));
	bool known = cause->culprit.what != PLACE_NONE;

	switch (cause->first.kind) {
	case FINDING_LOST_EVICT:
		say(advice,
		    "clean and invalidate the line (DC CIVAC, then DSB SY) after the last cached store%s%s and before "
		    "%s writes it past the caches",
		    known ? " in " : "", known ? culprit : "", writer);
		break;
	case FINDING_LOST_MERGE:
		say(advice,
		    "invalidate the line (DC IVAC or CIVAC, then DSB SY) after %s has written it past the caches and "
		    "before the cached store%s%s goes into it",
		    writer, known ? " in " : "", known ? culprit : "");
		break;
	default:
		say(advice,
		    "clean before invalidating: DC CIVAC instead of DC IVAC, or DC CVAC and DSB before it%s%s",
		    known ? ", in " : "", known ? culprit : "");
		break;
	}
	say(advice,
	    ". If both write different parts of one line, keep them apart: align and pad to %u bytes "
	    "(CTR_EL0.CWG)",
	    1u << report->hello.config.wb_shift);
}

static void advise_fetch(struct advice *advice, const struct cause *cause)
{
	switch (cause->first.kind) {
	case FINDING_FETCH_UNCLEAN:
		if (cause->first.line.state & LINE_SNAPSHOT) {
			say(advice,
			    "the clean was issued but not completed: DSB ISH behind the last DC, then IC IVAU, "
			    "DSB ISH, ISB");
			break;
		}
		say(advice,
		    "after the code is written: DC CVAU for each line, DSB ISH, IC IVAU for each line (or IC "
		    "IALLUIS), DSB ISH, and ISB on every CPU that will execute it");
		break;
	case FINDING_FETCH_NO_IC:
		say(advice,
		    "the data side is clean, the instruction side is not: IC IVAU for each line (or IC IALLUIS) "
		    "after the DSB that completes the clean, then DSB ISH, and ISB on every CPU that will "
		    "execute it");
		break;
	case FINDING_FETCH_UNDER_DIRTY:
		advise_clean(advice, cause, "before it is executed");
		say(advice,
		    "; this fetch is not cacheable, so the point of unification (DC CVAU) is not enough");
		break;
	default:
		advise_invalidate(advice, cause, "before it is executed");
		say(advice, ", and then IC IVAU, DSB ISH, ISB");
		break;
	}
}

static void advise_walk(struct advice *advice, const struct cause *cause)
{
	if (cause->first.kind == FINDING_WALK_UNDER_DIRTY) {
		advise_clean(advice, cause, "before the table walk can read it");
		say(advice,
		    "; or let walks be write-back as the stores are (TCR_ELx.IRGN and ORGN), with SCTLR_ELx.C "
		    "set");
		return;
	}
	advise_invalidate(advice, cause, "before it is walked");
	say(advice, "; or make the walks non-cacheable (TCR_ELx.IRGN and ORGN)");
}

static void advise_rule(struct advice *advice, const struct cause *cause)
{
	switch (cause->first.kind) {
	case FINDING_SET_WAY:
		say(advice,
		    "set/way is for powering a cache down with nothing else running: clean and invalidate by "
		    "address what must reach memory (DC CIVAC for each line, then DSB SY)");
		break;
	case FINDING_EXCLUSIVE:
		say(advice,
		    "exclusives and atomics are only sure to work on Normal write-back memory: turn MMU and "
		    "data cache on first, or map this memory write-back, or use no atomics here (one CPU "
		    "runs, or a protocol of plain loads and stores)");
		break;
	default:
		say(advice,
		    "write an invalid descriptor, DSB ISH, TLBI of every address that it translated, DSB ISH, "
		    "and only then the new descriptor");
		break;
	}
}

char *report_advice(const struct report *report, const struct cause *cause)
{
	struct advice advice = {.length = 0};

	switch (cause->first.kind) {
	case FINDING_READ_UNDER_DIRTY:
		advise_read_under_dirty(&advice, cause);
		break;
	case FINDING_READ_STALE:
		advise_read_stale(&advice, cause);
		break;
	case FINDING_LOST_EVICT:
	case FINDING_LOST_MERGE:
	case FINDING_LOST_INVALIDATE:
		advise_lost(&advice, report, cause);
		break;
	case FINDING_FETCH_UNCLEAN:
	case FINDING_FETCH_NO_IC:
	case FINDING_FETCH_UNDER_DIRTY:
	case FINDING_FETCH_STALE:
		advise_fetch(&advice, cause);
		break;
	case FINDING_WALK_UNDER_DIRTY:
	case FINDING_WALK_STALE:
		advise_walk(&advice, cause);
		break;
	default:
		advise_rule(&advice, cause);
		break;
	}
	return strdup(advice.text);
}

/* 4 KiB, 2 MiB ... */
static void size_words(uint64_t size, char *text, size_t room)
{
	static const char units[] = "KMGT";
	unsigned int unit = 0;

	size >>= 10;
	while (size >= 1024 && size % 1024 == 0 && unit < 3) {
		size >>= 10;
		unit++;
	}
	snprintf(text, room, "%" PRIu64 " %ciB", size, units[unit]);
}

void report_alias_words(const struct cause *cause, char *text, size_t size)
{
	const struct alias *alias = &cause->first.alias;
	char where[160], block[24], name[128];
	bool stamped = was_invalidated(cause);

	text[0] = '\0';
	if (!cause->first.has_alias) {
		return;
	}
	size_words(alias->size, block, sizeof(block));
	snprintf(where, sizeof(where), "a %s mapping at %s 0x%" PRIx64 " (EL%u stage %u, %s)",
		 report_type(alias->type), alias->stage == 2 ? "IPA" : "VA", alias->va, alias->el,
		 alias->stage, block);
	if (cause->first.kind == FINDING_BREAK_BEFORE_MAKE) {
		snprintf(text, size, "%s is replaced", where);
		return;
	}
	switch (alias->state) {
	case ALIAS_LIVE:
		snprintf(text, size, "may be fetched at any time through %s that is live", where);
		break;
	case ALIAS_UNTIL_TLBI:
		snprintf(text, size,
			 "may be fetched through %s that was removed%s%s, but no TLBI and DSB ended it",
			 where, cause->unmaker.what == PLACE_INSN ? " by " : "",
			 cause->unmaker.what == PLACE_INSN
				 ? report_place_name(&cause->unmaker, name, sizeof(name))
				 : "");
		break;
	case ALIAS_GONE:
		snprintf(text, size, "may have been fetched through a mapping that is no more%s",
			 stamped ? ": it ended after the line's last invalidation"
				 : ", and nothing has invalidated the line since");
		break;
	case ALIAS_AT_RESET:
		snprintf(text, size, "may be there since reset: nothing has invalidated the line");
		break;
	}
}
