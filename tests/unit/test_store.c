/* The ConfigMaps of the hours over time: written, resumed, closed, cleaned. */
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

TestSuite(store, .init = begin, .fini = end);

static void
begin_write(void)
{
	cr_assert(store_write(rig.store, rig.now, store_rig_done, &rig));
}

static void
answer_one(void)
{
	store_rig_answer(&rig);
}

static size_t
lines(const char *event)
{
	return store_rig_lines(&rig, event);
}

Test(store, what_has_not_changed_is_not_written)
{
	store_rig_note(&rig, "a", "node-1");
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-1");
	store_rig_note(&rig, "a", "node-1");
	cr_assert_eq(store_rig_write(&rig), 0);
	store_rig_note(&rig, "a", "node-2");
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-2");
	cr_assert_eq(rig.lists, 1);
}

Test(store, nothing_new_is_no_request)
{
	rig.reread_s = 600;
	store_rig_restart(&rig);
	store_rig_note(&rig, "a", "node-1");
	cr_assert_eq(store_rig_write(&rig), 1);
	rig.gets = rig.lists = 0;
	for (int i = 0; i < 10; i++) {
		rig.now.seconds += 30;
		store_rig_note(&rig, "a", "node-1");
		store_rig_write(&rig);
	}
	cr_assert_eq(rig.gets + rig.lists, 0);
	cr_assert_eq(rig.rounds, 11);
	store_rig_note(&rig, "a", "node-2");
	cr_assert_eq(store_rig_write(&rig), 1);
}

Test(store, what_others_do_to_the_hour_is_put_right_at_times)
{
	rig.reread_s = 600;
	store_rig_restart(&rig);
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	json_object_object_del(rig.maps, FIRST);
	rig.now.seconds += 599;
	cr_assert_eq(store_rig_write(&rig), 0);
	rig.now.seconds++;
	cr_assert_eq(store_rig_write(&rig), 1);
	json_object_object_del(rig.maps, FIRST);
	rig.now.seconds -= 10;
	cr_assert_eq(store_rig_write(&rig), 1, "a clock that was set back");
	json_object_object_del(rig.maps, FIRST);
	store_abort(rig.store);
	cr_assert_eq(store_rig_write(&rig), 1, "another one has led since");
}

Test(store, what_failed_is_new_still)
{
	rig.reread_s = 600;
	store_rig_restart(&rig);
	store_rig_note(&rig, "a", "node-1");
	rig.refuse = "POST";
	rig.refuse_status = 500;
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 1);
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_eq(rig.failed, 1);
	store_rig_note(&rig, "b", "node-1");
	begin_write();
	store_rig_note(&rig, "c", "node-1");
	answer_one();
	answer_one();
	store_rig_note(&rig, "d", "node-1");
	store_rig_serve(&rig);
	cr_assert_not_null(store_rig_data(&rig, FIRST, "voice_c"));
	cr_assert_eq(store_rig_write(&rig), 1, "what came after it was read, too");
	cr_assert_not_null(store_rig_data(&rig, FIRST, "voice_d"));
}

Test(store, nothing_seen_is_nothing_written)
{
	cr_assert_eq(store_rig_write(&rig), 0);
	cr_assert_eq(rig.gets + rig.lists, 0);
	cr_assert_eq(rig.rounds, 1);
}

Test(store, the_hour_turns)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	store_rig_note(&rig, "late", "node-1");
	rig.now.seconds += 3600;
	store_rig_note(&rig, "b", "node-2");
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_late"), "node-1");
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_str_eq(store_rig_data(&rig, SECOND, "voice_b"), "node-2");
	cr_assert_null(store_rig_data(&rig, SECOND, "voice_a"));
	cr_assert_not(store_rig_closed(&rig, SECOND));
}

Test(store, the_hour_turns_without_a_pod)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	rig.now.seconds += 3600;
	store_rig_write(&rig);
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_null(store_rig_map(&rig, SECOND));
}

Test(store, an_hour_that_could_not_be_closed_is_closed_later)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	rig.now.seconds += 3600;
	store_rig_note(&rig, "b", "node-2");
	rig.refuse = "PUT";
	rig.refuse_status = 500;
	store_rig_write(&rig);
	cr_assert_not(store_rig_closed(&rig, FIRST));
	cr_assert_eq(rig.failed, 1);
	cr_assert_str_eq(store_rig_data(&rig, SECOND, "voice_b"), "node-2");
	store_rig_write(&rig);
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_eq(rig.failed, 1);
}

