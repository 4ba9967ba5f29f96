/* Events of the cluster about allocations, and about the nodes, pods and workloads that
 * they concern: each is told once, and until the API server has it. What is told again
 * becomes a series of the first one. */
#ifndef IPW_RECONCILER_EVENTS_H
#define IPW_RECONCILER_EVENTS_H

#include "calls.h"
#include "event_body.h"

/* What happens for the second time becomes a series at once, as with client-go. After
 * that the same event about the same object is not told again within that time, only
 * counted; nor is one that was given up. */
#define EVENTS_QUIET_MS 600000
/* Events that wait to be told, with those remembered for that; the oldest goes first.
 */
#define EVENTS_MAX 2048u
/* Told ones that are remembered: some 50 KB of them. */
#define EVENTS_TOLD_MAX 128u
/* Objects whose events are counted against a limit; the oldest goes first. */
#define EVENTS_OBJECTS_MAX 2048u
/* Tries for one event before it is given up, as client-go has it. */
#define EVENTS_TRIES_MAX 12u
/* About one object at once, and one more every so many minutes, as client-go's spam
 * filter has it. */
#define EVENTS_BURST   25
#define EVENTS_MINUTES 5
/* About all of them. */
#define EVENTS_ALL_BURST      1000
#define EVENTS_ALL_PER_MINUTE 600

struct event_object events_about_allocation(const struct allocation *allocation);
struct event_object events_about_node(const char *name, const char *uid);
/* The workload that the allocation names; kind NULL: it names none that can be. */
struct event_object events_about_workload(
    const struct allocation *allocation, const char *uid);

/* Posts an event about `about`, NULL: about the allocation itself, which may be NULL
 * when it has nothing to do with one. `type` is Normal or
 * Warning. One about an object whose limit is reached is dropped: counted, and logged
 * when it begins. */
void events_tell(struct core *core, const struct allocation *allocation,
    const struct event_object *about, const char *type, const char *reason,
    const char *message);

/* Posts again what has failed and is due. */
void events_repeat(struct core *core);

/* The answers of what is under way will not be heard. */
void events_unlead(struct core *core);

/* Of a value of core->events; of core->event_budgets. */
void events_free(void *event);
void events_free_budget(void *budget);

#endif
