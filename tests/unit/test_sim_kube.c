/* The simulated API server: objects, lists, watches, ends, callers and faults. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_kube_rig.h"

TestSuite(sim_kube, .init = rig_setup, .fini = rig_teardown, .timeout = 120);

#define NODES	"/api/v1/nodes"
#define NODE	NODES "/n1"
#define PODS	"/api/v1/namespaces/default/pods"
#define POD	PODS "/p1"
#define CONFIGS "/api/v1/namespaces/default/configmaps"

static void
put_node(const char *name, const char *labels)
{
	char *text = mem_printf("{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":"
				"{\"name\":\"%s\",\"labels\":{%s}}}",
	    name, labels);

	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	free(text);
}

/* A pod in default; `node` "" = nobody runs it. */
static void
put_pod(const char *name, const char *node)
{
	char *text = mem_printf(
	    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\","
	    "\"namespace\":\"default\",\"labels\":{\"app\":\"sip\"}},\"spec\":{"
	    "\"nodeName\":"
	    "\"%s\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]},\"status\":{"
	    "\"phase\":"
	    "\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
	    name, node);

	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	free(text);
}

static int
create_config(const char *name)
{
	return rig_sendf("POST", CONFIGS,
	    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%"
	    "s\"},"
	    "\"data\":{\"a\":\"b\"}}",
	    name);
}

static int
patch_typed(const char *path, const char *kind, const char *body)
{
	char type[64];

	snprintf(type, sizeof type, "application/%s+json", kind);
	return rig_send_typed("PATCH", path, type, body, strlen(body));
}

/* --- writing --- */

Test(sim_kube, names_are_generated)
{
	cr_assert_eq(rig_send("POST", CONFIGS,
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":"
			 "{\"generateName\":\"x-\"}}"),
	    201);
	cr_expect_eq(strlen(rig_text("metadata.name")), 7);
	cr_expect_eq(strncmp(rig_text("metadata.name"), "x-", 2), 0);
}

Test(sim_kube, what_names_another_place_is_refused)
{
	static const struct {
		const char *path;
		const char *body;
		int status;
	} bad[] = {
	    {CONFIGS, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{}}",
		422},
	    {CONFIGS,
		"{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\"}}",
		400},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":"
		"\"a\"}}",
		400},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\",\"namespace\":\"other\"}}",
		400},
	    {CONFIGS, "{\"metadata\":{\"name\":\"a\"}}", 400},
	    {CONFIGS, "[]", 400},
	    {CONFIGS, "", 400},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\"},\"data\":{\"a\":1}}",
		400},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\",\"labels\":{\"a\":true}}}",
		400},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\",\"labels\":{\"a\":\"-b\"}}}",
		422},
	    {CONFIGS,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\",\"labels\":{\"a/b/c\":\"b\"}}}",
		422},
	    {"/api/v1/namespaces/none/configmaps",
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"a\"}}",
		404},
	    {CONFIGS "/a", "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"}", 405},
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_expect_eq(rig_send("POST", bad[i].path, bad[i].body), bad[i].status,
		    "%s: %d %s", bad[i].body, rig.reply.status, rig.reply.body.data);
	cr_assert_eq(rig_send("GET", CONFIGS, NULL), 200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 0);
}

Test(sim_kube, a_label_has_63_characters_at_most)
{
	char value[66] = {0};

	put_node("n1", "");
	memset(value, 'x', 64);
	cr_expect_eq(rig_sendf("PATCH", NODE,
			 "{\"metadata\":{\"labels\":{\"a\":\"%s\"}}}", value),
	    422);
	value[63] = '\0';
	cr_expect_eq(rig_sendf("PATCH", NODE,
			 "{\"metadata\":{\"labels\":{\"a\":\"%s\"}}}", value),
	    200);
}

Test(sim_kube, a_write_that_changes_nothing_makes_no_version)
{
	char version[32];
	unsigned wakes;

	put_node("n1", "\"a\":\"b\"");
	cr_assert_eq(rig_send("GET", NODE, NULL), 200);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	wakes = rig.wakes;
	cr_assert_eq(
	    rig_send("PATCH", NODE, "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"), 200);
	cr_expect_str_eq(rig_text("metadata.resourceVersion"), version);
	cr_expect_eq(rig.wakes, wakes);
}

Test(sim_kube, changes_wake_watches)
{
	int anything;

	/* only its address counts */
	sim_kube_set_http(rig.kube, (struct sim_http *)(void *)&anything);
	cr_assert_eq(create_config("a"), 201);
	cr_expect_eq(rig.wakes, 1);
}

