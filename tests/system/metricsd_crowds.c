/* Many clients at once, slow ones, and ones that do not read: nobody else has to wait
 * for them for good, and they cost a bounded amount of memory. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "metricsd_rig.h"

#define CROWD	  200
#define SLOW_FEW  30  /* fewer than one listener lets wait (metricsd/connections.h) */
#define SLOW_MANY 100 /* more than one listener has at once */
#define IDLE_MANY 1000

/* What an answer may take on a machine that is busy with other things. */
#define AT_ONCE_MS 3000

/* Series that make a page of some MiB. */
#define PAGE_SERIES 40000

/* How long a slow client may stay at the most (metricsd/connections.h: 10 s). */
#define SLOW_MS 14000

static const char ask_health[] =
    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
static const char ask_metrics[] =
    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static const char ask_keep[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

static void
test_crowd(void)
{
	int fds[CROWD], answered = 0;

	for (int i = 0; i < CROWD; i++) {
		fds[i] = http_connect(RIG_METRICS);
		http_send(fds[i], ask_health, sizeof ask_health - 1);
	}
	for (int i = 0; i < CROWD; i++) {
		struct reply reply;

		http_read(fds[i], &reply);
		answered +=
		    reply.status == 200 && strcmp(reply_body(&reply), "ok") == 0;
		reply_free(&reply);
	}
	tap_check(answered == CROWD, "crowds: %d connections at once, %d are answered",
	    CROWD, answered);
}

/* Whether somebody else is answered on both ports, and at once. */
static bool
others_are_answered(void)
{
	int64_t start_ms = clock_mono().ms;

	return http_is(RIG_METRICS, "/healthz", 200, "ok") &&
	       http_is(RIG_HEALTH, "/healthz", 200, "ok") &&
	       clock_mono().ms - start_ms < AT_ONCE_MS;
}

/* Whether the other end has closed it. */
static bool
is_closed(int fd, int64_t wait_ms)
{
	char byte;

	return rig_pump(fd, wait_ms) && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* They begin a request and say no more, but for every second one, which says a byte now
 * and then: that does not keep it longer. */
static void
test_slow(void)
{
	int64_t start_ms = clock_mono().ms, took_ms;
	int fds[SLOW_FEW], closed = 0;

	for (int i = 0; i < SLOW_FEW; i++) {
		fds[i] = http_connect(RIG_METRICS);
		http_send(fds[i], ask_health, 10);
	}
	tap_check(others_are_answered(), "crowds: beside %d slow clients", SLOW_FEW);
	while (!is_closed(fds[0], 200) && clock_mono().ms - start_ms < SLOW_MS)
		for (int i = 1; i < SLOW_FEW; i += 2)
			http_send(fds[i], "x", 1);
	took_ms = clock_mono().ms - start_ms;
	for (int i = 0; i < SLOW_FEW; i++) {
		closed += is_closed(fds[i], 1000);
		close(fds[i]);
	}
	tap_check(closed == SLOW_FEW && took_ms < SLOW_MS,
	    "crowds: %d slow clients, %d were sent away", SLOW_FEW, closed);
}

/* All that one machine would open, and they stay. */
static void
test_idle(void)
{
	static int fds[IDLE_MANY];
	int answered = 0, closed = 0;

	for (int i = 0; i < IDLE_MANY; i++) {
		fds[i] = http_connect(i % 2 == 0 ? RIG_METRICS : RIG_HEALTH);
		if (i % 2 == 0)
			http_send(fds[i], ask_health, 30);
		if (i % 100 == 99)
			answered += others_are_answered();
	}
	tap_check(answered == IDLE_MANY / 100,
	    "crowds: beside %d connections, others are answered (%d of %d times)",
	    IDLE_MANY, answered, IDLE_MANY / 100);
	for (int i = 0; i < IDLE_MANY; i++) {
		closed += is_closed(fds[i], 0);
		close(fds[i]);
	}
	tap_check(closed >= IDLE_MANY * 9 / 10,
	    "crowds: the oldest of them made room (%d)", closed);
}

/* Huge heads and requests without end, from many at once. */
static void
test_loud(void)
{
	static char text[200 * (sizeof ask_keep - 1)];
	int fds[SLOW_MANY];
	bool good;

	for (size_t i = 0; i < 200; i++)
		memcpy(text + i * (sizeof ask_keep - 1), ask_keep, sizeof ask_keep - 1);
	for (int i = 0; i < SLOW_MANY; i++) {
		fds[i] = http_connect(RIG_METRICS);
		http_send(fds[i], ask_health, 20);
		send(fds[i], text, i % 2 == 0 ? sizeof text : 100, MSG_NOSIGNAL);
		memset(text + 100, 'x', 10);
		send(
		    fds[i], text + 100, sizeof text - 100, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	good = others_are_answered();
	tap_check(good, "crowds: beside huge heads and pipelines");
	for (int i = 0; i < SLOW_MANY; i++)
		close(fds[i]);
}

static struct peer *
fill_page(void)
{
	struct peer *peer = peer_new(2);
	char operation[64];

	peer_connect(peer, true);
	if (!peer_wait_up(peer))
		end_test("link");
	for (unsigned int i = 0; i < PAGE_SERIES; i++) {
		snprintf(operation, sizeof operation, "operation-%u", i);
		peer_sample(
		    peer, METRIC_CLOUD_CALLS, SAMPLE_VALUE, i, operation, "200", NULL);
	}
	if (!peer_wait_taken(peer))
		end_test("samples");
	return peer;
}

/* Whether the page comes; while others are still being sent it may say "busy". */
static bool
page_comes(size_t *ret_len)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;
	int status = 503;
	bool whole = false;

	while (status == 503 && clock_mono().ms < until_ms) {
		struct reply reply;

		http_ask(RIG_METRICS, "GET", "/metrics", &reply);
		status = reply.status;
		whole =
		    strstr(reply_body(&reply), "operation=\"operation-39999\"") != NULL;
		*ret_len = reply.text.len;
		if (status != 200 && status != 503)
			printf("# the page: %d, %s\n", status, reply_body(&reply));
		reply_free(&reply);
	}
	return status == 200 && whole;
}

/* Clients that ask for the whole page and do not read it, each for a page of its own
 * because something has changed. */
static void
test_unread(void)
{
	struct peer *peer = fill_page();
	int fds[SLOW_MANY];
	size_t len = 0;
	bool whole;

	for (int i = 0; i < SLOW_MANY; i++) {
		int small = 4096;

		fds[i] = http_connect(RIG_METRICS);
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		http_send(fds[i], ask_metrics, sizeof ask_metrics - 1);
		peer_sample(peer, METRIC_CLOUD_CALLS, SAMPLE_VALUE, i, "operation-0",
		    "200", NULL);
		if (!peer_wait_taken(peer))
			end_test("samples");
	}
	tap_check(others_are_answered(), "crowds: beside clients that do not read");
	whole = page_comes(&len);
	tap_check(whole, "crowds: the page of %zu bytes, beside them", len);
	for (int i = 0; i < SLOW_MANY; i++)
		close(fds[i]);
	peer_free(peer);
}

void
test_crowds(void)
{
	const struct rlimit files = {IDLE_MANY + 200, IDLE_MANY + 200};

	setrlimit(RLIMIT_NOFILE, &files);
	test_crowd();
	test_slow();
	test_idle();
	test_loud();
	test_unread();
}
