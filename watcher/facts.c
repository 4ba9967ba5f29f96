#include "facts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "project.h"

/* How often the links' counts go to metricsd. */
#define COUNTS_MS 1000
/* A definition may be missing for a moment: of an API server that has just started, or
 * while it is made anew. When it has been so long, and whenever it was looked for, then
 * there are no objects: who is told that takes away what was made for them. */
#define NOT_SERVED_MS 30000

struct kind_spec {
	const char *name;
	const char *path;
	const char *of_node; /* field; NULL: not for a node's agent */
};

static const struct kind_spec kinds[FACT_KIND_COUNT] = {
    [FACT_KIND_NODE] = {"nodes", "/api/v1/nodes", .of_node = "metadata.name"},
    [FACT_KIND_POD] = {"pods", "/api/v1/pods", .of_node = "spec.nodeName"},
    [FACT_KIND_ALLOCATION] = {"netipallocations",
	"/apis/netinfra.darkbrains.com/v1alpha1/netipallocations"},
    [FACT_KIND_TRACKER] = {"podtrackers",
	"/apis/networking.learntosolveit.com/v1/podtrackers"},
    [FACT_KIND_SLICE] = {"podtrackerslices",
	"/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices"},
};

struct feed {
	struct facts *facts;
	enum fact_kind kind;
	struct kube_informer *informer;
	bool synced;
	bool served;	   /* it has been listed at least once */
	bool end_owed;	   /* a sync's end found the queue full */
	int failed_status; /* the last failure that was logged; 0 = none */
	struct mono_time not_served_since; /* while that is 404 */
};

struct facts {
	struct link *link;
	struct meter *meter;
	struct choose *choose; /* NULL: no footprints are kept */
	struct loop_timer *counts;
	struct feed feeds[FACT_KIND_COUNT];
	union {
		struct msg_fact_node node;
		struct msg_fact_pod pod;
		struct msg_fact_allocation allocation;
		struct msg_fact_tracker tracker;
		struct msg_fact_slice slice;
		struct msg_fact_gone gone;
	} fact; /* large: one is enough */
};

static void
tell_readiness(struct facts *facts)
{
	char reason[TEXT_MAX + 1] = "";

	for (int kind = 0; kind < FACT_KIND_NEEDED; kind++) {
		if (facts->feeds[kind].synced || facts->feeds[kind].informer == NULL)
			continue;
		snprintf(
		    reason, sizeof reason, "watch of %s not synced", kinds[kind].name);
		break;
	}
	meter_readiness(facts->meter, reason);
}

/* A kind that need not be served has its metrics from the first list on. */
static bool
is_told(const struct feed *feed)
{
	return feed->informer != NULL &&
	       (feed->kind < FACT_KIND_NEEDED || feed->served);
}

static void
set_synced(struct feed *feed, bool synced)
{
	feed->synced = synced;
	feed->served |= synced;
	if (!is_told(feed))
		return;
	meter_set(feed->facts->meter, METRIC_WATCH_SYNCED, synced ? 1 : 0,
	    kinds[feed->kind].name);
	tell_readiness(feed->facts);
}

static int
send_sync(struct feed *feed, enum sync_phase phase)
{
	struct msg_fact_sync sync = {
	    .kind = (uint8_t)feed->kind, .phase = (uint8_t)phase};

	return link_send(feed->facts->link, MSG_FACT_SYNC, &sync);
}

/* Without a link it is lost: at link-up everything is listed anew. */
static int
on_sync_begin(void *arg)
{
	return send_sync(arg, SYNC_BEGIN) == -EAGAIN ? -EAGAIN : 0;
}

static void
finish_sync(struct feed *feed)
{
	int rc = send_sync(feed, SYNC_END);

	feed->end_owed = rc == -EAGAIN;
	if (rc != 0)
		return;
	if (!feed->synced)
		log_info("synced", LOG_S("kind", kinds[feed->kind].name));
	feed->failed_status = 0;
	set_synced(feed, true);
}

static void
on_sync_end(void *arg)
{
	finish_sync(arg);
}

