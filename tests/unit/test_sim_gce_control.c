/* The simulated Compute Engine's faults and control endpoint, and its replies held to
 * the cloud's own schemas. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_gce_rig.h"
#include "sim_gce_schema.h"

#define ID_1 "6f1c0c1e-0000-4000-8000-000000000001"
#define ID_2 "6f1c0c1e-0000-4000-8000-000000000002"

#define INSTANCES "zones/" RIG_ZONE "/instances"
#define NODE_1	  INSTANCES "/node-1"

TestSuite(sim_gce_control, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

/* --- faults ------------------------------------------------------------------------
 */

Test(sim_gce_control, lost_answer_can_be_asked_for_again)
{
	char *operation;

	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"drop_after\":true}");
	free(rig_add("node-1", "ipw-1", RIG_A, ID_1));
	cr_expect(rig.dropped);
	operation = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	cr_expect_not(rig.dropped);
	cr_expect_str_eq(rig_wait(operation), "");
	cr_expect_eq(rig.gce->operations_len, 1u);
	rig_fault("{\"target\":\"gce\",\"method\":\"POST\",\"drop_before\":true}");
	free(rig_delete("node-1", "ipw-1", ID_2));
	cr_expect(rig.dropped);
	cr_expect_eq(rig.gce->operations_len, 1u);
	rig_expect_clean_log();
}

Test(sim_gce_control, answers_are_held_back_or_replaced)
{
	struct exchange *late, *later;

	rig_fault("{\"target\":\"gce\",\"path\":\"node-1\",\"delay_ms\":60}");
	rig_fault("{\"target\":\"gce\",\"path\":\"node-2\",\"delay_ms\":30,"
		  "\"status\":503,\"body\":\"{}\"}");
	late = rig_send("GET", NODE_1, NULL);
	later = rig_send("GET", INSTANCES "/node-2", NULL);
	rig_call("GET", INSTANCES "/node-3", NULL);
	cr_expect_str_eq(rig_text(rig.json, "name"), "node-3");
	rig_finish(later);
	cr_expect_eq(rig.status, 503);
	cr_expect_str_eq(rig.text, "{}");
	cr_expect_geq(rig.took_ms, 30);
	rig_finish(late);
	cr_expect_str_eq(rig_text(rig.json, "name"), "node-1");
	cr_expect_geq(rig.took_ms, 60);
	cr_expect(TAILQ_EMPTY(&rig.gce->held));
}

Test(sim_gce_control, operation_fails_as_the_fault_says)
{
	rig_fault("{\"target\":\"gce\",\"path\":\"AccessConfig\","
		  "\"operation_error\":\"QUOTA_EXCEEDED\"}");
	cr_expect_str_eq(
	    rig_wait(rig_add("node-1", "ipw-1", RIG_A, ID_1)), "QUOTA_EXCEEDED");
	cr_expect_str_eq(rig_text(rig.json, "httpErrorStatusCode"), "403");
	rig_expect_config("node-1", "");
	cr_expect_str_eq(rig_wait(rig_add("node-1", "ipw-1", RIG_A, ID_2)), "");
	rig_expect_clean_log();
}

#define ADD_TO_NODE_1 NODE_1 "/addAccessConfig?networkInterface=nic0"
#define CONFIG_A      "{\"name\":\"ipw-1\",\"natIP\":\"" RIG_A "\"}"

Test(sim_gce_control, a_request_is_held_and_then_carried_out)
{
	struct exchange *held;

	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"contains\":\"" RIG_A
	    "\",\"hold\":\"before\"}");
	held = rig_send("POST", ADD_TO_NODE_1, CONFIG_A);
	loop_run_once(rig.loop, 30);
	cr_expect_eq(rig.gce->operations_len, 0u);
	sim_faults_clear(rig.faults);
	rig_finish(held);
	cr_expect_eq(rig.status, 200, "%s", rig.text);
	cr_expect_eq(rig.gce->operations_len, 1u);
}

Test(sim_gce_control, an_answer_is_held)
{
	struct exchange *held;

	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"hold\":\"after\"}");
	held = rig_send("POST", ADD_TO_NODE_1, CONFIG_A);
	cr_expect_eq(rig.gce->operations_len, 1u);
	rig_hasten();
	rig_expect_config("node-1", "");
	sim_faults_clear(rig.faults);
	rig_finish(held);
	cr_expect_eq(rig.status, 200, "%s", rig.text);
	cr_expect_eq(rig.gce->operations_len, 1u);
	rig_hasten();
	rig_expect_config("node-1", RIG_A " ipw-1");
}

