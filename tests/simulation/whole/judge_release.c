/* Why an address stays where it is, and what is released: SEMANTICS.md "Release". */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "allocations.h"
#include "judge.h"
#include "provider.h"
#include "server.h"
#include "stage.h"

/* A release that is under way, its reads included, when somebody else changes
 * something. */
#define UNDER_WAY_MS 25000

static struct {
	struct past {
		char path[128];
		int64_t deleted_ms; /* since when; 0: it is not being deleted */
		int64_t spec_ms;    /* when it was last changed */
	} pasts[ALLOCATIONS_MAX];   /* of the allocations */
	size_t pasts_len;
	int64_t stays_ms; /* when the server last said that our definition stays */
} judge;

void
judge_release_open(void)
{
	memset(&judge, 0, sizeof judge);
}

static struct past *
past_of(const char *path)
{
	struct past *past;

	for (size_t i = 0; i < judge.pasts_len; i++)
		if (strcmp(judge.pasts[i].path, path) == 0)
			return &judge.pasts[i];
	assert(judge.pasts_len < ALLOCATIONS_MAX);
	past = &judge.pasts[judge.pasts_len++];
	MESSAGE_TEXT(past->path, path);
	return past;
}

/* --- what is true ----------------------------------------------------------------- */

static bool
lists(struct json_object *allocation, const char *address)
{
	struct json_object *list = server_at(allocation, "spec/reservedIPs");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)),
			address) == 0)
			return true;
	return false;
}

static bool
is_deleted(struct json_object *json)
{
	return server_at(json, "metadata/deletionTimestamp") != NULL;
}

static bool
is_policy(struct json_object *allocation, const char *policy)
{
	return strcmp(server_text(allocation, "spec/policy"), policy) == 0;
}

/* Nothing is ever taken off for it. */
static bool
is_kept(struct json_object *allocation)
{
	return is_policy(allocation, "Observe") ||
	       is_policy(allocation, "AssignOnly") ||
	       strcmp(server_text(allocation, "spec/deletionPolicy"), "Retain") == 0 ||
	       (is_deleted(allocation) && is_deleted(server_get(DEFINITION)));
}

static bool
is_hurried(struct json_object *allocation)
{
	struct json_object *annotations = server_at(allocation, "metadata/annotations");
	struct json_object *now;

	return annotations != NULL && json_object_object_get_ex(annotations,
					  "netinfra.darkbrains.com/release-now", &now);
}

/* A workload that is not there may be a slip: any pod may be meant. */
static bool
counts(struct json_object *pod, struct json_object *allocation, const char *node)
{
	const char *workload = server_text(allocation, "spec/workloadRef/name");
	struct json_object *owner =
	    json_object_array_get_idx(server_at(pod, "metadata/ownerReferences"), 0);
	size_t len = strlen(workload);
	char path[128];

	if (strcmp(server_text(pod, "spec/nodeName"), node) != 0 ||
	    strcmp(server_text(pod, "metadata/namespace"), "default") != 0)
		return false;
	snprintf(path, sizeof path, DEPLOYMENTS "%s", workload);
	return server_get(path) == NULL ||
	       (strncmp(server_text(owner, "name"), workload, len) == 0 &&
		   server_text(owner, "name")[len] == '-');
}

bool
judge_has_pods(struct json_object *allocation, const char *node)
{
	for (size_t i = 0; i < server.objects_len; i++)
		if (server.objects[i].kind == KIND_POD &&
		    counts(server.objects[i].json, allocation, node))
			return true;
	return false;
}

/* What its status says of the address. */
static struct json_object *
entry_of(struct json_object *allocation, const char *address)
{
	struct json_object *list = server_at(allocation, "status/addresses");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		if (strcmp(server_text(json_object_array_get_idx(list, i), "address"),
			address) == 0)
			return json_object_array_get_idx(list, i);
	return NULL;
}

/* Another one has it, or wants it. */
static bool
is_shared(struct json_object *allocation, const char *address)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *other = server.objects[i].json;

		if (server.objects[i].kind == KIND_ALLOCATION && other != allocation &&
		    (lists(other, address) || entry_of(other, address) != NULL))
			return true;
	}
	return false;
}

/* --- who wants it where it is ----------------------------------------------------- */

static bool
is_leaving(struct json_object *node)
{
	struct json_object *taints = server_at(node, "spec/taints");

	return json_object_get_boolean(server_at(node, "spec/unschedulable")) ||
	       (taints != NULL && json_object_array_length(taints) > 0);
}

static bool
is_holder(struct json_object *allocation, const struct vm *vm)
{
	return strcmp(server_text(entry_of(allocation, vm->address), "instanceID"),
		   vm->id) == 0;
}

