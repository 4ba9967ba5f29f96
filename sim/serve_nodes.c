#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "serve.h"

#define CONFIG_NAME "external-nat"

/* A node of the world as it is being built. */
struct node {
	size_t number; /* from 0 */
	char name[32];
	const char *zone;
	char *region;
	char now[CLOCK_TEXT_MAX];
};

static int put_object(struct sim_kube *kube, struct json_object *object);

static void
set_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

/* `value` becomes part of `object`; returned for filling in. */
static struct json_object *
set_new(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
	return value;
}

static struct json_object *
array_add_new(struct json_object *array)
{
	struct json_object *object = json_object_new_object();

	json_object_array_add(array, object);
	return object;
}

/* A random UUID (RFC 9562 §5.4), as the kernel names a boot; `out` takes 37 bytes. */
static void
make_uuid(char out[37])
{
	unsigned char b[16];

	while (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
	    b[12], b[13], b[14], b[15]);
}

static void
node_put_metadata(const struct node *node, struct json_object *object)
{
	struct json_object *metadata =
	    set_new(object, "metadata", json_object_new_object());
	struct json_object *labels =
	    set_new(metadata, "labels", json_object_new_object());

	set_text(metadata, "name", node->name);
	set_text(labels, "kubernetes.io/hostname", node->name);
	set_text(labels, "kubernetes.io/os", "linux");
	set_text(labels, "kubernetes.io/arch", "amd64");
	set_text(labels, "node.kubernetes.io/instance-type", "e2-medium");
	set_text(labels, "topology.kubernetes.io/zone", node->zone);
	set_text(labels, "topology.kubernetes.io/region", node->region);
	set_text(labels, "pool", "static");
}

static void
node_put_spec(const struct node *node, struct json_object *object)
{
	struct json_object *spec = set_new(object, "spec", json_object_new_object());
	char text[256];

	snprintf(
	    text, sizeof text, "gce://%s/%s/%s", SERVE_PROJECT, node->zone, node->name);
	set_text(spec, "providerID", text);
	snprintf(text, sizeof text, "10.%zu.%zu.0/24", 64 + node->number / 256,
	    node->number % 256);
	set_text(spec, "podCIDR", text);
	json_object_array_add(set_new(spec, "podCIDRs", json_object_new_array()),
	    json_object_new_string(text));
}

static void
node_put_resources(struct json_object *status)
{
	struct json_object *capacity =
	    set_new(status, "capacity", json_object_new_object());
	struct json_object *allocatable =
	    set_new(status, "allocatable", json_object_new_object());

	set_text(capacity, "cpu", "2");
	set_text(capacity, "memory", "4022852Ki");
	set_text(capacity, "ephemeral-storage", "98831908Ki");
	set_text(capacity, "pods", "110");
	set_text(allocatable, "cpu", "940m");
	set_text(allocatable, "memory", "2876484Ki");
	set_text(allocatable, "ephemeral-storage", "47060071478");
	set_text(allocatable, "pods", "110");
}

static void
node_put_conditions(const struct node *node, struct json_object *status)
{
	static const struct {
		const char *type;
		const char *status;
		const char *reason;
		const char *message;
	} conditions[] = {
	    {"MemoryPressure", "False", "KubeletHasSufficientMemory",
		"kubelet has sufficient memory available"},
	    {"DiskPressure", "False", "KubeletHasNoDiskPressure",
		"kubelet has no disk pressure"},
	    {"PIDPressure", "False", "KubeletHasSufficientPID",
		"kubelet has sufficient PID available"},
	    {"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
	};
	struct json_object *array =
	    set_new(status, "conditions", json_object_new_array());

	for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
		struct json_object *condition = array_add_new(array);

		set_text(condition, "type", conditions[i].type);
		set_text(condition, "status", conditions[i].status);
		set_text(condition, "lastHeartbeatTime", node->now);
		set_text(condition, "lastTransitionTime", node->now);
		set_text(condition, "reason", conditions[i].reason);
		set_text(condition, "message", conditions[i].message);
	}
}

static void
node_put_addresses(const struct node *node, struct json_object *status)
{
	struct json_object *array =
	    set_new(status, "addresses", json_object_new_array());
	struct json_object *address = array_add_new(array);
	char text[64];

	/* the same as the instance's networkIP, which sim_gce_add_instance numbers */
	snprintf(text, sizeof text, "10.128.%zu.%zu", (node->number + 1) >> 8,
	    (node->number + 1) & 0xff);
	set_text(address, "type", "InternalIP");
	set_text(address, "address", text);
	address = array_add_new(array);
	set_text(address, "type", "Hostname");
	set_text(address, "address", node->name);
}

