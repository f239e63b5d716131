/* SPDX-License-Identifier: MIT */
/*
 * The output ring, and who waits for whom.
 *
 * The ring is filled under tx_lock and emptied into the FIFO at once as far as that has room; the
 * transmit interrupt takes the rest. The PL011 raises that interrupt when the FIFO drains past its
 * threshold, and what remains in the ring has filled the FIFO before, so it always comes.
 *
 *	0           RESUME      CONGESTED             GUEST_LIMIT   RING_BYTES
 *	|--------------|------------|----------------------|-------------|
 *	               guests are told: | stop writing ... | their text is  for Tenon's
 *	        go on when below RESUME                      refused        own lines
 *
 * tx_lock has rank LOG, because the log's sink is called with any lock held. It guards everything
 * here and the UART's registers except reception.
 */
#include "console/console_internal.h"

#include "arm64/cpu.h"
#include "lib/string.h"

#define RING_BYTES  16384u
#define GUEST_LIMIT 14336u
#define CONGESTED   8192u
#define RESUME      4096u
#define HELD_BYTES  4096u

/* Polls for one place in the FIFO before the UART counts as dead: 0.1 s or more. */
#define ROOM_POLLS  1000000

static struct spinlock tx_lock = SPINLOCK_INIT(LOCK_RANK_LOG);
static bool present __ro_after_init_bss;
static bool dead;
static bool use_interrupts __ro_after_init_bss;
static bool congested;

static uint8_t ring[RING_BYTES];
static uint32_t ring_head; /* next byte in; both count modulo 2^32 */
static uint32_t ring_tail; /* next byte out */

/*
 * The live line: text of the domain with the focus since its last newline. Others' lines wait in
 * held.
 */
static bool line_is_open;
static uint8_t last_live;
static char held[HELD_BYTES];
static uint32_t held_length;

static uint32_t ring_used(void)
{
	return ring_head - ring_tail;
}

/* FIFO and ring hold the rest until the interrupt. */
static void pump(void)
{
	while (ring_used() > 0 && pl011_put(ring[ring_tail % RING_BYTES])) {
		ring_tail++;
		dead = false;
	}
}

/*
 * One byte more into the FIFO, come what may. Tenon's own lines, panic, power-off; nothing that a
 * guest causes.
 */
static void wait_for_fifo(void)
{
	uint32_t tail = ring_tail;

	for (unsigned int i = 0; i < ROOM_POLLS && !dead; i++) {
		pump();
		if (ring_tail != tail || ring_used() == 0) {
			return;
		}
		cpu_relax();
	}
	/*
	 * Nobody can be told. Stop losing time to it; what is in the ring still goes out if it
	 * wakes up.
	 */
	dead = true;
	WRITE_ONCE(congested, false); /* or guests would wait for ever */
}

static void put(uint8_t byte)
{
	if (ring_used() == RING_BYTES) {
		wait_for_fifo();
		if (ring_used() == RING_BYTES) {
			return;
		}
	}
	ring[ring_head++ % RING_BYTES] = byte;
}

static void put_text(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			put('\r');
		}
		put((uint8_t)text[i]);
	}
}

/* After text was added or an interrupt came. */
static void start(void)
{
	pump();
	if (!use_interrupts || lock_is_busted()) {
		while (ring_used() > 0 && !dead) {
			wait_for_fifo();
		}
		return;
	}
	pl011_set_tx_interrupt(ring_used() > 0);
	if (ring_used() > CONGESTED && !dead) {
		WRITE_ONCE(congested, true);
	}
}

/* GUEST_LIMIT counts what is held, so there is room. */
static void release_held(void)
{
	put_text(held, held_length);
	held_length = 0;
}

static void close_line(void)
{
	if (line_is_open) {
		put_text("\n", 1);
		line_is_open = false;
	}
	release_held();
}

void console_tx_init(void)
{
	present = true;
}

void console_tx_use_interrupts(void)
{
	spin_lock(&tx_lock);
	use_interrupts = true;
	start();
	spin_unlock(&tx_lock);
}

bool console_is_congested(void)
{
	return READ_ONCE(congested);
}

void console_tx_log(const char *text, size_t length)
{
	if (!present) {
		return;
	}
	spin_lock(&tx_lock);
	close_line();
	put_text(text, length);
	start();
	spin_unlock(&tx_lock);
}

size_t console_tx_live(const char *text, size_t length)
{
	size_t taken = 0;

	if (!present) {
		return length;
	}
	spin_lock(&tx_lock);
	while (taken < length && ring_used() + held_length + 2 <= GUEST_LIMIT) {
		uint8_t byte = (uint8_t)text[taken++];

		/* Kernels write LF alone, terminals of user space CR LF. */
		if (byte == '\n' && last_live != '\r') {
			put('\r');
		}
		put(byte);
		last_live = byte;
		line_is_open = byte != '\n';
		if (!line_is_open) {
			release_held();
		}
	}
	start();
	spin_unlock(&tx_lock);
	return taken;
}

bool console_tx_line(const char *prefix, const char *text, size_t length, bool *is_held)
{
	size_t prefix_length = strlen(prefix);
	size_t needed = prefix_length + length + 2;
	bool taken = false;

	*is_held = false;
	if (!present) {
		return true;
	}
	spin_lock(&tx_lock);
	if (line_is_open && held_length + needed > HELD_BYTES) {
		close_line();
	}
	if (ring_used() + held_length + needed > GUEST_LIMIT) {
		/* refused */
	} else if (line_is_open) {
		memcpy(held + held_length, prefix, prefix_length);
		memcpy(held + held_length + prefix_length, text, length);
		held_length += (uint32_t)(prefix_length + length);
		held[held_length++] = '\n';
		*is_held = true;
		taken = true;
	} else {
		release_held();
		put_text(prefix, prefix_length);
		put_text(text, length);
		put_text("\n", 1);
		taken = true;
	}
	start();
	spin_unlock(&tx_lock);
	return taken;
}

void console_tx_break_line(void)
{
	if (!present) {
		return;
	}
	spin_lock(&tx_lock);
	close_line();
	start();
	spin_unlock(&tx_lock);
}

bool console_tx_interrupt(void)
{
	bool resumed = false;

	spin_lock(&tx_lock);
	/* Before the FIFO is filled: an interrupt that comes of filling it must stay. */
	pl011_clear_interrupts();
	start();
	if (congested && ring_used() < RESUME) {
		WRITE_ONCE(congested, false);
		resumed = true;
	}
	spin_unlock(&tx_lock);
	return resumed;
}

void console_write_emergency(const char *text, size_t length)
{
	if (!present) {
		return;
	}
	close_line();
	put_text(text, length);
	while (ring_used() > 0 && !dead) {
		wait_for_fifo();
	}
}

void console_drain(void)
{
	if (!present) {
		return;
	}
	spin_lock(&tx_lock);
	release_held();
	while (ring_used() > 0 && !dead) {
		wait_for_fifo();
	}
	pl011_wait_idle();
	spin_unlock(&tx_lock);
}
