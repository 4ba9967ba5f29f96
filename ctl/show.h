/* What came from a server, shown to a person or a program: nothing of it reaches a
 * terminal as a command. */
#ifndef IPW_CTL_SHOW_H
#define IPW_CTL_SHOW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "clock.h"

/* Columns of one table at most. */
#define SHOW_COLUMNS_MAX 16u

/* A table whose columns are as wide as their widest text, two spaces between them. */
struct show_table {
	size_t columns;
	size_t widths[SHOW_COLUMNS_MAX];
};

/* First each row is measured, then each is printed. "" is shown as <none>; what is not
 * printable ASCII, and a space, as "?". */
void show_measure(struct show_table *table, const char *const *texts);
void show_row(const struct show_table *table, const char *const *texts, FILE *out);

/* Before and after a command writes its answer to standard output. Returns 0, or -EIO
 * (said on standard error). */
void show_begin(void);
int show_end(void);

/* `text` for a terminal: what is not printable ASCII becomes "?". */
void show_text(const char *text, FILE *out);

/* Adds `"key":"value"` to a JSON object, with a comma where one is needed. Control
 * characters are escaped, those of U+0080 to U+009F too. */
void show_member(struct buf *out, const char *key, const char *value);
/* The same without the value. */
void show_key(struct buf *out, const char *key);
void show_string(struct buf *out, const char *value);

/* As kubectl shows an age: "12s", "5m3s", "3h12m", "4d". */
#define SHOW_AGE_MAX 32u
void show_age(int64_t ms, char out[SHOW_AGE_MAX]);

/* RFC 3339 in UTC, to the millisecond where it is not a whole second; "" for 0. */
void show_time(int64_t ms, char out[CLOCK_TEXT_MAX]);

#endif
