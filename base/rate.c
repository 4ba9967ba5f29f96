#include "rate.h"

#define MINUTE_MS 60000

bool
rate_take(struct rate *rate, const struct rate_limit *limit, struct mono_time now,
    int64_t amount)
{
	int64_t passed_ms = now.ms - rate->at.ms;

	/* not multiplied first: the time since zero is long */
	if (passed_ms > rate->used / limit->per_minute)
		rate->used = 0;
	else if (passed_ms > 0)
		rate->used -= passed_ms * limit->per_minute;
	rate->at = now;
	if (rate->used + amount * MINUTE_MS > limit->burst * MINUTE_MS)
		return false;
	rate->used += amount * MINUTE_MS;
	return true;
}
