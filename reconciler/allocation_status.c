/* What is written about an allocation: its status. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation.h"
#include "intent.h"
#include "json_read.h"
#include "mem.h"

/* A status as text; what the API server can store is smaller. */
#define STATUS_JSON_MAX KUBE_OBJECT_MAX
/* status.nodes, for the wide column (bytes). */
#define NODES_TEXT_MAX 2048u

static const char *const type_names[CONDITION_COUNT] = {
    [CONDITION_ACCEPTED] = "Accepted",
    [CONDITION_READY] = "Ready",
    [CONDITION_PROGRESSING] = "Progressing",
    [CONDITION_DEGRADED] = "Degraded",
};

const char *
condition_type_name(enum condition_type type)
{
	return type_names[type];
}

bool
allocation_condition(struct allocation *allocation, enum condition_type type,
    enum condition_status status, const char *reason, const char *message,
    struct wall_time now)
{
	struct condition *condition = &allocation->conditions[type];
	struct condition next = {.present = true, .status = status, .since = now};

	MESSAGE_TEXT(next.reason, reason);
	MESSAGE_TEXT(next.message, message);
	if (condition->present && condition->status == status &&
	    strcmp(condition->reason, next.reason) == 0 &&
	    strcmp(condition->message, next.message) == 0)
		return false;
	/* the CRD's default has no time of its own */
	if (condition->present && condition->status == status &&
	    condition->since.ms > 0)
		next.since = condition->since;
	*condition = next;
	return true;
}

static bool
is_attached(const struct allocation_address *address)
{
	return address->listed && (address->state == ADDRESS_STATE_ATTACHED ||
				      address->state == ADDRESS_STATE_DRAINING);
}

void
allocation_count(
    const struct allocation *allocation, struct allocation_counts *ret_counts)
{
	struct allocation_counts counts = {0};

	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *address = &allocation->addresses[i];

		if (!address->listed ||
		    (address->state == ADDRESS_STATE_BLOCKED &&
			strcmp(address->reason, REASON_DUPLICATE) == 0))
			continue;
		counts.reserved++;
		if (is_attached(address))
			counts.attached++;
		else if (address->state == ADDRESS_STATE_SPARE)
			counts.spare++;
		else
			counts.unattached++;
	}
	*ret_counts = counts;
}

size_t
allocation_needed(
    const struct allocation *allocation, const struct allocation_counts *counts)
{
	return amount_of(&allocation->min_attached, counts->reserved, AMOUNT_UP);
}

/* --- the status as JSON --- */

static void
put_nodes(const struct allocation *allocation, struct buf *out)
{
	struct buf nodes;
	size_t left_out = 0;

	buf_init(&nodes, NODES_TEXT_MAX);
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *address = &allocation->addresses[i];

		if (!is_attached(address) || address->node[0] == '\0')
			continue;
		if (nodes.len + strlen(address->node) + 32 > NODES_TEXT_MAX)
			left_out++;
		else
			buf_printf(
			    &nodes, "%s%s", nodes.len > 0 ? "," : "", address->node);
	}
	if (left_out > 0)
		buf_printf(&nodes, " and %zu more", left_out);
	buf_puts(out, ",\"nodes\":\"");
	if (nodes.len > 0)
		buf_put_json(out, nodes.data, nodes.len);
	buf_puts(out, "\"");
	buf_free(&nodes);
}

static void
put_time(struct buf *out, struct wall_time time)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(time, false, text, sizeof text);
	intent_put_text(out, "lastTransitionTime", text);
}

static void
put_address(const struct allocation_address *address, struct buf *out)
{
	buf_puts(out, "{\"address\":\"");
	buf_put_json(out, address->address, strlen(address->address));
	buf_puts(out, "\"");
	intent_put_text(out, "state", address_state_name(address->state));
	intent_put_text(out, "reason", address->reason);
	intent_put_text(out, "message", address->message);
	intent_put_text(out, "nodeName", address->node);
	intent_put_text(out, "nodeUID", address->node_uid);
	intent_put_text(out, "instanceID", address->instance);
	intent_put_text(out, "project", address->project);
	intent_put_text(out, "zone", address->zone);
	intent_put_text(out, "fence", address->fence);
	if (address->ephemeral_taken)
		buf_puts(out, ",\"ephemeralTaken\":true");
	if (address->outside_generation != 0)
		buf_printf(out, ",\"outsideGeneration\":%lld",
		    (long long)address->outside_generation);
	if (address->since.ms > 0)
		put_time(out, address->since);
	if (address->intent.step == INTENT_UNKNOWN && address->intent_raw != NULL) {
		buf_puts(out, ",\"intent\":");
		buf_puts(out, address->intent_raw);
	} else if (address->intent.step != INTENT_NONE &&
		   address->intent.step != INTENT_UNKNOWN) {
		buf_puts(out, ",\"intent\":");
		intent_put(&address->intent, out);
	}
	if (address->others != NULL)
		buf_puts(out, address->others);
	buf_puts(out, "}");
}

