#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"
#include "mem.h"

#define FAKE_SERVER_MS 15
#define FAKE_ANSWER_MS 15
#define FAKE_FACT_MS   30
#define FAKE_SLOW_MS   4000

struct fake_object {
	char *path;
	struct json_object *json;
};

struct fake_request {
	uint64_t ticket;
	unsigned incarnation;
	char *method, *path, *body;
	struct json_object *answer;
	struct kube_reply reply;
};

struct fake_fact {
	char *path;
	unsigned incarnation;
	char uid[UID_MAX_LEN + 1];
};

/* --- facts ------------------------------------------------------------------------ */

const char *
fake_text(struct json_object *object, const char *key)
{
	const char *text = json_read_string(json_read_member(object, key));

	return text != NULL ? text : "";
}

static bool
fake_begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static int
fake_kind(const char *path)
{
	if (fake_begins(path, FAKE_NODES))
		return FACT_KIND_NODE;
	if (fake_begins(path, FAKE_PODS) || fake_begins(path, FAKE_CONTROLLERS))
		return FACT_KIND_POD;
	if (fake_begins(path, FAKE_ALLOCATIONS "/"))
		return FACT_KIND_ALLOCATION;
	if (fake_begins(path, FAKE_TRACKERS))
		return FACT_KIND_TRACKER;
	if (fake_begins(path, FAKE_SLICES))
		return FACT_KIND_SLICE;
	return FACT_KIND_COUNT;
}

/* The object as it is now; a removal when it is no more. */
static void
fake_tell_fact(struct fake *fake, const char *path, const char *uid)
{
	struct message *message = mem_calloc(1, sizeof *message);
	struct json_object *json = fake_get(fake, path);
	int kind = fake_kind(path);

	/* another one has its name now */
	if (uid[0] != '\0' &&
	    strcmp(fake_text(json_read_member(json, "metadata"), "uid"), uid) != 0)
		json = NULL;
	if (json == NULL) {
		message->type = MSG_FACT_GONE;
		message->u.fact_gone.kind = (uint8_t)kind;
		MESSAGE_TEXT(message->u.fact_gone.uid, uid);
		MESSAGE_TEXT(message->u.fact_gone.name, strrchr(path, '/') + 1);
	} else {
		fake_fact(json, (enum fact_kind)kind, message);
	}
	fake_message(fake, message);
	free(message);
}

static void
fake_fact_due(struct fake *fake, void *data)
{
	struct fake_fact *fact = data;

	if (fact->incarnation == fake->incarnation && fake->watcher_up &&
	    (fake->mute == NULL || strcmp(fake->mute, fact->path) != 0))
		fake_tell_fact(fake, fact->path, fact->uid);
	free(fact->path);
	free(fact);
}

static void
fake_changed(struct fake *fake, const char *path, const char *uid)
{
	struct fake_fact *fact;

	if (fake_kind(path) == FACT_KIND_COUNT || !fake->watcher_up)
		return;
	fact = mem_calloc(1, sizeof *fact);
	fact->path = mem_strdup(path);
	fact->incarnation = fake->incarnation;
	MESSAGE_TEXT(fact->uid, uid);
	fake_later(fake, FAKE_FACT_MS, fake_fact_due, fact);
}

static void
fake_sync(struct fake *fake, int kind, enum sync_phase phase)
{
	struct message *message = mem_calloc(1, sizeof *message);

	message->type = MSG_FACT_SYNC;
	message->u.fact_sync.kind = (uint8_t)kind;
	message->u.fact_sync.phase = (uint8_t)phase;
	fake_message(fake, message);
	free(message);
}

void
fake_watch_start(struct fake *fake)
{
	fake->watcher_up = true;
	fake->watcher_since_ms = fake->now_ms;
	core_watcher(fake->core, fake_time(fake), true);
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		fake_sync(fake, kind, SYNC_BEGIN);
		MAP_EACH(fake->objects, entry)
		{
			const struct fake_object *object = lh_entry_v(entry);

			if (fake_kind(object->path) == kind)
				fake_tell_fact(fake, object->path, "");
		}
		fake_sync(fake, kind, SYNC_END);
	}
}

/* --- objects ---------------------------------------------------------------------- */

struct json_object *
fake_get(struct fake *fake, const char *path)
{
	const struct fake_object *object = map_get(fake->objects, path);

	return object != NULL ? object->json : NULL;
}

static void
fake_stamp(struct fake *fake, struct json_object *json)
{
	char version[32];

	snprintf(version, sizeof version, "%llu", (unsigned long long)++fake->version);
	json_object_object_add(json_read_member(json, "metadata"), "resourceVersion",
	    json_object_new_string(version));
}

