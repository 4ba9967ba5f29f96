/* The core against a small world (tests/simulation/fake.h). */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

Test(core, attaches_two_addresses)
{
	rig_attach_both();
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_on("34.1.1.2", "n2"));
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
	cr_assert_str_eq(
	    fake_label(fake, "n1", "netinfra.darkbrains.com/allocation"), "web");
	cr_assert_str_eq(
	    fake_label(fake, "n2", "netinfra.darkbrains.com/address"), "34.1.1.2");
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "");
	cr_assert_str_eq(fake_condition(fake, "web", "Degraded"), "False/AsExpected");
	cr_assert_gt(fake->audits, 4);
}

Test(core, is_quiet_at_rest)
{
	unsigned long reads, writes, observes;

	rig_attach_both();
	reads = fake->reads;
	writes = fake->writes;
	observes = fake->observes;
	fake_run(fake, 300000);
	cr_assert_eq(fake->reads, reads);
	cr_assert_eq(fake->writes, writes);
	/* Two zones and a region, every thirty seconds. */
	cr_assert_leq(fake->observes - observes, 33);
	cr_assert_geq(fake->observes - observes, 27);
}

Test(core, calls_at_rest_do_not_grow_with_allocations)
{
	unsigned long observes;

	fake_allocation(fake, "other", "[\"34.9.9.9\"]", "");
	rig_attach_both();
	observes = fake->observes;
	fake_run(fake, 300000);
	/* and the project's global addresses, while one is in no region */
	cr_assert_leq(fake->observes - observes, 44);
	cr_assert_str_eq(
	    fake_entry(fake, "other", "34.9.9.9", "reason"), "AddressNotFound");
	cr_assert_str_eq(
	    fake_condition(fake, "other", "Degraded"), "True/AddressNotFound");
}

static bool
told_once(struct fake *unused)
{
	(void)unused;
	return map_count(fake->posted) == 1;
}

/* Its one event; nothing else happens to this allocation. */
static void
tell_of_an_unreserved_address(void)
{
	fake_allocation(fake, "other", "[\"34.9.9.9\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, told_once, 60000));
	fake_run(fake, 60000);
	cr_assert(told_once(fake));
}

Test(core, an_event_that_the_server_refused_for_now_is_posted_again)
{
	fake->refuse_posts = 3;
	tell_of_an_unreserved_address();
	cr_assert_eq(fake->posts, 4);
}

Test(core, an_event_whose_answer_was_lost_is_not_told_twice)
{
	fake->lose_answers = 2;
	tell_of_an_unreserved_address();
	cr_assert_eq(fake->posts, 3);
}

static void
story_attach(void)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 120000), "effect %ld: %s",
	    fake->crash_at, fake_condition(fake, "web", "Ready"));
	fake_run(fake, 5000);
	cr_assert(rig_both_attached(fake));
}

Test(core, survives_death_at_every_effect_while_attaching)
{
	rig_crash_everywhere(story_attach, false);
}

Test(core, survives_death_before_every_effect_while_attaching)
{
	rig_crash_everywhere(story_attach, true);
}

static bool
moved(struct fake *unused)
{
	return rig_on("34.1.1.1", "n3") && rig_both_attached(unused);
}

static void
story_move(void)
{
	long crash_at = fake->crash_at;

	fake->crash_at = -1;
	rig_attach_both();
	fake->crash_at = crash_at;
	fake->effects = 0;
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moved, 120000), "effect %ld: %s", fake->crash_at,
	    fake_condition(fake, "web", "Progressing"));
	cr_assert(fake_until(fake, moved, 5000));
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "true");
	/* What was taken off n1 is given back, whoever died in between. */
	cr_assert_neq(
	    fake_instance(fake, "n1")->address[0], '\0', "effect %ld", fake->crash_at);
}

Test(core, moves_off_a_drained_node)
{
	story_move();
}

static bool
n3_is_labelled(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_label(fake, "n3", "ip.ready"), "true") == 0;
}

/* 30 ms until the pod's end is told; five times 30 ms of the API server, one after the
 * other: reads, intent, labels off, next step, labels on; two orders of 300 ms, and two
 * looks of 40 ms at what they did. */
Test(core, a_move_waits_for_nothing_but_answers)
{
	int64_t begun_ms;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	begun_ms = fake->now_ms;
	cr_assert(fake_until(fake, n3_is_labelled, 60000));
	cr_expect_leq(fake->now_ms - begun_ms, 30 + 5 * 30 + 2 * 300 + 2 * 40);
}

Test(core, survives_death_at_every_effect_while_moving)
{
	rig_crash_everywhere(story_move, false);
}

