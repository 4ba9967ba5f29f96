/* Ends what is over: of the ConfigMaps of a kind that are in a namespace, those that
 * are older than the retention are deleted, and the oldest beyond the total size; those
 * of past hours (or days) become immutable, whoever wrote them last. Which is older
 * their names say. The parts of one time go together, as old as the last that was made,
 * the first one first: who finds it takes the rest for whole. */
#ifndef IPW_FOOTPRINT_SWEEP_H
#define IPW_FOOTPRINT_SWEEP_H

#include <stdbool.h>

#include "round.h"

struct sweep;

struct sweep_kind {
	const char *prefix;   /* of their names, */
	size_t digits;	      /* then the time in so many digits, */
	const char *selector; /* labels */
	int64_t over_s;	      /* so long after it was made its time is over */
	const char *deleted;  /* events */
	const char *failed;
};

struct sweep_limits {
	int64_t retention_s; /* since its creation; older ones go; 0: none does */
	int64_t bytes_max;   /* of all; beyond it the oldest go; 0: no limit */
};

/* `place` and `kind` live longer. */
struct sweep *sweep_new(const struct round_place *place, const struct sweep_kind *kind,
    const struct sweep_limits *limits);
void sweep_free(struct sweep *sweep);

/* One at a time. ConfigMaps of the time `now` (its digits) are left alone. */
typedef void sweep_done_fn(void *arg, bool failed);
void sweep_start(struct sweep *sweep, const char *now, sweep_done_fn *done, void *arg);
/* It ends after the request that is open; what is left is the next one's. */
void sweep_end(struct sweep *sweep);
/* As round_abort. */
void sweep_abort(struct sweep *sweep);

#endif
