/* When the pods of an hour were watched, and which of them: a pod of those that was
 * there between `from` and `until` stands in the hour's ConfigMaps. The annotation
 * HOUR_WATCHED of one of these has a line a span, a compact JSON object with a newline
 * behind it:
 *
 *   {"from":"2026-11-28T10:00:00.000Z","until":"2026-11-28T10:59:59.999Z",
 *    "namespace":"voice","name":"sip-","label":"app=sip"}
 *
 * Of namespace, name (its beginning) and label (a selector) there are those that chose:
 * without them it was all pods. Pure. */
#ifndef IPW_FOOTPRINT_WATCHED_H
#define IPW_FOOTPRINT_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "buf.h"
#include "clock.h"

/* Longest line (bytes). */
#define WATCHED_LINE_MAX 2048u
/* Spans of one hour; of more the oldest go: then nothing is known of them. */
#define WATCHED_SPANS_MAX 48u
/* Longest selector; what is longer is cut, it chooses some all the same (bytes). */
#define WATCHED_LABEL_MAX 512u

/* Which pods; "" all. */
struct watched_filter {
	char namespace[LABEL_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char label[WATCHED_LABEL_MAX];
};

struct watched_span {
	struct wall_time from, until;
	struct watched_filter filter;
};

/* By their beginning; those of one filter do not touch. */
struct watched {
	struct watched_span spans[WATCHED_SPANS_MAX];
	size_t len;
};

/* Longer texts are cut. */
struct watched_filter watched_filter_of(
    const char *namespace, const char *name, const char *label);
bool watched_filter_is_all(const struct watched_filter *filter);
bool watched_filter_is_same(
    const struct watched_filter *one, const struct watched_filter *other);

/* One more span; those of its filter that it touches become one with it. */
void watched_add(struct watched *watched, const struct watched_span *span);
/* Adds those of an annotation. Returns 0; -EBADMSG when it has a line that is none,
 * which is left out. */
int watched_read(struct watched *watched, const char *text);
/* Adds their lines. */
void watched_print(const struct watched *watched, struct buf *out);

/* The span that covers a time, one of all pods before others; NULL: none does. */
const struct watched_span *watched_at(
    const struct watched *watched, struct wall_time time);
/* That pod would have been seen at that time. What labels it had is not known, so that
 * spans of a selector say nothing of it. */
bool watched_covers(const struct watched *watched, struct wall_time time,
    const char *namespace, const char *pod);

#endif
