#include "gcp_reply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "gcp_error.h"
#include "json_read.h"
#include "mem.h"

/* Longest URL of a resource in a reply. */
#define URL_MAX 1023u

/* The part of a resource's URL from "projects/" on, whatever the host and version
 * before it ("" stays ""). */
static const char *
resource_of(const char *url)
{
	const char *at = strstr(url, "/projects/");

	return at != NULL ? at + 1 : url;
}

/* The last segment of a resource's URL. */
static const char *
last_segment(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash != NULL ? slash + 1 : url;
}

/* --- instances ----------------------------------------------------------------- */

static enum instance_state
instance_state(const char *status)
{
	static const char *const stopped[] = {"TERMINATED", "STOPPED", "SUSPENDED"};

	if (strcmp(status, "RUNNING") == 0)
		return INSTANCE_RUNNING;
	for (size_t i = 0; i < sizeof stopped / sizeof stopped[0]; i++)
		if (strcmp(status, stopped[i]) == 0)
			return INSTANCE_STOPPED;
	return INSTANCE_CHANGING;
}

static int
read_config(
    struct json_object *object, const char *nic, struct cloud_instance *instance)
{
	struct cloud_config config = {0};
	char type[32] = "";

	if (json_read_text(object, "name", config.name, sizeof config.name) < 0 ||
	    json_read_text(object, "natIP", config.address, sizeof config.address) <
		0 ||
	    json_read_text(object, "networkTier", config.tier, sizeof config.tier) <
		0 ||
	    json_read_text(object, "type", type, sizeof type) < 0 ||
	    instance->configs_len == CLOUD_CONFIGS_MAX)
		return -EPROTO;
	if (type[0] != '\0' && strcmp(type, "ONE_TO_ONE_NAT") != 0)
		return 0;
	MESSAGE_TEXT(config.nic, nic);
	instance->configs[instance->configs_len++] = config;
	return 0;
}

static int
read_nic(struct json_object *object, struct cloud_instance *instance)
{
	struct json_object *configs = NULL;
	char nic[CLOUD_NIC_MAX + 1] = "";

	if (!json_object_is_type(object, json_type_object) ||
	    json_read_text(object, "name", nic, sizeof nic) < 0 || nic[0] == '\0' ||
	    json_read_array(object, "accessConfigs", &configs) < 0)
		return -EPROTO;
	if (instance->nic[0] == '\0')
		MESSAGE_TEXT(instance->nic, nic);
	for (size_t i = 0; i < json_read_length(configs); i++) {
		struct json_object *config = json_object_array_get_idx(configs, i);

		if (!json_object_is_type(config, json_type_object) ||
		    read_config(config, nic, instance))
			return -EPROTO;
	}
	return 0;
}

static int
read_instance(struct json_object *object, struct cloud_instance *instance)
{
	struct json_object *nics = NULL;
	char status[32] = "";

	*instance = (struct cloud_instance){0};
	if (json_read_id(object, "id", instance->id, sizeof instance->id) < 0 ||
	    instance->id[0] == '\0' ||
	    json_read_text(object, "name", instance->name, sizeof instance->name) < 0 ||
	    json_read_text(object, "status", status, sizeof status) < 0 ||
	    status[0] == '\0' ||
	    json_read_array(object, "networkInterfaces", &nics) < 0)
		return -EPROTO;
	instance->state = instance_state(status);
	for (size_t i = 0; i < json_read_length(nics); i++)
		if (read_nic(json_object_array_get_idx(nics, i), instance))
			return -EPROTO;
	return 0;
}

/* What is observed of an instance: the first access config of its first interface. */
static int
read_observed_instance(
    struct json_object *object, const char *zone, struct msg_observed_instance *out)
{
	struct cloud_instance instance;

	if (read_instance(object, &instance) || instance.name[0] == '\0')
		return -EPROTO;
	MESSAGE_TEXT(out->id, instance.id);
	MESSAGE_TEXT(out->name, instance.name);
	MESSAGE_TEXT(out->zone, zone);
	out->state = (uint8_t)instance.state;
	for (size_t i = 0; i < instance.configs_len; i++) {
		if (strcmp(instance.configs[i].nic, instance.nic) != 0)
			continue;
		MESSAGE_TEXT(out->address, instance.configs[i].address);
		MESSAGE_TEXT(out->fence, instance.configs[i].name);
		MESSAGE_TEXT(out->tier, instance.configs[i].tier);
		break;
	}
	return 0;
}

