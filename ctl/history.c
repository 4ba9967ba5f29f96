#include "history.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"
#include "question.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* Two stays with no more in between are one: a day's last and the next one's first. */
#define TOUCH_MS 1

struct kept {
	struct stay stay;
	unsigned part; /* of its day, from 0 */
};

struct row {
	char address[INET6_ADDRSTRLEN];
	struct kept *stays; /* by their beginning */
	size_t len, cap;
	/* while a day is added */
	size_t len_before;
	bool refused;
};

struct added_day {
	char date[DAY_DATE_MAX];
	bool is_there;
};

struct history {
	struct row *rows;
	size_t rows_len, rows_cap;
	struct json_object *index; /* address → place in rows */
	bool not_whole;
	struct added_day days[HISTORY_DAYS_MAX];
	size_t days_len;
};

struct history *
history_new(void)
{
	struct history *history = mem_calloc(1, sizeof *history);

	history->index = json_object_new_object();
	return history;
}

void
history_free(struct history *history)
{
	if (history == NULL)
		return;
	for (size_t i = 0; i < history->rows_len; i++)
		free(history->rows[i].stays);
	free(history->rows);
	json_object_put(history->index);
	free(history);
}

bool
history_is_whole(const struct history *history)
{
	return !history->not_whole;
}

bool
history_is_full(const struct history *history)
{
	return history->days_len == HISTORY_DAYS_MAX;
}

size_t
history_addresses(const struct history *history)
{
	return history->rows_len;
}

const char *
history_address(const struct history *history, size_t index)
{
	return history->rows[index].address;
}

static struct row *
find_row(const struct history *history, const char *address)
{
	struct json_object *at = json_read_member(history->index, address);

	return at != NULL ? &history->rows[json_object_get_int(at)] : NULL;
}

static const struct added_day *
find_day(const struct history *history, const char *date)
{
	for (size_t i = 0; i < history->days_len; i++)
		if (strcmp(history->days[i].date, date) == 0)
			return &history->days[i];
	return NULL;
}

bool
history_has_day(const struct history *history, const char *date)
{
	const struct added_day *day = find_day(history, date);

	return day != NULL && day->is_there;
}

/* --- reading ------------------------------------------------------------------------
 */

struct reading {
	struct history *history;
	const char *date;
	unsigned part;
	char name[DAY_NAME_MAX]; /* of the part */
	history_problem_fn *fn;
	void *arg;
};

static struct row *
make_row(struct history *history, const char *address)
{
	struct row *row;

	if (history->rows_len == history->rows_cap) {
		history->rows_cap = history->rows_cap > 0 ? 2 * history->rows_cap : 64;
		history->rows =
		    mem_realloc(history->rows, history->rows_cap, sizeof *row);
	}
	assert(history->rows != NULL);
	json_object_object_add(
	    history->index, address, json_object_new_int((int)history->rows_len));
	row = &history->rows[history->rows_len++];
	*row = (struct row){0};
	snprintf(row->address, sizeof row->address, "%s", address);
	return row;
}

static void
add_stay(struct row *row, const struct stay *stay, unsigned part)
{
	if (row->len == row->cap) {
		row->cap = row->cap > 0 ? 2 * row->cap : 4;
		row->stays = mem_realloc(row->stays, row->cap, sizeof *row->stays);
	}
	row->stays[row->len++] = (struct kept){*stay, part};
}

static bool
is_of_day(const struct stay *stay, const char *date)
{
	char first[DAY_DATE_MAX], last[DAY_DATE_MAX];

	day_date(stay->from, first, sizeof first);
	day_date(stay->until, last, sizeof last);
	return strcmp(first, date) == 0 && strcmp(last, date) == 0;
}

static void
read_value(const struct reading *reading, struct row *row, const char *key,
    struct json_object *value)
{
	const char *text = json_read_string(value);
	struct stay stay;
	int rc = text != NULL ? 1 : -EBADMSG;

	while (rc > 0) {
		rc = stay_next(&text, &stay);
		if (rc > 0 && !is_of_day(&stay, reading->date))
			rc = -EBADMSG;
		if (rc > 0)
			add_stay(row, &stay, reading->part);
	}
	if (rc == 0)
		return;
	row->refused = true;
	reading->fn(reading->arg, reading->name, key,
	    "has a line that is no stay of that day: it is not used");
}

static void
read_key(const struct reading *reading, const char *key, struct json_object *value)
{
	char text[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN];
	struct row *row;

	snprintf(text, sizeof text, "%s", key);
	for (char *at = text; *at != '\0'; at++)
		if (*at == '_')
			*at = ':';
	if (strlen(key) >= sizeof text || question_address(text, address) < 0) {
		reading->fn(reading->arg, reading->name, key,
		    "is the key of no address: it is not used");
		return;
	}
	row = find_row(reading->history, address);
	if (row == NULL && reading->history->rows_len == HISTORY_ADDRESSES_MAX) {
		reading->history->not_whole = true;
		reading->fn(reading->arg, reading->name, key,
		    "is one address too many: it is not used");
		return;
	}
	row = row != NULL ? row : make_row(reading->history, address);
	read_value(reading, row, key, value);
}

