#include <criterion/criterion.h>

#include "crowd.h"

static struct crowd crowd;
static struct mono_time now;
static int ended[4 * (CROWD_WAITING_MAX + CROWD_ANSWERING_MAX)];
static size_t ended_len;

static void
on_end(int fd)
{
	ended[ended_len++] = fd;
}

static void
setup(void)
{
	crowd_init(&crowd, on_end);
	now.ms = 5000;
	ended_len = 0;
}

TestSuite(crowd, .init = setup);

Test(crowd, newcomers_push_out_who_waits_longest)
{
	struct crowd_member *members[CROWD_WAITING_MAX + 2];

	for (int i = 0; i < CROWD_WAITING_MAX; i++)
		members[i] = crowd_enter(&crowd, i, now);
	cr_assert_eq(ended_len, 0);
	/* who has been answered waits from then on */
	crowd_answer(&crowd, members[0], now);
	crowd_answered(&crowd, members[0], now);
	members[CROWD_WAITING_MAX] = crowd_enter(&crowd, 100, now);
	members[CROWD_WAITING_MAX + 1] = crowd_enter(&crowd, 101, now);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(ended[0], 1);
	cr_assert_eq(ended[1], 2);
	cr_assert_eq(crowd.waiting_len, CROWD_WAITING_MAX);
	cr_assert_eq(crowd.ended, 2);
	for (size_t i = 0; i < CROWD_WAITING_MAX + 2; i++)
		crowd_leave(&crowd, members[i]);
	cr_assert_eq(crowd.waiting_len, 0);
	cr_assert(TAILQ_EMPTY(&crowd.waiting));
}

/* Whoever is being answered is not pushed out by those who only connect, nor they by
 * it. */
Test(crowd, answers_are_counted_apart)
{
	struct crowd_member *first = crowd_enter(&crowd, 1, now);
	struct crowd_member *member;

	crowd_answer(&crowd, first, now);
	for (int i = 0; i < 2 * CROWD_WAITING_MAX; i++)
		crowd_enter(&crowd, 100 + i, now);
	cr_assert_eq(ended_len, CROWD_WAITING_MAX);
	for (size_t i = 0; i < ended_len; i++)
		cr_assert_neq(ended[i], 1);
	ended_len = 0;
	for (int i = 1; i < CROWD_ANSWERING_MAX; i++) {
		member = TAILQ_FIRST(&crowd.waiting);
		crowd_answer(&crowd, member, now);
	}
	cr_assert_eq(ended_len, 0);
	member = TAILQ_FIRST(&crowd.waiting);
	crowd_answer(&crowd, member, now);
	cr_assert_eq(ended_len, 1);
	cr_assert_eq(ended[0], 1);
	crowd_end_answering(&crowd);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(crowd.answering_len, CROWD_ANSWERING_MAX - 1);
}

Test(crowd, time_is_over)
{
	struct crowd_member *waits = crowd_enter(&crowd, 1, now);
	struct crowd_member *reads = crowd_enter(&crowd, 2, now);

	crowd_answer(&crowd, reads, now);
	now.ms += CROWD_WAITING_MS - 1;
	crowd_look(&crowd, now);
	cr_assert_eq(ended_len, 0);
	now.ms++;
	crowd_look(&crowd, now);
	crowd_look(&crowd, now);
	cr_assert_eq(ended_len, 1);
	cr_assert_eq(ended[0], 1);
	/* what libmicrohttpd still says of one that was ended changes nothing */
	crowd_answer(&crowd, waits, now);
	crowd_answered(&crowd, waits, now);
	crowd_leave(&crowd, waits);
	now.ms += CROWD_ANSWERING_MS - CROWD_WAITING_MS;
	crowd_look(&crowd, now);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(ended[1], 2);
	crowd_leave(&crowd, reads);
	cr_assert_eq(crowd.answering_len, 0);
	cr_assert_eq(crowd.waiting_len, 0);
}

Test(crowd, nobody)
{
	crowd_end_answering(&crowd);
	crowd_look(&crowd, now);
	cr_assert_eq(ended_len, 0);
}
