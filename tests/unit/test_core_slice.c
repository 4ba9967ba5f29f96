/* PodTrackerSlices: one a node while there is a PodTracker, and none of a node that is
 * gone. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "json_read.h"
#include "slice.h"

TestSuite(core_slice, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

#define ALL FAKE_TRACKERS "all"
/* A change is seen, written, and the rest taken away. */
#define A_WHILE_MS (SLICE_LEAST_MS + SLICE_SETTLE_MS + 2 * SLICES_GATHER_MS)

static void
put_pod(const char *name, const char *node)
{
	char path[256], json[512];

	snprintf(path, sizeof path, FAKE_PODS "%s", name);
	snprintf(json, sizeof json,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{"
	    "\"nodeName\":\"%s\"},\"status\":{\"podIP\":\"10.0.0.1\"}}",
	    name, node);
	fake_put(fake, path, json);
}

/* One without a machine at the cloud. */
static void
put_node(const char *name)
{
	char path[128], json[128];

	snprintf(path, sizeof path, FAKE_NODES "%s", name);
	snprintf(json, sizeof json,
	    "{\"metadata\":{\"name\":\"%s\"},\"status\":{\"conditions\":[{}]}}", name);
	fake_put(fake, path, json);
}

static void
put_pods(unsigned count, const char *node)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "many-%06u", i);
		put_pod(name, node);
	}
}

static void
drop_pods(unsigned count)
{
	char path[256];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof path, FAKE_PODS "many-%06u", i);
		fake_delete(fake, path);
	}
}

static void
put_tracker(const char *name)
{
	char path[128], json[128];

	snprintf(path, sizeof path, FAKE_TRACKERS "%s", name);
	snprintf(
	    json, sizeof json, "{\"metadata\":{\"name\":\"%s\"},\"spec\":{}}", name);
	fake_put(fake, path, json);
}

/* -1: there is no such slice. */
static int64_t
pods_in(const char *slice)
{
	struct json_object *json = fake_get(fake, slice);

	return json != NULL ? (int64_t)json_read_length(json_read_member(json, "pods"))
			    : -1;
}

static const char *
said(const char *slice, const char *key)
{
	return fake_text(fake_get(fake, slice), key);
}

static const char *
uid_of(const char *path)
{
	return fake_text(json_read_member(fake_get(fake, path), "metadata"), "uid");
}

/* The agent of node n1 writes a slice; `ago_ms` ago by its clock. */
static void
agent_writes_part(const char *slice, int part, int64_t ago_ms, const char *hash)
{
	struct wall_time at = {fake_time(fake).wall.ms - ago_ms};
	char patch[512], when[CLOCK_TEXT_MAX];

	clock_format(at, false, when, sizeof when);
	snprintf(patch, sizeof patch,
	    "{\"metadata\":{\"name\":\"%s\"},\"writer\":\"Agent\","
	    "\"contentHash\":\"%s\",\"nodeUID\":\"%s\",\"nodeName\":\"n1\","
	    "\"part\":%d,\"parts\":%d,\"lastUpdateTime\":\"%s\"}",
	    strrchr(slice, '/') + 1, hash, uid_of(FAKE_NODES "n1"), part, part, when);
	if (fake_get(fake, slice) == NULL)
		fake_put(fake, slice, patch);
	else
		fake_patch(fake, slice, patch);
}

static void
agent_writes(int64_t ago_ms, const char *hash)
{
	agent_writes_part(FAKE_SLICES "n1", 1, ago_ms, hash);
}

/* One pod with an address is on n1, and none elsewhere. */
static void
start(void)
{
	put_pod("one", "n1");
	put_tracker("all");
	fake_start(fake);
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 1);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 0);
	cr_assert_eq(pods_in(FAKE_SLICES "n3"), 0);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "writer"), "Leader");
	cr_assert_str_eq(said(FAKE_SLICES "n1", "nodeUID"), uid_of(FAKE_NODES "n1"));
}

Test(core_slice, follows_its_node)
{
	unsigned long writes;

	start();
	put_pod("two", "n2");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 1);
	writes = fake->slice_writes;
	fake_run(fake, 1200000);
	cr_assert_eq(fake->slice_writes, writes, "at rest");
	fake_delete(fake, FAKE_SLICES "n2");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 1);
	fake_patch(fake, FAKE_SLICES "n2", "{\"contentHash\":\"\\\"\",\"pods\":[]}");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 1);
	fake_delete(fake, FAKE_NODES "n3");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n3"), -1);
}

