/* A production program, all but its main and its sandbox. Each is one relocatable
 * object in which nothing but this is visible, so that two programs may use the same
 * names as they do in production. */
#ifndef IPW_PROGRAM_H
#define IPW_PROGRAM_H

#include <stdbool.h>

#include "roles.h"

struct loop;

/* Footprints are kept (--store-in-cm). */
extern bool program_keeps;

enum program_id {
	PROGRAM_WATCHER,
	PROGRAM_RECONCILER,
	PROGRAM_CLOUDWORKER,
	PROGRAM_COUNT
};

struct program {
	const char *name;
	/* As main does it; what it returns goes to the others. */
	void *(*start)(struct loop *loop, const char *pod);
	/* Gives its memory back. */
	void (*end)(void *state);
	/* SIGTERM; NULL: it just ends. */
	void (*stop)(void *state);
};

extern const struct program program_watcher;
extern const struct program program_reconciler;
extern const struct program program_cloudworker;

#endif
