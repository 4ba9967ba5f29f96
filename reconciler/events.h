/* Events of the cluster about allocations: each is told once, and until the API server
 * has it. */
#ifndef IPW_RECONCILER_EVENTS_H
#define IPW_RECONCILER_EVENTS_H

#include "calls.h"

/* The same event about the same object is not told again within that time. */
#define EVENTS_QUIET_MS 600000
/* Events remembered for that; the oldest goes first. */
#define EVENTS_MAX 2048u
/* Tries for one event before it is given up, as client-go has it. */
#define EVENTS_TRIES_MAX 12u

/* Posts an event. `type` is Normal or Warning. */
void events_tell(struct core *core, const struct allocation *allocation,
    const char *type, const char *reason, const char *message);

/* Posts again what has failed and is due. */
void events_repeat(struct core *core);

/* The answers of what is under way will not be heard. */
void events_unlead(struct core *core);

/* Of a value of core->events. */
void events_free(void *event);

#endif
