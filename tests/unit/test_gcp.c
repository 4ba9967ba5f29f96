/* Requests and replies of the Compute Engine API, its errors, and the metadata token.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcp_error.h"
#include "gcp_reply.h"
#include "gcp_request.h"
#include "token_text.h"

#define UUID_TEXT "01234567-89ab-4cde-8f01-23456789abcd"

/* A call whose every text is sound. */
static struct cloud_call
sound_call(enum cloud_op op)
{
	return (struct cloud_call){
	    .op = op,
	    .project = "example.com:proj-1",
	    .place = op == CLOUD_LIST_ADDRESSES ? "europe-west1" : "europe-west1-b",
	    .instance = "1234567890123456789",
	    .nic = "nic0",
	    .address = "34.1.2.3",
	    .fence = "ipw-1",
	    .request_id = UUID_TEXT,
	    .operation = "operation-1-abc",
	    .page = "",
	};
}

static void
check_request(const struct cloud_call *call, const char *method, const char *path,
    const char *body)
{
	struct gcp_request request;
	const char *field = "";

	cr_assert_eq(gcp_request_build(call, &request, &field), 0, "%s", field);
	cr_assert_str_eq(request.method, method);
	cr_assert_str_eq(request.path.data, path);
	if (body != NULL)
		cr_assert_str_eq(request.body.data, body);
	else
		cr_assert_eq(request.body.len, 0);
	gcp_request_free(&request);
}

static void
check_refused(const struct cloud_call *call, const char *field_expected)
{
	struct gcp_request request;
	const char *field = "";

	cr_assert_eq(gcp_request_build(call, &request, &field), -EINVAL);
	cr_assert_str_eq(field, field_expected);
}

#define P "/projects/example.com:proj-1"
#define Z P "/zones/europe-west1-b"

Test(gcp_request, changes)
{
	struct cloud_call call = sound_call(CLOUD_ADD_CONFIG);

	check_request(&call, "POST",
	    Z "/instances/1234567890123456789/addAccessConfig?networkInterface=nic0"
	      "&requestId=" UUID_TEXT,
	    "{\"type\":\"ONE_TO_ONE_NAT\",\"name\":\"ipw-1\",\"natIP\":\"34.1.2.3\"}");
	call.address = "";
	call.fence = "a\"b";
	check_request(&call, "POST",
	    Z "/instances/1234567890123456789/addAccessConfig?networkInterface=nic0"
	      "&requestId=" UUID_TEXT,
	    "{\"type\":\"ONE_TO_ONE_NAT\",\"name\":\"a\\\"b\"}");
	call = sound_call(CLOUD_DELETE_CONFIG);
	call.fence = "External NAT&x=\xc3\xa9";
	check_request(&call, "POST",
	    Z "/instances/1234567890123456789/deleteAccessConfig?networkInterface=nic0"
	      "&accessConfig=External%20NAT%26x%3D%C3%A9&requestId=" UUID_TEXT,
	    NULL);
}

Test(gcp_request, reads)
{
	struct cloud_call call = sound_call(CLOUD_GET_INSTANCE);

	check_request(&call, "GET",
	    Z "/instances/1234567890123456789?fields=id,name,status,networkInterfaces("
	      "name,accessConfigs(name,natIP,type,networkTier))&prettyPrint=false",
	    NULL);
	call = sound_call(CLOUD_WAIT_OPERATION);
	check_request(&call, "POST", Z "/operations/operation-1-abc/wait", NULL);
	call = sound_call(CLOUD_GET_OPERATION);
	check_request(&call, "GET", Z "/operations/operation-1-abc", NULL);
	call = sound_call(CLOUD_LIST_INSTANCES);
	check_request(&call, "GET",
	    Z "/instances?maxResults=500&fields=items(id,name,status,"
	      "networkInterfaces(name,accessConfigs(name,natIP,type,networkTier))),"
	      "nextPageToken&prettyPrint=false",
	    NULL);
	call = sound_call(CLOUD_LIST_ADDRESSES);
	call.place = "global";
	check_request(&call, "GET",
	    P "/global/addresses?maxResults=500&fields=items(address,name,region,"
	      "networkTier,status,addressType,users),nextPageToken&prettyPrint=false",
	    NULL);
	call.place = "europe-west1";
	call.page = "a/b+c=";
	check_request(&call, "GET",
	    P
	    "/regions/europe-west1/addresses?maxResults=500&fields=items(address,name,"
	    "region,networkTier,status,addressType,users),nextPageToken"
	    "&prettyPrint=false&pageToken=a%2Fb%2Bc%3D",
	    NULL);
}

