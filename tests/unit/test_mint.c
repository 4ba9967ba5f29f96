/* When the watcher's token is asked for, and what becomes of each answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "mem.h"
#include "mint.h"

#define URL "/api/v1/namespaces/kube-system/serviceaccounts/ipwarden-watcher/token"

struct bench {
	struct effects effects;
	struct mint *mint;
	struct core_time now;
	uint32_t random; /* each random number */
	/* the open call */
	uint64_t ticket;
	char *body;
	int calls;
	int64_t wake_ms; /* -1: not asked for */
	/* what was told */
	char token[CONTROL_TOKEN_MAX + 1];
	int tokens, unbound, troubles;
	int token_rc; /* what the handler answers */
	bool refused, valid;
	char message[128];
};

static void
on_call(void *arg, uint64_t ticket, const struct kube_call *call)
{
	struct bench *b = arg;

	cr_assert_eq(b->ticket, 0, "one call at a time");
	cr_assert(ticket & MINT_TICKET_BIT);
	cr_assert_str_eq(call->method, "POST");
	cr_assert_str_eq(call->path, URL);
	b->ticket = ticket;
	b->calls++;
	free(b->body);
	b->body = mem_strdup(call->body);
}

static void
on_wake_in(void *arg, int64_t delay_ms)
{
	struct bench *b = arg;

	b->wake_ms = delay_ms;
}

static void
on_random(void *arg, void *out, size_t len)
{
	struct bench *b = arg;

	cr_assert_eq(len, sizeof b->random);
	memcpy(out, &b->random, len);
}

static int
on_token(void *arg, const char *token, size_t len)
{
	struct bench *b = arg;

	b->tokens++;
	snprintf(b->token, sizeof b->token, "%.*s", (int)len, token);
	return b->token_rc;
}

static void
on_unbound(void *arg, const char *message)
{
	struct bench *b = arg;

	b->unbound++;
	snprintf(b->message, sizeof b->message, "%s", message);
}

static void
on_trouble(void *arg, const struct mint_trouble *trouble)
{
	struct bench *b = arg;

	b->troubles++;
	b->refused = trouble->refused;
	b->valid = trouble->valid;
	snprintf(b->message, sizeof b->message, "%s", trouble->message);
}

static void
bench_open(struct bench *b, const char *node)
{
	static const struct mint_handlers handlers = {
	    .token = on_token, .unbound = on_unbound, .trouble = on_trouble};
	struct mint_options options = {
	    .namespace = "kube-system", .account = "ipwarden-watcher", .node = node};

	*b = (struct bench){
	    .effects =
		{
		    .arg = b,
		    .call = on_call,
		    .wake_in = on_wake_in,
		    .random = on_random,
		},
	    .now = {{5000}, {7000}, {1767225600000}},
	    .wake_ms = -1,
	};
	b->mint = mint_new(&options, &b->effects, &handlers, b);
	mint_wake(b->mint, b->now);
	cr_assert_eq(b->calls, 1, "it begins at once");
}

static void
bench_close(struct bench *b)
{
	mint_free(b->mint);
	free(b->body);
}

static void
pass(struct bench *b, int64_t ms)
{
	b->now.mono.ms += ms;
	b->now.boot.ms += ms;
	b->now.wall.ms += ms;
}

/* The wake that was asked for, and none before; returns how long it took. */
static int64_t
pass_to_wake(struct bench *b)
{
	int64_t ms = b->wake_ms;
	int calls = b->calls;

	cr_assert_gt(ms, 0);
	pass(b, ms - 1);
	mint_wake(b->mint, b->now);
	cr_assert_eq(b->calls, calls, "a wake that is early changes nothing");
	cr_assert_eq(b->wake_ms, 1);
	b->wake_ms = -1;
	pass(b, 1);
	mint_wake(b->mint, b->now);
	cr_assert_eq(b->calls, calls + 1);
	return ms;
}

/* Returns the token's text as the document holds it after the answer. */
static const char *
answer(struct bench *b, const struct kube_reply *reply, const char *json)
{
	static char kept[64];
	struct kube_reply whole = *reply;
	struct json_object *status = NULL, *token = NULL;
	uint64_t ticket = b->ticket;

	whole.json = json != NULL ? json_tokener_parse(json) : NULL;
	cr_assert_neq(ticket, 0, "a call is open");
	b->ticket = 0;
	mint_answer(b->mint, b->now, ticket, &whole);
	if (json_object_object_get_ex(whole.json, "status", &status) &&
	    json_object_object_get_ex(status, "token", &token))
		snprintf(kept, sizeof kept, "%s", json_object_get_string(token));
	json_object_put(whole.json);
	return kept;
}

