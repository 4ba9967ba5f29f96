/* What becomes of an open intent when the world changes under it. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_rig.h"
#include "items.h"
#include "json_read.h"
#include "mem.h"

TestSuite(core_journal, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

/* --- looking ---------------------------------------------------------------------- */

/* The intent for 34.1.1.1; NULL none. */
static struct json_object *
first_intent(void)
{
	struct json_object *status =
	    json_read_member(fake_get(fake, RIG_WEB), "status");
	struct json_object *list = json_read_member(status, "addresses");

	for (size_t i = 0; i < json_read_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(fake_text(entry, "address"), "34.1.1.1") == 0)
			return json_read_member(entry, "intent");
	}
	return NULL;
}

static bool
first_makes_room(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_text(first_intent(), "step"), "Ephemeral") == 0;
}

static bool
first_goes_on(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_text(first_intent(), "step"), "Attach") == 0;
}

static bool
first_is_settled(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") != NULL && first_intent() == NULL;
}

static bool
first_is_nowhere(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") == NULL;
}

static bool
first_is_blocked(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_entry(fake, "web", "34.1.1.1", "state"), "Blocked") == 0;
}

static struct {
	unsigned well, failed, timed;
	double seconds;	      /* of the last that was timed */
	unsigned begun, late; /* series: with 0, and with more before that */
} counted;

static void
count(enum gauge_op op, enum metric metric, double value, const char *const *labels)
{
	bool begins = value < 0.5;

	if (metric == METRIC_RECONCILE_SECONDS) {
		counted.timed++;
		counted.seconds = value;
	}
	if (op != GAUGE_ADD || strcmp(labels[0], "web") != 0)
		return;
	counted.begun += begins;
	counted.late += !begins && counted.begun == 0;
	if (metric != METRIC_RECONCILE_TOTAL || begins)
		return;
	counted.well += strcmp(labels[1], "success") == 0;
	counted.failed += strcmp(labels[1], "error") == 0;
}

/* --- how a target may fail -------------------------------------------------------- */

static void
vanish(const char *node)
{
	char path[64];

	fake_instance(fake, node)->exists = false;
	snprintf(path, sizeof path, FAKE_NODES "%s", node);
	fake_delete(fake, path);
}

static void
lose_its_instance(const char *node)
{
	fake_instance(fake, node)->exists = false;
}

static void
stop(const char *node)
{
	fake_instance(fake, node)->stopped = true;
}

/* Under the same name, as after a repair: another node. */
static void
come_anew(const char *node)
{
	char path[64], text[1024];

	snprintf(path, sizeof path, FAKE_NODES "%s", node);
	snprintf(
	    text, sizeof text, "%s", json_object_to_json_string(fake_get(fake, path)));
	fake_put(fake, path, text);
}

static void
give(const char *node, const char *address)
{
	struct fake_instance *instance = fake_instance(fake, node);

	snprintf(instance->address, sizeof instance->address, "%s", address);
	snprintf(instance->fence, sizeof instance->fence, "external-nat");
}

static void
give_another(const char *node)
{
	fake_reserve(fake, "34.1.1.3", "us-west1");
	give(node, "34.1.1.3");
}

static void
leave_alone(const char *node)
{
	(void)node;
}

static void
give_ephemeral(const char *node)
{
	give(node, "198.51.100.200");
}

static void (*const failures[])(const char *node) = {
    vanish, lose_its_instance, stop, come_anew, give_another};
#define FAILURES (sizeof failures / sizeof failures[0])

static void
again(void)
{
	rig_end_world();
	rig_make_world();
}

/* --- another target --------------------------------------------------------------- */

/* Nothing is seen nor asked for until it has failed. A node that came anew is one like
 * any other. */
static void
fails_on_its_way(bool (*when)(struct fake *), size_t how)
{
	const char *where = failures[how] == come_anew ? "n1" : "n2";

	memset(&counted, 0, sizeof counted);
	fake->on_metric = count;
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, when, 60000), "%zu", how);
	fake_cloud_kill(fake);
	failures[how]("n1");
	fake_run(fake, 300000);
	fake_cloud_start(fake);
	cr_assert(fake_until(fake, first_is_settled, 120000), "%zu", how);
	cr_assert(rig_on("34.1.1.1", where), "%zu", how);
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Refused", "34.1.1.1 cannot go to n1"),
	    "%zu", how);
	cr_assert_eq(counted.failed, 1, "%zu", how);
	cr_assert_eq(counted.well, 1, "%zu", how);
	cr_assert_eq(counted.timed, 1, "%zu", how);
	cr_assert_geq(counted.seconds, 300.0, "%zu: since the first attempt", how);
	fake_run(fake, 30000);
	cr_assert(rig_on("34.1.1.1", where), "%zu", how);
	fake_judge_rest(fake, "web");
}

