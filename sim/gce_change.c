#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gce_api.h"
#include "gce_json.h"
#include "gce_operation.h"
#include "gce_reply.h"
#include "hold.h"

/* The only interface that these machines have. */
#define INTERFACE "nic0"

/* Name of an access config that the caller does not name. */
#define CONFIG_NAME_DEFAULT "External NAT"

/* Nesting of a request's body. */
#define BODY_DEPTH_MAX 4

__attribute__((format(printf, 5, 6))) static void
refuse(const struct gce_call *call, const struct gce_operation *draft,
    const char *reason, const char *code, const char *format, ...)
{
	struct gce_refusal refusal;
	char message[sizeof refusal.message];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	gce_refusal_set(&refusal, strcmp(reason, "notFound") == 0 ? 404 : 400, reason,
	    code, "%s", message);
	gce_operation_note_refusal(call->gce, draft, &refusal);
	gce_reply_error(
	    call->reply, refusal.http_status, reason, "%s", refusal.message);
}

/* --- reading the request -----------------------------------------------------------
 */

/* RFC 4122 in its text form, and not all zeros, as the API asks for. */
static bool
uuid_is_valid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool zero = true;
	size_t i;

	for (i = 0; form[i] != '\0'; i++) {
		bool fits = form[i] == '-'
				? text[i] == '-'
				: text[i] != '\0' &&
				      strchr("0123456789abcdefABCDEF", text[i]) != NULL;

		if (!fits)
			return false;
		if (form[i] == 'x' && text[i] != '0')
			zero = false;
	}
	return text[i] == '\0' && !zero;
}

/* What both changes have in common: interface and request id. */
static bool
read_query(const struct gce_call *call, struct gce_operation *draft)
{
	const char *interface = sim_request_query(call->request, "networkInterface");
	const char *request_id = sim_request_query(call->request, "requestId");

	if (interface == NULL || interface[0] == '\0') {
		refuse(call, draft, "required", "REQUIRED",
		    "Required field 'networkInterface' not specified");
		return false;
	}
	if (strcmp(interface, INTERFACE) != 0) {
		refuse(call, draft, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'networkInterface': '%s'. The specified "
		    "network interface does not exist.",
		    interface);
		return false;
	}
	if (request_id != NULL && !uuid_is_valid(request_id)) {
		refuse(call, draft, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'requestId': '%s'. Must be a UUID other "
		    "than zero.",
		    request_id);
		return false;
	}
	if (request_id != NULL)
		sim_text_copy(draft->request_id, sizeof draft->request_id, request_id);
	return true;
}

/* The reason why an access config's member is refused; NULL: it is taken. */
static const char *
take_member(struct gce_operation *draft, const char *key, struct json_object *value)
{
	static const char *const ignored[] = {"kind", "setPublicPtr"};
	const char *text = json_object_get_string(value);

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		if (strcmp(key, ignored[i]) == 0)
			return NULL;
	if (!json_object_is_type(value, json_type_string))
		return "Must be a string.";
	if (strcmp(key, "type") == 0)
		return strcmp(text, "ONE_TO_ONE_NAT") == 0 ? NULL : "Unknown type.";
	if (strcmp(key, "networkTier") == 0)
		return strcmp(text, "PREMIUM") == 0
			   ? NULL
			   : "The network tier of external IP addresses is PREMIUM; "
			     "that of "
			     "the access config must be the same.";
	if (strcmp(key, "natIP") == 0) {
		if (text[0] != '\0' && !gce_world_ipv4_is_valid(text))
			return "Must be an IPv4 address.";
		sim_text_copy(draft->nat_ip, sizeof draft->nat_ip, text);
		return NULL;
	}
	if (strcmp(key, "name") == 0) {
		if (text[0] == '\0' || strlen(text) > GCE_CONFIG_NAME_MAX)
			return "Not a name.";
		sim_text_copy(draft->config_name, sizeof draft->config_name, text);
		return NULL;
	}
	return "Unknown field.";
}

static struct json_object *
parse_body(const struct sim_request *request)
{
	struct json_tokener *tokener = json_tokener_new_ex(BODY_DEPTH_MAX);
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, request->body, (int)request->body_len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	return root;
}

static bool
read_config(const struct gce_call *call, struct gce_operation *draft)
{
	struct json_object *root = parse_body(call->request);
	const char *why = NULL;

	sim_text_copy(
	    draft->config_name, sizeof draft->config_name, CONFIG_NAME_DEFAULT);
	if (root == NULL) {
		refuse(call, draft, "parseError", "PARSE_ERROR", "Parse Error");
		return false;
	}
	json_object_object_foreach(root, key, value) {
		why = take_member(draft, key, value);
		if (why == NULL)
			continue;
		refuse(call, draft, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'resource.%s': '%s'. %s", key,
		    json_object_get_string(value), why);
		break;
	}
	json_object_put(root);
	return why == NULL;
}

