#include "kube_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "mem.h"

struct identity {
	char *token; /* NULL: free */
	char *user;
	enum sim_role role;
	int64_t until_ms; /* monotonic; 0: for ever */
};

struct kube_auth {
	struct identity identities[KUBE_IDENTITIES_MAX];
};

struct rule {
	const char *group;    /* "*" = any */
	const char *resource; /* "nodes", "nodes/status", "*" */
	const char *verbs;    /* with blanks around each */
};

#define READ " get list watch "

/* What ipwarden's own ClusterRole grants. No bare delete of a pod: it evicts. */
static const struct rule controller_rules[] = {
    {"", "nodes", READ "patch update "},
    {"", "nodes/status", " get patch "},
    {"", "pods", READ},
    {"", "pods/eviction", " create "},
    {"", "namespaces", READ},
    {"", "configmaps", READ "create update patch delete deletecollection "},
    {"", "events", READ "create patch update "},
    {"", "serviceaccounts", " get "},
    {"", "serviceaccounts/token", " create "},
    {"events.k8s.io", "events", READ "create patch update "},
    {"apps", "*", READ},
    {"policy", "poddisruptionbudgets", READ},
    {"coordination.k8s.io", "leases", READ "create update patch delete "},
    {"apiextensions.k8s.io", "customresourcedefinitions", READ "patch update "},
    {"netinfra.darkbrains.com", "*",
	READ "create update patch delete deletecollection "},
    {"tracking.ipwarden.dev", "*", READ "create update patch delete deletecollection "},
};

struct kube_auth *
kube_auth_new(void)
{
	return mem_calloc(1, sizeof(struct kube_auth));
}

static void
identity_clear(struct identity *identity)
{
	if (identity->token != NULL)
		explicit_bzero(identity->token, strlen(identity->token));
	free(identity->token);
	free(identity->user);
	*identity = (struct identity){0};
}

void
kube_auth_free(struct kube_auth *auth)
{
	if (auth == NULL)
		return;
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++)
		identity_clear(&auth->identities[i]);
	free(auth);
}

static bool
identity_is_valid(const struct identity *identity)
{
	if (identity->token == NULL)
		return false;
	return identity->until_ms == 0 || clock_mono().ms < identity->until_ms;
}

int
kube_auth_add(struct kube_auth *auth, const char *token, const char *user,
    enum sim_role role, int64_t seconds)
{
	struct identity *slot = NULL;

	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		struct identity *identity = &auth->identities[i];

		if (identity->token != NULL && strcmp(identity->token, token) == 0) {
			slot = identity;
			break;
		}
		if (slot == NULL && !identity_is_valid(identity))
			slot = identity;
	}
	if (slot == NULL)
		return -ENOSPC;
	identity_clear(slot);
	slot->token = mem_strdup(token);
	slot->user = mem_strdup(user);
	slot->role = role;
	slot->until_ms = seconds > 0 ? clock_mono().ms + seconds * 1000 : 0;
	return 0;
}

int
kube_auth_role(const struct kube_auth *auth, const char *user, enum sim_role *ret_role)
{
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		const struct identity *identity = &auth->identities[i];

		if (identity_is_valid(identity) && strcmp(identity->user, user) == 0) {
			*ret_role = identity->role;
			return 0;
		}
	}
	return -ENOENT;
}

static int
identify_token(
    const struct kube_auth *auth, const char *token, struct kube_caller *ret_caller)
{
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		const struct identity *identity = &auth->identities[i];

		if (!identity_is_valid(identity) || strcmp(identity->token, token) != 0)
			continue;
		*ret_caller =
		    (struct kube_caller){identity->user, true, identity->role};
		return 0;
	}
	return -EACCES;
}

int
kube_auth_identify(const struct kube_auth *auth, const struct sim_request *request,
    struct kube_caller *ret_caller)
{
	const char *header = sim_request_header(request, "Authorization");
	const char *certificate = sim_request_client_name(request);
	enum sim_role role;

	if (header != NULL) {
		if (strncasecmp(header, "Bearer ", 7) != 0)
			return -EACCES;
		return identify_token(
		    auth, header + 7 + strspn(header + 7, " "), ret_caller);
	}
	*ret_caller = (struct kube_caller){.user = "system:anonymous"};
	if (certificate == NULL)
		return 0;
	/* registered by its name in the place of a token, or as a user */
	if (identify_token(auth, certificate, ret_caller) == 0)
		return 0;
	ret_caller->user = certificate;
	if (kube_auth_role(auth, certificate, &role) == 0) {
		ret_caller->known = true;
		ret_caller->role = role;
	}
	return 0;
}

static bool
verb_is_in(const char *verb, const char *verbs)
{
	size_t len = strlen(verb);

	for (const char *at = strstr(verbs, verb); at != NULL;
	     at = strstr(at + 1, verb))
		if (at > verbs && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

static bool
rule_names(const struct rule *rule, const char *resource, const char *subresource)
{
	size_t len = strlen(resource);

	if (strcmp(rule->resource, "*") == 0)
		return true;
	if (strncmp(rule->resource, resource, len) != 0)
		return false;
	if (subresource[0] == '\0')
		return rule->resource[len] == '\0';
	return rule->resource[len] == '/' &&
	       strcmp(rule->resource + len + 1, subresource) == 0;
}

static bool
is_self_review(const char *group, const char *resource)
{
	return (strcmp(group, "authorization.k8s.io") == 0 &&
		   strcmp(resource, "selfsubjectaccessreviews") == 0) ||
	       (strcmp(group, "authentication.k8s.io") == 0 &&
		   strcmp(resource, "selfsubjectreviews") == 0);
}

bool
kube_auth_allows(const struct kube_caller *caller, const char *verb, const char *group,
    const char *resource, const char *subresource)
{
	if (!caller->known)
		return false;
	if (caller->role == SIM_ROLE_ADMIN || is_self_review(group, resource))
		return true;
	if (caller->role == SIM_ROLE_READER)
		return verb_is_in(verb, READ);
	for (size_t i = 0; i < sizeof controller_rules / sizeof controller_rules[0];
	     i++) {
		const struct rule *rule = &controller_rules[i];

		if (strcmp(rule->group, group) == 0 &&
		    rule_names(rule, resource, subresource) &&
		    verb_is_in(verb, rule->verbs))
			return true;
	}
	return false;
}

bool
kube_auth_allows_path(
    const struct kube_caller *caller, const char *verb, const char *path)
{
	static const char *const open_paths[] = {
	    "/version", "/healthz", "/livez", "/readyz"};

	if (caller->known)
		return caller->role == SIM_ROLE_ADMIN || strcmp(verb, "get") == 0;
	for (size_t i = 0; i < sizeof open_paths / sizeof open_paths[0]; i++)
		if (strcmp(path, open_paths[i]) == 0)
			return strcmp(verb, "get") == 0;
	return false;
}
