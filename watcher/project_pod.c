#include <errno.h>
#include <string.h>

#include "project.h"
#include "walk.h"

#define IP_READY_LABEL	  "ip.ready"
#define MIRROR_ANNOTATION "kubernetes.io/config.mirror"

struct owner {
	char kind[LABEL_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	uint8_t controller;
};

static bool
owner_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct owner *owner = arg;

	if (walk_text(scan, key, len, "kind", owner->kind, sizeof owner->kind) ||
	    walk_text(scan, key, len, "name", owner->name, sizeof owner->name) ||
	    walk_text(scan, key, len, "uid", owner->uid, sizeof owner->uid))
		return true;
	if (!scan_key_is(key, len, "controller"))
		return false;
	walk_flag(scan, &owner->controller);
	return true;
}

/* At most one owner is the controller (metav1.OwnerReference). */
static void
pod_owners(struct msg_fact_pod *pod, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct owner owner = {0};

		walk_members(scan, owner_member, &owner);
		if (!owner.controller)
			continue;
		MESSAGE_TEXT(pod->owner_kind, owner.kind);
		MESSAGE_TEXT(pod->owner_name, owner.name);
		MESSAGE_TEXT(pod->owner_uid, owner.uid);
	}
}

static bool
pod_label(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;

	return walk_text(scan, key, len, "pod-template-hash", pod->template_hash,
		   sizeof pod->template_hash) ||
	       walk_text(
		   scan, key, len, "app", pod->label_app, sizeof pod->label_app) ||
	       walk_text(scan, key, len, "app.kubernetes.io/name", pod->label_name,
		   sizeof pod->label_name);
}

static bool
pod_annotation(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;

	(void)scan;
	if (scan_key_is(key, len, MIRROR_ANNOTATION))
		pod->mirror = 1;
	return false;
}

static bool
pod_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;

	if (walk_text(scan, key, len, "name", pod->name, sizeof pod->name) ||
	    walk_text(scan, key, len, "uid", pod->uid, sizeof pod->uid) ||
	    walk_text(
		scan, key, len, "namespace", pod->namespace, sizeof pod->namespace))
		return true;
	if (scan_key_is(key, len, "labels")) {
		walk_members(scan, pod_label, pod);
	} else if (scan_key_is(key, len, "annotations")) {
		walk_members(scan, pod_annotation, pod);
	} else if (scan_key_is(key, len, "ownerReferences")) {
		pod_owners(pod, scan);
	} else if (scan_key_is(key, len, "creationTimestamp")) {
		walk_time(scan, &pod->created_ms);
	} else if (scan_key_is(key, len, "deletionTimestamp")) {
		walk_time(scan, &pod->delete_at_ms);
		pod->deleting = pod->delete_at_ms != 0;
	} else {
		return false;
	}
	return true;
}

struct toleration {
	char key[WALK_KEY_MAX + 1];
	char operation[16];
	char value[LABEL_MAX_LEN + 1];
	char effect[32];
};

static bool
toleration_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct toleration *it = arg;

	return walk_text(scan, key, len, "key", it->key, sizeof it->key) ||
	       walk_text(
		   scan, key, len, "operator", it->operation, sizeof it->operation) ||
	       walk_text(scan, key, len, "value", it->value, sizeof it->value) ||
	       walk_text(scan, key, len, "effect", it->effect, sizeof it->effect);
}

/* A pod with more tolerations than fit counts as tolerating only those that do. */
static void
pod_tolerations(struct msg_fact_pod *pod, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct toleration it = {0};
		uint32_t before = pod->tolerations.len;

		walk_members(scan, toleration_member, &it);
		if (pack_add(&pod->tolerations, it.key) < 0 ||
		    pack_add(&pod->tolerations, it.operation) < 0 ||
		    pack_add(&pod->tolerations, it.value) < 0 ||
		    pack_add(&pod->tolerations, it.effect) < 0)
			pod->tolerations.len = before;
	}
}

static bool
selector_label(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;

	(void)scan;
	if (scan_key_is(key, len, IP_READY_LABEL))
		pod->needs_label = 1;
	return false;
}

