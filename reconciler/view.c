#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "place.h"

struct view_floor {
	char address[ADDRESS_MAX + 1];
	uint64_t round;
};

static void
view_scope_free(void *value)
{
	struct view_scope *scope = value;

	map_free(scope->holding);
	map_free(scope->things);
	map_free(scope->incoming);
	free(scope);
}

struct view *
view_new(uint32_t epoch)
{
	struct view *view = mem_calloc(1, sizeof *view);

	view->scopes = map_new(view_scope_free);
	view->floors = map_new(free);
	view->epoch = (uint64_t)epoch << 32;
	view->interval_ms = VIEW_INTERVAL_MS;
	return view;
}

void
view_free(struct view *view)
{
	if (view == NULL)
		return;
	map_free(view->scopes);
	map_free(view->floors);
	free(view);
}

/* --- which scopes ----------------------------------------------------------------- */

static void
view_key(enum scope_kind kind, const char *project, const char *place, char *out,
    size_t size)
{
	snprintf(out, size, "%c/%s/%s", kind == SCOPE_ZONE ? 'z' : 'r', project, place);
}

static struct view_scope *
view_find(const struct view *view, enum scope_kind kind, const char *project,
    const char *place)
{
	char key[sizeof((struct view_scope *)0)->key];

	view_key(kind, project, place, key, sizeof key);
	return map_get(view->scopes, key);
}

void
view_want_begin(struct view *view)
{
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		scope->wanted = false;
	}
}

static void
view_want(
    struct view *view, enum scope_kind kind, const char *project, const char *place)
{
	struct view_scope *scope;

	if (project[0] == '\0' || place[0] == '\0')
		return;
	scope = view_find(view, kind, project, place);
	if (scope == NULL && map_count(view->scopes) >= VIEW_SCOPES_MAX)
		return;
	if (scope == NULL) {
		scope = mem_calloc(1, sizeof *scope);
		view_key(kind, project, place, scope->key, sizeof scope->key);
		scope->kind = kind;
		MESSAGE_TEXT(scope->project, project);
		MESSAGE_TEXT(scope->place, place);
		MESSAGE_TEXT(scope->reason, VIEW_NOT_OBSERVED);
		MESSAGE_TEXT(scope->message, "not observed yet");
		scope->due = true;
		map_put(view->scopes, scope->key, scope);
	}
	scope->wanted = true;
}

void
view_want_spec_region(struct view *view, const char *project, const char *region)
{
	if (map_count(view->scopes) < VIEW_SPEC_SCOPES_MAX ||
	    view_find(view, SCOPE_REGION, project, region) != NULL)
		view_want(view, SCOPE_REGION, project, region);
}

bool
view_is_extra(const struct view_scope *scope)
{
	return scope->kind == SCOPE_REGION && strcmp(scope->place, PLACE_GLOBAL) == 0;
}

void
view_want_zone(struct view *view, const char *project, const char *zone)
{
	char region[PLACE_MAX + 1];

	place_region_of(zone, region, sizeof region);
	view_want(view, SCOPE_ZONE, project, zone);
	view_want(view, SCOPE_REGION, project, region);
}

void
view_want_end(struct view *view)
{
	MAP_EACH(view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);

		if (!scope->wanted)
			map_drop(view->scopes, scope->key);
	}
}

void
view_touch(struct view *view, const char *project, const char *zone)
{
	char region[PLACE_MAX + 1];
	struct view_scope *scope = view_find(view, SCOPE_ZONE, project, zone);

	if (scope != NULL)
		scope->due = true;
	place_region_of(zone, region, sizeof region);
	scope = view_find(view, SCOPE_REGION, project, region);
	if (scope != NULL)
		scope->due = true;
}

void
view_touch_all(struct view *view)
{
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		scope->due = true;
	}
}

