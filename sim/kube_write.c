#include "kube_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bounds.h"
#include "kube_admit.h"
#include "kube_change.h"
#include "kube_check.h"
#include "kube_convert.h"
#include "kube_custom.h"
#include "kube_json.h"
#include "kube_patch.h"
#include "kube_proto.h"
#include "kube_read.h"
#include "kube_status.h"

/* A media type without its parameters. */
static bool
media_type_is(const char *header, const char *type)
{
	size_t len = strcspn(header, "; ");

	return len == strlen(type) && strncasecmp(header, type, len) == 0;
}

static int
read_protobuf(struct kube_call *call, struct json_object **ret_json)
{
	int rc =
	    kube_proto_read(call->request->body, call->request->body_len, ret_json);

	if (rc == -ENOTSUP)
		return kube_fail(call, 415, "UnsupportedMediaType", NULL,
		    "the body of the request was in an unknown format - accepted media "
		    "types include: application/json");
	if (rc < 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "the object provided is unrecognized (must be of type %s): "
		    "provided "
		    "data does not appear to be a protobuf message",
		    call->view->resource->kind);
	return 0;
}

int
kube_write_body(struct kube_call *call, struct json_object **ret_json)
{
	const char *type = sim_request_header(call->request, "Content-Type");
	struct json_object *json;
	char error[128];

	type = type != NULL ? type : "";
	if (media_type_is(type, KUBE_PROTO_TYPE))
		return read_protobuf(call, ret_json);
	if (type[0] != '\0' && !media_type_is(type, "application/json"))
		return kube_fail(call, 415, "UnsupportedMediaType", NULL,
		    "the body of the request was in an unknown format - accepted media "
		    "types include: application/json, " KUBE_PROTO_TYPE);
	json = kube_json_parse(
	    call->request->body, call->request->body_len, error, sizeof error);
	if (json == NULL)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "the object provided is unrecognized (must be of type %s): "
		    "couldn't "
		    "get version/kind; json parse error: %s (%.64s)",
		    call->view->resource->kind, error, call->request->body);
	if (json_object_is_type(json, json_type_object)) {
		*ret_json = json;
		return 0;
	}
	json_object_put(json);
	return kube_fail(call, 400, "BadRequest", NULL,
	    "the object provided is unrecognized (must be of type %s): couldn't get "
	    "version/kind; json parse error: json: cannot unmarshal into Go value",
	    call->view->resource->kind);
}

/* kind and apiVersion are those of the path. */
static int
check_kind(struct kube_call *call, const struct json_object *json)
{
	const char *kind = kube_json_text(json, "kind");
	const char *version = kube_json_text(json, "apiVersion");
	char expected[NAME_MAX_LEN + LABEL_MAX_LEN];

	kube_convert_version(call->view, expected, sizeof expected);
	if (kind[0] == '\0')
		return kube_fail(call, 400, "BadRequest", NULL,
		    "Object 'Kind' is missing in '%.256s'", call->request->body);
	if (strcmp(version, expected) != 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "the API version in the data (%.256s) does not match the expected "
		    "API "
		    "version (%s)",
		    version, expected);
	if (strcmp(kind, call->view->resource->kind) != 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "%.128s in version \"%s\" cannot be handled as a %s: kind does not "
		    "match",
		    kind, call->view->version, call->view->resource->kind);
	return 0;
}

/* The object's namespace is that of the path. */
static int
check_namespace(struct kube_call *call, struct json_object *json)
{
	struct json_object *metadata = kube_json_section(json, "metadata");
	const char *given = kube_json_text(metadata, "namespace");

	if ((call->view->resource->flags & KUBE_NAMESPACED) == 0) {
		json_object_object_del(metadata, "namespace");
		return 0;
	}
	if (given[0] != '\0' && strcmp(given, call->space) != 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "the namespace of the provided object does not match the namespace "
		    "sent on the request");
	kube_json_set_text(metadata, "namespace", call->space);
	return 0;
}

