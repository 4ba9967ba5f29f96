#include "gce_reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gce_fields.h"
#include "gce_json.h"

static const char *
status_text(int http_status)
{
	switch (http_status) {
	case 400:
		return "INVALID_ARGUMENT";
	case 401:
		return "UNAUTHENTICATED";
	case 403:
		return "PERMISSION_DENIED";
	case 404:
		return "NOT_FOUND";
	case 409:
		return "ALREADY_EXISTS";
	case 412:
		return "FAILED_PRECONDITION";
	case 429:
		return "RESOURCE_EXHAUSTED";
	case 503:
		return "UNAVAILABLE";
	default:
		return "INTERNAL";
	}
}

static void
put_object(struct sim_reply *reply, struct json_object *object)
{
	buf_puts(&reply->body,
	    json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

void
gce_reply_error(struct sim_reply *reply, int http_status, const char *reason,
    const char *format, ...)
{
	struct json_object *root = json_object_new_object();
	struct json_object *error = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *detail = json_object_new_object();
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	gce_json_add_text(detail, "message", message);
	gce_json_add_text(detail, "domain",
	    strcmp(reason, "rateLimitExceeded") == 0 ? "usageLimits" : "global");
	gce_json_add_text(detail, "reason", reason);
	json_object_array_add(list, detail);
	json_object_object_add(error, "code", json_object_new_int(http_status));
	gce_json_add_text(error, "message", message);
	json_object_object_add(error, "errors", list);
	gce_json_add_text(error, "status", status_text(http_status));
	json_object_object_add(root, "error", error);
	reply->status = http_status;
	put_object(reply, root);
}

void
gce_reply_json(struct sim_reply *reply, struct json_object *object, const char *fields)
{
	struct json_object *part;

	if (fields == NULL) {
		put_object(reply, object);
		return;
	}
	if (gce_fields_apply(fields, object, &part) == 0)
		put_object(reply, part);
	else
		gce_reply_error(reply, 400, "invalidParameter",
		    "Invalid field selection %s", fields);
	json_object_put(object);
}
