/* The pods as the API server told of them, in its order, and what has happened to each.
 * Pure. */
#ifndef IPW_CTL_TRACK_H
#define IPW_CTL_TRACK_H

#include <stdbool.h>
#include <stddef.h>

#include "line.h"
#include "moment.h"

struct track;

/* Pods that ended without ever being walked are kept for the next walk, up to here. */
#define TRACK_ENDED_MAX 65536u

/* What is known of a pod that is gone is kept for so long (seconds): a new one of that
 * name has moved, if it is on another node. */
#define TRACK_MEMORY_S 3600

enum track_event { TRACK_CREATED, TRACK_MOVED, TRACK_ADDRESS, TRACK_DELETED };

/* `was` is the node or address before; NULL where that has no meaning. */
typedef void track_event_fn(void *arg, enum track_event event,
    const struct footprint *print, const char *was, struct moment now);
typedef void track_walk_fn(
    void *arg, const struct footprint *print, struct moment seen);

struct track *track_new(track_event_fn *event, void *arg);
void track_free(struct track *track);

/* A complete list begins; at its end what was not in it is gone. The first list makes
 * no events. */
void track_begin(struct track *track);
void track_end(struct track *track, struct moment now);

/* Takes `print`. */
void track_put(struct track *track, struct footprint *print, struct moment now);
void track_remove(
    struct track *track, const struct footprint *print, struct moment now);

/* First those that came and went since the last walk, as they were when last seen, then
 * those that there are, at `now`. Returns how many. */
size_t track_walk(struct track *track, struct moment now, track_walk_fn *fn, void *arg);
/* Ended pods that were not kept since the last walk. */
size_t track_missed(const struct track *track);

#endif