/* What could mean something else in a path never gets there. */
Test(gcp_request, unsound_texts_are_refused)
{
	static const char *const bad[] = {"", "a/b", "..", "a?b", "a b", "A%2f", "a\n"};
	struct cloud_call call;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		call = sound_call(CLOUD_GET_INSTANCE);
		call.project = bad[i];
		check_refused(&call, "project");
		call = sound_call(CLOUD_GET_INSTANCE);
		call.place = bad[i];
		check_refused(&call, "zone");
		call = sound_call(CLOUD_LIST_ADDRESSES);
		call.place = bad[i];
		check_refused(&call, "region");
		call = sound_call(CLOUD_GET_INSTANCE);
		call.instance = bad[i];
		check_refused(&call, "instance id");
		call = sound_call(CLOUD_GET_OPERATION);
		call.operation = bad[i];
		check_refused(&call, "operation");
		call = sound_call(CLOUD_ADD_CONFIG);
		call.nic = bad[i];
		check_refused(&call, "network interface");
		call = sound_call(CLOUD_ADD_CONFIG);
		call.request_id = bad[i];
		check_refused(&call, "request id");
	}
}

Test(gcp_request, names_are_no_ids)
{
	struct cloud_call call = sound_call(CLOUD_DELETE_CONFIG);

	call.instance = "node-1";
	check_refused(&call, "instance id");
	call = sound_call(CLOUD_DELETE_CONFIG);
	call.request_id = "00000000-0000-0000-0000-000000000000";
	check_refused(&call, "request id");
	call = sound_call(CLOUD_ADD_CONFIG);
	call.address = "34.1.2";
	check_refused(&call, "address");
	call = sound_call(CLOUD_ADD_CONFIG);
	call.fence = "";
	check_refused(&call, "access config");
}

/* --- replies ------------------------------------------------------------------- */

static void
read_reply(enum cloud_op op, int status, const char *body, struct cloud_answer *answer)
{
	struct http_reply reply = {
	    .status = status,
	    .body = body,
	    .body_len = strlen(body),
	};

	gcp_reply_read(op, "europe-west1-b", &reply, answer);
}

Test(gcp_reply, instance)
{
	struct cloud_answer answer;

	read_reply(CLOUD_GET_INSTANCE, 200,
	    "{\"id\":\"4711\",\"name\":\"n1\",\"status\":\"RUNNING\","
	    "\"networkInterfaces\":[{\"name\":\"nic0\",\"accessConfigs\":[{"
	    "\"name\":\"External NAT\",\"natIP\":\"34.1.2.3\","
	    "\"type\":\"ONE_TO_ONE_NAT\",\"networkTier\":\"PREMIUM\"}]},"
	    "{\"name\":\"nic1\",\"accessConfigs\":[{\"name\":\"x\","
	    "\"type\":\"ONE_TO_ONE_NAT\"}]}]}\n",
	    &answer);
	cr_assert_eq(answer.fault, FAULT_NONE);
	cr_assert_str_eq(answer.instance.id, "4711");
	cr_assert_str_eq(answer.instance.nic, "nic0");
	cr_assert_eq(answer.instance.configs_len, 2);
	cr_assert_str_eq(answer.instance.configs[0].name, "External NAT");
	cr_assert_str_eq(answer.instance.configs[0].address, "34.1.2.3");
	cr_assert_str_eq(answer.instance.configs[0].tier, "PREMIUM");
	cr_assert_str_eq(answer.instance.configs[1].nic, "nic1");
	cr_assert_str_eq(answer.instance.configs[1].address, "");
}