/* It went before it was told of: the next list does not have it. */
Test(core_slice, that_nobody_told_of_is_written_again)
{
	fake->mute = FAKE_SLICES "n2";
	start();
	fake_delete(fake, FAKE_SLICES "n2");
	fake->mute = NULL;
	fake_watch_start(fake);
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 0);
}

/* Another machine of that name. */
Test(core_slice, is_of_one_node)
{
	start();
	fake_delete(fake, FAKE_NODES "n1");
	fake_node(fake, "n1", "us-west1-a", true);
	fake_run(fake, A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "nodeUID"), uid_of(FAKE_NODES "n1"));
}

Test(core_slice, goes_with_the_last_tracker)
{
	start();
	put_tracker("more");
	fake_delete(fake, ALL);
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 1);
	fake_delete(fake, FAKE_TRACKERS "more");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), -1);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), -1);
}

/* Somebody has written it between what was told and the delete: it is tried again. */
Test(core_slice, goes_though_it_was_written_meanwhile)
{
	start();
	fake->refuse.method = "DELETE";
	fake->refuse.part = "podtrackerslices/n1";
	fake->refuse.status = 409;
	fake->refuse.message = "the ResourceVersion in the precondition is another";
	fake->refuse.count = 1;
	fake_delete(fake, ALL);
	fake_run(fake, 5000);
	cr_assert_eq(fake->refuse.count, 0);
	cr_assert_neq(pods_in(FAKE_SLICES "n1"), -1);
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), -1);
}

/* Many pods: more slices, and fewer again. */
Test(core_slice, has_as_many_parts_as_it_takes)
{
	start();
	put_pods(1400, "n1");
	fake_run(fake, 2 * A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1") + pods_in(FAKE_SLICES "n1-2") +
			 pods_in(FAKE_SLICES "n1-3"),
	    1401);
	cr_assert_eq(pods_in(FAKE_SLICES "n1-4"), -1);
	drop_pods(500);
	fake_run(fake, 2 * A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1") + pods_in(FAKE_SLICES "n1-2"), 901);
	cr_assert_eq(pods_in(FAKE_SLICES "n1-3"), -1);
}

/* n1-2 is a part of n1 until a node of that name comes, and again when it has gone. */
Test(core_slice, a_node_has_its_own_name)
{
	start();
	put_pods(600, "n1");
	fake_run(fake, A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1-2", "nodeName"), "n1");
	fake_node(fake, "n1-2", "us-west1-a", true);
	fake_run(fake, 2 * A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1-2", "nodeName"), "n1-2");
	cr_assert_str_eq(said(FAKE_SLICES "n1-part-2", "nodeName"), "n1");
	cr_assert_eq(pods_in(FAKE_SLICES "n1") + pods_in(FAKE_SLICES "n1-part-2"), 601);
	fake_delete(fake, FAKE_NODES "n1-2");
	put_pod("more", "n1");
	fake_run(fake, 2 * A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1-2", "nodeName"), "n1");
	cr_assert_eq(pods_in(FAKE_SLICES "n1-part-2"), -1);
}

/* Which of its slices an agent writes first is its own matter. */
Test(core_slice, a_part_may_come_before_the_first)
{
	char uid[64];

	fake_start(fake);
	agent_writes(0, "abc");
	fake_run(fake, 2000);
	agent_writes_part(FAKE_SLICES "n1-2", 2, 0, "abd");
	snprintf(uid, sizeof uid, "%s", uid_of(FAKE_SLICES "n1-2"));
	fake_run(fake, SLICE_SETTLE_MS - 1000);
	fake_patch(fake, FAKE_SLICES "n1", "{\"parts\":2,\"contentHash\":\"abe\"}");
	fake_run(fake, A_WHILE_MS);
	cr_assert_str_eq(uid_of(FAKE_SLICES "n1-2"), uid);
	fake_patch(fake, FAKE_SLICES "n1", "{\"parts\":1,\"contentHash\":\"abc\"}");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1-2"), -1);
}

/* Until it has been silent for two of its intervals; then that of the leader. */
Test(core_slice, an_agent_has_its_own)
{
	unsigned long writes;

	start();
	agent_writes(0, "abc");
	put_pod("more", "n1");
	fake_run(fake, 600000);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 1);
	agent_writes(0, "abd");
	writes = fake->slice_writes;
	fake_run(fake, SLICE_AGENT_MS - 10000);
	cr_assert_eq(fake->slice_writes, writes);
	fake_run(fake, 20000);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 2, "and nothing else woke it");
	cr_assert_str_eq(said(FAKE_SLICES "n1", "writer"), "Leader");
}

/* Its clock is ahead: it is not believed for good. */
Test(core_slice, an_agent_may_be_ahead)
{
	start();
	agent_writes(-86400000, "abc");
	fake_run(fake, SLICE_AGENT_MS + A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "writer"), "Leader");
}

/* There is no PodTracker: an agent's stays as long as there is an agent. */
Test(core_slice, an_agent_needs_no_tracker)
{
	unsigned long writes;

	fake_start(fake);
	agent_writes(0, "abc");
	writes = fake->slice_writes;
	fake_run(fake, SLICE_AGENT_MS - 10000);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "writer"), "Agent");
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), -1);
	cr_assert_eq(fake->slice_writes, writes);
	agent_writes(0, "abc");
	fake_run(fake, SLICE_AGENT_MS - 10000);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "writer"), "Agent");
	fake_run(fake, 20000);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), -1);
}

