/* NetIPAllocations: what is written about them, and that nothing of the journal is lost
 * between a write and the next read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation_rig.h"
#include "effects.h"
#include "mem.h"

#define TEXT(field, value) snprintf(field, sizeof(field), "%s", value)

static void
fill_place(struct intent_place *place, const char *node)
{
	TEXT(place->node, node);
	TEXT(place->node_uid, "8f-1");
	TEXT(place->project, "proj");
	TEXT(place->zone, "us-west1-a");
	TEXT(place->instance, "4711");
	TEXT(place->fence, "external-nat");
}

static void
fill_intent(struct intent *intent, enum intent_step step)
{
	intent->step = step;
	TEXT(intent->id, "5e9d");
	fill_place(&intent->from, "n1");
	fill_place(&intent->to, "n2");
	TEXT(intent->fence, "ipw-5e9d");
	TEXT(intent->request_detach, "r-1");
	TEXT(intent->request_ephemeral, "r-2");
	TEXT(intent->request_attach, "r-3");
	TEXT(intent->ephemeral, "198.51.100.7");
	TEXT(intent->ephemeral_fence, "External \"NAT\" \\ \n");
	intent->ephemeral_taken = true;
	intent->since.ms = 1767225600123;
}

static void
same_intent(const struct intent *a, const struct intent *b)
{
	cr_assert_eq(a->step, b->step);
	cr_assert_str_eq(a->id, b->id);
	/* texts only, so without padding */
	cr_assert_eq(memcmp(&a->from, &b->from, sizeof a->from), 0);
	cr_assert_eq(memcmp(&a->to, &b->to, sizeof a->to), 0);
	cr_assert_str_eq(a->fence, b->fence);
	cr_assert_str_eq(a->request_detach, b->request_detach);
	cr_assert_str_eq(a->request_ephemeral, b->request_ephemeral);
	cr_assert_str_eq(a->request_attach, b->request_attach);
	cr_assert_str_eq(a->ephemeral, b->ephemeral);
	cr_assert_str_eq(a->ephemeral_fence, b->ephemeral_fence);
	cr_assert_eq(a->ephemeral_taken, b->ephemeral_taken);
	cr_assert_eq(a->since.ms, b->since.ms);
}

static void
same_address(const struct allocation_address *a, const struct allocation_address *b)
{
	cr_assert_str_eq(a->address, b->address);
	cr_assert_eq(a->state, b->state);
	cr_assert_str_eq(a->reason, b->reason);
	cr_assert_str_eq(a->message, b->message);
	cr_assert_str_eq(a->node, b->node);
	cr_assert_str_eq(a->node_uid, b->node_uid);
	cr_assert_str_eq(a->instance, b->instance);
	cr_assert_str_eq(a->project, b->project);
	cr_assert_str_eq(a->zone, b->zone);
	cr_assert_str_eq(a->fence, b->fence);
	cr_assert_eq(a->ephemeral_taken, b->ephemeral_taken);
	cr_assert_eq(a->since.ms, b->since.ms);
	cr_assert_eq(a->listed, b->listed);
	same_intent(&a->intent, &b->intent);
}

/* The object as the API server holds it after the patch. */
static struct allocation *
patched(struct allocation *a, const char *spec)
{
	struct buf patch;
	struct json_object *object;
	struct allocation *next;
	char *status;

	buf_init(&patch, HTTP_BODY_MAX);
	cr_assert_eq(allocation_status_patch(a, &patch), 1);
	object = json_tokener_parse(patch.data);
	cr_assert_neq(object, NULL, "%s", patch.data);
	status = mem_strdup(
	    json_object_to_json_string(json_object_object_get(object, "status")));
	cr_assert_str_eq(
	    json_object_get_string(json_object_object_get(
		json_object_object_get(object, "metadata"), "resourceVersion")),
	    "266");
	next = rig_parse_parts(spec, status);
	json_object_put(object);
	free(status);
	buf_free(&patch);
	return next;
}

#define TWO "\"reservedIPs\":[\"203.0.113.10\",\"203.0.113.11\"],\"cloud\":{}"

