#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"
#include "mem.h"

static struct registry *registry;
static struct buf page;

static void
setup(void)
{
	registry = registry_new();
	buf_init(&page, EXPOSITION_MAX);
}

static void
teardown(void)
{
	registry_free(registry);
	buf_free(&page);
}

TestSuite(exposition, .init = setup, .fini = teardown);

static const char *
written(const char *cluster)
{
	buf_reset(&page);
	cr_assert_eq(
	    exposition_write(registry, EXPOSITION_PROMETHEUS, cluster, &page), 0);
	return page.data != NULL ? page.data : "";
}

#define HEAD(name, help, type) "# HELP " name " " help "\n# TYPE " name " " type "\n"

Test(exposition, nothing)
{
	cr_assert_str_empty(written(NULL));
}

Test(exposition, heads_and_labels)
{
	registry_set(registry, METRIC_NODE_CORDONED, 1, "b", NULL);
	registry_set(registry, METRIC_NODE_CORDONED, 0, "a", NULL);
	registry_set(registry, METRIC_PROCESS_RESTARTS, 3, "watcher", "signal", NULL);
	registry_set(registry, METRIC_IP_ATTACHED, 1, "crd", "192.0.2.1", "n", NULL);
	cr_assert_str_eq(written(NULL),
	    HEAD("netipallocation_ip_attached", "1 when the address is on that node",
		"gauge") "netipallocation_ip_attached{crd_name=\"crd\",ip=\"192.0.2."
			 "1\","
			 "node=\"n\"} 1\n" HEAD("netipallocation_node_cordoned",
			     "1 when the node is cordoned",
			     "gauge") "netipallocation_node_cordoned{node=\"a\"} 0\n"
				      "netipallocation_node_cordoned{node=\"b\"} "
				      "1\n" HEAD("ipwarden_process_restarts_total",
					  "Restarts by what ended the process before",
					  "counter") "ipwarden_process_restarts_total{"
						     "process=\"watcher\",reason="
						     "\"signal\"} 3\n");
}

Test(exposition, cluster_comes_first)
{
	static const char head[] = HEAD("ipwarden_build_info", "Always 1", "gauge");
	char wanted[256];

	registry_set(registry, METRIC_BUILD_INFO, 1, "1.0", NULL);
	snprintf(wanted, sizeof wanted,
	    "%sipwarden_build_info{cluster=\"c\\\"\\n\\\\\",version=\"1.0\"} 1\n",
	    head);
	cr_assert_str_eq(written("c\"\n\\"), wanted);
	snprintf(
	    wanted, sizeof wanted, "%sipwarden_build_info{version=\"1.0\"} 1\n", head);
	cr_assert_str_eq(written(""), wanted);
	cr_assert_str_eq(written(NULL), wanted);
}

Test(exposition, label_values_are_escaped)
{
	static const struct {
		const char *value;
		const char *wanted;
	} cases[] = {
	    {"", ""},
	    {"a\"b", "a\\\"b"},
	    {"a\\b", "a\\\\b"},
	    {"a\nb", "a\\nb"},
	    {"\\\"\n", "\\\\\\\"\\n"},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"\xff", "\xef\xbf\xbd"},
	    {"a\xc3", "a\xef\xbf\xbd"},
	    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
	    {"a,b{c=\"d\"} 1", "a,b{c=\\\"d\\\"} 1"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char wanted[128];

		teardown();
		setup();
		registry_set(registry, METRIC_BUILD_INFO, 1, cases[i].value, NULL);
		snprintf(wanted, sizeof wanted,
		    "\nipwarden_build_info{version=\"%s\"} 1\n", cases[i].wanted);
		cr_assert_not_null(
		    strstr(written(NULL), wanted), "case %zu: %s", i, page.data);
	}
}

