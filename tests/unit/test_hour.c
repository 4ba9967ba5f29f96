/* The parts of an hour. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "hour.h"

static struct hour *hour;
static struct parts parts;

static void
begin(void)
{
	hour = hour_new("2026112100");
}

static void
end(void)
{
	parts_clear(&parts);
	hour_free(hour);
}

TestSuite(hour, .init = begin, .fini = end);

static struct json_object *
member(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return value;
}

static const char *
text(struct json_object *json, const char *key)
{
	struct json_object *value = member(json, key);

	return value != NULL ? json_object_get_string(value) : NULL;
}

static const char *
data(size_t part, const char *key)
{
	return text(member(parts.objects[part], "data"), key);
}

static size_t
changed(void)
{
	size_t count = 0;

	for (size_t i = 0; i < parts.count; i++)
		count += parts.changed[i];
	return count;
}

/* What was changed has been written. */
static void
written(void)
{
	memset(parts.changed, 0, sizeof parts.changed);
}

static void
note_many(int from, int to, const char *node)
{
	for (int i = from; i < to; i++) {
		char pod[64];

		snprintf(pod, sizeof pod, "pod-with-a-name-of-usual-length-%05d", i);
		cr_assert_eq(hour_note(hour, "namespace", pod, node), 0);
	}
}

Test(hour, parts_are_small_and_only_those_that_changed_are_written)
{
	size_t keys = 0;

	note_many(0, 5000, "node-1");
	cr_assert_eq(hour_fill(hour, &parts), 0);
	cr_assert_gt(parts.count, 2);
	for (size_t i = 0; i < parts.count; i++) {
		size_t bytes = strlen(json_object_to_json_string_ext(
		    member(parts.objects[i], "data"), JSON_C_TO_STRING_PLAIN));

		cr_assert_leq(bytes, HOUR_PART_MAX + 2);
		keys +=
		    (size_t)json_object_object_length(member(parts.objects[i], "data"));
	}
	cr_assert_eq(keys, 5000);
	written();
	note_many(4999, 5000, "node-2");
	hour_fill(hour, &parts);
	cr_assert_eq(changed(), 1);
	cr_assert(parts.changed[parts.count - 1]);
	written();
	hour_fill(hour, &parts);
	cr_assert_eq(changed(), 0);
}

Test(hour, parts_are_named)
{
	char name[HOUR_NAME_MAX];

	hour_part_name("2026112100", 0, name, sizeof name);
	cr_assert_str_eq(name, "pod-ashiato-2026112100");
	hour_part_name("2026112100", 1, name, sizeof name);
	cr_assert_str_eq(name, "pod-ashiato-2026112100-p2");
	hour_part_name("2026112100", HOUR_PARTS_MAX - 1, name, sizeof name);
	cr_assert_str_eq(name, "pod-ashiato-2026112100-p512");
}

Test(hour, over_long_keys_are_shortened_and_listed)
{
	char pod[254], longest[254];
	struct json_object *annotations, *longs;
	int found = 0;

	memset(pod, 'a', 253);
	pod[253] = '\0';
	memcpy(longest, pod, sizeof pod);
	longest[252] = 'b';
	hour_note(hour, "voice", pod, "node-1");
	hour_note(hour, "voice", longest, "node-2");
	hour_note(hour, "voice", "gw-0", "node-3");
	cr_assert_eq(hour_fill(hour, &parts), 0);
	annotations = member(member(parts.objects[0], "metadata"), "annotations");
	longs = json_tokener_parse(text(annotations, HOUR_LONG_KEYS));
	cr_assert_eq(json_object_object_length(longs), 2);
	json_object_object_foreach(longs, key, whole) {
		cr_assert_eq(strlen(key), HOUR_KEY_MAX);
		cr_assert_eq(json_object_get_string_len(whole), 259);
		cr_assert_str_eq(data(0, key),
		    strchr(json_object_get_string(whole), 'b') != NULL ? "node-2"
								       : "node-1");
		found++;
	}
	cr_assert_eq(found, 2);
	cr_assert_str_eq(data(0, "voice_gw-0"), "node-3");
	json_object_put(longs);
}

Test(hour, what_no_configmap_can_have_is_refused)
{
	cr_assert_lt(hour_note(hour, "n\xc3\xbc", "p", "node-1"), 0);
	cr_assert_lt(hour_note(hour, "n", "p q", "node-1"), 0);
	hour_fill(hour, &parts);
	cr_assert_eq(parts.count, 0);
}

Test(hour, a_closed_part_is_followed_by_another)
{
	hour_note(hour, "n", "p", "node-1");
	hour_note(hour, "n", "q", "node-1");
	hour_fill(hour, &parts);
	parts_close(&parts);
	cr_assert(json_object_get_boolean(member(parts.objects[0], "immutable")));
	written();
	parts_close(&parts);
	cr_assert_eq(changed(), 0);
	hour_note(hour, "n", "p", "node-2");
	hour_fill(hour, &parts);
	cr_assert_eq(parts.count, 2);
	cr_assert_not(parts.changed[0]);
	cr_assert_str_eq(data(0, "n_p"), "node-1");
	cr_assert_str_eq(data(1, "n_p"), "node-2");
	cr_assert_null(data(1, "n_q"));
}

Test(hour, a_missing_part_is_made_anew)
{
	note_many(0, 5000, "node-1");
	hour_fill(hour, &parts);
	json_object_put(parts.objects[1]);
	parts.objects[1] = NULL;
	written();
	hour_fill(hour, &parts);
	cr_assert_eq(changed(), 1);
	cr_assert_str_eq(text(member(parts.objects[1], "metadata"), "name"),
	    "pod-ashiato-2026112100-p2");
}

