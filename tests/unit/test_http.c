#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "http_rig.h"
#include "log.h"
#include "mem.h"

/* --- one exchange -------------------------------------------------------------------
 */

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

/* Whether a connection can be shared is not known before it stands, so others wait for
 * it; but not for ever. */
Test(http, a_connection_that_does_not_come_is_not_waited_for)
{
	struct world world;
	struct result opener, waiting, next;

	world_open(&world, echo, NULL, true);
	atomic_store(&world.dialer.mute, true);
	start(&world, &opener, &(struct http_request){.timeout_ms = 60000});
	while (atomic_load(&world.dialer.asked) == 0)
		loop_run_once(world.loop, 20);
	start(&world, &waiting, &(struct http_request){.timeout_ms = 100});
	run_until(&world, &waiting.done, 1);
	cr_assert_eq(waiting.reply.error, -ETIMEDOUT);
	cr_assert_eq(waiting.reply.maybe_sent, false);
	cr_assert_eq(atomic_load(&world.dialer.asked), 1);
	atomic_store(&world.dialer.mute, false);
	get(&world, &next, "/");
	cr_assert_eq(next.reply.error, 0, "%s", next.reply.detail);
	cr_assert_eq(opener.done, 0, "its connection is asked for again much later");
	buf_free(&next.body);
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

Test(http, a_server_that_is_not_verified)
{
	struct world world;
	struct result result;

	world_open(&world, echo, NULL, true);
	http_target_free(world.target);
	world.target = http_target_new(world.http, DIAL_KUBE, "https://other.test");
	http_target_set_insecure(world.target);
	get(&world, &result, "/");
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(result.reply.status, 200);
	buf_free(&result.body);
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

/* Bytes that are allocated. */
static size_t
allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* The first answer does not come before the second request, which so has a connection
 * of its own. */
static void
answer_two(struct web_conn *conn, const struct web_request *request, void *arg)
{
	atomic_int *asked = arg;

	(void)request;
	atomic_fetch_add(asked, 1);
	while (atomic_load(asked) < 2)
		sched_yield();
	web_answer(conn, 200, "", "");
}

/* A system's bundle of CAs is large, and each kept connection had a copy of its own. */
Test(http, connections_share_the_ca)
{
	struct world world;
	struct result results[8];
	struct buf bundle;
	atomic_int asked = 0;
	size_t before;

	world_open(&world, answer_two, &asked, true);
	buf_init(&bundle, 8u * 1024u * 1024u);
	while (bundle.len < 4u * 1024u * 1024u)
		buf_puts(&bundle, "# what else stands in such a file\n");
	buf_puts(&bundle, world.ca.cert);
	http_target_set_ca(world.target, bundle.data, bundle.len);
	before = allocated();
	for (int i = 0; i < 8; i++)
		start(&world, &results[i], &(struct http_request){.timeout_ms = 12000});
	for (int i = 0; i < 8; i++) {
		run_until(&world, &results[i].done, 1);
		cr_assert_eq(results[i].reply.error, 0, "%s", results[i].reply.detail);
		buf_free(&results[i].body);
	}
	cr_assert_gt(web_connections(world.web), 1);
	cr_assert_lt(allocated(), before + bundle.len);
	buf_free(&bundle);
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
