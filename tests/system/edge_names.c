/* The dialer and names: the test is its resolver. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "edge.h"
#include "exits.h"
#include "fdpass.h"

struct bench {
	struct child child;
	int dial[2];
	int resolve[2];
	uint64_t id;
};

static void
bench_open(struct bench *bench, const char *host, unsigned int port)
{
	int fds[FD_FIXED_END];

	pair_open(bench->dial);
	pair_open(bench->resolve);
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	fds[FD_DIAL] = bench->dial[1];
	fds[FD_RESOLVE] = bench->resolve[1];
	bench->id = 1000;
	child_open(&bench->child, "ipwarden-dialer", fds);
	tap_check(child_expect_locked(&bench->child), "names: locked");
	child_set(&bench->child, SETTING_DIAL_COMPUTE, "%s %u", host, port);
	tap_check(child_start(&bench->child), "names: ready");
}

static void
bench_stop(struct bench *bench)
{
	int code = child_stop(&bench->child);

	tap_check(code == EXIT_OK, "names: stops when asked (%d)", code);
	for (int i = 0; i < 2; i++) {
		close(bench->dial[i]);
		close(bench->resolve[i]);
	}
}

/* The dialer's question; false when it is another one. */
static bool
take_question(struct bench *bench, const char *name, uint64_t *ret_id)
{
	struct resolve_request request;
	int fd = -1;

	if (!wait_readable(bench->resolve[0], EDGE_WAIT_MS) ||
	    fdpass_receive(bench->resolve[0], &request, sizeof request, &fd) !=
		(ssize_t)sizeof request ||
	    fd >= 0)
		return false;
	*ret_id = request.id;
	return strcmp(request.name, name) == 0;
}

/* An answer with these addresses (NULL ends). */
static void
answer(struct bench *bench, uint64_t id, int error, const char *const *addresses)
{
	struct resolve_reply reply = {.id = id, .error = error};

	for (; addresses != NULL && *addresses != NULL; addresses++) {
		struct resolve_address *address = &reply.addresses[reply.count++];

		address->family = strchr(*addresses, ':') != NULL ? AF_INET6 : AF_INET;
		inet_pton((int)address->family, *addresses, address->bytes);
	}
	if (fdpass_send(bench->resolve[0], &reply, sizeof reply, -1) < 0)
		end_test("answer");
}

/* The error of one dial whose name has these addresses; *ret_fd as it came. */
static int
dial_name(struct bench *bench, int error, const char *const *addresses, int *ret_fd)
{
	struct dial_reply reply;
	uint64_t id;

	*ret_fd = -1;
	dial_send(bench->dial[0], ++bench->id, DIAL_COMPUTE);
	if (!take_question(bench, "api.test", &id))
		return -1;
	answer(bench, id, error, addresses);
	if (!dial_take(bench->dial[0], &reply, ret_fd) || reply.id != bench->id)
		return -1;
	return reply.error;
}

static void
test_special(void)
{
	static const char *const special[] = {"127.0.0.1", "127.255.0.1", "0.0.0.0",
	    "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "::1",
	    "::127.0.0.1", "::ffff:192.0.2.1", "fe80::1", "fec0::1", "fd00:ec2::254",
	    "fc00::1", "ff02::1", "64:ff9b::169.254.169.254"};
	struct bench bench;
	unsigned int port;
	/* had one been dialed, it would have been found open */
	int listener = listen_on("127.0.0.1", 8, &port);

	bench_open(&bench, "api.test", port);
	for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
		const char *addresses[] = {special[i], NULL};
		int fd, error = dial_name(&bench, 0, addresses, &fd);

		tap_check(error == EPERM && fd < 0, "names: %s is refused (%d)",
		    special[i], error);
	}
	tap_check(child_expect_log(&bench.child, "\"event\":\"address_refused\""),
	    "names: the refusal is logged");
	close(listener);
	bench_stop(&bench);
}

static void
test_resolver_errors(void)
{
	struct resolve_reply odd = {.count = RESOLVE_ADDRESSES_MAX + 1};
	struct bench bench;
	struct dial_reply reply;
	uint64_t id = 0, again = 0;
	int fd;

	bench_open(&bench, "api.test", 443);
	tap_check(dial_name(&bench, ENOENT, NULL, &fd) == ENOENT,
	    "names: an unknown name is told");
	dial_send(bench.dial[0], ++bench.id, DIAL_COMPUTE);
	tap_check(take_question(&bench, "api.test", &id), "names: a question is asked");
	answer(&bench, id + 1000, ECONNRESET, NULL);
	odd.id = id;
	if (fdpass_send(bench.resolve[0], &odd, sizeof odd, -1) < 0 ||
	    fdpass_send(bench.resolve[0], &odd, 3, -1) < 0 ||
	    fdpass_send(bench.resolve[0], "", 0, -1) < 0)
		end_test("odd answers");
	if (control_send(bench.child.control, CONTROL_AGAIN, NULL, 0, -1) < 0)
		end_test("again");
	tap_check(take_question(&bench, "api.test", &again) && again != id,
	    "names: a new resolver is asked again");
	answer(&bench, again, EIO, NULL);
	tap_check(dial_take(bench.dial[0], &reply, &fd) && reply.error == EIO &&
		      reply.id == bench.id,
	    "names: odd answers are passed over");
	dial_send(bench.dial[0], ++bench.id, DIAL_COMPUTE);
	tap_check(dial_take(bench.dial[0], &reply, &fd) && reply.error == ETIMEDOUT,
	    "names: a silent resolver is not waited for");
	bench_stop(&bench);
}

/* Addresses of our own that are not special: connections stay in this machine. */
static void
test_order(void)
{
	static const char *const refused_first[] = {
	    EDGE_SILENT_ADDRESS, EDGE_OWN_ADDRESS, NULL};
	static const char *const special_first[] = {
	    "127.0.0.1", "fd00::1", EDGE_OWN_ADDRESS, NULL};
	static const char *const unreachable[] = {"2001:db8::1", NULL};
	struct sockaddr_in peer = {0};
	socklen_t peer_len = sizeof peer;
	struct bench bench;
	unsigned int port;
	int listener = listen_on(EDGE_OWN_ADDRESS, 8, &port);
	int fd, error;

	if (listener < 0)
		end_test("listen");
	bench_open(&bench, "api.test", port);
	error = dial_name(&bench, 0, refused_first, &fd);
	tap_check(error == 0, "names: the second address is tried (%d)", error);
	close(fd);
	error = dial_name(&bench, 0, special_first, &fd);
	tap_check(error == 0 &&
		      getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
		      peer.sin_addr.s_addr == inet_addr(EDGE_OWN_ADDRESS),
	    "names: special ones are passed over (%d)", error);
	close(fd);
	error = dial_name(&bench, 0, unreachable, &fd);
	tap_check(error == ENETUNREACH || error == EADDRNOTAVAIL,
	    "names: no way there (%d)", error);
	close(listener);
	bench_stop(&bench);
}

void
test_dialer_names(bool own_network)
{
	test_special();
	test_resolver_errors();
	if (own_network)
		test_order();
	else
		tap_skip("no network namespace", "names: addresses in their order");
}
