/* Evicting pods, through policy/v1: what a PodDisruptionBudget protects stays until it
 * allows it, and a pod is named by its uid, so that its successor of the same name is
 * safe. Never a bare delete. */
#ifndef IPW_EVICT_H
#define IPW_EVICT_H

#include "state.h"

/* After a pod of an allocation has gone, the next one waits so long: the watcher's
 * facts come later. */
#define EVICT_GAP_MS 5000
/* Of all allocations together. */
#define EVICT_BURST	 10
#define EVICT_PER_MINUTE 10

/* Whether the pod is the workload's, runs (or is to), and is one that anything would
 * come of: those of a DaemonSet or of a kubelet's own would be back on the same node.
 */
bool evict_may(const struct world_pod *pod, const struct allocation *allocation);

/* Goes on with evicting that pod, one step at a time: a fresh read of its node, of the
 * pods there and of the allocation, then the eviction. To be called in each pass in
 * which it is wanted. Of an allocation one pod at a time goes. `needs_label`: only one
 * that requires the label ip.ready. `why` is for people. */
void evict_pod(struct core *core, struct item *item, const struct world_pod *pod,
    const struct world_node *node, bool needs_label, const char *why);

/* The counters of what becomes of its evictions begin at 0. */
void evict_begin(struct core *core, const struct item *item);

void evict_free(struct evict *evict);

#endif
