#include "kube_check.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "clock.h"
#include "kube_admit.h"
#include "kube_custom.h"
#include "kube_json.h"
#include "kube_rbac.h"

/* Lengths that the Event API allows (events.k8s.io/v1, field comments). */
#define EVENT_REASON_MAX 128u
#define EVENT_NOTE_MAX	 1024u

/* Where whole seconds end in an RFC 3339 time, and the length of ".000000". */
#define SECONDS_END  19u
#define FRACTION_LEN 7u

static bool
is_micro_time(const char *text)
{
	struct wall_time time;

	return clock_parse(text, &time) == 0 && text[SECONDS_END] == '.' &&
	       strspn(text + SECONDS_END + 1, "0123456789") == FRACTION_LEN - 1;
}

/* A MicroTime takes exactly six digits (metav1.RFC3339Micro). */
static int
check_micro_time(
    struct kube_call *call, const struct json_object *json, const char *path)
{
	const char *kind = call->view->resource->kind;
	const char *text = kube_json_text(json, path);
	struct wall_time time;
	bool whole;

	if (text[0] == '\0' || is_micro_time(text))
		return 0;
	whole = clock_parse(text, &time) == 0;
	return kube_fail(call, 400, "BadRequest", NULL,
	    "%s in version \"%s\" cannot be handled as a %s: parsing time \"%s\" as "
	    "\"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"%s\" as \"%s\"",
	    kind, call->view->version, kind, text, whole ? text + SECONDS_END : text,
	    whole ? ".000000" : "2006");
}

static int
check_text_map(struct kube_call *call, const struct json_object *json, const char *path,
    const char *field)
{
	const char *kind = call->view->resource->kind;
	struct json_object *map = kube_json_at(json, path);

	for (const struct lh_entry *at = kube_json_first(map); at != NULL;
	     at = at->next) {
		const char *type =
		    json_type_to_name(json_object_get_type(kube_json_value(at)));

		if (json_object_is_type(kube_json_value(at), json_type_string))
			continue;
		if (strcmp(type, "int") == 0 || strcmp(type, "double") == 0)
			type = "number";
		return kube_fail(call, 400, "BadRequest", NULL,
		    "%s in version \"%s\" cannot be handled as a %s: json: cannot "
		    "unmarshal %s into Go struct field %s of type string",
		    kind, call->view->version, kind, type, field);
	}
	return 0;
}

int
kube_check_types(struct kube_call *call, const struct json_object *json)
{
	const struct kube_resource *resource = call->view->resource;
	bool builtin = (resource->flags & KUBE_CUSTOM) == 0;
	int rc =
	    check_text_map(call, json, "metadata.labels", "ObjectMeta.metadata.labels");

	if (rc == 0)
		rc = check_text_map(call, json, "metadata.annotations",
		    "ObjectMeta.metadata.annotations");
	if (rc == 0 && builtin && strcmp(resource->plural, "configmaps") == 0)
		rc = check_text_map(call, json, "data", "ConfigMap.data");
	if (rc == 0 && builtin && strcmp(resource->plural, "leases") == 0)
		rc = check_micro_time(call, json, "spec.acquireTime");
	if (rc == 0 && builtin && strcmp(resource->plural, "leases") == 0)
		rc = check_micro_time(call, json, "spec.renewTime");
	if (rc == 0 && builtin && strcmp(resource->plural, "events") == 0)
		rc = check_micro_time(call, json, "eventTime");
	if (rc == 0 && builtin && strcmp(resource->plural, "events") == 0)
		rc = check_micro_time(call, json, "series.lastObservedTime");
	return rc;
}

static bool
is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* An RFC 1123 subdomain, as the API server has it. */
static bool
is_subdomain(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool edge =
		    i == 0 || i == len - 1 || text[i - 1] == '.' || text[i + 1] == '.';

		if (!is_lower_alnum(text[i]) &&
		    (edge || (text[i] != '-' && text[i] != '.')))
			return false;
	}
	return true;
}

/* A label's value, or the name part of its key: letters and digits at the ends. */
static bool
is_label_part(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (isalnum(c) && c < 0x80)
			continue;
		if (i == 0 || i == len - 1 || strchr("-_.", c) == NULL)
			return false;
	}
	return len <= LABEL_MAX_LEN;
}

