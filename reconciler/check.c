#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "definition.h"
#include "fresh.h"
#include "json_read.h"
#include "mem.h"

struct check {
	char serial[32]; /* ties answers to their check */
	enum check_purpose purpose;
	char address[ADDRESS_MAX + 1];
	char node_uid[UID_MAX_LEN + 1];
	struct view_instance instance;
	unsigned waiting; /* answers that are still to come */
	bool broken;	  /* a read failed: nothing is known */
	bool workload_missing;
	struct world_node *node; /* NULL: 404 */
	struct world_pod *pods;
};

void
check_free(struct check *check)
{
	if (check == NULL)
		return;
	world_node_free(check->node);
	fresh_pods_free(check->pods);
	free(check);
}

enum check_state
check_state_of(const struct core *core, const struct slot *slot,
    enum check_purpose purpose, const char *instance)
{
	if (slot->check_purpose != purpose ||
	    strcmp(slot->check_instance, instance) != 0)
		return CHECK_NONE;
	if (slot->check != CHECK_RUNNING &&
	    core->now.mono.ms - slot->checked_at.ms >= CHECK_GOOD_MS)
		return CHECK_NONE;
	return slot->check;
}

/* --- the verdict ------------------------------------------------------------------ */

/* Why it may leave, as just read. */
static enum leave_why
check_judge(struct core *core, const struct item *item, const struct check *check)
{
	const struct leave_query query = {
	    .allocation = item->allocation,
	    .address = allocation_find(item->allocation, check->address),
	    .node = check->node,
	    .instance = &check->instance,
	    .known_since = core->world->sync[FACT_KIND_NODE].since,
	    .now = core->now,
	};
	int64_t next_ms = INT64_MAX;

	return leave_judge(&query, &next_ms);
}

/* It is the node that was meant, and nobody wants it skipped. */
static bool
check_fits(const struct check *check)
{
	const struct world_node *node = check->node;

	return node == NULL ||
	       (!node->skip && (check->node_uid[0] == '\0' ||
				   strcmp(node->uid, check->node_uid) == 0));
}

/* The plan is to know it for a while. */
static void
check_note_missing(struct core *core, const struct allocation *allocation)
{
	struct mono_time until = {core->now.mono.ms + CHECK_MISSING_MS};

	world_note(core->world, NOTE_WORKLOAD_MISSING, allocation->uid, "", until);
	core_wake_at(core, until.ms);
}

static bool
check_allows_move(struct core *core, const struct allocation *allocation,
    const struct check *check, enum leave_why why)
{
	int64_t next_ms = INT64_MAX;
	const char *first;

	if (why == LEAVE_NOT)
		return false;
	if (!leave_heeds_pods(why))
		return true;
	if (check->workload_missing) {
		check_note_missing(core, allocation);
		return false;
	}
	return leave_count_pods(
		   check->pods, allocation, core->now.wall, &next_ms, &first) == 0;
}

static bool
check_allows_release(struct core *core, const struct allocation *allocation,
    const struct check *check, enum leave_why why)
{
	int64_t next_ms = INT64_MAX;
	char names[TEXT_MAX + 1];

	if (allocation->release_now || !release_heeds_pods(why) ||
	    release_count_pods(check->pods, allocation, check->workload_missing,
		core->now.wall, &next_ms, names, sizeof names) == 0)
		return true;
	if (check->workload_missing)
		check_note_missing(core, allocation);
	return false;
}

static bool
check_allows(struct core *core, const struct item *item, const struct check *check)
{
	const struct allocation *allocation = item->allocation;
	enum leave_why why;

	if (!check_fits(check) || allocation_find(allocation, check->address) == NULL)
		return false;
	why = check_judge(core, item, check);
	if (check->purpose == CHECK_RELEASE)
		return check_allows_release(core, allocation, check, why);
	return check_allows_move(core, allocation, check, why);
}

static void
check_finish(struct core *core, struct item *item)
{
	struct check *check = item->check;
	struct slot *slot = map_get(item->slots, check->address);

	item->check = NULL;
	if (slot != NULL) {
		slot->checked_at = core->now.mono;
		if (check->broken)
			slot->check = CHECK_NONE;
		else
			slot->check = check_allows(core, item, check) ? CHECK_PASSED
								      : CHECK_FAILED;
		if (slot->check != CHECK_PASSED)
			backoff_fail(&slot->backoff, core->now.mono);
		slot->backoff.outage = check->broken;
	}
	check_free(check);
	core_touch(core);
}

/* --- the answers ------------------------------------------------------------------ */

