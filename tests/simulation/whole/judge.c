#include "judge.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "provider.h"
#include "server.h"
#include "users.h"

/* What was read afresh is good for ten seconds (reconciler/check.h), and the last of
 * the reads may have been on its way for as long. */
#define FRESH_MS 25000
/* A look at the cloud (reconciler/view.h: every half a minute, good for one minute),
 * and the orders that were under way with it. */
#define SEEN_MS 100000
/* Pods are evicted after two looks without an address (reconciler/lost.h). */
#define APART_MS 9000
/* The old controller is seen at the latest when a list that was just read goes out of
 * date (reconciler/peers.h), a slow answer away. */
#define OLD_MS 45000
/* What foreign hands do between the read that a request by name rests on, and its
 * arrival, cannot be seen any more: five seconds, and its way. */
#define FOREIGN_MS 15000
/* Orders whose operations may still come. */
#define ORDERS_MAX 64u
/* Seconds, with a replica that could mend it, until a label is right. */
#define LABEL_S 150

static struct {
	unsigned wrong_s[VMS_MAX]; /* labelled without an address */
	struct {
		char request[64], address[46];
	} orders[ORDERS_MAX]; /* the last ones */
	size_t orders_len;
	uint64_t server_version, provider_version; /* that were looked at */
	char complaint[JUDGE_COMPLAINT_MAX];
} judge;

void
judge_open(void)
{
	memset(&judge, 0, sizeof judge);
	judge_release_open();
	judge_tracker_open();
	judge_footprint_open();
	judge_history_open();
}

bool
judge_complain(const char *format, ...)
{
	char text[JUDGE_COMPLAINT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	memcpy(judge.complaint, text, sizeof text);
	return false;
}

const char *
judge_complaint(void)
{
	return judge.complaint;
}

/* --- what is true ----------------------------------------------------------------- */

static bool
is_leader(const struct host *host)
{
	return strcmp(server_text(server_get(LEASE), "spec/holderIdentity"),
		   host->name) == 0;
}

static struct json_object *
node_of(const struct vm *vm)
{
	char path[128];
	struct json_object *node;
	char tail[160];
	const char *provider_id;

	snprintf(path, sizeof path, NODES "%s", vm->name);
	node = server_get(path);
	snprintf(tail, sizeof tail, "/%s/%s", vm->zone, vm->name);
	provider_id = server_text(node, "spec/providerID");
	return strstr(provider_id, tail) != NULL ? node : NULL;
}

bool
judge_is_labelled(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, NODES "%s", name);
	return strcmp(server_text(
			  server_at(server_get(path), "metadata/labels"), "ip.ready"),
		   "true") == 0;
}

const char *
judge_label_of(struct json_object *node, const char *key)
{
	struct json_object *labels = server_at(node, "metadata/labels"), *value;

	if (labels == NULL || !json_object_object_get_ex(labels, key, &value))
		return "";
	return json_object_get_string(value);
}

static bool
is_ready(struct json_object *node)
{
	struct json_object *conditions = server_at(node, "status/conditions");
	struct json_object *ready =
	    conditions != NULL ? json_object_array_get_idx(conditions, 0) : NULL;

	return strcmp(server_text(ready, "status"), "True") == 0;
}

static bool
is_steady(const struct vm *vm)
{
	struct json_object *node = node_of(vm);

	if (!vm->exists || vm->stopped || node == NULL || !is_ready(node) ||
	    provider_reserved(vm->address) == NULL)
		return false;
	for (size_t i = 0; i < server.objects_len; i++)
		if (server.objects[i].kind == KIND_ALLOCATION &&
		    judge_holds_on(server.objects[i].json, node, vm))
			return true;
	return false;
}

static int64_t
steady_ms(const struct vm *vm)
{
	return vm != NULL && vm->steady_since_ms != 0
		   ? stage.now_ms - vm->steady_since_ms
		   : 0;
}

static bool
status_has(struct json_object *allocation, const char *text)
{
	struct json_object *status = server_at(allocation, "status/addresses");

	return status != NULL &&
	       strstr(json_object_to_json_string_ext(status, JSON_C_TO_STRING_PLAIN),
		   text) != NULL;
}

/* An allocation's journal has that text, or had it when it was deleted. */
static bool
is_journaled(const char *text)
{
	for (size_t i = 0; i < server.objects_len; i++)
		if (server.objects[i].kind == KIND_ALLOCATION &&
		    status_has(server.objects[i].json, text))
			return true;
	for (size_t i = 0; i < server.changes_len; i++)
		if (server.changes[i].kind == KIND_ALLOCATION &&
		    server.changes[i].deleted &&
		    status_has(server.changes[i].json, text))
			return true;
	return false;
}

