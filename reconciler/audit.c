#include "audit.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "buf.h"
#include "chain.h"
#include "log.h"
#include "mem.h"

/* A pipe that is writable takes this much at once (pipe(7)): the descriptor is shared
 * with whoever gave it to us, so its flags are not ours to change. */
#define PIECE_MAX PIPE_BUF

struct audit {
	struct loop *loop;
	int fd;
	struct buf waiting;
	struct chain chain;
	bool polled; /* the loop tells us when it is writable */
	bool broken; /* a write has failed for good */
	unsigned long lost;
	audit_trouble_fn *trouble;
	void *arg;
	char told[128];
};

static void on_writable(void *arg, int fd, uint32_t events);

struct audit *
audit_new(struct loop *loop, int fd, audit_trouble_fn *trouble, void *arg)
{
	struct audit *audit = mem_calloc(1, sizeof *audit);

	/* a reader that goes away is an error to be told, not our end */
	signal(SIGPIPE, SIG_IGN);
	audit->loop = loop;
	audit->fd = fd;
	audit->trouble = trouble;
	audit->arg = arg;
	buf_init(&audit->waiting, AUDIT_MAX);
	chain_begin(&audit->chain);
	return audit;
}

void
audit_free(struct audit *audit)
{
	if (audit == NULL)
		return;
	if (audit->polled)
		loop_remove_fd(audit->loop, audit->fd);
	buf_free(&audit->waiting);
	free(audit);
}

bool
audit_idle(const struct audit *audit)
{
	return audit->broken || audit->waiting.len == 0;
}

static void
tell(struct audit *audit, const char *reason)
{
	if (strcmp(audit->told, reason) == 0)
		return;
	snprintf(audit->told, sizeof audit->told, "%s", reason);
	audit->trouble(audit->arg, audit->told);
}

static void
lose_line(struct audit *audit)
{
	audit->lost++;
	if (audit->broken)
		return;
	if (audit->lost == 1)
		log_error("audit_lines_lost", LOG_N("waiting", audit->waiting.len));
	tell(audit, "AuditStreamFull: its reader does not keep up");
}

static void
break_off(struct audit *audit, int error)
{
	char reason[sizeof audit->told];

	audit->broken = true;
	if (audit->polled)
		loop_remove_fd(audit->loop, audit->fd);
	audit->polled = false;
	log_error("audit_failed", LOG_S("error", strerror(error)),
	    LOG_N("bytes_lost", audit->waiting.len));
	buf_free(&audit->waiting);
	snprintf(reason, sizeof reason, "AuditStreamFailed: %s", strerror(error));
	tell(audit, reason);
}

/* Whole lines where possible, so that lines of others who share the reader's end do not
 * land within ours. */
static size_t
piece_length(const struct audit *audit)
{
	size_t len = audit->waiting.len < PIECE_MAX ? audit->waiting.len : PIECE_MAX;
	const char *end = memrchr(audit->waiting.data, '\n', len);

	return end != NULL ? (size_t)(end - audit->waiting.data) + 1 : len;
}

/* Writes one piece. Returns 0, -EAGAIN when the reader is slow, or the error. */
static int
write_piece(struct audit *audit)
{
	ssize_t written;

	do
		written = write(audit->fd, audit->waiting.data, piece_length(audit));
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	buf_consume(&audit->waiting, (size_t)written);
	return 0;
}

static int
put_line(struct audit *audit, struct wall_time time, const char *line, size_t len)
{
	static const char own_time[] = "{\"time\":";
	size_t start = audit->waiting.len;
	char now[CLOCK_TEXT_MAX];

	/* time, quotes, braces: less than 64 bytes */
	if (len > CHAIN_LINE_MAX || start + len + 64 + CHAIN_END_MAX > AUDIT_MAX)
		return -E2BIG;
	len--; /* its closing brace: the chain follows */
	if (strncmp(line, own_time, sizeof own_time - 1) != 0) {
		clock_format(time, true, now, sizeof now);
		buf_printf(
		    &audit->waiting, "{\"time\":\"%s\"%s", now, len > 1 ? "," : "");
		line++;
		len--;
	}
	buf_put(&audit->waiting, line, len);
	return chain_finish(&audit->chain, &audit->waiting, start);
}

/* There is room again: what was lost is said where it is missing. */
static void
mend(struct audit *audit)
{
	char line[96];

	if (audit->lost == 0 || audit->waiting.len > AUDIT_MAX / 2)
		return;
	snprintf(line, sizeof line, "{\"event\":\"audit_lines_lost\",\"count\":%lu}",
	    audit->lost);
	if (put_line(audit, clock_wall(), line, strlen(line)) < 0)
		return;
	audit->lost = 0;
	tell(audit, "");
}

/* Asks the loop to say when the next piece can be written. A descriptor that cannot be
 * polled (a file) never makes one wait: it is written at once. */
static void
push(struct audit *audit)
{
	int rc = 0;

	if (audit->broken || audit->polled || audit->waiting.len == 0)
		return;
	rc = loop_set_fd(audit->loop, audit->fd, EPOLLOUT, on_writable, audit);
	if (rc == 0) {
		audit->polled = true;
		return;
	}
	if (rc == -EPERM)
		rc = 0;
	while (rc == 0 && audit->waiting.len > 0)
		rc = write_piece(audit);
	if (rc < 0)
		break_off(audit, -rc);
}

static void
on_writable(void *arg, int fd, uint32_t events)
{
	struct audit *audit = arg;
	int rc = write_piece(audit);

	(void)fd;
	(void)events;
	if (rc < 0 && rc != -EAGAIN) {
		break_off(audit, -rc);
		return;
	}
	mend(audit);
	if (audit->waiting.len > 0)
		return;
	loop_remove_fd(audit->loop, audit->fd);
	audit->polled = false;
}

void
audit_write(struct audit *audit, struct wall_time time, const char *line)
{
	size_t len = strlen(line);

	if (!audit->broken)
		mend(audit);
	/* once lines are missing, none is taken before the gap has been told */
	if (audit->broken || audit->lost > 0 || len < 2 || line[0] != '{' ||
	    line[len - 1] != '}' || memchr(line, '\n', len) != NULL ||
	    put_line(audit, time, line, len) < 0) {
		lose_line(audit);
		return;
	}
	push(audit);
}
