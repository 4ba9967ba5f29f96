#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bounds.h"
#include "buf.h"
#include "kube.h"
#include "log.h"
#include "mem.h"
#include "scan.h"
#include "web.h"

/* Longest that a test waits for what must happen (milliseconds). */
#define PATIENCE_MS 20000

/* Requests that one script remembers. */
#define PATHS_MAX 64

/* Largest recording that is read (bytes). */
#define RECORDING_MAX (1024 * 1024)

/* --- the server's script ------------------------------------------------------------
 */

enum after {
	AFTER_END,  /* the answer is complete, the connection kept */
	AFTER_CUT,  /* the connection breaks where the body ends */
	AFTER_HOLD, /* nothing more comes */
};

struct step {
	const char *expect; /* in the path of this request; NULL: anything */
	int status;	    /* 0: 200 */
	const char *body;
	size_t chunk; /* bytes of each chunk; 0: all at once */
	enum after after;
	const char *headers; /* NULL: none */
};

struct script {
	const struct step *steps; /* one a request; then all requests hang */
	size_t steps_len;
	pthread_mutex_t lock;
	char *paths[PATHS_MAX];
	char *head; /* of the last request */
	char *body;
	int paths_len;
	int surprises; /* requests that were not as expected */
};

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

/* --- the world ----------------------------------------------------------------------
 */

struct world {
	struct loop *loop;
	struct dial *dial;
	struct web_dialer dialer;
	struct http *http;
	struct kube *kube;
	struct settings settings;
	struct web *web;
	struct web_pair ca;
	struct web_pair server;
	struct script script;
};

static int
give_file(struct kube *kube, enum file_kind kind, const char *text)
{
	int fd = memfd_create("credential", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return kube_set_file(kube, kind, fd);
}

static void
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
	world->kube = kube_new(world->loop, world->http, &world->settings);
	cr_assert_not_null(world->kube);
	cr_assert_eq(give_file(world->kube, FILE_KUBE_CA, world->ca.cert), 0);
}

static void
world_open(struct world *world, const struct step *steps, size_t steps_len)
{
	memset(world, 0, sizeof *world);
	world->script.steps = steps;
	world->script.steps_len = steps_len;
	pthread_mutex_init(&world->script.lock, NULL);
	world_open_with(world, play, &world->script, false);
}

#define OPEN(world, steps)                                                             \
	world_open((world), (steps), sizeof(steps) / sizeof((steps)[0]))

static void
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

static void
run_until(struct world *world, const int *count, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (*count < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_geq(*count, wanted);
}

/* The body of a recorded answer, its status in *ret_status. */
static char *
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

/* A recording holds the lines of a stream with an empty one at the end. */
static char *
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

/* --- calls --------------------------------------------------------------------------
 */

struct result {
	int done;
	struct kube_reply reply;
	char *json; /* of the whole body */
};

static void
on_reply(void *arg, const struct kube_reply *reply)
{
	struct result *result = arg;

	result->done++;
	result->reply = *reply;
	result->reply.json = NULL;
	if (reply->json != NULL)
		result->json = mem_strdup(json_object_to_json_string(reply->json));
}

static void
call(struct world *world, struct result *result, const struct kube_call *call)
{
	*result = (struct result){.done = 0};
	kube_call(world->kube, call, on_reply, result);
	cr_assert_eq(result->done, 0);
	run_until(world, &result->done, 1);
}

Test(kube, get)
{
	static const struct step steps[] = {{.expect = "/api/v1/nodes/n1",
	    .status = 200,
	    .body = "{\"kind\":\"Node\"}"}};
	struct world world;
	struct result result;

	OPEN(&world, steps);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "t.o-k \n\r\n"), 0);
	call(&world, &result,
	    &(struct kube_call){.method = "GET", .path = "/api/v1/nodes/n1"});
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.message);
	cr_assert_eq(result.reply.status, 200);
	cr_assert_str_eq(result.json, "{ \"kind\": \"Node\" }");
	cr_assert_str_eq(result.reply.reason, "");
	cr_assert_str_eq(world.script.paths[0], "GET /api/v1/nodes/n1");
	cr_assert_not_null(
	    strstr(world.script.head, "\r\nUser-Agent: ipwarden/1.2.3\r\n"));
	cr_assert_not_null(
	    strstr(world.script.head, "\r\nAccept: application/json\r\n"));
	cr_assert_not_null(strstr(world.script.head, "\r\nHost: kube.test:6443\r\n"));
	cr_assert_not_null(
	    strstr(world.script.head, "\r\nAuthorization: Bearer t.o-k\r\n"));
	cr_assert_eq(atomic_load(&world.dialer.entry), DIAL_KUBE);
	free(result.json);
	world_close(&world);
}

