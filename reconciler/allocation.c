#include "allocation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation_finalizer.h"
#include "allocation_spec.h"
#include "intent.h"
#include "json_read.h"
#include "mem.h"

static const char *const state_names[ADDRESS_STATE_COUNT] = {
    [ADDRESS_STATE_PENDING] = "Pending",
    [ADDRESS_STATE_ATTACHING] = "Attaching",
    [ADDRESS_STATE_ATTACHED] = "Attached",
    [ADDRESS_STATE_DRAINING] = "Draining",
    [ADDRESS_STATE_DETACHING] = "Detaching",
    [ADDRESS_STATE_SPARE] = "Spare",
    [ADDRESS_STATE_BLOCKED] = "Blocked",
    [ADDRESS_STATE_UNKNOWN] = "Unknown",
};

const char *
address_state_name(enum address_state state)
{
	return state_names[state];
}

/* --- metadata --- */

static int
parse_metadata(struct allocation *allocation, struct json_object *object)
{
	struct json_object *metadata = json_read_member(object, "metadata");
	char kind[32] = "NetIPAllocation";

	if (json_read_text(object, "kind", kind, sizeof kind) < 0 ||
	    strcmp(kind, "NetIPAllocation") != 0)
		return -EINVAL;
	if (json_read_text(
		metadata, "name", allocation->name, sizeof allocation->name) != 1 ||
	    !place_name_sound(allocation->name))
		return -EINVAL;
	if (json_read_text(metadata, "uid", allocation->uid, sizeof allocation->uid) !=
		1 ||
	    allocation->uid[0] == '\0')
		return -EINVAL;
	if (json_read_text(metadata, "resourceVersion", allocation->resource_version,
		sizeof allocation->resource_version) < 0)
		return -EINVAL;
	json_read_number(metadata, "generation", &allocation->generation);
	json_read_time(metadata, "creationTimestamp", &allocation->created);
	allocation->deleting = json_read_member(metadata, "deletionTimestamp") != NULL;
	json_read_time(metadata, "deletionTimestamp", &allocation->deleted);
	allocation_finalizer_parse(allocation, metadata);
	return 0;
}

/* --- addresses --- */

bool
allocation_address_usable(const struct allocation_address *address)
{
	return address->state != ADDRESS_STATE_BLOCKED ||
	       (strcmp(address->reason, REASON_INVALID_ADDRESS) != 0 &&
		   strcmp(address->reason, REASON_DUPLICATE) != 0);
}

