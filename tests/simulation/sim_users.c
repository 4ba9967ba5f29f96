#include "sim_small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

const char *const sim_addresses[SIM_ADDRESSES] = {
    "34.1.1.1", "34.1.1.2", "34.1.1.3", "34.1.1.4"};

unsigned long sim_deletions;

/* --- what they are ---------------------------------------------------------------- */

static void
sim_choose_spec(struct sim *sim)
{
	static const int graces_s[] = {30, 60, 300};
	static const char *const moves[] = {"1", "2", "\"50%\"", "\"1%\""};
	struct fake *fake = sim->fake;
	int grace_s = graces_s[fake_random(fake) % 3];

	sim->grace_ms = grace_s * 1000;
	fake->no_restore = fake_chance(fake, 200);
	snprintf(sim->more_spec, sizeof sim->more_spec,
	    ",\"notReadyGraceSeconds\":%d,\"maxConcurrentMoves\":%s,"
	    "\"restoreEphemeral\":%s,\"minAttached\":%d",
	    grace_s, moves[fake_random(fake) % 4], fake->no_restore ? "false" : "true",
	    (int)(fake_random(fake) % 4));
}

static const char *
sim_path(const struct sim_spec *spec, char path[128])
{
	snprintf(path, 128, FAKE_ALLOCATIONS "/%s", spec->name);
	return path;
}

static bool
sim_is_there(struct sim *sim, const struct sim_spec *spec)
{
	char path[128];

	return fake_get(sim->fake, sim_path(spec, path)) != NULL;
}

static bool
sim_lists(const struct sim_spec *spec, unsigned address)
{
	return address >= spec->first && address < spec->first + spec->len &&
	       (spec->left_out & 1u << address) == 0;
}

static void
sim_list(const struct sim_spec *spec, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "[");

	for (unsigned i = 0; i < SIM_ADDRESSES; i++)
		if (sim_lists(spec, i))
			used += (size_t)snprintf(out + used, size - used, "%s\"%s\"",
			    used > 1 ? "," : "", sim_addresses[i]);
	snprintf(out + used, size - used, "]");
}

static void
sim_patch(struct sim *sim, const struct sim_spec *spec, const char *json)
{
	char path[128];

	fake_patch(sim->fake, sim_path(spec, path), json);
}

/* --- what is done with them ------------------------------------------------------- */

/* Made, if it is gone, with all of its addresses. */
static void
sim_apply(struct sim *sim, struct sim_spec *spec)
{
	char list[128], more[300];

	if (sim_is_there(sim, spec))
		return;
	*spec = (struct sim_spec){
	    .name = spec->name,
	    .first = spec->first,
	    .len = spec->len,
	    .generation = 1,
	    .policy = "Sync",
	};
	sim_list(spec, list, sizeof list);
	snprintf(more, sizeof more, "%s%s", sim->more_spec,
	    spec == &sim->specs[1] ? ",\"reconcileInterval\":20" : "");
	fake_allocation(sim->fake, spec->name, list, more);
}

static void
sim_set(struct sim *sim, struct sim_spec *spec, const char *policy, bool paused)
{
	char patch[256];

	if (strcmp(policy, spec->policy) != 0)
		spec->generation++;
	spec->policy = policy;
	spec->paused = paused;
	spec->settled = false;
	snprintf(patch, sizeof patch,
	    "{\"metadata\":{\"generation\":%d,\"annotations\":"
	    "{\"netinfra.darkbrains.com/paused\":%s,"
	    "\"netinfra.darkbrains.com/reconcile-at\":\"%lld\"}},"
	    "\"spec\":{\"policy\":\"%s\"}}",
	    spec->generation, paused ? "\"true\"" : "null",
	    (long long)(fake_random(sim->fake) % 3), policy);
	sim_patch(sim, spec, patch);
}

static void
sim_change_spec(struct sim *sim, struct sim_spec *spec)
{
	static const char *const policies[] = {
	    "Sync", "Sync", "Sync", "AssignOnly", "Observe"};

	sim_set(sim, spec, policies[fake_random(sim->fake) % 5],
	    fake_chance(sim->fake, 200));
}