Test(core_journal, a_target_that_fails_while_room_is_made_is_given_up)
{
	for (size_t i = 0; i < FAILURES; i++) {
		fails_on_its_way(first_makes_room, i);
		again();
	}
}

Test(core_journal, a_target_that_fails_before_the_address_arrives_is_given_up)
{
	for (size_t i = 0; i < FAILURES; i++) {
		fails_on_its_way(first_goes_on, i);
		again();
	}
}

/* The address is off n1, and n3, the only other node, fails. */
static void
fail_between_nodes(void (*meanwhile)(const char *node))
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_is_nowhere, 60000));
	vanish("n3");
	meanwhile("n1");
}

Test(core_journal, without_another_node_it_goes_back)
{
	static void (*const meanwhile[])(const char *node) = {
	    leave_alone, give_ephemeral};

	for (size_t i = 0; i < sizeof meanwhile / sizeof meanwhile[0]; i++) {
		fail_between_nodes(meanwhile[i]);
		cr_assert(fake_until(fake, first_is_settled, 120000), "%zu", i);
		cr_assert(rig_on("34.1.1.1", "n1"), "%zu", i);
		cr_assert_not_null(fake_event(
		    fake, "NetIPAllocation", "Refused", "34.1.1.1 cannot go to n3"));
		again();
	}
}

Test(core_journal, what_cannot_go_back_is_told_and_tried_again)
{
	for (size_t i = 0; i < FAILURES; i++) {
		fail_between_nodes(failures[i]);
		cr_assert(fake_until(fake, first_is_blocked, 120000), "%zu", i);
		cr_assert_str_eq(
		    fake_entry(fake, "web", "34.1.1.1", "reason"), "NodeGone");
		cr_assert_not_null(strstr(
		    fake_entry(fake, "web", "34.1.1.1", "message"), "n3: the node"));
		cr_assert_not_null(
		    strstr(fake_entry(fake, "web", "34.1.1.1", "message"), "; 0/"));
		fake_node(fake, "n4", "us-west1-a", true);
		cr_assert(fake_until(fake, first_is_settled, 120000), "%zu", i);
		cr_assert(rig_on("34.1.1.1", "n4"), "%zu", i);
		again();
	}
}

/* Nothing is put anywhere any more. */
Test(core_journal, a_target_that_fails_ends_what_is_no_longer_wanted)
{
	fail_between_nodes(leave_alone);
	rig_delete_web();
	rig_unused("n2", "sip-2");
	fake_delete(fake, FAKE_PODS "sip-new");
	cr_assert(fake_until(fake, rig_gone, 120000));
	cr_assert_null(fake_where(fake, "34.1.1.1"));
}

/* --- what the cloud refuses ------------------------------------------------------- */

static void
fail_on_the_only_node(void)
{
	fake_cordon(fake, "n1", true);
	fake_cordon(fake, "n2", true);
	fake->faults.order_fail = 1000;
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, first_is_blocked, 60000));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "reason"), "Quota");
}

Test(core_journal, a_node_where_it_failed_is_left_out_for_a_minute)
{
	fail_on_the_only_node();
	fake->faults.order_fail = 0;
	fake_run(fake, 57000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	cr_assert(fake_until(fake, first_is_settled, 10000));
}

/* Not of a new trouble, at least. */
Test(core_journal, a_failure_that_is_over_is_told_no_more)
{
	fail_on_the_only_node();
	give("n3", "34.1.1.1");
	fake_run(fake, 60000);
	fake_judge_rest(fake, "web");
	fake_cordon(fake, "n3", true);
	fake_run(fake, 1000);
	fake_instance(fake, "n3")->address[0] = '\0';
	cr_assert(fake_until(fake, first_is_blocked, 60000));
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "NoEligibleNode");
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "message"), "0/3 nodes: 3 cordoned");
}

