/* The lease is given to another replica: before a detach on our own node, and when the
 * cloud cannot be reached. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "handover.h"

TestSuite(core_handover, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static bool
yields(struct fake *unused)
{
	(void)unused;
	return core_yields(fake->core);
}

static bool
gone_from_n1(struct fake *unused)
{
	(void)unused;
	return !rig_on("34.1.1.1", "n1");
}

/* A replica whose pod runs on that node. */
static void
replica(const char *name, const char *node, bool ready)
{
	char path[128], patch[256];

	fake_controller(fake, name, true);
	snprintf(path, sizeof path, FAKE_CONTROLLERS "%s", name);
	snprintf(patch, sizeof patch,
	    "{\"spec\":{\"nodeName\":\"%s\"},\"status\":{\"conditions\":[{\"type\":"
	    "\"Ready\",\"status\":\"%s\"}]}}",
	    node, ready ? "True" : "False");
	fake_patch(fake, path, patch);
}

/* As the shell does. */
static void
give(void)
{
	core_unlead(fake->core, fake_time(fake));
	cr_assert_not(core_yields(fake->core));
	cr_assert_eq(fake->grant_until_ms, 0);
}

static void
lead(unsigned terms)
{
	struct boot_time until = {fake->now_ms + FAKE_GRANT_MS};

	fake->term += terms;
	core_lead(fake->core, fake_time(fake), fake->term);
	core_grant(fake->core, fake_time(fake), until, 10000, 2000);
}

static bool
told(const char *words)
{
	return fake_event(fake, "NetIPAllocation", "OwnNode", words) != NULL;
}

/* Attached to n1 and n2 by a core that runs somewhere else, so far. */
static void
start_on(const char *own, const char *other, bool ready)
{
	rig_attach_both();
	replica("ipwarden-0", own, true);
	replica("ipwarden-1", other, ready);
	lead(1);
	cr_assert(fake_until(fake, rig_both_attached, 10000));
	fake_run(fake, 20000);
}

Test(core_handover, another_replica_takes_an_address_off_our_own_node)
{
	unsigned long ordered;

	start_on("n1", "n2", true);
	ordered = fake->ordered;
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, yields, 20000));
	cr_assert_eq(fake->grant_until_ms, 0, "the cloudworker may change nothing");
	cr_assert(told("34.1.1.1 is to leave n1, where this controller runs: replica "
		       "ipwarden-1 goes on"));
	cr_assert(
	    fake_has_intent(fake, "web"), "the other one goes on from the journal");
	give();
	fake_run(fake, 120000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

static bool
moves(struct fake *unused)
{
	(void)unused;
	return fake_has_intent(fake, "web");
}

static bool
gives(struct fake *unused)
{
	(void)unused;
	return fake->grant_until_ms == 0;
}

/* Nothing is waited for but answers: to the intent, the label, the list of pods, the
 * event. */
Test(core_handover, it_is_given_at_once)
{
	start_on("n1", "n2", true);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moves, 20000));
	fake->mute = FAKE_NODES "n1";
	cr_assert(fake_until(fake, gives, 200));
	cr_assert(fake_until(fake, yields, 200));
}

/* What does not end is waited for as long as it may have an effect, and no longer. */
Test(core_handover, what_does_not_end_holds_it_up_for_its_time_limit)
{
	int64_t since;

	fake_node(fake, "n4", "us-west1-a", true);
	start_on("n1", "n2", true);
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reconcileInterval\":5}}");
	fake->stuck = true;
	rig_drain("n2", "sip-2", "n3");
	fake_run(fake, 5000);
	rig_drain("n1", "sip-1", "n4");
	cr_assert(fake_until(fake, gives, 20000));
	since = fake->now_ms;
	cr_assert(fake_until(fake, yields, 60000));
	cr_assert_geq(fake->now_ms - since, 12000);
	cr_assert_leq(fake->now_ms - since, 12050);
}

/* The old one has it back before it could be detached: then it does it. */
Test(core_handover, what_comes_back_is_done_here)
{
	for (unsigned terms = 1; terms <= 2; terms++) {
		start_on("n1", "n2", true);
		rig_drain("n1", "sip-1", "n3");
		cr_assert(fake_until(fake, yields, 20000));
		give();
		fake_run(fake, 6000);
		lead(terms);
		cr_assert(fake_until(fake, gone_from_n1, 30000));
		cr_assert_not(core_yields(fake->core));
		cr_assert(told("the lease came back"));
		cr_assert(fake_until(fake, rig_both_attached, 60000));
		rig_end_world();
		rig_make_world();
	}
}

/* The next time it is given again. */
Test(core_handover, a_later_detach_is_given_again)
{
	start_on("n1", "n2", true);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, yields, 20000));
	give();
	fake_run(fake, HANDOVER_APART_MS);
	lead(2);
	cr_assert(fake_until(fake, yields, 20000));
}

