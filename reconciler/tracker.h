/* PodTrackers: their status is kept true to the world by who leads. Written only when
 * something in it has changed, what comes together at once, and not more than so many
 * bytes a minute. */
#ifndef IPW_TRACKER_H
#define IPW_TRACKER_H

#include "state.h"

#define TRACKER_COLLECTION "/apis/networking.learntosolveit.com/v1/podtrackers"
#define TRACKER_RESOURCE   "podtrackers.networking.learntosolveit.com"
/* That of the Pod IP Tracker. There is nothing that would have to be cleaned up before
 * a PodTracker goes, and who waits for it waits for good when its controller is gone:
 * we put it on none, and take it off where it is. */
#define TRACKER_FINALIZER "podtracker.networking.learntosolveit.com/finalizer"

/* Objects heeded; more are left alone, and logged. */
#define TRACKERS_MAX 256u
/* Writes under way at a time. */
#define TRACKERS_OPEN_MAX 2u
/* What changes within that time after the first change is written with it. */
#define TRACKER_GATHER_MS 200
/* Between two writes of one object at least, and: its bytes over this budget. */
#define TRACKER_LEAST_MS	 1000
#define TRACKER_BYTES_PER_MINUTE (4 * 1024 * 1024)

struct trackers;

struct trackers *trackers_new(void);
void trackers_free(struct trackers *trackers);

/* What the watcher tells. */
void trackers_fact(struct core *core, const struct msg_fact_tracker *fact);
void trackers_gone(struct core *core, const char *name);
/* A complete list has ended: what it did not have is gone. */
void trackers_sweep(struct core *core);

/* We lead from now on, or no longer: answers to what is under way will not be heard. */
void trackers_forget_calls(struct core *core);
/* The API server answers again (backoff_recover). */
void trackers_recover(struct core *core);
/* Writes what is due. */
void trackers_run(struct core *core);

#endif
