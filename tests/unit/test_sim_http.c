/* sim/http.c against libcurl, both in one thread: the client's multi handle and the
 * server's loop take turns until a condition holds. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "http.h"
#include "mem.h"
#include "pki.h"

/* What no test needs; reached only when something hangs. */
#define PATIENCE_MS 20000
#define PARALLEL    200

/* A stream that a test fills by hand. */
struct channel {
	char pending[64]; /* handed over by the next call of next() */
	int rc;		  /* what next() returns when nothing is pending */
	int asked;
	int closed;
};

struct world {
	struct loop *loop;
	struct sim_http *http;
	CURLM *multi;
	struct pki *pki;
	struct pki_pair server;
	struct channel channel;
	int calls;
	int again;
	size_t body_len;
};

struct client {
	CURL *curl;
	struct buf body;
	struct buf headers;
	bool done;
	CURLcode result;
	long status;
};

static int
channel_next(void *state, struct buf *out)
{
	struct channel *channel = state;

	channel->asked++;
	if (channel->pending[0] == '\0')
		return channel->rc;
	buf_puts(out, channel->pending);
	channel->pending[0] = '\0';
	return 0;
}

static void
channel_close(void *state)
{
	((struct channel *)state)->closed++;
}

static void
answer_echo(const struct sim_request *request, struct sim_reply *reply)
{
	const char *query = sim_request_query(request, "a b");
	const char *flag = sim_request_query(request, "flag");
	const char *missing = sim_request_query(request, "missing");
	const char *header = sim_request_header(request, "x-test");
	const char *name = sim_request_client_name(request);

	reply->content_type = "text/plain";
	sim_reply_header(reply, "X-Reply", "yes");
	buf_printf(&reply->body, "%s %s q=%s f=%s m=%s h=%s n=%s b=%s", request->method,
	    request->path, query != NULL ? query : "-", flag != NULL ? flag : "-",
	    missing != NULL ? missing : "-", header != NULL ? header : "-",
	    name != NULL ? name : "-",
	    request->body_len < 100 ? request->body : "long");
}

static void
handle(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct world *world = arg;

	world->calls++;
	world->again += request->again;
	world->body_len = request->body_len;
	if (strcmp(request->path, "/drop") == 0) {
		reply->drop = true;
	} else if (strcmp(request->path, "/defer") == 0 && world->again < 2) {
		buf_puts(&reply->body, "thrown away");
		reply->defer_ms = 30;
	} else if (strcmp(request->path, "/stream") == 0) {
		reply->stream = (struct sim_stream){
		    channel_next, channel_close, &world->channel, 0};
	} else if (strcmp(request->path, "/poll") == 0) {
		reply->stream = (struct sim_stream){
		    channel_next, channel_close, &world->channel, 10};
	} else if (strcmp(request->path, "/empty") == 0) {
		reply->status = 404;
	} else {
		answer_echo(request, reply);
	}
}

static void
world_start(struct world *world, bool tls)
{
	struct sim_http_options options = {.handler = handle, .arg = world};

	signal(SIGPIPE, SIG_IGN);
	*world = (struct world){.channel.rc = -EAGAIN};
	world->loop = loop_new();
	world->multi = curl_multi_init();
	world->pki = pki_new();
	cr_assert_not_null(world->pki);
	cr_assert_eq(pki_issue_server(world->pki, &world->server), 0);
	if (tls) {
		options.cert_pem = world->server.cert_pem;
		options.key_pem = world->server.key_pem;
		options.client_ca_pem = pki_ca_pem(world->pki);
	}
	world->http = sim_http_new(world->loop, &options);
	cr_assert_not_null(world->http);
	cr_assert_neq(sim_http_port(world->http), 0);
}

static void
world_stop(struct world *world)
{
	sim_http_free(world->http);
	curl_multi_cleanup(world->multi);
	loop_free(world->loop);
	pki_pair_free(&world->server);
	pki_free(world->pki);
}

static size_t
on_data(char *data, size_t size, size_t count, void *arg)
{
	return buf_put(arg, data, size * count) == 0 ? size * count : 0;
}

