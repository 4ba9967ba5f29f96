/* One pass: which places are of interest, and from facts to plan to steps. */
#ifndef IPW_PASS_H
#define IPW_PASS_H

#include "state.h"

/* Names the zones and regions of nodes and allocations to the view, and the interval of
 * the most eager allocation. */
void pass_want(struct core *core);

/* Oldest first, then by uid; the array is the caller's. */
struct allocation **pass_sorted(const struct core *core, size_t *ret_len);

/* Plans, and does what can be done now. Only when a write may begin: what is decided is
 * also written, in the same pass, or not at all. */
void pass_decide(struct core *core);

/* Instead of that while `pod` of the old controller runs: the status says so. */
void pass_hold(struct core *core, const char *pod);

#endif
