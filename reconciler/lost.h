/* Nodes that have lost an address of an allocation, and the pods that were there then:
 * SEMANTICS.md "Eviction". */
#ifndef IPW_LOST_H
#define IPW_LOST_H

#include "state.h"

/* A node counts as without an address after two looks that lie so far apart. */
#define LOST_APART_MS 10000
/* Nodes remembered; the oldest goes first. */
#define LOST_MAX 1024u

/* Looks for such nodes, and has the pods evicted that are left there. Of whole facts
 * only, before the labels are taken off: they tell of addresses, too. */
void lost_run(struct core *core, const struct plan *plan, const struct scene *scene);

/* Of a value of core->losses. */
void lost_free(void *loss);

#endif
