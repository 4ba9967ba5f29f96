/* An open intent, carried on from three things only: the journal, a fresh observation,
 * and what is known of its orders. So it does not matter whether the program that began
 * it is the one that goes on. */
#include <stdio.h>
#include <string.h>

#include "act.h"
#include "check.h"
#include "labels.h"
#include "orders.h"
#include "trail.h"

/* A node on which an attach failed is left out for so long. */
#define JOURNAL_AVOID_MS 60000
/* Tries to give an ephemeral address back whose outcome stays unknown. */
#define JOURNAL_GIVE_TRIES_MAX 5u
/* The name of an access config that nobody will look for by name; CLOUDS.md §1.1. */
#define JOURNAL_EPHEMERAL_FENCE "external-nat"

/* What became of a request of the intent. */
enum journal_outcome {
	JOURNAL_SEND,	/* never sent, or outcome unknown: (again) with this id */
	JOURNAL_WAIT,	/* under way, or backing off */
	JOURNAL_FAILED, /* definitely */
	JOURNAL_RENEW,	/* it ended, yet its effect is not there: needs a fresh id */
};

static void journal_detach(struct act *act);
static void journal_ephemeral(struct act *act);
static void journal_attach(struct act *act);
static void journal_finish(struct act *act);
static void journal_abandon(struct act *act);
static void journal_retarget(struct act *act, const char *reason, const char *message);

static bool
journal_holds(const struct holder *holder, const struct intent_place *place)
{
	return holder->kind == HOLDER_OURS && place->instance[0] != '\0' &&
	       strcmp(holder->instance->id, place->instance) == 0;
}

void
journal_step(struct act *act)
{
	const struct intent *intent = &act->entry->intent;
	const struct holder *holder = &act->step->holder;

	if (holder->kind == HOLDER_UNKNOWN)
		return;
	if (journal_holds(holder, &intent->to)) {
		journal_finish(act);
		return;
	}
	if (holder->kind != HOLDER_ABSENT && !journal_holds(holder, &intent->from)) {
		journal_abandon(act);
		return;
	}
	switch (intent->step) {
	case INTENT_DETACH:
		journal_detach(act);
		return;
	case INTENT_EPHEMERAL:
		journal_ephemeral(act);
		return;
	case INTENT_ATTACH:
		journal_attach(act);
		return;
	case INTENT_NONE:
	case INTENT_UNKNOWN:
		return;
	}
}

/* --- orders ----------------------------------------------------------------------- */

static enum journal_outcome
journal_outcome(struct act *act, const char *request_id, struct order **ret_order)
{
	struct order *order = orders_find(act->core, request_id);
	int64_t age_ms = act->core->now.wall.ms - act->entry->intent.since.ms;

	*ret_order = order;
	if (order != NULL && order->open)
		return JOURNAL_WAIT;
	if (order != NULL && order->outcome == OUTCOME_FAILED)
		return JOURNAL_FAILED;
	if (order != NULL && order->outcome == OUTCOME_REFUSED &&
	    act->slot->refusals >= REFUSALS_MAX)
		return JOURNAL_FAILED;
	if (backoff_waits(act->core, &act->slot->backoff))
		return JOURNAL_WAIT;
	if ((order != NULL && order->outcome == OUTCOME_DONE) ||
	    age_ms >= REQUEST_AGE_MAX_MS || request_id[0] == '\0')
		return JOURNAL_RENEW;
	return JOURNAL_SEND;
}

/* Sends the order of a journaled request; a repeat backs off first. False: not now. */
static bool
journal_order(struct act *act, enum order_kind kind, const struct intent_place *place,
    const char *address, const char *fence, const char *request_id)
{
	struct order *before = orders_find(act->core, request_id);
	bool refused = before != NULL && before->outcome == OUTCOME_REFUSED;
	struct order_wish wish = {
	    .kind = kind,
	    .project = place->project,
	    .zone = place->zone,
	    .instance = place->instance,
	    .address = address,
	    .fence = fence,
	    .request_id = request_id,
	    .owner = act->item->name,
	    .about = act->entry->address,
	    .why = act->entry->message,
	};

	if (act->item->allocation->policy == POLICY_OBSERVE ||
	    !orders_send(act->core, &wish))
		return false;
	act->slot->refusals += refused;
	act_back_off(act);
	return true;
}

/* The zone as it was seen since the address last changed? */
static bool
journal_sees(const struct act *act, const char *project, const char *zone)
{
	const char *reason, *message;

	return view_fresh(act->scene->view,
	    view_scope(act->scene->view, SCOPE_ZONE, project, zone),
	    act->entry->address, act->core->now.mono, &reason, &message);
}

/* A definite failure takes a fresh request id, journaled before it is used. */
static void
journal_renew(struct act *act, char *request_id)
{
	effects_uuid(&act->core->effects, request_id);
	act->entry->intent.since = act->core->now.wall;
	act->slot->refusals = 0;
	act_back_off(act);
}

