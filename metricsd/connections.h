/* Who is connected to one listener, so that clients of whom nothing comes make room for
 * others: they are ended when their time is over, and before it when there are too
 * many. Who waits for whom does not matter, only since when. No I/O of its own. */
#ifndef IPW_CONNECTIONS_H
#define IPW_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "clock.h"

/* Connections that may wait for their request, and that may be sent an answer. So many
 * newcomers have to come after one before it is ended early: whoever sends a request at
 * once, and reads its answer, is done long before. */
#define CONNECTIONS_WAITING_MAX	  32
#define CONNECTIONS_ANSWERING_MAX 16

/* A request is whole, or the next one begun and whole, within the first; its answer is
 * read within the second. Bytes now and then are no sign of life. */
#define CONNECTIONS_WAITING_MS	 10000
#define CONNECTIONS_ANSWERING_MS 30000

struct connection {
	int fd; /* not ours to close */
	bool answering;
	bool ended; /* in no list any more */
	struct mono_time since;
	TAILQ_ENTRY(connection) link;
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	/* the longest first */
	struct connection_list waiting, answering;
	size_t waiting_len, answering_len;
	unsigned long ended; /* in all */
	void (*end)(int fd); /* makes the server notice that the client is gone */
};

void connections_init(struct connections *connections, void (*end)(int fd));
/* A new connection; it is theirs until connections_remove. */
struct connection *connections_add(
    struct connections *connections, int fd, struct mono_time now);
/* Its request is whole. Its answer has been sent, or was given up. */
void connections_answer(struct connections *connections, struct connection *connection,
    struct mono_time now);
void connections_answered(struct connections *connections,
    struct connection *connection, struct mono_time now);
/* The connection is closed. */
void connections_remove(struct connections *connections, struct connection *connection);
/* Ends those whose time is over. */
void connections_expire(struct connections *connections, struct mono_time now);
/* Ends the one that has been sent its answer for the longest time, if there is one. */
void connections_end_answering(struct connections *connections);

#endif
