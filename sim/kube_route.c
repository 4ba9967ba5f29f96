#include "kube_route.h"

#include <stdio.h>
#include <string.h>

#include "kube_delete.h"
#include "kube_discovery.h"
#include "kube_rbac.h"
#include "kube_read.h"
#include "kube_review.h"
#include "kube_status.h"
#include "kube_token.h"
#include "kube_write.h"

/* Parts of the longest path: namespaces/NS/RESOURCE/NAME/SUBRESOURCE. */
#define PARTS_MAX 5u
#define PART_SIZE 254u

/* Takes the next part of a path. False: there is none, or it is too long. */
static bool
take_part(const char **path, char *out)
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len >= PART_SIZE)
		return false;
	snprintf(out, PART_SIZE, "%.*s", (int)len, *path);
	*path += len;
	*path += **path == '/';
	return true;
}

/* "/api/v1/…" or "/apis/GROUP/VERSION/…" */
static bool
take_version(const char **path, char *group, char *version)
{
	group[0] = '\0';
	if (strncmp(*path, "/api/", 5) == 0) {
		*path += 5;
		return take_part(path, version);
	}
	if (strncmp(*path, "/apis/", 6) != 0)
		return false;
	*path += 6;
	return take_part(path, group) && take_part(path, version);
}

static bool
is_in_namespace(char parts[PARTS_MAX][PART_SIZE], size_t count)
{
	return count >= 3 && strcmp(parts[0], "namespaces") == 0 &&
	       strcmp(parts[2], "status") != 0 && strcmp(parts[2], "finalize") != 0;
}

bool
kube_route_path(struct kube_call *call, const char *path)
{
	char parts[PARTS_MAX][PART_SIZE];
	char group[PART_SIZE], version[PART_SIZE];
	size_t count = 0, at = 0;
	bool in_namespace, namespaced;

	if (!take_version(&path, group, version))
		return false;
	while (count < PARTS_MAX && take_part(&path, parts[count]))
		count++;
	if (count == 0 || *path != '\0')
		return false;
	in_namespace = is_in_namespace(parts, count);
	if (in_namespace) {
		snprintf(call->space, sizeof call->space, "%s", parts[1]);
		at = 2;
	}
	call->view =
	    kube_store_view(call->kube->store, group, version, parts[at], NULL);
	if (call->view == NULL || count - at > 3)
		return false;
	if (count - at >= 2)
		snprintf(call->name, sizeof call->name, "%s", parts[at + 1]);
	if (count - at == 3)
		snprintf(call->subresource, sizeof call->subresource, "%.31s",
		    parts[at + 2]);
	namespaced = (call->view->resource->flags & KUBE_NAMESPACED) != 0;
	return namespaced ? in_namespace || call->name[0] == '\0' : !in_namespace;
}

static bool
subresource_exists(const struct kube_call *call)
{
	const struct kube_resource *resource = call->view->resource;
	bool core = call->view->group[0] == '\0';

	if (call->subresource[0] == '\0')
		return true;
	if (strcmp(call->subresource, "status") == 0)
		return (resource->flags & KUBE_STATUS) != 0;
	if (strcmp(call->subresource, "eviction") == 0)
		return core && strcmp(resource->plural, "pods") == 0;
	return strcmp(call->subresource, "token") == 0 && core &&
	       strcmp(resource->plural, "serviceaccounts") == 0;
}

static bool
wants_watch(const struct kube_call *call)
{
	const char *watch = sim_request_query(call->request, "watch");

	return watch != NULL && (strcmp(watch, "1") == 0 ||
				    strcmp(watch, "true") == 0 || watch[0] == '\0');
}

