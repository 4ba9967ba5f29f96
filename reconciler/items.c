#include "items.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "change.h"
#include "check.h"
#include "definition.h"
#include "events.h"
#include "evict.h"
#include "json_read.h"
#include "log.h"
#include "mem.h"
#include "report.h"

/* Bytes of one status patch. */
#define ITEMS_PATCH_MAX KUBE_OBJECT_MAX

void
items_free(void *value)
{
	struct item *item = value;

	allocation_free(item->allocation);
	map_free(item->slots);
	check_free(item->check);
	evict_free(item->evict);
	free(item);
}

bool
items_settled(const struct item *item)
{
	return item->allocation != NULL && !item->reading && !item->writing &&
	       !item->stale;
}

struct slot *
items_slot(struct item *item, const char *address)
{
	struct slot *slot = map_get(item->slots, address);

	if (slot != NULL)
		return slot;
	slot = mem_calloc(1, sizeof *slot);
	MESSAGE_TEXT(slot->address, address);
	map_put(item->slots, slot->address, slot);
	return slot;
}

void
items_forget(struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (item->shown)
			report_gone(core, item);
	}
	map_free(core->items);
	core->items = map_new(items_free);
	core->listed = false;
	core->listing = false;
}

static void
items_drop(struct core *core, const char *name)
{
	const struct item *item = map_get(core->items, name);

	if (item == NULL)
		return;
	if (item->shown)
		report_gone(core, item);
	map_drop(core->items, name);
	core_touch(core);
}

void
items_recover(struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		struct item *item = lh_entry_v(entry);

		backoff_recover(&item->backoff);
		backoff_recover(&item->finalizer_backoff);
		MAP_EACH(item->slots, slot_entry)
		{
			struct slot *slot = lh_entry_v(slot_entry);

			backoff_recover(&slot->backoff);
		}
	}
}

/* --- what the API says ------------------------------------------------------------ */

static void
items_hold(struct item *item)
{
	const char *version = item->allocation->resource_version;

	MESSAGE_TEXT(item->held[item->held_next], version);
	item->held_next = (item->held_next + 1) % HELD_MAX;
}

static bool
items_has_held(const struct item *item, const char *version)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (strcmp(item->held[i], version) == 0)
			return true;
	return false;
}

/* What was told while the answer was under way may be newer than the answer. */
static bool
items_is_overtaken(const struct core *core, const struct item *item)
{
	const struct hint *hint = map_get(core->hints, item->name);

	return item->stale &&
	       (hint == NULL || !items_has_held(item, hint->resource_version));
}

/* One that would make too many addresses of all is not looked at, and told so. */
static bool
items_has_room(struct core *core, const struct allocation *allocation)
{
	size_t count = allocation->addresses_len;

	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (item->allocation != NULL &&
		    strcmp(item->name, allocation->name) != 0)
			count += item->allocation->addresses_len;
	}
	if (count <= ITEMS_ADDRESSES_MAX)
		return true;
	log_error("allocations_full", LOG_S("allocation", allocation->name),
	    LOG_N("addresses", count));
	events_tell(core, allocation, NULL, "Warning", "TooManyAddresses",
	    "all NetIPAllocations together have too many addresses; this one is left "
	    "alone");
	return false;
}

/* The policy in force. */
static void
items_set_policy(const struct core *core, struct allocation *allocation)
{
	if (core->dry_run)
		allocation->policy = POLICY_OBSERVE;
	else if (!allocation->policy_named)
		allocation->policy = core->policy;
}

/* Somebody wants a look at the cloud now, or something else of it; what waits after a
 * failure is tried, too. */
static void
items_poke(struct core *core, struct item *item)
{
	view_touch_all(core->view);
	MAP_EACH(item->slots, entry)
	{
		struct slot *slot = lh_entry_v(entry);

		backoff_clear(&slot->backoff);
		slot->stays_until.ms = 0;
	}
}

/* An annotation changes no generation: it is told of when it comes. */
static void
items_notice(
    struct core *core, const struct item *item, const struct allocation *allocation)
{
	unsigned known = item->allocation != NULL ? item->allocation->notices : 0;

	if ((allocation->notices & ~known & NOTICE_RELEASE_NOW) != 0)
		events_tell(core, allocation, NULL, "Warning", "FieldIgnored",
		    "annotation netinfra.darkbrains.com/release-now has no effect: its "
		    "value must be \"true\"");
}

