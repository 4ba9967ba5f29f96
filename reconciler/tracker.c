#include "tracker.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "events.h"
#include "intent.h"
#include "json_read.h"
#include "log.h"
#include "mem.h"
#include "slice.h"
#include "tracker_body.h"

/* Bytes of a patch: both lists, and the rest. */
#define TRACKER_PATCH_MAX (TRACKER_BODY_MAX + 65536u)

struct tracker {
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	char version[UID_MAX_LEN + 1]; /* as last told, or answered to us */
	char namespace[LABEL_MAX_LEN + 1];
	int64_t generation;
	bool deleting, finalizer;
	bool released; /* we have taken that off, */
	bool fought;   /* and it has come back */
	uint64_t seen;

	bool open;  /* a call is under way */
	bool stale; /* to be looked at, whatever the world says */
	bool again; /* the status may be somebody else's: written even if it fits */
	uint64_t looked; /* world->changes when it was last looked at */
	int64_t due_ms;	 /* mono: it is looked at then; 0: nothing has changed */
	int64_t next_ms; /* mono: not before */
	char hash[HASH_MAX + 1]; /* of the status that the server has; "" not known */
	struct wall_time updated, ready_since;
	struct backoff backoff, release_backoff; /* of the finalizer */
	/* being written */
	char hash_sent[HASH_MAX + 1];
	struct wall_time updated_sent;
	bool told_meanwhile; /* something that was not our write */
	char told_version[UID_MAX_LEN + 1];
};

struct trackers {
	struct map *map; /* by name */
	bool full;
};

struct trackers *
trackers_new(void)
{
	struct trackers *trackers = mem_calloc(1, sizeof *trackers);

	trackers->map = map_new(free);
	return trackers;
}

void
trackers_free(struct trackers *trackers)
{
	if (trackers == NULL)
		return;
	map_free(trackers->map);
	free(trackers);
}

/* --- what the watcher tells ------------------------------------------------------- */

static struct tracker *
tracker_of(struct core *core, const struct msg_fact_tracker *fact)
{
	struct trackers *trackers = core->trackers;
	struct tracker *tracker = map_get(trackers->map, fact->name);

	if (tracker != NULL && strcmp(tracker->uid, fact->uid) == 0)
		return tracker;
	if (tracker == NULL && map_count(trackers->map) >= TRACKERS_MAX) {
		if (!trackers->full)
			log_error("trackers_full", LOG_S("tracker", fact->name),
			    LOG_N("limit", TRACKERS_MAX));
		trackers->full = true;
		return NULL;
	}
	tracker = mem_calloc(1, sizeof *tracker);
	MESSAGE_TEXT(tracker->name, fact->name);
	MESSAGE_TEXT(tracker->uid, fact->uid);
	tracker->stale = true;
	map_put(trackers->map, tracker->name, tracker);
	return tracker;
}

/* What another hand wrote while we lead may be in the status; the echo of our own write
 * may come before its answer. */
static void
tracker_notice(
    struct core *core, struct tracker *tracker, const struct msg_fact_tracker *fact)
{
	if (strcmp(tracker->version, fact->resource_version) == 0)
		return;
	if (tracker->open) {
		tracker->told_meanwhile = true;
		MESSAGE_TEXT(tracker->told_version, fact->resource_version);
		return;
	}
	MESSAGE_TEXT(tracker->version, fact->resource_version);
	MESSAGE_TEXT(tracker->hash, tracker_json_hash(fact->content_hash));
	tracker->updated.ms = fact->last_update_ms;
	tracker->ready_since.ms = fact->ready_since_ms;
	tracker->stale = true;
	tracker->again = core->leads && tracker->looked != 0;
}

