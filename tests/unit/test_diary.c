/* The days of an address: what is seen becomes stays, and these the ConfigMaps' lines.
 */
#include "diary.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "store_rig.h"

/* 2026-11-21T12:00:00Z */
#define NOON   INT64_C(1795262400000)
#define DAY_MS INT64_C(86400000)
#define MINUTE INT64_C(60000)
#define ONE    "192.0.2.1"
#define TODAY  DAY_PREFIX "20261121"
#define NEXT   DAY_PREFIX "20261122"

static struct store_rig rig;
static struct diary *diary;
static int failures;

static void
restart(void)
{
	struct diary_options options = {.namespace = "ops",
	    .retention_s = DIARY_RETENTION_S,
	    .call = store_rig_call};

	options.arg = &rig;
	diary_free(diary);
	diary = diary_new(&options);
}

static void
begin(void)
{
	store_rig_begin(&rig);
	restart();
}

static void
end(void)
{
	diary_free(diary);
	store_rig_end(&rig);
}

TestSuite(diary, .init = begin, .fini = end);

/* The cloud says so at that time; `moved_ms`: ipwarden has brought it there then. */
static void
see(const char *address, const char *node, int64_t seen_ms, int64_t moved_ms)
{
	struct stay stay = {
	    .from = {moved_ms != 0 ? moved_ms : seen_ms},
	    .until = {seen_ms},
	    .operation = moved_ms != 0,
	};

	snprintf(stay.node, sizeof stay.node, "%s", node);
	snprintf(stay.zone, sizeof stay.zone, "%s", node[0] != '\0' ? "z" : "");
	snprintf(stay.allocation, sizeof stay.allocation, "web");
	diary_see(diary, address, &stay);
}

static void
on_done(void *arg, bool failed)
{
	(void)arg;
	failures += failed;
}

/* How many writes that were. */
static int
write_at(int64_t now_ms)
{
	int before = rig.posts + rig.puts;

	if (diary_write(diary, (struct wall_time){now_ms}, on_done, NULL))
		store_rig_serve(&rig);
	return rig.posts + rig.puts - before;
}

/* The stays as "NODE FROM-UNTIL SOURCE; …", times as minutes since noon. */
static const char *
told(const char *map, const char *key)
{
	static char text[2048];
	const char *value = store_rig_data(&rig, map, key);
	struct stay stay;
	size_t len = 0;
	int rc;

	text[0] = '\0';
	while (value != NULL && (rc = stay_next(&value, &stay)) != 0) {
		cr_assert_eq(rc, 1);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %g-%g%s",
		    len > 0 ? "; " : "", stay.node[0] != '\0' ? stay.node : "none",
		    (double)(stay.from.ms - NOON) / (double)MINUTE,
		    (double)(stay.until.ms - NOON) / (double)MINUTE,
		    stay.operation ? " op" : "");
	}
	return text;
}

Test(diary, a_line)
{
	see("2001:db8::1", "n1", NOON + 1, 0);
	cr_assert_eq(write_at(NOON), 1);
	cr_assert_str_eq(store_rig_data(&rig, TODAY, "2001_db8__1"),
	    "{\"node\":\"n1\",\"zone\":\"z\",\"allocation\":\"web\","
	    "\"from\":\"2026-11-21T12:00:00.001Z\","
	    "\"until\":\"2026-11-21T12:00:00.001Z\",\"source\":\"observed\"}\n");
}

Test(diary, a_stay_lasts_while_it_is_seen)
{
	see(ONE, "n1", NOON, 0);
	cr_assert_eq(write_at(NOON), 1);
	for (int minute = 1; minute < 5; minute++) {
		see(ONE, "n1", NOON + minute * MINUTE, 0);
		cr_assert_eq(write_at(NOON + minute * MINUTE), 0);
	}
	see(ONE, "n1", NOON + 5 * MINUTE, 0);
	cr_assert_eq(write_at(NOON + 5 * MINUTE), 1, "a write in five minutes");
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-5");
	cr_assert_eq(write_at(NOON + 9 * MINUTE), 0, "what is not seen does not last");
}