static void
client_start(struct world *world, struct client *client, bool tls, const char *target)
{
	char *url = mem_printf("%s://127.0.0.1:%u%s", tls ? "https" : "http",
	    sim_http_port(world->http), target);
	struct curl_blob ca = {.flags = CURL_BLOB_COPY};

	if (client->curl == NULL) {
		client->curl = curl_easy_init();
		buf_init(&client->body, 64u << 20);
		buf_init(&client->headers, 65536);
	}
	buf_reset(&client->body);
	buf_reset(&client->headers);
	client->done = false;
	/* the library's interface takes no const */
	ca.data = (void *)(uintptr_t)pki_ca_pem(world->pki);
	ca.len = strlen(pki_ca_pem(world->pki));
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &client->body);
	curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, on_data);
	curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &client->headers);
	curl_easy_setopt(client->curl, CURLOPT_PRIVATE, client);
	curl_multi_add_handle(world->multi, client->curl);
	free(url);
}

static void
client_leave(struct world *world, struct client *client)
{
	curl_multi_remove_handle(world->multi, client->curl);
	curl_easy_cleanup(client->curl);
	client->curl = NULL;
	buf_free(&client->body);
	buf_free(&client->headers);
}

/* One turn of the client and one of the server. */
static void
world_turn(struct world *world)
{
	struct CURLMsg *message;
	int running, left;

	curl_multi_perform(world->multi, &running);
	while ((message = curl_multi_info_read(world->multi, &left)) != NULL) {
		struct client *client;
		CURL *curl = message->easy_handle;
		CURLcode result = message->data.result;

		curl_easy_getinfo(curl, CURLINFO_PRIVATE, &client);
		client->result = result;
		client->done = true;
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &client->status);
		curl_multi_remove_handle(world->multi, curl);
	}
	loop_run_once(world->loop, 1);
}

