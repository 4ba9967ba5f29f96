#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "fresh.h"
#include "log.h"
#include "mem.h"

#define PEERS_COLLECTION "/api/v1/pods?labelSelector=app%3D" WORLD_OLD_APP
/* Of an annotation as it was (bytes of JSON); a longer one is left out. */
#define PEERS_MARK_MAX 256u
/* Bytes of one annotation patch. */
#define PEERS_PATCH_MAX 1024u

/* A pod of ours whose annotation is not as it should be. */
struct replica {
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	bool leads;		   /* it is us */
	char mark[PEERS_MARK_MAX]; /* the annotation as it is, as JSON */
	bool writing;
	struct backoff backoff;
};

struct peers {
	bool listed, listing;
	struct mono_time listed_at;
	struct backoff backoff;
	char other[LABEL_MAX_LEN + NAME_MAX_LEN + 2]; /* "namespace/name"; "" none */
	bool clear; /* at the last verdict but UNKNOWN */
	bool told;  /* that the other one runs */
	bool asked; /* for a list that is new enough to name a successor */
	char own_node[NAME_MAX_LEN + 1];
	char successor[NAME_MAX_LEN + 1]; /* "" none */
	struct mono_time found_at;
	struct map *replicas; /* by name */
};

struct peers *
peers_new(void)
{
	struct peers *peers = mem_calloc(1, sizeof *peers);

	peers->replicas = map_new(free);
	return peers;
}

void
peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	map_free(peers->replicas);
	free(peers);
}

void
peers_forget(struct core *core)
{
	peers_free(core->peers);
	core->peers = peers_new();
}

void
peers_recover(struct core *core)
{
	backoff_recover(&core->peers->backoff);
	MAP_EACH(core->peers->replicas, entry)
	{
		struct replica *replica = lh_entry_v(entry);

		backoff_recover(&replica->backoff);
	}
}

const char *
peers_other(const struct core *core)
{
	return core->peers->other;
}

bool
peers_clear(const struct core *core)
{
	return core->peers->clear;
}

bool
peers_failing(const struct core *core)
{
	return core->peers->backoff.delay_ms > 0;
}

/* --- the annotation of the leader's pod ------------------------------------------- */

static void
peers_marked(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct replica *replica = map_get(core->peers->replicas, call->subject);

	if (replica == NULL)
		return;
	replica->writing = false;
	if (calls_unheard(reply)) {
		backoff_fail_call(&replica->backoff, core->now.mono, reply);
		core_touch(core);
		return;
	}
	if (reply->status >= 400 && !calls_is_another(reply))
		log_warn("leader_not_marked", LOG_S("pod", call->subject),
		    LOG_N("status", reply->status), LOG_S("error", reply->message));
	map_drop(core->peers->replicas, call->subject);
}

/* The uid makes the patch miss a new pod of the same name. */
static void
peers_mark(struct core *core, struct replica *replica)
{
	struct kube_call request = {
	    .method = "PATCH",
	    .body_kind = KUBE_BODY_MERGE_PATCH,
	};
	struct call *call;
	struct buf body;
	char *path;

	if (replica->writing || !core_may_start(core) ||
	    backoff_waits(core, &replica->backoff))
		return;
	buf_init(&body, PEERS_PATCH_MAX);
	buf_puts(&body, "{\"metadata\":{\"uid\":\"");
	buf_put_json(&body, replica->uid, strlen(replica->uid));
	buf_printf(&body, "\",\"annotations\":{\"" FRESH_LEADER "\":%s}}}",
	    replica->leads ? "\"true\"" : "null");
	path =
	    mem_printf("/api/v1/namespaces/%s/pods/%s", core->namespace, replica->name);
	request.path = path;
	request.body = body.data;
	call = calls_start(core, &request, peers_marked);
	call->right = "patch pods";
	MESSAGE_TEXT(call->subject, replica->name);
	MESSAGE_TEXT(call->audit, "annotate");
	calls_change(call, replica->mark,
	    replica->leads ? "{\"" FRESH_LEADER "\":\"true\"}" : "{}");
	MESSAGE_TEXT(call->why, replica->leads ? "it leads" : "it does not lead");
	replica->writing = true;
	free(path);
	buf_free(&body);
}

static void
peers_quote_mark(struct replica *replica, const char *mark)
{
	struct buf quoted;

	buf_init(&quoted, sizeof replica->mark - 1);
	if (mark != NULL) {
		buf_puts(&quoted, "{\"" FRESH_LEADER "\":\"");
		buf_put_json(&quoted, mark, strlen(mark));
		buf_puts(&quoted, "\"}");
	}
	snprintf(replica->mark, sizeof replica->mark, "%s",
	    mark != NULL && !quoted.refused ? quoted.data : "{}");
	buf_free(&quoted);
}

static void
peers_take_replica(struct core *core, const struct world_pod *pod)
{
	struct map *replicas = core->peers->replicas;
	bool leads = strcmp(pod->name, core->identity) == 0;
	const char *mark = pod->leader_mark;
	struct replica *replica;

	if ((leads ? mark != NULL && strcmp(mark, "true") == 0 : mark == NULL) ||
	    !place_name_sound(pod->name) || map_get(replicas, pod->name) != NULL ||
	    map_count(replicas) >= PEERS_MAX)
		return;
	replica = mem_calloc(1, sizeof *replica);
	MESSAGE_TEXT(replica->name, pod->name);
	MESSAGE_TEXT(replica->uid, pod->uid);
	replica->leads = leads;
	peers_quote_mark(replica, mark);
	map_put(replicas, replica->name, replica);
}

/* --- the list --------------------------------------------------------------------- */

