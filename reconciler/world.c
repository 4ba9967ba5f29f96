#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

struct world_host {
	char *name;
	struct world_pod *pods;
};

struct world_note {
	char *key;
	struct mono_time until;
};

static void
world_host_free(void *value)
{
	struct world_host *host = value;

	free(host->name);
	free(host);
}

static void world_drop_pod(struct world *world, struct world_pod *pod);
static void world_forget_pod(struct world *world, struct world_pod *pod);

static void
world_note_free(void *value)
{
	struct world_note *note = value;

	free(note->key);
	free(note);
}

struct world *
world_new(void)
{
	struct world *world = mem_calloc(1, sizeof *world);

	world->nodes = map_new(world_node_free);
	world->hosts = map_new(world_host_free);
	world->notes = map_new(world_note_free);
	world->olds = map_new(NULL);
	return world;
}

static void
world_drop_pods(struct world *world)
{
	struct table_entry *entry;

	while ((entry = table_next(&world->pods, NULL)) != NULL)
		world_drop_pod(world, (void *)entry);
}

void
world_free(struct world *world)
{
	if (world == NULL)
		return;
	world_drop_pods(world);
	table_free(&world->pods);
	table_free(&world->kins);
	map_free(world->olds);
	map_free(world->nodes);
	map_free(world->hosts);
	map_free(world->notes);
	free(world);
}

void
world_unsync(struct world *world)
{
	for (size_t kind = 0; kind < FACT_KIND_COUNT; kind++)
		world->sync[kind].complete = false;
}

static void
world_sweep(struct world *world, enum fact_kind kind)
{
	uint64_t generation = world->sync[kind].generation;

	if (kind == FACT_KIND_NODE) {
		MAP_EACH(world->nodes, entry)
		{
			struct world_node *node = lh_entry_v(entry);

			if (node->seen != generation)
				world_remove_node(world, node->name, "");
		}
	} else if (kind == FACT_KIND_POD) {
		struct table_entry *entry = table_next(&world->pods, NULL);

		while (entry != NULL) {
			struct world_pod *pod = (void *)entry;

			entry = table_next(&world->pods, entry);
			if (pod->seen != (uint32_t)generation)
				world_forget_pod(world, pod);
		}
	}
}

void
world_sync(struct world *world, enum fact_kind kind, enum sync_phase phase,
    struct wall_time now)
{
	if (phase == SYNC_BEGIN) {
		world->sync[kind].generation++;
		world->sync[kind].complete = false;
		world->sync[kind].overflow = false;
		return;
	}
	/* An end without a beginning says nothing about what is absent. */
	if (world->sync[kind].generation == 0 || world->sync[kind].complete)
		return;
	world_sweep(world, kind);
	world->sync[kind].complete = !world->sync[kind].overflow;
	world->sync[kind].since = world->sync[kind].heard = now;
}

void
world_heard(struct world *world, enum fact_kind kind, struct wall_time until)
{
	if (world->sync[kind].complete && until.ms > world->sync[kind].heard.ms)
		world->sync[kind].heard = until;
}

bool
world_complete(const struct world *world)
{
	for (size_t kind = 0; kind < FACT_KIND_NEEDED; kind++)
		if (!world->sync[kind].complete)
			return false;
	return true;
}

static void
world_overflow(struct world *world, enum fact_kind kind)
{
	if (!world->sync[kind].overflow)
		log_error("world_full", LOG_N("kind", kind));
	world->sync[kind].overflow = true;
	world->sync[kind].complete = false;
}

/* --- nodes ------------------------------------------------------------------------ */

struct world_node *
world_node_new(const struct msg_fact_node *fact)
{
	struct world_node *node = mem_calloc(1, sizeof *node);

	MESSAGE_TEXT(node->name, fact->name);
	MESSAGE_TEXT(node->uid, fact->uid);
	MESSAGE_TEXT(node->provider_id, fact->provider_id);
	MESSAGE_TEXT(node->boot_id, fact->boot_id);
	node->placed = place_parse_provider_id(node->provider_id, &node->place);
	node->unschedulable = fact->unschedulable != 0;
	node->deleting = fact->deleting != 0;
	node->skip = fact->skip != 0;
	node->oversize = fact->oversize != 0;
	node->ready = (enum node_ready)fact->ready;
	node->ready_since_ms = fact->ready_since_ms;
	texts_set(&node->labels, fact->labels.data, fact->labels.len);
	texts_set(&node->taints, fact->taints.data, fact->taints.len);
	MESSAGE_TEXT(node->internal_ip, fact->internal_ip);
	texts_set(&node->resources, fact->resources.data, fact->resources.len);
	return node;
}

