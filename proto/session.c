#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

#define SESSION_VERSION 1

/* Frames on their way at once; the rest waits for acknowledgements. */
#define SESSION_WINDOW 128

/* How long to wait when the transport takes nothing, and when there is nothing to do.
 */
#define SESSION_BLOCKED_MS 5
#define SESSION_IDLE_MS	   1000

/* New sessions: so many at once, then one in so long. A process starts anew no more
 * often; each makes both ends send their whole state. */
#define SESSION_MEETS_MAX 4
#define SESSION_MEET_MS	  1000

enum frame_kind { FRAME_HELLO = 1, FRAME_DATA, FRAME_ACK };

struct frame {
	enum frame_kind kind;
	uint64_t from;
	uint64_t to;
	uint64_t number;
	uint64_t acknowledged;
};

struct queued {
	uint64_t number;
	bool sent; /* at least once */
	size_t len;
	TAILQ_ENTRY(queued) link;
	uint8_t payload[];
};

struct session {
	const struct session_io *io;
	void *arg;
	uint64_t epoch;
	uint64_t peer; /* the other end's epoch; 0: not known */
	bool up;
	int meets; /* new sessions that may begin now */
	struct mono_time met_at;
	uint64_t next_number;
	uint64_t received; /* last number taken in order */
	bool ack_due;
	struct mono_time hello_at; /* last sent */
	bool hello_due;
	struct mono_time progress_at; /* last acknowledgement or first send */
	TAILQ_HEAD(queue, queued) queue;
	struct queued *unsent; /* first that was not sent yet */
	size_t queue_len;
	size_t queue_bytes;
	struct session_counts counts;
	/* being sent; on the stack it would be cleared for each */
	uint8_t frame[LINK_FRAME_MAX];
};

struct session *
session_new(uint64_t epoch, const struct session_io *io, void *arg)
{
	struct session *session = mem_calloc(1, sizeof *session);

	assert(epoch != 0);
	session->io = io;
	session->arg = arg;
	session->epoch = epoch;
	session->next_number = 1;
	session->meets = SESSION_MEETS_MAX;
	session->hello_due = true;
	TAILQ_INIT(&session->queue);
	return session;
}

static void
queue_remove(struct session *session, struct queued *queued)
{
	if (session->unsent == queued)
		session->unsent = TAILQ_NEXT(queued, link);
	TAILQ_REMOVE(&session->queue, queued, link);
	session->queue_len--;
	session->queue_bytes -= queued->len;
	free(queued);
}

static void
queue_clear(struct session *session)
{
	while (!TAILQ_EMPTY(&session->queue))
		queue_remove(session, TAILQ_FIRST(&session->queue));
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	queue_clear(session);
	free(session);
}

static void
put_u64(uint8_t *out, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t
get_u64(const uint8_t *in)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number |= (uint64_t)in[i] << (8 * i);
	return number;
}

static int
transmit(struct session *session, enum frame_kind kind, uint64_t number,
    const uint8_t *payload, size_t len)
{
	uint8_t *frame = session->frame;

	frame[0] = SESSION_VERSION;
	frame[1] = (uint8_t)kind;
	put_u64(frame + 2, session->epoch);
	put_u64(frame + 10, session->peer);
	put_u64(frame + 18, number);
	put_u64(frame + 26, session->received);
	if (len > 0)
		memcpy(frame + SESSION_HEADER, payload, len);
	return session->io->transmit(session->arg, frame, SESSION_HEADER + len);
}

static int
frame_parse(const uint8_t *data, size_t len, struct frame *ret_frame)
{
	if (len < SESSION_HEADER || len > LINK_FRAME_MAX ||
	    data[0] != SESSION_VERSION || data[1] < FRAME_HELLO || data[1] > FRAME_ACK)
		return -EPROTO;
	*ret_frame = (struct frame){
	    .kind = (enum frame_kind)data[1],
	    .from = get_u64(data + 2),
	    .to = get_u64(data + 10),
	    .number = get_u64(data + 18),
	    .acknowledged = get_u64(data + 26),
	};
	if (ret_frame->from == 0 ||
	    (ret_frame->kind == FRAME_DATA) != (len > SESSION_HEADER))
		return -EPROTO;
	return 0;
}

static void
set_down(struct session *session)
{
	if (!session->up)
		return;
	session->up = false;
	session->io->down(session->arg);
}

/* What was sent and received belongs to a session that has ended. */
static void
session_forget(struct session *session)
{
	queue_clear(session);
	session->next_number = 1;
	session->received = 0;
}

/* The process at the other end is a new one, or has lost us. */
static void
meet(struct session *session, uint64_t peer)
{
	set_down(session);
	session_forget(session);
	session->peer = peer;
	session->hello_due = true;
}

/* Whether a new session may begin now. */
static bool
take_meet(struct session *session, struct mono_time now)
{
	int64_t more = (now.ms - session->met_at.ms) / SESSION_MEET_MS;

	if (session->meets + more >= SESSION_MEETS_MAX) {
		session->meets = SESSION_MEETS_MAX;
		session->met_at = now;
	} else {
		session->meets += (int)more;
		session->met_at.ms += more * SESSION_MEET_MS;
	}
	if (session->meets == 0)
		return false;
	session->meets--;
	return true;
}

