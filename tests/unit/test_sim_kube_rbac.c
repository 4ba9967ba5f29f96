/* Roles, bindings, reviews and tokens of the simulated API server. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "kube_rbac.h"
#include "kube_token.h"
#include "sim_kube_rig.h"

#define RBAC	 "/apis/rbac.authorization.k8s.io/v1"
#define ROLES	 RBAC "/namespaces/default/roles"
#define BINDINGS RBAC "/namespaces/default/rolebindings"
#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define PODS	 "/api/v1/namespaces/default/pods"

TestSuite(sim_kube_rbac, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

/* As the administrator, whoever asks in the test. */
static void
make(const char *target, const char *kind, const char *version, const char *rest)
{
	const char *token = rig.token;
	const char *certificate = rig.certificate;
	int status;

	rig.token = RIG_ADMIN;
	status = rig_sendf("POST", target, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",%s}",
	    kind, version, rest);
	cr_assert_eq(status, 201, "%s: %s", target, rig.reply.body.data);
	rig.token = token;
	rig.certificate = certificate;
}

static void
make_cluster_role(const char *name, const char *rules)
{
	char rest[1024];

	snprintf(rest, sizeof rest, "\"metadata\":{\"name\":\"%s\"},\"rules\":[%s]",
	    name, rules);
	make(RBAC "/clusterroles", "ClusterRole", KUBE_RBAC_GROUP "/v1", rest);
}

static void
bind_cluster_role(const char *role, const char *subjects)
{
	char rest[1024];

	snprintf(rest, sizeof rest,
	    "\"metadata\":{\"name\":\"%s\"},\"subjects\":[%s],\"roleRef\":{\"kind\":"
	    "\"ClusterRole\",\"name\":\"%s\"}",
	    role, subjects, role);
	make(RBAC "/clusterrolebindings", "ClusterRoleBinding", KUBE_RBAC_GROUP "/v1",
	    rest);
}

/* A user without a role of its own that sends the next requests. */
static void
be(const char *user)
{
	rig.token = NULL;
	rig.certificate = user;
}

