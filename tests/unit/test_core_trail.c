/* Events, and evictions, of the core in a small world (tests/simulation/fake.h). */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "events.h"
#include "evict.h"
#include "fresh.h"
#include "json_read.h"
#include "lost.h"

TestSuite(core_trail, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

/* --- events ----------------------------------------------------------------------- */

static bool
told_of(const char *kind, const char *reason, const char *words)
{
	return fake_event(fake, kind, reason, words) != NULL;
}

Test(core_trail, an_address_on_its_way_is_told_of_where_people_look)
{
	struct json_object *moved;

	rig_attach_both();
	cr_assert(told_of("NetIPAllocation", "Attached", "34.1.1.1 attached to n1"));
	cr_assert(told_of("Node", "Attached", "34.1.1.1 attached to n1"));
	fake_cordon(fake, "n1", true);
	fake_run(fake, 3000);
	cr_assert(told_of("Node", "Held", "in use by 1 pod (sip-1)"));
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert(told_of("Node", "Detached", "34.1.1.1 taken off n1"));
	cr_assert(told_of("Node", "Moved", "34.1.1.1 moved n1→n3, nowhere for 1 s"));
	moved = fake_event(fake, "Deployment", "Moved", "34.1.1.1 moved n1→n3");
	cr_assert_neq(moved, NULL);
	cr_assert_str_eq(
	    fake_text(json_read_member(moved, "metadata"), "namespace"), "default");
	cr_assert_str_neq(fake_text(json_read_member(moved, "regarding"), "uid"), "");
	cr_assert_str_eq(
	    fake_text(json_read_member(moved, "related"), "kind"), "NetIPAllocation");
}

static bool
told_unreserved(struct fake *unused)
{
	(void)unused;
	return told_of("NetIPAllocation", "AddressNotFound", "");
}

/* It is reserved, found, gone again: the same event each time. */
static void
come_and_go(int64_t apart_ms)
{
	fake_reserve(fake, "34.9.9.9", "us-west1");
	fake_run(fake, apart_ms);
	fake->addresses_len--;
	fake_instance(fake, "n1")->address[0] = '\0';
	fake_run(fake, 100000);
}

static int64_t
series_count(void)
{
	struct json_object *event =
	    fake_event(fake, "NetIPAllocation", "AddressNotFound", "");
	int64_t count = 0;

	json_read_number(json_read_member(event, "series"), "count", &count);
	return count;
}

static void
tell_of_an_unreserved_address(void)
{
	fake_allocation(fake, "other", "[\"34.9.9.9\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, told_unreserved, 60000));
	fake_instance(fake, "n1")->steady_since_ms = 0;
}

Test(core_trail, what_happens_again_becomes_a_series)
{
	tell_of_an_unreserved_address();
	cr_assert_eq(series_count(), 0);
	come_and_go(100000);
	cr_assert_eq(series_count(), 2, "%ld", (long)series_count());
	come_and_go(100000);
	cr_assert_eq(series_count(), 2, "%ld", (long)series_count());
	come_and_go(EVENTS_QUIET_MS);
	cr_assert_eq(series_count(), 4, "%ld", (long)series_count());
}

Test(core_trail, a_series_whose_event_is_forgotten_begins_anew)
{
	unsigned long posts;

	tell_of_an_unreserved_address();
	posts = fake->posts;
	fake_forget_events(fake);
	come_and_go(100000);
	cr_assert_gt(fake->patches, 0);
	cr_assert_gt(fake->posts, posts);
	cr_assert(told_unreserved(fake));
	cr_assert_eq(series_count(), 0);
}

/* Each message is another one: only the limit holds them up. */
Test(core_trail, too_many_events_about_one_object_are_dropped)
{
	size_t told = 0;

	rig_start_bad_list("other");
	fake_run(fake, 20000);
	for (int i = 0; i < 200; i++) {
		char patch[128];

		snprintf(patch, sizeof patch,
		    "{\"spec\":{\"reservedIPs\":[\"worse-%d\"]}}", i);
		fake_patch(fake, FAKE_ALLOCATIONS "/other", patch);
		fake_run(fake, 500);
	}
	MAP_EACH(fake->posted, entry)
	{
		(void)entry;
		told++;
	}
	cr_assert_leq(told, EVENTS_BURST + 1, "%zu", told);
	cr_assert_geq(told, EVENTS_BURST, "%zu", told);
	cr_assert_gt(fake->dropped, 100);
}

/* --- evictions -------------------------------------------------------------------- */

/* Somebody takes the address of n1 away, and n1 cannot have it back. */
static void
lose(const char *node)
{
	struct fake_instance *instance = fake_instance(fake, node);

	fake_cordon(fake, node, true);
	fake_run(fake, 3000);
	instance->address[0] = '\0';
	instance->fence[0] = '\0';
}

static bool
is_evicted(struct fake *unused)
{
	(void)unused;
	return fake->evicted > 0;
}

static bool
is_blocked(struct fake *unused)
{
	(void)unused;
	return fake->blocked_evictions == 2;
}

static bool
there(const char *pod)
{
	char path[128];

	snprintf(path, sizeof path, FAKE_PODS "%s", pod);
	return fake_get(fake, path) != NULL;
}

Test(core_trail, pods_leave_a_node_that_has_lost_its_address)
{
	fake_pod(fake, "other-1", "n1", "other");
	rig_attach_both();
	lose("n1");
	cr_assert(fake_until(fake, is_evicted, 120000));
	fake_run(fake, 120000);
	cr_assert_not(there("sip-1"));
	cr_assert(there("sip-2"));
	cr_assert(there("other-1"));
	cr_assert_eq(fake->evicted, 1);
	cr_assert(told_of("Pod", "Evicted", "sip-1"));
	cr_assert(told_of("NetIPAllocation", "Evicted", "sip-1"));
}

/* The watcher has the instance wrong, be it late or lying: nothing is known then. */
Test(core_trail, the_node_is_read_afresh_before_its_pods_leave)
{
	rig_attach_both();
	lose("n1");
	fake->mute = FAKE_NODES "n1";
	fake_patch(fake, FAKE_NODES "n1",
	    "{\"spec\":{\"providerID\":\"gce://demo/us-west1-a/another\"}}");
	fake_run(fake, 200000);
	cr_assert_eq(fake->evicted, 0);
	cr_assert(there("sip-1"));
}

Test(core_trail, a_pod_that_came_after_the_loss_stays)
{
	rig_attach_both();
	lose("n1");
	fake_run(fake, 40000);
	fake_pod(fake, "sip-late", "n1", "sip");
	fake_run(fake, 200000);
	cr_assert_not(there("sip-1"));
	cr_assert(there("sip-late"));
}

Test(core_trail, an_address_that_comes_back_at_once_evicts_nobody)
{
	rig_attach_both();
	fake_instance(fake, "n1")->address[0] = '\0';
	fake_run(fake, 200000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_eq(fake->evicted, 0);
}

static void
lose_with_policy(const char *policy)
{
	char spec[64];

	snprintf(spec, sizeof spec, ",\"evictionPolicy\":\"%s\"", policy);
	fake_delete(fake, FAKE_NODES "n2");
	fake_delete(fake, FAKE_NODES "n3");
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", spec);
	fake_start(fake);
	fake_run(fake, 20000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	lose("n1");
	fake_run(fake, 120000);
}

Test(core_trail, without_another_node_pods_stay)
{
	lose_with_policy("WhenReplaceable");
	cr_assert_eq(fake->evicted, 0);
	cr_assert(told_of("NetIPAllocation", "NoReplacementNode", "n1"));
}

Test(core_trail, with_policy_always_they_go_nevertheless)
{
	lose_with_policy("Always");
	cr_assert_eq(fake->evicted, 1);
}

Test(core_trail, with_policy_never_they_stay)
{
	lose_with_policy("Never");
	cr_assert_eq(fake->evicted, 0);
	cr_assert_not(told_of("NetIPAllocation", "NoReplacementNode", ""));
}

Test(core_trail, what_cannot_be_observed_evicts_nobody)
{
	rig_attach_both();
	lose("n1");
	fake->cloud_down = true;
	fake_run(fake, 300000);
	cr_assert_eq(fake->evicted, 0);
	fake->cloud_down = false;
	cr_assert(fake_until(fake, is_evicted, 300000));
}

/* NotReady for so long that the address goes elsewhere; the pods are still there. */
static void
take_from_dead_node(void)
{
	rig_attach_both();
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_ready(fake, "n1", false);
	fake_run(fake, 300000 + 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	fake_ready(fake, "n1", true);
	fake_run(fake, 120000);
}

Test(core_trail, where_we_took_it_pods_stay)
{
	take_from_dead_node();
	cr_assert_eq(fake->evicted, 0);
	cr_assert(there("sip-1"));
}

Test(core_trail, where_we_took_it_those_that_require_the_label_go)
{
	fake_picky_pod(fake, "sip-3", "n1");
	take_from_dead_node();
	cr_assert_eq(fake->evicted, 1);
	cr_assert(there("sip-1"));
	cr_assert_not(there("sip-3"));
}

Test(core_trail, a_budget_is_waited_for_and_named)
{
	rig_attach_both();
	fake->blocked_evictions = 4;
	lose("n1");
	cr_assert(fake_until(fake, is_evicted, 200000));
	cr_assert_eq(fake->blocked_evictions, 0);
	cr_assert(told_of("NetIPAllocation", "EvictionBlocked", "budget sip needs 5"));
	cr_assert(told_of("Pod", "EvictionBlocked", "budget sip needs 5"));
}

Test(core_trail, a_budget_is_asked_no_sooner_than_the_server_wants)
{
	int64_t blocked_ms;

	rig_attach_both();
	fake->blocked_evictions = 3;
	fake->retry_after_ms = 40000;
	lose("n1");
	cr_assert(fake_until(fake, is_blocked, 200000));
	blocked_ms = fake->now_ms;
	cr_assert(fake_until(fake, is_evicted, 300000));
	cr_assert_geq(fake->now_ms - blocked_ms, 3 * fake->retry_after_ms);
}

/* One after another, and of all no more than a few a minute. */
Test(core_trail, many_pods_go_slowly)
{
	rig_attach_both();
	for (int i = 0; i < 30; i++) {
		char name[32];

		snprintf(name, sizeof name, "sip-many-%d", i);
		fake_pod(fake, name, "n1", "sip");
	}
	lose("n1");
	cr_assert(fake_until(fake, is_evicted, 120000));
	fake_run(fake, 60000);
	cr_assert_leq(fake->evicted, 1 + EVICT_BURST + EVICT_PER_MINUTE);
	cr_assert_leq(fake->evicted, 2 + 60000 / EVICT_GAP_MS);
	fake_run(fake, 600000);
	cr_assert_eq(fake->evicted, 31);
}

static void
story_lose(void)
{
	long crash_at = fake->crash_at;

	fake->crash_at = -1;
	rig_attach_both();
	lose("n1");
	fake->crash_at = crash_at;
	fake->effects = 0;
	fake_run(fake, 200000);
	cr_assert_str_eq(fake->violation, "", "effect %ld", crash_at);
}

/* What was known of the loss may be forgotten; nobody goes who must not. */
Test(core_trail, survives_death_at_every_effect_while_evicting)
{
	for (long at = 0; at < 40; at++) {
		if (at > 0)
			rig_make_world();
		fake->crash_at = at;
		story_lose();
		cr_assert_leq(fake->evicted, 1);
		if (at < 39)
			fake_free(fake);
	}
}
