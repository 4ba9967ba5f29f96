#include "fake.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"

/* Members of an object that are all there, or all not there. */
static void
fake_judge_members(struct fake *fake, const char *address, const char *what,
    struct json_object *object, const char *const *keys, bool wanted)
{
	for (; *keys != NULL; keys++)
		if ((json_read_member(object, *keys) != NULL) != wanted)
			fake_violate(fake, "%s: %s %s %s", address, what,
			    wanted ? "lacks" : "should not have", *keys);
}

/* Somebody else can go on from it alone. */
static void
fake_judge_intent(struct fake *fake, struct json_object *intent, const char *address)
{
	static const struct {
		const char *step, *part;
		const char *keys[7];
	} needs[] = {
	    {"Detach", "requestIDs", {"detach", "attach"}},
	    {"Detach", "from", {"project", "zone", "instanceID", "fence"}},
	    {"Detach", "to", {"node", "nodeUID", "project", "zone", "instanceID"}},
	    {"Ephemeral", "requestIDs", {"ephemeral", "attach"}},
	    {"Ephemeral", "ephemeral", {"address", "fence"}},
	    {"Ephemeral", "to", {"node", "nodeUID", "project", "zone", "instanceID"}},
	    {"Attach", "requestIDs", {"attach"}},
	    {"Attach", "to", {"node", "nodeUID", "project", "zone", "instanceID"}},
	    {"Release", "requestIDs", {"detach"}},
	    {"Release", "from", {"project", "zone", "instanceID", "fence"}},
	};
	static const char *const always[] = {"id", "step", "since", NULL};
	const char *step = fake_text(intent, "step");

	fake_judge_members(fake, address, "its intent", intent, always, true);
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
		if (strcmp(needs[i].step, step) == 0)
			fake_judge_members(fake, address, step,
			    json_read_member(intent, needs[i].part), needs[i].keys,
			    true);
}

/* Where it is, in full; or nothing of where it was. */
static void
fake_judge_holder(struct fake *fake, struct json_object *entry, const char *address)
{
	static const char *const keys[] = {"project", "zone", NULL};
	static const char *const rest[] = {
	    "fence", "ephemeralTaken", "outsideGeneration", NULL};
	bool held = fake_text(entry, "instanceID")[0] != '\0';

	fake_judge_members(
	    fake, address, held ? "a holder" : "nobody", entry, keys, held);
	if (!held)
		fake_judge_members(fake, address, "nobody", entry, rest, false);
}

void
fake_judge_entry(struct fake *fake, struct json_object *entry, struct map *seen)
{
	struct json_object *intent = json_read_member(entry, "intent");
	const char *address = fake_text(entry, "address");
	const char *state = fake_text(entry, "state");
	const char *node = fake_text(json_read_member(intent, "to"), "nodeUID");

	if (fake_text(entry, "reason")[0] != '\0' &&
	    fake_text(entry, "lastTransitionTime")[0] == '\0')
		fake_violate(fake, "%s is %s, since nobody knows when", address, state);
	fake_judge_holder(fake, entry, address);
	if (intent == NULL) {
		if (strcmp(state, "Attaching") == 0 || strcmp(state, "Detaching") == 0)
			fake_violate(
			    fake, "%s is %s without an intent", address, state);
		return;
	}
	fake_judge_intent(fake, intent, address);
	if (map_get(seen, address) != NULL)
		fake_violate(fake, "two intents for %s", address);
	if (node[0] != '\0' && map_get(seen, node) != NULL)
		fake_violate(fake, "two intents to node %s", node);
	map_put(seen, address, entry);
	if (node[0] != '\0')
		map_put(seen, node, entry);
}

/* --- at rest ---------------------------------------------------------------------- */

/* What is said to be attached is there, and as it is said. */
static void
fake_judge_attached(struct fake *fake, struct json_object *entry)
{
	const char *address = fake_text(entry, "address");
	const struct fake_instance *instance = fake_where(fake, address);
	char path[128], on[128];
	struct json_object *node;

	if (instance == NULL) {
		fake_violate(
		    fake, "%s is said to be attached, and is nowhere", address);
		return;
	}
	snprintf(path, sizeof path, FAKE_NODES "%s", instance->name);
	snprintf(on, sizeof on, "on %s", instance->name);
	node = json_read_member(fake_get(fake, path), "metadata");
	if (strcmp(fake_text(entry, "instanceID"), instance->id) != 0 ||
	    strcmp(fake_text(entry, "project"), FAKE_PROJECT) != 0 ||
	    strcmp(fake_text(entry, "zone"), instance->zone) != 0 ||
	    strcmp(fake_text(entry, "fence"), instance->fence) != 0 ||
	    strcmp(fake_text(entry, "nodeName"), instance->name) != 0 ||
	    (node != NULL &&
		strcmp(fake_text(entry, "nodeUID"), fake_text(node, "uid")) != 0))
		fake_violate(fake, "%s is %s: %s", address, on,
		    json_object_to_json_string(entry));
	if (strncmp(fake_text(entry, "message"), on, strlen(on)) != 0)
		fake_violate(fake, "%s is %s, and said to be \"%s\"", address, on,
		    fake_text(entry, "message"));
}

void
fake_judge_rest(struct fake *fake, const char *name)
{
	char path[128];
	struct json_object *object, *list;

	snprintf(path, sizeof path, FAKE_ALLOCATIONS "/%s", name);
	object = fake_get(fake, path);
	if (strcmp(fake_text(json_read_member(object, "spec"), "policy"), "Observe") ==
	    0)
		return;
	list = json_read_member(json_read_member(object, "status"), "addresses");
	for (size_t i = 0; i < json_read_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(fake_text(entry, "state"), "Attached") == 0)
			fake_judge_attached(fake, entry);
	}
}
