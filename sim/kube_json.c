#include "kube_json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The one character at `at`, as Go's error messages quote it. */
static void
describe_failure(
    const char *text, size_t len, size_t at, char *error, size_t error_size)
{
	size_t before = at;

	if (at >= len) {
		snprintf(error, error_size, "unexpected end of JSON input");
		return;
	}
	while (before > 0 && strchr(" \t\r\n", text[before - 1]) != NULL)
		before--;
	snprintf(error, error_size,
	    "invalid character '%c' looking for beginning of %s", text[at],
	    before > 0 && text[before - 1] == '{' ? "object key string" : "value");
}

struct json_object *
kube_json_parse(const char *text, size_t len, char *error, size_t error_size)
{
	struct json_tokener *tokener = json_tokener_new_ex(KUBE_JSON_DEPTH_MAX);
	struct json_object *json;
	enum json_tokener_error code;

	assert(tokener != NULL);
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* the NUL that follows every body ends a bare number */
	json = json_tokener_parse_ex(tokener, text, (int)len + 1);
	code = json_tokener_get_error(tokener);
	if (code != json_tokener_success) {
		describe_failure(
		    text, len, json_tokener_get_parse_end(tokener), error, error_size);
		json_object_put(json);
		json = NULL;
	} else if (json == NULL) {
		snprintf(error, error_size, "unexpected null");
	}
	json_tokener_free(tokener);
	return json;
}

struct json_object *
kube_json_member(const struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(json, json_type_object))
		return NULL;
	json_object_object_get_ex(json, key, &value);
	return value;
}

struct json_object *
kube_json_at(const struct json_object *json, const char *path)
{
	struct json_object *value = NULL;
	char key[128];

	for (;;) {
		size_t len = strcspn(path, ".");

		assert(len < sizeof key);
		memcpy(key, path, len);
		key[len] = '\0';
		value = kube_json_member(json, key);
		if (path[len] == '\0' || value == NULL)
			return value;
		json = value;
		path += len + 1;
	}
}

const char *
kube_json_text(const struct json_object *json, const char *path)
{
	struct json_object *value = kube_json_at(json, path);

	if (!json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

int64_t
kube_json_int(const struct json_object *json, const char *path, int64_t otherwise)
{
	struct json_object *value = kube_json_at(json, path);

	if (!json_object_is_type(value, json_type_int))
		return otherwise;
	return json_object_get_int64(value);
}

bool
kube_json_true(const struct json_object *json, const char *path)
{
	struct json_object *value = kube_json_at(json, path);

	return json_object_is_type(value, json_type_boolean) &&
	       json_object_get_boolean(value);
}

struct json_object *
kube_json_section(struct json_object *json, const char *key)
{
	struct json_object *value = kube_json_member(json, key);

	if (!json_object_is_type(value, json_type_object)) {
		value = json_object_new_object();
		json_object_object_add(json, key, value);
	}
	return value;
}

void
kube_json_set_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(json, key, json_object_new_string(text));
}

void
kube_json_set_int(struct json_object *json, const char *key, int64_t number)
{
	json_object_object_add(json, key, json_object_new_int64(number));
}

void
kube_json_set(struct json_object *json, const char *key, struct json_object *value)
{
	json_object_object_add(json, key, json_object_get(value));
}

struct json_object *
kube_json_copy(struct json_object *json)
{
	struct json_object *copy = NULL;
	int rc;

	if (json == NULL)
		return NULL;
	rc = json_object_deep_copy(json, &copy, NULL);
	assert(rc == 0);
	return copy;
}

const char *
kube_json_write(struct json_object *json, size_t *ret_len)
{
	size_t len = 0;
	const char *text = json_object_to_json_string_length(
	    json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	if (ret_len != NULL)
		*ret_len = len;
	return text;
}

const struct lh_entry *
kube_json_first(const struct json_object *json)
{
	if (!json_object_is_type(json, json_type_object))
		return NULL;
	return json_object_get_object(json)->head;
}

const char *
kube_json_key(const struct lh_entry *entry)
{
	return lh_entry_k(entry);
}

struct json_object *
kube_json_value(const struct lh_entry *entry)
{
	return lh_entry_v(entry);
}

size_t
kube_json_count(const struct json_object *json)
{
	if (json_object_is_type(json, json_type_array))
		return json_object_array_length(json);
	if (json_object_is_type(json, json_type_object))
		return (size_t)json_object_object_length(json);
	return 0;
}

void
kube_json_insert(struct json_object *array, size_t index, struct json_object *value)
{
	size_t len = json_object_array_length(array);

	assert(index <= len);
	json_object_array_add(array, value);
	for (size_t i = len; i > index; i--) {
		struct json_object *left = json_object_array_get_idx(array, i - 1);
		struct json_object *right = json_object_array_get_idx(array, i);

		json_object_get(left);
		json_object_get(right);
		json_object_array_put_idx(array, i, left);
		json_object_array_put_idx(array, i - 1, right);
	}
}

void
kube_json_quote(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

struct json_object *
kube_json_constant(const char *text)
{
	char error[128] = "";
	struct json_object *json =
	    kube_json_parse(text, strlen(text), error, sizeof error);

	assert(json != NULL);
	return json;
}
