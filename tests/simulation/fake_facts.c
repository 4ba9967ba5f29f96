/* What a watcher makes of the objects. */
#include <json-c/json.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"

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
	struct json_object *owner =
	    json_object_array_get_idx(json_read_member(metadata, "ownerReferences"), 0);
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
	else
		fake_allocation_fact(json, message);
}
