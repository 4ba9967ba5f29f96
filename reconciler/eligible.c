#include "eligible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leave.h"
#include "match.h"
#include "mem.h"

static const char *const eligible_words[ELIGIBLE_COUNT] = {
    [ELIGIBLE_YES] = "eligible",
    [ELIGIBLE_SELECTOR] = "not selected",
    [ELIGIBLE_SPECIAL] =
	"control-plane or virtual (name a nodeSelector to include them)",
    [ELIGIBLE_SKIPPED] = "to be skipped",
    [ELIGIBLE_NO_PROVIDER_ID] = "without a usable providerID",
    [ELIGIBLE_PLACE] = "in the wrong zone",
    [ELIGIBLE_LEAVING] = "cordoned",
    [ELIGIBLE_NOT_READY] = "not ready",
    [ELIGIBLE_TAINT] = "with a taint that is not tolerated",
    [ELIGIBLE_UNSEEN] = "not seen running at the cloud",
    [ELIGIBLE_HOLDS] = "hold another reserved address",
    [ELIGIBLE_FAILED] = "refused it just now",
};

/* --- single predicates ------------------------------------------------------------ */

/* Kubernetes' rules for a toleration and a taint (core/v1 Toleration). */
static bool
eligible_tolerates(const struct texts *tolerations, const char *key, const char *value,
    const char *effect)
{
	size_t cursor = 0;
	const char *its_key;

	while ((its_key = texts_next(tolerations, &cursor)) != NULL) {
		const char *operator= texts_next(tolerations, &cursor);
		const char *its_value = texts_next(tolerations, &cursor);
		const char *its_effect = texts_next(tolerations, &cursor);
		bool exists;

		if (operator== NULL || its_value == NULL || its_effect == NULL)
			return false;
		exists = strcmp(operator, "Exists") == 0;
		if (its_effect[0] != '\0' && strcmp(its_effect, effect) != 0)
			continue;
		if (its_key[0] == '\0' ? !exists : strcmp(its_key, key) != 0)
			continue;
		if (exists || strcmp(its_value, value) == 0)
			return true;
	}
	return false;
}

/* The lists of tolerations that the allocation's pods have, each once: in a rollout
 * there are two. Of more than so many it is not said what all pods tolerate. Borrowed.
 */
#define ELIGIBLE_LISTS_MAX 16

struct eligible_lists {
	const struct world *world;
	const struct allocation *allocation;
	bool collected; /* when a taint asks for it: it is a walk over all pods */
	const struct texts *lists[ELIGIBLE_LISTS_MAX];
	size_t len;
	bool more;
};

static void
eligible_add(struct eligible_lists *lists, const struct texts *list)
{
	for (size_t i = 0; i < lists->len; i++)
		if (lists->lists[i]->len == list->len &&
		    (list->len == 0 ||
			memcmp(lists->lists[i]->data, list->data, list->len) == 0))
			return;
	if (lists->len == ELIGIBLE_LISTS_MAX)
		lists->more = true;
	else
		lists->lists[lists->len++] = list;
}

static void
eligible_collect(struct eligible_lists *lists)
{
	const struct world_pod *pod = NULL;

	if (lists->collected || lists->allocation->workload == WORKLOAD_NONE)
		return;
	lists->collected = true;
	while ((pod = world_next_pod(lists->world, pod)) != NULL) {
		if (leave_pod_is_of(pod, lists->allocation))
			eligible_add(lists, &pod->kin->tolerations);
	}
}

/* By all pods; without one nothing is. */
static bool
eligible_tolerated(const struct eligible_lists *lists, const char *key,
    const char *value, const char *effect)
{
	for (size_t i = 0; i < lists->len; i++)
		if (!eligible_tolerates(lists->lists[i], key, value, effect))
			return false;
	return lists->len > 0 && !lists->more;
}

