#include "leave.h"

#include <stdio.h>
#include <string.h>

#include "match.h"

/* Taints that say "this node is about to go". A name that ends in '/' is a prefix. */
static const char *const leave_taints[] = {
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "cloud.google.com/impending-node-termination",
    "aws-node-termination-handler/",
    "node.kubernetes.io/out-of-service",
};
#define LEAVE_TAINT_OUT_OF_SERVICE "node.kubernetes.io/out-of-service"

const char *
leave_word(enum leave_why why)
{
	switch (why) {
	case LEAVE_NOT:
		return "stays";
	case LEAVE_DRAINING:
		return "draining";
	case LEAVE_NOT_READY:
		return "not ready";
	case LEAVE_NODE_GONE:
		return "gone";
	case LEAVE_STOPPED:
		return "stopped";
	case LEAVE_OUT_OF_SERVICE:
		return "out of service";
	case LEAVE_UNMATCHED:
		return "no longer meant by the spec";
	}
	return "";
}

static bool
leave_taint_matches(const char *key, const char *wanted)
{
	size_t len = strlen(wanted);

	if (wanted[len - 1] == '/')
		return strncmp(key, wanted, len) == 0;
	return strcmp(key, wanted) == 0;
}

static bool
leave_has_taint(const struct world_node *node, const char *wanted)
{
	size_t cursor = 0;
	const char *key;

	while ((key = texts_next(&node->taints, &cursor)) != NULL) {
		if (leave_taint_matches(key, wanted))
			return true;
		texts_next(&node->taints, &cursor);
		texts_next(&node->taints, &cursor);
	}
	return false;
}

bool
leave_is_leaving(const struct world_node *node)
{
	if (node->unschedulable || node->deleting)
		return true;
	for (size_t i = 0; i < sizeof leave_taints / sizeof leave_taints[0]; i++)
		if (leave_has_taint(node, leave_taints[i]))
			return true;
	return false;
}

static void
leave_lower(int64_t *next_ms, int64_t at_ms)
{
	if (at_ms < *next_ms)
		*next_ms = at_ms;
}

/* Stopped, unless the node has come (back) since that was seen. */
static bool
leave_is_stopped(const struct world_node *node, const struct view_instance *instance,
    struct core_time now)
{
	int64_t seen_ms = now.wall.ms - (now.mono.ms - instance->asked.ms);

	return instance->state == INSTANCE_STOPPED &&
	       (node == NULL || node->ready != NODE_READY_TRUE ||
		   node->ready_since_ms + LEAVE_SEEN_MARGIN_MS < seen_ms);
}

/* NotReady for long enough, from the later of its change and our first sync. */
static bool
leave_is_overdue(const struct leave_query *query, int64_t *ret_next_ms)
{
	const struct world_node *node = query->node;
	int64_t until_ms = query->allocation->not_ready_grace_ms;

	if (node->ready == NODE_READY_TRUE)
		return false;
	until_ms += node->ready_since_ms > query->known_since.ms
			? node->ready_since_ms
			: query->known_since.ms;
	if (query->now.wall.ms >= until_ms)
		return true;
	leave_lower(ret_next_ms, until_ms);
	return false;
}

/* The spec no longer means the node. An address that was adopted where the spec did not
 * mean it either stays there while the spec is the same, and one that is not (yet) in
 * the journal is to be adopted first. */
static bool
leave_is_unmatched(const struct leave_query *query)
{
	const struct allocation_address *address = query->address;

	return query->node->ready == NODE_READY_TRUE && query->node->placed &&
	       strcmp(address->instance, query->instance->id) == 0 &&
	       address->outside_generation != query->allocation->generation &&
	       match_node(query->node, query->allocation) != MATCH_YES;
}