void
fake_put(struct fake *fake, const char *path, const char *json)
{
	struct fake_object *object;
	char uid[32];

	fake_delete(fake, path);
	object = mem_calloc(1, sizeof *object);
	object->path = mem_strdup(path);
	object->json = json_tokener_parse(json);
	snprintf(uid, sizeof uid, "uid-%llu", (unsigned long long)++fake->version);
	json_object_object_add(json_read_member(object->json, "metadata"), "uid",
	    json_object_new_string(uid));
	fake_stamp(fake, object->json);
	map_put(fake->objects, object->path, object);
	fake_changed(fake, path, uid);
}

void
fake_delete(struct fake *fake, const char *path)
{
	struct fake_object *object = map_get(fake->objects, path);

	if (object == NULL)
		return;
	map_drop(fake->objects, path);
	fake_changed(fake, object->path,
	    fake_text(json_read_member(object->json, "metadata"), "uid"));
	json_object_put(object->json);
	free(object->path);
	free(object);
}

/* RFC 7396. */
static void
fake_merge(struct json_object *target, struct json_object *patch)
{
	json_object_object_foreach(patch, key, value) {
		struct json_object *old = NULL;

		json_object_object_get_ex(target, key, &old);
		if (value == NULL) {
			json_object_object_del(target, key);
		} else if (json_object_is_type(value, json_type_object)) {
			if (!json_object_is_type(old, json_type_object)) {
				old = json_object_new_object();
				json_object_object_add(target, key, old);
			}
			fake_merge(old, value);
		} else {
			json_object_object_add(target, key, json_object_get(value));
		}
	}
}

/* Marked as deleted, and held by nothing. */
static bool
fake_is_due(struct json_object *json)
{
	struct json_object *metadata = json_read_member(json, "metadata");

	return json_read_member(metadata, "deletionTimestamp") != NULL &&
	       json_read_length(json_read_member(metadata, "finalizers")) == 0;
}

/* *ret_answer, if not NULL: the object as it is then, be it for the last time. */
static void
fake_apply(struct fake *fake, struct fake_object *object, struct json_object *patch,
    struct json_object **ret_answer)
{
	struct json_object *before = NULL;
	char *path = mem_strdup(object->path);

	json_object_deep_copy(object->json, &before, NULL);
	fake_merge(object->json, patch);
	if (!json_object_equal(before, object->json)) {
		fake_stamp(fake, object->json);
		fake_changed(fake, path, "");
	}
	if (ret_answer != NULL)
		json_object_deep_copy(object->json, ret_answer, NULL);
	if (fake_is_due(object->json))
		fake_delete(fake, path);
	free(path);
	json_object_put(before);
}

void
fake_patch(struct fake *fake, const char *path, const char *json)
{
	struct fake_object *object = map_get(fake->objects, path);
	struct json_object *patch = json_tokener_parse(json);

	if (object != NULL)
		fake_apply(fake, object, patch, NULL);
	json_object_put(patch);
}

void
fake_ask_delete(struct fake *fake, const char *path)
{
	char when[CLOCK_TEXT_MAX];
	char *patch;

	clock_format(fake_time(fake).wall, false, when, sizeof when);
	patch = mem_printf("{\"metadata\":{\"deletionTimestamp\":\"%s\"}}", when);
	fake_patch(fake, path, patch);
	free(patch);
}

/* --- the journal's own rules, watched at the server ------------------------------- */

static void
fake_judge(struct fake *fake)
{
	struct map *seen = map_new(NULL);

	MAP_EACH(fake->objects, at)
	{
		const struct fake_object *object = lh_entry_v(at);
		struct json_object *list;

		if (fake_kind(object->path) != FACT_KIND_ALLOCATION)
			continue;
		list = json_read_member(
		    json_read_member(object->json, "status"), "addresses");
		for (size_t i = 0; list != NULL && i < json_object_array_length(list);
		     i++)
			fake_judge_entry(
			    fake, json_object_array_get_idx(list, i), seen);
	}
	map_free(seen);
}

/* --- requests --------------------------------------------------------------------- */

static void
fake_refuse(struct fake_request *request, int status, const char *reason)
{
	request->reply.status = status;
	MESSAGE_TEXT(request->reply.reason, reason);
}

static void
fake_answer_object(struct fake_request *request, struct json_object *json)
{
	request->reply.status = 200;
	json_object_deep_copy(json, &request->answer, NULL);
}