static bool
eligible_tainted(const struct world_node *node, struct eligible_lists *lists)
{
	size_t cursor = 0;
	const char *key;

	while ((key = texts_next(&node->taints, &cursor)) != NULL) {
		const char *value = texts_next(&node->taints, &cursor);
		const char *effect = texts_next(&node->taints, &cursor);

		if (value == NULL || effect == NULL)
			return true;
		/* What evicts pods keeps them away just as well. */
		if (strcmp(effect, "NoSchedule") != 0 &&
		    strcmp(effect, "NoExecute") != 0)
			continue;
		eligible_collect(lists);
		if (!eligible_tolerated(lists, key, value, effect))
			return true;
	}
	return false;
}

/* The node's instance as the cloud shows it now. */
static enum eligible_no
eligible_instance(const struct scene *scene, const char *address,
    const struct world_node *node, struct target *target)
{
	const struct place *place = &node->place;
	const struct view_scope *zone =
	    view_scope(scene->view, SCOPE_ZONE, place->project, place->zone);
	const struct view_scope *region =
	    view_scope(scene->view, SCOPE_REGION, place->project, place->region);
	const char *reason, *message;

	if (!view_fresh(
		scene->view, zone, address, scene->now.mono, &reason, &message) ||
	    !view_fresh(
		scene->view, region, address, scene->now.mono, &reason, &message))
		return ELIGIBLE_UNSEEN;
	target->node = node;
	target->instance = view_instance(zone, place->instance);
	if (target->instance == NULL || target->instance->state != INSTANCE_RUNNING)
		return ELIGIBLE_UNSEEN;
	if (target->instance->address[0] == '\0')
		return ELIGIBLE_YES;
	if (strcmp(target->instance->address, address) != 0 &&
	    view_reserved(scene->view, target->instance->address))
		return ELIGIBLE_HOLDS;
	target->ephemeral = strcmp(target->instance->address, address) != 0;
	return ELIGIBLE_YES;
}

static enum eligible_no
eligible_check(const struct eligible_query *query, struct eligible_lists *lists,
    const struct world_node *node, struct target *ret_target)
{
	const struct scene *scene = query->scene;
	const struct allocation *allocation = query->allocation;
	const char *address = query->address->address;
	enum match match = match_node(node, allocation);
	enum eligible_no no;

	if (match == MATCH_NOT_SELECTED)
		return ELIGIBLE_SELECTOR;
	if (match == MATCH_SPECIAL)
		return ELIGIBLE_SPECIAL;
	if (node->skip || node->oversize)
		return ELIGIBLE_SKIPPED;
	if (!node->placed)
		return ELIGIBLE_NO_PROVIDER_ID;
	if (match == MATCH_PLACE ||
	    strcmp(node->place.region, query->place->region) != 0 ||
	    strcmp(node->place.project, query->place->project) != 0)
		return ELIGIBLE_PLACE;
	if (leave_is_leaving(node))
		return ELIGIBLE_LEAVING;
	if (node->ready != NODE_READY_TRUE)
		return ELIGIBLE_NOT_READY;
	if (eligible_tainted(node, lists))
		return ELIGIBLE_TAINT;
	if (map_get(query->taken, node->uid) != NULL)
		return ELIGIBLE_HOLDS;
	no = eligible_instance(scene, address, node, ret_target);
	if (no != ELIGIBLE_YES)
		return no;
	if (world_noted(
		scene->world, NOTE_ATTACH_FAILED, address, node->uid, scene->now.mono))
		return ELIGIBLE_FAILED;
	return ELIGIBLE_YES;
}

/* --- the order of choice ---------------------------------------------------------- */

/* Smaller is better, from the first member on; the name decides last. */
struct eligible_rank {
	bool not_previous;
	bool no_workload_pod;
	size_t zone_load; /* addresses of all allocations in its zone */
	bool host_network;
	const char *name;
};

