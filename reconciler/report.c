#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "evict.h"
#include "finalizer.h"
#include "labels.h"
#include "mem.h"
#include "peers.h"
#include "trail.h"

/* --- conditions ------------------------------------------------------------------- */

struct report {
	struct allocation_counts counts;
	size_t unknown;
	const struct allocation_address *first; /* on no node, and not spare */
	const struct allocation_address *spare; /* first spare */
	const struct allocation_address *worst; /* first degraded */
	const struct allocation_address *moving;
	const struct allocation_address *held; /* first that a brake holds up */
};

/* Reasons of Draining that are as they should be. */
static const char *const report_calm[] = {"InUse", "MoveWaits", "Moving", "Releasing",
    "AssignOnly", "Observing", "Paused", "Skipped"};

static bool
report_is_there(const struct allocation_address *entry)
{
	return entry->state == ADDRESS_STATE_ATTACHED ||
	       entry->state == ADDRESS_STATE_DRAINING;
}

static bool
report_is_degraded(const struct allocation_address *entry)
{
	if (entry->state != ADDRESS_STATE_DRAINING)
		return entry->state == ADDRESS_STATE_BLOCKED ||
		       entry->state == ADDRESS_STATE_UNKNOWN ||
		       strcmp(entry->reason, REASON_FINALIZER_REFUSED) == 0;
	for (size_t i = 0; i < sizeof report_calm / sizeof report_calm[0]; i++)
		if (strcmp(entry->reason, report_calm[i]) == 0)
			return false;
	return true;
}

static void
report_gather(const struct allocation *allocation, struct report *report)
{
	const char *brake = plan_brake(allocation);

	*report = (struct report){0};
	allocation_count(allocation, &report->counts);
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];

		if (report->moving == NULL && plan_is_open(entry))
			report->moving = entry;
		if (!entry->listed)
			continue;
		report->unknown += entry->state == ADDRESS_STATE_UNKNOWN;
		if (entry->state == ADDRESS_STATE_SPARE) {
			if (report->spare == NULL)
				report->spare = entry;
		} else if (report->first == NULL && !report_is_there(entry)) {
			report->first = entry;
		}
		if (report->worst == NULL && report_is_degraded(entry))
			report->worst = entry;
		if (report->held == NULL && brake != NULL &&
		    strcmp(entry->reason, brake) == 0)
			report->held = entry;
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

/* What is accepted and not meant is told once for each generation of the spec. */
static void
report_notices(struct core *core, struct allocation *allocation)
{
	static const struct {
		enum allocation_notice notice;
		const char *reason, *message;
	} notices[] = {
	    {NOTICE_DEPLOYMENT_REF, "Deprecated",
		"spec.deploymentRef is deprecated: write workloadRef with kind "
		"Deployment"},
	    {NOTICE_PROVIDER, "ProviderAssumed",
		"spec.cloud.provider is missing: gcp is assumed"},
	    {NOTICE_STRATEGY, "FieldIgnored",
		"spec.strategy has no effect: addresses move one at a time, or as "
		"maxConcurrentMoves says"},
	    {NOTICE_CREDENTIALS, "FieldIgnored",
		"spec.cloud.credentials has no effect and should be removed: "
		"credentials are given to ipwarden itself"},
	};

	if (allocation->observed_generation == allocation->generation)
		return;
	for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++)
		if ((allocation->notices & notices[i].notice) != 0)
			events_tell(core, allocation, NULL, "Warning",
			    notices[i].reason, notices[i].message);
	allocation->observed_generation = allocation->generation;
}

/* As many as are needed are attached. */
static void
report_is_ready(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	const struct allocation_counts *counts = &report->counts;
	size_t needed = allocation_needed(allocation, counts);
	char message[TEXT_MAX + 1], needs[64] = "", spare[64] = "";

	if (needed < counts->reserved)
		snprintf(needs, sizeof needs, ", %zu needed", needed);
	if (counts->spare > 0)
		snprintf(spare, sizeof spare, ", %zu spare", counts->spare);
	snprintf(message, sizeof message, "%zu of %zu attached%s%s", counts->attached,
	    counts->reserved, spare, needs);
	allocation_condition(allocation, CONDITION_READY, CONDITION_TRUE,
	    counts->attached == counts->reserved ? "AllAttached" : "EnoughAttached",
	    message, now);
}

