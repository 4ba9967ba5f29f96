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
	size_t missed;	    /* that the days have no room for, not yet told */
	bool lost;	    /* something, since the last write */
	enum step step;	    /* the next one */
	struct wall_time now;
	struct round round;
	struct day *writing; /* its, and perhaps nobody else's; NULL: none runs */
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

/* Of a day that was being written: it may have been given up meanwhile. */
static void
forget_writing(struct diary *diary)
{
	if (diary->writing != diary->today && diary->writing != diary->before)
		day_free(diary->writing);
	diary->writing = NULL;
}

static void
forget_days(struct diary *diary)
{
	forget_writing(diary);
	day_free(diary->today);
	day_free(diary->before);
	diary->today = diary->before = NULL;
	diary->parts_known = diary->missed = 0;
	diary->lost = false;
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
	diary->step = STEP_IDLE;
	diary->done = NULL;
	diary->sweep_due = true;
}

/* --- what was seen ------------------------------------------------------------------
 */

/* False: it has nothing that is not written. */
static bool
tell_lost(const struct day *day)
{
	if (day_is_written(day))
		return false;
	log_error("history_day_lost", LOG_S("date", day_name(day)));
	return true;
}

/* What is being written still is. */
static void
drop_day(struct diary *diary, struct day *day)
{
	if (day == NULL || day == diary->writing)
		return;
	diary->lost = tell_lost(day) || diary->lost;
	day_free(day);
}

static void
set_today(struct diary *diary, struct day *day)
{
	diary->today = day;
	diary->parts_known = 0;
	diary->sweep_due = true;
}

static int
compare_day(const struct day *day, const char *date)
{
	return strcmp(day_name(day), date);
}

/* The day of that time, which is today but right after midnight, or where clocks were
 * set back: then what was today is yet to come, and goes, unless there is room. */
static struct day *
hold_day(struct diary *diary, struct wall_time time)
{
	char date[DAY_DATE_MAX];

	day_date(time, date, sizeof date);
	if (diary->today != NULL && compare_day(diary->today, date) == 0)
		return diary->today;
	if (diary->before != NULL && compare_day(diary->before, date) == 0)
		return diary->before;
	if (diary->today == NULL || compare_day(diary->today, date) < 0) {
		drop_day(diary, diary->before);
		diary->before = diary->today;
		set_today(diary, day_new(date));
		return diary->today;
	}
	if (diary->before == NULL)
		return diary->before = day_new(date);
	drop_day(diary, diary->today);
	if (compare_day(diary->before, date) < 0) {
		set_today(diary, day_new(date));
		return diary->today;
	}
	set_today(diary, diary->before);
	return diary->before = day_new(date);
}

/* The day before today; what is older is left. */
static struct day *
hold_before(struct diary *diary, struct wall_time evening)
{
	char date[DAY_DATE_MAX];

	day_date(evening, date, sizeof date);
	if (diary->before == NULL || compare_day(diary->before, date) != 0) {
		drop_day(diary, diary->before);
		diary->before = day_new(date);
	}
	return diary->before;
}

/* What began before midnight, or went on over it, is of both days. */
static void
divide(struct diary *diary, const char *address, struct stay *seen)
{
	struct wall_time midnight = {seen->until.ms - seen->until.ms % DAY_MS};
	struct wall_time evening = {midnight.ms - 1};
	bool begun_before = seen->from.ms < midnight.ms;
	struct day *before = begun_before ? hold_before(diary, evening) : diary->before;
	const struct stay *last = before != NULL ? day_last(before, address) : NULL;
	struct stay rest = *seen;

	if (begun_before) {
		rest.until = evening;
		if (!day_see(before, address, &rest))
			diary->missed++;
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
	struct wall_time midnight = {seen->until.ms - seen->until.ms % DAY_MS};
	struct day *day = hold_day(diary, seen->until);

	/* how it came there is remembered for long, but not that it has been there
	 * since */
	if (stay.until.ms - stay.from.ms >= DAY_GAP_MS) {
		stay.from = stay.until;
		stay.operation = false;
	}
	if (day == diary->today && day_last(day, address) == NULL)
		divide(diary, address, &stay);
	else if (stay.from.ms < midnight.ms)
		stay.from = midnight;
	if (!day_see(day, address, &stay))
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

	if (!failed)
		day_written(day);
	if (day == diary->today && !failed)
		diary->parts_known = parts;
	if (day == diary->before && diary->closes && !failed && day_is_written(day))
		diary->before = NULL;
	else if (day != diary->today && day != diary->before)
		failed = tell_lost(day) || failed;
	diary->failed = diary->failed || failed;
	forget_writing(diary);
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
	struct wall_time then = {diary->now.ms - DAY_GAP_MS};
	char date[DAY_DATE_MAX];

	day_date(then, date, sizeof date);
	return diary->before != NULL && compare_day(diary->before, date) < 0;
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
	char date[DAY_DATE_MAX];

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
			day_date(diary->now, date, sizeof date);
			sweep_start(diary->sweep, date, on_swept, diary);
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
	diary->failed = diary->lost || diary->missed > 0;
	if (diary->missed > 0)
		log_error("history_day_full", LOG_S("date", day_name(diary->today)),
		    LOG_N("missed", diary->missed));
	diary->missed = 0;
	diary->lost = false;
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
