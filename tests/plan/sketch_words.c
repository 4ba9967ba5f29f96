#include "sketch_words.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- helpers ---------------------------------------------------------------------- */

void
words_address(const char *word, char *out, size_t size)
{
	snprintf(out, size, "%s%s", word[0] == '.' ? "34.1.1" : "", word);
}

void
words_zone(const char *word, char *out, size_t size)
{
	snprintf(out, size, "%s%s", strlen(word) == 1 ? "us-west1-" : "", word);
}

/* What follows "key=", or NULL. */
static const char *
words_value(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

/* "key" or "key=SECONDS". */
static bool
words_seconds(const char *word, const char *key, int64_t *seconds)
{
	const char *value = words_value(word, key);

	if (value != NULL)
		*seconds = strtoll(value, NULL, 10);
	return value != NULL || strcmp(word, key) == 0;
}

/* The place of a word in a list, or -1. */
static int
words_find(const char *word, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(word, list[i]) == 0)
			return (int)i;
	return -1;
}

#define FIND(word, list) words_find(word, list, sizeof(list) / sizeof(list)[0])

bool
words_shown(const char *word, enum sketch_shown *ret_shown)
{
	static const char *const words[] = {
	    [SKETCH_FREE] = "free",
	    [SKETCH_ON] = "on",
	    [SKETCH_USER] = "user",
	    [SKETCH_NONE] = "none",
	    [SKETCH_GLOBAL] = "global",
	    [SKETCH_INTERNAL] = "internal",
	    [SKETCH_RESERVING] = "reserving",
	    [SKETCH_HALF] = "half",
	    [SKETCH_SEEN] = "seen",
	};
	int place = FIND(word, words);

	if (place >= 0)
		*ret_shown = (enum sketch_shown)place;
	return place >= 0;
}

bool
words_look(const char *word, enum sketch_look *ret_look)
{
	static const char *const words[] = {
	    [SKETCH_FRESH] = "fresh",
	    [SKETCH_DARK] = "dark",
	    [SKETCH_FAILED] = "failed",
	    [SKETCH_OLD] = "old",
	    [SKETCH_UNSEEN] = "unseen",
	};
	int place = FIND(word, words);

	if (place >= 0)
		*ret_look = (enum sketch_look)place;
	return place >= 0;
}

/* --- nodes ------------------------------------------------------------------------ */

/* KEY[=VALUE][:EFFECT] */
static void
words_split(const char *text, char parts[3][128])
{
	const char *effect = strrchr(text, ':');
	size_t len = effect != NULL ? (size_t)(effect - text) : strlen(text);
	const char *equals = memchr(text, '=', len);
	size_t key = equals != NULL ? (size_t)(equals - text) : len;

	snprintf(parts[0], 128, "%.*s", (int)key, text);
	snprintf(parts[1], 128, "%.*s", equals != NULL ? (int)(len - key - 1) : 0,
	    equals != NULL ? equals + 1 : "");
	snprintf(parts[2], 128, "%s", effect != NULL ? effect + 1 : "");
}

static bool
words_node_flag(struct sketch_node *node, const char *word)
{
	if (strcmp(word, "cordoned") == 0)
		node->fact.unschedulable = 1;
	else if (strcmp(word, "deleting") == 0)
		node->fact.deleting = 1;
	else if (strcmp(word, "skip") == 0)
		node->fact.skip = 1;
	else if (strcmp(word, "oversize") == 0)
		node->fact.oversize = 1;
	else if (strcmp(word, "gone") == 0)
		node->gone = true;
	else if (strcmp(word, "bare") == 0)
		node->bare = true;
	else if (strcmp(word, "stopped") == 0)
		node->state = INSTANCE_STOPPED;
	else if (strcmp(word, "changing") == 0)
		node->state = INSTANCE_CHANGING;
	else
		return false;
	return true;
}