static void
put_condition(
    enum condition_type type, const struct condition *condition, struct buf *out)
{
	static const char *const statuses[] = {
	    [CONDITION_FALSE] = "False",
	    [CONDITION_TRUE] = "True",
	    [CONDITION_UNKNOWN] = "Unknown",
	};

	buf_printf(out, "{\"type\":\"%s\"", type_names[type]);
	intent_put_text(out, "status", statuses[condition->status]);
	intent_put_text(out, "reason", condition->reason);
	intent_put_text(out, "message", condition->message);
	put_time(out, condition->since);
	buf_puts(out, "}");
}

/* True for a condition that somebody else keeps in our status. */
static bool
is_foreign(struct json_object *condition)
{
	const char *type = json_read_string(json_read_member(condition, "type"));

	for (size_t i = 0; type != NULL && i < CONDITION_COUNT; i++)
		if (strcmp(type, type_names[i]) == 0)
			return false;
	return type != NULL;
}

static void
put_conditions(const struct allocation *allocation, struct buf *out)
{
	const char *comma = "";

	buf_puts(out, ",\"conditions\":[");
	for (size_t i = 0; i < CONDITION_COUNT; i++) {
		if (!allocation->conditions[i].present)
			continue;
		buf_puts(out, comma);
		put_condition((enum condition_type)i, &allocation->conditions[i], out);
		comma = ",";
	}
}

/* Those of `before`, behind ours. */
static void
put_foreign_conditions(struct json_object *before, struct buf *out)
{
	struct json_object *list = json_read_member(before, "conditions");
	size_t count = json_read_length(list);

	for (size_t i = 0; i < count; i++) {
		struct json_object *condition = json_object_array_get_idx(list, i);

		if (!is_foreign(condition))
			continue;
		if (out->len > 0 && out->data[out->len - 1] != '[')
			buf_puts(out, ",");
		buf_puts(out,
		    json_object_to_json_string_ext(condition, JSON_C_TO_STRING_PLAIN));
	}
}

static void
put_addresses(const struct allocation *allocation, struct buf *out)
{
	struct allocation_counts counts;

	allocation_count(allocation, &counts);
	buf_printf(out,
	    ",\"reserved\":%zu,\"attached\":%zu,\"unattached\":%zu,\"spare\":%zu",
	    counts.reserved, counts.attached, counts.unattached, counts.spare);
	put_nodes(allocation, out);
	buf_puts(out, ",\"addresses\":[");
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		if (i > 0)
			buf_puts(out, ",");
		put_address(&allocation->addresses[i], out);
	}
	buf_puts(out, "]");
}

/* Whether the merge patch `patch` (RFC 7396, without nulls) changes `before`. Objects
 * merge, everything else is replaced; below the top level there are only lists here. */
static bool
would_change(struct json_object *before, struct json_object *patch)
{
	json_object_object_foreach(patch, key, value) {
		if (!json_object_equal(json_read_member(before, key), value))
			return true;
	}
	return false;
}

/* The status but for what others keep in it, and its end. */
static void
put_own(const struct allocation *allocation, struct buf *out)
{
	buf_printf(out, "{\"observedGeneration\":%lld",
	    (long long)allocation->observed_generation);
	intent_put_text(out, "policy", allocation_policy_name(allocation->policy));
	if (!allocation->status_overflow)
		put_addresses(allocation, out);
	put_conditions(allocation, out);
}

static int
put_patch(
    const struct allocation *allocation, const struct buf *status, struct buf *out)
{
	buf_puts(out, "{\"metadata\":{\"resourceVersion\":\"");
	buf_put_json(
	    out, allocation->resource_version, strlen(allocation->resource_version));
	buf_puts(out, "\"},\"status\":");
	buf_put(out, status->data, status->len);
	return buf_puts(out, "}") < 0 ? -E2BIG : 1;
}

/* Completes what put_own has put, and compares it with what was read. */
static int
compare(struct allocation *allocation, struct buf *status, struct buf *out)
{
	struct json_object *before = json_tokener_parse(allocation->status_json);
	struct json_object *after = NULL;
	size_t own_len = status->len;
	int rc = -E2BIG;

	put_foreign_conditions(before, status);
	buf_puts(status, "]}");
	if (status->refused)
		goto out;
	after = json_tokener_parse(status->data);
	if (after == NULL || would_change(before, after)) {
		rc = put_patch(allocation, status, out);
		goto out;
	}
	free(allocation->status_same);
	allocation->status_same = mem_strndup(status->data, own_len);
	rc = 0;
out:
	json_object_put(before);
	json_object_put(after);
	return rc;
}

/* It is asked after each event, and mostly it is the same as before: then nothing is
 * parsed. */
int
allocation_status_patch(struct allocation *allocation, struct buf *out)
{
	struct buf status;
	int rc = -E2BIG;

	buf_reset(out);
	buf_init(&status, STATUS_JSON_MAX);
	put_own(allocation, &status);
	if (!status.refused)
		rc = allocation->status_same != NULL &&
			     strcmp(status.data, allocation->status_same) == 0
			 ? 0
			 : compare(allocation, &status, out);
	buf_free(&status);
	return rc;
}
