/* The reliable part of a link, without its I/O: frames in, frames out, time passed in.
 *
 * Each process picks a random epoch at its start, and the next one when it has lost the
 * transport while the other end may not have; a session is a pair of epochs.
 * Messages are numbered, acknowledged cumulatively, sent again when no acknowledgement
 * comes, and handed over in order, each once. A new epoch at the other end is a new
 * session: what was queued for the old one is forgotten. An end that changes its epoch
 * faster than processes start is not heard for a while.
 *
 * Frame: u8 version, u8 kind, u64 from epoch, u64 to epoch, u64 number, u64
 * acknowledged, payload; little-endian. */
#ifndef IPW_SESSION_H
#define IPW_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "clock.h"

#define SESSION_HEADER	    34u
#define SESSION_PAYLOAD_MAX (LINK_FRAME_MAX - SESSION_HEADER)

/* What may wait to be acknowledged: messages, and their bytes. */
#define SESSION_QUEUE_MAX	1024u
#define SESSION_QUEUE_BYTES_MAX (4u * 1024u * 1024u)

/* Hello while there is no session; the same again while nothing is acknowledged. */
#define SESSION_HELLO_MS  100
#define SESSION_RESEND_MS 250

struct session;

struct session_io {
	/* 0; -EAGAIN: not now (asked again by session_tick). */
	int (*transmit)(void *arg, const uint8_t *frame, size_t len);
	void (*up)(void *arg);
	void (*down)(void *arg);
	void (*deliver)(void *arg, const uint8_t *payload, size_t len);
};

struct session_counts {
	unsigned long sent, received, resent, dropped;
	size_t backlog;
};

/* `epoch` is random and not 0. */
struct session *session_new(uint64_t epoch, const struct session_io *io, void *arg);
void session_free(struct session *session);

/* 0; -ENOTCONN without a session; -EAGAIN when the queue is full; -EMSGSIZE. */
int session_send(
    struct session *session, struct mono_time now, const uint8_t *payload, size_t len);
/* One frame from the other end. -EPROTO: malformed (a violation). */
int session_receive(
    struct session *session, struct mono_time now, const uint8_t *frame, size_t len);
/* The transport has no peer now. */
void session_lost(struct session *session);
/* Call when its delay has passed, and after receiving; returns the next delay. */
int64_t session_tick(struct session *session, struct mono_time now);

bool session_is_up(const struct session *session);
bool session_has_room(const struct session *session);
void session_counts(const struct session *session, struct session_counts *ret_counts);

#endif
