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

/* Those that waited for the same connection find out what has become of it. */
static void
wake_waiting(struct http_exchange *exchange)
{
	struct http *http = exchange->http;
	struct http_exchange *other;

	TAILQ_FOREACH(other, &http->exchanges, link) {
		if (!other->waiting || other->identity != exchange->identity)
			continue;
		other->waiting = false;
		other->starting = true;
	}
	http_settle_soon(http);
}

/* It opens no connection any more. */
static void
stop_opening(struct http_exchange *exchange)
{
	if (exchange->identity->opener != exchange)
		return;
	exchange->identity->opener = NULL;
	wake_waiting(exchange);
}

void
exchange_take_version(struct http_exchange *exchange, bool one)
{
	struct identity *identity = exchange->identity;
	bool found = one && !identity->speaks_one;

	identity->speaks_one = one;
	if (found)
		wake_waiting(exchange);
}

/* The first reason stays. `done` is called when things settle. */
static void
exchange_finish(struct http_exchange *exchange, int error, const char *detail)
{
	if (exchange->finished)
		return;
	exchange->finished = true;
	exchange->waiting = false;
	stop_opening(exchange);
	exchange->reply.error = error;
	snprintf(exchange->reply.detail, sizeof exchange->reply.detail, "%.*s",
	    (int)sizeof exchange->reply.detail - 1, detail);
	http_settle_soon(exchange->http);
}

/* A connection of its own ends with its exchange; one that is shared would go on, and
 * serve the next exchange as badly. */
static void
time_out(struct http_exchange *exchange, const char *detail)
{
	if (exchange->sent && !exchange->identity->speaks_one && !exchange->cancelled)
		target_leave_pool(exchange->target, exchange->identity);
	if (exchange->waiting) {
		/* who opens a connection takes too long: the next one tries itself */
		exchange->waiting = false;
		exchange->identity->opener = NULL;
		wake_waiting(exchange);
	}
	exchange_finish(exchange, -ETIMEDOUT, detail);
}

static void
on_time(void *arg)
{
	struct http_exchange *exchange = arg;
	int64_t now_ms = clock_mono().ms;

	if (exchange->timeout_ms > 0 &&
	    now_ms >= exchange->started.ms + exchange->timeout_ms)
		time_out(exchange, "no complete answer in time");
	else if (exchange->idle_ms > 0 && !exchange->paused &&
		 now_ms >= exchange->active.ms + exchange->idle_ms)
		time_out(exchange, "the connection fell silent");
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
	stop_opening(exchange);
	return CURL_PREREQFUNC_OK;
}

/* What cannot be opened for one cannot be opened for those that wait for it. */
static void
fail_opening(struct http_exchange *exchange, int error, const char *detail)
{
	struct http_exchange *other;

	if (exchange->identity->opener == exchange && !exchange->cancelled)
		TAILQ_FOREACH(other, &exchange->http->exchanges, link)
			if (other->waiting && other->identity == exchange->identity)
				exchange_finish(other, error, detail);
	exchange_finish(exchange, error, detail);
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
		fail_opening(exchange, -error, strerrordesc_np(error));
	}
}

static void
dial_for(struct http_exchange *exchange)
{
	struct identity *identity = exchange->identity;

	exchange->wants_fd = false;
	if (!identity->speaks_one && identity->opener != NULL &&
	    identity->opener != exchange) {
		exchange->waiting = true;
		return;
	}
	if (exchange->dials++ >= EXCHANGE_DIALS_MAX) {
		exchange_finish(exchange, -ECONNRESET, "connections keep breaking");
		return;
	}
	if (!identity->speaks_one)
		identity->opener = exchange;
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
	if (error != 0)
		fail_opening(exchange, error, detail);
	else
		exchange_finish(exchange, 0, "");
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
	stop_opening(exchange);
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
