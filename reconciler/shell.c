#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "mem.h"
#include "shell_state.h"
#include "trail.h"

/* Link counts, and a look at what has no event of its own. */
#define TICK_MS 1000
/* A stop: what is open gets this long to end, then the lease to be given back. Both fit
 * into the phase that the supervisor gives us. */
#define STOP_QUIET_MS	5000
#define STOP_RELEASE_MS 2000

#define LEASE_DURATION_S     60
#define LEASE_DURATION_MIN_S 5
#define LEASE_DURATION_MAX_S 3600
#define LEASE_GRACE_S	     2

void
shell_look_at_clocks(struct shell *shell)
{
	shell->now = (struct core_time){clock_mono(), clock_boot(), clock_wall()};
}

/* --- stopping: core is quiet, then the lease is given back, then we leave --- */

/* After each event. */
void
shell_stop_step(struct shell *shell)
{
	if (core_yields(shell->core))
		elect_yield(shell->elect, shell->now);
	if (!shell->stopping)
		return;
	if (!shell->releasing) {
		if (!core_quiet(shell->core))
			return;
		shell->releasing = true;
		loop_timer_arm(shell->stop_deadline, STOP_RELEASE_MS);
	}
	if (shell->elect != NULL && !elect_release(shell->elect, shell->now))
		return;
	if (!audit_idle(shell->parts.audit))
		return;
	log_info("stopped", LOG_S("lease", "not held"));
	worker_stop(shell->worker, EXIT_OK);
}

/* The lease is kept while something is open: it ends by itself, and the successor
 * awaits what runs by its journal. */
static void
on_stop_deadline(void *arg)
{
	struct shell *shell = arg;

	log_warn("stopped",
	    LOG_S("lease", shell->releasing ? "may not be released"
					    : "not released, calls are open"));
	worker_stop(shell->worker, EXIT_OK);
}

static void
on_stop(void *arg)
{
	struct shell *shell = arg;

	if (shell->stopping)
		return;
	shell_look_at_clocks(shell);
	shell->stopping = true;
	loop_timer_arm(shell->stop_deadline, STOP_QUIET_MS);
	shell_leave_lease(shell);
	core_stop(shell->core, shell->now);
	shell_end_footprints(shell);
	shell_end_history(shell);
	shell_stop_step(shell);
}

/* --- the election --- */

static void
put_leader(struct shell *shell, bool leads)
{
	struct meter *meter = shell->parts.meter;

	meter_set(meter, METRIC_IS_LEADER, leads ? 1 : 0, shell->identity);
	meter_set(meter, METRIC_LEADER_ELECTION, leads ? 1 : 0,
	    settings_get(
		&shell->worker->settings, SETTING_LEASE_NAME, LEASE_NAME_DEFAULT));
}

static void
on_won(void *arg, uint64_t term)
{
	struct shell *shell = arg;

	log_info("leader_won", LOG_S("leader", shell->identity), LOG_N("term", term));
	shell_leave_lease(shell);
	put_leader(shell, true);
	core_lead(shell->core, shell->now, term);
}

static void
on_valid(void *arg, struct boot_time until)
{
	struct shell *shell = arg;

	core_grant(shell->core, shell->now, until, shell->times.call_timeout_ms,
	    shell->times.margin_ms);
}

static void
on_lost(void *arg)
{
	struct shell *shell = arg;

	bool yields = core_yields(shell->core);

	log_event(shell->releasing || yields ? LOG_INFO : LOG_WARN, "leader_lost",
	    LOG_S("identity", shell->identity),
	    LOG_S("why", shell->releasing ? "released"
			 : yields	  ? "given to another replica"
					  : "not renewed or taken"));
	put_leader(shell, false);
	core_unlead(shell->core, shell->now);
	shell_abort_footprints(shell);
	shell_abort_history(shell);
	shell_watch_lease(shell);
}

static void
on_holder(void *arg, const char *identity)
{
	(void)arg;
	log_info("lease_holder", LOG_S("leader", identity));
}

static void
on_lease_trouble(void *arg, const char *message)
{
	struct shell *shell = arg;
	char reason[TEXT_MAX + 1] = "";

	if (message[0] != '\0') {
		log_warn("lease_trouble", LOG_S("error", message));
		snprintf(reason, sizeof reason, "LeaseUnreachable: %.400s", message);
	} else {
		log_info("lease_reached", LOG_S("identity", shell->identity));
	}
	MESSAGE_TEXT(shell->lease_reason, reason);
	shell_put_readiness(shell);
}

static const struct elect_handlers elect_handlers = {
    .won = on_won,
    .valid = on_valid,
    .lost = on_lost,
    .holder = on_holder,
    .trouble = on_lease_trouble,
};