/* The cloud would not know the request again. */
Test(core_journal, a_request_that_is_too_old_is_not_sent)
{
	char id[ID_MAX + 1];

	fake_cordon(fake, "n1", true);
	fake_cordon(fake, "n2", true);
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, first_goes_on, 60000));
	fake_cloud_kill(fake);
	snprintf(id, sizeof id, "%s",
	    fake_text(json_read_member(first_intent(), "requestIDs"), "attach"));
	fake_run(fake, REQUEST_AGE_MAX_MS + 60000);
	fake_cloud_start(fake);
	cr_assert(fake_until(fake, first_is_settled, 120000));
	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		cr_assert_str_neq(kept->order.request_id, id);
	}
}

/* --- what is said ----------------------------------------------------------------- */

static bool said_moving;

static bool
is_attached(struct fake *unused)
{
	said_moving |=
	    strcmp(fake_entry(fake, "web", "34.1.1.1", "reason"), "Moving") == 0;
	return first_is_settled(unused);
}

Test(core_journal, what_is_put_on_at_first_does_not_move)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, is_attached, 60000));
	cr_assert_not(said_moving);
}

Test(core_journal, each_end_is_counted_and_timed_once)
{
	memset(&counted, 0, sizeof counted);
	fake->on_metric = count;
	rig_attach_both();
	cr_assert_eq(counted.begun, 3 * 2 + 5, "of changes, and of evictions");
	cr_assert_eq(counted.late, 0);
	cr_assert_eq(counted.well, 2);
	cr_assert_eq(counted.timed, 2);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_eq(counted.well, 3);
	cr_assert_eq(counted.timed, 3);
	cr_assert_lt(counted.seconds, 30.0, "since the move is needed");
	cr_assert_eq(counted.failed, 0);
	rig_unused("n3", "sip-new");
	rig_unused("n2", "sip-2");
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 120000));
	cr_assert_eq(counted.well, 5);
	cr_assert_eq(counted.failed, 0);
}

/* Its first target is to be left as soon as it is there. */
Test(core_journal, a_move_right_after_an_attachment_is_timed_by_itself)
{
	memset(&counted, 0, sizeof counted);
	fake->on_metric = count;
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, first_goes_on, 60000));
	rig_unused("n1", "sip-1");
	fake_cloud_kill(fake);
	fake_cordon(fake, "n1", true);
	fake_run(fake, 100000);
	fake_cloud_start(fake);
	cr_assert(fake_until(fake, first_is_settled, 120000));
	fake_run(fake, 60000);
	cr_assert_not(rig_on("34.1.1.1", "n1"));
	cr_assert_eq(counted.well, 2);
	cr_assert_lt(counted.seconds, 60.0);
}

/* What was needed until somebody else did it says nothing of the next change. */
Test(core_journal, a_move_after_an_attachment_by_hand_is_timed_by_itself)
{
	fake->on_metric = count;
	fake->barren = "n1";
	fake_pod(fake, "sip-1", "n1", "sip");
	fake_allocation(
	    fake, "web", "[\"34.1.1.1\"]", ",\"nodeSelector\":{\"pool\":\"one\"}");
	rig_pool("n1", "one");
	fake_start(fake);
	fake_run(fake, 100000);
	cr_assert_null(fake_where(fake, "34.1.1.1"));
	fake->barren = NULL;
	give("n1", "34.1.1.1");
	fake_run(fake, 60000);
	rig_pool("n3", "one");
	memset(&counted, 0, sizeof counted);
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_eq(counted.timed, 1);
	cr_assert_lt(counted.seconds, 60.0);
}

/* Sixty of them: the status says the rest. */
Test(core_journal, one_look_at_a_long_list_tells_sixteen)
{
	rig_start_bad_list("web");
	fake_run(fake, 60000);
	cr_assert_eq(fake_count_told(fake, "InvalidAddress"), 16);
	cr_assert_eq(fake->dropped, 0);
	cr_assert_eq(fake->patches, 0, "and only once");
}

/* --- what the status says of a holder --------------------------------------------- */

static void
set_policy(const char *policy)
{
	char patch[64];

	snprintf(patch, sizeof patch, "{\"spec\":{\"policy\":\"%s\"}}", policy);
	fake_patch(fake, RIG_WEB, patch);
	fake_run(fake, 5000);
}

/* Of what was ours, it is still said where it is; of what is elsewhere now, it is not.
 */