Test(core, survives_death_before_every_effect_while_moving)
{
	rig_crash_everywhere(story_move, true);
}

Test(core, keeps_the_address_while_pods_run)
{
	char since[64];

	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_run(fake, 10000);
	snprintf(since, sizeof since, "%s",
	    fake_entry(fake, "web", "34.1.1.1", "lastTransitionTime"));
	fake_pod(fake, "sip-0", "n1", "sip");
	fake_run(fake, 110000);
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "lastTransitionTime"), since);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "Draining");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "InUse");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
}

Test(core, a_pod_of_another_deployment_with_a_longer_name_does_not_count)
{
	rig_attach_both();
	fake_pod(fake, "other-1", "n1", "sip-other");
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moved, 60000));
}

/* Facts only suggest: what the watcher did not tell is read before anything moves. */
Test(core, a_pod_that_was_not_told_of_keeps_the_address)
{
	rig_attach_both();
	fake->mute = "/api/v1/namespaces/default/pods/sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	rig_drain("n1", "sip-1", "n3");
	fake_instance(fake, "n1")->steady_since_ms = 1;
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
}

Test(core, a_node_that_is_no_longer_cordoned_keeps_the_address)
{
	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_run(fake, 1000);
	fake->mute = "/api/v1/nodes/n1";
	fake_cordon(fake, "n1", false);
	fake_delete(fake, "/api/v1/namespaces/default/pods/sip-1");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

Test(core, moves_nothing_when_the_workload_is_missing)
{
	rig_attach_both();
	fake_delete(fake, "/apis/apps/v1/namespaces/default/deployments/sip");
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 100000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "WorkloadNotFound");
}

Test(core, adopts_what_it_finds)
{
	struct fake_instance *instance = fake_instance(fake, "n3");
	unsigned long ordered;

	snprintf(instance->address, sizeof instance->address, "34.1.1.1");
	snprintf(instance->fence, sizeof instance->fence, "external-nat");
	rig_attach_both();
	ordered = fake->ordered;
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_eq(ordered, 2); /* only the other one: off and on */
}

Test(core, never_touches_what_others_hold)
{
	fake->addresses[0].foreign_user[0] = 'x';
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "HeldElsewhere");
	cr_assert_not_null(fake_where(fake, "34.1.1.2"));
}

/* Defect 1 of the old controller: an outage disrupts nothing. */
Test(core, an_outage_disrupts_nothing)
{
	unsigned long ordered, writes;

	rig_attach_both();
	ordered = fake->ordered;
	fake->cloud_down = true;
	fake_run(fake, 60000);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 300000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "Unknown");
	/* The words of each failed look differ; the status is written once. */
	writes = fake->writes;
	fake_run(fake, 300000);
	cr_assert_eq(fake->writes, writes);
	fake->cloud_down = false;
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, without_a_watcher_nothing_is_taken)
{
	unsigned long ordered;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	core_watcher(fake->core, fake_time(fake), false);
	ordered = fake->ordered;
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered);
	fake_watch_start(fake);
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, a_node_that_is_gone_loses_it_at_once)
{
	rig_attach_both();
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_delete(fake, "/api/v1/nodes/n1");
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, a_vanished_instance_frees_its_address)
{
	rig_attach_both();
	fake_instance(fake, "n1")->exists = false;
	fake_delete(fake, "/api/v1/nodes/n1");
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, a_node_not_ready_loses_it_after_five_minutes)
{
	rig_attach_both();
	fake_ready(fake, "n1", false);
	fake_run(fake, 290000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	fake_instance(fake, "n1")->steady_since_ms = 0;
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, many_nodes_not_ready_hold_the_brake)
{
	rig_attach_both();
	fake_ready(fake, "n1", false);
	fake_ready(fake, "n2", false);
	fake_run(fake, 400000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_on("34.1.1.2", "n2"));
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "ManyNodesNotReady");
}

Test(core, one_owner_of_an_address)
{
	rig_attach_both();
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "late", "34.1.1.1", "reason"), "Conflict");
	cr_assert_str_eq(fake_condition(fake, "late", "Ready"), "False/Conflict");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/AllAttached");
}

Test(core, observe_only_says_what_it_would_do)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", ",\"policy\":\"Observe\"");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Observing");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
}

Test(core, assign_only_never_takes_off)
{
	unsigned long ordered;

	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", ",\"policy\":\"AssignOnly\"");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	ordered = fake->ordered;
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "AssignOnly");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
}

