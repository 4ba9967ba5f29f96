#include "kube_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kube_admit.h"
#include "kube_convert.h"
#include "kube_custom.h"
#include "kube_delete.h"
#include "kube_json.h"
#include "kube_managed.h"
#include "kube_patch.h"
#include "kube_read.h"
#include "kube_status.h"
#include "log.h"

static bool
is_definition(const struct kube_resource *resource)
{
	return strcmp(resource->plural, "customresourcedefinitions") == 0;
}

struct kube_object *
kube_change_store(
    struct sim_kube *kube, struct kube_resource *resource, struct json_object *json)
{
	struct kube_object *object;

	if (kube->managed_fields && strcmp(resource->plural, "configmaps") == 0)
		kube_managed_write(json);
	object = kube_store_put(kube->store, resource, json);
	if (is_definition(resource)) {
		int rc = kube_custom_install(kube->store, object->json);

		if (rc < 0)
			log_error("crd_not_installed", LOG_S("crd", object->key),
			    LOG_N("errno", -rc));
	}
	return object;
}

/* Copies a member of one object to another, or takes it away there. */
static void
carry_over(const struct json_object *from, struct json_object *to, const char *key)
{
	struct json_object *value = kube_json_member(from, key);

	if (value != NULL)
		kube_json_set(to, key, value);
	else
		json_object_object_del(to, key);
}

/* What a client cannot change. */
static void
keep_identity(const struct json_object *seen, struct json_object *json)
{
	static const char *const kept[] = {"name", "namespace", "generateName", "uid",
	    "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
	    "generation", "resourceVersion", "selfLink", "managedFields"};
	const struct json_object *from = kube_json_member(seen, "metadata");
	struct json_object *to = kube_json_section(json, "metadata");

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		carry_over(from, to, kept[i]);
}

static int
check_versions(struct kube_call *call, const struct json_object *seen,
    const struct json_object *json)
{
	const char *uid = kube_json_text(json, "metadata.uid");
	const char *version = kube_json_text(json, "metadata.resourceVersion");
	const char *is_uid = kube_json_text(seen, "metadata.uid");
	char why[512];

	if (uid[0] != '\0' && strcmp(uid, is_uid) != 0) {
		snprintf(why, sizeof why,
		    "StorageError: invalid object, Code: 4, Key: "
		    "/registry/%.64s/%.128s, "
		    "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID "
		    "in "
		    "precondition: %.64s, UID in object meta: %.64s",
		    call->view->resource->plural, call->name, uid, is_uid);
		return kube_fail_conflict(call, call->name, why);
	}
	if (version[0] != '\0' &&
	    strcmp(version, kube_json_text(seen, "metadata.resourceVersion")) != 0)
		return kube_fail_conflict(call, call->name, NULL);
	return 0;
}

/* The part of `json` that this request may write, on top of the rest of `seen`; takes
 * over `json`. */
static struct json_object *
writable_part(
    const struct kube_call *call, struct json_object *seen, struct json_object *json)
{
	const struct kube_resource *resource = call->view->resource;
	struct json_object *merged;

	if (strcmp(call->subresource, "status") != 0) {
		if ((resource->flags & KUBE_STATUS) != 0)
			carry_over(seen, json, "status");
		return json;
	}
	merged = kube_json_copy(seen);
	carry_over(json, merged, "status");
	if ((resource->flags & KUBE_CUSTOM) == 0)
		carry_over(json, merged, "metadata");
	json_object_put(json);
	return merged;
}

static bool
list_has(const struct json_object *list, struct json_object *value)
{
	for (size_t i = 0; i < kube_json_count(list); i++)
		if (json_object_equal(json_object_array_get_idx(list, i), value))
			return true;
	return false;
}

/* Nothing can hold back an object that is already going. */
static int
check_finalizers(struct kube_call *call, const struct json_object *seen,
    const struct json_object *json)
{
	struct json_object *before = kube_json_at(seen, "metadata.finalizers");
	struct json_object *now = kube_json_at(json, "metadata.finalizers");
	struct kube_causes causes = {.len = 0};
	int rc = 0;

	if (kube_json_at(seen, "metadata.deletionTimestamp") == NULL)
		return 0;
	for (size_t i = 0; i < kube_json_count(now); i++) {
		struct json_object *each = json_object_array_get_idx(now, i);

		if (!list_has(before, each))
			kube_causes_add(&causes, "FieldValueForbidden",
			    "metadata.finalizers",
			    "Forbidden: no new finalizers can be added if the object "
			    "is "
			    "being deleted, found new finalizers []string{\"%s\"}",
			    json_object_get_string(each));
	}
	if (causes.len > 0)
		rc = kube_fail_invalid(call, call->name, &causes);
	kube_causes_free(&causes);
	return rc;
}

