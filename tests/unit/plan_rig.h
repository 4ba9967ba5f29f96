/* The world of the plan's tables: a few nodes and allocations in, a line for each
 * address out. */
#ifndef IPW_PLAN_RIG_H
#define IPW_PLAN_RIG_H

#include "plan.h"

/* Wall time of the scene: 2026-11-20T00:00:00Z. */
#define PLAN_NOW_WALL	     1795132800000
#define PLAN_NOW_MONO	     1000000
#define PLAN_NODES_MAX	     8
#define PLAN_ALLOCATIONS_MAX 3

struct plan_node {
	const char *name;
	char zone;
	const char *holds; /* its instance's external address; NULL: no instance */
	const char *flags; /* c cordoned, N not ready for long, n just now, s skip,
			    * t tainted, p control plane, x other pool, w workload pod,
			    * o other pod, r outside (no node object), S stopped,
			    * d terminating and overdue workload pod, q in another
			    * project, b ready (again) just now, m not ready for a
			    * minute, v virtual, h foreign hostNetwork pod,
			    * u a list of taints that is cut off */
};

struct plan_case {
	const char *title;
	struct plan_node nodes[PLAN_NODES_MAX];
	const char *allocations[PLAN_ALLOCATIONS_MAX]; /* spec and status as JSON */
	const char *foreign; /* "34.1.1.1": held by a forwarding rule */
	const char *dark;    /* a zone or region that cannot be observed */
	const char *want;
};

struct plan_world {
	struct world *world;
	struct view *view;
	struct allocation *allocations[PLAN_ALLOCATIONS_MAX];
	size_t allocations_len;
};

/* The generation of every spec. */
#define PLAN_GENERATION "2"

void plan_rig_make(struct plan_world *made, const struct plan_case *test);
void plan_rig_unmake(struct plan_world *made);
struct scene plan_rig_scene(const struct plan_world *made);
/* ".1 attach n2; .2 Conflict" */
void plan_rig_describe(const struct plan *plan, char *out, size_t size);
/* All of it; `message` is what is said of the first address. */
void plan_rig_run(const struct plan_case *test, char *out, size_t size, char *message,
    size_t message_size);

#define SPEC                                                                           \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{},\"nodeSelector\":"      \
	"{\"pool\":\"edge\"},\"workloadRef\":{\"kind\":\"Deployment\",\"name\":"       \
	"\"sip\"}"
#define ONE SPEC "}"
/* Its status: on that node; adopted there outside of that generation's spec. */
#define OUTSIDE(n, generation)                                                         \
	",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"state\":"             \
	"\"Attached\",\"outsideGeneration\":" generation ",\"nodeName\":\"" n          \
	"\",\"nodeUID\":\"uid-" n "\",\"instanceID\":\"id-" n                          \
	"\",\"project\":\"demo\",\"zone\":\"us-west1-a\"}]}"
#define ON(n) OUTSIDE(n, "0")
#define TWO                                                                            \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\"],\"cloud\":{},"          \
	"\"nodeSelector\":{\"pool\":\"edge\"}}"

#endif
