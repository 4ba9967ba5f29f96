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
	struct watched_filter filter;
	size_t missed; /* notes that it had no room for, not yet told */
	bool writes;   /* it does not only note */
	bool lost;     /* something, since the last write */
	int64_t reread_s;
	int64_t now_s, read_s; /* of this write, and of the last good one of `hour` */
	enum step step;	       /* the next one */
	struct round_place place;
	struct round round;
	struct hour *writing; /* its, and perhaps nobody else's; NULL: none runs */
	bool closes;	      /* it is the last time */
	struct sweep *sweep;
	bool sweep_due;
	bool last; /* nobody writes afterwards */
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
	store->filter = options->filter;
	store->reread_s = options->reread_s;
	store->sweep_due = true;
	store->step = STEP_IDLE;
	return store;
}

/* Of an hour that was being written: it may have been given up meanwhile. */
static void
forget_writing(struct store *store)
{
	if (store->writing != store->hour && store->writing != store->old)
		hour_free(store->writing);
	store->writing = NULL;
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	round_abort(&store->round);
	forget_writing(store);
	hour_free(store->hour);
	hour_free(store->old);
	sweep_free(store->sweep);
	free(store->namespace);
	free(store->path);
	free(store);
}

/* --- the hour -----------------------------------------------------------------------
 */

static void
tell_missed(struct store *store)
{
	if (store->missed == 0)
		return;
	log_error("footprint_hour_full", LOG_S("hour", hour_name(store->hour)),
	    LOG_N("missed", (int64_t)store->missed));
	store->missed = 0;
	store->lost = true;
}

/* False: it has nothing that is not written. */
static bool
tell_lost(const struct hour *hour)
{
	if (!hour_is_due(hour))
		return false;
	log_error("footprint_hour_lost", LOG_S("hour", hour_name(hour)));
	return true;
}

/* One old hour is enough: it is closed within the next interval, or the server is out
 * of reach for an hour, or somebody else writes. What is being written still is. */
static void
drop_old(struct store *store)
{
	if (store->old == NULL || store->old == store->writing)
		return;
	if (store->writes && tell_lost(store->old))
		store->lost = true;
	hour_free(store->old);
}

static void
turn_hour(struct store *store, struct moment now)
{
	struct hour *hour = store->hour;
	char name[MOMENT_HOUR_MAX];

	moment_hour(now, name, sizeof name);
	if (hour != NULL && strcmp(hour_name(hour), name) == 0)
		return;
	if (hour != NULL)
		tell_missed(store);
	/* a clock that was set wrong is right again */
	if (store->old != NULL && strcmp(hour_name(store->old), name) == 0) {
		store->hour = store->old;
	} else {
		drop_old(store);
		store->hour = hour_new(name);
	}
	store->old = hour;
	store->parts_known = 0;
	store->sweep_due = true;
}

/* --- since when, until when ---------------------------------------------------------
 */

static int64_t
moment_ms(struct moment moment)
{
	return moment.seconds * 1000 + moment.nanos / 1000000;
}

static void
watch_hour(struct store *store, struct hour *hour, int64_t from_ms, int64_t until_ms)
{
	struct watched_span span = {
	    .from = {from_ms}, .until = {until_ms}, .filter = store->filter};

	if (from_ms < until_ms)
		hour_watch(hour, &span);
}

static bool
is_of(const struct hour *hour, int64_t ms)
{
	char name[MOMENT_HOUR_MAX];

	moment_hour((struct moment){ms / 1000, 0}, name, sizeof name);
	return hour != NULL && strcmp(hour_name(hour), name) == 0;
}

void
store_watch(struct store *store, struct moment since, struct moment until)
{
	int64_t start_ms = moment_ms(moment_hour_start(until));
	int64_t since_ms = moment_ms(since), until_ms = moment_ms(until);
	struct hour *old = store->old;
	int64_t old_ms = old != NULL ? hour_watched_until(old).ms : 0;
	struct hour *hour = is_of(store->hour, until_ms) ? store->hour
			    : is_of(old, until_ms)	 ? old
							 : NULL;

	if (hour != NULL)
		watch_hour(
		    store, hour, since_ms < start_ms ? start_ms : since_ms, until_ms);
	if (since_ms > old_ms)
		old_ms = since_ms;
	if (old_ms < start_ms && is_of(old, start_ms - 1) &&
	    until_ms - old_ms < STORE_SILENCE_MS)
		watch_hour(store, old, old_ms, start_ms - 1);
}