/* Takes an object as it is now. NULL: it is no allocation, or there is no room. */
static struct item *
items_take(struct core *core, struct json_object *object)
{
	struct allocation *allocation = allocation_parse(object);
	struct item *item;

	if (allocation == NULL || !items_has_room(core, allocation)) {
		allocation_free(allocation);
		return NULL;
	}
	item = map_get(core->items, allocation->name);
	if (item != NULL && item->allocation != NULL &&
	    strcmp(item->allocation->uid, allocation->uid) != 0) {
		items_drop(core, allocation->name);
		item = NULL;
	}
	if (item == NULL) {
		if (map_count(core->items) >= ITEMS_MAX) {
			allocation_free(allocation);
			return NULL;
		}
		item = mem_calloc(1, sizeof *item);
		MESSAGE_TEXT(item->name, allocation->name);
		item->slots = map_new(free);
		map_put(core->items, item->name, item);
	}
	items_set_policy(core, allocation);
	if (item->allocation != NULL &&
	    (strcmp(item->allocation->reconcile_at, allocation->reconcile_at) != 0 ||
		item->allocation->generation != allocation->generation))
		items_poke(core, item);
	items_notice(core, item, allocation);
	if (allocation->deleting &&
	    (item->allocation == NULL || !item->allocation->deleting))
		definition_expire(core);
	allocation_free(item->allocation);
	item->allocation = allocation;
	items_hold(item);
	item->stale = items_is_overtaken(core, item);
	core_touch(core);
	return item;
}

static bool
items_ok(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status >= 200 && reply->status < 300 &&
	       reply->json != NULL;
}

/* --- the list --------------------------------------------------------------------- */

static const char *
items_created(const void *at)
{
	struct json_object *const *object = at;
	const char *text = json_read_string(json_read_member(
	    json_read_member(*object, "metadata"), "creationTimestamp"));

	return text != NULL ? text : "";
}

/* The API writes these times in UTC and of one length: they sort as texts. */
static int
items_elder(const void *left, const void *right)
{
	return strcmp(items_created(left), items_created(right));
}

static void
items_listed(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct json_object *items = json_read_member(reply->json, "items");

	(void)call;
	core->listing = false;
	core_touch(core);
	if (!items_ok(reply) || !json_object_is_type(items, json_type_array)) {
		backoff_fail(&core->list_backoff, core->now.mono);
		core->list_backoff.outage = true;
		return;
	}
	/* The eldest first: when there is no room for all, it is newcomers that wait.
	 */
	json_object_array_sort(items, items_elder);
	for (size_t i = 0; i < json_object_array_length(items); i++)
		items_take(core, json_object_array_get_idx(items, i));
	backoff_clear(&core->list_backoff);
	core->listed = true;
	/* What was told while the list was under way may be newer than it. */
	MAP_EACH(core->hints, entry)
	{
		const struct hint *hint = lh_entry_v(entry);

		items_hint(core, hint->name, hint->resource_version);
	}
	if (core->world->sync[FACT_KIND_ALLOCATION].complete)
		items_hint_missing(core);
}

void
items_list(struct core *core)
{
	if (core->listing || !core_may_start(core) ||
	    backoff_waits(core, &core->list_backoff))
		return;
	core->listing = true;
	calls_get(core, ALLOCATION_COLLECTION, items_listed)->right =
	    "list " ALLOCATION_RESOURCE;
}

/* --- reading one ------------------------------------------------------------------ */

static void
items_answered(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = map_get(core->items, call->subject);
	const struct hint *hint = map_get(core->hints, call->subject);

	core_touch(core);
	if (item == NULL)
		return;
	item->reading = false;
	if (reply->error == 0 && reply->status == 404 &&
	    strcmp(reply->reason, "NotFound") == 0) {
		bool told = item->stale && hint != NULL;

		items_drop(core, call->subject);
		if (told)
			items_hint(core, hint->name, hint->resource_version);
		return;
	}
	if (!items_ok(reply) || items_take(core, reply->json) == NULL) {
		item = map_get(core->items, call->subject);
		if (item == NULL)
			return;
		item->stale = true;
		backoff_fail_call(&item->backoff, core->now.mono, reply);
		return;
	}
	/* A write that failed still backs off; a read that went well does not add. */
}

static void
items_get(struct core *core, struct item *item)
{
	char *path = mem_printf("%s/%s", ALLOCATION_COLLECTION, item->name);
	struct call *call = calls_get(core, path, items_answered);

	call->right = "get " ALLOCATION_RESOURCE;
	MESSAGE_TEXT(call->subject, item->name);
	item->reading = true;
	item->stale = false; /* what is told from now on makes it so again */
	free(path);
}

void
items_read(struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		struct item *item = lh_entry_v(entry);

		if (!item->stale || item->reading || item->writing ||
		    !core_may_start(core) || backoff_waits(core, &item->backoff))
			continue;
		items_get(core, item);
	}
}

