/* Random worlds, what must hold of every plan of them, and what carrying a plan out
 * makes of a world. Private to test_walk.c and walk*.c. */
#ifndef IPW_WALK_H
#define IPW_WALK_H

#include "plan.h"
#include "sketch.h"

#define WALK_LINES_MAX 64

/* A world as its lines, so that it can be printed, and cut down when it fails. */
struct walk {
	char lines[WALK_LINES_MAX][160];
	size_t len;
};

void walk_make(struct walk *walk, uint64_t seed);

/* True: all is well; else `why` says what is wrong with which step. Judges by the
 * sketch alone, not by the predicates that the plan itself rests on. */
bool walk_check(struct sketch *sketch, const struct plan *plan, char *why, size_t size);

/* Does at once what all steps say. Returns how many did something. */
size_t walk_apply(struct sketch *sketch, const struct plan *plan);

#endif
