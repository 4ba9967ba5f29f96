#include "kube_status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_json.h"
#include "mem.h"

/* Longest message of a Status: it may quote a whole object. */
#define MESSAGE_MAX (1024u * 1024u)

void
kube_causes_add(struct kube_causes *causes, const char *reason, const char *field,
    const char *format, ...)
{
	struct kube_cause *cause;
	va_list args;
	int len;

	if (causes->len == KUBE_CAUSES_MAX)
		return;
	cause = &causes->items[causes->len++];
	cause->reason = reason;
	cause->field = mem_strdup(field);
	va_start(args, format);
	len = vasprintf(&cause->message, format, args);
	va_end(args);
	if (len < 0)
		cause->message = mem_strdup("");
}

void
kube_causes_free(struct kube_causes *causes)
{
	for (size_t i = 0; i < causes->len; i++) {
		free(causes->items[i].field);
		free(causes->items[i].message);
	}
	causes->len = 0;
}

void
kube_reply_body(struct kube_call *call, struct buf *body)
{
	buf_free(&call->reply->body);
	call->reply->body = *body;
	buf_init(body, body->len_max);
}

void
kube_reply_json(struct kube_call *call, int code, struct json_object *json)
{
	struct buf body;
	size_t len;
	const char *text = kube_json_write(json, &len);

	buf_init(&body, KUBE_REPLY_MAX);
	buf_put(&body, text, len);
	buf_putc(&body, '\n');
	json_object_put(json);
	call->reply->status = code;
	call->reply->content_type = "application/json";
	kube_reply_body(call, &body);
}

void
kube_reply_text(struct kube_call *call, int code, const char *text)
{
	struct buf body;

	buf_init(&body, KUBE_REPLY_MAX);
	buf_puts(&body, text);
	call->reply->status = code;
	call->reply->content_type = "text/plain; charset=utf-8";
	sim_reply_header(call->reply, "X-Content-Type-Options", "nosniff");
	kube_reply_body(call, &body);
}

static int
fail_with(struct kube_call *call, int code, const char *reason,
    struct json_object *details, const char *message)
{
	struct json_object *status = json_object_new_object();

	kube_json_set_text(status, "kind", "Status");
	kube_json_set_text(status, "apiVersion", "v1");
	json_object_object_add(status, "metadata", json_object_new_object());
	kube_json_set_text(status, "status", "Failure");
	kube_json_set_text(status, "message", message);
	if (reason[0] != '\0')
		kube_json_set_text(status, "reason", reason);
	if (details != NULL)
		json_object_object_add(status, "details", details);
	kube_json_set_int(status, "code", code);
	kube_reply_json(call, code, status);
	return -ECANCELED;
}

int
kube_fail(struct kube_call *call, int code, const char *reason,
    struct json_object *details, const char *format, ...)
{
	char *message = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&message, format, args);
	va_end(args);
	if (len < 0)
		message = mem_strdup("");
	fail_with(call, code, reason, details, message);
	free(message);
	return -ECANCELED;
}

void
kube_status_resource(const struct kube_view *view, struct buf *out)
{
	buf_puts(out, view->resource->plural);
	if (view->group[0] != '\0')
		buf_printf(out, ".%s", view->group);
}

/* {"name":…,"group":…,"kind":…}; an empty part is left out. */
static struct json_object *
details_new(const struct kube_view *view, const char *name, const char *kind)
{
	struct json_object *details = json_object_new_object();

	if (name[0] != '\0')
		kube_json_set_text(details, "name", name);
	if (view->group[0] != '\0')
		kube_json_set_text(details, "group", view->group);
	kube_json_set_text(details, "kind", kind);
	return details;
}

int
kube_fail_not_found(struct kube_call *call, const char *name)
{
	struct buf resource;
	int rc;

	buf_init(&resource, KUBE_KEY_MAX);
	kube_status_resource(call->view, &resource);
	rc = kube_fail(call, 404, "NotFound",
	    details_new(call->view, name, call->view->resource->plural),
	    "%s \"%s\" not found", resource.data, name);
	buf_free(&resource);
	return rc;
}

