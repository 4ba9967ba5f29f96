/* Events and evictions at the fake API server. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"
#include "mem.h"

/* The core's own bounds (lost.h, view.h), with room for what is under way. */
#define FAKE_APART_MS 9000
#define FAKE_BLIND_MS 100000

/* --- events ----------------------------------------------------------------------- */

struct fake_told {
	char *name;
	struct json_object *json;
};

void
fake_told_free(void *value)
{
	struct fake_told *told = value;

	json_object_put(told->json);
	free(told->name);
	free(told);
}

int
fake_event_post(struct fake *fake, const char *body)
{
	struct json_object *event = json_tokener_parse(body);
	const char *name = fake_text(json_read_member(event, "metadata"), "name");
	struct fake_told *told;
	int status = 201;

	fake->posts++;
	if (fake->refuse_posts > 0) {
		fake->refuse_posts--;
		status = 503;
	} else if (map_get(fake->posted, name) != NULL) {
		status = 409;
	} else {
		told = mem_calloc(1, sizeof *told);
		told->name = mem_strdup(name);
		told->json = json_object_get(event);
		map_put(fake->posted, told->name, told);
	}
	json_object_put(event);
	return status;
}

int
fake_event_patch(struct fake *fake, const char *path, const char *body)
{
	const struct fake_told *told = map_get(fake->posted, strrchr(path, '/') + 1);
	struct json_object *patch = json_tokener_parse(body);

	fake->patches++;
	if (told == NULL) {
		json_object_put(patch);
		return 404;
	}
	json_object_object_foreach(patch, key, value) {
		if (strcmp(key, "series") != 0)
			fake_violate(fake, "an event's %s is changed", key);
		json_object_object_add(told->json, key, json_object_get(value));
	}
	json_object_put(patch);
	return 200;
}

void
fake_forget_events(struct fake *fake)
{
	map_free(fake->posted);
	fake->posted = map_new(fake_told_free);
}

struct json_object *
fake_event(struct fake *fake, const char *kind, const char *reason, const char *words)
{
	MAP_EACH(fake->posted, entry)
	{
		const struct fake_told *told = lh_entry_v(entry);
		struct json_object *about = json_read_member(told->json, "regarding");

		if (strcmp(fake_text(about, "kind"), kind) == 0 &&
		    strcmp(fake_text(told->json, "reason"), reason) == 0 &&
		    strstr(fake_text(told->json, "note"), words) != NULL)
			return told->json;
	}
	return NULL;
}

bool
fake_told(struct fake *fake, const char *reason)
{
	return fake_event(fake, "NetIPAllocation", reason, "") != NULL;
}

size_t
fake_count_told(struct fake *fake, const char *reason)
{
	size_t count = 0;

	MAP_EACH(fake->posted, entry)
	{
		const struct fake_told *told = lh_entry_v(entry);

		count += strcmp(fake_text(told->json, "reason"), reason) == 0;
	}
	return count;
}

/* --- evictions -------------------------------------------------------------------- */

/* What the budget's refusal looks like (tests/contracts/kube-wire, 066). */
static struct json_object *
fake_budget(void)
{
	return json_tokener_parse(
	    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":"
	    "\"TooManyRequests\",\"details\":{\"causes\":[{\"reason\":"
	    "\"DisruptionBudget\",\"message\":\"The disruption budget sip needs 5 "
	    "healthy pods and has 2 currently\"}]},\"code\":429}");
}

bool
fake_is_eviction(const char *path)
{
	size_t len = strlen(path);

	return len > 9 && strcmp(path + len - 9, "/eviction") == 0;
}

/* The pod's own; the caller frees it. */
static char *
fake_evicted_path(const char *path)
{
	char *pod = mem_strdup(path);

	pod[strlen(pod) - strlen("/eviction")] = '\0';
	return pod;
}

/* Evicted are pods of the allocations' workload only, and only from a node that was
 * lately, and twice, seen without an address. */
void
fake_judge_eviction(struct fake *fake, const char *path, const char *body)
{
	char *at = fake_evicted_path(path);
	struct json_object *pod = fake_get(fake, at);
	const char *node = fake_text(json_read_member(pod, "spec"), "nodeName");
	const struct fake_instance *instance = fake_instance(fake, node);
	char uid[UID_MAX_LEN + 3];
	struct json_object *owner;

	free(at);
	/* another pod of that name is safe: the server heeds the uid */
	snprintf(uid, sizeof uid, "\"%s\"",
	    fake_text(json_read_member(pod, "metadata"), "uid"));
	if (pod == NULL || strstr(body, uid) == NULL)
		return;
	owner = json_object_array_get_idx(
	    json_read_member(json_read_member(pod, "metadata"), "ownerReferences"), 0);
	if (strcmp(fake_text(owner, "kind"), "ReplicaSet") != 0 ||
	    strcmp(fake_text(owner, "name"), "sip-7d9") != 0)
		fake_violate(fake, "%s is evicted, of another workload", path);
	if (instance == NULL || fake->now_ms - instance->seen_ms > FAKE_BLIND_MS)
		fake_violate(
		    fake, "%s is evicted from %s, which is Unknown", path, node);
	else if (instance->absent_since_ms == 0 ||
		 fake->now_ms - instance->absent_since_ms < FAKE_APART_MS)
		fake_violate(fake,
		    "%s is evicted from %s, since %lld without an "
		    "address",
		    path, node, (long long)instance->absent_since_ms);
}

int
fake_evict(struct fake *fake, const char *path, const char *body,
    struct json_object **ret_answer)
{
	char *at = fake_evicted_path(path);
	struct json_object *eviction = json_tokener_parse(body);
	const char *uid =
	    fake_text(json_read_member(
			  json_read_member(eviction, "deleteOptions"), "preconditions"),
		"uid");
	struct json_object *pod;
	int status = 201;

	pod = fake_get(fake, at);
	if (uid[0] == '\0')
		fake_violate(fake, "%s is evicted whoever it is", at);
	if (pod == NULL) {
		status = 404;
	} else if (strcmp(fake_text(json_read_member(pod, "metadata"), "uid"), uid) !=
		   0) {
		status = 409;
	} else if (fake->blocked_evictions > 0) {
		fake->blocked_evictions--;
		*ret_answer = fake_budget();
		status = 429;
	} else {
		fake->evicted++;
		fake_delete(fake, at);
	}
	json_object_put(eviction);
	free(at);
	return status;
}

static bool
fake_says(struct json_object *line, const char *key)
{
	struct json_object *value = json_read_member(line, key);

	return value != NULL && (!json_object_is_type(value, json_type_string) ||
				    json_object_get_string_len(value) > 0);
}

void
fake_judge_audit(struct fake *fake, const char *text)
{
	static const char *const members[] = {"time", "who", "process", "lease", "term",
	    "what", "object", "why", "request_id", "result", "duration_ms"};
	struct json_object *line = json_tokener_parse(text);
	const char *what = fake_text(line, "what");
	bool order = strcmp(what, "attach") == 0 || strcmp(what, "detach") == 0 ||
		     strcmp(what, "give ephemeral") == 0;

	/* what a predecessor began: it is not known for which allocation */
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (!fake_says(line, members[i]) &&
		    !(order && strcmp(members[i], "object") == 0))
			fake_violate(fake, "no %s in %.300s", members[i], text);
	if (json_read_member(line, "before") == NULL ||
	    json_read_member(line, "after") == NULL)
		fake_violate(fake, "no before or after in %.300s", text);
	json_object_put(line);
}