/* --- addresses ----------------------------------------------------------------- */

static int
read_status(struct json_object *object, struct msg_observed_address *out)
{
	char status[32] = "";

	if (json_read_text(object, "status", status, sizeof status) < 0)
		return -EPROTO;
	if (strcmp(status, "RESERVED") == 0)
		out->status = ADDRESS_RESERVED;
	else if (strcmp(status, "IN_USE") == 0)
		out->status = ADDRESS_IN_USE;
	else if (strcmp(status, "RESERVING") == 0)
		out->status = ADDRESS_RESERVING;
	else
		return -EPROTO;
	return 0;
}

static int
read_user(struct json_object *object, struct msg_observed_address *out)
{
	struct json_object *users = NULL, *user;
	const char *resource;

	if (json_read_array(object, "users", &users) < 0)
		return -EPROTO;
	if (json_read_length(users) == 0)
		return 0;
	user = json_object_array_get_idx(users, 0);
	if (!json_object_is_type(user, json_type_string))
		return -EPROTO;
	resource = resource_of(json_object_get_string(user));
	if (resource[0] == '\0' || strlen(resource) >= sizeof out->user)
		return -EPROTO;
	MESSAGE_TEXT(out->user, resource);
	return 0;
}

static int
read_address(struct json_object *object, struct msg_observed_address *out)
{
	char region[URL_MAX + 1] = "";
	char type[32] = "";

	if (json_read_text(object, "address", out->address, sizeof out->address) < 0 ||
	    json_read_text(object, "name", out->name, sizeof out->name) < 0 ||
	    json_read_text(object, "networkTier", out->tier, sizeof out->tier) < 0 ||
	    json_read_text(object, "region", region, sizeof region) < 0 ||
	    json_read_text(object, "addressType", type, sizeof type) < 0 ||
	    strlen(last_segment(region)) >= sizeof out->region ||
	    read_status(object, out) || read_user(object, out))
		return -EPROTO;
	MESSAGE_TEXT(out->region, last_segment(region));
	if (strcmp(type, "INTERNAL") == 0)
		out->flaw = ADDRESS_INTERNAL;
	else if (region[0] == '\0')
		out->flaw = ADDRESS_GLOBAL;
	return 0;
}

/* --- lists, operations, errors ------------------------------------------------- */

static int
read_item(enum cloud_op op, const char *place, struct json_object *item,
    struct cloud_page *page, size_t index)
{
	if (!json_object_is_type(item, json_type_object))
		return -EPROTO;
	if (op == CLOUD_LIST_INSTANCES)
		return read_observed_instance(item, place, &page->instances[index]);
	return read_address(item, &page->addresses[index]);
}

static int
read_page(enum cloud_op op, const char *place, struct json_object *object,
    struct cloud_page *page)
{
	struct json_object *items = NULL;
	size_t len;

	if (json_read_array(object, "items", &items) < 0 ||
	    json_read_text(object, "nextPageToken", page->next, sizeof page->next) < 0)
		return -EPROTO;
	len = json_read_length(items);
	if (len > CLOUD_PAGE_ITEMS_MAX)
		return -EPROTO;
	if (op == CLOUD_LIST_INSTANCES)
		page->instances = mem_calloc(len, sizeof *page->instances);
	else
		page->addresses = mem_calloc(len, sizeof *page->addresses);
	for (size_t i = 0; i < len; i++)
		if (read_item(op, place, json_object_array_get_idx(items, i), page, i))
			return -EPROTO;
	page->len = len;
	return 0;
}

/* error.errors[0] of an operation; of an HTTP error its reason stands in `reason`. */
static int
read_first_error(struct json_object *error, const char *key, char *code,
    size_t code_size, const char **ret_message)
{
	struct json_object *errors = NULL, *first, *message;

	if (json_read_array(error, "errors", &errors) < 0)
		return -EPROTO;
	if (json_read_length(errors) == 0)
		return 0;
	first = json_object_array_get_idx(errors, 0);
	if (!json_object_is_type(first, json_type_object) ||
	    json_read_text(first, key, code, code_size) < 0)
		return -EPROTO;
	if (json_object_object_get_ex(first, "message", &message) &&
	    json_object_is_type(message, json_type_string))
		*ret_message = json_object_get_string(message);
	return 0;
}

