#include "kube_admit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "kube_check.h"
#include "kube_json.h"
#include "kube_rbac.h"
#include "kube_schema.h"

/* Headers of a warning about unknown fields in one reply. */
#define WARNINGS_MAX 4u

static const struct {
	const char *plural;
	const char *text;
} defaults[] = {
    {"pods",
	"{\"spec\":{\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,"
	"\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":\"default\","
	"\"serviceAccount\":\"default\",\"securityContext\":{},"
	"\"schedulerName\":\"default-scheduler\",\"tolerations\":["
	"{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\","
	"\"effect\":\"NoExecute\",\"tolerationSeconds\":300},"
	"{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\","
	"\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],\"priority\":0,"
	"\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"},"
	"\"status\":{\"phase\":\"Pending\"}}"},
    {"nodes", "{\"spec\":{},\"status\":{\"daemonEndpoints\":{\"kubeletEndpoint\":"
	      "{\"Port\":0}},\"nodeInfo\":{\"machineID\":\"\",\"systemUUID\":\"\","
	      "\"bootID\":\"\",\"kernelVersion\":\"\",\"osImage\":\"\","
	      "\"containerRuntimeVersion\":\"\",\"kubeletVersion\":\"\","
	      "\"kubeProxyVersion\":\"\",\"operatingSystem\":\"\","
	      "\"architecture\":\"\"}}}"},
    {"namespaces", "{\"spec\":{\"finalizers\":[\"kubernetes\"]},"
		   "\"status\":{\"phase\":\"Active\"}}"},
    {"deployments", "{\"spec\":{\"replicas\":1},\"status\":{}}"},
    {"statefulsets", "{\"spec\":{\"replicas\":1},\"status\":{\"replicas\":0}}"},
    {"replicasets", "{\"spec\":{\"replicas\":1},\"status\":{\"replicas\":0}}"},
    {"daemonsets", "{\"status\":{\"currentNumberScheduled\":0,"
		   "\"desiredNumberScheduled\":0,\"numberMisscheduled\":0,"
		   "\"numberReady\":0}}"},
    {"poddisruptionbudgets", "{\"status\":{\"currentHealthy\":0,\"desiredHealthy\":0,"
			     "\"disruptionsAllowed\":0,\"expectedPods\":0}}"},
    {"events", "{\"source\":{},\"firstTimestamp\":null,\"lastTimestamp\":null,"
	       "\"eventTime\":null,\"reportingComponent\":\"\","
	       "\"reportingInstance\":\"\"}"},
};

static void
random_bytes(unsigned char *out, size_t len)
{
	/* requests below 257 bytes are never cut short (getrandom(2)) */
	if (getrandom(out, len, 0) != (ssize_t)len)
		memset(out, 0, len);
}

static void
set_uid(struct json_object *metadata)
{
	unsigned char r[16];
	char text[40];

	random_bytes(r, sizeof r);
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	snprintf(text, sizeof text,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11],
	    r[12], r[13], r[14], r[15]);
	kube_json_set_text(metadata, "uid", text);
}

void
kube_admit_set_time(struct json_object *json, const char *key, int64_t later_s)
{
	struct wall_time time = {clock_wall().ms + later_s * 1000};
	char text[CLOCK_TEXT_MAX];

	clock_format(time, false, text, sizeof text);
	kube_json_set_text(json, key, text);
}

void
kube_admit_stamp(const struct kube_resource *resource, struct json_object *json)
{
	static const char *const dropped[] = {"resourceVersion", "generation",
	    "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
	    "managedFields"};
	struct json_object *metadata = kube_json_section(json, "metadata");

	for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
		json_object_object_del(metadata, dropped[i]);
	set_uid(metadata);
	kube_admit_set_time(metadata, "creationTimestamp", 0);
	if ((resource->flags & KUBE_GENERATION) != 0)
		kube_json_set_int(metadata, "generation", 1);
}

void
kube_admit_name(struct json_object *json)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	struct json_object *metadata = kube_json_section(json, "metadata");
	const char *prefix = kube_json_text(metadata, "generateName");
	unsigned char random[5];
	char name[254];

	if (kube_json_text(metadata, "name")[0] != '\0' || prefix[0] == '\0')
		return;
	random_bytes(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		random[i] = (unsigned char)letters[random[i] % (sizeof letters - 1)];
	snprintf(name, sizeof name, "%.248s%.5s", prefix, (const char *)random);
	kube_json_set_text(metadata, "name", name);
}

static void
fill_in(struct json_object *json, const struct json_object *given)
{
	for (const struct lh_entry *at = kube_json_first(given); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);
		struct json_object *value = kube_json_value(at);

		if (!json_object_object_get_ex(json, key, NULL))
			json_object_object_add(json, key, kube_json_copy(value));
		else if (json_object_is_type(value, json_type_object) &&
			 json_object_is_type(
			     kube_json_member(json, key), json_type_object))
			fill_in(kube_json_member(json, key), value);
	}
}

