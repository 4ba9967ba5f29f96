/* Addresses of deleted allocations. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_release, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

/* --- deleted ---------------------------------------------------------------------- */

Test(core_release, a_deleted_allocation_gives_its_addresses_back)
{
	rig_attach_both();
	cr_assert(rig_held(RIG_WEB));
	rig_nobody_uses_them();
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 60000));
	fake_run(fake, 5000);
	rig_released();
	cr_assert_not_null(fake_event(fake, "NetIPAllocation", "Detached", "released"));
	cr_assert_not_null(fake_event(fake, "Node", "Detached", "34.1.1.1"));
}

static bool
ordered(struct fake *unused)
{
	(void)unused;
	return fake->ordered > 0;
}

Test(core_release, the_finalizer_is_there_before_anything_is_begun)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_patch(fake, RIG_WEB, "{\"metadata\":{\"finalizers\":[\"a.example/b\"]}}");
	fake_start(fake);
	while (!fake_has_intent(fake, "web")) {
		cr_assert_lt(fake->now_ms, 1060000);
		fake_run(fake, 1);
	}
	cr_assert(rig_held(RIG_WEB));
	cr_assert(fake_until(fake, ordered, 60000));
	/* what others want stays */
	cr_assert_not_null(strstr(
	    json_object_to_json_string(fake_get(fake, RIG_WEB)), "a.example\\/b"));
}

Test(core_release, a_foreign_finalizer_outlives_ours)
{
	rig_attach_both();
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"finalizers\":[\"a.example/b\","
	    "\"netinfra.darkbrains.com/release-ips\"]}}");
	rig_nobody_uses_them();
	rig_delete_web();
	fake_run(fake, 60000);
	rig_released();
	cr_assert(!rig_gone(fake));
	cr_assert(!rig_held(RIG_WEB));
	fake_patch(fake, RIG_WEB, "{\"metadata\":{\"finalizers\":null}}");
	fake_run(fake, 1000);
	cr_assert(rig_gone(fake));
}

Test(core_release, what_has_no_address_needs_no_finalizer)
{
	fake_allocation(fake, "web", "[\"34.9.9.9\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert(!rig_held(RIG_WEB));
	rig_delete_web();
	cr_assert(rig_gone(fake));
}

Test(core_release, pods_keep_the_addresses)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 300000);
	rig_left();
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "InUse"));
	cr_assert_not_null(
	    strstr(fake_entry(fake, "web", "34.1.1.1", "message"), "sip-1"));
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/InUse");
	cr_assert_str_eq(fake_condition(fake, "web", "Progressing"), "True/InUse");
	cr_assert_not_null(fake_event(fake, "Node", "Held", "34.1.1.1"));
	/* one after the other */
	rig_unused("n1", "sip-1");
	fake_run(fake, 10000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert(rig_on("34.1.1.2", "n2"));
	cr_assert(!rig_gone(fake));
	rig_unused("n2", "sip-2");
	cr_assert(fake_until(fake, rig_gone, 60000));
	rig_released();
}

/* Facts only suggest: what the watcher did not tell is read before anything goes. */
Test(core_release, a_pod_that_was_not_told_of_keeps_the_address)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake->mute = FAKE_PODS "sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	fake_instance(fake, "n1")->steady_since_ms = 1;
	rig_delete_web();
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_labelled("n1"));
	cr_assert_null(fake_where(fake, "34.1.1.2"));
}

/* Whoever writes it waits for something: a value that does nothing is told, once. */
Test(core_release, release_now_is_true_or_it_is_told)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 20000);
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":"
	    "{\"netinfra.darkbrains.com/release-now\":\"True\"}}}");
	fake_run(fake, 60000);
	rig_left();
	cr_assert_not_null(fake_event(fake, "NetIPAllocation", "FieldIgnored",
	    "annotation netinfra.darkbrains.com/release-now has no effect"));
	cr_assert_eq(fake_count_told(fake, "FieldIgnored"), 1);
}

Test(core_release, release_now_does_not_wait_for_pods)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 20000);
	rig_left();
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_instance(fake, "n2")->steady_since_ms = 0;
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":"
	    "{\"netinfra.darkbrains.com/release-now\":\"true\"}}}");
	cr_assert(fake_until(fake, rig_gone, 60000));
	fake_run(fake, 5000);
	rig_released();
}

