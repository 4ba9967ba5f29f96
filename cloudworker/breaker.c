#include "breaker.h"

#include <sys/random.h>

#define PAUSE_DOUBLINGS_MAX 7

int64_t
breaker_wait_ms(const struct breaker *breaker, struct mono_time now)
{
	if (breaker->probing)
		return -1;
	return breaker->paused.ms > now.ms ? breaker->paused.ms - now.ms : 0;
}

bool
breaker_send(struct breaker *breaker)
{
	breaker->probing = breaker->open;
	return breaker->probing;
}

void
breaker_unprobe(struct breaker *breaker)
{
	breaker->probing = false;
}

static void
breaker_pause(struct breaker *breaker, struct mono_time now, int64_t most_ms,
    int64_t asked_ms, uint32_t random)
{
	unsigned int doublings = breaker->failures < PAUSE_DOUBLINGS_MAX
				     ? breaker->failures
				     : PAUSE_DOUBLINGS_MAX;
	int64_t length_ms = (int64_t)BREAKER_PAUSE_FIRST_MS << doublings;

	if (length_ms > most_ms)
		length_ms = most_ms;
	length_ms = length_ms / 2 + (int64_t)random % (length_ms / 2);
	if (asked_ms > length_ms)
		length_ms = asked_ms < most_ms ? asked_ms : most_ms;
	breaker->paused.ms = now.ms + length_ms;
	breaker->failures++;
}

static enum breaker_news
breaker_close(struct breaker *breaker)
{
	bool open = breaker->open;

	breaker->outages = 0;
	breaker->open = false;
	return open ? BREAKER_CLOSED : BREAKER_SAME;
}

uint32_t
breaker_random(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		return (uint32_t)clock_mono().ms;
	return random;
}

enum breaker_news
breaker_judge(struct breaker *breaker, struct mono_time now, enum breaker_mark mark,
    int64_t asked_ms, uint32_t random)
{
	if (mark == BREAKER_SILENT && !breaker->open)
		return BREAKER_SAME;
	if (mark == BREAKER_GOOD) {
		breaker->failures = 0;
		breaker->paused.ms = 0;
		return breaker_close(breaker);
	}
	if (now.ms < breaker->paused.ms && asked_ms <= 0)
		return BREAKER_SAME;
	if (mark == BREAKER_THROTTLED) {
		breaker_pause(
		    breaker, now, BREAKER_PAUSE_THROTTLED_MS, asked_ms, random);
		return breaker_close(breaker);
	}
	breaker_pause(breaker, now, BREAKER_PAUSE_OUTAGE_MS, asked_ms, random);
	if (++breaker->outages < BREAKER_OUTAGES || breaker->open)
		return BREAKER_SAME;
	breaker->open = true;
	return BREAKER_OPENED;
}
