#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "mem.h"
#include "server.h"

/* 2026-11-20T00:00:00Z, at true time 0. */
#define HOSTS_EPOCH_MS 1795132800000
/* How much wall clocks are off. */
#define WALL_OFF_MS 3000

/* A process that died starts again: at once, or after the supervisor's back-off. */
#define RESTART_LEAST_MS 100
#define RESTART_MOST_MS	 3000

struct hosts hosts;
bool program_keeps;

static const struct program *const programs[PROGRAM_COUNT] = {
    [PROGRAM_WATCHER] = &program_watcher,
    [PROGRAM_RECONCILER] = &program_reconciler,
    [PROGRAM_CLOUDWORKER] = &program_cloudworker,
};

struct loop_timer {
	struct loop *loop;
	loop_timer_fn *fn;
	void *arg;
	struct event event;
	LIST_ENTRY(loop_timer) entry;
};

/* --- clocks and chance of the process that runs ----------------------------------- */

struct mono_time __wrap_clock_mono(void);
struct boot_time __wrap_clock_boot(void);
struct wall_time __wrap_clock_wall(void);
ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags);

/* How much a clock of that speed shows after a true while. */
static int64_t
host_pass(const struct host *host, int64_t true_ms)
{
	return true_ms + true_ms * host->ppm / 1000000;
}

struct mono_time
__wrap_clock_mono(void)
{
	const struct host *host = hosts.current->host;

	return (struct mono_time){
	    host->mono_ms + host_pass(host, stage.now_ms - host->stood_still_ms)};
}

struct boot_time
__wrap_clock_boot(void)
{
	const struct host *host = hosts.current->host;

	return (struct boot_time){host->boot_ms + host_pass(host, stage.now_ms)};
}

struct wall_time
__wrap_clock_wall(void)
{
	if (hosts.current != NULL)
		return hosts_wall(hosts.current->host);
	return (struct wall_time){hosts.epoch_ms + stage.now_ms};
}

ssize_t
__wrap_getrandom(void *out, size_t len, unsigned flags)
{
	unsigned char *bytes = out;

	(void)flags;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)stage_random();
	return (ssize_t)len;
}

struct wall_time
hosts_wall(const struct host *host)
{
	return (struct wall_time){hosts.epoch_ms + stage.now_ms + host->wall_ms};
}

/* --- base/loop.h ------------------------------------------------------------------ */

static void
timer_run(void *arg)
{
	struct loop_timer *timer = arg;
	struct loop *process = timer->loop;

	if (!process_enter(process, process->life))
		return;
	timer->fn(timer->arg);
	process_leave(process);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_calloc(1, sizeof *timer);

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->event = (struct event){
	    .gate_ms = &loop->host->suspended_until_ms, .run = timer_run, .arg = timer};
	LIST_INSERT_HEAD(&loop->timers, timer, entry);
	return timer;
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	stage_disarm(&timer->event);
	LIST_REMOVE(timer, entry);
	free(timer);
}

void
loop_timer_arm(struct loop_timer *timer, int64_t delay_ms)
{
	int64_t pass = 1000000 + timer->loop->host->ppm;

	if (delay_ms < 0)
		delay_ms = 0;
	stage_arm(&timer->event, (delay_ms * 1000000 + pass - 1) / pass);
}

void
loop_timer_disarm(struct loop_timer *timer)
{
	stage_disarm(&timer->event);
}

/* --- processes -------------------------------------------------------------------- */

bool
process_enter(struct loop *process, unsigned life)
{
	if (process->state == NULL || process->life != life || process->dying)
		return false;
	hosts.current = process;
	return true;
}

static void
process_again(void *arg)
{
	struct host *host = arg;

	if (!host->down)
		host_start(host);
}

/* What dies is gone with all that it had. */
static void
process_bury(struct loop *process)
{
	struct loop_timer *timer;
	void *state = process->state;

	hosts.current = process;
	process->dying = true;
	process->state = NULL;
	if (state != NULL)
		process->program->end(state);
	while (!LIST_EMPTY(&process->links))
		wires_closed(LIST_FIRST(&process->links));
	watches_gone(process);
	while ((timer = LIST_FIRST(&process->timers)) != NULL)
		loop_timer_free(timer);
	hosts.current = NULL;
	process->life++;
	process->dying = false;
	process->stopped = false;
	stage_later(stage_between(RESTART_LEAST_MS, RESTART_MOST_MS),
	    &process->host->suspended_until_ms, process_again, NULL, process->host);
}

