/* One reading and writing of the ConfigMaps that a thing is kept in (parts.h): all are
 * read, what is missing is filled in, and those that it changed are written, by compare
 * and set; when somebody else wrote in between it begins anew. What is refused is
 * logged. */
#ifndef IPW_FOOTPRINT_ROUND_H
#define IPW_FOOTPRINT_ROUND_H

#include <stdbool.h>
#include <stddef.h>

#include "kube.h"
#include "parts.h"

/* What a request changes, for who keeps a record of changes. */
struct store_change {
	const char *configmap; /* its name */
	bool deletes;
	const char *why;
	/* JSON: how many keys it has, and whether it is immutable; "null": it is not
	 * there */
	const char *before, *after;
};

/* Sends a request to the API server, as kube_call; one at a time. The answer may come
 * at once. `change` is NULL of a read. */
typedef void store_call_fn(void *arg, const struct kube_call *call,
    const struct store_change *change, kube_done_fn *done, void *done_arg);

/* Where to; lives longer. */
struct round_place {
	const char *namespace;
	const char *path; /* of its ConfigMaps */
	store_call_fn *call;
	void *arg;
};

struct round_job {
	void *of;
	void (*name)(const void *of, size_t index, char *out, size_t out_size);
	/* Marks what it changes. Returns how many keys had no place. */
	size_t (*fill)(void *of, struct parts *parts);
	const char *failed; /* the event's name */
	const char *full;   /* the same when keys had no place */
	const char *why;    /* of the writes */
	bool closes;	    /* they are immutable afterwards */
	size_t parts_known; /* so many were there */
};

/* `parts`: how many there are. */
typedef void round_done_fn(void *arg, bool failed, size_t parts);

struct round {
	const struct round_place *place;
	struct round_job job;
	bool runs;
	struct parts parts;
	size_t keys[PARTS_MAX]; /* of the parts as they were read */
	size_t at;		/* the part that is written */
	int conflicts;
	bool failed;
	round_done_fn *done;
	void *done_arg;
};

/* One at a time. */
void round_start(struct round *round, const struct round_place *place,
    const struct round_job *job, round_done_fn *done, void *arg);
/* Gives it up: neither `done` nor the answer to the open request may come. */
void round_abort(struct round *round);

#endif
