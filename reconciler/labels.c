#include "labels.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "events.h"
#include "fresh.h"
#include "log.h"
#include "mem.h"
#include "pack.h"

/* The same write to the same node within that time: somebody takes back what we wrote.
 */
#define LABELS_FIGHT_MS 60000
/* Bytes of one label patch. */
#define LABELS_PATCH_MAX 2048u

struct label_job {
	char node[NAME_MAX_LEN + 1];
	char allocation[NAME_MAX_LEN + 1]; /* of the last write; "" none */
	bool writing;
	uint64_t found; /* what of ours the node had when it was written */
	bool told;	/* and has been told to have otherwise since */
	bool
	    unsure; /* a write's outcome is unknown: the facts may be about to change */
	unsigned refused; /* in a row */
	struct backoff backoff;
	bool wrote;		       /* lately, with success: */
	char address[ADDRESS_MAX + 1]; /* "" labels off */
	struct mono_time written_at;
};

/* FNV-1a, 64 bits. */
#define LABELS_HASH 14695981039346656037u
static uint64_t
labels_hash(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

/* An allocation's name as a label value: hashed beyond 63 bytes. */
static void
labels_value(const char *allocation, char out[LABEL_MAX_LEN + 1])
{
	if (strlen(allocation) <= LABEL_MAX_LEN) {
		snprintf(
		    out, LABEL_MAX_LEN + 1, "%.*s", (int)LABEL_MAX_LEN, allocation);
		return;
	}
	snprintf(out, LABEL_MAX_LEN + 1, "%.46s-%016llx", allocation,
	    (unsigned long long)labels_hash(LABELS_HASH, allocation));
}

/* --- what a node carries ---------------------------------------------------------- */

static bool
labels_is(const struct world_node *node, const char *key, const char *wanted)
{
	const char *value = texts_value(&node->labels, key);

	return value != NULL && strcmp(value, wanted) == 0;
}

static bool
labels_complete(
    const struct world_node *node, const char *address, const char *allocation)
{
	char value[LABEL_MAX_LEN + 1];

	labels_value(allocation, value);
	return labels_is(node, LABEL_READY, "true") &&
	       labels_is(node, LABEL_ADDRESS, address) &&
	       labels_is(node, LABEL_ALLOCATION, value);
}

/* A write that is under way, or may yet have its effect, makes what we know void. */
static bool
labels_in_flux(const struct core *core, const struct world_node *node)
{
	const struct label_job *job = map_get(core->labels, node->name);

	return job != NULL && (job->writing || job->unsure);
}

static bool
labels_given_up(const struct core *core, const struct world_node *node)
{
	const struct label_job *job = map_get(core->labels, node->name);

	return job != NULL && job->refused >= LABELS_TRIES_MAX;
}

bool
labels_are_on(const struct core *core, const struct world_node *node,
    const char *address, const char *allocation)
{
	return node == NULL || labels_given_up(core, node) ||
	       (!labels_in_flux(core, node) &&
		   labels_complete(node, address, allocation));
}

bool
labels_are_off(
    const struct core *core, const struct world_node *node, const char *address)
{
	return node == NULL || labels_given_up(core, node) ||
	       (!labels_in_flux(core, node) &&
		   texts_value(&node->labels, LABEL_READY) == NULL &&
		   !labels_is(node, LABEL_ADDRESS, address));
}

/* --- writing ---------------------------------------------------------------------- */

static struct label_job *
labels_job(struct core *core, const char *node)
{
	struct label_job *job = map_get(core->labels, node);

	if (job != NULL)
		return job;
	job = mem_calloc(1, sizeof *job);
	MESSAGE_TEXT(job->node, node);
	map_put(core->labels, job->node, job);
	return job;
}

/* A write that is needed again and again comes ever more slowly. */
static void
labels_calm(struct core *core, struct label_job *job, const char *address)
{
	if (job->wrote && strcmp(job->address, address) == 0 &&
	    core->now.mono.ms - job->written_at.ms <
		LABELS_FIGHT_MS + job->backoff.delay_ms)
		backoff_fail(&job->backoff, core->now.mono);
	else
		backoff_clear(&job->backoff);
	job->wrote = true;
	MESSAGE_TEXT(job->address, address);
	job->written_at = core->now.mono;
}

static void
labels_refused(struct core *core, struct label_job *job, const struct kube_reply *reply)
{
	const struct item *item = map_get(core->items, job->allocation);
	char message[TEXT_MAX + 1];

	job->refused++;
	snprintf(message, sizeof message, "the labels of %.63s: %d %s: %.300s",
	    job->node, reply->status, reply->reason, reply->message);
	log_warn("label_refused", LOG_S("node", job->node), LOG_S("error", message));
	if (item != NULL && item->allocation != NULL)
		events_tell(
		    core, item->allocation, NULL, "Warning", "LabelRefused", message);
}

static bool
labels_is_ours(const char *key)
{
	return strcmp(key, LABEL_READY) == 0 || strcmp(key, LABEL_ADDRESS) == 0 ||
	       strcmp(key, LABEL_ALLOCATION) == 0;
}

static void
labels_add(struct pack *pack, const struct texts *labels, bool ours)
{
	size_t cursor = 0;
	const char *key, *value;

	while ((key = texts_next(labels, &cursor)) != NULL &&
	       (value = texts_next(labels, &cursor)) != NULL)
		if (labels_is_ours(key) == ours && pack_add(pack, key) == 0)
			pack_add(pack, value);
}

static uint64_t
labels_found(const struct world_node *node)
{
	static const char *const keys[] = {
	    LABEL_READY, LABEL_ALLOCATION, LABEL_ADDRESS};
	uint64_t hash = LABELS_HASH;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *value = texts_value(&node->labels, keys[i]);

		hash = labels_hash(hash, value != NULL ? value : "");
		hash = labels_hash(hash, "/"); /* in no value */
	}
	return hash;
}

