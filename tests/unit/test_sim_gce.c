/* The simulated Compute Engine: its calls, its operations, its refusals and its faults,
 * as CLOUDS.md §1 tells of the real one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_gce_rig.h"

#define ID_1 "6f1c0c1e-0000-4000-8000-000000000001"
#define ID_2 "6f1c0c1e-0000-4000-8000-000000000002"

#define INSTANCES "zones/" RIG_ZONE "/instances"
#define NODE_1	  INSTANCES "/node-1"

TestSuite(sim_gce, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

static void
expect_refusal(int status, const char *reason, const char *message)
{
	cr_expect_eq(rig.status, status, "%d: %s", rig.status, rig.text);
	cr_expect_str_eq(rig_reason(), reason, "%s", rig.text);
	cr_expect_not_null(
	    strstr(rig_text(rig.json, "error/message"), message), "%s", rig.text);
	cr_expect_eq(strtol(rig_text(rig.json, "error/code"), NULL, 10), status);
}

/* --- who may call ------------------------------------------------------------------
 */

Test(sim_gce, without_a_good_token_nothing_is_told)
{
	char first[64];

	snprintf(first, sizeof first, "%s", rig.token);
	rig_login();
	cr_expect_str_neq(first, rig.token);
	snprintf(rig.token, sizeof rig.token, "%s", first);
	rig_call("GET", INSTANCES, NULL);
	cr_expect_eq(rig.status, 200, "an older token is good until it expires");
	rig.token[0] = '\0';
	rig_call("GET", INSTANCES, NULL);
	expect_refusal(401, "required", "missing required authentication");
	cr_expect_not_null(strstr(rig.headers, "WWW-Authenticate: Bearer"));
	snprintf(rig.token, sizeof rig.token, "ya29.unknown");
	rig_call("GET", INSTANCES, NULL);
	expect_refusal(401, "authError", "invalid authentication");
	cr_expect_str_eq(rig_text(rig.json, "error/status"), "UNAUTHENTICATED");
}

Test(sim_gce, tokens_expire_and_can_be_revoked)
{
	rig_control("POST", "/gce/settings", "{\"token_ttl_s\":0}");
	rig_login();
	cr_expect_str_eq(rig_text(rig.json, "expires_in"), "0");
	rig_call("GET", INSTANCES, NULL);
	expect_refusal(401, "authError", "");
	rig_control("POST", "/gce/settings", "{\"token_ttl_s\":100}");
	rig_login();
	rig_call("GET", INSTANCES, NULL);
	cr_expect_eq(rig.status, 200);
	rig_control("DELETE", "/gce/tokens", NULL);
	rig_call("GET", INSTANCES, NULL);
	expect_refusal(401, "authError", "");
}

Test(sim_gce, metadata_server_tells_only_who_asks_rightly)
{
	const char *token =
	    "/computeMetadata/v1/instance/service-accounts/default/token";

	rig_metadata(token, NULL);
	cr_expect_eq(rig.status, 403);
	rig_metadata(token, "Other");
	cr_expect_eq(rig.status, 403);
	rig_metadata(token, "Google");
	cr_expect_str_eq(rig_text(rig.json, "token_type"), "Bearer");
	cr_expect_str_eq(rig_text(rig.json, "expires_in"), "3599");
	cr_expect_not_null(strstr(rig.headers, "Metadata-Flavor: Google\n"));
	rig_metadata("/computeMetadata/v1/project/project-id", "Google");
	cr_expect_str_eq(rig.text, RIG_PROJECT);
	rig_metadata(
	    "/computeMetadata/v1/instance/attributes/cluster-location", "Google");
	cr_expect_str_eq(rig.text, RIG_REGION);
	rig_metadata("/computeMetadata/v1/project/numeric-project-id", "Google");
	cr_expect_str_eq(rig.text, GCE_PROJECT_NUMBER);
	rig_metadata(
	    "/computeMetadata/v1/instance/service-accounts/default/email", "Google");
	cr_expect_not_null(strstr(rig.text, "@developer.gserviceaccount.com"));
	rig_metadata("/computeMetadata/v1/no/such/thing", "Google");
	cr_expect_eq(rig.status, 404);
	rig_fault("{\"target\":\"metadata\",\"status\":503}");
	rig_metadata(token, "Google");
	cr_expect_eq(rig.status, 503);
}

