/* An address that is no longer wanted where it is. */
#include <stdio.h>
#include <string.h>

#include "planner.h"

static void
planner_release_forget(struct plan_step *step, const char *reason, const char *message)
{
	step->kind = PLAN_FORGET;
	planner_say(step, ADDRESS_STATE_PENDING, reason, message);
}

/* The other one adopts it where it is; nothing is taken off. */
static void
planner_release_to_heir(struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);
	const struct allocation_address *entry =
	    allocation_find(step->heir, address->address);
	char message[TEXT_MAX + 1];

	if (entry != NULL &&
	    (plan_is_open(entry) ||
		strcmp(entry->instance, step->holder.instance->id) == 0)) {
		snprintf(message, sizeof message,
		    "on %.200s, now that of NetIPAllocation %.200s",
		    planner_where(step), step->heir->name);
		planner_release_forget(step, "HandedOver", message);
		return;
	}
	snprintf(message, sizeof message,
	    "on %.200s, to be taken over by NetIPAllocation %.200s",
	    planner_where(step), step->heir->name);
	planner_rest(step, ADDRESS_STATE_ATTACHED, "HandedOver", message);
}

/* Somebody else holds it from now on: what its node is owed goes along. */
static bool
planner_release_is_inherited(const struct plan_step *step)
{
	return step->heir != NULL && step->heir->policy != POLICY_OBSERVE &&
	       step->holder.kind == HOLDER_OURS && !step->allocation->deleting;
}

/* Who is deleted keeps it in its status to its end: it is told by the way. */
static void
planner_release_leave(struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);
	char message[TEXT_MAX + 1];

	if (planner_release_is_inherited(step)) {
		planner_release_to_heir(step);
		return;
	}
	snprintf(message, sizeof message, "left on %s: %s",
	    address->node[0] != '\0' ? address->node : address->instance,
	    step->release.text);
	if (step->allocation->deleting)
		planner_rest(step, ADDRESS_STATE_ATTACHED, "Retained", message);
	else
		planner_release_forget(step, "Retained", message);
}

/* True: pods keep it there. */
static bool
planner_release_in_use(struct planner *planner, struct plan_step *step)
{
	const struct scene *scene = planner->scene;
	const struct allocation *allocation = step->allocation;
	const struct world_node *node = step->holder.node;
	bool missing = world_noted(
	    scene->world, NOTE_WORKLOAD_MISSING, allocation->uid, "", scene->now.mono);
	char message[TEXT_MAX + 1], names[TEXT_MAX / 2];
	size_t count;

	if (allocation->release_now ||
	    !release_heeds_pods(planner_judge(planner, step)))
		return false;
	count = release_count_pods(world_pods(scene->world, node->name), allocation,
	    missing, scene->now.wall, &planner->plan->next_ms, names, sizeof names);
	if (count == 0)
		return false;
	snprintf(message, sizeof message, "%s; on %.63s, in use by %zu pod%s (%s)%s",
	    step->release.text, node->name, count, count > 1 ? "s" : "", names,
	    missing ? "; its workload does not exist" : "");
	planner_rest(step, ADDRESS_STATE_DRAINING,
	    missing ? "WorkloadNotFound" : "InUse", message);
	return true;
}

static void
planner_release_take(struct planner *planner, struct plan_step *step)
{
	const struct world_node *node = step->holder.node;
	const char *brake = plan_brake(step->allocation);
	char message[TEXT_MAX + 1];

	if (planner_release_in_use(planner, step))
		return;
	snprintf(message, sizeof message, "%s: to be taken off %s", step->release.text,
	    planner_where(step));
	if (brake == NULL && node != NULL && node->skip)
		brake = "Skipped";
	if (brake != NULL) {
		planner_rest(step, ADDRESS_STATE_DRAINING, brake, message);
		return;
	}
	step->kind = PLAN_RELEASE;
	planner_say(step, ADDRESS_STATE_DETACHING, "Releasing", message);
}

/* Who else has it: one that has begun something with it, or an elder one that is to
 * release it as well. NULL: nobody. */
static const struct allocation *
planner_release_other(struct planner *planner, const struct plan_step *step)
{
	const char *address = plan_address(step)->address;
	const struct allocation *other = map_get(planner->busy, address);

	if (other == step->allocation)
		return NULL;
	if (other == NULL)
		other = map_get(planner->releasers, address);
	if (other == NULL)
		map_put(
		    planner->releasers, address, (void *)(uintptr_t)step->allocation);
	return other;
}

static void
planner_release_ours(struct planner *planner, struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);

	if (step->heir == NULL)
		step->heir = planner_release_other(planner, step);
	if (step->heir != NULL) {
		planner_release_to_heir(step);
	} else if (step->release.verdict == RELEASE_WAIT) {
		step->kind = PLAN_HOLD;
		if (step->release.text[0] == '\0')
			return;
		step->degraded = true;
		planner_rest(step, ADDRESS_STATE_UNKNOWN, "DefinitionUnknown",
		    step->release.text);
	} else if (strcmp(address->instance, step->holder.instance->id) != 0) {
		/* somebody has moved it: the journal hears of it before it goes */
		step->kind = PLAN_ADOPT;
		planner_say(
		    step, ADDRESS_STATE_ATTACHED, "Releasing", step->release.text);
	} else {
		planner_release_take(planner, step);
	}
}

void
planner_release(struct planner *planner, struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);

	/* what was never ours is not ours to release */
	if (address->instance[0] == '\0' && !address->listed) {
		planner_release_forget(step, "", "");
		return;
	}
	if (address->instance[0] == '\0') {
		planner_rest(
		    step, ADDRESS_STATE_PENDING, "Deleting", "is being deleted");
		return;
	}
	if (step->holder.kind == HOLDER_OURS && step->holder.node != NULL)
		planner_take(planner, step, step->holder.node->uid);
	if (step->release.verdict == RELEASE_LEAVE) {
		planner_release_leave(step);
		return;
	}
	switch (step->holder.kind) {
	case HOLDER_UNKNOWN:
		planner_unknown(planner, step);
		return;
	case HOLDER_OURS:
		planner_release_ours(planner, step);
		return;
	case HOLDER_ABSENT:
	case HOLDER_ELSEWHERE:
	case HOLDER_NOT_FOUND:
	case HOLDER_UNFIT:
		planner_release_forget(step, address->listed ? "Deleting" : "",
		    "is on none of our nodes any more");
		return;
	}
}
