#include "gcp_request.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

/* Longest path with its query: the texts of a call at their longest, escaped. */
#define PATH_MAX_LEN 8192u
#define BODY_MAX_LEN 1024u

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define INSTANCE_FIELDS                                                                \
	"id,name,status,networkInterfaces(name,accessConfigs(name,natIP,type,"         \
	"networkTier))"
#define ADDRESS_FIELDS "address,name,region,networkTier,status,addressType,users"

static bool
consists_of(const char *text, const char *allowed)
{
	return text != NULL && text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool
is_project(const char *text)
{
	/* "example.com:name" is a project of a domain */
	return consists_of(text, LOWER DIGITS "-.:") && strstr(text, "..") == NULL &&
	       text[0] != '.';
}

static bool
is_place(const char *text)
{
	return consists_of(text, LOWER DIGITS "-");
}

static bool
is_address(const char *text)
{
	struct in_addr address;

	return text != NULL &&
	       (text[0] == '\0' || inet_pton(AF_INET, text, &address) == 1);
}

/* RFC 9562 in form; all zeros is no request id for GCE. */
static bool
is_request_id(const char *text)
{
	if (!consists_of(text, DIGITS "abcdefABCDEF-") || strlen(text) != 36 ||
	    consists_of(text, "0-"))
		return false;
	for (size_t i = 0; i < 36; i++)
		if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	return true;
}

/* The name of the first field of the call that cannot stand in a request, or NULL. */
static const char *
bad_field(const struct cloud_call *call)
{
	bool on_instance = call->op == CLOUD_GET_INSTANCE || cloud_op_changes(call->op);

	if (!is_project(call->project))
		return "project";
	if (!is_place(call->place))
		return call->op == CLOUD_LIST_ADDRESSES ? "region" : "zone";
	if (on_instance && !consists_of(call->instance, DIGITS))
		return "instance id";
	if ((call->op == CLOUD_WAIT_OPERATION || call->op == CLOUD_GET_OPERATION) &&
	    !consists_of(call->operation, LOWER UPPER DIGITS "-_"))
		return "operation";
	if (!cloud_op_changes(call->op))
		return NULL;
	if (!consists_of(call->nic, LOWER DIGITS "-"))
		return "network interface";
	if (call->fence == NULL || call->fence[0] == '\0')
		return "access config";
	if (!is_request_id(call->request_id))
		return "request id";
	if (call->op == CLOUD_ADD_CONFIG && !is_address(call->address))
		return "address";
	return NULL;
}

/* One value of a query, RFC 3986 §2.1. */
static void
put_escaped(struct buf *buf, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (strchr(LOWER UPPER DIGITS "-._~", *c) != NULL)
			buf_putc(buf, *c);
		else
			buf_printf(buf, "%%%02X", (unsigned int)(unsigned char)*c);
	}
}

static void
put_instance(struct buf *path, const struct cloud_call *call, const char *verb)
{
	buf_printf(path, "/projects/%s/zones/%s/instances/%s%s", call->project,
	    call->place, call->instance, verb);
}

static void
build_add(struct gcp_request *request, const struct cloud_call *call)
{
	request->method = "POST";
	put_instance(&request->path, call, "/addAccessConfig");
	buf_printf(&request->path, "?networkInterface=%s&requestId=%s", call->nic,
	    call->request_id);
	buf_puts(&request->body, "{\"type\":\"ONE_TO_ONE_NAT\",\"name\":\"");
	buf_put_json(&request->body, call->fence, strlen(call->fence));
	buf_puts(&request->body, "\"");
	if (call->address[0] != '\0')
		buf_printf(&request->body, ",\"natIP\":\"%s\"", call->address);
	buf_puts(&request->body, "}");
}

static void
build_delete(struct gcp_request *request, const struct cloud_call *call)
{
	request->method = "POST";
	put_instance(&request->path, call, "/deleteAccessConfig");
	buf_printf(&request->path, "?networkInterface=%s&accessConfig=", call->nic);
	put_escaped(&request->path, call->fence);
	buf_printf(&request->path, "&requestId=%s", call->request_id);
}

static void
build_operation(struct gcp_request *request, const struct cloud_call *call,
    const char *method, const char *verb)
{
	request->method = method;
	buf_printf(&request->path, "/projects/%s/zones/%s/operations/%s%s",
	    call->project, call->place, call->operation, verb);
}

static void
build_list(struct gcp_request *request, const struct cloud_call *call)
{
	bool zone = call->op == CLOUD_LIST_INSTANCES;
	bool global = !zone && strcmp(call->place, PLACE_GLOBAL) == 0;

	request->method = "GET";
	buf_printf(&request->path, "/projects/%s/%s%s/%s?maxResults=%u", call->project,
	    zone     ? "zones/"
	    : global ? ""
		     : "regions/",
	    call->place, zone ? "instances" : "addresses", CLOUD_PAGE_ITEMS_MAX);
	buf_printf(&request->path, "&fields=items(%s),nextPageToken&prettyPrint=false",
	    zone ? INSTANCE_FIELDS : ADDRESS_FIELDS);
	if (call->page != NULL && call->page[0] != '\0') {
		buf_puts(&request->path, "&pageToken=");
		put_escaped(&request->path, call->page);
	}
}

static void
build(struct gcp_request *request, const struct cloud_call *call)
{
	switch (call->op) {
	case CLOUD_GET_INSTANCE:
		request->method = "GET";
		put_instance(&request->path, call,
		    "?fields=" INSTANCE_FIELDS "&prettyPrint=false");
		return;
	case CLOUD_ADD_CONFIG:
		build_add(request, call);
		return;
	case CLOUD_DELETE_CONFIG:
		build_delete(request, call);
		return;
	case CLOUD_WAIT_OPERATION:
		build_operation(request, call, "POST", "/wait");
		return;
	case CLOUD_GET_OPERATION:
		build_operation(request, call, "GET", "");
		return;
	case CLOUD_LIST_INSTANCES:
	case CLOUD_LIST_ADDRESSES:
		build_list(request, call);
		return;
	case CLOUD_OP_COUNT:
		break;
	}
	assert(!"no such call");
}

int
gcp_request_build(const struct cloud_call *call, struct gcp_request *ret_request,
    const char **ret_field)
{
	struct gcp_request request = {0};
	const char *field = bad_field(call);

	if (field != NULL) {
		*ret_field = field;
		return -EINVAL;
	}
	buf_init(&request.path, PATH_MAX_LEN);
	buf_init(&request.body, BODY_MAX_LEN);
	build(&request, call);
	if (request.path.refused || request.body.refused) {
		gcp_request_free(&request);
		*ret_field = "length";
		return -EINVAL;
	}
	*ret_request = request;
	return 0;
}

void
gcp_request_free(struct gcp_request *request)
{
	buf_free(&request->path);
	buf_free(&request->body);
}
