/* Reads the tables of plan.c: worlds in, steps out. Private to tests/plan.
 *
 *   base                     lines that every scene and row of the file begins with
 *   scene TITLE              a world, then what is to come of it:
 *     -> NIA ADDRESS STEP    one for each address of each allocation (sketch_step)
 *     says NIA ADDRESS TEXT  which the step's message contains
 *     wakes SECONDS|never    when time alone may change it
 *     choose NIA ADDRESS NODE|- [not NODE]   plan_choose
 *   subject NIA ADDRESS      whose step the rows below tell
 *   factor NAME              followed by its values:
 *     value NAME [alone]     followed by their lines; "alone": it alone decides, so
 *                            that a pair of others is not seen beside it
 *   impossible FACTOR=VALUE FACTOR=VALUE WHY
 *   pairs                    rows: a value of each factor, "->", the subject's step;
 *                            also "a|b", "!a|b" (all but these), "*" (all)
 *
 * What is indented belongs to what is not; "#" begins a comment. */
#ifndef IPW_TABLES_H
#define IPW_TABLES_H

#include "sketch.h"

#define TABLES_LINES_MAX      64 /* of one block */
#define TABLES_FACTORS_MAX    8
#define TABLES_VALUES_MAX     24
#define TABLES_ROWS_MAX	      400
#define TABLES_IMPOSSIBLE_MAX 200
#define TABLES_COMBOS_MAX     20000 /* worlds of one row */

struct block {
	char *lines[TABLES_LINES_MAX];
	size_t len;
};

struct value {
	char name[32];
	bool alone;
	struct block lines;
};

struct factor {
	char name[32];
	struct value values[TABLES_VALUES_MAX];
	size_t len;
};

/* A pair of values: factors by place, values by place. */
struct pair {
	size_t factor[2], value[2];
};

/* A world: a value of each factor. */
struct combo {
	size_t values[TABLES_FACTORS_MAX];
};

struct row {
	uint32_t values[TABLES_FACTORS_MAX]; /* bits by place */
	char *want;
	unsigned line;
};

struct tables {
	const char *file;
	unsigned line;
	unsigned failed, scenes; /* scenes: rows, too */
	struct block base, scene;
	char *title;
	unsigned title_line;
	char subject[2][64];
	struct factor factors[TABLES_FACTORS_MAX];
	size_t factors_len;
	struct pair impossible[TABLES_IMPOSSIBLE_MAX];
	size_t impossible_len;
	struct row rows[TABLES_ROWS_MAX];
	size_t rows_len;
};

/* Reads and runs a whole file; what fails is printed, with file and line. */
void tables_read(struct tables *tables, const char *path);
void tables_free(struct tables *tables);

__attribute__((format(printf, 3, 4))) void tables_fail(
    struct tables *tables, unsigned line, const char *format, ...);

/* The subject's step in such a world, in words. */
void tables_combo(
    struct tables *tables, const struct combo *combo, char *out, size_t size);

/* Whether each pair of values stands in some row, or is impossible; prints how many.
 * `propose`: prints rows for those that are missing, with what plan.c does now. */
void pairs_check(struct tables *tables, bool propose);

#endif