/* --- links --- */

static void
on_facts_up(void *arg)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	core_watcher(shell->core, shell->now, true);
	shell_stop_step(shell);
}

static void
on_facts_down(void *arg)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	core_watcher(shell->core, shell->now, false);
	shell_stop_step(shell);
}

static void
on_cloud_up(void *arg)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	core_cloud(shell->core, shell->now, true);
	shell_stop_step(shell);
}

static void
on_cloud_down(void *arg)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	core_cloud(shell->core, shell->now, false);
	shell_stop_step(shell);
}

static void
take_message(struct shell *shell, struct link *link, const struct message *message)
{
	shell_look_at_clocks(shell);
	if (core_message(shell->core, shell->now, message) < 0)
		link_violation(link, message_name(message->type));
	shell_stop_step(shell);
}

static void
on_facts_message(void *arg, const struct message *message)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	shell_footprints_hour(shell);
	take_message(shell, shell->parts.facts, message);
	if (message->type == MSG_FACT_POD)
		shell_footprints_pod(shell, &message->u.fact_pod);
}

static void
on_cloud_message(void *arg, const struct message *message)
{
	struct shell *shell = arg;

	take_message(shell, shell->parts.cloud, message);
}

/* The link has room again; what core has asked for besides stays due. */
static void
on_cloud_room(void *arg)
{
	struct shell *shell = arg;

	shell_look_at_clocks(shell);
	core_wake(shell->core, shell->now);
	shell_stop_step(shell);
}

const struct link_handlers shell_facts_handlers = {
    .up = on_facts_up,
    .down = on_facts_down,
    .message = on_facts_message,
};

const struct link_handlers shell_cloud_handlers = {
    .up = on_cloud_up,
    .down = on_cloud_down,
    .message = on_cloud_message,
    .room = on_cloud_room,
};

/* --- what the supervisor hands over --- */

static void
on_file(void *arg, enum file_kind kind, int fd)
{
	struct shell *shell = arg;

	if (shell->kube != NULL) {
		kube_set_file(shell->kube, kind, fd);
		return;
	}
	if (shell->files[kind] >= 0)
		close(shell->files[kind]);
	shell->files[kind] = fd;
}

static void
on_again(void *arg)
{
	struct shell *shell = arg;

	dial_again(shell->parts.dial);
}

const struct worker_hooks shell_hooks = {
    .file = on_file,
    .stop = on_stop,
    .again = on_again,
};

/* --- life --- */

static void
on_tick(void *arg)
{
	struct shell *shell = arg;

	meter_link(shell->parts.meter, shell->parts.facts, "reconciler", "facts");
	if (shell->elect != NULL)
		meter_link(
		    shell->parts.meter, shell->parts.cloud, "reconciler", "cloud");
	shell_look_at_clocks(shell);
	/* timers stand still in a suspend */
	if (shell->mint != NULL) {
		shell_look_at_node(shell);
		mint_wake(shell->mint, shell->now);
	}
	shell_footprints_tick(shell);
	shell_history_tick(shell);
	shell_stop_step(shell);
	loop_timer_arm(shell->tick, TICK_MS);
}

struct shell *
shell_new(struct worker *worker)
{
	struct shell *shell = mem_calloc(1, sizeof *shell);

	shell->worker = worker;
	LIST_INIT(&shell->calls);
	for (size_t i = 0; i < FILE_COUNT; i++)
		shell->files[i] = -1;
	return shell;
}

void
shell_free(struct shell *shell)
{
	if (shell == NULL)
		return;
	core_free(shell->core);
	elect_free(shell->elect);
	shell_close_identity(shell);
	shell_leave_lease(shell);
	kube_free(shell->kube);
	shell_close_footprints(shell);
	shell_close_history(shell);
	shell_close_effects(shell);
	loop_timer_free(shell->tick);
	loop_timer_free(shell->stop_deadline);
	free(shell->identity);
	free(shell);
}

static void
on_request(void *arg, const char *code, const char *method, const char *host)
{
	struct shell *shell = arg;

	meter_add(shell->parts.meter, METRIC_REST_REQUESTS, 1, "reconciler", code,
	    method, host);
}

static int
start_kube(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	bool agent = settings_get(settings, SETTING_AGENT_NODE, NULL) != NULL;

	shell->kube = kube_new(shell->worker->loop, shell->parts.http, settings,
	    agent ? "agent" : "reconciler");
	if (shell->kube == NULL)
		return -EINVAL;
	kube_measure(shell->kube, on_request, shell);
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (shell->files[i] < 0)
			continue;
		kube_set_file(shell->kube, (enum file_kind)i, shell->files[i]);
		shell->files[i] = -1;
	}
	return 0;
}

