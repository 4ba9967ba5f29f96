/* What a watcher makes of the objects. */
#include <json-c/json.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"
#include "tracker.h"

static struct json_object *
fake_first(struct json_object *object, const char *key)
{
	struct json_object *list = json_read_member(object, key);

	return json_read_length(list) > 0 ? json_object_array_get_idx(list, 0) : NULL;
}

static void
fake_pairs(struct json_object *labels, struct pack *pack)
{
	if (labels == NULL)
		return;
	json_object_object_foreach(labels, key, value) {
		pack_add(pack, key);
		pack_add(pack, json_object_get_string(value));
	}
}

static void
fake_node_fact(struct json_object *json, struct message *message)
{
	struct json_object *metadata = json_read_member(json, "metadata");
	struct json_object *spec = json_read_member(json, "spec");
	struct json_object *ready = json_object_array_get_idx(
	    json_read_member(json_read_member(json, "status"), "conditions"), 0);
	struct msg_fact_node *fact = &message->u.fact_node;
	struct wall_time since = {0};
	bool unschedulable = false;

	message->type = MSG_FACT_NODE;
	MESSAGE_TEXT(fact->name, fake_text(metadata, "name"));
	MESSAGE_TEXT(fact->uid, fake_text(metadata, "uid"));
	MESSAGE_TEXT(fact->provider_id, fake_text(spec, "providerID"));
	json_read_bool(spec, "unschedulable", &unschedulable);
	fact->unschedulable = unschedulable;
	fact->skip = strcmp(fake_text(json_read_member(metadata, "annotations"),
				"netinfra.darkbrains.com/skip"),
			 "true") == 0;
	fact->ready = strcmp(fake_text(ready, "status"), "True") == 0
			  ? NODE_READY_TRUE
			  : NODE_READY_FALSE;
	json_read_time(ready, "lastTransitionTime", &since);
	fact->ready_since_ms = since.ms;
	fake_pairs(json_read_member(metadata, "labels"), &fact->labels);
}

static void
fake_pod_fact(struct json_object *json, struct message *message)
{
	struct json_object *metadata = json_read_member(json, "metadata");
	struct json_object *owner = fake_first(metadata, "ownerReferences");
	struct json_object *labels = json_read_member(metadata, "labels");
	struct msg_fact_pod *fact = &message->u.fact_pod;

	message->type = MSG_FACT_POD;
	MESSAGE_TEXT(fact->name, fake_text(metadata, "name"));
	MESSAGE_TEXT(fact->namespace, fake_text(metadata, "namespace"));
	MESSAGE_TEXT(fact->uid, fake_text(metadata, "uid"));
	MESSAGE_TEXT(fact->node, fake_text(json_read_member(json, "spec"), "nodeName"));
	MESSAGE_TEXT(fact->owner_kind, fake_text(owner, "kind"));
	MESSAGE_TEXT(fact->owner_name, fake_text(owner, "name"));
	MESSAGE_TEXT(fact->template_hash, fake_text(labels, "pod-template-hash"));
	MESSAGE_TEXT(fact->label_app, fake_text(labels, "app"));
	MESSAGE_TEXT(fact->label_name, fake_text(labels, "app.kubernetes.io/name"));
	fact->needs_label =
	    json_read_member(json_read_member(json, "spec"), "nodeSelector") != NULL;
	fact->phase =
	    strcmp(fake_text(json_read_member(json, "status"), "phase"), "Failed") == 0
		? POD_PHASE_FAILED
		: POD_PHASE_RUNNING;
	MESSAGE_TEXT(fact->ip, fake_text(json_read_member(json, "status"), "podIP"));
	MESSAGE_TEXT(
	    fact->ip_other, fake_text(json_read_member(json, "status"), "otherIP"));
}

static void
fake_tracker_fact(struct json_object *json, struct message *message)
{
	struct json_object *metadata = json_read_member(json, "metadata");
	struct json_object *status = json_read_member(json, "status");
	struct msg_fact_tracker *fact = &message->u.fact_tracker;
	struct wall_time updated = {0}, since = {0};
	const char *finalizer;

	message->type = MSG_FACT_TRACKER;
	MESSAGE_TEXT(fact->name, fake_text(metadata, "name"));
	MESSAGE_TEXT(fact->uid, fake_text(metadata, "uid"));
	MESSAGE_TEXT(fact->resource_version, fake_text(metadata, "resourceVersion"));
	MESSAGE_TEXT(
	    fact->namespace, fake_text(json_read_member(json, "spec"), "namespace"));
	MESSAGE_TEXT(fact->content_hash, fake_text(status, "contentHash"));
	json_read_time(status, "lastUpdateTime", &updated);
	json_read_time(fake_first(status, "conditions"), "lastTransitionTime", &since);
	fact->last_update_ms = updated.ms;
	fact->ready_since_ms = since.ms;
	fact->deleting = json_read_member(metadata, "deletionTimestamp") != NULL;
	/* the tests have that of the Pod IP Tracker first */
	finalizer = json_read_string(fake_first(metadata, "finalizers"));
	fact->finalizer =
	    finalizer != NULL && strcmp(finalizer, TRACKER_FINALIZER) == 0;
}

static void
fake_slice_fact(struct json_object *json, struct message *message)
{
	struct json_object *metadata = json_read_member(json, "metadata");
	struct msg_fact_slice *fact = &message->u.fact_slice;
	struct wall_time updated = {0};

	message->type = MSG_FACT_SLICE;
	MESSAGE_TEXT(fact->name, fake_text(metadata, "name"));
	MESSAGE_TEXT(fact->uid, fake_text(metadata, "uid"));
	MESSAGE_TEXT(fact->resource_version, fake_text(metadata, "resourceVersion"));
	MESSAGE_TEXT(fact->node, fake_text(json, "nodeName"));
	fact->part = (uint32_t)json_object_get_int(json_read_member(json, "part"));
	fact->parts = (uint32_t)json_object_get_int(json_read_member(json, "parts"));
	MESSAGE_TEXT(fact->node_uid, fake_text(json, "nodeUID"));
	MESSAGE_TEXT(fact->content_hash, fake_text(json, "contentHash"));
	fact->agent = strcmp(fake_text(json, "writer"), "Agent") == 0;
	json_read_time(json, "lastUpdateTime", &updated);
	fact->updated_ms = updated.ms;
}

static void
fake_allocation_fact(struct json_object *json, struct message *message)
{
	struct json_object *metadata = json_read_member(json, "metadata");
	struct msg_fact_allocation *fact = &message->u.fact_allocation;

	message->type = MSG_FACT_ALLOCATION;
	MESSAGE_TEXT(fact->name, fake_text(metadata, "name"));
	MESSAGE_TEXT(fact->uid, fake_text(metadata, "uid"));
	MESSAGE_TEXT(fact->resource_version, fake_text(metadata, "resourceVersion"));
}

void
fake_fact(struct json_object *json, enum fact_kind kind, struct message *message)
{
	if (kind == FACT_KIND_NODE)
		fake_node_fact(json, message);
	else if (kind == FACT_KIND_POD)
		fake_pod_fact(json, message);
	else if (kind == FACT_KIND_TRACKER)
		fake_tracker_fact(json, message);
	else if (kind == FACT_KIND_SLICE)
		fake_slice_fact(json, message);
	else
		fake_allocation_fact(json, message);
}
