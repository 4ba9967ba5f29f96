/* What a caller may do, by the stored Roles, ClusterRoles and their bindings
 * (rbac.authorization.k8s.io/v1). Rules only add up; what none of them allows is
 * forbidden. Members of system:masters may everything. */
#ifndef IPW_SIM_KUBE_RBAC_H
#define IPW_SIM_KUBE_RBAC_H

#include <json-c/json.h>
#include <stdbool.h>

#include "kube_auth.h"
#include "kube_status.h"
#include "kube_store.h"

#define KUBE_RBAC_GROUP	  "rbac.authorization.k8s.io"
#define KUBE_RBAC_MASTERS "system:masters"

/* What somebody wants to do. Texts are never NULL but for `path`. */
struct kube_access {
	const char *verb;
	const char *path; /* NULL: a resource, named by what follows */
	const char *group;
	const char *resource;
	const char *subresource; /* "" = the object itself */
	const char *space;	 /* "" = cluster-wide */
	const char *name;	 /* "" = none that is known beforehand */
};

bool kube_rbac_allows(const struct kube_store *store, const struct kube_caller *caller,
    const struct kube_access *access);
/* Adds the rules that a caller has in a namespace to two arrays, in the form of a
 * SubjectRulesReview. */
void kube_rbac_rules(const struct kube_store *store, const struct kube_caller *caller,
    const char *space, struct json_object *resource_rules,
    struct json_object *path_rules);

/* API groups of subjects and roleRef that were left out. */
void kube_rbac_complete(struct json_object *json);
/* All complaints about a role or a binding but those about labels. */
void kube_rbac_check(const struct kube_resource *resource,
    const struct json_object *json, struct kube_causes *causes);

#endif
