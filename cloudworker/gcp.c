#include "gcp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "gcp_reply.h"
#include "gcp_request.h"
#include "log.h"
#include "mem.h"
#include "token.h"

/* The endpoint's back-off doubles from here up to the fault's own most; half of it is
 * random. */
#define PAUSE_LEAST_MS	    500
#define PAUSE_DOUBLINGS_MAX 7

/* The faults after which the endpoint is left alone for a while. A rate quota of GCE is
 * full again within 60 s; an outage may end at any time. */
static const struct {
	enum cloud_fault fault;
	int64_t most_ms;
} pauses[] = {
    {FAULT_NOT_SENT, 15000},
    {FAULT_LOST, 15000},
    {FAULT_TRANSIENT, 15000},
    {FAULT_THROTTLED, 60000},
};

struct call {
	struct gcp *gcp;
	uint64_t ticket;
	enum cloud_op op;
	char place[PLACE_MAX + 1];
	int64_t timeout_ms;
	struct gcp_request request;
	const char *bad_field; /* not NULL: cannot be made into a request */
	gcp_fn *fn;
	void *arg;
	struct http_exchange *exchange; /* NULL: waits for its turn */
	uint64_t generation;		/* of the token that it was made with */
	bool refused;			/* compute has refused a token once */
	TAILQ_ENTRY(call) entry;
};

struct gcp {
	struct loop *loop;
	struct http_target *compute;
	struct token *token;
	struct gcp_hooks hooks;
	TAILQ_HEAD(, call) calls; /* in the order they were made */
	size_t calls_len;
	struct loop_timer *timer; /* the next turn of calls that wait */
	struct mono_time paused;  /* none starts before */
	unsigned int failures;	  /* in a row */
	bool tokenless;		  /* calls have failed for want of a token */
};

static void gcp_turn(void *arg);
static void gcp_token(void *arg, const char *why);

struct gcp *
gcp_new(struct loop *loop, struct http_target *metadata, struct http_target *compute,
    const struct gcp_hooks *hooks)
{
	struct gcp *gcp = mem_calloc(1, sizeof *gcp);

	gcp->loop = loop;
	gcp->compute = compute;
	gcp->hooks = *hooks;
	gcp->timer = loop_timer_new(loop, gcp_turn, gcp);
	gcp->token = token_new(loop, metadata, compute, gcp_token, gcp);
	TAILQ_INIT(&gcp->calls);
	gcp->hooks.credentials(gcp->hooks.arg, "the first token is not there yet");
	token_refresh(gcp->token);
	return gcp;
}

static void
call_free(struct call *call)
{
	TAILQ_REMOVE(&call->gcp->calls, call, entry);
	call->gcp->calls_len--;
	if (call->exchange != NULL)
		http_cancel(call->exchange);
	if (call->bad_field == NULL)
		gcp_request_free(&call->request);
	free(call);
}

void
gcp_free(struct gcp *gcp)
{
	if (gcp == NULL)
		return;
	while (!TAILQ_EMPTY(&gcp->calls))
		call_free(TAILQ_FIRST(&gcp->calls));
	token_free(gcp->token);
	loop_timer_free(gcp->timer);
	free(gcp);
}

/* The calls that wait get their turn as soon as the endpoint may be used. */
static void
gcp_kick(struct gcp *gcp)
{
	loop_timer_arm(gcp->timer, gcp->paused.ms - clock_mono().ms);
}

void
gcp_call(struct gcp *gcp, uint64_t ticket, const struct cloud_call *cloud_call,
    gcp_fn *fn, void *arg)
{
	struct call *call = mem_calloc(1, sizeof *call);

	assert(gcp->calls_len < GCP_CALLS_MAX);
	call->gcp = gcp;
	call->ticket = ticket;
	call->op = cloud_call->op;
	call->timeout_ms = cloud_call->timeout_ms;
	call->fn = fn;
	call->arg = arg;
	MESSAGE_TEXT(call->place, cloud_call->place);
	if (gcp_request_build(cloud_call, &call->request, &call->bad_field) == 0)
		call->bad_field = NULL;
	TAILQ_INSERT_TAIL(&gcp->calls, call, entry);
	gcp->calls_len++;
	gcp_kick(gcp);
}

