#include "http.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "exchange.h"
#include "mem.h"

/* Connections that are kept for reuse, all targets together. */
#define HTTP_POOL_MAX 16L

/* Connections at once; exchanges beyond wait for one of them. A Unix socket queues 10
 * packets (net.unix.max_dgram_qlen), and what the dialer cannot answer is lost. Eight
 * orders may be waiting at the cloud; two are left for looking and for the token. */
#define HTTP_CONNECTIONS_MAX 10L

static int on_curl_socket(
    CURL *easy, curl_socket_t fd, int what, void *arg, void *slot);
static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg);
static void on_time(void *arg);
static void on_settle(void *arg);

/* Algorithms, error texts, random numbers and the time zone are all loaded at their
 * first use, some of them from files: make that use now. */
static void
load_libraries(void)
{
	unsigned char byte;
	SSL_CTX *context;
	int rc;

	rc = OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
				  OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL);
	assert(rc == 1);
	rc = RAND_bytes(&byte, 1);
	assert(rc == 1);
	context = SSL_CTX_new(TLS_client_method());
	assert(context != NULL);
	SSL_CTX_free(context);
	rc = (int)curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(rc == 0);
	tzset();
}

struct http *
http_new(struct loop *loop, struct dial *dial)
{
	struct http *http = mem_calloc(1, sizeof *http);

	signal(SIGPIPE, SIG_IGN);
	load_libraries();
	http->loop = loop;
	http->dial = dial;
	TAILQ_INIT(&http->exchanges);
	http->curl_timer = loop_timer_new(loop, on_time, http);
	http->settle_timer = loop_timer_new(loop, on_settle, http);
	http->multi = curl_multi_init();
	assert(http->multi != NULL);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, HTTP_POOL_MAX);
	curl_multi_setopt(
	    http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, HTTP_CONNECTIONS_MAX);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return http;
}

void
http_settle_soon(struct http *http)
{
	loop_timer_arm(http->settle_timer, 0);
}

void
http_cancel_all(struct http *http, const struct http_target *target)
{
	struct http_exchange *exchange;

	for (exchange = TAILQ_FIRST(&http->exchanges); exchange != NULL;
	     exchange = TAILQ_NEXT(exchange, link)) {
		if (exchange->target == target)
			http_cancel(exchange);
	}
}

static void
collect(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct http_exchange *exchange;
		CURLcode code = message->data.result;
		char *owner = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		exchange = (struct http_exchange *)(void *)owner;
		exchange_leave_curl(exchange);
		exchange_conclude(exchange, code);
	}
}

/* Exchanges are freed here and nowhere else, so that the walk is safe whatever the
 * callbacks start and cancel. */
static void
settle(struct http *http)
{
	struct http_exchange *exchange, *following;

	for (exchange = TAILQ_FIRST(&http->exchanges); exchange != NULL;
	     exchange = following) {
		if (exchange->cancelled || exchange->finished) {
			exchange_leave_curl(exchange);
			if (!exchange->cancelled)
				exchange_report(exchange);
			following = TAILQ_NEXT(exchange, link);
			exchange_free(exchange);
			continue;
		}
		if (exchange->starting)
			exchange_enter_curl(exchange);
		if (exchange->resuming)
			exchange_unpause(exchange);
		following = TAILQ_NEXT(exchange, link);
	}
}

static void
on_settle(void *arg)
{
	settle(arg);
	collect(arg);
}

void
http_free(struct http *http)
{
	struct http_exchange *exchange;

	if (http == NULL)
		return;
	while ((exchange = TAILQ_FIRST(&http->exchanges)) != NULL)
		exchange_free(exchange);
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	loop_timer_free(http->curl_timer);
	loop_timer_free(http->settle_timer);
	free(http);
}

static void
on_fd(void *arg, int fd, uint32_t events)
{
	struct http *http = arg;
	int flags = 0;
	int running;

	if ((events & (EPOLLIN | EPOLLHUP)) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		flags |= CURL_CSELECT_OUT;
	if ((events & EPOLLERR) != 0)
		flags |= CURL_CSELECT_ERR;
	curl_multi_socket_action(http->multi, fd, flags, &running);
	collect(http);
}

static void
on_time(void *arg)
{
	struct http *http = arg;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *slot)
{
	struct http *http = arg;
	uint32_t events = 0;

	(void)easy;
	(void)slot;
	if (what == CURL_POLL_REMOVE) {
		loop_remove_fd(http->loop, fd);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	return loop_set_fd(http->loop, fd, events, on_fd, http) < 0 ? -1 : 0;
}

static int
on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *http = arg;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_disarm(http->curl_timer);
	else
		loop_timer_arm(http->curl_timer, timeout_ms);
	return 0;
}
