/* PodTrackers, their slices, and what they show of pods and nodes, from JSON to facts.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "project.h"

static struct msg_fact_pod pod;
static struct msg_fact_node node;
static struct msg_fact_tracker tracker;
static struct msg_fact_slice slice;

/* A pod of two families has its other address in podIPs alone. */
Test(project, pod_addresses_and_time)
{
	static const char json[] =
	    "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"creationTimestamp\":"
	    "\"1970-01-01T00:00:01Z\"},\"status\":{\"podIP\":\"10.0.0.1\",\"podIPs\":"
	    "[{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}]}}";

	cr_assert_eq(project_pod(json, strlen(json), &pod), 0);
	cr_assert_str_eq(pod.ip, "10.0.0.1");
	cr_assert_str_eq(pod.ip_other, "fd00::1");
	cr_assert_eq(pod.created_ms, 1000);
}

static int
node_of(const char *json)
{
	return project_node(json, strlen(json), &node);
}

/* A quantity that is none leaves its place empty, and the node is told of all the same.
 */
Test(project, node_resources)
{
	size_t cursor = 0;

	cr_assert_eq(
	    node_of("{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"status\":{"
		    "\"capacity\":{\"pods\":\"110\",\"cpu\":"
		    "\"8\",\"memory\":\"32781804Ki\"},\"allocatable\":{\"cpu\":7,"
		    "\"memory\":\"00000000000000000000000000000000000000\"}}}"),
	    0);
	cr_assert_str_eq(pack_next(&node.resources, &cursor), "8");
	cr_assert_str_eq(pack_next(&node.resources, &cursor), "32781804Ki");
	cr_assert_str_eq(pack_next(&node.resources, &cursor), "");
	cr_assert_str_eq(pack_next(&node.resources, &cursor), "");
	cr_assert_null(pack_next(&node.resources, &cursor));
}

/* With these members of metadata, and after it. */
static int
tracker_of(const char *metadata, const char *rest)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"t\",\"uid\":\"u\","
				"\"resourceVersion\":\"7\"%s}%s}",
	    metadata, rest);
	int rc = project_tracker(json, strlen(json), &tracker);

	free(json);
	return rc;
}

Test(project, tracker)
{
	cr_assert_eq(
	    tracker_of(",\"generation\":3",
		",\"spec\":{\"namespace\":\"voice\"},\"status\":{\"podIPs\":[{}],"
		"\"contentHash\":\"0123456789abcdef\",\"lastUpdateTime\":"
		"\"1970-01-01T00:00:01Z\",\"conditions\":[{\"type\":\"Ready\","
		"\"status\":\"True\",\"lastTransitionTime\":"
		"\"1970-01-01T00:00:02Z\"}]}"),
	    0);
	cr_assert_str_eq(tracker.name, "t");
	cr_assert_str_eq(tracker.resource_version, "7");
	cr_assert_eq(tracker.generation, 3);
	cr_assert_str_eq(tracker.namespace, "voice");
	cr_assert_str_eq(tracker.content_hash, "0123456789abcdef");
	cr_assert_eq(tracker.last_update_ms, 1000);
	cr_assert_eq(tracker.ready_since_ms, 2000);
	cr_assert_eq(tracker.deleting + tracker.finalizer, 0);
}

Test(project, tracker_of_little)
{
	cr_assert_eq(tracker_of("", ""), 0);
	cr_assert_str_eq(tracker.namespace, "");
	cr_assert_str_eq(tracker.content_hash, "");
	cr_assert_eq(tracker_of(",\"finalizers\":[\"a/b\"]", ",\"spec\":null"), 0);
	cr_assert_eq(tracker.finalizer, 0);
	cr_assert_eq(tracker_of(",\"deletionTimestamp\":\"1970-01-01T00:00:01Z\","
				"\"finalizers\":[\"a/b\",\"podtracker.networking."
				"learntosolveit.com/finalizer\"]",
			 ""),
	    0);
	cr_assert_eq(tracker.finalizer, 1);
	cr_assert_eq(tracker.deleting, 1);
	cr_assert_eq(tracker_of(",\"finalizers\":7", ""), -EBADMSG);
}

