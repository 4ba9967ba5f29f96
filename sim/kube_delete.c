#include "kube_delete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "kube_admit.h"
#include "kube_convert.h"
#include "kube_custom.h"
#include "kube_json.h"
#include "kube_kubelet.h"
#include "kube_read.h"
#include "kube_status.h"
#include "kube_world.h"
#include "kube_write.h"

static bool
is_pod(const struct kube_resource *resource)
{
	return resource->group[0] == '\0' && strcmp(resource->plural, "pods") == 0;
}

static bool
is_deleting(const struct json_object *json)
{
	return kube_json_at(json, "metadata.deletionTimestamp") != NULL;
}

static bool
is_held(const struct json_object *json)
{
	return kube_json_count(kube_json_at(json, "metadata.finalizers")) > 0;
}

bool
kube_delete_is_due(const struct json_object *json)
{
	return is_deleting(json) && !is_held(json) &&
	       kube_json_int(json, "metadata.deletionGracePeriodSeconds", 0) == 0;
}

/* --- what goes together --- */

static struct kube_resource *
builtin(const struct sim_kube *kube, const char *group, const char *plural)
{
	return kube_store_view(kube->store, group, "v1", plural, NULL)->resource;
}

static bool
namespace_is_empty(const struct sim_kube *kube, const char *name)
{
	const struct kube_view *view;
	size_t first, end;

	for (size_t i = 0; (view = kube_store_view_at(kube->store, i)) != NULL; i++) {
		if ((view->resource->flags & KUBE_NAMESPACED) == 0)
			continue;
		kube_read_range(view->resource, name, &first, &end);
		if (first < end)
			return false;
	}
	return true;
}

/* Definitions and namespaces that waited for their contents to go. */
static void
reap(struct sim_kube *kube)
{
	struct kube_resource *crds =
	    builtin(kube, "apiextensions.k8s.io", "customresourcedefinitions");
	struct kube_resource *spaces = builtin(kube, "", "namespaces");

	for (size_t i = crds->len; i-- > 0;) {
		struct kube_object *crd = crds->objects[i];
		const struct kube_resource *defined =
		    kube_custom_resource(kube->store, crd->json);

		if (!is_deleting(crd->json) || (defined != NULL && defined->len > 0))
			continue;
		kube_custom_uninstall(kube->store, crd->json);
		kube_store_remove(kube->store, crds, crd->key);
	}
	for (size_t i = spaces->len; i-- > 0;) {
		struct kube_object *space = spaces->objects[i];

		if (is_deleting(space->json) && namespace_is_empty(kube, space->key))
			kube_store_remove(kube->store, spaces, space->key);
	}
}

void
kube_delete_finish(
    struct sim_kube *kube, struct kube_resource *resource, const char *key)
{
	struct kube_object *object = kube_object_ref(kube_store_find(resource, key));

	if (object == NULL)
		return;
	kube_store_remove(kube->store, resource, object->key);
	if (strcmp(resource->plural, "customresourcedefinitions") == 0)
		kube_custom_uninstall(kube->store, object->json);
	kube_object_unref(object);
	reap(kube);
}

/* --- one object --- */

/* Sets the deletionTimestamp, or shortens the grace of an earlier one. */
static struct kube_object *
mark(struct sim_kube *kube, struct kube_resource *resource, struct kube_object *object,
    int64_t grace_s)
{
	struct json_object *json, *metadata;
	bool again = is_deleting(object->json);

	if (again && grace_s >= kube_json_int(object->json,
				    "metadata.deletionGracePeriodSeconds", 0))
		return object;
	json = kube_json_copy(object->json);
	metadata = kube_json_section(json, "metadata");
	kube_admit_set_time(metadata, "deletionTimestamp", grace_s);
	kube_json_set_int(metadata, "deletionGracePeriodSeconds", grace_s);
	if (!again && (resource->flags & KUBE_GENERATION) != 0)
		kube_json_set_int(metadata, "generation",
		    kube_json_int(metadata, "generation", 0) + 1);
	return kube_store_put(kube->store, resource, json);
}

