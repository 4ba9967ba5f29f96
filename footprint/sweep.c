#include "sweep.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

/* ConfigMaps in one answer: 128 KiB each, and an answer is read into memory whole. */
#define PAGE "5"

/* ConfigMaps that are looked at in one sweep: beyond it the next one goes on. */
#define MAPS_MAX 8192u

enum action { ACTION_NONE, ACTION_CLOSE, ACTION_DELETE };

struct map {
	char name[PART_NAME_MAX];
	size_t stem_len; /* of it: all but the part */
	unsigned long part;
	int64_t created_s;
	size_t bytes;
	bool is_closed;
	enum action action;
	const char *why; /* of that */
	size_t keys;
};

struct sweep {
	const struct round_place *place;
	const struct sweep_kind *kind;
	struct sweep_limits limits;
	char now[PART_NAME_MAX];
	struct map *maps; /* MAPS_MAX of them while it goes on */
	size_t maps_len;
	size_t bytes_now; /* of the time that is left alone */
	size_t at;
	bool ends; /* as soon as may be */
	bool failed;
	sweep_done_fn *done;
	void *done_arg;
};

static void list_page(struct sweep *sweep, const char *token);
static void act_next(struct sweep *sweep);

struct sweep *
sweep_new(const struct round_place *place, const struct sweep_kind *kind,
    const struct sweep_limits *limits)
{
	struct sweep *sweep = mem_calloc(1, sizeof *sweep);

	sweep->place = place;
	sweep->kind = kind;
	sweep->limits = *limits;
	return sweep;
}

void
sweep_free(struct sweep *sweep)
{
	if (sweep == NULL)
		return;
	free(sweep->maps);
	free(sweep);
}

void
sweep_start(struct sweep *sweep, const char *now, sweep_done_fn *done, void *arg)
{
	snprintf(sweep->now, sizeof sweep->now, "%s", now);
	sweep->maps = mem_calloc(MAPS_MAX, sizeof *sweep->maps);
	sweep->maps_len = sweep->bytes_now = sweep->at = 0;
	sweep->ends = sweep->failed = false;
	sweep->done = done;
	sweep->done_arg = arg;
	list_page(sweep, NULL);
}

void
sweep_end(struct sweep *sweep)
{
	sweep->ends = true;
}

void
sweep_abort(struct sweep *sweep)
{
	free(sweep->maps);
	sweep->maps = NULL;
}

static void
end(struct sweep *sweep)
{
	sweep_abort(sweep);
	sweep->done(sweep->done_arg, sweep->failed);
}