Test(allocation, the_journal_comes_back_as_it_was_written)
{
	for (int step = INTENT_DETACH; step <= INTENT_ATTACH; step++) {
		struct allocation *a = rig_parse_parts(TWO, NULL);
		struct allocation_address *address = &a->addresses[1];
		struct allocation_address was;
		struct allocation *b;
		struct buf patch;

		address->state = ADDRESS_STATE_DRAINING;
		TEXT(address->reason, "NodeCordoned");
		TEXT(address->message, "two pods \"still\" there: \xc3\xa4");
		TEXT(address->node, "n1");
		TEXT(address->node_uid, "8f-1");
		TEXT(address->instance, "4711");
		TEXT(address->project, "proj");
		TEXT(address->zone, "us-west1-a");
		TEXT(address->fence, "external-nat");
		address->ephemeral_taken = true;
		address->since.ms = 1767225600000;
		fill_intent(&address->intent, (enum intent_step)step);
		a->observed_generation = 3;
		allocation_condition(a, CONDITION_READY, CONDITION_FALSE, "Attaching",
		    "0 of 2", (struct wall_time){1767225600000});
		was = *address;

		b = patched(a, TWO);
		same_address(&b->addresses[1], &was);
		cr_assert_eq(b->conditions[CONDITION_READY].status, CONDITION_FALSE);
		cr_assert_str_eq(b->conditions[CONDITION_READY].reason, "Attaching");
		cr_assert_str_eq(b->conditions[CONDITION_READY].message, "0 of 2");
		cr_assert_eq(b->conditions[CONDITION_READY].since.ms, 1767225600000);
		cr_assert_not(b->conditions[CONDITION_DEGRADED].present);
		cr_assert_eq(b->observed_generation, 3);
		/* and writing it again would change nothing */
		buf_init(&patch, HTTP_BODY_MAX);
		cr_assert_eq(allocation_status_patch(b, &patch), 0);
		cr_assert_eq(patch.len, 0);
		buf_free(&patch);
		allocation_free(a);
		allocation_free(b);
	}
}

Test(allocation, an_empty_journal_is_not_written)
{
	struct allocation *a = rig_parse_parts(TWO, NULL);
	struct buf patch;

	buf_init(&patch, HTTP_BODY_MAX);
	cr_assert_eq(allocation_status_patch(a, &patch), 1);
	cr_assert_eq(strstr(patch.data, "intent"), NULL);
	cr_assert_neq(strstr(patch.data, "\"reserved\":2"), NULL);
	buf_free(&patch);
	allocation_free(a);
}

struct unknown_case {
	const char *what;
	const char *intent;
};

