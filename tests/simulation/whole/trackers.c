#include "trackers.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "nodes.h"
#include "server.h"
#include "stage.h"
#include "users.h"

#define FINALIZER "podtracker.networking.learntosolveit.com/finalizer"
/* How old the last word of an agent that is gone may be: it counts for 20 minutes
 * (reconciler/slice.h). */
#define MARK_MOST_MS 1500000
/* An agent says at least so often that it is there. */
#define REFRESH_MS 400000
#define SLICE_TEXT 8192u

static struct {
	struct agent {
		bool runs;
		int64_t said_ms;
		unsigned words; /* each has a hash of its own */
		char pods[SLICE_TEXT];
	} agents[NODES_MAX]; /* of the nodes */
} trackers;

static const char *const trackers_names[TRACKERS_OF_USERS] = {"all", "some"};

/* --- agents ----------------------------------------------------------------------- */

static void
slice_path(size_t node, char out[128])
{
	snprintf(out, 128, SLICES "n%zu", node);
}

static void
put_pod(struct buf *out, struct json_object *pod)
{
	buf_printf(out,
	    "%s{\"ip\":\"%s\",\"namespace\":\"%s\",\"nodeName\":\"%s\",\"phase\":\"%s"
	    "\",\"podName\":\"%s\",\"uid\":\"%s\"}",
	    out->len > 1 ? "," : "", server_text(pod, "status/podIP"),
	    server_text(pod, "metadata/namespace"), server_text(pod, "spec/nodeName"),
	    server_text(pod, "status/phase"), server_text(pod, "metadata/name"),
	    server_text(pod, "metadata/uid"));
}

static void
put_pods(struct buf *out, const char *node)
{
	buf_puts(out, "[");
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *pod = server.objects[i].json;

		if (server.objects[i].kind == KIND_POD &&
		    server_text(pod, "status/podIP")[0] != '\0' &&
		    strcmp(server_text(pod, "spec/nodeName"), node) == 0)
			put_pod(out, pod);
	}
	buf_puts(out, "]");
}

/* An agent's slice, by a clock that shows what it did `ago_ms` ago. */
static void
agent_say(size_t node, const char *pods, int64_t ago_ms)
{
	struct agent *agent = &trackers.agents[node];
	struct wall_time at = {clock_wall().ms - ago_ms};
	char path[128], when[CLOCK_TEXT_MAX], *json;

	slice_path(node, path);
	clock_format(at, false, when, sizeof when);
	json = mem_printf(
	    "{\"metadata\":{\"name\":\"n%zu\"},\"nodeName\":\"n%zu\",\"nodeUID\":"
	    "\"%s\",\"writer\":\"Agent\",\"part\":1,\"parts\":1,\"contentHash\":"
	    "\"a%zx%x\",\"lastUpdateTime\":\"%s\",\"pods\":%s}",
	    node, node, server_text(nodes_get(node), "metadata/uid"), node,
	    ++agent->words, when, pods);
	if (server_get(path) == NULL)
		server_put(path, json);
	else
		server_patch(path, json);
	agent->said_ms = stage.now_ms;
	free(json);
}

/* Somebody else has written over it, or it is of a node that was there before. */
static bool
is_as_said(size_t node)
{
	char path[128];
	struct json_object *slice;

	slice_path(node, path);
	slice = server_get(path);
	return strcmp(server_text(slice, "writer"), "Agent") == 0 &&
	       strcmp(server_text(slice, "nodeUID"),
		   server_text(nodes_get(node), "metadata/uid")) == 0;
}

static void
agent_work(size_t node)
{
	struct agent *agent = &trackers.agents[node];
	char name[32];
	struct buf pods;

	snprintf(name, sizeof name, "n%zu", node);
	buf_init(&pods, SLICE_TEXT - 1);
	put_pods(&pods, name);
	if (strcmp(pods.data, agent->pods) != 0 || !is_as_said(node) ||
	    stage.now_ms - agent->said_ms > REFRESH_MS) {
		snprintf(agent->pods, sizeof agent->pods, "%s", pods.data);
		agent_say(node, pods.data, 0);
	}
	buf_free(&pods);
}

void
trackers_keep(void)
{
	if (!users.tracked || server.no_trackers)
		return;
	for (size_t i = 0; i < users.nodes; i++)
		if (trackers.agents[i].runs && nodes_get(i) != NULL)
			agent_work(i);
}

static void
flip_agent(void)
{
	size_t node = stage_pick(users.nodes);
	struct agent *agent = &trackers.agents[node];

	agent->runs = !agent->runs;
	stage_tell(
	    "user", "%s the agent of n%zu", agent->runs ? "starts" : "ends", node);
	trackers_keep();
}

/* --- what others have left behind ------------------------------------------------- */

