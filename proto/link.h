/* One end of a link: messages in order, each handled once, resent until acknowledged,
 * over a nanomsg PAIR on descriptors that the supervisor hands out. When the other
 * process starts anew, what was not acknowledged is forgotten and `up` runs again: each
 * side then sends its whole state (a message is a hint, state is read again). */
#ifndef IPW_LINK_H
#define IPW_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "messages.h"

struct link;

struct link_handlers {
	/* The other end is there, and new: send your state. */
	void (*up)(void *arg);
	/* The other end is gone. */
	void (*down)(void *arg);
	/* Borrowed until the call returns. A violation found here (a message that
	 * decodes but makes no sense) is told with link_violation. */
	void (*message)(void *arg, const struct message *message);
	/* There is room again after link_send said -EAGAIN. May be NULL. */
	void (*room)(void *arg);
};

/* Before sandbox_lock (it makes nanomsg's thread). `self` is the role of this process.
 */
struct link *link_open(struct loop *loop, enum link_id id, enum role self,
    const struct link_handlers *handlers, void *arg);

/* Queues a message (struct msg_… of that type). Returns 0; -ENOTCONN while the link is
 * down (the message is dropped: `up` will come); -EAGAIN when the queue is full. */
int link_send(struct link *link, enum message_type type, const void *msg);

bool link_is_up(const struct link *link);

/* Counts a violation by the other end and reports it, a flood of them only now and
 * then; if this end is the more trusted one the supervisor ends the sender. `why` stays
 * valid: it is kept until the report. */
void link_violation(struct link *link, const char *why);

/* For metrics. */
struct link_counts {
	unsigned long sent, received, resent, dropped, violations;
	size_t backlog; /* queued or not acknowledged */
};
void link_counts(const struct link *link, struct link_counts *ret_counts);

#endif