/* A pod that nobody runs, or that has run to its end, goes without a grace period. */
static int64_t
pod_grace(const struct json_object *pod, int64_t asked_s)
{
	const char *phase = kube_json_text(pod, "status.phase");

	if (kube_json_text(pod, "spec.nodeName")[0] == '\0' ||
	    strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return 0;
	if (asked_s >= 0)
		return asked_s;
	return kube_json_int(
	    pod, "spec.terminationGracePeriodSeconds", KUBE_GRACE_SECONDS);
}

struct kube_object *
kube_delete_object(struct sim_kube *kube, struct kube_resource *resource,
    struct kube_object *object, int64_t grace_s, bool *ret_gone)
{
	int64_t grace = is_pod(resource) ? pod_grace(object->json, grace_s) : 0;

	*ret_gone = false;
	if (is_held(object->json) || is_pod(resource))
		object = mark(kube, resource, object, grace);
	kube_object_ref(object);
	if (is_pod(resource) && grace > 0)
		kube_kubelet_expect(kube->kubelet, object, grace);
	else if (!is_held(object->json))
		*ret_gone = true;
	if (*ret_gone)
		kube_delete_finish(kube, resource, object->key);
	return object;
}

static void
delete_range(struct sim_kube *kube, struct kube_resource *resource, const char *space)
{
	size_t first, end;
	bool gone;

	kube_read_range(resource, space, &first, &end);
	/* from the end: what goes does not move what is still to come */
	for (size_t i = end; i-- > first;)
		kube_object_unref(
		    kube_delete_object(kube, resource, resource->objects[i], 0, &gone));
}

static struct kube_object *
mark_definition(
    struct sim_kube *kube, struct kube_resource *crds, struct kube_object *crd)
{
	struct json_object *json = kube_json_copy(crd->json);
	struct json_object *conditions = kube_json_at(json, "status.conditions");
	struct json_object *finalizers = json_object_new_array();
	struct json_object *condition = kube_json_constant(
	    "{\"type\":\"Terminating\",\"status\":\"True\",\"reason\":"
	    "\"InstanceDeletionInProgress\",\"message\":\"CustomResource deletion is "
	    "in "
	    "progress\"}");

	json_object_array_add(
	    finalizers, json_object_new_string(KUBE_CUSTOM_FINALIZER));
	json_object_object_add(
	    kube_json_section(json, "metadata"), "finalizers", finalizers);
	kube_admit_set_time(condition, "lastTransitionTime", 0);
	if (json_object_is_type(conditions, json_type_array))
		json_object_array_add(conditions, condition);
	else
		json_object_put(condition);
	return mark(kube, crds, kube_store_put(kube->store, crds, json), 0);
}

/* A CRD or a namespace takes its contents along. */
static struct kube_object *
delete_container(struct sim_kube *kube, struct kube_resource *resource,
    struct kube_object *object, bool *ret_gone)
{
	struct kube_resource *defined;
	struct kube_object *last;
	struct kube_view *view;

	*ret_gone = false;
	if (is_deleting(object->json))
		return kube_object_ref(object);
	if (strcmp(resource->plural, "customresourcedefinitions") == 0) {
		last = kube_object_ref(mark_definition(kube, resource, object));
		defined = kube_custom_resource(kube->store, last->json);
		if (defined != NULL)
			delete_range(kube, defined, "");
	} else {
		struct json_object *json = kube_json_copy(object->json);

		kube_json_set_text(
		    kube_json_section(json, "status"), "phase", "Terminating");
		last = kube_object_ref(mark(
		    kube, resource, kube_store_put(kube->store, resource, json), 0));
		for (size_t i = 0; (view = kube_store_view_at(kube->store, i)) != NULL;
		     i++)
			if ((view->resource->flags & KUBE_NAMESPACED) != 0)
				delete_range(kube, view->resource, last->key);
	}
	reap(kube);
	*ret_gone = kube_store_find(resource, last->key) == NULL;
	return last;
}

static bool
is_container(const struct kube_resource *resource)
{
	return strcmp(resource->plural, "customresourcedefinitions") == 0 ||
	       (resource->group[0] == '\0' &&
		   strcmp(resource->plural, "namespaces") == 0);
}

static struct kube_object *
delete_any(struct sim_kube *kube, struct kube_resource *resource,
    struct kube_object *object, int64_t grace_s, bool *ret_gone)
{
	if (is_container(resource) && (resource->flags & KUBE_CUSTOM) == 0)
		return delete_container(kube, resource, object, ret_gone);
	return kube_delete_object(kube, resource, object, grace_s, ret_gone);
}

/* --- requests --- */

void
kube_delete_options_free(struct kube_delete_options *options)
{
	json_object_put(options->body);
}

int
kube_delete_options_read(
    struct kube_delete_options *options, struct kube_call *call, const char *path)
{
	const char *grace = sim_request_query(call->request, "gracePeriodSeconds");
	const struct json_object *json;

	*options = (struct kube_delete_options){-1, "", "", call->dry_run, NULL};
	if (call->request->body_len > 0 && kube_write_body(call, &options->body) < 0)
		return -ECANCELED;
	json = path[0] != '\0' ? kube_json_at(options->body, path) : options->body;
	options->grace_s = kube_json_int(json, "gracePeriodSeconds", -1);
	options->uid = kube_json_text(json, "preconditions.uid");
	options->version = kube_json_text(json, "preconditions.resourceVersion");
	if (kube_json_count(kube_json_member(json, "dryRun")) > 0)
		options->dry_run = true;
	if (grace != NULL)
		options->grace_s = strtoll(grace, NULL, 10);
	return 0;
}

int
kube_delete_check(struct kube_call *call, const struct kube_delete_options *options,
    const struct kube_object *object)
{
	const char *uid = kube_json_text(object->json, "metadata.uid");
	const char *version = kube_json_text(object->json, "metadata.resourceVersion");
	char why[512];

	if (options->uid[0] != '\0' && strcmp(options->uid, uid) != 0) {
		snprintf(why, sizeof why,
		    "the UID in the precondition (%.64s) does not match the UID in "
		    "record "
		    "(%.64s). The object might have been deleted and then recreated",
		    options->uid, uid);
		return kube_fail_conflict(call, call->name, why);
	}
	if (options->version[0] != '\0' && strcmp(options->version, version) != 0) {
		snprintf(why, sizeof why,
		    "the ResourceVersion in the precondition (%.32s) does not match "
		    "the "
		    "ResourceVersion in record (%.32s). The object might have been "
		    "modified",
		    options->version, version);
		return kube_fail_conflict(call, call->name, why);
	}
	return 0;
}

/* {"kind":"Status",…,"status":"Success"} naming what went. */
static void
reply_deleted(struct kube_call *call, const struct kube_object *object)
{
	struct json_object *status = kube_json_constant(
	    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	    "\"status\":\"Success\",\"details\":{}}");
	struct json_object *details = kube_json_member(status, "details");

	kube_json_set_text(details, "name", call->name);
	if (call->view->group[0] != '\0')
		kube_json_set_text(details, "group", call->view->group);
	kube_json_set_text(details, "kind", call->view->resource->plural);
	kube_json_set_text(
	    details, "uid", kube_json_text(object->json, "metadata.uid"));
	kube_reply_json(call, 200, status);
}

void
kube_delete_one(struct kube_call *call)
{
	struct kube_resource *resource = call->view->resource;
	struct kube_object *object = kube_read_find(call);
	struct kube_delete_options options = {.body = NULL};
	bool gone = false;

	if (object == NULL) {
		kube_fail_not_found(call, call->name);
		return;
	}
	if (kube_delete_options_read(&options, call, "") < 0 ||
	    kube_delete_check(call, &options, object) < 0) {
		kube_delete_options_free(&options);
		return;
	}
	if (options.dry_run) {
		object = kube_object_ref(object);
		gone = !is_held(object->json);
	} else {
		object =
		    delete_any(call->kube, resource, object, options.grace_s, &gone);
	}
	if (gone && (resource->flags & KUBE_GIVES_DELETED) == 0)
		reply_deleted(call, object);
	else
		kube_read_show(call, 200, object->json);
	kube_object_unref(object);
	kube_delete_options_free(&options);
}

void
kube_delete_collection(struct kube_call *call)
{
	struct kube_resource *resource = call->view->resource;
	struct kube_delete_options options = {.body = NULL};
	struct kube_selector selector;
	struct json_object *list, *items;
	char version[NAME_MAX_LEN + LABEL_MAX_LEN];
	size_t first, end;
	bool gone;

	if (kube_read_selector(call, &selector) < 0 ||
	    kube_delete_options_read(&options, call, "") < 0)
		goto out;
	list = json_object_new_object();
	items = json_object_new_array();
	kube_read_range(resource, call->space, &first, &end);
	for (size_t i = end; i-- > first;) {
		struct kube_object *object = resource->objects[i];

		if (!kube_selector_matches(&selector, object->json))
			continue;
		if (options.dry_run)
			object = kube_object_ref(object);
		else
			object = delete_any(
			    call->kube, resource, object, options.grace_s, &gone);
		json_object_array_add(
		    items, kube_convert_out(call->view, object->json));
		kube_object_unref(object);
	}
	kube_json_set_text(list, "kind", resource->list_kind);
	kube_convert_version(call->view, version, sizeof version);
	kube_json_set_text(list, "apiVersion", version);
	json_object_object_add(list, "metadata", json_object_new_object());
	json_object_object_add(list, "items", items);
	kube_reply_json(call, 200, list);
out:
	kube_selector_free(&selector);
	kube_delete_options_free(&options);
}
