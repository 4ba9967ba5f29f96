/* PodTrackerSlices: one for each node, and more for one with many pods. While there is
 * a PodTracker the leader writes those of nodes whose own agent does not. It takes away
 * those of nodes that are gone, and without a PodTracker all but those of agents. */
#ifndef IPW_SLICE_H
#define IPW_SLICE_H

#include "state.h"

/* Objects known at most; of more nothing is known, and they are logged. */
#define SLICES_MAX 40000u
/* Nodes written (and objects taken away) of all of them, so that other calls find their
 * turn, and how many at a time; between two writes of one node. */
#define SLICES_BURST	  40
#define SLICES_PER_MINUTE 1200
#define SLICES_OPEN_MAX	  4u
#define SLICE_LEAST_MS	  5000
/* What changes within that time is looked for together. */
#define SLICES_GATHER_MS 1000
/* Nodes whose slices are made and compared in one pass: some 10 ms. */
#define SLICES_LOOKS_MAX 200u
/* What was told just now stays that long: what it depends on, another slice or its
 * node, may be told only then. */
#define SLICE_SETTLE_MS 10000
/* An agent writes at least every ten minutes: one that has not for twice that is gone.
 */
#define SLICE_AGENT_MS 1200000

struct slices;

struct slices *slices_new(void);
void slices_free(struct slices *slices);

/* What the watcher tells. */
void slices_fact(struct core *core, const struct msg_fact_slice *fact);
void slices_gone(struct core *core, const char *name);
/* A complete list has ended: what it did not have is gone. */
void slices_sweep(struct core *core);

/* We lead from now on, or no longer: answers to what is under way will not be heard. */
void slices_forget_calls(struct core *core);
/* The API server answers again (backoff_recover). */
void slices_recover(struct core *core);
/* Writes and takes away what is due; `wanted`: there is a PodTracker. Nothing is done
 * while the slices are not known as a whole; pods and nodes must be. */
void slices_run(struct core *core, bool wanted);

#endif
