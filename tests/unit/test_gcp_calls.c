/* The cloud's client over an HTTP client of the test's own: what is sent when, and with
 * what right. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "gcp.h"
#include "mem.h"

#define SENT_MAX 64
#define WAIT_MS	 20000

struct http_target {
	char bearer[64];
};

struct http_exchange {
	const struct http_target *target;
	char path[512];
	char bearer[64]; /* the target's, when it was sent */
	void (*done)(void *arg, const struct http_reply *reply);
	void *arg;
};

static struct {
	struct loop *loop;
	struct gcp *gcp;
	struct http_target metadata, compute;
	struct http_exchange sent[SENT_MAX];
	size_t sent_len;
	int permit; /* what orders would say */
	size_t permits;
	size_t opens;
	bool compute_open, metadata_open;
	size_t breakers;
	char credentials[512];
	char code[32], reason[64];
	size_t answers;
	enum cloud_fault fault; /* of the last answer */
	char fault_reason[REASON_MAX + 1];
	size_t held_back; /* answers that say so */
	size_t again;	  /* so many answers are followed by a further call */
} t;

/* --- the HTTP client ------------------------------------------------------------ */

struct http_exchange *
http_start(struct http_target *target, const struct http_request *request)
{
	struct http_exchange *exchange = &t.sent[t.sent_len++];

	cr_assert_leq(t.sent_len, SENT_MAX);
	exchange->target = target;
	exchange->done = request->done;
	exchange->arg = request->arg;
	snprintf(exchange->path, sizeof exchange->path, "%s", request->path);
	snprintf(exchange->bearer, sizeof exchange->bearer, "%s", target->bearer);
	return exchange;
}

void
http_cancel(struct http_exchange *exchange)
{
	exchange->done = NULL;
}

int
http_target_set_bearer(struct http_target *target, const char *token, size_t len)
{
	snprintf(target->bearer, sizeof target->bearer, "%.*s", (int)len,
	    token != NULL ? token : "");
	return 0;
}

/* --- hooks and verbs ------------------------------------------------------------ */

static int
on_permit(void *arg, uint64_t ticket)
{
	(void)arg;
	cr_assert_eq(ticket, 1);
	t.permits++;
	return t.permit;
}

static void
on_measured(void *arg, enum cloud_op op, const char *code, const char *reason,
    int64_t duration_ms)
{
	(void)arg;
	(void)op;
	(void)duration_ms;
	snprintf(t.code, sizeof t.code, "%s", code);
	snprintf(t.reason, sizeof t.reason, "%s", reason);
}

static void
on_opened(void *arg)
{
	(void)arg;
	t.opens++;
}

static void
on_breaker(void *arg, const char *endpoint, bool open)
{
	(void)arg;
	if (strcmp(endpoint, GCP_COMPUTE) == 0)
		t.compute_open = open;
	else
		t.metadata_open = open;
	t.breakers++;
}

static void
on_credentials(void *arg, const char *why)
{
	(void)arg;
	snprintf(t.credentials, sizeof t.credentials, "%s", why);
}

static void call(enum cloud_op op);

static void
on_answer(void *arg, uint64_t ticket, struct cloud_answer *answer)
{
	(void)arg;
	cr_assert_eq(ticket, 1);
	t.answers++;
	t.fault = answer->fault;
	snprintf(t.fault_reason, sizeof t.fault_reason, "%s", answer->reason);
	t.held_back += strstr(answer->message, "one call at a time") != NULL;
	if (t.again > 0) {
		t.again--;
		call(CLOUD_GET_INSTANCE);
	}
}

static void
setup(void)
{
	memset(&t, 0, sizeof t);
	t.loop = loop_new();
	t.gcp = gcp_new(t.loop, &t.metadata, &t.compute,
	    &(struct gcp_hooks){
		.permit = on_permit,
		.measured = on_measured,
		.opened = on_opened,
		.breaker = on_breaker,
		.credentials = on_credentials,
	    });
}

static void
teardown(void)
{
	gcp_free(t.gcp);
	loop_free(t.loop);
}

TestSuite(gcp_calls, .init = setup, .fini = teardown, .timeout = 60);

/* Answers the newest request. */
static void
reply_with(int status, const char *body)
{
	struct http_exchange *exchange = &t.sent[t.sent_len - 1];

	exchange->done(exchange->arg, &(struct http_reply){
					  .status = status,
					  .body = body,
					  .body_len = strlen(body),
					  .retry_after_ms = -1,
				      });
}