Test(exposition, numbers)
{
	static const struct {
		double value;
		const char *wanted;
	} cases[] = {{0, "0"}, {1, "1"}, {-1, "-1"}, {0.1, "0.1"}, {1e15, "1e+15"},
	    {123456789012345, "123456789012345"}, {1.0 / 3, "0.3333333333333333"},
	    {0.1 + 0.2, "0.30000000000000004"}, {5e-324, "4.94065645841247e-324"},
	    {(double)INFINITY, "+Inf"}, {(double)-INFINITY, "-Inf"},
	    {(double)NAN, "NaN"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char wanted[64];

		registry_set(registry, METRIC_BUILD_INFO, cases[i].value, "v", NULL);
		snprintf(wanted, sizeof wanted, "} %s\n", cases[i].wanted);
		cr_assert_not_null(
		    strstr(written(NULL), wanted), "%s: %s", wanted, page.data);
	}
}

/* Whatever is written reads back as the same number. */
Test(exposition, numbers_read_back)
{
	uint64_t state = 1;

	for (int i = 0; i < 2000; i++) {
		double value, back;

		state = state * 6364136223846793005u + 1442695040888963407u;
		memcpy(&value, &state, sizeof value);
		if (!isfinite(value))
			continue;
		registry_set(registry, METRIC_BUILD_INFO, value, "v", NULL);
		back = strtod(strstr(written(NULL), "} ") + 2, NULL);
		cr_assert_not(back < value || back > value, "%a %a", value, back);
	}
}

static void
set_part(enum metric metric, unsigned int part, double value, const char *label)
{
	static struct msg_sample sample;

	sample.metric = metric;
	sample.part = (uint8_t)part;
	memcpy(&sample.value, &value, sizeof value);
	pack_clear(&sample.labels);
	pack_add(&sample.labels, label);
	cr_assert_eq(registry_sample(registry, PRODUCER_RECONCILER, &sample), 0);
}

Test(exposition, histogram)
{
	for (unsigned int i = 0; i < 8; i++)
		set_part(METRIC_RECONCILE_SECONDS, SAMPLE_BUCKET_0 + i, i, "crd");
	set_part(METRIC_RECONCILE_SECONDS, SAMPLE_SUM, 12.5, "crd");
	set_part(METRIC_RECONCILE_SECONDS, SAMPLE_COUNT, 8, "crd");
#define NAME "netipallocation_reconcile_duration_seconds"
#define ROW(le, value)                                                                 \
	NAME "_bucket{cluster=\"k\",crd_name=\"crd\",le=\"" le "\"} " value "\n"
	cr_assert_str_eq(written("k"),
	    HEAD(NAME, "Seconds from the need for a change to its end", "histogram")
		ROW("0.1", "0") ROW("0.5", "1") ROW("1", "2") ROW("2.5", "3") ROW("5",
		    "4") ROW("10", "5") ROW("30", "6") ROW("60", "7") ROW("+Inf", "8")
		    NAME "_sum{cluster=\"k\",crd_name=\"crd\"} 12.5\n" NAME
			 "_count{cluster=\"k\",crd_name=\"crd\"} 8\n");
}

/* Every metric of the table can be written, and each line has the form that the format
 * prescribes: a comment, or a name, braces and a value. */
Test(exposition, every_metric)
{
	char *line, *rest;
	int lines = 0;

	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		static const char *const labels[METRIC_LABELS_MAX + 1] = {
		    "one", "two", "three", "four"};
		size_t count = metric_labels(metric);

		registry_set(registry, metric, 1, labels[0],
		    count > 1 ? labels[1] : NULL, count > 2 ? labels[2] : NULL,
		    count > 3 ? labels[3] : NULL, NULL);
	}
	rest = strdup(written("c"));
	for (char *text = rest; (line = strsep(&text, "\n")) != NULL && *line != '\0';
	     lines++) {
		size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");

		if (strncmp(line, "# HELP ", 7) == 0 ||
		    strncmp(line, "# TYPE ", 7) == 0)
			continue;
		cr_assert_gt(name, 0, "%s", line);
		cr_assert_eq(
		    strncmp(line + name, "{cluster=\"c\",", 13), 0, "%s", line);
		cr_assert_not_null(strstr(line, "\"} "), "%s", line);
	}
	cr_assert_gt(lines, 3 * METRIC_COUNT - 1);
	free(rest);
}

