#include "review.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "log.h"
#include "mem.h"

/* The main job comes first: one question at a time, with pauses (milliseconds). */
#define FIRST_MS 500
#define PAUSE_MS 100

/* Rights are given and taken by people (milliseconds). */
#define AGAIN_MS INT64_C(3600000)

/* After a question that got no answer (milliseconds): the same again. One that was
 * refused is passed over until the next round, or it would hide those behind it. */
#define RETRY_MS 60000

struct kube_review {
	struct kube *kube;
	char *pod_namespace;
	char *lease_namespace;
	char *lease_name;
	char *cm_namespace;
	struct kube_right *rights;
	size_t rights_len;
	size_t next;
	bool *wrong; /* what was found of each */
	kube_finding_fn *found;
	void *arg;
	struct loop_timer *timer;
	int silent_told; /* 0, or 1 + the status of the last answer that was none */
	size_t refused;	 /* in this round */
};

static void on_timer(void *arg);
static void on_answer(void *arg, const struct kube_reply *reply);

struct kube_review *
kube_review_new(struct kube *kube, const struct settings *settings,
    const struct kube_right *rights, size_t rights_len, kube_finding_fn *found,
    void *arg)
{
	struct kube_review *review = mem_calloc(1, sizeof *review);

	review->kube = kube;
	review->pod_namespace =
	    mem_strdup(settings_get(settings, SETTING_POD_NAMESPACE, "default"));
	review->lease_namespace =
	    mem_strdup(settings_get(settings, SETTING_LEASE_NAMESPACE, "default"));
	review->lease_name =
	    mem_strdup(settings_get(settings, SETTING_LEASE_NAME, "default"));
	review->cm_namespace =
	    mem_strdup(settings_get(settings, SETTING_CM_NAMESPACE, "default"));
	review->rights = mem_calloc(rights_len, sizeof *review->rights);
	for (size_t i = 0; i < rights_len; i++)
		if (rights[i].with == 0 ||
		    settings_get(settings, rights[i].with, NULL) != NULL)
			review->rights[review->rights_len++] = rights[i];
	review->wrong = mem_calloc(rights_len, sizeof *review->wrong);
	review->found = found;
	review->arg = arg;
	review->timer = loop_timer_new(kube->loop, on_timer, review);
	loop_timer_arm(review->timer, FIRST_MS);
	return review;
}

void
kube_review_free(struct kube_review *review)
{
	if (review == NULL)
		return;
	loop_timer_free(review->timer);
	free(review->pod_namespace);
	free(review->lease_namespace);
	free(review->lease_name);
	free(review->cm_namespace);
	free(review->rights);
	free(review->wrong);
	free(review);
}

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

static const char *
namespace_of(const struct kube_review *review, const struct kube_right *right)
{
	const char *namespace = text_of(right->namespace);

	if (strcmp(namespace, KUBE_POD_NAMESPACE) == 0)
		return review->pod_namespace;
	if (strcmp(namespace, KUBE_LEASE_NAMESPACE) == 0)
		return review->lease_namespace;
	if (strcmp(namespace, KUBE_CM_NAMESPACE) == 0)
		return review->cm_namespace;
	return namespace;
}

static const char *
name_of(const struct kube_review *review, const struct kube_right *right)
{
	const char *name = text_of(right->name);

	return strcmp(name, KUBE_LEASE_NAME) == 0 ? review->lease_name : name;
}

/* Nothing in it needs escaping: names of RFC 1123 and words of our own. */
static void
on_timer(void *arg)
{
	struct kube_review *review = arg;
	const struct kube_right *right = &review->rights[review->next];
	char *body = mem_printf(
	    "{\"apiVersion\":\"authorization.k8s.io/v1\","
	    "\"kind\":\"SelfSubjectAccessReview\",\"spec\":{\"resourceAttributes\":{"
	    "\"group\":\"%s\",\"resource\":\"%s\",\"subresource\":\"%s\","
	    "\"verb\":\"%s\",\"namespace\":\"%s\",\"name\":\"%s\"}}}",
	    text_of(right->group), right->resource, text_of(right->subresource),
	    right->verb, namespace_of(review, right), name_of(review, right));
	struct kube_call call = {
	    .method = "POST",
	    .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
	    .body_kind = KUBE_BODY_JSON,
	    .body = body,
	};

	kube_call(review->kube, &call, on_answer, review);
	free(body);
}

