/* Leader election: tables of single situations. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "elect_rig.h"

Test(elect, times_follow_from_duration_and_grace)
{
	struct elect_times times;
	struct bench b;

	bench_open(&b);
	elect_times(b.elect, &times);
	cr_assert_eq(times.renew_ms, 10000);
	cr_assert_eq(times.retry_ms, 2000);
	cr_assert_eq(times.call_timeout_ms, 14500);
	cr_assert_eq(times.margin_ms, 2000);
	cr_assert_eq(b.timeout_ms, 14500);
	bench_close(&b);
}

/* A sixth of the duration, and never more than two seconds until the next try. */
Test(elect, times_of_other_durations)
{
	static const struct {
		int64_t duration_s, renew_ms, retry_ms;
	} all[] = {{3, 500, 500}, {12, 2000, 2000}, {13, 2166, 2000}, {24, 4000, 2000}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct elect_options options = {
		    .identity = "a",
		    .name = "b",
		    .namespace = "c",
		    .duration_s = all[i].duration_s,
		};
		struct effects effects = {0};
		struct elect_handlers handlers = {0};
		struct elect *elect = elect_new(&options, &effects, &handlers, NULL);
		struct elect_times times;

		elect_times(elect, &times);
		cr_expect_eq(times.renew_ms, all[i].renew_ms);
		cr_expect_eq(times.retry_ms, all[i].retry_ms);
		cr_expect_eq(times.call_timeout_ms, all[i].duration_s * 250);
		elect_free(elect);
	}
	elect_free(NULL);
}

Test(elect, creates_what_is_not_there)
{
	struct bench b;

	bench_open(&b);
	cr_assert_str_eq(b.method, "GET");
	cr_assert_str_eq(b.path, "/apis/coordination.k8s.io/v1/namespaces/kube-system/"
				 "leases/ip-address-controller-leader");
	bench_answer(&b, 0, 404, NULL);
	cr_assert_str_eq(b.method, "POST");
	cr_assert_str_eq(
	    b.path, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "pod-a");
	cr_assert_str_eq(
	    bench_body_text(&b, "renewTime"), "2026-01-01T00:00:00.000000Z");
	cr_assert_str_eq(
	    bench_body_text(&b, "acquireTime"), "2026-01-01T00:00:00.000000Z");
	cr_assert_eq(bench_body_number(&b, "leaseDurationSeconds"), 60);
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 0);
	cr_assert_eq(b.won, 0);
	bench_pass(&b, 3000);
	bench_accept(&b, "10");
	cr_assert_eq(b.won, 1);
	cr_assert_eq(b.term, 0);
	cr_assert_eq(b.valid, 1);
	/* from before it was sent, not from the answer */
	cr_assert_eq(b.until_ms, 7000 + D_MS - G_MS);
	cr_assert(elect_leads(b.elect, b.now));
	cr_assert_str_eq(b.holder, "pod-a");
	bench_close(&b);
}

Test(elect, the_last_moment_of_a_term)
{
	struct bench b;

	bench_lead(&b);
	b.now.boot.ms = b.until_ms - 1;
	cr_assert(elect_leads(b.elect, b.now));
	b.now.boot.ms++;
	cr_assert_not(elect_leads(b.elect, b.now));
	bench_close(&b);
}

Test(elect, loses_the_race_to_create)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	bench_answer(&b, 0, 409, NULL);
	bench_pass(&b, 200);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 0, 60));
	cr_assert_eq(b.won, 0);
	cr_assert_str_eq(b.holder, "pod-b");
	cr_assert_str_eq(b.trouble, "");
	bench_close(&b);
}

Test(elect, waits_for_another_holder_by_its_own_clock)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	/* its renewTime lies long back on our wall clock: that counts for nothing */
	for (int64_t waited = 0; waited < D_MS - 2000; waited += 2000) {
		cr_assert_eq(b.ticket, 0);
		bench_pass(&b, 2000);
		cr_assert_str_eq(b.method, "GET");
		bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	}
	bench_pass(&b, 1999);
	cr_assert_eq(b.ticket, 0);
	bench_pass(&b, 1);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 5);
	cr_assert_str_eq(
	    json_object_get_string(bench_at(b.body, "metadata", "resourceVersion")),
	    "3");
	cr_assert_str_eq(json_object_get_string(bench_at(
			     bench_at(b.body, "metadata", "labels"), "team", NULL)),
	    "net");
	bench_accept(&b, "4");
	cr_assert_eq(b.won, 1);
	cr_assert_eq(b.term, 5);
	bench_close(&b);
}

Test(elect, each_change_of_the_record_begins_the_wait_anew)
{
	char version[16];
	struct bench b;

	bench_open(&b);
	for (int i = 0; i < 200; i++) {
		snprintf(version, sizeof version, "%d", 3 + i / 20);
		bench_answer(&b, 0, 200, bench_lease(version, "pod-b", 4, 60));
		bench_pass(&b, 2000);
		cr_assert_str_eq(b.method, "GET", "poll %d", i);
	}
	bench_close(&b);
}

