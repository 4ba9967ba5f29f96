#include "kube_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kube_json.h"
#include "mem.h"

/* Longest text of a cell that is put together. */
#define CELL_MAX 4096u
/* Columns of a built-in kind. */
#define COLUMNS_MAX 10u

#define NAME_DESCRIPTION                                                               \
	"Name must be unique within a namespace. Is required when creating "           \
	"resources, "                                                                  \
	"although some resources may allow a client to request the generation of an "  \
	"appropriate name automatically. Name is primarily intended for creation "     \
	"idempotence and configuration definition. Cannot be updated. More info: "     \
	"https://kubernetes.io/docs/concepts/overview/working-with-objects/"           \
	"names#names"

struct column {
	const char *name;
	const char *type;
	int priority;
};

/* Adds the cells of one object, as many as there are columns. */
typedef void cells_fn(struct json_object *cells, struct json_object *json);

struct layout {
	const char *plural;
	cells_fn *cells;
	struct column columns[COLUMNS_MAX];
};

static void
add_text(struct json_object *cells, const char *text)
{
	json_object_array_add(cells, json_object_new_string(text));
}

static void
add_field(struct json_object *cells, const struct json_object *json, const char *path,
    const char *otherwise)
{
	const char *text = kube_json_text(json, path);

	add_text(cells, text[0] != '\0' ? text : otherwise);
}

static void
add_age(struct json_object *cells, const struct json_object *json)
{
	char age[32];

	kube_column_age(
	    kube_json_text(json, "metadata.creationTimestamp"), age, sizeof age);
	add_text(cells, age);
}

static void
add_count(struct json_object *cells, const struct json_object *json, const char *path)
{
	json_object_array_add(
	    cells, json_object_new_int64(kube_json_int(json, path, 0)));
}

static struct json_object *
find_condition(const struct json_object *json, const char *type)
{
	struct json_object *conditions = kube_json_at(json, "status.conditions");

	for (size_t i = 0; i < kube_json_count(conditions); i++) {
		struct json_object *each = json_object_array_get_idx(conditions, i);

		if (strcmp(kube_json_text(each, "type"), type) == 0)
			return each;
	}
	return NULL;
}

static void
add_node_roles(struct json_object *cells, const struct json_object *json)
{
	static const char prefix[] = "node-role.kubernetes.io/";
	struct json_object *labels = kube_json_at(json, "metadata.labels");
	struct buf roles;

	buf_init(&roles, CELL_MAX);
	for (const struct lh_entry *at = kube_json_first(labels); at != NULL;
	     at = at->next)
		if (strncmp(kube_json_key(at), prefix, sizeof prefix - 1) == 0)
			buf_printf(&roles, "%s%s", roles.len > 0 ? "," : "",
			    kube_json_key(at) + sizeof prefix - 1);
	add_text(cells, roles.len > 0 ? roles.data : "<none>");
	buf_free(&roles);
}

static void
add_node_address(
    struct json_object *cells, const struct json_object *json, const char *type)
{
	struct json_object *addresses = kube_json_at(json, "status.addresses");

	for (size_t i = 0; i < kube_json_count(addresses); i++) {
		struct json_object *each = json_object_array_get_idx(addresses, i);

		if (strcmp(kube_json_text(each, "type"), type) != 0)
			continue;
		add_field(cells, each, "address", "<none>");
		return;
	}
	add_text(cells, "<none>");
}

static void
node_cells(struct json_object *cells, struct json_object *json)
{
	const char *ready = kube_json_text(find_condition(json, "Ready"), "status");
	char status[64];

	snprintf(status, sizeof status, "%s%s",
	    ready[0] == '\0'		 ? "Unknown"
	    : strcmp(ready, "True") == 0 ? "Ready"
					 : "NotReady",
	    kube_json_true(json, "spec.unschedulable") ? ",SchedulingDisabled" : "");
	add_field(cells, json, "metadata.name", "");
	add_text(cells, status);
	add_node_roles(cells, json);
	add_age(cells, json);
	add_field(cells, json, "status.nodeInfo.kubeletVersion", "");
	add_node_address(cells, json, "InternalIP");
	add_node_address(cells, json, "ExternalIP");
	add_field(cells, json, "status.nodeInfo.osImage", "<unknown>");
	add_field(cells, json, "status.nodeInfo.kernelVersion", "<unknown>");
	add_field(cells, json, "status.nodeInfo.containerRuntimeVersion", "<unknown>");
}