Test(kube, writes_say_who_and_what)
{
	static const struct {
		struct kube_call call;
		const char *path;
		const char *type;
	} cases[] = {
	    {{"POST", "/a", KUBE_BODY_JSON, "{\"a\":1}", 0},
		"POST /a?fieldManager=ipwarden", "application/json"},
	    {{"PUT", "/a?dryRun=All", KUBE_BODY_JSON, "{}", 0},
		"PUT /a?dryRun=All&fieldManager=ipwarden", "application/json"},
	    {{"PATCH", "/a", KUBE_BODY_MERGE_PATCH, "{}", 0},
		"PATCH /a?fieldManager=ipwarden", "application/merge-patch+json"},
	    {{"PATCH", "/a", KUBE_BODY_STRATEGIC_PATCH, "{}", 0},
		"PATCH /a?fieldManager=ipwarden",
		"application/strategic-merge-patch+json"},
	    {{"DELETE", "/a", KUBE_BODY_JSON, "{\"b\":2}", 0}, "DELETE /a",
		"application/json"},
	};
	static const struct step steps[] = {{.status = 200, .body = "{}"},
	    {.status = 200, .body = "{}"}, {.status = 201, .body = "{}"},
	    {.status = 200, .body = "{}"}, {.status = 200, .body = "{}"}};
	struct world world;

	OPEN(&world, steps);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct result result;
		char *type = mem_printf("\r\nContent-Type: %s\r\n", cases[i].type);

		call(&world, &result, &cases[i].call);
		cr_assert_eq(result.reply.status, steps[i].status);
		cr_assert_str_eq(world.script.paths[i], cases[i].path);
		cr_assert_not_null(
		    strstr(world.script.head, type), "%s", world.script.head);
		cr_assert_str_eq(world.script.body, cases[i].call.body);
		free(type);
		free(result.json);
	}
	world_close(&world);
}

Test(kube, recorded_refusals)
{
	static const struct {
		const char *recording;
		int status;
		const char *reason;
		const char *message;
		int64_t retry_after_ms;
	} cases[] = {
	    {"023-nia-get-404.http", 404, "NotFound", "not found", -1},
	    {"031-nia-merge-patch-stale-resourceversion-409.http", 409, "Conflict",
		"the object has been modified", -1},
	    {"066-pod-evict-blocked-by-pdb-429.http", 429, "TooManyRequests",
		"disruption budget", -1},
	    {"083-rbac-forbidden-list-403.http", 403, "Forbidden", "cannot list", -1},
	    {"085-bad-token-401.http", 401, "Unauthorized", "Unauthorized", -1},
	    {"087-list-future-resourceversion-504.http", 504, "Timeout",
		"Too large resource version", 1000},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct step step = {.status = 0};
		struct world world;
		struct result result;
		char *body = recorded(cases[i].recording, &step.status);

		step.body = body;
		world_open(&world, &step, 1);
		call(&world, &result,
		    &(struct kube_call){.method = "GET", .path = "/x"});
		cr_assert_eq(result.reply.error, 0);
		cr_assert_eq(result.reply.status, cases[i].status);
		cr_assert_str_eq(result.reply.reason, cases[i].reason);
		cr_assert_not_null(strstr(result.reply.message, cases[i].message));
		cr_assert_eq(result.reply.retry_after_ms, cases[i].retry_after_ms);
		cr_assert_not_null(result.json);
		free(result.json);
		world_close(&world);
		free(body);
	}
}

