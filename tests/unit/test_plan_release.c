/* The plan for addresses that are no longer wanted, as a table. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "plan_rig.h"

#define RETAIN SPEC ",\"deletionPolicy\":\"Retain\"}"
#define UNLISTED                                                                       \
	"\"spec\":{\"reservedIPs\":[],\"cloud\":{},\"workloadRef\":{\"kind\":"         \
	"\"Deployment\",\"name\":\"sip\"}}"
#define FREE "\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{}}"
#define INTENT(step)                                                                   \
	",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"intent\":"            \
	"{\"schemaVersion\":1,\"id\":\"x\",\"step\":\"" step "\",\"from\":"            \
	"{\"nodeUID\":\"uid-n1\",\"instanceID\":\"id-n1\"}}}]}"

/* What is true of the first allocation besides: D being deleted, F with our finalizer,
 * N release-now, P paused, M its workload does not exist, g the definition is going, ?
 * cannot be read, ! may not be read, L for long; else it stays. C its intent has been
 * closed since it was read. */
struct release_case {
	struct plan_case plan;
	const char *flags;
};

static const struct release_case cases[] = {
    /* --- deleted ------------------------------------------------------------------ */
    {{"what nobody uses is released", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")},
	 NULL, NULL, ".1 release"},
	"DF"},
    {{"what pods use is not", {{"n1", 'a', "34.1.1.1", "w"}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 InUse"},
	"DF"},
    {{"cordoned or not", {{"n1", 'a', "34.1.1.1", "cw"}, {"n2", 'b', "", ""}},
	 {ONE ON("n1")}, NULL, NULL, ".1 InUse"},
	"DF"},
    {{"nor on a node that is not ready for long", {{"n1", 'a', "34.1.1.1", "Nw"}},
	 {ONE ON("n1")}, NULL, NULL, ".1 InUse"},
	"DF"},
    {{"unless it is wanted now", {{"n1", 'a', "34.1.1.1", "w"}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 release"},
	"DFN"},
    {{"pods of others do not count", {{"n1", 'a', "34.1.1.1", "o"}}, {ONE ON("n1")},
	 NULL, NULL, ".1 release"},
	"DF"},
    {{"they do when there is no workload that could be told apart",
	 {{"n1", 'a', "34.1.1.1", "o"}}, {FREE ON("n1")}, NULL, NULL, ".1 InUse"},
	"DF"},
    {{"or when it does not exist", {{"n1", 'a', "34.1.1.1", "o"}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 WorkloadNotFound"},
	"DFM"},
    {{"one that ought to be gone does not count", {{"n1", 'a', "34.1.1.1", "d"}},
	 {ONE ON("n1")}, NULL, NULL, ".1 release"},
	"DF"},
    {{"the node is gone: nobody uses it", {{"n1", 'a', "34.1.1.1", "rw"}},
	 {ONE ON("n1")}, NULL, NULL, ".1 release"},
	"DF"},
    {{"its instance is stopped", {{"n1", 'a', "34.1.1.1", "NSw"}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 release"},
	"DF"},
    {{"it does not move before", {{"n1", 'a', "34.1.1.1", "c"}, {"n2", 'b', "", ""}},
	 {ONE ON("n1")}, NULL, NULL, ".1 release"},
	"DF"},
    {{"it is nowhere any more", {{"n1", 'a', "", ""}}, {ONE ON("n1")}, NULL, NULL,
	 ".1 forget"},
	"DF"},
    {{"somebody else has it", {{"n1", 'a', "", ""}}, {ONE ON("n1")}, "34.1.1.1", NULL,
	 ".1 forget"},
	"DF"},
    {{"somebody moved it to another node of ours",
	 {{"n1", 'a', "", ""}, {"n2", 'a', "34.1.1.1", ""}}, {ONE ON("n1")}, NULL, NULL,
	 ".1 adopt"},
	"DF"},
    {{"it was never attached", {{"n1", 'a', "", ""}}, {ONE}, NULL, NULL, ".1 Deleting"},
	"DF"},
    {{"it is where nobody of us put it", {{"n1", 'a', "34.1.1.1", ""}}, {ONE}, NULL,
	 NULL, ".1 Deleting"},
	"DF"},
    {{"what is not known is not released", {{"n1", 'a', "34.1.1.1", ""}},
	 {ONE ON("n1")}, NULL, "us-west1-a", ".1 CloudUnreachable"},
	"DF"},
    {{"an open step goes on", {{"n1", 'a', "34.1.1.1", ""}}, {ONE INTENT("Release")},
	 NULL, NULL, ".1 open"},
	"DF"},
    {{"a brake holds it", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")}, NULL, NULL,
	 ".1 Paused"},
	"DFP"},
    {{"so does the node's", {{"n1", 'a', "34.1.1.1", "s"}}, {ONE ON("n1")}, NULL, NULL,
	 ".1 Skipped"},
	"DF"},

    /* --- deleted, and left where it is -------------------------------------------- */
    {{"Retain", {{"n1", 'a', "34.1.1.1", ""}}, {RETAIN ON("n1")}, NULL, NULL,
	 ".1 Retained"},
	"DF"},
    {{"Retain asks for nothing to be known", {{"n1", 'a', "34.1.1.1", ""}},
	 {RETAIN ON("n1")}, NULL, "us-west1-a", ".1 Retained"},
	"DFP"},
    {{"AssignOnly", {{"n1", 'a', "34.1.1.1", ""}},
	 {SPEC ",\"policy\":\"AssignOnly\"}" ON("n1")}, NULL, NULL, ".1 Retained"},
	"DF"},
    {{"Observe", {{"n1", 'a', "34.1.1.1", ""}},
	 {SPEC ",\"policy\":\"Observe\"}" ON("n1")}, NULL, NULL, ".1 Retained"},
	"DF"},
    {{"without the finalizer", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 Retained"},
	"D"},
    {{"the definition goes, too", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")}, NULL,
	 NULL, ".1 Retained"},
	"DFg"},
    {{"whether it does cannot be read", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")},
	 NULL, NULL, ".1 DefinitionUnknown"},
	"DF?"},
    {{"or may not be", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")}, NULL, NULL,
	 ".1 DefinitionUnknown"},
	"DF!"},
    {{"that does not last for ever", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1")},
	 NULL, NULL, ".1 Retained"},
	"DF!L"},

    /* --- no longer listed --------------------------------------------------------- */
    {{"unlisted and not used", {{"n1", 'a', "34.1.1.1", ""}}, {UNLISTED ON("n1")}, NULL,
	 NULL, ".1 release"},
	"F"},
    {{"unlisted and used", {{"n1", 'a', "34.1.1.1", "w"}}, {UNLISTED ON("n1")}, NULL,
	 NULL, ".1 InUse"},
	"F"},
    {{"the definition has no say", {{"n1", 'a', "34.1.1.1", ""}}, {UNLISTED ON("n1")},
	 NULL, NULL, ".1 release"},
	"F?"},
    {{"unlisted and not known", {{"n1", 'a', "34.1.1.1", ""}}, {UNLISTED ON("n1")},
	 NULL, "us-west1-a", ".1 CloudUnreachable"},
	"F"},
    {{"unlisted and not with us", {{"n1", 'a', "", ""}}, {UNLISTED ON("n1")}, NULL,
	 NULL, ".1 forget"},
	"F"},
    {{"unlisted and never with us", {{"n1", 'a', "34.1.1.1", ""}},
	 {UNLISTED ",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"state\":"
		   "\"Pending\"}]}"},
	 NULL, NULL, ".1 forget"},
	"F"},
    {{"unlisted with Retain", {{"n1", 'a', "34.1.1.1", ""}},
	 {"\"spec\":{\"reservedIPs\":[],\"cloud\":{},\"deletionPolicy\":\"Retain\"}" ON(
	     "n1")},
	 NULL, NULL, ".1 forget"},
	""},

    /* --- handed over -------------------------------------------------------------- */
    {{"another one lists it", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1"), ONE}, NULL,
	 NULL, ".1 HandedOver; .1 adopt"},
	"DF"},
    {{"and has it", {{"n1", 'a', "34.1.1.1", ""}}, {ONE ON("n1"), ONE ON("n1")}, NULL,
	 NULL, ".1 forget; .1 Attached"},
	"DF"},
    {{"from a list to another", {{"n1", 'a', "34.1.1.1", ""}}, {UNLISTED ON("n1"), ONE},
	 NULL, NULL, ".1 HandedOver; .1 adopt"},
	"F"},
    {{"of two that go the elder releases it", {{"n1", 'a', "34.1.1.1", ""}},
	 {UNLISTED ON("n1"), UNLISTED ON("n1")}, NULL, NULL, ".1 release; .1 forget"},
	"F"},
    {{"unless the other one has begun", {{"n1", 'a', "34.1.1.1", ""}},
	 {UNLISTED ON("n1"), UNLISTED INTENT("Release")}, NULL, NULL,
	 ".1 forget; .1 open"},
	"F"},
    {{"Observe is no heir", {{"n1", 'a', "34.1.1.1", ""}},
	 {ONE ON("n1"), SPEC ",\"policy\":\"Observe\"}"}, NULL, NULL,
	 ".1 release; .1 Attached"},
	"DF"},
    {{"nor is what is refused", {{"n1", 'a', "34.1.1.1", ""}},
	 {ONE ON("n1"), SPEC ",\"policy\":\"All\"}"}, NULL, NULL,
	 ".1 release; .1 InvalidSpec"},
	"DF"},
    {{"what is open is ended by who began it", {{"n1", 'a', "", ""}},
	 {UNLISTED INTENT("Release"), ONE}, NULL, NULL, ".1 open; .1 Conflict"},
	"F"},
    {{"and until the API says that it has ended", {{"n1", 'a', "", ""}},
	 {UNLISTED INTENT("Release"), ONE}, NULL, NULL, ".1 forget; .1 Conflict"},
	"FC"},
};

static bool
is(const struct release_case *test, char flag)
{
	return strchr(test->flags, flag) != NULL;
}

static void
set(struct plan_world *made, const struct release_case *test)
{
	struct allocation *allocation = made->allocations[0];

	allocation->deleting = is(test, 'D');
	allocation->deleted.ms =
	    PLAN_NOW_WALL - (is(test, 'L') ? RELEASE_PATIENCE_MS : 1000);
	allocation->finalizer = is(test, 'F');
	allocation->release_now = is(test, 'N');
	allocation->paused = is(test, 'P');
	if (is(test, 'C'))
		allocation->addresses[0].intent = (struct intent){0};
	if (is(test, 'M'))
		world_note(made->world, NOTE_WORKLOAD_MISSING, allocation->uid, "",
		    (struct mono_time){PLAN_NOW_MONO + 1000});
}

static enum definition_state
definition(const struct release_case *test)
{
	if (is(test, 'g'))
		return DEFINITION_GOING;
	if (is(test, '?'))
		return DEFINITION_UNKNOWN;
	return is(test, '!') ? DEFINITION_DENIED : DEFINITION_STAYS;
}

Test(plan_release, table)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct plan_world made;
		struct scene scene;
		struct plan *plan;
		char got[512];

		plan_rig_make(&made, &cases[i].plan);
		set(&made, &cases[i]);
		scene = plan_rig_scene(&made);
		scene.definition = definition(&cases[i]);
		plan = plan_make(&scene);
		plan_rig_describe(plan, got, sizeof got);
		cr_expect_str_eq(got, cases[i].plan.want, "%s: \"%s\" (%s)",
		    cases[i].plan.title, got, plan->steps[0].message);
		plan_free(plan);
		plan_rig_unmake(&made);
	}
}

/* A pod that keeps an address, in a list of them. */
static struct world_pod *
put(struct world_pod *next, const char *name, const char *namespace, const char *app)
{
	static struct msg_fact_pod fact;
	struct world_pod *pod;

	memset(&fact, 0, sizeof fact);
	MESSAGE_TEXT(fact.uid, name);
	MESSAGE_TEXT(fact.name, name);
	MESSAGE_TEXT(fact.namespace, namespace);
	MESSAGE_TEXT(fact.owner_kind, "ReplicaSet");
	snprintf(fact.owner_name, sizeof fact.owner_name, "%s-7d9", app);
	MESSAGE_TEXT(fact.template_hash, "7d9");
	MESSAGE_TEXT(fact.label_app, app);
	fact.phase = POD_PHASE_RUNNING;
	pod = world_pod_new(&fact);
	pod->next = next;
	return pod;
}

static size_t
count(const struct world_pod *pods, const char *namespace, bool missing, char *names)
{
	struct allocation allocation = {.workload = WORKLOAD_DEPLOYMENT};
	struct wall_time now = {PLAN_NOW_WALL};
	int64_t next_ms = INT64_MAX;

	MESSAGE_TEXT(allocation.workload_name, "sip");
	MESSAGE_TEXT(allocation.workload_namespace, namespace);
	return release_count_pods(
	    pods, &allocation, missing, now, &next_ms, names, TEXT_MAX + 1);
}

Test(plan_release, names_the_first_pods_in_order)
{
	struct world_pod *pods = NULL;
	char names[TEXT_MAX + 1];

	pods = put(pods, "sip-3", "default", "sip");
	pods = put(pods, "sip-1", "default", "sip");
	pods = put(pods, "other", "default", "web");
	pods = put(pods, "sip-4", "default", "sip");
	pods = put(pods, "sip-2", "default", "sip");
	cr_assert_eq(count(pods, "default", false, names), 4);
	cr_assert_str_eq(names, "sip-1, sip-2, sip-3 and 1 more");
	while (pods != NULL) {
		struct world_pod *pod = pods;

		pods = pod->next;
		world_pod_free(pod);
	}
}

/* Of a workload that does not exist all count that may have been meant. */
Test(plan_release, a_slip_in_the_reference_takes_nothing)
{
	struct world_pod *pods = put(NULL, "sip-1", "prod", "sip");
	char names[TEXT_MAX + 1];

	cr_assert_eq(count(pods, "default", false, names), 0);
	cr_assert_eq(count(pods, "default", true, names), 1); /* its label */
	world_pod_free(pods);
	pods = put(NULL, "web-1", "prod", "web");
	cr_assert_eq(count(pods, "default", true, names), 0);
	cr_assert_eq(count(pods, "prod", true, names), 1); /* its namespace */
	world_pod_free(pods);
}
