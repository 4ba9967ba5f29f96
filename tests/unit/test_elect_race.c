/* Leader election: two electors race for one Lease through a simulated API that is
 * slow, loses requests and answers, and fails, and whose watch is late and repeats
 * itself. Never are two valid at once. */
#include "elect.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define D_MS 60000
#define G_MS 2000

#define RACERS	  2
#define STEPS	  10000
#define CALLS_MAX 64
#define PAST	  8

struct race;

static const struct elect_options common_options = {
    .name = "ip-address-controller-leader",
    .namespace = "kube-system",
    .duration_s = D_MS / 1000,
    .grace_s = G_MS / 1000,
};

struct racer {
	struct race *race;
	struct effects effects;
	struct elect *elect;
	struct elect_options options;
	char identity[16];
	int life; /* answers to an earlier life are nobody's */
	int64_t mono_offset, boot_offset, wall_offset;
	double rate;	 /* of its clocks */
	int64_t wake_at; /* true time; -1 none */
	int64_t until;	 /* as it was told, by its boot clock */
	bool told;	 /* won and not lost */
	uint64_t term;
	int wins;
	bool releasing;
};

struct flight {
	bool used;
	int who, life;
	uint64_t ticket;
	char *method;
	char *body;
	int64_t apply_at; /* -1: never arrives, or arrived */
	int64_t answer_at;
	bool answer_lost;
	int status;
	struct json_object *reply;
};

struct race {
	uint64_t seed;
	int64_t now; /* true time */
	bool faults;
	struct racer racers[RACERS];
	struct flight flights[CALLS_MAX];
	struct json_object *lease;
	struct json_object *past[PAST]; /* by version, for the watch */
	int version;
	uint64_t last_term;
	int writes, lost_answers;
};

static uint64_t
race_random(struct race *race, uint64_t below)
{
	race->seed ^= race->seed << 13;
	race->seed ^= race->seed >> 7;
	race->seed ^= race->seed << 17;
	return race->seed % below;
}

static struct core_time
racer_now(const struct racer *racer)
{
	int64_t local = (int64_t)((double)racer->race->now * racer->rate);

	return (struct core_time){{local + racer->mono_offset},
	    {local + racer->boot_offset}, {local + racer->wall_offset}};
}

static void
race_call(void *arg, uint64_t ticket, const struct kube_call *call)
{
	struct racer *racer = arg;
	struct race *race = racer->race;
	struct flight *flight = race->flights;

	while (flight < race->flights + CALLS_MAX && flight->used)
		flight++;
	cr_assert_lt(flight - race->flights, CALLS_MAX);
	*flight = (struct flight){.used = true,
	    .who = (int)(racer - race->racers),
	    .life = racer->life,
	    .ticket = ticket,
	    .method = mem_strdup(call->method)};
	flight->body = call->body != NULL ? mem_strdup(call->body) : NULL;
	flight->apply_at = race->now + (int64_t)race_random(race, 300);
	flight->answer_at = flight->apply_at + (int64_t)race_random(race, 300);
	if (!race->faults || race_random(race, 10) < 7)
		return;
	/* lost on the way there, on the way back, or held up beyond the caller's
	 * patience */
	flight->answer_lost = true;
	flight->answer_at = race->now + call->timeout_ms;
	switch (race_random(race, 3)) {
	case 0:
		flight->apply_at = -1;
		break;
	case 1:
		flight->apply_at = race->now + (int64_t)race_random(race, 90000);
		break;
	default:
		break;
	}
}

static void
race_wake_in(void *arg, int64_t delay_ms)
{
	struct racer *racer = arg;

	racer->wake_at = racer->race->now + delay_ms;
}

static void
race_won(void *arg, uint64_t term)
{
	struct racer *racer = arg;
	struct race *race = racer->race;

	cr_assert_not(racer->told);
	if (race->writes > 1)
		cr_assert_gt(term, race->last_term, "terms grow");
	race->last_term = term;
	racer->told = true;
	racer->term = term;
	racer->wins++;
}

static void
race_valid(void *arg, struct boot_time until)
{
	struct racer *racer = arg;

	cr_assert(racer->told);
	cr_assert_geq(until.ms, racer->until);
	racer->until = until.ms;
}

