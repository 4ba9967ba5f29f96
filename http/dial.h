/* The client's end of a dialer: asks for a connection to an entry by number, gets a
 * connected TCP descriptor. Never blocks. */
#ifndef IPW_DIAL_H
#define IPW_DIAL_H

#include <stdint.h>

#include "loop.h"
#include "roles.h"

/* On the wire (SEQPACKET, FD_DIAL), host byte order, exact sizes. */
struct dial_request {
	uint64_t id; /* random start, one higher each time; echoed */
	uint32_t entry;
	uint32_t reserved; /* 0 */
};

struct dial_reply {
	uint64_t id;
	int32_t error;	   /* 0: a connected descriptor comes with it; else an errno */
	uint32_t reserved; /* 0 */
};

/* A dialer gives a connection up after this long; a client asks again after a little
 * more (the dialer may have died), with the same id. */
#define DIAL_TIMEOUT_MS 3000

struct dial;
/* fd >= 0: connected, the callee's; else `error` is a positive errno: the dialer's, or
 * ETIMEDOUT (it never answered), ECONNREFUSED (its end is closed), EBUSY (too many are
 * open), EAGAIN (the dialer had too much to do for ten seconds), EPROTO (an answer that
 * makes no sense). */
typedef void dial_fn(void *arg, int fd, int error);

/* Old replies that an earlier process of this role left in the socket are dropped. The
 * descriptor stays the caller's. */
struct dial *dial_new(struct loop *loop, int dial_fd);
/* Not from within a dial_fn. What is open ends without an answer. */
void dial_free(struct dial *dial);

/* Returns an id for dial_cancel. The answer comes later, never from within. */
uint64_t dial_ask(struct dial *dial, enum dial_entry entry, dial_fn *fn, void *arg);
void dial_cancel(struct dial *dial, uint64_t id);

/* The dialer started anew: everything open is asked again at once. */
void dial_again(struct dial *dial);

#endif