static bool
may(const char *verb, const char *group, const char *resource, const char *subresource,
    const char *space, const char *name)
{
	int status =
	    rig_sendf("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"{\"kind\":\"SelfSubjectAccessReview\",\"apiVersion\":"
		"\"authorization.k8s.io/v1\",\"spec\":{\"resourceAttributes\":{"
		"\"verb\":\"%s\",\"group\":\"%s\",\"resource\":\"%s\","
		"\"subresource\":\"%s\",\"namespace\":\"%s\",\"name\":\"%s\"}}}",
		verb, group, resource, subresource, space, name);

	cr_assert_eq(status, 201);
	return kube_json_true(rig.json, "status.allowed");
}

Test(sim_kube_rbac, rules_of_a_role)
{
	static const struct {
		const char *verb, *group, *resource, *subresource, *name;
		bool allowed;
	} asked[] = {
	    {"get", "", "pods", "", "p", true},
	    {"list", "", "pods", "", "", false},
	    {"get", "", "pods", "log", "p", false},
	    {"get", "apps", "pods", "", "p", false},
	    {"create", "", "pods", "eviction", "p", true},
	    {"create", "", "pods", "", "", false},
	    {"update", "apps", "deployments", "scale", "d", true},
	    {"update", "batch", "jobs", "scale", "j", true},
	    {"update", "apps", "deployments", "", "d", false},
	    {"update", "apps", "deployments", "status", "d", false},
	    {"patch", "", "nodes", "", "n1", true},
	    {"patch", "", "nodes", "", "n2", false},
	    {"patch", "", "nodes", "", "", false},
	    {"impersonate", "any.example", "things", "part", "t", true},
	    {"deletecollection", "any.example", "things", "", "", true},
	    {"get", "other.example", "things", "", "t", false},
	};

	make_cluster_role("r",
	    "{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]},"
	    "{\"verbs\":[\"create\"],\"apiGroups\":[\"\"],\"resources\":"
	    "[\"pods/eviction\"]},"
	    "{\"verbs\":[\"update\"],\"apiGroups\":[\"*\"],\"resources\":"
	    "[\"*/scale\"]},"
	    "{\"verbs\":[\"patch\"],\"apiGroups\":[\"\"],\"resources\":[\"nodes\"],"
	    "\"resourceNames\":[\"n0\",\"n1\"]},"
	    "{\"verbs\":[\"*\"],\"apiGroups\":[\"any.example\"],\"resources\":"
	    "[\"*\"]}");
	bind_cluster_role("r", "{\"kind\":\"User\",\"name\":\"u\"}");
	be("u");
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		cr_expect_eq(may(asked[i].verb, asked[i].group, asked[i].resource,
				 asked[i].subresource, "", asked[i].name),
		    asked[i].allowed, "%s %s/%s", asked[i].verb, asked[i].resource,
		    asked[i].subresource);
	be("v");
	cr_expect_not(may("get", "", "pods", "", "", "p"));
}

/* What is not served is not found by who has the right to it, and forbidden to others.
 */
Test(sim_kube_rbac, rights_to_what_is_not_served)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} asked[] = {
	    {"GET", "/apis/any.example/v1/things", NULL, 404},
	    {"GET", "/apis/any.example/v1/things?watch=1", NULL, 403},
	    {"GET", "/apis/any.example/v1/things/t", NULL, 403},
	    {"PATCH", "/apis/any.example/v1/things/t", "{}", 404},
	    {"POST", "/apis/any.example/v1/things", "{}", 404},
	    {"PUT", "/apis/any.example/v1/things/t", "{}", 403},
	    {"GET", "/apis/other.example/v1/things", NULL, 403},
	};

	make_cluster_role("r", "{\"verbs\":[\"list\",\"patch\",\"create\"],"
			       "\"apiGroups\":[\"any.example\"],"
			       "\"resources\":[\"things\"]}");
	bind_cluster_role("r", "{\"kind\":\"User\",\"name\":\"u\"}");
	be("u");
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		cr_expect_eq(rig_send(asked[i].method, asked[i].path, asked[i].body),
		    asked[i].status, "%s %s", asked[i].method, asked[i].path);
}

Test(sim_kube_rbac, a_name_may_come_from_the_field_selector)
{
	make_cluster_role("r", "{\"verbs\":[\"list\",\"watch\"],\"apiGroups\":[\"\"],"
			       "\"resources\":[\"nodes\"],\"resourceNames\":[\"n1\"]}");
	bind_cluster_role("r", "{\"kind\":\"User\",\"name\":\"u\"}");
	be("u");
	cr_expect_eq(rig_send("GET", "/api/v1/nodes", NULL), 403);
	cr_expect_eq(
	    rig_send("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dn1", NULL),
	    200);
	cr_expect_eq(
	    rig_send("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dn10", NULL),
	    403);
}

Test(sim_kube_rbac, a_role_counts_in_its_namespace)
{
	make(ROLES, "Role", KUBE_RBAC_GROUP "/v1",
	    "\"metadata\":{\"name\":\"r\"},\"rules\":[{\"verbs\":[\"list\"],"
	    "\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]");
	make_cluster_role("maps", "{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],"
				  "\"resources\":[\"configmaps\"]}");
	make(BINDINGS, "RoleBinding", KUBE_RBAC_GROUP "/v1",
	    "\"metadata\":{\"name\":\"a\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
	    "\"u\"}],\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"}");
	make(BINDINGS, "RoleBinding", KUBE_RBAC_GROUP "/v1",
	    "\"metadata\":{\"name\":\"b\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
	    "\"u\"}],\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"maps\"}");
	be("u");
	cr_expect_eq(rig_send("GET", PODS, NULL), 200);
	cr_expect_eq(rig_send("GET", "/api/v1/namespaces/kube-system/pods", NULL), 403);
	cr_expect_eq(rig_send("GET", "/api/v1/pods", NULL), 403);
	cr_expect_str_eq(rig_text("message"),
	    "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group "
	    "\"\" at the cluster scope");
	cr_expect(may("list", "", "configmaps", "", "default", ""));
	cr_expect_not(may("list", "", "configmaps", "", "kube-system", ""));
	rig.token = RIG_ADMIN;
	cr_expect_eq(rig_send("DELETE", BINDINGS "/a", NULL), 200);
	be("u");
	cr_expect_eq(rig_send("GET", PODS, NULL), 403);
}