Test(diary, what_is_not_known_is_a_gap)
{
	see(ONE, "n1", NOON, 0);
	see(ONE, "n1", NOON + 9 * MINUTE, 0);
	see(ONE, "n1", NOON + 19 * MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-9; n1 19-19");
}

Test(diary, an_old_move_bridges_no_gap)
{
	see(ONE, "n1", NOON + MINUTE, NOON);
	for (int minute = 2; minute <= 30; minute++)
		see(ONE, "n1", NOON + minute * MINUTE, NOON);
	see(ONE, "n1", NOON + 120 * MINUTE, NOON);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-30 op; n1 120-120");
}

Test(diary, moves)
{
	see(ONE, "n1", NOON, 0);
	see(ONE, "n2", NOON + 4 * MINUTE, NOON + 3 * MINUTE);
	see(ONE, "n2", NOON + 5 * MINUTE, NOON + 3 * MINUTE);
	see(ONE, "", NOON + 6 * MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0; n2 3-5 op; none 6-6");
	see(ONE, "n2", NOON + 7 * MINUTE, 0);
	see(ONE, "n2", NOON + 9 * MINUTE, NOON + 8 * MINUTE);
	cr_assert_eq(write_at(NOON), 1);
	cr_assert_str_eq(
	    told(TODAY, ONE), "n1 0-0; n2 3-5 op; none 6-6; n2 7-7; n2 8-9 op");
	see(ONE, "n3", NOON + 8 * MINUTE, 0);
	cr_assert_eq(write_at(NOON), 0, "what is older says nothing");
}

Test(diary, another_leader_goes_on)
{
	see(ONE, "n1", NOON, 0);
	see("192.0.2.2", "n2", NOON, 0);
	write_at(NOON);
	restart();
	see(ONE, "n1", NOON + 3 * MINUTE, 0);
	see("192.0.2.2", "n1", NOON + 3 * MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-3");
	cr_assert_str_eq(told(TODAY, "192.0.2.2"), "n2 0-0; n1 3-3");
	diary_forget(diary);
	see(ONE, "n1", NOON + 14 * MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-3; n1 14-14");
}

Test(diary, others_may_write_too)
{
	see(ONE, "n1", NOON, 0);
	write_at(NOON);
	see(ONE, "n2", NOON + MINUTE, 0);
	rig.foreign_edits = 2;
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0; n2 1-1");
	cr_assert_str_eq(store_rig_data(&rig, TODAY, "others_pod"), "node-9");
	cr_assert_eq(failures, 0);
}

Test(diary, a_refusal_is_tried_again)
{
	see(ONE, "n1", NOON, 0);
	rig.refuse = "POST";
	rig.refuse_status = 403;
	write_at(NOON);
	cr_assert_eq(failures, 1);
	see(ONE, "n2", NOON + MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0; n2 1-1");
	cr_assert_eq(failures, 1);
}

Test(diary, midnight_divides)
{
	int64_t midnight = NOON + DAY_MS / 2;
	const char *const others[] = {"192.0.2.2", "192.0.2.3"};

	see(ONE, "n1", midnight - MINUTE, 0);
	see(others[0], "n1", midnight - MINUTE, 0);
	see(others[1], "n1", midnight - 2 * MINUTE, 0);
	write_at(midnight);
	see(ONE, "n1", midnight + MINUTE, 0);
	see(others[0], "n2", midnight + MINUTE, midnight - MINUTE / 2);
	see(others[1], "n2", midnight + MINUTE, 0);
	write_at(midnight + MINUTE);
	cr_assert_str_eq(told(TODAY, ONE), "n1 719-720");
	cr_assert_str_eq(told(NEXT, ONE), "n1 720-721");
	cr_assert_str_eq(told(TODAY, others[0]), "n1 719-719; n2 719.5-720 op");
	cr_assert_str_eq(told(NEXT, others[0]), "n2 720-721");
	cr_assert_str_eq(told(TODAY, others[1]), "n1 718-718");
	cr_assert_str_eq(told(NEXT, others[1]), "n2 721-721");
	cr_assert_not(store_rig_closed(&rig, TODAY));
	write_at(midnight + 10 * MINUTE);
	cr_assert(store_rig_closed(&rig, TODAY));
	cr_assert_not(store_rig_closed(&rig, NEXT));
	cr_assert_not_null(strstr(store_rig_data(&rig, TODAY, ONE),
	    "\"until\":\"2026-11-21T23:59:59.999Z\""));
}

Test(diary, midnight_with_another_leader)
{
	int64_t midnight = NOON + DAY_MS / 2;

	see(ONE, "n1", midnight - MINUTE, 0);
	see("192.0.2.2", "n1", midnight - MINUTE, 0);
	write_at(midnight - MINUTE);
	restart();
	see(ONE, "n2", midnight + MINUTE, midnight - MINUTE / 2);
	see("192.0.2.2", "n1", midnight + MINUTE, 0);
	write_at(midnight + MINUTE);
	cr_assert_str_eq(told(TODAY, ONE), "n1 719-719; n2 719.5-720 op");
	cr_assert_str_eq(told(NEXT, ONE), "n2 720-721");
	cr_assert_str_eq(told(TODAY, "192.0.2.2"), "n1 719-719");
	cr_assert_str_eq(told(NEXT, "192.0.2.2"), "n1 721-721", "it has not seen it");
	write_at(midnight + 10 * MINUTE);
	cr_assert(store_rig_closed(&rig, TODAY));
	cr_assert_eq(store_rig_lines(&rig, "history_day_lost"), 0);
}

Test(diary, what_was_seen_before_midnight_may_come_after_it)
{
	int64_t midnight = NOON + DAY_MS / 2;

	see(ONE, "n1", midnight + MINUTE, 0);
	see("192.0.2.2", "n1", midnight - MINUTE, 0);
	write_at(midnight + MINUTE);
	cr_assert_str_eq(told(TODAY, "192.0.2.2"), "n1 719-719");
	cr_assert_str_eq(told(NEXT, ONE), "n1 721-721");
	see("192.0.2.3", "n1", midnight - MINUTE, 0);
	write_at(midnight + MINUTE);
	cr_assert_str_eq(told(TODAY, "192.0.2.3"), "n1 719-719");
}

Test(diary, a_clock_that_jumps_and_comes_back_loses_nothing)
{
	int64_t midnight = NOON + DAY_MS / 2;

	see(ONE, "n1", NOON, 0);
	see(ONE, "n2", NOON + 100 * DAY_MS, 0);
	cr_assert_geq(write_at(NOON + 100 * DAY_MS), 2);
	see(ONE, "n1", NOON + MINUTE, 0);
	see(ONE, "n2", NOON + 2 * MINUTE, 0);
	write_at(NOON + 2 * MINUTE);
	cr_assert_str_eq(told(TODAY "-p2", ONE), "n1 1-1; n2 2-2",
	    "it was over, as far as one could tell");
	see(ONE, "n3", midnight + MINUTE, 0);
	write_at(midnight + MINUTE);
	see(ONE, "n4", midnight - MINUTE, 0);
	write_at(midnight - MINUTE);
	cr_assert_str_eq(told(TODAY "-p2", ONE), "n1 1-1; n2 2-2; n4 719-719");
	cr_assert_str_eq(told(NEXT, ONE), "n3 721-721");
	cr_assert_str_eq(told(DAY_PREFIX "20270301", ONE), "n2 144000-144000");
	cr_assert_eq(store_rig_lines(&rig, "history_day_lost"), 0);
	cr_assert_eq(failures, 0);
}

/* The one that goes on is not taken for over while its clock is ahead. */
Test(diary, a_jump_that_nobody_has_written_closes_nothing)
{
	see(ONE, "n1", NOON, 0);
	see(ONE, "n2", NOON + 100 * DAY_MS, 0);
	see(ONE, "n1", NOON + MINUTE, 0);
	write_at(NOON + MINUTE);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-1");
	cr_assert_not(store_rig_closed(&rig, TODAY));
	see(ONE, "n1", NOON - 3 * DAY_MS, 0);
	write_at(NOON - 3 * DAY_MS);
	cr_assert_str_eq(told(DAY_PREFIX "20261118", ONE), "n1 -4320--4320");
	cr_assert_eq(store_rig_lines(&rig, "history_day_lost"), 0);
	cr_assert_eq(failures, 0);
}

Test(diary, a_day_that_turns_while_one_is_written_loses_nothing)
{
	see(ONE, "n1", NOON, 0);
	see(ONE, "n1", NOON + DAY_MS, 0);
	rig.refuse = "POST";
	rig.refuse_status = 500;
	write_at(NOON + DAY_MS);
	cr_assert(diary_write(diary, (struct wall_time){NOON + DAY_MS}, on_done, NULL));
	see(ONE, "n2", NOON + 2 * DAY_MS, 0);
	store_rig_serve(&rig);
	write_at(NOON + 2 * DAY_MS);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0");
	cr_assert_str_eq(told(NEXT, ONE), "n1 1440-1440");
	cr_assert_str_eq(told(DAY_PREFIX "20261123", ONE), "n2 2880-2880");
	cr_assert_eq(store_rig_lines(&rig, "history_day_lost"), 0);
}

Test(diary, a_day_that_is_lost_is_told)
{
	for (int day = 0; day < 3; day++)
		see(ONE, "n1", NOON + day * DAY_MS, 0);
	cr_assert_eq(store_rig_lines(&rig, "history_day_lost"), 1);
	write_at(NOON + 2 * DAY_MS);
	cr_assert_eq(failures, 1);
	write_at(NOON + 2 * DAY_MS);
	see(ONE, "n2", NOON + 2 * DAY_MS + MINUTE, 0);
	write_at(NOON + 2 * DAY_MS + MINUTE);
	cr_assert_eq(failures, 1);
}

Test(diary, at_the_end_what_is_new_is_written_and_nothing_else)
{
	store_rig_old_map(&rig, DAY_PREFIX "20260801", 100 * 86400, 10);
	see(ONE, "n1", NOON, 0);
	cr_assert(diary_write_last(diary, (struct wall_time){NOON}, on_done, NULL));
	store_rig_serve(&rig);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0");
	cr_assert_eq(rig.lists + rig.deletes, 0);
	cr_assert_not(diary_write_last(diary, (struct wall_time){NOON}, on_done, NULL));
}

Test(diary, a_line_that_is_none_goes)
{
	see(ONE, "n1", NOON, 0);
	write_at(NOON);
	json_object_object_add(store_rig_member(store_rig_map(&rig, TODAY), "data"),
	    ONE, json_object_new_string("hello\n"));
	see(ONE, "n2", NOON + MINUTE, 0);
	write_at(NOON);
	cr_assert_str_eq(told(TODAY, ONE), "n1 0-0; n2 1-1");
}

Test(diary, a_day_has_so_many_stays_of_an_address)
{
	const char *value;
	size_t lines = 0;

	for (int i = 0; i < 300; i++) {
		see(ONE, i % 2 == 0 ? "n1" : "n2", NOON + i * 1000, 0);
		if (i % 50 == 0)
			write_at(NOON);
	}
	write_at(NOON);
	value = store_rig_data(&rig, TODAY, ONE);
	for (; (value = strchr(value, '\n')) != NULL; value++)
		lines++;
	cr_assert_eq(lines, DAY_STAYS_MAX);
	cr_assert_not_null(
	    strstr(store_rig_data(&rig, TODAY, ONE), "T12:04:59.000Z"), "the last");
}

Test(diary, many_addresses_take_several_parts)
{
	char address[32];

	for (int i = 0; i < 2000; i++) {
		snprintf(address, sizeof address, "192.0.%d.%d", i / 250, i % 250);
		see(address, "a-node-with-a-name-of-usual-length", NOON, 0);
	}
	cr_assert_gt(write_at(NOON), 2);
	cr_assert_not_null(store_rig_map(&rig, TODAY "-p2"));
	see("192.0.0.0", "n1", NOON + MINUTE, 0);
	cr_assert_eq(write_at(NOON), 1);
	cr_assert_eq(failures, 0);
}

Test(diary, old_days_go)
{
	store_rig_old_map(&rig, DAY_PREFIX "20260801", 100 * 86400, 10);
	store_rig_old_map(&rig, DAY_PREFIX "20261120", 27 * 3600, 10);
	see(ONE, "n1", NOON, 0);
	write_at(NOON);
	cr_assert_null(store_rig_map(&rig, DAY_PREFIX "20260801"));
	cr_assert(store_rig_closed(&rig, DAY_PREFIX "20261120"));
}