static void
reply_token(const char *token)
{
	char body[256];

	cr_assert_eq(t.sent[t.sent_len - 1].target, &t.metadata);
	snprintf(body, sizeof body,
	    "{\"access_token\":\"%s\",\"expires_in\":3600,\"token_type\":\"Bearer\"}",
	    token);
	reply_with(200, body);
}

static void
call_place(enum cloud_op op, const char *place)
{
	gcp_call(t.gcp, 1,
	    &(struct cloud_call){
		.op = op,
		.project = "p",
		.place = place,
		.instance = "4711",
		.nic = "nic0",
		.address = "34.1.2.3",
		.fence = "ipw-1",
		.request_id = "01234567-89ab-4cde-8f01-23456789abcd",
		.operation = "op",
		.page = "",
		.timeout_ms = 1000,
	    },
	    on_answer, NULL);
}

static void
call(enum cloud_op op)
{
	call_place(op, "z");
}

/* Runs until so many requests were sent, or answers given, in all. */
static void
run_until(size_t sent_len, size_t answers)
{
	int64_t end_ms = clock_mono().ms + WAIT_MS;

	while (t.sent_len < sent_len || t.answers < answers) {
		cr_assert_lt(clock_mono().ms, end_ms, "%zu sent, %zu answers",
		    t.sent_len, t.answers);
		loop_run_once(t.loop, 50);
	}
	cr_assert_eq(t.sent_len, sent_len);
	cr_assert_eq(t.answers, answers);
}

#define OPERATION "{\"name\":\"op\",\"status\":\"DONE\"}"

/* --- tests ---------------------------------------------------------------------- */

Test(gcp_calls, token_comes_first)
{
	cr_assert_eq(t.sent_len, 1);
	cr_assert_str_neq(t.credentials, "");
	call(CLOUD_ADD_CONFIG);
	loop_run_once(t.loop, 0);
	loop_run_once(t.loop, 0);
	cr_assert_eq(t.sent_len, 1, "nothing goes out without a token");
	reply_token("tok");
	cr_assert_str_eq(t.credentials, "");
	run_until(2, 0);
	cr_assert_eq(t.sent[1].target, &t.compute);
	cr_assert_str_eq(t.sent[1].bearer, "tok");
	reply_with(200, OPERATION);
	run_until(2, 1);
	cr_assert_eq(t.fault, FAULT_NONE);
	cr_assert_str_eq(t.code, "200");
	cr_assert_str_eq(t.reason, "");
}

Test(gcp_calls, change_without_a_grant_is_not_sent)
{
	reply_token("tok");
	t.permit = -EPERM;
	call(CLOUD_DELETE_CONFIG);
	run_until(1, 1);
	cr_assert_eq(t.fault, FAULT_NO_GRANT);
}

Test(gcp_calls, change_on_an_old_read_is_not_sent)
{
	reply_token("tok");
	t.permit = -ESTALE;
	call(CLOUD_ADD_CONFIG);
	run_until(1, 1);
	cr_assert_eq(t.fault, FAULT_REREAD);
}

Test(gcp_calls, read_needs_no_grant)
{
	reply_token("tok");
	t.permit = -EPERM;
	call(CLOUD_GET_OPERATION);
	run_until(2, 0);
	cr_assert_eq(t.permits, 0);
	reply_with(200, OPERATION);
}

Test(gcp_calls, answer_never_comes_from_within)
{
	reply_token("tok");
	t.permit = -EPERM;
	call(CLOUD_ADD_CONFIG);
	cr_assert_eq(t.answers, 0);
	run_until(1, 1);
}

Test(gcp_calls, refused_token_is_replaced_once)
{
	reply_token("old");
	call(CLOUD_ADD_CONFIG);
	run_until(2, 0);
	reply_with(401, "{}");
	run_until(3, 0);
	cr_assert_str_eq(t.compute.bearer, "", "the refused one is gone");
	t.permit = 0;
	reply_token("new");
	run_until(4, 0);
	cr_assert_str_eq(t.sent[3].bearer, "new");
	cr_assert_eq(t.permits, 2, "the grant is looked at again");
	reply_with(401, "{}");
	run_until(4, 1);
	cr_assert_eq(t.fault, FAULT_CREDENTIALS);
	cr_assert_str_neq(t.credentials, "");
}

Test(gcp_calls, grant_that_ends_with_the_token_stops_the_change)
{
	reply_token("old");
	call(CLOUD_ADD_CONFIG);
	run_until(2, 0);
	reply_with(401, "{}");
	run_until(3, 0);
	t.permit = -EPERM;
	reply_token("new");
	run_until(3, 1);
	cr_assert_eq(t.fault, FAULT_NO_GRANT);
}

