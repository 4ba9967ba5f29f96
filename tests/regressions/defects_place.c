/* What the IP Address Controller does wrong with where addresses are, and ipwarden must
 * not: the core in a small world. README.md says which patch brings each back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(defect, .init = rig_make_world, .fini = rig_end_world, .timeout = 60);

/* --- helpers ---------------------------------------------------------------------- */

static bool
labelled(const char *node)
{
	return strcmp(fake_label(fake, node, "ip.ready"), "true") == 0;
}

static const char *
reason_of(const char *address)
{
	return fake_entry(fake, "web", address, "reason");
}

/* Allocation web of one address, and time for what it brings. */
static void
run_one(const char *more_spec)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", more_spec);
	fake_start(fake);
	fake_run(fake, 60000);
}

/* Its address is on n1. */
static void
attach_one(const char *more_spec)
{
	run_one(more_spec);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(labelled("n1"));
}

static void
delete_pod(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, FAKE_PODS "%s", name);
	fake_delete(fake, path);
}

/* No node is left for the address of n1 but `node`. */
static void
drain_all_but(const char *node)
{
	static const char *const nodes[] = {"n1", "n2", "n3"};

	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
		if (strcmp(nodes[i], node) != 0)
			fake_cordon(fake, nodes[i], true);
	delete_pod("sip-1");
	delete_pod("sip-2");
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_run(fake, 60000);
}

/* --- what an outage looks like ---------------------------------------------------- */

Test(defect, 01_outage_is_not_absence)
{
	unsigned long writes;

	fake_picky_pod(fake, "sip-1", "n1");
	rig_attach_both();
	fake->cloud_down = true;
	fake_run(fake, 300000);
	cr_assert(labelled("n1") && labelled("n2"), "a label is gone");
	cr_assert_eq(fake->evicted, 0);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "Unknown");
	writes = fake->writes;
	fake->cloud_down = false;
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_run(fake, 60000);
	cr_assert_leq(fake->writes - writes, 2, "more than the status was written");
}

Test(defect, 02_allocations_do_not_fight)
{
	unsigned long writes;

	attach_one("");
	fake_allocation(fake, "api", "[\"34.1.1.2\"]", "");
	fake_run(fake, 60000);
	cr_assert(labelled("n2"));
	writes = fake->writes;
	fake_run(fake, 600000);
	cr_assert(labelled("n1") && labelled("n2"), "a label is gone");
	cr_assert_eq(fake->writes, writes, "%lu writes", fake->writes - writes);
	cr_assert_eq(fake->evicted, 0);
}

/* --- whose pods count ------------------------------------------------------------- */

Test(defect, 03_workload_is_matched_exactly)
{
	fake_pod(fake, "other", "n1", "my-sip-2");
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"), "another Deployment's pod holds it");
}

Test(defect, 06_daemonset_pods_count)
{
	fake_put(fake, "/apis/apps/v1/namespaces/default/daemonsets/sip",
	    "{\"kind\":\"DaemonSet\",\"metadata\":{\"name\":\"sip\"}}");
	fake_put(fake, FAKE_PODS "sip-d",
	    "{\"metadata\":{\"name\":\"sip-d\",\"namespace\":\"default\","
	    "\"ownerReferences\":[{\"controller\":true,\"kind\":\"DaemonSet\","
	    "\"name\":\"sip\"}]},\"spec\":{\"nodeName\":\"n1\"},"
	    "\"status\":{\"phase\":\"Running\"}}");
	attach_one(",\"workloadRef\":{\"kind\":\"DaemonSet\",\"name\":\"sip\"}");
	fake_cordon(fake, "n1", true);
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"), "it left a running pod");
	cr_assert(labelled("n1"));
	cr_assert_str_eq(reason_of("34.1.1.1"), "InUse");
}

/* --- where an address goes -------------------------------------------------------- */

Test(defect, 04a_move_heeds_the_selector)
{
	fake_patch(fake, FAKE_NODES "n3",
	    "{\"metadata\":{\"labels\":{\"pool\":\"internal\"}}}");
	attach_one("");
	drain_all_but("n3");
	cr_assert(rig_on("34.1.1.1", "n1"), "it went to a node of another pool");
	cr_assert_str_eq(reason_of("34.1.1.1"), "NoEligibleNode");
}

/* Which no allocation lists: it is somebody else's. */
Test(defect, 04b_move_takes_no_static_address_away)
{
	struct fake_instance *n3 = fake_instance(fake, "n3");

	fake_reserve(fake, "34.9.9.9", "us-west1");
	snprintf(n3->address, sizeof n3->address, "34.9.9.9");
	snprintf(n3->fence, sizeof n3->fence, "External NAT");
	attach_one("");
	drain_all_but("n3");
	cr_assert(rig_on("34.9.9.9", "n3"), "the node's own static address is gone");
	cr_assert(rig_on("34.1.1.1", "n1"));
}

static bool
nowhere(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") == NULL;
}