/* Who makes releases for another one may not have heard of it. */
static bool
is_new(struct json_object *allocation)
{
	char path[128];

	snprintf(path, sizeof path, ALLOCATIONS "%s",
	    server_text(allocation, "metadata/name"));
	return stage.now_ms - past_of(path)->spec_ms <= UNDER_WAY_MS;
}

/* It does not want it any more; yet it is not to be taken off as things are. */
static bool
lets_stay(struct json_object *allocation, const struct vm *vm)
{
	if (!is_holder(allocation, vm) || is_shared(allocation, vm->address))
		return false;
	return is_kept(allocation) ||
	       (judge_has_pods(allocation, vm->name) && !is_hurried(allocation));
}

bool
judge_holds_on(
    struct json_object *allocation, struct json_object *node, const struct vm *vm)
{
	if (!lists(allocation, vm->address) || is_deleted(allocation))
		return lets_stay(allocation, vm);
	if (!is_holder(allocation, vm) && is_new(allocation))
		return false;
	/* who only observes takes over from nobody: the other one may let go */
	if (is_policy(allocation, "Observe") && is_shared(allocation, vm->address))
		return false;
	if (judge_has_pods(allocation, vm->name))
		return true;
	return !is_leaving(node) &&
	       strcmp(server_text(allocation, "spec/nodeSelector/pool"),
		   judge_label_of(node, "pool")) == 0;
}

/* --- what is released ------------------------------------------------------------- */

/* Since it was deleted it was seen that not all of its kind are. */
static bool
is_meant(const char *path)
{
	return judge.stays_ms > past_of(path)->deleted_ms;
}

static bool
is_release(struct json_object *entry)
{
	return strcmp(server_text(entry, "intent/step"), "Release") == 0;
}

/* A status is written only over what the API server has: so what it was written for is
 * what is there. */
static void
judge_begins(struct json_object *before, struct json_object *after, const char *path)
{
	struct json_object *list = server_at(after, "status/addresses");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		const char *address = server_text(entry, "address");

		if (!is_release(entry) || is_release(entry_of(before, address)))
			continue;
		if (lists(after, address) && !is_deleted(after))
			stage_violate("%s is to be released, and listed", address);
		if (is_policy(after, "Observe") || is_policy(after, "AssignOnly") ||
		    strcmp(server_text(after, "spec/deletionPolicy"), "Retain") == 0)
			stage_violate(
			    "%s is to be released, against its policies", address);
		if (is_deleted(after) && !is_meant(path))
			stage_violate("%s is to be released, and nobody has looked "
				      "whether all are deleted",
			    address);
	}
}

void
judge_release_wrote(
    struct json_object *before, struct json_object *after, const char *path)
{
	if (server_kind(path) != KIND_ALLOCATION)
		return;
	if (!json_object_equal(server_at(before, "spec"), server_at(after, "spec")))
		past_of(path)->spec_ms = stage.now_ms;
	if (after == NULL || !is_deleted(after))
		past_of(path)->deleted_ms = 0;
	else if (!is_deleted(before))
		past_of(path)->deleted_ms = stage.now_ms;
	judge_begins(before, after, path);
}

void
judge_release_read(struct json_object *definition)
{
	if (definition != NULL && !is_deleted(definition))
		judge.stays_ms = stage.now_ms;
}

/* Who else lists it takes it over where it is. */
static void
judge_heir(const struct object *object, const struct msg_order *order)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		const struct object *heir = &server.objects[i];

		if (heir->kind == KIND_ALLOCATION && heir != object &&
		    lists(heir->json, order->address) && !is_deleted(heir->json) &&
		    !is_policy(heir->json, "Observe") && !is_new(heir->json))
			stage_violate("%s is to be released, and %s lists it",
			    order->address, heir->path);
	}
}

void
judge_release_order(const struct msg_order *order)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		const struct object *object = &server.objects[i];
		struct json_object *entry = entry_of(object->json, order->address);
		int64_t deleted_ms;

		if (object->kind != KIND_ALLOCATION || !is_release(entry) ||
		    strcmp(server_text(entry, "intent/requestIDs/detach"),
			order->request_id) != 0)
			continue;
		deleted_ms = past_of(object->path)->deleted_ms;
		if (deleted_ms != 0 && !is_meant(object->path) &&
		    stage.now_ms - deleted_ms > UNDER_WAY_MS)
			stage_violate("%s is to leave its node, and nobody has looked "
				      "whether all are deleted",
			    order->address);
		judge_heir(object, order);
	}
}
