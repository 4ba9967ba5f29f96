#include "agent_rig.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"

struct rig_request {
	struct rig_request *next;
	struct rig_peer *peer;
	uint64_t ticket;
	char *method, *path, *body;
	int64_t at_ms; /* its answer is there */
};

struct object {
	char *path;
	struct json_object *json;
};

struct rig rig;

/* --- the server ------------------------------------------------------------------- */

static void
object_free(void *value)
{
	struct object *object = value;

	json_object_put(object->json);
	free(object->path);
	free(object);
}

struct json_object *
rig_get(const char *path)
{
	struct object *object = map_get(rig.objects, path);

	return object != NULL ? object->json : NULL;
}

struct json_object *
rig_slice(const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", SLICE_COLLECTION, name);
	return rig_get(path);
}

const char *
rig_text(struct json_object *object, const char *key)
{
	const char *value = json_read_string(json_read_member(object, key));

	return value != NULL ? value : "";
}

static const char *
uid_of(struct json_object *object)
{
	return rig_text(json_read_member(object, "metadata"), "uid");
}

/* A patch of what the agent or the leader writes names all that there is. */
static void
put(const char *path, const char *body)
{
	struct object *object = mem_calloc(1, sizeof *object);
	struct json_object *json = json_tokener_parse(body), *metadata;
	char uid[UID_MAX_LEN + 1];

	cr_assert_not_null(json, "%s", body);
	snprintf(uid, sizeof uid, "u%lu", ++rig.uids);
	if (rig_get(path) != NULL)
		MESSAGE_TEXT(uid, uid_of(rig_get(path)));
	if (!json_object_object_get_ex(json, "metadata", &metadata)) {
		metadata = json_object_new_object();
		json_object_object_add(json, "metadata", metadata);
	}
	json_object_object_add(metadata, "uid", json_object_new_string(uid));
	object->path = mem_strdup(path);
	object->json = json;
	map_put(rig.objects, object->path, object);
	if (rig.leader != NULL && strstr(path, SLICE_COLLECTION) != NULL)
		rig_tell_slice(rig.leader, strrchr(path, '/') + 1);
}

void
rig_put_slice(const char *name, const char *node)
{
	char path[512], body[512];

	snprintf(path, sizeof path, "%s/%s", SLICE_COLLECTION, name);
	snprintf(body, sizeof body, "{\"metadata\":{},\"nodeName\":\"%s\"}", node);
	put(path, body);
}

static int
answer_delete(const struct rig_request *request)
{
	struct json_object *options = json_tokener_parse(request->body);
	struct json_object *wanted = json_read_member(options, "preconditions");
	bool same =
	    strcmp(rig_text(wanted, "uid"), uid_of(rig_get(request->path))) == 0;
	bool there = rig_get(request->path) != NULL;

	cr_assert_neq(
	    rig_text(wanted, "uid")[0], '\0', "a slice is deleted by name alone");
	json_object_put(options);
	if (there && same)
		map_drop(rig.objects, request->path);
	rig.deletes += there && same;
	return !there ? 404 : same ? 200 : 409;
}

/* *path becomes that of the object. */
static int
answer_write(const struct rig_request *request, char *path, size_t size)
{
	struct json_object *body;
	bool post = strcmp(request->method, "POST") == 0;

	if (post) {
		body = json_tokener_parse(request->body);
		snprintf(path, size, "%s/%s", request->path,
		    rig_text(json_read_member(body, "metadata"), "name"));
		json_object_put(body);
	}
	if (post && rig_get(path) != NULL)
		return 409;
	if (!post && strstr(path, SLICE_COLLECTION) != NULL && rig_get(path) == NULL)
		return 404;
	put(path, request->body);
	rig.writes++;
	request->peer->writes++;
	return post ? 201 : 200;
}

static int
answer(const struct rig_request *request, char *path, size_t size)
{
	if (rig.status != 0 &&
	    (rig.refused == NULL || strcmp(rig.refused, request->method) == 0))
		return rig.status;
	if (rig.unserved && strstr(path, SLICE_COLLECTION) != NULL)
		return 404;
	if (strcmp(request->method, "GET") == 0) {
		/* of what the leader lists there is nothing */
		return rig_get(path) != NULL || strstr(path, SLICE_COLLECTION) == NULL
			   ? 200
			   : 404;
	}
	if (strcmp(request->method, "DELETE") == 0)
		return answer_delete(request);
	return answer_write(request, path, size);
}

/* --- time ------------------------------------------------------------------------- */

struct core_time
rig_now(void)
{
	return (struct core_time){
	    {rig.now_ms}, {rig.now_ms}, {1795132800000 + rig.now_ms}};
}

