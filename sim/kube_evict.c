#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_delete.h"
#include "kube_json.h"
#include "kube_read.h"
#include "kube_selector.h"
#include "kube_status.h"

/* What a budget says about its pods now; there is no controller to keep its status. */
struct budget {
	const char *name;
	int64_t expected;
	int64_t healthy;
	int64_t desired;
};

static bool
is_ready(const struct json_object *pod)
{
	struct json_object *conditions = kube_json_at(pod, "status.conditions");

	if (kube_json_at(pod, "metadata.deletionTimestamp") != NULL)
		return false;
	for (size_t i = 0; i < kube_json_count(conditions); i++) {
		struct json_object *each = json_object_array_get_idx(conditions, i);

		if (strcmp(kube_json_text(each, "type"), "Ready") == 0)
			return strcmp(kube_json_text(each, "status"), "True") == 0;
	}
	return false;
}

/* A number, or a part of `whole` ("50%"), rounded up. */
static int64_t
scaled(struct json_object *value, int64_t whole)
{
	int64_t percent;

	if (!json_object_is_type(value, json_type_string))
		return json_object_get_int64(value);
	percent = strtoll(json_object_get_string(value), NULL, 10);
	return (whole * percent + 99) / 100;
}

static struct budget
budget_of(const struct json_object *pdb, const struct kube_resource *pods)
{
	struct json_object *selector = kube_json_at(pdb, "spec.selector");
	struct json_object *least = kube_json_at(pdb, "spec.minAvailable");
	struct json_object *most = kube_json_at(pdb, "spec.maxUnavailable");
	struct budget budget = {.name = kube_json_text(pdb, "metadata.name")};
	size_t first, end;

	kube_read_range(pods, kube_json_text(pdb, "metadata.namespace"), &first, &end);
	for (size_t i = first; i < end; i++) {
		const struct json_object *pod = pods->objects[i]->json;

		if (!kube_selector_object_matches(selector, pod))
			continue;
		budget.expected++;
		budget.healthy += is_ready(pod);
	}
	if (least != NULL)
		budget.desired = scaled(least, budget.expected);
	else if (most != NULL)
		budget.desired = budget.expected - scaled(most, budget.expected);
	if (budget.desired < 0)
		budget.desired = 0;
	return budget;
}

static int
refuse(struct kube_call *call, const struct budget *budget)
{
	struct json_object *details = kube_json_constant(
	    "{\"causes\":[{\"reason\":\"DisruptionBudget\",\"message\":\"\"}]}");
	struct json_object *cause =
	    json_object_array_get_idx(kube_json_member(details, "causes"), 0);
	char message[512];

	snprintf(message, sizeof message,
	    "The disruption budget %.254s needs %lld healthy pods and has %lld "
	    "currently",
	    budget->name, (long long)budget->desired, (long long)budget->healthy);
	kube_json_set_text(cause, "message", message);
	return kube_fail(call, 429, "TooManyRequests", details,
	    "Cannot evict pod as it would violate the pod's disruption budget.");
}

/* A pod that has not started or has ended is nobody's loss; one that is not ready only
 * goes while the others are enough (policy/v1, IfHealthyBudget). */
static int
check_budgets(struct kube_call *call, const struct json_object *pod)
{
	const char *phase = kube_json_text(pod, "status.phase");
	const struct kube_view *view = kube_store_view(
	    call->kube->store, "policy", "v1", "poddisruptionbudgets", NULL);
	const struct kube_resource *pdbs = view->resource;
	size_t first, end;

	if (strcmp(phase, "Running") != 0 && strcmp(phase, "Unknown") != 0)
		return 0;
	kube_read_range(pdbs, call->space, &first, &end);
	for (size_t i = first; i < end; i++) {
		const struct json_object *pdb = pdbs->objects[i]->json;
		struct budget budget;
		bool enough;

		if (!kube_selector_object_matches(
			kube_json_at(pdb, "spec.selector"), pod))
			continue;
		budget = budget_of(pdb, call->view->resource);
		enough = is_ready(pod) ? budget.healthy > budget.desired
				       : budget.healthy >= budget.desired;
		if (!enough)
			return refuse(call, &budget);
	}
	return 0;
}

void
kube_delete_evict(struct kube_call *call)
{
	struct kube_object *pod = kube_read_find(call);
	struct kube_delete_options options = {.body = NULL};
	const char *named;
	bool gone;

	if (pod == NULL) {
		kube_fail_not_found(call, call->name);
		return;
	}
	if (kube_delete_options_read(&options, call, "deleteOptions") < 0)
		goto out;
	named = kube_json_text(options.body, "metadata.name");
	if (named[0] != '\0' && strcmp(named, call->name) != 0) {
		kube_fail(call, 400, "BadRequest", NULL,
		    "name in URL does not match name in Eviction object");
		goto out;
	}
	if (kube_delete_check(call, &options, pod) < 0 ||
	    check_budgets(call, pod->json) < 0)
		goto out;
	if (!options.dry_run)
		kube_object_unref(kube_delete_object(
		    call->kube, call->view->resource, pod, options.grace_s, &gone));
	kube_reply_json(call, 201,
	    kube_json_constant("{\"kind\":\"Status\",\"apiVersion\":\"v1\","
			       "\"metadata\":{},\"status\":\"Success\",\"code\":201}"));
out:
	kube_delete_options_free(&options);
}
