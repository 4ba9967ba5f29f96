/* The simulated API server: lists and watches, callers, faults, questions. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_kube_rig.h"

TestSuite(sim_kube_watch, .init = rig_setup, .fini = rig_teardown, .timeout = 120);

#define NODES "/api/v1/nodes"
#define NODE  NODES "/n1"

/* Objects in a big world. */
#define MANY 5000u

static void
put_node(const char *name, const char *labels)
{
	char *text = mem_printf("{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":"
				"{\"name\":\"%s\",\"labels\":{%s}}}",
	    name, labels);

	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	free(text);
}

static void
put_config(const char *space, const char *name)
{
	char *text =
	    mem_printf("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":"
		       "{\"name\":\"%s\",\"namespace\":\"%s\"}}",
		name, space);

	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	free(text);
}

static void
label(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof path, NODES "/%s", name);
	cr_assert_eq(
	    rig_sendf("PATCH", path, "{\"metadata\":{\"labels\":{\"x\":%s}}}", value),
	    200);
}

/* The names of the last answer's items: "a,b"; lives until the next call. */
static const char *
names(void)
{
	static char text[1024];
	struct json_object *items = kube_json_at(rig.json, "items");
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < kube_json_count(items) && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
		    i > 0 ? "," : "",
		    kube_json_text(
			json_object_array_get_idx(items, i), "metadata.name"));
	return text;
}

Test(sim_kube_watch, selectors)
{
	static const struct {
		const char *query;
		const char *names;
	} lists[] = {
	    {"", "a,b,c"},
	    {"?labelSelector=x%3D1", "a"},
	    {"?labelSelector=x%3D%3D1", "a"},
	    {"?labelSelector=x!%3D1", "b,c"},
	    {"?labelSelector=x", "a,b"},
	    {"?labelSelector=!x", "c"},
	    {"?labelSelector=x+in+(1,2)", "a,b"},
	    {"?labelSelector=x+notin+(1)", "b,c"},
	    {"?labelSelector=x%3E1", "b"},
	    {"?labelSelector=x,y%3Dz", "b"},
	    {"?fieldSelector=metadata.name%3Db", "b"},
	    {"?fieldSelector=metadata.name!%3Db", "a,c"},
	    {"?fieldSelector=spec.unschedulable%3Dfalse", "a,b,c"},
	    {"?fieldSelector=metadata.name%3Db&labelSelector=x%3D1", ""},
	};

	put_node("b", "\"x\":\"2\",\"y\":\"z\"");
	put_node("a", "\"x\":\"1\"");
	put_node("c", "");
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		char target[128];

		snprintf(target, sizeof target, NODES "%s", lists[i].query);
		cr_assert_eq(rig_send("GET", target, NULL), 200, "%s", target);
		cr_expect_str_eq(names(), lists[i].names, "%s: %s", target, names());
	}
	cr_expect_eq(rig_send("GET", NODES "?labelSelector=x+in+1", NULL), 400);
	cr_expect_eq(rig_send("GET", NODES "?labelSelector=x+near+(1)", NULL), 400);
	cr_expect_eq(rig_send("GET", NODES "?fieldSelector=metadata.name", NULL), 400);
}

Test(sim_kube_watch, namespaces_are_apart)
{
	put_config("default", "a");
	put_config("default-x", "b");
	put_config("kube-system", "c");
	cr_assert_eq(rig_send("GET", "/api/v1/configmaps", NULL), 200);
	cr_expect_str_eq(names(), "b,a,c", "in the order of etcd's keys: %s", names());
	cr_assert_eq(
	    rig_send("GET", "/api/v1/namespaces/default/configmaps", NULL), 200);
	cr_expect_str_eq(names(), "a");
}