static const struct view_instance *
journal_instance(
    const struct act *act, const char *project, const char *zone, const char *id)
{
	if (!journal_sees(act, project, zone))
		return NULL;
	return view_instance_by_id(
	    view_scope(act->scene->view, SCOPE_ZONE, project, zone), id);
}

/* --- taking it off ---------------------------------------------------------------- */

/* Nothing was taken: the intent ends, and the plan looks anew. */
static void
journal_cancel(struct act *act, const char *reason, const char *message)
{
	if (reason[0] != '\0')
		act_event(act, "Warning", "Refused", "%s stays on %s: %s: %.300s",
		    act->entry->address, act->entry->intent.from.node, reason, message);
	act_back_off(act);
	act_close(act);
	act_state(act, ADDRESS_STATE_ATTACHED, "Attached", "the move was given up");
}

/* The order goes out only right after fresh reads allowed it, each time. */
static bool
journal_allowed(struct act *act)
{
	const struct intent *intent = &act->entry->intent;
	struct slot *slot = act->slot;

	switch (check_state_of(act->core, slot, intent->from.instance)) {
	case CHECK_PASSED:
		return true;
	case CHECK_RUNNING:
		return false;
	case CHECK_NONE:
		check_start(act->core, act->item, slot, intent->from.node,
		    intent->from.node_uid, act->step->holder.instance);
		return false;
	case CHECK_FAILED:
		break;
	}
	return false;
}

static void
journal_detached(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	char message[TEXT_MAX + 1];

	act_event_on(act, intent->from.node, intent->from.node_uid, "Normal",
	    "Detached", "%s taken off %s", act->entry->address, intent->from.node);
	act->slot->nowhere_since = orders_ended(act->core, intent->request_detach);
	intent->step = INTENT_ATTACH;
	act->slot->refusals = 0;
	snprintf(message, sizeof message, "off %.200s, to be attached to %.200s",
	    intent->from.node, intent->to.node);
	act_state(act, ADDRESS_STATE_ATTACHING, "Moving", message);
	backoff_clear(&act->slot->backoff);
}

