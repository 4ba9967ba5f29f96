/* The plan as a table: a small world in, a line for each address out. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "allocation.h"
#include "mem.h"
#include "plan.h"

/* Wall time of the scene: 2026-11-20T00:00:00Z. */
#define NOW_WALL	1795132800000
#define NOW_MONO	1000000
#define NODES_MAX	8
#define ALLOCATIONS_MAX 3

struct test_node {
	const char *name;
	char zone;
	const char *holds; /* its instance's external address; NULL: no instance */
	const char *flags; /* c cordoned, N not ready for long, n just now, s skip,
			    * t tainted, p control plane, x other pool, w workload pod,
			    * o other pod, r outside (no node object), S stopped,
			    * d terminating and overdue workload pod, q in another
			    * project, b ready (again) just now */
};

struct test_case {
	const char *title;
	struct test_node nodes[NODES_MAX];
	const char *allocations[ALLOCATIONS_MAX]; /* spec and status as JSON */
	const char *foreign; /* "34.1.1.1": held by a forwarding rule */
	const char *dark;    /* a zone or region that cannot be observed */
	const char *want;
};

struct test_world {
	struct world *world;
	struct view *view;
	struct allocation *allocations[ALLOCATIONS_MAX];
	size_t allocations_len;
};

static const char *const reserved[] = {"34.1.1.1", "34.1.1.2", "34.1.1.3"};

/* --- making the world ------------------------------------------------------------- */

static bool
has(const struct test_node *node, char flag)
{
	return strchr(node->flags, flag) != NULL;
}

static const char *
project(const struct test_node *node)
{
	return has(node, 'q') ? "other" : "demo";
}

static void
add_pod(
    struct world *world, const struct test_node *node, const char *owner, bool overdue)
{
	struct msg_fact_pod *pod = mem_calloc(1, sizeof *pod);

	snprintf(pod->uid, sizeof pod->uid, "pod-%s-%s", node->name, owner);
	snprintf(pod->name, sizeof pod->name, "%s-%s", owner, node->name);
	MESSAGE_TEXT(pod->namespace, "default");
	MESSAGE_TEXT(pod->node, node->name);
	MESSAGE_TEXT(pod->owner_kind, "ReplicaSet");
	snprintf(pod->owner_name, sizeof pod->owner_name, "%s-7d9", owner);
	MESSAGE_TEXT(pod->template_hash, "7d9");
	pod->phase = POD_PHASE_RUNNING;
	pod->deleting = overdue;
	pod->delete_at_ms = overdue ? NOW_WALL - LEAVE_POD_OVERDUE_MS - 1 : 0;
	world_put_pod(world, pod);
	free(pod);
}

static void
add_node(struct world *world, const struct test_node *node)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);

	MESSAGE_TEXT(fact->name, node->name);
	snprintf(fact->uid, sizeof fact->uid, "uid-%s", node->name);
	snprintf(fact->provider_id, sizeof fact->provider_id, "gce://%s/us-west1-%c/%s",
	    project(node), node->zone, node->name);
	fact->unschedulable = has(node, 'c');
	fact->skip = has(node, 's');
	fact->ready =
	    has(node, 'N') || has(node, 'n') ? NODE_READY_FALSE : NODE_READY_TRUE;
	fact->ready_since_ms = has(node, 'n') || has(node, 'b') ? NOW_WALL - 1000 : 1;
	pack_add(&fact->labels, "pool");
	pack_add(&fact->labels, has(node, 'x') ? "other" : "edge");
	if (has(node, 'p')) {
		pack_add(&fact->labels, "node-role.kubernetes.io/control-plane");
		pack_add(&fact->labels, "");
	}
	if (has(node, 't')) {
		pack_add(&fact->taints, "dedicated");
		pack_add(&fact->taints, "db");
		pack_add(&fact->taints, "NoSchedule");
	}
	world_put_node(world, fact);
	free(fact);
	if (has(node, 'w') || has(node, 'd'))
		add_pod(world, node, "sip", has(node, 'd'));
	if (has(node, 'o'))
		add_pod(world, node, "sip-other", false);
}

