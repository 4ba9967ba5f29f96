/* Where an address was from one time to another: a line of its history (day.h). A
 * compact JSON object, with a newline behind it:
 *
 *   {"node":"n1","zone":"us-west1-a","allocation":"web","from":"2026-11-28T10:00:00.000Z",
 *    "until":"2026-11-28T10:05:12.345Z","source":"operation"}
 */
#ifndef IPW_FOOTPRINT_STAY_H
#define IPW_FOOTPRINT_STAY_H

#include <stdbool.h>

#include "bounds.h"
#include "buf.h"
#include "clock.h"

/* Longest line (bytes). */
#define STAY_LINE_MAX 1024u

struct stay {
	char node[NAME_MAX_LEN + 1];	   /* "": known to be at no node */
	char zone[LABEL_MAX_LEN + 1];	   /* of the node; "" none, or not known */
	char allocation[NAME_MAX_LEN + 1]; /* that lists the address; "" none */
	struct wall_time from, until;
	/* ipwarden itself brought it about, at `from`; else `from` is when it was first
	 * seen, and may have been so before */
	bool operation;
};

/* The same node, zone and allocation. */
bool stay_is_there(const struct stay *one, const struct stay *other);

/* The next line of a value: 1, and *text stands behind it; 0 at the end; -EBADMSG, and
 * *text stands behind it, when it is no stay: somebody else's. */
int stay_next(const char **text, struct stay *ret_stay);
/* RFC 3339 with milliseconds. */
void stay_format_time(struct wall_time time, char out[CLOCK_TEXT_MAX]);
/* Adds its line. */
void stay_print(const struct stay *stay, struct buf *out);

#endif
