#include "kube_discovery.h"

#include <stdio.h>
#include <string.h>

#include "kube_convert.h"
#include "kube_json.h"
#include "kube_status.h"

#define AGGREGATED_TYPE                                                                \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* Subresources beside status. */
static const struct subresource {
	const char *plural;
	const char *name;
	const char *group;
	const char *version;
	const char *kind;
} subresources[] = {
    {"pods", "eviction", "policy", "v1", "Eviction"},
    {"serviceaccounts", "token", "authentication.k8s.io", "v1", "TokenRequest"},
};

static struct json_object *
split_list(const char *text)
{
	struct json_object *list = json_object_new_array();

	while (*text != '\0') {
		size_t len = strcspn(text, ", ");

		json_object_array_add(list, json_object_new_string_len(text, (int)len));
		text += len;
		text += *text != '\0';
	}
	return list;
}

static struct json_object *
verbs_of(const struct kube_resource *resource)
{
	if ((resource->flags & KUBE_REVIEW) != 0)
		return split_list("create");
	if (strcmp(resource->kind, "Namespace") == 0)
		return split_list("create delete get list patch update watch");
	return split_list("create delete deletecollection get list patch update watch");
}

static struct json_object *
resource_new(const char *name, const struct kube_resource *resource)
{
	struct json_object *json = json_object_new_object();

	kube_json_set_text(json, "name", name);
	kube_json_set_text(json, "singularName", "");
	json_object_object_add(json, "namespaced",
	    json_object_new_boolean((resource->flags & KUBE_NAMESPACED) != 0));
	return json;
}

static void
add_names(struct json_object *json, const struct kube_resource *resource)
{
	if (resource->short_names[0] != '\0')
		json_object_object_add(
		    json, "shortNames", split_list(resource->short_names));
	if ((resource->flags & KUBE_CATEGORY_ALL) != 0)
		json_object_object_add(json, "categories", split_list("all"));
}

/* The resource itself, its status and what else it has, in the old form. */
static void
add_resource(struct json_object *list, const struct kube_view *view)
{
	const struct kube_resource *resource = view->resource;
	struct json_object *json = resource_new(resource->plural, resource);
	char name[600];

	kube_json_set_text(json, "singularName", resource->singular);
	kube_json_set_text(json, "kind", resource->kind);
	json_object_object_add(json, "verbs", verbs_of(resource));
	add_names(json, resource);
	json_object_array_add(list, json);
	if ((resource->flags & KUBE_STATUS) != 0) {
		snprintf(name, sizeof name, "%.500s/status", resource->plural);
		json = resource_new(name, resource);
		kube_json_set_text(json, "kind", resource->kind);
		json_object_object_add(json, "verbs", split_list("get patch update"));
		json_object_array_add(list, json);
	}
	for (size_t i = 0; i < sizeof subresources / sizeof subresources[0]; i++) {
		const struct subresource *sub = &subresources[i];

		if (view->group[0] != '\0' ||
		    strcmp(sub->plural, resource->plural) != 0)
			continue;
		snprintf(name, sizeof name, "%s/%s", sub->plural, sub->name);
		json = resource_new(name, resource);
		kube_json_set_text(json, "group", sub->group);
		kube_json_set_text(json, "version", sub->version);
		kube_json_set_text(json, "kind", sub->kind);
		json_object_object_add(json, "verbs", split_list("create"));
		json_object_array_add(list, json);
	}
}

/* GET /api/v1, /apis/GROUP/VERSION. */
static bool
answer_resources(struct kube_call *call, const char *group, const char *version)
{
	struct json_object *json = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct kube_view *view;
	char group_version[512];

	snprintf(group_version, sizeof group_version, "%.250s%s%.250s", group,
	    group[0] != '\0' ? "/" : "", version);
	kube_json_set_text(json, "kind", "APIResourceList");
	if (group[0] != '\0')
		kube_json_set_text(json, "apiVersion", "v1");
	kube_json_set_text(json, "groupVersion", group_version);
	json_object_object_add(json, "resources", list);
	for (size_t i = 0; (view = kube_store_view_at(call->kube->store, i)) != NULL;
	     i++)
		if (view->served && strcmp(view->group, group) == 0 &&
		    strcmp(view->version, version) == 0)
			add_resource(list, view);
	if (kube_json_count(list) == 0) {
		json_object_put(json);
		return false;
	}
	kube_reply_json(call, 200, json);
	return true;
}

