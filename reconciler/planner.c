/* An attached address: has it to leave its node? */
#include "planner.h"

#include <stdio.h>
#include <string.h>

#include "match.h"

/* Ready and NotReady nodes of an allocation, or of a zone. */
struct planner_tally {
	size_t nodes, not_ready;
};

/* The nodes that the allocation means or is on; NULL: of the zone. */
static void
planner_tally(const struct planner *planner, const struct allocation *allocation,
    const char *zone, struct planner_tally *tally)
{
	*tally = (struct planner_tally){0};
	MAP_EACH(planner->scene->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);

		if (allocation != NULL && match_node(node, allocation) != MATCH_YES &&
		    map_get(planner->taken, node->uid) != allocation)
			continue;
		if (allocation == NULL && strcmp(node->place.zone, zone) != 0)
			continue;
		tally->nodes++;
		tally->not_ready += node->ready != NODE_READY_TRUE;
	}
}

/* When so much is NotReady, it is rather the network that is broken. One node of a zone
 * may always be lost: there are zones of one node. */
static bool
planner_many_not_ready(const struct planner *planner,
    const struct allocation *allocation, const char *zone)
{
	struct planner_tally tally;
	size_t bound;

	planner_tally(planner, allocation, zone, &tally);
	bound = tally.nodes / 3 > 1 ? tally.nodes / 3 : 1;
	if (tally.not_ready > bound)
		return true;
	planner_tally(planner, NULL, zone, &tally);
	return tally.not_ready > 1 && tally.not_ready * 2 > tally.nodes;
}

/* A move that takes the address off a node that is alive and stays. What is drained or
 * dead serves nobody. */
static bool
planner_is_serving(const struct scene *scene, const struct plan_step *step)
{
	const struct intent_place *from = &plan_address(step)->intent.from;
	const struct world_node *node;

	if (step->kind == PLAN_MOVE)
		return step->why == LEAVE_UNMATCHED;
	if (step->kind != PLAN_OPEN || from->instance[0] == '\0' ||
	    plan_address(step)->intent.step == INTENT_RELEASE)
		return false;
	node = world_node(scene->world, from->node);
	return node != NULL && strcmp(node->uid, from->node_uid) == 0 &&
	       node->ready == NODE_READY_TRUE && !leave_is_leaving(node);
}

/* spec.maxConcurrentMoves are under way. */
static bool
planner_is_busy(const struct planner *planner, const struct allocation *allocation)
{
	struct allocation_counts counts;
	size_t moving = 0, most;

	allocation_count(allocation, &counts);
	most = amount_of(&allocation->max_moves, counts.reserved, AMOUNT_DOWN);
	for (size_t i = 0; i < planner->plan->len; i++) {
		const struct plan_step *step = &planner->plan->steps[i];

		moving += step->allocation == allocation &&
			  planner_is_serving(planner->scene, step);
	}
	return moving >= (most > 0 ? most : 1);
}

/* A pod that carries the name of the missing workload as a label: perhaps only the kind
 * is wrong. The least name, "" none. */
static const char *
planner_hint(const struct world *world, const struct allocation *allocation)
{
	const char *wanted = allocation->workload_name;
	const struct world_pod *pod = NULL;
	const char *hint = "";

	while ((pod = world_next_pod(world, pod)) != NULL) {
		if (strcmp(pod->kin->namespace, allocation->workload_namespace) != 0 ||
		    (strcmp(pod->kin->label_app, wanted) != 0 &&
			strcmp(pod->kin->label_name, wanted) != 0))
			continue;
		if (hint[0] == '\0' || strcmp(pod->name, hint) < 0)
			hint = pod->name;
	}
	return hint;
}

/* Pods that keep it there; true: it stays for now. */
static bool
planner_in_use(struct planner *planner, struct plan_step *step)
{
	const struct scene *scene = planner->scene;
	const struct allocation *allocation = step->allocation;
	const struct world_node *node = step->holder.node;
	char message[TEXT_MAX + 1];
	const char *first, *hinted;
	size_t count;

	if (world_noted(scene->world, NOTE_WORKLOAD_MISSING, allocation->uid, "",
		scene->now.mono)) {
		hinted = planner_hint(scene->world, allocation);
		snprintf(message, sizeof message,
		    "workload %s/%.200s does not exist; nothing moves%s%.200s",
		    allocation->workload_namespace, allocation->workload_name,
		    hinted[0] != '\0' ? "; is it that of pod " : "", hinted);
		planner_rest(step, ADDRESS_STATE_DRAINING, "WorkloadNotFound", message);
		step->degraded = true;
		return true;
	}
	count = leave_count_pods(world_pods(scene->world, node->name), allocation,
	    scene->now.wall, &planner->plan->next_ms, &first);
	if (count == 0)
		return false;
	snprintf(message, sizeof message,
	    "on %s, which is %s; in use by %zu pod%s (%s)", node->name,
	    step->why == LEAVE_DRAINING ? "leaving" : leave_word(step->why), count,
	    count > 1 ? "s" : "", first);
	planner_rest(step, ADDRESS_STATE_DRAINING, "InUse", message);
	return true;
}

