#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

/* Bytes of one event's body. */
#define EVENT_BODY_MAX 8192u

struct event {
	char *key;
	char *body;	 /* NULL once the server has it, or will not take it */
	uint64_t ticket; /* of the call that is open; 0: none */
	unsigned int tries;
	struct backoff backoff;
	struct mono_time quiet_until;
};

void
events_free(void *value)
{
	struct event *event = value;

	free(event->key);
	free(event->body);
	free(event);
}

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

/* The name in the body is the same each time: an event that did arrive is a conflict
 * (409), not a second one. */
static void
on_posted(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct event *event = event_of_call(core, call->ticket);

	if (event == NULL)
		return;
	event->ticket = 0;
	if (calls_unheard(reply) && event->tries < EVENTS_TRIES_MAX) {
		backoff_fail(&event->backoff, core->now.mono);
		core_wake_at(core, event->backoff.not_before_ms);
		return;
	}
	if (reply->error != 0 || (reply->status >= 400 && reply->status != 409))
		log_warn("event_given_up", LOG_S("event", event->key),
		    LOG_N("status", reply->status), LOG_S("message", reply->message));
	free(event->body);
	event->body = NULL;
}

static void
event_post(struct core *core, struct event *event)
{
	struct kube_call request = {
	    .method = "POST",
	    .path = EVENT_COLLECTION,
	    .body_kind = KUBE_BODY_JSON,
	    .body = event->body,
	};

	event->tries++;
	event->ticket = calls_start(core, &request, on_posted)->ticket;
}

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

/* The one to be told now; NULL: it was told lately, or is being told. */
static struct event *
event_take_up(
    struct core *core, const char *uid, const char *reason, const char *message)
{
	char *key = mem_printf("%s/%s/%s", uid, reason, message);
	struct event *event = map_get(core->events, key);

	if (event == NULL)
		event = event_remember(core, key);
	else
		free(key);
	if (event->body != NULL || core->now.mono.ms < event->quiet_until.ms)
		return NULL;
	event->quiet_until.ms = core->now.mono.ms + EVENTS_QUIET_MS;
	event->tries = 0;
	backoff_clear(&event->backoff);
	return event;
}

void
events_tell(struct core *core, const struct allocation *allocation, const char *type,
    const char *reason, const char *message)
{
	char id[UUID_TEXT_SIZE];
	struct event *event;
	struct buf body;

	if (core->stopping)
		return;
	event = event_take_up(core, allocation->uid, reason, message);
	if (event == NULL)
		return;
	effects_uuid(&core->effects, id);
	buf_init(&body, EVENT_BODY_MAX);
	allocation_event(allocation, NULL, NULL, type, reason, message, core->identity,
	    id, core->now.wall, &body);
	if (!body.refused) {
		event->body = mem_strdup(body.data);
		event_post(core, event);
	}
	buf_free(&body);
}

void
events_repeat(struct core *core)
{
	MAP_EACH(core->events, entry)
	{
		struct event *event = lh_entry_v(entry);

		if (event->body != NULL && event->ticket == 0 &&
		    !backoff_waits(core, &event->backoff))
			event_post(core, event);
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
