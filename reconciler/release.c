#include "release.h"

#include <stdio.h>
#include <string.h>

/* Pods that are named; the others are counted. */
#define RELEASE_NAMES_MAX 3u

static struct release
release_leave(const char *text)
{
	return (struct release){RELEASE_LEAVE, text};
}

/* Why the addresses of that allocation are never taken off; NULL: they may be. */
static const char *
release_kept(const struct allocation *allocation)
{
	if (allocation->deletion == DELETION_RETAIN)
		return "deletionPolicy is Retain";
	if (allocation->policy == POLICY_OBSERVE)
		return "policy is Observe";
	if (allocation->policy == POLICY_ASSIGN_ONLY)
		return "policy is AssignOnly";
	/* the workload, or anything else, may not be what was meant */
	return allocation->refusal_reason[0] != '\0' ? "the spec is refused" : NULL;
}

bool
release_needs_definition(const struct allocation *allocation)
{
	if (!allocation->deleting || !allocation->finalizer ||
	    release_kept(allocation) != NULL)
		return false;
	for (size_t i = 0; i < allocation->addresses_len; i++)
		if (allocation->addresses[i].instance[0] != '\0' ||
		    allocation->addresses[i].intent.step != INTENT_NONE)
			return true;
	return false;
}

static struct release
release_denied(const struct scene *scene, const struct allocation *allocation,
    int64_t *ret_next_ms)
{
	int64_t until_ms = allocation->deleted.ms + RELEASE_PATIENCE_MS;

	if (scene->now.wall.ms >= until_ms)
		return release_leave("the CustomResourceDefinition may not be read");
	if (until_ms < *ret_next_ms)
		*ret_next_ms = until_ms;
	return (struct release){RELEASE_WAIT,
	    "the CustomResourceDefinition may not be read (right get "
	    "customresourcedefinitions.apiextensions.k8s.io); ten minutes after the "
	    "deletion the address is left where it is"};
}

struct release
release_judge(const struct scene *scene, const struct allocation *allocation,
    bool listed, int64_t *ret_next_ms)
{
	const char *kept = release_kept(allocation);

	if (listed && !allocation->deleting)
		return (struct release){RELEASE_NOT, ""};
	if (kept != NULL)
		return release_leave(kept);
	if (!allocation->deleting)
		return (struct release){RELEASE_TAKE, "no longer listed"};
	/* it may be gone at any time: what it says could not be relied upon */
	if (!allocation->finalizer)
		return release_leave("its finalizer was taken off");
	switch (scene->definition) {
	case DEFINITION_STAYS:
		return (struct release){RELEASE_TAKE, "its object is being deleted"};
	case DEFINITION_GOING:
		return release_leave(
		    "the CustomResourceDefinition is being deleted, too");
	case DEFINITION_DENIED:
		return release_denied(scene, allocation, ret_next_ms);
	case DEFINITION_UNKNOWN:
		return (struct release){
		    RELEASE_WAIT, "the CustomResourceDefinition cannot be read"};
	case DEFINITION_NOT_READ:
		break;
	}
	return (struct release){RELEASE_WAIT, ""};
}

/* --- pods ------------------------------------------------------------------------- */

bool
release_heeds_pods(enum leave_why why)
{
	return why != LEAVE_NODE_GONE && why != LEAVE_STOPPED &&
	       why != LEAVE_OUT_OF_SERVICE;
}

/* One of a workload that may have been meant. */
static bool
release_may_mean(const struct world_pod *pod, const struct allocation *allocation)
{
	return leave_pod_is_bound(pod) &&
	       (strcmp(pod->kin->namespace, allocation->workload_namespace) == 0 ||
		   strcmp(pod->kin->label_app, allocation->workload_name) == 0 ||
		   strcmp(pod->kin->label_name, allocation->workload_name) == 0);
}

static bool
release_pod_needs(const struct world_pod *pod, const struct allocation *allocation,
    bool missing, struct wall_time now, int64_t *ret_next_ms)
{
	bool meant = leave_pod_concerns(pod, allocation) ||
		     (missing && release_may_mean(pod, allocation));

	return meant && leave_pod_counts(pod, now, ret_next_ms);
}

/* The next name after `last`, whatever the order of the pods. */
static const char *
release_next_name(const struct world_pod *pods, const struct allocation *allocation,
    bool missing, struct wall_time now, const char *last)
{
	int64_t next_ms = INT64_MAX;
	const char *next = NULL;

	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next)
		if (strcmp(pod->name, last) > 0 &&
		    (next == NULL || strcmp(pod->name, next) < 0) &&
		    release_pod_needs(pod, allocation, missing, now, &next_ms))
			next = pod->name;
	return next;
}

size_t
release_count_pods(const struct world_pod *pods, const struct allocation *allocation,
    bool missing, struct wall_time now, int64_t *ret_next_ms, char *ret_names,
    size_t size)
{
	size_t count = 0, named = 0, used = 0;
	const char *name = "";

	ret_names[0] = '\0';
	for (const struct world_pod *pod = pods; pod != NULL; pod = pod->next)
		count += release_pod_needs(pod, allocation, missing, now, ret_next_ms);
	while (named < RELEASE_NAMES_MAX && used < size &&
	       (name = release_next_name(pods, allocation, missing, now, name)) != NULL)
		used += (size_t)snprintf(ret_names + used, size - used, "%s%.100s",
		    named++ > 0 ? ", " : "", name);
	if (named < count && used < size)
		snprintf(ret_names + used, size - used, " and %zu more", count - named);
	return count;
}
