#include "fake.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"

/* 2026-11-20T00:00:00Z; wall, boot and monotonic time run together from there. */
#define FAKE_EPOCH_MS  1795132800000
#define FAKE_ZERO_TIME "2026-01-01T00:00:00Z"

struct fake_event {
	struct fake_event *next;
	int64_t at_ms;
	uint64_t sequence;
	void (*run)(struct fake *fake, void *data);
	void *data;
};

/* The old controller is seen at the latest when a list that was just read goes out of
 * date (PEERS_GOOD_MS), a slow answer away; at once when the watcher is there. */
#define FAKE_BLIND_MS 35000
#define FAKE_SEEN_MS  100

struct fake_life {
	unsigned incarnation;
};

/* --- chance and time -------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t
fake_random(struct fake *fake)
{
	uint64_t z = fake->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

bool
fake_chance(struct fake *fake, unsigned per_mille)
{
	return per_mille > 0 && fake_random(fake) % 1000 < per_mille;
}

struct core_time
fake_time(const struct fake *fake)
{
	return (struct core_time){
	    .mono = {fake->now_ms},
	    .boot = {fake->now_ms},
	    .wall = {FAKE_EPOCH_MS + fake->now_ms},
	};
}

void
fake_later(struct fake *fake, int64_t delay_ms,
    void (*run)(struct fake *fake, void *data), void *data)
{
	struct fake_event *event = mem_calloc(1, sizeof *event);
	struct fake_event **at = &fake->events;

	event->at_ms = fake->now_ms + delay_ms;
	event->sequence = fake->sequence++;
	event->run = run;
	event->data = data;
	while (*at != NULL && (*at)->at_ms <= event->at_ms)
		at = &(*at)->next;
	event->next = *at;
	*at = event;
}

void
fake_violate(struct fake *fake, const char *format, ...)
{
	va_list args;

	if (fake->violation[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(fake->violation, sizeof fake->violation, format, args);
	va_end(args);
	if (fake->on_violation != NULL)
		fake->on_violation(fake->violation);
}

/* --- effects ---------------------------------------------------------------------- */

bool
fake_effect(struct fake *fake)
{
	bool lost;

	if (fake->dying)
		return true;
	if (fake->effects++ == fake->crash_at || fake_chance(fake, fake->faults.crash))
		fake->dying = true;
	lost = fake->dying &&
	       (fake->effects - 1 == fake->crash_at ? fake->crash_before
						    : fake_chance(fake, 500));
	return lost;
}

void
fake_acts(struct fake *fake, const char *what)
{
	int64_t since_ms = fake->old_since_ms;

	if (since_ms == 0)
		return;
	if (fake->now_ms - since_ms >= FAKE_BLIND_MS ||
	    (fake->watcher_since_ms != 0 && fake->mute == NULL &&
		fake->now_ms - since_ms >= FAKE_SEEN_MS &&
		fake->now_ms - fake->watcher_since_ms >= FAKE_SEEN_MS))
		fake_violate(fake, "%s beside the old controller", what);
}

static void
fake_wake_in(void *arg, int64_t delay_ms)
{
	struct fake *fake = arg;
	int64_t at_ms = fake->now_ms + (delay_ms > 0 ? delay_ms : 1);

	if (at_ms < fake->wake_ms)
		fake->wake_ms = at_ms;
}

static void
fake_metric(void *arg, enum gauge_op op, enum metric metric, double value,
    const char *const *labels)
{
	struct fake *fake = arg;

	if (op == GAUGE_SET)
		fake->gauges[metric] = value;
	fake->dropped += op == GAUGE_ADD && metric == METRIC_EVENTS_DROPPED;
	if (fake->on_metric != NULL)
		fake->on_metric(op, metric, value, labels);
}

static void
fake_readiness(void *arg, const char *reason)
{
	struct fake *fake = arg;

	MESSAGE_TEXT(fake->readiness, reason);
}

static void
fake_audit(void *arg, const char *line)
{
	struct fake *fake = arg;

	fake->audits++;
	fake_judge_audit(fake, line);
	if (fake->verbose)
		printf("%8lld audit %s\n", (long long)fake->now_ms, line);
}

