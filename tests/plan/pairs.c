/* Do the rows of a table cover every pair of values of two factors? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "tables.h"

#define CELLS (TABLES_FACTORS_MAX * TABLES_VALUES_MAX)
/* What goes wrong in a row is told of so many worlds. */
#define TOLD_MAX 3

/* By factor and value of both sides; the left one's factor comes first. */
struct cover {
	bool seen[CELLS][CELLS];
	bool impossible[CELLS][CELLS];
};

static bool *
pairs_at(bool cells[CELLS][CELLS], const struct pair *pair)
{
	size_t first = pair->factor[0] < pair->factor[1] ? 0 : 1, last = 1 - first;

	return &cells[pair->factor[first] * TABLES_VALUES_MAX + pair->value[first]]
		     [pair->factor[last] * TABLES_VALUES_MAX + pair->value[last]];
}

static bool
pairs_alone(const struct tables *tables, const struct combo *combo, size_t factor)
{
	return tables->factors[factor].values[combo->values[factor]].alone;
}

/* Whether the pair of these two factors shows in that world: no third value decides
 * alone. */
static bool
pairs_shows(
    const struct tables *tables, const struct combo *combo, const struct pair *pair)
{
	for (size_t i = 0; i < tables->factors_len; i++)
		if (i != pair->factor[0] && i != pair->factor[1] &&
		    pairs_alone(tables, combo, i))
			return false;
	return true;
}

/* Marks what the world shows. Returns how much of it is new; -1: it is impossible. */
static int
pairs_mark(const struct tables *tables, struct cover *cover, const struct combo *combo,
    bool mark)
{
	int gain = 0;

	for (size_t i = 0; i < tables->factors_len; i++)
		for (size_t j = i + 1; j < tables->factors_len; j++) {
			struct pair pair = {
			    {i, j}, {combo->values[i], combo->values[j]}};
			bool *seen = pairs_at(cover->seen, &pair);

			if (*pairs_at(cover->impossible, &pair))
				return -1;
			if (*seen || !pairs_shows(tables, combo, &pair))
				continue;
			gain++;
			*seen = mark;
		}
	return gain;
}

/* --- proposing rows --------------------------------------------------------------- */

/* Chooses a value for each factor that is not set, so that much is covered. */
static void
pairs_complete(const struct tables *tables, struct cover *cover, struct combo *combo,
    const bool *set)
{
	for (size_t i = 0; i < tables->factors_len; i++) {
		int best = -1;
		size_t value = 0;

		for (size_t v = 0; !set[i] && v < tables->factors[i].len; v++) {
			int gain;

			combo->values[i] = v;
			gain = pairs_mark(tables, cover, combo, false);
			if (gain <= best)
				continue;
			best = gain;
			value = v;
		}
		if (!set[i])
			combo->values[i] = value;
	}
}

static void
pairs_propose(struct tables *tables, struct cover *cover, const struct pair *pair)
{
	bool set[TABLES_FACTORS_MAX] = {false};
	struct combo combo = {0};
	char got[TEXT_MAX];

	for (size_t side = 0; side < 2; side++) {
		combo.values[pair->factor[side]] = pair->value[side];
		set[pair->factor[side]] = true;
	}
	pairs_complete(tables, cover, &combo, set);
	if (pairs_mark(tables, cover, &combo, true) <= 0)
		return;
	tables_combo(tables, &combo, got, sizeof got);
	for (size_t i = 0; i < tables->factors_len; i++)
		printf("  %-14s", tables->factors[i].values[combo.values[i]].name);
	printf("-> %s\n", got);
}

/* --- checking --------------------------------------------------------------------- */

static void
pairs_world(struct tables *tables, struct cover *cover, const struct row *row,
    const struct combo *combo, unsigned *told)
{
	char got[TEXT_MAX];

	if (pairs_mark(tables, cover, combo, true) < 0)
		return;
	tables_combo(tables, combo, got, sizeof got);
	if (strcmp(got, row->want) == 0 || (*told)++ >= TOLD_MAX)
		return;
	tables_fail(tables, row->line, "wanted  %s\n\tgot     %s", row->want, got);
	printf("\tof     ");
	for (size_t i = 0; i < tables->factors_len; i++)
		printf(" %s", tables->factors[i].values[combo->values[i]].name);
	printf("\n");
}

/* All worlds of a row, one value after the other from the last factor on. */
static void
pairs_row(struct tables *tables, struct cover *cover, const struct row *row)
{
	struct combo combo = {0};
	unsigned told = 0;
	size_t i;

	tables->title_line = row->line;
	for (size_t worlds = 0; worlds < TABLES_COMBOS_MAX;) {
		bool meant = true;

		for (i = 0; i < tables->factors_len; i++)
			meant = meant && (row->values[i] >> combo.values[i] & 1) != 0;
		if (meant)
			pairs_world(tables, cover, row, &combo, &told);
		worlds += meant;
		for (i = tables->factors_len; i > 0; i--) {
			if (++combo.values[i - 1] < tables->factors[i - 1].len)
				break;
			combo.values[i - 1] = 0;
		}
		if (i == 0)
			return;
	}
	tables_fail(tables, row->line, "it stands for too many worlds");
}

static void
pairs_missing(struct tables *tables, const struct pair *pair)
{
	const struct factor *left = &tables->factors[pair->factor[0]];
	const struct factor *right = &tables->factors[pair->factor[1]];

	tables_fail(tables, tables->line, "no row has %s=%s and %s=%s", left->name,
	    left->values[pair->value[0]].name, right->name,
	    right->values[pair->value[1]].name);
}

static void
pairs_count(struct tables *tables, struct cover *cover, bool propose)
{
	size_t seen = 0, all = 0;

	for (size_t i = 0; i < CELLS; i++)
		for (size_t j = 0; j < CELLS; j++) {
			struct pair pair = {
			    {i / TABLES_VALUES_MAX, j / TABLES_VALUES_MAX},
			    {i % TABLES_VALUES_MAX, j % TABLES_VALUES_MAX}};

			if (pair.factor[0] >= pair.factor[1] ||
			    pair.factor[1] >= tables->factors_len ||
			    pair.value[0] >= tables->factors[pair.factor[0]].len ||
			    pair.value[1] >= tables->factors[pair.factor[1]].len ||
			    cover->impossible[i][j])
				continue;
			all++;
			if (!cover->seen[i][j] && propose)
				pairs_propose(tables, cover, &pair);
			if (!cover->seen[i][j])
				pairs_missing(tables, &pair);
			seen += cover->seen[i][j];
		}
	printf("%s: %zu of %zu pairs covered by %zu rows, %zu are impossible\n",
	    tables->file, seen, all, tables->rows_len, tables->impossible_len);
}

void
pairs_check(struct tables *tables, bool propose)
{
	struct cover *cover = mem_calloc(1, sizeof *cover);

	for (size_t i = 0; i < tables->impossible_len; i++)
		*pairs_at(cover->impossible, &tables->impossible[i]) = true;
	for (size_t i = 0; i < tables->rows_len; i++)
		pairs_row(tables, cover, &tables->rows[i]);
	pairs_count(tables, cover, propose);
	free(cover);
}
