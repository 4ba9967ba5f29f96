#include "handover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "mem.h"
#include "peers.h"
#include "trail.h"

struct handover {
	bool wanted;
	struct mono_time since; /* it is */
	bool given;
	struct mono_time given_at;
	uint64_t given_term;
	struct mono_time not_before; /* the next because of the cloud */
	int64_t hold_ms;
};

struct handover *
handover_new(void)
{
	struct handover *handover = mem_calloc(1, sizeof *handover);

	handover->hold_ms = HANDOVER_HOLD_FIRST_MS;
	return handover;
}

void
handover_free(struct handover *handover)
{
	free(handover);
}

bool
handover_is_wanted(const struct core *core)
{
	return core->handover->wanted;
}

/* The grant ended when it was decided: a change that was on its way then is answered,
 * or given up, within a call's time limit. */
static int64_t
handover_due_ms(const struct core *core)
{
	return core->handover->since.ms + core->call_timeout_ms + core->margin_ms;
}

bool
handover_is_due(const struct core *core)
{
	return core->leads && !core->stopping && core->handover->wanted &&
	       (core_quiet(core) || core->now.mono.ms >= handover_due_ms(core));
}

static void
handover_want(
    struct core *core, const char *reason, const char *message, const char *peer)
{
	struct handover *handover = core->handover;

	log_warn("handover", LOG_S("reason", reason), LOG_S("why", message),
	    LOG_S("to", peer), LOG_N("term", core->term));
	trail_metric(core, GAUGE_ADD, METRIC_HANDOVERS, 1.0, reason, NULL, NULL);
	handover->wanted = true;
	handover->since = core->now.mono;
	core_regrant(core);
	core_wake_at(core, handover_due_ms(core));
}

void
handover_unlead(struct core *core)
{
	struct handover *handover = core->handover;

	if (!handover->wanted)
		return;
	handover->wanted = false;
	handover->given = true;
	handover->given_at = core->now.mono;
	handover->given_term = core->term;
}

/* Each change of leader is a term: the next one was nobody else's. */
void
handover_lead(struct core *core)
{
	const struct handover *handover = core->handover;

	if (handover->given && core->term == handover->given_term + 1)
		log_warn("handover_not_taken", LOG_N("term", core->term),
		    LOG_S("error", "no other replica took the lease; going on"));
}

/* --- our own node ----------------------------------------------------------------- */

static void
handover_tell(struct core *core, const struct allocation *allocation,
    const char *address, const char *node, const char *type, const char *what)
{
	char message[TEXT_MAX + 1];

	snprintf(message, sizeof message,
	    "%s is to leave %.200s, where this controller runs: %.200s", address, node,
	    what);
	events_tell(core, allocation, NULL, type, "OwnNode", message);
}

bool
handover_before_detach(struct core *core, const struct allocation *allocation,
    const char *address, const char *node)
{
	const struct handover *handover = core->handover;
	const char *own = peers_own_node(core);
	char what[TEXT_MAX + 1];
	const char *peer;

	if (own[0] == '\0' || strcmp(own, node) != 0)
		return false;
	if (handover->given &&
	    core->now.mono.ms - handover->given_at.ms < HANDOVER_APART_MS) {
		handover_tell(core, allocation, address, node, "Warning",
		    "the lease came back from the other replica, so it goes on here");
		return false;
	}
	switch (peers_successor(core, &peer)) {
	case PEERS_SUCCESSOR_UNKNOWN:
		return true;
	case PEERS_SUCCESSOR_NONE:
		handover_tell(core, allocation, address, node, "Warning",
		    "no other replica is ready, so it goes on here, perhaps without "
		    "a network until another address is there");
		return false;
	case PEERS_SUCCESSOR:
		break;
	}
	snprintf(what, sizeof what, "replica %.150s goes on", peer);
	handover_tell(core, allocation, address, node, "Normal", what);
	snprintf(
	    what, sizeof what, "%s is to leave our own node %.200s", address, node);
	handover_want(core, "own_node", what, peer);
	return true;
}

/* --- the cloud -------------------------------------------------------------------- */

static bool
handover_has_intents(const struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		for (size_t i = 0;
		     item->allocation != NULL && i < item->allocation->addresses_len;
		     i++)
			if (plan_is_open(&item->allocation->addresses[i]))
				return true;
	}
	return false;
}

static void
handover_hold(struct core *core)
{
	struct handover *handover = core->handover;

	handover->not_before.ms = core->now.mono.ms + handover->hold_ms;
	handover->hold_ms *= 2;
	if (handover->hold_ms > HANDOVER_HOLD_MAX_MS)
		handover->hold_ms = HANDOVER_HOLD_MAX_MS;
}

void
handover_look(struct core *core)
{
	struct handover *handover = core->handover;
	struct mono_time since = core->view->failing_since;
	int64_t due_ms = since.ms + HANDOVER_CLOUD_MS;
	char message[TEXT_MAX + 1];
	const char *peer;

	if (core->view->reached)
		handover->hold_ms = HANDOVER_HOLD_FIRST_MS;
	if (handover->wanted) {
		if (core->now.mono.ms < handover_due_ms(core))
			core_wake_at(core, handover_due_ms(core));
		return;
	}
	if (since.ms == 0 || !handover_has_intents(core))
		return;
	if (due_ms < handover->not_before.ms)
		due_ms = handover->not_before.ms;
	if (core->now.mono.ms < due_ms) {
		core_wake_at(core, due_ms);
		return;
	}
	switch (peers_successor(core, &peer)) {
	case PEERS_SUCCESSOR_UNKNOWN:
		return;
	case PEERS_SUCCESSOR_NONE:
		handover->not_before.ms = core->now.mono.ms + HANDOVER_LOOK_MS;
		core_wake_at(core, handover->not_before.ms);
		return;
	case PEERS_SUCCESSOR:
		break;
	}
	snprintf(message, sizeof message,
	    "the cloud has not answered for %lld s while changes are under way",
	    (long long)((core->now.mono.ms - since.ms) / 1000));
	handover_hold(core);
	handover_want(core, "cloud_unreachable", message, peer);
}
