/* What is told about what was done: events of the cluster, the audit stream, metrics.
 */
#ifndef IPW_TRAIL_H
#define IPW_TRAIL_H

#include "calls.h"

/* The same event about the same object is not told again within that time. */
#define TRAIL_QUIET_MS 600000
/* Events remembered for that; the oldest goes first. */
#define TRAIL_TOLD_MAX 2048u

/* Posts an event about an allocation. `type` is Normal or Warning. */
void trail_event(struct core *core, const struct allocation *allocation,
    const char *type, const char *reason, const char *message);

/* Forgets what was told. */
void trail_told_free(void *told);

/* One audit line for a write to the API, at its answer. */
void trail_write(
    struct core *core, const struct call *call, const struct kube_reply *reply);
/* One audit line for an order, at its result. */
void trail_order(struct core *core, const struct order *order, const char *result,
    int64_t duration_ms);

/* Metrics. Label values are given as texts, NULL-terminated. */
void trail_metric(struct core *core, enum gauge_op op, enum metric metric, double value,
    const char *first, const char *second, const char *third);

#endif
