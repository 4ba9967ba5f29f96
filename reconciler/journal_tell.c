/* What is told of an intent that has come to its end. */
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "journal.h"
#include "trail.h"

/* A predecessor's detach has left no time: nothing is said of it then. */
static void
journal_tell_moved(struct act *act, const struct intent *intent)
{
	const struct item *item = act->item;
	struct event_object workload =
	    events_about_workload(item->allocation, item->workload_uid);
	int64_t from_ms = act->slot->nowhere_since.ms;
	int64_t to_ms = orders_ended(act->core, intent->request_attach).ms;
	char message[TEXT_MAX + 1], nowhere[64] = "";

	if (from_ms != 0 && to_ms >= from_ms) {
		trail_metric(act->core, GAUGE_OBSERVE, METRIC_NOWHERE_SECONDS,
		    (double)(to_ms - from_ms) / 1000.0, item->name, NULL, NULL);
		snprintf(nowhere, sizeof nowhere, ", nowhere for %lld s",
		    (long long)((to_ms - from_ms + 999) / 1000));
	}
	snprintf(message, sizeof message, "%s moved %.200s→%.200s%s",
	    act->entry->address, intent->from.node, intent->to.node, nowhere);
	act_event_on(act, intent->to.node, intent->to.node_uid, "Normal", "Moved", "%s",
	    message);
	if (workload.kind != NULL)
		events_tell(
		    act->core, item->allocation, &workload, "Normal", "Moved", message);
}

void
journal_tell(struct act *act, const struct intent *intent)
{
	if (intent->from.instance[0] != '\0' &&
	    strcmp(intent->from.instance, intent->to.instance) != 0)
		journal_tell_moved(act, intent);
	else
		act_event_on(act, intent->to.node, intent->to.node_uid, "Normal",
		    "Attached", "%s attached to %s", act->entry->address,
		    intent->to.node);
	act->slot->nowhere_since.ms = 0;
	trail_reconciled(act->core, act->item->name, true, act->slot->needed_at);
	act->slot->needed_at.ms = 0;
}
