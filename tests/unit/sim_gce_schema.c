#include "sim_gce_schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TESTS_JUDGE_DIR
#define TESTS_JUDGE_DIR "tests/judge"
#endif

#define CONTRACTS_DEFAULT TESTS_JUDGE_DIR "/../../../shared/contracts"

struct check {
	struct json_object *schemas;
	char *why;
	size_t why_size;
};

static int check_value(const struct check *check, struct json_object *schema,
    const char *key, struct json_object *value);

struct json_object *
schema_load(char *path, size_t path_size)
{
	const char *directory = getenv("CONTRACTS");

	if (directory == NULL || directory[0] == '\0')
		directory = CONTRACTS_DEFAULT;
	snprintf(path, path_size, "%s/gcp-compute.json", directory);
	return json_object_from_file(path);
}

static int
refuse(const struct check *check, const char *key, const char *what)
{
	snprintf(check->why, check->why_size, "%s: %s", key, what);
	return -EINVAL;
}

static const char *
text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value)
		   ? json_object_get_string(value)
		   : NULL;
}

static int
check_text(const struct check *check, struct json_object *schema, const char *key,
    struct json_object *value)
{
	const char *format = text_of(schema, "format");
	const char *text = json_object_get_string(value);
	struct json_object *words;

	if (!json_object_is_type(value, json_type_string))
		return refuse(check, key, "not a string");
	if (format != NULL && strcmp(format, "uint64") == 0 &&
	    (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)))
		return refuse(check, key, "not a number");
	if (!json_object_object_get_ex(schema, "enum", &words))
		return 0;
	for (size_t i = 0; i < json_object_array_length(words); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(words, i)),
			text) == 0)
			return 0;
	return refuse(check, key, "none of the allowed words");
}

static int
check_array(const struct check *check, struct json_object *schema, const char *key,
    struct json_object *value)
{
	struct json_object *items;
	int rc = 0;

	if (!json_object_is_type(value, json_type_array))
		return refuse(check, key, "not an array");
	if (!json_object_object_get_ex(schema, "items", &items))
		return refuse(check, key, "an array of nothing in the schema");
	for (size_t i = 0; rc == 0 && i < json_object_array_length(value); i++)
		rc =
		    check_value(check, items, key, json_object_array_get_idx(value, i));
	return rc;
}

static int
check_object(const struct check *check, struct json_object *schema, const char *key,
    struct json_object *value)
{
	struct json_object *properties = NULL, *others = NULL, *property;
	int rc = 0;

	if (!json_object_is_type(value, json_type_object))
		return refuse(check, key, "not an object");
	json_object_object_get_ex(schema, "properties", &properties);
	json_object_object_get_ex(schema, "additionalProperties", &others);
	json_object_object_foreach(value, name, member) {
		if (rc < 0)
			break;
		if (properties != NULL &&
		    json_object_object_get_ex(properties, name, &property))
			rc = check_value(check, property, name, member);
		else if (others != NULL)
			rc = check_value(check, others, name, member);
		else
			rc = refuse(check, name, "not in the schema");
	}
	return rc;
}

static int
check_value(const struct check *check, struct json_object *schema, const char *key,
    struct json_object *value)
{
	const char *reference = text_of(schema, "$ref");
	const char *type = text_of(schema, "type");

	if (reference != NULL &&
	    !json_object_object_get_ex(check->schemas, reference, &schema))
		return refuse(check, key, "refers to an unknown schema");
	if (reference != NULL)
		type = text_of(schema, "type");
	if (type == NULL)
		return refuse(check, key, "without a type in the schema");
	if (strcmp(type, "string") == 0)
		return check_text(check, schema, key, value);
	if (strcmp(type, "array") == 0)
		return check_array(check, schema, key, value);
	if (strcmp(type, "object") == 0)
		return check_object(check, schema, key, value);
	if (strcmp(type, "integer") == 0 && json_object_is_type(value, json_type_int))
		return 0;
	if (strcmp(type, "boolean") == 0 &&
	    json_object_is_type(value, json_type_boolean))
		return 0;
	return refuse(check, key, "of another type");
}

int
schema_check(struct json_object *document, const char *name, struct json_object *value,
    char *why, size_t why_size)
{
	struct check check = {.why = why, .why_size = why_size};
	struct json_object *schema;

	if (!json_object_object_get_ex(document, "schemas", &check.schemas) ||
	    !json_object_object_get_ex(check.schemas, name, &schema))
		return refuse(&check, name, "no such schema");
	return check_value(&check, schema, name, value);
}
