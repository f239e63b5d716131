/* SPDX-License-Identifier: MIT */
/*
 * The log: lines are formatted, kept in a ring and handed to the sink. Messages that guests cause
 * pass a token bucket per domain first, filled from the system counter.
 *
 * log_lock guards the ring and the buckets. The sink is called without it, since the UART has a
 * lock of its own of the same rank: lines of two CPUs may therefore stand in another order on the
 * UART than in the ring.
 */
#include "lib/log.h"

#include "arm64/atomic.h"
#include "arm64/sysreg.h"
#include "lib/format.h"
#include "lib/lock.h"
#include "lib/string.h"

#define RING_BYTES  16384u
#define LINE_BYTES  256
#define PREFIX      "(Tenon) "

#define GUEST_BURST 10
#define NR_BUCKETS  64
#define FALLBACK_HZ 1000000 /* firmware that left CNTFRQ_EL0 empty */

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);
static char ring[RING_BYTES];
/*
 * Bytes ever written and ever passed to a sink, modulo 2^32: the position of a byte is its index.
 */
static uint32_t ring_head;
static uint32_t ring_shown;
static bool ring_wrapped;
static enum log_level max_level = LOG_INFO;
static void (*log_sink)(const char *text, size_t length);

/* Domains whose numbers collide share a bucket, which only makes it stricter. */
struct bucket {
	uint64_t refilled_ticks;
	uint32_t spent; /* tokens taken, so that all-zero is a full bucket */
	uint32_t dropped;
};
static struct bucket buckets[NR_BUCKETS];

static const char *const level_prefix[] = {
	[LOG_ALWAYS] = "", [LOG_ERROR] = "error: ", [LOG_WARNING] = "warning: ",
	[LOG_INFO] = "",   [LOG_DEBUG] = "",
};

static uint32_t oldest(void)
{
	return ring_wrapped ? ring_head - RING_BYTES : 0;
}

static void ring_put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		ring[ring_head++ % RING_BYTES] = text[i];
		ring_wrapped = ring_wrapped || ring_head >= RING_BYTES;
	}
}

static size_t ring_get(char *buffer, size_t size, uint32_t *index)
{
	size_t length = 0;

	if (ring_head - *index > ring_head - oldest()) {
		*index = oldest();
	}
	while (length < size && *index != ring_head) {
		buffer[length++] = ring[(*index)++ % RING_BYTES];
	}
	return length;
}

/* Ends the line, keeps it and shows it. text has room for the newline. */
static void emit(char *text, size_t length)
{
	void (*sink)(const char *, size_t);

	text[length++] = '\n';
	spin_lock(&log_lock);
	ring_put(text, length);
	sink = log_sink;
	if (sink != NULL) {
		ring_shown = ring_head;
	}
	spin_unlock(&log_lock);
	if (sink != NULL) {
		sink(text, length);
	}
}

/* Length of what is in the buffer after a call of snprintf for size bytes. */
static size_t formatted(int length, size_t size)
{
	return length < 0 ? 0 : MIN((size_t)length, size - 1);
}

__printf(3, 0) static void write_line(enum log_level level, const char *who, const char *format,
				      va_list args)
{
	char line[LINE_BYTES + 1];
	size_t length;

	length = formatted(snprintf(line, LINE_BYTES, PREFIX "%s%s", level_prefix[level], who),
			   LINE_BYTES);
	length += formatted(vsnprintf(line + length, LINE_BYTES - length, format, args),
			    LINE_BYTES - length);
	emit(line, length);
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > max_level) {
		return;
	}
	va_start(args, format);
	write_line(level, "", format, args);
	va_end(args);
}

static bool take_token(unsigned int domid, uint32_t *dropped)
{
	struct bucket *bucket = &buckets[domid % NR_BUCKETS];
	uint64_t now = sysreg_read(CNTPCT_EL0);
	uint64_t hz = sysreg_read(CNTFRQ_EL0);
	bool taken = false;
	uint64_t refill;

	if (hz == 0) {
		hz = FALLBACK_HZ;
	}
	spin_lock(&log_lock);
	refill = (now - bucket->refilled_ticks) / hz;
	if (refill >= bucket->spent) {
		bucket->spent = 0;
		bucket->refilled_ticks = now;
	} else {
		bucket->spent -= (uint32_t)refill;
		bucket->refilled_ticks += refill * hz;
	}
	if (bucket->spent < GUEST_BURST) {
		bucket->spent++;
		*dropped = bucket->dropped;
		bucket->dropped = 0;
		taken = true;
	} else {
		bucket->dropped++;
	}
	spin_unlock(&log_lock);
	return taken;
}

void log_guest(unsigned int domid, const char *format, ...)
{
	char who[16];
	uint32_t dropped;
	va_list args;

	if (!take_token(domid, &dropped)) {
		return;
	}
	snprintf(who, sizeof(who), "d%u: ", domid);
	if (dropped != 0) {
		log_write(LOG_INFO, "%s%u messages about this domain were left out", who, dropped);
	}
	va_start(args, format);
	write_line(LOG_INFO, who, format, args);
	va_end(args);
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_sink(void (*sink)(const char *text, size_t length))
{
	char chunk[64];
	size_t length;

	/* What was logged before there was a sink. Boot is still on one CPU. */
	do {
		spin_lock(&log_lock);
		length = ring_get(chunk, sizeof(chunk), &ring_shown);
		log_sink = sink;
		spin_unlock(&log_lock);
		if (length > 0 && sink != NULL) {
			sink(chunk, length);
		}
	} while (length > 0 && sink != NULL);
}

size_t log_read(char *buffer, size_t size, uint32_t *index)
{
	size_t length;

	spin_lock(&log_lock);
	length = ring_get(buffer, size, index);
	spin_unlock(&log_lock);
	return length;
}