Test(kube, answers_that_are_no_status)
{
	static const struct step steps[] = {
	    {.status = 502,
		.body = "<html>bad gateway</html>",
		.headers = "Retry-After: 4\r\n"},
	    {.status = 500, .body = "{\"kind\":\"Pod\"}"},
	    {.status = 500, .body = "[1]"},
	    {.status = 200, .body = "{\"a\":1} trailing"},
	    {.status = 200, .body = "[{}]"},
	};
	struct world world;
	struct result result;

	OPEN(&world, steps);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		call(&world, &result,
		    &(struct kube_call){.method = "GET", .path = "/x"});
		cr_assert_eq(result.reply.error, 0);
		cr_assert_eq(result.reply.status, steps[i].status);
		cr_assert_str_eq(result.reply.reason, "");
		cr_assert_eq(result.reply.message[0] != '\0', steps[i].status != 200);
		cr_assert_eq(result.reply.retry_after_ms, i == 0 ? 4000 : -1);
		cr_assert_eq(result.json != NULL, i == 1);
		free(result.json);
	}
	world_close(&world);
}

Test(kube, long_messages_are_cut_between_characters)
{
	struct step step = {.status = 500};
	struct world world;
	struct result result;
	char text[700];
	char *body;

	/* 511 bytes would end within the last of these two-byte characters */
	for (size_t i = 0; i < 698; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[698] = '\0';
	body =
	    mem_printf("{\"kind\":\"Status\",\"message\":\"%s\",\"code\":500}", text);
	step.body = body;
	world_open(&world, &step, 1);
	call(&world, &result, &(struct kube_call){.method = "GET", .path = "/x"});
	cr_assert_eq(strlen(result.reply.message), 510);
	cr_assert_eq(strncmp(result.reply.message, text, 510), 0);
	free(result.json);
	world_close(&world);
	free(body);
}

Test(kube, lost_answers_are_in_doubt)
{
	static const struct step steps[] = {
	    {.body = "{\"half\":", .after = AFTER_CUT},
	    {.body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct result result;

	OPEN(&world, steps);
	call(&world, &result,
	    &(struct kube_call){.method = "POST", .path = "/x", .body = "{}"});
	cr_assert_eq(result.reply.error, -ECONNRESET, "%s", result.reply.message);
	cr_assert(result.reply.maybe_sent);
	cr_assert_neq(result.reply.message[0], '\0');
	call(&world, &result,
	    &(struct kube_call){
		.method = "POST", .path = "/x", .body = "{}", .timeout_ms = 150});
	cr_assert_eq(result.reply.error, -ETIMEDOUT);
	cr_assert(result.reply.maybe_sent);
	atomic_store(&world.dialer.error, ECONNREFUSED);
	call(&world, &result,
	    &(struct kube_call){.method = "POST", .path = "/x", .body = "{}"});
	cr_assert_eq(result.reply.error, -ECONNREFUSED);
	cr_assert_not(result.reply.maybe_sent);
	world_close(&world);
}

/* --- credentials --------------------------------------------------------------------
 */

/* Lets a request with the old token wait until the new one has been given. */
struct rotation {
	atomic_int arrived;
	atomic_bool rotated;
	atomic_bool always_refuse;
};

static void
refuse_old_token(struct web_conn *conn, const struct web_request *request, void *arg)
{
	struct rotation *rotation = arg;
	bool old = strstr(request->head, "Bearer old\r\n") != NULL;

	atomic_fetch_add(&rotation->arrived, 1);
	while (old && !atomic_load(&rotation->rotated))
		;
	if (old || atomic_load(&rotation->always_refuse))
		web_answer(
		    conn, 401, "", "{\"kind\":\"Status\",\"reason\":\"Unauthorized\"}");
	else
		web_answer(conn, 200, "", "{}");
}

static void
call_through_rotation(bool always_refuse, int status, int requests)
{
	struct rotation rotation = {.always_refuse = always_refuse};
	struct world world = {.loop = NULL};
	struct result result = {.done = 0};

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, refuse_old_token, &rotation, false);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "old"), 0);
	kube_call(world.kube,
	    &(struct kube_call){.method = "POST", .path = "/x", .body = "{}"}, on_reply,
	    &result);
	while (atomic_load(&rotation.arrived) == 0)
		loop_run_once(world.loop, 5);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "new\n"), 0);
	atomic_store(&rotation.rotated, true);
	run_until(&world, &result.done, 1);
	cr_assert_eq(result.reply.status, status);
	cr_assert_eq(atomic_load(&rotation.arrived), requests);
	free(result.json);
	world_close(&world);
}

Test(kube, a_401_during_rotation_is_repeated)
{
	call_through_rotation(false, 200, 2);
}

