/* Who is connected to one listener, so that clients of whom nothing comes make room for
 * others: they are ended when their time is over, and before it when there are too
 * many. Who waits for whom does not matter, only since when. No I/O of its own. */
#ifndef IPW_CROWD_H
#define IPW_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "clock.h"

/* Connections that may wait for their request, and that may be sent an answer. So many
 * newcomers have to come after one before it is ended early: whoever sends a request at
 * once, and reads its answer, is done long before. */
#define CROWD_WAITING_MAX   32
#define CROWD_ANSWERING_MAX 16

/* A request is whole, or the next one begun and whole, within the first; its answer is
 * read within the second. Bytes now and then are no sign of life. */
#define CROWD_WAITING_MS   10000
#define CROWD_ANSWERING_MS 30000

struct crowd_member {
	int fd; /* the connection's; not ours to close */
	bool answering;
	bool ended; /* in no list any more */
	struct mono_time since;
	TAILQ_ENTRY(crowd_member) link;
};

TAILQ_HEAD(crowd_list, crowd_member);

struct crowd {
	/* the longest first */
	struct crowd_list waiting, answering;
	size_t waiting_len, answering_len;
	unsigned long ended; /* in all */
	void (*end)(int fd); /* makes the server notice that the client is gone */
};

void crowd_init(struct crowd *crowd, void (*end)(int fd));
/* A new connection; the member is the crowd's until crowd_leave. */
struct crowd_member *crowd_enter(struct crowd *crowd, int fd, struct mono_time now);
/* Its request is whole. Its answer has been sent, or was given up. */
void crowd_answer(
    struct crowd *crowd, struct crowd_member *member, struct mono_time now);
void crowd_answered(
    struct crowd *crowd, struct crowd_member *member, struct mono_time now);
/* The connection is closed. */
void crowd_leave(struct crowd *crowd, struct crowd_member *member);
/* Ends those whose time is over. */
void crowd_look(struct crowd *crowd, struct mono_time now);
/* Ends the one that has been sent its answer for the longest time, if there is one. */
void crowd_end_answering(struct crowd *crowd);

#endif
