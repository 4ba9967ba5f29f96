/* The bounds of leader election: durations that a record names, waits that a server
 * asks for, answers that are hardly one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elect_rig.h"
#include "lease.h"

/* pod-b's record stays as it is: after how long is it claimed? */
static int64_t
claimed_after_ms(int duration_s)
{
	int64_t waited_ms = 0;
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, duration_s));
	while (strcmp(b.method, "PUT") != 0) {
		bench_pass(&b, 500);
		waited_ms += 500;
		cr_assert_leq(waited_ms, 8000000);
		if (b.ticket != 0 && strcmp(b.method, "GET") == 0)
			bench_answer(
			    &b, 0, 200, bench_lease("3", "pod-b", 4, duration_s));
	}
	bench_close(&b);
	return waited_ms;
}

Test(elect_edges, the_duration_in_the_record)
{
	cr_expect_eq(claimed_after_ms(1), 1000);
	cr_expect_eq(claimed_after_ms(15), 15000);
	/* none that makes sense: ours; one that would never end: an hour */
	cr_expect_eq(claimed_after_ms(0), D_MS);
	cr_expect_eq(claimed_after_ms(-5), D_MS);
	cr_expect_eq(claimed_after_ms(3600), 3600000);
	cr_expect_eq(claimed_after_ms(7000), 3600000);
}

/* How long it waits after a refusal. */
static int64_t
waits_ms(int status, int64_t retry_after_ms)
{
	struct kube_reply reply = {.status = status, .retry_after_ms = retry_after_ms};
	uint64_t ticket;
	struct bench b;
	int64_t waits;

	bench_open(&b);
	ticket = b.ticket;
	b.ticket = 0;
	b.wake_ms = -1;
	elect_answer(b.elect, b.now, ticket, &reply);
	waits = b.wake_ms;
	bench_close(&b);
	return waits;
}

Test(elect_edges, waits_as_long_as_the_server_asks_within_a_renewal)
{
	cr_expect_eq(waits_ms(500, -1), 2000);
	cr_expect_eq(waits_ms(429, 100), 2000);
	cr_expect_eq(waits_ms(429, 5000), 5000);
	cr_expect_eq(waits_ms(429, 60000), 10000);
	cr_expect_eq(waits_ms(409, 5000), 100);
}

Test(elect_edges, a_lease_that_is_not_there_is_nobodys)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	cr_assert_str_eq(b.holder, "pod-b");
	bench_pass(&b, 2000);
	bench_answer(&b, 0, 404, NULL);
	cr_expect_str_eq(b.holder, "");
	cr_expect_eq(b.lost, 0);
	bench_close(&b);
}

/* Only an answer of success that shows our own write makes us lead. */
Test(elect_edges, what_a_write_has_to_be_answered_with)
{
	static const struct {
		int status;
		const char *holder;
		int transitions;
		int won;
	} answers[] = {
	    {200, "pod-a", 0, 1},
	    {201, "pod-a", 0, 1},
	    {199, "pod-a", 0, 0},
	    {300, "pod-a", 0, 0},
	    {200, "pod-b", 0, 0},
	    {200, "pod-a", 1, 0},
	    {200, NULL, 0, 0},
	};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct bench b;

		bench_open(&b);
		bench_answer(&b, 0, 404, NULL);
		bench_answer(&b, 0, answers[i].status,
		    bench_lease("4", answers[i].holder, answers[i].transitions, 60));
		cr_expect_eq(b.won, answers[i].won, "answer %zu", i);
		bench_close(&b);
	}
}

/* Numbers that make no sense are none. */
Test(elect_edges, a_record_has_no_negative_numbers)
{
	struct json_object *object =
	    json_tokener_parse(bench_lease("3", "pod-b", -7, -5));
	struct lease lease;

	cr_assert_eq(lease_read(object, &lease), 0);
	cr_expect_eq(lease.duration_s, 0);
	cr_expect_eq(lease.transitions, 0);
	lease_clear(&lease);
	json_object_put(object);
}

/* Whole objects of the API, also where the one that was read lacked it. */
Test(elect_edges, what_is_written_says_what_it_is)
{
	static const char kind[] = "coordination.k8s.io/v1 Lease";
	struct json_object *object =
	    json_tokener_parse("{\"metadata\":{\"resourceVersion\":\"1\"}}");
	struct lease_change change = {.holder = "pod-a", .duration_s = 60};
	struct lease lease;

	cr_assert_eq(lease_read(object, &lease), 0);
	for (int i = 0; i < 2; i++) {
		char *text = i == 0 ? lease_create("kube-system", "leader", &change)
				    : lease_update(&lease, &change);
		struct json_object *written = json_tokener_parse(text);
		char got[64];

		snprintf(got, sizeof got, "%s %s",
		    json_object_get_string(bench_at(written, "apiVersion", NULL)),
		    json_object_get_string(bench_at(written, "kind", NULL)));
		cr_expect_str_eq(got, kind);
		cr_expect_str_eq(
		    json_object_get_string(bench_at(written, "spec", "holderIdentity")),
		    "pod-a");
		json_object_put(written);
		free(text);
	}
	lease_clear(&lease);
	json_object_put(object);
}

/* It asks to be woken for that, also while a call is open. */
Test(elect_edges, an_unanswered_leader_ends_in_time_by_itself)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	bench_accept(&b, "10");
	cr_assert_eq(b.won, 1);
	bench_pass(&b, D_MS - G_MS - 1);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(b.lost, 0);
	bench_pass(&b, 1);
	cr_assert_eq(b.lost, 1);
	bench_close(&b);
}

/* --- a stop of who does not lead -------------------------------------------------- */

/* The lease may be its own, and may not. */
static void
claim_without_an_answer(struct bench *b)
{
	bench_open(b);
	bench_answer(b, 0, 200, bench_lease("3", "", 4, 1));
	cr_assert_str_eq(b->method, "PUT");
	bench_answer(b, -ECONNRESET, 0, NULL);
}

Test(elect_edges, a_stop_reads_at_once_whether_the_lease_is_ours)
{
	struct bench b;

	claim_without_an_answer(&b);
	cr_assert_eq(b.ticket, 0);
	cr_assert_not(elect_release(b.elect, b.now));
	cr_assert_neq(b.ticket, 0, "without a wait");
	cr_assert_str_eq(b.method, "GET");
	bench_close(&b);
}

Test(elect_edges, a_stop_has_nothing_to_give_when_no_lease_is_there)
{
	struct bench b;

	claim_without_an_answer(&b);
	cr_assert_not(elect_release(b.elect, b.now));
	bench_answer(&b, 0, 404, NULL);
	cr_assert(elect_release(b.elect, b.now));
	cr_assert_eq(b.ticket, 0);
	bench_close(&b);
}