Test(sim_kube_watch, pages)
{
	char target[1024], first[32];

	for (char name[] = "a"; name[0] <= 'e'; name[0]++)
		put_node(name, "");
	cr_assert_eq(rig_send("GET", NODES "?limit=2", NULL), 200);
	cr_expect_str_eq(names(), "a,b");
	cr_expect_eq(rig_int("metadata.remainingItemCount"), 3);
	snprintf(first, sizeof first, "%s", rig_text("metadata.resourceVersion"));
	snprintf(target, sizeof target, NODES "?limit=2&continue=%s",
	    rig_text("metadata.continue"));
	cr_assert_eq(sim_kube_remove(rig.kube, NODES "/b"), 0);
	cr_assert_eq(rig_send("GET", target, NULL), 200);
	cr_expect_str_eq(names(), "c,d");
	cr_expect_str_eq(rig_text("metadata.resourceVersion"), first);
	snprintf(target, sizeof target, NODES "?limit=2&continue=%s",
	    rig_text("metadata.continue"));
	cr_assert_eq(rig_send("GET", target, NULL), 200);
	cr_expect_str_eq(names(), "e");
	cr_expect_null(kube_json_at(rig.json, "metadata.continue"));
	cr_expect_null(kube_json_at(rig.json, "metadata.remainingItemCount"));
	for (unsigned i = 0; i < KUBE_HISTORY_MAX; i++)
		put_node("a", "");
	cr_expect_eq(rig_send("GET", target, NULL), 410);
	cr_expect_str_eq(rig_text("reason"), "Expired");
}

Test(sim_kube_watch, many_objects)
{
	struct mono_time start = clock_mono();
	struct sim_stream watch;
	struct json_object *events;
	size_t seen = 0;
	char name[32];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "n%u", i * 7919 % MANY);
		put_node(name, "\"x\":\"1\"");
	}
	cr_assert_eq(rig_send("GET", NODES "?labelSelector=x%3D1", NULL), 200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), MANY);
	watch = rig_watch(NODES "?watch=true&resourceVersion=0");
	events = rig_events(&watch);
	seen = kube_json_count(events);
	cr_expect_eq(seen, MANY, "%zu", seen);
	json_object_put(events);
	watch.close(watch.state);
	cr_expect_lt(clock_mono().ms - start.ms, 20000, "even under valgrind");
}

Test(sim_kube_watch, events_follow_the_selector)
{
	struct sim_stream watch;

	put_node("a", "\"x\":\"1\"");
	put_node("b", "\"x\":\"2\"");
	watch = rig_watch(NODES "?watch=1&labelSelector=x%3D1");
	cr_expect_str_eq(rig_story(&watch), "ADDED a");
	cr_expect_str_eq(rig_story(&watch), "", "nothing more");
	label("b", "\"1\"");
	label("a", "\"3\"");
	label("b", "\"4\"");
	label("b", "null");
	put_node("c", "\"x\":\"1\"");
	sim_kube_remove(rig.kube, NODES "/c");
	sim_kube_remove(rig.kube, NODES "/a");
	cr_expect_str_eq(
	    rig_story(&watch), "ADDED b, DELETED a, DELETED b, ADDED c, DELETED c");
	watch.close(watch.state);
}

Test(sim_kube_watch, other_namespaces_are_not_seen)
{
	struct sim_stream watch =
	    rig_watch("/api/v1/namespaces/default/configmaps?watch=1");

	put_config("default", "a");
	put_config("kube-system", "b");
	cr_expect_str_eq(rig_story(&watch), "ADDED a");
	watch.close(watch.state);
}

/* What is shown is the state of that moment, not of later ones. */
Test(sim_kube_watch, events_keep_their_state)
{
	struct sim_stream watch = rig_watch(NODES "?watch=1");
	struct json_object *events;

	put_node("a", "\"x\":\"1\"");
	label("a", "\"2\"");
	events = rig_events(&watch);
	cr_expect_str_eq(kube_json_text(json_object_array_get_idx(events, 0),
			     "object.metadata.labels.x"),
	    "1");
	cr_expect_str_eq(kube_json_text(json_object_array_get_idx(events, 1),
			     "object.metadata.labels.x"),
	    "2");
	json_object_put(events);
	watch.close(watch.state);
}