void
trackers_fact(struct core *core, const struct msg_fact_tracker *fact)
{
	struct tracker *tracker;

	if (!place_name_sound(fact->name))
		return;
	tracker = tracker_of(core, fact);
	if (tracker == NULL)
		return;
	tracker_notice(core, tracker, fact);
	if (tracker->generation != fact->generation)
		tracker->stale = true;
	tracker->generation = fact->generation;
	MESSAGE_TEXT(tracker->namespace, fact->namespace);
	if (fact->deleting && !tracker->deleting)
		backoff_clear(&tracker->release_backoff);
	tracker->deleting = fact->deleting != 0;
	tracker->finalizer = fact->finalizer != 0;
	tracker->seen = core->world->sync[FACT_KIND_TRACKER].generation;
}

void
trackers_gone(struct core *core, const char *name)
{
	map_drop(core->trackers->map, name);
	core->trackers->full = false;
}

void
trackers_sweep(struct core *core)
{
	uint64_t generation = core->world->sync[FACT_KIND_TRACKER].generation;

	MAP_EACH(core->trackers->map, entry)
	{
		const struct tracker *tracker = lh_entry_v(entry);

		if (tracker->seen != generation)
			map_drop(core->trackers->map, tracker->name);
	}
}

void
trackers_forget_calls(struct core *core)
{
	MAP_EACH(core->trackers->map, entry)
	{
		struct tracker *tracker = lh_entry_v(entry);

		tracker->stale |= tracker->open;
		tracker->again |= tracker->open;
		tracker->open = false;
		backoff_clear(&tracker->backoff);
		backoff_clear(&tracker->release_backoff);
	}
}

void
trackers_recover(struct core *core)
{
	MAP_EACH(core->trackers->map, entry)
	{
		struct tracker *tracker = lh_entry_v(entry);

		backoff_recover(&tracker->backoff);
		backoff_recover(&tracker->release_backoff);
	}
}

/* --- answers ---------------------------------------------------------------------- */

/* The one that asked; NULL: there is another one of that name by now, or none. */
static struct tracker *
tracker_answered(struct core *core, const struct call *call)
{
	struct tracker *tracker = map_get(core->trackers->map, call->subject);

	if (tracker == NULL || strcmp(tracker->uid, call->uid) != 0)
		return NULL;
	tracker->open = false;
	core_touch(core);
	return tracker;
}

static const char *
tracker_version_in(const struct kube_reply *reply)
{
	const char *version = json_read_string(json_read_member(
	    json_read_member(reply->json, "metadata"), "resourceVersion"));

	return version != NULL ? version : "";
}

static void
tracker_failed(struct core *core, const struct tracker *tracker,
    struct backoff *backoff, const struct kube_reply *reply)
{
	backoff_fail_call(backoff, core->now.mono, reply);
	/* gone, or another one of that name: the watcher will tell */
	if (calls_is_another(reply))
		return;
	log_warn("tracker_not_written", LOG_S("tracker", tracker->name),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
}

static void
tracker_tell(struct core *core, const struct tracker *tracker, const char *type,
    const char *reason, const char *message)
{
	struct event_object about = {"networking.learntosolveit.com/v1", "PodTracker",
	    "", tracker->name, tracker->uid};

	events_tell(core, NULL, &about, type, reason, message);
}

/* What was told while a call was open is another hand's, but for the echo of our own
 * write, which has that version; "" nothing was written. */
static void
tracker_hear(struct tracker *tracker, const char *own)
{
	if (tracker->told_meanwhile && strcmp(tracker->told_version, own) != 0)
		tracker->stale = tracker->again = true;
	tracker->told_meanwhile = false;
}

static void
tracker_written(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct tracker *tracker = tracker_answered(core, call);

	if (tracker == NULL)
		return;
	if (reply->error != 0 || reply->status != 200) {
		tracker->stale = tracker->again = true;
		tracker_failed(core, tracker, &tracker->backoff, reply);
		return;
	}
	backoff_clear(&tracker->backoff);
	MESSAGE_TEXT(tracker->version, tracker_version_in(reply));
	MESSAGE_TEXT(tracker->hash, tracker->hash_sent);
	tracker->updated = tracker->updated_sent;
	if (tracker->ready_since.ms == 0)
		tracker->ready_since = tracker->updated_sent;
	tracker_hear(tracker, tracker->version);
	tracker_tell(core, tracker, "Normal", "StatusUpdated",
	    "PodTracker status updated with current pod IPs");
}

/* --- writing ---------------------------------------------------------------------- */

static void
tracker_put_conditions(
    struct buf *out, const struct tracker *tracker, const struct tracker_body *body)
{
	struct wall_time since =
	    tracker->ready_since.ms != 0 ? tracker->ready_since : tracker->updated_sent;
	char when[CLOCK_TEXT_MAX];