void
view_touch_region(struct view *view, const char *project, const char *zone)
{
	char wanted[PLACE_MAX + 1], region[PLACE_MAX + 1];

	place_region_of(zone, wanted, sizeof wanted);
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		message_text(region, sizeof region, scope->place);
		if (scope->kind == SCOPE_ZONE)
			place_region_of(scope->place, region, sizeof region);
		if (strcmp(scope->project, project) == 0 && strcmp(region, wanted) == 0)
			scope->due = true;
	}
}

void
view_require(struct view *view, const char *address)
{
	struct view_floor *floor = mem_calloc(1, sizeof *floor);

	if (map_count(view->floors) >= VIEW_THINGS_MAX)
		view_require_all(view);
	MESSAGE_TEXT(floor->address, address);
	floor->round = view->last;
	map_put(view->floors, floor->address, floor);
}

void
view_require_all(struct view *view)
{
	view->floor = view->last;
	map_free(view->floors);
	view->floors = map_new(free);
}

void
view_lead(struct view *view)
{
	view_require_all(view);
	view_touch_all(view);
	view->failing_since.ms = 0;
	view->reached = false;
}

/* --- asking ----------------------------------------------------------------------- */

static int64_t
view_scope_due_ms(const struct view *view, const struct view_scope *scope)
{
	int64_t wait_ms = view->interval_ms;

	if (scope->open != 0)
		return scope->asked.ms + VIEW_ROUND_MS;
	if (scope->due)
		return 0;
	if (scope->failures > 0 && scope->failures <= VIEW_DOUBLINGS_MAX &&
	    wait_ms > (int64_t)VIEW_RETRY_MS << (scope->failures - 1))
		wait_ms = (int64_t)VIEW_RETRY_MS << (scope->failures - 1);
	return scope->asked.ms + wait_ms;
}

/* Whether it was the cloud that did not answer, or no cloudworker to ask it. */
static void
view_judge(struct view *view, struct mono_time asked, const char *reason)
{
	view->reached |= reason == NULL;
	if (reason == NULL || (strcmp(reason, "CloudUnreachable") != 0 &&
				  strcmp(reason, "NoCredentials") != 0))
		view->failing_since.ms = 0;
	else if (view->failing_since.ms == 0)
		view->failing_since = asked;
}

static void
view_fail(struct view *view, struct view_scope *scope, const char *reason,
    const char *message)
{
	view_judge(view, scope->asked, reason);
	scope->open = 0;
	map_free(scope->incoming);
	scope->incoming = NULL;
	scope->ok = false;
	if (scope->failures <= VIEW_DOUBLINGS_MAX)
		scope->failures++;
	MESSAGE_TEXT(scope->reason, reason);
	MESSAGE_TEXT(scope->message, message);
}

static bool
view_scope_ask(struct view *view, struct view_scope *scope,
    const struct effects *effects, struct mono_time now)
{
	struct msg_observe observe = {0};

	observe.round = view->epoch | (view->last + 1);
	observe.scope = (uint8_t)scope->kind;
	MESSAGE_TEXT(observe.project, scope->project);
	MESSAGE_TEXT(observe.place, scope->place);
	if (effects->cloud(effects->arg, MSG_OBSERVE, &observe) != 0)
		return false;
	view->last++;
	scope->open = view->last;
	scope->asked = now;
	scope->due = false;
	return true;
}

/* A refused send (queue full, link down) is tried again after that. */
#define VIEW_SEND_RETRY_MS 1000

int64_t
view_ask(struct view *view, const struct effects *effects, struct mono_time now)
{
	int64_t next_ms = INT64_MAX;

	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);
		int64_t due_ms = view_scope_due_ms(view, scope);

		if (due_ms <= now.ms) {
			if (scope->open != 0)
				view_fail(view, scope, "CloudUnreachable",
				    "an observation did not end in time");
			if (view_scope_ask(view, scope, effects, now))
				due_ms = view_scope_due_ms(view, scope);
			else
				due_ms = now.ms + VIEW_SEND_RETRY_MS;
		}
		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	return next_ms;
}

