/* The circuit breaker of one endpoint, and its back-off. After a failure nothing is
 * sent for a while, longer each time. After BREAKER_OUTAGES outages in a row it is
 * open: then one call at a time goes out, as a probe, whose end counts for all that
 * wait. One good answer closes it. Pure, breaker_random aside. */
#ifndef IPW_BREAKER_H
#define IPW_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define BREAKER_OUTAGES 3u
/* The pause doubles from the first up to the failure's own most; half of it is random.
 * A rate quota of GCE is full again within 60 s; an outage may end at any time. */
#define BREAKER_PAUSE_FIRST_MS	   500
#define BREAKER_PAUSE_OUTAGE_MS	   15000
#define BREAKER_PAUSE_THROTTLED_MS 60000

struct breaker {
	unsigned int failures; /* in a row */
	unsigned int outages;  /* in a row */
	bool open;
	bool probing;		 /* the probe is out */
	struct mono_time paused; /* nothing is sent before */
};

/* What the end of a call says of the endpoint. */
enum breaker_mark {
	BREAKER_GOOD,
	BREAKER_SILENT, /* nothing, by itself; a probe was no good answer */
	BREAKER_THROTTLED,
	BREAKER_OUTAGE,
};
enum breaker_news { BREAKER_SAME, BREAKER_OPENED, BREAKER_CLOSED };

/* How long nothing may be sent (ms); -1: until the probe has ended. */
int64_t breaker_wait_ms(const struct breaker *breaker, struct mono_time now);
/* Something is sent. True: it is the probe, which breaker_unprobe is to follow. */
bool breaker_send(struct breaker *breaker);
void breaker_unprobe(struct breaker *breaker);

/* For `random` below, and for whoever else waits for an uneven time. */
uint32_t breaker_random(void);

/* `asked_ms`: the endpoint's own wish for a pause, 0 or less: none. Failures that end
 * within a pause are those of calls that were under way together: one failure. */
enum breaker_news breaker_judge(struct breaker *breaker, struct mono_time now,
    enum breaker_mark mark, int64_t asked_ms, uint32_t random);

#endif
