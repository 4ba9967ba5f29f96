/* How a pod is held: what it takes, and that what pods share goes with the last one. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"
#include "world.h"

/* Bytes a pod may take, tables and what it shares with others included. */
#define POD_BYTES_MAX 256u

#define PODS  50000u
#define NODES 5000u

/* Pod `i` of deployments of ten, on GKE's names; every other one has both families. */
static void
typical_pod(unsigned i, struct msg_fact_pod *fact)
{
	unsigned workload = i / 10;

	*fact = (struct msg_fact_pod){.phase = POD_PHASE_RUNNING};
	snprintf(fact->uid, sizeof fact->uid, "%08x-4f0c-4d51-9a3e-0242ac1%05x", i, i);
	snprintf(
	    fact->name, sizeof fact->name, "checkout-%u-7d9f8c6b5d-%05x", workload, i);
	snprintf(fact->namespace, sizeof fact->namespace, "team-%u", workload % 100);
	snprintf(
	    fact->node, sizeof fact->node, "gke-prod-pool-1-5f3c2a1b-%04u", i % NODES);
	snprintf(
	    fact->ip, sizeof fact->ip, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	if (i % 2 == 0)
		snprintf(
		    fact->ip_other, sizeof fact->ip_other, "fd00:10:128:%x::%x", i, i);
	MESSAGE_TEXT(fact->owner_kind, "ReplicaSet");
	snprintf(fact->owner_name, sizeof fact->owner_name, "checkout-%u-7d9f8c6b5d",
	    workload);
	MESSAGE_TEXT(fact->template_hash, "7d9f8c6b5d");
	snprintf(fact->label_app, sizeof fact->label_app, "checkout-%u", workload);
	pack_add(&fact->tolerations, "node.kubernetes.io/not-ready");
	pack_add(&fact->tolerations, "Exists");
	pack_add(&fact->tolerations, "");
	pack_add(&fact->tolerations, "NoExecute");
	pack_add(&fact->tolerations, "node.kubernetes.io/unreachable");
	pack_add(&fact->tolerations, "Exists");
	pack_add(&fact->tolerations, "");
	pack_add(&fact->tolerations, "NoExecute");
}

Test(world_pod, takes_256_bytes_at_most)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);
	struct world *world = world_new();
	size_t before = mallinfo2().uordblks, each;

	for (unsigned i = 0; i < PODS; i++) {
		typical_pod(i, fact);
		world_put_pod(world, fact);
	}
	each = (mallinfo2().uordblks - before) / PODS;
	printf("%zu bytes a pod\n", each);
#ifndef __SANITIZE_ADDRESS__
	cr_expect_gt(each, 100, "it is counted");
#endif
	cr_expect_leq(each, POD_BYTES_MAX);
	cr_expect_eq(world->kins.count, PODS / 10);
	world_free(world);
	free(fact);
}

Test(world_pod, says_what_it_was_told)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);
	struct world *world = world_new();
	const struct world_pod *pod;
	size_t cursor = 0;

	typical_pod(4, fact);
	fact->created_ms = 1;
	fact->delete_at_ms = 2;
	fact->deleting = fact->host_network = 1;
	world_put_pod(world, fact);
	pod = world_next_pod(world, NULL);
	cr_assert_str_eq(pod->uid, fact->uid);
	cr_assert_str_eq(pod->name, fact->name);
	cr_assert_str_eq(pod->node, fact->node);
	cr_assert_str_eq(pod->ips, "10.0.0.4,fd00:10:128:4::4");
	cr_assert_str_eq(pod->kin->namespace, "team-0");
	cr_assert_str_eq(pod->kin->owner_kind, "ReplicaSet");
	cr_assert_str_eq(pod->kin->owner_name, "checkout-0-7d9f8c6b5d");
	cr_assert_str_eq(pod->kin->template_hash, "7d9f8c6b5d");
	cr_assert_str_eq(pod->kin->label_app, "checkout-0");
	cr_assert_str_eq(pod->kin->label_name, "");
	cr_assert_str_eq(texts_next(&pod->kin->tolerations, &cursor),
	    "node.kubernetes.io/not-ready");
	cr_assert(pod->deleting && pod->host_network);
	cr_assert_not(pod->mirror || pod->needs_label);
	cr_assert_eq(pod->created_ms, 1);
	cr_assert_eq(pod->delete_at_ms, 2);
	cr_assert_null(world_next_pod(world, pod));
	world_free(world);
	free(fact);
}

/* Put again and taken away in another order than they came: no pod is lost or met
 * twice, and what nobody shares any more is gone. */
Test(world_pod, what_is_shared_goes_with_the_last_one)
{
	struct msg_fact_pod *fact = mem_calloc(1, sizeof *fact);
	struct world *world = world_new();
	const struct world_pod *pod = NULL;
	size_t walked = 0;

	for (unsigned i = 0; i < 400; i++) {
		typical_pod(i % 200, fact);
		world_put_pod(world, fact);
	}
	while ((pod = world_next_pod(world, pod)) != NULL)
		walked++;
	cr_assert_eq(walked, 200);
	cr_assert_eq(world->kins.count, 20);
	for (unsigned i = 0; i < 200; i++) {
		typical_pod(i * 7 % 200, fact);
		cr_assert_not_null(world_pods(world, fact->node));
		world_remove_pod(world, fact->uid);
		cr_assert_null(world_pods(world, fact->node));
		world_remove_pod(world, fact->uid);
	}
	cr_assert_eq(world->pods.count, 0);
	cr_assert_eq(world->kins.count, 0);
	cr_assert_null(world_next_pod(world, NULL));
	world_free(world);
	free(fact);
}
