#include "kube_proto.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kube_json.h"

/* Fields of the largest message below, and an empty one. */
#define FIELDS_MAX 10u

/* Wire types (protobuf encoding guide). */
enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

enum shape { NONE, TEXT, TEXTS, INTEGER, MESSAGE, MESSAGES, MAP };

struct message {
	const char *kind; /* NULL: only a part of others */
	struct {
		unsigned number;
		const char *name;
		enum shape shape;
		const struct message *of;
	} fields[FIELDS_MAX];
};

struct cursor {
	const unsigned char *at;
	const unsigned char *end;
};

struct field {
	unsigned number;
	enum wire wire;
	uint64_t value;	     /* WIRE_VARINT */
	struct cursor bytes; /* WIRE_BYTES */
};

static const struct message object_meta = {
    NULL, {{1, "name", TEXT, NULL}, {2, "generateName", TEXT, NULL},
	      {3, "namespace", TEXT, NULL}, {5, "uid", TEXT, NULL},
	      {6, "resourceVersion", TEXT, NULL}, {11, "labels", MAP, NULL},
	      {12, "annotations", MAP, NULL}, {14, "finalizers", TEXTS, NULL}}};

static const struct message preconditions = {
    NULL, {{1, "uid", TEXT, NULL}, {2, "resourceVersion", TEXT, NULL}}};

static const struct message delete_options = {"DeleteOptions",
    {{1, "gracePeriodSeconds", INTEGER, NULL},
	{2, "preconditions", MESSAGE, &preconditions},
	{4, "propagationPolicy", TEXT, NULL}, {5, "dryRun", TEXTS, NULL}}};

static const struct message resource_attributes = {NULL,
    {{1, "namespace", TEXT, NULL}, {2, "verb", TEXT, NULL}, {3, "group", TEXT, NULL},
	{4, "version", TEXT, NULL}, {5, "resource", TEXT, NULL},
	{6, "subresource", TEXT, NULL}, {7, "name", TEXT, NULL}}};

static const struct message path_attributes = {
    NULL, {{1, "path", TEXT, NULL}, {2, "verb", TEXT, NULL}}};

static const struct message access_spec = {
    NULL, {{1, "resourceAttributes", MESSAGE, &resource_attributes},
	      {2, "nonResourceAttributes", MESSAGE, &path_attributes}}};

static const struct message subject_spec = {
    NULL, {{1, "resourceAttributes", MESSAGE, &resource_attributes},
	      {2, "nonResourceAttributes", MESSAGE, &path_attributes},
	      {3, "user", TEXT, NULL}, {4, "groups", TEXTS, NULL}}};

static const struct message rules_spec = {NULL, {{1, "namespace", TEXT, NULL}}};

static const struct message bound_object = {
    NULL, {{1, "kind", TEXT, NULL}, {2, "apiVersion", TEXT, NULL},
	      {3, "name", TEXT, NULL}, {4, "uid", TEXT, NULL}}};

static const struct message token_spec = {
    NULL, {{1, "audiences", TEXTS, NULL}, {3, "boundObjectRef", MESSAGE, &bound_object},
	      {4, "expirationSeconds", INTEGER, NULL}}};

static const struct message policy_rule = {
    NULL, {{1, "verbs", TEXTS, NULL}, {2, "apiGroups", TEXTS, NULL},
	      {3, "resources", TEXTS, NULL}, {4, "resourceNames", TEXTS, NULL},
	      {5, "nonResourceURLs", TEXTS, NULL}}};

static const struct message rbac_subject = {
    NULL, {{1, "kind", TEXT, NULL}, {2, "apiGroup", TEXT, NULL},
	      {3, "name", TEXT, NULL}, {4, "namespace", TEXT, NULL}}};

static const struct message role_ref = {NULL,
    {{1, "apiGroup", TEXT, NULL}, {2, "kind", TEXT, NULL}, {3, "name", TEXT, NULL}}};

