/* Where the addresses are that allocations list, for who keeps their history. */
#ifndef IPW_WHEREABOUTS_H
#define IPW_WHEREABOUTS_H

#include "core.h"

struct whereabouts {
	const char *address, *allocation;
	const char *node;      /* "": at none of ours */
	const char *zone;      /* of the node; "" none */
	struct wall_time seen; /* the cloud said so at that time, or later */
	/* When an order of ours had brought it about; 0: not known, or none had. */
	struct wall_time moved;
};

/* Calls `each` for the addresses of which it is known, once for each. Texts are
 * borrowed for as long. What the cloud said before `since` is not told: at which wall
 * time that was cannot be said when the machine has slept in between. */
typedef void whereabouts_fn(void *arg, const struct whereabouts *whereabouts);
void whereabouts_each(struct core *core, struct core_time now, struct mono_time since,
    whereabouts_fn *each, void *arg);

#endif
