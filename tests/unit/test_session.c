/* Two ends of a link over a transport that loses, repeats and delays frames, with ends
 * that start anew, all from one seed: every message of a session arrives in order,
 * once, or its session ends. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define FRAMES_MAX 4096
/* Epochs of one life. */
#define LIFE 1000

struct end {
	struct session *session;
	struct end *other;
	bool up;
	struct stream {
		uint64_t epoch;	 /* the sender's life, */
		uint64_t ups;	 /* the session in that life, */
		uint32_t number; /* the message in that session */
	} sent, delivered;	 /* last ones */
	struct {
		uint8_t bytes[96];
		size_t len;
	} wire[FRAMES_MAX]; /* frames on their way to this end */
	size_t wire_len;
};

static uint64_t state;
static unsigned int loss_percent;

static uint32_t
roll(uint32_t most)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % (most + 1);
}

static int
on_transmit(void *arg, const uint8_t *frame, size_t len)
{
	struct end *end = arg;
	struct end *to = end->other;

	cr_assert_leq(len, sizeof to->wire[0].bytes);
	if (to->wire_len == FRAMES_MAX || roll(99) < loss_percent / 4)
		return -EAGAIN;
	for (uint32_t copies = roll(99) < loss_percent ? 2 * roll(1) : 1; copies > 0;
	     copies--) {
		if (to->wire_len == FRAMES_MAX)
			break;
		memcpy(to->wire[to->wire_len].bytes, frame, len);
		to->wire[to->wire_len++].len = len;
	}
	return 0;
}

/* A new session: what was queued for the one before is forgotten. */
static void
on_up(void *arg)
{
	struct end *end = arg;

	cr_assert_not(end->up);
	end->up = true;
	end->sent.ups++;
	end->sent.number = 0;
}

static void
on_down(void *arg)
{
	struct end *end = arg;

	cr_assert(end->up);
	end->up = false;
}

static void
on_deliver(void *arg, const uint8_t *payload, size_t len)
{
	struct end *end = arg;
	struct stream *last = &end->delivered;
	struct stream next;

	cr_assert_eq(len, sizeof next);
	memcpy(&next, payload, sizeof next);
	if (next.epoch == last->epoch && next.ups == last->ups) {
		cr_assert_eq(next.number, last->number + 1, "in order, each once");
	} else {
		cr_assert(
		    next.epoch > last->epoch || next.ups > last->ups, "going back");
		cr_assert_eq(next.number, 1, "from its beginning");
	}
	*last = next;
}

static const struct session_io io = {on_transmit, on_up, on_down, on_deliver};

/* kill -9 and a new process. What is on its way to it is lost. */
static void
end_start(struct end *end)
{
	session_free(end->session);
	end->sent = (struct stream){.epoch = end->sent.epoch + LIFE};
	end->delivered = (struct stream){0};
	end->session = session_new(end->sent.epoch, &io, end);
	end->up = false;
	end->wire_len = 0;
}

static void
end_receive(struct end *end, struct mono_time now)
{
	size_t count = end->wire_len;

	for (size_t i = 0; i < count; i++) {
		uint8_t frame[96];
		size_t len = end->wire[i].len;

		memcpy(frame, end->wire[i].bytes, len);
		cr_assert_eq(session_receive(end->session, now, frame, len), 0);
	}
	memmove(
	    end->wire, end->wire + count, (end->wire_len - count) * sizeof *end->wire);
	end->wire_len -= count;
}

static void
end_send(struct end *end, struct mono_time now)
{
	struct stream next = end->sent;
	uint8_t payload[sizeof next];
	int rc;

	next.number++;
	memcpy(payload, &next, sizeof next);
	rc = session_send(end->session, now, payload, sizeof payload);
	if (rc == 0)
		end->sent = next;
	else
		cr_assert(rc == -EAGAIN || rc == -ENOTCONN);
}

static bool
same_stream(const struct stream *a, const struct stream *b)
{
	return a->epoch == b->epoch && a->ups == b->ups && a->number == b->number;
}

static void
ends_open(struct end *a, struct end *b)
{
	memset(a, 0, sizeof *a);
	memset(b, 0, sizeof *b);
	a->other = b;
	b->other = a;
	/* two lives never have the same epoch */
	b->sent.epoch = 1000000;
	end_start(a);
	end_start(b);
}

static void
ends_meet(struct end *a, struct end *b, struct mono_time *now)
{
	for (int i = 0; i < 10; i++) {
		session_tick(a->session, *now);
		session_tick(b->session, *now);
		end_receive(a, *now);
		end_receive(b, *now);
		now->ms += SESSION_HELLO_MS;
	}
	cr_assert(a->up && b->up);
}