/* The verb of the method; NULL when the path does not take it. */
static const char *
verb_of(const struct kube_call *call)
{
	const char *method = call->request->method;
	bool one = call->name[0] != '\0';
	bool asks = strcmp(call->subresource, "eviction") == 0 ||
		    strcmp(call->subresource, "token") == 0;
	bool review = (call->view->resource->flags & KUBE_REVIEW) != 0;

	if (strcmp(method, "POST") == 0)
		return !one || asks ? "create" : NULL;
	if (asks || review)
		return NULL;
	if (strcmp(method, "GET") == 0 && one)
		return "get";
	if (strcmp(method, "GET") == 0)
		return wants_watch(call) ? "watch" : "list";
	if (strcmp(method, "PUT") == 0 && one)
		return "update";
	if (strcmp(method, "PATCH") == 0 && one)
		return "patch";
	if (strcmp(method, "DELETE") == 0 && call->subresource[0] == '\0')
		return one ? "delete" : "deletecollection";
	return NULL;
}

/* One alternative of an Accept header. False: nothing that can be served. */
static bool
read_alternative(struct kube_call *call, const char *text)
{
	if (strncmp(text, "application/json", 16) != 0 &&
	    strncmp(text, "*/*", 3) != 0 && strncmp(text, "application/*", 13) != 0)
		return false;
	call->format = KUBE_JSON;
	if (strstr(text, "as=Table") != NULL)
		call->format = KUBE_TABLE;
	else if (strstr(text, "as=PartialObjectMetadata") != NULL)
		call->format = KUBE_METADATA;
	else if (strstr(text, "as=APIGroupDiscoveryList") != NULL)
		call->format = KUBE_DISCOVERY;
	else
		return strstr(text, "as=") == NULL;
	call->table_version = strstr(text, "v=v1beta1") != NULL ? "v1beta1" : "v1";
	return call->format != KUBE_DISCOVERY || strstr(text, "v=v2beta1") == NULL;
}

/* The first alternative that can be served decides; false: there is none. */
static bool
negotiate(struct kube_call *call)
{
	const char *accept = sim_request_header(call->request, "Accept");
	char text[256];

	call->format = KUBE_JSON;
	call->table_version = "v1";
	if (accept == NULL || accept[0] == '\0')
		return true;
	while (*accept != '\0') {
		size_t len;

		accept += strspn(accept, " ");
		len = strcspn(accept, ",");
		snprintf(text, sizeof text, "%.*s", (int)len, accept);
		if (read_alternative(call, text))
			return true;
		accept += len;
		accept += *accept == ',';
	}
	return false;
}

static int
check_request(struct kube_call *call)
{
	const char *dry_run = sim_request_query(call->request, "dryRun");

	if (call->request->body_len > SIM_BODY_MAX)
		return kube_fail(call, 413, "RequestEntityTooLarge", NULL,
		    "Request entity too large: limit is %u", SIM_BODY_MAX);
	if (dry_run != NULL && strcmp(dry_run, "All") != 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "invalid dryRun \"%.64s\": supported values: \"All\"", dry_run);
	call->dry_run = dry_run != NULL;
	if (!negotiate(call))
		return kube_fail(call, 406, "NotAcceptable", NULL,
		    "only the following media types are accepted: application/json");
	return 0;
}

static void
dispatch(struct kube_call *call)
{
	const char *verb = call->verb;

	if ((call->view->resource->flags & KUBE_REVIEW) != 0)
		kube_review_answer(call);
	else if (strcmp(call->subresource, "eviction") == 0)
		kube_delete_evict(call);
	else if (strcmp(call->subresource, "token") == 0)
		kube_token_answer(call);
	else if (call->fault.read_version > 0 &&
		 (strcmp(verb, "get") == 0 || strcmp(verb, "list") == 0))
		kube_read_stale(call);
	else if (strcmp(verb, "get") == 0)
		kube_read_get(call);
	else if (strcmp(verb, "list") == 0 || strcmp(verb, "watch") == 0)
		kube_read_list(call);
	else if (strcmp(verb, "create") == 0)
		kube_write_create(call);
	else if (strcmp(verb, "update") == 0)
		kube_write_update(call);
	else if (strcmp(verb, "patch") == 0)
		kube_write_patch(call);
	else if (strcmp(verb, "delete") == 0)
		kube_delete_one(call);
	else
		kube_delete_collection(call);
}