Test(sim_kube_rbac, subjects)
{
	make_cluster_role("r", "{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],"
			       "\"resources\":[\"nodes\"]}");
	bind_cluster_role("r",
	    "{\"kind\":\"ServiceAccount\",\"name\":\"a\",\"namespace\":\"default\"},"
	    "{\"kind\":\"Group\",\"name\":\"system:serviceaccounts:kube-system\"}");
	be("system:serviceaccount:default:a");
	cr_expect(may("list", "", "nodes", "", "", ""));
	be("system:serviceaccount:other:a");
	cr_expect_not(may("list", "", "nodes", "", "", ""));
	be("system:serviceaccount:kube-system:any");
	cr_expect(may("list", "", "nodes", "", "", ""));
	be("a");
	cr_expect_not(may("list", "", "nodes", "", "", ""));
	rig.token = RIG_ADMIN;
	cr_expect(may("anything", "at.all", "whatever", "", "", ""));
	rig_send("DELETE", RBAC "/clusterrolebindings/cluster-admin", NULL);
	cr_expect(may("anything", "at.all", "whatever", "", "", ""));
}

/* What the two identities of ipwarden may, and what they must not. */
Test(sim_kube_rbac, the_roles_of_the_world)
{
	static const struct {
		const char *verb, *group, *resource, *subresource, *name;
		bool controller, watcher;
	} asked[] = {
	    {"watch", "", "nodes", "", "", true, true},
	    {"patch", "", "nodes", "", "n", true, false},
	    {"patch", "", "nodes", "status", "n", false, false},
	    {"delete", "", "nodes", "", "n", false, false},
	    {"list", "", "pods", "", "", true, true},
	    {"create", "", "pods", "", "", false, false},
	    {"delete", "", "pods", "", "p", false, false},
	    {"create", "", "pods", "eviction", "p", true, false},
	    {"get", "", "secrets", "", "s", false, false},
	    {"create", "", "serviceaccounts", "token", "ipwarden-watcher", true, false},
	    {"create", "", "serviceaccounts", "token", "default", false, false},
	    {"create", "events.k8s.io", "events", "", "", true, false},
	    {"update", "coordination.k8s.io", "leases", "", "l", true, false},
	    {"delete", "coordination.k8s.io", "leases", "", "l", false, false},
	    {"get", "apps", "deployments", "", "d", true, false},
	    {"list", "netinfra.darkbrains.com", "netipallocations", "", "", true, true},
	    {"patch", "netinfra.darkbrains.com", "netipallocations", "status", "a",
		true, false},
	    {"delete", "netinfra.darkbrains.com", "netipallocations", "", "a", false,
		false},
	    {"escalate", "rbac.authorization.k8s.io", "clusterroles", "", "", false,
		false},
	    {"impersonate", "", "users", "", "u", false, false},
	};

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		bool controller, watcher;

		rig.token = RIG_CONTROLLER;
		controller = may(asked[i].verb, asked[i].group, asked[i].resource,
		    asked[i].subresource, "", asked[i].name);
		rig.token = RIG_READER;
		watcher = may(asked[i].verb, asked[i].group, asked[i].resource,
		    asked[i].subresource, "", asked[i].name);
		cr_expect_eq(controller, asked[i].controller, "controller: %s %s",
		    asked[i].verb, asked[i].resource);
		cr_expect_eq(watcher, asked[i].watcher, "watcher: %s %s", asked[i].verb,
		    asked[i].resource);
	}
}

