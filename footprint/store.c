#include "store.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hour.h"
#include "log.h"
#include "mem.h"
#include "sweep.h"

/* How often somebody else may have written in between before it waits for the next
 * interval. */
#define CONFLICTS_MAX 5

/* One reading and writing of an hour's ConfigMaps. */
struct round {
	struct hour *hour; /* NULL: none goes on */
	bool closes;
	struct hour_parts parts;
	size_t keys[HOUR_PARTS_MAX]; /* of the parts as they were read */
	size_t at;		     /* the part that is written */
	int conflicts;
	bool failed;
};

/* Of one interval, in this order; each that is over goes on with the next. */
enum step { STEP_OLD, STEP_HOUR, STEP_SWEEP, STEP_END, STEP_IDLE };

struct store {
	struct store_options options;
	char *namespace;
	char *path;	    /* of the ConfigMaps */
	struct hour *hour;  /* what is noted goes here; NULL: nothing was, yet */
	struct hour *old;   /* the one before, not yet closed */
	size_t parts_known; /* of `hour` */
	size_t missed;	    /* notes that it had no room for, not yet told */
	enum step step;	    /* the next one */
	struct round round;
	struct sweep *sweep;
	bool sweep_due;
	bool failed;
	store_done_fn *done;
	void *done_arg;
};

static void read_next(struct store *store);
static void write_next(struct store *store);
static void go_on(struct store *store);

struct store *
store_new(const struct store_options *options)
{
	struct store *store = mem_calloc(1, sizeof *store);

	store->options = *options;
	store->path =
	    mem_printf("/api/v1/namespaces/%s/configmaps", options->namespace);
	store->namespace = mem_strdup(options->namespace);
	store->options.namespace = store->namespace;
	store->sweep = sweep_new(&store->options, store->path);
	store->sweep_due = true;
	store->step = STEP_IDLE;
	return store;
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	hour_parts_clear(&store->round.parts);
	hour_free(store->hour);
	hour_free(store->old);
	sweep_free(store->sweep);
	free(store->namespace);
	free(store->path);
	free(store);
}

/* --- the hour -----------------------------------------------------------------------
 */

/* One old hour is enough: it is closed within the next interval, or the server is out
 * of reach for an hour, or somebody else writes. */
static void
turn_hour(struct store *store, struct moment now)
{
	char name[MOMENT_HOUR_MAX];

	moment_hour(now, name, sizeof name);
	if (store->hour != NULL && strcmp(hour_name(store->hour), name) == 0)
		return;
	if (store->old != NULL && store->round.hour != store->old) {
		if (store->failed)
			log_error("footprint_hour_lost",
			    LOG_S("hour", hour_name(store->old)));
		hour_free(store->old);
		store->old = NULL;
	} else if (store->old != NULL) {
		return; /* it is being written right now: the next note turns the hour
			 */
	}
	store->old = store->hour;
	store->hour = hour_new(name);
	store->parts_known = 0;
	store->missed = 0;
	store->sweep_due = true;
}

void
store_note(struct store *store, const char *namespace, const char *pod,
    const char *node, struct moment now)
{
	int rc;

	turn_hour(store, now);
	rc = hour_note(store->hour, namespace, pod, node);
	if (rc == -ENOSPC)
		store->missed++;
	else if (rc < 0)
		log_warn("footprint_key_refused", LOG_S("namespace", namespace),
		    LOG_S("pod", pod));
}

/* --- a round ------------------------------------------------------------------------
 */

static char *
part_path(const struct store *store, size_t index)
{
	char name[HOUR_NAME_MAX];

	hour_part_name(hour_name(store->round.hour), index, name, sizeof name);
	return mem_printf("%s/%s", store->path, name);
}

static void
tell_failure(
    struct store *store, const char *what, size_t index, const struct kube_reply *reply)
{
	char name[HOUR_NAME_MAX];