Test(sim_kube_watch, bookmarks_tell_the_version)
{
	struct sim_stream watch;
	struct json_object *events;

	sim_kube_set_bookmark_interval(rig.kube, 0);
	watch = rig_watch(NODES "?watch=1&allowWatchBookmarks=true");
	put_config("default", "elsewhere");
	rig_send("GET", NODES, NULL);
	events = rig_events(&watch);
	cr_assert_eq(kube_json_count(events), 1);
	cr_expect_str_eq(
	    kube_json_text(json_object_array_get_idx(events, 0), "type"), "BOOKMARK");
	cr_expect_str_eq(kube_json_text(json_object_array_get_idx(events, 0),
			     "object.metadata.resourceVersion"),
	    rig_text("metadata.resourceVersion"));
	json_object_put(events);
	watch.close(watch.state);
}

Test(sim_kube_watch, a_watch_ends_in_time)
{
	struct mono_time start = clock_mono();
	struct sim_stream watch = rig_watch(NODES "?watch=1&timeoutSeconds=1");

	while (strcmp(rig_story(&watch), "end") != 0) {
		cr_assert_lt(clock_mono().ms - start.ms, 10000);
		loop_run_once(rig.loop, 20);
	}
	cr_expect_geq(clock_mono().ms - start.ms, 1000);
	watch.close(watch.state);
}

Test(sim_kube_watch, tables_are_watched_too)
{
	struct sim_stream watch;
	struct json_object *events, *object;

	rig.accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
	put_node("a", "");
	watch = rig_watch(NODES "?watch=1");
	events = rig_events(&watch);
	object = kube_json_member(json_object_array_get_idx(events, 0), "object");
	cr_expect_str_eq(kube_json_text(object, "kind"), "Table");
	cr_expect_eq(kube_json_count(kube_json_member(object, "rows")), 1);
	json_object_put(events);
	watch.close(watch.state);
}

static const char *
cell(size_t row, size_t column)
{
	struct json_object *cells = kube_json_member(
	    json_object_array_get_idx(kube_json_at(rig.json, "rows"), row), "cells");

	return json_object_get_string(json_object_array_get_idx(cells, column));
}

Test(sim_kube_watch, tables_of_nodes_and_pods)
{
	put_node("a", "\"node-role.kubernetes.io/worker\":\"\"");
	rig_send("PATCH", NODES "/a/status",
	    "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
	    "\"nodeInfo\":{\"kubeletVersion\":\"v1.31.0\"}}}");
	rig_send("PATCH", NODES "/a", "{\"spec\":{\"unschedulable\":true}}");
	rig.accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
	cr_assert_eq(rig_send("GET", NODES, NULL), 200);
	cr_expect_str_eq(cell(0, 0), "a");
	cr_expect_str_eq(cell(0, 1), "Ready,SchedulingDisabled");
	cr_expect_str_eq(cell(0, 2), "worker");
	cr_expect_str_eq(cell(0, 4), "v1.31.0");
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"d\"}]},"
		"\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"ready\":"
		"true,\"restartCount\":2}]}}"),
	    0);
	cr_assert_eq(rig_send("GET", "/api/v1/pods", NULL), 200);
	cr_expect_str_eq(cell(0, 1), "1/2");
	cr_expect_str_eq(cell(0, 2), "Running");
	cr_expect_str_eq(cell(0, 3), "2");
}