static bool
words_node_ready(struct sketch_node *node, const char *word)
{
	static const char *const words[] = {
	    [NODE_READY_UNKNOWN] = "ready-unknown",
	    [NODE_READY_FALSE] = "not-ready",
	    [NODE_READY_TRUE] = "ready",
	};
	int64_t seconds = 86400;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!words_seconds(word, words[i], &seconds))
			continue;
		node->fact.ready = (uint8_t)i;
		node->fact.ready_since_ms = SKETCH_WALL_MS - seconds * 1000;
		return true;
	}
	return false;
}

static bool
words_node_text(struct sketch_node *node, const char *word)
{
	const char *value;

	if ((value = words_value(word, "uid")) != NULL)
		MESSAGE_TEXT(node->fact.uid, value);
	else if ((value = words_value(word, "project")) != NULL)
		MESSAGE_TEXT(node->project, value);
	else if ((value = words_value(word, "provider-id")) != NULL)
		MESSAGE_TEXT(node->fact.provider_id, value);
	else if ((value = words_value(word, "instance")) != NULL)
		MESSAGE_TEXT(node->instance, value);
	else if ((value = words_value(word, "external")) != NULL)
		words_address(value, node->external, sizeof node->external);
	else if (strchr(word, '=') != NULL)
		return false;
	else
		words_zone(word, node->zone, sizeof node->zone);
	return true;
}

/* Replaces an older value. */
static void
words_label(struct pack *labels, const char *key, const char *value)
{
	const struct pack old = *labels;
	size_t cursor = 0;
	const char *its_key;

	pack_clear(labels);
	while ((its_key = pack_next(&old, &cursor)) != NULL) {
		const char *its_value = pack_next(&old, &cursor);

		if (strcmp(its_key, key) == 0)
			continue;
		pack_add(labels, its_key);
		pack_add(labels, its_value);
	}
	pack_add(labels, key);
	pack_add(labels, value);
}

bool
words_node(struct sketch_node *node, const char *word)
{
	const char *value;
	char parts[3][128];

	if (words_node_flag(node, word) || words_node_ready(node, word))
		return true;
	if ((value = words_value(word, "taint")) != NULL) {
		words_split(value, parts);
		for (size_t i = 0; i < 3; i++)
			pack_add(&node->fact.taints, parts[i]);
		return true;
	}
	if ((value = words_value(word, "label")) != NULL) {
		words_split(value, parts);
		words_label(&node->fact.labels, parts[0], parts[1]);
		return true;
	}
	return words_node_text(node, word);
}

/* --- pods ------------------------------------------------------------------------- */

static bool
words_pod_of(struct msg_fact_pod *pod, const char *value)
{
	const char *name = strchr(value, '/');
	char kind[32];

	if (name == NULL)
		return false;
	snprintf(kind, sizeof kind, "%.*s", (int)(name - value), value);
	MESSAGE_TEXT(pod->owner_kind, kind);
	MESSAGE_TEXT(pod->owner_name, name + 1);
	pod->template_hash[0] = '\0';
	if (strcmp(kind, "Deployment") != 0)
		return true;
	MESSAGE_TEXT(pod->owner_kind, "ReplicaSet");
	snprintf(pod->owner_name, sizeof pod->owner_name, "%s-7d9", name + 1);
	MESSAGE_TEXT(pod->template_hash, "7d9");
	return true;
}

static bool
words_pod_phase(struct msg_fact_pod *pod, const char *value)
{
	static const char *const phases[] = {
	    [POD_PHASE_UNKNOWN] = "Unknown",
	    [POD_PHASE_PENDING] = "Pending",
	    [POD_PHASE_RUNNING] = "Running",
	    [POD_PHASE_SUCCEEDED] = "Succeeded",
	    [POD_PHASE_FAILED] = "Failed",
	};
	int place = FIND(value, phases);

	if (place >= 0)
		pod->phase = (uint8_t)place;
	return place >= 0;
}