static void
set_up(struct session *session, struct mono_time now)
{
	if (session->up)
		return;
	session->up = true;
	session->progress_at = now;
	session->ack_due = true;
	session->io->up(session->arg);
}

static void
take_ack(struct session *session, struct mono_time now, uint64_t acknowledged)
{
	struct queued *first;

	while ((first = TAILQ_FIRST(&session->queue)) != NULL && first->sent &&
	       first->number <= acknowledged) {
		queue_remove(session, first);
		session->progress_at = now;
	}
}

static void
take_data(struct session *session, const struct frame *frame, const uint8_t *payload,
    size_t len)
{
	session->ack_due = true;
	if (frame->number != session->received + 1) {
		session->counts.dropped++;
		return;
	}
	session->received++;
	session->counts.received++;
	session->io->deliver(session->arg, payload, len);
}

int
session_receive(
    struct session *session, struct mono_time now, const uint8_t *data, size_t len)
{
	struct frame frame;

	if (frame_parse(data, len, &frame) < 0)
		return -EPROTO;
	if (frame.from != session->peer) {
		/* only a hello opens a session: other frames are left over from a peer
		 * that is gone */
		if (frame.kind != FRAME_HELLO)
			return 0;
		/* it says hello again, and a sound one is heard then */
		if (!take_meet(session, now))
			return 0;
		meet(session, frame.from);
	}
	if (frame.to != session->epoch) {
		session->hello_due = true;
		return 0;
	}
	set_up(session, now);
	take_ack(session, now, frame.acknowledged);
	if (frame.kind == FRAME_DATA)
		take_data(session, &frame, data + SESSION_HEADER, len - SESSION_HEADER);
	else if (frame.kind == FRAME_HELLO)
		session->ack_due = true; /* tells it that we are up */
	return 0;
}

int
session_send(
    struct session *session, struct mono_time now, const uint8_t *payload, size_t len)
{
	struct queued *queued;

	if (!session->up)
		return -ENOTCONN;
	if (len == 0 || len > SESSION_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (!session_has_room(session))
		return -EAGAIN;
	queued = mem_calloc(1, sizeof *queued + len);
	queued->number = session->next_number++;
	queued->len = len;
	memcpy(queued->payload, payload, len);
	if (TAILQ_EMPTY(&session->queue))
		session->progress_at = now;
	TAILQ_INSERT_TAIL(&session->queue, queued, link);
	session->queue_len++;
	session->queue_bytes += len;
	if (session->unsent == NULL)
		session->unsent = queued;
	return 0;
}

/* The other end may have noticed nothing: only a new epoch makes it send its state. */
void
session_lost(struct session *session)
{
	if (session->up) {
		set_down(session);
		session_forget(session);
		session->epoch += session->epoch == UINT64_MAX ? 2 : 1;
	}
	session->hello_due = true;
}

/* Sends what was not sent yet, within the window. False: the transport is full. */
static bool
send_queue(struct session *session)
{
	while (session->unsent != NULL) {
		struct queued *next = session->unsent;
		uint64_t first = TAILQ_FIRST(&session->queue)->number;

		if (next->number >= first + SESSION_WINDOW)
			return true;
		if (transmit(session, FRAME_DATA, next->number, next->payload,
			next->len) < 0)
			return false;
		if (next->sent)
			session->counts.resent++;
		else
			session->counts.sent++;
		next->sent = true;
		session->ack_due = false; /* it carries the acknowledgement */
		session->unsent = TAILQ_NEXT(next, link);
	}
	return true;
}

int64_t
session_tick(struct session *session, struct mono_time now)
{
	bool open = true;

	if (!session->up && now.ms - session->hello_at.ms >= SESSION_HELLO_MS)
		session->hello_due = true;
	if (session->hello_due) {
		session->hello_at = now;
		session->hello_due = false;
		transmit(session, FRAME_HELLO, 0, NULL, 0);
	}
	if (!session->up)
		return SESSION_HELLO_MS;
	if (!TAILQ_EMPTY(&session->queue) &&
	    now.ms - session->progress_at.ms >= SESSION_RESEND_MS) {
		session->unsent = TAILQ_FIRST(&session->queue);
		session->progress_at = now;
	}
	open = send_queue(session);
	if (open && session->ack_due) {
		open = transmit(session, FRAME_ACK, 0, NULL, 0) == 0;
		session->ack_due = !open;
	}
	if (!open)
		return SESSION_BLOCKED_MS;
	return TAILQ_EMPTY(&session->queue) ? SESSION_IDLE_MS : SESSION_RESEND_MS;
}

bool
session_is_up(const struct session *session)
{
	return session->up;
}

bool
session_has_room(const struct session *session)
{
	return session->queue_len < SESSION_QUEUE_MAX &&
	       session->queue_bytes < SESSION_QUEUE_BYTES_MAX;
}

void
session_counts(const struct session *session, struct session_counts *ret_counts)
{
	*ret_counts = session->counts;
	ret_counts->backlog = session->queue_len;
}
