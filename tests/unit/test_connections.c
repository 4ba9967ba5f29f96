#include <criterion/criterion.h>

#include "connections.h"

static struct connections connections;
static struct mono_time now;
static int ended[4 * (CONNECTIONS_WAITING_MAX + CONNECTIONS_ANSWERING_MAX)];
static size_t ended_len;

static void
on_end(int fd)
{
	ended[ended_len++] = fd;
}

static void
setup(void)
{
	connections_init(&connections, on_end);
	now.ms = 5000;
	ended_len = 0;
}

TestSuite(connections, .init = setup);

Test(connections, newcomers_push_out_who_waits_longest)
{
	struct connection *members[CONNECTIONS_WAITING_MAX + 2];

	for (int i = 0; i < CONNECTIONS_WAITING_MAX; i++)
		members[i] = connections_add(&connections, i, now);
	cr_assert_eq(ended_len, 0);
	/* who has been answered waits from then on */
	connections_answer(&connections, members[0], now);
	connections_answered(&connections, members[0], now);
	members[CONNECTIONS_WAITING_MAX] = connections_add(&connections, 100, now);
	members[CONNECTIONS_WAITING_MAX + 1] = connections_add(&connections, 101, now);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(ended[0], 1);
	cr_assert_eq(ended[1], 2);
	cr_assert_eq(connections.waiting_len, CONNECTIONS_WAITING_MAX);
	cr_assert_eq(connections.ended, 2);
	for (size_t i = 0; i < CONNECTIONS_WAITING_MAX + 2; i++)
		connections_remove(&connections, members[i]);
	cr_assert_eq(connections.waiting_len, 0);
	cr_assert(TAILQ_EMPTY(&connections.waiting));
}

/* Whoever is being answered is not pushed out by those who only connect, nor they by
 * it. */
Test(connections, answers_are_counted_apart)
{
	struct connection *first = connections_add(&connections, 1, now);
	struct connection *member;

	connections_answer(&connections, first, now);
	for (int i = 0; i < 2 * CONNECTIONS_WAITING_MAX; i++)
		connections_add(&connections, 100 + i, now);
	cr_assert_eq(ended_len, CONNECTIONS_WAITING_MAX);
	for (size_t i = 0; i < ended_len; i++)
		cr_assert_neq(ended[i], 1);
	ended_len = 0;
	for (int i = 1; i < CONNECTIONS_ANSWERING_MAX; i++) {
		member = TAILQ_FIRST(&connections.waiting);
		connections_answer(&connections, member, now);
	}
	cr_assert_eq(ended_len, 0);
	member = TAILQ_FIRST(&connections.waiting);
	connections_answer(&connections, member, now);
	cr_assert_eq(ended_len, 1);
	cr_assert_eq(ended[0], 1);
	connections_end_answering(&connections);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(connections.answering_len, CONNECTIONS_ANSWERING_MAX - 1);
}

Test(connections, time_is_over)
{
	struct connection *waits = connections_add(&connections, 1, now);
	struct connection *reads = connections_add(&connections, 2, now);

	connections_answer(&connections, reads, now);
	now.ms += CONNECTIONS_WAITING_MS - 1;
	connections_expire(&connections, now);
	cr_assert_eq(ended_len, 0);
	now.ms++;
	connections_expire(&connections, now);
	connections_expire(&connections, now);
	cr_assert_eq(ended_len, 1);
	cr_assert_eq(ended[0], 1);
	/* what libmicrohttpd still says of one that was ended changes nothing */
	connections_answer(&connections, waits, now);
	connections_answered(&connections, waits, now);
	connections_remove(&connections, waits);
	now.ms += CONNECTIONS_ANSWERING_MS - CONNECTIONS_WAITING_MS;
	connections_expire(&connections, now);
	cr_assert_eq(ended_len, 2);
	cr_assert_eq(ended[1], 2);
	connections_remove(&connections, reads);
	cr_assert_eq(connections.answering_len, 0);
	cr_assert_eq(connections.waiting_len, 0);
}

Test(connections, nobody)
{
	connections_end_answering(&connections);
	connections_expire(&connections, now);
	cr_assert_eq(ended_len, 0);
}
