/* Right before something is taken away it is read again: a read that fails allows
 * nothing, and nothing is read by a name that no object can have. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>

#include "core_rig.h"
#include "json_read.h"

TestSuite(core_check, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static void
refuse_reads(const char *part, int status)
{
	fake->refuse.method = "GET";
	fake->refuse.part = part;
	fake->refuse.status = status;
	fake->refuse.message = "";
	fake->refuse.count = 1000;
}

/* --- reads that fail -------------------------------------------------------------- */

static bool
moved(struct fake *unused)
{
	return rig_on("34.1.1.1", "n3") && rig_both_attached(unused);
}

/* The watcher has not told of a pod on n1: only these reads know of it. */
static void
stays_for_a_pod_untold(const char *part, int status)
{
	rig_attach_both();
	fake->mute = FAKE_PODS "sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	fake_run(fake, 1000);
	refuse_reads(part, status);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert_lt(fake->refuse.count, 1000, "%s: %d: it was read", part, status);
	cr_assert(rig_on("34.1.1.1", "n1"), "%s: %d", part, status);
	cr_assert(rig_labelled("n1"), "%s: %d", part, status);
	fake->refuse.count = 0;
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"), "%s: %d: then", part, status);
	fake_delete(fake, FAKE_PODS "sip-9");
	cr_assert(fake_until(fake, moved, 300000), "%s: %d", part, status);
}

Test(core_check, pods_that_cannot_be_read_keep_the_address)
{
	static const int statuses[] = {200, 403, 404, 503};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		stays_for_a_pod_untold("/api/v1/pods?fieldSelector", statuses[i]);
		rig_end_world();
		rig_make_world();
	}
}

/* Of a node that is gone no pod would be asked: a 404 that is not the API's own says no
 * such thing. */
Test(core_check, a_node_that_cannot_be_read_is_not_gone)
{
	static const int statuses[] = {200, 403, 404, 503};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		stays_for_a_pod_untold(FAKE_NODES "n1", statuses[i]);
		rig_end_world();
		rig_make_world();
	}
}

Test(core_check, a_workload_that_cannot_be_read_keeps_the_address)
{
	static const int statuses[] = {403, 404, 503};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		rig_attach_both();
		refuse_reads(FAKE_DEPLOYMENTS "sip", statuses[i]);
		rig_drain("n1", "sip-1", "n3");
		fake_run(fake, 60000);
		cr_assert_lt(fake->refuse.count, 1000, "%d: it was read", statuses[i]);
		cr_assert(rig_on("34.1.1.1", "n1"), "%d", statuses[i]);
		cr_assert_str_neq(fake_entry(fake, "web", "34.1.1.1", "reason"),
		    "WorkloadNotFound", "%d", statuses[i]);
		fake->refuse.count = 0;
		cr_assert(fake_until(fake, moved, 300000), "%d", statuses[i]);
		rig_end_world();
		rig_make_world();
	}
}

/* It is marked, and all its pods are deleted, right after it was read for the plan. */
Test(core_check, a_definition_that_goes_just_before_keeps_the_address)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 20000);
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "InUse"));
	fake_patch(fake, FAKE_DEFINITION,
	    "{\"metadata\":{\"finalizers\":[\"x\"],\"deletionTimestamp\":"
	    "\"2026-11-20T00:20:00Z\"}}");
	rig_nobody_uses_them();
	cr_assert(fake_until(fake, rig_gone, 5000));
	rig_left();
}

/* --- what is read, of whom, and for how long ---------------------------------------
 */

/* Nothing is written for a release, and no label goes, before it was read. */
Test(core_check, a_pod_untold_holds_up_a_release_before_it_begins)
{
	rig_attach_both();
	fake->mute = FAKE_PODS "sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	rig_unused("n1", "sip-1");
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	for (int i = 0; i < 600; i++) {
		fake_run(fake, 100);
		cr_assert_not(fake_has_intent(fake, "web"));
		cr_assert(rig_labelled("n1"));
	}
	cr_assert(rig_on("34.1.1.1", "n1"));
}

