/* Fields of the spec and annotations, against the small world. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_spec, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

#define WEB FAKE_ALLOCATIONS "/web"

/* As a user with kubectl does it; the API server counts the generations. */
static void
change_spec(const char *spec, int generation)
{
	char patch[512];

	snprintf(patch, sizeof patch, "{\"metadata\":{\"generation\":%d},\"spec\":%s}",
	    generation, spec);
	fake_patch(fake, WEB, patch);
}

static void
annotate(const char *key, const char *value)
{
	char patch[256];

	snprintf(patch, sizeof patch,
	    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/%s\":%s}}}", key,
	    value);
	fake_patch(fake, WEB, patch);
}

static bool
first_on_n3(struct fake *unused)
{
	(void)unused;
	return rig_on("34.1.1.1", "n3") && !fake_has_intent(fake, "web");
}

/* --- no longer meant by the spec -------------------------------------------------- */

/* Address .1 is found on n1, which the selector does not select. */
static void
adopt_outside(void)
{
	struct fake_instance *instance = fake_instance(fake, "n1");

	rig_pool("n1", "other");
	snprintf(instance->address, sizeof instance->address, "34.1.1.1");
	snprintf(instance->fence, sizeof instance->fence, "external-nat");
	fake_delete(fake, FAKE_PODS "sip-1");
	rig_attach_both();
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "OutsideSelector");
}

Test(core_spec, what_was_adopted_outside_stays_until_the_spec_changes)
{
	adopt_outside();
	fake_run(fake, 120000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	fake_instance(fake, "n1")->steady_since_ms = 0;
	change_spec("{\"reconcileInterval\":20}", 2);
	cr_assert(fake_until(fake, first_on_n3, 60000));
}

Test(core_spec, a_node_that_leaves_the_pool_loses_it_when_its_pods_are_gone)
{
	rig_attach_both();
	rig_pool("n1", "other");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "InUse");
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_delete(fake, FAKE_PODS "sip-1");
	cr_assert(fake_until(fake, first_on_n3, 60000));
}

/* The watcher has not told that the node is back in the pool: the fresh read does. */
Test(core_spec, a_node_that_is_back_in_the_pool_keeps_it)
{
	rig_attach_both();
	rig_pool("n1", "other");
	fake_run(fake, 5000);
	fake->mute = FAKE_NODES "n1";
	rig_pool("n1", "edge");
	fake_delete(fake, FAKE_PODS "sip-1");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

/* --- grace ------------------------------------------------------------------------ */

Test(core_spec, a_node_not_ready_loses_it_after_its_grace)
{
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"notReadyGraceSeconds\":60");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_ready(fake, "n1", false);
	fake_run(fake, 58000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	fake_instance(fake, "n1")->steady_since_ms = 0;
	cr_assert(fake_until(fake, first_on_n3, 10000));
}

/* --- ephemeral addresses ---------------------------------------------------------- */

Test(core_spec, restore_ephemeral_false_gives_nothing_back)
{
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"restoreEphemeral\":false");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_on_n3, 60000));
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_instance(fake, "n1")->address, "");
}

/* --- paused ----------------------------------------------------------------------- */

Test(core_spec, paused_begins_nothing)
{
	unsigned long ordered;

	rig_attach_both();
	ordered = fake->ordered;
	annotate("paused", "\"true\"");
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Paused");
	fake_patch(
	    fake, FAKE_NODES "n2", "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}");
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_label(fake, "n2", "ip.ready"), "");
	annotate("paused", "null");
	cr_assert(fake_until(fake, first_on_n3, 60000));
	fake_run(fake, 5000);
	cr_assert_str_eq(fake_label(fake, "n2", "ip.ready"), "true");
}

static bool
first_is_nowhere(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") == NULL;
}

Test(core_spec, paused_brings_an_open_move_to_its_end)
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_is_nowhere, 60000));
	annotate("paused", "\"true\"");
	cr_assert(fake_until(fake, first_on_n3, 60000));
	fake_run(fake, 5000);
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "true");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
}

static bool
intent_is_written(struct fake *unused)
{
	(void)unused;
	return fake_has_intent(fake, "web");
}

/* The detach was not asked for yet: there is nothing to bring to an end. */
static void
pause_gives_up_what_was_written(void)
{
	unsigned long ordered = fake->ordered;

	cr_assert(fake_until(fake, intent_is_written, 60000));
	cr_assert_eq(fake->ordered, ordered);
	annotate("paused", "\"true\"");
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_not(fake_has_intent(fake, "web"));
}

