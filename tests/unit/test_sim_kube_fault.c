/* Faults of the simulated API server: what they do to an answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_kube_rig.h"

#define NODES	"/api/v1/nodes"
#define CONFIGS "/api/v1/namespaces/default/configmaps"

TestSuite(sim_kube_fault, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

static void
add_fault(const char *json)
{
	char error[256] = "";

	cr_assert_eq(sim_faults_add(rig.faults, json, error, sizeof error), 0, "%s: %s",
	    json, error);
}

static void
put_config(const char *name, const char *value)
{
	char *json =
	    mem_printf("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\","
		       "\"metadata\":{\"name\":\"%s\"},\"data\":{\"v\":\"%s\"}}",
		name, value);

	cr_assert_eq(sim_kube_put(rig.kube, json), 0);
	free(json);
}

/* The version that a list of ConfigMaps has now. */
static long long
version_now(void)
{
	cr_assert_eq(rig_send("GET", CONFIGS, NULL), 200);
	return strtoll(rig_text("metadata.resourceVersion"), NULL, 10);
}

/* All that a reply's stream gives until it gives nothing; returns how it ended. The
 * caller frees. */
static int
drain(struct buf *out)
{
	int rc = 0;

	cr_assert_not_null(rig.reply.stream.next);
	buf_init(out, KUBE_REPLY_MAX);
	buf_puts(out, "");
	while (rc == 0)
		rc = rig.reply.stream.next(rig.reply.stream.state, out);
	return rc;
}

Test(sim_kube_fault, refusals_have_their_words)
{
	static const struct {
		int status;
		const char *reason;
	} wanted[] = {
	    {400, "BadRequest"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "NotFound"},
	    {409, "Conflict"},
	    {410, "Expired"},
	    {422, "Invalid"},
	    {429, "TooManyRequests"},
	    {500, "InternalError"},
	    {503, "ServiceUnavailable"},
	    {504, "Timeout"},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		char *fault =
		    mem_printf("{\"target\":\"kube\",\"status\":%d}", wanted[i].status);

		add_fault(fault);
		free(fault);
		cr_expect_eq(rig_send("GET", NODES, NULL), wanted[i].status);
		cr_expect_str_eq(rig_text("reason"), wanted[i].reason);
		cr_expect_eq(rig_int("code"), wanted[i].status);
		cr_expect_str_eq(rig_header("Retry-After"),
		    wanted[i].status == 429 || wanted[i].status == 503 ? "1" : "");
	}
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
}

Test(sim_kube_fault, retry_after)
{
	add_fault("{\"target\":\"kube\",\"status\":429,\"retry_after_s\":7}");
	cr_expect_eq(rig_send("GET", NODES, NULL), 429);
	cr_expect_str_eq(rig_header("Retry-After"), "7");
	add_fault("{\"target\":\"kube\",\"status\":504,\"retry_after_s\":2}");
	cr_expect_eq(rig_send("GET", NODES, NULL), 504);
	cr_expect_str_eq(rig_header("Retry-After"), "2");
}

Test(sim_kube_fault, only_that_verb_of_that_user)
{
	struct sim_stream watch;

	add_fault("{\"target\":\"kube\",\"status\":500,\"verb\":\"watch\",\"user\":"
		  "\"reader\",\"path\":\"/nodes\",\"count\":-1}");
	watch = rig_watch(NODES "?watch=1");
	watch.close(watch.state);
	rig.token = RIG_READER;
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	cr_expect_eq(rig_send("GET", "/api/v1/pods?watch=1", NULL), 200);
	cr_expect_eq(rig_send("GET", NODES "?watch=1", NULL), 500);
	cr_expect_eq(rig_send("GET", NODES "?watch=1", NULL), 500);
}

