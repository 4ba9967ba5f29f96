/* The agent of a node, and 500 of them at once beside a leader. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "agent_rig.h"
#include "json_read.h"
#include "mem.h"
#include "tracker.h"

TestSuite(agent, .init = rig_setup, .fini = rig_teardown, .timeout = 120);

/* --- one of them ------------------------------------------------------------------ */

static struct rig_peer *
start(unsigned pods)
{
	struct rig_peer *peer = rig_make_peer("n1");

	rig_list(peer, pods);
	rig_run(2000);
	return peer;
}

static size_t
shown(const char *name)
{
	return json_read_length(json_read_member(rig_slice(name), "pods"));
}

Test(agent, writes_its_node)
{
	struct rig_peer *peer = start(3);

	cr_assert_eq(shown("n1"), 3);
	cr_assert_str_eq(rig_text(rig_slice("n1"), "nodeUID"), "node-uid");
	cr_assert_str_eq(rig_text(rig_slice("n1"), "writer"), "Agent");
	cr_assert_str_eq(rig_text(rig_slice("n1"), "nodeIP"), "10.9.0.1");
	cr_assert_str_eq(peer->reason, "");
	cr_assert_eq(rig.writes, 1);
	cr_assert_eq(rig.lines, 2, "of the patch that found nothing, and the POST");
	rig_run(5000);
	rig_tell_pod(peer, "n1", 9, "10.0.0.9");
	rig_run(2000);
	cr_assert_eq(shown("n1"), 4);
	rig_tell_pod_gone(peer, "n1", 9);
	rig_run(2000);
	cr_assert_eq(shown("n1"), 4, "not within five seconds of the last");
	rig_run(5000);
	cr_assert_eq(shown("n1"), 3);
	cr_assert_eq(rig.writes, 3);
}

Test(agent, what_is_there_is_patched)
{
	rig_put_slice("n1", "n1");
	start(3);
	cr_assert_eq(shown("n1"), 3);
	cr_assert_eq(rig.missing, 1, "of the sweep alone");
	cr_assert_eq(rig.conflicts, 0);
}

Test(agent, unknown_is_not_absent)
{
	struct rig_peer *peer = start(3);

	rig_run(10000);
	core_watcher(peer->core, rig_now(), false);
	rig_run(10000);
	cr_assert_str_eq(peer->reason, "the watcher is not there");
	core_watcher(peer->core, rig_now(), true);
	rig_tell_sync(peer, FACT_KIND_NODE, SYNC_BEGIN);
	rig_tell_node(peer, "n1", "node-uid");
	rig_tell_sync(peer, FACT_KIND_NODE, SYNC_END);
	rig_tell_sync(peer, FACT_KIND_POD, SYNC_BEGIN);
	rig_tell_pod(peer, "n1", 7, "10.0.0.7");
	rig_run(20000);
	cr_assert_str_eq(peer->reason, "the watch is not complete");
	cr_assert_eq(shown("n1"), 3);
	rig_tell_sync(peer, FACT_KIND_POD, SYNC_END);
	rig_run(2000);
	cr_assert_eq(shown("n1"), 1);
	cr_assert_str_eq(peer->reason, "");
}

Test(agent, a_node_that_is_not_there)
{
	struct rig_peer *peer = rig_make_peer("n1");

	core_watcher(peer->core, rig_now(), true);
	for (int kind = 0; kind <= FACT_KIND_POD; kind++) {
		rig_tell_sync(peer, kind, SYNC_BEGIN);
		rig_tell_sync(peer, kind, SYNC_END);
	}
	rig_run(10000);
	cr_assert_neq(strstr(peer->reason, "no node of that name"), NULL);
	cr_assert_eq(rig.writes, 0);
	rig_tell_node(peer, "n1", "node-uid");
	rig_run(2000);
	cr_assert_eq(rig.writes, 1);
}

Test(agent, another_node_of_that_name)
{
	struct rig_peer *peer = start(1);

	rig_run(10000);
	rig_tell_node(peer, "n1", "another-uid");
	rig_run(2000);
	cr_assert_str_eq(rig_text(rig_slice("n1"), "nodeUID"), "another-uid");
}

/* The leader sees by it that there is an agent; and agents do not come together. */
Test(agent, is_written_again_though_nothing_changed)
{
	unsigned long writes;

	start(1);
	rig_run(AGENT_REFRESH_LEAST_MS - 5000);
	cr_assert_eq(rig.writes, 1);
	rig_run(AGENT_REFRESH_MOST_MS - AGENT_REFRESH_LEAST_MS + 5000);
	cr_assert_eq(rig.writes, 2);
	writes = rig.writes;
	rig_run(24 * AGENT_REFRESH_MOST_MS);
	cr_assert_geq(rig.writes - writes, 24);
	cr_assert_leq(rig.writes - writes, 30);
	cr_assert_eq(rig.conflicts, 0);
}

