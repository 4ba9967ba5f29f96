#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "walk.h"

struct checking {
	struct sketch *sketch;
	const struct plan *plan;
	const struct plan_step *step;
	const struct allocation *allocation;
	const struct allocation_address *address;
	const struct sketch_cloud *cloud;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static bool
wrong(struct checking *checking, const char *format, ...)
{
	char step[TEXT_MAX], text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sketch_step(checking->step, step, sizeof step);
	snprintf(checking->why, checking->size, "%s: %s %s: %s", text,
	    checking->allocation->name, checking->address->address, step);
	return false;
}

static bool
acts(const struct plan_step *step)
{
	return step->kind == PLAN_ATTACH || step->kind == PLAN_MOVE;
}

/* --- the oracle: read off the sketch, in its own words ---------------------------- */

static bool
place_is_fresh(const struct sketch *sketch, const char *place)
{
	for (size_t i = 0; i < sketch->places_len; i++)
		if (strcmp(sketch->places[i].name, place) == 0)
			return sketch->places[i].look == SKETCH_FRESH;
	return true;
}

/* The region of an address was seen, and all zones of nodes in it, when it matters who
 * holds it. */
static bool
address_is_known(const struct sketch *sketch, const struct sketch_cloud *cloud)
{
	size_t len = strlen(cloud->region);

	if (cloud->changed || !place_is_fresh(sketch, cloud->region))
		return false;
	if (cloud->shown == SKETCH_NONE || cloud->shown == SKETCH_GLOBAL)
		return true;
	for (size_t i = 0; i < sketch->nodes_len; i++)
		if (strncmp(sketch->nodes[i].zone, cloud->region, len) == 0 &&
		    sketch->nodes[i].zone[len] == '-' &&
		    strcmp(sketch->nodes[i].project, "demo") == 0 &&
		    !place_is_fresh(sketch, sketch->nodes[i].zone))
			return false;
	return true;
}

static bool
has_taint(const struct sketch_node *node, const char *wanted)
{
	size_t cursor = 0;
	const char *key;

	while ((key = pack_next(&node->fact.taints, &cursor)) != NULL) {
		if (strcmp(key, wanted) == 0)
			return true;
		pack_next(&node->fact.taints, &cursor);
		pack_next(&node->fact.taints, &cursor);
	}
	return false;
}

static bool
node_is_leaving(const struct sketch_node *node)
{
	return node->fact.unschedulable || node->fact.deleting ||
	       has_taint(node, "ToBeDeletedByClusterAutoscaler") ||
	       has_taint(node, "node.kubernetes.io/out-of-service");
}

static bool
node_is_dead(const struct sketch_node *node, int64_t grace_ms)
{
	int64_t since_ms = node->fact.ready_since_ms;

	/* known since two hours before (sketch_make) */
	if (since_ms < SKETCH_WALL_MS - 7200000)
		since_ms = SKETCH_WALL_MS - 7200000;
	return node->gone || node->state == INSTANCE_STOPPED ||
	       has_taint(node, "node.kubernetes.io/out-of-service") ||
	       (node->fact.ready != NODE_READY_TRUE &&
		   SKETCH_WALL_MS - since_ms >= grace_ms);
}

static bool
node_is_meant(const struct sketch_node *node, const struct allocation *allocation)
{
	const char *pool = pack_value(&node->fact.labels, "pool");
	const char *zone = texts_next(&allocation->zones, &(size_t){0});
	size_t len = strlen(allocation->region);

	if (allocation->node_selector.len > 0
		? pool == NULL || strcmp(pool, "edge") != 0
		: pack_value(&node->fact.labels,
		      "node-role.kubernetes.io/control-plane") != NULL)
		return false;
	return (zone == NULL || strcmp(zone, node->zone) == 0) &&
	       strncmp(node->zone, allocation->region, len) == 0;
}

static bool
pod_is_of(const struct msg_fact_pod *pod, const struct allocation *allocation)
{
	if (allocation->workload == WORKLOAD_NONE)
		return !pod->mirror && strcmp(pod->owner_kind, "DaemonSet") != 0;
	if (allocation->workload == WORKLOAD_STATEFULSET)
		return strcmp(pod->owner_kind, "StatefulSet") == 0 &&
		       strcmp(pod->owner_name, "db") == 0;
	return strcmp(pod->owner_kind, "ReplicaSet") == 0 &&
	       strcmp(pod->owner_name, "sip-7d9") == 0;
}

static size_t
count_pods(const struct sketch *sketch, const struct sketch_node *node,
    const struct allocation *allocation)
{
	size_t count = 0;

	for (size_t i = 0; i < sketch->pods_len; i++) {
		const struct msg_fact_pod *pod = &sketch->pods[i];

		count += strcmp(pod->node, node->fact.name) == 0 &&
			 pod_is_of(pod, allocation) &&
			 pod->phase != POD_PHASE_SUCCEEDED &&
			 pod->phase != POD_PHASE_FAILED &&
			 (!pod->deleting || SKETCH_WALL_MS < pod->delete_at_ms + 60000);
	}
	return count;
}

/* The only taint that can be tolerated here is "dedicated": by all pods or not at all.
 */
static bool
is_tolerated(const struct sketch *sketch, const struct allocation *allocation)
{
	size_t pods = 0;

	for (size_t i = 0; i < sketch->pods_len; i++) {
		const struct msg_fact_pod *pod = &sketch->pods[i];

		if (!pod_is_of(pod, allocation))
			continue;
		pods++;
		if (pod->tolerations.len == 0)
			return false;
	}
	return pods > 0 && allocation->workload != WORKLOAD_NONE;
}

static bool
has_note(
    const struct sketch *sketch, const char *kind, const char *about, const char *node)
{
	for (size_t i = 0; i < sketch->notes_len; i++)
		if (strcmp(sketch->notes[i].kind, kind) == 0 &&
		    strcmp(sketch->notes[i].about, about) == 0 &&
		    strcmp(sketch->notes[i].node, node) == 0)
			return true;
	return false;
}

/* --- what must hold --------------------------------------------------------------- */

static bool
check_unknown(struct checking *checking)
{
	const struct plan_step *step = checking->step;

	if (step->kind == PLAN_REST || step->kind == PLAN_HOLD ||
	    step->kind == PLAN_OPEN)
		return true;
	/* a status may always forget what is not to be taken off */
	if (step->kind == PLAN_FORGET && (checking->allocation->policy != POLICY_SYNC ||
					     checking->address->instance[0] == '\0'))
		return true;
	if (!address_is_known(checking->sketch, checking->cloud))
		return wrong(checking, "something is done about what is unknown");
	if (checking->cloud->shown == SKETCH_HALF ||
	    checking->cloud->shown == SKETCH_SEEN ||
	    checking->cloud->shown == SKETCH_RESERVING)
		return wrong(checking, "the lists of the cloud do not agree");
	return true;
}

static bool
check_leave(struct checking *checking)
{
	const struct allocation *allocation = checking->allocation;
	const struct sketch_node *node =
	    sketch_node(checking->sketch, checking->cloud->where);
	bool dead;

	if (checking->cloud->shown != SKETCH_ON)
		return wrong(checking, "it is taken off what does not have it");
	if (allocation->policy != POLICY_SYNC || allocation->paused)
		return wrong(checking, "its policy does not let it be moved");
	dead = node_is_dead(node, allocation->not_ready_grace_ms);
	if (!dead && !node_is_leaving(node) && node_is_meant(node, allocation))
		return wrong(checking, "it is moved without a cause");
	if (!dead && count_pods(checking->sketch, node, allocation) > 0)
		return wrong(checking, "pods on its node use it");
	if (!dead && has_note(checking->sketch, "workload", allocation->name, ""))
		return wrong(checking, "its workload is not known");
	if (node->fact.skip && !node->gone)
		return wrong(checking, "its node is to be skipped");
	return true;
}

/* Nothing else is there, or on its way there. */
static bool
check_target_free(struct checking *checking, const char *name)
{
	for (size_t i = 0; i < checking->sketch->clouds_len; i++) {
		const struct sketch_cloud *cloud = &checking->sketch->clouds[i];

		if (cloud != checking->cloud && strcmp(cloud->where, name) == 0 &&
		    (cloud->shown == SKETCH_ON || cloud->shown == SKETCH_SEEN))
			return wrong(checking, "its target has %s", cloud->address);
	}
	for (size_t i = 0; i < checking->plan->len; i++) {
		const struct plan_step *step = &checking->plan->steps[i];
		const struct intent *intent =
		    &step->allocation->addresses[step->index].intent;

		if (step == checking->step)
			continue;
		if (strcmp(intent->to.node, name) == 0 ||
		    strcmp(intent->from.node, name) == 0)
			return wrong(checking, "its target is spoken for");
		if (acts(step) && strcmp(step->target.node->name, name) == 0)
			return wrong(checking, "two go to the same node");
	}
	return true;
}

static bool
check_target(struct checking *checking)
{
	const char *name = checking->step->target.node->name;
	const struct sketch_node *node = sketch_node(checking->sketch, name);
	const struct msg_fact_node *fact = &node->fact;

	if (node->gone || node->bare || node->state != INSTANCE_RUNNING)
		return wrong(checking, "its target does not run");
	if (fact->ready != NODE_READY_TRUE || node_is_leaving(node) || fact->skip ||
	    fact->oversize)
		return wrong(checking, "its target is not fit");
	if (!node_is_meant(node, checking->allocation) ||
	    strcmp(node->project, "demo") != 0 ||
	    strncmp(fact->provider_id, "gce:", 4) != 0 ||
	    strncmp(node->zone, checking->cloud->region,
		strlen(checking->cloud->region)) != 0)
		return wrong(checking, "its target is in the wrong place");
	if (has_taint(node, "dedicated") &&
	    !is_tolerated(checking->sketch, checking->allocation))
		return wrong(checking, "a taint of its target is not tolerated");
	if (has_note(
		checking->sketch, "attach-failed", checking->address->address, name))
		return wrong(checking, "its target has refused it");
	if (!place_is_fresh(checking->sketch, node->zone))
		return wrong(checking, "its target was not seen");
	return check_target_free(checking, name);
}

static bool
check_acting(struct checking *checking)
{
	const struct allocation *allocation = checking->allocation;
	const struct plan_step *step = checking->step;

	if (!acts(step))
		return true;
	if (!checking->address->listed || allocation->deleting)
		return wrong(checking, "it is not wanted any more");
	if (allocation->policy == POLICY_OBSERVE || allocation->paused ||
	    allocation->refusal_reason[0] != '\0')
		return wrong(checking, "its allocation may not act");
	if (step->kind == PLAN_ATTACH && checking->cloud->shown != SKETCH_FREE)
		return wrong(checking, "it is not free");
	if (step->kind == PLAN_MOVE && !check_leave(checking))
		return false;
	for (size_t i = 0; i < checking->plan->len; i++) {
		const struct plan_step *other = &checking->plan->steps[i];

		if (other != step && acts(other) &&
		    strcmp(other->allocation->addresses[other->index].address,
			checking->address->address) == 0)
			return wrong(checking, "two act on the same address");
	}
	return check_target(checking);
}

/* What nobody wants any more, and nothing uses. */
static bool
check_release(struct checking *checking)
{
	const struct allocation *allocation = checking->allocation;
	const struct sketch_node *node =
	    sketch_node(checking->sketch, checking->cloud->where);

	if (checking->step->kind != PLAN_RELEASE)
		return true;
	if (checking->cloud->shown != SKETCH_ON)
		return wrong(checking, "it is taken off what does not have it");
	if (checking->address->listed && !allocation->deleting)
		return wrong(checking, "it is wanted");
	if (allocation->policy != POLICY_SYNC || allocation->paused ||
	    allocation->refusal_reason[0] != '\0')
		return wrong(checking, "its allocation may not act");
	if (node->fact.skip && !node->gone)
		return wrong(checking, "its node is to be skipped");
	/* of a node that is only not ready the pods may still run */
	if (!node->gone && node->state != INSTANCE_STOPPED &&
	    !has_taint(node, "node.kubernetes.io/out-of-service") &&
	    count_pods(checking->sketch, node, allocation) > 0)
		return wrong(checking, "pods on its node use it");
	for (size_t i = 0; i < checking->plan->len; i++) {
		const struct plan_step *other = &checking->plan->steps[i];

		if (other != checking->step && other->release.verdict == RELEASE_NOT &&
		    other->allocation->policy != POLICY_OBSERVE &&
		    other->allocation->refusal_reason[0] == '\0' &&
		    strcmp(other->allocation->addresses[other->index].address,
			checking->address->address) == 0)
			return wrong(checking, "another allocation wants it");
	}
	return true;
}

/* Of one allocation only so many serving addresses at a time. */
static bool
check_moves(struct checking *checking)
{
	int64_t serving = 0;

	for (size_t i = 0; i < checking->plan->len; i++) {
		const struct plan_step *step = &checking->plan->steps[i];

		serving += step->allocation == checking->allocation &&
			   step->kind == PLAN_MOVE && step->why == LEAVE_UNMATCHED;
	}
	return serving <= checking->allocation->max_moves.value ||
	       wrong(checking, "too many serving addresses move");
}

bool
walk_check(struct sketch *sketch, const struct plan *plan, char *why, size_t size)
{
	struct checking checking = {sketch, plan, .why = why, .size = size};

	for (size_t i = 0; i < plan->len; i++) {
		checking.step = &plan->steps[i];
		checking.allocation = checking.step->allocation;
		checking.address =
		    &checking.allocation->addresses[checking.step->index];
		checking.cloud = sketch_cloud(sketch, checking.address->address);
		if (!check_unknown(&checking) || !check_acting(&checking) ||
		    !check_release(&checking) || !check_moves(&checking))
			return false;
	}
	return true;
}
