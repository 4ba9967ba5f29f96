/* The fresh reads before an address is taken off a live or dead node: node, its pods,
 * the workload, and for a deleted object its definition; then the same predicates as
 * the plan's. */
#ifndef IPW_CHECK_H
#define IPW_CHECK_H

#include "state.h"

/* A passed check is good for so long. */
#define CHECK_GOOD_MS 10000
/* A workload that did not resolve is looked for again after that. */
#define CHECK_MISSING_MS 30000

/* Begins the reads about `address` leaving `instance` on node `node` (`node_uid` ""
 * when not known), unless some are under way for this allocation. The outcome is left
 * in the address's slot. */
void check_start(struct core *core, struct item *item, struct slot *slot,
    enum check_purpose purpose, const char *node, const char *node_uid,
    const struct view_instance *instance);
/* PASSED (and still good), FAILED, RUNNING or NONE, for that purpose and instance. */
enum check_state check_state_of(const struct core *core, const struct slot *slot,
    enum check_purpose purpose, const char *instance);
void check_free(struct check *check);

#endif
