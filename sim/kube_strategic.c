#include <stdbool.h>
#include <string.h>

#include "kube_json.h"
#include "kube_patch.h"

#define DELETE_FROM   "$deleteFromPrimitiveList/"
#define ELEMENT_ORDER "$setElementOrder/"
#define RETAIN_KEYS   "$retainKeys"

/* Lists of the built-in types that merge (patchMergeKey in the API's Go types). Their
 * names are unique enough to go by the name alone. NULL: a list of plain values. */
static const struct list_kind {
	const char *name;
	const char *key;
} list_kinds[] = {
    {"addresses", "type"},
    {"conditions", "type"},
    {"containers", "name"},
    {"env", "name"},
    {"ephemeralContainers", "name"},
    {"finalizers", NULL},
    {"hostAliases", "ip"},
    {"hostIPs", "ip"},
    {"imagePullSecrets", "name"},
    {"initContainers", "name"},
    {"ownerReferences", "uid"},
    {"podCIDRs", NULL},
    {"podIPs", "ip"},
    {"ports", "containerPort"},
    {"secrets", "name"},
    {"taints", "key"},
    {"topologySpreadConstraints", "topologyKey"},
    {"volumeDevices", "devicePath"},
    {"volumeMounts", "mountPath"},
    {"volumes", "name"},
};

static const struct list_kind *
list_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof list_kinds / sizeof list_kinds[0]; i++)
		if (strcmp(list_kinds[i].name, name) == 0)
			return &list_kinds[i];
	return NULL;
}

static size_t
find_value(const struct json_object *list, struct json_object *value)
{
	size_t count = kube_json_count(list);

	for (size_t i = 0; i < count; i++)
		if (json_object_equal(json_object_array_get_idx(list, i), value))
			return i;
	return count;
}

/* Index of the element with that value under the key, or the length. */
static size_t
find_element(const struct json_object *list, const char *key, struct json_object *value)
{
	size_t count = kube_json_count(list);

	for (size_t i = 0; i < count; i++)
		if (json_object_equal(
			kube_json_member(json_object_array_get_idx(list, i), key),
			value))
			return i;
	return count;
}

/* A copy without directives, for a part that the target does not have yet. */
static struct json_object *
fresh_copy(const struct json_object *patch)
{
	struct json_object *copy = json_object_new_object();

	kube_patch_strategic(copy, patch);
	return copy;
}

static void
merge_element(struct json_object *list, const char *key, struct json_object *element)
{
	size_t at = find_element(list, key, kube_json_member(element, key));
	const char *directive = kube_json_text(element, "$patch");

	if (strcmp(directive, "delete") == 0) {
		if (at < kube_json_count(list))
			json_object_array_del_idx(list, at, 1);
	} else if (at == kube_json_count(list)) {
		json_object_array_add(list, fresh_copy(element));
	} else if (strcmp(directive, "replace") == 0) {
		json_object_array_put_idx(list, at, fresh_copy(element));
	} else {
		kube_patch_strategic(json_object_array_get_idx(list, at), element);
	}
}

/* An element {"$patch": "replace"} makes the patch's list the whole list. */
static bool
list_replaces(const struct json_object *patch)
{
	for (size_t i = 0; i < kube_json_count(patch); i++)
		if (strcmp(
			kube_json_text(json_object_array_get_idx(patch, i), "$patch"),
			"replace") == 0 &&
		    kube_json_count(json_object_array_get_idx(patch, i)) == 1)
			return true;
	return false;
}

static void
merge_list(struct json_object *target, const char *name, const char *key,
    struct json_object *patch)
{
	struct json_object *list = kube_json_member(target, name);

