#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "json_read.h"
#include "log.h"
#include "mem.h"
#include "slice_body.h"

/* Looks in a row; then one a second. */
#define AGENT_LOOKS_BURST 20

/* Whether the server has it. */
enum agent_part_state {
	PART_UNKNOWN, /* to be read first: it may be another node's */
	PART_ABSENT,
	PART_OURS,
	PART_LOST, /* both names that it could have are other nodes' */
};

struct agent_part {
	unsigned number;
	enum agent_part_state state;
	bool taken; /* its first name is another node's */
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1]; /* "" not known */
	char hash[HASH_MAX + 1];   /* as we wrote it; "" we have not */
	char hash_sent[HASH_MAX + 1];
};

struct agent {
	char node[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1]; /* the node's, of `parts`; "" there are none yet */
	struct agent_part parts[SLICE_PARTS_MAX];
	unsigned open;	  /* calls under way */
	bool again;	  /* an answer wants another look */
	bool failed;	  /* one of the latest calls has */
	const char *lack; /* what the latest look could not have written; NULL none */
	uint64_t looked;  /* world->changes when it was last looked at */
	int64_t due_ms;	  /* mono: it is looked at then; 0: nothing has changed */
	int64_t next_ms;  /* mono: not before */
	int64_t refresh_ms;
	struct rate looks;
	struct backoff backoff;
	char reason[TEXT_MAX + 1]; /* as agent_unready */
};

struct agent *
agent_new(const char *node)
{
	struct agent *agent = mem_calloc(1, sizeof *agent);

	MESSAGE_TEXT(agent->node, node);
	MESSAGE_TEXT(agent->reason, "the node's slices are not written yet");
	return agent;
}

void
agent_free(struct agent *agent)
{
	free(agent);
}

/* Of a world that is not known as a whole nothing is said. */
static bool
agent_sees(const struct core *core)
{
	return core->watcher_up && core->world->sync[FACT_KIND_NODE].complete &&
	       core->world->sync[FACT_KIND_POD].complete;
}

const char *
agent_unready(const struct core *core)
{
	if (!core->watcher_up)
		return "the watcher is not there";
	if (!agent_sees(core))
		return "the watch is not complete";
	if (world_node(core->world, core->agent->node) == NULL)
		return "there is no node of that name (NODE_NAME)";
	return core->agent->reason;
}

/* The first has the node's own name, and whatever stands under that is overwritten. */
static void
agent_reset_part(const struct agent *agent, struct agent_part *part, bool taken)
{
	part->taken = taken;
	part->state = part->number == 1 ? PART_OURS : PART_UNKNOWN;
	part->uid[0] = part->hash[0] = '\0';
	slice_body_name(agent->node, part->number, taken, part->name);
}

static int64_t
agent_random(struct core *core, int64_t below)
{
	uint32_t value;

	core->effects.random(core->effects.arg, &value, sizeof value);
	return below > 0 ? value % below : 0;
}

/* All is forgotten, so that all is written: at the start, for another node, if only one
 * of the same name, and now and then. A node that has come meanwhile may have the name
 * of a part of ours; and of two names that were others' either may be free by now. */
static void
agent_begin(struct core *core, const struct world_node *node)
{
	struct agent *agent = core->agent;

	MESSAGE_TEXT(agent->uid, node->uid);
	for (unsigned i = 0; i < SLICE_PARTS_MAX; i++) {
		struct agent_part *part = &agent->parts[i];

		part->number = i + 1;
		agent_reset_part(agent, part, part->taken && part->state != PART_LOST);
	}
	agent->again = true;
	agent->refresh_ms =
	    core->now.mono.ms + AGENT_REFRESH_LEAST_MS +
	    agent_random(core, AGENT_REFRESH_MOST_MS - AGENT_REFRESH_LEAST_MS);
}

/* --- answers ---------------------------------------------------------------------- */

static struct agent_part *
agent_answered(struct core *core, const struct call *call)
{
	struct agent *agent = core->agent;

	agent->open--;
	core_touch(core);
	for (unsigned i = 0; i < SLICE_PARTS_MAX; i++)
		if (strcmp(agent->parts[i].name, call->subject) == 0)
			return &agent->parts[i];
	return NULL;
}

/* Told when it is another reason than before. */
static bool
agent_say(struct core *core, int status, const char *why)
{
	struct agent *agent = core->agent;
	char reason[TEXT_MAX + 1];

	snprintf(
	    reason, sizeof reason, "the node's slices are not written: %.400s", why);
	if (strcmp(agent->reason, reason) == 0)
		return false;
	log_warn("slices_not_written", LOG_S("node", agent->node),
	    LOG_N("status", status), LOG_S("error", why));
	MESSAGE_TEXT(agent->reason, reason);
	return true;
}

