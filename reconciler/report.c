#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "labels.h"
#include "mem.h"
#include "peers.h"
#include "trail.h"

/* --- conditions ------------------------------------------------------------------- */

struct report {
	struct allocation_counts counts;
	size_t unknown, open, degraded;
	const struct allocation_address *first; /* that is not as it should be */
	const struct allocation_address *worst; /* first degraded */
	const struct allocation_address *moving;
};

static bool
report_is_there(const struct allocation_address *entry)
{
	return entry->state == ADDRESS_STATE_ATTACHED ||
	       entry->state == ADDRESS_STATE_DRAINING;
}

static bool
report_is_degraded(const struct allocation_address *entry)
{
	if (entry->state == ADDRESS_STATE_DRAINING)
		return strcmp(entry->reason, "NoEligibleNode") == 0 ||
		       strcmp(entry->reason, "WorkloadNotFound") == 0 ||
		       strcmp(entry->reason, "ManyNodesNotReady") == 0;
	return entry->state == ADDRESS_STATE_BLOCKED ||
	       entry->state == ADDRESS_STATE_UNKNOWN;
}

static void
report_gather(const struct allocation *allocation, struct report *report)
{
	*report = (struct report){0};
	allocation_count(allocation, &report->counts);
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];

		if (plan_is_open(entry)) {
			if (report->moving == NULL)
				report->moving = entry;
			report->open++;
		}
		if (!entry->listed)
			continue;
		report->unknown += entry->state == ADDRESS_STATE_UNKNOWN;
		if (!report_is_there(entry) && report->first == NULL)
			report->first = entry;
		if (!report_is_degraded(entry))
			continue;
		if (report->worst == NULL)
			report->worst = entry;
		report->degraded++;
	}
}

static void
report_one(const struct allocation_address *entry, const char *reason_default,
    char *reason, size_t reason_size, char *message, size_t size)
{
	message_text(reason, reason_size,
	    entry->reason[0] != '\0' ? entry->reason : reason_default);
	snprintf(message, size, "%s: %.440s", entry->address,
	    entry->message[0] != '\0' ? entry->message
				      : address_state_name(entry->state));
}

static void
report_accepted(struct core *core, struct allocation *allocation)
{
	const char *reason = allocation->refusal_reason;

	if (reason[0] == '\0') {
		allocation_condition(allocation, CONDITION_ACCEPTED, CONDITION_TRUE,
		    "Accepted", "the spec makes sense", core->now.wall);
		return;
	}
	if (allocation_condition(allocation, CONDITION_ACCEPTED, CONDITION_FALSE,
		reason, allocation->refusal, core->now.wall))
		events_tell(
		    core, allocation, NULL, "Warning", reason, allocation->refusal);
}

static void
report_ready(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	char reason[REASON_MAX + 1], message[TEXT_MAX + 1];
	const struct allocation_counts *counts = &report->counts;

	if (allocation->refusal_reason[0] != '\0') {
		allocation_condition(allocation, CONDITION_READY, CONDITION_FALSE,
		    allocation->refusal_reason, allocation->refusal, now);
		return;
	}
	if (report->first == NULL) {
		snprintf(message, sizeof message, "%zu of %zu attached",
		    counts->attached, counts->reserved);
		allocation_condition(allocation, CONDITION_READY, CONDITION_TRUE,
		    "AllAttached", message, now);
		return;
	}
	report_one(
	    report->first, "Pending", reason, sizeof reason, message, sizeof message);
	allocation_condition(allocation, CONDITION_READY,
	    report->unknown > 0 ? CONDITION_UNKNOWN : CONDITION_FALSE, reason, message,
	    now);
}

static void
report_progressing(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	char reason[REASON_MAX + 1], message[TEXT_MAX + 1];

	if (report->moving == NULL) {
		allocation_condition(allocation, CONDITION_PROGRESSING, CONDITION_FALSE,
		    "AtRest", "nothing is under way", now);
		return;
	}
	report_one(report->moving, "Attaching", reason, sizeof reason, message,
	    sizeof message);
	allocation_condition(
	    allocation, CONDITION_PROGRESSING, CONDITION_TRUE, reason, message, now);
}

static void
report_degraded(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	char reason[REASON_MAX + 1], message[TEXT_MAX + 1];

	if (report->worst == NULL) {
		allocation_condition(allocation, CONDITION_DEGRADED, CONDITION_FALSE,
		    "AsExpected", "nothing stands in the way", now);
		return;
	}
	report_one(
	    report->worst, "Blocked", reason, sizeof reason, message, sizeof message);
	allocation_condition(
	    allocation, CONDITION_DEGRADED, CONDITION_TRUE, reason, message, now);
}

void
report_conditions(struct core *core, struct item *item)
{
	struct allocation *allocation = item->allocation;
	struct wall_time now = core->now.wall;
	struct report report;

	report_gather(allocation, &report);
	report_accepted(core, allocation);
	report_ready(allocation, &report, now);
	report_progressing(allocation, &report, now);
	report_degraded(allocation, &report, now);
	allocation->observed_generation = allocation->generation;
}

