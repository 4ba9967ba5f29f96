#include "nodes.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "judge.h"
#include "mem.h"
#include "provider.h"
#include "server.h"
#include "stage.h"
#include "users.h"

#define ZERO_TIME "2026-01-01T00:00:00Z"

static const char *const nodes_names[NODES_MAX] = {"n0", "n1", "n2", "n3", "n4", "n5"};

static const char *
zone_of(size_t node)
{
	return node % 2 == 0 ? REGION "-a" : REGION "-b";
}

void
nodes_path(size_t node, char out[64])
{
	snprintf(out, 64, NODES "%s", nodes_names[node]);
}

struct json_object *
nodes_get(size_t node)
{
	char path[64];

	nodes_path(node, path);
	return server_get(path);
}

struct vm *
nodes_vm(size_t node)
{
	return provider_vm(nodes_names[node]);
}

bool
nodes_cordoned(size_t node)
{
	return json_object_get_boolean(
	    server_at(nodes_get(node), "spec/unschedulable"));
}

bool
nodes_ready(size_t node)
{
	struct json_object *conditions =
	    server_at(nodes_get(node), "status/conditions");

	return conditions != NULL &&
	       strcmp(server_text(json_object_array_get_idx(conditions, 0), "status"),
		   "True") == 0;
}

void
nodes_make(size_t node)
{
	char path[64], *json;

	if (nodes_vm(node) == NULL) {
		struct vm *vm = provider_add(nodes_names[node], zone_of(node));

		vm->had_ephemeral = node % 3 != 0;
		if (vm->had_ephemeral)
			provider_set_ephemeral(vm);
	}
	nodes_path(node, path);
	json = mem_printf(
	    "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n%zu\",\"labels\":{\"pool\":"
	    "\"edge\"}},\"spec\":{\"providerID\":\"gce://" PROJECT "/%s/n%zu\"},"
	    "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
	    "\"lastTransitionTime\":\"" ZERO_TIME "\"}],\"addresses\":[{\"type\":"
	    "\"InternalIP\",\"address\":\"10.1.0.%zu\"}]}}",
	    node, zone_of(node), node, node);
	server_put(path, json);
	free(json);
}

void
nodes_patch(size_t node, const char *patch)
{
	char path[64];

	nodes_path(node, path);
	server_patch(path, patch);
}

void
nodes_cordon(size_t node, bool cordoned)
{
	stage_tell("user", "%s n%zu", cordoned ? "cordons" : "uncordons", node);
	nodes_patch(node, cordoned ? "{\"spec\":{\"unschedulable\":true}}"
				   : "{\"spec\":{\"unschedulable\":null}}");
}

void
nodes_set_ready(size_t node, bool ready)
{
	char since[CLOCK_TEXT_MAX], *patch;

	stage_tell("kubelet", "n%zu is %s", node, ready ? "Ready" : "NotReady");
	clock_format(clock_wall(), false, since, sizeof since);
	patch = mem_printf("{\"status\":{\"conditions\":[{\"type\":\"Ready\","
			   "\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}]}}",
	    ready ? "True" : "False", since);
	nodes_patch(node, patch);
	free(patch);
}

/* --- pods ------------------------------------------------------------------------- */

void
nodes_put_pod(size_t pod, size_t node)
{
	char *path = mem_printf(PODS "sip-%zu", pod);
	char *json = mem_printf(
	    "{\"metadata\":{\"name\":\"sip-%zu\",\"namespace\":\"default\","
	    "\"labels\":{\"app\":\"sip\",\"pod-template-hash\":\"7d9\"},"
	    "\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\","
	    "\"name\":\"sip-7d9\",\"uid\":\"rs-1\"}]},\"spec\":{\"nodeName\":\"n%zu\""
	    "%s},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.2.%zu.%zu\"}}",
	    pod, node, pod % 2 == 1 ? ",\"nodeSelector\":{\"ip.ready\":\"true\"}" : "",
	    node, pod);

	stage_tell("scheduler", "sip-%zu is on n%zu", pod, node);
	server_put(path, json);
	free(path);
	free(json);
}

static struct json_object *
pod_get(size_t pod)
{
	char path[128];

	snprintf(path, sizeof path, PODS "sip-%zu", pod);
	return server_get(path);
}

void
nodes_drop_pod(size_t pod)
{
	char path[128];

	snprintf(path, sizeof path, PODS "sip-%zu", pod);
	server_delete(path);
}

/* Where a scheduler would put it; NODES_MAX: nowhere. */
static size_t
pod_place(size_t pod)
{
	size_t from = stage_pick(users.nodes);

	for (size_t i = 0; i < users.nodes; i++) {
		size_t node = (from + i) % users.nodes;

		if (nodes_get(node) != NULL && nodes_ready(node) &&
		    !nodes_cordoned(node) &&
		    (pod % 2 == 0 || judge_is_labelled(nodes_names[node])))
			return node;
	}
	return NODES_MAX;
}

void
nodes_keep_pods(void)
{
	for (size_t pod = 0; pod < PODS_MAX; pod++) {
		size_t node = pod_get(pod) == NULL ? pod_place(pod) : NODES_MAX;

		if (node < NODES_MAX)
			nodes_put_pod(pod, node);
	}
}

void
nodes_drain_pods(size_t node)
{
	for (size_t pod = 0; pod < PODS_MAX; pod++)
		if (strcmp(server_text(pod_get(pod), "spec/nodeName"),
			nodes_names[node]) == 0)
			nodes_drop_pod(pod);
}