/* Both APIs show the same events under their own names. */
Test(sim_kube_watch, events_of_both_apis)
{
	static const char *const event =
	    "{\"kind\":\"Event\",\"apiVersion\":\"events.k8s.io/"
	    "v1\",\"metadata\":{\"name\":"
	    "\"e\"},\"eventTime\":\"2026-01-01T00:00:00.000000Z\",\"type\":\"Normal\","
	    "\"reason\":\"Attached\",\"action\":\"Attach\",\"note\":\"text\","
	    "\"reportingController\":\"c\",\"reportingInstance\":\"i\",\"regarding\":{"
	    "\"kind\":\"Node\",\"name\":\"n\"}}";
	struct sim_stream watch;
	struct json_object *events;

	watch = rig_watch("/apis/events.k8s.io/v1/events?watch=1");
	cr_assert_eq(
	    rig_send("POST", "/apis/events.k8s.io/v1/namespaces/default/events", event),
	    201, "%s", rig.reply.body.data);
	cr_expect_str_eq(rig_text("note"), "text");
	cr_assert_eq(rig_send("GET",
			 "/api/v1/namespaces/default/events?fieldSelector="
			 "involvedObject.name%3Dn,involvedObject.kind%3DNode",
			 NULL),
	    200);
	cr_expect_str_eq(names(), "e");
	cr_expect_str_eq(kube_json_text(json_object_array_get_idx(
					    kube_json_at(rig.json, "items"), 0),
			     "message"),
	    "text");
	cr_assert_eq(
	    rig_send("PATCH", "/apis/events.k8s.io/v1/namespaces/default/events/e",
		"{\"note\":\"other\"}"),
	    200);
	cr_assert_eq(rig_send("GET", "/api/v1/namespaces/default/events/e", NULL), 200);
	cr_expect_str_eq(rig_text("message"), "other");
	cr_expect_str_eq(rig_text("apiVersion"), "v1");
	events = rig_events(&watch);
	cr_expect_eq(kube_json_count(events), 2);
	cr_expect_str_eq(
	    kube_json_text(json_object_array_get_idx(events, 1), "object.note"),
	    "other");
	json_object_put(events);
	watch.close(watch.state);
	cr_expect_eq(
	    rig_send("POST", "/apis/events.k8s.io/v1/namespaces/default/events",
		"{\"kind\":\"Event\",\"apiVersion\":\"events.k8s.io/v1\",\"metadata\":"
		"{\"name\":\"f\"},\"type\":\"Odd\"}"),
	    422);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "details.causes")), 6);
}

/* --- callers --- */

static int
ask_access(const char *verb, const char *resource, const char *subresource)
{
	int status =
	    rig_sendf("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"{\"kind\":\"SelfSubjectAccessReview\",\"apiVersion\":\"authorization."
		"k8s.io/v1\","
		"\"spec\":{\"resourceAttributes\":{\"verb\":\"%s\",\"resource\":\"%s\","
		"\"subresource\":\"%s\"}}}",
		verb, resource, subresource);

	cr_expect_eq(status, 201);
	return kube_json_true(rig.json, "status.allowed");
}

Test(sim_kube_watch, roles)
{
	put_node("n1", "");
	rig.token = RIG_READER;
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 403);
	cr_expect_eq(rig_send("PATCH", NODE, "{}"), 403);
	cr_expect(ask_access("list", "pods", ""));
	cr_expect_not(ask_access("patch", "nodes", ""));
	rig.token = RIG_CONTROLLER;
	cr_expect_eq(rig_send("PATCH", NODE, "{}"), 200);
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 403);
	cr_expect_eq(
	    rig_send("DELETE", "/api/v1/namespaces/default/pods/p", NULL), 403);
	cr_expect_not_null(
	    strstr(rig_text("message"), "cannot delete resource \"pods\" in API group "
					"\"\" in the namespace \"default\""));
	cr_expect_eq(
	    rig_send("POST", "/api/v1/namespaces/default/pods/p/eviction", "{}"), 404);
	cr_expect(ask_access("create", "pods", "eviction"));
	cr_expect_not(ask_access("create", "pods", ""));
	rig.token = NULL;
	cr_expect_eq(rig_send("GET", NODES, NULL), 403);
	cr_expect_not_null(strstr(rig_text("message"), "system:anonymous"));
	cr_expect_eq(rig_send("GET", "/version", NULL), 200);
	cr_expect_eq(rig_send("GET", "/apis", NULL), 403);
	rig.certificate = "admin";
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 200);
}