Test(gcp_reply, instance_list)
{
	static const struct {
		const char *status;
		enum instance_state state;
	} states[] = {
	    {"RUNNING", INSTANCE_RUNNING},
	    {"TERMINATED", INSTANCE_STOPPED},
	    {"STOPPED", INSTANCE_STOPPED},
	    {"SUSPENDED", INSTANCE_STOPPED},
	    {"STOPPING", INSTANCE_CHANGING},
	    {"PROVISIONING", INSTANCE_CHANGING},
	};
	struct cloud_answer answer;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		char body[512];

		snprintf(body, sizeof body,
		    "{\"items\":[{\"id\":4711,\"name\":\"n1\",\"status\":\"%s\","
		    "\"networkInterfaces\":[{\"name\":\"nic0\",\"accessConfigs\":"
		    "[{\"name\":\"ipw-1\",\"natIP\":\"34.1.2.3\"}]}]},"
		    "{\"id\":\"12\",\"name\":\"n2\",\"status\":\"RUNNING\"}],"
		    "\"nextPageToken\":\"t\"}",
		    states[i].status);
		read_reply(CLOUD_LIST_INSTANCES, 200, body, &answer);
		cr_assert_eq(answer.fault, FAULT_NONE);
		cr_assert_eq(answer.page.len, 2);
		cr_assert_str_eq(answer.page.next, "t");
		cr_assert_eq(answer.page.instances[0].state, states[i].state);
		cr_assert_str_eq(answer.page.instances[0].id, "4711");
		cr_assert_str_eq(answer.page.instances[0].zone, "europe-west1-b");
		cr_assert_str_eq(answer.page.instances[0].address, "34.1.2.3");
		cr_assert_str_eq(answer.page.instances[0].fence, "ipw-1");
		cr_assert_str_eq(answer.page.instances[1].address, "");
		cloud_answer_clear(&answer);
	}
}

Test(gcp_reply, address_list)
{
	struct cloud_answer answer;
	const struct msg_observed_address *addresses;

	read_reply(CLOUD_LIST_ADDRESSES, 200,
	    "{\"items\":["
	    "{\"address\":\"34.1.2.3\",\"name\":\"a\",\"status\":\"IN_USE\","
	    "\"addressType\":\"EXTERNAL\",\"networkTier\":\"STANDARD\",\"region\":"
	    "\"https://compute.googleapis.com/compute/v1/projects/p/regions/r1\","
	    "\"users\":[\"https://www.googleapis.com/compute/v1/projects/p/zones/z/"
	    "instances/n1\"]},"
	    "{\"address\":\"10.0.0.1\",\"name\":\"b\",\"status\":\"RESERVED\","
	    "\"addressType\":\"INTERNAL\",\"region\":\"x/regions/r1\"},"
	    "{\"address\":\"35.1.1.1\",\"name\":\"c\",\"status\":\"RESERVING\","
	    "\"addressType\":\"EXTERNAL\"}]}",
	    &answer);
	cr_assert_eq(answer.fault, FAULT_NONE);
	cr_assert_eq(answer.page.len, 3);
	cr_assert_str_eq(answer.page.next, "");
	addresses = answer.page.addresses;
	cr_assert_str_eq(addresses[0].user, "projects/p/zones/z/instances/n1");
	cr_assert_str_eq(addresses[0].region, "r1");
	cr_assert_str_eq(addresses[0].tier, "STANDARD");
	cr_assert_eq(addresses[0].status, ADDRESS_IN_USE);
	cr_assert_eq(addresses[0].flaw, ADDRESS_SOUND);
	cr_assert_eq(addresses[1].flaw, ADDRESS_INTERNAL);
	cr_assert_str_eq(addresses[1].user, "");
	cr_assert_eq(addresses[2].flaw, ADDRESS_GLOBAL);
	cr_assert_eq(addresses[2].status, ADDRESS_RESERVING);
	cloud_answer_clear(&answer);
}

