/* SPDX-License-Identifier: MIT */
/* The keys that Tenon answers to while it has the focus. */
#include "console/console_internal.h"

#include "lib/assert.h"
#include "lib/log.h"

#define MAX_KEYS 16

struct console_key {
	char key;
	const char *description;
	void (*action)(void);
};

/* Filled before the first domain runs, read-only afterwards: no lock. */
static struct console_key keys[MAX_KEYS];
static unsigned int nr_keys;

void console_key_register(char key, const char *description, void (*action)(void))
{
	ASSERT(nr_keys < MAX_KEYS);
	if (nr_keys < MAX_KEYS) {
		keys[nr_keys++] = (struct console_key){key, description, action};
	}
}

static void print_help(void)
{
	log_always("keys:");
	log_always("  h  this list");
	for (unsigned int i = 0; i < nr_keys; i++) {
		log_always("  %c  %s", keys[i].key, keys[i].description);
	}
	log_always("  *  all that only print");
}

static bool only_prints(char key)
{
	return !(key >= 'A' && key <= 'Z');
}

void console_key_press(char key)
{
	bool known = false;

	if (key == '\r' || key == '\n') {
		return;
	}
	if (key == 'h' || key == '?') {
		print_help();
		return;
	}
	for (unsigned int i = 0; i < nr_keys; i++) {
		if (keys[i].key == key || (key == '*' && only_prints(keys[i].key))) {
			known = true;
			keys[i].action();
		}
	}
	if (!known) {
		log_always("unknown key; h lists the keys");
	}
}
