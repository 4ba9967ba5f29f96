#include "link.h"

#include <assert.h>
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "bounds.h"
#include "control.h"
#include "exits.h"
#include "fds.h"
#include "log.h"
#include "mem.h"
#include "session.h"
#include "shim.h"

/* Without a connection for so long, a fresh pair is asked for. */
#define RELINK_MS 1500

/* How often the connection is looked at. */
#define LOOK_MS 250

/* Violations are logged and reported this often; all are counted, and each is followed
 * by a report sooner or later. */
#define VIOLATION_TELL_MS 500

/* Messages handled before other events get their turn. */
#define BATCH_MAX 64

struct link_end {
	enum role role;
	int slot;
};

static const struct {
	const char *name;
	struct link_end ends[2];
} link_table[LINK_COUNT] = {
#define LINK_ENTRY(constant, a, slot_a, b, slot_b)                                     \
	[constant] = {#constant, {{a, slot_a}, {b, slot_b}}},
    LINK_LIST(LINK_ENTRY)
#undef LINK_ENTRY
};

struct link {
	struct loop *loop;
	enum link_id id;
	enum role self;
	enum role peer;
	int slot;
	int socket;
	const struct link_handlers *handlers;
	void *arg;
	struct session *session;
	struct loop_timer *timer;
	struct mono_time connected_at; /* when a connection was last seen */
	bool lost;
	bool full; /* link_send said -EAGAIN */
	unsigned int bad_frames;
	unsigned long violations;
	unsigned long violations_told; /* how many there were at the latest report */
	const char *violation_why;
	struct mono_time violation_told;
	struct message received;
	uint8_t frame[LINK_FRAME_MAX];
	uint8_t encoded[LINK_FRAME_MAX];
};

static void
link_die(const struct link *link, const char *step)
{
	log_error("link_failed", LOG_S("link", link_table[link->id].name),
	    LOG_S("step", step), LOG_S("error", nn_strerror(nn_errno())));
	_Exit(EXIT_BUG);
}

static int
on_transmit(void *arg, const uint8_t *frame, size_t len)
{
	struct link *link = arg;

	if (nn_send(link->socket, frame, len, NN_DONTWAIT) >= 0)
		return 0;
	if (nn_errno() != EAGAIN && nn_errno() != EINTR)
		link_die(link, "send");
	return -EAGAIN;
}

static void
on_up(void *arg)
{
	struct link *link = arg;

	log_info("link_up", LOG_S("link", link_table[link->id].name));
	if (link->handlers->up != NULL)
		link->handlers->up(link->arg);
}

static void
on_down(void *arg)
{
	struct link *link = arg;

	log_info("link_down", LOG_S("link", link_table[link->id].name));
	if (link->handlers->down != NULL)
		link->handlers->down(link->arg);
}

static void
on_deliver(void *arg, const uint8_t *payload, size_t len)
{
	struct link *link = arg;

	if (message_decode(payload, len, &link->received) < 0) {
		link_violation(link, "malformed message");
		return;
	}
	if (!message_permitted(link->received.type, link->peer, link->self)) {
		link_violation(link, "message not permitted");
		return;
	}
	log_debug("message", LOG_S("link", link_table[link->id].name),
	    LOG_S("message", message_name(link->received.type)), LOG_N("bytes", len));
	if (link->handlers->message != NULL)
		link->handlers->message(link->arg, &link->received);
}

static const struct session_io session_io = {on_transmit, on_up, on_down, on_deliver};

/* A connection that stays away: the greeting's 1 s timer may have run out on a stalled
 * machine; a fresh pair mends it. */
static void
look_at_connection(struct link *link, struct mono_time now)
{
	uint64_t connections =
	    nn_get_statistic(link->socket, NN_STAT_CURRENT_CONNECTIONS);
	unsigned int bad = shim_bad_frames(FD_LINK_0 + link->slot);
	uint8_t slot = (uint8_t)link->slot;

	if (bad != link->bad_frames) {
		link->bad_frames = bad;
		link_violation(link, "malformed frame");
	}
	if (connections > 0) {
		link->connected_at = now;
		link->lost = false;
		return;
	}
	if (!link->lost) {
		link->lost = true;
		session_lost(link->session);
	}
	if (now.ms - link->connected_at.ms < RELINK_MS)
		return;
	link->connected_at = now;
	control_send(FD_CONTROL, CONTROL_RELINK, &slot, 1, -1);
}

static void
tell_violations(struct link *link, struct mono_time now)
{
	uint8_t slot = (uint8_t)link->slot;

	if (link->violations == link->violations_told ||
	    (link->violations_told > 0 &&
		now.ms - link->violation_told.ms < VIOLATION_TELL_MS))
		return;
	link->violations_told = link->violations;
	link->violation_told = now;
	log_error("protocol_violation", LOG_S("link", link_table[link->id].name),
	    LOG_S("error", link->violation_why),
	    LOG_N("count", (int64_t)link->violations));
	control_send(FD_CONTROL, CONTROL_VIOLATION, &slot, 1, -1);
}

static void
work(struct link *link)
{
	struct mono_time now = clock_mono();
	int64_t delay_ms;

	look_at_connection(link, now);
	tell_violations(link, now);
	delay_ms = session_tick(link->session, now);
	loop_timer_arm(link->timer, delay_ms < LOOK_MS ? delay_ms : LOOK_MS);
	if (link->full && session_has_room(link->session)) {
		link->full = false;
		if (link->handlers->room != NULL)
			link->handlers->room(link->arg);
	}
}

static void
on_timer(void *arg)
{
	work(arg);
}

static void
on_readable(void *arg, int fd, uint32_t events)
{
	struct link *link = arg;

	(void)fd;
	(void)events;
	for (int i = 0; i < BATCH_MAX; i++) {
		int len =
		    nn_recv(link->socket, link->frame, sizeof link->frame, NN_DONTWAIT);

		if (len < 0 && nn_errno() != EAGAIN && nn_errno() != EINTR)
			link_die(link, "receive");
		if (len < 0)
			break;
		if ((size_t)len > sizeof link->frame ||
		    session_receive(
			link->session, clock_mono(), link->frame, (size_t)len) < 0)
			link_violation(link, "malformed session frame");
	}
	work(link);
}

static int
slot_of(enum link_id id, enum role self, enum role *ret_peer)
{
	for (int i = 0; i < 2; i++) {
		if (link_table[id].ends[i].role != self)
			continue;
		*ret_peer = link_table[id].ends[1 - i].role;
		return link_table[id].ends[i].slot;
	}
	assert(!"this role has that link");
	return -1;
}

static void
open_socket(struct link *link)
{
	char address[sizeof SHIM_ADDRESS + 16];
	int size_max = LINK_FRAME_MAX;
	int fd;
	size_t fd_size = sizeof fd;

	link->socket = nn_socket(AF_SP, NN_PAIR);
	if (link->socket < 0)
		link_die(link, "socket");
	if (nn_setsockopt(link->socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, &size_max,
		sizeof size_max) < 0)
		link_die(link, "setsockopt");
	snprintf(address, sizeof address, SHIM_ADDRESS "%d", FD_LINK_0 + link->slot);
	if (nn_bind(link->socket, address) < 0)
		link_die(link, "bind");
	if (nn_getsockopt(link->socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &fd_size) < 0 ||
	    loop_set_fd(link->loop, fd, EPOLLIN, on_readable, link) < 0)
		link_die(link, "descriptor");
}

struct link *
link_open(struct loop *loop, enum link_id id, enum role self,
    const struct link_handlers *handlers, void *arg)
{
	struct link *link = mem_calloc(1, sizeof *link);
	uint64_t epoch = 0;

	link->loop = loop;
	link->id = id;
	link->self = self;
	link->slot = slot_of(id, self, &link->peer);
	link->handlers = handlers;
	link->arg = arg;
	while (epoch == 0)
		if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch)
			epoch = 0;
	link->session = session_new(epoch, &session_io, link);
	link->timer = loop_timer_new(loop, on_timer, link);
	link->connected_at = clock_mono();
	open_socket(link);
	loop_timer_arm(link->timer, 0);
	return link;
}

int
link_send(struct link *link, enum message_type type, const void *msg)
{
	int len, rc;

	assert(message_permitted(type, link->self, link->peer));
	if (!session_is_up(link->session))
		return -ENOTCONN;
	len = message_encode(type, msg, link->encoded, SESSION_PAYLOAD_MAX);
	assert(len > 0); /* every message's largest size fits a frame */
	rc = session_send(link->session, clock_mono(), link->encoded, (size_t)len);
	if (rc == -EAGAIN)
		link->full = true;
	/* sent at the end of this round of the loop, together with what else comes */
	loop_timer_arm(link->timer, 0);
	return rc;
}

bool
link_is_up(const struct link *link)
{
	return session_is_up(link->session);
}

void
link_violation(struct link *link, const char *why)
{
	link->violations++;
	link->violation_why = why;
	tell_violations(link, clock_mono());
}

void
link_counts(const struct link *link, struct link_counts *ret_counts)
{
	struct session_counts counts;

	session_counts(link->session, &counts);
	*ret_counts = (struct link_counts){
	    .sent = counts.sent,
	    .received = counts.received,
	    .resent = counts.resent,
	    .dropped = counts.dropped,
	    .violations = link->violations,
	    .backlog = counts.backlog,
	};
}
