#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "edge.h"
#include "exits.h"
#include "fdpass.h"

#define DIALS_OPEN_MAX 16 /* of a dialer */
#define RATE_BURST     20

/* A dialer with what it is born with. The test keeps both ends, as the supervisor does.
 */
struct bench {
	struct child child;
	int dial[2];	/* 0: the client */
	int resolve[2]; /* 0: the resolver */
};

static void
bench_open(struct bench *bench)
{
	int fds[FD_FIXED_END];

	pair_open(bench->dial);
	pair_open(bench->resolve);
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	fds[FD_DIAL] = bench->dial[1];
	fds[FD_RESOLVE] = bench->resolve[1];
	child_open(&bench->child, "ipwarden-dialer", fds);
	tap_check(child_expect_locked(&bench->child), "dialer: locked");
}

static void
bench_close(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		close(bench->dial[i]);
		close(bench->resolve[i]);
	}
}

static void
bench_stop(struct bench *bench, const char *name)
{
	int code = child_stop(&bench->child);

	tap_check(code == EXIT_OK, "dialer: %s: stops when asked (%d)", name, code);
	bench_close(bench);
}

void
dial_send(int fd, uint64_t id, uint32_t entry)
{
	struct dial_request request = {.id = id, .entry = entry};

	if (fdpass_send(fd, &request, sizeof request, -1) < 0)
		end_test("dial_send");
}

bool
dial_take(int fd, struct dial_reply *ret_reply, int *ret_fd)
{
	if (!wait_readable(fd, EDGE_WAIT_MS))
		return false;
	return fdpass_receive(fd, ret_reply, sizeof *ret_reply, ret_fd) ==
	       (ssize_t)sizeof *ret_reply;
}

int
dial_once(int fd, uint64_t id, uint32_t entry, int *ret_fd)
{
	struct dial_reply reply;
	int got = -1;

	dial_send(fd, id, entry);
	if (!dial_take(fd, &reply, &got))
		return -1;
	if (reply.id != id || (reply.error == 0) != (got >= 0)) {
		if (got >= 0)
			close(got);
		return -1;
	}
	*ret_fd = got;
	return reply.error;
}

static bool
option_is(int fd, int level, int name, int value)
{
	int set = -1;
	socklen_t len = sizeof set;

	return getsockopt(fd, level, name, &set, &len) == 0 && set == value;
}

/* What was handed out is connected to the listener, both ways. */
static bool
is_connected(int fd, int listener)
{
	int accepted =
	    wait_readable(listener, EDGE_WAIT_MS) ? accept(listener, NULL, NULL) : -1;
	char got[8] = {0};
	bool good;

	if (accepted < 0)
		return false;
	good = send(fd, "ask", 3, 0) == 3 && wait_readable(accepted, EDGE_WAIT_MS) &&
	       recv(accepted, got, sizeof got, 0) == 3 && memcmp(got, "ask", 3) == 0 &&
	       send(accepted, "tell", 4, 0) == 4 && wait_readable(fd, EDGE_WAIT_MS) &&
	       recv(fd, got, sizeof got, 0) == 4 && memcmp(got, "tell", 4) == 0;
	close(accepted);
	return good;
}

