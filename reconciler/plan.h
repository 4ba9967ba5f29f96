/* What should happen to each address, and why. A pure function of the scene: the same
 * scene gives the same plan. Reads like SEMANTICS.md; carries nothing out. */
#ifndef IPW_PLAN_H
#define IPW_PLAN_H

#include "eligible.h"
#include "holder.h"
#include "release.h"

enum plan_kind {
	PLAN_REST,    /* nothing to do; state and reason say how it is */
	PLAN_HOLD,    /* nothing can be said: what the status says stays */
	PLAN_OPEN,    /* the journal has an open intent: act goes on with it */
	PLAN_ADOPT,   /* found on an instance of ours: to be journaled */
	PLAN_ATTACH,  /* absent: put it on `target` */
	PLAN_MOVE,    /* take it off `holder`, put it on `target`; after fresh reads */
	PLAN_RELEASE, /* take it off `holder`, and that is all; after fresh reads */
	PLAN_FORGET,  /* no longer wanted, and not (or no longer) ours: drop it from the
		       * status */
};

struct plan_step {
	struct allocation *allocation;
	size_t index; /* in allocation->addresses */
	enum plan_kind kind;
	enum address_state state; /* REST: as it is */
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
	bool degraded; /* worth a warning */
	/* another allocation, to which the address belongs; NULL: none */
	const struct allocation *owner;
	struct holder holder;
	struct target target;
	enum leave_why why; /* MOVE */
	struct release release;
	const struct allocation *heir; /* takes it over; NULL nobody */
};

struct plan {
	struct plan_step *steps;
	size_t len;
	int64_t next_ms; /* wall: when time alone may change it; INT64_MAX never */
};

/* The address that a step is about: an entry of its allocation. */
struct allocation_address *plan_address(const struct plan_step *step);

struct plan *plan_make(const struct scene *scene);
void plan_free(struct plan *plan);

/* A target for an address that is on no node and in the middle of its journal: the same
 * choice as plan_make would make. `place`: the project and region that it is
 * reserved in; `except`: a node's uid that failed. */
bool plan_choose(const struct scene *scene, const struct allocation *allocation,
    const struct allocation_address *address, const struct place *place,
    const char *except, struct target *ret_target, char *ret_message,
    size_t message_size);

/* Whether the intent of another address than `except`, as it was read or as it is to
 * become, names that node. */
bool plan_is_promised(const struct scene *scene,
    const struct allocation_address *except, const char *node_uid);

/* Why nothing is begun for it, in the word that its addresses then have as a reason;
 * NULL: nothing stands against it. */
const char *plan_brake(const struct allocation *allocation);

/* An intent that is to be carried on. */
bool plan_is_open(const struct allocation_address *address);

#endif
