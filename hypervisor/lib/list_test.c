/* SPDX-License-Identifier: MIT */
/* The intrusive list. */
#include "lib/list.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct item {
	int value;
	struct list link;
};

static void order_is_kept_and_removal_is_idempotent(void **state)
{
	struct list head = LIST_INIT(head);
	struct item items[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 0}};
	struct list *node;
	int expected = 0;

	(void)state;
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++) {
		list_add_tail(&items[i].link, &head);
	}
	list_add_head(&items[3].link, &head);
	list_for_each(node, &head) {
		assert_int_equal(list_entry(node, struct item, link)->value, expected++);
	}
	assert_int_equal(expected, 4);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_true(list_empty(&items[1].link));
	assert_ptr_equal(items[0].link.next, &items[2].link);
	list_insert_before(&items[1].link, &items[2].link);
	assert_ptr_equal(items[0].link.next, &items[1].link);
	assert_ptr_equal(head.prev, &items[2].link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_kept_and_removal_is_idempotent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
