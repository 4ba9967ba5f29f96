#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "sketch.h"

static const char *
step_kind(enum plan_kind kind)
{
	switch (kind) {
	case PLAN_REST:
		return "rest";
	case PLAN_HOLD:
		return "hold";
	case PLAN_OPEN:
		return "open";
	case PLAN_ADOPT:
		return "adopt";
	case PLAN_ATTACH:
		return "attach";
	case PLAN_MOVE:
		return "move";
	case PLAN_RELEASE:
		return "release";
	case PLAN_FORGET:
		return "forget";
	}
	return "?";
}

static const char *
step_why(enum leave_why why)
{
	switch (why) {
	case LEAVE_NOT:
		return "";
	case LEAVE_DRAINING:
		return " draining";
	case LEAVE_NOT_READY:
		return " not-ready";
	case LEAVE_NODE_GONE:
		return " gone";
	case LEAVE_STOPPED:
		return " stopped";
	case LEAVE_OUT_OF_SERVICE:
		return " out-of-service";
	case LEAVE_UNMATCHED:
		return " unmatched";
	}
	return " ?";
}

void
sketch_step(const struct plan_step *step, char *out, size_t size)
{
	bool targeted = step->target.node != NULL;
	bool said = step->reason[0] != '\0';
	bool behind = step->kind == PLAN_OPEN && step->owner != NULL;

	snprintf(out, size, "%s%s%s%s%s%s%s%s%s%s%s%s", step_kind(step->kind),
	    targeted ? " " : "", targeted ? step->target.node->name : "",
	    targeted && step->target.ephemeral ? "*" : "", said ? " " : "",
	    said ? address_state_name(step->state) : "", said ? "/" : "", step->reason,
	    step->kind == PLAN_MOVE ? step_why(step->why) : "",
	    behind ? " behind " : "", behind ? step->owner->name : "",
	    step->degraded ? " !" : "");
}

bool
sketch_same(const struct plan *plan, const struct plan *other, char *why, size_t size)
{
	for (size_t i = 0; i < plan->len; i++) {
		const struct plan_step *step = &plan->steps[i];
		const struct plan_step *twin = &other->steps[i];
		char got[TEXT_MAX], instead[TEXT_MAX];

		sketch_step(step, got, sizeof got);
		sketch_step(twin, instead, sizeof instead);
		if (strcmp(got, instead) == 0 &&
		    strcmp(step->message, twin->message) == 0)
			continue;
		snprintf(why, size,
		    "the order in which things come in matters: %.99s (%.99s), or "
		    "%.99s (%.99s)",
		    got, step->message, instead, twin->message);
		return false;
	}
	snprintf(why, size, "in another order it wakes at another time");
	return plan->next_ms == other->next_ms;
}
