#include "lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "evict.h"
#include "items.h"
#include "labels.h"
#include "mem.h"

struct loss {
	char *key;
	char allocation[NAME_MAX_LEN + 1];
	char allocation_uid[UID_MAX_LEN + 1];
	char node[NAME_MAX_LEN + 1];
	char node_uid[UID_MAX_LEN + 1];
	bool ours; /* we took the address: only pods that require the label go */
	struct mono_time since; /* the first look without an address is not younger */
	bool looking_again;
	bool told;	  /* that there is no node to go to */
	struct map *pods; /* uids of those there at the first look: later ones came
			     without the address and stay */
};

/* What one pass looks at. */
struct lost_pass {
	struct core *core;
	const struct plan *plan;
	const struct scene *scene;
};

void
lost_free(void *value)
{
	struct loss *loss = value;

	map_free(loss->pods);
	free(loss->key);
	free(loss);
}

/* --- how a node is ---------------------------------------------------------------- */

static bool
lost_concerns(const struct lost_pass *pass, const struct allocation *allocation)
{
	const struct item *item = map_get(pass->core->items, allocation->name);

	return item != NULL && items_settled(item) &&
	       allocation->policy == POLICY_SYNC && !allocation->paused &&
	       !allocation->deleting && allocation->refusal_reason[0] == '\0' &&
	       allocation->eviction != EVICTION_NEVER &&
	       (allocation->workload == WORKLOAD_DEPLOYMENT ||
		   allocation->workload == WORKLOAD_STATEFULSET);
}

enum lost_look { LOST_UNKNOWN, LOST_HOLDS, LOST_ABSENT };

/* Whether the node's instance, as last seen, has a reserved address, be it that of
 * another allocation. *ret_asked: when that was asked. Unknown also when the list of
 * addresses says otherwise. */
static enum lost_look
lost_look(const struct lost_pass *pass, const struct allocation *allocation,
    const struct world_node *node, struct mono_time *ret_asked)
{
	const struct view *view = pass->scene->view;
	const struct view_scope *zone =
	    view_scope(view, SCOPE_ZONE, node->place.project, node->place.zone);
	const struct view_instance *instance =
	    view_instance(zone, node->place.instance);
	const char *reason, *message;
	struct place user;
	bool holds = false;

	if (!node->placed || instance == NULL ||
	    !view_fresh(view, zone, "", pass->core->now.mono, &reason, &message))
		return LOST_UNKNOWN;
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];

		if (!view_fresh(view, zone, entry->address, pass->core->now.mono,
			&reason, &message))
			return LOST_UNKNOWN;
		holds |= strcmp(entry->address, instance->address) == 0;
	}
	if (holds || view_reserved(view, instance->address))
		return LOST_HOLDS;
	/* it may be reserved, in a list that could not be read */
	if (instance->address[0] != '\0' &&
	    !view_fresh(view,
		view_scope(view, SCOPE_REGION, node->place.project, node->place.region),
		"", pass->core->now.mono, &reason, &message))
		return LOST_UNKNOWN;
	for (size_t i = 0; i < pass->plan->len; i++) {
		const struct plan_step *step = &pass->plan->steps[i];

		if (step->allocation == allocation && step->holder.record != NULL &&
		    place_parse_user(step->holder.record->user, &user) &&
		    strcmp(user.instance, node->place.instance) == 0 &&
		    strcmp(user.zone, node->place.zone) == 0)
			return LOST_UNKNOWN;
	}
	*ret_asked = zone->at;
	return LOST_ABSENT;
}

/* --- finding them ----------------------------------------------------------------- */

/* The journal says that we are taking, or have taken, an address off that node. */
static bool
lost_is_ours(const struct allocation *allocation, const char *node_uid)
{
	for (size_t i = 0; i < allocation->addresses_len; i++)
		if (strcmp(allocation->addresses[i].intent.from.node_uid, node_uid) ==
		    0)
			return true;
	return false;
}

