#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "log.h"
#include "mem.h"
#include "web.h"

/* Longest that a test waits for what must happen (milliseconds). */
#define PATIENCE_MS 15000

struct world {
	struct loop *loop;
	struct dial *dial;
	struct web_dialer dialer;
	struct http *http;
	struct http_target *target;
	struct web *web;
	struct web_pair ca;
	struct web_pair server;
	struct web_pair client;
};

/* What became of an exchange. */
struct result {
	struct world *world;
	int done;
	struct http_reply reply;
	struct buf body;
	/* streamed bodies */
	int pieces;
	int pauses;	     /* still to be made, one before each piece */
	int error_at;	     /* the piece that is refused, from 1; 0: none */
	bool resume_at_once; /* from within data */
	bool cancel_at_once; /* from within data */
	struct http_exchange *exchange;
	struct http_exchange *to_cancel; /* from within done */
	struct http_target *to_free;	 /* from within done */
};

static int
on_data(void *arg, const char *piece, size_t len)
{
	struct result *result = arg;

	result->pieces++;
	if (result->error_at == result->pieces)
		return -ENOSPC;
	if (result->cancel_at_once) {
		http_cancel(result->exchange);
		return 0;
	}
	if (result->pauses > 0) {
		result->pauses--;
		if (result->resume_at_once)
			http_resume(result->exchange);
		return -EAGAIN;
	}
	return buf_put(&result->body, piece, len);
}

static void
on_done(void *arg, const struct http_reply *reply)
{
	struct result *result = arg;

	result->done++;
	result->reply = *reply;
	result->reply.body = NULL;
	buf_put(&result->body, reply->body, reply->body_len);
	cr_assert_eq(reply->body[reply->body_len], '\0');
	if (result->to_cancel != NULL)
		http_cancel(result->to_cancel);
	if (result->to_free != NULL)
		http_target_free(result->to_free);
}

static void
result_init(struct result *result, struct world *world)
{
	*result = (struct result){.world = world};
	buf_init(&result->body, 64u * 1024u * 1024u);
}

static void
world_open(struct world *world, web_fn *fn, void *arg, bool tls)
{
	struct web_options options = {.fn = fn, .arg = arg};
	char *url;

	memset(world, 0, sizeof *world);
	log_set_level(LOG_ERROR);
	if (tls) {
		world->ca = web_pair_new("test CA", NULL);
		world->server = web_pair_new("server.test", &world->ca);
		world->client = web_pair_new("client-a", &world->ca);
		options.tls = &world->server;
	}
	world->web = web_new(&options);
	web_dialer_start(&world->dialer, web_port(world->web));
	world->loop = loop_new();
	world->dial = dial_new(world->loop, world->dialer.client_fd);
	world->http = http_new(world->loop, world->dial);
	url = mem_printf("%s://server.test:%d", tls ? "https" : "http", 4433);
	world->target = http_target_new(world->http, DIAL_COMPUTE, url);
	free(url);
	cr_assert_not_null(world->target);
	if (tls)
		http_target_set_ca(
		    world->target, world->ca.cert, strlen(world->ca.cert));
}

static void
world_close(struct world *world)
{
	http_target_free(world->target);
	http_free(world->http);
	dial_free(world->dial);
	loop_free(world->loop);
	web_dialer_stop(&world->dialer);
	web_free(world->web);
	web_pair_free(&world->ca);
	web_pair_free(&world->server);
	web_pair_free(&world->client);
	cr_assert_eq(web_stray_connects(), 0);
}

