/* PodTrackers and PodTrackerSlices: reconciler/tracker.h, reconciler/slice.h. */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "hosts.h"
#include "judge.h"
#include "server.h"

/* What was so for that long the leader has heard of: its watch is late, or began anew,
 * by less. */
#define HEARD_MS 60000
/* So long the word of an agent counts (SLICE_AGENT_MS), less what clocks may show
 * otherwise. */
#define AGENT_MS       1200000
#define AGENT_CLOCK_MS 5000
/* Writes of one object within a minute: one in five seconds, or in one second, and
 * those of leaders that follow each other. */
#define MINUTE_MS      60000
#define SLICE_WRITES   24u
#define TRACKER_WRITES 80u
#define WRITES_MOST    TRACKER_WRITES
#define PATHS_MAX      64u

static struct {
	struct path {
		char path[128];
		int64_t told_ms; /* somebody else wrote it last */
		int64_t node_ms; /* the node of that name was made or went last */
		int64_t sent_ms[WRITES_MOST]; /* the last ones, by a leader */
		size_t sent;
	} paths[PATHS_MAX];
	size_t paths_len;
	int64_t wanted_ms; /* since when there is a tracker; 0 there is none */
} judge;

void
judge_tracker_open(void)
{
	memset(&judge, 0, sizeof judge);
}

static struct path *
path_of(const char *path)
{
	struct path *it;

	for (size_t i = 0; i < judge.paths_len; i++)
		if (strcmp(judge.paths[i].path, path) == 0)
			return &judge.paths[i];
	assert(judge.paths_len < PATHS_MAX);
	it = &judge.paths[judge.paths_len++];
	snprintf(it->path, sizeof it->path, "%s", path);
	return it;
}

/* --- what is true ----------------------------------------------------------------- */

static struct json_object *
node_of(const char *slice)
{
	char path[256];

	snprintf(path, sizeof path, NODES "%s", slice + strlen(SLICES));
	return server_get(path);
}

static bool
is_of(struct json_object *slice, struct json_object *node)
{
	return slice != NULL && node != NULL &&
	       strcmp(server_text(slice, "nodeUID"),
		   server_text(node, "metadata/uid")) == 0;
}

/* That node's agent is there, by what it has written. */
static bool
is_agents(struct json_object *slice, struct json_object *node, int64_t most_ms)
{
	struct wall_time at;

	return is_of(slice, node) &&
	       strcmp(server_text(slice, "writer"), "Agent") == 0 &&
	       clock_parse(server_text(slice, "lastUpdateTime"), &at) == 0 &&
	       clock_wall().ms - at.ms < most_ms;
}

static bool
is_wanted(void)
{
	for (size_t i = 0; i < server.objects_len; i++)
		if (server.objects[i].kind == KIND_TRACKER &&
		    server_at(server.objects[i].json, "metadata/deletionTimestamp") ==
			NULL)
			return true;
	return false;
}

/* --- while things happen ---------------------------------------------------------- */

static void
judge_often(struct path *path, size_t most)
{
	int64_t *at = &path->sent_ms[path->sent++ % most];

	if (*at != 0 && stage.now_ms - *at < MINUTE_MS)
		stage_violate("%s is written %zu times in %lld ms", path->path, most,
		    (long long)(stage.now_ms - *at));
	*at = stage.now_ms;
}

static void
judge_slice(const char *path, const char *method)
{
	struct json_object *slice = server_get(path), *node = node_of(path);
	const struct path *it = path_of(path);
	int64_t told_ms = it->told_ms > it->node_ms ? it->told_ms : it->node_ms;
	bool heard = stage.now_ms - told_ms > HEARD_MS;

	if (heard && is_agents(slice, node, AGENT_MS - AGENT_CLOCK_MS))
		stage_violate("%s of %s, which its agent writes", method, path);
	if (heard && strcmp(method, "DELETE") == 0 && is_of(slice, node) &&
	    judge.wanted_ms != 0 && stage.now_ms - judge.wanted_ms > HEARD_MS)
		stage_violate("%s is to be taken away for no reason", path);
}

/* The path is the object's own, or of a POST the collection. */
void
judge_tracker_asks(const struct kube_call *call)
{
	char path[256];
	struct json_object *body;
	enum kind kind;

	snprintf(path, sizeof path, "%s", call->path);
	if (strcmp(call->method, "POST") == 0) {
		body = json_tokener_parse(call->body);
		snprintf(path, sizeof path, "%s/%s", call->path,
		    server_text(body, "metadata/name"));
		json_object_put(body);
	}
	kind = server_kind(path);
	if (kind == KIND_SLICE) {
		judge_slice(path, call->method);
		judge_often(path_of(path), SLICE_WRITES);
	} else if (kind == KIND_TRACKER) {
		judge_often(path_of(path), TRACKER_WRITES);
	}
}

void
judge_tracker_wrote(
    struct json_object *before, struct json_object *after, const char *path)
{
	enum kind kind = server_kind(path);
	char slice[256];

