#include "sim_gce_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gce_operation.h"
#include "judge.h"
#include "mem.h"
#include "sim_gce_schema.h"

#define REPLY_MAX (8u * 1024u * 1024u)

struct rig rig;

/* What stands in for a connection of the HTTP server. */
struct exchange {
	sim_handler_fn *handler;
	struct sim_request request;
	struct sim_reply reply;
	char *path;
	char *body;
	char authorization[96];
	const char *flavor;
	struct exchange_values {
		char name[32];
		char value[256];
	} values[8];
	size_t values_len;
	struct mono_time begun;
	struct mono_time due;
};

/* --- the HTTP server's functions ---------------------------------------------------
 */

const char *
sim_request_query(const struct sim_request *request, const char *name)
{
	const struct exchange *exchange = request->connection;

	for (size_t i = 0; i < exchange->values_len; i++)
		if (strcmp(exchange->values[i].name, name) == 0)
			return exchange->values[i].value;
	return NULL;
}

const char *
sim_request_header(const struct sim_request *request, const char *name)
{
	const struct exchange *exchange = request->connection;

	if (strcasecmp(name, "Authorization") == 0 &&
	    exchange->authorization[0] != '\0')
		return exchange->authorization;
	if (strcasecmp(name, "Metadata-Flavor") == 0)
		return exchange->flavor;
	return NULL;
}

void
sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
	size_t i = reply->headers_len++;

	cr_assert(i < sizeof reply->headers / sizeof reply->headers[0]);
	cr_assert(strlen(value) < sizeof reply->headers[i].value);
	reply->headers[i].name = name;
	snprintf(reply->headers[i].value, sizeof reply->headers[i].value, "%s", value);
}

/* --- exchanges ---------------------------------------------------------------------
 */

static void
split_query(struct exchange *exchange)
{
	char *rest = strchr(exchange->path, '?');
	char *pair;

	if (rest == NULL)
		return;
	*rest++ = '\0';
	while ((pair = strsep(&rest, "&")) != NULL) {
		struct exchange_values *value =
		    &exchange->values[exchange->values_len++];
		char *equals = strchr(pair, '=');

		cr_assert_not_null(equals);
		cr_assert_lt(exchange->values_len, 8u);
		*equals = '\0';
		snprintf(value->name, sizeof value->name, "%s", pair);
		snprintf(value->value, sizeof value->value, "%s", equals + 1);
	}
}

static void
exchange_handle(struct exchange *exchange)
{
	struct sim_reply *reply = &exchange->reply;

	*reply = (struct sim_reply){.status = 200, .content_type = "application/json"};
	buf_init(&reply->body, REPLY_MAX);
	exchange->handler(rig.gce, &exchange->request, reply);
	exchange->due.ms = clock_mono().ms + reply->defer_ms;
	if (reply->defer_ms > 0)
		buf_free(&reply->body);
}

static struct exchange *
exchange_begin(sim_handler_fn *handler, const char *method, char *path,
    const char *body, const char *flavor)
{
	struct exchange *exchange = mem_calloc(1, sizeof *exchange);

	exchange->handler = handler;
	exchange->path = path;
	exchange->body = mem_strdup(body != NULL ? body : "");
	exchange->flavor = flavor;
	exchange->begun = clock_mono();
	split_query(exchange);
	if (rig.token[0] != '\0')
		snprintf(exchange->authorization, sizeof exchange->authorization,
		    "Bearer %s", rig.token);
	exchange->request = (struct sim_request){
	    .method = method,
	    .path = exchange->path,
	    .body = exchange->body,
	    .body_len = strlen(exchange->body),
	    .connection = exchange,
	};
	exchange_handle(exchange);
	return exchange;
}

static void
check_schema(void)
{
	const char *kind = rig_text(rig.json, "kind");
	char why[256], name[64];

	if (rig.schemas == NULL || rig.status != 200 ||
	    strncmp(kind, "compute#", strlen("compute#")) != 0)
		return;
	snprintf(name, sizeof name, "%s", kind + strlen("compute#"));
	name[0] = (char)(name[0] - 'a' + 'A');
	cr_expect_eq(schema_check(rig.schemas, name, rig.json, why, sizeof why), 0,
	    "%s: %s", name, why);
	rig.checked++;
}