void
report_other_controller(struct core *core, struct item *item, const char *pod)
{
	static const char reason[] = REASON_OTHER_CONTROLLER;
	struct allocation *allocation = item->allocation;
	struct wall_time now = core->now.wall;
	char message[TEXT_MAX + 1];

	snprintf(message, sizeof message,
	    "pod %s of the IP Address Controller runs; nothing is changed until it is "
	    "gone",
	    pod);
	report_accepted(core, allocation);
	if (allocation_condition(
		allocation, CONDITION_READY, CONDITION_UNKNOWN, reason, message, now))
		events_tell(core, allocation, NULL, "Warning", reason, message);
	allocation_condition(
	    allocation, CONDITION_PROGRESSING, CONDITION_FALSE, reason, message, now);
	allocation_condition(
	    allocation, CONDITION_DEGRADED, CONDITION_TRUE, reason, message, now);
	allocation->observed_generation = allocation->generation;
}

/* --- metrics ---------------------------------------------------------------------- */

/* Where the metrics show an address: "none" when it is on no node. */
static const char *
report_node(const struct allocation_address *entry)
{
	return report_is_there(entry) && entry->node[0] != '\0' ? entry->node : "none";
}

static void
report_address(
    struct core *core, struct item *item, const struct allocation_address *entry)
{
	struct slot *slot = map_get(item->slots, entry->address);
	const char *node = report_node(entry);
	const struct world_node *known = world_node(core->world, node);
	const char *ready;

	if (slot == NULL || !entry->listed)
		return;
	MESSAGE_TEXT(slot->shown_node, node);
	trail_metric(core, GAUGE_SET, METRIC_IP_ATTACHED,
	    report_is_there(entry) ? 1.0 : 0.0, item->name, entry->address, node);
	if (strcmp(node, "none") == 0)
		return;
	ready = known != NULL ? texts_value(&known->labels, LABEL_READY) : NULL;
	trail_metric(core, GAUGE_SET, METRIC_NODE_IP_READY,
	    ready != NULL && strcmp(ready, "true") == 0 ? 1.0 : 0.0, node, item->name,
	    NULL);
}

/* The series of an address where it was shown last. */
static void
report_hide(struct core *core, const struct item *item, struct slot *slot)
{
	if (slot->shown_node[0] == '\0')
		return;
	trail_metric(
	    core, GAUGE_DROP, METRIC_IP_ATTACHED, 0.0, item->name, slot->address, NULL);
	if (strcmp(slot->shown_node, "none") != 0)
		trail_metric(core, GAUGE_DROP, METRIC_NODE_IP_READY, 0.0,
		    slot->shown_node, item->name, NULL);
	slot->shown_node[0] = '\0';
}

/* Addresses that left the list, or their node, leave the metrics. */
static void
report_forget(struct core *core, struct item *item)
{
	MAP_EACH(item->slots, entry)
	{
		struct slot *slot = lh_entry_v(entry);
		const struct allocation_address *known =
		    allocation_find(item->allocation, slot->address);

		if (known != NULL && known->listed &&
		    strcmp(slot->shown_node, report_node(known)) == 0)
			continue;
		report_hide(core, item, slot);
		if (known == NULL)
			map_drop(item->slots, slot->address);
	}
}

void
report_metrics(struct core *core, struct item *item)
{
	const struct allocation *allocation = item->allocation;
	const struct condition *ready = &allocation->conditions[CONDITION_READY];
	struct allocation_counts counts;

	allocation_count(allocation, &counts);
	trail_metric(core, GAUGE_SET, METRIC_CRD_STATUS,
	    ready->present && ready->status == CONDITION_TRUE ? 1.0 : 0.0, item->name,
	    NULL, NULL);
	trail_metric(core, GAUGE_SET, METRIC_RESERVED_IPS, (double)counts.reserved,
	    item->name, NULL, NULL);
	trail_metric(core, GAUGE_SET, METRIC_ATTACHED_IPS, (double)counts.attached,
	    item->name, NULL, NULL);
	trail_metric(core, GAUGE_SET, METRIC_UNATTACHED_IPS,
	    (double)(counts.unattached + counts.spare), item->name, NULL, NULL);
	report_forget(core, item);
	for (size_t i = 0; i < allocation->addresses_len; i++)
		report_address(core, item, &allocation->addresses[i]);
	item->shown = true;
}

void
report_gone(struct core *core, const struct item *item)
{
	static const enum metric metrics[] = {METRIC_CRD_STATUS, METRIC_RESERVED_IPS,
	    METRIC_ATTACHED_IPS, METRIC_UNATTACHED_IPS, METRIC_RECONCILE_TOTAL,
	    METRIC_ATTACH_TOTAL, METRIC_DETACH_TOTAL, METRIC_RECONCILE_SECONDS,
	    METRIC_EVICTIONS};

	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
		trail_metric(core, GAUGE_DROP, metrics[i], 0.0, item->name, NULL, NULL);
	MAP_EACH(item->slots, entry)
	{
		struct slot *slot = lh_entry_v(entry);

		report_hide(core, item, slot);
	}
}

void
report_nodes(struct core *core)
{
	MAP_EACH(core->cordoned, entry)
	{
		char *name = lh_entry_v(entry);

		if (world_node(core->world, name) != NULL)
			continue;
		trail_metric(
		    core, GAUGE_DROP, METRIC_NODE_CORDONED, 0.0, name, NULL, NULL);
		map_drop(core->cordoned, name);
	}
	MAP_EACH(core->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);

		if (map_get(core->cordoned, node->name) == NULL) {
			char *name = mem_strdup(node->name);

			map_put(core->cordoned, name, name);
		}
		trail_metric(core, GAUGE_SET, METRIC_NODE_CORDONED,
		    node->unschedulable ? 1.0 : 0.0, node->name, NULL, NULL);
	}
}