Test(core_spec, paused_gives_up_a_move_that_has_not_begun_at_the_cloud)
{
	unsigned long ordered;

	rig_attach_both();
	ordered = fake->ordered;
	rig_drain("n1", "sip-1", "n3");
	cr_assert_eq(fake->ordered, ordered);
	pause_gives_up_what_was_written();
	annotate("paused", "null");
	cr_assert(fake_until(fake, first_on_n3, 60000));
}

Test(core_spec, paused_gives_up_a_release_that_has_not_begun_at_the_cloud)
{
	unsigned long ordered;

	rig_attach_both();
	rig_nobody_uses_them();
	ordered = fake->ordered;
	rig_delete_web();
	cr_assert_eq(fake->ordered, ordered);
	pause_gives_up_what_was_written();
}

/* --- Observe ---------------------------------------------------------------------- */

Test(core_spec, observe_holds_up_an_open_move_and_says_so)
{
	unsigned long ordered;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_is_nowhere, 60000));
	change_spec("{\"policy\":\"Observe\"}", 2);
	fake_run(fake, 3000);
	ordered = fake->ordered;
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Observing");
	change_spec("{\"policy\":\"Sync\"}", 3);
	cr_assert(fake_until(fake, first_on_n3, 60000));
}

Test(core_spec, who_only_observed_does_not_become_the_owner)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", ",\"policy\":\"Observe\"");
	fake_allocation(fake, "later", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_condition(fake, "later", "Ready"), "True/AllAttached");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeName"), "n1");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "instanceID"), "");
	change_spec("{\"policy\":\"Sync\"}", 2);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Conflict");
	cr_assert_str_eq(fake_condition(fake, "later", "Ready"), "True/AllAttached");
}

/* Nor does who owned it before, and looked on when somebody else took it over. */
Test(core_spec, who_gave_an_address_up_is_not_the_owner_again)
{
	rig_attach_both();
	fake_allocation(fake, "later", "[\"34.1.1.1\"]", "");
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_entry(fake, "later", "34.1.1.1", "reason"), "Conflict");
	change_spec("{\"policy\":\"Observe\"}", 2);
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_condition(fake, "later", "Ready"), "True/AllAttached");
	cr_assert_str_eq(
	    fake_label(fake, "n1", "netinfra.darkbrains.com/allocation"), "later");
	change_spec("{\"policy\":\"Sync\"}", 3);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Conflict");
	cr_assert_str_eq(fake_condition(fake, "later", "Ready"), "True/AllAttached");
	cr_assert(rig_on("34.1.1.1", "n1"));
}

/* --- policies that the spec does not name ----------------------------------------- */

Test(core_spec, the_default_policy_is_for_objects_that_name_none)
{
	fake->policy = POLICY_OBSERVE;
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_allocation(fake, "named", "[\"34.1.1.2\"]", ",\"policy\":\"Sync\"");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Observing");
	cr_assert_str_eq(fake_condition(fake, "web", "Progressing"), "False/Observing");
	cr_assert_not_null(fake_where(fake, "34.1.1.2"));
}

Test(core_spec, a_dry_run_changes_nothing_and_says_what_it_would_do)
{
	struct fake_instance *instance = fake_instance(fake, "n1");

	snprintf(instance->address, sizeof instance->address, "34.1.1.1");
	fake_patch(fake, FAKE_NODES "n3",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\","
	    "\"netinfra.darkbrains.com/address\":\"34.1.1.1\"}}}");
	fake->dry_run = true;
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"policy\":\"Sync\"");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert_eq(fake->grant_until_ms, 0);
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "true");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeName"), "n1");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "reason"), "Observing");
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.2", "message"), "to be attached to n2");
}

Test(core_spec, a_dry_run_looks_on_beside_the_old_controller)
{
	fake->dry_run = true;
	fake_controller(fake, "old-0", false);
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Observing");
}

/* --- how many are enough ---------------------------------------------------------- */

static void
make_spares(const char *min_attached)
{
	fake_reserve(fake, "34.1.1.3", "us-west1");
	fake_reserve(fake, "34.1.1.4", "us-west1");
	fake_allocation(fake, "web",
	    "[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\",\"34.1.1.4\"]", min_attached);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.4", "state"), "Spare");
}