static void
answer_next(void)
{
	static const char nothing[] =
	    "{\"items\":[],\"metadata\":{\"resourceVersion\":\"1\"}}";
	struct rig_request *request = rig.first;
	char path[512];
	struct json_object *empty = json_tokener_parse(nothing);
	struct kube_reply reply = {.retry_after_ms = -1};

	rig.first = request->next;
	if (rig.first == NULL)
		rig.last = &rig.first;
	snprintf(path, sizeof path, "%s", request->path);
	reply.status = answer(request, path, sizeof path);
	snprintf(reply.message, sizeof reply.message, "answered with %d", reply.status);
	reply.json = rig_get(path) != NULL ? rig_get(path) : empty;
	rig.conflicts += reply.status == 409;
	rig.missing += reply.status == 404;
	core_answer(request->peer->core, rig_now(), request->ticket, &reply);
	json_object_put(empty);
	free(request->method);
	free(request->path);
	free(request->body);
	free(request);
}

/* What is due next: an answer, or a peer that wakes. */
static int64_t
next_due(struct rig_peer **ret_peer)
{
	int64_t due_ms = rig.first != NULL ? rig.first->at_ms : INT64_MAX;

	*ret_peer = NULL;
	for (size_t i = 0; i < rig.len; i++)
		if (rig.peers[i].wake_ms < due_ms) {
			due_ms = rig.peers[i].wake_ms;
			*ret_peer = &rig.peers[i];
		}
	return due_ms;
}

void
rig_run(int64_t ms)
{
	int64_t end_ms = rig.now_ms + ms;
	struct rig_peer *peer;
	int64_t due_ms;

	while ((due_ms = next_due(&peer)) <= end_ms) {
		if (due_ms > rig.now_ms)
			rig.now_ms = due_ms;
		if (peer == NULL) {
			answer_next();
			continue;
		}
		peer->wake_ms = INT64_MAX;
		core_wake(peer->core, rig_now());
	}
	rig.now_ms = end_ms;
}

/* --- effects ---------------------------------------------------------------------- */

static void
effect_call(void *arg, uint64_t ticket, const struct kube_call *call)
{
	struct rig_request *request = mem_calloc(1, sizeof *request);
	int64_t there_ms = rig.now_ms + RIG_WAY_MS;

	if (rig.free_ms < there_ms)
		rig.free_ms = there_ms;
	rig.free_ms += RIG_WORK_MS;
	request->peer = arg;
	request->ticket = ticket;
	request->method = mem_strdup(call->method);
	request->path = mem_strdup(call->path);
	request->body = mem_strdup(call->body != NULL ? call->body : "");
	request->at_ms = rig.free_ms + RIG_WAY_MS;
	*rig.last = request;
	rig.last = &request->next;
}

static int
effect_cloud(void *arg, enum message_type type, const void *msg)
{
	const struct rig_peer *peer = arg;

	(void)type;
	(void)msg;
	cr_assert_eq(peer->node[0], '\0', "an agent orders something");
	return 0;
}

static void
effect_metric(void *arg, enum gauge_op op, enum metric metric, double value,
    const char *const *labels)
{
	(void)arg;
	(void)op;
	(void)metric;
	(void)value;
	(void)labels;
}

static void
effect_readiness(void *arg, const char *reason)
{
	struct rig_peer *peer = arg;

	MESSAGE_TEXT(peer->reason, reason);
}

static void
effect_audit(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	rig.lines++;
}

static void
effect_random(void *arg, void *out, size_t len)
{
	unsigned char *bytes = out;

	(void)arg;
	for (size_t i = 0; i < len; i++) {
		rig.random = rig.random * 6364136223846793005u + 1;
		bytes[i] = (unsigned char)(rig.random >> 56);
	}
}

static void
effect_wake_in(void *arg, int64_t delay_ms)
{
	struct rig_peer *peer = arg;
	int64_t at_ms = rig.now_ms + (delay_ms > 0 ? delay_ms : 1);

	if (at_ms < peer->wake_ms)
		peer->wake_ms = at_ms;
}

/* --- what the watcher tells ------------------------------------------------------- */

void
rig_tell(struct rig_peer *peer, struct message *message)
{
	cr_assert_eq(core_message(peer->core, rig_now(), message), 0);
	free(message);
}

void
rig_tell_sync(struct rig_peer *peer, int kind, enum sync_phase phase)
{
	struct message *message = mem_calloc(1, sizeof *message);

	message->type = MSG_FACT_SYNC;
	message->u.fact_sync.kind = (uint8_t)kind;
	message->u.fact_sync.phase = (uint8_t)phase;
	rig_tell(peer, message);
}

