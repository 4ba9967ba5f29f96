/* whole SEED [COUNT] [-v] | whole --hours H: from each seed one schedule. Two or three
 * replicas with their watchers, reconcilers and cloudworkers run while users and
 * troubles do what they like; then the troubles end, and everything must come to rest
 * as it should be. The first schedule that fails is run again with a record of what
 * happened. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "allocations.h"
#include "configmaps.h"
#include "hosts.h"
#include "judge.h"
#include "log.h"
#include "nodes.h"
#include "provider.h"
#include "rest.h"
#include "server.h"
#include "trackers.h"
#include "users.h"

/* Happenings of one schedule. */
#define HAPPENINGS_LEAST 8
#define HAPPENINGS_MOST	 30
/* Of the record of a schedule that failed. */
#define TRACE_LINES 120u

/* At the end our definition is deleted, per thousand schedules. */
#define DEFINITION_RATE 50
/* With each happening one of PodTrackers, where there are some. */
#define TRACKERS_RATE	400
#define CONFIGMAPS_RATE 400 /* the same of what footprints are of */

static const int64_t pauses_ms[] = {20, 200, 1000, 4000, 12000};

static struct {
	unsigned long schedules, steps, changes, evictions, crashes;
} sum;

static void
schedule_look(void *arg)
{
	struct event *event = arg;

	judge_look();
	stage_arm(event, 1000);
}

static void
schedule_open(uint64_t seed, struct event *look)
{
	stage_open(seed);
	server_open();
	provider_open();
	judge_open();
	hosts_open(2 + stage_pick(2));
	users_make(hosts.len);
	*look = (struct event){.run = schedule_look, .arg = look};
	stage_arm(look, 1000);
	for (size_t i = 0; i < hosts.len; i++)
		host_start(&hosts.all[i]);
}

static void
schedule_disturb(void)
{
	int64_t happenings = stage_between(HAPPENINGS_LEAST, HAPPENINGS_MOST);

	if (stage_chance(700))
		stage_run(stage_between(3000, 12000));
	troubles_make();
	for (int64_t i = 0; i < happenings && stage.violation[0] == '\0'; i++) {
		nodes_keep_pods();
		trackers_keep();
		if (users.tracked && stage_chance(TRACKERS_RATE))
			trackers_happen();
		if (users.kept && stage_chance(CONFIGMAPS_RATE))
			configmaps_happen();
		if (stage_chance(650))
			users_happen();
		else
			troubles_happen();
		judge_look();
		stage_run(pauses_ms[stage_pick(5)]);
	}
	if (stage_chance(DEFINITION_RATE)) {
		allocations_drop_definition();
		judge_look();
		stage_run(stage_between(0, 60000));
	}
	troubles_end();
}

static bool
schedule_run(uint64_t seed)
{
	struct event look;
	bool good;

	schedule_open(seed, &look);
	schedule_disturb();
	rest_await();
	good = stage.violation[0] == '\0';
	sum.schedules++;
	sum.steps += stage.steps;
	sum.changes += provider.changes;
	sum.evictions += server.evictions;
	sum.crashes += hosts.crashes;
	stage.tracing = false;
	hosts_close();
	stage_close();
	server_close();
	return good;
}

/* It repeats exactly. */
static void
schedule_explain(uint64_t seed)
{
	char violation[sizeof stage.violation];

	memcpy(violation, stage.violation, sizeof violation);
	if (!stage.verbose) {
		stage.tracing = true;
		schedule_run(seed);
		stage_print(TRACE_LINES);
	}
	printf("seed %llu: %s\n", (unsigned long long)seed, violation);
	if (strcmp(violation, stage.violation) != 0)
		printf("but not when it was repeated: %s\n", stage.violation);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
report(double since)
{
	printf("%lu schedules, %.1f a second; each with %lu steps, %lu changes of the "
	       "cloud, %.1f evictions, %.1f crashes\n",
	    sum.schedules, (double)sum.schedules / (seconds() - since),
	    sum.steps / sum.schedules, sum.changes / sum.schedules,
	    (double)sum.evictions / (double)sum.schedules,
	    (double)sum.crashes / (double)sum.schedules);
	fflush(stdout);
}

static int
run_hours(double hours)
{
	double since = seconds(), told = since;
	uint64_t seed = (uint64_t)time(NULL) << 20;

	for (; seconds() - since < hours * 3600; seed++) {
		if (!schedule_run(seed)) {
			schedule_explain(seed);
			return 1;
		}
		if (seconds() - told < 60)
			continue;
		told = seconds();
		report(since);
	}
	report(since);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	double since = seconds();

	log_set_level(LOG_ERROR);
	/* memory is given and taken all the time, by one thread */
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	if (argc > 2 && strcmp(argv[1], "--hours") == 0)
		return run_hours(strtod(argv[2], NULL));
	stage.verbose = argc > 3 && strcmp(argv[3], "-v") == 0;
	for (uint64_t i = 0; i < count; i++)
		if (!schedule_run(seed + i)) {
			schedule_explain(seed + i);
			return 1;
		}
	report(since);
	return 0;
}