static int
project_chosen_pod(struct facts *facts, const char *json, size_t len)
{
	struct msg_fact_pod *pod = &facts->fact.pod;
	int rc = project_pod(json, len, pod);

	if (rc == 0)
		pod->footprint = choose_pod(facts->choose, pod, json, len);
	return rc;
}

/* Turns one object into the message to send; 0 or -EBADMSG. */
static int
project(struct feed *feed, enum kube_event event, const char *json, size_t len,
    enum message_type *ret_type)
{
	struct facts *facts = feed->facts;

	if (event == KUBE_DELETED) {
		*ret_type = MSG_FACT_GONE;
		return project_gone(json, len, feed->kind, &facts->fact.gone);
	}
	switch (feed->kind) {
	case FACT_KIND_NODE:
		*ret_type = MSG_FACT_NODE;
		return project_node(json, len, &facts->fact.node);
	case FACT_KIND_POD:
		*ret_type = MSG_FACT_POD;
		return project_chosen_pod(facts, json, len);
	case FACT_KIND_ALLOCATION:
		*ret_type = MSG_FACT_ALLOCATION;
		return project_allocation(json, len, &facts->fact.allocation);
	case FACT_KIND_TRACKER:
		*ret_type = MSG_FACT_TRACKER;
		return project_tracker(json, len, &facts->fact.tracker);
	case FACT_KIND_SLICE:
		*ret_type = MSG_FACT_SLICE;
		return project_slice(json, len, &facts->fact.slice);
	case FACT_KIND_COUNT:
	default:
		return -EBADMSG;
	}
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct feed *feed = arg;
	enum message_type type;
	int rc;

	if (feed->end_owed) {
		finish_sync(feed);
		if (feed->end_owed)
			return -EAGAIN;
	}
	rc = project(feed, event, json, len, &type);
	if (rc < 0) {
		log_warn("object_refused", LOG_S("kind", kinds[feed->kind].name),
		    LOG_N("bytes", len));
		meter_add(feed->facts->meter, METRIC_WATCH_REFUSED, 1,
		    kinds[feed->kind].name);
		return rc;
	}
	rc = link_send(feed->facts->link, type, &feed->facts->fact);
	if (rc == -EAGAIN)
		return rc;
	meter_add(feed->facts->meter, METRIC_WATCH_EVENTS, 1, kinds[feed->kind].name);
	return 0; /* without a link: at link-up everything is listed anew */
}

/* Its definition is not there, and if that lasts neither are objects. It is logged
 * once, and sent each time it is found: the reconciler may be another one, or its link
 * have been down. Of slices no list ends, so that none are written. */
static void
on_not_served(struct feed *feed)
{
	if (feed->failed_status != 404) {
		log_info("not_served", LOG_S("kind", kinds[feed->kind].name));
		meter_drop(facts_meter(feed->facts), METRIC_WATCH_SYNCED, 1,
		    kinds[feed->kind].name);
		meter_drop(facts_meter(feed->facts), METRIC_WATCH_LAG, 1,
		    kinds[feed->kind].name);
		feed->not_served_since = clock_mono();
	}
	feed->failed_status = 404;
	feed->synced = feed->served = false;
	if (feed->kind == FACT_KIND_SLICE)
		send_sync(feed, SYNC_BEGIN);
	else if (clock_mono().ms - feed->not_served_since.ms >= NOT_SERVED_MS &&
		 send_sync(feed, SYNC_BEGIN) == 0)
		send_sync(feed, SYNC_END);
}

static void
on_failed(void *arg, int status, const char *message)
{
	struct feed *feed = arg;

	if (status == 404 && feed->kind >= FACT_KIND_NEEDED) {
		on_not_served(feed);
		return;
	}
	if (status != feed->failed_status || status == 0)
		log_warn("watch_failed", LOG_S("kind", kinds[feed->kind].name),
		    LOG_N("status", status), LOG_S("error", message));
	feed->failed_status = status;
}

static const struct kube_informer_handlers informer_handlers = {
    .sync_begin = on_sync_begin,
    .sync_end = on_sync_end,
    .object = on_object,
    .failed = on_failed,
};