/* Ready containers and restarts by the containers' statuses. */
static void
count_containers(
    const struct json_object *json, size_t *ret_ready, int64_t *ret_restarts)
{
	struct json_object *statuses = kube_json_at(json, "status.containerStatuses");

	*ret_ready = 0;
	*ret_restarts = 0;
	for (size_t i = 0; i < kube_json_count(statuses); i++) {
		struct json_object *each = json_object_array_get_idx(statuses, i);

		*ret_ready += kube_json_true(each, "ready");
		*ret_restarts += kube_json_int(each, "restartCount", 0);
	}
}

static void
pod_cells(struct json_object *cells, struct json_object *json)
{
	const char *reason = kube_json_text(json, "status.reason");
	char ready_text[48];
	int64_t restarts;
	size_t ready;

	count_containers(json, &ready, &restarts);
	snprintf(ready_text, sizeof ready_text, "%zu/%zu", ready,
	    kube_json_count(kube_json_at(json, "spec.containers")));
	add_field(cells, json, "metadata.name", "");
	add_text(cells, ready_text);
	if (kube_json_at(json, "metadata.deletionTimestamp") != NULL)
		add_text(cells, "Terminating");
	else if (reason[0] != '\0')
		add_text(cells, reason);
	else
		add_field(cells, json, "status.phase", "Unknown");
	json_object_array_add(cells, json_object_new_int64(restarts));
	add_age(cells, json);
	add_field(cells, json, "status.podIP", "<none>");
	add_field(cells, json, "spec.nodeName", "<none>");
	add_field(cells, json, "status.nominatedNodeName", "<none>");
	add_text(cells, "<none>");
}

static void
namespace_cells(struct json_object *cells, struct json_object *json)
{
	add_field(cells, json, "metadata.name", "");
	add_field(cells, json, "status.phase", "");
	add_age(cells, json);
}

static void
lease_cells(struct json_object *cells, struct json_object *json)
{
	add_field(cells, json, "metadata.name", "");
	add_field(cells, json, "spec.holderIdentity", "");
	add_age(cells, json);
}

static void
configmap_cells(struct json_object *cells, struct json_object *json)
{
	size_t count = kube_json_count(kube_json_member(json, "data")) +
		       kube_json_count(kube_json_member(json, "binaryData"));

	add_field(cells, json, "metadata.name", "");
	json_object_array_add(cells, json_object_new_int64((int64_t)count));
	add_age(cells, json);
}

static void
crd_cells(struct json_object *cells, struct json_object *json)
{
	add_field(cells, json, "metadata.name", "");
	add_field(cells, json, "metadata.creationTimestamp", "");
}

static void
deployment_cells(struct json_object *cells, struct json_object *json)
{
	char ready[64];

	snprintf(ready, sizeof ready, "%lld/%lld",
	    (long long)kube_json_int(json, "status.readyReplicas", 0),
	    (long long)kube_json_int(json, "spec.replicas", 0));
	add_field(cells, json, "metadata.name", "");
	add_text(cells, ready);
	add_count(cells, json, "status.updatedReplicas");
	add_count(cells, json, "status.availableReplicas");
	add_age(cells, json);
}

/* When it was seen last: the old fields, then the new ones. */
static const char *
event_time(const struct json_object *json)
{
	static const char *const paths[] = {"series.lastObservedTime", "lastTimestamp",
	    "deprecatedLastTimestamp", "firstTimestamp", "eventTime",
	    "metadata.creationTimestamp"};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (kube_json_text(json, paths[i])[0] != '\0')
			return kube_json_text(json, paths[i]);
	return "";
}