Test(core, more_addresses_than_nodes_are_spare)
{
	fake_reserve(fake, "34.1.1.3", "us-west1");
	fake_reserve(fake, "34.1.1.4", "us-west1");
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\",\"34.1.1.4\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.4", "state"), "Spare");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.4", "message"),
	    "0/3 nodes: 3 hold another reserved address");
}

Test(core, a_failed_attach_goes_to_the_next_node)
{
	fake->faults.order_fail = 1000;
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_run(fake, 15000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Quota");
	fake->faults.order_fail = 0;
	fake_run(fake, 120000);
	cr_assert_not_null(fake_where(fake, "34.1.1.1"));
}

Test(core, conflicts_are_read_again)
{
	char patch[128];

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	for (int i = 0; i < 40; i++) {
		snprintf(patch, sizeof patch,
		    "{\"metadata\":{\"labels\":{\"i\":\"%d\"}}}", i);
		fake_patch(fake, FAKE_ALLOCATIONS "/web", patch);
		fake_run(fake, 20);
	}
	cr_assert(fake_until(fake, moved, 60000));
}

Test(core, a_stale_label_is_taken_off_and_a_missing_one_put_back)
{
	rig_attach_both();
	fake_patch(fake, "/api/v1/nodes/n3",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\","
	    "\"netinfra.darkbrains.com/address\":\"34.1.1.1\"}}}");
	fake_patch(fake, "/api/v1/nodes/n1",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}");
	fake_run(fake, 5000);
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
}

Test(core, a_foreign_ready_label_is_left_alone)
{
	fake_patch(fake, "/api/v1/nodes/n3",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\"}}}");
	rig_attach_both();
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_label(fake, "n3", "ip.ready"), "true");
}

Test(core, refuses_nonsense)
{
	static struct message message;

	rig_attach_both();
	message.type = MSG_GRANT;
	cr_assert_neq(core_message(fake->core, fake_time(fake), &message), 0);
	message.type = MSG_FACT_NODE;
	memset(&message.u, 0, sizeof message.u);
	MESSAGE_TEXT(message.u.fact_node.name, "../pods");
	MESSAGE_TEXT(message.u.fact_node.uid, "u");
	cr_assert_neq(core_message(fake->core, fake_time(fake), &message), 0);
	message.type = MSG_OBSERVED_END;
	memset(&message.u, 0, sizeof message.u);
	message.u.observed_end.round = 12345;
	fake_run(fake, 60000);
	cr_assert_neq(core_message(fake->core, fake_time(fake), &message), 0);
}

Test(core, stops_when_nothing_is_open)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	while (fake->ordered == 0)
		fake_run(fake, 10);
	cr_assert_not(core_quiet(fake->core));
	core_stop(fake->core, fake_time(fake));
	fake_run(fake, 2000);
	cr_assert(core_quiet(fake->core));
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 2); /* both targets' first step was under way */
}

Test(core, does_nothing_without_the_lease)
{
	unsigned long ordered;

	rig_attach_both();
	core_unlead(fake->core, fake_time(fake));
	ordered = fake->ordered;
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 5000);
	cr_assert_eq(fake->ordered, ordered);
	cr_assert(rig_on("34.1.1.1", "n1"));
}

static void
on_asked(void *arg, const struct kube_reply *reply)
{
	(void)reply;
	++*(int *)arg;
}

/* Of footprints: the request that begins now, or cannot. */
static int
ask(int *answered)
{
	struct core_request request = {
	    .call = {.method = "GET", .path = "/api/v1/nodes/n1"},
	    .right = "get nodes",
	    .object = "n1",
	};

	return core_ask(fake->core, fake_time(fake), &request, on_asked, answered);
}

Test(core, a_stop_waits_for_last_words_and_not_for_long)
{
	int answered = 0;

	rig_attach_both();
	core_stop(fake->core, fake_time(fake));
	cr_assert(core_quiet(fake->core));
	cr_assert_eq(ask(&answered), 0);
	cr_assert_not(core_quiet(fake->core));
	fake_run(fake, 1000);
	cr_assert_eq(answered, 1);
	cr_assert(core_quiet(fake->core));
	fake_run(fake, CORE_LAST_MS);
	cr_assert_eq(ask(&answered), -ECANCELED);
}

Test(core, there_are_no_last_words_without_the_lease)
{
	int answered = 0;

	rig_attach_both();
	core_stop(fake->core, fake_time(fake));
	cr_assert_eq(ask(&answered), 0);
	core_unlead(fake->core, fake_time(fake));
	cr_assert_eq(ask(&answered), -ECANCELED);
	fake_run(fake, 1000);
	cr_assert_eq(answered, 0);
}
