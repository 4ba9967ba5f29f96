#include "kube_token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "kube_admit.h"
#include "kube_json.h"
#include "kube_read.h"
#include "kube_status.h"
#include "kube_write.h"

/* A token that is being made. */
struct minting {
	struct kube_call *call;
	struct json_object *json; /* the request, and then the answer */
	int64_t seconds;
	struct kube_bond bonds[KUBE_BONDS_MAX]; /* the account, and what is bound to */
};

/* Looks like a JWT, says nothing. */
static void
make_token(char *out, size_t out_size)
{
	unsigned char r[24];
	char text[2 * sizeof r + 1];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		memset(r, 0, sizeof r);
	for (size_t i = 0; i < sizeof r; i++)
		snprintf(text + 2 * i, 3, "%02x", r[i]);
	snprintf(out, out_size, "sim.%.24s.%s", text, text + 24);
}

static int
check_duration(struct kube_call *call, int64_t seconds)
{
	struct kube_causes causes = {.len = 0};
	int rc = 0;

	if (seconds < KUBE_TOKEN_SECONDS_MIN)
		kube_causes_add(&causes, "FieldValueInvalid", "spec.expirationSeconds",
		    "Invalid value: %lld: may not specify a duration less than 10 "
		    "minutes",
		    (long long)seconds);
	if (seconds > KUBE_TOKEN_SECONDS_MAX)
		kube_causes_add(&causes, "FieldValueInvalid", "spec.expirationSeconds",
		    "Invalid value: %lld: may not specify a duration larger than 2^32 "
		    "seconds",
		    (long long)seconds);
	if (causes.len > 0)
		rc = kube_fail_invalid(call, call->name, &causes);
	kube_causes_free(&causes);
	return rc;
}

static void
set_bond(struct kube_bond *bond, const struct kube_view *view,
    const struct kube_object *object)
{
	bond->resource = view->resource;
	snprintf(bond->key, sizeof bond->key, "%s", object->key);
	snprintf(bond->uid, sizeof bond->uid, "%s",
	    kube_json_text(object->json, "metadata.uid"));
}

static int
refuse_kind(const struct minting *minting, const struct json_object *ref)
{
	const char *version = kube_json_text(ref, "apiVersion");
	const char *slash = strchr(version, '/');

	return kube_fail(minting->call, 400, "BadRequest", NULL,
	    "cannot bind token for serviceaccount \"%s\" to object type "
	    "\"%.*s/%s, Kind=%s\" ",
	    minting->call->name, slash != NULL ? (int)(slash - version) : 0, version,
	    slash != NULL ? slash + 1 : version, kube_json_text(ref, "kind"));
}

static int
refuse_uid(const struct minting *minting, const struct json_object *ref,
    const struct kube_object *object)
{
	const char *kind = kube_json_text(ref, "kind");
	const char *name = kube_json_text(ref, "name");
	struct json_object *details = json_object_new_object();

	kube_json_set_text(details, "name", name);
	kube_json_set_text(details, "kind", kind);
	return kube_fail(minting->call, 409, "Conflict", details,
	    "Operation cannot be fulfilled on %s \"%s\": the UID in the bound object "
	    "reference (%s) does not match the UID in record. The object might have "
	    "been deleted and then recreated",
	    kind, name, kube_json_text(object->json, "metadata.uid"));
}