static void
fake_fill(void *arg, void *out, size_t len)
{
	unsigned char *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)fake_random(arg);
}

/* --- life ------------------------------------------------------------------------- */

struct fake *
fake_new(uint64_t seed)
{
	struct fake *fake = mem_calloc(1, sizeof *fake);

	fake->rng = seed;
	fake->now_ms = 1000000;
	fake->wake_ms = INT64_MAX;
	fake->crash_at = -1;
	fake->objects = map_new(NULL);
	fake->posted = map_new(fake_told_free);
	fake->orders = map_new(free);
	fake_put(fake, FAKE_DEFINITION,
	    "{\"kind\":\"CustomResourceDefinition\",\"metadata\":{}}");
	return fake;
}

static void
fake_renew(struct fake *fake, void *data)
{
	struct fake_life *life = data;
	struct boot_time until = {fake->now_ms + FAKE_GRANT_MS};

	if (fake->core == NULL || life->incarnation != fake->incarnation) {
		free(life);
		return;
	}
	core_grant(fake->core, fake_time(fake), until, 10000, 2000);
	fake_later(fake, FAKE_RENEW_MS, fake_renew, life);
}

static void
fake_lead(struct fake *fake, void *data)
{
	struct fake_life *life = data;

	if (fake->core == NULL || life->incarnation != fake->incarnation) {
		free(life);
		return;
	}
	core_lead(fake->core, fake_time(fake), ++fake->term);
	fake_renew(fake, life);
}

void
fake_start(struct fake *fake)
{
	struct effects effects = {
	    .arg = fake,
	    .call = fake_call,
	    .cloud = fake_cloud,
	    .metric = fake_metric,
	    .readiness = fake_readiness,
	    .audit = fake_audit,
	    .random = fake_fill,
	    .wake_in = fake_wake_in,
	};
	struct core_options options = {
	    .identity = "ipwarden-0",
	    .namespace = "kube-system",
	    .lease = "kube-system/ipwarden",
	    .policy = fake->policy,
	    .dry_run = fake->dry_run,
	};
	struct fake_life *life = mem_calloc(1, sizeof *life);

	fake->core = core_new(&options, &effects);
	life->incarnation = ++fake->incarnation;
	fake->wake_ms = INT64_MAX;
	if (!fake->blind)
		fake_watch_start(fake);
	fake_cloud_start(fake);
	fake_later(fake, 50, fake_lead, life);
}

void
fake_kill(struct fake *fake)
{
	core_free(fake->core);
	fake->core = NULL;
	fake->dying = false;
	fake->incarnation++;
	fake->wake_ms = INT64_MAX;
	fake->watcher_up = false;
	fake->watcher_since_ms = 0;
	fake->cloud_up = false;
}

static void
fake_restart(struct fake *fake, void *data)
{
	(void)data;
	if (fake->core == NULL)
		fake_start(fake);
}

/* What the core does in a callback may have killed it. */
static void
fake_bury(struct fake *fake)
{
	if (!fake->dying)
		return;
	if (fake->verbose)
		printf("%8lld the core dies\n", (long long)fake->now_ms);
	fake_kill(fake);
	fake_later(fake, 500, fake_restart, NULL);
}

void
fake_message(struct fake *fake, const struct message *message)
{
	int rc;

	if (fake->core == NULL || fake->dying)
		return;
	rc = core_message(fake->core, fake_time(fake), message);
	if (rc != 0)
		fake_violate(fake, "%s was called nonsense (%d)",
		    message_name(message->type), rc);
}

static bool
fake_step(struct fake *fake, int64_t until_ms)
{
	struct fake_event *event = fake->events;
	bool wake = event == NULL || fake->wake_ms < event->at_ms;
	int64_t at_ms = wake ? fake->wake_ms : event->at_ms;

	if (at_ms > until_ms) {
		fake->now_ms = until_ms;
		return false;
	}
	if (at_ms > fake->now_ms)
		fake->now_ms = at_ms;
	if (wake) {
		fake->wake_ms = INT64_MAX;
		if (fake->core != NULL)
			core_wake(fake->core, fake_time(fake));
	} else {
		fake->events = event->next;
		event->run(fake, event->data);
		free(event);
	}
	fake_bury(fake);
	return true;
}