static void
race_lost(void *arg)
{
	struct racer *racer = arg;

	cr_assert(racer->told);
	racer->told = false;
}

static const struct elect_handlers race_handlers = {
    .won = race_won, .valid = race_valid, .lost = race_lost};

static void
racer_start(struct racer *racer)
{
	elect_free(racer->elect);
	racer->life++;
	racer->told = false;
	racer->releasing = false;
	racer->until = 0;
	racer->elect =
	    elect_new(&racer->options, &racer->effects, &race_handlers, racer);
	racer->wake_at = racer->race->now;
}

static struct json_object *
at(struct json_object *object, const char *a, const char *b)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, a, &value);
	if (b != NULL)
		json_object_object_get_ex(value, b, &value);
	return value;
}

/* The API server: resourceVersion-guarded, as recorded. */
static void
race_apply(struct race *race, struct flight *flight)
{
	struct json_object *body =
	    flight->body != NULL ? json_tokener_parse(flight->body) : NULL;
	struct json_object *held = at(race->lease, "metadata", "resourceVersion");
	char version[16];

	flight->apply_at = -1;
	flight->status = 200;
	if (strcmp(flight->method, "GET") == 0) {
		flight->status = race->lease != NULL ? 200 : 404;
	} else if (race->faults && race_random(race, 20) == 0) {
		flight->status = 500;
	} else if (strcmp(flight->method, "POST") == 0) {
		flight->status = race->lease == NULL ? 201 : 409;
	} else if (race->lease == NULL) {
		flight->status = 404;
	} else if (!json_object_equal(held, at(body, "metadata", "resourceVersion"))) {
		flight->status = 409;
	}
	if (flight->status < 300 && body != NULL) {
		snprintf(version, sizeof version, "%d", ++race->version);
		json_object_object_add(at(body, "metadata", NULL), "resourceVersion",
		    json_object_new_string(version));
		json_object_put(race->lease);
		race->lease = body;
		body = NULL;
		json_object_put(race->past[race->version % PAST]);
		race->past[race->version % PAST] = NULL;
		json_object_deep_copy(
		    race->lease, &race->past[race->version % PAST], NULL);
		race->writes++;
	}
	if (flight->status < 300)
		json_object_deep_copy(race->lease, &flight->reply, NULL);
	json_object_put(body);
}

static void
race_answer(struct race *race, struct flight *flight)
{
	struct racer *racer = &race->racers[flight->who];
	struct kube_reply reply = {
	    .status = flight->status, .json = flight->reply, .retry_after_ms = -1};

	flight->answer_at = -1;
	if (flight->answer_lost) {
		reply = (struct kube_reply){
		    .error = -ETIMEDOUT, .maybe_sent = true, .retry_after_ms = -1};
		race->lost_answers++;
	}
	if (flight->life == racer->life)
		elect_answer(racer->elect, racer_now(racer), flight->ticket, &reply);
}

static void
race_fly(struct race *race)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct flight *flight = &race->flights[i];

		if (!flight->used)
			continue;
		if (flight->apply_at >= 0 && flight->apply_at <= race->now)
			race_apply(race, flight);
		if (flight->answer_at >= 0 && flight->answer_at <= race->now)
			race_answer(race, flight);
		if (flight->apply_at >= 0 || flight->answer_at >= 0)
			continue;
		json_object_put(flight->reply);
		free(flight->method);
		free(flight->body);
		*flight = (struct flight){0};
	}
}

/* A process that dies, one that stops in order, one that gives the lease away, one that
 * is not run for a while. */
static void
race_mishap(struct race *race)
{
	struct racer *racer = &race->racers[race_random(race, RACERS)];

	switch (race_random(race, 400)) {
	case 0:
		racer_start(racer);
		break;
	case 1:
		racer->releasing = true;
		break;
	case 2:
		elect_yield(racer->elect, racer_now(racer));
		break;
	case 3:
	case 4:
		if (racer->wake_at >= 0)
			racer->wake_at += (int64_t)race_random(race, 90000);
		break;
	default:
		break;
	}
}

