#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sketch.h"
#include "sketch_words.h"

/* Everything is looked at three times, before that too long ago to count. */
enum look_phase { LOOK_LONG_AGO, LOOK_BEFORE, LOOK_NOW };
static const int64_t look_at_ms[] = {
    [LOOK_LONG_AGO] = SKETCH_MONO_MS - 2 * VIEW_INTERVALS_MAX * VIEW_INTERVAL_MS,
    [LOOK_BEFORE] = SKETCH_MONO_MS - VIEW_INTERVAL_MS,
    [LOOK_NOW] = SKETCH_MONO_MS,
};

/* --- the order in which things come in -------------------------------------------- */

struct shuffle {
	size_t at[SKETCH_PODS_MAX];
	size_t len;
};

static void
shuffle_fill(struct shuffle *shuffle, size_t len, unsigned seed)
{
	unsigned long state = seed;

	shuffle->len = len;
	for (size_t i = 0; i < len; i++)
		shuffle->at[i] = i;
	for (size_t i = len; seed != 0 && i > 1; i--) {
		size_t other, last = shuffle->at[i - 1];

		state = state * 1103515245u + 12345u;
		other = (state >> 16) % i;
		shuffle->at[i - 1] = shuffle->at[other];
		shuffle->at[other] = last;
	}
}

/* --- the cluster ------------------------------------------------------------------ */

static void
make_node(struct world *world, struct sketch_node *node)
{
	struct msg_fact_node *fact = &node->fact;

	if (node->gone)
		return;
	if (fact->provider_id[0] == '\0')
		snprintf(fact->provider_id, sizeof fact->provider_id,
		    "gce://%.60s/%.60s/%.60s", node->project, node->zone, fact->name);
	world_put_node(world, fact);
}

static void
make_cluster(struct world *world, struct sketch *sketch, unsigned seed)
{
	struct wall_time start = {SKETCH_WALL_MS - 7200000};
	struct shuffle order;

	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(world, (enum fact_kind)kind, SYNC_BEGIN, start);
	shuffle_fill(&order, sketch->nodes_len, seed);
	for (size_t i = 0; i < order.len; i++)
		make_node(world, &sketch->nodes[order.at[i]]);
	shuffle_fill(&order, sketch->pods_len, seed);
	for (size_t i = 0; i < order.len; i++)
		world_put_pod(world, &sketch->pods[order.at[i]]);
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
		world_sync(world, (enum fact_kind)kind, SYNC_END, start);
}

static void
make_notes(struct world *world, struct sketch *sketch)
{
	struct mono_time until = {SKETCH_MONO_MS + 60000};

	for (size_t i = 0; i < sketch->notes_len; i++) {
		const struct sketch_note *note = &sketch->notes[i];
		const struct sketch_node *node = sketch_node(sketch, note->node);
		char about[80];

		snprintf(about, sizeof about, "%s%s",
		    strcmp(note->kind, NOTE_WORKLOAD_MISSING) == 0 ? "uid-" : "",
		    note->about);
		world_note(world, note->kind, about,
		    node != NULL ? node->fact.uid : note->node, until);
	}
}

/* --- the cloud -------------------------------------------------------------------- */

struct looking {
	struct sketch *sketch;
	struct view *view;
	unsigned seed;
	struct mono_time now;
	struct msg_observe asked[2 * SKETCH_PLACES_MAX];
	size_t asked_len;
	struct message message;
};

static int
look_ask(void *arg, enum message_type type, const void *msg)
{
	struct looking *looking = arg;

	assert(type == MSG_OBSERVE && looking->asked_len < 2 * SKETCH_PLACES_MAX);
	memcpy(&looking->asked[looking->asked_len++], msg, sizeof looking->asked[0]);
	return 0;
}

static void
look_tell(struct looking *looking, enum message_type type)
{
	bool news;
	int rc;

	looking->message.type = type;
	rc = view_message(looking->view, &looking->message, looking->now, &news);
	assert(rc == 0);
	(void)rc;
}

/* The external address of a node's instance; "" none. */
static const char *
look_external(const struct sketch *sketch, const struct sketch_node *node)
{
	for (size_t i = 0; i < sketch->clouds_len; i++) {
		const struct sketch_cloud *cloud = &sketch->clouds[i];

		if ((cloud->shown == SKETCH_ON || cloud->shown == SKETCH_SEEN) &&
		    strcmp(cloud->where, node->fact.name) == 0)
			return cloud->address;
	}
	return node->external;
}

