#include "store_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "hour.h"
#include "moment.h"

#define PATH "/api/v1/namespaces/ops/configmaps"

struct rig_call {
	char *method, *path, *body;
	kube_done_fn *done;
	void *arg;
	struct rig_call *next;
};

/* What is written is told with what it changes, and nothing else is. */
static void
note_change(struct store_rig *rig, const struct kube_call *call,
    const struct store_change *change)
{
	if (strcmp(call->method, "GET") == 0) {
		cr_assert_null(change);
		return;
	}
	cr_assert_not_null(change);
	cr_assert_eq(change->deletes, strcmp(call->method, "DELETE") == 0);
	snprintf(rig->change, sizeof rig->change, "%s: %s: %s > %s", change->configmap,
	    change->why, change->before, change->after);
}

void
store_rig_call(void *arg, const struct kube_call *call,
    const struct store_change *change, kube_done_fn *done, void *done_arg)
{
	struct store_rig *rig = arg;
	struct rig_call *one = calloc(1, sizeof *one);
	struct rig_call **last = &rig->queue;

	note_change(rig, call, change);
	one->method = strdup(call->method);
	one->path = strdup(call->path);
	one->body = call->body != NULL ? strdup(call->body) : NULL;
	one->done = done;
	one->arg = done_arg;
	while (*last != NULL)
		last = &(*last)->next;
	*last = one;
}

void
store_rig_limit(struct store_rig *rig, int64_t retention_s, int64_t bytes_max)
{
	struct store_options options = {.namespace = "ops",
	    .retention_s = retention_s,
	    .bytes_max = bytes_max,
	    .reread_s = rig->reread_s,
	    .call = store_rig_call,
	    .arg = rig};

	store_free(rig->store);
	rig->store = store_new(&options);
}

void
store_rig_restart(struct store_rig *rig)
{
	store_rig_limit(rig, STORE_RETENTION_S, STORE_BYTES_MAX);
}

void
store_rig_begin(struct store_rig *rig)
{
	memset(rig, 0, sizeof *rig);
	moment_zone(true);
	rig->now = (struct moment){1795219210, 0};
	rig->maps = json_object_new_object();
	rig->log_fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert_geq(dup2(rig->log_fd, STDERR_FILENO), 0);
	store_rig_restart(rig);
}

void
store_rig_end(struct store_rig *rig)
{
	store_free(rig->store);
	json_object_put(rig->maps);
	close(rig->log_fd);
}

size_t
store_rig_lines(const struct store_rig *rig, const char *event)
{
	static char log[1 << 20];
	ssize_t len = pread(rig->log_fd, log, sizeof log - 1, 0);
	char wanted[64];
	size_t count = 0;

	cr_assert(len >= 0 && len < (ssize_t)sizeof log - 1);
	log[len] = '\0';
	snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", event);
	for (const char *at = log; (at = strstr(at, wanted)) != NULL; at++)
		count++;
	return count;
}

void
store_rig_note(struct store_rig *rig, const char *pod, const char *node)
{
	store_note(rig->store, "voice", pod, node, rig->now);
}

struct json_object *
store_rig_map(struct store_rig *rig, const char *name)
{
	struct json_object *map = NULL;

	json_object_object_get_ex(rig->maps, name, &map);
	return map;
}

struct json_object *
store_rig_member(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return value;
}

const char *
store_rig_data(struct store_rig *rig, const char *name, const char *key)
{
	struct json_object *data = store_rig_member(store_rig_map(rig, name), "data");
	struct json_object *value = store_rig_member(data, key);

	return value != NULL ? json_object_get_string(value) : NULL;
}

bool
store_rig_closed(struct store_rig *rig, const char *name)
{
	return json_object_get_boolean(
	    store_rig_member(store_rig_map(rig, name), "immutable"));
}

static void
put_map(struct store_rig *rig, struct json_object *map, int64_t created_s)
{
	struct json_object *metadata = store_rig_member(map, "metadata");
	char time[CLOCK_TEXT_MAX], version[16];

	if (store_rig_member(metadata, "creationTimestamp") == NULL) {
		clock_format(
		    (struct wall_time){created_s * 1000}, false, time, sizeof time);
		json_object_object_add(
		    metadata, "creationTimestamp", json_object_new_string(time));
	}
	snprintf(version, sizeof version, "%d", ++rig->version);
	json_object_object_add(
	    metadata, "resourceVersion", json_object_new_string(version));
	json_object_object_add(rig->maps,
	    json_object_get_string(store_rig_member(metadata, "name")),
	    json_object_get(map));
}

void
store_rig_old_map(struct store_rig *rig, const char *name, int64_t age_s, int bytes)
{
	struct json_object *map = json_object_new_object();
	struct json_object *metadata = json_object_new_object();
	struct json_object *data = json_object_new_object();
	char *value = calloc(1, (size_t)bytes + 1);

	memset(value, 'x', (size_t)bytes);
	json_object_object_add(metadata, "name", json_object_new_string(name));
	json_object_object_add(data, "k", json_object_new_string(value));
	json_object_object_add(map, "metadata", metadata);
	json_object_object_add(map, "data", data);
	put_map(rig, map, clock_wall().ms / 1000 - age_s);
	json_object_put(map);
	free(value);
}

/* --- the server ---------------------------------------------------------------------
 */