static void
test_literals(void)
{
	struct bench bench;
	unsigned int port, closed_port;
	int listener = listen_on("127.0.0.1", 8, &port);
	int fd = -1, error;

	close(listen_on("127.0.0.1", 8, &closed_port));
	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_COMPUTE, "127.0.0.1 %u", port);
	child_set(&bench.child, SETTING_DIAL_METADATA, "127.0.0.1 %u", closed_port);
	tap_check(child_start(&bench.child), "dialer: ready");
	error = dial_once(bench.dial[0], 7, DIAL_COMPUTE, &fd);
	tap_check(error == 0, "dialer: a listed literal is dialed (%d)", error);
	tap_check(is_connected(fd, listener), "dialer: the descriptor is connected");
	tap_check(option_is(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
		      option_is(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
		      option_is(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10) &&
		      option_is(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5) &&
		      option_is(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 25000),
	    "dialer: its options are set");
	close(fd);
	error = dial_once(bench.dial[0], 8, DIAL_KUBE, &fd);
	tap_check(error == EACCES, "dialer: an unlisted entry (%d)", error);
	error = dial_once(bench.dial[0], 9, 4096, &fd);
	tap_check(error == EACCES, "dialer: an entry that does not exist (%d)", error);
	error = dial_once(bench.dial[0], 10, DIAL_METADATA, &fd);
	tap_check(error == ECONNREFUSED, "dialer: nobody listens (%d)", error);
	close(listener);
	bench_stop(&bench, "literals");
}

static void
test_ipv6(void)
{
	struct bench bench;
	unsigned int port;
	int listener = listen_on("::1", 8, &port);
	int fd = -1;

	if (listener < 0) {
		tap_skip("no IPv6 here", "dialer: an IPv6 literal");
		return;
	}
	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "::1 %u", port);
	tap_check(child_start(&bench.child) &&
		      dial_once(bench.dial[0], 1, DIAL_KUBE, &fd) == 0 &&
		      is_connected(fd, listener),
	    "dialer: an IPv6 literal");
	close(fd);
	close(listener);
	bench_stop(&bench, "IPv6");
}

/* None of these is answered, and the next good request is. */
static void
test_malformed(void)
{
	struct dial_request reserved = {.id = 5, .entry = DIAL_KUBE, .reserved = 1};
	struct dial_request good = {.id = 6, .entry = DIAL_KUBE};
	char large[4 * sizeof good] = {0};
	struct bench bench;
	unsigned int port;
	int listener = listen_on("127.0.0.1", 8, &port);
	int fd = -1, error;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "127.0.0.1 %u", port);
	tap_check(child_start(&bench.child), "dialer: malformed: ready");
	tap_check(fdpass_send(bench.dial[0], &good, sizeof good - 1, -1) == 0 &&
		      fdpass_send(bench.dial[0], large, sizeof large, -1) == 0 &&
		      fdpass_send(bench.dial[0], "", 0, -1) == 0 &&
		      fdpass_send(bench.dial[0], &reserved, sizeof reserved, -1) == 0 &&
		      fdpass_send(bench.dial[0], &good, sizeof good, listener) == 0,
	    "dialer: malformed requests are sent");
	error = dial_once(bench.dial[0], 7, DIAL_KUBE, &fd);
	tap_check(
	    error == 0, "dialer: the request after them is answered first (%d)", error);
	close(fd);
	tap_check(child_expect_log(&bench.child, "\"event\":\"dials_dropped\""),
	    "dialer: they are told in the log");
	close(listener);
	bench_stop(&bench, "malformed");
}

static void
test_rate(void)
{
	struct bench bench;
	int refused = 0, limited = 0;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_COMPUTE, "127.0.0.1 9");
	tap_check(child_start(&bench.child), "dialer: rate: ready");
	for (uint64_t id = 1; id <= 2 * RATE_BURST; id++)
		dial_send(bench.dial[0], id, DIAL_KUBE);
	for (uint64_t id = 1; id <= 2 * RATE_BURST; id++) {
		struct dial_reply reply;
		int fd = -1;

		if (!dial_take(bench.dial[0], &reply, &fd) || reply.id != id)
			break;
		refused += reply.error == EACCES ? 1 : 0;
		limited += reply.error == EAGAIN ? 1 : 0;
	}
	tap_check(refused + limited == 2 * RATE_BURST && refused >= RATE_BURST &&
		      limited >= RATE_BURST / 2,
	    "dialer: a burst is limited (%d and %d)", refused, limited);
	bench_stop(&bench, "rate");
}

/* A listener whose queue is full leaves further connections half open. */
static int
listen_deaf(unsigned int *ret_port, int fill[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int listener = listen_on("127.0.0.1", 0, ret_port);

	address.sin_port = htons((uint16_t)*ret_port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 2; i++) {
		fill[i] =
		    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(fill[i], (struct sockaddr *)&address, sizeof address) < 0 &&
		    errno != EINPROGRESS)
			end_test("connect");
	}
	return listener;
}

