/* SPDX-License-Identifier: MIT */
/*
 * Output of the domains: straight through for the one with the focus, by lines with a prefix for
 * the others, and a note where text was lost because a guest did not heed console_is_congested().
 *
 * Of a domain without the focus only printable text is kept: an escape sequence would act on a
 * terminal that somebody else is using, or make it answer into somebody else's input.
 */
#include "console/console_internal.h"

#include "abi/xen.h"
#include "domain/domain.h"
#include "lib/format.h"
#include "time/time.h"

#define LINE_BYTES 256 /* Linux: its version line has 220 */
#define HELD_NS    UINT64_C(100000000)

enum escape_state {
	ESCAPE_NONE,
	ESCAPE_STARTED,
	ESCAPE_SEQUENCE
};

struct line {
	bool in_use;
	uint8_t escape; /* enum escape_state */
	uint16_t domid;
	uint16_t length;
	uint32_t lost; /* characters, not yet reported */
	char text[LINE_BYTES];
};

struct spinlock console_lock = SPINLOCK_INIT(LOCK_RANK_CONSOLE);
uint16_t console_focus = DOMID_XEN;

static struct line lines[DOMID_LIMIT];
static struct timer held_timer;
static bool held_timer_runs;

static void release_held_lines(struct timer *timer)
{
	(void)timer;
	spin_lock(&console_lock);
	held_timer_runs = false;
	console_tx_break_line();
	spin_unlock(&console_lock);
}

void console_lines_init(void)
{
	timer_setup(&held_timer, release_held_lines);
}

/*
 * A domain gets its line with its first output. Few domains are ever there, so the search is short.
 */
static struct line *find_line(uint16_t domid)
{
	struct line *unused = NULL;

	for (unsigned int i = 0; i < DOMID_LIMIT; i++) {
		if (lines[i].in_use && lines[i].domid == domid) {
			return &lines[i];
		}
		if (!lines[i].in_use && unused == NULL) {
			unused = &lines[i];
		}
	}
	if (unused != NULL) {
		*unused = (struct line){.in_use = true, .domid = domid};
	}
	return unused;
}

static bool put_line(uint16_t domid, const char *text, size_t length)
{
	char prefix[16];
	bool held;
	bool taken;

	snprintf(prefix, sizeof(prefix), "(d%u) ", domid);
	taken = console_tx_line(prefix, text, length, &held);
	if (held && !held_timer_runs) {
		held_timer_runs = true;
		timer_set(&held_timer, time_ticks() + time_ns_to_ticks(HELD_NS));
	}
	return taken;
}

/* False: there is no room even for that. */
static bool report_lost(struct line *line)
{
	char note[48];
	int length;

	if (line->lost == 0) {
		return true;
	}
	length = snprintf(note, sizeof(note), "[%u characters lost: the UART is too slow]",
			  line->lost);
	if (!put_line(line->domid, note, (size_t)length)) {
		return false;
	}
	line->lost = 0;
	return true;
}

static void end_line(struct line *line)
{
	if (!report_lost(line) || !put_line(line->domid, line->text, line->length)) {
		line->lost += line->length + 1;
	}
	line->length = 0;
}

/*
 * True: the character belongs to an escape sequence (ECMA-48: ESC, or ESC [ up to a byte from 0x40
 * on).
 */
static bool is_escape(struct line *line, char c)
{
	switch (line->escape) {
	case ESCAPE_STARTED:
		line->escape = c == '[' ? ESCAPE_SEQUENCE : ESCAPE_NONE;
		return true;
	case ESCAPE_SEQUENCE:
		line->escape = c >= 0x40 && c <= 0x7e ? ESCAPE_NONE : ESCAPE_SEQUENCE;
		return true;
	default:
		if (c == 0x1b) {
			line->escape = ESCAPE_STARTED;
			return true;
		}
		return false;
	}
}

static bool is_printable(char c)
{
	return c == '\t' || ((uint8_t)c >= ' ' && c != 0x7f);
}

static void put_char(struct line *line, char c)
{
	if (is_escape(line, c)) {
		return;
	}
	if (c == '\n') {
		end_line(line);
	} else if (is_printable(c)) {
		if (line->length == LINE_BYTES) {
			end_line(line);
		}
		line->text[line->length++] = c;
	}
}

void console_write_domain(struct domain *d, const char *text, size_t length)
{
	struct line *line;

	spin_lock(&console_lock);
	line = find_line(d->id);
	if (line == NULL) {
		/* More domains than DOMID_LIMIT: cannot be. */
	} else if (d->id != console_focus) {
		for (size_t i = 0; i < length; i++) {
			put_char(line, text[i]);
		}
	} else if (report_lost(line)) {
		line->lost += (uint32_t)(length - console_tx_live(text, length));
	} else {
		line->lost += (uint32_t)length;
	}
	spin_unlock(&console_lock);
}

void console_lines_refocus(uint16_t domid)
{
	struct line *line;

	console_tx_break_line();
	console_focus = domid;
	if (domid == DOMID_XEN) {
		return;
	}
	line = find_line(domid);
	if (line != NULL && line->length > 0) {
		/* A prompt, most likely. */
		line->lost += (uint32_t)(line->length - console_tx_live(line->text, line->length));
		line->length = 0;
	}
}

void console_lines_drop(uint16_t domid)
{
	struct line *line = find_line(domid);

	if (line != NULL) {
		if (line->length > 0) {
			end_line(line);
		}
		line->in_use = false;
	}
}