static void
event_cells(struct json_object *cells, struct json_object *json)
{
	struct json_object *about = kube_json_member(json, "involvedObject");
	const char *message = kube_json_text(json, "message");
	char age[32], object[CELL_MAX];

	if (about == NULL)
		about = kube_json_member(json, "regarding");
	if (message[0] == '\0')
		message = kube_json_text(json, "note");
	kube_column_age(event_time(json), age, sizeof age);
	snprintf(object, sizeof object, "%s/%s", kube_json_text(about, "kind"),
	    kube_json_text(about, "name"));
	for (char *at = object; *at != '\0' && *at != '/'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	add_text(cells, age);
	add_field(cells, json, "type", "");
	add_field(cells, json, "reason", "");
	add_text(cells, object);
	add_text(cells, message);
	add_field(cells, json, "metadata.name", "");
}

static void
plain_cells(struct json_object *cells, struct json_object *json)
{
	add_field(cells, json, "metadata.name", "");
	add_age(cells, json);
}

static void
binding_cells(struct json_object *cells, struct json_object *json)
{
	char role[CELL_MAX];

	snprintf(role, sizeof role, "%s/%s", kube_json_text(json, "roleRef.kind"),
	    kube_json_text(json, "roleRef.name"));
	add_field(cells, json, "metadata.name", "");
	add_text(cells, role);
	add_age(cells, json);
}

static const struct layout layouts[] = {
    {"nodes", node_cells,
	{{"Name", "string", 0}, {"Status", "string", 0}, {"Roles", "string", 0},
	    {"Age", "string", 0}, {"Version", "string", 0},
	    {"Internal-IP", "string", 1}, {"External-IP", "string", 1},
	    {"OS-Image", "string", 1}, {"Kernel-Version", "string", 1},
	    {"Container-Runtime", "string", 1}}},
    {"pods", pod_cells,
	{{"Name", "string", 0}, {"Ready", "string", 0}, {"Status", "string", 0},
	    {"Restarts", "integer", 0}, {"Age", "string", 0}, {"IP", "string", 1},
	    {"Node", "string", 1}, {"Nominated Node", "string", 1},
	    {"Readiness Gates", "string", 1}}},
    {"namespaces", namespace_cells,
	{{"Name", "string", 0}, {"Status", "string", 0}, {"Age", "string", 0}}},
    {"leases", lease_cells,
	{{"Name", "string", 0}, {"Holder", "string", 0}, {"Age", "string", 0}}},
    {"configmaps", configmap_cells,
	{{"Name", "string", 0}, {"Data", "integer", 0}, {"Age", "string", 0}}},
    {"customresourcedefinitions", crd_cells,
	{{"Name", "string", 0}, {"Created At", "date", 0}}},
    {"clusterroles", crd_cells, {{"Name", "string", 0}, {"Created At", "date", 0}}},
    {"roles", crd_cells, {{"Name", "string", 0}, {"Created At", "date", 0}}},
    {"clusterrolebindings", binding_cells,
	{{"Name", "string", 0}, {"Role", "string", 0}, {"Age", "string", 0}}},
    {"rolebindings", binding_cells,
	{{"Name", "string", 0}, {"Role", "string", 0}, {"Age", "string", 0}}},
    {"deployments", deployment_cells,
	{{"Name", "string", 0}, {"Ready", "string", 0}, {"Up-to-date", "integer", 0},
	    {"Available", "integer", 0}, {"Age", "string", 0}}},
    {"events", event_cells,
	{{"Last Seen", "string", 0}, {"Type", "string", 0}, {"Reason", "string", 0},
	    {"Object", "string", 0}, {"Message", "string", 0}, {"Name", "string", 1}}},
    {"", plain_cells, {{"Name", "string", 0}, {"Age", "string", 0}}},
};

static const struct layout *
layout_of(const struct kube_resource *resource)
{
	size_t last = sizeof layouts / sizeof layouts[0] - 1;

	for (size_t i = 0; i < last && (resource->flags & KUBE_CUSTOM) == 0; i++)
		if (strcmp(layouts[i].plural, resource->plural) == 0)
			return &layouts[i];
	return &layouts[last];
}

static void
add_column(struct json_object *list, const char *name, const char *type,
    const char *description, int64_t priority)
{
	struct json_object *column = json_object_new_object();

	kube_json_set_text(column, "name", name);
	kube_json_set_text(column, "type", type);
	kube_json_set_text(column, "format", strcmp(name, "Name") == 0 ? "name" : "");
	kube_json_set_text(column, "description", description);
	kube_json_set_int(column, "priority", priority);
	json_object_array_add(list, column);
}

static void
add_custom_columns(struct json_object *list, const struct kube_view *view)
{
	add_column(list, "Name", "string", NAME_DESCRIPTION, 0);
	if (view->columns == NULL)
		add_column(list, "Age", "date", "", 0);
	for (size_t i = 0; i < kube_json_count(view->columns); i++) {
		struct json_object *each = json_object_array_get_idx(view->columns, i);
		const char *given = kube_json_text(each, "description");
		char *description =
		    given[0] != '\0'
			? mem_strdup(given)
			: mem_printf("Custom resource definition column (in JSONPath "
				     "format): %s",
			      kube_json_text(each, "jsonPath"));

		add_column(list, kube_json_text(each, "name"),
		    kube_json_text(each, "type"), description,
		    kube_json_int(each, "priority", 0));
		free(description);
	}
}

struct json_object *
kube_table_new(const struct kube_view *view, const char *version,
    struct json_object *list_metadata)
{
	struct json_object *table = json_object_new_object();
	struct json_object *columns = json_object_new_array();
	const struct layout *layout = layout_of(view->resource);
	char api_version[64];

	snprintf(api_version, sizeof api_version, "meta.k8s.io/%s", version);
	kube_json_set_text(table, "kind", "Table");
	kube_json_set_text(table, "apiVersion", api_version);
	json_object_object_add(table, "metadata", list_metadata);
	json_object_object_add(table, "columnDefinitions", columns);
	json_object_object_add(table, "rows", json_object_new_array());
	if ((view->resource->flags & KUBE_CUSTOM) != 0) {
		add_custom_columns(columns, view);
		return table;
	}
	for (size_t i = 0; i < COLUMNS_MAX && layout->columns[i].name != NULL; i++) {
		const struct column *column = &layout->columns[i];

		add_column(columns, column->name, column->type,
		    strcmp(column->name, "Name") == 0 ? NAME_DESCRIPTION : "",
		    column->priority);
	}
	return table;
}

static bool
cell_fits(const char *type, const struct json_object *value)
{
	if (strcmp(type, "integer") == 0)
		return json_object_is_type(value, json_type_int);
	if (strcmp(type, "number") == 0)
		return json_object_is_type(value, json_type_int) ||
		       json_object_is_type(value, json_type_double);
	if (strcmp(type, "boolean") == 0)
		return json_object_is_type(value, json_type_boolean);
	return true;
}

static void
add_custom_cell(struct json_object *cells, const struct json_object *column,
    struct json_object *json)
{
	const char *type = kube_json_text(column, "type");
	struct json_object *value =
	    kube_column_find(kube_json_text(column, "jsonPath"), json);
	char age[32];

	if (value == NULL || !cell_fits(type, value)) {
		json_object_array_add(cells, NULL);
	} else if (strcmp(type, "date") == 0) {
		kube_column_age(json_object_get_string(value), age, sizeof age);
		add_text(cells, age);
	} else if (strcmp(type, "string") == 0) {
		add_text(cells, json_object_is_type(value, json_type_string)
				    ? json_object_get_string(value)
				    : kube_json_write(value, NULL));
	} else {
		json_object_array_add(cells, json_object_get(value));
	}
}

static void
add_custom_cells(
    struct json_object *cells, const struct kube_view *view, struct json_object *json)
{
	add_field(cells, json, "metadata.name", "");
	if (view->columns == NULL)
		add_age(cells, json);
	for (size_t i = 0; i < kube_json_count(view->columns); i++)
		add_custom_cell(
		    cells, json_object_array_get_idx(view->columns, i), json);
}

struct json_object *
kube_table_metadata(struct json_object *json)
{
	struct json_object *partial = json_object_new_object();

	kube_json_set_text(partial, "kind", "PartialObjectMetadata");
	kube_json_set_text(partial, "apiVersion", "meta.k8s.io/v1");
	kube_json_set(partial, "metadata", kube_json_member(json, "metadata"));
	return partial;
}

void
kube_table_add(struct json_object *table, const struct kube_view *view,
    struct json_object *json, const char *include)
{
	struct json_object *row = json_object_new_object();
	struct json_object *cells = json_object_new_array();

	if ((view->resource->flags & KUBE_CUSTOM) != 0)
		add_custom_cells(cells, view, json);
	else
		layout_of(view->resource)->cells(cells, json);
	json_object_object_add(row, "cells", cells);
	if (strcmp(include, "Object") == 0)
		kube_json_set(row, "object", json);
	else if (strcmp(include, "None") != 0)
		json_object_object_add(row, "object", kube_table_metadata(json));
	json_object_array_add(kube_json_member(table, "rows"), row);
}
