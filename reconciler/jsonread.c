#include "jsonread.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

struct json_object *
jsonread_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value))
		return NULL;
	return value;
}

const char *
jsonread_string(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	if (text == NULL || strlen(text) != (size_t)json_object_get_string_len(value))
		return NULL;
	return text;
}

int
jsonread_text(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value = jsonread_member(object, key);
	const char *text = jsonread_string(value);

	if (value == NULL)
		return 0;
	if (text == NULL || strlen(text) >= size)
		return -EINVAL;
	memcpy(out, text, strlen(text) + 1);
	return 1;
}

int
jsonread_number(struct json_object *object, const char *key, int64_t *ret_value)
{
	struct json_object *value = jsonread_member(object, key);

	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, json_type_int))
		return -EINVAL;
	*ret_value = json_object_get_int64(value);
	return 1;
}

int
jsonread_bool(struct json_object *object, const char *key, bool *ret_value)
{
	struct json_object *value = jsonread_member(object, key);

	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return -EINVAL;
	*ret_value = json_object_get_boolean(value);
	return 1;
}

int
jsonread_time(struct json_object *object, const char *key, struct wall_time *ret_time)
{
	struct json_object *value = jsonread_member(object, key);
	const char *text = jsonread_string(value);
	struct wall_time time;

	if (value == NULL)
		return 0;
	if (text == NULL || clock_parse(text, &time) < 0)
		return -EINVAL;
	*ret_time = time;
	return 1;
}