Test(elect, a_holder_with_a_longer_duration_is_waited_for)
{
	struct bench b;

	bench_open(&b);
	for (int64_t waited = 0; waited < 120000; waited += 2000) {
		cr_assert_str_eq(b.method, "GET");
		bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 120));
		bench_pass(&b, 2000);
	}
	cr_assert_str_eq(b.method, "PUT");
	bench_close(&b);
}

struct at_once_case {
	const char *what;
	const char *holder;
	int transitions;
	int expected;
};

Test(elect, what_is_taken_at_once)
{
	static const struct at_once_case cases[] = {
	    {"released", "", 7, 8},
	    {"ours from an earlier life", "pod-a", 7, 8},
	    {"a record without a spec", NULL, 0, 1},
	    {"at the end of the numbers", "", INT32_MAX, 1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b;

		bench_open(&b);
		bench_answer(&b, 0, 200,
		    bench_lease("3", cases[i].holder, cases[i].transitions, 60));
		cr_assert_str_eq(b.method, "PUT", "%s", cases[i].what);
		cr_assert_eq(bench_body_number(&b, "leaseTransitions"),
		    cases[i].expected, "%s", cases[i].what);
		bench_accept(&b, "4");
		cr_assert_eq(b.won, 1, "%s", cases[i].what);
		bench_close(&b);
	}
}

Test(elect, renews_every_sixth)
{
	struct bench b;

	bench_lead(&b);
	for (int i = 1; i <= 30; i++) {
		bench_pass(&b, 9999);
		cr_assert_eq(b.ticket, 0);
		bench_pass(&b, 1);
		cr_assert_str_eq(b.method, "PUT");
		cr_assert_str_eq(
		    bench_body_text(&b, "acquireTime"), "2026-01-01T00:00:00.000000Z");
		cr_assert_str_neq(
		    bench_body_text(&b, "renewTime"), "2026-01-01T00:00:00.000000Z");
		cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 0);
		bench_accept(&b, i % 2 ? "11" : "12");
		cr_assert_eq(b.until_ms, b.now.boot.ms + D_MS - G_MS);
	}
	cr_assert_eq(b.won, 1);
	cr_assert_eq(b.lost, 0);
	cr_assert_eq(b.valid, 31);
	bench_close(&b);
}

Test(elect, a_conflict_is_read_and_another_holder_ends_it)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	bench_answer(&b, 0, 409, NULL);
	cr_assert_eq(b.lost, 0);
	bench_pass(&b, 200);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("20", "pod-b", 1, 60));
	cr_assert_eq(b.lost, 1);
	cr_assert_not(elect_leads(b.elect, b.now));
	cr_assert_str_eq(b.holder, "pod-b");
	bench_close(&b);
}

Test(elect, a_conflict_by_a_label_is_no_loss)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	bench_answer(&b, 0, 409, NULL);
	bench_pass(&b, 200);
	bench_answer(&b, 0, 200, bench_lease("20", "pod-a", 0, 60));
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(
	    json_object_get_string(bench_at(b.body, "metadata", "resourceVersion")),
	    "20");
	bench_accept(&b, "21");
	cr_assert_eq(b.lost, 0);
	cr_assert_eq(b.valid, 2);
	bench_close(&b);
}

Test(elect, a_lost_answer_is_read_before_anything_is_believed)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	bench_answer(&b, -ETIMEDOUT, 0, NULL);
	cr_assert_eq(b.valid, 1);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("11", "pod-a", 0, 60));
	/* read, but not yet renewed as far as we know */
	cr_assert_eq(b.until_ms, 7000 + D_MS - G_MS);
	cr_assert_str_eq(b.method, "PUT");
	bench_accept(&b, "12");
	cr_assert_eq(b.until_ms, b.now.boot.ms + D_MS - G_MS);
	cr_assert_eq(b.lost, 0);
	bench_close(&b);
}

Test(elect, an_answer_that_shows_another_record_is_not_believed)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	bench_answer(&b, 0, 201, bench_lease("11", "pod-b", 0, 60));
	cr_assert_eq(b.won, 0);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_close(&b);
}

