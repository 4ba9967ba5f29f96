/* Footprints: which pod was on which node, in ConfigMaps an hour (footprint/store.h).
 * Every replica notes the pods as the facts about them come in; who leads writes, once
 * an interval. So a pod that came and went between two writes, or right before a leader
 * failed, is there all the same. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "shell_state.h"
#include "store.h"

#define INTERVAL_MS	  30000
#define INTERVAL_LEAST_MS 1000
#define INTERVAL_MOST_MS  3600000
#define RETENTION_MOST_S  (INT64_C(100) * 365 * 86400)
#define REREAD_S	  600
#define TOTAL_MIB	  64
#define TOTAL_MOST_MIB	  (1024 * 1024)

struct footprints {
	struct store *store;
	int64_t interval_ms;
	struct mono_time due;
	char hour[MOMENT_HOUR_MAX]; /* that all pods were noted in */
	bool last;		    /* the last write is under way, or over */
	struct shell_asks asks;
};

/* --- pods --------------------------------------------------------------------------
 */

static struct moment
moment_of(struct wall_time wall)
{
	return (struct moment){wall.ms / 1000, (int32_t)(wall.ms % 1000) * 1000000};
}

void
shell_footprints_pod(struct shell *shell, const struct msg_fact_pod *pod)
{
	if (shell->footprints != NULL && pod->footprint)
		store_note(shell->footprints->store, pod->namespace, pod->name,
		    pod->node, moment_of(shell->now.wall));
}

/* What runs on from one hour to the next belongs to both. While the watch is not
 * complete some of what is known may be gone. */
void
shell_footprints_hour(struct shell *shell)
{
	struct footprints *footprints = shell->footprints;
	struct moment now = moment_of(shell->now.wall);
	const struct world *world;
	char hour[MOMENT_HOUR_MAX];

	if (footprints == NULL)
		return;
	world = core_world(shell->core);
	moment_hour(now, hour, sizeof hour);
	if (strcmp(hour, footprints->hour) == 0 || !world->sync[FACT_KIND_POD].complete)
		return;
	memcpy(footprints->hour, hour, sizeof hour);
	for (const struct world_pod *pod = world_next_pod(world, NULL); pod != NULL;
	     pod = world_next_pod(world, pod))
		if (pod->footprint)
			store_note(footprints->store, pod->kin->namespace, pod->name,
			    pod->node, now);
}

/* What there was until the API server was last heard has been noted. */
static void
note_watched(struct shell *shell)
{
	const struct world *world = core_world(shell->core);

	if (world->sync[FACT_KIND_POD].complete)
		store_watch(shell->footprints->store,
		    moment_of(world->sync[FACT_KIND_POD].since),
		    moment_of(world->sync[FACT_KIND_POD].heard));
}

static void
on_stored(void *arg, bool failed)
{
	struct shell *shell = arg;

	meter_add(shell->parts.meter, METRIC_FOOTPRINT_WRITES, 1,
	    failed ? "error" : "success");
	if (shell->stopping)
		shell_end_footprints(shell);
}

/* Who leads has a core that is not quiet until the last answer is there, and so keeps
 * the lease. */
void
shell_end_footprints(struct shell *shell)
{
	struct footprints *footprints = shell->footprints;

	if (footprints == NULL || footprints->last ||
	    !elect_leads(shell->elect, shell->now))
		return;
	shell_footprints_hour(shell);
	note_watched(shell);
	footprints->last = true;
	footprints->last = store_write_last(
	    footprints->store, moment_of(shell->now.wall), on_stored, shell);
}

void
shell_footprints_tick(struct shell *shell)
{
	struct footprints *footprints = shell->footprints;
	struct moment now = moment_of(shell->now.wall);

	if (footprints == NULL)
		return;
	shell_footprints_hour(shell);
	note_watched(shell);
	if (shell->now.mono.ms < footprints->due.ms || !core_may_start(shell->core))
		return;
	footprints->due.ms = shell->now.mono.ms + footprints->interval_ms;
	store_write(footprints->store, now, on_stored, shell);
}

/* --- life --------------------------------------------------------------------------
 */

void
shell_start_footprints(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	struct store_options options = {
	    .namespace = settings_get(settings, SETTING_CM_NAMESPACE, "default"),
	    .retention_s = settings_number(settings, SETTING_CM_RETENTION_S, 0,
		RETENTION_MOST_S, STORE_RETENTION_S),
	    .bytes_max = 1024 * 1024 *
			 settings_number(settings, SETTING_CM_TOTAL_MIB, 0,
			     TOTAL_MOST_MIB, TOTAL_MIB),
	    .reread_s = REREAD_S,
	    .filter = watched_filter_of(
		settings_get(settings, SETTING_FOOTPRINT_NAMESPACE, ""),
		settings_get(settings, SETTING_FOOTPRINT_NAME, ""),
		settings_get(settings, SETTING_FOOTPRINT_LABEL, "")),
	    .call = shell_ask,
	};
	struct footprints *footprints;

	if (settings_get(settings, SETTING_STORE_IN_CM, NULL) == NULL)
		return;
	if (settings_get(settings, SETTING_DRY_RUN, NULL) != NULL) {
		log_warn("footprints_not_stored", LOG_S("why", "a dry run"));
		return;
	}
	if (settings_get(settings, SETTING_FOOTPRINT_UTC, NULL) != NULL)
		moment_zone(true);
	footprints = mem_calloc(1, sizeof *footprints);
	footprints->asks = (struct shell_asks){
	    .shell = shell,
	    .namespace = options.namespace,
	    .written = "footprints",
	    .deleted = "footprints off",
	};
	options.arg = &footprints->asks;
	footprints->interval_ms =
	    settings_number(settings, SETTING_FOOTPRINT_INTERVAL_MS, INTERVAL_LEAST_MS,
		INTERVAL_MOST_MS, INTERVAL_MS);
	footprints->store = store_new(&options);
	shell->footprints = footprints;
	meter_add(shell->parts.meter, METRIC_FOOTPRINT_WRITES, 0, "success");
	meter_add(shell->parts.meter, METRIC_FOOTPRINT_WRITES, 0, "error");
}

void
shell_abort_footprints(struct shell *shell)
{
	if (shell->footprints == NULL)
		return;
	shell->footprints->asks.done = NULL;
	store_abort(shell->footprints->store);
}

void
shell_close_footprints(struct shell *shell)
{
	if (shell->footprints == NULL)
		return;
	store_free(shell->footprints->store);
	free(shell->footprints);
}
