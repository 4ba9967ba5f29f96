/* Who asks: bearer tokens and client certificates, and the users behind them. What they
 * may do is kube_rbac.h's. */
#ifndef IPW_SIM_KUBE_AUTH_H
#define IPW_SIM_KUBE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "kube_store.h"
#include "sim.h"

/* Identities at a time; tokens that have run out make room. */
#define KUBE_IDENTITIES_MAX 1024u
/* Longest name of a user, and its groups together: those of a ServiceAccount have a
 * namespace and a name in them. */
#define KUBE_USER_MAX	640u
#define KUBE_GROUPS_MAX 1024u
/* What a minted token depends on: its account, and what it was bound to. */
#define KUBE_BONDS_MAX 2u

#define KUBE_ACCOUNT_PREFIX "system:serviceaccount:"

struct kube_caller {
	char user[KUBE_USER_MAX];
	char groups[KUBE_GROUPS_MAX]; /* with a comma before and after each */
};

/* An object that has to be there, with that uid. */
struct kube_bond {
	const struct kube_resource *resource; /* NULL: none */
	char key[KUBE_KEY_MAX];
	char uid[64];
};

struct kube_auth;
struct kube_auth *kube_auth_new(void);
void kube_auth_free(struct kube_auth *auth);

/* A token (or a certificate's name) that is valid for ever. `group` "": no group but
 * those that everyone of the user's kind is in. Returns 0, or -ENOSPC at the limit. An
 * identity with the same token is replaced. */
int kube_auth_add(
    struct kube_auth *auth, const char *token, const char *user, const char *group);
/* A token for `seconds`, and as long as its bonds hold. Returns as kube_auth_add. */
int kube_auth_mint(struct kube_auth *auth, const char *token, const char *user,
    int64_t seconds, const struct kube_bond bonds[KUBE_BONDS_MAX]);
/* All minted tokens become invalid. */
void kube_auth_revoke(struct kube_auth *auth);

/* By bearer token, else by client certificate, else anonymous. Returns 0, or -EACCES
 * for a token that nobody has. */
int kube_auth_identify(const struct kube_auth *auth, const struct sim_request *request,
    struct kube_caller *ret_caller);

/* Makes the caller one of the group, as far as there is room. */
void kube_caller_join(struct kube_caller *caller, const char *group);
bool kube_caller_is_in(const struct kube_caller *caller, const char *group);

#endif
