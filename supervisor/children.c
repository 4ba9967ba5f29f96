#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "sandbox.h"
#include "supervisor.h"

/* Restart: 0.2 s, doubling to 60 s; back to 0.2 s after 2 s of being ready. Who died of
 * its own filter, or says that starting again is useless, waits longer. */
#define BACKOFF_FIRST_MS  200
#define BACKOFF_MAX_MS	  60000
#define BACKOFF_LONG_MS	  5000
#define BACKOFF_FORGET_MS 2000

/* Who did what no sound process does is forgiven later: whoever took it over would
 * otherwise be back at once, as often as it takes. */
#define BACKOFF_FORGIVE_MS 60000

/* From spawn to ready; a slow machine needs a tenth of it. */
#define START_MAX_MS 20000

/* A process that is ready and does not tick is ended after so long. */
#define WEDGED_KILL_MS 20000

/* Each phase of a stop; the reconciler waits for open calls and gives the lease back.
 */
#define STOP_PHASE_MS 8000

/* At most so long between two looks at the timers. */
#define LOOK_MS 1000

static void
enter(struct child *child, enum child_state state)
{
	child->state = state;
	child->since = clock_mono();
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
plan_backoff(struct child *child, int64_t ready_ms)
{
	int64_t forget_ms = child->suspect ? BACKOFF_FORGIVE_MS : BACKOFF_FORGET_MS;

	if (ready_ms >= forget_ms) {
		child->backoff_ms = BACKOFF_FIRST_MS;
		child->suspect = false;
	}
	if (child->backoff_ms < BACKOFF_FIRST_MS)
		child->backoff_ms = BACKOFF_FIRST_MS;
	if (child->offended && child->backoff_ms < BACKOFF_LONG_MS)
		child->backoff_ms = BACKOFF_LONG_MS;
	child->suspect = child->suspect || child->offended;
	child->offended = false;
}

/* Not running any more: its descriptors go, and its next start is planned. */
static void
go_down(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];
	int64_t ready_ms =
	    child->state == CHILD_READY ? clock_mono().ms - child->since.ms : 0;

	if (child->log_fd >= 0)
		forward_log(child, role_specs[role].name);
	close_fd(&child->control_fd);
	close_fd(&child->log_fd);
	for (int slot = 0; slot < LINK_SLOTS; slot++)
		close_fd(&child->link_fds[slot]);
	child->pid = 0;
	child->wedged = false;
	child->ended = false;
	child->line_len = 0;
	child->line_cut = false;
	plan_backoff(child, ready_ms);
	enter(child, CHILD_DOWN);
	child->due.ms = child->since.ms + child->backoff_ms;
	child->backoff_ms *= 2;
	if (child->backoff_ms > BACKOFF_MAX_MS)
		child->backoff_ms = BACKOFF_MAX_MS;
	feed_process(sup, role);
}

static void
count_restart(struct child *child)
{
	child->restarts[child->reason]++;
	child->restarted[child->restarts_len++ % CONTROL_RESTARTS_MAX] = clock_mono();
}

bool
child_is_spent(const struct child *child)
{
	/* the oldest one that is remembered is the next to be overwritten */
	struct mono_time oldest =
	    child->restarted[child->restarts_len % CONTROL_RESTARTS_MAX];

	return child->restarts_len >= CONTROL_RESTARTS_MAX &&
	       clock_mono().ms - oldest.ms < CONTROL_RESTARTS_MS;
}

static void
do_spawn(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];
	int rc;

	if (role == ROLE_WATCHER && sup->watcher_source == WATCHER_AWAITED)
		return; /* due until there is a token */
	if (child->spawned_before)
		count_restart(child);
	child->spawned_before = true;
	child->began = clock_wall();
	enter(child, CHILD_STARTING);
	rc = spawn_child(sup, role);
	if (rc < 0) {
		log_error("spawn_failed", LOG_S("role", role_specs[role].name),
		    LOG_S("error", strerror(-rc)));
		child->reason = RESTART_UNFED;
		go_down(sup, role);
		return;
	}
	log_info("spawned", LOG_S("role", role_specs[role].name),
	    LOG_N("pid", child->pid), LOG_N("restarts", child->restarts_len));
}

/* It says that it is locked: believed only when the kernel says the same. */
static void
do_feed(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];

	if (sup->stopping)
		return; /* it needs nothing more, and may have ended already */
	if (!verify_confined(sup, role, child->pid)) {
		child_punish(sup, role, "not confined");
		return;
	}
	child->layers |= separate_layers(sup, role);
	if (feed_child(sup, role) < 0) {
		child_kill(sup, role, RESTART_UNFED, "cannot be fed");
		return;
	}
	enter(child, CHILD_FED);
}

