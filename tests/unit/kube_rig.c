#include "kube_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bounds.h"
#include "log.h"
#include "mem.h"
#include "scan.h"

static void
note(struct script *script, const struct web_request *request, const struct step *step)
{
	pthread_mutex_lock(&script->lock);
	if (script->paths_len < PATHS_MAX)
		script->paths[script->paths_len++] =
		    mem_printf("%s %s", request->method, request->path);
	free(script->head);
	free(script->body);
	script->head = mem_strdup(request->head);
	script->body = mem_strdup(request->body);
	if (step != NULL && step->expect != NULL &&
	    strstr(request->path, step->expect) == NULL)
		script->surprises++;
	pthread_mutex_unlock(&script->lock);
}

static void
send_chunks(struct web_conn *conn, const char *body, size_t chunk)
{
	size_t left = strlen(body);

	web_begin_chunks(conn);
	while (left > 0) {
		size_t len = chunk > 0 && chunk < left ? chunk : left;

		if (!web_chunk(conn, body, len))
			return;
		body += len;
		left -= len;
	}
}

static void
play(struct web_conn *conn, const struct web_request *request, void *arg)
{
	struct script *script = arg;
	size_t number = (size_t)request->number;
	const struct step *step =
	    number < script->steps_len ? &script->steps[number] : NULL;

	note(script, request, step);
	if (step == NULL) {
		web_wait_closed(conn);
		return;
	}
	if (step->status != 0) {
		web_answer(conn, step->status,
		    step->headers != NULL ? step->headers : "", step->body);
		return;
	}
	send_chunks(conn, step->body, step->chunk);
	if (step->after == AFTER_END)
		web_chunk(conn, "", 0);
	else if (step->after == AFTER_CUT)
		web_close(conn, false);
	else
		web_wait_closed(conn);
}