void
fake_run(struct fake *fake, int64_t ms)
{
	int64_t until_ms = fake->now_ms + ms;

	while (fake_step(fake, until_ms))
		;
}

bool
fake_until(struct fake *fake, bool (*done)(struct fake *fake), int64_t ms)
{
	int64_t until_ms = fake->now_ms + ms;

	while (!done(fake))
		if (!fake_step(fake, until_ms))
			return done(fake);
	return true;
}

static void
fake_ignore(struct fake *fake, void *data)
{
	(void)fake;
	free(data);
}

void
fake_free(struct fake *fake)
{
	core_free(fake->core);
	fake->core = NULL;
	fake->dying = false;
	fake->incarnation++;
	/* Events free their data when they find nobody to deliver to. */
	while (fake->events != NULL) {
		struct fake_event *event = fake->events;

		fake->events = event->next;
		if (event->run != fake_restart)
			event->run(fake, event->data);
		else
			fake_ignore(fake, event->data);
		free(event);
	}
	MAP_EACH(fake->objects, entry)
	{
		char *path = mem_strdup(lh_entry_k(entry));

		fake_delete(fake, path);
		free(path);
	}
	while (fake->events != NULL) {
		struct fake_event *event = fake->events;

		fake->events = event->next;
		event->run(fake, event->data);
		free(event);
	}
	map_free(fake->objects);
	map_free(fake->posted);
	map_free(fake->orders);
	free(fake);
}

/* --- scenery ---------------------------------------------------------------------- */

void
fake_node(struct fake *fake, const char *name, const char *zone, bool bare)
{
	struct fake_instance *instance = fake_add_instance(fake, name, zone);
	char *path = mem_printf(FAKE_NODES "%s", name);
	char *json = mem_printf("{\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\","
				"\"labels\":{\"pool\":\"edge\"}},"
				"\"spec\":{\"providerID\":\"gce://" FAKE_PROJECT
				"/%s/%s\"},\"status\":{\"conditions\":[{\"type\":"
				"\"Ready\",\"status\":\"True\","
				"\"lastTransitionTime\":\"" FAKE_ZERO_TIME "\"}]}}",
	    name, zone, name);

	if (!bare) {
		snprintf(instance->address, sizeof instance->address, "198.51.100.%u",
		    ++fake->ephemerals);
		snprintf(instance->fence, sizeof instance->fence, "external-nat");
		instance->had_ephemeral = true;
	}
	instance->steady_since_ms = fake->now_ms;
	fake_put(fake, path, json);
	free(path);
	free(json);
}

static void
fake_put_pod(struct fake *fake, const char *name, const char *node,
    const char *deployment, const char *more_spec)
{
	char *path = mem_printf(FAKE_PODS "%s", name);
	char *json = mem_printf(
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\","
	    "\"labels\":{\"app\":\"%s\",\"pod-template-hash\":\"7d9\"},"
	    "\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\","
	    "\"name\":\"%s-7d9\"}]},\"spec\":{\"nodeName\":\"%s\"%s},"
	    "\"status\":{\"phase\":\"Running\"}}",
	    name, deployment, deployment, node, more_spec);

	fake_put(fake, path, json);
	free(path);
	free(json);
}

void
fake_controller(struct fake *fake, const char *name, bool ours)
{
	char *path = mem_printf(FAKE_CONTROLLERS "%s", name);
	char *json = mem_printf(
	    "{\"metadata\":{\"name\":\"%s\","
	    "\"namespace\":\"kube-system\",\"labels\":{%s"
	    "\"app\":\"ip-address-controller\"},\"ownerReferences\":[]},\"spec\":{},"
	    "\"status\":{\"phase\":\"Running\"}}",
	    name, ours ? "\"app.kubernetes.io/name\":\"ipwarden\"," : "");

	fake_put(fake, path, json);
	if (!ours)
		fake->old_since_ms = fake->now_ms;
	free(path);
	free(json);
}

void
fake_end_controller(struct fake *fake, const char *name)
{
	char *path = mem_printf(FAKE_CONTROLLERS "%s", name);

	fake_delete(fake, path);
	fake->old_since_ms = 0;
	free(path);
}