int
kube_fail_exists(struct kube_call *call, const char *name)
{
	struct buf resource;
	int rc;

	buf_init(&resource, KUBE_KEY_MAX);
	kube_status_resource(call->view, &resource);
	rc = kube_fail(call, 409, "AlreadyExists",
	    details_new(call->view, name, call->view->resource->plural),
	    "%s \"%s\" already exists", resource.data, name);
	buf_free(&resource);
	return rc;
}

int
kube_fail_conflict(struct kube_call *call, const char *name, const char *why)
{
	struct buf resource;
	int rc;

	if (why == NULL)
		why = "the object has been modified; please apply your changes to the "
		      "latest version and try again";
	buf_init(&resource, KUBE_KEY_MAX);
	kube_status_resource(call->view, &resource);
	rc = kube_fail(call, 409, "Conflict",
	    details_new(call->view, name, call->view->resource->plural),
	    "Operation cannot be fulfilled on %s \"%s\": %s", resource.data, name, why);
	buf_free(&resource);
	return rc;
}

static struct json_object *
causes_json(const struct kube_causes *causes)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < causes->len; i++) {
		struct json_object *item = json_object_new_object();

		kube_json_set_text(item, "reason", causes->items[i].reason);
		kube_json_set_text(item, "message", causes->items[i].message);
		kube_json_set_text(item, "field", causes->items[i].field);
		json_object_array_add(list, item);
	}
	return list;
}

int
kube_fail_invalid(
    struct kube_call *call, const char *name, const struct kube_causes *causes)
{
	const struct kube_resource *resource = call->view->resource;
	struct json_object *details = details_new(call->view, name, resource->kind);
	bool many = causes->len > 1;
	struct buf message;

	buf_init(&message, MESSAGE_MAX);
	buf_puts(&message, resource->kind);
	if (call->view->group[0] != '\0')
		buf_printf(&message, ".%s", call->view->group);
	buf_printf(&message, " \"%s\" is invalid: %s", name, many ? "[" : "");
	for (size_t i = 0; i < causes->len; i++)
		buf_printf(&message, "%s%s: %s", i > 0 ? ", " : "",
		    causes->items[i].field, causes->items[i].message);
	buf_puts(&message, many ? "]" : "");
	json_object_object_add(details, "causes", causes_json(causes));
	fail_with(call, 422, "Invalid", details, message.data);
	buf_free(&message);
	return -ECANCELED;
}

static void
describe_scope(const struct kube_call *call, struct buf *out)
{
	buf_printf(out, "cannot %s resource \"%s%s%s\" in API group \"%s\" ",
	    call->verb, call->view->resource->plural,
	    call->subresource[0] != '\0' ? "/" : "", call->subresource,
	    call->view->group);
	if (call->space[0] != '\0')
		buf_printf(out, "in the namespace \"%s\"", call->space);
	else
		buf_puts(out, "at the cluster scope");
}

int
kube_fail_forbidden(struct kube_call *call)
{
	struct buf message;
	struct json_object *details;

	sim_reply_header(call->reply, "X-Content-Type-Options", "nosniff");
	buf_init(&message, MESSAGE_MAX);
	if (call->view == NULL) {
		buf_printf(&message, "forbidden: User \"%s\" cannot %s path \"%s\"",
		    call->caller.user, call->verb, call->request->path);
		details = json_object_new_object();
	} else {
		kube_status_resource(call->view, &message);
		if (call->name[0] != '\0')
			buf_printf(&message, " \"%s\"", call->name);
		buf_printf(&message, " is forbidden: User \"%s\" ", call->caller.user);
		describe_scope(call, &message);
		details =
		    details_new(call->view, call->name, call->view->resource->plural);
	}
	fail_with(call, 403, "Forbidden", details, message.data);
	buf_free(&message);
	return -ECANCELED;
}

int
kube_fail_unknown_path(struct kube_call *call)
{
	kube_reply_text(call, 404, "404 page not found\n");
	return -ECANCELED;
}