static const struct message cluster_role = {"ClusterRole",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "rules", MESSAGES, &policy_rule}}};
static const struct message cluster_role_binding = {"ClusterRoleBinding",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "subjects", MESSAGES, &rbac_subject},
	{3, "roleRef", MESSAGE, &role_ref}}};
static const struct message role = {"Role",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "rules", MESSAGES, &policy_rule}}};
static const struct message role_binding = {"RoleBinding",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "subjects", MESSAGES, &rbac_subject},
	{3, "roleRef", MESSAGE, &role_ref}}};

static const struct message config_map = {
    "ConfigMap", {{1, "metadata", MESSAGE, &object_meta}, {2, "data", MAP, NULL}}};
static const struct message eviction = {
    "Eviction", {{1, "metadata", MESSAGE, &object_meta},
		    {2, "deleteOptions", MESSAGE, &delete_options}}};
static const struct message namespace = {
    "Namespace", {{1, "metadata", MESSAGE, &object_meta}}};
static const struct message access_review = {"SelfSubjectAccessReview",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "spec", MESSAGE, &access_spec}}};
static const struct message rules_review = {"SelfSubjectRulesReview",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "spec", MESSAGE, &rules_spec}}};
static const struct message other_review = {"SubjectAccessReview",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "spec", MESSAGE, &subject_spec}}};
static const struct message subject_review = {
    "SelfSubjectReview", {{1, "metadata", MESSAGE, &object_meta}}};
static const struct message service_account = {
    "ServiceAccount", {{1, "metadata", MESSAGE, &object_meta}}};
static const struct message token_request = {"TokenRequest",
    {{1, "metadata", MESSAGE, &object_meta}, {2, "spec", MESSAGE, &token_spec}}};

static const struct message *const kinds[] = {&config_map, &delete_options, &eviction,
    &namespace, &access_review, &subject_review, &service_account, &token_request,
    &cluster_role, &cluster_role_binding, &role, &role_binding, &rules_review,
    &other_review};

/* Parts of the envelope. */
static const struct message type_meta = {
    NULL, {{1, "apiVersion", TEXT, NULL}, {2, "kind", TEXT, NULL}}};

static int
take_varint(struct cursor *cursor, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
		unsigned char byte = *cursor->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret_value = value;
			return 0;
		}
	}
	return -EINVAL;
}

static int
skip(struct cursor *cursor, uint64_t len)
{
	if (len > (uint64_t)(cursor->end - cursor->at))
		return -EINVAL;
	cursor->at += len;
	return 0;
}

static int
take_field(struct cursor *cursor, struct field *ret_field)
{
	uint64_t tag, len;

	if (take_varint(cursor, &tag) < 0 || tag >> 3 > INT32_MAX)
		return -EINVAL;
	*ret_field = (struct field){
	    .number = (unsigned)(tag >> 3), .wire = (enum wire)(tag & 7)};
	if (ret_field->wire == WIRE_VARINT)
		return take_varint(cursor, &ret_field->value);
	if (ret_field->wire == WIRE_64)
		return skip(cursor, 8);
	if (ret_field->wire == WIRE_32)
		return skip(cursor, 4);
	if (ret_field->wire != WIRE_BYTES || take_varint(cursor, &len) < 0)
		return -EINVAL;
	ret_field->bytes.at = cursor->at;
	if (skip(cursor, len) < 0)
		return -EINVAL;
	ret_field->bytes.end = cursor->at;
	return 0;
}

static struct json_object *
text_new(const struct cursor *bytes)
{
	return json_object_new_string_len(
	    (const char *)bytes->at, (int)(bytes->end - bytes->at));
}

