#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hold.h"
#include "sim.h"

static void
add(struct sim_faults *faults, const char *json)
{
	char error[256] = "";

	cr_assert_eq(sim_faults_add(faults, json, error, sizeof error), 0, "%s: %s",
	    json, error);
}

static bool
take(struct sim_faults *faults, const char *target, const char *method,
    const char *path, struct sim_fault *ret_fault)
{
	const struct sim_seen seen = {target, method, path, "", "", ""};

	return sim_faults_take(faults, &seen, ret_fault);
}

static int
take_status(
    struct sim_faults *faults, const char *target, const char *method, const char *path)
{
	const struct sim_seen seen = {target, method, path, "list", "u", ""};
	struct sim_fault fault = {.status = -1};

	return sim_faults_take(faults, &seen, &fault) ? fault.status : 0;
}

Test(sim_fault, none)
{
	struct sim_faults *faults = sim_faults_new();
	struct sim_fault fault = {.status = 7};

	cr_expect_not(take(faults, "kube", "GET", "/", &fault));
	cr_expect_eq(fault.status, 7);
	sim_faults_free(faults);
	sim_faults_free(NULL);
}

Test(sim_fault, every_key)
{
	struct sim_faults *faults = sim_faults_new();
	struct sim_fault fault;

	add(faults, "{\"target\":\"gce\",\"method\":\"POST\",\"path\":\"/addresses\","
		    "\"status\":503,\"body\":\"down\",\"delay_ms\":250,"
		    "\"drop_before\":true,\"drop_after\":false,"
		    "\"operation_error\":\"QUOTA_EXCEEDED\",\"count\":3}");
	cr_assert(take(faults, "gce", "POST", "/v1/addresses/x", &fault));
	cr_expect_str_eq(fault.target, "gce");
	cr_expect_str_eq(fault.method, "POST");
	cr_expect_str_eq(fault.path, "/addresses");
	cr_expect_eq(fault.status, 503);
	cr_expect_str_eq(fault.body, "down");
	cr_expect_eq(fault.delay_ms, 250);
	cr_expect(fault.drop_before);
	cr_expect_not(fault.drop_after);
	cr_expect_str_eq(fault.operation_error, "QUOTA_EXCEEDED");
	cr_expect_eq(fault.count, 2);
	sim_faults_free(faults);
}

Test(sim_fault, keys_of_the_kubernetes_api)
{
	const struct sim_seen seen = {"kube", "GET", "/api/v1/nodes", "watch", "u", ""};
	struct sim_faults *faults = sim_faults_new();
	struct sim_fault fault;

	add(faults, "{\"target\":\"kube\",\"verb\":\"watch\",\"user\":\"u\","
		    "\"status\":429,\"retry_after_s\":3,\"cut_after\":0,"
		    "\"trickle_ms\":4,\"error_event\":410,\"read_version\":5,"
		    "\"repeat_events\":6}");
	cr_assert(sim_faults_take(faults, &seen, &fault));
	cr_expect_str_eq(fault.verb, "watch");
	cr_expect_str_eq(fault.user, "u");
	cr_expect_eq(fault.retry_after_s, 3);
	cr_expect(fault.cuts);
	cr_expect_eq(fault.cut_after, 0);
	cr_expect_not(fault.stalls);
	cr_expect_eq(fault.trickle_ms, 4);
	cr_expect_eq(fault.error_event, 410);
	cr_expect_eq(fault.read_version, 5);
	cr_expect_eq(fault.repeat_events, 6);
	add(faults, "{\"target\":\"kube\",\"stall_after\":7}");
	cr_assert(sim_faults_take(faults, &seen, &fault));
	cr_expect(fault.stalls);
	cr_expect_eq(fault.stall_after, 7);
	cr_expect_not(fault.cuts);
	sim_faults_free(faults);
}

Test(sim_fault, matches_verb_and_user)
{
	struct sim_faults *faults = sim_faults_new();

	add(faults, "{\"target\":\"kube\",\"verb\":\"watch\",\"status\":500}");
	add(faults, "{\"target\":\"kube\",\"user\":\"other\",\"status\":501}");
	add(faults, "{\"target\":\"kube\",\"verb\":\"list\",\"user\":\"u\","
		    "\"status\":502}");
	cr_expect_eq(take_status(faults, "kube", "GET", "/"), 502);
	cr_expect_eq(take_status(faults, "kube", "GET", "/"), 0);
	sim_faults_free(faults);
}

Test(sim_fault, of_connections)
{
	struct sim_faults *faults = sim_faults_new();

	add(faults, "{\"target\":\"kube\",\"tls_failure\":true,\"count\":2}");
	cr_expect_eq(take_status(faults, "kube", "GET", "/"), 0);
	cr_expect_not(sim_faults_take_connection(faults, "gce"));
	cr_expect(sim_faults_take_connection(faults, "kube"));
	cr_expect(sim_faults_take_connection(faults, "kube"));
	cr_expect_not(sim_faults_take_connection(faults, "kube"));
	sim_faults_free(faults);
}

