#include "whereabouts.h"

#include <stdlib.h>
#include <string.h>

#include "holder.h"
#include "mem.h"
#include "pass.h"
#include "state.h"

static struct wall_time
wall_of(const struct core *core, struct mono_time mono)
{
	return (struct wall_time){core->now.wall.ms - (core->now.mono.ms - mono.ms)};
}

/* That it is nowhere all lists of its region say together, or of all regions when none
 * has it: the oldest of them counts. */
static struct mono_time
absent_since(const struct core *core, const struct place *place)
{
	struct mono_time oldest = core->now.mono;

	MAP_EACH(core->view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);
		char region[PLACE_MAX + 1];

		if (scope->kind == SCOPE_ZONE)
			place_region_of(scope->place, region, sizeof region);
		else
			MESSAGE_TEXT(region, scope->place);
		if (place->region[0] != '\0' &&
		    (strcmp(scope->project, place->project) != 0 ||
			strcmp(region, place->region) != 0))
			continue;
		if (!view_is_extra(scope) && scope->at.ms < oldest.ms)
			oldest = scope->at;
	}
	return oldest;
}

/* The latest order about the address, if it is why it is where it is. */
static struct wall_time
moved_at(const struct core *core, const char *address, const char *instance,
    struct mono_time since)
{
	const struct order *latest = NULL;

	MAP_EACH(core->orders, entry)
	{
		const struct order *order = lh_entry_v(entry);

		if (order->kind != ORDER_EPHEMERAL && order->ended.ms != 0 &&
		    strcmp(order->address, address) == 0 &&
		    (latest == NULL || order->ended.ms > latest->ended.ms))
			latest = order;
	}
	if (latest == NULL || latest->outcome != OUTCOME_DONE ||
	    latest->ended.ms < since.ms ||
	    (instance != NULL ? latest->kind != ORDER_ATTACH ||
				    strcmp(latest->instance, instance) != 0
			      : latest->kind != ORDER_DETACH))
		return (struct wall_time){0};
	return wall_of(core, latest->ended);
}

static bool
find(const struct core *core, const struct holder *holder, struct mono_time since,
    struct whereabouts *whereabouts)
{
	const char *instance = NULL;
	struct mono_time seen;

	whereabouts->node = whereabouts->zone = "";
	switch (holder->kind) {
	case HOLDER_OURS:
		instance = holder->instance->id;
		whereabouts->node =
		    holder->node != NULL ? holder->node->name : holder->instance->name;
		whereabouts->zone = holder->place.zone;
		seen = holder->instance->asked;
		break;
	case HOLDER_ABSENT:
	case HOLDER_ELSEWHERE:
	case HOLDER_NOT_FOUND:
		seen = absent_since(core, &holder->place);
		break;
	case HOLDER_UNKNOWN:
	case HOLDER_UNFIT:
	default:
		return false;
	}
	if (seen.ms < since.ms)
		return false;
	whereabouts->seen = wall_of(core, seen);
	whereabouts->moved = moved_at(core, whereabouts->address, instance, since);
	return true;
}

/* An address that several list belongs to one of them. */
static bool
belongs_to_another(const struct allocation_address *entry)
{
	return entry->state == ADDRESS_STATE_BLOCKED &&
	       strcmp(entry->reason, "Conflict") == 0;
}

void
whereabouts_each(struct core *core, struct core_time now, struct mono_time since,
    whereabouts_fn *each, void *arg)
{
	struct scene scene = {.world = core->world, .view = core->view, .now = now};
	struct allocation **sorted;

	core->now = now;
	if (!core->leads || !core->listed || !core->cloud_up || !core->orders_told ||
	    !world_complete(core->world))
		return;
	sorted = pass_sorted(core, &scene.allocations_len);
	scene.allocations = sorted;
	for (size_t i = 0; i < scene.allocations_len; i++) {
		const struct allocation *allocation = sorted[i];

		for (size_t k = 0; k < allocation->addresses_len; k++) {
			const struct allocation_address *entry =
			    &allocation->addresses[k];
			struct whereabouts whereabouts = {
			    .address = entry->address,
			    .allocation = allocation->name,
			};
			struct holder holder;

			if (!allocation_address_usable(entry) ||
			    belongs_to_another(entry))
				continue;
			holder_find(&scene, entry, &holder);
			if (find(core, &holder, since, &whereabouts))
				each(arg, &whereabouts);
		}
	}
	free(sorted);
}