void
items_hint(struct core *core, const char *name, const char *resource_version)
{
	struct item *item = map_get(core->items, name);

	if (item == NULL) {
		if (resource_version[0] == '\0' || !core->listed ||
		    !place_name_sound(name) || map_count(core->items) >= ITEMS_MAX)
			return;
		item = mem_calloc(1, sizeof *item);
		MESSAGE_TEXT(item->name, name);
		item->slots = map_new(free);
		map_put(core->items, item->name, item);
	} else if (resource_version[0] != '\0' &&
		   items_has_held(item, resource_version)) {
		return;
	}
	item->stale = true;
	core_touch(core);
}

void
items_hint_missing(struct core *core)
{
	MAP_EACH(core->items, entry)
	{
		const struct item *item = lh_entry_v(entry);

		if (map_get(core->hints, item->name) == NULL)
			items_hint(core, item->name, "");
	}
}

/* --- writing ---------------------------------------------------------------------- */

/* Our own write came back as if nothing had been written: a part of it was dropped (the
 * CRD of another version?), and the next would fare no better. */
static void
items_dropped(struct core *core, struct item *item)
{
	log_warn("status_not_kept", LOG_S("allocation", item->name));
	events_tell(core, item->allocation, NULL, "Warning", "StatusNotKept",
	    "the API server drops parts of the status; is the CRD of this version "
	    "installed?");
	backoff_fail(&item->backoff, core->now.mono);
}

/* Without its status nothing can be begun: its owner hears of it by an event. */
static void
items_refused(struct core *core, struct item *item, const struct kube_reply *reply)
{
	char message[TEXT_MAX + 1];

	snprintf(message, sizeof message,
	    "the status cannot be written, nothing is done: %d %s: %.380s",
	    reply->status, reply->reason, reply->message);
	log_warn(
	    "status_refused", LOG_S("allocation", item->name), LOG_S("error", message));
	events_tell(core, item->allocation, NULL, "Warning", "StatusRefused", message);
}

struct item *
items_answer(struct core *core, const struct call *call, const struct kube_reply *reply,
    bool *ret_taken)
{
	struct item *item = map_get(core->items, call->subject);

	core_touch(core);
	*ret_taken = false;
	if (item == NULL)
		return NULL;
	item->writing = false;
	*ret_taken = items_ok(reply) && items_take(core, reply->json) != NULL;
	item = map_get(core->items, call->subject);
	/* Lost, refused or overtaken: only a read tells what is true. */
	if (item != NULL && !*ret_taken)
		item->stale = true;
	return item;
}

static void
items_written(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct item *item = map_get(core->items, call->subject);
	char before[UID_MAX_LEN + 1] = "";
	bool taken;

	if (item != NULL)
		MESSAGE_TEXT(before, item->allocation->resource_version);
	item = items_answer(core, call, reply, &taken);
	if (item == NULL)
		return;
	if (taken) {
		if (strcmp(before, item->allocation->resource_version) == 0)
			items_dropped(core, item);
		else
			backoff_clear(&item->backoff);
		return;
	}
	if (reply->error == 0 && reply->status == 409)
		return;
	backoff_fail_call(&item->backoff, core->now.mono, reply);
	/* a read will tell whether it is gone */
	if (!calls_unheard(reply) && reply->status >= 400 && reply->status != 404)
		items_refused(core, item, reply);
}

static const char *
items_why(const struct allocation *allocation)
{
	const struct condition *conditions = allocation->conditions;

	return conditions[CONDITION_PROGRESSING].status == CONDITION_TRUE
		   ? conditions[CONDITION_PROGRESSING].message
		   : conditions[CONDITION_READY].message;
}

static void
items_change(struct call *call, const struct allocation *allocation, const char *patch)
{
	struct buf before, after;

	buf_init(&before, CHANGE_MAX);
	buf_init(&after, CHANGE_MAX);
	change_status(allocation->status_json, patch, &before, &after);
	calls_change(call, before.data, after.data);
	buf_free(&before);
	buf_free(&after);
}

void
items_write(struct core *core, struct item *item)
{
	struct kube_call request = {
	    .method = "PATCH",
	    .body_kind = KUBE_BODY_MERGE_PATCH,
	};
	struct call *call;
	struct buf body;
	char *path;
	int rc;

	buf_init(&body, ITEMS_PATCH_MAX);
	rc = allocation_status_patch(item->allocation, &body);
	if (rc < 0) {
		item->stale = true;
		backoff_fail(&item->backoff, core->now.mono);
	}
	if (rc > 0) {
		path = mem_printf("%s/%s/status", ALLOCATION_COLLECTION, item->name);
		request.path = path;
		request.body = body.data;
		call = calls_start(core, &request, items_written);
		call->right = "patch " ALLOCATION_RESOURCE "/status";
		MESSAGE_TEXT(call->subject, item->name);
		MESSAGE_TEXT(call->audit, "status");
		items_change(call, item->allocation, body.data);
		MESSAGE_TEXT(call->why, items_why(item->allocation));
		item->writing = true;
		free(path);
	}
	buf_free(&body);
}