static void
answer_status(struct bench *b, int status)
{
	struct kube_reply reply = {
	    .status = status, .retry_after_ms = -1, .message = "as the test has it"};

	answer(b, &reply, "{\"kind\":\"Status\"}");
}

static const char *
grant(struct bench *b, const char *token, int64_t life_s)
{
	struct kube_reply reply = {.status = 201, .retry_after_ms = -1};
	/* as in tests/contracts/kube-wire/082-token-request-201.http */
	char *json = mem_printf(
	    "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\","
	    "\"metadata\":{\"name\":\"ipwarden-watcher\"},\"spec\":{\"audiences\":"
	    "[\"https://kubernetes.default.svc.cluster.local\"],"
	    "\"expirationSeconds\":%lld,\"boundObjectRef\":null},\"status\":{"
	    "\"token\":\"%s\",\"expirationTimestamp\":\"2026-11-21T00:02:24Z\"}}",
	    (long long)life_s, token);
	const char *kept = answer(b, &reply, json);

	free(json);
	return kept;
}

Test(mint, asks_as_the_api_has_it)
{
	struct bench b;
	struct json_object *body, *spec, *value;

	bench_open(&b, "node-7");
	body = json_tokener_parse(b.body);
	cr_assert(json_object_object_get_ex(body, "apiVersion", &value));
	cr_assert_str_eq(json_object_get_string(value), "authentication.k8s.io/v1");
	cr_assert(json_object_object_get_ex(body, "kind", &value));
	cr_assert_str_eq(json_object_get_string(value), "TokenRequest");
	cr_assert(json_object_object_get_ex(body, "spec", &spec));
	cr_assert(json_object_object_get_ex(spec, "expirationSeconds", &value));
	cr_assert_eq(json_object_get_int(value), 600);
	cr_assert(json_object_object_get_ex(spec, "boundObjectRef", &value));
	cr_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
	    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"node-7\"}");
	cr_assert_not(
	    json_object_object_get_ex(spec, "audiences", &value), "left to the server");
	json_object_put(body);
	bench_close(&b);
}

Test(mint, without_a_node_it_is_not_bound)
{
	struct bench b;

	bench_open(&b, NULL);
	cr_assert_null(strstr(b.body, "boundObjectRef"));
	bench_close(&b);
}

Test(mint, the_token_is_handed_over_and_wiped)
{
	struct bench b;
	const char *kept;

	bench_open(&b, NULL);
	kept = grant(&b, "abc.def.ghi", 600);
	cr_assert_str_eq(b.token, "abc.def.ghi");
	cr_assert_eq(b.tokens, 1);
	cr_assert_eq(b.troubles, 0);
	cr_assert_str_eq(kept, "");
	bench_close(&b);
}

/* From when it was asked for, however long the answer took. */
Test(mint, renewed_at_four_fifths)
{
	static const struct {
		int64_t life_s;
		uint32_t random;
		int64_t due_ms; /* after the request */
	} cases[] = {
	    {600, 0, 480000},
	    {600, 30000, 450000}, /* all of the jitter: a twentieth of its life */
	    {600, 30001, 480000}, /* it is no more than that */
	    {3607, 0, 2885600},	  /* what some servers make of it */
	    {5, 0, 4000},	  /* a server of a test */
	    {0, 0, 1600},	  /* nonsense: not in a loop */
	    {-5, 0, 1600}, {INT64_MAX, 0, 69120000} /* once a day */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b;

		bench_open(&b, NULL);
		b.random = cases[i].random;
		pass(&b, 700);
		grant(&b, "t", cases[i].life_s);
		cr_assert_eq(pass_to_wake(&b), cases[i].due_ms - 700, "case %zu: %lld",
		    i, (long long)b.wake_ms);
		bench_close(&b);
	}
}

Test(mint, a_life_that_is_not_said_is_what_was_asked_for)
{
	struct bench b;
	struct kube_reply reply = {.status = 201, .retry_after_ms = -1};

	bench_open(&b, NULL);
	answer(&b, &reply, "{\"status\":{\"token\":\"t\"}}");
	cr_assert_eq(b.tokens, 1);
	cr_assert_eq(b.wake_ms, 480000);
	bench_close(&b);
}

Test(mint, asked_again_without_the_node_where_it_cannot_be)
{
	for (int status = 400; status <= 422; status += 22) {
		struct bench b;

		bench_open(&b, "node-7");
		answer_status(&b, status);
		cr_assert_eq(b.calls, 2, "at once");
		cr_assert_eq(b.unbound, 1);
		cr_assert_eq(b.troubles, 0);
		cr_assert_null(strstr(b.body, "boundObjectRef"));
		answer_status(&b, status);
		cr_assert_eq(b.calls, 2, "that is an answer then");
		cr_assert_eq(b.unbound, 1);
		cr_assert(b.refused);
		bench_close(&b);
	}
}