struct asked {
	struct msg_observe observes[NODES_MAX];
	size_t len;
};

static int
observe(void *arg, enum message_type type, const void *msg)
{
	struct asked *asked = arg;

	cr_assert_eq(type, MSG_OBSERVE);
	memcpy(&asked->observes[asked->len++], msg, sizeof asked->observes[0]);
	return 0;
}

static void
tell(struct view *view, struct message *message)
{
	struct mono_time now = {NOW_MONO};
	bool news;

	cr_assert_eq(view_message(view, message, now, &news), 0);
}

static void
tell_instances(struct view *view, const struct test_case *test, struct message *message,
    const struct msg_observe *asked)
{
	uint64_t round = asked->round;
	char zone = asked->place[strlen("us-west1-")];

	for (size_t i = 0; i < NODES_MAX && test->nodes[i].name != NULL; i++) {
		const struct test_node *node = &test->nodes[i];
		struct msg_observed_instance *seen = &message->u.observed_instance;

		if (node->zone != zone || node->holds == NULL ||
		    strcmp(project(node), asked->project) != 0)
			continue;
		message->type = MSG_OBSERVED_INSTANCE;
		*seen = (struct msg_observed_instance){.round = round};
		snprintf(seen->id, sizeof seen->id, "id-%s", node->name);
		MESSAGE_TEXT(seen->name, node->name);
		seen->state = has(node, 'S') ? INSTANCE_STOPPED : INSTANCE_RUNNING;
		MESSAGE_TEXT(seen->address, node->holds);
		MESSAGE_TEXT(seen->fence, "external-nat");
		tell(view, message);
	}
}

static void
tell_addresses(struct view *view, const struct test_case *test, struct message *message,
    const struct msg_observe *asked)
{
	uint64_t round = asked->round;

	if (strcmp(asked->project, "demo") != 0)
		return;
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
		struct msg_observed_address *seen = &message->u.observed_address;

		message->type = MSG_OBSERVED_ADDRESS;
		*seen = (struct msg_observed_address){.round = round};
		MESSAGE_TEXT(seen->address, reserved[i]);
		if (test->foreign != NULL && strcmp(test->foreign, reserved[i]) == 0)
			MESSAGE_TEXT(seen->user, "projects/demo/forwardingRules/web");
		for (size_t j = 0; j < NODES_MAX && test->nodes[j].name != NULL; j++)
			if (test->nodes[j].holds != NULL &&
			    strcmp(test->nodes[j].holds, reserved[i]) == 0)
				snprintf(seen->user, sizeof seen->user,
				    "projects/demo/zones/us-west1-%c/instances/%s",
				    test->nodes[j].zone, test->nodes[j].name);
		seen->status =
		    seen->user[0] != '\0' ? ADDRESS_IN_USE : ADDRESS_RESERVED;
		tell(view, message);
	}
}

static void
answer(struct view *view, const struct test_case *test, const struct msg_observe *asked)
{
	static struct message told;
	bool dark = test->dark != NULL && strcmp(test->dark, asked->place) == 0;
	struct msg_observed_end end = {
	    .round = asked->round, .scope = asked->scope, .ok = !dark};

	memset(&told.u, 0, sizeof told.u);
	told.type = MSG_OBSERVED_BEGIN;
	told.u.observed_begin.round = asked->round;
	told.u.observed_begin.scope = asked->scope;
	MESSAGE_TEXT(told.u.observed_begin.project, asked->project);
	MESSAGE_TEXT(told.u.observed_begin.place, asked->place);
	tell(view, &told);
	if (!dark && asked->scope == SCOPE_ZONE)
		tell_instances(view, test, &told, asked);
	else if (!dark)
		tell_addresses(view, test, &told, asked);
	MESSAGE_TEXT(end.project, asked->project);
	MESSAGE_TEXT(end.place, asked->place);
	MESSAGE_TEXT(end.reason, dark ? "CloudUnreachable" : "");
	told.type = MSG_OBSERVED_END;
	told.u.observed_end = end;
	tell(view, &told);
}