void
world_node_free(void *value)
{
	struct world_node *node = value;

	if (node == NULL)
		return;
	texts_free(&node->labels);
	texts_free(&node->taints);
	texts_free(&node->resources);
	free(node);
}

static bool
world_node_upset(const struct world_node *old, const struct world_node *new)
{
	return strcmp(old->uid, new->uid) != 0 ||
	       strcmp(old->provider_id, new->provider_id) != 0 ||
	       strcmp(old->boot_id, new->boot_id) != 0 || old->ready != new->ready;
}

static bool
world_node_shows(const struct world_node *old, const struct world_node *new)
{
	return strcmp(old->uid, new->uid) != 0 ||
	       strcmp(old->internal_ip, new->internal_ip) != 0 ||
	       old->resources.len != new->resources.len ||
	       (new->resources.len > 0 &&
		   memcmp(old->resources.data, new->resources.data,
		       new->resources.len) != 0);
}

enum world_change
world_put_node(struct world *world, const struct msg_fact_node *fact)
{
	struct world_node *old = map_get(world->nodes, fact->name);
	struct world_node *node;
	enum world_change change;

	if (old == NULL && map_count(world->nodes) >= WORLD_NODES_MAX) {
		world_overflow(world, FACT_KIND_NODE);
		return WORLD_SAME;
	}
	node = world_node_new(fact);
	node->seen = world->sync[FACT_KIND_NODE].generation;
	change =
	    old == NULL || world_node_upset(old, node) ? WORLD_UPSET : WORLD_CHANGED;
	if (old == NULL || world_node_shows(old, node)) {
		node->changed_ms = world->now.ms;
		node->changed = ++world->changes;
	} else {
		node->changed = old->changed;
		node->changed_ms = old->changed_ms;
	}
	map_put(world->nodes, node->name, node);
	return change;
}

enum world_change
world_remove_node(struct world *world, const char *name, const char *uid)
{
	const struct world_node *node = map_get(world->nodes, name);

	if (node == NULL || (uid[0] != '\0' && strcmp(node->uid, uid) != 0))
		return WORLD_SAME;
	map_drop(world->nodes, name);
	world->changes++;
	return WORLD_UPSET;
}

struct world_node *
world_node(const struct world *world, const char *name)
{
	return map_get(world->nodes, name);
}

struct world_node *
world_node_at(const struct world *world, const char *project, const char *zone,
    const char *instance)
{
	MAP_EACH(world->nodes, entry)
	{
		struct world_node *node = lh_entry_v(entry);

		if (node->placed && strcmp(node->place.instance, instance) == 0 &&
		    strcmp(node->place.zone, zone) == 0 &&
		    strcmp(node->place.project, project) == 0)
			return node;
	}
	return NULL;
}

/* --- pods ------------------------------------------------------------------------- */

static struct world_host *
world_host(struct world *world, const char *name)
{
	struct world_host *host = map_get(world->hosts, name);

	if (host == NULL) {
		host = mem_calloc(1, sizeof *host);
		host->name = mem_strdup(name);
		map_put(world->hosts, host->name, host);
	}
	return host;
}

static void
world_pod_link(struct world_host *host, struct world_pod *pod)
{
	pod->next = host->pods;
	if (pod->next != NULL)
		pod->next->previous = pod;
	host->pods = pod;
}

static void
world_pod_unlink(struct world *world, struct world_pod *pod)
{
	struct world_host *host = map_get(world->hosts, pod->node);

	if (host == NULL)
		return;
	if (pod->next != NULL)
		pod->next->previous = pod->previous;
	if (pod->previous != NULL)
		pod->previous->next = pod->next;
	else
		host->pods = pod->next;
	if (host->pods == NULL)
		map_drop(world->hosts, host->name);
}

static bool
world_pod_is(const struct table_entry *entry, const char *key, size_t len)
{
	const struct world_pod *pod = (const void *)entry;

	(void)len;
	return strcmp(pod->uid, key) == 0;
}

/* A pod is shown otherwise. */
static void
world_pod_changed(struct world *world, const char *node_name)
{
	struct world_node *node = map_get(world->nodes, node_name);

	world->changes++;
	if (node == NULL)
		return;
	node->changed = world->changes;
	node->changed_ms = world->now.ms;
}

