/* PodTrackers: their status is what pods and nodes are, and is written when that
 * changes. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "json_read.h"
#include "tracker.h"

TestSuite(core_tracker, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

#define ALL FAKE_TRACKERS "all"

static void
put_pod(const char *name, const char *ip)
{
	char path[256], json[512];

	snprintf(path, sizeof path, FAKE_PODS "%s", name);
	snprintf(json, sizeof json,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{"
	    "\"nodeName\":\"n1\"},\"status\":{\"podIP\":\"%s\"}}",
	    name, ip);
	fake_put(fake, path, json);
}

static void
put_tracker(const char *path, const char *metadata, const char *namespace)
{
	char json[512];

	snprintf(json, sizeof json,
	    "{\"metadata\":{\"name\":\"%s\"%s},\"spec\":{\"namespace\":\"%s\"}}",
	    strrchr(path, '/') + 1, metadata, namespace);
	fake_put(fake, path, json);
}

static struct json_object *
status_of(const char *path)
{
	return json_read_member(fake_get(fake, path), "status");
}

static int64_t
count_of(const char *path)
{
	int64_t count = -1;

	json_read_number(status_of(path), "podCount", &count);
	return count;
}

static const char *
updated_of(const char *path)
{
	return json_read_string(json_read_member(status_of(path), "lastUpdateTime"));
}

static size_t
finalizers_of(const char *path)
{
	return json_read_length(json_read_member(
	    json_read_member(fake_get(fake, path), "metadata"), "finalizers"));
}

static void
start(void)
{
	put_pod("a", "10.0.0.1");
	put_tracker(ALL, "", "");
	fake_start(fake);
	fake_run(fake, 5000);
	cr_assert_eq(count_of(ALL), 1, "%lld", (long long)count_of(ALL));
}

Test(core_tracker, says_what_there_is)
{
	struct json_object *pod;

	start();
	pod = json_object_array_get_idx(json_read_member(status_of(ALL), "podIPs"), 0);
	cr_assert_str_eq(json_read_string(json_read_member(pod, "ip")), "10.0.0.1");
	cr_assert_eq(json_read_length(json_read_member(status_of(ALL), "nodeInfo")), 3);
	put_pod("b", "10.0.0.2");
	fake_run(fake, 2000);
	cr_assert_eq(count_of(ALL), 2);
	fake_delete(fake, FAKE_PODS "a");
	fake_run(fake, 2000);
	cr_assert_eq(count_of(ALL), 1);
	fake_delete(fake, FAKE_NODES "n3");
	fake_run(fake, 2000);
	cr_assert_eq(json_read_length(json_read_member(status_of(ALL), "nodeInfo")), 2);
}

Test(core_tracker, one_of_a_namespace_that_changes)
{
	start();
	put_tracker(FAKE_TRACKERS "one", "", "voice");
	fake_run(fake, 2000);
	cr_assert_eq(count_of(FAKE_TRACKERS "one"), 0);
	cr_assert_null(json_read_member(status_of(FAKE_TRACKERS "one"), "podIPs"));
	fake_patch(fake, FAKE_TRACKERS "one", "{\"spec\":{\"namespace\":\"default\"}}");
	fake_run(fake, 2000);
	cr_assert_eq(count_of(FAKE_TRACKERS "one"), 1);
}

/* At rest nothing is written, nor for what is not shown. */
Test(core_tracker, is_written_on_change_only)
{
	unsigned long writes;

	start();
	writes = fake->writes;
	fake_run(fake, 600000);
	for (int i = 0; i < 5; i++) {
		fake_patch(fake, FAKE_PODS "a",
		    i % 2 == 0 ? "{\"metadata\":{\"labels\":{\"x\":\"1\"}}}"
			       : "{\"metadata\":{\"labels\":{\"x\":\"2\"}}}");
		fake_run(fake, 2000);
	}
	put_pod("waits", "");
	fake_run(fake, 5000);
	cr_assert_eq(fake->writes, writes);
}