/* A token is bound to a pod of that account, a secret beside it, or a node. */
static int
bind(struct minting *minting, const struct json_object *ref)
{
	struct kube_call *call = minting->call;
	const char *kind = kube_json_text(ref, "kind");
	const char *uid = kube_json_text(ref, "uid");
	bool pod = strcmp(kind, "Pod") == 0, node = strcmp(kind, "Node") == 0;
	struct kube_call bound = {.kube = call->kube, .reply = call->reply};
	const struct kube_object *object;

	if (strcmp(kube_json_text(ref, "apiVersion"), "v1") != 0 ||
	    (!pod && !node && strcmp(kind, "Secret") != 0))
		return refuse_kind(minting, ref);
	if (node && call->kube->no_node_binding)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "cannot bind token to a Node object as the "
		    "\"ServiceAccountTokenNodeBinding\" feature-gate is disabled");
	bound.view = kube_store_view(call->kube->store, "", "v1", NULL, kind);
	snprintf(bound.space, sizeof bound.space, "%s", node ? "" : call->space);
	snprintf(bound.name, sizeof bound.name, "%.253s", kube_json_text(ref, "name"));
	object = kube_read_find(&bound);
	if (object == NULL)
		return kube_fail_not_found(&bound, bound.name);
	if (pod && strcmp(kube_json_text(object->json, "spec.serviceAccountName"),
		       call->name) != 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "cannot bind token for serviceaccount \"%s\" to pod running with "
		    "different serviceaccount name.",
		    call->name);
	if (uid[0] != '\0' &&
	    strcmp(uid, kube_json_text(object->json, "metadata.uid")) != 0)
		return refuse_uid(minting, ref, object);
	set_bond(&minting->bonds[1], bound.view, object);
	return 0;
}

static int
check_request(struct minting *minting)
{
	struct kube_call *call = minting->call;
	struct json_object *ref = kube_json_at(minting->json, "spec.boundObjectRef");
	int rc;

	minting->seconds =
	    kube_json_int(minting->json, "spec.expirationSeconds", KUBE_TOKEN_SECONDS);
	rc = check_duration(call, minting->seconds);
	if (rc == 0 && ref != NULL)
		rc = bind(minting, ref);
	if (call->kube->token_life_s > 0 && minting->seconds > call->kube->token_life_s)
		minting->seconds = call->kube->token_life_s;
	return rc;
}

static void
answer(struct minting *minting, const char *token)
{
	struct kube_call *call = minting->call;
	struct json_object *metadata = kube_json_section(minting->json, "metadata");
	struct json_object *spec = kube_json_section(minting->json, "spec");
	struct json_object *status = json_object_new_object();

	kube_json_set_text(metadata, "name", call->name);
	kube_json_set_text(metadata, "namespace", call->space);
	kube_admit_stamp(call->view->resource, minting->json);
	kube_json_set_int(spec, "expirationSeconds", minting->seconds);
	if (kube_json_member(spec, "audiences") == NULL)
		json_object_object_add(spec, "audiences",
		    kube_json_constant(
			"[\"https://kubernetes.default.svc.cluster.local\"]"));
	if (kube_json_member(spec, "boundObjectRef") == NULL)
		json_object_object_add(spec, "boundObjectRef", NULL);
	kube_json_set_text(status, "token", token);
	kube_admit_set_time(status, "expirationTimestamp", minting->seconds);
	json_object_object_add(minting->json, "status", status);
	kube_reply_json(call, 201, json_object_get(minting->json));
}

static void
mint(struct minting *minting)
{
	struct kube_call *call = minting->call;
	char token[128], user[KUBE_USER_MAX];

	snprintf(
	    user, sizeof user, KUBE_ACCOUNT_PREFIX "%s:%s", call->space, call->name);
	make_token(token, sizeof token);
	if (kube_auth_mint(
		call->kube->auth, token, user, minting->seconds, minting->bonds) < 0)
		kube_fail(call, 500, "InternalError", NULL, "too many tokens");
	else
		answer(minting, token);
}

void
kube_token_answer(struct kube_call *call)
{
	struct minting minting = {.call = call};
	const struct kube_object *account = kube_read_find(call);

	if (account == NULL) {
		kube_fail_not_found(call, call->name);
		return;
	}
	if (kube_write_body(call, &minting.json) < 0)
		return;
	set_bond(&minting.bonds[0], call->view, account);
	if (check_request(&minting) == 0)
		mint(&minting);
	json_object_put(minting.json);
}