/* Of an agent that ran there once; of a leader before a node went. */
static void
leave_behind(void)
{
	size_t node = stage_pick(users.nodes);
	char path[128], *json;

	if (nodes_get(node) != NULL && stage_chance(500)) {
		agent_say(node, "[]", stage_between(0, MARK_MOST_MS));
		return;
	}
	snprintf(path, sizeof path, SLICES "gone-%zu", node);
	json = mem_printf(
	    "{\"metadata\":{\"name\":\"gone-%zu\"},\"nodeName\":\"%s%zu\",\"nodeUID\":"
	    "\"uid-0\",\"writer\":\"%s\",\"part\":%d,\"parts\":1,\"contentHash\":\"1\","
	    "\"lastUpdateTime\":\"2026-11-20T00:00:00Z\",\"pods\":[]}",
	    node, stage_chance(500) ? "gone-" : "n", node,
	    stage_chance(500) ? "Agent" : "Leader", 1 + (int)stage_pick(2));
	server_put(path, json);
	free(json);
}

/* --- users ------------------------------------------------------------------------ */

static void
tracker_path(size_t which, char out[128])
{
	snprintf(out, 128, TRACKERS "%s", trackers_names[which]);
}

static void
tracker_make(size_t which)
{
	char path[128], *json;

	tracker_path(which, path);
	json = mem_printf(
	    "{\"metadata\":{\"name\":\"%s\",\"generation\":1%s},\"spec\":{%s}}",
	    trackers_names[which],
	    stage_chance(200) ? ",\"finalizers\":[\"" FINALIZER "\"]" : "",
	    which > 0 ? "\"namespace\":\"default\"" : "");
	server_put(path, json);
	free(json);
}

static void
flip_tracker(void)
{
	size_t which = stage_pick(TRACKERS_OF_USERS);
	char path[128];

	tracker_path(which, path);
	stage_tell("user", "%s tracker %s",
	    server_get(path) == NULL ? "creates" : "deletes", trackers_names[which]);
	if (server_get(path) == NULL)
		tracker_make(which);
	else
		server_delete(path);
}

static void
edit_tracker(void)
{
	static const char *const patches[] = {
	    "{\"spec\":{\"namespace\":\"default\"}}",
	    "{\"spec\":{\"namespace\":\"kube-system\"}}",
	    "{\"spec\":{\"namespace\":\"nothing\"}}",
	    "{\"spec\":{\"namespace\":null}}",
	};
	char path[128];

	tracker_path(stage_pick(TRACKERS_OF_USERS), path);
	server_patch(path, patches[stage_pick(4)]);
}

/* A Pod IP Tracker still runs: it knows of no hash. */
static void
scribble_on_tracker(void)
{
	char path[128];

	tracker_path(stage_pick(TRACKERS_OF_USERS), path);
	stage_tell("foreign", "writes %s", path);
	server_patch(path, "{\"status\":{\"podCount\":0,\"nodeCount\":7,\"podIPs\":"
			   "[{\"ip\":\"10.9.9.9\"}],\"nodeInfo\":null,"
			   "\"contentHash\":null,\"conditions\":null}}");
}

static void
scribble_on_slice(void)
{
	size_t node = stage_pick(users.nodes);
	char path[128];

	slice_path(node, path);
	stage_tell("foreign", "writes slice n%zu", node);
	if (stage_chance(300))
		server_delete(path);
	else
		server_patch(path, "{\"contentHash\":\"0\",\"pods\":[]}");
}

static void
change_pod(void)
{
	static const char *const patches[] = {
	    "{\"status\":{\"phase\":\"Pending\"}}",
	    "{\"status\":{\"phase\":\"Running\"}}",
	    "{\"status\":{\"podIP\":null}}",
	    "{\"status\":{\"podIP\":\"10.2.9.1\"}}",
	};
	char path[128];

	snprintf(path, sizeof path, PODS "sip-%zu", (size_t)stage_pick(PODS_MAX));
	server_patch(path, patches[stage_pick(4)]);
}

static void
define(void)
{
	if (server.no_trackers)
		stage_tell("user", "installs PodTracker");
	server.no_trackers = false;
}

void
trackers_happen(void)
{
	static void (*const happenings[])(void) = {
	    flip_tracker,
	    edit_tracker,
	    scribble_on_tracker,
	    scribble_on_slice,
	    change_pod,
	    change_pod,
	    flip_agent,
	    leave_behind,
	    define,
	};

	happenings[stage_pick(sizeof happenings / sizeof *happenings)]();
}

void
trackers_make(void)
{
	memset(&trackers, 0, sizeof trackers);
	server.no_trackers = stage_chance(200);
	for (size_t i = 0; i < TRACKERS_OF_USERS; i++)
		if (stage_chance(800))
			tracker_make(i);
	for (size_t i = 0; i < users.nodes; i++) {
		trackers.agents[i].runs = stage_chance(200);
		if (stage_chance(300))
			leave_behind();
	}
	trackers_keep();
}

void
trackers_mend(void)
{
	define();
}
