/* Beside other pods: our replicas, and the controller that was there before. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#include "core_rig.h"
#include "peers.h"

TestSuite(core_peers, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static bool
held(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_condition(fake, "web", "Ready"),
		   "Unknown/" REASON_OTHER_CONTROLLER) == 0;
}

static bool
marked(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_mark(fake, "ipwarden-0"), "true") == 0;
}

Test(core_peers, the_old_controller_keeps_everything_as_it_is)
{
	fake_controller(fake, "old-0", false);
	fake_controller(fake, "ipwarden-0", true);
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, held, 60000));
	fake_run(fake, 300000);
	cr_assert(held(fake));
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Degraded"), "True/" REASON_OTHER_CONTROLLER);
	cr_assert(fake_told(fake, REASON_OTHER_CONTROLLER));
	cr_assert_eq(fake->ordered, 0);
	cr_assert_eq(fake->writes, 1, "its own status, once");
	cr_assert_eq(fake->grant_until_ms, 0);
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
	cr_assert_str_eq(fake_mark(fake, "ipwarden-0"), "");
	cr_assert_str_eq(fake->readiness, "", "a rolling update goes on");

	fake_end_controller(fake, "old-0");
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	cr_assert(fake_until(fake, marked, 1000));
}

/* It comes while an address is nowhere: that stays so until it has gone. */
Test(core_peers, a_move_under_way_waits)
{
	unsigned long ordered;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	while (fake_where(fake, "34.1.1.1") != NULL)
		fake_run(fake, 10);
	fake_controller(fake, "old-0", false);
	cr_assert(fake_until(fake, held, 10000));
	ordered = fake->ordered;
	fake_run(fake, 300000);
	cr_assert_eq(fake->ordered, ordered);
	fake_end_controller(fake, "old-0");
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	cr_assert(rig_on("34.1.1.1", "n3"));
}

/* The list after winning shows what the watcher has not told. */
Test(core_peers, one_that_was_not_told_of_counts)
{
	fake->mute = FAKE_CONTROLLERS "old-0";
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_controller(fake, "old-0", false);
	cr_assert(fake_until(fake, held, 60000));
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 0);
	fake_end_controller(fake, "old-0");
	fake_run(fake, 20000);
	cr_assert_not_null(fake_where(fake, "34.1.1.1"));
}

/* A watch that is not there cannot tell: then the list is read again and again. */
Test(core_peers, one_that_comes_while_there_is_no_watch_is_seen)
{
	rig_attach_both();
	fake->watcher_up = false;
	fake->watcher_since_ms = 0;
	core_watcher(fake->core, fake_time(fake), false);
	fake_controller(fake, "old-0", false);
	cr_assert(fake_until(fake, held, PEERS_REFRESH_MS + 1000));
}

/* Whether it runs cannot be read: nothing is done. */
Test(core_peers, without_the_list_nothing_is_done)
{
	fake->refuse.method = "GET";
	fake->refuse.part = "labelSelector=app";
	fake->refuse.status = 403;
	fake->refuse.count = 1000;
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	fake_run(fake, 300000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert_eq(fake->writes, 0);
	cr_assert_str_eq(
	    fake->readiness, "whether another controller runs cannot be read");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	cr_assert_str_eq(fake->readiness, "");
}

Test(core_peers, one_that_has_ended_does_not_count)
{
	fake_controller(fake, "old-0", false);
	fake_patch(
	    fake, FAKE_CONTROLLERS "old-0", "{\"status\":{\"phase\":\"Failed\"}}");
	fake->old_since_ms = 0;
	rig_attach_both();
}

static void
start_with_a_replica(void)
{
	fake_controller(fake, "ipwarden-0", true);
	fake_controller(fake, "ipwarden-1", true);
	fake_patch(fake, FAKE_CONTROLLERS "ipwarden-1",
	    "{\"metadata\":{\"annotations\":{\"controller-leader\":\"true\"}}}");
	rig_attach_both();
}

Test(core_peers, the_new_leader_moves_the_annotation)
{
	start_with_a_replica();
	cr_assert_str_eq(fake_mark(fake, "ipwarden-0"), "true");
	cr_assert_str_eq(fake_mark(fake, "ipwarden-1"), "");
}

Test(core_peers, an_annotation_that_is_right_is_not_written)
{
	unsigned long writes;

	start_with_a_replica();
	writes = fake->writes;
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->writes, writes);
}

/* One that is somebody else's, or in another namespace, is left alone. */
Test(core_peers, only_our_replicas_are_touched)
{
	static const char path[] = FAKE_PODS "ipwarden-9";

	fake_put(fake, path,
	    "{\"metadata\":{\"name\":\"ipwarden-9\",\"namespace\":\"default\","
	    "\"labels\":{\"app\":\"ip-address-controller\","
	    "\"app.kubernetes.io/name\":\"ipwarden\"},"
	    "\"ownerReferences\":[],\"annotations\":{\"controller-leader\":\"true\"}},"
	    "\"spec\":{},\"status\":{\"phase\":\"Running\"}}");
	start_with_a_replica();
	cr_assert_str_eq(fake_mark(fake, "ipwarden-0"), "true");
	cr_assert_not_null(strstr(
	    json_object_to_json_string(fake_get(fake, path)), "controller-leader"));
}

Test(core_peers, an_annotation_that_failed_is_written_again)
{
	fake->refuse.method = "PATCH";
	fake->refuse.part = "/pods/ipwarden-0";
	fake->refuse.status = 500;
	fake->refuse.count = 2;
	start_with_a_replica();
	cr_assert(fake_until(fake, marked, 60000));
}

Test(core_peers, an_annotation_that_is_forbidden_is_given_up)
{
	unsigned long writes;

	fake->refuse.method = "PATCH";
	fake->refuse.part = "/pods/ipwarden-0";
	fake->refuse.status = 403;
	fake->refuse.count = 1000;
	start_with_a_replica();
	writes = fake->refuse.count;
	fake_run(fake, 300000);
	cr_assert_eq(fake->refuse.count, writes);
	cr_assert_eq(writes, 999);
}
