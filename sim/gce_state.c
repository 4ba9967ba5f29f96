#include "gce_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gce_json.h"

/* Largest latency or patience (ms), and lifetime (s), that can be set. */
#define SETTING_MS_MAX 600000
#define SETTING_S_MAX  86400

static const struct setting {
	const char *key;
	size_t offset; /* in struct gce_settings, of an int64_t, or of a bool */
	int64_t most;  /* 0: true or false */
} settings[] = {
    {"operation_latency_ms", offsetof(struct gce_settings, operation_latency_ms),
	SETTING_MS_MAX},
    {"operation_jitter_ms", offsetof(struct gce_settings, operation_jitter_ms),
	SETTING_MS_MAX},
    {"token_ttl_s", offsetof(struct gce_settings, token_ttl_s), SETTING_S_MAX},
    {"wait_max_ms", offsetof(struct gce_settings, wait_max_ms), SETTING_MS_MAX},
    {"request_id_ttl_s", offsetof(struct gce_settings, request_id_ttl_s),
	SETTING_S_MAX},
    {"seed", offsetof(struct gce_settings, seed), INT64_MAX - 1},
    {"conflict_in_operation", offsetof(struct gce_settings, conflict_in_operation), 0},
    {"busy_in_operation", offsetof(struct gce_settings, busy_in_operation), 0},
};

#define SETTINGS (sizeof settings / sizeof settings[0])

struct json_object *
gce_state_calls(const struct sim_gce *gce)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i < GCE_CALL_KINDS; i++)
		json_object_object_add(object, gce_call_names[i],
		    json_object_new_int64((int64_t)gce->calls[i]));
	return object;
}

static struct json_object *
state_instances(const struct sim_gce *gce)
{
	struct json_object *list = json_object_new_array();
	const struct gce_instance *instance;

	TAILQ_FOREACH(instance, &gce->instances, link) {
		struct json_object *object = json_object_new_object();

		gce_json_add_text(object, "zone", instance->zone);
		gce_json_add_text(object, "name", instance->name);
		gce_json_add_format(object, "id", "%" PRIu64, instance->id);
		gce_json_add_text(
		    object, "status", instance->running ? "RUNNING" : "TERMINATED");
		json_object_object_add(
		    object, "ours", json_object_new_boolean(instance->ours));
		json_object_object_add(
		    object, "busy", json_object_new_boolean(instance->busy != 0));
		gce_json_add_text(object, "external_ip",
		    instance->has_config ? instance->nat_ip : "");
		gce_json_add_text(object, "access_config",
		    instance->has_config ? instance->config_name : "");
		json_object_array_add(list, object);
	}
	return list;
}

static struct json_object *
state_addresses(const struct sim_gce *gce)
{
	struct json_object *list = json_object_new_array();
	const struct gce_address *address;

	TAILQ_FOREACH(address, &gce->addresses, link) {
		struct json_object *object = json_object_new_object();

		gce_json_add_text(object, "region", address->region);
		gce_json_add_text(object, "name", address->name);
		gce_json_add_text(object, "address", address->address);
		gce_json_add_text(object, "instance",
		    address->instance != NULL ? address->instance->name : "");
		gce_json_add_text(object, "user", address->user);
		json_object_array_add(list, object);
	}
	return list;
}

static struct json_object *
state_operations(const struct sim_gce *gce)
{
	struct json_object *list = json_object_new_array();
	const struct gce_operation *operation;

	TAILQ_FOREACH(operation, &gce->operations, link)
		json_object_array_add(list, gce_json_operation(gce, operation));
	return list;
}

static struct json_object *
state_settings(const struct gce_settings *values)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < SETTINGS; i++) {
		const char *at = (const char *)values + settings[i].offset;
		int64_t number;
		bool flag;

		if (settings[i].most > 0) {
			memcpy(&number, at, sizeof number);
			json_object_object_add(
			    object, settings[i].key, json_object_new_int64(number));
		} else {
			memcpy(&flag, at, sizeof flag);
			json_object_object_add(
			    object, settings[i].key, json_object_new_boolean(flag));
		}
	}
	return object;
}

struct json_object *
gce_state_all(const struct sim_gce *gce)
{
	struct json_object *object = json_object_new_object();

	gce_json_add_text(object, "project", gce->project);
	json_object_object_add(object, "instances", state_instances(gce));
	json_object_object_add(object, "addresses", state_addresses(gce));
	json_object_object_add(object, "operations", state_operations(gce));
	json_object_object_add(object, "settings", state_settings(&gce->settings));
	return object;
}

static int
set_one(
    const struct setting *setting, struct json_object *value, struct gce_settings *into)
{
	char *at = (char *)into + setting->offset;

	if (setting->most > 0) {
		int64_t number = json_object_get_int64(value);

		if (!json_object_is_type(value, json_type_int) || number < 0 ||
		    number > setting->most)
			return -EINVAL;
		memcpy(at, &number, sizeof number);
	} else {
		bool flag = json_object_get_boolean(value);

		if (!json_object_is_type(value, json_type_boolean))
			return -EINVAL;
		memcpy(at, &flag, sizeof flag);
	}
	return 0;
}

int
gce_state_set(
    struct sim_gce *gce, struct json_object *values, char *why, size_t why_size)
{
	struct gce_settings wanted = gce->settings;

	json_object_object_foreach(values, key, value) {
		size_t i = 0;

		while (i < SETTINGS && strcmp(settings[i].key, key) != 0)
			i++;
		if (i == SETTINGS) {
			snprintf(why, why_size, "%s: no such setting", key);
			return -EINVAL;
		}
		if (set_one(&settings[i], value, &wanted) < 0) {
			snprintf(why, why_size,
			    "%s: of the wrong type, or out of range", key);
			return -EINVAL;
		}
	}
	/* the numbers begin anew only where a seed is given */
	if (json_object_object_get_ex(values, "seed", NULL))
		gce->random = (uint64_t)wanted.seed;
	gce->settings = wanted;
	return 0;
}
