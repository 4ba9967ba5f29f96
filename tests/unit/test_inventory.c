/* PodTrackerSlices read: which pods, in which order, and what is told of a node whose
 * slices are not all there, not of one time, or old. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "inventory.h"
#include "pods_print.h"

#define WRITTEN "2026-01-02T03:04:05Z"
#define NOW_MS	(INT64_C(1767323045) * 1000 + 60000) /* a minute later */

static struct inventory *inventory;
static struct kubelets *kubelets;
static struct buf told;

static void
begin(void)
{
	static const struct inventory_filter all = {"", "", ""};

	buf_init(&told, 1 << 20);
	inventory = inventory_new(&all);
	kubelets = kubelets_new();
}

static void
end(void)
{
	inventory_free(inventory);
	kubelets_free(kubelets);
	buf_free(&told);
}

TestSuite(inventory, .init = begin, .fini = end);

static void
filter(const char *node, const char *namespace, const char *name)
{
	struct inventory_filter filter = {node, namespace, name};

	inventory_free(inventory);
	inventory = inventory_new(&filter);
}

static int
add(const char *json)
{
	return inventory_add(inventory, json, strlen(json));
}

#define SLICE(node, rest)                                                              \
	"{\"nodeName\":\"" node "\",\"lastUpdateTime\":\"" WRITTEN "\"," rest "}"
#define POD(namespace, name, uid)                                                      \
	"{\"podName\":\"" name                                                         \
	"\",\"namespace\":\"" namespace "\",\"uid\":\"" uid "\",\"ip\":\"10.0.0.1\"}"

static const char *
pods(void)
{
	inventory_finish(inventory);
	buf_reset(&told);
	for (size_t i = 0; i < inventory_pods(inventory); i++) {
		const struct inventory_pod *pod = inventory_pod(inventory, i);

		buf_printf(
		    &told, "%s/%s@%s ", pod->namespace, pod->name, pod->slice->node);
	}
	return told.len > 0 ? told.data : "";
}

static void
on_problem(void *arg, const char *node, const char *text)
{
	(void)arg;
	buf_printf(&told, "%s %s\n", node, text);
}

static const char *
problems(void)
{
	inventory_finish(inventory);
	buf_reset(&told);
	inventory_problems(inventory, NOW_MS, on_problem, NULL);
	return told.len > 0 ? told.data : "";
}

Test(inventory, by_namespace_and_name_whatever_the_order_of_members)
{
	cr_assert_eq(add("{\"pods\":[" POD("b", "x", "1") "," POD("a", "z",
			 "2") "],"
			      "\"lastUpdateTime\":\"" WRITTEN "\",\"writer\":\"Agent\","
			      "\"nodeName\":\"n2\"}"),
	    0);
	cr_assert_eq(add(SLICE("n1", "\"pods\":[" POD("a", "y", "3") "]")), 0);
	cr_assert_str_eq(pods(), "a/y@n1 a/z@n2 b/x@n2 ");
	cr_assert_eq(inventory_slices(inventory), 2);
	cr_assert_str_eq(inventory_pod(inventory, 1)->slice->writer, "Agent");
	cr_assert_str_eq(problems(), "");
	inventory_forget(inventory);
	cr_assert_str_eq(pods(), "");
}

Test(inventory, filters)
{
	filter("n1", "a", "sip");
	cr_assert_eq(add(SLICE("n1", "\"podCount\":4,\"pods\":[" POD("a", "sip-0",
					 "1") "," POD("a", "gw-0", "2") "," POD("b",
					 "sip-0", "3") "," POD("a", "si", "4") "]")),
	    0);
	cr_assert_eq(add(SLICE("n2", "\"pods\":[" POD("a", "sip-9", "5") "]")), 0);
	cr_assert_str_eq(pods(), "a/sip-0@n1 ");
	cr_assert_eq(inventory_slices(inventory), 1);
	cr_assert_str_eq(problems(), "", "pods that are left out are there");
}

Test(inventory, a_pod_in_two_slices_is_taken_from_the_newer)
{
	cr_assert_eq(
	    add("{\"nodeName\":\"n1\",\"lastUpdateTime\":\"2026-01-02T03:04:06Z"
		"\",\"pods\":[" POD("a", "x", "1") "]}"),
	    0);
	cr_assert_eq(add(SLICE("n2", "\"pods\":[" POD("a", "x", "1") "]")), 0);
	cr_assert_eq(add(SLICE("n3", "\"pods\":[" POD("a", "x", "2") "]")), 0);
	cr_assert_str_eq(
	    pods(), "a/x@n1 a/x@n3 ", "but another pod of that name is one");
}