static size_t
count_attaches(void)
{
	size_t count = 0;

	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		count += kept->order.kind == ORDER_ATTACH;
	}
	return count;
}

Test(defect, 05a_move_attaches_once)
{
	size_t attaches;

	fake_node(fake, "n4", "us-west1-b", false);
	rig_attach_both();
	attaches = count_attaches();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, nowhere, 30000));
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_eq(count_attaches(), attaches + 1, "it was attached elsewhere, too");
	cr_assert_neq(fake_instance(fake, "n4")->address[0], '\0',
	    "a third node is without a public address");
}

static bool
room_made(struct fake *unused)
{
	(void)unused;
	return fake_instance(fake, "n2")->address[0] == '\0';
}

Test(defect, 05b_failed_move_is_rolled_back)
{
	attach_one("");
	rig_drain("n1", "sip-1", "n2");
	cr_assert(fake_until(fake, room_made, 30000));
	fake->faults.order_fail = 1000;
	fake_run(fake, 1000);
	fake->faults.order_fail = 0;
	fake_run(fake, 50000);
	cr_assert_not_null(fake_where(fake, "34.1.1.1"));
	cr_assert(!rig_on("34.1.1.1", "n2"), "the attach to n2 did not fail");
	cr_assert(!room_made(fake), "n2 is left without a public address");
}

/* --- dead nodes ------------------------------------------------------------------- */

Test(defect, 07a_nothing_is_attached_to_a_node_that_is_not_ready)
{
	fake_ready(fake, "n1", false);
	fake_ready(fake, "n2", false);
	fake_ready(fake, "n3", false);
	run_one("");
	cr_assert(nowhere(fake), "it went to a node that is not ready");
	cr_assert_str_eq(reason_of("34.1.1.1"), "NoEligibleNode");
}

Test(defect, 07b_dead_node_loses_its_address)
{
	attach_one("");
	fake_ready(fake, "n1", false);
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_run(fake, 400000);
	cr_assert(!rig_on("34.1.1.1", "n1"), "a dead node keeps it");
	cr_assert_not_null(fake_where(fake, "34.1.1.1"));
}

/* --- what the spec says ----------------------------------------------------------- */

Test(defect, 12a_provider_is_heeded)
{
	run_one(",\"cloud\":{\"provider\":\"aws\"}");
	cr_assert_eq(fake->ordered, 0, "an aws allocation changes GCP");
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Accepted"), "False/ProviderNotSupported");
}

Test(defect, 12b_region_is_heeded)
{
	run_one(",\"cloud\":{\"provider\":\"gcp\",\"region\":\"us-east1\"}");
	cr_assert_eq(fake->ordered, 0, "attached in another region");
	cr_assert_str_eq(reason_of("34.1.1.1"), "AddressInOtherRegion");
}

Test(defect, 12c_zones_are_heeded)
{
	run_one(",\"cloud\":{\"provider\":\"gcp\",\"zones\":[\"us-west1-b\"]}");
	cr_assert(rig_on("34.1.1.1", "n2"), "attached in another zone");
}

/* A node whose name is not its instance's, which another one has. */
Test(defect, 13a_instance_comes_from_the_provider_id)
{
	fake_node(fake, "worker", "us-west1-a", false);
	fake_patch(fake, FAKE_NODES "worker",
	    "{\"metadata\":{\"labels\":{\"pool\":\"edge\",\"own\":\"yes\"}},"
	    "\"spec\":{\"providerID\":\"gce://demo/us-west1-a/vm-77\"}}");
	fake_add_instance(fake, "vm-77", "us-west1-a");
	fake_instance(fake, "worker")->foreign = true;
	run_one(",\"nodeSelector\":{\"own\":\"yes\"}");
	cr_assert(rig_on("34.1.1.1", "vm-77"), "it is not on the node's instance");
}

Test(defect, 15a_empty_selector_leaves_the_control_plane_out)
{
	static const char control_plane[] =
	    "{\"metadata\":{\"labels\":{\"node-role.kubernetes.io/control-plane\":"
	    "\"\"}}}";

	fake_patch(fake, FAKE_NODES "n1", control_plane);
	fake_patch(fake, FAKE_NODES "n2", control_plane);
	fake_patch(fake, FAKE_NODES "n3", control_plane);
	run_one(",\"nodeSelector\":{}");
	cr_assert(nowhere(fake), "it went to the control plane");
	cr_assert_str_eq(reason_of("34.1.1.1"), "NoEligibleNode");
}

Test(defect, 15b_bad_addresses_are_told)
{
	fake_allocation(fake, "web", "[\"34.1.1\",\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(reason_of("34.1.1"), "InvalidAddress");
	cr_assert(rig_on("34.1.1.1", "n1"), "it harms the others");
}

Test(defect, 15c_an_address_has_one_owner)
{
	attach_one("");
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "late", "34.1.1.1", "reason"), "Conflict");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/AllAttached");
	cr_assert_str_eq(
	    fake_label(fake, "n1", "netinfra.darkbrains.com/allocation"), "web");
}
