#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "mem.h"
#include "planner.h"

static void plan_look(struct planner *planner, struct plan_step *step);
static void plan_attach(struct planner *planner, struct plan_step *step);

/* --- small things ----------------------------------------------------------------- */

struct allocation_address *
plan_address(const struct plan_step *step)
{
	return &step->allocation->addresses[step->index];
}

void
planner_say(struct plan_step *step, enum address_state state, const char *reason,
    const char *message)
{
	step->state = state;
	MESSAGE_TEXT(step->reason, reason);
	MESSAGE_TEXT(step->message, message);
}

void
planner_rest(struct plan_step *step, enum address_state state, const char *reason,
    const char *message)
{
	step->kind = PLAN_REST;
	planner_say(step, state, reason, message);
}

static void
plan_block(struct plan_step *step, const char *reason, const char *message)
{
	step->degraded = true;
	planner_rest(step, ADDRESS_STATE_BLOCKED, reason, message);
}

const char *
planner_where(const struct plan_step *step)
{
	const struct holder *holder = &step->holder;

	return holder->node != NULL ? holder->node->name : holder->place.instance;
}

bool
plan_is_open(const struct allocation_address *address)
{
	return address->intent.step != INTENT_NONE &&
	       address->intent.step != INTENT_UNKNOWN;
}

static void
plan_take(struct map *taken, const struct allocation *allocation, const char *node_uid)
{
	if (node_uid[0] != '\0')
		map_put(taken, node_uid, (void *)(uintptr_t)allocation);
}

void
planner_take(
    struct planner *planner, const struct plan_step *step, const char *node_uid)
{
	if (step->owner == NULL || map_get(planner->taken, node_uid) == NULL)
		plan_take(planner->taken, step->allocation, node_uid);
}

/* --- who owns an address ---------------------------------------------------------- */

static bool
plan_is_incumbent(const struct allocation_address *address)
{
	return address->instance[0] != '\0' || address->intent.step != INTENT_NONE;
}

/* It is still wanted there. */
static bool
plan_may_own(
    const struct allocation *allocation, const struct allocation_address *entry)
{
	return entry->listed && !allocation->deleting &&
	       allocation_address_usable(entry) && allocation->policy != POLICY_OBSERVE;
}

/* The scene's allocations come oldest first, then by uid: the first one wins. But who
 * is in the middle of moving it comes before all, whatever its list and policy say by
 * now, and until the API says that it has ended: two journals of one address would undo
 * each other. */
static void
plan_find_owners(struct planner *planner)
{
	struct plan *plan = planner->plan;

	for (size_t i = 0; i < plan->len; i++) {
		struct plan_step *step = &plan->steps[i];
		const struct allocation_address *entry = plan_address(step);

		if ((entry->intent.step != INTENT_NONE || entry->journal_open) &&
		    map_get(planner->busy, entry->address) == NULL)
			map_put(planner->busy, entry->address, step->allocation);
	}
	for (size_t i = 0; i < plan->len; i++) {
		struct plan_step *step = &plan->steps[i];
		const struct allocation_address *entry = plan_address(step);
		bool incumbent = plan_is_incumbent(entry);

		if (!plan_may_own(step->allocation, entry))
			continue;
		/* what is refused does nothing with it, and keeps nobody from it */
		if (!incumbent && step->allocation->refusal_reason[0] != '\0')
			continue;
		if (incumbent && map_get(planner->incumbents, entry->address) == NULL)
			map_put(planner->incumbents, entry->address, step->allocation);
		if (map_get(planner->eldest, entry->address) == NULL)
			map_put(planner->eldest, entry->address, step->allocation);
	}
}

/* Who may act on an address that several allocations list; NULL: nobody lists it. */
static const struct allocation *
plan_owner(const struct planner *planner, const char *address)
{
	const struct allocation *busy = map_get(planner->busy, address);
	const struct allocation *incumbent = map_get(planner->incumbents, address);

	if (busy != NULL)
		return busy;
	return incumbent != NULL ? incumbent : map_get(planner->eldest, address);
}

/* --- the plan --------------------------------------------------------------------- */

