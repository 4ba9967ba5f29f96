#include "seen.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "hour.h"
#include "json_read.h"
#include "mem.h"
#include "question.h"

struct seen {
	struct json_object *pods; /* NAMESPACE_POD, never shortened → node */
	bool not_whole;
	struct watched watched;
	bool tells;
};

struct seen *
seen_new(void)
{
	struct seen *seen = mem_calloc(1, sizeof *seen);

	seen->pods = json_object_new_object();
	return seen;
}

void
seen_free(struct seen *seen)
{
	if (seen == NULL)
		return;
	json_object_put(seen->pods);
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

void
seen_add(struct seen *seen, const char *name, struct json_object *part,
    seen_problem_fn *fn, void *arg)
{
	struct json_object *data = json_read_member(part, "data");
	struct json_object *longs = read_longs(part);
	const char *watched = annotation(part, HOUR_WATCHED);

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
			json_object_object_add(
			    seen->pods, whole, json_object_new_string(node));
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