Test(sim_kube_rbac, paths)
{
	make_cluster_role("r", "{\"verbs\":[\"get\",\"post\"],\"nonResourceURLs\":"
			       "[\"/metrics\",\"/logs/*\"]}");
	bind_cluster_role("r", "{\"kind\":\"User\",\"name\":\"u\"}");
	be("u");
	cr_expect_eq(rig_send("GET", "/metrics", NULL), 404);
	cr_expect_eq(rig_send("GET", "/logs/a", NULL), 404);
	cr_expect_eq(rig_send("POST", "/logs/a", NULL), 404);
	cr_expect_eq(rig_send("PUT", "/logs/a", NULL), 403);
	cr_expect_eq(rig_send("GET", "/metrics/more", NULL), 403);
	cr_expect_str_eq(rig_text("message"),
	    "forbidden: User \"u\" cannot get path \"/metrics/more\"");
	cr_expect_eq(rig_send("GET", "/apis", NULL), 200);
	cr_expect_eq(
	    rig_send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"{\"kind\":\"SelfSubjectAccessReview\",\"apiVersion\":"
		"\"authorization.k8s.io/v1\",\"spec\":{\"nonResourceAttributes\":{"
		"\"verb\":\"post\",\"path\":\"/logs/b\"}}}"),
	    201);
	cr_expect(kube_json_true(rig.json, "status.allowed"));
}

Test(sim_kube_rbac, broken_rules_allow_nothing)
{
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"ClusterRole\",\"apiVersion\":"
		"\"rbac.authorization.k8s.io/v1\",\"metadata\":{\"name\":\"odd\"},"
		"\"rules\":[null,7,{\"verbs\":[null,7,{}],\"apiGroups\":[\"\"],"
		"\"resources\":[\"*\"]},{\"verbs\":\"*\",\"apiGroups\":\"*\","
		"\"resources\":\"*\"}]}"),
	    0);
	bind_cluster_role("odd", "{\"kind\":\"User\",\"name\":\"u\"}");
	be("u");
	cr_expect_not(may("get", "", "pods", "", "", "p"));
}

/* A ClusterRole with two rules, as kubectl 1.32 sends it: may get pods, and /x. */
static const char role_message[] = "k8s\0"
				   "\x0a\x2b\x0a\x1c" KUBE_RBAC_GROUP "/v1"
				   "\x12\x0b"
				   "ClusterRole"
				   "\x12\x1f\x0a\x03\x0a\x01"
				   "r"
				   "\x12\x0d\x0a\x03"
				   "get"
				   "\x12\x00\x1a\x04"
				   "pods"
				   "\x12\x09\x0a\x03"
				   "get"
				   "\x2a\x02/x";

Test(sim_kube_rbac, roles_in_protobuf)
{
	static const char wanted[] =
	    "[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]},"
	    "{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/x\"]}]";

	cr_assert_eq(rig_send_typed("POST", RBAC "/clusterroles",
			 "application/vnd.kubernetes.protobuf", role_message,
			 sizeof role_message - 1),
	    201, "%s", rig.reply.body.data);
	cr_expect_str_eq(
	    kube_json_write(kube_json_member(rig.json, "rules"), NULL), wanted);
	/* cut anywhere within the rules it is refused */
	for (size_t cut = 1; cut < 31; cut++)
		cr_expect_eq(rig_send_typed("POST", RBAC "/clusterroles",
				 "application/vnd.kubernetes.protobuf", role_message,
				 sizeof role_message - 1 - cut),
		    400, "cut by %zu", cut);
}

static void
expect_cause(const char *target, const char *body, const char *field)
{
	cr_expect_eq(rig_send("POST", target, body), 422, "%s", body);
	cr_expect_str_eq(
	    kube_json_text(
		json_object_array_get_idx(kube_json_at(rig.json, "details.causes"), 0),
		"field"),
	    field);
}