static const char *
verb_of_path(const struct kube_call *call)
{
	static const struct {
		const char *method;
		const char *verb;
	} verbs[] = {{"GET", "get"}, {"HEAD", "head"}, {"POST", "post"}, {"PUT", "put"},
	    {"PATCH", "patch"}, {"DELETE", "delete"}, {"OPTIONS", "options"}};

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(call->request->method, verbs[i].method) == 0)
			return verbs[i].verb;
	return "";
}

void
kube_route_read(struct kube_call *call)
{
	call->unauthorized =
	    kube_auth_identify(call->kube->auth, call->request, &call->caller) < 0;
	if (kube_route_path(call, call->request->path) && subresource_exists(call)) {
		call->verb = verb_of(call);
		return;
	}
	call->view = NULL;
	call->verb = verb_of_path(call);
}

/* The name that a list or a watch is limited to by its field selector, "" = none. */
static void
selected_name(const struct kube_call *call, char *out, size_t out_size)
{
	static const char key[] = "metadata.name=";
	const char *fields = sim_request_query(call->request, "fieldSelector");
	const char *at = fields != NULL ? strstr(fields, key) : NULL;

	out[0] = '\0';
	if (at == NULL || (at > fields && at[-1] != ','))
		return;
	at += strlen(key);
	at += *at == '=';
	snprintf(out, out_size, "%.*s", (int)strcspn(at, ","), at);
}

/* The path of a resource is one to RBAC, whether it is served or not: RequestInfo of
 * k8s.io/apiserver. Those of a
 * namespace and subresources are left out. */
struct unserved {
	char group[PART_SIZE], version[PART_SIZE], resource[PART_SIZE], name[PART_SIZE];
};

static bool
read_unserved(const char *path, struct unserved *ret)
{
	return take_version(&path, ret->group, ret->version) &&
	       take_part(&path, ret->resource) &&
	       strcmp(ret->resource, "namespaces") != 0 &&
	       (*path == '\0' || take_part(&path, ret->name)) && *path == '\0';
}

static const char *
verb_of_unserved(const struct kube_call *call, const struct unserved *unserved)
{
	if (strcmp(call->verb, "post") == 0)
		return "create";
	if (strcmp(call->verb, "put") == 0)
		return "update";
	if (strcmp(call->verb, "get") == 0 && unserved->name[0] == '\0')
		return wants_watch(call) ? "watch" : "list";
	return call->verb;
}

static bool
is_allowed(const struct kube_call *call)
{
	struct kube_access access = {.verb = call->verb, .path = call->request->path};
	struct unserved unserved = {.name = ""};
	char name[PART_SIZE];

	if (call->view == NULL && read_unserved(call->request->path, &unserved)) {
		access.path = NULL;
		access.group = unserved.group;
		access.resource = unserved.resource;
		access.subresource = access.space = "";
		access.name = unserved.name;
		access.verb = verb_of_unserved(call, &unserved);
	}

	if (call->view != NULL) {
		access.path = NULL;
		access.group = call->view->group;
		access.resource = call->view->resource->plural;
		access.subresource = call->subresource;
		access.space = call->space;
		access.name = call->name;
	}
	if (call->view != NULL && call->name[0] == '\0') {
		selected_name(call, name, sizeof name);
		access.name = name;
	}
	return kube_rbac_allows(call->kube->store, &call->caller, &access);
}

static void
answer_path(struct kube_call *call)
{
	if (!is_allowed(call)) {
		kube_fail_forbidden(call);
		return;
	}
	/* discovery and health are told to everyone in the form that there is */
	(void)negotiate(call);
	if (strcmp(call->verb, "get") != 0 || !kube_discovery_answer(call))
		kube_fail_unknown_path(call);
}

void
kube_route_answer(struct kube_call *call)
{
	if (call->unauthorized) {
		kube_fail(call, 401, "Unauthorized", NULL, "Unauthorized");
		return;
	}
	if (call->view == NULL) {
		answer_path(call);
		return;
	}
	if (call->verb == NULL) {
		kube_fail(call, 405, "MethodNotAllowed", NULL,
		    "the server does not allow this method on the requested resource");
		return;
	}
	if (!is_allowed(call)) {
		kube_fail_forbidden(call);
		return;
	}
	if (check_request(call) == 0)
		dispatch(call);
}
