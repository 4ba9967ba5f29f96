#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dial.h"
#include "dials.h"
#include "fdpass.h"
#include "fds.h"
#include "log.h"
#include "mem.h"

/* A token bucket: so many at once, and so many a second. */
#define RATE_BURST    INT64_C(20)
#define RATE_A_SECOND INT64_C(10)

/* Requests taken in one round of the loop. */
#define ROUND_REQUESTS_MAX 16

/* Dropped requests and answers are told at most this often. */
#define DROPS_LOG_MS 10000

/* Answers that wait until the client has read others. */
#define WAITING_MAX (DIALS_MAX + 1)

struct answer {
	struct dial_reply reply;
	int fd; /* owned; -1 = none */
};

struct client {
	struct loop *loop;
	struct dials *dials;
	int64_t tokens; /* thousandths */
	struct mono_time filled;
	unsigned int malformed;	 /* requests dropped since the last log line */
	unsigned int unanswered; /* answers that could not be sent at all */
	struct answer waiting[WAITING_MAX];
	size_t waiting_len;
	struct loop_timer *drops;
	bool drops_armed;
};

static loop_fd_fn on_dial;

static void
drops_log(void *arg)
{
	struct client *client = arg;

	client->drops_armed = client->malformed > 0 || client->unanswered > 0;
	if (!client->drops_armed)
		return;
	log_warn("dials_dropped", LOG_N("malformed", client->malformed),
	    LOG_N("unanswered", client->unanswered));
	client->malformed = 0;
	client->unanswered = 0;
	loop_timer_arm(client->drops, DROPS_LOG_MS);
}

static void
drops_count(struct client *client, unsigned int *counter)
{
	(*counter)++;
	if (!client->drops_armed)
		drops_log(client);
}

static bool
rate_take(struct client *client)
{
	struct mono_time now = loop_now(client->loop);
	int64_t passed_ms = now.ms - client->filled.ms;

	client->filled = now;
	/* more than a full bucket's time adds nothing */
	if (passed_ms > RATE_BURST * 1000 / RATE_A_SECOND)
		passed_ms = RATE_BURST * 1000 / RATE_A_SECOND;
	client->tokens += passed_ms * RATE_A_SECOND;
	if (client->tokens > RATE_BURST * 1000)
		client->tokens = RATE_BURST * 1000;
	if (client->tokens < 1000)
		return false;
	client->tokens -= 1000;
	return true;
}

/* Sends an answer and closes its descriptor; -EAGAIN when the socket takes nothing now
 * (the descriptor stays open). */
static int
answer_send(struct client *client, const struct answer *answer)
{
	struct dial_reply reply = answer->reply;
	int rc = fdpass_send(FD_DIAL, &reply, sizeof reply, answer->fd);

	/* unix(7): descriptors that other processes of this user have on their way
	 * count, too; the client need not wait until it learns that */
	if (rc == -ETOOMANYREFS) {
		reply.error = EAGAIN;
		rc = fdpass_send(FD_DIAL, &reply, sizeof reply, -1);
	}
	if (rc == -EAGAIN)
		return rc;
	if (rc < 0)
		drops_count(client, &client->unanswered);
	if (answer->fd >= 0)
		close(answer->fd);
	return 0;
}

/* While answers wait, no request is taken: so there are never more of them than dials
 * that run, and the one request that was being taken. */
static void
watch(struct client *client)
{
	uint32_t events = client->waiting_len > 0 ? EPOLLOUT : EPOLLIN;

	loop_set_fd(client->loop, FD_DIAL, events | EPOLLRDHUP, on_dial, client);
}

static void
answer(void *arg, uint64_t id, int fd, int error)
{
	struct client *client = arg;
	struct answer answer = {.reply = {.id = id, .error = error}, .fd = fd};

	if (client->waiting_len == 0 && answer_send(client, &answer) == 0)
		return;
	if (client->waiting_len == WAITING_MAX) {
		drops_count(client, &client->unanswered);
		if (fd >= 0)
			close(fd);
		return;
	}
	client->waiting[client->waiting_len++] = answer;
	watch(client);
}

static void
answer_waiting(struct client *client)
{
	size_t sent = 0;

	while (sent < client->waiting_len &&
	       answer_send(client, &client->waiting[sent]) == 0)
		sent++;
	client->waiting_len -= sent;
	memmove(client->waiting, client->waiting + sent,
	    client->waiting_len * sizeof *client->waiting);
	watch(client);
}

static void
take_request(struct client *client, const struct dial_request *request)
{
	int rc;

	if (!rate_take(client)) {
		answer(client, request->id, -1, EAGAIN);
		return;
	}
	rc = dials_begin(client->dials, request->id, request->entry);
	if (rc < 0)
		answer(client, request->id, -1, -rc);
}

static void
on_dial(void *arg, int fd, uint32_t events)
{
	struct client *client = arg;

	if ((events & EPOLLOUT) != 0)
		answer_waiting(client);
	for (size_t i = 0; i < ROUND_REQUESTS_MAX && client->waiting_len == 0; i++) {
		struct dial_request request = {0};
		int came = -1;
		ssize_t len = fdpass_receive(fd, &request, sizeof request, &came);

		if (came >= 0)
			close(came);
		if (len == -EAGAIN)
			return;
		/* an empty packet reads like the end; only the end is also told in
		 * events. The supervisor holds both ends, so it is about to end us too.
		 */
		if (len <= 0 && (events & (EPOLLHUP | EPOLLRDHUP)) != 0) {
			loop_remove_fd(client->loop, fd);
			return;
		}
		if (len != (ssize_t)sizeof request || came >= 0 ||
		    request.reserved != 0)
			drops_count(client, &client->malformed);
		else
			take_request(client, &request);
	}
}

struct client *
client_new(struct loop *loop, const struct entries *entries)
{
	struct client *client = mem_calloc(1, sizeof *client);
	int rc;

	*client = (struct client){.loop = loop, .tokens = RATE_BURST * 1000};
	client->filled = loop_now(loop);
	client->drops = loop_timer_new(loop, drops_log, client);
	client->dials = dials_new(loop, entries, answer, client);
	rc = dials_hear(client->dials);
	if (rc == 0)
		rc = loop_set_fd(loop, FD_DIAL, EPOLLIN | EPOLLRDHUP, on_dial, client);
	if (rc == 0)
		return client;
	log_error("descriptors_refused", LOG_S("error", strerror(-rc)));
	client_free(client);
	return NULL;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	dials_free(client->dials);
	loop_timer_free(client->drops);
	free(client);
}

void
client_again(struct client *client)
{
	dials_again(client->dials);
}
