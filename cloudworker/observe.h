/* Observes zones (their instances) and regions (their addresses) when the reconciler
 * asks, and tells the whole of it, or that it is unknown. A scope is told only when its
 * last page has come, so that a list that breaks off never looks complete. No I/O and
 * no clock.
 *
 * One scope is asked once at a time. A request for one whose first page is not asked
 * for yet takes its place, one that comes later is done right after it, with the newest
 * round (so that what is told was read after it was asked for); rounds that were
 * replaced get no answer. */
#ifndef IPW_OBSERVE_H
#define IPW_OBSERVE_H

#include <stdint.h>

#include "cloud.h"
#include "messages.h"

struct observe_effects {
	void *arg;
	/* The answer comes as observe_answer with the same ticket, later, exactly once.
	 */
	void (*call)(void *arg, uint64_t ticket, const struct cloud_call *call);
	/* To the reconciler: 0, -ENOTCONN, -EAGAIN (observe_room follows). */
	int (*send)(void *arg, enum message_type type, const void *msg);
};

struct observe;

struct observe *observe_new(const struct observe_effects *effects);
void observe_free(struct observe *observe);

/* Takes a request. A place that cannot be observed is told as unknown. Returns 0, or
 * -EPROTO when there are more open scopes than any cluster has. */
int observe_request(
    struct observe *observe, const struct msg_observe *msg, int64_t timeout_ms);

/* Takes the page of `answer`. Unknown tickets are ignored. */
void observe_answer(
    struct observe *observe, uint64_t ticket, struct cloud_answer *answer);

/* The link can take messages (again): goes on telling. */
void observe_room(struct observe *observe);

/* The link is down: nobody waits for anything any more. */
void observe_drop(struct observe *observe);

#endif
