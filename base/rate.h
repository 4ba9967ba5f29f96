/* Token buckets: how much of something one process may cause. Plain values; all zero
 * is a full bucket. */
#ifndef IPW_RATE_H
#define IPW_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct rate_limit {
	int64_t burst; /* at once; at most 1 GiB of whatever it is */
	int64_t per_minute;
};

struct rate {
	int64_t used; /* of the burst, in units / 60000 */
	struct mono_time at;
};

/* Takes `amount` from the bucket. False, and nothing taken, when there is not enough.
 */
bool rate_take(struct rate *rate, const struct rate_limit *limit, struct mono_time now,
    int64_t amount);

#endif