static void
peers_name_other(struct peers *peers, const struct world_pod *pod)
{
	snprintf(peers->other, sizeof peers->other, "%.63s/%.253s", pod->kin->namespace,
	    pod->name);
}

static bool
peers_is_replica(const struct core *core, const struct world_pod *pod)
{
	return strcmp(pod->kin->namespace, core->namespace) == 0 &&
	       strcmp(pod->kin->label_name, WORLD_OUR_NAME) == 0;
}

/* One beside us would lose the network together with us. */
static void
peers_find_successor(struct core *core, const struct world_pod *pods)
{
	struct peers *peers = core->peers;

	peers->found_at = core->now.mono;
	peers->successor[0] = '\0';
	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next)
		if (peers_is_replica(core, pod) &&
		    strcmp(pod->name, core->identity) == 0)
			MESSAGE_TEXT(peers->own_node, pod->node);
	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next)
		if (peers_is_replica(core, pod) && pod->ready && !pod->deleting &&
		    strcmp(pod->name, core->identity) != 0 &&
		    strcmp(pod->node, peers->own_node) != 0)
			MESSAGE_TEXT(peers->successor, pod->name);
}

const char *
peers_own_node(const struct core *core)
{
	return core->peers->own_node;
}

enum peers_successor
peers_successor(struct core *core, const char **ret_name)
{
	struct peers *peers = core->peers;

	if (!peers->listed ||
	    core->now.mono.ms - peers->found_at.ms >= PEERS_SUCCESSOR_MS) {
		/* a pass is under way: the next one reads */
		if (!peers->asked)
			core_wake_at(core, core->now.mono.ms + 1);
		peers->asked = true;
		return PEERS_SUCCESSOR_UNKNOWN;
	}
	*ret_name = peers->successor;
	return peers->successor[0] != '\0' ? PEERS_SUCCESSOR : PEERS_SUCCESSOR_NONE;
}

static void
peers_listed(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct peers *peers = core->peers;
	struct world_pod *pods = NULL;

	peers->listing = false;
	core_touch(core);
	if (reply->error != 0 || reply->status != 200 ||
	    !fresh_pods(reply->json, &pods)) {
		backoff_fail_call(&peers->backoff, core->now.mono, reply);
		log_warn("controllers_unread", LOG_N("status", reply->status),
		    LOG_S("error", reply->message));
		return;
	}
	backoff_clear(&peers->backoff);
	peers->listed = true;
	peers->listed_at = call->started;
	peers->other[0] = '\0';
	peers->asked = false;
	peers_find_successor(core, pods);
	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next) {
		if (world_pod_is_old(pod))
			peers_name_other(peers, pod);
		else if (peers_is_replica(core, pod))
			peers_take_replica(core, pod);
	}
	fresh_pods_free(pods);
}

/* When the list has to be read again; INT64_MAX: the watcher will tell. */
static int64_t
peers_due_ms(const struct core *core)
{
	const struct peers *peers = core->peers;

	if (!peers->listed || peers->asked)
		return core->now.mono.ms;
	if (peers->other[0] != '\0')
		return peers->listed_at.ms + PEERS_AGAIN_MS;
	if (!core->world->sync[FACT_KIND_POD].complete)
		return peers->listed_at.ms + PEERS_REFRESH_MS;
	return INT64_MAX;
}

static void
peers_read(struct core *core)
{
	struct peers *peers = core->peers;
	int64_t due_ms = peers_due_ms(core);

	if (due_ms > core->now.mono.ms) {
		core_wake_at(core, due_ms);
		return;
	}
	if (peers->listing || !core_may_start(core) ||
	    backoff_waits(core, &peers->backoff))
		return;
	peers->listing = true;
	calls_get(core, PEERS_COLLECTION, peers_listed)->right = "list pods";
}

/* --- the verdict ------------------------------------------------------------------ */

static enum peers_verdict
peers_judge(const struct core *core)
{
	const struct peers *peers = core->peers;

	if (peers->other[0] != '\0' &&
	    (peers->listed || world_old_pod(core->world) != NULL))
		return PEERS_OTHER;
	if (!peers->listed ||
	    (!core->world->sync[FACT_KIND_POD].complete &&
		core->now.mono.ms - peers->listed_at.ms >= PEERS_GOOD_MS))
		return PEERS_UNKNOWN;
	return PEERS_ALONE;
}

static void
peers_tell(struct peers *peers, bool other)
{
	if (peers->told == other)
		return;
	peers->told = other;
	if (other)
		log_warn("other_controller_running", LOG_S("pod", peers->other),
		    LOG_S("why", "app=" WORLD_OLD_APP
				 " without app.kubernetes.io/name=" WORLD_OUR_NAME
				 ": nothing is changed while it runs"));
	else
		log_info("other_controller_gone", LOG_S("effect", "going on"));
}

enum peers_verdict
peers_look(struct core *core)
{
	struct peers *peers = core->peers;
	const struct world_pod *old = world_old_pod(core->world);
	enum peers_verdict verdict;
	bool clear = peers->clear;

	if (old != NULL) {
		/* that it is gone will have to be read, too */
		peers->listed = false;
		peers_name_other(peers, old);
	} else {
		peers_read(core);
	}
	verdict = peers_judge(core);
	if (verdict == PEERS_UNKNOWN)
		return verdict;
	peers->clear = verdict == PEERS_ALONE;
	peers_tell(peers, !peers->clear);
	if (peers->clear != clear)
		core_regrant(core);
	MAP_EACH(peers->replicas, entry)
	if (peers->clear)
		peers_mark(core, lh_entry_v(entry));
	return verdict;
}
