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
/* spec.notReadyGraceSeconds: likewise; ten years, so that "never" can be written. */
#define GRACE_DEFAULT_S 300
#define GRACE_LEAST_S	30
#define GRACE_MOST_S	315360000

#define ANNOTATION_PAUSED	"netinfra.darkbrains.com/paused"
#define ANNOTATION_RELEASE_NOW	"netinfra.darkbrains.com/release-now"
#define ANNOTATION_RECONCILE_AT "netinfra.darkbrains.com/reconcile-at"

static const char *const policy_names[] = {
    [POLICY_SYNC] = "Sync",
    [POLICY_ASSIGN_ONLY] = "AssignOnly",
    [POLICY_OBSERVE] = "Observe",
};

static const char *const deletion_names[] = {
    [DELETION_RELEASE] = "Release",
    [DELETION_RETAIN] = "Retain",
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

const char *
allocation_policy_name(enum allocation_policy policy)
{
	return policy_names[policy];
}

bool
allocation_policy_find(const char *name, enum allocation_policy *ret_policy)
{
	for (size_t i = 0; i < sizeof policy_names / sizeof policy_names[0]; i++) {
		if (strcmp(name, policy_names[i]) != 0)
			continue;
		*ret_policy = (enum allocation_policy)i;
		return true;
	}
	return false;
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
	if (allocation->provider[0] == '\0') {
		MESSAGE_TEXT(allocation->provider, "gcp");
		allocation->notices |= NOTICE_PROVIDER;
	}
	if (json_read_member(cloud, "credentials") != NULL)
		allocation->notices |= NOTICE_CREDENTIALS;
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
	struct json_object *old = json_read_member(spec, "deploymentRef");

	if (old != NULL)
		allocation->notices |= NOTICE_DEPLOYMENT_REF;
	if (ref != NULL) {
		parse_kind(allocation, ref);
	} else if (old != NULL) {
		ref = old;
		allocation->workload = WORKLOAD_DEPLOYMENT;
	} else {
		return;
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

/* A text of the spec that is one of `names`. Its index; `unknown` with a refusal when
 * it is another one, -1 when it is absent. */
static int
parse_choice(struct allocation *allocation, struct json_object *spec, const char *key,
    const char *const *names, size_t names_len, int unknown)
{
	char text[32] = "";

	spec_text(allocation, spec, key, text, sizeof text);
	if (text[0] == '\0' && json_read_member(spec, key) == NULL)
		return -1;
	for (size_t i = 0; i < names_len; i++)
		if (strcmp(text, names[i]) == 0)
			return (int)i;
	allocation_refuse(
	    allocation, "InvalidSpec", "spec.%s %s is not known", key, text);
	return unknown;
}

#define CHOICE(key, names, unknown)                                                    \
	parse_choice(                                                                  \
	    allocation, spec, key, names, sizeof(names) / sizeof(names)[0], unknown)

/* What we do not know must not do more than what we know. */
static void
parse_policies(struct allocation *allocation, struct json_object *spec)
{
	int policy = CHOICE("policy", policy_names, POLICY_OBSERVE);
	int deletion = CHOICE("deletionPolicy", deletion_names, DELETION_RETAIN);
	int eviction = CHOICE("evictionPolicy", eviction_names, EVICTION_NEVER);

	allocation->policy_named = policy >= 0;
	if (policy >= 0)
		allocation->policy = (enum allocation_policy)policy;
	if (deletion >= 0)
		allocation->deletion = (enum deletion_policy)deletion;
	if (eviction >= 0)
		allocation->eviction = (enum eviction_policy)eviction;
}

#undef CHOICE

/* A number of the spec, brought within its bounds. */
static int64_t
parse_seconds(struct allocation *allocation, struct json_object *spec, const char *key,
    int64_t fallback, int64_t least, int64_t most)
{
	int64_t seconds = fallback;

	if (json_read_number(spec, key, &seconds) < 0)
		allocation_refuse(
		    allocation, "InvalidSpec", "spec.%s is no number", key);
	if (seconds < least)
		return least;
	return seconds > most ? most : seconds;
}

static void
parse_amounts(struct allocation *allocation, struct json_object *spec)
{
	allocation->max_moves = (struct amount){.value = 1};
	allocation->min_attached = (struct amount){.value = 100, .percent = true};
	if (amount_read(spec, "maxConcurrentMoves", 1, &allocation->max_moves) < 0)
		allocation_refuse(allocation, "InvalidSpec",
		    "spec.maxConcurrentMoves is no number from 1 and no percentage "
		    "from 1%% to 100%%");
	allocation->min_attached_named = json_read_member(spec, "minAttached") != NULL;
	if (amount_read(spec, "minAttached", 0, &allocation->min_attached) < 0)
		allocation_refuse(allocation, "InvalidSpec",
		    "spec.minAttached is no number and no percentage up to 100%%");
}

static void
parse_restore(struct allocation *allocation, struct json_object *spec)
{
	allocation->restore_ephemeral = true;
	if (json_read_bool(spec, "restoreEphemeral", &allocation->restore_ephemeral) <
	    0)
		allocation_refuse(allocation, "InvalidSpec",
		    "spec.restoreEphemeral is neither true nor false");
}

void
allocation_parse_spec(struct allocation *allocation, struct json_object *spec)
{
	parse_cloud(allocation, spec);
	parse_workload(allocation, spec);
	parse_selector(allocation, spec);
	parse_policies(allocation, spec);
	parse_amounts(allocation, spec);
	parse_restore(allocation, spec);
	if (json_read_member(spec, "strategy") != NULL)
		allocation->notices |= NOTICE_STRATEGY;
	allocation->reconcile_interval_s = parse_seconds(allocation, spec,
	    "reconcileInterval", INTERVAL_DEFAULT_S, INTERVAL_LEAST_S, INTERVAL_MOST_S);
	allocation->not_ready_grace_ms =
	    1000 * parse_seconds(allocation, spec, "notReadyGraceSeconds",
		       GRACE_DEFAULT_S, GRACE_LEAST_S, GRACE_MOST_S);
}

/* A brake that was meant to be on is on, however it was written. */
static bool
annotation_brakes(const char *value)
{
	return value != NULL && strcmp(value, "false") != 0;
}

void
allocation_parse_annotations(
    struct allocation *allocation, struct json_object *metadata)
{
	struct json_object *annotations = json_read_member(metadata, "annotations");
	const char *release =
	    json_read_string(json_read_member(annotations, ANNOTATION_RELEASE_NOW));

	allocation->paused = annotation_brakes(
	    json_read_string(json_read_member(annotations, ANNOTATION_PAUSED)));
	allocation->release_now = release != NULL && strcmp(release, "true") == 0;
	if (annotation_brakes(release) && !allocation->release_now)
		allocation->notices |= NOTICE_RELEASE_NOW;
	MESSAGE_TEXT(allocation->reconcile_at,
	    json_read_string(json_read_member(annotations, ANNOTATION_RECONCILE_AT)));
}
