#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fdpass.h"
#include "mem.h"
#include "metricsd_rig.h"

/* The SP protocol: nanomsg rfc/sp-ipc-mapping-01. PAIR is 16. */
#define HEADER_LEN 9
static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, 16, 0, 0};

static void
put_frame_header(uint8_t header[HEADER_LEN], size_t len)
{
	header[0] = 1;
	for (int i = 0; i < 8; i++)
		header[1 + i] = (uint8_t)((uint64_t)len >> (8 * (7 - i)));
}

void
peer_send_raw(struct peer *peer, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		struct pollfd room = {.fd = peer->fd, .events = POLLOUT};
		ssize_t sent = send(peer->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			peer->gone = true;
			return;
		}
		if (sent < 0 && errno != EAGAIN)
			end_test("send to a link");
		if (sent < 0) {
			rig_pump(-1, 0);
			poll(&room, 1, 10);
			continue;
		}
		at += sent;
		len -= (size_t)sent;
	}
}

void
peer_send_frame(struct peer *peer, const void *bytes, size_t len)
{
	uint8_t header[HEADER_LEN];

	put_frame_header(header, len);
	peer_send_raw(peer, header, sizeof header);
	peer_send_raw(peer, bytes, len);
}

static int
on_transmit(void *arg, const uint8_t *frame, size_t len)
{
	struct peer *peer = arg;

	if (peer->fd < 0 || peer->gone)
		return -EAGAIN;
	peer_send_frame(peer, frame, len);
	return 0;
}

static void
on_up(void *arg)
{
	((struct peer *)arg)->up = true;
}

static void
on_down(void *arg)
{
	((struct peer *)arg)->up = false;
}

/* metricsd has nothing to say. */
static void
on_deliver(void *arg, const uint8_t *payload, size_t len)
{
	(void)arg;
	(void)payload;
	(void)len;
	rig.strange++;
}

static const struct session_io io = {on_transmit, on_up, on_down, on_deliver};

struct peer *
peer_new(int slot)
{
	struct peer *peer = mem_calloc(1, sizeof *peer);
	uint64_t epoch = 0;

	while (epoch == 0)
		if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch)
			end_test("getrandom");
	peer->slot = slot;
	peer->fd = -1;
	peer->session = session_new(epoch, &io, peer);
	return peer;
}

void
peer_disconnect(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	session_lost(peer->session);
}

void
peer_free(struct peer *peer)
{
	peer_disconnect(peer);
	session_free(peer->session);
	free(peer);
}

void
peer_connect(struct peer *peer, bool greet)
{
	int pair[2];

	peer_disconnect(peer);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		end_test("socketpair");
	if (fdpass_send(rig.links[peer->slot], "+", 1, pair[1]) < 0)
		end_test("link end");
	close(pair[1]);
	peer->fd = pair[0];
	peer->in_len = 0;
	peer->greeted = false;
	peer->gone = false;
	if (greet)
		peer_send_raw(peer, greeting, sizeof greeting);
}

/* Cuts what has come into frames. */
static void
take_frames(struct peer *peer)
{
	if (!peer->greeted && peer->in_len >= sizeof greeting) {
		if (memcmp(peer->in, greeting, sizeof greeting) != 0)
			rig.strange++;
		peer->greeted = true;
		peer->in_len -= sizeof greeting;
		memmove(peer->in, peer->in + sizeof greeting, peer->in_len);
	}
	while (peer->greeted && peer->in_len >= HEADER_LEN) {
		size_t len = 0;

		for (int i = 1; i < HEADER_LEN; i++)
			len = len << 8 | peer->in[i];
		if (len > LINK_FRAME_MAX)
			end_test("a frame that is too long");
		if (peer->in_len < HEADER_LEN + len)
			return;
		for (int i = 0; i < 8 && len >= SESSION_HEADER; i++)
			peer->met = peer->met << 8 | peer->in[HEADER_LEN + 9 - i];
		if (session_receive(
			peer->session, clock_mono(), peer->in + HEADER_LEN, len) < 0)
			rig.strange++;
		peer->in_len -= HEADER_LEN + len;
		memmove(peer->in, peer->in + HEADER_LEN + len, peer->in_len);
	}
}

void
peer_turn(struct peer *peer)
{
	int64_t delay_ms = session_tick(peer->session, clock_mono());
	ssize_t got;

	if (!rig_pump(peer->gone ? -1 : peer->fd, delay_ms) || peer->gone)
		return;
	got = recv(peer->fd, peer->in + peer->in_len, sizeof peer->in - peer->in_len,
	    MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno == ECONNRESET)) {
		peer->gone = true;
		session_lost(peer->session);
	} else if (got > 0) {
		peer->in_len += (size_t)got;
		take_frames(peer);
	}
}

static bool
is_up(const struct peer *peer)
{
	return peer->up;
}

static bool
is_taken(const struct peer *peer)
{
	struct session_counts counts;

	session_counts(peer->session, &counts);
	return counts.backlog == 0;
}

static bool
is_gone(const struct peer *peer)
{
	return peer->gone;
}

static bool
peer_wait(struct peer *peer, bool (*done)(const struct peer *))
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;

	while (!done(peer) && clock_mono().ms < until_ms)
		peer_turn(peer);
	return done(peer);
}

bool
peer_wait_up(struct peer *peer)
{
	return peer_wait(peer, is_up);
}

bool
peer_wait_taken(struct peer *peer)
{
	return peer_wait(peer, is_taken) && peer->up;
}

bool
peer_wait_gone(struct peer *peer)
{
	return peer_wait(peer, is_gone);
}

void
peer_send_payload(struct peer *peer, const void *bytes, size_t len)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;
	int rc;

	while (
	    (rc = session_send(peer->session, clock_mono(), bytes, len)) == -EAGAIN &&
	    clock_mono().ms < until_ms)
		peer_turn(peer);
	if (rc < 0)
		end_test("session_send");
}

void
peer_send_message(struct peer *peer, enum message_type type, const void *msg)
{
	static uint8_t bytes[LINK_FRAME_MAX];
	int len = message_encode(type, msg, bytes, SESSION_PAYLOAD_MAX);

	if (len < 0)
		end_test("message_encode");
	peer_send_payload(peer, bytes, (size_t)len);
}

static void
gather(struct pack *pack, va_list args)
{
	const char *value;

	pack_clear(pack);
	while ((value = va_arg(args, const char *)) != NULL)
		if (pack_add(pack, value) < 0)
			end_test("pack_add");
}

void
peer_sample(struct peer *peer, enum metric metric, unsigned int part, double value, ...)
{
	static struct msg_sample sample;
	va_list args;

	sample.metric = metric;
	sample.part = (uint8_t)part;
	memcpy(&sample.value, &value, sizeof value);
	va_start(args, value);
	gather(&sample.labels, args);
	va_end(args);
	peer_send_message(peer, MSG_SAMPLE, &sample);
}

void
peer_drop(struct peer *peer, enum metric metric, ...)
{
	static struct msg_sample_drop drop;
	va_list args;

	drop.metric = metric;
	va_start(args, metric);
	gather(&drop.labels, args);
	va_end(args);
	peer_send_message(peer, MSG_SAMPLE_DROP, &drop);
}

void
peer_readiness(struct peer *peer, const char *reason)
{
	static struct msg_readiness readiness;

	MESSAGE_TEXT(readiness.reason, reason);
	peer_send_message(peer, MSG_READINESS, &readiness);
}