Test(allocation, an_unknown_intent_is_held_and_kept)
{
	static const struct unknown_case cases[] = {
	    {"later version",
		"{\"schemaVersion\":2,\"step\":\"Swap\",\"plan\":{\"a\":[1,2.50,null]},"
		"\"url\":\"a/b\"}"},
	    {"no version", "{\"step\":\"Attach\"}"},
	    {"unknown step", "{\"schemaVersion\":1,\"step\":\"Swap\"}"},
	    {"wrong type", "{\"schemaVersion\":1,\"step\":\"Attach\",\"id\":7}"},
	    {"wrong part", "{\"schemaVersion\":1,\"step\":\"Attach\",\"to\":\"n1\"}"},
	    {"no object", "\"later\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *status =
		    mem_printf("{\"addresses\":[{\"address\":\"203.0.113.10\","
			       "\"state\":\"Attaching\",\"intent\":%s}]}",
			cases[i].intent);
		struct allocation *a = rig_parse_parts(TWO, status);
		struct allocation *b;

		cr_assert_eq(
		    a->addresses[0].intent.step, INTENT_UNKNOWN, "%s", cases[i].what);
		cr_assert_eq(a->addresses[0].intent.to.node[0], '\0');
		TEXT(a->addresses[0].reason, "Held");
		b = patched(a, TWO);
		cr_assert_eq(b->addresses[0].intent.step, INTENT_UNKNOWN);
		cr_assert_str_eq(
		    b->addresses[0].intent_raw, cases[i].intent, "%s", cases[i].what);
		allocation_free(a);
		allocation_free(b);
		free(status);
	}
}

Test(allocation, what_a_newer_version_says_of_an_address_is_kept)
{
	static const char status[] =
	    "{\"addresses\":[{\"address\":\"203.0.113.10\",\"state\":\"Attached\","
	    "\"nodeName\":\"n1\",\"peer\":{\"a/b\":[1,null]},\"fa\\\"mily\":\"v4\"}]}";
	struct allocation *a = rig_parse_parts(TWO, status);
	struct allocation *b;

	TEXT(a->addresses[0].reason, "Held");
	b = patched(a, TWO);
	cr_assert_str_eq(b->addresses[0].reason, "Held");
	cr_assert_str_eq(b->addresses[0].others,
	    ",\"peer\":{\"a/b\":[1,null]},\"fa\\\"mily\":\"v4\"");
	cr_assert_eq(b->addresses[1].others, NULL);
	allocation_free(a);
	allocation_free(b);
}

Test(allocation, a_journal_of_what_is_no_address_is_kept)
{
	static const char status[] =
	    "{\"addresses\":[{\"address\":\"2001:db8::1\",\"intent\":{"
	    "\"schemaVersion\":2}},"
	    "{\"address\":\"2001:db8::2\",\"state\":\"Attached\",\"intent\":"
	    "{\"schemaVersion\":1,\"step\":\"Attach\"}}]}";
	static const char spec[] = "\"reservedIPs\":[\"2001:db8::1\"],\"cloud\":{}";
	struct allocation *a = rig_parse_parts(spec, status);
	struct allocation *b = patched(a, spec);

	cr_assert_eq(b->addresses_len, 2);
	cr_assert_not(allocation_address_usable(&b->addresses[0]));
	cr_assert_str_eq(b->addresses[0].intent_raw, "{\"schemaVersion\":2}");
	cr_assert_eq(b->addresses[1].intent.step, INTENT_UNKNOWN);
	cr_assert_str_eq(
	    b->addresses[1].intent_raw, "{\"schemaVersion\":1,\"step\":\"Attach\"}");
	allocation_free(a);
	allocation_free(b);
}

Test(allocation, what_left_the_list_lingers_until_removed)
{
	static const char status[] =
	    "{\"addresses\":[{\"address\":\"203.0.113.99\",\"state\":\"Attached\","
	    "\"nodeName\":\"n9\"},{\"address\":\"203.0.113.10\",\"state\":\"Attached\","
	    "\"nodeName\":\"n1\"},{\"address\":\"300.1.1.1\",\"state\":\"Blocked\","
	    "\"reason\":\"InvalidAddress\"}]}";
	struct allocation *a = rig_parse_parts(TWO, status);
	struct allocation_address *old = allocation_find(a, "203.0.113.99");
	struct allocation_counts counts;

	cr_assert_eq(a->addresses_len, 3);
	cr_assert_eq(allocation_find(a, "300.1.1.1"), NULL);
	cr_assert_neq(old, NULL);
	cr_assert_not(old->listed);
	cr_assert_str_eq(old->node, "n9");
	allocation_count(a, &counts);
	cr_assert_eq(counts.reserved, 2);
	cr_assert_eq(counts.attached, 1);
	cr_assert_eq(counts.unattached, 1);
	allocation_remove(a, "203.0.113.99");
	cr_assert_eq(a->addresses_len, 2);
	cr_assert_eq(allocation_find(a, "203.0.113.99"), NULL);
	cr_assert_str_eq(allocation_find(a, "203.0.113.10")->node, "n1");
	allocation_free(a);
}

Test(allocation, counts_add_up)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[\"1.0.0.1\",\"1.0.0.2\",\"1.0.0.3\",\"1.0.0.4\",\"x\"],"
	    "\"cloud\":{}",
	    NULL);
	struct allocation_counts counts;
	struct buf patch;

	a->addresses[0].state = ADDRESS_STATE_ATTACHED;
	TEXT(a->addresses[0].node, "n1");
	a->addresses[1].state = ADDRESS_STATE_DRAINING;
	TEXT(a->addresses[1].node, "n2");
	a->addresses[2].state = ADDRESS_STATE_SPARE;
	allocation_count(a, &counts);
	cr_assert_eq(counts.reserved, 5);
	cr_assert_eq(counts.attached, 2);
	cr_assert_eq(counts.spare, 1);
	cr_assert_eq(counts.unattached, 2);
	buf_init(&patch, HTTP_BODY_MAX);
	allocation_status_patch(a, &patch);
	cr_assert_neq(
	    strstr(patch.data, "\"nodes\":\"n1,n2\""), NULL, "%s", patch.data);
	buf_free(&patch);
	allocation_free(a);
}