static void
look_instances(struct looking *looking, const struct msg_observe *asked)
{
	const struct sketch *sketch = looking->sketch;
	struct shuffle order;

	shuffle_fill(&order, sketch->nodes_len, looking->seed);
	for (size_t i = 0; i < order.len; i++) {
		const struct sketch_node *node = &sketch->nodes[order.at[i]];
		struct msg_observed_instance *seen =
		    &looking->message.u.observed_instance;

		if (node->bare || strcmp(node->zone, asked->place) != 0 ||
		    strcmp(node->project, asked->project) != 0)
			continue;
		*seen = (struct msg_observed_instance){.round = asked->round};
		MESSAGE_TEXT(seen->id, node->instance);
		MESSAGE_TEXT(seen->name, node->fact.name);
		seen->state = (uint8_t)node->state;
		MESSAGE_TEXT(seen->address, look_external(sketch, node));
		MESSAGE_TEXT(seen->fence, "external-nat");
		look_tell(looking, MSG_OBSERVED_INSTANCE);
	}
}

static void
look_user(struct sketch *sketch, const struct sketch_cloud *cloud,
    struct msg_observed_address *seen)
{
	const struct sketch_node *node = sketch_node(sketch, cloud->where);

	seen->status = ADDRESS_RESERVED;
	if (cloud->shown == SKETCH_RESERVING)
		seen->status = ADDRESS_RESERVING;
	if (cloud->shown == SKETCH_USER)
		MESSAGE_TEXT(seen->user, cloud->where);
	else if (node != NULL &&
		 (cloud->shown == SKETCH_ON || cloud->shown == SKETCH_HALF))
		snprintf(seen->user, sizeof seen->user,
		    "projects/%s/zones/%s/instances/%s", node->project, node->zone,
		    node->fact.name);
	if (seen->user[0] != '\0')
		seen->status = ADDRESS_IN_USE;
}

static void
look_addresses(struct looking *looking, const struct msg_observe *asked)
{
	struct sketch *sketch = looking->sketch;
	struct shuffle order;

	if (strcmp(asked->project, "demo") != 0)
		return;
	shuffle_fill(&order, sketch->clouds_len, looking->seed);
	for (size_t i = 0; i < order.len; i++) {
		const struct sketch_cloud *cloud = &sketch->clouds[order.at[i]];
		struct msg_observed_address *seen =
		    &looking->message.u.observed_address;

		if (cloud->shown == SKETCH_NONE ||
		    strcmp(cloud->region, asked->place) != 0)
			continue;
		*seen = (struct msg_observed_address){.round = asked->round};
		MESSAGE_TEXT(seen->address, cloud->address);
		if (cloud->shown == SKETCH_GLOBAL)
			seen->flaw = ADDRESS_GLOBAL;
		else if (cloud->shown == SKETCH_INTERNAL)
			seen->flaw = ADDRESS_INTERNAL;
		look_user(sketch, cloud, seen);
		look_tell(looking, MSG_OBSERVED_ADDRESS);
	}
}

static void
look_answer(struct looking *looking, const struct msg_observe *asked, bool ok)
{
	struct msg_observed_begin *begin = &looking->message.u.observed_begin;
	struct msg_observed_end *end = &looking->message.u.observed_end;

	*begin =
	    (struct msg_observed_begin){.round = asked->round, .scope = asked->scope};
	MESSAGE_TEXT(begin->project, asked->project);
	MESSAGE_TEXT(begin->place, asked->place);
	look_tell(looking, MSG_OBSERVED_BEGIN);
	if (ok && asked->scope == SCOPE_ZONE)
		look_instances(looking, asked);
	else if (ok)
		look_addresses(looking, asked);
	*end = (struct msg_observed_end){
	    .round = asked->round, .scope = asked->scope, .ok = ok};
	MESSAGE_TEXT(end->project, asked->project);
	MESSAGE_TEXT(end->place, asked->place);
	MESSAGE_TEXT(end->reason, ok ? "" : "CloudUnreachable");
	MESSAGE_TEXT(end->message, ok ? "" : "it does not answer");
	look_tell(looking, MSG_OBSERVED_END);
}

static enum sketch_look
look_of(const struct sketch *sketch, const char *place)
{
	for (size_t i = 0; i < sketch->places_len; i++)
		if (strcmp(sketch->places[i].name, place) == 0)
			return sketch->places[i].look;
	return SKETCH_FRESH;
}

