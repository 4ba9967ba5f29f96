#include "kube_roles.h"

#include <stdio.h>

#include "kube_change.h"
#include "kube_json.h"
#include "kube_rbac.h"

#define NAME_CONTROLLER "ipwarden"
#define NAME_WATCHER	"ipwarden-watcher"

/* ClusterRoles. Those of ipwarden allow what it sends and no more: no bare delete of a
 * pod, it evicts. The controller may read what the watcher may, for when there is no
 * identity but its own. */
static const struct {
	const char *name;
	const char *rules;
} roles[] = {
    {"cluster-admin",
	"[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]},"
	"{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]"},
    {"system:basic-user",
	"[{\"verbs\":[\"create\"],\"apiGroups\":[\"authorization.k8s.io\"],"
	"\"resources\":[\"selfsubjectaccessreviews\",\"selfsubjectrulesreviews\"]},"
	"{\"verbs\":[\"create\"],\"apiGroups\":[\"authentication.k8s.io\"],"
	"\"resources\":[\"selfsubjectreviews\"]}]"},
    {"system:discovery",
	"[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/api\",\"/api/*\",\"/apis\","
	"\"/apis/*\",\"/healthz\",\"/livez\",\"/openapi\",\"/openapi/*\",\"/readyz\","
	"\"/version\",\"/version/\"]}]"},
    {"system:public-info-viewer",
	"[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\",\"/livez\","
	"\"/readyz\",\"/version\",\"/version/\"]}]"},
    {NAME_CONTROLLER,
	"[{\"verbs\":[\"get\",\"list\",\"watch\",\"patch\"],\"apiGroups\":[\"\"],"
	"\"resources\":[\"nodes\",\"pods\"]},"
	"{\"verbs\":[\"create\"],\"apiGroups\":[\"\"],\"resources\":"
	"[\"pods/eviction\"]},"
	"{\"verbs\":[\"create\"],\"apiGroups\":[\"\"],\"resources\":"
	"[\"serviceaccounts/token\"],\"resourceNames\":[\"" NAME_WATCHER "\"]},"
	"{\"verbs\":[\"create\",\"patch\"],\"apiGroups\":[\"events.k8s.io\"],"
	"\"resources\":[\"events\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"apps\"],"
	"\"resources\":[\"daemonsets\",\"deployments\",\"replicasets\","
	"\"statefulsets\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\",\"create\",\"update\"],"
	"\"apiGroups\":[\"coordination.k8s.io\"],\"resources\":[\"leases\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\",\"patch\"],\"apiGroups\":"
	"[\"netinfra.darkbrains.com\"],\"resources\":[\"netipallocations\","
	"\"netipallocations/status\"]},"
	"{\"verbs\":[\"get\"],\"apiGroups\":[\"apiextensions.k8s.io\"],"
	"\"resources\":[\"customresourcedefinitions\"],\"resourceNames\":"
	"[\"netipallocations.netinfra.darkbrains.com\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\",\"patch\"],\"apiGroups\":"
	"[\"networking.learntosolveit.com\"],\"resources\":[\"podtrackers\","
	"\"podtrackers/status\"]},"
	"{\"verbs\":[\"create\",\"patch\",\"delete\"],\"apiGroups\":"
	"[\"tracking.ipwarden.dev\"],\"resources\":[\"podtrackerslices\"]}]"},
    {NAME_WATCHER,
	"[{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"\"],\"resources\":"
	"[\"nodes\",\"pods\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":"
	"[\"netinfra.darkbrains.com\"],\"resources\":[\"netipallocations\"]},"
	"{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":"
	"[\"networking.learntosolveit.com\"],\"resources\":[\"podtrackers\"]},"
	"{\"verbs\":[\"list\",\"watch\"],\"apiGroups\":"
	"[\"tracking.ipwarden.dev\"],\"resources\":[\"podtrackerslices\"]}]"},
};

/* ClusterRoleBindings that have the name of their role. */
static const struct {
	const char *name;
	const char *subjects;
} bindings[] = {
    {"cluster-admin", "[{\"kind\":\"Group\",\"apiGroup\":\"" KUBE_RBAC_GROUP
		      "\",\"name\":\"" KUBE_RBAC_MASTERS "\"}]"},
    {"system:basic-user", "[{\"kind\":\"Group\",\"apiGroup\":\"" KUBE_RBAC_GROUP
			  "\",\"name\":\"system:authenticated\"}]"},
    {"system:discovery", "[{\"kind\":\"Group\",\"apiGroup\":\"" KUBE_RBAC_GROUP
			 "\",\"name\":\"system:authenticated\"}]"},
    {"system:public-info-viewer",
	"[{\"kind\":\"Group\",\"apiGroup\":\"" KUBE_RBAC_GROUP
	"\",\"name\":\"system:authenticated\"},{\"kind\":\"Group\",\"apiGroup\":"
	"\"" KUBE_RBAC_GROUP "\",\"name\":\"system:unauthenticated\"}]"},
};

static struct json_object *
object_new(const char *kind, const char *name)
{
	struct json_object *json = json_object_new_object();

	kube_json_set_text(json, "kind", kind);
	kube_json_set_text(json, "apiVersion", KUBE_RBAC_GROUP "/v1");
	kube_json_set_text(kube_json_section(json, "metadata"), "name", name);
	return json;
}

static void
put(struct sim_kube *kube, const char *plural, struct json_object *json)
{
	kube_change_put(kube,
	    kube_store_view(kube->store, KUBE_RBAC_GROUP, "v1", plural, NULL), json);
}

/* Takes `subjects` over. */
static void
put_binding(struct sim_kube *kube, const char *name, const char *role,
    struct json_object *subjects)
{
	struct json_object *json = object_new("ClusterRoleBinding", name);
	struct json_object *ref = kube_json_section(json, "roleRef");

	json_object_object_add(json, "subjects", subjects);
	kube_json_set_text(ref, "apiGroup", KUBE_RBAC_GROUP);
	kube_json_set_text(ref, "kind", "ClusterRole");
	kube_json_set_text(ref, "name", role);
	put(kube, "clusterrolebindings", json);
}

void
kube_roles_install(struct sim_kube *kube)
{
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		struct json_object *json = object_new("ClusterRole", roles[i].name);

		json_object_object_add(
		    json, "rules", kube_json_constant(roles[i].rules));
		put(kube, "clusterroles", json);
	}
	for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++)
		put_binding(kube, bindings[i].name, bindings[i].name,
		    kube_json_constant(bindings[i].subjects));
}

void
kube_roles_bind(struct sim_kube *kube, const char *user, enum sim_role role)
{
	struct json_object *subjects, *subject;
	char name[KUBE_USER_MAX + 8];

	if (role == SIM_ROLE_ADMIN)
		return;
	subjects = json_object_new_array();
	subject = json_object_new_object();
	kube_json_set_text(subject, "kind", "User");
	kube_json_set_text(subject, "apiGroup", KUBE_RBAC_GROUP);
	kube_json_set_text(subject, "name", user);
	json_object_array_add(subjects, subject);
	snprintf(name, sizeof name, "sim:%s", user);
	put_binding(kube, name,
	    role == SIM_ROLE_CONTROLLER ? NAME_CONTROLLER : NAME_WATCHER, subjects);
}

const char *
kube_roles_group(enum sim_role role)
{
	return role == SIM_ROLE_ADMIN ? KUBE_RBAC_MASTERS : "";
}
