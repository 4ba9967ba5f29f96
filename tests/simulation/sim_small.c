/* sim_small SEED [COUNT]: from each seed one small world in which everything that can
 * go wrong does, in random order; then the faults stop, and everything must come to
 * rest as it should be. Prints the first seed that fails and why. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"
#include "log.h"
#include "mem.h"

#define SIM_NODES	6u
#define SIM_ADDRESSES	4u
#define SIM_PODS	3u
#define SIM_ALLOCATIONS 2u
#define SIM_TICKS	150
#define SIM_TICK_MS	4000
#define SIM_CALM_MS	1500000
#define SIM_QUIET_MS	200000

static const char *const addresses[SIM_ADDRESSES] = {
    "34.1.1.1", "34.1.1.2", "34.1.1.3", "34.1.1.4"};

static const char *const allocations[SIM_ALLOCATIONS] = {"web", "late"};

struct sim_node {
	char name[16];
	bool cordoned, ready, exists;
	bool skipped, elsewhere; /* the annotation; in another pool */
	int64_t unready_ms;	 /* since when it is not ready */
};

/* An allocation as its user last set it. */
struct sim_spec {
	int generation;
	bool paused;
	const char *policy;
	bool settled; /* a brake is on, and no intent has been open since */
};

struct sim {
	struct fake *fake;
	struct sim_node nodes[SIM_NODES];
	unsigned pod_on[SIM_PODS];
	struct sim_spec specs[SIM_ALLOCATIONS];
	int64_t grace_ms; /* of both */
};

static unsigned long sim_evicted; /* pods, in all seeds */

/* --- scenery ---------------------------------------------------------------------- */

static const char *
sim_zone(size_t node)
{
	return node % 2 == 0 ? "us-west1-a" : "us-west1-b";
}

static void
sim_put_pod(struct sim *sim, size_t pod, size_t node)
{
	char name[32];

	snprintf(name, sizeof name, "sip-%zu", pod);
	sim->pod_on[pod] = (unsigned)node;
	if (pod % 2 == 0)
		fake_pod(sim->fake, name, sim->nodes[node].name, "sip");
	else
		fake_picky_pod(sim->fake, name, sim->nodes[node].name);
}

/* Not evicted. */
static bool
sim_pod_lives(const struct sim *sim, size_t pod)
{
	char path[128];

	snprintf(path, sizeof path, FAKE_PODS "sip-%zu", pod);
	return fake_get(sim->fake, path) != NULL;
}

/* As the Deployment does it: evicted pods come back, wherever it may be. */
static void
sim_replace_pods(struct sim *sim)
{
	for (size_t i = 0; i < SIM_PODS; i++)
		if (!sim_pod_lives(sim, i))
			sim_put_pod(sim, i, fake_random(sim->fake) % SIM_NODES);
}

/* What both have in their spec. */
static void
sim_choose_spec(struct sim *sim, char *out, size_t size)
{
	static const int graces_s[] = {30, 60, 300};
	static const char *const moves[] = {"1", "2", "\"50%\"", "\"1%\""};
	struct fake *fake = sim->fake;
	int grace_s = graces_s[fake_random(fake) % 3];

	sim->grace_ms = grace_s * 1000;
	fake->no_restore = fake_chance(fake, 200);
	snprintf(out, size,
	    ",\"notReadyGraceSeconds\":%d,\"maxConcurrentMoves\":%s,"
	    "\"restoreEphemeral\":%s,\"minAttached\":%d",
	    grace_s, moves[fake_random(fake) % 4], fake->no_restore ? "false" : "true",
	    (int)(fake_random(fake) % 4));
}

