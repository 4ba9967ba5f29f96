#include "gce_fields.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Length of a mask and of a name in it (bytes), and how deep its parentheses go. */
#define MASK_LEN_MAX   2048u
#define MASK_NAME_MAX  64u
#define MASK_DEPTH_MAX 16

/* A mask is read into a tree of objects: "a,b(c,d/e)" is {"a":{},"b":{"c":{},"d":{"e":
 * {}}}}. An empty object stands for everything below. */

static int
take_name(const char **mask, char name[MASK_NAME_MAX + 1])
{
	size_t len = 0;

	while (isalnum((unsigned char)(*mask)[len]) ||
	       ((*mask)[len] != '\0' && strchr("_-*", (*mask)[len]) != NULL))
		len++;
	if (len == 0 || len > MASK_NAME_MAX)
		return -EINVAL;
	memcpy(name, *mask, len);
	name[len] = '\0';
	*mask += len;
	return 0;
}

/* Takes "name/name/…"; *ret_leaf is the last one's object in the tree. */
static int
take_path(const char **mask, struct json_object *tree, struct json_object **ret_leaf)
{
	char name[MASK_NAME_MAX + 1];
	struct json_object *next;

	for (;;) {
		if (take_name(mask, name) < 0)
			return -EINVAL;
		if (!json_object_object_get_ex(tree, name, &next)) {
			next = json_object_new_object();
			json_object_object_add(tree, name, next);
		}
		tree = next;
		if (**mask != '/')
			break;
		(*mask)++;
	}
	*ret_leaf = tree;
	return 0;
}

static int
take_list(const char **mask, struct json_object *tree, int depth)
{
	struct json_object *leaf = NULL;

	if (depth > MASK_DEPTH_MAX)
		return -EINVAL;
	for (;;) {
		if (take_path(mask, tree, &leaf) < 0)
			return -EINVAL;
		if (**mask == '(') {
			(*mask)++;
			if (take_list(mask, leaf, depth + 1) < 0 || **mask != ')')
				return -EINVAL;
			(*mask)++;
		}
		if (**mask != ',')
			return 0;
		(*mask)++;
	}
}

static struct json_object *tree_apply(
    struct json_object *tree, struct json_object *from);

static void
apply_member(struct json_object *tree, const char *key, struct json_object *from,
    struct json_object *into)
{
	struct json_object *part = tree_apply(tree, from);

	if (part != NULL)
		json_object_object_add(into, key, part);
}

static struct json_object *
apply_object(struct json_object *tree, struct json_object *from)
{
	struct json_object *into = json_object_new_object();

	json_object_object_foreach(tree, name, branch) {
		struct json_object *value;

		if (json_object_object_get_ex(from, name, &value)) {
			apply_member(branch, name, value, into);
		} else if (strcmp(name, "*") == 0) {
			json_object_object_foreach(from, key, each) {
				apply_member(branch, key, each, into);
			}
		}
	}
	return into;
}

/* NULL: nothing of `from` is asked for. */
static struct json_object *
tree_apply(struct json_object *tree, struct json_object *from)
{
	struct json_object *into;

	if (json_object_object_length(tree) == 0)
		return json_object_get(from);
	if (json_object_is_type(from, json_type_object))
		return apply_object(tree, from);
	if (!json_object_is_type(from, json_type_array))
		return NULL;
	into = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *part =
		    tree_apply(tree, json_object_array_get_idx(from, i));

		if (part != NULL)
			json_object_array_add(into, part);
	}
	return into;
}

int
gce_fields_apply(
    const char *mask, struct json_object *from, struct json_object **ret_object)
{
	struct json_object *tree;
	int rc;

	if (strnlen(mask, MASK_LEN_MAX + 1) > MASK_LEN_MAX)
		return -EINVAL;
	tree = json_object_new_object();
	rc = take_list(&mask, tree, 1);
	if (rc == 0 && *mask != '\0')
		rc = -EINVAL;
	if (rc == 0)
		*ret_object = apply_object(tree, from);
	json_object_put(tree);
	return rc;
}