/* The rule as it stands, or would stand, in a Role. */
static char *
rule_text(const struct kube_review *review, const struct kube_right *right)
{
	const char *slash = right->subresource != NULL ? "/" : "";
	const char *name = name_of(review, right);

	return mem_printf("apiGroups: [\"%s\"], resources: [%s%s%s], verbs: [%s]%s%s%s",
	    text_of(right->group), right->resource, slash, text_of(right->subresource),
	    right->verb, name[0] != '\0' ? ", resourceNames: [" : "", name,
	    name[0] != '\0' ? "]" : "");
}

static void
tell(struct kube_review *review, const struct kube_right *right, bool wrong)
{
	const char *event = wrong && right->excess ? "access_excess"
			    : wrong		   ? "access_missing"
						   : "access_mended";
	const char *dot = right->group != NULL ? "." : "";
	const char *slash = right->subresource != NULL ? "/" : "";
	char *rule = rule_text(review, right);
	char *resource = mem_printf("%s%s%s%s%s", right->resource, dot,
	    text_of(right->group), slash, text_of(right->subresource));
	struct kube_finding finding = {
	    .excess = right->excess,
	    .wrong = wrong,
	    .verb = right->verb,
	    .resource = resource,
	    .namespace = namespace_of(review, right),
	};

	log_event(wrong ? LOG_WARN : LOG_INFO, event,
	    LOG_S(right->excess ? "remove" : "add", rule),
	    LOG_S("namespace", finding.namespace));
	review->found(review->arg, &finding);
	free(resource);
	free(rule);
}

/* What the server says of it: 1, 0, or a negative number when it says nothing. */
static int
read_allowed(const struct kube_reply *reply)
{
	struct json_object *status, *allowed;

	if (reply->error != 0 || reply->status < 200 || reply->status > 299 ||
	    !json_object_object_get_ex(reply->json, "status", &status) ||
	    !json_object_object_get_ex(status, "allowed", &allowed) ||
	    !json_object_is_type(allowed, json_type_boolean))
		return -1;
	return json_object_get_boolean(allowed);
}

static void
end_round(struct kube_review *review)
{
	size_t missing = 0, excess = 0;

	for (size_t i = 0; i < review->rights_len; i++) {
		missing += review->wrong[i] && !review->rights[i].excess;
		excess += review->wrong[i] && review->rights[i].excess;
	}
	log_info("access_reviewed", LOG_N("rights", review->rights_len),
	    LOG_N("missing", missing), LOG_N("excess", excess),
	    LOG_N("not_answered", review->refused));
	review->next = 0;
	review->refused = 0;
	loop_timer_arm(review->timer, AGAIN_MS);
}

static void
tell_silence(struct kube_review *review, const struct kube_reply *reply)
{
	if (review->silent_told == reply->status + 1)
		return;
	review->silent_told = reply->status + 1;
	log_info("access_not_reviewed", LOG_N("status", reply->status),
	    LOG_S("error", reply->message));
}

/* The question itself, by a server that works. */
static bool
is_refused(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status >= 400 && reply->status <= 499 &&
	       reply->status != 401 && reply->status != 408 && reply->status != 429;
}

static void
on_answer(void *arg, const struct kube_reply *reply)
{
	struct kube_review *review = arg;
	const struct kube_right *right = &review->rights[review->next];
	int allowed = read_allowed(reply);
	bool wrong = right->excess ? allowed == 1 : allowed == 0;

	if (allowed < 0) {
		tell_silence(review, reply);
		if (!is_refused(reply)) {
			loop_timer_arm(review->timer, RETRY_MS);
			return;
		}
		review->refused++;
	} else {
		review->silent_told = 0;
		if (wrong != review->wrong[review->next])
			tell(review, right, wrong);
		review->wrong[review->next] = wrong;
	}
	if (++review->next == review->rights_len)
		end_round(review);
	else
		loop_timer_arm(review->timer, PAUSE_MS);
}
