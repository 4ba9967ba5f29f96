#include "evict.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "events.h"
#include "fresh.h"
#include "json_read.h"
#include "mem.h"
#include "trail.h"

/* Bytes of an Eviction. */
#define EVICT_BODY_MAX 2048u

enum evict_state { EVICT_READING, EVICT_ALLOWED, EVICT_POSTED };

struct evict {
	enum evict_state state;
	char serial[32]; /* ties answers to it */
	char uid[UID_MAX_LEN + 1];
	char namespace[LABEL_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char node[NAME_MAX_LEN + 1];
	char node_uid[UID_MAX_LEN + 1];
	char provider_id[256];	       /* of the node that was looked at */
	char version[UID_MAX_LEN + 1]; /* of the allocation, likewise */
	bool needs_label;
	unsigned waiting; /* answers that are still to come */
	bool broken;	  /* what was read is not what it was decided on */
	struct world_pod *pods;
	struct mono_time read_at;
	char why[TEXT_MAX + 1]; /* once it is posted */
};

void
evict_free(struct evict *evict)
{
	if (evict == NULL)
		return;
	fresh_pods_free(evict->pods);
	free(evict);
}

bool
evict_may(const struct world_pod *pod, const struct allocation *allocation)
{
	return leave_pod_is_of(pod, allocation) && !pod->mirror && !pod->deleting &&
	       strcmp(pod->kin->owner_kind, "DaemonSet") != 0 &&
	       pod->phase != POD_PHASE_SUCCEEDED && pod->phase != POD_PHASE_FAILED;
}

/* --- how it ends ------------------------------------------------------------------ */

/* The eviction that this answer is for; NULL: it is over. */
static struct item *
evict_of(struct core *core, const struct call *call)
{
	struct item *item = map_get(core->items, call->subject);

	if (item == NULL || item->evict == NULL ||
	    strcmp(item->evict->serial, call->uid) != 0)
		return NULL;
	return item;
}

static void
evict_end(struct core *core, struct item *item)
{
	evict_free(item->evict);
	item->evict = NULL;
	core_touch(core);
}

static void
evict_wait(struct core *core, struct item *item)
{
	backoff_clear(&item->evict_backoff);
	item->evict_backoff.not_before_ms = core->now.mono.ms + EVICT_GAP_MS;
	evict_end(core, item);
}

static void
evict_retry(struct core *core, struct item *item, int64_t retry_after_ms)
{
	backoff_fail_after(&item->evict_backoff, core->now.mono, retry_after_ms);
	evict_end(core, item);
}

static void
evict_tell(struct core *core, const struct item *item, const char *type,
    const char *reason, const char *what)
{
	const struct evict *evict = item->evict;
	const struct event_object pod = {
	    "v1", "Pod", evict->namespace, evict->name, evict->uid};
	char message[TEXT_MAX + 1];

	snprintf(message, sizeof message, "pod %s/%.100s on %.100s %.200s",
	    evict->namespace, evict->name, evict->node, what);
	events_tell(core, item->allocation, NULL, type, reason, message);
	events_tell(core, item->allocation, &pod, type, reason, message);
}

/* --- the eviction ----------------------------------------------------------------- */

/* What the budget's cause says, which names it; "" when no budget is the cause. */
static const char *
evict_budget(const struct kube_reply *reply)
{
	struct json_object *details = json_read_member(reply->json, "details");
	struct json_object *causes = json_read_member(details, "causes");

	for (size_t i = 0; i < json_read_length(causes); i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i);
		const char *reason =
		    json_read_string(json_read_member(cause, "reason"));
		const char *message =
		    json_read_string(json_read_member(cause, "message"));

		if (reason != NULL && strcmp(reason, "DisruptionBudget") == 0)
			return message != NULL ? message : reply->message;
	}
	return "";
}

static void
evict_done(struct core *core, struct item *item)
{
	char what[TEXT_MAX + 1];

	snprintf(what, sizeof what, "was evicted: %.200s", item->evict->why);
	evict_tell(core, item, "Normal", "Evicted", what);
	evict_wait(core, item);
}

static void
evict_blocked(struct core *core, struct item *item, const struct kube_reply *reply)
{
	const char *budget = evict_budget(reply);
	char what[TEXT_MAX + 1];

	if (budget[0] != '\0') {
		snprintf(what, sizeof what, "is not evicted yet: %.160s", budget);
		evict_tell(core, item, "Warning", "EvictionBlocked", what);
	}
	evict_retry(core, item, reply->retry_after_ms);
}

