#include "kube_patch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_json.h"
#include "mem.h"

void
kube_patch_merge(struct json_object *target, const struct json_object *patch)
{
	for (const struct lh_entry *at = kube_json_first(patch); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);
		struct json_object *value = kube_json_value(at);

		if (value == NULL)
			json_object_object_del(target, key);
		else if (json_object_is_type(value, json_type_object))
			kube_patch_merge(kube_json_section(target, key), value);
		else
			json_object_object_add(target, key, kube_json_copy(value));
	}
}

/* Undoes ~1 and ~0 in one step of a JSON pointer; the caller frees. */
static char *
pointer_step(const char *text, size_t len)
{
	char *step = mem_strndup(text, len);
	char *out = step;

	for (const char *in = step; *in != '\0'; in++) {
		if (*in == '~' && (in[1] == '0' || in[1] == '1')) {
			*out++ = in[1] == '0' ? '~' : '/';
			in++;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return step;
}

/* Reads an index below or at `limit`; "-" is the limit. */
static int
read_index(const char *step, size_t limit, size_t *ret_index)
{
	char *end;
	unsigned long value;

	if (strcmp(step, "-") == 0) {
		*ret_index = limit;
		return 0;
	}
	if (step[0] < '0' || step[0] > '9' || (step[0] == '0' && step[1] != '\0'))
		return -ENOENT;
	value = strtoul(step, &end, 10);
	if (*end != '\0' || value > limit)
		return -ENOENT;
	*ret_index = value;
	return 0;
}

static int
step_into(struct json_object *json, const char *step, struct json_object **ret_value)
{
	size_t index;

	if (json_object_is_type(json, json_type_object))
		return json_object_object_get_ex(json, step, ret_value) ? 0 : -ENOENT;
	if (!json_object_is_type(json, json_type_array) ||
	    read_index(step, kube_json_count(json), &index) < 0 ||
	    index == kube_json_count(json))
		return -ENOENT;
	*ret_value = json_object_array_get_idx(json, index);
	return 0;
}

/* The container of the last step and that step, which the caller frees. */
static int
find_parent(struct json_object *target, const char *path,
    struct json_object **ret_parent, char **ret_step)
{
	struct json_object *at = target;

	if (path[0] != '/')
		return -ENOENT;
	for (;;) {
		size_t len = strcspn(path + 1, "/");
		char *step = pointer_step(path + 1, len);
		int rc;

		path += len + 1;
		if (*path == '\0') {
			*ret_parent = at;
			*ret_step = step;
			return 0;
		}
		rc = step_into(at, step, &at);
		free(step);
		if (rc < 0)
			return rc;
	}
}

static int
pointer_get(
    struct json_object *target, const char *path, struct json_object **ret_value)
{
	struct json_object *parent;
	char *step;
	int rc;

	if (path[0] == '\0') {
		*ret_value = target;
		return 0;
	}
	rc = find_parent(target, path, &parent, &step);
	if (rc < 0)
		return rc;
	rc = step_into(parent, step, ret_value);
	free(step);
	return rc;
}

static int
pointer_remove(struct json_object *target, const char *path)
{
	struct json_object *parent, *value;
	size_t index;
	char *step;
	int rc = find_parent(target, path, &parent, &step);

	if (rc < 0)
		return rc;
	rc = step_into(parent, step, &value);
	if (rc == 0 && json_object_is_type(parent, json_type_object))
		json_object_object_del(parent, step);
	else if (rc == 0 && read_index(step, kube_json_count(parent), &index) == 0)
		json_object_array_del_idx(parent, index, 1);
	free(step);
	return rc;
}

/* Takes over `value` in any case. */
static int
pointer_add(struct json_object *target, const char *path, struct json_object *value)
{
	struct json_object *parent;
	size_t index;
	char *step;
	int rc = find_parent(target, path, &parent, &step);

	if (rc < 0) {
		json_object_put(value);
		return rc;
	}
	if (json_object_is_type(parent, json_type_object))
		json_object_object_add(parent, step, value);
	else if (json_object_is_type(parent, json_type_array) &&
		 read_index(step, kube_json_count(parent), &index) == 0)
		kube_json_insert(parent, index, value);
	else
		rc = -ENOENT;
	if (rc < 0)
		json_object_put(value);
	free(step);
	return rc;
}

static int
replace(struct json_object *target, const char *path, struct json_object *value)
{
	int rc = pointer_remove(target, path);

	if (rc < 0) {
		json_object_put(value);
		return rc;
	}
	return pointer_add(target, path, value);
}

static int
copy_or_move(struct json_object *target, const char *from, const char *path, bool move)
{
	struct json_object *value;
	int rc = pointer_get(target, from, &value);

	if (rc < 0)
		return rc;
	value = kube_json_copy(value);
	if (move) {
		rc = pointer_remove(target, from);
		if (rc < 0) {
			json_object_put(value);
			return rc;
		}
	}
	return pointer_add(target, path, value);
}

static int
apply_operation(struct json_object *target, const struct json_object *operation)
{
	const char *op = kube_json_text(operation, "op");
	const char *path = kube_json_text(operation, "path");
	struct json_object *value = kube_json_member(operation, "value");
	struct json_object *found;
	int rc;

	if (!json_object_is_type(kube_json_member(operation, "path"), json_type_string))
		return -EINVAL;
	if (strcmp(op, "add") == 0)
		return pointer_add(target, path, kube_json_copy(value));
	if (strcmp(op, "remove") == 0)
		return pointer_remove(target, path);
	if (strcmp(op, "replace") == 0)
		return replace(target, path, kube_json_copy(value));
	if (strcmp(op, "move") == 0 || strcmp(op, "copy") == 0)
		return copy_or_move(target, kube_json_text(operation, "from"), path,
		    strcmp(op, "move") == 0);
	if (strcmp(op, "test") != 0)
		return -EINVAL;
	rc = pointer_get(target, path, &found);
	if (rc < 0)
		return rc;
	return json_object_equal(found, value) ? 0 : -ENOENT;
}

int
kube_patch_json(struct json_object *target, const struct json_object *patch,
    char *error, size_t error_size)
{
	size_t count = kube_json_count(patch);

	if (!json_object_is_type(patch, json_type_array)) {
		snprintf(error, error_size,
		    "json: cannot unmarshal object into Go value "
		    "of type jsonpatch.Patch");
		return -EINVAL;
	}
	if (count > KUBE_PATCH_OPERATIONS_MAX) {
		snprintf(error, error_size,
		    "The allowed maximum operations in a JSON patch is %u, got %zu",
		    KUBE_PATCH_OPERATIONS_MAX, count);
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		int rc = apply_operation(target, json_object_array_get_idx(patch, i));

		if (rc < 0) {
			snprintf(error, error_size, "operation %zu: %s", i,
			    rc == -EINVAL ? "malformed" : "does not apply");
			return rc;
		}
	}
	return 0;
}
