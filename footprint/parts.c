#include "parts.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct part_claim {
	size_t index;
	char *key, *was; /* NULL: it was not there */
	bool alone;	 /* nothing else of the part was to be written */
};

static void
forget_claim(struct parts *parts)
{
	if (parts->claim == NULL)
		return;
	free(parts->claim->key);
	free(parts->claim->was);
	free(parts->claim);
	parts->claim = NULL;
}

void
parts_clear(struct parts *parts)
{
	forget_claim(parts);
	for (size_t i = 0; i < parts->count; i++)
		json_object_put(parts->objects[i]);
	memset(parts, 0, sizeof *parts);
}

void
part_set_text(struct json_object *map, const char *key, const char *value)
{
	json_object_object_add(map, key, json_object_new_string(value));
}

const char *
part_text_of(struct json_object *map, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(map, key, &value);
	return json_object_is_type(value, json_type_string)
		   ? json_object_get_string(value)
		   : NULL;
}

struct json_object *
part_map_in(struct json_object *object, const char *key)
{
	struct json_object *map = NULL;

	json_object_object_get_ex(object, key, &map);
	if (!json_object_is_type(map, json_type_object)) {
		map = json_object_new_object();
		json_object_object_add(object, key, map);
	}
	return map;
}

bool
part_is_immutable(struct json_object *part)
{
	struct json_object *flag = NULL;

	json_object_object_get_ex(part, "immutable", &flag);
	return json_object_get_boolean(flag);
}

bool
part_is_new(struct json_object *part)
{
	struct json_object *metadata = NULL;

	json_object_object_get_ex(part, "metadata", &metadata);
	return !json_object_object_get_ex(metadata, "resourceVersion", NULL);
}

static struct json_object *
data_of(struct json_object *part)
{
	struct json_object *data = NULL;

	json_object_object_get_ex(part, "data", &data);
	return json_object_is_type(data, json_type_object) ? data : NULL;
}

const char *
part_value(struct json_object *part, const char *key)
{
	struct json_object *data = data_of(part);

	return data != NULL ? part_text_of(data, key) : NULL;
}

size_t
part_keys(struct json_object *part)
{
	struct json_object *data = data_of(part);

	return data != NULL ? (size_t)json_object_object_length(data) : 0;
}

/* Quotes, a colon and a comma. */
size_t
part_key_size(size_t key_len, size_t value_len)
{
	return key_len + value_len + 6;
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
		size += part_key_size(
		    strlen(key), (size_t)json_object_get_string_len(value));
	return size;
}

size_t
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
make_part(const char *name)
{
	struct json_object *part = json_object_new_object();

	part_set_text(part, "apiVersion", "v1");
	part_set_text(part, "kind", "ConfigMap");
	part_set_text(part_map_in(part, "metadata"), "name", name);
	return part;
}

void
parts_set(struct parts *parts, size_t index, const char *name,
    const struct part_labels *labels, const char *key, const char *value)
{
	struct json_object **part = &parts->objects[index];
	struct json_object *map;

	if (*part == NULL)
		*part = make_part(name);
	map = part_map_in(part_map_in(*part, "metadata"), "labels");
	part_set_text(map, "app", labels->app);
	part_set_text(map, "type", labels->type);
	part_set_text(part_map_in(*part, "data"), key, value);
	parts->changed[index] = true;
}

void
parts_close(struct parts *parts)
{
	if (parts->claim != NULL)
		parts->claim->alone = false;
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->objects[i] == NULL || part_is_immutable(parts->objects[i]))
			continue;
		json_object_object_add(
		    parts->objects[i], "immutable", json_object_new_boolean(true));
		parts->changed[i] = true;
	}
}

/* --- one that vouches for the others ------------------------------------------------
 */

static struct json_object *
annotations_of(struct json_object *part)
{
	return part_map_in(part_map_in(part, "metadata"), "annotations");
}

void
parts_claim(
    struct parts *parts, size_t index, const char *key, const char *value, bool due)
{
	struct json_object *map = annotations_of(parts->objects[index]);
	const char *was = part_text_of(map, key);
	struct part_claim *claim = mem_calloc(1, sizeof *claim);

	forget_claim(parts);
	claim->index = index;
	claim->key = mem_strdup(key);
	claim->was = was != NULL ? mem_strdup(was) : NULL;
	claim->alone = !parts->changed[index];
	parts->claim = claim;
	part_set_text(map, key, value);
	parts->changed[index] |= due;
}

void
parts_disclaim(struct parts *parts)
{
	const struct part_claim *claim = parts->claim;
	struct json_object *map;

	if (claim == NULL)
		return;
	map = annotations_of(parts->objects[claim->index]);
	if (claim->was != NULL)
		part_set_text(map, claim->key, claim->was);
	else
		json_object_object_del(map, claim->key);
	parts->changed[claim->index] &= !claim->alone;
	forget_claim(parts);
}

size_t
parts_next(const struct parts *parts)
{
	size_t last = parts->claim != NULL ? parts->claim->index : parts->count;

	for (size_t i = 0; i < parts->count; i++)
		if (parts->changed[i] && (i != last || part_is_new(parts->objects[i])))
			return i;
	return last < parts->count && parts->changed[last] ? last : parts->count;
}