static void
run_until(struct world *world, const int *count, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (*count < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_eq(*count, wanted);
}

/* Rounds of the loop until nothing that was begun can still be on its way. */
static void
run_rounds(struct world *world, int count)
{
	for (int i = 0; i < count; i++)
		loop_run_once(world->loop, 10);
}

static void
start(struct world *world, struct result *result, const struct http_request *request)
{
	struct http_request full = *request;

	full.done = on_done;
	full.arg = result;
	if (full.method == NULL)
		full.method = "GET";
	if (full.path == NULL)
		full.path = "/";
	result_init(result, world);
	result->exchange = http_start(world->target, &full);
}

static void
get(struct world *world, struct result *result, const char *path)
{
	start(world, result, &(struct http_request){.path = path, .timeout_ms = 8000});
	run_until(world, &result->done, 1);
}

/* --- one exchange -------------------------------------------------------------------
 */

/* Answers with the request as it came in. */
static void
echo(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char *body = mem_printf("%s%s", request->head, request->body);

	(void)arg;
	web_answer(conn, 200, "Retry-After: 7\r\n", body);
	free(body);
}

Test(http, plain_get)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, false);
	get(&world, &result, "/a/b?c=d%20e");
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(result.reply.status, 200);
	cr_assert_str_eq(result.reply.content_type, "application/json");
	cr_assert_eq(result.reply.retry_after_ms, 7000);
	cr_assert_eq(result.reply.maybe_sent, false);
	cr_assert_eq(strncmp(result.body.data, "GET /a/b?c=d%20e HTTP/1.1\r\n", 27), 0);
	cr_assert_not_null(strstr(result.body.data, "\r\nHost: server.test:4433\r\n"));
	cr_assert_null(strcasestr(result.body.data, "Accept-Encoding"));
	cr_assert_null(strcasestr(result.body.data, "Expect"));
	cr_assert_null(strcasestr(result.body.data, "Authorization"));
	cr_assert_eq(atomic_load(&world.dialer.entry), DIAL_COMPUTE);
	buf_free(&result.body);
	world_close(&world);
}

Test(http, request_goes_out_as_given)
{
	static const char *const headers[] = {"X-One: 1", "Content-Type: text/x", NULL};
	struct world world;
	struct result result;
	char body[3000];

	world_open(&world, echo, NULL, true);
	memset(body, 'b', sizeof body);
	cr_assert_eq(http_target_set_bearer(world.target, "tok.en", 6), 0);
	start(&world, &result,
	    &(struct http_request){.method = "PATCH",
		.path = "/p",
		.headers = headers,
		.body = body,
		.body_len = sizeof body,
		.timeout_ms = 8000});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(strncmp(result.body.data, "PATCH /p HTTP/1.1\r\n", 19), 0);
	cr_assert_not_null(strstr(result.body.data, "\r\nX-One: 1\r\n"));
	cr_assert_not_null(strstr(result.body.data, "\r\nContent-Type: text/x\r\n"));
	cr_assert_not_null(strstr(result.body.data, "\r\nContent-Length: 3000\r\n"));
	cr_assert_not_null(
	    strstr(result.body.data, "\r\nAuthorization: Bearer tok.en\r\n"));
	cr_assert_eq(memcmp(result.body.data + result.body.len - 3000, body, 3000), 0);
	buf_free(&result.body);
	world_close(&world);
}

Test(http, methods_without_a_body)
{
	static const char *const methods[] = {"GET", "DELETE", "POST", "PUT"};
	struct world world;

	world_open(&world, echo, NULL, false);
	for (size_t i = 0; i < 4; i++) {
		struct result result;
		size_t len = strlen(methods[i]);

		start(&world, &result, &(struct http_request){.method = methods[i]});
		run_until(&world, &result.done, 1);
		cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
		cr_assert_eq(strncmp(result.body.data, methods[i], len), 0);
		cr_assert_eq(result.body.data[len], ' ');
		cr_assert_eq(
		    strstr(result.body.data, "Content-Length: 0") != NULL, i >= 2);
		buf_free(&result.body);
	}
	world_close(&world);
}