/* True when everything but metadata (and the status, where it is apart) is the same. */
static bool
same_spec(const struct kube_resource *resource, const struct json_object *old,
    const struct json_object *json)
{
	bool status_apart = (resource->flags & KUBE_STATUS) != 0;

	for (int turn = 0; turn < 2; turn++) {
		const struct json_object *a = turn == 0 ? old : json;
		const struct json_object *b = turn == 0 ? json : old;

		for (const struct lh_entry *at = kube_json_first(a); at != NULL;
		     at = at->next) {
			const char *key = kube_json_key(at);

			if (strcmp(key, "metadata") == 0 ||
			    (status_apart && strcmp(key, "status") == 0))
				continue;
			if (!json_object_equal(
				kube_json_value(at), kube_json_member(b, key)))
				return false;
		}
	}
	return true;
}

void
kube_change_count(const struct kube_resource *resource, const struct json_object *old,
    struct json_object *json)
{
	int64_t generation = kube_json_int(old, "metadata.generation", 0);

	if ((resource->flags & KUBE_GENERATION) != 0)
		kube_json_set_int(kube_json_section(json, "metadata"), "generation",
		    generation + !same_spec(resource, old, json));
}

/* Stores what has become of `seen` and answers with it. */
static void
commit(struct kube_call *call, struct json_object *seen, struct json_object *json)
{
	struct kube_resource *resource = call->view->resource;
	struct kube_object *object;
	char key[KUBE_KEY_MAX];

	/* a write that changes nothing makes no version and no event */
	bool same = json_object_equal(seen, json);

	json = kube_convert_in(call->view, json);
	kube_admit_defaults(resource, json);
	if (same || call->dry_run) {
		kube_read_show(call, 200, json);
		json_object_put(json);
		return;
	}
	if (kube_delete_is_due(json)) {
		/* the last finalizer went: watches see the state without it */
		kube_read_show(call, 200, json);
		object = kube_store_put(call->kube->store, resource, json);
		snprintf(key, sizeof key, "%s", object->key);
		kube_delete_finish(call->kube, resource, key);
		return;
	}
	object = kube_change_store(call->kube, resource, json);
	kube_read_show(call, 200, object->json);
}

void
kube_change_apply(
    struct kube_call *call, struct kube_object *old, struct json_object *json)
{
	const struct kube_resource *resource = call->view->resource;
	struct json_object *seen = kube_convert_out(call->view, old->json);
	int rc = check_versions(call, seen, json);

	if (rc == 0) {
		json = writable_part(call, seen, json);
		keep_identity(seen, json);
		if (is_definition(resource))
			kube_custom_complete(json);
		rc = check_finalizers(call, seen, json);
	}
	if (rc == 0)
		rc = kube_admit_object(call, json);
	if (rc == 0) {
		kube_change_count(resource, seen, json);
		commit(call, seen, json);
	} else {
		json_object_put(json);
	}
	json_object_put(seen);
}

/* Gives what an administrator left out: an identity, an age, what was there before. */
void
kube_change_put(
    struct sim_kube *kube, const struct kube_view *view, struct json_object *json)
{
	struct kube_resource *resource = view->resource;
	struct json_object *given, *metadata;
	const struct kube_object *old;
	char key[KUBE_KEY_MAX];

	kube_admit_name(json);
	json = kube_convert_in(view, json);
	metadata = kube_json_section(json, "metadata");
	given = kube_json_copy(metadata);
	kube_admit_stamp(resource, json);
	kube_admit_defaults(resource, json);
	kube_store_key((resource->flags & KUBE_NAMESPACED) != 0
			   ? kube_json_text(metadata, "namespace")
			   : "",
	    kube_json_text(metadata, "name"), key, sizeof key);
	old = kube_store_find(resource, key);
	if (old != NULL) {
		carry_over(kube_json_member(old->json, "metadata"), metadata, "uid");
		carry_over(kube_json_member(old->json, "metadata"), metadata,
		    "creationTimestamp");
		kube_change_count(resource, old->json, json);
	}
	json_object_object_del(given, "resourceVersion");
	kube_patch_merge(metadata, given);
	json_object_put(given);
	if (is_definition(resource))
		kube_custom_complete(json);
	kube_custom_read(view, json);
	kube_change_store(kube, resource, json);
}
