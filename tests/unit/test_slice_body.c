/* The slices of one node as text: all of its pods, in as many objects as that takes. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"
#include "slice_body.h"

static struct world *world;
static struct slice_body body;

static void
put_node(const char *name)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);

	MESSAGE_TEXT(fact->name, name);
	snprintf(fact->uid, sizeof fact->uid, "uid-%.40s", name);
	MESSAGE_TEXT(fact->internal_ip, "192.0.2.1");
	pack_add(&fact->resources, "8");
	world_put_node(world, fact);
	free(fact);
}

static void
put_pod(const char *node, unsigned i, const char *ip)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);

	snprintf(fact->name, sizeof fact->name, "web-7d9f8c6b5d-%05u", i);
	snprintf(fact->uid, sizeof fact->uid, "%.20s-9a3e-4d51-4f0c-%012u", node, i);
	MESSAGE_TEXT(fact->node, node);
	MESSAGE_TEXT(fact->ip, ip);
	MESSAGE_TEXT(fact->namespace, "default");
	fact->phase = POD_PHASE_RUNNING;
	fact->created_ms = 1767225600000;
	world_put_pod(world, fact);
	free(fact);
}

static void
setup(void)
{
	world = world_new();
	put_node("n1");
}

static void
teardown(void)
{
	world_free(world);
}

TestSuite(slice_body, .init = setup, .fini = teardown, .timeout = 60);

/* Part `part` of n1 as it is written at that second; json_object_put. */
static struct json_object *
said(const char *writer, unsigned part, int64_t second, char hash[HASH_MAX + 1])
{
	struct json_object *json;
	char name[NAME_MAX_LEN + 1];
	struct buf out;

	buf_init(&out, SLICE_BODY_MAX);
	slice_body_begin(world, world_node(world, "n1"), &body);
	slice_body_name("n1", part, false, name);
	slice_body_put(
	    &body, name, writer, part, (struct wall_time){second * 1000}, &out, hash);
	cr_assert_not(out.refused);
	json = json_tokener_parse(out.data);
	cr_assert_not_null(json);
	cr_assert_str_eq(json_read_string(json_read_member(json, "contentHash")), hash);
	slice_body_end(&body);
	buf_free(&out);
	return json;
}

static const char *
text(struct json_object *json, const char *key)
{
	const char *value = json_read_string(json_read_member(json, key));

	return value != NULL ? value : "";
}

static int64_t
number(struct json_object *json, const char *key)
{
	return json_object_get_int64(json_read_member(json, key));
}

static size_t
length(struct json_object *json)
{
	return json_read_length(json_read_member(json, "pods"));
}

Test(slice_body, has_the_node_and_its_pods_in_order)
{
	char hash[HASH_MAX + 1];
	struct json_object *json, *owner, *pods;

	put_pod("n1", 2, "10.0.0.2");
	put_pod("n1", 1, "10.0.0.1");
	put_pod("n1", 3, "");
	put_pod("n2", 4, "10.0.0.4");
	json = said(SLICE_BY_LEADER, 1, 1767225600, hash);
	cr_assert_str_eq(text(json, "nodeName"), "n1");
	cr_assert_str_eq(text(json, "nodeUID"), "uid-n1");
	cr_assert_str_eq(text(json, "nodeIP"), "192.0.2.1");
	cr_assert_str_eq(text(json, "writer"), "Leader");
	cr_assert_str_eq(text(json, "lastUpdateTime"), "2026-01-01T00:00:00Z");
	cr_assert_str_eq(text(json_read_member(json, "resources"), "cpuCapacity"), "8");
	owner = json_object_array_get_idx(
	    json_read_member(json_read_member(json, "metadata"), "ownerReferences"), 0);
	cr_assert_str_eq(text(owner, "kind"), "Node");
	cr_assert_str_eq(text(owner, "uid"), "uid-n1");
	pods = json_read_member(json, "pods");
	cr_assert_eq(json_read_length(pods), 2);
	cr_assert_str_eq(text(json_object_array_get_idx(pods, 0), "ip"), "10.0.0.1");
	cr_assert_str_eq(text(json_object_array_get_idx(pods, 1), "ip"), "10.0.0.2");
	cr_assert_eq(number(json, "podCount"), 2);
	cr_assert_eq(number(json, "parts"), 1);
	json_object_put(json);
}

/* Of all but the time. */
Test(slice_body, the_hash_is_of_what_is_told)
{
	char one[HASH_MAX + 1], other[HASH_MAX + 1];

	put_pod("n1", 1, "10.0.0.1");
	json_object_put(said(SLICE_BY_LEADER, 1, 1000, one));
	json_object_put(said(SLICE_BY_LEADER, 1, 2000, other));
	cr_assert_str_eq(one, other);
	json_object_put(said(SLICE_BY_AGENT, 1, 1000, other));
	cr_assert_str_neq(one, other);
	put_pod("n1", 1, "10.0.0.2");
	json_object_put(said(SLICE_BY_LEADER, 1, 1000, other));
	cr_assert_str_neq(one, other);
	cr_assert_str_eq(tracker_json_hash(other), other);
	cr_assert_str_eq(tracker_json_hash("\",\"x\":\""), "");
}

/* More pods than one takes: each stands in one of them. */
Test(slice_body, a_node_with_many_pods_has_more)
{
	unsigned parts = 1;
	size_t pods = 0;

	for (unsigned i = 0; i < 1000; i++)
		put_pod("n1", i, "10.0.0.1");
	for (unsigned part = 1; part <= parts; part++) {
		char hash[HASH_MAX + 1];
		struct json_object *json = said(SLICE_BY_LEADER, part, 1000, hash);

		parts = body.parts;
		pods += length(json);
		cr_assert_leq(
		    strlen(
			json_object_to_json_string_ext(json_read_member(json, "pods"),
			    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)),
		    SLICE_PODS_BYTES_MAX + 2);
		cr_assert_eq(number(json, "podCount"), 1000);
		cr_assert_eq(number(json, "part"), part);
		cr_assert_eq(number(json, "parts"), parts);
		json_object_put(json);
	}
	cr_assert_geq(parts, 3);
	cr_assert_leq(parts, 5);
	cr_assert_eq(pods, 1000);
}

/* What is beyond the last part is counted. */
Test(slice_body, has_a_limit)
{
	for (unsigned i = 0; i < 25000; i++)
		put_pod("n1", i, "10.0.0.1");
	slice_body_begin(world, world_node(world, "n1"), &body);
	cr_assert_eq(body.parts, SLICE_PARTS_MAX);
	cr_assert_eq(body.pods_len, 25000);
	cr_assert_lt(body.ends[SLICE_PARTS_MAX - 1], 25000);
	cr_assert_gt(body.ends[SLICE_PARTS_MAX - 1], 15000);
	slice_body_end(&body);
}

Test(slice_body, names)
{
	char name[NAME_MAX_LEN + 1], node[NAME_MAX_LEN + 1];

	slice_body_name("a", 1, false, name);
	cr_assert_str_eq(name, "a");
	slice_body_name("a", 2, false, name);
	cr_assert_str_eq(name, "a-2");
	slice_body_name("a", 2, true, name);
	cr_assert_str_eq(name, "a-part-2");
	memset(node, 'n', NAME_MAX_LEN);
	node[NAME_MAX_LEN] = '\0';
	slice_body_name(node, 1, false, name);
	cr_assert_str_eq(name, node);
	slice_body_name(node, SLICE_PARTS_MAX, true, name);
	cr_assert_str_eq(name + strlen(name) - strlen("n-part-64"), "n-part-64");
}