Test(elect, without_renewal_it_ends_in_time)
{
	struct bench b;

	bench_lead(&b);
	while (b.now.boot.ms < b.until_ms - 1) {
		int64_t left = b.until_ms - 1 - b.now.boot.ms;

		if (b.ticket != 0)
			bench_answer(&b, -ECONNREFUSED, 0, NULL);
		bench_pass(&b, left < 500 ? left : 500);
	}
	cr_assert_eq(b.lost, 0);
	cr_assert(elect_leads(b.elect, b.now));
	cr_assert_str_neq(b.trouble, "");
	cr_assert_eq(b.troubles, 2, "a write, then reads: not %u", b.troubles);
	bench_pass(&b, 1);
	cr_assert_eq(b.lost, 1);
	cr_assert_not(elect_leads(b.elect, b.now));
	/* when it can be reached again it is a new term */
	while (strcmp(b.method, "PUT") != 0) {
		if (b.ticket != 0)
			bench_answer(&b, 0, 200, bench_lease("10", "pod-a", 0, 60));
		else
			bench_pass(&b, 500);
	}
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 1);
	cr_assert_str_eq(b.trouble, "");
	bench_close(&b);
}

Test(elect, an_answer_after_the_end_renews_nothing)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	cr_assert_str_eq(b.method, "PUT");
	/* a suspended machine: boot time went on, nobody could wake us */
	b.now.boot.ms += D_MS;
	bench_accept(&b, "11");
	cr_assert_eq(b.lost, 1);
	cr_assert_eq(b.valid, 1);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 1);
	bench_accept(&b, "12");
	cr_assert_eq(b.won, 2);
	cr_assert_eq(b.term, 1);
	bench_close(&b);
}

/* Counted from the renewal it would still be ours: but ours had an end before. */
Test(elect, an_answer_after_the_end_renews_nothing_that_it_would_cover)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	b.now.boot.ms += D_MS - 10000;
	bench_accept(&b, "11");
	cr_assert_eq(b.lost, 1);
	cr_assert_eq(b.valid, 1);
	cr_assert_not(elect_leads(b.elect, b.now));
	bench_close(&b);
}

Test(elect, a_win_that_comes_too_late_is_none)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	b.now.boot.ms += D_MS - G_MS;
	bench_accept(&b, "11");
	cr_assert_eq(b.won, 0);
	cr_assert_eq(b.valid, 0);
	cr_assert_str_eq(b.method, "PUT");
	bench_accept(&b, "12");
	cr_assert_eq(b.won, 1);
	bench_close(&b);
}

Test(elect, a_deleted_lease_still_binds_who_has_seen_it)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	for (int64_t waited = 2000; waited < D_MS; waited += 2000) {
		bench_pass(&b, 2000);
		cr_assert_str_eq(b.method, "GET");
		bench_answer(&b, 0, 404, NULL);
	}
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "POST");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 5);
	bench_close(&b);
}

Test(elect, a_leader_whose_lease_is_deleted_stops)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	bench_answer(&b, 0, 404, NULL);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 404, NULL);
	cr_assert_eq(b.lost, 1);
	cr_assert_str_eq(b.method, "POST");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 1);
	bench_close(&b);
}

Test(elect, a_missing_namespace_is_told)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	bench_answer(&b, 0, 404, NULL);
	cr_assert_str_neq(b.trouble, "");
	bench_close(&b);
}

Test(elect, release_gives_it_away)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 5000);
	cr_assert_not(elect_release(b.elect, b.now));
	/* not valid any more when the release is sent */
	cr_assert_eq(b.lost, 1);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "");
	cr_assert_eq(bench_body_number(&b, "leaseDurationSeconds"), 1);
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 0);
	cr_assert_str_eq(
	    bench_body_text(&b, "renewTime"), "2026-01-01T00:00:05.000000Z");
	bench_accept(&b, "11");
	cr_assert(elect_release(b.elect, b.now));
	cr_assert_eq(b.ticket, 0);
	bench_close(&b);
}

Test(elect, release_waits_for_the_open_write)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	cr_assert_not(elect_release(b.elect, b.now));
	bench_accept(&b, "10");
	cr_assert_eq(b.won, 0);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "");
	/* its answer is lost: read again, and it was in force */
	bench_answer(&b, -ECONNRESET, 0, NULL);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("11", "", 0, 1));
	cr_assert(elect_release(b.elect, b.now));
	bench_close(&b);
}

Test(elect, release_of_what_is_not_ours_is_done_at_once)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	cr_assert(elect_release(b.elect, b.now));
	cr_assert_eq(b.ticket, 0);
	cr_assert_eq(b.lost, 0);
	bench_close(&b);
}

/* Our name in the record, as it turns out, is another one's of the same name, or the
 * next life's: who has said that it let go asks for nothing more. */
Test(elect, what_is_released_stays_so)
{
	struct bench b;
	int calls;

	bench_open(&b);
	calls = b.calls;
	cr_assert(elect_release(b.elect, b.now));
	bench_answer(&b, 0, 200, bench_lease("3", "pod-a", 4, 60));
	cr_assert(elect_release(b.elect, b.now));
	bench_pass(&b, 2 * D_MS);
	cr_assert_eq(b.calls, calls);
	cr_assert_eq(b.won, 0);
	bench_close(&b);
}
