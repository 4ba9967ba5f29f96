#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "logfmt.h"
#include "loop.h"

Test(buf, refuses_beyond_its_limit_and_keeps_what_it_had)
{
	struct buf buf;

	buf_init(&buf, 4);
	cr_assert_eq(buf_puts(&buf, "abc"), 0);
	cr_assert_eq(buf_puts(&buf, "de"), -E2BIG);
	cr_assert_str_eq(buf.data, "abc");
	cr_assert_eq(buf_putc(&buf, 'd'), -E2BIG, "a refusal is sticky");
	buf_reset(&buf);
	cr_assert_eq(buf_puts(&buf, "abcd"), 0);
	buf_consume(&buf, 3);
	cr_assert_str_eq(buf.data, "d");
	buf_free(&buf);
}

Test(buf, formats_long_texts)
{
	struct buf buf;
	char text[1000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	buf_init(&buf, 4096);
	cr_assert_eq(buf_printf(&buf, "%d%s", 7, text), 0);
	cr_assert_eq(buf.len, sizeof text);
	buf_free(&buf);
}

Test(buf, json_escapes_and_replaces_what_is_not_utf8)
{
	struct buf buf;
	static const char text[] = "a\"\\\n\x7f\xc3\xa9\xff\xc3\xed\xa0\x80";

	buf_init(&buf, 4096);
	cr_assert_eq(buf_put_json(&buf, text, sizeof text - 1), 0);
	cr_assert_str_eq(buf.data,
	    "a\\\"\\\\\\u000a\\u007f\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd");
	buf_free(&buf);
}

struct time_case {
	const char *text;
	int64_t ms; /* -1: refused */
};

Test(clock, parses_rfc3339)
{
	static const struct time_case cases[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-11-21T01:02:03Z", 1795222923000},
	    {"2026-11-21T01:02:03.123456Z", 1795222923123},
	    {"2026-11-21T02:02:03+01:00", 1795222923000},
	    {"2026-11-20T20:02:03-05:00", 1795222923000},
	    {"2026-11-21T01:02:03", -1},
	    {"2026-13-21T01:02:03Z", -1},
	    {"2026-11-21T01:02:03.Z", -1},
	    {"2026-11-21T01:02:03Zx", -1},
	    {"2026-11-21 01:02:03Z", -1},
	    {"", -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wall_time time = {-1};
		int rc = clock_parse(cases[i].text, &time);

		cr_expect_eq(rc, cases[i].ms < 0 ? -EINVAL : 0, "%s", cases[i].text);
		cr_expect_eq(time.ms, cases[i].ms, "%s", cases[i].text);
	}
}

Test(clock, formats_what_it_parses)
{
	char text[CLOCK_TEXT_MAX];
	struct wall_time time;

	clock_format((struct wall_time){1795222923123}, true, text, sizeof text);
	cr_assert_str_eq(text, "2026-11-21T01:02:03.123000Z");
	cr_assert_eq(clock_parse(text, &time), 0);
	cr_assert_eq(time.ms, 1795222923123);
	clock_format((struct wall_time){-1}, false, text, sizeof text);
	cr_assert_str_eq(text, "1969-12-31T23:59:59Z");
}

static bool
is_ours(const char *line)
{
	return log_line_is_ours(line, strlen(line));
}

#define START "{\"ts\":\"t\",\"level\":\"info\",\"msg\":\"m\",\"event\":\"e\""

Test(log, one_fixed_check)
{
	static const char escaped_nul[] = START ",\"a\":\"\\\0\"}";

	cr_expect(is_ours(START "}"));
	cr_expect(is_ours(START ",\"n\":-12,\"s\":\"a\\\"b\\u001b\"}"));
	cr_expect_not(
	    is_ours(START ",\"process\":\"reconciler\"}"), "poses as another");
	cr_expect_not(
	    is_ours(START ",\"pro\\u0063ess\":\"reconciler\"}"), "escaped key");
	cr_expect_not(is_ours(START ",\"level\":\"error\"}"), "a second level");
	cr_expect_not(is_ours(START ",\"x level\":1}"), "a key that is two in logfmt");
	cr_expect_not(is_ours(START ",\"\":1}"), "a key of nothing");
	cr_expect_not(is_ours(START ",\"a\":{}}"), "nested");
	cr_expect_not(is_ours(START ",\"a\":tru}"), "no number");
	cr_expect_not(is_ours(START ",\"a\":007}"), "leading zeros");
	cr_expect_not(is_ours(START "} "), "trailing");
	cr_expect_not(is_ours(START "},{"), "breaks out");
	cr_expect_not(is_ours(START ",\"a\":\"\x1b[2J\"}"), "control byte");
	cr_expect_not(is_ours(START ",\"a\":\"\\u00\"}"), "short escape");
	cr_expect_not(
	    log_line_is_ours(escaped_nul, sizeof escaped_nul - 1), "escaped NUL");
	cr_expect_not(is_ours("{\"level\":\"info\"}"), "other keys first");
	cr_expect_not(is_ours(""), "empty");
}

/* What log_write writes passes the check, whatever the fields hold. */
Test(log, writes_what_the_check_accepts)
{
	char line[8192], big[6000];
	int ends[2];
	ssize_t len;

	memset(big, '"', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_info("event", LOG_S("a", "x\n\"\\\xff"), LOG_S("big", big), LOG_N("n", -5));
	len = read(ends[0], line, sizeof line);
	cr_assert_gt(len, 0);
	cr_assert_eq(line[len - 1], '\n');
	cr_assert(log_line_is_ours(line, (size_t)len - 1));
	cr_assert_not_null(memmem(line, (size_t)len, "\"n\":-5", 6),
	    "a field that does not fit is left out, the next is not");
}

/* What a line of log_info with `text` in it becomes, between the quotes. */
static const char *
as_written(const char *text)
{
	static char line[4096];
	char *start, *end;
	int ends[2];
	ssize_t len;

	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_info("event", LOG_S("a", text));
	len = read(ends[0], line, sizeof line - 1);
	cr_assert_gt(len, 0);
	line[len] = '\0';
	close(ends[0]);
	close(ends[1]);
	cr_assert_not_null(start = strstr(line, "\"a\":\""));
	cr_assert_not_null(end = strrchr(line, '"'));
	*end = '\0';
	return start + 5;
}

Test(log, utf8_is_escaped_and_what_is_none_replaced)
{
	cr_expect_str_eq(as_written("caf\xc3\xa9 \x7f"), "caf\\u00e9 \\u007f");
	cr_expect_str_eq(
	    as_written("\xe2\x82\xac\xf0\x9f\x98\x80!"), "\\u20ac\\ud83d\\ude00!");
	cr_expect_str_eq(as_written("\xff\"\xc3\n"), "\\ufffd\\\"\\ufffd\\u000a");
	cr_expect_str_eq(as_written("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");
}

Test(log, logfmt)
{
	static const struct {
		const char *line, *logfmt;
	} cases[] = {
	    {START "}\n", "ts=t level=INFO msg=m event=e\n"},
	    {"{\"process\":\"x\"," /* it stands where they have none */
	     "\"ts\":\"t\",\"level\":\"warn\",\"msg\":\"m n\",\"event\":\"m_n\"}\n",
		"ts=t level=WARNING msg=\"m n\" process=x event=m_n\n"},
	    {START ",\"n\":-12,\"last\":0}\n",
		"ts=t level=INFO msg=m event=e n=-12 last=0\n"},
	    {START ",\"allocation\":\"web\",\"node\":\"n1\",\"address\":\"192.0.2.1\","
		   "\"zone\":\"z\",\"error\":\"no\",\"leader\":\"me\"}\n",
		"ts=t level=INFO msg=m event=e crd=web node=n1 ip=192.0.2.1 zone=z "
		"trace=no leader=me\n"},
	    {"{\"level\":\"debug\",\"level\":\"error\",\"level\":\"other\","
	     "\"errors\":\"error\"}\n",
		"level=DEBUG level=ERROR level=other errors=error\n"},
	    {"{\"a\":\"\",\"b\":\"two words\",\"c\":\"x=y\",\"d\":\"{}\"}\n",
		"a=\"\" b=\"two words\" c=\"x=y\" d=\"{}\"\n"},
	    {"{\"a\":\"quote \\\" end\",\"b\":\"back\\\\\",\"c\":\"d\"}\n",
		"a=\"quote \\\" end\" b=\"back\\\\\" c=d\n"},
	    {"{\"a\":\"x,\\\"b\\\":1\",\"b\":2}\n", "a=\"x,\\\"b\\\":1\" b=2\n"},
	    {"{\"raw\":\"\\u001b[2J \\u000a\"}\n", "raw=\"\\u001b[2J \\u000a\"\n"},
	};
	char out[256];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].line);
		size_t out_len = logfmt_from_line(cases[i].line, len, out);

		cr_assert_leq(out_len, len);
		out[out_len] = '\0';
		cr_expect_str_eq(out, cases[i].logfmt, "%s", cases[i].line);
	}
}

struct loop_state {
	struct loop *loop;
	struct loop_timer *second;
	int fds[2];
	char order[8];
};

static void
note(struct loop_state *state, char what)
{
	state->order[strlen(state->order)] = what;
}

static void
on_first(void *arg)
{
	struct loop_state *state = arg;

	note(state, '1');
	loop_timer_free(state->second);
	cr_assert_eq(write(state->fds[1], "x", 1), 1);
}

static void
on_second(void *arg)
{
	note(arg, '2');
}

static void
on_fd(void *arg, int fd, uint32_t events)
{
	struct loop_state *state = arg;

	note(state, 'f');
	cr_assert(events & EPOLLIN);
	loop_remove_fd(state->loop, fd);
	close(fd);
	loop_stop(state->loop);
}

Test(loop, timers_may_free_timers_and_descriptors_remove_themselves)
{
	struct loop_state state = {.loop = loop_new()};
	struct loop_timer *first = loop_timer_new(state.loop, on_first, &state);

	state.second = loop_timer_new(state.loop, on_second, &state);
	cr_assert_eq(pipe(state.fds), 0);
	cr_assert_eq(loop_set_fd(state.loop, state.fds[0], EPOLLIN, on_fd, &state), 0);
	loop_timer_arm(first, 1);
	loop_timer_arm(state.second, 30);
	loop_run(state.loop);
	cr_assert_str_eq(state.order, "1f");
	loop_timer_free(first);
	loop_free(state.loop);
}