Test(sim_kube_rbac, what_is_no_role_or_binding)
{
#define HEAD(kind) "{\"kind\":\"" kind "\",\"apiVersion\":\"" KUBE_RBAC_GROUP "/v1\","
	expect_cause(
	    ROLES, HEAD("Role") "\"metadata\":{\"name\":\"a%b\"}}", "metadata.name");
	expect_cause(ROLES,
	    HEAD("Role") "\"metadata\":{\"name\":\"a\"},\"rules\":[{\"apiGroups\":"
			 "[\"\"],\"resources\":[\"pods\"]}]}",
	    "rules[0].verbs");
	expect_cause(ROLES,
	    HEAD("Role") "\"metadata\":{\"name\":\"a\"},\"rules\":[{\"verbs\":"
			 "[\"get\"],\"nonResourceURLs\":[\"/x\"]}]}",
	    "rules[0].nonResourceURLs");
	expect_cause(ROLES,
	    HEAD("Role") "\"metadata\":{\"name\":\"a\"},\"rules\":[{\"verbs\":"
			 "[\"get\"],\"apiGroups\":[\"\"]}]}",
	    "rules[0].resources");
	expect_cause(BINDINGS,
	    HEAD("RoleBinding") "\"metadata\":{\"name\":\"a\"},\"roleRef\":{\"kind\":"
				"\"Rule\",\"name\":\"r\"}}",
	    "roleRef.kind");
	expect_cause(RBAC "/clusterrolebindings",
	    HEAD("ClusterRoleBinding") "\"metadata\":{\"name\":\"a:b\"},\"roleRef\":{"
				       "\"kind\":\"Role\",\"name\":\"r\"}}",
	    "roleRef.kind");
	expect_cause(BINDINGS,
	    HEAD("RoleBinding") "\"metadata\":{\"name\":\"a\"},\"roleRef\":{\"kind\":"
				"\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":"
				"\"ServiceAccount\",\"name\":\"s\"}]}",
	    "subjects[0].namespace");
#undef HEAD
}

Test(sim_kube_rbac, reviews)
{
	struct json_object *rules;

	make_cluster_role("r", "{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],"
			       "\"resources\":[\"nodes\"]}");
	bind_cluster_role("r", "{\"kind\":\"Group\",\"name\":\"g\"}");
	rig_send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
	    "{\"kind\":\"SubjectAccessReview\",\"apiVersion\":"
	    "\"authorization.k8s.io/v1\",\"spec\":{\"user\":\"u\",\"groups\":[\"f\","
	    "\"g\"],\"resourceAttributes\":{\"verb\":\"list\",\"resource\":\"nodes\"}}"
	    "}");
	cr_expect(kube_json_true(rig.json, "status.allowed"));
	rig_send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
	    "{\"kind\":\"SubjectAccessReview\",\"apiVersion\":"
	    "\"authorization.k8s.io/v1\",\"spec\":{\"user\":\"u\","
	    "\"resourceAttributes\":{\"verb\":\"list\",\"resource\":\"nodes\"}}}");
	cr_expect_eq(rig.reply.status, 201);
	cr_expect_not(kube_json_true(rig.json, "status.allowed"));
	be("system:serviceaccount:default:a");
	cr_expect_eq(rig_send("POST",
			 "/apis/authorization.k8s.io/v1/subjectaccessreviews", "{}"),
	    403);
	rig_send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
	    "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":"
	    "\"authentication.k8s.io/v1\"}");
	cr_expect_str_eq(rig_text("status.userInfo.username"), rig.certificate);
	cr_expect_eq(
	    kube_json_count(kube_json_at(rig.json, "status.userInfo.groups")), 3);
	rig_send("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
	    "{\"kind\":\"SelfSubjectRulesReview\",\"apiVersion\":"
	    "\"authorization.k8s.io/v1\",\"spec\":{\"namespace\":\"default\"}}");
	rules = kube_json_at(rig.json, "status.resourceRules");
	cr_expect_eq(rig.reply.status, 201);
	/* those of system:basic-user */
	cr_expect_eq(kube_json_count(rules), 2);
	cr_expect_eq(
	    kube_json_count(kube_json_at(rig.json, "status.nonResourceRules")), 2);
	be("u");
	cr_expect_eq(
	    rig_send("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
		"{\"kind\":\"SelfSubjectRulesReview\",\"apiVersion\":"
		"\"authorization.k8s.io/v1\",\"spec\":{}}"),
	    400);
}

