#include "tables.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "plan.h"
#include "sketch_words.h"

/* Each world comes in in so many orders. */
#define ORDERS 4u

void
tables_fail(struct tables *tables, unsigned line, const char *format, ...)
{
	va_list args;

	tables->failed++;
	printf("%s:%u: ", tables->file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void
block_add(struct tables *tables, struct block *block, const char *line)
{
	if (block->len == TABLES_LINES_MAX)
		tables_fail(tables, tables->line, "too many lines");
	else
		block->lines[block->len++] = mem_strdup(line);
}

static void
block_clear(struct block *block)
{
	while (block->len > 0)
		free(block->lines[--block->len]);
}

static bool
begins(const char *line, const char *word, const char **ret_rest)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) != 0 || (line[len] != ' ' && line[len] != '\0'))
		return false;
	*ret_rest = line + len + strspn(line + len, " ");
	return true;
}

/* --- what is expected ------------------------------------------------------------- */

/* One plan, of all the orders in which the world came in. */
struct outcome {
	struct sketch_made *made;
	struct plan *plan;
	bool told[SKETCH_NIAS_MAX * SKETCH_ADDRESSES_MAX];
};

static struct plan_step *
outcome_step(struct outcome *outcome, const char *nia, const char *word)
{
	char address[ADDRESS_MAX + 1];

	words_address(word, address, sizeof address);
	for (size_t i = 0; i < outcome->plan->len; i++) {
		struct plan_step *step = &outcome->plan->steps[i];

		if (strcmp(step->allocation->name, nia) == 0 &&
		    strcmp(step->allocation->addresses[step->index].address, address) ==
			0)
			return step;
	}
	return NULL;
}

/* "NIA ADDRESS REST" */
static struct plan_step *
outcome_about(struct outcome *outcome, const char *text, const char **ret_rest)
{
	char nia[64] = "", address[64] = "";
	int used = 0;

	if (sscanf(text, "%63s %63s %n", nia, address, &used) < 2)
		return NULL;
	*ret_rest = text + used;
	return outcome_step(outcome, nia, address);
}

static void
expect_step(struct tables *tables, struct outcome *outcome, const char *want)
{
	const char *rest;
	const struct plan_step *step = outcome_about(outcome, want, &rest);
	char got[TEXT_MAX];

	if (step == NULL) {
		tables_fail(tables, tables->title_line, "%s: no such address: %s",
		    tables->title, want);
		return;
	}
	outcome->told[step - outcome->plan->steps] = true;
	sketch_step(step, got, sizeof got);
	if (strcmp(got, rest) != 0)
		tables_fail(tables, tables->title_line,
		    "%s\n\twanted  %s\n\tgot     %s (%s)", tables->title, want, got,
		    step->message);
}

static void
expect_text(struct tables *tables, struct outcome *outcome, const char *want)
{
	const char *rest;
	const struct plan_step *step = outcome_about(outcome, want, &rest);

	if (step == NULL || strstr(step->message, rest) == NULL)
		tables_fail(tables, tables->title_line,
		    "%s\n\twanted  %s\n\tsays    %s", tables->title, want,
		    step != NULL ? step->message : "");
}

/* "NIA ADDRESS WANTED [not NODE]": where an address in the middle of its move would go
 * on to; WANTED "-": nowhere. */
static void
expect_choice(struct tables *tables, struct outcome *outcome, const char *want)
{
	const struct scene *scene = &outcome->made->scene;
	struct place place = {.project = "demo", .region = "us-west1"};
	char wanted[64] = "", avoided[64] = "", message[TEXT_MAX + 1] = "";
	const char *rest = "", *got = "-";
	const struct plan_step *step = outcome_about(outcome, want, &rest);
	const struct world_node *except;
	struct target target;

	sscanf(rest, "%63s not %63s", wanted, avoided);
	except = world_node(scene->world, avoided);
	if (step != NULL &&
	    plan_choose(scene, step->allocation,
		&step->allocation->addresses[step->index], &place,
		except != NULL ? except->uid : "", &target, message, sizeof message))
		got = target.node->name;
	if (strcmp(got, wanted) != 0)
		tables_fail(tables, tables->title_line, "%s: chooses %s, not %s",
		    tables->title, got, wanted);
	else if (got[0] == '-' && strstr(message, "nodes") == NULL)
		tables_fail(tables, tables->title_line, "it does not say why");
}

