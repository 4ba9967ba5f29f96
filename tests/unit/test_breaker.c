/* The circuit breaker alone, in time that the test makes. */
#include <criterion/criterion.h>

#include "breaker.h"

static const struct mono_time start = {1000000};

static struct breaker
opened(struct mono_time *now)
{
	struct breaker breaker = {0};

	*now = start;
	for (unsigned i = 1; i < BREAKER_OUTAGES; i++) {
		cr_assert_eq(
		    breaker_judge(&breaker, *now, BREAKER_OUTAGE, 0, 0), BREAKER_SAME);
		cr_assert_not(breaker_send(&breaker));
		now->ms += breaker_wait_ms(&breaker, *now);
	}
	cr_assert_eq(
	    breaker_judge(&breaker, *now, BREAKER_OUTAGE, 0, 0), BREAKER_OPENED);
	return breaker;
}

Test(breaker, pauses_grow_to_their_most)
{
	struct breaker breaker = {0};
	struct mono_time now = start;
	int64_t least_ms = 0;

	for (int i = 0; i < 12; i++) {
		int64_t wait_ms;

		breaker_judge(&breaker, now, BREAKER_OUTAGE, 0, 0);
		wait_ms = breaker_wait_ms(&breaker, now);
		cr_assert_geq(wait_ms, least_ms);
		cr_assert_leq(wait_ms, BREAKER_PAUSE_OUTAGE_MS);
		least_ms = wait_ms;
		now.ms += wait_ms;
	}
	cr_assert_eq(least_ms, BREAKER_PAUSE_OUTAGE_MS / 2);
}

Test(breaker, half_of_a_pause_is_random)
{
	for (uint32_t random = 0; random < 1000; random += 7) {
		struct breaker breaker = {0};

		breaker_judge(&breaker, start, BREAKER_OUTAGE, 0, random);
		cr_assert_geq(
		    breaker_wait_ms(&breaker, start), BREAKER_PAUSE_FIRST_MS / 2);
		cr_assert_lt(breaker_wait_ms(&breaker, start), BREAKER_PAUSE_FIRST_MS);
	}
}

Test(breaker, what_fails_together_is_one_failure)
{
	struct breaker breaker = {0};

	for (int i = 0; i < 10; i++)
		cr_assert_eq(
		    breaker_judge(&breaker, start, BREAKER_OUTAGE, 0, 0), BREAKER_SAME);
	cr_assert_eq(breaker.failures, 1);
}

Test(breaker, open_it_sends_one_at_a_time)
{
	struct mono_time now;
	struct breaker breaker = opened(&now);

	cr_assert_gt(breaker_wait_ms(&breaker, now), 0);
	now.ms += breaker_wait_ms(&breaker, now);
	cr_assert(breaker_send(&breaker));
	cr_assert_eq(breaker_wait_ms(&breaker, now), -1);
	breaker_unprobe(&breaker);
	cr_assert_eq(breaker_judge(&breaker, now, BREAKER_OUTAGE, 0, 0), BREAKER_SAME);
	cr_assert(breaker.open);
	now.ms += breaker_wait_ms(&breaker, now);
	cr_assert(breaker_send(&breaker));
	breaker_unprobe(&breaker);
	cr_assert_eq(breaker_judge(&breaker, now, BREAKER_GOOD, 0, 0), BREAKER_CLOSED);
	cr_assert_eq(breaker_wait_ms(&breaker, now), 0);
	cr_assert_not(breaker_send(&breaker));
}

Test(breaker, one_good_answer_begins_anew)
{
	struct breaker breaker = {0};
	struct mono_time now = start;

	for (int i = 0; i < 20; i++) {
		breaker_judge(&breaker, now, BREAKER_OUTAGE, 0, 0);
		now.ms += breaker_wait_ms(&breaker, now);
		breaker_judge(&breaker, now, BREAKER_OUTAGE, 0, 0);
		now.ms += breaker_wait_ms(&breaker, now);
		cr_assert_eq(
		    breaker_judge(&breaker, now, BREAKER_GOOD, 0, 0), BREAKER_SAME);
	}
	cr_assert_not(breaker.open);
}

/* Too much was asked of it: it is there. */
Test(breaker, throttling_pauses_and_does_not_open)
{
	struct breaker breaker = {0};
	struct mono_time now = start;

	for (int i = 0; i < 20; i++) {
		breaker_judge(&breaker, now, BREAKER_THROTTLED, 0, 0);
		cr_assert_gt(breaker_wait_ms(&breaker, now), 0);
		now.ms += breaker_wait_ms(&breaker, now);
	}
	cr_assert_not(breaker.open);
	breaker_judge(&breaker, now, BREAKER_THROTTLED, 50000, 0);
	cr_assert_eq(breaker_wait_ms(&breaker, now), 50000, "its own wish");
	breaker = opened(&now);
	now.ms += breaker_wait_ms(&breaker, now);
	cr_assert_eq(
	    breaker_judge(&breaker, now, BREAKER_THROTTLED, 0, 0), BREAKER_CLOSED);
}

Test(breaker, what_says_nothing_changes_nothing_but_a_probe)
{
	struct breaker breaker = {0};
	struct mono_time now = start;

	cr_assert_eq(breaker_judge(&breaker, now, BREAKER_SILENT, 0, 0), BREAKER_SAME);
	cr_assert_eq(breaker_wait_ms(&breaker, now), 0);
	breaker = opened(&now);
	now.ms += breaker_wait_ms(&breaker, now);
	cr_assert_eq(breaker_judge(&breaker, now, BREAKER_SILENT, 0, 0), BREAKER_SAME);
	cr_assert(breaker.open);
	cr_assert_gt(breaker_wait_ms(&breaker, now), 0);
}