static bool
expression_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;
	char name[WALK_KEY_MAX + 1];

	if (!walk_text(scan, key, len, "key", name, sizeof name))
		return false;
	if (scan->error == 0 && strcmp(name, IP_READY_LABEL) == 0)
		pod->needs_label = 1;
	return true;
}

static bool
term_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "matchExpressions"))
		return false;
	if (scan_enter_array(scan))
		while (scan_next_element(scan))
			walk_members(scan, expression_member, arg);
	return true;
}

static bool
required_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "nodeSelectorTerms"))
		return false;
	if (scan_enter_array(scan))
		while (scan_next_element(scan))
			walk_members(scan, term_member, arg);
	return true;
}

static bool
node_affinity_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "requiredDuringSchedulingIgnoredDuringExecution"))
		return false;
	walk_members(scan, required_member, arg);
	return true;
}

static bool
affinity_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "nodeAffinity"))
		return false;
	walk_members(scan, node_affinity_member, arg);
	return true;
}

static bool
pod_spec(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;

	if (walk_text(scan, key, len, "nodeName", pod->node, sizeof pod->node))
		return true;
	if (scan_key_is(key, len, "hostNetwork"))
		walk_flag(scan, &pod->host_network);
	else if (scan_key_is(key, len, "tolerations"))
		pod_tolerations(pod, scan);
	else if (scan_key_is(key, len, "nodeSelector"))
		walk_members(scan, selector_label, pod);
	else if (scan_key_is(key, len, "affinity"))
		walk_members(scan, affinity_member, pod);
	else
		return false;
	return true;
}

static enum pod_phase
phase_of(const char *text)
{
	static const struct {
		const char *name;
		enum pod_phase phase;
	} phases[] = {
	    {"Pending", POD_PHASE_PENDING},
	    {"Running", POD_PHASE_RUNNING},
	    {"Succeeded", POD_PHASE_SUCCEEDED},
	    {"Failed", POD_PHASE_FAILED},
	};

	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		if (strcmp(text, phases[i].name) == 0)
			return phases[i].phase;
	return POD_PHASE_UNKNOWN;
}

static bool
pod_ip(void *arg, struct scan *scan, const char *key, size_t len)
{
	char *ip = arg;

	return walk_text(scan, key, len, "ip", ip, ADDRESS_MAX + 1);
}

/* A pod has one of each family at most, status.podIP first. */
static void
pod_ips(struct msg_fact_pod *pod, struct scan *scan)
{
	size_t count = 0;

	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		char ip[ADDRESS_MAX + 1] = "";

		walk_members(scan, pod_ip, ip);
		if (count++ == 1)
			MESSAGE_TEXT(pod->ip_other, ip);
	}
}

static bool
pod_status(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_pod *pod = arg;
	char phase[16];

	if (walk_text(scan, key, len, "podIP", pod->ip, sizeof pod->ip))
		return true;
	if (scan_key_is(key, len, "podIPs")) {
		pod_ips(pod, scan);
		return true;
	}
	if (!walk_text(scan, key, len, "phase", phase, sizeof phase))
		return false;
	if (scan->error == 0)
		pod->phase = (uint8_t)phase_of(phase);
	return true;
}

static bool
pod_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (scan_key_is(key, len, "metadata"))
		walk_members(scan, pod_metadata, arg);
	else if (scan_key_is(key, len, "spec"))
		walk_members(scan, pod_spec, arg);
	else if (scan_key_is(key, len, "status"))
		walk_members(scan, pod_status, arg);
	else
		return false;
	return true;
}

int
project_pod(const char *json, size_t len, struct msg_fact_pod *ret_fact)
{
	struct scan scan;
	int rc;

	memset(ret_fact, 0, sizeof *ret_fact);
	scan_init(&scan, json, len);
	walk_members(&scan, pod_member, ret_fact);
	rc = scan_finish(&scan);
	if (rc == 0 && (ret_fact->name[0] == '\0' || ret_fact->uid[0] == '\0'))
		return -EBADMSG;
	return rc;
}
