/* The small world of sim_small, and its two allocations as their users last set them.
 */
#ifndef IPW_SIM_SMALL_H
#define IPW_SIM_SMALL_H

#include "fake.h"

#define SIM_NODES	6u
#define SIM_ADDRESSES	4u
#define SIM_PODS	3u
#define SIM_ALLOCATIONS 2u

struct sim_node {
	char name[16];
	bool cordoned, ready, exists;
	bool skipped, elsewhere; /* the annotation; in another pool */
	int64_t unready_ms;	 /* since when it is not ready */
};

struct sim_spec {
	const char *name;
	unsigned first, len; /* its addresses, by index */
	unsigned left_out;   /* of them, as bits */
	int generation;
	bool paused;
	const char *policy;
	bool settled; /* a brake is on, and no intent has been open since */
	bool deleted; /* it was asked to go */
	bool hurried; /* whether pods use its addresses or not */
};

struct sim {
	struct fake *fake;
	struct sim_node nodes[SIM_NODES];
	unsigned pod_on[SIM_PODS];
	struct sim_spec specs[SIM_ALLOCATIONS];
	char more_spec[256]; /* what both have in their spec */
	int64_t grace_ms;    /* of both */
};

extern const char *const sim_addresses[SIM_ADDRESSES];
extern unsigned long sim_deletions; /* of allocations, in all seeds */

/* sim_users.c: what users do with the allocations. */
void sim_users_make(struct sim *sim);
void sim_users_happen(struct sim *sim);
/* What is being deleted is to go, in use or not; nothing holds anything up. */
void sim_users_hurry(struct sim *sim);
/* Violates if something that was deleted is still there; then all is wanted again. */
void sim_users_calm(struct sim *sim);
/* With a brake on nothing is begun. */
void sim_users_judge(struct sim *sim);
/* Somebody wants the address where it is; *ret_now: somebody wants it off at once. */
bool sim_users_want(const struct sim *sim, const char *address, bool *ret_now);

#endif
