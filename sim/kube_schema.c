#include "kube_schema.h"

#include <string.h>

#include "kube_json.h"

void
kube_path_write(const struct kube_path *path, struct buf *out)
{
	if (path == NULL)
		return;
	kube_path_write(path->parent, out);
	if (path->key == NULL)
		buf_printf(out, "[%zu]", path->index);
	else
		buf_printf(out, "%s%s", out->len > 0 ? "." : "", path->key);
}

/* The schema of one member, or NULL; *ret_open tells whether an unknown one may stay.
 */
static struct json_object *
member_schema(const struct json_object *schema, const char *key, bool *ret_open)
{
	struct json_object *found =
	    kube_json_member(kube_json_member(schema, "properties"), key);
	struct json_object *others = kube_json_member(schema, "additionalProperties");

	*ret_open = kube_json_true(schema, "x-kubernetes-preserve-unknown-fields") ||
		    kube_json_true(schema, "additionalProperties") ||
		    json_object_is_type(others, json_type_object);
	if (found == NULL && json_object_is_type(others, json_type_object))
		return others;
	return found;
}

static bool
is_header(const struct kube_path *parent, const char *key)
{
	return parent == NULL &&
	       (strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 ||
		   strcmp(key, "metadata") == 0);
}

static void
tell_unknown(const struct kube_path *path, struct json_object *unknown)
{
	struct buf text;

	if (unknown == NULL)
		return;
	buf_init(&text, KUBE_PATH_MAX);
	kube_path_write(path, &text);
	if (text.data != NULL)
		json_object_array_add(unknown, json_object_new_string(text.data));
	buf_free(&text);
}

static void
prune(const struct json_object *schema, struct json_object *json,
    const struct kube_path *parent, struct json_object *unknown)
{
	struct json_object *items = kube_json_member(schema, "items");
	const struct lh_entry *next;

	if (json_object_is_type(json, json_type_array) && items != NULL) {
		for (size_t i = 0; i < kube_json_count(json); i++) {
			struct kube_path path = {parent, NULL, i};

			prune(
			    items, json_object_array_get_idx(json, i), &path, unknown);
		}
	}
	for (const struct lh_entry *at = kube_json_first(json); at != NULL; at = next) {
		struct kube_path path = {parent, kube_json_key(at), 0};
		struct json_object *member;
		bool open;

		next = at->next;
		if (is_header(parent, path.key))
			continue;
		member = member_schema(schema, path.key, &open);
		if (member != NULL) {
			prune(member, kube_json_value(at), &path, unknown);
		} else if (!open) {
			tell_unknown(&path, unknown);
			json_object_object_del(json, path.key);
		}
	}
}

void
kube_schema_prune(const struct json_object *schema, struct json_object *json,
    struct json_object *unknown)
{
	if (schema != NULL)
		prune(schema, json, NULL, unknown);
}

/* Members that are null though they may not be: gone, so that a default can come. */
static void
drop_nulls(const struct json_object *schema, struct json_object *json,
    const struct kube_path *parent)
{
	const struct lh_entry *next;

	for (const struct lh_entry *at = kube_json_first(json); at != NULL; at = next) {
		const char *key = kube_json_key(at);
		struct json_object *member =
		    kube_json_member(kube_json_member(schema, "properties"), key);

		next = at->next;
		if (kube_json_value(at) == NULL && member != NULL &&
		    !is_header(parent, key) && !kube_json_true(member, "nullable"))
			json_object_object_del(json, key);
	}
}

static void
add_defaults(const struct json_object *schema, struct json_object *json,
    const struct kube_path *parent)
{
	struct json_object *properties = kube_json_member(schema, "properties");

	for (const struct lh_entry *at = kube_json_first(properties); at != NULL;
	     at = at->next) {
		struct json_object *value =
		    kube_json_member(kube_json_value(at), "default");
		const char *key = kube_json_key(at);

		if (value != NULL && !is_header(parent, key) &&
		    !json_object_object_get_ex(json, key, NULL))
			json_object_object_add(json, key, kube_json_copy(value));
	}
}

static void
fill_in(const struct json_object *schema, struct json_object *json,
    const struct kube_path *parent)
{
	struct json_object *items = kube_json_member(schema, "items");

	if (json_object_is_type(json, json_type_array) && items != NULL) {
		for (size_t i = 0; i < kube_json_count(json); i++) {
			struct kube_path path = {parent, NULL, i};

			fill_in(items, json_object_array_get_idx(json, i), &path);
		}
	}
	if (!json_object_is_type(json, json_type_object))
		return;
	drop_nulls(schema, json, parent);
	add_defaults(schema, json, parent);
	for (const struct lh_entry *at = kube_json_first(json); at != NULL;
	     at = at->next) {
		struct kube_path path = {parent, kube_json_key(at), 0};
		struct json_object *member;
		bool open;

		if (is_header(parent, path.key))
			continue;
		member = member_schema(schema, path.key, &open);
		if (member != NULL)
			fill_in(member, kube_json_value(at), &path);
	}
}

void
kube_schema_default(const struct json_object *schema, struct json_object *json)
{
	if (schema != NULL)
		fill_in(schema, json, NULL);
}
