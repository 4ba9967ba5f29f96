/* Addresses that a list no longer has, or that another one takes over. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_unlisted, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

/* --- no longer listed ------------------------------------------------------------- */

#define ONLY_THE_FIRST "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\"]}}"

Test(core_unlisted, what_the_list_no_longer_has_is_released)
{
	rig_attach_both();
	fake_patch(fake, RIG_WEB, ONLY_THE_FIRST);
	fake_run(fake, 60000);
	rig_left();
	cr_assert(rig_is("web", "34.1.1.2", "Draining", "InUse"));
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/AllAttached");
	rig_unused("n2", "sip-2");
	fake_run(fake, 30000);
	cr_assert_null(fake_where(fake, "34.1.1.2"));
	cr_assert(!rig_labelled("n2"));
	cr_assert_neq(fake_instance(fake, "n2")->address[0], '\0');
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "state"), "");
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(!fake_has_intent(fake, "web"));
}

Test(core_unlisted, with_retain_it_is_left_and_told)
{
	rig_attach_both();
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	fake_run(fake, 5000);
	fake_patch(fake, RIG_WEB, ONLY_THE_FIRST);
	rig_nobody_uses_them();
	fake_run(fake, 60000);
	rig_left();
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "state"), "");
	cr_assert_not_null(fake_event(fake, "NetIPAllocation", "Retained", "34.1.1.2"));
	cr_assert_str_eq(
	    fake_label(fake, "n2", "netinfra.darkbrains.com/address"), "34.1.1.2");
}

Test(core_unlisted, what_is_listed_again_stays)
{
	rig_attach_both();
	fake_patch(fake, RIG_WEB, ONLY_THE_FIRST);
	fake_run(fake, 20000);
	fake_patch(
	    fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\"]}}");
	fake_run(fake, 20000);
	rig_left();
	cr_assert(rig_both_attached(fake));
}

/* Somebody has moved it meanwhile: it is found before it is released. */
Test(core_unlisted, what_is_found_elsewhere_is_not_said_to_stay)
{
	struct fake_instance *from = fake_instance(fake, "n2");
	struct fake_instance *to = fake_instance(fake, "n3");

	rig_attach_both();
	rig_nobody_uses_them();
	fake_kill(fake);
	snprintf(to->address, sizeof to->address, "%s", from->address);
	snprintf(to->fence, sizeof to->fence, "%s", from->fence);
	from->address[0] = '\0';
	fake_patch(fake, RIG_WEB, ONLY_THE_FIRST);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_null(fake_where(fake, "34.1.1.2"));
	cr_assert_null(fake_event(fake, "NetIPAllocation", "Adopted", "left there"));
	cr_assert_not_null(fake_event(fake, "NetIPAllocation", "Adopted",
	    "34.1.1.2 found on n3, to be released: no longer listed"));
}

static void
story_unlist(void)
{
	long crash_at = fake->crash_at;

	fake->crash_at = -1;
	rig_attach_both();
	rig_unused("n2", "sip-2");
	fake->crash_at = crash_at;
	fake->effects = 0;
	fake_patch(fake, RIG_WEB, ONLY_THE_FIRST);
	fake_run(fake, 120000);
	cr_assert_null(fake_where(fake, "34.1.1.2"), "effect %ld", fake->crash_at);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "state"), "");
	cr_assert(!fake_has_intent(fake, "web"), "effect %ld", fake->crash_at);
	cr_assert(!rig_labelled("n2"), "effect %ld", fake->crash_at);
	cr_assert_neq(
	    fake_instance(fake, "n2")->address[0], '\0', "effect %ld", fake->crash_at);
}

Test(core_unlisted, survives_death_at_every_effect_of_an_unlisted_one)
{
	rig_crash_everywhere(story_unlist, false);
}

/* --- handed over ------------------------------------------------------------------ */

static bool
the_other_has_it(struct fake *unused)
{
	(void)unused;
	cr_assert(rig_labelled("n1"), "ip.ready went away");
	return rig_is("late", "34.1.1.1", "Attached", "Attached") &&
	       strcmp(fake_label(fake, "n1", "netinfra.darkbrains.com/allocation"),
		   "late") == 0;
}

Test(core_unlisted, a_deleted_allocation_hands_over_in_place)
{
	unsigned long ordered_before;

	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	cr_assert(rig_is("late", "34.1.1.1", "Blocked", "Conflict"));
	rig_unused("n2", "sip-2");
	ordered_before = fake->ordered;
	rig_delete_web();
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	cr_assert(fake_until(fake, rig_gone, 60000));
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_null(fake_where(fake, "34.1.1.2"));
	cr_assert_eq(fake->ordered, ordered_before + 2); /* off n2, and its ephemeral */
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "HandedOver", "34.1.1.1"));
	/* the other one owes n1 what was taken off it for the first */
	rig_unused("n1", "sip-1");
	fake_ask_delete(fake, FAKE_ALLOCATIONS "/late");
	fake_run(fake, 60000);
	cr_assert_null(fake_get(fake, FAKE_ALLOCATIONS "/late"));
	rig_released();
}