static int
read_failure(struct json_object *object, struct json_object *error,
    struct cloud_operation *operation)
{
	struct cloud_answer answer;
	struct json_object *number;
	const char *message = "the operation failed";
	char code[128] = "";
	int status = 0;

	if (error != NULL &&
	    read_first_error(error, "code", code, sizeof code, &message))
		return -EPROTO;
	if (json_object_object_get_ex(object, "httpErrorStatusCode", &number))
		status = json_object_get_int(number);
	cloud_answer_init(&answer);
	gcp_error_classify(&answer, status, code, message);
	operation->failed = true;
	MESSAGE_TEXT(operation->reason, answer.reason);
	snprintf(operation->message, sizeof operation->message, "%.60s%s%.400s", code,
	    code[0] != '\0' ? ": " : "", answer.message);
	return 0;
}

static int
read_operation(struct json_object *object, struct cloud_operation *operation)
{
	struct json_object *error = NULL;
	char status[32] = "";

	if (json_read_text(object, "name", operation->name, sizeof operation->name) <
		0 ||
	    operation->name[0] == '\0' ||
	    json_read_text(object, "status", status, sizeof status) < 0 ||
	    status[0] == '\0' || json_read_part(object, "error", &error) < 0)
		return -EPROTO;
	operation->done = strcmp(status, "DONE") == 0;
	if (!operation->done || (error == NULL && !json_object_object_get_ex(object,
						      "httpErrorStatusCode", NULL)))
		return 0;
	return read_failure(object, error, operation);
}

static int
read_success(enum cloud_op op, const char *place, struct json_object *object,
    struct cloud_answer *answer)
{
	switch (op) {
	case CLOUD_GET_INSTANCE:
		return read_instance(object, &answer->instance);
	case CLOUD_ADD_CONFIG:
	case CLOUD_DELETE_CONFIG:
	case CLOUD_WAIT_OPERATION:
	case CLOUD_GET_OPERATION:
		return read_operation(object, &answer->operation);
	case CLOUD_LIST_INSTANCES:
	case CLOUD_LIST_ADDRESSES:
		return read_page(op, place, object, &answer->page);
	case CLOUD_OP_COUNT:
		break;
	}
	assert(!"no such call");
	return -EPROTO;
}

static void
read_error(const struct http_reply *reply, struct cloud_answer *answer)
{
	struct json_object *object = json_read_object(reply->body, reply->body_len);
	struct json_object *error = NULL, *text;
	const char *message = NULL;
	char fallback[64];
	char code[128] = "";

	snprintf(fallback, sizeof fallback, "HTTP status %d", reply->status);
	if (object != NULL && json_read_part(object, "error", &error) == 1) {
		read_first_error(error, "reason", code, sizeof code, &message);
		if (json_object_object_get_ex(error, "message", &text) &&
		    json_object_is_type(text, json_type_string))
			message = json_object_get_string(text);
	}
	gcp_error_classify(
	    answer, reply->status, code, message != NULL ? message : fallback);
	json_object_put(object);
}

void
gcp_reply_read(enum cloud_op op, const char *place, const struct http_reply *reply,
    struct cloud_answer *ret_answer)
{
	struct json_object *object;

	cloud_answer_init(ret_answer);
	if (reply->error != 0) {
		cloud_answer_fault(ret_answer,
		    reply->maybe_sent ? FAULT_LOST : FAULT_NOT_SENT,
		    reply->error == -E2BIG ? "MalformedReply" : "CloudUnreachable",
		    reply->detail);
		return;
	}
	if (reply->status < 200 || reply->status > 299) {
		read_error(reply, ret_answer);
		return;
	}
	object = json_read_object(reply->body, reply->body_len);
	if (object == NULL || read_success(op, place, object, ret_answer) != 0) {
		cloud_answer_clear(ret_answer);
		cloud_answer_fault(ret_answer, FAULT_LOST, "MalformedReply",
		    "the cloud's reply is not what it should be");
	}
	json_object_put(object);
}