static void
do_ready(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];

	enter(child, CHILD_READY);
	child->ticked = child->since;
	log_info("ready", LOG_S("role", role_specs[role].name),
	    LOG_N("pid", child->pid), LOG_N("layers", child->layers));
	links_join(sup, role);
	for (enum role client = 0; client < ROLE_COUNT; client++) {
		bool serves = role_specs[client].dialer == role ||
			      (role == ROLE_RESOLVER &&
				  sup->resolve_pairs[client][PAIR_CLIENT] >= 0);

		if (serves && sup->children[client].state >= CHILD_FED)
			control_send(sup->children[client].control_fd, CONTROL_AGAIN,
			    NULL, 0, -1);
	}
	feed_process(sup, role == ROLE_METRICSD ? ROLE_COUNT : role);
}

static void
do_late(struct supervisor *sup, enum role role)
{
	bool was_ready = sup->children[role].state == CHILD_READY;

	child_kill(sup, role, was_ready ? RESTART_WEDGED : RESTART_LATE, "late");
}

static void
do_refuse(struct supervisor *sup, enum role role)
{
	child_punish(sup, role, "said something out of turn");
}

static void
do_nothing(struct supervisor *sup, enum role role)
{
	(void)sup;
	(void)role;
}

typedef void transition_fn(struct supervisor *sup, enum role role);

static transition_fn *const transitions[CHILD_STATE_COUNT][CHILD_EVENT_COUNT] = {
    /*                  due         locked     ready      exited      late */
    [CHILD_DOWN] = {do_spawn, do_nothing, do_nothing, do_nothing, do_nothing},
    [CHILD_STARTING] = {do_nothing, do_feed, do_refuse, go_down, do_late},
    [CHILD_FED] = {do_nothing, do_refuse, do_ready, go_down, do_late},
    [CHILD_READY] = {do_nothing, do_refuse, do_refuse, go_down, do_late},
};

void
child_event(struct supervisor *sup, enum role role, enum child_event event)
{
	transitions[sup->children[role].state][event](sup, role);
}

void
children_start(struct supervisor *sup)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct child *child = &sup->children[role];

		child->control_fd = child->log_fd = -1;
		for (int slot = 0; slot < LINK_SLOTS; slot++)
			child->link_fds[slot] = -1;
		if (role_runs(sup, role))
			child_event(sup, role, EVENT_DUE);
	}
}

void
child_kill(
    struct supervisor *sup, enum role role, enum restart_reason reason, const char *why)
{
	struct child *child = &sup->children[role];

	if (child->pid == 0 || child->ended)
		return;
	log_warn("killed", LOG_S("role", role_specs[role].name),
	    LOG_N("pid", child->pid), LOG_S("why", why));
	kill(child->pid, SIGKILL);
	child->ended = true;
	child->reason = reason;
	close_fd(&child->control_fd);
}

void
child_punish(struct supervisor *sup, enum role role, const char *why)
{
	sup->children[role].offended = true;
	child_kill(sup, role, RESTART_MISDEED, why);
}

static void
take_tick(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];

	child->ticked = clock_mono();
	if (!child->wedged)
		return;
	child->wedged = false;
	feed_process(sup, role);
}

static void
take_locked(struct supervisor *sup, enum role role, const struct control_record *record)
{
	struct child *child = &sup->children[role];

	if (record->len != 4) {
		child_punish(sup, role, "malformed record");
		return;
	}
	child->layers =
	    (uint32_t)record->payload[0] | (uint32_t)record->payload[1] << 8 |
	    (uint32_t)record->payload[2] << 16 | (uint32_t)record->payload[3] << 24;
	child->layers &= ~(uint32_t)SANDBOX_SEPARATE;
	child_event(sup, role, EVENT_LOCKED);
}

/* Nobody else has one to give, and the watcher least of all. */
static void
take_token(struct supervisor *sup, enum role role, const struct control_record *record)
{
	if (role != ROLE_RECONCILER || sup->children[role].state != CHILD_READY ||
	    sup->watcher_source == WATCHER_GIVEN)
		child_punish(sup, role, "a token that it has no business with");
	else
		token_take(sup, record);
}

static void
take_record(struct supervisor *sup, enum role role, const struct control_record *record)
{
	if (record->fd >= 0)
		close(record->fd); /* a worker has none to give */
	switch ((int)record->type) {
	case CONTROL_LOCKED:
		take_locked(sup, role, record);
		break;
	case CONTROL_READY:
		child_event(sup, role, EVENT_READY);
		break;
	case CONTROL_TICK:
		take_tick(sup, role);
		break;
	case CONTROL_RELINK:
		if (record->len == 1)
			links_relink(sup, role, record->payload[0]);
		break;
	case CONTROL_VIOLATION:
		if (record->len == 1)
			links_violation(sup, role, record->payload[0]);
		break;
	case CONTROL_TOKEN:
		take_token(sup, role, record);
		break;
	default:
		child_punish(sup, role, "unknown record");
	}
}

/* Records that one process may have handled in a row. */
#define RECORDS_MAX 64

/* One tick a second, now and then a report or a relink of each of three links. */
static const struct rate_limit control_limit = {.burst = 120, .per_minute = 1200};