static void
complete_pod(struct json_object *json)
{
	struct json_object *containers = kube_json_at(json, "spec.containers");
	struct json_object *given =
	    kube_json_constant("{\"resources\":{},\"terminationMessagePath\":"
			       "\"/dev/termination-log\",\"terminationMessagePolicy\":"
			       "\"File\",\"imagePullPolicy\":\"IfNotPresent\"}");
	const char *qos = "BestEffort";

	for (size_t i = 0; i < kube_json_count(containers); i++) {
		struct json_object *container =
		    json_object_array_get_idx(containers, i);

		if (!json_object_is_type(container, json_type_object))
			continue;
		fill_in(container, given);
		if (kube_json_count(kube_json_member(container, "resources")) > 0)
			qos = "Burstable";
	}
	json_object_put(given);
	if (kube_json_text(json, "status.qosClass")[0] == '\0')
		kube_json_set_text(kube_json_section(json, "status"), "qosClass", qos);
}

void
kube_admit_defaults(const struct kube_resource *resource, struct json_object *json)
{
	if ((resource->flags & KUBE_CUSTOM) != 0)
		return;
	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
		struct json_object *given;

		if (strcmp(defaults[i].plural, resource->plural) != 0)
			continue;
		given = kube_json_constant(defaults[i].text);
		fill_in(json, given);
		json_object_put(given);
	}
	if (strcmp(resource->group, KUBE_RBAC_GROUP) == 0)
		kube_rbac_complete(json);
	if (strcmp(resource->plural, "pods") == 0)
		complete_pod(json);
	if (strcmp(resource->plural, "namespaces") == 0)
		kube_json_set_text(
		    kube_json_section(kube_json_section(json, "metadata"), "labels"),
		    "kubernetes.io/metadata.name",
		    kube_json_text(json, "metadata.name"));
}

static int
refuse_unknown(
    struct kube_call *call, const struct json_object *unknown, struct json_object *json)
{
	const struct kube_view *view = call->view;
	bool patch = strcmp(call->request->method, "PATCH") == 0;
	struct buf fields, quoted;
	int rc;

	buf_init(&fields, KUBE_PATH_MAX);
	for (size_t i = 0; i < kube_json_count(unknown); i++)
		buf_printf(&fields, "%sunknown field \"%s\"", i > 0 ? ", " : "",
		    json_object_get_string(json_object_array_get_idx(unknown, i)));
	buf_init(&quoted, KUBE_ETCD_MESSAGE_MAX);
	kube_json_quote(&quoted, kube_json_write(json, NULL));
	if (patch)
		rc = kube_fail(call, 422, "Invalid", NULL,
		    " \"\" is invalid: patch: Invalid value: %s: strict decoding "
		    "error: %s",
		    quoted.data, fields.data);
	else
		rc = kube_fail(call, 400, "BadRequest", NULL,
		    "%s in version \"%s\" cannot be handled as a %s: strict decoding "
		    "error: %s",
		    view->resource->kind, view->version, view->resource->kind,
		    fields.data);
	buf_free(&fields);
	buf_free(&quoted);
	return rc;
}

static void
warn_unknown(struct kube_call *call, const struct json_object *unknown)
{
	for (size_t i = 0; i < kube_json_count(unknown) && i < WARNINGS_MAX; i++) {
		char value[256];

		snprintf(value, sizeof value, "299 - \"unknown field \\\"%.200s\\\"\"",
		    json_object_get_string(json_object_array_get_idx(unknown, i)));
		sim_reply_header(call->reply, "Warning", value);
	}
}

/* Takes what the schema does not know out of a custom resource. */
static int
prune(struct kube_call *call, struct json_object *json)
{
	const char *mode = sim_request_query(call->request, "fieldValidation");
	struct json_object *unknown = json_object_new_array();
	struct json_object *whole = kube_json_copy(json);
	int rc = 0;

	kube_schema_prune(call->view->schema, json, unknown);
	if (kube_json_count(unknown) > 0 && mode != NULL && strcmp(mode, "Strict") == 0)
		rc = refuse_unknown(call, unknown, whole);
	else if (mode == NULL || strcmp(mode, "Ignore") != 0)
		warn_unknown(call, unknown);
	json_object_put(unknown);
	json_object_put(whole);
	return rc;
}

static int
check_size(struct kube_call *call, struct json_object *json)
{
	size_t len;

	kube_json_write(json, &len);
	if (len > KUBE_ETCD_MESSAGE_MAX)
		return kube_fail(call, 500, "", NULL,
		    "rpc error: code = ResourceExhausted desc = trying to send message "
		    "larger than max (%zu vs. %u)",
		    len, KUBE_ETCD_MESSAGE_MAX);
	if (len > KUBE_ETCD_OBJECT_MAX)
		return kube_fail(
		    call, 500, "", NULL, "etcdserver: request is too large");
	return 0;
}

int
kube_admit_object(struct kube_call *call, struct json_object *json)
{
	struct kube_causes causes = {.len = 0};
	int rc = 0;

	if (call->view->schema != NULL) {
		rc = prune(call, json);
		if (rc < 0)
			return rc;
		kube_schema_default(call->view->schema, json);
	}
	rc = kube_check_types(call, json);
	if (rc < 0)
		return rc;
	kube_check_object(call->view, json, &causes);
	kube_schema_validate(call->view->schema, json, &causes);
	if (causes.len > 0)
		rc = kube_fail_invalid(
		    call, kube_json_text(json, "metadata.name"), &causes);
	kube_causes_free(&causes);
	return rc < 0 ? rc : check_size(call, json);
}
