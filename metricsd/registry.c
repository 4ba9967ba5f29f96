#include "registry.h"

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* What tsearch(3) and malloc(3) take beside a series (bytes, about). */
#define NODE_BYTES 64u

struct registry {
	void *tree; /* tsearch(3), by series_compare */
	size_t count;
	size_t bytes;
	uint64_t changes;
};

static const struct {
	enum metric_type type;
	const char *labels;
} metric_table[METRIC_COUNT] = {
#define METRIC_ENTRY(constant, name, type, labels, buckets, help)                      \
	[constant] = {type, labels},
    METRIC_LIST(METRIC_ENTRY)
#undef METRIC_ENTRY
};

size_t
metric_labels(enum metric metric)
{
	size_t count = 1;

	for (const char *c = metric_table[metric].labels; *c != '\0'; c++)
		count += *c == ',';
	return count;
}

struct registry *
registry_new(void)
{
	return mem_calloc(1, sizeof(struct registry));
}

static void
series_free(void *series)
{
	free(((struct registry_series *)series)->buckets);
	free(series);
}

void
registry_free(struct registry *registry)
{
	if (registry == NULL)
		return;
	tdestroy(registry->tree, series_free);
	free(registry);
}

static int
series_compare(const void *a, const void *b)
{
	const struct registry_series *x = a, *y = b;
	size_t least = x->labels_len < y->labels_len ? x->labels_len : y->labels_len;
	int order;

	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	order = memcmp(x->labels, y->labels, least);
	if (order != 0 || x->labels_len == y->labels_len)
		return order;
	return x->labels_len < y->labels_len ? -1 : 1;
}

static size_t
series_bytes(const struct registry_series *series)
{
	size_t buckets = series->buckets != NULL ? METRIC_BUCKETS_MAX : 0;

	return NODE_BYTES + sizeof *series + series->labels_len +
	       buckets * sizeof(double);
}

/* Our own series are few, and never refused. */
static bool
has_room(const struct registry *registry, const struct registry_series *series)
{
	return series->producer == PRODUCER_SELF ||
	       (registry->count < REGISTRY_SERIES_MAX &&
		   registry->bytes + series_bytes(series) <= REGISTRY_BYTES_MAX);
}

static struct registry_series *
series_make(enum producer producer, enum metric metric, const struct pack *labels)
{
	struct registry_series *series = mem_calloc(1, sizeof *series + labels->len);

	series->metric = metric;
	series->producer = producer;
	series->labels_len = labels->len;
	memcpy(series->labels, labels->data, labels->len);
	if (metric_table[metric].type == METRIC_HISTOGRAM)
		series->buckets = mem_calloc(METRIC_BUCKETS_MAX, sizeof(double));
	return series;
}

/* The series with these labels, new if need be. 0, -EPERM or -E2BIG. */
static int
series_get(struct registry *registry, enum producer producer, enum metric metric,
    const struct pack *labels, struct registry_series **ret_series)
{
	struct registry_series *wanted = series_make(producer, metric, labels);
	struct registry_series **found = tfind(wanted, &registry->tree, series_compare);

	if (found != NULL) {
		series_free(wanted);
		if ((*found)->producer == PRODUCER_SELF && producer != PRODUCER_SELF)
			return -EPERM;
		registry->changes++;
		(*found)->producer = producer;
		*ret_series = *found;
		return 0;
	}
	if (!has_room(registry, wanted) ||
	    tsearch(wanted, &registry->tree, series_compare) == NULL) {
		series_free(wanted);
		return -E2BIG;
	}
	registry->changes++;
	registry->count++;
	registry->bytes += series_bytes(wanted);
	*ret_series = wanted;
	return 0;
}

static size_t
pack_count(const struct pack *pack)
{
	size_t cursor = 0, count = 0;

	while (pack_next(pack, &cursor) != NULL)
		count++;
	return count;
}

/* Whether the metric has that part, and as many labels. */
static bool
sample_fits(const struct msg_sample *sample)
{
	bool histogram;

	if (sample->metric >= METRIC_COUNT ||
	    pack_count(&sample->labels) != metric_labels(sample->metric))
		return false;
	histogram = metric_table[sample->metric].type == METRIC_HISTOGRAM;
	return histogram == (sample->part != SAMPLE_VALUE) &&
	       sample->part < SAMPLE_BUCKET_0 + METRIC_BUCKETS_MAX;
}