static void
sim_relist(struct sim *sim, struct sim_spec *spec, unsigned left_out)
{
	char list[128], *patch;

	if (spec->deleted || spec->left_out == left_out)
		return;
	spec->left_out = left_out;
	sim_list(spec, list, sizeof list);
	patch = mem_printf(
	    "{\"metadata\":{\"generation\":%d},\"spec\":{\"reservedIPs\":%s}}",
	    ++spec->generation, list);
	sim_patch(sim, spec, patch);
	free(patch);
}

static void
sim_delete(struct sim *sim, struct sim_spec *spec)
{
	char path[128];

	if (spec->deleted || !sim_is_there(sim, spec))
		return;
	sim_deletions++;
	spec->deleted = true;
	fake_ask_delete(sim->fake, sim_path(spec, path));
}

static void
sim_hurry(struct sim *sim, struct sim_spec *spec)
{
	if (!spec->deleted)
		return;
	spec->hurried = true;
	sim_patch(sim, spec,
	    "{\"metadata\":{\"annotations\":{"
	    "\"netinfra.darkbrains.com/release-now\":\"true\"}}}");
}

static void
sim_retain(struct sim *sim, struct sim_spec *spec)
{
	if (spec->deleted)
		sim_patch(sim, spec, "{\"spec\":{\"deletionPolicy\":\"Retain\"}}");
}

void
sim_users_happen(struct sim *sim)
{
	struct fake *fake = sim->fake;
	struct sim_spec *spec = &sim->specs[fake_random(fake) % SIM_ALLOCATIONS];

	switch (fake_random(fake) % 8) {
	case 0:
	case 1:
		sim_change_spec(sim, spec);
		return;
	case 2:
		sim_delete(sim, spec);
		return;
	case 3:
	case 4:
		sim_apply(sim, spec);
		return;
	case 5:
		sim_relist(sim, spec,
		    spec->left_out ^ 1u << (spec->first + fake_random(fake) % 2));
		return;
	case 6:
		sim_hurry(sim, spec);
		return;
	case 7:
		if (fake_chance(fake, 300))
			sim_retain(sim, spec);
		return;
	default:
		return;
	}
}

/* --- the beginning and the end ---------------------------------------------------- */

void
sim_users_make(struct sim *sim)
{
	sim_choose_spec(sim);
	sim->specs[0] = (struct sim_spec){.name = "web", .first = 0, .len = 3};
	sim->specs[1] = (struct sim_spec){.name = "late", .first = 2, .len = 2};
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++)
		sim_apply(sim, &sim->specs[i]);
}

void
sim_users_hurry(struct sim *sim)
{
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++) {
		sim_set(sim, &sim->specs[i], "Sync", false);
		sim_hurry(sim, &sim->specs[i]);
	}
}

void
sim_users_calm(struct sim *sim)
{
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++) {
		struct sim_spec *spec = &sim->specs[i];

		if (spec->deleted && sim_is_there(sim, spec))
			fake_violate(sim->fake, "%s was deleted and is still there: %s",
			    spec->name, fake_condition(sim->fake, spec->name, "Ready"));
		sim_apply(sim, spec);
		sim_relist(sim, spec, 0);
	}
}

/* --- what is judged --------------------------------------------------------------- */

/* Who only looks on owns nothing. */
bool
sim_users_want(const struct sim *sim, const char *address, bool *ret_now)
{
	bool wanted = false;

	*ret_now = false;
	for (unsigned i = 0; i < SIM_ADDRESSES; i++) {
		if (strcmp(sim_addresses[i], address) != 0)
			continue;
		for (size_t j = 0; j < SIM_ALLOCATIONS; j++) {
			const struct sim_spec *spec = &sim->specs[j];

			wanted |= !spec->deleted && sim_lists(spec, i) &&
				  strcmp(spec->policy, "Observe") != 0;
			*ret_now |= spec->hurried;
		}
	}
	return wanted;
}

/* With a brake on nothing is begun: what is closed stays closed. Each intent is written
 * over what the API last had, so that the brake was seen by whoever wrote it. */
void
sim_users_judge(struct sim *sim)
{
	for (size_t i = 0; i < SIM_ALLOCATIONS; i++) {
		struct sim_spec *spec = &sim->specs[i];
		bool open = fake_has_intent(sim->fake, spec->name);

		if (!spec->paused && strcmp(spec->policy, "Observe") != 0)
			continue;
		if (open && spec->settled)
			fake_violate(sim->fake, "%s has begun something, %s",
			    spec->name, spec->paused ? "paused" : spec->policy);
		spec->settled = !open;
	}
}