/* One of the last states, perhaps not for the first time; rarely that there is none. */
static void
race_watch(struct race *race)
{
	struct racer *racer = &race->racers[race_random(race, RACERS)];
	uint64_t late = race->faults ? race_random(race, PAST + 1) : 0;
	struct json_object *object = NULL;

	if (late < PAST && (uint64_t)race->version > late)
		object = race->past[((uint64_t)race->version - late) % PAST];
	if (race_random(race, 3) == 0)
		elect_observed(racer->elect, racer_now(racer), object);
}

static int
race_leaders(const struct race *race)
{
	int leaders = 0;

	for (size_t i = 0; i < RACERS; i++) {
		const struct racer *racer = &race->racers[i];

		if (racer->told && racer_now(racer).boot.ms < racer->until)
			leaders++;
	}
	return leaders;
}

static void
race_step(struct race *race)
{
	race->now += 1 + (int64_t)race_random(race, 1000);
	race_fly(race);
	for (size_t i = 0; i < RACERS; i++) {
		struct racer *racer = &race->racers[i];

		if (racer->releasing && elect_release(racer->elect, racer_now(racer)))
			racer_start(racer);
		if (racer->wake_at < 0 || racer->wake_at > race->now)
			continue;
		racer->wake_at = -1;
		elect_wake(racer->elect, racer_now(racer));
	}
	if (race->faults)
		race_mishap(race);
	race_watch(race);
	cr_assert_leq(race_leaders(race), 1, "two valid leaders at %lld ms",
	    (long long)race->now);
}

static void
race_open(struct race *race, uint64_t seed)
{
	*race = (struct race){.seed = seed, .faults = true};
	for (int i = 0; i < RACERS; i++) {
		struct racer *racer = &race->racers[i];

		snprintf(racer->identity, sizeof racer->identity, "pod-%d", i);
		racer->race = race;
		racer->effects = (struct effects){
		    .arg = racer, .call = race_call, .wake_in = race_wake_in};
		racer->options = common_options;
		racer->options.identity = racer->identity;
		racer->mono_offset = (int64_t)race_random(race, 1000000);
		racer->boot_offset = (int64_t)race_random(race, 1000000);
		racer->wall_offset = (int64_t)race_random(race, 100000000);
		/* G covers clocks that are 1 in 100 apart for D */
		racer->rate = 1.0 + ((double)race_random(race, 100) - 50) / 10000;
		racer_start(racer);
	}
}

static void
race_close(struct race *race)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		json_object_put(race->flights[i].reply);
		free(race->flights[i].method);
		free(race->flights[i].body);
	}
	for (size_t i = 0; i < RACERS; i++)
		elect_free(race->racers[i].elect);
	for (size_t i = 0; i < PAST; i++)
		json_object_put(race->past[i]);
	json_object_put(race->lease);
}

Test(elect, two_race_and_never_are_two_valid)
{
	static const uint64_t seeds[] = {1, 20260101, 0x9e3779b97f4a7c15u};

	for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
		struct race race;
		int64_t quiet_at;

		race_open(&race, seeds[i]);
		for (int step = 0; step < STEPS; step++)
			race_step(&race);
		/* it was no quiet race: both have led, writes and answers were lost */
		cr_assert_gt(race.racers[0].wins, 3, "seed %zu", i);
		cr_assert_gt(race.racers[1].wins, 3, "seed %zu", i);
		cr_assert_gt(race.lost_answers, 100, "seed %zu", i);
		/* and when the faults end there is a leader, who stays */
		race.faults = false;
		quiet_at = race.now + 4 * D_MS;
		while (race.now < quiet_at)
			race_step(&race);
		cr_assert_eq(race_leaders(&race), 1, "seed %zu", i);
		for (int step = 0; step < 1000; step++) {
			race_step(&race);
			cr_assert_eq(race_leaders(&race), 1, "seed %zu", i);
		}
		race_close(&race);
	}
}

/* The judge of the race can say no: a follower that does not wait is found out. */
Test(elect, the_race_would_see_two)
{
	struct race race;

	race_open(&race, 7);
	for (size_t i = 0; i < RACERS; i++) {
		race.racers[i].told = true;
		race.racers[i].until = racer_now(&race.racers[i]).boot.ms + 1;
	}
	cr_assert_eq(race_leaders(&race), 2);
	race_close(&race);
}
