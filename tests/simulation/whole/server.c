/* Requests to the API server: kube_call of kube/kube.h. */
#include "server.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configmaps.h"
#include "hosts.h"
#include "judge.h"
#include "mem.h"

#define WAY_LEAST_MS  2
#define WAY_MOST_MS   30
#define WAY_SLOW_MS   9000
#define REFUSED_MS    2000
#define PODS_ANYWHERE "/api/v1/pods"

struct kube {
	struct loop *loop;
};

struct request {
	struct loop *process;
	unsigned life;
	kube_done_fn *done;
	void *arg;
	char *method, *path, *query, *body;
	int64_t timeout_ms, sent_ms;
	struct kube_reply reply; /* its json is ours */
};

/* --- serving ---------------------------------------------------------------------- */

static void
refuse(struct request *request, int status, const char *reason)
{
	request->reply.status = status;
	MESSAGE_TEXT(request->reply.reason, reason);
	MESSAGE_TEXT(request->reply.message, reason);
}

static void
answer(struct request *request, int status, struct json_object *json)
{
	request->reply.status = status;
	/* who reads a ConfigMap fills it in to write it */
	if (server_kind(request->path) == KIND_CONFIGMAP)
		json_object_deep_copy(json, &request->reply.json, NULL);
	else
		request->reply.json = json_object_get(json);
}

/* The resourceVersion and uid that a write names must be those that are there. */
static bool
is_current(struct json_object *before, struct json_object *wanted)
{
	const char *version = server_text(wanted, "metadata/resourceVersion");
	const char *uid = server_text(wanted, "metadata/uid");

	return (version[0] == '\0' ||
		   strcmp(version, server_text(before, "metadata/resourceVersion")) ==
		       0) &&
	       (uid[0] == '\0' ||
		   strcmp(uid, server_text(before, "metadata/uid")) == 0);
}

static void
serve_patch(struct request *request, bool status_only)
{
	struct object *object = server_find(request->path);
	struct json_object *patch = json_tokener_parse(request->body), *json = NULL;
	bool has_status = object != NULL && (object->kind == KIND_ALLOCATION ||
						object->kind == KIND_TRACKER);

	if (object == NULL) {
		refuse(request, 404, "NotFound");
	} else if (!is_current(object->json, patch)) {
		refuse(request, 409, "Conflict");
	} else {
		/* the status is written by its own path, and nothing else there */
		if (status_only)
			json_object_object_del(patch, "spec");
		else if (has_status)
			json_object_object_del(patch, "status");
		json_object_deep_copy(object->json, &json, NULL);
		server_merge(json, patch);
		json_object_get(json);
		server_store(object, json);
		answer(request, 200, json);
		json_object_put(json);
	}
	json_object_put(patch);
}

static void
serve_replace(struct request *request)
{
	struct object *object = server_find(request->path);
	struct json_object *json = json_tokener_parse(request->body);

	if (object == NULL || !is_current(object->json, json)) {
		refuse(request, object == NULL ? 404 : 409,
		    object == NULL ? "NotFound" : "Conflict");
		json_object_put(json);
		return;
	}
	if (!configmaps_may_become(object->json, json)) {
		refuse(request, 422, "Invalid");
		json_object_put(json);
		return;
	}
	json_object_get(json);
	server_store(object, json);
	answer(request, 200, json);
	json_object_put(json);
}

static void
serve_create(struct request *request)
{
	struct json_object *json = json_tokener_parse(request->body);
	char *path =
	    mem_printf("%s/%s", request->path, server_text(json, "metadata/name"));

	if (strstr(path, "/events.k8s.io/") != NULL) {
		server.events++;
		request->reply.status = 201;
		json_object_put(json);
	} else if (server_find(path) != NULL) {
		refuse(request, 409, "AlreadyExists");
		json_object_put(json);
	} else {
		json_object_get(json);
		server_add(path, json);
		answer(request, 201, json);
		json_object_put(json);
	}
	free(path);
}

/* What it names must be what is there. */
static void
serve_delete(struct request *request)
{
	struct object *object = server_find(request->path);
	struct json_object *body = json_tokener_parse(request->body), *wanted;

	wanted = json_object_new_object();
	json_object_object_add(
	    wanted, "metadata", json_object_get(server_at(body, "preconditions")));
	if (object == NULL) {
		refuse(request, 404, "NotFound");
	} else if (!is_current(object->json, wanted)) {
		refuse(request, 409, "Conflict");
	} else {
		request->reply.status = 200;
		server_delete(request->path);
	}
	json_object_put(wanted);
	json_object_put(body);
}

