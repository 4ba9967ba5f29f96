/* What the PodTrackerSlices say: the pods, and of each node whether that is all of them
 * and how old it is. Pure: slices in, rows and complaints out.
 * crds/podtrackerslice.yaml has the members. */
#ifndef IPW_CTL_INVENTORY_H
#define IPW_CTL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inventory;

/* An agent writes its node's slices at least every ten minutes: what is older than this
 * (milliseconds) it no longer writes. The one that leads writes what has changed, so
 * the age of its slices says nothing. */
#define INVENTORY_STALE_MS (20 * 60 * 1000)

/* All addresses of a pod with their commas (bytes); more is refused. */
#define INVENTORY_IPS_MAX 512u

/* "" : all. Borrowed. */
struct inventory_filter {
	const char *node;
	const char *namespace;
	const char *name; /* prefix */
};

/* One of a node's slices; texts behind it. */
struct inventory_slice {
	const char *node;
	const char *node_uid;
	const char *node_ip;
	const char *writer;
	int64_t updated_ms; /* since 1970; 0: not given */
	int64_t part, parts;
	int64_t pod_count; /* of all its node's slices; -1: not given */
	int64_t pods;	   /* that stand in it */
};

/* One pod; texts behind it. "" is what its slice does not say. */
struct inventory_pod {
	const struct inventory_slice *slice;
	const char *namespace;
	const char *name;
	const char *uid;
	const char *ip;
	const char *ips; /* all of them, with commas in between */
	const char *phase;
	int64_t created_ms;
	bool host_network;
};

struct inventory *inventory_new(const struct inventory_filter *filter);
void inventory_free(struct inventory *inventory);
void inventory_forget(struct inventory *inventory);

/* One slice's JSON text. Returns 0, or -EBADMSG when it is none. */
int inventory_add(struct inventory *inventory, const char *json, size_t len);
/* After the last one: sorts. A pod that stands in two slices, while these are being
 * rewritten, is taken from the newer. */
void inventory_finish(struct inventory *inventory);

/* Slices of the nodes that the filter means. */
size_t inventory_slices(const struct inventory *inventory);
/* Those that no agent has written. */
size_t inventory_by_leader(const struct inventory *inventory);
/* By namespace and name; those that the filter means. */
size_t inventory_pods(const struct inventory *inventory);
const struct inventory_pod *inventory_pod(
    const struct inventory *inventory, size_t index);

/* Nodes of these slices, in order, once each. */
typedef void inventory_node_fn(void *arg, const char *node);
void inventory_walk_nodes(
    const struct inventory *inventory, inventory_node_fn *fn, void *arg);

/* By node, once each: what is not as it should be. `text` is a sentence's rest: "has 1
 * of 2 slices". */
typedef void inventory_problem_fn(void *arg, const char *node, const char *text);
/* Returns how many nodes. */
size_t inventory_problems(const struct inventory *inventory, int64_t now_ms,
    inventory_problem_fn *fn, void *arg);

#endif
