/* HTTP as a scraper and the kubelet speak it, and as nobody should. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "metricsd_rig.h"

/* Largest reply that is read: a page of all series. */
#define REPLY_MAX (64u << 20)

#define ASK(method, target)                                                            \
	method " " target " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

int
http_connect(enum rig_listener listener)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)rig_port(listener)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		end_test("connect");
	return fd;
}

void
http_send(int fd, const char *text, size_t len)
{
	while (len > 0) {
		struct pollfd room = {.fd = fd, .events = POLLOUT};
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		/* closed already: the reply says why, if there is one */
		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent < 0) {
			rig_pump(-1, 0);
			poll(&room, 1, 10);
			continue;
		}
		text += sent;
		len -= (size_t)sent;
	}
}

bool
http_read(int fd, struct reply *ret_reply)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;
	char piece[16384];
	ssize_t got = 1;

	buf_init(&ret_reply->text, REPLY_MAX);
	ret_reply->status = 0;
	while (got > 0 && rig_pump(fd, until_ms - clock_mono().ms)) {
		got = recv(fd, piece, sizeof piece, 0);
		if (got > 0 && buf_put(&ret_reply->text, piece, (size_t)got) < 0)
			end_test("the reply is too large");
	}
	close(fd);
	if (ret_reply->text.len > 12 &&
	    strncmp(ret_reply->text.data, "HTTP/1.", 7) == 0)
		ret_reply->status = (int)strtol(ret_reply->text.data + 9, NULL, 10);
	return got <= 0;
}

void
reply_free(struct reply *reply)
{
	buf_free(&reply->text);
}

const char *
reply_body(const struct reply *reply)
{
	const char *gap =
	    reply->text.data != NULL ? strstr(reply->text.data, "\r\n\r\n") : NULL;

	return gap != NULL ? gap + 4 : "";
}

bool
reply_has_header(const struct reply *reply, const char *line)
{
	char wanted[256];
	const char *found = NULL;

	snprintf(wanted, sizeof wanted, "\r\n%s\r\n", line);
	if (reply->text.data != NULL)
		found = strcasestr(reply->text.data, wanted);
	return found != NULL && found < reply_body(reply);
}

void
http_ask(enum rig_listener listener, const char *method, const char *target,
    struct reply *ret_reply)
{
	char request[512];
	int len = snprintf(request, sizeof request, ASK("%s", "%s"), method, target);
	int fd = http_connect(listener);

	if (len < 0 || (size_t)len >= sizeof request)
		end_test("the request is too long");
	http_send(fd, request, (size_t)len);
	http_read(fd, ret_reply);
}

bool
http_has(enum rig_listener listener, const char *target, const char *text)
{
	struct reply reply;
	bool has;

	http_ask(listener, "GET", target, &reply);
	has = reply.status == 200 && strstr(reply_body(&reply), text) != NULL;
	reply_free(&reply);
	return has;
}

static bool
is_reply(enum rig_listener listener, const char *target, int status, const char *body,
    bool silent)
{
	struct reply reply;
	bool is;

	http_ask(listener, "GET", target, &reply);
	is = reply.status == status && strcmp(reply_body(&reply), body) == 0 &&
	     reply_has_header(&reply, "Cache-Control: no-store");
	if (!is && !silent)
		printf("# %s: %d, %s\n", target, reply.status, reply_body(&reply));
	reply_free(&reply);
	return is;
}

bool
http_is(enum rig_listener listener, const char *target, int status, const char *body)
{
	return is_reply(listener, target, status, body, false);
}

bool
http_becomes(
    enum rig_listener listener, const char *target, int status, const char *body)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;

	while (clock_mono().ms < until_ms)
		if (is_reply(listener, target, status, body, true))
			return true;
	return is_reply(listener, target, status, body, false);
}

/* What was sent in one go, and everything that came back. */
static void
exchange(const char *text, size_t len, struct reply *ret_reply)
{
	int fd = http_connect(RIG_METRICS);

	http_send(fd, text, len);
	shutdown(fd, SHUT_WR);
	http_read(fd, ret_reply);
}

static size_t
count_text(const char *text, const char *needle)
{
	size_t count = 0;

	while (text != NULL && (text = strstr(text, needle)) != NULL) {
		text += strlen(needle);
		count++;
	}
	return count;
}

