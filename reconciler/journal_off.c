/* An open intent: taking an address off its node, and giving an ephemeral one back. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "journal.h"
#include "labels.h"
#include "trail.h"

/* After it was sent: what an order of unknown outcome has begun at the cloud has come.
 */
#define JOURNAL_OFF_LATE_MS 90000
/* Tries to give an ephemeral address back whose outcome stays unknown. */
#define JOURNAL_OFF_GIVE_TRIES_MAX 5u
/* The name of an access config that nobody will look for by name; CLOUDS.md §1.1. */
#define JOURNAL_OFF_EPHEMERAL_FENCE "external-nat"

/* --- taking it off ---------------------------------------------------------------- */

/* Nothing was taken: the intent ends, and the plan looks anew. */
static void
journal_off_cancel(struct act *act, const char *reason, const char *message)
{
	struct slot *slot = act->slot;
	bool release = act->entry->intent.step == INTENT_RELEASE;

	if (reason[0] != '\0') {
		act_event(act, "Warning", "Refused", "%s stays on %s: %s: %.300s",
		    act->entry->address, act->entry->intent.from.node, reason, message);
		act_back_off(act);
	}
	if (release && reason[0] != '\0') {
		MESSAGE_TEXT(slot->failure_reason, reason);
		MESSAGE_TEXT(slot->failure, message);
	}
	act_close(act);
	act_state(act, ADDRESS_STATE_ATTACHED, "Attached",
	    release ? "the release was given up" : "the move was given up");
}

/* What was begun is still wanted. A move is, as long as the address is. */
static bool
journal_off_is_wanted(const struct act *act)
{
	const struct plan_step *step = act->step;

	if (act->item->allocation->policy != POLICY_SYNC)
		return false;
	if (act->entry->intent.step == INTENT_DETACH)
		return step->release.verdict == RELEASE_NOT;
	return step->heir == NULL && (step->release.verdict == RELEASE_TAKE ||
					 step->release.verdict == RELEASE_WAIT);
}

static enum check_purpose
journal_off_purpose(const struct act *act)
{
	return act->entry->intent.step == INTENT_RELEASE ? CHECK_RELEASE : CHECK_MOVE;
}

static void
journal_off_detached(struct act *act)
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

void
journal_off_release(struct act *act)
{
	const struct intent *intent = &act->entry->intent;
	const struct release *release = &act->step->release;
	const char *why = release->verdict == RELEASE_TAKE ? release->text
							   : "it was no longer wanted";

	/* that it went off well says that giving back need not wait */
	if (act->slot->give_request[0] == '\0')
		backoff_clear(&act->slot->backoff);
	if (!journal_off_left_well(act))
		return;
	if (intent->from.node[0] != '\0')
		act_event_on(act, intent->from.node, intent->from.node_uid, "Normal",
		    "Detached", "%s taken off %.200s and released: %s",
		    act->entry->address, intent->from.node, why);
	act_close(act);
	act_no_holder(act);
	act_state(act, ADDRESS_STATE_PENDING, "Released", why);
	act->slot->failure_reason[0] = '\0';
	act->slot->nowhere_since.ms = 0;
	backoff_clear(&act->slot->backoff);
	trail_reconciled(act->core, act->item->name, true, (struct mono_time){0});
	/* of one that the list no longer has nothing is left to say */
	act->step->kind = PLAN_FORGET;
}

void
journal_off_detach(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	struct order *order;

	if (act->step->holder.kind == HOLDER_ABSENT) {
		if (intent->step == INTENT_RELEASE ||
		    act->step->release.verdict != RELEASE_NOT)
			journal_off_release(act);
		else
			journal_off_detached(act);
		return;
	}
	order = orders_find(act->core, intent->request_detach);
	if ((order == NULL || !order->open) &&
	    (!journal_off_is_wanted(act) ||
		check_state_of(act->core, act->slot, journal_off_purpose(act),
		    intent->from.instance) == CHECK_FAILED)) {
		journal_off_cancel(act, "", "");
		return;
	}
	switch (journal_outcome_of(act, intent->request_detach, &order)) {
	case JOURNAL_WAIT:
		return;
	case JOURNAL_FAILED:
		journal_off_cancel(act, order->reason, order->message);
		return;
	case JOURNAL_RENEW:
		journal_renew(act, intent->request_detach);
		return;
	case JOURNAL_SEND:
		break;
	}
	/* Paused, what was asked for already, by whomever, is brought to its end: the
	 * address may well be nowhere. */
	if (act->item->allocation->paused && act->slot->unsent) {
		journal_off_cancel(act, "", "");
		return;
	}
	if (act->step->release.verdict == RELEASE_WAIT || !act->complete ||
	    !act_is_checked(act, journal_off_purpose(act), &intent->from) ||
	    !labels_are_off(act->core, act->step->holder.node, act->entry->address))
		return;
	journal_order(act, ORDER_DETACH, &intent->from, act->entry->address,
	    intent->from.fence, intent->request_detach);
}

