/* What a status says of an address that stays where it is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_message, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static const char *
said(const char *key)
{
	return fake_entry(fake, "web", "34.1.1.1", key);
}

static bool
says(const char *words)
{
	return strstr(said("message"), words) != NULL;
}

/* The words of the first failed look, not those of the state before. */
Test(core_message, an_outage_has_its_own_words)
{
	rig_attach_both();
	cr_assert(says("on n1"), "%s", said("message"));
	fake->cloud_down = true;
	fake_run(fake, 120000);
	cr_assert(rig_is("web", "34.1.1.1", "Unknown", "CloudUnreachable"));
	cr_assert(says("no route"), "%s", said("message"));
}

Test(core_message, what_keeps_it_in_use_is_told_anew)
{
	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_run(fake, 5000);
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "InUse"));
	cr_assert(says("sip-1"), "%s", said("message"));
	fake_pod(fake, "sip-2nd", "n1", "sip");
	fake_delete(fake, FAKE_PODS "sip-1");
	fake_run(fake, 5000);
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "InUse"));
	cr_assert(says("sip-2nd"), "%s", said("message"));
}

/* It could not be released, and is wanted again: that failure is over. */
Test(core_message, the_failure_of_a_release_ends_with_it)
{
	rig_attach_both();
	fake->faults.order_fail = 1000;
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	rig_unused("n1", "sip-1");
	fake_run(fake, 20000);
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "Quota"), "%s/%s",
	    said("state"), said("reason"));
	fake_patch(
	    fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\"]}}");
	fake_run(fake, 60000);
	cr_assert_str_eq(said("state"), "Attached");
	fake_cordon(fake, "n3", true);
	fake_instance(fake, "n1")->exists = false;
	fake_delete(fake, FAKE_NODES "n1");
	fake_run(fake, 60000);
	cr_assert_str_eq(said("reason"), "NoEligibleNode");
	cr_assert(!says("n1"), "%s", said("message"));
}

static bool
first_is_nowhere(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") == NULL;
}

static bool
goes_on(struct fake *unused)
{
	(void)unused;
	return says("the move goes on");
}

/* What Observe held up is no longer said to be held up. */
Test(core_message, a_move_that_goes_on_is_told)
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_is_nowhere, 10000));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"Observe\"}}");
	fake_run(fake, 60000);
	cr_assert_str_eq(said("reason"), "Observing", "%s", said("message"));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"policy\":\"Sync\"}}");
	cr_assert(fake_until(fake, goes_on, 20000), "%s", said("message"));
	cr_assert(fake_until(fake, rig_both_attached, 60000));
}

/* Somebody puts it elsewhere while it is to be taken off: that is the end of the move.
 */
Test(core_message, what_is_taken_during_a_move_ends_it)
{
	struct fake_instance *stranger =
	    fake_add_instance(fake, "stranger", "us-west1-a");

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	while (!fake_has_intent(fake, "web"))
		fake_run(fake, 10);
	snprintf(stranger->address, sizeof stranger->address, "34.1.1.1");
	snprintf(stranger->fence, sizeof stranger->fence, "theirs");
	fake_instance(fake, "n1")->address[0] = '\0';
	stranger->foreign = true;
	fake_run(fake, 120000);
	cr_assert(fake_told(fake, "TakenDuringMove"));
	cr_assert_not(fake_has_intent(fake, "web"));
	cr_assert_str_eq(said("reason"), "HeldElsewhere");
	cr_assert_str_eq(stranger->address, "34.1.1.1");
}
