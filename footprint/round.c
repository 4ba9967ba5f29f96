#include "round.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

/* How often somebody else may have written in between before it waits for the next
 * interval. */
#define CONFLICTS_MAX 5

static void read_next(struct round *round);
static void write_next(struct round *round);

static void
name_part(const struct round *round, size_t index, char *out, size_t out_size)
{
	round->job.name(round->job.of, index, out, out_size);
}

static char *
part_path(const struct round *round, size_t index)
{
	char name[PART_NAME_MAX];

	name_part(round, index, name, sizeof name);
	return mem_printf("%s/%s", round->place->path, name);
}

static void
tell_failure(
    struct round *round, const char *what, size_t index, const struct kube_reply *reply)
{
	char name[PART_NAME_MAX];

	name_part(round, index, name, sizeof name);
	log_error(round->job.failed, LOG_S("why", what),
	    LOG_S("namespace", round->place->namespace), LOG_S("configmap", name),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
	round->failed = true;
}

void
round_abort(struct round *round)
{
	parts_clear(&round->parts);
	round->runs = false;
}

static void
end_round(struct round *round)
{
	size_t parts = round->parts.count;

	round_abort(round);
	round->done(round->done_arg, round->failed, parts);
}

void
round_start(struct round *round, const struct round_place *place,
    const struct round_job *job, round_done_fn *done, void *arg)
{
	*round = (struct round){
	    .place = place, .job = *job, .runs = true, .done = done, .done_arg = arg};
	read_next(round);
}

static void
again(struct round *round, const struct kube_reply *reply)
{
	if (round->conflicts++ >= CONFLICTS_MAX) {
		tell_failure(round, "others write it all the time", round->at, reply);
		end_round(round);
		return;
	}
	parts_clear(&round->parts);
	round->at = 0;
	read_next(round);
}

static void
fill(struct round *round)
{
	size_t homeless = round->job.fill(round->job.of, &round->parts);

	if (homeless > 0) {
		char name[PART_NAME_MAX];

		name_part(round, 0, name, sizeof name);
		log_error(
		    round->job.full, LOG_S("configmap", name), LOG_N("keys", homeless));
		round->failed = true;
	}
	if (round->job.closes)
		parts_close(&round->parts);
	write_next(round);
}

static void
on_read(void *arg, const struct kube_reply *reply)
{
	struct round *round = arg;
	struct parts *parts = &round->parts;
	bool is_there = reply->error == 0 && reply->status == 200;
	bool is_not = reply->error == 0 && reply->status == 404;
	struct json_object *metadata = NULL;

	if (!is_there && !is_not) {
		tell_failure(round, "cannot be read", parts->count, reply);
		end_round(round);
		return;
	}
	if (is_not && (round->job.closes || parts->count >= round->job.parts_known)) {
		fill(round);
		return;
	}
	if (is_there) {
		/* who wrote which field is the server's to know */
		json_object_object_get_ex(reply->json, "metadata", &metadata);
		if (json_object_is_type(metadata, json_type_object))
			json_object_object_del(metadata, "managedFields");
		parts->objects[parts->count] = json_object_get(reply->json);
		round->keys[parts->count] = part_keys(reply->json);
	}
	parts->count++;
	if (parts->count < PARTS_MAX)
		read_next(round);
	else
		fill(round);
}

static void
read_next(struct round *round)
{
	char *path = part_path(round, round->parts.count);
	struct kube_call call = {.method = "GET", .path = path};

	round->place->call(round->place->arg, &call, NULL, on_read, round);
	free(path);
}

static void
on_written(void *arg, const struct kube_reply *reply)
{
	struct round *round = arg;

	bool is_update = !part_is_new(round->parts.objects[round->at]);

	/* another one, or it was deleted since */
	if (reply->error == 0 &&
	    (reply->status == 409 || (reply->status == 404 && is_update))) {
		again(round, reply);
		return;
	}
	if (reply->error != 0 || reply->status < 200 || reply->status > 299) {
		tell_failure(round, "cannot be written", round->at, reply);
		parts_disclaim(&round->parts);
	}
	if (reply->error != 0) {
		/* nobody would answer for the other parts either */
		end_round(round);
		return;
	}
	round->parts.changed[round->at] = false;
	write_next(round);
}

static void
send_part(struct round *round, const struct kube_call *call, bool is_new)
{
	char name[PART_NAME_MAX], before[32] = "null", after[64];
	struct store_change change = {
	    .configmap = name,
	    .why = round->job.why,
	    .before = before,
	    .after = after,
	};

	name_part(round, round->at, name, sizeof name);
	if (!is_new)
		snprintf(
		    before, sizeof before, "{\"keys\":%zu}", round->keys[round->at]);
	snprintf(after, sizeof after, "{\"keys\":%zu%s}",
	    part_keys(round->parts.objects[round->at]),
	    round->job.closes ? ",\"immutable\":true" : "");
	round->place->call(round->place->arg, call, &change, on_written, round);
}

/* json-c keeps the text that it has made of an object as long as that: so this is an
 * object of its own, which lives no longer than it is needed. */
static struct json_object *
copy_to_print(struct json_object *part)
{
	struct json_object *copy = json_object_new_object();

	json_object_object_foreach(part, key, value)
		json_object_object_add(copy, key, json_object_get(value));
	return copy;
}

static void
write_next(struct round *round)
{
	struct kube_call call = {0};
	struct json_object *copy;
	char *path;

	round->at = parts_next(&round->parts);
	if (round->at == round->parts.count) {
		end_round(round);
		return;
	}
	copy = copy_to_print(round->parts.objects[round->at]);
	call.body = json_object_to_json_string_ext(
	    copy, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	call.method = part_is_new(round->parts.objects[round->at]) ? "POST" : "PUT";
	path = call.method[1] == 'O' ? mem_strdup(round->place->path)
				     : part_path(round, round->at);
	call.path = path;
	send_part(round, &call, call.method[1] == 'O');
	json_object_put(copy);
	free(path);
}