/* ConfigMap limits of a real one: 1 MiB, keys of 253 characters. */
static int
validate(struct json_object *map)
{
	size_t bytes = 0;

	json_object_object_foreach(store_rig_member(map, "data"), key, value) {
		if (strlen(key) > HOUR_KEY_MAX)
			return 422;
		bytes += strlen(key) + (size_t)json_object_get_string_len(value);
	}
	return bytes > 1024 * 1024 ? 422 : 200;
}

static int
update(struct store_rig *rig, const char *name, struct json_object *map)
{
	struct json_object *there = store_rig_map(rig, name);
	struct json_object *version =
	    store_rig_member(store_rig_member(map, "metadata"), "resourceVersion");

	if (there == NULL)
		return 404;
	if (version != NULL && !json_object_equal(version,
				   store_rig_member(store_rig_member(there, "metadata"),
				       "resourceVersion")))
		return 409;
	if (store_rig_closed(rig, name))
		return 422;
	put_map(rig, map, 0);
	return 200;
}

/* Somebody else writes a key of their own. */
static void
edit(struct store_rig *rig, const char *name)
{
	struct json_object *map = NULL;

	json_object_deep_copy(store_rig_map(rig, name), &map, NULL);
	json_object_object_add(store_rig_member(map, "data"), "others_pod",
	    json_object_new_string("node-9"));
	put_map(rig, map, 0);
	json_object_put(map);
}

static struct json_object *
list(struct store_rig *rig)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *items = json_object_new_array();

	json_object_object_foreach(rig->maps, name, map) {
		(void)name;
		json_object_array_add(items, json_object_get(map));
	}
	json_object_object_add(answer, "items", items);
	return answer;
}

static int
carry_out(struct store_rig *rig, const struct rig_call *call, struct json_object *body,
    struct json_object **ret_json)
{
	const char *name =
	    call->path[strlen(PATH)] == '/' ? call->path + strlen(PATH) + 1 : NULL;
	int status = body != NULL ? validate(body) : 200;

	if (rig->refuse != NULL && strcmp(rig->refuse, call->method) == 0) {
		rig->refuse = NULL;
		return rig->refuse_status;
	}
	if (status != 200)
		return status;
	if (strcmp(call->method, "GET") == 0 && name == NULL) {
		*ret_json = list(rig);
		return 200;
	}
	if (strcmp(call->method, "POST") == 0) {
		const char *made = json_object_get_string(
		    store_rig_member(store_rig_member(body, "metadata"), "name"));

		if (made == NULL)
			return 422;
		if (store_rig_map(rig, made) != NULL)
			return 409;
		put_map(rig, body, clock_wall().ms / 1000);
		return 201;
	}
	if (strcmp(call->method, "PUT") == 0)
		return update(rig, name, body);
	if (store_rig_map(rig, name) == NULL)
		return 404;
	if (strcmp(call->method, "DELETE") == 0) {
		json_object_object_del(rig->maps, name);
		return 200;
	}
	json_object_deep_copy(store_rig_map(rig, name), ret_json, NULL);
	if (rig->foreign_edits > 0) {
		rig->foreign_edits--;
		edit(rig, name);
	}
	return 200;
}

static void
count(struct store_rig *rig, const struct rig_call *call)
{
	rig->lists += strchr(call->path, '?') != NULL;
	rig->gets +=
	    strcmp(call->method, "GET") == 0 && strchr(call->path, '?') == NULL;
	rig->posts += strcmp(call->method, "POST") == 0;
	rig->puts += strcmp(call->method, "PUT") == 0;
	rig->deletes += strcmp(call->method, "DELETE") == 0;
}

static void
forget(struct rig_call *call)
{
	free(call->method);
	free(call->path);
	free(call->body);
	free(call);
}

static void
answer(struct store_rig *rig, struct rig_call *call)
{
	struct json_object *body =
	    call->body != NULL ? json_tokener_parse(call->body) : NULL;
	struct kube_reply reply = {.retry_after_ms = -1};

	cr_assert_eq(strncmp(call->path, PATH, strlen(PATH)), 0, "%s", call->path);
	count(rig, call);
	reply.status = carry_out(rig, call, body, &reply.json);
	if (reply.status == 0)
		reply.error = -ETIMEDOUT;
	call->done(call->arg, &reply);
	json_object_put(reply.json);
	json_object_put(body);
	forget(call);
}

void
store_rig_done(void *arg, bool failed)
{
	struct store_rig *rig = arg;

	rig->rounds++;
	rig->failed += failed;
}

void
store_rig_answer(struct store_rig *rig)
{
	struct rig_call *call = rig->queue;

	cr_assert_not_null(call);
	rig->queue = call->next;
	answer(rig, call);
}

void
store_rig_serve(struct store_rig *rig)
{
	while (rig->queue != NULL)
		store_rig_answer(rig);
}

int
store_rig_write(struct store_rig *rig)
{
	int before = rig->posts + rig->puts;

	cr_assert(store_write(rig->store, rig->now, store_rig_done, rig));
	store_rig_serve(rig);
	return rig->posts + rig->puts - before;
}

void
store_rig_abort(struct store_rig *rig)
{
	cr_assert(store_write(rig->store, rig->now, store_rig_done, rig));
	cr_assert_not_null(rig->queue);
	store_abort(rig->store);
	forget(rig->queue);
	rig->queue = NULL;
}
