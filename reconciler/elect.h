/* Leader election on a Lease, with client-go's semantics (tools/leaderelection): expiry
 * is judged by local monotonic time since the record last changed, updates carry the
 * resourceVersion, transitions are counted. A holder judges its own validity on
 * CLOCK_BOOTTIME from before the renewal was sent. Pure; time comes in. */
#ifndef IPW_ELECT_H
#define IPW_ELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "effects.h"

struct json_object;

/* The rules, where client-go leaves a choice:
 * - Valid until D - G after the moment before the write was sent; an answer that comes
 *   after that is not believed.
 * - A follower waits for the duration in the record, from when it saw the record
 * change. A record that was deleted binds as long; one that is nobody's ("") does not.
 * - Our own name from an earlier life is taken at once, as a new term. A lease that is
 *   created begins with term 0.
 * - After a failed or lost write the record is read before anything else is done.
 * - What was given to another is not taken back before ELECT_YIELD_MS have passed and
 *   nobody has it: a follower reads it every 2 s at the longest, so three times. */
#define ELECT_YIELD_MS 6000
struct elect;

struct elect_options {
	const char *identity; /* exactly the pod's name */
	const char *name;     /* of the Lease */
	const char *namespace;
	int64_t duration_s;
	int64_t grace_s;
};

struct elect_handlers {
	/* We hold it from now on; `term` is leaseTransitions. */
	void (*won)(void *arg, uint64_t term);
	/* Renewed (also right after won): valid until then on CLOCK_BOOTTIME. */
	void (*valid)(void *arg, struct boot_time until);
	/* Lost, expired, taken or released. */
	void (*lost)(void *arg);
	/* Somebody else holds it (or "" nobody): for logs and metrics. */
	void (*holder)(void *arg, const char *identity);
	/* The Lease cannot be read or written (why, for people); "" = it can again.
	 * Told when it changes. May be NULL. */
	void (*trouble)(void *arg, const char *message);
};

/* Times derived from D and G as ARCHITECTURE.md "Leader election" says. */
struct elect_times {
	int64_t renew_ms;	 /* D/6 */
	int64_t retry_ms;	 /* min(2 s, D/6) */
	int64_t call_timeout_ms; /* (D − G)/4 */
	int64_t margin_ms;	 /* G */
};

struct elect *elect_new(const struct elect_options *options,
    const struct effects *effects, const struct elect_handlers *handlers, void *arg);
void elect_free(struct elect *elect);
void elect_times(const struct elect *elect, struct elect_times *ret_times);

/* Starts at the first wake. Tickets of its calls have ELECT_TICKET_BIT set. */
#define ELECT_TICKET_BIT (1ull << 63)
void elect_wake(struct elect *elect, struct core_time now);
void elect_answer(struct elect *elect, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply);
/* A watch has shown the Lease, object NULL: that there is none; borrowed. It counts as
 * if it had been read then, which is never before it became so; what is late makes us
 * wait longer at most. It is not needed: the Lease is read at its times in any case. */
void elect_observed(
    struct elect *elect, struct core_time now, struct json_object *object);
/* Gives the lease away (at a stop); true once it is done or was not ours. */
bool elect_release(struct elect *elect, struct core_time now);
/* Gives the lease to whoever takes it, while we go on as a follower. Lost before it
 * returns; what is open then must not matter any more. */
void elect_yield(struct elect *elect, struct core_time now);
bool elect_leads(const struct elect *elect, struct core_time now);

#endif
