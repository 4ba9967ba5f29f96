/* What is told about what was done: the audit stream, metrics. */
#ifndef IPW_TRAIL_H
#define IPW_TRAIL_H

#include "calls.h"

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
