/* The life of an exchange: its clock, its connection, its end. */
#include "exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "mem.h"

/* Connections that one exchange may have opened for it: the first, and one more each
 * time a kept one turns out to be dead. */
#define EXCHANGE_DIALS_MAX 3

static void on_time(void *arg);
static void exchange_finish(
    struct http_exchange *exchange, int error, const char *detail);

static void
arm_timer(struct http_exchange *exchange)
{
	int64_t due_ms = INT64_MAX;

	if (exchange->timeout_ms > 0)
		due_ms = exchange->started.ms + exchange->timeout_ms;
	if (exchange->idle_ms > 0 && !exchange->paused &&
	    exchange->active.ms + exchange->idle_ms < due_ms)
		due_ms = exchange->active.ms + exchange->idle_ms;
	if (due_ms < INT64_MAX)
		loop_timer_arm(exchange->timer, due_ms - clock_mono().ms);
	else
		loop_timer_disarm(exchange->timer);
}

struct http_exchange *
http_start(struct http_target *target, const struct http_request *request)
{
	struct http_exchange *exchange = mem_calloc(1, sizeof *exchange);
	struct http *http = target->http;
	int rc;

	exchange->http = http;
	exchange->target = target;
	exchange->entry = target->entry;
	exchange->identity = identity_hold(target->identity);
	exchange->data = request->data;
	exchange->done = request->done;
	exchange->arg = request->arg;
	exchange->timer = loop_timer_new(http->loop, on_time, exchange);
	exchange->timeout_ms = request->timeout_ms;
	exchange->idle_ms = request->idle_ms;
	exchange->started = clock_mono();
	exchange->active = exchange->started;
	exchange->fd = -1;
	exchange->starting = true;
	exchange->reply.retry_after_ms = -1;
	buf_init(&exchange->answer,
	    request->size_max > 0 ? request->size_max : HTTP_BODY_MAX);
	TAILQ_INSERT_TAIL(&http->exchanges, exchange, link);
	rc = request_prepare(exchange, target, request);
	if (rc == 0 && http->exchanges_len >= HTTP_EXCHANGES_MAX)
		rc = -EBUSY;
	http->exchanges_len++;
	if (rc < 0)
		exchange_finish(exchange, rc, "the request was not sent");
	arm_timer(exchange);
	http_settle_soon(http);
	return exchange;
}

void
http_cancel(struct http_exchange *exchange)
{
	exchange->cancelled = true;
	http_settle_soon(exchange->http);
}

void
http_resume(struct http_exchange *exchange)
{
	exchange->resuming = true;
	http_settle_soon(exchange->http);
}

void
exchange_touch(struct http_exchange *exchange)
{
	exchange->active = loop_now(exchange->http->loop);
}

/* The first reason stays. `done` is called when things settle. */
static void
exchange_finish(struct http_exchange *exchange, int error, const char *detail)
{
	if (exchange->finished)
		return;
	exchange->finished = true;
	exchange->reply.error = error;
	snprintf(exchange->reply.detail, sizeof exchange->reply.detail, "%.*s",
	    (int)sizeof exchange->reply.detail - 1, detail);
	http_settle_soon(exchange->http);
}

static void
on_time(void *arg)
{
	struct http_exchange *exchange = arg;
	int64_t now_ms = clock_mono().ms;

	if (exchange->timeout_ms > 0 &&
	    now_ms >= exchange->started.ms + exchange->timeout_ms)
		exchange_finish(exchange, -ETIMEDOUT, "no complete answer in time");
	else if (exchange->idle_ms > 0 && !exchange->paused &&
		 now_ms >= exchange->active.ms + exchange->idle_ms)
		exchange_finish(exchange, -ETIMEDOUT, "the connection fell silent");
	else
		arm_timer(exchange);
}

curl_socket_t
exchange_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *exchange = arg;
	int fd = exchange->fd;

	(void)purpose;
	(void)address;
	exchange->fd = -1;
	/* a request that may have had its effect is not sent again
	 * (exchange_before_send): no connection is needed for it */
	if (fd < 0 && !exchange->cancelled && (!exchange->sent || exchange->repeatable))
		exchange->wants_fd = true;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static void
drop_spare_fd(struct http_exchange *exchange)
{
	if (exchange->fd >= 0)
		close(exchange->fd);
	exchange->fd = -1;
}

