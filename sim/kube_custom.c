#include "kube_custom.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "kube_admit.h"
#include "kube_json.h"
#include "kube_schema.h"

/* Longest list of short names, with commas between. */
#define SHORT_NAMES_MAX 256u

static struct json_object *
version_at(const struct json_object *crd, size_t index)
{
	struct json_object *versions = kube_json_at(crd, "spec.versions");

	return index < kube_json_count(versions)
		   ? json_object_array_get_idx(versions, index)
		   : NULL;
}

static struct json_object *
storage_version(const struct json_object *crd)
{
	struct json_object *version;

	for (size_t i = 0; (version = version_at(crd, i)) != NULL; i++)
		if (kube_json_true(version, "storage"))
			return version;
	return NULL;
}

void
kube_custom_check(const struct json_object *crd, struct kube_causes *causes)
{
	static const char *const required[] = {
	    "spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"};
	const char *name = kube_json_text(crd, "metadata.name");
	struct json_object *version;
	char expected[NAME_MAX_LEN + NAME_MAX_LEN];

	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if (kube_json_text(crd, required[i])[0] == '\0')
			kube_causes_add(causes, "FieldValueRequired", required[i],
			    "Required value");
	snprintf(expected, sizeof expected, "%.250s.%.250s",
	    kube_json_text(crd, "spec.names.plural"),
	    kube_json_text(crd, "spec.group"));
	if (strcmp(name, expected) != 0)
		kube_causes_add(causes, "FieldValueInvalid", "metadata.name",
		    "Invalid value: \"%s\": must be spec.names.plural+\".\"+spec.group",
		    name);
	if (storage_version(crd) == NULL)
		kube_causes_add(causes, "FieldValueInvalid", "spec.versions",
		    "Invalid value: \"\": must have exactly one version marked as "
		    "storage "
		    "version");
	for (size_t i = 0; (version = version_at(crd, i)) != NULL; i++) {
		char field[64];

		snprintf(field, sizeof field,
		    "spec.versions[%zu].schema.openAPIV3Schema", i);
		if (kube_json_at(version, "schema.openAPIV3Schema") == NULL)
			kube_causes_add(causes, "FieldValueRequired", field,
			    "Required value: schemas are required");
	}
}

static void
complete_names(struct json_object *crd)
{
	struct json_object *names =
	    kube_json_section(kube_json_section(crd, "spec"), "names");
	char text[NAME_MAX_LEN + 8];

	snprintf(text, sizeof text, "%.250s", kube_json_text(names, "kind"));
	for (char *at = text; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	if (kube_json_text(names, "singular")[0] == '\0')
		kube_json_set_text(names, "singular", text);
	snprintf(text, sizeof text, "%.250sList", kube_json_text(names, "kind"));
	if (kube_json_text(names, "listKind")[0] == '\0')
		kube_json_set_text(names, "listKind", text);
}

static void
add_condition(
    struct json_object *list, const char *type, const char *reason, const char *message)
{
	struct json_object *condition = json_object_new_object();

	kube_json_set_text(condition, "type", type);
	kube_json_set_text(condition, "status", "True");
	kube_admit_set_time(condition, "lastTransitionTime", 0);
	kube_json_set_text(condition, "reason", reason);
	kube_json_set_text(condition, "message", message);
	json_object_array_add(list, condition);
}

void
kube_custom_complete(struct json_object *crd)
{
	struct json_object *spec = kube_json_section(crd, "spec");
	struct json_object *status = kube_json_section(crd, "status");
	struct json_object *conditions = kube_json_member(status, "conditions");
	struct json_object *stored;

	complete_names(crd);
	if (kube_json_member(spec, "conversion") == NULL)
		kube_json_set_text(
		    kube_json_section(spec, "conversion"), "strategy", "None");
	if (kube_json_count(conditions) == 0) {
		conditions = json_object_new_array();
		json_object_object_add(status, "conditions", conditions);
		add_condition(
		    conditions, "NamesAccepted", "NoConflicts", "no conflicts found");
		add_condition(conditions, "Established", "InitialNamesAccepted",
		    "the initial names have been accepted");
	}
	kube_json_set(status, "acceptedNames", kube_json_member(spec, "names"));
	stored = json_object_new_array();
	json_object_array_add(stored,
	    json_object_new_string(kube_json_text(storage_version(crd), "name")));
	json_object_object_add(status, "storedVersions", stored);
}

struct kube_resource *
kube_custom_resource(const struct kube_store *store, const struct json_object *crd)
{
	const char *group = kube_json_text(crd, "spec.group");
	const char *plural = kube_json_text(crd, "spec.names.plural");
	struct kube_view *view;

	for (size_t i = 0; (view = kube_store_view_at(store, i)) != NULL; i++) {
		struct kube_resource *resource = view->resource;

		if ((resource->flags & KUBE_CUSTOM) != 0 && !resource->gone &&
		    strcmp(resource->group, group) == 0 &&
		    strcmp(resource->plural, plural) == 0)
			return resource;
	}
	return NULL;
}

static void
join_short_names(const struct json_object *crd, char *out, size_t out_size)
{
	struct json_object *names = kube_json_at(crd, "spec.names.shortNames");
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < kube_json_count(names); i++) {
		int wrote =
		    snprintf(out + len, out_size - len, "%s%.60s", i > 0 ? "," : "",
			json_object_get_string(json_object_array_get_idx(names, i)));

		if (wrote < 0 || (size_t)wrote >= out_size - len) {
			out[len] = '\0';
			return;
		}
		len += (size_t)wrote;
	}
}

