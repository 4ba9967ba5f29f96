/* A pod as the reconciler holds it: once, in one block of memory. What the pods of one
 * workload have in common is held once for all of them. With names of typical length
 * that makes 256 bytes a pod at most, tables included (tests/unit/test_world_pod.c). */
#ifndef IPW_WORLD_POD_H
#define IPW_WORLD_POD_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"
#include "place.h"
#include "table.h"

/* What pods of one workload have in common. */
struct world_kin {
	struct table_entry entry;
	uint32_t pods; /* that have it */
	const char *namespace, *owner_kind, *owner_name, *template_hash;
	const char *label_app, *label_name;
	struct texts tolerations; /* key, operator, value, effect, … */
	size_t len;		  /* of all of that, which stands behind it */
};

struct world_pod {
	struct table_entry entry;
	uint32_t seen;
	uint8_t phase; /* enum pod_phase */
	bool deleting : 1, host_network : 1, mirror : 1, needs_label : 1;
	bool footprint : 1;
	bool ready : 1;	  /* fresh reads only: condition Ready is True */
	bool own_kin : 1; /* not of the world's */
	const char *uid, *name, *node;
	/* Its addresses, status.podIP first, with a comma between; "" none. */
	const char *ips;
	struct world_kin *kin;
	int64_t created_ms, delete_at_ms; /* wall */
	char *
	    leader_mark; /* fresh reads only: annotation controller-leader; NULL none */
	struct world_pod *next, *previous; /* on the same node */
};

/* Of a fresh read: it has its kin and its node to itself. */
struct world_pod *world_pod_new(const struct msg_fact_pod *fact);
/* One that shares: `node` must outlive it. */
struct world_pod *world_pod_new_shared(
    const struct msg_fact_pod *fact, struct table *kins, const char *node);
/* Takes it out of its kin's count: the last one takes the kin along. */
void world_pod_free_shared(struct world_pod *pod, struct table *kins);
void world_pod_free(void *pod);

#endif
