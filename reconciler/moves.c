#include "moves.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "trail.h"

/* A pod that is gone. */
struct gone {
	char *path; /* NAMESPACE/NAME */
	char *node;
	struct mono_time until;
};

/* What has been counted under a name of its own. */
struct counted {
	char *path;
	char namespace[LABEL_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	struct mono_time last;
};

struct moves {
	struct map *gone;    /* by path */
	struct map *counted; /* by path */
};

static void
free_gone(void *value)
{
	struct gone *gone = value;

	free(gone->path);
	free(gone->node);
	free(gone);
}

static void
free_counted(void *value)
{
	struct counted *counted = value;

	free(counted->path);
	free(counted);
}

struct moves *
moves_new(void)
{
	struct moves *moves = mem_calloc(1, sizeof *moves);

	moves->gone = map_new(free_gone);
	moves->counted = map_new(free_counted);
	return moves;
}

void
moves_free(struct moves *moves)
{
	map_free(moves->gone);
	map_free(moves->counted);
	free(moves);
}

void
moves_gone(struct core *core, const char *uid)
{
	const struct world_pod *pod = world_pod(core->world, uid);
	struct map *all = core->moves->gone;
	struct gone *gone;

	if (pod == NULL || pod->node[0] == '\0')
		return;
	if (map_count(all) >= MOVES_GONE_MAX)
		map_drop(all, lh_entry_k(lh_table_head(all->table)));
	gone = mem_calloc(1, sizeof *gone);
	gone->path = mem_printf("%s/%s", pod->kin->namespace, pod->name);
	gone->node = mem_strdup(pod->node);
	gone->until.ms = core->now.mono.ms + MOVES_MEMORY_MS;
	map_put(all, gone->path, gone);
}

static void
drop_counted(struct core *core, const struct counted *counted)
{
	trail_metric(core, GAUGE_DROP, METRIC_POD_MOVES, 0.0, counted->namespace,
	    counted->name, NULL);
	map_drop(core->moves->counted, counted->path);
}

static void
drop_old(struct core *core)
{
	MAP_EACH(core->moves->counted, entry)
	{
		const struct counted *counted = lh_entry_v(entry);

		if (core->now.mono.ms - counted->last.ms > MOVES_SERIES_MS)
			drop_counted(core, counted);
	}
}

void
moves_unlead(struct core *core)
{
	MAP_EACH(core->moves->counted, entry)
	{
		drop_counted(core, lh_entry_v(entry));
	}
}

/* The series of that pod, or of all that have none of their own. */
static struct counted *
counted_of(struct core *core, const char *path, const struct msg_fact_pod *fact)
{
	struct map *all = core->moves->counted;
	struct counted *counted = map_get(all, path);
	bool full = map_count(all) >= MOVES_SERIES_MAX;

	if (counted == NULL && full)
		counted = map_get(all, MOVES_OTHERS);
	if (counted != NULL)
		return counted;
	counted = mem_calloc(1, sizeof *counted);
	counted->path = mem_strdup(full ? MOVES_OTHERS : path);
	MESSAGE_TEXT(counted->namespace, full ? "" : fact->namespace);
	MESSAGE_TEXT(counted->name, full ? MOVES_OTHERS : fact->name);
	map_put(all, counted->path, counted);
	return counted;
}

static void
count(struct core *core, const char *path, const struct msg_fact_pod *fact)
{
	struct counted *counted;

	if (!core->leads)
		return;
	drop_old(core);
	counted = counted_of(core, path, fact);
	counted->last = core->now.mono;
	trail_metric(core, GAUGE_ADD, METRIC_POD_MOVES, 1.0, counted->namespace,
	    counted->name, NULL);
}

/* A pod gets its node once: what counts is where the last one of its name was. */
void
moves_pod(struct core *core, const struct msg_fact_pod *fact)
{
	const struct world_pod *pod = world_pod(core->world, fact->uid);
	const struct gone *gone;
	char *path;

	if (fact->node[0] == '\0' || (pod != NULL && pod->node[0] != '\0'))
		return;
	path = mem_printf("%s/%s", fact->namespace, fact->name);
	gone = map_get(core->moves->gone, path);
	if (gone != NULL) {
		if (gone->until.ms > core->now.mono.ms &&
		    strcmp(gone->node, fact->node) != 0)
			count(core, path, fact);
		map_drop(core->moves->gone, path);
	}
	free(path);
}