Test(sim_kube_watch, requested_tokens_serve)
{
	static const char *const path =
	    "/api/v1/namespaces/kube-system/serviceaccounts/ipwarden/token";
	char token[128];

	cr_expect_eq(rig_send("POST", path, "{}"), 404);
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"ServiceAccount\",\"apiVersion\":\"v1\",\"metadata\":{"
		"\"name\":\"ipwarden\",\"namespace\":\"kube-system\"}}"),
	    0);
	cr_expect_eq(
	    rig_send("POST", path, "{\"spec\":{\"expirationSeconds\":599}}"), 422);
	cr_assert_eq(
	    rig_send("POST", path, "{\"spec\":{\"expirationSeconds\":600}}"), 201);
	snprintf(token, sizeof token, "%s", rig_text("status.token"));
	put_node("n1", "");
	rig.token = token;
	cr_expect_eq(rig_send("PATCH", NODE, "{}"), 200);
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 403, "the controller's role");
}

/* --- faults --- */

static void
add_fault(const char *json)
{
	char error[128] = "";

	cr_assert_eq(
	    sim_faults_add(rig.faults, json, error, sizeof error), 0, "%s", error);
}

Test(sim_kube_watch, faults)
{
	struct json_object *items;

	add_fault(
	    "{\"target\":\"kube\",\"method\":\"GET\",\"path\":\"/nodes\",\"status\":"
	    "500,\"body\":{\"kind\":\"Status\",\"code\":500}}");
	cr_expect_eq(rig_send("GET", "/version", NULL), 200);
	cr_expect_eq(rig_send("GET", NODES, NULL), 500);
	cr_expect_str_eq(rig_text("kind"), "Status");
	cr_expect_eq(rig_send("GET", NODES, NULL), 200, "used up");
	add_fault("{\"target\":\"kube\",\"status\":429}");
	cr_expect_eq(rig_send("GET", NODES, NULL), 429);
	cr_expect_str_eq(rig_header("Retry-After"), "1");
	put_node("n1", "");
	add_fault("{\"target\":\"kube\",\"drop_before\":true}");
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 0);
	cr_expect_eq(rig_send("GET", NODE, NULL), 200, "nothing was done");
	add_fault("{\"target\":\"kube\",\"drop_after\":true}");
	cr_expect_eq(rig_send("DELETE", NODE, NULL), 0);
	cr_expect_eq(rig_send("GET", NODE, NULL), 404, "it was done");
	add_fault("{\"target\":\"kube\",\"drop_after\":true}");
	cr_expect_eq(rig_send("GET", NODES "?watch=1", NULL), 0);
	cr_expect_null(rig.reply.stream.next);
	add_fault("{\"target\":\"kube\",\"delay_ms\":70,\"status\":503}");
	rig_send("GET", NODES, NULL);
	cr_expect_eq(rig.reply.defer_ms, 70);
	rig.again = true;
	cr_expect_eq(rig_send("GET", NODES, NULL), 503);
	rig.again = false;
	cr_expect_eq(rig_send("GET", NODES, NULL), 200);
	items = kube_json_at(rig.json, "items");
	cr_expect_eq(kube_json_count(items), 0);
}

/* --- discovery --- */