/* zone → size_t: nodes there that hold or are promised an address, whichever. */
static struct map *
eligible_zone_loads(const struct eligible_query *query)
{
	struct map *loads = map_new(free);

	MAP_EACH(query->scene->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);
		size_t *load;

		if (map_get(query->taken, node->uid) == NULL ||
		    strcmp(node->uid, query->except) == 0)
			continue;
		load = map_get(loads, node->place.zone);
		if (load == NULL) {
			load = mem_calloc(1, sizeof *load);
			map_put(loads, node->place.zone, load);
		}
		++*load;
	}
	return loads;
}

static void
eligible_rank(const struct eligible_query *query, const struct map *loads,
    const struct world_node *node, struct eligible_rank *rank)
{
	const struct world *world = query->scene->world;
	const size_t *load = map_get(loads, node->place.zone);

	*rank = (struct eligible_rank){
	    .not_previous = strcmp(node->uid, query->address->node_uid) != 0,
	    .no_workload_pod = true,
	    .zone_load = load != NULL ? *load : 0,
	    .name = node->name,
	};
	for (const struct world_pod *pod = world_pods(world, node->name); pod != NULL;
	     pod = pod->next) {
		if (leave_pod_is_of(pod, query->allocation))
			rank->no_workload_pod = false;
		else if (pod->host_network && !pod->mirror &&
			 strcmp(pod->kin->owner_kind, "DaemonSet") != 0)
			rank->host_network = true;
	}
}

static bool
eligible_better(const struct eligible_rank *a, const struct eligible_rank *b)
{
	if (a->not_previous != b->not_previous)
		return b->not_previous;
	if (a->no_workload_pod != b->no_workload_pod)
		return b->no_workload_pod;
	if (a->zone_load != b->zone_load)
		return a->zone_load < b->zone_load;
	if (a->host_network != b->host_network)
		return b->host_network;
	return strcmp(a->name, b->name) < 0;
}

bool
eligible_choose(const struct eligible_query *query, struct target *ret_target,
    struct eligible_counts *ret_counts)
{
	struct eligible_lists lists = {
	    .world = query->scene->world,
	    .allocation = query->allocation,
	};
	struct map *loads = eligible_zone_loads(query);
	struct eligible_rank best = {0}, rank;
	struct target target;
	bool found = false;

	*ret_counts = (struct eligible_counts){0};
	MAP_EACH(query->scene->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);
		enum eligible_no no;

		if (strcmp(node->uid, query->except) == 0)
			continue;
		target = (struct target){0};
		no = eligible_check(query, &lists, node, &target);
		ret_counts->nodes++;
		ret_counts->no[no]++;
		ret_counts->own +=
		    no == ELIGIBLE_HOLDS &&
		    map_get(query->taken, node->uid) == query->allocation;
		if (no != ELIGIBLE_YES)
			continue;
		eligible_rank(query, loads, node, &rank);
		if (found && !eligible_better(&rank, &best))
			continue;
		found = true;
		best = rank;
		*ret_target = target;
	}
	map_free(loads);
	return found;
}

void
eligible_describe(const struct eligible_counts *counts, char *out, size_t size)
{
	bool told[ELIGIBLE_COUNT] = {[ELIGIBLE_YES] = true};
	int len = snprintf(out, size, "0/%zu nodes", counts->nodes);
	const char *separator = ": ";

	/* The largest count first, as schedulers do. */
	for (size_t round = 1; round < ELIGIBLE_COUNT; round++) {
		size_t most = ELIGIBLE_YES;

		for (size_t i = 1; i < ELIGIBLE_COUNT; i++)
			if (!told[i] &&
			    (most == ELIGIBLE_YES || counts->no[i] > counts->no[most]))
				most = i;
		told[most] = true;
		if (counts->no[most] == 0 || len < 0 || (size_t)len >= size)
			return;
		len += snprintf(out + len, size - (size_t)len, "%s%zu %s", separator,
		    counts->no[most], eligible_words[most]);
		separator = ", ";
	}
}
