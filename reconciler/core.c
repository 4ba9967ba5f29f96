#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "calls.h"
#include "definition.h"
#include "events.h"
#include "facts.h"
#include "handover.h"
#include "items.h"
#include "lost.h"
#include "mem.h"
#include "moves.h"
#include "orders.h"
#include "pass.h"
#include "peers.h"
#include "slice.h"
#include "state.h"
#include "tracker.h"
#include "trail.h"

static void core_settle(struct core *core);

/* --- life ------------------------------------------------------------------------- */

struct core *
core_new(const struct core_options *options, const struct effects *effects)
{
	struct core *core = mem_calloc(1, sizeof *core);
	uint32_t epoch;

	MESSAGE_TEXT(core->identity, options->identity);
	MESSAGE_TEXT(core->namespace, options->namespace);
	MESSAGE_TEXT(core->lease, options->lease);
	core->policy = options->policy;
	core->dry_run = options->dry_run;
	core->effects = *effects;
	effects->random(effects->arg, &epoch, sizeof epoch);
	core->world = world_new();
	core->view = view_new(epoch);
	core->items = map_new(items_free);
	core->hints = map_new(free);
	core->orders = map_new(free);
	core->labels = map_new(free);
	core->events = map_new(events_free);
	core->event_budgets = map_new(events_free_budget);
	core->losses = map_new(lost_free);
	core->cordoned = map_new(free);
	core->peers = peers_new();
	core->handover = handover_new();
	core->moves = moves_new();
	core->trackers = trackers_new();
	core->slices = slices_new();
	core->denied = map_new(free);
	if (options->agent_node != NULL) {
		core->agent = agent_new(options->agent_node);
		core->leads = true;
	}
	core->wake_ms = INT64_MAX;
	return core;
}

void
core_free(struct core *core)
{
	if (core == NULL)
		return;
	calls_free(core);
	map_free(core->items);
	map_free(core->hints);
	map_free(core->orders);
	map_free(core->labels);
	map_free(core->events);
	map_free(core->event_budgets);
	map_free(core->losses);
	map_free(core->cordoned);
	peers_free(core->peers);
	handover_free(core->handover);
	moves_free(core->moves);
	trackers_free(core->trackers);
	slices_free(core->slices);
	agent_free(core->agent);
	map_free(core->denied);
	view_free(core->view);
	world_free(core->world);
	free(core);
}

void
core_touch(struct core *core)
{
	if (!core->dirty)
		core->event_at = core->now.mono;
	core->dirty = true;
}

void
core_wake_at(struct core *core, int64_t mono_ms)
{
	if (mono_ms < core->wake_ms)
		core->wake_ms = mono_ms;
}

bool
core_may_ask(const struct core *core)
{
	return core->leads && !handover_is_wanted(core) &&
	       (!core->stopping ||
		   core->now.mono.ms < core->stopped.ms + CORE_LAST_MS) &&
	       core->now.boot.ms + core->call_timeout_ms + core->margin_ms <
		   core->until.ms;
}

bool
core_may_start(const struct core *core)
{
	return core_may_ask(core) && !core->stopping;
}

void
backoff_fail(struct backoff *backoff, struct mono_time now)
{
	backoff->delay_ms =
	    backoff->delay_ms > 0 ? backoff->delay_ms * 2 : BACKOFF_FIRST_MS;
	if (backoff->delay_ms > BACKOFF_MAX_MS)
		backoff->delay_ms = BACKOFF_MAX_MS;
	backoff->not_before_ms = now.ms + backoff->delay_ms;
	backoff->outage = false;
}

void
backoff_fail_call(
    struct backoff *backoff, struct mono_time now, const struct kube_reply *reply)
{
	backoff_fail_after(backoff, now, reply->retry_after_ms);
	backoff->outage = calls_is_outage(reply);
}

void
backoff_recover(struct backoff *backoff)
{
	if (!backoff->outage)
		return;
	backoff->not_before_ms -= backoff->delay_ms - BACKOFF_FIRST_MS;
	backoff->delay_ms = BACKOFF_FIRST_MS;
}

void
backoff_fail_after(
    struct backoff *backoff, struct mono_time now, int64_t retry_after_ms)
{
	if (retry_after_ms > BACKOFF_MAX_MS)
		retry_after_ms = BACKOFF_MAX_MS;
	backoff_fail(backoff, now);
	if (backoff->not_before_ms < now.ms + retry_after_ms)
		backoff->not_before_ms = now.ms + retry_after_ms;
}

void
backoff_clear(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}

bool
backoff_waits(struct core *core, const struct backoff *backoff)
{
	if (core->now.mono.ms >= backoff->not_before_ms)
		return false;
	core_wake_at(core, backoff->not_before_ms);
	return true;
}

static const char *
core_unready(const struct core *core)
{
	if (core->agent != NULL)
		return agent_unready(core);
	if (!core->watcher_up)
		return "the watcher is not there";
	if (!world_complete(core->world))
		return "the watch is not complete";
	if (!core->cloud_up || !core->orders_told)
		return "the cloudworker is not there";
	if (core->leads && peers_failing(core))
		return "whether another controller runs cannot be read";
	return "";
}

static void
core_readiness(struct core *core)
{
	const char *reason = core_unready(core);

	if (core->readiness_told && strcmp(core->readiness, reason) == 0)
		return;
	MESSAGE_TEXT(core->readiness, reason);
	core->readiness_told = true;
	core->effects.readiness(core->effects.arg, reason);
}

