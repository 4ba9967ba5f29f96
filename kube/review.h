/* Asks the API server what we ourselves may do there (SelfSubjectAccessReview,
 * authorization.k8s.io/v1), one right after the other, at the start and every hour. A
 * right that is needed and missing, and one that is too much, is logged when it is
 * found, with the rule, and again when it is mended. A server that cannot answer is no
 * failure: it is asked again later. */
#ifndef IPW_REVIEW_H
#define IPW_REVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "kube.h"

/* Stand for a namespace of the settings. */
#define KUBE_POD_NAMESPACE   "$pod"
#define KUBE_LEASE_NAMESPACE "$lease"
#define KUBE_CM_NAMESPACE    "$cm"
/* And for the name of the Lease: a right by resourceNames is found by that name only.
 */
#define KUBE_LEASE_NAME "$lease-name"

/* As in a rule of a Role; NULL is "". */
struct kube_right {
	const char *group;
	const char *resource;
	const char *subresource;
	const char *verb;
	const char *namespace; /* NULL: in all, or there is none */
	const char *name;      /* NULL: any */
	bool excess;	       /* must not be had; else needed */
	/* asked for only where that one is set; SETTING_LOG_LEVEL (0): always */
	enum setting with;
};

/* What nobody here may have. Asked in our own namespace, where a Role counts as well as
 * a ClusterRole. */
#define KUBE_TOO_MUCH(g, r, s, v)                                                      \
	{                                                                              \
		.group = (g), .resource = (r), .subresource = (s), .verb = (v),        \
		.namespace = KUBE_POD_NAMESPACE, .excess = true                        \
	}
#define KUBE_RIGHTS_TOO_MUCH                                                           \
	KUBE_TOO_MUCH(NULL, "secrets", NULL, "get"),                                   \
	    KUBE_TOO_MUCH(NULL, "secrets", NULL, "list"),                              \
	    KUBE_TOO_MUCH(NULL, "pods", NULL, "create"),                               \
	    KUBE_TOO_MUCH(NULL, "pods", "exec", "create"),                             \
	    KUBE_TOO_MUCH(NULL, "serviceaccounts", "token", "create"),                 \
	    KUBE_TOO_MUCH(NULL, "serviceaccounts", NULL, "impersonate"),               \
	    KUBE_TOO_MUCH(NULL, "users", NULL, "impersonate"),                         \
	    KUBE_TOO_MUCH(NULL, "groups", NULL, "impersonate"),                        \
	    KUBE_TOO_MUCH(                                                             \
		"rbac.authorization.k8s.io", "clusterroles", NULL, "escalate"),        \
	    KUBE_TOO_MUCH("rbac.authorization.k8s.io", "clusterroles", NULL, "bind")

struct kube_finding {
	bool excess;
	bool wrong; /* missing, or too much; false: mended */
	const char *verb;
	const char *resource;  /* as kubectl writes it: "nodes",
				* "netipallocations.netinfra.darkbrains.com/status" */
	const char *namespace; /* "": in all */
};

/* Told of what is wrong, and of what no longer is; the texts are borrowed. */
typedef void kube_finding_fn(void *arg, const struct kube_finding *finding);

struct kube_review;
/* The texts of `rights` live longer; `settings` is read here. Begins by itself. */
struct kube_review *kube_review_new(struct kube *kube, const struct settings *settings,
    const struct kube_right *rights, size_t rights_len, kube_finding_fn *found,
    void *arg);
/* Right before kube_free, which ends what it has asked. */
void kube_review_free(struct kube_review *review);

#endif