	clock_format(since, false, when, sizeof when);
	buf_printf(out,
	    ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"%"
	    "s\","
	    "\"message\":\"%zu pods on %zu nodes%s\",\"observedGeneration\":%" PRId64
	    ",\"lastTransitionTime\":\"%s\"}]",
	    body->truncated ? "Truncated" : "Complete", body->pods, body->nodes,
	    body->truncated ? ", too many for one object: some are left out" : "",
	    tracker->generation, when);
}

/* The hash is of what is shown, for whom, and in which words. */
static void
tracker_hash(const struct tracker *tracker, const struct tracker_body *body, char *out)
{
	uint64_t hash =
	    body->hash ^ (uint64_t)tracker->generation * 0x9e3779b97f4a7c15u;

	snprintf(out, HASH_MAX + 1, "%016" PRIx64, hash);
}

static void
tracker_put_rest(
    struct buf *out, const struct tracker *tracker, const struct tracker_body *body)
{
	char when[CLOCK_TEXT_MAX];

	clock_format(tracker->updated_sent, false, when, sizeof when);
	buf_printf(out,
	    ",\"observedGeneration\":%" PRId64
	    ",\"truncated\":%s,\"contentHash\":\"%s\","
	    "\"lastUpdateTime\":\"%s\"",
	    tracker->generation, body->truncated ? "true" : "false", tracker->hash_sent,
	    when);
	tracker_put_conditions(out, tracker, body);
	buf_puts(out, "}}");
}

static void
tracker_send(struct core *core, struct tracker *tracker, const struct buf *patch,
    const struct tracker_body *body)
{
	char *path = mem_printf("%s/%s/status", TRACKER_COLLECTION, tracker->name);
	struct kube_call request = {
	    .method = "PATCH",
	    .path = path,
	    .body_kind = KUBE_BODY_MERGE_PATCH,
	    .body = patch->data,
	};
	struct call *call = calls_start(core, &request, tracker_written);
	char *before = mem_printf("{\"contentHash\":\"%s\"}", tracker->hash);
	char *after = mem_printf("{\"contentHash\":\"%s\",\"podCount\":%zu}",
	    tracker->hash_sent, body->pods);

	call->right = "patch " TRACKER_RESOURCE "/status";
	MESSAGE_TEXT(call->subject, tracker->name);
	MESSAGE_TEXT(call->uid, tracker->uid);
	MESSAGE_TEXT(call->audit, "tracker status");
	MESSAGE_TEXT(call->why, tracker->again ? "somebody else may have written it"
					       : "pods or nodes changed");
	calls_change(call, before, after);
	tracker->open = true;
	tracker->told_meanwhile = false;
	tracker->again = false;
	free(before);
	free(after);
	free(path);
}

/* Looks at the world, and writes if that differs from what the server has. */
static void
tracker_look(struct core *core, struct tracker *tracker)
{
	struct tracker_body body;
	struct buf patch;
	int64_t interval_ms;

	buf_init(&patch, TRACKER_PATCH_MAX);
	buf_puts(&patch, "{\"metadata\":{\"uid\":\"");
	buf_put_json(&patch, tracker->uid, strlen(tracker->uid));
	buf_puts(&patch, "\"},\"status\":{");
	tracker_body_put(core->world, tracker->namespace, &patch, &body);
	tracker_hash(tracker, &body, tracker->hash_sent);
	interval_ms = (int64_t)patch.len * 60000 / TRACKER_BYTES_PER_MINUTE;
	if (interval_ms < TRACKER_LEAST_MS)
		interval_ms = TRACKER_LEAST_MS;
	tracker->next_ms = core->now.mono.ms + interval_ms;
	tracker->looked = core->world->changes;
	tracker->stale = false;
	tracker->due_ms = 0;
	if (tracker->again || strcmp(tracker->hash, tracker->hash_sent) != 0) {
		/* what was not changed by us keeps its time: a write of the same is
		 * none for the server */
		tracker->updated_sent = strcmp(tracker->hash, tracker->hash_sent) == 0
					    ? tracker->updated
					    : core->now.wall;
		tracker_put_rest(&patch, tracker, &body);
		tracker_send(core, tracker, &patch, &body);
	}
	buf_free(&patch);
}

/* --- the finalizer ---------------------------------------------------------------- */

static void
tracker_released(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct tracker *tracker = tracker_answered(core, call);

	if (tracker == NULL)
		return;
	if (reply->error == 0 && reply->status == 200) {
		/* whoever puts it on again finds it taken off ever later */
		backoff_fail(&tracker->release_backoff, core->now.mono);
		tracker->finalizer = false;
		tracker->released = true;
		MESSAGE_TEXT(tracker->version, tracker_version_in(reply));
		tracker_hear(tracker, tracker->version);
	} else {
		tracker_hear(tracker, "");
		tracker_failed(core, tracker, &tracker->release_backoff, reply);
	}
}

/* The write that follows is a compare-and-set: what another hand wrote before it is in
 * what was read, though it may be told of only with that write's echo. */
static void
tracker_compare(struct tracker *tracker, const struct kube_reply *reply)
{
	tracker_hear(tracker, "");
	if (reply->error == 0 && reply->status == 200 &&
	    strcmp(tracker_version_in(reply), tracker->version) != 0)
		tracker->stale = tracker->again = true;
}

/* The finalizers of others stay, in their order; compare-and-set. */
static bool
tracker_put_release(struct json_object *object, struct buf *out)
{
	struct json_object *metadata = json_read_member(object, "metadata");
	struct json_object *list = json_read_member(metadata, "finalizers");
	const char *version =
	    json_read_string(json_read_member(metadata, "resourceVersion"));
	const char *comma = "";
	bool found = false;

	if (version == NULL)
		return false;
	buf_puts(out, "{\"metadata\":{\"resourceVersion\":\"");
	buf_put_json(out, version, strlen(version));
	buf_puts(out, "\",\"finalizers\":[");
	for (size_t i = 0; i < json_read_length(list); i++) {
		const char *name = json_read_string(json_object_array_get_idx(list, i));

		if (name == NULL)
			return false;
		if (strcmp(name, TRACKER_FINALIZER) == 0) {
			found = true;
			continue;
		}
		buf_printf(out, "%s\"", comma);
		buf_put_json(out, name, strlen(name));
		buf_puts(out, "\"");
		comma = ",";
	}
	buf_puts(out, "]}}");
	return found && !out->refused;
}

static void
tracker_read(struct core *core, struct call *read, const struct kube_reply *reply)
{
	struct tracker *tracker = tracker_answered(core, read);
	char *path = mem_printf("%s/%s", TRACKER_COLLECTION, read->subject);
	struct kube_call request = {
	    .method = "PATCH", .path = path, .body_kind = KUBE_BODY_MERGE_PATCH};
	struct call *call;
	struct buf patch;

	buf_init(&patch, 65536);
	if (tracker != NULL)
		tracker_compare(tracker, reply);
	if (tracker != NULL && (reply->error != 0 || reply->status != 200)) {
		tracker_failed(core, tracker, &tracker->release_backoff, reply);
	} else if (tracker != NULL && core_may_start(core) &&
		   tracker_put_release(reply->json, &patch)) {
		request.body = patch.data;
		call = calls_start(core, &request, tracker_released);
		call->right = "patch " TRACKER_RESOURCE;
		MESSAGE_TEXT(call->subject, tracker->name);
		MESSAGE_TEXT(call->uid, tracker->uid);
		MESSAGE_TEXT(call->audit, "tracker finalizer off");
		MESSAGE_TEXT(call->why, "nothing has to be cleaned up before it goes");
		calls_change(call, "[\"" TRACKER_FINALIZER "\"]", "[]");
		tracker->open = true;
	} else if (tracker != NULL && core_may_start(core)) {
		tracker->finalizer = false;
	}
	buf_free(&patch);
	free(path);
}

static void
tracker_fight(struct core *core, struct tracker *tracker)
{
	if (tracker->fought)
		return;
	tracker->fought = true;
	log_warn("tracker_finalizer_back", LOG_S("tracker", tracker->name));
	tracker_tell(core, tracker, "Warning", "FinalizerPutBack",
	    "the finalizer " TRACKER_FINALIZER " was put on again: the Pod IP Tracker "
	    "still runs, and both write");
}

static void
tracker_release(struct core *core, struct tracker *tracker)
{
	char *path = mem_printf("%s/%s", TRACKER_COLLECTION, tracker->name);
	struct call *call = calls_get(core, path, tracker_read);

	call->right = "get " TRACKER_RESOURCE;
	MESSAGE_TEXT(call->subject, tracker->name);
	MESSAGE_TEXT(call->uid, tracker->uid);
	tracker->open = true;
	if (tracker->released)
		tracker_fight(core, tracker);
	free(path);
}

/* --- what is due ------------------------------------------------------------------ */

static bool
tracker_is_due(struct core *core, struct tracker *tracker)
{
	int64_t now_ms = core->now.mono.ms;

	if (!tracker->stale && tracker->looked == core->world->changes)
		return false;
	if (tracker->due_ms == 0)
		tracker->due_ms = now_ms + TRACKER_GATHER_MS > tracker->next_ms
				      ? now_ms + TRACKER_GATHER_MS
				      : tracker->next_ms;
	if (now_ms >= tracker->due_ms)
		return true;
	core_wake_at(core, tracker->due_ms);
	return false;
}

/* Of a world that is not known as a whole nothing is said. */
static bool
trackers_see(const struct core *core)
{
	return core->watcher_up && core->world->sync[FACT_KIND_NODE].complete &&
	       core->world->sync[FACT_KIND_POD].complete &&
	       core->world->sync[FACT_KIND_TRACKER].complete;
}

static unsigned
trackers_open(const struct trackers *trackers)
{
	unsigned open = 0;

	MAP_EACH(trackers->map, entry)
	{
		const struct tracker *tracker = lh_entry_v(entry);

		open += tracker->open;
	}
	return open;
}

/* One is looked at in a pass, and few are written at a time: each may take a megabyte,
 * and addresses are not to wait for them. */
static bool
trackers_have_room(struct core *core, bool looked)
{
	if (looked)
		core_wake_at(core, core->now.mono.ms + 1);
	return !looked && trackers_open(core->trackers) < TRACKERS_OPEN_MAX;
}

void
trackers_run(struct core *core)
{
	bool wanted = false, looked = false;

	if (core->dry_run || !core_may_start(core) || !trackers_see(core))
		return;
	MAP_EACH(core->trackers->map, entry)
	{
		struct tracker *tracker = lh_entry_v(entry);

		wanted |= !tracker->deleting;
		if (tracker->open)
			continue;
		if (tracker->finalizer &&
		    !backoff_waits(core, &tracker->release_backoff))
			tracker_release(core, tracker);
		else if (!tracker->deleting &&
			 !backoff_waits(core, &tracker->backoff) &&
			 tracker_is_due(core, tracker) &&
			 trackers_have_room(core, looked)) {
			tracker_look(core, tracker);
			looked = true;
		}
	}
	slices_run(core, wanted);
}