Test(sim_fault, object_as_body)
{
	struct sim_faults *faults = sim_faults_new();
	struct sim_fault fault;

	add(faults, "{\"target\":\"kube\",\"status\":500,"
		    "\"body\":{\"kind\": \"Status\", \"message\": \"a/b\"}}");
	cr_assert(take(faults, "kube", "GET", "/", &fault));
	cr_expect_str_eq(fault.body, "{\"kind\":\"Status\",\"message\":\"a/b\"}");
	sim_faults_free(faults);
}

Test(sim_fault, matches_target_method_and_path)
{
	struct sim_faults *faults = sim_faults_new();

	add(faults, "{\"target\":\"kube\",\"method\":\"PATCH\",\"path\":\"/nodes/\","
		    "\"status\":500,\"count\":-1}");
	cr_expect_eq(take_status(faults, "gce", "PATCH", "/api/v1/nodes/n1"), 0);
	cr_expect_eq(take_status(faults, "kube", "GET", "/api/v1/nodes/n1"), 0);
	cr_expect_eq(take_status(faults, "kube", "PATCH", "/api/v1/nodes"), 0);
	cr_expect_eq(take_status(faults, "kube", "PATCH", "/api/v1/nodes/n1"), 500);
	cr_expect_eq(
	    take_status(faults, "kube", "PATCH", "/api/v1/nodes/n1/status"), 500);
	sim_faults_free(faults);
}

Test(sim_fault, matches_body)
{
	struct sim_seen seen = {"kube", "PATCH", "/api/v1/nodes/n1", "patch", "u", ""};
	struct sim_faults *faults = sim_faults_new();
	struct sim_fault fault;

	add(faults, "{\"target\":\"kube\",\"contains\":\"\\\"ip.ready\\\":null\","
		    "\"status\":500}");
	cr_expect_not(sim_faults_take(faults, &seen, &fault));
	seen.body = "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\"}}}";
	cr_expect_not(sim_faults_take(faults, &seen, &fault));
	seen.body = "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}";
	cr_expect(sim_faults_take(faults, &seen, &fault));
	sim_faults_free(faults);
}

Test(sim_fault, what_is_held)
{
	const struct sim_seen one = {"kube", "PATCH", "/a\"b", "patch", "u", ""};
	const struct sim_seen two = {"gce", "POST", "/c", "", "", ""};
	struct sim_faults *faults = sim_faults_new();
	struct sim_holds *holds = sim_faults_holds(faults);
	uint64_t first = sim_holds_add(holds, &one, SIM_HOLD_AFTER);
	uint64_t second = sim_holds_add(holds, &two, SIM_HOLD_OPERATION);
	struct buf list;

	buf_init(&list, 1024);
	cr_expect(sim_holds_last(holds, first));
	cr_expect(sim_holds_last(holds, second));
	cr_expect_not(sim_holds_last(holds, 0));
	sim_holds_list(holds, &list);
	cr_expect_not_null(strstr(list.data,
	    "{\"held\":[{\"target\":\"kube\",\"method\":\"PATCH\",\"path\":\"/a\\\"b\","
	    "\"hold\":\"after\",\"for_ms\":"));
	cr_expect_not_null(strstr(list.data,
	    ",{\"target\":\"gce\",\"method\":\"POST\",\"path\":\"/c\",\"hold\":"
	    "\"operation\",\"for_ms\":"));
	sim_faults_clear(faults);
	cr_expect_not(sim_holds_last(holds, first));
	buf_reset(&list);
	sim_holds_list(holds, &list);
	cr_expect_str_eq(list.data, "{\"held\":[]}\n");
	cr_expect_gt(sim_holds_add(holds, &one, SIM_HOLD_BEFORE), second);
	buf_free(&list);
	sim_faults_free(faults);
}

Test(sim_fault, order_and_count)
{
	struct sim_faults *faults = sim_faults_new();

	add(faults, "{\"target\":\"kube\",\"path\":\"/a\",\"status\":501}");
	add(faults, "{\"target\":\"kube\",\"status\":502,\"count\":2}");
	add(faults, "{\"target\":\"kube\",\"status\":503,\"count\":-1}");
	cr_expect_eq(take_status(faults, "kube", "GET", "/b"), 502);
	cr_expect_eq(take_status(faults, "kube", "GET", "/a"), 501);
	cr_expect_eq(take_status(faults, "kube", "GET", "/a"), 502);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(take_status(faults, "kube", "GET", "/a"), 503);
	sim_faults_clear(faults);
	cr_expect_eq(take_status(faults, "kube", "GET", "/a"), 0);
	sim_faults_free(faults);
}