Test(allocation, conditions_of_others_are_kept)
{
	struct allocation *a =
	    rig_parse_parts(TWO, "{\"conditions\":[{\"type\":\"Backup\",\"status\":"
				 "\"True\",\"owner\":\"x\"}]}");
	struct allocation *b;

	allocation_condition(a, CONDITION_READY, CONDITION_TRUE, "AllAttached", "",
	    (struct wall_time){1767225600000});
	b = patched(a, TWO);
	cr_assert_neq(strstr(b->status_json, "\"Backup\""), NULL);
	cr_assert_neq(strstr(b->status_json, "\"owner\""), NULL);
	cr_assert(b->conditions[CONDITION_READY].present);
	allocation_free(a);
	allocation_free(b);
}

Test(allocation, a_condition_keeps_its_time_while_its_status_stays)
{
	struct wall_time first = {1767225600000}, later = {1767225700000};
	struct allocation *a = rig_parse_parts(TWO,
	    "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\",\"reason\":"
	    "\"Pending\",\"message\":\"\",\"lastTransitionTime\":\"1970-01-01T00:00:"
	    "00Z\"}]"
	    "}");
	struct condition *ready = &a->conditions[CONDITION_READY];

	cr_assert(ready->present);
	cr_assert_eq(ready->status, CONDITION_UNKNOWN);
	/* the CRD's default has no time */
	cr_assert(allocation_condition(
	    a, CONDITION_READY, CONDITION_UNKNOWN, "Waiting", "x", first));
	cr_assert_eq(ready->since.ms, first.ms);
	cr_assert_not(allocation_condition(
	    a, CONDITION_READY, CONDITION_UNKNOWN, "Waiting", "x", later));
	cr_assert(allocation_condition(
	    a, CONDITION_READY, CONDITION_UNKNOWN, "Waiting", "y", later));
	cr_assert_eq(ready->since.ms, first.ms);
	cr_assert(allocation_condition(
	    a, CONDITION_READY, CONDITION_TRUE, "AllAttached", "", later));
	cr_assert_eq(ready->since.ms, later.ms);
	allocation_free(a);
}

Test(allocation, a_status_beyond_all_bounds_is_not_rewritten)
{
	struct buf status, patch;
	struct allocation *a;

	buf_init(&status, HTTP_BODY_MAX);
	buf_init(&patch, HTTP_BODY_MAX);
	buf_puts(&status, "{\"addresses\":[{\"address\":\"10.9.9.9\"}");
	for (unsigned int i = 0; i < STATUS_ADDRESSES_MAX; i++)
		buf_printf(&status, ",{\"address\":\"10.0.%u.%u\"}", i / 256, i % 256);
	buf_puts(&status, "]}");
	a = rig_parse_parts(TWO, status.data);
	cr_assert_str_eq(a->refusal_reason, "StatusTooLarge");
	cr_assert_eq(allocation_status_patch(a, &patch), 1);
	cr_assert_eq(strstr(patch.data, "addresses"), NULL);
	allocation_free(a);
	buf_free(&patch);
	buf_free(&status);
}

Test(allocation, a_patch_that_does_not_fit_says_so)
{
	struct allocation *a = rig_parse_parts(TWO, NULL);
	struct buf patch;

	buf_init(&patch, 32);
	cr_assert_eq(allocation_status_patch(a, &patch), -E2BIG);
	buf_free(&patch);
	allocation_free(a);
}

static void
fixed_random(void *arg, void *out, size_t len)
{
	memset(out, *(const int *)arg, len);
}

Test(allocation, uuids_are_of_version_4)
{
	int byte = 0xff;
	struct effects effects = {.arg = &byte, .random = fixed_random};
	char text[UUID_TEXT_SIZE];

	effects_uuid(&effects, text);
	cr_assert_str_eq(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	byte = 0;
	effects_uuid(&effects, text);
	cr_assert_str_eq(text, "00000000-0000-4000-8000-000000000000");
}