static void
sim_make(struct sim *sim, uint64_t seed)
{
	char spec[256], late[300];

	*sim = (struct sim){.fake = fake_new(seed)};
	for (size_t i = 0; i < SIM_NODES; i++) {
		struct sim_node *node = &sim->nodes[i];

		snprintf(node->name, sizeof node->name, "n%zu", i);
		node->ready = true;
		node->exists = true;
		fake_node(sim->fake, node->name, sim_zone(i), i % 3 == 0);
	}
	fake_add_instance(sim->fake, "foreign", "us-west1-a")->foreign = true;
	for (size_t i = 0; i < SIM_ADDRESSES; i++)
		fake_reserve(sim->fake, addresses[i], "us-west1");
	for (size_t i = 0; i < SIM_PODS; i++)
		sim_put_pod(sim, i, i);
	sim_choose_spec(sim, spec, sizeof spec);
	snprintf(late, sizeof late, "%s,\"reconcileInterval\":20", spec);
	fake_allocation(
	    sim->fake, "web", "[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\"]", spec);
	fake_allocation(sim->fake, "late", "[\"34.1.1.3\",\"34.1.1.4\"]", late);
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++)
		sim->specs[i] = (struct sim_spec){.generation = 1, .policy = "Sync"};
}

/* Not ready for as long as the spec grants, before the next look. */
static bool
sim_is_overdue(const struct sim *sim, const struct sim_node *node)
{
	return !node->ready && !node->skipped &&
	       sim->fake->now_ms + SIM_TICK_MS >= node->unready_ms + sim->grace_ms;
}

/* Since when each instance has a reason to keep its address: for the judge. */
static void
sim_mark(struct sim *sim)
{
	for (size_t i = 0; i < SIM_NODES; i++) {
		const struct sim_node *node = &sim->nodes[i];
		struct fake_instance *instance = fake_instance(sim->fake, node->name);
		bool used = false;

		if (instance == NULL)
			continue;
		for (size_t j = 0; j < SIM_PODS; j++)
			used |= sim->pod_on[j] == i && sim_pod_lives(sim, j);
		if (!node->exists || sim_is_overdue(sim, node) ||
		    (!node->skipped && !used && (node->cordoned || node->elsewhere)))
			instance->steady_since_ms = 0;
		else if (instance->steady_since_ms == 0)
			instance->steady_since_ms = sim->fake->now_ms;
	}
}

/* --- what happens ----------------------------------------------------------------- */

static void
sim_flip_cordon(struct sim *sim, size_t i)
{
	struct sim_node *node = &sim->nodes[i];

	node->cordoned = !node->cordoned;
	fake_cordon(sim->fake, node->name, node->cordoned);
}

/* As kubectl drain does it: the pods go elsewhere a little later. */
static void
sim_drain(struct sim *sim, size_t i)
{
	if (!sim->nodes[i].exists)
		return;
	if (!sim->nodes[i].cordoned)
		sim_flip_cordon(sim, i);
	for (size_t pod = 0; pod < SIM_PODS; pod++)
		if (sim->pod_on[pod] == i)
			sim_put_pod(sim, pod, (i + 1 + pod) % SIM_NODES);
}

static void
sim_uncordon(struct sim *sim)
{
	for (size_t i = 0; i < SIM_NODES; i++)
		if (sim->nodes[i].exists && sim->nodes[i].cordoned)
			sim_flip_cordon(sim, i);
}

static void
sim_flip_ready(struct sim *sim, size_t i)
{
	struct sim_node *node = &sim->nodes[i];

	node->ready = !node->ready;
	node->unready_ms = sim->fake->now_ms;
	fake_ready(sim->fake, node->name, node->ready);
}

static void
sim_patch_node(struct sim *sim, size_t i)
{
	const struct sim_node *node = &sim->nodes[i];
	char path[64], patch[256];

	snprintf(path, sizeof path, FAKE_NODES "%s", node->name);
	snprintf(patch, sizeof patch,
	    "{\"metadata\":{\"labels\":{\"pool\":\"%s\"},\"annotations\":"
	    "{\"netinfra.darkbrains.com/skip\":%s}}}",
	    node->elsewhere ? "other" : "edge", node->skipped ? "\"true\"" : "null");
	fake_patch(sim->fake, path, patch);
}

