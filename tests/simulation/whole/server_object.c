/* What the API server holds. */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "judge.h"
#include "mem.h"
#include "server.h"
#include "stage.h"

struct server server;

void
server_open(void)
{
	server = (struct server){.version = 1000};
	watches_open();
}

void
server_close(void)
{
	watches_close();
	for (size_t i = 0; i < server.objects_len; i++) {
		json_object_put(server.objects[i].json);
		free(server.objects[i].path);
	}
	for (size_t i = 0; i < server.changes_len; i++) {
		json_object_put(server.changes[i].json);
		free(server.changes[i].path);
	}
	free(server.objects);
	free(server.changes);
}

/* --- looking ---------------------------------------------------------------------- */

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

enum kind
server_kind(const char *path)
{
	if (begins(path, NODES))
		return KIND_NODE;
	if (begins(path, PODS) || begins(path, CONTROLLERS))
		return KIND_POD;
	if (begins(path, ALLOCATIONS))
		return KIND_ALLOCATION;
	if (begins(path, LEASES))
		return KIND_LEASE;
	if (begins(path, CONFIGMAPS))
		return KIND_CONFIGMAP;
	if (begins(path, TRACKERS))
		return KIND_TRACKER;
	if (begins(path, SLICES))
		return KIND_SLICE;
	return KIND_OTHER;
}

struct object *
server_find(const char *path)
{
	for (size_t i = 0; i < server.objects_len; i++)
		if (strcmp(server.objects[i].path, path) == 0)
			return &server.objects[i];
	return NULL;
}

struct json_object *
server_get(const char *path)
{
	const struct object *object = server_find(path);

	return object != NULL ? object->json : NULL;
}

struct json_object *
server_at(struct json_object *json, const char *where)
{
	while (json != NULL && where[0] != '\0') {
		size_t len = strcspn(where, "/");
		char key[64];
		struct json_object *member = NULL;

		assert(len < sizeof key);
		memcpy(key, where, len);
		key[len] = '\0';
		if (!json_object_is_type(json, json_type_object) ||
		    !json_object_object_get_ex(json, key, &member))
			return NULL;
		json = member;
		where += len + (where[len] == '/');
	}
	return json;
}

const char *
server_text(struct json_object *json, const char *where)
{
	struct json_object *text = server_at(json, where);

	return json_object_is_type(text, json_type_string)
		   ? json_object_get_string(text)
		   : "";
}

/* --- writing ---------------------------------------------------------------------- */

static void
set_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(
	    server_at(json, "metadata"), key, json_object_new_string(text));
}

static void
stamp(struct json_object *json)
{
	char version[32];

	snprintf(version, sizeof version, "%llu", (unsigned long long)++server.version);
	set_text(json, "resourceVersion", version);
}

static void
remember(struct object *object, bool added, bool deleted)
{
	struct change *change;

	if (object->kind >= KIND_WATCHED)
		return;
	if ((server.changes_len & (server.changes_len - 1)) == 0)
		server.changes = mem_realloc(server.changes,
		    server.changes_len > 0 ? 2 * server.changes_len : 1,
		    sizeof *server.changes);
	if (!added)
		server.changes[object->last].next = server.changes_len;
	object->last = server.changes_len;
	change = &server.changes[server.changes_len++];
	*change = (struct change){
	    .version = server.version,
	    .kind = object->kind,
	    .path = mem_strdup(object->path),
	    .added = added,
	    .deleted = deleted,
	    .json = json_object_get(object->json),
	    .next = SIZE_MAX,
	};
	watches_changed(object->kind);
}

