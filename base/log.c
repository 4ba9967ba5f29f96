#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "buf.h"
#include "clock.h"
#include "logfmt.h"

/* An event's name (bytes, NUL included). */
#define EVENT_MAX 64

static enum log_level level_least = LOG_INFO;
static const char *process_name;
static bool logfmt_wanted;

void
log_set_level(enum log_level level)
{
	level_least = level;
}

void
log_set_process(const char *name)
{
	process_name = name;
}

void
log_set_logfmt(bool logfmt)
{
	logfmt_wanted = logfmt;
}

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

/* Two bytes stay free for the closing brace and the newline; a field that does not fit
 * is left out whole (the caller rolls back), so that a line is always valid JSON. */
static int
line_put(struct line *line, const char *text, size_t len)
{
	if (len > sizeof line->text - 2 - line->len)
		return -E2BIG;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	return 0;
}

/* One code point, as JSON escapes it. */
static int
line_put_escape(struct line *line, uint32_t point)
{
	char escape[16];
	int len;

	if (point >= 0x10000)
		len = snprintf(escape, sizeof escape, "\\u%04x\\u%04x",
		    0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
	else
		len = snprintf(escape, sizeof escape, "\\u%04x", point);
	return line_put(line, escape, (size_t)len);
}

/* The code point at `text`, and how many bytes it takes; of a byte that is not UTF-8
 * U+FFFD. */
static uint32_t
code_point(const char *text, size_t left, size_t *ret_count)
{
	size_t count = buf_utf8_len(text, left);
	uint32_t point = (unsigned char)*text;

	*ret_count = count > 0 ? count : 1;
	if (count == 0)
		return 0xfffd;
	if (count > 1)
		point &= 0x7fu >> count;
	for (size_t i = 1; i < count; i++)
		point = point << 6 | (text[i] & 0x3f);
	return point;
}

static int
line_put_string(struct line *line, const char *text)
{
	int rc = line_put(line, "\"", 1);

	for (size_t left = strlen(text), count; rc == 0 && left > 0; left -= count) {
		uint32_t point = code_point(text, left, &count);

		if (point == '"' || point == '\\')
			rc = line_put(line, "\\", 1);
		if (point < ' ' || point >= 0x7f)
			rc = line_put_escape(line, point);
		else if (rc == 0)
			rc = line_put(line, text, 1);
		text += count;
	}
	return rc == 0 ? line_put(line, "\"", 1) : rc;
}

static void
line_put_field(struct line *line, const struct log_field *field)
{
	size_t start = line->len;
	char number[32];
	int rc;

	rc = line_put(line, line->len > 1 ? "," : "", line->len > 1 ? 1 : 0);
	rc = rc == 0 ? line_put_string(line, field->key) : rc;
	rc = rc == 0 ? line_put(line, ":", 1) : rc;
	if (field->is_number) {
		int len =
		    snprintf(number, sizeof number, "%lld", (long long)field->number);

		rc = rc == 0 ? line_put(line, number, (size_t)len) : rc;
	} else {
		const char *text = field->text != NULL ? field->text : "";

		rc = rc == 0 ? line_put_string(line, text) : rc;
	}
	if (rc != 0)
		line->len = start;
}

/* "node_cordoned": "node cordoned" */
static void
in_words(const char *event, char *words, size_t size)
{
	snprintf(words, size, "%s", event);
	for (char *c = words; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields,
    size_t count)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct line line = {.text = "{", .len = 1};
	char now[CLOCK_TEXT_MAX], words[EVENT_MAX];

	if (level < level_least)
		return;
	clock_format(clock_wall(), true, now, sizeof now);
	if (process_name != NULL)
		line_put_field(&line, &LOG_S("process", process_name));
	line_put_field(&line, &LOG_S("ts", now));
	line_put_field(&line, &LOG_S("level", names[level]));
	in_words(event, words, sizeof words);
	line_put_field(&line, &LOG_S("msg", words));
	line_put_field(&line, &LOG_S("event", event));
	for (size_t i = 0; i < count; i++)
		line_put_field(&line, &fields[i]);
	line.text[line.len++] = '}';
	line.text[line.len++] = '\n';
	log_emit(line.text, line.len);
}

void
log_emit(const char *line, size_t len)
{
	char logfmt[LOG_LINE_MAX + LOG_PROCESS_MAX];
	ssize_t written;

	if (logfmt_wanted && len <= sizeof logfmt) {
		len = logfmt_from_line(line, len, logfmt);
		line = logfmt;
	}
	do
		written = write(STDERR_FILENO, line, len);
	while (written < 0 && errno == EINTR);
}

/* A cursor over a line that is being checked. */
struct check {
	const char *at;
	const char *end;
};

static bool
check_char(struct check *check, char c)
{
	if (check->at == check->end || *check->at != c)
		return false;
	check->at++;
	return true;
}

/* A JSON string of printable ASCII; *ret_start, *ret_len: what is between the quotes.
 */
static bool
check_string(struct check *check, const char **ret_start, size_t *ret_len)
{
	if (!check_char(check, '"'))
		return false;
	*ret_start = check->at;
	for (; check->at < check->end && *check->at != '"'; check->at++) {
		if (*check->at < 0x20 || *check->at > 0x7e)
			return false;
		if (*check->at != '\\')
			continue;
		check->at++;
		if (check->at == check->end || *check->at == '\0' ||
		    strchr("\"\\u", *check->at) == NULL)
			return false;
		for (int i = 0; check->at[0] == 'u' && i < 4; i++)
			if (check->end - check->at < 5 ||
			    strchr("0123456789abcdef", check->at[i + 1]) == NULL ||
			    check->at[i + 1] == '\0')
				return false;
	}
	*ret_len = (size_t)(check->at - *ret_start);
	return check_char(check, '"');
}

static bool
check_value(struct check *check)
{
	const char *start;
	size_t len;

	if (check->at < check->end && *check->at == '"')
		return check_string(check, &start, &len);
	check_char(check, '-');
	for (start = check->at;
	     check->at < check->end && *check->at >= '0' && *check->at <= '9';
	     check->at++)
		;
	/* JSON has no number that starts with a 0 but 0 itself */
	return check->at > start && check->at - start <= 19 &&
	       (*start != '0' || check->at - start == 1);
}

/* A key that a reader of either format takes for itself alone. */
static bool
check_key(struct check *check, const char **ret_key, size_t *ret_len)
{
	if (!check_string(check, ret_key, ret_len) || *ret_len == 0)
		return false;
	for (size_t i = 0; i < *ret_len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", (*ret_key)[i]) ==
		    NULL)
			return false;
	return true;
}

static bool
key_is(const char *key, size_t len, const char *name)
{
	return len == strlen(name) && memcmp(key, name, len) == 0;
}

bool
log_line_is_ours(const char *line, size_t len)
{
	/* in front, and nowhere else */
	static const char *const first[] = {"ts", "level", "msg", "event", "process"};
	struct check check = {line, line + len};
	const char *key;
	size_t key_len;

	if (!check_char(&check, '{'))
		return false;
	for (size_t i = 0;; i++) {
		if (i > 0 && check_char(&check, '}'))
			return i >= 4 && check.at == check.end;
		if (i > 0 && !check_char(&check, ','))
			return false;
		if (!check_key(&check, &key, &key_len) || !check_char(&check, ':'))
			return false;
		for (size_t j = 0; j < sizeof first / sizeof *first; j++)
			if (key_is(key, key_len, first[j]) != (j == i && j < 4))
				return false;
		if (!check_value(&check))
			return false;
	}
}
