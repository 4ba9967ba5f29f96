#include "dial.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

#include "fdpass.h"
#include "log.h"
#include "mem.h"

/* Open asks of one client; more are answered with EBUSY. */
#define DIAL_ASKS_MAX 64

/* How often an ask is sent before it is given up as ETIMEDOUT. */
#define DIAL_TRIES_MAX 3

/* A reply that is on its way when the dialer's time is up is not missed. */
#define DIAL_PATIENCE_MS (DIAL_TIMEOUT_MS + 500)

/* The dialer's queue is full: it is asked again after this long. */
#define DIAL_FULL_MS 50

/* The dialer says that it has too much to do (it opens ten a second in the long run):
 * it is asked again after this long, until the ask is so old. */
#define DIAL_BUSY_MS	 200
#define DIAL_BUSY_MAX_MS (DIAL_TRIES_MAX * DIAL_PATIENCE_MS)

/* Replies taken in one round, so that a flood cannot hold up the loop. */
#define DIAL_ROUND_MAX 32

struct ask {
	uint64_t id;
	enum dial_entry entry;
	dial_fn *fn;
	void *arg;
	int tries;
	int error; /* what it ends with when it is due; 0: it is sent again */
	struct mono_time begun;
	struct mono_time due;
	TAILQ_ENTRY(ask) link;
};

struct dial {
	struct loop *loop;
	struct loop_timer *timer;
	int fd;
	uint64_t id_next;
	size_t asks_len;
	TAILQ_HEAD(, ask) asks;
};

static void on_reply(void *arg, int fd, uint32_t events);
static void on_due(void *arg);

struct dial *
dial_new(struct loop *loop, int dial_fd)
{
	struct dial *dial = mem_calloc(1, sizeof *dial);
	int rc;

	dial->loop = loop;
	dial->fd = dial_fd;
	dial->timer = loop_timer_new(loop, on_due, dial);
	TAILQ_INIT(&dial->asks);
	if (getrandom(&dial->id_next, sizeof dial->id_next, 0) < 0)
		dial->id_next = (uint64_t)clock_boot().ms << 20;
	rc = loop_set_fd(loop, dial_fd, EPOLLIN, on_reply, dial);
	assert(rc == 0);
	return dial;
}

void
dial_free(struct dial *dial)
{
	struct ask *ask;

	if (dial == NULL)
		return;
	while ((ask = TAILQ_FIRST(&dial->asks)) != NULL) {
		TAILQ_REMOVE(&dial->asks, ask, link);
		free(ask);
	}
	loop_remove_fd(dial->loop, dial->fd);
	loop_timer_free(dial->timer);
	free(dial);
}

static void
arm_timer(struct dial *dial)
{
	int64_t least_ms = INT64_MAX;
	const struct ask *ask;

	for (ask = TAILQ_FIRST(&dial->asks); ask != NULL; ask = TAILQ_NEXT(ask, link))
		if (ask->due.ms < least_ms)
			least_ms = ask->due.ms;
	if (least_ms == INT64_MAX)
		loop_timer_disarm(dial->timer);
	else
		loop_timer_arm(dial->timer, least_ms - clock_mono().ms);
}

/* The id stays the same when an ask is sent again: the first answer counts, a second
 * one has an id that nobody knows any more, and its descriptor is closed. */
static void
send_ask(struct dial *dial, struct ask *ask)
{
	struct dial_request request = {.id = ask->id, .entry = ask->entry};
	int rc = fdpass_send(dial->fd, &request, sizeof request, -1);
	int64_t wait_ms = DIAL_PATIENCE_MS;

	if (rc == -EAGAIN) {
		wait_ms = DIAL_FULL_MS;
	} else if (rc < 0) {
		ask->error = ECONNREFUSED;
		wait_ms = 0;
	} else {
		ask->tries++;
	}
	ask->due.ms = clock_mono().ms + wait_ms;
}

uint64_t
dial_ask(struct dial *dial, enum dial_entry entry, dial_fn *fn, void *arg)
{
	struct ask *ask = mem_calloc(1, sizeof *ask);

	ask->id = dial->id_next++;
	ask->entry = entry;
	ask->fn = fn;
	ask->arg = arg;
	ask->begun = clock_mono();
	TAILQ_INSERT_TAIL(&dial->asks, ask, link);
	if (dial->asks_len++ >= DIAL_ASKS_MAX) {
		ask->error = EBUSY;
		ask->due = clock_mono();
	} else {
		send_ask(dial, ask);
	}
	arm_timer(dial);
	return ask->id;
}