/* One entry of a map: field 1 is the key, field 2 the value. */
static int
add_entry(struct json_object *map, struct cursor entry)
{
	struct cursor parts[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
	struct json_object *key, *value;
	struct field field;

	while (entry.at < entry.end) {
		if (take_field(&entry, &field) < 0)
			return -EINVAL;
		if (field.wire == WIRE_BYTES && field.number < 3)
			parts[field.number] = field.bytes;
	}
	if (parts[1].at == NULL)
		return -EINVAL;
	key = text_new(&parts[1]);
	value = parts[2].at != NULL ? text_new(&parts[2]) : json_object_new_string("");
	json_object_object_add(map, json_object_get_string(key), value);
	json_object_put(key);
	return 0;
}

/* Appends to the list of that name; takes `element` over. */
static void
add_element(struct json_object *json, const char *name, struct json_object *element)
{
	struct json_object *list = kube_json_member(json, name);

	if (list == NULL) {
		list = json_object_new_array();
		json_object_object_add(json, name, list);
	}
	json_object_array_add(list, element);
}

static int read_message(
    struct cursor cursor, const struct message *message, struct json_object *json);

/* A field of bytes, by the shape that it has. */
static int
read_bytes(const struct cursor *bytes, const char *name, enum shape shape,
    const struct message *of, struct json_object *json)
{
	struct json_object *element;

	switch (shape) {
	case TEXT:
		/* Go writes empty texts out, JSON leaves them away */
		if (bytes->at < bytes->end)
			json_object_object_add(json, name, text_new(bytes));
		return 0;
	case TEXTS:
		add_element(json, name, text_new(bytes));
		return 0;
	case MAP:
		return add_entry(kube_json_section(json, name), *bytes);
	case MESSAGE:
		return read_message(*bytes, of, kube_json_section(json, name));
	case MESSAGES:
		element = json_object_new_object();
		add_element(json, name, element);
		return read_message(*bytes, of, element);
	case INTEGER:
	case NONE:
	default:
		return -EINVAL;
	}
}

static int
read_message(
    struct cursor cursor, const struct message *message, struct json_object *json)
{
	struct field field;

	while (cursor.at < cursor.end) {
		size_t i = 0;
		int rc = take_field(&cursor, &field);

		if (rc < 0 || field.number == 0)
			return -EINVAL;
		while (i < FIELDS_MAX && message->fields[i].number != field.number)
			i++;
		if (i == FIELDS_MAX)
			continue;
		if (field.wire == WIRE_BYTES)
			rc = read_bytes(&field.bytes, message->fields[i].name,
			    message->fields[i].shape, message->fields[i].of, json);
		else if (field.wire == WIRE_VARINT &&
			 message->fields[i].shape == INTEGER)
			kube_json_set_int(
			    json, message->fields[i].name, (int64_t)field.value);
		else
			rc = -EINVAL;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The envelope: the object's type in `json`, its message in *ret_raw. */
static int
read_envelope(struct cursor cursor, struct json_object *json, struct cursor *ret_raw)
{
	struct field field;

	if (cursor.end - cursor.at < 4 || memcmp(cursor.at, "k8s", 4) != 0)
		return -EINVAL;
	cursor.at += 4;
	while (cursor.at < cursor.end) {
		if (take_field(&cursor, &field) < 0)
			return -EINVAL;
		if (field.wire != WIRE_BYTES)
			continue;
		if (field.number == 1 &&
		    read_message(field.bytes, &type_meta, json) < 0)
			return -EINVAL;
		if (field.number == 2)
			*ret_raw = field.bytes;
	}
	return 0;
}

int
kube_proto_read(const char *data, size_t len, struct json_object **ret_json)
{
	struct json_object *json = json_object_new_object();
	const unsigned char *start = (const unsigned char *)data;
	struct cursor cursor = {start, start + len};
	struct cursor raw = {start, start};
	int rc = read_envelope(cursor, json, &raw);

	if (rc == 0)
		rc = -ENOTSUP;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && rc == -ENOTSUP; i++)
		if (strcmp(kinds[i]->kind, kube_json_text(json, "kind")) == 0)
			rc = read_message(raw, kinds[i], json);
	if (rc < 0) {
		json_object_put(json);
		return rc;
	}
	*ret_json = json;
	return 0;
}