static void
lost_remember_pods(const struct lost_pass *pass, const struct allocation *allocation,
    struct loss *loss)
{
	loss->pods = map_new(free);
	for (const struct world_pod *pod = world_pods(pass->scene->world, loss->node);
	     pod != NULL; pod = pod->next) {
		char *uid;

		if (!evict_may(pod, allocation) || (loss->ours && !pod->needs_label))
			continue;
		uid = mem_strdup(pod->uid);
		map_put(loss->pods, uid, uid);
	}
}

/* A node that had an address of the allocation: is it without one now? */
static void
lost_suspect(const struct lost_pass *pass, const struct allocation *allocation,
    const char *name, const char *uid)
{
	const struct world_node *node = world_node(pass->scene->world, name);
	struct core *core = pass->core;
	struct mono_time asked;
	struct loss *loss;
	char *key;

	if (node == NULL || strcmp(node->uid, uid) != 0 ||
	    lost_look(pass, allocation, node, &asked) != LOST_ABSENT)
		return;
	key = mem_printf("%s/%s", allocation->uid, uid);
	if (map_get(core->losses, key) != NULL) {
		free(key);
		return;
	}
	if (map_count(core->losses) >= LOST_MAX)
		map_drop(core->losses, lh_entry_k(lh_table_head(core->losses->table)));
	loss = mem_calloc(1, sizeof *loss);
	loss->key = key;
	MESSAGE_TEXT(loss->allocation, allocation->name);
	MESSAGE_TEXT(loss->allocation_uid, allocation->uid);
	MESSAGE_TEXT(loss->node, name);
	MESSAGE_TEXT(loss->node_uid, uid);
	loss->ours = lost_is_ours(allocation, uid);
	loss->since = core->now.mono;
	lost_remember_pods(pass, allocation, loss);
	map_put(core->losses, loss->key, loss);
}

static void
lost_find(const struct lost_pass *pass)
{
	for (size_t i = 0; i < pass->plan->len; i++) {
		const struct plan_step *step = &pass->plan->steps[i];
		const struct allocation_address *entry = plan_address(step);
		const struct intent_place *from = &entry->intent.from;

		if (!lost_concerns(pass, step->allocation))
			continue;
		lost_suspect(pass, step->allocation, from->node, from->node_uid);
		lost_suspect(pass, step->allocation, entry->node, entry->node_uid);
	}
}

/* Labels tell of addresses that the status no longer does. */
static void
lost_find_labelled(const struct lost_pass *pass)
{
	MAP_EACH(pass->scene->world->nodes, at)
	{
		const struct world_node *node = lh_entry_v(at);
		const char *address = texts_value(&node->labels, LABEL_ADDRESS);

		for (size_t i = 0; address != NULL && i < pass->plan->len; i++) {
			const struct plan_step *step = &pass->plan->steps[i];

			if (strcmp(plan_address(step)->address, address) == 0 &&
			    lost_concerns(pass, step->allocation))
				lost_suspect(
				    pass, step->allocation, node->name, node->uid);
		}
	}
}

/* --- what becomes of their pods --------------------------------------------------- */

/* The first of those that were there at the loss and still are; *ret_going: one is on
 * its way out already. */
static const struct world_pod *
lost_pod(const struct lost_pass *pass, const struct allocation *allocation,
    const struct loss *loss, bool *ret_going)
{
	const struct world_pod *first = NULL;

	*ret_going = false;
	for (const struct world_pod *pod = world_pods(pass->scene->world, loss->node);
	     pod != NULL; pod = pod->next) {
		if (map_get(loss->pods, pod->uid) == NULL)
			continue;
		*ret_going |= leave_pod_is_going(pod, pass->core->now.wall);
		if (evict_may(pod, allocation) &&
		    (first == NULL || strcmp(pod->name, first->name) < 0))
			first = pod;
	}
	return first;
}

