#include <errno.h>
#include <string.h>

#include "project.h"
#include "walk.h"

/* The Pod IP Tracker's. */
#define TRACKER_FINALIZER "podtracker.networking.learntosolveit.com/finalizer"

static void
tracker_finalizers(struct msg_fact_tracker *fact, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		const char *raw = NULL;
		size_t len = 0;

		scan_raw(scan, &raw, &len);
		if (scan->error == 0 && len == sizeof TRACKER_FINALIZER + 1 &&
		    memcmp(raw + 1, TRACKER_FINALIZER, len - 2) == 0)
			fact->finalizer = 1;
	}
}

static bool
tracker_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_tracker *fact = arg;
	int64_t deleted_ms = 0;

	if (walk_text(scan, key, len, "name", fact->name, sizeof fact->name) ||
	    walk_text(scan, key, len, "uid", fact->uid, sizeof fact->uid) ||
	    walk_text(scan, key, len, "resourceVersion", fact->resource_version,
		sizeof fact->resource_version))
		return true;
	if (scan_key_is(key, len, "generation")) {
		scan_integer(scan, &fact->generation);
	} else if (scan_key_is(key, len, "finalizers")) {
		tracker_finalizers(fact, scan);
	} else if (scan_key_is(key, len, "deletionTimestamp")) {
		walk_time(scan, &deleted_ms);
		fact->deleting = deleted_ms != 0;
	} else {
		return false;
	}
	return true;
}

/* No namespace has a name that does not fit: such a spec tracks nothing. */
static bool
tracker_spec(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_tracker *fact = arg;

	return walk_text_or(
	    scan, key, len, "namespace", "-", fact->namespace, sizeof fact->namespace);
}

struct tracker_condition {
	char type[16];
	char status[16];
	int64_t since_ms;
};

static bool
tracker_condition(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct tracker_condition *it = arg;

	if (walk_text_or(scan, key, len, "type", "", it->type, sizeof it->type) ||
	    walk_text_or(scan, key, len, "status", "", it->status, sizeof it->status))
		return true;
	if (!scan_key_is(key, len, "lastTransitionTime"))
		return false;
	walk_time_or_none(scan, &it->since_ms);
	return true;
}

static void
tracker_conditions(struct msg_fact_tracker *fact, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct tracker_condition it = {0};

		walk_members(scan, tracker_condition, &it);
		if (strcmp(it.type, "Ready") == 0 && strcmp(it.status, "True") == 0)
			fact->ready_since_ms = it.since_ms;
	}
}

static bool
tracker_status(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_tracker *fact = arg;

	if (walk_text_or(scan, key, len, "contentHash", "", fact->content_hash,
		sizeof fact->content_hash))
		return true;
	if (scan_key_is(key, len, "lastUpdateTime"))
		walk_time_or_none(scan, &fact->last_update_ms);
	else if (scan_key_is(key, len, "conditions"))
		tracker_conditions(fact, scan);
	else
		return false;
	return true;
}

static bool
tracker_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (scan_key_is(key, len, "metadata"))
		walk_members(scan, tracker_metadata, arg);
	else if (scan_key_is(key, len, "spec"))
		walk_members(scan, tracker_spec, arg);
	else if (scan_key_is(key, len, "status"))
		walk_members(scan, tracker_status, arg);
	else
		return false;
	return true;
}

int
project_tracker(const char *json, size_t len, struct msg_fact_tracker *ret_fact)
{
	struct scan scan;
	int rc;

	memset(ret_fact, 0, sizeof *ret_fact);
	scan_init(&scan, json, len);
	walk_members(&scan, tracker_member, ret_fact);
	rc = scan_finish(&scan);
	if (rc == 0 && (ret_fact->name[0] == '\0' || ret_fact->uid[0] == '\0'))
		return -EBADMSG;
	return rc;
}