Test(gcp_reply, empty_list_has_no_items)
{
	struct cloud_answer answer;

	read_reply(CLOUD_LIST_ADDRESSES, 200, "{}", &answer);
	cr_assert_eq(answer.fault, FAULT_NONE);
	cr_assert_eq(answer.page.len, 0);
	cloud_answer_clear(&answer);
}

Test(gcp_reply, operation)
{
	struct cloud_answer answer;

	read_reply(
	    CLOUD_ADD_CONFIG, 200, "{\"name\":\"op\",\"status\":\"PENDING\"}", &answer);
	cr_assert_eq(answer.fault, FAULT_NONE);
	cr_assert_str_eq(answer.operation.name, "op");
	cr_assert(!answer.operation.done);
	read_reply(CLOUD_WAIT_OPERATION, 200, "{\"name\":\"op\",\"status\":\"DONE\"}",
	    &answer);
	cr_assert(answer.operation.done && !answer.operation.failed);
	read_reply(CLOUD_WAIT_OPERATION, 200,
	    "{\"name\":\"op\",\"status\":\"DONE\",\"error\":{\"errors\":[{\"code\":"
	    "\"IP_IN_USE_BY_ANOTHER_RESOURCE\",\"message\":\"IP 'x' is already being "
	    "used by another resource.\"}]},\"httpErrorStatusCode\":400}",
	    &answer);
	cr_assert_eq(answer.fault, FAULT_NONE);
	cr_assert(answer.operation.done && answer.operation.failed);
	cr_assert_str_eq(answer.operation.reason, "InUse");
	cr_assert_str_eq(answer.operation.message,
	    "IP_IN_USE_BY_ANOTHER_RESOURCE: IP 'x' is already being used by another "
	    "resource.");
}

/* None of these may look like an answer. */
Test(gcp_reply, malformed)
{
	static const struct {
		enum cloud_op op;
		const char *body;
	} cases[] = {
	    {CLOUD_GET_INSTANCE, ""},
	    {CLOUD_GET_INSTANCE, "[]"},
	    {CLOUD_GET_INSTANCE, "{}"},
	    {CLOUD_GET_INSTANCE, "{\"id\":\"1\",\"status\":\"RUNNING\"} x"},
	    {CLOUD_GET_INSTANCE, "{\"id\":\"1\",\"status\":\"RUNNING\""},
	    {CLOUD_GET_INSTANCE, "{\"id\":{},\"status\":\"RUNNING\"}"},
	    {CLOUD_GET_INSTANCE, "{\"id\":\"1\\u0000\",\"status\":\"RUNNING\"}"},
	    {CLOUD_GET_INSTANCE,
		"{\"id\":\"1\",\"status\":\"RUNNING\",\"networkInterfaces\":{}}"},
	    {CLOUD_GET_INSTANCE,
		"{\"id\":\"1\",\"status\":\"RUNNING\",\"networkInterfaces\":[1]}"},
	    {CLOUD_GET_INSTANCE, "{\"id\":\"1\",\"status\":\"\xff\"}"},
	    {CLOUD_GET_INSTANCE, "{\"id\":\"1\",\"status\":\"RUNNING\",\"x\":[[[[[[[[[["
				 "[[[[[[[[[[[[[[[[[["
				 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"},
	    {CLOUD_LIST_INSTANCES, "{\"items\":{}}"},
	    {CLOUD_LIST_INSTANCES, "{\"items\":[{\"id\":\"1\"}]}"},
	    {CLOUD_LIST_INSTANCES, "{\"items\":[null]}"},
	    {CLOUD_LIST_INSTANCES, "{\"items\":[],\"nextPageToken\":7}"},
	    {CLOUD_LIST_ADDRESSES, "{\"items\":[{\"address\":\"1.2.3.4\"}]}"},
	    {CLOUD_LIST_ADDRESSES, "{\"items\":[{\"address\":\"1.2.3.4\",\"status\":"
				   "\"IN_USE\",\"users\":[{}]}]}"},
	    {CLOUD_ADD_CONFIG, "{\"status\":\"DONE\"}"},
	    {CLOUD_ADD_CONFIG, "{\"name\":\"op\"}"},
	    {CLOUD_WAIT_OPERATION,
		"{\"name\":\"op\",\"status\":\"DONE\",\"error\":\"bad\"}"},
	};
	struct cloud_answer answer;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		read_reply(cases[i].op, 200, cases[i].body, &answer);
		cr_assert_eq(answer.fault, FAULT_LOST, "case %zu", i);
		cr_assert_str_eq(answer.reason, "MalformedReply", "case %zu", i);
		cr_assert_null(answer.page.instances);
		cr_assert_null(answer.page.addresses);
	}
}

