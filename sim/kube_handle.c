#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_change.h"
#include "kube_delete.h"
#include "kube_discovery.h"
#include "kube_fault.h"
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

/* The store with what every world has. */
static void
make_store(struct sim_kube *kube)
{
	static const char *const spaces[] = {"default", "kube-system"};
	struct kube_view *view;

	kube->store = kube_store_new(wake_watches, kube);
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
	for (size_t i = 0; i < kube->given_len; i++)
		kube_roles_bind(kube, kube->given[i].user, kube->given[i].role);
}

struct sim_kube *
sim_kube_new(struct loop *loop, struct sim_faults *faults)
{
	struct sim_kube *kube = mem_calloc(1, sizeof *kube);

	kube->loop = loop;
	kube->faults = faults;
	kube->bookmark_ms = DEFAULT_BOOKMARK_MS;
	kube->record_fd = -1;
	kube->auth = kube_auth_new();
	kube->kubelet = kube_kubelet_new(kube, loop);
	make_store(kube);
	return kube;
}

void
sim_kube_reset(struct sim_kube *kube)
{
	/* minted tokens know objects of the old store */
	kube_auth_revoke(kube->auth);
	kube_store_free(kube->store);
	kube_fault_forget(kube);
	make_store(kube);
}

void
sim_kube_free(struct sim_kube *kube)
{
	if (kube == NULL)
		return;
	kube_kubelet_free(kube->kubelet);
	kube_store_free(kube->store);
	kube_auth_free(kube->auth);
	kube_fault_forget(kube);
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
	assert(kube->given_len < KUBE_GIVEN_MAX);
	snprintf(
	    kube->given[kube->given_len].user, sizeof kube->given[0].user, "%s", user);
	kube->given[kube->given_len++].role = role;
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

void
sim_kube_handle(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct kube_call call = {.kube = arg, .request = request, .reply = reply};

	kube_route_read(&call);
	if (kube_fault_meet(&call))
		return;
	if (!kube_fault_answer(&call))
		kube_route_answer(&call);
	kube_fault_finish(&call);
	kube_record_request(&call);
	kube_fault_hold_answer(&call);
}
