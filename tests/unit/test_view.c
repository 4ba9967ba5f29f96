/* When places are looked at, and looked at again after a look has failed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "view.h"

#define ASKED_MAX 16

static struct {
	struct view *view;
	struct effects effects;
	struct msg_observe asked[ASKED_MAX]; /* not answered yet */
	size_t asked_len;
	struct mono_time now;
} t;

static int
on_cloud(void *arg, enum message_type type, const void *msg)
{
	(void)arg;
	cr_assert_eq(type, MSG_OBSERVE);
	cr_assert_lt(t.asked_len, ASKED_MAX);
	memcpy(&t.asked[t.asked_len++], msg, sizeof t.asked[0]);
	return 0;
}

/* Two zones and their region. */
static void
setup(void)
{
	memset(&t, 0, sizeof t);
	t.now.ms = 1000000;
	t.effects.cloud = on_cloud;
	t.view = view_new(1);
	view_want_begin(t.view);
	view_want_zone(t.view, "demo", "us-west1-a");
	view_want_zone(t.view, "demo", "us-west1-b");
	view_want_end(t.view);
}

static void
teardown(void)
{
	view_free(t.view);
}

TestSuite(view, .init = setup, .fini = teardown);

static void
ask(void)
{
	view_ask(t.view, &t.effects, t.now);
}

static void
tell(struct message *message)
{
	bool news;

	cr_assert_eq(view_message(t.view, message, t.now, &news), 0);
}

/* Answers the one that was asked first: seen to be empty, or failed. */
static void
answer(bool ok)
{
	struct msg_observe asked = t.asked[0];
	struct message *message = mem_calloc(1, sizeof *message);

	cr_assert_gt(t.asked_len, 0);
	memmove(t.asked, t.asked + 1, --t.asked_len * sizeof t.asked[0]);
	message->type = MSG_OBSERVED_BEGIN;
	message->u.observed_begin =
	    (struct msg_observed_begin){.round = asked.round, .scope = asked.scope};
	MESSAGE_TEXT(message->u.observed_begin.project, asked.project);
	MESSAGE_TEXT(message->u.observed_begin.place, asked.place);
	tell(message);
	message->type = MSG_OBSERVED_END;
	message->u.observed_end = (struct msg_observed_end){
	    .round = asked.round, .scope = asked.scope, .ok = ok};
	MESSAGE_TEXT(message->u.observed_end.project, asked.project);
	MESSAGE_TEXT(message->u.observed_end.place, asked.place);
	tell(message);
	free(message);
}

static void
answer_all(bool ok)
{
	for (size_t len = t.asked_len; len > 0; len--)
		answer(ok);
}

Test(view, a_failed_look_is_repeated_later_and_later)
{
	int64_t wait_ms = VIEW_RETRY_MS;

	ask();
	cr_assert_eq(t.asked_len, 3);
	for (int i = 0; i < 8; i++) {
		answer_all(false);
		t.now.ms += wait_ms - 1;
		ask();
		cr_assert_eq(t.asked_len, 0, "failure %d", i);
		t.now.ms += 1;
		ask();
		cr_assert_eq(t.asked_len, 3, "failure %d", i);
		wait_ms =
		    wait_ms * 2 < VIEW_INTERVAL_MS ? wait_ms * 2 : VIEW_INTERVAL_MS;
	}
}

Test(view, one_good_look_after_failures_repeats_the_others_at_once)
{
	ask();
	answer_all(false);
	for (int i = 0; i < 8; i++) {
		t.now.ms += VIEW_INTERVAL_MS;
		ask();
		answer_all(false);
	}
	view_touch(t.view, "demo", "us-west1-a");
	ask();
	cr_assert_eq(t.asked_len, 2, "a zone and its region");
	answer(true);
	ask();
	cr_assert_eq(t.asked_len, 2, "the other zone, too, well before its time");
	answer_all(true);
	ask();
	cr_assert_eq(t.asked_len, 0);
}

/* A place that does not exist never recovers, and makes nobody else ask more. */
Test(view, a_good_look_repeats_nothing_unless_it_had_failed)
{
	ask();
	answer(false);
	answer_all(true);
	ask();
	cr_assert_eq(t.asked_len, 0);
	t.now.ms += VIEW_RETRY_MS;
	ask();
	cr_assert_eq(t.asked_len, 1, "only the one that failed");
}