void
server_add(const char *path, struct json_object *json)
{
	struct object *object;
	char uid[40], made[CLOCK_TEXT_MAX];

	if ((server.objects_len & (server.objects_len - 1)) == 0)
		server.objects = mem_realloc(server.objects,
		    server.objects_len > 0 ? 2 * server.objects_len : 1,
		    sizeof *server.objects);
	object = &server.objects[server.objects_len++];
	*object = (struct object){
	    .path = mem_strdup(path), .kind = server_kind(path), .json = json};
	snprintf(uid, sizeof uid, "uid-%llu", (unsigned long long)server.version + 1);
	set_text(json, "uid", uid);
	if (object->kind == KIND_CONFIGMAP &&
	    server_at(json, "metadata/creationTimestamp") == NULL) {
		clock_format(clock_wall(), false, made, sizeof made);
		set_text(json, "creationTimestamp", made);
	}
	stamp(json);
	judge_wrote(NULL, json, path);
	remember(object, true, false);
}

void
server_drop(struct object *object)
{
	struct object gone = *object;
	struct json_object *last = NULL;

	*object = server.objects[--server.objects_len];
	/* the event of a deletion has a version of its own */
	json_object_deep_copy(gone.json, &last, NULL);
	stamp(last);
	judge_wrote(gone.json, NULL, gone.path);
	json_object_put(gone.json);
	gone.json = last;
	remember(&gone, false, true);
	json_object_put(last);
	free(gone.path);
}

/* A deletion that waited for its finalizers happens when the last one is gone. */
static bool
is_finished(struct json_object *json)
{
	struct json_object *finalizers = server_at(json, "metadata/finalizers");

	return server_at(json, "metadata/deletionTimestamp") != NULL &&
	       (finalizers == NULL || json_object_array_length(finalizers) == 0);
}

void
server_store(struct object *object, struct json_object *json)
{
	struct json_object *before = object->json;
	int64_t generation =
	    json_object_get_int64(server_at(json, "metadata/generation"));

	if (json_object_equal(before, json)) {
		json_object_put(json);
		return;
	}
	if (generation > 0 &&
	    !json_object_equal(server_at(before, "spec"), server_at(json, "spec")))
		json_object_object_add(server_at(json, "metadata"), "generation",
		    json_object_new_int64(generation + 1));
	stamp(json);
	object->json = json;
	judge_wrote(before, json, object->path);
	json_object_put(before);
	remember(object, false, false);
	if (is_finished(json))
		server_drop(object);
}

void
server_merge(struct json_object *target, struct json_object *patch)
{
	json_object_object_foreach(patch, key, value) {
		struct json_object *old = NULL;

		json_object_object_get_ex(target, key, &old);
		if (value == NULL) {
			json_object_object_del(target, key);
		} else if (json_object_is_type(value, json_type_object)) {
			if (!json_object_is_type(old, json_type_object)) {
				old = json_object_new_object();
				json_object_object_add(target, key, old);
			}
			server_merge(old, value);
		} else {
			json_object_object_add(target, key, json_object_get(value));
		}
	}
}

/* --- users ------------------------------------------------------------------------ */

void
server_put(const char *path, const char *json)
{
	server_delete(path);
	if (server_find(path) == NULL)
		server_add(path, json_tokener_parse(json));
}

void
server_patch(const char *path, const char *text)
{
	struct object *object = server_find(path);
	struct json_object *patch = json_tokener_parse(text), *json = NULL;

	if (object != NULL) {
		json_object_deep_copy(object->json, &json, NULL);
		server_merge(json, patch);
		server_store(object, json);
	}
	json_object_put(patch);
}

void
server_delete(const char *path)
{
	struct object *object = server_find(path);
	struct json_object *finalizers;
	char now[CLOCK_TEXT_MAX], patch[128];

	if (object == NULL)
		return;
	finalizers = server_at(object->json, "metadata/finalizers");
	if (finalizers == NULL || json_object_array_length(finalizers) == 0) {
		server_drop(object);
		return;
	}
	if (server_at(object->json, "metadata/deletionTimestamp") != NULL)
		return;
	clock_format(clock_wall(), false, now, sizeof now);
	snprintf(
	    patch, sizeof patch, "{\"metadata\":{\"deletionTimestamp\":\"%s\"}}", now);
	server_patch(path, patch);
}
