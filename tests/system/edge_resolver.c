#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "edge.h"
#include "exits.h"
#include "fdpass.h"

#define CLIENTS 3

static const char resolv_conf[] = "# made by a test\n"
				  "nameserver 127.0.0.1\n"
				  "nameserver 127.0.0.2\n"
				  "search one.test two.test\n"
				  "options ndots:1 timeout:1 attempts:1\n";

struct bench {
	struct child child;
	int pairs[CLIENTS][2]; /* [0]: the dialer */
	uint64_t id;
};

static void
bench_open(struct bench *bench)
{
	int fds[FD_FIXED_END], file;

	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	for (int i = 0; i < CLIENTS; i++) {
		pair_open(bench->pairs[i]);
		fds[FD_RESOLVE_0 + i] = bench->pairs[i][1];
	}
	bench->id = 5000;
	dns_open();
	child_open(&bench->child, "ipwarden-resolver", fds);
	tap_check(child_expect_locked(&bench->child), "resolver: locked");
	child_set(&bench->child, SETTING_DNS_PORT, "%u", dns_port());
	file = file_make(resolv_conf, sizeof resolv_conf - 1);
	if (control_send_file(bench->child.control, FILE_RESOLV_CONF, file) < 0)
		end_test("control_send_file");
	close(file);
	tap_check(child_start(&bench->child), "resolver: ready");
}

static void
bench_close(struct bench *bench)
{
	for (int i = 0; i < CLIENTS; i++) {
		close(bench->pairs[i][0]);
		close(bench->pairs[i][1]);
	}
	dns_close();
}

static uint64_t
ask(struct bench *bench, int client, const char *name)
{
	struct resolve_request request = {.id = ++bench->id};

	snprintf(request.name, sizeof request.name, "%s", name);
	if (fdpass_send(bench->pairs[client][0], &request, sizeof request, -1) < 0)
		end_test("ask");
	return request.id;
}

static bool
take(struct bench *bench, int client, struct resolve_reply *ret_reply)
{
	int fd = -1;

	return wait_readable(bench->pairs[client][0], EDGE_WAIT_MS) &&
	       fdpass_receive(bench->pairs[client][0], ret_reply, sizeof *ret_reply,
		   &fd) == (ssize_t)sizeof *ret_reply;
}

/* "192.0.2.1 2001:db8::1" for a success, else "error N" or "nothing". */
static const char *
resolve(struct bench *bench, const char *name)
{
	static char text[RESOLVE_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 1)];
	struct resolve_reply reply;
	uint64_t id = ask(bench, 0, name);
	size_t len = 0;

	/* the answer to an earlier question may come late */
	do {
		if (!take(bench, 0, &reply))
			return "nothing";
	} while (reply.id < id);
	if (reply.id != id || reply.count > RESOLVE_ADDRESSES_MAX)
		return "nothing";
	if (reply.error != 0)
		snprintf(text, sizeof text, "error %d", reply.error);
	for (uint32_t i = 0; reply.error == 0 && i < reply.count; i++) {
		if (i > 0)
			text[len++] = ' ';
		inet_ntop((int)reply.addresses[i].family, reply.addresses[i].bytes,
		    text + len, INET6_ADDRSTRLEN);
		len += strlen(text + len);
	}
	return text;
}

static void
check(struct bench *bench, const char *name, const char *expected, const char *what)
{
	const char *got = resolve(bench, name);

	tap_check(strcmp(got, expected) == 0, "resolver: %s: %s (%s)", name, what, got);
}

static void
check_error(struct bench *bench, const char *name, int error, const char *what)
{
	char expected[32];

	snprintf(expected, sizeof expected, "error %d", error);
	check(bench, name, expected, what);
}

static void
test_answers(struct bench *bench)
{
	check(bench, "a.test", "192.0.2.1 2001:db8::1", "both families, IPv4 first");
	check(bench, "A.Test.", "192.0.2.1 2001:db8::1", "absolute, in other letters");
	check(bench, "v4.test", "192.0.2.4", "one family");
	check(bench, "alias.test", "192.0.2.4", "a chain of two aliases");
	check(bench, "half.test", "192.0.2.7", "silence on AAAA is not waited for");
	check(bench, "rebind.test", "169.254.169.254", "the resolver does not judge");
	check(bench, "web", "192.0.2.13", "found in the search list");
	check(bench, "old.test", "192.0.2.11", "a server without EDNS");
	check(bench, "fail-first.test", "192.0.2.12", "the second server");
}

static void
test_attacks(struct bench *bench)
{
	check(bench, "wrong-id.test", "192.0.2.8", "an answer with another id");
	check(
	    bench, "wrong-question.test", "192.0.2.9", "an answer to another question");
	check(bench, "wrong-source.test", "192.0.2.10", "an answer from another port");
	check_error(bench, "round.test", EIO, "aliases in a circle");
	check_error(bench, "big.test", EMSGSIZE, "a truncated answer");
	check_error(bench, "bad name.test", EINVAL, "not a host name");
	check_error(bench, "", EINVAL, "no name");
}

static void
test_failures(struct bench *bench)
{
	check_error(bench, "nowhere.test", ENOENT, "no such name");
	check_error(bench, "empty.test", ENOENT, "no address");
	check_error(bench, "fail.test.", EIO, "all servers fail");
	check_error(bench, "silent1.test", ETIMEDOUT, "nobody answers");
}

