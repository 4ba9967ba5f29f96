#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "slice_state.h"

struct slices *
slices_new(void)
{
	struct slices *slices = mem_calloc(1, sizeof *slices);

	slices->known = map_new(free);
	slices->nodes = map_new(free);
	slices->due_ms = INT64_MAX;
	return slices;
}

void
slices_free(struct slices *slices)
{
	if (slices == NULL)
		return;
	map_free(slices->known);
	map_free(slices->nodes);
	free(slices);
}

/* --- what the watcher tells ------------------------------------------------------- */

static const char *
slice_keep(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	const char *kept = memcpy(*at, text, size);

	*at += size;
	return kept;
}

static struct slice *
slice_new(const struct msg_fact_slice *fact, struct core_time now)
{
	struct slice *slice =
	    mem_calloc(1, sizeof *slice + strlen(fact->name) + strlen(fact->uid) +
			      strlen(fact->resource_version) + strlen(fact->node) +
			      strlen(fact->node_uid) + 5);
	char *at = slice->text;

	slice->name = slice_keep(&at, fact->name);
	slice->uid = slice_keep(&at, fact->uid);
	slice->version = slice_keep(&at, fact->resource_version);
	slice->node = slice_keep(&at, fact->node);
	slice->node_uid = slice_keep(&at, fact->node_uid);
	MESSAGE_TEXT(slice->hash, tracker_json_hash(fact->content_hash));
	slice->part = fact->part;
	slice->parts = fact->parts;
	slice->agent = fact->agent != 0;
	/* a clock that is ahead must not make it fresh for good */
	if (fact->updated_ms > 0)
		slice->heard_ms =
		    fact->updated_ms < now.wall.ms ? fact->updated_ms : now.wall.ms;
	slice->told_ms = now.mono.ms;
	return slice;
}

static bool
slice_is_as(const struct slice *slice, const struct slice *other)
{
	return strcmp(slice->hash, other->hash) == 0 && slice->agent == other->agent &&
	       slice->part == other->part && slice->parts == other->parts &&
	       strcmp(slice->node, other->node) == 0 &&
	       strcmp(slice->node_uid, other->node_uid) == 0;
}

void
slices_upset(struct slices *slices, const char *node)
{
	struct slice_node *it = map_get(slices->nodes, node);

	if (it != NULL)
		it->looked = 0;
	slices->stale = true;
}

void
slices_fact(struct core *core, const struct msg_fact_slice *fact)
{
	struct slices *slices = core->slices;
	const struct slice *old = map_get(slices->known, fact->name);
	struct slice *slice;

	if (!place_name_sound(fact->name))
		return;
	if (old == NULL && map_count(slices->known) >= SLICES_MAX) {
		if (!slices->full)
			log_error("slices_full", LOG_S("slice", fact->name),
			    LOG_N("limit", SLICES_MAX));
		slices->full = true;
		return;
	}
	slice = slice_new(fact, core->now);
	slice->seen = core->world->sync[FACT_KIND_SLICE].generation;
	slice->leaving =
	    old != NULL && old->leaving && strcmp(old->uid, slice->uid) == 0;
	if (old == NULL || !slice_is_as(slice, old)) {
		slices_upset(slices, slice->name);
		slices_upset(slices, slice->node);
		slices_upset(slices, old != NULL ? old->node : "");
	}
	map_put(slices->known, slice->name, slice);
}

void
slices_gone(struct core *core, const char *name)
{
	const struct slice *slice = map_get(core->slices->known, name);

	if (slice == NULL)
		return;
	slices_upset(core->slices, slice->name);
	slices_upset(core->slices, slice->node);
	map_drop(core->slices->known, name);
	core->slices->full = false;
}

void
slices_sweep(struct core *core)
{
	uint64_t generation = core->world->sync[FACT_KIND_SLICE].generation;

	MAP_EACH(core->slices->known, entry)
	{
		const struct slice *slice = lh_entry_v(entry);

		if (slice->seen != generation)
			slices_gone(core, slice->name);
	}
	/* what we made and somebody else took away before we were told of it */
	MAP_EACH(core->slices->nodes, entry)
	{
		const struct slice_node *it = lh_entry_v(entry);

		slices_upset(core->slices, it->name);
	}
}

void
slices_forget_calls(struct core *core)
{
	struct slices *slices = core->slices;

	slices->open = 0;
	slices->running = false;
	slices->stale = true;
	backoff_clear(&slices->backoff);
	map_free(slices->nodes);
	slices->nodes = map_new(free);
	MAP_EACH(slices->known, entry)
	{
		struct slice *slice = lh_entry_v(entry);

		slice->leaving = false;
	}
}

void
slices_recover(struct core *core)
{
	backoff_recover(&core->slices->backoff);
}