Test(sim_kube, a_dry_run_leaves_nothing)
{
	cr_assert_eq(rig_send("POST", CONFIGS "?dryRun=All",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":"
			 "{\"name\":\"a\"}}"),
	    201);
	cr_expect_eq(rig_send("GET", CONFIGS "/a", NULL), 404);
	cr_assert_eq(create_config("a"), 201);
	cr_expect_eq(
	    rig_send("PATCH", CONFIGS "/a?dryRun=All", "{\"data\":{\"a\":\"c\"}}"),
	    200);
	cr_expect_str_eq(rig_text("data.a"), "c");
	cr_expect_eq(rig_send("DELETE", CONFIGS "/a?dryRun=All", NULL), 200);
	cr_expect_eq(rig_send("GET", CONFIGS "/a", NULL), 200);
	cr_expect_str_eq(rig_text("data.a"), "b");
}

Test(sim_kube, put_needs_the_right_version_and_uid)
{
	char version[32];

	cr_assert_eq(create_config("a"), 201);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	cr_expect_eq(
	    rig_sendf("PUT", CONFIGS "/a",
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
		"\"name\":\"a\",\"resourceVersion\":\"%s\"},\"data\":{\"x\":\"y\"}}",
		version),
	    200);
	cr_expect_null(kube_json_at(rig.json, "data.a"));
	cr_expect_neq(rig_text("metadata.uid")[0], '\0', "kept");
	cr_expect_eq(rig_sendf("PUT", CONFIGS "/a",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"a\",\"resourceVersion\":\"%s\"}}",
			 version),
	    409);
	cr_expect_eq(rig_send("PUT", CONFIGS "/a",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"a\",\"uid\":\"other\"}}"),
	    409);
	cr_expect_not_null(strstr(rig_text("message"), "UID in precondition: other"));
	cr_expect_eq(rig_send("PUT", CONFIGS "/b",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"a\"}}"),
	    400);
}

Test(sim_kube, spec_and_status_do_not_touch_each_other)
{
	put_pod("p1", "n1");
	cr_assert_eq(
	    rig_send("PATCH", POD,
		"{\"status\":{\"phase\":\"Failed\"},\"spec\":{\"priority\":7}}"),
	    200);
	cr_expect_str_eq(rig_text("status.phase"), "Running");
	cr_expect_eq(rig_int("spec.priority"), 7);
	cr_expect_eq(rig_int("metadata.generation"), 2);
	cr_assert_eq(
	    rig_send("PATCH", POD "/status",
		"{\"status\":{\"phase\":\"Failed\"},\"spec\":{\"priority\":8}}"),
	    200);
	cr_expect_str_eq(rig_text("status.phase"), "Failed");
	cr_expect_eq(rig_int("spec.priority"), 7);
	cr_expect_eq(rig_int("metadata.generation"), 2);
	cr_expect_eq(rig_send("GET", CONFIGS "/a/status", NULL), 404);
}

static const char *
taint(size_t index, const char *key)
{
	return kube_json_text(
	    json_object_array_get_idx(kube_json_at(rig.json, "spec.taints"), index),
	    key);
}