/* Where something is to be created has to exist and to stay. */
static int
check_place(struct kube_call *call, const struct json_object *json)
{
	const struct kube_view *spaces =
	    kube_store_view(call->kube->store, "", "v1", "namespaces", NULL);
	const struct kube_object *space;
	struct json_object *details;

	if ((call->view->resource->flags & KUBE_NAMESPACED) == 0)
		return 0;
	space = kube_store_find(spaces->resource, call->space);
	if (space == NULL) {
		details = json_object_new_object();
		kube_json_set_text(details, "name", call->space);
		kube_json_set_text(details, "kind", "namespaces");
		return kube_fail(call, 404, "NotFound", details,
		    "namespaces \"%s\" not found", call->space);
	}
	if (kube_json_at(space->json, "metadata.deletionTimestamp") == NULL)
		return 0;
	details =
	    kube_json_constant("{\"causes\":[{\"reason\":\"NamespaceTerminating\","
			       "\"message\":\"namespace is being terminated\","
			       "\"field\":\"metadata.namespace\"}]}");
	kube_json_set_text(details, "kind", call->view->resource->plural);
	return kube_fail(call, 403, "Forbidden", details,
	    "%s \"%s\" is forbidden: unable to create new content in namespace %s "
	    "because "
	    "it is being terminated",
	    call->view->resource->plural, kube_json_text(json, "metadata.name"),
	    call->space);
}

/* Nothing new of a kind whose definition is going. */
static int
check_definition(struct kube_call *call)
{
	const struct kube_view *view = kube_store_view(call->kube->store,
	    "apiextensions.k8s.io", "v1", "customresourcedefinitions", NULL);
	const struct kube_resource *resource = call->view->resource;
	const struct kube_object *crd;
	char key[KUBE_KEY_MAX];

	if ((resource->flags & KUBE_CUSTOM) == 0)
		return 0;
	snprintf(key, sizeof key, "%s.%s", resource->plural, resource->group);
	crd = kube_store_find(view->resource, key);
	if (crd == NULL ||
	    kube_json_at(crd->json, "metadata.deletionTimestamp") == NULL)
		return 0;
	return kube_fail(call, 405, "MethodNotAllowed", NULL,
	    "create not allowed while custom resource definition is terminating");
}

static void
drop_status(const struct kube_resource *resource, struct json_object *json)
{
	if ((resource->flags & KUBE_STATUS) != 0 &&
	    (resource->flags & KUBE_KEEPS_STATUS) == 0)
		json_object_object_del(json, "status");
}

static void
complete(const struct kube_view *view, struct json_object *json)
{
	/* an event of the new API is filled in once it has the stored form */
	if (!kube_convert_needed(view))
		kube_admit_defaults(view->resource, json);
	if (strcmp(view->resource->plural, "customresourcedefinitions") == 0)
		kube_custom_complete(json);
}

/* Everything up to the point where the object could be stored. */
static int
prepare(struct kube_call *call, struct json_object *json)
{
	int rc = check_kind(call, json);

	if (rc == 0)
		rc = check_namespace(call, json);
	if (rc == 0)
		rc = check_place(call, json);
	if (rc == 0)
		rc = check_definition(call);
	if (rc < 0)
		return rc;
	kube_admit_name(json);
	kube_admit_stamp(call->view->resource, json);
	drop_status(call->view->resource, json);
	complete(call->view, json);
	return kube_admit_object(call, json);
}

void
kube_write_create(struct kube_call *call)
{
	struct kube_resource *resource = call->view->resource;
	struct json_object *json = NULL;
	struct kube_object *object;

	if (kube_write_body(call, &json) < 0)
		return;
	if (prepare(call, json) < 0) {
		json_object_put(json);
		return;
	}
	snprintf(
	    call->name, sizeof call->name, "%s", kube_json_text(json, "metadata.name"));
	json = kube_convert_in(call->view, json);
	kube_admit_defaults(resource, json);
	if (kube_read_find(call) != NULL) {
		kube_fail_exists(call, call->name);
		json_object_put(json);
		return;
	}
	if (call->dry_run) {
		kube_read_show(call, 201, json);
		json_object_put(json);
		return;
	}
	object = kube_change_store(call->kube, resource, json);
	kube_read_show(call, 201, object->json);
}

static int
check_body_identity(struct kube_call *call, struct json_object *json)
{
	const char *name = kube_json_text(json, "metadata.name");
	int rc = check_kind(call, json);

	if (rc == 0)
		rc = check_namespace(call, json);
	if (rc == 0 && strcmp(name, call->name) != 0)
		rc = kube_fail(call, 400, "BadRequest", NULL,
		    "the name of the object (%.254s) does not match the name on the "
		    "URL "
		    "(%s)",
		    name, call->name);
	return rc;
}

