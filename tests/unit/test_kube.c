#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "kube_rig.h"
#include "log.h"
#include "mem.h"

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
	    strstr(world.script.head, "\r\nUser-Agent: ipwarden-watcher/1.2.3\r\n"));
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
	    {"014-nia-create-missing-required-422.http", 422, "Invalid", "is invalid",
		-1},
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