static struct world_pod *
world_find_pod(const struct world *world, const char *uid)
{
	return (void *)table_get(&world->pods, uid, strlen(uid), world_pod_is);
}

const struct world_pod *
world_pod(const struct world *world, const char *uid)
{
	return world_find_pod(world, uid);
}

static bool
world_pod_has_ips(const struct world_pod *pod, const struct msg_fact_pod *fact)
{
	size_t first = strlen(fact->ip);

	return strncmp(pod->ips, fact->ip, first) == 0 &&
	       strcmp(pod->ips + first + (pod->ips[first] == ','), fact->ip_other) == 0;
}

/* Without an address it is not shown, before or now. */
static bool
world_pod_shows(const struct world_pod *old, const struct msg_fact_pod *fact)
{
	if (old == NULL || (old->ips[0] == '\0' && fact->ip[0] == '\0'))
		return fact->ip[0] != '\0';
	return !world_pod_has_ips(old, fact) || old->phase != fact->phase ||
	       old->host_network != (fact->host_network != 0) ||
	       strcmp(old->node, fact->node) != 0;
}

void
world_put_pod(struct world *world, const struct msg_fact_pod *fact)
{
	struct world_host *host = NULL;
	struct world_pod *pod = world_find_pod(world, fact->uid);

	if (world_pod_shows(pod, fact))
		world_pod_changed(world, fact->node);
	if (pod != NULL)
		world_drop_pod(world, pod);
	if (world->pods.count >= WORLD_PODS_MAX) {
		world_overflow(world, FACT_KIND_POD);
		return;
	}
	if (fact->node[0] != '\0')
		host = world_host(world, fact->node);
	pod = world_pod_new_shared(fact, &world->kins, host != NULL ? host->name : "");
	pod->seen = (uint32_t)world->sync[FACT_KIND_POD].generation;
	if (host != NULL)
		world_pod_link(host, pod);
	table_put(&world->pods, &pod->entry);
	if (world_pod_is_old(pod))
		map_put(world->olds, pod->uid, pod);
}

static void
world_drop_pod(struct world *world, struct world_pod *pod)
{
	world_pod_unlink(world, pod);
	map_drop(world->olds, pod->uid);
	table_drop(&world->pods, &pod->entry);
	world_pod_free_shared(pod, &world->kins);
}

/* It is no more. */
static void
world_forget_pod(struct world *world, struct world_pod *pod)
{
	if (pod->ips[0] != '\0')
		world_pod_changed(world, pod->node);
	world_drop_pod(world, pod);
}

void
world_remove_pod(struct world *world, const char *uid)
{
	struct world_pod *pod = world_find_pod(world, uid);

	if (pod != NULL)
		world_forget_pod(world, pod);
}
const struct world_pod *
world_next_pod(const struct world *world, const struct world_pod *pod)
{
	return (const void *)table_next(&world->pods, pod != NULL ? &pod->entry : NULL);
}

bool
world_pod_is_old(const struct world_pod *pod)
{
	return strcmp(pod->kin->label_app, WORLD_OLD_APP) == 0 &&
	       strcmp(pod->kin->label_name, WORLD_OUR_NAME) != 0 &&
	       pod->phase != POD_PHASE_SUCCEEDED && pod->phase != POD_PHASE_FAILED;
}

const struct world_pod *
world_old_pod(const struct world *world)
{
	const struct lh_entry *first = lh_table_head(world->olds->table);

	return first != NULL ? lh_entry_v(first) : NULL;
}

const struct world_pod *
world_pods(const struct world *world, const char *node)
{
	const struct world_host *host = map_get(world->hosts, node);

	return host != NULL ? host->pods : NULL;
}

/* --- notes ------------------------------------------------------------------------ */

void
world_note(struct world *world, const char *kind, const char *about, const char *detail,
    struct mono_time until)
{
	struct world_note *note = mem_calloc(1, sizeof *note);

	if (map_count(world->notes) >= WORLD_NOTES_MAX)
		map_drop(world->notes, lh_entry_k(lh_table_head(world->notes->table)));
	note->key = mem_printf("%s/%s/%s", kind, about, detail);
	note->until = until;
	map_put(world->notes, note->key, note);
}

bool
world_noted(const struct world *world, const char *kind, const char *about,
    const char *detail, struct mono_time now)
{
	char *key = mem_printf("%s/%s/%s", kind, about, detail);
	const struct world_note *note = map_get(world->notes, key);

	free(key);
	return note != NULL && note->until.ms > now.ms;
}
