#include "rest.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "allocations.h"
#include "hosts.h"
#include "judge.h"
#include "nodes.h"
#include "provider.h"
#include "server.h"
#include "trackers.h"
#include "users.h"

/* Simulated time until all is well: backoffs of a minute, nodes that are left out for a
 * minute, orders that take two. */
#define REST_WELL_MS 600000
/* Then until nothing is written any more, and for so long nothing is. */
#define REST_QUIET_MS 120000
#define REST_STILL_MS 35000
/* In some schedules as long as the longest back-off, and a little. */
#define REST_LONG_MS   65000
#define REST_LONG_RATE 200 /* per thousand */

static int64_t still_ms;

static const char *
entry_of(const char *address, const char *key)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *list =
		    server_at(server.objects[i].json, "status/addresses");

		for (size_t j = 0; list != NULL && j < json_object_array_length(list);
		     j++) {
			struct json_object *entry = json_object_array_get_idx(list, j);

			if (strcmp(server_text(entry, "address"), address) == 0 &&
			    strcmp(server_text(entry, "reason"), "Conflict") != 0)
				return server_text(entry, key);
		}
	}
	return "";
}

static bool
is_attached(void)
{
	size_t attached = 0,
	       wanted = users.addresses < users.nodes ? users.addresses : users.nodes;
	const char *missing = "";

	for (size_t i = 0; i < users.addresses; i++)
		if (provider_where(users_addresses[i]) != NULL)
			attached++;
		else
			missing = users_addresses[i];
	if (attached >= wanted)
		return true;
	return judge_complain(
	    "%s is nowhere: %s", missing, entry_of(missing, "message"));
}

static bool
is_journal_closed(void)
{
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *list =
		    server_at(server.objects[i].json, "status/addresses");

		for (size_t j = 0; list != NULL && j < json_object_array_length(list);
		     j++)
			if (server_at(json_object_array_get_idx(list, j), "intent") !=
			    NULL)
				return judge_complain(
				    "the intent for %s is still open: %s",
				    server_text(
					json_object_array_get_idx(list, j), "address"),
				    server_text(
					json_object_array_get_idx(list, j), "message"));
	}
	return true;
}

static bool
is_labelled_right(void)
{
	for (size_t i = 0; i < provider.vms_len; i++) {
		const struct vm *vm = &provider.vms[i];

		if (!vm->exists || vm->foreign)
			continue;
		if ((provider_reserved(vm->address) != NULL) !=
		    judge_is_labelled(vm->name))
			return judge_complain("%s has '%s', but its label is wrong",
			    vm->name, vm->address);
		if (vm->owed_ephemeral && vm->address[0] == '\0')
			return judge_complain(
			    "%s was left without an address", vm->name);
	}
	return true;
}

static bool
is_tracked(void)
{
	const char *what = users.tracked ? judge_tracker_complaint() : NULL;

	return what == NULL || judge_complain("%s", what);
}

static bool
is_kept(void)
{
	const char *what = NULL;

	if (users.kept)
		what = judge_footprint_complaint(judge_leader());
	if (users.kept && what == NULL)
		what = judge_history_complaint(judge_leader());
	return what == NULL || judge_complain("%s", what);
}

static bool
is_well(void)
{
	return is_attached() && is_journal_closed() && is_labelled_right() &&
	       is_tracked() && is_kept();
}

/* Runs second by second until `done`, at most `ms`. */
static bool
await(bool (*done)(void), int64_t ms)
{
	int64_t until_ms = stage.now_ms + ms;

	while (!done()) {
		if (stage.now_ms >= until_ms || stage.violation[0] != '\0')
			return false;
		nodes_keep_pods();
		trackers_keep();
		stage_run(1000);
	}
	return true;
}

static unsigned long
busy(void)
{
	return server.writes + server.reads + provider.changes;
}

/* For so long nothing was read or written, lease and looks at the cloud aside. */
static bool
is_still(void)
{
	static unsigned long last;
	static int64_t since_ms;

	if (busy() != last || since_ms > stage.now_ms || !is_well()) {
		last = busy();
		since_ms = stage.now_ms;
	}
	return stage.now_ms - since_ms >= still_ms;
}

/* --- what is deleted goes --------------------------------------------------------- */

/* It says so, and it is true. */
static bool
is_in_use(struct json_object *allocation)
{
	struct json_object *list = server_at(allocation, "status/addresses");
	bool used = false;

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		used |= strcmp(server_text(entry, "reason"), "InUse") == 0 &&
			judge_has_pods(allocation, server_text(entry, "nodeName"));
	}
	return used;
}

static bool
is_deletion_over(bool in_use_is)
{
	users_mend();
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *json = server.objects[i].json;

		if (server.objects[i].kind == KIND_ALLOCATION &&
		    server_at(json, "metadata/deletionTimestamp") != NULL &&
		    !(in_use_is && is_in_use(json)))
			return judge_complain("%s is still being deleted: %s",
			    server.objects[i].path,
			    json_object_to_json_string(
				server_at(json, "status/addresses")));
	}
	return true;
}

static bool
is_gone_or_in_use(void)
{
	return is_deletion_over(true);
}

static bool
is_gone(void)
{
	return is_deletion_over(false);
}

/* --- hours pass ------------------------------------------------------------------- */

static bool
is_ended(void)
{
	const char *what = judge_footprint_unended(judge_leader());

	return is_kept() && (what == NULL || judge_complain("%s", what));
}

/* What is over is closed, what is old goes, and the new hour is begun. */
static void
rest_pass_hours(void)
{
	static const int64_t hours[] = {1, 3, 30};

	hosts_pass_hours(hours[stage_pick(3)]);
	users.hours_passed = true;
	if (!await(is_ended, REST_WELL_MS))
		stage_violate("%s", judge_complaint());
}

void
rest_await(void)
{
	if (!await(is_gone_or_in_use, REST_WELL_MS))
		stage_violate("%s", judge_complaint());
	allocations_hurry();
	judge_look();
	if (!await(is_gone, REST_WELL_MS))
		stage_violate("%s", judge_complaint());
	users_mend();
	if (!await(is_well, REST_WELL_MS))
		stage_violate("%s", judge_complaint());
	still_ms = stage_chance(REST_LONG_RATE) ? REST_LONG_MS : REST_STILL_MS;
	if (!await(is_still, REST_QUIET_MS + still_ms))
		stage_violate(
		    "not quiet: %lu writes, %lu reads, %lu changes so far; %s",
		    server.writes, server.reads, provider.changes, judge_complaint());
	if (users.kept)
		rest_pass_hours();
}
