/* When pods were watched, as an hour's annotation has it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "watched.h"

static struct watched watched;

static void
begin(void)
{
	memset(&watched, 0, sizeof watched);
}

TestSuite(watched, .init = begin);

static void
add(int64_t from_ms, int64_t until_ms, const char *label)
{
	struct watched_span span = {
	    {from_ms}, {until_ms}, watched_filter_of("", "", label)};

	watched_add(&watched, &span);
}

/* "FROM-UNTIL" of each in order, a label in front. */
static const char *
shown(void)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < watched.len; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%jd-%jd",
		    i > 0 ? " " : "", watched.spans[i].filter.label,
		    (intmax_t)watched.spans[i].from.ms,
		    (intmax_t)watched.spans[i].until.ms);
	return text;
}

Test(watched, what_touches_is_one)
{
	add(100, 200, "");
	add(400, 500, "");
	cr_assert_str_eq(shown(), "100-200 400-500");
	add(201, 250, "");
	cr_assert_str_eq(shown(), "100-250 400-500");
	add(300, 350, "");
	add(50, 399, "");
	cr_assert_str_eq(shown(), "50-500");
	add(60, 70, "");
	cr_assert_str_eq(shown(), "50-500");
}

Test(watched, filters_are_told_apart)
{
	add(100, 200, "a=b");
	add(150, 250, "");
	add(200, 300, "a=b");
	cr_assert_str_eq(shown(), "a=b100-300 150-250");
	cr_assert_str_eq(
	    watched_at(&watched, (struct wall_time){120})->filter.label, "a=b");
	cr_assert(watched_filter_is_all(
	    &watched_at(&watched, (struct wall_time){200})->filter));
	cr_assert_null(watched_at(&watched, (struct wall_time){301}));
	cr_assert_null(watched_at(&watched, (struct wall_time){99}));
}

Test(watched, of_too_many_the_oldest_go)
{
	for (int64_t i = 0; i <= (int64_t)WATCHED_SPANS_MAX; i++)
		add(1000 * i, 1000 * i + 10, "");
	cr_assert_eq(watched.len, WATCHED_SPANS_MAX);
	cr_assert_eq(watched.spans[0].from.ms, 1000);
	cr_assert_eq(watched.spans[WATCHED_SPANS_MAX - 1].from.ms,
	    1000 * (int64_t)WATCHED_SPANS_MAX);
}

Test(watched, its_lines_come_back)
{
	static const char lines[] =
	    "{\"from\":\"2026-11-28T10:00:00.000Z\",\"until\":\"2026-11-28T10:10:00."
	    "250Z\"}\n"
	    "{\"from\":\"2026-11-28T10:20:00.000Z\",\"until\":\"2026-11-28T10:59:59."
	    "999Z\",\"namespace\":\"voice\",\"name\":\"sip-\",\"label\":\"a in "
	    "(b,c)\"}\n";
	struct buf out;

	buf_init(&out, sizeof watched);
	cr_assert_eq(watched_read(&watched, lines), 0);
	cr_assert_eq(watched.len, 2);
	watched_print(&watched, &out);
	cr_assert_str_eq(out.data, lines);
	buf_free(&out);
}

Test(watched, what_is_no_span_is_left_out)
{
#define FROM  "\"from\":\"2026-11-28T10:00:01Z\""
#define UNTIL "\"until\":\"2026-11-28T10:00:02Z\""
	static const char *const lines[] = {"x\n", "[]\n", "{}\n", "{" FROM "}\n",
	    "{" FROM ",\"until\":\"2026-11-28T10:00:00Z\"}\n",
	    "{" FROM "," UNTIL ",\"label\":7}\n"};
	static const char mixed[] = "x\n{" FROM "," UNTIL "}";

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cr_assert_eq(
		    watched_read(&watched, lines[i]), -EBADMSG, "%s", lines[i]);
		cr_assert_eq(watched.len, 0, "%s", lines[i]);
	}
	cr_assert_eq(watched_read(&watched, ""), 0);
	cr_assert_eq(watched_read(&watched, mixed), -EBADMSG);
	cr_assert_eq(watched.len, 1);
}

Test(watched, a_selector_that_is_too_long_still_chooses)
{
	char label[2 * WATCHED_LABEL_MAX + 1];
	struct buf out;

	memset(label, 'x', sizeof label - 1);
	label[sizeof label - 1] = '\0';
	add(1000, 2000, label);
	buf_init(&out, sizeof watched);
	watched_print(&watched, &out);
	begin();
	cr_assert_eq(watched_read(&watched, out.data), 0);
	cr_assert_not(watched_filter_is_all(&watched.spans[0].filter));
	buf_free(&out);
}

Test(watched, a_time_is_covered_for_the_pods_that_were_chosen)
{
	static const struct {
		const char *namespace, *name, *label;
		bool covers;
	} rows[] = {
	    {"", "", "", true},
	    {"voice", "", "", true},
	    {"voice", "sip-", "", true},
	    {"", "sip-0", "", true},
	    {"voice-lab", "", "", false},
	    {"", "sip-00", "", false},
	    {"", "www-", "", false},
	    {"voice", "sip-", "app=sip", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct watched_span span = {{1000}, {2000},
		    watched_filter_of(rows[i].namespace, rows[i].name, rows[i].label)};

		begin();
		add(1000, 2000, "app=other");
		watched_add(&watched, &span);
		cr_assert_eq(watched_covers(
				 &watched, (struct wall_time){2000}, "voice", "sip-0"),
		    rows[i].covers, "%zu", i);
		cr_assert_not(watched_covers(
		    &watched, (struct wall_time){2001}, "voice", "sip-0"));
	}
}