Test(sim_kube_fault, one_identity_is_cut_off)
{
	add_fault("{\"target\":\"kube\",\"drop_before\":true,\"user\":\"reader\","
		  "\"count\":-1}");
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	rig.token = RIG_READER;
	cr_expect_eq(rig_send("GET", NODES, NULL), 0);
	cr_expect_eq(rig_send("GET", "/version", NULL), 0);
	rig.token = RIG_CONTROLLER;
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
}

Test(sim_kube_fault, a_list_is_cut)
{
	struct buf whole, out;

	put_config("a", "1");
	rig_send("GET", CONFIGS, NULL);
	whole = rig.reply.body;
	rig.reply.body = (struct buf){0};
	add_fault("{\"target\":\"kube\",\"cut_after\":40}");
	rig_send("GET", CONFIGS, NULL);
	cr_expect_eq(rig.reply.status, 200);
	cr_expect_eq(drain(&out), -EPIPE);
	cr_expect_eq(out.len, 40);
	cr_expect_eq(memcmp(out.data, whole.data, 40), 0);
	buf_free(&out);
	add_fault("{\"target\":\"kube\",\"cut_after\":0}");
	rig_send("GET", CONFIGS, NULL);
	cr_expect_eq(drain(&out), -EPIPE);
	cr_expect_eq(out.len, 0);
	buf_free(&out);
	/* a cut beyond the end is none */
	add_fault("{\"target\":\"kube\",\"cut_after\":1000000}");
	rig_send("GET", CONFIGS, NULL);
	cr_expect_eq(drain(&out), -ECANCELED);
	cr_expect_str_eq(out.data, whole.data);
	buf_free(&out);
	buf_free(&whole);
}

Test(sim_kube_fault, a_watch_is_cut_within_an_event)
{
	struct sim_stream watch;
	struct buf out;

	add_fault("{\"target\":\"kube\",\"verb\":\"watch\",\"cut_after\":300}");
	watch = rig_watch(CONFIGS "?watch=1");
	buf_init(&out, KUBE_REPLY_MAX);
	cr_expect_eq(watch.next(watch.state, &out), -EAGAIN);
	put_config("a", "1");
	cr_expect_eq(watch.next(watch.state, &out), 0);
	cr_expect_lt(out.len, 300);
	put_config("b", "1");
	cr_expect_eq(watch.next(watch.state, &out), 0);
	cr_expect_eq(out.len, 300);
	cr_expect_neq(out.data[299], '\n');
	cr_expect_eq(watch.next(watch.state, &out), -EPIPE);
	watch.close(watch.state);
	buf_free(&out);
}

Test(sim_kube_fault, a_watch_falls_silent)
{
	struct sim_stream watch;
	struct buf out;

	sim_kube_set_bookmark_interval(rig.kube, 0);
	add_fault("{\"target\":\"kube\",\"verb\":\"watch\",\"stall_after\":1}");
	watch = rig_watch(CONFIGS "?watch=1&allowWatchBookmarks=true");
	buf_init(&out, KUBE_REPLY_MAX);
	cr_expect_eq(watch.next(watch.state, &out), 0);
	cr_expect_eq(out.len, 1);
	put_config("a", "1");
	for (int i = 0; i < 5; i++)
		cr_expect_eq(watch.next(watch.state, &out), -EAGAIN);
	cr_expect_eq(out.len, 1);
	watch.close(watch.state);
	buf_free(&out);
}

Test(sim_kube_fault, a_body_trickles)
{
	struct mono_time begun = clock_mono();
	struct mono_time end = {begun.ms + 30000};
	struct buf out;
	int rc = 0;

	add_fault("{\"target\":\"kube\",\"trickle_ms\":2}");
	cr_expect_eq(rig_send("GET", "/healthz", NULL), 200);
	cr_expect_eq(rig.reply.stream.poll_ms, 2);
	buf_init(&out, 1024);
	while (rc != -ECANCELED && clock_mono().ms < end.ms) {
		size_t before = out.len;

		rc = rig.reply.stream.next(rig.reply.stream.state, &out);
		cr_expect_leq(out.len, before + 1);
		if (rc == -EAGAIN)
			loop_run_once(rig.loop, 1);
	}
	cr_expect_eq(rc, -ECANCELED);
	cr_expect_str_eq(out.data, "ok");
	/* the first byte at once, the second one and the end 2 ms later each */
	cr_expect_geq(clock_mono().ms - begun.ms, 4);
	buf_free(&out);
}

