#include "holder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Projects one cluster's nodes may lie in. */
#define HOLDER_PROJECTS_MAX 16

struct projects {
	char names[HOLDER_PROJECTS_MAX][PLACE_MAX + 1];
	size_t len;
};

static void
projects_add(struct projects *projects, const char *project)
{
	for (size_t i = 0; i < projects->len; i++)
		if (strcmp(projects->names[i], project) == 0)
			return;
	if (projects->len == HOLDER_PROJECTS_MAX)
		return;
	MESSAGE_TEXT(projects->names[projects->len], project);
	projects->len++;
}

void
holder_each_project(
    const struct world *world, void (*each)(void *arg, const char *project), void *arg)
{
	struct projects projects = {0};

	MAP_EACH(world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);

		if (node->placed)
			projects_add(&projects, node->place.project);
	}
	for (size_t i = 0; i < projects.len; i++)
		each(arg, projects.names[i]);
}

static void
holder_unknown(struct holder *holder, const char *reason, const char *text)
{
	holder->kind = HOLDER_UNKNOWN;
	holder->reason = reason;
	MESSAGE_TEXT(holder->text, text);
}

/* Where the address is reserved, by any region that was seen and is fresh; else by the
 * list of global ones. */
static const struct view_scope *
holder_region(const struct scene *scene, const char *address)
{
	const struct view_scope *extra = NULL;
	const char *reason, *message;

	MAP_EACH(scene->view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);

		if (scope->kind != SCOPE_REGION ||
		    !view_fresh(scene->view, scope, address, scene->now.mono, &reason,
			&message) ||
		    map_get(scope->things, address) == NULL)
			continue;
		if (!view_is_extra(scope))
			return scope;
		extra = scope;
	}
	return extra;
}

/* Of several scopes that say nothing the first by name is told, so that the message
 * does not depend on the order in which nodes came. */
struct unseen {
	const struct view_scope *scope; /* NULL none */
	const char *reason, *message;
};

static void
unseen_look(const struct scene *scene, const struct view_scope *scope,
    const char *address, struct unseen *unseen)
{
	const char *reason, *message;

	if (view_fresh(
		scene->view, scope, address, scene->now.mono, &reason, &message) ||
	    (unseen->scope != NULL && strcmp(scope->key, unseen->scope->key) > 0))
		return;
	*unseen = (struct unseen){scope, reason, message};
}

struct regions {
	const struct view_scope *scopes[VIEW_SCOPES_MAX];
	size_t len;
};

static int
regions_order(const void *left, const void *right)
{
	const struct view_scope *const *a = left;
	const struct view_scope *const *b = right;

	return strcmp((*a)->key, (*b)->key);
}

/* "demo/us-east1, demo/us-west1" */
static void
regions_tell(struct regions *regions, char *out, size_t size)
{
	size_t used = 0;

	qsort(
	    regions->scopes, regions->len, sizeof(struct view_scope *), regions_order);
	for (size_t i = 0; i < regions->len && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s/%s",
		    i > 0 ? ", " : "", regions->scopes[i]->project,
		    regions->scopes[i]->place);
}

/* No region lists it: not reserved, unless a region could not be looked at. */
static void
holder_not_found(const struct scene *scene, const char *address, struct holder *holder)
{
	struct regions regions = {.len = 0};
	struct unseen unseen = {0};
	char list[TEXT_MAX - 64] = "";
	const char *reason, *message;
	bool extra = false;

	MAP_EACH(scene->view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);

		if (scope->kind != SCOPE_REGION || regions.len == VIEW_SCOPES_MAX)
			continue;
		if (view_is_extra(scope)) {
			extra |= view_fresh(scene->view, scope, address,
			    scene->now.mono, &reason, &message);
			continue;
		}
		unseen_look(scene, scope, address, &unseen);
		regions.scopes[regions.len++] = scope;
	}
	if (unseen.scope != NULL) {
		holder_unknown(holder, unseen.reason, unseen.message);
		return;
	}
	if (regions.len == 0) {
		holder_unknown(holder, VIEW_NOT_OBSERVED, "no region is known yet");
		return;
	}
	regions_tell(&regions, list, sizeof list);
	holder->kind = HOLDER_NOT_FOUND;
	holder->reason = "AddressNotFound";
	snprintf(holder->text, sizeof holder->text, "not reserved in %s%s", list,
	    extra ? ", nor a global address" : "");
}

/* The zone scopes of the region of `place`, all fresh? And does one hold the address?
 */
static bool
holder_zones(const struct scene *scene, const char *address, struct holder *holder,
    const struct view_scope **ret_zone)
{
	struct unseen unseen = {0};

	*ret_zone = NULL;
	MAP_EACH(scene->view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);
		char region[PLACE_MAX + 1];

		place_region_of(scope->place, region, sizeof region);
		if (scope->kind != SCOPE_ZONE ||
		    strcmp(scope->project, holder->place.project) != 0 ||
		    strcmp(region, holder->place.region) != 0)
			continue;
		unseen_look(scene, scope, address, &unseen);
		if (scope->holding != NULL && map_get(scope->holding, address) != NULL)
			*ret_zone = scope;
	}
	if (unseen.scope != NULL)
		holder_unknown(holder, unseen.reason, unseen.message);
	return unseen.scope == NULL;
}

