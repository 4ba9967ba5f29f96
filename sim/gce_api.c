#include "gce_api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gce_gate.h"
#include "gce_reply.h"

#define API_PREFIX "/compute/v1/projects/"

#define BEARER "Bearer "

static gce_answer_fn api_answer;

/* In a pattern, Z or R takes a zone or region, N a resource's name or id. */
static const struct route {
	enum gce_call_kind kind;
	const char *method;
	const char *pattern;
	gce_call_fn *read; /* NULL: a change */
} routes[] = {
    {GCE_CALL_INSTANCES_GET, "GET", "zones/Z/instances/N", gce_read_instance},
    {GCE_CALL_INSTANCES_LIST, "GET", "zones/Z/instances", gce_read_instances},
    {GCE_CALL_INSTANCES_AGGREGATED, "GET", "aggregated/instances",
	gce_read_all_instances},
    {GCE_CALL_ADD_ACCESS_CONFIG, "POST", "zones/Z/instances/N/addAccessConfig", NULL},
    {GCE_CALL_DELETE_ACCESS_CONFIG, "POST", "zones/Z/instances/N/deleteAccessConfig",
	NULL},
    {GCE_CALL_OPERATIONS_GET, "GET", "zones/Z/operations/N", gce_read_operation},
    {GCE_CALL_OPERATIONS_LIST, "GET", "zones/Z/operations", gce_read_operations},
    {GCE_CALL_OPERATIONS_WAIT, "POST", "zones/Z/operations/N/wait", gce_read_wait},
    {GCE_CALL_ADDRESSES_GET, "GET", "regions/R/addresses/N", gce_read_address},
    {GCE_CALL_ADDRESSES_LIST, "GET", "regions/R/addresses", gce_read_addresses},
    {GCE_CALL_ADDRESSES_LIST, "GET", "global/addresses", gce_read_global_addresses},
    {GCE_CALL_ADDRESSES_AGGREGATED, "GET", "aggregated/addresses",
	gce_read_all_addresses},
};

/* Takes the path's next segment; false: it is empty or longer than any name. */
static bool
take_segment(const char **at, char segment[GCE_NAME_MAX + 1])
{
	size_t len = strcspn(*at, "/");

	if (len == 0 || len > GCE_NAME_MAX)
		return false;
	memcpy(segment, *at, len);
	segment[len] = '\0';
	*at += len;
	return true;
}

static bool
route_matches(const char *pattern, const char *path, struct gce_call *call)
{
	while (*pattern != '\0') {
		size_t len = strcspn(pattern, "/");
		char segment[GCE_NAME_MAX + 1];

		if (!take_segment(&path, segment))
			return false;
		if (len == 1 && (*pattern == 'Z' || *pattern == 'R'))
			sim_text_copy(call->place, sizeof call->place, segment);
		else if (len == 1 && *pattern == 'N')
			sim_text_copy(call->name, sizeof call->name, segment);
		else if (len != strlen(segment) || memcmp(pattern, segment, len) != 0)
			return false;
		pattern += len;
		if (*pattern != *path)
			return false;
		if (*pattern == '/') {
			pattern++;
			path++;
		}
	}
	return *path == '\0';
}

/* What follows "…/projects/P/"; NULL: another project, or no such path. */
static const char *
path_in_project(const struct sim_gce *gce, const char *path)
{
	char project[GCE_NAME_MAX + 1];

	if (strncmp(path, API_PREFIX, strlen(API_PREFIX)) != 0)
		return NULL;
	path += strlen(API_PREFIX);
	if (!take_segment(&path, project) || *path != '/')
		return NULL;
	if (strcmp(project, gce->project) != 0 &&
	    strcmp(project, GCE_PROJECT_NUMBER) != 0)
		return NULL;
	return path + 1;
}

/* NULL: there is no such call. */
static const struct route *
route_find(struct gce_call *call)
{
	const char *path = path_in_project(call->gce, call->request->path);

	if (path == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if (strcmp(routes[i].method, call->request->method) == 0 &&
		    route_matches(routes[i].pattern, path, call))
			return &routes[i];
	return NULL;
}

void
sim_gce_handle(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct sim_gce *gce = arg;
	struct gce_call call = {.gce = gce, .request = request, .reply = reply};

	if (!request->again) {
		const struct route *route = route_find(&call);

		gce->calls[route != NULL ? route->kind : GCE_CALL_COMPUTE_UNKNOWN]++;
	}
	gce_gate_pass(gce, "gce", api_answer, request, reply);
}

/* True when the request carries a good token; else the reply says 401. */
static bool
call_is_authenticated(const struct gce_call *call)
{
	const char *header = sim_request_header(call->request, "Authorization");

	if (header != NULL && strncasecmp(header, BEARER, strlen(BEARER)) == 0 &&
	    metadata_token_is_valid(call->gce, header + strlen(BEARER)))
		return true;
	sim_reply_header(call->reply, "WWW-Authenticate",
	    "Bearer realm=\"https://accounts.google.com/\"");
	if (header == NULL)
		gce_reply_error(call->reply, 401, "required",
		    "Request is missing required authentication credential. Expected "
		    "OAuth 2 access token, login cookie or other valid authentication "
		    "credential.");
	else
		gce_reply_error(call->reply, 401, "authError",
		    "Request had invalid authentication credentials. Expected OAuth 2 "
		    "access token, login cookie or other valid authentication "
		    "credential.");
	return false;
}

static void
api_answer(struct sim_gce *gce, const struct sim_request *request,
    struct sim_reply *reply, const struct gce_held *held)
{
	struct gce_call call = {
	    .gce = gce, .request = request, .reply = reply, .begun = held->begun};
	const struct route *route;

	if (!call_is_authenticated(&call))
		return;
	route = route_find(&call);
	if (route == NULL) {
		gce_reply_error(reply, 404, "notFound",
		    "The resource '%s' was not found", request->path);
		return;
	}
	call.kind = route->kind;
	if (route->read != NULL)
		route->read(&call);
	else if (route->kind == GCE_CALL_ADD_ACCESS_CONFIG)
		gce_change_add_config(&call, &held->fault);
	else
		gce_change_delete_config(&call, &held->fault);
}

void
gce_api_not_found(const struct gce_call *call, const char *format, ...)
{
	char path[256];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof path, format, args);
	va_end(args);
	gce_reply_error(call->reply, 404, "notFound",
	    "The resource 'projects/%s/%s' was not found", call->gce->project, path);
}
