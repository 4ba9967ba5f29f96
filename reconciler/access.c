#include "access.h"

#include "allocation.h"

#define TRACKERS    .group = "networking.learntosolveit.com", .resource = "podtrackers"
#define SLICES	    .group = "tracking.ipwarden.dev", .resource = "podtrackerslices"
#define ALLOCATIONS .group = "netinfra.darkbrains.com", .resource = "netipallocations"

/* Footprints, where they are kept. */
#define STORED(v)                                                                      \
	{                                                                              \
		.resource = "configmaps", .verb = (v), .namespace = KUBE_CM_NAMESPACE, \
		.with = SETTING_STORE_IN_CM                                            \
	}

/* One row for each kind of request that is made, but to create the Lease: who installs
 * us may have made it, and then the right is not needed. */
static const struct kube_right rights[] = {
    {.resource = "nodes", .verb = "get"},
    {.resource = "nodes", .verb = "patch"},
    {.resource = "pods", .verb = "list"},
    {.resource = "pods", .verb = "patch", .namespace = KUBE_POD_NAMESPACE},
    {.resource = "pods", .subresource = "eviction", .verb = "create"},
    {.group = "apps", .resource = "deployments", .verb = "get"},
    {.group = "apps", .resource = "statefulsets", .verb = "get"},
    {.group = "apps", .resource = "daemonsets", .verb = "get"},
    {ALLOCATIONS, .verb = "get"},
    {ALLOCATIONS, .verb = "list"},
    {ALLOCATIONS, .verb = "patch"},
    {ALLOCATIONS, .subresource = "status", .verb = "patch"},
    {.group = "apiextensions.k8s.io",
	.resource = "customresourcedefinitions",
	.verb = "get",
	.name = ALLOCATION_RESOURCE},
    {TRACKERS, .verb = "get"},
    {TRACKERS, .verb = "patch"},
    {TRACKERS, .subresource = "status", .verb = "patch"},
    {SLICES, .verb = "create"},
    {SLICES, .verb = "patch"},
    {SLICES, .verb = "delete"},
    {.group = "events.k8s.io", .resource = "events", .verb = "create"},
    {.group = "events.k8s.io", .resource = "events", .verb = "patch"},
    {.group = "coordination.k8s.io",
	.resource = "leases",
	.verb = "get",
	.namespace = KUBE_LEASE_NAMESPACE,
	.name = KUBE_LEASE_NAME},
    {.group = "coordination.k8s.io",
	.resource = "leases",
	.verb = "list",
	.namespace = KUBE_LEASE_NAMESPACE,
	.name = KUBE_LEASE_NAME},
    {.group = "coordination.k8s.io",
	.resource = "leases",
	.verb = "watch",
	.namespace = KUBE_LEASE_NAMESPACE,
	.name = KUBE_LEASE_NAME},
    {.group = "coordination.k8s.io",
	.resource = "leases",
	.verb = "update",
	.namespace = KUBE_LEASE_NAMESPACE,
	.name = KUBE_LEASE_NAME},
    STORED("get"),
    STORED("list"),
    STORED("create"),
    STORED("update"),
    STORED("delete"),
    KUBE_RIGHTS_TOO_MUCH,
    {.resource = "serviceaccounts",
	.subresource = "token",
	.verb = "create",
	.namespace = KUBE_POD_NAMESPACE,
	.name = "ipwarden-watcher",
	.with = SETTING_WATCHER_ACCOUNT},
};

static const struct kube_right agent_rights[] = {
    {SLICES, .verb = "get"},
    {SLICES, .verb = "create"},
    {SLICES, .verb = "patch"},
    {SLICES, .verb = "delete"},
    {.resource = "nodes", .verb = "patch", .excess = true},
    {ALLOCATIONS, .subresource = "status", .verb = "patch", .excess = true},
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
    {.resource = "serviceaccounts",
	.subresource = "token",
	.verb = "create",
	.namespace = KUBE_POD_NAMESPACE,
	.name = "pod-ip-tracker-agent-watcher",
	.with = SETTING_WATCHER_ACCOUNT},
};

const struct kube_right *
access_rights(bool agent, size_t *ret_len)
{
	*ret_len = agent ? sizeof agent_rights / sizeof agent_rights[0]
			 : sizeof rights / sizeof rights[0];
	return agent ? agent_rights : rights;
}