Test(sim_gce_control, an_operation_is_held)
{
	char *operation;

	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"hold\":\"operation\"}");
	operation = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	rig_hasten();
	rig_expect_config("node-1", "");
	/* another one passes it by */
	cr_expect_str_eq(rig_wait(rig_add("node-2", "ipw-2", RIG_B, ID_2)), "");
	rig_expect_config("node-1", "");
	sim_faults_clear(rig.faults);
	cr_expect_str_eq(rig_wait(operation), "");
	rig_expect_config("node-1", RIG_A " ipw-1");
	rig_expect_clean_log();
}

/* Whether the address is on an instance, whatever is shown. */
static bool
is_attached(void)
{
	return gce_world_instance_with(rig.gce, RIG_A) != NULL;
}

Test(sim_gce_control, nothing_shows_that_the_operation_has_ended)
{
	struct exchange *wait, *read;
	char *operation, *target;

	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"hold\":\"wait\"}");
	operation = rig_add("node-1", "ipw-1", RIG_A, ID_1);
	target = mem_printf("zones/" RIG_ZONE "/operations/%s/wait", operation);
	rig_hasten();
	cr_expect(is_attached());
	rig_expect_config("node-1", "");
	rig_expect_address("static-1", "RESERVED", "");
	wait = rig_send("POST", target, NULL);
	target[strlen(target) - strlen("/wait")] = '\0';
	read = rig_send("GET", target, NULL);
	cr_expect_eq(rig.gce->held_len, 2u, "both are put off");
	sim_faults_clear(rig.faults);
	cr_expect_str_eq(rig_text(rig_finish(wait), "status"), "DONE");
	cr_expect_str_eq(rig_text(rig_finish(read), "status"), "DONE");
	rig_expect_config("node-1", RIG_A " ipw-1");
	/* the same with a detach */
	rig_fault(
	    "{\"target\":\"gce\",\"path\":\"deleteAccessConfig\",\"hold\":\"wait\"}");
	free(rig_delete("node-1", "ipw-1", ID_2));
	rig_hasten();
	cr_expect_not(is_attached());
	rig_expect_config("node-1", RIG_A " ipw-1");
	rig_expect_address("static-1", "IN_USE", "/instances/node-1");
	sim_faults_clear(rig.faults);
	rig_expect_config("node-1", "");
	rig_expect_clean_log();
	free(target);
	free(operation);
}

/* --- the control endpoint ----------------------------------------------------------
 */

