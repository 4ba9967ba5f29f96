#include "meter.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

#define FLUSH_MS 1000

/* Series of one producer; what goes beyond is not kept (and said once). */
#define METER_SERIES_MAX 50000u

struct series {
	enum metric metric;
	double value; /* or the histogram's sum */
	double count;
	double *buckets; /* histogram: per upper bound, not cumulative */
	bool dirty;
	TAILQ_ENTRY(series) link;
	size_t labels_len;
	char labels[];
};

struct meter {
	struct link *link;
	struct loop_timer *timer;
	void *tree; /* by metric and labels: tsearch(3) */
	TAILQ_HEAD(, series) list;
	size_t count;
	/* a drop found the queue full: all series of that metric are dropped and set
	 * anew */
	bool redo[METRIC_COUNT];
	bool readiness_known, readiness_dirty;
	char readiness[TEXT_MAX + 1];
	struct msg_sample sample;
};

static const struct {
	const char *labels;
	const char *buckets;
	enum metric_type type;
} metric_table[METRIC_COUNT] = {
#define METRIC_ENTRY(constant, name, type, labels, buckets, help)                      \
	[constant] = {labels, buckets, type},
    METRIC_LIST(METRIC_ENTRY)
#undef METRIC_ENTRY
};

static int
label_count(enum metric metric)
{
	int count = 1;

	for (const char *c = metric_table[metric].labels; *c != '\0'; c++)
		count += *c == ',';
	return count;
}

/* The upper bounds of a histogram; returns how many. */
static size_t
bucket_bounds(enum metric metric, double bounds[METRIC_BUCKETS_MAX])
{
	const char *at = metric_table[metric].buckets;
	size_t count = 0;

	while (*at != '\0' && count < METRIC_BUCKETS_MAX) {
		char *end;

		bounds[count++] = strtod(at, &end);
		at = *end == ',' ? end + 1 : end;
	}
	return count;
}

static int
series_compare(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	size_t least = x->labels_len < y->labels_len ? x->labels_len : y->labels_len;
	int order;

	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	order = memcmp(x->labels, y->labels, least);
	if (order != 0 || x->labels_len == y->labels_len)
		return order;
	return x->labels_len < y->labels_len ? -1 : 1;
}

static void
sample_send(struct meter *meter, const struct series *series, unsigned int part,
    double value, int *ret_error)
{
	struct msg_sample *sample = &meter->sample;

	if (*ret_error != 0)
		return;
	sample->metric = series->metric;
	sample->part = (uint8_t)part;
	memcpy(&sample->value, &value, sizeof value);
	sample->labels.len = (uint32_t)series->labels_len;
	memcpy(sample->labels.data, series->labels, series->labels_len);
	*ret_error = link_send(meter->link, MSG_SAMPLE, sample);
}

/* Absolute values only: a repeat after an error does no harm. */
static int
series_send(struct meter *meter, const struct series *series)
{
	double bounds[METRIC_BUCKETS_MAX];
	double cumulative = 0;
	size_t count;
	int error = 0;

	if (series->buckets == NULL) {
		sample_send(meter, series, SAMPLE_VALUE, series->value, &error);
		return error;
	}
	count = bucket_bounds(series->metric, bounds);
	for (size_t i = 0; i < count; i++) {
		cumulative += series->buckets[i];
		sample_send(meter, series, SAMPLE_BUCKET_0 + (unsigned int)i,
		    cumulative, &error);
	}
	sample_send(meter, series, SAMPLE_SUM, series->value, &error);
	sample_send(meter, series, SAMPLE_COUNT, series->count, &error);
	return error;
}

static int
redo_metrics(struct meter *meter)
{
	for (unsigned int metric = 0; metric < METRIC_COUNT; metric++) {
		struct msg_sample_drop drop = {.metric = metric};
		struct series *series;

		if (!meter->redo[metric])
			continue;
		if (link_send(meter->link, MSG_SAMPLE_DROP, &drop) < 0)
			return -EAGAIN;
		meter->redo[metric] = false;
		TAILQ_FOREACH(series, &meter->list, link)
			series->dirty |= series->metric == metric;
	}
	return 0;
}

static void
flush(struct meter *meter)
{
	struct series *series;

	if (!link_is_up(meter->link))
		return;
	if (meter->readiness_dirty) {
		struct msg_readiness readiness;

		MESSAGE_TEXT(readiness.reason, meter->readiness);
		if (link_send(meter->link, MSG_READINESS, &readiness) < 0)
			return;
		meter->readiness_dirty = false;
	}
	if (redo_metrics(meter) < 0)
		return;
	TAILQ_FOREACH(series, &meter->list, link) {
		if (!series->dirty)
			continue;
		if (series_send(meter, series) < 0)
			return; /* the rest when there is room again */
		series->dirty = false;
	}
}

static void
on_timer(void *arg)
{
	struct meter *meter = arg;

	flush(meter);
	loop_timer_arm(meter->timer, FLUSH_MS);
}

static void
on_up(void *arg)
{
	struct meter *meter = arg;
	struct series *series;

	TAILQ_FOREACH(series, &meter->list, link)
		series->dirty = true;
	meter->readiness_dirty = meter->readiness_known;
	flush(meter);
}

static void
on_room(void *arg)
{
	flush(arg);
}