/* Counters and infos lose their ending in the head, an inherited gauge has no type, and
 * bounds are written in the one way. */
Test(exposition, openmetrics)
{
	registry_set(registry, METRIC_RESERVED_IPS, 2, "crd", NULL);
	registry_set(registry, METRIC_RESERVED, 2, "crd", NULL);
	registry_set(registry, METRIC_PROCESS_VIOLATIONS, 3, "a\"\n\xff", NULL);
	registry_set(registry, METRIC_BUILD_INFO, 1, "1.0", NULL);
	set_part(METRIC_RECONCILE_SECONDS, SAMPLE_BUCKET_0, 1, "crd");
	set_part(METRIC_RECONCILE_SECONDS, SAMPLE_COUNT, 1, "crd");
	cr_assert_eq(
	    exposition_write(registry, EXPOSITION_OPENMETRICS, NULL, &page), 0);
	cr_assert_str_eq(page.data,
	    "# HELP netipallocation_reserved_ips_total Addresses that it lists\n"
	    "# TYPE netipallocation_reserved_ips_total unknown\n"
	    "netipallocation_reserved_ips_total{crd_name=\"crd\"} 2\n"
	    "# HELP netipallocation_reserved_ips Addresses that it lists\n"
	    "# TYPE netipallocation_reserved_ips gauge\n"
	    "netipallocation_reserved_ips{crd_name=\"crd\"} 2\n"
	    "# HELP " NAME " Seconds from the need for a change to its end\n"
	    "# TYPE " NAME " histogram\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"0.1\"} 1\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"0.5\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"1.0\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"2.5\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"5.0\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"10.0\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"30.0\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"60.0\"} 0\n" NAME
	    "_bucket{crd_name=\"crd\",le=\"+Inf\"} 1\n" NAME
	    "_sum{crd_name=\"crd\"} 0\n" NAME "_count{crd_name=\"crd\"} 1\n"
	    "# HELP ipwarden_protocol_violations Protocol violations that it made\n"
	    "# TYPE ipwarden_protocol_violations counter\n"
	    "ipwarden_protocol_violations_total{process=\"a\\\"\\n\xef\xbf\xbd\"} 3\n"
	    "# HELP ipwarden_build Always 1\n# TYPE ipwarden_build info\n"
	    "ipwarden_build_info{version=\"1.0\"} 1\n# EOF\n");
}

/* Endings that OpenMetrics prescribes, and help that needs no escaping. */
Test(exposition, names)
{
	static const struct {
		const char *name, *suffix, *help;
	} metrics[] = {
#define METRIC_ENTRY(constant, name, type, labels, buckets, help)                      \
	{name,                                                                         \
	    (type) == METRIC_COUNTER ? "_total"                                        \
	    : (type) == METRIC_INFO  ? "_info"                                         \
				     : "",                                              \
	    help},
	    METRIC_LIST(METRIC_ENTRY)
#undef METRIC_ENTRY
	};

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		size_t len = strlen(metrics[i].name), end = strlen(metrics[i].suffix);

		cr_assert_str_eq(metrics[i].name + len - end, metrics[i].suffix);
		cr_assert_eq(
		    strcspn(metrics[i].help, "\\\"\n"), strlen(metrics[i].help));
	}
}