/* --- what users do with an allocation --------------------------------------------- */

static void
sim_set(struct sim *sim, size_t i, const char *policy, bool paused)
{
	struct sim_spec *spec = &sim->specs[i];
	char path[128], patch[256];

	if (strcmp(policy, spec->policy) != 0)
		spec->generation++;
	spec->policy = policy;
	spec->paused = paused;
	spec->settled = false;
	snprintf(path, sizeof path, FAKE_ALLOCATIONS "/%s", allocations[i]);
	snprintf(patch, sizeof patch,
	    "{\"metadata\":{\"generation\":%d,\"annotations\":"
	    "{\"netinfra.darkbrains.com/paused\":%s,"
	    "\"netinfra.darkbrains.com/reconcile-at\":\"%lld\"}},"
	    "\"spec\":{\"policy\":\"%s\"}}",
	    spec->generation, paused ? "\"true\"" : "null",
	    (long long)(fake_random(sim->fake) % 3), policy);
	fake_patch(sim->fake, path, patch);
}

static void
sim_change_spec(struct sim *sim)
{
	static const char *const policies[] = {
	    "Sync", "Sync", "Sync", "AssignOnly", "Observe"};
	size_t i = fake_random(sim->fake) % SIM_ALLOCATIONS;

	sim_set(
	    sim, i, policies[fake_random(sim->fake) % 5], fake_chance(sim->fake, 200));
}

/* With a brake on nothing is begun: what is closed stays closed. Each intent is written
 * over what the API last had, so that the brake was seen by whoever wrote it. */
static void
sim_judge_brakes(struct sim *sim)
{
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++) {
		struct sim_spec *spec = &sim->specs[i];
		bool open = fake_has_intent(sim->fake, allocations[i]);

		if (!spec->paused && strcmp(spec->policy, "Observe") != 0)
			continue;
		if (open && spec->settled)
			fake_violate(sim->fake, "%s has begun something, %s",
			    allocations[i], spec->paused ? "paused" : spec->policy);
		spec->settled = !open;
	}
}

/* --- more of what happens ----------------------------------------------------------
 */

/* The VM is deleted, or made anew under the same name with another id. */
static void
sim_flip_exists(struct sim *sim, size_t i)
{
	struct sim_node *node = &sim->nodes[i];
	struct fake_instance *instance = fake_instance(sim->fake, node->name);
	char path[64];

	snprintf(path, sizeof path, "/api/v1/nodes/%s", node->name);
	if (node->exists) {
		if (instance != NULL)
			instance->exists = false;
		fake_delete(sim->fake, path);
		node->exists = false;
		return;
	}
	if (sim->fake->instances_len >= FAKE_INSTANCES_MAX)
		return;
	*node = (struct sim_node){.ready = true, .exists = true};
	snprintf(node->name, sizeof node->name, "n%zu", i);
	fake_node(sim->fake, node->name, sim_zone(i), false);
}

static void
sim_flip_watcher(struct sim *sim)
{
	struct fake *fake = sim->fake;

	if (fake->core == NULL)
		return;
	if (fake->watcher_up) {
		fake->watcher_up = false;
		fake->watcher_since_ms = 0;
		core_watcher(fake->core, fake_time(fake), false);
	} else {
		fake_watch_start(fake);
	}
}

/* Somebody takes an address away at the cloud; perhaps the node cannot have it back. */
static void
sim_take_address(struct sim *sim, size_t i)
{
	struct fake_instance *instance = fake_instance(sim->fake, sim->nodes[i].name);

	if (instance == NULL || !fake_is_reserved(sim->fake, instance->address))
		return;
	if (sim->nodes[i].exists && !sim->nodes[i].cordoned &&
	    fake_chance(sim->fake, 700))
		sim_flip_cordon(sim, i);
	instance->address[0] = '\0';
	instance->fence[0] = '\0';
}

