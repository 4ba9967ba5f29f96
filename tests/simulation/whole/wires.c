/* proto/link.h as proto/link.c has it, above a transport that loses, repeats and holds
 * up frames in place of nanomsg. The sessions and the codec are the production ones. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "judge.h"
#include "mem.h"
#include "messages.h"
#include "session.h"
#include "users.h"

/* A frame's way, and how long one that is held up takes. */
#define FRAME_MS      1
#define FRAME_LATE_MS 400
/* How often an end looks whether it is connected (LOOK_MS in proto/link.c), and how
 * long a process that stands still for a while may not. */
#define LOOK_MS	       250
#define LOOK_LATE_MS   3000
#define LOOK_LATE_RATE 100 /* per thousand */
/* Until the supervisor has handed out a new pair of descriptors. */
#define JOIN_MS 2000
/* What an idle session asks for; it has nothing to do then. */
#define IDLE_MS 1000

struct wire {
	struct link *ends[2];
	unsigned pair;	   /* of descriptors; grows with each new one */
	int64_t joined_ms; /* since when that connects them */
};

struct link {
	struct loop *loop;
	enum link_id id;
	enum role self, peer;
	int end;
	struct wire *wire;
	const struct link_handlers *handlers;
	void *arg;
	struct session *session;
	struct event work;
	bool full;
	LIST_ENTRY(link) entry;
	uint8_t encoded[SESSION_PAYLOAD_MAX];
};

struct frame {
	struct wire *wire;
	int to;
	unsigned pair;
	size_t len;
	uint8_t data[];
};

/* One at a time is handled. */
static struct message received;

static const enum role link_roles[LINK_COUNT][2] = {
#define LINK_ROLES(constant, a, slot_a, b, slot_b) [constant] = {a, b},
    LINK_LIST(LINK_ROLES)
#undef LINK_ROLES
};

static bool
is_connected(const struct wire *wire)
{
	return wire->ends[0] != NULL && wire->ends[1] != NULL &&
	       stage.now_ms >= wire->joined_ms;
}

static void
link_work(struct link *link)
{
	int64_t delay_ms = session_tick(link->session, clock_mono());

	if (!session_is_up(link->session) || delay_ms < IDLE_MS)
		stage_arm(&link->work, delay_ms);
	if (link->full && session_has_room(link->session)) {
		link->full = false;
		if (link->handlers->room != NULL)
			link->handlers->room(link->arg);
	}
}

static void
on_work(void *arg)
{
	struct link *link = arg;
	struct loop *process = link->loop;

	if (!process_enter(process, process->life))
		return;
	link_work(link);
	process_leave(process);
}

static void
frame_arrives(void *arg)
{
	struct frame *frame = arg;
	struct link *link = frame->wire->ends[frame->to];
	struct loop *process = link != NULL ? link->loop : NULL;

	/* those of a pair of descriptors that was replaced went with it */
	if (process != NULL && frame->pair == frame->wire->pair &&
	    process_enter(process, process->life)) {
		if (session_receive(
			link->session, clock_mono(), frame->data, frame->len) < 0)
			link_violation(link, "malformed session frame");
		link_work(link);
		process_leave(process);
	}
	free(frame);
}

static void
frame_send(const struct link *link, const uint8_t *data, size_t len)
{
	struct frame *frame = mem_calloc(1, sizeof *frame + len);
	int64_t delay_ms = FRAME_MS;

	if (stage_chance(hosts.faults.frame_late))
		delay_ms = stage_between(FRAME_MS, FRAME_LATE_MS);
	frame->wire = link->wire;
	frame->to = 1 - link->end;
	frame->pair = link->wire->pair;
	frame->len = len;
	memcpy(frame->data, data, len);
	stage_later(delay_ms, &link->loop->host->suspended_until_ms, frame_arrives,
	    free, frame);
}

static int
on_transmit(void *arg, const uint8_t *frame, size_t len)
{
	struct link *link = arg;

	if (!is_connected(link->wire))
		return -EAGAIN;
	hosts.frames++;
	if (link->loop->dying || stage_chance(hosts.faults.frame_lost))
		return 0;
	frame_send(link, frame, len);
	if (stage_chance(hosts.faults.frame_twice))
		frame_send(link, frame, len);
	return 0;
}

static void
on_up(void *arg)
{
	struct link *link = arg;

	stage_tell(link->loop->who, "link to %s is up",
	    link->id == LINK_CLOUD ? "cloud" : "facts");
	if (link->handlers->up != NULL)
		link->handlers->up(link->arg);
}

static void
on_down(void *arg)
{
	struct link *link = arg;

	if (link->handlers->down != NULL)
		link->handlers->down(link->arg);
}

/* Facts are told as they arrive. */
static void
tell_fact(const struct link *link)
{
	static const char *const phases[] = {"begins", "ends"};
	const struct msg_fact_node *node = &received.u.fact_node;

	if (received.type == MSG_FACT_NODE)
		stage_tell(link->loop->who, "hears of %s:%s%s", node->name,
		    node->unschedulable ? " cordoned" : "",
		    node->ready == NODE_READY_TRUE ? "" : " not ready");
	else if (received.type == MSG_FACT_GONE)
		stage_tell(link->loop->who, "hears that %s is gone",
		    received.u.fact_gone.name);
	else if (received.type == MSG_FACT_SYNC &&
		 received.u.fact_sync.phase != SYNC_HEARD)
		stage_tell(link->loop->who, "hears that list %u %s",
		    received.u.fact_sync.kind, phases[received.u.fact_sync.phase]);
}