Test(sim_fault, refusals)
{
	static const struct {
		const char *json;
		const char *reason;
	} bad[] = {
	    {"", "fault must be one JSON object"},
	    {"{\"target\":\"kube\"", "fault must be one JSON object"},
	    {"[]", "fault must be one JSON object"},
	    {"null", "fault must be one JSON object"},
	    {"{\"target\":\"kube\",\"status\":500} x", "fault must be one JSON object"},
	    {"{\"status\":500}", "target must be kube, gce or metadata"},
	    {"{\"target\":\"aws\",\"status\":500}",
		"target must be kube, gce or metadata"},
	    {"{\"target\":1,\"status\":500}", "target must be a text"},
	    {"{\"target\":\"kubernetes-api-server\"}", "target is too long"},
	    {"{\"target\":\"kube\",\"path\":\"a\\u0000b\",\"status\":500}",
		"path must not contain NUL"},
	    {"{\"target\":\"kube\"}", "fault does nothing"},
	    {"{\"target\":\"kube\",\"drop_before\":false}", "fault does nothing"},
	    {"{\"target\":\"kube\",\"drop_before\":1}",
		"drop_before must be true or false"},
	    {"{\"target\":\"kube\",\"drop_before\":true,\"drop_after\":true}",
		"drop_before excludes drop_after"},
	    {"{\"target\":\"kube\",\"hold\":\"still\"}",
		"hold must be before, after, operation or wait"},
	    {"{\"target\":\"kube\",\"hold\":\"wait\"}",
		"hold of an operation is for target gce only"},
	    {"{\"target\":\"gce\",\"hold\":\"before\",\"delay_ms\":1}",
		"hold goes alone"},
	    {"{\"target\":\"kube\",\"status\":199}", "status is out of range"},
	    {"{\"target\":\"kube\",\"status\":600}", "status is out of range"},
	    {"{\"target\":\"kube\",\"status\":\"500\"}",
		"status must be a whole number"},
	    {"{\"target\":\"kube\",\"delay_ms\":-1}", "delay_ms is out of range"},
	    {"{\"target\":\"kube\",\"delay_ms\":600001}", "delay_ms is out of range"},
	    {"{\"target\":\"kube\",\"status\":500,\"count\":0}", "count must not be 0"},
	    {"{\"target\":\"kube\",\"status\":500,\"count\":-2}",
		"count is out of range"},
	    {"{\"target\":\"kube\",\"drop_after\":true,\"body\":\"x\"}",
		"body needs a status"},
	    {"{\"target\":\"kube\",\"drop_after\":true,\"retry_after_s\":1}",
		"retry_after_s needs a status"},
	    {"{\"target\":\"kube\",\"cut_after\":1,\"stall_after\":1}",
		"cut_after excludes stall_after"},
	    {"{\"target\":\"kube\",\"cut_after\":-1}", "cut_after is out of range"},
	    {"{\"target\":\"kube\",\"trickle_ms\":0}", "trickle_ms is out of range"},
	    {"{\"target\":\"kube\",\"error_event\":200}",
		"error_event is out of range"},
	    {"{\"target\":\"gce\",\"cut_after\":1}", "fault has keys that are"},
	    {"{\"target\":\"gce\",\"status\":500,\"user\":\"u\"}",
		"fault has keys that are"},
	    {"{\"target\":\"kube\",\"verb\":\"get\"}", "fault does nothing"},
	    {"{\"target\":\"kube\",\"operation_error\":\"X\"}",
		"operation_error is for target gce only"},
	    {"{\"target\":\"kube\",\"status\":500,\"Path\":\"/\"}",
		"Path is not a key of a fault"},
	};
	struct sim_faults *faults = sim_faults_new();

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char error[256] = "";

		cr_expect_eq(sim_faults_add(faults, bad[i].json, error, sizeof error),
		    -EINVAL, "%s", bad[i].json);
		cr_expect_eq(strncmp(error, bad[i].reason, strlen(bad[i].reason)), 0,
		    "%s: %s", bad[i].json, error);
	}
	cr_expect_eq(take_status(faults, "kube", "GET", "/"), 0);
	sim_faults_free(faults);
}

Test(sim_fault, limit)
{
	struct sim_faults *faults = sim_faults_new();
	char error[256] = "";
	int added = 0;

	while (added < 10000 &&
	       sim_faults_add(faults, "{\"target\":\"kube\",\"status\":500}", error,
		   sizeof error) == 0)
		added++;
	cr_expect_eq(added, 256);
	cr_expect_str_eq(error, "faults are too many");
	cr_expect_eq(take_status(faults, "kube", "GET", "/"), 500);
	add(faults, "{\"target\":\"kube\",\"status\":500}");
	sim_faults_free(faults);
}
