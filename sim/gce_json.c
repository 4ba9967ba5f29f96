#include "gce_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gce_operation.h"
#include "mem.h"

/* The cloud writes its times in the zone of California. */
#define CLOUD_OFFSET_MS	  INT64_C(-25200000) /* -7 h */
#define CLOUD_OFFSET_TEXT "-07:00"

/* "2026-01-02T03:04:05.678" */
#define TIME_MS_LEN 23

#define PROJECT_USER GCE_PROJECT_NUMBER "-compute@developer.gserviceaccount.com"

void
gce_json_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void
gce_json_add_format(
    struct json_object *object, const char *key, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	gce_json_add_text(object, key, text);
}

static void
add_id(struct json_object *object, const char *key, uint64_t id)
{
	gce_json_add_format(object, key, "%" PRIu64, id);
}

static void
add_time(struct json_object *object, const char *key, struct wall_time time)
{
	char text[CLOCK_TEXT_MAX];

	time.ms += CLOUD_OFFSET_MS;
	clock_format(time, true, text, sizeof text);
	gce_json_add_format(object, key, "%.*s" CLOUD_OFFSET_TEXT, TIME_MS_LEN, text);
}

/* Eight bytes in base64. */
static void
add_fingerprint(struct json_object *object, uint64_t fingerprint)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
				     "wxyz0123456789+/";
	char text[13];

	for (int i = 0; i < 10; i++)
		text[i] = digits[fingerprint >> (58 - 6 * i) & 63];
	text[10] = digits[fingerprint << 2 & 63];
	text[11] = '=';
	text[12] = '\0';
	gce_json_add_text(object, "fingerprint", text);
}

static struct json_object *
json_config(const struct gce_instance *instance)
{
	struct json_object *config = json_object_new_object();
	struct json_object *list = json_object_new_array();

	gce_json_add_text(config, "kind", "compute#accessConfig");
	gce_json_add_text(config, "type", "ONE_TO_ONE_NAT");
	gce_json_add_text(config, "name", instance->config_name);
	gce_json_add_text(config, "natIP", instance->nat_ip);
	gce_json_add_text(config, "networkTier", "PREMIUM");
	json_object_array_add(list, config);
	return list;
}

static struct json_object *
json_interfaces(const struct sim_gce *gce, const struct gce_instance *instance)
{
	const struct gce_instance shown = gce_operation_shown(gce, instance);
	struct json_object *nic = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char region[GCE_NAME_MAX + 1];

	gce_world_region_of(instance->zone, region);
	gce_json_add_text(nic, "kind", "compute#networkInterface");
	gce_json_add_text(nic, "name", "nic0");
	gce_json_add_format(
	    nic, "network", GCE_JSON_BASE "%s/global/networks/default", gce->project);
	gce_json_add_format(nic, "subnetwork",
	    GCE_JSON_BASE "%s/regions/%s/subnetworks/default", gce->project, region);
	gce_json_add_format(nic, "networkIP", "10.128.%u.%u",
	    instance->host >> 8 & 0xff, instance->host & 0xff);
	add_fingerprint(nic, instance->fingerprint);
	gce_json_add_text(nic, "stackType", "IPV4_ONLY");
	if (shown.has_config)
		json_object_object_add(nic, "accessConfigs", json_config(&shown));
	json_object_array_add(list, nic);
	return list;
}

struct json_object *
gce_json_instance(const struct sim_gce *gce, const struct gce_instance *instance)
{
	struct json_object *object = json_object_new_object();

	gce_json_add_text(object, "kind", "compute#instance");
	add_id(object, "id", instance->id);
	add_time(object, "creationTimestamp", instance->created);
	add_time(object, "lastStartTimestamp", instance->created);
	if (!instance->running)
		add_time(object, "lastStopTimestamp", instance->stopped);
	gce_json_add_text(object, "name", instance->name);
	gce_json_add_format(object, "machineType",
	    GCE_JSON_BASE "%s/zones/%s/machineTypes/e2-medium", gce->project,
	    instance->zone);
	gce_json_add_text(
	    object, "status", instance->running ? "RUNNING" : "TERMINATED");
	gce_json_add_format(
	    object, "zone", GCE_JSON_BASE "%s/zones/%s", gce->project, instance->zone);
	json_object_object_add(
	    object, "networkInterfaces", json_interfaces(gce, instance));
	json_object_object_add(object, "canIpForward", json_object_new_boolean(true));
	json_object_object_add(
	    object, "deletionProtection", json_object_new_boolean(false));
	gce_json_add_format(object, "selfLink",
	    GCE_JSON_BASE "%s/zones/%s/instances/%s", gce->project, instance->zone,
	    instance->name);
	return object;
}

