/* The log of requests. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kube_json.h"
#include "kube_record.h"
#include "sim_kube_rig.h"

#define CONTROLLER "system:serviceaccount:kube-system:ipwarden"

static char path[] = "/tmp/ipwarden-record.XXXXXX";

static void
setup(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	rig_setup();
	cr_assert_eq(sim_kube_record(rig.kube, path), 0);
}

static void
teardown(void)
{
	rig_teardown();
	unlink(path);
}

TestSuite(sim_kube_record, .init = setup, .fini = teardown, .timeout = 60);

/* The log's lines as objects; the caller owns them. */
static struct json_object *
read_log(void)
{
	struct json_object *lines = json_object_new_array();
	FILE *file = fopen(path, "r");
	char *line = NULL, error[128];
	size_t size = 0;
	ssize_t len;

	cr_assert_not_null(file);
	while ((len = getline(&line, &size, file)) > 0) {
		struct json_object *json =
		    kube_json_parse(line, (size_t)len - 1, error, sizeof error);

		cr_assert_not_null(json, "%s: %s", line, error);
		json_object_array_add(lines, json);
	}
	free(line);
	fclose(file);
	return lines;
}

static void
expect_line(struct json_object *lines, size_t index, const char *wanted)
{
	struct json_object *line = json_object_array_get_idx(lines, index);

	cr_expect_not_null(json_object_object_get(line, "time"));
	json_object_object_del(line, "time");
	cr_expect_gt(kube_json_int(line, "begun_ms", 0), 0);
	cr_expect_geq(kube_json_int(line, "ms", 0), kube_json_int(line, "begun_ms", 0));
	json_object_object_del(line, "begun_ms");
	json_object_object_del(line, "ms");
	cr_expect_str_eq(kube_json_write(line, NULL), wanted);
}

Test(sim_kube_record, who_asked_for_what)
{
	struct json_object *lines;

	rig_send("GET", "/version", NULL);
	rig_send("POST", "/api/v1/namespaces/default/configmaps",
	    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
	    "\"c\"}}");
	rig.token = RIG_CONTROLLER;
	rig.agent = "ipwarden/1";
	rig_send("GET", "/api/v1/nodes?limit=5&fieldSelector=spec.unschedulable%3Dtrue",
	    NULL);
	rig_send("PATCH", "/api/v1/nodes/a%22b/status", "{}");
	rig.token = "nobody's";
	rig_send("DELETE", "/api/v1/namespaces/x/pods/p", NULL);
	lines = read_log();
	cr_assert_eq(kube_json_count(lines), 5);
	expect_line(lines, 0,
	    "{\"user\":\"admin\",\"agent\":\"\",\"audit_id\":\"\",\"method\":\"GET\","
	    "\"path\":\"/"
	    "version\",\"fields\":\"\",\"verb\":"
	    "\"get\",\"group\":\"\",\"resource\":\"\",\"subresource\":\"\","
	    "\"namespace\":\"\",\"name\":\"\",\"bytes\":0,\"status\":200}");
	expect_line(lines, 1,
	    "{\"user\":\"admin\",\"agent\":\"\",\"audit_id\":\"\",\"method\":\"POST\","
	    "\"path\":"
	    "\"/api/v1/namespaces/default/"
	    "configmaps\",\"fields\":\"\",\"verb\":\"create\",\"group\":"
	    "\"\",\"resource\":\"configmaps\",\"subresource\":\"\",\"namespace\":"
	    "\"default\",\"name\":\"c\",\"bytes\":62,\"status\":201}");
	expect_line(lines, 2,
	    "{\"user\":\"" CONTROLLER
	    "\",\"agent\":\"ipwarden/1\",\"audit_id\":\"\",\"method\":\"GET\",\"path\":"
	    "\"/api/v1/"
	    "nodes\",\"fields\":\"spec.unschedulable=true\",\"verb\":\"list\","
	    "\"group\":\"\",\"resource\":\"nodes\","
	    "\"subresource\":\"\",\"namespace\":\"\",\"name\":\"\",\"bytes\":0,"
	    "\"status\":200}");
	expect_line(lines, 3,
	    "{\"user\":\"" CONTROLLER "\",\"agent\":\"ipwarden/"
	    "1\",\"audit_id\":\"\",\"method\":\"PATCH\",\"path\":"
	    "\"/api/v1/nodes/a\\\"b/"
	    "status\",\"fields\":\"\",\"verb\":\"patch\",\"group\":\"\","
	    "\"resource\":\"nodes\",\"subresource\":\"status\",\"namespace\":\"\","
	    "\"name\":\"a\\\"b\",\"bytes\":2,\"status\":403}");
	expect_line(lines, 4,
	    "{\"user\":\"\",\"agent\":\"ipwarden/"
	    "1\",\"audit_id\":\"\",\"method\":\"DELETE\",\"path\":"
	    "\"/api/v1/namespaces/x/pods/"
	    "p\",\"fields\":\"\",\"verb\":\"delete\",\"group\":\"\","
	    "\"resource\":\"pods\",\"subresource\":\"\",\"namespace\":\"x\",\"name\":"
	    "\"p\",\"bytes\":0,\"status\":401}");
	json_object_put(lines);
}

/* What a fault answers was asked for all the same; a put-off request counts once. */
Test(sim_kube_record, faulty_requests)
{
	static const char *const faults[] = {
	    "{\"target\":\"kube\",\"status\":503}",
	    "{\"target\":\"kube\",\"drop_after\":true}",
	    "{\"target\":\"kube\",\"delay_ms\":1}",
	};
	static const int statuses[] = {503, 0, 200};
	struct json_object *lines;
	char error[128];

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(
		    sim_faults_add(rig.faults, faults[i], error, sizeof error), 0);
		rig_send("GET", "/api/v1/nodes", NULL);
	}
	cr_assert_gt(rig.reply.defer_ms, 0);
	rig.again = true;
	rig_send("GET", "/api/v1/nodes", NULL);
	lines = read_log();
	cr_assert_eq(kube_json_count(lines), 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(
		    kube_json_int(json_object_array_get_idx(lines, i), "status", -1),
		    statuses[i]);
	json_object_put(lines);
}

/* Several worlds, one after the other, share one log. */
Test(sim_kube_record, is_appended_to)
{
	struct json_object *lines;

	rig_send("GET", "/healthz", NULL);
	rig_teardown();
	rig_setup();
	cr_assert_eq(sim_kube_record(rig.kube, path), 0);
	rig_send("GET", "/healthz", NULL);
	lines = read_log();
	cr_expect_eq(kube_json_count(lines), 2);
	json_object_put(lines);
	cr_expect_lt(sim_kube_record(rig.kube, "/nonexistent/log"), 0);
}