void
child_control(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];
	struct control_record record;
	int rc = 0;

	for (int i = 0; i < RECORDS_MAX && child->control_fd >= 0; i++) {
		rc = control_receive(child->control_fd, &record);
		if (rc <= 0)
			break;
		take_record(sup, role, &record);
		if (record.type == CONTROL_TOKEN)
			explicit_bzero(&record, sizeof record);
		if (!rate_take(&child->control_rate, &control_limit, clock_mono(), 1))
			child_punish(sup, role, "too many records");
	}
	if (rc == -EPROTO)
		child_punish(sup, role, "malformed record");
	if (rc != -EPIPE)
		return;
	/* it has closed its end, or ended: SIGCHLD says the rest */
	close_fd(&child->control_fd);
	if (!child->ended && !sup->stopping)
		kill(child->pid, SIGKILL);
}

static void
log_exit(enum role role, pid_t pid, int status, bool stopping)
{
	if (WIFSIGNALED(status))
		log_warn("died", LOG_S("role", role_specs[role].name),
		    LOG_N("pid", pid), LOG_N("signal", WTERMSIG(status)),
		    LOG_S("why", WTERMSIG(status) == SIGSYS
				     ? "forbidden system call"
				     : strsignal(WTERMSIG(status))));
	else
		log_event(stopping && WEXITSTATUS(status) == 0 ? LOG_INFO : LOG_WARN,
		    "exited", LOG_S("role", role_specs[role].name), LOG_N("pid", pid),
		    LOG_N("status", WEXITSTATUS(status)));
}

/* Of one that we did not end. */
static enum restart_reason
reason_of(int status)
{
	if (!WIFSIGNALED(status))
		return RESTART_EXITED;
	return WTERMSIG(status) == SIGSYS ? RESTART_FORBIDDEN : RESTART_SIGNAL;
}

static void
take_exit(struct supervisor *sup, pid_t pid, int status)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct child *child = &sup->children[role];

		if (child->pid != pid)
			continue;
		log_exit(role, pid, status, sup->stopping);
		if (!child->ended)
			child->reason = reason_of(status);
		if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
		    (WIFEXITED(status) && (WEXITSTATUS(status) == EXIT_CONFIG ||
					      WEXITSTATUS(status) == EXIT_SANDBOX)))
			child->offended = true;
		child_event(sup, role, EVENT_EXITED);
		return;
	}
}

void
children_reap(struct supervisor *sup)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		take_exit(sup, pid, status);
}

static void
look_at_tick(struct supervisor *sup, enum role role, struct mono_time now)
{
	struct child *child = &sup->children[role];
	int64_t silent_ms = now.ms - child->ticked.ms;

	if (silent_ms >= CONTROL_WEDGED_MS && !child->wedged) {
		child->wedged = true;
		log_warn("wedged", LOG_S("role", role_specs[role].name),
		    LOG_N("silent_ms", silent_ms));
		feed_process(sup, role);
	}
	if (silent_ms >= WEDGED_KILL_MS)
		child_event(sup, role, EVENT_LATE);
}

int
children_timers(struct supervisor *sup)
{
	struct mono_time now = clock_mono();
	int64_t next_ms = LOOK_MS;

	feed_metrics(sup);
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct child *child = &sup->children[role];
		int64_t left_ms = child->due.ms - now.ms;

		forward_tell_lost(child, role_specs[role].name);
		switch (child->state) {
		case CHILD_DOWN:
			if (sup->stopping || !role_runs(sup, role))
				break;
			if (left_ms <= 0)
				child_event(sup, role, EVENT_DUE);
			else if (left_ms < next_ms)
				next_ms = left_ms;
			break;
		case CHILD_STARTING:
		case CHILD_FED:
			if (now.ms - child->since.ms >= START_MAX_MS)
				child_event(sup, role, EVENT_LATE);
			break;
		case CHILD_READY:
			look_at_tick(sup, role, now);
			break;
		case CHILD_STATE_COUNT:
		default:
			assert(!"a state");
		}
	}
	return (int)next_ms;
}

/* Who still runs of those that this phase stops. */
static unsigned int
count_running(const struct supervisor *sup, unsigned int phase)
{
	unsigned int count = 0;

	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (role_specs[role].stop_phase == phase &&
		    sup->children[role].pid != 0)
			count++;
	return count;
}

static void
begin_phase(struct supervisor *sup)
{
	sup->stop_deadline.ms = clock_mono().ms + STOP_PHASE_MS;
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (role_specs[role].stop_phase == sup->stop_phase &&
		    sup->children[role].pid != 0)
			control_send(
			    sup->children[role].control_fd, CONTROL_STOP, NULL, 0, -1);
}

bool
children_stop(struct supervisor *sup)
{
	if (!sup->stopping) {
		sup->stopping = true;
		begin_phase(sup);
	}
	while (
	    sup->stop_phase < STOP_PHASES && count_running(sup, sup->stop_phase) == 0) {
		if (++sup->stop_phase < STOP_PHASES)
			begin_phase(sup);
	}
	if (sup->stop_phase == STOP_PHASES)
		return true;
	if (clock_mono().ms < sup->stop_deadline.ms)
		return false;
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (role_specs[role].stop_phase == sup->stop_phase)
			child_kill(sup, role, RESTART_LATE, "did not stop in time");
	return false;
}
