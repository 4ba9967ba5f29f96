/* The meter with a link of the test's own in place of the real one: what goes to
 * metricsd, and when. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

struct link {
	const struct link_handlers *handlers;
	void *arg;
	bool up;
	int room; /* messages that it still takes */
	unsigned int violations;
};

static struct link wire;
static struct loop *loop;
static struct meter *meter;

/* What was sent, a line each: "set METRIC PART VALUE labels|", "drop METRIC labels|",
 * "ready REASON". */
static char sent[16384];
static size_t sent_len;

static void
put_labels(const struct pack *labels)
{
	size_t cursor = 0;
	const char *label;

	while ((label = pack_next(labels, &cursor)) != NULL)
		sent_len += (size_t)snprintf(
		    sent + sent_len, sizeof sent - sent_len, "%s|", label);
	sent_len += (size_t)snprintf(sent + sent_len, sizeof sent - sent_len, "\n");
}

static void
put_sample(const struct msg_sample *sample)
{
	double value;

	memcpy(&value, &sample->value, sizeof value);
	sent_len += (size_t)snprintf(sent + sent_len, sizeof sent - sent_len,
	    "set %u %u %g ", sample->metric, sample->part, value);
	put_labels(&sample->labels);
}

int
link_send(struct link *link, enum message_type type, const void *msg)
{
	if (!link->up)
		return -ENOTCONN;
	if (link->room == 0)
		return -EAGAIN;
	link->room--;
	if (type == MSG_SAMPLE) {
		put_sample(msg);
	} else if (type == MSG_SAMPLE_DROP) {
		const struct msg_sample_drop *drop = msg;

		sent_len += (size_t)snprintf(
		    sent + sent_len, sizeof sent - sent_len, "drop %u ", drop->metric);
		put_labels(&drop->labels);
	} else {
		const struct msg_readiness *readiness = msg;

		cr_assert_eq(type, MSG_READINESS);
		sent_len += (size_t)snprintf(sent + sent_len, sizeof sent - sent_len,
		    "ready %s\n", readiness->reason);
	}
	return 0;
}

struct link *
link_open(struct loop *loop_of_meter, enum link_id id, enum role self,
    const struct link_handlers *handlers, void *arg)
{
	cr_assert_eq(loop_of_meter, loop);
	cr_assert_eq(id, LINK_METRICS_WATCHER);
	cr_assert_eq(self, ROLE_WATCHER);
	wire = (struct link){.handlers = handlers, .arg = arg, .room = 1000};
	return &wire;
}

bool
link_is_up(const struct link *link)
{
	return link->up;
}

void
link_violation(struct link *link, const char *why)
{
	cr_assert_not_null(why);
	link->violations++;
}

void
link_counts(const struct link *link, struct link_counts *ret_counts)
{
	cr_assert_eq(link, &wire);
	*ret_counts = (struct link_counts){.resent = 5, .backlog = 3};
}

static void
setup(void)
{
	loop = loop_new();
	meter = meter_open(loop, LINK_METRICS_WATCHER, ROLE_WATCHER);
}

static void
teardown(void)
{
	loop_free(loop);
}

TestSuite(meter, .init = setup, .fini = teardown);

static void
come_up(void)
{
	wire.up = true;
	wire.handlers->up(wire.arg);
}

/* What was sent since the last call. */
static const char *
take_sent(void)
{
	static char copy[sizeof sent];

	memcpy(copy, sent, sent_len);
	copy[sent_len] = '\0';
	sent_len = 0;
	return copy;
}

/* There is room again: what has changed goes out without waiting for the timer. */
static const char *
flushed(void)
{
	wire.room = 1000;
	wire.handlers->room(wire.arg);
	return take_sent();
}

static const char *
set_line(enum metric metric, unsigned int part, double value, const char *labels)
{
	static char line[128];

	snprintf(
	    line, sizeof line, "set %d %u %g %s\n", (int)metric, part, value, labels);
	return line;
}

/* The state at link-up, with one series. */
static const char *
whole_state(const char *reason)
{
	static char text[256];

	snprintf(text, sizeof text, "ready %s\n%s", reason,
	    set_line(METRIC_WATCH_SYNCED, 0, 1, "nodes|"));
	return text;
}

Test(meter, nothing_while_the_link_is_down)
{
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	meter_readiness(meter, "");
	cr_assert_str_empty(flushed());
	come_up();
	cr_assert_str_eq(take_sent(), whole_state(""));
}

Test(meter, only_what_has_changed)
{
	come_up();
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "pods");
	cr_assert_neq(strlen(flushed()), 0);
	cr_assert_str_empty(flushed());
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	cr_assert_str_empty(flushed(), "the same value is no change");
	meter_set(meter, METRIC_WATCH_SYNCED, 0, "pods");
	cr_assert_str_eq(flushed(), set_line(METRIC_WATCH_SYNCED, 0, 0, "pods|"));
}

/* metricsd forgets everything when the link comes up. */
Test(meter, everything_when_the_link_comes_up)
{
	come_up();
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	meter_readiness(meter, "not yet");
	flushed();
	come_up();
	cr_assert_str_eq(take_sent(), whole_state("not yet"));
}

