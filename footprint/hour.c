#include "hour.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "notes.h"
#include "parts.h"

/* Hexadecimal digits of the hash in a shortened key. */
#define HASH_DIGITS 20u

struct hour {
	char name[16];
	struct notes *seen;    /* key → node */
	struct notes *longs;   /* shortened key → the whole */
	struct notes *earlier; /* "WHOLE NODE": it was there, and is elsewhere */
	/* that were noted so far; of these hour_fill has seen, and are written */
	uint64_t changes, filled, written;
	struct watched watched;
	/* the last time; so much of it hour_fill has seen, and is written */
	struct wall_time watched_until, told_filled, told;
	bool full; /* a pod had no room */
	bool ends;
	bool left;
};

struct hour *
hour_new(const char *name)
{
	struct hour *hour = mem_calloc(1, sizeof *hour);

	snprintf(hour->name, sizeof hour->name, "%s", name);
	hour->seen = notes_new();
	hour->longs = notes_new();
	hour->earlier = notes_new();
	return hour;
}

void
hour_free(struct hour *hour)
{
	if (hour == NULL)
		return;
	notes_free(hour->seen);
	notes_free(hour->longs);
	notes_free(hour->earlier);
	free(hour);
}

const char *
hour_name(const struct hour *hour)
{
	return hour->name;
}

void
hour_part_name(const char *hour, size_t index, char *out, size_t out_size)
{
	if (index == 0)
		snprintf(out, out_size, HOUR_PREFIX "%s", hour);
	else
		snprintf(out, out_size, HOUR_PREFIX "%s-p%zu", hour, index + 1);
}

/* --- what was seen ------------------------------------------------------------------
 */