Test(kube, a_401_is_repeated_once)
{
	call_through_rotation(true, 401, 2);
}

Test(kube, credentials_that_are_refused)
{
	struct world world;

	world_open(&world, NULL, 0);
	log_set_level(LOG_ERROR + 1);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "a\nb"), -EINVAL);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, " \n"), -EINVAL);
	cr_assert_eq(give_file(world.kube, FILE_CLOUD_CA, "x"), 0, "not for us");
	cr_assert_lt(kube_set_file(world.kube, FILE_KUBE_TOKEN, 999), 0);
	world_close(&world);
}

static void
name_client(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char name[64];
	char *body;

	(void)request;
	(void)arg;
	web_client_name(conn, name, sizeof name);
	body = mem_printf("{\"name\":\"%s\"}", name);
	web_answer(conn, 200, "", body);
	free(body);
}

static void
assert_client(struct world *world, const char *name)
{
	struct result result;
	char *wanted = mem_printf("{ \"name\": \"%s\" }", name);

	call(world, &result, &(struct kube_call){.method = "GET", .path = "/x"});
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.message);
	cr_assert_str_eq(result.json, wanted);
	free(wanted);
	free(result.json);
}

Test(kube, client_certificate_halves)
{
	struct world world = {.loop = NULL};
	struct web_pair a, b;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, name_client, NULL, true);
	a = web_pair_new("client-a", &world.ca);
	b = web_pair_new("client-b", &world.ca);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_CLIENT_KEY, a.key), 0);
	cr_assert_eq(give_file(world.kube, FILE_KUBE_CLIENT_CERT, a.cert), 0);
	assert_client(&world, "client-a");
	cr_assert_eq(give_file(world.kube, FILE_KUBE_CLIENT_CERT, b.cert), 0);
	assert_client(&world, "client-a"); /* until the other half is there */
	cr_assert_eq(give_file(world.kube, FILE_KUBE_CLIENT_KEY, b.key), 0);
	assert_client(&world, "client-b");
	web_pair_free(&a);
	web_pair_free(&b);
	world_close(&world);
}

Test(kube, escapes)
{
	char *text = kube_escape("a-Z_0.~ /?&=%+\xc3\xa4");

	cr_assert_str_eq(text, "a-Z_0.~%20%2F%3F%26%3D%25%2B%C3%A4");
	free(text);
}

/* --- informers ----------------------------------------------------------------------
 */

/* What an informer told, one word each: "(" and ")" for a list's begin and end,
 * "+name",
 * "~name", "-name" for objects, "!status" for failures. */
struct story {
	struct world *world;
	struct kube_informer *informer;
	struct buf told;
	int objects;
	int syncs;
	int failures;
	char message[256];
	/* behaviour */
	bool hesitates; /* -EAGAIN the first time for each object */
	bool hesitated;
	int refuse_at;		 /* the object that is refused, from 1 */
	unsigned int restart_at; /* bit n: the nth object makes it restart */
	int free_at;		 /* the object that makes it free the informer */
	bool restart_on_sync;
	bool free_on_failure;
};