Test(sim_gce_control, calls_are_counted_once)
{
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	rig_call("GET", INSTANCES, NULL);
	rig_call("GET", INSTANCES, NULL);
	rig_call("GET", "zones/" RIG_ZONE "/disks", NULL);
	rig_control("GET", "/gce/calls", NULL);
	cr_expect_str_eq(rig_text(rig.json, "instances.list"), "2", "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "instances.addAccessConfig"), "1");
	cr_expect_str_eq(rig_text(rig.json, "zoneOperations.wait"), "1");
	cr_expect_str_eq(rig_text(rig.json, "metadata.token"), "1");
	cr_expect_str_eq(rig_text(rig.json, "unknown"), "1");
}

Test(sim_gce_control, foreign_hand_is_not_ours)
{
	const char *take = "{\"zone\":\"us-west1-b\",\"name\":\"other-1\","
			   "\"address\":\"" RIG_A "\",\"replace\":true}";

	rig_wait(rig_add("node-1", "ipw-1", RIG_A, NULL));
	rig_control("POST", "/gce/foreign-attach",
	    "{\"zone\":\"us-west1-b\",\"name\":\"other-1\",\"address\":\"" RIG_A "\"}");
	cr_expect_eq(rig.status, 409);
	rig_control("POST", "/gce/foreign-attach", take);
	cr_expect_eq(rig.status, 200, "%s", rig.text);
	rig_expect_config("node-1", "");
	rig_expect_address("static-1", "IN_USE", "/instances/other-1");
	rig_control("DELETE", "/gce/addresses?address=" RIG_A, NULL);
	cr_expect_eq(rig.status, 409, "it is in use");
	rig_control("GET", "/gce/state", NULL);
	cr_expect_str_eq(
	    rig_text(rig.json, "instances/3/external_ip"), RIG_A, "%s", rig.text);
	cr_expect_str_eq(rig_text(rig.json, "addresses/0/instance"), "other-1");
	rig_control("POST", "/gce/foreign-detach?zone=us-west1-b&name=other-1", NULL);
	cr_expect_eq(rig.status, 200);
	rig_control("DELETE", "/gce/addresses?address=" RIG_A, NULL);
	cr_expect_eq(rig.status, 200);
	rig_expect_clean_log();
}

Test(sim_gce_control, control_says_what_is_wrong)
{
	static const struct {
		const char *method, *target, *body;
		int status;
	} cases[] = {
	    {"POST", "/gce/settings", "{\"operation_latency\":1}", 400},
	    {"POST", "/gce/settings", "{\"operation_latency_ms\":-1}", 400},
	    {"POST", "/gce/settings", "{\"conflict_in_operation\":1}", 400},
	    {"POST", "/gce/settings", "[]", 400},
	    {"POST", "/gce/instances", "{\"zone\":\"" RIG_ZONE "\"}", 400},
	    {"POST", "/gce/instances", "{\"zone\":\"x\",\"name\":\"n\"}", 400},
	    {"POST", "/gce/instances",
		"{\"zone\":\"" RIG_ZONE "\",\"name\":\"node-1\"}", 409},
	    {"POST", "/gce/addresses",
		"{\"region\":\"us-west1\",\"name\":\"n\",\"address\":\"" RIG_A "\"}",
		409},
	    {"POST", "/gce/hold", "{\"address\":\"1.2.3.4\",\"user\":\"u\"}", 404},
	    {"DELETE", "/gce/hold?address=" RIG_A, NULL, 404},
	    {"DELETE", "/gce/instances?zone=" RIG_ZONE "&name=node-9", NULL, 404},
	    {"DELETE", "/gce/instances", NULL, 400},
	    {"GET", "/gce/settings", NULL, 405},
	    {"GET", "/gce/nothing", NULL, 404},
	};
	struct sim_reply reply = {0};
	struct sim_request request = {.method = "GET", .path = "/kube/objects"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_control(cases[i].method, cases[i].target, cases[i].body);
		cr_expect_eq(rig.status, cases[i].status, "%s %s: %d %s",
		    cases[i].method, cases[i].target, rig.status, rig.text);
		cr_expect_str_neq(rig_text(rig.json, "error"), "", "%s", rig.text);
	}
	cr_expect_not(sim_gce_control(rig.gce, &request, &reply));
}

/* --- the log -----------------------------------------------------------------------
 */

/* Makes each kind of fact, in the order of `wanted` below. */
static void
make_every_fact(void)
{
	char *operation;

	rig_wait(rig_add("node-1", "ipw-1", RIG_A, ID_1));
	cr_expect_null(rig_add("node-1", "ipw-2", RIG_B, NULL));
	rig_wait(rig_delete("node-1", "ipw-0", NULL));
	rig_wait(rig_delete("node-1", "ipw-1", ID_2));
	rig_control("POST", "/gce/instances/stop?zone=" RIG_ZONE "&name=node-1", NULL);
	rig_control("POST", "/gce/instances/start?zone=" RIG_ZONE "&name=node-1", NULL);
	rig_control("POST", "/gce/hold", "{\"address\":\"" RIG_A "\",\"user\":\"lb\"}");
	rig_control("DELETE", "/gce/hold?address=" RIG_A, NULL);
	rig_control("POST", "/gce/foreign-attach",
	    "{\"zone\":\"us-west1-b\",\"name\":\"other-1\",\"address\":\"" RIG_A "\"}");
	rig_control("POST", "/gce/foreign-detach?zone=us-west1-b&name=other-1", NULL);
	rig_control("DELETE", "/gce/addresses?address=" RIG_A, NULL);
	operation = rig_add("node-2", "ipw-3", RIG_B, NULL);
	rig_control("DELETE", "/gce/instances?zone=" RIG_ZONE "&name=node-2", NULL);
	cr_expect_str_eq(rig_wait(operation), "RESOURCE_NOT_FOUND");
}

Test(sim_gce_control, log_tells_each_fact)
{
	static const struct {
		enum sim_fact_kind kind;
		const char *by, *code, *request_id;
	} wanted[] = {{SIM_FACT_START, "", "", ""}, {SIM_FACT_RESERVE, "", "", ""},
	    {SIM_FACT_RESERVE, "", "", ""}, {SIM_FACT_INSTANCE, "", "", ""},
	    {SIM_FACT_INSTANCE, "", "", ""}, {SIM_FACT_INSTANCE, "", "", ""},
	    {SIM_FACT_INSTANCE, "", "", ""}, {SIM_FACT_ATTACH, "api", "", ID_1},
	    {SIM_FACT_REFUSE, "api", "INVALID_USAGE", ""},
	    {SIM_FACT_NOOP, "api", "", ""}, {SIM_FACT_DETACH, "api", "", ID_2},
	    {SIM_FACT_STOP, "", "", ""}, {SIM_FACT_RUN, "", "", ""},
	    {SIM_FACT_HOLD, "", "", ""}, {SIM_FACT_UNHOLD, "", "", ""},
	    {SIM_FACT_ATTACH, "control", "", ""}, {SIM_FACT_DETACH, "control", "", ""},
	    {SIM_FACT_FREE, "", "", ""}, {SIM_FACT_VANISH, "", "", ""},
	    {SIM_FACT_REFUSE, "api", "RESOURCE_NOT_FOUND", ""}};
	char line[SIM_JOURNAL_LINE_MAX];
	struct sim_fact fact;
	FILE *log;

	make_every_fact();
	log = fopen(rig.log_path, "r");
	cr_assert_not_null(log);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		cr_assert_not_null(fgets(line, sizeof line, log), "line %zu", i + 1);
		cr_assert_eq(
		    sim_journal_parse(line, strcspn(line, "\n"), &fact), 0, "%s", line);
		cr_expect_eq(fact.kind, wanted[i].kind, "%s", line);
		cr_expect_str_eq(fact.by, wanted[i].by, "%s", line);
		cr_expect_str_eq(fact.code, wanted[i].code, "%s", line);
		cr_expect_str_eq(fact.request_id, wanted[i].request_id, "%s", line);
	}
	cr_expect_null(fgets(line, sizeof line, log), "%s", line);
	fclose(log);
	rig_expect_clean_log();
}

