/* Pods that come back on another node under the name that they had, as those of a
 * StatefulSet do: each move is counted in ipwarden_pod_moves_total, by the leader
 * alone. What ends and comes again while the watcher has no watch is not seen. */
#ifndef IPW_MOVES_H
#define IPW_MOVES_H

#include "state.h"

/* Names of pods that are gone and their nodes are kept for so long, and so many of
 * them; the oldest goes first. */
#define MOVES_MEMORY_MS 3600000
#define MOVES_GONE_MAX	4096u
/* Pods that have a series of their own, and since their last move for how long. More
 * are counted under MOVES_OTHERS. */
#define MOVES_SERIES_MAX 512u
#define MOVES_SERIES_MS	 (24 * INT64_C(3600000))
#define MOVES_OTHERS	 "(others)"

struct moves;

struct moves *moves_new(void);
void moves_free(struct moves *moves);

/* Before the world takes the fact, or forgets the pod. */
void moves_pod(struct core *core, const struct msg_fact_pod *fact);
void moves_gone(struct core *core, const char *uid);
/* Its series end: the next leader has its own. */
void moves_unlead(struct core *core);

#endif
