/* What is said of a release that waits (reconciler/release.h). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "mem.h"
#include "release.h"

#define DELETED_MS 1795132800000

/* Ten minutes after the deletion, unless something else comes first. */
Test(release, an_unreadable_definition_is_waited_for_ten_minutes)
{
	struct allocation *allocation = mem_calloc(1, sizeof *allocation);
	struct scene scene = {.definition = DEFINITION_DENIED};
	const int64_t until_ms = DELETED_MS + 600000;
	int64_t next_ms = INT64_MAX;

	allocation->policy = POLICY_SYNC;
	allocation->deletion = DELETION_RELEASE;
	allocation->deleting = true;
	allocation->finalizer = true;
	allocation->deleted.ms = DELETED_MS;
	scene.now.wall.ms = until_ms - 1;
	cr_expect_eq(
	    release_judge(&scene, allocation, true, &next_ms).verdict, RELEASE_WAIT);
	cr_expect_eq(next_ms, until_ms);
	next_ms = until_ms - 5000;
	release_judge(&scene, allocation, true, &next_ms);
	cr_expect_eq(next_ms, until_ms - 5000);
	scene.now.wall.ms = until_ms;
	cr_expect_eq(
	    release_judge(&scene, allocation, true, &next_ms).verdict, RELEASE_LEAVE);
	free(allocation);
}

static char nothing[] = "";

/* By name, whatever their order; three of them. */
Test(release, names_three_pods_and_counts_the_others)
{
	static char names[][2] = {"c", "a", "e", "b", "d"};
	static const char *const said[] = {
	    "", "c", "a, c", "a, c, e", "a, b, c and 1 more", "a, b, c and 2 more"};
	struct allocation *allocation = mem_calloc(1, sizeof *allocation);

	for (size_t count = 0; count <= 5; count++) {
		struct world_kin kin = {.owner_kind = nothing};
		struct world_pod pods[5] = {{.phase = 0}};
		struct wall_time now = {DELETED_MS};
		int64_t next_ms = INT64_MAX;
		char got[TEXT_MAX + 1];

		for (size_t i = 0; i < count; i++) {
			pods[i].name = names[i];
			pods[i].kin = &kin;
			pods[i].phase = POD_PHASE_RUNNING;
			pods[i].next = i + 1 < count ? &pods[i + 1] : NULL;
		}
		cr_expect_eq(release_count_pods(count > 0 ? pods : NULL, allocation,
				 false, now, &next_ms, got, sizeof got),
		    count);
		cr_expect_str_eq(got, said[count]);
	}
	free(allocation);
}

/* A workload that does not exist may be one whose name was written wrong: who could be
 * of it in its namespace, or bears its name elsewhere, is waited for. */
Test(release, pods_that_a_missing_workload_may_mean)
{
	static struct {
		char namespace[8], app[8], name[8], owner[16];
		bool mirror, missing;
		size_t count;
	} cases[] = {
	    {"default", "", "", "", false, true, 1},
	    {"default", "", "", "", false, false, 0},
	    {"default", "", "", "DaemonSet", false, true, 0},
	    {"default", "", "", "", true, true, 0},
	    {"other", "", "", "", false, true, 0},
	    {"other", "sip", "", "", false, true, 1},
	    {"other", "", "sip", "", false, true, 1},
	    {"other", "sip2", "sip2", "", false, true, 0},
	    {"other", "sip", "sip", "DaemonSet", false, true, 0},
	};
	struct allocation *allocation = mem_calloc(1, sizeof *allocation);

	allocation->workload = WORKLOAD_DEPLOYMENT;
	MESSAGE_TEXT(allocation->workload_name, "sip");
	MESSAGE_TEXT(allocation->workload_namespace, "default");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world_kin kin = {
		    .namespace = cases[i].namespace,
		    .owner_kind = cases[i].owner,
		    .owner_name = nothing,
		    .template_hash = nothing,
		    .label_app = cases[i].app,
		    .label_name = cases[i].name,
		};
		struct world_pod pod = {
		    .name = nothing,
		    .kin = &kin,
		    .mirror = cases[i].mirror,
		    .phase = POD_PHASE_RUNNING,
		};
		struct wall_time now = {DELETED_MS};
		int64_t next_ms = INT64_MAX;
		char got[TEXT_MAX + 1];

		cr_expect_eq(release_count_pods(&pod, allocation, cases[i].missing, now,
				 &next_ms, got, sizeof got),
		    cases[i].count, "case %zu", i);
	}
	free(allocation);
}
