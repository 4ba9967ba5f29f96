#include "gcp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "breaker.h"
#include "gcp_reply.h"
#include "gcp_request.h"
#include "log.h"
#include "mem.h"
#include "token.h"

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
	bool probe;			/* of the endpoint, whose breaker is open */
	TAILQ_ENTRY(call) entry;
};

struct gcp {
	struct loop *loop;
	struct http_target *compute;
	struct token *token;
	struct gcp_hooks hooks;
	TAILQ_HEAD(, call) calls; /* in the order they were made */
	size_t calls_len;
	struct loop_timer *timer;   /* the next turn of calls that wait */
	struct breaker breaker;	    /* of compute */
	char probed[PLACE_MAX + 1]; /* the place of the last probe */
	bool tokenless;		    /* calls have failed for want of a token */
};

static void gcp_turn(void *arg);
static void gcp_token(void *arg, const char *why);
static void gcp_token_broken(
    void *arg, bool open, unsigned int failures, const char *why);
static struct call *first_waiting(const struct gcp *gcp);
static void call_fail(
    struct call *call, enum cloud_fault fault, const char *reason, const char *message);

struct gcp *
gcp_new(struct loop *loop, struct http_target *metadata, struct http_target *compute,
    const struct gcp_hooks *hooks)
{
	struct gcp *gcp = mem_calloc(1, sizeof *gcp);

	gcp->loop = loop;
	gcp->compute = compute;
	gcp->hooks = *hooks;
	gcp->timer = loop_timer_new(loop, gcp_turn, gcp);
	gcp->token =
	    token_new(loop, metadata, compute, gcp_token, gcp_token_broken, gcp);
	TAILQ_INIT(&gcp->calls);
	gcp->hooks.breaker(gcp->hooks.arg, GCP_COMPUTE, false);
	gcp->hooks.breaker(gcp->hooks.arg, GCP_METADATA, false);
	gcp->hooks.credentials(gcp->hooks.arg, "the first token is not there yet");
	token_refresh(gcp->token);
	return gcp;
}

static void
call_unprobe(struct call *call)
{
	if (call->probe)
		breaker_unprobe(&call->gcp->breaker);
	call->probe = false;
}

