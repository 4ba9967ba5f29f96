/* Any bytes as the head of an HTTP answer, an empty line, and its body: what curl hands
 * to http/answer.c, and what kube/ reads of a refusal. Everything stays in its bounds.
 */
#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "client.h"
#include "exchange.h"
#include "mem.h"

/* What the body may be gathered to (bytes): small, so that the bound is met. */
#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_settle(void *arg)
{
	(void)arg;
}

static bool
is_wait(int64_t wait_ms)
{
	return wait_ms >= -1 && wait_ms <= HTTP_RETRY_AFTER_MAX_MS;
}

/* Line by line, each a block of its own; returns the bytes that were used. */
static size_t
take_head(struct http_exchange *exchange, const char *text, size_t size)
{
	size_t used = 0;

	while (used < size && text[used] != '\n') {
		const char *end = memchr(text + used, '\n', size - used);
		size_t len =
		    end != NULL ? (size_t)(end - text) + 1 - used : size - used;
		char *line = mem_calloc(len, 1);
		size_t taken;

		memcpy(line, text + used, len);
		taken = answer_take_header(line, 1, len, exchange);
		assert(taken == len || (taken == 0 && exchange->error == -E2BIG));
		assert(exchange->headers_len <= HTTP_HEADERS_MAX);
		assert(is_wait(exchange->reply.retry_after_ms));
		free(line);
		used += len;
	}
	return used < size ? used + 1 : used;
}

static void
take_body(struct http_exchange *exchange, char *body, size_t len)
{
	size_t half = len / 2;

	if (half > 0)
		answer_take_body(body, 1, half, exchange);
	answer_take_body(body + half, 1, len - half, exchange);
	assert(exchange->answer.len <= BODY_MAX);
	assert(exchange->answer.len == len || exchange->error == -E2BIG);
}

static void
check_status(const char *body, size_t len)
{
	struct json_object *json = kube_json_parse(body, len);
	struct kube_status status;

	if (kube_status_read(json, &status) == 0) {
		assert(strnlen(status.reason, STATUS_REASON_MAX) < STATUS_REASON_MAX);
		assert(
		    strnlen(status.message, STATUS_MESSAGE_MAX) < STATUS_MESSAGE_MAX);
		assert(is_wait(status.retry_after_ms));
		assert(status.retry_after_ms != 0);
	}
	kube_json_free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http http = {.loop = loop_new()};
	struct identity identity = {.references = 1};
	struct http_exchange exchange = {.http = &http, .identity = &identity};
	char *text = mem_calloc(size, 1);
	size_t used;

	if (size > 0)
		memcpy(text, data, size);
	http.settle_timer = loop_timer_new(http.loop, on_settle, NULL);
	TAILQ_INIT(&http.exchanges);
	exchange.easy = curl_easy_init();
	exchange.reply.retry_after_ms = -1;
	buf_init(&exchange.answer, BODY_MAX);
	used = take_head(&exchange, text, size);
	assert(memchr(exchange.reply.content_type, '\0',
		   sizeof exchange.reply.content_type) != NULL);
	take_body(&exchange, text + used, size - used);
	check_status(text + used, size - used);
	buf_free(&exchange.answer);
	curl_easy_cleanup(exchange.easy);
	loop_timer_free(http.settle_timer);
	loop_free(http.loop);
	free(text);
	return 0;
}

#ifdef FUZZ_STANDALONE
/* Largest corpus file (bytes). */
#define FILE_MAX (1024u * 1024u)

int
main(int argc, char **argv)
{
	uint8_t *data = mem_calloc(FILE_MAX, 1);

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (file == NULL) {
			perror(argv[i]);
			free(data);
			return 1;
		}
		size = fread(data, 1, FILE_MAX, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs\n", argc - 1);
	free(data);
	return argc > 1 ? 0 : 1;
}
#endif