static void
serve_evict(struct request *request)
{
	struct object *pod = server_find(request->path);
	struct json_object *body = json_tokener_parse(request->body);
	const char *uid = server_text(body, "deleteOptions/preconditions/uid");

	if (uid[0] == '\0')
		stage_violate("%s is evicted whoever it is", request->path);
	if (pod == NULL) {
		refuse(request, 404, "NotFound");
	} else if (strcmp(uid, server_text(pod->json, "metadata/uid")) != 0) {
		refuse(request, 409, "Conflict");
	} else if (stage_chance(200)) {
		refuse(request, 429, "TooManyRequests");
	} else {
		server.evictions++;
		request->reply.status = 201;
		server_delete(request->path);
	}
	json_object_put(body);
}

/* "?fieldSelector=spec.nodeName%3Dn1" or "?labelSelector=app%3Dx" in force for it? */
static bool
is_selected(struct json_object *json, const char *query)
{
	static const char field[] = "fieldSelector=spec.nodeName%3D";
	static const char label[] = "labelSelector=app%3D";
	const char *node = strstr(query, field), *app = strstr(query, label);

	if (node != NULL)
		return strcmp(server_text(json, "spec/nodeName"),
			   node + sizeof field - 1) == 0;
	if (app != NULL)
		return strcmp(server_text(json, "metadata/labels/app"),
			   app + sizeof label - 1) == 0;
	return true;
}

static bool
is_in(const struct object *object, const char *collection)
{
	size_t len = strlen(collection);

	if (strcmp(collection, PODS_ANYWHERE) == 0)
		return object->kind == KIND_POD;
	return strncmp(object->path, collection, len) == 0 &&
	       object->path[len] == '/' && strchr(object->path + len + 1, '/') == NULL;
}

static bool
is_collection(const char *path)
{
	return strcmp(path, PODS_ANYWHERE) == 0 ||
	       strncmp(ALLOCATIONS, path, strlen(path)) == 0 ||
	       strncmp(NODES, path, strlen(path)) == 0;
}

static void
serve_list(struct request *request)
{
	struct json_object *items = json_object_new_array(), *list;
	static const char *const kinds[] = {
	    [KIND_NODE] = "NodeList",
	    [KIND_POD] = "PodList",
	    [KIND_ALLOCATION] = "NetIPAllocationList",
	};
	enum kind kind = strcmp(request->path, PODS_ANYWHERE) == 0 ? KIND_POD
			 : strncmp(NODES, request->path, strlen(request->path)) == 0
			     ? KIND_NODE
			     : KIND_ALLOCATION;

	for (size_t i = 0; i < server.objects_len; i++)
		if (is_in(&server.objects[i], request->path) &&
		    is_selected(server.objects[i].json, request->query))
			json_object_array_add(
			    items, json_object_get(server.objects[i].json));
	list = json_object_new_object();
	json_object_object_add(list, "kind", json_object_new_string(kinds[kind]));
	json_object_object_add(list, "items", items);
	request->reply.status = 200;
	request->reply.json = list;
}

static bool
cut_off(char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	if (len <= end_len || strcmp(path + len - end_len, end) != 0)
		return false;
	path[len - end_len] = '\0';
	return true;
}

/* Nobody may read it for a while, or something is wrong. */
static void
serve_definition(struct request *request)
{
	struct json_object *definition = server_get(DEFINITION);

	if (stage_chance(server.faults.definition)) {
		refuse(request, stage_chance(50) ? 403 : 500, "Refused");
		return;
	}
	judge_release_read(definition);
	if (definition != NULL)
		answer(request, 200, definition);
	else
		refuse(request, 404, "NotFound");
}

static void
serve_read(struct request *request)
{
	if (configmaps_is_list(request->path)) {
		request->reply.status = 200;
		request->reply.json = configmaps_list(request->query);
	} else if (is_collection(request->path)) {
		serve_list(request);
	} else if (strcmp(request->path, DEFINITION) == 0) {
		serve_definition(request);
	} else if (server_get(request->path) != NULL) {
		answer(request, 200, server_get(request->path));
	} else {
		refuse(request, 404, "NotFound");
	}
}

static void
serve(struct request *request)
{
	const char *method = request->method;
	/* what goes on at rest, too */
	bool aside = strncmp(request->path, LEASES, sizeof LEASES - 2) == 0 ||
		     strncmp(request->path, CONFIGMAPS, sizeof CONFIGMAPS - 2) == 0;

	if (strcmp(method, "GET") == 0) {
		server.reads += !aside;
		serve_read(request);
		return;
	}
	server.writes += !aside;
	if (cut_off(request->path, "/eviction"))
		serve_evict(request);
	else if (strcmp(method, "POST") == 0)
		serve_create(request);
	else if (strcmp(method, "PUT") == 0)
		serve_replace(request);
	else if (strcmp(method, "DELETE") == 0)
		serve_delete(request);
	else if (strstr(request->path, "/events.k8s.io/") != NULL)
		refuse(request, 404, "NotFound");
	else
		serve_patch(request, cut_off(request->path, "/status"));
}

/* --- the way there and back ------------------------------------------------------- */

