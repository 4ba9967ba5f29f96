/* Projections of what a real API server has said. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "project.h"
#include "scan.h"

/* Largest recording that is read (bytes). */
#define RECORDING_MAX ((size_t)1024 * 1024)

/* These are large. */
static struct msg_fact_node node;
static struct msg_fact_pod pod;
static struct msg_fact_allocation allocation;
static struct msg_fact_gone gone;

/* Calls fn with each object of a recorded list or watch. */
typedef void object_fn(const char *json, size_t len, json_object *object);

static void
each_object(const char *text, const char *member, object_fn *fn)
{
	struct scan scan;
	const char *key, *raw;
	size_t key_len, raw_len;

	scan_init(&scan, text, strlen(text));
	cr_assert(scan_enter_object(&scan));
	while (scan_next_key(&scan, &key, &key_len)) {
		bool array = scan_key_is(key, key_len, "items");

		if (!array && !scan_key_is(key, key_len, member)) {
			scan_skip(&scan);
			continue;
		}
		if (array && !scan_enter_array(&scan))
			continue;
		do {
			json_object *object;
			char *copy;

			if (array && !scan_next_element(&scan))
				break;
			scan_raw(&scan, &raw, &raw_len);
			cr_assert_eq(scan.error, 0);
			copy = mem_strndup(raw, raw_len);
			object = json_tokener_parse(copy);
			fn(raw, raw_len, object);
			json_object_put(object);
			free(copy);
		} while (array);
	}
	cr_assert_eq(scan.error, 0);
}

static char *
read_recording(const char *name)
{
	const char *folder = getenv("CONTRACTS_DIR");
	char *path = mem_printf(
	    "%s/kube-wire/%s", folder != NULL ? folder : TESTS_CONTRACTS, name);
	FILE *file = fopen(path, "r");
	char *text = mem_calloc(RECORDING_MAX + 1, 1);

	cr_assert_not_null(file, "%s", path);
	cr_assert_gt(fread(text, 1, RECORDING_MAX, file), 0);
	fclose(file);
	free(path);
	return text;
}

/* A list has one line of JSON, a watch many. */
static void
each_recorded(const char *name, object_fn *fn)
{
	char *text = read_recording(name);
	char *body = strstr(strstr(text, "\nHTTP/1.1 "), "\n\n") + 2;
	char *rest = body;
	const char *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] == '{')
			each_object(line, "object", fn);
	free(text);
}

static json_object *
at(json_object *object, const char *outer, const char *inner)
{
	return json_object_object_get(json_object_object_get(object, outer), inner);
}

static const char *
text_at(json_object *object, const char *outer, const char *inner)
{
	const char *text = json_object_get_string(at(object, outer, inner));

	return text != NULL ? text : "";
}

static int seen;

static void
check_node(const char *json, size_t len, json_object *object)
{
	json_object *labels = at(object, "metadata", "labels");
	size_t cursor = 0;
	int count = 0;

	if (text_at(object, "metadata", "name")[0] == '\0')
		return; /* a bookmark */
	cr_assert_eq(project_node(json, len, &node), 0);
	cr_assert_str_eq(node.name, text_at(object, "metadata", "name"));
	cr_assert_str_eq(node.uid, text_at(object, "metadata", "uid"));
	cr_assert_str_eq(node.provider_id, text_at(object, "spec", "providerID"));
	cr_assert_eq(node.unschedulable,
	    json_object_get_boolean(at(object, "spec", "unschedulable")));
	while (pack_next(&node.labels, &cursor) != NULL)
		count++;
	cr_assert_eq(count, 2 * json_object_object_length(labels));
	json_object_object_foreach(labels, key, value)
		cr_assert_str_eq(
		    pack_value(&node.labels, key), json_object_get_string(value));
	seen++;
}

static void
check_pod(const char *json, size_t len, json_object *object)
{
	if (text_at(object, "metadata", "name")[0] == '\0')
		return;
	cr_assert_eq(project_pod(json, len, &pod), 0);
	cr_assert_str_eq(pod.name, text_at(object, "metadata", "name"));
	cr_assert_str_eq(pod.uid, text_at(object, "metadata", "uid"));
	cr_assert_str_eq(pod.namespace, text_at(object, "metadata", "namespace"));
	cr_assert_str_eq(pod.node, text_at(object, "spec", "nodeName"));
	cr_assert_str_eq(pod.ip, text_at(object, "status", "podIP"));
	cr_assert_eq(pod.phase == POD_PHASE_RUNNING,
	    strcmp(text_at(object, "status", "phase"), "Running") == 0);
	seen++;
}

Test(project_recorded, nodes)
{
	each_recorded("043-nodes-list-json.http", check_node);
	cr_assert_eq(seen, 3);
	each_recorded("055-nodes-watch-json.http", check_node);
	cr_assert_gt(seen, 3);
}

Test(project_recorded, pods)
{
	each_recorded("047-pods-list-json.http", check_pod);
	cr_assert_eq(seen, 3);
	each_recorded("057-pods-watchlist-json-initial-events.http", check_pod);
	cr_assert_gt(seen, 3);
}

/* Cut anywhere, an object is refused. */
static void
check_cuts(const char *json, size_t len, json_object *object)
{
	(void)object;
	for (size_t cut = 0; cut < len; cut++) {
		cr_assert_eq(project_node(json, cut, &node), -EBADMSG);
		cr_assert_eq(project_pod(json, cut, &pod), -EBADMSG);
		cr_assert_eq(project_allocation(json, cut, &allocation), -EBADMSG);
		cr_assert_eq(project_gone(json, cut, FACT_KIND_NODE, &gone), -EBADMSG);
	}
	seen++;
}

Test(project_recorded, objects_cut_off)
{
	each_recorded("051-pods-list-limit-1.http", check_cuts);
	cr_assert_eq(seen, 1);
}
