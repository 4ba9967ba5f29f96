/* The history of addresses: where each was on a day, in ConfigMaps (footprint/diary.h),
 * written by who leads. It begins anew with each term, from what stands there. */
#include <stdlib.h>
#include <string.h>

#include "diary.h"
#include "mem.h"
#include "shell_state.h"
#include "whereabouts.h"

/* Between two looks, and between two writes while something is new. */
#define LOOK_MS	 5000
#define WRITE_MS 20000
/* A shorter sleep is not told from two clocks that are read one after the other. */
#define SLEEP_MS 500

#define RETENTION_MOST_S (INT64_C(100) * 365 * 86400)

struct history {
	struct diary *diary;
	struct mono_time look_due, write_due;
	struct mono_time awake; /* since then the machine has not slept */
	int64_t slept_ms;	/* until then */
	bool last;		/* the last write is under way, or over */
	struct shell_asks asks;
};

static void
on_address(void *arg, const struct whereabouts *whereabouts)
{
	struct history *history = arg;
	struct stay stay = {
	    .from = whereabouts->seen,
	    .until = whereabouts->seen,
	};

	MESSAGE_TEXT(stay.node, whereabouts->node);
	MESSAGE_TEXT(stay.zone, whereabouts->zone);
	MESSAGE_TEXT(stay.allocation, whereabouts->allocation);
	if (whereabouts->moved.ms != 0 &&
	    whereabouts->moved.ms <= whereabouts->seen.ms) {
		stay.from = whereabouts->moved;
		stay.operation = true;
	}
	diary_see(history->diary, whereabouts->address, &stay);
}

/* In a sleep monotonic time stands still, and with it the age of what was seen. */
static void
look(struct history *history)
{
	struct shell *shell = history->asks.shell;
	int64_t slept_ms = shell->now.boot.ms - shell->now.mono.ms;

	if (slept_ms - history->slept_ms > SLEEP_MS)
		history->awake = shell->now.mono;
	history->slept_ms = slept_ms;
	whereabouts_each(shell->core, shell->now, history->awake, on_address, history);
}

static void
on_written(void *arg, bool failed)
{
	struct history *history = arg;

	meter_add(history->asks.shell->parts.meter, METRIC_HISTORY_WRITES, 1,
	    failed ? "error" : "success");
	if (history->asks.shell->stopping)
		shell_end_history(history->asks.shell);
}

void
shell_end_history(struct shell *shell)
{
	struct history *history = shell->history;

	if (history == NULL || history->last || !elect_leads(shell->elect, shell->now))
		return;
	look(history);
	history->last = true;
	history->last =
	    diary_write_last(history->diary, shell->now.wall, on_written, history);
}

void
shell_history_tick(struct shell *shell)
{
	struct history *history = shell->history;

	if (history == NULL || shell->now.mono.ms < history->look_due.ms ||
	    !core_may_start(shell->core))
		return;
	history->look_due.ms = shell->now.mono.ms + LOOK_MS;
	look(history);
	if (shell->now.mono.ms >= history->write_due.ms &&
	    diary_write(history->diary, shell->now.wall, on_written, history))
		history->write_due.ms = shell->now.mono.ms + WRITE_MS;
}

void
shell_start_history(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	struct diary_options options = {
	    .namespace = settings_get(settings, SETTING_CM_NAMESPACE, "default"),
	    .retention_s = settings_number(settings, SETTING_HISTORY_RETENTION_S, 0,
		RETENTION_MOST_S, DIARY_RETENTION_S),
	    .call = shell_ask,
	};
	struct history *history;

	if (shell->footprints == NULL)
		return;
	history = mem_calloc(1, sizeof *history);
	history->asks = (struct shell_asks){
	    .shell = shell,
	    .namespace = options.namespace,
	    .written = "history",
	    .deleted = "history off",
	};
	options.arg = &history->asks;
	history->slept_ms = shell->now.boot.ms - shell->now.mono.ms;
	history->diary = diary_new(&options);
	shell->history = history;
	meter_add(shell->parts.meter, METRIC_HISTORY_WRITES, 0, "success");
	meter_add(shell->parts.meter, METRIC_HISTORY_WRITES, 0, "error");
}

void
shell_abort_history(struct shell *shell)
{
	if (shell->history == NULL)
		return;
	shell->history->asks.done = NULL;
	diary_forget(shell->history->diary);
}

void
shell_close_history(struct shell *shell)
{
	if (shell->history == NULL)
		return;
	diary_free(shell->history->diary);
	free(shell->history);
}