Test(core_release, a_node_that_is_gone_holds_nothing_up)
{
	rig_attach_both();
	rig_unused("n2", "sip-2");
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_delete(fake, FAKE_NODES "n1");
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 60000));
	cr_assert_null(fake_where(fake, "34.1.1.1"));
}

/* helm uninstall: the workload goes with the allocation. */
Test(core_release, a_workload_that_is_deleted_too)
{
	rig_attach_both();
	fake_delete(fake, FAKE_DEPLOYMENTS "sip");
	rig_delete_web();
	fake_run(fake, 60000);
	rig_left();
	rig_nobody_uses_them();
	cr_assert(fake_until(fake, rig_gone, 90000));
	rig_released();
}

Test(core_release, a_workload_that_never_was)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_pod(fake, "pis-1", "n1", "pis");
	fake_instance(fake, "n1")->steady_since_ms = 1;
	fake_delete(fake, FAKE_DEPLOYMENTS "sip");
	rig_delete_web();
	fake_run(fake, 200000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_null(fake_where(fake, "34.1.1.2"));
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "WorkloadNotFound"));
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Degraded"), "True/WorkloadNotFound");
	rig_unused("n1", "pis-1");
	cr_assert(fake_until(fake, rig_gone, 90000));
}

/* A name that no workload can have. */
Test(core_release, a_workload_that_cannot_be)
{
	rig_attach_both();
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"workloadRef\":{\"name\":\"Sip_1\"}}}");
	rig_delete_web();
	fake_run(fake, 60000);
	rig_left();
	rig_nobody_uses_them();
	cr_assert(fake_until(fake, rig_gone, 90000));
	rig_released();
}

static void
story_release(void)
{
	long crash_at = fake->crash_at;

	fake->crash_at = -1;
	rig_attach_both();
	fake->crash_at = crash_at;
	fake->effects = 0;
	rig_nobody_uses_them();
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 180000), "effect %ld: %s", fake->crash_at,
	    fake_condition(fake, "web", "Progressing"));
	fake_run(fake, 10000);
	rig_released();
}

Test(core_release, survives_death_at_every_effect)
{
	rig_crash_everywhere(story_release, false);
}

Test(core_release, survives_death_before_every_effect)
{
	rig_crash_everywhere(story_release, true);
}

/* The address is between two nodes when the allocation is deleted. */
static void
delete_in_the_middle(unsigned long orders)
{
	unsigned long before;

	rig_attach_both();
	before = fake->ordered;
	rig_drain("n1", "sip-1", "n2");
	while (fake->ordered < before + orders) {
		cr_assert_lt(fake->now_ms, 1200000);
		fake_run(fake, 1);
	}
	rig_delete_web();
	rig_nobody_uses_them();
	rig_unused("n3", "sip-new");
	cr_assert(fake_until(fake, rig_gone, 120000));
	fake_run(fake, 10000);
	rig_released();
	cr_assert_not(rig_labelled("n3"));
}

Test(core_release, in_the_middle_of_a_move_that_has_taken_it_off)
{
	delete_in_the_middle(1);
}

Test(core_release, in_the_middle_of_a_move_that_puts_it_on)
{
	delete_in_the_middle(2);
}

/* --- left where it is ------------------------------------------------------------- */

Test(core_release, retain_needs_no_finalizer)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]",
	    ",\"deletionPolicy\":\"Retain\"");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_run(fake, 2000);
	cr_assert(!rig_held(RIG_WEB));
	rig_delete_web();
	cr_assert(rig_gone(fake));
	fake_run(fake, 300000);
	rig_left();
}

Test(core_release, the_finalizer_goes_with_the_wish)
{
	static const char *const specs[] = {"{\"deletionPolicy\":\"Retain\"}",
	    "{\"policy\":\"AssignOnly\"}", "{\"policy\":\"Observe\"}"};
	char patch[128];

	rig_attach_both();
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		snprintf(patch, sizeof patch, "{\"spec\":%s}", specs[i]);
		fake_patch(fake, RIG_WEB, patch);
		fake_run(fake, 5000);
		cr_assert(!rig_held(RIG_WEB), "%s", specs[i]);
		fake_patch(fake, RIG_WEB,
		    "{\"spec\":{\"deletionPolicy\":null,\"policy\":null}}");
		fake_run(fake, 5000);
		cr_assert(rig_held(RIG_WEB), "%s", specs[i]);
	}
	rig_left();
}

