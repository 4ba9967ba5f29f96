/* What the whole simulation stands on: simulated time, chance, and a record of what
 * happened. One world at a time, so there is one stage. */
#ifndef IPW_STAGE_H
#define IPW_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something that happens at a time. */
struct event {
	int64_t at_ms;
	uint64_t sequence; /* of two at the same time the first one armed comes first */
	size_t place;	   /* in the queue, from 1; 0: not armed */
	/* It does not come before that time (a host sleeps till then); NULL: no matter
	 */
	const int64_t *gate_ms;
	void (*run)(void *arg);
	void (*drop)(void *arg); /* instead of run, at the end of the world */
	void *arg;
	bool once; /* freed after it */
};

struct stage {
	int64_t now_ms; /* true time; each host has its own clocks */
	uint64_t rng;
	bool verbose; /* each happening is printed at once */
	bool tracing; /* the last ones are kept */
	char violation[512];
	unsigned long steps;
};
extern struct stage stage;

void stage_open(uint64_t seed);
/* Drops what is still to come. */
void stage_close(void);

uint64_t stage_random(void);
/* From 0 to `below` - 1. */
uint64_t stage_pick(uint64_t below);
int64_t stage_between(int64_t least, int64_t most);
bool stage_chance(unsigned per_mille);

/* Armed again, it moves. */
void stage_arm(struct event *event, int64_t delay_ms);
void stage_disarm(struct event *event);
/* A single one. `drop` may be NULL. */
void stage_later(int64_t delay_ms, const int64_t *gate_ms, void (*run)(void *arg),
    void (*drop)(void *arg), void *arg);
/* Time stands still behind that gate, from now until it says: what is to come there
 * comes later by as much. */
void stage_delay(const int64_t *gate_ms);

/* The next event, when it comes until then; false: there is none, and it is then. */
bool stage_step(int64_t until_ms);
void stage_run(int64_t ms);

/* A happening, for people. Costs nothing unless somebody listens. */
#define stage_tell(...)                                                                \
	do {                                                                           \
		if (stage.tracing)                                                     \
			stage_record(__VA_ARGS__);                                     \
	} while (0)
void stage_record(const char *who, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void stage_print(size_t last);

/* The first one counts. */
void stage_violate(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
