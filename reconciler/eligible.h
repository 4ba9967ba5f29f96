/* Which nodes an address may go to, and which of them is best; SEMANTICS.md "Eligible
 * nodes". Pure. */
#ifndef IPW_ELIGIBLE_H
#define IPW_ELIGIBLE_H

#include "holder.h"

/* Why a node is left out. Each node counts once, for the first that applies. */
enum eligible_no {
	ELIGIBLE_YES,
	ELIGIBLE_SELECTOR,
	ELIGIBLE_SPECIAL, /* control plane or virtual, and the selector is empty */
	ELIGIBLE_SKIPPED,
	ELIGIBLE_NO_PROVIDER_ID,
	ELIGIBLE_PLACE,
	ELIGIBLE_LEAVING,
	ELIGIBLE_NOT_READY,
	ELIGIBLE_TAINT,
	ELIGIBLE_UNSEEN, /* its instance cannot be seen (or does not run) at the cloud
			  */
	ELIGIBLE_HOLDS,	 /* another reserved address */
	ELIGIBLE_FAILED, /* an attach there failed just now */
	ELIGIBLE_COUNT
};

struct eligible_counts {
	size_t nodes;
	size_t no[ELIGIBLE_COUNT];
	size_t own; /* of ELIGIBLE_HOLDS: an address of the same allocation */
};

struct target {
	const struct world_node *node;
	const struct view_instance *instance;
	bool ephemeral; /* its external address has to be taken off first */
};

/* The best of all nodes but `except` (a node's uid, or ""); false: none. */
struct eligible_query {
	const struct scene *scene;
	const struct allocation *allocation;
	const struct allocation_address *address;
	const struct place *place; /* project and region that it is reserved in */
	const char *except;
	/* node uid → the allocation of which it holds or is promised an address */
	const struct map *taken;
};
bool eligible_choose(const struct eligible_query *query, struct target *ret_target,
    struct eligible_counts *ret_counts);

/* "0/6 nodes: 3 cordoned, 2 hold another reserved address, 1 in the wrong zone". */
void eligible_describe(const struct eligible_counts *counts, char *out, size_t size);

#endif
