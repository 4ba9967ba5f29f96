/* A lease that is given to another replica, while its holder goes on as a follower. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "elect_rig.h"

/* It leads, gives the lease away, and the server has taken that. */
static void
yield(struct bench *b)
{
	bench_lead(b);
	bench_pass(b, 5000);
	elect_yield(b->elect, b->now);
	cr_assert_eq(b->lost, 1, "lost before it is sent");
	cr_assert_not(elect_leads(b->elect, b->now));
	cr_assert_str_eq(b->method, "PUT");
	cr_assert_str_eq(bench_body_text(b, "holderIdentity"), "");
	cr_assert_eq(bench_body_number(b, "leaseTransitions"), 0);
	bench_accept(b, "11");
}

Test(elect_yield, another_one_takes_it)
{
	struct bench b;

	yield(&b);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("12", "pod-b", 1, 60));
	cr_assert_str_eq(b.holder, "pod-b");
	/* and gives it back soon: it is taken at once */
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("13", "", 1, 1));
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 2);
	bench_accept(&b, "14");
	cr_assert_eq(b.won, 2);
	bench_close(&b);
}

Test(elect_yield, what_nobody_takes_is_taken_back)
{
	struct bench b;
	int reads = 0;

	yield(&b);
	for (int64_t waited = 0; waited < ELECT_YIELD_MS; waited += 100) {
		cr_assert_eq(b.won, 1);
		if (b.ticket != 0) {
			cr_assert_str_eq(b.method, "GET", "after %d", (int)waited);
			bench_answer(&b, 0, 200, bench_lease("11", "", 0, 1));
			reads++;
		}
		bench_pass(&b, 100);
	}
	cr_assert_leq(reads, 3);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "pod-a");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 1, "a new term");
	bench_accept(&b, "12");
	cr_assert_eq(b.won, 2);
	bench_close(&b);
}

Test(elect_yield, an_open_renewal_does_not_bring_it_back)
{
	struct bench b;

	bench_lead(&b);
	bench_pass(&b, 10000);
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "pod-a");
	elect_yield(b.elect, b.now);
	bench_accept(&b, "11");
	cr_assert_eq(b.valid, 1);
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "");
	/* its answer is lost: read, and it had no effect */
	bench_answer(&b, -ECONNRESET, 0, NULL);
	bench_pass(&b, 2000);
	cr_assert_str_eq(b.method, "GET");
	bench_answer(&b, 0, 200, bench_lease("11", "pod-a", 0, 60));
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "");
	bench_accept(&b, "12");
	cr_assert_eq(b.won, 1);
	bench_close(&b);
}

Test(elect_yield, who_does_not_lead_has_nothing_to_give)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("3", "", 4, 1));
	cr_assert_str_eq(b.method, "PUT");
	elect_yield(b.elect, b.now);
	bench_accept(&b, "4");
	cr_assert_eq(b.won, 1);
	bench_close(&b);
}

Test(elect_yield, a_stop_meanwhile_is_a_stop)
{
	struct bench b;

	yield(&b);
	cr_assert(elect_release(b.elect, b.now));
	bench_pass(&b, 2 * ELECT_YIELD_MS);
	cr_assert_eq(b.ticket, 0);
	bench_close(&b);
}
