#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "http_rig.h"
#include "mem.h"

/* --- bad answers --------------------------------------------------------------------
 */

struct script {
	const char *bytes;
	int error;
	int status;
};

/* Sends the script's bytes and closes. */
static void
send_script(struct web_conn *conn, const struct web_request *request, void *arg)
{
	const struct script *script = arg;

	(void)request;
	web_send(conn, script->bytes, strlen(script->bytes));
	web_close(conn, false);
}

Test(http_answer, bad_answers_end_with_an_error)
{
	static struct script scripts[] = {
	    {"", -ECONNRESET, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", -ECONNRESET, 200},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		-ECONNRESET, 200},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", -ECONNRESET,
		200},
	    {"hello, I am no web server\r\n\r\n", -EPROTO, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx", -EPROTO, 200},
	};

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct world world;
		struct result result;

		world_open(&world, send_script, &scripts[i], false);
		get(&world, &result, "/");
		cr_assert_eq(result.reply.error, scripts[i].error, "%zu: %d %s", i,
		    result.reply.error, result.reply.detail);
		cr_assert_eq(result.reply.status, scripts[i].status, "%zu", i);
		cr_assert_eq(result.reply.maybe_sent, true);
		cr_assert_neq(result.reply.detail[0], '\0');
		buf_free(&result.body);
		world_close(&world);
	}
}

Test(http_answer, retry_after_and_other_statuses)
{
	static struct script scripts[] = {
	    {"HTTP/1.1 503 Busy\r\nRetry-After:  12 \r\nContent-Length: 4\r\n\r\nbusy",
		12000, 503},
	    {"HTTP/1.1 429 Busy\r\nretry-after: 99999999999999999999\r\n"
	     "Content-Length: 4\r\n\r\nbusy",
		HTTP_RETRY_AFTER_MAX_MS, 429},
	    {"HTTP/1.1 429 Busy\r\nRetry-After: Thu, 01 Jan 1970 00:00:10 GMT\r\n"
	     "Content-Length: 4\r\n\r\nbusy",
		0, 429},
	    {"HTTP/1.1 500 Bad\r\nRetry-After: soon\r\nContent-Length: 4\r\n\r\nbusy",
		-1, 500},
	    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
	     "Content-Length: 4\r\n\r\nbusy",
		-1, 302},
	    {"HTTP/1.1 100 Continue\r\nRetry-After: 3\r\n\r\nHTTP/1.1 404 No\r\n"
	     "Content-Length: 4\r\n\r\nbusy",
		-1, 404},
	};

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct world world;
		struct result result;

		world_open(&world, send_script, &scripts[i], false);
		get(&world, &result, "/");
		cr_assert_eq(result.reply.error, 0, "%zu: %s", i, result.reply.detail);
		cr_assert_eq(result.reply.status, scripts[i].status);
		cr_assert_eq(result.reply.retry_after_ms, scripts[i].error, "%zu", i);
		cr_assert_str_eq(result.body.data, "busy");
		buf_free(&result.body);
		world_close(&world);
	}
}

static void
send_much(struct web_conn *conn, const struct web_request *request, void *arg)
{
	static char chunk[4096];

	(void)arg;
	memset(chunk, 'x', sizeof chunk);
	if (strcmp(request->path, "/headers") == 0) {
		web_send(conn, "HTTP/1.1 200 OK\r\n", 17);
		for (int i = 0; i < 100; i++) {
			web_send(conn, "X: ", 3);
			web_send(conn, chunk, 1000);
			if (!web_send(conn, "\r\n", 2))
				return;
		}
		web_send(conn, "\r\n", 2);
		return;
	}
	web_begin_chunks(conn);
	for (int i = 0; i < 100; i++)
		if (!web_chunk(conn, chunk, sizeof chunk))
			break;
	web_chunk(conn, "", 0);
}

Test(http_answer, sizes_are_bounded)
{
	struct world world;
	struct result result;

	world_open(&world, send_much, NULL, true);
	start(&world, &result, &(struct http_request){.size_max = 409600});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(result.body.len, 409600);
	buf_free(&result.body);
	start(&world, &result, &(struct http_request){.size_max = 409599});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, -E2BIG, "%s", result.reply.detail);
	buf_free(&result.body);
	get(&world, &result, "/headers");
	cr_assert_eq(result.reply.error, -E2BIG, "%s", result.reply.detail);
	buf_free(&result.body);
	world_close(&world);
}

static void
stay_silent(struct web_conn *conn, const struct web_request *request, void *arg)
{
	(void)arg;
	if (strcmp(request->path, "/half") == 0) {
		web_begin_chunks(conn);
		web_chunk(conn, "half", 4);
	}
	web_wait_closed(conn);
}

