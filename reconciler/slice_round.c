#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "slice_state.h"

/* Another round then, whatever happens until then. */
static void
slice_round_again(struct slices *slices, int64_t mono_ms)
{
	if (mono_ms < slices->due_ms)
		slices->due_ms = mono_ms;
}

/* The first slice of the node, when it is of that very node. */
static const struct slice *
slice_round_first(const struct core *core, const struct world_node *node)
{
	const struct slice *slice = map_get(core->slices->known, node->name);

	return slice != NULL && strcmp(slice->node, node->name) == 0 &&
		       strcmp(slice->node_uid, node->uid) == 0
		   ? slice
		   : NULL;
}

/* The node's own agent writes them. */
static bool
slice_round_has_agent(struct core *core, const struct world_node *node)
{
	const struct slice *first = slice_round_first(core, node);
	int64_t left_ms;

	if (first == NULL || !first->agent)
		return false;
	left_ms = first->heard_ms + SLICE_AGENT_MS - core->now.wall.ms;
	if (left_ms > 0)
		slice_round_again(core->slices, core->now.mono.ms + left_ms);
	return left_ms > 0;
}

static void
slice_round_name(const struct core *core, const struct world_node *node, unsigned part,
    char out[NAME_MAX_LEN + 1])
{
	slice_body_name(node->name, part, false, out);
	if (part > 1 && world_node(core->world, out) != NULL)
		slice_body_name(node->name, part, true, out);
}

static struct slice_node *
slice_round_node(struct slices *slices, const struct world_node *node)
{
	struct slice_node *it = map_get(slices->nodes, node->name);
	size_t size = strlen(node->name) + 1;

	if (it != NULL)
		return it;
	it = mem_calloc(1, sizeof *it + size);
	memcpy(it->name, node->name, size);
	map_put(slices->nodes, it->name, it);
	return it;
}

/* All parts, or none: the rate is one of nodes. False: no more may be written now. */
static bool
slice_round_write_node(
    struct core *core, const struct world_node *node, struct slice_node *it)
{
	struct slice_body body;
	unsigned part, sent = 0;
	struct buf text;

	buf_init(&text, SLICE_BODY_MAX);
	slice_body_begin(core->world, node, &body);
	for (part = 1; part <= body.parts; part++) {
		char name[NAME_MAX_LEN + 1], hash[HASH_MAX + 1];
		const struct slice *known;

		slice_round_name(core, node, part, name);
		known = map_get(core->slices->known, name);
		buf_reset(&text);
		slice_body_put(
		    &body, name, SLICE_BY_LEADER, part, core->now.wall, &text, hash);
		if (text.refused || (known != NULL && strcmp(known->hash, hash) == 0))
			continue;
		if (sent++ == 0 && !slice_call_may_start(core))
			break;
		slice_call_write(core, node, name, hash, text.data);
	}
	if (part > body.parts) {
		it->looked = node->changed;
		it->next_ms = core->now.mono.ms + (sent > 0 ? SLICE_LEAST_MS : 0);
	}
	slice_body_end(&body);
	buf_free(&text);
	return part > body.parts;
}

/* False: the round goes on in another pass. */
static bool
slice_round_look(struct core *core, const struct world_node *node)
{
	struct slices *slices = core->slices;
	struct slice_node *it = slice_round_node(slices, node);
	int64_t not_before_ms = it->next_ms > it->backoff.not_before_ms
				    ? it->next_ms
				    : it->backoff.not_before_ms;

	if (it->looked == node->changed || slice_round_has_agent(core, node))
		return true;
	if (core->now.mono.ms < not_before_ms) {
		slice_round_again(slices, not_before_ms);
		return true;
	}
	if (slices->looks++ >= SLICES_LOOKS_MAX) {
		core_wake_at(core, core->now.mono.ms);
		return false;
	}
	return slice_round_write_node(core, node, it);
}

static bool
slice_round_write(struct core *core)
{
	struct lh_table *table = core->world->nodes->table;
	struct lh_entry *from = lh_table_lookup_entry(table, core->slices->last);
	struct lh_entry *at = from != NULL ? from->next : lh_table_head(table);

	for (; at != NULL; at = at->next) {
		const struct world_node *node = lh_entry_v(at);

		if (!slice_round_look(core, node))
			return false;
		MESSAGE_TEXT(core->slices->last, node->name);
	}
	return true;
}

