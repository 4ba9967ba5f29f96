/* The labels of nodes: on where an address of ours is, off where it positively is not.
 * Only our own keys are ever touched. */
#ifndef IPW_LABELS_H
#define IPW_LABELS_H

#include "state.h"

#define LABEL_READY	 "ip.ready"
#define LABEL_ALLOCATION "netinfra.darkbrains.com/allocation"
#define LABEL_ADDRESS	 "netinfra.darkbrains.com/address"

/* After so many refused writes nobody waits for a label any more. */
#define LABELS_TRIES_MAX 3u

/* Compares each node with the plan and writes what differs. */
void labels_run(struct core *core, const struct plan *plan, const struct scene *scene);

/* The watcher has told of the node of that name, and the world has it. */
void labels_told(struct core *core, const char *name);
/* The API server answers again (backoff_recover). */
void labels_recover(struct core *core);

/* As the last facts and our own writes have it; also true when writing was refused too
 * often, or there is no such node (NULL). */
bool labels_are_on(const struct core *core, const struct world_node *node,
    const char *address, const char *allocation);
bool labels_are_off(
    const struct core *core, const struct world_node *node, const char *address);

#endif
