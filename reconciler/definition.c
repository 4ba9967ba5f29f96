#include "definition.h"

#include <string.h>

#include "calls.h"
#include "json_read.h"
#include "release.h"

void
definition_expire(struct core *core)
{
	core->definition.state = DEFINITION_NOT_READ;
	core->definition.stale = core->definition.reading;
}

void
definition_forget(struct core *core)
{
	memset(&core->definition, 0, sizeof core->definition);
}

void
definition_recover(struct core *core)
{
	backoff_recover(&core->definition.backoff);
}

static enum definition_state
definition_state_of(const struct kube_reply *reply)
{
	struct json_object *metadata = json_read_member(reply->json, "metadata");

	if (reply->error == 0 && reply->status == 403)
		return DEFINITION_DENIED;
	/* objects without their definition are on their way out as well */
	if (reply->error == 0 && reply->status == 404)
		return DEFINITION_GOING;
	if (reply->error != 0 || reply->status != 200 || metadata == NULL)
		return DEFINITION_UNKNOWN;
	return json_read_member(metadata, "deletionTimestamp") != NULL
		   ? DEFINITION_GOING
		   : DEFINITION_STAYS;
}

enum definition_state
definition_take(struct core *core, const struct kube_reply *reply)
{
	core->definition.state = definition_state_of(reply);
	core->definition.read = core->now.mono;
	return core->definition.state;
}

static void
definition_answered(
    struct core *core, struct call *call, const struct kube_reply *reply)
{
	bool stale = core->definition.stale;

	(void)call;
	core->definition.reading = false;
	core->definition.stale = false;
	core_touch(core);
	if (stale)
		return;
	definition_take(core, reply);
	if (core->definition.state == DEFINITION_STAYS ||
	    core->definition.state == DEFINITION_GOING)
		backoff_clear(&core->definition.backoff);
	else
		backoff_fail_call(&core->definition.backoff, core->now.mono, reply);
}

static bool
definition_is_needed(const struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (item->allocation != NULL &&
		    release_needs_definition(item->allocation))
			return true;
	}
	return false;
}

static bool
definition_is_good(const struct core *core)
{
	return (core->definition.state == DEFINITION_STAYS ||
		   core->definition.state == DEFINITION_GOING) &&
	       core->now.mono.ms - core->definition.read.ms < DEFINITION_GOOD_MS;
}

enum definition_state
definition_look(struct core *core)
{
	if (!definition_is_needed(core))
		return core->definition.state;
	if (definition_is_good(core)) {
		core_wake_at(core, core->definition.read.ms + DEFINITION_GOOD_MS);
		return core->definition.state;
	}
	/* what was read has had its time; what went wrong is true until it is mended */
	if (core->definition.state == DEFINITION_STAYS ||
	    core->definition.state == DEFINITION_GOING)
		core->definition.state = DEFINITION_NOT_READ;
	if (!core->definition.reading && core_may_start(core) &&
	    !backoff_waits(core, &core->definition.backoff)) {
		core->definition.reading = true;
		calls_get(core, DEFINITION_PATH, definition_answered)->right =
		    DEFINITION_RIGHT;
	}
	return core->definition.state;
}