/* It was told of another time: the agent has written since. */
Test(core_slice, what_an_agent_has_just_written_is_not_taken_away)
{
	fake_start(fake);
	fake_run(fake, 1000);
	fake->mute = FAKE_SLICES "n1";
	agent_writes(SLICE_AGENT_MS, "abc");
	fake->mute = NULL;
	fake_patch(fake, FAKE_SLICES "n1", "{\"podCount\":0}");
	fake_run(fake, 1000);
	fake->mute = FAKE_SLICES "n1";
	agent_writes(0, "abd");
	fake_run(fake, A_WHILE_MS);
	cr_assert_str_eq(said(FAKE_SLICES "n1", "contentHash"), "abd");
}

/* Somebody else writes it in between: it goes all the same, once that is known. */
Test(core_slice, one_that_has_changed_meanwhile_goes)
{
	start();
	fake->mute = FAKE_SLICES "n1";
	fake_patch(fake, FAKE_SLICES "n1", "{\"podCount\":7}");
	fake_delete(fake, ALL);
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 1);
	fake->mute = NULL;
	fake_patch(fake, FAKE_SLICES "n1", "{\"podCount\":8}");
	fake_run(fake, A_WHILE_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), -1);
}

/* The lease was lost and won: what is right is not written again. */
Test(core_slice, another_leader_writes_only_what_changed)
{
	unsigned long writes;

	start();
	writes = fake->slice_writes;
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 20000);
	cr_assert_eq(fake->slice_writes, writes);
	fake_kill(fake);
	put_pod("two", "n2");
	fake_start(fake);
	fake_run(fake, 20000);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 1);
}

/* Many nodes at once: all of them in the end, and not faster than is allowed. */
Test(core_slice, each_has_its_turn)
{
	const int64_t all_ms = 260 * 60000 / SLICES_PER_MINUTE;
	unsigned long writes;
	char name[16], path[128];

	start();
	writes = fake->slice_writes;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "m%d", i);
		put_node(name);
		put_pod(name, name);
	}
	fake_run(fake, all_ms / 2);
	cr_assert_leq(fake->slice_writes - writes,
	    (unsigned long)(SLICES_BURST + all_ms / 2 * SLICES_PER_MINUTE / 60000));
	fake_run(fake, all_ms / 2 + A_WHILE_MS);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof path, FAKE_SLICES "m%d", i);
		cr_assert_eq(pods_in(path), 1, "%s", path);
	}
}

/* Refused: all wait, and each longer. */
Test(core_slice, a_missing_right_is_no_storm)
{
	unsigned long audits;

	fake->refuse.method = "POST";
	fake->refuse.part = "podtrackerslices";
	fake->refuse.status = 403;
	fake->refuse.message = "forbidden";
	fake->refuse.count = 1000;
	put_tracker("all");
	fake_start(fake);
	fake_run(fake, 60000);
	audits = fake->audits;
	fake_run(fake, 600000);
	cr_assert_leq(fake->audits - audits, 10 * SLICES_OPEN_MAX + SLICES_OPEN_MAX);
	cr_assert_gt(fake->audits, audits);
	fake->refuse.count = 0;
	fake_run(fake, 80000);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 0);
}

/* One that cannot be written holds up no other. */
Test(core_slice, one_that_is_refused_waits_alone)
{
	start();
	fake->refuse.method = "PATCH";
	fake->refuse.part = "podtrackerslices/n1";
	fake->refuse.status = 422;
	fake->refuse.message = "invalid";
	fake->refuse.count = 3;
	put_pod("more", "n1");
	put_pod("two", "n2");
	fake_run(fake, SLICE_LEAST_MS);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 1);
	cr_assert_eq(pods_in(FAKE_SLICES "n2"), 1);
	fake_run(fake, 30000);
	cr_assert_eq(pods_in(FAKE_SLICES "n1"), 2);
}