static void
expect_wake(struct tables *tables, const struct outcome *outcome, const char *want)
{
	char got[32] = "never";

	if (outcome->plan->next_ms != INT64_MAX)
		snprintf(got, sizeof got, "%g",
		    (double)(outcome->plan->next_ms - SKETCH_WALL_MS) / 1000);
	if (strcmp(got, want) != 0)
		tables_fail(tables, tables->title_line, "%s: wakes %s, not %s",
		    tables->title, got, want);
}

static bool
expects(struct tables *tables, struct outcome *outcome, const char *line)
{
	const char *rest;

	if (begins(line, "->", &rest))
		expect_step(tables, outcome, rest);
	else if (begins(line, "says", &rest))
		expect_text(tables, outcome, rest);
	else if (begins(line, "wakes", &rest))
		expect_wake(tables, outcome, rest);
	else if (begins(line, "choose", &rest))
		expect_choice(tables, outcome, rest);
	else
		return false;
	return true;
}

static void
expect_all(struct tables *tables, struct outcome *outcome)
{
	for (size_t i = 0; i < tables->scene.len; i++)
		expects(tables, outcome, tables->scene.lines[i]);
	for (size_t i = 0; i < outcome->plan->len; i++) {
		const struct plan_step *step = &outcome->plan->steps[i];
		char got[TEXT_MAX];

		sketch_step(step, got, sizeof got);
		if (!outcome->told[i])
			tables_fail(tables, tables->title_line,
			    "%s: nothing is said of\n\t-> %s %s %s (%s)", tables->title,
			    step->allocation->name,
			    step->allocation->addresses[step->index].address, got,
			    step->message);
	}
}

/* --- running a world -------------------------------------------------------------- */

static void
sketch_block(struct tables *tables, struct sketch *sketch, const struct block *block)
{
	char error[256];

	for (size_t i = 0; i < block->len; i++) {
		const char *line = block->lines[i], *rest;

		if (begins(line, "->", &rest) || begins(line, "says", &rest) ||
		    begins(line, "wakes", &rest) || begins(line, "choose", &rest))
			continue;
		if (sketch_line(sketch, line, error, sizeof error) < 0)
			tables_fail(
			    tables, tables->title_line, "\"%s\": %s", line, error);
	}
}

static void
outcome_make(struct outcome *outcome, struct sketch *sketch, unsigned seed)
{
	*outcome = (struct outcome){.made = sketch_make(sketch, seed)};
	outcome->plan = plan_make(&outcome->made->scene);
}

static void
outcome_free(struct outcome *outcome)
{
	plan_free(outcome->plan);
	sketch_unmake(outcome->made);
}

static void
outcome_same(struct tables *tables, const struct outcome *outcome,
    const struct outcome *other, unsigned line)
{
	char why[1024];

	if (!sketch_same(outcome->plan, other->plan, why, sizeof why))
		tables_fail(tables, line, "%s", why);
}

static void
run_orders(struct tables *tables, const struct outcome *outcome, struct sketch *sketch,
    unsigned line)
{
	for (unsigned seed = 1; seed < ORDERS; seed++) {
		struct outcome other;

		outcome_make(&other, sketch, seed);
		outcome_same(tables, outcome, &other, line);
		outcome_free(&other);
	}
}

static void
run_scene(struct tables *tables)
{
	struct sketch *sketch = sketch_new();
	struct outcome outcome;

	tables->scenes++;
	sketch_block(tables, sketch, &tables->base);
	sketch_block(tables, sketch, &tables->scene);
	outcome_make(&outcome, sketch, 0);
	expect_all(tables, &outcome);
	run_orders(tables, &outcome, sketch, tables->title_line);
	outcome_free(&outcome);
	sketch_free(sketch);
	block_clear(&tables->scene);
	free(tables->title);
	tables->title = NULL;
}