static void
run(uint64_t seed)
{
	static struct end a, b;
	struct mono_time now = {0};

	state = seed;
	loss_percent = roll(40);
	ends_open(&a, &b);
	for (int step = 0; step < 3000; step++) {
		struct end *end = roll(1) ? &a : &b;

		now.ms += roll(20);
		if (step == 2000)
			loss_percent = 0; /* faults stop */
		if (step < 1500 && roll(299) == 0)
			end_start(end);
		if (step < 1500 && roll(299) == 0)
			session_lost(end->session);
		if (step < 1900 && roll(2) == 0)
			end_send(end, now);
		if (roll(3) != 0)
			end_receive(end, now);
		session_tick(end->session, now);
	}
	cr_assert(a.up && b.up, "seed %lu", (unsigned long)seed);
	cr_assert_gt(a.sent.number + b.sent.number, 0);
	cr_assert(a.sent.number == 0 || same_stream(&b.delivered, &a.sent), "seed %lu",
	    (unsigned long)seed);
	cr_assert(b.sent.number == 0 || same_stream(&a.delivered, &b.sent), "seed %lu",
	    (unsigned long)seed);
	session_free(a.session);
	session_free(b.session);
}

Test(session, delivers_everything_once_whatever_the_transport_does)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		run(seed);
}

Test(session, a_new_life_of_one_end_ends_the_session_of_the_other)
{
	static struct end a, b;
	struct mono_time now = {0};

	loss_percent = 0;
	ends_open(&a, &b);
	ends_meet(&a, &b, &now);
	cr_assert_eq(b.sent.ups, 1);
	end_start(&a);
	ends_meet(&a, &b, &now);
	cr_assert_eq(b.sent.ups, 2, "down and up again");
	session_free(a.session);
	session_free(b.session);
}

/* One process stood still while its connection was replaced, and saw nothing of it. */
Test(session, what_one_end_has_lost_ends_for_the_other_too)
{
	static struct end a, b;
	struct mono_time now = {0};

	loss_percent = 0;
	ends_open(&a, &b);
	ends_meet(&a, &b, &now);
	session_lost(a.session);
	cr_assert(!a.up && b.up);
	ends_meet(&a, &b, &now);
	cr_assert_eq(a.sent.ups, 2);
	cr_assert_eq(b.sent.ups, 2, "it sends its state again");
	session_free(a.session);
	session_free(b.session);
}

Test(session, malformed_frames_are_refused)
{
	static struct end a, b;
	struct mono_time now = {0};
	uint8_t frame[SESSION_HEADER + 1] = {0};

	ends_open(&a, &b);
	cr_assert_eq(session_receive(a.session, now, frame, 3), -EPROTO);
	cr_assert_eq(session_receive(a.session, now, frame, sizeof frame), -EPROTO);
	frame[0] = 1;
	frame[1] = 9;
	cr_assert_eq(session_receive(a.session, now, frame, sizeof frame), -EPROTO);
	frame[1] = 1;
	cr_assert_eq(
	    session_receive(a.session, now, frame, SESSION_HEADER), -EPROTO, "epoch 0");
	frame[2] = 5;
	cr_assert_eq(session_receive(a.session, now, frame, sizeof frame), -EPROTO,
	    "a hello carries nothing");
	session_free(a.session);
	session_free(b.session);
}

Test(session, a_full_queue_says_so)
{
	static struct end a, b;
	struct mono_time now = {0};
	uint8_t payload[12] = {0};
	int rc, count = 0;

	loss_percent = 0;
	ends_open(&a, &b);
	cr_assert_eq(session_send(a.session, now, payload, 12), -ENOTCONN);
	ends_meet(&a, &b, &now);
	while ((rc = session_send(a.session, now, payload, 12)) == 0)
		count++;
	cr_assert_eq(rc, -EAGAIN);
	cr_assert_eq(count, SESSION_QUEUE_MAX);
	session_free(a.session);
	session_free(b.session);
}

/* The other end says hello under a new epoch each time. */
static void
hello(struct end *end, uint64_t epoch, struct mono_time now)
{
	uint8_t frame[SESSION_HEADER] = {1, 1};

	memcpy(frame + 2, &epoch, sizeof epoch);
	memcpy(frame + 10, &end->sent.epoch, sizeof epoch);
	cr_assert_eq(session_receive(end->session, now, frame, sizeof frame), 0);
}

Test(session, a_flood_of_new_sessions_is_not_followed)
{
	static struct end a, b;
	struct mono_time now = {1000};

	loss_percent = 0;
	ends_open(&a, &b);
	for (uint64_t epoch = 1; epoch <= 1000; epoch++)
		hello(&b, epoch, now);
	cr_assert_eq(b.sent.ups, 4, "%lu", (unsigned long)b.sent.ups);
	for (uint64_t epoch = 1001; epoch <= 6000; epoch++) {
		now.ms++;
		hello(&b, epoch, now);
	}
	cr_assert_eq(b.sent.ups, 4 + 5, "%lu", (unsigned long)b.sent.ups);
	/* a sound end that comes after it is heard within the second */
	end_start(&a);
	now.ms += 1000;
	ends_meet(&a, &b, &now);
	session_free(a.session);
	session_free(b.session);
}