Test(sim_kube, strategic_patches_merge_lists_by_key)
{
	static const char kind[] = "strategic-merge-patch";

	put_node("n1", "");
	patch_typed(NODE, kind,
	    "{\"spec\":{\"taints\":[{\"key\":\"a\",\"effect\":\"NoSchedule\"},"
	    "{\"key\":\"b\",\"effect\":\"NoSchedule\"}]}}");
	patch_typed(
	    NODE, kind, "{\"spec\":{\"taints\":[{\"key\":\"b\",\"value\":\"v\"}]}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "spec.taints")), 2);
	cr_expect_str_eq(taint(1, "value"), "v");
	cr_expect_str_eq(taint(1, "effect"), "NoSchedule");
	patch_typed(NODE, kind,
	    "{\"spec\":{\"$setElementOrder/taints\":[{\"key\":\"b\"},{\"key\":\"a\"}],"
	    "\"taints\":[{\"key\":\"a\",\"value\":\"w\"}]}}");
	cr_expect_str_eq(taint(0, "key"), "b");
	cr_expect_str_eq(taint(1, "value"), "w");
	patch_typed(NODE, kind,
	    "{\"spec\":{\"taints\":[{\"$patch\":\"delete\",\"key\":\"b\"}]}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "spec.taints")), 1);
	patch_typed(NODE, kind,
	    "{\"spec\":{\"taints\":[{\"key\":\"c\"},{\"$patch\":\"replace\"}]}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "spec.taints")), 1);
	cr_expect_str_eq(taint(0, "key"), "c");
	patch_typed(NODE, kind, "{\"spec\":{\"taints\":null,\"unschedulable\":true}}");
	cr_expect_null(kube_json_at(rig.json, "spec.taints"));
	cr_expect(kube_json_true(rig.json, "spec.unschedulable"));
}

Test(sim_kube, strategic_patches_of_plain_lists_and_maps)
{
	static const char kind[] = "strategic-merge-patch";

	put_node("n1", "\"a\":\"b\"");
	patch_typed(NODE, kind, "{\"metadata\":{\"finalizers\":[\"x/1\",\"x/2\"]}}");
	patch_typed(NODE, kind, "{\"metadata\":{\"finalizers\":[\"x/2\",\"x/3\"]}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "metadata.finalizers")), 3);
	patch_typed(NODE, kind,
	    "{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"x/1\"]}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "metadata.finalizers")), 2);
	patch_typed(NODE, kind,
	    "{\"metadata\":{\"labels\":{\"$patch\":\"replace\",\"c\":\"d\"}}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "metadata.labels")), 1);
	patch_typed(NODE, kind,
	    "{\"metadata\":{\"labels\":{\"$retainKeys\":[\"e\"],\"e\":\"f\"}}}");
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "metadata.labels")), 1);
	cr_expect_str_eq(rig_text("metadata.labels.e"), "f");
}

Test(sim_kube, json_patches)
{
	static const struct {
		const char *patch;
		int status;
		const char *list; /* what is then in the annotation's place */
	} steps[] = {
	    {"[{\"op\":\"add\",\"path\":\"/spec/podCIDRs\",\"value\":[\"a\",\"c\"]}]",
		200, "[\"a\",\"c\"]"},
	    {"[{\"op\":\"add\",\"path\":\"/spec/podCIDRs/1\",\"value\":\"b\"}]", 200,
		"[\"a\",\"b\",\"c\"]"},
	    {"[{\"op\":\"add\",\"path\":\"/spec/podCIDRs/-\",\"value\":\"d\"}]", 200,
		"[\"a\",\"b\",\"c\",\"d\"]"},
	    {"[{\"op\":\"remove\",\"path\":\"/spec/podCIDRs/0\"}]", 200,
		"[\"b\",\"c\",\"d\"]"},
	    {"[{\"op\":\"replace\",\"path\":\"/spec/podCIDRs/2\",\"value\":\"e\"}]",
		200, "[\"b\",\"c\",\"e\"]"},
	    {"[{\"op\":\"move\",\"from\":\"/spec/podCIDRs/2\",\"path\":"
	     "\"/spec/podCIDRs/0\"}]",
		200, "[\"e\",\"b\",\"c\"]"},
	    {"[{\"op\":\"copy\",\"from\":\"/spec/podCIDRs/0\",\"path\":"
	     "\"/spec/podCIDRs/3\"}]",
		200, "[\"e\",\"b\",\"c\",\"e\"]"},
	    {"[{\"op\":\"test\",\"path\":\"/spec/podCIDRs/1\",\"value\":\"b\"},"
	     "{\"op\":\"remove\",\"path\":\"/spec/podCIDRs/3\"}]",
		200, "[\"e\",\"b\",\"c\"]"},
	    {"[{\"op\":\"test\",\"path\":\"/spec/podCIDRs/1\",\"value\":\"x\"},"
	     "{\"op\":\"remove\",\"path\":\"/spec/podCIDRs/0\"}]",
		422, NULL},
	    {"[{\"op\":\"remove\",\"path\":\"/spec/podCIDRs/3\"}]", 422, NULL},
	    {"[{\"op\":\"add\",\"path\":\"/spec/podCIDRs/9\",\"value\":1}]", 422, NULL},
	    {"[{\"op\":\"replace\",\"path\":\"/spec/none\",\"value\":1}]", 422, NULL},
	    {"[{\"op\":\"jump\",\"path\":\"/spec\"}]", 400, NULL},
	    {"{\"op\":\"add\"}", 400, NULL},
	    {"[", 400, NULL},
	};

	put_node("n1", "\"a/b\":\"c\"");
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct json_object *list;

		cr_expect_eq(patch_typed(NODE, "json-patch", steps[i].patch),
		    steps[i].status, "%s: %s", steps[i].patch, rig.reply.body.data);
		list = kube_json_at(rig.json, "spec.podCIDRs");
		if (steps[i].list != NULL)
			cr_expect_str_eq(kube_json_write(list, NULL), steps[i].list);
	}
	cr_expect_eq(patch_typed(NODE, "json-patch",
			 "[{\"op\":\"remove\",\"path\":\"/metadata/labels/a~1b\"}]"),
	    200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "metadata.labels")), 0);
	cr_expect_eq(
	    patch_typed(NODE, "json-patch",
		"[{\"op\":\"replace\",\"path\":\"/metadata/name\",\"value\":\"x\"}]"),
	    400);
}

