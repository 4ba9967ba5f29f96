/* Ends what is over: of the ConfigMaps that Pod Ashiato or we have made in a namespace,
 * those that are older than the retention are deleted, and the oldest beyond the total
 * size; those of past hours become immutable, whoever wrote them last. */
#ifndef IPW_FOOTPRINT_SWEEP_H
#define IPW_FOOTPRINT_SWEEP_H

#include <stdbool.h>

#include "store.h"

struct sweep;

/* Both stay the caller's. `path` is that of the namespace's ConfigMaps. */
struct sweep *sweep_new(const struct store_options *options, const char *path);
void sweep_free(struct sweep *sweep);

/* One at a time. ConfigMaps of `hour` (YYYYMMDDHH) are left alone. */
void sweep_start(struct sweep *sweep, const char *hour, store_done_fn *done, void *arg);
/* As store_abort. */
void sweep_abort(struct sweep *sweep);

#endif