/* What it was bound to is gone: at once, but not in a loop. */
Test(mint, another_node_of_that_name)
{
	struct bench b;

	bench_open(&b, "node-7");
	grant(&b, "of the first", 600);
	pass(&b, 10000);
	mint_renew(b.mint, b.now);
	cr_assert_eq(b.calls, 2);
	grant(&b, "of the second", 600);
	cr_assert_str_eq(b.token, "of the second");
	mint_renew(b.mint, b.now);
	cr_assert_eq(b.calls, 2);
	cr_assert_eq(pass_to_wake(&b), MINT_RENEW_MS);
	grant(&b, "of the third", 600);
	cr_assert_eq(b.wake_ms, 480000, "then as ever");
	bench_close(&b);
}

/* It went before the server could answer: of which it is nobody knows. */
Test(mint, another_node_while_it_is_asked_for)
{
	struct bench b;

	bench_open(&b, "node-7");
	mint_renew(b.mint, b.now);
	cr_assert_eq(b.calls, 1);
	grant(&b, "of one of them", 600);
	cr_assert_eq(pass_to_wake(&b), MINT_RENEW_MS);
	grant(&b, "of the second", 600);
	cr_assert_eq(b.wake_ms, 480000);
	bench_close(&b);
}

/* While there was no node it waited ever longer. */
Test(mint, a_node_that_comes_back_is_not_waited_for)
{
	struct bench b;

	bench_open(&b, "node-7");
	for (int i = 0; i < 8; i++) {
		answer_status(&b, 404);
		pass_to_wake(&b);
	}
	answer_status(&b, 404);
	cr_assert_gt(b.wake_ms, MINT_RENEW_MS);
	mint_renew(b.mint, b.now);
	cr_assert_eq(pass_to_wake(&b), MINT_RENEW_MS);
	bench_close(&b);
}

/* Whoever tells of another node does not hurry a server that cannot, or wants a wait.
 */