struct json_object *
rig_finish(struct exchange *exchange)
{
	struct sim_reply *reply = &exchange->reply;

	while (reply->defer_ms > 0) {
		int64_t left_ms = exchange->due.ms - clock_mono().ms;

		if (left_ms > 0) {
			loop_run_once(rig.loop, (int)left_ms);
			continue;
		}
		exchange->request.again = true;
		exchange_handle(exchange);
	}
	json_object_put(rig.json);
	free(rig.text);
	rig.status = reply->status;
	rig.dropped = reply->drop;
	rig.took_ms = clock_mono().ms - exchange->begun.ms;
	rig.text = mem_strdup(reply->body.len > 0 ? reply->body.data : "");
	rig.json = json_tokener_parse(rig.text);
	rig.headers[0] = '\0';
	for (size_t i = 0; i < reply->headers_len; i++)
		snprintf(rig.headers + strlen(rig.headers),
		    sizeof rig.headers - strlen(rig.headers), "%s: %s\n",
		    reply->headers[i].name, reply->headers[i].value);
	buf_free(&reply->body);
	free(exchange->path);
	free(exchange->body);
	free(exchange);
	if (!rig.dropped)
		check_schema();
	return rig.json;
}

struct exchange *
rig_send(const char *method, const char *target, const char *body)
{
	return exchange_begin(sim_gce_handle, method,
	    mem_printf("/compute/v1/projects/" RIG_PROJECT "/%s", target), body, NULL);
}

struct json_object *
rig_call(const char *method, const char *target, const char *body)
{
	return rig_finish(rig_send(method, target, body));
}

static void
control_handler(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	cr_assert(sim_gce_control(arg, request, reply), "%s", request->path);
}

struct json_object *
rig_control(const char *method, const char *target, const char *body)
{
	return rig_finish(
	    exchange_begin(control_handler, method, mem_strdup(target), body, NULL));
}

struct json_object *
rig_metadata(const char *path, const char *flavor)
{
	return rig_finish(
	    exchange_begin(sim_metadata_handle, "GET", mem_strdup(path), NULL, flavor));
}

/* --- what tests say often ----------------------------------------------------------
 */

void
rig_login(void)
{
	const char *token = rig_text(
	    rig_metadata("/computeMetadata/v1/instance/service-accounts/default/token",
		"Google"),
	    "access_token");

	cr_assert_gt(strlen(token), 20u);
	snprintf(rig.token, sizeof rig.token, "%s", token);
}

static char *
change(const char *target, const char *body)
{
	struct json_object *operation = rig_call("POST", target, body);

	return rig.status == 200 ? mem_strdup(rig_text(operation, "name")) : NULL;
}

char *
rig_add(const char *instance, const char *config, const char *address,
    const char *request_id)
{
	char *target = mem_printf(
	    "zones/" RIG_ZONE "/instances/%s/addAccessConfig?networkInterface=nic0%s%s",
	    instance, request_id != NULL ? "&requestId=" : "",
	    request_id != NULL ? request_id : "");
	char *body =
	    address != NULL
		? mem_printf(
		      "{\"type\":\"ONE_TO_ONE_NAT\",\"name\":\"%s\",\"natIP\":\"%s\","
		      "\"networkTier\":\"PREMIUM\"}",
		      config, address)
		: mem_printf("{\"name\":\"%s\"}", config);
	char *operation = change(target, body);

	free(target);
	free(body);
	return operation;
}

char *
rig_delete(const char *instance, const char *config, const char *request_id)
{
	char *target = mem_printf("zones/" RIG_ZONE "/instances/%s/deleteAccessConfig"
				  "?networkInterface=nic0&accessConfig=%s%s%s",
	    instance, config, request_id != NULL ? "&requestId=" : "",
	    request_id != NULL ? request_id : "");
	char *operation = change(target, NULL);

	free(target);
	return operation;
}

void
rig_hasten(void)
{
	struct gce_operation *operation;

	TAILQ_FOREACH(operation, &rig.gce->operations, link)
		if (!operation->applied)
			operation->start = operation->end = clock_mono();
	gce_operation_advance(rig.gce);
}

const char *
rig_wait(char *operation)
{
	char *target;

	rig_hasten();
	cr_assert_not_null(operation, "refused: %s", rig.text);
	target = mem_printf("zones/" RIG_ZONE "/operations/%s/wait", operation);
	rig_call("POST", target, NULL);
	cr_assert_str_eq(rig_text(rig.json, "status"), "DONE", "%s", rig.text);
	free(target);
	free(operation);
	return rig_text(rig.json, "error/errors/0/code");
}

