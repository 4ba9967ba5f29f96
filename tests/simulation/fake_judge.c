#include "fake.h"

#include <json-c/json.h>
#include <string.h>

#include "json_read.h"

/* Somebody else can go on from it alone. */
static void
fake_judge_intent(struct fake *fake, struct json_object *intent, const char *address)
{
	static const struct {
		const char *step, *request;
		bool from, to;
	} needs[] = {
	    {"Detach", "detach", true, true},
	    {"Detach", "attach", true, true},
	    {"Ephemeral", "ephemeral", false, true},
	    {"Ephemeral", "attach", false, true},
	    {"Attach", "attach", false, true},
	    {"Release", "detach", true, false},
	};
	const char *step = fake_text(intent, "step");
	struct json_object *ids = json_read_member(intent, "requestIDs");
	struct json_object *from = json_read_member(intent, "from");
	struct json_object *to = json_read_member(intent, "to");

	if (fake_text(intent, "id")[0] == '\0')
		fake_violate(fake, "an intent for %s without a name", address);
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
		if (strcmp(needs[i].step, step) == 0 &&
		    (fake_text(ids, needs[i].request)[0] == '\0' ||
			(needs[i].from && fake_text(from, "instanceID")[0] == '\0') ||
			(needs[i].to && fake_text(to, "instanceID")[0] == '\0')))
			fake_violate(fake, "%s of %s lacks what it needs: %s", step,
			    address, json_object_to_json_string(intent));
}

void
fake_judge_entry(struct fake *fake, struct json_object *entry, struct map *seen)
{
	struct json_object *intent = json_read_member(entry, "intent");
	const char *address = fake_text(entry, "address");
	const char *state = fake_text(entry, "state");
	const char *node = fake_text(json_read_member(intent, "to"), "nodeUID");

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