Test(core_release, a_refused_spec_keeps_the_finalizer_and_releases_nothing)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Relase\"}}");
	fake_run(fake, 5000);
	cr_assert(rig_held(RIG_WEB));
	cr_assert_str_eq(fake_condition(fake, "web", "Accepted"), "False/InvalidSpec");
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 10000));
	fake_run(fake, 60000);
	rig_left();
}

Test(core_release, retain_frees_what_is_being_deleted)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 20000);
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_gone, 5000));
	fake_run(fake, 300000);
	rig_left();
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Retained", "2 addresses"));
}

/* Even while nothing can be seen. */
Test(core_release, retain_frees_in_an_outage)
{
	rig_attach_both();
	fake->cloud_down = true;
	rig_delete_web();
	fake_run(fake, 300000);
	cr_assert(!rig_gone(fake));
	cr_assert(rig_is("web", "34.1.1.1", "Unknown", "CloudUnreachable"));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_gone, 5000));
	rig_left();
}

static bool
unlabelled(struct fake *unused)
{
	(void)unused;
	return !rig_labelled("n1");
}

/* The labels are off already: they come back before the object goes. */
Test(core_release, retain_in_the_middle_of_a_release)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_cloud_kill(fake);
	fake_cloud_start(fake);
	rig_delete_web();
	cr_assert(fake_until(fake, unlabelled, 60000));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_gone, 60000));
	for (int i = 1; i <= 2; i++) {
		char node[8], address[16];

		snprintf(node, sizeof node, "n%d", i);
		snprintf(address, sizeof address, "34.1.1.%d", i);
		cr_assert_eq(rig_on(address, node), rig_labelled(node), "%s", node);
	}
}

static void
refuse_finalizer(void)
{
	fake->refuse.method = "PATCH";
	fake->refuse.part = "netipallocations/web";
	fake->refuse.status = 403;
	fake->refuse.message = "cannot patch netipallocations";
	fake->refuse.spare = "/status";
	fake->refuse.count = 1000000;
}

static bool
attaching(struct fake *unused)
{
	(void)unused;
	return rig_is("web", "34.1.1.1", "Attaching", "Moving");
}

/* The address is on no node, and Observe does not put it on one. */
Test(core_release, observe_in_the_middle_of_a_move)
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, attaching, 60000));
	fake_kill(fake);
	rig_delete_web();
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"Observe\"}}");
	/* it is seen that the address is nowhere before the object may go */
	refuse_finalizer();
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert(!rig_gone(fake));
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_gone, 90000));
	cr_assert_null(fake_where(fake, "34.1.1.1"));
}

Test(core_release, nothing_is_released_with_the_definition)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_patch(fake, FAKE_DEFINITION,
	    "{\"metadata\":{\"finalizers\":[\"x\"],\"deletionTimestamp\":"
	    "\"2026-11-20T00:20:00Z\"}}");
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 10000));
	fake_run(fake, 300000);
	rig_left();
	cr_assert_not_null(fake_event(
	    fake, "NetIPAllocation", "Retained", "CustomResourceDefinition"));
}

/* It is marked while one that was deleted before still waits. */
Test(core_release, the_definition_is_looked_at_again)
{
	rig_attach_both();
	rig_delete_web();
	fake_run(fake, 20000);
	fake_patch(fake, FAKE_DEFINITION,
	    "{\"metadata\":{\"finalizers\":[\"x\"],\"deletionTimestamp\":"
	    "\"2026-11-20T00:20:00Z\"}}");
	cr_assert(fake_until(fake, rig_gone, 40000));
	rig_left();
}

static void
refuse_definition(int status)
{
	fake->refuse.method = "GET";
	fake->refuse.part = "customresourcedefinitions";
	fake->refuse.status = status;
	fake->refuse.message = "no";
	fake->refuse.count = 1000000;
}

