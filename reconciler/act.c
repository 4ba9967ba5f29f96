#include "act.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "events.h"
#include "finalizer.h"
#include "items.h"
#include "journal.h"
#include "match.h"

/* --- the draft -------------------------------------------------------------------- */

void
act_state(
    struct act *act, enum address_state state, const char *reason, const char *message)
{
	struct allocation_address *entry = act->entry;

	if (entry->state != state || entry->since.ms == 0)
		entry->since = act->core->now.wall;
	entry->state = state;
	MESSAGE_TEXT(entry->reason, reason);
	MESSAGE_TEXT(entry->message, message);
}

static void
act_tell(struct act *act, const char *node, const char *node_uid, const char *type,
    const char *reason, const char *message)
{
	const struct allocation *allocation = act->item->allocation;
	struct event_object about = events_about_node(node, node_uid);

	if (act->events >= ACT_EVENTS_MAX)
		return;
	act->events++;
	events_tell(act->core, allocation, NULL, type, reason, message);
	if (place_name_sound(node))
		events_tell(act->core, allocation, &about, type, reason, message);
}

void
act_event(
    struct act *act, const char *type, const char *reason, const char *format, ...)
{
	char message[TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	act_tell(act, "", "", type, reason, message);
}

void
act_event_on(struct act *act, const char *node, const char *node_uid, const char *type,
    const char *reason, const char *format, ...)
{
	char message[TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	act_tell(act, node, node_uid, type, reason, message);
}

void
act_back_off(struct act *act)
{
	backoff_fail(&act->slot->backoff, act->core->now.mono);
}

void
act_holder(struct act *act, const struct holder *holder)
{
	struct allocation_address *entry = act->entry;

	if (strcmp(entry->instance, holder->instance->id) != 0) {
		entry->ephemeral_taken = false;
		entry->outside_generation = 0;
	}
	MESSAGE_TEXT(entry->instance, holder->instance->id);
	MESSAGE_TEXT(entry->project, holder->place.project);
	MESSAGE_TEXT(entry->zone, holder->place.zone);
	MESSAGE_TEXT(entry->fence, holder->instance->fence);
	if (holder->node == NULL)
		return;
	MESSAGE_TEXT(entry->node, holder->node->name);
	MESSAGE_TEXT(entry->node_uid, holder->node->uid);
}

/* What the status has of the address is no longer so, or not ours to have. */
static void
act_disown(struct allocation_address *entry)
{
	entry->instance[0] = '\0';
	entry->project[0] = '\0';
	entry->zone[0] = '\0';
	entry->fence[0] = '\0';
	entry->ephemeral_taken = false;
	entry->outside_generation = 0;
}

void
act_no_holder(struct act *act)
{
	act_disown(act->entry);
	act->entry->node[0] = '\0';
	act->entry->node_uid[0] = '\0';
}

static void
act_target_place(const struct target *target, struct intent_place *place)
{
	*place = (struct intent_place){0};
	MESSAGE_TEXT(place->node, target->node->name);
	MESSAGE_TEXT(place->node_uid, target->node->uid);
	MESSAGE_TEXT(place->project, target->node->place.project);
	MESSAGE_TEXT(place->zone, target->node->place.zone);
	MESSAGE_TEXT(place->instance, target->instance->id);
}

void
act_suspect(struct act *act)
{
	const struct intent *intent = &act->entry->intent;

	view_require(act->core->view, intent->ephemeral);
	view_touch(act->core->view, intent->to.project, intent->to.zone);
}

void
act_begin(struct act *act, const struct intent_place *from, const struct target *target)
{
	const struct effects *effects = &act->core->effects;
	struct intent intent = {.step = INTENT_ATTACH};

	effects_uuid(effects, intent.id);
	snprintf(intent.fence, sizeof intent.fence, "ipw-%.40s", intent.id);
	effects_uuid(effects, intent.request_attach);
	act_target_place(target, &intent.to);
	if (target->ephemeral) {
		intent.step = INTENT_EPHEMERAL;
		effects_uuid(effects, intent.request_ephemeral);
		MESSAGE_TEXT(intent.ephemeral, target->instance->address);
		MESSAGE_TEXT(intent.ephemeral_fence, target->instance->fence);
	}
	if (from != NULL)
		intent.from = *from;
	intent.since = act->core->now.wall;
	act->entry->intent = intent;
	if (target->ephemeral)
		act_suspect(act);
	act->slot->refusals = 0;
	act_give_anew(act);
	if (act->slot->needed_at.ms == 0)
		act->slot->needed_at = act->core->now.mono;
}

void
act_give_anew(struct act *act)
{
	act->slot->give_request[0] = '\0';
	act->slot->give_tries = 0;
}

void
act_close(struct act *act)
{
	act->entry->intent = (struct intent){.step = INTENT_NONE};
	act->slot->refusals = 0;
}

/* --- what a plan says ------------------------------------------------------------- */

/* Who takes an address over in place takes over what its node is owed, too. */
static bool
act_inherits_ephemeral(const struct act *act)
{
	const struct scene *scene = act->scene;

	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation_address *other =
		    allocation_find(scene->allocations[i], act->entry->address);

		if (other != NULL && other != act->entry && other->ephemeral_taken &&
		    strcmp(other->instance, act->step->holder.instance->id) == 0)
			return true;
	}
	return false;
}

static void
act_adopt(struct act *act)
{
	const struct plan_step *step = act->step;

	act_holder(act, &step->holder);
	if (step->holder.node != NULL &&
	    match_node(step->holder.node, step->allocation) != MATCH_YES)
		act->entry->outside_generation = step->allocation->generation;
	if (act_inherits_ephemeral(act))
		act->entry->ephemeral_taken = true;
	act_state(act, step->state, step->reason, step->message);
	act->slot->failure_reason[0] = '\0';
	act_event_on(act, act->entry->node, act->entry->node_uid, "Normal", "Adopted",
	    "%s found on %s, %s%.400s", act->entry->address,
	    step->holder.place.instance,
	    step->release.verdict == RELEASE_NOT ? "left there" : "to be released: ",
	    step->release.verdict == RELEASE_NOT ? "" : step->message);
}

/* Who only looks on says where an address is, and holds nothing. */
static void
act_look_on(struct act *act, const struct holder *holder)
{
	struct allocation_address *entry = act->entry;

	if (strcmp(entry->instance, holder->instance->id) != 0)
		act_disown(entry);
	MESSAGE_TEXT(entry->node, holder->node != NULL ? holder->node->name : "");
	MESSAGE_TEXT(entry->node_uid, holder->node != NULL ? holder->node->uid : "");
}

/* What made the last attempt fail says more than that no node is left. */
static void
act_rest_message(
    const struct act *act, char *reason, size_t reason_size, char *message, size_t size)
{
	const struct plan_step *step = act->step;
	const struct slot *slot = act->slot;

	message_text(reason, reason_size, step->reason);
	message_text(message, size, step->message);
	/* Each failed look has its own words ("after 3001 milliseconds"): the first
	 * will do for all of them. */
	if (step->state == ADDRESS_STATE_UNKNOWN &&
	    act->entry->state == ADDRESS_STATE_UNKNOWN &&
	    strcmp(act->entry->reason, reason) == 0)
		message_text(message, size, act->entry->message);
	if (strcmp(step->reason, "NoEligibleNode") != 0 ||
	    slot->failure_reason[0] == '\0' || step->holder.kind != HOLDER_ABSENT)
		return;
	message_text(reason, reason_size, slot->failure_reason);
	snprintf(message, size, "%.250s; %.250s", slot->failure, step->message);
}

/* Handed over or released, it is not taken back. */
static bool
act_is_let_go(const struct act *act)
{
	return act->step->release.verdict != RELEASE_NOT &&
	       act->entry->instance[0] == '\0';
}

static void
act_rest(struct act *act)
{
	const struct plan_step *step = act->step;
	char reason[REASON_MAX + 1], message[TEXT_MAX + 1];
	bool news;

	act_rest_message(act, reason, sizeof reason, message, sizeof message);
	news = strcmp(act->entry->reason, reason) != 0;
	if (step->holder.kind == HOLDER_OURS && step->state != ADDRESS_STATE_BLOCKED &&
	    step->state != ADDRESS_STATE_UNKNOWN && !act_is_let_go(act)) {
		if (step->allocation->policy == POLICY_OBSERVE)
			act_look_on(act, &step->holder);
		else
			act_holder(act, &step->holder);
	}
	act_state(act, step->state, reason, message);
	if (step->state == ADDRESS_STATE_ATTACHED) {
		act->slot->failure_reason[0] = '\0';
		act->slot->needed_at.ms = 0;
	}
	if (news && step->state == ADDRESS_STATE_DRAINING &&
	    strcmp(reason, "InUse") == 0)
		act_event_on(act, act->entry->node, act->entry->node_uid, "Normal",
		    "Held", "%s %.400s", act->entry->address, message);
	/* what is wrong with the allocation itself is told once */
	if (news && step->degraded && act->item->allocation->refusal_reason[0] == '\0')
		act_event(
		    act, "Warning", reason, "%s: %.400s", act->entry->address, message);
}

/* An entry of the list that is no usable address is told of when it is new. */
static void
act_hold(struct act *act)
{
	struct allocation_address *entry = act->entry;

	if (allocation_address_usable(entry) || entry->since.ms != 0)
		return;
	entry->since = act->core->now.wall;
	act_event(act, "Warning", entry->reason, "%.500s", entry->message);
}

static void
act_attach(struct act *act)
{
	const struct plan_step *step = act->step;

	if (backoff_waits(act->core, &act->slot->backoff) ||
	    plan_is_promised(act->scene, act->entry, step->target.node->uid))
		return;
	act_begin(act, NULL, &step->target);
	act_state(act, ADDRESS_STATE_ATTACHING, "Attaching", step->message);
}

static void
act_from_place(const struct act *act, struct intent_place *place)
{
	const struct holder *holder = &act->step->holder;

	*place = (struct intent_place){0};
	if (holder->node != NULL) {
		MESSAGE_TEXT(place->node, holder->node->name);
		MESSAGE_TEXT(place->node_uid, holder->node->uid);
	} else {
		MESSAGE_TEXT(place->node, act->entry->node);
		MESSAGE_TEXT(place->node_uid, act->entry->node_uid);
	}
	MESSAGE_TEXT(place->project, holder->place.project);
	MESSAGE_TEXT(place->zone, holder->place.zone);
	MESSAGE_TEXT(place->instance, holder->instance->id);
	MESSAGE_TEXT(place->fence, holder->instance->fence);
}

bool
act_is_checked(
    struct act *act, enum check_purpose purpose, const struct intent_place *from)
{
	const struct holder *holder = &act->step->holder;

