/* Single calls: one request, one answer. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "mem.h"

struct kube_call_state {
	struct kube *kube;
	kube_done_fn *done;
	void *arg;
	struct http_exchange *exchange;
	uint64_t credentials; /* those that it was made with */
	bool repeated;
	char method[8];
	char *path;
	enum kube_body body_kind;
	char *body;
	int64_t timeout_ms;
	TAILQ_ENTRY(kube_call_state) link;
};

static void on_done(void *arg, const struct http_reply *reply);

static const char *
content_type(enum kube_body kind)
{
	switch (kind) {
	case KUBE_BODY_MERGE_PATCH:
		return "Content-Type: application/merge-patch+json";
	case KUBE_BODY_STRATEGIC_PATCH:
		return "Content-Type: application/strategic-merge-patch+json";
	case KUBE_BODY_JSON:
		break;
	}
	return "Content-Type: application/json";
}

static void
start(struct kube_call_state *call)
{
	const char *headers[] = {
	    call->kube->user_agent,
	    "Accept: application/json",
	    call->body != NULL ? content_type(call->body_kind) : NULL,
	    NULL,
	};
	struct http_request request = {
	    .method = call->method,
	    .path = call->path,
	    .headers = headers,
	    .body = call->body,
	    .body_len = call->body != NULL ? strlen(call->body) : 0,
	    .timeout_ms = call->timeout_ms,
	    .done = on_done,
	    .arg = call,
	};

	call->credentials = call->kube->credentials;
	call->exchange = http_start(call->kube->target, &request);
}

/* The API server keeps, field by field, who wrote it last: under this name for us. */
static char *
full_path(const struct kube_call *call)
{
	bool writes = strcmp(call->method, "POST") == 0 ||
		      strcmp(call->method, "PUT") == 0 ||
		      strcmp(call->method, "PATCH") == 0;

	if (!writes)
		return mem_strdup(call->path);
	return mem_printf("%s%cfieldManager=%s", call->path,
	    strchr(call->path, '?') != NULL ? '&' : '?', KUBE_FIELD_MANAGER);
}

void
kube_call(
    struct kube *kube, const struct kube_call *call, kube_done_fn *done, void *arg)
{
	struct kube_call_state *state = mem_calloc(1, sizeof *state);

	state->kube = kube;
	state->done = done;
	state->arg = arg;
	snprintf(state->method, sizeof state->method, "%s", call->method);
	state->path = full_path(call);
	state->body_kind = call->body_kind;
	state->body = call->body != NULL ? mem_strdup(call->body) : NULL;
	state->timeout_ms =
	    call->timeout_ms > 0 ? call->timeout_ms : KUBE_CALL_TIMEOUT_MS;
	TAILQ_INSERT_TAIL(&kube->calls, state, link);
	start(state);
}

static void
free_call(struct kube_call_state *call)
{
	TAILQ_REMOVE(&call->kube->calls, call, link);
	free(call->path);
	free(call->body);
	free(call);
}

void
kube_calls_free(struct kube *kube)
{
	struct kube_call_state *call;

	while ((call = TAILQ_FIRST(&kube->calls)) != NULL) {
		http_cancel(call->exchange);
		free_call(call);
	}
}

/* What went wrong, in the server's words where it has any. */
static void
take_refusal(struct kube_reply *reply, const struct http_reply *answer)
{
	struct kube_status status;

	if (kube_status_read(reply->json, &status) == 0) {
		memcpy(reply->reason, status.reason, sizeof reply->reason);
		memcpy(reply->message, status.message, sizeof reply->message);
		if (reply->retry_after_ms < 0)
			reply->retry_after_ms = status.retry_after_ms;
	} else {
		snprintf(reply->message, sizeof reply->message, "HTTP status %d",
		    answer->status);
	}
}

static void
on_done(void *arg, const struct http_reply *answer)
{
	struct kube_call_state *call = arg;
	struct kube_reply reply = {
	    .error = answer->error,
	    .status = answer->status,
	    .retry_after_ms = answer->retry_after_ms,
	    .maybe_sent = answer->maybe_sent,
	};

	if (answer->error == 0 && answer->status == 401 && !call->repeated &&
	    call->credentials != call->kube->credentials) {
		call->repeated = true;
		start(call);
		return;
	}
	if (answer->error != 0) {
		snprintf(reply.message, sizeof reply.message, "%s", answer->detail);
	} else {
		reply.json = kube_json_parse(answer->body, answer->body_len);
		if (answer->status < 200 || answer->status > 299)
			take_refusal(&reply, answer);
	}
	call->done(call->arg, &reply);
	json_object_put(reply.json);
	free_call(call);
}
