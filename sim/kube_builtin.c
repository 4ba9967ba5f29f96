#include <assert.h>

#include "kube_discovery.h"

static const struct {
	struct kube_names names;
	unsigned flags;
} builtins[] = {
    {{"", "v1", "configmaps", "configmap", "ConfigMap", "ConfigMapList", "cm"},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL},
    {{"", "v1", "events", "event", "Event", "EventList", "ev"},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL},
    {{"", "v1", "namespaces", "namespace", "Namespace", "NamespaceList", "ns"},
	KUBE_STATUS | KUBE_UNCONDITIONAL | KUBE_GIVES_DELETED},
    {{"", "v1", "nodes", "node", "Node", "NodeList", "no"},
	KUBE_STATUS | KUBE_UNCONDITIONAL | KUBE_KEEPS_STATUS},
    {{"", "v1", "pods", "pod", "Pod", "PodList", "po"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL |
	    KUBE_GIVES_DELETED | KUBE_CATEGORY_ALL},
    {{"", "v1", "secrets", "secret", "Secret", "SecretList", ""},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL},
    {{"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount",
	 "ServiceAccountList", "sa"},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL | KUBE_GIVES_DELETED},
    {{"apps", "v1", "daemonsets", "daemonset", "DaemonSet", "DaemonSetList", "ds"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL |
	    KUBE_CATEGORY_ALL},
    {{"apps", "v1", "deployments", "deployment", "Deployment", "DeploymentList",
	 "deploy"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL |
	    KUBE_CATEGORY_ALL},
    {{"apps", "v1", "replicasets", "replicaset", "ReplicaSet", "ReplicaSetList", "rs"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL |
	    KUBE_CATEGORY_ALL},
    {{"apps", "v1", "statefulsets", "statefulset", "StatefulSet", "StatefulSetList",
	 "sts"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL |
	    KUBE_CATEGORY_ALL},
    {{"policy", "v1", "poddisruptionbudgets", "poddisruptionbudget",
	 "PodDisruptionBudget", "PodDisruptionBudgetList", "pdb"},
	KUBE_NAMESPACED | KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL},
    {{"networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy",
	 "NetworkPolicyList", "netpol"},
	KUBE_NAMESPACED | KUBE_GENERATION | KUBE_UNCONDITIONAL},
    /* stored, not carried out */
    {{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies",
	 "validatingadmissionpolicy", "ValidatingAdmissionPolicy",
	 "ValidatingAdmissionPolicyList", ""},
	KUBE_STATUS | KUBE_GENERATION | KUBE_UNCONDITIONAL},
    {{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings",
	 "validatingadmissionpolicybinding", "ValidatingAdmissionPolicyBinding",
	 "ValidatingAdmissionPolicyBindingList", ""},
	KUBE_GENERATION | KUBE_UNCONDITIONAL},
    {{"coordination.k8s.io", "v1", "leases", "lease", "Lease", "LeaseList", ""},
	KUBE_NAMESPACED},
    {{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
	 "customresourcedefinition", "CustomResourceDefinition",
	 "CustomResourceDefinitionList", "crd,crds"},
	KUBE_STATUS | KUBE_GENERATION | KUBE_KEEPS_STATUS},
    {{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "clusterrolebinding",
	 "ClusterRoleBinding", "ClusterRoleBindingList", ""},
	KUBE_UNCONDITIONAL},
    {{"rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", "ClusterRole",
	 "ClusterRoleList", ""},
	KUBE_UNCONDITIONAL},
    {{"rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding", "RoleBinding",
	 "RoleBindingList", ""},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL},
    {{"rbac.authorization.k8s.io", "v1", "roles", "role", "Role", "RoleList", ""},
	KUBE_NAMESPACED | KUBE_UNCONDITIONAL},
    /* only asked, never stored */
    {{"authorization.k8s.io", "v1", "selfsubjectrulesreviews", "selfsubjectrulesreview",
	 "SelfSubjectRulesReview", "", ""},
	KUBE_REVIEW},
    {{"authorization.k8s.io", "v1", "subjectaccessreviews", "subjectaccessreview",
	 "SubjectAccessReview", "", ""},
	KUBE_REVIEW},
    {{"authorization.k8s.io", "v1", "selfsubjectaccessreviews",
	 "selfsubjectaccessreview", "SelfSubjectAccessReview", "", ""},
	KUBE_REVIEW},
    {{"authentication.k8s.io", "v1", "selfsubjectreviews", "selfsubjectreview",
	 "SelfSubjectReview", "", ""},
	KUBE_REVIEW},
};

void
kube_discovery_install(struct kube_store *store)
{
	struct kube_view *view = NULL;

	for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++) {
		const struct kube_names *names = &builtins[i].names;
		struct kube_resource *resource =
		    kube_store_add_resource(store, names, builtins[i].flags);

		assert(resource != NULL);
		view =
		    kube_store_add_view(store, resource, names->group, names->version);
		assert(view != NULL);
	}
	view = kube_store_view(store, "", "v1", "events", NULL);
	view = kube_store_add_view(store, view->resource, "events.k8s.io", "v1");
	assert(view != NULL);
}
