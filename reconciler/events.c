#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "trail.h"

/* Bytes of one event's body. */
#define EVENT_BODY_MAX 8192u

struct event {
	char *key;
	char *body;	  /* to be told; NULL: the server has it, or will not take it */
	char *collection; /* with a body: where it goes, */
	char *name;	  /* and what the event that it makes is called */
	char *told;	  /* path of the one that the server has; NULL: none */
	unsigned count;	  /* how often it has happened */
	struct wall_time last;
	uint64_t ticket; /* of the call that is open; 0: none */
	unsigned int tries;
	struct backoff backoff;
	struct mono_time quiet_until;
};

/* How much has been told of one object. */
struct event_budget {
	char *key;
	struct rate rate;
	bool dropping;
};

static void event_send(struct core *core, struct event *event);

/* What is remembered after that are texts of some 200 bytes. */
static void
event_drop_body(struct event *event)
{
	free(event->body);
	free(event->collection);
	free(event->name);
	event->body = event->collection = event->name = NULL;
}

void
events_free(void *value)
{
	struct event *event = value;

	event_drop_body(event);
	free(event->key);
	free(event->told);
	free(event);
}

void
events_free_budget(void *value)
{
	struct event_budget *budget = value;

	free(budget->key);
	free(budget);
}

/* --- what they are about ---------------------------------------------------------- */

struct event_object
events_about_allocation(const struct allocation *allocation)
{
	return (struct event_object){
	    ALLOCATION_API, "NetIPAllocation", "", allocation->name, allocation->uid};
}

struct event_object
events_about_node(const char *name, const char *uid)
{
	return (struct event_object){"v1", "Node", "", name, uid};
}

struct event_object
events_about_workload(const struct allocation *allocation, const char *uid)
{
	const char *kind = allocation_workload_kind(allocation->workload);

	if (!place_name_sound(allocation->workload_namespace) ||
	    !place_name_sound(allocation->workload_name))
		kind = NULL;
	return (struct event_object){"apps/v1", kind, allocation->workload_namespace,
	    allocation->workload_name, uid};
}

/* --- answers ---------------------------------------------------------------------- */

static struct event *
event_of_call(struct core *core, uint64_t ticket)
{
	MAP_EACH(core->events, entry)
	{
		struct event *event = lh_entry_v(entry);

		if (event->ticket == ticket)
			return event;
	}
	return NULL;
}

static void
event_be_quiet(const struct core *core, struct event *event)
{
	event->quiet_until.ms = core->now.mono.ms + EVENTS_QUIET_MS;
}

/* What was told is remembered so that it is not told again, and that for a while. */
static void
event_forget_oldest(struct core *core)
{
	const struct event *oldest = NULL;
	size_t told = 0;

	MAP_EACH(core->events, entry)
	{
		const struct event *event = lh_entry_v(entry);

		if (event->body != NULL)
			continue;
		if (told++ == 0)
			oldest = event;
	}
	if (told > EVENTS_TOLD_MAX)
		map_drop(core->events, oldest->key);
}

static void
event_is_told(struct core *core, struct event *event)
{
	if (event->told == NULL)
		event->told = mem_printf("%s/%s", event->collection, event->name);
	event_drop_body(event);
	event_forget_oldest(core);
}

