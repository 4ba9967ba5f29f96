#include "kube_review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "kube_admit.h"
#include "kube_json.h"
#include "kube_read.h"
#include "kube_status.h"
#include "kube_write.h"

static bool
access_is_allowed(const struct kube_call *call, const struct json_object *review)
{
	struct json_object *asked = kube_json_at(review, "spec.resourceAttributes");
	struct json_object *path = kube_json_at(review, "spec.nonResourceAttributes");

	if (asked != NULL)
		return kube_auth_allows(&call->caller, kube_json_text(asked, "verb"),
		    kube_json_text(asked, "group"), kube_json_text(asked, "resource"),
		    kube_json_text(asked, "subresource"));
	return kube_auth_allows_path(
	    &call->caller, kube_json_text(path, "verb"), kube_json_text(path, "path"));
}

void
kube_review_answer(struct kube_call *call)
{
	struct json_object *json, *status;

	if (kube_write_body(call, &json) < 0)
		return;
	json_object_object_del(json, "status");
	status = kube_json_section(json, "status");
	if (strcmp(call->view->resource->plural, "selfsubjectreviews") == 0) {
		kube_json_set_text(kube_json_section(status, "userInfo"), "username",
		    call->caller.user);
	} else if (kube_json_at(json, "spec.resourceAttributes") == NULL &&
		   kube_json_at(json, "spec.nonResourceAttributes") == NULL) {
		kube_fail(call, 400, "BadRequest", NULL,
		    "exactly one of nonResourceAttributes or resourceAttributes must "
		    "be "
		    "specified");
		json_object_put(json);
		return;
	} else {
		bool allowed = access_is_allowed(call, json);

		json_object_object_add(
		    status, "allowed", json_object_new_boolean(allowed));
	}
	kube_json_section(json, "metadata");
	kube_reply_json(call, 201, json);
}

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
	int rc;

	if (seconds >= KUBE_TOKEN_SECONDS_MIN)
		return 0;
	kube_causes_add(&causes, "FieldValueInvalid", "spec.expirationSeconds",
	    "Invalid value: %lld: may not specify a duration less than 10 minutes",
	    (long long)seconds);
	rc = kube_fail_invalid(call, call->name, &causes);
	kube_causes_free(&causes);
	return rc;
}

static void
issue_token(struct kube_call *call, struct json_object *json, int64_t seconds)
{
	struct json_object *metadata = kube_json_section(json, "metadata");
	struct json_object *spec = kube_json_section(json, "spec");
	struct json_object *status = json_object_new_object();
	enum sim_role role = call->caller.role;
	char token[128], user[600];

	snprintf(
	    user, sizeof user, "system:serviceaccount:%s:%s", call->space, call->name);
	(void)kube_auth_role(call->kube->auth, user, &role);
	make_token(token, sizeof token);
	if (kube_auth_add(call->kube->auth, token, user, role, seconds) < 0) {
		kube_fail(call, 500, "InternalError", NULL, "too many tokens");
		json_object_put(status);
		json_object_put(json);
		return;
	}
	kube_json_set_text(metadata, "name", call->name);
	kube_json_set_text(metadata, "namespace", call->space);
	kube_admit_stamp(call->view->resource, json);
	kube_json_set_int(spec, "expirationSeconds", seconds);
	if (kube_json_member(spec, "audiences") == NULL)
		json_object_object_add(spec, "audiences",
		    kube_json_constant(
			"[\"https://kubernetes.default.svc.cluster.local\"]"));
	if (kube_json_member(spec, "boundObjectRef") == NULL)
		json_object_object_add(spec, "boundObjectRef", NULL);
	kube_json_set_text(status, "token", token);
	kube_admit_set_time(status, "expirationTimestamp", seconds);
	json_object_object_add(json, "status", status);
	kube_reply_json(call, 201, json);
}

void
kube_review_token(struct kube_call *call)
{
	struct json_object *json;
	int64_t seconds;

	if (kube_read_find(call) == NULL) {
		kube_fail_not_found(call, call->name);
		return;
	}
	if (kube_write_body(call, &json) < 0)
		return;
	seconds = kube_json_int(json, "spec.expirationSeconds", KUBE_TOKEN_SECONDS);
	if (check_duration(call, seconds) < 0)
		json_object_put(json);
	else
		issue_token(call, json, seconds);
}
