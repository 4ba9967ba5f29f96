#include "kube_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "kube_json.h"
#include "mem.h"

struct identity {
	char *token; /* NULL: free */
	char *user;
	char *group;
	int64_t until_ms; /* monotonic; 0: for ever */
	struct kube_bond bonds[KUBE_BONDS_MAX];
};

struct kube_auth {
	struct identity identities[KUBE_IDENTITIES_MAX];
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
	free(identity->group);
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
bond_holds(const struct kube_bond *bond)
{
	const struct kube_object *object;

	if (bond->resource == NULL)
		return true;
	object = kube_store_find(bond->resource, bond->key);
	return object != NULL &&
	       strcmp(kube_json_text(object->json, "metadata.uid"), bond->uid) == 0;
}

static bool
identity_is_valid(const struct identity *identity)
{
	if (identity->token == NULL)
		return false;
	for (size_t i = 0; i < KUBE_BONDS_MAX; i++)
		if (!bond_holds(&identity->bonds[i]))
			return false;
	return identity->until_ms == 0 || clock_mono().ms < identity->until_ms;
}

/* A place for that token, empty; NULL: there is no room. */
static struct identity *
identity_place(struct kube_auth *auth, const char *token)
{
	struct identity *place = NULL;

	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		struct identity *identity = &auth->identities[i];

		if (identity->token != NULL && strcmp(identity->token, token) == 0) {
			place = identity;
			break;
		}
		if (place == NULL && !identity_is_valid(identity))
			place = identity;
	}
	if (place != NULL)
		identity_clear(place);
	return place;
}

int
kube_auth_add(
    struct kube_auth *auth, const char *token, const char *user, const char *group)
{
	struct identity *identity = identity_place(auth, token);

	if (identity == NULL)
		return -ENOSPC;
	identity->token = mem_strdup(token);
	identity->user = mem_strdup(user);
	identity->group = mem_strdup(group);
	return 0;
}

int
kube_auth_mint(struct kube_auth *auth, const char *token, const char *user,
    int64_t seconds, const struct kube_bond bonds[KUBE_BONDS_MAX])
{
	struct identity *identity = identity_place(auth, token);

	if (identity == NULL)
		return -ENOSPC;
	identity->token = mem_strdup(token);
	identity->user = mem_strdup(user);
	identity->group = mem_strdup("");
	identity->until_ms = clock_mono().ms + seconds * 1000;
	memcpy(identity->bonds, bonds, sizeof identity->bonds);
	return 0;
}

void
kube_auth_revoke(struct kube_auth *auth)
{
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++)
		if (auth->identities[i].until_ms != 0)
			identity_clear(&auth->identities[i]);
}

void
kube_caller_join(struct kube_caller *caller, const char *group)
{
	size_t len = strlen(caller->groups);

	if (group[0] == '\0' || len + strlen(group) + 3 > sizeof caller->groups)
		return;
	snprintf(caller->groups + len, sizeof caller->groups - len, "%s%s,",
	    len == 0 ? "," : "", group);
}

bool
kube_caller_is_in(const struct kube_caller *caller, const char *group)
{
	char wanted[KUBE_GROUPS_MAX];

	snprintf(wanted, sizeof wanted, ",%s,", group);
	return strstr(caller->groups, wanted) != NULL;
}

/* The user and the groups that everyone of its kind is in. */
static void
caller_set_user(struct kube_caller *caller, const char *user)
{
	static const size_t prefix_len = sizeof KUBE_ACCOUNT_PREFIX - 1;
	char group[KUBE_USER_MAX];

	*caller = (struct kube_caller){0};
	snprintf(caller->user, sizeof caller->user, "%s", user);
	if (strncmp(user, KUBE_ACCOUNT_PREFIX, prefix_len) == 0) {
		const char *space = user + prefix_len;

		kube_caller_join(caller, "system:serviceaccounts");
		snprintf(group, sizeof group, "system:serviceaccounts:%.*s",
		    (int)strcspn(space, ":"), space);
		kube_caller_join(caller, group);
	}
	kube_caller_join(caller, "system:authenticated");
}

static int
identify_token(
    const struct kube_auth *auth, const char *token, struct kube_caller *ret_caller)
{
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		const struct identity *identity = &auth->identities[i];

		if (!identity_is_valid(identity) || strcmp(identity->token, token) != 0)
			continue;
		caller_set_user(ret_caller, identity->user);
		kube_caller_join(ret_caller, identity->group);
		return 0;
	}
	return -EACCES;
}

/* A certificate names a user; the groups are those of an identity of that user. */
static void
identify_certificate(
    const struct kube_auth *auth, const char *name, struct kube_caller *caller)
{
	if (identify_token(auth, name, caller) == 0)
		return;
	caller_set_user(caller, name);
	for (size_t i = 0; i < KUBE_IDENTITIES_MAX; i++) {
		const struct identity *identity = &auth->identities[i];

		if (identity_is_valid(identity) && strcmp(identity->user, name) == 0) {
			kube_caller_join(caller, identity->group);
			return;
		}
	}
}

int
kube_auth_identify(const struct kube_auth *auth, const struct sim_request *request,
    struct kube_caller *ret_caller)
{
	const char *header = sim_request_header(request, "Authorization");
	const char *certificate = sim_request_client_name(request);

	if (header != NULL) {
		if (strncasecmp(header, "Bearer ", 7) != 0)
			return -EACCES;
		return identify_token(
		    auth, header + 7 + strspn(header + 7, " "), ret_caller);
	}
	if (certificate != NULL) {
		identify_certificate(auth, certificate, ret_caller);
		return 0;
	}
	*ret_caller = (struct kube_caller){.user = "system:anonymous"};
	kube_caller_join(ret_caller, "system:unauthenticated");
	return 0;
}
