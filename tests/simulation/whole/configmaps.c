#include "configmaps.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hosts.h"
#include "mem.h"
#include "server.h"
#include "stage.h"
#include "users.h"

#define HOUR_MS	       INT64_C(3600000)
#define DAY_MS	       (24 * HOUR_MS)
#define BRIEF_MAX      4u
#define BRIEF_LEAST_MS 300
#define BRIEF_MOST_MS  20000

/* --- at the server ---------------------------------------------------------------- */

bool
configmaps_is_list(const char *path)
{
	return strncmp(CONFIGMAPS, path, sizeof CONFIGMAPS - 2) == 0 &&
	       path[sizeof CONFIGMAPS - 2] == '\0';
}

/* The value of that key, up to the next one; "" none. */
static void
query_value(const char *query, const char *key, char out[128])
{
	const char *at = strstr(query, key);

	out[0] = '\0';
	if (at != NULL)
		snprintf(out, 128, "%.*s", (int)strcspn(at + strlen(key), "&"),
		    at + strlen(key));
}

/* "app=x,type=y" */
static bool
is_selected(struct json_object *json, const char *selector)
{
	char labels[160];

	snprintf(labels, sizeof labels, "app=%s,type=%s",
	    server_text(json, "metadata/labels/app"),
	    server_text(json, "metadata/labels/type"));
	return selector[0] == '\0' || strcmp(labels, selector) == 0;
}

/* The first one behind that path. */
static const struct object *
next_one(const char *selector, const char *last)
{
	const struct object *next = NULL;

	for (size_t i = 0; i < server.objects_len; i++) {
		const struct object *it = &server.objects[i];

		if (it->kind == KIND_CONFIGMAP && strcmp(it->path, last) > 0 &&
		    (next == NULL || strcmp(it->path, next->path) < 0) &&
		    is_selected(it->json, selector))
			next = it;
	}
	return next;
}

struct json_object *
configmaps_list(const char *query)
{
	struct json_object *items = json_object_new_array(), *list, *metadata;
	char selector[128], limit[128], last[128];
	const struct object *next;
	long left;

	query_value(query, "labelSelector=", selector);
	query_value(query, "limit=", limit);
	query_value(query, "continue=", last);
	left = limit[0] != '\0' ? strtol(limit, NULL, 10) : 1000;
	while ((next = next_one(selector, last)) != NULL && left-- > 0) {
		json_object_array_add(items, json_object_get(next->json));
		snprintf(last, sizeof last, "%s", next->path);
	}
	list = json_object_new_object();
	metadata = json_object_new_object();
	if (next != NULL)
		json_object_object_add(
		    metadata, "continue", json_object_new_string(last));
	json_object_object_add(list, "metadata", metadata);
	json_object_object_add(list, "items", items);
	return list;
}

bool
configmaps_may_become(struct json_object *before, struct json_object *after)
{
	return !json_object_get_boolean(server_at(before, "immutable")) ||
	       (json_object_get_boolean(server_at(after, "immutable")) &&
		   json_object_equal(
		       server_at(before, "data"), server_at(after, "data")));
}

/* --- what others put there -------------------------------------------------------- */

/* Digits of a time that was `ago_ms` ago: YYYYMMDDHH. */
static void
hour_of(int64_t ago_ms, char out[16])
{
	char text[CLOCK_TEXT_MAX];

	clock_format(
	    (struct wall_time){clock_wall().ms - ago_ms}, false, text, sizeof text);
	snprintf(out, 16, "%.4s%.2s%.2s%.2s", text, text + 5, text + 8, text + 11);
}

static void
put(const char *name, const char *app, const char *type, int64_t ago_ms,
    const char *rest)
{
	char path[160], made[CLOCK_TEXT_MAX], *json;

	clock_format(
	    (struct wall_time){clock_wall().ms - ago_ms}, false, made, sizeof made);
	snprintf(path, sizeof path, CONFIGMAPS "%s", name);
	json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"creationTimestamp\":\"%s\","
			  "\"labels\":{\"app\":\"%s\",\"type\":\"%s\"}},%s}",
	    name, made, app, type, rest);
	server_put(path, json);
	free(json);
}

static void
put_hour(int64_t ago_ms, const char *part, const char *rest)
{
	char hour[16], name[64];

	hour_of(ago_ms, hour);
	snprintf(name, sizeof name, "pod-ashiato-%s%s", hour, part);
	put(name, "pod-ashiato", "pod-node-mapping", ago_ms, rest);
}

static void
put_day(int64_t ago_ms, const char *rest)
{
	char hour[16], name[64];

	hour_of(ago_ms, hour);
	snprintf(name, sizeof name, "ipwarden-addresses-%.8s", hour);
	put(name, "ipwarden", "address-history", ago_ms, rest);
}

/* Around what goes, around what is closed, and what is nobody's. */
void
configmaps_make(void)
{
	static const int hours[] = {1, 3, 40, 71, 74, 80};
	static const int days[] = {2, 88, 92};
	static const char *const rests[] = {
	    "\"data\":{\"default_former\":\"n9\"}",
	    "\"immutable\":true,\"data\":{\"default_former\":\"n9\"}",
	};

	for (size_t i = 0; i < sizeof hours / sizeof *hours; i++)
		if (stage_chance(500))
			put_hour(hours[i] * HOUR_MS, "", rests[stage_pick(2)]);
	for (size_t i = 0; i < sizeof days / sizeof *days; i++)
		if (stage_chance(500))
			put_day(days[i] * DAY_MS, "\"data\":{}");
	if (stage_chance(300))
		put_hour(0, "", rests[stage_pick(2)]);
	put("pod-ashiato-2020010100", "other", "pod-node-mapping", 90 * DAY_MS,
	    rests[0]);
	put("pod-ashiato-notes", "pod-ashiato", "pod-node-mapping", 90 * DAY_MS,
	    rests[0]);
	put("settings", "ipwarden", "address-history", 100 * DAY_MS, rests[0]);
}

/* A pod that is there for a moment only. */
static void
brief_ends(void *arg)
{
	char *path = arg;

	server_delete(path);
	free(path);
}

static void
brief_comes(void)
{
	unsigned which = (unsigned)stage_pick(BRIEF_MAX);
	char *path = mem_printf(CONTROLLERS "brief-%u", which);
	char *json = mem_printf(
	    "{\"metadata\":{\"name\":\"brief-%u\",\"namespace\":\"kube-system\","
	    "\"ownerReferences\":[]},\"spec\":{\"nodeName\":\"n%u\"},\"status\":{"
	    "\"phase\":\"Running\"}}",
	    which, (unsigned)stage_pick(users.nodes));

	server_put(path, json);
	stage_later(
	    stage_between(BRIEF_LEAST_MS, BRIEF_MOST_MS), NULL, brief_ends, free, path);
	free(json);
}

/* Somebody writes a key of his own into the hour that goes on: it has another version
 * than the leader has read. */
static void
scribble(void)
{
	char hour[16], path[128], patch[96];

	hour_of(0, hour);
	snprintf(path, sizeof path, CONFIGMAPS "pod-ashiato-%s", hour);
	snprintf(patch, sizeof patch, "{\"data\":{\"note-%u\":\"x\"}}",
	    (unsigned)stage_pick(3));
	if (!json_object_get_boolean(server_at(server_get(path), "immutable")))
		server_patch(path, patch);
}

void
configmaps_happen(void)
{
	if (stage_chance(600))
		brief_comes();
	else if (stage_chance(500))
		host_set_clock(&hosts.all[stage_pick(hosts.len)]);
	else
		scribble();
}
