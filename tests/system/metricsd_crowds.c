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
#define SLOW_MANY 40 /* more than one listener serves at once */

/* Series that make a page of some MiB. */
#define PAGE_SERIES 40000

/* How long a slow client may stay at the most (metricsd/server.c: TIMEOUT_S). */
#define SLOW_MS 14000

static const char ask_health[] =
    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
static const char ask_metrics[] =
    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static void
test_crowd(void)
{
	int fds[CROWD], answered = 0;

	for (int i = 0; i < CROWD; i++)
		fds[i] = http_connect(RIG_METRICS);
	for (int i = 0; i < CROWD; i++)
		http_send(fds[i], ask_health, sizeof ask_health - 1);
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

/* They begin a request and say no more. */
static void
test_slow(void)
{
	int64_t start_ms = clock_mono().ms;
	int fds[SLOW_MANY], closed = 0;

	for (int i = 0; i < SLOW_MANY; i++) {
		fds[i] = http_connect(RIG_METRICS);
		http_send(fds[i], ask_health, 10);
	}
	tap_check(http_is(RIG_HEALTH, "/healthz", 200, "ok") &&
		      clock_mono().ms - start_ms < SLOW_MS / 2,
	    "crowds: slow clients of one port do not touch the other");
	tap_check(http_is(RIG_METRICS, "/healthz", 200, "ok"),
	    "crowds: room again when their time is over");
	for (int i = 0; i < SLOW_MANY; i++) {
		char byte;

		closed +=
		    rig_pump(fds[i], EDGE_WAIT_MS) && recv(fds[i], &byte, 1, 0) <= 0;
		close(fds[i]);
	}
	tap_check(closed == SLOW_MANY, "crowds: %d slow clients, %d were sent away",
	    SLOW_MANY, closed);
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
	tap_check(http_is(RIG_HEALTH, "/healthz", 200, "ok"),
	    "crowds: clients that do not read, and the other port");
	for (int i = 0; i < SLOW_MANY; i++)
		close(fds[i]);
	whole = page_comes(&len);
	tap_check(whole, "crowds: the page of %zu bytes after that", len);
	peer_free(peer);
}

void
test_crowds(void)
{
	test_crowd();
	test_slow();
	test_unread();
}