void
labels_told(struct core *core, const char *name)
{
	struct label_job *job = map_get(core->labels, name);
	const struct world_node *node = world_node(core->world, name);

	/* a list has but the last of what was changed meanwhile */
	if (job != NULL && node != NULL &&
	    (labels_found(node) != job->found ||
		!core->world->sync[FACT_KIND_NODE].complete))
		job->told = true;
}

/* Of an answer only our own labels are news: the others may have changed since, and the
 * watcher has told of it before the answer came. */
static void
labels_take(struct world_node *known, const struct texts *answered)
{
	struct pack *pack = mem_calloc(1, sizeof *pack);

	labels_add(pack, &known->labels, false);
	labels_add(pack, answered, true);
	texts_set(&known->labels, pack->data, pack->len);
	free(pack);
}

static void
labels_written(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct label_job *job = map_get(core->labels, call->subject);
	struct world_node *known = world_node(core->world, call->subject);
	struct world_node *node;

	core_touch(core);
	if (job == NULL)
		return;
	job->writing = false;
	if (reply->error != 0 || reply->status != 200) {
		backoff_fail_call(&job->backoff, core->now.mono, reply);
		job->unsure = job->unsure || reply->status >= 500 ||
			      (reply->error != 0 && reply->maybe_sent);
		/* Only what the server itself refuses will not get better; of another
		 * node of that name the watcher will tell. */
		if (!calls_unheard(reply) && !calls_is_another(reply))
			labels_refused(core, job, reply);
		return;
	}
	job->refused = 0;
	job->unsure = false;
	labels_calm(core, job, call->address);
	node = fresh_node(reply->json);
	/* what was told meanwhile is this write, or later than it */
	if (!job->told && node != NULL && known != NULL &&
	    strcmp(known->uid, node->uid) == 0)
		labels_take(known, &node->labels);
	world_node_free(node);
}

void
labels_recover(struct core *core)
{
	MAP_EACH(core->labels, entry)
	{
		struct label_job *job = lh_entry_v(entry);

		backoff_recover(&job->backoff);
	}
}

static void
labels_put(struct buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", key);
	buf_put_json(out, value, strlen(value));
	buf_putc(out, '"');
}

/* Of ours, as they are and are to be. */
static void
labels_change(struct call *call, const struct world_node *node, const char *address,
    const char *allocation)
{
	static const char *const keys[] = {
	    LABEL_READY, LABEL_ALLOCATION, LABEL_ADDRESS};
	const char *const wanted[] = {
	    address != NULL ? "true" : NULL, allocation, address};
	struct buf before, after;

	buf_init(&before, LABELS_PATCH_MAX);
	buf_init(&after, LABELS_PATCH_MAX);
	buf_putc(&before, '{');
	buf_putc(&after, '{');
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		labels_put(&before, keys[i], texts_value(&node->labels, keys[i]));
		labels_put(&after, keys[i], wanted[i]);
	}
	buf_putc(&before, '}');
	buf_putc(&after, '}');
	calls_change(call, before.data, after.data);
	buf_free(&before);
	buf_free(&after);
}

