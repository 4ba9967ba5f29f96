/* Keys with a value each, packed. */
#include "notes.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct notes *notes;

static void
begin(void)
{
	notes = notes_new();
}

static void
end(void)
{
	notes_free(notes);
}

TestSuite(notes, .init = begin, .fini = end);

Test(notes, the_last_value_counts_and_the_first_place)
{
	const char *key, *value;
	size_t at = 0;

	cr_assert_null(notes_get(notes, "a"));
	cr_assert_eq(notes_set(notes, "a", "n1"), 0);
	cr_assert_eq(notes_set(notes, "b", ""), 0);
	cr_assert_eq(notes_set(notes, "a", "b"), 0);
	cr_assert_null(notes_get(notes, "n1"), "a value is no key");
	cr_assert_str_eq(notes_get(notes, "a"), "b");
	cr_assert_str_eq(notes_get(notes, "b"), "");
	cr_assert_eq(notes_count(notes), 2);
	cr_assert(notes_next(notes, &at, &key, &value));
	cr_assert_str_eq(key, "a");
	cr_assert_str_eq(value, "b");
	cr_assert(notes_next(notes, &at, &key, &value));
	cr_assert_str_eq(key, "b");
	cr_assert_str_eq(value, "");
	cr_assert_not(notes_next(notes, &at, &key, &value));
}

Test(notes, many)
{
	const char *key, *value;
	size_t at = 0, count = 0;
	char text[32], node[32];

	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 50000; i++) {
			snprintf(text, sizeof text, "key-%d", i);
			snprintf(node, sizeof node, "node-%d", (i + turn) % 977);
			cr_assert_eq(notes_set(notes, text, node), 0);
		}
	cr_assert_eq(notes_count(notes), 50000);
	while (notes_next(notes, &at, &key, &value)) {
		snprintf(text, sizeof text, "key-%zu", count);
		snprintf(node, sizeof node, "node-%zu", (count + 1) % 977);
		cr_assert_str_eq(key, text);
		cr_assert_str_eq(value, node);
		cr_assert_str_eq(notes_get(notes, text), node);
		count++;
	}
	cr_assert_eq(count, 50000);
}

Test(notes, there_is_a_limit)
{
	static char text[1024 * 1024];
	size_t count = 0;

	memset(text, 'x', sizeof text - 1);
	do
		snprintf(text, 8, "%06zu-", count++);
	while ((text[7] = 'x', notes_set(notes, text, "n1") == 0));
	cr_assert_eq(count - 1, NOTES_TEXTS_MAX / sizeof text - 1);
	cr_assert_eq(notes_count(notes), count - 1);
	cr_assert_eq(notes_set(notes, text, "n1"), -ENOSPC);
	cr_assert_null(notes_get(notes, text));
	cr_assert_eq(notes_set(notes, "short", "n2"), 0);
}