static void
sim_flip_old(struct sim *sim)
{
	if (sim->fake->old_since_ms == 0)
		fake_controller(sim->fake, "old-0", false);
	else
		fake_end_controller(sim->fake, "old-0");
}

/* It leaves the pool or comes back; or it is to be skipped, or no longer. */
static void
sim_change_node(struct sim *sim, size_t i)
{
	struct sim_node *node = &sim->nodes[i];

	if (fake_chance(sim->fake, 500))
		node->elsewhere = !node->elsewhere;
	else
		node->skipped = !node->skipped && fake_chance(sim->fake, 500);
	if (node->exists)
		sim_patch_node(sim, i);
}

static void
sim_happen(struct sim *sim)
{
	struct fake *fake = sim->fake;
	size_t node = fake_random(fake) % SIM_NODES;

	fake->cloud_down = false;
	if (!fake->watcher_up)
		sim_flip_watcher(sim);
	switch (fake_random(fake) % 20) {
	case 0:
	case 1:
	case 2:
		sim_drain(sim, node);
		return;
	case 3:
		sim_uncordon(sim);
		return;
	case 4:
		if (sim->nodes[node].exists)
			sim_flip_cordon(sim, node);
		return;
	case 5:
		if (sim->nodes[node].exists)
			sim_flip_ready(sim, node);
		return;
	case 6:
		if (!sim->nodes[node].exists || fake_chance(fake, 300))
			sim_flip_exists(sim, node);
		return;
	case 7:
		sim_put_pod(sim, fake_random(fake) % SIM_PODS, node);
		return;
	case 8:
		sim_flip_watcher(sim);
		return;
	case 9:
		fake->cloud_down = true;
		return;
	case 10:
		fake_patch(fake, FAKE_ALLOCATIONS "/web",
		    fake_chance(fake, 500)
			? "{\"metadata\":{\"labels\":{\"touched\":\"a\"}}}"
			: "{\"metadata\":{\"labels\":{\"touched\":\"b\"}}}");
		return;
	case 11:
		for (size_t i = 0; i < SIM_NODES; i++)
			if (sim->nodes[i].exists && !sim->nodes[i].ready)
				sim_flip_ready(sim, i);
		return;
	case 12:
		/* mostly it is not there */
		if (fake->old_since_ms != 0 || fake_chance(fake, 400))
			sim_flip_old(sim);
		return;
	case 13:
		sim_take_address(sim, node);
		return;
	case 14:
	case 15:
		sim_change_spec(sim);
		return;
	case 16:
	case 17:
		sim_change_node(sim, node);
		return;
	default:
		return;
	}
}

static const struct fake_faults sim_faults = {
    .lost_before = 30,
    .lost_after = 50,
    .observe_fail = 50,
    .order_fail = 50,
    .order_unknown = 100,
    .result_twice = 100,
    .crash = 15,
    .cloud_crash = 50,
    .slow = 50,
};

/* --- the end ---------------------------------------------------------------------- */

static void
sim_calm(struct sim *sim)
{
	struct fake *fake = sim->fake;

	fake->faults = (struct fake_faults){0};
	fake->cloud_down = false;
	if (fake->old_since_ms != 0)
		sim_flip_old(sim);
	sim_replace_pods(sim);
	for (size_t i = 0; i < SIM_NODES; i++) {
		if (!sim->nodes[i].exists)
			sim_flip_exists(sim, i);
		if (sim->nodes[i].cordoned)
			sim_flip_cordon(sim, i);
		if (!sim->nodes[i].ready)
			sim_flip_ready(sim, i);
		sim->nodes[i].elsewhere = false;
		sim->nodes[i].skipped = false;
		sim_patch_node(sim, i);
	}
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++)
		sim_set(sim, i, "Sync", false);
	fake_run(fake, 2000);
	if (!fake->watcher_up)
		sim_flip_watcher(sim);
	sim_mark(sim);
}