/* Several parts fail as one. */
static void
agent_failed(struct core *core, const struct kube_reply *reply, const char *why)
{
	struct agent *agent = core->agent;

	agent->again = true;
	if (agent->failed)
		return;
	agent->failed = true;
	backoff_fail_call(&agent->backoff, core->now.mono, reply);
	agent->backoff.not_before_ms += agent_random(core, agent->backoff.delay_ms);
	agent_say(core, reply->status, why != NULL ? why : reply->message);
}

/* An object of that name, as it was answered. */
static const char *
agent_member(const struct kube_reply *reply, const char *outer, const char *name)
{
	struct json_object *object = reply->json;
	const char *text;

	if (outer != NULL)
		object = json_read_member(object, outer);
	text = json_read_string(json_read_member(object, name));
	return text != NULL ? text : "";
}

static void
agent_read(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct agent_part *part = agent_answered(core, call);

	if (part == NULL)
		return;
	core->agent->again = true;
	if (reply->error == 0 && reply->status == 404) {
		part->state = PART_ABSENT;
	} else if (reply->error != 0 || reply->status != 200) {
		agent_failed(core, reply, NULL);
	} else if (strcmp(agent_member(reply, NULL, "nodeName"), core->agent->node) ==
		   0) {
		part->state = PART_OURS;
		MESSAGE_TEXT(part->uid, agent_member(reply, "metadata", "uid"));
	} else if (!part->taken) {
		agent_reset_part(core->agent, part, true);
	} else {
		part->state = PART_LOST;
		log_error("slice_name_taken", LOG_S("node", core->agent->node),
		    LOG_S("slice", part->name));
	}
}

static void
agent_written(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct agent_part *part = agent_answered(core, call);

	if (part == NULL)
		return;
	if (reply->error == 0 && (reply->status == 200 || reply->status == 201)) {
		part->state = PART_OURS;
		MESSAGE_TEXT(part->hash, part->hash_sent);
		MESSAGE_TEXT(part->uid, agent_member(reply, "metadata", "uid"));
	} else if (reply->error == 0 && reply->status == 404 &&
		   part->state == PART_OURS) {
		part->state = PART_ABSENT;
		core->agent->again = true;
	} else if (reply->error == 0 && reply->status == 409 &&
		   part->state == PART_ABSENT) {
		agent_reset_part(core->agent, part, part->taken);
		core->agent->again = true;
	} else {
		agent_failed(core, reply,
		    reply->status == 404 ? "PodTrackerSlice is not installed" : NULL);
	}
}

static void
agent_deleted(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct agent_part *part = agent_answered(core, call);

	if (part == NULL)
		return;
	/* another one by now: it is looked at again when there is need of it */
	if (reply->error == 0 && reply->status == 409)
		agent_reset_part(core->agent, part, part->taken);
	else if (reply->error == 0 && (reply->status == 200 || reply->status == 404))
		part->state = PART_ABSENT;
	else
		agent_failed(core, reply, NULL);
}

/* --- calls ------------------------------------------------------------------------ */

static struct call *
agent_call(struct core *core, const struct agent_part *part, struct kube_call *request,
    call_done_fn *done)
{
	char *path = mem_printf("%s/%s", SLICE_COLLECTION, part->name);
	struct call *call;

	request->path = strcmp(request->method, "POST") == 0 ? SLICE_COLLECTION : path;
	call = calls_start(core, request, done);
	MESSAGE_TEXT(call->subject, part->name);
	core->agent->open++;
	free(path);
	return call;
}

static void
agent_get(struct core *core, const struct agent_part *part)
{
	struct kube_call request = {.method = "GET"};

	agent_call(core, part, &request, agent_read)->right = "get " SLICE_RESOURCE;
}

static void
agent_write(
    struct core *core, const struct agent_part *part, const char *body, size_t pods)
{
	bool create = part->state == PART_ABSENT;
	struct kube_call request = {
	    .method = create ? "POST" : "PATCH",
	    .body_kind = create ? KUBE_BODY_JSON : KUBE_BODY_MERGE_PATCH,
	    .body = body,
	};
	struct call *call = agent_call(core, part, &request, agent_written);
	char *before = mem_printf("{\"contentHash\":\"%s\"}", part->hash);
	char *after = mem_printf(
	    "{\"contentHash\":\"%s\",\"podCount\":%zu}", part->hash_sent, pods);

	call->right = create ? "create " SLICE_RESOURCE : "patch " SLICE_RESOURCE;
	MESSAGE_TEXT(call->audit, "slice");
	MESSAGE_TEXT(call->why, part->hash[0] == '\0'
				    ? "at the start, and every ten minutes"
				    : "the node or pods on it changed");
	calls_change(call, before, after);
	free(before);
	free(after);
}

