/* What an identity asks about its own rights, and what it makes of the answers. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#include "access.h"
#include "kube_rig.h"
#include "mem.h"
#include "review.h"

#define REVIEWS "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#define ANSWER(allowed)                                                                \
	{                                                                              \
		.expect = REVIEWS, .status = 201,                                      \
		.body = "{\"status\":{\"allowed\":" allowed "}}"                       \
	}

struct findings {
	struct world *world;
	int len;
	struct kube_finding last;
	char *verb, *resource, *namespace, *body;
};

static void
findings_clear(struct findings *found)
{
	free(found->verb);
	free(found->resource);
	free(found->namespace);
	free(found->body);
}

static void
on_finding(void *arg, const struct kube_finding *finding)
{
	struct findings *found = arg;

	findings_clear(found);
	found->len++;
	found->last = *finding;
	found->verb = mem_strdup(finding->verb);
	found->resource = mem_strdup(finding->resource);
	found->namespace = mem_strdup(finding->namespace);
	pthread_mutex_lock(&found->world->script.lock);
	found->body = mem_strdup(found->world->script.body);
	pthread_mutex_unlock(&found->world->script.lock);
}

/* Runs until the server has had so many requests, and nothing is under way. */
static void
run_requests(struct world *world, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (web_requests(world->web) < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_eq(web_requests(world->web), wanted);
}

static const struct kube_right rights[] = {
    {.resource = "nodes", .verb = "get"},
    {.group = "apps",
	.resource = "deployments",
	.subresource = "scale",
	.verb = "patch",
	.namespace = "default",
	.name = "web"},
    KUBE_TOO_MUCH(NULL, "secrets", NULL, "get"),
    {.resource = "leases",
	.verb = "get",
	.namespace = KUBE_LEASE_NAMESPACE,
	.name = KUBE_LEASE_NAME},
    KUBE_TOO_MUCH(NULL, "pods", NULL, "create"),
    /* not asked for, but where that setting is set */
    {.resource = "configmaps",
	.verb = "get",
	.namespace = KUBE_CM_NAMESPACE,
	.with = SETTING_STORE_IN_CM},
    {.resource = "pods", .verb = "list"},
};
#define RIGHTS (sizeof rights / sizeof rights[0])
#define ASKED  ((int)RIGHTS - 1)

static void
expect_attributes(const struct findings *found, const char *wanted)
{
	struct json_object *body = json_tokener_parse(found->body);
	struct json_object *spec = NULL, *attributes = NULL;

	cr_assert_not_null(
	    strstr(found->body, "\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
				"\"SelfSubjectAccessReview\""));
	cr_assert(json_object_object_get_ex(body, "spec", &spec));
	cr_assert(json_object_object_get_ex(spec, "resourceAttributes", &attributes));
	cr_assert_str_eq(
	    json_object_to_json_string_ext(attributes, JSON_C_TO_STRING_PLAIN), wanted);
	json_object_put(body);
}

Test(review, asks_each_and_tells_what_is_wrong)
{
	static const struct step steps[] = {ANSWER("true"), ANSWER("false"),
	    ANSWER("true"), ANSWER("false"), ANSWER("false"), ANSWER("true")};
	struct world world;
	struct findings found = {.world = &world};
	struct kube_review *review;

	OPEN(&world, steps);
	settings_set(&world.settings, SETTING_POD_NAMESPACE, "here");
	settings_set(&world.settings, SETTING_LEASE_NAMESPACE, "there");
	settings_set(&world.settings, SETTING_LEASE_NAME, "ours");
	review = kube_review_new(
	    world.kube, &world.settings, rights, RIGHTS, on_finding, &found);

	run_until(&world, &found.len, 1);
	cr_assert_not(found.last.excess);
	cr_assert(found.last.wrong);
	cr_assert_str_eq(found.verb, "patch");
	cr_assert_str_eq(found.resource, "deployments.apps/scale");
	cr_assert_str_eq(found.namespace, "default");
	expect_attributes(&found,
	    "{\"group\":\"apps\",\"resource\":\"deployments\",\"subresource\":"
	    "\"scale\","
	    "\"verb\":\"patch\",\"namespace\":\"default\",\"name\":\"web\"}");

	run_until(&world, &found.len, 2);
	cr_assert(found.last.excess);
	cr_assert_str_eq(found.resource, "secrets");
	cr_assert_str_eq(found.namespace, "here");

	run_until(&world, &found.len, 3);
	cr_assert_not(found.last.excess);
	cr_assert_str_eq(found.namespace, "there");
	expect_attributes(&found,
	    "{\"group\":\"\",\"resource\":\"leases\",\"subresource\":\"\",\"verb\":"
	    "\"get\",\"namespace\":\"there\",\"name\":\"ours\"}");

	run_requests(&world, ASKED);
	cr_assert_eq(found.len, 3, "what is as it should be is not told");
	for (int i = 0; i < world.script.paths_len; i++)
		cr_assert_str_eq(
		    world.script.paths[i], "POST " REVIEWS "?fieldManager=ipwarden");
	kube_review_free(review);
	world_close(&world);
	findings_clear(&found);
}

/* Nothing is concluded from what is no answer, and the next is not asked then. */
Test(review, an_answer_that_says_nothing)
{
	static const struct step answers[] = {
	    {.status = 500, .body = "{\"status\":{\"allowed\":false}}"},
	    {.status = 429, .body = "{\"kind\":\"Status\"}"},
	    {.status = 201, .body = "{\"status\":{\"allowed\":\"false\"}}"},
	    {.status = 201, .body = "{\"status\":{}}"},
	    {.status = 201, .body = "{}"},
	    {.status = 201, .body = "no"},
	};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct world world;
		struct findings found = {.world = &world};
		struct kube_review *review;

		world_open(&world, &answers[i], 1);
		review = kube_review_new(
		    world.kube, &world.settings, rights, RIGHTS, on_finding, &found);
		run_requests(&world, 1);
		for (int round = 0; round < 10; round++)
			loop_run_once(world.loop, 20);
		cr_assert_eq(found.len, 0, "answer %zu", i);
		cr_assert_eq(web_requests(world.web), 1, "answer %zu", i);
		kube_review_free(review);
		world_close(&world);
	}
}