/* 64 KiB are some 300 pods. */
Test(agent, more_than_one_slice)
{
	struct rig_peer *peer = start(700);

	cr_assert_gt(shown("n1"), 100);
	cr_assert_eq(shown("n1") + shown("n1-2") + shown("n1-3"), 700);
	cr_assert_eq(json_read_length(json_read_member(rig_slice("n1-3"), "pods")),
	    shown("n1-3"));
	for (unsigned i = 0; i < 650; i++)
		rig_tell_pod_gone(peer, "n1", i);
	rig_run(10000);
	cr_assert_eq(shown("n1"), 50);
	cr_assert_null(rig_slice("n1-2"));
	cr_assert_null(rig_slice("n1-3"));
	cr_assert_str_eq(peer->reason, "");
}

Test(agent, names_of_other_nodes)
{
	rig_put_slice("n1-2", "n1-2");
	rig_put_slice("n1-part-2", "n1");
	rig_put_slice("n1-3", "n1");
	start(1);
	rig_run(2000);
	cr_assert_not_null(rig_slice("n1-2"), "that of another node is gone");
	cr_assert_null(rig_slice("n1-part-2"));
	cr_assert_null(rig_slice("n1-3"));
	for (unsigned i = 0; i < 700; i++)
		rig_tell_pod(&rig.peers[0], "n1", i, "10.0.0.1");
	rig_run(10000);
	cr_assert_eq(shown("n1-2"), 0);
	cr_assert_eq(shown("n1") + shown("n1-part-2"), 700);
	cr_assert_gt(shown("n1-part-2"), 0);
}

/* Not all of it can be written: it does not say that it is. */
Test(agent, a_part_without_a_name)
{
	struct rig_peer *peer;

	rig_put_slice("n1-2", "n1-2");
	rig_put_slice("n1-part-2", "n1-part-2");
	peer = start(700);
	rig_run(10000);
	cr_assert_neq(strstr(peer->reason, "other nodes'"), NULL, "%s", peer->reason);
	rig_run(AGENT_REFRESH_MOST_MS);
	cr_assert_neq(strstr(peer->reason, "other nodes'"), NULL, "%s", peer->reason);
	rig_put_slice("n1-part-2", "n1");
	rig_run(AGENT_REFRESH_MOST_MS + 2000);
	cr_assert_eq(shown("n1") + shown("n1-part-2"), 700);
	cr_assert_str_eq(peer->reason, "");
}

/* The node goes that has the first name, and its slice with it. */
Test(agent, a_part_whose_first_name_becomes_free)
{
	struct rig_peer *peer;

	rig_put_slice("n1-2", "n1-2");
	rig_put_slice("n1-part-2", "n1-part-2");
	peer = start(700);
	rig_run(10000);
	cr_assert_neq(strstr(peer->reason, "other nodes'"), NULL, "%s", peer->reason);
	map_drop(rig.objects, SLICE_COLLECTION "/n1-2");
	rig_run(AGENT_REFRESH_MOST_MS + 2000);
	cr_assert_eq(shown("n1") + shown("n1-2") + shown("n1-3"), 700);
	cr_assert_gt(shown("n1-2"), 0);
	cr_assert_eq(shown("n1-part-2"), 0);
	cr_assert_str_eq(peer->reason, "");
}

/* What the node says of itself, escaped, beside as many pods as one may have. */
static void
tell_node_with_much(struct rig_peer *peer, size_t bytes)
{
	struct message *message = mem_calloc(1, sizeof *message);
	char value[1000];

	cr_assert_lt(bytes, sizeof value);
	memset(value, 1, bytes);
	value[bytes] = '\0';
	message->type = MSG_FACT_NODE;
	MESSAGE_TEXT(message->u.fact_node.name, peer->node);
	MESSAGE_TEXT(message->u.fact_node.uid, "node-uid");
	for (int i = 0; i < 4; i++)
		pack_add(&message->u.fact_node.resources, value);
	rig_tell(peer, message);
}

Test(agent, one_that_is_too_large)
{
	struct rig_peer *peer = start(500);

	cr_assert_str_eq(peer->reason, "");
	tell_node_with_much(peer, 600);
	rig_run(10000);
	cr_assert_neq(strstr(peer->reason, "too large"), NULL, "%s", peer->reason);
	tell_node_with_much(peer, 1);
	rig_run(10000);
	cr_assert_str_eq(peer->reason, "");
}

/* --- refused ---------------------------------------------------------------------- */

Test(agent, a_definition_that_is_not_installed)
{
	struct rig_peer *peer;

	rig.unserved = true;
	peer = start(1);
	cr_assert_neq(strstr(peer->reason, "PodTrackerSlice is not installed"), NULL);
	rig_run(600000);
	cr_assert_leq(rig.missing, 40, "%lu", rig.missing);
	rig.unserved = false;
	rig_run(130000);
	cr_assert_eq(shown("n1"), 1);
	cr_assert_str_eq(peer->reason, "");
}

Test(agent, answers_that_contradict_each_other)
{
	rig_put_slice("n1", "n1");
	rig.status = 404;
	rig.refused = "PATCH";
	start(1);
	rig_run(60000);
	cr_assert_leq(rig.missing + rig.conflicts, 120, "%lu and %lu", rig.missing,
	    rig.conflicts);
	rig.status = 0;
	rig_run(10000);
	cr_assert_eq(shown("n1"), 1);
}