static void
start_elect(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	struct elect_options options = {
	    .identity = shell->identity,
	    .name = settings_get(settings, SETTING_LEASE_NAME, LEASE_NAME_DEFAULT),
	    .namespace = settings_get(
		settings, SETTING_LEASE_NAMESPACE, LEASE_NAMESPACE_DEFAULT),
	    .duration_s = settings_number(settings, SETTING_LEASE_DURATION_S,
		LEASE_DURATION_MIN_S, LEASE_DURATION_MAX_S, LEASE_DURATION_S),
	};

	options.grace_s = settings_number(
	    settings, SETTING_LEASE_GRACE_S, 0, options.duration_s - 1, LEASE_GRACE_S);
	shell->elect =
	    elect_new(&options, &shell->elect_effects, &elect_handlers, shell);
	elect_times(shell->elect, &shell->times);
}

static void
start_core(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	char *lease = mem_printf("%s/%s",
	    settings_get(settings, SETTING_LEASE_NAMESPACE, LEASE_NAMESPACE_DEFAULT),
	    settings_get(settings, SETTING_LEASE_NAME, LEASE_NAME_DEFAULT));
	struct core_options options = {
	    .identity = shell->identity,
	    .lease = lease,
	    .namespace =
		settings_get(settings, SETTING_POD_NAMESPACE, LEASE_NAMESPACE_DEFAULT),
	    .policy = POLICY_SYNC,
	    .dry_run = settings_get(settings, SETTING_DRY_RUN, NULL) != NULL,
	    .agent_node = settings_get(settings, SETTING_AGENT_NODE, NULL),
	};

	if (options.dry_run)
		log_warn("dry_run", LOG_S("policy", "Observe, for all"));
	/* the supervisor has checked it */
	allocation_policy_find(
	    settings_get(settings, SETTING_DEFAULT_POLICY, "Sync"), &options.policy);
	shell->core = core_new(&options, &shell->core_effects);
	free(lease);
}

/* Counters begin at 0, so that the first failure is an increase. */
static void
start_metrics(struct shell *shell)
{
	struct meter *meter = shell->parts.meter;

	meter_set(meter, METRIC_CONTROLLER_HEALTHY, 1, shell->identity);
	meter_set(meter, METRIC_CONTROLLER_INFO, 1,
	    settings_get(&shell->worker->settings, SETTING_VERSION, ""),
	    shell->identity);
	if (shell->elect == NULL)
		return;
	put_leader(shell, false);
	meter_add(meter, METRIC_CR_RECONCILES, 0, TRAIL_CONTROLLER, "success");
	meter_add(meter, METRIC_CR_RECONCILES, 0, TRAIL_CONTROLLER, "error");
	meter_add(meter, METRIC_CR_ERRORS, 0, TRAIL_CONTROLLER);
	meter_add(meter, METRIC_EVENTS_DROPPED, 0, "object");
	meter_add(meter, METRIC_EVENTS_DROPPED, 0, "all");
	meter_add(meter, METRIC_HANDOVERS, 0, "own_node");
	meter_add(meter, METRIC_HANDOVERS, 0, "cloud_unreachable");
}

int
shell_start(struct shell *shell, const struct shell_parts *parts)
{
	const struct settings *settings = &shell->worker->settings;
	const char *identity = settings_get(settings, SETTING_POD_NAME, "");
	struct loop *loop = shell->worker->loop;

	if (identity[0] == '\0' || strlen(identity) > NAME_MAX_LEN) {
		log_error("config", LOG_S("error", "POD_NAME is empty or too long"));
		return -EINVAL;
	}
	shell->parts = *parts;
	shell->identity = mem_strdup(identity);
	shell->stop_deadline = loop_timer_new(loop, on_stop_deadline, shell);
	shell->tick = loop_timer_new(loop, on_tick, shell);
	shell_look_at_clocks(shell);
	shell_open_effects(shell);
	MESSAGE_TEXT(shell->core_reason, "Starting");
	shell_put_readiness(shell);
	if (start_kube(shell) < 0)
		return -EINVAL;
	start_core(shell);
	shell_start_footprints(shell);
	shell_start_history(shell);
	shell_start_identity(shell);
	if (settings_get(settings, SETTING_AGENT_NODE, NULL) == NULL) {
		start_elect(shell);
		shell_watch_lease(shell);
		shell_wake_in(&shell->elect_wake, 0);
	}
	start_metrics(shell);
	loop_timer_arm(shell->tick, TICK_MS);
	shell_wake_in(&shell->core_wake, 0);
	return 0;
}
