/* The hours of pods: footprint/store.h. A replica notes what it is told, and whoever
 * leads at the end writes what it has noted. */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "configmaps.h"
#include "hosts.h"
#include "judge.h"
#include "messages.h"
#include "server.h"
#include "users.h"

/* As footprint/hour.h and footprint/diary.h have them, and the retentions. */
#define HOUR_PREFIX	 CONFIGMAPS "pod-ashiato-"
#define HOUR_DIGITS	 10u
#define EARLIER		 "footprint.ipwarden.dev/earlier-nodes"
#define DAY_PREFIX	 CONFIGMAPS "ipwarden-addresses-"
#define DAY_DIGITS	 8u
#define HOUR_OVER_S	 (2 * 3600)
#define DAY_OVER_S	 (26 * 3600)
#define HOUR_RETENTION_S (72 * 3600)
#define DAY_RETENTION_S	 (90 * 86400)
/* Clocks of replicas are off by less. */
#define CLOCK_S 5

/* What was noted is kept for the hour that goes on, and the one before. */
#define NOTES_MAX  1024u
#define PLACES_MAX 512u
#define PARTS_MOST 16u

static struct {
	struct note {
		const struct loop *process;
		unsigned life;
		char hour[16], key[128];
	} notes[NOTES_MAX];
	size_t notes_len;
	/* where pods of that name ever were */
	struct {
		char key[128], node[64];
	} places[PLACES_MAX];
	size_t places_len;
	/* who led before hours passed, and has the hour of that time to close */
	const struct loop *leader;
	unsigned leader_life;
} judge;

void
judge_footprint_open(void)
{
	judge.notes_len = judge.places_len = 0;
	judge.leader = NULL;
}

/* --- names and times -------------------------------------------------------------- */

static void
hour_of(struct wall_time wall, char out[16])
{
	char text[CLOCK_TEXT_MAX];

	clock_format(wall, false, text, sizeof text);
	snprintf(out, 16, "%.4s%.2s%.2s%.2s", text, text + 5, text + 8, text + 11);
}

static bool
has_name(const char *path, const char *prefix, size_t digits)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) == 0 &&
	       strspn(path + len, "0123456789") == digits &&
	       (path[len + digits] == '\0' ||
		   strncmp(path + len + digits, "-p", 2) == 0);
}

static bool
is_hour(const char *path)
{
	return has_name(path, HOUR_PREFIX, HOUR_DIGITS);
}

static bool
is_day(const char *path)
{
	return has_name(path, DAY_PREFIX, DAY_DIGITS);
}

static bool
is_labelled(struct json_object *json, bool hour)
{
	return strcmp(server_text(json, "metadata/labels/app"),
		   hour ? "pod-ashiato" : "ipwarden") == 0 &&
	       strcmp(server_text(json, "metadata/labels/type"),
		   hour ? "pod-node-mapping" : "address-history") == 0;
}

static int64_t
age_s(struct json_object *json)
{
	struct wall_time made = {0};

	clock_parse(server_text(json, "metadata/creationTimestamp"), &made);
	return (clock_wall().ms - made.ms) / 1000;
}

/* Part `index` of that hour, from 0 on. */
static struct json_object *
part_of(const char *hour, size_t index)
{
	char path[128];

	if (index == 0)
		snprintf(path, sizeof path, HOUR_PREFIX "%s", hour);
	else
		snprintf(path, sizeof path, HOUR_PREFIX "%s-p%zu", hour, index + 1);
	return server_get(path);
}

/* What a ConfigMap says of a key; NULL: nothing. */
static const char *
said_in(struct json_object *part, const char *key)
{
	struct json_object *data = server_at(part, "data"), *value = NULL;

	return data != NULL && json_object_object_get_ex(data, key, &value)
		   ? json_object_get_string(value)
		   : NULL;
}

/* The last part that has it has the last word. */
static const char *
said_of(const char *hour, const char *key)
{
	const char *said = NULL;

	for (size_t i = 0; i < PARTS_MOST; i++) {
		const char *here = said_in(part_of(hour, i), key);

		if (here != NULL)
			said = here;
	}
	return said;
}

static void
key_of(const char *namespace, const char *name, char out[128])
{
	snprintf(out, 128, "%.50s_%.70s", namespace, name);
}

/* --- what replicas are told ------------------------------------------------------- */