void
view_link_down(struct view *view, struct mono_time now)
{
	view_judge(view, now, "CloudUnreachable");
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		if (scope->open != 0)
			view_fail(
			    view, scope, "CloudUnreachable", "the cloudworker is gone");
		scope->due = true;
	}
}

/* --- what comes back -------------------------------------------------------------- */

/* The scope whose open round this is. NULL with *ret_error 0: an old one, ignored. */
static struct view_scope *
view_round(
    const struct view *view, uint64_t round, struct mono_time now, int *ret_error)
{
	uint64_t low = round & 0xffffffffu;

	*ret_error = 0;
	if ((round & ~(uint64_t)0xffffffffu) != view->epoch) {
		if (now.ms >= view->leftovers_until.ms)
			*ret_error = -EPROTO;
		return NULL;
	}
	if (low == 0 || low > view->last) {
		*ret_error = -EPROTO;
		return NULL;
	}
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		if (scope->open == low)
			return scope;
	}
	return NULL;
}

static bool
view_scope_is(const struct view_scope *scope, uint8_t kind, const char *project,
    const char *place)
{
	return scope->kind == (enum scope_kind)kind &&
	       strcmp(scope->project, project) == 0 && strcmp(scope->place, place) == 0;
}

static int
view_begin(struct view_scope *scope, const struct msg_observed_begin *begin)
{
	if (!view_scope_is(scope, begin->scope, begin->project, begin->place))
		return -EPROTO;
	map_free(scope->incoming);
	scope->incoming = map_new(free);
	return 0;
}

static int
view_take_address(struct view_scope *scope, const struct msg_observed_address *seen)
{
	struct view_address *address;

	if (scope->kind != SCOPE_REGION || scope->incoming == NULL ||
	    seen->address[0] == '\0' || map_count(scope->incoming) >= VIEW_THINGS_MAX)
		return -EPROTO;
	address = mem_calloc(1, sizeof *address);
	MESSAGE_TEXT(address->address, seen->address);
	address->status = (enum address_status)seen->status;
	address->flaw =
	    view_is_extra(scope) ? ADDRESS_GLOBAL : (enum address_flaw)seen->flaw;
	MESSAGE_TEXT(address->user, seen->user);
	map_put(scope->incoming, address->address, address);
	return 0;
}

static int
view_take_instance(struct view_scope *scope, const struct msg_observed_instance *seen)
{
	struct view_instance *instance;

	if (scope->kind != SCOPE_ZONE || scope->incoming == NULL ||
	    seen->name[0] == '\0' || seen->id[0] == '\0' ||
	    map_count(scope->incoming) >= VIEW_THINGS_MAX)
		return -EPROTO;
	instance = mem_calloc(1, sizeof *instance);
	MESSAGE_TEXT(instance->name, seen->name);
	MESSAGE_TEXT(instance->id, seen->id);
	instance->state = (enum instance_state)seen->state;
	instance->asked = scope->asked;
	MESSAGE_TEXT(instance->address, seen->address);
	MESSAGE_TEXT(instance->fence, seen->fence);
	map_put(scope->incoming, instance->name, instance);
	return 0;
}

/* The endpoint answers again: who failed with it asks again, too. */
static void
view_recover(struct view *view)
{
	MAP_EACH(view->scopes, entry)
	{
		struct view_scope *scope = lh_entry_v(entry);

		if (scope->failures > 0 && scope->open == 0)
			scope->due = true;
	}
}

static void
view_accept(struct view *view, struct view_scope *scope)
{
	bool recovered = scope->failures > 0;

	view_judge(view, scope->asked, NULL);
	map_free(scope->holding);
	map_free(scope->things);
	scope->things = scope->incoming;
	scope->incoming = NULL;
	scope->round = scope->open;
	scope->open = 0;
	scope->at = scope->asked;
	scope->ok = true;
	scope->failures = 0;
	scope->holding = NULL;
	if (recovered)
		view_recover(view);
	if (scope->kind != SCOPE_ZONE)
		return;
	scope->holding = map_new(NULL);
	MAP_EACH(scope->things, entry)
	{
		struct view_instance *instance = lh_entry_v(entry);

		if (instance->address[0] != '\0')
			map_put(scope->holding, instance->address, instance);
	}
}