/* `address` NULL takes the labels off. The uid makes the patch miss a new node of the
 * same name. */
static void
labels_write(struct core *core, const struct world_node *node, const char *address,
    const char *allocation, const char *why)
{
	struct label_job *job = labels_job(core, node->name);
	struct kube_call request = {
	    .method = "PATCH",
	    .body_kind = KUBE_BODY_MERGE_PATCH,
	};
	char value[LABEL_MAX_LEN + 1];
	char *path;
	struct call *call;
	struct buf body;

	if (job->writing || !place_name_sound(node->name) || !core_may_start(core) ||
	    backoff_waits(core, &job->backoff))
		return;
	buf_init(&body, LABELS_PATCH_MAX);
	buf_puts(&body, "{\"metadata\":{\"uid\":\"");
	buf_put_json(&body, node->uid, strlen(node->uid));
	if (address != NULL) {
		labels_value(allocation, value);
		buf_printf(&body,
		    "\",\"labels\":{\"" LABEL_READY "\":\"true\",\"" LABEL_ALLOCATION
		    "\":\"%s\",\"" LABEL_ADDRESS "\":\"%s\"}}}",
		    value, address);
	} else {
		buf_puts(&body,
		    "\",\"labels\":{\"" LABEL_READY "\":null,\"" LABEL_ALLOCATION
		    "\":null,\"" LABEL_ADDRESS "\":null}}}");
	}
	path = mem_printf("/api/v1/nodes/%s", node->name);
	request.path = path;
	request.body = body.data;
	call = calls_start(core, &request, labels_written);
	call->right = "patch nodes";
	MESSAGE_TEXT(call->subject, node->name);
	MESSAGE_TEXT(call->address, address);
	MESSAGE_TEXT(call->audit, address != NULL ? "label" : "unlabel");
	labels_change(call, node, address, address != NULL ? value : NULL);
	MESSAGE_TEXT(call->why, why);
	MESSAGE_TEXT(job->allocation, allocation);
	job->writing = true;
	job->found = labels_found(node);
	job->told = false;
	free(path);
	buf_free(&body);
}

/* --- what should be --------------------------------------------------------------- */

/* The address is being taken off this node: its labels go first. */
static bool
labels_is_leaving(const struct plan_step *step, const struct world_node *node)
{
	const struct intent *intent = &plan_address(step)->intent;

	return (intent->step == INTENT_DETACH || intent->step == INTENT_RELEASE) &&
	       step->holder.kind == HOLDER_OURS && step->holder.node == node &&
	       strcmp(intent->from.instance, step->holder.instance->id) == 0;
}

/* The address is there, and the journal says that it is to be there. */
static bool
labels_belong(const struct plan_step *step, const struct world_node *node)
{
	const struct allocation_address *entry = plan_address(step);
	const char *instance;

	if (step->holder.kind != HOLDER_OURS || step->holder.node != node ||
	    step->owner != NULL || step->state == ADDRESS_STATE_BLOCKED ||
	    labels_is_leaving(step, node))
		return false;
	instance = step->holder.instance->id;
	if (plan_is_open(entry))
		return strcmp(entry->intent.to.instance, instance) == 0 ||
		       strcmp(entry->intent.from.instance, instance) == 0;
	return strcmp(entry->instance, instance) == 0;
}

/* What is being written or read anew is not yet the journal. */
static bool
labels_unsettled(const struct core *core, const struct plan_step *step)
{
	const struct item *item = map_get(core->items, step->allocation->name);

	return item == NULL || item->writing || item->reading || item->stale;
}

/* Labels are part of a move that is open; else a pause keeps them as they are. */
static bool
labels_may_change(const struct plan_step *step)
{
	return step->allocation->policy != POLICY_OBSERVE &&
	       (!step->allocation->paused || plan_is_open(plan_address(step)));
}

/* Whether this address positively is not (or shall not be) on the node. */
static bool
labels_is_off(const struct plan_step *step, const struct world_node *node)
{
	if (step->allocation->policy != POLICY_SYNC || !labels_may_change(step))
		return false;
	if (labels_is_leaving(step, node))
		return true;
	if (step->holder.kind == HOLDER_UNKNOWN)
		return false;
	return step->holder.kind != HOLDER_OURS || step->holder.node != node;
}