/* Of the rest of the old hour nothing more will be told. */
static bool
is_over(const struct store *store, int64_t now_ms)
{
	int64_t until_ms = hour_watched_until(store->old).ms;
	int64_t silent_ms = now_ms - until_ms;

	return until_ms == 0 || !is_of(store->old, until_ms + 1) ||
	       silent_ms >= STORE_SILENCE_MS || silent_ms < 0;
}

/* News of the old hour may come when it has turned: what comes before its end was heard
 * is noted in both. What comes too late for that ends what is claimed of it. */
static void
note_late(struct store *store, const char *namespace, const char *pod, const char *node,
    struct moment now)
{
	int64_t now_ms = moment_ms(now);

	if (store->old == NULL ||
	    !is_of(store->old, moment_ms(moment_hour_start(now)) - 1))
		return;
	if (is_over(store, now_ms))
		hour_leave(store->old);
	else
		hour_note(store->old, namespace, pod, node); /* or it claims nothing */
}

void
store_note(struct store *store, const char *namespace, const char *pod,
    const char *node, struct moment now)
{
	int rc;

	turn_hour(store, now);
	note_late(store, namespace, pod, node, now);
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

	if (!failed)
		hour_written(hour);
	if (hour == store->hour && !failed) {
		store->parts_known = parts;
		store->read_s = store->now_s;
	} else if (hour == store->old && !failed) {
		if (store->closes && !hour_is_due(hour))
			store->old = NULL;
	} else if (hour != store->hour && hour != store->old) {
		failed = tell_lost(hour) || failed;
	}
	store->failed = store->failed || failed;
	forget_writing(store);
	go_on(store);
}

static void
begin_round(struct store *store, struct hour *hour)
{
	struct round_job job;

	store->closes = hour == store->old && is_over(store, store->now_s * 1000);
	job = (struct round_job){
	    .of = hour,
	    .name = name_part,
	    .fill = fill,
	    .failed = "footprint_not_stored",
	    .full = "footprint_hour_full",
	    .why = store->closes ? "the hour is over" : "pods were seen",
	    .closes = store->closes,
	    .parts_known = hour == store->old ? 0 : store->parts_known,
	};

	store->writing = hour;
	round_start(&store->round, &store->place, &job, on_round, store);
}

/* --- an interval --------------------------------------------------------------------
 */

/* What others have done to the hour is put right at times. */
static bool
is_due(const struct store *store)
{
	int64_t since_s = store->now_s - store->read_s;
	bool rereads = !store->last && (since_s < 0 || since_s >= store->reread_s);

	return store->hour != NULL &&
	       (hour_is_due(store->hour) || hour_is_untold(store->hour) || rereads);
}

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
		if (store->old != NULL &&
		    (is_over(store, store->now_s * 1000) || hour_is_due(store->old) ||
			hour_is_untold(store->old)))
			begin_round(store, store->old);
		else
			go_on(store);
		return;
	case STEP_HOUR:
		if (is_due(store))
			begin_round(store, store->hour);
		else
			go_on(store);
		return;
	case STEP_SWEEP:
		if (store->sweep_due && store->hour != NULL && !store->failed &&
		    !store->last) {
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
	store->writes = true;
	store->now_s = now.seconds;
	if (store->hour != NULL) {
		turn_hour(store, now);
		tell_missed(store);
	}
	store->failed = store->lost;
	store->lost = false;
	store->done = done;
	store->done_arg = arg;
	store->step = STEP_OLD;
	go_on(store);
	return true;
}

bool
store_write_last(struct store *store, struct moment now, store_done_fn *done, void *arg)
{
	store->last = true;
	if (store->hour != NULL)
		hour_end(store->hour);
	if (store->old != NULL)
		hour_end(store->old);
	sweep_end(store->sweep);
	return store_write(store, now, done, arg);
}

void
store_abort(struct store *store)
{
	round_abort(&store->round);
	forget_writing(store);
	sweep_abort(store->sweep);
	store->step = STEP_IDLE;
	store->done = NULL;
	store->writes = store->failed = store->lost = false;
	store->read_s = 0;
}