static size_t
sim_nodes_left(const struct sim *sim)
{
	size_t count = 0;

	for (size_t i = 0; i < SIM_NODES; i++)
		count += sim->nodes[i].exists;
	return count;
}

static void
sim_judge_labels(struct sim *sim)
{
	struct fake *fake = sim->fake;

	for (size_t i = 0; i < SIM_NODES; i++) {
		const char *name = sim->nodes[i].name;
		const struct fake_instance *instance = fake_instance(fake, name);
		bool holds = false;

		if (!sim->nodes[i].exists || instance == NULL)
			continue;
		for (size_t j = 0; j < SIM_ADDRESSES; j++)
			holds |= strcmp(instance->address, addresses[j]) == 0;
		if (holds != (strcmp(fake_label(fake, name, "ip.ready"), "true") == 0))
			fake_violate(fake, "%s has %s but ip.ready is \"%s\"", name,
			    instance->address, fake_label(fake, name, "ip.ready"));
		if (!holds && instance->had_ephemeral && !fake->no_restore &&
		    instance->address[0] == '\0')
			printf("note: %s was left without an address\n", name);
	}
}

static void
sim_judge(struct sim *sim)
{
	struct fake *fake = sim->fake;
	unsigned long writes = fake->writes, reads = fake->reads,
		      ordered = fake->ordered;

	if (sim_nodes_left(sim) >= SIM_ADDRESSES)
		for (size_t i = 0; i < SIM_ADDRESSES; i++)
			if (fake_where(fake, addresses[i]) == NULL)
				fake_violate(fake, "%s is nowhere: %s %s", addresses[i],
				    fake_entry(fake, i < 3 ? "web" : "late",
					addresses[i], "reason"),
				    fake_entry(fake, i < 3 ? "web" : "late",
					addresses[i], "message"));
	if (fake_has_intent(fake, "web") || fake_has_intent(fake, "late"))
		fake_violate(fake, "an intent is still open");
	sim_judge_labels(sim);
	fake_run(fake, SIM_QUIET_MS);
	if (fake->writes != writes || fake->reads != reads || fake->ordered != ordered)
		fake_violate(fake, "not quiet: %lu writes, %lu reads, %lu orders",
		    fake->writes - writes, fake->reads - reads,
		    fake->ordered - ordered);
}

static bool
sim_run(uint64_t seed, bool verbose)
{
	struct sim sim;
	bool good;

	sim_make(&sim, seed);
	sim.fake->verbose = verbose;
	fake_start(sim.fake);
	fake_run(sim.fake, 20000);
	sim.fake->faults = sim_faults;
	for (int i = 0; i < SIM_TICKS && sim.fake->violation[0] == '\0'; i++) {
		sim_replace_pods(&sim);
		sim_happen(&sim);
		sim_mark(&sim);
		sim_judge_brakes(&sim);
		fake_run(sim.fake, SIM_TICK_MS);
	}
	sim_calm(&sim);
	fake_run(sim.fake, SIM_CALM_MS);
	sim_judge(&sim);
	good = sim.fake->violation[0] == '\0';
	if (!good)
		printf(
		    "seed %llu: %s\n", (unsigned long long)seed, sim.fake->violation);
	sim_evicted += sim.fake->evicted;
	fake_free(sim.fake);
	return good;
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool verbose = argc > 3 && strcmp(argv[3], "-v") == 0;

	if (!verbose)
		log_set_level(LOG_ERROR);
	for (uint64_t i = 0; i < count; i++)
		if (!sim_run(seed + i, verbose))
			return 1;
	printf("%llu seeds from %llu: all well, %lu pods evicted\n",
	    (unsigned long long)count, (unsigned long long)seed, sim_evicted);
	return 0;
}