/* An address that no allocation has: what does the node's instance say? */
static bool
labels_orphaned(
    const struct scene *scene, const struct world_node *node, const char *address)
{
	const struct view_scope *zone =
	    view_scope(scene->view, SCOPE_ZONE, node->place.project, node->place.zone);
	const struct view_instance *instance;
	const char *reason, *message;

	if (!node->placed ||
	    !view_fresh(scene->view, zone, address, scene->now.mono, &reason, &message))
		return false;
	instance = view_instance(zone, node->place.instance);
	return instance == NULL || strcmp(instance->address, address) != 0;
}

/* The label that names the address is gone: does the instance have a reserved one? */
static bool
labels_bare(const struct scene *scene, const struct world_node *node)
{
	const struct place *place = &node->place;
	const struct view *view = scene->view;
	const struct view_scope *zone =
	    view_scope(view, SCOPE_ZONE, place->project, place->zone);
	const struct view_scope *region =
	    view_scope(view, SCOPE_REGION, place->project, place->region);
	const struct view_instance *instance;
	const char *reason, *message;

	if (!node->placed ||
	    !view_fresh(view, zone, "", scene->now.mono, &reason, &message) ||
	    !view_fresh(view, region, "", scene->now.mono, &reason, &message))
		return false;
	instance = view_instance(zone, place->instance);
	return instance == NULL || !view_reserved(view, instance->address);
}

/* Who lists an address in vain, or has let it go, has no say, whatever its status still
 * has of the node. */
static bool
labels_are_others(const struct plan_step *step)
{
	const struct allocation_address *entry = plan_address(step);

	return !plan_is_open(entry) &&
	       (step->owner != NULL || (step->release.verdict != RELEASE_NOT &&
					   entry->instance[0] == '\0'));
}

/* Labels that stand on a node where nothing belongs: take them off? */
static bool
labels_stale(const struct core *core, const struct plan *plan,
    const struct scene *scene, const struct world_node *node)
{
	const char *address = texts_value(&node->labels, LABEL_ADDRESS);
	const char *allocation = texts_value(&node->labels, LABEL_ALLOCATION);
	bool ready = labels_is(node, LABEL_READY, "true");
	bool named = false, listed = false;

	if (!ready && address == NULL && allocation == NULL)
		return false;
	for (size_t i = 0; i < plan->len; i++) {
		const struct plan_step *step = &plan->steps[i];
		const struct allocation_address *entry = plan_address(step);
		bool labelled = address != NULL && strcmp(entry->address, address) == 0;
		bool in_status = strcmp(entry->node_uid, node->uid) == 0 ||
				 labels_is_leaving(step, node);

		if ((!in_status && !labelled) || labels_are_others(step))
			continue;
		if (labels_unsettled(core, step) || !labels_is_off(step, node))
			return false;
		listed |= labelled;
		named |= in_status;
	}
	if (address == NULL && allocation == NULL)
		return named;
	return listed || named ||
	       (address != NULL ? labels_orphaned(scene, node, address)
				: labels_bare(scene, node));
}

static void
labels_node(struct core *core, const struct plan *plan, const struct scene *scene,
    const struct world_node *node)
{
	bool unsure = labels_in_flux(core, node);
	bool leaving = false;

	for (size_t i = 0; i < plan->len; i++) {
		const struct plan_step *step = &plan->steps[i];
		const char *address = plan_address(step)->address;
		bool unsettled;

		if (step->holder.kind != HOLDER_OURS || step->holder.node != node)
			continue;
		unsettled = labels_unsettled(core, step);
		leaving |= !unsettled && labels_is_leaving(step, node);
		if (!labels_belong(step, node))
			continue;
		if (labels_may_change(step) && !unsettled &&
		    (unsure || !labels_complete(node, address, step->allocation->name)))
			labels_write(core, node, address, step->allocation->name,
			    "the address is there");
		return;
	}
	if ((leaving && unsure) || labels_stale(core, plan, scene, node))
		labels_write(core, node, NULL, "", "no address is (to be) there");
}

void
labels_run(struct core *core, const struct plan *plan, const struct scene *scene)
{
	MAP_EACH(core->world->nodes, entry)
	{
		const struct world_node *node = lh_entry_v(entry);

		labels_node(core, plan, scene, node);
	}
	MAP_EACH(core->labels, entry)
	{
		const struct label_job *job = lh_entry_v(entry);

		if (!job->writing && world_node(core->world, job->node) == NULL)
			map_drop(core->labels, job->node);
	}
}