static int
compare_stays(const void *a, const void *b)
{
	const struct kept *one = a, *other = b;

	if (one->stay.from.ms != other->stay.from.ms)
		return one->stay.from.ms < other->stay.from.ms ? -1 : 1;
	return (one->stay.until.ms > other->stay.until.ms) -
	       (one->stay.until.ms < other->stay.until.ms);
}

/* What is written twice in one day, in two parts, is all of it. */
static void
end_day(struct history *history)
{
	for (size_t i = 0; i < history->rows_len; i++) {
		struct row *row = &history->rows[i];

		if (row->refused)
			row->len = row->len_before;
		row->refused = false;
		row->len_before = row->len;
		if (row->len > 0)
			qsort(row->stays, row->len, sizeof *row->stays, compare_stays);
	}
}

void
history_add_day(struct history *history, const char *date,
    struct json_object *const *parts, size_t count, history_problem_fn *fn, void *arg)
{
	struct reading reading = {
	    .history = history, .date = date, .fn = fn, .arg = arg};
	struct added_day *day;

	if (history_is_full(history))
		return;
	day = &history->days[history->days_len++];
	snprintf(day->date, sizeof day->date, "%s", date);
	day->is_there = count > 0;
	for (; reading.part < count; reading.part++) {
		struct json_object *data =
		    json_read_member(parts[reading.part], "data");

		day_part_name(date, reading.part, reading.name, sizeof reading.name);
		if (!json_object_is_type(data, json_type_object))
			continue;
		json_object_object_foreach(data, key, value)
			read_key(&reading, key, value);
	}
	end_day(history);
}

/* --- finding ------------------------------------------------------------------------
 */

struct search {
	const struct history *history;
	const struct row *row; /* NULL: no day has the address */
	char *date;	       /* that is needed */
};

/* False: the day that `ms` is in has to be added first. */
static bool
knows(const struct search *search, int64_t ms)
{
	char date[DAY_DATE_MAX];

	day_date((struct wall_time){ms}, date, sizeof date);
	if (history_is_full(search->history) || find_day(search->history, date) != NULL)
		return true;
	snprintf(search->date, DAY_DATE_MAX, "%s", date);
	return false;
}

static bool
touch(const struct kept *one, const struct kept *next)
{
	return strcmp(one->stay.node, next->stay.node) == 0 &&
	       next->stay.from.ms - one->stay.until.ms <= TOUCH_MS;
}

/* Who has another stay begin before the one before has ended has the later word. */
static const struct kept *
stay_at(const struct row *row, int64_t at_ms)
{
	const struct kept *found = NULL;

	for (size_t i = 0; row != NULL && i < row->len; i++)
		if (row->stays[i].stay.from.ms <= at_ms &&
		    row->stays[i].stay.until.ms >= at_ms)
			found = &row->stays[i];
	return found;
}

/* That a stay goes on at midnight is all that its line says of its beginning, unless
 * the day before says more. */
static int
extend(const struct search *search, const struct kept *found, struct stay *ret_stay)
{
	const struct kept *first = found, *last = found;
	const struct kept *end = search->row->stays + search->row->len;

	while (first > search->row->stays && touch(first - 1, first))
		first--;
	while (last + 1 < end && touch(last, last + 1))
		last++;
	if (first->stay.from.ms % DAY_MS == 0 &&
	    !knows(search, first->stay.from.ms - 1))
		return -EAGAIN;
	if (last->stay.until.ms % DAY_MS == DAY_MS - 1 &&
	    !knows(search, last->stay.until.ms + 1))
		return -EAGAIN;
	*ret_stay = found->stay;
	ret_stay->from = first->stay.from;
	ret_stay->until = last->stay.until;
	ret_stay->operation =
	    first->stay.operation && first->stay.from.ms % DAY_MS != 0;
	return 0;
}

static int
describe_gap(
    const struct search *search, int64_t at_ms, struct history_answer *ret_answer)
{
	const struct row *row = search->row;

	for (size_t i = 0; row != NULL && i < row->len; i++) {
		const struct stay *stay = &row->stays[i].stay;

		if (stay->until.ms < at_ms &&
		    (!ret_answer->has_before ||
			stay->until.ms >= ret_answer->before.until.ms)) {
			ret_answer->has_before = true;
			ret_answer->before = *stay;
		} else if (stay->from.ms > at_ms && !ret_answer->has_after) {
			ret_answer->has_after = true;
			ret_answer->after = *stay;
		}
	}
	if ((!ret_answer->has_before && !knows(search, at_ms - DAY_MS)) ||
	    (!ret_answer->has_after && !knows(search, at_ms + DAY_MS)))
		return -EAGAIN;
	return 0;
}

int
history_find(const struct history *history, const char *address, int64_t at_ms,
    struct history_answer *ret_answer, char ret_date[DAY_DATE_MAX])
{
	struct search search = {history, find_row(history, address), ret_date};
	struct history_answer answer = {0};
	const struct kept *found = stay_at(search.row, at_ms);
	char date[DAY_DATE_MAX];
	int rc;

	if (!knows(&search, at_ms))
		return -EAGAIN;
	if (found != NULL) {
		answer.known = true;
		day_date(found->stay.from, date, sizeof date);
		day_part_name(date, found->part, answer.source, sizeof answer.source);
		rc = extend(&search, found, &answer.stay);
	} else {
		rc = describe_gap(&search, at_ms, &answer);
	}
	if (rc == 0)
		*ret_answer = answer;
	return rc;
}
