/* When an address leaves a node; SEMANTICS.md "When an address leaves a node". Pure:
 * the same predicates judge watched facts and fresh reads. */
#ifndef IPW_LEAVE_H
#define IPW_LEAVE_H

#include "allocation.h"
#include "view.h"
#include "world.h"

/* A terminating pod counts so long after its grace ended. */
#define LEAVE_POD_OVERDUE_MS 60000

enum leave_why {
	LEAVE_NOT,
	LEAVE_DRAINING,	 /* cordoned, being deleted, or a taint of the table */
	LEAVE_NOT_READY, /* for long enough */
	LEAVE_NODE_GONE,
	LEAVE_STOPPED, /* its instance, at the cloud */
	LEAVE_OUT_OF_SERVICE,
	LEAVE_UNMATCHED, /* alive and not leaving, but the spec no longer means it */
};
const char *leave_word(enum leave_why why);

/* A node that became Ready later than (or this shortly before) its instance was looked
 * at speaks against what was seen there. */
#define LEAVE_SEEN_MARGIN_MS 60000

/* Has that address to leave that node and instance, where it was found? `node` NULL: it
 * no longer exists. `known_since`: since when the nodes are known. *ret_next_ms (wall)
 * is lowered to when the answer may change by itself. */
struct leave_query {
	const struct allocation *allocation;
	const struct allocation_address *address;
	const struct world_node *node;
	const struct view_instance *instance;
	struct wall_time known_since;
	struct core_time now;
};
enum leave_why leave_judge(const struct leave_query *query, int64_t *ret_next_ms);
/* Cordoned or the like: never a target. */
bool leave_is_leaving(const struct world_node *node);
/* Whether pods have a say: not when the node is dead anyway. */
bool leave_heeds_pods(enum leave_why why);

/* Exact owner match (a Deployment's through the ReplicaSet's name). */
bool leave_pod_is_of(const struct world_pod *pod, const struct allocation *allocation);
/* On its way out, and not overdue. */
bool leave_pod_is_going(const struct world_pod *pod, struct wall_time now);
/* One that the workload's addresses are for; without a workloadRef each bound one. */
bool leave_pod_concerns(
    const struct world_pod *pod, const struct allocation *allocation);
/* Neither a DaemonSet's nor one that a kubelet runs from a file. */
bool leave_pod_is_bound(const struct world_pod *pod);
/* It runs, or may; when it is going, *ret_next_ms is lowered to the end of that. */
bool leave_pod_counts(
    const struct world_pod *pod, struct wall_time now, int64_t *ret_next_ms);
/* How many pods keep the address on their node; the first one's name, "" none. */
size_t leave_count_pods(const struct world_pod *pods,
    const struct allocation *allocation, struct wall_time now, int64_t *ret_next_ms,
    const char **ret_first);

#endif