static void
look(struct view *view, const struct test_case *test)
{
	struct asked asked = {0};
	struct effects effects = {.arg = &asked, .cloud = observe};
	struct mono_time now = {NOW_MONO};

	view_ask(view, &effects, now);
	for (size_t i = 0; i < asked.len; i++)
		answer(view, test, &asked.observes[i]);
}

static struct allocation *
make_allocation(size_t index, const char *json)
{
	char *text = mem_printf("{\"metadata\":{\"name\":\"a%zu\",\"uid\":\"uid-a%zu\","
				"\"creationTimestamp\":\"2026-01-0%zuT00:00:00Z\"},%s}",
	    index + 1, index + 1, index + 1, json);
	struct json_object *object = json_tokener_parse(text);
	struct allocation *allocation = allocation_parse(object);

	cr_assert_not_null(allocation, "%s", text);
	json_object_put(object);
	free(text);
	return allocation;
}

static void
make(struct test_world *made, const struct test_case *test)
{
	struct wall_time now = {1};

	*made = (struct test_world){.world = world_new(), .view = view_new(7)};
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(made->world, (enum fact_kind)kind, SYNC_BEGIN, now);
	view_want_begin(made->view);
	for (size_t i = 0; i < NODES_MAX && test->nodes[i].name != NULL; i++) {
		char zone[] = "us-west1-?";

		zone[sizeof zone - 2] = test->nodes[i].zone;
		view_want_zone(made->view, project(&test->nodes[i]), zone);
		if (!has(&test->nodes[i], 'r'))
			add_node(made->world, &test->nodes[i]);
	}
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(made->world, (enum fact_kind)kind, SYNC_END, now);
	look(made->view, test);
	while (made->allocations_len < ALLOCATIONS_MAX &&
	       test->allocations[made->allocations_len] != NULL) {
		made->allocations[made->allocations_len] = make_allocation(
		    made->allocations_len, test->allocations[made->allocations_len]);
		made->allocations_len++;
	}
}

static void
unmake(struct test_world *made)
{
	for (size_t i = 0; i < made->allocations_len; i++)
		allocation_free(made->allocations[i]);
	world_free(made->world);
	view_free(made->view);
}

/* --- reading the plan ------------------------------------------------------------- */

static const char *
kind_word(const struct plan_step *step)
{
	static const char *const words[] = {
	    [PLAN_REST] = "",
	    [PLAN_HOLD] = "hold",
	    [PLAN_OPEN] = "open",
	    [PLAN_ADOPT] = "adopt",
	    [PLAN_ATTACH] = "attach",
	    [PLAN_MOVE] = "move",
	    [PLAN_FORGET] = "forget",
	};

	return step->kind == PLAN_REST ? step->reason : words[step->kind];
}

/* ".1 attach n2; .2 Conflict" */
static void
describe(const struct plan *plan, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < plan->len && len < size; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool to = step->kind == PLAN_ATTACH || step->kind == PLAN_MOVE;
		bool off = step->kind == PLAN_ATTACH && step->target.ephemeral;

		len += (size_t)snprintf(out + len, size - len, "%s%s %s%s%s%s",
		    i > 0 ? "; " : "",
		    strrchr(step->allocation->addresses[step->index].address, '.'),
		    kind_word(step), to ? " " : "", to ? step->target.node->name : "",
		    off ? "*" : "");
	}
}

#define SPEC                                                                           \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\"],\"cloud\":{},\"nodeSelector\":"      \
	"{\"pool\":\"edge\"},\"workloadRef\":{\"kind\":\"Deployment\",\"name\":"       \
	"\"sip\"}"
#define ONE SPEC "}"
#define ON(n)                                                                          \
	",\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"state\":"             \
	"\"Attached\","                                                                \
	"\"nodeName\":\"" n "\",\"nodeUID\":\"uid-" n "\",\"instanceID\":\"id-" n      \
	"\",\"project\":\"demo\",\"zone\":\"us-west1-a\"}]}"
#define TWO                                                                            \
	"\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.2\"],\"cloud\":{},"          \
	"\"nodeSelector\":{\"pool\":\"edge\"}}"