static bool
read_config_name(const struct gce_call *call, struct gce_operation *draft)
{
	const char *name = sim_request_query(call->request, "accessConfig");

	if (name == NULL || name[0] == '\0') {
		refuse(call, draft, "required", "REQUIRED",
		    "Required field 'accessConfig' not specified");
		return false;
	}
	if (strlen(name) > GCE_CONFIG_NAME_MAX) {
		refuse(call, draft, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'accessConfig': '%s'. Not a name.", name);
		return false;
	}
	sim_text_copy(draft->config_name, sizeof draft->config_name, name);
	return true;
}

/* --- carrying it out ---------------------------------------------------------------
 */

static void
answer_operation(const struct gce_call *call, const struct gce_operation *operation)
{
	gce_reply_json(call->reply, gce_json_operation(call->gce, operation),
	    sim_request_query(call->request, "fields"));
}

/* True, and answered, when the request id was seen before. */
static bool
answer_repeat(const struct gce_call *call, const struct gce_operation *draft)
{
	const struct gce_operation *first;

	if (draft->request_id[0] == '\0')
		return false;
	first = gce_operation_of_request(call->gce, draft->request_id);
	if (first == NULL)
		return false;
	if (first->call != draft->call || first->instance_id != draft->instance_id ||
	    strcmp(first->config_name, draft->config_name) != 0 ||
	    strcmp(first->nat_ip, draft->nat_ip) != 0)
		refuse(call, draft, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'requestId': '%s'. It was used for "
		    "another request.",
		    draft->request_id);
	else
		answer_operation(call, first);
	return true;
}

/* Is the change refused at once, and answered? Else *ret_busy says that it begins only
 * to fail at its end, because another operation holds the instance. */
static bool
refuse_at_once(const struct gce_call *call, struct gce_operation *draft,
    const struct gce_instance *instance, bool *ret_busy)
{
	const struct gce_settings *settings = &call->gce->settings;
	int rc;

	if (instance->busy != 0) {
		rc = -EBUSY;
		gce_refusal_set(&draft->refusal, 400, "resourceNotReady",
		    "RESOURCE_NOT_READY",
		    "The resource 'projects/%s/zones/%s/instances/%s' is not ready",
		    call->gce->project, draft->zone, draft->instance_name);
	} else {
		rc = gce_operation_check(
		    call->gce, draft, instance, false, &draft->refusal);
	}
	*ret_busy = rc == -EBUSY;
	/* a conflict is found again when the operation ends */
	if (rc == 0 || (rc == -EBUSY && settings->busy_in_operation) ||
	    (rc == -EADDRINUSE && settings->conflict_in_operation))
		return false;
	refuse(call, draft, draft->refusal.reason, draft->refusal.code, "%s",
	    draft->refusal.message);
	return true;
}

static void
hold(const struct gce_call *call, struct gce_operation *draft, enum sim_hold kind)
{
	const struct sim_seen seen = {
	    .target = "gce",
	    .method = call->request->method,
	    .path = call->request->path,
	};

	/* what is not even answered does not end either */
	if (kind == SIM_HOLD_OPERATION || kind == SIM_HOLD_AFTER)
		draft->hold = sim_holds_add(
		    sim_faults_holds(call->gce->faults), &seen, SIM_HOLD_OPERATION);
	if (kind == SIM_HOLD_WAIT)
		draft->unread =
		    sim_holds_add(sim_faults_holds(call->gce->faults), &seen, kind);
}

static void
begin(const struct gce_call *call, struct gce_operation *draft,
    struct gce_instance *instance, const struct sim_fault *fault)
{
	const char *forced_error = fault->operation_error;
	struct gce_operation *operation;
	bool busy;

	if (answer_repeat(call, draft) || refuse_at_once(call, draft, instance, &busy))
		return;
	draft->forced = busy;
	if (forced_error[0] != '\0') {
		draft->forced = true;
		gce_refusal_set(&draft->refusal, gce_refusal_status(forced_error),
		    "backendError", forced_error, "The operation ended with %s.",
		    forced_error);
	}
	hold(call, draft, fault->hold);
	if (gce_operation_begin(call->gce, draft, instance, !busy, &operation) < 0) {
		gce_reply_error(
		    call->reply, 503, "backendError", "Too many operations are open.");
		return;
	}
	answer_operation(call, operation);
}

/* The instance that the call names, noted in the draft; NULL, and answered: none. */
static struct gce_instance *
find_instance(const struct gce_call *call, struct gce_operation *draft)
{
	struct gce_instance *instance =
	    gce_world_instance(call->gce, call->place, call->name);

	draft->call = call->kind;
	sim_text_copy(draft->zone, sizeof draft->zone, call->place);
	sim_text_copy(draft->instance_name, sizeof draft->instance_name,
	    instance != NULL ? instance->name : call->name);
	if (instance == NULL)
		refuse(call, draft, "notFound", "RESOURCE_NOT_FOUND",
		    "The resource 'projects/%s/zones/%s/instances/%s' was not found",
		    call->gce->project, call->place, call->name);
	else
		draft->instance_id = instance->id;
	return instance;
}

void
gce_change_add_config(const struct gce_call *call, const struct sim_fault *fault)
{
	struct gce_operation draft = {0};
	struct gce_instance *instance = find_instance(call, &draft);

	if (instance != NULL && read_query(call, &draft) && read_config(call, &draft))
		begin(call, &draft, instance, fault);
}

void
gce_change_delete_config(const struct gce_call *call, const struct sim_fault *fault)
{
	struct gce_operation draft = {0};
	struct gce_instance *instance = find_instance(call, &draft);

	if (instance != NULL && read_query(call, &draft) &&
	    read_config_name(call, &draft))
		begin(call, &draft, instance, fault);
}