static void
look_round(struct looking *looking, enum look_phase phase)
{
	struct effects effects = {.arg = looking, .cloud = look_ask};
	struct shuffle order;

	looking->now.ms = look_at_ms[phase];
	looking->asked_len = 0;
	view_ask(looking->view, &effects, looking->now);
	shuffle_fill(&order, looking->asked_len, looking->seed);
	for (size_t i = 0; i < order.len; i++) {
		const struct msg_observe *asked = &looking->asked[order.at[i]];
		enum sketch_look look = look_of(looking->sketch, asked->place);

		if (look == SKETCH_UNSEEN ||
		    (look == SKETCH_OLD && phase != LOOK_LONG_AGO))
			continue;
		look_answer(looking, asked,
		    look == SKETCH_FRESH || look == SKETCH_OLD ||
			(look == SKETCH_FAILED && phase != LOOK_NOW));
	}
}

static void
make_wants(struct view *view, struct sketch *sketch, unsigned seed)
{
	struct shuffle order;

	view_want_begin(view);
	shuffle_fill(&order, sketch->nodes_len, seed);
	for (size_t i = 0; i < order.len; i++)
		view_want_zone(view, sketch->nodes[order.at[i]].project,
		    sketch->nodes[order.at[i]].zone);
	for (size_t i = 0; i < sketch->clouds_len; i++)
		view_want_spec_region(view, "demo", sketch->clouds[i].region);
	view_want_end(view);
}

static bool
look_is_first(const struct sketch *sketch)
{
	for (size_t i = 0; i < sketch->places_len; i++)
		if (sketch->places[i].look == SKETCH_UNSEEN)
			return true;
	return false;
}

static void
make_view(struct view *view, struct sketch *sketch, unsigned seed)
{
	struct looking *looking = mem_calloc(1, sizeof *looking);

	looking->sketch = sketch;
	looking->view = view;
	looking->seed = seed;
	make_wants(view, sketch, seed);
	if (!look_is_first(sketch)) {
		look_round(looking, LOOK_LONG_AGO);
		look_round(looking, LOOK_BEFORE);
	}
	look_round(looking, LOOK_NOW);
	for (size_t i = 0; i < sketch->clouds_len; i++)
		if (sketch->clouds[i].changed)
			view_require(view, sketch->clouds[i].address);
	free(looking);
}

/* --- the whole scene -------------------------------------------------------------- */

static int
make_older(const void *left, const void *right)
{
	const struct allocation *const *a = left;
	const struct allocation *const *b = right;

	if ((*a)->created.ms != (*b)->created.ms)
		return (*a)->created.ms < (*b)->created.ms ? -1 : 1;
	return strcmp((*a)->uid, (*b)->uid);
}

/* What no line speaks of is reserved and free. */
static void
make_reserved(struct sketch *sketch)
{
	static const char *const addresses[] = {".1", ".2", ".3", ".4"};
	char address[ADDRESS_MAX + 1];

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		words_address(addresses[i], address, sizeof address);
		sketch_cloud(sketch, address);
	}
}

struct sketch_made *
sketch_make(struct sketch *sketch, unsigned seed)
{
	struct sketch_made *made = mem_calloc(1, sizeof *made);

	make_reserved(sketch);
	made->world = world_new();
	made->view = view_new(7);
	make_cluster(made->world, sketch, seed);
	make_notes(made->world, sketch);
	make_view(made->view, sketch, seed);
	for (size_t i = 0; i < sketch->nias_len; i++) {
		made->allocations[i] = allocation_parse(sketch->nias[i]);
		assert(made->allocations[i] != NULL);
	}
	qsort(made->allocations, sketch->nias_len, sizeof(struct allocation *),
	    make_older);
	made->scene = (struct scene){
	    .world = made->world,
	    .view = made->view,
	    .allocations = made->allocations,
	    .allocations_len = sketch->nias_len,
	    .now = {.mono = {SKETCH_MONO_MS}, .wall = {SKETCH_WALL_MS}},
	};
	return made;
}

void
sketch_unmake(struct sketch_made *made)
{
	for (size_t i = 0; i < made->scene.allocations_len; i++)
		allocation_free(made->allocations[i]);
	world_free(made->world);
	view_free(made->view);
	free(made);
}
