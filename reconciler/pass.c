#include "pass.h"

#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "definition.h"
#include "finalizer.h"
#include "items.h"
#include "labels.h"
#include "lost.h"
#include "mem.h"
#include "report.h"

/* --- the places of interest ------------------------------------------------------- */

struct pass_wanted {
	struct core *core;
	const struct allocation *allocation;
};

static void
pass_want_project(void *arg, const char *project)
{
	struct pass_wanted *wanted = arg;
	struct view *view = wanted->core->view;
	char region[PLACE_MAX + 1];
	size_t cursor = 0;
	const char *zone;

	/* Not the zones themselves: an address cannot go where no node is, and a zone
	 * that does not exist would leave all of its region unknown. */
	view_want_spec_region(view, project, wanted->allocation->region);
	while ((zone = texts_next(&wanted->allocation->zones, &cursor)) != NULL) {
		place_region_of(zone, region, sizeof region);
		view_want_spec_region(view, project, region);
	}
}

static void
pass_want_global(void *arg, const char *project)
{
	view_want_spec_region(arg, project, PLACE_GLOBAL);
}

/* What no region has may be a global address, which is told as such. */
static bool
pass_is_missing(const struct allocation_address *entry)
{
	return entry->listed && (strcmp(entry->reason, "AddressNotFound") == 0 ||
				    strcmp(entry->reason, "AddressIsGlobal") == 0);
}

static void
pass_want_allocation(struct core *core, const struct allocation *allocation)
{
	struct pass_wanted wanted = {core, allocation};

	holder_each_project(core->world, pass_want_project, &wanted);
	for (size_t i = 0; i < allocation->addresses_len; i++) {
		const struct allocation_address *entry = &allocation->addresses[i];
		const struct intent *intent = &entry->intent;

		view_want_zone(core->view, entry->project, entry->zone);
		if (pass_is_missing(entry))
			holder_each_project(core->world, pass_want_global, core->view);
		if (!plan_is_open(entry))
			continue;
		view_want_zone(core->view, intent->from.project, intent->from.zone);
		view_want_zone(core->view, intent->to.project, intent->to.zone);
	}
}

static void
pass_want_nodes(struct core *core)
{
	MAP_EACH(core->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);

		if (node->placed)
			view_want_zone(
			    core->view, node->place.project, node->place.zone);
	}
}

/* Zones and regions of nodes and allocations, and the interval of the most eager one.
 */
void
pass_want(struct core *core)
{
	int64_t least_ms = INT64_MAX;

	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);
		int64_t interval_ms;

		if (item->allocation == NULL)
			continue;
		interval_ms = item->allocation->reconcile_interval_s * 1000;
		if (interval_ms > 0 && interval_ms < least_ms)
			least_ms = interval_ms;
	}
	view_want_begin(core->view);
	if (least_ms != INT64_MAX)
		pass_want_nodes(core);
	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (item->allocation != NULL)
			pass_want_allocation(core, item->allocation);
	}
	view_want_end(core->view);
	core->view->interval_ms = least_ms != INT64_MAX ? least_ms : VIEW_INTERVAL_MS;
}

/* --- one pass --------------------------------------------------------------------- */

static int
pass_older(const void *left, const void *right)
{
	const struct allocation *const *a = left;
	const struct allocation *const *b = right;

	if ((*a)->created.ms != (*b)->created.ms)
		return (*a)->created.ms < (*b)->created.ms ? -1 : 1;
	return strcmp((*a)->uid, (*b)->uid);
}

struct allocation **
pass_sorted(const struct core *core, size_t *ret_len)
{
	struct allocation **sorted =
	    mem_calloc(map_count(core->items) + 1, sizeof(struct allocation *));
	size_t len = 0;

	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (item->allocation != NULL)
			sorted[len++] = item->allocation;
	}
	qsort(sorted, len, sizeof(struct allocation *), pass_older);
	*ret_len = len;
	return sorted;
}

/* An entry that is not listed; not while the API may still have its intent. */
static void
pass_forget(struct allocation *allocation, size_t index)
{
	const struct allocation_address *entry = &allocation->addresses[index];

	if (!entry->listed && !entry->journal_open)
		allocation_remove(allocation, entry->address);
}

/* All steps of one allocation, then what is no longer wanted, then its status. */
static void
pass_act_item(struct core *core, struct item *item, const struct scene *scene,
    struct plan_step *steps, size_t len, bool complete)
{
	struct act act = {
	    .core = core,
	    .item = item,
	    .scene = scene,
	    .complete = complete,
	};

	if (complete && finalizer_run(core, item, steps, len))
		return;
	act.begins = finalizer_allows(item);
	for (size_t i = 0; i < len; i++) {
		act.step = &steps[i];
		act.entry = &item->allocation->addresses[steps[i].index];
		act.slot = items_slot(item, act.entry->address);
		act_step(&act);
	}
	for (size_t i = len; complete && i > 0; i--)
		if (steps[i - 1].kind == PLAN_FORGET)
			pass_forget(item->allocation, steps[i - 1].index);
	report_conditions(core, item);
	items_write(core, item);
	report_metrics(core, item);
}

/* Nothing holds it any more: the watcher will tell. */
static bool
pass_is_gone(const struct allocation *allocation)
{
	return allocation->deleting && allocation->finalizers == NULL;
}

static void
pass_act(struct core *core, const struct plan *plan, const struct scene *scene,
    bool complete)
{
	size_t start = 0;

	/* the steps are in their order; who lists nothing has none, yet a status */
	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation *allocation = scene->allocations[i];
		struct item *item = map_get(core->items, allocation->name);
		size_t end = start;

		while (end < plan->len && plan->steps[end].allocation == allocation)
			end++;
		if (items_settled(item) && !pass_is_gone(allocation) &&
		    !backoff_waits(core, &item->backoff))
			pass_act_item(core, item, scene, &plan->steps[start],
			    end - start, complete);
		start = end;
	}
}

/* Time alone may change a plan at a moment that it names in wall time. */
static void
pass_wake_for(struct core *core, const struct plan *plan)
{
	int64_t wait_ms = plan->next_ms - core->now.wall.ms;

	if (plan->next_ms == INT64_MAX)
		return;
	core_wake_at(core, core->now.mono.ms + (wait_ms > 0 ? wait_ms : 1));
}

void
pass_decide(struct core *core)
{
	struct scene scene = {
	    .world = core->world,
	    .view = core->view,
	    .now = core->now,
	};
	bool complete = core->watcher_up && world_complete(core->world);
	struct allocation **sorted = pass_sorted(core, &scene.allocations_len);
	struct plan *plan;

	scene.allocations = sorted;
	scene.definition = definition_look(core);
	plan = plan_make(&scene);
	if (complete && !core->dry_run) {
		lost_run(core, plan, &scene);
		labels_run(core, plan, &scene);
	}
	pass_act(core, plan, &scene, complete);
	pass_wake_for(core, plan);
	if (complete)
		report_nodes(core);
	plan_free(plan);
	free(sorted);
}

void
pass_hold(struct core *core, const char *pod)
{
	MAP_EACH(core->items, entry)
	{
		struct item *item = lh_entry_v(entry);

		if (!items_settled(item) || backoff_waits(core, &item->backoff))
			continue;
		report_other_controller(core, item, pod);
		items_write(core, item);
		report_metrics(core, item);
	}
}
