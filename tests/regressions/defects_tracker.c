/* What the Pod IP Tracker does wrong, and ipwarden must not. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_rig.h"
#include "json_read.h"
#include "mem.h"
#include "tracker.h"
#include "tracker_body.h"

#define ALL FAKE_TRACKERS "all"

/* --- the status as text ----------------------------------------------------------- */

static void
put_pod(struct world *world, unsigned i, const char *namespace)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);

	snprintf(fact->name, sizeof fact->name, "web-7d9f8c6b5d-%05u", i);
	snprintf(fact->uid, sizeof fact->uid, "0242ac12-9a3e-4d51-4f0c-%012u", i);
	snprintf(
	    fact->ip, sizeof fact->ip, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	snprintf(fact->ip_other, sizeof fact->ip_other, "fd00::%x", i);
	MESSAGE_TEXT(fact->node, "n");
	MESSAGE_TEXT(fact->namespace, namespace);
	world_put_pod(world, fact);
	free(fact);
}

static struct world *
make_world(void)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);
	struct world *world = world_new();

	MESSAGE_TEXT(fact->name, "n");
	MESSAGE_TEXT(fact->uid, "u");
	world_put_node(world, fact);
	free(fact);
	return world;
}

/* What a tracker of that namespace says; frees the world. json_object_put. */
static struct json_object *
said(struct world *world, const char *namespace, struct tracker_body *ret_body)
{
	struct json_object *json;
	struct buf out;

	buf_init(&out, 16u << 20);
	buf_puts(&out, "{");
	tracker_body_put(world, namespace, &out, ret_body);
	buf_puts(&out, "}");
	cr_assert_lt(out.len, 1u << 20, "%zu bytes: no server takes that", out.len);
	json = json_tokener_parse(out.data);
	cr_assert_not_null(json);
	buf_free(&out);
	world_free(world);
	return json;
}

/* The order of a list in memory is no change. */
Test(defect, p1_order_is_stable)
{
	struct world *world = make_world();
	struct tracker_body one, other;

	for (unsigned i = 0; i < 100; i++)
		put_pod(world, i, "default");
	json_object_put(said(world, "", &one));
	world = make_world();
	for (unsigned i = 100; i > 0; i--)
		put_pod(world, i - 1, "default");
	json_object_put(said(world, "", &other));
	cr_assert_eq(one.hash, other.hash, "the same pods, and another text");
}

/* Each pod stands twice, and no server takes the object of some thousands. */
Test(defect, p2_object_stays_below_its_limit)
{
	struct world *world = make_world();
	struct tracker_body body;
	struct json_object *json;
	int64_t count = 0;

	for (unsigned i = 0; i < 6000; i++)
		put_pod(world, i, "default");
	json = said(world, "", &body);
	cr_assert(body.truncated);
	cr_assert_eq(json_read_number(json, "podCount", &count), 1);
	cr_assert_eq(count, 6000);
	json_object_put(json);
}

/* nodeInfo has the pods of every namespace, whatever spec.namespace says. */
Test(defect, p3_nodes_heed_the_namespace)
{
	struct world *world = make_world();
	struct tracker_body body;
	struct json_object *json, *node;

	put_pod(world, 1, "voice");
	put_pod(world, 2, "default");
	json = said(world, "voice", &body);
	node = json_object_array_get_idx(json_read_member(json, "nodeInfo"), 0);
	cr_assert_eq(json_read_length(json_read_member(node, "podIPs")), 1);
	json_object_put(json);
}

/* The first address alone. */
Test(defect, p4_both_addresses_are_told)
{
	struct world *world = make_world();
	struct tracker_body body;
	struct json_object *json, *pod;

	put_pod(world, 1, "default");
	json = said(world, "", &body);
	pod = json_object_array_get_idx(json_read_member(json, "podIPs"), 0);
	cr_assert_eq(json_read_length(json_read_member(pod, "ips")), 2);
	json_object_put(json);
}

/* --- the object ------------------------------------------------------------------- */

static struct json_object *
status_of(const char *path)
{
	return json_read_member(fake_get(fake, path), "status");
}

static void
put_tracker(const char *finalizers)
{
	char json[512];

	snprintf(json, sizeof json,
	    "{\"metadata\":{\"name\":\"all\",\"finalizers\":[%s]},\"spec\":{}}",
	    finalizers);
	fake_put(fake, ALL, json);
}

static void
start(void)
{
	put_tracker("");
	fake_start(fake);
	fake_run(fake, 5000);
	cr_assert_not_null(status_of(ALL));
}

/* The column Pods reads what is nowhere written. */
Test(defect, p5_column_has_its_count)
{
	int64_t count = -1;

	start();
	cr_assert_eq(json_read_number(status_of(ALL), "podCount", &count), 1);
}

/* The entry of a node that was deleted stays. */
Test(defect, p6_deleted_node_goes)
{
	start();
	cr_assert_eq(json_read_length(json_read_member(status_of(ALL), "nodeInfo")), 3);
	fake_delete(fake, FAKE_NODES "n3");
	fake_run(fake, 5000);
	cr_assert_eq(json_read_length(json_read_member(status_of(ALL), "nodeInfo")), 2);
}

/* Any event about a pod is a write. */
Test(defect, p7_nothing_is_written_for_nothing)
{
	unsigned long writes;

	start();
	writes = fake->writes;
	for (int i = 0; i < 5; i++) {
		fake_patch(fake, FAKE_PODS "sip-1",
		    i % 2 == 0 ? "{\"metadata\":{\"labels\":{\"x\":\"1\"}}}"
			       : "{\"metadata\":{\"labels\":{\"x\":\"2\"}}}");
		fake_run(fake, 3000);
	}
	cr_assert_eq(fake->writes, writes);
}

/* Who has its finalizer waits for good when its controller is gone. */
Test(defect, p8_deleted_tracker_is_let_go)
{
	start();
	put_tracker("\"" TRACKER_FINALIZER "\"");
	fake_ask_delete(fake, ALL);
	fake_run(fake, 5000);
	cr_assert_null(fake_get(fake, ALL));
}