int
registry_sample(
    struct registry *registry, enum producer producer, const struct msg_sample *sample)
{
	struct registry_series *series;
	double value;
	int rc;

	if (!sample_fits(sample))
		return -EINVAL;
	rc = series_get(registry, producer, sample->metric, &sample->labels, &series);
	if (rc < 0)
		return rc;
	memcpy(&value, &sample->value, sizeof value);
	if (sample->part == SAMPLE_VALUE)
		series->value = value;
	else if (sample->part == SAMPLE_SUM)
		series->sum = value;
	else if (sample->part == SAMPLE_COUNT)
		series->count = value;
	else
		series->buckets[sample->part - SAMPLE_BUCKET_0] = value;
	return 0;
}

void
registry_set(struct registry *registry, enum metric metric, double value, ...)
{
	struct pack labels;
	struct registry_series *series;
	const char *label;
	va_list args;

	pack_clear(&labels);
	va_start(args, value);
	while ((label = va_arg(args, const char *)) != NULL)
		pack_add(&labels, label);
	va_end(args);
	if (series_get(registry, PRODUCER_SELF, metric, &labels, &series) == 0)
		series->value = value;
}

/* What a walk gathers before anything is removed. */
struct selection {
	enum producer producer;
	const struct msg_sample_drop *drop; /* NULL: everything of that producer */
	void **found;			    /* struct registry_series * */
	size_t len;
};

static void
select_series(void *arg, const struct registry_series *series)
{
	struct selection *selection = arg;
	const struct msg_sample_drop *drop = selection->drop;

	if (series->producer != selection->producer)
		return;
	if (drop != NULL &&
	    (series->metric != drop->metric || series->labels_len < drop->labels.len ||
		memcmp(series->labels, drop->labels.data, drop->labels.len) != 0))
		return;
	memcpy(&selection->found[selection->len++], &series, sizeof(void *));
}

static void
remove_selected(struct registry *registry, enum producer producer,
    const struct msg_sample_drop *drop)
{
	struct selection selection = {.producer = producer, .drop = drop};

	selection.found = mem_calloc(registry->count, sizeof *selection.found);
	registry_walk(registry, select_series, &selection);
	for (size_t i = 0; i < selection.len; i++) {
		tdelete(selection.found[i], &registry->tree, series_compare);
		registry->changes++;
		registry->count--;
		registry->bytes -= series_bytes(selection.found[i]);
		series_free(selection.found[i]);
	}
	free(selection.found);
}

int
registry_drop(struct registry *registry, enum producer producer,
    const struct msg_sample_drop *drop)
{
	if (drop->metric >= METRIC_COUNT ||
	    pack_count(&drop->labels) > metric_labels(drop->metric))
		return -EINVAL;
	remove_selected(registry, producer, drop);
	return 0;
}

void
registry_unset(struct registry *registry, enum metric metric, const char *label)
{
	static struct msg_sample_drop drop; /* large */

	drop.metric = metric;
	pack_clear(&drop.labels);
	pack_add(&drop.labels, label);
	remove_selected(registry, PRODUCER_SELF, &drop);
}

void
registry_forget(struct registry *registry, enum producer producer)
{
	remove_selected(registry, producer, NULL);
}

size_t
registry_count(const struct registry *registry)
{
	return registry->count;
}

uint64_t
registry_changes(const struct registry *registry)
{
	return registry->changes;
}

struct walk {
	registry_fn *fn;
	void *arg;
};

static void
visit(const void *node, VISIT which, void *closure)
{
	const struct walk *walk = closure;
	const struct registry_series *series;

	if (which != postorder && which != leaf)
		return; /* glibc's postorder is between the subtrees: sorted */
	memcpy(&series, node, sizeof(void *));
	walk->fn(walk->arg, series);
}

void
registry_walk(const struct registry *registry, registry_fn *fn, void *arg)
{
	struct walk walk = {fn, arg};

	twalk_r(registry->tree, visit, &walk);
}
