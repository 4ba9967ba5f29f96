/* Mark and sweep: what a complete list did not show is gone, and nothing before. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "messages.h"
#include "world.h"

static const struct wall_time now = {1};

static void
put_node(struct world *world, const char *name)
{
	struct msg_fact_node fact = {.ready = 0};

	MESSAGE_TEXT(fact.name, name);
	snprintf(fact.uid, sizeof fact.uid, "uid-of-%s", name);
	world_put_node(world, &fact);
}

static void
put_pod(struct world *world, const char *name, const char *node)
{
	struct msg_fact_pod fact = {.phase = 0};

	MESSAGE_TEXT(fact.name, name);
	MESSAGE_TEXT(fact.namespace, "default");
	MESSAGE_TEXT(fact.node, node);
	snprintf(fact.uid, sizeof fact.uid, "uid-of-%s", name);
	world_put_pod(world, &fact);
}

static void
sync_all(struct world *world, enum sync_phase phase)
{
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(world, (enum fact_kind)kind, phase, now);
}

static struct world *
complete_world(void)
{
	struct world *world = world_new();

	sync_all(world, SYNC_BEGIN);
	put_node(world, "a");
	put_node(world, "b");
	put_pod(world, "p", "a");
	put_pod(world, "q", "b");
	sync_all(world, SYNC_END);
	cr_assert(world_complete(world));
	return world;
}

Test(world, what_a_complete_list_leaves_out_is_gone)
{
	struct world *world = complete_world();

	world_sync(world, FACT_KIND_NODE, SYNC_BEGIN, now);
	put_node(world, "a");
	cr_assert_not_null(world_node(world, "b"), "until the list ends");
	cr_assert_not(world_complete(world));
	world_sync(world, FACT_KIND_NODE, SYNC_END, now);
	cr_assert(world_complete(world));
	cr_assert_not_null(world_node(world, "a"));
	cr_assert_null(world_node(world, "b"));
	cr_assert_not_null(world_pods(world, "b"), "pods have a list of their own");
	world_sync(world, FACT_KIND_POD, SYNC_BEGIN, now);
	put_pod(world, "p", "a");
	world_sync(world, FACT_KIND_POD, SYNC_END, now);
	cr_assert_not_null(world_pods(world, "a"));
	cr_assert_null(world_pods(world, "b"));
	world_free(world);
}

/* A list that was given up says nothing, and the objects of the one before it do not
 * count for the next one. */
Test(world, a_list_that_was_given_up_sweeps_nothing)
{
	struct world *world = complete_world();

	world_sync(world, FACT_KIND_NODE, SYNC_BEGIN, now);
	put_node(world, "b");
	world_sync(world, FACT_KIND_NODE, SYNC_BEGIN, now);
	cr_assert_not_null(world_node(world, "a"));
	put_node(world, "a");
	world_sync(world, FACT_KIND_NODE, SYNC_END, now);
	cr_assert_not_null(world_node(world, "a"));
	cr_assert_null(world_node(world, "b"), "it was in the first list only");
	world_free(world);
}

Test(world, an_end_without_a_beginning_sweeps_nothing)
{
	struct world *world = complete_world();

	world_sync(world, FACT_KIND_NODE, SYNC_END, now);
	cr_assert_not_null(world_node(world, "a"));
	cr_assert_not_null(world_node(world, "b"));
	world_unsync(world);
	cr_assert_not(world_complete(world));
	cr_assert_not_null(world_node(world, "a"), "what is known stays");
	world_free(world);
}

Test(world, heard_is_what_was_told_while_it_is_complete)
{
	struct world *world = complete_world();
	const struct wall_time *heard = &world->sync[FACT_KIND_POD].heard;

	cr_assert_eq(heard->ms, now.ms);
	world_heard(world, FACT_KIND_POD, (struct wall_time){now.ms + 50});
	cr_assert_eq(heard->ms, now.ms + 50);
	world_heard(world, FACT_KIND_POD, (struct wall_time){now.ms + 20});
	cr_assert_eq(heard->ms, now.ms + 50, "what is late says nothing");
	world_unsync(world);
	world_heard(world, FACT_KIND_POD, (struct wall_time){now.ms + 90});
	cr_assert_eq(heard->ms, now.ms + 50, "some of it may be gone");
	world_free(world);
}