static const struct test_case cases[] = {
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
    {"and stays outside the selector", {{"n1", 'a', "34.1.1.1", "x"}}, {ONE ON("n1")},
	NULL, NULL, ".1 OutsideSelector"},
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
    {"an address that left the list stays where it is", {{"n2", 'b', "34.1.1.1", ""}},
	{"\"spec\":{\"reservedIPs\":[],\"cloud\":{}}" ON("n2")}, NULL, NULL,
	".1 NotListed"},
    {"and is forgotten once it is not with us", {{"n2", 'b', "", ""}},
	{"\"spec\":{\"reservedIPs\":[],\"cloud\":{}}" ON("n2")}, NULL, NULL,
	".1 forget"},
};

/* Unknown of a failed first look is told; the scene is looked at right away. */
static void
run(const struct test_case *test, char *out, size_t size, char *message,
    size_t message_size)
{
	struct test_world made;
	struct scene scene = {
	    .now = {.mono = {NOW_MONO}, .wall = {NOW_WALL}},
	};
	struct plan *plan;

	make(&made, test);
	scene.world = made.world;
	scene.view = made.view;
	scene.allocations = made.allocations;
	scene.allocations_len = made.allocations_len;
	plan = plan_make(&scene);
	describe(plan, out, size);
	message_text(message, message_size, plan->steps[0].message);
	plan_free(plan);
	unmake(&made);
}

Test(plan, table)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char got[512], again[512], message[512];

		run(&cases[i], got, sizeof got, message, sizeof message);
		cr_expect_str_eq(got, cases[i].want, "%s: \"%s\" (%s)", cases[i].title,
		    got, message);
		run(&cases[i], again, sizeof again, message, sizeof message);
		cr_expect_str_eq(got, again, "%s: not the same twice", cases[i].title);
	}
}

Test(plan, counts_reasons_as_schedulers_do)
{
	static const struct test_case test = {"",
	    {{"n1", 'a', "", "c"}, {"n2", 'a', "", "c"}, {"n3", 'b', "", "n"},
		{"n4", 'b', "", "x"}},
	    {ONE}, NULL, NULL, ""};
	char got[512], message[512];

	run(&test, got, sizeof got, message, sizeof message);
	cr_assert_str_eq(message, "0/4 nodes: 2 cordoned, 1 not selected, 1 not ready");
}

#define PROMISED                                                                       \
	SPEC "},\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"intent\":"      \
	     "{\"schemaVersion\":1,\"id\":\"x\",\"step\":\"Attach\",\"to\":"           \
	     "{\"nodeUID\":\"uid-n1\",\"instanceID\":\"id-n1\"}}}]}"

/* What the draft has given up is not given up before the API says so. */
Test(plan, a_node_is_promised_as_long_as_the_journal_names_it)
{
	static const struct test_case test = {"",
	    {{"n1", 'a', "", "w"}, {"n2", 'b', "", ""}, {"n3", 'b', "", ""}},
	    {PROMISED, TWO}, NULL, NULL, ""};
	struct test_world made;
	struct scene scene = {
	    .now = {.mono = {NOW_MONO}, .wall = {NOW_WALL}},
	};
	struct intent *intent;
	struct plan *plan;

	make(&made, &test);
	scene.world = made.world;
	scene.view = made.view;
	scene.allocations = made.allocations;
	scene.allocations_len = made.allocations_len;
	intent = &made.allocations[0]->addresses[0].intent;
	snprintf(intent->to.node_uid, sizeof intent->to.node_uid, "uid-n2");
	plan = plan_make(&scene);
	cr_assert_eq(plan->steps[2].kind, PLAN_ATTACH);
	cr_assert_str_eq(plan->steps[2].target.node->name, "n3");
	cr_assert(plan_is_promised(&scene, NULL, "uid-n1"));
	cr_assert(plan_is_promised(&scene, NULL, "uid-n2"));
	cr_assert_not(plan_is_promised(&scene, NULL, "uid-n3"));
	plan_free(plan);
	unmake(&made);
}