static struct plan *
plan_new(const struct scene *scene)
{
	struct plan *plan = mem_calloc(1, sizeof *plan);
	size_t count = 0;

	for (size_t i = 0; i < scene->allocations_len; i++)
		count += scene->allocations[i]->addresses_len;
	plan->steps = mem_calloc(count + 1, sizeof *plan->steps);
	plan->next_ms = INT64_MAX;
	for (size_t i = 0; i < scene->allocations_len; i++) {
		struct allocation *allocation = scene->allocations[i];

		for (size_t j = 0; j < allocation->addresses_len; j++) {
			plan->steps[plan->len].allocation = allocation;
			plan->steps[plan->len++].index = j;
		}
	}
	return plan;
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->steps);
	free(plan);
}

#define PLAN_NAMED 4

/* Nodes that an open intent names are spoken for. So are those that the journal named
 * when it was last read: what was decided since is not in force before the API says so.
 */
static void
plan_named(const struct allocation_address *address, const char *ret_uids[PLAN_NAMED])
{
	ret_uids[0] = address->intent.to.node_uid;
	ret_uids[1] = address->intent.from.node_uid;
	ret_uids[2] = address->journal_to_uid;
	ret_uids[3] = address->journal_from_uid;
}

static void
plan_take_open(struct map *taken, const struct scene *scene,
    const struct allocation_address *except)
{
	const char *uids[PLAN_NAMED];

	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation *allocation = scene->allocations[i];

		for (size_t j = 0; j < allocation->addresses_len; j++) {
			if (&allocation->addresses[j] == except)
				continue;
			plan_named(&allocation->addresses[j], uids);
			for (size_t k = 0; k < PLAN_NAMED; k++)
				plan_take(taken, allocation, uids[k]);
		}
	}
}

static bool
plan_wants_previous(const struct plan_step *step)
{
	return plan_address(step)->node_uid[0] != '\0';
}

const char *
plan_brake(const struct allocation *allocation)
{
	if (allocation->policy == POLICY_OBSERVE)
		return "Observing";
	return allocation->paused ? "Paused" : NULL;
}

/* Attaches, then moves, of all allocations that do (or only say) what they plan. */
static void
plan_targets(struct planner *planner, bool braked)
{
	struct plan *plan = planner->plan;

	/* Previous holders first: nobody takes another's place. */
	for (int previous = 1; previous >= 0; previous--) {
		for (size_t i = 0; i < plan->len; i++) {
			struct plan_step *step = &plan->steps[i];

			if (step->kind == PLAN_ATTACH &&
			    plan_wants_previous(step) == (previous != 0) &&
			    (plan_brake(step->allocation) != NULL) == braked)
				plan_attach(planner, step);
		}
	}
	planner_moves(planner, braked);
}

struct plan *
plan_make(const struct scene *scene)
{
	struct planner planner = {.scene = scene, .plan = plan_new(scene)};
	struct plan *plan = planner.plan;

	planner.taken = map_new(NULL);
	planner.busy = map_new(NULL);
	planner.releasers = map_new(NULL);
	planner.incumbents = map_new(NULL);
	planner.eldest = map_new(NULL);
	plan_find_owners(&planner);
	plan_take_open(planner.taken, scene, NULL);
	for (size_t i = 0; i < plan->len; i++)
		plan_look(&planner, &plan->steps[i]);
	plan_targets(&planner, false);
	/* What is only said takes no node from what is done. */
	plan_targets(&planner, true);
	map_free(planner.busy);
	map_free(planner.releasers);
	map_free(planner.incumbents);
	map_free(planner.eldest);
	map_free(planner.taken);
	return plan;
}

/* --- one address: how is it? ------------------------------------------------------ */

/* True: the allocation itself is the reason why nothing is done, whatever the cloud
 * shows. */
static bool
plan_refuse(struct plan_step *step)
{
	const struct allocation *allocation = step->allocation;
	const struct allocation_address *address = plan_address(step);
	char message[TEXT_MAX + 1];

	if (!allocation_address_usable(address)) {
		step->kind = PLAN_HOLD;
		step->degraded = true;
		return true;
	}
	if (allocation->refusal_reason[0] != '\0') {
		plan_block(step, allocation->refusal_reason, allocation->refusal);
		return true;
	}
	if (step->release.verdict != RELEASE_NOT || step->owner == NULL ||
	    allocation->policy == POLICY_OBSERVE)
		return false;
	snprintf(message, sizeof message, "belongs to NetIPAllocation %s",
	    step->owner->name);
	plan_block(step, "Conflict", message);
	return true;
}