#define FORTY	"0123456789012345678901234567890123456789"
#define LONG	FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY
#define NO_TIME "\"2026-01-01T00:00:00." FORTY "Z\""

/* Whatever another hand has put there, it is told of: else it would stay there. */
Test(project, tracker_of_too_much)
{
	cr_assert_eq(
	    tracker_of("", ",\"spec\":{\"namespace\":\"" LONG "\"},\"status\":{"
			   "\"contentHash\":\"" LONG "\",\"lastUpdateTime\":" NO_TIME
			   ",\"conditions\":[{\"type\":\"" LONG "\",\"status\":\"" LONG
			   "\",\"lastTransitionTime\":" NO_TIME "},{\"type\":\"Ready\","
			   "\"reason\":\"" LONG "\",\"status\":\"True\","
			   "\"lastTransitionTime\":\"1970-01-01T00:00:02Z\"}]}"),
	    0);
	cr_assert_str_eq(tracker.namespace, "-", "that is none, and not all");
	cr_assert_str_eq(tracker.content_hash, "");
	cr_assert_eq(tracker.last_update_ms, 0);
	cr_assert_eq(tracker.ready_since_ms, 2000);
	cr_assert_eq(tracker_of("", ",\"spec\":{\"namespace\":\"" LONG), -EBADMSG);
}

static int
slice_of(const char *rest)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"n-2\",\"uid\":\"u\","
				"\"resourceVersion\":\"7\"}%s}",
	    rest);
	int rc = project_slice(json, strlen(json), &slice);

	free(json);
	return rc;
}

Test(project, slice)
{
	cr_assert_eq(
	    slice_of(",\"nodeName\":\"n\",\"nodeUID\":\"v\",\"writer\":\"Agent\","
		     "\"part\":2,\"parts\":3,\"pods\":[{\"part\":9}],\"contentHash\":"
		     "\"0123456789abcdef\",\"lastUpdateTime\":"
		     "\"1970-01-01T00:00:01Z\""),
	    0);
	cr_assert_str_eq(slice.name, "n-2");
	cr_assert_str_eq(slice.uid, "u");
	cr_assert_str_eq(slice.resource_version, "7");
	cr_assert_str_eq(slice.node, "n");
	cr_assert_str_eq(slice.node_uid, "v");
	cr_assert_eq(slice.agent, 1);
	cr_assert_eq(slice.part, 2);
	cr_assert_eq(slice.parts, 3);
	cr_assert_str_eq(slice.content_hash, "0123456789abcdef");
	cr_assert_eq(slice.updated_ms, 1000);
}

Test(project, slice_of_little)
{
	cr_assert_eq(slice_of(""), 0);
	cr_assert_str_eq(slice.node, "");
	cr_assert_eq(slice.part + slice.parts + slice.agent, 0);
	cr_assert_eq(slice_of(",\"writer\":\"Leader\",\"part\":-1,"
			      "\"parts\":4294967296"),
	    0);
	cr_assert_eq(slice.part + slice.parts + slice.agent, 0);
	cr_assert_eq(slice_of(",\"part\":\"2\""), -EBADMSG);
	cr_assert_eq(project_slice("{}", 2, &slice), -EBADMSG);
}

Test(project, slice_of_too_much)
{
	cr_assert_eq(slice_of(",\"nodeName\":\"" LONG "\",\"nodeUID\":\"" LONG
			      "\",\"writer\":\"" LONG "\",\"contentHash\":\"" LONG
			      "\",\"lastUpdateTime\":" NO_TIME ",\"part\":2"),
	    0);
	cr_assert_str_eq(slice.node, "");
	cr_assert_str_eq(slice.node_uid, "");
	cr_assert_str_eq(slice.content_hash, "");
	cr_assert_eq(slice.agent, 0);
	cr_assert_eq(slice.updated_ms, 0);
	cr_assert_eq(slice.part, 2);
}