/* --- the endpoint's back-off --------------------------------------------------- */

/* 0: the fault says nothing against the endpoint. */
static int64_t
pause_most(enum cloud_fault fault)
{
	for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
		if (pauses[i].fault == fault)
			return pauses[i].most_ms;
	return 0;
}

static int64_t
pause_length(unsigned int failures, int64_t most_ms, int64_t asked_ms)
{
	unsigned int doublings =
	    failures < PAUSE_DOUBLINGS_MAX ? failures : PAUSE_DOUBLINGS_MAX;
	int64_t length_ms = (int64_t)PAUSE_LEAST_MS << doublings;
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = 0;
	if (length_ms > most_ms)
		length_ms = most_ms;
	length_ms = length_ms / 2 + (int64_t)random % (length_ms / 2);
	if (asked_ms > length_ms)
		length_ms = asked_ms < most_ms ? asked_ms : most_ms;
	return length_ms;
}

/* A single failure is not worth telling: who met it tries again soon. */
static void
gcp_open(struct gcp *gcp)
{
	unsigned int failures = gcp->failures;

	gcp->failures = 0;
	gcp->paused.ms = 0;
	if (failures > 0)
		log_info("endpoint_open", LOG_N("failures", failures));
	if (failures > 1)
		gcp->hooks.opened(gcp->hooks.arg);
}

/* One good answer opens the endpoint again. A long wait's time limit says nothing. */
static void
gcp_judge(struct gcp *gcp, const struct call *call, const struct http_reply *reply,
    const struct cloud_answer *answer)
{
	int64_t most_ms = pause_most(answer->fault);
	struct mono_time now = clock_mono();
	int64_t pause_ms;

	if (call->op == CLOUD_WAIT_OPERATION && reply->error == -ETIMEDOUT)
		return;
	if (most_ms == 0) {
		gcp_open(gcp);
		return;
	}
	/* calls that were under way together fail together: that is one failure */
	if (now.ms < gcp->paused.ms && reply->retry_after_ms <= 0)
		return;
	pause_ms = pause_length(gcp->failures++, most_ms, reply->retry_after_ms);
	gcp->paused.ms = now.ms + pause_ms;
	log_warn("endpoint_paused", LOG_S("reason", answer->reason),
	    LOG_S("message", answer->message), LOG_N("failures", gcp->failures),
	    LOG_N("pause_ms", pause_ms));
}

/* --- answers ------------------------------------------------------------------- */

static void
call_answer(struct call *call, struct cloud_answer *answer)
{
	uint64_t ticket = call->ticket;
	gcp_fn *fn = call->fn;
	void *arg = call->arg;

	call_free(call);
	fn(arg, ticket, answer);
	cloud_answer_clear(answer);
}

static void
call_fail(
    struct call *call, enum cloud_fault fault, const char *reason, const char *message)
{
	struct cloud_answer answer;

	cloud_answer_init(&answer);
	cloud_answer_fault(&answer, fault, reason, message);
	call_answer(call, &answer);
}

static const char *
error_code(const struct http_reply *reply, char *number, size_t size)
{
	switch (-reply->error) {
	case 0:
		snprintf(number, size, "%d", reply->status);
		return number;
	case ETIMEDOUT:
		return "timeout";
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
		return "reset";
	case EACCES:
		return "certificate";
	default:
		return "error";
	}
}

static void
gcp_measure(struct gcp *gcp, const struct call *call, const struct http_reply *reply,
    const struct cloud_answer *answer)
{
	const char *reason = answer->fault == FAULT_NONE ? "" : answer->reason;
	char number[16];

	if (call->op == CLOUD_WAIT_OPERATION && reply->error == -ETIMEDOUT)
		reason = "";
	gcp->hooks.measured(gcp->hooks.arg, call->op,
	    error_code(reply, number, sizeof number), reason, reply->duration_ms);
}