static void
on_begin(void *arg)
{
	struct story *story = arg;

	buf_puts(&story->told, "( ");
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
	if ((story->restart_at >> story->objects & 1) != 0)
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

static void
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

/* Runs until the story ends with `ending`. */
static void
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

/* Runs until the server has had so many requests. */
static void
story_requests(struct story *story, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (web_requests(story->world->web) < wanted && clock_mono().ms < end_ms)
		loop_run_once(story->world->loop, 20);
	cr_assert_eq(web_requests(story->world->web), wanted);
}

static void
story_end(struct story *story)
{
	kube_informer_free(story->informer);
	buf_free(&story->told);
	world_close(story->world);
}

#define OBJECT(name, version)                                                          \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, more, items)                                                     \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version           \
	"\",\"continue\":\"" more "\"},\"items\":[" items "]}\n"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

Test(informer, lists_in_pages_then_watches)
{
	static const struct step steps[] = {
	    {.expect = "/api/v1/pods?limit=500&fieldSelector=a%3Db",
		.body = LIST("10", "to/ken+1", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect =
		    "/api/v1/pods?limit=500&continue=to%2Fken%2B1&fieldSelector=a%3Db",
		.body = LIST("10", "last", OBJECT("c", "3"))},
	    {.expect = "continue=last", .body = LIST("10", "", "")},
	    {.expect =
		    "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=10"
		    "&timeoutSeconds=",
		.body = EVENT("ADDED", OBJECT("d", "11")) EVENT(
		    "MODIFIED", OBJECT("a", "12")) EVENT("DELETED", OBJECT("b", "13")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;
	long seconds;

	OPEN(&world, steps);
	story_begin(&story, &world, "fieldSelector=a%3Db");
	story_expect(&story, "( +a +b +c ) +d ~a -b ");
	seconds =
	    strtol(strstr(world.script.paths[3], "timeoutSeconds=") + 15, NULL, 10);
	cr_assert(seconds >= 240 && seconds <= 480);
	cr_assert_not_null(strstr(world.script.paths[3], "&fieldSelector=a%3Db"));
	cr_assert_eq(web_connections(world.web), 1);
	story_end(&story);
}

Test(informer, lists_of_other_shapes)
{
	static const struct step steps[] = {
	    {.body = "{\"apiVersion\":\"v1\",\"items\":[" OBJECT("a",
		 "1") "],\"kind\":\"L\","
		      "\"metadata\":{\"continue\":\"x\",\"resourceVersion\":\"5\"}}"},
	    {.expect = "continue=x",
		.body = "{\"items\":null,\"metadata\":{\"resourceVersion\":\"5\","
			"\"continue\":null,\"remainingItemCount\":0}}"},
	    {.expect = "resourceVersion=5&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) ");
	story_requests(&story, 3);
	story_end(&story);
}

/* A list and a stream, each cut in two chunks at every byte in turn. */
static const char every_list[] = LIST("7", "", OBJECT("a", "1") "," OBJECT("b", "2"));
static const char every_watch[] = EVENT("ADDED", OBJECT("c", "8")) "\n" EVENT(
    "BOOKMARK", OBJECT("", "9")) EVENT("DELETED", OBJECT("a", "10"));

static void
cut_everywhere(struct web_conn *conn, const struct web_request *request, void *arg)
{
	bool watch = strstr(request->path, "watch=1") != NULL;
	const char *body = watch ? every_watch : every_list;
	size_t len = strlen(body);
	size_t cut = (size_t)(request->number / 2) % len;

	(void)arg;
	web_begin_chunks(conn);
	if (cut > 0)
		web_chunk(conn, body, cut);
	web_chunk(conn, body + cut, len - cut);
	if (watch)
		web_wait_closed(conn);
	else
		web_chunk(conn, "", 0);
}

Test(informer, chunks_end_anywhere, .timeout = 60)
{
	static const char wanted[] = "( +a +b ) +c -a ";
	struct world world = {.loop = NULL};
	struct story story;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, cut_everywhere, NULL, false);
	story_begin(&story, &world, "");
	for (size_t i = 0; i < sizeof every_watch; i++) {
		story_expect(&story, wanted);
		buf_reset(&story.told);
		kube_informer_restart(story.informer);
	}
	cr_assert_eq(kube_informer_refused(story.informer), 0);
	story_end(&story);
}

/* The recordings byte by byte, and whole. */
Test(informer, recorded_streams)
{
	static const struct {
		const char *recording;
		const char *told;
	} cases[] = {
	    {"055-nodes-watch-json.http", "( ) ~gke-pool-0 ~gke-pool-0 "},
	    {"057-pods-watchlist-json-initial-events.http",
		"( ) +sip-0 +sip-1 +sip-2 "},
	    {"061-pods-watch-delete-json.http", "( ) +sip-2 ~sip-2 -sip-2 "},
	};

	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		char *body = recorded_lines(cases[i / 2].recording);
		struct step steps[] = {
		    {.body = LIST("1", "", "")},
		    {.expect = "resourceVersion=1&",
			.body = body,
			.chunk = i % 2,
			.after = AFTER_HOLD},
		};
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		story_expect(&story, cases[i / 2].told);
		story_end(&story);
		free(body);
	}
}

Test(informer, recorded_pages)
{
	char *first = recorded("051-pods-list-limit-1.http", NULL);
	char *second = recorded("052-pods-list-continue.http", NULL);
	struct step steps[] = {
	    {.body = first, .chunk = 1},
	    {.expect = "continue="
		       "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mjk1LCJzdGFydCI6Ii9kZWZhdWx"
		       "0L3Np"
		       "cC0wXHUwMDAwIn0",
		.body = second},
	    {.expect = "continue=", .body = LIST("295", "", "")},
	    {.expect = "resourceVersion=295&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +sip-0 +sip-1 ) ");
	story_requests(&story, 4);
	story_end(&story);
	free(first);
	free(second);
}

/* --- resuming -----------------------------------------------------------------------
 */

Test(informer, resumes_after_a_cut)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=10&",
		.body = EVENT("ADDED", OBJECT("b", "11")) "{\"type\":\"ADDED\",\"obj",
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=11&",
		.body = EVENT("BOOKMARK", OBJECT("", "20")),
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=20&",
		.body = EVENT("ADDED", OBJECT("c", "21")) "{\"half\":",
		.after = AFTER_END},
	    {.expect = "resourceVersion=21&",
		.body = EVENT("DELETED", OBJECT("c", "22")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) +b !0 !0 +c -c ");
	story_end(&story);
}

Test(informer, expired_positions_are_listed_anew)
{
	char *recording = recorded_lines("089-watch-too-old-410-error-event.http");
	struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=10&", .body = recording, .after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("30", "", OBJECT("b", "2"))},
	    {.expect = "resourceVersion=30&",
		.status = 410,
		.body = "{\"kind\":\"Status\",\"message\":\"gone\",\"code\":410}"},
	    {.expect = "limit=", .body = LIST("40", "", OBJECT("c", "3"))},
	    {.expect = "resourceVersion=40&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) !410 ( +b ) !410 ( +c ) ");
	cr_assert_str_eq(story.message, "gone");
	story_requests(&story, 6);
	story_end(&story);
	free(recording);
}

Test(informer, expired_pages_start_over)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "next", OBJECT("a", "1"))},
	    {.expect = "continue=next",
		.status = 410,
		.body = "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too "
			"old\"}"},
	    {.expect = "limit=500", .body = LIST("20", "other", OBJECT("b", "2"))},
	    {.expect = "continue=other",
		.status = 400,
		.body = "{\"kind\":\"Status\",\"message\":\"bad token\",\"code\":400}"},
	    {.expect = "limit=500", .body = LIST("30", "", OBJECT("c", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a !410 ( +b !400 ( +c ) ");
	cr_assert_null(strstr(world.script.paths[2], "continue"));
	story_end(&story);
}

Test(informer, broken_pages_are_asked_again)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "next", OBJECT("a", "1"))},
	    {.expect = "continue=next",
		.body = "{\"items\":[" OBJECT("b", "2") ",{\"met",
		.after = AFTER_CUT},
	    {.expect = "continue=next",
		.body = "{\"items\":[" OBJECT("b", "2"),
		.after = AFTER_END},
	    {.expect = "continue=next",
		.body = LIST("10", "", OBJECT("b", "2") "," OBJECT("c", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a +b !0 +b !200 +b +c ) ");
	story_end(&story);
}

Test(informer, lists_that_are_none)
{
	static const struct step steps[] = {
	    {.body = "<html>"},
	    {.body = "{\"kind\":\"PodList\",\"items\":[]}"},
	    {.body = "{\"metadata\":{\"resourceVersion\":7},\"items\":[]}"},
	    {.body = ""},
	    {.body = LIST("10", "", "")},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( !0 ( !200 ( !0 !200 ( ) ");
	story_end(&story);
}

/* Other errors leave the position alone, until they have come thrice. */
Test(informer, errors_in_a_watch)
{
#define FAULT                                                                          \
	EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500,\"message\":\"no etcd\"}")
	static const struct step steps[] = {
	    {.body = LIST("10", "", "")},
	    {.body = EVENT("ADDED", OBJECT("a", "11")) FAULT, .after = AFTER_HOLD},
	    {.expect = "resourceVersion=11&", .body = FAULT, .after = AFTER_HOLD},
	    {.expect = "resourceVersion=11&", .status = 503, .body = "busy"},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("a", "11"))},
	    {.expect = "resourceVersion=20&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( ) +a !500 !500 !503 ( +a ) ");
	story_requests(&story, 6);
	story_end(&story);
}

Test(informer, waits_grow_and_heed_the_server)
{
	static const struct step steps[] = {
	    {.status = 500, .body = "a"},
	    {.status = 500, .body = "b"},
	    {.status = 500, .body = "c"},
	    {.status = 429, .body = "d", .headers = "Retry-After: 2\r\n"},
	    {.body = LIST("10", "", "")},
	};
	struct world world;
	struct story story;
	int64_t at_ms[5];

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	for (int i = 0; i < 4; i++) {
		run_until(&world, &story.failures, i + 1);
		at_ms[i] = clock_mono().ms;
	}
	run_until(&world, &story.syncs, 1);
	at_ms[4] = clock_mono().ms;
	cr_assert_geq(at_ms[1] - at_ms[0], 195);
	cr_assert_geq(at_ms[2] - at_ms[1], 395);
	cr_assert_geq(at_ms[3] - at_ms[2], 795);
	cr_assert_geq(at_ms[4] - at_ms[3], 1995);
	cr_assert_lt(at_ms[4] - at_ms[0], 12000);
	story_end(&story);
}

static void
refuse_all_but_good(struct web_conn *conn, const struct web_request *request, void *arg)
{
	atomic_int *requests = arg;

	atomic_fetch_add(requests, 1);
	if (strstr(request->head, "Bearer good\r\n") == NULL)
		web_answer(conn, 401, "Retry-After: 60\r\n", "{}");
	else
		web_answer(conn, 200, "", LIST("1", "", ""));
}

Test(informer, new_credentials_are_tried_at_once)
{
	atomic_int requests = 0;
	struct world world = {.loop = NULL};
	struct story story;
	int64_t start_ms;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, refuse_all_but_good, &requests, false);
	story_begin(&story, &world, "");
	run_until(&world, &story.failures, 1);
	start_ms = clock_mono().ms;
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "good"), 0);
	run_until(&world, &story.syncs, 1);
	cr_assert_lt(clock_mono().ms - start_ms, 10000);
	story_end(&story);
}

/* --- bad objects --------------------------------------------------------------------
 */

#define DEEP_10	      "[[[[[[[[[["
#define DEEP_70	      DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10
#define SHUT_10	      "]]]]]]]]]]"
#define SHUT_70	      SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10
#define BAD(v, fault) "{\"metadata\":{\"resourceVersion\":\"" v "\"},\"x\":" fault "}"

Test(informer, bad_lines_are_refused_and_passed)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", "")},
	    {.body = EVENT("ADDED", OBJECT("a", "11"))
		    EVENT("ADDED", BAD("12", "\"\xff\"")) "no json\n" EVENT(
			"ADDED", BAD("13", DEEP_70 SHUT_70)) EVENT("PONDERED",
			OBJECT("p", "14")) "{\"type\":\"ADDED\"}\n"
					   "{\"type\":\"ADDED\",\"object\":7}\n" EVENT(
					       "ADDED", OBJECT("b", "15"))
					       EVENT("ADDED", BAD("16", "\"\xff\"")),
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=16&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( ) +a +b !0 ");
	story_requests(&story, 3);
	cr_assert_eq(kube_informer_refused(story.informer), 6);
	story_end(&story);
}

Test(informer, objects_refused_by_the_receiver_are_passed)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.body = EVENT("ADDED", OBJECT("c", "11")), .after = AFTER_CUT},
	    {.expect = "resourceVersion=11&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.refuse_at = 1;
	story_expect(&story, "( +b ) +c !0 ");
	story_requests(&story, 3);
	cr_assert_eq(kube_informer_refused(story.informer), 1);
	story_end(&story);
}

static char *
huge_text(const char *before, const char *after)
{
	size_t fill = KUBE_OBJECT_MAX + 1;
	char *text = mem_calloc(fill + strlen(before) + strlen(after) + 1, 1);

	memcpy(text, before, strlen(before));
	memset(text + strlen(before), 'x', fill);
	memcpy(text + strlen(before) + fill, after, strlen(after));
	return text;
}

Test(informer, huge_objects_are_refused)
{
	char *list = huge_text("{\"items\":[" OBJECT("a", "1") ",{\"x\":\"",
	    "\"}," OBJECT("b", "2") "],\"metadata\":{\"resourceVersion\":\"10\"}}");
	char *line = huge_text(EVENT("ADDED", OBJECT("c", "11")) "{\"type\":\"", "");
	struct step steps[] = {
	    {.body = list},
	    {.expect = "resourceVersion=10&", .body = line, .after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("d", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a +b ) +c !0 ( +d ) ");
	cr_assert_eq(kube_informer_refused(story.informer), 2);
	story_end(&story);
	free(list);
	free(line);
}

/* --- pausing, restarting, ending -----------------------------------------------------
 */

Test(informer, held_objects_come_again)
{
	for (size_t chunk = 0; chunk < 40; chunk += 13) {
		struct step steps[] = {
		    {.body = LIST("10", "x",
			 OBJECT("a", "1") "," OBJECT("b", "2") "," OBJECT("c", "3")),
			.chunk = chunk},
		    {.body = LIST("10", "", OBJECT("d", "4")), .chunk = chunk},
		    {.expect = "resourceVersion=10&",
			.body = EVENT("ADDED", OBJECT("e", "11")) EVENT("MODIFIED",
			    OBJECT("e", "12")) EVENT("BOOKMARK", OBJECT("", "13"))
			    EVENT("DELETED", OBJECT("e", "14")),
			.chunk = chunk,
			.after = AFTER_CUT},
		    {.expect = "resourceVersion=14&", .body = "", .after = AFTER_HOLD},
		};
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		story.hesitates = true;
		story_expect(&story, "( +a +b +c +d ) +e ~e -e !0 ");
		cr_assert_eq(story.objects, 7);
		story_requests(&story, 4);
		story_end(&story);
	}
}

/* More than curl holds back: the server is made to wait, and nothing is lost. */
Test(informer, a_long_list_may_be_held, .timeout = 60)
{
	struct buf list, wanted;
	struct step step = {.body = NULL};
	struct world world;
	struct story story;

	buf_init(&list, 16u * 1024u * 1024u);
	buf_init(&wanted, 1024u * 1024u);
	buf_puts(&list, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[");
	buf_puts(&wanted, "( ");
	for (int i = 0; i < 500; i++) {
		buf_printf(&list,
		    "%s{\"metadata\":{\"name\":\"p%d\"},\"x\":\"%01000d\"}",
		    i > 0 ? "," : "", i, 7);
		buf_printf(&wanted, "+p%d ", i);
	}
	buf_puts(&list, "]}");
	buf_puts(&wanted, ") ");
	step.body = list.data;
	world_open(&world, &step, 1);
	story_begin(&story, &world, "");
	story.hesitates = true;
	story_expect(&story, wanted.data);
	story_end(&story);
	buf_free(&list);
	buf_free(&wanted);
}

Test(informer, restarts_from_within)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("a", "1"))},
	    {.expect = "limit=", .body = LIST("30", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=30&",
		.body =
		    EVENT("ADDED", OBJECT("c", "31")) EVENT("ADDED", OBJECT("d", "32")),
		.after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("40", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=40&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.restart_at = 1u << 1 | 1u << 4;
	story.restart_on_sync = true;
	story_expect(&story, "( +a ( +a ) ( +a ) +c ( +a ) ");
	story_requests(&story, 6);
	story_end(&story);
}

Test(informer, restarts_while_held)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("c", "1"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.hesitates = true;
	while (!story.hesitated)
		loop_run_once(world.loop, 20);
	story.hesitates = false;
	kube_informer_restart(story.informer);
	kube_informer_resume(story.informer);
	story_expect(&story, "( ( +c ) ");
	story_end(&story);
}

Test(informer, freed_from_within)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	};
	static const struct step refusals[] = {{.status = 403, .body = "{}"}};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.free_at = 1;
	story_expect(&story, "( +a ");
	loop_run_once(world.loop, 20);
	loop_run_once(world.loop, 20);
	cr_assert_str_eq(story.told.data, "( +a ");
	story_end(&story);

	OPEN(&world, refusals);
	story_begin(&story, &world, "");
	story.free_on_failure = true;
	story_expect(&story, "!403 ");
	story_end(&story);
}

Test(informer, freed_at_any_time)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "x", OBJECT("a", "1"))},
	    {.body = LIST("10", "", OBJECT("b", "2"))},
	    {.body = EVENT("ADDED", OBJECT("c", "11")), .after = AFTER_HOLD},
	};

	for (int rounds = 0; rounds < 12; rounds++) {
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		for (int i = 0; i < rounds; i++)
			loop_run_once(world.loop, 10);
		story_end(&story);
	}
}