/* When a kept connection dies before a byte of the answer has come, curl sends the
 * request again on another one, whatever its method. The server may have seen the first
 * one, so only a GET may go twice. */
int
exchange_before_send(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct http_exchange *exchange = arg;

	(void)peer;
	(void)local;
	(void)peer_port;
	(void)local_port;
	exchange_touch(exchange);
	if (exchange->cancelled || (exchange->sent && !exchange->repeatable)) {
		exchange->error = -ECONNRESET;
		return CURL_PREREQFUNC_ABORT;
	}
	exchange->sent = true;
	drop_spare_fd(exchange);
	return CURL_PREREQFUNC_OK;
}

static void
on_dialled(void *arg, int fd, int error)
{
	struct http_exchange *exchange = arg;

	exchange->dialling = false;
	exchange->fd = fd;
	if (fd >= 0) {
		exchange->starting = true;
		http_settle_soon(exchange->http);
	} else {
		exchange_finish(exchange, -error, strerrordesc_np(error));
	}
}

static void
dial_for(struct http_exchange *exchange)
{
	exchange->wants_fd = false;
	if (exchange->dials++ >= EXCHANGE_DIALS_MAX) {
		exchange_finish(exchange, -ECONNRESET, "connections keep breaking");
		return;
	}
	exchange->dialling = true;
	exchange->dial_id =
	    dial_ask(exchange->http->dial, exchange->entry, on_dialled, exchange);
}

/* curl is done with it: dial, or finish. */
void
exchange_conclude(struct http_exchange *exchange, CURLcode code)
{
	int error = exchange->error != 0 ? exchange->error : answer_error(code);
	const char *detail = exchange->curl_error;

	if (exchange->wants_fd && code != CURLE_OK && error == -ECONNREFUSED) {
		dial_for(exchange);
		return;
	}
	/* what failed to be opened was for a second attempt: the first one broke */
	if (error == -ECONNREFUSED && exchange->sent)
		error = -ECONNRESET;
	if (error == -E2BIG)
		detail = "the answer is larger than it may be";
	else if (error != 0 && detail[0] == '\0')
		detail = curl_easy_strerror(code);
	exchange_finish(exchange, error, error != 0 ? detail : "");
}

void
exchange_leave_curl(struct http_exchange *exchange)
{
	if (exchange->added)
		curl_multi_remove_handle(exchange->http->multi, exchange->easy);
	exchange->added = false;
}

void
exchange_report(struct http_exchange *exchange)
{
	struct http_reply *reply = &exchange->reply;
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	reply->body = exchange->answer.data != NULL ? exchange->answer.data : "";
	reply->body_len = exchange->answer.len;
	reply->duration_ms = clock_mono().ms - exchange->started.ms;
	reply->maybe_sent = reply->error != 0 && exchange->sent;
	exchange->done(exchange->arg, reply);
}

void
exchange_free(struct http_exchange *exchange)
{
	struct http *http = exchange->http;

	exchange_leave_curl(exchange);
	if (exchange->dialling)
		dial_cancel(http->dial, exchange->dial_id);
	drop_spare_fd(exchange);
	loop_timer_free(exchange->timer);
	request_free(exchange);
	identity_drop(exchange->identity);
	if (exchange->answer.data != NULL) /* it may have been a token */
		explicit_bzero(exchange->answer.data, exchange->answer.cap);
	buf_free(&exchange->answer);
	TAILQ_REMOVE(&http->exchanges, exchange, link);
	http->exchanges_len--;
	free(exchange);
}

void
exchange_enter_curl(struct http_exchange *exchange)
{
	CURLMcode code;

	exchange->starting = false;
	exchange->added = true;
	code = curl_multi_add_handle(exchange->http->multi, exchange->easy);
	assert(code == CURLM_OK);
}

void
exchange_unpause(struct http_exchange *exchange)
{
	CURLcode code;

	exchange->resuming = false;
	if (!exchange->paused)
		return;
	exchange->paused = false;
	exchange->active = clock_mono();
	arm_timer(exchange);
	/* gives the held piece again, from within; its refusal is told here only */
	code = curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
	if (code != CURLE_OK)
		exchange_conclude(exchange, code);
}
