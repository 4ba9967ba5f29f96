#include <json-c/json.h>
#include <string.h>

#include "match.h"
#include "walk.h"

static void
apply_text(struct json_object *entry, const char *key, const char *value)
{
	json_object_object_add(entry, key, json_object_new_string(value));
}

static struct json_object *
apply_nia(const struct sketch *sketch, const struct plan_step *step)
{
	for (size_t i = 0; i < sketch->nias_len; i++)
		if (strcmp(sketch_nia_name(sketch->nias[i]), step->allocation->name) ==
		    0)
			return sketch->nias[i];
	return NULL;
}

/* It is there now; what was there before at the instance is gone. */
static void
apply_put(struct sketch *sketch, struct json_object *entry, const char *address,
    const char *node)
{
	struct sketch_cloud *cloud = sketch_cloud(sketch, address);

	cloud->shown = SKETCH_ON;
	MESSAGE_TEXT(cloud->where, node);
	sketch_node(sketch, node)->external[0] = '\0';
	sketch_entry_at(sketch, entry, node);
	json_object_object_del(entry, "outsideGeneration");
}

static void
apply_forget(struct json_object *nia, const char *address)
{
	struct json_object *status = json_object_object_get(nia, "status");
	struct json_object *list = json_object_object_get(status, "addresses");

	for (size_t i = json_object_array_length(list); i > 0; i--) {
		struct json_object *entry = json_object_array_get_idx(list, i - 1);

		if (strcmp(json_object_get_string(
			       json_object_object_get(entry, "address")),
			address) == 0)
			json_object_array_del_idx(list, i - 1, 1);
	}
}

/* What is open comes to its end: at its target when that can be, else nowhere. */
static void
apply_open(struct sketch *sketch, struct json_object *entry,
    const struct allocation_address *address)
{
	const struct sketch_node *node = sketch_node(sketch, address->intent.to.node);
	struct sketch_cloud *cloud = sketch_cloud(sketch, address->address);

	json_object_object_del(entry, "intent");
	if (cloud->shown != SKETCH_FREE && cloud->shown != SKETCH_ON)
		return;
	for (size_t i = 0; i < sketch->clouds_len; i++)
		if (&sketch->clouds[i] != cloud &&
		    strcmp(sketch->clouds[i].where, node->fact.name) == 0)
			return;
	if (!node->bare && !node->gone && node->state == INSTANCE_RUNNING)
		apply_put(sketch, entry, address->address, node->fact.name);
}

static void
apply_adopt(
    struct sketch *sketch, struct json_object *entry, const struct plan_step *step)
{
	const struct world_node *node = step->holder.node;

	sketch_entry_at(sketch, entry, step->holder.place.instance);
	if (node != NULL && match_node(node, step->allocation) != MATCH_YES)
		json_object_object_add(entry, "outsideGeneration",
		    json_object_new_int64(step->allocation->generation));
}

/* Who only looks on holds nothing. */
static void
apply_look_on(struct json_object *entry, const struct plan_step *step)
{
	const struct world_node *node = step->holder.node;

	if (strcmp(step->allocation->addresses[step->index].instance,
		step->holder.instance->id) != 0)
		json_object_object_del(entry, "instanceID");
	apply_text(entry, "nodeName", node != NULL ? node->name : "");
	apply_text(entry, "nodeUID", node != NULL ? node->uid : "");
}

static void
apply_rest(
    struct sketch *sketch, struct json_object *entry, const struct plan_step *step)
{
	bool known = step->holder.kind == HOLDER_OURS &&
		     step->state != ADDRESS_STATE_BLOCKED &&
		     step->state != ADDRESS_STATE_UNKNOWN;

	if (known && step->allocation->policy == POLICY_OBSERVE)
		apply_look_on(entry, step);
	else if (known)
		sketch_entry_at(sketch, entry, step->holder.place.instance);
	apply_text(entry, "state", address_state_name(step->state));
	apply_text(entry, "reason", step->reason);
}

static bool
apply_step(struct sketch *sketch, const struct plan_step *step)
{
	const struct allocation_address *address =
	    &step->allocation->addresses[step->index];
	struct json_object *nia = apply_nia(sketch, step);
	struct json_object *entry = sketch_entry(nia, address->address);

	switch (step->kind) {
	case PLAN_HOLD:
		return false;
	case PLAN_REST:
		apply_rest(sketch, entry, step);
		return false;
	case PLAN_OPEN:
		apply_open(sketch, entry, address);
		return true;
	case PLAN_ADOPT:
		apply_adopt(sketch, entry, step);
		return true;
	case PLAN_ATTACH:
	case PLAN_MOVE:
		apply_put(sketch, entry, address->address, step->target.node->name);
		return true;
	case PLAN_RELEASE:
		sketch_cloud(sketch, address->address)->shown = SKETCH_FREE;
		sketch_cloud(sketch, address->address)->where[0] = '\0';
		apply_forget(nia, address->address);
		return true;
	case PLAN_FORGET:
		apply_forget(nia, address->address);
		return true;
	}
	return false;
}

size_t
walk_apply(struct sketch *sketch, const struct plan *plan)
{
	size_t done = 0;

	for (size_t i = 0; i < plan->len; i++)
		done += apply_step(sketch, &plan->steps[i]);
	return done;
}