/* --- the cloud's own schemas -------------------------------------------------------
 */

/* The rig checks each reply; here is one of every kind. */
Test(sim_gce_control, replies_fit_the_schemas)
{
	static const char *const targets[] = {NODE_1, INSTANCES,
	    INSTANCES "?maxResults=1", "aggregated/instances?filter=name = node-1",
	    "zones/" RIG_ZONE "/operations", "regions/us-west1/addresses",
	    "regions/us-west1/addresses/static-1", "aggregated/addresses"};
	char why[256];

	if (rig.schemas == NULL) {
		fprintf(stderr, "skipped: no schemas at %s\n", rig.schemas_path);
		return;
	}
	rig_wait(rig_add("node-1", "ipw-1", RIG_A, ID_1));
	rig_control("POST", "/gce/settings", "{\"conflict_in_operation\":true}");
	rig_wait(rig_add("node-2", "ipw-2", RIG_A, NULL));
	rig_control("POST", "/gce/instances/stop?zone=" RIG_ZONE "&name=node-1", NULL);
	rig.checked = 0;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		rig_call("GET", targets[i], NULL);
		cr_expect_eq(rig.status, 200, "%s: %s", targets[i], rig.text);
	}
	cr_expect_eq(rig.checked, sizeof targets / sizeof targets[0]);
	/* the check itself can fail */
	rig_call("GET", NODE_1, NULL);
	json_object_object_add(rig.json, "status", json_object_new_string("ASLEEP"));
	cr_expect_lt(
	    schema_check(rig.schemas, "Instance", rig.json, why, sizeof why), 0);
	rig_call("GET", NODE_1, NULL);
	json_object_object_add(rig.json, "externalIp", json_object_new_string(RIG_A));
	cr_expect_lt(
	    schema_check(rig.schemas, "Instance", rig.json, why, sizeof why), 0);
	rig_call("GET", NODE_1, NULL);
	json_object_object_add(rig.json, "id", json_object_new_int(1));
	cr_expect_lt(
	    schema_check(rig.schemas, "Instance", rig.json, why, sizeof why), 0);
}