void
judge_footprint_told(const struct loop *process, const struct msg_fact_pod *pod)
{
	struct note note = {.process = process, .life = process->life};

	if (!pod->footprint)
		return;
	hour_of(clock_wall(), note.hour);
	key_of(pod->namespace, pod->name, note.key);
	for (size_t i = 0; i < judge.notes_len; i++)
		if (judge.notes[i].process == process &&
		    judge.notes[i].life == note.life &&
		    strcmp(judge.notes[i].hour, note.hour) == 0 &&
		    strcmp(judge.notes[i].key, note.key) == 0)
			return;
	if (judge.notes_len < NOTES_MAX)
		judge.notes[judge.notes_len++] = note;
}

static bool
was_at(const char *key, const char *node)
{
	for (size_t i = 0; i < judge.places_len; i++)
		if (strcmp(judge.places[i].key, key) == 0 &&
		    strcmp(judge.places[i].node, node) == 0)
			return true;
	return false;
}

static void
remember_place(struct json_object *pod)
{
	const char *node = server_text(pod, "spec/nodeName");
	char key[128];

	key_of(server_text(pod, "metadata/namespace"),
	    server_text(pod, "metadata/name"), key);
	if (was_at(key, node))
		return;
	assert(judge.places_len < PLACES_MAX);
	snprintf(judge.places[judge.places_len].key, 128, "%s", key);
	snprintf(judge.places[judge.places_len++].node, 64, "%s", node);
}

/* --- what is written -------------------------------------------------------------- */

/* Once in an hour is always in an hour; and what it says was so at some time. */
static void
judge_keys(struct json_object *before, struct json_object *after, const char *path)
{
	struct json_object *was = server_at(before, "data");
	struct json_object *is = server_at(after, "data");

	if (was != NULL) {
		json_object_object_foreach(was, key, value) {
			(void)value;
			if (said_in(after, key) == NULL)
				stage_violate("%s loses %s", path, key);
		}
	}
	if (is == NULL)
		return;
	json_object_object_foreach(is, key, node) {
		if ((strncmp(key, "default_sip-", 12) == 0 ||
			strncmp(key, "kube-system_", 12) == 0) &&
		    !was_at(key, json_object_get_string(node)))
			stage_violate("%s says that %s was on '%s'", path, key,
			    json_object_get_string(node));
	}
}

/* The part has nodes that the pod has left: a part is none without a key, so that it
 * may have the pod's for that alone. */
static bool
is_of_earlier(struct json_object *part, const char *key)
{
	struct json_object *annotations = server_at(part, "metadata/annotations");
	struct json_object *value = NULL, *lists;
	bool found;

	if (!json_object_object_get_ex(annotations, EARLIER, &value))
		return false;
	lists = json_tokener_parse(json_object_get_string(value));
	found = json_object_object_get_ex(lists, key, NULL);
	json_object_put(lists);
	return found;
}

/* No part begins to say what an earlier one says of a pod: it is there to mend. */
static void
judge_doubles(struct json_object *before, struct json_object *after, const char *path)
{
	struct json_object *data = server_at(after, "data");
	char hour[16];
	size_t at = 0;

	snprintf(hour, sizeof hour, "%.10s", path + strlen(HOUR_PREFIX));
	while (at < PARTS_MOST && part_of(hour, at) != after)
		at++;
	if (data == NULL || at == PARTS_MOST)
		return;
	json_object_object_foreach(data, key, node) {
		const char *earlier = NULL;

		for (size_t i = 0; i < at; i++)
			if (said_in(part_of(hour, i), key) != NULL)
				earlier = said_in(part_of(hour, i), key);
		if (earlier != NULL && said_in(before, key) == NULL &&
		    strcmp(earlier, json_object_get_string(node)) == 0 &&
		    (before != NULL || !is_of_earlier(after, key)))
			stage_violate("%s has %s again", path, key);
	}
}

void
judge_footprint_wrote(
    struct json_object *before, struct json_object *after, const char *path)
{
	if (server_kind(path) == KIND_POD && after != NULL)
		remember_place(after);
	if (server_kind(path) != KIND_CONFIGMAP || after == NULL)
		return;
	if (is_hour(path))
		judge_keys(before, after, path);
	if (is_hour(path))
		judge_doubles(before, after, path);
}