static void
fake_serve_patch(struct fake *fake, struct fake_request *request, const char *path)
{
	struct fake_object *object = map_get(fake->objects, path);
	struct json_object *patch = json_tokener_parse(request->body);
	struct json_object *wanted = json_read_member(patch, "metadata");
	const char *version = fake_text(wanted, "resourceVersion");
	const char *uid = fake_text(wanted, "uid");
	struct json_object *metadata;

	if (!fake_begins(path, FAKE_SLICES)) {
		fake->writes++;
		fake->patched_bytes += strlen(request->body);
	}
	if (object == NULL) {
		fake_refuse(request, 404, "NotFound");
		goto out;
	}
	metadata = json_read_member(object->json, "metadata");
	if ((version[0] != '\0' &&
		strcmp(version, fake_text(metadata, "resourceVersion")) != 0) ||
	    (uid[0] != '\0' && strcmp(uid, fake_text(metadata, "uid")) != 0)) {
		fake_refuse(request, 409, "Conflict");
		goto out;
	}
	if (fake->no_finalizers && json_read_member(patch, "metadata") != NULL)
		json_object_object_del(
		    json_read_member(patch, "metadata"), "finalizers");
	if (fake->pruned != NULL && json_read_member(patch, "status") != NULL)
		json_object_object_del(json_read_member(patch, "status"), fake->pruned);
	if (json_read_member(metadata, "deletionTimestamp") != NULL &&
	    json_read_length(json_read_member(metadata, "finalizers")) <
		json_read_length(json_read_member(wanted, "finalizers"))) {
		fake_refuse(request, 422, "Invalid");
		goto out;
	}
	fake_apply(fake, object, patch, &request->answer);
	request->reply.status = 200;
	fake_judge(fake);
out:
	json_object_put(patch);
}

/* All of a kind; of pods those on `node`, or with that label app (NULL: any). */
static void
fake_serve_list(struct fake *fake, struct fake_request *request, int kind,
    const char *node, const char *app, const char *name)
{
	struct json_object *items = json_object_new_array();

	MAP_EACH(fake->objects, entry)
	{
		const struct fake_object *object = lh_entry_v(entry);
		struct json_object *metadata =
		    json_read_member(object->json, "metadata");
		struct json_object *copy = NULL;

		if (fake_kind(object->path) != kind ||
		    (app != NULL &&
			strcmp(fake_text(json_read_member(metadata, "labels"), "app"),
			    app) != 0) ||
		    (node != NULL &&
			strcmp(fake_text(
				   json_read_member(object->json, "spec"), "nodeName"),
			    node) != 0))
			continue;
		json_object_deep_copy(object->json, &copy, NULL);
		json_object_array_add(items, copy);
	}
	request->reply.status = 200;
	request->answer = json_object_new_object();
	json_object_object_add(request->answer, "kind", json_object_new_string(name));
	json_object_object_add(request->answer, "items", items);
}

/* Events, evictions and slices; false: it is none of them. */
static bool
fake_serve_trail(struct fake *fake, struct fake_request *request, const char *path)
{
	int status = fake_slice(fake, request->method, path, request->body);

	if (fake_begins(path, "/apis/events.k8s.io/"))
		status = strcmp(request->method, "POST") == 0
			     ? fake_event_post(fake, request->body)
			     : fake_event_patch(fake, path, request->body);
	else if (fake_is_eviction(path))
		status = fake_evict(fake, path, request->body, &request->answer);
	if (status == 0)
		return false;
	if (status == 429 && fake->retry_after_ms > 0)
		request->reply.retry_after_ms = fake->retry_after_ms;
	fake_refuse(request, status,
	    status == 404   ? "NotFound"
	    : status == 409 ? "Conflict"
	    : status == 429 ? "TooManyRequests"
			    : "");
	return true;
}

static bool
fake_refuses(struct fake *fake, struct fake_request *request)
{
	if (fake->refuse.count == 0 ||
	    strcmp(request->method, fake->refuse.method) != 0 ||
	    strstr(request->path, fake->refuse.part) == NULL ||
	    (fake->refuse.spare != NULL &&
		strstr(request->path, fake->refuse.spare) != NULL))
		return false;
	fake->refuse.count--;
	fake_refuse(request, fake->refuse.status, "Refused");
	MESSAGE_TEXT(request->reply.message, fake->refuse.message);
	return true;
}

