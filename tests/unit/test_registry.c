#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"

static struct registry *registry;

static void
setup(void)
{
	registry = registry_new();
}

static void
teardown(void)
{
	registry_free(registry);
}

TestSuite(registry, .init = setup, .fini = teardown);

/* `labels` are separated by "|"; NULL: none. */
static void
pack_labels(struct pack *pack, const char *labels)
{
	pack_clear(pack);
	while (labels != NULL) {
		char label[512];
		size_t len = strcspn(labels, "|");

		cr_assert_lt(len, sizeof label);
		memcpy(label, labels, len);
		label[len] = '\0';
		cr_assert_eq(pack_add(pack, label), 0);
		labels = labels[len] == '|' ? labels + len + 1 : NULL;
	}
}

static int
sample(enum producer producer, uint32_t metric, unsigned int part, double value,
    const char *labels)
{
	static struct msg_sample message;

	message.metric = metric;
	message.part = (uint8_t)part;
	memcpy(&message.value, &value, sizeof value);
	pack_labels(&message.labels, labels);
	return registry_sample(registry, producer, &message);
}

static int
drop(enum producer producer, uint32_t metric, const char *labels)
{
	static struct msg_sample_drop message;

	message.metric = metric;
	pack_labels(&message.labels, labels);
	return registry_drop(registry, producer, &message);
}

/* "metric:label|label|=value;" of each series, in order. */
static char dump[8192];

static void
dump_series(void *arg, const struct registry_series *series)
{
	size_t *len = arg;

	*len +=
	    (size_t)snprintf(dump + *len, sizeof dump - *len, "%d:", series->metric);
	for (size_t i = 0; i < series->labels_len; i++)
		dump[(*len)++] = series->labels[i] != '\0' ? series->labels[i] : '|';
	*len +=
	    (size_t)snprintf(dump + *len, sizeof dump - *len, "=%g;", series->value);
}

static const char *
dumped(void)
{
	size_t len = 0;

	dump[0] = '\0';
	registry_walk(registry, dump_series, &len);
	return dump;
}

#define W PRODUCER_WATCHER
#define R PRODUCER_RECONCILER

Test(registry, sets_and_replaces)
{
	char wanted[64];

	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "nodes"), 0);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 0.5, "nodes"), 0);
	cr_assert_eq(registry_count(registry), 1);
	snprintf(wanted, sizeof wanted, "%d:nodes|=0.5;", METRIC_WATCH_SYNCED);
	cr_assert_str_eq(dumped(), wanted);
}

/* By metric, then labels; a label is not the beginning of another. */
Test(registry, is_in_order)
{
	char wanted[256];

	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "pods"), 0);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 2, "pod"), 0);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 3, ""), 0);
	cr_assert_eq(sample(R, METRIC_NODE_IP_READY, SAMPLE_VALUE, 4, "b|a"), 0);
	cr_assert_eq(sample(R, METRIC_NODE_IP_READY, SAMPLE_VALUE, 5, "a|b"), 0);
	snprintf(wanted, sizeof wanted,
	    "%d:a|b|=5;%d:b|a|=4;%d:|=3;%d:pod|=2;%d:pods|=1;", METRIC_NODE_IP_READY,
	    METRIC_NODE_IP_READY, METRIC_WATCH_SYNCED, METRIC_WATCH_SYNCED,
	    METRIC_WATCH_SYNCED);
	cr_assert_str_eq(dumped(), wanted);
}