int
give_file(struct kube *kube, enum file_kind kind, const char *text)
{
	int fd = memfd_create("credential", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return kube_set_file(kube, kind, fd);
}

void
world_open_with(struct world *world, web_fn *fn, void *arg, bool client_certs)
{
	struct web_options options = {.fn = fn, .arg = arg};

	log_set_level(LOG_ERROR);
	world->ca = web_pair_new("test CA", NULL);
	world->server = web_pair_new("kube.test", &world->ca);
	options.tls = &world->server;
	options.client_ca = client_certs ? world->ca.cert : NULL;
	world->web = web_new(&options);
	web_dialer_start(&world->dialer, web_port(world->web));
	world->loop = loop_new();
	world->dial = dial_new(world->loop, world->dialer.client_fd);
	world->http = http_new(world->loop, world->dial);
	settings_set(&world->settings, SETTING_KUBE_HOST, "192.0.2.1");
	settings_set(&world->settings, SETTING_KUBE_TLS_NAME, "kube.test");
	settings_set(&world->settings, SETTING_KUBE_PORT, "6443");
	settings_set(&world->settings, SETTING_VERSION, "1.2.3");
	world->kube = kube_new(world->loop, world->http, &world->settings, "watcher");
	cr_assert_not_null(world->kube);
	cr_assert_eq(give_file(world->kube, FILE_KUBE_CA, world->ca.cert), 0);
}

void
world_open(struct world *world, const struct step *steps, size_t steps_len)
{
	memset(world, 0, sizeof *world);
	world->script.steps = steps;
	world->script.steps_len = steps_len;
	pthread_mutex_init(&world->script.lock, NULL);
	world_open_with(world, play, &world->script, false);
}

void
world_close(struct world *world)
{
	kube_free(world->kube);
	http_free(world->http);
	dial_free(world->dial);
	loop_free(world->loop);
	settings_free(&world->settings);
	web_dialer_stop(&world->dialer);
	web_free(world->web);
	web_pair_free(&world->ca);
	web_pair_free(&world->server);
	for (int i = 0; i < world->script.paths_len; i++)
		free(world->script.paths[i]);
	free(world->script.head);
	free(world->script.body);
	cr_assert_eq(world->script.surprises, 0);
	cr_assert_eq(web_stray_connects(), 0);
}

void
run_until(struct world *world, const int *count, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (*count < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_geq(*count, wanted);
}

char *
recorded(const char *name, int *ret_status)
{
	const char *dir = getenv("srcdir");
	char *path = mem_printf(
	    "%s/tests/contracts/kube-wire/%s", dir != NULL ? dir : ".", name);
	FILE *file = fopen(path, "r");
	char *text = mem_calloc(RECORDING_MAX + 1, 1);
	char *answer, *body;

	cr_assert_not_null(file, "%s", path);
	cr_assert_gt(fread(text, 1, RECORDING_MAX, file), 0);
	fclose(file);
	free(path);
	answer = strstr(text, "\nHTTP/1.1 ");
	cr_assert_not_null(answer);
	if (ret_status != NULL)
		*ret_status = (int)strtol(answer + 10, NULL, 10);
	body = strstr(answer, "\n\n");
	cr_assert_not_null(body);
	body = mem_strdup(body + 2);
	free(text);
	return body;
}

char *
recorded_lines(const char *name)
{
	char *body = recorded(name, NULL);
	size_t len = strlen(body);

	while (len > 1 && body[len - 1] == '\n' && body[len - 2] == '\n')
		body[--len] = '\0';
	if (len > 0 && body[len - 1] != '\n') {
		char *ended = mem_printf("%s\n", body);

		free(body);
		return ended;
	}
	return body;
}

static int
on_begin(void *arg)
{
	struct story *story = arg;

	if (story->hesitates_to_begin && !story->hesitated) {
		story->hesitated = true;
		return -EAGAIN;
	}
	story->hesitated = false;
	buf_puts(&story->told, "( ");
	return 0;
}

static void
on_end(void *arg)
{
	struct story *story = arg;

	buf_puts(&story->told, ") ");
	story->syncs++;
	if (story->restart_on_sync) {
		story->restart_on_sync = false;
		kube_informer_restart(story->informer);
	}
}

static void
read_name(const char *json, size_t json_len, char *out, size_t size)
{
	struct scan scan;
	const char *key;
	size_t len;

	out[0] = '\0';
	scan_init(&scan, json, json_len);
	if (scan_enter_object(&scan)) {
		while (scan_next_key(&scan, &key, &len)) {
			if (!scan_key_is(key, len, "metadata") ||
			    !scan_enter_object(&scan)) {
				scan_skip(&scan);
				continue;
			}
			while (scan_next_key(&scan, &key, &len)) {
				if (scan_key_is(key, len, "name"))
					scan_string(&scan, out, size);
				else
					scan_skip(&scan);
			}
		}
	}
	cr_assert_eq(scan_finish(&scan), 0, "%.*s", (int)json_len, json);
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct story *story = arg;
	char name[64];

	cr_assert_leq(len, KUBE_OBJECT_MAX);
	if (story->hesitates && !story->hesitated) {
		story->hesitated = true;
		return -EAGAIN;
	}
	story->hesitated = false;
	story->objects++;
	if (story->refuse_at == story->objects)
		return -EBADMSG;
	read_name(json, len, name, sizeof name);
	buf_printf(&story->told, "%c%s ", "+~-"[event], name);
	if (story->objects < 32 && (story->restart_at >> story->objects & 1) != 0)
		kube_informer_restart(story->informer);
	if (story->free_at == story->objects) {
		kube_informer_free(story->informer);
		story->informer = NULL;
	}
	return 0;
}

static void
on_failed(void *arg, int status, const char *message)
{
	struct story *story = arg;

	buf_printf(&story->told, "!%d ", status);
	snprintf(story->message, sizeof story->message, "%s", message);
	cr_assert_neq(message[0], '\0');
	story->failures++;
	if (story->free_on_failure) {
		kube_informer_free(story->informer);
		story->informer = NULL;
	}
}

void
story_begin(struct story *story, struct world *world, const char *query)
{
	static const struct kube_informer_handlers handlers = {
	    .sync_begin = on_begin,
	    .sync_end = on_end,
	    .object = on_object,
	    .failed = on_failed,
	};

	*story = (struct story){.world = world};
	buf_init(&story->told, 16u * 1024u * 1024u);
	buf_puts(&story->told, "");
	story->informer =
	    kube_informer_new(world->kube, "/api/v1/pods", query, &handlers, story);
}

void
story_expect(struct story *story, const char *ending)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (strcmp(story->told.data != NULL ? story->told.data : "", ending) != 0 &&
	       clock_mono().ms < end_ms) {
		loop_run_once(story->world->loop, 20);
		if (story->hesitated && story->informer != NULL)
			kube_informer_resume(story->informer);
	}
	cr_assert_str_eq(story->told.data, ending);
}

void
story_requests(struct story *story, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (web_requests(story->world->web) < wanted && clock_mono().ms < end_ms)
		loop_run_once(story->world->loop, 20);
	cr_assert_eq(web_requests(story->world->web), wanted);
}

void
story_end(struct story *story)
{
	kube_informer_free(story->informer);
	buf_free(&story->told);
	world_close(story->world);
}
