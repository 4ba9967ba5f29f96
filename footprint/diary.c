#include "diary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "sweep.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* A day that nobody has ended, and then some. */
#define OVER_S (26 * 3600)

/* Of one time, in this order; each that is over goes on with the next. */
enum step { STEP_BEFORE, STEP_TODAY, STEP_SWEEP, STEP_END, STEP_IDLE };

struct diary {
	char *namespace;
	char *path; /* of the ConfigMaps */
	struct round_place place;
	struct day *today; /* NULL: nothing was seen, yet */
	struct day *before;
	size_t parts_known; /* of today */
	size_t missed;	    /* that today has no room for */
	enum step step;	    /* the next one */
	struct wall_time now;
	struct round round;
	struct day *writing; /* its; NULL: none runs */
	bool closes;	     /* it is the last time */
	struct sweep *sweep;
	bool sweep_due;
	bool last; /* nobody writes afterwards */
	bool failed;
	diary_done_fn *done;
	void *done_arg;
};

static const struct sweep_kind sweep_kind = {
    .prefix = DAY_PREFIX,
    .digits = DAY_DATE_MAX - 1,
    .selector = DAY_SELECTOR,
    .over_s = OVER_S,
    .deleted = "history_deleted",
    .failed = "history_not_cleaned",
};

static void go_on(struct diary *diary);

struct diary *
diary_new(const struct diary_options *options)
{
	struct diary *diary = mem_calloc(1, sizeof *diary);

	diary->namespace = mem_strdup(options->namespace);
	diary->path =
	    mem_printf("/api/v1/namespaces/%s/configmaps", options->namespace);
	diary->place = (struct round_place){
	    diary->namespace, diary->path, options->call, options->arg};
	diary->sweep = sweep_new(&diary->place, &sweep_kind,
	    &(struct sweep_limits){.retention_s = options->retention_s});
	diary->sweep_due = true;
	diary->step = STEP_IDLE;
	return diary;
}

static void
forget_days(struct diary *diary)
{
	day_free(diary->today);
	day_free(diary->before);
	diary->today = diary->before = NULL;
	diary->parts_known = 0;
}

void
diary_free(struct diary *diary)
{
	if (diary == NULL)
		return;
	round_abort(&diary->round);
	forget_days(diary);
	sweep_free(diary->sweep);
	free(diary->namespace);
	free(diary->path);
	free(diary);
}

void
diary_forget(struct diary *diary)
{
	round_abort(&diary->round);
	sweep_abort(diary->sweep);
	forget_days(diary);
	diary->writing = NULL;
	diary->step = STEP_IDLE;
	diary->done = NULL;
	diary->sweep_due = true;
}

/* --- what was seen ------------------------------------------------------------------
 */

/* False: a write of the day before is under way, or what was seen is older than today.
 */
static bool
turn_day(struct diary *diary, const char *date)
{
	int order = diary->today != NULL ? strcmp(date, day_name(diary->today)) : 1;

	if (order <= 0)
		return order == 0;
	if (diary->before != NULL && diary->writing == diary->before)
		return false;
	if (diary->before != NULL)
		log_error("history_day_lost", LOG_S("date", day_name(diary->before)));
	day_free(diary->before);
	diary->before = diary->today;
	diary->today = day_new(date);
	diary->parts_known = 0;
	diary->missed = 0;
	diary->sweep_due = true;
	return true;
}

static bool
is_of(const struct day *day, struct wall_time time)
{
	char date[DAY_DATE_MAX];

	day_date(time, date, sizeof date);
	return strcmp(day_name(day), date) == 0;
}

/* What began before midnight, or went on over it, is of both days. */
static void
divide(struct diary *diary, const char *address, struct stay *seen)
{
	struct wall_time midnight = {seen->until.ms - seen->until.ms % DAY_MS};
	struct wall_time evening = {midnight.ms - 1};
	struct day *before = diary->before != NULL && is_of(diary->before, evening)
				 ? diary->before
				 : NULL;
	const struct stay *last = before != NULL ? day_last(before, address) : NULL;
	bool begun_before = seen->from.ms < midnight.ms;
	struct stay rest = *seen;

	if (begun_before) {
		rest.until = evening;
		if (before != NULL)
			day_see(before, address, &rest);
	} else if (last != NULL && !seen->operation && stay_is_there(last, seen) &&
		   seen->until.ms - last->until.ms < DAY_GAP_MS) {
		day_extend(before, address, evening);
	} else {
		return;
	}
	seen->from = midnight;
	seen->operation = false;
}