static struct ask *
find_ask(struct dial *dial, uint64_t id)
{
	struct ask *ask;

	for (ask = TAILQ_FIRST(&dial->asks); ask != NULL; ask = TAILQ_NEXT(ask, link))
		if (ask->id == id)
			return ask;
	return NULL;
}

static void
drop_ask(struct dial *dial, struct ask *ask)
{
	TAILQ_REMOVE(&dial->asks, ask, link);
	dial->asks_len--;
	free(ask);
}

static void
end_ask(struct dial *dial, struct ask *ask, int fd, int error)
{
	dial_fn *fn = ask->fn;
	void *arg = ask->arg;

	drop_ask(dial, ask);
	fn(arg, fd, error);
}

void
dial_cancel(struct dial *dial, uint64_t id)
{
	struct ask *ask = find_ask(dial, id);

	if (ask == NULL)
		return;
	drop_ask(dial, ask);
	arm_timer(dial);
}

void
dial_again(struct dial *dial)
{
	struct ask *ask;

	for (ask = TAILQ_FIRST(&dial->asks); ask != NULL; ask = TAILQ_NEXT(ask, link)) {
		if (ask->error != 0)
			continue;
		ask->tries = 0;
		send_ask(dial, ask);
	}
	arm_timer(dial);
}

static struct ask *
first_due(struct dial *dial)
{
	int64_t now_ms = clock_mono().ms;
	struct ask *ask;

	for (ask = TAILQ_FIRST(&dial->asks); ask != NULL; ask = TAILQ_NEXT(ask, link))
		if (ask->due.ms <= now_ms)
			return ask;
	return NULL;
}

/* A callback may ask and cancel, so the walk starts anew after each. */
static void
on_due(void *arg)
{
	struct dial *dial = arg;
	struct ask *ask;

	while ((ask = first_due(dial)) != NULL) {
		if (ask->error != 0)
			end_ask(dial, ask, -1, ask->error);
		else if (ask->tries >= DIAL_TRIES_MAX)
			end_ask(dial, ask, -1, ETIMEDOUT);
		else
			send_ask(dial, ask);
	}
	arm_timer(dial);
}

/* The errno of a reply, whatever the dialer wrote. */
static int
reply_error(const struct dial_reply *reply, int fd)
{
	if (reply->error < 0 || reply->error > 4095)
		return EPROTO;
	if (reply->error == 0 && fd < 0)
		return EPROTO;
	return reply->error;
}

static bool
asks_later(const struct ask *ask, int error)
{
	return error == EAGAIN && clock_mono().ms - ask->begun.ms < DIAL_BUSY_MAX_MS;
}

static void
take_reply(struct dial *dial, const struct dial_reply *reply, int fd)
{
	struct ask *ask = find_ask(dial, reply->id);
	int error = reply_error(reply, fd);

	if (fd >= 0 && (ask == NULL || error != 0)) {
		close(fd);
		fd = -1;
	}
	if (ask == NULL)
		return;
	if (!asks_later(ask, error)) {
		end_ask(dial, ask, fd, error);
		return;
	}
	ask->tries = 0;
	ask->due.ms = clock_mono().ms + DIAL_BUSY_MS;
}

static void
fail_all(struct dial *dial)
{
	struct ask *ask;

	for (ask = TAILQ_FIRST(&dial->asks); ask != NULL; ask = TAILQ_NEXT(ask, link)) {
		ask->error = ECONNREFUSED;
		ask->due = clock_mono();
	}
	arm_timer(dial);
}

static void
on_reply(void *arg, int fd, uint32_t events)
{
	struct dial *dial = arg;
	struct dial_reply reply = {0};

	(void)events;
	for (int i = 0; i < DIAL_ROUND_MAX; i++) {
		int passed_fd = -1;
		ssize_t len = fdpass_receive(fd, &reply, sizeof reply, &passed_fd);

		if (len == -EAGAIN)
			break;
		if (len == sizeof reply) {
			take_reply(dial, &reply, passed_fd);
			continue;
		}
		if (passed_fd >= 0)
			close(passed_fd);
		if (len == 0 || (len < 0 && len != -EPROTO && len != -EMSGSIZE)) {
			/* nobody holds the other end any more */
			log_error("dial_closed",
			    LOG_S("error", len == 0 ? "the other end is gone"
						    : strerror((int)-len)));
			loop_remove_fd(dial->loop, fd);
			fail_all(dial);
			return;
		}
		log_warn("dial_reply_refused", LOG_N("length", len));
	}
	arm_timer(dial);
}