/* --- ends --- */

Test(sim_kube, a_pod_terminates_before_it_is_gone)
{
	sim_kube_set_termination(rig.kube, 50);
	put_pod("p1", "n1");
	cr_assert_eq(rig_send("DELETE", POD, NULL), 200);
	cr_expect_neq(rig_text("metadata.deletionTimestamp")[0], '\0');
	cr_expect_eq(rig_int("metadata.deletionGracePeriodSeconds"), 30);
	cr_expect_eq(rig_int("metadata.generation"), 2);
	cr_assert_eq(rig_send("GET", POD, NULL), 200);
	cr_expect_eq(rig_send("DELETE", POD "?gracePeriodSeconds=60", NULL), 200);
	cr_expect_eq(
	    rig_int("metadata.deletionGracePeriodSeconds"), 30, "never longer");
	cr_expect(rig_wait_gone(POD));
}

Test(sim_kube, a_pod_that_is_killed_is_gone_at_once)
{
	put_pod("p1", "n1");
	cr_assert_eq(rig_send("DELETE", POD, NULL), 200);
	cr_assert_eq(rig_send("DELETE", POD, "{\"gracePeriodSeconds\":0}"), 200);
	cr_expect_eq(rig_send("GET", POD, NULL), 404);
	put_pod("p1", "");
	cr_assert_eq(rig_send("DELETE", POD, NULL), 200);
	cr_expect_eq(rig_send("GET", POD, NULL), 404, "nobody runs it");
}

Test(sim_kube, a_finalizer_holds_a_terminated_pod)
{
	struct mono_time end = {clock_mono().ms + 10000};

	sim_kube_set_termination(rig.kube, 20);
	put_pod("p1", "n1");
	cr_assert_eq(
	    rig_send("PATCH", POD, "{\"metadata\":{\"finalizers\":[\"a/b\"]}}"), 200);
	cr_assert_eq(rig_send("DELETE", POD, NULL), 200);
	do {
		loop_run_once(rig.loop, 50);
		cr_assert_eq(rig_send("GET", POD, NULL), 200);
	} while (rig_int("metadata.deletionGracePeriodSeconds") > 0 &&
		 clock_mono().ms < end.ms);
	cr_expect_eq(rig_int("metadata.deletionGracePeriodSeconds"), 0);
	cr_assert_eq(
	    rig_send("PATCH", POD, "{\"metadata\":{\"finalizers\":null}}"), 200);
	cr_expect_eq(rig_send("GET", POD, NULL), 404);
}

Test(sim_kube, preconditions)
{
	char uid[64];

	put_pod("p1", "n1");
	rig_send("GET", POD, NULL);
	snprintf(uid, sizeof uid, "%s", rig_text("metadata.uid"));
	cr_expect_eq(
	    rig_send("DELETE", POD, "{\"preconditions\":{\"uid\":\"x\"}}"), 409);
	cr_expect_eq(
	    rig_send("DELETE", POD, "{\"preconditions\":{\"resourceVersion\":\"1\"}}"),
	    409);
	cr_expect_eq(
	    rig_send("POST", POD "/eviction",
		"{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{"
		"\"name\":\"p1\"},\"deleteOptions\":{\"preconditions\":{\"uid\":"
		"\"x\"}}}"),
	    409);
	rig_send("GET", POD, NULL);
	cr_expect_null(kube_json_at(rig.json, "metadata.deletionTimestamp"));
	cr_expect_eq(
	    rig_sendf("POST", POD "/eviction",
		"{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{"
		"\"name\":\"p1\"},\"deleteOptions\":{\"preconditions\":{\"uid\":"
		"\"%s\"}}}",
		uid),
	    201);
	rig_send("GET", POD, NULL);
	cr_expect_neq(rig_text("metadata.deletionTimestamp")[0], '\0');
}