static struct json_object *
version_new(const struct kube_view *view)
{
	struct json_object *json = json_object_new_object();
	char group_version[512];

	kube_convert_version(view, group_version, sizeof group_version);
	kube_json_set_text(json, "groupVersion", group_version);
	kube_json_set_text(json, "version", view->version);
	return json;
}

static struct json_object *
find_named(struct json_object *list, const char *key, const char *name)
{
	for (size_t i = 0; i < kube_json_count(list); i++) {
		struct json_object *each = json_object_array_get_idx(list, i);

		if (strcmp(kube_json_text(each, key), name) == 0)
			return each;
	}
	return NULL;
}

/* All groups but the core, each with its versions. */
static struct json_object *
groups_new(const struct kube_store *store)
{
	struct json_object *groups = json_object_new_array();
	const struct kube_view *view;

	for (size_t i = 0; (view = kube_store_view_at(store, i)) != NULL; i++) {
		struct json_object *group, *versions;

		if (!view->served || view->group[0] == '\0')
			continue;
		group = find_named(groups, "name", view->group);
		if (group == NULL) {
			group = json_object_new_object();
			kube_json_set_text(group, "name", view->group);
			json_object_object_add(
			    group, "versions", json_object_new_array());
			json_object_object_add(
			    group, "preferredVersion", version_new(view));
			json_object_array_add(groups, group);
		}
		versions = kube_json_member(group, "versions");
		if (find_named(versions, "version", view->version) == NULL)
			json_object_array_add(versions, version_new(view));
	}
	return groups;
}

static void
answer_groups(struct kube_call *call)
{
	struct json_object *json = json_object_new_object();

	kube_json_set_text(json, "kind", "APIGroupList");
	kube_json_set_text(json, "apiVersion", "v1");
	json_object_object_add(json, "groups", groups_new(call->kube->store));
	kube_reply_json(call, 200, json);
}

/* GET /apis/GROUP. */
static bool
answer_group(struct kube_call *call, const char *name)
{
	struct json_object *groups = groups_new(call->kube->store);
	struct json_object *group = find_named(groups, "name", name);
	bool found = group != NULL;

	if (found) {
		kube_json_set_text(group, "kind", "APIGroup");
		kube_json_set_text(group, "apiVersion", "v1");
		kube_reply_json(call, 200, json_object_get(group));
	}
	json_object_put(groups);
	return found;
}

static void
answer_core_versions(struct kube_call *call)
{
	struct json_object *json = kube_json_constant(
	    "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],"
	    "\"serverAddressByClientCIDRs\":[{\"clientCIDR\":\"0.0.0.0/0\","
	    "\"serverAddress\":\"127.0.0.1\"}]}");

	kube_reply_json(call, 200, json);
}

static struct json_object *
response_kind(const char *group, const char *version, const char *kind)
{
	struct json_object *json = json_object_new_object();

	kube_json_set_text(json, "group", group);
	kube_json_set_text(json, "version", version);
	kube_json_set_text(json, "kind", kind);
	return json;
}

static void
add_aggregated_subresource(struct json_object *list, const char *name,
    struct json_object *kind, const char *verbs)
{
	struct json_object *json = json_object_new_object();

	kube_json_set_text(json, "subresource", name);
	json_object_object_add(json, "responseKind", kind);
	json_object_object_add(json, "verbs", split_list(verbs));
	json_object_array_add(list, json);
}

static struct json_object *
aggregated_resource(const struct kube_view *view)
{
	const struct kube_resource *resource = view->resource;
	struct json_object *json = json_object_new_object();
	struct json_object *list = json_object_new_array();

	kube_json_set_text(json, "resource", resource->plural);
	json_object_object_add(json, "responseKind",
	    response_kind(view->group, view->version, resource->kind));
	kube_json_set_text(json, "scope",
	    (resource->flags & KUBE_NAMESPACED) != 0 ? "Namespaced" : "Cluster");
	kube_json_set_text(json, "singularResource", resource->singular);
	json_object_object_add(json, "verbs", verbs_of(resource));
	add_names(json, resource);
	if ((resource->flags & KUBE_STATUS) != 0)
		add_aggregated_subresource(list, "status",
		    response_kind(view->group, view->version, resource->kind),
		    "get patch update");
	for (size_t i = 0; i < sizeof subresources / sizeof subresources[0]; i++)
		if (view->group[0] == '\0' &&
		    strcmp(subresources[i].plural, resource->plural) == 0)
			add_aggregated_subresource(list, subresources[i].name,
			    response_kind(subresources[i].group,
				subresources[i].version, subresources[i].kind),
			    "create");
	if (kube_json_count(list) > 0)
		json_object_object_add(json, "subresources", list);
	else
		json_object_put(list);
	return json;
}