static void
agent_delete(struct core *core, const struct agent_part *part)
{
	char *body = mem_printf("{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
				"\"preconditions\":{\"uid\":\"%s\"}}",
	    part->uid);
	struct kube_call request = {.method = "DELETE", .body = body};
	struct call *call = agent_call(core, part, &request, agent_deleted);
	char *before = mem_printf("{\"contentHash\":\"%s\"}", part->hash);

	call->right = "delete " SLICE_RESOURCE;
	MESSAGE_TEXT(call->audit, "slice deleted");
	MESSAGE_TEXT(call->why, "the node has fewer pods");
	calls_change(call, before, "null");
	free(before);
	free(body);
}

/* --- what is due ------------------------------------------------------------------ */

static void
agent_look_at_part(struct core *core, struct agent_part *part,
    const struct slice_body *body, struct buf *text)
{
	if (part->state == PART_UNKNOWN)
		agent_get(core, part);
	else if (part->state == PART_LOST)
		core->agent->lack = "both names of one are other nodes'";
	if (part->state == PART_UNKNOWN || part->state == PART_LOST)
		return;
	buf_reset(text);
	slice_body_put(body, part->name, SLICE_BY_AGENT, part->number, core->now.wall,
	    text, part->hash_sent);
	if (text->refused) {
		core->agent->lack = "one is too large";
		return;
	}
	if (part->state == PART_OURS && strcmp(part->hash, part->hash_sent) == 0)
		return;
	agent_write(core, part, text->data, body->pods_len);
	core->agent->next_ms = core->now.mono.ms + AGENT_LEAST_MS;
}

/* What is beyond goes; of what a former agent has left, until there is nothing. */
static void
agent_sweep(struct core *core, unsigned parts)
{
	struct agent *agent = core->agent;

	for (unsigned i = parts; i < SLICE_PARTS_MAX; i++) {
		const struct agent_part *part = &agent->parts[i];

		if (part->state == PART_OURS)
			agent_delete(core, part);
		if (part->state != PART_UNKNOWN)
			continue;
		if (i == parts || agent->parts[i - 1].state != PART_ABSENT)
			agent_get(core, part);
		return;
	}
}

static void
agent_look(struct core *core, const struct world_node *node)
{
	struct agent *agent = core->agent;
	struct slice_body body;
	struct buf text;

	agent->again = agent->failed = false;
	agent->lack = NULL;
	agent->looked = core->world->changes;
	agent->due_ms = 0;
	buf_init(&text, SLICE_BODY_MAX);
	slice_body_begin(core->world, node, &body);
	for (unsigned i = 0; i < body.parts; i++)
		agent_look_at_part(core, &agent->parts[i], &body, &text);
	agent_sweep(core, body.parts);
	slice_body_end(&body);
	buf_free(&text);
}

static bool
agent_is_due(struct core *core)
{
	struct agent *agent = core->agent;
	int64_t now_ms = core->now.mono.ms;

	if (agent->again)
		return true;
	if (agent->looked == core->world->changes)
		return false;
	if (agent->due_ms == 0)
		agent->due_ms = now_ms + AGENT_GATHER_MS > agent->next_ms
				    ? now_ms + AGENT_GATHER_MS
				    : agent->next_ms;
	if (now_ms >= agent->due_ms)
		return true;
	core_wake_at(core, agent->due_ms);
	return false;
}

static bool
agent_is_whole(struct core *core)
{
	struct agent *agent = core->agent;

	if (agent->reason[0] == '\0')
		return false;
	log_info("slices_written", LOG_S("node", agent->node));
	agent->reason[0] = '\0';
	return true;
}

/* All is there that can be. */
static void
agent_settle(struct core *core)
{
	struct agent *agent = core->agent;
	bool news = agent->lack != NULL ? agent_say(core, 0, agent->lack)
					: agent_is_whole(core);

	if (!news)
		return;
	backoff_clear(&agent->backoff);
	core_wake_at(core, core->now.mono.ms); /* to be told */
}

void
agent_run(struct core *core)
{
	/* a server whose answers contradict each other is not asked without pause */
	static const struct rate_limit limit = {AGENT_LOOKS_BURST, 60};
	struct agent *agent = core->agent;
	const struct world_node *node = world_node(core->world, agent->node);

	if (!agent_sees(core) || node == NULL || agent->open > 0 ||
	    backoff_waits(core, &agent->backoff))
		return;
	if (strcmp(agent->uid, node->uid) != 0 ||
	    core->now.mono.ms >= agent->refresh_ms)
		agent_begin(core, node);
	if (agent_is_due(core)) {
		if (!rate_take(&agent->looks, &limit, core->now.mono, 1)) {
			core_wake_at(core, core->now.mono.ms + 1000);
			return;
		}
		agent_look(core, node);
	}
	if (agent->open == 0 && !agent->again)
		agent_settle(core);
	core_wake_at(core, agent->refresh_ms);
}