static bool
address_sound(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

struct allocation_address *
allocation_find(const struct allocation *allocation, const char *address)
{
	for (size_t i = 0; i < allocation->addresses_len; i++)
		if (strcmp(allocation->addresses[i].address, address) == 0)
			return &allocation->addresses[i];
	return NULL;
}

static struct allocation_address *
add_address(struct allocation *allocation, const char *text)
{
	struct allocation_address *address =
	    &allocation->addresses[allocation->addresses_len++];

	*address = (struct allocation_address){.state = ADDRESS_STATE_PENDING};
	MESSAGE_TEXT(address->address, text);
	return address;
}

/* An entry of the list that is no usable address. The status is a map by address, so
 * its text is made unique by its place in the list. */
static void
add_blocked(struct allocation *allocation, const char *value, size_t place,
    const char *reason, const char *why)
{
	char text[ADDRESS_MAX + 1], message[TEXT_MAX * 2];
	struct allocation_address *address;

	MESSAGE_TEXT(text, value);
	if (allocation_find(allocation, text) != NULL) {
		char cut[ADDRESS_MAX - 10];

		MESSAGE_TEXT(cut, value);
		snprintf(text, sizeof text, "%s (#%zu)", cut, place + 1);
	}
	/* only when somebody has written just this as an address */
	if (allocation_find(allocation, text) != NULL)
		return;
	address = add_address(allocation, text);
	address->listed = true;
	address->state = ADDRESS_STATE_BLOCKED;
	MESSAGE_TEXT(address->reason, reason);
	snprintf(message, sizeof message, "spec.reservedIPs[%zu]: \"%.255s\" %s", place,
	    value, why);
	MESSAGE_TEXT(address->message, message);
}

static void
add_listed(struct allocation *allocation, struct json_object *value, size_t place)
{
	const char *text = json_read_string(value);

	if (text == NULL) {
		text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
		add_blocked(allocation, text != NULL ? text : "", place,
		    REASON_INVALID_ADDRESS, "is no IPv4 address");
		return;
	}
	if (!address_sound(text)) {
		add_blocked(allocation, text, place, REASON_INVALID_ADDRESS,
		    "is no IPv4 address");
		return;
	}
	if (allocation_find(allocation, text) != NULL) {
		add_blocked(allocation, text, place, REASON_DUPLICATE,
		    "is in the list already");
		return;
	}
	add_address(allocation, text)->listed = true;
}

static void
parse_listed(struct allocation *allocation, struct json_object *spec)
{
	struct json_object *list = json_read_member(spec, "reservedIPs");
	size_t count = json_read_length(list);

	if (!json_object_is_type(list, json_type_array))
		allocation_refuse(
		    allocation, "InvalidSpec", "spec.reservedIPs is no list");
	if (count > ALLOCATION_ADDRESSES_MAX) {
		allocation_refuse(allocation, "TooManyAddresses",
		    "spec.reservedIPs has %zu addresses, %u are the most", count,
		    ALLOCATION_ADDRESSES_MAX);
		count = ALLOCATION_ADDRESSES_MAX;
	}
	for (size_t i = 0; i < count; i++)
		add_listed(allocation, json_object_array_get_idx(list, i), i);
}

/* --- status --- */

static enum address_state
state_by_name(const char *name)
{
	for (size_t i = 0; i < ADDRESS_STATE_COUNT; i++)
		if (strcmp(state_names[i], name) == 0)
			return (enum address_state)i;
	return ADDRESS_STATE_UNKNOWN;
}

/* Texts for people are cut, not refused. */
static void
status_text(struct json_object *entry, const char *key, char *out, size_t size)
{
	message_text(out, size, json_read_string(json_read_member(entry, key)));
}

/* A journal that is not ours to act on stays as it is. */
static void
hold_intent(struct allocation_address *address, struct json_object *intent)
{
	address->intent = (struct intent){.step = INTENT_UNKNOWN};
	free(address->intent_raw);
	address->intent_raw = mem_strdup(json_object_to_json_string_ext(
	    intent, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* What put_address writes. */
static const char *const entry_members[] = {"address", "state", "reason", "message",
    "nodeName", "nodeUID", "instanceID", "project", "zone", "fence", "ephemeralTaken",
    "outsideGeneration", "lastTransitionTime", "intent"};

static bool
is_entry_member(const char *key)
{
	for (size_t i = 0; i < sizeof entry_members / sizeof entry_members[0]; i++)
		if (strcmp(key, entry_members[i]) == 0)
			return true;
	return false;
}

static void
keep_others(struct allocation_address *address, struct json_object *entry)
{
	struct buf others;

	buf_init(&others, KUBE_OBJECT_MAX);
	json_object_object_foreach(entry, key, value) {
		if (is_entry_member(key))
			continue;
		buf_puts(&others, ",\"");
		buf_put_json(&others, key, strlen(key));
		buf_puts(&others, "\":");
		buf_puts(&others,
		    json_object_to_json_string_ext(value,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	if (others.len > 0 && !others.refused)
		address->others = mem_strndup(others.data, others.len);
	buf_free(&others);
}

#define READ(key, field) json_read_text(entry, key, field, sizeof(field))

static void
parse_entry(struct allocation_address *address, struct json_object *entry)
{
	struct json_object *intent = json_read_member(entry, "intent");
	char state[32] = "Pending";

	READ("state", state);
	address->state = state_by_name(state);
	status_text(entry, "reason", address->reason, sizeof address->reason);
	status_text(entry, "message", address->message, sizeof address->message);
	READ("nodeName", address->node);
	READ("nodeUID", address->node_uid);
	READ("instanceID", address->instance);
	READ("project", address->project);
	READ("zone", address->zone);
	READ("fence", address->fence);
	json_read_bool(entry, "ephemeralTaken", &address->ephemeral_taken);
	json_read_number(entry, "outsideGeneration", &address->outside_generation);
	json_read_time(entry, "lastTransitionTime", &address->since);
	if (intent != NULL)
		intent_parse(intent, &address->intent);
	MESSAGE_TEXT(address->journal_from_uid, address->intent.from.node_uid);
	MESSAGE_TEXT(address->journal_to_uid, address->intent.to.node_uid);
	address->journal_open = address->intent.step != INTENT_NONE;
	if (address->intent.step == INTENT_UNKNOWN)
		hold_intent(address, intent);
	keep_others(address, entry);
}

#undef READ

/* The status of an entry that the spec itself blocks: the time is carried on, and a
 * journal, of whatever version, is held. */
static void
parse_blocked(struct allocation_address *address, struct json_object *entry)
{
	struct json_object *intent = json_read_member(entry, "intent");
	char reason[REASON_MAX + 1] = "";

	json_read_text(entry, "reason", reason, sizeof reason);
	if (strcmp(reason, address->reason) == 0)
		json_read_time(entry, "lastTransitionTime", &address->since);
	if (intent != NULL)
		hold_intent(address, intent);
}

static void
parse_status_address(struct allocation *allocation, struct json_object *entry)
{
	struct allocation_address *address;
	char text[ADDRESS_MAX + 1] = "";

	if (json_read_text(entry, "address", text, sizeof text) != 1)
		return;
	address = allocation_find(allocation, text);
	if (address != NULL && !allocation_address_usable(address)) {
		parse_blocked(address, entry);
		return;
	}
	if (address == NULL) {
		/* what was blocked and left the list is gone; a journal never is */
		if (!address_sound(text) && json_read_member(entry, "intent") == NULL)
			return;
		address = add_address(allocation, text);
	} else if (!address->listed) {
		return; /* twice in the status: the API server does not let that be */
	}
	parse_entry(address, entry);
	if (address->intent.step != INTENT_NONE && !address_sound(text))
		hold_intent(address, json_read_member(entry, "intent"));
}

static void
parse_condition(struct allocation *allocation, struct json_object *entry)
{
	static const char *const statuses[] = {"False", "True", "Unknown"};
	struct condition condition = {.present = true, .status = CONDITION_UNKNOWN};
	char type[64] = "", status[16] = "";

	json_read_text(entry, "type", type, sizeof type);
	json_read_text(entry, "status", status, sizeof status);
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (strcmp(status, statuses[i]) == 0)
			condition.status = (enum condition_status)i;
	status_text(entry, "reason", condition.reason, sizeof condition.reason);
	status_text(entry, "message", condition.message, sizeof condition.message);
	json_read_time(entry, "lastTransitionTime", &condition.since);
	for (size_t i = 0; i < CONDITION_COUNT; i++)
		if (strcmp(type, condition_type_name((enum condition_type)i)) == 0)
			allocation->conditions[i] = condition;
}

static void
parse_status(struct allocation *allocation, struct json_object *status)
{
	struct json_object *addresses = json_read_member(status, "addresses");
	struct json_object *conditions = json_read_member(status, "conditions");
	size_t count = json_read_length(addresses);

	if (count > STATUS_ADDRESSES_MAX) {
		allocation->status_overflow = true;
		allocation_refuse(allocation, "StatusTooLarge",
		    "the status has %zu addresses, %u are the most that are read",
		    count, STATUS_ADDRESSES_MAX);
		count = STATUS_ADDRESSES_MAX;
	}
	for (size_t i = 0; i < count; i++)
		parse_status_address(
		    allocation, json_object_array_get_idx(addresses, i));
	for (size_t i = 0; i < json_read_length(conditions); i++)
		parse_condition(allocation, json_object_array_get_idx(conditions, i));
	json_read_number(
	    status, "observedGeneration", &allocation->observed_generation);
	allocation->status_json = mem_strdup(
	    status != NULL
		? json_object_to_json_string_ext(
		      status, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
		: "{}");
}

/* --- the whole --- */

/* Room for every entry that can come from spec and status. */
static void
make_room(
    struct allocation *allocation, struct json_object *spec, struct json_object *status)
{
	size_t listed = json_read_length(json_read_member(spec, "reservedIPs"));
	size_t known = json_read_length(json_read_member(status, "addresses"));

	if (listed > ALLOCATION_ADDRESSES_MAX)
		listed = ALLOCATION_ADDRESSES_MAX;
	if (known > STATUS_ADDRESSES_MAX)
		known = STATUS_ADDRESSES_MAX;
	allocation->addresses =
	    mem_calloc(listed + known, sizeof *allocation->addresses);
}

struct allocation *
allocation_parse(struct json_object *object)
{
	struct json_object *spec = json_read_member(object, "spec");
	struct json_object *status = json_read_member(object, "status");
	struct allocation *allocation = mem_calloc(1, sizeof *allocation);

	if (parse_metadata(allocation, object) < 0) {
		allocation_free(allocation);
		return NULL;
	}
	make_room(allocation, spec, status);
	allocation_parse_annotations(allocation, json_read_member(object, "metadata"));
	allocation_parse_spec(allocation, spec);
	parse_listed(allocation, spec);
	parse_status(allocation, status);
	return allocation;
}

void
allocation_free(struct allocation *allocation)
{
	if (allocation == NULL)
		return;
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		free(allocation->addresses[i].intent_raw);
		free(allocation->addresses[i].others);
	}
	free(allocation->addresses);
	texts_free(&allocation->node_selector);
	texts_free(&allocation->zones);
	free(allocation->status_json);
	free(allocation->status_same);
	free(allocation->finalizers);
	free(allocation);
}

void
allocation_remove(struct allocation *allocation, const char *address)
{
	struct allocation_address *found = allocation_find(allocation, address);
	size_t after;

	if (found == NULL)
		return;
	free(found->intent_raw);
	free(found->others);
	after =
	    (size_t)(allocation->addresses + allocation->addresses_len - (found + 1));
	memmove(found, found + 1, after * sizeof *found);
	allocation->addresses_len--;
}
