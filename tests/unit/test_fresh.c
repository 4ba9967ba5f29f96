/* Nodes and pods out of the API's own JSON (reconciler/fresh.h). */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fresh.h"
#include "mem.h"
#include "pack.h"

#define NODE                                                                           \
	"{\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\",\"uid\":\"u1\","             \
	"\"labels\":%s},\"spec\":{\"providerID\":\"gce://demo/us-west1-a/n1\","        \
	"\"taints\":%s}}"
#define POD                                                                            \
	"{\"metadata\":{\"name\":\"p1\",\"namespace\":\"default\",\"uid\":\"u1\","     \
	"\"annotations\":{\"controller-leader\":\"x\"}},\"spec\":{\"nodeName\":"       \
	"\"n1\"},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":"         \
	"\"Ready\",\"status\":\"True\"}]}}"

/* --- nodes ------------------------------------------------------------------------ */

static struct world_node *
node_of(const char *labels, const char *taints)
{
	char *text = mem_printf(NODE, labels, taints);
	struct json_object *object = json_tokener_parse(text);
	struct world_node *node;

	cr_assert_not_null(object, "%s", text);
	node = fresh_node(object);
	cr_assert_not_null(node);
	json_object_put(object);
	free(text);
	return node;
}

Test(fresh, a_node_with_its_labels_and_taints)
{
	static const char labels[] = "pool\0edge";
	static const char taints[] = "a\0b\0NoSchedule\0c\0\0NoExecute";
	struct world_node *node = node_of("{\"pool\":\"edge\"}",
	    "[{\"key\":\"a\",\"value\":\"b\",\"effect\":\"NoSchedule\"},"
	    "{\"key\":\"c\",\"effect\":\"NoExecute\"}]");

	cr_assert_not(node->oversize);
	cr_assert_eq(node->labels.len, sizeof labels);
	cr_assert_eq(memcmp(node->labels.data, labels, sizeof labels), 0);
	cr_assert_eq(node->taints.len, sizeof taints);
	cr_assert_eq(memcmp(node->taints.data, taints, sizeof taints), 0);
	world_node_free(node);
}

static struct world_node *
node_with(const char *metadata, const char *spec, const char *conditions)
{
	char *text = mem_printf("{\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\","
				"\"uid\":\"u1\"%s},\"spec\":{\"providerID\":"
				"\"gce://demo/us-west1-a/n1\"%s},\"status\":"
				"{\"conditions\":[%s]}}",
	    metadata, spec, conditions);
	struct json_object *object = json_tokener_parse(text);
	struct world_node *node = fresh_node(object);

	cr_assert_not_null(node, "%s", text);
	json_object_put(object);
	free(text);
	return node;
}

Test(fresh, a_node_that_nothing_is_said_of)
{
	struct world_node *node = node_with("", "", "");

	cr_assert_eq(node->ready, NODE_READY_UNKNOWN);
	cr_assert_not(node->unschedulable);
	cr_assert_not(node->deleting);
	cr_assert_not(node->skip);
	world_node_free(node);
}

Test(fresh, a_node_that_all_is_said_of)
{
	struct world_node *node =
	    node_with(",\"deletionTimestamp\":\"2026-11-20T00:00:00Z\",\"annotations\":"
		      "{\"netinfra.darkbrains.com/skip\":\"true\"}",
		",\"unschedulable\":true",
		"{\"type\":\"DiskPressure\",\"status\":\"True\"},"
		"{\"type\":\"Ready\",\"status\":\"False\","
		"\"lastTransitionTime\":\"1970-01-01T00:01:00Z\"}");

	cr_assert_eq(node->ready, NODE_READY_FALSE);
	cr_assert_eq(node->ready_since_ms, 60000);
	cr_assert(node->unschedulable);
	cr_assert(node->deleting);
	cr_assert(node->skip);
	world_node_free(node);
}

Test(fresh, readiness_is_true_false_or_not_known)
{
	static const struct {
		const char *status;
		enum node_ready ready;
	} all[] = {{"True", NODE_READY_TRUE}, {"False", NODE_READY_FALSE},
	    {"Unknown", NODE_READY_UNKNOWN}, {"", NODE_READY_UNKNOWN}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		char *text =
		    mem_printf("{\"type\":\"Ready\",\"status\":\"%s\"}", all[i].status);
		struct world_node *node = node_with("", "", text);

		cr_expect_eq(node->ready, all[i].ready, "%s", all[i].status);
		world_node_free(node);
		free(text);
	}
}

/* What does not fit is said, whichever text it is: a part never passes for the whole.
 */