Test(gcp_reply, no_reply)
{
	struct http_reply reply = {.error = -ECONNREFUSED, .body = ""};
	struct cloud_answer answer;

	snprintf(reply.detail, sizeof reply.detail, "refused");
	gcp_reply_read(CLOUD_ADD_CONFIG, "z", &reply, &answer);
	cr_assert_eq(answer.fault, FAULT_NOT_SENT);
	cr_assert_str_eq(answer.reason, "CloudUnreachable");
	cr_assert_str_eq(answer.message, "refused");
	reply.maybe_sent = true;
	gcp_reply_read(CLOUD_ADD_CONFIG, "z", &reply, &answer);
	cr_assert_eq(answer.fault, FAULT_LOST);
}

/* --- errors -------------------------------------------------------------------- */

Test(gcp_error, table)
{
	static const struct {
		int status;
		const char *code;
		const char *message;
		enum cloud_fault fault;
		const char *reason;
	} cases[] = {
	    {403, "rateLimitExceeded", "Rate Limit Exceeded", FAULT_THROTTLED,
		"Throttled"},
	    {429, "", "", FAULT_THROTTLED, "Throttled"},
	    {403, "quotaExceeded", "Quota", FAULT_FINAL, "QuotaExceeded"},
	    {403, "forbidden", "no", FAULT_FINAL, "NoPermission"},
	    {401, "authError", "Invalid Credentials", FAULT_CREDENTIALS,
		"NoCredentials"},
	    {404, "notFound", "not found", FAULT_GONE, "NotFound"},
	    {404, "", "a page of somebody else", FAULT_FINAL, "CloudRefused"},
	    {400, "invalid",
		"The specified external IP address '34.1.2.3' was not found in region "
		"'r1'.",
		FAULT_FINAL, "AddressNotFound"},
	    {400, "badRequest", "At most one access config currently supported.",
		FAULT_REREAD, "TargetHasAddress"},
	    {400, "resourceNotReady", "not ready", FAULT_BUSY, "ResourceNotReady"},
	    {0, "RESOURCE_NOT_READY", "not ready", FAULT_BUSY, "ResourceNotReady"},
	    {400, "invalid",
		"Specified IP address is in-use and would result in a conflict.",
		FAULT_FINAL, "InUse"},
	    {409, "resourceInUseByAnotherResource", "in use", FAULT_FINAL, "InUse"},
	    {400, "invalid", "The network tier must be PREMIUM", FAULT_FINAL,
		"TierMismatch"},
	    {412, "conditionNotMet", "", FAULT_REREAD, "Conflict"},
	    {409, "alreadyExists", "", FAULT_REREAD, "Conflict"},
	    {500, "internalError", "", FAULT_TRANSIENT, "CloudUnreachable"},
	    {503, "backendError", "", FAULT_TRANSIENT, "CloudUnreachable"},
	    {418, "", "teapot", FAULT_FINAL, "CloudRefused"},
	    {302, "", "elsewhere", FAULT_FINAL, "CloudRefused"},
	};
	struct cloud_answer answer;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cloud_answer_init(&answer);
		gcp_error_classify(
		    &answer, cases[i].status, cases[i].code, cases[i].message);
		cr_assert_eq(answer.fault, cases[i].fault, "case %zu", i);
		cr_assert_str_eq(answer.reason, cases[i].reason, "case %zu", i);
		cr_assert_str_eq(answer.message, cases[i].message, "case %zu", i);
	}
}