const struct host *
judge_leader(void)
{
	for (size_t i = 0; i < hosts.len; i++)
		if (is_leader(&hosts.all[i]))
			return &hosts.all[i];
	return NULL;
}

bool
judge_is_fit(void)
{
	const struct host *leader;

	if (server.down || provider.down || users.old_since_ms != 0)
		return false;
	leader = judge_leader();
	return leader != NULL && host_is_up(leader) && !leader->no_server &&
	       !leader->no_cloud;
}

/* --- as time passes --------------------------------------------------------------- */

static void
look_at(struct vm *vm, unsigned *wrong_s, bool fit)
{
	if (!vm->exists || vm->absent_since_ms == 0 || !judge_is_labelled(vm->name) ||
	    node_of(vm) == NULL)
		*wrong_s = 0;
	else if (fit && ++*wrong_s > LABEL_S)
		stage_violate("%s says ip.ready without an address", vm->name);
}

/* Who is steady, looked at anew when something has changed. */
static void
look_who_is_steady(void)
{
	if (server.version == judge.server_version &&
	    provider.version == judge.provider_version)
		return;
	judge.server_version = server.version;
	judge.provider_version = provider.version;
	for (size_t i = 0; i < provider.vms_len; i++) {
		struct vm *vm = &provider.vms[i];

		if (!is_steady(vm))
			vm->steady_since_ms = 0;
		else if (vm->steady_since_ms == 0)
			vm->steady_since_ms = stage.now_ms;
	}
}

void
judge_look(void)
{
	bool fit = judge_is_fit();

	look_who_is_steady();
	for (size_t i = 0; i < provider.vms_len; i++)
		look_at(&provider.vms[i], &judge.wrong_s[i], fit);
}

/* --- what a reconciler does ------------------------------------------------------- */

static void
judge_leads(const struct host *host, const char *what)
{
	int64_t old_ms = users.old_since_ms;

	if (!is_leader(host))
		stage_violate("%s: %s without the lease", host->name, what);
	if (old_ms != 0 && stage.now_ms - old_ms > OLD_MS)
		stage_violate("%s: %s beside the old controller", host->name, what);
}

static void
judge_takes(const struct msg_order *order, struct vm *vm)
{
	if (provider_reserved(order->address) == NULL)
		return;
	look_who_is_steady();
	if (strcmp(vm->address, order->address) == 0 && steady_ms(vm) > FRESH_MS)
		stage_violate(
		    "%s is to be taken off %s for no reason", order->address, vm->name);
	if (strcmp(judge_label_of(node_of(vm), "netinfra.darkbrains.com/address"),
		order->address) == 0 &&
	    judge_is_labelled(vm->name) && stage.now_ms - vm->label_ms > FRESH_MS)
		stage_violate("%s is to leave %s, which is still labelled",
		    order->address, vm->name);
}

static void
judge_puts(const struct msg_order *order)
{
	const struct vm *holder = provider_where(order->address);
	const struct reserved *reserved = provider_reserved(order->address);

	if (holder != NULL && strcmp(holder->id, order->instance) != 0 &&
	    stage.now_ms - holder->config_ms > SEEN_MS)
		stage_violate("%s is to be put on a second node; %s has it",
		    order->address, holder->name);
	if (reserved != NULL && reserved->foreign_user[0] != '\0' &&
	    stage.now_ms - reserved->foreign_ms > SEEN_MS)
		stage_violate("%s is to be put on a node; %s has it", order->address,
		    reserved->foreign_user);
}