static void
journal_detach(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	struct order *order;

	if (act->step->holder.kind == HOLDER_ABSENT) {
		journal_detached(act);
		return;
	}
	order = orders_find(act->core, intent->request_detach);
	if ((order == NULL || !order->open) &&
	    check_state_of(act->core, act->slot, intent->from.instance) ==
		CHECK_FAILED) {
		journal_cancel(act, "", "");
		return;
	}
	switch (journal_outcome(act, intent->request_detach, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_cancel(act, order->reason, order->message);
		return;
	case JOURNAL_RENEW:
		journal_renew(act, intent->request_detach);
		return;
	case JOURNAL_SEND:
		break;
	}
	if (act->item->allocation->policy != POLICY_SYNC) {
		journal_cancel(act, "", "");
		return;
	}
	if (!act->complete || !journal_allowed(act) ||
	    !labels_are_off(act->core, act->step->holder.node, act->entry->address))
		return;
	journal_order(act, ORDER_DETACH, &intent->from, act->entry->address,
	    intent->from.fence, intent->request_detach);
}

/* --- making room at the target ---------------------------------------------------- */

/* The target as it is now. False: it will not do (told, and another one is sought), or
 * it cannot be seen now. */
static bool
journal_target(struct act *act, const struct view_instance **ret_instance)
{
	const struct intent_place *to = &act->entry->intent.to;
	const struct world_node *node = world_node(act->scene->world, to->node);
	const struct view_instance *instance =
	    journal_instance(act, to->project, to->zone, to->instance);

	if (!journal_sees(act, to->project, to->zone))
		return false;
	if (instance == NULL || instance->state == INSTANCE_STOPPED ||
	    (act->complete && (node == NULL || strcmp(node->uid, to->node_uid) != 0))) {
		journal_retarget(act, "NodeGone", "the node or its instance is gone");
		return false;
	}
	if (instance->address[0] != '\0' &&
	    view_reserved(act->scene->view, instance->address)) {
		journal_retarget(
		    act, "NodeHoldsAnother", "it holds another reserved address");
		return false;
	}
	*ret_instance = instance;
	return true;
}

/* Whether its region was looked at since the journal called the address ephemeral. */
static bool
journal_is_sure(const struct act *act)
{
	const struct intent *intent = &act->entry->intent;
	const struct view *view = act->scene->view;
	const char *reason, *message;
	char region[PLACE_MAX + 1];

	place_region_of(intent->to.zone, region, sizeof region);
	return view_fresh(view,
	    view_scope(view, SCOPE_REGION, intent->to.project, region),
	    intent->ephemeral, act->core->now.mono, &reason, &message);
}

/* The target has an ephemeral address (again): it goes first. */
static void
journal_make_room(struct act *act, const struct view_instance *instance)
{
	struct intent *intent = &act->entry->intent;

	intent->step = INTENT_EPHEMERAL;
	MESSAGE_TEXT(intent->ephemeral, instance->address);
	MESSAGE_TEXT(intent->ephemeral_fence, instance->fence);
	effects_uuid(&act->core->effects, intent->request_ephemeral);
	intent->since = act->core->now.wall;
	act->slot->refusals = 0;
	act_suspect(act);
}

static void
journal_ephemeral(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	const struct view_instance *instance;
	struct order *order;

	if (act->step->holder.kind != HOLDER_ABSENT) {
		journal_abandon(act);
		return;
	}
	if (!journal_target(act, &instance))
		return;
	if (instance->address[0] == '\0') {
		intent->ephemeral_taken = true;
		intent->step = INTENT_ATTACH;
		act->slot->refusals = 0;
		backoff_clear(&act->slot->backoff);
		return;
	}
	if (strcmp(instance->address, intent->ephemeral) != 0) {
		journal_make_room(act, instance);
		return;
	}
	if (!journal_is_sure(act))
		return;
	switch (journal_outcome(act, intent->request_ephemeral, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_retarget(act, order->reason, order->message);
		return;
	case JOURNAL_RENEW:
		journal_renew(act, intent->request_ephemeral);
		return;
	case JOURNAL_SEND:
		journal_order(act, ORDER_DETACH, &intent->to, intent->ephemeral,
		    intent->ephemeral_fence, intent->request_ephemeral);
		return;
	}
}

/* --- putting it on ---------------------------------------------------------------- */

static void
journal_attach(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	const struct view_instance *instance;
	struct order *order;

	if (act->step->holder.kind != HOLDER_ABSENT) {
		journal_abandon(act);
		return;
	}
	switch (journal_outcome(act, intent->request_attach, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_retarget(act, order->reason, order->message);
		return;
	case JOURNAL_RENEW:
		if (journal_target(act, &instance))
			journal_renew(act, intent->request_attach);
		return;
	case JOURNAL_SEND:
		break;
	}
	if (!journal_target(act, &instance))
		return;
	if (instance->address[0] != '\0') {
		journal_make_room(act, instance);
		return;
	}
	journal_order(act, ORDER_ATTACH, &intent->to, act->entry->address,
	    intent->fence, intent->request_attach);
}

/* --- giving an ephemeral address back --------------------------------------------- */

/* Best effort: true when there is nothing (more) to do for that instance. */
static bool
journal_give(struct act *act, const char *project, const char *zone, const char *id)
{
	const struct view_instance *instance = journal_instance(act, project, zone, id);
	struct slot *slot = act->slot;
	struct intent_place place = {0};
	const struct order *order;

	if (zone[0] != '\0' && !journal_sees(act, project, zone))
		return false;
	if (instance == NULL || instance->state != INSTANCE_RUNNING ||
	    instance->address[0] != '\0' ||
	    slot->give_tries >= JOURNAL_GIVE_TRIES_MAX ||
	    act->item->allocation->policy == POLICY_OBSERVE)
		return true;
	if (slot->give_request[0] == '\0')
		effects_uuid(&act->core->effects, slot->give_request);
	order = orders_find(act->core, slot->give_request);
	if (order != NULL && order->open)
		return false;
	if (order != NULL && order->outcome == OUTCOME_FAILED) {
		act_event(act, "Warning", "Refused",
		    "no ephemeral address for %s: %s: %.300s", id, order->reason,
		    order->message);
		return true;
	}
	if (order != NULL && order->outcome == OUTCOME_DONE)
		return true;
	if (backoff_waits(act->core, &slot->backoff))
		return false;
	MESSAGE_TEXT(place.project, project);
	MESSAGE_TEXT(place.zone, zone);
	MESSAGE_TEXT(place.instance, id);
	if (journal_order(act, ORDER_EPHEMERAL, &place, "", JOURNAL_EPHEMERAL_FENCE,
		slot->give_request))
		slot->give_tries++;
	return false;
}

/* The target that is given up gets back what we took off it. */
static bool
journal_given_back(struct act *act)
{
	struct intent *intent = &act->entry->intent;

	if (!intent->ephemeral_taken)
		return true;
	if (!journal_give(
		act, intent->to.project, intent->to.zone, intent->to.instance))
		return false;
	intent->ephemeral_taken = false;
	act->slot->give_request[0] = '\0';
	act->slot->give_tries = 0;
	return true;
}

/* So does the node that the address left. */
static bool
journal_left_well(struct act *act)
{
	struct allocation_address *entry = act->entry;

	if (!entry->ephemeral_taken ||
	    strcmp(entry->instance, entry->intent.to.instance) == 0)
		return true;
	if (!journal_give(act, entry->project, entry->zone, entry->instance))
		return false;
	entry->ephemeral_taken = false;
	return true;
}

/* --- other ends ------------------------------------------------------------------- */

/* The node that it came from, if it can have it back. */
static bool
journal_back(const struct act *act, struct target *ret_target)
{
	const struct intent_place *from = &act->entry->intent.from;
	struct target target = {
	    .node = world_node(act->scene->world, from->node),
	    .instance =
		journal_instance(act, from->project, from->zone, from->instance),
	};

	if (from->instance[0] == '\0' || target.node == NULL ||
	    target.instance == NULL || strcmp(target.node->uid, from->node_uid) != 0 ||
	    target.instance->state != INSTANCE_RUNNING ||
	    strcmp(from->instance, act->entry->intent.to.instance) == 0)
		return false;
	if (target.instance->address[0] != '\0' &&
	    view_reserved(act->scene->view, target.instance->address))
		return false;
	target.ephemeral = target.instance->address[0] != '\0';
	*ret_target = target;
	return true;
}

static void
journal_failed(struct act *act, const char *reason, const char *message)
{
	const struct intent *intent = &act->entry->intent;
	struct slot *slot = act->slot;
	struct mono_time until = {act->core->now.mono.ms + JOURNAL_AVOID_MS};

	MESSAGE_TEXT(slot->failure_reason, reason[0] != '\0' ? reason : "Refused");
	snprintf(slot->failure, sizeof slot->failure, "%.120s: %.380s", intent->to.node,
	    message);
	world_note(act->core->world, NOTE_ATTACH_FAILED, act->entry->address,
	    intent->to.node_uid, until);
	core_wake_at(act->core, until.ms);
	trail_metric(act->core, GAUGE_ADD, METRIC_RECONCILE_TOTAL, 1.0, act->item->name,
	    "error", NULL);
	act_event(act, "Warning", "Refused", "%s cannot go to %s: %s: %.300s",
	    act->entry->address, intent->to.node, slot->failure_reason, message);
	act_back_off(act);
}

/* The target will not do: the next eligible node, then back, else the plan waits. */
static void
journal_retarget(struct act *act, const char *reason, const char *message)
{
	struct intent_place from = act->entry->intent.from;
	struct target target;
	char counts[TEXT_MAX + 1], text[TEXT_MAX + 1];

	if (!act->complete || !journal_given_back(act))
		return;
	journal_failed(act, reason, message);
	if (plan_choose(act->scene, act->item->allocation, act->entry,
		&act->step->holder.place, act->entry->intent.to.node_uid, &target,
		counts, sizeof counts) ||
	    journal_back(act, &target)) {
		act_begin(act, &from, &target);
		snprintf(text, sizeof text, "to be attached to %s", target.node->name);
		act_state(act, ADDRESS_STATE_ATTACHING, "Retrying", text);
		return;
	}
	act_close(act);
	snprintf(text, sizeof text, "%.250s; %.250s", act->slot->failure, counts);
	act_state(act, ADDRESS_STATE_BLOCKED, act->slot->failure_reason, text);
}

/* Somebody else put the address somewhere: it is not ours to finish. */
static void
journal_abandon(struct act *act)
{
	const struct holder *holder = &act->step->holder;
	char text[TEXT_MAX + 1];

	if (!journal_given_back(act))
		return;
	message_text(text, sizeof text,
	    holder->kind == HOLDER_OURS ? holder->place.instance : holder->text);
	act_event(
	    act, "Warning", "TakenDuringMove", "%s: %.400s", act->entry->address, text);
	act_close(act);
	act_state(act, ADDRESS_STATE_PENDING, "TakenDuringMove", text);
}

/* --- there ------------------------------------------------------------------------ */

/* Observed at the target: labels on, debts paid, closed. */
static void
journal_finish(struct act *act)
{
	struct allocation_address *entry = act->entry;
	const struct holder *holder = &act->step->holder;
	struct intent intent = entry->intent;
	char message[TEXT_MAX + 1];

	if (!act->complete ||
	    (act->item->allocation->policy != POLICY_OBSERVE &&
		!labels_are_on(
		    act->core, holder->node, entry->address, act->item->name)) ||
	    !journal_left_well(act))
		return;
	act_holder(act, holder);
	if (intent.ephemeral_taken)
		entry->ephemeral_taken = true;
	act_close(act);
	snprintf(message, sizeof message, "on %s", intent.to.node);
	act_state(act, ADDRESS_STATE_ATTACHED, "Attached", message);
	act->slot->failure_reason[0] = '\0';
	act->slot->give_request[0] = '\0';
	act->slot->give_tries = 0;
	backoff_clear(&act->slot->backoff);
	journal_tell(act, &intent);
}
