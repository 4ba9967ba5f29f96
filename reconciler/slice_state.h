/* What slice.c, slice_call.c and slice_round.c share. Private to them. */
#ifndef IPW_SLICE_STATE_H
#define IPW_SLICE_STATE_H

#include "slice.h"
#include "slice_body.h"

/* One that the server has. */
struct slice {
	const char *name, *uid, *version, *node, *node_uid; /* of `text` */
	char hash[HASH_MAX + 1];
	uint32_t part, parts;
	bool agent;
	bool leaving;	  /* we have asked for that */
	int64_t heard_ms; /* wall: when it was written, if that is to be believed */
	int64_t told_ms;  /* mono: when it was last told of */
	uint64_t seen;
	char text[];
};

/* A node, as far as its slices have been looked at by us. */
struct slice_node {
	uint64_t looked; /* its `changed` then; 0: it is to be looked at */
	int64_t next_ms; /* mono: not before */
	struct backoff backoff;
	char name[];
};

struct slices {
	struct map *known; /* by name */
	struct map *nodes; /* by name */
	bool full;
	bool wanted;
	struct rate rate;
	size_t open;
	struct backoff backoff; /* of all: it is not their fault */

	/* All are gone through in rounds, which go on from pass to pass. */
	bool stale;	  /* what was told of slices asks for a round */
	uint64_t looked;  /* world->changes when the last one began */
	int64_t begun_ms; /* mono */
	int64_t due_ms;	  /* mono: when another one is due anyway; INT64_MAX never */
	bool running, swept;
	unsigned looks;		     /* in this pass */
	char last[NAME_MAX_LEN + 1]; /* node that was dealt with last; "" none yet */
};

/* --- slice.c ---------------------------------------------------------------------- */

/* Its node is looked at again: its slices may not be as we left them. */
void slices_upset(struct slices *slices, const char *node);

/* --- slice_call.c ----------------------------------------------------------------- */

/* Takes it from the rate; false: not now, and the core will be woken. */
bool slice_call_may_start(struct core *core);
/* A whole one, made or patched. */
void slice_call_write(struct core *core, const struct world_node *node,
    const char *name, const char *hash, const char *body);
/* As we know it, and not what its node's agent may have made of it since. */
void slice_call_delete(struct core *core, struct slice *slice, const char *why);

#endif
