/* What plan.c and planner.c share while a plan is being made. Private to them. */
#ifndef IPW_PLANNER_H
#define IPW_PLANNER_H

#include "plan.h"

struct planner {
	const struct scene *scene;
	struct plan *plan;
	/* node uid → the allocation of which it holds or is promised an address */
	struct map *taken;
	struct map *busy; /* address → the allocation with an open intent for it */
	struct map *releasers;	/* address → the eldest one that is to release it */
	struct map *incumbents; /* address → the eldest allocation that has it */
	struct map *eldest;	/* address → the eldest allocation that wants it */
};

void planner_say(struct plan_step *step, enum address_state state, const char *reason,
    const char *message);
/* There is nothing to do, and that is how it is. */
void planner_rest(struct plan_step *step, enum address_state state, const char *reason,
    const char *message);
/* Who holds the address, in words: a node, or an instance that is none. */
const char *planner_where(const struct plan_step *step);
/* The step's address is, or is to be, on that node ("": on none). Who does not own it
 * takes nobody's place there. */
void planner_take(
    struct planner *planner, const struct plan_step *step, const char *node_uid);

/* An address that is no longer wanted (step->release says so): what to do with it. */
void planner_release(struct planner *planner, struct plan_step *step);
/* Unknown, and why; a first look that is still to come is no news. */
void planner_unknown(struct planner *planner, struct plan_step *step);

/* Whether the address has to leave its holder. */
enum leave_why planner_judge(struct planner *planner, const struct plan_step *step);
/* Attached addresses whose node is leaving, dead or gone, or no longer meant; of those
 * allocations that have a brake on, or of the others. */
void planner_moves(struct planner *planner, bool braked);

#endif