/* --- tokens --- */

static void
make_account(const char *name)
{
	char rest[128];

	snprintf(rest, sizeof rest, "\"metadata\":{\"name\":\"%s\"}", name);
	make(ACCOUNTS, "ServiceAccount", "v1", rest);
}

/* A token for the account a; the answer stays in rig. */
static int
request_token(const char *spec)
{
	return rig_sendf("POST", ACCOUNTS "/a/token",
	    "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\","
	    "\"spec\":{%s}}",
	    spec);
}

static void
take_token(char *out, size_t out_size)
{
	cr_assert_eq(rig.reply.status, 201, "%s", rig.reply.body.data);
	snprintf(out, out_size, "%s", rig_text("status.token"));
}

Test(sim_kube_rbac, a_token_has_what_its_account_has)
{
	char token[128];

	make_account("a");
	request_token("\"expirationSeconds\":600");
	cr_expect_eq(rig_int("spec.expirationSeconds"), 600);
	take_token(token, sizeof token);
	rig.token = token;
	cr_expect_eq(rig_send("GET", "/api/v1/nodes", NULL), 403);
	cr_expect_str_eq(rig_text("message"),
	    "nodes is forbidden: User \"system:serviceaccount:default:a\" cannot list "
	    "resource \"nodes\" in API group \"\" at the cluster scope");
	make_cluster_role("r", "{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],"
			       "\"resources\":[\"nodes\"]}");
	bind_cluster_role("r", "{\"kind\":\"ServiceAccount\",\"name\":\"a\","
			       "\"namespace\":\"default\"}");
	cr_expect_eq(rig_send("GET", "/api/v1/nodes", NULL), 200);
	rig.token = RIG_ADMIN;
	rig_send("DELETE", ACCOUNTS "/a", NULL);
	rig.token = token;
	cr_expect_eq(rig_send("GET", "/api/v1/nodes", NULL), 401);
}

Test(sim_kube_rbac, the_life_of_a_token)
{
	struct mono_time end = {clock_mono().ms + 30000};
	char token[128];

	make_account("a");
	cr_expect_eq(request_token("\"expirationSeconds\":599"), 422);
	cr_expect_not_null(strstr(rig_text("message"), "less than 10 minutes"));
	cr_expect_eq(request_token("\"expirationSeconds\":4294967297"), 422);
	rig.kube->token_life_s = 1;
	request_token("\"expirationSeconds\":600");
	cr_expect_eq(rig_int("spec.expirationSeconds"), 1);
	take_token(token, sizeof token);
	rig.token = token;
	while (rig_send("GET", "/apis", NULL) != 401 && clock_mono().ms < end.ms)
		loop_run_once(rig.loop, 50);
	cr_expect_eq(rig.reply.status, 401);
	cr_expect_str_eq(rig_text("message"), "Unauthorized");
}

