#include "allocation_spec.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"
#include "pack.h"

/* spec.reconcileInterval: the CRD's default and least; a day at most. */
#define INTERVAL_DEFAULT_S 30
#define INTERVAL_LEAST_S   5
#define INTERVAL_MOST_S	   86400

static const char *const policy_names[] = {
    [POLICY_SYNC] = "Sync",
    [POLICY_ASSIGN_ONLY] = "AssignOnly",
    [POLICY_OBSERVE] = "Observe",
};

static const char *const eviction_names[] = {
    [EVICTION_WHEN_REPLACEABLE] = "WhenReplaceable",
    [EVICTION_ALWAYS] = "Always",
    [EVICTION_NEVER] = "Never",
};

static const char *const workload_names[] = {
    [WORKLOAD_NONE] = "",
    [WORKLOAD_DEPLOYMENT] = "Deployment",
    [WORKLOAD_STATEFULSET] = "StatefulSet",
    [WORKLOAD_DAEMONSET] = "DaemonSet",
};

const char *
allocation_workload_kind(enum workload_kind kind)
{
	return kind != WORKLOAD_NONE ? workload_names[kind] : NULL;
}

void
allocation_refuse(
    struct allocation *allocation, const char *reason, const char *format, ...)
{
	char text[TEXT_MAX * 2];
	va_list args;

