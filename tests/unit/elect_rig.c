#include "elect_rig.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void
bench_call(void *arg, uint64_t ticket, const struct kube_call *call)
{
	struct bench *b = arg;

	cr_assert_eq(b->ticket, 0, "one call at a time");
	cr_assert(ticket & ELECT_TICKET_BIT);
	b->ticket = ticket;
	b->calls++;
	b->timeout_ms = call->timeout_ms;
	snprintf(b->method, sizeof b->method, "%s", call->method);
	snprintf(b->path, sizeof b->path, "%s", call->path);
	json_object_put(b->body);
	b->body = call->body != NULL ? json_tokener_parse(call->body) : NULL;
}

static void
bench_wake_in(void *arg, int64_t delay_ms)
{
	struct bench *b = arg;

	b->wake_ms = delay_ms;
}

static void
bench_won(void *arg, uint64_t term)
{
	struct bench *b = arg;

	b->won++;
	b->term = term;
}

static void
bench_valid(void *arg, struct boot_time until)
{
	struct bench *b = arg;

	b->valid++;
	b->until_ms = until.ms;
}

static void
bench_lost(void *arg)
{
	struct bench *b = arg;

	b->lost++;
}

static void
bench_holder(void *arg, const char *identity)
{
	struct bench *b = arg;

	snprintf(b->holder, sizeof b->holder, "%s", identity);
}

static void
bench_trouble(void *arg, const char *message)
{
	struct bench *b = arg;

	snprintf(b->trouble, sizeof b->trouble, "%s", message);
	b->troubles++;
}

static const struct elect_handlers bench_handlers = {
    .won = bench_won,
    .valid = bench_valid,
    .lost = bench_lost,
    .holder = bench_holder,
    .trouble = bench_trouble,
};

static const struct elect_options options_a = {
    .identity = "pod-a",
    .name = "ip-address-controller-leader",
    .namespace = "kube-system",
    .duration_s = 60,
    .grace_s = 2,
};

void
bench_open(struct bench *b)
{
	*b = (struct bench){
	    .effects = {.arg = b, .call = bench_call, .wake_in = bench_wake_in},
	    .now = {{5000}, {7000}, {1767225600000}},
	};
	b->elect = elect_new(&options_a, &b->effects, &bench_handlers, b);
	elect_wake(b->elect, b->now);
}

void
bench_close(struct bench *b)
{
	elect_free(b->elect);
	json_object_put(b->body);
}

/* Lets time pass; the elector is woken when it has asked for it, and no earlier. */
void
bench_pass(struct bench *b, int64_t ms)
{
	int64_t end = b->now.mono.ms + ms;

	while (b->now.mono.ms < end) {
		int64_t step = end - b->now.mono.ms;
		bool due = b->wake_ms >= 0 && b->wake_ms <= step;

		if (due)
			step = b->wake_ms;
		b->now.mono.ms += step;
		b->now.boot.ms += step;
		b->now.wall.ms += step;
		b->wake_ms = due ? -1 : b->wake_ms - (b->wake_ms >= 0 ? step : 0);
		if (due)
			elect_wake(b->elect, b->now);
		if (due && step == 0 && b->wake_ms == 0)
			cr_assert_fail("wakes without end");
	}
}

void
bench_answer(struct bench *b, int error, int status, const char *json)
{
	struct kube_reply reply = {.error = error,
	    .status = status,
	    .retry_after_ms = -1,
	    .maybe_sent = error != 0};
	uint64_t ticket = b->ticket;

	cr_assert_neq(ticket, 0, "a call is open");
	reply.json = json != NULL ? json_tokener_parse(json) : NULL;
	if (error != 0 || status >= 400)
		snprintf(reply.message, sizeof reply.message, "as the test wants it");
	b->ticket = 0;
	b->wake_ms = -1;
	elect_answer(b->elect, b->now, ticket, &reply);
	json_object_put(reply.json);
}

/* A Lease as the API server answers. `holder` NULL: no spec at all. */
const char *
bench_lease(const char *version, const char *holder, int transitions, int duration_s)
{
	static char text[1024];
	int len;

	len = snprintf(text, sizeof text,
	    "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/"
	    "v1\",\"metadata\":"
	    "{\"name\":\"ip-address-controller-leader\",\"namespace\":\"kube-system\","
	    "\"resourceVersion\":\"%s\",\"labels\":{\"team\":\"net\"}}",
	    version);
	if (holder != NULL)
		len += snprintf(text + len, sizeof text - (size_t)len,
		    ",\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,"
		    "\"acquireTime\":\"2026-01-01T00:00:00.000000Z\",\"renewTime\":"
		    "\"2026-01-01T00:00:00.000000Z\",\"leaseTransitions\":%d}",
		    holder, duration_s, transitions);
	snprintf(text + len, sizeof text - (size_t)len, "}");
	return text;
}

struct json_object *
bench_at(struct json_object *object, const char *a, const char *b)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, a, &value);
	if (b != NULL)
		json_object_object_get_ex(value, b, &value);
	return value;
}

const char *
bench_body_text(const struct bench *b, const char *key)
{
	return json_object_get_string(bench_at(b->body, "spec", key));
}

int
bench_body_number(const struct bench *b, const char *key)
{
	cr_assert_neq(bench_at(b->body, "spec", key), NULL);
	return json_object_get_int(bench_at(b->body, "spec", key));
}

/* What the elector wrote, as the server answers it. */
void
bench_accept(struct bench *b, const char *version)
{
	char *text;

	cr_assert_neq(b->body, NULL);
	json_object_object_add(bench_at(b->body, "metadata", NULL), "resourceVersion",
	    json_object_new_string(version));
	text = mem_strdup(json_object_to_json_string(b->body));
	bench_answer(b, 0, strcmp(b->method, "POST") == 0 ? 201 : 200, text);
	free(text);
}

/* Opens, and lets it win a Lease that is not there. */
void
bench_lead(struct bench *b)
{
	bench_open(b);
	bench_answer(b, 0, 404, NULL);
	bench_accept(b, "10");
	cr_assert_eq(b->won, 1);
}