Test(http, refuses_requests_that_would_break_the_line)
{
	static const char *const evil[] = {"X: 1\r\nY: 2", NULL};
	static const char *const nameless[] = {"no colon", NULL};
	static const struct http_request requests[] = {
	    {.path = "no-slash"},
	    {.path = "/a b"},
	    {.path = "/a\r\nX: 1"},
	    {.path = "/a#b"},
	    {.path = "/\xc3\xa4"},
	    {.method = "TRACE"},
	    {.method = "GET / HTTP/1.1\r\nX:"},
	    {.headers = evil},
	    {.headers = nameless},
	};
	struct world world;

	world_open(&world, echo, NULL, false);
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct result result;

		start(&world, &result, &requests[i]);
		cr_assert_eq(result.done, 0, "errors come later");
		run_until(&world, &result.done, 1);
		cr_assert_eq(result.reply.error, -EINVAL);
		cr_assert_eq(result.reply.maybe_sent, false);
		buf_free(&result.body);
	}
	cr_assert_eq(http_target_set_bearer(world.target, "a\nb", 3), -EINVAL);
	cr_assert_eq(http_target_set_bearer(world.target, "a\0b", 3), -EINVAL);
	cr_assert_eq(http_target_set_bearer(world.target, "", 0), -EINVAL);
	cr_assert_eq(web_requests(world.web), 0);
	world_close(&world);
}

Test(http, refuses_base_urls)
{
	static const char *const urls[] = {"", "server", "ftp://a",
	    "file:///etc/passwd", "https://u:p@a", "https://u@a", "https://a/?q",
	    "https://a/#f", "https://"};
	struct world world;

	world_open(&world, echo, NULL, false);
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		cr_assert_null(
		    http_target_new(world.http, DIAL_KUBE, urls[i]), "%s", urls[i]);
	world_close(&world);
}

Test(http, base_url_may_have_a_prefix)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, false);
	http_target_free(world.target);
	world.target = http_target_new(world.http, DIAL_KUBE, "http://h/compute/v1/");
	get(&world, &result, "/x");
	cr_assert_eq(
	    strncmp(result.body.data, "GET /compute/v1/x HTTP/1.1\r\n", 28), 0);
	cr_assert_not_null(strstr(result.body.data, "\r\nHost: h\r\n"));
	buf_free(&result.body);
	world_close(&world);
}

/* --- connections --------------------------------------------------------------------
 */

Test(http, connections_are_kept)
{
	struct world world;

	world_open(&world, echo, NULL, true);
	for (int i = 0; i < 20; i++) {
		struct result result;

		get(&world, &result, "/");
		cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
		buf_free(&result.body);
	}
	cr_assert_eq(web_connections(world.web), 1);
	cr_assert_eq(atomic_load(&world.dialer.asked), 1);
	world_close(&world);
}

Test(http, parallel_exchanges)
{
	struct world world;
	struct result results[30];

	world_open(&world, echo, NULL, true);
	for (int i = 0; i < 30; i++)
		start(&world, &results[i], &(struct http_request){.timeout_ms = 12000});
	for (int i = 0; i < 30; i++) {
		run_until(&world, &results[i].done, 1);
		cr_assert_eq(results[i].reply.error, 0, "%s", results[i].reply.detail);
		cr_assert_eq(results[i].reply.status, 200);
		buf_free(&results[i].body);
	}
	cr_assert_eq(web_requests(world.web), 30);
	world_close(&world);
}

Test(http, dialer_refuses)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, true);
	atomic_store(&world.dialer.error, EHOSTUNREACH);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EHOSTUNREACH);
	cr_assert_eq(result.reply.status, 0);
	cr_assert_eq(result.reply.maybe_sent, false);
	cr_assert_str_eq(result.reply.detail, "No route to host");
	atomic_store(&world.dialer.error, 0);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.status, 200);
	buf_free(&result.body);
	world_close(&world);
}

Test(http, times_out_while_dialling)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, true);
	atomic_store(&world.dialer.mute, true);
	start(&world, &result, &(struct http_request){.timeout_ms = 100});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, -ETIMEDOUT);
	cr_assert_eq(result.reply.maybe_sent, false);
	world_close(&world);
}

/* The first connection is closed after its first answer; the client learns of it late.
 */
static void
close_after_first(struct web_conn *conn, const struct web_request *request, void *arg)
{
	(void)arg;
	web_answer(conn, 200, "", request->method);
	if (request->connection == 0)
		web_close(conn, true);
}