/* The check that this answer is for; NULL: it is over. */
static struct item *
check_of(struct core *core, const struct call *call)
{
	struct item *item = map_get(core->items, call->subject);

	if (item == NULL || item->check == NULL ||
	    strcmp(item->check->serial, call->uid) != 0)
		return NULL;
	return item;
}

static void
check_answered(struct core *core, struct item *item)
{
	if (--item->check->waiting == 0)
		check_finish(core, item);
}

static bool
check_is_missing(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status == 404 &&
	       strcmp(reply->reason, "NotFound") == 0;
}

static void
check_node_read(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = check_of(core, call);

	if (item == NULL)
		return;
	if (reply->error == 0 && reply->status == 200)
		item->check->node = fresh_node(reply->json);
	if (item->check->node == NULL && !check_is_missing(reply))
		item->check->broken = true;
	check_answered(core, item);
}

static void
check_pods_read(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = check_of(core, call);

	if (item == NULL)
		return;
	if (reply->error != 0 || reply->status != 200 ||
	    !fresh_pods(reply->json, &item->check->pods))
		item->check->broken = true;
	check_answered(core, item);
}

/* While it goes, the plan leaves what it was to release. */
static void
check_definition_read(
    struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = check_of(core, call);

	if (item == NULL)
		return;
	if (definition_take(core, reply) != DEFINITION_STAYS)
		item->check->broken = true;
	check_answered(core, item);
}

static void
check_workload_read(
    struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = check_of(core, call);

	if (item == NULL)
		return;
	if (check_is_missing(reply))
		item->check->workload_missing = true;
	else if (reply->error != 0 || reply->status != 200)
		item->check->broken = true;
	else
		json_read_text(json_read_member(reply->json, "metadata"), "uid",
		    item->workload_uid, sizeof item->workload_uid);
	check_answered(core, item);
}

/* --- the reads -------------------------------------------------------------------- */

static void
check_read(struct core *core, struct item *item, char *path, const char *right,
    call_done_fn *done)
{
	struct call *call;

	item->check->waiting++;
	call = calls_get(core, path, done);
	call->right = right;
	MESSAGE_TEXT(call->subject, item->name);
	MESSAGE_TEXT(call->uid, item->check->serial);
	free(path);
}

static const struct {
	const char *resource;
	const char *right;
} check_workloads[] = {
    [WORKLOAD_DEPLOYMENT] = {"deployments", "get deployments.apps"},
    [WORKLOAD_STATEFULSET] = {"statefulsets", "get statefulsets.apps"},
    [WORKLOAD_DAEMONSET] = {"daemonsets", "get daemonsets.apps"},
};

/* Such a name no workload can have: it does not exist. */
static void
check_start_workload(struct core *core, struct item *item)
{
	const struct allocation *allocation = item->allocation;

	if (allocation->workload == WORKLOAD_NONE)
		return;
	if (!place_name_sound(allocation->workload_name) ||
	    !place_name_sound(allocation->workload_namespace)) {
		item->check->workload_missing = true;
		return;
	}
	check_read(core, item,
	    mem_printf("/apis/apps/v1/namespaces/%s/%s/%s",
		allocation->workload_namespace,
		check_workloads[allocation->workload].resource,
		allocation->workload_name),
	    check_workloads[allocation->workload].right, check_workload_read);
}

void
check_start(struct core *core, struct item *item, struct slot *slot,
    enum check_purpose purpose, const char *node, const char *node_uid,
    const struct view_instance *instance)
{
	struct check *check;

	if (item->check != NULL || !core_may_start(core))
		return;
	/* Such a name no node can have: there is nothing to read. */
	if (!place_name_sound(node))
		return;
	check = mem_calloc(1, sizeof *check);
	snprintf(check->serial, sizeof check->serial, "%llu",
	    (unsigned long long)++core->next_ticket);
	check->purpose = purpose;
	MESSAGE_TEXT(check->address, slot->address);
	MESSAGE_TEXT(check->node_uid, node_uid);
	check->instance = *instance;
	item->check = check;
	item->workload_uid[0] = '\0';
	slot->check = CHECK_RUNNING;
	slot->check_purpose = purpose;
	MESSAGE_TEXT(slot->check_instance, instance->id);
	check_read(core, item, mem_printf("/api/v1/nodes/%s", node), "get nodes",
	    check_node_read);
	check_read(core, item,
	    mem_printf("/api/v1/pods?fieldSelector=spec.nodeName%%3D%s", node),
	    "list pods", check_pods_read);
	check_start_workload(core, item);
	if (purpose == CHECK_RELEASE && item->allocation->deleting)
		check_read(core, item, mem_strdup(DEFINITION_PATH), DEFINITION_RIGHT,
		    check_definition_read);
}
