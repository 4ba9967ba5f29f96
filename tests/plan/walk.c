#include "walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- chance (splitmix64) ---------------------------------------------------------- */

struct chance {
	uint64_t state;
};

static uint64_t
chance_next(struct chance *chance)
{
	uint64_t mixed = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

static unsigned
chance_of(struct chance *chance, unsigned count)
{
	return (unsigned)(chance_next(chance) % count);
}

static bool
chance_percent(struct chance *chance, unsigned percent)
{
	return chance_of(chance, 100) < percent;
}

#define PICK(chance, list) (list)[chance_of(chance, sizeof(list) / sizeof(list)[0])]

/* --- lines ------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void
walk_add(struct walk *walk, const char *format, ...)
{
	va_list args;

	if (walk->len == WALK_LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(walk->lines[walk->len++], sizeof walk->lines[0], format, args);
	va_end(args);
}

static const char *const node_words[] = {"cordoned", "deleting", "skip", "oversize",
    "taint=ToBeDeletedByClusterAutoscaler:NoSchedule", "stopped", "changing", "gone",
    "taint=node.kubernetes.io/out-of-service:NoExecute", "bare", "not-ready=10",
    "taint=dedicated=db:NoSchedule", "not-ready=300", "not-ready=9000",
    "ready-unknown=400", "stopped not-ready=5", "external=198.51.100.7", "ready=10",
    "label=node-role.kubernetes.io/control-plane", "project=other",
    "provider-id=aws:///x/y", "cordoned"};
static const char *const pod_words[] = {"", "", "", "terminating=20", "terminating=-60",
    "phase=Succeeded", "phase=Pending", "of=DaemonSet/log", "of=StatefulSet/db",
    "of=Deployment/sip-b", "host-network", "of=Deployment/dns host-network",
    "tolerates=dedicated=db:NoSchedule", "tolerates=*", "of=Node/n1 mirror"};
static const char *const nia_words[] = {"policy=AssignOnly", "policy=Observe",
    "annotation.paused=true", "workload=none", "workload=StatefulSet/db", "zone=b",
    "region=us-west1", "region=us-east1", "deleting", "spec.maxConcurrentMoves=2",
    "spec.notReadyGraceSeconds=30", "metadata.generation=2", "selector=pool=edge",
    "selector=pool=edge", "spec.cloud={\"provider\":\"aws\"}",
    "metadata.creationTimestamp=\"2025-01-01T00:00:00Z\""};
static const char *const shown_words[] = {"none", "global", "half n1", "seen n2",
    "reserving", "region us-east1",
    "user projects/demo/regions/us-west1/forwardingRules/web"};
static const char *const places[] = {"a", "b", "us-west1", "us-east1-b"};
static const char *const looks[] = {"dark", "failed", "old", "unseen"};
static const char *const steps[] = {"Detach", "Ephemeral", "Attach"};
static const char *const nias[] = {"one", "two", "three"};

static unsigned
walk_nodes(struct walk *walk, struct chance *chance)
{
	static const char *const zones[] = {"a", "a", "b", "b", "us-east1-b"};
	unsigned count = 2 + chance_of(chance, 5);

	for (unsigned i = 1; i <= count; i++) {
		walk_add(walk, "node n%u %s label=pool=%s", i, PICK(chance, zones),
		    chance_percent(chance, 85) ? "edge" : "db");
		if (chance_percent(chance, 40))
			walk_add(walk, "node n%u %s", i, PICK(chance, node_words));
		if (chance_percent(chance, 5))
			walk_add(walk, "node n%u external=198.51.100.%u", i, i);
	}
	for (unsigned i = chance_of(chance, 6); i > 0; i--)
		walk_add(walk, "pod p-%u n%u %s", i, 1 + chance_of(chance, count),
		    PICK(chance, pod_words));
	return count;
}

/* Where the cloud and the status say that an address is; mostly they agree. */
static void
walk_entry(struct walk *walk, struct chance *chance, const char *nia, unsigned address,
    unsigned nodes)
{
	unsigned node = 1 + chance_of(chance, nodes);

	if (chance_percent(chance, 50))
		walk_add(walk, "at %s .%u n%u", nia, address, node);
	else if (chance_percent(chance, 30))
		walk_add(walk, "entry %s .%u on=n%u", nia, address, node);
	else if (chance_percent(chance, 30))
		walk_add(walk, "cloud .%u on n%u", address, node);
	if (chance_percent(chance, 10))
		walk_add(walk, "entry %s .%u intent=%s to=n%u", nia, address,
		    PICK(chance, steps), 1 + chance_of(chance, nodes));
	if (chance_percent(chance, 5))
		walk_add(walk, "entry %s .%u outside=1", nia, address);
}

static void
walk_nia(struct walk *walk, struct chance *chance, const char *nia, unsigned nodes)
{
	walk_add(walk, "nia %s", nia);
	for (unsigned address = 1; address <= 4; address++) {
		bool listed = chance_percent(chance, 45);

		if (listed)
			walk_add(walk, "nia %s .%u", nia, address);
		if (listed || chance_percent(chance, 8))
			walk_entry(walk, chance, nia, address, nodes);
	}
	while (chance_percent(chance, 45))
		walk_add(walk, "nia %s %s", nia, PICK(chance, nia_words));
}

void
walk_make(struct walk *walk, uint64_t seed)
{
	struct chance chance = {seed};
	unsigned nodes, count;

	*walk = (struct walk){.len = 0};
	nodes = walk_nodes(walk, &chance);
	count = 1 + chance_of(&chance, 3);
	for (unsigned i = 0; i < count; i++)
		walk_nia(walk, &chance, nias[i], nodes);
	if (chance_percent(&chance, 15))
		walk_add(walk, "cloud .%u %s", 1 + chance_of(&chance, 4),
		    PICK(&chance, shown_words));
	if (chance_percent(&chance, 15))
		walk_add(
		    walk, "place %s %s", PICK(&chance, places), PICK(&chance, looks));
	if (chance_percent(&chance, 5))
		walk_add(walk, "changed .%u", 1 + chance_of(&chance, 4));
	if (chance_percent(&chance, 8))
		walk_add(walk, "note workload one");
	if (chance_percent(&chance, 8))
		walk_add(walk, "note attach-failed .%u n%u", 1 + chance_of(&chance, 4),
		    1 + chance_of(&chance, nodes));
}
