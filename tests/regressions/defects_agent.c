/* What the Pod IP Tracker's agents do wrong (README.md). */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "agent_rig.h"
#include "json_read.h"

TestSuite(defect, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

#define AGENTS 50u

/* All of them write into one object, again and again until nobody else has. */
Test(defect, p9_each_agent_writes_its_own_object)
{
	char node[16];

	for (unsigned i = 0; i < AGENTS; i++) {
		snprintf(node, sizeof node, "node-%u", i);
		rig_list(rig_make_peer(node), 1);
	}
	rig_run(30000);
	rig.conflicts = 0;
	for (unsigned i = 0; i < AGENTS; i++)
		rig_tell_pod(&rig.peers[i], rig.peers[i].node, 1, "10.0.0.2");
	rig_run(10000);
	cr_assert_eq(map_count(rig.objects), AGENTS, "%zu objects are written",
	    (size_t)map_count(rig.objects));
	for (unsigned i = 0; i < AGENTS; i++) {
		cr_assert_eq(json_read_length(json_read_member(
				 rig_slice(rig.peers[i].node), "pods")),
		    2);
		cr_assert_eq(rig.peers[i].writes, 2);
	}
	cr_assert_eq(rig.conflicts, 0);
}

/* Any of them may write the entry of any node. */
Test(defect, p10_entries_of_other_nodes_stay)
{
	struct rig_peer *peer;

	rig_put_slice("n1-2", "n1-2");
	rig_put_slice("n2", "n2");
	peer = rig_make_peer("n1");
	rig_list(peer, 700); /* more than one slice */
	rig_tell_node(peer, "n2", "another-uid");
	rig_tell_pod(peer, "n2", 0, "10.0.0.1");
	rig_run(30000);
	cr_assert_str_eq(rig_text(rig_slice("n1"), "nodeName"), "n1");
	cr_assert_str_eq(rig_text(rig_slice("n1-2"), "nodeName"), "n1-2");
	cr_assert_eq(json_read_length(json_read_member(rig_slice("n1-2"), "pods")), 0);
	cr_assert_eq(json_read_length(json_read_member(rig_slice("n2"), "pods")), 0);
}