void
tables_combo(struct tables *tables, const struct combo *combo, char *out, size_t size)
{
	struct sketch *sketch = sketch_new();
	const struct plan_step *step;
	struct outcome outcome, other;

	sketch_block(tables, sketch, &tables->base);
	for (size_t i = 0; i < tables->factors_len; i++)
		sketch_block(
		    tables, sketch, &tables->factors[i].values[combo->values[i]].lines);
	outcome_make(&outcome, sketch, 0);
	step = outcome_step(&outcome, tables->subject[0], tables->subject[1]);
	snprintf(out, size, "no such address");
	if (step != NULL)
		sketch_step(step, out, size);
	outcome_make(&other, sketch, ++tables->scenes);
	outcome_same(tables, &outcome, &other, tables->title_line);
	outcome_free(&other);
	outcome_free(&outcome);
	sketch_free(sketch);
}

/* --- reading ---------------------------------------------------------------------- */

static void
read_factor(struct tables *tables, const char *name)
{
	struct factor *factor = &tables->factors[tables->factors_len];

	if (tables->factors_len == TABLES_FACTORS_MAX) {
		tables_fail(tables, tables->line, "too many factors");
		return;
	}
	tables->factors_len++;
	MESSAGE_TEXT(factor->name, name);
}

static void
read_value(struct tables *tables, const char *line)
{
	struct factor *factor = &tables->factors[tables->factors_len - 1];
	struct value *value = &factor->values[factor->len];
	char alone[8] = "";

	if (factor->len == TABLES_VALUES_MAX ||
	    sscanf(line, "%31s %7s", value->name, alone) < 1) {
		tables_fail(tables, tables->line, "no value, or one too many");
		return;
	}
	factor->len++;
	value->alone = strcmp(alone, "alone") == 0;
}

static bool
find_value(const struct factor *factor, const char *name, size_t *ret_place)
{
	for (size_t i = 0; i < factor->len; i++)
		if (strcmp(factor->values[i].name, name) == 0) {
			*ret_place = i;
			return true;
		}
	return false;
}

/* "*", "a|b" or "!a|b". */
static bool
find_values(const struct factor *factor, char *text, uint32_t *ret_bits)
{
	uint32_t all = (UINT32_C(1) << factor->len) - 1, bits = 0;
	bool but = text[0] == '!';
	char *save = NULL;

	if (strcmp(text, "*") == 0) {
		*ret_bits = all;
		return true;
	}
	for (char *name = strtok_r(text + but, "|", &save); name != NULL;
	     name = strtok_r(NULL, "|", &save)) {
		size_t place;

		if (!find_value(factor, name, &place))
			return false;
		bits |= UINT32_C(1) << place;
	}
	*ret_bits = but ? all & ~bits : bits;
	return true;
}

static bool
read_side(const struct tables *tables, char *text, struct pair *pair, size_t side)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return false;
	*equals = '\0';
	for (size_t i = 0; i < tables->factors_len; i++)
		if (strcmp(tables->factors[i].name, text) == 0) {
			pair->factor[side] = i;
			return find_value(
			    &tables->factors[i], equals + 1, &pair->value[side]);
		}
	return false;
}

static void
read_impossible(struct tables *tables, const char *line)
{
	struct pair *pair = &tables->impossible[tables->impossible_len];
	char left[64] = "", right[64] = "";
	int used = 0;

	if (sscanf(line, "%63s %63s %n", left, right, &used) < 2 ||
	    line[used] == '\0' || !read_side(tables, left, pair, 0) ||
	    !read_side(tables, right, pair, 1) ||
	    tables->impossible_len == TABLES_IMPOSSIBLE_MAX)
		tables_fail(tables, tables->line,
		    "impossible FACTOR=VALUE FACTOR=VALUE WHY: %s", line);
	else
		tables->impossible_len++;
}

