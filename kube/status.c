/* Refusals: the server's Status objects. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "bounds.h"
#include "client.h"
#include "scan.h"

struct json_object *
kube_json_parse(const char *text, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *json;

	if (len == 0 || len > HTTP_BODY_MAX)
		return NULL;
	tokener = json_tokener_new_ex(SCAN_DEPTH_MAX);
	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, text, (int)len);
	if (json != NULL && !json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		json = NULL;
	}
	json_tokener_free(tokener);
	return json;
}

void
kube_json_free(struct json_object *json)
{
	json_object_put(json);
}

static struct json_object *
member(struct json_object *json, const char *name, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(json, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

/* Copies a text that may be longer than its place, and cuts it between two characters.
 */
static void
copy_text(struct json_object *json, const char *name, char *out, size_t size)
{
	struct json_object *value = member(json, name, json_type_string);
	const char *text = value != NULL ? json_object_get_string(value) : "";
	size_t len = strlen(text);

	if (len >= size)
		for (len = size - 1;
		     len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	memcpy(out, text, len);
	out[len] = '\0';
}

static int64_t
retry_after_ms(struct json_object *json)
{
	struct json_object *details = member(json, "details", json_type_object);
	struct json_object *seconds =
	    details != NULL ? member(details, "retryAfterSeconds", json_type_int)
			    : NULL;
	int64_t value = seconds != NULL ? json_object_get_int64(seconds) : 0;

	if (value <= 0)
		return -1;
	if (value > HTTP_RETRY_AFTER_MAX_MS / 1000)
		return HTTP_RETRY_AFTER_MAX_MS;
	return value * 1000;
}

int
kube_status_read(struct json_object *json, struct kube_status *ret_status)
{
	struct json_object *kind, *code;

	if (json == NULL)
		return -EBADMSG;
	kind = member(json, "kind", json_type_string);
	if (kind == NULL || strcmp(json_object_get_string(kind), "Status") != 0)
		return -EBADMSG;
	code = member(json, "code", json_type_int);
	ret_status->code = code != NULL ? json_object_get_int(code) : 0;
	copy_text(json, "reason", ret_status->reason, sizeof ret_status->reason);
	copy_text(json, "message", ret_status->message, sizeof ret_status->message);
	ret_status->retry_after_ms = retry_after_ms(json);
	return 0;
}