static void
words_pod_tolerates(struct msg_fact_pod *pod, const char *value)
{
	char parts[3][128];

	words_split(value, parts);
	pack_add(&pod->tolerations, strcmp(parts[0], "*") == 0 ? "" : parts[0]);
	pack_add(&pod->tolerations, strchr(value, '=') != NULL ? "Equal" : "Exists");
	pack_add(&pod->tolerations, parts[1]);
	pack_add(&pod->tolerations, parts[2]);
}

bool
words_pod(struct msg_fact_pod *pod, const char *word)
{
	const char *value;
	int64_t seconds = 30;

	if (strcmp(word, "host-network") == 0)
		pod->host_network = 1;
	else if (strcmp(word, "mirror") == 0)
		pod->mirror = 1;
	else if (words_seconds(word, "terminating", &seconds)) {
		pod->deleting = 1;
		pod->delete_at_ms = SKETCH_WALL_MS + seconds * 1000;
	} else if ((value = words_value(word, "of")) != NULL)
		return words_pod_of(pod, value);
	else if ((value = words_value(word, "phase")) != NULL)
		return words_pod_phase(pod, value);
	else if ((value = words_value(word, "hash")) != NULL)
		MESSAGE_TEXT(pod->template_hash, value);
	else if ((value = words_value(word, "namespace")) != NULL)
		MESSAGE_TEXT(pod->namespace, value);
	else if ((value = words_value(word, "uid")) != NULL)
		MESSAGE_TEXT(pod->uid, value);
	else if ((value = words_value(word, "app")) != NULL)
		MESSAGE_TEXT(pod->label_app, value);
	else if ((value = words_value(word, "name")) != NULL)
		MESSAGE_TEXT(pod->label_name, value);
	else if ((value = words_value(word, "tolerates")) != NULL)
		words_pod_tolerates(pod, value);
	else
		return false;
	return true;
}

/* --- allocations ------------------------------------------------------------------ */

static struct json_object *
words_part(struct json_object *object, const char *key)
{
	struct json_object *part = json_object_object_get(object, key);

	if (part == NULL) {
		part = json_object_new_object();
		json_object_object_add(object, key, part);
	}
	return part;
}