void
process_leave(struct loop *process)
{
	hosts.current = NULL;
	if (process->dying || process->stopped) {
		stage_tell(process->who, process->stopped ? "ends" : "dies");
		process_bury(process);
	}
}

bool
process_effect(void)
{
	struct loop *process = hosts.current;

	if (process->dying)
		return true;
	if (!stage_chance(hosts.faults.crash))
		return false;
	hosts.crashes++;
	process->dying = true;
	return stage_chance(500);
}

void
process_kill(struct loop *process)
{
	if (process->state == NULL)
		return;
	stage_tell(process->who, "is killed");
	process_bury(process);
}

static void
process_start(struct loop *process)
{
	void *state;

	hosts.current = process;
	stage_tell(process->who, "starts");
	/* a start that runs into its death is not seen: it ends right after it */
	state = process->program->start(process, process->host->name);
	process->state = state;
	process_leave(process);
}

/* --- hosts ------------------------------------------------------------------------ */

void
host_start(struct host *host)
{
	host->down = false;
	if (host_is_suspended(host))
		return;
	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		if (host->processes[i].state == NULL)
			process_start(&host->processes[i]);
}

void
host_kill(struct host *host)
{
	host->down = true;
	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		process_kill(&host->processes[i]);
}

void
host_stop(struct host *host)
{
	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		struct loop *process = &host->processes[i];

		if (process->program->stop == NULL ||
		    !process_enter(process, process->life))
			continue;
		stage_tell(process->who, "is asked to stop");
		process->program->stop(process->state);
		process_leave(process);
	}
}

bool
host_is_suspended(const struct host *host)
{
	return stage.now_ms < host->suspended_until_ms;
}

bool
host_is_up(const struct host *host)
{
	if (host_is_suspended(host))
		return false;
	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		if (host->processes[i].state == NULL)
			return false;
	return true;
}

void
host_suspend(struct host *host, int64_t ms)
{
	if (host_is_suspended(host))
		return;
	stage_tell(host->name, "is suspended for %lld ms", (long long)ms);
	host->suspended_until_ms = stage.now_ms + ms;
	host->stood_still_ms += ms;
	stage_delay(&host->suspended_until_ms);
}

void
host_set_clock(struct host *host)
{
	host->wall_ms = stage_between(-WALL_OFF_MS, WALL_OFF_MS);
	stage_tell(
	    host->name, "has its clock set: off by %lld ms", (long long)host->wall_ms);
}

static void
host_open(struct host *host, size_t index)
{
	snprintf(host->name, sizeof host->name, "ipwarden-%zu", index);
	host->ppm = stage_between(-5000, 5000);
	host->mono_ms = stage_between(0, 1000000);
	host->boot_ms = host->mono_ms + stage_between(0, 1000000);
	host->wall_ms = stage_between(-WALL_OFF_MS, WALL_OFF_MS);
	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		struct loop *process = &host->processes[i];

		process->program = programs[i];
		process->host = host;
		snprintf(process->who, sizeof process->who, "%zu.%s", index,
		    programs[i]->name);
		LIST_INIT(&process->timers);
		LIST_INIT(&process->links);
	}
}

void
hosts_open(size_t count)
{
	hosts = (struct hosts){.len = count,
	    .epoch_ms = HOSTS_EPOCH_MS,
	    .epoch_before_ms = HOSTS_EPOCH_MS};
	for (size_t i = 0; i < count; i++)
		host_open(&hosts.all[i], i);
}

void
hosts_turn_hour(int64_t in_ms)
{
	int64_t hours = stage_chance(500) ? 0 : stage_between(1, 23);

	hosts.epoch_ms = HOSTS_EPOCH_MS + hours * 3600000 - stage.now_ms - in_ms;
	hosts.epoch_before_ms = hosts.epoch_ms;
}

void
hosts_pass_hours(int64_t hours)
{
	hosts.epoch_before_ms = hosts.epoch_ms;
	hosts.epoch_ms += hours * 3600000;
}

void
hosts_close(void)
{
	for (size_t i = 0; i < hosts.len; i++) {
		host_kill(&hosts.all[i]);
		wires_free(&hosts.all[i]);
	}
}
