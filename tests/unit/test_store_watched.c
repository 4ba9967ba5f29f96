/* What the ConfigMaps of the hours say of when pods were watched. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hour.h"
#include "store_rig.h"

#define FIRST  HOUR_PREFIX "2026112100"
#define SECOND HOUR_PREFIX "2026112101"

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

TestSuite(store_watched, .init = begin, .fini = end);

/* Seconds of the hour that the rig begins in. */
static void
watch(int since_s, int until_s)
{
	store_watch(rig.store, (struct moment){1795219200 + since_s, 0},
	    (struct moment){1795219200 + until_s, 0});
}

/* What the ConfigMap says, "MM:SS-MM:SS" a span; "" nothing. */
static const char *
told(const char *name)
{
	struct json_object *metadata =
	    store_rig_member(store_rig_map(&rig, name), "metadata");
	struct json_object *text =
	    store_rig_member(store_rig_member(metadata, "annotations"), HOUR_WATCHED);
	static struct watched spans;
	static char out[512];

	memset(&spans, 0, sizeof spans);
	out[0] = '\0';
	if (text == NULL)
		return out;
	cr_assert_eq(watched_read(&spans, json_object_get_string(text)), 0);
	for (size_t i = 0; i < spans.len; i++) {
		int from_s = (int)(spans.spans[i].from.ms / 1000 % 3600);
		int until_s = (int)(spans.spans[i].until.ms / 1000 % 3600);

		snprintf(out + strlen(out), sizeof out - strlen(out),
		    "%s%02d:%02d-%02d:%02d", i > 0 ? " " : "", from_s / 60, from_s % 60,
		    until_s / 60, until_s % 60);
	}
	return out;
}

/* Not at each interval. */
static void
read_rarely(void)
{
	rig.reread_s = 600;
	store_rig_restart(&rig);
}

Test(store_watched, how_long_it_was_watched_stands_beside_the_pods)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 10);
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(told(FIRST), "00:05-00:10");
	/* nothing else is new: once in five minutes */
	watch(5, 300);
	cr_assert_eq(store_rig_write(&rig), 0);
	watch(5, 311);
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(told(FIRST), "00:05-05:11");
	/* or when it is written anyway */
	watch(5, 320);
	store_rig_note(&rig, "b", "node-1");
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(told(FIRST), "00:05-05:20");
	/* or ends */
	watch(5, 325);
	cr_assert(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	store_rig_serve(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-05:25");
}

Test(store_watched, a_restart_adds_a_span)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 60);
	store_rig_write(&rig);
	store_rig_restart(&rig);
	store_rig_note(&rig, "b", "node-1");
	watch(70, 80);
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(told(FIRST), "00:05-01:00 01:10-01:20");
	/* another one has watched all the time */
	store_rig_restart(&rig);
	store_rig_note(&rig, "c", "node-1");
	watch(50, 90);
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-01:30");
}

Test(store_watched, who_did_not_watch_says_nothing)
{
	store_rig_note(&rig, "a", "node-1");
	watch(10, 10);
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "");
	cr_assert_null(store_rig_member(
	    store_rig_member(store_rig_map(&rig, FIRST), "metadata"), "annotations"));
}

Test(store_watched, an_hour_is_watched_to_its_end)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3590);
	store_rig_write(&rig);
	rig.now.seconds += 3595;
	store_rig_note(&rig, "a", "node-1");
	/* the server has not been heard since: it may still tell of the old hour */
	watch(5, 3590);
	store_rig_write(&rig);
	cr_assert_not(store_rig_closed(&rig, FIRST));
	cr_assert_str_eq(told(SECOND), "");
	rig.now.seconds += 30;
	watch(5, 3620);
	store_rig_write(&rig);
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_str_eq(told(FIRST), "00:05-59:59");
	store_rig_note(&rig, "b", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(SECOND), "00:00-00:20");
}

Test(store_watched, news_after_the_turn_may_be_of_the_hour_before)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3550);
	store_rig_write(&rig);
	rig.now.seconds += 3610;
	store_rig_note(&rig, "a", "node-2");
	store_rig_note(&rig, "b", "node-1");
	watch(5, 3620);
	store_rig_note(&rig, "c", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-59:59");
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-2");
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_b"), "node-1");
	cr_assert_null(store_rig_data(&rig, FIRST, "voice_c"), "its end was heard");
	cr_assert_str_eq(store_rig_data(&rig, SECOND, "voice_b"), "node-1");
}

