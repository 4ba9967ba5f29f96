#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_change.h"
#include "kube_delete.h"
#include "kube_discovery.h"
#include "kube_json.h"
#include "kube_read.h"
#include "kube_record.h"
#include "kube_review.h"
#include "kube_roles.h"
#include "kube_route.h"
#include "kube_status.h"
#include "kube_world.h"
#include "kube_write.h"
#include "log.h"
#include "mem.h"

#define DEFAULT_BOOKMARK_MS 10000

static void
wake_watches(void *arg)
{
	struct sim_kube *kube = arg;

	if (kube->http != NULL)
		sim_http_wake(kube->http);
}

struct sim_kube *
sim_kube_new(struct loop *loop, struct sim_faults *faults)
{
	static const char *const spaces[] = {"default", "kube-system"};
	struct sim_kube *kube = mem_calloc(1, sizeof *kube);
	struct kube_view *view;

	kube->loop = loop;
	kube->faults = faults;
	kube->bookmark_ms = DEFAULT_BOOKMARK_MS;
	kube->record_fd = -1;
	kube->store = kube_store_new(wake_watches, kube);
	kube->auth = kube_auth_new();
	kube->kubelet = kube_kubelet_new(kube, loop);
	kube_discovery_install(kube->store);
	view = kube_store_view(kube->store, "", "v1", "namespaces", NULL);
	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
		struct json_object *json = kube_json_constant(
		    "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\"}");

		kube_json_set_text(
		    kube_json_section(json, "metadata"), "name", spaces[i]);
		kube_change_put(kube, view, json);
	}
	kube_roles_install(kube);
	return kube;
}

void
sim_kube_free(struct sim_kube *kube)
{
	if (kube == NULL)
		return;
	kube_kubelet_free(kube->kubelet);
	kube_store_free(kube->store);
	kube_auth_free(kube->auth);
	kube_record_end(kube);
	free(kube);
}

void
sim_kube_set_http(struct sim_kube *kube, struct sim_http *http)
{
	kube->http = http;
}

void
sim_kube_set_bookmark_interval(struct sim_kube *kube, int64_t interval_ms)
{
	kube->bookmark_ms = interval_ms;
}

void
sim_kube_set_termination(struct sim_kube *kube, int64_t delay_ms)
{
	kube_kubelet_set_delay(kube->kubelet, delay_ms);
}

void
sim_kube_add_identity(
    struct sim_kube *kube, const char *token, const char *user, enum sim_role role)
{
	int rc = kube_auth_add(kube->auth, token, user, kube_roles_group(role));

	if (rc < 0)
		log_error(
		    "identity_not_added", LOG_S("user", user), LOG_N("errno", -rc));
	kube_roles_bind(kube, user, role);
}

/* The namespace of an object that is put, made when it is not there. */
static void
make_namespace(
    struct sim_kube *kube, const struct kube_view *view, struct json_object *json)
{
	struct kube_view *spaces =
	    kube_store_view(kube->store, "", "v1", "namespaces", NULL);
	struct json_object *metadata = kube_json_section(json, "metadata");
	struct json_object *space;

	if ((view->resource->flags & KUBE_NAMESPACED) == 0)
		return;
	if (kube_json_text(metadata, "namespace")[0] == '\0')
		kube_json_set_text(metadata, "namespace", "default");
	if (kube_store_find(spaces->resource, kube_json_text(metadata, "namespace")) !=
	    NULL)
		return;
	space = kube_json_constant("{\"kind\":\"Namespace\",\"apiVersion\":\"v1\"}");
	kube_json_set_text(kube_json_section(space, "metadata"), "name",
	    kube_json_text(metadata, "namespace"));
	kube_change_put(kube, spaces, space);
}

/* The view for an object's kind and apiVersion, or NULL. */
static struct kube_view *
view_of(const struct sim_kube *kube, const struct json_object *json)
{
	const char *version = kube_json_text(json, "apiVersion");
	const char *slash = strchr(version, '/');
	char group[254];

	snprintf(group, sizeof group, "%.*s",
	    slash != NULL ? (int)(slash - version) : 0, version);
	return kube_store_view(kube->store, group, slash != NULL ? slash + 1 : version,
	    NULL, kube_json_text(json, "kind"));
}