Test(core_spec, all_are_needed_by_default)
{
	make_spares("");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Spare");
	cr_assert_str_eq(fake_condition(fake, "web", "Degraded"), "False/AsExpected");
	cr_assert_eq(fake->gauges[METRIC_CRD_STATUS], 0);
	/* and nobody is woken up for a surplus */
	cr_assert_eq(fake->gauges[METRIC_UNATTACHED_IPS], 0);
}

Test(core_spec, spares_that_the_spec_asks_for_are_missed)
{
	make_spares(",\"minAttached\":\"100%\"");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Spare");
	cr_assert_eq(fake->gauges[METRIC_UNATTACHED_IPS], 1);
}

Test(core_spec, an_address_whose_nodes_hold_anothers_is_missed)
{
	fake_reserve(fake, "34.1.1.3", "us-west1");
	fake_reserve(fake, "34.1.1.4", "us-west1");
	fake_allocation(fake, "first", "[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	fake_allocation(fake, "second", "[\"34.1.1.4\"]", "");
	fake_run(fake, 5000);
	cr_assert_str_eq(
	    fake_entry(fake, "second", "34.1.1.4", "reason"), "NodeHoldsAnother");
	cr_assert_eq(fake->gauges[METRIC_UNATTACHED_IPS], 1);
}

Test(core_spec, a_number_may_be_enough)
{
	make_spares(",\"minAttached\":3");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/EnoughAttached");
	cr_assert_eq(fake->gauges[METRIC_CRD_STATUS], 1);
	cr_assert_eq(fake->gauges[METRIC_UNATTACHED_IPS], 0);
	cr_assert_eq(fake->gauges[METRIC_ATTACHED_IPS], 3);
}

Test(core_spec, a_percentage_is_rounded_up)
{
	make_spares(",\"minAttached\":\"76%\"");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/Spare");
	change_spec("{\"minAttached\":\"75%\"}", 2);
	fake_run(fake, 5000);
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/EnoughAttached");
}

Test(core_spec, more_than_the_list_has_is_never_reached)
{
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"minAttached\":3");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "False/TooFewListed");
}

Test(core_spec, what_could_make_it_ready_and_is_unknown_makes_that_unknown)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\",\"34.9.9.9\"]",
	    ",\"minAttached\":2");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/EnoughAttached");
	fake->cloud_down = true;
	fake_run(fake, 200000);
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "Unknown/CloudUnreachable");
}

/* --- notices ---------------------------------------------------------------------- */

Test(core_spec, what_is_accepted_and_not_meant_is_told_once_a_generation)
{
	unsigned long patches;

	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]",
	    ",\"deploymentRef\":{\"name\":\"sip\"},\"strategy\":{\"maxSurge\":1},"
	    "\"cloud\":{\"credentials\":\"secret\"}");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_run(fake, 60000);
	cr_assert_eq(fake_count_told(fake, "Deprecated"), 1);
	cr_assert_eq(fake_count_told(fake, "ProviderAssumed"), 1);
	cr_assert_eq(fake_count_told(fake, "FieldIgnored"), 2);
	patches = fake->patches;
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake_count_told(fake, "Deprecated"), 1);
	cr_assert_eq(fake->patches, patches);
	change_spec("{\"reconcileInterval\":20}", 2);
	fake_run(fake, 60000);
	cr_assert_eq(fake_count_told(fake, "Deprecated"), 2);
}

/* --- reconcile-at ----------------------------------------------------------------- */

Test(core_spec, a_changed_reconcile_at_asks_for_a_look_at_once)
{
	unsigned long observes;

	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"reconcileInterval\":3600");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_run(fake, 60000);
	observes = fake->observes;
	annotate("unrelated", "\"1\"");
	fake_run(fake, 5000);
	cr_assert_eq(fake->observes, observes);
	annotate("reconcile-at", "\"12:05\"");
	fake_run(fake, 5000);
	cr_assert_eq(fake->observes, observes + 3); /* two zones and a region */
	annotate("unrelated", "\"2\"");
	fake_run(fake, 5000);
	cr_assert_eq(fake->observes, observes + 3);
	annotate("reconcile-at", "\"12:06\"");
	fake_run(fake, 5000);
	cr_assert_eq(fake->observes, observes + 6);
}