/* A leader asks for that. */
void
judge_footprint_asks(const struct kube_call *call)
{
	struct json_object *json = server_get(call->path), *body;
	bool hour = is_hour(call->path);
	int64_t retention_s = hour ? HOUR_RETENTION_S : DAY_RETENTION_S;

	if (strcmp(call->method, "DELETE") == 0 && json != NULL &&
	    ((!hour && !is_day(call->path)) || !is_labelled(json, hour) ||
		age_s(json) < retention_s - CLOCK_S))
		stage_violate("%s is to be deleted, made %lld s ago", call->path,
		    (long long)age_s(json));
	if (strcmp(call->method, "PUT") != 0 || json == NULL)
		return;
	body = json_tokener_parse(call->body);
	if (strcmp(server_text(body, "metadata/resourceVersion"),
		server_text(json, "metadata/resourceVersion")) == 0) {
		if (!configmaps_may_become(json, body))
			stage_violate("%s is immutable, and changes", call->path);
		if (json_object_equal(json, body))
			stage_violate("%s is written as it is", call->path);
	}
	json_object_put(body);
}

/* --- at rest ---------------------------------------------------------------------- */

/* All that the leader was told of in its life is there. */
static bool
is_all_noted(const struct loop *leader)
{
	for (size_t i = 0; i < judge.notes_len; i++) {
		const struct note *note = &judge.notes[i];

		if (note->process == leader && note->life == leader->life &&
		    said_of(note->hour, note->key) == NULL)
			return judge_complain(
			    "%s was told of %s in hour %s, which lacks it", leader->who,
			    note->key, note->hour);
	}
	return true;
}

/* Who is there now is in the hour that goes on, where it is. */
static bool
is_hour_right(const struct host *host)
{
	char hour[16];

	hour_of(hosts_wall(host), hour);
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *pod = server.objects[i].json;
		const char *said;
		char key[128];

		if (server.objects[i].kind != KIND_POD)
			continue;
		key_of(server_text(pod, "metadata/namespace"),
		    server_text(pod, "metadata/name"), key);
		said = said_of(hour, key);
		if (said == NULL ||
		    strcmp(said, server_text(pod, "spec/nodeName")) != 0)
			return judge_complain(
			    "hour %s says that %s is on '%s', not '%s'", hour, key,
			    said != NULL ? said : "-",
			    server_text(pod, "spec/nodeName"));
	}
	return true;
}

const char *
judge_footprint_complaint(const struct host *leader)
{
	if (leader == NULL)
		return "nobody leads";
	if (!users.hours_passed) {
		judge.leader = &leader->processes[PROGRAM_RECONCILER];
		judge.leader_life = judge.leader->life;
	}
	if (is_hour_right(leader) &&
	    (users.hours_passed ||
		is_all_noted(&leader->processes[PROGRAM_RECONCILER])))
		return NULL;
	return judge_complaint();
}

/* One that is over is closed; one that is old is gone. */
static bool
is_ended(const struct object *object, const char *now)
{
	bool hour = is_hour(object->path);
	const char *digits = object->path + strlen(hour ? HOUR_PREFIX : DAY_PREFIX);
	int64_t s = age_s(object->json);

	if (strncmp(digits, now, hour ? HOUR_DIGITS : DAY_DIGITS) == 0 ||
	    !is_labelled(object->json, hour))
		return true;
	if (s > (hour ? HOUR_RETENTION_S : DAY_RETENTION_S) + CLOCK_S)
		return judge_complain("%s is %lld s old", object->path, (long long)s);
	return s <= (hour ? HOUR_OVER_S : DAY_OVER_S) + CLOCK_S ||
	       json_object_get_boolean(server_at(object->json, "immutable")) ||
	       judge_complain("%s is over since %lld s, and not closed", object->path,
		   (long long)s);
}

static bool
is_hour_closed(const char *hour)
{
	for (size_t i = 0; i < PARTS_MOST; i++) {
		struct json_object *part = part_of(hour, i);

		if (part != NULL &&
		    !json_object_get_boolean(server_at(part, "immutable")))
			return judge_complain("hour %s is over, and not closed", hour);
	}
	return true;
}

const char *
judge_footprint_unended(const struct host *leader)
{
	struct wall_time before;
	char now[16], then[16];
	bool days;

	if (leader == NULL)
		return "nobody leads";
	before = hosts_wall(leader);
	hour_of(before, now);
	before.ms -= hosts.epoch_ms - hosts.epoch_before_ms;
	hour_of(before, then);
	/* they are gone through when one begins */
	days = strncmp(now, then, DAY_DIGITS) != 0;
	if (&leader->processes[PROGRAM_RECONCILER] == judge.leader &&
	    judge.leader->life == judge.leader_life && !is_hour_closed(then))
		return judge_complaint();
	for (size_t i = 0; i < server.objects_len; i++) {
		const struct object *object = &server.objects[i];

		if ((is_hour(object->path) || (days && is_day(object->path))) &&
		    !is_ended(object, now))
			return judge_complaint();
	}
	return NULL;
}
