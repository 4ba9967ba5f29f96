#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "items.h"
#include "labels.h"
#include "mem.h"
#include "moves.h"
#include "orders.h"
#include "slice.h"
#include "tracker.h"

static void
facts_upset(struct core *core, const struct world_node *node)
{
	if (node != NULL && node->placed)
		view_touch(core->view, node->place.project, node->place.zone);
}

static int
facts_node(struct core *core, const struct msg_fact_node *fact)
{
	const struct world_node *old;
	struct place place = {0};

	if (!place_name_sound(fact->name) || fact->uid[0] == '\0')
		return -EPROTO;
	old = world_node(core->world, fact->name);
	if (old != NULL && old->placed)
		place = old->place;
	if (world_put_node(core->world, fact) == WORLD_UPSET) {
		view_touch(core->view, place.project, place.zone);
		facts_upset(core, world_node(core->world, fact->name));
	}
	labels_told(core, fact->name);
	core_touch(core);
	return 0;
}

static void
facts_hint(struct core *core, const struct msg_fact_allocation *fact)
{
	struct hint *hint = mem_calloc(1, sizeof *hint);

	if (map_get(core->hints, fact->name) == NULL &&
	    map_count(core->hints) >= ITEMS_MAX) {
		free(hint);
		return;
	}
	MESSAGE_TEXT(hint->name, fact->name);
	MESSAGE_TEXT(hint->resource_version, fact->resource_version);
	hint->seen = core->world->sync[FACT_KIND_ALLOCATION].generation;
	map_put(core->hints, hint->name, hint);
	if (core->listed)
		items_hint(core, fact->name, fact->resource_version);
}

/* At the end of a list: what it did not have may be gone; a read will tell. */
static void
facts_sweep_hints(struct core *core)
{
	uint64_t generation = core->world->sync[FACT_KIND_ALLOCATION].generation;

	MAP_EACH(core->hints, entry)
	{
		const struct hint *hint = lh_entry_v(entry);

		if (hint->seen != generation)
			map_drop(core->hints, hint->name);
	}
	items_hint_missing(core);
}

/* A message may wait, or the machine sleep, before it is taken. */
static int
facts_heard(struct core *core, const struct msg_fact_sync *sync)
{
	int64_t now_ms = core->now.boot.ms;

	if (sync->heard_boot_ms < 0 || sync->heard_boot_ms > now_ms)
		return -EPROTO;
	world_heard(core->world, (enum fact_kind)sync->kind,
	    (struct wall_time){core->now.wall.ms - (now_ms - sync->heard_boot_ms)});
	return 0;
}

static void
facts_sync(struct core *core, const struct msg_fact_sync *sync)
{
	enum fact_kind kind = (enum fact_kind)sync->kind;
	bool before = core->world->sync[kind].complete;

	world_sync(core->world, kind, (enum sync_phase)sync->phase, core->now.wall);
	if (kind == FACT_KIND_ALLOCATION && !before && core->world->sync[kind].complete)
		facts_sweep_hints(core);
	if (kind == FACT_KIND_TRACKER && !before && core->world->sync[kind].complete)
		trackers_sweep(core);
	if (kind == FACT_KIND_SLICE && !before && core->world->sync[kind].complete)
		slices_sweep(core);
	core_touch(core);
}

static void
facts_gone(struct core *core, const struct msg_fact_gone *gone)
{
	switch ((enum fact_kind)gone->kind) {
	case FACT_KIND_NODE:
		facts_upset(core, world_node(core->world, gone->name));
		world_remove_node(core->world, gone->name, gone->uid);
		break;
	case FACT_KIND_POD:
		moves_gone(core, gone->uid);
		world_remove_pod(core->world, gone->uid);
		break;
	case FACT_KIND_ALLOCATION:
		map_drop(core->hints, gone->name);
		items_hint(core, gone->name, "");
		break;
	case FACT_KIND_TRACKER:
		trackers_gone(core, gone->name);
		break;
	case FACT_KIND_SLICE:
		slices_gone(core, gone->name);
		break;
	case FACT_KIND_COUNT:
		break;
	}
	core_touch(core);
}

static int
facts_pod(struct core *core, const struct msg_fact_pod *fact)
{
	if (fact->uid[0] == '\0')
		return -EPROTO;
	moves_pod(core, fact);
	world_put_pod(core->world, fact);
	core_touch(core);
	return 0;
}

static int
facts_observed(struct core *core, const struct message *message)
{
	bool news;
	int rc = view_message(core->view, message, core->now.mono, &news);

	if (news)
		core_touch(core);
	return rc;
}

int
facts_take(struct core *core, const struct message *message)
{
	core->world->now = core->now.wall;
	switch (message->type) {
	case MSG_FACT_SYNC:
		if (message->u.fact_sync.phase == SYNC_HEARD)
			return facts_heard(core, &message->u.fact_sync);
		facts_sync(core, &message->u.fact_sync);
		return 0;
	case MSG_FACT_NODE:
		return facts_node(core, &message->u.fact_node);
	case MSG_FACT_POD:
		return facts_pod(core, &message->u.fact_pod);
	case MSG_FACT_ALLOCATION:
		facts_hint(core, &message->u.fact_allocation);
		return 0;
	case MSG_FACT_TRACKER:
		trackers_fact(core, &message->u.fact_tracker);
		core_touch(core);
		return 0;
	case MSG_FACT_SLICE:
		slices_fact(core, &message->u.fact_slice);
		core_touch(core);
		return 0;
	case MSG_FACT_GONE:
		facts_gone(core, &message->u.fact_gone);
		return 0;
	case MSG_RESULT:
		return orders_result(core, &message->u.result);
	case MSG_ORDERS_END:
		core->orders_told = true;
		core_touch(core);
		return 0;
	case MSG_OBSERVED_BEGIN:
	case MSG_OBSERVED_ADDRESS:
	case MSG_OBSERVED_INSTANCE:
	case MSG_OBSERVED_END:
		return facts_observed(core, message);
	case MSG_GRANT:
	case MSG_OBSERVE:
	case MSG_ORDER:
	case MSG_SAMPLE:
	case MSG_SAMPLE_DROP:
	case MSG_READINESS:
		break;
	}
	return -EPROTO;
}