Test(sim_kube_rbac, a_token_is_bound)
{
	char token[128], spec[256], uid[64];

	make_account("a");
	make("/api/v1/nodes", "Node", "v1", "\"metadata\":{\"name\":\"n1\"}");
	snprintf(uid, sizeof uid, "%s", rig_text("metadata.uid"));
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"Node\","
				   "\"apiVersion\":\"v1\",\"name\":\"n2\"}"),
	    404);
	cr_expect_str_eq(rig_text("message"), "nodes \"n2\" not found");
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"Node\","
				   "\"apiVersion\":\"v1\",\"name\":\"n1\",\"uid\":"
				   "\"other\"}"),
	    409);
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"ConfigMap\","
				   "\"apiVersion\":\"v1\",\"name\":\"c\"}"),
	    400);
	snprintf(spec, sizeof spec,
	    "\"boundObjectRef\":{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"name\":"
	    "\"n1\",\"uid\":\"%s\"}",
	    uid);
	request_token(spec);
	take_token(token, sizeof token);
	rig.token = token;
	cr_expect_eq(rig_send("GET", "/apis", NULL), 200);
	cr_assert_eq(sim_kube_remove(rig.kube, "/api/v1/nodes/n1"), 0);
	cr_expect_eq(rig_send("GET", "/apis", NULL), 401);
	rig.token = RIG_ADMIN;
	rig.kube->no_node_binding = true;
	cr_expect_eq(request_token(spec), 400);
	cr_expect_not_null(strstr(rig_text("message"), "feature-gate is disabled"));
}

Test(sim_kube_rbac, a_token_for_a_pod)
{
	make_account("a");
	make(PODS, "Pod", "v1",
	    "\"metadata\":{\"name\":\"p\"},\"spec\":{\"serviceAccountName\":\"a\","
	    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}");
	make(PODS, "Pod", "v1",
	    "\"metadata\":{\"name\":\"q\"},\"spec\":{\"containers\":[{\"name\":\"c\","
	    "\"image\":\"i\"}]}");
	make("/api/v1/namespaces/default/secrets", "Secret", "v1",
	    "\"metadata\":{\"name\":\"s\"}");
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"Pod\","
				   "\"apiVersion\":\"v1\",\"name\":\"p\"}"),
	    201);
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"Pod\","
				   "\"apiVersion\":\"v1\",\"name\":\"q\"}"),
	    400);
	cr_expect_eq(request_token("\"boundObjectRef\":{\"kind\":\"Secret\","
				   "\"apiVersion\":\"v1\",\"name\":\"s\"}"),
	    201);
}

/* --- the control endpoint --- */

static int
control(const char *method, const char *path, const char *body)
{
	struct sim_request request = {
	    .method = method, .path = path, .body = body, .body_len = strlen(body)};
	struct sim_reply reply = {.status = 200};
	bool known;

	buf_init(&reply.body, 1024);
	known = sim_kube_control(rig.kube, &request, &reply);
	buf_free(&reply.body);
	return known ? reply.status : 404;
}

Test(sim_kube_rbac, settings)
{
	char token[128];

	cr_expect_eq(control("POST", "/kube/settings",
			 "{\"token_life_s\":5,\"bookmark_ms\":20,\"node_binding\":"
			 "false,\"termination_ms\":7}"),
	    200);
	cr_expect_eq(rig.kube->token_life_s, 5);
	cr_expect_eq(rig.kube->bookmark_ms, 20);
	cr_expect(rig.kube->no_node_binding);
	cr_expect_eq(control("POST", "/kube/settings", "{\"token_life_s\":-1}"), 400);
	cr_expect_eq(control("POST", "/kube/settings", "{\"node_binding\":1}"), 400);
	cr_expect_eq(control("POST", "/kube/settings", "{\"other\":1}"), 400);
	cr_expect_eq(control("POST", "/kube/settings", "5"), 400);
	cr_expect_eq(control("GET", "/kube/settings", ""), 404);
	make_account("a");
	request_token("\"expirationSeconds\":600");
	take_token(token, sizeof token);
	cr_expect_eq(control("DELETE", "/kube/tokens", ""), 200);
	rig.token = token;
	cr_expect_eq(rig_send("GET", "/apis", NULL), 401);
	rig.token = RIG_ADMIN;
	cr_expect_eq(rig_send("GET", "/apis", NULL), 200);
}