/* The server was last heard 15 s before it came. */
Test(store_watched, news_that_come_too_late_for_the_hour_are_not_vouched_for)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3590);
	store_rig_write(&rig);
	rig.now.seconds += 3675;
	store_rig_note(&rig, "b", "node-1");
	watch(5, 3670);
	store_rig_write(&rig);
	cr_assert_null(store_rig_data(&rig, FIRST, "voice_b"));
	cr_assert_str_eq(told(FIRST), "00:05-59:50");
	cr_assert_str_eq(told(SECOND), "00:00-01:10");
}

/* The server has not been heard since the hour turned. */
Test(store_watched, an_hour_that_has_turned_is_told_at_the_end)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3300);
	store_rig_write(&rig);
	watch(5, 3580);
	rig.now.seconds += 3610;
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-55:00");
	cr_assert(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	store_rig_serve(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-59:40");
}

Test(store_watched, a_silence_at_the_end_of_the_hour_is_told)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3550);
	store_rig_write(&rig);
	rig.now.seconds += 3700;
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3700);
	store_rig_write(&rig);
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_str_eq(told(FIRST), "00:05-59:10");
	cr_assert_str_eq(told(SECOND), "00:00-01:40");
}

Test(store_watched, what_was_seen_anew_in_between_is_no_span)
{
	store_rig_note(&rig, "a", "node-1");
	watch(5, 3550);
	store_rig_write(&rig);
	rig.now.seconds += 3600;
	store_rig_note(&rig, "a", "node-1");
	watch(3580, 3610);
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-59:10 59:40-59:59");
}

/* Five minutes on there is nothing to say. */
static void
expect_no_reading(int until_s)
{
	watch(5, until_s);
	rig.gets = 0;
	store_rig_write(&rig);
	cr_assert_eq(rig.gets, 0);
}

Test(store_watched, an_hour_that_has_no_room_says_nothing)
{
	char pod[32];

	read_rarely();
	for (unsigned i = 0; i <= HOUR_PODS_MAX; i++) {
		snprintf(pod, sizeof pod, "p%u", i);
		store_rig_note(&rig, pod, "");
	}
	watch(5, 10);
	store_rig_write(&rig);
	store_rig_note(&rig, "p0", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "");
	expect_no_reading(400);
}

static void
note_many(int from, int to)
{
	char pod[128];

	for (int i = from; i < to; i++) {
		snprintf(pod, sizeof pod, "a-pod-with-a-rather-long-name-of-%d", i);
		store_rig_note(&rig, pod, "node-with-a-long-name-too");
	}
}

Test(store_watched, one_part_vouches_for_the_others_and_comes_last)
{
	note_many(0, 4000);
	watch(5, 10);
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "", "the others were not there, yet");
	store_rig_note(&rig, "a-pod-with-a-rather-long-name-of-0", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-00:10");
	/* another part is refused: so the first one does not say that it is there */
	watch(5, 400);
	store_rig_note(&rig, "a-pod-with-a-rather-long-name-of-0", "node-2");
	store_rig_note(&rig, "a-pod-with-a-rather-long-name-of-3999", "node-2");
	rig.refuse = "PUT";
	rig.refuse_status = 403;
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-00:10");
	cr_assert_str_eq(
	    store_rig_data(&rig, FIRST, "voice_a-pod-with-a-rather-long-name-of-0"),
	    "node-2");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "00:05-06:40");
}

Test(store_watched, what_is_immutable_is_not_read_again_and_again)
{
	read_rarely();
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	json_object_object_add(
	    store_rig_map(&rig, FIRST), "immutable", json_object_new_boolean(true));
	watch(5, 400);
	store_rig_write(&rig);
	expect_no_reading(410);
	/* a part that is new can say it */
	store_rig_note(&rig, "b", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST "-p2"), "00:05-06:50");
}

Test(store_watched, what_is_immutable_does_not_vouch)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	json_object_object_add(
	    store_rig_map(&rig, FIRST), "immutable", json_object_new_boolean(true));
	store_rig_note(&rig, "b", "node-1");
	watch(5, 10);
	store_rig_write(&rig);
	cr_assert_str_eq(told(FIRST), "");
	cr_assert_str_eq(told(FIRST "-p2"), "00:05-00:10");
}