#define RUN_UNTIL(world, condition)                                                    \
	do {                                                                           \
		int64_t end_ms = clock_mono().ms + PATIENCE_MS;                        \
		while (!(condition) && clock_mono().ms < end_ms)                       \
			world_turn(world);                                             \
		cr_assert((condition), "in vain: %s", #condition);                     \
	} while (0)

static void
check_echo(bool tls)
{
	struct world world;
	struct client client = {0};
	struct curl_slist *headers = curl_slist_append(NULL, "X-TEST: v 1");

	world_start(&world, tls);
	client_start(
	    &world, &client, tls, "/a%20b/c?x=1&a%20b=c%2Bd+e&a+b=second&flag");
	curl_easy_setopt(client.curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client.curl, CURLOPT_POSTFIELDS, "the body");
	RUN_UNTIL(&world, client.done);
	cr_expect_eq(client.result, CURLE_OK);
	cr_expect_eq(client.status, 200);
	cr_expect_str_eq(
	    client.body.data, "POST /a b/c q=c+d e f= m=- h=v 1 n=- b=the body");
	cr_expect_not_null(strstr(client.headers.data, "\r\nX-Reply: yes\r\n"));
	cr_expect_not_null(
	    strstr(client.headers.data, "\r\nContent-Type: text/plain\r\n"));
	client_leave(&world, &client);
	curl_slist_free_all(headers);
	world_stop(&world);
}

Test(sim_http, echo)
{
	check_echo(false);
}

Test(sim_http, echo_tls)
{
	check_echo(true);
}

static void
check_keep_alive(bool tls)
{
	struct world world;
	struct client client = {0};
	long connects, connects_sum = 0;

	world_start(&world, tls);
	for (int i = 0; i < 20; i++) {
		client_start(&world, &client, tls, i % 3 == 0 ? "/empty" : "/x");
		RUN_UNTIL(&world, client.done);
		cr_expect_eq(client.result, CURLE_OK);
		cr_expect_eq(client.status, i % 3 == 0 ? 404 : 200);
		curl_easy_getinfo(client.curl, CURLINFO_NUM_CONNECTS, &connects);
		connects_sum += connects;
	}
	cr_expect_eq(connects_sum, 1);
	client_leave(&world, &client);
	world_stop(&world);
}

Test(sim_http, keep_alive)
{
	check_keep_alive(false);
}

Test(sim_http, keep_alive_tls)
{
	check_keep_alive(true);
}

static void
check_body(size_t len, long status)
{
	struct world world;
	struct client client = {0};
	char *body = mem_calloc(len + 1, 1);

	memset(body, 'x', len);
	world_start(&world, true);
	client_start(&world, &client, true, "/body");
	curl_easy_setopt(client.curl, CURLOPT_POSTFIELDS, body);
	RUN_UNTIL(&world, client.done);
	cr_expect_eq(client.result, CURLE_OK);
	cr_expect_eq(client.status, status);
	if (status == 200)
		cr_expect_eq(world.body_len, len);
	else
		cr_expect_not_null(strstr(client.body.data,
		    "\"reason\":\"RequestEntityTooLarge\",\"code\":413"));
	cr_expect_eq(world.calls, status == 200 ? 1 : 0);
	client_leave(&world, &client);
	world_stop(&world);
	free(body);
}

Test(sim_http, largest_body)
{
	check_body(SIM_BODY_MAX, 200);
}

Test(sim_http, body_too_large)
{
	check_body(SIM_BODY_MAX + 1, 413);
}

Test(sim_http, drop)
{
	struct world world;
	struct client client = {0};

	world_start(&world, false);
	client_start(&world, &client, false, "/drop");
	RUN_UNTIL(&world, client.done);
	cr_expect_eq(client.result, CURLE_GOT_NOTHING);
	cr_expect_eq(world.calls, 1);
	client_leave(&world, &client);
	world_stop(&world);
}

Test(sim_http, defer_twice_then_answer)
{
	struct world world;
	struct client client = {0};
	int64_t start_ms = clock_mono().ms;

	world_start(&world, true);
	client_start(&world, &client, true, "/defer");
	curl_easy_setopt(client.curl, CURLOPT_POSTFIELDS, "kept");
	RUN_UNTIL(&world, client.done);
	cr_expect_eq(client.result, CURLE_OK);
	cr_expect_str_eq(client.body.data, "POST /defer q=- f=- m=- h=- n=- b=kept");
	cr_expect_eq(world.calls, 3);
	cr_expect_eq(world.again, 2);
	cr_expect_geq(clock_mono().ms - start_ms, 60);
	client_leave(&world, &client);
	world_stop(&world);
}

static void
check_stream(bool tls)
{
	struct world world;
	struct client client = {0};

	world_start(&world, tls);
	client_start(&world, &client, tls, "/stream");
	/* the headers come before there is anything to send */
	RUN_UNTIL(&world,
	    client.headers.len > 0 && strstr(client.headers.data, "\r\n\r\n") != NULL);
	cr_expect_eq(client.body.len, 0);
	for (int i = 0; i < 5; i++) {
		size_t before = client.body.len;

		snprintf(world.channel.pending, sizeof world.channel.pending,
		    "event %d\n", i);
		sim_http_wake(world.http);
		RUN_UNTIL(&world, client.body.len == before + 8);
	}
	cr_expect_eq(world.channel.closed, 0);
	world.channel.rc = -ECANCELED;
	sim_http_wake(world.http);
	RUN_UNTIL(&world, client.done && world.channel.closed > 0);
	cr_expect_eq(client.result, CURLE_OK);
	cr_expect_str_eq(
	    client.body.data, "event 0\nevent 1\nevent 2\nevent 3\nevent 4\n");
	cr_expect_eq(world.channel.closed, 1);
	client_leave(&world, &client);
	world_stop(&world);
	cr_expect_eq(world.channel.closed, 1);
}

Test(sim_http, stream)
{
	check_stream(false);
}

Test(sim_http, stream_tls)
{
	check_stream(true);
}

Test(sim_http, stream_is_polled)
{
	struct world world;
	struct client client = {0};

	world_start(&world, false);
	client_start(&world, &client, false, "/poll");
	RUN_UNTIL(&world, world.channel.asked >= 3);
	snprintf(world.channel.pending, sizeof world.channel.pending, "late\n");
	RUN_UNTIL(&world, client.body.len == 5);
	client_leave(&world, &client);
	world_stop(&world);
}

Test(sim_http, stream_broken_off)
{
	struct world world;
	struct client client = {0};

	world_start(&world, false);
	client_start(&world, &client, false, "/stream");
	RUN_UNTIL(&world, world.channel.asked == 1);
	world.channel.rc = -EPIPE;
	sim_http_wake(world.http);
	RUN_UNTIL(&world, client.done);
	cr_expect_eq(client.result, CURLE_PARTIAL_FILE);
	RUN_UNTIL(&world, world.channel.closed == 1);
	client_leave(&world, &client);
	world_stop(&world);
}

static void
check_client_leaves(bool tls)
{
	struct world world;
	struct client client = {0};

	world_start(&world, tls);
	client_start(&world, &client, tls, "/stream");
	/* fresh: a kept connection would stay open */
	curl_easy_setopt(client.curl, CURLOPT_FORBID_REUSE, 1L);
	RUN_UNTIL(&world, client.headers.len > 0);
	cr_expect_eq(world.channel.closed, 0);
	client_leave(&world, &client);
	RUN_UNTIL(&world, world.channel.closed == 1);
	world_stop(&world);
	cr_expect_eq(world.channel.closed, 1);
}

Test(sim_http, client_leaves_stream)
{
	check_client_leaves(false);
}

Test(sim_http, client_leaves_stream_tls)
{
	check_client_leaves(true);
}

Test(sim_http, server_ends_with_streams_and_deferred)
{
	struct world world;
	struct client stream = {0}, deferred = {0};

	world_start(&world, true);
	client_start(&world, &stream, true, "/stream");
	client_start(&world, &deferred, true, "/defer");
	RUN_UNTIL(&world, world.channel.asked > 0 && world.again > 0);
	sim_http_free(world.http);
	world.http = NULL;
	cr_expect_eq(world.channel.closed, 1);
	client_leave(&world, &stream);
	client_leave(&world, &deferred);
	world_stop(&world);
}

static void
check_parallel(bool tls, const char *target, const char *body)
{
	static struct client clients[PARALLEL];
	struct world world;
	size_t done = 0;

	world_start(&world, tls);
	for (size_t i = 0; i < PARALLEL; i++) {
		clients[i] = (struct client){0};
		client_start(&world, &clients[i], tls, target);
		curl_easy_setopt(clients[i].curl, CURLOPT_FRESH_CONNECT, 1L);
	}
	RUN_UNTIL(&world, world.calls == PARALLEL);
	for (size_t i = 0; i < PARALLEL; i++) {
		if (strcmp(target, "/stream") == 0)
			RUN_UNTIL(&world, clients[i].headers.len > 0);
	}
	world.channel.rc = -ECANCELED;
	sim_http_wake(world.http);
	for (size_t i = 0; i < PARALLEL; i++) {
		RUN_UNTIL(&world, clients[i].done);
		done += clients[i].result == CURLE_OK && clients[i].status == 200 &&
			strcmp(clients[i].body.data != NULL ? clients[i].body.data : "",
			    body) == 0;
		client_leave(&world, &clients[i]);
	}
	cr_expect_eq(done, PARALLEL);
	world_stop(&world);
	if (strcmp(target, "/stream") == 0)
		cr_expect_eq(world.channel.closed, PARALLEL);
}

Test(sim_http, parallel)
{
	check_parallel(false, "/x", "GET /x q=- f=- m=- h=- n=- b=");
}

Test(sim_http, parallel_tls)
{
	check_parallel(true, "/x", "GET /x q=- f=- m=- h=- n=- b=");
}

Test(sim_http, parallel_streams_tls)
{
	check_parallel(true, "/stream", "");
}

/* The echo of a request with a certificate that `issuer` made. */
static void
check_client_certificate(struct world *world, struct pki *issuer, const char *expected)
{
	struct client client = {0};
	struct pki_pair pair;
	struct curl_blob cert = {.flags = CURL_BLOB_COPY},
			 key = {.flags = CURL_BLOB_COPY};

	cr_assert_eq(pki_issue_client(issuer, "some admin", &pair), 0);
	cert.data = pair.cert_pem;
	cert.len = strlen(pair.cert_pem);
	key.data = pair.key_pem;
	key.len = strlen(pair.key_pem);
	client_start(world, &client, true, "/x");
	curl_easy_setopt(client.curl, CURLOPT_SSLCERT_BLOB, &cert);
	curl_easy_setopt(client.curl, CURLOPT_SSLKEY_BLOB, &key);
	RUN_UNTIL(world, client.done);
	cr_expect_eq(client.result, CURLE_OK);
	cr_assert_not_null(client.body.data);
	cr_expect_not_null(strstr(client.body.data, expected), "%s", client.body.data);
	client_leave(world, &client);
	pki_pair_free(&pair);
}

Test(sim_http, client_certificate)
{
	struct world world;

	world_start(&world, true);
	check_client_certificate(&world, world.pki, "n=some admin b=");
	world_stop(&world);
}

Test(sim_http, foreign_client_certificate_names_nobody)
{
	struct world world;
	struct pki *foreign = pki_new();

	cr_assert_not_null(foreign);
	world_start(&world, true);
	check_client_certificate(&world, foreign, "n=- b=");
	world_stop(&world);
	pki_free(foreign);
}