	switch (check_state_of(act->core, act->slot, purpose, from->instance)) {
	case CHECK_PASSED:
		return true;
	case CHECK_RUNNING:
		break;
	case CHECK_NONE:
	case CHECK_FAILED:
		check_start(act->core, act->item, act->slot, purpose,
		    from->node[0] != '\0' ? from->node : holder->place.instance,
		    from->node_uid, holder->instance);
		break;
	}
	return false;
}

/* The last moves went back to where they began: it is nowhere each time. */
static bool
act_stays(struct act *act)
{
	const struct slot *slot = act->slot;

	if (act->core->now.mono.ms >= slot->stays_until.ms)
		return false;
	core_wake_at(act->core, slot->stays_until.ms);
	act_state(act, ADDRESS_STATE_DRAINING, slot->failure_reason, slot->failure);
	return true;
}

/* Its state stays what it was until the reads allow it. */
static void
act_move(struct act *act)
{
	const struct plan_step *step = act->step;
	struct intent_place from;

	act_holder(act, &step->holder);
	if (act_stays(act))
		return;
	if (backoff_waits(act->core, &act->slot->backoff) ||
	    plan_is_promised(act->scene, act->entry, step->target.node->uid)) {
		act_state(act, ADDRESS_STATE_DRAINING, "Moving", step->message);
		return;
	}
	act_from_place(act, &from);
	if (!act_is_checked(act, CHECK_MOVE, &from))
		return;
	act_begin(act, &from, &step->target);
	act->entry->intent.step = INTENT_DETACH;
	act->slot->unsent = true;
	effects_uuid(&act->core->effects, act->entry->intent.request_detach);
	act_state(act, ADDRESS_STATE_DETACHING, "Moving", step->message);
}

/* Who is no longer the owner must not be the incumbent when it could be again; yet one
 * status has to say that the instance was ours. */
static void
act_give_up(struct act *act)
{
	const struct allocation *owner = act->step->owner;
	const struct allocation_address *theirs =
	    owner != NULL ? allocation_find(owner, act->entry->address) : NULL;

	if (theirs != NULL && theirs->instance[0] != '\0' &&
	    act->step->release.verdict == RELEASE_NOT &&
	    act->entry->intent.step == INTENT_NONE)
		act_disown(act->entry);
}

/* Its state stays what it was until the reads allow it: that is soon, or it was said
 * already why not. */
static void
act_release(struct act *act)
{
	const struct plan_step *step = act->step;
	struct allocation_address *entry = act->entry;
	struct slot *slot = act->slot;
	struct intent intent = {.step = INTENT_RELEASE};

	act_holder(act, &step->holder);
	if (slot->failure_reason[0] != '\0')
		act_state(
		    act, ADDRESS_STATE_DRAINING, slot->failure_reason, slot->failure);
	act_from_place(act, &intent.from);
	if (backoff_waits(act->core, &slot->backoff) ||
	    !act_is_checked(act, CHECK_RELEASE, &intent.from))
		return;
	effects_uuid(&act->core->effects, intent.id);
	effects_uuid(&act->core->effects, intent.request_detach);
	intent.since = act->core->now.wall;
	entry->intent = intent;
	slot->refusals = 0;
	slot->unsent = true;
	act_give_anew(act);
	act_state(act, step->state, step->reason, step->message);
}

/* It is nowhere: what its node is owed is known here alone. True when that is paid. */
static bool
act_pays(struct act *act)
{
	const char *brake = plan_brake(act->item->allocation);

	if (act->step->release.verdict != RELEASE_TAKE || !act->entry->ephemeral_taken)
		return true;
	act_state(act, ADDRESS_STATE_PENDING, brake != NULL ? brake : "Releasing",
	    "its node gets an ephemeral address again");
	return brake == NULL && journal_off_left_well(act);
}

/* An entry that is listed stays, and says so: the spec has it. */
static void
act_forget(struct act *act)
{
	struct plan_step *step = act->step;
	const char *address = act->entry->address;
	bool handed = strcmp(step->reason, "HandedOver") == 0;

	/* not before the other's journal has it */
	if (handed && !items_settled(map_get(act->core->items, step->heir->name))) {
		step->kind = PLAN_HOLD;
		return;
	}
	if (!handed && !act_pays(act)) {
		step->kind = PLAN_HOLD;
		return;
	}
	if (handed || (strcmp(step->reason, "Retained") == 0 &&
			  act->item->allocation->policy != POLICY_OBSERVE))
		act_event(
		    act, "Normal", step->reason, "%s %.400s", address, step->message);
	act_no_holder(act);
	act_state(act, step->state, step->reason, step->message);
}

/* What would be begun waits for the finalizer. */
static void
act_wait(struct act *act)
{
	const char *refusal = act->item->finalizer_refusal;

	if (refusal[0] == '\0' || act->step->kind == PLAN_RELEASE)
		return;
	act_state(act,
	    act->step->kind == PLAN_MOVE ? ADDRESS_STATE_DRAINING
					 : ADDRESS_STATE_PENDING,
	    REASON_FINALIZER_REFUSED, refusal);
}

static bool
act_is_begin(enum plan_kind kind)
{
	return kind == PLAN_ADOPT || kind == PLAN_ATTACH || kind == PLAN_MOVE ||
	       kind == PLAN_RELEASE;
}

/* The clock of ipwarden_event_to_action_seconds: from the event to the first order. */
static void
act_note_event(struct act *act)
{
	enum plan_kind kind = act->step->kind;

	if (kind == PLAN_ATTACH || kind == PLAN_MOVE || kind == PLAN_RELEASE) {
		if (act->slot->event_at.ms == 0)
			act->slot->event_at = act->core->pass_event_at;
	} else if (kind != PLAN_OPEN) {
		act->slot->event_at.ms = 0;
	}
}

void
act_step(struct act *act)
{
	/* Of facts that are not whole only what is open is made: it may be nowhere. */
	if (!act->complete && act->step->kind != PLAN_OPEN)
		return;
	act_give_up(act);
	act_note_event(act);
	if (!act->begins && act_is_begin(act->step->kind)) {
		act_wait(act);
		return;
	}
	switch (act->step->kind) {
	case PLAN_FORGET:
		act_forget(act);
		return;
	case PLAN_HOLD:
		act_hold(act);
		return;
	case PLAN_REST:
		act_rest(act);
		return;
	case PLAN_ADOPT:
		act_adopt(act);
		return;
	case PLAN_ATTACH:
		act_attach(act);
		return;
	case PLAN_MOVE:
		act_move(act);
		return;
	case PLAN_RELEASE:
		act_release(act);
		return;
	case PLAN_OPEN:
		journal_step(act);
		return;
	}
}
