#include "seen.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "hour.h"
#include "json_read.h"
#include "mem.h"
#include "question.h"

struct seen {
	struct json_object *pods; /* NAMESPACE_POD, never shortened → node */
	struct json_object *left; /* the same → an object with the nodes before */
	bool not_whole;
	struct watched watched;
	bool tells;
};

struct seen *
seen_new(void)
{
	struct seen *seen = mem_calloc(1, sizeof *seen);

	seen->pods = json_object_new_object();
	seen->left = json_object_new_object();
	return seen;
}

void
seen_free(struct seen *seen)
{
	if (seen == NULL)
		return;
	json_object_put(seen->pods);
	json_object_put(seen->left);
	free(seen);
}

bool
seen_is_whole(const struct seen *seen)
{
	return !seen->not_whole;
}

bool
seen_tells(const struct seen *seen)
{
	return seen->tells;
}

const struct watched *
seen_watched(const struct seen *seen)
{
	return &seen->watched;
}

/* --- reading ------------------------------------------------------------------------
 */

/* No name has the '_' that is between the two. */
static bool
is_pod(const char *whole)
{
	size_t len = strcspn(whole, "_");

	return whole[len] == '_' && question_is_name(whole, len) &&
	       question_is_name(whole + len + 1, strlen(whole + len + 1));
}

static const char *
annotation(struct json_object *part, const char *key)
{
	struct json_object *metadata = json_read_member(part, "metadata");

	return json_read_string(
	    json_read_member(json_read_member(metadata, "annotations"), key));
}

/* The JSON of the annotation that lists the shortened keys; NULL: there is none. */
static struct json_object *
read_longs(struct json_object *part)
{
	const char *text = annotation(part, HOUR_LONG_KEYS);

	return text != NULL ? json_read_object(text, strlen(text)) : NULL;
}

static void
add_left(struct seen *seen, const char *whole, const char *node)
{
	struct json_object *nodes = json_read_member(seen->left, whole);

	if (nodes == NULL) {
		nodes = json_object_new_object();
		json_object_object_add(seen->left, whole, nodes);
	}
	json_object_object_add(nodes, node, json_object_new_boolean(true));
}

/* Returns 0; -EBADMSG when there is something in it that is none, and not taken. */
static int
add_earlier(struct seen *seen, const char *text)
{
	struct json_object *lists = json_read_object(text, strlen(text));
	int rc = lists != NULL ? 0 : -EBADMSG;

	if (lists == NULL)
		return rc;
	json_object_object_foreach(lists, whole, list) {
		size_t count = json_object_is_type(list, json_type_array)
				   ? json_object_array_length(list)
				   : 0;

		if (count == 0 || !is_pod(whole)) {
			rc = -EBADMSG;
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			const char *node =
			    json_read_string(json_object_array_get_idx(list, i));

			if (node != NULL && question_is_name(node, strlen(node)))
				add_left(seen, whole, node);
			else
				rc = -EBADMSG;
		}
	}
	json_object_put(lists);
	return rc;
}

/* An earlier part has where it was before. */
static void
add_pod(struct seen *seen, const char *whole, const char *node)
{
	const char *was = json_read_string(json_read_member(seen->pods, whole));

	if (was != NULL && was[0] != '\0' && strcmp(was, node) != 0)
		add_left(seen, whole, was);
	json_object_object_add(seen->pods, whole, json_object_new_string(node));
}

void
seen_add(struct seen *seen, const char *name, struct json_object *part,
    seen_problem_fn *fn, void *arg)
{
	struct json_object *data = json_read_member(part, "data");
	struct json_object *longs = read_longs(part);
	const char *watched = annotation(part, HOUR_WATCHED);
	const char *earlier = annotation(part, HOUR_EARLIER);

	if (earlier != NULL && add_earlier(seen, earlier) < 0) {
		seen->not_whole = true;
		fn(arg, name, HOUR_EARLIER,
		    "has what is no NAMESPACE_POD with nodes' names: it is not used");
	}
	seen->tells |= watched != NULL;
	if (watched != NULL && watched_read(&seen->watched, watched) < 0)
		fn(arg, name, HOUR_WATCHED,
		    "has a line that is no span of time: it is not used");
	if (!json_object_is_type(data, json_type_object)) {
		json_object_put(longs);
		return;
	}
	json_object_object_foreach(data, key, value) {
		const char *whole = json_read_string(json_read_member(longs, key));
		const char *node = json_read_string(value);

		whole = whole != NULL ? whole : key;
		if (is_pod(whole) && node != NULL &&
		    (node[0] == '\0' || question_is_name(node, strlen(node)))) {
			add_pod(seen, whole, node);
			continue;
		}
		json_object_object_del(seen->pods, whole);
		seen->not_whole = true;
		fn(arg, name, key,
		    "is no NAMESPACE_POD with a node's name: it is not used");
	}
	json_object_put(longs);
}

/* --- answering ----------------------------------------------------------------------
 */

const char *
seen_node(const struct seen *seen, const char *namespace, const char *pod)
{
	char *whole = mem_printf("%s_%s", namespace, pod);
	const char *node = json_read_string(json_read_member(seen->pods, whole));

	free(whole);
	return node;
}

const char *
seen_left(const struct seen *seen, const char *namespace, const char *pod)
{
	char *whole = mem_printf("%s_%s", namespace, pod);
	struct json_object *nodes = json_read_member(seen->left, whole);
	const char *now = json_read_string(json_read_member(seen->pods, whole));
	const char *found = NULL;

	free(whole);
	if (nodes == NULL)
		return NULL;
	json_object_object_foreach(nodes, node, flag) {
		(void)flag;
		if (now == NULL || strcmp(now, node) != 0)
			found = node;
	}
	return found;
}

bool
seen_left_node(
    const struct seen *seen, const char *namespace, const char *pod, const char *node)
{
	char *whole = mem_printf("%s_%s", namespace, pod);
	struct json_object *nodes = json_read_member(seen->left, whole);
	const char *now = json_read_string(json_read_member(seen->pods, whole));

	free(whole);
	return json_read_member(nodes, node) != NULL &&
	       (now == NULL || strcmp(now, node) != 0);
}

void
seen_walk_left(const struct seen *seen, const char *node, seen_pod_fn *fn, void *arg)
{
	json_object_object_foreach(seen->left, whole, nodes) {
		size_t len = strcspn(whole, "_");
		char *namespace = mem_strndup(whole, len);

		(void)nodes;
		if (seen_left_node(seen, namespace, whole + len + 1, node))
			fn(arg, namespace, whole + len + 1);
		free(namespace);
	}
}

void
seen_walk(const struct seen *seen, const char *node, seen_pod_fn *fn, void *arg)
{
	json_object_object_foreach(seen->pods, whole, value) {
		size_t len = strcspn(whole, "_");
		char *namespace;

		if (strcmp(json_object_get_string(value), node) != 0)
			continue;
		namespace = mem_strndup(whole, len);
		fn(arg, namespace, whole + len + 1);
		free(namespace);
	}
}