void
rig_tell_node(struct rig_peer *peer, const char *node, const char *uid)
{
	struct message *message = mem_calloc(1, sizeof *message);

	message->type = MSG_FACT_NODE;
	MESSAGE_TEXT(message->u.fact_node.name, node);
	MESSAGE_TEXT(message->u.fact_node.uid, uid);
	MESSAGE_TEXT(message->u.fact_node.internal_ip, "10.9.0.1");
	rig_tell(peer, message);
}

void
rig_tell_pod(struct rig_peer *peer, const char *node, unsigned number, const char *ip)
{
	struct message *message = mem_calloc(1, sizeof *message);
	struct msg_fact_pod *pod = &message->u.fact_pod;

	message->type = MSG_FACT_POD;
	snprintf(pod->uid, sizeof pod->uid, "%s-%u", node, number);
	snprintf(
	    pod->name, sizeof pod->name, "pod-of-a-usual-length-%s-%04u", node, number);
	MESSAGE_TEXT(pod->namespace, "default");
	MESSAGE_TEXT(pod->node, node);
	MESSAGE_TEXT(pod->ip, ip);
	pod->phase = POD_PHASE_RUNNING;
	rig_tell(peer, message);
}

void
rig_tell_pod_gone(struct rig_peer *peer, const char *node, unsigned number)
{
	struct message *message = mem_calloc(1, sizeof *message);
	struct msg_fact_gone *gone = &message->u.fact_gone;

	message->type = MSG_FACT_GONE;
	gone->kind = FACT_KIND_POD;
	snprintf(gone->uid, sizeof gone->uid, "%s-%u", node, number);
	rig_tell(peer, message);
}

void
rig_tell_slice(struct rig_peer *peer, const char *name)
{
	struct message *message = mem_calloc(1, sizeof *message);
	struct msg_fact_slice *fact = &message->u.fact_slice;
	struct json_object *json = rig_slice(name);
	struct wall_time updated = {0};
	int64_t part = 0, parts = 0;

	message->type = MSG_FACT_SLICE;
	json_read_time(json, "lastUpdateTime", &updated);
	json_read_number(json, "part", &part);
	json_read_number(json, "parts", &parts);
	MESSAGE_TEXT(fact->name, name);
	MESSAGE_TEXT(fact->uid, uid_of(json));
	snprintf(
	    fact->resource_version, sizeof fact->resource_version, "%lu", ++rig.uids);
	MESSAGE_TEXT(fact->node, rig_text(json, "nodeName"));
	MESSAGE_TEXT(fact->node_uid, rig_text(json, "nodeUID"));
	MESSAGE_TEXT(fact->content_hash, rig_text(json, "contentHash"));
	fact->agent = strcmp(rig_text(json, "writer"), "Agent") == 0;
	fact->part = (uint32_t)part;
	fact->parts = (uint32_t)parts;
	fact->updated_ms = updated.ms;
	rig_tell(peer, message);
}

/* All that there is of its node. */
void
rig_list(struct rig_peer *peer, unsigned pods)
{
	core_watcher(peer->core, rig_now(), true);
	rig_tell_sync(peer, FACT_KIND_NODE, SYNC_BEGIN);
	rig_tell_node(peer, peer->node, "node-uid");
	rig_tell_sync(peer, FACT_KIND_NODE, SYNC_END);
	rig_tell_sync(peer, FACT_KIND_POD, SYNC_BEGIN);
	for (unsigned i = 0; i < pods; i++)
		rig_tell_pod(peer, peer->node, i, "10.0.0.1");
	rig_tell_sync(peer, FACT_KIND_POD, SYNC_END);
}

struct rig_peer *
rig_make_peer(const char *node)
{
	struct rig_peer *peer = &rig.peers[rig.len++];
	struct effects effects = {
	    .arg = peer,
	    .call = effect_call,
	    .cloud = effect_cloud,
	    .metric = effect_metric,
	    .readiness = effect_readiness,
	    .audit = effect_audit,
	    .random = effect_random,
	    .wake_in = effect_wake_in,
	};
	struct core_options options = {.identity = "pod",
	    .namespace = "kube-system",
	    .lease = "",
	    .agent_node = node[0] != '\0' ? node : NULL};

	snprintf(peer->node, sizeof peer->node, "%s", node);
	peer->wake_ms = INT64_MAX;
	peer->core = core_new(&options, &effects);
	return peer;
}

void
rig_setup(void)
{
	memset(&rig, 0, sizeof rig);
	rig.now_ms = 1000000;
	rig.random = 7;
	rig.last = &rig.first;
	rig.objects = map_new(object_free);
}

void
rig_teardown(void)
{
	rig_run(20000);
	for (size_t i = 0; i < rig.len; i++)
		core_free(rig.peers[i].core);
	while (rig.first != NULL)
		answer_next();
	map_free(rig.objects);
}
