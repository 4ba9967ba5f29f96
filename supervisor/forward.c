#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "supervisor.h"

/* Taken from one pipe in one go, so that a chatty process cannot starve the others. */
#define FORWARD_BYTES_MAX (16u * LOG_LINE_MAX)

/* What one process may log: a debugging reconciler needs a tenth of it. What goes
 * beyond would push the lines of the others out of the node's log files. */
static const struct rate_limit log_limit = {
    .burst = 1 << 20, .per_minute = 60 * (INT64_C(256) << 10)};

/* Lost lines are told this often. */
#define LOST_TELL_MS 5000

/* A blocked reader of our own stderr must not stop us: what it does not take is lost,
 * and counted. */
static void
write_line(struct child *child, const char *line, size_t len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (!rate_take(&child->log_rate, &log_limit, clock_mono(),
		(int64_t)child->line_len + 1) ||
	    poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) {
		child->lines_lost++;
		return;
	}
	log_emit(line, len);
}

void
forward_tell_lost(struct child *child, const char *name)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct mono_time now;

	if (child->lines_lost == 0)
		return;
	now = clock_mono();
	if (now.ms - child->lines_told.ms < LOST_TELL_MS || poll(&out, 1, 0) != 1 ||
	    (out.revents & POLLOUT) == 0)
		return;
	child->lines_told = now;
	log_warn("log_lines_lost", LOG_S("role", name),
	    LOG_N("count", (int64_t)child->lines_lost));
	child->lines_lost = 0;
}

/* A line of another form than our own is shown escaped, byte for byte: sanitizers and
 * libraries write such lines, and so would a process that poses as another. */
static void
forward_foreign(struct child *child, const char *name)
{
	static const char hex[] = "0123456789abcdef";
	char line[LOG_LINE_MAX + LOG_PROCESS_MAX], now[CLOCK_TEXT_MAX];
	size_t len;

	clock_format(clock_wall(), true, now, sizeof now);
	len = (size_t)snprintf(line, sizeof line,
	    "{\"process\":\"%s\",\"ts\":\"%s\",\"level\":\"warn\","
	    "\"msg\":\"foreign line\",\"event\":\"foreign_line\",\"raw\":\"",
	    name, now);
	for (size_t i = 0; i < child->line_len && len + 9 < sizeof line; i++) {
		unsigned char c = (unsigned char)child->line[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			line[len++] = (char)c;
			continue;
		}
		memcpy(line + len, "\\u00", 4);
		line[len + 4] = hex[c >> 4];
		line[len + 5] = hex[c & 15];
		len += 6;
	}
	memcpy(line + len, "\"}\n", 3);
	write_line(child, line, len + 3);
}

static void
forward_line(struct child *child, const char *name)
{
	char line[LOG_LINE_MAX + LOG_PROCESS_MAX];
	int len;

	if (child->line_len == 0)
		return;
	if (child->line_cut || !log_line_is_ours(child->line, child->line_len)) {
		forward_foreign(child, name);
		return;
	}
	len = snprintf(line, sizeof line, "{\"process\":\"%s\",%.*s\n", name,
	    (int)child->line_len - 1, child->line + 1);
	write_line(child, line, (size_t)len);
}

static void
take_byte(struct child *child, const char *name, char byte)
{
	if (byte == '\n') {
		forward_line(child, name);
		child->line_len = 0;
		child->line_cut = false;
	} else if (child->line_len < sizeof child->line) {
		child->line[child->line_len++] = byte;
	} else {
		child->line_cut = true;
	}
}

bool
forward_log(struct child *child, const char *name)
{
	char bytes[LOG_LINE_MAX];

	for (size_t total = 0; total < FORWARD_BYTES_MAX;) {
		ssize_t len = read(child->log_fd, bytes, sizeof bytes);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN;
		if (len == 0) {
			take_byte(child, name, '\n');
			return false;
		}
		for (ssize_t i = 0; i < len; i++)
			take_byte(child, name, bytes[i]);
		total += (size_t)len;
	}
	return true;
}