static void
test_methods(void)
{
	static const char *const others[] = {
	    "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "NONSENSE"};
	struct reply get, head, other;
	char length[64];

	http_ask(RIG_METRICS, "GET", "/metrics", &get);
	http_ask(RIG_METRICS, "HEAD", "/metrics", &head);
	snprintf(
	    length, sizeof length, "Content-Length: %zu", strlen(reply_body(&get)));
	tap_check(get.status == 200 && reply_has_header(&get, length) &&
		      reply_has_header(&get,
			  "Content-Type: text/plain; version=0.0.4; charset=utf-8") &&
		      reply_has_header(&get, "Cache-Control: no-store"),
	    "http: GET /metrics");
	tap_check(head.status == 200 && reply_has_header(&head, length) &&
		      reply_body(&head)[0] == '\0' && head.text.len > 0,
	    "http: HEAD has the same head, and no body");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		http_ask(RIG_METRICS, others[i], "/healthz", &other);
		tap_check(other.status == 405 &&
			      reply_has_header(&other, "Allow: GET, HEAD") &&
			      reply_has_header(&other, "Cache-Control: no-store"),
		    "http: %s is not allowed (%d)", others[i], other.status);
		reply_free(&other);
	}
	reply_free(&get);
	reply_free(&head);
}

static void
test_paths(void)
{
	static const char *const unknown[] = {"/", "/metrics/", "/Metrics",
	    "/healthz/x", "/../metrics", "//metrics", "/%2e%2e", "/?a=/metrics"};

	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		tap_check(http_is(RIG_METRICS, unknown[i], 404, "not found"),
		    "http: there is no %s", unknown[i]);
	tap_check(http_is(RIG_HEALTH, "/metrics", 404, "not found"),
	    "http: no metrics on the health port");
	tap_check(http_is(RIG_METRICS, "/healthz", 200, "ok") &&
		      http_is(RIG_HEALTH, "/healthz?x=y", 200, "ok"),
	    "http: health on both ports");
}

/* Each row: what is sent, and the status of the reply; 0: the connection just ends. */
struct odd_case {
	const char *name;
	const char *text;
	int status;
};

static const struct odd_case odd_cases[] = {
    {"nothing", "", 0},
    {"half a request", "GET /healthz HT", 0},
    {"bare line feeds", "GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n", 200},
    {"HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200},
    {"HTTP/9.9", "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 505},
    {"a body", ASK("POST", "/healthz") "body", 405},
    {"a body with its length",
	"POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	"Content-Length: 10\r\n\r\n0123456789",
	405},
    {"a body in chunks",
	"POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
	405},
    {"GET with a body",
	"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	"Content-Length: 10\r\n\r\n0123456789",
	200},
    {"a length that is none",
	"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400},
};

static void
test_odd_requests(void)
{
	struct reply reply;

	for (size_t i = 0; i < sizeof odd_cases / sizeof *odd_cases; i++) {
		exchange(odd_cases[i].text, strlen(odd_cases[i].text), &reply);
		tap_check(reply.status == odd_cases[i].status, "http: %s (%d)",
		    odd_cases[i].name, reply.status);
		reply_free(&reply);
	}
	exchange("\0\xff\x16\x03\x01\r\n\r\n", 9, &reply);
	tap_check(reply.status == 0 || reply.status >= 400, "http: bytes of TLS (%d)",
	    reply.status);
	reply_free(&reply);
}

static void
test_long_heads(void)
{
	static char text[64 * 1024];
	struct reply reply;
	size_t len;

	len = (size_t)snprintf(
	    text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: x\r\nA: ");
	memset(text + len, 'a', sizeof text - len);
	exchange(text, sizeof text, &reply);
	tap_check(reply.status == 431 || reply.status == 0,
	    "http: a header of 64 KiB (%d)", reply.status);
	reply_free(&reply);
	len = (size_t)snprintf(text, sizeof text, "GET /");
	memset(text + len, 'a', sizeof text - len);
	exchange(text, sizeof text, &reply);
	tap_check(reply.status == 414 || reply.status == 0,
	    "http: a target of 64 KiB (%d)", reply.status);
	reply_free(&reply);
}

static void
test_pipelining(void)
{
	static const char one[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char last[] = ASK("GET", "/nowhere");
	char text[20 * sizeof one + sizeof last];
	struct reply reply;
	size_t len = 0;

	for (int i = 0; i < 20; i++, len += sizeof one - 1)
		memcpy(text + len, one, sizeof one - 1);
	memcpy(text + len, last, sizeof last - 1);
	exchange(text, len + sizeof last - 1, &reply);
	tap_check(count_text(reply.text.data, "HTTP/1.1 200 OK\r\n") == 20 &&
		      count_text(reply.text.data, "HTTP/1.1 404 Not Found\r\n") == 1,
	    "http: 21 requests in one go");
	reply_free(&reply);
}

void
test_http(void)
{
	test_methods();
	test_paths();
	test_odd_requests();
	test_long_heads();
	test_pipelining();
	tap_check(http_is(RIG_METRICS, "/healthz", 200, "ok"), "http: still there");
}
