#include "kube_fault.h"

#include <stdio.h>
#include <string.h>

#include "hold.h"
#include "kube_json.h"
#include "kube_status.h"
#include "log.h"

/* What a server says when it has no better words. */
static const struct {
	int status;
	const char *reason;
	const char *message;
} refusals[] = {
    {400, "BadRequest", "the server could not understand the request"},
    {401, "Unauthorized", "Unauthorized"},
    {403, "Forbidden", "forbidden: the request is not allowed"},
    {404, "NotFound", "the server could not find the requested resource"},
    {409, "Conflict",
	"Operation cannot be fulfilled: the object has been modified; please apply "
	"your changes to the latest version and try again"},
    {410, "Expired", "The resourceVersion for the provided list is too old."},
    {422, "Invalid", "the server rejected our request due to an error in our request"},
    {429, "TooManyRequests", "Too many requests, please try again later."},
    {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
    {504, "Timeout", "Timeout: request did not complete within the allotted timeout"},
};

static struct kube_held *
held_find(struct sim_kube *kube, const void *connection)
{
	for (size_t i = 0; i < KUBE_HELD_MAX; i++)
		if (kube->held[i].connection == connection)
			return &kube->held[i];
	return NULL;
}

static struct sim_seen
seen_of(const struct kube_call *call)
{
	return (struct sim_seen){
	    .target = "kube",
	    .method = call->request->method,
	    .path = call->request->path,
	    .verb = call->verb != NULL ? call->verb : "",
	    .user = call->caller.user,
	    .body = call->request->body,
	};
}

static void
held_free(struct kube_held *held)
{
	buf_free(&held->reply.body);
	*held = (struct kube_held){0};
}

/* Puts the answer off; the fault waits for the next call. NULL: no room. */
static struct kube_held *
put_off(struct kube_call *call, int64_t defer_ms)
{
	struct kube_held *held = held_find(call->kube, call->request->connection);

	if (held == NULL)
		held = held_find(call->kube, NULL);
	if (held == NULL) {
		log_warn("fault_delay_dropped", LOG_S("path", call->request->path));
		return NULL;
	}
	held_free(held);
	held->connection = call->request->connection;
	held->fault = call->fault;
	held->begun = call->begun;
	call->reply->defer_ms = defer_ms;
	return held;
}

static struct kube_held *
hold(struct kube_call *call)
{
	const struct sim_seen seen = seen_of(call);
	struct kube_held *held = put_off(call, SIM_HOLD_LOOK_MS);

	if (held != NULL)
		held->hold = sim_holds_add(
		    sim_faults_holds(call->kube->faults), &seen, call->fault.hold);
	return held;
}

/* A request that was put off comes again. True: not yet, or its answer is ready. */
static bool
come_again(struct kube_call *call, struct kube_held *held)
{
	if (sim_holds_last(sim_faults_holds(call->kube->faults), held->hold)) {
		call->reply->defer_ms = SIM_HOLD_LOOK_MS;
		return true;
	}
	if (held->ready) {
		buf_free(&call->reply->body);
		*call->reply = held->reply;
		buf_init(&held->reply.body, 0);
		held_free(held);
		return true;
	}
	call->fault = held->fault;
	call->begun = held->begun;
	held_free(held);
	return false;
}

bool
kube_fault_meet(struct kube_call *call)
{
	const struct sim_seen seen = seen_of(call);
	struct kube_held *held;

	call->begun = clock_mono();
	if (call->request->again) {
		held = held_find(call->kube, call->request->connection);
		return held != NULL && come_again(call, held);
	}
	if (call->kube->faults == NULL ||
	    !sim_faults_take(call->kube->faults, &seen, &call->fault))
		return false;
	if (call->fault.hold == SIM_HOLD_BEFORE)
		return hold(call) != NULL;
	return call->fault.delay_ms > 0 && put_off(call, call->fault.delay_ms) != NULL;
}

void
kube_fault_hold_answer(struct kube_call *call)
{
	struct sim_reply reply = *call->reply;
	struct kube_held *held;

	/* a stream has no answer that could come later as a whole */
	if (call->fault.hold != SIM_HOLD_AFTER || reply.stream.next != NULL)
		return;
	held = hold(call);
	if (held == NULL)
		return;
	reply.defer_ms = 0;
	held->reply = reply;
	held->ready = true;
	*call->reply = (struct sim_reply){
	    .status = reply.status,
	    .content_type = reply.content_type,
	    .defer_ms = SIM_HOLD_LOOK_MS,
	};
	buf_init(&call->reply->body, reply.body.len_max);
}

void
kube_fault_forget(struct sim_kube *kube)
{
	for (size_t i = 0; i < KUBE_HELD_MAX; i++)
		held_free(&kube->held[i]);
}

bool
sim_kube_refuses(void *arg)
{
	struct sim_kube *kube = arg;

	return kube->faults != NULL && sim_faults_take_connection(kube->faults, "kube");
}

static void
set_retry_after(struct kube_call *call)
{
	const struct sim_fault *fault = &call->fault;
	int64_t seconds = fault->retry_after_s;
	char text[24];

	if (seconds == 0 && (fault->status == 429 || fault->status == 503))
		seconds = 1;
	if (seconds == 0)
		return;
	snprintf(text, sizeof text, "%lld", (long long)seconds);
	sim_reply_header(call->reply, "Retry-After", text);
}

/* A refusal in the words that go with the status. */
static void
refuse(struct kube_call *call, int status)
{
	const char *reason = "InternalError";
	const char *message =
	    "an error on the server has prevented the request from succeeding";

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if (refusals[i].status == status) {
			reason = refusals[i].reason;
			message = refusals[i].message;
		}
	kube_fail(call, status, reason, NULL, "%s", message);
}

/* A watch whose only event is an ERROR. */
static void
answer_error_event(struct kube_call *call)
{
	struct buf body;

	refuse(call, call->fault.error_event);
	buf_init(&body, KUBE_REPLY_MAX);
	buf_puts(&body, "{\"type\":\"ERROR\",\"object\":");
	/* without the newline of the Status */
	buf_put(&body, call->reply->body.data, call->reply->body.len - 1);
	buf_puts(&body, "}\n");
	kube_reply_body(call, &body);
	call->reply->status = 200;
}

bool
kube_fault_answer(struct kube_call *call)
{
	const struct sim_fault *fault = &call->fault;

	if (fault->drop_before) {
		call->reply->drop = true;
		return true;
	}
	if (fault->error_event > 0 && call->verb != NULL &&
	    strcmp(call->verb, "watch") == 0) {
		answer_error_event(call);
		return true;
	}
	if (fault->status == 0)
		return false;
	set_retry_after(call);
	if (fault->body[0] == '\0') {
		refuse(call, fault->status);
		return true;
	}
	kube_reply_text(call, fault->status, fault->body);
	if (fault->body[0] == '{')
		call->reply->content_type = "application/json";
	return true;
}

void
kube_fault_finish(struct kube_call *call)
{
	struct sim_reply *reply = call->reply;

	if (!call->fault.drop_after) {
		kube_bend_reply(&call->fault, reply);
		return;
	}
	if (reply->stream.next != NULL)
		reply->stream.close(reply->stream.state);
	reply->stream = (struct sim_stream){0};
	reply->drop = true;
}
