#include "sim_kube_rig.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

#define QUERY_MAX 16u
/* How long a test waits for what has to come. */
#define WAIT_MS 10000

struct rig rig;

/* The request that the server's questions are about. */
static struct {
	char *names[QUERY_MAX];
	char *values[QUERY_MAX];
	size_t len;
	const char *type;
	char authorization[256];
} asked;

const char *
sim_request_query(const struct sim_request *request, const char *name)
{
	(void)request;
	for (size_t i = 0; i < asked.len; i++)
		if (strcmp(asked.names[i], name) == 0)
			return asked.values[i];
	return NULL;
}

const char *
sim_request_header(const struct sim_request *request, const char *name)
{
	(void)request;
	if (strcasecmp(name, "Accept") == 0)
		return rig.accept != NULL ? rig.accept : "application/json";
	if (strcasecmp(name, "Content-Type") == 0)
		return asked.type;
	if (strcasecmp(name, "User-Agent") == 0)
		return rig.agent;
	if (strcasecmp(name, "Authorization") == 0 && asked.authorization[0] != '\0')
		return asked.authorization;
	return NULL;
}

const char *
sim_request_client_name(const struct sim_request *request)
{
	(void)request;
	return rig.certificate;
}

void
sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
	assert(reply->headers_len < sizeof reply->headers / sizeof reply->headers[0]);
	reply->headers[reply->headers_len].name = name;
	snprintf(reply->headers[reply->headers_len].value,
	    sizeof reply->headers[0].value, "%s", value);
	reply->headers_len++;
}

void
sim_http_wake(struct sim_http *http)
{
	(void)http;
	rig.wakes++;
}