/* The URL of what uses the address. A holder that has no URL is a forwarding rule. */
static struct json_object *
json_user(const struct sim_gce *gce, const struct gce_address *address,
    const struct gce_instance *instance)
{
	struct json_object *object;
	char *user;

	if (instance != NULL)
		user = mem_printf(GCE_JSON_BASE "%s/zones/%s/instances/%s",
		    gce->project, instance->zone, instance->name);
	else if (strstr(address->user, "://") != NULL)
		user = mem_strdup(address->user);
	else
		user = mem_printf(GCE_JSON_BASE "%s/regions/%s/forwardingRules/%s",
		    gce->project, address->region, address->user);
	object = json_object_new_string(user);
	free(user);
	return object;
}

struct json_object *
gce_json_address(const struct sim_gce *gce, const struct gce_address *address)
{
	struct json_object *object = json_object_new_object();
	struct json_object *users;
	const struct gce_instance *instance = gce_operation_shown_user(gce, address);
	bool used = instance != NULL || address->user[0] != '\0';
	bool global = strcmp(address->region, GCE_GLOBAL) == 0;

	gce_json_add_text(object, "kind", "compute#address");
	add_id(object, "id", address->id);
	add_time(object, "creationTimestamp", address->created);
	gce_json_add_text(object, "name", address->name);
	gce_json_add_text(object, "address", address->address);
	gce_json_add_text(object, "addressType", "EXTERNAL");
	gce_json_add_text(object, "networkTier", "PREMIUM");
	gce_json_add_text(object, "status", used ? "IN_USE" : "RESERVED");
	if (!global)
		gce_json_add_format(object, "region", GCE_JSON_BASE "%s/regions/%s",
		    gce->project, address->region);
	gce_json_add_format(object, "selfLink", GCE_JSON_BASE "%s/%s%s/addresses/%s",
	    gce->project, global ? "" : "regions/", address->region, address->name);
	if (used) {
		users = json_object_new_array();
		json_object_array_add(users, json_user(gce, address, instance));
		json_object_object_add(object, "users", users);
	}
	return object;
}

static void
add_error(struct json_object *object, const struct gce_refusal *refusal)
{
	struct json_object *error = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *detail = json_object_new_object();

	gce_json_add_text(detail, "code", refusal->code);
	gce_json_add_text(detail, "message", refusal->message);
	json_object_array_add(list, detail);
	json_object_object_add(error, "errors", list);
	json_object_object_add(object, "error", error);
	json_object_object_add(
	    object, "httpErrorStatusCode", json_object_new_int(refusal->http_status));
	gce_json_add_text(object, "httpErrorMessage",
	    refusal->http_status == 404	  ? "NOT FOUND"
	    : refusal->http_status == 403 ? "FORBIDDEN"
	    : refusal->http_status < 500  ? "BAD REQUEST"
					  : "SERVICE UNAVAILABLE");
}

static void
add_progress(struct json_object *object, const struct gce_operation *operation)
{
	struct wall_time start = operation->inserted_wall;
	struct wall_time end = operation->inserted_wall;
	bool started = clock_mono().ms >= operation->start.ms;

	start.ms += operation->start.ms - operation->inserted.ms;
	end.ms += operation->end.ms - operation->inserted.ms;
	gce_json_add_text(object, "status", gce_operation_status(operation));
	json_object_object_add(
	    object, "progress", json_object_new_int(operation->applied ? 100 : 0));
	add_time(object, "insertTime", operation->inserted_wall);
	if (started || operation->applied)
		add_time(object, "startTime", start);
	if (operation->applied)
		add_time(object, "endTime", end);
	if (operation->applied && operation->failed)
		add_error(object, &operation->refusal);
}

struct json_object *
gce_json_operation(const struct sim_gce *gce, const struct gce_operation *operation)
{
	struct json_object *object = json_object_new_object();

	gce_json_add_text(object, "kind", "compute#operation");
	add_id(object, "id", operation->id);
	gce_json_add_text(object, "name", operation->name);
	gce_json_add_format(
	    object, "zone", GCE_JSON_BASE "%s/zones/%s", gce->project, operation->zone);
	gce_json_add_text(object, "operationType",
	    operation->call == GCE_CALL_ADD_ACCESS_CONFIG ? "addAccessConfig"
							  : "deleteAccessConfig");
	gce_json_add_format(object, "targetLink",
	    GCE_JSON_BASE "%s/zones/%s/instances/%s", gce->project, operation->zone,
	    operation->instance_name);
	add_id(object, "targetId", operation->instance_id);
	gce_json_add_text(object, "user", PROJECT_USER);
	if (operation->request_id[0] != '\0')
		gce_json_add_text(object, "clientOperationId", operation->request_id);
	add_progress(object, operation);
	gce_json_add_format(object, "selfLink",
	    GCE_JSON_BASE "%s/zones/%s/operations/%s", gce->project, operation->zone,
	    operation->name);
	return object;
}