Test(inventory, what_is_no_slice_adds_nothing)
{
	static const char *const bad[] = {
	    "{}",
	    "[]",
	    "{\"nodeName\":7}",
	    "{\"nodeName\":\"n1\",\"pods\":{}}",
	    "{\"nodeName\":\"n1\",\"pods\":[7]}",
	    "{\"nodeName\":\"n1\",\"pods\":[" POD("a", "x", "1") ",{\"ip\":1}]}",
	    "{\"nodeName\":\"n1\",\"lastUpdateTime\":\"yesterday\"}",
	    "{\"nodeName\":\"n1\",\"parts\":\"two\"}",
	    "{\"nodeName\":\"n1\"",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(add(bad[i]), -EBADMSG, "%s", bad[i]);
	cr_assert_str_eq(pods(), "");
	cr_assert_eq(inventory_slices(inventory), 0);
}

Test(inventory, nodes_that_are_not_all_there)
{
	cr_assert_eq(add(SLICE("lacks", "\"part\":2,\"parts\":2,\"podCount\":0")), 0);
	cr_assert_eq(
	    add(SLICE("short", "\"podCount\":2,\"pods\":[" POD("a", "x", "1") "]")), 0);
	cr_assert_eq(add(SLICE("mixed", "\"part\":2,\"parts\":2,\"podCount\":0")), 0);
	cr_assert_eq(add(SLICE("mixed", "\"part\":1,\"parts\":3,\"podCount\":0")), 0);
	cr_assert_eq(add(SLICE("twice", "\"part\":2,\"parts\":2,\"podCount\":0")), 0);
	cr_assert_eq(add(SLICE("twice", "\"part\":2,\"parts\":2,\"podCount\":0")), 0);
	cr_assert_eq(add(SLICE("counts", "\"part\":1,\"parts\":2,\"podCount\":0")), 0);
	cr_assert_eq(add(SLICE("counts", "\"part\":2,\"parts\":2,\"podCount\":1")), 0);
	cr_assert_eq(add(SLICE("uids", "\"part\":1,\"parts\":2,\"nodeUID\":\"a\"")), 0);
	cr_assert_eq(add(SLICE("uids", "\"part\":2,\"parts\":2,\"nodeUID\":\"b\"")), 0);
	cr_assert_eq(add(SLICE("whole", "\"part\":2,\"parts\":2,\"podCount\":1")), 0);
	cr_assert_eq(add(SLICE("whole", "\"part\":1,\"parts\":2,\"podCount\":1,"
					"\"pods\":[" POD("a", "y", "2") "]")),
	    0);
	cr_assert_str_eq(problems(), "counts has slices of different times\n"
				     "lacks has 1 of 2 slices\n"
				     "mixed has slices of different times\n"
				     "short has 1 of 2 pods\n"
				     "twice has slices of different times\n"
				     "uids has slices of two nodes of that name\n");
}

#define OF_AGENT(node, time)                                                           \
	"{\"nodeName\":\"" node "\",\"writer\":\"Agent\",\"lastUpdateTime\":\"" time   \
	"\"}"

Test(inventory, old_slices)
{
	cr_assert_eq(add(OF_AGENT("n1", "2026-01-02T02:45:04Z")), 0);
	cr_assert_eq(add(OF_AGENT("n2", "2026-01-02T02:45:05Z")), 0);
	cr_assert_eq(add("{\"nodeName\":\"n3\",\"writer\":\"Agent\"}"), 0);
	cr_assert_eq(add("{\"nodeName\":\"n4\",\"writer\":\"Leader\","
			 "\"lastUpdateTime\":\"2026-01-01T00:00:00Z\"}"),
	    0);
	cr_assert_str_eq(problems(), "n1 was last written by its agent 20m ago\n"
				     "n3 does not say when it was written\n");
	cr_assert_eq(inventory_by_leader(inventory), 1);
}

/* --- shown --------------------------------------------------------------------------
 */

static const char *
printed(void (*print)(FILE *out))
{
	static char text[8192];
	FILE *out = fmemopen(text, sizeof text, "w");

	inventory_finish(inventory);
	print(out);
	fclose(out);
	return text;
}

static void
table(FILE *out)
{
	pods_print_table(inventory, false, NOW_MS, out);
}

static void
names(FILE *out)
{
	pods_print_names(inventory, out);
}

static void
json(FILE *out)
{
	struct pods_sources sources = {.leads = LEADS_YES, .kubelets = kubelets};

	pods_print_json(inventory, &sources, NOW_MS, out);
}

Test(inventory, nothing_of_it_reaches_a_terminal_as_a_command)
{
	cr_assert_eq(
	    add(SLICE("n1", "\"pods\":[{\"podName\":\"x\\u001b[2J\\u009b y\","
			    "\"namespace\":\"a\",\"ip\":\"10.0.0.1\\\"\\u202e\"}]")),
	    0);
	cr_assert_str_eq(printed(names), "a/x?[2J?? y\n");
	cr_assert_str_eq(printed(table),
	    "NAMESPACE  NAME       IP            NODE  PHASE   AGE\n"
	    "a          x?[2J???y  10.0.0.1\"???  n1    <none>  <none>\n");
}

Test(inventory, json)
{
	cr_assert_eq(add(SLICE("n1", "\"podCount\":2,\"nodeIP\":\"10.1.0.1\","
				     "\"writer\":\"Leader\",\"pods\":["
				     "{\"podName\":\"x\\u001b\\u009b\\\"\","
				     "\"namespace\":\"a\",\"uid\":\"u\","
				     "\"ip\":\"10.0.0.1\",\"ips\":[\"10.0.0.1\","
				     "\"fd00::1\"],\"hostNetwork\":true,"
				     "\"phase\":\"Running\","
				     "\"creationTimestamp\":\"" WRITTEN "\"}]")),
	    0);
	cr_assert_str_eq(printed(json),
	    "{\"pods\":[\n"
	    "{\"namespace\":\"a\",\"podName\":\"x\\u001b\\u009b\\\"\",\"uid\":\"u\","
	    "\"ip\":\"10.0.0.1\",\"ips\":[\"10.0.0.1\",\"fd00::1\"],"
	    "\"nodeName\":\"n1\",\"nodeIP\":\"10.1.0.1\",\"hostNetwork\":true,"
	    "\"phase\":\"Running\",\"creationTimestamp\":\"" WRITTEN "\","
	    "\"writer\":\"Leader\",\"lastUpdateTime\":\"" WRITTEN "\"}\n"
	    "],\"problems\":[\n"
	    "{\"nodeName\":\"n1\",\"problem\":\"has 1 of 2 pods\"}\n"
	    "],\"silentKubelets\":[\n"
	    "],\"kubeletsNotKnown\":1,\"unreadableSlices\":0,\"byLeader\":1,"
	    "\"leads\":\"yes\",\"complete\":false}\n");
}

/* --- kubelets -----------------------------------------------------------------------
 */

static int
hear(const char *node, const char *spec)
{
	char lease[512];
	int len = snprintf(lease, sizeof lease,
	    "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s}}", node, spec);

	return kubelets_add(kubelets, lease, (size_t)len);
}

Test(inventory, a_kubelet_is_silent_when_its_lease_has_run_out)
{
	static const char renewed[] = "\"renewTime\":\"2026-01-02T03:04:05.000000Z\"";
	int64_t at_ms = NOW_MS - 60000, since_ms = 0;

	cr_assert_eq(kubelets_of(kubelets, "n1", at_ms, &since_ms), KUBELET_NOT_KNOWN);
	cr_assert_eq(hear("n1", renewed), 0);
	cr_assert_eq(
	    kubelets_of(kubelets, "n1", at_ms + 40000, &since_ms), KUBELET_ALIVE);
	cr_assert_eq(since_ms, 0);
	cr_assert_eq(
	    kubelets_of(kubelets, "n1", at_ms + 40001, &since_ms), KUBELET_SILENT);
	cr_assert_eq(since_ms, at_ms);
	cr_assert_eq(hear("n2", "\"renewTime\":\"2026-01-02T03:04:05Z\","
				"\"leaseDurationSeconds\":100"),
	    0);
	cr_assert_eq(
	    kubelets_of(kubelets, "n2", at_ms + 99000, &since_ms), KUBELET_ALIVE);
	cr_assert_eq(hear("n3", ""), -EBADMSG);
	cr_assert_eq(hear("n3", "\"renewTime\":7"), -EBADMSG);
	cr_assert_eq(kubelets_add(kubelets, "x", 1), -EBADMSG);
	cr_assert_eq(kubelets_of(kubelets, "n3", at_ms, &since_ms), KUBELET_NOT_KNOWN);
}

Test(inventory, json_of_silent_kubelets)
{
	cr_assert_eq(add(SLICE("n1", "\"podCount\":0,\"pods\":[]")), 0);
	cr_assert_eq(add(SLICE("n2", "\"podCount\":0,\"pods\":[]")), 0);
	hear("n1", "\"renewTime\":\"" WRITTEN "\"");
	hear("n2", "\"renewTime\":\"" WRITTEN "\",\"leaseDurationSeconds\":600");
	cr_assert_str_eq(printed(json),
	    "{\"pods\":[\n"
	    "],\"problems\":[\n"
	    "],\"silentKubelets\":[\n"
	    "{\"nodeName\":\"n1\",\"since\":\"" WRITTEN "\"}\n"
	    "],\"kubeletsNotKnown\":0,\"unreadableSlices\":0,\"byLeader\":2,"
	    "\"leads\":\"yes\",\"complete\":false}\n");
}
