#include "plan_rig.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

static const char *const reserved[] = {"34.1.1.1", "34.1.1.2", "34.1.1.3", "34.1.1.4"};

/* --- making the world ------------------------------------------------------------- */

static bool
has(const struct plan_node *node, char flag)
{
	return strchr(node->flags, flag) != NULL;
}

static const char *
project(const struct plan_node *node)
{
	return has(node, 'q') ? "other" : "demo";
}

static void
add_pod(
    struct world *world, const struct plan_node *node, const char *owner, bool overdue)
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
	pod->host_network = strcmp(owner, "ingress") == 0;
	pod->deleting = overdue;
	pod->delete_at_ms = overdue ? PLAN_NOW_WALL - LEAVE_POD_OVERDUE_MS - 1 : 0;
	world_put_pod(world, pod);
	free(pod);
}

static void
add_node(struct world *world, const struct plan_node *node)
{
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);

	MESSAGE_TEXT(fact->name, node->name);
	snprintf(fact->uid, sizeof fact->uid, "uid-%s", node->name);
	snprintf(fact->provider_id, sizeof fact->provider_id, "gce://%s/us-west1-%c/%s",
	    project(node), node->zone, node->name);
	fact->unschedulable = has(node, 'c');
	fact->skip = has(node, 's');
	fact->ready = has(node, 'N') || has(node, 'n') || has(node, 'm')
			  ? NODE_READY_FALSE
			  : NODE_READY_TRUE;
	fact->ready_since_ms = 1;
	if (has(node, 'n') || has(node, 'b'))
		fact->ready_since_ms = PLAN_NOW_WALL - 1000;
	if (has(node, 'm'))
		fact->ready_since_ms = PLAN_NOW_WALL - 60000;
	pack_add(&fact->labels, "pool");
	pack_add(&fact->labels, has(node, 'x') ? "other" : "edge");
	if (has(node, 'p')) {
		pack_add(&fact->labels, "node-role.kubernetes.io/control-plane");
		pack_add(&fact->labels, "");
	}
	if (has(node, 'v')) {
		pack_add(&fact->labels, "type");
		pack_add(&fact->labels, "virtual-kubelet");
	}
	if (has(node, 't')) {
		pack_add(&fact->taints, "dedicated");
		pack_add(&fact->taints, "db");
		pack_add(&fact->taints, "NoSchedule");
	}
	if (has(node, 'u'))
		pack_add(&fact->taints, "dedicated");
	world_put_node(world, fact);
	free(fact);
	if (has(node, 'w') || has(node, 'd'))
		add_pod(world, node, "sip", has(node, 'd'));
	if (has(node, 'o'))
		add_pod(world, node, "sip-other", false);
	if (has(node, 'h'))
		add_pod(world, node, "ingress", false);
}

struct asked {
	struct msg_observe observes[PLAN_NODES_MAX];
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
	struct mono_time now = {PLAN_NOW_MONO};
	bool news;

	cr_assert_eq(view_message(view, message, now, &news), 0);
}

static void
tell_instances(struct view *view, const struct plan_case *test, struct message *message,
    const struct msg_observe *asked)
{
	uint64_t round = asked->round;
	char zone = asked->place[strlen("us-west1-")];

	for (size_t i = 0; i < PLAN_NODES_MAX && test->nodes[i].name != NULL; i++) {
		const struct plan_node *node = &test->nodes[i];
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
tell_addresses(struct view *view, const struct plan_case *test, struct message *message,
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
		for (size_t j = 0; j < PLAN_NODES_MAX && test->nodes[j].name != NULL;
		     j++)
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
answer(struct view *view, const struct plan_case *test, const struct msg_observe *asked)
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
look(struct view *view, const struct plan_case *test)
{
	struct asked asked = {0};
	struct effects effects = {.arg = &asked, .cloud = observe};
	struct mono_time now = {PLAN_NOW_MONO};

	view_ask(view, &effects, now);
	for (size_t i = 0; i < asked.len; i++)
		answer(view, test, &asked.observes[i]);
}

static struct allocation *
make_allocation(size_t index, const char *json)
{
	char *text = mem_printf("{\"metadata\":{\"name\":\"a%zu\",\"uid\":\"uid-a%zu\","
				"\"creationTimestamp\":\"2026-01-0%zuT00:00:00Z\","
				"\"generation\":" PLAN_GENERATION "},%s}",
	    index + 1, index + 1, index + 1, json);
	struct json_object *object = json_tokener_parse(text);
	struct allocation *allocation = allocation_parse(object);

	cr_assert_not_null(allocation, "%s", text);
	json_object_put(object);
	free(text);
	return allocation;
}

void
plan_rig_make(struct plan_world *made, const struct plan_case *test)
{
	struct wall_time now = {1};

	*made = (struct plan_world){.world = world_new(), .view = view_new(7)};
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(made->world, (enum fact_kind)kind, SYNC_BEGIN, now);
	view_want_begin(made->view);
	for (size_t i = 0; i < PLAN_NODES_MAX && test->nodes[i].name != NULL; i++) {
		char zone[] = "us-west1-?";

		zone[sizeof zone - 2] = test->nodes[i].zone;
		view_want_zone(made->view, project(&test->nodes[i]), zone);
		if (!has(&test->nodes[i], 'r'))
			add_node(made->world, &test->nodes[i]);
	}
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(made->world, (enum fact_kind)kind, SYNC_END, now);
	look(made->view, test);
	while (made->allocations_len < PLAN_ALLOCATIONS_MAX &&
	       test->allocations[made->allocations_len] != NULL) {
		made->allocations[made->allocations_len] = make_allocation(
		    made->allocations_len, test->allocations[made->allocations_len]);
		made->allocations_len++;
	}
}

void
plan_rig_unmake(struct plan_world *made)
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
	    [PLAN_RELEASE] = "release",
	    [PLAN_FORGET] = "forget",
	};

	return step->kind == PLAN_REST ? step->reason : words[step->kind];
}

void
plan_rig_describe(const struct plan *plan, char *out, size_t size)
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

struct scene
plan_rig_scene(const struct plan_world *made)
{
	return (struct scene){
	    .world = made->world,
	    .view = made->view,
	    .allocations = made->allocations,
	    .allocations_len = made->allocations_len,
	    .now = {.mono = {PLAN_NOW_MONO}, .wall = {PLAN_NOW_WALL}},
	};
}

void
plan_rig_run(const struct plan_case *test, char *out, size_t size, char *message,
    size_t message_size)
{
	struct plan_world made;
	struct scene scene;
	struct plan *plan;

	plan_rig_make(&made, test);
	scene = plan_rig_scene(&made);
	plan = plan_make(&scene);
	plan_rig_describe(plan, out, size);
	message_text(message, message_size, plan->steps[0].message);
	plan_free(plan);
	plan_rig_unmake(&made);
}
