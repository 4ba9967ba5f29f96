/* The plan as a table: a small world in, a line for each address out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "plan_rig.h"

/* How often it was asked whose a pod is. */
static size_t asked;

bool __real_leave_pod_is_of(
    const struct world_pod *pod, const struct allocation *allocation);
bool __wrap_leave_pod_is_of(
    const struct world_pod *pod, const struct allocation *allocation);

bool
__wrap_leave_pod_is_of(const struct world_pod *pod, const struct allocation *allocation)
{
	asked++;
	return __real_leave_pod_is_of(pod, allocation);
}

static const struct plan_case cases[] = {
    {"an absent address goes to a node with a pod of the workload",
	{{"n1", 'a', "", ""}, {"n2", 'b', "", "w"}}, {ONE}, NULL, NULL, ".1 attach n2"},
    {"and the ephemeral address there goes first", {{"n1", 'a', "198.51.100.1", ""}},
	{ONE}, NULL, NULL, ".1 attach n1*"},
    {"the previous holder comes first", {{"n1", 'a', "", ""}, {"n2", 'b', "", "w"}},
	{ONE ON("n1")}, NULL, NULL, ".1 attach n1"},
    {"two addresses, two zones", {{"n1", 'a', "", ""}, {"n2", 'b', "", ""}}, {TWO},
	NULL, NULL, ".1 attach n1; .2 attach n2"},
    {"one reserved address a node", {{"n1", 'a', "", ""}}, {TWO}, NULL, NULL,
	".1 attach n1; .2 Spare"},
    {"a node with a reserved address of somebody else is none",
	{{"n1", 'a', "34.1.1.3", ""}, {"n2", 'b', "", ""}}, {ONE}, NULL, NULL,
	".1 attach n2"},
    {"cordoned, tainted, skipped, not ready, other pool: none is eligible",
	{{"n1", 'a', "", "c"}, {"n2", 'a', "", "t"}, {"n3", 'b', "", "s"},
	    {"n4", 'b', "", "n"}, {"n5", 'b', "", "x"}},
	{ONE}, NULL, NULL, ".1 NoEligibleNode"},
    {"an empty selector leaves the control plane out",
	{{"n1", 'a', "", "p"}, {"n2", 'b', "", ""}},
	{"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{}}"}, NULL, NULL,
	".1 attach n2"},
    {"a node of another project cannot have it",
	{{"n1", 'a', "", "qw"}, {"n2", 'b', "", ""}}, {ONE}, NULL, NULL,
	".1 attach n2"},
    {"zones bind", {{"n1", 'a', "", ""}, {"n2", 'b', "", ""}},
	{"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{\"zones\":"
	 "[\"us-west1-b\"]}}"},
	NULL, NULL, ".1 attach n2"},
    {"a region that is another one", {{"n1", 'a', "", ""}},
	{"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{\"region\":"
	 "\"us-east1\"}}"},
	NULL, NULL, ".1 AddressInOtherRegion"},
    {"what is found is adopted, whatever the selector says",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", "w"}}, {ONE}, NULL, NULL,
	".1 adopt"},
    {"and stays outside the selector",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}},
	{ONE OUTSIDE("n1", PLAN_GENERATION)}, NULL, NULL, ".1 OutsideSelector"},
    {"what others hold is left alone", {{"n1", 'a', "", ""}}, {ONE}, "34.1.1.1", NULL,
	".1 HeldElsewhere"},
    {"a VM that was never a node of ours is somebody else",
	{{"n1", 'a', "", ""}, {"vm", 'a', "34.1.1.1", "r"}}, {ONE}, NULL, NULL,
	".1 HeldElsewhere"},
    {"an address that nobody reserved", {{"n1", 'a', "", ""}},
	{"\"spec\":{\"reservedIPs\":[\"34.7.7.7\"],\"cloud\":{}}"}, NULL, NULL,
	".7 AddressNotFound"},
    {"a dark zone makes it unknown", {{"n1", 'a', "", ""}, {"n2", 'b', "", ""}}, {ONE},
	NULL, "us-west1-b", ".1 CloudUnreachable"},
    {"a dark region too", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", ""}},
	{ONE ON("n1")}, NULL, "us-west1", ".1 CloudUnreachable"},
    {"it stays on a cordoned node while pods run",
	{{"n1", 'a', "34.1.1.1", "cw"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 InUse"},
    {"pods of a Deployment with a longer name do not count",
	{{"n1", 'a', "34.1.1.1", "co"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 move n2"},
    {"nor does one that should have been gone for a minute",
	{{"n1", 'a', "34.1.1.1", "cd"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 move n2"},
    {"a list of taints that is cut off keeps it from a node",
	{{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", "u"}}, {ONE ON("n1")}, NULL,
	NULL, ".1 NoEligibleNode"},
    {"without a target it stays", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", "c"}},
	{ONE ON("n1")}, NULL, NULL, ".1 NoEligibleNode"},
    {"not ready just now: it stays",
	{{"n1", 'a', "34.1.1.1", "nw"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 Attached"},
    {"not ready for long: it goes, pods or not",
	{{"n1", 'a', "34.1.1.1", "Nw"}, {"n2", 'b', "", ""}, {"n3", 'a', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 move n2"},
    {"many are not ready: nothing moves",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'b', "", "N"}, {"n3", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 ManyNodesNotReady"},
    {"its instance is stopped: it goes at once",
	{{"n1", 'a', "34.1.1.1", "Sw"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 move n2"},
    {"but not when the node has come back since",
	{{"n1", 'a', "34.1.1.1", "Sbw"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 Attached"},
    {"the node is gone, its instance not",
	{{"n1", 'a', "34.1.1.1", "r"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL, NULL,
	".1 move n2"},
    {"AssignOnly never takes off", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", ""}},
	{SPEC ",\"policy\":\"AssignOnly\"}" ON("n1")}, NULL, NULL, ".1 AssignOnly"},
    {"Observe only looks", {{"n1", 'a', "", ""}}, {SPEC ",\"policy\":\"Observe\"}"},
	NULL, NULL, ".1 Observing"},
    {"the elder owns an address", {{"n1", 'a', "", ""}}, {ONE, ONE}, NULL, NULL,
	".1 attach n1; .1 Conflict"},
    {"but an incumbent keeps it", {{"n1", 'a', "34.1.1.1", ""}}, {ONE, ONE ON("n1")},
	NULL, NULL, ".1 Conflict; .1 Attached"},
    {"an intent of a version to come is held", {{"n1", 'a', "", ""}},
	{ONE ",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"intent\":"
	     "{\"schemaVersion\":99,\"id\":\"x\",\"step\":\"Attach\"}}]}"},
	NULL, NULL, ".1 UnknownJournal"},
};

Test(plan, table)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char got[512], again[512], message[512];

		plan_rig_run(&cases[i], got, sizeof got, message, sizeof message);
		cr_expect_str_eq(got, cases[i].want, "%s: \"%s\" (%s)", cases[i].title,
		    got, message);
		plan_rig_run(&cases[i], again, sizeof again, message, sizeof message);
		cr_expect_str_eq(got, again, "%s: not the same twice", cases[i].title);
	}
}

Test(plan, counts_reasons_as_schedulers_do)
{
	static const struct plan_case test = {"",
	    {{"n1", 'a', "", "c"}, {"n2", 'a', "", "c"}, {"n3", 'b', "", "n"},
		{"n4", 'b', "", "x"}},
	    {ONE}, NULL, NULL, ""};
	char got[512], message[512];

	plan_rig_run(&test, got, sizeof got, message, sizeof message);
	cr_assert_str_eq(message, "0/4 nodes: 2 cordoned, 1 not selected, 1 not ready");
}

/* What all pods tolerate matters where there is a taint, and is found out once. */
Test(plan, looks_at_all_pods_only_for_a_taint)
{
	static const struct plan_case without = {
	    "", {{"n1", 'a', "", "nw"}, {"n2", 'b', "", "nw"}}, {ONE}, NULL, NULL, ""};
	static const struct plan_case with = {"",
	    {{"n1", 'a', "", "tw"}, {"n2", 'b', "", "tw"}, {"n3", 'b', "", "nw"}},
	    {ONE}, NULL, NULL, ""};
	char got[512], message[512];

	asked = 0;
	plan_rig_run(&without, got, sizeof got, message, sizeof message);
	cr_assert_str_eq(message, "0/2 nodes: 2 not ready");
	cr_assert_eq(asked, 0);
	plan_rig_run(&with, got, sizeof got, message, sizeof message);
	cr_assert_str_eq(
	    message, "0/3 nodes: 2 with a taint that is not tolerated, 1 not ready");
	cr_assert_eq(asked, 3);
}

#define PROMISED                                                                       \
	SPEC "},\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"intent\":"      \
	     "{\"schemaVersion\":1,\"id\":\"x\",\"step\":\"Attach\",\"to\":"           \
	     "{\"nodeUID\":\"uid-n1\",\"instanceID\":\"id-n1\"}}}]}"

/* What the draft has given up is not given up before the API says so. */
Test(plan, a_node_is_promised_as_long_as_the_journal_names_it)
{
	static const struct plan_case test = {"",
	    {{"n1", 'a', "", "w"}, {"n2", 'b', "", ""}, {"n3", 'b', "", ""}},
	    {PROMISED, TWO}, NULL, NULL, ""};
	struct plan_world made;
	struct scene scene;
	struct intent *intent;
	struct plan *plan;

	plan_rig_make(&made, &test);
	scene = plan_rig_scene(&made);
	intent = &made.allocations[0]->addresses[0].intent;
	snprintf(intent->to.node_uid, sizeof intent->to.node_uid, "uid-n2");
	plan = plan_make(&scene);
	cr_assert_eq(plan->steps[2].kind, PLAN_ATTACH);
	cr_assert_str_eq(plan->steps[2].target.node->name, "n3");
	cr_assert(plan_is_promised(&scene, NULL, "uid-n1"));
	cr_assert(plan_is_promised(&scene, NULL, "uid-n2"));
	cr_assert_not(plan_is_promised(&scene, NULL, "uid-n3"));
	snprintf(intent->from.node_uid, sizeof intent->from.node_uid, "uid-n3");
	cr_assert(plan_is_promised(&scene, NULL, "uid-n3"));
	plan_free(plan);
	plan_rig_unmake(&made);
}