static void
gcp_answered(void *arg, const struct http_reply *reply)
{
	struct call *call = arg;
	struct gcp *gcp = call->gcp;
	struct cloud_answer answer;

	call->exchange = NULL;
	gcp_reply_read(call->op, call->place, reply, &answer);
	gcp_measure(gcp, call, reply, &answer);
	gcp_judge(gcp, call, reply, &answer);
	if (answer.fault == FAULT_CREDENTIALS) {
		token_invalidate(gcp->token, call->generation);
		if (!call->refused) {
			call->refused = true;
			gcp_kick(gcp);
			return;
		}
		gcp->hooks.credentials(gcp->hooks.arg, answer.message);
	} else if (reply->error == 0) {
		gcp->hooks.credentials(gcp->hooks.arg, "");
	}
	call_answer(call, &answer);
	gcp_kick(gcp);
}

/* --- starting ------------------------------------------------------------------ */

/* Hands it to the network if it may go there. */
static void
call_start(struct call *call)
{
	struct gcp *gcp = call->gcp;
	int rc = 0;

	if (cloud_op_changes(call->op))
		rc = gcp->hooks.permit(gcp->hooks.arg, call->ticket);
	if (rc == -ESTALE) {
		call_fail(call, FAULT_REREAD, "ReadTooOld",
		    "the instance was read too long ago to change it now");
		return;
	}
	if (rc != 0) {
		call_fail(call, FAULT_NO_GRANT, "NoGrant",
		    "the lease that the order rests on has ended");
		return;
	}
	call->generation = token_generation(gcp->token);
	call->exchange = http_start(gcp->compute,
	    &(struct http_request){
		.method = call->request.method,
		.path = call->request.path.data,
		.headers =
		    call->request.body.len > 0
			? (const char *const[]){"Content-Type: application/json", NULL}
			: NULL,
		.body = call->request.body.data,
		.body_len = call->request.body.len,
		.timeout_ms = call->timeout_ms,
		.size_max = GCP_REPLY_MAX,
		.done = gcp_answered,
		.arg = call,
	    });
	assert(call->exchange != NULL);
}

static struct call *
first_waiting(const struct gcp *gcp)
{
	struct call *call;

	TAILQ_FOREACH(call, &gcp->calls, entry)
		if (call->exchange == NULL)
			return call;
	return NULL;
}

/* Lets all go that wait. An answer may add and remove calls, so the walk starts anew
 * after each; every round starts or ends one. */
static void
gcp_turn(void *arg)
{
	struct gcp *gcp = arg;
	int64_t left_ms = gcp->paused.ms - clock_mono().ms;
	struct call *call;

	if (left_ms > 0) {
		loop_timer_arm(gcp->timer, left_ms);
		return;
	}
	while ((call = first_waiting(gcp)) != NULL) {
		if (call->bad_field != NULL) {
			char message[128];

			snprintf(
			    message, sizeof message, "not a valid %s", call->bad_field);
			call_fail(call, FAULT_FINAL, "InvalidRequest", message);
		} else if (token_valid(gcp->token)) {
			call_start(call);
		} else {
			token_refresh(gcp->token);
			return;
		}
	}
}

/* With a token all go on; without, each is told. */
static void
gcp_token(void *arg, const char *why)
{
	struct gcp *gcp = arg;
	struct call *call;
	size_t waiting;

	if (token_valid(gcp->token)) {
		gcp->hooks.credentials(gcp->hooks.arg, "");
		if (gcp->tokenless)
			gcp->hooks.opened(gcp->hooks.arg);
		gcp->tokenless = false;
		gcp_kick(gcp);
		return;
	}
	if (why == NULL)
		why = "the token had ended when it came";
	gcp->tokenless = true;
	gcp->hooks.credentials(gcp->hooks.arg, why);
	for (waiting = gcp->calls_len; waiting > 0; waiting--) {
		call = first_waiting(gcp);
		if (call == NULL)
			return;
		call_fail(call, FAULT_NOT_SENT, "NoCredentials", why);
	}
}
