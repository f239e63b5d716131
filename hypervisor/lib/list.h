/* SPDX-License-Identifier: MIT */
/* Intrusive doubly linked list with a head node, for structures that live in Tenon's own frames. */
#pragma once

#include "lib/compiler.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct list *node, struct list *where)
{
	node->next = where;
	node->prev = where->prev;
	where->prev->next = node;
	where->prev = node;
}

static inline void list_add_tail(struct list *node, struct list *head)
{
	list_insert_before(node, head);
}

static inline void list_add_head(struct list *node, struct list *head)
{
	list_insert_before(node, head->next);
}

/*
 * The node points to itself afterwards: removing twice is harmless, and list_empty(node) says so.
 */
static inline void list_remove(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(node, head)      for (node = (head)->next; node != (head); node = node->next)