static void
tell_failure(struct sweep *sweep, const char *what, const char *name,
    const struct kube_reply *reply)
{
	log_error(sweep->kind->failed, LOG_S("why", what),
	    LOG_S("namespace", sweep->place->namespace), LOG_S("configmap", name),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
	sweep->failed = true;
}

static bool
is_good(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status >= 200 && reply->status <= 299 &&
	       json_object_is_type(reply->json, json_type_object);
}

/* --- what there is ------------------------------------------------------------------
 */

static const char *
member_text(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return json_object_is_type(value, json_type_string)
		   ? json_object_get_string(value)
		   : "";
}

static bool
is_ours(const struct sweep_kind *kind, const char *name)
{
	size_t prefix_len = strlen(kind->prefix);
	const char *digits = name + prefix_len, *rest = digits + kind->digits;

	return strncmp(name, kind->prefix, prefix_len) == 0 &&
	       strlen(name) < PART_NAME_MAX &&
	       strspn(digits, "0123456789") == kind->digits &&
	       (rest[0] == '\0' || strncmp(rest, "-p", 2) == 0);
}

static void
take_map(struct sweep *sweep, struct json_object *object)
{
	const struct sweep_kind *kind = sweep->kind;
	size_t stem_len = strlen(kind->prefix) + kind->digits;
	struct map *map = &sweep->maps[sweep->maps_len];
	struct json_object *metadata = NULL;
	struct wall_time created;
	const char *name;

	json_object_object_get_ex(object, "metadata", &metadata);
	name = member_text(metadata, "name");
	if (sweep->maps_len == MAPS_MAX || !is_ours(kind, name) ||
	    clock_parse(member_text(metadata, "creationTimestamp"), &created) < 0)
		return;
	if (strncmp(name + strlen(kind->prefix), sweep->now, kind->digits) == 0) {
		sweep->bytes_now += part_size(object);
		return;
	}
	*map = (struct map){
	    .stem_len = stem_len,
	    .part = name[stem_len] == '-' ? strtoul(name + stem_len + 2, NULL, 10) : 1,
	    .created_s = created.ms / 1000,
	    .bytes = part_size(object),
	    .is_closed = part_is_immutable(object),
	    .keys = part_keys(object),
	};
	snprintf(map->name, sizeof map->name, "%s", name);
	sweep->maps_len++;
}

/* --- what is to be done --------------------------------------------------------------
 */

static int
compare_times(const struct map *one, const struct map *other)
{
	return memcmp(one->name, other->name, one->stem_len);
}

/* What goes first: the oldest time, as its name says it, and of that the first part.
 * Who reads a time stops at the first part that is not there, and takes those before it
 * for all: so of one that is half deleted nothing is read. */
static int
compare_maps(const void *a, const void *b)
{
	const struct map *one = a, *other = b;
	int order = compare_times(one, other);

	if (order == 0)
		order = (one->part > other->part) - (one->part < other->part);
	return order != 0 ? order : strcmp(one->name, other->name);
}

static void
set_action(struct map *map, enum action action, const char *why)
{
	map->action = action;
	map->why = why;
}

/* NULL: the time of the maps from `first` to `end` stays, and its size is added. */
static const char *
why_to_delete(const struct sweep *sweep, size_t first, size_t end, int64_t *bytes)
{
	const struct sweep_limits *limits = &sweep->limits;
	int64_t now_s = clock_wall().ms / 1000, created_s = 0, size = 0;

	for (size_t i = first; i < end; i++) {
		size += (int64_t)sweep->maps[i].bytes;
		if (sweep->maps[i].created_s > created_s)
			created_s = sweep->maps[i].created_s;
	}
	if (limits->retention_s > 0 && now_s - created_s > limits->retention_s)
		return "older than the retention";
	*bytes += size;
	if (limits->bytes_max > 0 && *bytes > limits->bytes_max)
		return "beyond the total size";
	return NULL;
}

static void
choose_time(struct sweep *sweep, size_t first, size_t end, int64_t *bytes)
{
	const char *why = why_to_delete(sweep, first, end, bytes);
	int64_t now_s = clock_wall().ms / 1000;

	for (size_t i = first; i < end; i++) {
		struct map *map = &sweep->maps[i];

		if (why != NULL)
			set_action(map, ACTION_DELETE, why);
		else if (!map->is_closed &&
			 now_s - map->created_s > sweep->kind->over_s)
			set_action(map, ACTION_CLOSE, "its time is over");
	}
}

/* A time goes as a whole. From the last to go on they add up to what may stay. */
static void
choose(struct sweep *sweep)
{
	int64_t bytes = (int64_t)sweep->bytes_now;

	qsort(sweep->maps, sweep->maps_len, sizeof *sweep->maps, compare_maps);
	for (size_t first, end = sweep->maps_len; end > 0; end = first) {
		first = end - 1;
		while (first > 0 && compare_times(&sweep->maps[first - 1],
					&sweep->maps[end - 1]) == 0)
			first--;
		choose_time(sweep, first, end, &bytes);
	}
}

static void
on_page(void *arg, const struct kube_reply *reply)
{
	struct sweep *sweep = arg;
	struct json_object *items = NULL, *metadata = NULL;
	const char *token;

	if (!is_good(reply)) {
		tell_failure(sweep, "cannot be listed", "", reply);
		end(sweep);
		return;
	}
	json_object_object_get_ex(reply->json, "items", &items);
	json_object_object_get_ex(reply->json, "metadata", &metadata);
	if (json_object_is_type(items, json_type_array))
		for (size_t i = 0; i < json_object_array_length(items); i++)
			take_map(sweep, json_object_array_get_idx(items, i));
	token = member_text(metadata, "continue");
	if (token[0] != '\0' && sweep->maps_len < MAPS_MAX && !sweep->ends) {
		list_page(sweep, token);
		return;
	}
	choose(sweep);
	act_next(sweep);
}

static void
list_page(struct sweep *sweep, const char *token)
{
	char *selector = kube_escape(sweep->kind->selector);
	char *escaped = kube_escape(token != NULL ? token : "");
	char *path = mem_printf("%s?labelSelector=%s&limit=" PAGE "%s%s",
	    sweep->place->path, selector, token != NULL ? "&continue=" : "", escaped);
	struct kube_call call = {.method = "GET", .path = path};

	sweep->place->call(sweep->place->arg, &call, NULL, on_page, sweep);
	free(path);
	free(escaped);
	free(selector);
}

/* --- what is done -------------------------------------------------------------------
 */

/* While its first part is there it has the others, too. */
static void
skip_time(struct sweep *sweep, const struct map *map)
{
	while (sweep->at < sweep->maps_len &&
	       compare_times(map, &sweep->maps[sweep->at]) == 0)
		sweep->at++;
}

static void
on_acted(void *arg, const struct kube_reply *reply)
{
	struct sweep *sweep = arg;
	const struct map *map = &sweep->maps[sweep->at++];
	bool deletes = map->action == ACTION_DELETE;
	bool gone = reply->status == 404 ||
		    (deletes && reply->status >= 200 && reply->status <= 299);

	/* nobody answers, or who asked may ask no more: the next sweep goes on */
	if (reply->error != 0) {
		tell_failure(sweep, "cannot be reached", map->name, reply);
		end(sweep);
		return;
	}
	if (!is_good(reply) && !gone) {
		tell_failure(sweep,
		    deletes ? "cannot be deleted" : "cannot be made immutable",
		    map->name, reply);
		if (deletes)
			skip_time(sweep, map);
	} else if (deletes) {
		log_info(sweep->kind->deleted,
		    LOG_S("namespace", sweep->place->namespace),
		    LOG_S("configmap", map->name), LOG_N("bytes", (int64_t)map->bytes));
	}
	act_next(sweep);
}

static void
call_map(struct sweep *sweep, const char *method, const char *body, kube_done_fn *done)
{
	const struct map *map = &sweep->maps[sweep->at];
	bool deletes = map->action == ACTION_DELETE;
	char before[32], after[64];
	char *path = mem_printf("%s/%s", sweep->place->path, map->name);
	struct kube_call call = {.method = method, .path = path, .body = body};
	struct store_change change = {.configmap = map->name,
	    .deletes = deletes,
	    .why = map->why,
	    .before = before,
	    .after = deletes ? "null" : after};

	snprintf(before, sizeof before, "{\"keys\":%zu}", map->keys);
	snprintf(after, sizeof after, "{\"keys\":%zu,\"immutable\":true}", map->keys);
	sweep->place->call(sweep->place->arg, &call,
	    deletes || body != NULL ? &change : NULL, done, sweep);
	free(path);
}

static void
on_open_map(void *arg, const struct kube_reply *reply)
{
	struct sweep *sweep = arg;

	if (!is_good(reply)) {
		on_acted(sweep, reply);
		return;
	}
	json_object_object_add(reply->json, "immutable", json_object_new_boolean(true));
	call_map(sweep, "PUT",
	    json_object_to_json_string_ext(
		reply->json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
	    on_acted);
}

static void
act_next(struct sweep *sweep)
{
	while (
	    sweep->at < sweep->maps_len && sweep->maps[sweep->at].action == ACTION_NONE)
		sweep->at++;
	if (sweep->at == sweep->maps_len || sweep->ends)
		end(sweep);
	else if (sweep->maps[sweep->at].action == ACTION_DELETE)
		call_map(sweep, "DELETE", NULL, on_acted);
	else
		call_map(sweep, "GET", NULL, on_open_map);
}