/* An instance is ours when it is a node of this cluster, or a status says it was. */
static bool
holder_was_ours(const struct scene *scene, const char *instance)
{
	for (size_t i = 0; i < scene->allocations_len; i++) {
		const struct allocation *allocation = scene->allocations[i];

		for (size_t j = 0; j < allocation->addresses_len; j++) {
			const struct allocation_address *address =
			    &allocation->addresses[j];

			if (strcmp(address->instance, instance) == 0 ||
			    (address->intent.step != INTENT_NONE &&
				(strcmp(address->intent.from.instance, instance) == 0 ||
				    strcmp(address->intent.to.instance, instance) ==
					0)))
				return true;
		}
	}
	return false;
}

/* The Node of an instance. One whose providerID is not there (yet, or any more) is
 * taken by its name: it exists, so it is not gone. */
static const struct world_node *
holder_node(const struct scene *scene, const struct view_scope *zone, const char *name)
{
	const struct world_node *node =
	    world_node_at(scene->world, zone->project, zone->place, name);
	const struct world_node *namesake = world_node(scene->world, name);

	if (node == NULL && namesake != NULL && !namesake->placed)
		return namesake;
	return node;
}

static void
holder_on_instance(const struct scene *scene, const struct view_scope *zone,
    const char *address, struct holder *holder)
{
	const struct view_instance *instance = map_get(zone->holding, address);

	MESSAGE_TEXT(holder->place.zone, zone->place);
	MESSAGE_TEXT(holder->place.instance, instance->name);
	holder->node = holder_node(scene, zone, instance->name);
	if (holder->node == NULL && !holder_was_ours(scene, instance->id)) {
		holder->kind = HOLDER_ELSEWHERE;
		holder->reason = "HeldElsewhere";
		snprintf(holder->text, sizeof holder->text,
		    "held by projects/%s/zones/%s/instances/%s", zone->project,
		    zone->place, instance->name);
		return;
	}
	holder->kind = HOLDER_OURS;
	holder->instance = instance;
}

static void
holder_elsewhere(struct holder *holder, const char *user)
{
	holder->kind = HOLDER_ELSEWHERE;
	holder->reason = "HeldElsewhere";
	snprintf(holder->text, sizeof holder->text, "held by %.400s", user);
}

/* The address list and the instance lists have to agree. */
static void
holder_judge(const struct scene *scene, const char *address, struct holder *holder)
{
	const struct view_address *record = holder->record;
	const struct view_scope *zone;
	struct place user;
	bool by_instance = place_parse_user(record->user, &user);

	if (!holder_zones(scene, address, holder, &zone))
		return;
	if (record->user[0] == '\0' && zone == NULL &&
	    record->status == ADDRESS_RESERVED) {
		holder->kind = HOLDER_ABSENT;
		return;
	}
	if (zone != NULL && by_instance && strcmp(user.project, zone->project) == 0 &&
	    strcmp(user.zone, zone->place) == 0 &&
	    strcmp(user.instance,
		((const struct view_instance *)map_get(zone->holding, address))
		    ->name) == 0) {
		holder_on_instance(scene, zone, address, holder);
		return;
	}
	if (zone == NULL && record->user[0] != '\0' &&
	    (!by_instance ||
		view_scope(scene->view, SCOPE_ZONE, user.project, user.zone) == NULL)) {
		holder_elsewhere(holder, record->user);
		return;
	}
	holder_unknown(holder, VIEW_NOT_OBSERVED,
	    "the lists of addresses and instances do not agree yet");
}

void
holder_find(const struct scene *scene, const struct allocation_address *address,
    struct holder *ret_holder)
{
	const struct view_scope *region = holder_region(scene, address->address);
	struct holder *holder = ret_holder;

	*holder = (struct holder){.reason = ""};
	if (region == NULL) {
		holder_not_found(scene, address->address, holder);
		return;
	}
	holder->record = map_get(region->things, address->address);
	MESSAGE_TEXT(holder->place.project, region->project);
	MESSAGE_TEXT(holder->place.region, region->place);
	if (holder->record->flaw != ADDRESS_SOUND) {
		bool global = holder->record->flaw == ADDRESS_GLOBAL;

		holder->kind = HOLDER_UNFIT;
		holder->reason = global ? "AddressIsGlobal" : "AddressIsInternal";
		MESSAGE_TEXT(holder->text,
		    global ? "a global address cannot be put on an instance"
			   : "an internal address is no public address");
		return;
	}
	holder_judge(scene, address->address, holder);
}