Test(gcp_error, missing_permission_is_named)
{
	struct cloud_answer answer;

	read_reply(CLOUD_ADD_CONFIG, 403,
	    "{\"error\":{\"code\":403,\"message\":\"Required "
	    "'compute.instances.addAccessConfig' permission for 'projects/p'\","
	    "\"errors\":[{\"reason\":\"forbidden\",\"message\":\"m\"}]}}",
	    &answer);
	cr_assert_eq(answer.fault, FAULT_FINAL);
	cr_assert_str_eq(answer.reason, "NoPermission");
	cr_assert_str_eq(answer.message,
	    "missing permission compute.instances.addAccessConfig: Required "
	    "'compute.instances.addAccessConfig' permission for 'projects/p'");
}

Test(gcp_error, body_that_is_none)
{
	struct cloud_answer answer;

	read_reply(CLOUD_ADD_CONFIG, 502, "<html>bad gateway</html>", &answer);
	cr_assert_eq(answer.fault, FAULT_TRANSIENT);
	cr_assert_str_eq(answer.message, "HTTP status 502");
	read_reply(CLOUD_ADD_CONFIG, 403, "{\"error\":[]}", &answer);
	cr_assert_str_eq(answer.reason, "NoPermission");
}

/* --- the token ----------------------------------------------------------------- */

static int
parse_token(const char *body)
{
	char *text = NULL;
	int64_t life_ms = -1;
	int rc = token_text_parse(body, strlen(body), &text, &life_ms);

	if (rc == 0) {
		cr_assert_str_eq(text, "ya29.abc");
		cr_assert_eq(life_ms, 3599000);
	} else {
		cr_assert_null(text);
	}
	free(text);
	return rc;
}

Test(token, shape)
{
	static const char *const bad[] = {
	    "",
	    "ya29.abc",
	    "{}",
	    "{\"access_token\":\"ya29.abc\",\"expires_in\":3599}",
	    "{\"access_token\":\"ya29.abc\",\"token_type\":\"Bearer\"}",
	    "{\"access_token\":\"ya29.abc\",\"expires_in\":0,\"token_type\":"
	    "\"Bearer\"}",
	    "{\"access_token\":\"ya29.abc\",\"expires_in\":\"9\","
	    "\"token_type\":\"Bearer\"}",
	    "{\"access_token\":\"ya29.abc\",\"expires_in\":999999999,"
	    "\"token_type\":\"Bearer\"}",
	    "{\"access_token\":\"\",\"expires_in\":9,\"token_type\":\"Bearer\"}",
	    "{\"access_token\":\"a\\r\\nb\",\"expires_in\":9,\"token_type\":"
	    "\"Bearer\"}",
	    "{\"access_token\":7,\"expires_in\":9,\"token_type\":\"Bearer\"}",
	    "{\"access_token\":\"ya29.abc\",\"expires_in\":9,\"token_type\":\"Basic\"}",
	};

	cr_assert_eq(parse_token("{\"access_token\":\"ya29.abc\",\"expires_in\":3599,"
				 "\"token_type\":\"Bearer\"}\n"),
	    0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_eq(parse_token(bad[i]), -EPROTO, "case %zu", i);
}
