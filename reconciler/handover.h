/* When the leader gives the lease to another replica while it goes on as a follower:
 * before it takes an address off its own node, which may have no Internet until the
 * next one is there (CLOUDS §1.8), and when it has open intents and has not reached the
 * cloud for a while. Only to a replica whose pod is Ready and runs on another node. */
#ifndef IPW_HANDOVER_H
#define IPW_HANDOVER_H

#include "state.h"

/* The cloud has not answered for so long. */
#define HANDOVER_CLOUD_MS 30000
/* Not again for the same reason before that; it doubles each time, until the cloud has
 * answered us while we led: two replicas that both cannot reach it do not play ball. */
#define HANDOVER_HOLD_FIRST_MS 60000
#define HANDOVER_HOLD_MAX_MS   3600000
/* With nobody to give it to: the pods are looked at again after that. */
#define HANDOVER_LOOK_MS 30000
/* What came back within that, or was not taken, is not given again for our own node:
 * the detach is then ours to do. */
#define HANDOVER_APART_MS 60000

struct handover *handover_new(void);
void handover_free(struct handover *handover);

/* Right before the order that takes `address` off `node`. True: not now, somebody else
 * will, or who is there is being read. */
bool handover_before_detach(struct core *core, const struct allocation *allocation,
    const char *address, const char *node);
/* In each pass: is the cloud out of reach? */
void handover_look(struct core *core);

/* From now on nothing is begun, and the cloudworker may change nothing. */
bool handover_is_wanted(const struct core *core);
/* What was begun before has ended, or can have no effect any more. */
bool handover_is_due(const struct core *core);

/* The lease was lost, or won. */
void handover_unlead(struct core *core);
void handover_lead(struct core *core);

#endif
