#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "edge.h"
#include "sandbox.h"

/* Copies of descriptors are made up here first, out of the way of the fixed numbers. */
#define COPIES_FIRST 200

static unsigned int tap_number, tap_failed;

void
tap_check(bool good, const char *format, ...)
{
	va_list args;

	tap_number++;
	if (!good)
		tap_failed++;
	printf("%sok %u - ", good ? "" : "not ", tap_number);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

void
tap_skip(const char *why, const char *what)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_number, what, why);
}

int
tap_end(void)
{
	printf("1..%u\n", tap_number);
	if (tap_failed > 0)
		printf("# %u of %u failed\n", tap_failed, tap_number);
	return tap_failed > 0 ? 1 : 0;
}

void
end_test(const char *why)
{
	printf("Bail out! %s: %s\n", why, strerror(errno));
	exit(99);
}

void
pair_open(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		end_test("socketpair");
}

static void __attribute__((noreturn)) become(const char *program, const int *fds)
{
	const char *folder = getenv("IPW_PROGRAMS");
	char *argv[] = {NULL, NULL};
	char path[4096];
	int copies[FD_FIXED_END];

	snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : ".", program);
	argv[0] = path;
	for (int i = 0; i < FD_FIXED_END; i++)
		copies[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, COPIES_FIRST);
	for (int i = 0; i < FD_FIXED_END; i++) {
		close(i);
		if (copies[i] >= 0 && dup2(copies[i], i) < 0)
			_exit(126);
	}
	if (syscall(SYS_close_range, FD_FIXED_END, ~0u, 0) < 0)
		_exit(126);
	execv(path, argv);
	_exit(127);
}

void
child_open(struct child *child, const char *program, const int *fds)
{
	int whole[FD_FIXED_END];
	int control[2], log[2], null;

	memset(child, 0, sizeof *child);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(log, O_CLOEXEC) < 0)
		end_test("open");
	pair_open(control);
	memcpy(whole, fds, sizeof whole);
	whole[FD_NULL] = null;
	whole[FD_AUDIT] = null;
	whole[FD_LOG] = log[1];
	whole[FD_CONTROL] = control[1];
	child->pid = fork();
	if (child->pid == 0)
		become(program, whole);
	if (child->pid < 0)
		end_test("fork");
	close(null);
	close(log[1]);
	close(control[1]);
	child->control = control[0];
	child->log = log[0];
}

bool
wait_readable(int fd, int64_t wait_ms)
{
	int64_t until_ms = clock_mono().ms + wait_ms;

	for (;;) {
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
		    {.fd = dns_fd(0), .events = POLLIN},
		    {.fd = dns_fd(1), .events = POLLIN}};
		int64_t left_ms = until_ms - clock_mono().ms;

		if (left_ms <= 0 || poll(fds, 3, (int)left_ms) < 0)
			return false;
		for (int i = 0; i < 2; i++)
			if (fds[i + 1].revents != 0)
				dns_serve(i);
		if (fds[0].revents != 0)
			return true;
	}
}

bool
child_expect(
    struct child *child, enum control_type type, struct control_record *ret_record)
{
	struct control_record record;

	while (wait_readable(child->control, EDGE_WAIT_MS)) {
		int rc = control_receive(child->control, &record);

		if (rc < 0)
			return false;
		if (rc == 1 && record.type == type) {
			if (ret_record != NULL)
				*ret_record = record;
			else if (record.fd >= 0)
				close(record.fd);
			return true;
		}
		if (rc == 1 && record.type != CONTROL_TICK)
			return false;
	}
	return false;
}

bool
child_expect_locked(struct child *child)
{
	struct control_record record;
	uint32_t layers;

	if (!child_expect(child, CONTROL_LOCKED, &record) || record.len != 4)
		return false;
	layers = (uint32_t)record.payload[0] | (uint32_t)record.payload[1] << 8 |
		 (uint32_t)record.payload[2] << 16 | (uint32_t)record.payload[3] << 24;
	return (layers & SANDBOX_REQUIRED) == SANDBOX_REQUIRED;
}

void
child_set(struct child *child, enum setting key, const char *format, ...)
{
	char value[256];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	if (control_send_setting(child->control, key, value) < 0)
		end_test("control_send_setting");
}

bool
child_start(struct child *child)
{
	if (control_send(child->control, CONTROL_START, NULL, 0, -1) < 0)
		return false;
	return child_expect(child, CONTROL_READY, NULL);
}

/* Takes what there is; false at the end of the log. */
static bool
child_read_log(struct child *child)
{
	ssize_t got = read(child->log, child->text + child->text_len,
	    sizeof child->text - 1 - child->text_len);

	if (got <= 0)
		return false;
	child->text_len += (size_t)got;
	child->text[child->text_len] = '\0';
	return true;
}

bool
child_expect_log(struct child *child, const char *text)
{
	while (strstr(child->text, text) == NULL)
		if (!wait_readable(child->log, EDGE_WAIT_MS) || !child_read_log(child))
			return false;
	return true;
}

int
child_wait(struct child *child)
{
	int pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	int status = 0;

	if (pid_fd < 0)
		end_test("pidfd_open");
	if (!wait_readable(pid_fd, EDGE_WAIT_MS))
		kill(child->pid, SIGKILL);
	waitpid(child->pid, &status, 0);
	while (child_read_log(child))
		;
	if (child->control >= 0)
		close(child->control);
	close(child->log);
	close(pid_fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int
child_stop(struct child *child)
{
	control_send(child->control, CONTROL_STOP, NULL, 0, -1);
	return child_wait(child);
}

int
file_make(const char *text, size_t len)
{
	int fd = memfd_create("edge-test", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, text, len, 0) != (ssize_t)len)
		end_test("memfd_create");
	return fd;
}

int
listen_on(const char *address, int backlog, unsigned int *ret_port)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	bool is_ipv4 = inet_pton(AF_INET, address, &ipv4.sin_addr) == 1;
	struct sockaddr *any =
	    is_ipv4 ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6;
	socklen_t len = is_ipv4 ? sizeof ipv4 : sizeof ipv6;
	int fd = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!is_ipv4 && inet_pton(AF_INET6, address, &ipv6.sin6_addr) != 1)
		end_test(address);
	if (fd < 0 || bind(fd, any, len) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, any, &len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*ret_port = ntohs(is_ipv4 ? ipv4.sin_port : ipv6.sin6_port);
	return fd;
}
