/* The fields of the spec and the annotations, in the table of plan_rig.h. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "mem.h"
#include "plan_rig.h"

/* Addresses .1 to .3 on nodes n1 to n3, in zone a. */
#define ENTRY(last)                                                                    \
	"{\"address\":\"34.1.1." last                                                  \
	"\",\"state\":\"Attached\",\"nodeName\":\"n" last                              \
	"\",\"nodeUID\":\"uid-n" last "\",\"instanceID\":\"id-n" last                  \
	"\",\"project\":\"demo\",\"zone\":\"us-west1-a\"}"
#define THREE_ON(more)                                                                 \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\"],"          \
	"\"cloud\":{},\"nodeSelector\":{\"pool\":\"edge\"},\"workloadRef\":{\"kind\":" \
	"\"Deployment\",\"name\":\"sip\"}" more                                        \
	"},\"status\":{\"addresses\":[" ENTRY("1") "," ENTRY("2") "," ENTRY("3") "]}"
#define THREE                                                                          \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\"],"          \
	"\"cloud\":{},\"nodeSelector\":{\"pool\":\"edge\"}}"
#define ANYWHERE "\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{}}"
#define ZONE_B                                                                         \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{\"zones\":"               \
	"[\"us-west1-b\"]}}"

static const struct plan_case cases[] = {
    /* --- no longer meant ---------------------------------------------------------- */
    {"a node that the spec no longer means loses it",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL, NULL,
	".1 move n2"},
    {"but not while pods of the workload run there",
	{{"n1", 'a', "34.1.1.1", "xw"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 InUse"},
    {"nor without a node to go to",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", "c"}}, {ONE ON("n1")}, NULL,
	NULL, ".1 NoEligibleNode"},
    {"nor while it is not ready just now",
	{{"n1", 'a', "34.1.1.1", "xn"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 OutsideSelector"},
    {"one that was adopted there stays while the spec is the same",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}},
	{ONE OUTSIDE("n1", PLAN_GENERATION)}, NULL, NULL, ".1 OutsideSelector"},
    {"and goes once it has changed",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}}, {ONE OUTSIDE("n1", "1")},
	NULL, NULL, ".1 move n2"},
    {"or when the node is drained",
	{{"n1", 'a', "34.1.1.1", "xc"}, {"n2", 'b', "", ""}},
	{ONE OUTSIDE("n1", PLAN_GENERATION)}, NULL, NULL, ".1 move n2"},
    {"in another zone than the spec's: adopted",
	{{"n1", 'a', "34.1.1.1", ""}, {"n2", 'b', "", ""}}, {ZONE_B}, NULL, NULL,
	".1 adopt"},
    {"then outside", {{"n1", 'a', "34.1.1.1", ""}, {"n2", 'b', "", ""}},
	{ZONE_B OUTSIDE("n1", PLAN_GENERATION)}, NULL, NULL, ".1 OutsideSelector"},
    {"then gone", {{"n1", 'a', "34.1.1.1", ""}, {"n2", 'b', "", ""}},
	{ZONE_B OUTSIDE("n1", "1")}, NULL, NULL, ".1 move n2"},
    {"an empty selector does not mean the control plane",
	{{"n1", 'a', "34.1.1.1", "p"}, {"n2", 'b', "", ""}},
	{ANYWHERE OUTSIDE("n1", PLAN_GENERATION)}, NULL, NULL, ".1 OutsideSelector"},
    {"nor virtual nodes", {{"n1", 'a', "", "v"}, {"n2", 'b', "", ""}}, {ANYWHERE}, NULL,
	NULL, ".1 attach n2"},
    {"AssignOnly leaves it", {{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}},
	{SPEC ",\"policy\":\"AssignOnly\"}" ON("n1")}, NULL, NULL, ".1 AssignOnly"},

    /* --- how many at a time ------------------------------------------------------- */
    {"of serving addresses one moves at a time",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'a', "34.1.1.2", "x"},
	    {"n3", 'a', "34.1.1.3", "x"}, {"n4", 'b', "", ""}, {"n5", 'b', "", ""},
	    {"n6", 'b', "", ""}},
	{THREE_ON("")}, NULL, NULL, ".1 move n4; .2 MoveWaits; .3 MoveWaits"},
    {"or as many as the spec says",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'a', "34.1.1.2", "x"},
	    {"n3", 'a', "34.1.1.3", "x"}, {"n4", 'b', "", ""}, {"n5", 'b', "", ""},
	    {"n6", 'b', "", ""}},
	{THREE_ON(",\"maxConcurrentMoves\":2")}, NULL, NULL,
	".1 move n4; .2 move n5; .3 MoveWaits"},
    {"a percentage is rounded down",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'a', "34.1.1.2", "x"},
	    {"n3", 'a', "34.1.1.3", "x"}, {"n4", 'b', "", ""}, {"n5", 'b', "", ""},
	    {"n6", 'b', "", ""}},
	{THREE_ON(",\"maxConcurrentMoves\":\"99%\"")}, NULL, NULL,
	".1 move n4; .2 move n5; .3 MoveWaits"},
    {"but not to none",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'a', "34.1.1.2", "x"},
	    {"n3", 'a', "34.1.1.3", "x"}, {"n4", 'b', "", ""}, {"n5", 'b', "", ""},
	    {"n6", 'b', "", ""}},
	{THREE_ON(",\"maxConcurrentMoves\":\"1%\"")}, NULL, NULL,
	".1 move n4; .2 MoveWaits; .3 MoveWaits"},
    {"what is drained or dead does not wait",
	{{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'a', "34.1.1.2", "c"},
	    {"n3", 'a', "34.1.1.3", "r"}, {"n4", 'b', "", ""}, {"n5", 'b', "", ""},
	    {"n6", 'b', "", ""}},
	{THREE_ON("")}, NULL, NULL, ".1 move n4; .2 move n5; .3 move n6"},

    /* --- NotReady ----------------------------------------------------------------- */
    {"a minute is less than the default grace",
	{{"n1", 'a', "34.1.1.1", "m"}, {"n2", 'b', "", ""}, {"n3", 'a', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 Attached"},
    {"and more than half a minute",
	{{"n1", 'a', "34.1.1.1", "m"}, {"n2", 'b', "", ""}, {"n3", 'a', "", ""}},
	{SPEC ",\"notReadyGraceSeconds\":30}" ON("n1")}, NULL, NULL, ".1 move n2"},
    {"which is the least",
	{{"n1", 'a', "34.1.1.1", "n"}, {"n2", 'b', "", ""}, {"n3", 'a', "", ""}},
	{SPEC ",\"notReadyGraceSeconds\":1}" ON("n1")}, NULL, NULL, ".1 Attached"},
    {"a third of the nodes may be not ready",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'b', "", "N"}, {"n3", 'b', "", ""},
	    {"n4", 'a', "", ""}, {"n5", 'a', "", ""}, {"n6", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 move n3"},
    {"not more",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'b', "", "N"}, {"n3", 'b', "", "N"},
	    {"n4", 'a', "", ""}, {"n5", 'a', "", ""}, {"n6", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 ManyNodesNotReady"},
    {"nodes that the spec does not mean are not counted",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'b', "", "Nx"}, {"n3", 'b', "", ""},
	    {"n4", 'a', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 move n3"},
    {"half of a zone may be not ready",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'a', "", "Nx"}, {"n3", 'a', "", "x"},
	    {"n4", 'a', "", "x"}, {"n5", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 move n5"},
    {"not more, whichever its nodes are",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'a', "", "Nx"}, {"n3", 'a', "", "x"},
	    {"n5", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 ManyNodesNotReady"},
    {"the only node of a zone may be lost",
	{{"n1", 'a', "34.1.1.1", "N"}, {"n2", 'b', "", ""}, {"n3", 'b', "", ""}},
	{ONE ON("n1")}, NULL, NULL, ".1 move n2"},

    /* --- the order of choice ------------------------------------------------------ */
    {"each address goes to the zone with the fewest",
	{{"n1", 'a', "", ""}, {"n2", 'a', "", ""}, {"n3", 'b', "", ""},
	    {"n4", 'b', "", ""}},
	{THREE}, NULL, NULL, ".1 attach n1; .2 attach n3; .3 attach n2"},
    {"those of other allocations count as well",
	{{"n1", 'a', "34.1.1.1", ""}, {"n2", 'a', "", ""}, {"n3", 'b', "", ""}},
	{ONE ON("n1"), "\"spec\":{\"reservedIPs\":[\"34.1.1.2\"],\"cloud\":{}}"}, NULL,
	NULL, ".1 Attached; .2 attach n3"},
    {"a node with a foreign hostNetwork pod comes last",
	{{"n1", 'a', "", "h"}, {"n2", 'a', "", ""}}, {ONE}, NULL, NULL, ".1 attach n2"},
    {"but before a zone that has more",
	{{"n1", 'a', "34.1.1.2", ""}, {"n2", 'a', "", ""}, {"n3", 'b', "", "h"}},
	{ONE, "\"spec\":{\"reservedIPs\":[\"34.1.1.2\"],\"cloud\":{}}"}, NULL, NULL,
	".1 attach n3; .2 adopt"},

    /* --- more addresses than nodes ------------------------------------------------ */
    {"the surplus is spare", {{"n1", 'a', "", ""}, {"n2", 'b', "", ""}}, {THREE}, NULL,
	NULL, ".1 attach n1; .2 attach n2; .3 Spare"},
    {"a node that is cordoned may yet be had, by one",
	{{"n1", 'a', "", ""}, {"n2", 'b', "", "c"}}, {THREE}, NULL, NULL,
	".1 attach n1; .2 NoEligibleNode; .3 Spare"},
    {"the nodes are another allocation's", {{"n1", 'a', "34.1.1.1", ""}},
	{ONE ON("n1"), "\"spec\":{\"reservedIPs\":[\"34.1.1.2\"],\"cloud\":{}}"}, NULL,
	NULL, ".1 Attached; .2 NodeHoldsAnother"},
    {"or somebody's", {{"n1", 'a', "34.1.1.4", ""}}, {ONE}, NULL, NULL,
	".1 NodeHoldsAnother"},

    /* --- skipped ------------------------------------------------------------------ */
    {"a node to be skipped keeps what it has",
	{{"n1", 'a', "34.1.1.1", "sc"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL,
	NULL, ".1 Skipped"},
    {"and says nothing of it while it stays anyway",
	{{"n1", 'a', "34.1.1.1", "s"}, {"n2", 'b', "", ""}}, {ONE ON("n1")}, NULL, NULL,
	".1 Attached"},

    /* --- policies ----------------------------------------------------------------- */
    {"Observe says where it would go", {{"n1", 'a', "", ""}, {"n2", 'b', "", "w"}},
	{SPEC ",\"policy\":\"Observe\"}"}, NULL, NULL, ".1 Observing"},
    {"or what would move", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", ""}},
	{SPEC ",\"policy\":\"Observe\"}" ON("n1")}, NULL, NULL, ".1 Observing"},
    {"and adopts nothing", {{"n1", 'a', "34.1.1.1", "x"}, {"n2", 'b', "", ""}},
	{SPEC ",\"policy\":\"Observe\"}"}, NULL, NULL, ".1 OutsideSelector"},
    {"what Observe would do takes no node from others", {{"n1", 'a', "", ""}},
	{"\"spec\":{\"reservedIPs\":[\"34.1.1.2\"],\"cloud\":{},\"policy\":"
	 "\"Observe\"}",
	    ONE},
	NULL, NULL, ".2 NodeHoldsAnother; .1 attach n1"},
    {"what Observe has seen it does not own", {{"n1", 'a', "34.1.1.1", ""}},
	{SPEC ",\"policy\":\"Observe\"}", ONE}, NULL, NULL, ".1 Attached; .1 adopt"},
};

Test(plan_spec, table)
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

/* The annotation is set on what was read. */
static void
check_paused(const struct plan_case *test)
{
	struct plan_world made;
	struct scene scene;
	struct plan *plan;
	char got[512];

	plan_rig_make(&made, test);
	made.allocations[0]->paused = true;
	scene = plan_rig_scene(&made);
	plan = plan_make(&scene);
	plan_rig_describe(plan, got, sizeof got);
	cr_expect_str_eq(got, test->want, "%s", test->title);
	plan_free(plan);
	plan_rig_unmake(&made);
}

Test(plan_spec, paused)
{
	static const struct plan_case paused[] = {
	    {"nothing is attached", {{"n1", 'a', "", ""}}, {ONE}, NULL, NULL,
		".1 Paused"},
	    {"nor moved", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", ""}},
		{ONE ON("n1")}, NULL, NULL, ".1 Paused"},
	    {"what is found is adopted", {{"n1", 'a', "34.1.1.1", ""}}, {ONE}, NULL,
		NULL, ".1 adopt"},
	    {"what is open goes on", {{"n1", 'a', "", ""}},
		{ONE ",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"intent\":"
		     "{\"schemaVersion\":1,\"id\":\"x\",\"step\":\"Attach\",\"to\":"
		     "{\"nodeUID\":\"uid-n1\",\"instanceID\":\"id-n1\"}}}]}"},
		NULL, NULL, ".1 open"},
	    {"it still owns what it has", {{"n1", 'a', "34.1.1.1", ""}},
		{ONE ON("n1"), ONE}, NULL, NULL, ".1 Attached; .1 Conflict"},
	};

	for (size_t i = 0; i < sizeof paused / sizeof paused[0]; i++)
		check_paused(&paused[i]);
}

Test(plan_spec, a_region_has_to_be_the_nodes_own)
{
	static char labels[] = "a\0b";
	struct allocation *allocation = mem_calloc(1, sizeof *allocation);
	struct world_node node = {
	    .place = {.region = "us-west1", .zone = "us-west1-a"}};

	allocation->node_selector = (struct texts){labels, sizeof labels};
	node.labels = (struct texts){labels, sizeof labels};
	cr_expect_eq(match_node(&node, allocation), MATCH_YES);
	MESSAGE_TEXT(allocation->region, "us-west1");
	cr_expect_eq(match_node(&node, allocation), MATCH_YES);
	MESSAGE_TEXT(allocation->region, "us-west");
	cr_expect_eq(match_node(&node, allocation), MATCH_PLACE);
	MESSAGE_TEXT(allocation->region, "u");
	cr_expect_eq(match_node(&node, allocation), MATCH_PLACE);
	free(allocation);
}

/* --- what pods tolerate ----------------------------------------------------------- */

/* It tolerates every taint, and says so in its way. */
static void
put_pod(struct world *world, int number, int way)
{
	struct msg_fact_pod *pod = mem_calloc(1, sizeof *pod);
	char key[16];

	snprintf(pod->uid, sizeof pod->uid, "pod-%d", number);
	snprintf(pod->name, sizeof pod->name, "sip-%d", number);
	snprintf(key, sizeof key, "way-%d", way);
	MESSAGE_TEXT(pod->namespace, "default");
	MESSAGE_TEXT(pod->node, "elsewhere");
	MESSAGE_TEXT(pod->owner_kind, "ReplicaSet");
	MESSAGE_TEXT(pod->owner_name, "sip-7d9");
	MESSAGE_TEXT(pod->template_hash, "7d9");
	pod->phase = POD_PHASE_RUNNING;
	for (int i = 0; i < 2; i++) {
		pack_add(&pod->tolerations, i == 0 ? key : "");
		pack_add(&pod->tolerations, "Exists");
		pack_add(&pod->tolerations, "");
		pack_add(&pod->tolerations, "");
	}
	world_put_pod(world, pod);
	free(pod);
}

static void
goes_to_tainted(int pods, int ways, const char *want)
{
	static const struct plan_case test = {
	    "", {{"n1", 'a', "", "t"}}, {ONE}, NULL, NULL, ""};
	struct plan_world made;
	struct scene scene;
	struct plan *plan;
	char got[512];

	plan_rig_make(&made, &test);
	for (int i = 0; i < pods; i++)
		put_pod(made.world, i, i % ways);
	scene = plan_rig_scene(&made);
	plan = plan_make(&scene);
	plan_rig_describe(plan, got, sizeof got);
	cr_expect_str_eq(got, want, "%d pods in %d ways: %s", pods, ways, got);
	plan_free(plan);
	plan_rig_unmake(&made);
}

/* However many pods, each way counts once; of more than 16 nothing is said. */
Test(plan, what_many_pods_tolerate)
{
	goes_to_tainted(0, 1, ".1 NoEligibleNode");
	goes_to_tainted(40, 1, ".1 attach n1");
	goes_to_tainted(40, 16, ".1 attach n1");
	goes_to_tainted(17, 17, ".1 NoEligibleNode");
	goes_to_tainted(40, 17, ".1 NoEligibleNode");
	plan_free(NULL);
}