/* The server says no, for good as it seems: another try costs little. */
static void
evict_refused(struct core *core, struct item *item, const struct kube_reply *reply)
{
	char what[TEXT_MAX + 1];

	snprintf(what, sizeof what, "cannot be evicted: %.160s", reply->message);
	evict_tell(core, item, "Warning", "Refused", what);
	evict_retry(core, item, reply->retry_after_ms);
}

enum evict_result { EVICTED, EVICT_GONE, EVICT_BLOCKED, EVICT_REFUSED, EVICT_UNKNOWN };

static const char *const evict_results[] = {
    [EVICTED] = "evicted",
    [EVICT_GONE] = "gone",
    [EVICT_BLOCKED] = "blocked",
    [EVICT_REFUSED] = "refused",
    [EVICT_UNKNOWN] = "unknown",
};

void
evict_begin(struct core *core, const struct item *item)
{
	for (size_t i = 0; i < sizeof evict_results / sizeof *evict_results; i++)
		trail_metric(core, GAUGE_ADD, METRIC_EVICTIONS, 0.0, item->name,
		    evict_results[i], NULL);
}

static enum evict_result
evict_result(const struct kube_reply *reply)
{
	if (reply->error != 0 || reply->status >= 500)
		return EVICT_UNKNOWN;
	if (reply->status < 300)
		return EVICTED;
	if (reply->status == 404 || reply->status == 409)
		return EVICT_GONE;
	return reply->status == 429 ? EVICT_BLOCKED : EVICT_REFUSED;
}

/* 404 and 409 (another uid): that pod is gone. */
static void
evict_answered(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = evict_of(core, call);

	if (item == NULL)
		return;
	trail_metric(core, GAUGE_ADD, METRIC_EVICTIONS, 1.0, item->name,
	    evict_results[evict_result(reply)], NULL);
	if (reply->error != 0)
		evict_retry(core, item, reply->retry_after_ms);
	else if (reply->status < 300)
		evict_done(core, item);
	else if (reply->status == 429)
		evict_blocked(core, item, reply);
	else if (reply->status == 404 || reply->status == 409)
		evict_wait(core, item);
	else
		evict_refused(core, item, reply);
}

static void
evict_change(struct call *call, const struct evict *evict)
{
	char *before = mem_printf("{\"pod\":\"%s/%s\",\"node\":\"%s\"}",
	    evict->namespace, evict->name, evict->node);

	calls_change(call, before, "{}");
	free(before);
}

static void
evict_post(struct core *core, struct item *item, const char *why)
{
	static const struct rate_limit limit = {
	    .burst = EVICT_BURST, .per_minute = EVICT_PER_MINUTE};
	struct evict *evict = item->evict;
	struct kube_call request = {.method = "POST", .body_kind = KUBE_BODY_JSON};
	struct call *call;
	struct buf body;
	char *path;

	if (!rate_take(&core->evict_rate, &limit, core->now.mono, 1)) {
		core_wake_at(core, core->now.mono.ms + 60000 / EVICT_PER_MINUTE);
		return;
	}
	buf_init(&body, EVICT_BODY_MAX);
	buf_printf(&body,
	    "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":"
	    "{\"namespace\":\"%s\",\"name\":\"%s\"},\"deleteOptions\":"
	    "{\"preconditions\":{\"uid\":\"",
	    evict->namespace, evict->name);
	buf_put_json(&body, evict->uid, strlen(evict->uid));
	buf_puts(&body, "\"}}}");
	path = mem_printf(
	    "/api/v1/namespaces/%s/pods/%s/eviction", evict->namespace, evict->name);
	request.path = path;
	request.body = body.data;
	call = calls_start(core, &request, evict_answered);
	MESSAGE_TEXT(call->subject, item->name);
	MESSAGE_TEXT(call->uid, evict->serial);
	MESSAGE_TEXT(call->audit, "evict");
	evict_change(call, evict);
	call->right = "create pods/eviction";
	snprintf(call->why, sizeof call->why, "pod %s/%.200s: %.200s", evict->namespace,
	    evict->name, why);
	MESSAGE_TEXT(evict->why, why);
	evict->state = EVICT_POSTED;
	free(path);
	buf_free(&body);
}

/* --- the fresh read --------------------------------------------------------------- */

static void
evict_judge(struct core *core, struct item *item)
{
	struct evict *evict = item->evict;
	bool allowed = false, going = false;

	for (const struct world_pod *pod = evict->pods; pod != NULL; pod = pod->next) {
		if (!leave_pod_is_of(pod, item->allocation))
			continue;
		going |= leave_pod_is_going(pod, core->now.wall);
		allowed |= strcmp(pod->uid, evict->uid) == 0 &&
			   evict_may(pod, item->allocation) &&
			   (pod->needs_label || !evict->needs_label);
	}
	if (going) {
		evict_wait(core, item);
		return;
	}
	if (!allowed || evict->broken) {
		evict_retry(core, item, -1);
		return;
	}
	evict->state = EVICT_ALLOWED;
	evict->read_at = core->now.mono;
	core_touch(core);
}

