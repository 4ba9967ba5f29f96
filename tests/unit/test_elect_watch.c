/* Leader election: what a watch of the Lease shows, between the reads. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "elect_rig.h"

/* `lease` NULL: that there is none. */
static void
observe(struct bench *b, const char *lease)
{
	struct json_object *object = lease != NULL ? json_tokener_parse(lease) : NULL;

	elect_observed(b->elect, b->now, object);
	json_object_put(object);
}

/* A follower that has read pod-b's record, version 3, at 5000 ms. */
static void
follow(struct bench *b)
{
	bench_open(b);
	bench_answer(b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	cr_assert_eq(b->ticket, 0);
}

Test(elect_watch, what_was_given_back_is_taken_at_once)
{
	struct bench b;

	follow(&b);
	bench_pass(&b, 300);
	observe(&b, bench_lease("4", "", 4, 1));
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 5);
	cr_assert_str_eq(
	    json_object_get_string(bench_at(b.body, "metadata", "resourceVersion")),
	    "4");
	bench_accept(&b, "5");
	cr_assert_eq(b.won, 1);
	bench_close(&b);
}

/* As an element of a list it does not say what it is. */
Test(elect_watch, what_is_written_says_what_it_is)
{
	struct bench b;

	follow(&b);
	observe(&b, "{\"metadata\":{\"name\":\"ip-address-controller-leader\","
		    "\"resourceVersion\":\"4\"},\"spec\":{\"holderIdentity\":\"\"}}");
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(
	    json_object_get_string(bench_at(b.body, "kind", NULL)), "Lease");
	cr_assert_str_eq(json_object_get_string(bench_at(b.body, "apiVersion", NULL)),
	    "coordination.k8s.io/v1");
	bench_close(&b);
}

Test(elect_watch, a_renewal_that_is_seen_begins_the_wait_anew)
{
	struct bench b;

	follow(&b);
	bench_pass(&b, 1000);
	observe(&b, bench_lease("4", "pod-b", 4, 60));
	for (int64_t waited = 1000; waited < D_MS; waited += 2000) {
		bench_pass(&b, waited == 1000 ? 1000 : 2000);
		cr_assert_str_eq(b.method, "GET");
		bench_answer(&b, 0, 200, bench_lease("4", "pod-b", 4, 60));
	}
	bench_pass(&b, 999);
	cr_assert_eq(b.ticket, 0);
	bench_pass(&b, 1);
	cr_assert_str_eq(b.method, "PUT");
	bench_close(&b);
}

Test(elect_watch, reads_are_not_put_off)
{
	struct bench b;

	follow(&b);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(b.ticket, 0);
		observe(&b, bench_lease(i % 2 ? "4" : "5", "pod-b", 4, 60));
		bench_pass(&b, 500);
	}
	cr_assert_str_eq(b.method, "GET");
	bench_close(&b);
}

Test(elect_watch, a_deletion_that_is_seen_still_binds)
{
	struct bench b;

	follow(&b);
	observe(&b, NULL);
	cr_assert_str_eq(b.holder, "");
	for (int64_t waited = 2000; waited < D_MS; waited += 2000) {
		bench_pass(&b, 2000);
		cr_assert_str_eq(b.method, "GET");
		bench_answer(&b, 0, 404, NULL);
	}
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "POST");
	bench_close(&b);
}

/* A watch may lag behind our own writes. */
Test(elect_watch, a_leader_does_not_look)
{
	struct bench b;

	bench_lead(&b);
	observe(&b, bench_lease("9", "pod-b", 4, 60));
	observe(&b, NULL);
	cr_assert_eq(b.lost, 0);
	cr_assert(elect_leads(b.elect, b.now));
	bench_close(&b);
}

Test(elect_watch, what_comes_beside_an_answer_is_read)
{
	struct bench b;

	bench_open(&b);
	observe(&b, bench_lease("4", "", 4, 1));
	bench_answer(&b, 0, 200, bench_lease("3", "pod-b", 4, 60));
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("4", "", 4, 1));
	cr_assert_str_eq(b.method, "PUT");
	bench_close(&b);
}

/* A write of ours may be in force: only a read can tell. */
Test(elect_watch, after_a_lost_answer_it_does_not_count)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 404, NULL);
	cr_assert_str_eq(b.method, "POST");
	bench_answer(&b, -ECONNRESET, 0, NULL);
	observe(&b, bench_lease("4", "", 4, 1));
	cr_assert_eq(b.ticket, 0);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_close(&b);
}

Test(elect_watch, what_is_no_lease_changes_nothing)
{
	static const char *const objects[] = {"{}", "{\"kind\":\"Pod\"}",
	    "{\"metadata\":{\"name\":\"ip-address-controller-leader\"}}",
	    "{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":7}}"};
	struct bench b;

	follow(&b);
	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		observe(&b, objects[i]);
		cr_assert_eq(b.ticket, 0, "%s", objects[i]);
		cr_assert_str_eq(b.holder, "pod-b", "%s", objects[i]);
	}
	bench_close(&b);
}