/* What is beyond its node's parts, or has a name that it should not have. */
static bool
slice_round_is_surplus(
    const struct core *core, const struct slice *slice, const struct world_node *node)
{
	const struct slice *first;
	char name[NAME_MAX_LEN + 1];

	if (strcmp(slice->name, node->name) == 0)
		return false;
	first = slice_round_first(core, node);
	if (first != NULL && (slice->part < 2 || slice->part > first->parts))
		return true;
	/* what an agent calls its own, it knows */
	slice_round_name(core, node, slice->part, name);
	return !slice->agent && strcmp(slice->name, name) != 0;
}

/* Why it goes; NULL: it stays. */
static const char *
slice_round_is_over(struct core *core, const struct slice *slice, bool wanted)
{
	const struct world_node *node = world_node(core->world, slice->node);

	if (!wanted && (node == NULL || !slice_round_has_agent(core, node)))
		return "there is no PodTracker";
	/* the first of the node of that name, or written over as that */
	if (wanted && world_node(core->world, slice->name) != NULL)
		return NULL;
	if (node == NULL)
		return "its node is gone";
	if (strcmp(slice->node_uid, node->uid) != 0)
		return "its node is another one";
	return slice_round_is_surplus(core, slice, node) ? "its node has fewer" : NULL;
}

/* Nodes that are gone are forgotten. */
static void
slice_round_forget_nodes(struct core *core)
{
	if (map_count(core->slices->nodes) <= map_count(core->world->nodes))
		return;
	MAP_EACH(core->slices->nodes, entry)
	{
		const struct slice_node *it = lh_entry_v(entry);

		if (world_node(core->world, it->name) == NULL)
			map_drop(core->slices->nodes, it->name);
	}
}

static bool
slice_round_may_leave(struct core *core, const struct slice *slice)
{
	int64_t settled_ms = slice->told_ms + SLICE_SETTLE_MS;

	if (slice->leaving)
		return false;
	if (core->now.mono.ms >= settled_ms)
		return true;
	slice_round_again(core->slices, settled_ms);
	return false;
}

/* False: the round goes on in another pass. */
static bool
slice_round_take_away(struct core *core, bool wanted)
{
	MAP_EACH(core->slices->known, entry)
	{
		struct slice *slice = lh_entry_v(entry);
		const char *why = slice_round_is_over(core, slice, wanted);

		if (why == NULL || !slice_round_may_leave(core, slice))
			continue;
		if (!slice_call_may_start(core))
			return false;
		slice_call_delete(core, slice, why);
	}
	slice_round_forget_nodes(core);
	return true;
}

/* When a round is due; INT64_MAX: nothing asks for one. */
static int64_t
slice_round_due_ms(const struct core *core)
{
	const struct slices *slices = core->slices;
	int64_t due_ms = slices->due_ms;

	if ((slices->stale || slices->looked != core->world->changes) &&
	    due_ms > slices->begun_ms + SLICES_GATHER_MS)
		due_ms = slices->begun_ms + SLICES_GATHER_MS;
	return due_ms;
}

static void
slice_round_begin(struct core *core)
{
	struct slices *slices = core->slices;

	slices->running = true;
	slices->swept = false;
	slices->stale = false;
	slices->looked = core->world->changes;
	slices->begun_ms = core->now.mono.ms;
	slices->due_ms = INT64_MAX;
	slices->last[0] = '\0';
}

void
slices_run(struct core *core, bool wanted)
{
	struct slices *slices = core->slices;

	if (!core->world->sync[FACT_KIND_SLICE].complete)
		return;
	slices->stale |= slices->wanted != wanted;
	slices->wanted = wanted;
	slices->looks = 0;
	if (!slices->running && core->now.mono.ms >= slice_round_due_ms(core))
		slice_round_begin(core);
	if (slices->running) {
		slices->swept = slices->swept || slice_round_take_away(core, wanted);
		slices->running =
		    !slices->swept || (wanted && !slice_round_write(core));
	}
	if (!slices->running)
		core_wake_at(core, slice_round_due_ms(core));
}