static void
put_budget(const char *rule)
{
	char *text = mem_printf(
	    "{\"kind\":\"PodDisruptionBudget\",\"apiVersion\":\"policy/"
	    "v1\",\"metadata\":"
	    "{\"name\":\"b\",\"namespace\":\"default\"},\"spec\":{%s,\"selector\":{"
	    "\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":["
	    "\"sip\"]}]}}}",
	    rule);

	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	free(text);
}

Test(sim_kube, budgets_count_what_is_ready)
{
	static const struct {
		const char *rule;
		int status; /* of evicting one of two ready pods */
	} rules[] = {{"\"minAvailable\":2", 429}, {"\"minAvailable\":1", 201},
	    {"\"minAvailable\":\"51%\"", 429}, {"\"minAvailable\":\"50%\"", 201},
	    {"\"maxUnavailable\":0", 429}, {"\"maxUnavailable\":1", 201}};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		put_pod("p1", "n1");
		put_pod("p2", "n1");
		put_budget(rules[i].rule);
		cr_expect_eq(rig_send("POST", POD "/eviction", ""), rules[i].status,
		    "%s: %d", rules[i].rule, rig.reply.status);
		if (rules[i].status == 201)
			cr_expect_eq(rig_send("POST", PODS "/p2/eviction", ""), 429,
			    "the first one counts no longer");
		cr_assert_eq(sim_kube_remove(rig.kube, POD), 0);
		cr_assert_eq(sim_kube_remove(rig.kube, PODS "/p2"), 0);
	}
	put_pod("p1", "n1");
	put_budget("\"minAvailable\":5");
	rig_send("PATCH", POD "/status", "{\"status\":{\"phase\":\"Pending\"}}");
	cr_expect_eq(rig_send("POST", POD "/eviction", ""), 201, "not yet started");
}

Test(sim_kube, collections_are_deleted_by_selector)
{
	put_node("a", "\"x\":\"1\"");
	put_node("b", "\"x\":\"2\"");
	put_node("c", "\"x\":\"1\"");
	cr_assert_eq(rig_send("DELETE", NODES "?labelSelector=x%3D1", NULL), 200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 2);
	rig_send("GET", NODES, NULL);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 1);
}

Test(sim_kube, a_namespace_takes_its_contents_along)
{
	cr_assert_eq(rig_send("POST", "/api/v1/namespaces",
			 "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"x\"}}"),
	    201);
	cr_assert_eq(rig_send("POST", "/api/v1/namespaces/x/configmaps",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"a\",\"finalizers\":[\"a/b\"]}}"),
	    201);
	cr_assert_eq(rig_send("DELETE", "/api/v1/namespaces/x", NULL), 200);
	cr_expect_str_eq(rig_text("status.phase"), "Terminating");
	cr_expect_eq(rig_send("POST", "/api/v1/namespaces/x/configmaps",
			 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
			 "\"name\":\"b\"}}"),
	    403);
	cr_assert_eq(rig_send("GET", "/api/v1/namespaces/x", NULL), 200);
	cr_assert_eq(rig_send("PATCH", "/api/v1/namespaces/x/configmaps/a",
			 "{\"metadata\":{\"finalizers\":[]}}"),
	    200);
	cr_expect_eq(rig_send("GET", "/api/v1/namespaces/x", NULL), 404);
}

/* --- put and remove --- */

Test(sim_kube, objects_are_put_and_removed)
{
	cr_expect_eq(sim_kube_put(rig.kube, "{"), -EINVAL);
	cr_expect_eq(
	    sim_kube_put(rig.kube, "{\"kind\":\"X\",\"apiVersion\":\"v1\"}"), -ENOENT);
	cr_expect_eq(sim_kube_put(rig.kube, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}"),
	    -EINVAL);
	cr_expect_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
		"\"name\":\"a\",\"namespace\":\"new\",\"uid\":\"u\",\"finalizers\":"
		"[\"a/b\"]}}"),
	    0);
	cr_expect_eq(rig_send("GET", "/api/v1/namespaces/new", NULL), 200);
	cr_expect_eq(rig_send("GET", "/api/v1/namespaces/new/configmaps/a", NULL), 200);
	cr_expect_str_eq(rig_text("metadata.uid"), "u");
	cr_expect_eq(
	    sim_kube_remove(rig.kube, "/api/v1/namespaces/new/configmaps/a"), 0);
	cr_expect_eq(
	    sim_kube_remove(rig.kube, "/api/v1/namespaces/new/configmaps/a"), -ENOENT);
	cr_expect_eq(sim_kube_remove(rig.kube, "/api/v1/nodes"), -EINVAL);
	cr_expect_eq(sim_kube_remove(rig.kube, "nonsense"), -EINVAL);
}