/* Some kinds are only replaced by who says which version he has seen. */
static int
check_conditional(struct kube_call *call, const struct json_object *json)
{
	struct kube_causes causes = {.len = 0};
	int rc;

	if (kube_json_text(json, "metadata.resourceVersion")[0] != '\0' ||
	    (call->view->resource->flags & KUBE_UNCONDITIONAL) != 0)
		return 0;
	kube_causes_add(&causes, "FieldValueInvalid", "metadata.resourceVersion",
	    "Invalid value: 0: must be specified for an update");
	rc = kube_fail_invalid(call, call->name, &causes);
	kube_causes_free(&causes);
	return rc;
}

void
kube_write_update(struct kube_call *call)
{
	struct kube_object *old = kube_read_find(call);
	struct json_object *json = NULL;

	if (kube_write_body(call, &json) < 0)
		return;
	if (check_body_identity(call, json) < 0 || kube_check_types(call, json) < 0 ||
	    check_conditional(call, json) < 0) {
		json_object_put(json);
		return;
	}
	if (old == NULL) {
		kube_fail_not_found(call, call->name);
		json_object_put(json);
		return;
	}
	kube_change_apply(call, old, json);
}

static int
refuse_patch_type(struct kube_call *call)
{
	if ((call->view->resource->flags & KUBE_CUSTOM) != 0)
		return kube_fail(call, 415, "UnsupportedMediaType", NULL,
		    "the body of the request was in an unknown format - accepted media "
		    "types include: application/json-patch+json, "
		    "application/merge-patch+json, application/apply-patch+yaml");
	return kube_fail(call, 415, "UnsupportedMediaType", json_object_new_object(),
	    "415: Unsupported Media Type");
}

static int
apply_json_patch(
    struct kube_call *call, struct json_object *json, const struct json_object *patch)
{
	char error[256];
	int rc = kube_patch_json(json, patch, error, sizeof error);

	if (rc == -EINVAL)
		return kube_fail(
		    call, 400, "BadRequest", NULL, "error decoding patch: %s", error);
	if (rc < 0)
		return kube_fail(call, 422, "Invalid", json_object_new_object(),
		    "the server rejected our request due to an error in our request");
	return 0;
}

/* Applies the body, of whatever kind of patch, to `json`. */
static int
apply_body(struct kube_call *call, struct json_object *json)
{
	const char *type = sim_request_header(call->request, "Content-Type");
	bool custom = (call->view->resource->flags & KUBE_CUSTOM) != 0;
	bool by_operations, strategic, merge;
	struct json_object *patch;
	char error[128];
	int rc = 0;

	type = type != NULL ? type : "";
	by_operations = media_type_is(type, "application/json-patch+json");
	merge = media_type_is(type, "application/merge-patch+json");
	strategic =
	    !custom && media_type_is(type, "application/strategic-merge-patch+json");
	if (!by_operations && !merge && !strategic)
		return refuse_patch_type(call);
	patch = kube_json_parse(
	    call->request->body, call->request->body_len, error, sizeof error);
	if (patch == NULL)
		return kube_fail(
		    call, 400, "BadRequest", NULL, "error decoding patch: %s", error);
	if (by_operations)
		rc = apply_json_patch(call, json, patch);
	else if (!json_object_is_type(patch, json_type_object))
		rc = kube_fail(call, 400, "BadRequest", NULL,
		    "error decoding patch: json: cannot unmarshal into Go value of "
		    "type "
		    "map[string]interface {}");
	else if (merge)
		kube_patch_merge(json, patch);
	else
		kube_patch_strategic(json, patch);
	json_object_put(patch);
	return rc;
}

void
kube_write_patch(struct kube_call *call)
{
	struct kube_object *old = kube_read_find(call);
	struct json_object *seen, *json;

	if (old == NULL) {
		kube_fail_not_found(call, call->name);
		return;
	}
	seen = kube_convert_out(call->view, old->json);
	json = kube_json_copy(seen);
	json_object_put(seen);
	if (apply_body(call, json) < 0 || check_body_identity(call, json) < 0) {
		json_object_put(json);
		return;
	}
	kube_change_apply(call, old, json);
}