Test(registry, refuses_what_does_not_exist)
{
	static const struct {
		uint32_t metric;
		unsigned int part;
		const char *labels;
	} cases[] = {
	    {METRIC_COUNT, SAMPLE_VALUE, "a"},
	    {UINT32_MAX, SAMPLE_VALUE, "a"},
	    {METRIC_WATCH_SYNCED, SAMPLE_VALUE, NULL},
	    {METRIC_WATCH_SYNCED, SAMPLE_VALUE, "a|b"},
	    {METRIC_NODE_IP_READY, SAMPLE_VALUE, "a"},
	    {METRIC_WATCH_SYNCED, SAMPLE_SUM, "a"},
	    {METRIC_WATCH_SYNCED, SAMPLE_BUCKET_0, "a"},
	    {METRIC_GCP_SECONDS, SAMPLE_VALUE, "a"},
	    {METRIC_GCP_SECONDS, SAMPLE_BUCKET_0 + METRIC_BUCKETS_MAX, "a"},
	    {METRIC_GCP_SECONDS, UINT8_MAX, "a"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(
		    sample(W, cases[i].metric, cases[i].part, 1, cases[i].labels),
		    -EINVAL, "case %zu", i);
	cr_assert_eq(registry_count(registry), 0, "nothing is kept of them");
	cr_assert_eq(drop(W, METRIC_COUNT, NULL), -EINVAL);
	cr_assert_eq(drop(W, METRIC_WATCH_SYNCED, "a|b"), -EINVAL);
}

static void
take_series(void *arg, const struct registry_series *series)
{
	*(const struct registry_series **)arg = series;
}

Test(registry, histograms_have_parts)
{
	const struct registry_series *series = NULL;

	for (unsigned int i = 0; i < METRIC_BUCKETS_MAX; i++)
		cr_assert_eq(
		    sample(W, METRIC_GCP_SECONDS, SAMPLE_BUCKET_0 + i, i + 1, "add"),
		    0);
	cr_assert_eq(sample(W, METRIC_GCP_SECONDS, SAMPLE_SUM, 7.5, "add"), 0);
	cr_assert_eq(sample(W, METRIC_GCP_SECONDS, SAMPLE_COUNT, 99, "add"), 0);
	cr_assert_eq(registry_count(registry), 1);
	registry_walk(registry, take_series, &series);
	cr_assert_float_eq(series->sum, 7.5, 0);
	cr_assert_float_eq(series->count, 99, 0);
	for (unsigned int i = 0; i < METRIC_BUCKETS_MAX; i++)
		cr_assert_float_eq(series->buckets[i], i + 1, 0);
}

Test(registry, drops_by_first_labels)
{
	char wanted[128];

	cr_assert_eq(sample(R, METRIC_IP_ATTACHED, SAMPLE_VALUE, 1, "a|1|n"), 0);
	cr_assert_eq(sample(R, METRIC_IP_ATTACHED, SAMPLE_VALUE, 2, "a|2|n"), 0);
	cr_assert_eq(sample(R, METRIC_IP_ATTACHED, SAMPLE_VALUE, 3, "ab|1|n"), 0);
	cr_assert_eq(sample(R, METRIC_NODE_IP_READY, SAMPLE_VALUE, 4, "a|n"), 0);
	cr_assert_eq(drop(W, METRIC_IP_ATTACHED, "a"), 0, "it has no such series");
	cr_assert_eq(drop(R, METRIC_IP_ATTACHED, "x"), 0);
	cr_assert_eq(registry_count(registry), 4);
	cr_assert_eq(drop(R, METRIC_IP_ATTACHED, "a|1|n"), 0);
	cr_assert_eq(registry_count(registry), 3);
	cr_assert_eq(drop(R, METRIC_IP_ATTACHED, "a"), 0);
	snprintf(wanted, sizeof wanted, "%d:ab|1|n|=3;%d:a|n|=4;", METRIC_IP_ATTACHED,
	    METRIC_NODE_IP_READY);
	cr_assert_str_eq(dumped(), wanted);
	cr_assert_eq(drop(R, METRIC_IP_ATTACHED, NULL), 0);
	cr_assert_eq(registry_count(registry), 1);
}

Test(registry, forgets_one_producer)
{
	char wanted[64];

	cr_assert_eq(sample(R, METRIC_IS_LEADER, SAMPLE_VALUE, 1, "pod"), 0);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 2, "nodes"), 0);
	registry_forget(registry, PRODUCER_CLOUDWORKER);
	cr_assert_eq(registry_count(registry), 2);
	registry_forget(registry, R);
	snprintf(wanted, sizeof wanted, "%d:nodes|=2;", METRIC_WATCH_SYNCED);
	cr_assert_str_eq(dumped(), wanted);
	registry_forget(registry, W);
	cr_assert_eq(registry_count(registry), 0);
	cr_assert_str_empty(dumped());
}

Test(registry, says_when_it_changes)
{
	uint64_t before = registry_changes(registry);

	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "nodes"), 0);
	cr_assert_neq(registry_changes(registry), before);
	before = registry_changes(registry);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 2, "nodes"), 0);
	cr_assert_neq(registry_changes(registry), before);
	before = registry_changes(registry);
	cr_assert_eq(sample(W, METRIC_WATCH_SYNCED, SAMPLE_SUM, 2, "nodes"), -EINVAL);
	registry_forget(registry, R);
	cr_assert_eq(registry_changes(registry), before);
	registry_forget(registry, W);
	cr_assert_neq(registry_changes(registry), before);
	before = registry_changes(registry);
	registry_set(registry, METRIC_BUILD_INFO, 1, "v", NULL);
	cr_assert_neq(registry_changes(registry), before);
}

