/* Any bytes as the answers that an informer gets: lists, watches and refusals, whole
 * and cut. What it tells does not depend on how the bytes are divided; each object is
 * one of a list that has begun, or JSON that was checked. http/ is played by this
 * program (the linker's --wrap). */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "informer.h"
#include "log.h"
#include "mem.h"
#include "scan.h"

/* Answers that are played at most, and what a story may take (bytes). */
#define ANSWERS_MAX 64
#define STORY_MAX   (4u * 1024u * 1024u)

/* The input: a byte of behaviour, a byte for the division, then answers. An answer is
 * one byte for its kind, and its body up to the next separator. */
#define SEPARATOR 0x1e
enum behaviour {
	HESITATES = 1, /* -EAGAIN once for each begin and object */
	REFUSES = 2,   /* each third object */
	RESTARTS = 4,  /* at the fifth object */
};

struct player {
	struct loop *loop;
	struct kube kube;
	struct kube_informer *informer;
	struct http_request request;
	bool asked; /* a request is open */
	uint8_t behaviour;
	/* what the informer told */
	struct buf told;
	bool hesitated;
	bool in_list;
	int objects;
};

static struct player *player;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
struct http_exchange *__wrap_http_start(
    struct http_target *target, const struct http_request *request);
void __wrap_http_cancel(struct http_exchange *exchange);
void __wrap_http_resume(struct http_exchange *exchange);

/* --- http/, as far as an informer sees it -------------------------------------------
 */

struct http_exchange *
__wrap_http_start(struct http_target *target, const struct http_request *request)
{
	(void)target;
	assert(!player->asked);
	assert(strncmp(request->path, "/api/v1/pods?", 13) == 0);
	buf_printf(&player->told, "[%s]",
	    strstr(request->path, "watch=1") != NULL ? "watch" : request->path);
	player->request = *request;
	player->asked = true;
	return (struct http_exchange *)(void *)player; /* only to be given back */
}

void
__wrap_http_cancel(struct http_exchange *exchange)
{
	assert((void *)exchange == (void *)player && player->asked);
	player->asked = false;
}

void
__wrap_http_resume(struct http_exchange *exchange)
{
	assert((void *)exchange == (void *)player);
}

static bool
hesitates(void)
{
	player->hesitated = (player->behaviour & HESITATES) != 0 && !player->hesitated;
	return player->hesitated;
}

/* --- the informer's receiver --------------------------------------------------------
 */

static int
on_begin(void *arg)
{
	(void)arg;
	if (hesitates())
		return -EAGAIN;
	player->in_list = true;
	buf_putc(&player->told, '(');
	return 0;
}

static void
on_end(void *arg)
{
	(void)arg;
	assert(player->in_list);
	player->in_list = false;
	buf_putc(&player->told, ')');
}

static void
check_object(const char *json, size_t len)
{
	struct scan scan;

	scan_init(&scan, json, len);
	scan_skip(&scan);
	assert(scan_finish(&scan) == 0);
	assert(json[0] == '{');
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	(void)arg;
	assert(len > 0 && len <= KUBE_OBJECT_MAX);
	if (player->in_list)
		assert(event == KUBE_ADDED);
	else
		check_object(json, len);
	if (hesitates())
		return -EAGAIN;
	buf_printf(&player->told, "%c%zu:", "+~-"[event], len);
	buf_put(&player->told, json, len);
	player->objects++;
	if ((player->behaviour & RESTARTS) != 0 && player->objects == 5)
		kube_informer_restart(player->informer);
	if ((player->behaviour & REFUSES) != 0 && player->objects % 3 == 0)
		return -EBADMSG;
	return 0;
}

static void
on_failed(void *arg, int status, const char *message)
{
	(void)arg;
	assert(message[0] != '\0' && strlen(message) < STATUS_MESSAGE_MAX);
	buf_printf(&player->told, "!%d:%s", status, message);
}

/* --- one play -----------------------------------------------------------------------
 */

/* Returns what ended it: 0, or a negative errno. */
static int
stream(const char *body, size_t len, size_t step)
{
	for (size_t at = 0; at < len && player->asked;) {
		size_t piece = step < len - at ? step : len - at;
		int rc = player->request.data(player->request.arg, body + at, piece);

		if (rc == -EAGAIN)
			kube_informer_resume(player->informer);
		else if (rc < 0)
			return rc;
		else
			at += piece;
	}
	return 0;
}

static void
play_answer(char kind, const char *body, size_t len, size_t step)
{
	static const int statuses[] = {400, 401, 403, 404, 410, 429, 500, 503, 504};
	struct http_reply reply = {.status = 200, .body = "", .retry_after_ms = -1};
	char *text = mem_strndup(body, len);

	if (kind >= '0' && kind <= '8') {
		reply.status = statuses[kind - '0'];
		reply.body = text;
		reply.body_len = strlen(text);
	} else {
		reply.error = stream(body, len, step);
		if (reply.error == 0 && kind == 'c')
			reply.error = -ECONNRESET;
		if (reply.error != 0)
			snprintf(reply.detail, sizeof reply.detail, "broken");
	}
	if (player->asked) {
		player->asked = false;
		player->request.done(player->request.arg, &reply);
	}
	assert(strnlen(player->informer->position, VERSION_MAX) < VERSION_MAX);
	free(text);
}

/* Lets the informer ask, without its waits. */
static void
await_request(void)
{
	for (int i = 0; i < 4 && !player->asked; i++) {
		kube_informer_hurry(player->informer);
		loop_run_once(player->loop, 0);
	}
	assert(player->asked);
}

static void
play(const char *text, size_t size, size_t step)
{
	for (int i = 0; i < ANSWERS_MAX && size > 0; i++) {
		const char *end = memchr(text, SEPARATOR, size);
		size_t len = end != NULL ? (size_t)(end - text) : size;

		await_request();
		if (len > 0)
			play_answer(text[0], text + 1, len - 1, step);
		len += end != NULL;
		text += len;
		size -= len;
	}
}

static void
tell_story(const uint8_t *data, size_t size, size_t step, struct buf *ret_told)
{
	static const struct kube_informer_handlers handlers = {
	    .sync_begin = on_begin,
	    .sync_end = on_end,
	    .object = on_object,
	    .failed = on_failed,
	};
	struct player now = {.loop = loop_new(), .behaviour = data[0]};
	/* a copy of its own, so that a read beyond it is seen */
	char *text = mem_calloc(size, 1);

	player = &now;
	memcpy(text, data, size);
	now.kube.loop = now.loop;
	now.kube.user_agent = text;
	TAILQ_INIT(&now.kube.informers);
	buf_init(&now.told, STORY_MAX);
	buf_puts(&now.told, "");
	now.informer =
	    kube_informer_new(&now.kube, "/api/v1/pods", "", &handlers, NULL);
	play(text + 2, size - 2, step);
	buf_printf(&now.told, "#%llu",
	    (unsigned long long)kube_informer_refused(now.informer));
	kube_informer_free(now.informer);
	loop_free(now.loop);
	free(text);
	*ret_told = now.told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;

	if (size < 2)
		return 0;
	log_set_level(LOG_ERROR);
	tell_story(data, size, size, &whole);
	tell_story(data, size, 1 + data[1] % 13, &pieces);
	assert(whole.len == pieces.len);
	assert(memcmp(whole.data, pieces.data, whole.len) == 0);
	buf_free(&whole);
	buf_free(&pieces);
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
