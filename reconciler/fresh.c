#include "fresh.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"

/* Annotation of pods that a kubelet runs from a file. */
#define FRESH_MIRROR "kubernetes.io/config.mirror"
#define FRESH_READY  "ip.ready"
#define FRESH_SKIP   "netinfra.darkbrains.com/skip"

#define READ(object, key, field)                                                       \
	(json_read_text(object, key, field, sizeof(field)) >= 0)

static const char *
fresh_text(struct json_object *object, const char *key)
{
	const char *text = json_read_string(json_read_member(object, key));

	return text != NULL ? text : "";
}

/* --- nodes ------------------------------------------------------------------------ */

static bool
fresh_labels(struct json_object *labels, struct pack *pack)
{
	if (!json_object_is_type(labels, json_type_object))
		return labels == NULL;
	json_object_object_foreach(labels, key, value) {
		const char *text = json_read_string(value);

		if (text == NULL || pack_add(pack, key) != 0 ||
		    pack_add(pack, text) != 0)
			return false;
	}
	return true;
}

static bool
fresh_taints(struct json_object *taints, struct pack *pack)
{
	for (size_t i = 0; i < json_read_length(taints); i++) {
		struct json_object *taint = json_object_array_get_idx(taints, i);

		if (pack_add(pack, fresh_text(taint, "key")) != 0 ||
		    pack_add(pack, fresh_text(taint, "value")) != 0 ||
		    pack_add(pack, fresh_text(taint, "effect")) != 0)
			return false;
	}
	return true;
}

static void
fresh_ready(struct json_object *conditions, struct msg_fact_node *fact)
{
	for (size_t i = 0; i < json_read_length(conditions); i++) {
		struct json_object *condition =
		    json_object_array_get_idx(conditions, i);
		struct wall_time since = {0};
		const char *status = fresh_text(condition, "status");

		if (strcmp(fresh_text(condition, "type"), "Ready") != 0)
			continue;
		if (strcmp(status, "True") == 0)
			fact->ready = NODE_READY_TRUE;
		else if (strcmp(status, "False") == 0)
			fact->ready = NODE_READY_FALSE;
		json_read_time(condition, "lastTransitionTime", &since);
		fact->ready_since_ms = since.ms;
	}
}

struct world_node *
fresh_node(struct json_object *object)
{
	struct json_object *metadata = json_read_member(object, "metadata");
	struct json_object *spec = json_read_member(object, "spec");
	struct msg_fact_node *fact = mem_calloc(1, sizeof *fact);
	struct world_node *node = NULL;
	bool unschedulable = false;

	if (strcmp(fresh_text(object, "kind"), "Node") != 0 ||
	    !READ(metadata, "name", fact->name) || !READ(metadata, "uid", fact->uid) ||
	    !READ(spec, "providerID", fact->provider_id) || fact->uid[0] == '\0')
		goto out;
	json_read_bool(spec, "unschedulable", &unschedulable);
	fact->unschedulable = unschedulable;
	fact->deleting = json_read_member(metadata, "deletionTimestamp") != NULL;
	fact->skip =
	    strcmp(fresh_text(json_read_member(metadata, "annotations"), FRESH_SKIP),
		"true") == 0;
	fact->oversize =
	    !fresh_labels(json_read_member(metadata, "labels"), &fact->labels) ||
	    !fresh_taints(json_read_member(spec, "taints"), &fact->taints);
	fresh_ready(
	    json_read_member(json_read_member(object, "status"), "conditions"), fact);
	node = world_node_new(fact);
out:
	free(fact);
	return node;
}

/* --- pods ------------------------------------------------------------------------- */

static bool
fresh_owner(struct json_object *owners, struct msg_fact_pod *fact)
{
	for (size_t i = 0; i < json_read_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);
		bool controller = false;

		json_read_bool(owner, "controller", &controller);
		if (controller)
			return READ(owner, "kind", fact->owner_kind) &&
			       READ(owner, "name", fact->owner_name);
	}
	return true;
}

static uint8_t
fresh_phase(const char *phase)
{
	static const char *const names[] = {
	    [POD_PHASE_PENDING] = "Pending",
	    [POD_PHASE_RUNNING] = "Running",
	    [POD_PHASE_SUCCEEDED] = "Succeeded",
	    [POD_PHASE_FAILED] = "Failed",
	};

	for (unsigned int i = POD_PHASE_PENDING; i <= POD_PHASE_FAILED; i++)
		if (strcmp(names[i], phase) == 0)
			return (uint8_t)i;
	return POD_PHASE_UNKNOWN;
}