/* What the watcher has not told of the node yet: it is to be left alone. */
Test(core_check, a_node_just_skipped_keeps_the_address)
{
	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_run(fake, 3000);
	fake->mute = FAKE_NODES "n1";
	fake_patch(fake, FAKE_NODES "n1",
	    "{\"metadata\":{\"annotations\":"
	    "{\"netinfra.darkbrains.com/skip\":\"true\"}}}");
	rig_unused("n1", "sip-1");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

/* It came anew under the name of the one that was to be left. */
Test(core_check, another_node_of_that_name_keeps_the_address)
{
	char text[2048];

	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_run(fake, 3000);
	fake->mute = FAKE_NODES "n1";
	snprintf(text, sizeof text, "%s",
	    json_object_to_json_string(fake_get(fake, FAKE_NODES "n1")));
	fake_put(fake, FAKE_NODES "n1", text);
	fake_delete(fake, FAKE_PODS "sip-1");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

Test(core_check, the_definition_is_read_for_a_release_alone)
{
	rig_attach_both();
	refuse_reads(FAKE_DEFINITION, 403);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moved, 60000));
	cr_assert_eq(fake->refuse.count, 1000);
}

/* What was read allows something for ten seconds: labels that stay on take longer. */
Test(core_check, what_was_read_long_ago_is_read_again)
{
	rig_attach_both();
	fake->refuse.method = "PATCH";
	fake->refuse.part = FAKE_NODES "n1";
	fake->refuse.status = 503;
	fake->refuse.message = "";
	fake->refuse.count = 1000;
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 30000);
	cr_assert_lt(fake->refuse.count, 1000);
	fake->mute = FAKE_PODS "sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	fake_run(fake, 15000);
	fake->refuse.count = 0;
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

/* --- the clock of an action ------------------------------------------------------- */

static double action_seconds;
static char action_kind[16];

static void
on_action(enum gauge_op op, enum metric metric, double value, const char *const *labels)
{
	(void)op;
	if (metric != METRIC_ACTION_SECONDS)
		return;
	action_seconds = value;
	snprintf(action_kind, sizeof action_kind, "%s", labels[0]);
}

Test(core_check, an_action_that_waits_for_reads_is_timed_from_its_event)
{
	fake->on_metric = on_action;
	rig_attach_both();
	cr_assert_str_eq(action_kind, "attach");
	refuse_reads("/api/v1/pods?fieldSelector", 503);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, moved, 300000));
	cr_assert_str_eq(action_kind, "move");
	cr_assert_gt(action_seconds, 50.0);
	rig_unused("n3", "sip-new");
	rig_delete_web();
	fake_run(fake, 60000);
	cr_assert_str_eq(action_kind, "release");
	cr_assert_null(fake_where(fake, "34.1.1.1"));
}

/* --- names that no object can have ------------------------------------------------ */

/* As somebody who may write a status could have left it. */
static void
name_node_in_status(const char *name)
{
	struct json_object *status =
	    json_read_member(fake_get(fake, RIG_WEB), "status");
	struct json_object *list = json_read_member(status, "addresses");

	for (size_t i = 0; i < json_read_length(list); i++)
		json_object_object_add(json_object_array_get_idx(list, i), "nodeName",
		    json_object_new_string(name));
}

Test(core_check, a_node_with_a_name_that_leads_elsewhere_is_not_read)
{
	rig_attach_both();
	fake_kill(fake);
	name_node_in_status("../evil?x=");
	fake_delete(fake, FAKE_NODES "n1");
	refuse_reads("evil", 404);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->refuse.count, 1000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

static void
is_not_read(const char *workload)
{
	char spec[128];

	rig_attach_both();
	snprintf(spec, sizeof spec, "{\"spec\":{\"workloadRef\":%s}}", workload);
	fake_patch(fake, RIG_WEB, spec);
	refuse_reads("evil", 503);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert_eq(fake->refuse.count, 1000, "%s", workload);
	cr_assert(rig_on("34.1.1.1", "n1"), "%s", workload);
	fake->refuse.count = 0;
	fake_patch(fake, RIG_WEB,
	    "{\"spec\":{\"workloadRef\":{\"name\":\"sip\","
	    "\"namespace\":\"default\"}}}");
	cr_assert(fake_until(fake, moved, 300000), "%s", workload);
}

Test(core_check, a_workload_with_a_name_that_leads_elsewhere_is_not_read)
{
	is_not_read("{\"name\":\"../evil?x=\"}");
	rig_end_world();
	rig_make_world();
	is_not_read("{\"namespace\":\"../evil?x=\"}");
}