Test(mint, a_node_that_comes_back_overrides_no_wait)
{
	static const struct {
		int error, status;
		int64_t retry_after_ms;
	} cases[] = {
	    {0, 429, 60000},
	    {0, 404, 60000},
	    {0, 503, -1},
	    {-ETIMEDOUT, 0, -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kube_reply reply = {.error = cases[i].error,
		    .status = cases[i].status,
		    .retry_after_ms = cases[i].retry_after_ms};
		struct bench b;

		bench_open(&b, "node-7");
		for (int n = 0; n < 8; n++) {
			int64_t wait_ms;

			answer(&b, &reply, NULL);
			wait_ms = b.wake_ms;
			pass(&b, 100);
			mint_renew(b.mint, b.now);
			/* the least is MINT_RENEW_MS after it was asked for */
			if (wait_ms < MINT_RENEW_MS)
				wait_ms = MINT_RENEW_MS;
			cr_assert_eq(b.wake_ms, wait_ms - 100, "case %zu", i);
			pass_to_wake(&b);
		}
		cr_assert_eq(b.calls, 9);
		answer(&b, &reply, NULL);
		cr_assert_geq(b.wake_ms, 30000, "case %zu: ever longer", i);
		bench_close(&b);
	}
}

Test(mint, without_a_node_nothing_is_renewed)
{
	struct bench b;

	bench_open(&b, NULL);
	grant(&b, "t", 600);
	pass(&b, 10000);
	mint_renew(b.mint, b.now);
	cr_assert_eq(b.calls, 1);
	cr_assert_eq(b.wake_ms, 480000);
	bench_close(&b);
}

Test(mint, what_is_a_refusal)
{
	static const struct {
		int error;
		int status;
		bool refused;
	} cases[] = {
	    {0, 403, true},
	    {0, 404, true},
	    {0, 422, true},
	    {0, 401, false},
	    {0, 408, false},
	    {0, 429, false},
	    {0, 500, false},
	    {0, 504, false},
	    {-ETIMEDOUT, 0, false},
	    {-ECONNRESET, 403, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kube_reply reply = {.error = cases[i].error,
		    .status = cases[i].status,
		    .retry_after_ms = -1,
		    .message = "no"};
		struct bench b;

		bench_open(&b, NULL);
		answer(&b, &reply, NULL);
		cr_assert_eq(b.troubles, 1);
		cr_assert_str_eq(b.message, "no");
		cr_assert_eq(b.refused, cases[i].refused, "case %zu", i);
		cr_assert_not(b.valid);
		cr_assert_gt(b.wake_ms, 0, "asked again in any case");
		bench_close(&b);
	}
}

Test(mint, an_answer_without_a_token_is_none)
{
	static const char *const answers[] = {
	    "{}",
	    "{\"status\":{}}",
	    "{\"status\":{\"token\":\"\"}}",
	    "{\"status\":{\"token\":7}}",
	    "{\"status\":{\"token\":\"a\\u0000b\"}}",
	    "{\"status\":{\"token\":\"t\"},\"spec\":{\"expirationSeconds\":\"600\"}}",
	};
	struct kube_reply reply = {.status = 201, .retry_after_ms = -1};
	char *large;
	struct bench b;

	bench_open(&b, NULL);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		answer(&b, &reply, answers[i]);
		cr_assert_eq(b.troubles, (int)i + 1, "%s", answers[i]);
		cr_assert_not(b.refused);
		pass_to_wake(&b);
	}
	answer(&b, &reply, NULL);
	pass_to_wake(&b);
	large =
	    mem_printf("{\"status\":{\"token\":\"%0*d\"}}", CONTROL_TOKEN_MAX + 1, 1);
	answer(&b, &reply, large);
	cr_assert_eq(b.tokens, 0);
	free(large);
	pass_to_wake(&b);
	large = mem_printf("{\"status\":{\"token\":\"%0*d\"}}", CONTROL_TOKEN_MAX, 1);
	answer(&b, &reply, large);
	cr_assert_eq(b.tokens, 1, "the largest that there may be");
	free(large);
	bench_close(&b);
}

Test(mint, waits_longer_each_time_and_forgets_it)
{
	/* with all of the random part, and with none */
	static const struct {
		uint32_t random;
		int64_t waits_ms[8];
	} cases[] = {
	    {0, {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}},
	    {500, {1000, 1500, 2500, 4500, 8500, 16500, 30500, 30500}},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b;

		bench_open(&b, NULL);
		b.random = cases[i].random;
		for (int round = 0; round < 8; round++) {
			answer_status(&b, 500);
			cr_assert_eq(pass_to_wake(&b), cases[i].waits_ms[round],
			    "round %d", round);
		}
		grant(&b, "t", 600);
		pass_to_wake(&b);
		answer_status(&b, 500);
		cr_assert_eq(b.wake_ms, cases[i].waits_ms[0]);
		bench_close(&b);
	}
}

Test(mint, waits_as_the_server_asks_but_not_for_ever)
{
	struct kube_reply reply = {.status = 429, .retry_after_ms = 7000};
	struct bench b;

	bench_open(&b, NULL);
	answer(&b, &reply, NULL);
	cr_assert_eq(pass_to_wake(&b), 7000);
	reply.retry_after_ms = 3600 * 1000;
	answer(&b, &reply, NULL);
	cr_assert_eq(pass_to_wake(&b), 60000);
	bench_close(&b);
}

Test(mint, says_whether_the_last_one_still_counts)
{
	struct bench b;

	bench_open(&b, NULL);
	grant(&b, "t", 600);
	pass_to_wake(&b);
	answer_status(&b, 403);
	cr_assert(b.valid);
	for (int i = 0; i < 20 && b.valid; i++) {
		pass_to_wake(&b);
		answer_status(&b, 403);
	}
	cr_assert_not(b.valid);
	cr_assert_geq(b.now.boot.ms, 7000 + 600000);
	bench_close(&b);
}

Test(mint, a_suspend_counts)
{
	struct bench b;

	bench_open(&b, NULL);
	grant(&b, "t", 600);
	b.now.boot.ms += 600000;
	mint_wake(b.mint, b.now);
	cr_assert_eq(b.calls, 2);
	bench_close(&b);
}

Test(mint, one_that_could_not_be_handed_over_is_asked_for_again)
{
	struct bench b;

	bench_open(&b, NULL);
	b.token_rc = -EAGAIN;
	cr_assert_str_eq(grant(&b, "t", 600), "");
	cr_assert_eq(b.troubles, 1);
	cr_assert_not(b.refused);
	cr_assert_not(b.valid);
	b.token_rc = 0;
	pass_to_wake(&b);
	grant(&b, "u", 600);
	cr_assert_str_eq(b.token, "u");
	cr_assert_eq(b.wake_ms, 480000);
	bench_close(&b);
}

Test(mint, an_answer_that_nobody_waits_for)
{
	struct kube_reply reply = {.status = 403, .retry_after_ms = -1};
	struct bench b;
	uint64_t ticket;

	bench_open(&b, NULL);
	ticket = b.ticket;
	mint_answer(b.mint, b.now, ticket + 1, &reply);
	cr_assert_eq(b.troubles, 0);
	grant(&b, "t", 600);
	mint_answer(b.mint, b.now, ticket, &reply);
	cr_assert_eq(b.troubles, 0);
	bench_close(&b);
}
