#include "access.h"

#include "allocation.h"

#define TRACKERS .group = "networking.learntosolveit.com", .resource = "podtrackers"

/* Footprints, where they are kept. */
#define STORED(v)                                                                      \
	{                                                                              \
		.resource = "configmaps", .verb = (v), .namespace = KUBE_CM_NAMESPACE, \
		.with = SETTING_STORE_IN_CM                                            \
	}
#define SLICES .group = "tracking.ipwarden.dev", .resource = "podtrackerslices"

/* One row for each kind of request that is made, but to create the Lease: who installs
 * us may have made it, and then the right is not needed. */
const struct kube_right access_rights[] = {
    {.resource = "nodes", .verb = "get"},
    {.resource = "nodes", .verb = "patch"},
    {.resource = "pods", .verb = "list"},
    {.resource = "pods", .verb = "patch", .namespace = KUBE_POD_NAMESPACE},
    {.resource = "pods", .subresource = "eviction", .verb = "create"},
    {.group = "apps", .resource = "deployments", .verb = "get"},
    {.group = "apps", .resource = "statefulsets", .verb = "get"},
    {.group = "apps", .resource = "daemonsets", .verb = "get"},
    {.group = "netinfra.darkbrains.com", .resource = "netipallocations", .verb = "get"},
    {.group = "netinfra.darkbrains.com",
	.resource = "netipallocations",
	.verb = "list"},
    {.group = "netinfra.darkbrains.com",
	.resource = "netipallocations",
	.verb = "patch"},
    {.group = "netinfra.darkbrains.com",
	.resource = "netipallocations",
	.subresource = "status",
	.verb = "patch"},
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

size_t
access_rights_len(void)
{
	return sizeof access_rights / sizeof access_rights[0];
}