/* Undoes %41 and +; the caller frees. */
static char *
decode(const char *text, size_t len)
{
	char *out = mem_calloc(len + 1, 1);
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = {0};

		if (text[i] == '%' && i + 2 < len) {
			memcpy(hex, text + i + 1, 2);
			out[at++] = (char)strtol(hex, NULL, 16);
			i += 2;
		} else {
			out[at++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

static void
forget_query(void)
{
	for (size_t i = 0; i < asked.len; i++) {
		free(asked.names[i]);
		free(asked.values[i]);
	}
	asked.len = 0;
}

static void
read_query(const char *query)
{
	while (*query != '\0') {
		size_t len = strcspn(query, "&");
		size_t name = strcspn(query, "=&");

		assert(asked.len < QUERY_MAX);
		asked.names[asked.len] = decode(query, name);
		asked.values[asked.len] = name < len
					      ? decode(query + name + 1, len - name - 1)
					      : mem_strdup("");
		asked.len++;
		query += len;
		query += *query == '&';
	}
}

static void
forget_reply(void)
{
	if (rig.reply.stream.next != NULL)
		rig.reply.stream.close(rig.reply.stream.state);
	rig.reply.stream = (struct sim_stream){0};
	buf_free(&rig.reply.body);
	json_object_put(rig.json);
	rig.json = NULL;
}

static void
read_reply(void)
{
	char error[128];

	if (rig.reply.body.len > 0 && rig.reply.body.data[0] == '{')
		rig.json = kube_json_parse(
		    rig.reply.body.data, rig.reply.body.len, error, sizeof error);
}

int
rig_send_typed(const char *method, const char *target, const char *type,
    const char *body, size_t body_len)
{
	size_t path_len = strcspn(target, "?");
	char *path = decode(target, path_len);
	struct sim_request request = {
	    .method = method,
	    .path = path,
	    .body = body,
	    .body_len = body_len,
	    .again = rig.again,
	    .connection = &rig,
	};

	forget_reply();
	forget_query();
	read_query(target[path_len] == '?' ? target + path_len + 1 : "");
	asked.type = type;
	snprintf(asked.authorization, sizeof asked.authorization, "%s%s",
	    rig.token != NULL ? "Bearer " : "", rig.token != NULL ? rig.token : "");
	rig.reply =
	    (struct sim_reply){.status = 200, .content_type = "application/json"};
	buf_init(&rig.reply.body, 1024);
	sim_kube_handle(rig.kube, &request, &rig.reply);
	free(path);
	read_reply();
	return rig.reply.drop ? 0 : rig.reply.status;
}

int
rig_send(const char *method, const char *target, const char *body)
{
	const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json"
							: "application/json";

	return rig_send_typed(method, target, type, body != NULL ? body : "",
	    body != NULL ? strlen(body) : 0);
}

int
rig_sendf(const char *method, const char *target, const char *format, ...)
{
	char *body = NULL;
	va_list args;
	int status, len;

	va_start(args, format);
	len = vasprintf(&body, format, args);
	va_end(args);
	assert(len >= 0);
	status = rig_send(method, target, body);
	free(body);
	return status;
}

const char *
rig_text(const char *path)
{
	return kube_json_text(rig.json, path);
}

int64_t
rig_int(const char *path)
{
	return kube_json_int(rig.json, path, -1);
}

const char *
rig_header(const char *name)
{
	for (size_t i = 0; i < rig.reply.headers_len; i++)
		if (strcasecmp(rig.reply.headers[i].name, name) == 0)
			return rig.reply.headers[i].value;
	return "";
}

struct sim_stream
rig_watch(const char *target)
{
	struct sim_stream stream;

	rig_send("GET", target, NULL);
	stream = rig.reply.stream;
	assert(stream.next != NULL);
	rig.reply.stream = (struct sim_stream){0};
	return stream;
}

struct json_object *
rig_events(const struct sim_stream *stream)
{
	struct json_object *events = json_object_new_array();
	struct buf out;
	char error[128];
	bool bookmark = false;
	int rc = 0;

	buf_init(&out, KUBE_REPLY_MAX);
	while (rc == 0 && !bookmark) {
		size_t before = out.len;

		rc = stream->next(stream->state, &out);
		bookmark = out.len > before &&
			   strstr(out.data + before, "\"BOOKMARK\"") != NULL;
	}
	for (size_t at = 0; at < out.len;) {
		size_t len = strcspn(out.data + at, "\n");
		struct json_object *event;
		char *line = mem_strndup(out.data + at, len);

		event = kube_json_parse(line, len, error, sizeof error);
		assert(event != NULL);
		json_object_array_add(events, event);
		free(line);
		at += len + 1;
	}
	if (rc == -ECANCELED && out.len == 0) {
		json_object_put(events);
		events = NULL;
	}
	buf_free(&out);
	return events;
}

const char *
rig_story(const struct sim_stream *stream)
{
	static char story[1024];
	struct json_object *events = rig_events(stream);
	size_t len = 0;

	story[0] = '\0';
	if (events == NULL)
		return "end";
	for (size_t i = 0; i < kube_json_count(events) && len < sizeof story; i++) {
		struct json_object *event = json_object_array_get_idx(events, i);
		const char *name = kube_json_text(event, "object.metadata.name");

		len += (size_t)snprintf(story + len, sizeof story - len, "%s%s%s%s",
		    i > 0 ? ", " : "", kube_json_text(event, "type"),
		    name[0] != '\0' ? " " : "", name);
	}
	json_object_put(events);
	return story;
}

bool
rig_wait_gone(const char *path)
{
	struct mono_time end = {clock_mono().ms + WAIT_MS};

	while (rig_send("GET", path, NULL) != 404) {
		if (clock_mono().ms > end.ms)
			return false;
		loop_run_once(rig.loop, 100);
	}
	return true;
}

void
rig_setup(void)
{
	rig = (struct rig){.token = RIG_ADMIN};
	rig.loop = loop_new();
	rig.faults = sim_faults_new();
	rig.kube = sim_kube_new(rig.loop, rig.faults);
	sim_kube_add_identity(rig.kube, RIG_ADMIN, "admin", SIM_ROLE_ADMIN);
	sim_kube_add_identity(rig.kube, RIG_CONTROLLER,
	    "system:serviceaccount:kube-system:ipwarden", SIM_ROLE_CONTROLLER);
	sim_kube_add_identity(rig.kube, RIG_READER, "reader", SIM_ROLE_READER);
}

void
rig_teardown(void)
{
	forget_reply();
	forget_query();
	sim_kube_free(rig.kube);
	sim_faults_free(rig.faults);
	loop_free(rig.loop);
}