Test(http, dead_kept_connections_are_replaced)
{
	struct world world;
	struct result result;

	world_open(&world, close_after_first, NULL, true);
	for (int i = 0; i < 3; i++) {
		get(&world, &result, "/");
		cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
		buf_free(&result.body);
		run_rounds(&world, 2);
	}
	cr_assert_eq(web_connections(world.web), 2);
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

Test(http, get_is_sent_again)
{
	struct world world;
	struct result result;

	world_open(&world, swallow_second, NULL, true);
	get(&world, &result, "/");
	buf_free(&result.body);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(result.reply.status, 200);
	buf_free(&result.body);
	cr_assert_eq(web_requests(world.web), 3);
	world_close(&world);
}

Test(http, others_are_not_sent_again)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < 4; i++) {
		struct world world;
		struct result result;

		world_open(&world, swallow_second, NULL, true);
		get(&world, &result, "/");
		buf_free(&result.body);
		start(&world, &result,
		    &(struct http_request){.method = methods[i], .timeout_ms = 8000});
		run_until(&world, &result.done, 1);
		cr_assert_eq(
		    result.reply.error, -ECONNRESET, "%s", result.reply.detail);
		cr_assert_eq(result.reply.maybe_sent, true);
		run_rounds(&world, 5);
		cr_assert_eq(web_requests(world.web), 2);
		world_close(&world);
	}
}

/* The same with a second kept connection at hand, which curl would use unasked. */
static void
swallow_post(struct web_conn *conn, const struct web_request *request, void *arg)
{
	atomic_int *held = arg;

	if (strcmp(request->method, "POST") == 0) {
		web_close(conn, false);
		return;
	}
	/* both GETs are open at once, so that there are two connections */
	atomic_fetch_add(held, 1);
	while (atomic_load(held) < 2)
		;
	web_answer(conn, 200, "", "");
}

Test(http, others_are_not_sent_again_on_another_kept_connection)
{
	atomic_int held = 0;
	struct world world;
	struct result a, b, post;

	world_open(&world, swallow_post, &held, true);
	start(&world, &a, &(struct http_request){.timeout_ms = 8000});
	start(&world, &b, &(struct http_request){.timeout_ms = 8000});
	run_until(&world, &a.done, 1);
	run_until(&world, &b.done, 1);
	cr_assert_eq(web_connections(world.web), 2);
	start(&world, &post,
	    &(struct http_request){.method = "POST", .timeout_ms = 8000});
	run_until(&world, &post.done, 1);
	cr_assert_eq(post.reply.error, -ECONNRESET, "%s", post.reply.detail);
	cr_assert_eq(post.reply.maybe_sent, true);
	cr_assert_eq(web_requests(world.web), 3);
	world_close(&world);
}

/* --- TLS ----------------------------------------------------------------------------
 */

Test(http, server_must_be_of_the_ca)
{
	struct world world;
	struct result result;
	struct web_pair other = web_pair_new("other CA", NULL);

	world_open(&world, echo, NULL, true);
	http_target_set_ca(world.target, other.cert, strlen(other.cert));
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EACCES, "%s", result.reply.detail);
	cr_assert_eq(result.reply.maybe_sent, false);
	http_target_set_ca(world.target, NULL, 0);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EACCES, "%s", result.reply.detail);
	http_target_set_ca(world.target, "not PEM", 7);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EACCES, "%s", result.reply.detail);
	cr_assert_eq(web_requests(world.web), 0);
	web_pair_free(&other);
	world_close(&world);
}

Test(http, server_must_have_the_name)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, true);
	http_target_free(world.target);
	world.target = http_target_new(world.http, DIAL_KUBE, "https://other.test");
	http_target_set_ca(world.target, world.ca.cert, strlen(world.ca.cert));
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EACCES, "%s", result.reply.detail);
	cr_assert_eq(web_requests(world.web), 0);
	world_close(&world);
}

