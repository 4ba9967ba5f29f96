#include "exposition.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum metric_type type;
	const char *labels;
	const char *buckets;
	const char *help;
} metric_table[METRIC_COUNT] = {
#define METRIC_ENTRY(constant, name, type, labels, buckets, help)                      \
	[constant] = {name, type, labels, buckets, help},
    METRIC_LIST(METRIC_ENTRY)
#undef METRIC_ENTRY
};

struct page {
	struct buf *out;
	enum exposition_format format;
	const char *cluster;
	int metric; /* whose head was written last; -1: none */
};

/* Label values escape quotes, backslashes and newlines; what is no UTF-8 becomes
 * U+FFFD. */
static void
put_label_value(struct buf *out, const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len;) {
		size_t count = buf_utf8_len(value + i, len - i);

		if (count == 0) {
			buf_puts(out, "\xef\xbf\xbd");
			i++;
			continue;
		}
		if (value[i] == '\n')
			buf_puts(out, "\\n");
		else if (value[i] == '"' || value[i] == '\\')
			buf_printf(out, "\\%c", value[i]);
		else
			buf_put(out, value + i, count);
		i += count;
	}
}

/* The shortest decimal that reads back as the same number. */
static void
put_number(struct buf *out, double value)
{
	char text[32];

	if (isnan(value)) {
		buf_puts(out, "NaN");
		return;
	}
	if (isinf(value)) {
		buf_puts(out, value > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		double back;

		snprintf(text, sizeof text, "%.*g", precision, value);
		back = strtod(text, NULL);
		if (!(back < value || back > value))
			break;
	}
	buf_puts(out, text);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

struct head {
	const char *type;
	const char *suffix; /* of the samples' names, which the family's has not */
};

static struct head
head_of(enum exposition_format format, enum metric metric)
{
	static const struct head heads[][2] = {
	    [METRIC_GAUGE] = {{"gauge", ""}, {"gauge", ""}},
	    [METRIC_COUNTER] = {{"counter", ""}, {"counter", "_total"}},
	    [METRIC_HISTOGRAM] = {{"histogram", ""}, {"histogram", ""}},
	    [METRIC_INFO] = {{"gauge", ""}, {"info", "_info"}},
	};
	static const struct head inherited = {"unknown", ""};

	if (format == EXPOSITION_OPENMETRICS &&
	    metric_table[metric].type == METRIC_GAUGE &&
	    ends_with(metric_table[metric].name, "_total"))
		return inherited;
	return heads[metric_table[metric].type][format];
}

static void
put_head(struct page *page, enum metric metric)
{
	const char *name = metric_table[metric].name;
	struct head head = head_of(page->format, metric);
	int len = (int)(strlen(name) - strlen(head.suffix));

	if (page->metric == (int)metric)
		return;
	page->metric = (int)metric;
	buf_printf(page->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, name,
	    metric_table[metric].help, len, name, head.type);
}

static void
put_label(
    struct buf *out, bool *first, const char *name, size_t name_len, const char *value)
{
	buf_puts(out, *first ? "{" : ",");
	*first = false;
	buf_put(out, name, name_len);
	buf_puts(out, "=\"");
	put_label_value(out, value);
	buf_puts(out, "\"");
}

/* name + suffix, labels, and for buckets `le`. */
static void
put_series(struct page *page, const struct registry_series *series, const char *suffix,
    const char *le, double value)
{
	const char *name = metric_table[series->metric].labels;
	const char *label = series->labels;
	bool first = true;

	buf_printf(page->out, "%s%s", metric_table[series->metric].name, suffix);
	if (page->cluster != NULL && page->cluster[0] != '\0')
		put_label(page->out, &first, "cluster", 7, page->cluster);
	while (label < series->labels + series->labels_len) {
		size_t len = strcspn(name, ",");

		put_label(page->out, &first, name, len, label);
		label += strlen(label) + 1;
		name += len + (name[len] == ',');
	}
	if (le != NULL)
		put_label(page->out, &first, "le", 2, le);
	buf_puts(page->out, first ? " " : "} ");
	put_number(page->out, value);
	buf_putc(page->out, '\n');
}

static void
put_histogram(struct page *page, const struct registry_series *series)
{
	const char *bound = metric_table[series->metric].buckets;

	for (size_t i = 0; *bound != '\0' && i < METRIC_BUCKETS_MAX; i++) {
		size_t len = strcspn(bound, ",");
		char le[16];

		/* OpenMetrics has one way to write a number there */
		snprintf(le, sizeof le, "%.*s%s", (int)len, bound,
		    page->format == EXPOSITION_OPENMETRICS &&
			    memchr(bound, '.', len) == NULL
			? ".0"
			: "");
		put_series(page, series, "_bucket", le, series->buckets[i]);
		bound += len + (bound[len] == ',');
	}
	put_series(page, series, "_bucket", "+Inf", series->count);
	put_series(page, series, "_sum", NULL, series->sum);
	put_series(page, series, "_count", NULL, series->count);
}

static void
on_series(void *arg, const struct registry_series *series)
{
	struct page *page = arg;

	put_head(page, series->metric);
	if (series->buckets != NULL)
		put_histogram(page, series);
	else
		put_series(page, series, "", NULL, series->value);
}

int
exposition_write(const struct registry *registry, enum exposition_format format,
    const char *cluster, struct buf *out)
{
	struct page page = {out, format, cluster, -1};

	registry_walk(registry, on_series, &page);
	if (format == EXPOSITION_OPENMETRICS)
		buf_puts(out, "# EOF\n");
	return out->refused ? -E2BIG : 0;
}