/* The labels are the other one's by then. */
Test(core_unlisted, retain_while_it_is_handed_over)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	fake->refuse.method = "PATCH";
	fake->refuse.part = "netipallocations/web/status";
	fake->refuse.status = 403;
	fake->refuse.message = "no";
	fake->refuse.count = 1000000;
	rig_delete_web();
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_gone, 120000));
	rig_left();
	cr_assert(the_other_has_it(fake));
}

/* Somebody's journal has to say that the instance is ours. */
Test(core_unlisted, what_the_other_cannot_write_down_is_not_let_go)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	fake->refuse.method = "PATCH";
	fake->refuse.part = "netipallocations/late/status";
	fake->refuse.status = 503;
	fake->refuse.message = "";
	fake->refuse.count = 1000000;
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	fake_run(fake, 20000);
	cr_assert_str_neq(fake_entry(fake, "web", "34.1.1.1", "instanceID"), "");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, the_other_has_it, 120000));
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "address"), "");
	fake_judge_rest(fake, "late");
}

/* The object stays, because pods use its other address. */
Test(core_unlisted, what_is_handed_over_is_not_taken_back)
{
	unsigned long writes;

	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	rig_delete_web();
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_run(fake, 10000);
	cr_assert(rig_is("web", "34.1.1.2", "Draining", "InUse"));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "instanceID"), "");
	writes = fake->writes;
	fake_run(fake, 20000);
	cr_assert_leq(fake->writes, writes + 2, "%lu writes", fake->writes - writes);
}

static bool
on_n3(struct fake *unused)
{
	(void)unused;
	return rig_on("34.1.1.1", "n3");
}

/* Who lists it in vain has no say about the labels. */
Test(core_unlisted, a_second_list_does_not_hold_up_a_move)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, on_n3, 60000));
}

/* Nor has who only looks on. */
Test(core_unlisted, an_observer_does_not_hold_up_a_move)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", ",\"policy\":\"Observe\"");
	fake_run(fake, 20000);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, on_n3, 60000));
}

Test(core_unlisted, an_observer_does_not_hold_up_a_release)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", ",\"policy\":\"Observe\"");
	fake_run(fake, 20000);
	rig_nobody_uses_them();
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	fake_run(fake, 60000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert_not(rig_labelled("n1"));
}

/* Nor has who had it once, whatever its status still says. */
Test(core_unlisted, who_gave_it_up_does_not_hold_up_a_move)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"Observe\"}}");
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"Sync\"}}");
	fake_run(fake, 20000);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, on_n3, 60000));
}

static bool
late_gone(struct fake *unused)
{
	(void)unused;
	return fake_get(fake, FAKE_ALLOCATIONS "/late") == NULL;
}

/* Who has handed it over, and is still there, has no say about the labels. */
Test(core_unlisted, what_was_handed_over_is_released_by_the_other_one)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	rig_delete_web();
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_run(fake, 10000);
	rig_unused("n1", "sip-1");
	fake_ask_delete(fake, FAKE_ALLOCATIONS "/late");
	cr_assert(fake_until(fake, late_gone, 60000));
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert(rig_is("web", "34.1.1.2", "Draining", "InUse"));
}

Test(core_unlisted, from_one_list_to_another)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	rig_nobody_uses_them();
	fake_instance(fake, "n1")->steady_since_ms = 1;
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_run(fake, 60000);
	cr_assert(the_other_has_it(fake));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "");
}

/* Who takes nothing off lets the other one know what it took off the node. */
Test(core_unlisted, a_list_that_is_assigned_only_hands_its_debts_over)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"AssignOnly\"}}");
	fake_run(fake, 5000);
	rig_unused("n1", "sip-1");
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "");
	fake_ask_delete(fake, FAKE_ALLOCATIONS "/late");
	cr_assert(fake_until(fake, late_gone, 60000));
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert_str_neq(fake_instance(fake, "n1")->address, "");
}

/* Its labels are the other one's by then. */
Test(core_unlisted, retain_leaves_what_the_other_one_has)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 20000);
	rig_delete_web();
	cr_assert(fake_until(fake, the_other_has_it, 60000));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_gone, 60000));
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_on("34.1.1.2", "n2"));
}