Test(sim_kube_fault, an_error_event)
{
	add_fault("{\"target\":\"kube\",\"error_event\":410,\"count\":2}");
	/* no watch: nothing happens to it */
	cr_expect_eq(rig_send("GET", CONFIGS, NULL), 200);
	cr_expect_str_eq(rig_text("kind"), "ConfigMapList");
	cr_expect_eq(rig_send("GET", CONFIGS "?watch=1", NULL), 200);
	cr_expect_str_eq(rig_text("type"), "ERROR");
	cr_expect_str_eq(rig_text("object.kind"), "Status");
	cr_expect_str_eq(rig_text("object.reason"), "Expired");
	cr_expect_eq(rig_int("object.code"), 410);
}

Test(sim_kube_fault, stale_reads)
{
	long long before;
	char fault[128];

	put_config("a", "1");
	put_config("b", "1");
	before = version_now();
	put_config("a", "2");
	put_config("c", "1");
	cr_assert_eq(sim_kube_remove(rig.kube, CONFIGS "/b"), 0);
	snprintf(fault, sizeof fault,
	    "{\"target\":\"kube\",\"read_version\":%lld,\"count\":4}", before);
	add_fault(fault);
	cr_expect_eq(version_now(), before);
	cr_assert_eq(kube_json_count(kube_json_at(rig.json, "items")), 2);
	cr_expect_eq(rig_send("GET", CONFIGS "/a", NULL), 200);
	cr_expect_str_eq(rig_text("data.v"), "1");
	cr_expect_eq(rig_send("GET", CONFIGS "/b", NULL), 200);
	cr_expect_eq(rig_send("GET", CONFIGS "/c", NULL), 404);
	/* and it was the fault's doing */
	cr_expect_gt(version_now(), before);
	cr_expect_eq(rig_send("GET", CONFIGS "/b", NULL), 404);
	cr_expect_eq(rig_send("GET", CONFIGS "/c", NULL), 200);
	cr_expect_eq(rig_send("GET", CONFIGS "/a", NULL), 200);
	cr_expect_str_eq(rig_text("data.v"), "2");
}

Test(sim_kube_fault, repeated_events)
{
	struct sim_stream watch;
	char target[128];

	put_config("a", "1");
	put_config("b", "1");
	put_config("a", "2");
	snprintf(target, sizeof target, CONFIGS "?watch=1&resourceVersion=%lld",
	    version_now());
	add_fault("{\"target\":\"kube\",\"verb\":\"watch\",\"repeat_events\":2}");
	watch = rig_watch(target);
	cr_expect_str_eq(rig_story(&watch), "ADDED b, MODIFIED a");
	watch.close(watch.state);
	watch = rig_watch(target);
	cr_expect_str_eq(rig_story(&watch), "");
	watch.close(watch.state);
	add_fault("{\"target\":\"kube\",\"verb\":\"watch\",\"repeat_events\":1000000}");
	watch = rig_watch(target);
	cr_expect_str_eq(rig_story(&watch), "ADDED a, ADDED b, MODIFIED a");
	watch.close(watch.state);
}

Test(sim_kube_fault, new_connections)
{
	cr_expect_not(sim_kube_refuses(rig.kube));
	add_fault("{\"target\":\"kube\",\"tls_failure\":true,\"count\":2}");
	/* requests on old connections do not meet it */
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	cr_expect(sim_kube_refuses(rig.kube));
	cr_expect(sim_kube_refuses(rig.kube));
	cr_expect_not(sim_kube_refuses(rig.kube));
}