Test(exposition, negotiation)
{
#define OPEN "application/openmetrics-text"
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
	    {NULL, EXPOSITION_PROMETHEUS},
	    {"", EXPOSITION_PROMETHEUS},
	    {"*/*", EXPOSITION_PROMETHEUS},
	    {OPEN, EXPOSITION_OPENMETRICS},
	    {OPEN "; version=1.0.0; charset=utf-8", EXPOSITION_OPENMETRICS},
	    {"Application/OpenMetrics-Text;Version=\"1.0.0\"", EXPOSITION_OPENMETRICS},
	    {OPEN ";version=0.0.1", EXPOSITION_PROMETHEUS},
	    {OPEN ";version=2.0.0,*/*;q=0.1", EXPOSITION_PROMETHEUS},
	    {OPEN ";q=0", EXPOSITION_PROMETHEUS},
	    {OPEN ";q=0.4,text/plain;q=0.5", EXPOSITION_PROMETHEUS},
	    {"text/plain;q=0.5 , " OPEN " ; q=0.5", EXPOSITION_OPENMETRICS},
	    {OPEN ";q=x", EXPOSITION_OPENMETRICS},
	    {OPEN ";q=0.00000000000001,*/*", EXPOSITION_OPENMETRICS},
	    {OPEN "x, text/html", EXPOSITION_PROMETHEUS},
	    {",,;;=;q=,q=1;" OPEN, EXPOSITION_PROMETHEUS},
	    /* Prometheus 2.5, 2.42 and 3 */
	    {OPEN "; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		EXPOSITION_PROMETHEUS},
	    {OPEN ";version=1.0.0," OPEN ";version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		EXPOSITION_OPENMETRICS},
	    {OPEN ";version=1.0.0;escaping=allow-utf-8;q=0.6," OPEN
		  ";version=0.0.1;q=0.5,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		EXPOSITION_OPENMETRICS},
	    {"text/plain;version=1.0.0;q=0.7," OPEN ";q=0.6", EXPOSITION_OPENMETRICS},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(exposition_negotiate(cases[i].accept), cases[i].format,
		    "%s", cases[i].accept);
}

/* docs/metrics.md, whole; the caller's. */
static char *
read_paper(void)
{
	const char *top = getenv("srcdir");
	char *path = mem_printf("%s/docs/metrics.md", top != NULL ? top : "..");
	char *text = mem_calloc(65536, 1);
	FILE *file = fopen(path, "r");

	cr_assert_not_null(file, "%s", path);
	cr_assert_gt(fread(text, 1, 65535, file), 0);
	fclose(file);
	free(path);
	return text;
}

/* The table for people has each metric as the code has it, and no other. */
Test(exposition, paper)
{
	static const char *const types[] = {
	    [METRIC_GAUGE] = "gauge",
	    [METRIC_COUNTER] = "counter",
	    [METRIC_HISTOGRAM] = "histogram",
	    [METRIC_INFO] = "info",
	};
	static const struct {
		const char *name;
		enum metric_type type;
		const char *labels, *buckets, *help;
	} metrics[] = {
#define METRIC_ENTRY(constant, name, type, labels, buckets, help)                      \
	{name, type, labels, buckets, help},
	    METRIC_LIST(METRIC_ENTRY)
#undef METRIC_ENTRY
	};
	char *paper = read_paper();
	int rows = 0;

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		char *row = mem_printf("\n| `%s` | %s | %s | %s |\n", metrics[i].name,
		    types[metrics[i].type], metrics[i].labels, metrics[i].help);
		char *buckets =
		    mem_printf("\n- `%s`: %s\n", metrics[i].name, metrics[i].buckets);

		cr_assert_not_null(strstr(paper, row), "missing: %s", row);
		cr_assert(
		    (metrics[i].buckets[0] == '\0') == (strstr(paper, buckets) == NULL),
		    "buckets: %s", buckets);
		free(row);
		free(buckets);
	}
	for (const char *at = paper; (at = strstr(at, "\n| `")) != NULL; at++)
		rows++;
	cr_assert_eq(rows, METRIC_COUNT);
	free(paper);
}

Test(exposition, too_large_a_page)
{
	struct buf small;

	registry_set(registry, METRIC_BUILD_INFO, 1, "version", NULL);
	buf_init(&small, 64);
	cr_assert_eq(
	    exposition_write(registry, EXPOSITION_PROMETHEUS, NULL, &small), -E2BIG);
	buf_free(&small);
}