	if (allocation->refusal_reason[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	MESSAGE_TEXT(allocation->refusal_reason, reason);
	MESSAGE_TEXT(allocation->refusal, text);
}

/* Reads a text of the spec; what is malformed is refused and reads as absent. */
static void
spec_text(struct allocation *allocation, struct json_object *object, const char *key,
    char *out, size_t size)
{
	if (json_read_text(object, key, out, size) < 0)
		allocation_refuse(allocation, "InvalidSpec",
		    "%s is no text of at most %zu bytes", key, size - 1);
}

static void
parse_cloud(struct allocation *allocation, struct json_object *spec)
{
	struct json_object *cloud = json_read_member(spec, "cloud");
	struct json_object *zones = json_read_member(cloud, "zones");
	size_t count = json_read_length(zones);
	struct pack names = {0};

	if (!json_object_is_type(cloud, json_type_object))
		allocation_refuse(allocation, "InvalidSpec", "spec.cloud is missing");
	spec_text(allocation, cloud, "provider", allocation->provider,
	    sizeof allocation->provider);
	if (allocation->provider[0] == '\0')
		MESSAGE_TEXT(allocation->provider, "gcp");
	spec_text(
	    allocation, cloud, "region", allocation->region, sizeof allocation->region);
	for (size_t i = 0; i < count; i++) {
		const char *zone =
		    json_read_string(json_object_array_get_idx(zones, i));

		if (zone == NULL || strlen(zone) > PLACE_MAX ||
		    pack_add(&names, zone) < 0)
			allocation_refuse(allocation, "InvalidSpec",
			    "spec.cloud.zones[%zu] is no zone's name", i);
	}
	texts_set(&allocation->zones, names.data, names.len);
	if (zones != NULL && !json_object_is_type(zones, json_type_array))
		allocation_refuse(
		    allocation, "InvalidSpec", "spec.cloud.zones is no list");
	if (strcmp(allocation->provider, "gcp") != 0)
		allocation_refuse(allocation, "ProviderNotSupported",
		    "provider %s is not supported, only gcp is", allocation->provider);
}

static void
parse_kind(struct allocation *allocation, struct json_object *ref)
{
	char kind[64] = "";

	spec_text(allocation, ref, "kind", kind, sizeof kind);
	for (size_t i = WORKLOAD_DEPLOYMENT; i <= WORKLOAD_DAEMONSET; i++)
		if (strcmp(kind, workload_names[i]) == 0)
			allocation->workload = (enum workload_kind)i;
	if (allocation->workload == WORKLOAD_NONE)
		allocation_refuse(allocation, "InvalidSpec",
		    "spec.workloadRef.kind %s is no Deployment, StatefulSet or "
		    "DaemonSet",
		    kind);
}

static void
parse_workload(struct allocation *allocation, struct json_object *spec)
{
	struct json_object *ref = json_read_member(spec, "workloadRef");

	if (ref != NULL) {
		parse_kind(allocation, ref);
	} else {
		ref = json_read_member(spec, "deploymentRef");
		if (ref == NULL)
			return;
		allocation->workload = WORKLOAD_DEPLOYMENT;
	}
	spec_text(allocation, ref, "name", allocation->workload_name,
	    sizeof allocation->workload_name);
	spec_text(allocation, ref, "namespace", allocation->workload_namespace,
	    sizeof allocation->workload_namespace);
	if (allocation->workload_name[0] == '\0')
		allocation_refuse(
		    allocation, "InvalidSpec", "the workload has no name");
	if (allocation->workload_namespace[0] == '\0')
		MESSAGE_TEXT(allocation->workload_namespace, "default");
}

static void
parse_selector(struct allocation *allocation, struct json_object *spec)
{
	struct json_object *selector = json_read_member(spec, "nodeSelector");
	struct pack pairs = {0};

	if (selector == NULL)
		return;
	if (!json_object_is_type(selector, json_type_object)) {
		allocation_refuse(
		    allocation, "InvalidSpec", "spec.nodeSelector is no map");
		return;
	}
	json_object_object_foreach(selector, key, value) {
		const char *text = json_read_string(value);
		uint32_t before = pairs.len;

		if (text != NULL && pack_add(&pairs, key) == 0 &&
		    pack_add(&pairs, text) == 0)
			continue;
		pairs.len = before;
		allocation_refuse(allocation, "InvalidSpec",
		    "spec.nodeSelector[%s] is no text or the map is too large", key);
	}
	texts_set(&allocation->node_selector, pairs.data, pairs.len);
}

static void
parse_policy(struct allocation *allocation, struct json_object *spec)
{
	char policy[32] = "Sync";

	spec_text(allocation, spec, "policy", policy, sizeof policy);
	for (size_t i = 0; i < sizeof policy_names / sizeof policy_names[0]; i++) {
		if (strcmp(policy, policy_names[i]) != 0)
			continue;
		allocation->policy = (enum allocation_policy)i;
		return;
	}
	/* what we do not know must not do more than what we know */
	allocation->policy = POLICY_OBSERVE;
	allocation_refuse(
	    allocation, "InvalidSpec", "spec.policy %s is not known", policy);
}

static void
parse_eviction(struct allocation *allocation, struct json_object *spec)
{
	char policy[32] = "WhenReplaceable";

	spec_text(allocation, spec, "evictionPolicy", policy, sizeof policy);
	for (size_t i = 0; i < sizeof eviction_names / sizeof eviction_names[0]; i++) {
		if (strcmp(policy, eviction_names[i]) != 0)
			continue;
		allocation->eviction = (enum eviction_policy)i;
		return;
	}
	allocation->eviction = EVICTION_NEVER;
	allocation_refuse(
	    allocation, "InvalidSpec", "spec.evictionPolicy %s is not known", policy);
}

static void
parse_interval(struct allocation *allocation, struct json_object *spec)
{
	int64_t seconds = INTERVAL_DEFAULT_S;

	if (json_read_number(spec, "reconcileInterval", &seconds) < 0)
		allocation_refuse(
		    allocation, "InvalidSpec", "spec.reconcileInterval is no number");
	if (seconds < INTERVAL_LEAST_S)
		seconds = INTERVAL_LEAST_S;
	if (seconds > INTERVAL_MOST_S)
		seconds = INTERVAL_MOST_S;
	allocation->reconcile_interval_s = seconds;
}

void
allocation_parse_spec(struct allocation *allocation, struct json_object *spec)
{
	parse_cloud(allocation, spec);
	parse_workload(allocation, spec);
	parse_selector(allocation, spec);
	parse_policy(allocation, spec);
	parse_eviction(allocation, spec);
	parse_interval(allocation, spec);
}