/* --- reading -----------------------------------------------------------------------
 */

Test(sim_gce, instances_go_by_name_or_number)
{
	char *target;

	rig_call("GET", NODE_1, NULL);
	cr_expect_str_eq(rig_text(rig.json, "name"), "node-1");
	cr_expect_str_eq(rig_text(rig.json, "status"), "RUNNING");
	target = mem_printf(INSTANCES "/%s", rig_text(rig.json, "id"));
	rig_call("GET", target, NULL);
	cr_expect_str_eq(rig_text(rig.json, "name"), "node-1", "%s", rig.text);
	free(target);
	rig_call("GET", INSTANCES "/node-9", NULL);
	expect_refusal(404, "notFound",
	    "The resource 'projects/sim-project/zones/us-west1-a/instances/node-9' was "
	    "not found");
	rig_call("GET", "zones/us-west1-b/instances/node-1", NULL);
	expect_refusal(404, "notFound", "");
	rig_call("GET", "zones/" RIG_ZONE "/disks", NULL);
	expect_refusal(404, "notFound", "");
}

Test(sim_gce, lists_come_in_pages)
{
	char *target;

	rig_call("GET", INSTANCES "?maxResults=2", NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "node-1", "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "items/1/name"), "node-2");
	cr_expect_str_eq(rig_text(rig.json, "items/2"), "");
	target = mem_printf(INSTANCES "?maxResults=2&pageToken=%s",
	    rig_text(rig.json, "nextPageToken"));
	rig_call("GET", target, NULL);
	free(target);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "node-3", "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "items/1"), "");
	cr_expect_str_eq(rig_text(rig.json, "nextPageToken"), "");
	rig_call("GET", INSTANCES "?orderBy=creationTimestamp desc", NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "node-3");
	rig_call("GET", INSTANCES "?maxResults=501", NULL);
	expect_refusal(400, "invalid", "maxResults");
	rig_call("GET", INSTANCES "?pageToken=zz", NULL);
	expect_refusal(400, "invalid", "pageToken");
	rig_call("GET", "zones/nowhere/instances", NULL);
	expect_refusal(400, "invalid", "Unknown zone");
}

Test(sim_gce, lists_are_filtered)
{
	rig_call("GET", INSTANCES "?filter=name = node-2", NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "node-2");
	cr_expect_str_eq(rig_text(rig.json, "items/1"), "");
	rig_control("POST", "/gce/instances/stop?zone=" RIG_ZONE "&name=node-2", NULL);
	rig_call(
	    "GET", INSTANCES "?filter=(status = RUNNING) (name != \"node-1\")", NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "node-3", "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "items/1"), "");
	rig_call("GET", "regions/" RIG_REGION "/addresses?filter=address=" RIG_B, NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/name"), "static-2");
	cr_expect_str_eq(rig_text(rig.json, "items/1"), "");
	rig_call("GET", INSTANCES "?filter=name = nobody", NULL);
	cr_expect_eq(rig.status, 200);
	cr_expect_not(json_object_object_get_ex(rig.json, "items", NULL));
	rig_call("GET", INSTANCES "?filter=name ~ node", NULL);
	expect_refusal(400, "invalid", "Invalid list filter expression");
}

Test(sim_gce, fields_leave_out_the_rest)
{
	rig_call("GET",
	    INSTANCES "?maxResults=1&fields=items(name,networkInterfaces/name),"
		      "nextPageToken",
	    NULL);
	cr_expect_str_eq(
	    json_object_to_json_string_ext(
		json_object_array_get_idx(json_object_object_get(rig.json, "items"), 0),
		JSON_C_TO_STRING_PLAIN),
	    "{\"name\":\"node-1\",\"networkInterfaces\":[{\"name\":\"nic0\"}]}");
	cr_expect_str_neq(rig_text(rig.json, "nextPageToken"), "");
	cr_expect_eq(json_object_object_length(rig.json), 2);
	rig_call("GET", INSTANCES "?fields=items(name", NULL);
	expect_refusal(400, "invalidParameter", "Invalid field selection");
}

Test(sim_gce, aggregated_lists_name_every_scope)
{
	struct json_object *scope;

	rig_call("GET", "aggregated/instances?filter=name = other-1", NULL);
	json_object_object_get_ex(rig.json, "items", &scope);
	cr_expect_str_eq(rig_text(json_object_object_get(scope, "zones/us-west1-b"),
			     "instances/0/name"),
	    "other-1", "%s", rig.text);
	cr_expect_str_eq(
	    rig_text(json_object_object_get(scope, "zones/us-west1-a"), "warning/code"),
	    "NO_RESULTS_ON_PAGE");
	rig_call("GET", "aggregated/addresses", NULL);
	json_object_object_get_ex(rig.json, "items", &scope);
	cr_expect_str_eq(rig_text(json_object_object_get(scope, "regions/us-west1"),
			     "addresses/1/name"),
	    "static-2", "%s", rig.text);
}

/* --- changing ----------------------------------------------------------------------
 */

Test(sim_gce, change_is_there_when_the_operation_ends)
{
	char *operation = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	char *fingerprint;

	cr_assert_not_null(operation, "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "status"), "PENDING");
	cr_expect_str_eq(rig_text(rig.json, "operationType"), "addAccessConfig");
	cr_expect_str_eq(rig_text(rig.json, "clientOperationId"), ID_1);
	rig_expect_config("node-1", "");
	fingerprint = mem_strdup(rig_text(rig.json, "networkInterfaces/0/fingerprint"));
	rig_expect_address("static-1", "RESERVED", "");
	cr_expect_str_eq(rig_wait(operation), "");
	cr_expect_str_eq(rig_text(rig.json, "progress"), "100");
	rig_expect_config("node-1", RIG_A " ipw-1");
	cr_expect_str_neq(
	    rig_text(rig.json, "networkInterfaces/0/fingerprint"), fingerprint);
	rig_expect_address("static-1", "IN_USE",
	    "/projects/" RIG_PROJECT "/zones/" RIG_ZONE "/instances/node-1");
	cr_expect_str_eq(rig_wait(rig_delete("node-1", "ipw-1", ID_2)), "");
	rig_expect_config("node-1", "");
	rig_expect_address("static-1", "RESERVED", "");
	free(fingerprint);
	rig_expect_clean_log();
}

Test(sim_gce, operation_ends_without_anyone_asking)
{
	int64_t give_up_ms = clock_mono().ms + 10000;

	rig_control("POST", "/gce/settings", "{\"operation_latency_ms\":30}");
	free(rig_add("node-1", "ipw-1", RIG_A, NULL));
	while (!gce_world_instance(rig.gce, RIG_ZONE, "node-1")->has_config &&
	       clock_mono().ms < give_up_ms)
		loop_run_once(rig.loop, 1000);
	cr_expect(gce_world_instance(rig.gce, RIG_ZONE, "node-1")->has_config);
}

Test(sim_gce, second_access_config_is_refused)
{
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	cr_expect_null(rig_add("node-1", "ipw-2", RIG_B, NULL));
	expect_refusal(
	    400, "badRequest", "At most one access config currently supported.");
	rig_expect_config("node-1", RIG_A " ipw-1");
	rig_expect_clean_log();
}

Test(sim_gce, delete_of_a_wrong_name_changes_nothing)
{
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	cr_expect_str_eq(rig_wait(rig_delete("node-1", "ipw-0", NULL)), "");
	rig_expect_config("node-1", RIG_A " ipw-1");
	rig_expect_clean_log();
}

Test(sim_gce, address_must_be_reserved_in_the_region)
{
	sim_gce_add_address(rig.gce, "europe-west4", "far", "34.90.1.1");
	cr_expect_null(rig_add("node-1", "ipw-1", "34.82.99.99", NULL));
	expect_refusal(400, "invalid",
	    "The specified external IP address '34.82.99.99' was not found in region "
	    "'us-west1'");
	cr_expect_null(rig_add("node-1", "ipw-1", "34.90.1.1", NULL));
	expect_refusal(400, "invalid", "was not found in region 'us-west1'");
	cr_expect_null(rig_add("node-1", "ipw-1", "34.82.10.999", NULL));
	expect_refusal(400, "invalid", "resource.natIP");
}

Test(sim_gce, address_held_elsewhere_is_refused)
{
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	cr_expect_null(rig_add("node-2", "ipw-2", RIG_A, NULL));
	expect_refusal(400, "invalid",
	    "Specified IP address is in-use and would result in a conflict.");
	rig_control("POST", "/gce/settings", "{\"conflict_in_operation\":true}");
	cr_expect_str_eq(rig_wait(rig_add("node-2", "ipw-2", RIG_A, NULL)),
	    "IP_IN_USE_BY_ANOTHER_RESOURCE");
	cr_expect_str_eq(rig_text(rig.json, "error/errors/0/message"),
	    "IP '" RIG_A "' is already being used by another resource.");
	cr_expect_str_eq(rig_text(rig.json, "httpErrorStatusCode"), "400");
	rig_control(
	    "POST", "/gce/hold", "{\"address\":\"" RIG_B "\",\"user\":\"lb-1\"}");
	rig_expect_address("static-2", "IN_USE", "/forwardingRules/lb-1");
	cr_expect_str_eq(rig_wait(rig_add("node-2", "ipw-2", RIG_B, NULL)),
	    "IP_IN_USE_BY_ANOTHER_RESOURCE");
	rig_control("DELETE", "/gce/hold?address=" RIG_B, NULL);
	cr_expect_str_eq(rig_wait(rig_add("node-2", "ipw-2", RIG_B, NULL)), "");
	rig_expect_clean_log();
}

/* Both were accepted; only one can win. */
Test(sim_gce, race_for_an_address_has_one_winner)
{
	char *first = rig_add("node-1", "ipw-1", RIG_A, NULL);
	char *second = rig_add("node-2", "ipw-2", RIG_A, NULL);

	cr_expect_str_eq(rig_wait(second), "IP_IN_USE_BY_ANOTHER_RESOURCE");
	cr_expect_str_eq(rig_wait(first), "");
	rig_expect_config("node-1", RIG_A " ipw-1");
	rig_expect_config("node-2", "");
	rig_expect_clean_log();
}

Test(sim_gce, same_request_id_is_the_same_operation)
{
	char *first = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	char *second = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	char *third;

	cr_assert(first != NULL && second != NULL, "%s", rig.text);
	cr_expect_str_eq(first, second);
	cr_expect_str_eq(rig_wait(second), "");
	third = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	cr_expect_str_eq(rig_text(rig.json, "status"), "DONE");
	cr_expect_str_eq(first, third);
	cr_expect_null(rig_add("node-2", "ipw-1", RIG_A, ID_1));
	expect_refusal(400, "invalid", "requestId");
	cr_expect_null(
	    rig_add("node-2", "c", RIG_B, "00000000-0000-0000-0000-000000000000"));
	expect_refusal(400, "invalid", "requestId");
	cr_expect_null(rig_add("node-2", "c", RIG_B, "one"));
	expect_refusal(400, "invalid", "requestId");
	rig_control("POST", "/gce/settings", "{\"request_id_ttl_s\":0}");
	cr_expect_null(rig_add("node-1", "ipw-1", RIG_A, ID_1), "it is forgotten");
	expect_refusal(400, "badRequest", "At most one");
	free(first);
	free(third);
	rig_expect_clean_log();
}

Test(sim_gce, busy_instance_takes_no_second_operation)
{
	char *first = rig_add("node-1", "ipw-1", RIG_A, NULL);

	cr_expect_null(rig_delete("node-1", "ipw-1", NULL));
	expect_refusal(400, "resourceNotReady", "is not ready");
	rig_control("POST", "/gce/settings", "{\"busy_in_operation\":true}");
	cr_expect_str_eq(
	    rig_wait(rig_delete("node-1", "ipw-1", NULL)), "RESOURCE_NOT_READY");
	cr_expect_str_eq(rig_wait(first), "");
	rig_expect_config("node-1", RIG_A " ipw-1");
	cr_expect_str_eq(rig_wait(rig_delete("node-1", "ipw-1", NULL)), "");
	rig_expect_clean_log();
}

Test(sim_gce, without_an_address_there_is_an_ephemeral_one)
{
	char *first, *second;

	rig_wait(rig_add("node-1", "external-nat", NULL, NULL));
	first = rig_config("node-1");
	cr_expect_eq(strncmp(first, "203.0.113.", 10), 0, "%s", first);
	rig_wait(rig_delete("node-1", "external-nat", NULL));
	rig_wait(rig_add("node-1", "external-nat", NULL, NULL));
	second = rig_config("node-1");
	cr_expect_str_neq(first, second);
	free(first);
	free(second);
	rig_expect_clean_log();
}

Test(sim_gce, malformed_changes_are_refused)
{
	rig_call("POST", NODE_1 "/addAccessConfig", "{}");
	expect_refusal(400, "required", "networkInterface");
	rig_call("POST", NODE_1 "/addAccessConfig?networkInterface=nic1", "{}");
	expect_refusal(400, "invalid", "networkInterface");
	rig_call("POST", NODE_1 "/addAccessConfig?networkInterface=nic0", "{");
	expect_refusal(400, "parseError", "");
	rig_call("POST", NODE_1 "/addAccessConfig?networkInterface=nic0",
	    "{\"natIp\":\"34.82.10.1\"}");
	expect_refusal(400, "invalid", "resource.natIp");
	rig_call("POST", NODE_1 "/addAccessConfig?networkInterface=nic0",
	    "{\"networkTier\":\"STANDARD\"}");
	expect_refusal(400, "invalid", "network tier");
	rig_call("POST", NODE_1 "/deleteAccessConfig?networkInterface=nic0", NULL);
	expect_refusal(400, "required", "accessConfig");
	cr_expect_null(rig_add("node-9", "ipw-1", RIG_A, NULL));
	expect_refusal(404, "notFound", "");
	rig_expect_config("node-1", "");
	/* a body with a newline at its end is none of these */
	rig_call("POST", NODE_1 "/addAccessConfig?networkInterface=nic0", "{}\n");
	cr_expect_eq(rig.status, 200, "%s", rig.text);
}

/* --- operations --------------------------------------------------------------------
 */

Test(sim_gce, wait_is_answered_when_the_operation_is_done)
{
	char *operation, *target;

	rig_control("POST", "/gce/settings", "{\"operation_latency_ms\":90}");
	operation = rig_add("node-1", "ipw-1", RIG_A, NULL);
	target = mem_printf("zones/" RIG_ZONE "/operations/%s/wait", operation);
	rig_call("POST", target, NULL);
	cr_expect_str_eq(rig_text(rig.json, "status"), "DONE", "%s", rig.text);
	cr_expect_lt(rig.took_ms, 100000, "not only when its patience ends");
	rig_expect_config("node-1", RIG_A " ipw-1");
	free(operation);
	free(target);
}

Test(sim_gce, wait_gives_up_in_time)
{
	char *operation, *target;

	rig_control("POST", "/gce/settings", "{\"wait_max_ms\":40}");
	operation = rig_add("node-1", "ipw-1", RIG_A, NULL);
	target = mem_printf("zones/" RIG_ZONE "/operations/%s/wait", operation);
	rig_call("POST", target, NULL);
	cr_expect_str_eq(rig_text(rig.json, "status"), "PENDING");
	cr_expect_geq(rig.took_ms, 40);
	free(operation);
	free(target);
}

Test(sim_gce, operations_are_found_by_name_number_and_request)
{
	char *operation = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	char *number = mem_strdup(rig_text(rig.json, "id"));
	char *target = mem_printf("zones/" RIG_ZONE "/operations/%s", number);

	rig_call("GET", target, NULL);
	cr_expect_str_eq(rig_text(rig.json, "name"), operation);
	rig_call("GET",
	    "zones/" RIG_ZONE "/operations?filter=clientOperationId = " ID_1, NULL);
	cr_expect_str_eq(rig_text(rig.json, "items/0/id"), number, "%s", rig.text);
	rig_call("GET", "zones/us-west1-b/operations", NULL);
	cr_expect_str_eq(rig_text(rig.json, "items"), "");
	rig_call("GET", "zones/" RIG_ZONE "/operations/operation-0", NULL);
	expect_refusal(404, "notFound", "");
	free(target);
	free(number);
	rig_wait(operation);
}

Test(sim_gce, vanished_instance_fails_its_operation_and_frees_its_address)
{
	char *old_id, *operation;

	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	rig_call("GET", NODE_1, NULL);
	old_id = mem_strdup(rig_text(rig.json, "id"));
	operation = rig_delete("node-1", "ipw-1", NULL);
	rig_control("DELETE", "/gce/instances?zone=" RIG_ZONE "&name=node-1", NULL);
	cr_expect_eq(rig.status, 200, "%s", rig.text);
	rig_expect_address("static-1", "RESERVED", "");
	cr_expect_str_eq(rig_wait(operation), "RESOURCE_NOT_FOUND");
	rig_control("POST", "/gce/instances",
	    "{\"zone\":\"" RIG_ZONE "\",\"name\":\"node-1\"}");
	cr_expect_str_neq(rig_text(rig.json, "id"), old_id, "a new VM of the old name");
	cr_expect_str_eq(rig_wait(rig_add("node-1", "ipw-2", RIG_A, NULL)), "");
	free(old_id);
	rig_expect_clean_log();
}

Test(sim_gce, stopped_instance_keeps_its_access_config)
{
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	rig_control("POST", "/gce/instances/stop?zone=" RIG_ZONE "&name=node-1", NULL);
	rig_expect_config("node-1", RIG_A " ipw-1");
	cr_expect_str_eq(rig_text(rig.json, "status"), "TERMINATED");
	rig_control("POST", "/gce/instances/start?zone=" RIG_ZONE "&name=node-1", NULL);
	rig_call("GET", NODE_1, NULL);
	cr_expect_str_eq(rig_text(rig.json, "status"), "RUNNING");
	rig_expect_clean_log();
}

static int64_t
latency_ms(const char *instance)
{
	const struct gce_operation *last;

	free(rig_add(instance, "c", NULL, NULL));
	last = TAILQ_LAST(&rig.gce->operations, gce_operation_list);
	return last->end.ms - last->inserted.ms;
}

Test(sim_gce, latency_follows_the_seed)
{
	const char *settings =
	    "{\"operation_latency_ms\":0,\"operation_jitter_ms\":50,\"seed\":7}";
	int64_t first[3];
	bool varies = false;

	rig_control("POST", "/gce/settings", settings);
	for (int i = 0; i < 3; i++) {
		char *name = mem_printf("node-%d", i + 1);

		first[i] = latency_ms(name);
		cr_expect(first[i] >= 0 && first[i] <= 50);
		varies = varies || first[i] != first[0];
		free(name);
	}
	cr_expect(varies);
	rig_teardown();
	rig_setup();
	rig_control("POST", "/gce/settings", settings);
	for (int i = 0; i < 3; i++) {
		char *name = mem_printf("node-%d", i + 1);

		cr_expect_eq(latency_ms(name), first[i]);
		free(name);
	}
}
