#include "kube_review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kube_json.h"
#include "kube_rbac.h"
#include "kube_status.h"
#include "kube_write.h"

/* The groups that a caller is in, as an array. */
static struct json_object *
groups_of(const struct kube_caller *caller)
{
	struct json_object *list = json_object_new_array();
	const char *at = caller->groups;

	for (at += *at == ','; *at != '\0'; at += strcspn(at, ",") + 1)
		json_object_array_add(
		    list, json_object_new_string_len(at, (int)strcspn(at, ",")));
	return list;
}

/* Who a SubjectAccessReview is about: exactly the user and groups that it names. */
static struct kube_caller
subject_of(const struct json_object *review)
{
	struct json_object *groups = kube_json_at(review, "spec.groups");
	struct kube_caller caller = {.user = ""};

	snprintf(
	    caller.user, sizeof caller.user, "%s", kube_json_text(review, "spec.user"));
	for (size_t i = 0; i < kube_json_count(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		if (json_object_is_type(group, json_type_string))
			kube_caller_join(&caller, json_object_get_string(group));
	}
	return caller;
}

static void
review_access(struct kube_call *call, const struct kube_caller *caller,
    const struct json_object *review, struct json_object *status)
{
	struct json_object *asked = kube_json_at(review, "spec.resourceAttributes");
	struct json_object *path = kube_json_at(review, "spec.nonResourceAttributes");
	struct kube_access access = {
	    .verb = kube_json_text(asked != NULL ? asked : path, "verb"),
	    .path = asked != NULL ? NULL : kube_json_text(path, "path"),
	    .group = kube_json_text(asked, "group"),
	    .resource = kube_json_text(asked, "resource"),
	    .subresource = kube_json_text(asked, "subresource"),
	    .space = kube_json_text(asked, "namespace"),
	    .name = kube_json_text(asked, "name"),
	};
	bool allowed = kube_rbac_allows(call->kube->store, caller, &access);

	json_object_object_add(status, "allowed", json_object_new_boolean(allowed));
}

static void
review_rules(struct kube_call *call, const struct json_object *review,
    struct json_object *status)
{
	struct json_object *resource_rules = json_object_new_array();
	struct json_object *path_rules = json_object_new_array();

	kube_rbac_rules(call->kube->store, &call->caller,
	    kube_json_text(review, "spec.namespace"), resource_rules, path_rules);
	json_object_object_add(status, "resourceRules", resource_rules);
	json_object_object_add(status, "nonResourceRules", path_rules);
	json_object_object_add(status, "incomplete", json_object_new_boolean(false));
}

static int
check_review(struct kube_call *call, const struct json_object *review)
{
	const char *plural = call->view->resource->plural;
	bool resource = kube_json_at(review, "spec.resourceAttributes") != NULL;
	bool path = kube_json_at(review, "spec.nonResourceAttributes") != NULL;

	if (strstr(plural, "accessreviews") != NULL && resource == path)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "exactly one of nonResourceAttributes or resourceAttributes must "
		    "be specified");
	if (strcmp(plural, "subjectaccessreviews") == 0 &&
	    kube_json_text(review, "spec.user")[0] == '\0' &&
	    kube_json_count(kube_json_at(review, "spec.groups")) == 0)
		return kube_fail(call, 400, "BadRequest", NULL,
		    "at least one of user or group must be specified");
	if (strcmp(plural, "selfsubjectrulesreviews") == 0 &&
	    kube_json_text(review, "spec.namespace")[0] == '\0')
		return kube_fail(
		    call, 400, "BadRequest", NULL, "no namespace on request");
	return 0;
}

static void
answer(struct kube_call *call, struct json_object *json)
{
	const char *plural = call->view->resource->plural;
	struct json_object *status;

	json_object_object_del(json, "status");
	status = kube_json_section(json, "status");
	kube_json_section(json, "metadata");
	if (strcmp(plural, "selfsubjectreviews") == 0) {
		struct json_object *user = kube_json_section(status, "userInfo");

		kube_json_set_text(user, "username", call->caller.user);
		json_object_object_add(user, "groups", groups_of(&call->caller));
	} else if (strcmp(plural, "selfsubjectrulesreviews") == 0) {
		review_rules(call, json, status);
	} else if (strcmp(plural, "subjectaccessreviews") == 0) {
		struct kube_caller subject = subject_of(json);

		review_access(call, &subject, json, status);
	} else {
		review_access(call, &call->caller, json, status);
	}
	kube_reply_json(call, 201, json_object_get(json));
}

void
kube_review_answer(struct kube_call *call)
{
	struct json_object *json;

	if (kube_write_body(call, &json) < 0)
		return;
	if (check_review(call, json) == 0)
		answer(call, json);
	json_object_put(json);
}