Test(http_answer, silence_ends_with_a_timeout)
{
	static const struct http_request requests[] = {
	    {.path = "/", .timeout_ms = 1000},
	    {.path = "/", .idle_ms = 1000},
	    {.path = "/half", .timeout_ms = 1000},
	    {.path = "/half", .idle_ms = 1000},
	    {.path = "/half", .idle_ms = 1000, .timeout_ms = 100000, .data = on_data},
	};
	struct world world;

	world_open(&world, stay_silent, NULL, true);
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct result result;

		start(&world, &result, &requests[i]);
		run_until(&world, &result.done, 1);
		cr_assert_eq(
		    result.reply.error, -ETIMEDOUT, "%zu: %s", i, result.reply.detail);
		cr_assert_eq(result.reply.maybe_sent, true);
		cr_assert_geq(result.reply.duration_ms, 1000);
		cr_assert_lt(result.reply.duration_ms, 10000);
		buf_free(&result.body);
	}
	world_close(&world);
}

/* --- streams ------------------------------------------------------------------------
 */

#define STREAM_LEN 100000

static char
stream_byte(size_t i)
{
	return (char)('a' + i * 7 % 26);
}

/* STREAM_LEN bytes in chunks that grow from one byte. */
static void
send_stream(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char *text = mem_calloc(STREAM_LEN, 1);
	size_t at = 0;

	(void)request;
	(void)arg;
	for (size_t i = 0; i < STREAM_LEN; i++)
		text[i] = stream_byte(i);
	web_begin_chunks(conn);
	for (size_t len = 1; at < STREAM_LEN; len++) {
		if (len > STREAM_LEN - at)
			len = STREAM_LEN - at;
		if (!web_chunk(conn, text + at, len))
			break;
		at += len;
	}
	web_chunk(conn, "", 0);
	free(text);
}

static void
assert_stream(const struct result *result)
{
	cr_assert_eq(result->reply.error, 0, "%s", result->reply.detail);
	cr_assert_eq(result->reply.body_len, 0);
	cr_assert_eq(result->body.len, STREAM_LEN);
	for (size_t i = 0; i < STREAM_LEN; i++)
		cr_assert_eq(result->body.data[i], stream_byte(i));
}

Test(http_answer, streams)
{
	struct world world;
	struct result result;

	world_open(&world, send_stream, NULL, true);
	start(&world, &result, &(struct http_request){.data = on_data});
	run_until(&world, &result.done, 1);
	assert_stream(&result);
	buf_free(&result.body);
	world_close(&world);
}

Test(http_answer, streams_pause_and_resume)
{
	struct world world;
	struct result result;
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	world_open(&world, send_stream, NULL, true);
	start(
	    &world, &result, &(struct http_request){.data = on_data, .idle_ms = 8000});
	result.pauses = 10;
	while (result.done == 0 && clock_mono().ms < end_ms) {
		loop_run_once(world.loop, 5);
		if (result.done == 0)
			http_resume(result.exchange);
	}
	cr_assert_eq(result.done, 1);
	cr_assert_eq(result.pauses, 0);
	assert_stream(&result);
	buf_free(&result.body);
	world_close(&world);
}

Test(http_answer, a_pause_is_no_silence)
{
	struct world world;
	struct result result;
	int64_t end_ms;

	world_open(&world, send_stream, NULL, true);
	start(&world, &result, &(struct http_request){.data = on_data, .idle_ms = 100});
	result.pauses = 1;
	run_until(&world, &result.pieces, 1);
	end_ms = clock_mono().ms + 400;
	while (clock_mono().ms < end_ms)
		loop_run_once(world.loop, 20);
	cr_assert_eq(result.done, 0);
	cr_assert_eq(result.pieces, 1);
	http_resume(result.exchange);
	run_until(&world, &result.done, 1);
	assert_stream(&result);
	buf_free(&result.body);
	world_close(&world);
}

Test(http_answer, resume_from_within_and_when_not_paused)
{
	struct world world;
	struct result result;

	world_open(&world, send_stream, NULL, true);
	start(&world, &result, &(struct http_request){.data = on_data});
	http_resume(result.exchange);
	result.pauses = 5;
	result.resume_at_once = true;
	run_until(&world, &result.done, 1);
	assert_stream(&result);
	buf_free(&result.body);
	world_close(&world);
}

Test(http_answer, data_may_refuse)
{
	for (int paused = 0; paused < 2; paused++) {
		struct world world;
		struct result result;

		world_open(&world, send_stream, NULL, true);
		start(&world, &result, &(struct http_request){.data = on_data});
		/* the second call is the first piece again, after a pause */
		result.pauses = paused;
		result.resume_at_once = true;
		result.error_at = 2;
		run_until(&world, &result.done, 1);
		cr_assert_eq(result.reply.error, -ENOSPC, "%s", result.reply.detail);
		cr_assert_eq(result.pieces, 2);
		buf_free(&result.body);
		world_close(&world);
	}
}