static void
add_aggregated(struct json_object *items, const struct kube_view *view)
{
	struct json_object *group = NULL;
	struct json_object *versions, *version;

	for (size_t i = 0; i < kube_json_count(items) && group == NULL; i++) {
		struct json_object *each = json_object_array_get_idx(items, i);

		if (strcmp(kube_json_text(each, "metadata.name"), view->group) == 0)
			group = each;
	}
	if (group == NULL) {
		group = json_object_new_object();
		if (view->group[0] != '\0')
			kube_json_set_text(
			    kube_json_section(group, "metadata"), "name", view->group);
		else
			kube_json_section(group, "metadata");
		json_object_object_add(group, "versions", json_object_new_array());
		json_object_array_add(items, group);
	}
	versions = kube_json_member(group, "versions");
	version = find_named(versions, "version", view->version);
	if (version == NULL) {
		version = json_object_new_object();
		kube_json_set_text(version, "version", view->version);
		json_object_object_add(version, "resources", json_object_new_array());
		kube_json_set_text(version, "freshness", "Current");
		json_object_array_add(versions, version);
	}
	json_object_array_add(
	    kube_json_member(version, "resources"), aggregated_resource(view));
}

static void
answer_aggregated(struct kube_call *call, bool core)
{
	struct json_object *json = kube_json_constant(
	    "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":"
	    "\"apidiscovery.k8s.io/v2\",\"metadata\":{},\"items\":[]}");
	const struct kube_view *view;

	for (size_t i = 0; (view = kube_store_view_at(call->kube->store, i)) != NULL;
	     i++)
		if (view->served && (view->group[0] == '\0') == core)
			add_aggregated(kube_json_member(json, "items"), view);
	sim_reply_header(call->reply, "Vary", "Accept");
	kube_reply_json(call, 200, json);
	call->reply->content_type = AGGREGATED_TYPE;
}

static void
answer_version(struct kube_call *call)
{
	struct json_object *json = kube_json_constant(
	    "{\"major\":\"1\",\"minor\":\"36\",\"emulationMajor\":\"1\","
	    "\"emulationMinor\":\"36\",\"minCompatibilityMajor\":\"1\","
	    "\"minCompatibilityMinor\":\"35\",\"gitVersion\":\"v1.36.2\","
	    "\"gitCommit\":\"98b35193b2ac7a23a673325f5e9b830ecd5ba406\","
	    "\"gitTreeState\":\"clean\",\"buildDate\":\"2026-08-01T00:00:00Z\","
	    "\"goVersion\":\"go1.26.10\",\"compiler\":\"gc\","
	    "\"platform\":\"linux/amd64\"}");

	kube_reply_json(call, 200, json);
}

static bool
is_health(const char *path)
{
	return strcmp(path, "/healthz") == 0 || strcmp(path, "/livez") == 0 ||
	       strcmp(path, "/readyz") == 0;
}

static void
answer_health(struct kube_call *call)
{
	char text[128];

	if (sim_request_query(call->request, "verbose") == NULL) {
		kube_reply_text(call, 200, "ok");
		return;
	}
	snprintf(text, sizeof text, "[+]ping ok\n[+]log ok\n%.8s check passed\n",
	    call->request->path + 1);
	kube_reply_text(call, 200, text);
}

bool
kube_discovery_answer(struct kube_call *call)
{
	const char *path = call->request->path;
	char group[254];
	size_t len;

	if (strcmp(path, "/version") == 0)
		answer_version(call);
	else if (is_health(path))
		answer_health(call);
	else if (strcmp(path, "/api") == 0 && call->format == KUBE_DISCOVERY)
		answer_aggregated(call, true);
	else if (strcmp(path, "/apis") == 0 && call->format == KUBE_DISCOVERY)
		answer_aggregated(call, false);
	else if (strcmp(path, "/api") == 0)
		answer_core_versions(call);
	else if (strcmp(path, "/apis") == 0)
		answer_groups(call);
	else if (strcmp(path, "/api/v1") == 0)
		return answer_resources(call, "", "v1");
	else if (strncmp(path, "/apis/", 6) != 0)
		return false;
	else {
		path += 6;
		len = strcspn(path, "/");
		snprintf(group, sizeof group, "%.*s", (int)len, path);
		if (path[len] == '\0')
			return answer_group(call, group);
		if (strchr(path + len + 1, '/') != NULL)
			return false;
		return answer_resources(call, group, path + len + 1);
	}
	return true;
}