Test(sim_kube_watch, aggregated_discovery_names_what_is_served)
{
	struct json_object *items, *core;
	bool eviction = false;

	rig.accept =
	    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
	    "application/json";
	cr_assert_eq(rig_send("GET", "/apis", NULL), 200);
	items = kube_json_at(rig.json, "items");
	cr_expect_geq(kube_json_count(items), 7);
	cr_expect_not_null(strstr(rig.reply.content_type, "as=APIGroupDiscoveryList"));
	cr_assert_eq(rig_send("GET", "/api", NULL), 200);
	items = kube_json_at(rig.json, "items");
	cr_assert_eq(kube_json_count(items), 1);
	core = kube_json_member(
	    json_object_array_get_idx(
		kube_json_member(json_object_array_get_idx(items, 0), "versions"), 0),
	    "resources");
	for (size_t i = 0; i < kube_json_count(core); i++) {
		struct json_object *each = json_object_array_get_idx(core, i);
		struct json_object *parts = kube_json_member(each, "subresources");

		for (size_t j = 0; j < kube_json_count(parts); j++)
			eviction =
			    eviction ||
			    strcmp(kube_json_text(json_object_array_get_idx(parts, j),
				       "responseKind.kind"),
				"Eviction") == 0;
	}
	cr_expect(eviction, "what kubectl drain looks for");
}

/* --- protobuf --- */

#define PROTOBUF "application/vnd.kubernetes.protobuf"

/* As kubectl sends them: the namespace x with the label a=b, and an eviction with a uid
 * as precondition and a grace period of 5 s. */
static const char namespace_x[] = "k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x0f"
				  "\x0a\x0d\x0a\x01x\x5a\x06\x0a\x01"
				  "a\x12\x01"
				  "b\x2a\x00";
static const char eviction_p[] = "k8s\0\x0a\x15\x0a\x09policy/v1\x12\x08"
				 "Eviction\x12\x0e\x0a\x03\x0a\x01p\x12\x07\x08"
				 "\x05\x12\x03\x0a\x01u";

static int
send_protobuf(const char *target, const char *body, size_t len)
{
	return rig_send_typed("POST", target, PROTOBUF, body, len);
}

Test(sim_kube_watch, protobuf_is_understood)
{
	cr_assert_eq(sizeof namespace_x - 1, 38);
	cr_assert_eq(send_protobuf("/api/v1/namespaces", namespace_x, 38), 201, "%s",
	    rig.reply.body.data);
	cr_expect_str_eq(rig_text("metadata.name"), "x");
	cr_expect_str_eq(rig_text("metadata.labels.a"), "b");
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"p\",\"uid\":\"v\"},\"spec\":{\"nodeName\":\"n\"}}"),
	    0);
	cr_expect_eq(send_protobuf("/api/v1/namespaces/default/pods/p/eviction",
			 eviction_p, sizeof eviction_p - 1),
	    409, "another uid");
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"p\",\"uid\":\"u\"},\"spec\":{\"nodeName\":\"n\"}}"),
	    0);
	cr_expect_eq(send_protobuf("/api/v1/namespaces/default/pods/p/eviction",
			 eviction_p, sizeof eviction_p - 1),
	    201);
	cr_assert_eq(rig_send("GET", "/api/v1/namespaces/default/pods/p", NULL), 200);
	cr_expect_eq(rig_int("metadata.deletionGracePeriodSeconds"), 5);
}

/* Cut anywhere it is refused; so are kinds that nobody sends. */
Test(sim_kube_watch, broken_protobuf_is_refused)
{
	char other[sizeof namespace_x];
	char *cut;

	for (size_t len = 0; len < sizeof namespace_x - 3; len++) {
		/* on the heap and no longer, so that a checker sees reads behind it */
		cut = mem_calloc(len, 1);
		memcpy(cut, namespace_x, len);
		cr_expect_geq(
		    send_protobuf("/api/v1/namespaces", cut, len), 400, "%zu", len);
		free(cut);
	}
	cr_expect_eq(rig_send("GET", "/api/v1/namespaces/x", NULL), 404);
	memcpy(other, namespace_x, sizeof other);
	memcpy(strstr(other + 4, "Namespace"), "Namespacf", 9);
	cr_expect_eq(send_protobuf("/api/v1/namespaces", other, sizeof other - 1), 415);
}