static unsigned
resource_flags(const struct json_object *crd)
{
	unsigned flags = KUBE_CUSTOM | KUBE_GENERATION;

	if (strcmp(kube_json_text(crd, "spec.scope"), "Namespaced") == 0)
		flags |= KUBE_NAMESPACED;
	if (kube_json_at(storage_version(crd), "subresources.status") != NULL)
		flags |= KUBE_STATUS;
	return flags;
}

static struct kube_resource *
add_resource(struct kube_store *store, const struct json_object *crd)
{
	char short_names[SHORT_NAMES_MAX];
	struct kube_names names = {
	    .group = kube_json_text(crd, "spec.group"),
	    .version = kube_json_text(storage_version(crd), "name"),
	    .plural = kube_json_text(crd, "spec.names.plural"),
	    .singular = kube_json_text(crd, "spec.names.singular"),
	    .kind = kube_json_text(crd, "spec.names.kind"),
	    .list_kind = kube_json_text(crd, "spec.names.listKind"),
	    .short_names = short_names,
	};

	join_short_names(crd, short_names, sizeof short_names);
	return kube_store_add_resource(store, &names, resource_flags(crd));
}

/* The view of one version, served or not. */
static struct kube_view *
find_view(const struct kube_store *store, const struct kube_resource *resource,
    const char *version)
{
	struct kube_view *view;

	for (size_t i = 0; (view = kube_store_view_at(store, i)) != NULL; i++)
		if (view->resource == resource && strcmp(view->version, version) == 0)
			return view;
	return NULL;
}

static int
install_version(struct kube_store *store, struct kube_resource *resource,
    const struct json_object *version)
{
	const char *name = kube_json_text(version, "name");
	struct kube_view *view = find_view(store, resource, name);

	if (view == NULL)
		view = kube_store_add_view(store, resource, resource->group, name);
	if (view == NULL)
		return -ENOSPC;
	json_object_put(view->schema);
	json_object_put(view->columns);
	json_object_put(view->selectable);
	view->schema = json_object_get(kube_json_at(version, "schema.openAPIV3Schema"));
	view->columns =
	    json_object_get(kube_json_at(version, "additionalPrinterColumns"));
	view->selectable = json_object_get(kube_json_at(version, "selectableFields"));
	view->served = kube_json_true(version, "served");
	return 0;
}

void
kube_custom_read(const struct kube_view *view, struct json_object *json)
{
	kube_schema_prune(view->schema, json, NULL);
	kube_schema_default(view->schema, json);
}

static void
reread_all(const struct kube_store *store, struct kube_resource *resource)
{
	const struct kube_view *view = find_view(store, resource, resource->version);

	for (size_t i = 0; view != NULL && i < resource->len; i++) {
		struct json_object *json = kube_json_copy(resource->objects[i]->json);

		kube_custom_read(view, json);
		kube_store_reread(resource, i, json);
	}
}

int
kube_custom_install(struct kube_store *store, const struct json_object *crd)
{
	struct kube_resource *resource = kube_custom_resource(store, crd);
	struct json_object *version;
	struct kube_view *view;

	if (resource == NULL)
		resource = add_resource(store, crd);
	if (resource == NULL)
		return -ENOSPC;
	resource->flags = resource_flags(crd);
	for (size_t i = 0; (view = kube_store_view_at(store, i)) != NULL; i++)
		if (view->resource == resource)
			view->served = false;
	for (size_t i = 0; (version = version_at(crd, i)) != NULL; i++) {
		int rc = install_version(store, resource, version);

		if (rc < 0)
			return rc;
	}
	reread_all(store, resource);
	return 0;
}

void
kube_custom_uninstall(struct kube_store *store, const struct json_object *crd)
{
	struct kube_resource *resource = kube_custom_resource(store, crd);
	struct kube_view *view;

	if (resource == NULL)
		return;
	resource->gone = true;
	for (size_t i = 0; (view = kube_store_view_at(store, i)) != NULL; i++)
		if (view->resource == resource)
			view->served = false;
}