static void
evict_heard(struct core *core, struct item *item)
{
	if (--item->evict->waiting > 0)
		return;
	if (item->allocation == NULL)
		evict_retry(core, item, -1);
	else
		evict_judge(core, item);
}

static bool
evict_is_read(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status == 200;
}

static void
evict_pods_read(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = evict_of(core, call);

	if (item == NULL)
		return;
	if (!evict_is_read(reply) || !fresh_pods(reply->json, &item->evict->pods))
		item->evict->broken = true;
	evict_heard(core, item);
}

/* It still is the node with the instance that was seen without an address. */
static void
evict_node_read(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = evict_of(core, call);
	struct world_node *node;

	if (item == NULL)
		return;
	node = evict_is_read(reply) ? fresh_node(reply->json) : NULL;
	if (node == NULL || strcmp(node->uid, item->evict->node_uid) != 0 ||
	    strcmp(node->provider_id, item->evict->provider_id) != 0)
		item->evict->broken = true;
	world_node_free(node);
	evict_heard(core, item);
}

/* It still is as it was decided on: policies, addresses, journal. */
static void
evict_allocation_read(
    struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = evict_of(core, call);
	struct json_object *metadata;
	char version[UID_MAX_LEN + 1] = "";

	if (item == NULL)
		return;
	metadata = json_read_member(reply->json, "metadata");
	json_read_text(metadata, "resourceVersion", version, sizeof version);
	if (!evict_is_read(reply) || version[0] == '\0' ||
	    strcmp(version, item->evict->version) != 0)
		item->evict->broken = true;
	evict_heard(core, item);
}

static void
evict_get(struct core *core, struct item *item, char *path, const char *right,
    call_done_fn *done)
{
	struct call *call = calls_get(core, path, done);

	item->evict->waiting++;
	call->right = right;
	MESSAGE_TEXT(call->subject, item->name);
	MESSAGE_TEXT(call->uid, item->evict->serial);
	free(path);
}

static void
evict_start(struct core *core, struct item *item, const struct world_pod *pod,
    const struct world_node *node, bool needs_label)
{
	struct evict *evict = mem_calloc(1, sizeof *evict);

	evict->state = EVICT_READING;
	snprintf(evict->serial, sizeof evict->serial, "%llu",
	    (unsigned long long)++core->next_ticket);
	MESSAGE_TEXT(evict->uid, pod->uid);
	MESSAGE_TEXT(evict->namespace, pod->kin->namespace);
	MESSAGE_TEXT(evict->name, pod->name);
	MESSAGE_TEXT(evict->node, pod->node);
	MESSAGE_TEXT(evict->node_uid, node->uid);
	MESSAGE_TEXT(evict->provider_id, node->provider_id);
	MESSAGE_TEXT(evict->version, item->allocation->resource_version);
	evict->needs_label = needs_label;
	item->evict = evict;
	evict_get(core, item,
	    mem_printf("/api/v1/pods?fieldSelector=spec.nodeName%%3D%s", pod->node),
	    "list pods", evict_pods_read);
	evict_get(core, item, mem_printf("/api/v1/nodes/%s", pod->node), "get nodes",
	    evict_node_read);
	evict_get(core, item, mem_printf("%s/%s", ALLOCATION_COLLECTION, item->name),
	    "get " ALLOCATION_RESOURCE, evict_allocation_read);
}

void
evict_pod(struct core *core, struct item *item, const struct world_pod *pod,
    const struct world_node *node, bool needs_label, const char *why)
{
	const struct evict *evict = item->evict;
	bool good =
	    evict != NULL && core->now.mono.ms - evict->read_at.ms < CHECK_GOOD_MS;

	if ((evict != NULL && evict->state != EVICT_ALLOWED) || !core_may_start(core) ||
	    backoff_waits(core, &item->evict_backoff) ||
	    !place_name_sound(pod->kin->namespace) || !place_name_sound(pod->name) ||
	    !place_name_sound(pod->node))
		return;
	if (good && strcmp(evict->uid, pod->uid) == 0 &&
	    evict->needs_label == needs_label &&
	    strcmp(evict->version, item->allocation->resource_version) == 0) {
		evict_post(core, item, why);
		return;
	}
	/* another pod waits for its turn: not that the two displace each other */
	if (good && strcmp(evict->uid, pod->uid) != 0)
		return;
	evict_free(item->evict);
	evict_start(core, item, pod, node, needs_label);
}
