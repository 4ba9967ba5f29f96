/* Every series that the producers have set, in the order in which it is written out. */
#ifndef IPW_REGISTRY_H
#define IPW_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"
#include "metrics.h"

/* Series that all producers may have together; further ones are refused and counted. */
#define REGISTRY_SERIES_MAX 50000u

/* Memory that they may take together (bytes): that many of usual length, twice. */
#define REGISTRY_BYTES_MAX (20u << 20)

/* Who set a series: one of the links, or metricsd itself. */
enum producer {
	PRODUCER_WATCHER,
	PRODUCER_RECONCILER,
	PRODUCER_CLOUDWORKER,
	PRODUCER_SELF,
	PRODUCER_COUNT
};

struct registry_series {
	enum metric metric;
	enum producer producer;
	double value;
	double sum; /* histograms: sum, count, and what is at most each bound */
	double count;
	double *buckets; /* METRIC_BUCKETS_MAX; NULL if no histogram */
	size_t labels_len;
	char labels[]; /* values, each NUL-terminated, in the metric's order */
};

struct registry;
struct registry *registry_new(void);
void registry_free(struct registry *registry);

/* 0; -EINVAL for a metric, part or number of labels that does not exist; -E2BIG when
 * there are too many series, or they take too much memory; -EPERM for a series that
 * metricsd sets itself: it keeps its own value. */
int registry_sample(
    struct registry *registry, enum producer producer, const struct msg_sample *sample);
/* The same for metricsd's own gauges; label values follow, NULL-terminated. */
void registry_set(struct registry *registry, enum metric metric, double value, ...);
/* Removes metricsd's own series of that first label value. */
void registry_unset(struct registry *registry, enum metric metric, const char *label);
int registry_drop(struct registry *registry, enum producer producer,
    const struct msg_sample_drop *drop);
/* The producer started anew: it sends everything again. */
void registry_forget(struct registry *registry, enum producer producer);

size_t registry_count(const struct registry *registry);
/* Another number means that something may have changed. */
uint64_t registry_changes(const struct registry *registry);

/* In order of metric, then labels. */
typedef void registry_fn(void *arg, const struct registry_series *series);
void registry_walk(const struct registry *registry, registry_fn *fn, void *arg);

/* How many labels a metric has. */
size_t metric_labels(enum metric metric);

#endif
