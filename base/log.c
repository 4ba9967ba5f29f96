#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "clock.h"

static enum log_level level_least = LOG_INFO;
static const char *process_name;

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

static int
line_put_string(struct line *line, const char *text)
{
	int rc = line_put(line, "\"", 1);

	for (const unsigned char *c = (const unsigned char *)text; rc == 0 && *c; c++) {
		char escape[8];
		int len = 1;

		if (*c == '"' || *c == '\\')
			len = snprintf(escape, sizeof escape, "\\%c", *c);
		else if (*c < 0x20 || *c >= 0x7f)
			len = snprintf(escape, sizeof escape, "\\u%04x", *c);
		else
			escape[0] = (char)*c;
		rc = line_put(line, escape, (size_t)len);
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

void
log_write(enum log_level level, const char *event, const struct log_field *fields,
    size_t count)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct line line = {.text = "{", .len = 1};
	char now[CLOCK_TEXT_MAX];
	ssize_t written;

	if (level < level_least)
		return;
	clock_format(clock_wall(), true, now, sizeof now);
	if (process_name != NULL)
		line_put_field(&line, &LOG_S("process", process_name));
	line_put_field(&line, &LOG_S("time", now));
	line_put_field(&line, &LOG_S("level", names[level]));
	line_put_field(&line, &LOG_S("event", event));
	for (size_t i = 0; i < count; i++)
		line_put_field(&line, &fields[i]);
	line.text[line.len++] = '}';
	line.text[line.len++] = '\n';
	do
		written = write(STDERR_FILENO, line.text, line.len);
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

bool
log_line_is_ours(const char *line, size_t len)
{
	static const char *const first[] = {"time", "level", "event"};
	struct check check = {line, line + len};
	const char *key;
	size_t key_len;

	if (!check_char(&check, '{'))
		return false;
	for (size_t i = 0;; i++) {
		if (i > 0 && check_char(&check, '}'))
			return i >= 3 && check.at == check.end;
		if (i > 0 && !check_char(&check, ','))
			return false;
		if (!check_string(&check, &key, &key_len) || !check_char(&check, ':'))
			return false;
		/* an escaped key could spell "process" to a reader of JSON */
		if (memchr(key, '\\', key_len) != NULL ||
		    (key_len == 7 && memcmp(key, "process", 7) == 0))
			return false;
		if (i < 3 && (key_len != strlen(first[i]) ||
				 memcmp(key, first[i], key_len) != 0))
			return false;
		if (!check_value(&check))
			return false;
	}
}
