#include "project.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "walk.h"

#define SKIP_ANNOTATION "netinfra.darkbrains.com/skip"

/* Bytes of a quantity that is passed on; no node has more. */
#define QUANTITY_MAX 31u

/* --- nodes --------------------------------------------------------------------------
 */

struct node_walk {
	struct msg_fact_node *fact;
	/* of cpu and memory */
	char capacity[2][QUANTITY_MAX + 1], allocatable[2][QUANTITY_MAX + 1];
};

static void
node_add(struct msg_fact_node *node, struct pack *pack, const char *text)
{
	if (pack_add(pack, text) < 0)
		node->oversize = 1;
}

static bool
node_label(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_node *node = arg;
	char name[WALK_KEY_MAX + 1], value[LABEL_MAX_LEN + 1];

	if (!walk_key(name, sizeof name, key, len)) {
		scan->error = -EBADMSG;
		return false;
	}
	scan_string(scan, value, sizeof value);
	node_add(node, &node->labels, name);
	node_add(node, &node->labels, value);
	return true;
}

static bool
node_annotation(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_node *node = arg;
	const char *raw = NULL;
	size_t raw_len = 0;

	if (!scan_key_is(key, len, SKIP_ANNOTATION))
		return false;
	scan_raw(scan, &raw, &raw_len);
	node->skip = raw_len == 6 && memcmp(raw, "\"true\"", 6) == 0;
	return true;
}

static bool
node_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_node *node = arg;
	int64_t deleted_ms;

	if (walk_text(scan, key, len, "name", node->name, sizeof node->name) ||
	    walk_text(scan, key, len, "uid", node->uid, sizeof node->uid))
		return true;
	if (scan_key_is(key, len, "labels")) {
		walk_members(scan, node_label, node);
	} else if (scan_key_is(key, len, "annotations")) {
		walk_members(scan, node_annotation, node);
	} else if (scan_key_is(key, len, "deletionTimestamp")) {
		walk_time(scan, &deleted_ms);
		node->deleting = deleted_ms != 0;
	} else {
		return false;
	}
	return true;
}

struct taint {
	char key[WALK_KEY_MAX + 1];
	char value[LABEL_MAX_LEN + 1];
	char effect[32];
};

static bool
taint_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct taint *taint = arg;

	return walk_text(scan, key, len, "key", taint->key, sizeof taint->key) ||
	       walk_text(scan, key, len, "value", taint->value, sizeof taint->value) ||
	       walk_text(scan, key, len, "effect", taint->effect, sizeof taint->effect);
}

static void
node_taints(struct msg_fact_node *node, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct taint taint = {0};

		walk_members(scan, taint_member, &taint);
		node_add(node, &node->taints, taint.key);
		node_add(node, &node->taints, taint.value);
		node_add(node, &node->taints, taint.effect);
	}
}

static bool
node_spec(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_node *node = arg;

	if (walk_text(scan, key, len, "providerID", node->provider_id,
		sizeof node->provider_id))
		return true;
	if (scan_key_is(key, len, "unschedulable"))
		walk_flag(scan, &node->unschedulable);
	else if (scan_key_is(key, len, "taints"))
		node_taints(node, scan);
	else
		return false;
	return true;
}

struct node_condition {
	char type[WALK_KEY_MAX + 1]; /* anyone may add one, named like a label */
	char status[16];
	int64_t since_ms;
};

static bool
condition_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct node_condition *condition = arg;

	if (walk_text(
		scan, key, len, "type", condition->type, sizeof condition->type) ||
	    walk_text(
		scan, key, len, "status", condition->status, sizeof condition->status))
		return true;
	if (!scan_key_is(key, len, "lastTransitionTime"))
		return false;
	walk_time(scan, &condition->since_ms);
	return true;
}

static void
node_conditions(struct msg_fact_node *node, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct node_condition condition = {0};

		walk_members(scan, condition_member, &condition);
		if (strcmp(condition.type, "Ready") != 0)
			continue;
		node->ready_since_ms = condition.since_ms;
		if (strcmp(condition.status, "True") == 0)
			node->ready = NODE_READY_TRUE;
		else if (strcmp(condition.status, "False") == 0)
			node->ready = NODE_READY_FALSE;
		else
			node->ready = NODE_READY_UNKNOWN;
	}
}

struct node_address {
	char type[64];
	char address[NAME_MAX_LEN + 1]; /* host names stand here too */
};

static bool
address_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct node_address *address = arg;

	return walk_text(scan, key, len, "type", address->type, sizeof address->type) ||
	       walk_text(scan, key, len, "address", address->address,
		   sizeof address->address);
}

static void
node_addresses(struct msg_fact_node *node, struct scan *scan)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct node_address address = {0};

		walk_members(scan, address_member, &address);
		if (strcmp(address.type, "InternalIP") == 0 &&
		    node->internal_ip[0] == '\0')
			MESSAGE_TEXT(node->internal_ip, address.address);
	}
}