Test(fresh, labels_or_taints_that_do_not_fit_are_told)
{
	static const struct {
		const char *labels, *taints; /* %s: the long text */
	} nodes[] = {
	    {"{\"%s\":\"v\"}", "[]"},
	    {"{\"k\":\"%s\"}", "[]"},
	    {"{\"k\":1}", "[]"},
	    {"[]", "[]"},
	    {"{}", "[{\"key\":\"%s\",\"value\":\"v\",\"effect\":\"e\"}]"},
	    {"{}", "[{\"key\":\"k\",\"value\":\"%s\",\"effect\":\"e\"}]"},
	    {"{}", "[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"%s\"}]"},
	};
	char *big = mem_calloc(PACK_MAX + 1, 1);

	memset(big, 'x', PACK_MAX);
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		bool in_labels = strchr(nodes[i].labels, '%') != NULL;
		const char *format = in_labels ? nodes[i].labels : nodes[i].taints;
		const char *at = strchr(format, '%');
		char *text = mem_printf("%.*s%s%s",
		    (int)(at != NULL ? at - format : (long)strlen(format)), format,
		    at != NULL ? big : "", at != NULL ? at + 2 : "");
		struct world_node *node = node_of(in_labels ? text : nodes[i].labels,
		    in_labels ? nodes[i].taints : text);

		cr_assert(node->oversize, "%s %s", nodes[i].labels, nodes[i].taints);
		world_node_free(node);
		free(text);
	}
	free(big);
}

/* --- pods ------------------------------------------------------------------------- */

static bool
pods_of(const char *text, struct world_pod **ret_pods)
{
	struct json_object *object = json_tokener_parse(text);
	bool whole;

	cr_assert_not_null(object, "%s", text);
	whole = fresh_pods(object, ret_pods);
	json_object_put(object);
	return whole;
}

Test(fresh, a_list_of_pods)
{
	struct world_pod *pods = NULL;

	cr_assert(pods_of("{\"kind\":\"PodList\",\"items\":[" POD "," POD "]}", &pods));
	cr_assert_not_null(pods);
	cr_assert_str_eq(pods->name, "p1");
	cr_assert_str_eq(pods->node, "n1");
	cr_assert_str_eq(pods->leader_mark, "x");
	cr_assert(pods->ready);
	cr_assert_not_null(pods->next);
	cr_assert_null(pods->next->next);
	fresh_pods_free(pods);
	pods = NULL;
	cr_assert(pods_of("{\"kind\":\"PodList\",\"items\":[]}", &pods));
	cr_assert_null(pods);
}

Test(fresh, a_pod_that_is_being_deleted)
{
	struct world_pod *pods = NULL;

	cr_assert(pods_of("{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":"
			  "\"p\",\"uid\":\"u\",\"namespace\":\"default\","
			  "\"deletionTimestamp\":\"1970-01-01T00:01:00Z\"}}]}",
	    &pods));
	cr_assert(pods->deleting);
	cr_assert_eq(pods->delete_at_ms, 60000);
	cr_assert_not(pods->ready, "it has no condition that says so");
	fresh_pods_free(pods);
}

/* An answer that is no whole list of pods never says that there are none. */
Test(fresh, what_is_no_whole_list_of_pods)
{
	static const char *const lists[] = {
	    "{}",
	    "{\"items\":[]}",
	    "{\"kind\":\"Status\",\"items\":[]}",
	    "{\"kind\":\"NodeList\",\"items\":[]}",
	    "{\"kind\":\"PodLisu\",\"items\":[]}",
	    "{\"kind\":\"PodList\"}",
	    "{\"kind\":\"PodList\",\"items\":null}",
	    "{\"kind\":\"PodList\",\"items\":{}}",
	    "{\"kind\":\"PodList\",\"items\":[],\"metadata\":{\"continue\":\"x\"}}",
	    "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":1}}]}",
	    "{\"kind\":\"PodList\",\"items\":[" POD ",{\"metadata\":{\"uid\":{}}}]}",
	};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct world_pod *pods = NULL;

		cr_expect_not(pods_of(lists[i], &pods), "%s", lists[i]);
		cr_expect_null(pods, "%s", lists[i]);
	}
	cr_expect_not(fresh_pods(NULL, NULL));
}

static bool
requires_label(const char *spec)
{
	char text[512];
	struct json_object *list;
	struct world_pod *pods;
	bool requires;

	snprintf(text, sizeof text,
	    "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"p\",\"uid\":"
	    "\"u\",\"namespace\":\"default\"},\"spec\":{%s}}]}",
	    spec);
	list = json_tokener_parse(text);
	cr_assert(fresh_pods(list, &pods));
	requires = pods->needs_label;
	fresh_pods_free(pods);
	json_object_put(list);
	return requires;
}

#define AFFINITY(how, terms)                                                           \
	"\"affinity\":{\"nodeAffinity\":{\"" how                                       \
	"DuringSchedulingIgnoredDuringExecution\":" terms "}}"
#define EXPRESSION(key)                                                                \
	"{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"Exists\"}]}"

/* As the watcher reads it (test_project). */
Test(fresh, tells_which_pods_require_the_label)
{
	cr_assert(requires_label("\"nodeSelector\":{\"ip.ready\":\"true\"}"));
	cr_assert(requires_label(
	    AFFINITY("required", "{\"nodeSelectorTerms\":[" EXPRESSION(
				     "a") "," EXPRESSION("ip.ready") "]}")));
	cr_assert_not(requires_label(""));
	cr_assert_not(requires_label("\"nodeSelector\":{\"ip.ready2\":\"true\"}"));
	cr_assert_not(requires_label(
	    AFFINITY("required", "{\"nodeSelectorTerms\":[" EXPRESSION("b") "]}")));
	cr_assert_not(requires_label(AFFINITY("preferred",
	    "[{\"weight\":1,\"preference\":" EXPRESSION("ip.ready") "}]")));
}