int
sim_kube_put(struct sim_kube *kube, const char *text)
{
	char error[128];
	struct json_object *json =
	    kube_json_parse(text, strlen(text), error, sizeof error);
	const struct kube_view *view;

	if (json == NULL) {
		log_error("object_unreadable", LOG_S("error", error));
		return -EINVAL;
	}
	view = view_of(kube, json);
	if (view == NULL ||
	    (kube_json_text(json, "metadata.name")[0] == '\0' &&
		kube_json_text(json, "metadata.generateName")[0] == '\0')) {
		log_error("object_refused",
		    LOG_S("apiVersion", kube_json_text(json, "apiVersion")),
		    LOG_S("kind", kube_json_text(json, "kind")));
		json_object_put(json);
		return view == NULL ? -ENOENT : -EINVAL;
	}
	make_namespace(kube, view, json);
	kube_change_put(kube, view, json);
	return 0;
}

int
sim_kube_remove(struct sim_kube *kube, const char *path)
{
	struct kube_call call = {.kube = kube};
	struct kube_object *object;
	char key[KUBE_KEY_MAX];

	if (!kube_route_path(&call, path) || call.name[0] == '\0' ||
	    call.subresource[0] != '\0')
		return -EINVAL;
	object = kube_read_find(&call);
	if (object == NULL)
		return -ENOENT;
	snprintf(key, sizeof key, "%s", object->key);
	kube_delete_finish(kube, call.view->resource, key);
	return 0;
}

/* --- faults --- */

static struct kube_held *
held_find(struct sim_kube *kube, const void *connection)
{
	for (size_t i = 0; i < KUBE_HELD_MAX; i++)
		if (kube->held[i].connection == connection)
			return &kube->held[i];
	return NULL;
}

/* Puts the answer off; the fault waits for the second call. False: no room. */
static bool
hold(struct kube_call *call, const struct sim_fault *fault)
{
	struct kube_held *held = held_find(call->kube, call->request->connection);

	if (held == NULL)
		held = held_find(call->kube, NULL);
	if (held == NULL) {
		log_warn("fault_delay_dropped", LOG_S("path", call->request->path));
		return false;
	}
	held->connection = call->request->connection;
	held->fault = *fault;
	call->reply->defer_ms = fault->delay_ms;
	return true;
}

/* The fault that this request meets, if any. Sets *ret_wait when it is put off. */
static bool
take_fault(struct kube_call *call, struct sim_fault *ret_fault, bool *ret_wait)
{
	struct kube_held *held;

	*ret_wait = false;
	if (call->request->again) {
		held = held_find(call->kube, call->request->connection);
		if (held == NULL)
			return false;
		*ret_fault = held->fault;
		held->connection = NULL;
		return true;
	}
	if (call->kube->faults == NULL ||
	    !sim_faults_take(call->kube->faults, "kube", call->request->method,
		call->request->path, ret_fault))
		return false;
	*ret_wait = ret_fault->delay_ms > 0 && hold(call, ret_fault);
	return true;
}

/* The fault's own body, or what an overloaded server says. */
static void
answer_fault(struct kube_call *call, const struct sim_fault *fault)
{
	if (fault->body[0] != '\0') {
		kube_reply_text(call, fault->status, fault->body);
		if (fault->body[0] == '{')
			call->reply->content_type = "application/json";
	} else if (fault->status == 429 || fault->status == 503) {
		sim_reply_header(call->reply, "Retry-After", "1");
		kube_fail(call, fault->status,
		    fault->status == 429 ? "TooManyRequests" : "ServiceUnavailable",
		    NULL, "Too many requests, please try again later.");
	} else {
		kube_fail(call, fault->status, "InternalError", NULL,
		    "an error on the server has prevented the request from succeeding");
	}
}

static void
drop_answer(struct sim_reply *reply)
{
	if (reply->stream.next != NULL)
		reply->stream.close(reply->stream.state);
	reply->stream = (struct sim_stream){0};
	reply->drop = true;
}

void
sim_kube_handle(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct kube_call call = {.kube = arg, .request = request, .reply = reply};
	struct sim_fault fault;
	bool wait, faulty;

	kube_route_read(&call);
	faulty = take_fault(&call, &fault, &wait);
	if (wait)
		return;
	if (faulty && fault.drop_before)
		drop_answer(reply);
	else if (faulty && fault.status > 0)
		answer_fault(&call, &fault);
	else
		kube_route_answer(&call);
	if (faulty && fault.drop_after)
		drop_answer(reply);
	kube_record_request(&call);
}
