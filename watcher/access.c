#include "access.h"

#define ALLOCATIONS .group = "netinfra.darkbrains.com", .resource = "netipallocations"

#define TRACKERS .group = "networking.learntosolveit.com", .resource = "podtrackers"

#define SLICES .group = "tracking.ipwarden.dev", .resource = "podtrackerslices"

static const struct kube_right rights[] = {
    {.resource = "nodes", .verb = "list"},
    {.resource = "nodes", .verb = "watch"},
    {.resource = "pods", .verb = "list"},
    {.resource = "pods", .verb = "watch"},
    {ALLOCATIONS, .verb = "list"},
    {ALLOCATIONS, .verb = "watch"},
    {TRACKERS, .verb = "list"},
    {TRACKERS, .verb = "watch"},
    {SLICES, .verb = "list"},
    {SLICES, .verb = "watch"},
    {.resource = "nodes", .verb = "patch", .excess = true},
    {.resource = "nodes", .verb = "update", .excess = true},
    {ALLOCATIONS, .verb = "patch", .excess = true},
    {ALLOCATIONS, .verb = "update", .excess = true},
    {ALLOCATIONS, .subresource = "status", .verb = "patch", .excess = true},
    {TRACKERS, .verb = "patch", .excess = true},
    {SLICES, .verb = "patch", .excess = true},
    {TRACKERS, .subresource = "status", .verb = "patch", .excess = true},
    KUBE_TOO_MUCH(NULL, "pods", NULL, "patch"),
    KUBE_TOO_MUCH(NULL, "pods", NULL, "delete"),
    KUBE_TOO_MUCH(NULL, "pods", "eviction", "create"),
    {.group = "coordination.k8s.io",
	.resource = "leases",
	.verb = "update",
	.namespace = KUBE_LEASE_NAMESPACE,
	.excess = true},
    KUBE_RIGHTS_TOO_MUCH,
};

/* A node's agent: RBAC has no fields, so it is the right to all nodes and pods. */
static const struct kube_right agent_rights[] = {
    {.resource = "nodes", .verb = "list"},
    {.resource = "nodes", .verb = "watch"},
    {.resource = "pods", .verb = "list"},
    {.resource = "pods", .verb = "watch"},
    {.resource = "nodes", .verb = "patch", .excess = true},
    {SLICES, .verb = "patch", .excess = true},
    KUBE_TOO_MUCH(NULL, "pods", NULL, "patch"),
    KUBE_TOO_MUCH(NULL, "pods", NULL, "delete"),
    KUBE_TOO_MUCH(NULL, "pods", "eviction", "create"),
    KUBE_RIGHTS_TOO_MUCH,
};

static void
on_finding(void *arg, const struct kube_finding *finding)
{
	struct meter *meter = arg;
	enum metric metric =
	    finding->excess ? METRIC_ACCESS_EXCESS : METRIC_ACCESS_MISSING;

	meter_set(meter, metric, finding->wrong ? 1 : 0, "watcher", finding->verb,
	    finding->resource, finding->namespace);
}

void
access_start(struct kube *kube, const struct settings *settings, struct meter *meter)
{
	if (settings_get(settings, SETTING_AGENT_NODE, NULL) != NULL)
		kube_review_new(kube, settings, agent_rights,
		    sizeof agent_rights / sizeof agent_rights[0], on_finding, meter);
	else
		kube_review_new(kube, settings, rights,
		    sizeof rights / sizeof rights[0], on_finding, meter);
}
