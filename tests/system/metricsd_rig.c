#include "metricsd_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

/* Connections that wait to be accepted. */
#define BACKLOG 512

struct rig rig;

static struct {
	int fd;
	unsigned int port;
} listeners[2];

/* The line of the log that is being read. */
static char line[LOG_LINE_MAX + 1];
static size_t line_len;

void
rig_listen(void)
{
	for (int i = 0; i < 2; i++) {
		listeners[i].fd = listen_on("127.0.0.1", BACKLOG, &listeners[i].port);
		if (listeners[i].fd < 0 ||
		    fcntl(listeners[i].fd, F_SETFL, O_NONBLOCK) < 0)
			end_test("listen");
	}
}

unsigned int
rig_port(enum rig_listener listener)
{
	return listeners[listener].port;
}

static void
drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
rig_open(void)
{
	int fds[FD_FIXED_END];
	unsigned int bad_lines = rig.bad_lines, strange = rig.strange;

	memset(&rig, 0, sizeof rig);
	rig.bad_lines = bad_lines;
	rig.strange = strange;
	line_len = 0;
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	for (int i = 0; i < RIG_LINKS; i++) {
		int pair[2];

		pair_open(pair);
		rig.links[i] = pair[0];
		fds[FD_LINK_0 + i] = pair[1];
	}
	fds[FD_LISTEN_METRICS] = listeners[RIG_METRICS].fd;
	fds[FD_LISTEN_HEALTH] = listeners[RIG_HEALTH].fd;
	child_open(&rig.child, "ipwarden-metricsd", fds);
	for (int i = 0; i < RIG_LINKS; i++)
		close(fds[FD_LINK_0 + i]);
	fcntl(rig.child.log, F_SETFL, O_NONBLOCK);
	if (!child_expect_locked(&rig.child))
		end_test("metricsd is not locked");
}

void
rig_start(const char *cluster)
{
	child_set(&rig.child, SETTING_POD_NAME, "pod-0");
	if (cluster != NULL)
		child_set(&rig.child, SETTING_CLUSTER_NAME, "%s", cluster);
	if (!child_start(&rig.child))
		end_test("metricsd is not ready");
}

static void
take_line(void)
{
	const char *count;

	line[line_len] = '\0';
	if (!log_line_is_ours(line, line_len)) {
		rig.bad_lines++;
		printf("# not a log line: %s\n", line);
	}
	count = strstr(line, "\"event\":\"protocol_violation\"");
	if (count != NULL && (count = strstr(count, "\"count\":")) != NULL)
		rig.violation_count = strtoul(count + 8, NULL, 10);
	line_len = 0;
}

static void
take_log(void)
{
	char piece[4096];
	ssize_t got;

	while ((got = read(rig.child.log, piece, sizeof piece)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (piece[i] == '\n')
				take_line();
			else if (line_len < sizeof line - 1)
				line[line_len++] = piece[i];
		}
	}
}

static void
count_slot(unsigned int *counters, const struct control_record *record)
{
	if (record->len == 1 && record->payload[0] < RIG_LINKS)
		counters[record->payload[0]]++;
	else
		rig.strange++;
}

/* False at the end of the control descriptor. */
static bool
take_records(void)
{
	struct control_record record;
	int rc;

	while ((rc = control_receive(rig.child.control, &record)) == 1) {
		if (record.type == CONTROL_TICK && record.len == 0)
			rig.ticks++;
		else if (record.type == CONTROL_VIOLATION)
			count_slot(rig.violations, &record);
		else if (record.type == CONTROL_RELINK)
			count_slot(rig.relinks, &record);
		else
			rig.strange++;
	}
	if (rc == -EPROTO)
		rig.strange++;
	return rc != -EPIPE;
}

bool
rig_pump(int fd, int64_t wait_ms)
{
	int64_t until_ms = clock_mono().ms + wait_ms;
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
	    {.fd = rig.child.log, .events = POLLIN},
	    {.fd = rig.child.control, .events = POLLIN}};

	for (;;) {
		int64_t left_ms = until_ms - clock_mono().ms;
		int count = poll(fds, 3, left_ms > 0 ? (int)left_ms : 0);

		if (count < 0 && errno != EINTR)
			end_test("poll");
		if (fds[1].revents != 0)
			take_log();
		if ((fds[1].revents & POLLIN) == 0 && (fds[1].revents & POLLHUP) != 0)
			fds[1].fd = -1;
		if (fds[2].revents != 0 && !take_records())
			fds[2].fd = -1;
		if (fds[0].revents != 0)
			return true;
		/* without a descriptor to wait for, news of the process will do */
		if (count <= 0 ? left_ms <= 0 : fd < 0)
			return false;
	}
}

bool
rig_until(const unsigned int *counter, unsigned int wanted)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;

	while (*counter < wanted && clock_mono().ms < until_ms)
		rig_pump(-1, until_ms - clock_mono().ms);
	return *counter >= wanted;
}

int
rig_wait(void)
{
	int code = child_wait(&rig.child);

	for (int i = 0; i < RIG_LINKS; i++)
		drop_fd(&rig.links[i]);
	return code;
}

int
rig_end(int signal)
{
	rig_pump(-1, 0);
	if (signal != 0)
		kill(rig.child.pid, signal);
	else if (control_send(rig.child.control, CONTROL_STOP, NULL, 0, -1) < 0)
		end_test("STOP");
	return rig_wait();
}

void
rig_tell_process(enum role role, bool ready, bool wedged)
{
	struct control_process process = {
	    .role = (uint8_t)role,
	    .ready = ready,
	    .wedged = wedged,
	    .layers = 0x1f,
	    .layers_wanted = 0x7f,
	    .restarts = {[RESTART_SIGNAL] = 3},
	    .violations = 4,
	    .usage = {.began_ms = 1500, .cpu_ms = 250, .max_fds = 64},
	};

	if (control_send(
		rig.child.control, CONTROL_PROCESS, &process, sizeof process, -1) < 0)
		end_test("PROCESS");
}

void
rig_tell_all(void)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		rig_tell_process(role, true, false);
}

int
rig_count_fds(void)
{
	char path[64];
	DIR *folder;
	int count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)rig.child.pid);
	folder = opendir(path);
	if (folder == NULL)
		return -1;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}