void
diary_see(struct diary *diary, const char *address, const struct stay *seen)
{
	struct stay stay = *seen;
	char date[DAY_DATE_MAX];

	day_date(seen->until, date, sizeof date);
	if (!turn_day(diary, date))
		return;
	/* how it came there is remembered for long, but not that it has been there
	 * since */
	if (stay.until.ms - stay.from.ms >= DAY_GAP_MS) {
		stay.from = stay.until;
		stay.operation = false;
	}
	if (day_last(diary->today, address) == NULL)
		divide(diary, address, &stay);
	else if (stay.from.ms < stay.until.ms - stay.until.ms % DAY_MS)
		stay.from.ms = stay.until.ms - stay.until.ms % DAY_MS;
	if (!day_see(diary->today, address, &stay))
		diary->missed++;
}

/* --- its ConfigMaps -----------------------------------------------------------------
 */

static void
name_part(const void *of, size_t index, char *out, size_t out_size)
{
	day_part_name(day_name(of), index, out, out_size);
}

static size_t
fill(void *of, struct parts *parts)
{
	return day_fill(of, parts);
}

static void
on_round(void *arg, bool failed, size_t parts)
{
	struct diary *diary = arg;
	struct day *day = diary->writing;

	diary->writing = NULL;
	diary->failed = diary->failed || failed;
	if (!failed)
		day_written(day);
	if (day == diary->today)
		diary->parts_known = parts;
	if (day == diary->before && diary->closes && !failed) {
		day_free(diary->before);
		diary->before = NULL;
	}
	go_on(diary);
}

static void
begin_round(struct diary *diary, struct day *day)
{
	struct round_job job = {
	    .of = day,
	    .name = name_part,
	    .fill = fill,
	    .failed = "history_not_stored",
	    .full = "history_day_full",
	    .why = diary->closes ? "the day is over" : "addresses were seen",
	    .closes = diary->closes,
	    .parts_known = day == diary->today ? diary->parts_known : 0,
	};

	diary->writing = day;
	round_start(&diary->round, &diary->place, &job, on_round, diary);
}

/* The last ones of a day may be seen after midnight. */
static bool
is_over(const struct diary *diary)
{
	return diary->before != NULL && diary->now.ms % DAY_MS >= DAY_GAP_MS;
}

static bool
is_due(const struct day *day)
{
	return day != NULL && day_is_due(day);
}

static void
on_swept(void *arg, bool failed)
{
	struct diary *diary = arg;

	(void)failed; /* it has said so, and what was seen is stored all the same */
	go_on(diary);
}

/* The next of the steps that has something to do. */
static void
go_on(struct diary *diary)
{
	diary_done_fn *done = diary->done;

	switch (diary->step++) {
	case STEP_BEFORE:
		diary->closes = is_over(diary);
		if (diary->closes || is_due(diary->before))
			begin_round(diary, diary->before);
		else
			go_on(diary);
		return;
	case STEP_TODAY:
		diary->closes = false;
		if (is_due(diary->today))
			begin_round(diary, diary->today);
		else
			go_on(diary);
		return;
	case STEP_SWEEP:
		if (diary->sweep_due && !diary->failed && !diary->last) {
			diary->sweep_due = false;
			sweep_start(
			    diary->sweep, day_name(diary->today), on_swept, diary);
		} else {
			go_on(diary);
		}
		return;
	case STEP_END:
		diary->done = NULL;
		done(diary->done_arg, diary->failed);
		return;
	case STEP_IDLE:
		break;
	}
	assert(0);
}

bool
diary_write(struct diary *diary, struct wall_time now, diary_done_fn *done, void *arg)
{
	diary->now = now;
	if (diary->step != STEP_IDLE || diary->today == NULL ||
	    (!is_over(diary) && !is_due(diary->before) && !is_due(diary->today) &&
		(!diary->sweep_due || diary->last)))
		return false;
	diary->failed = diary->missed > 0;
	if (diary->missed > 0)
		log_error("history_day_full", LOG_S("date", day_name(diary->today)),
		    LOG_N("missed", diary->missed));
	diary->missed = 0;
	diary->done = done;
	diary->done_arg = arg;
	diary->step = STEP_BEFORE;
	go_on(diary);
	return true;
}

bool
diary_write_last(
    struct diary *diary, struct wall_time now, diary_done_fn *done, void *arg)
{
	diary->last = true;
	sweep_end(diary->sweep);
	return diary_write(diary, now, done, arg);
}