static void
test_silence(void)
{
	struct bench bench;
	unsigned int port;
	int fill[2], listener = listen_deaf(&port, fill);
	int timed_out = 0, refused_at_once = 0;
	int64_t began_ms = clock_mono().ms, took_ms;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "127.0.0.1 %u", port);
	tap_check(child_start(&bench.child), "dialer: silence: ready");
	for (uint64_t id = 0; id <= DIALS_OPEN_MAX; id++)
		dial_send(bench.dial[0], id, DIAL_KUBE);
	for (int i = 0; i <= DIALS_OPEN_MAX; i++) {
		struct dial_reply reply;
		int fd = -1;

		if (!dial_take(bench.dial[0], &reply, &fd) || fd >= 0)
			break;
		timed_out += reply.error == ETIMEDOUT ? 1 : 0;
		refused_at_once +=
		    i == 0 && reply.error == EAGAIN && reply.id == DIALS_OPEN_MAX;
	}
	took_ms = clock_mono().ms - began_ms;
	tap_check(refused_at_once == 1, "dialer: one dial too many is refused at once");
	tap_check(timed_out == DIALS_OPEN_MAX && took_ms >= DIAL_TIMEOUT_MS,
	    "dialer: half-open connections are never handed out (%d in %lld ms)",
	    timed_out, (long long)took_ms);
	close(fill[0]);
	close(fill[1]);
	close(listener);
	bench_stop(&bench, "silence");
}

/* The client dies with a dial open; the next one finds an old answer and its own. */
static void
test_client_death(void)
{
	struct bench bench;
	struct dial_reply reply;
	unsigned int port;
	int listener = listen_on("127.0.0.1", 8, &port);
	int fd = -1;
	pid_t client;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "127.0.0.1 %u", port);
	tap_check(child_start(&bench.child), "dialer: death: ready");
	client = fork();
	if (client == 0) {
		dial_send(bench.dial[0], 100, DIAL_KUBE);
		raise(SIGKILL);
	}
	waitpid(client, NULL, 0);
	tap_check(dial_take(bench.dial[0], &reply, &fd) && reply.id == 100,
	    "dialer: the dead client's answer waits");
	close(fd);
	tap_check(dial_once(bench.dial[0], 200, DIAL_KUBE, &fd) == 0,
	    "dialer: the next client is served");
	close(fd);
	close(listener);
	/* even when nobody at all is left at the other end */
	bench_close(&bench);
	bench.dial[0] = bench.dial[1] = bench.resolve[0] = bench.resolve[1] = -1;
	tap_check(child_expect(&bench.child, CONTROL_TICK, NULL) &&
		      child_expect(&bench.child, CONTROL_TICK, NULL),
	    "dialer: lives on without a client");
	tap_check(child_stop(&bench.child) == EXIT_OK, "dialer: and stops when asked");
}

static void
test_supervisor_death(void)
{
	struct bench bench;
	int code;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "127.0.0.1 9");
	tap_check(child_start(&bench.child), "dialer: orphan: ready");
	close(bench.child.control);
	bench.child.control = -1;
	code = child_wait(&bench.child);
	tap_check(
	    code == EXIT_ORPHAN, "dialer: ends without its supervisor (%d)", code);
	bench_close(&bench);
}

static void
test_bad_entry(const char *value)
{
	struct bench bench;
	int code;

	bench_open(&bench);
	child_set(&bench.child, SETTING_DIAL_KUBE, "%s", value);
	tap_check(!child_start(&bench.child), "dialer: not ready with \"%s\"", value);
	code = child_wait(&bench.child);
	tap_check(
	    code == EXIT_CONFIG && strstr(bench.child.text, "entry_refused") != NULL,
	    "dialer: and says why (%d)", code);
	bench_close(&bench);
}

void
test_dialer(void)
{
	test_literals();
	test_ipv6();
	test_malformed();
	test_rate();
	test_silence();
	test_client_death();
	test_supervisor_death();
	test_bad_entry("127.0.0.1");
	test_bad_entry("127.0.0.1 65536");
	test_bad_entry("a..b 443");
	test_bad_entry("fe80::1%lo 443");
}
