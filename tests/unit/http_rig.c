#include "http_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

int
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
	if (reply->body_len > 0)
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

void
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

void
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

void
run_until(struct world *world, const int *count, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (*count < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_eq(*count, wanted);
}

void
run_rounds(struct world *world, int count)
{
	for (int i = 0; i < count; i++)
		loop_run_once(world->loop, 10);
}

void
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

void
get(struct world *world, struct result *result, const char *path)
{
	start(world, result, &(struct http_request){.path = path, .timeout_ms = 8000});
	run_until(world, &result->done, 1);
}

/* Answers with the request as it came in. */
void
echo(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char *body = mem_printf("%s%s", request->head, request->body);

	(void)arg;
	web_answer(conn, 200, "Retry-After: 7\r\n", body);
	free(body);
}