static void
words_put(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void
words_list(struct json_object *nia, const char *word)
{
	struct json_object *spec = json_object_object_get(nia, "spec");
	char address[ADDRESS_MAX + 1];

	words_address(word, address, sizeof address);
	json_object_array_add(json_object_object_get(spec, "reservedIPs"),
	    json_object_new_string(address));
}

static void
words_workload(struct json_object *spec, const char *value)
{
	const char *name = strchr(value, '/');
	struct json_object *workload;
	char kind[32];

	json_object_object_del(spec, "workloadRef");
	if (name == NULL)
		return;
	workload = words_part(spec, "workloadRef");
	snprintf(kind, sizeof kind, "%.*s", (int)(name - value), value);
	words_put(workload, "kind", kind);
	words_put(workload, "name", name + 1);
}

static void
words_selector(struct json_object *spec, const char *value)
{
	char parts[3][128];

	if (strcmp(value, "none") == 0) {
		json_object_object_del(spec, "nodeSelector");
		return;
	}
	words_split(value, parts);
	words_put(words_part(spec, "nodeSelector"), parts[0], parts[1]);
}

static void
words_zone_of(struct json_object *spec, const char *value)
{
	struct json_object *cloud = words_part(spec, "cloud");
	struct json_object *zones = json_object_object_get(cloud, "zones");
	char zone[PLACE_MAX + 1];

	words_zone(value, zone, sizeof zone);
	if (zones == NULL) {
		zones = json_object_new_array();
		json_object_object_add(cloud, "zones", zones);
	}
	json_object_array_add(zones, json_object_new_string(zone));
}

/* PART.KEY=VALUE: JSON for spec and metadata, a text for an annotation. */
static bool
words_member(struct json_object *nia, const char *word)
{
	struct json_object *metadata = json_object_object_get(nia, "metadata");
	const char *equals = strchr(word, '='), *dot = strchr(word, '.');
	struct json_object *object = NULL;
	char key[64];

	if (equals == NULL || dot == NULL || dot > equals)
		return false;
	snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
	if (strncmp(word, "annotation.", 11) == 0) {
		snprintf(key, sizeof key, "netinfra.darkbrains.com/%.*s",
		    (int)(equals - dot - 1), dot + 1);
		words_put(words_part(metadata, "annotations"), key, equals + 1);
		return true;
	}
	if (strncmp(word, "spec.", 5) == 0)
		object = json_object_object_get(nia, "spec");
	else if (strncmp(word, "metadata.", 9) == 0)
		object = metadata;
	else
		return false;
	json_object_object_add(object, key, json_tokener_parse(equals + 1));
	return true;
}

bool
words_nia(struct json_object *nia, const char *word)
{
	struct json_object *metadata = json_object_object_get(nia, "metadata");
	struct json_object *spec = json_object_object_get(nia, "spec");
	const char *value;

	if (words_member(nia, word))
		return true;
	if (strcmp(word, "deleting") == 0)
		words_put(metadata, "deletionTimestamp", "2026-11-19T00:00:00Z");
	else if ((value = words_value(word, "policy")) != NULL)
		words_put(spec, "policy", value);
	else if ((value = words_value(word, "workload")) != NULL)
		words_workload(spec, value);
	else if ((value = words_value(word, "selector")) != NULL)
		words_selector(spec, value);
	else if ((value = words_value(word, "region")) != NULL)
		words_put(words_part(spec, "cloud"), "region", value);
	else if ((value = words_value(word, "zone")) != NULL)
		words_zone_of(spec, value);
	else if (strchr(word, '=') != NULL)
		return false;
	else
		words_list(nia, word);
	return true;
}

static void
words_intent(struct json_object *entry, const char *value)
{
	struct json_object *intent;

	if (value[0] == '{') {
		json_object_object_add(entry, "intent", json_tokener_parse(value));
		return;
	}
	intent = words_part(entry, "intent");
	json_object_object_add(intent, "schemaVersion", json_object_new_int(1));
	words_put(intent, "id", "4b6f3c9e-0000-4000-8000-000000000001");
	words_put(intent, "step", value);
	words_put(intent, "since", "2026-11-19T23:59:30.000000Z");
}

static bool
words_side(struct sketch *sketch, struct json_object *entry, const char *side,
    const char *name)
{
	struct json_object *place = words_part(words_part(entry, "intent"), side);
	const struct sketch_node *node = sketch_node(sketch, name);

	if (node == NULL)
		return false;
	words_put(place, "node", node->fact.name);
	words_put(place, "nodeUID", node->fact.uid);
	words_put(place, "project", node->project);
	words_put(place, "zone", node->zone);
	words_put(place, "instanceID", node->instance);
	return true;
}

bool
words_entry(struct sketch *sketch, struct json_object *entry, const char *word)
{
	const char *value;

	if ((value = words_value(word, "on")) != NULL) {
		if (sketch_node(sketch, value) == NULL)
			return false;
		sketch_entry_at(sketch, entry, value);
	} else if ((value = words_value(word, "intent")) != NULL)
		words_intent(entry, value);
	else if ((value = words_value(word, "from")) != NULL)
		return words_side(sketch, entry, "from", value);
	else if ((value = words_value(word, "to")) != NULL)
		return words_side(sketch, entry, "to", value);
	else if ((value = words_value(word, "outside")) != NULL)
		json_object_object_add(entry, "outsideGeneration",
		    json_object_new_int64(strtoll(value, NULL, 10)));
	else if ((value = words_value(word, "state")) != NULL)
		words_put(entry, "state", value);
	else if ((value = words_value(word, "reason")) != NULL)
		words_put(entry, "reason", value);
	else if ((value = words_value(word, "instance")) != NULL)
		words_put(entry, "instanceID", value);
	else if ((value = words_value(word, "uid")) != NULL)
		words_put(entry, "nodeUID", value);
	else if ((value = words_value(word, "zone")) != NULL)
		words_put(entry, "zone", value);
	else
		return false;
	return true;
}