Test(agent, an_outage)
{
	struct rig_peer *peer = start(1);

	rig_run(10000);
	rig.status = 503;
	rig_tell_pod(peer, "n1", 5, "10.0.0.5");
	rig_run(300000);
	cr_assert_neq(strstr(peer->reason, "not written"), NULL);
	cr_assert_leq(rig.lines, 20, "%lu", rig.lines);
	rig.status = 0;
	rig_run(130000);
	cr_assert_eq(shown("n1"), 2);
	cr_assert_str_eq(peer->reason, "");
}

Test(agent, a_stop_waits_for_what_is_open)
{
	struct rig_peer *peer = rig_make_peer("n1");

	rig_list(peer, 1);
	rig_run(1);
	cr_assert_not(core_quiet(peer->core));
	core_stop(peer->core, rig_now());
	rig_run(1000);
	cr_assert(core_quiet(peer->core));
}

/* --- 500 of them ------------------------------------------------------------------ */

#define TRACKER "all"

static void
tell_tracker(struct rig_peer *leader)
{
	struct message *message = mem_calloc(1, sizeof *message);

	message->type = MSG_FACT_TRACKER;
	MESSAGE_TEXT(message->u.fact_tracker.name, TRACKER);
	MESSAGE_TEXT(message->u.fact_tracker.uid, "tracker-uid");
	MESSAGE_TEXT(message->u.fact_tracker.resource_version, "1");
	message->u.fact_tracker.generation = 1;
	rig_tell(leader, message);
}

/* It sees all nodes, pods and slices, and has a PodTracker to write. */
static struct rig_peer *
start_leader(size_t nodes)
{
	struct rig_peer *leader = rig_make_peer("");

	core_watcher(leader->core, rig_now(), true);
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		rig_tell_sync(leader, kind, SYNC_BEGIN);
		for (size_t i = 0; i < nodes && kind == FACT_KIND_NODE; i++)
			rig_tell_node(leader, rig.peers[i].node, "node-uid");
		for (size_t i = 0; i < nodes && kind == FACT_KIND_POD; i++)
			rig_tell_pod(leader, rig.peers[i].node, 0, "10.0.0.1");
		if (kind == FACT_KIND_TRACKER)
			tell_tracker(leader);
		for (size_t i = 0; i < nodes && kind == FACT_KIND_SLICE; i++)
			rig_tell_slice(leader, rig.peers[i].node);
		rig_tell_sync(leader, kind, SYNC_END);
	}
	core_lead(leader->core, rig_now(), 1);
	core_grant(leader->core, rig_now(), (struct boot_time){rig.now_ms + 600000},
	    10000, 2000);
	rig.leader = leader;
	return leader;
}

/* Nodes whose new pod stands in nodeInfo. */
static size_t
complete(void)
{
	struct json_object *status = json_read_member(
	    rig_get(TRACKER_COLLECTION "/" TRACKER "/status"), "status");
	struct json_object *nodes = json_read_member(status, "nodeInfo");
	size_t count = 0;

	for (size_t i = 0; i < json_read_length(nodes); i++)
		count += json_read_length(json_read_member(
			     json_object_array_get_idx(nodes, i), "podIPs")) == 2;
	return count;
}

/* nodeInfo is the leader's own, of its watch. Agents take no part in it, and do not
 * keep it from being written: however many slices the leader is told of, it writes the
 * one status a few times, and leaves slices to their agents. */
Test(agent, five_hundred_at_once)
{
	struct rig_peer *leader;
	unsigned long by_leader;
	char node[16];
	size_t right = 0;

	for (unsigned i = 0; i < RIG_AGENTS_MAX; i++) {
		snprintf(node, sizeof node, "node-%u", i);
		rig_list(rig_make_peer(node), 1);
	}
	rig_run(30000);
	leader = start_leader(RIG_AGENTS_MAX);
	rig_run(30000);
	rig.conflicts = rig.missing = 0;
	by_leader = leader->writes;
	for (unsigned i = 0; i < RIG_AGENTS_MAX; i++)
		rig.peers[i].writes = 0;
	for (unsigned i = 0; i < RIG_AGENTS_MAX; i++) {
		rig_tell_pod(&rig.peers[i], rig.peers[i].node, 1, "10.0.0.2");
		rig_tell_pod(leader, rig.peers[i].node, 1, "10.0.0.2");
	}
	rig_run(2000);
	for (unsigned i = 0; i < RIG_AGENTS_MAX; i++)
		right += shown(rig.peers[i].node) == 2 && rig.peers[i].writes == 1;
	cr_assert_eq(right, RIG_AGENTS_MAX, "%zu slices are right", right);
	cr_assert_eq(complete(), RIG_AGENTS_MAX, "nodeInfo has %zu", complete());
	cr_assert_eq(rig.conflicts, 0);
	cr_assert_eq(rig.missing, 0);
	cr_assert_leq(leader->writes - by_leader, 2, "%lu", leader->writes - by_leader);
	/* the slices, and the PodTracker with its event */
	cr_assert_leq(map_count(rig.objects), RIG_AGENTS_MAX + 2);
}
