#include "json_read.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

struct json_object *
json_read_object(const char *body, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *object;

	while (len > 0 && strchr(" \t\r\n", body[len - 1]) != NULL)
		len--;
	if (len == 0 || len > INT_MAX)
		return NULL;
	tokener = json_tokener_new_ex(JSON_READ_DEPTH_MAX);
	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, body, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != len ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

struct json_object *
json_read_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value))
		return NULL;
	return value;
}

const char *
json_read_string(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	if (text == NULL || strlen(text) != (size_t)json_object_get_string_len(value))
		return NULL;
	return text;
}

size_t
json_read_length(struct json_object *value)
{
	return json_object_is_type(value, json_type_array)
		   ? json_object_array_length(value)
		   : 0;
}

int
json_read_text(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value = json_read_member(object, key);
	const char *text = json_read_string(value);

	if (value == NULL)
		return 0;
	if (text == NULL || strlen(text) >= size)
		return -EINVAL;
	memcpy(out, text, strlen(text) + 1);
	return 1;
}

int
json_read_id(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value = json_read_member(object, key);
	char digits[32];

	if (!json_object_is_type(value, json_type_int))
		return json_read_text(object, key, out, size);
	snprintf(digits, sizeof digits, "%llu",
	    (unsigned long long)json_object_get_uint64(value));
	if (strlen(digits) >= size)
		return -EINVAL;
	memcpy(out, digits, strlen(digits) + 1);
	return 1;
}

int
json_read_number(struct json_object *object, const char *key, int64_t *ret_value)
{
	struct json_object *value = json_read_member(object, key);

	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, json_type_int))
		return -EINVAL;
	*ret_value = json_object_get_int64(value);
	return 1;
}

int
json_read_bool(struct json_object *object, const char *key, bool *ret_value)
{
	struct json_object *value = json_read_member(object, key);

	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return -EINVAL;
	*ret_value = json_object_get_boolean(value);
	return 1;
}

int
json_read_time(struct json_object *object, const char *key, struct wall_time *ret_time)
{
	struct json_object *value = json_read_member(object, key);
	const char *text = json_read_string(value);
	struct wall_time time;

	if (value == NULL)
		return 0;
	if (text == NULL || clock_parse(text, &time) < 0)
		return -EINVAL;
	*ret_time = time;
	return 1;
}

static int
read_typed(struct json_object *object, const char *key, enum json_type type,
    struct json_object **ret_value)
{
	struct json_object *value = json_read_member(object, key);

	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, type))
		return -EINVAL;
	*ret_value = value;
	return 1;
}

int
json_read_array(
    struct json_object *object, const char *key, struct json_object **ret_value)
{
	return read_typed(object, key, json_type_array, ret_value);
}

int
json_read_part(
    struct json_object *object, const char *key, struct json_object **ret_value)
{
	return read_typed(object, key, json_type_object, ret_value);
}