const char *
rig_text(struct json_object *object, const char *path)
{
	char *copy = mem_strdup(path);
	char *rest = copy;
	const char *name;

	while (object != NULL && (name = strsep(&rest, "/")) != NULL) {
		if (json_object_is_type(object, json_type_array))
			object = json_object_array_get_idx(
			    object, (size_t)strtoul(name, NULL, 10));
		else if (!json_object_object_get_ex(object, name, &object))
			object = NULL;
	}
	free(copy);
	return object != NULL ? json_object_get_string(object) : "";
}

const char *
rig_reason(void)
{
	return rig_text(rig.json, "error/errors/0/reason");
}

char *
rig_config(const char *instance)
{
	char *target = mem_printf("zones/" RIG_ZONE "/instances/%s", instance);
	struct json_object *object = rig_call("GET", target, NULL);
	const char *address, *name;

	cr_assert_eq(rig.status, 200, "%s", rig.text);
	address = rig_text(object, "networkInterfaces/0/accessConfigs/0/natIP");
	name = rig_text(object, "networkInterfaces/0/accessConfigs/0/name");
	free(target);
	return address[0] != '\0' ? mem_printf("%s %s", address, name) : mem_strdup("");
}

void
rig_fault(const char *json)
{
	char error[256];

	cr_assert_eq(
	    sim_faults_add(rig.faults, json, error, sizeof error), 0, "%s", error);
}

void
rig_expect_config(const char *instance, const char *wanted)
{
	char *config = rig_config(instance);

	cr_expect_str_eq(config, wanted, "%s", instance);
	free(config);
}

void
rig_expect_address(const char *name, const char *status, const char *user_end)
{
	char *target = mem_printf("regions/" RIG_REGION "/addresses/%s", name);
	struct json_object *address = rig_call("GET", target, NULL);
	const char *user = rig_text(address, "users/0");
	size_t len = strlen(user), end_len = strlen(user_end);

	cr_expect_str_eq(rig_text(address, "status"), status, "%s", rig.text);
	cr_expect(len >= end_len && strcmp(user + len - end_len, user_end) == 0 &&
		      (end_len > 0 || len == 0),
	    "%s", rig.text);
	free(target);
}

void
rig_expect_clean_log(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *verdict = open_memstream(&text, &len);

	cr_assert_not_null(verdict);
	cr_expect_eq(judge_run(rig.log_path, verdict), 0);
	fclose(verdict);
	cr_expect_not_null(strstr(text, "\n0 violations\n"), "%s", text);
	free(text);
}

/* --- the world ---------------------------------------------------------------------
 */

void
rig_setup(void)
{
	int fd;

	rig = (struct rig){.log_path = "/tmp/test_sim_gce.XXXXXX"};
	fd = mkstemp(rig.log_path);
	cr_assert_geq(fd, 0);
	close(fd);
	rig.loop = loop_new();
	rig.faults = sim_faults_new();
	rig.journal = sim_journal_open(rig.log_path);
	rig.gce = sim_gce_new(rig.loop, rig.faults, rig.journal, RIG_PROJECT);
	rig.schemas = schema_load(rig.schemas_path, sizeof rig.schemas_path);
	sim_gce_add_address(rig.gce, RIG_REGION, "static-1", RIG_A);
	sim_gce_add_address(rig.gce, RIG_REGION, "static-2", RIG_B);
	sim_gce_add_instance(rig.gce, RIG_ZONE, "node-1", "", "", true);
	sim_gce_add_instance(rig.gce, RIG_ZONE, "node-2", "", "", true);
	sim_gce_add_instance(rig.gce, RIG_ZONE, "node-3", "", "", true);
	sim_gce_add_instance(rig.gce, "us-west1-b", "other-1", "", "", false);
	rig_control("POST", "/gce/settings",
	    "{\"operation_latency_ms\":600000,\"operation_jitter_ms\":0}");
	cr_assert_eq(rig.status, 200, "%s", rig.text);
	rig_login();
}

void
rig_teardown(void)
{
	sim_gce_free(rig.gce);
	sim_journal_close(rig.journal);
	sim_faults_free(rig.faults);
	loop_free(rig.loop);
	json_object_put(rig.json);
	json_object_put(rig.schemas);
	free(rig.text);
	unlink(rig.log_path);
}