static void
refuse(struct web_conn *conn, const struct web_request *request, void *arg)
{
	(void)request;
	(void)arg;
	web_answer(conn, 403, "", "forbidden");
}

Test(http_answer, refusals_of_streams_are_gathered)
{
	struct world world;
	struct result result;

	world_open(&world, refuse, NULL, true);
	start(&world, &result, &(struct http_request){.data = on_data});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, 0);
	cr_assert_eq(result.reply.status, 403);
	cr_assert_eq(result.pieces, 0);
	cr_assert_str_eq(result.body.data, "forbidden");
	buf_free(&result.body);
	world_close(&world);
}

/* --- cancelling ---------------------------------------------------------------------
 */

Test(http_answer, cancel_at_any_time)
{
	for (int rounds = 0; rounds < 12; rounds++) {
		struct world world;
		struct result result;

		world_open(&world, send_stream, NULL, true);
		start(&world, &result, &(struct http_request){.data = on_data});
		run_rounds(&world, rounds);
		if (result.done == 0) {
			http_cancel(result.exchange);
			run_rounds(&world, 3);
			cr_assert_eq(result.done, 0);
		}
		buf_free(&result.body);
		world_close(&world);
	}
}

Test(http_answer, cancel_from_within_data)
{
	struct world world;
	struct result result;

	world_open(&world, send_stream, NULL, true);
	start(&world, &result, &(struct http_request){.data = on_data});
	result.cancel_at_once = true;
	run_until(&world, &result.pieces, 1);
	run_rounds(&world, 10);
	cr_assert_eq(result.pieces, 1);
	cr_assert_eq(result.done, 0);
	world_close(&world);
}

Test(http_answer, cancel_others_from_within_done)
{
	struct world world;
	struct result first, second;

	world_open(&world, echo, NULL, false);
	start(&world, &first, &(struct http_request){.method = "TRACE"});
	start(&world, &second, &(struct http_request){.method = "TRACE"});
	first.to_cancel = second.exchange;
	run_until(&world, &first.done, 1);
	run_rounds(&world, 3);
	cr_assert_eq(second.done, 0);
	world_close(&world);
}

Test(http_answer, target_freed_from_within_done)
{
	struct world world;
	struct result first, second;

	world_open(&world, echo, NULL, true);
	start(&world, &first, &(struct http_request){.path = "/1"});
	start(&world, &second, &(struct http_request){.path = "/2"});
	first.to_free = second.to_free = world.target;
	world.target = NULL;
	while (first.done + second.done == 0)
		loop_run_once(world.loop, 20);
	run_rounds(&world, 5);
	cr_assert_eq(first.done + second.done, 1, "the other one was cancelled");
	buf_free(&first.body);
	buf_free(&second.body);
	world_close(&world);
}

Test(http_answer, too_many_exchanges)
{
	static struct result results[HTTP_EXCHANGES_MAX + 1];
	struct world world;

	world_open(&world, stay_silent, NULL, false);
	atomic_store(&world.dialer.mute, true);
	for (int i = 0; i <= HTTP_EXCHANGES_MAX; i++)
		start(&world, &results[i], &(struct http_request){.timeout_ms = 60000});
	run_until(&world, &results[HTTP_EXCHANGES_MAX].done, 1);
	cr_assert_eq(results[HTTP_EXCHANGES_MAX].reply.error, -EBUSY);
	cr_assert_eq(results[0].done, 0);
	world_close(&world);
}

/* A request on a kept connection is read, and cut off without a byte of an answer. */
static void
swallow_second(struct web_conn *conn, const struct web_request *request, void *arg)
{
	(void)arg;
	if (request->number == 1)
		web_close(conn, false);
	else
		web_answer(conn, 200, "", request->method);
}

/* Nothing of an exchange stays open when it is over. */
Test(http_answer, no_descriptor_is_left)
{
	struct world world;
	struct result result;
	int open_fds[2] = {0, 0};

	world_open(&world, swallow_second, NULL, true);
	for (int i = 0; i < 2; i++) {
		get(&world, &result, "/");
		buf_free(&result.body);
		get(&world, &result, "/");
		buf_free(&result.body);
		start(&world, &result, &(struct http_request){.data = on_data});
		http_cancel(result.exchange);
		run_rounds(&world, 5);
		buf_free(&result.body);
		/* the server's ends, in this process too, are closed with the server */
		for (int fd = 0; fd < 256; fd++)
			open_fds[i] += fcntl(fd, F_GETFD) >= 0;
	}
	cr_assert_eq(open_fds[0], open_fds[1]);
	world_close(&world);
}
