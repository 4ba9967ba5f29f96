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
/* What an order does, in the word of the audit stream. */
const char *trail_order_word(enum order_kind kind);

/* Metrics. Label values are given as texts, NULL-terminated. */
void trail_metric(struct core *core, enum gauge_op op, enum metric metric, double value,
    const char *first, const char *second, const char *third);

/* A change that an allocation needed has come to its end: under the names of the IP
 * Address Controller, and for all allocations under those of controller-runtime, whose
 * label `controller` is TRAIL_CONTROLLER. `since`: when it was needed; 0 not known. */
#define TRAIL_CONTROLLER "netipallocation"
void trail_reconciled(
    struct core *core, const char *allocation, bool good, struct mono_time since);

#endif