#define SUBDOMAIN_RULE                                                                 \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "      \
	"characters, '-' or '.', and must start and end with an alphanumeric "         \
	"character (e.g. 'example.com', regex used for validation is "                 \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

#define LABEL_VALUE_RULE                                                               \
	"a valid label must be an empty string or consist of alphanumeric "            \
	"characters, "                                                                 \
	"'-', '_' or '.', and must start and end with an alphanumeric character "      \
	"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "  \
	"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

#define LABEL_NAME_RULE                                                                \
	"name part must consist of alphanumeric characters, '-', '_' or '.', and "     \
	"must "                                                                        \
	"start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name', " \
	" "                                                                            \
	"or '123-abc', regex used for validation is "                                  \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

#define CONFIG_KEY_RULE                                                                \
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' " \
	"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation " \
	"is '[-._a-zA-Z0-9]+')"

static void
check_name(const struct json_object *json, struct kube_causes *causes)
{
	const char *name = kube_json_text(json, "metadata.name");

	if (name[0] == '\0')
		kube_causes_add(causes, "FieldValueRequired", "metadata.name",
		    "Required value: name or generateName is required");
	else if (strlen(name) > NAME_MAX_LEN)
		kube_causes_add(causes, "FieldValueInvalid", "metadata.name",
		    "Invalid value: \"%s\": must be no more than %u bytes", name,
		    NAME_MAX_LEN);
	else if (!is_subdomain(name))
		kube_causes_add(causes, "FieldValueInvalid", "metadata.name",
		    "Invalid value: \"%s\": " SUBDOMAIN_RULE, name);
}

static void
check_label_key(const char *key, const char *field, struct kube_causes *causes)
{
	const char *slash = strchr(key, '/');
	const char *name = slash != NULL ? slash + 1 : key;
	char prefix[NAME_MAX_LEN + 2];

	if (name[0] == '\0')
		kube_causes_add(causes, "FieldValueInvalid", field,
		    "Invalid value: \"%s\": name part must be non-empty", key);
	else if (strlen(name) > LABEL_MAX_LEN)
		kube_causes_add(causes, "FieldValueInvalid", field,
		    "Invalid value: \"%s\": name part must be no more than %u bytes",
		    key, LABEL_MAX_LEN);
	else if (!is_label_part(name, strlen(name)))
		kube_causes_add(causes, "FieldValueInvalid", field,
		    "Invalid value: \"%s\": " LABEL_NAME_RULE, key);
	if (slash == NULL)
		return;
	snprintf(prefix, sizeof prefix, "%.*s", (int)(slash - key), key);
	if (!is_subdomain(prefix))
		kube_causes_add(causes, "FieldValueInvalid", field,
		    "Invalid value: \"%s\": prefix part " SUBDOMAIN_RULE, key);
}

static void
check_labels(const struct json_object *json, struct kube_causes *causes)
{
	struct json_object *labels = kube_json_at(json, "metadata.labels");
	struct json_object *notes = kube_json_at(json, "metadata.annotations");

	for (const struct lh_entry *at = kube_json_first(labels); at != NULL;
	     at = at->next) {
		const char *value = json_object_get_string(kube_json_value(at));

		check_label_key(kube_json_key(at), "metadata.labels", causes);
		if (strlen(value) > LABEL_MAX_LEN)
			kube_causes_add(causes, "FieldValueInvalid", "metadata.labels",
			    "Invalid value: \"%s\": must be no more than %u bytes",
			    value, LABEL_MAX_LEN);
		else if (!is_label_part(value, strlen(value)))
			kube_causes_add(causes, "FieldValueInvalid", "metadata.labels",
			    "Invalid value: \"%s\": " LABEL_VALUE_RULE, value);
	}
	for (const struct lh_entry *at = kube_json_first(notes); at != NULL;
	     at = at->next)
		check_label_key(kube_json_key(at), "metadata.annotations", causes);
}

