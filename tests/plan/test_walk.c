/* test_walk [SEED [COUNT]]: plans of random worlds. Each must be the same in whatever
 * order the world came in, and right (walk_check); and when each plan is carried out,
 * there must soon be nothing more to do. A world that fails is cut down, and printed as
 * the lines of a scene (tests/plan/tables). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "walk.h"

#define COUNT_DEFAULT 6000
/* Plans until there is nothing more to do. */
#define ROUNDS_MAX 24

enum outcome { WELL, FAILED, NO_WORLD };

/* An instance has one address, of its own region. */
static bool
is_possible(struct sketch *sketch)
{
	for (size_t i = 0; i < sketch->clouds_len; i++) {
		const struct sketch_cloud *cloud = &sketch->clouds[i];
		const struct sketch_node *node = sketch_node(sketch, cloud->where);

		if (node == NULL)
			continue;
		if (strncmp(node->zone, cloud->region, strlen(cloud->region)) != 0 ||
		    node->bare || strcmp(node->project, "demo") != 0)
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(sketch->clouds[j].where, cloud->where) == 0)
				return false;
	}
	return true;
}

static struct sketch *
read_world(const struct walk *walk)
{
	struct sketch *sketch = sketch_new();
	char error[256];

	for (size_t i = 0; i < walk->len; i++)
		if (sketch_line(sketch, walk->lines[i], error, sizeof error) < 0) {
			sketch_free(sketch);
			return NULL;
		}
	if (is_possible(sketch))
		return sketch;
	sketch_free(sketch);
	return NULL;
}

/* The plan in another order of things. */
static bool
check_order(struct sketch *sketch, const struct plan *plan, unsigned seed, char *why,
    size_t size)
{
	struct sketch_made *made = sketch_make(sketch, seed);
	struct plan *other = plan_make(&made->scene);
	bool same = sketch_same(plan, other, why, size);

	plan_free(other);
	sketch_unmake(made);
	return same;
}

/* One plan, checked and carried out; *ret_done: how much there was to do. */
static bool
walk_round(
    struct sketch *sketch, unsigned seed, size_t *ret_done, char *why, size_t size)
{
	struct sketch_made *made = sketch_make(sketch, 0);
	struct plan *plan = plan_make(&made->scene);
	bool well = check_order(sketch, plan, seed, why, size) &&
		    walk_check(sketch, plan, why, size);

	if (well)
		*ret_done = walk_apply(sketch, plan);
	plan_free(plan);
	sketch_unmake(made);
	return well;
}

static enum outcome
walk_world(const struct walk *walk, char *why, size_t size)
{
	struct sketch *sketch = read_world(walk);
	enum outcome outcome = WELL;
	size_t done = 1;

	if (sketch == NULL)
		return NO_WORLD;
	for (unsigned round = 1; done > 0 && outcome == WELL; round++) {
		snprintf(why, size, "it never comes to rest");
		if (round > ROUNDS_MAX || !walk_round(sketch, round, &done, why, size))
			outcome = FAILED;
	}
	sketch_free(sketch);
	return outcome;
}

/* Leaves out whatever is not needed for it to fail. */
static void
cut_down(struct walk *walk, char *why, size_t size)
{
	for (size_t i = walk->len; i > 0; i--) {
		struct walk less = {.len = 0};

		for (size_t j = 0; j < walk->len; j++)
			if (j != i - 1)
				memcpy(less.lines[less.len++], walk->lines[j],
				    sizeof less.lines[0]);
		if (walk_world(&less, why, size) == FAILED)
			*walk = less;
	}
	walk_world(walk, why, size);
}

int
main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : COUNT_DEFAULT;
	unsigned long worlds = 0;
	struct walk walk;
	char why[1024];

	for (unsigned long i = 0; worlds < count; i++) {
		walk_make(&walk, seed + i);
		switch (walk_world(&walk, why, sizeof why)) {
		case WELL:
			worlds++;
			continue;
		case NO_WORLD:
			continue;
		case FAILED:
			break;
		}
		cut_down(&walk, why, sizeof why);
		printf("not ok - seed %lu: %s\n", seed + i, why);
		for (size_t j = 0; j < walk.len; j++)
			printf("  %s\n", walk.lines[j]);
		return 1;
	}
	printf("ok - %lu random worlds from seed %lu\n", worlds, seed);
	return 0;
}
