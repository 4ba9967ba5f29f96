/* Who asks, and what they may do. There are no RBAC objects: an identity has one of
 * three roles, and the rules of a role are a table. */
#ifndef IPW_SIM_KUBE_AUTH_H
#define IPW_SIM_KUBE_AUTH_H

#include <stdbool.h>

#include "sim.h"

/* Identities at a time; tokens that have run out make room. */
#define KUBE_IDENTITIES_MAX 1024u

struct kube_caller {
	const char *user; /* lives until the identity runs out, or is constant */
	bool known;	  /* has a role; else nothing is allowed */
	enum sim_role role;
};

struct kube_auth;
struct kube_auth *kube_auth_new(void);
void kube_auth_free(struct kube_auth *auth);

/* `seconds` 0: for ever. Returns 0, or -ENOSPC at the limit. An identity with the same
 * token is replaced. */
int kube_auth_add(struct kube_auth *auth, const char *token, const char *user,
    enum sim_role role, int64_t seconds);
/* The role of any identity of that user. Returns 0 or -ENOENT. */
int kube_auth_role(
    const struct kube_auth *auth, const char *user, enum sim_role *ret_role);

/* By bearer token, else by client certificate, else anonymous. Returns 0, or -EACCES
 * for a token that nobody has. */
int kube_auth_identify(const struct kube_auth *auth, const struct sim_request *request,
    struct kube_caller *ret_caller);

bool kube_auth_allows(const struct kube_caller *caller, const char *verb,
    const char *group, const char *resource, const char *subresource);
/* For paths that are no resource ("/version"). */
bool kube_auth_allows_path(
    const struct kube_caller *caller, const char *verb, const char *path);

#endif