/* What comes together is written once; and never more often than once a second. */
Test(core_tracker, changes_are_gathered)
{
	unsigned long writes;
	char name[16], ip[16];

	start();
	writes = fake->writes;
	for (int i = 10; i < 110; i++) {
		snprintf(name, sizeof name, "p%d", i);
		snprintf(ip, sizeof ip, "10.0.1.%d", i);
		put_pod(name, ip);
		fake_run(fake, 100);
	}
	fake_run(fake, 2000);
	cr_assert_eq(count_of(ALL), 101);
	cr_assert_leq(fake->writes - writes, 12, "%lu", fake->writes - writes);
}

#define BUDGET	     (4ul * 1024 * 1024) /* of a PodTracker a minute */
#define LARGE_PODS   3000
#define LARGE_STATUS 600000ul

/* A minute in which a pod changes each second; returns what was written. */
static unsigned long
run_busy_minute(unsigned minute)
{
	unsigned long bytes = fake->patched_bytes;

	for (unsigned i = 0; i < 60; i++) {
		char ip[16];

		snprintf(ip, sizeof ip, "10.3.%u.%u", minute, i);
		put_pod("changes", ip);
		fake_run(fake, 1000);
	}
	return fake->patched_bytes - bytes;
}

/* A large status is written as often as its budget allows, and not more often: each
 * minute ends somewhere between two writes. */
Test(core_tracker, a_large_status_has_a_budget)
{
	unsigned long total = 0, size;
	char name[32], ip[16];

	for (unsigned i = 0; i < LARGE_PODS; i++) {
		snprintf(name, sizeof name, "web-7d9f8c6b5d-%04u", i);
		snprintf(ip, sizeof ip, "10.2.%u.%u", i >> 8, i & 255);
		put_pod(name, ip);
	}
	put_tracker(ALL, "", "");
	fake_start(fake);
	fake_run(fake, 5000);
	size = fake->patched_bytes;
	cr_assert_eq(count_of(ALL), LARGE_PODS);
	cr_assert_gt(size, LARGE_STATUS, "%lu", size);
	run_busy_minute(0); /* until it is at its limit */
	for (unsigned minute = 1; minute < 6; minute++) {
		unsigned long bytes = run_busy_minute(minute);

		cr_assert_leq(bytes, BUDGET + size, "%lu of %lu", bytes, size);
		cr_assert_geq(bytes, BUDGET - size, "%lu of %lu", bytes, size);
		total += bytes;
	}
	cr_assert_leq(total, 5 * BUDGET + size, "%lu", total);
	cr_assert_geq(total, 5 * BUDGET - size, "%lu", total);
}

/* Who leads next has nothing to write while it is all still true. */
Test(core_tracker, another_leader_writes_only_what_changed)
{
	unsigned long writes;
	char updated[64];

	start();
	snprintf(updated, sizeof updated, "%s", updated_of(ALL));
	writes = fake->writes;
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 20000);
	cr_assert_eq(fake->writes, writes);
	put_pod("b", "10.0.0.2");
	fake_run(fake, 20000);
	cr_assert_eq(fake->writes, writes + 1);
	cr_assert_eq(count_of(ALL), 2);
	cr_assert_str_neq(updated_of(ALL), updated);
}

Test(core_tracker, what_another_hand_wrote_is_mended)
{
	char updated[64];

	start();
	snprintf(updated, sizeof updated, "%s", updated_of(ALL));
	fake_patch(fake, ALL, "{\"status\":{\"podCount\":7,\"podIPs\":[]}}");
	fake_run(fake, 3000);
	cr_assert_eq(count_of(ALL), 1);
	cr_assert_str_eq(updated_of(ALL), updated, "it is what it was");
}

/* Another one of that name: what was written to the first one says nothing of it. */
Test(core_tracker, made_anew)
{
	start();
	put_tracker(ALL, "", "");
	fake_run(fake, 3000);
	cr_assert_eq(count_of(ALL), 1);
}

Test(core_tracker, the_finalizer_of_the_pod_ip_tracker_goes)
{
	start();
	put_tracker(FAKE_TRACKERS "old",
	    ",\"finalizers\":[\"" TRACKER_FINALIZER "\",\"example.org/x\"]", "");
	fake_run(fake, 3000);
	cr_assert_eq(finalizers_of(FAKE_TRACKERS "old"), 1);
	put_tracker(
	    FAKE_TRACKERS "old", ",\"finalizers\":[\"" TRACKER_FINALIZER "\"]", "");
	fake_ask_delete(fake, FAKE_TRACKERS "old");
	fake_run(fake, 3000);
	cr_assert_null(fake_get(fake, FAKE_TRACKERS "old"));
}