/* The reconciler knows nothing: it gets everything again. */
static void
on_up(void *arg)
{
	struct facts *facts = arg;

	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		struct feed *feed = &facts->feeds[kind];

		feed->end_owed = false;
		if (feed->informer != NULL) {
			set_synced(feed, false);
			kube_informer_restart(feed->informer);
		}
	}
}

static void
on_room(void *arg)
{
	struct facts *facts = arg;

	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		struct feed *feed = &facts->feeds[kind];

		if (feed->end_owed)
			finish_sync(feed);
		if (feed->informer != NULL)
			kube_informer_resume(feed->informer);
	}
}

static void
on_message(void *arg, const struct message *message)
{
	struct facts *facts = arg;

	(void)message;
	link_violation(facts->link, "the reconciler has nothing to say");
}

static const struct link_handlers link_handlers = {
    .up = on_up, .message = on_message, .room = on_room};

/* For how long footprints say that the pods were watched. What cannot be sent now the
 * next one says. */
static void
tell_heard(struct facts *facts)
{
	struct feed *feed = &facts->feeds[FACT_KIND_POD];
	struct msg_fact_sync heard = {.kind = FACT_KIND_POD, .phase = SYNC_HEARD};

	if (facts->choose == NULL || !feed->synced)
		return;
	heard.heard_boot_ms = kube_informer_progressed(feed->informer).ms;
	link_send(facts->link, MSG_FACT_SYNC, &heard);
}

static void
on_counts(void *arg)
{
	struct facts *facts = arg;

	tell_heard(facts);
	meter_link(facts->meter, facts->link, "watcher", "facts");
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		if (is_told(&facts->feeds[kind]))
			meter_set(facts->meter, METRIC_WATCH_LAG,
			    (double)kube_informer_silent_ms(
				facts->feeds[kind].informer) /
				1000,
			    kinds[kind].name);
	loop_timer_arm(facts->counts, COUNTS_MS);
}

struct facts *
facts_open(struct loop *loop)
{
	struct facts *facts = mem_calloc(1, sizeof *facts);

	facts->link = link_open(loop, LINK_FACTS, ROLE_WATCHER, &link_handlers, facts);
	facts->meter = meter_open(loop, LINK_METRICS_WATCHER, ROLE_WATCHER);
	facts->counts = loop_timer_new(loop, on_counts, facts);
	return facts;
}

void
facts_free(struct facts *facts)
{
	choose_free(facts->choose);
	free(facts);
}

struct meter *
facts_meter(struct facts *facts)
{
	return facts->meter;
}

static void
on_request(void *arg, const char *code, const char *method, const char *host)
{
	struct facts *facts = arg;

	meter_add(facts->meter, METRIC_REST_REQUESTS, 1, "watcher", code, method, host);
}

static void
start_feed(struct feed *feed, struct kube *kube, const char *agent_node)
{
	const struct kind_spec *spec = &kinds[feed->kind];
	char *query = NULL;

	if (agent_node == NULL)
		query = mem_strdup("");
	else if (spec->of_node != NULL)
		query = mem_printf("fieldSelector=%s%%3D%s", spec->of_node, agent_node);
	if (query == NULL)
		return;
	feed->informer =
	    kube_informer_new(kube, spec->path, query, &informer_handlers, feed);
	free(query);
	set_synced(feed, false);
	/* so that the first refusal is an increase */
	meter_add(feed->facts->meter, METRIC_WATCH_EVENTS, 0, spec->name);
	meter_add(feed->facts->meter, METRIC_WATCH_REFUSED, 0, spec->name);
}

void
facts_start(struct facts *facts, struct kube *kube, const struct settings *settings)
{
	const char *agent_node = settings_get(settings, SETTING_AGENT_NODE, NULL);

	facts->choose = choose_new(settings);
	kube_measure(kube, on_request, facts);
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		struct feed *feed = &facts->feeds[kind];

		feed->facts = facts;
		feed->kind = (enum fact_kind)kind;
		start_feed(feed, kube, agent_node);
	}
	loop_timer_arm(facts->counts, COUNTS_MS);
}