const char *
fake_mark(struct fake *fake, const char *name)
{
	char *path = mem_printf(FAKE_CONTROLLERS "%s", name);
	struct json_object *metadata =
	    json_read_member(fake_get(fake, path), "metadata");

	free(path);
	return fake_text(
	    json_read_member(metadata, "annotations"), "controller-leader");
}

void
fake_pod(struct fake *fake, const char *name, const char *node, const char *deployment)
{
	fake_put_pod(fake, name, node, deployment, "");
}

void
fake_picky_pod(struct fake *fake, const char *name, const char *node)
{
	fake_put_pod(
	    fake, name, node, "sip", ",\"nodeSelector\":{\"ip.ready\":\"true\"}");
}

void
fake_cordon(struct fake *fake, const char *node, bool cordoned)
{
	char *path = mem_printf(FAKE_NODES "%s", node);

	fake_patch(fake, path,
	    cordoned ? "{\"spec\":{\"unschedulable\":true}}"
		     : "{\"spec\":{\"unschedulable\":null}}");
	free(path);
}

void
fake_ready(struct fake *fake, const char *node, bool ready)
{
	char *path = mem_printf(FAKE_NODES "%s", node);
	char since[CLOCK_TEXT_MAX];
	char *json;

	clock_format(fake_time(fake).wall, false, since, sizeof since);
	json = mem_printf("{\"status\":{\"conditions\":[{\"type\":\"Ready\","
			  "\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}]}}",
	    ready ? "True" : "False", since);
	fake_patch(fake, path, json);
	free(json);
	free(path);
}

void
fake_allocation(
    struct fake *fake, const char *name, const char *addresses, const char *more_spec)
{
	char *path = mem_printf(FAKE_ALLOCATIONS "/%s", name);
	char *json = mem_printf(
	    "{\"kind\":\"NetIPAllocation\",\"metadata\":{\"name\":\"%s\","
	    "\"generation\":1,\"creationTimestamp\":\"" FAKE_ZERO_TIME "\"},"
	    "\"spec\":{\"reservedIPs\":%s,\"nodeSelector\":{\"pool\":\"edge\"},"
	    "\"workloadRef\":{\"kind\":\"Deployment\",\"name\":\"sip\"},"
	    "\"cloud\":{\"provider\":\"gcp\"}%s}}",
	    name, addresses, more_spec);

	fake_put(fake, path, json);
	free(path);
	free(json);
	fake_put(fake, FAKE_DEPLOYMENTS "sip",
	    "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"sip\"}}");
}

/* --- looking ---------------------------------------------------------------------- */

const char *
fake_label(struct fake *fake, const char *node, const char *key)
{
	char *path = mem_printf(FAKE_NODES "%s", node);
	struct json_object *metadata =
	    json_read_member(fake_get(fake, path), "metadata");

	free(path);
	return fake_text(json_read_member(metadata, "labels"), key);
}

static struct json_object *
fake_status_list(struct fake *fake, const char *name, const char *key)
{
	char *path = mem_printf(FAKE_ALLOCATIONS "/%s", name);
	struct json_object *status = json_read_member(fake_get(fake, path), "status");

	free(path);
	return json_read_member(status, key);
}

static struct json_object *
fake_find(struct json_object *list, const char *key, const char *wanted)
{
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (strcmp(fake_text(item, key), wanted) == 0)
			return item;
	}
	return NULL;
}

const char *
fake_condition(struct fake *fake, const char *name, const char *type)
{
	static char text[128];
	struct json_object *found =
	    fake_find(fake_status_list(fake, name, "conditions"), "type", type);

	snprintf(text, sizeof text, "%s/%s", fake_text(found, "status"),
	    fake_text(found, "reason"));
	return text;
}

const char *
fake_entry(struct fake *fake, const char *name, const char *address, const char *key)
{
	return fake_text(
	    fake_find(fake_status_list(fake, name, "addresses"), "address", address),
	    key);
}

bool
fake_has_intent(struct fake *fake, const char *name)
{
	struct json_object *list = fake_status_list(fake, name, "addresses");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		if (json_read_member(json_object_array_get_idx(list, i), "intent") !=
		    NULL)
			return true;
	return false;
}