static void
fake_serve(struct fake *fake, struct fake_request *request)
{
	static const char pods[] = "/api/v1/pods?fieldSelector=spec.nodeName%3D";
	static const char replicas[] = "/api/v1/pods?labelSelector=app%3D";
	char path[512];

	if (fake_refuses(fake, request))
		return;

	snprintf(
	    path, sizeof path, "%.*s", (int)strcspn(request->path, "?"), request->path);
	if (fake_serve_trail(fake, request, path))
		return;
	if (strcmp(request->method, "PATCH") == 0) {
		char *status = strstr(path, "/status");

		if (status != NULL)
			*status = '\0';
		fake_serve_patch(fake, request, path);
		return;
	}
	fake->reads++;
	if (fake_begins(request->path, pods)) {
		fake_serve_list(fake, request, FACT_KIND_POD,
		    request->path + sizeof pods - 1, NULL, "PodList");
	} else if (fake_begins(request->path, replicas)) {
		fake_serve_list(fake, request, FACT_KIND_POD, NULL,
		    request->path + sizeof replicas - 1, "PodList");
	} else if (strcmp(path, FAKE_ALLOCATIONS) == 0) {
		fake->lists++;
		fake_serve_list(fake, request, FACT_KIND_ALLOCATION, NULL, NULL,
		    "NetIPAllocationList");
	} else if (fake_get(fake, path) != NULL) {
		fake_answer_object(request, fake_get(fake, path));
	} else {
		fake_refuse(request, 404, "NotFound");
	}
}

static void
fake_request_free(struct fake_request *request)
{
	json_object_put(request->answer);
	free(request->method);
	free(request->path);
	free(request->body);
	free(request);
}

static void
fake_answered(struct fake *fake, void *data)
{
	struct fake_request *request = data;

	if (fake->core != NULL && request->incarnation == fake->incarnation) {
		request->reply.json = request->answer;
		core_answer(
		    fake->core, fake_time(fake), request->ticket, &request->reply);
	}
	fake_request_free(request);
}

static bool
fake_loses_answer(struct fake *fake, const struct fake_request *request)
{
	if (strcmp(request->method, "POST") != 0 || fake->lose_answers == 0)
		return false;
	fake->lose_answers--;
	return true;
}

static void
fake_arrived(struct fake *fake, void *data)
{
	struct fake_request *request = data;

	request->reply.retry_after_ms = -1;
	if (fake_chance(fake, fake->faults.lost_before)) {
		request->reply.error = -ECONNREFUSED;
	} else {
		fake_serve(fake, request);
		if (fake->verbose)
			printf("%8lld api %s %s: %d\n", (long long)fake->now_ms,
			    request->method, request->path, request->reply.status);
		if (fake_chance(fake, fake->faults.lost_after) ||
		    fake_loses_answer(fake, request)) {
			json_object_put(request->answer);
			request->answer = NULL;
			request->reply = (struct kube_reply){
			    .error = -ECONNRESET, .maybe_sent = true};
		}
	}
	fake_later(fake,
	    fake_chance(fake, fake->faults.slow) ? FAKE_SLOW_MS : FAKE_ANSWER_MS,
	    fake_answered, request);
}

/* It changes something beside allocations' status, events and slices. */
static bool
fake_is_act(const struct kube_call *call)
{
	if (fake_is_eviction(call->path))
		return true;
	return strcmp(call->method, "PATCH") == 0 &&
	       strstr(call->path, "/status") == NULL &&
	       strstr(call->path, "/events/") == NULL &&
	       !fake_begins(call->path, FAKE_SLICES);
}

void
fake_call(void *arg, uint64_t ticket, const struct kube_call *call)
{
	struct fake *fake = arg;
	struct fake_request *request;

	if (fake_is_act(call))
		fake_acts(fake, call->path);
	/* pods are evicted, and nothing else has to go but slices */
	if (strcmp(call->method, "DELETE") == 0 &&
	    !fake_begins(call->path, FAKE_SLICES))
		fake_violate(fake, "DELETE of %s", call->path);
	if (fake_effect(fake))
		return;
	if (fake_is_eviction(call->path))
		fake_judge_eviction(fake, call->path, call->body);
	request = mem_calloc(1, sizeof *request);
	request->ticket = ticket;
	request->incarnation = fake->incarnation;
	request->method = mem_strdup(call->method);
	request->path = mem_strdup(call->path);
	request->body = mem_strdup(call->body != NULL ? call->body : "");
	fake_later(fake,
	    fake_chance(fake, fake->faults.slow) ? FAKE_SLOW_MS : FAKE_SERVER_MS,
	    fake_arrived, request);
}

bool
fake_is_journaled(struct fake *fake, const char *request_id)
{
	MAP_EACH(fake->objects, entry)
	{
		const struct fake_object *object = lh_entry_v(entry);
		struct json_object *status = json_read_member(object->json, "status");

		if (fake_kind(object->path) == FACT_KIND_ALLOCATION && status != NULL &&
		    strstr(json_object_to_json_string(status), request_id) != NULL)
			return true;
	}
	return false;
}