/* The first that is missing says why; a spare one only when nothing else is wrong. */
static void
report_is_not_ready(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	const struct allocation_counts *counts = &report->counts;
	size_t needed = allocation_needed(allocation, counts);
	char reason[REASON_MAX + 1] = "TooFewListed", message[TEXT_MAX + 1];
	size_t len;

	if (report->first != NULL)
		report_one(report->first, "Pending", reason, sizeof reason, message,
		    sizeof message);
	else if (report->spare != NULL)
		report_one(report->spare, "Spare", reason, sizeof reason, message,
		    sizeof message);
	else
		snprintf(message, sizeof message, "the list has %zu addresses",
		    counts->reserved);
	len = strlen(message);
	if (needed != counts->reserved)
		snprintf(message + len, sizeof message - len,
		    " (%zu attached, %zu needed)", counts->attached, needed);
	else if (report->first == NULL)
		snprintf(message + len, sizeof message - len,
		    " (minAttached makes fewer enough)");
	allocation_condition(allocation, CONDITION_READY,
	    counts->attached + report->unknown >= needed ? CONDITION_UNKNOWN
							 : CONDITION_FALSE,
	    reason, message, now);
}

static void
report_ready(
    struct allocation *allocation, const struct report *report, struct wall_time now)
{
	if (allocation->refusal_reason[0] != '\0')
		allocation_condition(allocation, CONDITION_READY, CONDITION_FALSE,
		    allocation->refusal_reason, allocation->refusal, now);
	else if (report->counts.attached >=
		 allocation_needed(allocation, &report->counts))
		report_is_ready(allocation, report, now);
	else
		report_is_not_ready(allocation, report, now);
}

/* A brake is on: what would be done without it? */
static void
report_braked(const struct core *core, struct allocation *allocation,
    const struct report *report, const char *brake)
{
	const char *why = "paused by annotation";
	char reason[REASON_MAX + 1], next[TEXT_MAX + 1], message[TEXT_MAX + 1];

	MESSAGE_TEXT(next, "nothing");
	if (report->held != NULL)
		report_one(
		    report->held, brake, reason, sizeof reason, next, sizeof next);
	if (core->dry_run)
		why = "--dry-run changes nothing";
	else if (allocation->policy == POLICY_OBSERVE)
		why = "policy Observe changes nothing";
	snprintf(message, sizeof message, "%s; next would be: %.400s", why, next);
	allocation_condition(allocation, CONDITION_PROGRESSING, CONDITION_FALSE, brake,
	    message, core->now.wall);
}

static void
report_progressing(
    const struct core *core, struct allocation *allocation, const struct report *report)
{
	const char *brake = plan_brake(allocation);
	char reason[REASON_MAX + 1], message[TEXT_MAX + 1];
	struct wall_time now = core->now.wall;

	if (report->moving != NULL && allocation->policy != POLICY_OBSERVE) {
		report_one(report->moving, "Attaching", reason, sizeof reason, message,
		    sizeof message);
		allocation_condition(allocation, CONDITION_PROGRESSING, CONDITION_TRUE,
		    reason, message, now);
	} else if (brake != NULL) {
		report_braked(core, allocation, report, brake);
	} else {
		allocation_condition(allocation, CONDITION_PROGRESSING, CONDITION_FALSE,
		    "AtRest", "nothing is under way", now);
	}
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

/* The first address of a deleted object that is still with us; one that waits for
 * something comes first. NULL: none. */
static const struct allocation_address *
report_left(const struct allocation *allocation)
{
	const struct allocation_address *left = NULL;

	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];

		if (entry->instance[0] == '\0' && entry->intent.step == INTENT_NONE)
			continue;
		if (entry->state == ADDRESS_STATE_DRAINING || report_is_degraded(entry))
			return entry;
		if (left == NULL)
			left = entry;
	}
	return left;
}