void
judge_order(const struct host *host, const struct msg_order *order)
{
	struct vm *vm = provider_vm_by_id(order->instance);

	size_t at = judge.orders_len++ % ORDERS_MAX;

	MESSAGE_TEXT(judge.orders[at].request, order->request_id);
	MESSAGE_TEXT(judge.orders[at].address, order->address);
	judge_leads(host, "an order");
	if (order->kind != ORDER_EPHEMERAL && !is_journaled(order->request_id))
		stage_violate("an order for %s that no journal has", order->address);
	if (vm == NULL)
		return;
	if (vm->foreign)
		stage_violate("an order for foreign %s", vm->name);
	if (order->kind == ORDER_EPHEMERAL && !vm->had_ephemeral)
		stage_violate("%s never had an ephemeral address", vm->name);
	if (order->kind == ORDER_DETACH) {
		judge_takes(order, vm);
		judge_release_order(order);
	}
	if (order->kind == ORDER_ATTACH)
		judge_puts(order);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void
judge_eviction(const char *path)
{
	char pod_path[256];
	struct json_object *pod;
	const struct vm *vm;
	const char *node;

	snprintf(pod_path, sizeof pod_path, "%.*s",
	    (int)(strlen(path) - strlen("/eviction")), path);
	pod = server_get(pod_path);
	if (pod == NULL)
		return;
	node = server_text(pod, "spec/nodeName");
	vm = provider_vm(node);
	if (strncmp(server_text(json_object_array_get_idx(
				    server_at(pod, "metadata/ownerReferences"), 0),
			"name"),
		"sip-", 4) != 0)
		stage_violate("%s is evicted, of another workload", path);
	if (vm != NULL && vm->absent_since_ms == 0 &&
	    stage.now_ms - vm->config_ms > SEEN_MS)
		stage_violate(
		    "%s is evicted from %s, which has %s", path, node, vm->address);
	/* the reads before it may have been of the machine before this one */
	else if (vm != NULL && vm->absent_since_ms != 0 &&
		 stage.now_ms - vm->made_ms > FOREIGN_MS &&
		 stage.now_ms - vm->absent_since_ms < APART_MS)
		stage_violate("%s is evicted from %s, without an address for %lld ms",
		    path, node, (long long)(stage.now_ms - vm->absent_since_ms));
}

/* ip.ready is taken off a node that has had an address for long, and keeps it. */
static void
judge_unlabels(const char *path, const char *body)
{
	const char *name = path + strlen(NODES);
	const struct vm *vm = provider_vm(name);
	char from[300];

	if (strstr(body, "\"ip.ready\":null") == NULL || steady_ms(vm) < SEEN_MS ||
	    stage.now_ms - vm->config_ms < SEEN_MS)
		return;
	snprintf(from, sizeof from, "\"from\":{\"node\":\"%s\"", name);
	if (!is_journaled(from))
		stage_violate(
		    "ip.ready is taken off %s, which has %s", name, vm->address);
}

/* The old controller does nothing with it. */
static bool
is_of_nobody_else(const char *path)
{
	return strstr(path, "/status") != NULL || strstr(path, "/podtracker") != NULL ||
	       strstr(path, "/configmaps") != NULL;
}

void
judge_asks(const struct host *host, const struct kube_call *call)
{
	if (strcmp(call->method, "GET") == 0 || strstr(call->path, "/leases") != NULL ||
	    strstr(call->path, "/events") != NULL)
		return;
	if (!is_of_nobody_else(call->path))
		judge_leads(host, call->path);
	else if (!is_leader(host))
		stage_violate("%s: %s without the lease", host->name, call->path);
	if (strstr(call->path, "/podtracker") != NULL)
		judge_tracker_asks(call);
	if (strstr(call->path, "/configmaps") != NULL)
		judge_footprint_asks(call);
	if (ends_with(call->path, "/eviction"))
		judge_eviction(call->path);
	if (server_kind(call->path) == KIND_NODE)
		judge_unlabels(call->path, call->body);
}

/* --- what a cloudworker does ------------------------------------------------------ */

void
judge_change(const struct host *host, const struct cloud_call *call)
{
	const struct vm *vm = provider_vm_by_id(call->instance);

	if (!is_leader(host))
		stage_violate("%s changes %s without the lease", host->name,
		    vm != NULL ? vm->name : call->instance);
	if (vm != NULL && vm->foreign)
		stage_violate("%s changes foreign %s", host->name, vm->name);
}

/* An access config goes by its name. What foreign hands put there under the same name a
 * moment ago cannot be told from what was read. */
void
judge_removes(const struct operation *operation, const struct vm *vm)
{
	stage_tell("cloud", "%s is off %s (%s)", vm->address, vm->name, vm->id);
	if (vm->foreign)
		stage_violate("%s is taken off foreign %s", vm->address, vm->name);
	for (size_t i = 0; i < ORDERS_MAX; i++)
		if (strcmp(judge.orders[i].request, operation->request) == 0 &&
		    strcmp(judge.orders[i].address, vm->address) != 0 &&
		    operation->begun_ms - vm->config_ms > FOREIGN_MS)
			stage_violate("%s is taken off %s by an order about %s",
			    vm->address, vm->name, judge.orders[i].address);
}

bool
judge_is_owed(const struct operation *operation, const struct vm *vm)
{
	bool journaled = false;

	for (size_t i = 0; i < server.objects_len; i++)
		journaled |= server.objects[i].kind == KIND_ALLOCATION &&
			     strcmp(server_text(server.objects[i].json, "spec/policy"),
				 "Observe") != 0 &&
			     status_has(server.objects[i].json, operation->request);
	return journaled && provider_reserved(vm->address) == NULL && !vm->stopped &&
	       node_of(vm) != NULL;
}

void
judge_adds(const struct operation *operation, const struct vm *vm)
{
	if (vm->foreign)
		stage_violate("%s is put on foreign %s", operation->address, vm->name);
	if (operation->address[0] == '\0' && !vm->had_ephemeral)
		stage_violate("%s never had an ephemeral address", vm->name);
}

void
judge_cloud(void)
{
	if (users.kept)
		judge_history_cloud();
	for (size_t i = 0; i < provider.vms_len; i++)
		for (size_t j = i + 1; j < provider.vms_len; j++)
			if (provider.vms[i].exists && provider.vms[j].exists &&
			    provider.vms[i].address[0] != '\0' &&
			    strcmp(provider.vms[i].address, provider.vms[j].address) ==
				0)
				stage_violate("%s is on two nodes, %s and %s",
				    provider.vms[i].address, provider.vms[i].name,
				    provider.vms[j].name);
}

/* --- the journal, at the server --------------------------------------------------- */

struct promise {
	const char *address, *node;
};

static void
judge_intent(struct json_object *entry, struct promise *promises, size_t *len)
{
	struct promise promise = {
	    .address = server_text(entry, "address"),
	    .node = server_text(entry, "intent/to/nodeUID"),
	};

	if (server_at(entry, "intent") == NULL)
		return;
	for (size_t i = 0; i < *len; i++) {
		if (strcmp(promises[i].address, promise.address) == 0)
			stage_violate("two intents for %s", promise.address);
		if (promise.node[0] != '\0' &&
		    strcmp(promises[i].node, promise.node) == 0)
			stage_violate("two intents to node %s", promise.node);
	}
	if (*len < RESERVED_MAX)
		promises[(*len)++] = promise;
}

static void
judge_label(const char *path, struct json_object *before, struct json_object *after)
{
	struct vm *vm = provider_vm(path + strlen(NODES));

	/* nobody gives anything back to what is no node of ours any more */
	if (vm != NULL && after == NULL)
		vm->owed_ephemeral = false;
	if (vm != NULL && strcmp(judge_label_of(before, "ip.ready"),
			      judge_label_of(after, "ip.ready")) != 0)
		vm->label_ms = stage.now_ms;
}

/* Who cannot take a label off after a few tries goes on without. */
void
judge_refused(const char *path)
{
	struct vm *vm =
	    server_kind(path) == KIND_NODE ? provider_vm(path + strlen(NODES)) : NULL;

	if (vm != NULL)
		vm->label_ms = stage.now_ms;
}

void
judge_wrote(struct json_object *before, struct json_object *after, const char *path)
{
	struct promise promises[RESERVED_MAX];
	size_t len = 0;

	if (server_kind(path) == KIND_NODE)
		judge_label(path, before, after);
	if (strcmp(path, LEASE) == 0 &&
	    strcmp(server_text(before, "spec/holderIdentity"),
		server_text(after, "spec/holderIdentity")) != 0)
		stage_tell("lease", "is %s's, not %s's",
		    server_text(after, "spec/holderIdentity"),
		    server_text(before, "spec/holderIdentity"));
	judge_release_wrote(before, after, path);
	judge_tracker_wrote(before, after, path);
	if (users.kept) {
		judge_footprint_wrote(before, after, path);
		judge_history_wrote(before, after, path);
	}
	if (server_kind(path) != KIND_ALLOCATION)
		return;
	/* what was owed stood in its status; who only observes gives nothing back */
	if (after == NULL ||
	    strcmp(server_text(after, "spec/policy"), "Observe") == 0 ||
	    server_at(after, "spec/restoreEphemeral") != NULL)
		for (size_t i = 0; i < provider.vms_len; i++)
			provider.vms[i].owed_ephemeral = false;
	if (after == NULL)
		return;
	for (size_t i = 0; i < server.objects_len; i++) {
		struct json_object *list =
		    server_at(server.objects[i].json, "status/addresses");

		if (server.objects[i].kind != KIND_ALLOCATION || list == NULL)
			continue;
		for (size_t j = 0; j < json_object_array_length(list); j++)
			judge_intent(
			    json_object_array_get_idx(list, j), promises, &len);
	}
}
