/* The status of a PodTracker as text: in order, whole, below its limit. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"
#include "tracker_body.h"

static struct world *world;
static struct tracker_body body;

static void
setup(void)
{
	world = world_new();
}

static void
teardown(void)
{
	world_free(world);
}

TestSuite(tracker_body, .init = setup, .fini = teardown, .timeout = 60);

static void
put_node(unsigned i)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);

	snprintf(fact->name, sizeof fact->name, "node-%05u", i);
	snprintf(fact->uid, sizeof fact->uid, "uid-%05u", i);
	MESSAGE_TEXT(fact->internal_ip, "192.0.2.1");
	pack_add(&fact->resources, "8");
	pack_add(&fact->resources, "32781804Ki");
	pack_add(&fact->resources, "7910m");
	world_put_node(world, fact);
	free(fact);
}

static void
put_pod(unsigned i, unsigned node, const char *namespace)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);

	snprintf(fact->name, sizeof fact->name, "web-7d9f8c6b5d-%05u", i);
	snprintf(fact->uid, sizeof fact->uid, "0242ac12-9a3e-4d51-4f0c-%012u", i);
	snprintf(fact->node, sizeof fact->node, "node-%05u", node);
	snprintf(
	    fact->ip, sizeof fact->ip, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	MESSAGE_TEXT(fact->namespace, namespace);
	fact->phase = POD_PHASE_RUNNING;
	fact->created_ms = 1767225600000;
	world_put_pod(world, fact);
	free(fact);
}

/* What a status says then; json_object_put. */
static struct json_object *
said(const char *namespace)
{
	struct json_object *json;
	struct buf out;

	buf_init(&out, TRACKER_BODY_MAX + 65536);
	buf_puts(&out, "{");
	tracker_body_put(world, namespace, &out, &body);
	cr_assert_leq(out.len, TRACKER_BODY_MAX + 1024);
	buf_puts(&out, "}");
	cr_assert_not(out.refused);
	json = json_tokener_parse(out.data);
	cr_assert_not_null(json, "%.200s", out.data);
	buf_free(&out);
	return json;
}

static size_t
length(struct json_object *json, const char *key)
{
	return json_read_length(json_read_member(json, key));
}

static int64_t
number(struct json_object *json, const char *key)
{
	int64_t value = -1;

	json_read_number(json, key, &value);
	return value;
}

Test(tracker_body, the_same_world_gives_the_same_text)
{
	uint64_t hash;

	for (unsigned i = 0; i < 40; i++)
		put_node(i % 4);
	for (unsigned i = 0; i < 200; i++)
		put_pod(i, i % 4, i % 2 == 0 ? "a" : "b");
	json_object_put(said(""));
	hash = body.hash;
	world_free(world);
	world = world_new();
	for (unsigned i = 0; i < 200; i++)
		put_pod(i * 7 % 200, i * 7 % 4, i * 7 % 2 == 0 ? "a" : "b");
	world->now.ms = 5000; /* when something changed is not what it says */
	for (unsigned i = 4; i > 0; i--)
		put_node(i - 1);
	json_object_put(said(""));
	cr_assert_eq(body.hash, hash);
	put_pod(7, 1, "a");
	json_object_put(said(""));
	cr_assert_neq(body.hash, hash);
}

Test(tracker_body, a_namespace_alone)
{
	struct json_object *json, *node;

	put_node(0);
	put_pod(1, 0, "a");
	put_pod(2, 0, "b");
	put_pod(3, 9, "b"); /* on a node that is not there */
	json = said("b");
	cr_assert_eq(number(json, "podCount"), 2);
	cr_assert_eq(length(json, "podIPs"), 2);
	node = json_object_array_get_idx(json_read_member(json, "nodeInfo"), 0);
	cr_assert_eq(length(node, "podIPs"), 1);
	cr_assert_eq(number(node, "podCount"), 1);
	cr_assert_str_eq(json_read_string(json_read_member(
			     json_read_member(node, "resources"), "memoryAllocatable")),
	    "0");
	json_object_put(json);
	json = said("none");
	cr_assert_eq(number(json, "podCount"), 0);
	cr_assert_eq(number(json, "nodeCount"), 1);
	cr_assert_null(json_read_member(json, "podIPs"));
	json_object_put(json);
}

/* Pods stand twice as long as there is room; then once; then not all of them, but the
 * counts are of all. */
Test(tracker_body, is_cut_below_its_limit)
{
	static const struct {
		unsigned pods, nodes;
		bool cut_pods, cut_nodes;
	} cases[] = {
	    {1000, 100, false, false},
	    {3000, 300, false, false},
	    {3500, 1, false, false},
	    {20000, 300, true, false},
	    {20000, 5000, true, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_object *json, *node;

		world_free(world);
		world = world_new();
		for (unsigned n = 0; n < cases[i].nodes; n++)
			put_node(n);
		for (unsigned p = 0; p < cases[i].pods; p++)
			put_pod(p, p % cases[i].nodes, "default");
		json = said("");
		cr_expect_eq(number(json, "podCount"), cases[i].pods);
		cr_expect_eq(number(json, "nodeCount"), cases[i].nodes);
		cr_expect_eq(length(json, "podIPs") < cases[i].pods, cases[i].cut_pods,
		    "%zu", i);
		cr_expect_eq(length(json, "nodeInfo") < cases[i].nodes,
		    cases[i].cut_nodes, "%zu", i);
		cr_expect_eq(body.truncated, cases[i].pods > 1000);
		node = json_object_array_get_idx(json_read_member(json, "nodeInfo"), 0);
		cr_expect_eq(length(node, "podIPs") > 0, !body.truncated, "%zu", i);
		cr_expect_eq(number(node, "podCount") > 0, true, "the count is of all");
		json_object_put(json);
	}
}