static bool
is_key(const char *key)
{
	return key[strspn(key, "-._0123456789abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* Two names that begin alike must not share a key, even by design. */
static char *
shorten(const char *key)
{
	unsigned char hash[EVP_MAX_MD_SIZE] = {0};
	unsigned int hash_len = 0;
	char digits[HASH_DIGITS + 1];

	EVP_Digest(key, strlen(key), hash, &hash_len, EVP_sha256(), NULL);
	for (size_t i = 0; i < HASH_DIGITS / 2; i++)
		snprintf(digits + 2 * i, 3, "%02x", hash[i]);
	return mem_printf(
	    "%.*s-%s", (int)(HOUR_KEY_MAX - HASH_DIGITS - 1), key, digits);
}

static bool
is_node(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= HOUR_KEY_MAX &&
	       text[strspn(text, "-.0123456789abcdefghijklmnopqrstuvwxyz")] == '\0';
}

/* What no node is called is somebody's scribble. */
static int
note_earlier(struct hour *hour, const char *whole, const char *node)
{
	char *pair;
	int rc = 0;

	if (!is_node(node))
		return 0;
	pair = mem_printf("%s %s", whole, node);
	if (notes_get(hour->earlier, pair) == NULL)
		rc = notes_count(hour->earlier) < HOUR_EARLIER_MAX
			 ? notes_set(hour->earlier, pair, "")
			 : -ENOSPC;
	hour->full |= rc < 0;
	free(pair);
	return rc;
}

static int
note_key(struct hour *hour, const char *key, const char *whole, const char *node)
{
	const char *known = notes_get(hour->seen, key);
	int rc = 0, earlier_rc = 0;

	if (known != NULL && strcmp(known, node) == 0)
		return 0;
	if (known == NULL && notes_count(hour->seen) >= HOUR_PODS_MAX)
		return -ENOSPC;
	if (known != NULL)
		earlier_rc = note_earlier(hour, whole != NULL ? whole : key, known);
	if (whole != NULL)
		rc = notes_set(hour->longs, key, whole);
	if (rc == 0)
		rc = notes_set(hour->seen, key, node);
	hour->changes += rc == 0;
	return rc != 0 ? rc : earlier_rc;
}

int
hour_note(struct hour *hour, const char *namespace, const char *pod, const char *node)
{
	char *key = mem_printf("%s_%s", namespace, pod), *whole = NULL;
	int rc;

	if (!is_key(key)) {
		free(key);
		return -EINVAL;
	}
	if (strlen(key) > HOUR_KEY_MAX) {
		whole = key;
		key = shorten(whole);
	}
	rc = note_key(hour, key, whole, node);
	hour->full |= rc < 0;
	free(whole);
	free(key);
	return rc;
}

void
hour_watch(struct hour *hour, const struct watched_span *span)
{
	if (hour->left)
		return;
	watched_add(&hour->watched, span);
	hour->watched_until = span->until;
}

struct wall_time
hour_watched_until(const struct hour *hour)
{
	return hour->watched_until;
}

void
hour_leave(struct hour *hour)
{
	hour->left = true;
}

void
hour_end(struct hour *hour)
{
	hour->ends = true;
}

bool
hour_is_untold(const struct hour *hour)
{
	const struct watched *watched = &hour->watched;
	int64_t told_ms = hour->told.ms, more_ms;

	if (watched->len == 0 || hour->full)
		return false;
	if (watched->spans[watched->len - 1].from.ms > told_ms)
		told_ms = watched->spans[watched->len - 1].from.ms;
	more_ms = hour->watched_until.ms - told_ms;
	return more_ms >= HOUR_EXTEND_MS || (hour->ends && more_ms > 0);
}

/* --- where it stands ----------------------------------------------------------------
 */

/* The whole of a shortened key stands beside those that are there already. */
static void
list_long_key(struct json_object *metadata, const char *key, const char *whole)
{
	struct json_object *annotations = part_map_in(metadata, "annotations");
	const char *text = part_text_of(annotations, HOUR_LONG_KEYS);
	struct json_object *longs = text != NULL ? json_tokener_parse(text) : NULL;

	if (!json_object_is_type(longs, json_type_object)) {
		json_object_put(longs);
		longs = json_object_new_object();
	}
	part_set_text(longs, key, whole);
	part_set_text(annotations, HOUR_LONG_KEYS,
	    json_object_to_json_string_ext(longs, JSON_C_TO_STRING_PLAIN));
	json_object_put(longs);
}

static void
write_key(const struct hour *hour, struct parts *parts, size_t index, const char *key,
    const char *node)
{
	static const struct part_labels labels = {HOUR_APP, HOUR_TYPE};
	const char *whole = notes_get(hour->longs, key);
	char name[HOUR_NAME_MAX];

	hour_part_name(hour->name, index, name, sizeof name);
	parts_set(parts, index, name, &labels, key, node);
	if (whole != NULL)
		list_long_key(
		    part_map_in(parts->objects[index], "metadata"), key, whole);
}

/* Bytes that a key takes, listed in the annotation where it is a shortened one. */
static size_t
key_size(const struct hour *hour, const char *key, const char *node)
{
	const char *whole = notes_get(hour->longs, key);
	size_t size = part_key_size(strlen(key), strlen(node));

	return whole == NULL ? size : size + part_key_size(strlen(key), strlen(whole));
}

/* A later part has the later word: what is immutable cannot be mended in its place.
 * What stood there is where the pod was before, as another writer of the hour saw it.
 * Returns false when there is no room. */
static bool
place_key(struct hour *hour, struct parts *parts, size_t *sizes, const char *key,
    const char *node)
{
	size_t size = key_size(hour, key, node);
	const char *whole;
	int rc;

	for (size_t i = parts->count; i > 0; i--) {
		const char *there = part_value(parts->objects[i - 1], key);

		if (there == NULL)
			continue;
		if (strcmp(there, node) == 0)
			return true;
		if (part_is_immutable(parts->objects[i - 1]))
			break;
		whole = notes_get(hour->longs, key);
		rc = note_earlier(hour, whole != NULL ? whole : key, there);
		write_key(hour, parts, i - 1, key, node);
		return rc == 0;
	}
	for (size_t i = 0; i < HOUR_PARTS_MAX; i++) {
		if (i == parts->count)
			parts->count++;
		if (part_is_immutable(parts->objects[i]) ||
		    sizes[i] + size > HOUR_PART_MAX)
			continue;
		write_key(hour, parts, i, key, node);
		sizes[i] += size;
		return true;
	}
	return false;
}

/* --- where it was before ------------------------------------------------------------
 */

static struct json_object *
read_earlier(struct json_object *part)
{
	struct json_object *metadata = NULL, *annotations = NULL, *lists;
	const char *text;

	json_object_object_get_ex(part, "metadata", &metadata);
	json_object_object_get_ex(metadata, "annotations", &annotations);
	text = part_text_of(annotations, HOUR_EARLIER);
	lists = text != NULL ? json_tokener_parse(text) : NULL;
	if (json_object_is_type(lists, json_type_object))
		return lists;
	json_object_put(lists);
	return NULL;
}

static bool
lists_node(struct json_object *lists, const char *whole, const char *node)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(lists, whole, &list);
	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (json_object_is_type(
			json_object_array_get_idx(list, i), json_type_string) &&
		    strcmp(json_object_get_string(json_object_array_get_idx(list, i)),
			node) == 0)
			return true;
	return false;
}

static void
list_node(struct json_object *lists, const char *whole, const char *node)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(lists, whole, &list);
	if (!json_object_is_type(list, json_type_array)) {
		list = json_object_new_array();
		json_object_object_add(lists, whole, list);
	}
	json_object_array_add(list, json_object_new_string(node));
}

/* A part that has no key is none: a new one has the pod's, too. */
static void
make_part_for(struct hour *hour, struct parts *parts, size_t index, const char *whole)
{
	char *key = strlen(whole) > HOUR_KEY_MAX ? shorten(whole) : mem_strdup(whole);
	const char *node = notes_get(hour->seen, key);

	write_key(hour, parts, index, key, node != NULL ? node : "");
	free(key);
}

/* `lists` are those of the parts, NULL where there is none yet. Returns false when
 * there is no room. */
static bool
place_earlier(struct hour *hour, struct parts *parts, size_t *sizes,
    struct json_object **lists, const char *whole, const char *node)
{
	/* with the array's brackets */
	size_t size = part_key_size(strlen(whole), strlen(node)) + 2;

	for (size_t i = 0; i < parts->count; i++)
		if (lists_node(lists[i], whole, node))
			return true;
	for (size_t i = 0; i < HOUR_PARTS_MAX; i++) {
		size_t more = lists[i] != NULL
				  ? size
				  : size + part_key_size(strlen(HOUR_EARLIER), 2);

		if (part_is_immutable(parts->objects[i]) ||
		    sizes[i] + more > HOUR_PART_MAX)
			continue;
		if (parts->objects[i] == NULL) {
			make_part_for(hour, parts, i, whole);
			sizes[i] = part_size(parts->objects[i]);
		}
		if (i >= parts->count)
			parts->count = i + 1;
		if (lists[i] == NULL)
			lists[i] = json_object_new_object();
		list_node(lists[i], whole, node);
		parts->changed[i] = true;
		sizes[i] += more;
		return true;
	}
	return false;
}

static size_t
fill_earlier(struct hour *hour, struct parts *parts, size_t *sizes)
{
	struct json_object *lists[HOUR_PARTS_MAX] = {NULL};
	const char *pair, *nothing;
	size_t homeless = 0, at = 0;

	if (notes_count(hour->earlier) == 0)
		return 0;
	for (size_t i = 0; i < parts->count; i++)
		lists[i] = read_earlier(parts->objects[i]);
	while (notes_next(hour->earlier, &at, &pair, &nothing)) {
		size_t len = strcspn(pair, " ");
		char *whole = mem_strndup(pair, len);

		homeless +=
		    !place_earlier(hour, parts, sizes, lists, whole, pair + len + 1);
		free(whole);
	}
	for (size_t i = 0; i < parts->count; i++) {
		if (lists[i] != NULL && parts->changed[i])
			part_set_text(
			    part_map_in(part_map_in(parts->objects[i], "metadata"),
				"annotations"),
			    HOUR_EARLIER,
			    json_object_to_json_string_ext(
				lists[i], JSON_C_TO_STRING_PLAIN));
		json_object_put(lists[i]);
	}
	return homeless;
}

/* Adds to the part's spans. */
static void
claim_in(struct hour *hour, struct parts *parts, size_t index)
{
	struct json_object *metadata = part_map_in(parts->objects[index], "metadata");
	struct json_object *annotations = NULL;
	struct watched *all = mem_calloc(1, sizeof *all);
	struct buf value;
	const char *text;

	json_object_object_get_ex(metadata, "annotations", &annotations);
	text = part_text_of(annotations, HOUR_WATCHED);
	watched_read(all, text != NULL ? text : "");
	for (size_t i = 0; i < hour->watched.len; i++)
		watched_add(all, &hour->watched.spans[i]);
	buf_init(&value, (size_t)WATCHED_SPANS_MAX * WATCHED_LINE_MAX);
	watched_print(all, &value);
	if (text == NULL || strcmp(text, value.data) != 0)
		parts_claim(
		    parts, index, HOUR_WATCHED, value.data, hour_is_untold(hour));
	if (parts->claim == NULL || parts->changed[index])
		hour->told_filled = hour->watched_until;
	buf_free(&value);
	free(all);
}

/* The first one that can be written vouches for all: after the others. One that is new
 * is the first to be written, and vouches the next time. */
static void
claim(struct hour *hour, struct parts *parts)
{
	size_t index = 0;

	while (index < parts->count && (parts->objects[index] == NULL ||
					   part_is_immutable(parts->objects[index])))
		index++;
	if (index == parts->count)
		hour->told_filled = hour->watched_until; /* there is no place for it */
	if (index == parts->count || hour->watched.len == 0)
		return;
	for (size_t i = 0; i < parts->count; i++)
		if (i != index && parts->changed[i] &&
		    part_is_new(parts->objects[index]))
			return;
	claim_in(hour, parts, index);
}

size_t
hour_fill(struct hour *hour, struct parts *parts)
{
	size_t sizes[HOUR_PARTS_MAX] = {0};
	size_t homeless = 0, at = 0;
	const char *key, *node;

	for (size_t i = 0; i < parts->count; i++)
		sizes[i] = part_size(parts->objects[i]);
	while (notes_next(hour->seen, &at, &key, &node))
		homeless += !place_key(hour, parts, sizes, key, node);
	homeless += fill_earlier(hour, parts, sizes);
	hour->filled = hour->changes;
	if (homeless == 0 && !hour->full)
		claim(hour, parts);
	return homeless;
}

void
hour_written(struct hour *hour)
{
	hour->written = hour->filled;
	hour->told = hour->told_filled;
}

bool
hour_is_due(const struct hour *hour)
{
	return hour->written != hour->changes;
}