static void
report_deleting(const struct core *core, const struct item *item)
{
	struct allocation *allocation = item->allocation;
	const struct allocation_address *left = report_left(allocation);
	bool braked = core->dry_run || plan_brake(allocation) != NULL;
	char reason[REASON_MAX + 1] = "Releasing", message[TEXT_MAX + 1];

	if (core->dry_run) {
		MESSAGE_TEXT(reason, plan_brake(allocation));
		MESSAGE_TEXT(message,
		    "being deleted; --dry-run changes nothing, not even the finalizer");
	} else if (left == NULL && item->finalizer_refusal[0] != '\0') {
		MESSAGE_TEXT(reason, REASON_FINALIZER_REFUSED);
		MESSAGE_TEXT(message, item->finalizer_refusal);
	} else if (left == NULL) {
		MESSAGE_TEXT(message, "being deleted; nothing is left to release");
	} else {
		report_one(
		    left, "Releasing", reason, sizeof reason, message, sizeof message);
	}
	if (strcmp(reason, "Attached") == 0)
		MESSAGE_TEXT(reason, "Releasing");
	allocation_condition(allocation, CONDITION_READY, CONDITION_FALSE, reason,
	    message, core->now.wall);
	allocation_condition(allocation, CONDITION_PROGRESSING,
	    braked ? CONDITION_FALSE : CONDITION_TRUE, reason, message, core->now.wall);
}

void
report_conditions(struct core *core, struct item *item)
{
	struct allocation *allocation = item->allocation;
	struct wall_time now = core->now.wall;
	struct report report;

	report_gather(allocation, &report);
	report_accepted(core, allocation);
	if (allocation->deleting) {
		report_deleting(core, item);
	} else {
		report_ready(allocation, &report, now);
		report_progressing(core, allocation, &report);
	}
	report_degraded(allocation, &report, now);
	report_notices(core, allocation);
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
	report_notices(core, allocation);
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

/* A gauge under the name that dashboards have, which OpenMetrics does not allow, and
 * under one that it does. */
static void
report_count(struct core *core, const struct item *item, enum metric inherited,
    enum metric clean, size_t count)
{
	trail_metric(core, GAUGE_SET, inherited, (double)count, item->name, NULL, NULL);
	trail_metric(core, GAUGE_SET, clean, (double)count, item->name, NULL, NULL);
}

/* Its counters begin at 0, so that the first failure is an increase. */
static void
report_begin(struct core *core, const struct item *item)
{
	static const enum metric metrics[] = {
	    METRIC_RECONCILE_TOTAL, METRIC_ATTACH_TOTAL, METRIC_DETACH_TOTAL};

	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		trail_metric(
		    core, GAUGE_ADD, metrics[i], 0.0, item->name, "success", NULL);
		trail_metric(
		    core, GAUGE_ADD, metrics[i], 0.0, item->name, "error", NULL);
	}
	evict_begin(core, item);
}

/* All nodes that would do hold another of the list: a surplus. */
static size_t
report_surplus(const struct allocation *allocation)
{
	size_t surplus = 0;

	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];

		surplus += entry->listed && entry->state == ADDRESS_STATE_SPARE &&
			   strcmp(entry->reason, "Spare") == 0;
	}
	return surplus;
}

/* What nobody misses raises no alarm: a surplus only where the spec says that more are
 * needed. What a refused spec would call so nobody knows, and of an object that is
 * being deleted all are to go. */
static size_t
report_missing(
    const struct allocation *allocation, const struct allocation_counts *counts)
{
	const struct condition *ready = &allocation->conditions[CONDITION_READY];
	size_t missing = counts->reserved - counts->attached;

	if (ready->present && ready->status == CONDITION_TRUE)
		return 0;
	if (allocation->min_attached_named || allocation->deleting ||
	    allocation->refusal_reason[0] != '\0')
		return missing;
	return missing - report_surplus(allocation);
}

void
report_metrics(struct core *core, struct item *item)
{
	const struct allocation *allocation = item->allocation;
	const struct condition *ready = &allocation->conditions[CONDITION_READY];
	struct allocation_counts counts;

	if (!item->shown)
		report_begin(core, item);
	allocation_count(allocation, &counts);
	trail_metric(core, GAUGE_SET, METRIC_CRD_STATUS,
	    ready->present && ready->status == CONDITION_TRUE ? 1.0 : 0.0, item->name,
	    NULL, NULL);
	report_count(core, item, METRIC_RESERVED_IPS, METRIC_RESERVED, counts.reserved);
	report_count(core, item, METRIC_ATTACHED_IPS, METRIC_ATTACHED, counts.attached);
	report_count(core, item, METRIC_UNATTACHED_IPS, METRIC_UNATTACHED,
	    report_missing(allocation, &counts));
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
	    METRIC_EVICTIONS, METRIC_RESERVED, METRIC_ATTACHED, METRIC_UNATTACHED,
	    METRIC_NOWHERE_SECONDS};

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