static void
on_deliver(void *arg, const uint8_t *payload, size_t len)
{
	struct link *link = arg;

	if (message_decode(payload, len, &received) < 0)
		link_violation(link, "malformed message");
	if (!message_permitted(received.type, link->peer, link->self))
		link_violation(link, "message not permitted");
	if (link->loop->dying || link->handlers->message == NULL)
		return;
	tell_fact(link);
	if (users.kept && received.type == MSG_FACT_POD)
		judge_footprint_told(link->loop, &received.u.fact_pod);
	link->handlers->message(link->arg, &received);
}

static const struct session_io session_io = {on_transmit, on_up, on_down, on_deliver};

/* --- proto/link.h ----------------------------------------------------------------- */

struct link *
link_open(struct loop *loop, enum link_id id, enum role self,
    const struct link_handlers *handlers, void *arg)
{
	struct link *link = mem_calloc(1, sizeof *link);
	struct wire **wire = &loop->host->wires[id];
	uint64_t epoch = 0;

	if (*wire == NULL)
		*wire = mem_calloc(1, sizeof **wire);
	link->loop = loop;
	link->id = id;
	link->self = self;
	link->end = link_roles[id][1] == self;
	link->peer = link_roles[id][1 - link->end];
	link->wire = *wire;
	link->handlers = handlers;
	link->arg = arg;
	while (epoch == 0)
		epoch = stage_random();
	link->session = session_new(epoch, &session_io, link);
	link->work = (struct event){
	    .gate_ms = &loop->host->suspended_until_ms, .run = on_work, .arg = link};
	/* what an earlier process has left behind comes before all that this one sends
	 */
	(*wire)->pair++;
	(*wire)->ends[link->end] = link;
	LIST_INSERT_HEAD(&loop->links, link, entry);
	stage_arm(&link->work, 0);
	return link;
}

int
link_send(struct link *link, enum message_type type, const void *msg)
{
	int len, rc;

	assert(message_permitted(type, link->self, link->peer));
	if (!session_is_up(link->session))
		return -ENOTCONN;
	if (process_effect())
		return 0;
	if (type == MSG_ORDER)
		judge_order(link->loop->host, msg);
	len = message_encode(type, msg, link->encoded, SESSION_PAYLOAD_MAX);
	assert(len > 0);
	rc = session_send(link->session, clock_mono(), link->encoded, (size_t)len);
	link->full |= rc == -EAGAIN;
	stage_arm(&link->work, 0);
	return rc;
}

bool
link_is_up(const struct link *link)
{
	return session_is_up(link->session);
}

/* Nobody here is taken over: whatever one process tells another makes sense to it. */
void
link_violation(struct link *link, const char *why)
{
	stage_violate("%s calls what it was told nonsense: %s", link->loop->who, why);
}

void
link_counts(const struct link *link, struct link_counts *ret_counts)
{
	(void)link;
	*ret_counts = (struct link_counts){0};
}

/* --- ends ------------------------------------------------------------------------- */

struct lost {
	struct wire *wire;
	int end;
	struct link *link;
	unsigned life;
};

static void
lost_seen(void *arg)
{
	struct lost *lost = arg;
	struct link *link = lost->wire->ends[lost->end];

	if (link == lost->link && !is_connected(lost->wire) &&
	    process_enter(link->loop, lost->life)) {
		session_lost(link->session);
		link_work(link);
		process_leave(link->loop);
	}
	free(lost);
}

static void
link_lose(struct link *link)
{
	struct lost *lost = mem_calloc(1, sizeof *lost);
	int64_t look_ms = stage_chance(LOOK_LATE_RATE) ? LOOK_LATE_MS : LOOK_MS;

	*lost = (struct lost){link->wire, link->end, link, link->loop->life};
	stage_later(stage_between(0, look_ms), &link->loop->host->suspended_until_ms,
	    lost_seen, free, lost);
}

void
wires_closed(struct link *link)
{
	struct link *other = link->wire->ends[1 - link->end];

	stage_disarm(&link->work);
	link->wire->ends[link->end] = NULL;
	/* its last frames may or may not have been read */
	if (stage_chance(500))
		link->wire->pair++;
	if (other != NULL)
		link_lose(other);
	LIST_REMOVE(link, entry);
	session_free(link->session);
	free(link);
}

void
wires_cut(struct host *host, enum link_id id)
{
	struct wire *wire = host->wires[id];

	if (wire == NULL)
		return;
	wire->pair++;
	wire->joined_ms = stage.now_ms + stage_between(0, JOIN_MS);
	for (int end = 0; end < 2; end++)
		if (wire->ends[end] != NULL)
			link_lose(wire->ends[end]);
}

void
wires_free(struct host *host)
{
	for (size_t i = 0; i < LINK_COUNT; i++)
		free(host->wires[i]);
}
