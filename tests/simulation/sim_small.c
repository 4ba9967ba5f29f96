/* sim_small SEED [COUNT]: from each seed one small world in which everything that can
 * go wrong does, in random order; then the faults stop, and everything must come to
 * rest as it should be. Prints the first seed that fails and why. */
#include "sim_small.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "log.h"
#include "mem.h"

#define SIM_TICKS    150
#define SIM_TICK_MS  4000
#define SIM_CALM_MS  1500000
#define SIM_QUIET_MS 200000
#define SIM_GONE_MS  600000

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

static void
sim_make(struct sim *sim, uint64_t seed)
{
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
		fake_reserve(sim->fake, sim_addresses[i], "us-west1");
	for (size_t i = 0; i < SIM_PODS; i++)
		sim_put_pod(sim, i, i);
	sim_users_make(sim);
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
		bool used = false, now, wanted;

		if (instance == NULL)
			continue;
		wanted = sim_users_want(sim, instance->address, &now);
		for (size_t j = 0; j < SIM_PODS; j++)
			used |= sim->pod_on[j] == i && sim_pod_lives(sim, j);
		if (!node->exists || sim_is_overdue(sim, node) ||
		    (!node->skipped && !used && (node->cordoned || node->elsewhere)) ||
		    (!wanted && (!used || now)))
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
	switch (fake_random(fake) % 24) {
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
		sim_change_node(sim, node);
		return;
	default:
		sim_users_happen(sim);
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
	sim_users_hurry(sim);
	sim_mark(sim);
	fake_run(fake, 2000);
	if (!fake->watcher_up)
		sim_flip_watcher(sim);
	fake_run(fake, SIM_GONE_MS);
	sim_users_calm(sim);
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
			holds |= strcmp(instance->address, sim_addresses[j]) == 0;
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
			if (fake_where(fake, sim_addresses[i]) == NULL)
				fake_violate(fake, "%s is nowhere: %s %s",
				    sim_addresses[i],
				    fake_entry(fake, i < 3 ? "web" : "late",
					sim_addresses[i], "reason"),
				    fake_entry(fake, i < 3 ? "web" : "late",
					sim_addresses[i], "message"));
	if (fake_has_intent(fake, "web") || fake_has_intent(fake, "late"))
		fake_violate(fake, "an intent is still open");
	sim_judge_labels(sim);
	fake_judge_rest(fake, "web");
	fake_judge_rest(fake, "late");
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
		sim_users_judge(&sim);
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
	printf("%llu seeds from %llu: all well, %lu pods evicted, %lu allocations "
	       "deleted\n",
	    (unsigned long long)count, (unsigned long long)seed, sim_evicted,
	    sim_deletions);
	return 0;
}