static void
read_row(struct tables *tables, const char *line)
{
	struct row *row = &tables->rows[tables->rows_len];
	const char *arrow = strstr(line, "->");
	char text[SKETCH_LINE_MAX], *save = NULL, *word;

	if (arrow == NULL || tables->rows_len == TABLES_ROWS_MAX) {
		tables_fail(tables, tables->line, "no row, or one too many");
		return;
	}
	snprintf(text, sizeof text, "%.*s", (int)(arrow - line), line);
	for (size_t i = 0; i < tables->factors_len; i++) {
		word = strtok_r(i == 0 ? text : NULL, " ", &save);
		if (word == NULL ||
		    !find_values(&tables->factors[i], word, &row->values[i])) {
			tables_fail(tables, tables->line, "no %s: %s",
			    tables->factors[i].name, word != NULL ? word : "");
			return;
		}
	}
	row->line = tables->line;
	row->want = mem_strdup(arrow + 2 + strspn(arrow + 2, " "));
	tables->rows_len++;
}

/* Which block the indented lines belong to. */
enum reading { READ_NOTHING, READ_BASE, READ_SCENE, READ_FACTOR, READ_PAIRS };

static enum reading
read_head(struct tables *tables, const char *line)
{
	const char *rest;

	if (tables->title != NULL)
		run_scene(tables);
	if (begins(line, "base", &rest))
		return READ_BASE;
	if (begins(line, "scene", &rest)) {
		tables->title = mem_strdup(rest);
		tables->title_line = tables->line;
		return READ_SCENE;
	}
	if (begins(line, "factor", &rest)) {
		read_factor(tables, rest);
		return READ_FACTOR;
	}
	if (begins(line, "subject", &rest))
		sscanf(rest, "%63s %63s", tables->subject[0], tables->subject[1]);
	else if (begins(line, "impossible", &rest))
		read_impossible(tables, rest);
	else if (begins(line, "pairs", &rest))
		return READ_PAIRS;
	else
		tables_fail(tables, tables->line, "what is \"%s\"?", line);
	return READ_NOTHING;
}

static void
read_body(struct tables *tables, enum reading reading, const char *line)
{
	struct factor *factor;
	const char *rest;

	switch (reading) {
	case READ_NOTHING:
		tables_fail(tables, tables->line, "\"%s\" belongs to nothing", line);
		return;
	case READ_BASE:
		block_add(tables, &tables->base, line);
		return;
	case READ_SCENE:
		block_add(tables, &tables->scene, line);
		return;
	case READ_PAIRS:
		read_row(tables, line);
		return;
	case READ_FACTOR:
		factor = &tables->factors[tables->factors_len - 1];
		if (begins(line, "value", &rest))
			read_value(tables, rest);
		else if (factor->len > 0)
			block_add(tables, &factor->values[factor->len - 1].lines, line);
		return;
	}
}

void
tables_read(struct tables *tables, const char *path)
{
	FILE *file = fopen(path, "re");
	enum reading reading = READ_NOTHING;
	char line[SKETCH_LINE_MAX];

	tables->file = path;
	if (file == NULL) {
		tables_fail(tables, 0, "%s", strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, file) != NULL) {
		size_t indent = strspn(line, " \t");
		size_t len = strcspn(line, "#\n");

		tables->line++;
		while (len > 0 && strchr(" \t", line[len - 1]) != NULL)
			len--;
		line[len] = '\0';
		if (len <= indent)
			continue;
		if (indent == 0)
			reading = read_head(tables, line);
		else
			read_body(tables, reading, line + indent);
	}
	if (tables->title != NULL)
		run_scene(tables);
	fclose(file);
}

void
tables_free(struct tables *tables)
{
	block_clear(&tables->base);
	for (size_t i = 0; i < tables->factors_len; i++)
		for (size_t j = 0; j < tables->factors[i].len; j++)
			block_clear(&tables->factors[i].values[j].lines);
	for (size_t i = 0; i < tables->rows_len; i++)
		free(tables->rows[i].want);
	free(tables);
}