static int
view_end(
    struct view *view, struct view_scope *scope, const struct msg_observed_end *end)
{
	if (!view_scope_is(scope, end->scope, end->project, end->place) ||
	    (end->ok != 0 && scope->incoming == NULL))
		return -EPROTO;
	if (end->ok != 0)
		view_accept(view, scope);
	else
		view_fail(view, scope,
		    end->reason[0] != '\0' ? end->reason : "CloudUnreachable",
		    end->message);
	return 0;
}

int
view_message(struct view *view, const struct message *message, struct mono_time now,
    bool *ret_news)
{
	/* Each observed_… begins with its round. */
	uint64_t round = message->u.observed_begin.round;
	struct view_scope *scope;
	int error;

	*ret_news = false;
	if (message->type == MSG_OBSERVED_ADDRESS)
		round = message->u.observed_address.round;
	else if (message->type == MSG_OBSERVED_INSTANCE)
		round = message->u.observed_instance.round;
	else if (message->type == MSG_OBSERVED_END)
		round = message->u.observed_end.round;
	scope = view_round(view, round, now, &error);
	if (scope == NULL)
		return error;
	if (message->type == MSG_OBSERVED_BEGIN)
		return view_begin(scope, &message->u.observed_begin);
	if (message->type == MSG_OBSERVED_ADDRESS)
		return view_take_address(scope, &message->u.observed_address);
	if (message->type == MSG_OBSERVED_INSTANCE)
		return view_take_instance(scope, &message->u.observed_instance);
	error = view_end(view, scope, &message->u.observed_end);
	*ret_news = error == 0;
	return error;
}

/* --- reading ---------------------------------------------------------------------- */

const struct view_scope *
view_scope(const struct view *view, enum scope_kind kind, const char *project,
    const char *place)
{
	return view_find(view, kind, project, place);
}

bool
view_fresh(const struct view *view, const struct view_scope *scope, const char *address,
    struct mono_time now, const char **ret_reason, const char **ret_message)
{
	const struct view_floor *floor = map_get(view->floors, address);
	bool old = scope != NULL &&
		   now.ms - scope->at.ms > VIEW_INTERVALS_MAX * view->interval_ms;

	*ret_reason = VIEW_NOT_OBSERVED;
	*ret_message = "not observed since its last change";
	if (scope == NULL)
		return false;
	if (!scope->ok || scope->things == NULL) {
		/* One failed round stops decisions, but is no news yet. */
		if (scope->things == NULL || old) {
			*ret_reason = scope->reason;
			*ret_message = scope->message;
		}
		return false;
	}
	if (old) {
		*ret_reason = "CloudUnreachable";
		*ret_message = "the last observation is too old";
		return false;
	}
	return scope->round > view->floor &&
	       (floor == NULL || scope->round > floor->round);
}

const struct view_instance *
view_instance(const struct view_scope *zone, const char *name)
{
	return zone != NULL && zone->things != NULL ? map_get(zone->things, name)
						    : NULL;
}

const struct view_instance *
view_instance_by_id(const struct view_scope *zone, const char *id)
{
	if (zone == NULL || zone->things == NULL)
		return NULL;
	MAP_EACH(zone->things, entry)
	{
		const struct view_instance *instance = lh_entry_v(entry);

		if (strcmp(instance->id, id) == 0)
			return instance;
	}
	return NULL;
}

bool
view_reserved(const struct view *view, const char *address)
{
	MAP_EACH(view->scopes, entry)
	{
		const struct view_scope *scope = lh_entry_v(entry);

		if (scope->kind == SCOPE_REGION && scope->things != NULL &&
		    map_get(scope->things, address) != NULL)
			return true;
	}
	return false;
}