static void
on_message(void *arg, const struct message *message)
{
	struct meter *meter = arg;

	(void)message;
	link_violation(meter->link, "metricsd has nothing to say");
}

static const struct link_handlers meter_handlers = {
    .up = on_up, .message = on_message, .room = on_room};

struct meter *
meter_open(struct loop *loop, enum link_id id, enum role self)
{
	struct meter *meter = mem_calloc(1, sizeof *meter);

	TAILQ_INIT(&meter->list);
	meter->link = link_open(loop, id, self, &meter_handlers, meter);
	meter->timer = loop_timer_new(loop, on_timer, meter);
	loop_timer_arm(meter->timer, FLUSH_MS);
	return meter;
}

/* Gathers `count` label values; values that do not fit make the block empty. */
static void
gather_labels(struct pack *labels, int count, va_list args)
{
	pack_clear(labels);
	for (int i = 0; i < count; i++) {
		const char *value = va_arg(args, const char *);

		if (pack_add(labels, value != NULL ? value : "") < 0) {
			pack_clear(labels);
			return;
		}
	}
}

static struct series *
series_make(enum metric metric, const struct pack *labels)
{
	struct series *series = mem_calloc(1, sizeof *series + labels->len);

	series->metric = metric;
	series->labels_len = labels->len;
	memcpy(series->labels, labels->data, labels->len);
	return series;
}

/* The series with these labels, new if need be; NULL when there are too many. */
static struct series *
series_get(struct meter *meter, enum metric metric, const struct pack *labels)
{
	struct series *wanted = series_make(metric, labels);
	struct series **found = tfind(wanted, &meter->tree, series_compare);

	if (found != NULL || meter->count >= METER_SERIES_MAX) {
		free(wanted);
		return found != NULL ? *found : NULL;
	}
	if (tsearch(wanted, &meter->tree, series_compare) == NULL) {
		free(wanted);
		return NULL;
	}
	if (metric_table[metric].type == METRIC_HISTOGRAM)
		wanted->buckets = mem_calloc(METRIC_BUCKETS_MAX, sizeof(double));
	wanted->dirty = true;
	TAILQ_INSERT_TAIL(&meter->list, wanted, link);
	meter->count++;
	return wanted;
}

void
meter_set(struct meter *meter, enum metric metric, double value, ...)
{
	struct pack labels;
	struct series *series;
	va_list args;

	va_start(args, value);
	gather_labels(&labels, label_count(metric), args);
	va_end(args);
	series = series_get(meter, metric, &labels);
	if (series == NULL)
		return;
	series->dirty |= series->value < value || series->value > value;
	series->value = value;
}

void
meter_add(struct meter *meter, enum metric metric, double delta, ...)
{
	struct pack labels;
	struct series *series;
	va_list args;

	va_start(args, delta);
	gather_labels(&labels, label_count(metric), args);
	va_end(args);
	series = series_get(meter, metric, &labels);
	if (series == NULL)
		return;
	series->value += delta;
	series->dirty = true;
}

void
meter_observe(struct meter *meter, enum metric metric, double value, ...)
{
	double bounds[METRIC_BUCKETS_MAX];
	struct pack labels;
	struct series *series;
	va_list args;
	size_t count;

	assert(metric_table[metric].type == METRIC_HISTOGRAM);
	va_start(args, value);
	gather_labels(&labels, label_count(metric), args);
	va_end(args);
	series = series_get(meter, metric, &labels);
	if (series == NULL)
		return;
	count = bucket_bounds(metric, bounds);
	for (size_t i = 0; i < count; i++) {
		if (value > bounds[i])
			continue;
		series->buckets[i]++;
		break;
	}
	series->value += value;
	series->count++;
	series->dirty = true;
}

static void
series_remove(struct meter *meter, struct series *series)
{
	tdelete(series, &meter->tree, series_compare);
	TAILQ_REMOVE(&meter->list, series, link);
	meter->count--;
	free(series->buckets);
	free(series);
}

void
meter_drop(struct meter *meter, enum metric metric, int count, ...)
{
	struct msg_sample_drop drop = {.metric = metric};
	struct series *series, *next;
	va_list args;

	va_start(args, count);
	gather_labels(&drop.labels, count, args);
	va_end(args);
	for (series = TAILQ_FIRST(&meter->list); series != NULL; series = next) {
		next = TAILQ_NEXT(series, link);
		if (series->metric == metric && series->labels_len >= drop.labels.len &&
		    memcmp(series->labels, drop.labels.data, drop.labels.len) == 0)
			series_remove(meter, series);
	}
	/* while the link is down nothing is lost: metricsd forgets at link-up */
	if (link_send(meter->link, MSG_SAMPLE_DROP, &drop) == -EAGAIN)
		meter->redo[metric] = true;
}

void
meter_readiness(struct meter *meter, const char *reason)
{
	if (meter->readiness_known && strcmp(meter->readiness, reason) == 0)
		return;
	MESSAGE_TEXT(meter->readiness, reason);
	meter->readiness_known = true;
	meter->readiness_dirty = true;
	flush(meter);
}

void
meter_link(
    struct meter *meter, const struct link *link, const char *process, const char *name)
{
	struct link_counts counts;

	link_counts(link, &counts);
	meter_set(meter, METRIC_LINK_BACKLOG, (double)counts.backlog, process, name);
	meter_set(meter, METRIC_LINK_RESENT, (double)counts.resent, process, name);
}
