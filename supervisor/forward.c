#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
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
write_line(struct child *child, const struct iovec *parts, int count)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written;

	if (!rate_take(&child->log_rate, &log_limit, clock_mono(),
		(int64_t)child->line_len + 1) ||
	    poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) {
		child->lines_lost++;
		return;
	}
	do
		written = writev(STDERR_FILENO, parts, count);
	while (written < 0 && errno == EINTR);
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

static struct iovec
text_part(const char *text, size_t len)
{
	struct iovec part = {.iov_len = len};

	memcpy(&part.iov_base, &text, sizeof text); /* writev does not write to it */
	return part;
}

/* A line of another form than our own is shown escaped, byte for byte: sanitizers and
 * libraries write such lines, and so would a process that poses as another. */
static void
forward_foreign(struct child *child, const char *name)
{
	static const char hex[] = "0123456789abcdef";
	char escaped[LOG_LINE_MAX];
	size_t len = 0;

	for (size_t i = 0; i < child->line_len && len + 7 < sizeof escaped; i++) {
		unsigned char c = (unsigned char)child->line[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			escaped[len++] = (char)c;
			continue;
		}
		memcpy(escaped + len, "\\u00", 4);
		escaped[len + 4] = hex[c >> 4];
		escaped[len + 5] = hex[c & 15];
		len += 6;
	}
	escaped[len] = '\0';
	write_line(child,
	    (const struct iovec[]){
		text_part("{\"process\":\"", 12),
		text_part(name, strlen(name)),
		text_part("\",\"raw\":\"", 9),
		text_part(escaped, len),
		text_part("\"}\n", 3),
	    },
	    5);
}

static void
forward_line(struct child *child, const char *name)
{
	if (child->line_len == 0)
		return;
	if (child->line_cut || !log_line_is_ours(child->line, child->line_len)) {
		forward_foreign(child, name);
		return;
	}
	write_line(child,
	    (const struct iovec[]){
		text_part("{\"process\":\"", 12),
		text_part(name, strlen(name)),
		text_part("\",", 2),
		text_part(child->line + 1, child->line_len - 1),
		text_part("\n", 1),
	    },
	    5);
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