/* Next time it will be a new one. */
static void
event_give_up(struct core *core, struct event *event, const struct kube_reply *reply)
{
	log_warn("event_given_up", LOG_S("about", event->key),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
	event_drop_body(event);
	free(event->told);
	event->told = NULL;
	event_be_quiet(core, event);
}

/* The name in the body is the same each time: an event that did arrive is a conflict
 * (409), not a second one. One that the server has forgotten cannot go on. */
static void
on_told(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct event *event = event_of_call(core, call->ticket);

	if (event == NULL)
		return;
	event->ticket = 0;
	if (calls_unheard(reply) && event->tries < EVENTS_TRIES_MAX) {
		backoff_fail_after(
		    &event->backoff, core->now.mono, reply->retry_after_ms);
		core_wake_at(core, event->backoff.not_before_ms);
	} else if (reply->error == 0 && reply->status < 300) {
		event_is_told(core, event);
	} else if (event->told == NULL && reply->status == 409) {
		event_is_told(core, event);
	} else if (event->told != NULL && reply->status == 404) {
		free(event->told);
		event->told = NULL;
		event->count = 1;
		event_send(core, event);
	} else {
		event_give_up(core, event, reply);
	}
}

/* --- sending ---------------------------------------------------------------------- */

static void
event_send(struct core *core, struct event *event)
{
	struct kube_call request = {
	    .method = "POST",
	    .path = event->collection,
	    .body_kind = KUBE_BODY_JSON,
	    .body = event->body,
	};
	struct buf series;

	buf_init(&series, EVENT_BODY_MAX);
	if (event->told != NULL) {
		event_body_put_series(event->count, event->last, &series);
		request.method = "PATCH";
		request.path = event->told;
		request.body_kind = KUBE_BODY_MERGE_PATCH;
		request.body = series.data;
	}
	event->tries++;
	event->ticket = calls_start(core, &request, on_told)->ticket;
	buf_free(&series);
}

/* --- limits ----------------------------------------------------------------------- */

static struct event_budget *
event_budget(struct core *core, const struct event_object *about)
{
	char *key = mem_printf(
	    "%s/%s/%s/%s", about->kind, about->namespace, about->name, about->uid);
	struct event_budget *budget = map_get(core->event_budgets, key);

	if (budget != NULL) {
		free(key);
		return budget;
	}
	if (map_count(core->event_budgets) >= EVENTS_OBJECTS_MAX)
		map_drop(core->event_budgets,
		    lh_entry_k(lh_table_head(core->event_budgets->table)));
	budget = mem_calloc(1, sizeof *budget);
	budget->key = key;
	map_put(core->event_budgets, budget->key, budget);
	return budget;
}

static void
event_drop(
    struct core *core, const char *limit, bool *dropping, const struct event *event)
{
	trail_metric(core, GAUGE_ADD, METRIC_EVENTS_DROPPED, 1.0, limit, NULL, NULL);
	if (!*dropping)
		log_warn("events_dropped", LOG_S("limit", limit),
		    LOG_S("about", event->key));
	*dropping = true;
}

/* False: too much has been told, of this object or in all. */
static bool
event_is_allowed(
    struct core *core, const struct event_object *about, const struct event *event)
{
	/* In minutes: one event takes EVENTS_MINUTES of them. */
	static const struct rate_limit of_one = {
	    .burst = EVENTS_BURST * EVENTS_MINUTES, .per_minute = 1};
	static const struct rate_limit of_all = {
	    .burst = EVENTS_ALL_BURST, .per_minute = EVENTS_ALL_PER_MINUTE};
	struct event_budget *budget = event_budget(core, about);

	if (!rate_take(&budget->rate, &of_one, core->now.mono, EVENTS_MINUTES)) {
		event_drop(core, "object", &budget->dropping, event);
		return false;
	}
	budget->dropping = false;
	if (!rate_take(&core->event_rate, &of_all, core->now.mono, 1)) {
		event_drop(core, "all", &core->events_dropping, event);
		return false;
	}
	core->events_dropping = false;
	return true;
}

/* --- telling ---------------------------------------------------------------------- */

static struct event *
event_remember(struct core *core, char *key)
{
	struct event *event = mem_calloc(1, sizeof *event);

	if (map_count(core->events) >= EVENTS_MAX)
		map_drop(core->events, lh_entry_k(lh_table_head(core->events->table)));
	event->key = key;
	map_put(core->events, event->key, event);
	return event;
}

/* The one to be told now; NULL: it was told lately, is being told, or is one too many.
 */
static struct event *
event_take_up(struct core *core, const struct event_object *about, const char *reason,
    const char *message)
{
	char *key = mem_printf("%s/%s/%s/%s/%s/%s", about->kind, about->namespace,
	    about->name, about->uid, reason, message);
	struct event *event = map_get(core->events, key);

	if (event == NULL)
		event = event_remember(core, key);
	else
		free(key);
	event->count++;
	event->last = core->now.wall;
	if (event->body != NULL || core->now.mono.ms < event->quiet_until.ms ||
	    !event_is_allowed(core, about, event))
		return NULL;
	if (event->told != NULL)
		event_be_quiet(core, event);
	event->tries = 0;
	backoff_clear(&event->backoff);
	return event;
}

void
events_tell(struct core *core, const struct allocation *allocation,
    const struct event_object *about, const char *type, const char *reason,
    const char *message)
{
	struct event_object own = {0};
	struct event_body body = {
	    .type = type,
	    .reason = reason,
	    .note = message,
	    .reporter = core->identity,
	    .when = core->now.wall,
	};
	char id[UUID_TEXT_SIZE], name[NAME_MAX_LEN + 1];
	struct event *event;
	struct buf text;

	if (core->stopping)
		return;
	if (allocation != NULL)
		own = events_about_allocation(allocation);
	body.regarding = about != NULL ? *about : own;
	if (about != NULL)
		body.related = own;
	event = event_take_up(core, &body.regarding, reason, message);
	if (event == NULL)
		return;
	effects_uuid(&core->effects, id);
	event_body_name(&body.regarding, id, name);
	body.name = name;
	buf_init(&text, EVENT_BODY_MAX);
	event_body_put(&body, &text);
	if (!text.refused) {
		event->name = mem_strdup(name);
		event->body = mem_strdup(text.data);
		event->collection =
		    mem_printf("/apis/events.k8s.io/v1/namespaces/%s/events",
			event_body_namespace(&body.regarding));
		event_send(core, event);
	}
	buf_free(&text);
}

void
events_repeat(struct core *core)
{
	MAP_EACH(core->events, entry)
	{
		struct event *event = lh_entry_v(entry);

		if (event->body != NULL && event->ticket == 0 &&
		    !backoff_waits(core, &event->backoff))
			event_send(core, event);
	}
}

void
events_unlead(struct core *core)
{
	MAP_EACH(core->events, entry)
	{
		struct event *event = lh_entry_v(entry);

		event->ticket = 0;
	}
}