Test(sim_kube_fault, data_is_lost)
{
	long long before;
	char uid[64], token[128];

	put_config("a", "1");
	for (int i = 0; i < 100; i++)
		put_config("b", "1");
	before = version_now();
	rig_send("GET", "/api/v1/namespaces/default", NULL);
	snprintf(uid, sizeof uid, "%s", rig_text("metadata.uid"));
	cr_assert_eq(
	    sim_kube_put(rig.kube, "{\"kind\":\"ServiceAccount\",\"apiVersion\":\"v1\","
				   "\"metadata\":{\"name\":\"s\"}}"),
	    0);
	rig_send("POST", "/api/v1/namespaces/default/serviceaccounts/s/token",
	    "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\"}");
	snprintf(token, sizeof token, "%s", rig_text("status.token"));
	sim_kube_reset(rig.kube);
	cr_expect_lt(version_now(), before);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 0);
	rig_send("GET", "/api/v1/namespaces/default", NULL);
	cr_expect_str_neq(rig_text("metadata.uid"), uid);
	rig.token = token;
	cr_expect_eq(rig_send("GET", "/apis", NULL), 401);
	rig.token = RIG_READER;
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	cr_expect_eq(rig_send("GET", "/api/v1/secrets", NULL), 403);
}

/* The handler is called again, as the server does after defer_ms. */
static int
come_again(const char *method, const char *target, const char *body)
{
	int status;

	rig.again = true;
	status = rig_send(method, target, body);
	rig.again = false;
	return status;
}

Test(sim_kube_fault, a_request_is_held)
{
	static const char patch[] = "{\"data\":{\"v\":\"2\"}}";

	put_config("c", "1");
	add_fault("{\"target\":\"kube\",\"method\":\"PATCH\",\"hold\":\"before\"}");
	rig_send("PATCH", CONFIGS "/c", patch);
	cr_expect_gt(rig.reply.defer_ms, 0);
	come_again("PATCH", CONFIGS "/c", patch);
	cr_expect_gt(rig.reply.defer_ms, 0);
	sim_faults_clear(rig.faults);
	cr_expect_eq(come_again("PATCH", CONFIGS "/c", patch), 200);
	cr_expect_eq(rig.reply.defer_ms, 0);
	cr_expect_str_eq(rig_text("data.v"), "2");
	cr_expect_eq(rig_send("GET", CONFIGS "/c", NULL), 200);
	cr_expect_str_eq(rig_text("data.v"), "2");
}

Test(sim_kube_fault, an_answer_is_held)
{
	static const char patch[] = "{\"data\":{\"v\":\"2\"}}";
	long long version;

	put_config("c", "1");
	version = version_now();
	add_fault("{\"target\":\"kube\",\"method\":\"PATCH\",\"hold\":\"after\"}");
	rig_send("PATCH", CONFIGS "/c", patch);
	cr_expect_gt(rig.reply.defer_ms, 0);
	cr_expect_eq(rig.reply.body.len, 0);
	come_again("PATCH", CONFIGS "/c", patch);
	cr_expect_gt(rig.reply.defer_ms, 0);
	sim_faults_clear(rig.faults);
	cr_expect_eq(come_again("PATCH", CONFIGS "/c", patch), 200);
	cr_expect_eq(rig.reply.defer_ms, 0);
	cr_expect_str_eq(rig_text("data.v"), "2");
	cr_expect_eq(version_now(), version + 1, "carried out once");
}

Test(sim_kube_fault, what_is_carried_out_is_there_while_its_answer_is_held)
{
	struct sim_reply held;

	put_config("c", "1");
	add_fault("{\"target\":\"kube\",\"method\":\"DELETE\",\"hold\":\"after\"}");
	rig_send("DELETE", CONFIGS "/c", NULL);
	held = rig.reply;
	cr_expect_gt(held.defer_ms, 0);
	cr_expect_eq(rig_send("GET", CONFIGS "/c", NULL), 404);
}