static bool
node_info(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_node *node = arg;

	return walk_text(scan, key, len, "bootID", node->boot_id, sizeof node->boot_id);
}

/* A quantity as the API server writes it; what is none is as if it were not there. */
static bool
resource_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	char(*quantities)[QUANTITY_MAX + 1] = arg;
	bool memory = scan_key_is(key, len, "memory");
	const char *raw = NULL;
	size_t raw_len = 0;

	if (!memory && !scan_key_is(key, len, "cpu"))
		return false;
	scan_raw(scan, &raw, &raw_len);
	if (scan->error == 0 && raw_len >= 2 && raw_len - 2 <= QUANTITY_MAX &&
	    raw[0] == '"' && memchr(raw, '\\', raw_len) == NULL) {
		memcpy(quantities[memory], raw + 1, raw_len - 2);
		quantities[memory][raw_len - 2] = '\0';
	}
	return true;
}

static bool
node_status(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct node_walk *walk = arg;
	struct msg_fact_node *node = walk->fact;

	if (scan_key_is(key, len, "conditions"))
		node_conditions(node, scan);
	else if (scan_key_is(key, len, "addresses"))
		node_addresses(node, scan);
	else if (scan_key_is(key, len, "nodeInfo"))
		walk_members(scan, node_info, node);
	else if (scan_key_is(key, len, "capacity"))
		walk_members(scan, resource_member, walk->capacity);
	else if (scan_key_is(key, len, "allocatable"))
		walk_members(scan, resource_member, walk->allocatable);
	else
		return false;
	return true;
}

static bool
node_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct node_walk *walk = arg;

	if (scan_key_is(key, len, "metadata"))
		walk_members(scan, node_metadata, walk->fact);
	else if (scan_key_is(key, len, "spec"))
		walk_members(scan, node_spec, walk->fact);
	else if (scan_key_is(key, len, "status"))
		walk_members(scan, node_status, arg);
	else
		return false;
	return true;
}

/* Nothing has an identity without a name and a uid. */
static int
finish(struct scan *scan, const char *name, const char *uid)
{
	int rc = scan_finish(scan);

	return rc == 0 && (name[0] == '\0' || uid[0] == '\0') ? -EBADMSG : rc;
}

int
project_node(const char *json, size_t len, struct msg_fact_node *ret_fact)
{
	struct node_walk walk = {.fact = ret_fact};
	struct scan scan;

	memset(ret_fact, 0, sizeof *ret_fact);
	scan_init(&scan, json, len);
	walk_members(&scan, node_member, &walk);
	for (int i = 0; i < 2; i++)
		pack_add(&ret_fact->resources, walk.capacity[i]);
	for (int i = 0; i < 2; i++)
		pack_add(&ret_fact->resources, walk.allocatable[i]);
	if (ret_fact->oversize) {
		pack_clear(&ret_fact->labels);
		pack_clear(&ret_fact->taints);
	}
	return finish(&scan, ret_fact->name, ret_fact->uid);
}

/* --- allocations, and objects that are gone ------------------------------------------
 */

static bool
allocation_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_allocation *fact = arg;

	if (walk_text(scan, key, len, "name", fact->name, sizeof fact->name) ||
	    walk_text(scan, key, len, "uid", fact->uid, sizeof fact->uid) ||
	    walk_text(scan, key, len, "resourceVersion", fact->resource_version,
		sizeof fact->resource_version))
		return true;
	if (!scan_key_is(key, len, "generation"))
		return false;
	scan_integer(scan, &fact->generation);
	return true;
}

static bool
allocation_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "metadata"))
		return false;
	walk_members(scan, allocation_metadata, arg);
	return true;
}

int
project_allocation(const char *json, size_t len, struct msg_fact_allocation *ret_fact)
{
	struct scan scan;

	memset(ret_fact, 0, sizeof *ret_fact);
	scan_init(&scan, json, len);
	walk_members(&scan, allocation_member, ret_fact);
	return finish(&scan, ret_fact->name, ret_fact->uid);
}

static bool
gone_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_gone *fact = arg;

	return walk_text(scan, key, len, "name", fact->name, sizeof fact->name) ||
	       walk_text(scan, key, len, "uid", fact->uid, sizeof fact->uid) ||
	       walk_text(scan, key, len, "namespace", fact->namespace,
		   sizeof fact->namespace);
}

static bool
gone_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "metadata"))
		return false;
	walk_members(scan, gone_metadata, arg);
	return true;
}

int
project_gone(
    const char *json, size_t len, enum fact_kind kind, struct msg_fact_gone *ret_fact)
{
	struct scan scan;

	memset(ret_fact, 0, sizeof *ret_fact);
	ret_fact->kind = (uint8_t)kind;
	scan_init(&scan, json, len);
	walk_members(&scan, gone_member, ret_fact);
	return finish(&scan, ret_fact->name, ret_fact->uid);
}
