/* Where addresses were, as the days' ConfigMaps say (footprint/day.h). Days are added
 * as they are asked for. Pure. */
#ifndef IPW_CTL_HISTORY_H
#define IPW_CTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "day.h"
#include "stay.h"

struct json_object;
struct history;

/* Days that are looked at for one answer; what was before that is not asked for. */
#define HISTORY_DAYS_MAX 400u

/* Addresses: those that as many writers as this can note in a day; of more nothing is
 * taken. */
#define HISTORY_ADDRESSES_MAX (4u * DAY_ADDRESSES_MAX)

struct history *history_new(void);
void history_free(struct history *history);

/* What is wrong with a ConfigMap: `text` is a sentence's rest. */
typedef void history_problem_fn(
    void *arg, const char *configmap, const char *key, const char *text);

/* The day's ConfigMaps, in order, borrowed; none: `count` is 0. Of an address that has
 * a line which is no stay of that day nothing is taken, for that day: what stood there
 * is not known. */
void history_add_day(struct history *history, const char *date,
    struct json_object *const *parts, size_t count, history_problem_fn *fn, void *arg);
/* False: it was not added, or has no ConfigMap. */
bool history_has_day(const struct history *history, const char *date);

/* There was no address too many. */
bool history_is_whole(const struct history *history);
/* No further day can be added. */
bool history_is_full(const struct history *history);

/* Addresses of all days, in no order; more when a day is added, the others in their
 * place. */
size_t history_addresses(const struct history *history);
const char *history_address(const struct history *history, size_t index);

struct history_answer {
	bool known;
	/* Known: what was so at that time, from and until of all that touches it at the
	 * same node, over midnights too. `operation` is of its beginning. */
	struct stay stay;
	char source[DAY_NAME_MAX]; /* the ConfigMap that says so */
	/* Not known: the last that is known before and the first after, if any, of that
	 * day and those beside it. */
	bool has_before, has_after;
	struct stay before, after;
};

/* `address` in its usual form. Returns 0, or -EAGAIN and a day that has to be added
 * first. */
int history_find(const struct history *history, const char *address, int64_t at_ms,
    struct history_answer *ret_answer, char ret_date[DAY_DATE_MAX]);

#endif
