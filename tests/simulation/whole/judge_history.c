/* The days of addresses: footprint/day.h. Each end of a stay is a time at which the
 * cloud has said so, or an operation of ours has ended; what is not known extends
 * nothing. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "hosts.h"
#include "judge.h"
#include "nodes.h"
#include "provider.h"
#include "server.h"
#include "stay.h"

#define DAY_PREFIX CONFIGMAPS "ipwarden-addresses-"
/* Clocks of replicas are off by less. */
#define CLOCK_MS 5000
/* A look at the cloud is as old as the question (reconciler/view.h: VIEW_ROUND_MS); an
 * operation has its effect before it is known to have ended. */
#define LOOK_MS	     65000
#define OPERATION_MS 65000
/* footprint/day.h: DAY_GAP_MS. */
#define GAP_MS INT64_C(600000)
#define DAY_MS INT64_C(86400000)

#define SIGHTS_MAX 16384u

static struct {
	/* where an address was at a true time: when it came there, or was shown to who
	 * asked */
	struct sight {
		int64_t at_ms;
		char address[46], node[64]; /* "": at none */
		bool shown;
	} sights[SIGHTS_MAX];
	size_t len;
	int64_t begun_ms;	    /* nothing has been before */
	int64_t node_ms[NODES_MAX]; /* when Nodes came or went */
} judge;

void
judge_history_open(void)
{
	judge.len = 0;
	judge.begun_ms = stage.now_ms;
	memset(judge.node_ms, 0, sizeof judge.node_ms);
}

/* --- what is true ----------------------------------------------------------------- */

static const struct sight *
last_move(const char *address)
{
	for (size_t i = judge.len; i > 0; i--)
		if (!judge.sights[i - 1].shown &&
		    strcmp(judge.sights[i - 1].address, address) == 0)
			return &judge.sights[i - 1];
	return NULL;
}

static void
remember(const char *address, const char *node, bool shown)
{
	struct sight *sight = &judge.sights[judge.len];

	if (judge.len == SIGHTS_MAX)
		return;
	judge.len++;
	*sight = (struct sight){.at_ms = stage.now_ms, .shown = shown};
	MESSAGE_TEXT(sight->address, address);
	MESSAGE_TEXT(sight->node, node);
}

void
judge_history_cloud(void)
{
	for (size_t i = 0; i < provider.reserved_len; i++) {
		const char *address = provider.reserved[i].address;
		const struct vm *vm = provider_where(address);
		const char *node = vm != NULL ? vm->name : "";
		const struct sight *last = last_move(address);

		if (last == NULL || strcmp(last->node, node) != 0)
			remember(address, node, false);
	}
}

void
judge_history_shown(const struct vm *vm)
{
	if (provider_reserved(vm->address) != NULL)
		remember(vm->address, vm->name, true);
}

/* The cloud has shown it there between these times, of which the second may be to come:
 * what is written was seen before. */
static bool
was_shown(const char *address, const char *node, int64_t from_ms, int64_t until_ms)
{
	for (size_t i = judge.len; i > 0; i--) {
		const struct sight *it = &judge.sights[i - 1];

		if (it->shown && it->at_ms >= from_ms && it->at_ms <= until_ms &&
		    strcmp(it->address, address) == 0 && strcmp(it->node, node) == 0)
			return true;
	}
	return false;
}

/* It was there at some time between these. */
static bool
was_there(const char *address, const char *node, int64_t from_ms, int64_t until_ms)
{
	bool there = node[0] == '\0'; /* until it comes somewhere */

	for (size_t i = 0; i < judge.len; i++) {
		const struct sight *it = &judge.sights[i];

		if (it->shown || strcmp(it->address, address) != 0)
			continue;
		if (it->at_ms > until_ms)
			break;
		if (it->at_ms <= from_ms)
			there = false;
		there = there || strcmp(it->node, node) == 0;
	}
	return there;
}

/* It was at none of ours: nowhere, or on a machine that was no node then. */
static bool
was_nowhere(const char *address, int64_t from_ms, int64_t until_ms)
{
	if (was_there(address, "", from_ms, until_ms) ||
	    was_there(address, "foreign", from_ms, until_ms))
		return true;
	for (size_t i = 0; i < NODES_MAX; i++) {
		char name[32];

		snprintf(name, sizeof name, "n%zu", i);
		if (was_there(address, name, from_ms, until_ms) &&
		    (nodes_get(i) == NULL || judge.node_ms[i] >= from_ms))
			return true;
	}
	return false;
}

/* --- a stay ----------------------------------------------------------------------- */

static bool
is_until(const char *address, const struct stay *stay, int64_t at_ms)
{
	bool evening = stay->until.ms % DAY_MS == DAY_MS - 1;
	int64_t from_ms = at_ms - CLOCK_MS - (evening ? GAP_MS : 0);

	return stay->node[0] != '\0'
		   ? was_shown(address, stay->node, from_ms, at_ms + LOOK_MS)
		   : was_nowhere(address, from_ms, at_ms + LOOK_MS);
}