static void
check_configmap(const struct json_object *json, struct kube_causes *causes)
{
	static const char *const maps[] = {"data", "binaryData"};
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t total = 0;

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		struct json_object *map = kube_json_member(json, maps[i]);

		for (const struct lh_entry *at = kube_json_first(map); at != NULL;
		     at = at->next) {
			const char *key = kube_json_key(at);
			char field[NAME_MAX_LEN + 16];

			total +=
			    (size_t)json_object_get_string_len(kube_json_value(at));
			if (key[0] != '\0' && key[strspn(key, allowed)] == '\0' &&
			    strlen(key) <= NAME_MAX_LEN)
				continue;
			snprintf(field, sizeof field, "%s[%.*s]", maps[i],
			    (int)NAME_MAX_LEN, key);
			kube_causes_add(causes, "FieldValueInvalid", field,
			    "Invalid value: \"%s\": " CONFIG_KEY_RULE, key);
		}
	}
	if (total > KUBE_CONFIGMAP_MAX)
		kube_causes_add(causes, "FieldValueTooLong", "[]",
		    "Too long: may not be more than %u bytes", KUBE_CONFIGMAP_MAX);
}

static void
check_lease(const struct json_object *json, struct kube_causes *causes)
{
	int64_t duration = kube_json_int(json, "spec.leaseDurationSeconds", 1);
	int64_t transitions = kube_json_int(json, "spec.leaseTransitions", 0);

	if (duration <= 0)
		kube_causes_add(causes, "FieldValueInvalid",
		    "spec.leaseDurationSeconds",
		    "Invalid value: %lld: must be greater than 0", (long long)duration);
	if (transitions < 0)
		kube_causes_add(causes, "FieldValueInvalid", "spec.leaseTransitions",
		    "Invalid value: %lld: must be greater than or equal to 0",
		    (long long)transitions);
}

/* An event about a cluster-scoped object belongs to default or kube-system. */
static void
check_event_namespace(
    const struct json_object *json, const char *about, struct kube_causes *causes)
{
	const char *space = kube_json_text(json, "metadata.namespace");
	const char *other = kube_json_text(json, about);

	if (strcmp(space, other) == 0)
		return;
	if (other[0] == '\0' &&
	    (strcmp(space, "default") == 0 || strcmp(space, "kube-system") == 0))
		return;
	kube_causes_add(causes, "FieldValueInvalid", "involvedObject.namespace",
	    "Invalid value: \"%s\": does not match event.namespace", other);
}

/* The new API demands what the old one left open. */
static void
check_new_event(const struct json_object *json, struct kube_causes *causes)
{
	static const char *const required[] = {"eventTime", "reportingController",
	    "reportingInstance", "action", "reason"};
	const char *type = kube_json_text(json, "type");

	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if (kube_json_text(json, required[i])[0] == '\0')
			kube_causes_add(causes, "FieldValueRequired", required[i],
			    "Required value");
	if (strcmp(type, "Normal") != 0 && strcmp(type, "Warning") != 0)
		kube_causes_add(causes, "FieldValueInvalid", "type",
		    "Invalid value: \"\": has invalid value: %s", type);
	if (strlen(kube_json_text(json, "reason")) > EVENT_REASON_MAX)
		kube_causes_add(causes, "FieldValueInvalid", "reason",
		    "Invalid value: \"\": can have at most %u characters",
		    EVENT_REASON_MAX);
	if (strlen(kube_json_text(json, "action")) > EVENT_REASON_MAX)
		kube_causes_add(causes, "FieldValueInvalid", "action",
		    "Invalid value: \"\": can have at most %u characters",
		    EVENT_REASON_MAX);
	if (strlen(kube_json_text(json, "note")) > EVENT_NOTE_MAX)
		kube_causes_add(causes, "FieldValueInvalid", "message",
		    "Invalid value: \"\": can have at most %u characters",
		    EVENT_NOTE_MAX);
}

void
kube_check_object(const struct kube_view *view, const struct json_object *json,
    struct kube_causes *causes)
{
	const struct kube_resource *resource = view->resource;

	check_labels(json, causes);
	if (strcmp(resource->group, KUBE_RBAC_GROUP) == 0) {
		kube_rbac_check(resource, json, causes);
		return;
	}
	check_name(json, causes);
	if ((resource->flags & KUBE_CUSTOM) != 0)
		return;
	if (strcmp(resource->plural, "configmaps") == 0)
		check_configmap(json, causes);
	else if (strcmp(resource->plural, "leases") == 0)
		check_lease(json, causes);
	else if (strcmp(resource->plural, "customresourcedefinitions") == 0)
		kube_custom_check(json, causes);
	else if (strcmp(resource->plural, "events") != 0)
		return;
	else if (view->group[0] == '\0')
		check_event_namespace(json, "involvedObject.namespace", causes);
	else {
		check_event_namespace(json, "regarding.namespace", causes);
		check_new_event(json, causes);
	}
}