enum leave_why
leave_judge(const struct leave_query *query, int64_t *ret_next_ms)
{
	const struct world_node *node = query->node;

	if (leave_is_stopped(node, query->instance, query->now))
		return LEAVE_STOPPED;
	if (node == NULL)
		return LEAVE_NODE_GONE;
	if (leave_has_taint(node, LEAVE_TAINT_OUT_OF_SERVICE))
		return LEAVE_OUT_OF_SERVICE;
	if (leave_is_overdue(query, ret_next_ms))
		return LEAVE_NOT_READY;
	if (leave_is_leaving(node))
		return LEAVE_DRAINING;
	return leave_is_unmatched(query) ? LEAVE_UNMATCHED : LEAVE_NOT;
}

bool
leave_heeds_pods(enum leave_why why)
{
	return why == LEAVE_DRAINING || why == LEAVE_UNMATCHED || why == LEAVE_NOT;
}

/* The ReplicaSet of a Deployment is named <deployment>-<pod-template-hash>. */
static bool
leave_replica_set_is_of(const struct world_pod *pod, const char *deployment)
{
	size_t len = strlen(deployment);

	return pod->kin->template_hash[0] != '\0' &&
	       strncmp(pod->kin->owner_name, deployment, len) == 0 &&
	       pod->kin->owner_name[len] == '-' &&
	       strcmp(pod->kin->owner_name + len + 1, pod->kin->template_hash) == 0;
}

bool
leave_pod_is_of(const struct world_pod *pod, const struct allocation *allocation)
{
	if (strcmp(pod->kin->namespace, allocation->workload_namespace) != 0)
		return false;
	switch (allocation->workload) {
	case WORKLOAD_DEPLOYMENT:
		return strcmp(pod->kin->owner_kind, "ReplicaSet") == 0 &&
		       leave_replica_set_is_of(pod, allocation->workload_name);
	case WORKLOAD_STATEFULSET:
		return strcmp(pod->kin->owner_kind, "StatefulSet") == 0 &&
		       strcmp(pod->kin->owner_name, allocation->workload_name) == 0;
	case WORKLOAD_DAEMONSET:
		return strcmp(pod->kin->owner_kind, "DaemonSet") == 0 &&
		       strcmp(pod->kin->owner_name, allocation->workload_name) == 0;
	case WORKLOAD_NONE:
		break;
	}
	return false;
}

bool
leave_pod_is_bound(const struct world_pod *pod)
{
	return !pod->mirror && strcmp(pod->kin->owner_kind, "DaemonSet") != 0;
}

bool
leave_pod_concerns(const struct world_pod *pod, const struct allocation *allocation)
{
	if (allocation->workload != WORKLOAD_NONE)
		return leave_pod_is_of(pod, allocation);
	return leave_pod_is_bound(pod);
}

bool
leave_pod_is_going(const struct world_pod *pod, struct wall_time now)
{
	return pod->deleting && now.ms < pod->delete_at_ms + LEAVE_POD_OVERDUE_MS;
}

bool
leave_pod_counts(
    const struct world_pod *pod, struct wall_time now, int64_t *ret_next_ms)
{
	int64_t until_ms = pod->delete_at_ms + LEAVE_POD_OVERDUE_MS;

	/* The phase Unknown is that of pods on a lost node: they may still run. */
	if (pod->phase == POD_PHASE_SUCCEEDED || pod->phase == POD_PHASE_FAILED)
		return false;
	if (!pod->deleting)
		return true;
	if (now.ms >= until_ms)
		return false;
	leave_lower(ret_next_ms, until_ms);
	return true;
}

size_t
leave_count_pods(const struct world_pod *pods, const struct allocation *allocation,
    struct wall_time now, int64_t *ret_next_ms, const char **ret_first)
{
	size_t count = 0;

	*ret_first = "";
	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next) {
		if (!leave_pod_concerns(pod, allocation) ||
		    !leave_pod_counts(pod, now, ret_next_ms))
			continue;
		/* The least name, whatever the order: messages must not flutter. */
		if (count == 0 || strcmp(pod->name, *ret_first) < 0)
			*ret_first = pod->name;
		count++;
	}
	return count;
}