Test(meter, adds)
{
	come_up();
	meter_add(meter, METRIC_WATCH_EVENTS, 1, "pods");
	meter_add(meter, METRIC_WATCH_EVENTS, 2.5, "pods");
	cr_assert_str_eq(flushed(), set_line(METRIC_WATCH_EVENTS, 0, 3.5, "pods|"));
}

/* Buckets are what is at most each bound; what is beyond the last is only counted. */
Test(meter, observes)
{
	static const double values[] = {0.05, 0.1, 0.3, 2.5, 10, 11};
	static const double buckets[] = {2, 2, 3, 3, 4, 4, 5};
	char wanted[1024];
	size_t len = 0;

	come_up();
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		meter_observe(meter, METRIC_GCP_SECONDS, values[i], "add");
	for (unsigned int i = 0; i < 7; i++)
		len += (size_t)snprintf(wanted + len, sizeof wanted - len, "%s",
		    set_line(
			METRIC_GCP_SECONDS, SAMPLE_BUCKET_0 + i, buckets[i], "add|"));
	len += (size_t)snprintf(wanted + len, sizeof wanted - len, "%s",
	    set_line(METRIC_GCP_SECONDS, SAMPLE_SUM, 23.95, "add|"));
	snprintf(wanted + len, sizeof wanted - len, "%s",
	    set_line(METRIC_GCP_SECONDS, SAMPLE_COUNT, 6, "add|"));
	cr_assert_str_eq(flushed(), wanted);
}

Test(meter, drops_by_first_labels)
{
	char wanted[64];

	come_up();
	meter_set(meter, METRIC_IP_ATTACHED, 1, "a", "1", "n");
	meter_set(meter, METRIC_IP_ATTACHED, 1, "a", "2", "n");
	meter_set(meter, METRIC_IP_ATTACHED, 1, "ab", "1", "n");
	flushed();
	meter_drop(meter, METRIC_IP_ATTACHED, 1, "a");
	snprintf(wanted, sizeof wanted, "drop %d a|\n", METRIC_IP_ATTACHED);
	cr_assert_str_eq(take_sent(), wanted);
	come_up();
	cr_assert_str_eq(take_sent(), set_line(METRIC_IP_ATTACHED, 0, 1, "ab|1|n|"));
}

/* A full queue loses nothing: the rest goes when there is room. */
Test(meter, full_queue)
{
	char label[16];
	int lines = 0;

	come_up();
	for (int i = 0; i < 100; i++) {
		snprintf(label, sizeof label, "%d", i);
		meter_set(meter, METRIC_NODE_CORDONED, 1, label);
	}
	for (int round = 0; round < 10; round++) {
		wire.room = 10;
		wire.handlers->room(wire.arg);
		for (const char *at = take_sent(); (at = strchr(at, '\n')) != NULL;
		     at++)
			lines++;
		cr_assert_eq(lines, 10 * (round + 1));
	}
	cr_assert_str_empty(flushed());
}

/* A drop that finds the queue full must not leave the series at metricsd for ever: all
 * of that metric go, and those that are still there come again. */
Test(meter, drop_with_a_full_queue)
{
	char wanted[256];

	come_up();
	meter_set(meter, METRIC_NODE_CORDONED, 1, "gone");
	meter_set(meter, METRIC_NODE_CORDONED, 1, "kept");
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	flushed();
	wire.room = 0;
	meter_drop(meter, METRIC_NODE_CORDONED, 1, "gone");
	cr_assert_str_empty(take_sent());
	snprintf(wanted, sizeof wanted, "drop %d \n%s", METRIC_NODE_CORDONED,
	    set_line(METRIC_NODE_CORDONED, 0, 1, "kept|"));
	cr_assert_str_eq(flushed(), wanted);
	cr_assert_str_empty(flushed());
}

Test(meter, readiness)
{
	come_up();
	cr_assert_str_empty(take_sent(), "not known is not said");
	meter_readiness(meter, "why");
	cr_assert_str_eq(take_sent(), "ready why\n");
	meter_readiness(meter, "why");
	cr_assert_str_empty(take_sent());
	wire.room = 0;
	meter_readiness(meter, "");
	cr_assert_str_empty(take_sent());
	cr_assert_str_eq(flushed(), "ready \n");
}

Test(meter, links_are_counted)
{
	char wanted[256];
	size_t len;

	come_up();
	meter_link(meter, &wire, "watcher", "facts");
	len = (size_t)snprintf(wanted, sizeof wanted, "%s",
	    set_line(METRIC_LINK_BACKLOG, 0, 3, "watcher|facts|"));
	snprintf(wanted + len, sizeof wanted - len, "%s",
	    set_line(METRIC_LINK_RESENT, 0, 5, "watcher|facts|"));
	cr_assert_str_eq(flushed(), wanted);
}

Test(meter, metricsd_has_nothing_to_say)
{
	static struct message message = {.type = MSG_READINESS};

	wire.handlers->message(wire.arg, &message);
	cr_assert_eq(wire.violations, 1);
}

/* Without news the timer sends what has changed. */
Test(meter, the_timer_flushes)
{
	struct mono_time start = clock_mono();

	come_up();
	meter_set(meter, METRIC_WATCH_SYNCED, 1, "nodes");
	while (sent_len == 0 && clock_mono().ms - start.ms < 10000)
		loop_run_once(loop, 10000);
	cr_assert_str_eq(take_sent(), set_line(METRIC_WATCH_SYNCED, 0, 1, "nodes|"));
}