static const struct {
	const char *what, *node;
	bool ready;
	const char *patch;
} nobodies[] = {
    {"not ready", "n2", false, "{}"},
    {"on the same node", "n1", true, "{}"},
    {"on its way out", "n2", true,
	"{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}"},
    {"of another installation", "n2", true,
	"{\"metadata\":{\"namespace\":\"default\"}}"},
};

Test(core_handover, without_a_ready_peer_it_goes_on_and_says_so)
{
	for (size_t i = 0; i < sizeof nobodies / sizeof nobodies[0]; i++) {
		start_on("n1", nobodies[i].node, nobodies[i].ready);
		fake_patch(fake, FAKE_CONTROLLERS "ipwarden-1", nobodies[i].patch);
		rig_drain("n1", "sip-1", "n3");
		cr_assert(
		    fake_until(fake, gone_from_n1, 30000), "%s", nobodies[i].what);
		cr_assert(told("no other replica is ready"), "%s", nobodies[i].what);
		cr_assert(fake_until(fake, rig_both_attached, 60000));
		rig_end_world();
		rig_make_world();
	}
}

/* Who is ready is read right before it matters, not when the lease was won. */
Test(core_handover, a_peer_that_became_ready_is_seen)
{
	start_on("n1", "n2", false);
	replica("ipwarden-1", "n2", true);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, yields, 20000));
}

Test(core_handover, other_nodes_are_no_reason)
{
	start_on("n2", "n3", true);
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, gone_from_n1, 30000));
	cr_assert_not(fake_told(fake, "OwnNode"));
	cr_assert(fake_until(fake, rig_both_attached, 60000));
}

/* The first address that is put on our node takes its ephemeral one. */
Test(core_handover, an_ephemeral_address_counts_too)
{
	replica("ipwarden-0", "n1", true);
	replica("ipwarden-1", "n2", true);
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, yields, 20000));
	cr_assert_neq(fake_instance(fake, "n1")->address[0], '\0');
	cr_assert_eq(fake->ordered, 0);
}

/* --- the cloud -------------------------------------------------------------------- */

/* An intent is open and the cloud is gone. */
static void
cut_off(bool ready)
{
	start_on("elsewhere", "n2", ready);
	rig_drain("n1", "sip-1", "n3");
	while (!fake_has_intent(fake, "web"))
		fake_run(fake, 10);
	fake->cloud_down = true;
}

Test(core_handover, who_does_not_reach_the_cloud_gives_the_lease_away)
{
	int64_t begun;

	cut_off(true);
	begun = fake->now_ms;
	cr_assert(fake_until(fake, yields, 120000));
	cr_assert_geq(fake->now_ms - begun, HANDOVER_CLOUD_MS - 5000);
	cr_assert_leq(fake->now_ms - begun, HANDOVER_CLOUD_MS + 35000);
}

Test(core_handover, not_without_a_ready_peer)
{
	cut_off(false);
	cr_assert_not(fake_until(fake, yields, 300000));
	replica("ipwarden-1", "n2", true);
	cr_assert(fake_until(fake, yields, HANDOVER_LOOK_MS + 5000));
}

Test(core_handover, not_when_nothing_is_under_way)
{
	start_on("elsewhere", "n2", true);
	fake->cloud_down = true;
	cr_assert_not(fake_until(fake, yields, 300000));
}

Test(core_handover, not_when_the_cloud_is_there_again_in_time)
{
	cut_off(true);
	fake_run(fake, HANDOVER_CLOUD_MS / 2);
	fake->cloud_down = false;
	cr_assert_not(fake_until(fake, yields, 20000));
	cr_assert(fake_until(fake, rig_both_attached, 60000));
}

/* Neither reaches it: the lease changes hands ever more seldom. */
Test(core_handover, two_that_cannot_reach_it_do_not_play_ball)
{
	int64_t gap = 0, gave;

	cut_off(true);
	cr_assert(fake_until(fake, yields, 120000));
	for (int i = 0; i < 5; i++) {
		gave = fake->now_ms;
		give();
		fake_run(fake, HANDOVER_CLOUD_MS);
		lead(2);
		cr_assert(fake_until(fake, yields, 2 * HANDOVER_HOLD_MAX_MS));
		cr_assert_geq(fake->now_ms - gave, HANDOVER_HOLD_FIRST_MS);
		if (gap != 0)
			cr_assert_geq(fake->now_ms - gave, gap * 3 / 2);
		gap = fake->now_ms - gave;
	}
	/* and when one of them does, it is as at first */
	give();
	lead(2);
	fake->cloud_down = false;
	cr_assert(fake_until(fake, rig_both_attached, 120000));
}