static void
test_cache(struct bench *bench)
{
	struct dns_counts before, after;

	resolve(bench, "v4.test");
	before = dns_counts();
	check(bench, "v4.test", "192.0.2.4", "again");
	after = dns_counts();
	tap_check(after.queries == before.queries, "resolver: that was in the cache");
	check(bench, "brief.test", "192.0.2.5", "a TTL of 0");
	before = dns_counts();
	check(bench, "brief.test", "192.0.2.5", "again");
	after = dns_counts();
	tap_check(after.queries > before.queries, "resolver: that was not");
	/* a few may meet by chance */
	tap_check(after.queries > 30 && after.ids * 10 > after.queries * 9 &&
		      after.ports * 10 > after.queries * 8,
	    "resolver: ids and ports are random (%u, %u of %u)", after.ids, after.ports,
	    after.queries);
}

/* A client with too many questions harms itself only; a second question for a name
 * takes the place of the first. */
static void
test_clients(struct bench *bench)
{
	struct resolve_reply reply;
	uint64_t id, last = 0;
	char name[32];

	for (int i = 1; i <= 5; i++) {
		snprintf(name, sizeof name, "silent%d.test", i);
		id = ask(bench, 1, name);
	}
	tap_check(take(bench, 1, &reply) && reply.id == id && reply.error == EAGAIN,
	    "resolver: the fifth open question is refused");
	id = ask(bench, 2, "a.test");
	tap_check(take(bench, 2, &reply) && reply.id == id && reply.error == 0,
	    "resolver: another dialer is served");
	for (int i = 1; i <= 4; i++) {
		snprintf(name, sizeof name, "silent%d.test", i);
		last = ask(bench, 1, name);
	}
	for (int i = 1; i <= 4; i++)
		tap_check(take(bench, 1, &reply) && reply.id > last - 4 &&
			      reply.id <= last && reply.error == ETIMEDOUT,
		    "resolver: the later question is answered (%d)", i);
}

static void
test_malformed(struct bench *bench)
{
	struct resolve_request request = {.id = 1};
	int fd = file_make("", 0);

	memset(request.name, 'a', sizeof request.name);
	if (fdpass_send(bench->pairs[0][0], &request, sizeof request, -1) < 0 ||
	    fdpass_send(bench->pairs[0][0], "", 0, -1) < 0 ||
	    fdpass_send(bench->pairs[0][0], &request, 20, -1) < 0)
		end_test("malformed");
	request.name[1] = '\0';
	if (fdpass_send(bench->pairs[0][0], &request, sizeof request, fd) < 0)
		end_test("malformed");
	close(fd);
	check(bench, "a.test", "192.0.2.1 2001:db8::1", "after malformed requests");
	tap_check(child_expect_log(&bench->child, "\"event\":\"questions_dropped\""),
	    "resolver: they are told in the log");
}

/* A new resolv.conf: other servers, and an empty cache. */
static void
test_rotation(struct bench *bench)
{
	static const char one[] =
	    "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
	struct dns_counts before = dns_counts();
	int file = file_make(one, sizeof one - 1);

	if (control_send_file(bench->child.control, FILE_RESOLV_CONF, file) < 0)
		end_test("control_send_file");
	close(file);
	/* the record may be read after the first question */
	for (int i = 0; i < 100 && dns_counts().queries == before.queries; i++)
		resolve(bench, "a.test");
	tap_check(dns_counts().queries > before.queries,
	    "resolver: a new resolv.conf empties the cache");
	check_error(bench, "web", ENOENT, "and its search list is in force");
	check_error(bench, "fail-first.test", EIO, "and its servers");
}

/* The real dialer behind the real resolver. */
static void
test_together(struct bench *bench, bool own_network)
{
	static const char *const names[] = {
	    "rebind.test", "rebind6.test", "local.test"};
	unsigned int port = 9;
	int listener = own_network ? listen_on(EDGE_OWN_ADDRESS, 8, &port) : -1;
	int dial[2], fds[FD_FIXED_END], fd = -1, error;

	for (size_t i = 0; i < 4; i++) {
		struct child dialer;
		const char *name = i < 3 ? names[i] : "own.test";

		if (i == 3 && listener < 0) {
			tap_skip("no network namespace", "together: a name is dialed");
			break;
		}
		pair_open(dial);
		for (int n = 0; n < FD_FIXED_END; n++)
			fds[n] = -1;
		fds[FD_DIAL] = dial[1];
		fds[FD_RESOLVE] = bench->pairs[2][0];
		child_open(&dialer, "ipwarden-dialer", fds);
		child_expect_locked(&dialer);
		child_set(&dialer, SETTING_DIAL_KUBE, "%s %u", name, port);
		child_start(&dialer);
		error = dial_once(dial[0], 1, DIAL_KUBE, &fd);
		tap_check(
		    error == (i < 3 ? EPERM : 0), "together: %s (%d)", name, error);
		if (fd >= 0)
			close(fd);
		tap_check(child_stop(&dialer) == EXIT_OK, "together: stops when asked");
		close(dial[0]);
		close(dial[1]);
	}
	if (listener >= 0)
		close(listener);
}

void
test_resolver(bool own_network)
{
	struct bench bench;
	int code;

	bench_open(&bench);
	test_answers(&bench);
	test_attacks(&bench);
	test_failures(&bench);
	test_cache(&bench);
	test_clients(&bench);
	test_malformed(&bench);
	test_together(&bench, own_network);
	test_rotation(&bench);
	code = child_stop(&bench.child);
	tap_check(code == EXIT_OK, "resolver: stops when asked (%d)", code);
	bench_close(&bench);

	bench_open(&bench);
	close(bench.child.control);
	bench.child.control = -1;
	code = child_wait(&bench.child);
	tap_check(
	    code == EXIT_ORPHAN, "resolver: ends without its supervisor (%d)", code);
	bench_close(&bench);
}
