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

/* Of one interval, in this order; each that is over goes on with the next. */
enum step { STEP_OLD, STEP_HOUR, STEP_SWEEP, STEP_END, STEP_IDLE };

struct store {
	char *namespace;
	char *path;	    /* of the ConfigMaps */
	struct hour *hour;  /* what is noted goes here; NULL: nothing was, yet */
	struct hour *old;   /* the one before, not yet closed */
	size_t parts_known; /* of `hour` */
	size_t missed;	    /* notes that it had no room for, not yet told */
	enum step step;	    /* the next one */
	struct round_place place;
	struct round round;
	struct hour *writing; /* its; NULL: none runs */
	struct sweep *sweep;
	bool sweep_due;
	bool failed;
	store_done_fn *done;
	void *done_arg;
};

/* An hour of local time lasts two where clocks are set back. */
static const struct sweep_kind sweep_kind = {
    .prefix = HOUR_PREFIX,
    .digits = 10,
    .selector = HOUR_SELECTOR,
    .over_s = 2 * 3600,
    .deleted = "footprints_deleted",
    .failed = "footprints_not_cleaned",
};

static void go_on(struct store *store);

struct store *
store_new(const struct store_options *options)
{
	struct store *store = mem_calloc(1, sizeof *store);

	store->path =
	    mem_printf("/api/v1/namespaces/%s/configmaps", options->namespace);
	store->namespace = mem_strdup(options->namespace);
	store->place = (struct round_place){
	    store->namespace, store->path, options->call, options->arg};
	store->sweep = sweep_new(&store->place, &sweep_kind,
	    &(struct sweep_limits){options->retention_s, options->bytes_max});
	store->sweep_due = true;
	store->step = STEP_IDLE;
	return store;
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	round_abort(&store->round);
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
	if (store->old != NULL && store->writing != store->old) {
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

/* --- its ConfigMaps -----------------------------------------------------------------
 */

static void
name_part(const void *of, size_t index, char *out, size_t out_size)
{
	hour_part_name(hour_name(of), index, out, out_size);
}

static size_t
fill(void *of, struct parts *parts)
{
	return hour_fill(of, parts);
}

static void
on_round(void *arg, bool failed, size_t parts)
{
	struct store *store = arg;
	struct hour *hour = store->writing;

	store->writing = NULL;
	store->failed = store->failed || failed;
	if (hour == store->hour)
		store->parts_known = parts;
	if (hour == store->old && !failed) {
		hour_free(store->old);
		store->old = NULL;
	}
	go_on(store);
}

static void
begin_round(struct store *store, struct hour *hour)
{
	bool closes = hour == store->old;
	struct round_job job = {
	    .of = hour,
	    .name = name_part,
	    .fill = fill,
	    .failed = "footprint_not_stored",
	    .full = "footprint_hour_full",
	    .why = closes ? "the hour is over" : "pods were seen",
	    .closes = closes,
	    .parts_known = closes ? 0 : store->parts_known,
	};

	store->writing = hour;
	round_start(&store->round, &store->place, &job, on_round, store);
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
	round_abort(&store->round);
	store->writing = NULL;
	sweep_abort(store->sweep);
	store->step = STEP_IDLE;
	store->done = NULL;
}