	hour_part_name(hour_name(store->round.hour), index, name, sizeof name);
	log_error("footprint_not_stored", LOG_S("why", what),
	    LOG_S("namespace", store->namespace), LOG_S("configmap", name),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
	store->round.failed = true;
}

static void
end_round(struct store *store)
{
	struct round *round = &store->round;

	store->failed = store->failed || round->failed;
	if (round->hour == store->hour)
		store->parts_known = round->parts.count;
	if (round->hour == store->old && !round->failed) {
		hour_free(store->old);
		store->old = NULL;
	}
	hour_parts_clear(&round->parts);
	round->hour = NULL;
}

static void
begin_round(struct store *store, struct hour *hour)
{
	store->round = (struct round){.hour = hour, .closes = hour == store->old};
	read_next(store);
}

static void
again(struct store *store, const struct kube_reply *reply)
{
	struct round *round = &store->round;

	if (round->conflicts++ >= CONFLICTS_MAX) {
		tell_failure(store, "others write it all the time", round->at, reply);
		end_round(store);
		go_on(store);
		return;
	}
	hour_parts_clear(&round->parts);
	round->at = 0;
	read_next(store);
}

static void
fill(struct store *store)
{
	struct round *round = &store->round;
	size_t homeless = hour_fill(round->hour, &round->parts);

	if (homeless > 0) {
		log_error("footprint_hour_full", LOG_S("hour", hour_name(round->hour)),
		    LOG_N("pods", homeless));
		round->failed = true;
	}
	if (round->closes)
		hour_close(&round->parts);
	round->at = 0;
	write_next(store);
}

static void
on_read(void *arg, const struct kube_reply *reply)
{
	struct store *store = arg;
	struct round *round = &store->round;
	struct hour_parts *parts = &round->parts;
	bool is_there = reply->error == 0 && reply->status == 200;
	bool is_not = reply->error == 0 && reply->status == 404;
	struct json_object *metadata = NULL;

	if (!is_there && !is_not) {
		tell_failure(store, "cannot be read", parts->count, reply);
		end_round(store);
		go_on(store);
		return;
	}
	if (is_not && (round->closes || parts->count >= store->parts_known)) {
		fill(store);
		return;
	}
	if (is_there) {
		/* who wrote which field is the server's to know */
		if (json_object_object_get_ex(reply->json, "metadata", &metadata))
			json_object_object_del(metadata, "managedFields");
		parts->objects[parts->count] = json_object_get(reply->json);
		round->keys[parts->count] = hour_part_keys(reply->json);
	}
	parts->count++;
	if (parts->count < HOUR_PARTS_MAX)
		read_next(store);
	else
		fill(store);
}

static void
read_next(struct store *store)
{
	char *path = part_path(store, store->round.parts.count);
	struct kube_call call = {.method = "GET", .path = path};

	store->options.call(store->options.arg, &call, NULL, on_read, store);
	free(path);
}

static bool
is_new(struct json_object *part)
{
	struct json_object *metadata = NULL;

	json_object_object_get_ex(part, "metadata", &metadata);
	return !json_object_object_get_ex(metadata, "resourceVersion", NULL);
}

static void
on_written(void *arg, const struct kube_reply *reply)
{
	struct store *store = arg;
	struct round *round = &store->round;

	bool is_update = !is_new(round->parts.objects[round->at]);

	/* another one, or it was deleted since */
	if (reply->error == 0 &&
	    (reply->status == 409 || (reply->status == 404 && is_update))) {
		again(store, reply);
		return;
	}
	if (reply->error != 0 || reply->status < 200 || reply->status > 299)
		tell_failure(store, "cannot be written", round->at, reply);
	if (reply->error != 0) {
		/* nobody would answer for the other parts either */
		end_round(store);
		go_on(store);
		return;
	}
	round->at++;
	write_next(store);
}

static void
send_part(struct store *store, const struct kube_call *call, bool is_new)
{
	struct round *round = &store->round;
	char name[HOUR_NAME_MAX], before[32] = "null", after[64];
	struct store_change change = {
	    .configmap = name,
	    .why = round->closes ? "the hour is over" : "pods were seen",
	    .before = before,
	    .after = after,
	};

	hour_part_name(hour_name(round->hour), round->at, name, sizeof name);
	if (!is_new)
		snprintf(
		    before, sizeof before, "{\"keys\":%zu}", round->keys[round->at]);
	snprintf(after, sizeof after, "{\"keys\":%zu%s}",
	    hour_part_keys(round->parts.objects[round->at]),
	    round->closes ? ",\"immutable\":true" : "");
	store->options.call(store->options.arg, call, &change, on_written, store);
}

static void
write_next(struct store *store)
{
	struct round *round = &store->round;
	struct kube_call call = {0};
	char *path;

	while (round->at < round->parts.count && !round->parts.changed[round->at])
		round->at++;
	if (round->at == round->parts.count) {
		end_round(store);
		go_on(store);
		return;
	}
	call.body = json_object_to_json_string_ext(round->parts.objects[round->at],
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	call.method = is_new(round->parts.objects[round->at]) ? "POST" : "PUT";
	path = call.method[1] == 'O' ? mem_strdup(store->path)
				     : part_path(store, round->at);
	call.path = path;
	send_part(store, &call, call.method[1] == 'O');
	free(path);
}

/* --- an interval --------------------------------------------------------------------
 */

static void
on_swept(void *arg, bool failed)
{
	struct store *store = arg;

	(void)failed; /* it has said so, and what was seen is stored all the same */
	go_on(store);
}

static void
finish(struct store *store)
{
	store_done_fn *done = store->done;

	store->done = NULL;
	if (done != NULL)
		done(store->done_arg, store->failed);
}

/* The next of the steps that has something to do. */
static void
go_on(struct store *store)
{
	switch (store->step++) {
	case STEP_OLD:
		if (store->old != NULL)
			begin_round(store, store->old);
		else
			go_on(store);
		return;
	case STEP_HOUR:
		if (store->hour != NULL)
			begin_round(store, store->hour);
		else
			go_on(store);
		return;
	case STEP_SWEEP:
		if (store->sweep_due && store->hour != NULL && !store->failed) {
			store->sweep_due = false;
			sweep_start(
			    store->sweep, hour_name(store->hour), on_swept, store);
		} else {
			go_on(store);
		}
		return;
	case STEP_END:
		finish(store);
		return;
	case STEP_IDLE:
		break;
	}
	assert(0);
}

bool
store_write(struct store *store, struct moment now, store_done_fn *done, void *arg)
{
	if (store->step != STEP_IDLE)
		return false;
	store->failed = store->missed > 0;
	if (store->missed > 0)
		log_error("footprint_hour_full", LOG_S("hour", hour_name(store->hour)),
		    LOG_N("missed", store->missed));
	store->missed = 0;
	if (store->hour != NULL)
		turn_hour(store, now);
	store->done = done;
	store->done_arg = arg;
	store->step = STEP_OLD;
	go_on(store);
	return true;
}

void
store_abort(struct store *store)
{
	hour_parts_clear(&store->round.parts);
	store->round.hour = NULL;
	sweep_abort(store->sweep);
	store->step = STEP_IDLE;
	store->done = NULL;
}
