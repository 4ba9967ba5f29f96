/* Token buckets. */
#include <criterion/criterion.h>

#include "rate.h"

static const struct rate_limit limit = {.burst = 3, .per_minute = 60};

static bool
take(struct rate *rate, int64_t now_ms, int64_t amount)
{
	return rate_take(rate, &limit, (struct mono_time){now_ms}, amount);
}

Test(rate, burst_then_refill)
{
	struct rate rate = {0};

	for (int i = 0; i < 3; i++)
		cr_assert(take(&rate, 5000, 1));
	cr_assert_not(take(&rate, 5000, 1));
	cr_assert_not(take(&rate, 5999, 1), "one a second");
	cr_assert(take(&rate, 6000, 1), "parts of a second are not lost");
	cr_assert_not(take(&rate, 6000, 1));
}

Test(rate, asking_in_vain_costs_nothing)
{
	struct rate rate = {0};

	cr_assert(take(&rate, 0, 3));
	for (int64_t ms = 1; ms < 1000; ms++)
		cr_assert_not(take(&rate, ms, 1));
	cr_assert(take(&rate, 1000, 1));
}

Test(rate, never_more_than_the_burst)
{
	struct rate rate = {0};

	cr_assert(take(&rate, 0, 3));
	cr_assert(take(&rate, INT64_MAX / 2, 3));
	cr_assert_not(take(&rate, INT64_MAX / 2, 1));
	cr_assert_not(take(&rate, INT64_MAX / 2, 4), "more than fits at all");
}

Test(rate, large_amounts)
{
	static const struct rate_limit bytes = {
	    .burst = 1 << 30, .per_minute = 60 * (INT64_C(1) << 20)};
	struct rate rate = {0};

	cr_assert(rate_take(&rate, &bytes, (struct mono_time){1}, 1 << 30));
	cr_assert_not(rate_take(&rate, &bytes, (struct mono_time){1}, 1));
	cr_assert(rate_take(&rate, &bytes, (struct mono_time){1001}, 1 << 20));
	cr_assert_not(rate_take(&rate, &bytes, (struct mono_time){1001}, 1));
}
