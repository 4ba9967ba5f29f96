#include "world_pod.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* --- what pods have in common ----------------------------------------------------- */

/* The longest: six texts of a fact, and its tolerations. */
#define WORLD_KIN_MAX (6u * (NAME_MAX_LEN + 1) + PACK_MAX)

static char *
world_pod_text(char *at, const char *text, const char **ret_text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	*ret_text = at;
	return at + size;
}

/* `text` takes WORLD_KIN_MAX bytes; how many of them it has become. */
static size_t
world_kin_write(const struct msg_fact_pod *fact, char *text, struct world_kin *kin)
{
	char *at = text;

	at = world_pod_text(at, fact->namespace, &kin->namespace);
	at = world_pod_text(at, fact->owner_kind, &kin->owner_kind);
	at = world_pod_text(at, fact->owner_name, &kin->owner_name);
	at = world_pod_text(at, fact->template_hash, &kin->template_hash);
	at = world_pod_text(at, fact->label_app, &kin->label_app);
	at = world_pod_text(at, fact->label_name, &kin->label_name);
	memcpy(at, fact->tolerations.data, fact->tolerations.len);
	kin->tolerations = (struct texts){at, fact->tolerations.len};
	return (size_t)(at - text) + fact->tolerations.len;
}

static struct world_kin *
world_kin_new(const struct msg_fact_pod *fact, size_t len)
{
	struct world_kin *kin = mem_calloc(1, sizeof *kin + len);

	kin->len = world_kin_write(fact, (char *)(kin + 1), kin);
	kin->entry.hash = table_hash(kin->namespace, kin->len);
	return kin;
}

static bool
world_kin_is(const struct table_entry *entry, const char *key, size_t len)
{
	const struct world_kin *kin = (const void *)entry;

	return kin->len == len && memcmp(kin->namespace, key, len) == 0;
}

static struct world_kin *
world_kin_share(const struct msg_fact_pod *fact, struct table *kins)
{
	char text[WORLD_KIN_MAX];
	struct world_kin probe, *kin;
	size_t len = world_kin_write(fact, text, &probe);

	kin = (void *)table_get(kins, text, len, world_kin_is);
	if (kin == NULL) {
		kin = world_kin_new(fact, len);
		table_put(kins, &kin->entry);
	}
	kin->pods++;
	return kin;
}

/* --- pods ------------------------------------------------------------------------- */

static struct world_pod *
world_pod_make(const struct msg_fact_pod *fact, struct world_kin *kin, const char *node)
{
	size_t size = strlen(fact->uid) + 1 + strlen(fact->name) + 1 +
		      strlen(fact->ip) + 1 + strlen(fact->ip_other) + 1 +
		      (node == NULL ? strlen(fact->node) + 1 : 0);
	struct world_pod *pod = mem_calloc(1, sizeof *pod + size);
	char *at = (char *)(pod + 1);
	const char *other;

	at = world_pod_text(at, fact->uid, &pod->uid);
	at = world_pod_text(at, fact->name, &pod->name);
	at = world_pod_text(at, fact->ip, &pod->ips);
	if (fact->ip_other[0] != '\0') {
		at[-1] = ',';
		at = world_pod_text(at, fact->ip_other, &other);
	}
	pod->node = node;
	if (node == NULL)
		world_pod_text(at, fact->node, &pod->node);
	pod->entry.hash = table_hash(pod->uid, strlen(pod->uid));
	pod->kin = kin;
	pod->phase = fact->phase;
	pod->deleting = fact->deleting != 0;
	pod->host_network = fact->host_network != 0;
	pod->mirror = fact->mirror != 0;
	pod->needs_label = fact->needs_label != 0;
	pod->footprint = fact->footprint != 0;
	pod->created_ms = fact->created_ms;
	pod->delete_at_ms = fact->delete_at_ms;
	return pod;
}

struct world_pod *
world_pod_new(const struct msg_fact_pod *fact)
{
	struct world_pod *pod =
	    world_pod_make(fact, world_kin_new(fact, WORLD_KIN_MAX), NULL);

	pod->own_kin = true;
	return pod;
}

struct world_pod *
world_pod_new_shared(
    const struct msg_fact_pod *fact, struct table *kins, const char *node)
{
	return world_pod_make(fact, world_kin_share(fact, kins), node);
}

void
world_pod_free_shared(struct world_pod *pod, struct table *kins)
{
	struct world_kin *kin = pod->kin;

	if (--kin->pods == 0) {
		table_drop(kins, &kin->entry);
		free(kin);
	}
	free(pod);
}

void
world_pod_free(void *value)
{
	struct world_pod *pod = value;

	if (pod == NULL)
		return;
	if (pod->own_kin)
		free(pod->kin);
	free(pod->leader_mark);
	free(pod);
}