/* --- giving an ephemeral address back --------------------------------------------- */

/* Best effort: true when there is nothing (more) to do for that instance. */
static bool
journal_off_give(struct act *act, const char *project, const char *zone, const char *id)
{
	const struct view_instance *instance = journal_instance(act, project, zone, id);
	struct slot *slot = act->slot;
	struct intent_place place = {0};
	const struct order *order;

	if (zone[0] != '\0' && !journal_sees(act, project, zone))
		return false;
	if (instance == NULL || instance->address[0] != '\0' ||
	    !act->item->allocation->restore_ephemeral ||
	    act->item->allocation->policy == POLICY_OBSERVE)
		return true;
	if (instance->state != INSTANCE_RUNNING ||
	    slot->give_tries >= JOURNAL_OFF_GIVE_TRIES_MAX) {
		act_event(act, "Warning", "Refused", "no ephemeral address for %s: %s",
		    id,
		    instance->state != INSTANCE_RUNNING
			? "it does not run"
			: "given up, no try has had an effect");
		return true;
	}
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
	if (journal_order(act, ORDER_EPHEMERAL, &place, "", JOURNAL_OFF_EPHEMERAL_FENCE,
		slot->give_request))
		slot->give_tries++;
	return false;
}

/* Nothing is heard any more of the order, or of one of who led before us, and the
 * target was seen with what it was to take off: it may still do so. */
static bool
journal_off_may_come(const struct act *act, const struct order *order)
{
	const struct intent *intent = &act->entry->intent;
	const struct view_instance *target = journal_instance(
	    act, intent->to.project, intent->to.zone, intent->to.instance);
	struct mono_time sent = act->core->led;

	if (order == NULL ? act->slot->unsent : order->outcome != OUTCOME_UNKNOWN)
		return false;
	/* we may have asked first, in an earlier term, and another one after us */
	if (order != NULL && order->sent.ms > sent.ms)
		sent = order->sent;
	return target != NULL && target->address[0] != '\0' &&
	       strcmp(target->address, intent->ephemeral) == 0 &&
	       target->asked.ms < sent.ms + JOURNAL_OFF_LATE_MS;
}

/* The order that takes it off the target is awaited, and what it may have done counts
 * as done, whoever sent it. False: not yet. */
static bool
journal_off_settle(struct act *act)
{
	struct intent *intent = &act->entry->intent;
	const struct order *order = orders_find(act->core, intent->request_ephemeral);

	if (intent->step != INTENT_EPHEMERAL)
		return true;
	if ((order != NULL && order->open) || journal_off_may_come(act, order))
		return false;
	intent->ephemeral_taken |= order == NULL || order->outcome == OUTCOME_DONE ||
				   order->outcome == OUTCOME_UNKNOWN;
	return true;
}

bool
journal_off_given_back(struct act *act)
{
	struct intent *intent = &act->entry->intent;

	if (!journal_off_settle(act))
		return false;
	if (!intent->ephemeral_taken)
		return true;
	if (!journal_off_give(
		act, intent->to.project, intent->to.zone, intent->to.instance))
		return false;
	intent->ephemeral_taken = false;
	act_give_anew(act);
	return true;
}

bool
journal_off_left_well(struct act *act)
{
	struct allocation_address *entry = act->entry;
	const struct view_instance *holder = act->step->holder.instance;

	if (!entry->ephemeral_taken ||
	    (holder != NULL && strcmp(entry->instance, holder->id) == 0))
		return true;
	if (!journal_off_give(act, entry->project, entry->zone, entry->instance))
		return false;
	entry->ephemeral_taken = false;
	return true;
}