Test(store, an_hour_that_turns_while_it_is_written_is_closed_next)
{
	store_rig_note(&rig, "a", "node-1");
	begin_write();
	answer_one();
	store_rig_note(&rig, "late", "node-1");
	rig.now.seconds += 3600;
	store_rig_note(&rig, "b", "node-1");
	store_rig_serve(&rig);
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_late"), "node-1");
	cr_assert(store_rig_closed(&rig, FIRST));
	cr_assert_null(store_rig_data(&rig, FIRST, "voice_b"));
}

Test(store, a_clock_that_jumps_and_comes_back_loses_nothing)
{
	store_rig_note(&rig, "a", "node-1");
	rig.now.seconds += 86400;
	store_rig_note(&rig, "b", "node-1");
	rig.now.seconds -= 86400;
	store_rig_note(&rig, "c", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-1");
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_c"), "node-1");
	cr_assert_str_eq(
	    store_rig_data(&rig, HOUR_PREFIX "2026112200", "voice_b"), "node-1");
	cr_assert_eq(rig.failed, 0);
}

/* Also while the one before is being written, and then no note is of a wrong hour. */
Test(store, an_hour_that_is_lost_is_told)
{
	store_rig_write(&rig);
	store_rig_note(&rig, "a", "node-1");
	rig.now.seconds += 3600;
	store_rig_note(&rig, "b", "node-1");
	rig.now.seconds += 3600;
	store_rig_note(&rig, "c", "node-1");
	cr_assert_eq(lines("footprint_hour_lost"), 1);
	begin_write();
	rig.now.seconds += 3600;
	store_rig_note(&rig, "d", "node-1");
	store_rig_serve(&rig);
	cr_assert_eq(rig.failed, 1);
	cr_assert_eq(lines("footprint_hour_lost"), 1);
	cr_assert_str_eq(store_rig_data(&rig, SECOND, "voice_b"), "node-1");
	cr_assert_null(store_rig_data(&rig, HOUR_PREFIX "2026112102", "voice_d"));
}

/* Who only notes has lost nothing of its own. */
Test(store, what_failed_is_forgotten_with_what_is_given_up)
{
	store_rig_note(&rig, "a", "node-1");
	rig.refuse = "POST";
	rig.refuse_status = 500;
	store_rig_write(&rig);
	store_rig_abort(&rig);
	for (int hour = 0; hour < 2; hour++) {
		rig.now.seconds += 3600;
		store_rig_note(&rig, "a", "node-1");
	}
	cr_assert_eq(lines("footprint_hour_lost"), 0);
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 1, "that of before only");
}

Test(store, a_clock_that_is_set_back_begins_another_part)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	rig.now.seconds += 3600;
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	rig.now.seconds -= 3600;
	store_rig_note(&rig, "a", "node-1");
	store_rig_note(&rig, "b", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST "-p2", "voice_b"), "node-1");
	cr_assert_null(store_rig_data(&rig, FIRST "-p2", "voice_a"));
	cr_assert_eq(rig.failed, 0);
}

Test(store, who_writes_at_the_same_time_loses_nothing)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	store_rig_note(&rig, "b", "node-1");
	rig.foreign_edits = 2;
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "others_pod"), "node-9");
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_b"), "node-1");
	cr_assert_eq(rig.failed, 0);
	store_rig_note(&rig, "c", "node-1");
	rig.foreign_edits = 1000;
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 1);
	rig.foreign_edits = 0;
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_c"), "node-1");
}