static bool
is_from(const char *address, const struct stay *stay, int64_t at_ms)
{
	int64_t from_ms = at_ms - OPERATION_MS, until_ms = at_ms + LOOK_MS;

	if (stay->from.ms % DAY_MS == 0)
		return true;
	if (stay->node[0] == '\0')
		return was_nowhere(address, from_ms, until_ms);
	return stay->operation
		   ? was_there(address, stay->node, from_ms, until_ms)
		   : was_shown(address, stay->node, at_ms - CLOCK_MS, until_ms);
}

/* By the clocks as they are now, or were before hours passed: at most one of the two
 * makes it a time that has been. */
static bool
is_good(const char *address, const struct stay *stay, struct wall_time wall,
    bool (*is_end)(const char *address, const struct stay *stay, int64_t at_ms))
{
	int64_t epochs[] = {hosts.epoch_ms, hosts.epoch_before_ms};

	for (size_t i = 0; i < 2; i++) {
		int64_t at_ms = wall.ms - epochs[i];

		if (at_ms >= judge.begun_ms - CLOCK_MS &&
		    at_ms <= stage.now_ms + CLOCK_MS && is_end(address, stay, at_ms))
			return true;
	}
	return false;
}

static void
judge_stay(const char *address, const struct stay *stay, bool from, bool until)
{
	bool good_from = !from || is_good(address, stay, stay->from, is_from);
	bool good_until = !until || is_good(address, stay, stay->until, is_until);

	if (!good_from)
		stage_violate("%s came to '%s' at %lld, it is said", address,
		    stay->node, (long long)(stay->from.ms - hosts.epoch_ms));
	if (!good_until)
		stage_violate("%s was at '%s' until %lld, it is said, and nobody has "
			      "seen that",
		    address, stay->node, (long long)(stay->until.ms - hosts.epoch_ms));
}

static bool
is_of_day(const struct stay *stay, const char *date)
{
	char text[CLOCK_TEXT_MAX], day[16];

	clock_format(stay->from, false, text, sizeof text);
	snprintf(day, sizeof day, "%.4s%.2s%.2s", text, text + 5, text + 8);
	return strncmp(day, date, 8) == 0 &&
	       stay->from.ms / DAY_MS == stay->until.ms / DAY_MS;
}

/* Whether the value had a stay with that beginning, or that end. */
static bool
had(const char *value, const struct stay *stay, bool end)
{
	struct stay old;
	int rc;

	while ((rc = stay_next(&value, &old)) != 0)
		if (rc > 0 && (end ? old.until.ms == stay->until.ms
				   : old.from.ms == stay->from.ms))
			return true;
	return false;
}

static void
judge_value(const char *address, const char *was, const char *value, const char *date)
{
	struct stay stay;
	int64_t last_ms = 0;
	int rc;

	while ((rc = stay_next(&value, &stay)) != 0) {
		if (rc < 0) {
			stage_violate("a stay of %s cannot be read", address);
			return;
		}
		if (stay.from.ms < last_ms || stay.until.ms < stay.from.ms)
			stage_violate("%s is at two places at %lld", address,
			    (long long)stay.from.ms);
		if (!is_of_day(&stay, date))
			stage_violate("a stay of %s is not of %.8s", address, date);
		last_ms = stay.until.ms;
		judge_stay(
		    address, &stay, !had(was, &stay, false), !had(was, &stay, true));
	}
}

static const char *
value_of(struct json_object *map, const char *address)
{
	struct json_object *data = server_at(map, "data"), *value = NULL;

	return data != NULL && json_object_object_get_ex(data, address, &value)
		   ? json_object_get_string(value)
		   : "";
}

void
judge_history_wrote(
    struct json_object *before, struct json_object *after, const char *path)
{
	size_t node = strlen(NODES) + 1;

	if (server_kind(path) == KIND_NODE && (before == NULL) != (after == NULL))
		judge.node_ms[path[node] - '0'] = stage.now_ms;
	if (after == NULL || strncmp(path, DAY_PREFIX, strlen(DAY_PREFIX)) != 0)
		return;
	for (size_t i = 0; i < provider.reserved_len; i++) {
		const char *address = provider.reserved[i].address;

		judge_value(address, value_of(before, address),
		    value_of(after, address), path + strlen(DAY_PREFIX));
	}
}

/* --- at rest ---------------------------------------------------------------------- */

/* The last word on an address is where it is. */
static bool
is_last_right(struct json_object *day, const char *address)
{
	const char *value = value_of(day, address);
	const struct vm *vm = provider_where(address);
	struct stay stay = {0};

	while (stay_next(&value, &stay) != 0)
		continue;
	if (vm == NULL || strcmp(stay.node, vm->name) == 0)
		return true;
	return judge_complain(
	    "%s is on %.60s, and its day says '%.60s'", address, vm->name, stay.node);
}

const char *
judge_history_complaint(const struct host *leader)
{
	char text[CLOCK_TEXT_MAX], path[128];

	if (leader == NULL)
		return "nobody leads";
	clock_format(hosts_wall(leader), false, text, sizeof text);
	snprintf(
	    path, sizeof path, DAY_PREFIX "%.4s%.2s%.2s", text, text + 5, text + 8);
	for (size_t i = 0; i < provider.reserved_len; i++)
		if (!is_last_right(server_get(path), provider.reserved[i].address))
			return judge_complaint();
	return NULL;
}
