/* What Pod Ashiato does wrong (README.md). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hour.h"
#include "store_rig.h"
#include "track.h"

#define MAP HOUR_PREFIX "2026112100"

static struct store_rig rig;

static void
begin(void)
{
	store_rig_begin(&rig);
}

static void
end(void)
{
	store_rig_end(&rig);
}

TestSuite(defect, .init = begin, .fini = end);

static void
note_many(int count)
{
	for (int i = 0; i < count; i++) {
		char pod[64];

		snprintf(pod, sizeof pod, "pod-with-a-name-of-usual-length-%05d", i);
		store_rig_note(&rig, pod, "node-1");
	}
}

/* It sends a GET and a PUT a pod an interval. */
Test(defect, a1_requests_do_not_grow_with_the_pods)
{
	note_many(500);
	store_rig_write(&rig);
	cr_assert_eq(rig.posts + rig.puts, 1);
	cr_assert_leq(rig.gets, 2);
	note_many(500);
	cr_assert_eq(store_rig_write(&rig), 0);
	cr_assert_leq(rig.gets, 4);
}

/* Its map is replaced by what the new process has seen. */
Test(defect, a2_a_restart_keeps_the_hour)
{
	store_rig_note(&rig, "before", "node-1");
	store_rig_write(&rig);
	store_rig_restart(&rig);
	store_rig_note(&rig, "after", "node-2");
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, MAP, "voice_before"), "node-1");
	cr_assert_str_eq(store_rig_data(&rig, MAP, "voice_after"), "node-2");
}

/* Its maps stay for ever. */
Test(defect, a3_old_hours_are_deleted)
{
	store_rig_old_map(&rig, HOUR_PREFIX "2026111700", 73 * 3600 + 60, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111900", 71 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111700"));
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111900"));
}

/* One key that is too long makes each later write of the hour fail. */
Test(defect, a4_an_over_long_key_harms_nobody)
{
	char pod[254];

	memset(pod, 'a', 253);
	pod[253] = '\0';
	store_rig_note(&rig, pod, "node-1");
	store_rig_note(&rig, "gw-0", "node-2");
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 0);
	cr_assert_str_eq(store_rig_data(&rig, MAP, "voice_gw-0"), "node-2");
}

/* Beyond 1 MiB nothing of the hour is stored any more. */
Test(defect, a5_a_large_hour_is_stored)
{
	note_many(25000);
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 0);
	cr_assert_gt(json_object_object_length(rig.maps), 8);
}

static void
on_pod(void *arg, const struct footprint *print, struct moment seen)
{
	int *count = arg;

	(void)seen;
	*count += strcmp(print->node, "node-1") == 0;
}

/* A pod that is not there at the moment of its list is never seen. */
Test(defect, a7_short_lived_pods_are_seen)
{
	static const char json[] =
	    "{\"metadata\":{\"name\":\"job\",\"namespace\":\"n\",\"uid\":\"1\"},"
	    "\"spec\":{\"nodeName\":\"node-1\"}}";
	struct track *track = track_new(NULL, NULL);
	struct footprint *gone = footprint_read(json, strlen(json));
	int count = 0;

	track_begin(track);
	track_end(track, rig.now);
	track_put(track, footprint_read(json, strlen(json)), rig.now);
	track_remove(track, gone, rig.now);
	track_walk(track, rig.now, on_pod, &count);
	cr_assert_eq(count, 1);
	track_free(track);
	free(gone);
}