Test(store, a_deleted_map_comes_again_with_all_of_the_hour)
{
	store_rig_note(&rig, "gone", "node-1");
	store_rig_write(&rig);
	json_object_object_del(rig.maps, FIRST);
	store_rig_note(&rig, "a", "node-2");
	store_rig_write(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_gone"), "node-1");
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-2");
}

Test(store, a_refusal_is_tried_again)
{
	static const char *const methods[] = {"GET", "POST"};

	for (size_t i = 0; i < 2; i++) {
		store_rig_note(&rig, "a", "node-1");
		rig.refuse = methods[i];
		rig.refuse_status = 403;
		store_rig_write(&rig);
		cr_assert_eq(rig.failed, (int)i + 1);
		cr_assert_null(store_rig_map(&rig, FIRST));
	}
	store_rig_write(&rig);
	cr_assert_not_null(store_rig_map(&rig, FIRST));
	cr_assert_eq(rig.failed, 2);
}

/* A server that is broken. */
Test(store, a_map_without_metadata_is_survived)
{
	struct json_object *const broken[] = {NULL, json_object_new_string("none")};

	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	for (int i = 0; i < 2; i++) {
		json_object_object_add(
		    store_rig_map(&rig, FIRST), "metadata", broken[i]);
		store_rig_note(&rig, "b", i == 0 ? "node-1" : "node-2");
		store_rig_write(&rig);
		cr_assert_eq(rig.failed, i + 1, "there is no version to write it by");
	}
}

Test(store, old_ones_are_closed_whoever_wrote_them)
{
	store_rig_old_map(&rig, HOUR_PREFIX "2026111900", 3 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026112023", 3600, 10);
	store_rig_old_map(&rig, "pod-ashiato-notes", 200 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert(store_rig_closed(&rig, HOUR_PREFIX "2026111900"));
	cr_assert_not(store_rig_closed(&rig, HOUR_PREFIX "2026112023"));
	cr_assert_not(store_rig_closed(&rig, "pod-ashiato-notes"));
	cr_assert_not_null(store_rig_map(&rig, "pod-ashiato-notes"));
}

Test(store, beyond_the_total_the_oldest_go)
{
	char name[HOUR_NAME_MAX];

	store_rig_limit(&rig, 0, 1000);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, HOUR_PREFIX "20261110%02d", i);
		store_rig_old_map(&rig, name, (1000 - i) * 3600, 300);
	}
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_eq(rig.deletes, 2);
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111001"));
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111002"));
	cr_assert_not_null(store_rig_map(&rig, FIRST));
}

/* Some are made in the same second, and an older one later than a newer one. */
Test(store, the_oldest_are_those_of_the_oldest_hours)
{
	static const char *const hours[] = {"11", "12", "13", "14", "14-p2"};
	char name[HOUR_NAME_MAX];

	store_rig_limit(&rig, 0, 1000);
	for (size_t i = 5; i > 0; i--) {
		snprintf(name, sizeof name, HOUR_PREFIX "20261110%s", hours[i - 1]);
		store_rig_old_map(&rig, name, (i == 1 ? 10 : 50) * 3600, 300);
	}
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_eq(rig.deletes, 2);
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111011"));
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111012"));
	cr_assert_not_null(store_rig_map(&rig, FIRST));
}

/* Who reads an hour believes the parts that are there, up to the first that is not. */
Test(store, an_hour_beyond_the_total_goes_as_a_whole)
{
	static const char *const parts[] = {"12", "12-p2", "12-p10", "13"};
	char name[HOUR_NAME_MAX];

	store_rig_limit(&rig, 0, 1000);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, HOUR_PREFIX "20261110%s", parts[i]);
		store_rig_old_map(&rig, name, 50 * 3600, 300);
	}
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_eq(rig.deletes, 3);
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111013"));
	cr_assert_not_null(store_rig_map(&rig, FIRST));
}