static void
call_free(struct call *call)
{
	call_unprobe(call);
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

/* The calls that wait get their turn as soon as the endpoint may be used; those behind
 * a probe when it has ended. */
static void
gcp_kick(struct gcp *gcp)
{
	int64_t wait_ms = breaker_wait_ms(&gcp->breaker, clock_mono());

	if (wait_ms >= 0)
		loop_timer_arm(gcp->timer, wait_ms);
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

/* --- the endpoint's breaker ---------------------------------------------------- */

static bool
call_lists(const struct call *call)
{
	return call->op == CLOUD_LIST_INSTANCES || call->op == CLOUD_LIST_ADDRESSES;
}

/* A server's error about one instance or operation is the business of whoever asked:
 * the rest goes on. */
static enum breaker_mark
call_mark(const struct call *call, enum cloud_fault fault)
{
	switch (fault) {
	case FAULT_NOT_SENT:
	case FAULT_LOST:
		return BREAKER_OUTAGE;
	case FAULT_TRANSIENT:
		return call_lists(call) ? BREAKER_OUTAGE : BREAKER_SILENT;
	case FAULT_THROTTLED:
		return BREAKER_THROTTLED;
	case FAULT_NONE:
	case FAULT_BUSY:
	case FAULT_REREAD:
	case FAULT_GONE:
	case FAULT_FINAL:
	case FAULT_CREDENTIALS:
	case FAULT_NO_GRANT:
		break;
	}
	return BREAKER_GOOD;
}

/* What waits behind a probe that failed has failed with it; what is asked for anew
 * because of that has not. */
static void
gcp_fail_waiting(
    struct gcp *gcp, enum cloud_fault fault, const char *reason, const char *message)
{
	size_t waiting = 0;
	struct call *call;

	TAILQ_FOREACH(call, &gcp->calls, entry)
		waiting += call->exchange == NULL;
	for (; waiting > 0 && (call = first_waiting(gcp)) != NULL; waiting--)
		call_fail(call, fault, reason, message);
}

static void
gcp_broken(struct gcp *gcp, const char *endpoint, bool open, unsigned int failures,
    const char *reason, const char *message)
{
	if (open)
		log_warn("breaker_open", LOG_S("endpoint", endpoint),
		    LOG_S("reason", reason), LOG_S("error", message),
		    LOG_N("failures", failures));
	else
		log_info("breaker_closed", LOG_S("endpoint", endpoint),
		    LOG_N("failures", failures));
	gcp->hooks.breaker(gcp->hooks.arg, endpoint, open);
}

static void
gcp_tell(struct gcp *gcp, enum breaker_news news, const struct cloud_answer *answer,
    unsigned int failures)
{
	struct breaker *breaker = &gcp->breaker;

	if (news != BREAKER_SAME)
		gcp_broken(gcp, GCP_COMPUTE, breaker->open,
		    breaker->open ? breaker->failures : failures, answer->reason,
		    answer->message);
	else if (breaker->failures > failures)
		log_warn("endpoint_paused", LOG_S("endpoint", GCP_COMPUTE),
		    LOG_S("reason", answer->reason), LOG_S("error", answer->message),
		    LOG_N("failures", breaker->failures),
		    LOG_N("pause_ms", breaker_wait_ms(breaker, clock_mono())));
	/* a single failure is not worth telling: who met it tries again soon */
	if (failures > 1 && breaker->failures == 0)
		gcp->hooks.opened(gcp->hooks.arg);
}

static void
gcp_judge(struct gcp *gcp, struct call *call, const struct http_reply *reply,
    const struct cloud_answer *answer)
{
	enum breaker_mark mark = call_mark(call, answer->fault);
	struct breaker *breaker = &gcp->breaker;
	unsigned int failures = breaker->failures;
	bool probe = call->probe;

	call_unprobe(call);
	/* a long wait's time limit says nothing */
	if (call->op == CLOUD_WAIT_OPERATION && reply->error == -ETIMEDOUT)
		return;
	gcp_tell(gcp,
	    breaker_judge(
		breaker, clock_mono(), mark, reply->retry_after_ms, breaker_random()),
	    answer, failures);
	if (probe && breaker->open) {
		char message[TEXT_MAX + 1];

		snprintf(message, sizeof message,
		    "%.440s; nothing but one call at a time is sent now",
		    answer->message);
		gcp_fail_waiting(gcp, FAULT_NOT_SENT, answer->reason, message);
	}
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

	gcp_reply_read(call->op, call->place, reply, &answer);
	gcp_measure(gcp, call, reply, &answer);
	gcp_judge(gcp, call, reply, &answer);
	call->exchange = NULL;
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
	call->probe = breaker_send(&gcp->breaker);
	if (call->probe)
		MESSAGE_TEXT(gcp->probed, call->place);
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

/* A list says most about the endpoint: it is the probe, when there is one. The places
 * take turns, by name: one that is in trouble by itself does not speak for the rest. */
static struct call *
next_probe(const struct gcp *gcp)
{
	struct call *call, *first = NULL, *next = NULL;

	TAILQ_FOREACH(call, &gcp->calls, entry) {
		if (call->exchange != NULL || !call_lists(call))
			continue;
		if (first == NULL || strcmp(call->place, first->place) < 0)
			first = call;
		if (strcmp(call->place, gcp->probed) > 0 &&
		    (next == NULL || strcmp(call->place, next->place) < 0))
			next = call;
	}
	if (first == NULL)
		return first_waiting(gcp);
	return next != NULL ? next : first;
}

static struct call *
next_waiting(const struct gcp *gcp)
{
	return gcp->breaker.open ? next_probe(gcp) : first_waiting(gcp);
}

/* Lets all go that wait. An answer may add and remove calls, so the walk starts anew
 * after each; every round starts or ends one. */
static void
gcp_turn(void *arg)
{
	struct gcp *gcp = arg;
	struct call *call;

	while (breaker_wait_ms(&gcp->breaker, clock_mono()) == 0 &&
	       (call = next_waiting(gcp)) != NULL) {
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
	if (first_waiting(gcp) != NULL)
		gcp_kick(gcp);
}

/* With a token all go on; without, each is told. */
static void
gcp_token(void *arg, const char *why)
{
	struct gcp *gcp = arg;

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
	gcp_fail_waiting(gcp, FAULT_NOT_SENT, "NoCredentials", why);
}

static void
gcp_token_broken(void *arg, bool open, unsigned int failures, const char *why)
{
	gcp_broken(arg, GCP_METADATA, open, failures, "NoCredentials", why);
}