static void
node_put_info(struct json_object *status)
{
	struct json_object *info =
	    set_new(status, "nodeInfo", json_object_new_object());
	char uuid[37], machine[33];

	make_uuid(uuid);
	set_text(info, "bootID", uuid);
	make_uuid(uuid);
	set_text(info, "systemUUID", uuid);
	/* the machine's id is the same number without dashes, as on a cloud's machine
	 */
	for (size_t i = 0, j = 0; i < sizeof uuid; i++)
		if (uuid[i] != '-')
			machine[j++] = uuid[i];
	set_text(info, "machineID", machine);
	set_text(info, "kernelVersion", "6.6.87+");
	set_text(info, "osImage", "Container-Optimized OS from Google");
	set_text(info, "containerRuntimeVersion", "containerd://2.0.5");
	set_text(info, "kubeletVersion", "v1.33.1");
	set_text(info, "kubeProxyVersion", "v1.33.1");
	set_text(info, "operatingSystem", "linux");
	set_text(info, "architecture", "amd64");
}

static int
node_put(const struct node *node, struct sim_kube *kube)
{
	struct json_object *object = json_object_new_object();
	struct json_object *status, *endpoints;

	set_text(object, "apiVersion", "v1");
	set_text(object, "kind", "Node");
	node_put_metadata(node, object);
	node_put_spec(node, object);
	status = set_new(object, "status", json_object_new_object());
	node_put_resources(status);
	node_put_conditions(node, status);
	node_put_addresses(node, status);
	node_put_info(status);
	endpoints = set_new(status, "daemonEndpoints", json_object_new_object());
	endpoints = set_new(endpoints, "kubeletEndpoint", json_object_new_object());
	json_object_object_add(endpoints, "Port", json_object_new_int(10250));
	return put_object(kube, object);
}

/* Takes `object` over. */
static int
put_object(struct sim_kube *kube, struct json_object *object)
{
	int rc = sim_kube_put(
	    kube, json_object_to_json_string_ext(
		      object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(object);
	return rc;
}

static int
namespace_put(struct sim_kube *kube, const char *name)
{
	struct json_object *object = json_object_new_object();
	struct json_object *part;

	set_text(object, "apiVersion", "v1");
	set_text(object, "kind", "Namespace");
	part = set_new(object, "metadata", json_object_new_object());
	set_text(part, "name", name);
	part = set_new(part, "labels", json_object_new_object());
	set_text(part, "kubernetes.io/metadata.name", name);
	part = set_new(object, "spec", json_object_new_object());
	part = set_new(part, "finalizers", json_object_new_array());
	json_object_array_add(part, json_object_new_string("kubernetes"));
	part = set_new(object, "status", json_object_new_object());
	set_text(part, "phase", "Active");
	return put_object(kube, object);
}

/* us-west1-a → us-west1 */
static char *
region_of(const char *zone)
{
	const char *dash = strrchr(zone, '-');

	return mem_strndup(zone, dash != NULL ? (size_t)(dash - zone) : strlen(zone));
}

static int
nodes_put(
    const struct serve_options *options, struct sim_kube *kube, struct sim_gce *gce)
{
	int rc = 0;

	for (size_t i = 0; i < options->nodes && rc == 0; i++) {
		struct node node = {.number = i};
		char external[32] = "";

		node.zone = options->zones[i % options->zones_len];
		node.region = region_of(node.zone);
		snprintf(node.name, sizeof node.name, "node-%zu", i + 1);
		clock_format(clock_wall(), false, node.now, sizeof node.now);
		if (options->ephemeral)
			snprintf(external, sizeof external, "203.0.113.%zu", i + 1);
		sim_gce_add_instance(gce, node.zone, node.name, external,
		    options->ephemeral ? CONFIG_NAME : "", true);
		rc = node_put(&node, kube);
		free(node.region);
	}
	return rc;
}

int
serve_nodes_put(
    const struct serve_options *options, struct sim_kube *kube, struct sim_gce *gce)
{
	static const char *const namespaces[] = {"default", "kube-system"};
	char *region = region_of(options->zones[0]);
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++)
		rc = namespace_put(kube, namespaces[i]);
	for (size_t i = 0; i < options->addresses_len; i++) {
		char name[32];

		snprintf(name, sizeof name, "static-%zu", i + 1);
		sim_gce_add_address(gce, region, name, options->addresses[i]);
	}
	free(region);
	return rc == 0 ? nodes_put(options, kube, gce) : rc;
}