/* What is refused is passed over, and says nothing either. */
Test(review, a_refusal_hides_nothing)
{
	static const struct step steps[] = {
	    {.expect = REVIEWS, .status = 403, .body = "{\"kind\":\"Status\"}"},
	    {.expect = REVIEWS,
		.status = 422,
		.body = "{\"status\":{\"allowed\":false}}"},
	    ANSWER("true"), ANSWER("false"), ANSWER("false"), ANSWER("true")};
	struct world world;
	struct findings found = {.world = &world};
	struct kube_review *review;

	OPEN(&world, steps);
	review = kube_review_new(
	    world.kube, &world.settings, rights, RIGHTS, on_finding, &found);
	run_requests(&world, ASKED);
	run_until(&world, &found.len, 2);
	kube_review_free(review);
	world_close(&world);
	findings_clear(&found);
}

Test(review, a_right_that_an_option_needs)
{
	static const struct step steps[] = {ANSWER("true"), ANSWER("true"),
	    ANSWER("false"), ANSWER("true"), ANSWER("false"), ANSWER("false"),
	    ANSWER("true")};
	struct world world;
	struct findings found = {.world = &world};
	struct kube_review *review;

	OPEN(&world, steps);
	settings_set(&world.settings, SETTING_STORE_IN_CM, "yes");
	settings_set(&world.settings, SETTING_CM_NAMESPACE, "maps");
	review = kube_review_new(
	    world.kube, &world.settings, rights, RIGHTS, on_finding, &found);
	run_requests(&world, (int)RIGHTS);
	run_until(&world, &found.len, 1);
	cr_assert_str_eq(found.resource, "configmaps");
	cr_assert_str_eq(found.namespace, "maps");
	kube_review_free(review);
	world_close(&world);
	findings_clear(&found);
}

/* They go into JSON and into log lines as they are. */
static bool
is_plain(const char *text)
{
	return text == NULL || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789"
						 "-.$")] == '\0';
}

static bool
is_same(const struct kube_right *a, const struct kube_right *b)
{
	const char *texts[][2] = {
	    {a->group, b->group},
	    {a->resource, b->resource},
	    {a->subresource, b->subresource},
	    {a->verb, b->verb},
	    {a->namespace, b->namespace},
	    {a->name, b->name},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(texts[i][0] != NULL ? texts[i][0] : "",
			texts[i][1] != NULL ? texts[i][1] : "") != 0)
			return false;
	return true;
}

static void
check_table(bool agent, const char *account)
{
	size_t len;
	const struct kube_right *table = access_rights(agent, &len);
	const struct kube_right *last = &table[len - 1];

	for (size_t i = 0; i < len; i++) {
		const struct kube_right *right = &table[i];

		cr_assert_not_null(right->resource);
		cr_assert_not_null(right->verb);
		cr_assert(is_plain(right->group) && is_plain(right->resource) &&
			      is_plain(right->subresource) && is_plain(right->verb) &&
			      is_plain(right->namespace) && is_plain(right->name),
		    "row %zu", i);
		for (size_t k = 0; k < i; k++)
			cr_assert_not(
			    is_same(right, &table[k]), "row %zu is row %zu", i, k);
	}
	cr_assert_str_eq(last->subresource, "token");
	cr_assert_eq(last->with, SETTING_WATCHER_ACCOUNT, "only for who mints");
	cr_assert_not(last->excess);
	cr_assert_str_eq(last->name, account);
}

Test(review, the_tables_of_the_reconciler)
{
	check_table(false, "ipwarden-watcher");
	check_table(true, "pod-ip-tracker-agent-watcher");
}
