#include "journal.h"

#include <stdio.h>
#include <string.h>

#include "handover.h"
#include "labels.h"
#include "log.h"
#include "trail.h"

/* After a move that went back, the next one waits so long; twice as long after each
 * further one, as often as that. */
#define JOURNAL_RETURN_MS   60000
#define JOURNAL_RETURNS_MAX 6u

static void journal_finish(struct act *act);

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
	if (strcmp(act->entry->reason, "Observing") == 0 &&
	    act->item->allocation->policy != POLICY_OBSERVE)
		act_state(act, act->entry->state, "Moving", "the move goes on");
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
	case INTENT_RELEASE:
		journal_off_detach(act);
		return;
	case INTENT_EPHEMERAL:
		journal_place_ephemeral(act);
		return;
	case INTENT_ATTACH:
		journal_place_attach(act);
		return;
	case INTENT_NONE:
	case INTENT_UNKNOWN:
		return;
	}
}

/* --- orders ----------------------------------------------------------------------- */

/* It ended: another time with the same id would change nothing. */
static bool
journal_is_spent(const struct order *order)
{
	return order->outcome == OUTCOME_DONE ||
	       (order->outcome == OUTCOME_UNKNOWN &&
		   strcmp(order->reason, REASON_NOT_OBSERVED) == 0);
}

enum journal_outcome
journal_outcome_of(struct act *act, const char *request_id, struct order **ret_order)
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
	if ((order != NULL && journal_is_spent(order)) ||
	    age_ms >= REQUEST_AGE_MAX_MS || request_id[0] == '\0')
		return JOURNAL_RENEW;
	return JOURNAL_SEND;
}

/* From the event that made a change needed to the first order for it. */
static void
journal_measure(struct act *act)
{
	const struct intent *intent = &act->entry->intent;
	int64_t since_ms = act->slot->event_at.ms;

	if (since_ms == 0)
		return;
	act->slot->event_at.ms = 0;
	trail_metric(act->core, GAUGE_OBSERVE, METRIC_ACTION_SECONDS,
	    (double)(act->core->now.mono.ms - since_ms) / 1000.0,
	    intent->step == INTENT_RELEASE     ? "release"
	    : intent->from.instance[0] != '\0' ? "move"
					       : "attach",
	    NULL, NULL);
}

bool
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

	if (act->item->allocation->policy == POLICY_OBSERVE) {
		act_state(act, act->entry->state, "Observing",
		    "in the middle of a move, which policy Observe holds up");
		return false;
	}
	if (kind == ORDER_DETACH && handover_before_detach(act->core,
					act->item->allocation, address, place->node))
		return false;
	if (!orders_send(act->core, &wish))
		return false;
	log_info("order_sent", LOG_S("kind", trail_order_word(kind)),
	    LOG_S("allocation", wish.owner), LOG_S("address", address),
	    LOG_S("node", place->node), LOG_S("zone", place->zone),
	    LOG_S("request", request_id));
	journal_measure(act);
	act->slot->unsent = false;
	act->slot->refusals += refused;
	act_back_off(act);
	return true;
}

bool
journal_sees(const struct act *act, const char *project, const char *zone)
{
	const char *reason, *message;

	return view_fresh(act->scene->view,
	    view_scope(act->scene->view, SCOPE_ZONE, project, zone),
	    act->entry->address, act->core->now.mono, &reason, &message);
}

void
journal_renew(struct act *act, char *request_id)
{
	effects_uuid(&act->core->effects, request_id);
	act->entry->intent.since = act->core->now.wall;
	act->slot->refusals = 0;
	act_back_off(act);
}

const struct view_instance *
journal_instance(
    const struct act *act, const char *project, const char *zone, const char *id)
{
	if (!journal_sees(act, project, zone))
		return NULL;
	return view_instance_by_id(
	    view_scope(act->scene->view, SCOPE_ZONE, project, zone), id);
}

/* --- ends ------------------------------------------------------------------------- */

void
journal_abandon(struct act *act)
{
	const struct holder *holder = &act->step->holder;
	char text[TEXT_MAX + 1];

	if (!journal_off_given_back(act) || !journal_off_left_well(act))
		return;
	message_text(text, sizeof text,
	    holder->kind == HOLDER_OURS ? holder->place.instance : holder->text);
	act_event(
	    act, "Warning", "TakenDuringMove", "%s: %.400s", act->entry->address, text);
	act_close(act);
	act_state(act, ADDRESS_STATE_PENDING, "TakenDuringMove", text);
}

/* A move that ended where it had begun is tried again later and later. */
static void
journal_count_returns(struct act *act, const struct intent *intent)
{
	struct slot *slot = act->slot;

	if (strcmp(intent->from.instance, intent->to.instance) != 0) {
		slot->failure_reason[0] = '\0';
		slot->returns = 0;
		return;
	}
	slot->stays_until.ms =
	    act->core->now.mono.ms + (JOURNAL_RETURN_MS << slot->returns);
	if (slot->returns < JOURNAL_RETURNS_MAX)
		slot->returns++;
}

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
	    !journal_off_left_well(act))
		return;
	act_holder(act, holder);
	if (intent.ephemeral_taken)
		entry->ephemeral_taken = true;
	act_close(act);
	snprintf(message, sizeof message, "on %s", intent.to.node);
	act_state(act, ADDRESS_STATE_ATTACHED, "Attached", message);
	journal_count_returns(act, &intent);
	act_give_anew(act);
	backoff_clear(&act->slot->backoff);
	journal_tell(act, &intent);
}