/* nodeSelector or required node affinity names the label. */
static bool
fresh_needs_label(struct json_object *spec)
{
	struct json_object *affinity =
	    json_read_member(json_read_member(spec, "affinity"), "nodeAffinity");
	struct json_object *terms =
	    json_read_member(json_read_member(affinity,
				 "requiredDuringSchedulingIgnoredDuringExecution"),
		"nodeSelectorTerms");

	if (json_read_member(json_read_member(spec, "nodeSelector"), FRESH_READY) !=
	    NULL)
		return true;
	for (size_t i = 0; i < json_read_length(terms); i++) {
		struct json_object *wanted = json_read_member(
		    json_object_array_get_idx(terms, i), "matchExpressions");

		for (size_t j = 0; j < json_read_length(wanted); j++)
			if (strcmp(
				fresh_text(json_object_array_get_idx(wanted, j), "key"),
				FRESH_READY) == 0)
				return true;
	}
	return false;
}

static bool
fresh_pod_fact(struct json_object *object, struct msg_fact_pod *fact)
{
	struct json_object *metadata = json_read_member(object, "metadata");
	struct json_object *spec = json_read_member(object, "spec");
	struct json_object *labels = json_read_member(metadata, "labels");
	struct wall_time delete_at = {0};

	*fact = (struct msg_fact_pod){0};
	if (!READ(metadata, "uid", fact->uid) || !READ(metadata, "name", fact->name) ||
	    !READ(metadata, "namespace", fact->namespace) ||
	    !READ(spec, "nodeName", fact->node) ||
	    !READ(labels, "pod-template-hash", fact->template_hash) ||
	    !READ(labels, "app", fact->label_app) ||
	    !READ(labels, "app.kubernetes.io/name", fact->label_name) ||
	    !fresh_owner(json_read_member(metadata, "ownerReferences"), fact))
		return false;
	fact->phase =
	    fresh_phase(fresh_text(json_read_member(object, "status"), "phase"));
	if (json_read_time(metadata, "deletionTimestamp", &delete_at) == 1) {
		fact->deleting = 1;
		fact->delete_at_ms = delete_at.ms;
	}
	fact->needs_label = fresh_needs_label(spec);
	fact->mirror = json_read_member(json_read_member(metadata, "annotations"),
			   FRESH_MIRROR) != NULL;
	return true;
}

static char *
fresh_leader_mark(struct json_object *object)
{
	const char *mark = json_read_string(json_read_member(
	    json_read_member(json_read_member(object, "metadata"), "annotations"),
	    FRESH_LEADER));

	return mark != NULL ? mem_strdup(mark) : NULL;
}

static bool
fresh_pod_is_ready(struct json_object *object)
{
	struct json_object *conditions =
	    json_read_member(json_read_member(object, "status"), "conditions");

	for (size_t i = 0; i < json_read_length(conditions); i++) {
		struct json_object *condition =
		    json_object_array_get_idx(conditions, i);

		if (strcmp(fresh_text(condition, "type"), "Ready") == 0)
			return strcmp(fresh_text(condition, "status"), "True") == 0;
	}
	return false;
}

bool
fresh_pods(struct json_object *list, struct world_pod **ret_pods)
{
	struct json_object *items = json_read_member(list, "items");
	struct msg_fact_pod *fact = NULL;
	struct world_pod *pods = NULL;
	bool whole;

	if (strcmp(fresh_text(list, "kind"), "PodList") != 0 ||
	    !json_object_is_type(items, json_type_array) ||
	    fresh_text(json_read_member(list, "metadata"), "continue")[0] != '\0')
		return false;
	whole = true;
	fact = mem_calloc(1, sizeof *fact);
	for (size_t i = 0; whole && i < json_read_length(items); i++) {
		struct world_pod *pod;

		whole = fresh_pod_fact(json_object_array_get_idx(items, i), fact);
		if (!whole)
			break;
		pod = world_pod_new(fact);
		pod->leader_mark =
		    fresh_leader_mark(json_object_array_get_idx(items, i));
		pod->ready = fresh_pod_is_ready(json_object_array_get_idx(items, i));
		pod->next = pods;
		pods = pod;
	}
	free(fact);
	if (whole)
		*ret_pods = pods;
	else
		fresh_pods_free(pods);
	return whole;
}

void
fresh_pods_free(struct world_pod *pods)
{
	while (pods != NULL) {
		struct world_pod *pod = pods;

		pods = pod->next;
		world_pod_free(pod);
	}
}