#define OLD FAKE_TRACKERS "old"

/* Its finalizer is to be taken off, which fails once, and its status is written. */
static void
make_old(void)
{
	put_tracker(OLD, "", "");
	fake_run(fake, 5000);
	fake->refuse.method = "PATCH";
	fake->refuse.part = "podtrackers/old";
	fake->refuse.spare = "/status";
	fake->refuse.status = 500;
	fake->refuse.message = "no";
	fake->refuse.count = 1;
	fake_patch(
	    fake, OLD, "{\"metadata\":{\"finalizers\":[\"" TRACKER_FINALIZER "\"]}}");
	fake_run(fake, 900);
	cr_assert_eq(fake->refuse.count, 0);
	cr_assert_eq(finalizers_of(OLD), 1);
}

/* At whatever time another hand writes while the finalizer is read and taken off. */
Test(core_tracker, what_is_written_while_the_finalizer_goes_is_mended)
{
	start();
	for (int delay_ms = 0; delay_ms < 300; delay_ms += 5) {
		make_old();
		fake_run(fake, delay_ms);
		fake_patch(fake, OLD, "{\"status\":{\"podCount\":7}}");
		fake_run(fake, 10000);
		cr_assert_eq(finalizers_of(OLD), 0);
		cr_assert_eq(count_of(OLD), 1, "after %d", delay_ms);
	}
}

/* Nor is the echo of taking it off another hand's. */
Test(core_tracker, a_finalizer_that_goes_is_no_reason_to_write_the_status)
{
	unsigned long writes;

	start();
	make_old();
	writes = fake->writes;
	fake_run(fake, 10000);
	cr_assert_eq(finalizers_of(OLD), 0);
	cr_assert_eq(fake->writes, writes + 1);
}

/* The Pod IP Tracker still runs: it is said once, and no fight without pause; who then
 * deletes the object does not wait. */
Test(core_tracker, a_finalizer_that_comes_back_again_and_again)
{
	unsigned taken = 0;

	start();
	for (int i = 0; i < 1200; i++) {
		if (finalizers_of(ALL) == 0) {
			taken++;
			fake_patch(fake, ALL,
			    "{\"metadata\":{\"finalizers\":[\"" TRACKER_FINALIZER
			    "\"]}}");
		}
		fake_run(fake, 500);
	}
	cr_assert_geq(taken, 10, "%u", taken);
	cr_assert_leq(taken, 20, "%u", taken);
	cr_assert_eq(fake_count_told(fake, "FinalizerPutBack"), 1);
	fake_patch(
	    fake, ALL, "{\"metadata\":{\"finalizers\":[\"" TRACKER_FINALIZER "\"]}}");
	fake_run(fake, 500);
	fake_ask_delete(fake, ALL);
	fake_run(fake, 3000);
	cr_assert_null(fake_get(fake, ALL));
}

Test(core_tracker, a_refusal_is_tried_again_ever_later)
{
	start();
	fake->refuse.method = "PATCH";
	fake->refuse.part = "podtrackers/";
	fake->refuse.status = 403;
	fake->refuse.message = "no";
	fake->refuse.count = 5;
	put_pod("b", "10.0.0.2");
	fake_run(fake, 6000);
	cr_assert_geq(fake->refuse.count, 2, "%u left", fake->refuse.count);
	fake_run(fake, 120000);
	cr_assert_eq(count_of(ALL), 2);
}

Test(core_tracker, a_dry_run_leaves_them_alone)
{
	fake->dry_run = true;
	put_pod("a", "10.0.0.1");
	put_tracker(ALL, ",\"finalizers\":[\"" TRACKER_FINALIZER "\"]", "");
	fake_start(fake);
	fake_run(fake, 20000);
	cr_assert_null(status_of(ALL));
	cr_assert_eq(fake->writes, 0);
}
