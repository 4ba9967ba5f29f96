/* Projects that are looked at (reconciler/holder.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "holder.h"
#include "mem.h"

static void
put_node(struct world *world, int number, const char *provider_id)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);

	snprintf(fact->name, sizeof fact->name, "n%d", number);
	snprintf(fact->uid, sizeof fact->uid, "u%d", number);
	MESSAGE_TEXT(fact->provider_id, provider_id);
	world_put_node(world, fact);
	free(fact);
}

static void
count(void *arg, const char *project)
{
	cr_expect_eq(strncmp(project, "demo", 4), 0, "\"%s\"", project);
	++*(size_t *)arg;
}

static size_t
count_projects(const struct world *world)
{
	size_t projects = 0;

	holder_each_project(world, count, &projects);
	return projects;
}

Test(holder, each_project_that_nodes_lie_in_once)
{
	struct world *world = world_new();
	char provider_id[64];

	cr_expect_eq(count_projects(world), 0);
	put_node(world, 1, "");
	put_node(world, 2, "aws:///us-west-2a/i-1");
	cr_expect_eq(count_projects(world), 0);
	put_node(world, 3, "gce://demo/us-west1-a/n3");
	put_node(world, 4, "gce://demo/us-west1-b/n4");
	put_node(world, 5, "gce://demo2/us-west1-b/n5");
	cr_expect_eq(count_projects(world), 2);
	/* nodes are told by those who may write them: there is an end to it */
	for (int i = 10; i < 50; i++) {
		snprintf(provider_id, sizeof provider_id, "gce://demo%d/us-west1-a/n%d",
		    i, i);
		put_node(world, i, provider_id);
	}
	cr_expect_eq(count_projects(world), 16);
	world_free(world);
}
