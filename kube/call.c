/* Single calls: one request, one answer. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "mem.h"

static const struct rate_limit call_limit = {
    .burst = KUBE_CALLS_BURST, .per_minute = KUBE_CALLS_PER_S * INT64_C(60)};

/* While calls wait, it is looked so often for a token (milliseconds). */
#define TURN_MS (1000 / KUBE_CALLS_PER_S)

struct kube_call_state {
	struct kube *kube;
	kube_done_fn *done;
	void *arg;
	struct http_exchange *exchange;
	uint64_t credentials; /* those that it was made with */
	bool repeated;
	char method[8];
	char *path;
	char audit_id[64]; /* the header; "" none */
	enum kube_body body_kind;
	char *body;
	struct mono_time due;	 /* it ends then */
	struct mono_time latest; /* its turn comes by then, or not at all */
	bool urgent;
	bool refused; /* too many wait */
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

/* At least 1: 0 is no limit. */
static int64_t
left_ms(const struct kube_call_state *call)
{
	int64_t left = call->due.ms - clock_mono().ms;

	return left > 0 ? left : 1;
}

static void
start(struct kube_call_state *call)
{
	const char *headers[] = {
	    call->kube->user_agent,
	    "Accept: application/json",
	    NULL,
	    NULL,
	    NULL,
	};
	size_t len = 2;
	struct http_request request = {
	    .method = call->method,
	    .path = call->path,
	    .headers = headers,
	    .body = call->body,
	    .body_len = call->body != NULL ? strlen(call->body) : 0,
	    .timeout_ms = left_ms(call),
	    .done = on_done,
	    .arg = call,
	};

	if (call->body != NULL)
		headers[len++] = content_type(call->body_kind);
	if (call->audit_id[0] != '\0')
		headers[len++] = call->audit_id;
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

static bool
take_turn(struct kube *kube)
{
	return kube->calls_len < KUBE_CALLS_OPEN_MAX &&
	       rate_take(&kube->call_rate, &call_limit, clock_mono(), 1);
}

static void
send_off(struct kube_call_state *call)
{
	TAILQ_INSERT_TAIL(&call->kube->calls, call, link);
	call->kube->calls_len += !call->urgent;
	start(call);
}

/* The next in the queue may have waited for its end. */
static void
come_home(struct kube_call_state *call)
{
	struct kube *kube = call->kube;

	TAILQ_REMOVE(&kube->calls, call, link);
	kube->calls_len -= !call->urgent;
	if (!TAILQ_EMPTY(&kube->waiting))
		loop_timer_arm(kube->call_timer, 0);
}

static void
wait_for_turn(struct kube_call_state *call)
{
	struct kube *kube = call->kube;

	call->refused = kube->waiting_len >= KUBE_CALLS_WAITING_MAX;
	TAILQ_INSERT_TAIL(&kube->waiting, call, link);
	if (kube->waiting_len++ == 0 || call->refused)
		loop_timer_arm(kube->call_timer, call->refused ? 0 : TURN_MS);
}

static void
leave_queue(struct kube_call_state *call)
{
	TAILQ_REMOVE(&call->kube->waiting, call, link);
	call->kube->waiting_len--;
}

void
kube_call(
    struct kube *kube, const struct kube_call *call, kube_done_fn *done, void *arg)
{
	struct kube_call_state *state = mem_calloc(1, sizeof *state);
	int64_t timeout_ms =
	    call->timeout_ms > 0 ? call->timeout_ms : KUBE_CALL_TIMEOUT_MS;

	state->kube = kube;
	state->done = done;
	state->arg = arg;
	snprintf(state->method, sizeof state->method, "%s", call->method);
	state->path = full_path(call);
	if (call->request_id != NULL)
		snprintf(state->audit_id, sizeof state->audit_id, "Audit-ID: %s",
		    call->request_id);
	state->body_kind = call->body_kind;
	state->body = call->body != NULL ? mem_strdup(call->body) : NULL;
	state->due.ms = clock_mono().ms + timeout_ms;
	/* with little time left it would only be cut off half-way */
	state->latest.ms = state->due.ms - timeout_ms / 2;
	state->urgent = call->urgent;
	if (call->urgent || (TAILQ_EMPTY(&kube->waiting) && take_turn(kube)))
		send_off(state);
	else
		wait_for_turn(state);
}

static void
free_call(struct kube_call_state *call)
{
	free(call->path);
	free(call->body);
	free(call);
}

/* One that was never sent. */
static void
give_up(struct kube_call_state *call)
{
	struct kube_reply reply = {
	    .error = call->refused ? -EBUSY : -ETIMEDOUT, .retry_after_ms = -1};

	snprintf(reply.message, sizeof reply.message, "%s",
	    call->refused ? "too many calls wait for their turn"
			  : "its turn did not come in time");
	call->done(call->arg, &reply);
	free_call(call);
}

static struct kube_call_state *
first_over(struct kube *kube)
{
	int64_t now_ms = clock_mono().ms;
	struct kube_call_state *call;

	TAILQ_FOREACH(call, &kube->waiting, link)
		if (call->refused || call->latest.ms <= now_ms)
			break;
	return call;
}

/* What is done with a call may make more of them: the walk starts anew after each. */
void
kube_calls_turn(void *arg)
{
	struct kube *kube = arg;
	struct kube_call_state *call;

	for (size_t i = 0; i <= KUBE_CALLS_WAITING_MAX; i++) {
		call = first_over(kube);
		if (call == NULL)
			break;
		leave_queue(call);
		give_up(call);
	}
	while ((call = TAILQ_FIRST(&kube->waiting)) != NULL && take_turn(kube)) {
		leave_queue(call);
		send_off(call);
	}
	if (call != NULL)
		loop_timer_arm(kube->call_timer, TURN_MS);
}

void
kube_calls_free(struct kube *kube)
{
	struct kube_call_state *call;

	while ((call = TAILQ_FIRST(&kube->waiting)) != NULL) {
		leave_queue(call);
		free_call(call);
	}
	while ((call = TAILQ_FIRST(&kube->calls)) != NULL) {
		come_home(call);
		http_cancel(call->exchange);
		free_call(call);
	}
}

/* What went wrong, in the server's words where it has any. */
static void
take_refusal(struct kube_reply *reply, const struct http_reply *answer)
{
	struct kube_status status;

	snprintf(
	    reply->message, sizeof reply->message, "HTTP status %d", answer->status);
	if (kube_status_read(reply->json, &status) < 0)
		return;
	memcpy(reply->reason, status.reason, sizeof reply->reason);
	if (status.message[0] != '\0')
		memcpy(reply->message, status.message, sizeof reply->message);
	if (reply->retry_after_ms < 0)
		reply->retry_after_ms = status.retry_after_ms;
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

	kube_measured(call->kube, call->method, answer->error, answer->status);
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
	come_home(call);
	free_call(call);
}
