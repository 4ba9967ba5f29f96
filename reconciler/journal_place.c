/* An open intent: making room at the target, putting the address on, or choosing
 * another target. */
#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "trail.h"

/* A node on which an attach failed is left out for so long. */
#define JOURNAL_PLACE_AVOID_MS 60000

/* --- making room at the target ---------------------------------------------------- */

/* The target as it is now. False: it will not do (told, and another one is sought), or
 * it cannot be seen now. */
static bool
journal_place_target(struct act *act, const struct view_instance **ret_instance)
{
	const struct intent_place *to = &act->entry->intent.to;
	const struct world_node *node = world_node(act->scene->world, to->node);
	const struct view_instance *instance =
	    journal_instance(act, to->project, to->zone, to->instance);

	if (!journal_sees(act, to->project, to->zone))
		return false;
	if (instance == NULL || instance->state == INSTANCE_STOPPED ||
	    (act->complete && (node == NULL || strcmp(node->uid, to->node_uid) != 0))) {
		journal_place_retarget(
		    act, "NodeGone", "the node or its instance is gone");
		return false;
	}
	if (instance->address[0] != '\0' &&
	    view_reserved(act->scene->view, instance->address)) {
		journal_place_retarget(
		    act, "NodeHoldsAnother", "it holds another reserved address");
		return false;
	}
	*ret_instance = instance;
	return true;
}

/* Whether its region was looked at since the journal called the address ephemeral. */
static bool
journal_place_is_sure(const struct act *act)
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

/* The target has an ephemeral address (again, when a gift arrived of which nothing was
 * heard): it goes first. */
static void
journal_place_make_room(struct act *act, const struct view_instance *instance)
{
	struct intent *intent = &act->entry->intent;

	intent->step = INTENT_EPHEMERAL;
	MESSAGE_TEXT(intent->ephemeral, instance->address);
	MESSAGE_TEXT(intent->ephemeral_fence, instance->fence);
	effects_uuid(&act->core->effects, intent->request_ephemeral);
	intent->since = act->core->now.wall;
	act->slot->refusals = 0;
	act_give_anew(act);
	act_suspect(act);
}

void
journal_place_ephemeral(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	const struct view_instance *instance;
	struct order *order;

	if (act->step->holder.kind != HOLDER_ABSENT) {
		journal_abandon(act);
		return;
	}
	if (act->step->release.verdict == RELEASE_WAIT)
		return;
	if (act->step->release.verdict != RELEASE_NOT) {
		journal_place_retarget(act, "", "");
		return;
	}
	if (!journal_place_target(act, &instance))
		return;
	if (instance->address[0] == '\0') {
		intent->ephemeral_taken = true;
		intent->step = INTENT_ATTACH;
		act->slot->refusals = 0;
		backoff_clear(&act->slot->backoff);
		return;
	}
	if (strcmp(instance->address, intent->ephemeral) != 0) {
		journal_place_make_room(act, instance);
		return;
	}
	if (!journal_place_is_sure(act))
		return;
	switch (journal_outcome_of(act, intent->request_ephemeral, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_place_retarget(act, order->reason, order->message);
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

void
journal_place_attach(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	const struct view_instance *instance;
	struct order *order;

	if (act->step->holder.kind != HOLDER_ABSENT) {
		journal_abandon(act);
		return;
	}
	switch (journal_outcome_of(act, intent->request_attach, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_place_retarget(act, order->reason, order->message);
		return;
	case JOURNAL_RENEW:
		if (journal_place_target(act, &instance))
			journal_renew(act, intent->request_attach);
		return;
	case JOURNAL_SEND:
		break;
	}
	if (!journal_place_target(act, &instance))
		return;
	if (instance->address[0] != '\0') {
		journal_place_make_room(act, instance);
		return;
	}
	journal_order(act, ORDER_ATTACH, &intent->to, act->entry->address,
	    intent->fence, intent->request_attach);
}

/* --- another target --------------------------------------------------------------- */

/* The node that it came from, if it can have it back. */
static bool
journal_place_back(const struct act *act, struct target *ret_target)
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
journal_place_failed(struct act *act, const char *reason, const char *message)
{
	const struct intent *intent = &act->entry->intent;
	struct slot *slot = act->slot;
	struct mono_time until = {act->core->now.mono.ms + JOURNAL_PLACE_AVOID_MS};

	MESSAGE_TEXT(slot->failure_reason, reason[0] != '\0' ? reason : "Refused");
	snprintf(slot->failure, sizeof slot->failure, "%.120s: %.380s", intent->to.node,
	    message);
	world_note(act->core->world, NOTE_ATTACH_FAILED, act->entry->address,
	    intent->to.node_uid, until);
	core_wake_at(act->core, until.ms);
	trail_reconciled(act->core, act->item->name, false, (struct mono_time){0});
	act_event(act, "Warning", "Refused", "%s cannot go to %s: %s: %.300s",
	    act->entry->address, intent->to.node, slot->failure_reason, message);
	act_back_off(act);
}

void
journal_place_retarget(struct act *act, const char *reason, const char *message)
{
	struct intent_place from = act->entry->intent.from;
	struct target target;
	char counts[TEXT_MAX + 1], text[TEXT_MAX + 1];

	if (!act->complete || !journal_off_given_back(act))
		return;
	if (act->step->release.verdict != RELEASE_NOT) {
		journal_off_release(act);
		return;
	}
	journal_place_failed(act, reason, message);
	if (plan_choose(act->scene, act->item->allocation, act->entry,
		&act->step->holder.place, act->entry->intent.to.node_uid, &target,
		counts, sizeof counts) ||
	    journal_place_back(act, &target)) {
		act_begin(act, &from, &target);
		snprintf(text, sizeof text, "to be attached to %s", target.node->name);
		act_state(act, ADDRESS_STATE_ATTACHING, "Retrying", text);
		return;
	}
	act_close(act);
	snprintf(text, sizeof text, "%.250s; %.250s", act->slot->failure, counts);
	act_state(act, ADDRESS_STATE_BLOCKED, act->slot->failure_reason, text);
}