Test(hour, what_another_hand_changed_is_put_right)
{
	hour_note(hour, "n", "p", "node-1");
	hour_fill(hour, &parts);
	written();
	json_object_object_add(
	    member(parts.objects[0], "data"), "n_p", json_object_new_string("edited"));
	hour_fill(hour, &parts);
	cr_assert_eq(changed(), 1);
	cr_assert_str_eq(data(0, "n_p"), "node-1");
}

Test(hour, an_hour_has_room_for_so_many_pods)
{
	note_many(0, (int)HOUR_PODS_MAX, "node-1");
	cr_assert_eq(hour_note(hour, "namespace", "one-more", "node-1"), -ENOSPC);
	note_many(0, 1, "node-2");
}

/* --- where pods were before ---------------------------------------------------------
 */

static const char *
earlier(size_t part)
{
	return text(member(member(parts.objects[part], "metadata"), "annotations"),
	    HOUR_EARLIER);
}

/* A part says what was watched. */
static bool
claims(void)
{
	for (size_t i = 0; i < parts.count; i++)
		if (text(member(member(parts.objects[i], "metadata"), "annotations"),
			HOUR_WATCHED) != NULL)
			return true;
	return false;
}

Test(hour, nodes_that_a_pod_left_are_kept)
{
	hour_note(hour, "n", "p", "");
	hour_note(hour, "n", "p", "node-1");
	hour_note(hour, "n", "stays", "node-1");
	hour_fill(hour, &parts);
	cr_assert_null(earlier(0), "none was left");
	hour_note(hour, "n", "p", "node-2");
	hour_note(hour, "n", "p", "node-3");
	hour_note(hour, "n", "p", "node-1");
	hour_note(hour, "n", "p", "node-2");
	cr_assert_eq(hour_fill(hour, &parts), 0);
	cr_assert_str_eq(data(0, "n_p"), "node-2");
	cr_assert_str_eq(earlier(0), "{\"n_p\":[\"node-1\",\"node-2\",\"node-3\"]}");
	written();
	hour_fill(hour, &parts);
	cr_assert_eq(changed(), 0, "they are there already");
}

Test(hour, what_another_writer_of_the_hour_saw_is_kept)
{
	hour_note(hour, "n", "p", "node-1");
	hour_note(hour, "n", "p", "node-2");
	hour_note(hour, "n", "q", "node-1");
	hour_fill(hour, &parts);
	written();
	hour_free(hour);
	hour = hour_new("2026112100");
	hour_note(hour, "n", "p", "node-3");
	hour_note(hour, "n", "q", "node-1");
	hour_fill(hour, &parts);
	cr_assert_str_eq(earlier(0), "{\"n_p\":[\"node-1\",\"node-2\"]}");
	cr_assert(parts.changed[0]);
	json_object_object_add(
	    member(parts.objects[0], "data"), "n_q", json_object_new_string("No-Node"));
	hour_fill(hour, &parts);
	cr_assert_str_eq(earlier(0), "{\"n_p\":[\"node-1\",\"node-2\"]}",
	    "what is no node's name is not");
}

Test(hour, a_pod_with_an_over_long_key_is_kept_whole)
{
	char pod[254], wanted[320];

	memset(pod, 'a', 253);
	pod[253] = '\0';
	hour_note(hour, "n", pod, "node-1");
	hour_note(hour, "n", pod, "node-2");
	hour_fill(hour, &parts);
	snprintf(wanted, sizeof wanted, "{\"n_%s\":[\"node-1\"]}", pod);
	cr_assert_str_eq(earlier(0), wanted);
}

Test(hour, earlier_nodes_leave_parts_small)
{
	size_t count = 0;

	note_many(0, 5000, "node-1");
	hour_fill(hour, &parts);
	note_many(0, 5000, "node-2");
	cr_assert_eq(hour_fill(hour, &parts), 0);
	for (size_t i = 0; i < parts.count; i++) {
		struct json_object *lists =
		    earlier(i) != NULL ? json_tokener_parse(earlier(i)) : NULL;

		cr_assert_leq(part_size(parts.objects[i]), HOUR_PART_MAX);
		if (lists != NULL)
			count += (size_t)json_object_object_length(lists);
		json_object_put(lists);
	}
	cr_assert_eq(count, 5000);
}

Test(hour, with_more_of_them_than_there_is_room_it_does_not_vouch_for_all)
{
	struct watched_span span = {{1000}, {2000}, watched_filter_of("", "", "")};

	note_many(0, HOUR_EARLIER_MAX + 1, "node-1");
	note_many(0, HOUR_EARLIER_MAX, "node-2");
	hour_watch(hour, &span);
	hour_end(hour);
	hour_fill(hour, &parts);
	written();
	hour_fill(hour, &parts);
	cr_assert(claims());
	parts_clear(&parts);
	cr_assert_eq(hour_note(hour, "namespace",
			 "pod-with-a-name-of-usual-length-16384", "node-2"),
	    -ENOSPC);
	hour_fill(hour, &parts);
	written();
	hour_fill(hour, &parts);
	cr_assert_not(claims());
}

/* There are two of them when it turns, beside all else that a reconciler holds. */
Test(hour, a_full_hour_is_held_in_12_MiB)
{
	struct mallinfo2 before = mallinfo2(), now;
	size_t bytes;

	note_many(0, (int)HOUR_PODS_MAX, "node-1");
	now = mallinfo2();
	bytes = now.uordblks + now.hblkhd - before.uordblks - before.hblkhd;
	printf("%zu bytes a pod\n", bytes / HOUR_PODS_MAX);
#ifndef __SANITIZE_ADDRESS__
	cr_assert_gt(bytes, HOUR_PODS_MAX, "it is counted");
#endif
	cr_assert_leq(bytes, 12 * 1024 * 1024);
}
