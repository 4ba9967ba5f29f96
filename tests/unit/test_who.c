/* Who was behind an address: days' and hours' ConfigMaps and a question in, the answer
 * out, and what somebody else has written there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "buf.h"
#include "clock.h"
#include "history.h"
#include "hour.h"
#include "mem.h"
#include "question.h"
#include "seen.h"

static struct history *history;
static struct seen *seen;
static struct buf told;

static void
begin(void)
{
	buf_init(&told, 1 << 20);
	history = history_new();
	seen = seen_new();
}

static void
end(void)
{
	history_free(history);
	seen_free(seen);
	buf_free(&told);
}

TestSuite(who, .init = begin, .fini = end);

static int64_t
ms(const char *text)
{
	struct wall_time time;

	cr_assert_eq(clock_parse(text, &time), 0, "%s", text);
	return time.ms;
}

/* --- questions ----------------------------------------------------------------------
 */

Test(who, questions)
{
	static const struct {
		const char *text, *kind;
	} rows[] = {
	    {"203.0.113.7", "a203.0.113.7"},
	    {"2001:0db8:0:0::1", "a2001:db8::1"},
	    {"node/node-a.internal", "nnode-a.internal"},
	    {"pod/voice/sip-0", "pvoice/sip-0"},
	    {"203.0.113", "-"},
	    {"203.0.113.7/32", "-"},
	    {"node-a", "-"},
	    {"voice/sip-0", "-"},
	    {"node/", "-"},
	    {"node/a,b", "-"},
	    {"node/a/b", "-"},
	    {"pod/sip-0", "-"},
	    {"pod/voice/", "-"},
	    {"pod//sip-0", "-"},
	    {"pod/voice/../x", "-"},
	    {"", "-"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct question question = {0};
		const char *why;
		int rc = question_read(rows[i].text, &question, &why);

		buf_reset(&told);
		if (rc < 0)
			buf_puts(&told, "-");
		else if (question.kind == QUESTION_ADDRESS)
			buf_printf(&told, "a%s", question.address);
		else if (question.kind == QUESTION_NODE)
			buf_printf(&told, "n%s", question.node);
		else
			buf_printf(&told, "p%s/%s", question.namespace, question.pod);
		cr_assert_str_eq(told.data, rows[i].kind, "%s", rows[i].text);
		cr_assert_eq(rc < 0, why != NULL);
	}
}

Test(who, times)
{
	static const struct {
		const char *text, *time; /* NULL: none */
	} rows[] = {
	    {"2026-01-05T10:03:00Z", "2026-01-05T10:03:00Z"},
	    {"2026-01-05T12:03:00.5+02:00", "2026-01-05T10:03:00.500Z"},
	    {"2026-01-05 05:03", "2026-01-05T10:03:00Z"},
	    {"2026-07-05T06:03:01", "2026-07-05T10:03:01Z"},
	    {"1h30m", "2026-01-05T22:30:00Z"},
	    {"0", "2026-01-06T00:00:00Z"},
	    {"-1h", NULL},
	    {"2026-02-30 10:00", NULL},
	    {"2026-03-08 02:30", NULL}, /* clocks leap over it */
	    {"2026-01-05", NULL},
	    {"yesterday", NULL},
	    {"", NULL},
	};

	setenv("TZ", "America/New_York", 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t got = -1;
		int rc = question_time(rows[i].text, ms("2026-01-06T00:00:00Z"), &got);

		cr_assert_eq(
		    rc, rows[i].time != NULL ? 0 : -EINVAL, "%s", rows[i].text);
		cr_assert_eq(got, rows[i].time != NULL ? ms(rows[i].time) : -1, "%s",
		    rows[i].text);
	}
}

/* --- days ---------------------------------------------------------------------------
 */

static void
on_problem(void *arg, const char *configmap, const char *key, const char *text)
{
	(void)arg;
	(void)text;
	buf_printf(&told, "%s %s\n", configmap, key);
}

struct line {
	const char *node, *from, *until, *source;
};

static struct json_object *
part(void)
{
	struct json_object *map = json_object_new_object();

	json_object_object_add(map, "data", json_object_new_object());
	return map;
}

static void
set(struct json_object *map, const char *key, const char *value)
{
	json_object_object_add(
	    json_object_object_get(map, "data"), key, json_object_new_string(value));
}

/* Lines of one address; those of `until` NULL end them. */
static void
write_lines(struct json_object *map, const char *key, const struct line *lines)
{
	struct buf text;

	buf_init(&text, 65536);
	for (; lines->until != NULL; lines++)
		buf_printf(&text,
		    "{\"node\":\"%s\",\"zone\":\"z\",\"allocation\":\"web\","
		    "\"from\":\"%s\",\"until\":\"%s\",\"source\":\"%s\"}\n",
		    lines->node, lines->from, lines->until,
		    lines->source != NULL ? lines->source : "operation");
	set(map, key, text.data);
	buf_free(&text);
}

#define LINES(...) ((const struct line[]){__VA_ARGS__, {0}})

static void
add(const char *date, struct json_object **parts, size_t count)
{
	history_add_day(history, date, parts, count, on_problem, NULL);
	for (size_t i = 0; i < count; i++)
		json_object_put(parts[i]);
}

static void
add_lines(const char *date, const struct line *lines)
{
	struct json_object *map = part();

	write_lines(map, "203.0.113.7", lines);
	add(date, &map, 1);
}

static void
put_stay(const char *word, const struct stay *stay, bool with_from, bool with_until)
{
	char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

	clock_format(stay->from, true, from, sizeof from);
	clock_format(stay->until, true, until, sizeof until);
	buf_printf(&told, "%s %s", word, stay->node);
	if (with_from)
		buf_printf(&told, " from %.12s", from + strlen("2026-01-"));
	if (with_until)
		buf_printf(&told, " until %.12s", until + strlen("2026-01-"));
	buf_puts(&told, ";");
}

/* Days that are asked for and were not added have no ConfigMap. */
static const char *
ask_of(const char *address, const char *at)
{
	struct history_answer found;
	char date[DAY_DATE_MAX];

	buf_reset(&told);
	while (history_find(history, address, ms(at), &found, date) == -EAGAIN) {
		buf_printf(&told, "?%s ", date + strlen("202601"));
		add(date, NULL, 0);
	}
	if (found.known)
		put_stay(
		    found.stay.operation ? "moved" : "seen", &found.stay, true, true);
	if (found.has_before)
		put_stay("before", &found.before, false, true);
	if (found.has_after)
		put_stay("after", &found.after, true, false);
	return told.len > 0 ? told.data : "";
}

#define AT(time) ask_of("203.0.113.7", "2026-01-" time "Z")

Test(who, a_stay_and_the_gaps_around_it)
{
	add_lines("20260105",
	    LINES({"a", "2026-01-05T08:00:00.500Z", "2026-01-05T09:00:00Z", NULL},
		{"", "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z", "observed"}));
	cr_assert_str_eq(
	    AT("05T08:30:00"), "moved a from 05T08:00:00. until 05T09:00:00.;");
	cr_assert_str_eq(AT("05T08:00:00.500"), told.data, "its first moment");
	cr_assert_str_eq(
	    AT("05T09:00:00"), "moved a from 05T08:00:00. until 05T09:00:00.;");
	cr_assert_str_eq(
	    AT("05T10:30:00"), "seen  from 05T10:00:00. until 05T11:00:00.;");
	cr_assert_str_eq(
	    AT("05T09:30:00"), "before a until 05T09:00:00.;after  from 05T10:00:00.;");
	cr_assert_str_eq(AT("05T08:00:00"), "?04 after a from 05T08:00:00.;");
	cr_assert_str_eq(AT("05T12:00:00"), "?06 before  until 05T11:00:00.;");
	cr_assert_str_eq(AT("07T12:00:00"), "?07 ?08 before  until 05T11:00:00.;");
	cr_assert_str_eq(ask_of("203.0.113.8", "2026-01-05T08:30:00Z"), "");
}

#define MIDNIGHT "T23:59:59.999Z"

Test(who, since_goes_back_over_midnights)
{
	add_lines("20260105",
	    LINES({"a", "2026-01-05T00:00:00Z", "2026-01-05" MIDNIGHT, NULL}));
	add_lines("20260104",
	    LINES({"a", "2026-01-04T00:00:00Z", "2026-01-04" MIDNIGHT, "observed"}));
	add_lines("20260103",
	    LINES({"b", "2026-01-03T08:00:00Z", "2026-01-03T09:00:00Z", NULL},
		{"a", "2026-01-03T09:00:01Z", "2026-01-03" MIDNIGHT, NULL}));
	cr_assert_str_eq(
	    AT("05T10:00:00"), "?06 moved a from 03T09:00:01. until 05T23:59:59.;");
	cr_assert_str_eq(
	    AT("03T10:00:00"), "moved a from 03T09:00:01. until 05T23:59:59.;");
}

Test(who, a_midnight_is_no_beginning)
{
	add_lines("20260105",
	    LINES({"a", "2026-01-05T00:00:00Z", "2026-01-05T10:00:00Z", NULL}));
	add_lines("20260104",
	    LINES({"b", "2026-01-04T00:00:00Z", "2026-01-04" MIDNIGHT, NULL}));
	cr_assert_str_eq(
	    AT("05T05:00:00"), "seen a from 05T00:00:00. until 05T10:00:00.;");
	cr_assert_str_eq(
	    AT("04T05:00:00"), "?03 seen b from 04T00:00:00. until 04T23:59:59.;");
}

Test(who, who_writes_later_has_the_later_word)
{
	add_lines("20260105",
	    LINES({"a", "2026-01-05T08:00:00Z", "2026-01-05T10:00:00Z", "observed"},
		{"b", "2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z", NULL}));
	cr_assert_str_eq(
	    AT("05T09:30:00"), "moved b from 05T09:00:00. until 05T11:00:00.;");
	cr_assert_str_eq(
	    AT("05T08:30:00"), "seen a from 05T08:00:00. until 05T10:00:00.;");
}

Test(who, parts_of_a_day_and_addresses_of_both_families)
{
	struct json_object *parts[] = {part(), part()};

	write_lines(parts[0], "203.0.113.7",
	    LINES({"a", "2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z", NULL}));
	write_lines(parts[1], "203.0.113.7",
	    LINES({"a", "2026-01-05T09:00:00.001Z", "2026-01-05T10:00:00Z", NULL}));
	write_lines(parts[1], "2001_db8__1",
	    LINES({"a", "2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z", NULL}));
	add("20260105", parts, 2);
	cr_assert_str_eq(
	    AT("05T09:30:00"), "moved a from 05T08:00:00. until 05T10:00:00.;");
	cr_assert_str_eq(ask_of("2001:db8::1", "2026-01-05T08:30:00Z"),
	    "moved a from 05T08:00:00. until 05T09:00:00.;");
	cr_assert_eq(history_addresses(history), 2);
}

Test(who, of_what_is_no_stay_nothing_is_taken_for_that_day)
{
	static const char *const bad[] = {
	    "scribble",
	    "{}",
	    "\n",
	    "{\"node\":\"a\",\"zone\":\"z\",\"allocation\":\"web\",\"from\":"
	    "\"2026-01-05T08:00:00Z\",\"until\":\"2026-01-05T09:00:00Z\","
	    "\"source\":\"hearsay\"}",
	    "{\"node\":\"a\",\"zone\":\"z\",\"allocation\":\"web\",\"from\":"
	    "\"2026-01-05T08:00:00Z\",\"until\":\"2026-01-06T09:00:00Z\","
	    "\"source\":\"observed\"}",
	    "{\"node\":\"a\",\"zone\":\"z\",\"allocation\":\"web\",\"from\":"
	    "\"2026-01-04T08:00:00Z\",\"until\":\"2026-01-05T09:00:00Z\","
	    "\"source\":\"observed\"}",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct json_object *parts[] = {part(), part()};

		history_free(history);
		history = history_new();
		add_lines("20260104",
		    LINES({"b", "2026-01-04T08:00:00Z", "2026-01-04" MIDNIGHT, NULL}));
		write_lines(parts[0], "203.0.113.7",
		    LINES({"a", "2026-01-05T00:00:00Z", "2026-01-05T09:00:00Z", NULL}));
		set(parts[1], "203.0.113.7", bad[i]);
		buf_reset(&told);
		add("20260105", parts, 2);
		cr_assert_str_eq(told.data,
		    "ipwarden-addresses-20260105-p2 203.0.113.7\n", "%s", bad[i]);
		cr_assert_str_eq(AT("05T08:30:00"), "?06 before b until 04T23:59:59.;",
		    "%s", bad[i]);
	}
}

Test(who, keys_of_no_address)
{
	struct json_object *map = part();

	set(map, "hostname", "x");
	set(map, "203.0.113.07", "x");
	set(map, "a-key-that-is-longer-than-any-address-that-there-may-be", "x");
	add("20260105", &map, 1);
	cr_assert_eq(history_addresses(history), 0);
	cr_assert_eq(strlen(told.data),
	    3 * strlen("ipwarden-addresses-20260105 \n") +
		strlen("hostname203.0.113.07a-key-that-is-longer-than-any-address-"
		       "that-there-may-be"));
	cr_assert(history_has_day(history, "20260105"));
	cr_assert_not(history_has_day(history, "20260106"));
}

/* --- hours --------------------------------------------------------------------------
 */

static void
add_part(struct json_object *map)
{
	seen_add(seen, "hour", map, on_problem, NULL);
	json_object_put(map);
}

/* One stay each, of those with these numbers. */
static void
add_addresses(unsigned from, unsigned until)
{
	struct json_object *map = part();
	char key[64];

	for (unsigned i = from; i < until; i++) {
		snprintf(
		    key, sizeof key, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		write_lines(map, key,
		    LINES({"n1", "2026-01-05T10:00:00.000Z", "2026-01-05T10:10:00.000Z",
			NULL}));
	}
	add("20260105", &map, 1);
}

Test(who, all_addresses_that_a_writer_can_note_are_taken)
{
	add_addresses(0, DAY_ADDRESSES_MAX);
	cr_assert_eq(history_addresses(history), DAY_ADDRESSES_MAX);
	cr_assert(history_is_whole(history));
	cr_assert_str_eq(told.data != NULL ? told.data : "", "");
	cr_assert_str_eq(ask_of("10.0.63.255", "2026-01-05T10:05:00Z"),
	    "moved n1 from 05T10:00:00. until 05T10:10:00.;");
}

Test(who, one_address_too_many_is_told)
{
	add_addresses(0, HISTORY_ADDRESSES_MAX);
	cr_assert(history_is_whole(history));
	add_addresses(HISTORY_ADDRESSES_MAX, HISTORY_ADDRESSES_MAX + 1);
	cr_assert_eq(history_addresses(history), HISTORY_ADDRESSES_MAX);
	cr_assert_not(history_is_whole(history));
	cr_assert_str_eq(told.data, "ipwarden-addresses-20260105 10.1.0.0\n");
}

Test(who, pods_of_an_hour)
{
	struct json_object *first = part(), *second = part();

	set(first, "voice_sip-0", "node-a");
	set(first, "voice_sip-1", "node-a");
	set(first, "web_new", "");
	set(second, "voice_sip-1", "node-b");
	add_part(first);
	add_part(second);
	cr_assert_str_eq(seen_node(seen, "voice", "sip-0"), "node-a");
	cr_assert_str_eq(seen_node(seen, "voice", "sip-1"), "node-b");
	cr_assert_str_eq(seen_node(seen, "web", "new"), "");
	cr_assert_null(seen_node(seen, "voice", "sip"));
	cr_assert(seen_is_whole(seen));
}

static void
tell_pod(void *arg, const char *namespace, const char *name)
{
	(void)arg;
	buf_printf(&told, "%s/%s ", namespace, name);
}

Test(who, nodes_that_a_pod_left_in_an_hour)
{
	struct json_object *first = json_tokener_parse(
	    "{\"metadata\":{\"annotations\":{\"" HOUR_EARLIER "\":"
	    "\"{\\\"voice_back\\\":[\\\"node-a\\\",\\\"node-b\\\"],"
	    "\\\"voice_sip-1\\\":[\\\"node-b\\\"]}\"}},"
	    "\"data\":{\"voice_back\":\"node-a\",\"voice_sip-0\":\"node-b\","
	    "\"voice_sip-1\":\"node-a\"}}");
	struct json_object *second = part();

	set(second, "voice_sip-0", "node-a");
	add_part(first);
	add_part(second);
	cr_assert(seen_is_whole(seen));
	cr_assert_str_eq(seen_left(seen, "voice", "back"), "node-b");
	cr_assert_str_eq(seen_left(seen, "voice", "sip-0"), "node-b");
	cr_assert_null(seen_left(seen, "voice", "sip-2"));
	cr_assert_not(seen_left_node(seen, "voice", "back", "node-a"), "it is there");
	seen_walk_left(seen, "node-b", tell_pod, NULL);
	cr_assert_str_eq(told.data, "voice/back voice/sip-1 voice/sip-0 ");
}

Test(who, what_is_no_pod_that_left)
{
	static const char *const bad[] = {"x", "[]", "{\\\"voice_a\\\":\\\"n\\\"}",
	    "{\\\"voice\\\":[\\\"n\\\"]}", "{\\\"voice_a\\\":[7]}",
	    "{\\\"voice_a\\\":[\\\"n m\\\"]}"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *json = mem_printf(
		    "{\"metadata\":{\"annotations\":{\"" HOUR_EARLIER "\":\"%s\"}}}",
		    bad[i]);

		seen_free(seen);
		seen = seen_new();
		buf_reset(&told);
		add_part(json_tokener_parse(json));
		free(json);
		cr_assert_str_eq(told.data, "hour " HOUR_EARLIER "\n", "%s", bad[i]);
		cr_assert_not(seen_is_whole(seen), "%s", bad[i]);
		cr_assert_null(seen_left(seen, "voice", "a"), "%s", bad[i]);
	}
}

Test(who, long_keys_of_an_hour)
{
	struct json_object *map = json_tokener_parse(
	    "{\"metadata\":{\"annotations\":{\"footprint.ipwarden.dev/long-keys\":"
	    "\"{\\\"voice_si-0f\\\":\\\"voice_sip-that-is-long\\\"}\"}},"
	    "\"data\":{\"voice_si-0f\":\"node-a\"}}");

	add_part(map);
	cr_assert_str_eq(seen_node(seen, "voice", "sip-that-is-long"), "node-a");
	cr_assert_null(seen_node(seen, "voice", "si-0f"));
}

Test(who, what_is_no_pod_of_an_hour)
{
	struct json_object *first = part(), *second = part();

	set(first, "voice_sip-0", "node-a");
	set(first, "nothing", "node-a");
	set(first, "voice_sip_0", "node-a");
	set(first, "_sip-0", "node-a");
	set(second, "voice_sip-0", "node a\x1b[2J");
	add_part(first);
	add_part(second);
	cr_assert_null(seen_node(seen, "voice", "sip-0"),
	    "the later word is none, and the one before it was not the last");
	cr_assert_not(seen_is_whole(seen));
	cr_assert_str_eq(told.data, "hour nothing\nhour voice_sip_0\nhour _sip-0\n"
				    "hour voice_sip-0\n");
}