static void
planner_move_to(struct planner *planner, struct plan_step *step)
{
	struct eligible_query query = {
	    .scene = planner->scene,
	    .allocation = step->allocation,
	    .address = plan_address(step),
	    .place = &step->holder.place,
	    .except = step->holder.node != NULL ? step->holder.node->uid : "",
	    .taken = planner->taken,
	};
	struct eligible_counts counts;
	char message[TEXT_MAX + 1];
	const char *brake;

	if (!eligible_choose(&query, &step->target, &counts)) {
		eligible_describe(&counts, message, sizeof message);
		planner_rest(step, ADDRESS_STATE_DRAINING, "NoEligibleNode", message);
		step->degraded = true;
		return;
	}
	snprintf(message, sizeof message, "%s is %s: to be moved to %s",
	    step->holder.place.instance, leave_word(step->why),
	    step->target.node->name);
	step->kind = PLAN_MOVE;
	planner_say(step, ADDRESS_STATE_DRAINING, "Moving", message);
	brake = plan_brake(step->allocation);
	/* it never goes there: the node is for who does */
	if (brake == NULL && step->allocation->policy == POLICY_ASSIGN_ONLY)
		brake = "AssignOnly";
	else
		planner_take(planner, step, step->target.node->uid);
	if (brake != NULL)
		planner_rest(step, ADDRESS_STATE_DRAINING, brake, message);
}

static void
planner_leave(struct planner *planner, struct plan_step *step)
{
	const struct holder *holder = &step->holder;
	char message[TEXT_MAX + 1];

	if (holder->node != NULL && holder->node->skip) {
		snprintf(message, sizeof message,
		    "on %s, which is %s and to be skipped", holder->node->name,
		    leave_word(step->why));
		planner_rest(step, ADDRESS_STATE_DRAINING, "Skipped", message);
		return;
	}
	if (leave_heeds_pods(step->why) && planner_in_use(planner, step))
		return;
	if (step->why == LEAVE_NOT_READY &&
	    planner_many_not_ready(planner, step->allocation, holder->place.zone)) {
		planner_rest(step, ADDRESS_STATE_DRAINING, "ManyNodesNotReady",
		    "so many nodes are not ready that nothing moves");
		step->degraded = true;
		return;
	}
	if (step->why == LEAVE_UNMATCHED &&
	    planner_is_busy(planner, step->allocation)) {
		snprintf(message, sizeof message,
		    "on %s, which is %s; waits for another move (maxConcurrentMoves)",
		    holder->node->name, leave_word(step->why));
		planner_rest(step, ADDRESS_STATE_DRAINING, "MoveWaits", message);
		return;
	}
	planner_move_to(planner, step);
}

enum leave_why
planner_judge(struct planner *planner, const struct plan_step *step)
{
	const struct scene *scene = planner->scene;
	const struct leave_query query = {
	    .allocation = step->allocation,
	    .address = plan_address(step),
	    .node = step->holder.node,
	    .instance = step->holder.instance,
	    .known_since = scene->world->sync[FACT_KIND_NODE].since,
	    .now = scene->now,
	};

	return leave_judge(&query, &planner->plan->next_ms);
}

static bool
planner_is_at_rest(const struct plan_step *step)
{
	return step->kind == PLAN_REST && step->state == ADDRESS_STATE_ATTACHED &&
	       step->holder.kind == HOLDER_OURS && step->release.verdict == RELEASE_NOT;
}

void
planner_moves(struct planner *planner, bool braked)
{
	for (size_t i = 0; i < planner->plan->len; i++) {
		struct plan_step *step = &planner->plan->steps[i];

		if (!planner_is_at_rest(step) ||
		    (plan_brake(step->allocation) != NULL) != braked)
			continue;
		step->why = planner_judge(planner, step);
		if (step->why != LEAVE_NOT)
			planner_leave(planner, step);
	}
}
