/* The metrics of one producer: it keeps absolute values here, and what has changed goes
 * to metricsd once a second, and all of it when the link comes up. */
#ifndef IPW_METER_H
#define IPW_METER_H

#include "link.h"
#include "metrics.h"

struct meter;

/* Opens the metrics link; before sandbox_lock. */
struct meter *meter_open(struct loop *loop, enum link_id id, enum role self);

/* Label values follow, as many as the metric has. */
void meter_set(struct meter *meter, enum metric metric, double value, ...);
void meter_add(struct meter *meter, enum metric metric, double delta, ...);
/* Histograms only. */
void meter_observe(struct meter *meter, enum metric metric, double value, ...);
/* Drops each series whose first `count` label values are these. */
void meter_drop(struct meter *meter, enum metric metric, int count, ...);

/* "" = ready; said again whenever the link comes up. Until the first call the process
 * counts as not ready. */
void meter_readiness(struct meter *meter, const char *reason);

/* Puts a link's counts into ipwarden_link_*; call it about once a second. */
void meter_link(struct meter *meter, const struct link *link, const char *process,
    const char *name);

#endif