/* A list, so that 503 speaks of the endpoint. */
#define INSTANCES "{}"

Test(gcp_calls, trouble_pauses_the_endpoint)
{
	int64_t start_ms;

	reply_token("tok");
	call(CLOUD_LIST_INSTANCES);
	run_until(2, 0);
	start_ms = clock_mono().ms;
	reply_with(503, "{}");
	cr_assert_eq(t.fault, FAULT_TRANSIENT);
	call(CLOUD_GET_OPERATION);
	run_until(3, 1);
	cr_assert_geq(clock_mono().ms - start_ms, 250);
	reply_with(200, OPERATION);
	call(CLOUD_GET_OPERATION);
	loop_run_once(t.loop, 0);
	cr_assert_eq(t.sent_len, 4, "one good answer opens it");
	cr_assert_eq(t.opens, 0, "one failure is not worth telling");
	reply_with(200, OPERATION);
}

Test(gcp_calls, end_of_an_outage_is_told)
{
	reply_token("tok");
	for (size_t failures = 0; failures < 2; failures++) {
		call(CLOUD_LIST_INSTANCES);
		run_until(2 + failures, failures);
		reply_with(503, "{}");
	}
	cr_assert_eq(t.opens, 0);
	call(CLOUD_GET_OPERATION);
	run_until(4, 2);
	reply_with(404, "not what was asked for, but an answer");
	cr_assert_eq(t.opens, 1);
	call(CLOUD_GET_OPERATION);
	run_until(5, 3);
	reply_with(200, OPERATION);
	cr_assert_eq(t.opens, 1, "once");
}

/* One that is in trouble by itself keeps nobody waiting. */
Test(gcp_calls, trouble_of_one_instance_is_its_own)
{
	reply_token("tok");
	for (size_t failures = 0; failures < 10; failures++) {
		call(CLOUD_GET_INSTANCE);
		loop_run_once(t.loop, 0);
		cr_assert_eq(t.sent_len, 2 + failures);
		reply_with(503, "{}");
		cr_assert_eq(t.fault, FAULT_TRANSIENT);
	}
	cr_assert_not(t.compute_open);
}

static void
open_breaker(void)
{
	reply_token("tok");
	for (size_t failures = 0; failures < BREAKER_OUTAGES; failures++) {
		cr_assert_not(t.compute_open);
		call(CLOUD_LIST_INSTANCES);
		run_until(2 + failures, failures);
		reply_with(503, "{}");
	}
	cr_assert(t.compute_open);
	cr_assert_not(t.metadata_open);
}

Test(gcp_calls, a_probe_that_fails_speaks_for_all_that_wait)
{
	size_t sent = 1 + BREAKER_OUTAGES;

	open_breaker();
	call(CLOUD_GET_INSTANCE);
	call(CLOUD_ADD_CONFIG);
	call(CLOUD_LIST_INSTANCES);
	run_until(sent + 1, BREAKER_OUTAGES);
	cr_assert_not_null(
	    strstr(t.sent[sent].path, "/instances?"), "%s", t.sent[sent].path);
	for (int i = 0; i < 5; i++)
		loop_run_once(t.loop, 20);
	cr_assert_eq(t.sent_len, sent + 1, "one at a time");
	reply_with(503, "{\"error\":{\"message\":\"Backend Error\"}}");
	cr_assert_eq(t.answers, BREAKER_OUTAGES + 3);
	cr_assert_eq(t.held_back, 2);
	cr_assert_eq(t.permits, 0, "what waits was never sent");
	cr_assert(t.compute_open);
	cr_assert_eq(t.breakers, 3, "two at the start, one when it opened");
}

Test(gcp_calls, a_probe_that_succeeds_lets_all_go)
{
	size_t sent = 1 + BREAKER_OUTAGES;

	open_breaker();
	call(CLOUD_LIST_INSTANCES);
	call(CLOUD_GET_INSTANCE);
	call(CLOUD_GET_OPERATION);
	run_until(sent + 1, BREAKER_OUTAGES);
	reply_with(200, INSTANCES);
	cr_assert_not(t.compute_open);
	cr_assert_eq(t.opens, 1);
	run_until(sent + 3, BREAKER_OUTAGES + 1);
}

Test(gcp_calls, what_is_asked_anew_has_not_failed)
{
	size_t sent = 1 + BREAKER_OUTAGES;

	open_breaker();
	call(CLOUD_LIST_INSTANCES);
	call(CLOUD_GET_INSTANCE);
	run_until(sent + 1, BREAKER_OUTAGES);
	t.again = 1;
	reply_with(503, "{}");
	cr_assert_eq(t.answers, BREAKER_OUTAGES + 2);
	run_until(sent + 2, BREAKER_OUTAGES + 2);
}