void
planner_unknown(struct planner *planner, struct plan_step *step)
{
	/* it may well be where it was */
	planner_take(planner, step, plan_address(step)->node_uid);
	/* Only "not looked yet" is no news: the status stays as it is. */
	if (strcmp(step->holder.reason, VIEW_NOT_OBSERVED) == 0) {
		step->kind = PLAN_HOLD;
		return;
	}
	planner_rest(
	    step, ADDRESS_STATE_UNKNOWN, step->holder.reason, step->holder.text);
}

/* Attached where the spec does not mean it to be. */
static void
plan_outside(struct plan_step *step, enum match match)
{
	static const char *const words[] = {
	    [MATCH_NOT_SELECTED] = "which nodeSelector does not select",
	    [MATCH_SPECIAL] = "which is control-plane or virtual (name a nodeSelector "
			      "to include it)",
	    [MATCH_PLACE] = "which is in another zone or region than the spec's",
	};
	char message[TEXT_MAX + 1];

	if (match == MATCH_YES)
		return;
	snprintf(message, sizeof message, "on %s, %s", step->holder.node->name,
	    words[match]);
	planner_say(step, ADDRESS_STATE_ATTACHED, "OutsideSelector", message);
}

static void
plan_ours(struct planner *planner, struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);
	const struct holder *holder = &step->holder;
	char message[TEXT_MAX + 1];

	if (holder->node != NULL)
		planner_take(planner, step, holder->node->uid);
	snprintf(message, sizeof message, "on %s", planner_where(step));
	planner_rest(step, ADDRESS_STATE_ATTACHED, "Attached", message);
	if (holder->node != NULL)
		plan_outside(step, match_node(holder->node, step->allocation));
	/* who only looks on owns nothing */
	if (strcmp(address->instance, holder->instance->id) != 0 &&
	    step->allocation->policy != POLICY_OBSERVE)
		step->kind = PLAN_ADOPT;
}

static void
plan_absent(struct plan_step *step)
{
	const struct allocation *allocation = step->allocation;
	const struct view_address *record = step->holder.record;
	char message[TEXT_MAX + 1];

	if (allocation->region[0] != '\0' &&
	    strcmp(allocation->region, step->holder.place.region) != 0) {
		snprintf(message, sizeof message, "%s is reserved in %s, not in %s",
		    record->address, step->holder.place.region, allocation->region);
		plan_block(step, "AddressInOtherRegion", message);
		return;
	}
	step->kind = PLAN_ATTACH;
}

static void
plan_look(struct planner *planner, struct plan_step *step)
{
	const struct allocation_address *address = plan_address(step);

	step->holder.reason = "";
	step->release = release_judge(
	    planner->scene, step->allocation, address->listed, &planner->plan->next_ms);
	if (step->release.verdict != RELEASE_NOT)
		step->heir = map_get(planner->eldest, address->address);
	if (address->intent.step == INTENT_UNKNOWN) {
		plan_block(step, "UnknownJournal",
		    "its intent is of a version that this program does not know: it is "
		    "left alone until the newer ipwarden is back");
		return;
	}
	step->owner = plan_owner(planner, address->address);
	if (step->owner == step->allocation)
		step->owner = NULL;
	holder_find(planner->scene, address, &step->holder);
	if (plan_is_open(address)) {
		step->kind = PLAN_OPEN;
		return;
	}
	if (plan_refuse(step)) {
		if (step->holder.kind == HOLDER_OURS && step->holder.node != NULL)
			planner_take(planner, step, step->holder.node->uid);
		return;
	}
	if (step->release.verdict != RELEASE_NOT) {
		planner_release(planner, step);
		return;
	}
	switch (step->holder.kind) {
	case HOLDER_UNKNOWN:
		planner_unknown(planner, step);
		return;
	case HOLDER_OURS:
		plan_ours(planner, step);
		return;
	case HOLDER_ABSENT:
		plan_absent(step);
		return;
	case HOLDER_ELSEWHERE:
	case HOLDER_NOT_FOUND:
	case HOLDER_UNFIT:
		plan_block(step, step->holder.reason, step->holder.text);
		return;
	}
}

/* --- an absent address: where to? ------------------------------------------------- */

/* Nodes that would do, were it not for how they are just now, and addresses of the
 * allocation that wait for one of them. */
