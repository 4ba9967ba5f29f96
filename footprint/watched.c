#include "watched.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"
#include "stay.h"

/* Two spans with no more in between are one (ms): an hour's times are to the
 * millisecond. */
#define TOUCH_MS 1

struct watched_filter
watched_filter_of(const char *namespace, const char *name, const char *label)
{
	struct watched_filter filter;

	snprintf(filter.namespace, sizeof filter.namespace, "%s", namespace);
	snprintf(filter.name, sizeof filter.name, "%s", name);
	snprintf(filter.label, sizeof filter.label, "%s", label);
	return filter;
}

bool
watched_filter_is_all(const struct watched_filter *filter)
{
	return filter->namespace[0] == '\0' && filter->name[0] == '\0' &&
	       filter->label[0] == '\0';
}

bool
watched_filter_is_same(
    const struct watched_filter *one, const struct watched_filter *other)
{
	return strcmp(one->namespace, other->namespace) == 0 &&
	       strcmp(one->name, other->name) == 0 &&
	       strcmp(one->label, other->label) == 0;
}

static void
drop(struct watched *watched, size_t index)
{
	watched->len--;
	memmove(&watched->spans[index], &watched->spans[index + 1],
	    (watched->len - index) * sizeof watched->spans[0]);
}

void
watched_add(struct watched *watched, const struct watched_span *span)
{
	struct watched_span all = *span;
	size_t i = 0;

	while (i < watched->len) {
		const struct watched_span *one = &watched->spans[i];

		if (!watched_filter_is_same(&one->filter, &all.filter) ||
		    one->from.ms > all.until.ms + TOUCH_MS ||
		    all.from.ms > one->until.ms + TOUCH_MS) {
			i++;
			continue;
		}
		if (one->from.ms < all.from.ms)
			all.from = one->from;
		if (one->until.ms > all.until.ms)
			all.until = one->until;
		drop(watched, i);
		i = 0;
	}
	if (watched->len == WATCHED_SPANS_MAX)
		drop(watched, 0);
	for (i = watched->len; i > 0 && watched->spans[i - 1].from.ms > all.from.ms;
	     i--)
		watched->spans[i] = watched->spans[i - 1];
	watched->spans[i] = all;
	watched->len++;
}

/* --- the annotation -----------------------------------------------------------------
 */

static int
read_span(struct json_object *json, struct watched_span *span)
{
	struct watched_filter *filter = &span->filter;

	if (json_read_time(json, "from", &span->from) != 1 ||
	    json_read_time(json, "until", &span->until) != 1 ||
	    span->until.ms < span->from.ms ||
	    json_read_text(
		json, "namespace", filter->namespace, sizeof filter->namespace) < 0 ||
	    json_read_text(json, "name", filter->name, sizeof filter->name) < 0 ||
	    json_read_text(json, "label", filter->label, sizeof filter->label) < 0)
		return -EBADMSG;
	return 0;
}

static int
take_line(struct watched *watched, const char *line, size_t len)
{
	struct json_object *json =
	    len <= WATCHED_LINE_MAX ? json_read_object(line, len) : NULL;
	struct watched_span span = {0};
	int rc = read_span(json, &span);

	if (rc == 0)
		watched_add(watched, &span);
	json_object_put(json);
	return rc;
}

int
watched_read(struct watched *watched, const char *text)
{
	int rc = 0;

	while (text[0] != '\0') {
		size_t len = strcspn(text, "\n");

		if (take_line(watched, text, len) < 0)
			rc = -EBADMSG;
		text += len + (text[len] == '\n' ? 1 : 0);
	}
	return rc;
}

static void
put_text(struct buf *out, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":\"", key);
	buf_put_json(out, value, strlen(value));
	buf_putc(out, '"');
}

void
watched_print(const struct watched *watched, struct buf *out)
{
	for (size_t i = 0; i < watched->len; i++) {
		const struct watched_span *span = &watched->spans[i];

		char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

		stay_format_time(span->from, from);
		stay_format_time(span->until, until);
		buf_printf(out, "{\"from\":\"%s\",\"until\":\"%s\"", from, until);
		put_text(out, "namespace", span->filter.namespace);
		put_text(out, "name", span->filter.name);
		put_text(out, "label", span->filter.label);
		buf_puts(out, "}\n");
	}
}

/* --- answering ----------------------------------------------------------------------
 */

const struct watched_span *
watched_at(const struct watched *watched, struct wall_time time)
{
	const struct watched_span *found = NULL;

	for (size_t i = 0; i < watched->len; i++) {
		const struct watched_span *span = &watched->spans[i];

		if (span->from.ms <= time.ms && span->until.ms >= time.ms &&
		    (found == NULL || watched_filter_is_all(&span->filter)))
			found = span;
	}
	return found;
}

static bool
filter_takes(
    const struct watched_filter *filter, const char *namespace, const char *pod)
{
	return filter->label[0] == '\0' &&
	       (filter->namespace[0] == '\0' ||
		   strcmp(filter->namespace, namespace) == 0) &&
	       strncmp(filter->name, pod, strlen(filter->name)) == 0;
}

bool
watched_covers(const struct watched *watched, struct wall_time time,
    const char *namespace, const char *pod)
{
	for (size_t i = 0; i < watched->len; i++) {
		const struct watched_span *span = &watched->spans[i];

		if (span->from.ms <= time.ms && span->until.ms >= time.ms &&
		    filter_takes(&span->filter, namespace, pod))
			return true;
	}
	return false;
}