static void
core_pass(struct core *core)
{
	enum peers_verdict verdict;
	bool cloud = core->cloud_up && core->orders_told;

	core->dirty = false;
	core->pass_event_at = core->event_at;
	core->wake_ms = INT64_MAX;
	if (!core->leads || core->stopping)
		return;
	if (core->agent != NULL) {
		agent_run(core);
		return;
	}
	verdict = peers_look(core);
	trackers_run(core);
	if (!core->listed) {
		items_list(core);
		return;
	}
	events_repeat(core);
	items_read(core);
	pass_want(core);
	handover_look(core);
	if (cloud)
		core_wake_at(
		    core, view_ask(core->view, &core->effects, core->now.mono));
	/* What is decided is also written, in the same pass, or not at all. */
	if (!core_may_start(core))
		return;
	/* who only looks on may do so beside the old controller */
	if (verdict == PEERS_OTHER && !core->dry_run)
		pass_hold(core, peers_other(core));
	else if (verdict != PEERS_UNKNOWN && cloud)
		pass_decide(core);
}

static void
core_settle(struct core *core)
{
	static const struct rate_limit limit = {PASS_BURST, 60000 / PASS_GAP_MS};

	core_readiness(core);
	if (core->wake_ms <= core->now.mono.ms)
		core_touch(core);
	if (core->dirty && rate_take(&core->pass_rate, &limit, core->now.mono, 1))
		core_pass(core);
	else if (core->dirty)
		core->wake_ms = core->now.mono.ms + PASS_GAP_MS;
	if (core->wake_ms != INT64_MAX)
		core->effects.wake_in(
		    core->effects.arg, core->wake_ms > core->now.mono.ms
					   ? core->wake_ms - core->now.mono.ms
					   : 1);
}

/* --- links ------------------------------------------------------------------------ */

void
core_watcher(struct core *core, struct core_time now, bool up)
{
	core->now = now;
	core->watcher_up = up;
	world_unsync(core->world);
	core_touch(core);
	core_settle(core);
}

void
core_regrant(struct core *core)
{
	bool granted = core->leads && !core->dry_run && peers_clear(core) &&
		       !handover_is_wanted(core);
	struct msg_grant grant = {
	    .term = core->term,
	    .until_boot_ms = granted ? core->until.ms : 0,
	    .call_timeout_ms = core->call_timeout_ms,
	    .margin_ms = core->margin_ms,
	};

	MESSAGE_TEXT(grant.holder, core->identity);
	if (core->cloud_up)
		core->effects.cloud(core->effects.arg, MSG_GRANT, &grant);
}

void
core_cloud(struct core *core, struct core_time now, bool up)
{
	core->now = now;
	core->cloud_up = up;
	core->orders_told = false;
	orders_link_down(core);
	view_link_down(core->view, now.mono);
	if (up) {
		core->view->leftovers_until.ms = now.mono.ms + VIEW_LEFTOVER_MS;
		core_regrant(core);
	}
	core_touch(core);
	core_settle(core);
}

int
core_message(struct core *core, struct core_time now, const struct message *message)
{
	int rc;

	core->now = now;
	rc = facts_take(core, message);
	core_settle(core);
	return rc;
}

void
core_answer(struct core *core, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply)
{
	core->now = now;
	calls_answer(core, ticket, reply);
	core_settle(core);
}

/* --- leading ---------------------------------------------------------------------- */

void
core_lead(struct core *core, struct core_time now, uint64_t term)
{
	core->now = now;
	core->leads = true;
	core->led = now.mono;
	core->term = term;
	core->epoch++;
	core->until.ms = 0;
	items_forget(core);
	definition_forget(core);
	trackers_forget_calls(core);
	slices_forget_calls(core);
	peers_forget(core);
	backoff_clear(&core->list_backoff);
	view_lead(core->view);
	handover_lead(core);
	trail_metric(
	    core, GAUGE_SET, METRIC_IS_LEADER, 1.0, core->identity, NULL, NULL);
	/* the grant comes next: a pass without it would only delay the first with it */
	core_touch(core);
}

void
core_grant(struct core *core, struct core_time now, struct boot_time until,
    int64_t call_timeout_ms, int64_t margin_ms)
{
	core->now = now;
	if (!core->leads)
		return;
	core->until = until;
	core->call_timeout_ms = call_timeout_ms;
	core->margin_ms = margin_ms;
	/* the server took a renewal, and before the lists are read there is nothing
	 * else that could show that it is there */
	if (!core->listed) {
		backoff_recover(&core->list_backoff);
		peers_recover(core);
	}
	core_regrant(core);
	core_touch(core);
	core_settle(core);
}

void
core_unlead(struct core *core, struct core_time now)
{
	core->now = now;
	core->leads = false;
	core->until.ms = 0;
	core->epoch++;
	handover_unlead(core);
	core_regrant(core);
	items_forget(core);
	events_unlead(core);
	moves_unlead(core);
	trackers_forget_calls(core);
	slices_forget_calls(core);
	map_free(core->labels);
	core->labels = map_new(free);
	map_free(core->losses);
	core->losses = map_new(lost_free);
	trail_metric(
	    core, GAUGE_SET, METRIC_IS_LEADER, 0.0, core->identity, NULL, NULL);
	core_touch(core);
	core_settle(core);
}

void
core_wake(struct core *core, struct core_time now)
{
	core->now = now;
	core_settle(core);
}

void
core_stop(struct core *core, struct core_time now)
{
	core->now = now;
	core->stopping = true;
	core->stopped = now.mono;
	core_settle(core);
}

bool
core_yields(const struct core *core)
{
	return handover_is_due(core);
}

const struct world *
core_world(const struct core *core)
{
	return core->world;
}

bool
core_quiet(const struct core *core)
{
	return core->calls_open == 0 && orders_open(core) == 0;
}