Test(core_journal, who_begins_to_look_on_still_holds_what_stays)
{
	rig_attach_both();
	set_policy("Observe");
	cr_assert_str_neq(fake_entry(fake, "web", "34.1.1.1", "instanceID"), "");
	fake_instance(fake, "n1")->address[0] = '\0';
	give("n3", "34.1.1.1");
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "instanceID"), "");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeName"), "n3");
}

Test(core_journal, an_access_config_that_was_renamed_is_known_by_its_new_name)
{
	struct fake_instance *instance = fake_instance(fake, "n1");

	rig_attach_both();
	snprintf(instance->fence, sizeof instance->fence, "by-hand");
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "fence"), "by-hand");
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
}

/* That it may stay on a node outside was said of another one. */
Test(core_journal, what_was_moved_by_hand_is_judged_anew)
{
	rig_pool("n1", "other");
	give("n1", "34.1.1.1");
	fake_delete(fake, FAKE_PODS "sip-1");
	rig_attach_both();
	cr_assert(rig_is("web", "34.1.1.1", "Attached", "OutsideSelector"));
	fake_instance(fake, "n1")->address[0] = '\0';
	give("n3", "34.1.1.1");
	fake_run(fake, 60000);
	cr_assert(rig_is("web", "34.1.1.1", "Attached", "Attached"));
	fake_node(fake, "n4", "us-west1-a", true);
	fake_instance(fake, "n3")->steady_since_ms = 0;
	rig_pool("n3", "other");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n4"));
}

/* --- patience --------------------------------------------------------------------- */

/* A look that allows nothing is not repeated at once. */
Test(core_journal, what_may_not_be_taken_is_not_read_all_the_time)
{
	unsigned long reads;

	rig_attach_both();
	fake->mute = FAKE_PODS "sip-9";
	fake_pod(fake, "sip-9", "n1", "sip");
	fake_run(fake, 1000);
	reads = fake->reads + fake->lists;
	rig_drain("n1", "sip-1", "n3");
	fake_instance(fake, "n1")->steady_since_ms = 1;
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert_lt(fake->reads + fake->lists - reads, 60, "%lu",
	    fake->reads + fake->lists - reads);
}

static size_t
gifts(void)
{
	size_t found = 0;

	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		found += kept->order.kind == ORDER_EPHEMERAL;
	}
	return found;
}

static void
leaves_without_a_gift(void (*how)(const char *node))
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, first_is_nowhere, 60000));
	how("n1");
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	fake_run(fake, 30000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_eq(gifts(), 0);
	again();
}

Test(core_journal, who_cannot_use_an_ephemeral_address_gets_none_back)
{
	leaves_without_a_gift(stop);
	leaves_without_a_gift(lose_its_instance);
	leaves_without_a_gift(give_ephemeral);
	leaves_without_a_gift(give_another);
}

/* --- begun by a newer version ----------------------------------------------------- */

/* As that one would write it: for 34.1.1.1 alone. */
static void
newer_begins(void)
{
	struct json_object *web = NULL, *status;
	char *patch;

	json_object_deep_copy(fake_get(fake, RIG_WEB), &web, NULL);
	status = json_read_member(web, "status");
	json_object_object_add(
	    json_object_array_get_idx(json_read_member(status, "addresses"), 0),
	    "intent",
	    json_tokener_parse(
		"{\"schemaVersion\":2,\"id\":\"n-1\",\"step\":\"Rehome\","
		"\"since\":\"2026-01-01T00:00:00Z\"}"));
	patch = mem_printf("{\"status\":%s}", json_object_to_json_string(status));
	fake_patch(fake, RIG_WEB, patch);
	free(patch);
	json_object_put(web);
}

/* It is not released, since nobody here knows what is being done with it; and yet who
 * deletes it does not wait for ever. */
Test(core_journal, what_a_newer_version_has_begun_can_be_deleted)
{
	rig_attach_both();
	newer_begins();
	rig_nobody_uses_them();
	rig_delete_web();
	fake_run(fake, 300000);
	cr_assert(!rig_gone(fake));
	cr_assert(rig_is("web", "34.1.1.1", "Blocked", "UnknownJournal"));
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_labelled("n1"));
	cr_assert_null(fake_where(fake, "34.1.1.2"));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
	cr_assert(fake_until(fake, rig_gone, 5000));
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_labelled("n1"));
}
