#include "json_read.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
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

/* NULL when it is absent or null. */
static struct json_object *
member(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

int
json_read_text(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value = member(object, key);
	size_t len;

	out[0] = '\0';
	if (value == NULL)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return -EPROTO;
	len = (size_t)json_object_get_string_len(value);
	if (len >= size || memchr(json_object_get_string(value), '\0', len) != NULL)
		return -EPROTO;
	memcpy(out, json_object_get_string(value), len);
	out[len] = '\0';
	return 0;
}

int
json_read_id(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value = member(object, key);
	int len;

	if (!json_object_is_type(value, json_type_int))
		return json_read_text(object, key, out, size);
	len = snprintf(
	    out, size, "%llu", (unsigned long long)json_object_get_uint64(value));
	return len > 0 && (size_t)len < size ? 0 : -EPROTO;
}

static int
typed_member(struct json_object *object, const char *key, enum json_type type,
    struct json_object **ret_value)
{
	struct json_object *value = member(object, key);

	if (value != NULL && !json_object_is_type(value, type))
		return -EPROTO;
	*ret_value = value;
	return 0;
}

int
json_read_array(
    struct json_object *object, const char *key, struct json_object **ret_value)
{
	return typed_member(object, key, json_type_array, ret_value);
}

int
json_read_member(
    struct json_object *object, const char *key, struct json_object **ret_value)
{
	return typed_member(object, key, json_type_object, ret_value);
}