/* What the supervisor says is not a producer's to change. */
Test(registry, keeps_its_own)
{
	char wanted[64];

	registry_set(registry, METRIC_PROCESS_VIOLATIONS, 4, "watcher", NULL);
	cr_assert_eq(
	    sample(W, METRIC_PROCESS_VIOLATIONS, SAMPLE_VALUE, 0, "watcher"), -EPERM);
	cr_assert_eq(drop(W, METRIC_PROCESS_VIOLATIONS, "watcher"), 0);
	registry_forget(registry, W);
	snprintf(wanted, sizeof wanted, "%d:watcher|=4;", METRIC_PROCESS_VIOLATIONS);
	cr_assert_str_eq(dumped(), wanted);
}

Test(registry, takes_over_its_own)
{
	char wanted[64];

	cr_assert_eq(
	    sample(W, METRIC_PROCESS_VIOLATIONS, SAMPLE_VALUE, 0, "watcher"), 0);
	registry_set(registry, METRIC_PROCESS_VIOLATIONS, 4, "watcher", NULL);
	registry_forget(registry, W);
	snprintf(wanted, sizeof wanted, "%d:watcher|=4;", METRIC_PROCESS_VIOLATIONS);
	cr_assert_str_eq(dumped(), wanted);
}

Test(registry, series_are_counted)
{
	char label[32];

	for (unsigned int i = 0; i < REGISTRY_SERIES_MAX; i++) {
		snprintf(label, sizeof label, "%u", i);
		cr_assert_eq(
		    sample(W, METRIC_NODE_CORDONED, SAMPLE_VALUE, i, label), 0);
	}
	cr_assert_eq(sample(W, METRIC_NODE_CORDONED, SAMPLE_VALUE, 1, "more"), -E2BIG);
	cr_assert_eq(sample(W, METRIC_NODE_CORDONED, SAMPLE_VALUE, 7, "17"), 0,
	    "those that are there can change");
	registry_set(registry, METRIC_BUILD_INFO, 1, "v", NULL);
	cr_assert_eq(registry_count(registry), REGISTRY_SERIES_MAX + 1);
	cr_assert_eq(drop(W, METRIC_NODE_CORDONED, "17"), 0);
	cr_assert_eq(drop(W, METRIC_NODE_CORDONED, "18"), 0);
	cr_assert_eq(sample(W, METRIC_NODE_CORDONED, SAMPLE_VALUE, 1, "more"), 0);
}

/* Series with long labels: fewer fit, and what goes makes room. */
Test(registry, bytes_are_counted)
{
	static struct msg_sample message;
	char label[8192];
	unsigned int count = 0;
	int rc = 0;

	message.metric = METRIC_NODE_CORDONED;
	memset(label, 'x', sizeof label - 1);
	label[sizeof label - 1] = '\0';
	for (int round = 0; round < 3; round++) {
		for (count = 0; rc == 0; count++) {
			label[snprintf(label, 16, "%08u", count)] = 'x';
			pack_clear(&message.labels);
			cr_assert_eq(pack_add(&message.labels, label), 0);
			rc = registry_sample(registry, W, &message);
		}
		cr_assert_eq(rc, -E2BIG);
		cr_assert_gt(count, REGISTRY_BYTES_MAX / sizeof label / 2);
		cr_assert_leq(count, REGISTRY_BYTES_MAX / sizeof label + 1);
		registry_forget(registry, W);
		cr_assert_eq(registry_count(registry), 0);
		rc = 0;
	}
}

Test(registry, knows_how_many_labels)
{
	cr_assert_eq(metric_labels(METRIC_BUILD_INFO), 1);
	cr_assert_eq(metric_labels(METRIC_SANDBOX_LAYER), 2);
	cr_assert_eq(metric_labels(METRIC_IP_ATTACHED), 3);
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
		cr_assert_leq(metric_labels(metric), METRIC_LABELS_MAX);
}

Test(registry, free_takes_null)
{
	registry_free(NULL);
}
