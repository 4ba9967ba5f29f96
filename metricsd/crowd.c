#include "crowd.h"

#include <stdlib.h>

#include "mem.h"

void
crowd_init(struct crowd *crowd, void (*end)(int fd))
{
	*crowd = (struct crowd){.end = end};
	TAILQ_INIT(&crowd->waiting);
	TAILQ_INIT(&crowd->answering);
}

static void
put(struct crowd *crowd, struct crowd_member *member, struct mono_time now)
{
	member->since = now;
	if (member->answering) {
		TAILQ_INSERT_TAIL(&crowd->answering, member, link);
		crowd->answering_len++;
	} else {
		TAILQ_INSERT_TAIL(&crowd->waiting, member, link);
		crowd->waiting_len++;
	}
}

static void
take(struct crowd *crowd, struct crowd_member *member)
{
	if (member->answering) {
		TAILQ_REMOVE(&crowd->answering, member, link);
		crowd->answering_len--;
	} else {
		TAILQ_REMOVE(&crowd->waiting, member, link);
		crowd->waiting_len--;
	}
}

static void
end(struct crowd *crowd, struct crowd_member *member)
{
	take(crowd, member);
	member->ended = true;
	crowd->ended++;
	crowd->end(member->fd);
}

struct crowd_member *
crowd_enter(struct crowd *crowd, int fd, struct mono_time now)
{
	struct crowd_member *member = mem_calloc(1, sizeof *member);

	if (crowd->waiting_len >= CROWD_WAITING_MAX)
		end(crowd, TAILQ_FIRST(&crowd->waiting));
	member->fd = fd;
	put(crowd, member, now);
	return member;
}

static void
move(struct crowd *crowd, struct crowd_member *member, bool answering,
    struct mono_time now)
{
	if (member->ended)
		return;
	take(crowd, member);
	member->answering = answering;
	put(crowd, member, now);
}

void
crowd_answer(struct crowd *crowd, struct crowd_member *member, struct mono_time now)
{
	if (crowd->answering_len >= CROWD_ANSWERING_MAX)
		crowd_end_answering(crowd);
	move(crowd, member, true, now);
}

void
crowd_answered(struct crowd *crowd, struct crowd_member *member, struct mono_time now)
{
	move(crowd, member, false, now);
}

void
crowd_leave(struct crowd *crowd, struct crowd_member *member)
{
	if (!member->ended)
		take(crowd, member);
	free(member);
}

void
crowd_look(struct crowd *crowd, struct mono_time now)
{
	struct crowd_member *member;

	while ((member = TAILQ_FIRST(&crowd->waiting)) != NULL &&
	       now.ms - member->since.ms >= CROWD_WAITING_MS)
		end(crowd, member);
	while ((member = TAILQ_FIRST(&crowd->answering)) != NULL &&
	       now.ms - member->since.ms >= CROWD_ANSWERING_MS)
		end(crowd, member);
}

void
crowd_end_answering(struct crowd *crowd)
{
	if (!TAILQ_EMPTY(&crowd->answering))
		end(crowd, TAILQ_FIRST(&crowd->answering));
}