static void
request_free(void *arg)
{
	struct request *request = arg;

	json_object_put(request->reply.json);
	free(request->method);
	free(request->path);
	free(request->query);
	free(request->body);
	free(request);
}

static void
request_answered(void *arg)
{
	struct request *request = arg;
	struct loop *process = request->process;

	if (process_enter(process, request->life)) {
		request->done(request->arg, &request->reply);
		process_leave(process);
	}
	request_free(request);
}

static int64_t
way_ms(void)
{
	return stage_chance(server.faults.slow)
		   ? stage_between(1000, WAY_SLOW_MS)
		   : stage_between(WAY_LEAST_MS, WAY_MOST_MS);
}

static void
request_lose(struct request *request, int error, bool maybe_sent)
{
	json_object_put(request->reply.json);
	judge_refused(request->path);
	request->reply = (struct kube_reply){
	    .error = error, .maybe_sent = maybe_sent, .retry_after_ms = -1};
	MESSAGE_TEXT(request->reply.message, "lost");
}

/* Lost answers are noticed at once or only when the time is up. */
static int64_t
request_way_back(struct request *request)
{
	int64_t left_ms = request->sent_ms + request->timeout_ms - stage.now_ms;
	int64_t delay_ms = way_ms();

	if (request->process->host->no_server ||
	    stage_chance(server.faults.lost_after)) {
		if (stage_chance(500)) {
			request_lose(request, -ECONNRESET, true);
			return delay_ms;
		}
		delay_ms = left_ms;
	}
	if (delay_ms >= left_ms) {
		request_lose(request, -ETIMEDOUT, true);
		return left_ms;
	}
	return delay_ms;
}

/* The lease is told when it goes to another, a status by the audit line that follows.
 */
static void
request_tell(const struct request *request)
{
	const char *method = request->method, *body = request->body;
	const char *path = strrchr(request->path, '/');
	int status = request->reply.status;

	if (strstr(request->path, "/leases") != NULL)
		return;
	while (path > request->path && path[-1] != '/')
		path--;
	if (strcmp(method, "GET") == 0 || server_kind(request->path) == KIND_ALLOCATION)
		body = "";
	stage_tell(request->process->who, "%s %s%s: %d %s %.120s", method, path + 1,
	    request->query, status, request->reply.reason, body);
}

static void
request_arrived(void *arg)
{
	struct request *request = arg;
	static const int refusals[] = {429, 500, 503};
	int64_t delay_ms;

	request->reply.retry_after_ms = -1;
	if (server.down || request->process->host->no_server ||
	    stage_chance(server.faults.lost_before)) {
		request_lose(request, -ECONNREFUSED, false);
		delay_ms = way_ms();
	} else {
		if (stage_chance(server.faults.refused)) {
			refuse(request, refusals[stage_pick(3)], "Refused");
			if (stage_chance(300))
				request->reply.retry_after_ms =
				    stage_between(0, REFUSED_MS);
		} else {
			serve(request);
		}
		if (request->reply.status >= 400)
			judge_refused(request->path);
		if (stage.tracing)
			request_tell(request);
		delay_ms = request_way_back(request);
	}
	stage_later(delay_ms, &request->process->host->suspended_until_ms,
	    request_answered, request_free, request);
}

/* --- kube/kube.h ------------------------------------------------------------------ */

struct kube *
kube_new(struct loop *loop, struct http *http, const struct settings *settings,
    const char *process)
{
	struct kube *kube = mem_calloc(1, sizeof *kube);

	(void)http;
	(void)settings;
	(void)process;
	kube->loop = loop;
	return kube;
}

void
kube_measure(struct kube *kube, kube_measure_fn *fn, void *arg)
{
	(void)kube;
	(void)fn;
	(void)arg;
}

void
kube_free(struct kube *kube)
{
	free(kube);
}

int
kube_set_file(struct kube *kube, enum file_kind kind, int fd)
{
	(void)kube;
	(void)kind;
	(void)fd;
	return 0;
}

void
kube_call(
    struct kube *kube, const struct kube_call *call, kube_done_fn *done, void *arg)
{
	struct request *request;
	size_t len = strcspn(call->path, "?");

	if (process_effect())
		return;
	judge_asks(kube->loop->host, call);
	request = mem_calloc(1, sizeof *request);
	request->process = kube->loop;
	request->life = kube->loop->life;
	request->done = done;
	request->arg = arg;
	request->method = mem_strdup(call->method);
	request->path = mem_strndup(call->path, len);
	request->query = mem_strdup(call->path + len + (call->path[len] == '?'));
	request->body = mem_strdup(call->body != NULL ? call->body : "");
	request->timeout_ms =
	    call->timeout_ms > 0 ? call->timeout_ms : KUBE_CALL_TIMEOUT_MS;
	request->sent_ms = stage.now_ms;
	stage_later(way_ms(), NULL, request_arrived, request_free, request);
}