Test(core_release, a_definition_that_cannot_be_read_holds_everything)
{
	rig_attach_both();
	rig_nobody_uses_them();
	refuse_definition(500);
	rig_delete_web();
	fake_run(fake, 1800000);
	rig_left();
	cr_assert(rig_is("web", "34.1.1.1", "Unknown", "DefinitionUnknown"));
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "False/DefinitionUnknown");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_gone, 90000));
	rig_released();
}

/* Who deletes it does not wait for ever for a right that is missing. */
Test(core_release, a_definition_that_may_not_be_read)
{
	rig_attach_both();
	rig_nobody_uses_them();
	refuse_definition(403);
	rig_delete_web();
	fake_run(fake, 590000);
	cr_assert(!rig_gone(fake));
	cr_assert(rig_is("web", "34.1.1.1", "Unknown", "DefinitionUnknown"));
	cr_assert(fake_until(fake, rig_gone, 20000));
	fake_run(fake, 60000);
	rig_left();
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Retained", "may not be read"));
}

/* The answer is for a leader that is no more. */
Test(core_release, a_lease_that_is_lost_while_the_definition_is_read)
{
	struct boot_time until;

	rig_attach_both();
	rig_nobody_uses_them();
	refuse_definition(500);
	fake->refuse.count = 1;
	rig_delete_web();
	while (fake->refuse.count > 0)
		fake_run(fake, 1);
	core_unlead(fake->core, fake_time(fake));
	fake->term++;
	until.ms = fake->now_ms + FAKE_GRANT_MS;
	core_lead(fake->core, fake_time(fake), fake->term);
	core_grant(fake->core, fake_time(fake), until, 10000, 2000);
	cr_assert(fake_until(fake, rig_gone, 60000));
	rig_released();
}

/* --- what is not known ------------------------------------------------------------ */

Test(core_release, an_outage_releases_nothing)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake->cloud_down = true;
	fake_run(fake, 120000);
	rig_delete_web();
	fake_run(fake, 600000);
	rig_left();
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "False/CloudUnreachable");
	fake->cloud_down = false;
	cr_assert(fake_until(fake, rig_gone, 90000));
	rig_released();
}

Test(core_release, without_a_watcher_nothing_is_released)
{
	unsigned long ordered_before;

	rig_attach_both();
	rig_nobody_uses_them();
	rig_delete_web();
	fake_run(fake, 40);
	core_watcher(fake->core, fake_time(fake), false);
	ordered_before = fake->ordered;
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered_before);
	fake_watch_start(fake);
	cr_assert(fake_until(fake, rig_gone, 60000));
}

Test(core_release, beside_the_old_controller_it_waits)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_controller(fake, "old-0", false);
	fake_run(fake, 1000);
	rig_delete_web();
	fake_run(fake, 60000);
	rig_left();
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "Unknown/OtherControllerRunning");
	fake_end_controller(fake, "old-0");
	cr_assert(fake_until(fake, rig_gone, 60000));
	rig_released();
}

Test(core_release, paused_it_waits)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":"
	    "{\"netinfra.darkbrains.com/paused\":\"true\"}}}");
	fake_run(fake, 1000);
	rig_delete_web();
	fake_run(fake, 60000);
	rig_left();
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Paused");
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":"
	    "{\"netinfra.darkbrains.com/paused\":null}}}");
	cr_assert(fake_until(fake, rig_gone, 60000));
	rig_released();
}

Test(core_release, a_cloud_that_refuses_is_told_of)
{
	rig_attach_both();
	rig_nobody_uses_them();
	fake->faults.order_fail = 1000;
	rig_delete_web();
	fake_run(fake, 60000);
	cr_assert(!rig_gone(fake));
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "Quota"));
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Quota");
	cr_assert_str_eq(fake_condition(fake, "web", "Degraded"), "True/Quota");
	fake->faults.order_fail = 0;
	cr_assert(fake_until(fake, rig_gone, 90000));
}

/* --- the finalizer is refused ----------------------------------------------------- */

Test(core_release, without_the_finalizer_nothing_is_begun)
{
	refuse_finalizer();
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	fake_run(fake, 300000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert(rig_is("web", "34.1.1.1", "Pending", "FinalizerRefused"));
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "False/FinalizerRefused");
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Degraded"), "True/FinalizerRefused");
	cr_assert(fake_told(fake, "FinalizerRefused"));
	/* who asks for no release needs none */
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_both_attached, 120000));
}