Test(store, of_an_hour_that_is_half_deleted_nothing_is_read)
{
	store_rig_old_map(&rig, HOUR_PREFIX "2026111712", 100 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111712-p2", 90 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	/* the first part is refused: so the second one stays */
	rig.refuse = "DELETE";
	rig.refuse_status = 403;
	store_rig_write(&rig);
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111712-p2"));
	rig.now.seconds += 3600;
	store_rig_note(&rig, "a", "node-1");
	begin_write();
	while (rig.deletes < 2)
		answer_one();
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111712"));
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111712-p2"));
	store_rig_serve(&rig);
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111712-p2"));
}

Test(store, an_hour_is_as_old_as_the_last_of_its_parts)
{
	store_rig_old_map(&rig, HOUR_PREFIX "2026111712", 73 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111712-p2", 71 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111713", 71 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111713-p2", 73 * 3600, 10);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111711", 73 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111712"));
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111712-p2"));
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111713-p2"));
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111711"));
}

/* It alone is more than may stay. */
Test(store, the_hour_that_goes_on_is_never_removed)
{
	char value[2000];

	memset(value, 'n', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	store_rig_limit(&rig, 0, 1000);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111011", 3600, 10);
	store_rig_note(&rig, "a", value);
	store_rig_write(&rig);
	cr_assert_not_null(store_rig_map(&rig, FIRST));
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111011"));
}

Test(store, cleaning_that_is_refused_fails_nothing)
{
	store_rig_old_map(&rig, HOUR_PREFIX "2026111900", 100 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	rig.refuse = "DELETE";
	rig.refuse_status = 403;
	store_rig_write(&rig);
	cr_assert_eq(rig.failed, 0);
	cr_assert_not_null(store_rig_map(&rig, HOUR_PREFIX "2026111900"));
	rig.now.seconds += 3600;
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_null(store_rig_map(&rig, HOUR_PREFIX "2026111900"));
}

Test(store, a_write_is_told_with_what_it_changes)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(rig.change, FIRST ": pods were seen: null > {\"keys\":1}");
	store_rig_note(&rig, "b", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(
	    rig.change, FIRST ": pods were seen: {\"keys\":1} > {\"keys\":2}");
	rig.now.seconds += 3600;
	store_rig_write(&rig);
	cr_assert_str_eq(rig.change,
	    FIRST ": the hour is over: {\"keys\":2} > {\"keys\":2,\"immutable\":true}");
	store_rig_old_map(&rig, HOUR_PREFIX "2026111900", 100 * 3600, 10);
	rig.now.seconds += 3600;
	store_rig_note(&rig, "a", "node-1");
	store_rig_write(&rig);
	cr_assert_str_eq(rig.change,
	    HOUR_PREFIX "2026111900: older than the retention: {\"keys\":1} > null");
}

Test(store, what_is_given_up_is_written_by_the_next)
{
	store_rig_note(&rig, "a", "node-1");
	store_rig_abort(&rig);
	cr_assert_eq(rig.rounds, 0);
	cr_assert_eq(store_rig_write(&rig), 1);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-1");
	cr_assert_eq(rig.failed, 0);
}

Test(store, who_only_notes_keeps_the_hour_and_the_one_before)
{
	for (int hour = 0; hour < 3; hour++) {
		store_rig_note(&rig, "a", "node-1");
		rig.now.seconds += 3600;
	}
	rig.now.seconds -= 3600;
	store_rig_write(&rig);
	cr_assert_null(store_rig_map(&rig, FIRST));
	cr_assert(store_rig_closed(&rig, SECOND));
	cr_assert_str_eq(
	    store_rig_data(&rig, HOUR_PREFIX "2026112102", "voice_a"), "node-1");
	cr_assert_eq(rig.failed, 0);
}

Test(store, at_the_end_what_is_new_is_written_and_nothing_else)
{
	rig.reread_s = 600;
	store_rig_restart(&rig);
	store_rig_old_map(&rig, HOUR_PREFIX "2026111900", 100 * 3600, 10);
	store_rig_note(&rig, "a", "node-1");
	cr_assert(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	store_rig_serve(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_a"), "node-1");
	cr_assert_eq(rig.lists + rig.deletes, 0);
	rig.gets = 0;
	rig.now.seconds += 600;
	cr_assert(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	cr_assert_eq(rig.gets, 0);
	cr_assert_eq(rig.rounds, 2);
}

Test(store, at_the_end_what_is_being_cleaned_is_left)
{
	for (int i = 0; i < 3; i++) {
		char name[HOUR_NAME_MAX];

		snprintf(name, sizeof name, HOUR_PREFIX "20261110%02d", i);
		store_rig_old_map(&rig, name, 100 * 3600, 10);
	}
	store_rig_note(&rig, "a", "node-1");
	begin_write();
	while (rig.lists == 0)
		answer_one();
	store_rig_note(&rig, "b", "node-1");
	cr_assert_not(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	store_rig_serve(&rig);
	cr_assert_eq(rig.deletes, 1, "the request that was open");
	cr_assert(store_write_last(rig.store, rig.now, store_rig_done, &rig));
	store_rig_serve(&rig);
	cr_assert_str_eq(store_rig_data(&rig, FIRST, "voice_b"), "node-1");
	cr_assert_eq(rig.deletes, 1);
}

Test(store, a_server_that_is_silent_is_asked_once)
{
	char pod[128];

	for (int i = 0; i < 4000; i++) {
		snprintf(pod, sizeof pod, "a-pod-with-a-rather-long-name-of-%d", i);
		store_rig_note(&rig, pod, "node-with-a-long-name-too");
	}
	rig.refuse = "POST";
	store_rig_write(&rig);
	cr_assert_eq(rig.posts, 1);
	cr_assert_eq(rig.failed, 1);
	store_rig_write(&rig);
	cr_assert_geq(rig.posts, 3, "there are parts");
	cr_assert_eq(rig.failed, 1);
}