/* One whose lists fail when those of others do not any more. */
Test(gcp_calls, a_place_in_trouble_does_not_keep_the_breaker_open)
{
	static const char *const probed[] = {"/zones/r-a/", "/zones/r-b/"};
	size_t sent = 1 + BREAKER_OUTAGES;

	open_breaker();
	for (size_t i = 0; i < 2; i++) {
		call_place(CLOUD_LIST_INSTANCES, "r-a");
		call_place(CLOUD_LIST_INSTANCES, "r-b");
		run_until(sent + i + 1, BREAKER_OUTAGES + 2 * i);
		cr_assert_not_null(strstr(t.sent[sent + i].path, probed[i]), "%s",
		    t.sent[sent + i].path);
		reply_with(i == 0 ? 503 : 200, INSTANCES);
	}
	cr_assert_not(t.compute_open);
}

/* An error about one thing, but of a server that has not been well so far. */
Test(gcp_calls, a_probe_is_good_or_it_is_not)
{
	size_t sent = 1 + BREAKER_OUTAGES;

	open_breaker();
	call(CLOUD_GET_INSTANCE);
	call(CLOUD_GET_OPERATION);
	run_until(sent + 1, BREAKER_OUTAGES);
	reply_with(503, "{}");
	cr_assert(t.compute_open);
	cr_assert_eq(t.answers, BREAKER_OUTAGES + 2);
	cr_assert_eq(t.held_back, 1);
}

Test(gcp_calls, limit_of_a_wait_is_no_trouble)
{
	struct http_exchange *exchange;

	reply_token("tok");
	call(CLOUD_WAIT_OPERATION);
	run_until(2, 0);
	exchange = &t.sent[1];
	exchange->done(exchange->arg, &(struct http_reply){
					  .error = -ETIMEDOUT,
					  .maybe_sent = true,
					  .body = "",
					  .retry_after_ms = -1,
				      });
	cr_assert_eq(t.fault, FAULT_LOST);
	cr_assert_str_eq(t.code, "timeout");
	cr_assert_str_eq(t.reason, "");
}

/* One that is refused just before it is due. */
Test(gcp_calls, a_token_is_asked_for_once)
{
	int64_t end_ms = clock_mono().ms + 1500;

	reply_with(200, "{\"access_token\":\"tok\",\"expires_in\":2,"
			"\"token_type\":\"Bearer\"}");
	call(CLOUD_GET_INSTANCE);
	run_until(2, 0);
	reply_with(401, "{}");
	run_until(3, 0);
	while (clock_mono().ms < end_ms)
		loop_run_once(t.loop, 50);
	cr_assert_eq(t.sent_len, 3);
}

Test(gcp_calls, without_a_token_the_call_is_told)
{
	call(CLOUD_ADD_CONFIG);
	for (size_t tries = 1; tries <= BREAKER_OUTAGES; tries++) {
		cr_assert_not(t.metadata_open);
		run_until(tries, 0);
		reply_with(404, "no such account");
	}
	cr_assert(t.metadata_open);
	cr_assert_not(t.compute_open);
	cr_assert_eq(t.answers, 1);
	cr_assert_eq(t.fault, FAULT_NOT_SENT);
	cr_assert_str_eq(t.fault_reason, "NoCredentials");
	cr_assert_not_null(strstr(t.credentials, "404"));
	cr_assert_eq(t.permits, 0);
	/* each further try tells those that wait */
	call(CLOUD_GET_OPERATION);
	run_until(BREAKER_OUTAGES + 1, 1);
	reply_with(404, "no such account");
	cr_assert_eq(t.answers, 2);
	call(CLOUD_GET_OPERATION);
	run_until(BREAKER_OUTAGES + 2, 2);
	reply_token("tok");
	cr_assert_eq(t.opens, 1, "the token is there again");
	cr_assert_not(t.metadata_open);
	run_until(BREAKER_OUTAGES + 3, 2);
	reply_with(200, OPERATION);
}

Test(gcp_calls, call_that_cannot_be_a_request_fails)
{
	reply_token("tok");
	gcp_call(t.gcp, 1,
	    &(struct cloud_call){.op = CLOUD_LIST_INSTANCES,
		.project = "p/../q",
		.place = "z",
		.page = ""},
	    on_answer, NULL);
	run_until(1, 1);
	cr_assert_eq(t.fault, FAULT_FINAL);
	cr_assert_str_eq(t.fault_reason, "InvalidRequest");
}