	if (!json_object_is_type(list, json_type_array) ||
	    (key != NULL && list_replaces(patch))) {
		list = json_object_new_array();
		json_object_object_add(target, name, list);
	}
	for (size_t i = 0; i < kube_json_count(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);

		if (key == NULL && find_value(list, element) == kube_json_count(list))
			json_object_array_add(list, kube_json_copy(element));
		else if (key != NULL && kube_json_member(element, key) != NULL)
			merge_element(list, key, element);
	}
}

static void
delete_values(
    struct json_object *target, const char *name, const struct json_object *values)
{
	struct json_object *list = kube_json_member(target, name);

	for (size_t i = 0; i < kube_json_count(values); i++) {
		size_t at = find_value(list, json_object_array_get_idx(values, i));

		if (at < kube_json_count(list))
			json_object_array_del_idx(list, at, 1);
	}
}

/* Puts the elements named in `order` in that order, behind those it does not name. */
static void
order_list(
    struct json_object *target, const char *name, const struct json_object *order)
{
	const struct list_kind *kind = list_kind_find(name);
	struct json_object *list = kube_json_member(target, name);

	if (kind == NULL || !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < kube_json_count(order); i++) {
		struct json_object *wanted = json_object_array_get_idx(order, i);
		size_t at = kind->key == NULL
				? find_value(list, wanted)
				: find_element(list, kind->key,
				      kube_json_member(wanted, kind->key));
		struct json_object *element;

		if (at == kube_json_count(list))
			continue;
		element = json_object_get(json_object_array_get_idx(list, at));
		json_object_array_del_idx(list, at, 1);
		json_object_array_add(list, element);
	}
}

static void
retain_keys(struct json_object *target, const struct json_object *keys)
{
	const struct lh_entry *next;

	for (const struct lh_entry *at = kube_json_first(target); at != NULL;
	     at = next) {
		struct json_object *name = json_object_new_string(kube_json_key(at));

		next = at->next;
		if (find_value(keys, name) == kube_json_count(keys))
			json_object_object_del(target, kube_json_key(at));
		json_object_put(name);
	}
}

static void
merge_member(struct json_object *target, const char *key, struct json_object *value)
{
	const struct list_kind *kind = list_kind_find(key);

	if (value == NULL) {
		json_object_object_del(target, key);
	} else if (json_object_is_type(value, json_type_object)) {
		kube_patch_strategic(kube_json_section(target, key), value);
	} else if (json_object_is_type(value, json_type_array) && kind != NULL) {
		merge_list(target, key, kind->key, value);
	} else {
		json_object_object_add(target, key, kube_json_copy(value));
	}
}

static void
clear(struct json_object *target)
{
	const struct lh_entry *at;

	while ((at = kube_json_first(target)) != NULL)
		json_object_object_del(target, kube_json_key(at));
}

void
kube_patch_strategic(struct json_object *target, const struct json_object *patch)
{
	const char *directive = kube_json_text(patch, "$patch");

	if (strcmp(directive, "replace") == 0 || strcmp(directive, "delete") == 0)
		clear(target);
	if (strcmp(directive, "delete") == 0)
		return;
	for (const struct lh_entry *at = kube_json_first(patch); at != NULL;
	     at = at->next)
		if (strncmp(kube_json_key(at), DELETE_FROM, sizeof DELETE_FROM - 1) ==
		    0)
			delete_values(target,
			    kube_json_key(at) + sizeof DELETE_FROM - 1,
			    kube_json_value(at));
	for (const struct lh_entry *at = kube_json_first(patch); at != NULL;
	     at = at->next)
		if (kube_json_key(at)[0] != '$')
			merge_member(target, kube_json_key(at), kube_json_value(at));
	for (const struct lh_entry *at = kube_json_first(patch); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);

		if (strncmp(key, ELEMENT_ORDER, sizeof ELEMENT_ORDER - 1) == 0)
			order_list(target, key + sizeof ELEMENT_ORDER - 1,
			    kube_json_value(at));
		else if (strcmp(key, RETAIN_KEYS) == 0)
			retain_keys(target, kube_json_value(at));
	}
}