Test(http, new_ca_makes_new_connections)
{
	struct world world;
	struct result result;
	struct web_pair other = web_pair_new("other CA", NULL);

	world_open(&world, echo, NULL, true);
	get(&world, &result, "/");
	buf_free(&result.body);
	http_target_set_ca(world.target, world.ca.cert, strlen(world.ca.cert));
	get(&world, &result, "/");
	buf_free(&result.body);
	cr_assert_eq(web_connections(world.web), 1, "the same CA changes nothing");
	http_target_set_ca(world.target, other.cert, strlen(other.cert));
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, -EACCES, "the old connection is not used");
	http_target_set_ca(world.target, world.ca.cert, strlen(world.ca.cert));
	get(&world, &result, "/");
	cr_assert_eq(result.reply.status, 200);
	buf_free(&result.body);
	cr_assert_eq(web_connections(world.web), 3);
	web_pair_free(&other);
	world_close(&world);
}

static void
name_client(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char name[64];

	(void)request;
	(void)arg;
	web_client_name(conn, name, sizeof name);
	web_answer(conn, 200, "", name);
}

Test(http, client_certificates_rotate)
{
	struct world world;
	struct result result;
	struct web_pair second;
	struct web_options options = {.fn = name_client};

	world_open(&world, echo, NULL, true);
	options.tls = &world.server;
	options.client_ca = world.ca.cert;
	web_free(world.web);
	world.web = web_new(&options);
	atomic_store(&world.dialer.port, web_port(world.web));
	get(&world, &result, "/");
	cr_assert_neq(result.reply.error, 0, "a certificate is asked for");
	buf_free(&result.body);
	http_target_set_client(world.target, world.client.cert,
	    strlen(world.client.cert), world.client.key, strlen(world.client.key));
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_str_eq(result.body.data, "client-a");
	buf_free(&result.body);
	second = web_pair_new("client-b", &world.ca);
	cr_assert(http_client_fits(
	    second.cert, strlen(second.cert), second.key, strlen(second.key)));
	cr_assert_not(http_client_fits(second.cert, strlen(second.cert),
	    world.client.key, strlen(world.client.key)));
	cr_assert_not(http_client_fits("x", 1, second.key, strlen(second.key)));
	http_target_set_client(world.target, second.cert, strlen(second.cert),
	    second.key, strlen(second.key));
	get(&world, &result, "/");
	cr_assert_str_eq(result.body.data, "client-b");
	buf_free(&result.body);
	web_pair_free(&second);
	world_close(&world);
}

/* A plain server waits for the end of what it takes for a request. */
Test(http, handshakes_may_hang)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, false);
	http_target_free(world.target);
	world.target = http_target_new(world.http, DIAL_KUBE, "https://server.test");
	start(&world, &result, &(struct http_request){.timeout_ms = 200});
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.error, -ETIMEDOUT, "%s", result.reply.detail);
	cr_assert_eq(result.reply.maybe_sent, false);
	world_close(&world);
}

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

Test(http, bad_answers_end_with_an_error)
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

Test(http, retry_after_and_other_statuses)
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

Test(http, sizes_are_bounded)
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

Test(http, silence_ends_with_a_timeout)
{
	static const struct http_request requests[] = {
	    {.path = "/", .timeout_ms = 150},
	    {.path = "/", .idle_ms = 150},
	    {.path = "/half", .timeout_ms = 150},
	    {.path = "/half", .idle_ms = 150},
	    {.path = "/half", .idle_ms = 150, .timeout_ms = 100000, .data = on_data},
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
		cr_assert_geq(result.reply.duration_ms, 150);
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

Test(http, streams)
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

Test(http, streams_pause_and_resume)
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

Test(http, a_pause_is_no_silence)
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

Test(http, resume_from_within_and_when_not_paused)
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

Test(http, data_may_refuse)
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

Test(http, refusals_of_streams_are_gathered)
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

Test(http, cancel_at_any_time)
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

Test(http, cancel_from_within_data)
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

Test(http, cancel_others_from_within_done)
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

Test(http, target_freed_from_within_done)
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

Test(http, too_many_exchanges)
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

/* Nothing of an exchange stays open when it is over. */
Test(http, no_descriptor_is_left)
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