	if (kind == KIND_TRACKER)
		judge.wanted_ms = !is_wanted()		 ? 0
				  : judge.wanted_ms == 0 ? stage.now_ms
							 : judge.wanted_ms;
	if (kind == KIND_SLICE)
		path_of(path)->told_ms = stage.now_ms;
	if (kind != KIND_NODE || (before != NULL && after != NULL))
		return;
	snprintf(slice, sizeof slice, SLICES "%s", path + strlen(NODES));
	path_of(slice)->node_ms = stage.now_ms;
}

/* --- at rest ---------------------------------------------------------------------- */

/* Whether the list has that pod, as it is. */
static bool
has_pod(struct json_object *list, struct json_object *pod)
{
	static const char *const members[][2] = {
	    {"ip", "status/podIP"},
	    {"namespace", "metadata/namespace"},
	    {"nodeName", "spec/nodeName"},
	    {"phase", "status/phase"},
	    {"podName", "metadata/name"},
	};

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		bool same = true;

		if (strcmp(server_text(entry, "uid"),
			server_text(pod, "metadata/uid")) != 0)
			continue;
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			same = same && strcmp(server_text(entry, members[k][0]),
					   server_text(pod, members[k][1])) == 0;
		return same;
	}
	return false;
}

/* Whether these are the pods that have an address, of that node and namespace ("" any),
 * and no others. */
static bool
is_list(struct json_object *list, const char *node, const char *namespace)
{
	size_t count = 0, len = list != NULL ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *pod = server.objects[i].json;

		if (server.objects[i].kind != KIND_POD ||
		    server_text(pod, "status/podIP")[0] == '\0' ||
		    (node[0] != '\0' &&
			strcmp(server_text(pod, "spec/nodeName"), node) != 0) ||
		    (namespace[0] != '\0' &&
			strcmp(server_text(pod, "metadata/namespace"), namespace) != 0))
			continue;
		count++;
		if (list == NULL || !has_pod(list, pod))
			return judge_complain(
			    "%s lacks %s", node, server_text(pod, "metadata/name"));
	}
	return count == len ||
	       judge_complain("%s has %zu pods, not %zu", node, len, count);
}

static bool
is_slice_right(struct json_object *node)
{
	const char *name = server_text(node, "metadata/name");
	struct json_object *slice;
	char path[256];

	snprintf(path, sizeof path, SLICES "%s", name);
	slice = server_get(path);
	if (is_agents(slice, node, AGENT_MS))
		return true;
	if (judge.wanted_ms == 0)
		return slice == NULL || judge_complain("%s, and no tracker", path);
	if (!is_of(slice, node))
		return judge_complain("%s is not that of its node", path);
	return is_list(server_at(slice, "pods"), name, "");
}

static bool
is_node_told(struct json_object *list, struct json_object *node, const char *namespace)
{
	const char *name = server_text(node, "metadata/name");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(server_text(entry, "nodeName"), name) == 0)
			return is_list(server_at(entry, "podIPs"), name, namespace);
	}
	return judge_complain("%s is not told of", name);
}

static struct json_object *
first_of(struct json_object *list)
{
	return list != NULL ? json_object_array_get_idx(list, 0) : NULL;
}

static bool
is_tracker_right(struct json_object *tracker)
{
	struct json_object *nodes = server_at(tracker, "status/nodeInfo");
	const char *namespace = server_text(tracker, "spec/namespace");
	size_t count = 0;

	if (server_at(tracker, "metadata/deletionTimestamp") != NULL ||
	    first_of(server_at(tracker, "metadata/finalizers")) != NULL)
		return judge_complain("it has the finalizer, or goes");
	if (json_object_get_int64(server_at(tracker, "metadata/generation")) !=
		json_object_get_int64(
		    server_at(tracker, "status/observedGeneration")) ||
	    strcmp(server_text(
		       first_of(server_at(tracker, "status/conditions")), "status"),
		"True") != 0)
		return judge_complain("it is not ready");
	for (size_t i = 0; i < server.objects_len; i++) {
		if (server.objects[i].kind != KIND_NODE)
			continue;
		count++;
		if (!is_node_told(nodes, server.objects[i].json, namespace))
			return false;
	}
	if ((nodes != NULL ? json_object_array_length(nodes) : 0) != count)
		return judge_complain("it has nodes that there are not");
	return is_list(server_at(tracker, "status/podIPs"), "", namespace);
}

const char *
judge_tracker_complaint(void)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		const struct object *object = &server.objects[i];

		if (object->kind == KIND_NODE && !is_slice_right(object->json))
			return judge_complaint();
		if (object->kind == KIND_SLICE && node_of(object->path) == NULL) {
			judge_complain("%s is of no node", object->path);
			return judge_complaint();
		}
		if (object->kind != KIND_TRACKER || is_tracker_right(object->json))
			continue;
		judge_complain("%.100s: %.150s", object->path, judge_complaint());
		return judge_complaint();
	}
	return NULL;
}