static size_t
plan_waiting(const struct planner *planner, const struct allocation *allocation)
{
	size_t waiting = 0;

	for (size_t i = 0; i < planner->plan->len; i++) {
		const struct plan_step *step = &planner->plan->steps[i];

		waiting += step->allocation == allocation && step->kind == PLAN_REST &&
			   strcmp(step->reason, "NoEligibleNode") == 0 &&
			   step->state == ADDRESS_STATE_BLOCKED;
	}
	return waiting;
}

/* As many addresses as there are nodes that would do at another time wait for them; for
 * the others there is no node: they are spare. */
static void
plan_no_target(struct planner *planner, struct plan_step *step,
    const struct eligible_counts *counts)
{
	size_t nodes_later = counts->no[ELIGIBLE_LEAVING] +
			     counts->no[ELIGIBLE_NOT_READY] +
			     counts->no[ELIGIBLE_UNSEEN] + counts->no[ELIGIBLE_FAILED];
	bool spare = counts->no[ELIGIBLE_HOLDS] > 0 &&
		     plan_waiting(planner, step->allocation) >= nodes_later;
	char message[TEXT_MAX + 1];

	eligible_describe(counts, message, sizeof message);
	if (!spare) {
		plan_block(step, "NoEligibleNode", message);
		return;
	}
	planner_rest(step, ADDRESS_STATE_SPARE,
	    counts->no[ELIGIBLE_HOLDS] > counts->own ? "NodeHoldsAnother" : "Spare",
	    message);
}

static void
plan_attach(struct planner *planner, struct plan_step *step)
{
	struct eligible_query query = {
	    .scene = planner->scene,
	    .allocation = step->allocation,
	    .address = plan_address(step),
	    .place = &step->holder.place,
	    .except = "",
	    .taken = planner->taken,
	};
	struct eligible_counts counts;
	char message[TEXT_MAX + 1];
	const char *brake;

	if (!eligible_choose(&query, &step->target, &counts)) {
		plan_no_target(planner, step, &counts);
		return;
	}
	planner_take(planner, step, step->target.node->uid);
	snprintf(
	    message, sizeof message, "to be attached to %s", step->target.node->name);
	planner_say(step, ADDRESS_STATE_ATTACHING, "Attaching", message);
	brake = plan_brake(step->allocation);
	if (brake != NULL)
		planner_rest(step, ADDRESS_STATE_PENDING, brake, message);
}

bool
plan_is_promised(const struct scene *scene, const struct allocation_address *except,
    const char *node_uid)
{
	const char *uids[PLAN_NAMED];

	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation *allocation = scene->allocations[i];

		for (size_t j = 0; j < allocation->addresses_len; j++) {
			if (&allocation->addresses[j] == except)
				continue;
			plan_named(&allocation->addresses[j], uids);
			for (size_t k = 0; k < PLAN_NAMED; k++)
				if (strcmp(uids[k], node_uid) == 0)
					return true;
		}
	}
	return false;
}

/* Where the statuses say that addresses are. */
static void
plan_take_attached(struct map *taken, const struct scene *scene,
    const struct allocation_address *except)
{
	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation *allocation = scene->allocations[i];

		for (size_t j = 0; j < allocation->addresses_len; j++) {
			const struct allocation_address *address =
			    &allocation->addresses[j];

			if (address != except &&
			    (address->state == ADDRESS_STATE_ATTACHED ||
				address->state == ADDRESS_STATE_DRAINING))
				plan_take(taken, allocation, address->node_uid);
		}
	}
}

bool
plan_choose(const struct scene *scene, const struct allocation *allocation,
    const struct allocation_address *address, const struct place *place,
    const char *except, struct target *ret_target, char *ret_message,
    size_t message_size)
{
	struct map *taken = map_new(NULL);
	struct eligible_query query = {
	    .scene = scene,
	    .allocation = allocation,
	    .address = address,
	    .place = place,
	    .except = except,
	    .taken = taken,
	};
	struct eligible_counts counts;
	bool found;

	plan_take_open(taken, scene, address);
	plan_take_attached(taken, scene, address);
	found = eligible_choose(&query, ret_target, &counts);
	if (!found)
		eligible_describe(&counts, ret_message, message_size);
	map_free(taken);
	return found;
}
