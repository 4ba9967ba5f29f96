#include "hour.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Hexadecimal digits of the hash in a shortened key. */
#define HASH_DIGITS 20u

/* What a key costs beside itself and its value, as JSON. */
#define KEY_COST 6u

struct hour {
	char name[16];
	struct json_object *seen;  /* key → node */
	struct json_object *longs; /* shortened key → the whole */
};

struct hour *
hour_new(const char *name)
{
	struct hour *hour = mem_calloc(1, sizeof *hour);

	snprintf(hour->name, sizeof hour->name, "%s", name);
	hour->seen = json_object_new_object();
	hour->longs = json_object_new_object();
	return hour;
}

void
hour_free(struct hour *hour)
{
	if (hour == NULL)
		return;
	json_object_put(hour->seen);
	json_object_put(hour->longs);
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

static void
set_text(struct json_object *map, const char *key, const char *value)
{
	json_object_object_add(map, key, json_object_new_string(value));
}

static const char *
text_of(struct json_object *map, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(map, key, &value);
	return json_object_is_type(value, json_type_string)
		   ? json_object_get_string(value)
		   : NULL;
}

/* The member of that name, made when it is none. */
static struct json_object *
map_in(struct json_object *object, const char *key)
{
	struct json_object *map = NULL;

	json_object_object_get_ex(object, key, &map);
	if (!json_object_is_type(map, json_type_object)) {
		map = json_object_new_object();
		json_object_object_add(object, key, map);
	}
	return map;
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

int
hour_note(struct hour *hour, const char *namespace, const char *pod, const char *node)
{
	char *key = mem_printf("%s_%s", namespace, pod), *whole = NULL;
	const char *known;
	int rc = 0;

	if (!is_key(key)) {
		free(key);
		return -EINVAL;
	}
	if (strlen(key) > HOUR_KEY_MAX) {
		whole = key;
		key = shorten(whole);
	}
	known = text_of(hour->seen, key);
	if (known == NULL &&
	    json_object_object_length(hour->seen) >= (int)HOUR_PODS_MAX) {
		rc = -ENOSPC;
	} else if (known == NULL || strcmp(known, node) != 0) {
		set_text(hour->seen, key, node);
		if (whole != NULL)
			set_text(hour->longs, key, whole);
	}
	free(whole);
	free(key);
	return rc;
}

/* --- where it stands ----------------------------------------------------------------
 */

static bool
is_immutable(struct json_object *part)
{
	struct json_object *flag = NULL;

	json_object_object_get_ex(part, "immutable", &flag);
	return json_object_get_boolean(flag);
}

static const char *
data_of(struct json_object *part, const char *key)
{
	struct json_object *data = NULL;

	json_object_object_get_ex(part, "data", &data);
	return json_object_is_type(data, json_type_object) ? text_of(data, key) : NULL;
}

static size_t
map_size(struct json_object *object, const char *member)
{
	struct json_object *map = NULL;
	size_t size = 0;

	json_object_object_get_ex(object, member, &map);
	if (!json_object_is_type(map, json_type_object))
		return 0;
	json_object_object_foreach(map, key, value)
		size +=
		    strlen(key) + KEY_COST + (size_t)json_object_get_string_len(value);
	return size;
}

static size_t
part_size(struct json_object *part)
{
	struct json_object *metadata = NULL;

	if (part == NULL)
		return 0;
	json_object_object_get_ex(part, "metadata", &metadata);
	return map_size(part, "data") + map_size(part, "binaryData") +
	       map_size(metadata, "annotations");
}

static struct json_object *
make_part(const struct hour *hour, size_t index)
{
	struct json_object *part = json_object_new_object();
	char name[HOUR_NAME_MAX];

	hour_part_name(hour->name, index, name, sizeof name);
	set_text(part, "apiVersion", "v1");
	set_text(part, "kind", "ConfigMap");
	set_text(map_in(part, "metadata"), "name", name);
	return part;
}

/* The whole of a shortened key stands beside those that are there already. */
static void
list_long_key(struct json_object *metadata, const char *key, const char *whole)
{
	struct json_object *annotations = map_in(metadata, "annotations");
	const char *text = text_of(annotations, HOUR_LONG_KEYS);
	struct json_object *longs = text != NULL ? json_tokener_parse(text) : NULL;

	if (!json_object_is_type(longs, json_type_object)) {
		json_object_put(longs);
		longs = json_object_new_object();
	}
	set_text(longs, key, whole);
	set_text(annotations, HOUR_LONG_KEYS,
	    json_object_to_json_string_ext(longs, JSON_C_TO_STRING_PLAIN));
	json_object_put(longs);
}

static void
write_key(const struct hour *hour, struct hour_parts *parts, size_t index,
    const char *key, const char *node)
{
	struct json_object **part = &parts->objects[index];
	const char *whole = text_of(hour->longs, key);
	struct json_object *metadata, *labels;

	if (*part == NULL)
		*part = make_part(hour, index);
	metadata = map_in(*part, "metadata");
	labels = map_in(metadata, "labels");
	set_text(labels, "app", "pod-ashiato");
	set_text(labels, "type", "pod-node-mapping");
	set_text(map_in(*part, "data"), key, node);
	if (whole != NULL)
		list_long_key(metadata, key, whole);
	parts->changed[index] = true;
}

/* Bytes that a key takes, listed in the annotation where it is a shortened one. */
static size_t
key_size(const struct hour *hour, const char *key, const char *node)
{
	const char *whole = text_of(hour->longs, key);
	size_t size = strlen(key) + strlen(node) + KEY_COST;

	return whole == NULL ? size : size + strlen(key) + strlen(whole) + KEY_COST;
}

/* A later part has the later word: what is immutable cannot be mended in its place.
 * Returns false when there is no room. */
static bool
place_key(const struct hour *hour, struct hour_parts *parts, size_t *sizes,
    const char *key, const char *node)
{
	size_t size = key_size(hour, key, node);

	for (size_t i = parts->count; i > 0; i--) {
		const char *there = data_of(parts->objects[i - 1], key);

		if (there == NULL)
			continue;
		if (strcmp(there, node) == 0)
			return true;
		if (is_immutable(parts->objects[i - 1]))
			break;
		write_key(hour, parts, i - 1, key, node);
		return true;
	}
	for (size_t i = 0; i < HOUR_PARTS_MAX; i++) {
		if (i == parts->count)
			parts->count++;
		if (is_immutable(parts->objects[i]) || sizes[i] + size > HOUR_PART_MAX)
			continue;
		write_key(hour, parts, i, key, node);
		sizes[i] += size;
		return true;
	}
	return false;
}

size_t
hour_part_keys(struct json_object *part)
{
	struct json_object *data = NULL;

	json_object_object_get_ex(part, "data", &data);
	return json_object_is_type(data, json_type_object)
		   ? (size_t)json_object_object_length(data)
		   : 0;
}

size_t
hour_fill(const struct hour *hour, struct hour_parts *parts)
{
	size_t sizes[HOUR_PARTS_MAX] = {0};
	size_t homeless = 0;

	for (size_t i = 0; i < parts->count; i++)
		sizes[i] = part_size(parts->objects[i]);
	json_object_object_foreach(hour->seen, key, node)
		homeless +=
		    !place_key(hour, parts, sizes, key, json_object_get_string(node));
	return homeless;
}

void
hour_close(struct hour_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->objects[i] == NULL || is_immutable(parts->objects[i]))
			continue;
		json_object_object_add(
		    parts->objects[i], "immutable", json_object_new_boolean(true));
		parts->changed[i] = true;
	}
}

void
hour_parts_clear(struct hour_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		json_object_put(parts->objects[i]);
	memset(parts, 0, sizeof *parts);
}