/* Another node with an address, where a pod could go. */
static bool
lost_is_replaceable(const struct lost_pass *pass, const struct allocation *allocation,
    const struct loss *loss)
{
	for (size_t i = 0; i < pass->plan->len; i++) {
		const struct plan_step *step = &pass->plan->steps[i];
		const struct world_node *node = step->holder.node;

		if (step->allocation == allocation &&
		    step->holder.kind == HOLDER_OURS && node != NULL &&
		    strcmp(node->uid, loss->node_uid) != 0 &&
		    node->ready == NODE_READY_TRUE && !leave_is_leaving(node) &&
		    labels_are_on(pass->core, node, plan_address(step)->address,
			allocation->name))
			return true;
	}
	return false;
}

/* True: two looks, far enough apart, did not find an address. */
static bool
lost_is_confirmed(
    const struct lost_pass *pass, struct loss *loss, struct mono_time asked)
{
	struct core *core = pass->core;
	const struct world_node *node = world_node(core->world, loss->node);
	int64_t again_ms = loss->since.ms + LOST_APART_MS;

	if (asked.ms >= again_ms)
		return true;
	if (core->now.mono.ms < again_ms) {
		core_wake_at(core, again_ms);
	} else if (!loss->looking_again) {
		loss->looking_again = true;
		view_touch(core->view, node->place.project, node->place.zone);
		core_wake_at(core, core->now.mono.ms + 1);
	}
	return false;
}

static void
lost_tell_no_replacement(
    const struct lost_pass *pass, const struct item *item, struct loss *loss)
{
	char message[TEXT_MAX + 1];

	if (loss->told)
		return;
	loss->told = true;
	snprintf(message, sizeof message,
	    "pods stay on %.200s, which no longer has an address: no other node has "
	    "one",
	    loss->node);
	events_tell(pass->core, item->allocation, NULL, "Warning", "NoReplacementNode",
	    message);
}

static void
lost_go_on(const struct lost_pass *pass, struct item *item, struct loss *loss,
    struct mono_time asked)
{
	const struct allocation *allocation = item->allocation;
	const struct world_pod *pod;
	char why[TEXT_MAX + 1];
	bool going;

	pod = lost_pod(pass, allocation, loss, &going);
	if (pod == NULL || going || !lost_is_confirmed(pass, loss, asked) ||
	    plan_is_promised(pass->scene, NULL, loss->node_uid))
		return;
	if (allocation->eviction == EVICTION_WHEN_REPLACEABLE &&
	    !lost_is_replaceable(pass, allocation, loss)) {
		lost_tell_no_replacement(pass, item, loss);
		return;
	}
	snprintf(why, sizeof why, "%.200s no longer has an address of it", loss->node);
	evict_pod(pass->core, item, pod, world_node(pass->core->world, loss->node),
	    loss->ours, why);
}

/* One that is over goes; it is over when node or allocation are, or it has an address
 * again. */
static void
lost_judge(const struct lost_pass *pass, struct loss *loss)
{
	struct core *core = pass->core;
	struct item *item = map_get(core->items, loss->allocation);
	const struct world_node *node = world_node(core->world, loss->node);
	struct mono_time asked;

	if (item == NULL || item->allocation == NULL ||
	    strcmp(item->allocation->uid, loss->allocation_uid) != 0 || node == NULL ||
	    strcmp(node->uid, loss->node_uid) != 0) {
		map_drop(core->losses, loss->key);
		return;
	}
	if (!lost_concerns(pass, item->allocation))
		return;
	switch (lost_look(pass, item->allocation, node, &asked)) {
	case LOST_UNKNOWN:
		return;
	case LOST_HOLDS:
		map_drop(core->losses, loss->key);
		return;
	case LOST_ABSENT:
		lost_go_on(pass, item, loss, asked);
		return;
	}
}

void
lost_run(struct core *core, const struct plan *plan, const struct scene *scene)
{
	const struct lost_pass pass = {core, plan, scene};

	lost_find(&pass);
	lost_find_labelled(&pass);
	MAP_EACH(core->losses, entry)
	{
		struct loss *loss = lh_entry_v(entry);

		lost_judge(&pass, loss);
	}
}
